use std::sync::mpsc;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::*;

const CHEAP: Parameters = Parameters { memory_kib: 64, iterations: 1, parallelism: 1 };

fn hasher() -> Hasher {
    Hasher::start(CHEAP, 2, 64).unwrap()
}

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let hasher = hasher();
    let password = Secret::from("correct horse");
    let phc = hasher.hash(&password, [1; 16]).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
    assert_eq!(hasher.verify(&password, Some(&phc)).await, Ok(Verification::Match { rehash: false }));
    assert_eq!(hasher.verify(&Secret::from("correct horsf"), Some(&phc)).await, Ok(Verification::Mismatch));
    assert_eq!(hasher.verify(&Secret::from(""), Some(&phc)).await, Ok(Verification::Mismatch));
    assert_eq!(hasher.verify(&password, None).await, Ok(Verification::Mismatch));
    assert_ne!(hasher.hash(&password, [2; 16]).await.unwrap(), phc);
}

/// Hashes that the reference implementation made (its `src/test.c`): of `password` with the salt `somesalt`.
#[tokio::test]
async fn hashes_of_the_reference_implementation_verify() {
    let hasher = hasher();
    for phc in [
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ] {
        let verification = hasher.verify(&Secret::from("password"), Some(phc)).await;
        assert_eq!(verification, Ok(Verification::Match { rehash: true }), "a salt of 8 bytes is short: {phc}");
        assert_eq!(hasher.verify(&Secret::from("Password"), Some(phc)).await, Ok(Verification::Mismatch), "{phc}");
    }
}

#[tokio::test]
async fn a_hash_that_costs_other_than_configured_asks_to_be_replaced() {
    let password = Secret::from("correct horse");
    let phc = hasher().hash(&password, [1; 16]).await.unwrap();
    for (memory_kib, iterations, rehash) in
        [(64, 1, false), (32, 2, false), (32, 1, true), (128, 1, true), (64, 2, true), (32, 3, true)]
    {
        let today = Hasher::start(Parameters { memory_kib, iterations, parallelism: 1 }, 1, 1).unwrap();
        let verification = today.verify(&password, Some(&phc)).await;
        assert_eq!(verification, Ok(Verification::Match { rehash }), "m={memory_kib} t={iterations}");
    }
}

#[tokio::test]
async fn spellings_of_one_password_are_one() {
    let hasher = hasher();
    let phc = hasher.hash(&Secret::from("caf\u{e9} \u{2460}\u{fb01}x"), [1; 16]).await.unwrap();
    let decomposed = Secret::from("cafe\u{301} 1fix");
    assert_eq!(hasher.verify(&decomposed, Some(&phc)).await, Ok(Verification::Match { rehash: false }));
}

#[test]
fn length_is_counted_in_characters_after_normalisation() {
    let check = |text: &str| of_fit_length(&Secret::from(text)).map(drop);
    assert_eq!(check("1234567"), Err(LengthError::TooShort));
    assert_eq!(check("12345678"), Ok(()));
    assert_eq!(check("\u{e4}\u{f6}\u{fc}\u{df}"), Err(LengthError::TooShort), "8 bytes are four characters");
    assert_eq!(check("\u{5bc6}\u{7801}\u{5bc6}\u{7801}\u{5bc6}\u{7801}\u{5bc6}\u{7801}"), Ok(()));
    assert_eq!(check(&"x".repeat(128)), Ok(()));
    assert_eq!(check(&"x".repeat(129)), Err(LengthError::TooLong));
    assert_eq!(check(&"\u{1f600}".repeat(128)), Ok(()), "512 bytes");
    assert_eq!(check(&"a\u{308}".repeat(128)), Ok(()), "256 characters compose to 128");
    assert_eq!(check(&"\u{fdfa}".repeat(8)), Err(LengthError::TooLong), "8 characters unfold to 144");
    assert_eq!(check(&"x".repeat(10_000_000)), Err(LengthError::TooLong));
    assert_eq!(check("\u{1100}\u{1161}\u{11a8}\u{1100}"), Err(LengthError::TooShort));
}

/// The work of one check, in KiB.
async fn work_of_check(hasher: &Hasher, password: &str, phc: Option<&str>) -> u64 {
    let before = hasher.work_done();
    let _ = hasher.verify(&Secret::from(password), phc).await;
    hasher.work_done() - before
}

#[tokio::test]
async fn bug_class_30_a_check_costs_the_same_whatever_the_stored_hash_costs() {
    let password = Secret::from("correct horse");
    let of = |memory_kib, iterations| Parameters { memory_kib, iterations, parallelism: 1 };
    let mut stored = Vec::new();
    for cost in [of(8, 1), of(64, 1), of(100, 3), of(200, 2)] {
        stored.push(Hasher::start(cost, 1, 1).unwrap().hash(&password, [1; 16]).await.unwrap());
    }
    let unreadable =
        String::from("$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    for today in [of(512, 3), of(300, 2), of(64, 1), of(8, 1)] {
        let hasher = Hasher::start(today, 1, 1).unwrap();
        // As when the server starts: the dearest hash in the file is known.
        hasher.cost_at_least(400);
        let least = hasher.work().max(400);
        let checks = stored.iter().chain([&unreadable]).map(|phc| Some(phc.as_str())).chain([None]);
        for phc in checks {
            for word in ["correct horse", "wrong", "", &"x".repeat(5000)] {
                let work = work_of_check(&hasher, word, phc).await;
                // Padding is made of whole passes: what is left of a division is missing.
                let passes = least.div_ceil(u64::from(today.memory_kib));
                assert!(work <= least && work + passes >= least, "{today:?} {phc:?}: {work} of {least}");
            }
        }
    }
}

#[tokio::test]
async fn a_hash_dearer_than_any_that_was_known_of_raises_the_cost_of_all_checks() {
    let dear = Hasher::start(Parameters { memory_kib: 512, iterations: 2, parallelism: 1 }, 1, 1).unwrap();
    let phc = dear.hash(&Secret::from("correct horse"), [1; 16]).await.unwrap();
    assert_eq!(work_of(&phc), Some(1024));
    let hasher = hasher();
    assert_eq!(work_of_check(&hasher, "correct horse", None).await, 64);
    assert_eq!(work_of_check(&hasher, "correct horse", Some(&phc)).await, 1024);
    assert_eq!(work_of_check(&hasher, "correct horse", None).await, 1024);
}

#[tokio::test]
async fn a_password_of_impossible_length_is_not_hashed_and_never_matches() {
    let hasher = hasher();
    let phc = hasher.hash(&Secret::from("correct horse"), [1; 16]).await.unwrap();
    let long = Secret::new("x".repeat(1025));
    assert_eq!(hasher.verify(&long, Some(&phc)).await, Ok(Verification::Mismatch));
    assert_eq!(hasher.hash(&long, [1; 16]).await, Err(Error::Length(LengthError::TooLong)));
}

#[tokio::test]
async fn a_stored_hash_cannot_ask_for_more_than_the_bounds() {
    let hasher = hasher();
    let tail = "c29tc2FsdHNvbWVzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for bad in [
        "plain text",
        "",
        "$argon2id$v=19$m=64,t=1,p=1$c29tc2FsdHNvbWVzYWx0",
        &format!("$argon2i$v=19$m=64,t=1,p=1${tail}"),
        &format!("$argon2d$v=19$m=64,t=1,p=1${tail}"),
        &format!("$argon2id$v=16$m=64,t=1,p=1${tail}"),
        &format!("$argon2id$m=64,t=1,p=1${tail}"),
        &format!("$argon2id$v=19${tail}"),
        &format!("$argon2id$v=19$m=64,t=1${tail}"),
        &format!("$argon2id$v=19$m=4294967295,t=1,p=1${tail}"),
        &format!("$argon2id$v=19$m=262145,t=1,p=1${tail}"),
        &format!("$argon2id$v=19$m=64,t=4294967295,p=1${tail}"),
        &format!("$argon2id$v=19$m=262144,t=5,p=1${tail}"),
        &format!("$argon2id$v=19$m=1024,t=1,p=17${tail}"),
        &format!("$argon2id$v=19$m=7,t=1,p=1${tail}"),
        &format!("$argon2id$v=19$m=64,t=0,p=1${tail}"),
        &format!("$argon2id$v=19$m=64,t=1,p=0${tail}"),
    ] {
        let verification = hasher.verify(&Secret::from("password"), Some(bad)).await;
        assert!(matches!(verification, Err(Error::Stored(_))), "{bad}: {verification:?}");
    }
    let absurd = Parameters { memory_kib: u32::MAX, ..CHEAP };
    assert_eq!(Hasher::start(absurd, 1, 1).err(), Some(Error::Parameters));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_whoever_goes_away_makes_room() {
    let hasher = Hasher::start(CHEAP, 1, 1).unwrap();
    let ((started, begun), (release, gate)) = (mpsc::channel(), mpsc::channel::<()>());
    let busy = hasher.pool.submit((), move |_, _| {
        started.send(()).unwrap();
        gate.recv().unwrap();
    });
    begun.recv().unwrap();
    let password = Secret::from("correct horse");
    let hash = || Box::pin(hasher.hash(&password, [1; 16]));
    let mut waits = hash();
    assert_eq!(waits.as_mut().now_or_never(), None);
    assert_eq!(hash().await, Err(Error::Busy));
    drop(waits);
    let mut waits = hash();
    assert_eq!(waits.as_mut().now_or_never(), None);
    release.send(()).unwrap();
    assert!(busy.answer().await.is_ok() && waits.await.is_ok());
}

#[tokio::test]
async fn cancelled_callers_do_not_wedge_the_pool() {
    let hasher = Hasher::start(CHEAP, 1, 8).unwrap();
    let password = Secret::from("correct horse");
    for _ in 0..200 {
        let _ = Box::pin(hasher.hash(&password, [1; 16])).as_mut().now_or_never();
    }
    let phc = hasher.hash(&password, [1; 16]).await.unwrap();
    assert_eq!(hasher.verify(&password, Some(&phc)).await, Ok(Verification::Match { rehash: false }));
}

#[tokio::test]
async fn a_job_that_cannot_be_done_costs_no_thread() {
    let hasher = Hasher::start(CHEAP, 1, 8).unwrap();
    let impossible = hasher.compute(Zeroizing::default(), hasher.parameters.clone(), Vec::new(), 0);
    assert_eq!(impossible.await, Err(Error::Stopped), "argon2 refuses a salt of no bytes");
    assert!(hasher.hash(&Secret::from("correct horse"), [1; 16]).await.is_ok());
}

#[tokio::test]
async fn a_place_is_free_again_when_its_answer_arrives() {
    let hasher = Hasher::start(CHEAP, 1, 0).unwrap();
    for _ in 0..50 {
        assert!(hasher.hash(&Secret::from("correct horse"), [1; 16]).await.is_ok());
    }
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
    let hasher = hasher();
    let password = Secret::from("correct horse");
    let phc = hasher.hash(&password, [1; 16]).await.unwrap();
    let verifications = join_all((0..60).map(|_| hasher.verify(&password, Some(&phc)))).await;
    assert!(verifications.iter().all(|verification| *verification == Ok(Verification::Match { rehash: false })));
}

#[tokio::test]
async fn a_stopped_pool_answers_whoever_waits() {
    let hasher = hasher();
    let password = Secret::from("correct horse");
    let mut waiting: Vec<_> = (0..32).map(|_| Box::pin(hasher.hash(&password, [1; 16]))).collect();
    waiting.iter_mut().for_each(|one| drop(one.as_mut().now_or_never()));
    hasher.pool.stop();
    for answer in join_all(waiting).await {
        assert!(matches!(answer, Ok(_) | Err(Error::Stopped)));
    }
    assert_eq!(hasher.hash(&password, [1; 16]).await, Err(Error::Stopped));
}
