//! Scopes: what an app may ask for, and what each lets it see.

use super::{Error, ErrorCode, Reason};
use crate::records::{Client, GroupClaims};

/// The scopes of OIDC Core §5.4 and §11, and the widespread one for groups, in the order discovery lists them.
pub const SUPPORTED: [&str; 7] = ["openid", "profile", "email", "address", "phone", "offline_access", GROUPS];

/// The scope that makes a request an OpenID Connect one (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";

/// The scope that asks for refresh tokens (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scope that asks for the names of a person's groups, and the claim that they stand in unless the client says
/// otherwise.
pub const GROUPS: &str = "groups";

/// Scopes of another vendor's kit that mean nothing here and must not break a sign-in.
const IGNORED: [&str; 1] = ["https://authgear.com/scopes/full-access"];

/// What an app asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it may have, sorted and without repetitions; `openid` when there is nothing.
    pub scopes: Vec<String>,
    /// What it may not ask for, and does not get.
    pub ignored: Vec<String>,
}

/// The requested scopes. "Scope values used that are not understood by an implementation SHOULD be ignored" (OIDC Core
/// §3.1.2.1), and so are those that the client may not have: the answer says which were granted (RFC 6749 §3.3).
/// Errors: `invalid_scope` for the first of them, where the client is registered to be told.
pub fn requested(words: &[&str], client: &Client) -> Result<Asked, Error> {
    let known = words.iter().filter(|word| !IGNORED.contains(word));
    let (open, closed): (Vec<&str>, Vec<&str>) = known.partition(|word| is_open_to(client, word));
    if let (true, Some(word)) = (client.strict_scopes, closed.first()) {
        return Err(invalid(
            word,
            &format!("is not one this app may ask for. It may ask for: {}.", open_to(client).join(" ")),
        ));
    }
    let mut scopes = sorted(&open);
    if scopes.is_empty() {
        scopes.push(OPENID.to_owned());
    }
    Ok(Asked { scopes, ignored: sorted(&closed) })
}

/// Scopes of a client acting for itself: no person is involved, so none of the OpenID scopes apply (RFC 6749 §4.4).
/// Libraries that send them always get a token without. Errors: `invalid_scope` for any other that is not the client's.
pub fn requested_by_machine(words: &[&str], client: &Client) -> Result<Vec<String>, Error> {
    let is_own = |word: &&str| !SUPPORTED.contains(word) && holds(&client.scopes, word);
    let applies = |word: &&&str| client.strict_scopes || !SUPPORTED.contains(word);
    let asked: Vec<&str> = words.iter().filter(applies).copied().collect();
    match asked.iter().find(|word| !is_own(word)) {
        Some(word) => Err(invalid(word, "is not registered for this client's own use.")),
        None => Ok(sorted(&asked)),
    }
}

/// "The requested scope MUST NOT include any scope not originally granted" (RFC 6749 §6): narrowing only. What the
/// client may not ask for at all is left out, as at the sign-in. Errors: `invalid_scope`.
pub fn narrowed(words: &[&str], granted: &[String], client: &Client) -> Result<Vec<String>, Error> {
    if words.is_empty() {
        return Ok(granted.to_vec());
    }
    let is_granted = |word: &&&str| holds(granted, word);
    let wider = words.iter().find(|word| !is_granted(word) && (client.strict_scopes || is_open_to(client, word)));
    if let Some(wider) = wider {
        return Err(invalid(wider, "was not granted."));
    }
    let kept: Vec<&str> = words.iter().filter(is_granted).copied().collect();
    match (kept.is_empty(), words.first()) {
        (true, Some(word)) => Err(invalid(word, "was not granted.")),
        _ => Ok(sorted(&kept)),
    }
}

fn sorted(words: &[&str]) -> Vec<String> {
    let mut scopes: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

fn invalid(word: &str, why: &str) -> Error {
    let shown: String = word.chars().take(64).collect();
    Error::new(ErrorCode::InvalidScope, format!("The scope `{shown}` {why}")).because(Reason::Scope)
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
    if scope == GROUPS && client.group_claims == GroupClaims::None {
        return false;
    }
    if client.scopes.is_empty() { SUPPORTED.contains(&scope) } else { holds(&client.scopes, scope) || scope == OPENID }
}

/// The scopes that the app may ask people for.
pub fn open_to(client: &Client) -> Vec<&str> {
    let all =
        if client.scopes.is_empty() { SUPPORTED.to_vec() } else { client.scopes.iter().map(String::as_str).collect() };
    all.into_iter().filter(|scope| is_open_to(client, scope)).collect()
}
