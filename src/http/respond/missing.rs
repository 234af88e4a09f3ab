//! What was not found, and where to look it up: one table of all collections of the admin API, read by the route that
//! was matched.

use std::fmt::Write as _;

use actix_web::dev::{Path as Matches, Url};
use actix_web::http::StatusCode;

use super::Refusal;
use crate::base::text::isolated;
use crate::cx::Cx;
use crate::tenant::paths;

/// Most of what was asked for that is repeated, in characters.
const MOST: usize = 100;

/// A segment of the admin API behind which somebody or something is named.
struct Collection {
    /// The segment, as routes have it.
    segment: &'static str,
    /// What one of them is called.
    noun: &'static str,
    /// Where all of them are listed, below the admin API; with `=` at the end where a text can be searched for.
    list: &'static str,
    /// The command that lists them, behind `auther admin`.
    command: &'static str,
}

const COLLECTIONS: &[Collection] = &[
    listed("users", "person", "users?search=", "user list --search"),
    listed("clients", "client", "clients?search=", "client list --search"),
    listed("groups", "group", "groups?search=", "group list --search"),
    listed("members", "direct member", "groups/{group}/members?direct=true", "group show GROUP --direct"),
    listed("models", "model of the type", "models", "model list"),
    listed("tuples", "tuple", "tuples", "tuple list"),
    listed("keys", "signing key", "keys", "key list"),
    listed("sessions", "session", "sessions", "session list"),
    listed("api-keys", "API key", "api-keys", "api-key list"),
    listed("outbox", "delivery", "outbox", "outbox list"),
    listed(
        "switched-off",
        "policy that is switched off with the digest",
        "policies/switched-off",
        "policy switched-off",
    ),
    listed("failures", "noted failure", "clients/{client}/failures", "client failures CLIENT"),
    listed("consents", "consent to the app", "users/{user}/consents", "user consents PERSON"),
];

const fn listed(segment: &'static str, noun: &'static str, list: &'static str, command: &'static str) -> Collection {
    Collection { segment, noun, list, command }
}

fn collection(segment: &str) -> Option<&'static Collection> {
    COLLECTIONS.iter().find(|one| one.segment == segment)
}

/// The sentence for a route below the admin API: the last that its path names, of what that is a part, and where they
/// are listed. `None` for a route whose path names nothing.
pub(in crate::http) fn told(cx: &Cx, pattern: &str, values: &Matches<Url>) -> Option<String> {
    let named = named(pattern, values);
    let (last, value) = named.last()?;
    let mut text = format!("There is no {} {}", last.noun, quoted(value));
    if let [.., (whole, name), _] = named.as_slice() {
        let _ = write!(text, " of the {} {}, or no such {}", whole.noun, quoted(name), whole.noun);
    }
    text.push_str(". ");
    text.push_str(&look(cx, last));
    Some(text)
}

/// The collections that a pattern names one of, with what was sent for each.
fn named(pattern: &str, values: &Matches<Url>) -> Vec<(&'static Collection, String)> {
    let mut found: Vec<(&'static Collection, String)> = Vec::new();
    let mut last = None;
    for segment in pattern.split('/') {
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None => last = collection(segment),
            Some(name) => {
                let (Some(one), Some(value)) = (last, values.get(name)) else { continue };
                match found.last_mut() {
                    // A type and an identifier name one member.
                    Some((known, before)) if known.segment == one.segment => *before = format!("{before}:{value}"),
                    _ => found.push((one, value.to_owned())),
                }
            }
        }
    }
    found
}

fn quoted(value: &str) -> String {
    let short: String = value.chars().take(MOST).collect();
    let more = if short.len() < value.len() { "…" } else { "" };
    format!("`{}{more}`", isolated(&short))
}

fn look(cx: &Cx, one: &Collection) -> String {
    let address = cx.tenant.urls.path_below(paths::ADMIN_API, one.list);
    if one.list.ends_with('=') {
        format!("Search with `auther admin {} TEXT` or GET {address}TEXT.", one.command)
    } else {
        format!("`auther admin {}` and GET {address} list what there is.", one.command)
    }
}

impl Refusal {
    /// There is no such thing (404), and the path of the request says what: the answer names it.
    pub fn missing() -> Self {
        Self::not_found("Not found.").unnamed()
    }

    /// What a query or a body names is not there (404): `segment` is its collection, such as `users`.
    pub fn no_such(cx: &Cx, segment: &str, value: &str) -> Self {
        let Some(one) = collection(segment) else { return Self::missing() };
        let message = format!("There is no {} {}. {}", one.noun, quoted(value), look(cx, one));
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The same, when this refusal says that something is not there; otherwise as it is.
    #[must_use]
    pub fn naming(mut self, cx: &Cx, segment: &str, value: &str) -> Self {
        if self.is_unnamed() {
            self.0.message = Self::no_such(cx, segment, value).0.message;
            self.0.is_unnamed = false;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::ResourceDef;

    use super::*;

    #[test]
    fn what_the_path_names_last_is_told_with_what_it_is_a_part_of() {
        let names = |pattern: &str, path: &str| {
            let mut matches = Matches::new(Url::new(path.parse().unwrap()));
            assert!(ResourceDef::new(pattern).capture_match_info(&mut matches), "{path}");
            let found = named(pattern, &matches);
            found.into_iter().map(|(one, value)| (one.segment, value)).collect::<Vec<_>>()
        };
        assert_eq!(names("/a/users/{user}/groups", "/a/users/ann/groups"), [("users", "ann".to_owned())]);
        let member = names("/a/groups/{group}/members/{type}/{id}", "/a/groups/g/members/user/x");
        assert_eq!(member, [("groups", "g".to_owned()), ("members", "user:x".to_owned())]);
        assert_eq!(names("/a/check", "/a/check"), []);
    }

    #[test]
    fn what_is_repeated_is_short_and_cannot_steer_what_shows_it() {
        assert!(quoted(&"x".repeat(5_000)).chars().count() < 120);
        assert!(!quoted("\u{202e}evil").contains('\u{202e}'));
    }
}
