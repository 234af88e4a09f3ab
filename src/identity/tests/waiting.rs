//! Who has to wait, for whom, and for how long.

use std::sync::Arc;

use super::*;
use crate::testing::{block_on, race};

fn waits(result: &Result<Success, Error>) -> Option<u64> {
    match result {
        Err(Error::Delayed { retry_after_seconds }) => Some(*retry_after_seconds),
        _ => None,
    }
}

/// Fails as often as it is weighed, coming back whenever it is told to.
async fn fail(home: &TestApp, identifier: &str, times: usize) {
    for _ in 0..times {
        let mut refused = attempt(home, identifier, "wrong password").await;
        while let Some(seconds) = waits(&refused) {
            home.advance(Duration::from_secs(seconds));
            refused = attempt(home, identifier, "wrong password").await;
        }
        assert!(is_refused(&refused), "{refused:?}");
    }
}

#[tokio::test]
async fn bug_class_31_a_name_waits_whatever_its_spelling_and_the_right_password_works_in_its_turn() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    for name in ["ann@example.com", "ANN@example.com", " ann@EXAMPLE.com", "\u{ff41}nn@example.com", "Ann@example.com"]
    {
        assert!(is_refused(&attempt(&home, name, "wrong password").await));
    }
    let before = home.parts.store.commits();
    assert_eq!(waits(&attempt(&home, "ann@example.com", PASSWORD).await), Some(5));
    home.advance(Duration::from_secs(4));
    assert_eq!(waits(&attempt(&home, "ann@example.com", PASSWORD).await), Some(1));
    home.advance(Duration::from_secs(1));
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok());
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok(), "a success forgets the failures before it");
    assert!(home.parts.store.commits() - before <= 3, "who waits learns of once");
}

#[tokio::test]
async fn bug_class_30_a_name_that_nobody_has_waits_like_one_that_somebody_has() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let bob = person(&home, "bob@example.com").await;
    users::disable(&home.cx(), &bob.id).await.unwrap();
    let without = NewUser { email: "new@example.com".into(), ..NewUser::default() };
    users::create(&home.cx(), without).await.unwrap();
    let device = signed_in(&home, "ann@example.com").await.device;
    // From here on another browser: what it knows is another account's.
    let mut answers = Vec::new();
    for name in ["ann@example.com", "bob@example.com", "new@example.com", "nobody@example.com", "no name at all"] {
        let mut answered = Vec::new();
        for step in 0..40 {
            let cookie = (name != "ann@example.com").then_some(device.as_str());
            let result = attempt_with(&home, name, "wrong password", cookie).await;
            answered.push((step, is_refused(&result), waits(&result)));
            home.advance(Duration::from_millis(2500));
        }
        answers.push(answered);
    }
    assert!(answers.iter().all(|answered| *answered == answers[0]), "{answers:?}");
    assert!(answers[0].iter().any(|(_, _, waits)| waits.is_some()));
}

/// As it was found: an address tried once every four and a half seconds, saw no limit, and the owner was refused 63
/// times of 63.
#[tokio::test]
async fn bug_class_31_a_guesser_is_slowed_and_the_owner_with_a_new_browser_comes_in() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let mut weighed = 0;
    let (mut asked, mut came_in) = (0, 0);
    for number in 0..(25 * 60 * 10 / 45) {
        weighed += usize::from(is_refused(&attempt(&home, "ann@example.com", "wrong password").await));
        if number % 5 == 0 {
            let secret = password();
            let elsewhere = Attempt {
                identifier: "ann@example.com",
                password: &secret,
                device: None,
                visit: Visit { browser: Some("new"), ..Visit::default() },
            };
            asked += 1;
            came_in += usize::from(with_password(&cx_from(&home, [198, 51, 100, 7]), elsewhere).await.is_ok());
        }
        home.advance(Duration::from_millis(4500));
    }
    assert!(weighed <= 15, "{weighed} tries in 25 minutes");
    assert_eq!((asked, came_in), (67, 67));
}

fn cx_from(home: &TestApp, address: [u8; 4]) -> crate::cx::Cx {
    let mut cx = home.cx();
    let facts = crate::cx::RequestFacts { ip: Some(address.into()), ..(*cx.request).clone() };
    cx.request = Arc::new(facts);
    cx
}

#[tokio::test]
async fn bug_class_31_while_a_crowd_guesses_a_new_browser_waits_half_a_minute_at_most() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    for number in 0..200_u8 {
        let secret = Secret::from("wrong password");
        let one = Attempt { identifier: "ann@example.com", password: &secret, device: None, visit: Visit::default() };
        let _ = with_password(&cx_from(&home, [203, 0, 113, number]), one).await;
        home.advance(Duration::from_secs(1));
        let _ = with_password(&cx_from(&home, [203, 0, 114, number]), one).await;
    }
    let mut waited = 0;
    while let Some(seconds) = waits(&attempt(&home, "ann@example.com", PASSWORD).await) {
        home.advance(Duration::from_secs(seconds));
        waited += seconds;
    }
    assert!((1..=30).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn strangers_do_not_keep_the_owner_waiting_in_a_known_browser() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let device = signed_in(&home, "ann@example.com").await.device;
    fail(&home, "ann@example.com", 12).await;
    assert!(waits(&attempt(&home, "ann@example.com", PASSWORD).await).is_some());
    let known = attempt_with(&home, "ann@example.com", PASSWORD, Some(&device)).await.unwrap();
    // The known browser has limits of its own, and the new cookie works as the old one did.
    for _ in 0..5 {
        assert!(is_refused(&attempt_with(&home, "ann@example.com", "wrong", Some(&known.device)).await));
    }
    assert_eq!(waits(&attempt_with(&home, "ann@example.com", PASSWORD, Some(&known.device)).await), Some(5));
    home.advance(Duration::from_secs(5));
    assert!(attempt_with(&home, "ann@example.com", PASSWORD, Some(&known.device)).await.is_ok());
    assert!(attempt_with(&home, "ann@example.com", PASSWORD, Some(&device)).await.is_ok());
}

#[tokio::test]
async fn a_device_cookie_is_good_for_its_own_person_only() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    person(&home, "eve@example.com").await;
    let eves = signed_in(&home, "eve@example.com").await.device;
    let anns = signed_in(&home, "ann@example.com").await.device;
    fail(&home, "ann@example.com", 5).await;
    let (_, eves_tail) = eves.split_once('.').unwrap();
    let (ann, _) = anns.split_once('.').unwrap();
    let forged = format!("{ann}.{eves_tail}");
    for cookie in ["", ".", "..", &eves, &forged, &anns[..anns.len() - 1], &format!("{anns}."), &anns.replace('.', " ")]
    {
        let waiting = attempt_with(&home, "ann@example.com", PASSWORD, Some(cookie)).await;
        assert!(waits(&waiting).is_some(), "{cookie}");
    }
    assert!(attempt_with(&home, "ann@example.com", PASSWORD, Some(&anns)).await.is_ok());
}

#[test]
fn bug_31_guesses_sent_together_count_one_after_the_other() {
    let home = TestApp::new();
    block_on(person(&home, "ann@example.com"));
    let wrong = race(64, |_| block_on(attempt(&home, "ann@example.com", "wrong password")));
    assert_eq!(wrong.iter().filter(|result| is_refused(result)).count(), 5);
    assert_eq!(wrong.iter().filter(|result| waits(result).is_some()).count(), 59);
    assert!(waits(&block_on(attempt(&home, "ann@example.com", PASSWORD))).is_some());
}

#[tokio::test]
async fn without_limits_nobody_waits() {
    let home = TestApp::with(|parts| parts.settings.rate_limit.enabled = false);
    person(&home, "ann@example.com").await;
    fail(&home, "ann@example.com", 30).await;
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_password_that_was_set_anew_waits_for_nothing_that_was_guessed_before() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    fail(&home, "ann@example.com", 12).await;
    assert!(waits(&attempt(&home, "ann@example.com", PASSWORD).await).is_some());
    users::set_password(&home.cx(), &ann.id, &Secret::from("another good one")).await.unwrap();
    assert!(attempt(&home, "ann@example.com", "another good one").await.is_ok());
}

#[tokio::test]
async fn after_a_refusal_the_caller_is_told_how_long_the_next_try_waits() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let secret = Secret::from("wrong password");
    let visit = Visit { browser: Some("b"), ..Visit::default() };
    let one = |identifier| Attempt { identifier, password: &secret, device: None, visit };
    for (tries, wanted) in [(4, None), (1, Some(5))] {
        for _ in 0..tries {
            assert!(is_refused(&with_password(&home.cx(), one("ann@example.com")).await));
        }
        assert_eq!(pause(&home.cx(), one("ann@example.com")).unwrap(), wanted);
    }
    assert_eq!(pause(&home.cx(), one("nobody@example.com")).unwrap(), None);
}
