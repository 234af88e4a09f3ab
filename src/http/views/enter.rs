//! Pages on the way in: signing in, and choosing between the account at hand and another.

use askama::Template;

use super::form::wait;
use super::{Account, FormErrors, Shell};
use crate::tenant::paths;

/// The sign-in form. Sends `csrf_token`, `continue`, `identifier`, `password` to `POST /sign-in`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign-in.html")]
pub struct SignIn {
    /// The frame; its `app` makes the heading "Sign in to Grafana".
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `continue`: the opaque token of the interaction; may be empty.
    pub continue_token: String,
    /// Mistakes of the attempt before.
    pub errors: FormErrors,
    /// What stands in the identifier field: what was typed, a `login_hint`, or the account to confirm.
    pub identifier: String,
    /// Seconds until the form is heard, where much was guessed.
    pub pause: Option<u64>,
    /// Set when a signed-in person must show again who they are; the identifier cannot be changed then.
    pub confirm: Option<Confirm>,
    /// Where to create an account; `None` when registration is not open.
    pub sign_up_href: Option<String>,
}

impl SignIn {
    /// The pause in words.
    fn pause_in_words(&self) -> Option<String> {
        self.pause.map(wait)
    }

    /// How far the line between app and provider has come: a person who confirms is known to the provider already.
    fn way(&self) -> &'static str {
        if self.confirm.is_some() { "half" } else { "" }
    }
}

/// What the "Confirm it is you" variant of [`SignIn`] needs.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// How to address the person; may be empty.
    pub name: String,
    /// Where "Use another account" leads.
    pub other_account_href: String,
}

/// Which account to go on with. Sends `csrf_token`, `continue` and `action` = `continue` | `other` to `POST
/// /choose-account`.
#[derive(Clone, Debug, Template)]
#[template(path = "choose-account.html")]
pub struct ChooseAccount {
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `continue`.
    pub continue_token: String,
    /// The account that is signed in.
    pub account: Account,
}

#[cfg(test)]
impl SignIn {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            csrf: "csrf-sample".to_owned(),
            continue_token: "continue-sample".to_owned(),
            errors: FormErrors::none(),
            identifier: String::new(),
            pause: None,
            confirm: None,
            sign_up_href: Some("/sign-up?continue=continue-sample".to_owned()),
        }
    }

    pub(crate) fn sample_confirm() -> Self {
        Self {
            identifier: "ann@example.com".to_owned(),
            confirm: Some(Confirm {
                name: "Ann".to_owned(),
                other_account_href: "/sign-in?continue=continue-sample&other=1".to_owned(),
            }),
            ..Self::sample()
        }
    }
}

#[cfg(test)]
impl ChooseAccount {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            csrf: "csrf-sample".to_owned(),
            continue_token: "continue-sample".to_owned(),
            account: Account::sample(),
        }
    }
}
