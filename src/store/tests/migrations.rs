//! Migrations: their order, that they are taken back, and what each does to rows of former versions.

use std::sync::Arc;

use super::*;
use crate::base::Moment;
use crate::base::entropy::OsEntropy;
use crate::base::id::UserId;
use crate::records::{Group, User};
use crate::store::changes::Changes;
use crate::store::engine::View;
use crate::store::key::prefix;
use crate::store::memory::MemoryEngine;
use crate::store::redb::{Draft, Publish, RedbEngine};
use crate::store::rows::groups;
use crate::store::rows::marks::{self, Meaning};
use crate::store::{Options, Record, Revision, Store, Table, meta};

const NUMBERS: Table<(TenantId,), Number> = Table::new("test_a");

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Number(u64);
impl Record for Number {}

fn add(steps: &Steps<'_>, more: u64) -> Result<(), Error> {
    let before = NUMBERS.find(&steps.read()?, &(TenantId::DEFAULT,))?.map_or(0, |number| number.0);
    steps.write(|tx| NUMBERS.put(tx, &(TenantId::DEFAULT,), &Number(before + more)))
}

const FIRST: Migration = Migration { number: 1, name: "first", run: |_| Ok(()) };
const SECOND: Migration = Migration {
    number: 2,
    name: "second",
    run: |steps| {
        add(steps, 10)?;
        add(steps, 10)
    },
};
const THIRD: Migration = Migration { number: 3, name: "third", run: |steps| add(steps, 100) };
const FAILING: Migration = Migration {
    number: 3,
    name: "failing",
    run: |steps| {
        add(steps, 1000)?;
        Err(Error::Key)
    },
};

fn state(engine: &dyn Engine) -> (u32, Option<Number>) {
    let view: Arc<dyn View> = engine.snapshot().unwrap();
    (schema_of(view.as_ref()).unwrap(), NUMBERS.find(view.as_ref(), &(TenantId::DEFAULT,)).unwrap())
}

fn with_file(test: impl Fn(&RedbEngine)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    Store::open(&path, &Options::default()).unwrap().close();
    let engine = RedbEngine::open(&path, &Options::default()).unwrap();
    transact(&engine, |tx| META.put(tx, &schema_key(), &Meta::Schema(1))).unwrap();
    test(&engine);
}

#[test]
fn each_migration_runs_once_and_in_order() {
    with_file(|engine| {
        run(engine, Some(engine), &[FIRST]).unwrap();
        assert_eq!(state(engine), (1, None));
        run(engine, Some(engine), &[THIRD, FIRST, SECOND]).unwrap();
        assert_eq!(state(engine), (3, Some(Number(120))));
        run(engine, Some(engine), &[FIRST, SECOND, THIRD]).unwrap();
        assert_eq!(state(engine), (3, Some(Number(120))));
        assert!(!engine.roll_back().unwrap(), "no savepoint is left");
    });
    let memory = MemoryEngine::default();
    run(&memory, None, &[THIRD, FIRST, SECOND]).unwrap();
    assert_eq!(state(&memory), (3, Some(Number(120))));
}

#[test]
fn a_failing_migration_takes_all_of_them_back() {
    with_file(|engine| {
        run(engine, Some(engine), &[FIRST]).unwrap();
        let failure = run(engine, Some(engine), &[FIRST, SECOND, FAILING]).unwrap_err();
        assert_eq!(failure, Failure { migration: Some((3, "failing")), cause: Error::Key });
        assert_eq!(state(engine), (1, None));
        run(engine, Some(engine), &[FIRST, SECOND, THIRD]).unwrap();
        assert_eq!(state(engine), (3, Some(Number(120))));
    });
}

#[test]
fn migrations_that_a_crash_cut_short_start_again() {
    with_file(|engine| {
        run(engine, Some(engine), &[FIRST]).unwrap();
        engine.savepoint().unwrap();
        one(engine, &SECOND).unwrap();
        add(&Steps { engine }, 5).unwrap();
        assert_eq!(state(engine), (2, Some(Number(25))));
        run(engine, Some(engine), &[FIRST, SECOND, THIRD]).unwrap();
        assert_eq!(state(engine), (3, Some(Number(120))));
    });
}

fn user(millis: i64, email: &str) -> User {
    serde_json::from_value(serde_json::json!({
        "id": UserId::new(Moment::from_millis(millis), &OsEntropy), "email": email, "email_verified": false, "username": null,
        "profile": {}, "roles": [], "password": null, "password_changed_at": null,
        "created_at": Moment::from_millis(5), "updated_at": Moment::from_millis(5),
    }))
    .unwrap()
}

#[test]
fn who_had_an_address_in_letters_is_found_by_its_ascii_form() {
    let engine = MemoryEngine::default();
    let tenant = TenantId::DEFAULT;
    run(&engine, None, &MIGRATIONS[..2]).unwrap();
    let people = [user(1, "Ann@exämple.com"), user(2, "bob@example.com"), user(3, "ann@xn--exmple-cua.com")];
    for person in &people {
        // As a former version wrote it.
        let before = canonical::email_in_letters(&person.email).unwrap();
        transact(&engine, |tx| users::write_as_before(tx, tenant, person, &before)).unwrap();
    }
    run(&engine, None, MIGRATIONS).unwrap();
    let view = Snapshot::new(engine.snapshot().unwrap());
    let find = |text: &str| users::find_by_email(&view, tenant, text).unwrap().map(|user| user.id);
    assert_eq!(find("ann@exämple.com"), None);
    assert_eq!(find("ann@xn--exmple-cua.com"), Some(people[0].id.clone()), "the older one");
    assert_eq!(find("bob@example.com"), Some(people[1].id.clone()));
    // A new address takes the place of the old one, and leaves nothing behind.
    let moved = User { email: String::from("new@example.com"), ..people[0].clone() };
    transact(&engine, |tx| users::put(tx, tenant, Some(&people[0]), &moved)).unwrap().unwrap();
    let view = Snapshot::new(engine.snapshot().unwrap());
    let found = users::find_by_email(&view, tenant, "ann@xn--exmple-cua.com").unwrap().map(|user| user.id);
    assert_eq!(found, Some(people[2].id.clone()), "the younger one is found now");
}

#[test]
fn who_had_the_role_of_administrators_has_their_tuples() {
    let engine = MemoryEngine::default();
    run(&engine, None, &[FIRST]).unwrap();
    let person = |name: &str, roles: &[&str]| -> User {
        let id = UserId::new(Moment::from_millis(i64::from(name.as_bytes()[0])), &OsEntropy);
        serde_json::from_value(serde_json::json!({
            "id": id, "email": format!("{name}@example.com"), "email_verified": false, "username": null, "profile": {},
            "roles": roles, "password": null, "password_changed_at": null,
            "created_at": Moment::from_millis(5), "updated_at": Moment::from_millis(5),
        }))
        .unwrap()
    };
    let people = [person("a", &["admin"]), person("b", &[]), person("c", &["admin", "staff"])];
    for user in &people {
        transact(&engine, |tx| users::put(tx, TenantId::DEFAULT, None, user)).unwrap().unwrap();
    }
    run(&engine, None, MIGRATIONS).unwrap();
    let view: Arc<dyn View> = engine.snapshot().unwrap();
    let held = people.map(|user| {
        let subject = SubjectRef::new("user", user.id.as_str());
        tuples::of_subject(view.as_ref(), TenantId::DEFAULT, &subject, None, 10)
            .unwrap()
            .into_iter()
            .map(|key| key.relation)
            .collect::<Vec<_>>()
    });
    assert_eq!(
        held,
        [vec!["admin", "super_admin"], vec![], vec!["admin"]]
            .map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>())
    );
    assert_eq!(schema_of(view.as_ref()), Ok(known()));
}

#[test]
fn types_belong_to_whom_their_name_said_and_never_by_it_again() {
    let engine = MemoryEngine::default();
    let tenant = TenantId::DEFAULT;
    run(&engine, None, &MIGRATIONS[..3]).unwrap();
    let at = Moment::from_millis(5);
    let client = serde_json::json!({"id": "abc", "name": "A", "kind": "web", "auth_method": "none", "grants": [], "created_at": at, "updated_at": at});
    let client: crate::records::Client = serde_json::from_value(client).unwrap();
    transact(&engine, |tx| clients::put(tx, tenant, &client)).unwrap();
    let id = |text: &str| text.parse::<ClientId>().ok();
    let cases = [
        ("abc:bill", None, id("abc")),
        ("client_abc:order", None, id("abc")),
        ("abc:other", id("xyz"), None),
        ("billing:invoice", None, None),
        ("notes", None, None),
        ("abc:own", id("abc"), id("abc")),
    ];
    for (name, before, _) in &cases {
        let definition = serde_json::Map::new();
        let model = Model {
            entity_type: (*name).into(),
            client: before.clone(),
            definition,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        transact(&engine, |tx| models::put(tx, tenant, &model)).unwrap();
    }
    run(&engine, None, MIGRATIONS).unwrap();
    let view = Snapshot::new(engine.snapshot().unwrap());
    for (name, _, wanted) in cases {
        let owner = models::find(&view, tenant, name).unwrap().unwrap().client;
        match name {
            "abc:other" => assert!(owner.is_some_and(|owner| owner.is_gone()), "xyz is gone for good"),
            _ => assert_eq!(owner, wanted, "{name}"),
        }
    }
}

#[test]
fn counts_of_changes_go_on_in_their_own_table_in_a_file_of_the_old_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    let draft = Draft::begin(&path, &Options::default()).unwrap();
    run(draft.engine(), None, &MIGRATIONS[..4]).unwrap();
    let at = Moment::from_millis(5);
    // As a former version wrote them: beside what was used up and revoked.
    transact(draft.engine(), |tx| {
        let rows = [("permissions revision", 57), ("models revision", 3)];
        rows.iter().try_for_each(|(name, count)| {
            let key = prefix((TenantId::DEFAULT, *name));
            tx.set_raw("marks", key, Some(format!("\u{1}{{\"revision\":{count}}}").into_bytes()))
        })?;
        marks::set(tx, TenantId::DEFAULT, Meaning::TokenRevoked, "some", at)
    })
    .unwrap();
    // One of the earlier migrations counts as this version does.
    transact(draft.engine(), |tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
    // It knew no revisions.
    let (table, key) = meta::head_row();
    let mut former = Changes::default();
    former.set(table, key, None);
    draft.engine().load(&former).unwrap();
    drop(draft.publish(Publish::New).map_err(drop).unwrap());

    let store = Store::open(&path, &Options::default()).unwrap();
    let from = store.read().unwrap();
    assert_eq!(tuples::revision(&from, TenantId::DEFAULT), Ok(58));
    assert_eq!(from.count("change_counts"), Ok(1), "what nobody asks for is gone");
    assert_eq!(from.count("marks"), Ok(1), "what is revoked stays, and the counts are gone from there");
    assert_eq!(marks::holds(&from, TenantId::DEFAULT, Meaning::TokenRevoked, "some", Moment::from_millis(4)), Ok(true));
    assert_eq!(schema_of(&from), Ok(known()));
    assert!(from.revision().unwrap() > Revision::default() && from.access_revision().unwrap() > Revision::default());
}

#[test]
fn a_group_whose_name_was_kept_in_another_form_is_found_by_each_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    let draft = Draft::begin(&path, &Options::default()).unwrap();
    run(draft.engine(), None, &MIGRATIONS[..6]).unwrap();
    let at = Moment::from_millis(5);
    let group = |id: &str, name: &str| Group {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        description: None,
        created_at: at,
        updated_at: at,
        version: 1,
    };
    let (older, younger) = ("grp_00000000000000000000000001", "grp_00000000000000000000000002");
    let before = [group(older, "Cafe\u{301}"), group(younger, "Café")];
    transact(draft.engine(), |tx| {
        before.iter().try_for_each(|group| groups::put_as_before(tx, TenantId::DEFAULT, group))
    })
    .unwrap();
    drop(draft.publish(Publish::New).map_err(drop).unwrap());
    let store = Store::open(&path, &Options::default()).unwrap();
    let from = store.read().unwrap();
    for name in ["Café", "Cafe\u{301}", "CAFÉ"] {
        let found = groups::find_by_name(&from, TenantId::DEFAULT, name).unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.name.as_str()), (older, "Café"), "{name}");
    }
    let other = groups::find(&from, TenantId::DEFAULT, &younger.parse().unwrap()).unwrap().unwrap();
    assert_eq!(other.name, "Café");
}

#[test]
fn the_numbers_ascend_from_one() {
    for (position, migration) in (1..).zip(MIGRATIONS) {
        assert_eq!(migration.number, position, "{}", migration.name);
    }
}
