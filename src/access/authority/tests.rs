//! Caller by target by operation: who may do it, and nobody else. Every rule gives the same answer over a snapshot and
//! over a transaction.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::access::Error;
use crate::access::catalogue::{self, Draft};
use crate::access::{groups, tuples};
use crate::base::id::{ClientId, TenantId};
use crate::cx::{Actor, Cx, Freshness};
use crate::identity::users::{self, NewUser};
use crate::records::{Group, SubjectRef, TupleKey, User};
use crate::rights::{self, Right};
use crate::store::rows::clients;
use crate::store::{self, Read};
use crate::testing::{START, TestApp, block_on};

type Operation<'a> = (&'a str, &'a str, &'a dyn Fn(&Cx, &dyn Read) -> Result<(), Error>);

fn key(kind: &str, id: &str, relation: &str, subject: SubjectRef) -> TupleKey {
    TupleKey { entity_type: kind.into(), entity_id: id.into(), relation: relation.into(), subject }
}

fn person(user: &User) -> SubjectRef {
    SubjectRef::new("user", user.id.as_str())
}

/// An installation with somebody for each right, and things of every kind.
struct World {
    home: TestApp,
    people: Vec<(&'static str, User)>,
    staff: Group,
    operators: Group,
}

impl World {
    fn new() -> Self {
        let home = TestApp::new();
        let cx = home.cx();
        for id in ["shop", "desk"] {
            let app: crate::records::Client = serde_json::from_value(json!({
                "id": id, "name": id, "kind": "web", "auth_method": "none", "grants": [], "created_at": START, "updated_at": START
            }))
            .unwrap();
            let put = move |tx: &mut store::Tx| clients::put(tx, TenantId::DEFAULT, &app);
            cx.store().write_blocking::<_, store::Error, _>(put).unwrap();
        }
        for (entity_type, client) in [("note", None), ("shop:doc", Some("shop")), ("desk:team", Some("desk"))] {
            let definition = json!({"relations": {"viewer": {}}}).as_object().unwrap().clone();
            let client = client.map(|id| id.parse().unwrap());
            let draft = Draft { entity_type: entity_type.into(), definition, client, expected_version: None };
            block_on(catalogue::put(&cx, &draft)).unwrap();
        }
        let staff = block_on(groups::create(&cx, "Staff", None)).unwrap();
        let operators = block_on(groups::create(&cx, "Operators", None)).unwrap();
        let rights: [(&str, Option<[&str; 3]>); 10] = [
            ("root", Some(["platform", "*", "admin"])),
            ("ann", None),
            ("users", Some(["users", "*", "admin"])),
            ("groups", Some(["groups", "*", "admin"])),
            ("clients", Some(["clients", "*", "admin"])),
            ("tuples", Some(["tuples", "*", "editor"])),
            ("models", Some(["models", "*", "editor"])),
            ("keys", Some(["api_keys", "*", "admin"])),
            ("owner", Some(["oauth_client", "shop", "owner"])),
            ("oscar", Some(["group", operators.id.as_str(), "member"])),
        ];
        let mut people = Vec::new();
        for (name, right) in rights {
            let new = NewUser { email: format!("{name}@example.com"), ..NewUser::default() };
            let user = block_on(users::create(&cx, new)).unwrap();
            if let Some([kind, id, relation]) = right {
                block_on(tuples::write(&cx, key(kind, id, relation, person(&user)).into())).unwrap();
            }
            people.push((name, users::by_name(&cx, user.id.as_str()).unwrap()));
        }
        // The operators administer accounts, and so does who views a team of the app Desk.
        let of_group = SubjectRef::new("group", operators.id.as_str());
        block_on(tuples::write(&cx, key("users", "*", "admin", of_group).into())).unwrap();
        let of_team = SubjectRef::set("desk:team", "1", "viewer");
        block_on(tuples::write(&cx, key("users", "*", "viewer", of_team).into())).unwrap();
        Self { home, people, staff, operators }
    }

    fn user(&self, name: &str) -> &User {
        &self.people.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Everybody who calls. Root calls twice: in a fresh session, and in one whose password was given a day ago.
    fn callers(&self) -> Vec<(&'static str, Cx)> {
        let home = &self.home;
        let mut callers: Vec<_> = self.people.iter().map(|(name, user)| (*name, home.cx_of(&user.id))).collect();
        let old = Freshness::ProvedAt(START.minus(Duration::from_secs(24 * 60 * 60)));
        callers.push(("stale root", Cx { proof: old, ..home.cx_of(&self.user("root").id) }));
        callers.push(("shop", home.stranger().with_actor(Actor::Client("shop".parse().unwrap()))));
        callers.push(("nobody", home.stranger()));
        callers.push(("operator", home.cx()));
        callers
    }

    /// Asks every caller for every operation, over a snapshot and over a transaction.
    fn is(&self, operations: &[Operation<'_>]) {
        for (operation, allowed, may) in operations {
            let mut found = Vec::new();
            for (name, cx) in self.callers() {
                let over_snapshot = may(&cx, &cx.read().unwrap());
                let over_transaction = cx.store().rehearse(|tx| may(&cx, tx));
                let outcomes = [over_snapshot.is_ok(), over_transaction.is_ok()];
                assert_eq!(outcomes[0], outcomes[1], "{operation}: {name}");
                for error in [over_snapshot.err(), over_transaction.err()].into_iter().flatten() {
                    let is_refusal = matches!(error, Error::Denied(_) | Error::NotFresh);
                    assert!(is_refusal, "{operation}: {name}: {error}");
                }
                found.extend(outcomes[0].then_some(name));
            }
            assert_eq!(found.join(", "), *allowed, "{operation}");
        }
    }
}

fn holds(is: bool) -> Result<(), Error> {
    if is { Ok(()) } else { Err(rights::Denied::new("view", "anything", "*").into()) }
}

#[test]
fn people_are_changed_by_who_may_and_those_with_authority_by_administrators() {
    let world = World::new();
    let change = |target: &'static str| {
        let user = world.user(target).clone();
        move |cx: &Cx, from: &dyn Read| {
            Right::on("update", "users").require::<Error>(cx, from)?;
            rights::may_change_person::<Error>(cx, from, &user)
        }
    };
    let key_of = |target: &'static str| {
        let subject = person(world.user(target));
        move |cx: &Cx, from: &dyn Read| {
            Right::on("update", "api_keys").require::<Error>(cx, from)?;
            rights::may_change_subject::<Error>(cx, from, &subject)
        }
    };
    let itself = Right::Own(world.user("ann").id.clone());
    world.is(&[
        ("change ann", "root, users, oscar, stale root, operator", &change("ann")),
        ("change root", "root, stale root, operator", &change("root")),
        ("change who administers accounts", "root, stale root, operator", &change("users")),
        ("change who does so through a group", "root, stale root, operator", &change("oscar")),
        ("change who owns an app", "root, stale root, operator", &change("owner")),
        ("give a key of ann more", "root, keys, stale root, operator", &key_of("ann")),
        ("give a key of root more", "root, stale root, operator", &key_of("root")),
        ("make an administrator", "root, stale root, operator", &|cx, from| rights::may_make_administrator(cx, from)),
        ("change oneself", "ann", &|cx, from| itself.require(cx, from)),
        ("act as the operator", "operator", &|cx, from| Right::Operator.require(cx, from)),
    ]);
}

#[test]
fn tuples_are_written_by_who_may_and_what_gives_authority_by_administrators_in_a_fresh_session() {
    let world = World::new();
    let write = |write_as: WriteAs, kind: &str, id: &str, relation: &str| {
        let keys = [key(kind, id, relation, SubjectRef::new("user", "somebody"))];
        move |cx: &Cx, from: &dyn Read| may_write_tuples(cx, from, &write_as, &keys)
    };
    let oneself = |kind: &str, id: &str, relation: &str| write(WriteAs::Oneself, kind, id, relation);
    let shop: ClientId = "shop".parse().unwrap();
    let of_shop = |kind: &str| write(WriteAs::ManagerOf(shop.clone()), kind, "1", "viewer");
    let (staff, operators) = (world.staff.id.as_str(), world.operators.id.as_str());
    world.is(&[
        ("write on a type of nobody", "root, tuples, stale root, operator", &oneself("note", "1", "viewer")),
        (
            "write on a type of a client",
            "root, tuples, owner, stale root, operator",
            &oneself("shop:doc", "1", "viewer"),
        ),
        ("give access to a client", "root, owner, stale root, operator", &oneself("oauth_client", "shop", "use")),
        ("grant on a type of the client", "root, owner, stale root, shop, operator", &of_shop("shop:doc")),
        ("grant on a type of another client", "", &of_shop("note")),
        ("fill a group", "root, groups, stale root, operator", &oneself("group", staff, "member")),
        ("fill a group that gives authority", "root, operator", &oneself("group", operators, "member")),
        ("fill a userset that gives authority", "root, operator", &oneself("desk:team", "1", "viewer")),
        (
            "fill another userset of that type",
            "root, tuples, stale root, operator",
            &oneself("desk:team", "2", "viewer"),
        ),
        ("give a right on the platform", "root, operator", &oneself("audit", "*", "viewer")),
        ("give access to every client", "root, operator", &oneself("oauth_client", "*", "use")),
    ]);
}

#[test]
fn models_groups_and_clients_are_changed_by_who_may_and_those_that_give_authority_by_administrators() {
    let world = World::new();
    let (shop, desk): (ClientId, ClientId) = ("shop".parse().unwrap(), "desk".parse().unwrap());
    let model = |entity_type: &'static str, owner: Option<&ClientId>, named: Option<&ClientId>| {
        let (owner, named) = (owner.cloned(), named.cloned());
        move |cx: &Cx, from: &dyn Read| {
            may_change_model(cx, from, ModelChange { entity_type, owner: owner.as_ref(), named: named.as_ref() })
        }
    };
    let group = |group: &Group| {
        let group = group.clone();
        move |cx: &Cx, from: &dyn Read| {
            Right::on("update", "groups").require::<Error>(cx, from)?;
            may_change_group(cx, from, &group)
        }
    };
    let delete = |client: &ClientId| {
        let client = client.clone();
        move |cx: &Cx, from: &dyn Read| {
            Right::on("delete", "clients").require::<Error>(cx, from)?;
            may_delete_client(cx, from, &client)
        }
    };
    world.is(&[
        ("change a model of nobody", "root, models, stale root, operator", &model("note", None, None)),
        (
            "change a model of a client",
            "root, models, owner, stale root, operator",
            &model("shop:doc", Some(&shop), None),
        ),
        ("give a model away", "root, models, stale root, operator", &model("shop:doc", Some(&shop), Some(&desk))),
        ("change a model of the platform", "root, operator", &model("users", None, None)),
        ("change a model that gives authority", "root, operator", &model("desk:team", Some(&desk), None)),
        ("change a group", "root, groups, stale root, operator", &group(&world.staff)),
        ("change a group that gives authority", "root, operator", &group(&world.operators)),
        ("delete a client", "root, clients, stale root, operator", &delete(&shop)),
        ("delete a client that gives authority", "root, operator", &delete(&desk)),
    ]);
}

#[test]
fn what_is_shown_and_asked_is_for_who_may_see_it() {
    let world = World::new();
    let shop: ClientId = "shop".parse().unwrap();
    let own = |cx: &Cx| matches!(&cx.actor, Actor::Client(id) if *id == shop);
    let ann = person(world.user("ann"));
    world.is(&[
        ("see a model of nobody", "root, models, stale root, operator", &|cx, _| may_see_model(cx, None)),
        ("see a model of a client", "root, models, owner, stale root, operator", &|cx, _| {
            may_see_model(cx, Some(&shop))
        }),
        ("ask about others on a type of a client", "root, tuples, stale root, shop, operator", &|cx, _| {
            holds(may_ask_about_others(cx, Some(&shop).filter(|_| own(cx)), "shop:doc")?)
        }),
        ("ask about others on another type", "root, tuples, stale root, operator", &|cx, _| {
            holds(may_ask_about_others(cx, Some(&shop).filter(|_| own(cx)), "note")?)
        }),
        ("ask about ann", "root, ann, tuples, stale root, operator", &|cx, _| holds(may_ask(cx, None, &ann, "note")?)),
        ("write some tuples", "root, groups, tuples, owner, stale root, operator", &|cx, _| {
            holds(may_write_some(cx, Writable::Tuples)?)
        }),
        ("write some models", "root, models, owner, stale root, operator", &|cx, _| {
            holds(may_write_some(cx, Writable::Models)?)
        }),
        ("change some key", "root, keys, stale root, operator", &|cx, _| may_change_some_key(cx)),
    ]);
}
