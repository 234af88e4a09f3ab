//! The caller's sessions.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::in_dialect;
use super::shapes::{DONE, SUCCESS, Session, User};
use crate::base::id::SessionId;
use crate::crypto::token;
use crate::cx::Cx;
use crate::http::cookies::{self, Purpose};
use crate::http::extract::{OpenBody, Person, Visitor};
use crate::http::respond::Refusal;
use crate::identity::{Error, sessions};
use crate::tenant::paths;

/// `GET /get-session`: `{session, user}`, or `null` when nobody is signed in, a token that has ended included.
pub async fn current(visitor: Result<Visitor, Refusal>) -> Result<HttpResponse, Refusal> {
    let visitor = match visitor {
        Ok(visitor) => Some(visitor),
        Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => None,
        Err(refusal) => return Err(refusal),
    };
    let person = visitor.as_ref().and_then(|visitor| Some((&visitor.cx, visitor.signed_in()?)));
    let current =
        person.map(|(cx, person)| Current { session: Session::new(cx, &person.session), user: (&person.user).into() });
    Ok(HttpResponse::Ok().json(current))
}

/// Who is signed in, and by which session.
#[derive(Debug, Serialize)]
struct Current<'c> {
    session: Session<'c>,
    user: User<'c>,
}

/// `POST /sign-out`: `{success: true}`, also when nobody was signed in.
pub async fn sign_out(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse, Refusal> {
    if let Some(person) = &visitor.person {
        match sessions::end_own(&person.cx, &person.signed_in, &person.signed_in.session.id).await {
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(in_dialect(error)),
        }
    }
    cookies::remove(&request, &visitor.cx, Purpose::Session);
    Ok(success())
}

/// `GET /sign-out`: some apps send the browser here. A link must not end a session, so the page asks.
pub async fn sign_out_page(cx: Cx) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, cx.tenant.urls.path(paths::LOGOUT))).finish()
}

/// `GET /list-sessions`
pub async fn list(person: Person) -> Result<HttpResponse, Refusal> {
    let list = sessions::of_user(&person.cx, &person.signed_in.user.id).map_err(in_dialect)?;
    let sessions: Vec<Session> = list.iter().map(|session| Session::new(&person.cx, session)).collect();
    Ok(HttpResponse::Ok().json(sessions))
}

/// `POST /revoke-session`
#[derive(Deserialize, ToSchema)]
pub struct Which {
    /// What `list-sessions` calls `token`, or a whole session token.
    token: String,
}

/// Ends one of the caller's own sessions. Another person's is as unknown as one that never was.
pub async fn revoke(person: Person, which: OpenBody<Which>) -> Result<HttpResponse, Refusal> {
    let text = which.0.token;
    let id = token::split(&text).map_or(text.as_str(), |(id, _)| id);
    let id: SessionId = id.parse().map_err(|_| in_dialect(Error::NotFound))?;
    sessions::end_own(&person.cx, &person.signed_in, &id).await.map_err(in_dialect)?;
    Ok(done())
}

/// `POST /revoke-sessions`: all of them, this one included.
pub async fn revoke_all(request: HttpRequest, person: Person) -> Result<HttpResponse, Refusal> {
    sessions::end_all_own(&person.cx, &person.signed_in).await.map_err(in_dialect)?;
    cookies::remove(&request, &person.cx, Purpose::Session);
    Ok(done())
}

/// `POST /revoke-other-sessions`
pub async fn revoke_others(person: Person) -> Result<HttpResponse, Refusal> {
    sessions::end_others(&person.cx, &person.signed_in).await.map_err(in_dialect)?;
    Ok(done())
}

fn success() -> HttpResponse {
    HttpResponse::Ok().json(SUCCESS)
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(DONE)
}
