//! The caller's own account.

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::refusal::{in_dialect, wrong_password};
use super::shapes::{SignedIn, User};
use crate::base::Secret;
use crate::base::json_schema::AnyObject;
use crate::cx::Cx;
use crate::http::cookies::{self, Purpose};
use crate::http::extract::{Fresh, OpenBody, Person, keep, keep_session, session_cookie};
use crate::http::respond::Refusal;
use crate::identity::users::{self, OwnChange};
use crate::identity::{Error, sessions};

/// `POST /update-user`: `name`, `image`, `username` and the claims of OIDC Core §5.1 by their names; `null` removes.
/// Anything else is refused, so that nobody believes to have changed what they cannot.
pub async fn update(Fresh(person): Fresh<Person>, body: OpenBody<AnyObject>) -> Result<HttpResponse, Refusal> {
    let mut change = OwnChange::default();
    for (name, value) in body.0.0 {
        match (name.as_str(), value) {
            ("email", _) => return Err(Refusal::malformed("The e-mail address cannot be changed here.")),
            ("username", Value::Null) => change.username = Some(None),
            ("username", Value::String(username)) => change.username = Some(Some(username)),
            ("username", _) => return Err(Refusal::malformed("`username` must be a text or null.")),
            ("image", value) => drop(change.profile.insert(String::from("picture"), value)),
            (_, value) => drop(change.profile.insert(name, value)),
        }
    }
    let user = users::update_own(&person.cx, &person.signed_in, change).await.map_err(in_dialect)?;
    Ok(HttpResponse::Ok().json(Updated { status: true, user: (&user).into() }))
}

/// The account as it is now.
#[derive(Debug, Serialize)]
struct Updated<'u> {
    status: bool,
    user: User<'u>,
}

/// `POST /change-password`
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewPassword {
    #[schema(value_type = String)]
    current_password: Secret<String>,
    #[schema(value_type = String)]
    new_password: Secret<String>,
}

/// `{token, user}`. Every session of the person ends, whatever `revokeOtherSessions` says; the caller gets a new one.
pub async fn change_password(
    request: HttpRequest,
    person: Person,
    body: OpenBody<NewPassword>,
) -> Result<HttpResponse, Refusal> {
    let NewPassword { current_password, new_password } = body.0;
    let changed = users::change_password(&person.cx, &person.signed_in, &current_password, &new_password).await;
    let success = changed.map_err(wrong_password)?;
    if person.is_by_cookie {
        keep(&request, &person.cx, &success, outlives_the_window(&request, &person));
    }
    let user = (&success.signed_in.user).into();
    Ok(HttpResponse::Ok().json(SignedIn { token: Some(success.token.expose()), user }))
}

/// `POST /verify-password`
#[derive(Deserialize, ToSchema)]
pub struct PasswordProof {
    #[schema(value_type = String)]
    password: Secret<String>,
}

/// The session may do more for a while.
#[derive(Debug, Serialize)]
struct Confirmed<'t> {
    status: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'t str>,
}

/// `{status: true, token}`: the session may do for a while what outlives it. Its token is renewed: the one that was
/// shown no longer works; a cookie is set anew, and its token stands in no body.
pub async fn verify_password(
    request: HttpRequest,
    person: Person,
    body: OpenBody<PasswordProof>,
) -> Result<HttpResponse, Refusal> {
    let confirmed = sessions::confirm(&person.cx, &person.signed_in, &body.0.password).await;
    let confirmed = confirmed.map_err(|error| match error {
        Error::NotFound => Refusal::unauthenticated(),
        other => wrong_password(other),
    })?;
    if person.is_by_cookie {
        let lasts = outlives_the_window(&request, &person);
        keep_session(&request, &person.cx, (&confirmed.token, &confirmed.session), lasts);
        return Ok(HttpResponse::Ok().json(Confirmed { status: true, token: None }));
    }
    Ok(HttpResponse::Ok().json(Confirmed { status: true, token: Some(confirmed.token.expose()) }))
}

/// Whether the caller's cookie outlives the browser's window: one that takes its place does as it did.
fn outlives_the_window(request: &HttpRequest, person: &Person) -> bool {
    session_cookie(request, &person.cx).is_none_or(|(_, lasts)| lasts)
}

/// `POST /delete-user`
#[derive(Deserialize, ToSchema)]
pub struct AccountDeletion {
    #[schema(value_type = Option<String>)]
    password: Option<Secret<String>>,
}

/// The account is gone.
#[derive(Debug, Serialize)]
struct Deleted {
    success: bool,
    message: &'static str,
}

/// Deletes the caller's account: with the password, or in a fresh session.
pub async fn delete(
    request: HttpRequest,
    person: Person,
    body: OpenBody<AccountDeletion>,
) -> Result<HttpResponse, Refusal> {
    let deleted = users::delete_own(&person.cx, &person.signed_in, body.0.password.as_ref()).await;
    deleted.map_err(wrong_password)?;
    cookies::remove(&request, &person.cx, Purpose::Session);
    cookies::remove(&request, &person.cx, Purpose::Device);
    Ok(HttpResponse::Ok().json(Deleted { success: true, message: "User deleted" }))
}

/// `POST /is-username-available`
#[derive(Deserialize, ToSchema)]
pub struct Wanted {
    username: String,
}

/// Whether a name can be had.
#[derive(Debug, Serialize)]
struct Availability {
    available: bool,
}

/// `{available}`
pub async fn username_is_available(cx: Cx, body: OpenBody<Wanted>) -> Result<HttpResponse, Refusal> {
    let available = users::username_is_free(&cx, &body.0.username).map_err(in_dialect)?;
    Ok(HttpResponse::Ok().json(Availability { available }))
}
