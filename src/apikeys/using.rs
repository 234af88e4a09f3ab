//! Whether a presented key works: its text, its row, its owner and client, where it is used from, and how often.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::key_cache::CachedKey;
use super::{Error, fields, token};
use crate::audit::{self, Entry, Event};
use crate::base::clock::SLACK;
use crate::base::id::ApiKeyId;
use crate::base::{Moment, Secret};
use crate::cx::{Actor, Cx};
use crate::records::{ApiKey, Client, Refill, User};
use crate::store::rows::{api_keys as rows, clients, users};
use crate::store::{Read, Revision, Snapshot};

/// A key that works at this moment.
#[derive(Clone, Debug)]
pub struct Live {
    /// The key, as of the snapshot it was read from.
    pub key: Arc<ApiKey>,
    /// Whose it is.
    pub owner: Arc<User>,
    /// The client it is bound to.
    pub client: Option<Arc<Client>>,
}

/// A key that does not work, and which it is where the right text was presented.
struct Refused {
    key: Option<ApiKeyId>,
    error: Error,
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { key: None, error: error.into() }
    }
}

/// The key with this text, if it works from this address. Reads only: no use is taken and none is noted.
/// Errors: [`Error::Malformed`], [`Error::NotFound`], [`Error::Disabled`], [`Error::Expired`],
/// [`Error::ForeignNetwork`].
pub fn authenticate(cx: &Cx, presented: &Secret<String>, from: Option<IpAddr>) -> Result<Live, Error> {
    check(cx, presented, from).map_err(|refused| refused.error)
}

/// As [`authenticate`], and takes one use: of its window, durably of its remaining uses where they are counted, and of
/// what is noted as its last use. Waits for the disk only where uses are counted. A refusal is in the audit log, the
/// same one once a minute. Errors: those, [`Error::RateLimited`], [`Error::UsageExceeded`].
pub async fn accept(cx: &Cx, presented: &Secret<String>, from: Option<IpAddr>) -> Result<Live, Error> {
    let used = match check(cx, presented, from) {
        Ok(live) => match take_use(cx, &live.key).await {
            Ok(()) => Ok(live),
            Err(error) => Err(Refused { key: Some(live.key.id.clone()), error }),
        },
        Err(refused) => Err(refused),
    };
    match used {
        Ok(live) => Ok(live),
        Err(refused) => {
            tell(cx, &refused);
            Err(refused.error)
        }
    }
}

/// The key with this id, if it works: for tokens that were made with it. Errors: as [`authenticate`], the network
/// aside.
pub fn live(cx: &Cx, id: &ApiKeyId) -> Result<Live, Error> {
    works(cx, &*found(cx, &cx.read()?, id)?.ok_or(Error::NotFound)?)
}

fn check(cx: &Cx, presented: &Secret<String>, address: Option<IpAddr>) -> Result<Live, Refused> {
    let text = presented.expose();
    let id = token::id_of(text).ok_or(Error::Malformed)?;
    let from = cx.read()?;
    let found = found(cx, &from, &id)?.filter(|found| found.key.hash.matches(text)).ok_or(Error::NotFound)?;
    let named = |error| Refused { key: Some(id.clone()), error };
    let live = works(cx, &found).map_err(named)?;
    if is_at_home(&live.key, address) { Ok(live) } else { Err(named(Error::ForeignNetwork)) }
}

/// The key with this id and whom it belongs to, as the snapshot has them.
fn found(cx: &Cx, from: &Snapshot, id: &ApiKeyId) -> Result<Option<Arc<CachedKey>>, Error> {
    let cache = &cx.process().api_keys;
    if let Some(known) = cache.find(cx.tenant.id, from.access_revision().map(Revision::number), id) {
        return Ok(Some(known));
    }
    let Some(key) = rows::find(from, cx.tenant.id, id)? else { return Ok(None) };
    let owner = users::find(from, cx.tenant.id, &key.owner)?.map(Arc::new);
    let client = match &key.client {
        Some(id) => clients::find_shared(from, cx.tenant.id, id, &cx.process().clients)?,
        None => None,
    };
    let found = Arc::new(CachedKey { key: Arc::new(key), owner, client });
    cache.keep(cx.tenant.id, from.access_revision().map(Revision::number), &found);
    Ok(Some(found))
}

/// A key works while it, its owner and its client do.
fn works(cx: &Cx, found: &CachedKey) -> Result<Live, Error> {
    let CachedKey { key, owner, client } = found;
    if !key.enabled {
        return Err(Error::Disabled);
    }
    if !key.holds(cx.now) {
        return Err(Error::Expired);
    }
    let owner = owner.as_ref().filter(|owner| !owner.disabled).ok_or(Error::Disabled)?;
    let client = client.as_ref().filter(|client| !client.disabled);
    if key.client.is_some() && client.is_none() {
        return Err(Error::Disabled);
    }
    Ok(Live { key: Arc::clone(key), owner: Arc::clone(owner), client: client.cloned() })
}

/// Whether the key may be used from the address. Where networks are named, an address that is not known is in none.
fn is_at_home(key: &ApiKey, address: Option<IpAddr>) -> bool {
    let Some(address) = address.map(|address| address.to_canonical()) else { return key.networks.is_empty() };
    key.networks.is_empty()
        || key.networks.iter().filter_map(|text| fields::network(text)).any(|network| network.contains(&address))
}

async fn take_use(cx: &Cx, key: &ApiKey) -> Result<(), Error> {
    let counters = &cx.process().api_key_uses;
    if let Some(limit) = key.rate_limit {
        counters
            .take((cx.tenant.id, &key.id), limit, cx.uptime)
            .map_err(|try_again_ms| Error::RateLimited { try_again_ms })?;
    }
    if key.remaining.is_some() {
        spend(cx, &key.id).await?;
    }
    counters.note(cx.tenant.id, &key.id, cx.now);
    Ok(())
}

/// Takes one of the remaining uses in a transaction: of many who want the last one, one gets it.
async fn spend(cx: &Cx, id: &ApiKeyId) -> Result<(), Error> {
    let (at, id) = (cx.clone(), id.clone());
    cx.store()
        .write(move |tx| {
            let old = rows::find(tx, at.tenant.id, &id)?.ok_or(Error::NotFound)?;
            let Some(left) = old.remaining else { return Ok(()) };
            let (left, refill) = refilled(left, old.refill, at.now);
            let Some(left) = left.checked_sub(1) else {
                return Err(Error::UsageExceeded { try_again_ms: refill.map(|refill| until_next(refill, at.now)) });
            };
            rows::put(tx, at.tenant.id, &ApiKey { remaining: Some(left), refill, ..old })?;
            Ok(())
        })
        .await
}

/// The uses left once every refill that is due took place.
fn refilled(left: u64, refill: Option<Refill>, now: Moment) -> (u64, Option<Refill>) {
    let Some(refill) = refill else { return (left, None) };
    // Under a clock that was set back the last one lies ahead: it takes place at once, and not only when the clock has
    // caught up.
    if refill.last > now.plus(SLACK) {
        return (refill.amount, Some(Refill { last: now, ..refill }));
    }
    let passed = u64::try_from(now.since(refill.last).as_millis()).unwrap_or(u64::MAX);
    let due = passed.checked_div(refill.interval_ms).unwrap_or(0);
    if due == 0 {
        return (left, Some(refill));
    }
    let last = refill.last.plus(Duration::from_millis(due.saturating_mul(refill.interval_ms)));
    (refill.amount, Some(Refill { last, ..refill }))
}

fn until_next(refill: Refill, now: Moment) -> u64 {
    let next = refill.last.plus(Duration::from_millis(refill.interval_ms));
    u64::try_from(next.since(now).as_millis()).unwrap_or(u64::MAX)
}

/// Puts the refusal in the audit log, if it is news. For a text that is no key of this installation the address counts
/// that it came from.
fn tell(cx: &Cx, refused: &Refused) {
    if !refused.error.is_refusal() {
        return;
    }
    let code = refused.error.code();
    // Who showed the right text of a key is that key, whatever came of it.
    let cx = refused.key.as_ref().map_or_else(|| cx.clone(), |id| cx.with_actor(Actor::Key(id.clone())));
    audit::tell(&cx, &format!("api_key.use {code}"), || {
        let entry = refused.key.iter().fold(Entry::new(&cx), Entry::target);
        (entry, Event::ApiKeyUse { reason: code })
    });
}
