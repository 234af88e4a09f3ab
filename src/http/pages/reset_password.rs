//! Forgotten passwords: who helps, and the page behind the link that they give.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use super::forms::{go, mistakes, stale_form};
use crate::base::Secret;
use crate::cx::Cx;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::{ForgotPassword, FormErrors, LinkNeeded, ResetPassword};
use crate::identity::Error;
use crate::identity::links::{self, LinkState};
use crate::identity::sign_in::{self, Attempt, Outcome, Visit};
use crate::tenant::paths;

/// `GET /reset-password?token=…`. Changes nothing: mail scanners and previews open links.
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    form(&browser, query.find("token").unwrap_or_default(), FormErrors::none(), StatusCode::OK)
}

/// `POST /reset-password`
pub async fn submit(cx: Cx, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let token = fields.text("token");
    if browser.own_form(&fields).is_err() {
        return form(&browser, token, stale_form(&browser, &fields), StatusCode::FORBIDDEN);
    }
    match set(&cx, &browser, token, &fields.secret("password")).await {
        Ok(()) => Ok(go(&cx.tenant.urls.path(paths::HOME))),
        Err(Error::InvalidLink) => closed(&cx),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            form(&browser, token, errors, status)
        }
    }
}

/// Sets the password and signs in with it. The browser is recognised in between, so that strangers who guess at the
/// account do not keep its owner waiting.
async fn set(cx: &Cx, browser: &Browser, token: &str, password: &Secret<String>) -> Result<(), Error> {
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

fn form(browser: &Browser, token: &str, errors: FormErrors, status: StatusCode) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let LinkState::Recover(user) = links::inspect(cx, token)? else { return closed(cx) };
    let (csrf, token) = (browser.csrf(), token.to_owned());
    let is_first = user.password.is_none();
    let view = ResetPassword { shell: shell(cx), csrf, token, errors, is_first, email: user.email };
    Page::of(&view).status(status).answer()
}

fn closed(cx: &Cx) -> Result<HttpResponse, Refusal> {
    Page::of(&needed(cx, LinkNeeded::Invalid)).status(StatusCode::FORBIDDEN).answer()
}

fn needed(cx: &Cx, reason: LinkNeeded) -> ForgotPassword {
    ForgotPassword { shell: shell(cx), reason, sign_in_href: cx.tenant.urls.path(paths::SIGN_IN) }
}

/// `GET /forgot-password`: this server sends no mail, so people are told who helps.
pub async fn forgot(cx: Cx) -> Result<HttpResponse, Refusal> {
    Page::of(&needed(&cx, LinkNeeded::Forgotten)).answer()
}

/// `GET /.well-known/change-password` (W3C, A Well-Known URL for Changing Passwords, §3).
pub async fn change(cx: Cx) -> Result<HttpResponse, Refusal> {
    let urls = &cx.tenant.urls;
    Ok(HttpResponse::Found().insert_header((header::LOCATION, urls.path_below(paths::ACCOUNT, "security"))).finish())
}
