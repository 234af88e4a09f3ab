//! Signing in.

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::in_dialect;
use super::shapes::SignedIn;
use crate::base::Secret;
use crate::cx::Cx;
use crate::http::cookies::{self, Purpose};
use crate::http::extract::{OpenBody, Visitor, keep, name_of};
use crate::http::respond::Refusal;
use crate::identity::interaction::own_path;
use crate::identity::sign_in::{self, Attempt, Outcome, Visit};

/// `POST /sign-in/email`, `POST /sign-in/username`
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    /// Either name finds the account, under either path and as either member, which a schema does not say.
    #[serde(rename = "email", alias = "username")]
    #[schema(required = false)]
    identifier: String,
    #[schema(value_type = String)]
    password: Secret<String>,
    /// `false`: the cookie ends with the browser.
    #[serde(rename = "rememberMe")]
    remember_me: Option<bool>,
    /// Where a caller that is a page wants to go next; a path of this server.
    #[serde(rename = "callbackURL")]
    callback_url: Option<String>,
}

/// Somebody signed in.
#[derive(Debug, Serialize)]
struct Entered<'s, U> {
    /// Whether the caller should go on to `url`.
    redirect: bool,
    url: Option<U>,
    #[serde(flatten)]
    signed_in: SignedIn<'s>,
}

/// `{redirect, token, url?, user}`. 429 `SIGN_IN_DELAYED` with `Retry-After` where too much was guessed: the same
/// request is heard then.
pub async fn by_password(
    cx: Cx,
    request: HttpRequest,
    visitor: Visitor,
    body: OpenBody<Credentials>,
) -> Result<HttpResponse, Refusal> {
    let Credentials { identifier, password, remember_me, callback_url } = body.0;
    let device = cookies::find(&request, &cx, Purpose::Device);
    let replaces = visitor.cookie_session();
    let browser = name_of(&request, &cx);
    let (device, browser) = (device.as_deref(), browser.as_deref());
    let visit = Visit { browser, replaces, ..Visit::default() };
    let attempt = Attempt { identifier: &identifier, password: &password, device, visit };
    let success = match sign_in::with_password(&cx, attempt).await.map_err(in_dialect)? {
        Outcome::SignedIn(success) => success,
        // The dialect has no words for the next proof; the page asks for it.
        Outcome::Waits(_) => return Err(Refusal::forbidden("This sign-in takes another proof. Sign in on the page.")),
    };
    keep(&request, &cx, &success, remember_me.unwrap_or(true));
    let url = callback_url.as_deref().and_then(|path| own_path(&cx, path));
    Ok(HttpResponse::Ok().json(Entered {
        redirect: url.is_some(),
        url,
        signed_in: SignedIn { token: Some(success.token.expose()), user: (&success.signed_in.user).into() },
    }))
}
