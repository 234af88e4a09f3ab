//! Who calls the JSON APIs.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::authorization::authorization;
use super::cx::{operation, prove};
use super::session_cookie::{keep_session, session_cookie};
use crate::base::authorization::Authorization;
use crate::cx::Cx;
use crate::http::csrf;
use crate::http::respond::Refusal;
use crate::identity::sessions::{self, SignedIn};

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>>>>;

/// A signed-in person, by `Authorization: Bearer <session token>` or by cookie. A cookie counts for a request that
/// changes something only when an Auther page sent it.
pub struct Person {
    /// The operation, with the person as its actor.
    pub cx: Cx,
    /// Who, and in which session.
    pub signed_in: SignedIn,
    /// Whether a cookie said so, and not a token in the header.
    pub is_by_cookie: bool,
}

impl FromRequest for Person {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        let proof = async move { visitor(&asked).await?.person.ok_or_else(Refusal::unauthenticated) };
        prove(request, proof, |_| true)
    }
}

/// Anybody; perhaps signed in.
pub struct Visitor {
    /// The operation, with the person as its actor if there is one.
    pub cx: Cx,
    /// Who is signed in.
    pub person: Option<Person>,
}

impl Visitor {
    /// Who is signed in, if anybody.
    pub fn signed_in(&self) -> Option<&SignedIn> {
        self.person.as_ref().map(|person| &person.signed_in)
    }

    /// The session that the browser's cookie holds: what a sign-in takes the place of.
    pub fn cookie_session(&self) -> Option<&SignedIn> {
        self.person.as_ref().filter(|person| person.is_by_cookie).map(|person| &person.signed_in)
    }
}

impl FromRequest for Visitor {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        prove(request, async move { visitor(&asked).await }, |visitor| visitor.person.is_some())
    }
}

async fn visitor(request: &HttpRequest) -> Result<Visitor, Refusal> {
    let cx = operation(request)?;
    let shown = authorization(request)?;
    let (signed_in, is_by_cookie) = match shown.as_ref().and_then(Authorization::bearer) {
        // A token that does not work is told: falling back to the cookie would act for somebody else.
        Some(token) => (Some(by_token(&cx, token).await?.ok_or_else(Refusal::unauthenticated)?), false),
        None => (by_cookie(request, &cx).await?, true),
    };
    let Some(signed_in) = signed_in else { return Ok(Visitor { cx, person: None }) };
    if is_by_cookie {
        csrf::allows(&cx, request.method(), request.headers())?;
    }
    let cx = cx.in_session(&signed_in.session);
    Ok(Visitor { cx: cx.clone(), person: Some(Person { cx, signed_in, is_by_cookie }) })
}

/// Who holds the session cookie. Slides the session and its cookie when that is due.
pub(super) async fn by_cookie(request: &HttpRequest, cx: &Cx) -> Result<Option<SignedIn>, Refusal> {
    let Some((token, lasts)) = session_cookie(request, cx) else { return Ok(None) };
    let signed_in = sessions::resolve(cx, token.expose())?;
    if let Some(signed_in) = &signed_in
        && sessions::extend_if_due(cx, signed_in).await?
    {
        keep_session(request, cx, (&token, &signed_in.session), lasts);
    }
    Ok(signed_in)
}

pub(super) async fn by_token(cx: &Cx, token: &str) -> Result<Option<SignedIn>, Refusal> {
    let signed_in = sessions::resolve(cx, token)?;
    if let Some(signed_in) = &signed_in {
        sessions::extend_if_due(cx, signed_in).await?;
    }
    Ok(signed_in)
}
