//! The page behind a set-up link.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::forms::{go, mistakes, stale_form};
use super::sign_up;
use crate::cx::Cx;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::{FormErrors, SetUp, SetUpClosed, SetUpRefusal};
use crate::identity::Error;
use crate::identity::links::{self, LinkState};
use crate::tenant::paths;

/// `GET /setup?token=…`
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let token = query.find("token").unwrap_or_default();
    if let LinkState::Recover(_) = links::inspect(&browser.cx, token)? {
        // What older versions printed for a lost password.
        return Ok(go(&browser.cx.tenant.urls.path_with(paths::RESET_PASSWORD, "token", token)));
    }
    form(&browser, token, Draft::default(), StatusCode::OK)
}

/// `POST /setup`
pub async fn submit(cx: Cx, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let token = fields.text("token");
    let draft = |errors| Draft { name: fields.text("name").to_owned(), email: fields.text("email").to_owned(), errors };
    if browser.own_form(&fields).is_err() {
        return form(&browser, token, draft(stale_form(&browser, &fields)), StatusCode::FORBIDDEN);
    }
    let done = match links::inspect(&cx, token)? {
        LinkState::Setup => set_up(&cx, &browser, &fields).await,
        LinkState::Recover(_) | LinkState::Invalid => Err(Error::InvalidLink),
    };
    match done {
        Ok(()) => Ok(go(&cx.tenant.urls.path(paths::HOME))),
        Err(Error::InvalidLink) => form(&browser, token, Draft::default(), StatusCode::OK),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            form(&browser, token, draft(errors), status)
        }
    }
}

async fn set_up(cx: &Cx, browser: &Browser, fields: &Fields) -> Result<(), Error> {
    let success = links::redeem_setup(cx, fields.text("token"), sign_up::account(fields)).await?;
    browser.keep(&success);
    Ok(())
}

/// What the form is drawn with.
#[derive(Default)]
struct Draft {
    name: String,
    email: String,
    errors: FormErrors,
}

fn form(browser: &Browser, token: &str, draft: Draft, status: StatusCode) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    if !matches!(links::inspect(cx, token)?, LinkState::Setup) {
        return closed(cx, token);
    }
    let (csrf, token) = (browser.csrf(), token.to_owned());
    let view = SetUp { shell: shell(cx), csrf, token, errors: draft.errors, name: draft.name, email: draft.email };
    Page::of(&view).status(status).answer()
}

/// Where nobody has an account yet: how the first one is made, in the place of a page on which nobody could sign in.
pub(super) fn awaited(cx: &Cx) -> Result<Option<HttpResponse>, Refusal> {
    if !links::nobody_is_here(cx)? {
        return Ok(None);
    }
    let view = SetUpClosed { shell: shell(cx), reason: SetUpRefusal::Awaited, sign_in_href: None };
    Page::of(&view).answer().map(Some)
}

fn closed(cx: &Cx, token: &str) -> Result<HttpResponse, Refusal> {
    let is_open = links::setup_is_open(cx)?;
    let reason = match (is_open, token.is_empty()) {
        (false, _) => SetUpRefusal::Finished,
        (true, true) => SetUpRefusal::Missing,
        (true, false) => SetUpRefusal::Invalid,
    };
    let sign_in_href = (!is_open).then(|| cx.tenant.urls.path(paths::SIGN_IN));
    let view = SetUpClosed { shell: shell(cx), reason, sign_in_href };
    Page::of(&view).status(StatusCode::FORBIDDEN).answer()
}
