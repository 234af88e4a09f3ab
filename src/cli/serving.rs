//! `auther serve`: the process around the server.

use std::path::Path;
use std::sync::Arc;

use super::output::{Failure, say};
use crate::base::clock::SystemClock;
use crate::base::entropy::OsEntropy;
use crate::config::{Environment, Loaded, Overrides, Tls, reload};
use crate::serve::{self, Reload, Server, telemetry};
use crate::tenant::paths;

/// Serves until a signal ends it.
pub fn serve(overrides: Overrides) -> Result<(), Failure> {
    let loaded = super::configuration(&overrides)?;
    telemetry::start(&loaded.settings.log);
    actix_web::rt::System::new().block_on(run(loaded, overrides))
}

async fn run(loaded: Loaded, overrides: Overrides) -> Result<(), Failure> {
    let server = Server::open(loaded.settings.clone(), Arc::new(SystemClock), Arc::new(OsEntropy)).await;
    let server = server.map_err(|error| refused(&error))?;
    say(&welcome(&server))?;
    let again: Reload = Box::new(move |running: &Loaded| {
        reload(running, &overrides, &Environment::of_process(), Path::new("")).map_err(|mistakes| mistakes.to_string())
    });
    server.run_until_signal(loaded, again).await.map_err(|error| refused(&error))
}

fn refused(error: &serve::Error) -> Failure {
    if error.is_configuration() {
        Failure::usage("configuration", error.to_string())
    } else {
        Failure::new("not_started", error.to_string())
    }
}

/// What is served where, and what to do first.
fn welcome(server: &Server) -> String {
    let addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    let app = server.app();
    let settings = &app.settings;
    let certificate = match settings.tls {
        Tls::LocalCa => "TLS, certificate of the local CA: `auther admin ca` exports it",
        Tls::Files { .. } => "TLS, certificate from files",
        Tls::Off => "no TLS",
    };
    let mut lines = vec![
        format!("Auther {} serves {}", env!("CARGO_PKG_VERSION"), app.tenant.issuer),
        format!("  listens on  {} ({certificate})", addresses.join(", ")),
        format!("  data file   {}", settings.data.display()),
    ];
    if let Some(fingerprint) = server.ca_fingerprint() {
        lines.push(format!("  local CA    {}", app.tenant.urls.url(paths::LOCAL_CA)));
        lines.push(format!("  SHA-256     {fingerprint}"));
    }
    if let Some(url) = server.setup_url() {
        lines.push(String::new());
        lines.push(String::from("Make the first administrator with this link. It works once."));
        lines.push(format!("  {}", url.expose()));
    }
    lines.join("\n")
}
