//! An authorization request, checked in the order of the standards: client, redirect URI, then everything whose refusal
//! may be redirected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::response::{self, AuthorizationResponse, ResponseMode, Target};
use crate::base::id::ClientId;
use crate::base::text::isolated;
use crate::cx::Cx;
use crate::identity::interaction::Ended;
use crate::identity::proofs;
use crate::oauth::clients::failures::REDIRECT_URI_MISMATCH;
use crate::oauth::redirect::PlainHttp;
use crate::oauth::{Error, ErrorCode, Params, access_token, claims, clients, pkce, redirect, scope};
use crate::records::{Acr, Client, ClientType, GrantType, Wanted, Why};

/// The longest request, as a query in bytes, without its `id_token_hint`. It travels through our pages in addresses, in
/// a token that is half as long again; no address is longer than 4 KiB.
const LONGEST: usize = 2_400;

/// The parameter that takes the place of `id_token_hint` once that was verified: whom it names.
const SUBJECT_HINT: &str = "subject_hint";

/// Characters of a foreign value that a page shows.
const MAX_SHOWN: usize = 300;

/// A request whose every parameter has been checked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The app that asks.
    pub client: Arc<Client>,
    /// Registered with the client.
    pub redirect_uri: String,
    /// How to answer.
    pub mode: ResponseMode,
    /// To be echoed.
    pub state: Option<String>,
    /// The scopes that are asked for, sorted.
    pub scopes: Vec<String>,
    /// What it asked for and may not have.
    pub ignored_scopes: Vec<String>,
    /// To be put in the id token.
    pub nonce: Option<String>,
    /// S256.
    pub challenge: Option<String>,
    /// The `claims` parameter.
    pub claims: Option<Map<String, Value>>,
    /// What to show or not to show.
    pub prompts: Vec<Prompt>,
    /// How long ago the person may have proved who they are.
    pub max_age: Option<Duration>,
    /// Which level the sign-in is to have.
    pub wanted: Wanted,
    /// Whom the app expects, as it typed it.
    pub login_hint: Option<String>,
    /// `sub` of the id token hint.
    pub hinted_subject: Option<String>,
    /// All parameters, to come back with.
    pub query: String,
}

impl Request {
    /// Whether the app takes an answer about this person: whom it named by an id token or by the claim `sub`, or
    /// anybody.
    pub fn is_about(&self, subject: &str) -> bool {
        self.hinted_subject.as_ref().is_none_or(|hinted| hinted == subject)
            && claims::subject_is_wanted(self.claims.as_ref(), subject)
    }

    /// Where the answer goes.
    pub fn target(&self) -> Target {
        Target { redirect_uri: self.redirect_uri.clone(), mode: self.mode, state: self.state.clone() }
    }
}

/// `prompt` (OIDC Core §3.1.2.1). Unknown values are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// `none`: show no page.
    None,
    /// Prove again who you are.
    Login,
    /// `consent`: ask again what the app may see.
    Consent,
    /// Choose who you are.
    SelectAccount,
}

/// A refusal on an Auther page.
#[derive(Clone, Debug)]
pub struct PageRefusal {
    /// A stable word for programs.
    pub code: &'static str,
    /// One line for the head of the page.
    pub title: String,
    /// What is wrong, for the person who sees the page.
    pub message: String,
    /// What to do, and who can.
    pub next_step: String,
    /// Names and values for the app's developer.
    pub facts: Vec<(String, String)>,
    /// The URI that was sent and the registered one nearest to it.
    pub compared: Option<(String, String)>,
    /// The request's parameters as a query, where the person may begin it anew.
    pub again: Option<String>,
    /// The name of the app, where it is known.
    pub app: Option<String>,
    /// Whether it ended a logout: the person is offered to sign out.
    pub offers_sign_out: bool,
}

impl PageRefusal {
    /// Whether the app or its registration is wrong, which the person in front of the page can neither cause nor mend.
    pub fn blames_app(&self) -> bool {
        !self.offers_sign_out && !matches!(self.code, "interaction_expired" | "client_disabled")
    }

    /// What came back is no request that waited here.
    pub fn stale_interaction() -> Self {
        let words = [
            "This sign-in took too long",
            "The page is too old, or its address is not complete.",
            "Go back to the app and sign in again.",
        ];
        refusal("interaction_expired", words, &[])
    }

    /// A request that waited is not answered any more, or not here; `query` holds its parameters.
    pub fn over(why: Ended, query: &str) -> Self {
        let words = match why {
            Ended::Late => {
                ["This sign-in took too long", "The page was open too long.", "Start again, or go back to the app."]
            }
            Ended::Answered => [
                "This sign-in was finished before",
                "The app has its answer already. A page is good for one answer.",
                "Go back to the app. If you are not signed in there, start again.",
            ],
            Ended::Elsewhere => [
                "This sign-in began in another browser",
                "What was done there does not count here. It may also be that this browser keeps no cookies.",
                "Start again here. If you come back to this page, allow cookies for this site.",
            ],
        };
        Self { again: Some(query.to_owned()), ..refusal("interaction_expired", words, &[]) }
    }

    /// The request's parameters make no sense together; `why` is the rule's sentence.
    pub fn malformed(why: &str) -> Self {
        Self {
            code: "invalid_request",
            title: String::from("The app sent a request that cannot be used"),
            message: why.to_owned(),
            next_step: String::from("Tell the people who run the app; its code must be corrected."),
            facts: vec![(String::from("error"), String::from("invalid_request"))],
            compared: None,
            again: None,
            app: None,
            offers_sign_out: false,
        }
    }
}

/// Why a request is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Shown here: client or redirect URI are not proved.
    Page(Box<PageRefusal>),
    /// Told to the app.
    Redirect(AuthorizationResponse),
    /// Something failed inside the server.
    Internal(Error),
}

/// Checks a request.
pub(super) fn check(cx: &Cx, params: &Params) -> Result<Request, Refusal> {
    let client = client_is_known(cx, params)?;
    is_short(params)?;
    let redirect_uri = redirect_is_registered(&client, params)?;
    let target = Target { redirect_uri, mode: ResponseMode::Query, state: params.find("state").map(str::to_owned) };
    match check_redirectable(cx, params, client, &target) {
        Ok(request) => Ok(request),
        Err((mode, error)) => Err(Refusal::Redirect(response::error(cx, &Target { mode, ..target }, &error))),
    }
}

/// The request with the person that its `id_token_hint` names in the place of that, which may be as long as all the
/// rest. A hint that is none stays none.
pub(super) fn shortened(cx: &Cx, params: Params) -> Params {
    if params.find("id_token_hint").is_none() {
        return params;
    }
    match hinted_subject(cx, &params) {
        Ok(Some(subject)) => params.without("id_token_hint").with(SUBJECT_HINT, &subject),
        Ok(None) | Err(_) => params.with("id_token_hint", "-"),
    }
}

/// Refuses what would make addresses longer than servers on the way take.
pub(super) fn is_short(params: &Params) -> Result<(), Refusal> {
    if params.clone().without("id_token_hint").to_query().len() <= LONGEST {
        return Ok(());
    }
    let message = format!("Together, the parameters of the request have more than {LONGEST} bytes.");
    let next_step =
        "Make state, claims or redirect_uri shorter: keep what belongs to a sign-in in the app, under a short key.";
    Err(page("request_too_long", ["The app's request is too long", &message, next_step], &[]))
}

/// The refusal of a request that is wrong for a reason of its own: told to the app if client and redirect URI are
/// proved.
pub(super) fn refuse(cx: &Cx, params: &Params, error: &Error) -> Refusal {
    let proved = client_is_known(cx, params).and_then(|client| redirect_is_registered(&client, params));
    match proved {
        Ok(redirect_uri) => {
            let mode = response_mode(params).unwrap_or(ResponseMode::Query);
            let target = Target { redirect_uri, mode, state: params.find("state").map(str::to_owned) };
            Refusal::Redirect(response::error(cx, &target, error))
        }
        Err(refusal) => refusal,
    }
}

/// "If the request fails due to a missing, invalid, or mismatching redirection URI, or if the client identifier is
/// missing or invalid, the authorization server … MUST NOT automatically redirect" (RFC 6749 §4.1.2.1).
fn client_is_known(cx: &Cx, params: &Params) -> Result<Arc<Client>, Refusal> {
    let Some(sent) = params.find("client_id") else {
        return Err(page(
            "client_id_missing",
            [
                "The app's sign-in link is incomplete",
                "The request has no client_id.",
                "Complete the app's configuration.",
            ],
            &[],
        ));
    };
    let found = match sent.parse::<ClientId>() {
        Ok(id) => {
            let from = cx.read().map_err(|error| Refusal::Internal(error.into()))?;
            clients::find_in(cx, &from, &id).map_err(|error| Refusal::Internal(error.into()))?
        }
        Err(_) => None,
    };
    match found {
        Some(client) if client.disabled => Err(page(
            "client_disabled",
            [
                "This app is switched off",
                "An administrator has disabled this app, so nobody can sign in to it now.",
                "Ask the administrator of this site.",
            ],
            &[("client_id", sent)],
        )),
        Some(client) => Ok(client),
        None => Err(page(
            "client_unknown",
            [
                "This app is not registered",
                "The app sent a client_id that is not known here.",
                "Register the app, or correct the client_id in its configuration.",
            ],
            &[("client_id", sent)],
        )),
    }
}

/// Exact match, the loopback port of native apps excepted (RFC 9700 §4.1.3, RFC 8252 §7.3).
fn redirect_is_registered(client: &Client, params: &Params) -> Result<String, Refusal> {
    let Some(sent) = params.find("redirect_uri") else {
        return Err(page(
            "redirect_uri_missing",
            [
                "The app's sign-in link is incomplete",
                "The request has no redirect_uri.",
                "Add one to the request that is registered for this app.",
            ],
            &[("client_id", client.id.as_str())],
        ));
    };
    let any_port = client.kind == ClientType::Native;
    if redirect::is_registered(sent, &client.redirect_uris, any_port)
        && redirect::check_registrable(sent, PlainHttp::of(&client.fields)).is_ok()
    {
        return Ok(sent.to_owned());
    }
    let nearest = redirect::nearest(sent, &client.redirect_uris);
    let message = match nearest {
        Some(registered) => format!(
            "The app {} sent a redirect URI that is not registered for it. {}",
            isolated(&client.name),
            difference(sent, registered),
        ),
        None => format!("The app {} has no redirect URI registered.", isolated(&client.name)),
    };
    let is_of_its_hosts = nearest.is_some_and(|registered| redirect::is_on_host_of(sent, registered));
    let next_step = if is_of_its_hosts {
        "Add it to the app's redirect URIs, or correct the app."
    } else {
        "Add it to the app's redirect URIs only if this address belongs to the app: somebody else may have made the link."
    };
    let words = ["The redirect URI is not registered", &message, next_step];
    let mut refusal = refusal(REDIRECT_URI_MISMATCH, words, &[("client_id", client.id.as_str())]);
    refusal.app = Some(client.name.clone());
    let sent: String = sent.chars().take(MAX_SHOWN).collect();
    match nearest {
        Some(registered) => refusal.compared = Some((sent, registered.clone())),
        None => refusal.facts.push((String::from("sent"), sent)),
    }
    Err(Refusal::Page(Box::new(refusal)))
}

/// In what two URIs differ, in words, for the cases that happen most.
fn difference(sent: &str, registered: &str) -> &'static str {
    if sent.strip_suffix('/') == Some(registered) || registered.strip_suffix('/') == Some(sent) {
        "It differs from the registered one by the last slash."
    } else if sent.eq_ignore_ascii_case(registered) {
        "It differs from the registered one by upper and lower case."
    } else if sent.split_once("://").map(|(_, rest)| rest) == registered.split_once("://").map(|(_, rest)| rest) {
        "It differs from the registered one by http and https."
    } else {
        "It differs from the registered one."
    }
}

/// Everything whose refusal goes to the app; with it the mode to answer in.
fn check_redirectable(
    cx: &Cx,
    params: &Params,
    client: Arc<Client>,
    target: &Target,
) -> Result<Request, (ResponseMode, Error)> {
    let mode = response_mode(params).map_err(|error| (ResponseMode::Query, error))?;
    let fail = |error| (mode, error);
    no_request_objects(params).map_err(fail)?;
    response_type_is_code(params).map_err(fail)?;
    client_may_authorize(&client).map_err(fail)?;
    let scope::Asked { scopes, ignored } = scope::requested(&params.words("scope"), &client).map_err(fail)?;
    let challenge = pkce::challenge(params, &client).map_err(fail)?;
    let prompts = prompts(params).map_err(fail)?;
    let max_age = max_age(params).map_err(fail)?;
    let claims = claims::requested(params.find("claims")).map_err(fail)?;
    let wanted = wanted_acr(params, claims.as_ref()).map_err(fail)?;
    let hinted_subject = hinted_subject(cx, params).map_err(fail)?;
    Ok(Request {
        client,
        redirect_uri: target.redirect_uri.clone(),
        mode,
        state: target.state.clone(),
        scopes,
        ignored_scopes: ignored,
        nonce: params.find("nonce").map(str::to_owned),
        challenge,
        claims,
        prompts,
        max_age,
        wanted,
        login_hint: params.find("login_hint").filter(|hint| hint.len() <= 256).map(str::to_owned),
        query: match &hinted_subject {
            Some(subject) => params.clone().without("id_token_hint").with(SUBJECT_HINT, subject).to_query(),
            None => params.to_query(),
        },
        hinted_subject,
    })
}

/// `query` unless `form_post` is asked for (OAuth 2.0 Multiple Response Types §2.1). A code never travels in a
/// fragment.
fn response_mode(params: &Params) -> Result<ResponseMode, Error> {
    match params.find("response_mode") {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(_) => Err(Error::invalid_request("The parameter `response_mode` must be query or form_post.")),
    }
}

/// OIDC Core §6: request objects are not supported, and the errors for that are registered.
fn no_request_objects(params: &Params) -> Result<(), Error> {
    if params.find("request").is_some() {
        return Err(Error::new(ErrorCode::RequestNotSupported, "The parameter `request` is not supported."));
    }
    if params.find("request_uri").is_some() {
        return Err(Error::new(ErrorCode::RequestUriNotSupported, "The parameter `request_uri` is not supported."));
    }
    Ok(())
}

/// Only the code flow (RFC 9700 §2.1.2).
fn response_type_is_code(params: &Params) -> Result<(), Error> {
    match params.require("response_type")? {
        "code" => Ok(()),
        _ => Err(Error::new(ErrorCode::UnsupportedResponseType, "The parameter `response_type` must be code.")),
    }
}

/// Whether the client may use the endpoint at all (RFC 6749 §4.1.2.1, `unauthorized_client`).
pub(in crate::oauth) fn client_may_authorize(client: &Client) -> Result<(), Error> {
    if client.allows(GrantType::AuthorizationCode) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::UnauthorizedClient, "This app is not registered for the grant type authorization_code."))
}

/// "If this parameter contains `none` with any other value, an error is returned" (OIDC Core §3.1.2.1).
fn prompts(params: &Params) -> Result<Vec<Prompt>, Error> {
    let words = params.words("prompt");
    let prompts: Vec<Prompt> = words
        .iter()
        .filter_map(|word| match *word {
            "none" => Some(Prompt::None),
            "login" => Some(Prompt::Login),
            "consent" => Some(Prompt::Consent),
            "select_account" => Some(Prompt::SelectAccount),
            _ => None,
        })
        .collect();
    if prompts.contains(&Prompt::None) && words.len() > 1 {
        return Err(Error::invalid_request("The parameter `prompt` cannot hold none together with another value."));
    }
    Ok(prompts)
}

fn max_age(params: &Params) -> Result<Option<Duration>, Error> {
    let seconds = params.find("max_age").map(str::parse::<u32>).transpose();
    let seconds =
        seconds.map_err(|_| Error::invalid_request("The parameter `max_age` must be a whole number of seconds."))?;
    Ok(seconds.map(|seconds| Duration::from_secs(u64::from(seconds))))
}

/// The level that is asked for: the lowest that the app insists on, else the first that it would like and that a
/// sign-in here can have. Nobody is sent to sign in for what no sign-in here can give (OIDC Core §5.5.1.1).
fn wanted_acr(params: &Params, claims: Option<&Map<String, Value>>) -> Result<Wanted, Error> {
    let reachable = proofs::reachable();
    if let Some(named) = claims::essential_acr(claims) {
        let lowest = named.into_iter().filter(|acr| reachable.contains(acr)).min();
        return lowest.map(|acr| Wanted { acr, why: Why::Essential }).ok_or_else(unmet);
    }
    let liked = claims::voluntary_acr(claims).into_iter();
    let liked = liked.chain(params.words("acr_values").into_iter().filter_map(Acr::parse));
    let first = liked.into_iter().find(|acr| reachable.contains(acr));
    Ok(first.map_or(Wanted::POLICY, |acr| Wanted { acr, why: Why::Voluntary }))
}

/// The app insists on a kind of sign-in that the person does not have.
pub(super) fn unmet() -> Error {
    let known: Vec<&str> = proofs::reachable().into_iter().map(Acr::as_str).collect();
    let known = known.join(", ");
    Error::new(
        ErrorCode::UnmetAuthenticationRequirements,
        format!("The app insists on an `acr` that this sign-in cannot have. Known here: {known}."),
    )
}

/// The subject of an id token that Auther issued, expired or not (OIDC Core §3.1.2.1, `id_token_hint`).
fn hinted_subject(cx: &Cx, params: &Params) -> Result<Option<String>, Error> {
    let Some(hint) = params.find("id_token_hint") else {
        return Ok(params.find(SUBJECT_HINT).map(str::to_owned));
    };
    let claims = access_token::genuine_id_token(cx, hint);
    let subject = claims.as_ref().and_then(|claims| claims.get("sub")).and_then(Value::as_str).map(str::to_owned);
    match subject {
        Some(subject) => Ok(Some(subject)),
        None => Err(Error::invalid_request("The parameter `id_token_hint` is not an id token of this server.")),
    }
}

fn page(code: &'static str, words: [&str; 3], facts: &[(&str, &str)]) -> Refusal {
    Refusal::Page(Box::new(refusal(code, words, facts)))
}

fn refusal(code: &'static str, [title, message, next_step]: [&str; 3], facts: &[(&str, &str)]) -> PageRefusal {
    let shown = |value: &str| value.chars().take(MAX_SHOWN).collect();
    PageRefusal {
        code,
        title: title.to_owned(),
        message: message.to_owned(),
        next_step: next_step.to_owned(),
        facts: facts.iter().map(|(name, value)| ((*name).to_owned(), shown(value))).collect(),
        compared: None,
        again: None,
        app: None,
        offers_sign_out: false,
    }
}
