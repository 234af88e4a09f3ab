//! Sign-ins of more than one proof: what waits, for whom, where, and that nothing but the proofs lets anybody in.

use proptest::prelude::*;

use super::super::authentication::{LIFETIME, Waiting};
use super::super::interaction::{Interaction, Resume};
use super::super::{links, proofs};
use super::*;
use crate::records::ProofKind;
use crate::testing::block_on;

const NEW: &str = "another password";

/// The link of a person, used in this browser: a sign-in that waits for the new password, [`NEW`].
async fn begun(home: &TestApp, email: &str, visit: Visit<'_>) -> Waiting {
    let link = links::issue_recovery(&home.cx(), email).await.unwrap().token;
    let recovered = links::redeem_recovery(&home.cx(), link.expose(), &Secret::from(NEW), visit).await.unwrap();
    match recovered.outcome {
        Some(Outcome::Waits(waiting)) => waiting,
        other => panic!("{other:?}"),
    }
}

async fn goes_on(home: &TestApp, email: &str, visit: Visit<'_>) -> Vec<ProofKind> {
    let password = Secret::from(NEW);
    let attempt = Attempt { identifier: email, password: &password, device: None, visit };
    proofs::kinds(&attempt_by(home, attempt).await.unwrap().signed_in.session.proofs)
}

fn rows(home: &TestApp) -> u64 {
    home.cx().read().unwrap().count("authentications").unwrap()
}

const BOTH: [ProofKind; 2] = [ProofKind::RecoveryLink, ProofKind::Password];
const ONE: [ProofKind; 1] = [ProofKind::Password];

#[tokio::test]
async fn a_link_begins_a_sign_in_that_the_password_completes_and_no_commit_is_added() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let here = Visit { browser: Some("b"), ..Visit::default() };
    let link = links::issue_recovery(&home.cx(), "ann@example.com").await.unwrap().token;
    let before = home.parts.store.commits();
    let recovered = links::redeem_recovery(&home.cx(), link.expose(), &Secret::from(NEW), here).await.unwrap();
    let Some(Outcome::Waits(waiting)) = recovered.outcome else { panic!("it waits") };
    assert_eq!((home.parts.store.commits() - before, rows(&home)), (1, 1));
    // It opens nothing.
    assert!(!resolves(&home, &waiting.token));
    home.advance(minutes(1));
    let visit = Visit { authentication: Some(waiting.token.expose()), ..here };
    assert_eq!(goes_on(&home, "ann@example.com", visit).await, BOTH);
    assert_eq!((home.parts.store.commits() - before, rows(&home)), (2, 0));
    // Once.
    assert_eq!(goes_on(&home, "ann@example.com", visit).await, ONE);
    assert_eq!(rows(&home), 0);
}

#[tokio::test]
async fn bug_24_what_was_proved_counts_only_here_for_this_person_this_request_and_a_quarter_of_an_hour() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    person(&home, "bob@example.com").await;
    let at = home.cx();
    users::set_password(&at, &users::by_name(&at, "bob@example.com").unwrap().id, &Secret::from(NEW)).await.unwrap();
    let request = |query: &str| Interaction::begin(&home.cx(), "b", Resume::Authorization(query.into()), None);
    let (one, other) = (request("a=1"), request("a=1"));
    let here = Visit { browser: Some("b"), resume: Some(&one), ..Visit::default() };
    let cases: [(&str, Visit<'_>, Duration, &[ProofKind]); 7] = [
        ("ann@example.com", here, Duration::ZERO, &BOTH),
        ("ann@example.com", here, LIFETIME - Duration::from_millis(1), &BOTH),
        ("ann@example.com", here, LIFETIME, &ONE),
        ("ann@example.com", Visit { browser: Some("c"), ..here }, Duration::ZERO, &ONE),
        ("ann@example.com", Visit { resume: Some(&other), ..here }, Duration::ZERO, &ONE),
        ("ann@example.com", Visit { resume: None, ..here }, Duration::ZERO, &ONE),
        ("bob@example.com", here, Duration::ZERO, &ONE),
    ];
    for (email, visit, later, wanted) in cases {
        let waiting = begun(&home, "ann@example.com", here).await;
        home.advance(later);
        let visit = Visit { authentication: Some(waiting.token.expose()), ..visit };
        assert_eq!(goes_on(&home, email, visit).await, wanted, "{email} {visit:?} {later:?}");
    }
    // A token that was changed is none.
    let waiting = begun(&home, "ann@example.com", here).await;
    let (id, _) = waiting.token.expose().split_once('.').unwrap();
    let guessed = format!("{id}.{}", "A".repeat(43));
    for token in [id, &guessed, "", "."] {
        let visit = Visit { authentication: Some(token), ..here };
        assert_eq!(goes_on(&home, "ann@example.com", visit).await, ONE, "{token}");
    }
}

#[tokio::test]
async fn bug_14_a_sign_in_that_has_begun_ends_with_everything_else_of_the_person() {
    let home = TestApp::new();
    administrator(&home, "root@example.com").await;
    let ann = person(&home, "ann@example.com").await;
    let here = Visit { browser: Some("b"), ..Visit::default() };
    for number in 0..4 {
        let waiting = begun(&home, "ann@example.com", here).await;
        assert_eq!(rows(&home), 1);
        match number {
            0 => drop(users::set_password(&home.cx(), &ann.id, &password()).await.unwrap()),
            1 => drop(sessions::end_all(&home.cx(), &ann.id).await.unwrap()),
            2 => {
                users::disable(&home.cx(), &ann.id).await.unwrap();
                let secret = Secret::from(NEW);
                let visit = Visit { authentication: Some(waiting.token.expose()), ..here };
                let attempt = Attempt { identifier: "ann@example.com", password: &secret, device: None, visit };
                assert!(is_refused(&attempt_by(&home, attempt).await));
                users::enable(&home.cx(), &ann.id).await.unwrap();
            }
            _ => drop(users::delete(&home.cx(), &ann.id).await.unwrap()),
        }
        assert_eq!(rows(&home), 0, "{number}");
    }
}

#[tokio::test]
async fn a_refused_step_tells_which_it_was_and_leaves_the_sign_in_as_it_was() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let here = Visit { browser: Some("b"), ..Visit::default() };
    let waiting = begun(&home, "ann@example.com", here).await;
    let visit = Visit { authentication: Some(waiting.token.expose()), ..here };
    let wrong = password();
    let attempt = Attempt { identifier: "ann@example.com", password: &wrong, device: None, visit };
    assert!(is_refused(&attempt_by(&home, attempt).await));
    let row = audit_rows(&home, "user.sign_in").pop().unwrap();
    let told = ["step", "proof", "rule"].map(|name| row.detail[name].to_string());
    assert_eq!(told, ["2", "\"password\"", "\"password_matches\""]);
    assert_eq!(goes_on(&home, "ann@example.com", visit).await, BOTH);
}

#[tokio::test]
async fn without_a_browser_that_keeps_cookies_nothing_waits() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let link = links::issue_recovery(&home.cx(), "ann@example.com").await.unwrap().token;
    let new = Secret::from(NEW);
    let recovered = links::redeem_recovery(&home.cx(), link.expose(), &new, Visit::default()).await.unwrap();
    assert!(recovered.outcome.is_none() && rows(&home) == 0);
    assert_eq!(goes_on(&home, "ann@example.com", Visit::default()).await, ONE);
}

/// Something that somebody does, with choices as numbers: which person, browser, token of those ever seen, request.
#[derive(Clone, Debug)]
enum Move {
    Password { who: usize, is_right: bool, browser: usize, token: usize, resume: usize },
    Link { who: usize, browser: usize, token: usize, resume: usize },
    Confirm { session: usize, is_right: bool },
    Wait { minutes: u64 },
    Disable { who: usize },
    Enable { who: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0..2_usize, any::<bool>(), 0..3_usize, 0..3_usize, 0..2_usize)
            .prop_map(|(who, is_right, browser, token, resume)| Move::Password { who, is_right, browser, token, resume }),
        3 => (0..2_usize, 0..3_usize, 0..3_usize, 0..2_usize)
            .prop_map(|(who, browser, token, resume)| Move::Link { who, browser, token, resume }),
        2 => (0..4_usize, any::<bool>()).prop_map(|(session, is_right)| Move::Confirm { session, is_right }),
        1 => (1..20_u64).prop_map(|minutes| Move::Wait { minutes }),
        1 => (0..2_usize).prop_map(|who| Move::Disable { who }),
        1 => (0..2_usize).prop_map(|who| Move::Enable { who }),
    ];
    prop::collection::vec(one, 10..80)
}

/// Two people, three browsers (the first keeps no cookies), two things to go on with (the first is nothing): so few
/// that what belongs to one of them often meets another.
struct World {
    home: TestApp,
    people: [User; 2],
    disabled: [bool; 2],
    requests: [Option<Interaction>; 2],
    tokens: Vec<Secret<String>>,
    sessions: Vec<Success>,
    /// Links that were used and what they began is not complete: person, browser, request, when.
    used: Vec<(usize, usize, usize, crate::base::Moment)>,
}

const BROWSERS: [Option<&str>; 3] = [None, Some("b"), Some("c")];
const EMAILS: [&str; 2] = ["ann@example.com", "bob@example.com"];

impl World {
    async fn new() -> Self {
        let home = TestApp::with(|parts| parts.settings.rate_limit.enabled = false);
        administrator(&home, "root@example.com").await;
        let people = [person(&home, EMAILS[0]).await, person(&home, EMAILS[1]).await];
        let request = || Some(Interaction::begin(&home.cx(), "b", Resume::Authorization("a=1".into()), None));
        let requests = [None, request()];
        Self { home, people, disabled: [false; 2], requests, tokens: vec![], sessions: vec![], used: vec![] }
    }

    fn visit(&self, browser: usize, token: usize, resume: usize) -> Visit<'_> {
        Visit {
            browser: BROWSERS[browser],
            authentication: self.tokens.iter().rev().nth(token).map(|token| token.expose().as_str()),
            resume: self.requests[resume].as_ref(),
            ..Visit::default()
        }
    }

    async fn make(&mut self, one: &Move) {
        match *one {
            Move::Password { who, is_right, browser, token, resume } => {
                let secret = Secret::from(if is_right { PASSWORD } else { "wrong password" });
                let visit = self.visit(browser, token, resume);
                let attempt = Attempt { identifier: EMAILS[who], password: &secret, device: None, visit };
                let outcome = with_password(&self.home.cx(), attempt).await;
                // The one rule: the right password of somebody who may come in, and nothing else.
                assert_eq!(outcome.is_ok(), is_right && !self.disabled[who], "{one:?} {outcome:?}");
                let Ok(Outcome::SignedIn(success)) = outcome else { return assert!(outcome.is_err(), "{outcome:?}") };
                self.holds(who, browser, resume, &success);
                self.sessions.push(*success);
            }
            Move::Link { who, browser, token, resume } => {
                let issued = links::issue_recovery(&self.home.cx(), EMAILS[who]).await;
                let Ok(link) = issued else { return assert!(self.disabled[who]) };
                let visit = self.visit(browser, token, resume);
                let redeemed = links::redeem_recovery(&self.home.cx(), link.token.expose(), &password(), visit).await;
                match redeemed.unwrap().outcome {
                    None => assert_eq!(BROWSERS[browser], None),
                    Some(Outcome::Waits(waiting)) => {
                        self.tokens.push(waiting.token);
                        self.used.push((who, browser, resume, self.home.cx().now));
                    }
                    Some(Outcome::SignedIn(_)) => panic!("a link alone lets nobody in"),
                }
            }
            Move::Confirm { session, is_right } => {
                let Some(success) = self.sessions.iter().rev().nth(session) else { return };
                let secret = Secret::from(if is_right { PASSWORD } else { "wrong password" });
                let was_live = resolves(&self.home, &success.token);
                let confirmed = sessions::confirm(&self.home.cx(), &success.signed_in, &secret).await;
                assert_eq!(confirmed.is_ok(), is_right && was_live, "{one:?} {confirmed:?}");
            }
            Move::Wait { minutes: count } => self.home.advance(minutes(count)),
            Move::Disable { who } => {
                users::disable(&self.home.cx(), &self.people[who].id).await.unwrap();
                self.disabled[who] = true;
            }
            Move::Enable { who } => {
                users::enable(&self.home.cx(), &self.people[who].id).await.unwrap();
                self.disabled[who] = false;
            }
        }
        for token in &self.tokens {
            assert!(!resolves(&self.home, token), "a sign-in that has begun opens nothing");
        }
    }

    /// The session has no proof that was not given for it.
    fn holds(&self, who: usize, browser: usize, resume: usize, success: &Success) {
        let session = &success.signed_in.session;
        let now = self.home.cx().now;
        assert_eq!(session.user, self.people[who].id);
        assert!(session.proofs.iter().any(|proof| proof.kind == ProofKind::Password && proof.at == now));
        for link in session.proofs.iter().filter(|proof| proof.kind == ProofKind::RecoveryLink) {
            let given = (who, browser, resume, link.at);
            assert!(self.used.contains(&given) && now < link.at.plus(LIFETIME), "{given:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Whatever is sent, in whatever order, repeated, to whichever browser: nobody is in without the proofs that the
    /// policy names.
    #[test]
    fn bug_23_no_sequence_of_inputs_lets_anybody_in_without_the_proofs(moves in moves()) {
        block_on(async {
            let mut world = World::new().await;
            for one in &moves {
                world.make(one).await;
            }
        });
    }
}
