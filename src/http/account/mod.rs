//! The JSON dialect of accounts under `/api/auth`: signing up, in and out, sessions, the own account, consents, API
//! keys.
//!
//! May use: every floor below, `http::{extract, respond, routes}`. The caller is named in the signature:
//! [`Person`](super::extract::Person) by session cookie or `Authorization: Bearer`, whose identity is the only one ever
//! acted on: no body names an account (an administrator names the owner of a new API key). Errors are
//! `{"code","message"}`; those of `api_keys` are the machines'. Start reading at [`sign_in`].

mod api_keys;
mod consents;
mod refusal;
mod sessions;
mod shapes;
mod sign_in;
mod sign_up;
mod user;

use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use crate::tenant::paths;

/// The routes of the dialect.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(at("sign-up/email").post(sign_up::by_email).attempt())
        .service(at("sign-in/email").post(sign_in::by_password).attempt())
        .service(at("sign-in/username").post(sign_in::by_password).attempt())
        .service(at("sign-out").get(sessions::sign_out_page).post(sessions::sign_out))
        .service(at("get-session").get(sessions::current))
        .service(at("list-sessions").get(sessions::list))
        .service(at("revoke-session").post(sessions::revoke))
        .service(at("revoke-sessions").post(sessions::revoke_all))
        .service(at("revoke-other-sessions").post(sessions::revoke_others))
        .service(at("list-consents").get(consents::list))
        .service(at("revoke-consent").post(consents::revoke))
        .service(at("update-user").post(user::update))
        .service(at("change-password").post(user::change_password).attempt())
        .service(at("verify-password").post(user::verify_password).attempt())
        .service(at("delete-user").post(user::delete).attempt())
        .service(at("is-username-available").post(user::username_is_available).attempt())
        .service(at("api-key/create").post(api_keys::create))
        .service(at("api-key/list").get(api_keys::list))
        .service(at("api-key/get").get(api_keys::show))
        .service(at("api-key/update").post(api_keys::update))
        .service(at("api-key/delete").post(api_keys::delete))
        .service(at("api-key/delete-all-expired-api-keys").post(api_keys::delete_expired))
        .service(at("api-key/verify").post(api_keys::verify))
        .service(at("api-key/exchange").post(api_keys::exchange));
}

fn at(name: &str) -> Endpoint {
    Endpoint::below(paths::ACCOUNT_API, name)
}
