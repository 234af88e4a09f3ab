//! What ends together: a session with its token families, everything of a person, everything of a client,
//! every relation of either.
//!
//! Each function works inside the caller's transaction, so that a person is never disabled while a session lives on. An
//! authorization code that is still out is not found here: its redemption checks that its session, person and client
//! live. In the same way the API keys of a disabled person stay as they are and do not work: the check of a key checks
//! its owner.

use crate::base::id::{ClientId, GrantId, SessionId, UserId};
use crate::cx::Cx;
use crate::records::{ApiKey, Grant, LinkPurpose, Model, Session, User};
use crate::store::rows::{
    api_keys, authentications, clients, consents, failures, grants, links, models, recent_sign_ins, sessions, tuples,
    users,
};
use crate::store::{Error, Tx};

pub use crate::audit::Ended;

/// Removes a session and revokes the token families that began in it.
pub fn end_session(tx: &mut Tx, cx: &Cx, session: &Session) -> Result<Ended, Error> {
    let families = grants::of_session(tx, cx.tenant.id, &session.id)?;
    let grants = revoke_all(tx, cx, families)?;
    sessions::delete(tx, cx.tenant.id, session)?;
    Ok(Ended { sessions: 1, grants, ..Ended::default() })
}

/// Removes every session of a person but the one to keep, with their token families.
pub fn end_other_sessions(tx: &mut Tx, cx: &Cx, user: &UserId, keep: &SessionId) -> Result<Ended, Error> {
    let mut ended = Ended::default();
    for session in sessions::of_user(tx, cx.tenant.id, user)? {
        if session.id != *keep {
            let one = end_session(tx, cx, &session)?;
            ended.sessions += one.sessions;
            ended.grants += one.grants;
        }
    }
    Ok(ended)
}

/// Removes every session of a person, revokes every token family, and voids recovery links and sign-ins that have
/// begun. Consents stay: they give nothing by themselves.
pub fn end_everything_of_user(tx: &mut Tx, cx: &Cx, user: &UserId) -> Result<Ended, Error> {
    let all = sessions::of_user(tx, cx.tenant.id, user)?;
    for session in &all {
        sessions::delete(tx, cx.tenant.id, session)?;
    }
    let families = grants::of_user(tx, cx.tenant.id, user)?;
    let grants = revoke_all(tx, cx, families)?;
    links::delete_all(tx, cx.tenant.id, &LinkPurpose::Recover(user.clone()))?;
    authentications::delete_of_user(tx, cx.tenant.id, user)?;
    Ok(Ended { sessions: all.len(), grants, ..Ended::default() })
}

/// Ends everything of a person who is disabled. Their API keys stay and stop working: counted are those that are
/// switched on.
pub fn disable_user(tx: &mut Tx, cx: &Cx, user: &UserId) -> Result<Ended, Error> {
    let ended = end_everything_of_user(tx, cx, user)?;
    Ok(Ended { api_keys: working(&api_keys::of_owner(tx, cx.tenant.id, user)?, cx), ..ended })
}

/// Revokes every token family of a client that is disabled. The API keys bound to it stay and stop working: counted are
/// those that are switched on.
pub fn disable_client(tx: &mut Tx, cx: &Cx, client: &ClientId) -> Result<Ended, Error> {
    let grants = revoke_grants_of_client(tx, cx, client)?;
    Ok(Ended { grants, api_keys: working(&api_keys::of_client(tx, cx.tenant.id, client)?, cx), ..Ended::default() })
}

fn working(keys: &[ApiKey], cx: &Cx) -> usize {
    keys.iter().filter(|key| key.enabled && key.holds(cx.now)).count()
}

/// Removes a person with everything that is theirs. Revoked families stay until their end, to answer for access tokens.
pub fn remove_user(tx: &mut Tx, cx: &Cx, user: &User) -> Result<Ended, Error> {
    let mut ended = end_everything_of_user(tx, cx, &user.id)?;
    for consent in consents::of_user(tx, cx.tenant.id, &user.id)? {
        consents::delete(tx, cx.tenant.id, &consent)?;
        ended.consents += 1;
    }
    ended += remove_tuples_of(tx, cx, "user", user.id.as_str())?;
    for key in api_keys::of_owner(tx, cx.tenant.id, &user.id)? {
        ended += remove_api_key(tx, cx, &key)?;
    }
    users::delete(tx, cx.tenant.id, user)?;
    Ok(ended)
}

/// Removes an API key with every relation it has.
pub fn remove_api_key(tx: &mut Tx, cx: &Cx, key: &ApiKey) -> Result<Ended, Error> {
    api_keys::delete(tx, cx.tenant.id, key)?;
    let ended = remove_tuples_of(tx, cx, "apikey", key.id.as_str())?;
    Ok(Ended { api_keys: 1, ..ended })
}

/// Removes the entity types of a client with every tuple on their objects, and every other one that names them: who
/// later takes the name of the client must not find what was granted under it before.
pub fn remove_types_of(tx: &mut Tx, cx: &Cx, client: &ClientId) -> Result<Ended, Error> {
    let mut ended = Ended::default();
    for model in models::of_client(tx, cx.tenant.id, client)? {
        ended += remove_type(tx, cx, &model.entity_type)?;
    }
    Ok(ended)
}

fn remove_type(tx: &mut Tx, cx: &Cx, entity_type: &str) -> Result<Ended, Error> {
    let mut ended = Ended { models: 1, ..Ended::default() };
    let mut after: Option<String> = None;
    while let Some(id) = tuples::entity_ids(tx, cx.tenant.id, entity_type, after.as_deref(), 1)?.pop() {
        ended += remove_tuples_of(tx, cx, entity_type, &id)?;
        after = Some(id);
    }
    // Objects on which there is nothing may still be subjects of other types.
    tuples::delete_of_subject_type(tx, cx.tenant.id, entity_type, |key| ended.count(key))?;
    models::delete(tx, cx.tenant.id, entity_type)?;
    tuples::raise(tx, cx.tenant.id)?;
    Ok(ended)
}

/// Writes down for the entity types of a client that they belong to one that is gone: `gone`, which no client is ever
/// called. Their tuples stay. Answers which types those are.
pub fn orphan_types_of(tx: &mut Tx, cx: &Cx, client: &ClientId, gone: &ClientId) -> Result<Vec<String>, Error> {
    let mut orphans = Vec::new();
    for old in models::of_client(tx, cx.tenant.id, client)? {
        let version = old.version.saturating_add(1);
        let new = Model { client: Some(gone.clone()), version, updated_at: cx.now, ..old };
        models::put(tx, cx.tenant.id, &new)?;
        orphans.push(new.entity_type);
    }
    if !orphans.is_empty() {
        tuples::raise(tx, cx.tenant.id)?;
    }
    Ok(orphans)
}

/// Makes room for a new client: what names its id was written about another one, and is taken away; types under it
/// belong to one that is `gone`. Answers how much that was.
pub fn begin_client(tx: &mut Tx, cx: &Cx, client: &ClientId, gone: &ClientId) -> Result<Ended, Error> {
    let models = orphan_types_of(tx, cx, client, gone)?.len();
    let mut ended = Ended { models, ..Ended::default() };
    ended += remove_tuples_of(tx, cx, "client", client.as_str())?;
    ended += remove_tuples_of(tx, cx, "oauth_client", client.as_str())?;
    Ok(ended)
}

/// Removes every tuple in which `kind:id` stands, as the subject or as the object.
pub fn remove_tuples_of(tx: &mut Tx, cx: &Cx, kind: &str, id: &str) -> Result<Ended, Error> {
    let mut ended = Ended::default();
    tuples::delete_of_subject(tx, cx.tenant.id, (kind, id), |key| ended.count(key))?;
    tuples::delete_of_entity(tx, cx.tenant.id, (kind, id), |key| ended.count(key))?;
    if ended.tuples > 0 {
        tuples::raise(tx, cx.tenant.id)?;
    }
    Ok(ended)
}

/// Switches off every key of a person: who knew the old password may have made one. The owner switches on again what is
/// theirs. Answers how many were on.
pub fn freeze_keys_of_user(tx: &mut Tx, cx: &Cx, user: &UserId) -> Result<usize, Error> {
    let mut frozen = 0;
    for old in api_keys::of_owner(tx, cx.tenant.id, user)?.into_iter().filter(|key| key.enabled) {
        let new = ApiKey { enabled: false, updated_at: cx.now, version: old.version.saturating_add(1), ..old };
        api_keys::put(tx, cx.tenant.id, &new)?;
        frozen += 1;
    }
    Ok(frozen)
}

/// Removes a client, its consents and the API keys bound to it, and revokes its token families.
pub fn remove_client(tx: &mut Tx, cx: &Cx, client: &ClientId) -> Result<Ended, Error> {
    let mut ended = Ended { grants: revoke_grants_of_client(tx, cx, client)?, ..Ended::default() };
    for consent in consents::of_client(tx, cx.tenant.id, client)? {
        consents::delete(tx, cx.tenant.id, &consent)?;
        ended.consents += 1;
    }
    ended += remove_tuples_of(tx, cx, "client", client.as_str())?;
    ended += remove_tuples_of(tx, cx, "oauth_client", client.as_str())?;
    for key in api_keys::of_client(tx, cx.tenant.id, client)? {
        ended += remove_api_key(tx, cx, &key)?;
    }
    for failure in failures::of_client(tx, cx.tenant.id, client)? {
        failures::delete(tx, cx.tenant.id, &failure)?;
    }
    recent_sign_ins::delete(tx, cx.tenant.id, client)?;
    clients::delete(tx, cx.tenant.id, client)?;
    Ok(ended)
}

/// Revokes one token family; answers whether it was there and not yet revoked.
pub fn revoke_grant(tx: &mut Tx, cx: &Cx, id: &GrantId) -> Result<bool, Error> {
    let family = grants::find(tx, cx.tenant.id, id)?;
    Ok(revoke_all(tx, cx, family.into_iter().collect())? == 1)
}

/// Revokes every token family of a client; answers how many were not yet.
pub fn revoke_grants_of_client(tx: &mut Tx, cx: &Cx, client: &ClientId) -> Result<usize, Error> {
    let families = grants::of_client(tx, cx.tenant.id, client)?;
    revoke_all(tx, cx, families)
}

/// Sets `revoked_at` on those that have none; answers how many.
fn revoke_all(tx: &mut Tx, cx: &Cx, families: Vec<Grant>) -> Result<usize, Error> {
    let mut revoked = 0;
    for old in families.into_iter().filter(|grant| grant.revoked_at.is_none()) {
        let new = Grant { revoked_at: Some(cx.now), ..old.clone() };
        grants::put(tx, cx.tenant.id, Some(&old), &new)?;
        revoked += 1;
    }
    Ok(revoked)
}
