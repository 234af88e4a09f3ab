//! What happens without being asked: keys rotate, certificates are renewed, what has ended is removed, what was
//! counted in memory is written down. Everything is due by the
//! installation's clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::tls::{self, Tls};
use crate::access::{evaluations, switched_off};
use crate::apikeys;
use crate::audit;
use crate::config::Settings;
use crate::cx::{Current, Cx, Installation, Turn};
use crate::oauth;
use crate::records::Algorithm;
use crate::store::rows::expired;
use crate::store::{self, rows};

/// How often the clock is asked.
const EVERY: Duration = Duration::from_secs(15);

/// For how long nothing is removed after the clock was set forward.
const DOUBT: Duration = Duration::from_secs(60 * 60);

/// Rows removed per transaction: others who write wait no longer than for this many.
const BATCH: usize = 500;

/// Something could not be done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Signing keys.
    #[error("signing keys: {0}")]
    Keys(#[from] oauth::Error),
    /// The certificate.
    #[error("certificate: {0}")]
    Tls(#[from] tls::Error),
    /// Removal of what has ended, writing down what was counted.
    #[error("sweeping and counting: {0}")]
    Store(#[from] store::Error),
}

/// The background work of one installation.
pub struct Tasks {
    home: Current,
    tls: Option<Arc<Tls>>,
    /// One at a time: the timer and a test may both ask.
    turn: Mutex<()>,
}

impl Tasks {
    pub(super) fn new(home: Current, tls: Option<Arc<Tls>>) -> Self {
        Self { home, tls, turn: Mutex::new(()) }
    }

    /// The shared parts.
    pub fn home(&self) -> Arc<Installation> {
        self.home.load()
    }

    /// The right to change the settings: take it before they are read.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.home.turn().await
    }

    /// Requests and background work see these settings from now on. The issuer stays: it may hold the port the system gave.
    pub(super) fn reconfigure(&self, turn: &Turn<'_>, settings: Settings) {
        let issuer = self.home.load().settings.issuer.clone();
        turn.reconfigure(Settings { issuer, ..settings });
    }

    /// The certificate, if TLS is ours.
    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Does everything that is due now. Each part is tried even if another fails; the first failure is the answer.
    pub async fn settle(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let cx = Cx::for_system(self.home.load());
        let may_sweep = clock_is_steady(&cx);
        let keys = rotate_keys(&cx).await;
        let certificate = self.renew_certificate().await;
        let recorded = evaluations::flush(&cx).await.map_err(Error::Store);
        let left_out = audit::tell_left_out(&cx).await.map_err(Error::Store);
        let off = switched_off::note(&cx).await.map_err(Error::Store);
        let swept = if may_sweep { sweep(&cx).await } else { Ok(()) };
        let counted = apikeys::flush_if_due(&cx).await.map_err(Error::from);
        keys.and(certificate).and(recorded).and(left_out).and(off).and(swept).and(counted)
    }

    /// Settles now and again until it is dropped.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            if let Err(error) = self.settle().await {
                tracing::error!(%error, "background work failed; it is tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn renew_certificate(&self) -> Result<(), Error> {
        let Some(tls) = &self.tls else { return Ok(()) };
        if tls.refresh(&self.home.load()).await? {
            tracing::info!("the certificate was renewed");
        }
        Ok(())
    }
}

/// Asks for the plan when a key is missing or a moment of the plan is over.
async fn rotate_keys(cx: &Cx) -> Result<(), Error> {
    let complete = Algorithm::ALL.into_iter().all(|algorithm| cx.home.keyring.signer(algorithm).is_some());
    let is_due = oauth::keys::next_due(cx)?.is_none_or(|due| due <= cx.now);
    if !complete || is_due {
        oauth::keys::tick(cx, &Algorithm::ALL).await?;
    }
    Ok(())
}

/// Looks whether the clock was set; answers whether it may be believed when it says that something has ended. What is removed does not come
/// back when a clock that was set forward by mistake is put right again.
fn clock_is_steady(cx: &Cx) -> bool {
    let steps = &cx.process().clock_steps;
    if let Some(step) = steps.look(cx.now, cx.uptime) {
        let (by, now) = (step.millis / 1000, cx.now);
        tracing::warn!(seconds = by, %now, "the clock was set, or the machine slept: look at it, since sessions, links and tokens end by it");
    }
    !steps.last().is_some_and(|step| step.millis > 0 && cx.uptime.since(step.noticed) < DOUBT)
}

/// Removes what has ended, batch by batch, so that writers in between do not wait long.
async fn sweep(cx: &Cx) -> Result<(), Error> {
    let (tenant, now) = (cx.tenant, cx.now);
    while cx.store().write(move |tx| expired::sweep(tx, now, BATCH)).await? == BATCH {}
    let before = now.minus(cx.settings().audit.keep);
    while cx.store().write(move |tx| rows::audit::sweep(tx, tenant, before, BATCH)).await? == BATCH {}
    let before = now.minus(cx.settings().policy.keep);
    while evaluations::sweep(cx, before, BATCH).await? >= BATCH {}
    Ok(())
}
