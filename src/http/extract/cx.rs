//! The operation a request asks for, as an extractor.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::peer;
use crate::base::id::RequestId;
use crate::cx::{Cx, RequestFacts};
use crate::http::State;
use crate::http::respond::Refusal;
use crate::http::routes::Matched;

/// The longest `User-Agent` we keep, in characters.
const MAX_USER_AGENT: usize = 256;

/// Who connected to the admin socket. The server puts it into the connection's data (`HttpServer::on_connect`); requests over TCP
/// have none. The socket admits root and the owner of the data file only, so its presence is the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPeer {
    /// User id of the process at the other end.
    pub uid: u32,
}

/// Somebody at the admin socket who is not let in by it. The server puts it into the connection's data: such a request has no address, and is that
/// of a stranger whose address is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger;

/// The name of the request-id header, both ways.
pub(in crate::http) const REQUEST_ID: &str = "x-request-id";

/// Begins the operation of a request: made once by the guard, then shared by every extractor.
pub(in crate::http) fn begin(request: &ServiceRequest, state: &State, matched: &Matched) -> Cx {
    let home = state.home.load();
    let trusted = &home.settings.trusted_proxies;
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
    let id = given.unwrap_or_else(|| RequestId::new(home.clock.now(), &*home.entropy).to_string());
    Cx::for_request(home, RequestFacts { id, ip, unnamed_by, user_agent })
}

/// The request id a proxy gave: `[A-Za-z0-9._-]{1,64}`, exactly one.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let mut given = request.headers().get_all(REQUEST_ID);
    let id = given.next()?.to_str().ok()?;
    let fit = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    (fit && given.next().is_none()).then(|| id.to_owned())
}

/// The operation of a request, as the guard began it.
pub fn operation(request: &HttpRequest) -> Result<Cx, Refusal> {
    request.extensions().get::<Cx>().cloned().ok_or_else(|| Refusal::internal("the guard is not around this route"))
}

impl FromRequest for Cx {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(operation(request))
    }
}
