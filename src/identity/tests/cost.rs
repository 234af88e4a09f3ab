//! What a check of a password costs, and that it tells nothing.

use std::sync::Arc;

use super::*;
use crate::crypto::password::{Hasher, Parameters};

/// Puts this hash in the place of a person's.
async fn store_hash(home: &TestApp, user: &User, phc: &str) {
    let (cx, old, stored) = (home.cx(), user.clone(), phc.to_owned());
    let write = move |tx: &mut crate::store::Tx| {
        let new = User { password: Some(stored.clone()), ..old.clone() };
        crate::store::rows::users::put(tx, cx.tenant.id, Some(&old), &new)
    };
    home.parts.store.write(write).await.unwrap().unwrap();
}

fn hasher(memory_kib: u32, iterations: u32) -> Arc<Hasher> {
    Arc::new(Hasher::start(Parameters { memory_kib, iterations, parallelism: 1 }, 1, 8).unwrap())
}

/// As it was found: after the cost was raised, a name that nobody has took 109 ms and one that somebody has 29 ms.
#[tokio::test]
async fn bug_class_30_every_refusal_takes_the_work_of_the_configured_cost() {
    let home = TestApp::with(|parts| parts.hasher = hasher(128, 3));
    let (old, configured) = (hasher(32, 1), 384);
    let ann = NewUser {
        email: "ann@example.com".into(),
        username: Some("ann".into()),
        password: Some(password()),
        ..NewUser::default()
    };
    let ann = users::create(&home.cx(), ann).await.unwrap();
    let bob = person(&home, "bob@example.com").await;
    for user in [&ann, &bob] {
        store_hash(&home, user, &old.hash(&password(), [3; 16]).await.unwrap()).await;
    }
    users::disable(&home.cx(), &bob.id).await.unwrap();
    person(&home, "today@example.com").await;
    let damaged = person(&home, "damaged@example.com").await;
    store_hash(&home, &damaged, "$argon2id$v=19$damaged").await;
    let without = NewUser { email: "new@example.com".into(), ..NewUser::default() };
    users::create(&home.cx(), without).await.unwrap();
    for (name, secret) in [
        ("ann@example.com", "wrong password"),
        ("ann", "wrong password"),
        ("today@example.com", "wrong password"),
        ("bob@example.com", "wrong password"),
        ("bob@example.com", PASSWORD),
        ("new@example.com", PASSWORD),
        ("damaged@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("nobody", PASSWORD),
        ("not a name at all", PASSWORD),
        ("ann@example.com", &"x".repeat(5000)),
    ] {
        home.advance(minutes(1));
        let before = home.parts.hasher.work_done();
        let refused = attempt(&home, name, secret).await;
        assert!(is_refused(&refused), "{name}: {refused:?}");
        let work = home.parts.hasher.work_done() - before;
        assert!((configured - 3..=configured).contains(&work), "{name}: {work}");
    }
}

#[tokio::test]
async fn bug_class_30_after_the_cost_was_lowered_the_dearest_hash_says_what_a_check_costs() {
    let dear = TestApp::with(|parts| parts.hasher = hasher(128, 2));
    person(&dear, "ann@example.com").await;
    let ann = users::by_name(&dear.cx(), "ann@example.com").unwrap();
    users::remember_cost(&dear.cx()).await.unwrap();
    let (store, noted) = (dear.parts.store.clone(), || {
        let from = dear.parts.store.read().unwrap();
        crate::store::rows::marks::value(&from, crate::store::rows::marks::PASSWORD_WORK).unwrap()
    });
    assert_eq!(noted().as_deref(), Some("256"));
    let cheap = || {
        let store = store.clone();
        TestApp::with(|parts| (parts.store, parts.hasher) = (store, hasher(64, 1)))
    };
    let home = cheap();
    users::remember_cost(&home.cx()).await.unwrap();
    for name in ["nobody@example.com", "ann@example.com"] {
        let before = home.parts.hasher.work_done();
        assert!(is_refused(&attempt(&home, name, "wrong password").await));
        assert_eq!(home.parts.hasher.work_done() - before, 256, "{name}");
    }
    assert_eq!(noted().as_deref(), Some("256"));
    // Once the last such hash is replaced, the configured cost is enough, from the next start on.
    assert_ne!(signed_in(&home, "ann@example.com").await.signed_in.user.password, ann.password);
    let home = cheap();
    users::remember_cost(&home.cx()).await.unwrap();
    assert_eq!(noted().as_deref(), Some("64"));
    let before = home.parts.hasher.work_done();
    assert!(is_refused(&attempt(&home, "nobody@example.com", "wrong password").await));
    assert_eq!(home.parts.hasher.work_done() - before, 64);
}

#[tokio::test]
async fn a_weak_hash_is_renewed_at_sign_in() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let weak = Hasher::start(Parameters { memory_kib: 8, iterations: 1, parallelism: 1 }, 1, 1).unwrap();
    let phc = weak.hash(&password(), [3; 16]).await.unwrap();
    store_hash(&home, &ann, &phc).await;
    let user = signed_in(&home, "ann@example.com").await.signed_in.user;
    assert_ne!(user.password.as_deref(), Some(phc.as_str()));
    assert!(user.password.as_deref().unwrap().contains("m=32,"));
    assert_eq!(user.version, ann.version);
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok());
}
