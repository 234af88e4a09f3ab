//! How a person gets in: sign-in links, and the pause after failed sign-ins.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entry;
use super::operation::{Operation, get, post};
use crate::base::Timestamp;
use crate::base::id::UserId;
use crate::http::extract::{Admin, Body, Fresh, UpdateUsers, ViewUsers};
use crate::http::respond::HandlerResult;
use crate::identity::{links, users};

/// A sign-in link to make.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignInLink {
    /// Seconds until it stops working: an hour to 7 days, a day when absent.
    #[schema(minimum = 3600, maximum = 604_800)]
    pub expires_in: Option<u64>,
}

/// A link with which a person signs in once and sets a password, shown this once. A newer one for the same person takes
/// its place, and it ends with any change of the password.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignInLink {
    id: UserId,
    email: String,
    /// The link.
    url: String,
    expires_at: Timestamp,
}

/// What failed sign-ins have come to for a person, as the process that answers has counted them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignInPause {
    id: UserId,
    email: String,
    /// Failures in a row within the last hour, at the place with the most.
    failures: u32,
    /// Seconds until nobody waits any more who signs in as them; 0 when nobody waits. The person is not locked out: the
    /// right password works when the turn has come.
    wait_seconds: u64,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        post("users/{user}/link", "Makes a link with which a person signs in once and sets a password")
            .needs("update on users")
            .fresh()
            .takes::<NewSignInLink>()
            .makes::<SignInLink>(),
        get("users/{user}/pause", "What failed sign-ins have come to").needs("view on users").gives::<SignInPause>(),
        post("users/{user}/unlock", "Forgets failed sign-ins, so that nobody waits; answers what they had come to")
            .needs("update on users")
            .gives::<SignInPause>(),
    ];
    all.into_iter().map(|operation| operation.under("people")).collect()
}

/// `POST users/{user}/link`: the link is shown this once.
pub async fn link(
    Fresh(admin): Fresh<Admin<UpdateUsers>>,
    name: Path<String>,
    body: Body<NewSignInLink>,
) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let issued = links::issue_sign_in(&admin.cx, &user.id, body.0.expires_in.map(Duration::from_secs)).await?;
    let url = entry::url_of(&admin.cx, &issued.token);
    let (id, email, expires_at) = (issued.user.id, issued.user.email, issued.expires_at.into());
    Ok(HttpResponse::Created().json(SignInLink { id, email, url, expires_at }))
}

/// `GET users/{user}/pause`.
pub async fn pause(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let pause = users::pause(&admin.cx, &user);
    let (failures, wait_seconds) = (pause.failures, pause.seconds);
    Ok(HttpResponse::Ok().json(SignInPause { id: user.id, email: user.email, failures, wait_seconds }))
}

/// `POST users/{user}/unlock`.
pub async fn unlock(admin: Admin<UpdateUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let pause = users::unlock(&admin.cx, &user.id).await?;
    let (failures, wait_seconds) = (pause.failures, pause.seconds);
    Ok(HttpResponse::Ok().json(SignInPause { id: user.id, email: user.email, failures, wait_seconds }))
}
