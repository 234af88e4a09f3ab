//! Authorization models.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::writers::for_writers;
use super::{named_request, onward, parameter};
use crate::access::authority::{self, Writable};
use crate::access::import;
use crate::access::model::catalogue::{self, Draft, Stored};
use crate::access::model::{Description, builtin, compile_stored, describe, names};
use crate::access::{Error, Mistake, dry_run};
use crate::base::id::ClientId;
use crate::cx::Cx;
use crate::http::extract::{Admin, Input, LongJson, Manager, PlatformRight, Query, ViewModels, ViewTuples};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::Model;

/// Types of one import at the most.
const MAX_IMPORT: usize = 100;

/// What is wrong with it is told after who asks.
type Body = Result<LongJson, Refusal>;

fn view(model: &Model) -> Value {
    json!({
        "entity_type": model.entity_type,
        "client": model.client,
        "built_in": false,
        "definition": model.definition,
        "version": model.version,
        "created_at": model.created_at.rfc3339(),
        "updated_at": model.updated_at.rfc3339(),
    })
}

fn builtin_view(entity_type: &str, definition: &Value) -> Value {
    json!({"entity_type": entity_type, "client": null, "built_in": true, "definition": definition, "version": 0})
}

fn described(mut document: Value, description: &Description, warnings: &[Mistake]) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.insert(String::from("description"), json!(description));
        members.insert(String::from("warnings"), json!(warnings));
    }
    document
}

/// `GET models`: the stored ones in the order of their names, and on the last page the built-in ones that none of them replaces.
pub async fn list(admin: Admin<ViewModels>, query: Query) -> HandlerResult {
    let page = catalogue::page(&admin.cx, &named_request(&query, "models")?)?;
    let mut items: Vec<Value> = page.items.iter().map(view).collect();
    if page.next.is_none() {
        let from = admin.cx.read()?;
        for (entity_type, definition) in builtin::documents() {
            if catalogue::find(&admin.cx, &from, entity_type)?.is_none() {
                items.push(builtin_view(entity_type, &definition));
            }
        }
    }
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": onward("models", page.next.as_ref())})))
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
        return Ok(HttpResponse::Ok().json(described(
            builtin_view(&entity_type, &definition),
            &describe(compiled),
            &[],
        )));
    };
    authority::may_see_model(&manager.cx, model.client.as_ref())?;
    let compiled = compile_stored(&model).map_err(Error::Invalid)?;
    Ok(HttpResponse::Ok().json(described(view(&model), &describe(&compiled), &[])))
}

/// `PUT models/{entity_type}`: `definition`, and `client` for whose type it is. `version` makes it conditional (0: there must be none).
pub async fn put(manager: Manager, entity_type: Path<String>, body: Body) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, put_one(&manager.cx, entity_type.into_inner(), body).await)
}

async fn put_one(cx: &Cx, entity_type: String, body: Body) -> HandlerResult {
    let draft = draft(entity_type, body?.0)?;
    let stored = catalogue::put(cx, &draft).await?;
    let status = if stored.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(stored_view(&stored)?))
}

fn stored_view(stored: &Stored) -> Result<Value, Refusal> {
    let compiled = compile_stored(&stored.model).map_err(Error::Invalid)?;
    Ok(described(view(&stored.model), &describe(&compiled), &stored.warnings))
}

/// `POST models/validate`: `definition` and perhaps `entity_type`; nothing is written.
pub async fn validate(admin: Admin<ViewModels>, body: LongJson) -> HandlerResult {
    let mut input = Input::new(body.0);
    let entity_type: Option<String> = input.take("entity_type");
    let definition: Map<String, Value> = input.require("definition");
    input.finish()?;
    let entity_type = entity_type.unwrap_or_else(|| String::from("document"));
    let draft = Draft { entity_type, definition, client: None, expected_version: None };
    let (compiled, warnings) = catalogue::check(&admin.cx, &admin.cx.read()?, &draft)?;
    let document = json!({"entity_type": draft.entity_type, "valid": true});
    Ok(HttpResponse::Ok().json(described(document, &describe(&compiled), &warnings)))
}

/// `POST models/{entity_type}/dry-run`: as `PUT`, but tells who would gain and who would lose what, and with what the `PUT` would be `refused`;
/// changes nothing.
pub async fn dry_run(admin: Admin<ViewModels>, entity_type: Path<String>, body: LongJson) -> HandlerResult {
    ViewTuples::require(&admin.cx)?;
    let draft = draft(entity_type.into_inner(), body.0)?;
    let (compiled, warnings) = catalogue::check(&admin.cx, &admin.cx.read()?, &draft)?;
    let look = move |cx: &Cx| dry_run::of_model(cx, compiled.clone());
    let dry_run::Changes { gained, lost, complete, looked_at } = admin.cx.look(look).await?;
    let rehearsed = admin.cx.look_long(move |cx| catalogue::rehearse(cx, &draft)).await;
    let refused = match rehearsed {
        Ok(_) => Value::Null,
        Err(error @ (Error::Store(_) | Error::Crowded)) => return Err(error.into()),
        Err(error) => json!({"code": error.code(), "message": error.to_string()}),
    };
    Ok(HttpResponse::Ok().json(json!({
        "gained": gained, "lost": lost, "complete": complete, "looked_at": looked_at, "warnings": warnings, "refused": refused
    })))
}

/// `DELETE models/{entity_type}`: refused while tuples use it. `version` makes it conditional.
pub async fn delete(manager: Manager, entity_type: Path<String>, query: Result<Query, Refusal>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, delete_one(&manager.cx, &entity_type, query).await)
}

async fn delete_one(cx: &Cx, entity_type: &str, query: Result<Query, Refusal>) -> HandlerResult {
    let expected = match parameter(&query?, "version")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| super::wrong_parameter("version", "is not a number"))?),
    };
    catalogue::delete(cx, entity_type, expected).await?;
    Ok(HttpResponse::Ok().json(json!({"entity_type": entity_type, "deleted": true})))
}

/// `POST models/import`: `source` as OpenFGA writes models, JSON or its own language; `prefix` stands before each type. The types are written
/// one after another: what was written before a mistake stays.
pub async fn import(manager: Manager, body: Body) -> HandlerResult {
    for_writers(&manager.cx, Writable::Models, import_all(&manager.cx, body).await)
}

async fn import_all(cx: &Cx, body: Body) -> HandlerResult {
    let mut input = Input::new(body?.0);
    let source: String = input.require("source");
    let prefix: Option<String> = input.take("prefix");
    input.finish()?;
    let imported = import::import(&source).map_err(Error::Invalid)?.with_prefix(prefix.as_deref().unwrap_or_default());
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
        catalogue::check(cx, &from, &draft)?;
        drafts.push(draft);
    }
    let mut items = Vec::new();
    for draft in &drafts {
        items.push(view(&catalogue::put(cx, draft).await?.model));
    }
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null, "warnings": imported.notes})))
}

fn draft(entity_type: String, body: Map<String, Value>) -> Result<Draft, Refusal> {
    let mut input = Input::new(body);
    let definition: Map<String, Value> = input.require("definition");
    let client: Option<ClientId> = input.take("client");
    let expected_version = input.take("version");
    input.finish()?;
    if !names::is_entity_type(&entity_type) {
        return Err(Error::invalid("entity_type", names::TYPE_RULE).into());
    }
    Ok(Draft { entity_type, definition, client, expected_version })
}
