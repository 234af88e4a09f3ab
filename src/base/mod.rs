//! Values that know nothing of Auther: time, chance, identifiers, secrets, pages and their order.
//!
//! May use: nothing of this crate. Start reading at [`clock`].

pub mod authorization;
pub(crate) mod backoff;
pub(crate) mod best;
pub(crate) mod budget;
pub(crate) mod by_tenant;
pub(crate) mod canonical;
pub mod clock;
pub(crate) mod connections;
pub(crate) mod digest;
pub mod entropy;
pub(crate) mod filled;
pub(crate) mod form;
pub mod id;
pub(crate) mod json_schema;
pub(crate) mod latest;
pub(crate) mod long_work;
pub(crate) mod net;
pub mod page;
pub(crate) mod panic;
pub(crate) mod patch;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod quota;
pub(crate) mod rate;
pub mod secret;
pub(crate) mod share;
pub(crate) mod sort;
pub(crate) mod strict_json;
pub(crate) mod text;
pub(crate) mod turns;

pub use budget::Budget;
pub use clock::{Clock, Moment, Timestamp, Uptime};
pub use digest::ScriptDigest;
pub use entropy::Entropy;
pub(crate) use filled::Filled;
pub use secret::Secret;
