//! What apps ask about permissions, and what they manage of them themselves: checks, lists, the same by OpenID AuthZEN,
//! grants.
//!
//! May use: `access`, `http::{extract, respond, routes}`. Who asks is a [`Caller`](super::extract::Caller); whether the
//! question is theirs to ask is decided by `access::authority`, in [`check`] for all. Errors are `{"error","message"}`;
//! a denial is an answer, not an error. Start reading at [`check`].

mod access;
mod asked;
mod authzen;
pub(in crate::http) mod check;
mod grants;
mod lists;
mod members;
mod shapes;

use actix_web::http::Method;
use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use super::routes::Openness;
use crate::tenant::{Path, paths};

/// Registers the questions that apps ask with every request of theirs.
pub fn configure_questions(config: &mut ServiceConfig) {
    config
        .service(Endpoint::at([paths::CHECK]).post(check::one))
        .service(Endpoint::at([paths::CHECK_BATCH]).post(check::batch))
        .service(Endpoint::at([paths::LIST_OBJECTS]).get(lists::objects).post(lists::objects))
        .service(Endpoint::at([paths::LIST_SUBJECTS]).get(lists::subjects).post(lists::subjects));
}

/// Registers what is asked less often.
pub fn configure(config: &mut ServiceConfig) {
    config.service(Endpoint::at([paths::MY_ACCESS]).get(access::mine));
    authzen::configure(config);
    config
        .service(unopened(paths::GRANTS).get(grants::list).post(grants::create))
        .service(unopened(paths::GRANT).on(Method::DELETE, grants::delete))
        .service(unopened(paths::GROUP_MEMBERS).get(members::list));
}

/// An endpoint for programs: pages of other origins do not call it.
fn unopened(path: Path) -> Endpoint {
    Endpoint::at([path]).open_to(Openness::Nobody)
}
