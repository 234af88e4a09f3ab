//! The outbox: a change leaves work for later in its own transaction, and the work is done after it, at least once.
//!
//! May use: `rights`, `audit`, `cx` and below. A rule that wants something delivered makes a [`Draft`] before its
//! transaction and puts it into the outbox in it, beside its audit row: what is not committed is never delivered, and
//! what is committed is delivered although the process ends. Start reading at [`Draft`]; `delivery` is the work itself,
//! and [`Kind`] what a new kind of delivery has to be.

mod delivery;
mod error;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

use crate::audit::{Entry, Event};
use crate::base::Moment;
use crate::base::id::DeliveryId;
use crate::base::page::{Page, PageRequest};
use crate::cx::Cx;
use crate::records::{Delivery, DeliveryState};
use crate::rights::{self, Right};
use crate::store::rows::outbox as rows;
use crate::store::{self, Tx};

pub use delivery::{Failed, Kind, Kinds, Outcome, deliver_due};
pub use error::Error;

/// Rows at the most, dead ones included.
pub const MOST: u64 = 100_000;

/// The largest payload, in bytes of JSON.
pub const LARGEST: usize = 16 * 1024;

/// For how long a delivery is kept at the most, and a dead one after it was given up.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A delivery in the making: everything that must be drawn or looked at before the transaction is in it.
#[derive(Clone, Debug)]
pub struct Draft(Delivery);

impl Draft {
    /// Something of a kind to be delivered, about `target`, which is an identifier. Errors: [`Error::TooLarge`],
    /// [`Error::Full`], the store's.
    pub fn new(cx: &Cx, kind: &str, target: impl ToString, payload: &impl Serialize) -> Result<Self, Error> {
        let payload = serde_json::to_value(payload).map_err(|error| Error::Payload(error.to_string()))?;
        if payload.to_string().len() > LARGEST {
            return Err(Error::TooLarge);
        }
        if rows::count(&cx.read()?)? >= MOST {
            return Err(Error::Full);
        }
        Ok(Self(Delivery {
            id: DeliveryId::new(cx.now, cx.entropy()),
            kind: kind.to_owned(),
            target: target.to_string(),
            payload,
            state: DeliveryState::Waiting,
            due: cx.now,
            attempts: 0,
            tried_at: None,
            error: None,
            created_at: cx.now,
            expires_at: cx.now.plus(KEPT),
        }))
    }

    /// Puts it into the outbox, in the transaction of what causes it.
    pub fn put(&self, tx: &mut Tx, cx: &Cx) -> Result<(), store::Error> {
        cx.process().outbox_wake.put.store(true, Ordering::SeqCst);
        rows::put(tx, cx.tenant.id, None, &self.0)
    }
}

/// Wakes the background work when something was put into the outbox, so that it does not wait for the next look at the
/// clock. Each process wakes its own.
#[derive(Debug, Default)]
pub struct Wake {
    put: AtomicBool,
    notify: Notify,
}

impl Wake {
    /// To be called after each commit.
    pub fn committed(&self) {
        if self.put.swap(false, Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// Waits until something was put in and committed since the last time.
    pub async fn wait(&self) {
        self.notify.notified().await;
    }
}

/// Which deliveries are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those about this identifier.
    pub target: Option<String>,
}

impl Filter {
    fn accepts(&self, delivery: &Delivery) -> bool {
        self.state.is_none_or(|state| state == delivery.state)
            && self.kind.as_ref().is_none_or(|kind| *kind == delivery.kind)
            && self.target.as_ref().is_none_or(|target| *target == delivery.target)
    }
}

/// A page of the deliveries that are not done, newest first. It may be short and still have a successor.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<Delivery>, store::Error> {
    rows::page(&cx.read()?, cx.tenant.id, request, |delivery| filter.accepts(delivery))
}

/// When the next try is due; `None` when nothing waits.
pub fn next_due(cx: &Cx) -> Result<Option<Moment>, store::Error> {
    rows::next_due(&cx.read()?, cx.tenant.id)
}

/// Has a delivery tried again now, dead or not, as often as a new one; with the right to administer the platform.
/// Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn retry(cx: &Cx, id: &DeliveryId) -> Result<Delivery, Error> {
    let (at, id, entry) = (cx.clone(), id.clone(), Entry::new(cx).target(id));
    let change = move |tx: &mut Tx| {
        let old = rows::find(tx, at.tenant.id, &id)?.ok_or(Error::NotFound)?;
        let (state, expires_at) = (DeliveryState::Waiting, at.now.plus(KEPT));
        let new = Delivery { state, due: at.now, attempts: 0, expires_at, ..old.clone() };
        rows::put(tx, at.tenant.id, Some(&old), &new)?;
        entry.append(tx, &at, &Event::OutboxRetry { kind: old.kind, about: old.target })?;
        Ok(new)
    };
    rights::write(cx, Right::platform(), change).await
}

/// Takes a delivery out of the outbox: it is not delivered; with the right to administer the platform. Errors:
/// [`Error::Denied`], [`Error::NotFound`].
pub async fn delete(cx: &Cx, id: &DeliveryId) -> Result<Delivery, Error> {
    let (at, id, entry) = (cx.clone(), id.clone(), Entry::new(cx).target(id));
    let change = move |tx: &mut Tx| {
        let old = rows::find(tx, at.tenant.id, &id)?.ok_or(Error::NotFound)?;
        rows::delete(tx, at.tenant.id, &old)?;
        entry.append(tx, &at, &Event::OutboxDelete { kind: old.kind.clone(), about: old.target.clone() })?;
        Ok(old)
    };
    rights::write(cx, Right::platform(), change).await
}

#[cfg(test)]
mod tests;
