//! Whether a subject may act at all, and the models that a question is answered by, both as one state of the store has
//! them.

use std::cell::OnceCell;
use std::sync::Arc;

use super::subject_cache::SubjectCache;
use crate::access::Error;
use crate::access::graph::Schema;
use crate::access::model::{CompiledModel, Models};
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP};
use crate::store::Read;
use crate::store::rows::{api_keys, clients, groups, users};

/// The subject type of people.
pub const USER: &str = "user";

/// The subject type of API keys.
pub const API_KEY: &str = "apikey";

/// The subject type of OAuth clients.
pub const CLIENT: &str = "client";

/// The prefix of client identifiers that Auther makes.
const OUR_CLIENTS: &str = "client_";

/// Whether a subject may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectStatus {
    /// It exists, or needs not, and nobody has disabled it.
    Active {
        /// The client that it is bound to: types of other clients are out of its reach.
        bound: Option<ClientId>,
    },
    /// It exists and may not.
    Disabled,
    /// It should exist and does not.
    Unknown,
}

impl SubjectStatus {
    /// It may act everywhere.
    pub const ACTIVE: Self = Self::Active { bound: None };
}

/// What is read.
#[derive(Clone, Copy)]
pub enum State<'a> {
    /// A committed state: what it says may be remembered for others who read it.
    Committed(&'a dyn Read),
    /// A transaction, whose changes may never be committed.
    Tentative(&'a dyn Read),
}

impl<'a> State<'a> {
    /// Where to read.
    pub fn read(self) -> &'a dyn Read {
        match self {
            Self::Committed(from) | Self::Tentative(from) => from,
        }
    }
}

/// The models and the subjects of an operation's tenant as one state of the store has them.
pub(in crate::access) struct StoredSchema<'a> {
    pub(in crate::access) cx: &'a Cx,
    pub(in crate::access) from: State<'a>,
    models: OnceCell<Arc<Models>>,
    cache: Option<&'a SubjectCache>,
}

impl Schema for StoredSchema<'_> {
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        let models = match self.models.get() {
            Some(models) => models,
            None => {
                let models = match self.from {
                    State::Committed(from) => Models::current(self.cx, from)?,
                    State::Tentative(_) => Arc::new(Models::unshared(self.cx.tenant.id)),
                };
                self.models.get_or_init(|| models)
            }
        };
        Ok(models.find(self.from.read(), entity_type)?)
    }
}

impl<'a> StoredSchema<'a> {
    /// Those of a state.
    pub(in crate::access) fn new(cx: &'a Cx, from: State<'a>) -> Self {
        Self { cx, from, models: OnceCell::new(), cache: None }
    }

    /// The same, with what was read of this state before.
    pub(super) fn with_cache(self, cache: &'a SubjectCache) -> Self {
        Self { cache: Some(cache), ..self }
    }
}

impl StoredSchema<'_> {
    /// The status of a subject. Identifiers that Auther did not make name subjects of other systems, and those are
    /// active.
    pub(in crate::access) fn status(&self, subject: &SubjectRef) -> Result<SubjectStatus, Error> {
        if subject.id == ANY {
            return Ok(SubjectStatus::ACTIVE);
        }
        match subject.kind.as_str() {
            USER => subject.id.parse().map_or(Ok(SubjectStatus::ACTIVE), |id| self.user(&id)),
            API_KEY => subject.id.parse().map_or(Ok(SubjectStatus::ACTIVE), |id| self.key(&id)),
            CLIENT => subject.id.parse().map_or(Ok(SubjectStatus::ACTIVE), |id| self.client(&id)),
            GROUP => subject.id.parse().map_or(Ok(SubjectStatus::ACTIVE), |id| {
                let known = groups::find(self.from.read(), self.cx.tenant.id, &id)?.is_some();
                Ok(if known { SubjectStatus::ACTIVE } else { SubjectStatus::Unknown })
            }),
            _ => Ok(SubjectStatus::ACTIVE),
        }
    }

    fn user(&self, id: &UserId) -> Result<SubjectStatus, Error> {
        let from = self.from.read();
        let disabled = match self.cache {
            Some(cache) => cache.is_disabled(self.cx, from, id)?,
            None => users::is_disabled(from, self.cx.tenant.id, id)?,
        };
        Ok(match disabled {
            None => SubjectStatus::Unknown,
            Some(true) => SubjectStatus::Disabled,
            Some(false) => SubjectStatus::ACTIVE,
        })
    }

    fn key(&self, id: &ApiKeyId) -> Result<SubjectStatus, Error> {
        let from = self.from.read();
        let found = match self.cache {
            Some(cache) => cache.key(self.cx, from, id)?,
            None => api_keys::status(from, self.cx.tenant.id, id)?,
        };
        let Some(key) = found else { return Ok(SubjectStatus::Unknown) };
        if !key.enabled || !key.holds(self.cx.now) || self.user(&key.owner)? != SubjectStatus::ACTIVE {
            return Ok(SubjectStatus::Disabled);
        }
        Ok(SubjectStatus::Active { bound: key.client })
    }

    fn client(&self, id: &ClientId) -> Result<SubjectStatus, Error> {
        Ok(match clients::find(self.from.read(), self.cx.tenant.id, id)? {
            Some(client) if client.disabled => SubjectStatus::Disabled,
            // Client identifiers are free-form: only those with the prefix are surely Auther's own.
            None if id.as_str().starts_with(OUR_CLIENTS) => SubjectStatus::Unknown,
            _ => SubjectStatus::ACTIVE,
        })
    }
}
