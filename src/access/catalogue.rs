//! Stored models: each change in one transaction with its audit row, refused while tuples rest on what would go.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::authority::{self, ModelChange};
use super::error::{Error, Mistake};
use super::evaluations;
use super::model::{
    CompiledModel, Models, Relation, Rewrite, SubjectRule, builtin, circular_exclusions, compile, compile_stored,
    spell_subjects, stored_as,
};
use crate::audit::{Entry, Event};
use crate::base::id::{ClientId, TenantId};
use crate::base::page::{MAX_LIMIT, Page, PageRequest};
use crate::cx::Cx;
use crate::records::tuple::SUBJECT_TYPES;
use crate::records::{Model, PolicyPlace, TupleKey};
use crate::rights::{self, Right};
use crate::store::rows::tuples::{self, Filter};
use crate::store::rows::{clients, models as rows, policy_versions};
use crate::store::{Read, Snapshot, Tx};

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
    let model = meaning(cx, &cx.read()?, draft)?;
    let entry = Entry::new(cx).target(&model.entity_type);
    let (at, draft) = (cx.clone(), draft.clone());
    let change = move |tx: &mut Tx| {
        may_put(&at, tx, &draft)?;
        put_in(tx, &at, (&draft, &model), &entry)
    };
    rights::write(cx, Right::OnWhatIsFound, change).await
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
    let Some(before) =
        before.filter(|before| before.relations.iter().any(|(name, old)| narrows(old, after.relations.get(name))))
    else {
        return Ok(());
    };
    let accepts = |model: &CompiledModel, key: &TupleKey| {
        model.relations.get(&key.relation).is_some_and(|relation| relation.accepts(&key.subject))
    };
    let mut lost: BTreeMap<String, u64> = BTreeMap::new();
    let filter = Filter { entity_type: Some(after.entity_type.clone()), ..Filter::default() };
    let mut request = PageRequest::new(Some(MAX_LIMIT), None);
    loop {
        let page = tuples::page(tx, tenant, &filter, &request)?;
        for key in page.items.iter().map(|tuple| &tuple.key).filter(|key| accepts(before, key) && !accepts(after, key))
        {
            *lost.entry(key.relation.clone()).or_default() += 1;
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    if lost.is_empty() { Ok(()) } else { Err(Error::InUse(in_use(&after.entity_type, after, &lost))) }
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

fn in_use(entity_type: &str, after: &CompiledModel, lost: &BTreeMap<String, u64>) -> String {
    let counts = lost.iter().map(|(relation, count)| {
        let tuples = if *count == 1 { "tuple" } else { "tuples" };
        let why = match after.relations.get(relation) {
            None => "would lose their relation",
            Some(relation) if !relation.takes_tuples() => "are of a relation that would take none",
            Some(_) => "have subjects that it would no longer take",
        };
        format!("`{relation}`: {count} {tuples} {why}")
    });
    let counts = counts.collect::<Vec<_>>().join("; ");
    let first = lost.keys().next().map_or("", String::as_str);
    format!(
        "{counts}. Remove them first; list them with `auther admin tuple list --entity-type {entity_type} --relation {first}`"
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

/// What a model says of other types that these do not know (yet), and names that may surprise.
fn warnings(from: &(impl Read + ?Sized), tenant: TenantId, model: &CompiledModel) -> Result<Vec<Mistake>, Error> {
    let others = Others { models: Models::unshared(tenant), model };
    let mut warnings = circular_exclusions(model);
    for (name, relation) in &model.relations {
        let at = format!("relations.{name}");
        for rule in relation.subjects.iter().flatten() {
            if let Some(problem) = others.rule(from, rule)? {
                warnings.push(Mistake::new(format!("{at}.subjects"), problem));
            }
        }
        let mut arrows = Vec::new();
        collect_arrows(&relation.rewrite, &mut arrows);
        for (parent, wanted) in arrows {
            if let Some(problem) = others.arrow(from, parent, wanted)? {
                warnings.push(Mistake::new(at.clone(), problem));
            }
        }
    }
    for (name, permission) in model.permissions.iter().filter(|(name, permission)| permission.relation != **name) {
        if model.relations.contains_key(name) {
            let problem = format!(
                "there is a relation of this name too: questions about `{name}` mean the permission, which needs `{}`",
                permission.relation
            );
            warnings.push(Mistake::new(format!("permissions.{name}"), problem));
        }
    }
    Ok(warnings)
}

/// What other types know.
struct Others<'m> {
    models: Models,
    model: &'m CompiledModel,
}

impl Others<'_> {
    /// Whether a type has a relation; `None` when there is no such type.
    fn has(&self, from: &(impl Read + ?Sized), kind: &str, relation: &str) -> Result<Option<bool>, Error> {
        if kind == self.model.entity_type {
            return Ok(Some(self.model.relations.contains_key(relation)));
        }
        Ok(self.models.find(from, kind)?.map(|model| model.relations.contains_key(relation)))
    }

    fn rule(&self, from: &(impl Read + ?Sized), rule: &SubjectRule) -> Result<Option<String>, Error> {
        let (kind, relation) = match rule {
            SubjectRule::Set { kind, relation } => (kind, relation),
            SubjectRule::One(kind) | SubjectRule::Everyone(kind) => return self.kind(from, rule, kind),
        };
        Ok(match self.has(from, kind, relation)? {
            Some(true) => None,
            Some(false) => {
                Some(format!("`{rule}`: the model of `{kind}` has no relation `{relation}`, so this lets nobody in"))
            }
            None => Some(format!("`{rule}`: there is no model of `{kind}` yet, so this lets nobody in")),
        })
    }

    fn kind(&self, from: &(impl Read + ?Sized), rule: &SubjectRule, kind: &str) -> Result<Option<String>, Error> {
        let is_known =
            SUBJECT_TYPES.contains(&kind) || kind == self.model.entity_type || self.models.find(from, kind)?.is_some();
        let problem = || format!("`{rule}`: there is no type `{kind}` yet. A rule names a type, and no single subject");
        Ok((!is_known).then(problem))
    }

    fn arrow(&self, from: &(impl Read + ?Sized), parent: &str, wanted: &str) -> Result<Option<String>, Error> {
        let rules = self.model.relations.get(parent).and_then(|relation| relation.subjects.as_ref());
        let Some(rules) = rules else { return Ok(None) };
        for rule in rules {
            if self.has(from, rule.kind(), wanted)? == Some(true) {
                return Ok(None);
            }
        }
        let kinds = rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
        Ok(Some(format!("`{wanted}` from `{parent}` leads nowhere yet: none of {kinds} has a relation `{wanted}`")))
    }
}

fn collect_arrows<'m>(rewrite: &'m Rewrite, arrows: &mut Vec<(&'m str, &'m str)>) {
    match rewrite {
        Rewrite::Direct | Rewrite::Computed(_) => {}
        Rewrite::FromParent { from, relation } => arrows.push((from, relation)),
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => parts.iter().for_each(|part| collect_arrows(part, arrows)),
        Rewrite::Except(base, removed) => {
            collect_arrows(base, arrows);
            collect_arrows(removed, arrows);
        }
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
