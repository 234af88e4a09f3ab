//! The listeners: what stands between a connection and the application. A connection is counted before its handshake,
//! and as long as it lasts.

use std::io;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_http::{Extensions, HttpService, Protocol, TlsAcceptorConfig};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server, Service, ServiceFactory};
use rustls::ServerConfig;
use tokio::net::{TcpStream, UnixStream};

use super::connections::{Connections, RESERVE_LASTS, Ticket};
use super::{CLOSING, GRACE, HANDSHAKE, HEAD, KEEP_ALIVE, introduce, plain_http};
use crate::cx::Current;
use crate::http;
use crate::http::extract::Connection;

/// How much of one request's body, and of all of one connection, HTTP/2 sends ahead of being read, in bytes (RFC 9113
/// §6.9): what strangers may make us hold before anybody has looked at it.
const WINDOWS: (u32, u32) = (64 * 1024, 256 * 1024);

tokio::task_local! {
    /// What is noted of the connection that is served.
    static CONNECTION: Rc<Connection>;
}

/// What the listeners are given.
pub(super) struct Listeners {
    /// The admin socket, and who may administer besides root.
    pub admin: (UnixListener, u32),
    /// The public ones.
    pub public: Vec<TcpListener>,
    /// Speaks TLS on the public ones.
    pub tls: Option<ServerConfig>,
}

/// The application for connections of one kind.
macro_rules! application {
    ($state:expr, $ending:expr, $meet:expr) => {{
        let ending = $ending.clone();
        let app = http::app($state.clone()).into_factory().map_err(|error: actix_web::Error| error.error_response());
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let ending = ending.clone();
                async move { ending.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(CLOSING)
            // Who closes their side of a connection waits for no answer: the work for it stops.
            .h1_allow_half_closed(false)
            .h2_initial_window_size(WINDOWS.0)
            .h2_initial_connection_window_size(WINDOWS.1)
            .on_connect_ext($meet)
            .finish(map_config(app, |_| AppConfig::default()))
    }};
}

/// A server on these listeners that ends with `shutdown`. It runs once it is awaited.
pub(super) fn serve(
    (state, app, connections): (http::State, Current, Arc<Connections>),
    workers: usize,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Server> {
    let server = Server::build().workers(workers).shutdown_timeout(GRACE).disable_signals().shutdown_signal(shutdown);
    let ending = server.graceful_shutdown_signal();
    let (socket, owner) = listeners.admin;
    let (its_state, its_ending) = (state.clone(), ending.clone());
    let mut server = server.listen_uds("admin", socket, move || {
        let meet = move |stream: &UnixStream, data: &mut Extensions| introduce(stream, owner, data);
        fn_service(|stream: UnixStream| async { Ok((stream, Protocol::Http1, None)) })
            .and_then(application!(its_state, its_ending, meet))
    })?;
    for listener in listeners.public {
        let (state, ending) = (state.clone(), ending.clone());
        let gate = (app.clone(), connections.clone());
        server = match listeners.tls.clone() {
            Some(tls) => server.listen("public", listener, move || {
                let handshake = TlsAcceptorConfig::default().handshake_timeout(HANDSHAKE);
                let service = application!(state, ending, meet).rustls_0_23_with_config(tls.clone(), handshake);
                Gate { gate: gate.clone(), service, speaks_tls: true }
            })?,
            None => server.listen("public", listener, move || {
                let service = application!(state, ending, meet).tcp();
                Gate { gate: gate.clone(), service, speaks_tls: false }
            })?,
        };
    }
    Ok(server.run())
}

/// Notes what a connection of the public listeners is.
fn meet<T>(_: &T, data: &mut Extensions) {
    if let Ok(connection) = CONNECTION.try_with(Rc::clone) {
        data.insert(connection);
    }
}

/// Ends when a connection has been there for too long: one of the reserve after a few seconds, every other when no
/// request of it has begun and ended for longer than an idle one is kept. The library's own timers do not see a peer
/// that sends half of a second request, or does not read its answers.
async fn outlasts(connection: &Connection) {
    if connection.is_reserved {
        return tokio::time::sleep(RESERVE_LASTS).await;
    }
    loop {
        let before = connection.idle_since();
        tokio::time::sleep(KEEP_ALIVE + HEAD).await;
        if before.is_some() && connection.idle_since() == before {
            return;
        }
    }
}

/// Lets connections in, or not, before anything of them is read.
struct Gate<F> {
    gate: (Current, Arc<Connections>),
    service: F,
    speaks_tls: bool,
}

impl<F> ServiceFactory<TcpStream> for Gate<F>
where
    F: ServiceFactory<TcpStream, Config = (), Response = ()>,
    F::Future: 'static,
    F::Service: 'static,
{
    type Response = ();
    type Error = F::Error;
    type Config = ();
    type Service = Gated<F::Service>;
    type InitError = F::InitError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Service, F::InitError>>>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (gate, service, speaks_tls) = (self.gate.clone(), self.service.new_service(()), self.speaks_tls);
        Box::pin(async move { Ok(Gated { gate, service: Rc::new(service.await?), speaks_tls }) })
    }
}

/// A [`Gate`] on a worker.
struct Gated<S> {
    gate: (Current, Arc<Connections>),
    service: Rc<S>,
    speaks_tls: bool,
}

impl<S> Gated<S> {
    fn admit(&self, stream: &TcpStream) -> Option<Ticket> {
        let (app, connections) = &self.gate;
        // A peer that is gone already has no address any more.
        let peer = stream.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        let is_proxy = || app.load().settings.trusted_proxies.iter().any(|network| network.contains(&peer));
        connections.admit(peer, peer.is_loopback() || is_proxy())
    }
}

impl<S> Service<TcpStream> for Gated<S>
where
    S: Service<TcpStream, Response = ()> + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        let Some(ticket) = self.admit(&stream) else { return Box::pin(std::future::ready(Ok(()))) };
        let service = Rc::clone(&self.service);
        let tls_of = self.speaks_tls.then(|| self.gate.0.clone());
        Box::pin(async move {
            if let Some(app) = tls_of {
                match plain_http::is_spoken(&stream, HANDSHAKE).await {
                    Some(false) => {}
                    Some(true) => {
                        plain_http::answer(stream, app.load().tenant.urls.issuer(), CLOSING).await;
                        return Ok(());
                    }
                    // Who begins no handshake in its time does not get that time again.
                    None => return Ok(()),
                }
            }
            let connection = Connection::new(ticket.is_reserved);
            let served = CONNECTION.scope(Rc::clone(&connection), async { service.call(stream).await });
            let ended = tokio::select! {
                ended = served => ended,
                () = outlasts(&connection) => Ok(()),
            };
            drop(ticket);
            ended
        })
    }
}
