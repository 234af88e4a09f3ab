//! Requests for another authority (RFC 9110 §7.2: host and port) than the issuer's: somebody opened a page by the
//! machine's address, or under an old name. Cookies and origins are the issuer's, so no form would work there.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, LOCATION};
use actix_web::http::{Method, StatusCode};
use url::Url;

use super::cookies;
use super::respond::Refusal;
use crate::config::is_loopback;
use crate::cx::Cx;

/// For how long a browser that was led to the issuer is not led there again, in seconds: behind a proxy that writes its
/// own `Host` the address is right, and nothing here tells so.
const LED_SECONDS: u64 = 24 * 60 * 60;

/// Longest origin that is repeated to a person, in bytes.
const MOST_OF_ORIGIN: usize = 300;

/// The origin under which a page of this server was opened that sent the request, where that is not the issuer's:
/// browsers say in `Origin` where the page is from, and in `Sec-Fetch-Site` or by the same `Host` that the request goes
/// to the same place.
pub fn opened_at<'h>(cx: &Cx, headers: &'h HeaderMap) -> Option<&'h str> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let (_, authority) = origin.split_once("://")?;
    let is_here = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
        || headers.get(header::HOST).is_some_and(|host| host == authority);
    (is_here && origin != cx.tenant.urls.origin() && origin.len() <= MOST_OF_ORIGIN).then_some(origin)
}

/// The refusal of a request that a page of another origin sent: of one under another address of this server in words
/// that name both.
pub fn foreign(cx: &Cx, headers: &HeaderMap) -> Refusal {
    match opened_at(cx, headers) {
        Some(opened) => {
            let issuer = cx.tenant.urls.issuer();
            let message = format!(
                "This page was opened at {opened}, but the address of this server is {issuer}: open it there. Nothing was changed."
            );
            Refusal::new(StatusCode::FORBIDDEN, "wrong_address", message)
        }
        None => Refusal::foreign(),
    }
}

/// What a browser gets that opens a page under another authority: it is led to the issuer, once. Where only the
/// server's own machine could follow, it gets the name instead (421, RFC 9110 §15.5.20).
pub fn lead(cx: &Cx, request: &ServiceRequest) -> Option<Result<HttpResponse, Refusal>> {
    if request.method() != Method::GET || !is_navigation(request.headers()) {
        return None;
    }
    let asked = asked_for(cx, request)?;
    let (ours, asked) = (Url::parse(cx.tenant.urls.origin()).ok()?, same_scheme(cx, &asked)?);
    if (ours.host(), ours.port_or_known_default()) == (asked.host(), asked.port_or_known_default()) {
        return None;
    }
    if is_this_machine(&ours) && !is_this_machine(&asked) {
        return Some(Err(unreachable(cx, &asked)));
    }
    if cookies::find(request.request(), cx, cookies::Purpose::Led).is_some() {
        return None;
    }
    cookies::set(request.request(), cx, cookies::Purpose::Led, "1", Some(LED_SECONDS));
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", cx.tenant.urls.origin());
    Some(Ok(HttpResponse::Found()
        .insert_header((LOCATION, url))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()))
}

/// Whether a person opens an address: browsers say so in `Sec-Fetch-Mode`, to plain addresses in
/// `Upgrade-Insecure-Requests`. What watches the server from inside its network is left alone.
fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => headers.contains_key(header::UPGRADE_INSECURE_REQUESTS),
    }
}

/// The authority that was asked for: as a trusted proxy says, else as the request does.
fn asked_for(cx: &Cx, request: &ServiceRequest) -> Option<String> {
    let trusted = &cx.app.settings.trusted_proxies;
    let peer = request.peer_addr()?.ip().to_canonical();
    let forwarded = request.headers().get("x-forwarded-host").and_then(|host| host.to_str().ok());
    match forwarded.filter(|_| trusted.iter().any(|network| network.contains(&peer))) {
        Some(host) => Some(host.split(',').next().unwrap_or_default().trim().to_owned()),
        None => match request.uri().authority() {
            Some(authority) => Some(authority.as_str().to_owned()),
            None => Some(request.headers().get(header::HOST)?.to_str().ok()?.to_owned()),
        },
    }
}

fn same_scheme(cx: &Cx, authority: &str) -> Option<Url> {
    let scheme = if cx.tenant.urls.is_https() { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{authority}")).ok().filter(|url| url.username().is_empty() && url.path() == "/")
}

fn is_this_machine(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback(&host))
}

fn unreachable(cx: &Cx, asked: &Url) -> Refusal {
    let issuer = cx.tenant.urls.issuer();
    let asked = asked.origin().ascii_serialization();
    let message = format!(
        "The address of this server is {issuer}, which only its own machine can open. Who runs it sets `issuer = \"{asked}\"` (or a name) in auther.toml and starts it again."
    );
    Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_address", message)
}
