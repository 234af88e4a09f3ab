//! Signing up.

use actix_web::HttpResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusal::in_dialect;
use super::shapes::SignedIn;
use crate::base::Secret;
use crate::cx::Cx;
use crate::http::extract::OpenBody;
use crate::http::respond::Refusal;
use crate::identity::sign_up::{self, NewAccount};

/// `POST /sign-up/email`. Members that are not named here are ignored: none of them could grant anything.
#[derive(Deserialize, ToSchema)]
pub struct Registration {
    name: Option<String>,
    email: String,
    #[schema(value_type = String)]
    password: Secret<String>,
    username: Option<String>,
    image: Option<String>,
    invite: Option<String>,
}

/// `{token: null, user}`, the same for a new address and for a taken one. Nobody is signed in by it: a token for the
/// new and none for the taken would tell them apart. The caller signs in next.
pub async fn by_email(cx: Cx, body: OpenBody<Registration>) -> Result<HttpResponse, Refusal> {
    let body = body.0;
    let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let account = NewAccount {
        email: body.email,
        password: body.password,
        username: text(body.username),
        name: text(body.name),
        picture: text(body.image),
    };
    let user = sign_up::register(&cx, account, body.invite.as_deref()).await.map_err(in_dialect)?;
    Ok(HttpResponse::Ok().json(SignedIn { token: None, user: (&user).into() }))
}
