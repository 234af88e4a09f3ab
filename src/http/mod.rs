//! The web: what is spoken over HTTP and how it looks.
//!
//! May use: every floor below. Start reading at [`routes`] (every path, once), then [`respond`] (the ways to say no), [`extract`]
//! (what a handler asks for in its signature) and [`guard`] (what happens around every request).
//!
//! A handler is an `async fn` that names in its signature what it needs ([`Cx`](crate::cx::Cx), [`extract::Fields`],
//! [`extract::Person`], [`extract::Admin`], …) and answers `Result<HttpResponse, Refusal>`. It does not log, set security headers
//! or know a dialect: [`guard`] does, by the route that was matched.

pub mod account;
pub mod admin;
pub mod assets;
pub mod extract;
pub mod guard;
mod health;
pub mod look;
pub mod oauth;
pub mod pages;
pub mod permissions;
pub mod respond;
pub mod routes;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, web};

use crate::crypto::keyring::PreparedJson;
use crate::cx::Current;
use crate::http::extract::budget::Budget;
use crate::http::guard::limit::Limiter;
use crate::oauth::discovery;

/// What all workers share.
#[derive(Clone)]
pub struct State {
    /// The installation the requests are for.
    pub app: Current,
    /// Counts attempts per peer address.
    pub attempts: Arc<Limiter>,
    /// Bounds what bodies of open requests hold.
    pub bodies: Arc<Budget>,
    /// The discovery document.
    pub discovery: Arc<PreparedJson>,
}

impl State {
    /// The state of a server that begins to listen.
    pub fn new(app: impl Into<Current>) -> Self {
        let app = app.into();
        // The issuer does not change while the process runs.
        let discovery = PreparedJson::of(&discovery::document(app.load().settings.issuer.origin()));
        let (attempts, bodies) = (Arc::new(Limiter::for_attempts()), Arc::default());
        Self { app, attempts, bodies, discovery: Arc::new(discovery) }
    }
}

/// The whole web as one actix application: hand it to `HttpServer::new(move || http::app(state.clone()))`, for TCP and for the
/// admin socket alike.
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
        .default_service(web::to(routes::not_found).wrap(from_fn(guard::around)))
}

/// Every route of the server. They are tried in this order: what apps call all the time comes first.
fn configure(config: &mut web::ServiceConfig) {
    permissions::configure_questions(config);
    oauth::configure(config);
    account::configure(config);
    permissions::configure(config);
    health::configure(config);
    pages::configure(config);
    admin::configure(config);
    look::configure(config);
    assets::configure(config);
}

#[cfg(test)]
mod tests;
