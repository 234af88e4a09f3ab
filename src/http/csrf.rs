//! Requests that another site makes a browser send.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};

use crate::base::id::SessionId;
use crate::cx::Cx;
use crate::http::host;
use crate::http::respond::Refusal;

/// Keeps these tokens apart from other values under the same key.
const PURPOSE: &str = "csrf";

/// Whose page sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A page of our own origin.
    Ourselves,
    /// Any other page, or one that hides its origin.
    Foreign,
    /// The request does not say: not a browser, or a very old one.
    Unknown,
}

/// Whose page sent the request, by `Origin` (RFC 6454 §7) or else `Sec-Fetch-Site`.
pub fn sender(cx: &Cx, headers: &HeaderMap) -> Sender {
    let told = |ours: bool| if ours { Sender::Ourselves } else { Sender::Foreign };
    let mut origins = headers.get_all(header::ORIGIN);
    if let Some(origin) = origins.next() {
        return told(origins.next().is_none() && origin.as_bytes() == cx.tenant.urls.origin().as_bytes());
    }
    match headers.get("sec-fetch-site") {
        Some(site) => told(site == "same-origin" || site == "none"),
        None => Sender::Unknown,
    }
}

/// A request that changes something and is authenticated by cookie must not come from another site. Browsers name the
/// sender of every such request; one that names none is no browser, unless it has the shape of a plain form, which
/// needs no script to send.
pub fn allows(cx: &Cx, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    if method.is_safe() {
        return Ok(());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_form = matches!(&*essence, "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain");
    match sender(cx, headers) {
        Sender::Ourselves => Ok(()),
        Sender::Unknown if !is_form => Ok(()),
        _ => Err(host::foreign(cx, headers)),
    }
}

/// The token of a form drawn for this browser in this session: a tag over the browser, and one over both, so that a
/// form that is older than the session is known as one of this browser.
pub fn token(cx: &Cx, browser: &str, session: Option<&SessionId>) -> String {
    let sign = |bound: &str| cx.app.mac.sign(cx.tenant.purpose(PURPOSE), bound.as_bytes());
    format!("{}.{}", sign(browser), sign(&bound_to(browser, session)))
}

/// Whether the token is the one of a form drawn for this browser in this session.
pub fn fits(cx: &Cx, browser: &str, session: Option<&SessionId>, token: &str) -> bool {
    let of_session = token.split_once('.').map(|(_, tag)| tag);
    is_of_browser(cx, browser, token) && of_session.is_some_and(|tag| holds(cx, &bound_to(browser, session), tag))
}

/// Whether the token is the one of a form drawn for this browser, in whatever session.
pub fn is_of_browser(cx: &Cx, browser: &str, token: &str) -> bool {
    token.split_once('.').is_some_and(|(tag, _)| holds(cx, browser, tag))
}

fn holds(cx: &Cx, bound: &str, tag: &str) -> bool {
    cx.app.mac.verify(cx.tenant.purpose(PURPOSE), bound.as_bytes(), tag)
}

/// Whether a cookie value has the shape of a browser's name: what [`crate::base::Entropy`] gives as a token.
pub fn is_browser_name(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Neither half can hold the space between them.
fn bound_to(browser: &str, session: Option<&SessionId>) -> String {
    format!("{browser} {}", session.map_or("", SessionId::as_str))
}
