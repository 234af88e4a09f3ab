//! What must hold of API keys, tested through the public functions over a store in memory.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::audit;
use crate::base::Secret;
use crate::base::entropy::OsEntropy;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::identity::users::{self, NewUser};
use crate::oauth::clients::{self, NewClient};
use crate::records::api_key::MAX_PER_OWNER;
use crate::records::{ApiKey, AuditRow, RateLimit, User};
use crate::store::Order;
use crate::testing::{TestApp, block_on, race};

const DAY: u64 = 86_400;

async fn person(home: &TestApp, email: &str) -> User {
    let password = Some(Secret::from("correct horse"));
    users::create(&home.cx(), NewUser { email: email.into(), password, ..NewUser::default() }).await.unwrap()
}

async fn client(home: &TestApp) -> crate::base::id::ClientId {
    let input: NewClient = serde_json::from_value(json!({"client_id": "ci", "name": "CI", "type": "m2m"})).unwrap();
    clients::register(&home.cx(), &input).await.unwrap().client.id
}

fn named(name: &str) -> NewKey {
    NewKey { name: name.into(), ..NewKey::default() }
}

/// A key with whatever limits, made by an administrator.
async fn made(home: &TestApp, owner: &User, new: NewKey) -> Created {
    create(&home.cx(), &owner.id, new).await.unwrap()
}

fn code(result: Result<Live, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "works")
}

fn answer(home: &TestApp, secret: &Secret<String>) -> &'static str {
    code(authenticate(&home.cx(), secret, home.cx().request.ip))
}

fn used(home: &TestApp, secret: &Secret<String>) -> &'static str {
    let cx = home.cx();
    code(block_on(accept(&cx, secret, cx.request.ip)))
}

fn stored(home: &TestApp, created: &Created) -> ApiKey {
    find(&home.cx(), &created.key.id, None).unwrap()
}

fn notes(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn rows(home: &TestApp, action: &str) -> Vec<AuditRow> {
    let filter = audit::Filter { action: Some(action.into()), ..audit::Filter::default() };
    audit::page(&home.cx(), &filter, Order::Ascending, &PageRequest::default()).unwrap().items
}

fn change(home: &TestApp, key: &Created, change: KeyChange) -> ApiKey {
    block_on(update(&home.cx(), &key.key.id, change)).unwrap()
}

#[test]
fn a_fresh_key_works_and_its_text_is_nowhere() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let key = create(&home.cx_of(&ann.id), &ann.id, named(" CI ")).await.unwrap();
        let live = authenticate(&home.cx(), &key.secret, None).unwrap();
        assert_eq!((&live.key.id, &live.owner.id, live.client.is_none()), (&key.key.id, &ann.id, true));
        assert_eq!((&*live.key.name, &*live.key.prefix, live.key.expires_at), ("CI", PREFIX, None));
        let row = serde_json::to_string(&stored(&home, &key)).unwrap();
        let text = key.secret.expose();
        assert!(!row.contains(&text[34..77]) && !row.contains(&text[text.len() - 6..]), "{row}");
        let written = serde_json::to_string(&rows(&home, "api_key")).unwrap();
        assert!(written.contains(key.key.id.as_str()) && !written.contains(&text[34..77]));
    });
}

#[test]
fn a_key_that_one_process_switched_off_works_in_no_other() {
    block_on(async {
        let [one, other] = TestApp::two();
        let ann = person(&one, "ann@example.com").await;
        let key = made(&one, &ann, named("k")).await;
        for enabled in [true, false, true] {
            let change = KeyChange { enabled: Some(enabled), ..KeyChange::default() };
            update(&one.cx(), &key.key.id, change).await.unwrap();
            // Asked twice: the second answer comes from what the process keeps in memory.
            for _ in 0..2 {
                assert_eq!(answer(&other, &key.secret), if enabled { "works" } else { "KEY_DISABLED" });
            }
        }
    });
}

#[test]
fn bug_class_32_another_secret_for_the_same_row_does_not_work() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let key = made(&home, &ann, named("k")).await;
        let forged = token::compose(PREFIX, &key.key.id, &OsEntropy);
        assert_eq!(answer(&home, &forged), "KEY_NOT_FOUND");
        let elsewhere = key.secret.expose().replacen("ak_live_", "ak_test_", 1);
        assert_eq!(answer(&home, &Secret::from(elsewhere)), "KEY_NOT_FOUND", "the prefix is part of the key");
        for text in ["", "ak_live_", "x", "ak_live_xxxxxxxxxxxx"] {
            assert_eq!(answer(&home, &Secret::from(text)), "KEY_NOT_FOUND");
        }
    });
}

#[test]
fn a_key_ends_with_its_time_and_stays_to_be_seen() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let key = made(&home, &ann, NewKey { expires_in: Some(DAY), ..named("k") }).await;
        home.advance(Duration::from_secs(DAY - 1));
        assert_eq!(answer(&home, &key.secret), "works");
        home.advance(Duration::from_secs(1));
        assert_eq!(answer(&home, &key.secret), "KEY_EXPIRED");
        assert!(stored(&home, &key).has_expired(home.cx().now));
        let other = made(&home, &ann, named("never")).await;
        assert_eq!(delete_expired(&home.cx_of(&ann.id), &ann.id).await.unwrap(), 1);
        assert_eq!(delete_expired(&home.cx_of(&ann.id), &ann.id).await.unwrap(), 0);
        assert_eq!(answer(&home, &key.secret), "KEY_NOT_FOUND");
        assert_eq!(answer(&home, &other.secret), "works");
    });
}

#[test]
fn bug_class_14_a_key_stops_with_everything_behind_it() {
    let home = TestApp::new();
    let (ann, bob, ci) = block_on(async {
        (person(&home, "ann@example.com").await, person(&home, "bob@example.com").await, client(&home).await)
    });
    let own = block_on(made(&home, &ann, named("own")));
    let bound = block_on(made(&home, &ann, NewKey { client: Some(ci.clone()), ..named("bound") }));
    let others = block_on(made(&home, &bob, named("other's")));
    let answers = |wanted: [&str; 3]| {
        assert_eq!([&own, &bound, &others].map(|key| answer(&home, &key.secret)), wanted);
    };
    answers(["works", "works", "works"]);
    change(&home, &own, KeyChange { enabled: Some(false), ..KeyChange::default() });
    answers(["KEY_DISABLED", "works", "works"]);
    change(&home, &own, KeyChange { enabled: Some(true), ..KeyChange::default() });
    block_on(clients::set_disabled(&home.cx(), &ci, true)).unwrap();
    answers(["works", "KEY_DISABLED", "works"]);
    block_on(clients::set_disabled(&home.cx(), &ci, false)).unwrap();
    block_on(users::disable(&home.cx(), &ann.id)).unwrap();
    answers(["KEY_DISABLED", "KEY_DISABLED", "works"]);
    assert_eq!(live(&home.cx(), &own.key.id).unwrap_err().code(), "KEY_DISABLED");
    block_on(users::enable(&home.cx(), &ann.id)).unwrap();
    answers(["works", "works", "works"]);
    let ended = block_on(users::set_password(&home.cx(), &ann.id, &Secret::from("another horse"))).unwrap();
    assert_eq!(ended.api_keys, 2);
    answers(["KEY_DISABLED", "KEY_DISABLED", "works"]);
    change(&home, &bound, KeyChange { enabled: Some(true), ..KeyChange::default() });
    assert_eq!(block_on(clients::delete(&home.cx(), &ci)).unwrap().api_keys, 1);
    answers(["KEY_DISABLED", "KEY_NOT_FOUND", "works"]);
    assert_eq!(block_on(users::delete(&home.cx(), &ann.id)).unwrap().api_keys, 1);
    answers(["KEY_NOT_FOUND", "KEY_NOT_FOUND", "works"]);
    block_on(delete(&home.cx(), &others.key.id)).unwrap();
    answers(["KEY_NOT_FOUND"; 3]);
    assert!(page(&home.cx(), &PageRequest::default()).unwrap().items.is_empty());
    assert!(of_owner(&home.cx(), &ann.id).unwrap().is_empty());
    assert!(page_of_client(&home.cx(), &ci, &PageRequest::default()).unwrap().items.is_empty());
}

#[test]
fn a_key_may_be_at_home_in_some_networks_only() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let networks = vec![String::from("10.1.2.3/8"), String::from("2001:db8::/32"), String::from("192.0.2.7")];
        let key = made(&home, &ann, NewKey { networks, ..named("k") }).await;
        assert_eq!(key.key.networks, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]);
        let from = |text: &str| {
            let address = text.parse::<IpAddr>().ok();
            code(authenticate(&home.cx(), &key.secret, address))
        };
        for inside in ["10.255.0.1", "2001:db8:1::1", "192.0.2.7", "::ffff:10.0.0.1"] {
            assert_eq!(from(inside), "works", "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "no address"] {
            assert_eq!(from(outside), "KEY_NOT_ALLOWED_FROM_ADDRESS", "{outside}");
        }
        let wider = |networks: &[&str]| KeyChange {
            networks: Some(networks.iter().map(|text| (*text).to_owned()).collect()),
            ..KeyChange::default()
        };
        for networks in [&[][..], &["0.0.0.0/0"], &["10.0.0.0/7"], &["10.0.0.0/9", "11.0.0.0/8"]] {
            let refused = update_own(&home.cx_of(&ann.id), &key.key.id, &ann.id, wider(networks)).await.unwrap_err();
            assert_eq!(refused.code(), "INVALID_FIELDS", "{networks:?}");
        }
        let narrower = wider(&["10.4.0.0/16"]);
        update_own(&home.cx_of(&ann.id), &key.key.id, &ann.id, narrower).await.unwrap();
        assert_eq!(from("10.5.0.1"), "KEY_NOT_ALLOWED_FROM_ADDRESS");
        update(&home.cx(), &key.key.id, wider(&[])).await.unwrap();
        assert_eq!(from("10.5.0.1"), "works");
    });
}

#[test]
fn a_rate_limit_counts_per_window_and_says_when_the_next_begins() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let limit = RateLimit { max: 3, window_ms: 10_000 };
    let key = block_on(made(&home, &ann, NewKey { rate_limit: Some(limit), ..named("k") }));
    let other = block_on(made(&home, &ann, NewKey { rate_limit: Some(limit), ..named("other") }));
    assert_eq!([(); 4].map(|()| used(&home, &key.secret)), ["works", "works", "works", "RATE_LIMITED"]);
    assert_eq!(used(&home, &other.secret), "works", "each key has its own window");
    home.advance(Duration::from_millis(4_000));
    let refused = block_on(accept(&home.cx(), &key.secret, None)).unwrap_err();
    assert_eq!(refused.try_again_ms(), Some(6_000));
    assert_eq!(answer(&home, &key.secret), "works", "to look takes no use");
    home.advance(Duration::from_millis(6_000));
    assert_eq!([(); 4].map(|()| used(&home, &key.secret)), ["works", "works", "works", "RATE_LIMITED"]);
    let wins = race(16, |_| used(&home, &other.secret)).into_iter().filter(|answer| *answer == "works").count();
    assert_eq!(wins, 3);
}

#[test]
fn the_last_use_is_had_by_one_of_many() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let key = block_on(made(&home, &ann, NewKey { remaining: Some(5), ..named("k") }));
    let answers = race(64, |_| used(&home, &key.secret));
    assert_eq!(answers.iter().filter(|answer| **answer == "works").count(), 5);
    assert_eq!(answers.iter().filter(|answer| **answer == "USAGE_EXCEEDED").count(), 59);
    assert_eq!(stored(&home, &key).remaining, Some(0));
    let one = block_on(made(&home, &ann, NewKey { remaining: Some(1), ..named("one") }));
    let wins = race(64, |_| used(&home, &one.secret)).into_iter().filter(|answer| *answer == "works").count();
    assert_eq!(wins, 1);
}

#[test]
fn uses_grow_back_by_the_interval() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let refill = Some(RefillRule { amount: 2, interval_ms: 60_000 });
    let key = block_on(made(&home, &ann, NewKey { remaining: Some(1), refill, ..named("k") }));
    assert_eq!([(); 2].map(|()| used(&home, &key.secret)), ["works", "USAGE_EXCEEDED"]);
    home.advance(Duration::from_secs(45));
    let refused = block_on(accept(&home.cx(), &key.secret, None)).unwrap_err();
    assert_eq!(refused.try_again_ms(), Some(15_000));
    home.advance(Duration::from_secs(15 + 3 * 60 + 20));
    assert_eq!([(); 3].map(|()| used(&home, &key.secret)), ["works", "works", "USAGE_EXCEEDED"]);
    home.advance(Duration::from_secs(40));
    assert_eq!(used(&home, &key.secret), "works", "the next refill keeps to the beat");
}

#[test]
fn bug_class_39_metadata_grant_nothing_and_limits_are_the_administrators() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let ci = client(&home).await;
        let mut refused = Vec::new();
        for new in [
            NewKey { metadata: notes(json!({"oauth_client_id": "ci"})), ..named("k") },
            NewKey { metadata: notes(json!({"access_level": "full_access"})), ..named("k") },
            NewKey { client: Some(ci.clone()), ..named("k") },
            NewKey { remaining: Some(5), ..named("k") },
            NewKey { refill: Some(RefillRule { amount: 1, interval_ms: 60_000 }), remaining: Some(5), ..named("k") },
            NewKey { rate_limit: Some(RateLimit { max: 1, window_ms: 1 }), ..named("k") },
        ] {
            refused.push(create(&home.cx_of(&ann.id), &ann.id, new).await.unwrap_err().code());
        }
        assert_eq!(refused[..2], ["INVALID_FIELDS"; 2]);
        assert_eq!(refused[2], "CLIENT_NOT_MANAGED");
        assert_eq!(refused[3..], ["SERVER_ONLY_PROPERTY"; 3]);
        let new = NewKey { metadata: notes(json!({"team": "ci", "userId": "x", "admin": true})), ..named("k") };
        let key = create(&home.cx_of(&ann.id), &ann.id, new).await.unwrap();
        let live = authenticate(&home.cx(), &key.secret, None).unwrap();
        assert!(live.client.is_none() && live.key.client.is_none() && live.owner.id == ann.id);
        for change in [
            KeyChange { metadata: Some(notes(json!({"oauth_client_id": "ci"}))), ..KeyChange::default() },
            KeyChange { remaining: Some(None), ..KeyChange::default() },
            KeyChange { rate_limit: Some(None), ..KeyChange::default() },
            KeyChange { refill: Some(None), ..KeyChange::default() },
        ] {
            assert!(update_own(&home.cx_of(&ann.id), &key.key.id, &ann.id, change).await.is_err());
        }
        let bound = made(&home, &ann, NewKey { client: Some(ci.clone()), ..named("bound") }).await;
        assert_eq!(authenticate(&home.cx(), &bound.secret, None).unwrap().client.unwrap().id, ci);
    });
}

#[test]
fn bug_class_40_every_field_has_bounds_and_all_mistakes_are_told() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        let deep = (0..10).fold(json!(1), |inner, _| json!([inner]));
        let bad = NewKey {
            name: "x".repeat(101),
            prefix: Some("a b".into()),
            expires_in: Some(DAY - 1),
            networks: vec!["10.0.0.0/33".into()],
            metadata: notes(json!({ "deep": deep })),
            remaining: Some(u64::MAX),
            refill: Some(RefillRule { amount: 0, interval_ms: 0 }),
            rate_limit: Some(RateLimit { max: 0, window_ms: u64::MAX }),
            client: Some("nobody".parse().unwrap()),
        };
        let Error::Invalid(fields) = create(&home.cx(), &ann.id, bad).await.unwrap_err() else { panic!("other error") };
        let names: Vec<&str> = fields.iter().map(|field| field.field).collect();
        assert_eq!(
            names,
            ["name", "prefix", "expires_in", "networks", "metadata", "remaining", "refill", "rate_limit"]
        );
        for new in [
            named(""),
            named("\u{7}"),
            NewKey { expires_in: Some(3650 * DAY + 1), ..named("k") },
            NewKey { expires_in: Some(u64::MAX), ..named("k") },
            NewKey { metadata: notes(json!({"x": "y".repeat(5000)})), ..named("k") },
            NewKey { networks: vec![String::from("::1"); 33], ..named("k") },
            NewKey { client: Some("nobody".parse().unwrap()), ..named("k") },
        ] {
            let refused = create(&home.cx(), &ann.id, new).await.unwrap_err();
            assert_eq!(refused.code(), "INVALID_FIELDS");
        }
        for good in [
            named(&"ä".repeat(100)),
            NewKey { expires_in: Some(3650 * DAY), ..named("k") },
            NewKey { expires_in: Some(DAY), prefix: Some("ci-".into()), ..named("CI/CD Pipeline Key") },
        ] {
            made(&home, &ann, good).await;
        }
    });
}

#[test]
fn bug_class_38_another_persons_key_is_as_unknown_as_none() {
    block_on(async {
        let home = TestApp::new();
        let (ann, bob) = (person(&home, "ann@example.com").await, person(&home, "bob@example.com").await);
        let key = made(&home, &ann, named("k")).await;
        let (id, cx) = (&key.key.id, home.cx_of(&bob.id));
        let renamed = KeyChange { name: Some("mine".into()), ..KeyChange::default() };
        assert_eq!(find(&cx, id, Some(&bob.id)).unwrap_err().code(), "KEY_NOT_FOUND");
        let changed = update_own(&cx, id, &bob.id, renamed.clone()).await;
        assert_eq!(changed.unwrap_err().code(), "KEY_NOT_FOUND");
        assert_eq!(delete_own(&cx, id, &bob.id).await.unwrap_err().code(), "KEY_NOT_FOUND");
        assert_eq!(stored(&home, &key).name, "k");
        let stale = KeyChange { expected_version: Some(7), ..renamed.clone() };
        assert_eq!(update_own(&cx, id, &ann.id, renamed.clone()).await.unwrap_err().code(), "FORBIDDEN");
        let cx = home.cx_of(&ann.id);
        let conflict = update_own(&cx, id, &ann.id, stale).await.unwrap_err();
        assert_eq!(conflict.code(), "CONFLICT");
        let changed = update_own(&cx, id, &ann.id, renamed).await.unwrap();
        assert_eq!((&*changed.name, changed.version), ("mine", 2));
    });
}

#[test]
fn a_person_can_have_so_many_keys_and_no_more() {
    block_on(async {
        let home = TestApp::new();
        let ann = person(&home, "ann@example.com").await;
        for number in 0..MAX_PER_OWNER {
            made(&home, &ann, named(&number.to_string())).await;
        }
        let refused = create(&home.cx(), &ann.id, named("more")).await.unwrap_err();
        assert_eq!(refused.code(), "TOO_MANY_KEYS");
        users::disable(&home.cx(), &ann.id).await.unwrap();
        let refused = create(&home.cx(), &ann.id, named("k")).await.unwrap_err();
        assert_eq!(refused.code(), "INVALID_FIELDS", "a disabled person gets no key");
    });
}

#[test]
fn uses_are_counted_in_memory_and_written_down_once_a_minute() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let key = block_on(made(&home, &ann, named("k")));
    let settle = |cx: Cx| {
        if until_flush(&cx) == Some(Duration::ZERO) {
            block_on(flush(&cx)).unwrap();
        }
    };
    block_on(flush(&home.cx())).unwrap();
    let before = home.cx().now;
    (0..3).for_each(|_| assert_eq!(used(&home, &key.secret), "works"));
    let wanted = Usage { count: 3, last: Some(before) };
    assert_eq!(usage(&home.cx(), &stored(&home, &key)), wanted);
    home.advance(Duration::from_secs(59));
    settle(home.cx());
    assert_eq!(stored(&home, &key).uses, 0, "not yet");
    home.advance(Duration::from_secs(1));
    settle(home.cx());
    let row = stored(&home, &key);
    assert_eq!((row.uses, row.last_used_at, row.version), (3, Some(before), 1));
    assert_eq!(usage(&home.cx(), &row), wanted);
    assert_eq!(used(&home, &key.secret), "works");
    block_on(delete(&home.cx(), &key.key.id)).unwrap();
    block_on(flush(&home.cx())).unwrap();
    assert!(of_owner(&home.cx(), &ann.id).unwrap().is_empty(), "a deleted key is not written back");
}

#[test]
fn uses_that_cannot_be_written_are_kept() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let key = block_on(made(&home, &ann, named("k")));
    let row = stored(&home, &key);
    assert_eq!(used(&home, &key.secret), "works");
    home.cx().store().close();
    assert!(block_on(flush(&home.cx())).is_err());
    assert_eq!(usage(&home.cx(), &row).count, 1);
}

#[test]
fn the_log_tells_what_happened_to_a_key_and_a_refusal_once_a_minute() {
    let home = TestApp::new();
    let ann = block_on(person(&home, "ann@example.com"));
    let key = block_on(made(&home, &ann, named("k")));
    change(&home, &key, KeyChange { enabled: Some(false), ..KeyChange::default() });
    (0..5).for_each(|_| assert_eq!(used(&home, &key.secret), "KEY_DISABLED"));
    (0..5).for_each(|_| assert_eq!(used(&home, &Secret::from("ak_live_guess")), "KEY_NOT_FOUND"));
    home.advance(Duration::from_secs(60));
    assert_eq!(used(&home, &key.secret), "KEY_DISABLED");
    block_on(delete_own(&home.cx_of(&ann.id), &key.key.id, &ann.id)).unwrap();
    let told: Vec<(String, Option<String>)> =
        rows(&home, "api_key").into_iter().map(|row| (row.action, row.target)).collect();
    let id = Some(key.key.id.to_string());
    let mut actions: Vec<&str> = told.iter().map(|(action, _)| &action[8..]).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["create", "delete", "update", "use", "use", "use"]);
    assert_eq!(told.iter().filter(|(_, target)| *target == id).count(), 5, "the guess names no key");
}
