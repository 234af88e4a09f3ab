//! Headers of every response.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::Tls;
use crate::cx::Cx;
use crate::http::extract::REQUEST_ID;

/// The policy of an answer that is no page: it loads nothing, and nothing frames it.
const NOT_A_PAGE: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Adds what every response has. A header that the handler has set stays. There is no `Cross-Origin-Opener-Policy`: an
/// app that signs people in from a pop-up window would lose its hold on the window as soon as it shows our page.
pub(super) fn finish(cx: &Cx, response: &mut HttpResponse) {
    let headers = response.headers_mut();
    let keep = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    keep(headers, header::CONTENT_SECURITY_POLICY, NOT_A_PAGE);
    keep(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: that makes browsers send `Origin: null` with our own forms.
    keep(headers, header::REFERRER_POLICY, "same-origin");
    keep(headers, header::CACHE_CONTROL, "no-store");
    keep(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if speaks_for_the_host(cx) {
        keep(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if let Ok(id) = HeaderValue::from_str(&cx.request.id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
}

/// HSTS (RFC 6797) binds a whole host on every port: ours to promise when we end TLS for a public name. On loopback it
/// would take plain HTTP away from everything else a developer runs there; behind a proxy the proxy decides.
fn speaks_for_the_host(cx: &Cx) -> bool {
    let (urls, host) = (&cx.tenant.urls, cx.tenant.urls.host());
    let is_loopback = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
    urls.is_https() && cx.settings().tls != Tls::Off && !is_loopback
}
