//! The pages people see: signing in, consent, signing out, errors. They work without script.
//!
//! May use: every floor below, `http::{extract, respond, routes, oauth}`. A page that is part of an app's request
//! carries it as a [`Flow`](flow::Flow) in the hidden field `continue`. A form is answered with 303, or with the same
//! page and what is wrong. Start reading at [`sign_in`].

mod app;
mod consent;
mod flow;
mod forms;
mod home;
mod log_out;
mod reset_password;
mod set_up;
mod sign_in;
mod sign_up;
mod well_known;

use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use crate::tenant::paths;

/// The routes of the pages.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(Endpoint::at([paths::HOME]).get(home::show))
        .service(Endpoint::at([paths::SIGN_IN]).get(sign_in::show).post(sign_in::submit).attempt())
        .service(Endpoint::at([paths::CHOOSE_ACCOUNT]).get(sign_in::show_choice).post(sign_in::choose))
        .service(Endpoint::at([paths::SIGN_UP]).get(sign_up::show).post(sign_up::submit).attempt())
        .service(Endpoint::at([paths::RESET_PASSWORD]).get(reset_password::show).post(reset_password::submit).attempt())
        .service(Endpoint::at([paths::FORGOT_PASSWORD]).get(reset_password::forgot))
        .service(Endpoint::at([paths::CHANGE_PASSWORD]).get(reset_password::change))
        .service(Endpoint::at([paths::ROBOTS]).get(well_known::robots))
        .service(Endpoint::at([paths::SECURITY_TXT]).get(well_known::security))
        .service(Endpoint::at([paths::SETUP]).get(set_up::show).post(set_up::submit).attempt())
        .service(Endpoint::at([paths::CONSENT]).get(consent::show).post(consent::submit))
        .service(Endpoint::at([paths::LOGOUT]).get(log_out::show).post(log_out::submit))
        .service(Endpoint::at([paths::ADMIN, paths::BELOW_ADMIN]).get(app::admin))
        .service(Endpoint::at([paths::ACCOUNT, paths::BELOW_ACCOUNT]).get(app::account))
        .service(Endpoint::at([paths::ERROR]).get(home::error));
}
