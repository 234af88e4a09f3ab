//! OAuth 2 and OpenID Connect: the rules, free of HTTP.
//!
//! May use: `apikeys`, `access`, `identity`, `audit`, `cx` and below. A request's life: [`authorize`] asks the person
//! and makes a code; [`client_auth`] proves who redeems it; [`app_access`] says who may use an app; [`grants`] (one
//! file per grant) turn it into a [`records`](crate::records) family; [`mint`] is the only place where tokens are made
//! ([`preview`] shows what would stand in them; [`token_use`] is what each is for) and [`access_token`] and [`bearer`]
//! the only ones where ours are read back. Each check is a named function that says which sentence of which standard it
//! is. Start reading at [`authorize::decide`] and [`grants::exchange`].

pub(crate) mod access_token;
pub(crate) mod app_access;
pub mod authorize;
pub(crate) mod bearer;
pub(crate) mod claims;
pub(crate) mod client_auth;
pub(crate) mod client_claims;
pub mod clients;
pub(crate) mod consents;
pub(crate) mod discovery;
mod draft;
pub(crate) mod error;
pub(crate) mod exchange;
pub mod grants;
pub(crate) mod introspect;
pub(crate) mod keys;
pub(crate) mod logout;
pub(crate) mod mint;
pub(crate) mod origins;
pub(crate) mod params;
pub(crate) mod pkce;
pub(crate) mod preview;
pub(crate) mod reason;
pub mod redirect;
mod refusals;
pub(crate) mod revoke;
pub(crate) mod scope;
pub(crate) mod token_use;
pub(crate) mod userinfo;

pub use error::{Error, ErrorCode};
pub use params::{Params, Wrong};
pub use reason::Reason;
pub use token_use::TokenUse;
