//! Sending a page: the policy that belongs to it, and the page that says no.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::Refusal;
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::http::views::{ErrorPage, LeadOn, Shell};

/// The frame of every page of this installation.
pub fn shell(cx: &Cx) -> Shell {
    Shell::new(cx.tenant.urls.clone()).with_look(&cx.settings().look)
}

/// A page on its way out: `Page::of(&view).answer()`.
pub struct Page<'a, V: Template> {
    view: &'a V,
    status: StatusCode,
    leads_away: bool,
}

impl<'a, V: Template> Page<'a, V> {
    /// The page with status 200, whose forms may be sent to ourselves only.
    pub fn of(view: &'a V) -> Self {
        Self { view, status: StatusCode::OK, leads_away: false }
    }

    /// The same page with another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same page, whose forms may end at an app. Chromium holds `form-action` against every redirect that follows a
    /// form (CSP 3 §6.4.2), also those of the app itself after its callback, and nobody but the app knows where these
    /// lead: so a page within an authorization or a logout goes without the directive.
    #[must_use]
    pub fn leading_away(mut self, does: bool) -> Self {
        self.leads_away |= does;
        self
    }

    /// Makes the answer with its headers. Errors: the template cannot be drawn.
    pub fn answer(self) -> Result<HttpResponse, Refusal> {
        let body = self.view.render().map_err(Refusal::internal)?;
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy(self.leads_away)));
        Ok(response.content_type(header::ContentType::html()).body(body))
    }
}

/// The longest address of a redirect, in bytes. nginx and others take 4 KiB for the whole head of an answer as they
/// come, and there are cookies and a policy in it, too.
const LONGEST_LOCATION: usize = 2_048;

/// The page that leads on in the place of a redirect whose address is too long for the head of an answer. `None` when
/// it is not.
pub fn instead_of_redirect(cx: &Cx, response: &HttpResponse) -> Option<HttpResponse> {
    let location = response.headers().get(header::LOCATION).filter(|location| location.len() > LONGEST_LOCATION)?;
    let href = location.to_str().ok().filter(|_| response.status().is_redirection())?.to_owned();
    let mut page = Page::of(&LeadOn { shell: shell(cx), href }).answer().ok()?;
    page.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Some(page)
}

/// The policy of every page: our own stylesheet, scripts and pictures, nothing inline, framed by nobody, forms sent to
/// ourselves unless the page leads away.
fn policy(leads_away: bool) -> &'static str {
    if leads_away {
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    } else {
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    }
}

/// The page for a [`Refusal`].
pub(super) fn refusal(refusal: &Refusal, cx: &Cx, more: impl FnOnce(&mut HttpResponseBuilder)) -> HttpResponse {
    let view = words(refusal, shell(cx)).with_reference(&reference(refusal.code()), &cx.request.id);
    let mut response = HttpResponse::build(refusal.status());
    more(&mut response);
    response.insert_header((header::CONTENT_SECURITY_POLICY, policy(false)));
    match view.render() {
        Ok(body) => response.content_type(header::ContentType::html()).body(body),
        Err(_) => response.content_type(header::ContentType::plaintext()).body("This did not work.\n"),
    }
}

fn words(refusal: &Refusal, shell: Shell) -> ErrorPage {
    let seconds = refusal.retry_after().unwrap_or(1);
    match refusal.status() {
        status if refusal.code() == "wrong_address" => {
            ErrorPage::wrong_address(shell, status.as_u16(), refusal.message())
        }
        StatusCode::FORBIDDEN if refusal.code() == "csrf" => ErrorPage::stale_form(shell),
        StatusCode::FORBIDDEN => ErrorPage::forbidden(shell),
        StatusCode::NOT_FOUND => ErrorPage::not_found(shell),
        StatusCode::TOO_MANY_REQUESTS => ErrorPage::too_many(shell, seconds),
        StatusCode::SERVICE_UNAVAILABLE => ErrorPage::unavailable(shell, seconds),
        status if status.is_server_error() => ErrorPage::internal(shell),
        status => {
            let next_step = "Go back to where you came from and begin again.";
            ErrorPage::new(shell, status.as_u16(), ["This request cannot go on", refusal.message(), next_step])
        }
    }
}

/// A short code that is the same for the same kind of error everywhere: `E-4K7Q`.
pub fn reference(code: &str) -> String {
    const LETTERS: [char; 32] = [
        '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P',
        'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
    ];
    let letters = sha256(code.as_bytes()).into_iter().take(4).filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    std::iter::once("E-".to_owned()).chain(letters.map(char::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nothing_unsafe() {
        for leads_away in [false, true] {
            let policy = policy(leads_away);
            assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe"));
            assert_eq!(policy.contains("form-action 'self'; "), !leads_away);
        }
    }

    #[test]
    fn a_reference_is_stable_and_readable() {
        assert_eq!(reference("not_found"), reference("not_found"));
        assert_ne!(reference("not_found"), reference("internal"));
        assert_eq!(reference("internal").len(), 6);
    }
}
