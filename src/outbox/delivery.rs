//! Doing the work: what is due is tried, what fails waits longer each time, and what fails too often is a dead letter.

use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;

use super::KEPT;
use crate::audit::{Entry, Event};
use crate::base::Moment;
use crate::base::backoff::Backoff;
use crate::cx::Cx;
use crate::records::{Delivery, DeliveryState};
use crate::store::rows::outbox as rows;
use crate::store::{self, Tx};

/// Deliveries at a time.
const AT_ONCE: usize = 16;

/// After so long no further deliveries are begun before other background work has its turn.
const TURN: Duration = Duration::from_secs(30);

/// Rounds of [`AT_ONCE`] in one turn at the most.
const ROUNDS: usize = 2_000;

/// How long one try may take.
const TIME: Duration = Duration::from_secs(30);

/// After so many tries a delivery is given up: with the pauses below, after about two days.
pub(super) const TRIES: u32 = 16;

/// Between one try and the next.
pub(super) const PAUSES: Backoff =
    Backoff { first: Duration::from_secs(30), longest: Duration::from_secs(6 * 60 * 60) };

/// How much of an error is kept, in bytes.
const ERROR: usize = 500;

/// What came of a try.
pub type Outcome = Result<(), Failed>;

/// A try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why, in words, for administrators. No secret.
    pub reason: String,
    /// Whether trying again is of no use: the receiver is gone, or refuses for good.
    pub is_final: bool,
    /// The receiver asked to be left alone for so long (`Retry-After`). It is left alone at least as long as after any
    /// failure.
    pub retry_after: Option<Duration>,
}

impl Failed {
    /// A failure that may pass.
    pub fn for_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_final: false, retry_after: None }
    }

    /// A failure that will not pass.
    pub fn for_good(reason: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::for_now(reason) }
    }
}

/// A kind of delivery. The same delivery may be tried again although it arrived, when the process ended before that was
/// noted: the receiver knows it by its id.
pub trait Kind: Send + Sync {
    /// Its name, as rows have it.
    fn name(&self) -> &'static str;

    /// Tries it once; after 30 seconds it has failed. Nothing of the request that caused it is known any more: `cx` is
    /// of the server itself.
    fn deliver<'a>(&'a self, cx: &'a Cx, delivery: &'a Delivery) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}

/// The kinds of delivery of an installation. What has no kind here waits, and is given up in the end like what fails.
#[derive(Default)]
pub struct Kinds(RwLock<Vec<Arc<dyn Kind>>>);

impl Kinds {
    /// Adds a kind; one of the same name goes.
    pub fn add(&self, kind: Arc<dyn Kind>) {
        let mut kinds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kinds.retain(|known| known.name() != kind.name());
        kinds.push(kind);
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Kind>> {
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().find(|kind| kind.name() == name).cloned()
    }
}

/// Tries what is due, for a minute at the most. One delivery that fails holds up no other. For the background work; one
/// process does it at a time. Errors: the store's.
pub async fn deliver_due(cx: &Cx) -> Result<(), store::Error> {
    for _ in 0..ROUNDS {
        if cx.app.clock.uptime().since(cx.uptime) > TURN {
            break;
        }
        let due = rows::due(&cx.read()?, cx.tenant.id, cx.now, AT_ONCE)?;
        let tries = join_all(due.iter().map(|delivery| attempt(cx, delivery))).await;
        tries.into_iter().collect::<Result<(), _>>()?;
        if due.len() < AT_ONCE {
            break;
        }
    }
    Ok(())
}

async fn attempt(cx: &Cx, delivery: &Delivery) -> Result<(), store::Error> {
    let outcome = match cx.process().delivery_kinds.find(&delivery.kind) {
        Some(kind) => tokio::time::timeout(TIME, kind.deliver(cx, delivery))
            .await
            .unwrap_or_else(|_| Err(Failed::for_now(format!("no answer within {} seconds", TIME.as_secs())))),
        None => Err(Failed::for_now(format!("nothing in this version delivers {}", delivery.kind))),
    };
    let pause = PAUSES.pause(delivery.attempts.saturating_add(1), cx.entropy());
    let (at, tried, entry) = (cx.clone(), delivery.clone(), Entry::new(cx).target(&delivery.id));
    cx.store().write(move |tx| note(tx, &at, &tried, &outcome, (pause, &entry))).await
}

/// Writes down what came of a try, unless somebody deleted the delivery or had it tried again meanwhile.
fn note(
    tx: &mut Tx,
    cx: &Cx,
    tried: &Delivery,
    outcome: &Outcome,
    (pause, entry): (Duration, &Entry),
) -> Result<(), store::Error> {
    let Some(old) = rows::find(tx, cx.tenant.id, &tried.id)? else { return Ok(()) };
    let failed = match outcome {
        Ok(()) => return rows::delete(tx, cx.tenant.id, &old),
        Err(failed) => failed,
    };
    if (old.due, old.attempts) != (tried.due, tried.attempts) {
        return Ok(());
    }
    let attempts = old.attempts.saturating_add(1);
    let new = after(&old, failed, (attempts, pause), cx.now);
    rows::put(tx, cx.tenant.id, Some(&old), &new)?;
    if new.state == DeliveryState::Waiting {
        return Ok(());
    }
    let reason = new.error.clone().unwrap_or_default();
    entry.append(tx, cx, &Event::OutboxGiveUp { kind: old.kind, about: old.target, attempts, reason })
}

/// A delivery after a failed try.
fn after(old: &Delivery, failed: &Failed, (attempts, pause): (u32, Duration), now: Moment) -> Delivery {
    let mut error = failed.reason.clone();
    error.truncate(error.floor_char_boundary(ERROR));
    let tried = Delivery { attempts, tried_at: Some(now), error: Some(error), ..old.clone() };
    if failed.is_final || attempts >= TRIES {
        return Delivery { state: DeliveryState::Dead, due: now, expires_at: now.plus(KEPT), ..tried };
    }
    let pause = failed.retry_after.map_or(pause, |asked| asked.clamp(pause, PAUSES.longest.max(pause)));
    Delivery { due: now.plus(pause), ..tried }
}
