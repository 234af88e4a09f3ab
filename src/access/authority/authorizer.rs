//! Answers of the permission graph for the modules to the left of `access`.

use super::platform;
use crate::access::{Error, check};
use crate::cx::{Actor, Authorizer, Cx};
use crate::records::{ApiKey, SubjectRef};
use crate::store::rows::api_keys;
use crate::store::{self, Read};

/// The authorizer of an installation: its own permission graph.
pub struct GraphAuthorizer;

impl Authorizer for GraphAuthorizer {
    fn may(&self, cx: &Cx, from: &dyn Read, permission: &str, object: (&str, &str)) -> Result<bool, store::Error> {
        let Some(subject) = check::subject_of(&cx.actor) else {
            return Ok(matches!(cx.actor, Actor::Local | Actor::System));
        };
        match check::may_in(cx, from, &subject, permission, object) {
            Ok(may) => Ok(may),
            Err(Error::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn holds_authority(&self, cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<bool, store::Error> {
        let held = holds(cx, from, subject);
        held.or_else(|error| if let Error::Store(error) = error { Err(error) } else { Ok(true) })
    }
}

fn holds(cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<bool, Error> {
    let keys = match subject.kind.as_str() {
        check::USER => match subject.id.parse() {
            Ok(id) => api_keys::of_owner(from, cx.tenant.id, &id)?,
            Err(_) => Vec::new(),
        },
        check::CLIENT => match subject.id.parse() {
            Ok(id) => api_keys::of_client(from, cx.tenant.id, &id)?,
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    let keys: Vec<_> = keys.iter().map(|key: &ApiKey| SubjectRef::new(check::API_KEY, key.id.as_str())).collect();
    platform::is_held_by(cx, from, subject, &keys)
}
