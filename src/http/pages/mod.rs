//! The pages people see: signing in, consent, signing out, errors. They work without script.
//!
//! May use: every floor below, `http::{extract, respond, assets}`. Start reading at [`views`].

use actix_web::web::ServiceConfig;

pub mod views;

/// The routes of the pages.
pub fn configure(_config: &mut ServiceConfig) {}
