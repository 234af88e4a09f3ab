//! Authorization requests of an app that were refused.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Value, json};

use super::clients::{parsed, view};
use crate::base::id::FailureId;
use crate::http::extract::{Admin, Fresh, UpdateClients, ViewClients};
use crate::http::respond::HandlerResult;
use crate::oauth::clients::Error;
use crate::oauth::clients::failures::{self, Shown};

/// `GET clients/{client}/failures`: the newest first.
pub async fn list(admin: Admin<ViewClients>, id: Path<String>) -> HandlerResult {
    let failures = failures::of_client(&admin.cx, &id)?;
    let items: Vec<Value> = failures.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}

fn shown(shown: &Shown) -> Value {
    let Shown { failure, registered, fix } = shown;
    json!({
        "id": failure.id,
        "at": failure.at.rfc3339(),
        "error": failure.error,
        "message": failure.message,
        "sent": failure.sent,
        "registered": registered,
        "count": failure.count,
        "fix": fix.as_ref().map(|uri| json!({"field": "redirect_uris", "add": uri})),
    })
}

/// `POST clients/{client}/failures/{id}/fix`: adds the redirect URI that was sent, and answers the client.
pub async fn fix(Fresh(admin): Fresh<Admin<UpdateClients>>, path: Path<(String, String)>) -> HandlerResult {
    let (client, id) = path.into_inner();
    let id: FailureId = id.parse().map_err(|_| Error::NoFailure)?;
    let client = failures::fix(&admin.cx, &parsed(&client)?, &id).await?;
    Ok(HttpResponse::Ok().json(view(&client)))
}
