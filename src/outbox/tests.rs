//! Deliveries of a kind that does what the test says, over a store in memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::delivery::{PAUSES, TRIES};
use super::*;
use crate::audit;
use crate::base::entropy::OsEntropy;
use crate::base::id::UserId;
use crate::doctor;
use crate::store::Order;
use crate::store::rows::expired;
use crate::testing::{TestApp, block_on};

/// Gives one outcome after the other, then success, and remembers what it was given.
#[derive(Default)]
struct Scripted {
    outcomes: Mutex<VecDeque<Outcome>>,
    seen: Mutex<Vec<Delivery>>,
}

impl Kind for Scripted {
    fn name(&self) -> &'static str {
        "test"
    }

    fn deliver<'a>(
        &'a self,
        _cx: &'a Cx,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        self.seen.lock().unwrap().push(delivery.clone());
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap_or(Ok(()));
        Box::pin(async move { outcome })
    }
}

struct World {
    home: TestApp,
    kind: Arc<Scripted>,
}

impl World {
    /// With a kind whose first tries end so.
    fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let home = TestApp::new();
        let kind = Arc::new(Scripted { outcomes: Mutex::new(outcomes.into_iter().collect()), ..Scripted::default() });
        home.parts.process.delivery_kinds.add(kind.clone());
        Self { home, kind }
    }

    fn put(&self, target: &str) -> DeliveryId {
        let cx = self.home.cx();
        let draft = Draft::new(&cx, "test", target, &json!({"for": target})).unwrap();
        let id = draft.0.id.clone();
        let at = cx.clone();
        block_on(cx.store().write(move |tx| draft.put(tx, &at))).unwrap();
        id
    }

    fn deliver(&self) -> usize {
        let before = self.kind.seen.lock().unwrap().len();
        block_on(deliver_due(&self.home.cx())).unwrap();
        self.kind.seen.lock().unwrap().len() - before
    }

    fn all(&self) -> Vec<Delivery> {
        page(&self.home.cx(), &Filter::default(), &PageRequest::new(Some(500), None)).unwrap().items
    }

    fn told(&self, action: &str) -> Vec<crate::records::AuditRow> {
        let filter = audit::Filter { action: Some(action.to_owned()), ..audit::Filter::default() };
        audit::page(&self.home.cx(), &filter, Order::Ascending, &PageRequest::new(Some(500), None)).unwrap().items
    }
}

#[test]
fn what_is_put_into_the_outbox_is_delivered_once_and_is_gone() {
    let world = World::new([]);
    let id = world.put("usr_1");
    assert_eq!(next_due(&world.home.cx()).unwrap(), Some(world.home.cx().now));
    assert_eq!((world.deliver(), world.deliver()), (1, 0));
    let seen = world.kind.seen.lock().unwrap().clone();
    assert_eq!((&seen[0].id, &seen[0].payload), (&id, &json!({"for": "usr_1"})));
    assert!(world.all().is_empty());
    assert_eq!(next_due(&world.home.cx()).unwrap(), None);
}

#[test]
fn what_is_not_committed_is_not_delivered() {
    let world = World::new([]);
    let cx = world.home.cx();
    let draft = Draft::new(&cx, "test", "usr_1", &json!({})).unwrap();
    let at = cx.clone();
    let failed = cx.store().write(move |tx| {
        draft.put(tx, &at)?;
        Err::<(), _>(store::Error::Full)
    });
    assert!(block_on(failed).is_err());
    assert_eq!((world.deliver(), world.all().len()), (0, 0));
}

#[test]
fn a_failure_is_tried_again_after_growing_pauses_with_the_same_id() {
    let world = World::new([Err(Failed::for_now("503")), Err(Failed::for_now("503")), Ok(())]);
    let id = world.put("usr_1");
    let mut waited = Vec::new();
    for attempts in 1..=2_u32 {
        assert_eq!(world.deliver(), 1);
        let row = world.all().remove(0);
        assert_eq!((&row.id, row.attempts, row.error.as_deref()), (&id, attempts, Some("503")));
        let wait = row.due.since(world.home.cx().now);
        let full = PAUSES.first * attempts;
        assert!(wait >= full / 2 && wait <= full, "{wait:?}");
        waited.push(wait);
        world.home.advance(wait.saturating_sub(Duration::from_millis(1)));
        assert_eq!(world.deliver(), 0, "not yet");
        world.home.advance(Duration::from_millis(1));
    }
    assert_eq!((world.deliver(), world.all().len()), (1, 0));
    assert!(world.kind.seen.lock().unwrap().iter().all(|seen| seen.id == id));
}

#[test]
fn one_that_fails_holds_up_no_other() {
    let world = World::new([Err(Failed::for_now("down"))]);
    let put = |n: u32| {
        world.home.advance(Duration::from_millis(1));
        world.put(&format!("usr_{n}"))
    };
    let ids: Vec<_> = (0..40).map(put).collect();
    assert_eq!(world.deliver(), 40);
    assert_eq!(world.all().iter().map(|row| &row.id).collect::<Vec<_>>(), [&ids[0]]);
}

#[test]
fn what_fails_too_often_is_a_dead_letter_that_is_told_of_and_can_be_tried_again_or_deleted() {
    let world = World::new((0..TRIES).map(|_| Err(Failed::for_now("no route"))));
    let id = world.put("usr_1");
    for _ in 0..TRIES {
        assert_eq!(world.deliver(), 1);
        world.home.advance(PAUSES.longest);
    }
    let dead = Filter { state: Some(DeliveryState::Dead), ..Filter::default() };
    let found = page(&world.home.cx(), &dead, &PageRequest::new(None, None)).unwrap().items;
    assert_eq!((found.len(), found[0].attempts), (1, TRIES));
    assert_eq!((world.deliver(), next_due(&world.home.cx()).unwrap()), (0, None));
    let told = world.told("outbox.give_up");
    assert_eq!((told.len(), told[0].target.as_deref()), (1, Some(id.as_str())));
    assert_eq!((&told[0].detail["reason"], &told[0].detail["about"]), (&json!("no route"), &json!("usr_1")));
    let state = || doctor::examine(&world.home.cx()).into_iter().find(|one| one.name == "outbox").unwrap().state;
    assert_eq!(state(), doctor::State::Warn);
    // Again, and now it works.
    assert_eq!(block_on(retry(&world.home.cx(), &id)).unwrap().state, DeliveryState::Waiting);
    assert_eq!((world.deliver(), world.all().len(), state()), (1, 0, doctor::State::Ok));
    assert!(matches!(block_on(retry(&world.home.cx(), &id)), Err(Error::NotFound)));
    let other = world.put("usr_2");
    block_on(delete(&world.home.cx(), &other)).unwrap();
    assert_eq!((world.deliver(), world.all().len()), (0, 0));
    assert_eq!((world.told("outbox.retry").len(), world.told("outbox.delete").len()), (1, 1));
}

#[test]
fn a_refusal_for_good_is_not_tried_again_and_what_the_receiver_asks_for_is_heeded() {
    let hour = Duration::from_secs(3_600);
    let asked = Failed { retry_after: Some(hour), ..Failed::for_now("429") };
    let hurried = Failed { retry_after: Some(Duration::ZERO), ..Failed::for_now("429") };
    let world = World::new([Err(asked), Err(hurried), Err(Failed::for_good("410"))]);
    world.put("usr_1");
    world.deliver();
    assert_eq!(world.all()[0].due.since(world.home.cx().now), hour);
    world.home.advance(hour);
    world.deliver();
    let wait = world.all()[0].due.since(world.home.cx().now);
    assert!(wait >= PAUSES.first, "who asks to be called at once waits all the same: {wait:?}");
    world.home.advance(wait);
    world.deliver();
    assert_eq!((world.all()[0].state, world.all()[0].attempts), (DeliveryState::Dead, 3));
}

#[test]
fn what_no_kind_delivers_waits_and_says_so() {
    let home = TestApp::new();
    let cx = home.cx();
    let draft = Draft::new(&cx, "later", "usr_1", &json!({})).unwrap();
    let at = cx.clone();
    block_on(cx.store().write(move |tx| draft.put(tx, &at))).unwrap();
    block_on(deliver_due(&cx)).unwrap();
    let row = page(&cx, &Filter::default(), &PageRequest::new(None, None)).unwrap().items.remove(0);
    assert_eq!((row.attempts, row.state), (1, DeliveryState::Waiting));
    assert!(row.error.unwrap().contains("later"));
}

#[test]
fn payloads_are_bounded_and_what_is_old_is_forgotten() {
    let world = World::new([Err(Failed::for_good("gone"))]);
    let large = Draft::new(&world.home.cx(), "test", "usr_1", &"x".repeat(LARGEST));
    assert!(matches!(large, Err(Error::TooLarge)));
    world.put("usr_1");
    world.deliver();
    world.home.advance(KEPT);
    let now = world.home.cx().now;
    block_on(world.home.parts.store.write(move |tx| expired::sweep(tx, now, 100))).unwrap();
    assert!(world.all().is_empty());
}

#[test]
fn errors_are_cut_at_a_character() {
    let world = World::new([Err(Failed::for_now("é".repeat(1_000)))]);
    world.put("usr_1");
    world.deliver();
    let error = world.all().remove(0).error.unwrap();
    assert!(error.len() <= 500 && error.chars().all(|c| c == 'é'), "{}", error.len());
}

#[test]
fn who_does_not_administer_the_platform_changes_nothing_in_the_outbox() {
    let world = World::new([]);
    let id = world.put("usr_1");
    let stranger = world.home.cx_of(&UserId::new(world.home.cx().now, &OsEntropy));
    assert!(matches!(block_on(retry(&stranger, &id)), Err(Error::Denied(_))));
    assert!(matches!(block_on(delete(&stranger, &id)), Err(Error::Denied(_))));
    assert_eq!(world.all().len(), 1);
}
