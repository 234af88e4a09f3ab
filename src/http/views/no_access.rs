//! The page for somebody who may not use the app they came from.

use askama::Template;

use super::{Account, HiddenField, Shell};

/// Says that an app is open to chosen people only, whom to ask, and how to go on.
#[derive(Clone, Debug, Template)]
#[template(path = "no-access.html")]
pub struct NoAccess {
    /// The frame; its `app` is the app.
    pub shell: Shell,
    /// The account that is signed in.
    pub account: Account,
    /// Where "Use another account" leads.
    pub other_account_href: String,
    /// The redirect URI, validated; with the answer to the app in its query unless that is posted.
    pub back_href: String,
    /// The answer to the app where it is posted; empty where it stands in the address.
    pub back_fields: Vec<HiddenField>,
    /// Id of the request, by which an administrator finds it in the audit log.
    pub reference: String,
}

impl NoAccess {
    /// The app's name, or words for an app without one.
    pub fn app_name(&self) -> &str {
        self.shell.app.as_ref().map_or("this app", |app| &app.name)
    }
}

#[cfg(test)]
impl NoAccess {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            account: Account::sample(),
            other_account_href: "/sign-in?continue=continue-sample&other=1".to_owned(),
            back_href: "https://grafana.example.com/callback".to_owned(),
            back_fields: Vec::new(),
            reference: "req_01K5W3QZ8Y7T".to_owned(),
        }
    }

    pub(crate) fn sample_form_post() -> Self {
        let field = HiddenField { name: "error".to_owned(), value: "access_denied".to_owned() };
        Self { back_fields: vec![field], ..Self::sample() }
    }
}
