use super::super::cascade::{self, Ended};
use super::*;
use crate::records::ProofKind;
use crate::store::rows;

/// Ann in two browsers with an app each, and Bob in one.
struct Scene {
    home: TestApp,
    one: Success,
    two: Success,
    bob: Success,
    families: [GrantId; 3],
}

async fn scene() -> Scene {
    let home = TestApp::new();
    administrator(&home, "root@example.com").await;
    person(&home, "ann@example.com").await;
    person(&home, "bob@example.com").await;
    let one = signed_in(&home, "ann@example.com").await;
    let two = signed_in(&home, "ann@example.com").await;
    let bob = signed_in(&home, "bob@example.com").await;
    let families = [
        grant(&home, &one.signed_in, "app-one").await,
        grant(&home, &two.signed_in, "app-two").await,
        grant(&home, &bob.signed_in, "app-one").await,
    ];
    Scene { home, one, two, bob, families }
}

impl Scene {
    /// Which of Ann's sessions, Bob's, and the three families live.
    fn alive(&self) -> ([bool; 3], [bool; 3]) {
        let sessions = [&self.one, &self.two, &self.bob].map(|success| resolves(&self.home, &success.token));
        (sessions, self.families.each_ref().map(|id| !is_revoked(&self.home, id)))
    }
}

#[tokio::test]
async fn ending_a_session_ends_its_families_only() {
    let scene = scene().await;
    let ended = sessions::end(&scene.home.cx(), &scene.one.signed_in.session.id).await.unwrap();
    assert_eq!(ended, Ended { sessions: 1, grants: 1, ..Ended::default() });
    assert_eq!(scene.alive(), ([false, true, true], [false, true, true]));
    let again = sessions::end(&scene.home.cx(), &scene.one.signed_in.session.id).await;
    assert!(matches!(again, Err(Error::NotFound)));
}

#[tokio::test]
async fn bug_38_nobody_ends_a_session_that_is_not_theirs() {
    let scene = scene().await;
    let cx = scene.home.cx_of(&scene.bob.signed_in.user.id);
    let refused = sessions::end_own(&cx, &scene.bob.signed_in, &scene.one.signed_in.session.id).await;
    assert!(matches!(refused, Err(Error::NotFound)));
    assert_eq!(scene.alive(), ([true; 3], [true; 3]));
    assert!(sessions::end_own(&cx, &scene.bob.signed_in, &scene.bob.signed_in.session.id).await.is_ok());
    assert_eq!(scene.alive(), ([true, true, false], [true, true, false]));
}

#[tokio::test]
async fn ending_the_others_keeps_this_one() {
    let scene = scene().await;
    let ended =
        sessions::end_others(&scene.home.cx_of(&scene.one.signed_in.user.id), &scene.one.signed_in).await.unwrap();
    assert_eq!(ended, Ended { sessions: 1, grants: 1, ..Ended::default() });
    assert_eq!(scene.alive(), ([true, false, true], [true, false, true]));
    let left = sessions::of_user(&scene.home.cx(), &scene.one.signed_in.user.id).unwrap();
    assert_eq!(left.len(), 1);
    sessions::end_all(&scene.home.cx(), &scene.one.signed_in.user.id).await.unwrap();
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]));
}

#[tokio::test]
async fn bug_14_disabling_ends_everything_in_one_commit() {
    let scene = scene().await;
    let before = scene.home.parts.store.commits();
    let ended = users::disable(&scene.home.cx(), &scene.one.signed_in.user.id).await.unwrap();
    assert_eq!(scene.home.parts.store.commits() - before, 1);
    assert_eq!(ended, Ended { sessions: 2, grants: 2, ..Ended::default() });
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]));
    assert!(attempt(&scene.home, "ann@example.com", PASSWORD).await.is_err());
    users::enable(&scene.home.cx(), &scene.one.signed_in.user.id).await.unwrap();
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]), "enabling revives nothing");
    assert!(attempt(&scene.home, "ann@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn bug_14_deleting_removes_everything_in_one_commit() {
    let scene = scene().await;
    let id = scene.one.signed_in.user.id.clone();
    let before = scene.home.parts.store.commits();
    let ended = users::delete(&scene.home.cx(), &id).await.unwrap();
    assert_eq!(scene.home.parts.store.commits() - before, 1);
    assert_eq!(ended, Ended { sessions: 2, grants: 2, consents: 2, ..Ended::default() });
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]));
    assert!(matches!(users::by_name(&scene.home.cx(), id.as_str()), Err(Error::NotFound)));
    let cx = scene.home.cx();
    assert!(rows::consents::of_user(&cx.read().unwrap(), cx.tenant.id, &id).unwrap().is_empty());
    // The address is free again, for somebody else.
    let heir = person(&scene.home, "ann@example.com").await;
    assert_ne!(heir.id, id);
}

#[tokio::test]
async fn bug_14_changing_the_password_leaves_one_new_session() {
    let scene = scene().await;
    let cx = scene.home.cx_of(&scene.one.signed_in.user.id);
    let before = scene.home.parts.store.commits();
    let new = Secret::from("another password");
    let wrong = users::change_password(&cx, &scene.one.signed_in, &Secret::from("wrong password"), &new).await;
    assert!(matches!(wrong, Err(Error::InvalidCredentials)));
    assert_eq!(scene.alive(), ([true; 3], [true; 3]));
    let success = users::change_password(&cx, &scene.one.signed_in, &password(), &new).await.unwrap();
    assert!(scene.home.parts.store.commits() > before);
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]));
    assert!(resolves(&scene.home, &success.token));
    assert!(attempt(&scene.home, "ann@example.com", PASSWORD).await.is_err());
    assert!(attempt(&scene.home, "ann@example.com", "another password").await.is_ok());
}

#[tokio::test]
async fn bug_14_an_administrator_setting_the_password_ends_everything() {
    let scene = scene().await;
    let id = &scene.one.signed_in.user.id;
    let ended = users::set_password(&scene.home.cx(), id, &Secret::from("another password")).await.unwrap();
    assert_eq!(ended, Ended { sessions: 2, grants: 2, ..Ended::default() });
    assert_eq!(scene.alive(), ([false, false, true], [false, false, true]));
}

#[tokio::test]
async fn the_current_password_cannot_be_guessed_in_an_open_session() {
    let scene = scene().await;
    let cx = scene.home.cx();
    let new = Secret::from("another password");
    for _ in 0..5 {
        let wrong = Secret::from("wrong password");
        let refused = users::change_password(&cx, &scene.one.signed_in, &wrong, &new).await;
        assert!(matches!(refused, Err(Error::InvalidCredentials)));
    }
    let waiting = users::change_password(&cx, &scene.one.signed_in, &password(), &new).await;
    assert!(matches!(waiting, Err(Error::Delayed { retry_after_seconds: 5 })));
    assert!(attempt(&scene.home, "ann@example.com", PASSWORD).await.is_ok(), "sign-in does not wait for it");
    scene.home.advance(Duration::from_secs(5));
    assert!(users::change_password(&scene.home.cx(), &scene.one.signed_in, &password(), &new).await.is_ok());
}

#[tokio::test]
async fn bug_25_deleting_oneself_takes_the_password_or_a_fresh_sign_in() {
    let scene = scene().await;
    scene.home.advance(scene.home.parts.settings.session.fresh);
    let cx = scene.home.cx_of(&scene.one.signed_in.user.id);
    let stale = users::delete_own(&cx, &scene.one.signed_in, None).await;
    assert!(matches!(stale, Err(Error::SessionNotFresh)));
    let wrong = users::delete_own(&cx, &scene.one.signed_in, Some(&Secret::from("wrong password"))).await;
    assert!(matches!(wrong, Err(Error::InvalidCredentials)));
    users::delete_own(&cx, &scene.one.signed_in, Some(&password())).await.unwrap();
    let fresh = signed_in(&scene.home, "bob@example.com").await;
    users::delete_own(&scene.home.cx_of(&fresh.signed_in.user.id), &fresh.signed_in, None).await.unwrap();
    assert_eq!(scene.alive().0, [false; 3]);
}

#[tokio::test]
async fn removing_a_client_revokes_its_families_and_consents() {
    let scene = scene().await;
    let cx = scene.home.cx();
    let at = cx.clone();
    let id: ClientId = "app-one".parse().unwrap();
    let ended = cx.store().write(move |tx| cascade::remove_client(tx, &at, &id)).await.unwrap();
    assert_eq!(ended, Ended { grants: 2, consents: 2, ..Ended::default() });
    assert_eq!(scene.alive(), ([true; 3], [false, true, false]));
}

#[tokio::test]
async fn one_family_is_revoked_once() {
    let scene = scene().await;
    let cx = scene.home.cx();
    for expected in [true, false] {
        let (at, id) = (cx.clone(), scene.families[0].clone());
        let revoked = cx.store().write(move |tx| cascade::revoke_grant(tx, &at, &id)).await.unwrap();
        assert_eq!(revoked, expected);
    }
    assert_eq!(scene.alive(), ([true; 3], [false, true, true]));
}

#[tokio::test]
async fn a_session_that_is_older_than_its_absolute_end_ends_as_one_that_began_when_it_did() {
    let scene = scene().await;
    let absolute = scene.home.parts.settings.session.absolute;
    scene.home.advance(absolute.saturating_sub(minutes(1)));
    let cx = scene.home.cx();
    let (at, old) = (cx.clone(), scene.one.signed_in.session.clone());
    let (last_seen_at, expires_at) = (cx.now.minus(minutes(60 * 48)), cx.now.plus(minutes(60 * 24 * 365)));
    let as_before = crate::records::Session { ends_at: None, last_seen_at, expires_at, ..old.clone() };
    let put =
        move |tx: &mut crate::store::Tx| crate::store::rows::sessions::put(tx, at.tenant.id, Some(&old), &as_before);
    cx.store().write(put).await.unwrap();
    assert!(resolves(&scene.home, &scene.one.token));
    let signed_in = sessions::resolve(&scene.home.cx(), scene.one.token.expose()).unwrap().unwrap();
    assert!(sessions::extend_if_due(&scene.home.cx(), &signed_in).await.unwrap());
    scene.home.advance(minutes(1));
    assert!(!resolves(&scene.home, &scene.one.token));
}

#[tokio::test]
async fn the_password_given_again_keeps_the_session_and_what_apps_got_and_changes_its_token() {
    let scene = scene().await;
    scene.home.advance(minutes(60));
    let cx = scene.home.cx();
    let confirmed = sessions::confirm(&cx, &scene.one.signed_in, &password()).await.unwrap();
    let before = &scene.one.signed_in.session;
    assert_eq!((&confirmed.session.id, confirmed.session.created_at), (&before.id, before.created_at));
    assert!(confirmed.session.auth_time() == cx.now && before.auth_time() < cx.now);
    assert!(resolves(&scene.home, &confirmed.token) && !resolves(&scene.home, &scene.one.token));
    assert_eq!(scene.alive(), ([false, true, true], [true; 3]), "of the token that was shown, nothing is left");
    // What somebody else had ready with the old token changes nothing any more.
    let again = sessions::confirm(&cx, &scene.one.signed_in, &password()).await;
    assert!(matches!(again, Err(Error::NotFound)));
    assert_eq!(audit_rows(&scene.home, "user.confirm_password").len(), 1);
}

#[tokio::test]
async fn a_proof_from_before_the_clock_was_set_back_is_none() {
    let scene = scene().await;
    let cx = scene.home.cx();
    let session = &scene.one.signed_in.session;
    let ahead = |by| {
        let proofs = super::super::proofs::with(&[], ProofKind::Password, cx.now.plus(by));
        crate::records::Session { proofs, ..session.clone() }
    };
    let is_fresh = |session: &crate::records::Session| sessions::require_fresh(&cx.in_session(session)).is_ok();
    assert!(is_fresh(session) && is_fresh(&ahead(minutes(1))));
    assert!(!is_fresh(&ahead(minutes(6))));
    assert!(sessions::require_fresh(&cx).is_ok(), "what is no session");
}
