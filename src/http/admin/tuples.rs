//! Tuples: who has which relation to which object.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, post};
use super::paging::{PageQuery, paged};
use super::writers::for_writers;
use crate::access::authority::Writable;
use crate::access::dry_run::{Change, LookedAt};
use crate::access::import::{Incoming, TypeNames, read_tuples};
use crate::access::naming::{self, Name, Naming};
use crate::access::tuples::{self, MAX_BATCH, Written};
use crate::access::{Error, dry_run, strangers};
use crate::base::Timestamp;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, LongBody, Manager, Params, ViewTuples};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::{self, SubjectRef, TupleKey};
use crate::store::rows::tuples::Filter;

/// Tuples of one dry run.
const MAX_DRY: usize = 100;

/// Subjects that are nobody here of which an import says so by name.
const MAX_NOTES: usize = 5;

/// What is wrong with it is told after who asks.
type Body<T> = Result<LongBody<T>, Refusal>;

/// A tuple: who has which relation to which object.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tuple {
    /// Made of its six parts: the same tuple has the same identifier everywhere.
    id: String,
    entity_type: String,
    /// The object; `*` for all of the type.
    entity_id: String,
    relation: String,
    subject_type: String,
    /// Who; `*` for all of the type.
    subject_id: String,
    /// With it, the subject is everyone who has this relation to the one that is named.
    #[schema(required)]
    subject_relation: Option<String>,
    /// Lua that must return true for the tuple to count.
    #[schema(required)]
    condition: Option<String>,
    /// From then on it does not count.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The name that the subject was given by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resolved: Option<Name>,
    /// What there is to say of the subject when it is nobody here, where a tuple was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
}

impl From<&records::Tuple> for Tuple {
    fn from(tuple: &records::Tuple) -> Self {
        let TupleKey { entity_type, entity_id, relation, subject } = tuple.key.clone();
        Self {
            id: tuple.key.id(),
            entity_type,
            entity_id,
            relation,
            subject_type: subject.kind,
            subject_id: subject.id,
            subject_relation: subject.relation,
            condition: tuple.condition.clone(),
            expires_at: tuple.expires_at.map(Timestamp::from),
            created_at: tuple.created_at.into(),
            updated_at: tuple.updated_at.into(),
            resolved: None,
            note: None,
        }
    }
}

impl From<&Written> for Tuple {
    fn from(written: &Written) -> Self {
        Self { resolved: written.name.clone(), note: written.note.clone(), ..Self::from(&written.tuple) }
    }
}

/// A tuple to write, or to remove. It may be sent as it was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTuple {
    pub entity_type: String,
    /// The object; `*` for all of the type.
    pub entity_id: String,
    pub relation: String,
    pub subject_type: String,
    /// Who: an identifier, or the name of a person or group; `*` for all of the type.
    pub subject_id: String,
    /// With it, the subject is everyone who has this relation to the one that is named.
    pub subject_relation: Option<String>,
    /// Lua that must return true for the tuple to count.
    pub condition: Option<String>,
    /// From then on it does not count.
    pub expires_at: Option<Timestamp>,
    /// Whether somebody may be named; otherwise all is an identifier.
    pub names: Option<bool>,
    /// Said when it is read; ignored.
    #[serde(default, skip_serializing_if = "is_only_read")]
    #[schema(value_type = Option<String>)]
    pub id: Option<Value>,
    /// Said when it is read; ignored.
    #[serde(default, skip_serializing_if = "is_only_read")]
    #[schema(value_type = Option<Timestamp>)]
    pub created_at: Option<Value>,
    /// Said when it is read; ignored.
    #[serde(default, skip_serializing_if = "is_only_read")]
    #[schema(value_type = Option<Timestamp>)]
    pub updated_at: Option<Value>,
    /// Said when it is read; ignored.
    #[serde(default, skip_serializing_if = "is_only_read")]
    #[schema(value_type = Option<Object>)]
    pub resolved: Option<Value>,
    /// Said when it is written; ignored.
    #[serde(default, skip_serializing_if = "is_only_read")]
    #[schema(value_type = Option<String>)]
    pub note: Option<Value>,
}

/// What is taken because it may be sent as it was read; nobody sends it by themselves.
fn is_only_read(_: &Option<Value>) -> bool {
    true
}

impl From<NewTuple> for tuples::NewTuple {
    fn from(new: NewTuple) -> Self {
        Self {
            key: TupleKey {
                entity_type: new.entity_type,
                entity_id: new.entity_id,
                relation: new.relation,
                subject: SubjectRef { kind: new.subject_type, id: new.subject_id, relation: new.subject_relation },
            },
            naming: Naming::written(new.names.unwrap_or(true)),
            condition: new.condition,
            expires_at: new.expires_at.map(|Timestamp(end)| end),
        }
    }
}

/// One tuple, or several, all or none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum NewTuples {
    /// Up to 1000.
    Several(TupleBatch),
    /// One.
    One(Box<NewTuple>),
}

/// Several tuples to write.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TupleBatch {
    /// The tuples.
    #[schema(max_items = 1_000)]
    pub tuples: Vec<NewTuple>,
}

/// One tuple that was written, or several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum WrittenTuples {
    /// Several, in the order in which they were sent.
    Several(TuplePage),
    /// One.
    One(Box<Tuple>),
}

/// A page of tuples.
#[derive(Debug, Serialize, ToSchema)]
pub struct TuplePage {
    items: Vec<Tuple>,
    #[schema(required)]
    next: Option<String>,
    /// The name that the subject was given by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resolved: Option<Name>,
}

/// Tuples as lines of any notation that is read.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TupleImport {
    /// The lines.
    pub lines: Vec<String>,
    /// The number of the first line, for messages.
    pub first_line: Option<usize>,
    /// What stands before the types of OpenFGA tuples from now on.
    pub prefix: Option<String>,
    /// Other names of their types, as where their models were imported.
    pub rename: Option<BTreeMap<String, String>>,
    /// Whether people and groups are named; otherwise all are identifiers.
    pub names: Option<bool>,
}

/// How many tuples were imported.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportedTuples {
    /// Those that are there now.
    pub written: usize,
    /// Those that have expired and were left out.
    pub expired: usize,
    /// Those whose subject was named.
    pub resolved: usize,
    /// Those whose subject was taken for an identifier, and is also the name of somebody here.
    pub names: usize,
    /// Those whose subject is nobody here: of an unknown type, or of another system.
    #[serde(default)]
    pub strangers: usize,
    /// What there is to say of the first of them.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Tuples to try.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TupleChanges {
    /// Those that would be written.
    pub add: Option<Vec<NewTuple>>,
    /// Those that would be removed.
    pub remove: Option<Vec<NewTuple>>,
}

/// What other tuples would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedTuples {
    gained: Vec<Change>,
    lost: Vec<Change>,
    /// Whether this is all.
    complete: bool,
    looked_at: LookedAt,
    /// The names that subjects were given by.
    resolved: Vec<Name>,
    /// What there is to say of subjects that are nobody here.
    notes: Vec<String>,
}

/// Which tuples a list of them shows.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TupleQuery {
    /// Only on this type.
    entity_type: Option<String>,
    /// Only on this object.
    entity_id: Option<String>,
    /// Only this relation.
    relation: Option<String>,
    /// Only of this subject, as TYPE:ID.
    subject: Option<String>,
    /// Only of subjects of this type.
    subject_type: Option<String>,
    /// Only of subjects with this id.
    subject_id: Option<String>,
    /// Whether a subject may be named; otherwise all is an identifier.
    names: Option<bool>,
    #[serde(flatten)]
    page: PageQuery,
}

const WRITES_TUPLES: &str = "Depends on the object: manage_platform on platform for what gives authority, manage_members on groups, \
                             manage_access on the client, else update on tuples.";

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("tuples", "Who has which relation to which object")
            .needs("view on tuples")
            .asks::<TupleQuery>()
            .gives::<TuplePage>(),
        post("tuples", "Writes a tuple, or up to 1000 of them, all or none")
            .depends(WRITES_TUPLES)
            .takes::<NewTuples>()
            .makes::<WrittenTuples>(),
        get("tuples/{tuple}", "A tuple").needs("view on tuples").gives::<Tuple>(),
        deletes("tuples/{tuple}", "Removes a tuple").depends(WRITES_TUPLES).gives::<Tuple>(),
        post("tuples/remove", "Removes a tuple, by its parts")
            .depends(WRITES_TUPLES)
            .takes::<NewTuple>()
            .gives::<Tuple>(),
        post("tuples/import", "Writes tuples from lines of any notation, all or none")
            .depends(WRITES_TUPLES)
            .takes::<TupleImport>()
            .gives::<ImportedTuples>(),
        post("tuples/dry-run", "Who would gain and who would lose what by other tuples")
            .needs("view on tuples")
            .takes::<TupleChanges>()
            .gives::<TriedTuples>(),
    ];
    all.into_iter().map(|operation| operation.under("access")).collect()
}

/// `GET tuples`: `entity_type`, `entity_id`, `relation` and `subject=TYPE:ID` narrow it. A subject may be named, unless
/// `names=false`. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewTuples>, query: Params<TupleQuery>) -> HandlerResult {
    let query = query.0;
    let subject = query.subject.as_deref();
    let subject = subject.map(|text| naming::parse_subject(&admin.cx, &admin.cx.read()?, text)).transpose()?;
    let (subject_type, subject_id) = subject.map(|subject| (subject.kind, subject.id)).unzip();
    let mut filter = Filter {
        entity_type: query.entity_type,
        entity_id: query.entity_id,
        relation: query.relation,
        subject_type: query.subject_type.or(subject_type),
        subject_id: query.subject_id.or(subject_id),
    };
    let naming = Naming::asked(query.names.unwrap_or(true));
    let mut name = None;
    if let (Some(kind), Some(id)) = (&filter.subject_type, &filter.subject_id) {
        let typed = SubjectRef::new(&**kind, &**id);
        let found = naming::subject(&admin.cx, &admin.cx.read()?, &typed, naming)?;
        (filter.subject_id, name) = (Some(found.0.id), found.1);
    }
    let read = move |cx: &Cx, request: &PageRequest| tuples::page(cx, &filter, request);
    let page = paged(&admin.cx, query.page.request::<String>()?, read).await?;
    let items = page.items.iter().map(Tuple::from).collect();
    Ok(HttpResponse::Ok().json(TuplePage { items, next: page.next, resolved: name }))
}

/// `GET tuples/{tuple}`.
pub async fn show(admin: Admin<ViewTuples>, id: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::by_id(&admin.cx, &id)?)))
}

/// `POST tuples`: one tuple, or `tuples` with up to 1000 of them, all or none. People and groups may be named; with
/// `"names": false` all is taken for an identifier.
pub async fn write(manager: Manager, body: Body<NewTuples>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, write_all(&manager.cx, body).await)
}

async fn write_all(cx: &Cx, body: Body<NewTuples>) -> HandlerResult {
    let written = match body?.0 {
        NewTuples::Several(TupleBatch { tuples }) => {
            let new = tuples.into_iter().map(tuples::NewTuple::from);
            let written = tuples::write_lines(cx, (1..).zip(new).collect()).await?;
            let items = written.iter().map(Tuple::from).collect();
            WrittenTuples::Several(TuplePage { items, next: None, resolved: None })
        }
        NewTuples::One(one) => WrittenTuples::One(Box::new(Tuple::from(&tuples::write(cx, (*one).into()).await?))),
    };
    Ok(HttpResponse::Created().json(written))
}

/// `POST tuples/remove`: the parts of the tuple.
pub async fn remove(manager: Manager, body: Body<NewTuple>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, remove_named(&manager.cx, body).await)
}

async fn remove_named(cx: &Cx, body: Body<NewTuple>) -> HandlerResult {
    let tuple = tuples::NewTuple::from(body?.0);
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::remove_named(cx, &tuple.key, tuple.naming).await?)))
}

/// `DELETE tuples/{tuple}`.
pub async fn delete(manager: Manager, id: Path<String>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, remove_by_id(&manager.cx, &id).await)
}

async fn remove_by_id(cx: &Cx, id: &str) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::remove_by_id(cx, id).await?)))
}

/// `POST tuples/import`: `lines` in any of the notations that are read, `first_line` for messages, `prefix` before the
/// types of OpenFGA tuples; all or none. Those that have expired are left out and counted. Lines hold identifiers, as
/// files from elsewhere do; with `names` they are read as a person writes them.
pub async fn import(manager: Manager, body: Body<TupleImport>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, import_lines(&manager.cx, body).await)
}

async fn import_lines(cx: &Cx, body: Body<TupleImport>) -> HandlerResult {
    let TupleImport { lines, first_line, prefix, rename, names } = body?.0;
    let first = first_line.unwrap_or(1);
    let types = TypeNames { prefix: prefix.unwrap_or_default(), renamed: rename.unwrap_or_default() };
    let naming = Naming::written(names.unwrap_or_default());
    if lines.len() > MAX_BATCH {
        return Err(Error::invalid("lines", format!("has more than {MAX_BATCH} lines")).into());
    }
    // Lines that were sent before count for the numbers in messages.
    let incoming = read_tuples(&lines.join("\n"), first).map_err(Error::Invalid)?;
    // What has ended is told by an export too, and gives nobody anything.
    let numbered = (first..).zip(incoming.into_iter().map(|one| placed(one, &types, naming)));
    let (expired, new): (Vec<_>, Vec<_>) = numbered.partition(|(_, one)| one.has_expired(cx.now));
    let written = tuples::write_lines(cx, new).await?;
    let resolved = written.iter().filter(|one| one.name.is_some()).count();
    // A person's name in a file is somebody of another system, and who reads the answer is told so.
    let names = match naming {
        Naming::Identifiers => {
            naming::count_of_names(cx, &cx.read()?, written.iter().map(|one| &one.tuple.key.subject))?
        }
        Naming::Names | Naming::Asking => 0,
    };
    let told: BTreeSet<&String> = written.iter().filter_map(|one| one.note.as_ref()).collect();
    let notes = told.into_iter().take(MAX_NOTES).cloned().collect();
    let strangers = written.iter().filter(|one| one.note.is_some()).count();
    let (written, expired) = (written.len(), expired.len());
    Ok(HttpResponse::Ok().json(ImportedTuples { written, expired, resolved, names, strangers, notes }))
}

/// `POST tuples/dry-run`: `add` and `remove`; who would gain and who would lose what. Nothing is changed.
pub async fn dry_run(admin: Admin<ViewTuples>, body: LongBody<TupleChanges>) -> HandlerResult {
    let TupleChanges { add, remove } = body.0;
    let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
    if add.len() + remove.len() > MAX_DRY {
        return Err(Error::invalid("", format!("at most {MAX_DRY} tuples are tried at once")).into());
    }
    let (mut added, mut resolved) = (Vec::with_capacity(add.len()), Vec::new());
    let (from, mut notes) = (admin.cx.read()?, BTreeSet::new());
    for one in add {
        let (draft, name) = tuples::draft(&admin.cx, &one.into())?;
        notes.extend(strangers::note(&admin.cx, &from, &draft.key.subject)?);
        added.push(draft);
        resolved.extend(name);
    }
    let mut removed = Vec::with_capacity(remove.len());
    for one in remove {
        let one = tuples::NewTuple::from(one);
        removed.push(tuples::stored_key(&admin.cx, &one.key, one.naming)?);
    }
    let look = move |cx: &Cx| dry_run::of_tuples(cx, &added, &removed);
    let dry_run::Changes { gained, lost, complete, looked_at } = admin.cx.look(look).await?;
    let (gained, lost) = (gained.into_iter().collect(), lost.into_iter().collect());
    let notes = notes.into_iter().collect();
    Ok(HttpResponse::Ok().json(TriedTuples { gained, lost, complete, looked_at, resolved, notes }))
}

fn placed(incoming: Incoming, types: &TypeNames, naming: Naming) -> tuples::NewTuple {
    let mut key = incoming.key;
    if incoming.is_foreign {
        key.entity_type = types.of(&key.entity_type);
        key.subject.kind = types.of(&key.subject.kind);
    }
    tuples::NewTuple { key, naming, condition: incoming.condition, expires_at: incoming.expires_at }
}
