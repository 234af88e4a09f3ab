//! Sending a page: the policy that belongs to it, and the page that says no.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use url::{Host, Url};

use super::Refusal;
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::http::views::{ErrorPage, LeadOn, Shell};

/// The frame of every page of this installation.
pub fn shell(cx: &Cx) -> Shell {
    Shell::new(cx.tenant.urls.clone()).dressed(&cx.settings().look)
}

/// A page on its way out: `Page::of(&view).answer()`.
pub struct Page<'a, V: Template> {
    view: &'a V,
    status: StatusCode,
    form_action: Vec<String>,
}

impl<'a, V: Template> Page<'a, V> {
    /// The page with status 200, whose forms may be sent to ourselves only.
    pub fn of(view: &'a V) -> Self {
        Self { view, status: StatusCode::OK, form_action: Vec::new() }
    }

    /// The same page with another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same page, whose forms may lead on to these URIs. Chromium holds `form-action` against every redirect that
    /// follows a form (CSP 3 §6.4.2), so a page within an authorization must name where the app may be reached.
    #[must_use]
    pub fn leading_to(mut self, uris: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for source in uris.into_iter().filter_map(|uri| form_target(uri.as_ref())) {
            if !self.form_action.contains(&source) {
                self.form_action.push(source);
            }
        }
        self
    }

    /// Draws it.
    pub fn answer(self) -> Result<HttpResponse, Refusal> {
        let body = self.view.render().map_err(Refusal::internal)?;
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy(&self.form_action)));
        Ok(response.content_type(header::ContentType::html()).body(body))
    }
}

/// The longest address of a redirect, in bytes. nginx and others take 4 KiB for the whole head of an answer as they come,
/// and there are cookies and a policy in it, too.
const LONGEST_LOCATION: usize = 2_048;

/// The most that a policy says about where forms lead, in bytes.
const MOST_TARGETS: usize = 1_024;

/// The page that leads on in the place of a redirect whose address is too long for the head of an answer. `None` when it
/// is not.
pub fn instead_of_redirect(cx: &Cx, response: &HttpResponse) -> Option<HttpResponse> {
    let location = response.headers().get(header::LOCATION).filter(|location| location.len() > LONGEST_LOCATION)?;
    let href = location.to_str().ok().filter(|_| response.status().is_redirection())?.to_owned();
    let mut page = Page::of(&LeadOn { shell: shell(cx), href }).answer().ok()?;
    page.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Some(page)
}

/// The policy of every page: our own stylesheet, scripts and pictures, nothing inline, framed by nobody.
fn policy(form_action: &[String]) -> String {
    let mut targets = String::from("'self'");
    let whole: usize = form_action.iter().map(|target| target.len() + 1).sum();
    let mut named: Vec<&str> = Vec::new();
    for target in form_action {
        // An app with very many hosts: their schemes say enough, and the policy stays short.
        let target =
            if whole <= MOST_TARGETS { target } else { target.split_inclusive(':').next().unwrap_or_default() };
        if !named.contains(&target) && targets.len() + target.len() < MOST_TARGETS {
            named.push(target);
            targets.push(' ');
            targets.push_str(target);
        }
    }
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// The CSP source that covers a URI: its origin, or the scheme alone where an origin cannot be written (CSP 3 §2.3.1
/// knows no IPv6 address and §6.7.2.8 only the IPv4 address 127.0.0.1) or means nothing (a native app's scheme).
fn form_target(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let scheme = url.scheme();
    if matches!(scheme, "javascript" | "data" | "blob" | "vbscript" | "about" | "file") {
        return None;
    }
    let names_a_host = match url.host() {
        Some(Host::Domain(_)) => true,
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        _ => false,
    };
    let origin = url.origin();
    Some(if names_a_host && origin.is_tuple() { origin.ascii_serialization() } else { format!("{scheme}:") })
}

/// The page for a [`Refusal`].
pub(super) fn refusal(refusal: &Refusal, cx: &Cx, more: impl FnOnce(&mut HttpResponseBuilder)) -> HttpResponse {
    let view = words(refusal, shell(cx)).with_reference(&reference(refusal.code()), &cx.request.id);
    let mut response = HttpResponse::build(refusal.status());
    more(&mut response);
    response.insert_header((header::CONTENT_SECURITY_POLICY, policy(&[])));
    match view.render() {
        Ok(body) => response.content_type(header::ContentType::html()).body(body),
        Err(_) => response.content_type(header::ContentType::plaintext()).body("This did not work.\n"),
    }
}

fn words(refusal: &Refusal, shell: Shell) -> ErrorPage {
    let seconds = refusal.retry_after().unwrap_or(1);
    match refusal.status() {
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
    fn a_form_may_lead_to_the_origin_or_scheme_of_the_app() {
        for (uri, wanted) in [
            ("https://app.example.com/cb?x=1", Some("https://app.example.com")),
            ("https://app.example.com:8443/cb", Some("https://app.example.com:8443")),
            ("http://127.0.0.1:5173/cb", Some("http://127.0.0.1:5173")),
            ("http://localhost:3000/cb", Some("http://localhost:3000")),
            ("http://[::1]:5173/cb", Some("http:")),
            ("https://10.0.0.7/cb", Some("https:")),
            ("myapp://auth/callback", Some("myapp:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("no uri; form-action *", None),
        ] {
            assert_eq!(form_target(uri).as_deref(), wanted, "{uri}");
        }
    }

    #[test]
    fn no_uri_can_write_into_the_policy() {
        for uri in ["https://a.example/;script-src *", "x://a;b/c", "https://a.example, b/", "myapp://a b"] {
            let source = form_target(uri).unwrap_or_default();
            assert!(!source.contains([';', ',', ' ']), "{uri} gave {source}");
        }
    }

    #[test]
    fn the_policy_allows_nothing_unsafe() {
        let policy = policy(&[String::from("https://app.example.com")]);
        assert!(policy.contains("form-action 'self' https://app.example.com;"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn a_reference_is_stable_and_readable() {
        assert_eq!(reference("not_found"), reference("not_found"));
        assert_ne!(reference("not_found"), reference("internal"));
        assert_eq!(reference("internal").len(), 6);
    }
}
