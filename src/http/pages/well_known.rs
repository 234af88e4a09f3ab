//! Files that programs look for at every site.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

use crate::cx::Cx;
use crate::http::respond::Refusal;

/// How long what `security.txt` says may be believed (RFC 9116 §2.5.5: less than a year).
const BELIEVED: Duration = Duration::from_secs(30 * 24 * 3600);

/// `GET /robots.txt`: there is nothing here for search engines.
pub async fn robots() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("User-agent: *\nDisallow: /\n")
}

/// `GET /.well-known/security.txt`, where the operator says with an address who helps.
pub async fn security(cx: Cx) -> Result<HttpResponse, Refusal> {
    let contact = cx.settings().look.contact.as_ref().and_then(|contact| contact.href.as_deref());
    let Some(href) = contact else {
        return Err(Refusal::not_found("The operator of this server gives no address: look.contact is not set."));
    };
    let (expires, at) = (cx.now.plus(BELIEVED).rfc3339(), cx.tenant.urls.url(crate::tenant::paths::SECURITY_TXT));
    let body = format!("Contact: {href}\nExpires: {expires}\nPreferred-Languages: en\nCanonical: {at}\n");
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body(body))
}
