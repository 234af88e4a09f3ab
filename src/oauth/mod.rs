//! OAuth 2 and OpenID Connect: the rules, free of HTTP.
//!
//! May use: `apikeys`, `access`, `identity`, `audit`, `cx` and below. A request's life: [`authorize`] asks the person and makes a code; [`client_auth`]
//! proves who redeems it; [`app_access`] says who may use an app; [`grants`] (one file per grant) turn it into a [`records`](crate::records) family; [`mint`] is the only
//! place where tokens are made ([`preview`] shows what would stand in them; [`token_use`] is what each is for) and [`access_token`] and [`bearer`] the only ones where ours are read back. Each check is a named function that says
//! which sentence of which standard it is. Start reading at [`authorize::decide`] and [`grants::exchange`].

pub mod access_token;
pub mod app_access;
pub mod authorize;
pub mod bearer;
pub mod claims;
pub mod client_auth;
pub mod clients;
pub mod consents;
pub mod discovery;
pub mod error;
pub mod exchange;
pub mod grants;
pub mod introspect;
pub mod keys;
pub mod logout;
pub mod mint;
pub mod origins;
pub mod params;
pub mod pkce;
pub mod preview;
pub mod redirect;
pub mod revoke;
pub mod scope;
pub mod token_use;
pub mod userinfo;

pub use error::{Error, ErrorCode};
pub use params::{Params, Wrong};
pub use token_use::TokenUse;
