//! The OAuth and OpenID Connect endpoints: what travels over HTTP around the rules of [`crate::oauth`].
//!
//! May use: `http::extract`, `http::respond`, `http::routes`, the rules. Start reading at [`configure`].

mod authorize;
mod end_session;
mod metadata;
mod token;
mod userinfo;

use actix_web::web;

pub use authorize::{draw, refuse};
pub use end_session::{LogoutRequest, confirm_logout, leave};

use super::endpoint::Endpoint;
use super::routes::Openness;
use crate::tenant::paths;

/// Registers the endpoints of contract §3 under all their names.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(Endpoint::at(paths::DISCOVERY).get(metadata::discovery).open_to(Openness::Everybody))
        .service(
            Endpoint::at([paths::METADATA_OF_ISSUER]).get(metadata::metadata_of_issuer).open_to(Openness::Everybody),
        )
        .service(Endpoint::at(paths::JWKS).get(metadata::jwks).open_to(Openness::Everybody))
        .service(Endpoint::at(paths::AUTHORIZE).get(authorize::by_query).post(authorize::by_form))
        .service(Endpoint::at(paths::TOKEN).post(token::exchange))
        .service(Endpoint::at(paths::REVOKE).post(token::revoke))
        .service(Endpoint::at(paths::INTROSPECT).post(token::introspect))
        .service(Endpoint::at(paths::USERINFO).get(userinfo::by_header).post(userinfo::by_body))
        .service(Endpoint::at(paths::END_SESSION).get(end_session::by_query).post(end_session::by_form));
}
