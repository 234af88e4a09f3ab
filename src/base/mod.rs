//! Values that know nothing of Auther: time, chance, identifiers, secrets, pages.
//!
//! May use: nothing of this crate. Start reading at [`clock`].

pub mod canonical;
pub mod clock;
pub mod entropy;
pub mod id;
pub mod page;
pub mod secret;

pub use clock::{Clock, Moment};
pub use entropy::Entropy;
pub use secret::Secret;
