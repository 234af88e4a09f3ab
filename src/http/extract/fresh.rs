//! Who asks, and lately proved that it is them.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::{Admin, Person, PlatformRight};
use crate::cx::Cx;
use crate::http::respond::Refusal;
use crate::identity::sessions;

/// A caller as `T` says, refused with `session_not_fresh` (403) when it is a session whose person has not given their
/// password for a while (`session.fresh_seconds`): for what outlives the session, or changes how somebody signs in or
/// is shown. A session can be stolen; what it makes then would stay with the thief. Keys, clients and the operator are
/// asked for nothing. What is sensitive only sometimes, such as a tuple that may give authority, asks
/// [`sessions::require_fresh`] where that is known.
pub struct Fresh<T>(pub T);

/// An extractor that knows who asks.
pub trait Asking: FromRequest<Error = Refusal> + 'static {
    /// The operation, with the caller as its actor.
    fn cx(&self) -> &Cx;
}

impl Asking for Person {
    fn cx(&self) -> &Cx {
        &self.cx
    }
}

impl<R: PlatformRight> Asking for Admin<R> {
    fn cx(&self) -> &Cx {
        &self.cx
    }
}

impl<T: Asking> FromRequest for Fresh<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let asking = T::from_request(request, payload);
        Box::pin(async move {
            let caller = asking.await?;
            sessions::require_fresh(caller.cx())?;
            Ok(Self(caller))
        })
    }
}
