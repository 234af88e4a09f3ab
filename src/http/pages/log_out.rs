//! The page that asks before signing out, and the one that says it is done.

use actix_web::HttpResponse;

use crate::http::extract::{Browser, Fields};
use crate::http::oauth::{self, LogoutRequest};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::{Account, LogOut, LoggedOut};
use crate::tenant::paths;

/// `GET /logout`: asks, or says that nobody is signed in.
pub async fn show(browser: Browser) -> Result<HttpResponse, Refusal> {
    let (shell, urls) = (shell(&browser.cx), &browser.cx.tenant.urls);
    let Some(person) = &browser.signed_in else {
        let view = LoggedOut { shell, return_href: None, sign_in_href: urls.path(paths::SIGN_IN) };
        return Page::of(&view).answer();
    };
    let view = LogOut {
        shell,
        csrf: browser.csrf(),
        continue_token: String::new(),
        account: Some(Account::of(&person.user)),
        stay_href: urls.path(paths::HOME),
    };
    Page::of(&view).answer()
}

/// `POST /logout`: ends the session and sends the browser where the app's logout request asked.
pub async fn submit(browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    browser.own_form(&fields)?;
    let waiting = LogoutRequest::open(&browser.cx, fields.text("continue"));
    oauth::leave(&browser, waiting.destination).await
}
