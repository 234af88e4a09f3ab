//! The cookies of a session.

use actix_web::HttpRequest;

use crate::base::Secret;
use crate::cx::Cx;
use crate::http::cookies::{self, Purpose};
use crate::identity::sessions;
use crate::identity::sign_in::Success;
use crate::records::Session;

/// How long a browser is remembered as one its owner used, in seconds: a year.
pub(super) const DEVICE_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Sets the cookies of a new session; `lasts` says whether it outlives the browser's window.
pub(in crate::http) fn keep(request: &HttpRequest, cx: &Cx, success: &Success, lasts: bool) {
    keep_session(request, cx, (&success.token, &success.signed_in.session), lasts);
    cookies::set(request, cx, Purpose::Device, &success.device, Some(DEVICE_SECONDS));
}

/// Stands behind the token in a session cookie that ends with the browser's window, so that it does so too when it is
/// set anew.
const UNTIL_CLOSED: char = '~';

/// The token that the session cookie holds, and whether the cookie outlives the browser's window.
pub(in crate::http) fn session_cookie(request: &HttpRequest, cx: &Cx) -> Option<(Secret<String>, bool)> {
    let value = cookies::find(request, cx, Purpose::Session)?;
    Some(match value.strip_suffix(UNTIL_CLOSED) {
        Some(token) => (Secret::from(token), false),
        None => (Secret::new(value), true),
    })
}

/// Sets the session cookie; `lasts` says whether it outlives the browser's window. It never outlives the session.
pub(in crate::http) fn keep_session(
    request: &HttpRequest,
    cx: &Cx,
    (token, session): (&Secret<String>, &Session),
    lasts: bool,
) {
    let longest = sessions::end_of(cx, session).since(cx.now);
    let seconds = lasts.then(|| cx.settings().session.lifetime.min(longest).as_secs());
    let mark = if lasts { String::new() } else { UNTIL_CLOSED.to_string() };
    cookies::set(request, cx, Purpose::Session, &format!("{}{mark}", token.expose()), seconds);
}
