//! Every rule that changes something on somebody's behalf, called past all handlers by those who lack the right to it.

use serde_json::json;

use super::PASSWORD;
use crate::access::catalogue::{self, Draft};
use crate::access::groups::{self, Change};
use crate::access::naming::Naming;
use crate::access::tuples::{self, NewTuple};
use crate::apikeys::{self, KeyChange, NewKey};
use crate::base::Secret;
use crate::base::id::{ClientId, FailureId};
use crate::cx::{Actor, Cx};
use crate::identity::sessions::{self, SignedIn};
use crate::identity::sign_in::{Attempt, Outcome, Visit, with_password};
use crate::identity::users::{self, NewUser, OwnChange, UserChange};
use crate::identity::{invites, links};
use crate::oauth::clients::{self, ClientChange, NewClient};
use crate::oauth::{consents, keys};
use crate::records::{Algorithm, Group, SubjectRef, TupleKey, User};
use crate::rights::MayDeny;
use crate::testing::TestApp;

struct World {
    home: TestApp,
    bob: User,
    of_bob: SignedIn,
    group: Group,
    key: crate::base::id::ApiKeyId,
    tuple: TupleKey,
}

fn tuple(kind: &str, relation: &str, subject: SubjectRef) -> TupleKey {
    TupleKey { entity_type: kind.into(), entity_id: String::from("n1"), relation: relation.into(), subject }
}

fn draft(kind: &str) -> Draft {
    let definition = json!({"relations": {"viewer": {}}}).as_object().unwrap().clone();
    Draft { entity_type: kind.into(), definition, client: None, expected_version: None }
}

fn app(id: &str) -> NewClient {
    serde_json::from_value(json!({"client_id": id, "name": id, "type": "m2m"})).unwrap()
}

impl World {
    async fn new() -> Self {
        let home = TestApp::with(|parts| parts.settings.registration = crate::config::Registration::Invite);
        let cx = home.cx();
        let mut people = Vec::new();
        for (email, admin) in [("root@example.com", true), ("ann@example.com", false), ("bob@example.com", false)] {
            let roles = if admin { vec![String::from("admin")] } else { Vec::new() };
            let password = Some(Secret::from(PASSWORD));
            people.push(
                users::create(&cx, NewUser { email: email.into(), password, roles, ..NewUser::default() })
                    .await
                    .unwrap(),
            );
        }
        let bob = people.pop().unwrap();
        let password = Secret::from(PASSWORD);
        let visit = Visit::default();
        let attempt = Attempt { identifier: "bob@example.com", password: &password, device: None, visit };
        let Outcome::SignedIn(success) = with_password(&home.stranger(), attempt).await.unwrap() else { panic!() };
        let of_bob = success.signed_in;
        clients::register(&cx, &app("shop")).await.unwrap();
        for kind in ["notes", "shop:item"] {
            catalogue::put(&cx, &draft(kind)).await.unwrap();
        }
        let group = groups::create(&cx, "Staff", None).await.unwrap();
        let tuple = tuple("shop:item", "viewer", SubjectRef::new("user", bob.id.as_str()));
        tuples::write(&cx, tuple.clone().into()).await.unwrap();
        let new = NewKey { name: String::from("k"), ..NewKey::default() };
        let key = apikeys::create(&cx, &bob.id, new).await.unwrap().key.id;
        keys::tick(&Cx::for_system(home.parts.clone()), &[Algorithm::ES256]).await.unwrap();
        Self { home, bob, of_bob, group, key, tuple }
    }

    /// People without rights, a client, nobody.
    fn actors(&self) -> Vec<Cx> {
        let ann = users::by_name(&self.home.cx(), "ann@example.com").unwrap();
        let client = Actor::Client("shop".parse().unwrap());
        vec![self.home.cx_of(&ann.id), self.home.stranger().with_actor(client), self.home.stranger()]
    }
}

/// Fails unless a right was missing.
fn denied<T, E: MayDeny + std::fmt::Debug>(result: Result<T, E>, what: &str, cx: &Cx) {
    let error = result.err().unwrap_or_else(|| panic!("{what} was done for {:?}", cx.actor));
    assert!(error.denied().is_some(), "{what} by {:?}: {error:?}", cx.actor);
}

#[actix_web::test]
async fn bug_class_38_rules_about_people_are_for_who_has_the_right_whoever_calls_them() {
    let world = World::new().await;
    let (id, of_bob, password) = (&world.bob.id, &world.of_bob, Secret::from(PASSWORD));
    for cx in &world.actors() {
        let new = NewUser { email: String::from("new@example.com"), ..NewUser::default() };
        denied(users::create(cx, new).await, "create", cx);
        denied(users::update(cx, id, UserChange::default()).await, "update", cx);
        denied(users::update_own(cx, of_bob, OwnChange::default()).await, "update_own", cx);
        denied(users::disable(cx, id).await, "disable", cx);
        denied(users::enable(cx, id).await, "enable", cx);
        denied(users::delete(cx, id).await, "delete", cx);
        denied(users::deletion(cx, id), "deletion", cx);
        denied(users::delete_own(cx, of_bob, Some(&password)).await, "delete_own", cx);
        denied(users::set_password(cx, id, &password).await, "set_password", cx);
        denied(sessions::end(cx, &of_bob.session.id).await, "end", cx);
        denied(sessions::end_own(cx, of_bob, &of_bob.session.id).await, "end_own", cx);
        denied(sessions::end_others(cx, of_bob).await, "end_others", cx);
        denied(sessions::end_all(cx, id).await, "end_all", cx);
        denied(sessions::end_all_own(cx, of_bob).await, "end_all_own", cx);
        denied(links::issue_setup(cx).await, "issue_setup", cx);
        denied(links::issue_recovery(cx, "bob@example.com").await, "issue_recovery", cx);
        denied(links::issue_sign_in(cx, id, None).await, "issue_sign_in", cx);
        denied(users::unlock(cx, id).await, "unlock", cx);
        denied(invites::issue(cx, None, None).await, "invite", cx);
        let shop: ClientId = "shop".parse().unwrap();
        denied(consents::revoke(cx, id, &shop).await, "revoke", cx);
        denied(consents::revoke_own(cx, id, &shop).await, "revoke_own", cx);
    }
    assert_eq!(users::by_name(&world.home.cx(), id.as_str()).unwrap().version, world.bob.version);
}

#[actix_web::test]
async fn bug_class_38_rules_about_permissions_are_for_who_has_the_right_whoever_calls_them() {
    let world = World::new().await;
    let bob = SubjectRef::new("user", world.bob.id.as_str());
    for cx in &world.actors() {
        denied(groups::create(cx, "Mine", None).await, "create", cx);
        denied(groups::update(cx, &world.group.id, Change::default()).await, "update", cx);
        denied(groups::delete(cx, &world.group.id).await, "delete", cx);
        denied(groups::deletion(cx, &world.group.id), "deletion", cx);
        let new = NewTuple::from(tuple("notes", "viewer", bob.clone()));
        denied(tuples::write(cx, new.clone()).await, "write", cx);
        denied(tuples::write_lines(cx, vec![(1, new.clone())]).await, "write_lines", cx);
        denied(tuples::remove_named(cx, &world.tuple, Naming::Identifiers).await, "remove", cx);
        denied(tuples::remove_by_id(cx, &world.tuple.id()).await, "remove_by_id", cx);
        let shop: ClientId = "shop".parse().unwrap();
        // Not even a client itself, where the type is none of its own.
        denied(tuples::write_of_client(cx, &shop, new).await, "write_of_client", cx);
        let other: ClientId = "other".parse().unwrap();
        denied(tuples::remove_of_client(cx, &other, &world.tuple.id()).await, "remove_of_client", cx);
        denied(catalogue::put(cx, &draft("notes")).await, "put", cx);
        denied(catalogue::put(cx, &draft("fresh")).await, "put", cx);
        denied(catalogue::delete(cx, "notes", None).await, "delete", cx);
    }
    // What is its own, a client may grant and take back.
    let shop = world.home.stranger().with_actor(Actor::Client("shop".parse().unwrap()));
    let own: ClientId = "shop".parse().unwrap();
    tuples::remove_of_client(&shop, &own, &world.tuple.id()).await.unwrap();
    tuples::write_of_client(&shop, &own, world.tuple.clone().into()).await.unwrap();
}

#[actix_web::test]
async fn bug_class_38_rules_about_keys_and_clients_are_for_who_has_the_right_whoever_calls_them() {
    let world = World::new().await;
    let (owner, key, shop) = (&world.bob.id, &world.key, &"shop".parse::<ClientId>().unwrap());
    for cx in &world.actors() {
        let new = || NewKey { name: String::from("k"), ..NewKey::default() };
        denied(apikeys::create(cx, owner, new()).await, "create", cx);
        denied(apikeys::update(cx, key, KeyChange::default()).await, "update", cx);
        denied(apikeys::update_own(cx, key, owner, KeyChange::default()).await, "update_own", cx);
        denied(apikeys::delete(cx, key).await, "delete", cx);
        denied(apikeys::delete_own(cx, key, owner).await, "delete_own", cx);
        denied(apikeys::delete_expired(cx, owner).await, "delete_expired", cx);
        denied(clients::register(cx, &app("mine")).await, "register", cx);
        denied(clients::update(cx, shop, &ClientChange::default()).await, "update", cx);
        denied(clients::rotate_secret(cx, shop, std::time::Duration::ZERO).await, "rotate_secret", cx);
        denied(clients::set_disabled(cx, shop, true).await, "disable", cx);
        denied(clients::set_disabled(cx, shop, false).await, "enable", cx);
        denied(clients::delete(cx, shop).await, "delete", cx);
        denied(clients::deletion(cx, shop), "deletion", cx);
        denied(clients::declare(cx, &[]).await, "declare", cx);
        let failure = FailureId::new(cx.now, cx.entropy());
        denied(clients::failures::fix(cx, shop, &failure).await, "fix", cx);
        denied(keys::rotate(cx, Some(Algorithm::ES256)).await, "rotate", cx);
        let kid = keys::list(cx).unwrap()[0].kid.to_string();
        denied(keys::retire(cx, &kid).await, "retire", cx);
    }
}
