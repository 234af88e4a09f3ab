//! Numbered changes of the stored shapes. Each file remembers the last one it has been through.

use super::Error;
use super::engine::Engine;
use super::schema::{META, Meta};
use super::tx::{Read, Snapshot, Tx, transact};
use crate::base::id::TenantId;

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
pub(super) const MIGRATIONS: &[Migration] = &[Migration { number: 1, name: "first shapes", run: |_| Ok(()) }];

/// What a migration works with.
pub(super) struct Steps<'a> {
    engine: &'a dyn Engine,
}

#[cfg_attr(not(test), expect(dead_code, reason = "the first shapes needed no change; the next ones will"))]
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
