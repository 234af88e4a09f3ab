//! What must hold of people, tested through the public functions over a store in memory.

mod accounts;
mod authentication;
mod cost;
mod endings;
mod links;
mod sign_in;
mod sign_up;
mod waiting;

use std::time::Duration;

use serde_json::Map;

use super::sessions::SignedIn;
use super::sign_in::{Attempt, Outcome, Success, Visit, pause, with_password};
use super::sign_up::NewAccount;
use super::users::{self, NewUser};
use super::{Error, sessions};
use crate::audit;
use crate::base::Secret;
use crate::base::id::{ClientId, GrantId};
use crate::base::page::PageRequest;
use crate::records::{Acr, AuditRow, Consent, Grant, User};
use crate::store::Order;
use crate::store::rows::{consents, grants};
use crate::testing::TestApp;

const PASSWORD: &str = "correct horse battery";

fn password() -> Secret<String> {
    Secret::from(PASSWORD)
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// A person with [`PASSWORD`].
async fn person(home: &TestApp, email: &str) -> User {
    let new = NewUser { email: email.into(), password: Some(password()), ..NewUser::default() };
    users::create(&home.cx(), new).await.unwrap()
}

/// An administrator with [`PASSWORD`].
async fn administrator(home: &TestApp, email: &str) -> User {
    let roles = vec![String::from(User::ADMIN)];
    let new = NewUser { email: email.into(), password: Some(password()), roles, ..NewUser::default() };
    users::create(&home.cx(), new).await.unwrap()
}

fn account(email: &str) -> NewAccount {
    NewAccount { email: email.into(), password: password(), username: None, name: None, picture: None }
}

/// One attempt from a browser that nothing is known of.
async fn attempt(home: &TestApp, identifier: &str, password: &str) -> Result<Success, Error> {
    attempt_with(home, identifier, password, None).await
}

async fn attempt_with(
    home: &TestApp,
    identifier: &str,
    password: &str,
    device: Option<&str>,
) -> Result<Success, Error> {
    let password = Secret::from(password);
    let visit = Visit::default();
    attempt_by(home, Attempt { identifier, password: &password, device, visit }).await
}

/// An attempt that its password completes, if it is right.
async fn attempt_by(home: &TestApp, attempt: Attempt<'_>) -> Result<Success, Error> {
    match with_password(&home.cx(), attempt).await? {
        Outcome::SignedIn(success) => Ok(*success),
        Outcome::Waits(waiting) => panic!("{waiting:?}"),
    }
}

async fn signed_in(home: &TestApp, email: &str) -> Success {
    attempt(home, email, PASSWORD).await.unwrap()
}

fn is_refused<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::InvalidCredentials))
}

fn resolves(home: &TestApp, token: &Secret<String>) -> bool {
    sessions::resolve(&home.cx(), token.expose()).unwrap().is_some()
}

/// A token family that began in this session, and a consent for its client.
async fn grant(home: &TestApp, who: &SignedIn, client: &str) -> GrantId {
    let cx = home.cx();
    let client: ClientId = client.parse().unwrap();
    let family = Grant {
        id: GrantId::new(cx.now, cx.entropy()),
        client: client.clone(),
        user: who.user.id.clone(),
        session: who.session.id.clone(),
        scopes: vec!["openid".into()],
        claims: None,
        auth_time: cx.now,
        amr: vec!["pwd".into()],
        acr: Acr::Pwd,
        created_at: cx.now,
        expires_at: cx.now.plus(minutes(60 * 24 * 30)),
        revoked_at: None,
    };
    let consent = Consent {
        user: who.user.id.clone(),
        client,
        scopes: family.scopes.clone(),
        created_at: cx.now,
        updated_at: cx.now,
    };
    let (at, id) = (cx.clone(), family.id.clone());
    cx.store()
        .write(move |tx| {
            consents::put(tx, at.tenant.id, &consent)?;
            grants::put(tx, at.tenant.id, None, &family)
        })
        .await
        .unwrap();
    id
}

fn family(home: &TestApp, id: &GrantId) -> Grant {
    let cx = home.cx();
    grants::find(&cx.read().unwrap(), cx.tenant.id, id).unwrap().unwrap()
}

fn is_revoked(home: &TestApp, id: &GrantId) -> bool {
    family(home, id).revoked_at.is_some()
}

/// The audit rows of one action, oldest first.
fn audit_rows(home: &TestApp, action: &str) -> Vec<AuditRow> {
    let filter = audit::Filter { action: Some(action.into()), ..audit::Filter::default() };
    audit::page(&home.cx(), &filter, Order::Ascending, &PageRequest::new(Some(500), None)).unwrap().items
}

fn claims(value: serde_json::Value) -> Map<String, serde_json::Value> {
    value.as_object().cloned().unwrap()
}
