//! Which web origins may call the endpoints that browsers use.

use super::{Error, redirect};
use crate::cx::Cx;
use crate::store::rows;

/// Whether an origin belongs to an app: registered for it, or the origin of one of its redirect URIs. Read from the
/// store each time, so that a change takes effect at once.
pub fn is_allowed(cx: &Cx, origin: &str) -> Result<bool, Error> {
    if !redirect::is_origin(origin) {
        return Ok(false);
    }
    let clients = rows::clients::all(&cx.read()?, cx.tenant.id)?;
    Ok(clients.iter().filter(|client| !client.disabled).any(|client| {
        client.origins.iter().any(|allowed| allowed == origin)
            || client.redirect_uris.iter().any(|uri| redirect::origin(uri).as_deref() == Some(origin))
    }))
}
