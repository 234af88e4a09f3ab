//! The pages people see: signing in, consent, signing out, errors. They work without script.
//!
//! May use: every floor below, and `http::assets` for the addresses of static files. Start reading at [`views`].

pub mod views;
