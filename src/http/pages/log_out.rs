//! The page that asks before signing out, and the one that says it is done.

use actix_web::HttpResponse;

use crate::http::extract::{Browser, Fields};
use crate::http::oauth::{self, LogoutRequest};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::LoggedOut;
use crate::tenant::paths;

/// `GET /logout`: asks, or says that nobody is signed in.
pub async fn show(browser: Browser) -> Result<HttpResponse, Refusal> {
    if browser.signed_in.is_some() {
        return oauth::confirm_logout(&browser, &LogoutRequest::default(), None);
    }
    let sign_in_href = browser.cx.tenant.urls.path(paths::SIGN_IN);
    let view = LoggedOut { shell: shell(&browser.cx), return_href: None, sign_in_href };
    Page::of(&view).answer()
}

/// `POST /logout`: ends the session and sends the browser where the app's logout request asked. Asks again where the
/// page is older than the session.
pub async fn submit(browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let waiting = LogoutRequest::open(&browser.cx, fields.text("continue"));
    if browser.is_out_of_date(&fields) {
        return match &browser.signed_in {
            Some(_) => oauth::confirm_logout(&browser, &waiting, None),
            None => oauth::leave(&browser, waiting.destination).await,
        };
    }
    browser.own_form(&fields)?;
    oauth::leave(&browser, waiting.destination).await
}
