//! Stored models: each change in one transaction with its audit row, refused while tuples rest on what would go.

mod warnings;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::warnings::warnings;
use super::authority::{self, ModelChange, WriteAs};
use super::error::{Error, Mistake};
use super::evaluations;
use super::model::{CompiledModel, Relation, builtin, compile, compile_stored, spell_subjects, stored_as};
use crate::audit::{Entry, Event};
use crate::base::id::{ClientId, TenantId};
use crate::base::page::{MAX_LIMIT, Page, PageRequest};
use crate::cx::Cx;
use crate::identity::{self, administrators};
use crate::records::tuple::SUBJECT_TYPES;
use crate::records::{Model, PolicyPlace, Tuple, TupleKey};
use crate::rights::{self, Right};
use crate::store::rows::tuples::{self, Filter};
use crate::store::rows::{clients, models as rows, policy_versions};
use crate::store::{Read, Snapshot, Tx};

/// Tuples that are removed with one model at the most.
const MAX_REMOVED: usize = 10_000;

/// Tuples in the way that are named for each relation.
const NAMED: usize = 5;

/// A model that somebody wants to write.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The type, in either spelling.
    pub entity_type: String,
    pub definition: Map<String, Value>,
    /// The client whose type it is. `None` keeps what is stored. A new type `abc:invoice` or `client_abc:invoice` is
    /// written down as the client's that is called `abc` at that moment; one that gets this name later has nothing of
    /// it.
    pub client: Option<ClientId>,
    /// The version that the caller read; 0 for a type without a stored model; `None` writes over any.
    pub expected_version: Option<u64>,
}

/// A model that was written.
#[derive(Clone, Debug)]
pub struct Stored {
    pub model: Model,
    /// Whether there was none before.
    pub created: bool,
    /// What is allowed and probably not meant, with its place.
    pub warnings: Vec<Mistake>,
}

/// A change of one permission's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PolicyChange {
    permission: String,
    /// The script from now on; `None` when there is none any more.
    policy: Option<String>,
}

/// The stored model of a type in either spelling. Built-in ones are in [`builtin`].
pub fn find(cx: &Cx, from: &Snapshot, entity_type: &str) -> Result<Option<Model>, Error> {
    Ok(stored_as(from, cx.tenant.id, entity_type)?)
}

/// A page of stored models.
pub fn page(cx: &Cx, request: &PageRequest) -> Result<Page<Model>, Error> {
    Ok(rows::page(&cx.read()?, cx.tenant.id, request)?)
}

/// Checks a document without storing it: what it would mean, and warnings. Errors: [`Error::Invalid`] with every
/// mistake, and [`Error::SubjectNotFound`] for a client that does not exist.
pub fn check(cx: &Cx, from: &Snapshot, draft: &Draft) -> Result<(CompiledModel, Vec<Mistake>), Error> {
    let mut model = meaning(cx, from, draft)?;
    model.client = owner(from, cx.tenant.id, draft, stored_as(from, cx.tenant.id, &draft.entity_type)?.as_ref())?;
    let warnings = warnings(from, cx.tenant.id, &model)?;
    Ok((model, warnings))
}

/// Stores a model without keeping it, without asking for a right. Errors: those of [`put`], a missing right aside.
pub fn rehearse(cx: &Cx, draft: &Draft) -> Result<Stored, Error> {
    let model = meaning(cx, &cx.read()?, draft)?;
    let entry = Entry::new(cx).target(&model.entity_type);
    cx.store().rehearse(|tx| put_in(tx, cx, (draft, &model), &entry))
}

/// Stores a model that the actor may write. Errors: [`Error::Denied`], [`Error::Invalid`], [`Error::Conflict`],
/// [`Error::InUse`], [`Error::SubjectNotFound`] for a client that does not exist.
pub async fn put(cx: &Cx, draft: &Draft) -> Result<Stored, Error> {
    put_over(cx, draft, InTheWay::Refuse).await
}

/// What becomes of tuples that a model would no longer take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTheWay {
    /// The model is refused: [`Error::InUse`].
    Refuse,
    /// They are removed with it, by who may remove them.
    Remove,
}

/// As [`put`]. Errors: those.
pub async fn put_over(cx: &Cx, draft: &Draft, tuples: InTheWay) -> Result<Stored, Error> {
    let model = meaning(cx, &cx.read()?, draft)?;
    let entry = Entry::new(cx).target(&model.entity_type);
    // One for each tuple that goes: nothing is drawn within the transaction.
    let removals = match tuples {
        InTheWay::Refuse => Vec::new(),
        InTheWay::Remove => {
            let count = cx.store().rehearse(|tx| Ok::<_, Error>(keys_in_the_way(tx, cx, &model)?.len()))?;
            (0..count).map(|_| Entry::new(cx)).collect()
        }
    };
    let (at, draft) = (cx.clone(), draft.clone());
    let change = move |tx: &mut Tx| {
        may_put(&at, tx, &draft)?;
        if tuples == InTheWay::Remove {
            remove_in_the_way(tx, &at, &model, &removals)?;
        }
        put_in(tx, &at, (&draft, &model), &entry)
    };
    rights::write(cx, Right::OnWhatIsFound, change).await
}

/// The tuples that a model would no longer take. Errors: [`Error::InUse`] for more than [`MAX_REMOVED`].
fn keys_in_the_way(tx: &Tx, cx: &Cx, model: &CompiledModel) -> Result<Vec<TupleKey>, Error> {
    let old = stored_as(tx, cx.tenant.id, &model.entity_type)?;
    let before = meaning_before(tx, cx.tenant.id, &model.entity_type, old.as_ref())?;
    let mut after = model.clone();
    spell_subjects(tx, cx.tenant.id, &mut after)?;
    let lost = in_the_way(tx, cx.tenant.id, (before.as_ref(), &after))?;
    let keys: Vec<TupleKey> = lost.into_values().flat_map(|lost| lost.first).collect();
    if keys.len() > MAX_REMOVED {
        return Err(Error::InUse(format!("more than {MAX_REMOVED} tuples of `{}` are in the way", after.entity_type)));
    }
    Ok(keys)
}

/// Removes the tuples that a model would no longer take, with an audit row for each. Errors: [`Error::Denied`],
/// [`Error::Conflict`] when there are more by now, [`Error::InUse`] for too many and for the last administrator.
fn remove_in_the_way(tx: &mut Tx, cx: &Cx, model: &CompiledModel, entries: &[Entry]) -> Result<(), Error> {
    let keys = keys_in_the_way(tx, cx, model)?;
    if keys.len() > entries.len() {
        return Err(Error::Conflict);
    }
    authority::may_write_tuples(cx, tx, &WriteAs::Oneself, &keys)?;
    for (key, entry) in keys.into_iter().zip(entries) {
        tuples::delete(tx, cx.tenant.id, &key)?;
        let script = evaluations::change(cx, &key.entity_type, PolicyPlace::Tuple(key.id()), None, None);
        policy_versions::note_change(tx, cx.tenant.id, &script)?;
        administrators::follow_tuple(tx, cx, &key).map_err(|error| match error {
            identity::Error::Store(error) => Error::Store(error),
            other => Error::InUse(other.to_string()),
        })?;
        let event = Event::TupleRemove { tuple: key.to_string() };
        entry.clone().target(key.id()).append(tx, cx, &event)?;
    }
    Ok(())
}

/// Refuses a model that the actor may not store in this state. Errors: [`Error::Denied`], the store's.
pub fn may_put(cx: &Cx, from: &dyn Read, draft: &Draft) -> Result<(), Error> {
    let old = stored_as(from, cx.tenant.id, &draft.entity_type)?;
    let owner = match &old {
        Some(old) => old.client.clone(),
        None => owner_by_name(from, cx.tenant.id, &draft.entity_type)?,
    };
    let entity_type = old.as_ref().map_or(&draft.entity_type, |old| &old.entity_type);
    authority::may_change_model(
        cx,
        from,
        ModelChange { entity_type, owner: owner.as_ref(), named: draft.client.as_ref() },
    )
}

fn put_in(tx: &mut Tx, cx: &Cx, (draft, model): (&Draft, &CompiledModel), entry: &Entry) -> Result<Stored, Error> {
    let old = stored_as(tx, cx.tenant.id, &draft.entity_type)?;
    let version = old.as_ref().map_or(0, |old| old.version);
    // Another spelling of the type was stored since the document was read.
    let moved = old.as_ref().is_some_and(|old| old.entity_type != model.entity_type);
    if moved || draft.expected_version.is_some_and(|expected| expected != version) {
        return Err(Error::Conflict);
    }
    let before = meaning_before(tx, cx.tenant.id, &model.entity_type, old.as_ref())?;
    let mut after = model.clone();
    spell_subjects(tx, cx.tenant.id, &mut after)?;
    nothing_in_use_goes(tx, cx.tenant.id, (before.as_ref(), &after))?;
    let new = Model {
        entity_type: model.entity_type.clone(),
        client: owner(tx, cx.tenant.id, draft, old.as_ref())?,
        definition: draft.definition.clone(),
        version: version.saturating_add(1),
        created_at: old.as_ref().map_or(cx.now, |old| old.created_at),
        updated_at: cx.now,
    };
    rows::put(tx, cx.tenant.id, &new)?;
    tuples::raise(tx, cx.tenant.id)?;
    entry.append(tx, cx, &Event::ModelPut { version: new.version, client: new.client.clone() })?;
    note(tx, cx, &after.entity_type, &policy_changes(before.as_ref(), &after))?;
    Ok(Stored { warnings: warnings(tx, cx.tenant.id, &after)?, model: new, created: old.is_none() })
}

/// Removes a stored model that the actor may write. A built-in one of the same type comes back. Errors:
/// [`Error::Denied`], [`Error::NotFound`], [`Error::Conflict`], [`Error::InUse`].
pub async fn delete(cx: &Cx, entity_type: &str, expected: Option<u64>) -> Result<(), Error> {
    let entry = Entry::new(cx);
    let (at, entity_type) = (cx.clone(), entity_type.to_owned());
    let change = move |tx: &mut Tx| {
        let found = stored_as(tx, at.tenant.id, &entity_type)?;
        let written = ModelChange {
            entity_type: found.as_ref().map_or(&entity_type, |old| &old.entity_type),
            owner: found.as_ref().and_then(|old| old.client.as_ref()),
            named: None,
        };
        authority::may_change_model(&at, tx, written)?;
        let old = found.ok_or(Error::NotFound)?;
        if expected.is_some_and(|expected| expected != old.version) {
            return Err(Error::Conflict);
        }
        let before = meaning_before(tx, at.tenant.id, &old.entity_type, Some(&old))?;
        let after =
            builtin::find(&old.entity_type).map(|model| CompiledModel::clone(model)).unwrap_or_else(|| nothing(&old));
        nothing_in_use_goes(tx, at.tenant.id, (before.as_ref(), &after))?;
        if builtin::find(&old.entity_type).is_none() {
            nobody_is_left_behind(tx, at.tenant.id, &old.entity_type)?;
        }
        rows::delete(tx, at.tenant.id, &old.entity_type)?;
        tuples::raise(tx, at.tenant.id)?;
        note(tx, &at, &old.entity_type, &policy_changes(before.as_ref(), &after))?;
        Ok(entry.clone().target(&old.entity_type).append(tx, &at, &Event::ModelDelete { version: old.version })?)
    };
    rights::write(cx, Right::OnWhatIsFound, change).await
}

/// Tuples elsewhere in which objects of a type stand as subjects, as sets or as parents: a type that is made under this
/// name later would decide whom they let in. People, keys, clients and groups are known without a model.
fn nobody_is_left_behind(tx: &Tx, tenant: TenantId, entity_type: &str) -> Result<(), Error> {
    let mut after = None;
    loop {
        let some = tuples::of_subject_type(tx, tenant, entity_type, after.as_ref(), MAX_LIMIT)?;
        let rests_on_model = |key: &&TupleKey| key.subject.relation.is_some() || !SUBJECT_TYPES.contains(&entity_type);
        if let Some(key) = some.iter().find(rests_on_model) {
            let problem = format!("`{key}` speaks of a `{entity_type}`. Remove the tuples that do first");
            return Err(Error::InUse(problem));
        }
        if some.len() < MAX_LIMIT {
            return Ok(());
        }
        after = some.into_iter().last();
    }
}

/// Adds to the versions of the type's policies.
fn note(tx: &mut Tx, cx: &Cx, entity_type: &str, changes: &[PolicyChange]) -> Result<(), Error> {
    for change in changes {
        let place = PolicyPlace::Permission(change.permission.clone());
        let version = evaluations::change(cx, entity_type, place, change.policy.as_deref(), None);
        policy_versions::note_change(tx, cx.tenant.id, &version)?;
    }
    Ok(())
}

/// What a document means under the name that the type is stored by.
fn meaning(cx: &Cx, from: &Snapshot, draft: &Draft) -> Result<CompiledModel, Error> {
    let stored = stored_as(from, cx.tenant.id, &draft.entity_type)?;
    let entity_type = stored.as_ref().map_or(draft.entity_type.as_str(), |stored| &stored.entity_type);
    compile(entity_type, draft.client.as_ref(), &draft.definition).map_err(Error::Invalid)
}

fn meaning_before(
    tx: &Tx,
    tenant: TenantId,
    entity_type: &str,
    old: Option<&Model>,
) -> Result<Option<CompiledModel>, Error> {
    let Some(old) = old else { return Ok(builtin::find(entity_type).map(|model| CompiledModel::clone(model))) };
    // What does not compile gives no tuple a meaning that could be lost.
    let mut before = compile_stored(old).unwrap_or_else(|_| nothing(old));
    spell_subjects(tx, tenant, &mut before)?;
    Ok(Some(before))
}

/// A type without relations.
fn nothing(old: &Model) -> CompiledModel {
    CompiledModel {
        entity_type: old.entity_type.clone(),
        client: old.client.clone(),
        relations: BTreeMap::new(),
        permissions: BTreeMap::new(),
        admin_bypass: true,
        version: 0,
    }
}

/// The client whose type it is. Scope is decided by this, never by what a name looks like later.
fn owner(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    draft: &Draft,
    old: Option<&Model>,
) -> Result<Option<ClientId>, Error> {
    if let Some(client) = &draft.client {
        return match clients::find(from, tenant, client)? {
            Some(found) => Ok(Some(found.id)),
            None => Err(Error::SubjectNotFound { kind: String::from("client"), id: client.to_string() }),
        };
    }
    match old {
        Some(old) => Ok(old.client.clone()),
        None => owner_by_name(from, tenant, &draft.entity_type),
    }
}

/// The client that a type is written down for when it is made and nobody is named.
fn owner_by_name(from: &(impl Read + ?Sized), tenant: TenantId, entity_type: &str) -> Result<Option<ClientId>, Error> {
    let Some((named, _)) = entity_type.split_once(':') else { return Ok(None) };
    for name in [Some(named), named.strip_prefix("client_")].into_iter().flatten() {
        if let Ok(id) = name.parse::<ClientId>()
            && let Some(found) = clients::find(from, tenant, &id)?
        {
            return Ok(Some(found.id));
        }
    }
    Ok(None)
}

/// Tuples whose relation goes, or whose subject is no longer allowed, would stay behind and mean something else one
/// day.
fn nothing_in_use_goes(
    tx: &Tx,
    tenant: TenantId,
    (before, after): (Option<&CompiledModel>, &CompiledModel),
) -> Result<(), Error> {
    let lost = in_the_way(tx, tenant, (before, after))?;
    if lost.is_empty() { Ok(()) } else { Err(Error::InUse(in_use(&after.entity_type, after, &lost))) }
}

/// Tuples of one relation that a model would no longer take.
#[derive(Default)]
struct Lost {
    count: usize,
    /// The first of them.
    first: Vec<TupleKey>,
}

/// The tuples that a model would no longer take, by their relation.
fn in_the_way(
    tx: &Tx,
    tenant: TenantId,
    (before, after): (Option<&CompiledModel>, &CompiledModel),
) -> Result<BTreeMap<String, Lost>, Error> {
    let Some(before) =
        before.filter(|before| before.relations.iter().any(|(name, old)| narrows(old, after.relations.get(name))))
    else {
        return Ok(BTreeMap::new());
    };
    let accepts = |model: &CompiledModel, Tuple { key, condition, .. }: &Tuple| {
        let relation = model.relations.get(&key.relation);
        relation.is_some_and(|relation| relation.accepts(&key.subject, condition.is_some()))
    };
    let mut lost: BTreeMap<String, Lost> = BTreeMap::new();
    let filter = Filter { entity_type: Some(after.entity_type.clone()), ..Filter::default() };
    let mut request = PageRequest::new(Some(MAX_LIMIT), None);
    loop {
        let page = tuples::page(tx, tenant, &filter, &request)?;
        for tuple in page.items.into_iter().filter(|tuple| accepts(before, tuple) && !accepts(after, tuple)) {
            let lost = lost.entry(tuple.key.relation.clone()).or_default();
            lost.count += 1;
            if lost.first.len() <= MAX_REMOVED {
                lost.first.push(tuple.key);
            }
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    Ok(lost)
}

fn narrows(old: &Relation, new: Option<&Relation>) -> bool {
    if !old.takes_tuples() {
        return false;
    }
    let Some(new) = new.filter(|new| new.takes_tuples()) else { return true };
    match (&old.subjects, &new.subjects) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => old.iter().any(|rule| !new.contains(rule)),
    }
}

fn in_use(entity_type: &str, after: &CompiledModel, lost: &BTreeMap<String, Lost>) -> String {
    let counts = lost.iter().map(|(relation, Lost { count, first })| {
        let tuples = if *count == 1 { "tuple" } else { "tuples" };
        let mut named: Vec<String> = first.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
        if *count > NAMED {
            named.push(String::from("…"));
        }
        let why = match after.relations.get(relation) {
            None => "would lose their relation",
            Some(relation) if !relation.takes_tuples() => "are of a relation that would take none",
            Some(_) => "have subjects that it would no longer take",
        };
        format!("`{relation}`: {count} {tuples} {why} ({})", named.join(", "))
    });
    let counts = counts.collect::<Vec<_>>().join("; ");
    let first = lost.keys().next().map_or("", String::as_str);
    format!(
        "{counts}. Remove them first; list them with `auther admin tuple list --entity-type {entity_type} --relation {first}`. \
         An import removes them with the model when it is told so: `auther admin model import --remove-tuples`"
    )
}

fn policy_changes(before: Option<&CompiledModel>, after: &CompiledModel) -> Vec<PolicyChange> {
    let of = |model: Option<&CompiledModel>| -> BTreeMap<String, String> {
        let all = model.into_iter().flat_map(|model| &model.permissions);
        all.filter_map(|(name, permission)| Some((name.clone(), permission.policy.as_deref()?.to_owned()))).collect()
    };
    let (old, new) = (of(before), of(Some(after)));
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = new
        .iter()
        .filter(|(name, policy)| old.get(*name) != Some(policy))
        .map(|(name, policy)| (name.clone(), Some(policy.clone())));
    changed.chain(gone).map(|(permission, policy)| PolicyChange { permission, policy }).collect()
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
