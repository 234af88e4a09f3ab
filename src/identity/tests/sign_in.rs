use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::json;

use super::*;
use crate::crypto::password::{Hasher, Parameters};
use crate::records::{Proof, ProofKind};

#[tokio::test]
async fn the_right_password_opens_a_session_that_its_token_resolves() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let success = signed_in(&home, "Ann@Example.com").await;
    let resolved = sessions::resolve(&home.cx(), success.token.expose()).unwrap().unwrap();
    assert_eq!((resolved.user.id, resolved.session.id.clone()), (ann.id.clone(), success.signed_in.session.id));
    let by_password = Proof { kind: ProofKind::Password, at: home.cx().now };
    assert_eq!(resolved.session.proofs, [by_password]);
    assert_eq!(resolved.session.ip.as_deref(), Some("192.0.2.1"));
    let rows = audit_rows(&home, "user.sign_in");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].actor.as_deref(), Some(ann.id.as_str()));
}

#[tokio::test]
async fn a_username_signs_in_too() {
    let home = TestApp::new();
    let new = NewUser {
        email: "ann@example.com".into(),
        username: Some("Ann_B".into()),
        password: Some(password()),
        ..NewUser::default()
    };
    users::create(&home.cx(), new).await.unwrap();
    assert!(attempt(&home, "ANN_b", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn no_token_but_the_whole_one_resolves() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let one = signed_in(&home, "ann@example.com").await.token;
    let other = signed_in(&home, "ann@example.com").await.token;
    let (id, secret) = one.expose().split_once('.').unwrap();
    let (_, other_secret) = other.expose().split_once('.').unwrap();
    for bad in [
        "".to_owned(),
        id.to_owned(),
        format!("{id}."),
        format!(".{secret}"),
        format!("{id}.{other_secret}"),
        format!("{id}.{}", "A".repeat(43)),
        format!("{id}.{secret}.x"),
        format!(" {id}.{secret}"),
        format!("usr_{}.{secret}", &id[4..]),
    ] {
        assert!(sessions::resolve(&home.cx(), &bad).unwrap().is_none(), "{bad}");
    }
    assert!(resolves(&home, &one));
}

#[tokio::test]
async fn bug_30_every_refusal_has_one_answer_and_one_commit() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let bob = person(&home, "bob@example.com").await;
    users::disable(&home.cx(), &bob.id).await.unwrap();
    let without = NewUser { email: "new@example.com".into(), ..NewUser::default() };
    users::create(&home.cx(), without).await.unwrap();
    for (name, secret) in [
        ("ann@example.com", "wrong password"),
        ("bob@example.com", PASSWORD),
        ("new@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("not a name at all", PASSWORD),
        ("ann@example.com", ""),
        ("ann@example.com", &"x".repeat(5000)),
        ("", ""),
    ] {
        home.advance(minutes(1));
        let before = home.parts.store.commits();
        let refused = attempt(&home, name, secret).await;
        assert!(is_refused(&refused), "{name}: {refused:?}");
        assert_eq!(home.parts.store.commits() - before, 1, "{name}");
    }
    let reasons: Vec<_> = audit_rows(&home, "user.sign_in").iter().map(|row| row.detail["reason"].clone()).collect();
    assert_eq!(
        reasons[..],
        [
            "wrong_password",
            "disabled",
            "wrong_password",
            "unknown",
            "unknown",
            "wrong_password",
            "wrong_password",
            "unknown"
        ]
    );
    let told = |row: &crate::records::AuditRow| ["step", "proof", "rule"].map(|name| row.detail.get(name).cloned());
    let rows = audit_rows(&home, "user.sign_in");
    let password = Some(json!("password"));
    assert_eq!(told(&rows[0]), [Some(json!(1)), password.clone(), Some(json!("password_matches"))]);
    assert_eq!(told(&rows[1]), [Some(json!(1)), password.clone(), Some(json!("person_is_enabled"))]);
    assert_eq!(told(&rows[3]), [None, password, Some(json!("person_is_known"))]);
}

/// Bug class 33 as well: a full pool is an answer at once.
#[tokio::test]
async fn bug_30_every_refusal_waits_for_the_same_hash() {
    let home = TestApp::with(|parts| {
        let slow = Parameters { memory_kib: 32 * 1024, iterations: 16, parallelism: 1 };
        parts.hasher = Arc::new(Hasher::start(slow, 1, 0).unwrap());
    });
    let bob = NewUser { email: "bob@example.com".into(), ..NewUser::default() };
    let bob = users::create(&home.cx(), bob).await.unwrap();
    users::disable(&home.cx(), &bob.id).await.unwrap();
    let ann = NewUser { email: "ann@example.com".into(), ..NewUser::default() };
    users::create(&home.cx(), ann).await.unwrap();
    // The first poll hands the job to the pool: from here on it is full.
    let occupant = password();
    let mut occupied = pin!(home.parts.hasher.hash(&occupant, [1; 16]));
    assert!(matches!(occupied.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    for name in ["ann@example.com", "bob@example.com", "nobody@example.com", "", "no name"] {
        let answer = attempt(&home, name, PASSWORD).await;
        assert!(matches!(answer, Err(Error::Busy { retry_after_seconds: 1.. })), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn bug_34_signing_in_again_renews_the_session_and_keeps_its_families() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let first = signed_in(&home, "ann@example.com").await;
    let kept = grant(&home, &first.signed_in, "app-one").await;
    home.advance(minutes(5));
    let secret = password();
    let again = Attempt {
        identifier: "ann@example.com",
        password: &secret,
        device: Some(&first.device),
        visit: Visit { replaces: Some(&first.signed_in), ..Visit::default() },
    };
    let second = attempt_by(&home, again).await.unwrap();
    assert_ne!(first.signed_in.session.id, second.signed_in.session.id);
    assert!(!resolves(&home, &first.token));
    assert!(resolves(&home, &second.token));
    let family = family(&home, &kept);
    assert_eq!((&family.session, family.revoked_at), (&second.signed_in.session.id, None));
    // And it follows the session from now on.
    sessions::end(&home.cx(), &second.signed_in.session.id).await.unwrap();
    assert!(is_revoked(&home, &kept));
}

#[tokio::test]
async fn bug_34_signing_in_as_another_ends_the_session_before() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    person(&home, "bob@example.com").await;
    let anns = signed_in(&home, "ann@example.com").await;
    let family = grant(&home, &anns.signed_in, "app-one").await;
    let secret = password();
    let wrong = Secret::from("wrong password");
    let mut bobs = Attempt {
        identifier: "bob@example.com",
        password: &wrong,
        device: None,
        visit: Visit { replaces: Some(&anns.signed_in), ..Visit::default() },
    };
    assert!(is_refused(&with_password(&home.cx(), bobs).await));
    assert!(resolves(&home, &anns.token), "a refused attempt ends nothing");
    bobs.password = &secret;
    with_password(&home.cx(), bobs).await.unwrap();
    assert!(!resolves(&home, &anns.token));
    assert!(is_revoked(&home, &family));
}

#[tokio::test]
async fn a_session_slides_at_most_once_per_refresh() {
    let home = TestApp::new();
    person(&home, "ann@example.com").await;
    let token = signed_in(&home, "ann@example.com").await.token;
    let now = || sessions::resolve(&home.cx(), token.expose()).unwrap();
    home.advance(home.parts.settings.session.refresh_after - minutes(1));
    assert!(!sessions::extend_if_due(&home.cx(), &now().unwrap()).await.unwrap());
    home.advance(minutes(1));
    let stale = now().unwrap();
    assert!(sessions::extend_if_due(&home.cx(), &stale).await.unwrap());
    assert!(!sessions::extend_if_due(&home.cx(), &stale).await.unwrap(), "another request of the same page");
    let lifetime = home.parts.settings.session.lifetime;
    home.advance(lifetime - minutes(1));
    assert!(now().is_some());
    home.advance(minutes(1));
    assert!(now().is_none(), "a session ends at its end");
    assert!(!sessions::extend_if_due(&home.cx(), &stale).await.unwrap(), "and is not revived");
}
