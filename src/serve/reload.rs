//! SIGHUP: certificates and reloadable settings are read again while the server serves.

use std::sync::Arc;

use tokio::signal::unix::Signal;

use super::Tasks;
use super::telemetry;
use crate::config::Loaded;
use crate::cx::{Cx, Turn};
use crate::oauth;

/// Reads the configuration again: what is in effect now, and the keys whose new values wait for a restart; or every
/// mistake, one per line.
pub type Reload = Box<dyn Fn(&Loaded) -> Result<(Loaded, Vec<&'static str>), String>>;

/// Reloads at every signal. What is wrong is logged, and what was in effect stays in effect.
pub(super) async fn keep(mut hangup: Signal, tasks: Arc<Tasks>, mut running: Loaded, again: Reload) {
    while hangup.recv().await.is_some() {
        if let Some(tls) = tasks.tls() {
            match tls.reload(&tasks.app()).await {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!(%error, "the new certificate is not used"),
            }
        }
        let turn = tasks.turn().await;
        match again(&running) {
            Ok((fresh, waiting)) => {
                if let Err(error) = apply(&tasks, &turn, &fresh).await {
                    tracing::error!(%error, "the new configuration is not used");
                    continue;
                }
                running = fresh;
                tracing::info!("the configuration was read again");
                telemetry::warn_of(&running.settings);
                if !waiting.is_empty() {
                    tracing::warn!(keys = waiting.join(", "), "these settings change at the next start");
                }
            }
            Err(mistakes) => tracing::error!(%mistakes, "the new configuration is not used"),
        }
    }
}

/// Brings the configuration into effect, or nothing of it: what can fail comes first. `fresh` was read while the turn
/// lasted, so that an older configuration does not take the place of a newer one.
pub(super) async fn apply(tasks: &Tasks, turn: &Turn<'_>, fresh: &Loaded) -> Result<(), oauth::clients::Error> {
    oauth::clients::declare(&Cx::for_system(tasks.app()), &fresh.settings.clients).await?;
    telemetry::set_level(&fresh.settings.log);
    tasks.reconfigure(turn, fresh.settings.clone());
    Ok(())
}
