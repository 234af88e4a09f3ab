//! Token-signing keys.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use crate::http::extract::{Admin, Fresh, Input, Json, RotateKeys, ViewKeys};
use crate::http::respond::{HandlerResult, Refusal};
use crate::oauth::keys;
use crate::records::Algorithm;

/// `GET keys`: all of them, oldest first.
pub async fn list(admin: Admin<ViewKeys>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(json!({"items": keys::list(&admin.cx)?, "next": null})))
}

/// `POST keys/rotate`: of one `alg` or of all.
pub async fn rotate(Fresh(admin): Fresh<Admin<RotateKeys>>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let algorithm: Option<String> = input.take("alg");
    let algorithm: Option<Result<Algorithm, String>> = algorithm.map(|name| name.parse());
    if let Some(Err(problem)) = &algorithm {
        input.refuse("alg", problem);
    }
    input.finish()?;
    let keys = keys::rotate(&admin.cx, algorithm.and_then(Result::ok)).await?;
    Ok(HttpResponse::Ok().json(json!({"items": keys, "next": null})))
}

/// `POST keys/{kid}/retire`: its tokens no longer verify.
pub async fn retire(Fresh(admin): Fresh<Admin<RotateKeys>>, kid: Path<String>) -> HandlerResult {
    let Some(keys) = keys::retire(&admin.cx, &kid).await? else {
        return Err(Refusal::not_found("There is no key with this kid."));
    };
    Ok(HttpResponse::Ok().json(json!({"kid": *kid, "items": keys, "next": null})))
}
