use super::super::links::{self, LinkState};
use super::*;
use crate::testing::{block_on, race};

async fn setup_link(home: &TestApp) -> Secret<String> {
    links::issue_setup(&home.cx()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_setup_link_makes_the_first_administrator_and_signs_them_in() {
    let home = TestApp::new();
    let token = setup_link(&home).await;
    assert!(matches!(links::inspect(&home.cx(), token.expose()).unwrap(), LinkState::Setup));
    let success = links::redeem_setup(&home.cx(), token.expose(), account("ann@example.com")).await.unwrap();
    assert!(success.signed_in.user.is_admin());
    assert!(matches!(links::inspect(&home.cx(), token.expose()).unwrap(), LinkState::Invalid));
    assert!(resolves(&home, &success.token));
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok());
}

#[test]
fn bug_27_of_many_who_hold_the_setup_link_one_wins() {
    let home = TestApp::new();
    let token = block_on(setup_link(&home));
    let answers = race(64, |number| {
        let account = account(&format!("racer{number}@example.com"));
        block_on(links::redeem_setup(&home.cx(), token.expose(), account))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::InvalidLink))));
    assert_eq!(users::page(&home.cx(), &users::Filter::default(), &PageRequest::default()).unwrap().items.len(), 1);
    assert_eq!(
        sessions::page(&home.cx(), &sessions::Filter::default(), &PageRequest::default()).unwrap().items.len(),
        1
    );
}

#[tokio::test]
async fn bug_27_setup_is_closed_for_ever_once_there_is_an_administrator() {
    let home = TestApp::new();
    let early = setup_link(&home).await;
    assert!(links::setup_is_open(&home.cx()).unwrap());
    let ann = administrator(&home, "ann@example.com").await;
    assert!(!links::setup_is_open(&home.cx()).unwrap());
    let refused = links::redeem_setup(&home.cx(), early.expose(), account("eve@example.com")).await;
    assert!(matches!(refused, Err(Error::InvalidLink)));
    assert!(matches!(links::inspect(&home.cx(), early.expose()).unwrap(), LinkState::Invalid));
    assert!(links::issue_setup(&home.cx()).await.unwrap().is_none());
    // Promotion closes it as well, and time does not open it again.
    home.advance(minutes(60 * 24 * 365));
    assert!(links::issue_setup(&home.cx()).await.unwrap().is_none());
    assert!(matches!(users::delete(&home.cx(), &ann.id).await, Err(Error::LastAdministrator)));
}

#[tokio::test]
async fn bug_27_making_somebody_an_administrator_closes_setup() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    assert!(links::setup_is_open(&home.cx()).unwrap());
    let change = users::UserChange { roles: Some(vec![User::ADMIN.into()]), ..users::UserChange::default() };
    users::update(&home.cx(), &ann.id, change).await.unwrap();
    assert!(!links::setup_is_open(&home.cx()).unwrap());
}

#[tokio::test]
async fn only_the_newest_setup_link_works_and_only_for_a_day() {
    let home = TestApp::new();
    let first = setup_link(&home).await;
    let second = setup_link(&home).await;
    let refused = links::redeem_setup(&home.cx(), first.expose(), account("ann@example.com")).await;
    assert!(matches!(refused, Err(Error::InvalidLink)));
    home.advance(links::SETUP_LIFETIME);
    let late = links::redeem_setup(&home.cx(), second.expose(), account("ann@example.com")).await;
    assert!(matches!(late, Err(Error::InvalidLink)));
    assert!(links::setup_is_open(&home.cx()).unwrap());
}

#[tokio::test]
async fn a_refused_account_leaves_the_setup_link_alone() {
    let home = TestApp::new();
    let token = setup_link(&home).await;
    let weak = NewAccount { password: Secret::from("short"), ..account("ann@example.com") };
    let refused = links::redeem_setup(&home.cx(), token.expose(), weak).await;
    assert!(matches!(refused, Err(Error::PasswordTooShort)));
    assert!(links::redeem_setup(&home.cx(), token.expose(), account("ann@example.com")).await.is_ok());
}

#[tokio::test]
async fn bug_23_nothing_but_the_link_opens_setup() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let recovery = links::issue_recovery(&home.cx(), "ann@example.com").await.unwrap().token;
    let setup = setup_link(&home).await;
    let (id, _) = setup.expose().split_once('.').unwrap();
    let guessed = format!("{id}.{}", "A".repeat(43));
    for token in ["", ".", id, &guessed, recovery.expose(), ann.id.as_str()] {
        let refused = links::redeem_setup(&home.cx(), token, account("eve@example.com")).await;
        assert!(matches!(refused, Err(Error::InvalidLink)), "{token}");
    }
    for token in ["", setup.expose()] {
        let refused =
            links::redeem_recovery(&home.cx(), token, &Secret::from("another password"), Visit::default()).await;
        assert!(matches!(refused, Err(Error::InvalidLink)), "{token}");
    }
}

#[tokio::test]
async fn bug_14_recovery_sets_the_password_and_ends_everything_before_it() {
    let home = TestApp::new();
    let ann = administrator(&home, "ann@example.com").await;
    let before = signed_in(&home, "ann@example.com").await;
    let family = grant(&home, &before.signed_in, "app-one").await;
    for _ in 0..10 {
        assert!(attempt(&home, "ann@example.com", "wrong password").await.is_err());
    }
    let first = links::issue_recovery(&home.cx(), "ANN@example.com").await.unwrap().token;
    let token = links::issue_recovery(&home.cx(), ann.id.as_str()).await.unwrap().token;
    assert!(matches!(links::inspect(&home.cx(), first.expose()).unwrap(), LinkState::Invalid));
    let LinkState::Recover(who) = links::inspect(&home.cx(), token.expose()).unwrap() else { panic!("no link") };
    assert_eq!(who.id, ann.id);
    let new = Secret::from("another password");
    let recovered = links::redeem_recovery(&home.cx(), token.expose(), &new, Visit::default()).await.unwrap();
    assert_eq!(recovered.user.id, ann.id);
    assert!(!resolves(&home, &before.token));
    assert!(is_revoked(&home, &family));
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_err());
    assert!(attempt_with(&home, "ann@example.com", "another password", Some(&recovered.device)).await.is_ok());
    let again = links::redeem_recovery(&home.cx(), token.expose(), &new, Visit::default()).await;
    assert!(matches!(again, Err(Error::InvalidLink)));
}

#[tokio::test]
async fn a_recovery_link_lasts_an_hour_and_not_beyond_a_disabling() {
    let home = TestApp::new();
    let ann = person(&home, "ann@example.com").await;
    let new = Secret::from("another password");
    let late = links::issue_recovery(&home.cx(), "ann@example.com").await.unwrap().token;
    home.advance(links::RECOVERY_LIFETIME);
    assert!(matches!(
        links::redeem_recovery(&home.cx(), late.expose(), &new, Visit::default()).await,
        Err(Error::InvalidLink)
    ));
    let token = links::issue_recovery(&home.cx(), "ann@example.com").await.unwrap().token;
    users::disable(&home.cx(), &ann.id).await.unwrap();
    assert!(matches!(
        links::redeem_recovery(&home.cx(), token.expose(), &new, Visit::default()).await,
        Err(Error::InvalidLink)
    ));
    assert!(matches!(links::issue_recovery(&home.cx(), "ann@example.com").await, Err(Error::Disabled)));
    users::enable(&home.cx(), &ann.id).await.unwrap();
    assert!(matches!(
        links::redeem_recovery(&home.cx(), token.expose(), &new, Visit::default()).await,
        Err(Error::InvalidLink)
    ));
    assert!(matches!(links::issue_recovery(&home.cx(), "nobody@example.com").await, Err(Error::NotFound)));
}

#[test]
fn of_many_who_hold_a_recovery_link_one_sets_the_password() {
    let home = TestApp::new();
    block_on(person(&home, "ann@example.com"));
    let token = block_on(links::issue_recovery(&home.cx(), "ann@example.com")).unwrap().token;
    let answers = race(32, |number| {
        let new = Secret::new(format!("password number {number}"));
        block_on(links::redeem_recovery(&home.cx(), token.expose(), &new, Visit::default()))
    });
    let winners: Vec<_> = (0..32).filter(|number| answers[*number].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let won = format!("password number {}", winners[0]);
    assert!(block_on(attempt(&home, "ann@example.com", &won)).is_ok());
}
