//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2, §3).

use serde_json::Value;

use super::authorize::PageRefusal;
use super::{Error, Params, access_token, clients, redirect};
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
    /// End the session that the hint names and answer.
    Go(Destination),
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

/// Decides. No confirmation is needed when the request proves with an id token of this very session that it comes from
/// an app the person is signed in to, or when nobody is signed in.
pub fn decide(cx: &Cx, params: &Params, signed_in: Option<&SignedIn>) -> Result<Decision, Error> {
    let hint = match params.find("id_token_hint") {
        None => None,
        Some(token) => match access_token::genuine_id_token(cx, token) {
            Some(claims) => Some(claims),
            None => return Ok(Decision::Refuse(foreign_hint())),
        },
    };
    let text = |name: &str| hint.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
    let audience = text("azp").or_else(|| text("aud"));
    let client_id = match (audience, params.find("client_id")) {
        (Some(hinted), Some(named)) if hinted != named => return Ok(Decision::Refuse(two_clients())),
        (hinted, named) => hinted.or(named),
    };
    let client = match client_id {
        Some(id) => clients::find_live(cx, id).map_err(Error::internal)?,
        None => None,
    };
    let destination = match destination(params, client.as_ref()) {
        Ok(destination) => destination,
        Err(refusal) => return Ok(Decision::Refuse(*refusal)),
    };
    let Some(current) = signed_in else { return Ok(Decision::Go(destination)) };
    if text("sid") == Some(current.session.id.as_str()) {
        return Ok(Decision::Go(destination));
    }
    Ok(Decision::Confirm(Confirmation { client_name: client.map(|client| client.name), destination }))
}

/// "The value MUST have been previously registered with the OP" (§3.1), and some client must be known to have
/// registered it (§2).
fn destination(params: &Params, client: Option<&Client>) -> Result<Destination, Box<PageRefusal>> {
    let Some(sent) = params.find("post_logout_redirect_uri") else { return Ok(Destination::default()) };
    let registered =
        client.is_some_and(|client| redirect::is_registered(sent, &client.post_logout_redirect_uris, false));
    if !registered {
        return Err(Box::new(PageRefusal {
            code: "post_logout_redirect_uri_mismatch",
            title: String::from("The app cannot be returned to"),
            message: match client {
                Some(client) => format!(
                    "The app {} asks to return to an address after signing out that is not registered for it. \
                     You are still signed in.",
                    isolated(&client.name)
                ),
                None => String::from(
                    "The request asks to return to an address but does not say which app it is for. You are still signed in.",
                ),
            },
            next_step: match client {
                Some(_) => String::from("Add it to the app's post-logout redirect URIs, or correct the app."),
                None => String::from("Send id_token_hint or client_id with the request."),
            },
            facts: vec![(String::from("sent"), sent.chars().take(300).collect())],
            compared: None,
            again: None,
        }));
    }
    let state = params.find("state").map(|state| (String::from("state"), state.to_owned()));
    Ok(Destination { url: Some(redirect::with_query(sent, state.as_slice())) })
}

fn foreign_hint() -> PageRefusal {
    PageRefusal {
        code: "foreign_id_token_hint",
        title: String::from("Signing out did not work"),
        message: String::from(
            "The id_token_hint of the request is not an id token of this server. You are still signed in.",
        ),
        next_step: String::from("Go to the logout page of this server to sign out, and correct the app."),
        facts: Vec::new(),
        compared: None,
        again: None,
    }
}

fn two_clients() -> PageRefusal {
    PageRefusal {
        code: "two_clients",
        title: String::from("Signing out did not work"),
        message: String::from(
            "The client_id and the id_token_hint of the request name different apps. You are still signed in.",
        ),
        next_step: String::from("Go to the logout page of this server to sign out, and correct the app."),
        facts: Vec::new(),
        compared: None,
        again: None,
    }
}
