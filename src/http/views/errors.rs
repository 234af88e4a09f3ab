//! The error page: what happened, why, the next step, and the reference code last.

use askama::Template;

use super::form::wait;
use super::{Link, Shell};
use crate::base::text::shown;
use crate::tenant::paths;

/// An error a person sees. The variants a server meets every day have their own constructor.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame; its `app` is shown only when the client was proved.
    pub shell: Shell,
    /// The HTTP status the page is sent with.
    pub status: u16,
    pub heading: String,
    pub why: String,
    /// What to do next, and who can.
    pub next_step: String,
    /// What happened, why, and the next step for those who run the app or this server, where the words above are for a
    /// person who cannot change it.
    pub folded: Option<[String; 3]>,
    /// Facts for who looks into it (what was sent, what is registered). Never a secret.
    pub details: Vec<Detail>,
    /// A way on.
    pub action: Option<Link>,
    /// Code of the kind of error, `E-4K7Q`.
    pub reference: String,
    /// Id of the request, as in `x-request-id`; may be empty.
    pub request_id: String,
}

/// One fact on an [`ErrorPage`]. The value is `before`, `differs`, `after` in a row; `differs` is set off from the
/// rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is: `Sent`.
    pub label: String,
    /// The value, or its beginning.
    pub before: String,
    /// The part that differs from the value it is compared with; empty when nothing is compared.
    pub differs: String,
    /// The rest of the value.
    pub after: String,
}

impl Detail {
    /// A fact by itself.
    pub fn new(label: &str, value: &str) -> Self {
        let before = shown(value).into_owned();
        Self { label: label.to_owned(), before, differs: String::new(), after: String::new() }
    }

    /// A fact whose value should have been `other`: what differs between their common beginning and their common end is
    /// set off.
    pub fn against(label: &str, value: &str, other: &str) -> Self {
        let start = pairs(value.chars(), other.chars());
        let (before, rest) = value.split_at_checked(start).unwrap_or((value, ""));
        let other_rest = other.get(start..).unwrap_or("");
        let end = pairs(rest.chars().rev(), other_rest.chars().rev());
        let (differs, after) = rest.split_at_checked(rest.len() - end).unwrap_or((rest, ""));
        Self {
            label: label.to_owned(),
            before: shown(before).into_owned(),
            differs: shown(differs).into_owned(),
            after: shown(after).into_owned(),
        }
    }
}

/// How many bytes the letters take that two texts have in common from their start.
fn pairs(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).map(|(letter, _)| letter.len_utf8()).sum()
}

impl ErrorPage {
    /// A page with these words: what happened, why, the next step.
    pub fn new(shell: Shell, status: u16, words: [&str; 3]) -> Self {
        let [heading, why, next_step] = words.map(str::to_owned);
        Self {
            shell,
            status,
            heading,
            why,
            next_step,
            folded: None,
            details: Vec::new(),
            action: None,
            reference: format!("E-{status}"),
            request_id: String::new(),
        }
    }

    /// The person may not see this (403).
    pub fn forbidden(shell: Shell) -> Self {
        let why = "The account you are signed in with may not open this page.";
        Self::new(shell, 403, ["No access", why, "Sign in with another account, or ask an administrator for access."])
    }

    /// A form came without its own protection, or too late (403).
    pub fn stale_form(shell: Shell) -> Self {
        let why = "This page was open too long, its form came from another site, or the browser keeps no cookies for this one. Nothing was changed.";
        Self::new(shell, 403, ["This form is out of date", why, "Reload the page and try again."])
    }

    /// A page was opened under another address than the issuer's; `why` names both.
    pub fn wrong_address(shell: Shell, status: u16, why: &str) -> Self {
        let href = shell.urls.issuer().to_owned();
        let label = format!("Open {href}");
        let words = ["This is not the address of this server", why, "Bookmark the right address, and forget this one."];
        Self { action: Some(Link { href, label }), ..Self::new(shell, status, words) }
    }

    /// There is nothing at this address (404).
    pub fn not_found(shell: Shell) -> Self {
        let why = "There is no page at this address.";
        let home = Link { href: shell.at(paths::HOME), label: "Go to the start page".to_owned() };
        Self::new(
            shell,
            404,
            ["Page not found", why, "Check it for typing mistakes, or begin again from the app you wanted to open."],
        )
        .with_action(home)
    }

    /// Too many requests (429); `seconds` until the next one is heard.
    pub fn too_many(shell: Shell, seconds: u64) -> Self {
        let why = "More requests came from your address than this server allows in so short a time.";
        Self::new(shell, 429, ["Too many requests", why, &format!("Wait {}, then load the page again.", wait(seconds))])
    }

    /// Something broke on our side (500). Shows nothing of the cause.
    pub fn internal(shell: Shell) -> Self {
        let why = "Something failed inside the server. It is not something you did, and it has been written to the server’s log.";
        Self::new(
            shell,
            500,
            ["This did not work", why, "Try again. If it happens twice, give the code below to an administrator."],
        )
    }

    /// The server is too busy, or not ready (503); `seconds` until it is worth trying again.
    pub fn unavailable(shell: Shell, seconds: u64) -> Self {
        let why = "The server has more to do than it can take on at the moment. Nothing was changed.";
        Self::new(
            shell,
            503,
            ["Busy at the moment", why, &format!("Wait {}, then load the page again.", wait(seconds))],
        )
    }

    /// The same page for a person who only wanted to open an app that is set up wrongly: its words are kept for those
    /// who can mend it. `app` is its name, if it is known.
    #[must_use]
    pub fn of_wrong_app(mut self, app: Option<&str>) -> Self {
        let app = app.map_or_else(|| "This app".to_owned(), |name| shown(name).into_owned());
        let why = "It is not you: the app sent a request that this server cannot use. Nothing was changed.".to_owned();
        let helps = self.shell.contact.as_ref().map(|contact| format!(" or {}", contact.text)).unwrap_or_default();
        let next_step = format!(
            "Tell the people who run it{helps}, and send them a picture of this page with what is folded below."
        );
        let heading = std::mem::replace(&mut self.heading, format!("{app} is set up wrongly"));
        let before =
            [heading, std::mem::replace(&mut self.why, why), std::mem::replace(&mut self.next_step, next_step)];
        self.folded = Some(before);
        self
    }

    /// A text in pieces: with `true` those that stand between backticks, as code.
    fn pieces<'t>(&self, text: &'t str) -> Vec<(bool, &'t str)> {
        text.split('`').enumerate().map(|(place, piece)| (place % 2 == 1, piece)).collect()
    }

    /// The same page with one fact more.
    #[must_use]
    pub fn with_detail(mut self, label: &str, value: &str) -> Self {
        self.details.push(Detail::new(label, value));
        self
    }

    /// The same page with two values that should have been the same, `(label, value)` each, and what differs set off in
    /// both.
    #[must_use]
    pub fn with_difference(mut self, sent: (&str, &str), known: (&str, &str)) -> Self {
        self.details.push(Detail::against(sent.0, sent.1, known.1));
        self.details.push(Detail::against(known.0, known.1, sent.1));
        self
    }

    /// The same page with a way on.
    #[must_use]
    pub fn with_action(mut self, action: Link) -> Self {
        self.action = Some(action);
        self
    }

    /// The same page with the code of the error and the id of the request.
    #[must_use]
    pub fn with_reference(mut self, reference: &str, request_id: &str) -> Self {
        self.reference = reference.to_owned();
        self.request_id = request_id.to_owned();
        self
    }
}

#[cfg(test)]
impl ErrorPage {
    pub(crate) fn sample() -> Self {
        let registered = "https://grafana.example.com/login/generic_oauth";
        let why = "The app sent a redirect URI that is not registered for it. The two differ by the last slash.";
        let next_step = "Add the address to the app’s redirect URIs, or correct the app.";
        Self::new(Shell::sample(), 400, ["This request cannot go on", why, next_step])
            .with_detail("App", "grafana")
            .with_difference(("Sent", &format!("{registered}/")), ("Registered", registered))
            .with_reference("E-4K7Q", "req_01K5W3QZ8Y7T")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str, other: &str) -> [String; 3] {
        let Detail { before, differs, after, .. } = Detail::against("Sent", value, other);
        assert_eq!(format!("{before}{differs}{after}"), value);
        [before, differs, after]
    }

    #[test]
    fn what_differs_is_set_off() {
        assert_eq!(parts("https://a/cb/", "https://a/cb"), ["https://a/cb", "/", ""]);
        assert_eq!(parts("https://a/cb", "https://a/cb/"), ["https://a/cb", "", ""]);
        assert_eq!(parts("http://a/cb", "https://a/cb"), ["http", "", "://a/cb"]);
        assert_eq!(parts("https://a:1/cb", "https://a:2/cb"), ["https://a:", "1", "/cb"]);
        assert_eq!(parts("aaa", "aa"), ["aa", "a", ""]);
        assert_eq!(parts("ü/ö", "ü/é"), ["ü/", "ö", ""]);
        assert_eq!(parts("", "x"), ["", "", ""]);
    }
}
