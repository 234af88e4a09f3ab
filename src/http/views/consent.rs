//! The consent page: what an app will see, in plain words.

use askama::Template;

use super::{Account, Shell};
use crate::base::text::shown;
use crate::tenant::paths;

/// The consent form. Sends `csrf_token`, `continue` and `action` = `allow` | `deny` | `switch` to `POST /consent`.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// The frame; its `app` is the app that asks.
    pub shell: Shell,
    /// Value of the hidden field `csrf_token`.
    pub csrf: String,
    /// Value of the hidden field `continue`.
    pub continue_token: String,
    /// The account that is used.
    pub account: Account,
    /// What the app will see, in the order to be read.
    pub scopes: Vec<ScopeLine>,
    /// How long it has access, as a sentence.
    pub how_long: String,
    /// Where both answers lead: the host of the redirect URI, or the whole scheme of a native app.
    pub return_to: String,
}

impl Consent {
    /// The app's name, or words for an app without one.
    pub fn app_name(&self) -> &str {
        self.shell.app.as_ref().map_or("An app", |app| &app.name)
    }
}

/// One scope in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeLine {
    /// What the app may do.
    pub label: String,
    /// What that means.
    pub detail: String,
    /// The very value it will see (an e-mail address), when there is one to show.
    pub value: Option<String>,
}

impl ScopeLine {
    /// The words for a scope value. Standard scopes (OpenID Connect Core sections 5.4 and 11) have their own, others
    /// show their name.
    pub fn of(scope: &str) -> Self {
        let (label, detail) = match scope {
            "openid" => ("Your user ID", "And when you last signed in"),
            "profile" => ("Your profile", "Name, username, picture, language"),
            "email" => ("Your e-mail address", "And whether you have confirmed it"),
            "address" => ("Your postal address", "As it stands in your account"),
            "phone" => ("Your phone number", "And whether you have confirmed it"),
            "groups" => ("Your groups", "Their names"),
            "offline_access" => ("Access when you’re not using it", "Until you disconnect it in Your account"),
            other => return Self::custom(other, "A permission of this app’s own; its maker can say what it covers"),
        };
        Self { label: label.to_owned(), detail: detail.to_owned(), value: None }
    }

    /// The words for a scope of an app's or API's own, with the description its owner gave it.
    pub fn custom(scope: &str, description: &str) -> Self {
        Self { label: format!("Use {scope}"), detail: description.to_owned(), value: None }
    }

    /// The same line with the value the app will see. An empty value shows nothing.
    #[must_use]
    pub fn showing(mut self, value: &str) -> Self {
        let lines: Vec<_> = value.lines().map(shown).collect();
        self.value = Some(lines.join("\n")).filter(|value| !value.is_empty());
        self
    }
}

#[cfg(test)]
impl Consent {
    pub(crate) fn sample() -> Self {
        Self {
            shell: Shell::sample().for_app("Grafana"),
            csrf: "csrf-sample".to_owned(),
            continue_token: "continue-sample".to_owned(),
            account: Account::sample(),
            scopes: vec![
                ScopeLine::of("openid"),
                ScopeLine::of("profile").showing("Ann Lindqvist"),
                ScopeLine::of("email").showing("ann@example.com"),
                ScopeLine::of("offline_access"),
                ScopeLine::of("invoices:read"),
            ],
            how_long: "It keeps access for up to 30 days, and loses it after 7 days without use.".to_owned(),
            return_to: "grafana.example.com".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_scope_has_words_of_its_own() {
        for scope in crate::oauth::scope::SUPPORTED {
            assert!(!ScopeLine::of(scope).label.contains(scope) || scope.len() < 8, "{scope}");
            assert!(!ScopeLine::of(scope).label.starts_with("Use "), "{scope}");
        }
        assert_eq!(ScopeLine::of("invoices:read").label, "Use invoices:read");
    }

    #[test]
    fn an_empty_value_is_not_shown() {
        assert_eq!(ScopeLine::of("email").showing("").value, None);
    }
}
