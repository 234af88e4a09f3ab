//! The start page, and the page for errors that happened elsewhere.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::set_up;
use crate::base::page::PageRequest;
use crate::config::Registration;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::local_ca;
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, reference, shell};
use crate::http::views::{Account, ErrorPage, Home, Link};
use crate::store::rows;
use crate::tenant::paths;

/// `GET /`
pub async fn show(browser: Browser) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    if browser.signed_in.is_none()
        && let Some(answer) = set_up::awaited(cx)?
    {
        return Ok(answer);
    }
    let is_admin = browser.signed_in.as_ref().is_some_and(|person| person.user.is_admin());
    let first_app = is_admin && has_no_client(cx)?;
    let open = cx.settings().registration == Registration::Open;
    let view = Home {
        shell: shell(cx),
        csrf: browser.signed_in.as_ref().map(|_| browser.csrf()).unwrap_or_default(),
        account: browser.signed_in.as_ref().map(|person| Account::of(&person.user)),
        is_admin,
        first_app,
        issuer: cx.tenant.issuer.clone(),
        discovery: cx.tenant.urls.url(paths::DISCOVERY[0]),
        sign_in_href: cx.tenant.urls.path(paths::SIGN_IN),
        sign_up_href: open.then(|| cx.tenant.urls.path(paths::SIGN_UP)),
        local_ca: local_ca::find(cx)?.map(|ca| ca.fingerprint),
    };
    Page::of(&view).answer()
}

fn has_no_client(cx: &Cx) -> Result<bool, Refusal> {
    let first = PageRequest::new(Some(1), None);
    Ok(rows::clients::page(&cx.read()?, cx.tenant.id, &first)?.items.is_empty())
}

/// `GET /error`: where others may send a person when a sign-in could not be finished. Repeats nothing of what it is
/// sent.
pub async fn error(cx: Cx) -> Result<HttpResponse, Refusal> {
    let why = "The sign-in could not be finished, so nothing was changed.";
    let next_step =
        "Begin again from the app you wanted to open. If it happens twice, ask the people who run this server.";
    let words = ["This sign-in did not work", why, next_step];
    let home = Link { href: cx.tenant.urls.path(paths::HOME), label: "Go to the start page".to_owned() };
    let view = ErrorPage::new(shell(&cx), StatusCode::BAD_REQUEST.as_u16(), words).with_action(home);
    let view = view.with_reference(&reference("sign_in_elsewhere"), &cx.request.id);
    Page::of(&view).status(StatusCode::BAD_REQUEST).answer()
}
