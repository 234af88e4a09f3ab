use super::*;
use crate::tenant::Tenant;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn at(millis: u64) -> Uptime {
    Uptime::from_millis(millis)
}

fn stranger(address: &str, name: &str, browser: Option<&str>) -> AttemptSource {
    AttemptSource::at(address.parse().unwrap(), name, browser)
}

/// Makes an attempt every `every` milliseconds from `from` to `to`; answers how many were weighed, all of them wrong.
fn guess(counts: &mut Counts, source: &AttemptSource, (from, to): (u64, u64), every: u64) -> usize {
    (from..to).step_by(usize::try_from(every).unwrap()).filter(|now| counts.enter(source, at(*now)).is_ok()).count()
}

/// From the first attempt of somebody who comes back whenever they are told to, until they are heard, in milliseconds;
/// `meanwhile` is called for every second between.
fn heard_after(
    counts: &mut Counts,
    owner: &AttemptSource,
    from: u64,
    mut meanwhile: impl FnMut(&mut Counts, u64),
) -> u64 {
    let mut now = from;
    while let Err(wait) = counts.enter(owner, at(now)) {
        let back = now + u64::try_from(wait.as_millis()).unwrap();
        (now..back).step_by(1000).for_each(|second| meanwhile(counts, second));
        now = back;
        assert!(now < from + DAY, "never heard");
    }
    now - from
}

#[test]
fn bug_class_31_one_network_gets_few_tries_at_a_name_however_it_goes_about_it() {
    // As it was found: one try every four and a half seconds, for 25 minutes.
    let mut counts = Counts::default();
    let source = stranger("192.0.2.1", "ann@example.com", None);
    let checked = guess(&mut counts, &source, (0, 25 * 60_000), 4_500);
    assert!(checked <= 15, "{checked} in 25 minutes");
    // A day of it, at any pace.
    for every in [1_000, 4_500, 60_000, 299_000, 301_000, 900_000] {
        let mut counts = Counts::default();
        let checked = guess(&mut counts, &source, (0, DAY), every);
        assert!(checked <= 310, "{checked} a day at one every {every} ms");
    }
    // In bursts, with pauses that are long enough to be forgotten.
    let mut counts = Counts::default();
    let bursts = (0..24).map(|hour| guess(&mut counts, &source, (hour * HOUR, hour * HOUR + 10_000), 500));
    assert!(bursts.sum::<usize>() <= 150);
    // As many browsers as one likes, each of which comes back for its turn.
    let mut counts = Counts::default();
    let (mut checked, mut waiting) = (0, Vec::new());
    for second in 0..DAY / 1000 {
        let now = second * 1000;
        let fresh = stranger("192.0.2.1", "ann@example.com", Some(&second.to_string()));
        waiting.push((now, fresh));
        let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(turn, _)| *turn <= now);
        waiting = later;
        for (_, source) in due {
            match counts.enter(&source, at(now)) {
                Ok(()) => checked += 1,
                Err(wait) if waiting.len() < 8 => {
                    waiting.push((now + u64::try_from(wait.as_millis()).unwrap(), source))
                }
                Err(_) => {}
            }
        }
    }
    assert!(checked <= 310, "{checked} a day with a browser for each try");
}

#[test]
fn bug_class_31_the_owner_elsewhere_is_heard_at_once_or_within_half_a_minute() {
    // One guesser: the owner in another network feels nothing.
    let mut counts = Counts::default();
    guess(&mut counts, &stranger("192.0.2.1", "ann@example.com", None), (0, 25 * 60_000), 4_500);
    let owner = stranger("198.51.100.7", "ann@example.com", Some("new"));
    assert_eq!(heard_after(&mut counts, &owner, 25 * 60_000, |_, _| ()), 0);
    // A thousand networks that guess all day long.
    let mut counts = Counts::default();
    let crowd: Vec<AttemptSource> =
        (0..1000).map(|n| stranger(&format!("203.0.{}.{}", n / 250, n % 250), "ann@example.com", None)).collect();
    let attack = |counts: &mut Counts, now: u64| {
        for source in &crowd {
            let _ = counts.enter(source, at(now));
        }
    };
    (0..600).for_each(|second| attack(&mut counts, second * 1000));
    for browser in [None, Some("new")] {
        let owner = stranger("198.51.100.7", "ann@example.com", browser);
        let waited = heard_after(&mut counts, &owner, 600_000, attack);
        assert!((1..=30_000).contains(&waited), "{waited} ms");
    }
}

#[test]
fn bug_class_31_the_owner_behind_the_same_address_is_heard_within_ten_minutes() {
    for every in [1, 5, 60] {
        let mut counts = Counts::default();
        let source = stranger("192.0.2.1", "ann@example.com", None);
        guess(&mut counts, &source, (0, 3 * HOUR), 4_500);
        let owner = stranger("192.0.2.1", "ann@example.com", Some("new"));
        let waited = heard_after(&mut counts, &owner, 3 * HOUR, |counts, now| {
            if now % (every * 1000) == 0 {
                let _ = counts.enter(&source, at(now));
            }
        });
        assert!(waited <= 600_000, "{waited} ms");
        // And with another name it is no matter at all.
        let other = stranger("192.0.2.1", "bob@example.com", Some("new"));
        assert_eq!(heard_after(&mut counts, &other, 3 * HOUR, |_, _| ()), 0);
    }
}

#[test]
fn a_browser_that_the_owner_used_waits_for_nobody() {
    let mut counts = Counts::default();
    let crowd = |n: u32| stranger(&format!("203.0.113.{}", n % 250), "ann@example.com", None);
    for n in 0..5000 {
        let _ = counts.enter(&crowd(n), at(u64::from(n) * 1000));
    }
    let user: UserId = "usr_0000000000000000000000000a".parse().unwrap();
    assert_eq!(heard_after(&mut counts, &AttemptSource::device(&user, "nonce"), 5_000_000, |_, _| ()), 0);
}

#[test]
fn typing_errors_cost_seconds_and_a_success_forgets_them() {
    let mut counts = Counts::default();
    let ann = stranger("192.0.2.1", "ann@example.com", Some("hers"));
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..13 {
        let waited = heard_after(&mut counts, &ann, now, |_, _| ());
        waits.push(waited / 1000);
        now += waited;
    }
    assert_eq!(waits, [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300]);
    now += heard_after(&mut counts, &ann, now, |_, _| ());
    counts.take_back(&ann, at(now), true);
    assert_eq!(guess(&mut counts, &ann, (now, now + 10), 1), 5);
    // An attempt that found no thread to hash it is none.
    let mut counts = Counts::default();
    for _ in 0..50 {
        assert!(counts.enter(&ann, at(0)).is_ok());
        counts.take_back(&ann, at(0), false);
    }
}

#[test]
fn failures_are_forgotten_after_an_hour_of_quiet() {
    let mut counts = Counts::default();
    let ann = stranger("192.0.2.1", "ann@example.com", None);
    guess(&mut counts, &ann, (0, HOUR), 1000);
    assert!(counts.enter(&ann, at(HOUR + 1)).is_err());
    assert_eq!(guess(&mut counts, &ann, (3 * HOUR, 3 * HOUR + 10), 1), 5);
}

#[test]
fn a_network_that_tries_many_names_is_slowed_and_its_people_still_come_in() {
    let mut counts = Counts::default();
    let name = |n: u64| format!("person{n}@example.com");
    let checked = (0..DAY / 2000)
        .filter(|n| counts.enter(&stranger("192.0.2.1", &name(n % 20_000), None), at(n * 2000)).is_ok())
        .count();
    assert!(checked <= 100 + 24 * 180 + 15, "{checked} over all names in a day");
    // Somebody there signs in with a new browser, while it is quiet for a moment: a few minutes.
    let ann = stranger("192.0.2.1", "ann@example.com", Some("new"));
    let waited = heard_after(&mut counts, &ann, DAY, |_, _| ());
    assert!(waited <= 320_000, "{waited} ms");
    // Signing in to an account of one's own gives back that attempt and does not clear the network.
    counts.take_back(&ann, at(DAY + waited), true);
    let others = (0..50).map(|n| stranger("192.0.2.1", &name(n), None));
    let passed = others.filter(|other| counts.enter(other, at(DAY + waited)).is_ok()).count();
    assert!(passed <= 1, "{passed}");
    // And nobody else is concerned.
    assert!(counts.enter(&stranger("192.0.2.2", "bob@example.com", None), at(DAY + waited)).is_ok());
}

#[test]
fn bug_class_31_a_site_with_many_subnets_of_ipv6_is_one_guesser_too() {
    let mut counts = Counts::default();
    let mut checked = 0;
    for second in 0..3600_u64 {
        let source = stranger(&format!("2001:db8:1:{:x}::1", second % 60_000), "ann@example.com", None);
        checked += usize::from(counts.enter(&source, at(second * 1000)).is_ok());
    }
    assert!(checked <= 90, "{checked} in an hour");
    let elsewhere = stranger("2001:db8:2::1", "ann@example.com", Some("new"));
    assert!(heard_after(&mut counts, &elsewhere, HOUR, |_, _| ()) <= 30_000);
}

#[test]
fn a_turn_is_one_attempt_and_ends() {
    let mut counts = Counts::default();
    let ann = stranger("192.0.2.1", "ann@example.com", Some("hers"));
    guess(&mut counts, &ann, (0, 10), 1);
    let wait = |counts: &mut Counts, now| counts.turn(&ann, at(now)).map_err(|wait| wait.as_millis());
    assert_eq!(wait(&mut counts, 100), Err(4_904));
    assert_eq!(wait(&mut counts, 1_004), Err(4_000), "asking again does not move it");
    assert!(counts.enter(&ann, at(5_004)).is_ok());
    assert!(counts.enter(&ann, at(5_004)).is_err(), "it is used up");
    assert!(counts.enter(&ann, at(5_004 + 10_000)).is_ok());
}

#[test]
fn at_the_same_time_only_as_many_pass_as_are_left() {
    let home = crate::testing::TestApp::new();
    let passed = crate::testing::race(64, |_| {
        let cx = home.cx();
        enter(&cx, AttemptSource::stranger(&cx, "ann@example.com", None)).is_ok()
    });
    assert_eq!(passed.iter().filter(|passed| **passed).count(), 5);
}

#[test]
fn failures_in_one_tenant_delay_nobody_in_another() {
    let home = crate::testing::TestApp::new();
    let here = home.cx();
    let tenant =
        Tenant::new(TenantId(7), "/t/acme", Arc::clone(&here.tenant.settings), Arc::clone(&here.tenant.keyring));
    let there = Cx { tenant: Arc::new(tenant), ..here.clone() };
    let passed = |cx: &Cx| {
        let attempt = |_: &i32| enter(cx, AttemptSource::stranger(cx, "ann@example.com", None)).is_ok();
        (0..20).filter(attempt).count()
    };
    assert_eq!((passed(&here), passed(&here), passed(&there)), (5, 0, 5));
}

#[test]
fn bug_class_40_what_strangers_make_it_remember_is_bounded_and_the_worst_are_remembered() {
    let mut counts = Counts::default();
    let worst = stranger("192.0.2.1", "ann@example.com", None);
    guess(&mut counts, &worst, (0, 1000), 100);
    for n in 0..120_000_u32 {
        let address = IpAddr::from([10, (n >> 16) as u8, (n >> 8) as u8, n as u8]);
        let _ = counts.enter(&AttemptSource::at(address, &format!("{n}@example.com"), None), at(1000));
        if n % 10_000 == 0 {
            assert!(
                counts.counters.len() <= MOST
                    && counts.names.remembered() <= MOST
                    && counts.networks.remembered() <= MOST
            );
        }
    }
    assert!(counts.counters.len() <= MOST && counts.names.remembered() <= MOST && counts.networks.remembered() <= MOST);
    assert!(counts.enter(&worst, at(1000)).is_err());
    // Turns, too.
    let mut counts = Counts::default();
    for n in 0..1000 {
        let _ = counts.enter(&stranger("192.0.2.1", "ann@example.com", Some(&n.to_string())), at(0));
    }
    assert!(counts.counters.values().all(|counter| counter.turns.len() <= TURNS));
}

#[test]
fn bug_class_31_spellings_of_one_name_share_a_line() {
    let ann = stranger("192.0.2.1", "ann@example.com", None);
    for spelling in ["ANN@example.com", " ann@Example.com ", "\u{ff41}\u{ff4e}\u{ff4e}@example.com"] {
        assert_eq!(stranger("192.0.2.1", spelling, None), ann, "{spelling}");
    }
    assert_eq!(stranger("::ffff:192.0.2.1", "ann@example.com", None), ann);
    assert_ne!(stranger("192.0.2.1", "ann@example.org", None), ann);
}
