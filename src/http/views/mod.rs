//! What each page shows, as plain data: one struct per page, drawn by its template in `assets/pages`.
//!
//! A handler fills a struct and calls `askama::Template::render`. The words live in the templates and beside the
//! structs; everything from outside is escaped by the template. May use: `http::assets`, `tenant`. Start reading at
//! [`Shell`], then [`SignIn`] as the pattern for forms.

mod consent;
mod enter;
mod errors;
mod form;
mod leave;
mod lost_password;
mod no_access;
mod plain;
mod register;
mod shell;

pub use consent::{Consent, ScopeLine};
pub use enter::{ChooseAccount, Confirm, SignIn};
pub use errors::ErrorPage;
pub use form::FormErrors;
pub use leave::{FormPost, HiddenField, LeadOn, LogOut, LoggedOut};
pub use lost_password::{ForgotPassword, LinkNeeded, ResetPassword};
pub use no_access::NoAccess;
pub use plain::{AppPage, Home, Notice};
pub use register::{SetUp, SetUpClosed, SetUpRefusal, SignUp, SignUpClosed, SignUpRefusal};
pub use shell::{Account, Link, Shell};

#[cfg(test)]
mod tests;
