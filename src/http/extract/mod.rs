//! What a handler asks for in its signature.
//!
//! May use: `http::respond`, `http::routes`, and the rules below. Every extractor refuses with a
//! [`Refusal`](super::respond::Refusal), drawn in the dialect of the path.
//!
//! * [`Cx`](crate::cx::Cx): the operation. Take it in every handler; one request sees one moment.
//! * [`Query`], [`Pairs`] (form or JSON object as name–value pairs, repeats kept for the caller to check), [`Fields`]
//!   (form of a page, repeats refused): bounded, strictly UTF-8.
//! * [`Body<T>`], [`LongBody<T>`] and [`OpenBody<T>`]: JSON as the type says, [`Params<T>`]: a query as the type says,
//!   each with every mistake at once.
//! * [`Browser`]: the cookies of a browser; [`Visitor`] and [`Person`]: who is signed in, by cookie or `Authorization:
//!   Bearer`.
//! * [`Caller`]: who asks about permissions: an API key, a token that Auther issued, a client's credentials or a
//!   cookie.
//! * [`Admin`]: who has a right on the platform, the operator at the admin socket among them; [`Manager`] where it
//!   depends on the object.
//! * [`Fresh`] around one of those: who lately proved that it is them, for what outlives a session.
//!
//! Anyone who asks is proved before a body is read, wherever the two stand in the signature. A stranger's body is
//! small; what all open requests hold is bounded ([`budget`]).
//!
//! Authority is a type in the signature: a handler without [`Person`] or [`Admin`] serves everybody.
//! Start reading at [`Pairs`] and [`Person`].

mod admin;
mod authorization;
pub(super) mod body;
mod browser;
mod caller;
mod cx;
mod fresh;
mod json;
mod pairs;
pub(super) mod params;
mod peer;
mod person;
mod session_cookie;

pub use admin::*;
pub use authorization::Authorized;
pub use browser::Browser;
pub(in crate::http) use browser::name_of;
pub use caller::{Caller, Credential, Who, caller, presented_key};
#[cfg(test)]
pub(in crate::http) use cx::prove;
pub use cx::{Connection, LocalPeer, Stranger, operation};
pub(in crate::http) use cx::{OpenRequest, Operation, REQUEST_ID, begin, is_known_now};
pub use fresh::Fresh;
pub use json::{Body, LongBody, OpenBody};
pub(in crate::http) use json::{Misfit, Size, read_as};
pub use pairs::{Fields, Pairs, Query};
pub use params::Params;
pub use person::{Person, Visitor};
pub(in crate::http) use session_cookie::{keep, keep_session, session_cookie};
