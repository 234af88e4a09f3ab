//! Pages that make accounts: signing up, and the set-up of the first administrator.

use askama::Template;

use super::{FormErrors, Shell};
use crate::tenant::paths;

/// The sign-up form. Sends `csrf_token`, `continue`, `invite`, `name`, `email`, `password` to `POST /sign-up`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign-up.html")]
pub struct SignUp {
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `continue`; may be empty.
    pub continue_token: String,
    /// Mistakes of the attempt before.
    pub errors: FormErrors,
    /// Value of the hidden field `invite`: the invitation's token; empty without one.
    pub invite: String,
    /// What stands in the name field.
    pub name: String,
    /// What stands in the e-mail field.
    pub email: String,
    /// Whether the invitation is for this e-mail address only.
    pub email_fixed: bool,
    /// Where people with an account sign in.
    pub sign_in_href: Option<String>,
}

/// Why nobody can sign up here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpRefusal {
    /// `registration = closed`.
    Closed,
    /// `registration = invite`, and the address carries no invitation.
    InviteNeeded,
    /// The invitation is unknown, used or expired.
    InviteInvalid,
}

/// The sign-up page when there is no way to sign up.
#[derive(Clone, Debug, Template)]
#[template(path = "sign-up-closed.html")]
pub struct SignUpClosed {
    pub shell: Shell,
    pub reason: SignUpRefusal,
    /// Where people with an account sign in.
    pub sign_in_href: Option<String>,
}

impl SignUpClosed {
    /// What the page says first.
    pub fn heading(&self) -> &'static str {
        match self.reason {
            SignUpRefusal::Closed => "Registration is closed",
            SignUpRefusal::InviteNeeded => "An invitation is needed",
            SignUpRefusal::InviteInvalid => "This invitation does not work",
        }
    }
}

/// The form of a set-up link. Sends `csrf_token`, `token`, `name`, `email` and `password` to `POST /setup`.
#[derive(Clone, Debug, Template)]
#[template(path = "set-up.html")]
pub struct SetUp {
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `token`: the set-up link's token.
    pub token: String,
    /// Mistakes of the attempt before.
    pub errors: FormErrors,
    /// What stands in the name field.
    pub name: String,
    /// What stands in the e-mail field.
    pub email: String,
}

/// Why a set-up link does not open anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUpRefusal {
    /// The address has no token.
    Missing,
    /// No link was ever given out with this token.
    Invalid,
    /// There is an administrator; set-up is over.
    Finished,
    /// Somebody came to sign in, and there is no account yet.
    Awaited,
}

/// The set-up page when its link does not work.
#[derive(Clone, Debug, Template)]
#[template(path = "set-up-closed.html")]
pub struct SetUpClosed {
    pub shell: Shell,
    pub reason: SetUpRefusal,
    /// Where to sign in, once somebody can.
    pub sign_in_href: Option<String>,
}

impl SetUpClosed {
    /// What the page says first.
    pub fn heading(&self) -> &'static str {
        match self.reason {
            SetUpRefusal::Missing => "A set-up link is needed",
            SetUpRefusal::Invalid => "This set-up link is not known",
            SetUpRefusal::Finished => "Set-up is finished",
            SetUpRefusal::Awaited => "This server is not set up yet",
        }
    }
}

#[cfg(test)]
impl SignUp {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            csrf: "csrf-sample".to_owned(),
            continue_token: "continue-sample".to_owned(),
            errors: FormErrors::none(),
            invite: "invite-sample".to_owned(),
            name: String::new(),
            email: "ann@example.com".to_owned(),
            email_fixed: true,
            sign_in_href: Some("/sign-in?continue=continue-sample".to_owned()),
        }
    }
}

#[cfg(test)]
impl SignUpClosed {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            reason: SignUpRefusal::Closed,
            sign_in_href: Some("/sign-in".to_owned()),
        }
    }
}

#[cfg(test)]
impl SetUp {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample(),
            csrf: "csrf-sample".to_owned(),
            token: "token-sample".to_owned(),
            errors: FormErrors::none(),
            name: String::new(),
            email: String::new(),
        }
    }
}

#[cfg(test)]
impl SetUpClosed {
    pub(crate) fn sample() -> Self {
        Self { shell: Shell::sample(), reason: SetUpRefusal::Invalid, sign_in_href: None }
    }
}
