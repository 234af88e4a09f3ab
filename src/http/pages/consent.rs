//! The consent page.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::flow::{self, Flow};
use super::forms::go;
use crate::http::extract::{Browser, Fields, Query};
use crate::http::oauth;
use crate::http::respond::Refusal;
use crate::http::respond::page::Page;
use crate::http::views::{Account, Consent, ScopeLine};
use crate::oauth::authorize::{self, Visit};
use crate::oauth::grants::Lasts;
use crate::records::User;

/// `GET /consent?continue=…`. Only in the session that the question was made for; any other takes the request up again.
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let flow = Flow::read(&browser, query.find("continue").unwrap_or_default())?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let Some(waiting) = flow.app() else { return flow::stale(cx) };
    let person = browser.signed_in.as_ref();
    let Some(person) = person.filter(|person| waiting.interaction.session.as_ref() == Some(&person.session.id)) else {
        return Ok(go(&waiting.resume(&browser.cx)));
    };
    let view = Consent {
        shell: flow.shell(cx),
        csrf: browser.csrf(),
        continue_token: waiting.token.clone(),
        account: Account::of(&person.user),
        scopes: waiting.view.scopes.iter().map(|scope| line(scope, &person.user)).collect(),
        how_long: how_long(waiting.view.lasts),
        return_to: return_to(&waiting.view.redirect_uri),
    };
    Page::of(&view).leading_away(flow.leads_away()).answer()
}

/// `POST /consent`
pub async fn submit(request: HttpRequest, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let flow = Flow::read(&browser, fields.text("continue"))?;
    if browser.is_out_of_date(&fields) {
        return flow.ended(&browser).unwrap_or_else(|| Ok(go(&flow.next(cx))));
    }
    browser.own_form(&fields)?;
    if let Some(answer) = flow.ended(&browser) {
        return answer;
    }
    let Some(waiting) = flow.app() else { return flow::stale(cx) };
    let Some(person) = &browser.signed_in else { return Ok(go(&waiting.resume(&browser.cx))) };
    let allow = match fields.text("action") {
        "allow" => true,
        "deny" => false,
        "switch" => return Ok(go(&cx.tenant.urls.other_account(&waiting.token))),
        _ => return Err(Refusal::malformed("The form does not say whether to allow or to deny.")),
    };
    let visit = Visit { browser: browser.name(), signed_in: Some(person), interaction: Some(&waiting.interaction) };
    let decision = authorize::consent(cx, visit, allow).await?;
    oauth::draw(cx, &request, decision)
}

/// One scope in words, with what the app will really see.
fn line(scope: &str, user: &User) -> ScopeLine {
    let value = match scope {
        "profile" => user.profile.name.clone(),
        "email" => Some(user.email.clone()),
        "phone" => user.profile.phone_number.clone(),
        "address" => user.profile.address.as_ref().and_then(|address| address.formatted.clone()),
        _ => None,
    };
    ScopeLine::of(scope).showing(&value.unwrap_or_default())
}

/// How long the app has access, in a sentence.
fn how_long(lasts: Lasts) -> String {
    match lasts.renewed {
        None => format!("Each time you sign in to it, it has access for {}.", span(lasts.access)),
        Some((idle, whole)) if idle < whole => {
            format!("It keeps access for up to {}, and loses it after {} without use.", span(whole), span(idle))
        }
        Some((_, whole)) => format!("It keeps access for up to {}.", span(whole)),
    }
}

/// A span of time in the largest unit that it is a whole number of.
fn span(of: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let seconds = of.as_secs();
    let fits = |(size, _): &(u64, &str)| seconds >= *size && seconds.is_multiple_of(*size);
    let (size, unit) = UNITS.into_iter().find(fits).unwrap_or((1, "second"));
    let count = seconds / size;
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// Where both answers lead: a host, or the scheme of an app on the device.
fn return_to(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else { return uri.to_owned() };
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(host)) => host.to_owned(),
        (scheme, _) => format!("{scheme}:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_app_has_access_is_said_in_plain_words() {
        let hour = Duration::from_hours(1);
        let said = |access, renewed| how_long(Lasts { access, renewed });
        assert_eq!(said(hour, None), "Each time you sign in to it, it has access for 1 hour.");
        assert_eq!(said(hour * 3 / 2, None), "Each time you sign in to it, it has access for 90 minutes.");
        assert_eq!(
            said(hour, Some((hour * 24 * 7, hour * 24 * 30))),
            "It keeps access for up to 30 days, and loses it after 7 days without use."
        );
        assert_eq!(said(hour, Some((hour, hour))), "It keeps access for up to 1 hour.");
    }

    #[test]
    fn the_way_back_is_named_by_host_or_scheme() {
        assert_eq!(return_to("https://app.example.com:8443/cb"), "app.example.com");
        assert_eq!(return_to("myapp://auth/callback"), "myapp:");
    }
}
