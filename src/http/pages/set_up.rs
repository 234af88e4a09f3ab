//! The page behind a set-up or recovery link.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::forms::{go, mistakes, stale_form};
use super::sign_up;
use crate::base::Secret;
use crate::cx::Cx;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::{FormErrors, SetUp, SetUpClosed, SetUpRefusal};
use crate::identity::Error;
use crate::identity::links::{self, LinkState};
use crate::identity::sign_in::{self, Attempt, Outcome, Visit};
use crate::tenant::paths;

/// `GET /setup?token=…`
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let token = query.find("token").unwrap_or_default();
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
        LinkState::Recover(_) => recover(&cx, &browser, token, &fields.secret("password")).await,
        LinkState::Invalid => Err(Error::InvalidLink),
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

/// Sets the password and signs in with it. The browser is recognised in between, so that strangers who guess at the
/// account do not keep its owner waiting.
async fn recover(cx: &Cx, browser: &Browser, token: &str, password: &Secret<String>) -> Result<(), Error> {
    let visit = Visit { browser: Some(browser.name()), replaces: browser.signed_in.as_ref(), ..Visit::default() };
    let recovered = links::redeem_recovery(cx, token, password, visit).await?;
    browser.recognise(&recovered.device);
    let waiting = match recovered.outcome {
        Some(Outcome::SignedIn(success)) => {
            browser.keep(&success);
            return Ok(());
        }
        Some(Outcome::Waits(waiting)) => Some(waiting),
        None => None,
    };
    let begun = waiting.as_ref().map(|waiting| waiting.token.expose().as_str());
    let visit = Visit { authentication: begun, ..visit };
    let attempt = Attempt { identifier: &recovered.user.email, password, device: Some(&recovered.device), visit };
    match sign_in::with_password(cx, attempt).await {
        Ok(Outcome::SignedIn(success)) => browser.keep(&success),
        Ok(Outcome::Waits(next)) => browser.wait(&next),
        // The password is set; the sign-in page says what is in the way, and goes on from the link.
        Err(Error::InvalidCredentials | Error::Delayed { .. } | Error::Busy { .. }) => {
            browser.forget();
            waiting.iter().for_each(|waiting| browser.wait(waiting));
        }
        Err(error) => return Err(error),
    }
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
    let (recovers, name, email) = match links::inspect(cx, token)? {
        LinkState::Setup => (false, draft.name, draft.email),
        LinkState::Recover(user) => (true, String::new(), user.email),
        LinkState::Invalid => return closed(cx, token),
    };
    let (csrf, token) = (browser.csrf(), token.to_owned());
    let view = SetUp { shell: shell(cx), csrf, token, errors: draft.errors, recovers, name, email };
    Page::of(&view).status(status).answer()
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
