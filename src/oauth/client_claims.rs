//! What a client's own settings put into its tokens beside the standard claims: the groups of the person, the relations
//! that the person has to the client, and attributes.
//!
//! A claim is declared as `NAME=SOURCE`. The name may be a path of members, as in `/realm_access/roles` (RFC 6901
//! without its escapes), because some apps look there. Sources are `attribute:NAME`, a custom attribute of the person;
//! `roles`, all relations of the person to the client; and `role:admin,editor`, the first of these that the person
//! holds, as a text.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Error, claims, scope};
use crate::access::group_claims::{self, Memberships, Wanted};
use crate::cx::Cx;
use crate::records::{Client, GroupClaims, IdTokenClaims, User};
use crate::store::Snapshot;

/// Names what was left out of a token.
pub const TRUNCATED: &str = "claims_truncated";

/// Members that a path has at the most.
const MAX_DEPTH: usize = 4;

/// The longest name of a claim, in bytes.
const MAX_NAME: usize = 100;

/// What nobody may declare: it says of whom a token is, for whom and how long, or what Auther decided.
pub const RESERVED: [&str; 36] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "token_use",
    "sid",
    "auth_time",
    "amr",
    "acr",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "scope",
    "scp",
    "client_id",
    "grant",
    "act",
    "may_act",
    "apiKeyId",
    "cnf",
    "events",
    "active",
    "token_type",
    "username",
    "permissions",
    "abac_required",
    "permissions_rev",
    "permissions_truncated",
    "permissions_url",
    "client_full_access",
    TRUNCATED,
];

/// Where the value of a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A custom attribute of the person.
    Attribute(&'a str),
    /// All relations of the person to the client.
    Roles,
    /// The first of these relations that the person holds.
    Role(Vec<&'a str>),
}

/// A claim as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<'a> {
    /// Members from the outside in; one where the name is no path.
    pub path: Vec<&'a str>,
    /// Where its value comes from.
    pub source: Source<'a>,
}

/// Claims that a client's settings give, and the names of those of which something is missing.
#[derive(Clone, Debug, Default)]
pub struct ClientClaims {
    /// By name.
    pub claims: Map<String, Value>,
    /// Led too far to be looked through.
    pub truncated: BTreeSet<String>,
}

impl ClientClaims {
    /// Those that an id token of this client has: what its `claims` parameter asks for, where it wants no more there.
    pub fn in_id_token(&self, client: &Client, request: Option<&Map<String, Value>>) -> Self {
        let is_wanted = |name: &str| {
            client.id_token_claims == IdTokenClaims::All
                || claims::asks_for(request, claims::ClaimsDestination::IdToken, name)
        };
        let mut own = self.clone();
        own.claims.retain(|name, _| is_wanted(name));
        own.truncated.retain(|name| is_wanted(name));
        own
    }

    /// Puts them among other claims, in the place of what was there.
    pub fn put(&self, into: &mut Map<String, Value>) {
        for (name, value) in &self.claims {
            into.insert(name.clone(), value.clone());
        }
        if !self.truncated.is_empty() {
            into.insert(TRUNCATED.to_owned(), json!(self.truncated));
        }
    }
}

/// Reads a declared claim; the error says what is wrong with it.
pub fn declared(entry: &str) -> Result<Declared<'_>, &'static str> {
    let (name, source) =
        entry.split_once('=').ok_or("is no claim: write NAME=SOURCE, as in department=attribute:department")?;
    let source = match source.split_once(':') {
        None if source == "roles" => Source::Roles,
        Some(("attribute", name)) if (1..=MAX_NAME).contains(&name.len()) => Source::Attribute(name),
        Some(("role", list)) => {
            let relations: Vec<&str> = list.split(',').map(str::trim).collect();
            let is_name = |relation: &&str| {
                (1..=64).contains(&relation.len())
                    && relation.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            };
            if relations.len() > 20 || !relations.iter().all(is_name) {
                return Err("names relations that there cannot be: write role:admin,editor");
            }
            Source::Role(relations)
        }
        _ => return Err("has no known source: attribute:NAME, roles, or role:RELATION,RELATION"),
    };
    Ok(Declared { path: path(name)?, source })
}

/// The members of a claim's name.
fn path(name: &str) -> Result<Vec<&str>, &'static str> {
    let is_plain = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|b| (0x21..=0x7e).contains(&b));
    if !is_plain || name.contains(['"', '\\', '=']) {
        return Err("has no name of 1 to 100 printable characters without spaces");
    }
    let path: Vec<&str> = match name.strip_prefix('/') {
        Some(members) => members.split('/').collect(),
        None => vec![name],
    };
    if path.len() > MAX_DEPTH || path.iter().any(|member| member.is_empty()) {
        return Err("has a path with more than 4 members, or an empty one");
    }
    match path.first() {
        Some(first) if RESERVED.contains(first) || claims::is_standard(first) => {
            Err("has a name that means something of its own in tokens")
        }
        _ => Ok(path),
    }
}

/// The members of the claim that groups stand in.
fn group_path(client: &Client) -> Result<Vec<&str>, &'static str> {
    if client.group_claim_name.is_empty() { Ok(vec![scope::GROUPS]) } else { path(&client.group_claim_name) }
}

/// What is wrong with a client's own claims, by field.
pub fn mistakes(client: &Client) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut taken: Vec<Vec<&str>> = Vec::new();
    let named = "group_claim_name";
    match group_path(client) {
        Ok(path) => taken.push(path),
        Err(problem) => found.push((named, format!("`{}` {problem}.", shown(&client.group_claim_name)))),
    }
    for entry in &client.claims {
        match declared(entry) {
            Err(problem) => found.push(("claims", format!("`{}` {problem}.", shown(entry)))),
            Ok(Declared { path, .. }) if taken.iter().any(|other| overlap(other, &path)) => {
                found.push(("claims", format!("`{}` stands where another claim stands.", shown(entry))));
            }
            Ok(Declared { path, .. }) => taken.push(path),
        }
    }
    if client.claims.len() > 50 || client.group_filter.len() > 100 {
        found.push(("claims", String::from("There are at most 50 claims, and 100 entries of the filter.")));
    }
    if client.group_filter.iter().any(|one| one.is_empty() || one.chars().count() > 101) {
        found.push(("group_filter", String::from("Write names of groups, or their beginnings with * at the end.")));
    }
    found
}

fn overlap(one: &[&str], other: &[&str]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The claims for a person to whom these scopes were granted. Reads nothing where the client wants nothing.
pub fn of(
    cx: &Cx,
    from: &Snapshot,
    (client, user): (&Client, &User),
    scopes: &[String],
) -> Result<ClientClaims, Error> {
    let wants_groups = match client.group_claims {
        GroupClaims::Requested => scope::holds(scopes, scope::GROUPS),
        GroupClaims::Always => true,
        GroupClaims::None => false,
    };
    let declared: Vec<Declared<'_>> = client.claims.iter().filter_map(|entry| declared(entry).ok()).collect();
    if !wants_groups && declared.is_empty() {
        return Ok(ClientClaims::default());
    }
    let wants_relations = declared.iter().any(|claim| !matches!(claim.source, Source::Attribute(_)));
    let wanted = Wanted {
        groups: wants_groups.then_some(client.group_paths),
        relations_to: wants_relations.then_some(&client.id),
    };
    let held = if wants_groups || wants_relations {
        group_claims::resolve(cx, from, &user.id, wanted)?
    } else {
        Memberships::default()
    };
    let mut all = ClientClaims::default();
    if wants_groups && let Ok(path) = group_path(client) {
        put(&mut all, &path, groups(client, &held), held.truncated);
    }
    for Declared { path, source } in &declared {
        let value = match source {
            Source::Attribute(name) => user.attributes.get(*name).cloned(),
            Source::Roles => Some(json!(held.relations)),
            Source::Role(wanted) => {
                wanted.iter().find(|wanted| held.relations.iter().any(|held| held == *wanted)).map(|role| json!(role))
            }
        };
        if let Some(value) = value {
            put(&mut all, path, value, held.truncated && !matches!(source, Source::Attribute(_)));
        }
    }
    Ok(all)
}

fn groups(client: &Client, held: &Memberships) -> Value {
    let is_wanted = |name: &str| {
        client.group_filter.is_empty()
            || client.group_filter.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == wanted,
            })
    };
    let wanted = held.groups.iter().filter(|group| is_wanted(&group.name));
    if client.group_paths {
        wanted.flat_map(|group| &group.paths).map(|path| json!(path)).collect()
    } else {
        wanted.map(|group| json!(group.name)).collect()
    }
}

fn put(all: &mut ClientClaims, path: &[&str], value: Value, is_part: bool) {
    let Some((name, inner)) = path.split_first() else { return };
    if is_part {
        all.truncated.insert((*name).to_owned());
    }
    let Some((last, between)) = inner.split_last() else {
        all.claims.insert((*name).to_owned(), value);
        return;
    };
    let mut at = all.claims.entry(*name).or_insert_with(|| json!({}));
    for member in between {
        let Value::Object(members) = at else { return };
        at = members.entry(*member).or_insert_with(|| json!({}));
    }
    if let Value::Object(members) = at {
        members.insert((*last).to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_a_name_or_a_path_and_a_source() {
        let read = |entry| declared(entry).unwrap();
        assert_eq!(read("department=attribute:dep").path, ["department"]);
        assert_eq!(read("/realm_access/roles=roles").path, ["realm_access", "roles"]);
        assert_eq!(read("https://example.com/role=role:admin, use").source, Source::Role(vec!["admin", "use"]));
        for bad in [
            "department",
            "=roles",
            "a b=roles",
            "role=",
            "role=role:",
            "role=role:a,,b",
            "x=attribute:",
            "x=header:y",
            "/a//b=roles",
            "/a/b/c/d/e=roles",
            "sub=attribute:x",
            "/permissions/x=roles",
            "email=attribute:mail",
            "email_verified=attribute:x",
            "claims_truncated=roles",
        ] {
            assert!(declared(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_claim_stands_within_another_one() {
        assert!(overlap(&["a"], &["a", "b"]) && overlap(&["a", "b"], &["a"]) && !overlap(&["a", "b"], &["a", "c"]));
        let mut all = ClientClaims::default();
        put(&mut all, &["realm_access", "roles"], json!(["use"]), false);
        put(&mut all, &["realm_access", "kind"], json!("x"), true);
        put(&mut all, &["plain"], json!(1), false);
        assert_eq!(Value::Object(all.claims), json!({"realm_access": {"roles": ["use"], "kind": "x"}, "plain": 1}));
        assert_eq!(all.truncated.iter().map(String::as_str).collect::<Vec<_>>(), ["realm_access"]);
    }
}
