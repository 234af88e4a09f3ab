//! What is told about requests to the token endpoint, and of clients' proofs, that were refused: a row of the audit
//! log, and an entry among the failures of the app. Nobody waits for either, so that no time tells which clients there
//! are.

use super::clients::{self, failures};
use super::{Error, ErrorCode, Params, Reason};
use crate::audit::{self, Entry, Event};
use crate::crypto::jose;
use crate::cx::Cx;
use crate::records::{Client, GrantType};

/// The longest value of a request that is told, in characters.
const SHOWN: usize = 200;

/// Tells that a client could not prove who it is. `named` is the client that the request names. Anyone who guesses
/// names of clients is told by the address alone.
pub(super) fn tell_proof(cx: &Cx, params: &Params, named: Option<&str>, error: &Error) {
    let Some(reason) = error.reason else { return };
    let client = named.and_then(|id| clients::find(cx, id).ok().flatten());
    let Some(client) = client else {
        if reason == Reason::UnknownClient {
            audit::tell(cx, "client.authenticate ", || (Entry::new(cx), proof(reason)));
        }
        return;
    };
    audit::tell(cx, &format!("client.authenticate {} {}", client.id, reason.as_str()), || {
        (Entry::new(cx).target(&client.id), proof(reason))
    });
    note(cx, params, &client, reason);
}

fn proof(reason: Reason) -> Event {
    Event::ClientAuthenticate { reason: Some(reason.as_str()) }
}

/// Tells that a client, which has proved who it is or is public, got no tokens. `teller` is by whom such rows are
/// counted.
pub(super) fn tell_grant(cx: &Cx, teller: &Cx, params: &Params, client: &Client, error: &Error) {
    if matches!(error.code, ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable) {
        return;
    }
    let named = params.find("grant_type").unwrap_or_default();
    let known = GrantType::ALL.into_iter().find(|grant| grant.as_str() == named);
    let grant_type = known.map_or("unknown", GrantType::as_str);
    let cause = error.reason.map_or(error.code.as_str(), Reason::as_str);
    audit::tell(teller, &format!("token.refuse {grant_type} {} {cause}", client.id), || {
        let reason = error.public_description();
        (Entry::new(cx).target(&client.id), Event::TokenRefuse { grant_type, reason, cause: Some(cause) })
    });
    match error.reason {
        Some(reason) => note(cx, params, client, reason),
        None => {
            let message = error.public_description();
            failures::tell(cx, client, failures::Wrong { error: cause, message: &message, sent: None });
        }
    }
}

fn note(cx: &Cx, params: &Params, client: &Client, reason: Reason) {
    let sent = sent(params, reason);
    let wrong = failures::Wrong { error: reason.as_str(), message: reason.message(), sent: sent.as_deref() };
    failures::tell(cx, client, wrong);
}

/// The value of the request that was wrong, where it is no secret.
fn sent(params: &Params, reason: Reason) -> Option<String> {
    let value = match reason {
        Reason::GrantUnknown | Reason::GrantNotRegistered => params.find("grant_type").map(str::to_owned),
        Reason::CodeRedirectUri => params.find("redirect_uri").map(str::to_owned),
        Reason::Scope => params.find("scope").map(str::to_owned),
        Reason::Target => params.find("resource").or_else(|| params.find("audience")).map(str::to_owned),
        Reason::UnknownKey => {
            let header = params.find("client_assertion").and_then(|assertion| jose::peek_header(assertion).ok());
            header.and_then(|header| header.kid).map(|kid| format!("kid {kid}"))
        }
        Reason::AssertionAudience => {
            let claims = params.find("client_assertion").and_then(|assertion| jose::peek_claims(assertion).ok());
            claims.and_then(|claims| claims.get("aud").map(|aud| format!("aud {aud}")))
        }
        _ => None,
    };
    value.map(|value| value.chars().take(SHOWN).collect())
}
