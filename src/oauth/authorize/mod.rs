//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): from a request to a page, a redirect with a code, or a
//! refusal.
//!
//! [`request`] proves client and redirect URI before anything may be redirected and then checks the rest in the order
//! of the standards; [`decide`] looks at who is signed in; [`issue`] makes the code. Between two visits of the browser
//! the request is kept in the token of an [`Interaction`], so that nothing is stored for strangers.

mod issue;
pub(crate) mod request;
pub(crate) mod response;

pub use request::{PageRefusal, Request};
pub use response::{AuthorizationResponse, ResponseMode};

use super::app_access::{self, Gate};
use super::claims::ClaimsDestination;
use super::clients::failures;
use super::grants::{Lasts, lasts};
use super::{Error, ErrorCode, Params, Wrong, claims, scope};
use std::time::Duration;

use crate::audit::{Entry, Event};
use crate::base::id::SessionId;
use crate::cx::Cx;
use crate::identity::interaction::{Ended, Interaction, Resume};
use crate::identity::next_step::{NextStep, Person, Policy, Rule, next_step};
use crate::identity::sessions::SignedIn;
use crate::records::{ActorKind, Proof, ProofKind, User, Wanted};
use crate::store::{Tx, rows};
use request::{Prompt, Refusal};

/// What the browser gets.
#[derive(Debug)]
pub enum Decision {
    /// An Auther page: client or redirect URI could not be proved, so nothing is redirected (RFC 6749 §4.1.2.1).
    Refuse(PageRefusal),
    /// An answer to the app: a code or an error.
    Respond(AuthorizationResponse),
    /// An Auther page must be shown first. `interaction` brings the request back: the parameter and hidden field
    /// `continue`.
    Ask {
        /// The page that comes next.
        step: Step,
        /// Token of the waiting request.
        interaction: String,
    },
    /// An Auther page: the person who is signed in may not use the app.
    DenyAccess(Box<AccessDenied>),
}

/// Somebody who may not use an app.
#[derive(Debug)]
pub struct AccessDenied {
    /// The app's name.
    pub client_name: String,
    /// Who is signed in.
    pub user: User,
    /// Token of the waiting request, for another account.
    pub interaction: String,
    /// What the app is told when the person goes back to it: `access_denied` (RFC 6749 §4.1.2.1).
    pub back: AuthorizationResponse,
}

/// What the person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To sign in, or to prove again who they are.
    SignIn,
    /// Which account to go on with.
    ChooseAccount,
    /// Whether the app may see what it asks for.
    Consent,
}

/// Who asks at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'v> {
    /// The name of the browser, which its cookie holds. Who shows a page for the decision sees to it that the browser
    /// has it.
    pub browser: &'v str,
    /// Who is signed in there.
    pub signed_in: Option<&'v SignedIn>,
    /// The request's earlier visit, if it comes back from one of our pages.
    pub interaction: Option<&'v Interaction>,
}

/// Decides what happens to a request now.
pub async fn decide(cx: &Cx, params: &Params, visit: Visit<'_>) -> Result<Decision, Error> {
    let request = match request::check(cx, params) {
        Ok(request) => request,
        Err(refusal) => {
            // A request that comes back was good when it came first.
            if visit.interaction.is_none() {
                note(cx, params, &refusal).await;
            }
            return refused(refusal);
        }
    };
    if visit.interaction.is_none() && !request.ignored_scopes.is_empty() {
        failures::tell_ignored_scopes(cx, &request.client, &request.ignored_scopes);
    }
    match person_is_needed(cx, &request, visit) {
        Some(decision) => Ok(decision),
        None => match visit.signed_in {
            Some(signed_in) => with_person(cx, &request, signed_in, visit).await,
            None => Ok(respond_error(cx, &request, ErrorCode::LoginRequired, "Nobody is signed in.")),
        },
    }
}

/// The query of a request that came as a form, for the same request as a query; or the answer to one that is too long
/// for that.
pub fn as_query(cx: &Cx, params: Params) -> Result<String, Box<PageRefusal>> {
    let params = request::shortened(cx, params);
    match request::is_short(&params) {
        Err(Refusal::Page(refusal)) => Err(refusal),
        _ => Ok(params.to_query()),
    }
}

/// The parameters without which nobody can tell where an answer goes, or to which request it belongs.
const ADDRESS: [&str; 4] = ["client_id", "redirect_uri", "response_mode", "state"];

/// The answer to a request of which some parameters are not taken, because they are given more than once (RFC 6749
/// §3.1) or are too long: `invalid_request` (§4.1.2.1), told to the app unless it is the address of the answer that is
/// in doubt. `params` holds the others.
pub async fn not_taken(cx: &Cx, params: &Params, wrong: &[Wrong]) -> Result<Decision, Error> {
    let nobody = Visit { browser: "", signed_in: None, interaction: None };
    let Some(Wrong { error, .. }) = wrong.first() else { return decide(cx, params, nobody).await };
    if wrong.iter().any(|one| ADDRESS.contains(&one.name.as_str())) {
        return Ok(Decision::Refuse(PageRefusal::malformed(&error.description)));
    }
    let refusal = request::refuse(cx, params, error);
    note(cx, params, &refusal).await;
    refused(refusal)
}

/// The person's answer on the consent page. The interaction must have been made for this very session, so that an
/// approval cannot be moved to another browser.
pub async fn consent(cx: &Cx, visit: Visit<'_>, allow: bool) -> Result<Decision, Error> {
    let (Some(interaction), Some(signed_in)) = (visit.interaction, visit.signed_in) else {
        return Ok(Decision::Refuse(PageRefusal::stale_interaction()));
    };
    let request = match request::check(cx, &params(interaction)?) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    if interaction.session.as_ref() != Some(&signed_in.session.id) {
        return Ok(Decision::Refuse(PageRefusal::stale_interaction()));
    }
    // The token of an earlier step must not skip the steps between: who was to sign in again still is.
    if let Some(decision) = person_is_needed(cx, &request, visit) {
        return Ok(decision);
    }
    if let Some(decision) = deny_access(cx, &request, signed_in, visit).await? {
        return Ok(decision);
    }
    if !allow {
        return deny(cx, &request, interaction, signed_in).await;
    }
    let allowed = Some(request.consent_scopes());
    issue::code(cx, &request, signed_in, Some(interaction), allowed).await
}

/// Tells the app that the person does not allow it. That is the request's one answer, too.
async fn deny(cx: &Cx, request: &Request, interaction: &Interaction, signed_in: &SignedIn) -> Result<Decision, Error> {
    if !Interaction::may_answer(cx, &signed_in.user.id) {
        return Ok(too_many(cx, request));
    }
    let entry = Entry::new(cx).target(&request.client.id);
    let (at, waiting) = (cx.clone(), interaction.clone());
    let write = move |tx: &mut Tx| {
        let is_first = waiting.answer(tx, &at)?;
        if is_first {
            entry.append(tx, &at, &Event::ConsentDeny {})?;
        }
        Ok::<_, Error>(is_first)
    };
    if !cx.store().write(write).await? {
        return Ok(Decision::Refuse(PageRefusal::over(Ended::Answered, &request.query)));
    }
    Ok(respond_error(cx, request, ErrorCode::AccessDenied, "The person did not allow it."))
}

/// What a page needs to show of a waiting request, whose parameters are `query`. Changes nothing. `None` when the
/// request no longer holds, as when the client was removed meanwhile.
pub fn view(cx: &Cx, query: &str) -> Result<Option<View>, Error> {
    match request::check(cx, &Params::from_query(query)?) {
        Ok(request) => Ok(Some(View {
            client_name: request.client.name.clone(),
            redirect_uri: request.redirect_uri.clone(),
            identifier: request.login_hint.clone(),
            scopes: scope::in_reading_order(request.consent_scopes()),
            lasts: lasts(cx, &request.client, &request.scopes),
            wanted: request.wanted,
        })),
        Err(Refusal::Internal(error)) => Err(error),
        Err(Refusal::Page(_) | Refusal::Redirect(_)) => Ok(None),
    }
}

/// A waiting request as a page shows it.
#[derive(Clone, Debug)]
pub struct View {
    /// The app's name.
    pub client_name: String,
    /// Where the app expects the answer; pages must allow it in `form-action`.
    pub redirect_uri: String,
    /// Who the app thinks it is.
    pub identifier: Option<String>,
    /// What it asks to see.
    pub scopes: Vec<String>,
    /// For how long the app may see it.
    pub lasts: Lasts,
    /// Which level the sign-in is to have.
    pub wanted: Wanted,
}

/// Notes for the people who run the app what was wrong with its request. Failing to is no reason not to answer.
async fn note(cx: &Cx, params: &Params, refusal: &Refusal) {
    let Some(client) = params.find("client_id") else { return };
    let (error, message) = match refusal {
        Refusal::Page(page) => (page.code, page.message.as_str()),
        Refusal::Redirect(response) => (response.find("error"), response.find("error_description")),
        Refusal::Internal(_) => return,
    };
    let sent = match error {
        failures::REDIRECT_URI_MISMATCH => params.find("redirect_uri"),
        "invalid_scope" => params.find("scope"),
        "unsupported_response_type" => params.find("response_type"),
        _ => None,
    };
    if let Err(error) = failures::note(cx, client, failures::Wrong { error, message, sent }).await {
        tracing::warn!(request_id = %cx.request.id, %error, "a refused authorization request was not noted");
    }
}

fn refused(refusal: Refusal) -> Result<Decision, Error> {
    match refusal {
        Refusal::Page(page) => Ok(Decision::Refuse(*page)),
        Refusal::Redirect(response) => Ok(Decision::Respond(response)),
        Refusal::Internal(error) => Err(error),
    }
}

/// What stands between the request and a code for as long as the right person is not signed in freshly enough. A proof
/// counts when it was given for this request: by a sign-in that carried it and began the session that the browser is
/// in.
fn person_is_needed(cx: &Cx, request: &Request, visit: Visit<'_>) -> Option<Decision> {
    let ask = |step| ask(cx, request, step, visit);
    let Some(current) = visit.signed_in else { return Some(ask(Step::SignIn)) };
    let is_here = |session: &Option<SessionId>| session.as_ref() == Some(&current.session.id);
    let proved_here = visit.interaction.is_some_and(|earlier| is_here(&earlier.proved_in));
    if !request.is_about(current.user.id.as_str()) {
        let other = "Another person is signed in than the one the request names.";
        let again = respond_error(cx, request, ErrorCode::LoginRequired, other);
        return Some(if proved_here { again } else { ask(Step::SignIn) });
    }
    let given = counted(cx, request, current, proved_here);
    match next_step(&Policy::current(), Some(&Person::of(&current.user)), &given, request.wanted) {
        NextStep::Done(_) => {}
        NextStep::Ask(_) | NextStep::Enrol(_) => return Some(ask(Step::SignIn)),
        NextStep::Refused(Rule::LevelIsReachable) => {
            return Some(Decision::Respond(response::error(cx, &request.target(), &request::unmet())));
        }
        NextStep::Refused(_) => return Some(ask(Step::SignIn)),
    }
    let chosen = proved_here || visit.interaction.is_some_and(|earlier| is_here(&earlier.chosen_in));
    let wants_choice = request.prompts.contains(&Prompt::SelectAccount) && !chosen;
    wants_choice.then(|| ask(Step::ChooseAccount))
}

/// The proofs of the session that count for the request: all, once they were given for it. Else none where the person
/// is to prove anew who they are (`prompt=login`), and those of the last `max_age` seconds: "if the elapsed time is
/// greater than this value, the OP MUST attempt to actively re-authenticate the End-User" (OIDC Core §3.1.2.1).
fn counted(cx: &Cx, request: &Request, current: &SignedIn, proved_here: bool) -> Vec<ProofKind> {
    let wants_login = request.prompts.contains(&Prompt::Login);
    let is_young = |proof: &&Proof| {
        let within = |max_age: Duration| !max_age.is_zero() && cx.now.since(proof.at) <= max_age;
        proved_here || (!wants_login && request.max_age.is_none_or(within))
    };
    current.session.proofs.iter().filter(is_young).map(|proof| proof.kind).collect()
}

async fn with_person(cx: &Cx, request: &Request, signed_in: &SignedIn, visit: Visit<'_>) -> Result<Decision, Error> {
    // Nobody is asked consent for what they will not get.
    if let Some(decision) = deny_access(cx, request, signed_in, visit).await? {
        return Ok(decision);
    }
    if request.prompts.contains(&Prompt::Consent) || !has_consent(cx, request, signed_in)? {
        return Ok(ask(cx, request, Step::Consent, visit));
    }
    issue::code(cx, request, signed_in, visit.interaction, None).await
}

/// The refusal of a person who may not use the app, with its audit row.
async fn deny_access(
    cx: &Cx,
    request: &Request,
    signed_in: &SignedIn,
    visit: Visit<'_>,
) -> Result<Option<Decision>, Error> {
    if app_access::may_use(cx, &request.client, &signed_in.user.id).await? {
        return Ok(None);
    }
    let (entry, event) = app_access::refused(cx, &request.client, Gate::Authorize);
    crate::audit::record(cx, entry.by(ActorKind::User, &signed_in.user.id), event).await?;
    let denied = Error::new(ErrorCode::AccessDenied, "This person may not use this app.");
    let back = response::error(cx, &request.target(), &denied);
    if request.prompts.contains(&Prompt::None) {
        return Ok(Some(Decision::Respond(back)));
    }
    Ok(Some(Decision::DenyAccess(Box::new(AccessDenied {
        client_name: request.client.name.clone(),
        user: signed_in.user.clone(),
        interaction: waiting(cx, request, visit).seal(cx),
        back,
    }))))
}

/// The request as it waits from this visit on; what an earlier visit knows of it stays.
fn waiting(cx: &Cx, request: &Request, visit: Visit<'_>) -> Interaction {
    let session = visit.signed_in.map(|current| &current.session.id);
    let resume = Resume::Authorization(request.query.clone());
    match visit.interaction {
        Some(earlier) => earlier.again(resume, session),
        None => Interaction::begin(cx, visit.browser, resume, session),
    }
}

/// The parameters of a request that waited. Errors: `invalid_request` when something else waited.
fn params(interaction: &Interaction) -> Result<Params, Error> {
    match &interaction.resume {
        Resume::Authorization(query) => Params::from_query(query),
        Resume::Page(_) => Err(Error::invalid_request("This is no authorization request.")),
    }
}

/// The answer to an app for a person who has answered too many requests.
fn too_many(cx: &Cx, request: &Request) -> Decision {
    let too_many = "There were too many sign-ins of this person within an hour.";
    respond_error(cx, request, ErrorCode::TemporarilyUnavailable, too_many)
}

fn has_consent(cx: &Cx, request: &Request, signed_in: &SignedIn) -> Result<bool, Error> {
    if request.client.trusted {
        return Ok(true);
    }
    let stored = rows::consents::find(&cx.read()?, cx.tenant.id, &signed_in.user.id, &request.client.id)?;
    Ok(stored.is_some_and(|consent| request.consent_scopes().iter().all(|wanted| consent.scopes.contains(wanted))))
}

/// Shows a page, unless: "If `none`, … the Authorization Server MUST NOT display any authentication or consent user
/// interface pages" (OIDC Core §3.1.2.1). A request that comes back keeps the moment of its first page.
fn ask(cx: &Cx, request: &Request, step: Step, visit: Visit<'_>) -> Decision {
    if request.prompts.contains(&Prompt::None) {
        let (code, why) = match step {
            Step::SignIn => (ErrorCode::LoginRequired, "Nobody is signed in, or not freshly enough."),
            Step::ChooseAccount => (ErrorCode::AccountSelectionRequired, "The person must choose an account."),
            Step::Consent => (ErrorCode::ConsentRequired, "The person has not allowed this app what it asks for."),
        };
        return respond_error(cx, request, code, why);
    }
    Decision::Ask { step, interaction: waiting(cx, request, visit).seal(cx) }
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
            let is_open = scope::is_open_to(&self.client, name);
            if is_open
                && !scope::holds(&scopes, name)
                && (by_name(ClaimsDestination::Userinfo) || by_name(ClaimsDestination::IdToken))
            {
                scopes.push(name.to_owned());
            }
        }
        scopes
    }
}
