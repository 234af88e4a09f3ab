//! Our cookies: their names, their attributes, and how a handler sets one.

use std::borrow::Cow;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};

use crate::base::id::TenantId;
use crate::cx::Cx;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The session token.
    Session,
    /// A random name of the browser, which its forms are bound to.
    Browser,
    /// Says that the owner of an account signed in from here before.
    Device,
    /// The token of a sign-in that has begun and is not complete. It opens nothing.
    Authentication,
    /// Says that the browser opened a page under another address and was led to the issuer's.
    Led,
}

impl Purpose {
    /// The cookie's name: with the `__Host-` prefix (RFC 6265bis §4.1.3.2) unless the issuer is plain HTTP on loopback,
    /// where browsers would not keep it. Every tenant but the default one has its number behind it. The prefix demands
    /// the path `/`, so the name tells tenants apart.
    pub fn name(self, cx: &Cx) -> Cow<'static, str> {
        let name = match (self, cx.tenant.urls.is_https()) {
            (Self::Session, true) => "__Host-auther_session",
            (Self::Session, false) => "auther_session",
            (Self::Browser, true) => "__Host-auther_browser",
            (Self::Browser, false) => "auther_browser",
            (Self::Device, true) => "__Host-auther_device",
            (Self::Device, false) => "auther_device",
            (Self::Authentication, true) => "__Host-auther_authentication",
            (Self::Authentication, false) => "auther_authentication",
            (Self::Led, true) => "__Host-auther_led",
            (Self::Led, false) => "auther_led",
        };
        match cx.tenant.id {
            TenantId::DEFAULT => Cow::Borrowed(name),
            TenantId(number) => Cow::Owned(format!("{name}_{number}")),
        }
    }
}

/// Set-Cookie lines that wait for the response; kept in the request's extensions, written by the guard.
#[derive(Default)]
pub(in crate::http) struct Pending(pub Vec<Cookie<'static>>);

/// The value of our cookie, as it came: the first of its name. Each pair stands for itself (RFC 6265 §5.4), so what
/// cannot be read of other programs on the same host hides none of them.
pub fn find(request: &HttpRequest, cx: &Cx, purpose: Purpose) -> Option<String> {
    let name = purpose.name(cx);
    let fields = request.headers().get_all(header::COOKIE);
    let mut pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| value_of(pair.trim_ascii(), name.as_bytes()))
}

fn value_of(pair: &[u8], name: &[u8]) -> Option<String> {
    let value = pair.strip_prefix(name)?.strip_prefix(b"=")?;
    Some(std::str::from_utf8(value).ok()?.to_owned())
}

/// Sets a cookie with the response, whatever the handler answers. `lasts` is its `Max-Age` in seconds; `None` ends with
/// the browser.
pub fn set(request: &HttpRequest, cx: &Cx, purpose: Purpose, value: &str, lasts: Option<u64>) {
    let mut cookie = plain(cx, purpose, value.to_owned());
    cookie.set_max_age(lasts.map(|seconds| Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX))));
    queue(request, cookie);
}

/// Removes a cookie with the response.
pub fn remove(request: &HttpRequest, cx: &Cx, purpose: Purpose) {
    let mut cookie = plain(cx, purpose, String::new());
    cookie.make_removal();
    queue(request, cookie);
}

fn plain(cx: &Cx, purpose: Purpose, value: String) -> Cookie<'static> {
    Cookie::build(purpose.name(cx), value)
        .path("/")
        .http_only(true)
        .secure(cx.tenant.urls.is_https())
        .same_site(SameSite::Lax)
        .finish()
}

fn queue(request: &HttpRequest, cookie: Cookie<'static>) {
    let mut extensions = request.extensions_mut();
    if !extensions.contains::<Pending>() {
        extensions.insert(Pending::default());
    }
    if let Some(pending) = extensions.get_mut::<Pending>() {
        // The last word on a cookie counts: a slid session that then signs out is signed out.
        pending.0.retain(|other| other.name() != cookie.name());
        pending.0.push(cookie);
    }
}
