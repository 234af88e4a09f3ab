//! Relations between objects and subjects: by object, by subject, by identifier; and the count of changes to them.

mod ids;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::change_counts;
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::base::page::{Page, PageRequest};
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::key::prefix;
use crate::store::{Commit, Error, GO_ON, Index, Key, Next, Order, Read, Record, Snapshot, Table, Tx};

pub use ids::{entity_ids, objects_of_subject, subject_types, subjects_of_object};

/// (tenant, entity type, entity, relation, 1 for sets, subject type, subject, relation to the subject or nothing)
type ByObject = (TenantId, String, String, String, u64, String, String, String);
/// (tenant, subject type, subject, relation to the subject or nothing, entity type, relation, entity)
type BySubject = (TenantId, String, String, String, String, String, String);

const TUPLES: Table<ByObject, TupleValue> = Table::new("tuples");
const BY_SUBJECT: Index<BySubject> = Index::new("tuples_by_subject");
const BY_ID: Table<(TenantId, String), TupleKey> = Table::new("tuples_by_id");

/// Rows read at most to fill one filtered page.
const SCAN_LIMIT: usize = 10_000;

/// Sorts behind the name of every relation.
const LAST: &str = "\u{10FFFF}";

/// What a tuple carries; its parts are the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TupleValue {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Moment>,
    #[serde(rename = "m")]
    created_at: Moment,
    #[serde(rename = "u")]
    updated_at: Moment,
}

impl Record for TupleValue {}
impl Record for TupleKey {}

/// What a commit did to the tuples of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The count of changes after it, if it changed anything that counts.
    pub revision: Option<u64>,
    /// The new and changed tuples, and without one those that are gone.
    pub tuples: Vec<(TupleKey, Option<Tuple>)>,
}

/// Which tuples are wanted; absent fields accept all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only tuples on objects of this type.
    pub entity_type: Option<String>,
    /// Only tuples on this object.
    pub entity_id: Option<String>,
    /// Only tuples of this relation.
    pub relation: Option<String>,
    /// Only tuples whose subject has this type.
    pub subject_type: Option<String>,
    /// Only tuples whose subject has this identifier.
    pub subject_id: Option<String>,
}

impl Filter {
    fn accepts(&self, key: &TupleKey) -> bool {
        let same = |wanted: &Option<String>, have: &str| wanted.as_deref().is_none_or(|wanted| wanted == have);
        same(&self.entity_type, &key.entity_type)
            && same(&self.entity_id, &key.entity_id)
            && same(&self.relation, &key.relation)
            && same(&self.subject_type, &key.subject.kind)
            && same(&self.subject_id, &key.subject.id)
    }

    /// The narrowest beginning of the keys by object that holds all wanted tuples.
    fn by_object(&self, tenant: TenantId) -> Vec<u8> {
        match (&self.entity_type, &self.entity_id, &self.relation) {
            (Some(kind), Some(id), Some(relation)) => prefix((tenant, kind, id, relation)),
            (Some(kind), Some(id), None) => prefix((tenant, kind, id)),
            (Some(kind), None, _) => prefix((tenant, kind)),
            (None, ..) => prefix((tenant,)),
        }
    }
}

/// The tuple with these six parts, expired or not.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, key: &TupleKey) -> Result<Option<Tuple>, Error> {
    find_exact(from, tenant, (&key.entity_type, &key.entity_id, &key.relation), &key.subject)
}

/// As [`find`], by (entity type, entity, relation) and subject.
pub fn find_exact(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    object: (&str, &str, &str),
    subject: &SubjectRef,
) -> Result<Option<Tuple>, Error> {
    let (kind, id, relation) = object;
    let held = subject.relation.as_deref().unwrap_or_default();
    let set = set_flag(subject);
    let key = (tenant, kind, id, relation, set, subject.kind.as_str(), subject.id.as_str(), held);
    let found = TUPLES.find(from, key)?;
    Ok(found.map(|value| tuple(key_of(kind, id, relation, subject.clone()), value)))
}

/// The tuple with this identifier (`tpl_…`).
pub fn find_by_id(from: &(impl Read + ?Sized), tenant: TenantId, id: &str) -> Result<Option<Tuple>, Error> {
    match BY_ID.find(from, (tenant, id))? {
        Some(key) => find(from, tenant, &key),
        None => Ok(None),
    }
}

/// Tuples of all tenants.
pub fn count(from: &Snapshot) -> Result<u64, Error> {
    from.count("tuples")
}

/// Writes a tuple, over one with the same six parts.
pub fn put(tx: &mut Tx, tenant: TenantId, new: &Tuple) -> Result<(), Error> {
    let value = TupleValue {
        condition: new.condition.clone(),
        expires_at: new.expires_at,
        created_at: new.created_at,
        updated_at: new.updated_at,
    };
    TUPLES.put(tx, &by_object(tenant, &new.key), &value)?;
    BY_SUBJECT.put(tx, &by_subject(tenant, &new.key))?;
    BY_ID.put(tx, (tenant, &new.key.id()), &new.key)
}

/// Removes a tuple; answers whether it was there.
pub fn delete(tx: &mut Tx, tenant: TenantId, key: &TupleKey) -> Result<bool, Error> {
    if find(tx, tenant, key)?.is_none() {
        return Ok(false);
    }
    TUPLES.delete(tx, &by_object(tenant, key))?;
    BY_SUBJECT.delete(tx, &by_subject(tenant, key))?;
    BY_ID.delete(tx, (tenant, &key.id()))?;
    Ok(true)
}

/// A page of the tuples that `filter` accepts, in the order of their objects; when only the subject is named, in the
/// order of the subjects. A page may be short and still have a successor, so read on until `next` is absent.
pub fn page(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Tuple>, Error> {
    match &filter.subject_type {
        Some(kind) if filter.entity_id.is_none() => page_by_subject(from, tenant, (kind, filter), request),
        _ => page_by_object(from, tenant, filter, request),
    }
}

/// Whether a text is a cursor of [`page`] with this filter.
pub fn is_cursor(tenant: TenantId, filter: &Filter, text: &str) -> bool {
    let request = PageRequest::new(None, Some(text.to_owned()));
    match &filter.subject_type {
        Some(kind) if filter.entity_id.is_none() => cursor::<BySubject>(&request).is_some_and(|key| {
            let id = filter.subject_id.as_ref();
            key.0 == tenant && key.1 == *kind && id.is_none_or(|id| key.2 == *id)
        }),
        _ => cursor::<ByObject>(&request).is_some_and(|key| key.encode().starts_with(&filter.by_object(tenant))),
    }
}

fn page_by_object(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Tuple>, Error> {
    let after = cursor::<ByObject>(request);
    let rows = TUPLES.page(from, &filter.by_object(tenant), after.as_ref(), Order::Ascending, SCAN_LIMIT)?;
    let cut_off = (rows.len() == SCAN_LIMIT).then(|| rows.last().map(|(key, _)| text_of(key))).flatten();
    let found = rows.into_iter().map(|(key, value)| tuple(object_key(key), value));
    let found = found.filter(|tuple| filter.accepts(&tuple.key)).take(request.limit + 1).collect();
    let mut page = Page::from_rows(found, request.limit, |tuple: &Tuple| text_of(&by_object(tenant, &tuple.key)));
    page.next = page.next.or(cut_off);
    Ok(page)
}

fn page_by_subject(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    (kind, filter): (&str, &Filter),
    request: &PageRequest,
) -> Result<Page<Tuple>, Error> {
    let after = cursor::<BySubject>(request);
    let wanted = match &filter.subject_id {
        Some(id) => prefix((tenant, kind, id)),
        None => prefix((tenant, kind)),
    };
    let rows = BY_SUBJECT.page(from, &wanted, after.as_ref(), Order::Ascending, SCAN_LIMIT)?;
    let cut_off = (rows.len() == SCAN_LIMIT).then(|| rows.last().map(text_of)).flatten();
    let keys = rows.into_iter().map(subject_key).filter(|key| filter.accepts(key)).take(request.limit + 1).collect();
    let mut keys = Page::from_rows(keys, request.limit, |key: &TupleKey| text_of(&by_subject(tenant, key)));
    keys.next = keys.next.or(cut_off);
    let mut items = Vec::with_capacity(keys.items.len());
    for key in &keys.items {
        items.extend(find(from, tenant, key)?);
    }
    Ok(Page { items, next: keys.next })
}

/// Up to `limit` tuples of an object and a relation whose subjects stand for others: usersets and groups.
pub fn sets(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    object: (&str, &str, &str),
    limit: usize,
) -> Result<Vec<Tuple>, Error> {
    let (kind, id, relation) = object;
    of_object(from, &prefix((tenant, kind, id, relation, 1_u64)), limit)
}

/// Up to `limit` tuples of an object and a relation.
pub fn holders(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    object: (&str, &str, &str),
    limit: usize,
) -> Result<Vec<Tuple>, Error> {
    let (kind, id, relation) = object;
    of_object(from, &prefix((tenant, kind, id, relation)), limit)
}

/// Up to `limit` tuples in which exactly this subject stands, after the one given; by entity type, relation, entity.
pub fn of_subject(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    subject: &SubjectRef,
    after: Option<&TupleKey>,
    limit: usize,
) -> Result<Vec<TupleKey>, Error> {
    let held = subject.relation.as_deref().unwrap_or_default();
    let wanted = prefix((tenant, subject.kind.as_str(), subject.id.as_str(), held));
    keys_of_subject(from, tenant, &wanted, after, limit)
}

/// Up to `limit` tuples in which `kind:id` stands as the subject, alone or as a set.
pub fn speaking_of(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    kind: &str,
    id: &str,
    limit: usize,
) -> Result<Vec<TupleKey>, Error> {
    keys_of_subject(from, tenant, &prefix((tenant, kind, id)), None, limit)
}

/// Up to `limit` tuples whose subject has this type, whatever its identifier and relation, after the one given.
pub fn of_subject_type(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    kind: &str,
    after: Option<&TupleKey>,
    limit: usize,
) -> Result<Vec<TupleKey>, Error> {
    keys_of_subject(from, tenant, &prefix((tenant, kind)), after, limit)
}

/// How many tuples use a relation of a type, counted up to `limit`. Reads every tuple of the type when there are fewer.
pub fn count_relation(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    entity_type: &str,
    relation: &str,
    limit: usize,
) -> Result<usize, Error> {
    let (mut count, mut after) = (0, None);
    loop {
        let rows = TUPLES.page(from, &prefix((tenant, entity_type)), after.as_ref(), Order::Ascending, 1_000)?;
        count += rows.iter().filter(|(key, _)| key.3 == relation).count();
        if count >= limit || rows.len() < 1_000 {
            return Ok(count.min(limit));
        }
        after = rows.into_iter().last().map(|(key, _)| key);
    }
}

/// Removes the tuples in which `kind:id` stands as the subject, alone or as a set; `gone` is shown each of them.
pub fn delete_of_subject(
    tx: &mut Tx,
    tenant: TenantId,
    (kind, id): (&str, &str),
    mut gone: impl FnMut(&TupleKey),
) -> Result<(), Error> {
    BY_SUBJECT.visit_in(tx, &prefix((tenant, kind, id)), |tx, row| {
        let key = subject_key(row);
        gone(&key);
        delete(tx, tenant, &key)?;
        GO_ON
    })
}

/// Removes the tuples whose subject has this type, whatever its identifier and relation; `gone` is shown each of them.
pub fn delete_of_subject_type(
    tx: &mut Tx,
    tenant: TenantId,
    kind: &str,
    mut gone: impl FnMut(&TupleKey),
) -> Result<(), Error> {
    BY_SUBJECT.visit_in(tx, &prefix((tenant, kind)), |tx, row| {
        let key = subject_key(row);
        gone(&key);
        delete(tx, tenant, &key)?;
        GO_ON
    })
}

/// Removes the tuples on the object `kind:id`, such as the memberships of a group; `gone` is shown each of them.
pub fn delete_of_entity(
    tx: &mut Tx,
    tenant: TenantId,
    (kind, id): (&str, &str),
    mut gone: impl FnMut(&TupleKey),
) -> Result<(), Error> {
    TUPLES.visit_in(tx, &prefix((tenant, kind, id)), |tx, row, _| {
        let key = object_key(row);
        gone(&key);
        delete(tx, tenant, &key)?;
        GO_ON
    })
}

/// Shows `visit` the tuples of a relation of an object, in their order, until it breaks. Errors: reading, those of
/// `visit`.
pub fn visit_holders(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    (kind, id, relation): (&str, &str, &str),
    mut visit: impl FnMut(Tuple) -> Next,
) -> Result<(), Error> {
    TUPLES.visit(from, &prefix((tenant, kind, id, relation)), |key, value| visit(tuple(object_key(key), value)))
}

/// Up to `limit` tuples of the tenant, after the one given, by object.
pub fn all(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    after: Option<&TupleKey>,
    limit: usize,
) -> Result<Vec<Tuple>, Error> {
    let after = after.map(|key| by_object(tenant, key));
    let rows = TUPLES.page(from, &prefix((tenant,)), after.as_ref(), Order::Ascending, limit)?;
    Ok(rows.into_iter().map(|(key, value)| tuple(object_key(key), value)).collect())
}

/// What a commit did to the tuples of the tenant.
pub fn changed(commit: &Commit<'_>, tenant: TenantId) -> Result<Changed, Error> {
    let rows = TUPLES.changed(commit, &prefix((tenant,)))?.into_iter().map(|(key, value)| {
        let key = object_key(key);
        (key.clone(), value.map(|value| tuple(key, value)))
    });
    let revision = change_counts::changed(commit, tenant)?;
    Ok(Changed { revision, tuples: rows.collect() })
}

/// How often tuples, models and groups of the tenant have changed.
pub fn revision(from: &(impl Read + ?Sized), tenant: TenantId) -> Result<u64, Error> {
    change_counts::find(from, tenant)
}

/// Notes that tuples, models or groups change in this transaction; answers the new count.
pub fn raise(tx: &mut Tx, tenant: TenantId) -> Result<u64, Error> {
    change_counts::raise(tx, tenant)
}

fn of_object(from: &(impl Read + ?Sized), wanted: &[u8], limit: usize) -> Result<Vec<Tuple>, Error> {
    let rows = TUPLES.page(from, wanted, None, Order::Ascending, limit)?;
    Ok(rows.into_iter().map(|(key, value)| tuple(object_key(key), value)).collect())
}

fn keys_of_subject(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    wanted: &[u8],
    after: Option<&TupleKey>,
    limit: usize,
) -> Result<Vec<TupleKey>, Error> {
    let after = after.map(|key| by_subject(tenant, key));
    let rows = BY_SUBJECT.page(from, wanted, after.as_ref(), Order::Ascending, limit)?;
    Ok(rows.into_iter().map(subject_key).collect())
}

fn set_flag(subject: &SubjectRef) -> u64 {
    u64::from(subject.as_set().is_some())
}

/// A key behind all tuples of an object.
fn past(tenant: TenantId, kind: &str, id: String) -> ByObject {
    let none = String::new;
    (tenant, kind.to_owned(), id, LAST.to_owned(), u64::MAX, none(), none(), none())
}

fn key_of(kind: &str, id: &str, relation: &str, subject: SubjectRef) -> TupleKey {
    TupleKey { entity_type: kind.to_owned(), entity_id: id.to_owned(), relation: relation.to_owned(), subject }
}

fn by_object(tenant: TenantId, key: &TupleKey) -> ByObject {
    let TupleKey { entity_type, entity_id, relation, subject } = key.clone();
    let set = set_flag(&subject);
    (tenant, entity_type, entity_id, relation, set, subject.kind, subject.id, subject.relation.unwrap_or_default())
}

fn by_subject(tenant: TenantId, key: &TupleKey) -> BySubject {
    let TupleKey { entity_type, entity_id, relation, subject } = key.clone();
    let held = subject.relation.unwrap_or_default();
    (tenant, subject.kind, subject.id, held, entity_type, relation, entity_id)
}

fn object_key((_, entity_type, entity_id, relation, _, kind, id, held): ByObject) -> TupleKey {
    TupleKey { entity_type, entity_id, relation, subject: subject(kind, id, held) }
}

fn subject_key((_, kind, id, held, entity_type, relation, entity_id): BySubject) -> TupleKey {
    TupleKey { entity_type, entity_id, relation, subject: subject(kind, id, held) }
}

fn subject(kind: String, id: String, held: String) -> SubjectRef {
    SubjectRef { kind, id, relation: (!held.is_empty()).then_some(held) }
}

fn tuple(key: TupleKey, value: TupleValue) -> Tuple {
    let TupleValue { condition, expires_at, created_at, updated_at } = value;
    Tuple { key, condition, expires_at, created_at, updated_at }
}

/// The text of a key, for a cursor.
fn text_of(key: &impl Key) -> String {
    BASE64URL_NOPAD.encode(&key.encode())
}

/// The key that a cursor names; none when it is not one of this list's.
fn cursor<K: Key>(request: &PageRequest) -> Option<K> {
    let bytes = BASE64URL_NOPAD.decode(request.after.as_deref()?.as_bytes()).ok()?;
    K::decode(&bytes).ok()
}

#[cfg(test)]
#[path = "tuples_tests.rs"]
mod tests;
