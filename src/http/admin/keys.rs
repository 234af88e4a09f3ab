//! Token-signing keys.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, get, post};
use crate::base::page::Page;
use crate::http::extract::{Admin, Body, Fresh, RotateKeys, ViewKeys};
use crate::http::respond::{HandlerResult, Refusal};
use crate::oauth::keys::{self, KeyView};
use crate::records::Algorithm;

/// Which keys are to rotate.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// Those of this algorithm; all when absent.
    pub alg: Option<Algorithm>,
}

/// All keys, after one was retired.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetiredKey {
    /// The one.
    kid: String,
    items: Vec<KeyView>,
    #[schema(required)]
    next: Option<String>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    vec![
        get("keys", "Token-signing keys, oldest first").needs("view on keys").lists::<KeyView>(),
        post("keys/rotate", "Signs with the keys that are published ahead")
            .needs("rotate on keys")
            .fresh()
            .takes::<KeyRotation>()
            .lists::<KeyView>(),
        post("keys/{kid}/retire", "Takes a key out of use; its tokens stop verifying")
            .needs("rotate on keys")
            .fresh()
            .gives::<RetiredKey>(),
    ]
}

/// `GET keys`: all of them, oldest first.
pub async fn list(admin: Admin<ViewKeys>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Page { items: keys::list(&admin.cx)?, next: None }))
}

/// `POST keys/rotate`: of one `alg` or of all.
pub async fn rotate(Fresh(admin): Fresh<Admin<RotateKeys>>, body: Body<KeyRotation>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Page { items: keys::rotate(&admin.cx, body.0.alg).await?, next: None }))
}

/// `POST keys/{kid}/retire`: its tokens no longer verify.
pub async fn retire(Fresh(admin): Fresh<Admin<RotateKeys>>, kid: Path<String>) -> HandlerResult {
    let Some(items) = keys::retire(&admin.cx, &kid).await? else {
        return Err(Refusal::missing());
    };
    Ok(HttpResponse::Ok().json(RetiredKey { kid: kid.into_inner(), items, next: None }))
}
