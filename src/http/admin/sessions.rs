//! Sessions of all people.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Value, json};

use super::paging::{paged, parameter, sorted_request, wrong_parameter};
use crate::base::id::SessionId;
use crate::cx::Cx;
use crate::http::extract::{Admin, Query, RevokeSessions, ViewSessions};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::sessions::{self, Filter};
use crate::identity::{proofs, users};
use crate::records::Session;

fn view(cx: &Cx, session: &Session) -> Value {
    json!({
        "id": session.id,
        "user": session.user,
        "created_at": session.created_at.rfc3339(),
        "expires_at": session.expires_at.rfc3339(),
        "ends_at": sessions::end_of(cx, session).rfc3339(),
        "last_seen_at": session.last_seen_at.rfc3339(),
        "auth_time": session.auth_time().rfc3339(),
        "amr": proofs::amr(&session.proofs),
        "ip": session.ip,
        "user_agent": session.user_agent,
        "clients": session.clients,
    })
}

/// `GET sessions`: a page of live ones, newest first or by `sort`; of one `user`, and of those out of which one `client` got a code. A page may be short and
/// still have a `next`.
pub async fn list(admin: Admin<ViewSessions>, query: Query) -> HandlerResult {
    let user = parameter(&query, "user")?.map(|name| users::by_name(&admin.cx, name)).transpose()?;
    let client = parameter(&query, "client")?
        .map(|id| id.parse().map_err(|_| wrong_parameter("client", "is not the id of an app")))
        .transpose()?;
    let filter = Filter { user: user.map(|user| user.id), client };
    let request = sorted_request::<SessionId, Session>(&query)?;
    let page = paged(&admin.cx, request, move |cx, request| sessions::page(cx, &filter, request)).await?;
    let items: Vec<Value> = page.items.iter().map(|session| view(&admin.cx, session)).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// `DELETE sessions/{session}`: ends it with the tokens that came from it.
pub async fn revoke(admin: Admin<RevokeSessions>, id: Path<String>) -> HandlerResult {
    let Ok(id) = id.parse::<SessionId>() else { return Err(Refusal::not_found("There is no session with this id.")) };
    let ended = sessions::end(&admin.cx, &id).await?;
    Ok(HttpResponse::Ok().json(json!({"id": id, "ended": ended})))
}

/// `DELETE users/{user}/sessions`: signs a person out everywhere, and revokes the tokens that apps hold for them.
pub async fn revoke_all(admin: Admin<RevokeSessions>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = sessions::end_all(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(json!({"id": user.id, "email": user.email, "ended": ended})))
}
