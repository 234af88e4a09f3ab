//! The web: what is spoken over HTTP and how it looks.
//!
//! May use: every floor below. Start reading at [`routes`] (what a route decides), then `endpoint` (what answers at a
//! path), [`respond`] (the ways to say no), [`extract`] (what a handler asks for in its signature) and [`guard`] (what
//! happens around every request).
//!
//! A handler is an `async fn` that names in its signature what it needs ([`Cx`](crate::cx::Cx), [`extract::Fields`],
//! [`extract::Person`], [`extract::Admin`], …) and answers `Result<HttpResponse, Refusal>`. It does not log, set
//! security headers or know a dialect: [`guard`] does, by the route that was matched.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod assets;
mod body_budget;
pub mod cookies;
mod csrf;
mod endpoint;
pub mod extract;
pub(crate) mod guard;
mod health;
mod host;
mod limit;
pub(crate) mod local_ca;
pub(crate) mod look;
pub(crate) mod oauth;
pub(crate) mod pages;
pub(crate) mod permissions;
pub(crate) mod respond;
pub(crate) mod routes;
mod state;
pub(crate) mod views;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, web};

pub use state::State;

use self::endpoint::Endpoint;
use crate::tenant::paths;

/// The whole web as one actix application: hand it to `HttpServer::new(move || http::app(state.clone()))`, for TCP and
/// for the admin socket alike.
pub fn app(
    state: State,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state)
        .configure(configure)
        .default_service(web::to(endpoint::not_found).wrap(from_fn(guard::around)))
}

/// Every route of the server. They are tried in this order: what apps call all the time comes first.
fn configure(config: &mut web::ServiceConfig) {
    permissions::configure_questions(config);
    oauth::configure(config);
    account::configure(config);
    permissions::configure(config);
    health::configure(config);
    local_ca::configure(config);
    pages::configure(config);
    admin::configure(config);
    files(config);
}

/// Registers the files of the pages. They are registered here: the pages that [`respond`] sends name their addresses,
/// so `look` and `assets` use nothing that answers.
fn files(config: &mut web::ServiceConfig) {
    // What the settings add comes first: its names would be taken for those of files.
    config
        .service(Endpoint::at([paths::STYLES]).get(look::serve_styles))
        .service(Endpoint::at([paths::LOGO]).get(look::serve_logo))
        .service(Endpoint::at([paths::ASSET]).get(assets::serve))
        .service(Endpoint::at([paths::MODULE]).get(assets::serve_module))
        .service(Endpoint::at([paths::FAVICON]).get(assets::favicon));
}

#[cfg(test)]
mod tests;
