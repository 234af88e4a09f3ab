//! The authorization endpoint over HTTP: redirects, pages, and JSON for callers that use `fetch`.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::cx::Cx;
use crate::http::extract::{Browser, Pairs, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, reference, shell};
use crate::http::views::{Account, ErrorPage, FormPost, HiddenField, Link, NoAccess};
use crate::identity::interaction::{Interaction, PresentedInteraction, Resume};
use crate::oauth::Params;
use crate::oauth::authorize::{
    self, AccessDenied, AuthorizationResponse, Decision, PageRefusal, ResponseMode, Step, Visit,
};
use crate::tenant::paths;

/// The parameter with which one of our pages sends the browser back.
const INTERACTION: &str = "interaction";

/// `GET` (OIDC Core §3.1.2.1).
pub async fn by_query(cx: Cx, request: HttpRequest, query: Query, browser: Browser) -> Result<HttpResponse, Refusal> {
    let (params, wrong) = Params::collect(query.0);
    if !wrong.is_empty() {
        let decision = authorize::not_taken(&cx, &params, &wrong).await?;
        return draw(&cx, &request, decision);
    }
    let (params, earlier) = match params.find(INTERACTION) {
        None => (params, None),
        Some(token) => match Interaction::open(&cx, token, browser.known_name())? {
            PresentedInteraction::Waiting(earlier) => match &earlier.resume {
                Resume::Authorization(query) => (Params::from_query(query)?, Some(earlier)),
                Resume::Page(_) => return refuse(&cx, &PageRefusal::stale_interaction()),
            },
            // What another browser began, or what waited too long, begins anew as if the app had sent it here.
            PresentedInteraction::Over { resume: Resume::Authorization(query), why } if why.begins_anew(true) => {
                (Params::from_query(&query)?, None)
            }
            PresentedInteraction::Over { resume: Resume::Authorization(query), why } => {
                return refuse(&cx, &PageRefusal::over(why, &query));
            }
            PresentedInteraction::Over { resume: Resume::Page(_), .. }
            | PresentedInteraction::Nothing
            | PresentedInteraction::Unknown => {
                return refuse(&cx, &PageRefusal::stale_interaction());
            }
        },
    };
    let visit =
        Visit { browser: browser.name(), signed_in: browser.signed_in.as_ref(), interaction: earlier.as_deref() };
    let decision = authorize::decide(&cx, &params, visit).await?;
    if matches!(decision, Decision::Ask { .. } | Decision::DenyAccess(_)) {
        // A script may not keep the cookie that comes with its answer. The browser gets it when it opens the request
        // itself.
        if browser.known_name().is_none() && is_by_script(&request) {
            return Ok(go(&request, cx.tenant.urls.url_asking(paths::AUTHORIZE[0], &params.to_query())));
        }
        browser.remember();
    }
    draw(&cx, &request, decision)
}

/// `POST` (OIDC Core §3.1.2.1). It comes from the app's site, so the session cookie is not with it (SameSite=Lax): it
/// is turned into a `GET` of the same request, which carries it.
pub async fn by_form(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let (params, wrong) = Params::collect(pairs.0);
    if !wrong.is_empty() {
        let decision = authorize::not_taken(&cx, &params, &wrong).await?;
        return draw(&cx, &request, decision);
    }
    match authorize::as_query(&cx, params) {
        Ok(query) => Ok(go(&request, cx.tenant.urls.path_asking(paths::AUTHORIZE[0], &query))),
        Err(refusal) => refuse(&cx, &refusal),
    }
}

/// Turns a decision into what the browser gets. The consent page's handler answers with it too.
pub fn draw(cx: &Cx, request: &HttpRequest, decision: Decision) -> Result<HttpResponse, Refusal> {
    match decision {
        Decision::Refuse(refusal) => refuse(cx, &refusal),
        Decision::Respond(response) => respond(cx, request, &response),
        Decision::DenyAccess(denied) => deny_access(cx, *denied),
        Decision::Ask { step, interaction } => {
            let page = match step {
                Step::SignIn => paths::SIGN_IN,
                Step::ChooseAccount => paths::CHOOSE_ACCOUNT,
                Step::Consent => paths::CONSENT,
            };
            Ok(go(request, cx.tenant.urls.path_with(page, "continue", &interaction)))
        }
    }
}

fn respond(cx: &Cx, request: &HttpRequest, response: &AuthorizationResponse) -> Result<HttpResponse, Refusal> {
    match response.mode {
        ResponseMode::Query => Ok(go(request, response.location())),
        ResponseMode::FormPost => {
            let view = FormPost::new(shell(cx), &response.redirect_uri, response.parameters.iter().cloned());
            Page::of(&view).leading_away(true).answer()
        }
    }
}

/// Tells a person that the app is not open to them. The person who is asked for access finds the reference in the audit
/// log.
fn deny_access(cx: &Cx, denied: AccessDenied) -> Result<HttpResponse, Refusal> {
    let AccessDenied { client_name, user, interaction, back } = denied;
    let (back_href, back_fields) = match back.mode {
        ResponseMode::Query => (back.location(), Vec::new()),
        ResponseMode::FormPost => {
            let fields = back.parameters.iter().cloned();
            (back.redirect_uri.clone(), fields.map(|(name, value)| HiddenField { name, value }).collect())
        }
    };
    let view = NoAccess {
        shell: shell(cx).for_app(&client_name),
        account: Account::of(&user),
        other_account_href: cx.tenant.urls.other_account(&interaction),
        back_href,
        back_fields,
        reference: cx.request.id.clone(),
    };
    Page::of(&view).status(StatusCode::FORBIDDEN).leading_away(true).answer()
}

/// A redirect that turns every method into `GET` (RFC 9110 §15.4.4 for a form, §15.4.3 otherwise), or its JSON form for
/// a caller that could not follow it to another origin.
fn go(request: &HttpRequest, url: String) -> HttpResponse {
    if is_by_script(request) {
        return HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(json!({ "redirect": true, "url": url }));
    }
    let status =
        if request.method() == actix_web::http::Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    HttpResponse::build(status)
        .insert_header((header::LOCATION, url))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

fn is_by_script(request: &HttpRequest) -> bool {
    request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "cors")
}

/// An error that must not be redirected (RFC 6749 §4.1.2.1).
pub fn refuse(cx: &Cx, refusal: &PageRefusal) -> Result<HttpResponse, Refusal> {
    tracing::warn!(request_id = %cx.request.id, title = %refusal.title, facts = ?refusal.facts, "authorization request refused");
    let words = [refusal.title.as_str(), refusal.message.as_str(), refusal.next_step.as_str()];
    let mut view = ErrorPage::new(shell(cx), StatusCode::BAD_REQUEST.as_u16(), words);
    if refusal.blames_app() {
        view = view.of_wrong_app(refusal.app.as_deref());
    }
    for (label, value) in &refusal.facts {
        view = view.with_detail(label, value);
    }
    if let Some((sent, registered)) = &refusal.compared {
        view = view.with_difference(("sent", sent), ("registered", registered));
    }
    if let Some(query) = &refusal.again {
        let href = cx.tenant.urls.path_asking(paths::AUTHORIZE[0], query);
        view = view.with_action(Link { href, label: String::from("Start again") });
    }
    if refusal.offers_sign_out {
        view = view.with_action(Link { href: cx.tenant.urls.path(paths::LOGOUT), label: String::from("Sign out") });
    }
    let view = view.with_reference(&reference(&refusal.title), &cx.request.id);
    Page::of(&view).status(StatusCode::BAD_REQUEST).answer()
}
