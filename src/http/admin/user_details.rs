//! What one person is in, may do and has allowed, and what their tokens would say.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get};
use super::paging::wrong_parameter;
use crate::access::effective::{self, Effective};
use crate::access::membership;
use crate::base::id::{ClientId, GroupId, UserId};
use crate::base::page::Page;
use crate::base::{Filled, Timestamp};
use crate::cx::Cx;
use crate::http::extract::{Admin, Params, PlatformRight, UpdateUsers, ViewGroups, ViewTuples, ViewUsers};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::oauth::preview::{self, Preview};
use crate::oauth::{clients, consents};
use crate::records::SubjectRef;

/// A group that a person is in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinedGroup {
    id: GroupId,
    name: String,
    /// Whether they were put in by name, not only through another group.
    direct: bool,
}

/// An app that a person has let in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    client_id: ClientId,
    #[schema(required)]
    client_name: Option<String>,
    /// What it may see.
    scopes: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A consent that was taken back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedConsent {
    user: UserId,
    client_id: ClientId,
    deleted: bool,
    ended: RevokedGrants,
}

/// How much of what an app got ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedGrants {
    grants: usize,
}

/// What of somebody's access is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AccessQuery {
    /// Only on the types of this app.
    client: Option<String>,
}

/// Whose tokens are shown, for which app.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenQuery {
    /// For this app.
    client: Filled,
    /// With these scopes, separated by spaces; openid when absent.
    scope: Option<String>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("users/{user}/groups", "The groups they are in")
            .depends("Needs view on users and view on groups.")
            .lists::<JoinedGroup>(),
        get("users/{user}/access", "What they may do")
            .depends("Needs view on users and view on tuples.")
            .asks::<AccessQuery>()
            .gives::<Effective>(),
        get("users/{user}/token", "What their tokens would say; nothing is signed or stored")
            .depends("Needs view on users and view on tuples.")
            .asks::<TokenQuery>()
            .gives::<Preview>(),
        get("users/{user}/consents", "The apps they have let in").needs("view on users").lists::<Consent>(),
        deletes("users/{user}/consents/{client}", "Ends what an app got by their consent")
            .needs("update on users")
            .gives::<RevokedConsent>(),
    ];
    all.into_iter().map(|operation| operation.under("people")).collect()
}

/// `GET users/{user}/groups`: those they are in, by name or through others.
pub async fn groups(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    also::<ViewGroups>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let subject = SubjectRef::new("user", user.id.as_str());
    let joined = admin.cx.look(move |cx| membership::of_subject(cx, &cx.read()?, &subject)).await?;
    let joined = joined.into_iter().map(|joined| JoinedGroup {
        id: joined.group.id,
        name: joined.group.name,
        direct: joined.direct,
    });
    Ok(HttpResponse::Ok().json(Page { items: joined.collect(), next: None }))
}

/// `GET users/{user}/access`: what they may do, with `client` on the types of that app only.
pub async fn access(admin: Admin<ViewUsers>, name: Path<String>, query: Params<AccessQuery>) -> HandlerResult {
    also::<ViewTuples>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let client = query.0.client()?;
    let subject = SubjectRef::new("user", user.id.as_str());
    let look = move |cx: &Cx| effective::of_subject(cx, &subject, client.as_ref());
    Ok(HttpResponse::Ok().json(admin.cx.look(look).await?))
}

/// `GET users/{user}/token`: what would stand in their tokens for `client` with `scope`. Nothing is signed or stored.
pub async fn token(admin: Admin<ViewUsers>, name: Path<String>, query: Params<TokenQuery>) -> HandlerResult {
    also::<ViewTuples>(&admin.cx)?;
    let user = users::by_name(&admin.cx, &name)?;
    let client = clients::find(&admin.cx, query.0.client.as_str())?;
    let client = client.ok_or_else(|| Refusal::no_such(&admin.cx, "clients", query.0.client.as_str()))?;
    let scopes: Vec<&str> = query.0.scope.as_deref().unwrap_or_default().split_whitespace().collect();
    Ok(HttpResponse::Ok().json(preview::tokens(&admin.cx, &user, &client, &scopes).await?))
}

/// `GET users/{user}/consents`: the apps they have let in.
pub async fn consents(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let items = consents::of_user(&admin.cx, &user.id)?.into_iter().map(|(consent, client)| Consent {
        client_id: consent.client,
        client_name: client.map(|client| client.name),
        scopes: consent.scopes,
        created_at: consent.created_at.into(),
        updated_at: consent.updated_at.into(),
    });
    Ok(HttpResponse::Ok().json(Page { items: items.collect(), next: None }))
}

/// `DELETE users/{user}/consents/{client}`: ends what the app got by it; its next sign-in asks again.
pub async fn revoke_consent(admin: Admin<UpdateUsers>, path: Path<(String, String)>) -> HandlerResult {
    let (name, client) = path.into_inner();
    let user = users::by_name(&admin.cx, &name)?;
    let client: ClientId = client.parse().map_err(|_| Refusal::missing())?;
    let grants = consents::revoke(&admin.cx, &user.id, &client).await?.ok_or_else(Refusal::missing)?;
    let ended = RevokedGrants { grants };
    Ok(HttpResponse::Ok().json(RevokedConsent { user: user.id, client_id: client, deleted: true, ended }))
}

/// A second right that a route needs.
fn also<R: PlatformRight>(cx: &Cx) -> Result<(), Refusal> {
    R::require(cx)
}

impl AccessQuery {
    /// The app, which need not be one that there is.
    fn client(&self) -> Result<Option<ClientId>, Refusal> {
        let id = self.client.as_ref().filter(|id| !id.is_empty());
        id.map(|id| id.parse().map_err(|_| wrong_parameter("client", "This is not the id of an app."))).transpose()
    }
}
