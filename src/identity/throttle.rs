//! Throttling of sign-in attempts (NIST SP 800-63B-4 §3.2.2) that cannot be turned against the owner of an account.
//!
//! Nobody is refused for what others did: an account asks for more time, and the right password with it always works.
//! Failures are counted by the name that was typed, whether anybody has it or not, together with the network it came
//! from; by the name in all; and by the network in all. Who has failed often, or asks for a name that many guess at, is
//! given a *turn*: one attempt, some time from now. The attempt that is sent when the turn has come is checked. A
//! browser that the owner used before has a counter of its own and does not wait for others.
//!
//! All of it is kept in memory, by a clock that nobody sets, and is bounded; a restart forgets it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::by_tenant::ByTenant;
use crate::base::id::{SessionId, TenantId, UserId};
use crate::base::net;
use crate::base::rate::{Rate, Rates, keep_the_largest};
use crate::base::secret::sha256;
use crate::base::{Uptime, canonical};
use crate::cx::Cx;
use crate::records::User;

use super::Error;

/// Failures of one counter after which the next attempt has to wait.
const FREE: u32 = 5;
/// The same where a counter is for an IPv6 /48.
const FREE_WIDE: u32 = 15;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// What no pause of a counter exceeds.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The same where a counter is for an IPv6 /48, which many people may share.
const LONGEST_PAUSE_WIDE: Duration = Duration::from_secs(60);
/// After this long without a failure a counter is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// How long a turn can be used once it has come.
const TURN_LASTS: Duration = Duration::from_secs(300);
/// Turns given out by one counter at one time.
const TURNS: usize = 4;
/// How far ahead a network that has used up its allowance is given turns.
const NETWORK_HORIZON: Duration = Duration::from_secs(300);

/// A name's failures from everywhere that are remembered; they are forgotten one by one, in this time each.
const NAME: Rate = Rate { burst: 160, interval: Duration::from_secs(180) };
/// Failures of a name that are not forgotten yet, and what a browser that its owner never used waits for its turn then.
const NAME_DELAYS: [(u32, Duration); 4] = [
    (160, Duration::from_secs(30)),
    (80, Duration::from_secs(20)),
    (40, Duration::from_secs(10)),
    (20, Duration::from_secs(5)),
];

/// Failures of a network over all names: so many at once, then one in each interval.
const NETWORK: Rate = Rate { burst: 100, interval: Duration::from_secs(20) };
/// The same of an IPv6 /48.
const NETWORK_WIDE: Rate = Rate { burst: 400, interval: Duration::from_secs(5) };

/// Counters, names and networks that are kept at the most, of each.
const MOST: usize = 50_000;

/// A digest of a name as it was typed: people type passwords into the wrong field.
type Name = [u8; 16];

/// What attempts are counted by, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum CounterKey {
    /// On a name, from one network.
    Name(Name, IpAddr),
    /// On a name, from one IPv6 /48.
    NameWide(Name, IpAddr),
    /// On an account, from one browser that its owner used.
    Device(UserId, String),
    /// To confirm the password within a session.
    Session(SessionId),
}

impl CounterKey {
    fn is_wide(&self) -> bool {
        matches!(self, Self::NameWide(..))
    }

    /// Whether it counts attempts at this person, by a name of theirs or in a browser of theirs.
    fn is_of(&self, user: &UserId, names: &[Name]) -> bool {
        match self {
            Self::Name(name, _) | Self::NameWide(name, _) => names.contains(name),
            Self::Device(owner, _) => owner == user,
            Self::Session(_) => false,
        }
    }

    /// How long the next attempt waits after so many failures.
    fn pause(&self, failures: u32) -> Duration {
        let (free, longest) = if self.is_wide() { (FREE_WIDE, LONGEST_PAUSE_WIDE) } else { (FREE, LONGEST_PAUSE) };
        match failures.checked_sub(free) {
            Some(beyond) => FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(beyond)).min(longest),
            None => Duration::ZERO,
        }
    }
}

/// What a browser that its owner never used waits for its turn, after so many failures of the name.
fn delay(failures: u32) -> Duration {
    NAME_DELAYS.iter().find(|(least, _)| failures >= *least).map_or(Duration::ZERO, |(_, delay)| *delay)
}

/// Where an attempt comes from: what it is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttemptSource {
    keys: Vec<CounterKey>,
    name: Option<Name>,
    networks: Vec<IpAddr>,
    /// The browser, by the name that its forms are bound to; who keeps no cookies shares the turns of all who do not.
    browser: Option<Name>,
}

impl AttemptSource {
    /// An unknown browser, with a name as typed.
    pub(super) fn stranger(cx: &Cx, identifier: &str, browser: Option<&str>) -> Self {
        // Without an address it is the admin socket: the machine itself.
        Self::at(cx.request.counted().unwrap_or(IpAddr::from([127, 0, 0, 1])), identifier, browser)
    }

    fn at(address: IpAddr, identifier: &str, browser: Option<&str>) -> Self {
        let name = digest(&canonical::identifier(identifier));
        let (near, wide) = (net::subscriber(address), net::site(address));
        let mut keys = vec![CounterKey::Name(name, near)];
        keys.extend(wide.map(|wide| CounterKey::NameWide(name, wide)));
        let networks = std::iter::once(near).chain(wide).collect();
        Self { keys, name: Some(name), networks, browser: browser.map(digest) }
    }

    /// A browser in which the owner of the account signed in before.
    pub(super) fn device(user: &UserId, nonce: &str) -> Self {
        Self::known(CounterKey::Device(user.clone(), nonce.to_owned()))
    }

    /// Somebody at an open session.
    pub(super) fn session(session: &SessionId) -> Self {
        Self::known(CounterKey::Session(session.clone()))
    }

    fn known(key: CounterKey) -> Self {
        Self { keys: vec![key], name: None, networks: Vec::new(), browser: None }
    }
}

fn digest(text: &str) -> Name {
    let mut short = Name::default();
    short.iter_mut().zip(sha256(text.as_bytes())).for_each(|(slot, byte)| *slot = byte);
    short
}

/// An attempt that may be checked. It counts as a failure until it is known to be none.
#[must_use]
pub(super) struct PendingAttempt {
    source: Option<AttemptSource>,
    throttle: Arc<Throttle>,
    tenant: TenantId,
    at: Uptime,
}

impl PendingAttempt {
    /// The password was right: what this source did before is forgotten; what others did, and what the network did
    /// elsewhere, is not.
    pub(super) fn succeeded(self) {
        if let Some(source) = &self.source {
            self.throttle.of(self.tenant, |counts| counts.take_back(source, self.at, true));
        }
    }

    /// It was not checked after all.
    pub(super) fn did_not_take_place(self) {
        if let Some(source) = &self.source {
            self.throttle.of(self.tenant, |counts| counts.take_back(source, self.at, false));
        }
    }
}

/// Takes an attempt. Of many at the same time only as many pass as there are attempts left. Errors: [`Error::Delayed`]
/// with the time until the turn of the source.
pub(super) fn enter(cx: &Cx, source: AttemptSource) -> Result<PendingAttempt, Error> {
    let (throttle, tenant, at) = (Arc::clone(&cx.process().throttle), cx.tenant.id, cx.uptime);
    if !cx.settings().rate_limit.enabled {
        return Ok(PendingAttempt { source: None, throttle, tenant, at });
    }
    throttle.of(tenant, |counts| counts.enter(&source, at)).map_err(delayed)?;
    Ok(PendingAttempt { source: Some(source), throttle, tenant, at })
}

/// The whole seconds that the next attempt of the source has to wait, with a turn given out; `None` when it need not
/// wait.
pub(super) fn pause(cx: &Cx, source: &AttemptSource) -> Option<u64> {
    if !cx.settings().rate_limit.enabled {
        return None;
    }
    cx.process().throttle.of(cx.tenant.id, |counts| counts.turn(source, cx.uptime)).err().map(whole_seconds)
}

/// Forgets the failures on the names of a person, and in browsers of theirs: their password was replaced, or the pause
/// lifted, by somebody who may.
pub(super) fn forget(cx: &Cx, user: &User) {
    cx.process().throttle.of(cx.tenant.id, |counts| counts.forget(&user.id, &names_of(user)));
}

/// What is counted against sign-ins of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// Failures in a row that make the next attempt wait, of the place with the most.
    pub failures: u32,
    /// Seconds until everybody may try again; 0 when nobody waits.
    pub seconds: u64,
}

/// What is counted against sign-ins of a person at the moment, by this process.
pub(super) fn pause_of(cx: &Cx, user: &User) -> Pause {
    cx.process().throttle.of(cx.tenant.id, |counts| counts.pause_of(&user.id, &names_of(user), cx.uptime))
}

fn names_of(user: &User) -> Vec<Name> {
    let names = [Some(user.email.as_str()), user.username.as_deref()];
    names.into_iter().flatten().map(|name| digest(&canonical::identifier(name))).collect()
}

fn delayed(wait: Duration) -> Error {
    Error::Delayed { retry_after_seconds: whole_seconds(wait) }
}

fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// What is counted, for the life of the process.
#[derive(Default)]
pub(crate) struct Throttle(ByTenant<Counts>);

impl Throttle {
    /// The counts of a tenant: a name is another person's in another one, and so is what a network did there.
    fn of<T>(&self, tenant: TenantId, using: impl FnOnce(&mut Counts) -> T) -> T {
        self.0.with(tenant, using)
    }
}

struct Counts {
    counters: HashMap<CounterKey, Counter>,
    /// Failures of names.
    names: Rates<Name>,
    /// Failures of networks.
    networks: Rates<IpAddr>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { counters: HashMap::new(), names: Rates::new(MOST), networks: Rates::new(MOST) }
    }
}

/// One counter: how many attempts failed, when the next one may be, and the turns that were given out.
#[derive(Default)]
struct Counter {
    failures: u32,
    failed: Uptime,
    next: Uptime,
    turns: Vec<Turn>,
}

struct Turn {
    browser: Option<Name>,
    from: Uptime,
}

impl Counter {
    /// Forgets what is over.
    fn settle(&mut self, now: Uptime) {
        self.turns.retain(|turn| now < turn.from.plus(TURN_LASTS));
        if now >= self.failed.plus(FORGOTTEN) {
            self.failures = 0;
        }
    }

    fn is_empty(&self) -> bool {
        self.failures == 0 && self.turns.is_empty()
    }
}

impl Counts {
    /// Counts an attempt as a failure, or says how long its turn is away.
    fn enter(&mut self, source: &AttemptSource, now: Uptime) -> Result<(), Duration> {
        let had_turn = self.turn(source, now)?;
        self.make_room(now);
        if let Some(first) = source.keys.first().and_then(|key| self.counters.get_mut(key)) {
            // A turn is one attempt.
            first.turns.retain(|turn| turn.browser != source.browser);
        }
        for key in &source.keys {
            let counter = self.counters.entry(key.clone()).or_default();
            counter.failures = counter.failures.saturating_add(1);
            counter.failed = now;
            counter.next = counter.next.max(now.plus(key.pause(counter.failures)));
        }
        if let Some(name) = source.name {
            self.names.note(&name, NAME, now);
        }
        if !had_turn {
            self.use_up(&source.networks, now);
        }
        Ok(())
    }

    /// Counts one attempt, made now or at a turn to come, with its networks.
    fn use_up(&mut self, networks: &[IpAddr], now: Uptime) {
        for (place, network) in networks.iter().enumerate() {
            self.networks.use_up(network, rate(place), now);
        }
    }

    /// Whether the source may attempt now, and whether by a turn that has come; if not, for how long it waits. Gives it
    /// a turn if it has none and there is one left.
    fn turn(&mut self, source: &AttemptSource, now: Uptime) -> Result<bool, Duration> {
        for key in &source.keys {
            if let Some(counter) = self.counters.get_mut(key) {
                counter.settle(now);
            }
        }
        let first = source.keys.first();
        let given = first.and_then(|key| self.counters.get(key));
        let own = given.and_then(|counter| counter.turns.iter().find(|turn| turn.browser == source.browser));
        if let Some(turn) = own {
            return if turn.from <= now { Ok(true) } else { Err(turn.from.since(now)) };
        }
        let taken = given.map_or(0, |counter| counter.turns.len());
        let at_network = self.next_of_networks(&source.networks, now);
        let from = self.next_by_names(source, now).max(at_network);
        if from <= now {
            return Ok(false);
        }
        if taken < TURNS && at_network <= now.plus(NETWORK_HORIZON) {
            self.give_turn(source, from, now);
        }
        Err(from.since(now))
    }

    /// The earliest moment of an attempt that has no turn yet, as far as names go.
    fn next_by_names(&self, source: &AttemptSource, now: Uptime) -> Uptime {
        let mut from = now;
        for key in &source.keys {
            let counter = self
                .counters
                .get(key)
                .filter(|counter| !key.pause(counter.failures).is_zero() || !counter.turns.is_empty());
            from = from.max(counter.map_or(now, |counter| counter.next));
        }
        let failures = source.name.map_or(0, |name| self.names.noted(&name, NAME, now));
        from.max(now.plus(delay(failures)))
    }

    /// The same as far as networks go.
    fn next_of_networks(&self, networks: &[IpAddr], now: Uptime) -> Uptime {
        let next = networks.iter().enumerate().map(|(place, network)| self.networks.next(network, rate(place), now));
        next.max().unwrap_or(now)
    }

    fn give_turn(&mut self, source: &AttemptSource, from: Uptime, now: Uptime) {
        self.make_room(now);
        for (place, key) in source.keys.iter().enumerate() {
            let counter = self.counters.entry(key.clone()).or_default();
            counter.next = counter.next.max(from.plus(key.pause(counter.failures)));
            if place == 0 {
                counter.turns.push(Turn { browser: source.browser, from });
            }
        }
        self.use_up(&source.networks, now);
    }

    fn take_back(&mut self, source: &AttemptSource, at: Uptime, forgives: bool) {
        for key in &source.keys {
            if let Some(counter) = self.counters.get_mut(key) {
                counter.failures = if forgives { 0 } else { counter.failures.saturating_sub(1) };
                counter.next = if counter.turns.is_empty() { at } else { counter.next };
            }
        }
        if let Some(name) = &source.name {
            self.names.give_back(name, NAME);
        }
        for (place, network) in source.networks.iter().enumerate() {
            self.networks.give_back(network, rate(place));
        }
    }

    fn forget(&mut self, user: &UserId, names: &[Name]) {
        self.names.forget(names);
        self.counters.retain(|key, _| !key.is_of(user, names));
    }

    fn pause_of(&mut self, user: &UserId, names: &[Name], now: Uptime) -> Pause {
        let mut pause = Pause::default();
        let mut until = now;
        for (key, counter) in self.counters.iter_mut().filter(|(key, _)| key.is_of(user, names)) {
            counter.settle(now);
            pause.failures = pause.failures.max(counter.failures);
            if !key.pause(counter.failures).is_zero() {
                until = until.max(counter.next);
            }
        }
        let waits = names.iter().map(|name| delay(self.names.noted(name, NAME, now)));
        let wait = waits.chain([until.since(now)]).max().unwrap_or_default();
        Pause { seconds: if wait.is_zero() { 0 } else { whole_seconds(wait) }, ..pause }
    }

    /// Room for the counters of one source more: what has no effect goes first, then what was counted least.
    fn make_room(&mut self, now: Uptime) {
        let most = MOST.saturating_sub(2);
        if self.counters.len() >= most {
            self.counters.retain(|_, counter| {
                counter.settle(now);
                !counter.is_empty()
            });
            keep_the_largest(&mut self.counters, most, |counter| u64::from(counter.failures));
        }
    }
}

/// What a network may use up: the subscriber's first, then the site's around it.
fn rate(place: usize) -> Rate {
    if place == 0 { NETWORK } else { NETWORK_WIDE }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
