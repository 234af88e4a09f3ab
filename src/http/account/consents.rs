//! The apps that the caller has let in.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::id::ClientId;
use crate::http::extract::{Json, Person};
use crate::http::respond::Refusal;
use crate::oauth::consents;

/// `GET /list-consents`: `[{clientId, clientName, scopes, createdAt, updatedAt}]`
pub async fn list(person: Person) -> Result<HttpResponse, Refusal> {
    let list = consents::of_user(&person.cx, &person.signed_in.user.id)?;
    let shapes: Vec<Value> = list
        .into_iter()
        .map(|(consent, client)| {
            json!({
                "clientId": consent.client,
                "clientName": client.map(|client| client.name),
                "scopes": consent.scopes,
                "createdAt": consent.created_at.rfc3339(),
                "updatedAt": consent.updated_at.rfc3339(),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(shapes))
}

/// `POST /revoke-consent`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    #[serde(alias = "client_id")]
    client_id: String,
}

/// Takes a consent back: the app's refresh tokens end at once, and the next sign-in to it asks again.
pub async fn revoke(person: Person, which: Json<Which>) -> Result<HttpResponse, Refusal> {
    let unknown = || Refusal::not_found("You have not let in an app with this id.");
    let client: ClientId = which.0.client_id.parse().map_err(|_| unknown())?;
    let ended = consents::revoke_own(&person.cx, &person.signed_in.user.id, &client).await?.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().json(json!({ "status": true, "revokedGrants": ended })))
}
