//! Numbered changes of the stored shapes. Each file remembers the last one it has been through.

use super::Error;
use super::engine::Engine;
use super::schema::{META, Meta};
use super::tx::{Read, Snapshot, Tx, transact};
use crate::base::canonical;
use crate::base::id::{ClientId, TenantId};
use crate::base::page::PageRequest;
use crate::base::secret::sha256;
use crate::records::tuple::ANY;
use crate::records::{Model, SubjectRef, Tuple, TupleKey};
use crate::store::rows::{clients, models, tuples, users};

/// One change of the stored shapes.
pub(super) struct Migration {
    /// Ascending from 1, never used twice.
    pub(super) number: u32,
    /// What it does, for messages.
    pub(super) name: &'static str,
    /// Does it, in as many transactions as it likes: if one fails, or the process dies, all are taken back.
    pub(super) run: fn(&Steps<'_>) -> Result<(), Error>,
}

/// All changes so far. Append; never edit one that was released.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first shapes", run: |_| Ok(()) },
    Migration { number: 2, name: "administrators are tuples", run: administrators_are_tuples },
    Migration { number: 3, name: "addresses have one form", run: addresses_have_one_form },
    Migration { number: 4, name: "types have written owners", run: types_have_written_owners },
];

/// From now on a type belongs to whom it is written down for, and to nobody by its name. What would have become the type of a client that there is at the
/// next change of its model is written down as that client's; what is written down for a client that is gone, as that of one that never comes back.
fn types_have_written_owners(steps: &Steps<'_>) -> Result<(), Error> {
    let (tenant, mut request, mut changed) = (TenantId::DEFAULT, PageRequest::default(), false);
    loop {
        let from = steps.read()?;
        let page = models::page(&from, tenant, &request)?;
        for model in page.items {
            let owner = match &model.client {
                Some(client) if clients::find(&from, tenant, client)?.is_none() => Some(gone(client)?),
                Some(_) => None,
                None => named_client(&from, tenant, &model.entity_type)?,
            };
            if owner.is_some() {
                steps.write(|tx| models::put(tx, tenant, &Model { client: owner, ..model }))?;
                changed = true;
            }
        }
        request.after = page.next;
        if request.after.is_none() {
            return if changed { steps.write(|tx| tuples::raise(tx, tenant)).map(drop) } else { Ok(()) };
        }
    }
}

/// What stands in the place of a client that is gone, made of its id, since a migration draws nothing.
fn gone(client: &ClientId) -> Result<ClientId, Error> {
    let digest = data_encoding::HEXLOWER.encode(&sha256(client.as_str().as_bytes()));
    format!("gone_{}", digest.get(..26).unwrap_or(&digest)).parse().map_err(|_| Error::Key)
}

/// The client whose id the name of a type begins with, as `abc:invoice` and `client_abc:invoice` do.
fn named_client(from: &Snapshot, tenant: TenantId, entity_type: &str) -> Result<Option<ClientId>, Error> {
    let Some((named, _)) = entity_type.split_once(':') else { return Ok(None) };
    for name in [Some(named), named.strip_prefix("client_")].into_iter().flatten() {
        if let Ok(id) = name.parse::<ClientId>()
            && clients::find(from, tenant, &id)?.is_some()
        {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Who has an address with a domain in other letters than ASCII is found by its ASCII form from now on. Of two people with both forms of one
/// address the older one is found by it; the other one keeps the account, and gets another address.
fn addresses_have_one_form(steps: &Steps<'_>) -> Result<(), Error> {
    let (tenant, mut request) = (TenantId::DEFAULT, PageRequest::default());
    loop {
        let page = users::page(&steps.read()?, tenant, &request)?;
        for user in &page.items {
            let before = canonical::email_in_letters(&user.email)
                .filter(|before| canonical::email(&user.email).as_ref() != Some(before));
            if let Some(before) = before {
                steps.write(|tx| users::move_address(tx, tenant, user, &before))?;
            }
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(());
        }
    }
}

/// People with the role `admin` get the tuples that say so from now on; the first of them also those that only one can have.
fn administrators_are_tuples(steps: &Steps<'_>) -> Result<(), Error> {
    let (tenant, mut request, mut relations) =
        (TenantId::DEFAULT, PageRequest::default(), vec!["admin", "super_admin"]);
    loop {
        let page = users::page(&steps.read()?, tenant, &request)?;
        for user in page.items.iter().filter(|user| user.is_admin()) {
            steps.write(|tx| {
                for relation in &relations {
                    let key = TupleKey {
                        entity_type: String::from("platform"),
                        entity_id: ANY.to_owned(),
                        relation: (*relation).to_owned(),
                        subject: SubjectRef::new("user", user.id.as_str()),
                    };
                    let (created_at, updated_at) = (user.created_at, user.created_at);
                    tuples::put(tx, tenant, &Tuple { key, condition: None, expires_at: None, created_at, updated_at })?;
                }
                tuples::raise(tx, tenant)
            })?;
            relations = vec!["admin"];
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(());
        }
    }
}

/// What a migration works with.
pub(super) struct Steps<'a> {
    engine: &'a dyn Engine,
}

impl Steps<'_> {
    /// The state after the transactions so far.
    pub(super) fn read(&self) -> Result<Snapshot, Error> {
        self.engine.snapshot().map(Snapshot::new)
    }

    /// Makes some of the changes.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut Tx) -> Result<T, Error>) -> Result<T, Error> {
        transact(self.engine, change)
    }
}

/// The data could not be brought up to date; it is as it was before the first migration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Number and name of the migration that failed; `None` when none was reached.
    pub(super) migration: Option<(u32, &'static str)>,
    /// Why.
    pub(super) cause: Error,
}

/// The highest number this program knows.
pub(super) fn known() -> u32 {
    MIGRATIONS.iter().map(|migration| migration.number).max().unwrap_or(0)
}

/// The number of the last migration that the data has been through; 0 for none.
pub(super) fn schema_of(from: &(impl Read + ?Sized)) -> Result<u32, Error> {
    match META.find(from, &schema_key())? {
        Some(Meta::Schema(number)) => Ok(number),
        Some(Meta::Manifest(_)) => Err(Error::Record(String::from("the schema number is missing"))),
        None => Ok(0),
    }
}

fn schema_key() -> (TenantId, String) {
    (TenantId::INSTALLATION, String::from("schema"))
}

/// Runs what the data has not been through yet, all or nothing, also when the process dies in between.
pub(super) fn run(engine: &dyn Engine, migrations: &[Migration]) -> Result<(), Failure> {
    let failed = |cause| Failure { migration: None, cause };
    // A mark that is still there is from a process that died during its migrations.
    engine.roll_back().map_err(failed)?;
    let current = schema_of(engine.snapshot().map_err(failed)?.as_ref()).map_err(failed)?;
    let mut pending: Vec<_> = migrations.iter().filter(|migration| migration.number > current).collect();
    pending.sort_by_key(|migration| migration.number);
    if pending.is_empty() {
        return Ok(());
    }
    engine.mark().map_err(failed)?;
    for migration in pending {
        if let Err(cause) = one(engine, migration) {
            let cause = engine.roll_back().err().unwrap_or(cause);
            return Err(Failure { migration: Some((migration.number, migration.name)), cause });
        }
    }
    engine.forget_mark().map_err(failed)
}

fn one(engine: &dyn Engine, migration: &Migration) -> Result<(), Error> {
    (migration.run)(&Steps { engine })?;
    transact(engine, |tx| META.put(tx, &schema_key(), &Meta::Schema(migration.number)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Moment;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::UserId;
    use crate::records::User;
    use crate::store::engine::View;
    use crate::store::memory::MemoryEngine;
    use crate::store::redb::RedbEngine;
    use crate::store::{Options, Record, Store, Table};

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

    fn each_engine(test: impl Fn(&dyn Engine)) {
        test(&MemoryEngine::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auther.redb");
        Store::open(&path, &Options::default()).unwrap().close();
        let engine = RedbEngine::open(&path, &Options::default()).unwrap();
        transact(&engine, |tx| META.put(tx, &schema_key(), &Meta::Schema(1))).unwrap();
        test(&engine);
    }

    #[test]
    fn each_migration_runs_once_and_in_order() {
        each_engine(|engine| {
            run(engine, &[FIRST]).unwrap();
            assert_eq!(state(engine), (1, None));
            run(engine, &[THIRD, FIRST, SECOND]).unwrap();
            assert_eq!(state(engine), (3, Some(Number(120))));
            run(engine, &[FIRST, SECOND, THIRD]).unwrap();
            assert_eq!(state(engine), (3, Some(Number(120))));
            assert!(!engine.roll_back().unwrap(), "no mark is left");
        });
    }

    #[test]
    fn a_failing_migration_takes_all_of_them_back() {
        each_engine(|engine| {
            run(engine, &[FIRST]).unwrap();
            let failure = run(engine, &[FIRST, SECOND, FAILING]).unwrap_err();
            assert_eq!(failure, Failure { migration: Some((3, "failing")), cause: Error::Key });
            assert_eq!(state(engine), (1, None));
            run(engine, &[FIRST, SECOND, THIRD]).unwrap();
            assert_eq!(state(engine), (3, Some(Number(120))));
        });
    }

    #[test]
    fn migrations_that_a_crash_cut_short_start_again() {
        each_engine(|engine| {
            run(engine, &[FIRST]).unwrap();
            engine.mark().unwrap();
            one(engine, &SECOND).unwrap();
            add(&Steps { engine }, 5).unwrap();
            assert_eq!(state(engine), (2, Some(Number(25))));
            run(engine, &[FIRST, SECOND, THIRD]).unwrap();
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
        run(&engine, &MIGRATIONS[..2]).unwrap();
        let people = [user(1, "Ann@exämple.com"), user(2, "bob@example.com"), user(3, "ann@xn--exmple-cua.com")];
        for person in &people {
            // As a former version wrote it.
            let before = canonical::email_in_letters(&person.email).unwrap();
            transact(&engine, |tx| users::write_as_before(tx, tenant, person, &before)).unwrap();
        }
        run(&engine, MIGRATIONS).unwrap();
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
        run(&engine, &[FIRST]).unwrap();
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
        run(&engine, MIGRATIONS).unwrap();
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
        run(&engine, &MIGRATIONS[..3]).unwrap();
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
        run(&engine, MIGRATIONS).unwrap();
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
    fn the_numbers_ascend_from_one() {
        for (position, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.number, position, "{}", migration.name);
        }
    }
}
