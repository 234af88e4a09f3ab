//! Writing and removing tuples: checked against the model in the transaction that writes them.

use super::model::{CompiledModel, Models, names};
use super::{Error, Mistake, evaluations, groups};
use crate::audit::Entry;
use crate::base::Moment;
use crate::base::id::{ApiKeyId, ClientId, GroupId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::cx::Cx;
use crate::identity::{self, administrators};
use crate::records::tuple::{ANY, GROUP};
use crate::records::{PolicyPlace, SubjectRef, Tuple, TupleKey};
use crate::script;
use crate::store::rows::tuples::{self as rows, Filter};
use crate::store::rows::{api_keys, clients, groups as group_rows, policy_versions, users};
use crate::store::{Read, Tx};

/// Tuples of one transaction at the most.
pub const MAX_BATCH: usize = 1_000;

/// Longest identifier of an object or a subject, in bytes.
const MAX_ID: usize = 256;

/// A tuple that somebody wants to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTuple {
    /// Its six parts. A person may be named by e-mail address or username, a group by name.
    pub key: TupleKey,
    /// Lua that must agree.
    pub condition: Option<String>,
    /// When it ends.
    pub expires_at: Option<Moment>,
}

impl From<TupleKey> for NewTuple {
    fn from(key: TupleKey) -> Self {
        Self { key, condition: None, expires_at: None }
    }
}

/// Writes a tuple; one that is there takes the new condition and expiry. Errors: [`Error::Invalid`], [`Error::UnknownType`],
/// [`Error::SubjectNotFound`], [`Error::InUse`] for the last administrator.
pub async fn write(cx: &Cx, new: NewTuple) -> Result<Tuple, Error> {
    let mut written = write_all(cx, vec![new]).await.map_err(alone)?;
    written.pop().ok_or(Error::NotFound)
}

/// Writes all of these or none, up to [`MAX_BATCH`]. A mistake is told at `[index]`. Errors: as [`write`].
pub async fn write_all(cx: &Cx, new: Vec<NewTuple>) -> Result<Vec<Tuple>, Error> {
    if new.len() > MAX_BATCH {
        return Err(Error::invalid("", format!("at most {MAX_BATCH} tuples are written at once")));
    }
    for (index, tuple) in new.iter().enumerate() {
        let mut mistakes = form(&tuple.key);
        mistakes.extend(condition(tuple.condition.as_deref()));
        if tuple.expires_at.is_some_and(|end| end <= cx.now) {
            mistakes.push(Mistake::new("expires_at", "lies in the past: the tuple would never count"));
        }
        if !mistakes.is_empty() {
            return Err(Error::Invalid(mistakes.into_iter().map(|mistake| at(index, mistake)).collect()));
        }
    }
    let entries: Vec<Entry> = new.iter().map(|_| Entry::success(cx, "tuple.write")).collect();
    let cx_of_write = cx.clone();
    cx.store()
        .write(move |tx| {
            let models = Models::unshared(cx_of_write.tenant);
            let mut written = Vec::with_capacity(new.len());
            for (index, (new, entry)) in new.iter().zip(&entries).enumerate() {
                written.push(write_one(tx, &cx_of_write, &models, (new, entry)).map_err(|error| numbered(index, error))?);
            }
            if !written.is_empty() {
                rows::raise(tx, cx_of_write.tenant)?;
            }
            Ok(written)
        })
        .await
}

fn write_one(tx: &mut Tx, cx: &Cx, models: &Models, (new, entry): (&NewTuple, &Entry)) -> Result<Tuple, Error> {
    let subject = subject_by_name(cx, tx, &new.key.subject)?;
    let model = models.find(tx, &new.key.entity_type)?.ok_or_else(|| Error::UnknownType(new.key.entity_type.clone()))?;
    let entity_id = entity_by_name(cx, tx, &model.entity_type, &new.key.entity_id)?;
    let key = TupleKey { entity_type: model.entity_type.clone(), entity_id, subject, ..new.key.clone() };
    fits(&model, &key)?;
    exists(cx, tx, &key.subject)?;
    let old = rows::find(tx, cx.tenant, &key)?;
    let created_at = old.as_ref().map_or(cx.now, |old| old.created_at);
    let tuple =
        Tuple { key, condition: new.condition.clone(), expires_at: new.expires_at, created_at, updated_at: cx.now };
    rows::put(tx, cx.tenant, &tuple)?;
    note_condition(tx, cx, &tuple.key, tuple.condition.as_deref())?;
    follow(tx, cx, &tuple.key)?;
    let entry = entry.clone().target(tuple.key.id()).detail("tuple", tuple.key.to_string());
    let entry = entry.detail("conditional", tuple.condition.is_some());
    entry.append(tx, cx)?;
    Ok(tuple)
}

/// Removes a tuple. A person may be named by e-mail address or username, a group by name. Errors: [`Error::NotFound`].
pub async fn remove(cx: &Cx, key: TupleKey) -> Result<Tuple, Error> {
    let entry = Entry::success(cx, "tuple.remove");
    let at = cx.clone();
    cx.store()
        .write(move |tx| {
            let models = Models::unshared(at.tenant);
            let entity_type = models.canonical(tx, &key.entity_type)?;
            let entity_id = entity_by_name(&at, tx, &entity_type, &key.entity_id)?;
            let subject = subject_by_name(&at, tx, &key.subject)?;
            let named = TupleKey { entity_type, entity_id, subject, ..key.clone() };
            // As it was typed, in case the model or the person is gone.
            let found = match rows::find(tx, at.tenant, &named)? {
                Some(tuple) => tuple,
                None => rows::find(tx, at.tenant, &key)?.ok_or(Error::NotFound)?,
            };
            remove_in(tx, &at, &found, &entry)?;
            Ok(found)
        })
        .await
}

/// Removes the tuple with this identifier. Errors: [`Error::NotFound`].
pub async fn remove_by_id(cx: &Cx, id: &str) -> Result<Tuple, Error> {
    let entry = Entry::success(cx, "tuple.remove");
    let (at, id) = (cx.clone(), id.to_owned());
    cx.store()
        .write(move |tx| {
            let found = rows::find_by_id(tx, at.tenant, &id)?.ok_or(Error::NotFound)?;
            remove_in(tx, &at, &found, &entry)?;
            Ok(found)
        })
        .await
}

fn remove_in(tx: &mut Tx, cx: &Cx, tuple: &Tuple, entry: &Entry) -> Result<(), Error> {
    rows::delete(tx, cx.tenant, &tuple.key)?;
    note_condition(tx, cx, &tuple.key, None)?;
    rows::raise(tx, cx.tenant)?;
    follow(tx, cx, &tuple.key)?;
    Ok(entry.clone().target(tuple.key.id()).detail("tuple", tuple.key.to_string()).append(tx, cx)?)
}

/// The tuple with this identifier. Errors: [`Error::NotFound`].
pub fn tuple(cx: &Cx, id: &str) -> Result<Tuple, Error> {
    rows::find_by_id(&cx.read()?, cx.tenant, id)?.ok_or(Error::NotFound)
}

/// A page of the tuples that `filter` accepts. The subject may be named as in [`subject_by_name`].
pub fn page(cx: &Cx, mut filter: Filter, request: &PageRequest) -> Result<Page<Tuple>, Error> {
    let from = cx.read()?;
    if let (Some(kind), Some(id)) = (&filter.subject_type, &filter.subject_id) {
        filter.subject_id = Some(subject_by_name(cx, &from, &SubjectRef::new(kind, id))?.id);
    }
    if let Some(entity_type) = &filter.entity_type {
        filter.entity_type = Some(Models::unshared(cx.tenant).canonical(&from, entity_type)?);
    }
    Ok(rows::page(&from, cx.tenant, &filter, request)?)
}

/// The subject as it stands in tuples: a person's e-mail address or username becomes their identifier, a group's name the group's. What names
/// nobody here stays as it is: identifiers may be foreign.
pub fn subject_by_name(cx: &Cx, from: &(impl Read + ?Sized), named: &SubjectRef) -> Result<SubjectRef, Error> {
    let id = match named.kind.as_str() {
        "user" if named.id != ANY && named.id.parse::<UserId>().is_err() => {
            identity::users::find_by_name(from, cx, &named.id)?.map(|user| user.id.to_string())
        }
        GROUP => groups::find(cx, from, &named.id)?.map(|group| group.id.to_string()),
        _ => None,
    };
    Ok(SubjectRef { id: id.unwrap_or_else(|| named.id.clone()), ..named.clone() })
}

fn entity_by_name(cx: &Cx, from: &(impl Read + ?Sized), entity_type: &str, id: &str) -> Result<String, Error> {
    let named = if entity_type == GROUP { groups::find(cx, from, id)?.map(|group| group.id.to_string()) } else { None };
    Ok(named.unwrap_or_else(|| id.to_owned()))
}

/// What is wrong with the parts of a tuple, whatever the model says.
pub fn form(key: &TupleKey) -> Vec<Mistake> {
    let subject = &key.subject;
    let mut wrong = Vec::new();
    for (at, kind) in [("entity_type", &key.entity_type), ("subject_type", &subject.kind)] {
        if !names::is_entity_type(kind) {
            wrong.push(Mistake::new(at, format!("{} is no type: {}", names::quoted(kind), names::TYPE_RULE)));
        }
    }
    for (at, name) in [("relation", Some(&key.relation)), ("subject_relation", subject.relation.as_ref())] {
        if let Some(name) = name.filter(|name| !names::is_name(name)) {
            wrong.push(Mistake::new(at, format!("{} is no relation: {}", names::quoted(name), names::NAME_RULE)));
        }
    }
    for (at, id) in [("entity_id", &key.entity_id), ("subject_id", &subject.id)] {
        if let Some(problem) = id_problem(id) {
            wrong.push(Mistake::new(at, problem));
        }
    }
    if subject.relation.is_some() && subject.id == ANY {
        wrong.push(Mistake::new("subject_id", "a set has one object: `*` does not go with subject_relation"));
    }
    wrong
}

/// What is wrong with an identifier of an object or a subject.
pub fn id_problem(id: &str) -> Option<String> {
    if id.is_empty() || id.len() > MAX_ID {
        return Some(format!("an identifier has 1 to {MAX_ID} bytes"));
    }
    let unfit = |letter: char| letter.is_whitespace() || letter.is_control();
    id.chars().any(unfit).then(|| String::from("an identifier holds neither blanks nor control characters"))
}

fn condition(script: Option<&str>) -> Vec<Mistake> {
    let report = script.map(script::lint);
    let errors = report.into_iter().flat_map(|report| report.errors);
    errors.map(|error| Mistake::new("condition", format!("line {}: {}", error.line, error.message))).collect()
}

/// Whether the model takes the tuple.
fn fits(model: &CompiledModel, key: &TupleKey) -> Result<(), Error> {
    let Some(relation) = model.relations.get(&key.relation) else {
        let known = model.relations.iter().filter(|(_, relation)| relation.takes_tuples());
        let advice = names::advice(&key.relation, known.map(|(name, _)| name.as_str()).collect::<Vec<_>>());
        let problem = format!("`{}` has no relation {}: {advice}", key.entity_type, names::quoted(&key.relation));
        return Err(Error::invalid("relation", problem));
    };
    if !relation.takes_tuples() {
        let others: Vec<_> = model.sources(&key.relation).into_iter().map(|name| format!("`{name}`")).collect();
        let problem = format!("`{}` follows from other relations and takes no tuples: write {}", key.relation, others.join(" or "));
        return Err(Error::invalid("relation", problem));
    }
    if !relation.accepts(&key.subject) {
        let allowed: Vec<_> = relation.subjects.iter().flatten().map(|rule| format!("`{rule}`")).collect();
        let problem = format!("`{}` takes {}, not `{}`", key.relation, allowed.join(", "), kind_of(&key.subject));
        return Err(Error::invalid("subject_type", problem));
    }
    Ok(())
}

fn kind_of(subject: &SubjectRef) -> String {
    match &subject.relation {
        Some(relation) => format!("{}#{relation}", subject.kind),
        None if subject.id == ANY => format!("{}:*", subject.kind),
        None => subject.kind.clone(),
    }
}

/// An identifier of our own form must be of somebody; others may be foreign.
fn exists(cx: &Cx, from: &(impl Read + ?Sized), subject: &SubjectRef) -> Result<(), Error> {
    let (kind, id, tenant) = (subject.kind.as_str(), subject.id.as_str(), cx.tenant);
    let known = match kind {
        "user" => id.parse::<UserId>().ok().map(|id| users::find(from, tenant, &id).map(|found| found.is_some())),
        "apikey" => id.parse::<ApiKeyId>().ok().map(|id| api_keys::find(from, tenant, &id).map(|found| found.is_some())),
        GROUP => id.parse::<GroupId>().ok().map(|id| group_rows::find(from, tenant, &id).map(|found| found.is_some())),
        "client" if id.starts_with("client_") => {
            id.parse::<ClientId>().ok().map(|id| clients::find(from, tenant, &id).map(|found| found.is_some()))
        }
        _ => None,
    };
    match known.transpose()? {
        Some(false) => Err(Error::SubjectNotFound { kind: kind.to_owned(), id: id.to_owned() }),
        _ => Ok(()),
    }
}

fn note_condition(tx: &mut Tx, cx: &Cx, key: &TupleKey, script: Option<&str>) -> Result<(), Error> {
    let place = PolicyPlace::Tuple(key.id());
    let change = evaluations::change(cx, &key.entity_type, place, script, None);
    policy_versions::note_change(tx, cx.tenant, &change)?;
    Ok(())
}

/// Who administers is told by tuples and by a role: both change together.
fn follow(tx: &mut Tx, cx: &Cx, key: &TupleKey) -> Result<(), Error> {
    administrators::follow_tuple(tx, cx, key).map_err(|error| match error {
        identity::Error::Store(error) => Error::Store(error),
        other => Error::InUse(other.to_string()),
    })
}

fn at(index: usize, mistake: Mistake) -> Mistake {
    let place = if mistake.at.is_empty() { format!("[{index}]") } else { format!("[{index}].{}", mistake.at) };
    Mistake::new(place, mistake.problem)
}

fn numbered(index: usize, error: Error) -> Error {
    match error {
        Error::Invalid(mistakes) => Error::Invalid(mistakes.into_iter().map(|mistake| at(index, mistake)).collect()),
        other => other,
    }
}

/// The mistakes of a single tuple, without its number.
fn alone(error: Error) -> Error {
    match error {
        Error::Invalid(mistakes) => Error::Invalid(
            mistakes
                .into_iter()
                .map(|mistake| {
                    let place = mistake.at.trim_start_matches("[0]").trim_start_matches('.').to_owned();
                    Mistake::new(place, mistake.problem)
                })
                .collect(),
        ),
        other => other,
    }
}
