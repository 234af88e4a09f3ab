//! What apps ask about permissions, and what they manage of them themselves: checks, lists, the same by OpenID AuthZEN, grants.
//!
//! May use: `access`, `http::{extract, respond, routes}`. Who asks is a [`Caller`](super::extract::Caller); whether the question is theirs to ask is
//! decided by `access::authority`, in [`check`] for all. Errors are `{"error","message"}`; a denial is an answer, not an error. Start reading at [`check`].

mod access;
mod asked;
mod authzen;
pub(in crate::http) mod check;
mod grants;
mod lists;
mod members;

use actix_web::http::Method;
use actix_web::web::ServiceConfig;

use super::routes::{self, Endpoint, Openness};

/// Registers the questions that apps ask with every request of theirs.
pub fn configure_questions(config: &mut ServiceConfig) {
    config
        .service(at("check-permission").post(check::one))
        .service(at("check-permission/batch").post(check::batch))
        .service(at("list-objects").get(lists::objects).post(lists::objects))
        .service(at("list-subjects").get(lists::subjects).post(lists::subjects));
}

/// Registers what is asked less often.
pub fn configure(config: &mut ServiceConfig) {
    config.service(at("my-access").get(access::mine));
    authzen::configure(config);
    config
        .service(unopened(routes::GRANTS).get(grants::list).post(grants::create))
        .service(unopened(routes::GRANT).on(Method::DELETE, grants::delete))
        .service(unopened(routes::GROUP_MEMBERS).get(members::list));
}

fn at(name: &str) -> Endpoint {
    Endpoint::at([&*routes::account(name)])
}

/// An endpoint for programs: pages of other origins do not call it.
fn unopened(path: &str) -> Endpoint {
    Endpoint::at([path]).open_to(Openness::Nobody)
}
