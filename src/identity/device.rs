//! The device cookie: proof that a person signed in with this browser before.
//!
//! Failures of such a browser are counted apart from those of strangers, so that strangers cannot keep a person waiting
//! in the browsers they use. It proves nothing else: it signs nobody in.

use crate::base::id::UserId;
use crate::cx::Cx;

const PURPOSE: &str = "device";

/// A new cookie value for this person: `usr_….nonce.mac`.
pub(super) fn issue(cx: &Cx, user: &UserId) -> String {
    let fact = format!("{user}.{}", cx.entropy().token());
    let mac = cx.app.mac.sign(cx.tenant.purpose(PURPOSE), fact.as_bytes());
    format!("{fact}.{mac}")
}

/// The nonce of a cookie that was issued to this person; `None` for everything else. The tag is computed whether there
/// is such a person or not, so that the time it takes tells nothing.
pub(super) fn nonce_for<'a>(cx: &Cx, cookie: &'a str, user: Option<&UserId>) -> Option<&'a str> {
    let (fact, mac) = cookie.rsplit_once('.')?;
    let (owner, nonce) = fact.split_once('.')?;
    let is_ours = cx.app.mac.verify(cx.tenant.purpose(PURPOSE), fact.as_bytes(), mac);
    (is_ours && user.is_some_and(|user| owner == user.as_str())).then_some(nonce)
}
