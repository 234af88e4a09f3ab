//! The consent page.

use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::flow::{self, Flow};
use super::go;
use super::views::{Account, Consent, ScopeLine};
use crate::http::extract::{Browser, Fields, Query};
use crate::http::oauth;
use crate::http::respond::Refusal;
use crate::http::respond::page::Page;
use crate::http::routes;
use crate::oauth::authorize;
use crate::records::User;

/// `GET /consent?continue=…`. Only in the session that the question was made for; any other takes the request up again.
pub async fn show(browser: Browser, query: Query) -> Result<HttpResponse, Refusal> {
    let cx = &browser.cx;
    let flow = Flow::read(cx, query.find("continue").unwrap_or_default())?;
    let Some(waiting) = flow.app() else { return flow::stale(cx) };
    let person = browser.signed_in.as_ref();
    let Some(person) = person.filter(|person| waiting.interaction.session.as_ref() == Some(&person.session.id)) else {
        return Ok(go(&waiting.resume()));
    };
    let view = Consent {
        shell: flow.shell(cx),
        csrf: browser.csrf(),
        continue_token: waiting.token.clone(),
        account: Account::of(&person.user),
        scopes: waiting.view.scopes.iter().map(|scope| line(scope, &person.user)).collect(),
        return_to: return_to(&waiting.view.redirect_uri),
    };
    Page::of(&view).leading_to(flow.reaches()).answer()
}

/// `POST /consent`
pub async fn submit(request: HttpRequest, browser: Browser, fields: Fields) -> Result<HttpResponse, Refusal> {
    browser.own_form(&fields)?;
    let cx = &browser.cx;
    let flow = Flow::read(cx, fields.text("continue"))?;
    let Some(waiting) = flow.app() else { return flow::stale(cx) };
    let Some(person) = &browser.signed_in else { return Ok(go(&waiting.resume())) };
    let allow = match fields.text("action") {
        "allow" => true,
        "deny" => false,
        "switch" => return Ok(go(&routes::other_account(&waiting.token))),
        _ => return Err(Refusal::malformed("The form does not say whether to allow or to deny.")),
    };
    let decision = authorize::consent(cx, &waiting.interaction, person, allow).await?;
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
    fn the_way_back_is_named_by_host_or_scheme() {
        assert_eq!(return_to("https://app.example.com:8443/cb"), "app.example.com");
        assert_eq!(return_to("myapp://auth/callback"), "myapp:");
    }
}
