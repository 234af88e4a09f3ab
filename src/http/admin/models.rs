//! Authorization models.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, post, put as puts};
use super::paging::{PageQuery, onward};
use super::writers::for_writers;
use crate::access::authority::{self, Writable};
use crate::access::catalogue::{self, Draft, InTheWay, Stored};
use crate::access::dry_run::{Change, LookedAt};
use crate::access::import::{self, TypeNames};
use crate::access::model::{Description, builtin, compile_stored, describe, names};
use crate::access::{Error, Mistake, dry_run};
use crate::base::Timestamp;
use crate::base::id::ClientId;
use crate::base::page::Page;
use crate::cx::Cx;
use crate::http::extract::{Admin, LongBody, Manager, Params, PlatformRight, ViewModels, ViewTuples};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records;
use crate::records::tuple::GROUP;

/// Types of one import at the most.
const MAX_IMPORT: usize = 100;

/// What is wrong with it is told after who asks.
type Written<T> = Result<LongBody<T>, Refusal>;

/// A model as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Model {
    entity_type: String,
    /// The app whose type it is; `null` for types of the installation.
    #[schema(required)]
    client: Option<ClientId>,
    built_in: bool,
    /// `relations`, `permissions` and what else was written.
    definition: Map<String, Value>,
    /// 0 for a built-in one.
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    updated_at: Option<Timestamp>,
}

impl From<&records::Model> for Model {
    fn from(model: &records::Model) -> Self {
        Self {
            entity_type: model.entity_type.clone(),
            client: model.client.clone(),
            built_in: false,
            definition: model.definition.clone(),
            version: model.version,
            created_at: Some(model.created_at.into()),
            updated_at: Some(model.updated_at.into()),
        }
    }
}

/// A model, described in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct DescribedModel {
    #[serde(flatten)]
    model: Model,
    description: Description,
    /// What is allowed and probably not meant.
    warnings: Vec<Mistake>,
}

/// A model to write.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// `relations`, `permissions` and what else there is to say.
    pub definition: Map<String, Value>,
    /// The app whose type it is; what is stored stays when absent.
    pub client: Option<ClientId>,
    /// The version that the change was made from, 0 when there must be none; another one by now is 409 `conflict`.
    pub version: Option<u64>,
}

/// A model to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelDraft {
    /// `relations`, `permissions` and what else there is to say.
    pub definition: Map<String, Value>,
    /// The type that it is for; `document` when absent.
    pub entity_type: Option<String>,
}

/// A model that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidModel {
    entity_type: String,
    valid: bool,
    description: Description,
    warnings: Vec<Mistake>,
}

/// What another model would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelChanges {
    gained: Vec<Change>,
    lost: Vec<Change>,
    /// Whether this is all.
    complete: bool,
    looked_at: LookedAt,
    warnings: Vec<Mistake>,
    /// With what the change itself would be refused.
    #[schema(required)]
    refused: Option<RefusedChange>,
}

/// Why a change would be refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedChange {
    code: String,
    message: String,
}

/// A model that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedModel {
    entity_type: String,
    deleted: bool,
}

/// Models that OpenFGA wrote.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelImport {
    /// JSON, or OpenFGA's own language.
    pub source: String,
    /// What stands before each type from now on.
    pub prefix: Option<String>,
    /// Other names of types, by the name in the source; no prefix stands before them.
    pub rename: Option<BTreeMap<String, String>>,
    /// Whether tuples are removed that the new models would not take. Without it they are in the way.
    pub remove_tuples: Option<bool>,
}

/// Models that were imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedModels {
    items: Vec<Model>,
    #[schema(required)]
    next: Option<String>,
    warnings: Vec<Mistake>,
}

/// Which version of a model is meant.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Expected {
    /// Only if it is this one.
    version: Option<u64>,
}

const WRITES_MODELS: &str = "Needs update on models; for a type of a client manage on that client will do; for the platform's own types \
                             manage_platform on platform.";

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("models", "Models by name, and at the end the built-in ones")
            .needs("view on models")
            .asks::<PageQuery>()
            .lists::<Model>(),
        get("models/{type}", "A model, described in words")
            .depends("Needs view on models, or manage on the client of the type.")
            .gives::<DescribedModel>(),
        puts("models/{type}", "Writes a model; 201 when it is new")
            .depends(WRITES_MODELS)
            .takes::<NewModel>()
            .gives::<DescribedModel>()
            .makes::<DescribedModel>(),
        deletes("models/{type}", "Deletes a model that no tuple uses")
            .depends(WRITES_MODELS)
            .asks::<Expected>()
            .gives::<DeletedModel>(),
        post("models/{type}/dry-run", "Who would gain and who would lose what by another model")
            .depends("Needs view on models and view on tuples.")
            .takes::<NewModel>()
            .gives::<ModelChanges>(),
        post("models/validate", "What is wrong with a model; nothing is written")
            .needs("view on models")
            .takes::<ModelDraft>()
            .gives::<ValidModel>(),
        post("models/import", "Writes models that OpenFGA wrote")
            .depends(WRITES_MODELS)
            .takes::<ModelImport>()
            .gives::<ImportedModels>(),
    ];
    all.into_iter().map(|operation| operation.under("access")).collect()
}

fn builtin_model(entity_type: &str, definition: Value) -> Model {
    let definition = if let Value::Object(members) = definition { members } else { Map::new() };
    let entity_type = entity_type.to_owned();
    Model { entity_type, client: None, built_in: true, definition, version: 0, created_at: None, updated_at: None }
}

/// `GET models`: the stored ones in the order of their names, and on the last page the built-in ones that none of them
/// replaces.
pub async fn list(admin: Admin<ViewModels>, query: Params<PageQuery>) -> HandlerResult {
    let page = catalogue::page(&admin.cx, &query.0.named_request("models")?)?;
    let mut items: Vec<Model> = page.items.iter().map(Model::from).collect();
    if page.next.is_none() {
        let from = admin.cx.read()?;
        for (entity_type, definition) in builtin::documents() {
            if catalogue::find(&admin.cx, &from, entity_type)?.is_none() {
                items.push(builtin_model(entity_type, definition));
            }
        }
    }
    Ok(HttpResponse::Ok().json(Page { items, next: onward("models", page.next.as_ref()) }))
}

/// `GET models/{entity_type}`: with its hierarchy in words and its matrix of permissions.
pub async fn show(manager: Manager, entity_type: Path<String>) -> HandlerResult {
    let from = manager.cx.read()?;
    let Some(model) = catalogue::find(&manager.cx, &from, &entity_type)? else {
        ViewModels::require(&manager.cx)?;
        let definition = builtin::documents().find(|(name, _)| *name == entity_type.as_str());
        let Some((compiled, (_, definition))) = builtin::find(&entity_type).zip(definition) else {
            return Err(Error::UnknownType(entity_type.into_inner()).into());
        };
        let model = builtin_model(&entity_type, definition);
        let description = describe(compiled);
        return Ok(HttpResponse::Ok().json(DescribedModel { model, description, warnings: Vec::new() }));
    };
    authority::may_see_model(&manager.cx, model.client.as_ref())?;
    let description = describe(&compile_stored(&model).map_err(Error::Invalid)?);
    Ok(HttpResponse::Ok().json(DescribedModel { model: Model::from(&model), description, warnings: Vec::new() }))
}

/// `PUT models/{entity_type}`: `definition`, and `client` for whose type it is. `version` makes it conditional (0:
/// there must be none).
pub async fn put(manager: Manager, entity_type: Path<String>, body: Written<NewModel>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, put_one(&manager.cx, entity_type.into_inner(), body).await)
}

async fn put_one(cx: &Cx, entity_type: String, body: Written<NewModel>) -> HandlerResult {
    let draft = draft(entity_type, body?.0)?;
    let stored = catalogue::put(cx, &draft).await?;
    let status = if stored.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(described(stored)?))
}

fn described(stored: Stored) -> Result<DescribedModel, Refusal> {
    let description = describe(&compile_stored(&stored.model).map_err(Error::Invalid)?);
    Ok(DescribedModel { model: Model::from(&stored.model), description, warnings: stored.warnings })
}

/// `POST models/validate`: `definition` and perhaps `entity_type`; nothing is written.
pub async fn validate(admin: Admin<ViewModels>, body: LongBody<ModelDraft>) -> HandlerResult {
    let ModelDraft { definition, entity_type } = body.0;
    let entity_type = entity_type.unwrap_or_else(|| String::from("document"));
    let draft = Draft { entity_type, definition, client: None, expected_version: None };
    let (compiled, warnings) = catalogue::check(&admin.cx, &admin.cx.read()?, &draft)?;
    let description = describe(&compiled);
    Ok(HttpResponse::Ok().json(ValidModel { entity_type: draft.entity_type, valid: true, description, warnings }))
}

/// `POST models/{entity_type}/dry-run`: as `PUT`, but tells who would gain and who would lose what, and with what the
/// `PUT` would be `refused`; changes nothing.
pub async fn dry_run(admin: Admin<ViewModels>, entity_type: Path<String>, body: LongBody<NewModel>) -> HandlerResult {
    ViewTuples::require(&admin.cx)?;
    let draft = draft(entity_type.into_inner(), body.0)?;
    let (compiled, warnings) = catalogue::check(&admin.cx, &admin.cx.read()?, &draft)?;
    let look = move |cx: &Cx| dry_run::of_model(cx, compiled.clone());
    let dry_run::Changes { gained, lost, complete, looked_at } = admin.cx.look(look).await?;
    let rehearsed = admin.cx.look_long(move |cx| catalogue::rehearse(cx, &draft)).await;
    let refused = match rehearsed {
        Ok(_) => None,
        Err(error @ (Error::Store(_) | Error::Crowded)) => return Err(error.into()),
        Err(error) => Some(RefusedChange { code: error.code().to_owned(), message: error.to_string() }),
    };
    Ok(HttpResponse::Ok().json(ModelChanges {
        gained: gained.into_iter().collect(),
        lost: lost.into_iter().collect(),
        complete,
        looked_at,
        warnings,
        refused,
    }))
}

/// `DELETE models/{entity_type}`: refused while tuples use it. `version` makes it conditional.
pub async fn delete(
    manager: Manager,
    entity_type: Path<String>,
    query: Result<Params<Expected>, Refusal>,
) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, delete_one(&manager.cx, &entity_type, query).await)
}

async fn delete_one(cx: &Cx, entity_type: &str, query: Result<Params<Expected>, Refusal>) -> HandlerResult {
    catalogue::delete(cx, entity_type, query?.0.version).await?;
    Ok(HttpResponse::Ok().json(DeletedModel { entity_type: entity_type.to_owned(), deleted: true }))
}

/// `POST models/import`: `source` as OpenFGA writes models, JSON or its own language; `prefix` stands before each type.
/// The types are written one after another: what was written before a mistake stays.
pub async fn import(manager: Manager, body: Written<ModelImport>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, import_all(&manager.cx, body).await)
}

async fn import_all(cx: &Cx, body: Written<ModelImport>) -> HandlerResult {
    let ModelImport { source, prefix, rename, remove_tuples } = body?.0;
    let names = TypeNames { prefix: prefix.unwrap_or_default(), renamed: rename.unwrap_or_default() };
    let in_the_way = if remove_tuples == Some(true) { InTheWay::Remove } else { InTheWay::Refuse };
    let imported = import::import(&source).map_err(Error::Invalid)?.named(&names);
    if imported.models.len() > MAX_IMPORT {
        return Err(Error::invalid("source", format!("declares more than {MAX_IMPORT} types")).into());
    }
    let mut drafts = Vec::new();
    for model in imported.models {
        let draft = Draft {
            entity_type: model.entity_type,
            definition: model.definition,
            client: None,
            expected_version: None,
        };
        let from = cx.read()?;
        catalogue::may_put(cx, &from, &draft)?;
        may_be_called(&draft.entity_type)?;
        catalogue::check(cx, &from, &draft)?;
        drafts.push(draft);
    }
    let mut items = Vec::new();
    for draft in &drafts {
        items.push(Model::from(&catalogue::put_over(cx, draft, in_the_way).await?.model));
    }
    Ok(HttpResponse::Ok().json(ImportedModels { items, next: None, warnings: imported.notes }))
}

/// Refuses the name of a type of Auther itself to a model from elsewhere, which means something else by it. Who is in a
/// group is the same everywhere.
fn may_be_called(entity_type: &str) -> Result<(), Error> {
    if builtin::find(entity_type).is_none() || entity_type == GROUP {
        return Ok(());
    }
    let problem = format!(
        "`{entity_type}` is a type of Auther itself. Import the model under other names: with `rename` \
         (`--rename {entity_type}=NAME`), or with a `prefix` before all of them (`--prefix shop:`). The same is then said \
         where its tuples are imported"
    );
    Err(Error::invalid("source", problem))
}

fn draft(entity_type: String, body: NewModel) -> Result<Draft, Refusal> {
    if !names::is_entity_type(&entity_type) {
        return Err(Error::invalid("entity_type", names::TYPE_RULE).into());
    }
    let NewModel { definition, client, version } = body;
    Ok(Draft { entity_type, definition, client, expected_version: version })
}
