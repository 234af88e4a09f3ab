//! The start page, and the page that says one thing.

use askama::Template;

use super::{Account, Link, Shell};
use crate::tenant::paths;

/// The start page `/`. Signed in, its form sends `csrf_token`, `continue` (empty) and `action` = `logout` to `POST
/// /logout`.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`; unused while signed out.
    pub csrf: String,
    /// Who is signed in.
    pub account: Option<Account>,
    /// Whether to show the way to the admin pages.
    pub is_admin: bool,
    /// Whether to show an administrator how to register the first app: true while there is none.
    pub first_app: bool,
    /// The issuer, without a slash at the end; shown with the first app.
    pub issuer: String,
    /// The URL of the discovery document, shown beside it.
    pub discovery: String,
    /// Where to sign in.
    pub sign_in_href: String,
    /// Where to create an account; `None` when registration is not open.
    pub sign_up_href: Option<String>,
    /// The SHA-256 of the local CA, where this server shows a certificate of it.
    pub local_ca: Option<String>,
}

/// The frame of the admin and account pages, which modules fill.
#[derive(Clone, Debug, Template)]
#[template(path = "app.html")]
pub struct AppPage {
    pub shell: Shell,
    /// What the pages are together.
    pub title: &'static str,
    /// Address of the first module.
    pub script: String,
    /// Addresses of what it imports, to be fetched at once.
    pub modules: Vec<String>,
}

/// One thing said, and a way on.
#[derive(Clone, Debug, Template)]
#[template(path = "notice.html")]
pub struct Notice {
    pub shell: Shell,
    pub heading: String,
    /// What it means, one paragraph each.
    pub paragraphs: Vec<String>,
    /// What to do next.
    pub action: Option<Link>,
}

impl Notice {
    /// The account exists now; `next` leads on.
    pub fn account_created(shell: Shell, next: Link) -> Self {
        let text = format!(
            "Your account at {} is ready. The next sign-in needs only your e-mail and password.",
            shell.provider
        );
        Self { shell, heading: "Account created".to_owned(), paragraphs: vec![text], action: Some(next) }
    }
}

#[cfg(test)]
impl Home {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample(),
            csrf: "csrf-sample".to_owned(),
            account: None,
            is_admin: false,
            first_app: false,
            issuer: "https://id.example.com".to_owned(),
            discovery: "https://id.example.com/.well-known/openid-configuration".to_owned(),
            sign_in_href: "/sign-in".to_owned(),
            sign_up_href: Some("/sign-up".to_owned()),
            local_ca: Some(["54:F9"; 16].join(":")),
        }
    }

    pub(crate) fn sample_signed_in(first_app: bool) -> Self {
        Self { account: Some(Account::sample()), is_admin: first_app, first_app, ..Self::sample() }
    }
}

#[cfg(test)]
impl Notice {
    pub(crate) fn sample() -> Self {
        let next = Link { href: "/sign-in".to_owned(), label: "Sign in".to_owned() };
        Self::account_created(Shell::sample(), next)
    }
}
