//! What the caller may do.

use actix_web::HttpResponse;

use crate::access::effective;
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
    Ok(HttpResponse::Ok().json(effective::of_subject(&person.cx, &subject, client.as_ref())?))
}
