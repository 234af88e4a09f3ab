//! The few ways to say no.
//!
//! May use: `http::routes`, `http::views`. A rule's error becomes a [`Refusal`]; [`super::guard`] draws it in the
//! dialect of the path's [`Dialect`]: OAuth JSON, `{code,message}`, `{error,message}`, RFC 9457 problem, HTML page or a
//! line of text. A handler answers `Result<HttpResponse, Refusal>` and uses `?` on `store`, `identity` and `oauth`
//! errors; a rules module that has its own error adds a `From<…> for Refusal` beside this file. An OAuth error keeps
//! its registered code, status and challenge. Pages are sent with [`page::Page`]. Start reading at [`Refusal`].

mod access;
mod api_keys;
mod identity;
pub(super) mod missing;
mod oauth;
mod outbox;
pub(crate) mod page;

pub use api_keys::try_again;
pub use identity::sentence;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::routes::Dialect;
use crate::base::budget::Stopped;
use crate::base::long_work::Busy;
use crate::cx::Cx;

/// When to ask again while too much long work waits, in seconds.
const BUSY_FOR: u64 = 2;

/// What a handler answers with.
pub type HandlerResult = Result<HttpResponse, Refusal>;

/// A request that is not carried out: the status, a stable code, and words for the caller. Knows no dialect.
pub struct Refusal(Box<Parts>);

/// What a [`Refusal`] is made of; boxed, since it travels through every result.
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    fields: Vec<FieldProblem>,
    retry_after: Option<u64>,
    allow: Option<String>,
    /// `WWW-Authenticate` of a 401, and of a 403 for a token's scope (RFC 6750 §3).
    challenge: Cow<'static, str>,
    /// Whether the code is one that an OAuth standard registers.
    is_registered: bool,
    /// Whether it says that something is not there, and not what: the path of the request does.
    is_unnamed: bool,
    /// Members beyond the two of the machines' dialect.
    more: Map<String, Value>,
    cause: Option<Box<dyn std::error::Error + 'static>>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where: `subjects[2].id`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A refusal as the admin API sends it (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// `about:blank`: the code says more than a type could.
    r#type: &'static str,
    /// The status in words.
    title: &'a str,
    status: u16,
    /// A stable word for programs.
    code: &'a str,
    /// A sentence for people.
    detail: &'a str,
    /// The request, as the log names it.
    request_id: &'a str,
    /// All fields that are wrong, at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<&'a [FieldProblem]>,
}

impl Refusal {
    /// A refusal with this status, stable snake_case code and sentence.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            status,
            code: code.into(),
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
            allow: None,
            challenge: Cow::Borrowed("Bearer"),
            is_registered: false,
            is_unnamed: false,
            more: Map::new(),
            cause: None,
        }))
    }

    /// The request itself is malformed (400).
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// Fields of the request are not accepted (400): all that is wrong with it, at once.
    pub fn invalid_fields(fields: Vec<FieldProblem>) -> Self {
        let names: Vec<&str> = fields.iter().map(|problem| problem.field.as_str()).collect();
        let message = format!("These fields are not accepted: {}.", names.join(", "));
        Self::new(StatusCode::BAD_REQUEST, "invalid_fields", message).with_fields(fields)
    }

    /// The body is larger than `limit` bytes (413).
    pub fn too_large(limit: usize) -> Self {
        let message = format!("The request body is larger than {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The body is of a kind that is not read here (415).
    pub fn unsupported(wanted: &'static str) -> Self {
        let message = format!("The body must be sent as {wanted}.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// Nobody is signed in (401).
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first.")
    }

    /// The caller is known and may not do this (403).
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The request was sent by a page of another site, or its form is out of date (403).
    pub fn foreign() -> Self {
        let message = "The request came from another site, or its form is out of date. Nothing was changed.";
        Self::new(StatusCode::FORBIDDEN, "csrf", message)
    }

    /// There is no such thing (404).
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The path does not know the method (405).
    pub fn method_not_allowed(allow: String) -> Self {
        let message = format!("This address answers {allow}.");
        let mut refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        refusal.0.allow = Some(allow);
        refusal
    }

    /// Too many attempts (429); heard again in `seconds`.
    pub fn too_many(seconds: u64) -> Self {
        let message = format!("Too many attempts. Try again in {seconds} seconds.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message).after(seconds)
    }

    /// More work than can be taken on (503); worth another try in `seconds`.
    pub fn busy(seconds: u64) -> Self {
        let message = format!("The server has more to do than it can take on. Try again in {seconds} seconds.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message).after(seconds)
    }

    fn after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// It would take more work than one request may ask for (422).
    fn too_much(stopped: Stopped) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "limit_reached", sentence(&stopped.to_string()))
    }

    /// The disk has no room for the change (507).
    fn disk_full() -> Self {
        let message = "The disk that holds the data file is full, so nothing was changed. Make room and try again.";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message)
    }

    /// Something broke on our side (500). The cause is logged once with its chain and never shown.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + 'static>>) -> Self {
        let mut refusal = Self::of_status(StatusCode::INTERNAL_SERVER_ERROR);
        refusal.0.cause = Some(cause.into());
        refusal
    }

    /// The refusal for a status alone, where a library said no in its own words.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => ("not_found", "No such endpoint."),
            StatusCode::INTERNAL_SERVER_ERROR => ("internal", "Something failed inside the server."),
            StatusCode::REQUEST_TIMEOUT => ("timeout", "The request took too long to arrive."),
            _ if status.is_server_error() => ("unavailable", "The server cannot answer at the moment."),
            _ => ("invalid_request", "The request could not be understood."),
        };
        Self::new(status, code, message)
    }

    /// The same refusal with another stable code and sentence: for a dialect that has its own words.
    #[must_use]
    pub fn saying(mut self, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Cow::Borrowed(code);
        self.0.message = message.into();
        self
    }

    /// The same refusal of something that is not there: the path of the request says what.
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.0.is_unnamed = true;
        self
    }

    /// Whether the path of the request says what is not there.
    pub(super) fn is_unnamed(&self) -> bool {
        self.0.is_unnamed
    }

    /// The same refusal, naming the fields that are wrong.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldProblem>) -> Self {
        self.0.fields = fields;
        self
    }

    /// The same refusal with a further member, for machines.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(name.to_owned(), value.into());
        self
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Seconds until another try is worth it.
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Writes a fault of our own to the log, with everything that led to it. The caller learns the request id only.
    pub(super) fn log(&self, cx: &Cx) {
        let Some(cause) = &self.0.cause else { return };
        let (request_id, cause) = (&cx.request.id, chain(&**cause));
        if self.0.status.is_server_error() {
            tracing::error!(%request_id, code = %self.0.code, %cause, "request failed");
        } else {
            tracing::debug!(%request_id, code = %self.0.code, %cause, "request refused");
        }
    }

    /// Draws it in a dialect.
    pub(super) fn draw(&self, dialect: Dialect, cx: &Cx) -> HttpResponse {
        match dialect {
            Dialect::OAuth => oauth_error(self.0.status, self.oauth_code(), &self.0.message, |more| self.headers(more)),
            Dialect::Account => self.draw_account(),
            Dialect::Machine => self.draw_machine(),
            Dialect::Admin => self.draw_problem(cx, &self.0.message),
            Dialect::Page => page::refusal(self, cx, |more| self.headers(more)),
            Dialect::Plain => {
                let mut response = HttpResponse::build(self.0.status);
                self.headers(&mut response);
                response.content_type(header::ContentType::plaintext()).body(format!("{}\n", self.0.message))
            }
        }
    }

    fn headers(&self, response: &mut HttpResponseBuilder) {
        if let Some(seconds) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.0.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if self.0.status == StatusCode::UNAUTHORIZED || self.0.code == "insufficient_scope" {
            response.insert_header((header::WWW_AUTHENTICATE, &*self.0.challenge));
        }
    }

    /// The registered code nearest to it (RFC 6749 §4.1.2.1, §5.2).
    fn oauth_code(&self) -> &str {
        match self.0.status {
            _ if self.0.is_registered => &self.0.code,
            StatusCode::INTERNAL_SERVER_ERROR => "server_error",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            StatusCode::UNAUTHORIZED => "invalid_token",
            StatusCode::FORBIDDEN => "access_denied",
            _ => "invalid_request",
        }
    }

    fn draw_account(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        self.headers(&mut response);
        if let Some(seconds) = self.0.retry_after {
            response.insert_header(("x-retry-after", seconds.to_string()));
        }
        let code = if self.0.code == "invalid_fields" { "invalid_request" } else { &*self.0.code };
        let mut body = json!({ "code": code.to_uppercase(), "message": self.0.message });
        if let Some(body) = body.as_object_mut().filter(|_| !self.0.fields.is_empty()) {
            body.insert(String::from("fields"), json!(self.0.fields));
        }
        response.json(body)
    }

    /// `{"error","message"}` and what more there is to say. The codes are this dialect's own where it has one.
    fn draw_machine(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        self.headers(&mut response);
        let code = match &*self.0.code {
            "internal" | "server_error" => "internal_error",
            "too_many_requests" => "rate_limited",
            "invalid_fields" => "invalid_request",
            "csrf" => "forbidden",
            code => code,
        };
        let mut body = Map::from_iter([
            (String::from("error"), Value::from(code)),
            (String::from("message"), Value::from(self.message())),
        ]);
        if !self.0.fields.is_empty() {
            body.insert(String::from("fields"), json!(self.0.fields));
        }
        body.extend(self.0.more.clone());
        response.json(body)
    }

    /// Draws it as the admin API does, with this sentence.
    pub(super) fn draw_problem(&self, cx: &Cx, detail: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        self.headers(&mut response);
        let body = Problem {
            r#type: "about:blank",
            title: self.0.status.canonical_reason().unwrap_or("Error"),
            status: self.0.status.as_u16(),
            code: &self.0.code,
            detail,
            request_id: &cx.request.id,
            errors: (!self.0.fields.is_empty()).then_some(&*self.0.fields),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        response.content_type("application/problem+json").body(body)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.message)?;
        self.0.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({})", chain(&**cause)))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// Only the status: the guard draws the rest, because it knows the path's dialect.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.0.status)
    }
}

impl From<Busy> for Refusal {
    fn from(_: Busy) -> Self {
        Self::busy(BUSY_FOR)
    }
}

impl From<crate::store::Error> for Refusal {
    fn from(error: crate::store::Error) -> Self {
        match error {
            crate::store::Error::Full => Self::disk_full(),
            crate::store::Error::Stopped(stopped) => Self::too_much(stopped),
            crate::store::Error::Conflict => Self::busy(BUSY_FOR),
            error => Self::internal(error),
        }
    }
}

/// `{"error","error_description"}` (RFC 6749 §5.2) with a registered code; `more` adds headers such as
/// `WWW-Authenticate`. The description is kept to the characters the RFC allows.
fn oauth_error(
    status: StatusCode,
    code: &str,
    description: &str,
    more: impl FnOnce(&mut HttpResponseBuilder),
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"));
    more(&mut response);
    let description: String =
        description.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' }).collect();
    response.json(json!({ "error": code, "error_description": description }))
}

/// An error and all its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_description_keeps_to_the_characters_of_the_rfc() {
        let response = oauth_error(StatusCode::BAD_REQUEST, "invalid_request", "bad \"näme\"\r\n", |_| ());
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error_description"], "bad 'n'me'''");
    }

    #[test]
    fn a_change_that_others_got_in_the_way_of_may_be_tried_again() {
        let refusal = Refusal::from(crate::store::Error::Conflict);
        assert_eq!((refusal.0.status, refusal.0.retry_after), (StatusCode::SERVICE_UNAVAILABLE, Some(BUSY_FOR)));
    }

    #[test]
    fn a_cause_is_printed_for_the_log_and_not_for_the_caller() {
        let refusal = Refusal::internal(std::io::Error::other("disk on fire"));
        assert!(format!("{refusal:?}").contains("disk on fire"));
        assert!(!refusal.to_string().contains("disk"));
    }
}
