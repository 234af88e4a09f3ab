//! Sessions of all people.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get};
use super::paging::{PageQuery, SortOfSessions, paged};
use super::users::named;
use crate::audit::Ended;
use crate::base::Timestamp;
use crate::base::id::{ClientId, SessionId, UserId};
use crate::cx::Cx;
use crate::http::extract::{Admin, Params, RevokeSessions, ViewSessions};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::sessions::{self, Filter};
use crate::identity::{proofs, users};
use crate::records;

/// A signed-in browser or device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    id: SessionId,
    user: UserId,
    created_at: Timestamp,
    /// When it ends unless it is used before.
    expires_at: Timestamp,
    /// When it ends in any case.
    ends_at: Timestamp,
    last_seen_at: Timestamp,
    /// When they last proved that it is them.
    auth_time: Timestamp,
    /// How they did (RFC 8176).
    amr: Vec<String>,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    /// The apps that got a code out of it.
    clients: Vec<ClientId>,
}

/// A session that was ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EndedSession {
    id: SessionId,
    ended: Ended,
}

/// A person who was signed out everywhere.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EndedSessions {
    id: UserId,
    email: String,
    ended: Ended,
}

/// Which sessions a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SessionQuery {
    /// Only of this person: e-mail address, username or id.
    user: Option<String>,
    /// Only those out of which this app got a code.
    client: Option<ClientId>,
    /// By this field; with - from the end. A cursor is good for the order that it was made in.
    sort: Option<SortOfSessions>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("sessions", "Signed-in browsers and devices, newest first")
            .needs("view_all on sessions")
            .asks::<SessionQuery>()
            .lists::<Session>(),
        deletes(
            "users/{user}/sessions",
            "Signs somebody out everywhere: ends all sessions and all tokens that apps hold for them",
        )
        .needs("revoke_all on sessions")
        .gives::<EndedSessions>(),
        deletes("sessions/{session}", "Ends a session with the tokens that came from it")
            .needs("revoke_all on sessions")
            .gives::<EndedSession>(),
    ];
    all.into_iter().map(|operation| operation.under("people")).collect()
}

fn shown(cx: &Cx, session: records::Session) -> Session {
    let (auth_time, amr) = (session.auth_time().into(), proofs::amr(&session.proofs));
    Session {
        ends_at: sessions::end_of(cx, &session).into(),
        id: session.id,
        user: session.user,
        created_at: session.created_at.into(),
        expires_at: session.expires_at.into(),
        last_seen_at: session.last_seen_at.into(),
        auth_time,
        amr,
        ip: session.ip.map(|ip| ip.to_string()),
        user_agent: session.user_agent,
        clients: session.clients,
    }
}

/// `GET sessions`: a page of live ones, newest first or by `sort`; of one `user`, and of those out of which one
/// `client` got a code. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewSessions>, query: Params<SessionQuery>) -> HandlerResult {
    let SessionQuery { user, client, sort, page } = query.0;
    let user = user.map(|name| named(&admin.cx, &name)).transpose()?;
    let filter = Filter { user: user.map(|user| user.id), client };
    let request = page.sorted_request::<SessionId>(sort.as_ref().map(|sort| &sort.0))?;
    let page = paged(&admin.cx, request, move |cx, request| sessions::page(cx, &filter, request)).await?;
    Ok(HttpResponse::Ok().json(page.map(|session| shown(&admin.cx, session))))
}

/// `DELETE sessions/{session}`: ends it with the tokens that came from it.
pub async fn revoke(admin: Admin<RevokeSessions>, id: Path<String>) -> HandlerResult {
    let Ok(id) = id.parse::<SessionId>() else { return Err(Refusal::missing()) };
    let ended = sessions::end(&admin.cx, &id).await?;
    Ok(HttpResponse::Ok().json(EndedSession { id, ended }))
}

/// `DELETE users/{user}/sessions`: signs a person out everywhere, and revokes the tokens that apps hold for them.
pub async fn revoke_all(admin: Admin<RevokeSessions>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = sessions::end_all(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(EndedSessions { id: user.id, email: user.email, ended }))
}
