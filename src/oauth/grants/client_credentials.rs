//! A client acting for itself (RFC 6749 §4.4).

use super::TokenAnswer;
use crate::audit::{self, Entry, Event};
use crate::cx::Cx;
use crate::oauth::{Error, Params, mint, scope};
use crate::records::Client;

/// A token whose subject is the client. No refresh token: "A refresh token SHOULD NOT be included" (RFC 6749 §4.4.3).
/// Nothing is stored; the audit log is told once a minute.
pub(super) fn exchange(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let asked = params.words("scope");
    let scopes = scope::requested_by_machine(&asked, client)?;
    let access = mint::machine_token(cx, client, &scopes)?;
    audit::tell(cx, &format!("token.issue {}", client.id), || {
        (Entry::new(cx).target(&client.id), Event::TokenIssue { grant_type: Some("client_credentials") })
    });
    Ok(TokenAnswer {
        access_token: access.token,
        token_type: "Bearer",
        expires_in: access.expires_in,
        refresh_token: None,
        id_token: None,
        // "OPTIONAL, if identical to the scope requested by the client; otherwise, REQUIRED" (RFC 6749 §5.1).
        scope: (!asked.is_empty()).then(|| scopes.join(" ")),
    })
}
