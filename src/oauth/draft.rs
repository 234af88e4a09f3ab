//! A token before it is signed, which is kept so short that web servers take it as a header: nginx, Apache, Tomcat and
//! gunicorn refuse header lines of 8 KiB, and other members of the same request want room too.
//!
//! What does not fit is left out, and the token says so: objects of the permission maps first
//! (`permissions_truncated`), then the largest claims (`claims_truncated`). Userinfo, which is no header, has all of
//! them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::client_claims::{RESERVED, TRUNCATED};
use super::clients::failures;
use super::{Error, ErrorCode};
use crate::crypto::jose::SigningKey;
use crate::cx::Cx;
use crate::records::{Algorithm, Client};
use crate::tenant::paths;

/// The members about permissions when nothing stands in them.
const EMPTY_MAPS: &str = r#","permissions":{},"abac_required":{},"permissions_rev":18446744073709551615,"permissions_truncated":true,"permissions_url":"","client_full_access":[]"#;

/// Bytes of header and signature, for what is shown before there is a key.
const UNSIGNED: usize = 480;

/// The hash of an access token at its longest, so that there is room for it (OIDC Core §3.1.3.6).
pub const AT_HASH_ROOM: &str = "-------------------------------------------";

/// A token whose claims fit, and how much room is left for permissions.
pub struct Draft {
    /// What it says.
    pub claims: Map<String, Value>,
    signer: Option<Arc<SigningKey>>,
    algorithm: Algorithm,
    typ: &'static str,
    room: usize,
    left_out: BTreeSet<String>,
}

impl Draft {
    /// Claims for a token, of which the largest are left out until the rest fits.
    pub fn new(
        cx: &Cx,
        algorithm: Algorithm,
        typ: &'static str,
        mut claims: Map<String, Value>,
    ) -> Result<Self, Error> {
        let signer = cx.tenant.keyring.signer(algorithm);
        let max = cx.settings().tokens.max_bytes;
        let room = match &signer {
            Some(signer) => signer.room_for_claims(typ, max).map_err(Error::internal)?,
            None => max.saturating_sub(UNSIGNED) / 4 * 3,
        };
        let url = cx.tenant.urls.url(paths::LIST_OBJECTS);
        let left_out = fit(&mut claims, room.saturating_sub(EMPTY_MAPS.len() + url.len()));
        Ok(Self { claims, signer, algorithm, typ, room, left_out })
    }

    /// Bytes of JSON that permissions may take.
    pub fn left(&self, cx: &Cx) -> usize {
        let url = cx.tenant.urls.url(paths::LIST_OBJECTS);
        self.room.saturating_sub(length(&self.claims) + EMPTY_MAPS.len() + url.len())
    }

    /// Signs it. What had to be left out is told to the people who run the app, if it is for one. While the first key
    /// of an algorithm is still being made the caller may come back in a moment. Errors: `temporarily_unavailable`.
    pub fn sign(self, cx: &Cx, client: Option<&Client>) -> Result<String, Error> {
        let Some(signer) = &self.signer else {
            return Err(Error::new(
                ErrorCode::TemporarilyUnavailable,
                format!("The {} signing key is being made. Try again in a second.", self.algorithm),
            ));
        };
        let token = signer.sign(self.typ, &self.claims).map_err(Error::internal)?;
        let is_long = token.len() > cx.settings().tokens.max_bytes;
        if let Some(client) = client.filter(|_| is_long || !self.left_out.is_empty()) {
            let names: Vec<&str> = self.left_out.iter().map(String::as_str).collect();
            let (error, sent) = if is_long {
                (failures::TOKEN_TOO_LONG, None)
            } else {
                (failures::CLAIMS_LEFT_OUT, Some(names.join(" ")))
            };
            failures::tell_long_token(cx, client, error, sent.as_deref());
        }
        Ok(token)
    }
}

/// Leaves out the largest claims that may go until the rest fits into `room` bytes of JSON. Says which.
fn fit(claims: &mut Map<String, Value>, room: usize) -> BTreeSet<String> {
    let mut left_out = BTreeSet::new();
    while length(claims) > room {
        let may_go = claims.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
        let largest = may_go.map(|(name, value)| (name.len() + length(value), name)).max();
        let Some(name) = largest.map(|(_, name)| name.clone()) else { break };
        claims.remove(&name);
        left_out.insert(name);
        let before = claims.get(TRUNCATED).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let all: BTreeSet<&str> = before.chain(left_out.iter().map(String::as_str)).collect();
        claims.insert(TRUNCATED.to_owned(), json!(all));
    }
    left_out
}

/// Counts what is written to it.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The length of a value as JSON.
fn length(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_claims_go_first_and_what_a_token_needs_never() {
        let long = "x".repeat(1_000);
        let mut claims = Map::new();
        for (name, value) in
            [("sub", json!(long)), ("groups", json!([long, long])), ("name", json!(long)), ("a", json!(1))]
        {
            claims.insert(name.to_owned(), value);
        }
        let mut whole = claims.clone();
        assert!(fit(&mut whole, length(&claims)).is_empty());
        assert_eq!(whole, claims);
        let room = length(&claims) - 1;
        assert_eq!(fit(&mut claims, room).into_iter().collect::<Vec<_>>(), ["groups"]);
        assert!(length(&claims) <= room);
        assert_eq!(claims[TRUNCATED], json!(["groups"]));
        assert_eq!(fit(&mut claims, 1_100).into_iter().collect::<Vec<_>>(), ["name"]);
        assert_eq!(claims[TRUNCATED], json!(["groups", "name"]));
        fit(&mut claims, 10);
        assert_eq!(claims.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from([TRUNCATED, "sub"]));
    }

    #[test]
    fn the_length_is_that_of_the_json() {
        let value = json!({"a": ["ä\"\n", 1.5, null], "b": {"c": "\u{1}"}});
        assert_eq!(length(&value), serde_json::to_vec(&value).unwrap().len());
    }
}
