//! A browser that shows our pages.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::Fields;
use super::cx::{operation, prove};
use super::person::by_cookie;
use super::session_cookie::{DEVICE_SECONDS, keep};
use crate::cx::Cx;
use crate::http::cookies::{self, Purpose};
use crate::http::csrf::{self, Sender};
use crate::http::host;
use crate::http::respond::Refusal;
use crate::identity::authentication::{self, Waiting};
use crate::identity::sessions::SignedIn;
use crate::identity::sign_in::Success;

/// The browser behind a request for a page: who is signed in, and what its forms are bound to.
///
/// Forms carry [`Browser::csrf`] in the hidden field `csrf_token`; anyone who receives one calls [`Browser::own_form`]
/// first. The token holds for the session it was drawn in, so a form drawn before a sign-in does not work after it.
pub struct Browser {
    /// Who is signed in here.
    pub signed_in: Option<SignedIn>,
    /// The operation, with that person as its actor.
    pub cx: Cx,
    request: HttpRequest,
    name: String,
    is_known: bool,
}

impl Browser {
    /// The browser's name: the one its cookie holds, or else the one that [`Browser::remember`] gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name in the cookie that the browser sent, if it sent one.
    pub fn known_name(&self) -> Option<&str> {
        self.is_known.then_some(&*self.name)
    }

    /// Sets the browser's cookie when it has none: for what comes back and counts in this browser only.
    pub fn remember(&self) {
        if !self.is_known {
            cookies::set(&self.request, &self.cx, Purpose::Browser, &self.name, None);
        }
    }

    /// The value of the hidden field `csrf_token`. Sets the browser's cookie when it has none.
    pub fn csrf(&self) -> String {
        self.remember();
        csrf::token(&self.cx, &self.name, self.signed_in.as_ref().map(|person| &person.session.id))
    }

    /// Checks that the form was drawn by us for this browser and this session, and was not sent by a page of another
    /// origin.
    pub fn own_form(&self, fields: &Fields) -> Result<(), Refusal> {
        let session = self.signed_in.as_ref().map(|person| &person.session.id);
        let fits = self.is_known
            && csrf::sender(&self.cx, self.request.headers()) != Sender::Foreign
            && csrf::fits(&self.cx, &self.name, session, fields.text("csrf_token"));
        if fits { Ok(()) } else { Err(host::foreign(&self.cx, self.request.headers())) }
    }

    /// The address under which the form's page was opened, where that is not the issuer's.
    pub fn opened_at(&self) -> Option<&str> {
        host::opened_at(&self.cx, self.request.headers())
    }

    /// Whether a form that is not [`Browser::own_form`] was drawn before somebody signed in or out here, in another tab
    /// perhaps: the browser keeps cookies, and no page of another origin sent it. Nothing of it is done; the person is
    /// led on to where they are now.
    pub fn is_out_of_date(&self, fields: &Fields) -> bool {
        self.is_known
            && csrf::sender(&self.cx, self.request.headers()) != Sender::Foreign
            && self.own_form(fields).is_err()
    }

    /// What the browser shows as proof that an account's owner signed in from here before.
    pub fn device(&self) -> Option<String> {
        cookies::find(&self.request, &self.cx, Purpose::Device)
    }

    /// Remembers that an account's owner was here: for [`Browser::device`] next time.
    pub fn recognise(&self, device: &str) {
        cookies::set(&self.request, &self.cx, Purpose::Device, device, Some(DEVICE_SECONDS));
    }

    /// The token of the sign-in that has begun here and is not complete.
    pub fn authentication(&self) -> Option<String> {
        cookies::find(&self.request, &self.cx, Purpose::Authentication)
    }

    /// Remembers a sign-in that waits for the next proof: for [`Browser::authentication`] next time.
    pub fn wait(&self, waiting: &Waiting) {
        let lasts = Some(authentication::LIFETIME.as_secs());
        cookies::set(&self.request, &self.cx, Purpose::Authentication, waiting.token.expose(), lasts);
        self.recognise(&waiting.device);
    }

    /// Hands the new session to the browser. What had begun is complete.
    pub fn keep(&self, success: &Success) {
        keep(&self.request, &self.cx, success, true);
        if self.authentication().is_some() {
            cookies::remove(&self.request, &self.cx, Purpose::Authentication);
        }
    }

    /// Takes the session from the browser.
    pub fn forget(&self) {
        cookies::remove(&self.request, &self.cx, Purpose::Session);
    }
}

/// What the forms of the caller's browser are bound to, if it has shown an Auther page and keeps cookies.
pub(in crate::http) fn name_of(request: &HttpRequest, cx: &Cx) -> Option<String> {
    cookies::find(request, cx, Purpose::Browser).filter(|name| csrf::is_browser_name(name))
}

impl FromRequest for Browser {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        let proof = async move {
            let request = asked;
            let cx = operation(&request)?;
            let signed_in = by_cookie(&request, &cx).await?;
            let known = name_of(&request, &cx);
            let is_known = known.is_some();
            let name = known.unwrap_or_else(|| cx.entropy().token());
            let cx = match &signed_in {
                Some(person) => cx.in_session(&person.session),
                None => cx,
            };
            Ok(Self { signed_in, cx, request, name, is_known })
        };
        prove(request, proof, |browser| browser.signed_in.is_some())
    }
}
