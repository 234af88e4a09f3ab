//! What the caller may do.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::effective::{self, Item};
use crate::base::id::ClientId;
use crate::http::extract::{Params, Person};
use crate::http::respond::Refusal;
use crate::records::SubjectRef;

/// `GET /my-access`: `{items: [{entityType, entityId, permissions, abacRequired}], truncated}`; with `client` on the
/// types of that app only.
pub async fn mine(person: Person, query: Params<AccessQuery>) -> Result<HttpResponse, Refusal> {
    let client = match query.0.client.as_deref() {
        None | Some("") => None,
        Some(id) => Some(id.parse::<ClientId>().map_err(|_| Refusal::malformed("`client` is not the id of an app."))?),
    };
    let subject = SubjectRef::new("user", person.signed_in.user.id.as_str());
    let effective = person.cx.look(move |cx| effective::of_subject(cx, &subject, client.as_ref())).await?;
    let items = effective.items.into_iter().map(Access::from).collect();
    Ok(HttpResponse::Ok().json(MyAccess { items, truncated: effective.truncated }))
}

/// What of it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AccessQuery {
    /// Only on the types of this app.
    client: Option<String>,
}

/// What the caller may do.
#[derive(Debug, Serialize)]
struct MyAccess {
    items: Vec<Access>,
    /// Whether there is more than was looked at.
    truncated: bool,
}

/// What they may do with one object, in the words of this dialect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    entity_type: String,
    entity_id: String,
    permissions: Vec<String>,
    abac_required: Vec<String>,
}

impl From<Item> for Access {
    fn from(item: Item) -> Self {
        let Item { entity_type, entity_id, permissions, abac_required } = item;
        Self { entity_type, entity_id, permissions, abac_required }
    }
}
