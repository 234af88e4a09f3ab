//! The operation a request asks for, as an extractor.

use std::cell::{Cell, RefCell};
use std::future::{Ready, poll_fn, ready};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::peer;
use crate::base::id::RequestId;
use crate::cx::{Cx, RequestFacts};
use crate::http::body_budget::{Full, Held};
use crate::http::respond::Refusal;
use crate::http::routes::Matched;
use crate::http::state::State;

/// The longest `User-Agent` we keep, in characters.
const MAX_USER_AGENT: usize = 256;

/// Who connected to the admin socket. The server puts it into the connection's data (`HttpServer::on_connect`);
/// requests over TCP have none. The socket admits root and the owner of the data file only, so its presence is the
/// authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPeer {
    /// User id of the process at the other end.
    pub uid: u32,
}

/// Somebody at the admin socket who is not let in by it. The server puts it into the connection's data: such a request
/// has no address, and is that of a stranger whose address is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger;

/// What the server notes of a connection over the network, in the connection's data; shared with what watches it.
#[derive(Debug)]
pub struct Connection {
    /// Whether it is one of the reserve, on which only the state of the server is told.
    pub is_reserved: bool,
    open: Cell<usize>,
    ended: Cell<u64>,
}

/// Requests of one connection that are answered at once (HTTP/2).
const MOST_OPEN: usize = 128;

impl Connection {
    /// A connection without requests.
    pub fn new(is_reserved: bool) -> Rc<Self> {
        Rc::new(Self { is_reserved, open: Cell::new(0), ended: Cell::new(0) })
    }

    /// How many requests have ended on it; `None` while one is open.
    pub fn idle_since(&self) -> Option<u64> {
        (self.open.get() == 0).then(|| self.ended.get())
    }

    /// A request begins.
    pub(in crate::http) fn begin(request: &ServiceRequest) -> Option<OpenRequest> {
        request.conn_data::<Rc<Self>>().map(OpenRequest::on)
    }
}

/// A request that is open on a connection, until this is dropped.
pub(in crate::http) struct OpenRequest(Rc<Connection>);

impl OpenRequest {
    fn on(connection: &Rc<Connection>) -> Self {
        connection.open.set(connection.open.get() + 1);
        Self(Rc::clone(connection))
    }

    /// Whether nothing but the state of the server is told on the connection.
    pub(in crate::http) fn is_reserved(&self) -> bool {
        self.0.is_reserved
    }

    /// Whether the connection has more open requests than one may have.
    pub(in crate::http) fn is_one_too_many(&self) -> bool {
        self.0.open.get() > MOST_OPEN
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
        self.0.ended.set(self.0.ended.get().wrapping_add(1));
    }
}

/// The name of the request-id header, both ways.
pub(in crate::http) const REQUEST_ID: &str = "x-request-id";

/// Begins the operation of a request: made once by the guard, then shared by every extractor.
pub(in crate::http) fn begin(request: &ServiceRequest, state: &State, matched: &Matched) -> Cx {
    let app = state.app.load();
    let trusted = &app.settings.trusted_proxies;
    let is_local = request.conn_data::<LocalPeer>().is_some();
    // The address that the library makes up for a Unix connection is nobody's.
    let is_of_network = !is_local && request.conn_data::<Stranger>().is_none();
    let peer = request.peer_addr().filter(|_| is_of_network).map(|peer| peer.ip().to_canonical());
    let ip = peer.and_then(|peer| peer::client_address(peer, request.headers(), trusted));
    let is_unknown = !is_local && ip.is_none();
    let unnamed_by = is_unknown.then(|| peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
    // Elsewhere than where every caller may, only a trusted proxy names the request.
    let may_name = |peer: &IpAddr| matched.names_requests || peer::is_trusted(*peer, trusted);
    let given = peer.filter(may_name).and_then(|_| given_id(request));
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let user_agent = user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect());
    let id = given.unwrap_or_else(|| RequestId::new(app.clock.now(), &*app.entropy).to_string());
    Cx::for_request(app, RequestFacts { id, ip, unnamed_by, user_agent })
}

/// The request id a proxy gave: `[A-Za-z0-9._-]{1,64}`, exactly one.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let mut given = request.headers().get_all(REQUEST_ID);
    let id = given.next()?.to_str().ok()?;
    let fit = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    (fit && given.next().is_none()).then(|| id.to_owned())
}

/// What is known of a request while it is handled; in its extensions from the guard on.
pub(in crate::http) struct Operation {
    cx: Cx,
    /// Proofs of who asks that have begun and not ended.
    proofs: Cell<usize>,
    /// Whether one of them succeeded.
    is_known: Cell<bool>,
    /// Waits for the proofs, to read the body.
    reader: Cell<Option<Waker>>,
    /// What the body takes, until the request is over.
    held: RefCell<Vec<Held>>,
}

impl Operation {
    /// Puts an operation that began into the request's extensions.
    pub(in crate::http) fn begin(request: &ServiceRequest, cx: &Cx) {
        let (proofs, is_known, reader) = (Cell::new(0), Cell::new(false), Cell::new(None));
        let operation = Self { cx: cx.clone(), proofs, is_known, reader, held: RefCell::default() };
        request.extensions_mut().insert(operation);
    }
}

/// The operation of a request, as the guard began it.
pub fn operation(request: &HttpRequest) -> Result<Cx, Refusal> {
    let cx = request.extensions().get::<Operation>().map(|operation| operation.cx.clone());
    cx.ok_or_else(|| Refusal::internal("the guard is not around this route"))
}

/// A proof of who asks that has begun: no body of the request is read before it ends, wherever both stand in a
/// handler's signature.
struct Proof(HttpRequest);

impl Proof {
    fn begin(request: &HttpRequest) -> Self {
        if let Some(operation) = request.extensions().get::<Operation>() {
            operation.proofs.set(operation.proofs.get() + 1);
        }
        Self(request.clone())
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        let extensions = self.0.extensions();
        let Some(operation) = extensions.get::<Operation>() else { return };
        operation.proofs.set(operation.proofs.get().saturating_sub(1));
        if let Some(reader) = operation.reader.take() {
            reader.wake();
        }
    }
}

/// Carries out a proof of who asks. Bodies wait for it, and may be larger when it gives somebody. To be called by an
/// extractor before its future is polled: all extractors of a handler begin before the first goes on.
pub(in crate::http) fn prove<T: 'static>(
    request: &HttpRequest,
    proof: impl Future<Output = Result<T, Refusal>> + 'static,
    is_somebody: impl Fn(&T) -> bool + 'static,
) -> Pin<Box<dyn Future<Output = Result<T, Refusal>>>> {
    let open = Proof::begin(request);
    Box::pin(async move {
        let proved = proof.await?;
        if is_somebody(&proved) {
            is_known_now(&open.0);
        }
        drop(open);
        Ok(proved)
    })
}

/// Notes that the caller is known: from now on a body of theirs may be as large as the route takes.
pub(in crate::http) fn is_known_now(request: &HttpRequest) {
    if let Some(operation) = request.extensions().get::<Operation>() {
        operation.is_known.set(true);
    }
}

/// Waits until nobody is being proved any more, and says whether the caller is known.
pub(super) async fn is_known(request: &HttpRequest) -> bool {
    poll_fn(|context| match request.extensions().get::<Operation>() {
        Some(operation) if operation.proofs.get() > 0 => {
            operation.reader.set(Some(context.waker().clone()));
            Poll::Pending
        }
        operation => Poll::Ready(operation.is_some_and(|operation| operation.is_known.get())),
    })
    .await
}

/// Takes room for what was made of a body, besides the body itself, in bytes. Refused when too much is held.
pub(super) fn charge(request: &HttpRequest, bytes: usize) -> Result<(), Refusal> {
    let extensions = request.extensions();
    let Some(operation) = extensions.get::<Operation>() else { return Ok(()) };
    match operation.held.borrow_mut().last_mut() {
        Some(held) => held.charge(bytes).map_err(|Full| Refusal::busy(1)),
        None => Ok(()),
    }
}

/// Keeps what a body takes in the count until the request is over.
pub(super) fn keep_held(request: &HttpRequest, held: Held) {
    if let Some(operation) = request.extensions().get::<Operation>() {
        operation.held.borrow_mut().push(held);
    }
}

impl FromRequest for Cx {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(operation(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_knows_its_requests_and_when_they_are_too_many() {
        let connection = Connection::new(false);
        assert_eq!(connection.idle_since(), Some(0));
        let mut open: Vec<OpenRequest> = (0..MOST_OPEN).map(|_| OpenRequest::on(&connection)).collect();
        assert!(!open[0].is_one_too_many() && connection.idle_since().is_none());
        open.push(OpenRequest::on(&connection));
        assert!(open[0].is_one_too_many());
        open.pop();
        assert!(!open[0].is_one_too_many());
        drop(open);
        assert_eq!(connection.idle_since(), Some(u64::try_from(MOST_OPEN).unwrap() + 1));
    }
}
