//! Pages on the way out: signing out, and going back to the app.

use askama::Template;

use super::{Account, Shell};
use crate::http::assets;
use crate::tenant::paths;

/// Asks before signing out. Sends `csrf_token`, `continue` and `action` = `logout` to `POST /logout`.
#[derive(Clone, Debug, Template)]
#[template(path = "log-out.html")]
pub struct LogOut {
    /// The frame; its `app` is the app that asked, if known.
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `continue`: the opaque token of the logout request; may be empty.
    pub continue_token: String,
    /// Who is signed in.
    pub account: Option<Account>,
    /// Where "Stay signed in" leads.
    pub stay_href: String,
}

/// Says that the session is over.
#[derive(Clone, Debug, Template)]
#[template(path = "logged-out.html")]
pub struct LoggedOut {
    /// The frame; its `app` names the way back.
    pub shell: Shell,
    /// A validated post-logout redirect URI.
    pub return_href: Option<String>,
    /// Where to sign in again.
    pub sign_in_href: String,
}

/// Leads on to an address that is too long for a header, without script.
#[derive(Clone, Debug, Template)]
#[template(path = "lead-on.html")]
pub struct LeadOn {
    /// The frame.
    pub shell: Shell,
    /// An address that was made for a redirect.
    pub href: String,
}

/// The answer of `response_mode=form_post` (OAuth 2.0 Form Post Response Mode, section 2): posts itself to the app, or
/// waits for a press on Continue.
#[derive(Clone, Debug, Template)]
#[template(path = "form-post.html")]
pub struct FormPost {
    pub shell: Shell,
    /// The redirect URI, validated.
    pub action: String,
    /// The response parameters.
    pub fields: Vec<HiddenField>,
    /// Address of the script that presses Continue.
    pub sender: String,
}

impl FormPost {
    /// A page that posts these `(name, value)` pairs to a validated redirect URI.
    pub fn new(shell: Shell, action: impl Into<String>, fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| HiddenField { name, value }).collect();
        let sender = assets::href(&shell.urls, "form-post.js");
        Self { shell, action: action.into(), fields, sender }
    }
}

/// One parameter of a [`FormPost`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenField {
    /// Name of the parameter.
    pub name: String,
    pub value: String,
}

#[cfg(test)]
impl LogOut {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            csrf: "csrf-sample".to_owned(),
            continue_token: "continue-sample".to_owned(),
            account: Some(Account::sample()),
            stay_href: "/".to_owned(),
        }
    }
}

#[cfg(test)]
impl LoggedOut {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            return_href: Some("https://grafana.example.com/bye?state=7".to_owned()),
            sign_in_href: "/sign-in".to_owned(),
        }
    }
}

#[cfg(test)]
impl FormPost {
    pub(crate) fn sample() -> Self {
        let fields = [("code", "code-sample"), ("state", "state-sample"), ("iss", "https://id.example.com")];
        Self::new(
            Shell::sample().for_app("Grafana"),
            "https://grafana.example.com/callback",
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
    }
}
