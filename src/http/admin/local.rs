//! The operator on the machine itself.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::cx::{Actor, Cx};
use crate::http::extract::{Admin, ManagePlatform};
use crate::http::respond::Refusal;

/// Anyone who is at the admin socket: for what gives away more than an administrator has, such as links that let
/// somebody in or files on the machine.
pub struct Local {
    /// The operation, with the operator as its actor.
    pub cx: Cx,
}

impl FromRequest for Local {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let admin = Admin::<ManagePlatform>::from_request(request, payload);
        Box::pin(async move {
            let Admin { cx, .. } = admin.await?;
            match cx.actor {
                Actor::Local => Ok(Self { cx }),
                _ => Err(Refusal::forbidden("This works on the machine itself only: use `auther admin`.")),
            }
        })
    }
}
