//! The ways in: links that are printed on the machine, and the CA that browsers must trust.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};

use super::local::Local;
use crate::base::Secret;
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::http::extract::{Admin, Input, Json};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::links;
use crate::store::rows::certificates::{self, Role};
use crate::tenant::paths;

/// `POST setup-link`: a link for the first administrator, in the place of the one before.
pub async fn setup_link(local: Local) -> HandlerResult {
    let Some(token) = links::issue_setup(&local.cx).await? else {
        let message = "There is an administrator already. Use `auther admin recover EMAIL` to set a new password.";
        return Err(Refusal::new(StatusCode::CONFLICT, "setup_closed", message));
    };
    Ok(HttpResponse::Created().json(link(&local.cx, &token, links::SETUP_LIFETIME)))
}

/// `POST recover`: a link with which this person sets a new password.
pub async fn recover(local: Local, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let email: String = input.require("email");
    input.finish()?;
    let token = links::issue_recovery(&local.cx, &email).await?;
    Ok(HttpResponse::Created().json(link(&local.cx, &token, links::RECOVERY_LIFETIME)))
}

fn link(cx: &Cx, token: &Secret<String>, lifetime: Duration) -> Value {
    let url = cx.tenant.urls.url_with(paths::SETUP, "token", token.expose());
    json!({"url": url, "expires_at": cx.now.plus(lifetime).rfc3339()})
}

/// `GET ca`: the local CA's certificate.
pub async fn ca(admin: Admin) -> HandlerResult {
    let Some(ca) = certificates::find(&admin.cx.read()?, Role::Ca)? else {
        return Err(Refusal::not_found("There is no local CA: tls.mode is not local-ca."));
    };
    // PEM is base64 between two lines (RFC 7468 §3).
    let body: String = ca.pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = BASE64.decode(body.as_bytes()).map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(json!({
        "pem": ca.pem,
        "sha256": HEXLOWER.encode(&sha256(&der)),
        "created_at": ca.created_at.rfc3339(),
        "expires_at": ca.not_after.rfc3339(),
    })))
}
