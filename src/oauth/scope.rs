//! Scopes: what an app may ask for, and what each lets it see.

use super::{Error, ErrorCode};
use crate::records::Client;

/// The scopes of OIDC Core §5.4 and §11, in the order discovery lists them.
pub const SUPPORTED: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The scope that makes a request an OpenID Connect one (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";

/// The scope that asks for refresh tokens (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes of another vendor's kit that mean nothing here and must not break a sign-in.
const IGNORED: [&str; 1] = ["https://authgear.com/scopes/full-access"];

/// The requested scopes, sorted and without repetitions; `openid` when none is named. Refuses what we do not know
/// or the client may not have (`invalid_scope`, RFC 6749 §3.3).
pub fn requested(words: &[&str], client: &Client) -> Result<Vec<String>, Error> {
    let mut scopes: Vec<String> = Vec::new();
    for word in words.iter().filter(|word| !IGNORED.contains(word)) {
        if !is_open_to(client, word) {
            let shown: String = word.chars().take(64).collect();
            return Err(Error::new(
                ErrorCode::InvalidScope,
                format!("The scope `{shown}` is not one this app may ask for. It may ask for: {}.", allowed(client)),
            ));
        }
        scopes.push((*word).to_owned());
    }
    if scopes.is_empty() {
        scopes.push(OPENID.to_owned());
    }
    scopes.sort();
    scopes.dedup();
    Ok(scopes)
}

/// Scopes of a client acting for itself: no person is involved, so none of the OpenID scopes apply (RFC 6749 §4.4).
pub fn requested_by_machine(words: &[&str], client: &Client) -> Result<Vec<String>, Error> {
    let own: Vec<&str> = client.scopes.iter().map(String::as_str).filter(|scope| !SUPPORTED.contains(scope)).collect();
    let mut scopes: Vec<String> = Vec::new();
    for word in words {
        if !own.contains(word) {
            let shown: String = word.chars().take(64).collect();
            return Err(Error::new(
                ErrorCode::InvalidScope,
                format!("The scope `{shown}` is not registered for this client's own use."),
            ));
        }
        scopes.push((*word).to_owned());
    }
    scopes.sort();
    scopes.dedup();
    Ok(scopes)
}

/// "The requested scope MUST NOT include any scope not originally granted" (RFC 6749 §6): narrowing only.
pub fn narrowed(words: &[&str], granted: &[String]) -> Result<Vec<String>, Error> {
    if words.is_empty() {
        return Ok(granted.to_vec());
    }
    if let Some(wider) = words.iter().find(|word| !granted.iter().any(|scope| scope == *word)) {
        let shown: String = wider.chars().take(64).collect();
        return Err(Error::new(ErrorCode::InvalidScope, format!("The scope `{shown}` was not granted.")));
    }
    let mut scopes: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    scopes.sort();
    scopes.dedup();
    Ok(scopes)
}

/// Whether `scopes` holds `scope`.
pub fn holds(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|held| held == scope)
}

/// The scopes as a person reads them: the standard ones in the order of [`SUPPORTED`], then an app's own.
pub fn in_reading_order(mut scopes: Vec<String>) -> Vec<String> {
    scopes.sort_by_key(|scope| SUPPORTED.iter().position(|known| known == scope).unwrap_or(SUPPORTED.len()));
    scopes
}

/// A scope token of RFC 6749 §3.3: printable ASCII but space, `"` and `\`; at most 128 characters.
pub fn is_well_formed(scope: &str) -> bool {
    (1..=128).contains(&scope.len())
        && scope.bytes().all(|b| b == 0x21 || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b))
}

/// Whether the app may ask people for this scope.
pub fn is_open_to(client: &Client, scope: &str) -> bool {
    if client.scopes.is_empty() { SUPPORTED.contains(&scope) } else { holds(&client.scopes, scope) || scope == OPENID }
}

fn allowed(client: &Client) -> String {
    if client.scopes.is_empty() { SUPPORTED.join(" ") } else { client.scopes.join(" ") }
}
