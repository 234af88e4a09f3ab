//! The ways in: links that are printed on the machine, and the CA that browsers must trust.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::local::Local;
use super::operation::{Operation, get, post};
use crate::base::{Secret, Timestamp};
use crate::crypto::certificate;
use crate::cx::Cx;
use crate::http::extract::{Admin, Body};
use crate::http::local_ca;
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::links;
use crate::store::rows::certificates::{self, Role};
use crate::tenant::paths;

/// A link that lets somebody in.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryLink {
    url: String,
    expires_at: Timestamp,
}

/// Whose password is to be set anew.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Their e-mail address, username or id.
    pub email: String,
}

/// The certificate of the local CA.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocalCa {
    pem: String,
    /// Over the certificate, in hexadecimal.
    sha256: String,
    /// The same as tools print it: two digits, a colon, and so on.
    fingerprint: String,
    /// Where everybody may load it, where this server shows a certificate of it.
    #[schema(required)]
    url: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    vec![
        get("ca", "The certificate of the local CA").needs("manage_platform on platform").gives::<LocalCa>(),
        post("setup-link", "A link for the first administrator").on_the_machine().makes::<EntryLink>(),
        post("recover", "A link with which anybody, administrators included, sets a new password")
            .on_the_machine()
            .takes::<Recovery>()
            .makes::<EntryLink>(),
    ]
}

/// `POST setup-link`: a link for the first administrator, in the place of the one before.
pub async fn setup_link(local: Local) -> HandlerResult {
    let Some(token) = links::issue_setup(&local.cx).await? else {
        let message = "There is an administrator already. Use `auther admin recover EMAIL` to set a new password.";
        return Err(Refusal::new(StatusCode::CONFLICT, "setup_closed", message));
    };
    let url = local.cx.tenant.urls.url_with(paths::SETUP, "token", token.expose());
    let expires_at = local.cx.now.plus(links::SETUP_LIFETIME).into();
    Ok(HttpResponse::Created().json(EntryLink { url, expires_at }))
}

/// `POST recover`: a link with which this person sets a new password.
pub async fn recover(local: Local, body: Body<Recovery>) -> HandlerResult {
    let Recovery { email } = body.0;
    let issued = links::issue_recovery(&local.cx, &email).await;
    let issued = issued.map_err(|error| Refusal::from(error).naming(&local.cx, "users", &email))?;
    let url = url_of(&local.cx, &issued.token);
    Ok(HttpResponse::Created().json(EntryLink { url, expires_at: issued.expires_at.into() }))
}

/// The address of the page on which a link sets a password.
pub fn url_of(cx: &Cx, token: &Secret<String>) -> String {
    cx.tenant.urls.url_with(paths::RESET_PASSWORD, "token", token.expose())
}

/// `GET ca`: the local CA's certificate.
pub async fn ca(admin: Admin) -> HandlerResult {
    let Some(ca) = certificates::find(&admin.cx.read()?, Role::Ca)? else {
        return Err(Refusal::not_found("There is no local CA: tls.mode is not local-ca."));
    };
    let fingerprint = certificate::fingerprint(&ca.pem).map_err(Refusal::internal)?;
    let is_served = local_ca::find(&admin.cx)?.is_some();
    Ok(HttpResponse::Ok().json(LocalCa {
        pem: ca.pem,
        sha256: fingerprint.replace(':', "").to_lowercase(),
        fingerprint,
        url: is_served.then(|| admin.cx.tenant.urls.url(paths::LOCAL_CA)),
        created_at: ca.created_at.into(),
        expires_at: ca.not_after.into(),
    }))
}
