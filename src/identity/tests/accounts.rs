use serde_json::json;

use super::super::administrators;
use super::super::users::{OwnChange, UserChange};
use super::*;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples;
use crate::testing::{block_on, race};

fn named(email: &str, username: &str) -> NewUser {
    NewUser { email: email.into(), username: Some(username.into()), ..NewUser::default() }
}

#[tokio::test]
async fn bug_29_names_are_unique_by_their_canonical_form() {
    let home = TestApp::new();
    users::create(&home.cx(), named("Ann@Example.com", "Ann")).await.unwrap();
    for email in ["ann@example.com", "ANN@EXAMPLE.COM", " ann@example.com ", "ａｎｎ@example.com"] {
        let taken = users::create(&home.cx(), named(email, "other")).await;
        assert!(matches!(taken, Err(Error::EmailTaken)), "{email}: {taken:?}");
    }
    for username in ["ann", "ANN", " Ann "] {
        let taken = users::create(&home.cx(), named("other@example.com", username)).await;
        assert!(matches!(taken, Err(Error::UsernameTaken)), "{username}: {taken:?}");
        assert!(!users::username_is_free(&home.cx(), username).unwrap());
    }
    // A look-alike in another script is no username at all.
    let cyrillic = users::create(&home.cx(), named("other@example.com", "аnn")).await;
    assert!(matches!(cyrillic, Err(Error::InvalidUsername)));
    assert!(users::username_is_free(&home.cx(), "somebody").unwrap());
}

#[test]
fn bug_29_of_many_who_want_one_username_one_gets_it() {
    let home = TestApp::new();
    let answers = race(32, |number| {
        let new = named(&format!("racer{number}@example.com"), if number % 2 == 0 { "ann" } else { "ANN" });
        block_on(users::create(&home.cx(), new))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::UsernameTaken))));
}

#[tokio::test]
async fn a_person_is_found_by_each_of_their_names() {
    let home = TestApp::new();
    let ann = users::create(&home.cx(), named("ann@example.com", "ann")).await.unwrap();
    for name in ["ANN@example.com", "Ann", ann.id.as_str()] {
        assert_eq!(users::by_name(&home.cx(), name).unwrap().id, ann.id, "{name}");
    }
    for name in ["", "bob", "ses_00000000000000000000000000", "usr_00000000000000000000000000"] {
        assert!(matches!(users::by_name(&home.cx(), name), Err(Error::NotFound)), "{name}");
    }
}

#[tokio::test]
async fn a_change_replaces_what_it_names() {
    let home = TestApp::new();
    let ann = users::create(&home.cx(), named("ann@example.com", "ann")).await.unwrap();
    home.advance(minutes(1));
    let change = UserChange {
        email_verified: Some(true),
        username: Some(None),
        attributes: Some(claims(json!({ "team": "blue" }))),
        profile: claims(json!({ "name": "Ann B", "picture": "https://example.com/ann.png" })),
        ..UserChange::default()
    };
    let new = users::update(&home.cx(), &ann.id, change).await.unwrap();
    assert_eq!((new.email.as_str(), new.email_verified, new.username), ("ann@example.com", true, None));
    assert_eq!((new.profile.name.as_deref(), new.version), (Some("Ann B"), ann.version + 1));
    assert!(new.updated_at > ann.updated_at);
    assert!(users::username_is_free(&home.cx(), "ann").unwrap(), "a removed name is free");
    home.advance(minutes(1));
    let moved = UserChange { email: Some("ann@example.org".into()), ..UserChange::default() };
    assert!(!users::update(&home.cx(), &ann.id, moved).await.unwrap().email_verified, "a new address is not proved");
    let told = &audit_rows(&home, "user.update")[0].detail;
    assert_eq!(told["fields"], json!(["email_verified", "username", "attributes", "name", "picture"]));
    // Both values of what names the account; the rest of the profile and the attributes are not repeated.
    let changes = json!({
        "email_verified": {"old": false, "new": true},
        "username": {"old": "ann", "new": null},
        "name": {"old": null, "new": "Ann B"},
    });
    assert_eq!(told["changes"], changes);
}

#[tokio::test]
async fn a_form_drawn_from_an_older_version_is_refused() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let change = |name: &str| UserChange {
        expected_version: Some(ann.version),
        profile: claims(json!({ "name": name })),
        ..UserChange::default()
    };
    users::update(&home.cx(), &ann.id, change("Ann")).await.unwrap();
    assert!(matches!(users::update(&home.cx(), &ann.id, change("Eve")).await, Err(Error::Conflict)));
    assert_eq!(users::by_name(&home.cx(), "ann@example.com").unwrap().profile.name.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn a_person_changes_their_own_profile_and_nothing_that_grants() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let who = signed_in(&home, "ann@example.com").await.signed_in;
    let cx = home.cx_of(&ann.id);
    let change = OwnChange { username: Some(Some("ann".into())), profile: claims(json!({ "name": "Ann" })) };
    let new = users::update_own(&cx, &who, change).await.unwrap();
    assert_eq!((new.username.as_deref(), new.profile.name.as_deref()), (Some("ann"), Some("Ann")));
    for (name, value) in [
        ("phone_number_verified", json!(true)),
        ("roles", json!(["admin"])),
        ("email", json!("root@example.com")),
        ("email_verified", json!(true)),
        ("attributes", json!({})),
        ("disabled", json!(false)),
    ] {
        let change = OwnChange { username: None, profile: claims(json!({ name: value })) };
        let refused = users::update_own(&cx, &who, change).await;
        assert!(matches!(&refused, Err(Error::InvalidField { field, .. }) if field == name), "{name}: {refused:?}");
    }
    assert_eq!(audit_rows(&home, "user.update")[0].actor.as_deref(), Some(ann.id.as_str()));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let home = TestApp::new();
    let root = administrator(&home, "root@example.com").await;
    let demotion = || UserChange { roles: Some(Vec::new()), ..UserChange::default() };
    let last = |refused: Result<(), Error>| matches!(refused, Err(Error::LastAdministrator));
    let ann = administrator(&home, "ann@example.com").await;
    users::disable(&home.cx(), &ann.id).await.unwrap();
    // A disabled administrator does not count.
    assert!(last(users::disable(&home.cx(), &root.id).await.map(drop)));
    assert!(last(users::delete(&home.cx(), &root.id).await.map(drop)));
    assert!(last(users::update(&home.cx(), &root.id, demotion()).await.map(drop)));
    let who = signed_in(&home, "root@example.com").await.signed_in;
    assert!(last(users::delete_own(&home.cx_of(&root.id), &who, Some(&password())).await.map(drop)));
    users::enable(&home.cx(), &ann.id).await.unwrap();
    users::update(&home.cx(), &root.id, demotion()).await.unwrap();
    assert!(last(users::delete(&home.cx(), &ann.id).await.map(drop)));
}

#[tokio::test]
async fn an_administrator_for_a_while_or_on_condition_is_none_of_those_who_stay() {
    let home = TestApp::new();
    let cx = home.cx();
    let root = administrator(&home, "root@example.com").await;
    let dan = person(&home, "dan@example.com").await;
    let key = |user: &User| TupleKey {
        entity_type: "platform".into(),
        entity_id: "*".into(),
        relation: "admin".into(),
        subject: SubjectRef::new("user", user.id.as_str()),
    };
    let write = |key: TupleKey, condition: Option<&str>, lasts: Option<u64>| {
        let at = home.cx();
        let expires_at = lasts.map(|seconds| at.now.plus(Duration::from_secs(seconds)));
        let condition = condition.map(str::to_owned);
        let tuple = Tuple { key, condition, expires_at, created_at: at.now, updated_at: at.now };
        home.cx().store().write_blocking(move |tx| {
            tuples::put(tx, at.tenant.id, &tuple)?;
            administrators::follow_tuple(tx, &at, &tuple.key)
        })
    };
    // The first one has two.
    write(TupleKey { relation: "super_admin".into(), ..key(&root) }, None, Some(3)).unwrap();
    for (condition, lasts) in [(None, Some(3)), (Some("return false"), None)] {
        write(key(&dan), condition, lasts).unwrap();
        assert!(!users::by_name(&cx, "dan@example.com").unwrap().is_admin(), "{condition:?} {lasts:?}");
        assert!(matches!(users::disable(&home.cx(), &root.id).await, Err(Error::LastAdministrator)));
        // Nor does the last one become such a one.
        let limited = write(key(&root), condition, lasts);
        assert!(matches!(limited, Err(Error::LastAdministrator)), "{limited:?}");
    }
    write(key(&dan), None, None).unwrap();
    assert!(users::by_name(&cx, "dan@example.com").unwrap().is_admin());
    users::disable(&home.cx(), &root.id).await.unwrap();
}

#[test]
fn of_two_last_administrators_who_go_together_one_stays() {
    for _ in 0..8 {
        let home = TestApp::new();
        let both = [
            block_on(administrator(&home, "ann@example.com")).id,
            block_on(administrator(&home, "bob@example.com")).id,
        ];
        let answers = race(2, |number| block_on(users::delete(&home.cx(), &both[number])));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    }
}

#[tokio::test]
async fn no_audit_row_holds_a_secret() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let success = signed_in(&home, "ann@example.com").await;
    // People type the password where the name belongs.
    assert!(attempt(&home, PASSWORD, "x").await.is_err());
    users::set_password(&home.cx(), &ann.id, &Secret::from("another password")).await.unwrap();
    let page = audit::page(&home.cx(), &audit::Filter::default(), Order::Ascending, &PageRequest::default()).unwrap();
    let text = serde_json::to_string(&page.items).unwrap();
    let (_, secret) = success.token.expose().split_once('.').unwrap();
    for hidden in [PASSWORD, "another password", "$argon2", secret, &success.device] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert!(page.items.len() >= 4);
}
