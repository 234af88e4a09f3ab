//! Policies that did not end: they are stored, so that they stay off over a restart, listed, and switched on again by
//! those who may.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::access::Error;
use crate::audit::{Entry, Event};
use crate::base::ScriptDigest;
use crate::cx::{Actor, Cx};
use crate::records::SwitchedOff;
use crate::rights::{self, Right};
use crate::script::Lost;
use crate::store::rows::switched_off as rows;
use crate::store::{self, Snapshot, Tx};

/// Writes down the scripts that the pool gave up since this was asked last, each with its audit row.
pub async fn note(cx: &Cx) -> Result<(), store::Error> {
    let cx = cx.with_actor(Actor::System);
    for Lost { script, task } in cx.app.scripts.take_lost(cx.tenant.id) {
        let row = SwitchedOff { script, owner: task.owner, about: task.about, at: cx.now };
        let event = Event::PolicySwitchOff { script: script.to_string(), owner: row.owner.to_string() };
        let (at, entry) = (cx.clone(), Entry::new(&cx).target(&row.about));
        let written = cx.store().write(move |tx| {
            rows::put(tx, at.tenant.id, &row)?;
            entry.append(tx, &at, &event)
        });
        written.await?;
    }
    Ok(())
}

/// Keeps the pool as the rows are: now, and after every commit that changes them, wherever it is made. What the pool
/// gave up itself stays off whether it is written down yet or not.
pub fn follow(cx: &Cx) -> Result<(), store::Error> {
    let (tenant, pool, known) = (cx.tenant.id, Arc::downgrade(&cx.app.scripts), Mutex::new(BTreeSet::new()));
    let take = move |from: &Snapshot| {
        let Some(pool) = pool.upgrade() else { return Ok(false) };
        let off: BTreeSet<ScriptDigest> = rows::all(from, tenant)?.into_iter().map(|row| row.script).collect();
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        off.iter().for_each(|script| pool.switch_off(*script));
        // Where all rows are taken, one that goes made room for another one: nobody has switched it on.
        if off.len() < rows::MOST {
            known.difference(&off).for_each(|script| pool.switch_on(*script));
        }
        *known = off;
        Ok(true)
    };
    cx.store().derive("policies that are switched off", move |commit| rows::may_be_changed_by(commit, tenant), take)
}

/// All policies that are off, oldest first.
pub fn list(cx: &Cx) -> Result<Vec<SwitchedOff>, store::Error> {
    rows::all(&cx.read()?, cx.tenant.id)
}

/// The row of the script with this text, if it is off.
pub fn find(cx: &Cx, script: &str) -> Result<Option<SwitchedOff>, store::Error> {
    rows::find(&cx.read()?, cx.tenant.id, ScriptDigest::of(script))
}

/// Lets a script run again, with the right to change policies. Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn switch_on(cx: &Cx, script: ScriptDigest) -> Result<SwitchedOff, Error> {
    note(cx).await?;
    let entry = Entry::new(cx);
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        let row = rows::find(tx, at.tenant.id, script)?.ok_or(Error::NotFound)?;
        rows::delete(tx, at.tenant.id, script)?;
        let event = Event::PolicySwitchOn { script: script.to_string() };
        entry.clone().target(&row.about).append(tx, &at, &event)?;
        Ok::<_, Error>(row)
    };
    rights::write(cx, Right::on("update", "policies"), change).await
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use super::*;
    use crate::audit::{self, Filter};
    use crate::base::id::TenantId;
    use crate::base::page::PageRequest;
    use crate::script::{Busy, Fault, Limits, Pool, Task, Vm};
    use crate::store::Order;
    use crate::testing::{TestApp, block_on};

    const SCRIPT: &str = "return context.never == 'comes back'";

    fn evaluate(home: &TestApp) -> Result<crate::script::Returned, Fault> {
        let task =
            Task { tenant: TenantId::DEFAULT, owner: String::from("wiki"), about: String::from("wiki:doc read") };
        let now = home.cx().now;
        let run =
            home.parts.scripts.run(task, move |vm: &mut Vm| vm.evaluate(SCRIPT, &serde_json::json!({}), now).returned);
        block_on(run).unwrap()
    }

    #[test]
    fn a_policy_that_did_not_come_back_stays_off_until_it_is_switched_on() {
        let limits =
            || Limits { lost: Duration::from_millis(150), time: Duration::from_millis(20), ..Limits::default() };
        let home = TestApp::with(|parts| parts.scripts = Arc::new(Pool::start(1, limits()).unwrap()));
        let task =
            Task { tenant: TenantId::DEFAULT, owner: String::from("wiki"), about: String::from("wiki:doc read") };
        let (release, gate) = mpsc::channel::<()>();
        let stuck = home.parts.scripts.run(task, move |vm: &mut Vm| {
            vm.pretend(SCRIPT);
            gate.recv().unwrap();
        });
        assert_eq!(block_on(stuck), Err(Busy::Lost));
        block_on(note(&home.cx())).unwrap();
        let off = list(&home.cx()).unwrap();
        assert_eq!((off.len(), off[0].owner.as_str(), off[0].about.as_str()), (1, "wiki", "wiki:doc read"));
        assert_eq!(find(&home.cx(), SCRIPT).unwrap().as_ref(), off.first());
        assert_eq!(evaluate(&home), Err(Fault::SwitchedOff));
        release.send(()).unwrap();

        // Another process with the same data.
        let (store, clock) = (home.parts.store.clone(), home.parts.clock.clone());
        let again = TestApp::with(|parts| (parts.store, parts.clock) = (store, clock));
        assert_eq!(evaluate(&again), Err(Fault::SwitchedOff));
        home.advance(Duration::from_secs(1));
        block_on(switch_on(&again.cx(), off[0].script)).unwrap();
        assert_ne!(evaluate(&again), Err(Fault::SwitchedOff));
        assert_ne!(evaluate(&home), Err(Fault::SwitchedOff), "where it was given up too");
        assert!(matches!(block_on(switch_on(&again.cx(), off[0].script)), Err(Error::NotFound)));
        let rows =
            audit::page(&again.cx(), &Filter::default(), Order::Ascending, &PageRequest::default()).unwrap().items;
        let told: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.target.as_deref())).collect();
        assert_eq!(told, [("policy.switch_off", Some("wiki:doc read")), ("policy.switch_on", Some("wiki:doc read"))]);
    }

    #[test]
    fn only_so_many_rows_are_kept() {
        let home = TestApp::new();
        let (tenant, now) = (home.cx().tenant.id, home.cx().now);
        home.parts
            .store
            .write_blocking::<_, store::Error, _>(move |tx| {
                for number in 0..rows::MOST + 3 {
                    let (script, about) = (ScriptDigest::of(&number.to_string()), number.to_string());
                    let at = now.plus(Duration::from_secs(u64::try_from(number).unwrap_or(0)));
                    rows::put(tx, tenant, &SwitchedOff { script, owner: String::new(), about, at })?;
                }
                Ok(())
            })
            .unwrap();
        let kept = list(&home.cx()).unwrap();
        assert_eq!((kept.len(), kept[0].about.as_str()), (rows::MOST, "3"));
    }
}
