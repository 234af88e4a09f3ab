//! The apps that the caller has let in.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::Timestamp;
use crate::base::id::ClientId;
use crate::http::extract::{OpenBody, Person};
use crate::http::respond::Refusal;
use crate::oauth::consents;

/// `GET /list-consents`: `[{clientId, clientName, scopes, createdAt, updatedAt}]`
pub async fn list(person: Person) -> Result<HttpResponse, Refusal> {
    let list = consents::of_user(&person.cx, &person.signed_in.user.id)?;
    let shapes = list.into_iter().map(|(consent, client)| Consent {
        client_id: consent.client,
        client_name: client.map(|client| client.name),
        scopes: consent.scopes,
        created_at: consent.created_at.into(),
        updated_at: consent.updated_at.into(),
    });
    Ok(HttpResponse::Ok().json(shapes.collect::<Vec<_>>()))
}

/// An app that the caller has let in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Consent {
    client_id: ClientId,
    client_name: Option<String>,
    scopes: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// `POST /revoke-consent`
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    // Under either name, which a schema does not say.
    #[serde(alias = "client_id")]
    #[schema(required = false)]
    client_id: String,
}

/// A consent that was taken back, and how many grants ended with it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked {
    status: bool,
    revoked_grants: usize,
}

/// Takes a consent back: the app's refresh tokens end at once, and the next sign-in to it asks again.
pub async fn revoke(person: Person, which: OpenBody<Which>) -> Result<HttpResponse, Refusal> {
    let unknown = || Refusal::not_found("You have not let in an app with this id.");
    let client: ClientId = which.0.client_id.parse().map_err(|_| unknown())?;
    let ended = consents::revoke_own(&person.cx, &person.signed_in.user.id, &client).await?.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().json(Revoked { status: true, revoked_grants: ended }))
}
