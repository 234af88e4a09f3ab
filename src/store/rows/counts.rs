//! How many there are of what people administer.

use crate::store::{Error, Snapshot};

/// Rows by noun, of all tenants together. What has ended counts until it is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub users: u64,
    pub clients: u64,
    pub groups: u64,
    pub api_keys: u64,
    pub tuples: u64,
    pub sessions: u64,
    /// What people granted to clients: families of tokens.
    pub grants: u64,
}

/// All counts. Nothing is read row by row.
pub fn all(from: &Snapshot) -> Result<Counts, Error> {
    Ok(Counts {
        users: from.count("users")?,
        clients: from.count("clients")?,
        groups: from.count("groups")?,
        api_keys: from.count("api_keys")?,
        tuples: from.count("tuples")?,
        sessions: from.count("sessions")?,
        grants: from.count("grants")?,
    })
}
