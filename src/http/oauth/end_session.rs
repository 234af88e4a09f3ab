//! RP-initiated logout over HTTP.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use data_encoding::BASE64URL_NOPAD;

use super::authorize::refuse;
use crate::cx::Cx;
use crate::http::extract::{Browser, Pairs, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::{Account, LogOut};
use crate::identity::sessions;
use crate::oauth::authorize::PageRefusal;
use crate::oauth::logout::{self, Decision, Destination};
use crate::oauth::{Error, Params};
use crate::tenant::paths;

/// The purpose of the tag on a waiting logout.
const PURPOSE: &str = "logout";

/// `GET` (RP-Initiated Logout §2).
pub async fn by_query(cx: Cx, query: Query, browser: Browser) -> Result<HttpResponse, Refusal> {
    answer(&cx, query.0, &browser).await
}

/// `POST` (RP-Initiated Logout §2). It comes from the app's site without our cookie, so it is turned into a `GET`.
pub async fn by_form(cx: Cx, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    match Params::from_pairs(pairs.0) {
        Ok(params) => match logout::as_query(&cx, params) {
            Ok(query) => Ok(see(&cx.tenant.urls.path_asking(paths::END_SESSION[0], &query))),
            Err(refusal) => refuse(&cx, &refusal),
        },
        Err(error) => refuse(&cx, &malformed(&error)),
    }
}

/// The refusal of a request whose parameters make no sense.
fn malformed(error: &Error) -> PageRefusal {
    PageRefusal { offers_sign_out: true, ..PageRefusal::malformed(&error.description) }
}

async fn answer(cx: &Cx, pairs: Vec<(String, String)>, browser: &Browser) -> Result<HttpResponse, Refusal> {
    let params = match Params::from_pairs(pairs) {
        Ok(params) => params,
        Err(error) => return refuse(cx, &malformed(&error)),
    };
    match logout::decide(cx, &params, browser.signed_in.as_ref())? {
        Decision::Refuse(refusal) => refuse(cx, &refusal),
        Decision::Confirm(confirmation) => {
            let waiting = LogoutRequest { destination: confirmation.destination };
            confirm_logout(browser, &waiting, confirmation.client_name.as_deref())
        }
        Decision::Go(destination) => leave(browser, destination).await,
        Decision::End(hinted, destination) => {
            sessions::end_hinted(cx, &hinted.client, &hinted.session, &hinted.user).await?;
            leave(browser, destination).await
        }
    }
}

/// Asks on a page, naming the app that wants it; the destination travels with the form, authenticated, so that only a
/// registered one comes back.
pub fn confirm_logout(
    browser: &Browser,
    waiting: &LogoutRequest,
    client_name: Option<&str>,
) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let shell = match client_name {
        Some(name) => shell(cx).for_app(name),
        None => shell(cx),
    };
    let view = LogOut {
        shell,
        csrf: browser.csrf(),
        continue_token: waiting.seal(cx),
        account: browser.signed_in.as_ref().map(|current| Account::of(&current.user)),
        stay_href: cx.tenant.urls.path(paths::HOME),
    };
    Page::of(&view).leading_away(waiting.destination.url.is_some()).answer()
}

/// Ends the session, if there is one, and sends the browser on.
pub async fn leave(browser: &Browser, destination: Destination) -> Result<HttpResponse, Refusal> {
    if let Some(current) = &browser.signed_in {
        sessions::end_own(&browser.cx, current, &current.session.id).await?;
    }
    browser.forget();
    Ok(see(&destination.url.unwrap_or_else(|| browser.cx.tenant.urls.path(paths::LOGOUT))))
}

fn see(url: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::SEE_OTHER)
        .insert_header((header::LOCATION, url))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// A logout that waits for the person's confirmation: the hidden field `continue` of the logout page.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// Where to go afterwards.
    pub destination: Destination,
}

impl LogoutRequest {
    /// The token; empty when there is nowhere to go.
    pub fn seal(&self, cx: &Cx) -> String {
        let Some(url) = &self.destination.url else { return String::new() };
        format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(url.as_bytes()),
            cx.app.mac.sign(cx.tenant.purpose(PURPOSE), url.as_bytes())
        )
    }

    /// Reads a token back; a request with nowhere to go when it is empty or not ours.
    pub fn open(cx: &Cx, token: &str) -> Self {
        let url = token.split_once('.').and_then(|(body, tag)| {
            let body = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
            cx.app.mac.verify(cx.tenant.purpose(PURPOSE), &body, tag).then_some(body)
        });
        Self { destination: Destination { url: url.and_then(|url| String::from_utf8(url).ok()) } }
    }
}
