//! The answer to an app: parameters for its redirect URI (RFC 6749 §4.1.2, OAuth 2.0 Form Post Response Mode, RFC
//! 9207).

use super::super::{Error, redirect};
use crate::cx::Cx;

/// How the parameters travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In a form that the browser posts.
    FormPost,
}

/// Where an answer goes: a proved redirect URI.
#[derive(Clone, Debug)]
pub struct Target {
    /// Registered with the client.
    pub redirect_uri: String,
    /// How the parameters travel.
    pub mode: ResponseMode,
    /// `state` of the request.
    pub state: Option<String>,
}

/// An answer to an app.
#[derive(Clone, Debug)]
pub struct AuthorizationResponse {
    /// Registered with the client.
    pub redirect_uri: String,
    /// How the parameters travel.
    pub mode: ResponseMode,
    /// In the order they are written.
    pub parameters: Vec<(String, String)>,
}

impl AuthorizationResponse {
    /// The URL to redirect to in query mode.
    pub fn location(&self) -> String {
        redirect::with_query(&self.redirect_uri, &self.parameters)
    }

    /// A parameter; empty when there is none.
    pub fn find(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A code (RFC 6749 §4.1.2).
pub(super) fn code(cx: &Cx, target: &Target, code: &str) -> AuthorizationResponse {
    with_common(cx, target, vec![(String::from("code"), code.to_owned())])
}

/// An error (RFC 6749 §4.1.2.1).
pub(super) fn error(cx: &Cx, target: &Target, error: &Error) -> AuthorizationResponse {
    let parameters = vec![
        (String::from("error"), error.code.as_str().to_owned()),
        (String::from("error_description"), error.public_description()),
    ];
    with_common(cx, target, parameters)
}

/// `state` "REQUIRED if the state parameter was present" and `iss` in success and error alike (RFC 9207 §2).
fn with_common(cx: &Cx, target: &Target, mut parameters: Vec<(String, String)>) -> AuthorizationResponse {
    if let Some(state) = &target.state {
        parameters.push((String::from("state"), state.clone()));
    }
    parameters.push((String::from("iss"), cx.tenant.issuer.clone()));
    AuthorizationResponse { redirect_uri: target.redirect_uri.clone(), mode: target.mode, parameters }
}
