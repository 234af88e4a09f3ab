//! Pages for who has no password, or lost it.

use askama::Template;

use super::{FormErrors, Shell};
use crate::tenant::paths;

/// The form of a link with which a person signs in once and sets a password. Sends `csrf_token`, `token`, `email` and
/// `password` to `POST /reset-password`.
#[derive(Clone, Debug, Template)]
#[template(path = "reset-password.html")]
pub struct ResetPassword {
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `token`: the link's token.
    pub token: String,
    /// Mistakes of the attempt before.
    pub errors: FormErrors,
    /// Whether the account has no password yet.
    pub is_first: bool,
    /// Whose password it is.
    pub email: String,
}

/// Why a person needs a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkNeeded {
    /// They forgot their password.
    Forgotten,
    /// The one that they have does not work.
    Invalid,
}

/// Says who gives a link with which a password is set: this server sends no mail.
#[derive(Clone, Debug, Template)]
#[template(path = "forgot-password.html")]
pub struct ForgotPassword {
    pub shell: Shell,
    pub reason: LinkNeeded,
    /// Where to sign in.
    pub sign_in_href: String,
}

impl ForgotPassword {
    /// What the page says first.
    pub fn heading(&self) -> &'static str {
        match self.reason {
            LinkNeeded::Forgotten => "Forgot your password?",
            LinkNeeded::Invalid => "This link does not work any more",
        }
    }
}

#[cfg(test)]
impl ResetPassword {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample(),
            csrf: "csrf-sample".to_owned(),
            token: "token-sample".to_owned(),
            errors: FormErrors::none(),
            is_first: false,
            email: "ann@example.com".to_owned(),
        }
    }
}

#[cfg(test)]
impl ForgotPassword {
    pub(crate) fn sample(reason: LinkNeeded) -> Self {
        Self { shell: Shell::sample(), reason, sign_in_href: "/sign-in".to_owned() }
    }
}
