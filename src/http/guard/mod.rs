//! What happens around every request, in this order: the operation begins, other origins are checked, attempts are
//! counted, the handler runs (a panic is caught), the refusal is drawn in the path's dialect, headers are added, one
//! line is logged, and what is left of the body is read. It stands around every route, inside it, so all of this is
//! decided by the route that the router found.
//!
//! May use: `http::extract`, `http::respond`, `http::routes`, and the rules below. Start reading at [`around`].

mod cors;
mod headers;
mod rest;

use std::fmt::{self, Write as _};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{ConnectionType, Method, StatusCode, Version, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;

use self::cors::Decision;
use super::cookies::Pending;
use super::extract::{Connection, OpenRequest, Operation, REQUEST_ID, begin};
use super::host;
use super::respond::{Refusal, missing, page};
use super::routes::{Dialect, Matched};
use super::state::State;
use crate::base::panic::message_of;
use crate::cx::Cx;
use crate::http::csrf::{self, Sender};

/// What must be known of a request after the handler took it.
struct Asked {
    cx: Cx,
    method: Method,
    path: String,
    matched: Rc<Matched>,
    dialect: Dialect,
    decision: Decision,
    /// What the caller calls the request, where every caller may name it (AuthZEN 1.0 §10.1.1).
    named: Option<header::HeaderValue>,
    /// `None` where no server noted a connection: at the admin socket, and in calls without a network.
    open: Option<OpenRequest>,
}

/// The middleware around every route, and around the answer where there is none.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<State>().cloned() else {
        return Err(Refusal::internal("the application has no state").into());
    };
    let matched = Matched::of(&request);
    let cx = begin(&request, &state, &matched);
    Operation::begin(&request, &cx);
    let open = Connection::begin(&request);
    let rest = rest::share(&mut request);
    let answer = answer(request, next, &state, (cx, matched), open).await;
    if let Some(rest) = rest {
        rest.read_on();
    }
    answer
}

async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    state: &State,
    (cx, matched): (Cx, Rc<Matched>),
    open: Option<OpenRequest>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (decision, trouble) = match cors::decide(&cx, &request, matched.openness) {
        Ok(decision) => (decision, None),
        Err(refusal) => (Decision::Silent { varies: true }, Some(refusal)),
    };
    let asked = Asked {
        method: request.method().clone(),
        path: request.path().to_owned(),
        named: name_of(&request, &matched),
        dialect: matched.dialect_for(request.headers()),
        matched,
        decision,
        cx,
        open,
    };
    let trouble = trouble.or_else(|| takes_too_much(&asked, &request).err());
    let trouble = trouble.or_else(|| signs_in_from_elsewhere(&asked, &request).err());
    if let Some(answer) = early(&asked, state, &request, trouble) {
        return Ok(request.into_response(answer));
    }
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(asked.finish(response.map_into_boxed_body())),
        Ok(Err(error)) => Err(asked.bare(error.as_response_error().status_code(), None)),
        Err(panic) => Err(asked.bare(StatusCode::INTERNAL_SERVER_ERROR, Some(message_of(&*panic)))),
    }
}

/// Longest name of a request that is sent back, in bytes.
const MOST_OF_NAME: usize = 256;

/// The one name that a caller gives a request, if it is printable and not too long. It is sent back as it came, and
/// names the request here only where it is written as our own names are ([`begin`]).
fn name_of(request: &ServiceRequest, matched: &Matched) -> Option<header::HeaderValue> {
    let mut given = request.headers().get_all(REQUEST_ID).filter(|_| matched.names_requests);
    let name = given.next().filter(|_| given.next().is_none())?;
    let is_plain =
        (1..=MOST_OF_NAME).contains(&name.len()) && name.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte));
    is_plain.then(|| name.clone())
}

/// An answer that needs no handler: a preflight, too many attempts, or a fault of our own before it.
fn early(asked: &Asked, state: &State, request: &ServiceRequest, trouble: Option<Refusal>) -> Option<HttpResponse> {
    let answer = match trouble {
        Some(refusal) => Err(refusal),
        None => match cors::preflight(request, &asked.decision) {
            Some(answer) => answer,
            None => match led(asked, request) {
                Some(answer) => answer,
                None => Err(count(asked, state).err()?),
            },
        },
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(refusal) => asked.refuse(&refusal),
    };
    if let Some(page) = page::instead_of_redirect(&asked.cx, &response) {
        response = page;
    }
    hand_out_cookies(request.request(), &mut response, &asked.decision);
    asked.add_headers(&mut response);
    Some(response)
}

/// A page that is opened under another address than the issuer's.
fn led(asked: &Asked, request: &ServiceRequest) -> Option<Result<HttpResponse, Refusal>> {
    if asked.matched.dialect == Dialect::Page { host::lead(&asked.cx, request) } else { None }
}

/// The most that the lines of a request's head may have together over HTTP/2, in bytes. HTTP/1 has a bound of its own.
const MOST_OF_HEAD: usize = 64 * 1024;

/// A connection of the reserve is for those who ask whether the server is well. On every other, requests and their
/// heads have bounds: over HTTP/2 a few bytes may stand for megabytes of lines, and one connection for any number of
/// requests.
fn takes_too_much(asked: &Asked, request: &ServiceRequest) -> Result<(), Refusal> {
    if asked.open.as_ref().is_some_and(|open| open.is_one_too_many() || open.is_reserved() && !asked.matched.is_health)
    {
        return Err(Refusal::busy(2));
    }
    if request.version() == Version::HTTP_2 {
        let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        if lines.sum::<usize>() > MOST_OF_HEAD {
            let message = "The head of the request is too large.";
            return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", message));
        }
    }
    Ok(())
}

/// A page of another site must not put a browser into a session of its own choice (login CSRF), or change anything else
/// there. Who shows a token does not act for the browser; pages of registered origins may sign people in, and get the
/// token, but the browser gets no cookie.
fn signs_in_from_elsewhere(asked: &Asked, request: &ServiceRequest) -> Result<(), Refusal> {
    let headers = request.headers();
    let is_concerned = asked.matched.dialect == Dialect::Account
        && !asked.method.is_safe()
        && !headers.contains_key(header::AUTHORIZATION)
        && !matches!(asked.decision, Decision::Allowed { .. });
    if is_concerned && csrf::sender(&asked.cx, headers) == Sender::Foreign {
        return Err(host::foreign(&asked.cx, headers));
    }
    Ok(())
}

fn count(asked: &Asked, state: &State) -> Result<(), Refusal> {
    let is_attempt = asked.matched.is_attempt && asked.method == Method::POST;
    if !is_attempt || !asked.cx.settings().rate_limit.enabled {
        return Ok(());
    }
    let Some(address) = asked.cx.request.counted() else { return Ok(()) };
    state.attempts.pass(address, asked.cx.uptime).map_err(Refusal::too_many)
}

impl Asked {
    fn finish(&self, response: ServiceResponse) -> ServiceResponse {
        let (request, mut response) = response.into_parts();
        if let Some(drawn) = self.redraw(&request, &response) {
            response = drawn;
        }
        if let Some(page) = page::instead_of_redirect(&self.cx, &response) {
            response = page;
        }
        hand_out_cookies(&request, &mut response, &self.decision);
        self.add_headers(&mut response);
        ServiceResponse::new(request, response)
    }

    /// A refusal in the path's dialect, where the response is one that has no dialect yet: ours, or a library's plain
    /// text.
    fn redraw(&self, request: &HttpRequest, response: &HttpResponse) -> Option<HttpResponse> {
        let error = response.error()?;
        if let Some(refusal) = error.as_error::<Refusal>() {
            return Some(self.missing(request, refusal).unwrap_or_else(|| self.refuse(refusal)));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b"text/plain"[..], |kind| kind.as_bytes());
        kind.starts_with(b"text/plain").then(|| self.refuse(&Refusal::of_status(response.status())))
    }

    /// The refusal of something that is not there, where the matched route says what it is.
    fn missing(&self, request: &HttpRequest, refusal: &Refusal) -> Option<HttpResponse> {
        if self.dialect != Dialect::Admin || !refusal.is_unnamed() {
            return None;
        }
        let told = missing::told(&self.cx, self.matched.pattern.as_deref()?, request.match_info())?;
        refusal.log(&self.cx);
        Some(refusal.draw_problem(&self.cx, &told))
    }

    fn refuse(&self, refusal: &Refusal) -> HttpResponse {
        refusal.log(&self.cx);
        refusal.draw(self.dialect, &self.cx)
    }

    /// The answer when the request is lost: after a panic, or when the service itself failed.
    fn bare(&self, status: StatusCode, panic: Option<String>) -> Error {
        let refusal = match panic {
            Some(text) => Refusal::internal(format!("panic: {text}")),
            None => Refusal::of_status(status),
        };
        let mut response = self.refuse(&refusal);
        self.add_headers(&mut response);
        InternalError::from_response("lost request", response).into()
    }

    /// Headers and the log line.
    fn add_headers(&self, response: &mut HttpResponse) {
        headers::finish(&self.cx, response);
        if let Some(named) = &self.named {
            response.headers_mut().insert(header::HeaderName::from_static(REQUEST_ID), named.clone());
        }
        cors::finish(&self.decision, response.headers_mut());
        if self.open.as_ref().is_some_and(OpenRequest::is_reserved) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        // A supervisor asks every few seconds; that all is well is no news.
        if self.matched.is_health && response.status().is_success() {
            return;
        }
        let elapsed = self.cx.app.clock.uptime().since(self.cx.uptime).as_millis();
        tracing::info!(
            target: "auther::access",
            request_id = %self.cx.request.id,
            method = %self.method,
            route = self.matched.pattern.as_deref().map(tracing::field::display),
            path = %Escaped(&self.path),
            named = self.named.as_ref().and_then(|named| named.to_str().ok()).filter(|named| *named != self.cx.request.id).map(|named| tracing::field::display(Escaped(named))),
            unknown_client_of = self.cx.request.unnamed_by.map(tracing::field::display),
            status = response.status().as_u16(),
            ms = u64::try_from(elapsed).unwrap_or(u64::MAX),
            "answered"
        );
    }
}

/// The text of a path as it was sent, for the log: what is no printable ASCII is escaped, so that no line can pretend
/// to be two, or another.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        if self.0.bytes().all(is_plain) {
            return f.write_str(self.0);
        }
        for byte in self.0.bytes() {
            if is_plain(byte) { f.write_char(char::from(byte))? } else { write!(f, "%{byte:02X}")? }
        }
        Ok(())
    }
}

/// Writes the cookies that wait. An answer that a page of another origin may read has none.
fn hand_out_cookies(request: &HttpRequest, response: &mut HttpResponse, decision: &Decision) {
    let pending = request.extensions_mut().remove::<Pending>();
    let pending = pending.filter(|_| !matches!(decision, Decision::Allowed { .. }));
    for cookie in pending.map(|pending| pending.0).unwrap_or_default() {
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_log_is_one_word_of_printable_letters() {
        for (path, shown) in [
            ("/api/auth/sign-in/%65mail", "/api/auth/sign-in/%65mail"),
            ("/a b\n INFO answered", "/a%20b%0A%20INFO%20answered"),
            ("/\u{202e}x\u{7f}\u{1b}[2J", "/%E2%80%AEx%7F%1B[2J"),
        ] {
            assert_eq!(Escaped(path).to_string(), shown);
        }
    }
}
