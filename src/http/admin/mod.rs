//! The admin API: everything that the command line and the admin pages do, as JSON below `/api/admin`.
//!
//! May use: `http::extract`, `http::respond`, `http::routes`, the rules. Every handler names
//! [`Admin`](super::extract::Admin) or [`Local`] in its signature. Lists are `{"items","next"}`, times are RFC 3339,
//! refusals RFC 9457 problems with a `code`. Start reading at [`configure`]; one file per noun.

pub(crate) mod api_keys;
mod audit;
mod audit_export;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod clients;
mod doctor;
pub(crate) mod entry;
mod failures;
pub(crate) mod groups;
mod integration;
pub(crate) mod keys;
mod local;
mod me;
pub(crate) mod models;
mod openapi;
mod operation;
mod outbox;
mod overview;
mod paging;
pub(crate) mod policies;
mod sessions;
mod settings;
pub(crate) mod tuples;
mod user_details;
pub(crate) mod user_sign_in;
pub(crate) mod users;
mod writers;

use actix_web::http::Method;
use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use crate::tenant::paths;

/// Where endpoints are registered: in the application, or in a list of what there is.
trait Registry {
    /// Takes an endpoint.
    fn service(&mut self, endpoint: Endpoint) -> &mut Self;
}

impl Registry for ServiceConfig {
    fn service(&mut self, endpoint: Endpoint) -> &mut Self {
        Self::service(self, endpoint)
    }
}

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    register(config);
}

/// Every route, once: the application and the description of the API are both made of this.
fn register(config: &mut impl Registry) {
    people(config);
    apps(config);
    config
        .service(at("openapi.json").get(openapi::show))
        .service(at("me").get(me::show))
        .service(at("overview").get(overview::show))
        .service(at("settings").get(settings::list))
        .service(at("doctor").get(doctor::examine))
        .service(at("groups").get(groups::list).post(groups::create))
        .service(
            at("groups/{group}").get(groups::show).on(Method::PATCH, groups::update).on(Method::DELETE, groups::delete),
        )
        .service(at("groups/{group}/deletion").get(groups::deletion))
        .service(at("groups/{group}/members").get(groups::members).post(groups::add_member))
        .service(at("groups/{group}/members/{type}/{id}").on(Method::DELETE, groups::remove_member))
        .service(at("models").get(models::list))
        .service(at("models/validate").post(models::validate))
        .service(at("models/import").post(models::import))
        .service(at("models/{type}").get(models::show).on(Method::PUT, models::put).on(Method::DELETE, models::delete))
        .service(at("models/{type}/dry-run").post(models::dry_run))
        .service(at("tuples/dry-run").post(tuples::dry_run))
        .service(at("tuples").get(tuples::list).post(tuples::write))
        .service(at("tuples/remove").post(tuples::remove))
        .service(at("tuples/import").post(tuples::import))
        .service(at("tuples/{tuple}").get(tuples::show).on(Method::DELETE, tuples::delete))
        .service(at("check").post(check::ask))
        .service(at("keys").get(keys::list))
        .service(at("keys/rotate").post(keys::rotate))
        .service(at("keys/{kid}/retire").post(keys::retire))
        .service(at("sessions").get(sessions::list))
        .service(at("sessions/{session}").on(Method::DELETE, sessions::revoke))
        .service(at("api-keys").get(api_keys::list).post(api_keys::create))
        .service(
            at("api-keys/{key}")
                .get(api_keys::show)
                .on(Method::PATCH, api_keys::update)
                .on(Method::DELETE, api_keys::revoke),
        )
        .service(at("audit").get(audit::list))
        .service(at("audit/export").get(audit_export::export))
        .service(at("outbox").get(outbox::list))
        .service(at("outbox/{delivery}").on(Method::DELETE, outbox::delete))
        .service(at("outbox/{delivery}/retry").post(outbox::retry))
        .service(at("policies/validate").post(policies::validate))
        .service(at("policies/test").post(policies::test))
        .service(at("policies/evaluations").get(policies::list))
        .service(at("policies/versions").get(policies::versions))
        .service(at("policies/switched-off").get(policies::switched_off))
        .service(at("policies/switched-off/{script}").on(Method::DELETE, policies::switch_on))
        .service(at("backup").post(backup::create))
        .service(at("ca").get(entry::ca))
        .service(at("setup-link").post(entry::setup_link))
        .service(at("recover").post(entry::recover));
}

fn at(path: &str) -> Endpoint {
    Endpoint::below(paths::ADMIN_API, path)
}

fn people(config: &mut impl Registry) {
    config
        .service(at("users").get(users::list).post(users::create))
        .service(at("users/{user}").get(users::show).on(Method::PATCH, users::update).on(Method::DELETE, users::delete))
        .service(at("users/{user}/deletion").get(users::show_deletion))
        .service(at("users/{user}/groups").get(user_details::groups))
        .service(at("users/{user}/access").get(user_details::access))
        .service(at("users/{user}/token").get(user_details::token))
        .service(at("users/{user}/sessions").on(Method::DELETE, sessions::revoke_all))
        .service(at("users/{user}/consents").get(user_details::consents))
        .service(at("users/{user}/consents/{client}").on(Method::DELETE, user_details::revoke_consent))
        .service(at("users/{user}/password").post(users::set_password))
        .service(at("users/{user}/link").post(user_sign_in::link))
        .service(at("users/{user}/pause").get(user_sign_in::pause))
        .service(at("users/{user}/unlock").post(user_sign_in::unlock))
        .service(at("users/{user}/disable").post(users::disable))
        .service(at("users/{user}/enable").post(users::enable))
        .service(at("invites").post(users::invite));
}

fn apps(config: &mut impl Registry) {
    config
        .service(at("clients").get(clients::list).post(clients::create))
        .service(
            at("clients/{client}")
                .get(clients::show)
                .on(Method::PATCH, clients::update)
                .on(Method::DELETE, clients::delete),
        )
        .service(at("clients/{client}/deletion").get(clients::deletion))
        .service(at("clients/{client}/integration").get(integration::show))
        .service(at("clients/{client}/failures").get(failures::list))
        .service(at("clients/{client}/failures/{failure}/fix").post(failures::fix))
        .service(at("clients/{client}/rotate-secret").post(clients::rotate_secret))
        .service(at("clients/{client}/disable").post(clients::disable))
        .service(at("clients/{client}/enable").post(clients::enable));
}
