//! Who may sign in to an app: everybody, or those whom a relation to it lets in.

use super::{Error, ErrorCode};
use crate::access::check::{API_KEY, CLIENTS, FULL_ACCESS, PLATFORM, Question, USER, check};
use crate::apikeys::Live;
use crate::audit::{self, Entry, Event};
use crate::base::id::UserId;
use crate::cx::Cx;
use crate::records::tuple::ANY;
use crate::records::{AccessPolicy, ActorKind, Client, SubjectRef};

/// The permission that lets people sign in. Owners and administrators of a client have it too.
const USE: &str = "use";

/// What makes an administrator of the platform.
const ADMIN: &str = "admin";

/// Where somebody is turned away, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Before a code is made.
    Authorize,
    /// When a code is redeemed.
    Code,
    /// When a refresh token is used.
    Refresh,
    /// When an API key that is bound to the app is exchanged for a token.
    Exchange,
    /// When such a key is shown to prove who asks, or to be verified.
    Key,
}

impl Gate {
    fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Code => "code",
            Self::Refresh => "refresh",
            Self::Exchange => "exchange",
            Self::Key => "key",
        }
    }
}

/// Whether this person may use this app at this moment: everybody may, unless it is restricted to those who hold `use`
/// or `full_access` on it, themselves or through groups, and administrators of the platform. Errors:
/// `temporarily_unavailable` while all threads that run conditions are busy, `server_error` when there is no answer.
pub async fn may_use(cx: &Cx, client: &Client, user: &UserId) -> Result<bool, Error> {
    if client.access_policy == AccessPolicy::AllUsers {
        return Ok(true);
    }
    is_let_in(cx, client, &SubjectRef::new(USER, user.as_str())).await
}

/// As [`may_use`], for an API key that works: where it is bound to an app, what lets its owner in lets the key in, and
/// so does a relation of its own.
pub async fn key_may_use(cx: &Cx, live: &Live) -> Result<bool, Error> {
    let Some(client) = &live.client else { return Ok(true) };
    Ok(may_use(cx, client, &live.key.owner).await?
        || is_let_in(cx, client, &SubjectRef::new(API_KEY, live.key.id.as_str())).await?)
}

/// Refuses an API key that may not use the app that it is bound to, with an audit row once a minute. Errors:
/// `access_denied`, and those of [`may_use`].
pub async fn admit_key(cx: &Cx, live: &Live, gate: Gate) -> Result<(), Error> {
    if key_may_use(cx, live).await? {
        return Ok(());
    }
    if let Some(client) = &live.client {
        audit::tell(cx, &format!("app.refused {} {}", live.key.id, gate.as_str()), || {
            let (entry, event) = refused(cx, client, gate);
            (entry.by(ActorKind::Key, &live.key.id), event)
        });
    }
    Err(Error::new(
        ErrorCode::AccessDenied,
        "The app that the key belongs to is restricted, and neither the key nor its owner may use it.",
    ))
}

async fn is_let_in(cx: &Cx, client: &Client, subject: &SubjectRef) -> Result<bool, Error> {
    let id = client.id.as_str();
    for (permission, entity_type, entity_id) in [(USE, CLIENTS, id), (FULL_ACCESS, CLIENTS, id), (ADMIN, PLATFORM, ANY)]
    {
        if check(cx, &Question::new(subject.clone(), permission, entity_type, entity_id)).await?.allowed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the audit log says of a person who was turned away, still without who it was. It carries the request's id,
/// which the person is shown as reference.
pub(super) fn refused(cx: &Cx, client: &Client, gate: Gate) -> (Entry, Event) {
    (Entry::new(cx).target(&client.id), Event::AppRefused { at: gate.as_str() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::groups;
    use crate::access::tuples::{self, NewTuple};
    use crate::identity::users::{self, NewUser};
    use crate::oauth::clients::{self, NewClient};
    use crate::records::{ClientFieldsChange, ClientType, TupleKey};
    use crate::testing::{TestApp, block_on};

    /// An app, restricted.
    fn wiki(cx: &Cx) -> Client {
        let fields = ClientFieldsChange {
            redirect_uris: Some(vec!["https://wiki.example.com/cb".into()]),
            access_policy: Some(AccessPolicy::Restricted),
            ..ClientFieldsChange::default()
        };
        let (kind, client_id) = (Some(ClientType::Web), Some("wiki".into()));
        let input = NewClient { name: Some("Wiki".into()), kind, client_id, fields };
        block_on(clients::register(cx, &input)).unwrap().client
    }

    fn person(cx: &Cx, name: &str, roles: &[&str]) -> UserId {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let new = NewUser { email: format!("{name}@example.com"), roles, ..NewUser::default() };
        block_on(users::create(cx, new)).unwrap().id
    }

    fn tuple((kind, id, relation): (&str, &str, &str), subject: SubjectRef) -> NewTuple {
        let (entity_type, entity_id) = (kind.to_owned(), id.to_owned());
        TupleKey { entity_type, entity_id, relation: relation.to_owned(), subject }.into()
    }

    fn give(cx: &Cx, new: NewTuple) -> TupleKey {
        block_on(tuples::write(cx, new)).unwrap().tuple.key
    }

    fn user(id: &UserId) -> SubjectRef {
        SubjectRef::new(USER, id.as_str())
    }

    fn may(cx: &Cx, client: &Client, person: &UserId) -> bool {
        block_on(may_use(cx, client, person)).unwrap()
    }

    #[test]
    fn everybody_may_use_an_app_unless_it_is_restricted() {
        let home = TestApp::new();
        let cx = home.cx();
        let (wiki, ann) = (wiki(&cx), person(&cx, "ann", &[]));
        assert!(!may(&cx, &wiki, &ann));
        let mut open = wiki;
        open.fields.access_policy = AccessPolicy::AllUsers;
        assert!(may(&cx, &open, &ann));
    }

    #[test]
    fn each_relation_to_a_restricted_app_lets_in_and_none_to_another_does() {
        let home = TestApp::new();
        let cx = home.cx();
        let (wiki, ann) = (wiki(&cx), person(&cx, "ann", &[]));
        let redirect_uris = Some(vec!["https://other.example.com/cb".into()]);
        let other = NewClient {
            name: Some("Other".into()),
            kind: Some(ClientType::Web),
            client_id: Some("other".into()),
            fields: ClientFieldsChange { redirect_uris, ..ClientFieldsChange::default() },
        };
        block_on(clients::register(&cx, &other)).unwrap();
        give(&cx, tuple((CLIENTS, "other", "owner"), user(&ann)));
        assert!(!may(&cx, &wiki, &ann));
        for (id, relation) in
            [("wiki", "owner"), ("wiki", "admin"), ("wiki", "use"), ("wiki", "full_access"), ("*", "use")]
        {
            let key = give(&cx, tuple((CLIENTS, id, relation), user(&ann)));
            assert!(may(&cx, &wiki, &ann), "{id} {relation}");
            block_on(tuples::remove_named(&cx, &key, crate::access::naming::Naming::Identifiers)).unwrap();
            assert!(!may(&cx, &wiki, &ann), "{id} {relation}");
        }
    }

    #[test]
    fn members_of_a_group_within_a_group_and_administrators_may_use_a_restricted_app() {
        let home = TestApp::new();
        let cx = home.cx();
        let (wiki, ann, bob) = (wiki(&cx), person(&cx, "ann", &[]), person(&cx, "bob", &[]));
        assert!(may(&cx, &wiki, &person(&cx, "root", &["admin"])));
        let staff = block_on(groups::create(&cx, "staff", None)).unwrap();
        let writers = block_on(groups::create(&cx, "writers", None)).unwrap();
        let group = |id: &str| SubjectRef::new("group", id);
        give(&cx, tuple((CLIENTS, "wiki", "use"), group(staff.id.as_str())));
        give(&cx, tuple(("group", staff.id.as_str(), "member"), group(writers.id.as_str())));
        give(&cx, tuple(("group", writers.id.as_str(), "member"), user(&ann)));
        assert_eq!((may(&cx, &wiki, &ann), may(&cx, &wiki, &bob)), (true, false));
        block_on(users::disable(&cx, &ann)).unwrap();
        assert!(!may(&cx, &wiki, &ann), "disabled");
    }

    #[test]
    fn a_condition_decides_and_an_end_is_an_end() {
        let home = TestApp::new();
        let (wiki, ann, bob) = (wiki(&home.cx()), person(&home.cx(), "ann", &[]), person(&home.cx(), "bob", &[]));
        let cx = home.cx();
        for (id, word, wanted) in [(&ann, "true", true), (&bob, "false", false)] {
            let condition = Some(format!("return {word}"));
            give(&cx, NewTuple { condition, ..tuple((CLIENTS, "wiki", "use"), user(id)) });
            assert_eq!(may(&cx, &wiki, id), wanted);
        }
        let expires_at = Some(cx.now.plus(Duration::from_secs(60)));
        give(&cx, NewTuple { expires_at, ..tuple((CLIENTS, "wiki", "use"), user(&bob)) });
        assert!(may(&cx, &wiki, &bob));
        home.advance(Duration::from_secs(60));
        assert!(!may(&home.cx(), &wiki, &bob));
    }
}
