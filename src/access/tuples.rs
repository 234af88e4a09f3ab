//! Who has which relation to what: writing and removing tuples, each with its audit row and a new revision in one
//! transaction.

use super::authority::{self, WriteAs};
use super::check::{CLIENT, CLIENTS, State, StoredSchema, SubjectStatus};
use super::error::Mistake;
use super::graph::Schema;
use super::model::{self, CompiledModel, Relation};
use super::naming::{self, Name, Naming};
use super::{Error, evaluations, strangers};
use crate::audit::{Changes, Entry, Event};
use crate::base::Moment;
use crate::base::id::{ClientId, GroupId};
use crate::base::page::{Page, PageRequest};
use crate::base::text::is_steering;
use crate::cx::Cx;
use crate::identity::{self, administrators};
use crate::records::tuple::{ANY, GROUP};
use crate::records::{PolicyPlace, SubjectRef, Tuple, TupleKey};
use crate::rights::{self, Right};
use crate::store::rows::{clients, groups, policy_versions, tuples as rows};
use crate::store::{Read, Tx};

pub use crate::store::rows::tuples::Filter;

/// Longest identifier or type, in bytes.
const MAX_NAME: usize = 256;

/// Longest condition, in bytes.
const MAX_CONDITION: usize = 10_240;

/// Most tuples written at once.
pub const MAX_BATCH: usize = 1_000;

/// The most mistakes that are reported for one batch.
const MAX_MISTAKES: usize = 20;

/// A tuple that somebody wants to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTuple {
    /// Its six parts. The type may have any spelling that its model has.
    pub key: TupleKey,
    /// How subject, and a group as the object, are read.
    pub naming: Naming,
    /// Lua that must return `true` for the tuple to count.
    pub condition: Option<String>,
    /// When it ends.
    pub expires_at: Option<Moment>,
}

impl NewTuple {
    /// Whether it would be nothing as soon as it is written.
    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl From<TupleKey> for NewTuple {
    fn from(key: TupleKey) -> Self {
        Self { key, naming: Naming::Identifiers, condition: None, expires_at: None }
    }
}

/// A tuple that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub tuple: Tuple,
    /// What the writing did.
    pub change: Change,
    /// The name that the subject was given by, if it was.
    pub name: Option<Name>,
    /// What there is to say of its subject, if that is nobody here.
    pub note: Option<String>,
}

/// What a writing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was no such tuple.
    Created,
    /// Its condition or its end is another one now.
    Updated,
    /// It was there already.
    Nothing,
}

/// Writes a tuple that the actor may write; again is no error. Errors: [`Error::Denied`], [`Error::Invalid`],
/// [`Error::UnknownType`], [`Error::SubjectNotFound`].
pub async fn write(cx: &Cx, new: NewTuple) -> Result<Written, Error> {
    write_by(cx, WriteAs::Oneself, new).await
}

/// As [`write`], a tuple on a type of this client, as who manages its grants. Errors: those.
pub async fn write_of_client(cx: &Cx, client: &ClientId, new: NewTuple) -> Result<Written, Error> {
    write_by(cx, WriteAs::ManagerOf(client.clone()), new).await
}

async fn write_by(cx: &Cx, write_as: WriteAs, new: NewTuple) -> Result<Written, Error> {
    let mut written = write_batch(cx, write_as, vec![(String::new(), new)]).await?;
    written.pop().ok_or(Error::NotFound)
}

/// Writes up to [`MAX_BATCH`] tuples, all or none. Mistakes are reported with the number of the line that each is on.
/// Errors: [`Error::Denied`] when there is one that the actor may not write, [`Error::Invalid`].
pub async fn write_lines(cx: &Cx, new: Vec<(usize, NewTuple)>) -> Result<Vec<Written>, Error> {
    if new.len() > MAX_BATCH {
        return Err(Error::invalid("", format!("at most {MAX_BATCH} tuples are written at once")));
    }
    write_batch(cx, WriteAs::Oneself, new.into_iter().map(|(line, tuple)| (format!("line {line}"), tuple)).collect())
        .await
}

/// Tuples that are to count for one question, as they would be stored: the same are refused.
/// Errors: [`Error::Invalid`], [`Error::UnknownType`], [`Error::SubjectNotFound`].
pub fn contextual(cx: &Cx, keys: Vec<TupleKey>) -> Result<Vec<Tuple>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let from = cx.read()?;
    let schema = StoredSchema::new(cx, State::Committed(&from));
    let mut tuples = Vec::with_capacity(keys.len());
    for key in keys {
        let new = NewTuple::from(key);
        refuse(form(&new, cx.now))?;
        let NewTuple { key, condition, expires_at, .. } = fitting(&schema, &new)?.0;
        tuples.push(Tuple { key, condition, expires_at, created_at: cx.now, updated_at: cx.now });
    }
    Ok(tuples)
}

/// Writes tuples, each of which has a name for mistakes; the one without is alone.
async fn write_batch(cx: &Cx, write_as: WriteAs, new: Vec<(String, NewTuple)>) -> Result<Vec<Written>, Error> {
    let mut mistakes = Vec::new();
    for (name, tuple) in &new {
        mistakes.extend(form(tuple, cx.now).into_iter().map(|mistake| within(name, mistake)));
        if let Some(condition) = &tuple.condition
            && let Some(problem) = model::problem_of_script(condition)
        {
            mistakes.push(within(name, Mistake::new("condition", problem)));
        }
    }
    refuse(mistakes)?;
    // Drawn before the transaction, which must be pure.
    let entries: Vec<_> = new.iter().map(|_| Entry::new(cx)).collect();
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        let mut checked = Vec::with_capacity(new.len());
        let mut mistakes = Vec::new();
        // Names become identifiers once, here: what is allowed is what is written.
        let (mut keys, mut names) = (Vec::with_capacity(new.len()), Vec::with_capacity(new.len()));
        for (place, tuple) in &new {
            match naming::key(&at, tx, &spelled(&at, tx, &tuple.key)?, tuple.naming) {
                Ok((key, name)) => {
                    keys.push(key);
                    names.push(name);
                }
                Err(Error::Invalid(all)) => mistakes.extend(all.into_iter().map(|one| within(place, one))),
                Err(error) => return Err(error),
            }
        }
        refuse(std::mem::take(&mut mistakes))?;
        authority::may_write_tuples(&at, tx, &write_as, &keys)?;
        let schema = StoredSchema::new(&at, State::Tentative(tx));
        for (((name, tuple), key), typed) in new.iter().zip(keys).zip(names) {
            match fitting(&schema, &NewTuple { key, naming: Naming::Identifiers, ..tuple.clone() }) {
                Ok((tuple, _)) => checked.push((tuple, typed)),
                Err(Error::Store(error)) => return Err(Error::Store(error)),
                // A single tuple is refused with its own code, a line of many with its number.
                Err(error) if name.is_empty() => return Err(error),
                Err(Error::Invalid(all)) => mistakes.extend(all.into_iter().map(|one| within(name, one))),
                Err(other) => mistakes.push(Mistake::new(name, other.to_string())),
            }
        }
        refuse(mistakes)?;
        put_all(tx, &at, checked, &entries)
    };
    rights::write(cx, Right::OnWhatIsFound, change).await
}

fn put_all(tx: &mut Tx, cx: &Cx, new: Vec<Fitting>, entries: &[Entry]) -> Result<Vec<Written>, Error> {
    let mut written = Vec::with_capacity(new.len());
    for ((new, name), entry) in new.into_iter().zip(entries) {
        let old = rows::find(tx, cx.tenant.id, &new.key)?;
        let change = match &old {
            None => Change::Created,
            Some(old) if old.condition == new.condition && old.expires_at == new.expires_at => Change::Nothing,
            Some(_) => Change::Updated,
        };
        let created_at = old.as_ref().map_or(cx.now, |old| old.created_at);
        let NewTuple { key, condition, expires_at, .. } = new;
        let tuple = match &old {
            Some(old) if change == Change::Nothing => old.clone(),
            _ => Tuple { key, condition, expires_at, created_at, updated_at: cx.now },
        };
        if change != Change::Nothing {
            rows::put(tx, cx.tenant.id, &tuple)?;
            note_condition(tx, cx, &tuple.key, tuple.condition.as_deref())?;
            follow(tx, cx, &tuple.key)?;
            let told = ["condition", "expires_at"];
            let event = Event::TupleWrite {
                tuple: tuple.key.to_string(),
                typed: name.as_ref().map(|name| name.typed.clone()),
                conditional: tuple.condition.is_some(),
                created: change == Change::Created,
                changes: old.and_then(|old| Changes::between(&old, &tuple, &told).some()),
            };
            entry.clone().target(tuple.key.id()).append(tx, cx, &event)?;
        }
        let note = strangers::note(cx, tx, &tuple.key.subject)?;
        written.push(Written { tuple, change, name, note });
    }
    if written.iter().any(|one| one.change != Change::Nothing) {
        rows::raise(tx, cx.tenant.id)?;
    }
    Ok(written)
}

/// Adds to the versions of the tuple's condition.
fn note_condition(tx: &mut Tx, cx: &Cx, key: &TupleKey, script: Option<&str>) -> Result<(), Error> {
    let change = evaluations::change(cx, &key.entity_type, PolicyPlace::Tuple(key.id()), script, None);
    policy_versions::note_change(tx, cx.tenant.id, &change)?;
    Ok(())
}

/// Who administers follows from tuples and from a role: both change together.
fn follow(tx: &mut Tx, cx: &Cx, key: &TupleKey) -> Result<(), Error> {
    administrators::follow_tuple(tx, cx, key).map_err(|error| match error {
        identity::Error::Store(error) => Error::Store(error),
        other => Error::InUse(other.to_string()),
    })
}

/// The tuple as it would be stored, and the name that its subject was given by. Errors: those of [`write`].
pub fn draft(cx: &Cx, new: &NewTuple) -> Result<(Tuple, Option<Name>), Error> {
    let from = cx.read()?;
    refuse(form(new, cx.now))?;
    let (fitting, name) = fitting(&StoredSchema::new(cx, State::Committed(&from)), new)?;
    let NewTuple { key, condition, expires_at, .. } = fitting;
    Ok((Tuple { key, condition, expires_at, created_at: cx.now, updated_at: cx.now }, name))
}

/// The key of a tuple that is there, which a person may name as when they wrote it. Errors: [`Error::NotFound`];
/// [`Error::Invalid`] when it may mean two tuples, or a name may not be used (see [`naming::subject`]).
pub fn stored_key(cx: &Cx, key: &TupleKey, naming: Naming) -> Result<TupleKey, Error> {
    Ok(there(cx, &cx.read()?, key, naming)?.key)
}

/// The tuple that a key means: first what it says, for the subject may be one of another system. Errors: those of
/// [`stored_key`].
fn there(cx: &Cx, from: &dyn Read, key: &TupleKey, naming: Naming) -> Result<Tuple, Error> {
    let key = spelled(cx, from, key)?;
    let found = rows::find(from, cx.tenant.id, &key)?;
    let meant = match (naming::key(cx, from, &key, naming), &found) {
        (Ok((meant, _)), _) if meant != key => rows::find(from, cx.tenant.id, &meant)?,
        (Err(error), None) => return Err(error),
        _ => None,
    };
    match (found, meant) {
        (Some(one), Some(two)) => {
            let problem =
                format!("means two tuples, {} and {}: name one of them by its id", one.key.id(), two.key.id());
            Err(Error::invalid("subject_id", problem))
        }
        (found, meant) => found.or(meant).ok_or(Error::NotFound),
    }
}

/// Removes a tuple that the actor may remove, which a person may name as when they wrote it. Errors: [`Error::Denied`],
/// those of [`stored_key`].
pub async fn remove_named(cx: &Cx, key: &TupleKey, naming: Naming) -> Result<Tuple, Error> {
    remove_found(cx, WriteAs::Oneself, Wanted::Key(key.clone(), naming)).await
}

/// Removes the tuple with this identifier (`tpl_…`). Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn remove_by_id(cx: &Cx, id: &str) -> Result<Tuple, Error> {
    remove_found(cx, WriteAs::Oneself, Wanted::Id(id.to_owned())).await
}

/// As [`remove_by_id`], a tuple on a type of this client, as who manages its grants. Errors: those.
pub async fn remove_of_client(cx: &Cx, client: &ClientId, id: &str) -> Result<Tuple, Error> {
    remove_found(cx, WriteAs::ManagerOf(client.clone()), Wanted::Id(id.to_owned())).await
}

enum Wanted {
    Key(TupleKey, Naming),
    Id(String),
}

async fn remove_found(cx: &Cx, write_as: WriteAs, wanted: Wanted) -> Result<Tuple, Error> {
    let entry = Entry::new(cx);
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        let tuple = match &wanted {
            Wanted::Key(key, naming) => match there(&at, tx, key, *naming) {
                Err(Error::NotFound) => {
                    // That there is none is answered only to who might have removed it.
                    authority::may_write_tuples(&at, tx, &write_as, &[named(&at, tx, key, *naming)?])?;
                    return Err(Error::NotFound);
                }
                found => found?,
            },
            Wanted::Id(id) => rows::find_by_id(tx, at.tenant.id, id)?.ok_or(Error::NotFound)?,
        };
        authority::may_write_tuples(&at, tx, &write_as, std::slice::from_ref(&tuple.key))?;
        rows::delete(tx, at.tenant.id, &tuple.key)?;
        note_condition(tx, &at, &tuple.key, None)?;
        follow(tx, &at, &tuple.key)?;
        rows::raise(tx, at.tenant.id)?;
        let event = Event::TupleRemove { tuple: tuple.key.to_string() };
        entry.clone().target(tuple.key.id()).append(tx, &at, &event)?;
        Ok(tuple)
    };
    rights::write(cx, Right::OnWhatIsFound, change).await
}

/// A page of tuples. It may be short and still have a successor. Errors: [`Error::Invalid`] for a cursor of another
/// list.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<Tuple>, Error> {
    let (from, mut filter) = (cx.read()?, filter.clone());
    if let Some(entity_type) = &filter.entity_type {
        filter.entity_type = Some(model::Models::unshared(cx.tenant.id).canonical(&from, entity_type)?);
    }
    if request.after.as_ref().is_some_and(|after| !rows::is_cursor(cx.tenant.id, &filter, after)) {
        return Err(Error::invalid("after", "is not a cursor of this list"));
    }
    Ok(rows::page(&from, cx.tenant.id, &filter, request)?)
}

/// The key as a tuple would have it in the store: types as their models spell them, names in the place of which
/// identifiers stand. Errors: those of [`naming::subject`].
pub fn named(cx: &Cx, from: &dyn Read, key: &TupleKey, naming: Naming) -> Result<TupleKey, Error> {
    Ok(naming::key(cx, from, &spelled(cx, from, key)?, naming)?.0)
}

/// The key with its types as their models spell them.
fn spelled(cx: &Cx, from: &dyn Read, key: &TupleKey) -> Result<TupleKey, Error> {
    let models = model::Models::unshared(cx.tenant.id);
    let subject = SubjectRef { kind: models.canonical(from, &key.subject.kind)?, ..key.subject.clone() };
    Ok(TupleKey { entity_type: models.canonical(from, &key.entity_type)?, subject, ..key.clone() })
}

/// The tuple with this identifier. Errors: [`Error::NotFound`].
pub fn by_id(cx: &Cx, id: &str) -> Result<Tuple, Error> {
    rows::find_by_id(&cx.read()?, cx.tenant.id, id)?.ok_or(Error::NotFound)
}

/// What is wrong with a tuple whatever is stored: names, sizes, an end in the past.
pub fn form(new: &NewTuple, now: Moment) -> Vec<Mistake> {
    let TupleKey { entity_type, entity_id, relation, subject } = &new.key;
    let mut mistakes = Vec::new();
    let mut check = |at: &str, text: &str, is_type: bool| {
        // Groups have names with spaces, which identifiers replace before anything is stored.
        let is_name = (at == "subject_id" && subject.kind == GROUP) || (at == "entity_id" && entity_type == GROUP);
        let is_unfit = |c: char| is_steering(c) || (c.is_whitespace() && !is_name);
        if text.is_empty() || text.len() > MAX_NAME || text.chars().any(is_unfit) {
            mistakes.push(Mistake::new(at, format!("must be 1 to {MAX_NAME} printable characters without spaces")));
        } else if is_type && text.contains(['#', '*', '@']) {
            mistakes.push(Mistake::new(at, "must not contain `#`, `*` or `@`"));
        }
    };
    check("entity_type", entity_type, true);
    check("entity_id", entity_id, false);
    check("relation", relation, true);
    check("subject_type", &subject.kind, true);
    check("subject_id", &subject.id, false);
    if let Some(relation) = &subject.relation {
        check("subject_relation", relation, true);
    }
    if new.condition.as_ref().is_some_and(|text| text.trim().is_empty()) {
        mistakes.push(Mistake::new("condition", "is empty, which would deny for ever: leave it out"));
    }
    if new.condition.as_ref().is_some_and(|text| text.len() > MAX_CONDITION) {
        mistakes.push(Mistake::new("condition", format!("is longer than {MAX_CONDITION} bytes")));
    }
    if new.has_expired(now) {
        mistakes.push(Mistake::new("expires_at", "is in the past"));
    }
    mistakes
}

/// A tuple as it is stored, and the name that its subject was given by.
type Fitting = (NewTuple, Option<Name>);

/// The tuple as it is stored: the type in its model's spelling, names resolved. Errors: what model and subjects say
/// against it.
fn fitting(schema: &StoredSchema<'_>, new: &NewTuple) -> Result<Fitting, Error> {
    let key = &new.key;
    let model = schema.model(&key.entity_type)?.ok_or_else(|| Error::UnknownType(key.entity_type.clone()))?;
    let relation = model.relations.get(&key.relation).ok_or_else(|| no_such_relation(&model, &key.relation))?;
    if !relation.takes_tuples() {
        return Err(takes_none(&model, &key.relation, relation));
    }
    let (subject, name) = known(schema, &key.subject, new.naming)?;
    if !relation.accepts(&subject, new.condition.is_some()) {
        return Err(not_accepted(&key.relation, relation, &subject));
    }
    if let Some(held) = &subject.relation {
        let of = schema.model(&subject.kind)?.ok_or_else(|| Error::UnknownType(subject.kind.clone()))?;
        if !of.relations.contains_key(held) {
            let problem = format!("`{}` has no relation `{held}`", subject.kind);
            return Err(Error::invalid("subject_relation", problem));
        }
    }
    // The identifier of a client is chosen: who registers it later must not find what was meant for another one. With a
    // model of its own the type is an app's, not ours.
    let is_client = subject.kind == CLIENT && subject.id != ANY && schema.model(CLIENT)?.is_none();
    if is_client && !is_registered(schema, &subject.id)? {
        return Err(Error::SubjectNotFound { kind: subject.kind, id: subject.id });
    }
    let entity_id = naming::object(schema.cx, schema.from.read(), (&model.entity_type, &key.entity_id), new.naming)?;
    exists(schema, &model, &entity_id)?;
    let key = TupleKey { entity_type: model.entity_type.clone(), entity_id, subject, ..key.clone() };
    Ok((NewTuple { key, naming: Naming::Identifiers, ..new.clone() }, name))
}

/// Whether the object may be written about. Clients and groups are made by Auther: what is made under the identifier of
/// one later must not find what was written before. A group may also be one of another system, whose identifier is not
/// like ours. Errors: [`Error::SubjectNotFound`].
fn exists(schema: &StoredSchema<'_>, model: &CompiledModel, id: &str) -> Result<(), Error> {
    let kind = model.entity_type.as_str();
    let is_there = match kind {
        _ if id == ANY => true,
        GROUP => match id.parse::<GroupId>() {
            Ok(id) => groups::find(schema.from.read(), schema.cx.tenant.id, &id)?.is_some(),
            Err(_) => !id.contains(char::is_whitespace),
        },
        CLIENTS => is_registered(schema, id)?,
        _ => true,
    };
    if is_there { Ok(()) } else { Err(Error::SubjectNotFound { kind: kind.to_owned(), id: id.to_owned() }) }
}

fn is_registered(schema: &StoredSchema<'_>, client: &str) -> Result<bool, Error> {
    let Ok(id) = client.parse::<ClientId>() else { return Ok(false) };
    Ok(clients::find(schema.from.read(), schema.cx.tenant.id, &id)?.is_some())
}

/// The subject as it is stored: entity types in their models' spelling, people and groups by id, and the name it was
/// given by. Errors: [`Error::SubjectNotFound`], those of [`naming::subject`].
fn known(schema: &StoredSchema<'_>, subject: &SubjectRef, naming: Naming) -> Result<(SubjectRef, Option<Name>), Error> {
    let mut subject = subject.clone();
    if subject.kind == GROUP && subject.id == ANY && subject.relation.is_none() {
        return Err(Error::invalid("subject_id", "names no group: write `user:*` to mean everyone"));
    }
    if let Some(model) = schema.model(&subject.kind)? {
        subject.kind.clone_from(&model.entity_type);
    }
    let (subject, name) = naming::subject(schema.cx, schema.from.read(), &subject, naming)?;
    let is_there = !subject.id.contains(char::is_whitespace) && schema.status(&subject)? != SubjectStatus::Unknown;
    if is_there { Ok((subject, name)) } else { Err(Error::SubjectNotFound { kind: subject.kind, id: subject.id }) }
}

fn no_such_relation(model: &CompiledModel, name: &str) -> Error {
    let known: Vec<_> = model.relations.keys().map(|name| format!("`{name}`")).collect();
    let problem = format!("`{}` has no relation `{name}`; it has {}", model.entity_type, known.join(", "));
    Error::invalid("relation", problem)
}

fn takes_none(model: &CompiledModel, name: &str, relation: &Relation) -> Error {
    let instead: Vec<_> = relation
        .rewrite
        .computed()
        .into_iter()
        .filter(|other| model.relations.get(*other).is_some_and(Relation::takes_tuples))
        .map(|other| format!("`{other}`"))
        .collect();
    let hint = if instead.is_empty() {
        String::from("it only follows from other objects")
    } else {
        format!("write {} instead", instead.join(" or "))
    };
    Error::invalid("relation", format!("`{name}` is computed and takes no tuples of its own: {hint}"))
}

fn not_accepted(name: &str, relation: &Relation, subject: &SubjectRef) -> Error {
    let taken: Vec<_> = relation.subjects.iter().flatten().map(|rule| format!("`{rule}`")).collect();
    let condition = if relation.accepts(subject, true) { " without a condition" } else { "" };
    let problem = format!("`{name}` does not take `{subject}`{condition}; it takes {}", taken.join(", "));
    Error::invalid("subject_type", problem)
}

fn within(place: &str, mistake: Mistake) -> Mistake {
    match (place, mistake.at.as_str()) {
        ("", _) => mistake,
        (place, "") => Mistake::new(place, mistake.problem),
        (place, at) => Mistake::new(format!("{place}: {at}"), mistake.problem),
    }
}

fn refuse(mut mistakes: Vec<Mistake>) -> Result<(), Error> {
    mistakes.truncate(MAX_MISTAKES);
    if mistakes.is_empty() { Ok(()) } else { Err(Error::Invalid(mistakes)) }
}
