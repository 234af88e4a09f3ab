//! Who calls, and what they may do here.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::operation::{Operation, get};
use crate::access::authority;
use crate::audit;
use crate::cx::{Actor, Cx};
use crate::http::extract::{ManagePlatform, Manager, PlatformRight, all_rights};
use crate::http::respond::{HandlerResult, Refusal};
use crate::oauth::clients;
use crate::records::ActorKind;
use crate::records::tuple::ANY;
use crate::store::rows::{api_keys, users};

/// Who calls, and the rights they hold over all objects.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    kind: ActorKind,
    #[schema(required)]
    id: Option<String>,
    /// Of a person.
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    name: Option<String>,
    /// Whether they administer the platform.
    is_admin: bool,
    /// Each as `view on users`.
    rights: Vec<String>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    vec![get("me", "Who calls, and the rights they hold over all objects").gives::<Me>()]
}

/// `GET me`: the caller and the rights they hold over all objects, each as `view on users`. Who holds none gets an
/// empty list.
pub async fn show(caller: Manager) -> HandlerResult {
    let cx = &caller.cx;
    let (kind, id) = audit::actor(&cx.actor);
    let (name, email) = names(cx)?;
    let mut rights = Vec::new();
    for (permission, entity_type) in all_rights() {
        if authority::may(cx, permission, (entity_type, ANY))? {
            rights.push(format!("{permission} on {entity_type}"));
        }
    }
    Ok(HttpResponse::Ok().json(Me { kind, id, email, name, is_admin: ManagePlatform::is_held(cx)?, rights }))
}

/// What the caller is called, and their e-mail address if they are a person.
fn names(cx: &Cx) -> Result<(Option<String>, Option<String>), Refusal> {
    let from = cx.read()?;
    Ok(match &cx.actor {
        Actor::User(id) => match users::find(&from, cx.tenant.id, id)? {
            Some(user) => (user.profile.name, Some(user.email)),
            None => (None, None),
        },
        Actor::Key(id) => (api_keys::find(&from, cx.tenant.id, id)?.map(|key| key.name), None),
        Actor::Client(id) => (clients::find(cx, id.as_str())?.map(|client| client.name.clone()), None),
        Actor::Anonymous | Actor::Local | Actor::System => (None, None),
    })
}
