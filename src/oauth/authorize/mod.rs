//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): from a request to a page, a redirect with a code, or a refusal.
//!
//! [`request`] proves client and redirect URI before anything may be redirected and then checks the rest in the order of the
//! standards; [`decide`] looks at who is signed in; [`issue`] makes the code. Between two visits of the browser the request lives
//! in an [`interaction`] token, so that nothing is stored for strangers.

pub mod interaction;
mod issue;
pub mod request;
pub mod response;

pub use interaction::Interaction;
pub use request::{PageRefusal, Request};
pub use response::{AuthorizationResponse, ResponseMode};

use super::claims::Place;
use super::{Error, ErrorCode, Params, claims, scope};
use crate::audit::Entry;
use crate::cx::Cx;
use crate::identity::sessions::SignedIn;
use crate::records::Consent;
use crate::store::rows;
use request::{Prompt, Refusal};

/// What the browser gets.
#[derive(Debug)]
pub enum Decision {
    /// A page of ours: client or redirect URI could not be proved, so nothing is redirected (RFC 6749 §4.1.2.1).
    Refuse(PageRefusal),
    /// An answer to the app: a code or an error.
    Respond(AuthorizationResponse),
    /// The sign-in page.
    SignIn(Box<SignInNeeded>),
    /// The page on which the account is chosen.
    ChooseAccount(Box<Waiting>),
    /// The consent page.
    Consent(Box<ConsentNeeded>),
}

/// A request that waits for the person.
#[derive(Debug)]
pub struct Waiting {
    /// Token that brings the request back: the hidden field `continue`.
    pub interaction: String,
    /// The app's name.
    pub client_name: String,
    /// Where the app expects the answer; pages must allow it in `form-action`.
    pub redirect_uri: String,
}

/// A request that waits for a sign-in.
#[derive(Debug)]
pub struct SignInNeeded {
    /// The request.
    pub waiting: Waiting,
    /// Who the app thinks it is, or who must prove again that it is they.
    pub identifier: Option<String>,
    /// Whether someone is signed in and must prove again who they are.
    pub again: bool,
}

/// A request that waits for consent.
#[derive(Debug)]
pub struct ConsentNeeded {
    /// The request.
    pub waiting: Waiting,
    /// What is asked for.
    pub scopes: Vec<String>,
}

/// Decides what happens to a request now. `interaction` is the request's earlier visit, if it comes back from one of our pages.
pub async fn decide(
    cx: &Cx,
    params: &Params,
    signed_in: Option<&SignedIn>,
    interaction: Option<&Interaction>,
) -> Result<Decision, Error> {
    let request = match request::check(cx, params) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    match person_is_needed(cx, &request, signed_in, interaction) {
        Some(decision) => Ok(decision),
        None => match signed_in {
            Some(signed_in) => with_person(cx, request, signed_in).await,
            None => Ok(respond_error(cx, &request, ErrorCode::LoginRequired, "Nobody is signed in.")),
        },
    }
}

/// The person's answer on the consent page. The interaction must have been made for this very session, so that an approval cannot be
/// moved to another browser.
pub async fn consent(cx: &Cx, interaction: &Interaction, signed_in: &SignedIn, allow: bool) -> Result<Decision, Error> {
    let request = match request::check(cx, &interaction.params()?) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    if interaction.session.as_ref() != Some(&signed_in.session.id) {
        return Ok(Decision::Refuse(PageRefusal::stale_interaction()));
    }
    if !allow {
        let client = request.client.id.clone();
        let entry = Entry::failure(cx, "consent.deny").target(client);
        crate::audit::record(cx, entry).await?;
        return Ok(respond_error(cx, &request, ErrorCode::AccessDenied, "The person did not allow it."));
    }
    remember_consent(cx, &request, signed_in).await?;
    let response = issue::code(cx, &request, signed_in).await?;
    Ok(Decision::Respond(response))
}

/// The person keeps the account that is signed in (`prompt=select_account`): the token to go on with.
pub fn account_chosen(cx: &Cx, interaction: &Interaction) -> String {
    Interaction { account_chosen: true, ..interaction.clone() }.seal(cx)
}

fn refused(refusal: Refusal) -> Result<Decision, Error> {
    match refusal {
        Refusal::Page(page) => Ok(Decision::Refuse(page)),
        Refusal::Redirect(response) => Ok(Decision::Respond(response)),
        Refusal::Internal(error) => Err(error),
    }
}

/// What stands between the request and a code for as long as the right person is not signed in freshly enough.
fn person_is_needed(
    cx: &Cx,
    request: &Request,
    signed_in: Option<&SignedIn>,
    interaction: Option<&Interaction>,
) -> Option<Decision> {
    let Some(current) = signed_in else { return Some(sign_in(cx, request, None)) };
    let proved_here = interaction.is_some_and(|earlier| current.session.auth_time >= earlier.at);
    if request.hinted_subject.as_ref().is_some_and(|subject| *subject != current.user.id.as_str()) {
        let other = "Another person is signed in than the one the id_token_hint names.";
        let decision = if proved_here {
            respond_error(cx, request, ErrorCode::LoginRequired, other)
        } else {
            sign_in(cx, request, None)
        };
        return Some(decision);
    }
    let wants_login = request.prompts.contains(&Prompt::Login);
    if (wants_login || is_too_old(cx, request, current)) && !proved_here {
        return Some(sign_in(cx, request, Some(current)));
    }
    let chosen = interaction.is_some_and(|earlier| earlier.account_chosen) || proved_here;
    if request.prompts.contains(&Prompt::SelectAccount) && !chosen {
        return Some(Decision::ChooseAccount(Box::new(waiting(cx, request, Some(current)))));
    }
    None
}

/// "If the elapsed time is greater than this value, the OP MUST attempt to actively re-authenticate the End-User"
/// (OIDC Core §3.1.2.1, `max_age`).
fn is_too_old(cx: &Cx, request: &Request, current: &SignedIn) -> bool {
    request.max_age.is_some_and(|max_age| cx.now.since(current.session.auth_time) > max_age || max_age.is_zero())
}

async fn with_person(cx: &Cx, request: Request, signed_in: &SignedIn) -> Result<Decision, Error> {
    let asks_again = request.prompts.contains(&Prompt::Consent);
    if asks_again || !has_consent(cx, &request, signed_in)? {
        if request.prompts.contains(&Prompt::None) {
            let why = "The person has not allowed this app what it asks for.";
            return Ok(respond_error(cx, &request, ErrorCode::ConsentRequired, why));
        }
        let waiting = waiting(cx, &request, Some(signed_in));
        return Ok(Decision::Consent(Box::new(ConsentNeeded { waiting, scopes: request.scopes })));
    }
    let response = issue::code(cx, &request, signed_in).await?;
    Ok(Decision::Respond(response))
}

fn has_consent(cx: &Cx, request: &Request, signed_in: &SignedIn) -> Result<bool, Error> {
    if request.client.trusted {
        return Ok(true);
    }
    let stored = rows::consents::find(&cx.read()?, cx.tenant, &signed_in.user.id, &request.client.id)?;
    Ok(stored.is_some_and(|consent| request.consent_scopes().iter().all(|wanted| consent.scopes.contains(wanted))))
}

async fn remember_consent(cx: &Cx, request: &Request, signed_in: &SignedIn) -> Result<(), Error> {
    let (user, client, wanted) = (signed_in.user.id.clone(), request.client.id.clone(), request.consent_scopes());
    let entry = Entry::success(cx, "consent.allow").target(&client).detail("scopes", wanted.clone());
    let at = cx.clone();
    cx.store()
        .write(move |tx| {
            let old = rows::consents::find(tx, at.tenant, &user, &client)?;
            let created_at = old.as_ref().map_or(at.now, |old| old.created_at);
            let mut scopes = old.map(|old| old.scopes).unwrap_or_default();
            scopes.extend(wanted.iter().cloned());
            scopes.sort();
            scopes.dedup();
            let new = Consent { user: user.clone(), client: client.clone(), scopes, created_at, updated_at: at.now };
            rows::consents::put(tx, at.tenant, &new)?;
            Ok(entry.append(tx, &at)?)
        })
        .await
}

/// "If `none`, … the Authorization Server MUST NOT display any authentication or consent user interface pages"
/// (OIDC Core §3.1.2.1).
fn sign_in(cx: &Cx, request: &Request, again: Option<&SignedIn>) -> Decision {
    if request.prompts.contains(&Prompt::None) {
        return respond_error(cx, request, ErrorCode::LoginRequired, "Nobody is signed in freshly enough.");
    }
    let identifier = match again {
        Some(current) => Some(current.user.email.clone()),
        None => request.login_hint.clone(),
    };
    let waiting = waiting(cx, request, again);
    Decision::SignIn(Box::new(SignInNeeded { waiting, identifier, again: again.is_some() }))
}

fn waiting(cx: &Cx, request: &Request, signed_in: Option<&SignedIn>) -> Waiting {
    let interaction = Interaction {
        query: request.query.clone(),
        at: cx.now,
        session: signed_in.map(|current| current.session.id.clone()),
        account_chosen: false,
    };
    Waiting {
        interaction: interaction.seal(cx),
        client_name: request.client.name.clone(),
        redirect_uri: request.redirect_uri.clone(),
    }
}

fn respond_error(cx: &Cx, request: &Request, code: ErrorCode, description: &str) -> Decision {
    Decision::Respond(response::error(cx, &request.target(), &Error::new(code, description)))
}

impl Request {
    /// What the person is asked to allow: the scopes, and the scope of each claim that is asked for by name.
    fn consent_scopes(&self) -> Vec<String> {
        let mut scopes = self.scopes.clone();
        for (name, members) in claims::STANDARD {
            let by_name = |place| members.iter().any(|member| claims::asks_for(self.claims.as_ref(), place, member));
            if !scope::holds(&scopes, name) && (by_name(Place::Userinfo) || by_name(Place::IdToken)) {
                scopes.push(name.to_owned());
            }
        }
        scopes
    }
}
