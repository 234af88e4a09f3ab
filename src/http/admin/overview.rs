//! What an administrator wants to see first.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::audit::Row;
use super::operation::{Operation, get};
use crate::audit::{self, Filter};
use crate::base::id::KeyId;
use crate::base::page::PageRequest;
use crate::base::{Moment, Timestamp};
use crate::crypto::keyring::KeyState;
use crate::cx::Cx;
use crate::doctor;
use crate::http::extract::{
    ManagePlatform, Manager, Params, PlatformRight, ViewApiKeys, ViewAudit, ViewClients, ViewGroups, ViewKeys,
    ViewSessions, ViewTuples, ViewUsers,
};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::oauth::keys;
use crate::records::Algorithm;
use crate::store::rows::counts::{self, Counts};
use crate::store::rows::sign_ins::{self, Hour};
use crate::store::{Order, Snapshot};
use crate::tenant::paths;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Rows of the audit log that are shown.
const RECENT: usize = 12;

/// What is there and what happened lately. What the caller may not see is `null` or empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    counts: OverviewCounts,
    #[schema(required)]
    sign_ins: Option<SignInSum>,
    /// The present hour last.
    per_hour: Vec<SignInHour>,
    /// The way from an empty installation to one that people rely on.
    checklist: Vec<ChecklistStep>,
    keys: Vec<KeyAge>,
    /// The newest rows of the audit log.
    recent: Vec<Row>,
}

/// How many there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverviewCounts {
    #[schema(required)]
    users: Option<u64>,
    #[schema(required)]
    clients: Option<u64>,
    #[schema(required)]
    groups: Option<u64>,
    #[schema(required)]
    api_keys: Option<u64>,
    #[schema(required)]
    tuples: Option<u64>,
    #[schema(required)]
    sessions: Option<u64>,
}

/// Sign-ins of the period.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInSum {
    ok: u64,
    failed: u64,
}

/// Sign-ins of an hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInHour {
    /// When the hour began.
    at: Timestamp,
    ok: u64,
    failed: u64,
}

/// A step that is to be done, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChecklistStep {
    done: bool,
    title: String,
    /// The page where it is done.
    href: String,
}

/// How old a token-signing key is.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyAge {
    kid: KeyId,
    alg: Algorithm,
    state: KeyState,
    /// Since it began to sign, or was made.
    age_days: u64,
}

/// How far back an overview looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Period {
    /// A day.
    #[serde(rename = "24h")]
    Day,
    /// A week.
    #[serde(rename = "7d")]
    Week,
    /// A month.
    #[serde(rename = "30d")]
    Month,
}

/// What an overview covers.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OverviewQuery {
    /// How far back; 24h when absent.
    period: Option<Period>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = get("overview", "What is there and what happened lately")
        .depends("Each part is for who may see it; anyone who may see none of it is refused.")
        .asks::<OverviewQuery>();
    vec![all.gives::<Overview>()]
}

/// `GET overview`: what is there and what happened in the `period` (`24h`, `7d` or `30d`). Each part is for who may see
/// it: of the others the counts are `null` and the lists empty. Anyone who may see none of it is refused.
pub async fn show(caller: Manager, query: Params<OverviewQuery>) -> HandlerResult {
    let cx = &caller.cx;
    let hours = match query.0.period {
        None | Some(Period::Day) => 24,
        Some(Period::Week) => 7 * 24,
        Some(Period::Month) => 30 * 24,
    };
    let sees = Sees::of(cx)?;
    if !sees.anything() {
        return Err(Refusal::forbidden("Permission denied: this needs a permission to view something."));
    }
    let from = cx.read()?;
    let counts = counts::all(&from)?;
    let happened = if sees.audit { sign_ins(cx, &from, hours)? } else { SignIns::default() };
    let SignIns { total, per_hour } = happened;
    Ok(HttpResponse::Ok().json(Overview {
        counts: sees.counts(&counts),
        sign_ins: sees.audit.then_some(SignInSum { ok: total.ok, failed: total.failed }),
        per_hour,
        checklist: if sees.platform { checklist(cx, &from, &counts)? } else { Vec::new() },
        keys: if sees.keys { signing_keys(cx)? } else { Vec::new() },
        recent: if sees.audit { recent(cx)? } else { Vec::new() },
    }))
}

/// What the caller may see.
struct Sees {
    platform: bool,
    users: bool,
    clients: bool,
    groups: bool,
    api_keys: bool,
    tuples: bool,
    sessions: bool,
    audit: bool,
    keys: bool,
}

impl Sees {
    fn of(cx: &Cx) -> Result<Self, Refusal> {
        fn sees<R: PlatformRight>(cx: &Cx) -> Result<bool, Refusal> {
            R::is_held(cx)
        }
        Ok(Self {
            platform: sees::<ManagePlatform>(cx)?,
            users: sees::<ViewUsers>(cx)?,
            clients: sees::<ViewClients>(cx)?,
            groups: sees::<ViewGroups>(cx)?,
            api_keys: sees::<ViewApiKeys>(cx)?,
            tuples: sees::<ViewTuples>(cx)?,
            sessions: sees::<ViewSessions>(cx)?,
            audit: sees::<ViewAudit>(cx)?,
            keys: sees::<ViewKeys>(cx)?,
        })
    }

    fn anything(&self) -> bool {
        let counted = [self.users, self.clients, self.groups, self.api_keys, self.tuples, self.sessions];
        self.platform || self.audit || self.keys || counted.contains(&true)
    }

    fn counts(&self, counts: &Counts) -> OverviewCounts {
        OverviewCounts {
            users: self.users.then_some(counts.users),
            clients: self.clients.then_some(counts.clients),
            groups: self.groups.then_some(counts.groups),
            api_keys: self.api_keys.then_some(counts.api_keys),
            tuples: self.tuples.then_some(counts.tuples),
            sessions: self.sessions.then_some(counts.sessions),
        }
    }
}

/// Sign-ins in sum and hour by hour, the present hour last.
#[derive(Default)]
struct SignIns {
    total: Hour,
    per_hour: Vec<SignInHour>,
}

fn sign_ins(cx: &Cx, from: &Snapshot, hours: u32) -> Result<SignIns, Refusal> {
    let counted: BTreeMap<Moment, Hour> = sign_ins::latest(from, cx.tenant.id, hours as usize)?.into_iter().collect();
    let now = sign_ins::hour_of(cx.now);
    let mut all = SignIns::default();
    for back in (0..hours).rev() {
        let at = now.minus(HOUR * back);
        let hour = counted.get(&at).copied().unwrap_or_default();
        all.total.ok += hour.ok;
        all.total.failed += hour.failed;
        all.per_hour.push(SignInHour { at: at.into(), ok: hour.ok, failed: hour.failed });
    }
    Ok(all)
}

/// The way from an empty installation to one that people rely on.
fn checklist(cx: &Cx, from: &Snapshot, counts: &Counts) -> Result<Vec<ChecklistStep>, Refusal> {
    let settings = cx.settings();
    let host = cx.tenant.urls.host();
    let steps = [
        (users::first_administrator(cx)?.is_some(), "Make the first administrator", "users"),
        (counts.clients > 0, "Register an app", "clients/register"),
        (counts.users > 1, "Add a second person", "users/create"),
        (counts.grants > 0, "Sign in to an app", "clients"),
        (doctor::last_backup(from)?.is_some(), "Make a backup", "settings?tab=health"),
        (settings.master_key.is_some(), "Store the encryption key outside the data file", "settings?search=master_key"),
        (!host.ends_with("localhost"), "Give this server its public address", "settings?search=issuer"),
    ];
    let step = |(done, title, page): (bool, &str, &str)| ChecklistStep {
        done,
        title: title.to_owned(),
        href: cx.tenant.urls.path_below(paths::ADMIN, page),
    };
    Ok(steps.into_iter().map(step).collect())
}

/// The keys with their age since they were made, in whole days.
fn signing_keys(cx: &Cx) -> Result<Vec<KeyAge>, Refusal> {
    let keys = keys::list(cx)?;
    let age = |key: keys::KeyView| {
        let age_days = cx.now.since(key.activated_at.unwrap_or(key.created_at)).as_secs() / (24 * 60 * 60);
        KeyAge { kid: key.kid, alg: key.alg, state: key.state, age_days }
    };
    Ok(keys.into_iter().map(age).collect())
}

fn recent(cx: &Cx) -> Result<Vec<Row>, Refusal> {
    let page = audit::page(cx, &Filter::default(), Order::Descending, &PageRequest::new(Some(RECENT), None))?;
    Ok(page.items.into_iter().map(Row::from).collect())
}
