use super::super::{invites, sign_up};
use super::*;
use crate::base::Moment;
use crate::config::Registration;
use crate::testing::{block_on, race};

fn home_with(registration: Registration) -> TestApp {
    TestApp::with(|parts| parts.settings.registration = registration)
}

async fn invitation(home: &TestApp, email: Option<&str>) -> Secret<String> {
    invites::issue(&home.cx(), email, None).await.unwrap().token
}

#[tokio::test]
async fn closed_means_nobody() {
    let home = home_with(Registration::Closed);
    assert!(matches!(invites::issue(&home.cx(), None, None).await, Err(Error::RegistrationClosed)));
    for invite in [None, Some("inv_x.y")] {
        let refused = sign_up::register(&home.cx(), account("ann@example.com"), invite).await;
        assert!(matches!(refused, Err(Error::RegistrationClosed)));
    }
    assert!(matches!(users::by_name(&home.cx(), "ann@example.com"), Err(Error::NotFound)));
}

#[tokio::test]
async fn open_lets_everybody_in_without_any_role() {
    let home = home_with(Registration::Open);
    let user = sign_up::register(&home.cx(), account("ann@example.com"), None).await.unwrap();
    assert_eq!((user.roles.len(), user.email_verified, user.attributes.len()), (0, false, 0));
    assert!(attempt(&home, "ann@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn bug_30_a_taken_address_gets_the_answer_of_a_free_one() {
    let home = home_with(Registration::Open);
    let shape = |user: &User| {
        let mut value = serde_json::to_value(user).unwrap();
        for unlike in ["id", "email", "password"] {
            value[unlike] = value[unlike].as_str().unwrap().len().into();
        }
        value
    };
    let free = sign_up::register(&home.cx(), account("ann1@example.com"), None).await.unwrap();
    let before = home.parts.store.commits();
    let mut intruder = account("ANN1@example.com");
    intruder.password = Secret::from("another password");
    let taken = sign_up::register(&home.cx(), intruder, None).await.unwrap();
    assert_eq!(home.parts.store.commits() - before, 1);
    assert_eq!(shape(&free), shape(&taken));
    assert_ne!(free.id, taken.id);
    assert!(attempt(&home, "ann1@example.com", "another password").await.is_err());
    let owner = attempt(&home, "ann1@example.com", PASSWORD).await.unwrap();
    assert_eq!(owner.signed_in.user.id, free.id);
    assert_eq!(audit_rows(&home, "user.sign_up").len(), 2);
}

#[tokio::test]
async fn bug_28_an_invitation_works_once_in_time_and_for_its_address() {
    let home = home_with(Registration::Invite);
    let refused = async |email: &str, token: Option<&str>| {
        let answer = sign_up::register(&home.cx(), account(email), token).await;
        assert!(matches!(answer, Err(Error::InvalidInvite)), "{answer:?}");
    };
    refused("ann@example.com", None).await;
    refused("ann@example.com", Some("")).await;
    let bound = invitation(&home, Some("Ann@example.com")).await;
    refused("eve@example.com", Some(bound.expose())).await;
    refused("ann@example.com", Some(&format!("{}A", bound.expose()))).await;
    assert!(invites::check(&home.cx(), bound.expose(), None).is_ok());
    sign_up::register(&home.cx(), account("ANN@example.com"), Some(bound.expose())).await.unwrap();
    refused("ann@example.com", Some(bound.expose())).await;
    let late = invitation(&home, None).await;
    home.advance(invites::DEFAULT_LIFETIME);
    refused("bob@example.com", Some(late.expose())).await;
}

#[tokio::test]
async fn a_failed_sign_up_does_not_use_the_invitation_up() {
    let home = home_with(Registration::Invite);
    let token = invitation(&home, None).await;
    let new = NewUser { email: "x@example.com".into(), username: Some("ann".into()), ..NewUser::default() };
    users::create(&home.cx(), new).await.unwrap();
    let mut wanted = account("ann@example.com");
    wanted.username = Some("ANN".into());
    let taken = sign_up::register(&home.cx(), wanted, Some(token.expose())).await;
    assert!(matches!(taken, Err(Error::UsernameTaken)));
    assert!(sign_up::register(&home.cx(), account("ann@example.com"), Some(token.expose())).await.is_ok());
}

#[test]
fn bug_28_of_many_who_use_one_invitation_one_gets_in() {
    let home = home_with(Registration::Invite);
    let token = block_on(invitation(&home, None));
    let answers = race(64, |number| {
        let account = account(&format!("racer{number}@example.com"));
        block_on(sign_up::register(&home.cx(), account, Some(token.expose())))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::InvalidInvite))));
    assert_eq!(users::page(&home.cx(), &users::Filter::default(), &PageRequest::default()).unwrap().items.len(), 1);
}

#[test]
fn bug_29_of_many_who_sign_up_with_one_address_one_gets_it() {
    let home = home_with(Registration::Open);
    let spellings = ["ann@example.com", "ANN@example.com", " Ann@Example.Com ", "ａｎｎ@example.com"];
    race(32, |number| {
        let account = account(spellings[number % spellings.len()]);
        block_on(sign_up::register(&home.cx(), account, None)).unwrap()
    });
    assert_eq!(users::page(&home.cx(), &users::Filter::default(), &PageRequest::default()).unwrap().items.len(), 1);
}

#[tokio::test]
async fn bug_23_no_empty_or_odd_field_makes_an_account() {
    let home = home_with(Registration::Open);
    for email in ["", " ", "ann", "a\0nn@example.com", "a\u{200b}nn@example.com", "ann@example.com\n", "@", "ann@"] {
        let answer = sign_up::register(&home.cx(), account(email), None).await;
        let trimmed_fits = email.trim() == "ann@example.com";
        assert!(matches!(answer, Err(Error::InvalidEmail)) || trimmed_fits, "{email:?}: {answer:?}");
    }
    let with = |secret: String| NewAccount { password: Secret::new(secret), ..account("bob@example.com") };
    let short = sign_up::register(&home.cx(), with("1234567".into()), None).await;
    assert!(matches!(short, Err(Error::PasswordTooShort)));
    let empty = sign_up::register(&home.cx(), with(String::new()), None).await;
    assert!(matches!(empty, Err(Error::PasswordTooShort)));
    let long = sign_up::register(&home.cx(), with("x".repeat(257)), None).await;
    assert!(matches!(long, Err(Error::PasswordTooLong)));
    let odd = NewAccount { picture: Some("javascript:alert(1)".into()), ..account("bob@example.com") };
    assert!(matches!(sign_up::register(&home.cx(), odd, None).await, Err(Error::InvalidField { .. })));
    assert!(users::by_name(&home.cx(), "bob@example.com").is_err());
}

#[tokio::test]
async fn an_invitation_has_a_bounded_life() {
    let home = home_with(Registration::Invite);
    let odd = invites::issue(&home.cx(), Some("no address"), None).await;
    assert!(matches!(odd, Err(Error::InvalidEmail)));
    for life in [Duration::ZERO, invites::LONGEST_LIFETIME + Duration::from_secs(1), Duration::MAX] {
        assert!(matches!(invites::issue(&home.cx(), None, Some(life)).await, Err(Error::InvalidField { .. })));
    }
    let issued = invites::issue(&home.cx(), None, Some(minutes(1))).await.unwrap();
    assert!(issued.invite.expires_at > Moment::from_millis(0));
    home.advance(minutes(1));
    assert!(matches!(invites::check(&home.cx(), issued.token.expose(), None), Err(Error::InvalidInvite)));
}
