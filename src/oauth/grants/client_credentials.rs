//! A client acting for itself (RFC 6749 §4.4).

use super::TokenAnswer;
use crate::cx::Cx;
use crate::oauth::{Error, Params, mint, scope};
use crate::records::Client;

/// A token whose subject is the client. No refresh token: "A refresh token SHOULD NOT be included" (RFC 6749 §4.4.3).
/// Nothing is stored, so nothing is written; the log line of the request names the client.
pub(super) fn exchange(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let scopes = scope::requested_by_machine(&params.words("scope"), client)?;
    let access = mint::machine_token(cx, client, &scopes)?;
    Ok(TokenAnswer {
        access_token: access.token,
        token_type: "Bearer",
        expires_in: access.expires_in,
        refresh_token: None,
        id_token: None,
        scope: scopes.join(" "),
    })
}
