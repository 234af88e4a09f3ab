//! Numbered changes of the stored shapes. Each file remembers the last one it has been through.

use super::Error;
use super::engine::{DataFile, Engine};
use super::meta::{META, Meta};
use super::tx::{Read, Snapshot, Tx, transact};
use crate::base::canonical;
use crate::base::id::{ClientId, TenantId};
use crate::base::page::PageRequest;
use crate::base::secret::sha256;
use crate::records::tuple::ANY;
use crate::records::{Model, SubjectRef, Tuple, TupleKey};
use crate::store::rows::{change_counts, clients, groups, models, tuples, users};

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
    Migration { number: 5, name: "counts of changes have their own table", run: counts_have_their_own_table },
    Migration { number: 6, name: "models and signing keys belong to revisions", run: counts_that_nobody_asks_for_go },
    Migration { number: 7, name: "names of groups have one form", run: names_of_groups_have_one_form },
];

/// A group is found by every spelling of its name from now on. Of two groups whose names are one name now, the older
/// one is found by it, and each by its identifier.
fn names_of_groups_have_one_form(steps: &Steps<'_>) -> Result<(), Error> {
    let (tenant, mut request) = (TenantId::DEFAULT, PageRequest::default());
    loop {
        let page = groups::page(&steps.read()?, tenant, &request)?;
        for group in page.items.iter().filter(|group| {
            canonical::name(&group.name) != group.name.to_lowercase() || canonical::composed(&group.name) != group.name
        }) {
            steps.write(|tx| groups::move_name(tx, tenant, group))?;
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(());
        }
    }
}

/// Compiled models and the ring of signing keys belong to a revision of the store, and not to counts of their own.
fn counts_that_nobody_asks_for_go(steps: &Steps<'_>) -> Result<(), Error> {
    steps.write(|tx| change_counts::remove_gone(tx, TenantId::DEFAULT))
}

/// Counts of changes leave the table of used assertions and revoked tokens, so that what is kept by the version of what
/// decides access is not forgotten with every token that is revoked. The earlier migrations may have counted in the new
/// table by now: the counts are added, since a count must never be seen twice for two states.
fn counts_have_their_own_table(steps: &Steps<'_>) -> Result<(), Error> {
    steps.write(|tx| change_counts::move_in(tx, TenantId::DEFAULT))
}

/// From now on a type belongs to whom it is written down for, and to nobody by its name. What would have become the
/// type of a client that there is at the next change of its model is written down as that client's; what is written
/// down for a client that is gone, as that of one that never comes back.
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

/// Who has an address with a domain in other letters than ASCII is found by its ASCII form from now on. Of two people
/// with both forms of one address the older one is found by it; the other one keeps the account, and gets another
/// address.
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

/// People with the role `admin` get the tuples that say so from now on; the first of them also those that only one can
/// have.
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
        Some(_) => Err(Error::Record(String::from("the schema number is missing"))),
        None => Ok(0),
    }
}

fn schema_key() -> (TenantId, String) {
    (TenantId::INSTALLATION, String::from("schema"))
}

/// Runs what the data has not been through yet. Where there is a `file`, all or nothing, also when the process dies in
/// between.
pub(super) fn run(engine: &dyn Engine, file: Option<&dyn DataFile>, migrations: &[Migration]) -> Result<(), Failure> {
    let failed = |cause| Failure { migration: None, cause };
    // A savepoint that is still there is from a process that died during its migrations.
    file.map_or(Ok(false), DataFile::roll_back).map_err(failed)?;
    let current = schema_of(engine.snapshot().map_err(failed)?.as_ref()).map_err(failed)?;
    let mut pending: Vec<_> = migrations.iter().filter(|migration| migration.number > current).collect();
    pending.sort_by_key(|migration| migration.number);
    if pending.is_empty() {
        return Ok(());
    }
    file.map_or(Ok(()), DataFile::savepoint).map_err(failed)?;
    for migration in pending {
        if let Err(cause) = one(engine, migration) {
            let cause = file.and_then(|file| file.roll_back().err()).unwrap_or(cause);
            return Err(Failure { migration: Some((migration.number, migration.name)), cause });
        }
    }
    file.map_or(Ok(()), DataFile::release).map_err(failed)
}

fn one(engine: &dyn Engine, migration: &Migration) -> Result<(), Error> {
    (migration.run)(&Steps { engine })?;
    transact(engine, |tx| META.put(tx, &schema_key(), &Meta::Schema(migration.number)))
}

#[cfg(test)]
#[path = "tests/migrations.rs"]
mod tests;
