//! Values that know nothing of Auther: time, chance, identifiers, secrets, pages and their order.
//!
//! May use: nothing of this crate. Start reading at [`clock`].

pub mod authorization;
pub mod backoff;
pub mod best;
pub mod budget;
pub mod canonical;
pub mod clock;
pub mod connections;
pub mod digest;
pub mod entropy;
pub mod form;
pub mod id;
pub mod json_schema;
pub mod latest;
pub mod long_work;
pub mod net;
pub mod page;
pub mod patch;
pub mod progress;
pub mod quota;
pub mod rate;
pub mod secret;
pub mod share;
pub mod sort;
pub mod strict_json;
pub mod text;
pub mod turns;

pub use budget::Budget;
pub use clock::{Clock, Moment, Timestamp, Uptime};
pub use digest::ScriptDigest;
pub use entropy::Entropy;
pub use secret::Secret;
