//! The sign-up page.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::flow::Flow;
use super::forms::{go, mistakes, stale_form};
use crate::config::Registration;
use crate::cx::Cx;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::Page;
use crate::http::views::{FormErrors, Link, Notice, SignUp, SignUpClosed, SignUpRefusal};
use crate::identity::sign_up::{self, NewAccount};
use crate::identity::{Error, invites};
use crate::tenant::paths;

/// What the form is drawn with.
#[derive(Default)]
struct Draft {
    invite: String,
    name: String,
    email: String,
    errors: FormErrors,
}

/// `GET /sign-up?invite=…&continue=…`; with `created=1` it says that the account is there.
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let flow = Flow::read(&browser, query.find("continue").unwrap_or_default())?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    if query.find("created").is_some() {
        let next = Link { href: sign_in_href(cx, &flow), label: "Sign in".to_owned() };
        return Page::of(&Notice::account_created(flow.shell(cx), next)).leading_away(flow.leads_away()).answer();
    }
    let invite = query.find("invite").unwrap_or_default().to_owned();
    form(&browser, &flow, Draft { invite, ..Draft::default() }, StatusCode::OK)
}

/// `POST /sign-up`. The answer is the same whether the address is new or taken: who has the account signs in next.
pub async fn submit(cx: Cx, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let flow = Flow::read(&browser, fields.text("continue"))?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let draft = |errors| Draft {
        invite: fields.text("invite").to_owned(),
        name: fields.text("name").to_owned(),
        email: fields.text("email").to_owned(),
        errors,
    };
    if browser.own_form(&fields).is_err() {
        return form(&browser, &flow, draft(stale_form(&browser, &fields)), StatusCode::FORBIDDEN);
    }
    let invite = Some(fields.text("invite")).filter(|token| !token.is_empty());
    match sign_up::register(&cx, account(&fields), invite).await {
        Ok(_) => Ok(go(&created(&cx, &flow))),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            form(&browser, &flow, draft(errors), status)
        }
    }
}

/// What a person says about themselves in a form.
pub(super) fn account(fields: &Fields) -> NewAccount {
    let text = |name| Some(fields.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    NewAccount {
        email: fields.text("email").to_owned(),
        password: fields.secret("password"),
        username: text("username"),
        name: text("name"),
        picture: None,
    }
}

fn created(cx: &Cx, flow: &Flow) -> String {
    let urls = &cx.tenant.urls;
    match flow.token() {
        "" => urls.path_with(paths::SIGN_UP, "created", "1"),
        token => format!("{}&created=1", urls.path_with(paths::SIGN_UP, "continue", token)),
    }
}

fn sign_in_href(cx: &Cx, flow: &Flow) -> String {
    cx.tenant.urls.path_with(paths::SIGN_IN, "continue", flow.token())
}

fn form(browser: &Browser, flow: &Flow, draft: Draft, status: StatusCode) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let sign_in_href = Some(sign_in_href(cx, flow));
    let invited = match invited(cx, &draft.invite)? {
        Ok(invited) => invited,
        Err(reason) => {
            let view = SignUpClosed { shell: flow.shell(cx), reason, sign_in_href };
            return Page::of(&view).status(StatusCode::FORBIDDEN).leading_away(flow.leads_away()).answer();
        }
    };
    let view = SignUp {
        shell: flow.shell(cx),
        csrf: browser.csrf(),
        continue_token: flow.token().to_owned(),
        errors: draft.errors,
        invite: draft.invite,
        name: draft.name,
        email_fixed: invited.is_some(),
        email: invited.unwrap_or(draft.email),
        sign_in_href,
    };
    Page::of(&view).status(status).leading_away(flow.leads_away()).answer()
}

/// The address an invitation is for, if there is an invitation and it is for one; or why nobody can sign up with this.
fn invited(cx: &Cx, token: &str) -> Result<Result<Option<String>, SignUpRefusal>, Refusal> {
    if cx.settings().registration == Registration::Closed {
        return Ok(Err(SignUpRefusal::Closed));
    }
    if token.is_empty() {
        let needed = cx.settings().registration == Registration::Invite;
        return Ok(if needed { Err(SignUpRefusal::InviteNeeded) } else { Ok(None) });
    }
    match invites::check(cx, token, None) {
        Ok(invite) => Ok(Ok(invite.email)),
        Err(Error::InvalidInvite) => Ok(Err(SignUpRefusal::InviteInvalid)),
        Err(error) => Err(error.into()),
    }
}
