//! The list of what happens without being asked. A job says from when on there is something for it to do, as of the
//! data and the clock of the moment, so that one that was missed is done later, and one with nothing to do costs a
//! look.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::tls::Tls;
use crate::access::{evaluations, switched_off};
use crate::apikeys;
use crate::audit;
use crate::base::Moment;
use crate::cx::Cx;
use crate::oauth;
use crate::outbox;
use crate::records::Algorithm;
use crate::store;
use crate::store::rows::{self, expired};

/// Rows removed per transaction: others who write wait no longer than for this many.
const BATCH: usize = 500;

/// Something could not be done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Signing keys.
    #[error("signing keys: {0}")]
    Keys(#[from] oauth::Error),
    #[error("certificate: {0}")]
    Tls(#[from] super::tls::Error),
    #[error("the data file: {0}")]
    Store(#[from] store::Error),
}

/// What a job works with.
pub(super) struct Work<'w> {
    pub cx: &'w Cx,
    pub tls: Option<&'w Arc<Tls>>,
}

type Done<'w> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'w>>;

/// One piece of background work.
pub(super) struct Job {
    /// Its name: in the log, of its lease, and for the doctor.
    pub name: &'static str,
    /// From when on there is something to do; `None` while there is nothing.
    pub due: fn(&Work<'_>) -> Result<Option<Moment>, Error>,
    pub run: for<'w> fn(&'w Work<'w>) -> Done<'w>,
    /// Whether it removes what has ended. That is not done while the clock is in doubt: what is removed does not come
    /// back when a clock that was set forward by mistake is put right again.
    pub removes: bool,
    /// For how long at the most it is one process's alone.
    pub lease: Duration,
}

/// Longer than any job takes: a lease is given back when its job is done, so its end counts only where a process died.
const LEASE: Duration = Duration::from_secs(10 * 60);

const fn job(
    name: &'static str,
    due: fn(&Work<'_>) -> Result<Option<Moment>, Error>,
    run: for<'w> fn(&'w Work<'w>) -> Done<'w>,
) -> Job {
    Job { name, due, run, removes: false, lease: LEASE }
}

const fn removal(
    name: &'static str,
    due: fn(&Work<'_>) -> Result<Option<Moment>, Error>,
    run: for<'w> fn(&'w Work<'w>) -> Done<'w>,
) -> Job {
    Job { removes: true, ..job(name, due, run) }
}

pub(super) const ALL: &[Job] = &[
    job("signing_keys", keys_are_due, |work| Box::pin(rotate_keys(work))),
    job("certificate", certificate_is_due, |work| Box::pin(renew_certificate(work))),
    job("evaluations", at_every_look, |work| Box::pin(async { Ok(evaluations::flush(work.cx).await?) })),
    job("audit_left_out", at_every_look, |work| Box::pin(async { Ok(audit::tell_left_out(work.cx).await?) })),
    job("policies_switched_off", at_every_look, |work| Box::pin(async { Ok(switched_off::note(work.cx).await?) })),
    job("api_key_uses", uses_are_due, |work| Box::pin(async { Ok(apikeys::flush(work.cx).await?) })),
    job(
        "outbox",
        |work| Ok(outbox::next_due(work.cx)?),
        |work| Box::pin(async { Ok(outbox::deliver_due(work.cx).await?) }),
    ),
    removal("ended_rows", |work| Ok(expired::next(&work.cx.read()?)?), |work| Box::pin(remove_ended(work.cx))),
    removal("old_audit_rows", audit_is_due, |work| Box::pin(remove_audit_rows(work.cx))),
    removal("old_evaluations", evaluations_are_due, |work| Box::pin(remove_evaluations(work.cx))),
];

/// Writes down what is kept in memory for a while and lives in the store, before the process ends: the jobs do not run
/// any more. What fails is in the log.
pub(super) async fn write_down(cx: &Cx) {
    if let Err(error) = evaluations::flush(cx).await {
        tracing::error!(%error, "the last evaluations of policies are not recorded");
    }
    if let Err(error) = audit::tell_left_out(cx).await {
        tracing::error!(%error, "how many audit rows were left out is not recorded");
    }
    if let Err(error) = switched_off::note(cx).await {
        tracing::error!(%error, "which policies are switched off could not be written down");
    }
    if let Err(error) = apikeys::flush(cx).await {
        tracing::error!(%error, "the last uses of API keys could not be written down");
    }
}

/// For what is counted in memory, and for files that others change: looking is cheaper than knowing when.
fn at_every_look(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    Ok(Some(work.cx.now))
}

/// When a key is missing, or a moment of the plan is over.
fn keys_are_due(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    let complete = Algorithm::ALL.into_iter().all(|algorithm| work.cx.tenant.keyring.signer(algorithm).is_some());
    let due = oauth::keys::next_due(work.cx)?.filter(|_| complete);
    Ok(Some(due.unwrap_or(work.cx.now)))
}

async fn rotate_keys(work: &Work<'_>) -> Result<(), Error> {
    Ok(oauth::keys::tick(work.cx, &Algorithm::ALL).await?)
}

fn certificate_is_due(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    Ok(work.tls.map(|_| work.cx.now))
}

async fn renew_certificate(work: &Work<'_>) -> Result<(), Error> {
    let Some(tls) = work.tls else { return Ok(()) };
    if tls.refresh(&work.cx.app).await? {
        tracing::info!("the certificate was renewed");
    }
    Ok(())
}

fn uses_are_due(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    Ok(apikeys::until_flush(work.cx).map(|wait| work.cx.now.plus(wait)))
}

fn audit_is_due(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    let oldest = rows::audit::oldest(&work.cx.read()?, work.cx.tenant.id)?;
    Ok(oldest.map(|at| at.plus(work.cx.settings().audit.keep)))
}

fn evaluations_are_due(work: &Work<'_>) -> Result<Option<Moment>, Error> {
    Ok(evaluations::sweep_due(work.cx)?)
}

/// Batch by batch, so that writers in between do not wait long.
async fn remove_ended(cx: &Cx) -> Result<(), Error> {
    let now = cx.now;
    while cx.store().write(move |tx| expired::sweep(tx, now, BATCH)).await? == BATCH {}
    Ok(())
}

async fn remove_audit_rows(cx: &Cx) -> Result<(), Error> {
    let (tenant, before) = (cx.tenant.id, cx.now.minus(cx.settings().audit.keep));
    while cx.store().write(move |tx| rows::audit::sweep(tx, tenant, before, BATCH)).await? == BATCH {}
    Ok(())
}

async fn remove_evaluations(cx: &Cx) -> Result<(), Error> {
    let before = cx.now.minus(cx.settings().policy.keep);
    while evaluations::sweep(cx, before, BATCH).await? >= BATCH {}
    Ok(())
}
