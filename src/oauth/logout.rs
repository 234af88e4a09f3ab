//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2, §3).

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::authorize::PageRefusal;
use super::{Error, Params, access_token, clients, redirect};
use crate::base::id::{ClientId, SessionId, TypedId, UserId};
use crate::base::text::isolated;
use crate::cx::Cx;
use crate::identity::sessions::SignedIn;
use crate::records::Client;

/// What happens to a logout request.
#[derive(Debug)]
pub enum Decision {
    /// Show why not; nothing is redirected.
    Refuse(PageRefusal),
    /// Ask the person first (§2: "the OP SHOULD ask the End-User whether to log out").
    Confirm(Confirmation),
    /// End the session of this browser, if it has one, and answer.
    Go(Destination),
    /// Nobody is signed in here; end the session that the hint names, and answer.
    End(Hinted, Destination),
}

/// Whose session a genuine hint names.
#[derive(Clone, Debug)]
pub struct Hinted {
    /// The app that shows it.
    pub client: ClientId,
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
}

/// What the confirmation page needs.
#[derive(Debug)]
pub struct Confirmation {
    /// The app that asks, if it is known.
    pub client_name: Option<String>,
    /// Where to go afterwards.
    pub destination: Destination,
}

/// Where the browser goes after the session has ended.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// Registered with the client; with `state` appended. `None` shows our own page.
    pub url: Option<String>,
}

/// The longest address that a logout leads to, in bytes.
const LONGEST: usize = 2_400;

/// The parameter that takes the place of `id_token_hint` once that was verified, authenticated.
const HINTED: &str = "hinted";

/// The purpose of its tag.
const PURPOSE: &str = "logout-hint";

/// A request that came as a form, as the query of the same request: with what the hint says in the place of it, which
/// is longer than addresses should be. A hint that is none stays none. Errors: one that is too long without it.
pub fn as_query(cx: &Cx, params: Params) -> Result<String, Box<PageRefusal>> {
    let params = match params.find("id_token_hint").map(|token| access_token::genuine_id_token(cx, token)) {
        None => params,
        Some(None) => params.with("id_token_hint", "-"),
        Some(Some(claims)) => {
            let said = ["sub", "sid", "azp", "aud"].into_iter().filter_map(|name| Some((name, claims.get(name)?)));
            let body = json!(said.collect::<BTreeMap<_, _>>()).to_string();
            let tag = cx.app.mac.sign(cx.tenant.purpose(PURPOSE), body.as_bytes());
            let token = format!("{}.{tag}", BASE64URL_NOPAD.encode(body.as_bytes()));
            params.without("id_token_hint").with(HINTED, &token)
        }
    };
    let query = params.to_query();
    if query.len() <= LONGEST { Ok(query) } else { Err(Box::new(too_long())) }
}

/// What a hint says that was verified before.
fn open(cx: &Cx, token: &str) -> Option<Map<String, Value>> {
    let (body, tag) = token.split_once('.')?;
    let body = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
    let is_ours = cx.app.mac.verify(cx.tenant.purpose(PURPOSE), &body, tag);
    is_ours.then(|| serde_json::from_slice(&body).ok()).flatten()
}

fn too_long() -> PageRefusal {
    let why = format!("The request, or the address that it leads to, is longer than {LONGEST} bytes.");
    refusal("request_too_long", ["The app's request is too long", &why, "Make its state shorter."], Vec::new())
}

/// Decides. No confirmation is needed when the request proves with an id token of this very session that it comes from
/// an app the person is signed in to, or when nobody is signed in here. Then an app's server may ask, which has no
/// cookie: the session that its id token names ends.
pub fn decide(cx: &Cx, params: &Params, signed_in: Option<&SignedIn>) -> Result<Decision, Error> {
    let shown = (params.find("id_token_hint"), params.find(HINTED));
    let hint = match shown {
        (None, None) => None,
        (token, hinted) => match token.map_or_else(
            || hinted.and_then(|hinted| open(cx, hinted)),
            |token| access_token::genuine_id_token(cx, token),
        ) {
            Some(claims) => Some(claims),
            None => return Ok(Decision::Refuse(foreign_hint(signed_in))),
        },
    };
    let text = |name: &str| hint.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
    let audience = text("azp").or_else(|| text("aud"));
    let client_id = match (audience, params.find("client_id")) {
        (Some(hinted), Some(named)) if hinted != named => return Ok(Decision::Refuse(two_clients(signed_in))),
        (hinted, named) => hinted.or(named),
    };
    let client = match client_id {
        Some(id) => clients::find(cx, id).map_err(Error::internal)?,
        None => None,
    };
    let asks = Asking { client_id, client: client.as_deref(), signed_in };
    let destination = match destination(params, &asks) {
        Ok(destination) => destination,
        Err(refusal) => return Ok(Decision::Refuse(*refusal)),
    };
    let Some(current) = signed_in else {
        let hinted = client.zip(text("sid").and_then(|id| SessionId::parse(id).ok()));
        let hinted = hinted.zip(text("sub").and_then(|id| UserId::parse(id).ok()));
        let hinted = hinted.map(|((client, session), user)| Hinted { client: client.id.clone(), session, user });
        return Ok(match hinted {
            Some(hinted) => Decision::End(hinted, destination),
            None => Decision::Go(destination),
        });
    };
    if text("sid") == Some(current.session.id.as_str()) {
        return Ok(Decision::Go(destination));
    }
    Ok(Decision::Confirm(Confirmation { client_name: client.map(|client| client.name.clone()), destination }))
}

/// Who asks for a logout.
struct Asking<'a> {
    client_id: Option<&'a str>,
    client: Option<&'a Client>,
    signed_in: Option<&'a SignedIn>,
}

/// What is true of the session after a refusal.
fn still(signed_in: Option<&SignedIn>) -> &'static str {
    if signed_in.is_some() { "You are still signed in." } else { "Nobody is signed in in this browser." }
}

/// "The value MUST have been previously registered with the OP" (§3.1), and some client must be known to have
/// registered it (§2). Nobody is sent to an app that is disabled.
fn destination(params: &Params, asks: &Asking<'_>) -> Result<Destination, Box<PageRefusal>> {
    let Some(sent) = params.find("post_logout_redirect_uri") else { return Ok(Destination::default()) };
    let still = still(asks.signed_in);
    let (why, next_step) = match asks.client {
        Some(client) if client.disabled => (
            format!("The app {} is switched off, so nobody is sent back to it. {still}", isolated(&client.name)),
            "Sign out here, or ask the administrator of this site.",
        ),
        Some(client) if redirect::is_registered(sent, &client.post_logout_redirect_uris, false) => {
            let state = params.find("state").map(|state| (String::from("state"), state.to_owned()));
            let url = redirect::with_query(sent, state.as_slice());
            return if url.len() <= LONGEST { Ok(Destination { url: Some(url) }) } else { Err(Box::new(too_long())) };
        }
        Some(client) => (
            format!(
                "The app {} asks to return to an address after signing out that is not registered for it. {still}",
                isolated(&client.name)
            ),
            "Add it to the app's post-logout redirect URIs, or correct the app.",
        ),
        None if asks.client_id.is_some() => (
            format!("The request asks to return to an address of an app that is not registered here. {still}"),
            "Register the app, or correct the client_id in its configuration.",
        ),
        None => (
            format!("The request asks to return to an address but does not say which app it is for. {still}"),
            "Send id_token_hint or client_id with the request.",
        ),
    };
    let code = if asks.client.is_some_and(|client| client.disabled) {
        "client_disabled"
    } else {
        "post_logout_redirect_uri_mismatch"
    };
    let facts = vec![(String::from("sent"), sent.chars().take(300).collect())];
    Err(Box::new(refusal(code, ["The app cannot be returned to", &why, next_step], facts)))
}

fn refusal(code: &'static str, [title, message, next_step]: [&str; 3], facts: Vec<(String, String)>) -> PageRefusal {
    PageRefusal {
        code,
        title: title.to_owned(),
        message: message.to_owned(),
        next_step: next_step.to_owned(),
        facts,
        compared: None,
        again: None,
        app: None,
        offers_sign_out: true,
    }
}

fn foreign_hint(signed_in: Option<&SignedIn>) -> PageRefusal {
    let why = format!("The id_token_hint of the request is not an id token of this server. {}", still(signed_in));
    refusal(
        "foreign_id_token_hint",
        ["Signing out did not work", &why, "Sign out here, and correct the app."],
        Vec::new(),
    )
}

fn two_clients(signed_in: Option<&SignedIn>) -> PageRefusal {
    let why = format!("The client_id and the id_token_hint of the request name different apps. {}", still(signed_in));
    refusal("two_clients", ["Signing out did not work", &why, "Sign out here, and correct the app."], Vec::new())
}
