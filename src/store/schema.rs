//! Every table and index of the data file, in one list. A name that is not here cannot be read or written.

use super::Error;

/// Every table and index. Names are part of the file format: append, and rename only in a migration.
pub const TABLES: &[&str] = &[
    "meta",
    "expiry",
    "audit",
    "certificates",
    "clients",
    "codes",
    "consents",
    "consents_by_client",
    "grants",
    "grants_by_client",
    "grants_by_session",
    "grants_by_user",
    "installation",
    "invites",
    "links",
    "marks",
    "refresh_tokens",
    "sessions",
    "sessions_by_user",
    "sign_in_failures",
    "signing_keys",
    "users",
    "users_by_email",
    "users_by_username",
    "api_keys",
    "api_keys_by_owner",
    "api_keys_by_client",
    "evaluations",
    "groups",
    "groups_by_name",
    "models",
    "policy_versions",
    "tuples",
    "tuples_by_id",
    "tuples_by_subject",
    "authorize_failures",
    "sign_in_hours",
    "policies_switched_off",
    "recent_sign_ins",
    "scripts",
    "codes_by_user",
    "refresh_tokens_by_grant",
    "policy_versions_gone",
    "interactions",
    "change_counts",
    "outbox",
    "outbox_by_due",
    "authentications",
    "authentications_by_user",
    "links_by_user",
];

/// What decides who may do what: the last commit that touched one of these tables is the version of it (see
/// [`super::Read::access_revision`]). What is written often for other reasons stays out of them, since every change
/// empties the caches of permissions.
pub(super) const ACCESS: &[&str] = &["api_keys", "change_counts", "clients", "groups", "models", "tuples", "users"];

/// What compiled models are made of: they are kept under the last commit that touched it (see
/// [`super::Read::models_revision`]).
pub(super) const MODELS: &[&str] = &["models"];

/// Tables of this folder's own tests.
#[cfg(test)]
pub(super) const TEST_TABLES: &[&str] = &["test_a", "test_b"];

/// All tables that may exist.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    #[cfg(test)]
    let more = TEST_TABLES;
    #[cfg(not(test))]
    let more: &[&str] = &[];
    TABLES.iter().chain(more).copied()
}

/// Gives `table` back when it is in the list. Errors: [`Error::UnknownTable`].
pub(super) fn known(table: &'static str) -> Result<&'static str, Error> {
    if tables().any(|name| name == table) { Ok(table) } else { Err(Error::UnknownTable(table.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_listed_twice() {
        let mut names: Vec<_> = tables().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_unlisted_table_is_refused() {
        assert_eq!(known("nowhere"), Err(Error::UnknownTable(String::from("nowhere"))));
        assert_eq!(known("meta"), Ok("meta"));
    }
}
