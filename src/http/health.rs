//! What a supervisor asks: is the process up, can it serve.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use crate::crypto::jose::Algorithm;
use crate::cx::Cx;
use crate::store::rows;
use crate::tenant::paths;

/// `/healthz` and `/readyz`.
pub fn configure(config: &mut ServiceConfig) {
    config.service(Endpoint::at([paths::HEALTHZ]).get(up).health());
    config.service(Endpoint::at([paths::READYZ]).get(ready).health());
}

async fn up() -> HttpResponse {
    say(true, "up\n")
}

/// Ready means: rows can be read and there is a key for RS256, which every client must be able to ask for
/// (OpenID Connect Core §15.1).
async fn ready(cx: Cx) -> HttpResponse {
    let keys = cx.read().and_then(|from| rows::signing_keys::all(&from, cx.tenant.id));
    if keys.is_err() {
        say(false, "the data file does not answer\n")
    } else if cx.tenant.keyring.signer(Algorithm::RS256).is_none() {
        say(false, "the RS256 signing key is still being made\n")
    } else {
        say(true, "ready\n")
    }
}

fn say(well: bool, text: &'static str) -> HttpResponse {
    let mut response = if well { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type(ContentType::plaintext()).body(text)
}
