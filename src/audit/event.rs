//! Every event there is: its name and outcome, which stand in stored rows and are what outsiders filter by, and its
//! details. An event that is not in this list cannot be recorded. The same list is in `docs/audit-events.md`, and a
//! test compares the two.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Changes, Ended};
use crate::base::id::{ApiKeyId, ClientId, SessionId, UserId};
use crate::records::{ClientType, Outcome};

/// An event as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// Its name: `noun.verb`.
    pub action: &'static str,
    /// Whether it was done or refused.
    pub outcome: Outcome,
    /// What it tells, in a sentence.
    pub what: &'static str,
    /// The members of its details with their types; one that is an `Option` may be missing.
    pub members: &'static [(&'static str, &'static str)],
}

macro_rules! events {
    ($( $(#[doc = $what:literal])+ $outcome:ident $action:literal $name:ident { $($member:ident: $type:ty),* $(,)? } )*) => {
        /// Something that happened, with its details. A member is stored under its own name; one that is `None` is not
        /// stored.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "a member is what its name says; docs/audit-events.md tells of all of them")]
        pub enum Event {
            $( $(#[doc = $what])+ $name { $($member: $type),* }, )*
        }

        impl Event {
            /// Every event with its name and its members, for the documentation and its test.
            pub const ALL: &[Declared] = &[$( Declared {
                action: $action,
                outcome: Outcome::$outcome,
                what: concat!($($what),+),
                members: &[$((stringify!($member), stringify!($type))),*],
            } ),*];

            /// Its name: `noun.verb`.
            pub fn action(&self) -> &'static str {
                match self { $( Self::$name { .. } => $action, )* }
            }

            /// Whether what is recorded was done or refused.
            pub fn outcome(&self) -> Outcome {
                match self { $( Self::$name { .. } => Outcome::$outcome, )* }
            }
        }
    };
}

impl Event {
    /// Its details as they are stored.
    pub(super) fn detail(&self) -> Map<String, Value> {
        let mut detail = match serde_json::to_value(self) {
            Ok(Value::Object(detail)) => detail,
            _ => Map::new(),
        };
        detail.retain(|_, value| !value.is_null());
        detail
    }
}

events! {
    /// Somebody was let through because they administer the platform; once a minute for the same permission and type.
    Success "access.bypass" AccessBypass { subject: String, permission: String }
    /// A request was refused to somebody who is known here.
    Failure "access.refuse" AccessRefuse { reason: &'static str, permission: Option<String> }
    /// An API key was made.
    Success "api_key.create" ApiKeyCreate { owner: UserId, client: Option<ClientId> }
    /// An API key was removed, with its relations.
    Success "api_key.delete" ApiKeyDelete { owner: UserId, tuples: usize }
    /// A person removed their expired API keys.
    Success "api_key.delete_expired" ApiKeyDeleteExpired { keys: Vec<ApiKeyId> }
    /// An API key was exchanged for a token.
    Success "api_key.exchange" ApiKeyExchange {}
    /// An API key was changed.
    Success "api_key.update" ApiKeyUpdate { fields: Vec<String>, changes: Option<Changes> }
    /// An API key was refused.
    Failure "api_key.use" ApiKeyUse { reason: &'static str }
    /// A restricted app let somebody not in.
    Failure "app.refused" AppRefused { at: &'static str }
    /// The audit log was downloaded.
    Success "audit.export" AuditExport { format: &'static str }
    /// Rows of a kind were left out, and no row tells of them.
    Failure "audit.left_out" AuditLeftOut { left_out: u64 }
    /// An app got an authorization code.
    Success "authorize.grant" AuthorizeGrant { scopes: Vec<String> }
    /// A backup was made.
    Success "backup.create" BackupCreate { path: String }
    /// A client could not prove who it is.
    Failure "client.authenticate" ClientAuthenticate { reason: Option<&'static str> }
    /// An app was registered; what was written under its id before was removed.
    Success "client.create" ClientCreate { r#type: ClientType, removed: Option<Ended> }
    /// An app of the configuration file was registered or changed.
    Success "client.declare" ClientDeclare { removed: Option<Ended>, changes: Option<Changes> }
    /// An app was deleted, with everything of it.
    Success "client.delete" ClientDelete { ended: Ended }
    /// An app was disabled.
    Success "client.disable" ClientDisable { ended: Ended }
    /// An app was enabled.
    Success "client.enable" ClientEnable {}
    /// A redirect URI that an app had sent was added to it.
    Success "client.fix" ClientFix { failure: String, redirect_uri: String }
    /// An app got a new secret.
    Success "client.rotate_secret" ClientRotateSecret { overlap_seconds: u64 }
    /// An app was changed.
    Success "client.update" ClientUpdate { changes: Option<Changes> }
    /// Apps are not in the configuration file any more.
    Success "client.withdraw" ClientWithdraw { clients: Vec<String>, types_without_client: Vec<String> }
    /// A person allowed an app what it asked for.
    Success "consent.allow" ConsentAllow { scopes: Vec<String> }
    /// A person did not allow an app what it asked for.
    Failure "consent.deny" ConsentDeny {}
    /// A consent was taken back.
    Success "consent.revoke" ConsentRevoke { user: UserId, grants: usize }
    /// A group was made.
    Success "group.create" GroupCreate { name: String }
    /// A group was deleted, with its memberships and what was granted to it.
    Success "group.delete" GroupDelete { name: String, tuples: usize }
    /// A group was changed.
    Success "group.update" GroupUpdate { changes: Option<Changes> }
    /// An invitation was made.
    Success "invite.create" InviteCreate {}
    /// A signing key began to sign.
    Success "key.activate" KeyActivate {}
    /// A signing key was made and published.
    Success "key.publish" KeyPublish { alg: &'static str }
    /// A signing key was removed.
    Success "key.remove" KeyRemove {}
    /// A model was removed.
    Success "model.delete" ModelDelete { version: u64 }
    /// A model was written.
    Success "model.put" ModelPut { version: u64, client: Option<ClientId> }
    /// A delivery of the outbox was deleted before it was done.
    Success "outbox.delete" OutboxDelete { kind: String, about: String }
    /// A delivery of the outbox failed too often, or for good, and is not tried any more.
    Failure "outbox.give_up" OutboxGiveUp { kind: String, about: String, attempts: u32, reason: String }
    /// A delivery of the outbox is tried again.
    Success "outbox.retry" OutboxRetry { kind: String, about: String }
    /// A policy did not come back and is not run any more.
    Failure "policy.switch_off" PolicySwitchOff { script: String, owner: String }
    /// A policy is run again.
    Success "policy.switch_on" PolicySwitchOn { script: String }
    /// A link was made with which a person signs in once and sets a password.
    Success "recovery_link.create" RecoveryLinkCreate { expires_at: String }
    /// A person signed in by a link and set a password.
    Success "recovery_link.redeem" RecoveryLinkRedeem { ended: Ended }
    /// A session was ended.
    Success "session.end" SessionEnd { user: UserId, ended: Ended }
    /// All sessions of a person were ended.
    Success "session.end_all" SessionEndAll { ended: Ended }
    /// All sessions of a person but one were ended.
    Success "session.end_others" SessionEndOthers { ended: Ended }
    /// A set-up link was made.
    Success "setup_link.create" SetupLinkCreate {}
    /// A set-up link was used: the first administrator was made.
    Success "setup_link.redeem" SetupLinkRedeem {}
    /// An authorization code was shown for the second time; what came from it was revoked.
    Failure "token.code_replayed" TokenCodeReplayed { user: UserId }
    /// An authorization code was shown by the wrong client, or with a wrong address or verifier.
    Failure "token.code_wasted" TokenCodeWasted { user: UserId, reason: String }
    /// A client asked about a token that is not for it.
    Failure "token.introspect" TokenIntrospect { reason: &'static str }
    /// An app got tokens.
    Success "token.issue" TokenIssue { grant_type: Option<&'static str> }
    /// An administrator looked at the tokens that a person would get.
    Success "token.preview" TokenPreview { client: ClientId, scopes: Vec<String> }
    /// A refresh token was used for the second time; its family was revoked.
    Failure "token.refresh_reused" TokenRefreshReused { user: UserId }
    /// An app that proved who it is, or is public, got no tokens.
    Failure "token.refuse" TokenRefuse { grant_type: &'static str, reason: String, cause: Option<&'static str> }
    /// An app revoked a token.
    Success "token.revoke" TokenRevoke {}
    /// A tuple was removed.
    Success "tuple.remove" TupleRemove { tuple: String }
    /// A tuple was written; `typed` is the name that its subject was given by.
    Success "tuple.write" TupleWrite {
        tuple: String, typed: Option<String>, conditional: bool, created: bool, changes: Option<Changes>
    }
    /// A person changed their password.
    Success "user.change_password" UserChangePassword { ended: Ended }
    /// A person gave their password again.
    Success "user.confirm_password" UserConfirmPassword { session: SessionId }
    /// A person gave a wrong password when it was asked for again.
    Failure "user.confirm_password" UserConfirmPasswordFailed { reason: &'static str, proof: &'static str, rule: &'static str }
    /// An account was made.
    Success "user.create" UserCreate { roles: Vec<String> }
    /// An account was deleted, with everything of it.
    Success "user.delete" UserDelete { ended: Ended }
    /// An account was disabled.
    Success "user.disable" UserDisable { ended: Ended }
    /// An account was enabled.
    Success "user.enable" UserEnable {}
    /// An administrator set a password.
    Success "user.set_password" UserSetPassword { ended: Ended }
    /// A person signed in.
    Success "user.sign_in" UserSignIn { session: SessionId }
    /// A sign-in was refused.
    Failure "user.sign_in" UserSignInFailed {
        identifier: Option<String>, reason: &'static str, step: Option<usize>, proof: &'static str, rule: &'static str
    }
    /// A person signed up.
    Success "user.sign_up" UserSignUp {}
    /// A sign-up was refused.
    Failure "user.sign_up" UserSignUpFailed { reason: &'static str, email: Option<String> }
    /// Failed sign-ins of a person were forgotten, so that nobody who signs in as them waits.
    Success "user.unlock" UserUnlock { failures: u32 }
    /// An account was changed.
    Success "user.update" UserUpdate { fields: Vec<String>, changes: Option<Changes> }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// The line of the table in `docs/audit-events.md`.
    fn line(event: &Declared) -> String {
        let outcome = if event.outcome == Outcome::Success { "success" } else { "failure" };
        let member = |(name, of): &(&str, &str)| {
            let mark = if of.starts_with("Option") { "?" } else { "" };
            format!("`{}{mark}`", name.trim_start_matches("r#"))
        };
        let members: Vec<String> = event.members.iter().map(member).collect();
        format!("| `{}` | {outcome} | {} | {} |", event.action, event.what.trim(), members.join(", "))
    }

    #[test]
    fn every_event_is_in_the_documentation_and_nothing_else_is() {
        let page = include_str!("../../docs/audit-events.md");
        let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let declared: Vec<String> = Event::ALL.iter().map(line).collect();
        assert_eq!(documented, declared, "docs/audit-events.md should hold:\n{}", declared.join("\n"));
    }

    #[test]
    fn every_event_and_its_noun_have_a_title_in_the_pages() {
        let page = include_str!("../../assets/admin/pages/audit.js");
        let table = |name: &str| {
            let rest = page.split_once(&format!("const {name} = {{")).unwrap().1;
            rest.split_once("};").unwrap().0.to_owned()
        };
        let (titles, nouns, failed) = (table("TITLES"), table("NOUNS"), table("FAILED"));
        for event in Event::ALL {
            let line = format!("\"{}\": \"", event.action);
            let is_failure = event.outcome == Outcome::Failure;
            assert!(titles.contains(&line) || (is_failure && failed.contains(&line)), "{} has no title", event.action);
            let noun = event.action.split('.').next().unwrap();
            assert!(nouns.lines().any(|line| line.trim().starts_with(&format!("{noun}: "))), "{noun} has no title");
        }
    }

    #[test]
    fn names_are_a_noun_and_a_verb_and_each_ends_in_one_way_once() {
        let mut seen = BTreeSet::new();
        for event in Event::ALL {
            let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let parts: Vec<&str> = event.action.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|part| is_word(part)), "{}", event.action);
            assert!(seen.insert((event.action, event.outcome == Outcome::Success)), "{} stands twice", event.action);
            assert!(event.what.ends_with('.'), "{}", event.action);
        }
        // Stored rows are filtered by these names: none may go.
        assert_eq!(seen.iter().map(|(action, _)| action).collect::<BTreeSet<_>>().len(), 68);
    }

    #[test]
    fn details_are_the_members_by_name_without_those_that_are_not_there() {
        let removed = Ended { tuples: 2, ..Ended::default() };
        let event = Event::ClientCreate { r#type: ClientType::Web, removed: removed.some() };
        let counts = json!({"sessions": 0, "grants": 0, "consents": 0, "tuples": 2});
        assert_eq!(Value::Object(event.detail()), json!({"type": "web", "removed": counts}));
        let event = Event::ClientCreate { r#type: ClientType::M2m, removed: Ended::default().some() };
        assert_eq!(Value::Object(event.detail()), json!({"type": "m2m"}));
        assert!(Event::UserEnable {}.detail().is_empty());
        let changes = Changes::of("name", "a", "b").some();
        let event = Event::UserUpdate { fields: vec![String::from("name")], changes };
        assert_eq!((event.action(), event.outcome()), ("user.update", Outcome::Success));
        let wanted = json!({"fields": ["name"], "changes": {"name": {"old": "a", "new": "b"}}});
        assert_eq!(Value::Object(event.detail()), wanted);
    }
}
