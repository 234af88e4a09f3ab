//! The server that a command becomes when none runs: the same API, on a private socket, for one call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;

use super::socket::{self, Bound};
use super::{Error, first_boot, introduce, jobs, tls};
use crate::base::{Clock, Entropy};
use crate::config::{self, Settings};
use crate::cx::{Application, Cx};
use crate::http;
use crate::store::{Options, Store};

/// An open data file that answers on a socket nobody else learns of.
pub struct OneCall {
    app: Arc<Application>,
    socket: PathBuf,
    bound: Bound,
    handle: ServerHandle,
}

impl OneCall {
    /// Opens the data file, or makes it, and listens. Errors: as [`super::Server::open`]; [`Error::is_in_use`] tells
    /// that another process was faster.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        let options = Options { cache_bytes: settings.store.cache_bytes, ..Options::default() };
        let data = settings.data.clone();
        let store = Store::open(&data, &options)?;
        let local_ca = settings.tls == config::Tls::LocalCa;
        let app = first_boot::install(store, settings, clock, entropy).await?;
        if local_ca {
            tls::ensure_ca(&app).await?;
        }
        // Anyone who holds the file is alone, so one name is enough; a socket that a killed command left is replaced.
        let socket = socket::path_of(&data).with_extension("sock.call");
        let (bound, listener) =
            Bound::listen(&socket, &data).map_err(|cause| Error::Socket { path: socket.clone(), cause })?;
        let (state, owner) = (http::State::new(app.clone()), bound.owner());
        let server = HttpServer::new(move || http::app(state.clone()))
            .workers(1)
            .disable_signals()
            .on_connect(move |stream, data| introduce(stream, owner, data))
            .listen_uds(listener)?
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(Self { app, socket, bound, handle })
    }

    /// Where it answers.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops answering, writes down what it kept in memory, and closes the file.
    pub async fn close(self) {
        self.handle.stop(false).await;
        drop(self.bound);
        jobs::write_down(&Cx::for_system(self.app.clone())).await;
        self.app.store.close();
    }
}
