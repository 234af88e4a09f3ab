//! The sign-in page, and the page that asks which account to go on with.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::flow::{self, Flow};
use super::forms::{go, mistakes, stale_form};
use super::set_up;
use crate::config::Registration;
use crate::cx::Cx;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::respond::Refusal;
use crate::http::respond::page::Page;
use crate::http::views::{Account, ChooseAccount, Confirm, FormErrors, SignIn};
use crate::identity::Error;
use crate::identity::authentication;
use crate::identity::interaction::own_path;
use crate::identity::next_step::NextStep;
use crate::identity::sign_in::{self, Attempt, Outcome, Visit};
use crate::records::{ProofKind, User};
use crate::tenant::paths;

/// `GET /sign-in?continue=…` from an app's request, `?redirectTo=/path` from an Auther page. Shows the form to people
/// who are signed in as well: a page that sent them back at once could send them round in circles.
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let own = |text| own_path(&browser.cx, text);
    let text = query.find("continue").or_else(|| query.find("redirectTo").and_then(own));
    let flow = Flow::read(&browser, text.unwrap_or_default())?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    if browser.signed_in.is_none()
        && let Some(answer) = set_up::awaited(&browser.cx)?
    {
        return Ok(answer);
    }
    let wants_other = query.find("other").is_some();
    let hint = match flow.app().and_then(|waiting| waiting.view.identifier.clone()) {
        Some(hint) => hint,
        // Who has begun to sign in here goes on as the same person.
        None => begun(&browser, &flow)?.unwrap_or_default(),
    };
    form(&browser, &flow, FormErrors::none(), if wants_other { "" } else { &hint }, wants_other)?.answer(StatusCode::OK)
}

/// The address of the person who has begun to sign in here, for what the page goes on with, where the password is asked
/// for next.
fn begun(browser: &Browser, flow: &Flow) -> Result<Option<String>, Refusal> {
    let authentication = browser.authentication();
    let visit = visit(browser, flow, authentication.as_deref());
    Ok(match authentication::waiting(&browser.cx, &visit)? {
        Some((user, NextStep::Ask(kinds))) if kinds.contains(&ProofKind::Password) => Some(user.email),
        _ => None,
    })
}

/// Where a proof is given, and what for.
fn visit<'a>(browser: &'a Browser, flow: &'a Flow, authentication: Option<&'a str>) -> Visit<'a> {
    Visit {
        browser: Some(browser.name()),
        replaces: browser.signed_in.as_ref(),
        authentication,
        resume: flow.interaction(),
        wanted: flow.wanted(),
    }
}

/// `POST /sign-in`
pub async fn submit(cx: Cx, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let flow = Flow::read(&browser, fields.text("continue"))?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let identifier = fields.text("identifier");
    if browser.own_form(&fields).is_err() {
        let is_named = browser.signed_in.as_ref().is_some_and(|person| is_called(&person.user, identifier));
        if is_named && browser.is_out_of_date(&fields) {
            return Ok(go(&flow.next(&cx)));
        }
        return form(&browser, &flow, stale_form(&browser, &fields), identifier, false)?.answer(StatusCode::FORBIDDEN);
    }
    let blank = FormErrors::blank(identifier.trim().is_empty(), fields.text("password").is_empty());
    if blank.any() {
        return form(&browser, &flow, blank, identifier, false)?.answer(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (password, device, authentication) = (fields.secret("password"), browser.device(), browser.authentication());
    let visit = visit(&browser, &flow, authentication.as_deref());
    let attempt = Attempt { identifier, password: &password, device: device.as_deref(), visit };
    let error = match sign_in::with_password(&cx, attempt).await {
        Ok(Outcome::SignedIn(success)) => {
            browser.keep(&success);
            return Ok(go(&flow.signed_in(&cx, &success.signed_in.session.id)));
        }
        Ok(Outcome::Waits(waiting)) => {
            browser.wait(&waiting);
            return Ok(go(&cx.tenant.urls.path_with(paths::SIGN_IN, "continue", flow.token())));
        }
        Err(error) => error,
    };
    let pause = match &error {
        Error::Delayed { retry_after_seconds } => Some(*retry_after_seconds),
        Error::InvalidCredentials => sign_in::pause(&cx, attempt)?,
        _ => None,
    };
    let (status, errors) = mistakes(error)?;
    form(&browser, &flow, errors, identifier, false)?.after(pause).answer(status)
}

/// Whether what was typed names this person, or nobody.
fn is_called(user: &User, identifier: &str) -> bool {
    let typed = identifier.trim();
    let is_it = |name: &str| name.eq_ignore_ascii_case(typed);
    typed.is_empty() || is_it(&user.email) || user.username.as_deref().is_some_and(is_it)
}

/// The form, ready to be sent.
struct Form<'a> {
    view: SignIn,
    flow: &'a Flow,
}

impl Form<'_> {
    /// The form that is heard in so many seconds.
    fn after(mut self, pause: Option<u64>) -> Self {
        self.view.pause = pause;
        self
    }

    fn answer(self, status: StatusCode) -> Result<HttpResponse, Refusal> {
        let mut answer = Page::of(&self.view).status(status).leading_away(self.flow.leads_away()).answer()?;
        if let Some(seconds) = self.view.pause {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(answer)
    }
}

fn form<'a>(
    browser: &Browser,
    flow: &'a Flow,
    errors: FormErrors,
    identifier: &str,
    wants_other: bool,
) -> Result<Form<'a>, Refusal> {
    let cx = &browser.cx;
    let confirm = if wants_other { None } else { confirm(browser, flow, identifier) };
    let identifier = match (&confirm, &browser.signed_in) {
        (Some(_), Some(person)) => person.user.email.clone(),
        _ => identifier.to_owned(),
    };
    let open = cx.settings().registration == Registration::Open;
    let view = SignIn {
        shell: flow.shell(cx),
        csrf: browser.csrf(),
        continue_token: flow.token().to_owned(),
        errors,
        identifier,
        pause: None,
        confirm,
        sign_up_href: open.then(|| cx.tenant.urls.path_with(paths::SIGN_UP, "continue", flow.token())),
    };
    Ok(Form { view, flow })
}

/// The variant for a person whom an app's request found signed in but not freshly enough. Not when the app expects
/// somebody else.
fn confirm(browser: &Browser, flow: &Flow, identifier: &str) -> Option<Confirm> {
    let person = browser.signed_in.as_ref()?;
    let waiting = flow.app()?;
    let same_session = waiting.interaction.session.as_ref() == Some(&person.session.id);
    let names = [Some(person.user.email.as_str()), person.user.username.as_deref()];
    let expected = identifier.is_empty() || names.iter().flatten().any(|name| name.eq_ignore_ascii_case(identifier));
    (same_session && expected).then(|| Confirm {
        name: Account::of(&person.user).name,
        other_account_href: browser.cx.tenant.urls.other_account(&waiting.token),
    })
}

/// `GET /choose-account?continue=…`
pub async fn show_choice(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let flow = Flow::read(&browser, query.find("continue").unwrap_or_default())?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let Some(waiting) = flow.app() else { return flow::stale(cx) };
    let Some(person) = &browser.signed_in else { return Ok(go(&waiting.resume(&browser.cx))) };
    let view = ChooseAccount {
        shell: flow.shell(cx),
        csrf: browser.csrf(),
        continue_token: waiting.token.clone(),
        account: Account::of(&person.user),
    };
    Page::of(&view).leading_away(flow.leads_away()).answer()
}

/// `POST /choose-account`
pub async fn choose(browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let flow = Flow::read(&browser, fields.text("continue"))?;
    if browser.is_out_of_date(&fields) {
        return Ok(go(&flow.next(&browser.cx)));
    }
    browser.own_form(&fields)?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let Some(waiting) = flow.app() else { return flow::stale(&browser.cx) };
    Ok(match (fields.text("action"), &browser.signed_in) {
        ("other", _) => go(&browser.cx.tenant.urls.other_account(&waiting.token)),
        (_, Some(person)) => go(&waiting.resumed_as(&browser.cx, &waiting.interaction.chosen_in(&person.session.id))),
        (_, None) => go(&waiting.resume(&browser.cx)),
    })
}
