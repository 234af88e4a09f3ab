//! Who asks about permissions and API keys: people, machines and apps, by any credential that Auther issues.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::authorization::{authorization, one_line};
use super::cx::{LocalPeer, operation, prove};
use super::person::{by_cookie, by_token};
use crate::apikeys::{self, Live};
use crate::base::Secret;
use crate::base::authorization::Authorization;
use crate::base::id::ClientId;
use crate::base::secret::ct_eq;
use crate::cx::{Actor, Cx};
use crate::http::csrf;
use crate::http::respond::Refusal;
use crate::oauth::app_access::{self, Gate};
use crate::oauth::bearer::{self, Holder};
use crate::oauth::{self, ErrorCode, Params, client_auth};
use crate::records::{Client, Session, User};

/// Where a machine shows its key.
const API_KEY: &str = "x-api-key";

/// Who proved to be the caller of a question.
#[derive(Clone, Debug)]
pub enum Who {
    /// A person, who is not disabled.
    Person(Box<User>),
    /// A machine with a key that works: a subject of its own, not its owner.
    Key(Box<Live>),
    /// A client acting for itself.
    Client(Arc<Client>),
    /// The operator at the admin socket, who showed nothing else.
    Operator,
}

/// What proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key itself.
    ApiKey,
    /// What an API key was exchanged for.
    ExchangedToken,
    /// The token of a session as `Authorization: Bearer`.
    SessionToken,
    /// An id token.
    IdToken,
    /// An access token, a person's or a client's own.
    AccessToken,
    /// A client's id and secret as `Authorization: Basic`.
    ClientSecret,
    /// The session cookie.
    Cookie,
    /// The connection to the admin socket.
    Socket,
}

/// A caller who proved who they are. In this order, the first credential that is shown counts, and if it does not work
/// nothing behind it is tried: an API key (also as a bearer token), `Authorization` (another bearer token or a client's
/// credentials), the session cookie.
#[derive(Clone)]
pub struct Caller {
    /// The operation, with the caller as its actor.
    pub cx: Cx,
    /// The person, key or client that asks.
    pub who: Who,
    /// What they proved it with.
    pub by: Credential,
    /// Whether the request came through the admin socket.
    pub is_local: bool,
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        prove(request, async move { caller(&asked, None).await }, |_| true)
    }
}

/// As the extractor, for handlers whose body may hold the key (`apiKey`). A key is used once by this: counted, and
/// limited by its rate. Refusals: 401 `unauthorized` when nothing is shown, 401 `invalid_api_key` or `invalid_token`
/// when it does not work, 403 and 429 for a key that may not be used from here or not now, 400 when two credentials of
/// one kind are shown.
pub async fn caller(request: &HttpRequest, body_key: Option<&Secret<String>>) -> Result<Caller, Refusal> {
    let cx = operation(request)?;
    let is_local = request.conn_data::<LocalPeer>().is_some();
    let (who, by, session) = if let Some(key) = presented_key(request, body_key)? {
        let live = apikeys::accept(&cx, &key, cx.request.ip).await;
        let live = live.map_err(|error| Refusal::of_presented_key(&error))?;
        app_access::admit_key(&cx, &live, Gate::Key).await?;
        (Who::Key(Box::new(live)), Credential::ApiKey, None)
    } else if let Some(shown) = authorization(request)? {
        by_authorization(&cx, &shown).await?
    } else if let Some(signed_in) = by_cookie(request, &cx).await? {
        csrf::allows(&cx, request.method(), request.headers())?;
        (Who::Person(Box::new(signed_in.user)), Credential::Cookie, Some(signed_in.session))
    } else if is_local {
        (Who::Operator, Credential::Socket, None)
    } else {
        return Err(Refusal::unauthenticated());
    };
    let cx = session.map_or_else(|| cx.with_actor(who.actor()), |session| cx.in_session(&session));
    Ok(Caller { cx, who, by, is_local })
}

/// The API key that is shown in the header, as a bearer token, which cannot be mistaken for another, or, for those who
/// cannot set a header, in the body. Refused when there are two different ones.
pub fn presented_key(
    request: &HttpRequest,
    body_key: Option<&Secret<String>>,
) -> Result<Option<Secret<String>>, Refusal> {
    let header = one_line(request, API_KEY)?;
    let shown = authorization(request)?;
    let bearer = shown.as_ref().and_then(Authorization::bearer).filter(|token| apikeys::is_of_a_key(token));
    let mut keys = header
        .iter()
        .map(Secret::expose)
        .map(String::as_str)
        .chain(bearer)
        .chain(body_key.map(|key| key.expose().as_str()));
    let Some(first) = keys.next() else { return Ok(None) };
    if keys.any(|other| !ct_eq(first.as_bytes(), other.as_bytes())) {
        return Err(Refusal::malformed("The request has two different API keys."));
    }
    Ok(Some(Secret::from(first)))
}

/// Who, by what, and in which session if it is one.
type Proved = (Who, Credential, Option<Session>);

async fn by_authorization(cx: &Cx, shown: &Authorization) -> Result<Proved, Refusal> {
    if let Some(token) = shown.bearer() {
        return by_bearer(cx, token).await;
    }
    if !shown.is_basic() {
        return Err(Refusal::unauthenticated());
    }
    let client = client_auth::authenticate(cx, &Params::default(), Some(shown)).await;
    match client {
        Ok(client) => Ok((Who::Client(client), Credential::ClientSecret, None)),
        Err(error) if error.code == ErrorCode::InvalidClient => {
            let message = error.description.clone();
            Err(Refusal::from(error).saying("unauthorized", message))
        }
        Err(error) => Err(error.into()),
    }
}

/// A signed token that Auther issued, or the token of a session (RFC 6750 §2.1).
async fn by_bearer(cx: &Cx, token: &str) -> Result<Proved, Refusal> {
    let refused = || Refusal::from(oauth::Error::invalid_token());
    let dots = token.matches('.').count();
    if dots != 2 {
        let signed_in = by_token(cx, token).await?.ok_or_else(refused)?;
        return Ok((Who::Person(Box::new(signed_in.user)), Credential::SessionToken, Some(signed_in.session)));
    }
    let (who, by) = match bearer::find_live(cx, token).await?.ok_or_else(refused)? {
        Holder::Person(user) => (Who::Person(user), Credential::AccessToken),
        Holder::Identified(user) => (Who::Person(user), Credential::IdToken),
        Holder::Client(client) => (Who::Client(client), Credential::AccessToken),
        Holder::Key(live) => (Who::Key(live), Credential::ExchangedToken),
    };
    Ok((who, by, None))
}

impl Caller {
    /// The client that the caller is, or that its key is bound to.
    pub fn own_client(&self) -> Option<&ClientId> {
        match &self.who {
            Who::Client(client) => Some(&client.id),
            Who::Key(live) => live.key.client.as_ref(),
            Who::Person(_) | Who::Operator => None,
        }
    }
}

impl Who {
    /// The actor of what is done from here on.
    fn actor(&self) -> Actor {
        match self {
            Self::Person(user) => Actor::User(user.id.clone()),
            Self::Key(live) => Actor::Key(live.key.id.clone()),
            Self::Client(client) => Actor::Client(client.id.clone()),
            Self::Operator => Actor::Local,
        }
    }
}
