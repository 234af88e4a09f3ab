//! Keys in the store: each change in one transaction with its audit row.

use super::fields::{self, Findings, KeyChange, KeyRights, NewKey};
use super::{Error, token, usage};
use crate::audit::{Changes, Entry, Event};
use crate::base::Secret;
use crate::base::best::Best;
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::secret::Digest;
use crate::base::sort::{Rank, Sort, Sortable as _};
use crate::cx::Cx;
use crate::identity::{cascade, sessions};
use crate::records::api_key::MAX_PER_OWNER;
use crate::records::tuple::ANY;
use crate::records::{ApiKey, SubjectRef};
use crate::rights::{self, MANAGE_PLATFORM, PLATFORM, Right};
use crate::store::rows::{api_keys as rows, clients, users};
use crate::store::{Read, Tx};

/// The type that rights over everybody's keys are on.
const API_KEYS: &str = "api_keys";

/// A key that was just made.
#[derive(Debug)]
pub struct Created {
    /// The key as it is stored, without its secret.
    pub key: ApiKey,
    /// The text to present; shown this once.
    pub secret: Secret<String>,
}

/// Makes a key of this person: for themselves, or with the right to administer the platform, which setting its limits
/// needs too; to bind it to a client, the right to manage that. Errors: [`Error::Denied`], [`Error::Reserved`],
/// [`Error::ForeignClient`], [`Error::Invalid`] also when owner or client do not exist or are disabled,
/// [`Error::TooMany`].
pub async fn create(cx: &Cx, owner: &UserId, mut new: NewKey) -> Result<Created, Error> {
    new.settle()?;
    let id = ApiKeyId::new(cx.now, cx.entropy());
    let prefix = new.prefix.unwrap_or_else(|| token::PREFIX.to_owned());
    let secret = token::compose(&prefix, &id, cx.entropy());
    let key = ApiKey {
        hash: Digest::of(secret.expose()),
        name: new.name,
        start: token::start(&prefix, &id),
        prefix,
        owner: owner.clone(),
        client: new.client,
        enabled: true,
        expires_at: fields::end(new.expires_in, cx.now),
        rate_limit: new.rate_limit,
        remaining: new.remaining,
        refill: new.refill.map(|rule| fields::refill_from(rule, cx.now)),
        networks: new.networks,
        metadata: new.metadata,
        last_used_at: None,
        uses: 0,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
        id,
    };
    let entry = Entry::new(cx).target(&key.id);
    let (at, row) = (cx.clone(), key.clone());
    let change = move |tx: &mut Tx| {
        let rights_of_caller = key_rights(&at, tx, &fields::clients_of(row.client.as_ref(), &row.metadata))?;
        if !rights_of_caller.is_admin {
            Right::Own(row.owner.clone()).require::<Error>(&at, tx)?;
        }
        fields::may_be_made(&row, rights_of_caller)?;
        can_be_made(tx, &at, &row)?;
        rows::put(tx, at.tenant.id, &row)?;
        entry.append(tx, &at, &Event::ApiKeyCreate { owner: row.owner.clone(), client: row.client.clone() })?;
        Ok::<_, Error>(())
    };
    rights::write(cx, Right::OnWhatIsFound, change).await?;
    Ok(Created { key, secret })
}

/// What the actor may do with keys beyond having their own: administrators manage every client.
fn key_rights(cx: &Cx, from: &dyn Read, clients: &[Option<&str>]) -> Result<KeyRights, Error> {
    let authorizer = &cx.app.authorizer;
    if authorizer.may(cx, from, MANAGE_PLATFORM, (PLATFORM, ANY))? {
        return Ok(KeyRights::FULL);
    }
    let mut manages_client = !clients.is_empty();
    for client in clients {
        manages_client &= match client {
            Some(client) => authorizer.may(cx, from, "manage", ("oauth_client", client))?,
            None => false,
        };
    }
    Ok(KeyRights { is_admin: false, manages_client })
}

/// Owner and client are there and live, and the owner has room.
fn can_be_made(from: &Tx, cx: &Cx, key: &ApiKey) -> Result<(), Error> {
    let mut findings = Findings::default();
    if users::find(from, cx.tenant.id, &key.owner)?.is_none_or(|owner| owner.disabled) {
        findings.note("owner", "The owner does not exist or is disabled.");
    }
    if let Some(client) = &key.client
        && clients::find(from, cx.tenant.id, client)?.is_none_or(|client| client.disabled)
    {
        findings.note("client", "The client does not exist or is disabled.");
    }
    findings.into_result()?;
    let count = rows::count_of_owner(from, cx.tenant.id, &key.owner, MAX_PER_OWNER)?;
    if count < MAX_PER_OWNER { Ok(()) } else { Err(Error::TooMany) }
}

/// The key with this id; with an `owner`, only if it is theirs. Errors: [`Error::NotFound`].
pub fn find(cx: &Cx, id: &ApiKeyId, owner: Option<&UserId>) -> Result<ApiKey, Error> {
    of(&cx.read()?, cx, id, owner)
}

fn of(from: &impl Read, cx: &Cx, id: &ApiKeyId, owner: Option<&UserId>) -> Result<ApiKey, Error> {
    let key = rows::find(from, cx.tenant.id, id)?.ok_or(Error::NotFound)?;
    if owner.is_none_or(|owner| *owner == key.owner) { Ok(key) } else { Err(Error::NotFound) }
}

/// The keys of a person, oldest first, expired ones included.
pub fn of_owner(cx: &Cx, owner: &UserId) -> Result<Vec<ApiKey>, Error> {
    Ok(rows::of_owner(&cx.read()?, cx.tenant.id, owner)?)
}

/// A page of all keys, newest first.
pub fn page(cx: &Cx, request: &PageRequest) -> Result<Page<ApiKey>, Error> {
    Ok(rows::page(&cx.read()?, cx.tenant.id, request)?)
}

/// A page of the keys bound to a client, newest first.
pub fn page_of_client(cx: &Cx, client: &ClientId, request: &PageRequest) -> Result<Page<ApiKey>, Error> {
    Ok(rows::page_of_client(&cx.read()?, cx.tenant.id, client, request)?)
}

/// A page of the keys in another order: of all, or of one owner or client. By their last use as of now, not as of a
/// minute ago.
pub fn sorted(
    cx: &Cx,
    (sort, limit): (&Sort, usize),
    owner: Option<&UserId>,
    client: Option<&ClientId>,
) -> Result<Page<ApiKey>, Error> {
    let from = cx.read()?;
    let rank = |key: &ApiKey| match sort.field() {
        "last_used_at" => Rank::time_if(usage::usage(cx, key).last),
        field => key.rank(field),
    };
    let Some(owner) = owner else {
        let wanted = |key: &ApiKey| client.is_none_or(|client| key.client.as_ref() == Some(client));
        return Ok(rows::sorted(&from, cx.tenant.id, (sort, limit), wanted, rank)?);
    };
    let mut best = Best::new(sort, limit);
    for key in rows::of_owner(&from, cx.tenant.id, owner)? {
        best.offer_as(rank(&key), key);
    }
    Ok(best.into_page())
}

/// Changes a key as its owner, if it is theirs. Who is no administrator narrows where it may be used from, sets no
/// limits, and leaves the end of a key that holds something of the platform as it is. Errors: [`Error::Denied`],
/// [`Error::NotFound`], [`Error::Conflict`], [`Error::Reserved`], [`Error::Invalid`].
pub async fn update_own(cx: &Cx, id: &ApiKeyId, owner: &UserId, change: KeyChange) -> Result<ApiKey, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id, user) = (cx.clone(), id.clone(), owner.clone());
    let changed = move |tx: &mut Tx| {
        let old = of(tx, &at, &id, Some(&user))?;
        let notes = change.metadata.clone().unwrap_or_default();
        let rights_of_caller = key_rights(&at, tx, &fields::clients_of(None, &notes))?;
        let new = applied(&change, &old, rights_of_caller, &at)?;
        if fields::lasts_longer(&old, &new) {
            rights::may_change_subject::<Error>(&at, tx, &subject(&old))?;
        }
        put(tx, &at, (old, new), (&entry, &change))
    };
    rights::write(cx, Right::Own(owner.clone()), changed).await
}

/// Changes somebody's key: with the right to `update` keys, or, if it can do less afterwards and nothing else, with the
/// right to `revoke` them. A key that holds something of the platform is changed by its administrators, and one of a
/// person who does is given no more by anybody else. Errors: [`Error::Denied`], [`Error::NotFound`],
/// [`Error::Conflict`], [`Error::Invalid`].
pub async fn update(cx: &Cx, id: &ApiKeyId, change: KeyChange) -> Result<ApiKey, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let changed = move |tx: &mut Tx| {
        let widening = Right::on("update", API_KEYS).require::<Error>(&at, tx);
        if widening.is_err() {
            Right::on("revoke", API_KEYS).require::<Error>(&at, tx)?;
        }
        let old = of(tx, &at, &id, None)?;
        rights::may_change_subject::<Error>(&at, tx, &subject(&old))?;
        let new = applied(&change, &old, KeyRights::FULL, &at)?;
        if !fields::only_narrows(&old, &new) {
            widening?;
            rights::may_change_subject::<Error>(&at, tx, &SubjectRef::new("user", old.owner.as_str()))?;
        }
        put(tx, &at, (old, new), (&entry, &change))
    };
    rights::write(cx, Right::OnWhatIsFound, changed).await
}

/// The key as it is afterwards. Errors: [`Error::NotFresh`] when a session that is not fresh would let it do more.
fn applied(change: &KeyChange, old: &ApiKey, rights_of_caller: KeyRights, cx: &Cx) -> Result<ApiKey, Error> {
    if change.expected_version.is_some_and(|expected| expected != old.version) {
        return Err(Error::Conflict);
    }
    let new = change.applied_to(old, rights_of_caller, cx.now)?;
    if fields::widens(old, &new) {
        sessions::require_fresh(cx).map_err(|_| Error::NotFresh)?;
    }
    Ok(new)
}

/// What the audit log tells of a change with both values; of the owner's own notes it tells that they changed.
const TOLD: &[&str] = &["name", "enabled", "expires_at", "rate_limit", "remaining", "refill", "networks"];

fn put(
    tx: &mut Tx,
    cx: &Cx,
    (old, new): (ApiKey, ApiKey),
    (entry, change): (&Entry, &KeyChange),
) -> Result<ApiKey, Error> {
    rows::put(tx, cx.tenant.id, &new)?;
    let fields = change.names().into_iter().map(Into::into).collect();
    entry.append(tx, cx, &Event::ApiKeyUpdate { fields, changes: Changes::between(&old, &new, TOLD).some() })?;
    Ok(new)
}

/// The key as the subject that it is.
fn subject(key: &ApiKey) -> SubjectRef {
    SubjectRef::new("apikey", key.id.as_str())
}

/// Removes a key of one's own for good with every relation it has. Errors: [`Error::NotFound`] also when it is somebody
/// else's.
pub async fn delete_own(cx: &Cx, id: &ApiKeyId, owner: &UserId) -> Result<(ApiKey, usize), Error> {
    delete_by(cx, Right::Own(owner.clone()), id).await
}

/// Removes somebody's key for good with every relation it has, with the right to revoke keys; one that holds something
/// of the platform is for its administrators. Answers what it was and how many relations those were. Errors:
/// [`Error::Denied`], [`Error::NotFound`].
pub async fn delete(cx: &Cx, id: &ApiKeyId) -> Result<(ApiKey, usize), Error> {
    delete_by(cx, Right::on("revoke", API_KEYS), id).await
}

async fn delete_by(cx: &Cx, right: Right, id: &ApiKeyId) -> Result<(ApiKey, usize), Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id, by) = (cx.clone(), id.clone(), right.clone());
    let change = move |tx: &mut Tx| {
        let owner = if let Right::Own(owner) = &by { Some(owner) } else { None };
        let key = of(tx, &at, &id, owner)?;
        if owner.is_none() {
            rights::may_change_subject::<Error>(&at, tx, &subject(&key))?;
        }
        let tuples = cascade::remove_api_key(tx, &at, &key)?.tuples;
        entry.append(tx, &at, &Event::ApiKeyDelete { owner: key.owner.clone(), tuples })?;
        Ok((key, tuples))
    };
    rights::write(cx, right, change).await
}

/// Removes the keys of the actor that have expired; answers how many.
pub async fn delete_expired(cx: &Cx, owner: &UserId) -> Result<usize, Error> {
    let entry = Entry::new(cx).target(owner);
    let (at, user) = (cx.clone(), owner.clone());
    let change = move |tx: &mut Tx| {
        let mut expired = rows::of_owner(tx, at.tenant.id, &user)?;
        expired.retain(|key| key.has_expired(at.now));
        if expired.is_empty() {
            return Ok(0);
        }
        for key in &expired {
            cascade::remove_api_key(tx, &at, key)?;
        }
        let keys = expired.iter().map(|key| key.id.clone()).collect();
        entry.append(tx, &at, &Event::ApiKeyDeleteExpired { keys })?;
        Ok(expired.len())
    };
    rights::write(cx, Right::Own(owner.clone()), change).await
}
