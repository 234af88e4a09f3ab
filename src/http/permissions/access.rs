//! What the caller may do.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use crate::access::effective::{self, Item};
use crate::base::id::ClientId;
use crate::http::extract::{Person, Query};
use crate::http::respond::Refusal;
use crate::records::SubjectRef;

/// `GET /my-access`: `{items: [{entityType, entityId, permissions, abacRequired}], truncated}`; with `client` on the types of that app only.
pub async fn mine(person: Person, query: Query) -> Result<HttpResponse, Refusal> {
    let client = match query.find("client") {
        None | Some("") => None,
        Some(id) => Some(id.parse::<ClientId>().map_err(|_| Refusal::malformed("`client` is not the id of an app."))?),
    };
    let subject = SubjectRef::new("user", person.signed_in.user.id.as_str());
    let effective = person.cx.look(move |cx| effective::of_subject(cx, &subject, client.as_ref())).await?;
    let items: Vec<Value> = effective.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "truncated": effective.truncated})))
}

/// In the words of this dialect.
fn view(item: &Item) -> Value {
    json!({
        "entityType": item.entity_type,
        "entityId": item.entity_id,
        "permissions": item.permissions,
        "abacRequired": item.abac_required,
    })
}
