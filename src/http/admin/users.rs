//! People, and invitations to become one.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::paging::{flag, paged, parameter, search, sorted_request};
use crate::base::Moment;
use crate::base::Secret;
use crate::base::clock::rfc3339;
use crate::base::id::UserId;
use crate::base::long_work::Busy;
use crate::http::extract::{
    Admin, BanUsers, CreateUsers, DeleteUsers, Fresh, Input, Json, Query, UpdateUsers, ViewUsers,
};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::cascade::Ended;
use crate::identity::invites;
use crate::identity::users::{self, Filter, NewUser, UserChange};
use crate::records::{Profile, User};
use crate::tenant::paths;

/// A person as administrators see them: everything but the password.
#[derive(Serialize)]
struct View<'u> {
    id: &'u UserId,
    email: &'u str,
    email_verified: bool,
    username: Option<&'u str>,
    #[serde(flatten)]
    profile: &'u Profile,
    attributes: &'u Map<String, Value>,
    roles: &'u [String],
    has_password: bool,
    disabled: bool,
    #[serde(with = "rfc3339")]
    created_at: Moment,
    #[serde(with = "rfc3339")]
    updated_at: Moment,
    version: u64,
    /// What ended with the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

fn view(user: &User) -> View<'_> {
    View {
        id: &user.id,
        email: &user.email,
        email_verified: user.email_verified,
        username: user.username.as_deref(),
        profile: &user.profile,
        attributes: &user.attributes,
        roles: &user.roles,
        has_password: user.password.is_some(),
        disabled: user.disabled,
        created_at: user.created_at,
        updated_at: user.updated_at,
        version: user.version,
        ended: None,
    }
}

/// `GET users`: a page, oldest first or by `sort`; `search`, `disabled` and `role` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewUsers>, query: Query) -> HandlerResult {
    let filter = Filter {
        search: search(&query)?,
        disabled: flag(&query, "disabled")?,
        role: parameter(&query, "role")?.filter(|role| !role.is_empty()).map(str::to_owned),
    };
    let request = sorted_request::<UserId, User>(&query)?;
    let page = paged(&admin.cx, request, move |cx, request| users::page(cx, &filter, request)).await?;
    let items: Vec<View> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// `GET users/{user}`: by e-mail address, username or id.
pub async fn show(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(view(&users::by_name(&admin.cx, &name)?)))
}

/// `POST users`.
pub async fn create(Fresh(admin): Fresh<Admin<CreateUsers>>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let mut roles: Vec<String> = input.take("roles").unwrap_or_default();
    if let Some(admin) = input.take("admin") {
        set_admin(&mut roles, admin);
    }
    let new = NewUser {
        email: input.require("email"),
        email_verified: input.take("email_verified").unwrap_or_default(),
        username: input.take("username"),
        password: input.take::<Secret<String>>("password"),
        roles,
        attributes: input.take("attributes").unwrap_or_default(),
        profile: profile(&mut input),
    };
    input.finish()?;
    let user = users::create(&admin.cx, new).await?;
    Ok(HttpResponse::Created().json(view(&user)))
}

/// `PATCH users/{user}`: what is absent stays; a claim that is `null` goes (RFC 7396). `version` makes it conditional.
pub async fn update(
    Fresh(admin): Fresh<Admin<UpdateUsers>>,
    name: Path<String>,
    body: Json<Map<String, Value>>,
) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let mut input = Input::new(body.0);
    let mut change = UserChange {
        expected_version: input.take("version"),
        email: input.take("email"),
        email_verified: input.take("email_verified"),
        username: input.take_or_null("username"),
        roles: input.take("roles"),
        attributes: input.take("attributes"),
        profile: Map::new(),
    };
    if let Some(is_admin) = input.take("admin") {
        // Made of the roles as they are: nobody may have changed them meanwhile.
        change.expected_version = change.expected_version.or(Some(user.version));
        set_admin(change.roles.get_or_insert_with(|| user.roles.clone()), is_admin);
    }
    change.profile = input.rest();
    input.finish()?;
    let user = users::update(&admin.cx, &user.id, change).await?;
    Ok(HttpResponse::Ok().json(view(&user)))
}

/// `DELETE users/{user}`: says what went with it.
pub async fn delete(Fresh(admin): Fresh<Admin<DeleteUsers>>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = users::delete(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(json!({"id": user.id, "email": user.email, "deleted": true, "ended": ended})))
}

/// `GET users/{user}/deletion`: what a deletion would take along.
pub async fn deletion(admin: Admin<DeleteUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = admin.cx.look_long(move |cx| Ok::<_, Busy>(users::deletion(cx, &user.id))).await??;
    Ok(HttpResponse::Ok().json(json!({
        "sessions": ended.sessions,
        "refresh_families": ended.grants,
        "api_keys": ended.api_keys,
        "tuples": ended.tuples,
        "memberships": ended.memberships,
        "consents": ended.consents,
    })))
}

/// `POST users/{user}/password`: ends every session.
pub async fn set_password(
    Fresh(admin): Fresh<Admin<UpdateUsers>>,
    name: Path<String>,
    body: Json<Map<String, Value>>,
) -> HandlerResult {
    let mut input = Input::new(body.0);
    let password: Option<Secret<String>> = input.take("password");
    if password.is_none() {
        input.refuse("password", "This is missing.");
    }
    input.finish()?;
    let user = users::by_name(&admin.cx, &name)?;
    let Some(password) = password else { return Err(Refusal::malformed("There is no password.")) };
    let ended = users::set_password(&admin.cx, &user.id, &password).await?;
    let user = users::by_name(&admin.cx, user.id.as_str())?;
    Ok(HttpResponse::Ok().json(View { ended: Some(ended), ..view(&user) }))
}

/// `POST users/{user}/disable`: ends every session.
pub async fn disable(admin: Admin<BanUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = users::disable(&admin.cx, &user.id).await?;
    let user = users::by_name(&admin.cx, user.id.as_str())?;
    Ok(HttpResponse::Ok().json(View { ended: Some(ended), ..view(&user) }))
}

/// `POST users/{user}/enable`.
pub async fn enable(Fresh(admin): Fresh<Admin<UpdateUsers>>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let user = users::enable(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(view(&user)))
}

/// `POST invites`: the link is shown this once.
pub async fn invite(Fresh(admin): Fresh<Admin<CreateUsers>>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let email: Option<String> = input.take("email");
    let lifetime = input.take("expires_in").map(Duration::from_secs);
    input.finish()?;
    let issued = invites::issue(&admin.cx, email.as_deref(), lifetime).await?;
    Ok(HttpResponse::Created().json(json!({
        "id": issued.invite.id,
        "email": issued.invite.email,
        "url": admin.cx.tenant.urls.url_with(paths::SIGN_UP, "invite", issued.token.expose()),
        "created_at": issued.invite.created_at.rfc3339(),
        "expires_at": issued.invite.expires_at.rfc3339(),
    })))
}

fn set_admin(roles: &mut Vec<String>, is_admin: bool) {
    roles.retain(|role| role != User::ADMIN);
    if is_admin {
        roles.push(User::ADMIN.to_owned());
    }
}

/// What is left in the input as standard claims. Each is read by itself, so that every mistake is told.
fn profile(input: &mut Input) -> Profile {
    let mut known = Map::new();
    for (name, value) in input.rest() {
        if value.is_null() {
            continue;
        }
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        match serde_json::from_value::<Profile>(alone.into()) {
            Err(_) => input.refuse(&name, "This has the wrong type."),
            Ok(profile) if profile == Profile::default() && value != Value::Bool(false) => {
                input.refuse(&name, "There is no such field.");
            }
            Ok(_) => {
                known.insert(name, value);
            }
        }
    }
    serde_json::from_value(known.into()).unwrap_or_default()
}
