//! Who may do what, and what of it stands in a token.
//!
//! May use: `cx` and below. Start reading at [`claims`].

pub mod claims;
