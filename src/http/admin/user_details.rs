//! What one person is in, may do and has allowed, and what their tokens would say.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Value, json};

use super::{parameter, wrong_parameter};
use crate::access::{effective, groups};
use crate::base::id::ClientId;
use crate::cx::Cx;
use crate::http::extract::{Admin, PlatformRight, Query, UpdateUsers, ViewGroups, ViewTuples, ViewUsers};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::oauth::{clients, consents, preview};
use crate::records::SubjectRef;

/// `GET users/{user}/groups`: those they are in, by name or through others.
pub async fn groups(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    also::<ViewGroups>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let subject = SubjectRef::new("user", user.id.as_str());
    let joined = admin.cx.look(move |cx| groups::of_subject(cx, &cx.read()?, &subject)).await?;
    let items: Vec<Value> = joined
        .iter()
        .map(|joined| json!({"id": joined.group.id, "name": joined.group.name, "direct": joined.direct}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}

/// `GET users/{user}/access`: what they may do, with `client` on the types of that app only.
pub async fn access(admin: Admin<ViewUsers>, name: Path<String>, query: Query) -> HandlerResult {
    also::<ViewTuples>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let client = client_in(&query)?;
    let subject = SubjectRef::new("user", user.id.as_str());
    let look = move |cx: &Cx| effective::of_subject(cx, &subject, client.as_ref());
    Ok(HttpResponse::Ok().json(admin.cx.look(look).await?))
}

/// `GET users/{user}/token`: what would stand in their tokens for `client` with `scope`. Nothing is signed or stored.
pub async fn token(admin: Admin<ViewUsers>, name: Path<String>, query: Query) -> HandlerResult {
    also::<ViewTuples>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let id = parameter(&query, "client")?.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| wrong_parameter("client", "is missing: name an app"))?;
    let client = clients::find(&admin.cx, id)?.ok_or(clients::Error::NotFound)?;
    let scopes: Vec<&str> = parameter(&query, "scope")?.unwrap_or_default().split_whitespace().collect();
    Ok(HttpResponse::Ok().json(preview::tokens(&admin.cx, &user, &client, &scopes).await?))
}

/// `GET users/{user}/consents`: the apps they have let in.
pub async fn consents(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let items: Vec<Value> = consents::of_user(&admin.cx, &user.id)?
        .into_iter()
        .map(|(consent, client)| {
            json!({
                "client_id": consent.client,
                "client_name": client.map(|client| client.name),
                "scopes": consent.scopes,
                "created_at": consent.created_at.rfc3339(),
                "updated_at": consent.updated_at.rfc3339(),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}

/// `DELETE users/{user}/consents/{client}`: ends what the app got by it; its next sign-in asks again.
pub async fn revoke_consent(admin: Admin<UpdateUsers>, path: Path<(String, String)>) -> HandlerResult {
    let (name, client) = path.into_inner();
    let user = users::by_name(&admin.cx, &name)?;
    let unknown = || Refusal::not_found("This person has not let in an app with this id.");
    let client: ClientId = client.parse().map_err(|_| unknown())?;
    let grants = consents::revoke(&admin.cx, &user.id, &client).await?.ok_or_else(unknown)?;
    let answer = json!({"user": user.id, "client_id": client, "deleted": true, "ended": {"grants": grants}});
    Ok(HttpResponse::Ok().json(answer))
}

/// A second right that a route needs.
fn also<R: PlatformRight>(cx: &Cx) -> Result<(), Refusal> {
    R::require(cx)
}

/// `client`, which need not be one that there is.
fn client_in(query: &Query) -> Result<Option<ClientId>, Refusal> {
    let id = parameter(query, "client")?.filter(|id| !id.is_empty());
    id.map(|id| id.parse().map_err(|_| wrong_parameter("client", "is not the id of an app"))).transpose()
}
