//! Whether a subject may act at all, and what this room asks of the others: models, keys, groups, script threads.

use std::cell::OnceCell;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use super::ask::Case;
use super::lately::Lately;
use super::question::Decision;
use super::verdict::Schema;
use crate::access::Error;
use crate::access::model::CompiledModel;
use crate::access::rooms::Installed;
use crate::base::id::{ApiKeyId, ClientId, GroupId, UserId};
use crate::cx::Cx;
#[cfg(test)]
use crate::process_state::ProcessState;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP};
use crate::store::Read;
use crate::store::rows::api_keys::KeyStanding;
use crate::store::rows::{clients, users};

/// The subject type of people.
pub const USER: &str = "user";

/// The subject type of API keys.
pub const API_KEY: &str = "apikey";

/// The subject type of OAuth clients.
pub const CLIENT: &str = "client";

/// What clients are called that were given an identifier by us.
const OUR_CLIENTS: &str = "client_";

/// Whether a subject may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Live {
        /// The client that it is bound to: types of other clients are out of its reach.
        bound: Option<ClientId>,
    },
    /// It exists and may not.
    Disabled,
    /// It should exist and does not.
    Unknown,
}

impl Standing {
    /// It may act everywhere.
    pub const LIVE: Self = Self::Live { bound: None };
}

/// A decision that is on its way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Decision, Error>> + Send + 'a>>;

/// What is read.
#[derive(Clone, Copy)]
pub enum State<'a> {
    /// A committed state: what it says may be remembered for others who read it.
    Committed(&'a dyn Read),
    /// A transaction, which may yet come to nothing.
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

/// The models of one state.
pub trait Catalogue {
    /// The model of a type, in either spelling. `from` is the state that the catalogue was asked for with.
    fn find(&self, from: &dyn Read, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error>;
}

/// What permissions need from the rooms that keep models, keys, groups and script threads.
pub trait Rooms: Send + Sync + 'static {
    /// The models as a state has them.
    fn models(&self, cx: &Cx, from: State<'_>) -> Result<Arc<dyn Catalogue>, Error>;

    /// What decides whether the API key with this id works.
    fn key(&self, cx: &Cx, from: &dyn Read, id: &ApiKeyId) -> Result<Option<KeyStanding>, Error>;

    /// Whether there is a group with this id.
    fn has_group(&self, cx: &Cx, from: &dyn Read, id: &GroupId) -> Result<bool, Error>;

    /// What is wrong with a script as the condition of a tuple; `None` when it can be run.
    fn problem_of_script(&self, text: &str) -> Option<String>;

    /// Takes a case to a script thread, calls [`Case::decide`] there with a judge, and brings the decision back.
    /// Errors: [`Error::Busy`], those of the case.
    fn live<'a>(&'a self, cx: &'a Cx, case: Case) -> Pending<'a>;
}

#[derive(Default)]
pub(crate) struct Connected(OnceLock<Arc<dyn Rooms>>);

/// Puts other rooms in the place of the installation's own.
#[cfg(test)]
pub fn connect(process: &ProcessState, rooms: impl Rooms) {
    assert!(process.rooms.0.set(Arc::new(rooms)).is_ok(), "the rooms were used before");
}

/// The rooms of the operation's installation.
pub(in crate::access) fn rooms(cx: &Cx) -> Arc<dyn Rooms> {
    Arc::clone(cx.process().rooms.0.get_or_init(|| Arc::new(Installed)))
}

/// The models of an operation's installation as one state of the store has them.
pub(in crate::access) struct Models<'a> {
    pub(in crate::access) cx: &'a Cx,
    pub(in crate::access) from: State<'a>,
    rooms: &'a dyn Rooms,
    known: OnceCell<Arc<dyn Catalogue>>,
    lately: Option<&'a Lately>,
}

impl Schema for Models<'_> {
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        let known = match self.known.get() {
            Some(known) => known,
            None => {
                let found = self.rooms.models(self.cx, self.from)?;
                self.known.get_or_init(|| found)
            }
        };
        known.find(self.from.read(), entity_type)
    }
}

impl<'a> Models<'a> {
    /// The models of a state.
    pub(in crate::access) fn new(cx: &'a Cx, from: State<'a>, rooms: &'a dyn Rooms) -> Self {
        Self { cx, from, rooms, known: OnceCell::new(), lately: None }
    }

    /// The same, knowing what was read of this state before.
    pub(super) fn knowing(self, lately: &'a Lately) -> Self {
        Self { lately: Some(lately), ..self }
    }
}

impl Models<'_> {
    /// How a subject stands. Identifiers that are not ours name subjects that others keep, and those are live.
    pub(in crate::access) fn standing(&self, subject: &SubjectRef) -> Result<Standing, Error> {
        if subject.id == ANY {
            return Ok(Standing::LIVE);
        }
        match subject.kind.as_str() {
            USER => subject.id.parse().map_or(Ok(Standing::LIVE), |id| self.user(&id)),
            API_KEY => subject.id.parse().map_or(Ok(Standing::LIVE), |id| self.key(&id)),
            CLIENT => subject.id.parse().map_or(Ok(Standing::LIVE), |id| self.client(&id)),
            GROUP => subject.id.parse().map_or(Ok(Standing::LIVE), |id| {
                let known = self.rooms.has_group(self.cx, self.from.read(), &id)?;
                Ok(if known { Standing::LIVE } else { Standing::Unknown })
            }),
            _ => Ok(Standing::LIVE),
        }
    }

    fn user(&self, id: &UserId) -> Result<Standing, Error> {
        let from = self.from.read();
        let disabled = match self.lately {
            Some(lately) => lately.is_disabled(self.cx, from, id)?,
            None => users::is_disabled(from, self.cx.tenant, id)?,
        };
        Ok(match disabled {
            None => Standing::Unknown,
            Some(true) => Standing::Disabled,
            Some(false) => Standing::LIVE,
        })
    }

    fn key(&self, id: &ApiKeyId) -> Result<Standing, Error> {
        let read = || self.rooms.key(self.cx, self.from.read(), id);
        let found = match self.lately {
            Some(lately) => lately.key(id, read)?,
            None => read()?,
        };
        let Some(key) = found else { return Ok(Standing::Unknown) };
        if !key.enabled || !key.holds(self.cx.now) || self.user(&key.owner)? != Standing::LIVE {
            return Ok(Standing::Disabled);
        }
        Ok(Standing::Live { bound: key.client })
    }

    fn client(&self, id: &ClientId) -> Result<Standing, Error> {
        Ok(match clients::find(self.from.read(), self.cx.tenant, id)? {
            Some(client) if client.disabled => Standing::Disabled,
            // Client identifiers are free-form: only those that we give out are surely ours.
            None if id.as_str().starts_with(OUR_CLIENTS) => Standing::Unknown,
            _ => Standing::LIVE,
        })
    }
}
