//! How the sign-ins to an app were protected lately.

use serde::{Deserialize, Serialize};

/// Of one app, day by day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentSignIns {
    /// The latest days with sign-ins, oldest first; few.
    pub days: Vec<SignInDay>,
}

/// The sign-ins of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInDay {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Sign-ins since the app is there.
    pub all: u64,
    /// Those with PKCE (S256).
    pub pkce: u64,
    /// Those with neither PKCE, nor a nonce, nor a state.
    pub bare: u64,
}
