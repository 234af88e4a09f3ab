//! Which pages of other origins may call us, and read the answer (Fetch standard, CORS protocol).
//!
//! Discovery and the public keys are for everybody. Endpoints that take a token or a client's proof are for the origins
//! of registered clients. Answers never allow credentials: a page of another origin acts with a token it holds, not
//! with our cookies.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::cx::Cx;
use crate::http::respond::Refusal;
use crate::http::routes::Openness;

const METHODS: &str = "GET, POST, OPTIONS";
/// Any, since no request carries our cookies: pages add fields for tracing and the like (`traceparent`). The star does
/// not cover `Authorization` (Fetch, "CORS-non-wildcard request-header name"), and browsers of before it read the rest.
const REQUEST_HEADERS: &str = "authorization, content-type, x-api-key, x-internal-signup-secret, *";
const RESPONSE_HEADERS: &str = "x-request-id, www-authenticate, retry-after";
/// How long a preflight's answer holds, in seconds.
const PREFLIGHT_SECONDS: &str = "86400";

/// What a request's answer says about its caller's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing: no other origin asks, or it may not read.
    Silent { varies: bool },
    /// This origin may read.
    Allowed { origin: String },
    /// Everybody may read.
    Open,
}

/// Decides about a request to a route that is open to these.
pub(super) fn decide(cx: &Cx, request: &ServiceRequest, openness: Openness) -> Result<Decision, Refusal> {
    let mut origins = request.headers().get_all(header::ORIGIN);
    let origin = origins.next().and_then(|origin| origin.to_str().ok()).filter(|_| origins.next().is_none());
    Ok(match (openness, origin) {
        (Openness::Nobody, _) => Decision::Silent { varies: false },
        (Openness::Everybody, _) => Decision::Open,
        (Openness::RegisteredOrigins, Some(origin))
            if origin != cx.tenant.urls.origin() && crate::oauth::origins::is_allowed(cx, origin)? =>
        {
            Decision::Allowed { origin: origin.to_owned() }
        }
        (Openness::RegisteredOrigins, _) => Decision::Silent { varies: true },
    })
}

/// The answer to a preflight, if the request is one: 204 with what is allowed, 403 for an origin that is not.
pub(super) fn preflight(request: &ServiceRequest, decision: &Decision) -> Option<Result<HttpResponse, Refusal>> {
    let headers = request.headers();
    let is_preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    Some(match decision {
        Decision::Silent { .. } => Err(Refusal::forbidden("Pages of this origin may not call this address.")),
        Decision::Allowed { .. } | Decision::Open => Ok(HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS))
            .finish()),
    })
}

/// Writes the decision into the answer.
pub(super) fn finish(decision: &Decision, headers: &mut HeaderMap) {
    let origin = match decision {
        Decision::Silent { varies } => {
            if *varies {
                headers.append(header::VARY, HeaderValue::from_static("Origin"));
            }
            return;
        }
        Decision::Open => HeaderValue::from_static("*"),
        Decision::Allowed { origin } => {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
            match HeaderValue::from_str(origin) {
                Ok(origin) => origin,
                Err(_) => return,
            }
        }
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
    // Answers that other origins may read are no secret: let them through isolation as well.
    let policy = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}
