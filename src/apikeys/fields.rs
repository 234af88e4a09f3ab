//! What the facts of a key may be. All mistakes are reported at once.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Error, FieldError, token};
use crate::base::Moment;
use crate::base::id::ClientId;
use crate::base::patch;
use crate::base::text::{self, Lines};
use crate::records::{ApiKey, RateLimit, Refill};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Shortest life: one day.
const MIN_LIFE: u64 = 24 * 60 * 60;
/// Longest life: 3650 days.
const MAX_LIFE: u64 = 3650 * MIN_LIFE;
/// Largest metadata, in bytes of JSON.
const MAX_METADATA: usize = 4 * 1024;
/// Deepest nesting of metadata, itself included.
const MAX_DEPTH: usize = 6;
const MAX_NETWORKS: usize = 32;
/// Largest count of uses.
const MAX_USES: u64 = 1_000_000_000;
/// Longest window and refill interval, in milliseconds.
const MAX_WINDOW_MS: u64 = MAX_LIFE * 1000;

/// Members of metadata that other software reads as a binding to a client. Ours reads none of them.
const CLIENT_MEMBERS: [&str; 2] = ["oauth_client_id", "access_level"];

/// What the caller may do beyond having keys of their own, at the moment of the change.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRights {
    /// Limits of use are the administrators' to set.
    pub(super) is_admin: bool,
    /// Whether the caller owns or administers every client that the key is to be bound to or that its metadata name.
    pub(super) manages_client: bool,
}

impl KeyRights {
    /// That of who may change all keys.
    pub(super) const FULL: Self = Self { is_admin: true, manages_client: true };
}

/// `remaining` becomes `amount` again every `interval_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefillRule {
    /// Uses after each refill.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub amount: u64,
    /// Between refills, in milliseconds.
    #[schema(minimum = 1_000, maximum = 315_360_000_000_u64)]
    pub interval_ms: u64,
}

/// A key to be made.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What it begins with; [`token::PREFIX`] when absent.
    pub prefix: Option<String>,
    /// Seconds until it ends; `None` for never.
    pub expires_in: Option<u64>,
    /// The client to bind it to.
    pub client: Option<ClientId>,
    /// Where it may be used from, as CIDR or addresses; empty for everywhere.
    pub networks: Vec<String>,
    /// The caller's notes.
    pub metadata: Map<String, Value>,
    /// How many uses it has.
    pub remaining: Option<u64>,
    /// How they grow back.
    pub refill: Option<RefillRule>,
    /// How often it may be used.
    pub rate_limit: Option<RateLimit>,
}

/// A change; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyChange)]
pub struct KeyChange {
    /// The version that the change was made from; another one by now is 409 `conflict`.
    #[serde(rename = "version")]
    pub expected_version: Option<u64>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Whether it works.
    pub enabled: Option<bool>,
    /// Seconds from now until it ends; `null` for never.
    #[serde(default, deserialize_with = "patch::given", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 86_400, maximum = 315_360_000)]
    pub expires_in: Option<Option<u64>>,
    /// All networks from now on, as CIDR or addresses. Who is no administrator may only narrow them.
    #[schema(max_items = 32)]
    pub networks: Option<Vec<String>>,
    /// All notes from now on.
    pub metadata: Option<Map<String, Value>>,
    /// Uses left; `null` for any number.
    #[serde(default, deserialize_with = "patch::given", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1_000_000_000)]
    pub remaining: Option<Option<u64>>,
    /// How they grow back.
    #[serde(default, deserialize_with = "patch::given", skip_serializing_if = "Option::is_none")]
    pub refill: Option<Option<RefillRule>>,
    /// How often it may be used.
    #[serde(default, deserialize_with = "patch::given", skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Option<RateLimit>>,
}

impl KeyChange {
    /// Whether everything stays.
    pub fn is_empty(&self) -> bool {
        let Self { expected_version: _, name, enabled, expires_in, networks, metadata, remaining, refill, rate_limit } =
            self;
        let words = name.is_none() && enabled.is_none() && networks.is_none() && metadata.is_none();
        words && expires_in.is_none() && remaining.is_none() && refill.is_none() && rate_limit.is_none()
    }
}

/// Mistakes as they are found.
#[derive(Default)]
pub(super) struct Findings(Vec<FieldError>);

impl Findings {
    pub(super) fn note(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldError { field, message: message.into() });
    }

    pub(super) fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

impl NewKey {
    /// Brings name and networks into their stored form and checks everything that needs no store.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let mut findings = Findings::default();
        self.name = name(&self.name, &mut findings);
        if self.prefix.as_deref().is_some_and(|prefix| !token::is_prefix(prefix)) {
            findings.note("prefix", "The prefix is 1 to 32 letters, digits, `_` or `-`.");
        }
        life(self.expires_in, &mut findings);
        self.networks = networks(&self.networks, &mut findings);
        metadata(&self.metadata, &mut findings);
        remaining(self.remaining, &mut findings);
        refill(self.refill, self.remaining.is_some(), &mut findings);
        rate_limit(self.rate_limit, &mut findings);
        findings.into_result()
    }
}

/// Whether a caller with these rights may make this key.
pub(super) fn may_be_made(key: &ApiKey, rights: KeyRights) -> Result<(), Error> {
    let reserved = [
        ("remaining", key.remaining.is_some() && !rights.is_admin),
        ("refill", key.refill.is_some() && !rights.is_admin),
        ("rate_limit", key.rate_limit.is_some() && !rights.is_admin),
    ];
    none_is_reserved(&reserved)?;
    if key.client.is_some() && !rights.manages_client {
        return Err(Error::ForeignClient);
    }
    let mut findings = Findings::default();
    client_members(&key.metadata, rights, &mut findings);
    findings.into_result()
}

/// The clients that a key is bound to, or that its metadata name; `None` in the place of a name that is none.
pub(super) fn clients_of<'k>(client: Option<&'k ClientId>, metadata: &'k Map<String, Value>) -> Vec<Option<&'k str>> {
    let noted = metadata.get("oauth_client_id").map(Value::as_str);
    client.map(|client| Some(client.as_str())).into_iter().chain(noted).collect()
}

/// Whether a changed key can do no more than before, and is called as before: what is taken away is for more people to
/// decide than what is given.
pub(super) fn only_narrows(old: &ApiKey, new: &ApiKey) -> bool {
    !widens(old, new) && old.name == new.name
}

/// Whether a changed key can do more than before, or for longer, or from elsewhere; policies look at metadata.
pub(super) fn widens(old: &ApiKey, new: &ApiKey) -> bool {
    let uses = |key: &ApiKey| key.remaining.unwrap_or(u64::MAX);
    let rule = |key: &ApiKey| key.refill.map(|refill| (refill.amount, refill.interval_ms));
    let rate = match (old.rate_limit, new.rate_limit) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => new.max <= old.max && new.window_ms >= old.window_ms,
    };
    (new.enabled && !old.enabled)
        || lasts_longer(old, new)
        || !narrows(&old.networks, &new.networks)
        || uses(new) > uses(old)
        || rule(new).is_some_and(|new| rule(old) != Some(new))
        || !rate
        || old.client != new.client
        || old.metadata != new.metadata
}

/// Whether a changed key ends later than before.
pub(super) fn lasts_longer(old: &ApiKey, new: &ApiKey) -> bool {
    old.expires_at.is_some_and(|old| new.expires_at.is_none_or(|new| new > old))
}

impl KeyChange {
    /// The names of what it changes, for the audit log.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("name", self.name.is_some()),
            ("enabled", self.enabled.is_some()),
            ("expires_in", self.expires_in.is_some()),
            ("networks", self.networks.is_some()),
            ("metadata", self.metadata.is_some()),
            ("remaining", self.remaining.is_some()),
            ("refill", self.refill.is_some()),
            ("rate_limit", self.rate_limit.is_some()),
        ];
        all.into_iter().filter(|(_, changes)| *changes).map(|(name, _)| name).collect()
    }

    /// The key as it is afterwards.
    pub(super) fn applied_to(&self, old: &ApiKey, rights: KeyRights, now: Moment) -> Result<ApiKey, Error> {
        let reserved = [
            ("remaining", self.remaining.is_some() && !rights.is_admin),
            ("refill", self.refill.is_some() && !rights.is_admin),
            ("rate_limit", self.rate_limit.is_some() && !rights.is_admin),
        ];
        none_is_reserved(&reserved)?;
        let (mut new, mut findings) = (old.clone(), Findings::default());
        if let Some(text) = &self.name {
            new.name = name(text, &mut findings);
        }
        new.enabled = self.enabled.unwrap_or(old.enabled);
        if let Some(seconds) = self.expires_in {
            life(seconds, &mut findings);
            new.expires_at = end(seconds, now);
        }
        if let Some(wanted) = &self.networks {
            new.networks = networks(wanted, &mut findings);
            if !rights.is_admin && !narrows(&old.networks, &new.networks) {
                findings.note("networks", "Only an administrator lets a key be used from more networks than before.");
            }
        }
        if let Some(notes) = &self.metadata {
            metadata(notes, &mut findings);
            client_members(notes, rights, &mut findings);
            new.metadata.clone_from(notes);
        }
        if let Some(uses) = self.remaining {
            remaining(uses, &mut findings);
            new.remaining = uses;
            // Nothing is left to grow back; it must not come to life with a later count.
            new.refill = new.refill.filter(|_| uses.is_some());
        }
        if let Some(rule) = self.refill {
            refill(rule, new.remaining.is_some(), &mut findings);
            new.refill = rule.map(|rule| refill_from(rule, now));
        }
        if let Some(limit) = self.rate_limit {
            rate_limit(limit, &mut findings);
            new.rate_limit = limit;
        }
        findings.into_result()?;
        new.updated_at = now;
        new.version = old.version.saturating_add(1);
        Ok(new)
    }
}

/// The moment a life of this many seconds ends.
pub(super) fn end(seconds: Option<u64>, now: Moment) -> Option<Moment> {
    seconds.map(|seconds| now.plus(Duration::from_secs(seconds)))
}

/// A rule that begins to count now.
pub(super) fn refill_from(rule: RefillRule, now: Moment) -> Refill {
    Refill { amount: rule.amount, interval_ms: rule.interval_ms, last: now }
}

fn none_is_reserved(fields: &[(&'static str, bool)]) -> Result<(), Error> {
    let names: Vec<&'static str> = fields.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    if names.is_empty() { Ok(()) } else { Err(Error::Reserved(names)) }
}

fn name(text: &str, findings: &mut Findings) -> String {
    let name = text.trim().to_owned();
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        findings.note("name", "The name is 1 to 100 characters.");
    } else if let Some(problem) = text::problem(&name, Lines::One) {
        findings.note("name", format!("The name {problem}."));
    }
    name
}

fn life(seconds: Option<u64>, findings: &mut Findings) {
    if seconds.is_some_and(|seconds| !(MIN_LIFE..=MAX_LIFE).contains(&seconds)) {
        findings
            .note("expires_in", "A key lives one day (86400 seconds) to 3650 days (315360000 seconds), or for ever.");
    }
}

/// The networks as they are kept: `10.0.0.0/8`, host bits cleared.
fn networks(texts: &[String], findings: &mut Findings) -> Vec<String> {
    if texts.len() > MAX_NETWORKS {
        findings.note("networks", "A key has 32 networks at the most.");
        return Vec::new();
    }
    let mut networks = Vec::with_capacity(texts.len());
    for text in texts {
        match network(text.trim()) {
            Some(network) => networks.push(network.trunc().to_string()),
            None => findings
                .note("networks", "A network is an address or a CIDR block, such as 10.0.0.0/8 or 2001:db8::/32."),
        }
    }
    networks
}

/// A network from CIDR text or a single address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// Whether whatever may be used from `new` could be used before.
fn narrows(old: &[String], new: &[String]) -> bool {
    let old: Vec<IpNet> = old.iter().filter_map(|text| network(text)).collect();
    let is_within = |text: &String| network(text).is_some_and(|new| old.iter().any(|old| old.contains(&new)));
    old.is_empty() || (!new.is_empty() && new.iter().all(is_within))
}

fn metadata(notes: &Map<String, Value>, findings: &mut Findings) {
    if !notes.values().all(|value| is_shallow(value, MAX_DEPTH - 1)) {
        findings.note("metadata", "The metadata are nested more than 6 levels deep.");
        return;
    }
    if serde_json::to_string(notes).map_or(true, |text| text.len() > MAX_METADATA) {
        findings.note("metadata", "The metadata are larger than 4 KiB.");
    }
}

fn client_members(notes: &Map<String, Value>, rights: KeyRights, findings: &mut Findings) {
    if !rights.manages_client && CLIENT_MEMBERS.iter().any(|name| notes.contains_key(*name)) {
        findings.note(
            "metadata",
            "`oauth_client_id` and `access_level` are for those who administer the client. They would grant nothing.",
        );
    }
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| is_shallow(member, levels - 1)),
        _ => true,
    }
}

fn remaining(uses: Option<u64>, findings: &mut Findings) {
    if uses.is_some_and(|uses| uses > MAX_USES) {
        findings.note("remaining", "At most 1000000000 uses can be counted; without a number there is no limit.");
    }
}

fn refill(rule: Option<RefillRule>, is_counted: bool, findings: &mut Findings) {
    let Some(rule) = rule else { return };
    if !is_counted {
        findings.note("refill", "Only a key with a number of remaining uses is refilled.");
    }
    if !(1..=MAX_USES).contains(&rule.amount) || !(1000..=MAX_WINDOW_MS).contains(&rule.interval_ms) {
        findings.note("refill", "A refill is 1 to 1000000000 uses every 1000 milliseconds to 3650 days.");
    }
}

fn rate_limit(limit: Option<RateLimit>, findings: &mut Findings) {
    if limit
        .is_some_and(|limit| !(1..=MAX_USES).contains(&limit.max) || !(1..=MAX_WINDOW_MS).contains(&limit.window_ms))
    {
        findings.note("rate_limit", "A limit is 1 to 1000000000 uses in 1 millisecond to 3650 days.");
    }
}
