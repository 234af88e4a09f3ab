//! The audit log: who did what to whom, from where, when.
//!
//! May use: `cx` and below. A row is appended in the transaction it reports, so that neither exists without the other.
//! Start reading at [`Entry`] and [`Event`].

mod changes;
mod ended;
mod event;
mod news;

use std::sync::{Arc, OnceLock};

use crate::base::Moment;
use crate::base::id::AuditId;
use crate::base::page::{Page, PageRequest};
use crate::cx::{Actor, Cx, RequestFacts};
use crate::records::{ActorKind, AuditRow, Outcome};
use crate::store::rows::audit as rows;
use crate::store::{self, Order, Tx};

pub use changes::{Change, Changes};
pub use ended::Ended;
pub use event::{Declared, Event};
pub(crate) use news::quota;
pub use news::{news, tell, tell_left_out};

/// An audit row in the making: who, to whom, from where, when. Everything that must be drawn before the transaction is
/// already in it; what happened is said when it is appended.
#[derive(Clone, Debug)]
pub struct Entry {
    id: AuditId,
    at: Moment,
    by: (ActorKind, Option<String>),
    target: Option<String>,
    request: Arc<RequestFacts>,
    left_out: u64,
    /// Whether there is room for it, as it was found first: a transaction that is run again does the same.
    room: Arc<OnceLock<Option<u64>>>,
}

impl Entry {
    /// Something that the operation's actor does.
    pub fn new(cx: &Cx) -> Self {
        Self {
            id: AuditId::new(cx.now, cx.entropy()),
            at: cx.now,
            by: actor(&cx.actor),
            target: None,
            request: Arc::clone(&cx.request),
            left_out: 0,
            room: Arc::default(),
        }
    }

    /// Names what it was done to.
    #[must_use]
    pub fn target(mut self, target: impl ToString) -> Self {
        self.target = Some(target.to_string());
        self
    }

    /// Names the person who did it, where the operation began with nobody known.
    #[must_use]
    pub fn by(mut self, kind: ActorKind, actor: impl ToString) -> Self {
        self.by = (kind, Some(actor.to_string()));
        self
    }

    /// Says how many like it were left out before it.
    #[must_use]
    pub fn after(self, left_out: u64) -> Self {
        Self { left_out, ..self }
    }

    /// The row that tells of this event.
    fn row(&self, event: &Event) -> AuditRow {
        let mut detail = event.detail();
        if self.left_out > 0 {
            detail.insert(String::from("left_out"), self.left_out.into());
        }
        let (actor_kind, actor) = self.by.clone();
        AuditRow {
            id: self.id.clone(),
            at: self.at,
            action: event.action().to_owned(),
            outcome: event.outcome(),
            actor_kind,
            actor,
            target: self.target.clone(),
            request: Some(self.request.id.clone()),
            ip: self.request.origin(),
            user_agent: self.request.user_agent.clone(),
            detail,
        }
    }

    /// Appends the row in the transaction of what it reports. Where one actor or network causes very many rows of one
    /// kind, those above a bound are left out and counted (see `news`).
    pub fn append(&self, tx: &mut Tx, cx: &Cx, event: &Event) -> Result<(), store::Error> {
        let row = self.row(event);
        match *self.room.get_or_init(|| news::admit(cx, &row)) {
            Some(0) => rows::append(tx, cx.tenant.id, &row),
            Some(left_out) => rows::append(tx, cx.tenant.id, &self.clone().after(left_out).row(event)),
            None => rows::count_only(tx, cx.tenant.id, &row),
        }
    }
}

/// An actor as rows name it: its kind, and its identifier if it has one.
pub fn actor(actor: &Actor) -> (ActorKind, Option<String>) {
    match actor {
        Actor::Anonymous => (ActorKind::Anonymous, None),
        Actor::User(id) => (ActorKind::User, Some(id.to_string())),
        Actor::Client(id) => (ActorKind::Client, Some(id.to_string())),
        Actor::Key(id) => (ActorKind::Key, Some(id.to_string())),
        Actor::Local => (ActorKind::Local, Some(String::from("local"))),
        Actor::System => (ActorKind::System, None),
    }
}

/// Records an event that changes nothing else.
pub async fn record(cx: &Cx, entry: Entry, event: Event) -> Result<(), store::Error> {
    let at = cx.clone();
    cx.store().write(move |tx| entry.append(tx, &at, &event)).await
}

/// Which rows are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only rows from this moment on.
    pub since: Option<Moment>,
    /// Only rows from before this moment.
    pub until: Option<Moment>,
    /// Only rows of this actor, by identifier.
    pub actor: Option<String>,
    /// Only rows whose action is this or begins with it and a dot.
    pub action: Option<String>,
    /// Only rows about this identifier.
    pub target: Option<String>,
    /// Only rows of the request with this id, which people are shown as reference.
    pub request: Option<String>,
    /// Only rows that ended so.
    pub outcome: Option<Outcome>,
    /// Only rows that hold this text somewhere, without regard to case.
    pub search: Option<String>,
    /// The identifier of whom the searched text names: rows that hold it are wanted as well.
    pub named: Option<String>,
}

impl Filter {
    fn accepts(&self, row: &AuditRow) -> bool {
        let same = |wanted: &Option<String>, have: Option<&str>| wanted.as_deref().is_none_or(|w| have == Some(w));
        self.outcome.is_none_or(|outcome| row.outcome == outcome)
            && same(&self.actor, row.actor.as_deref())
            && same(&self.target, row.target.as_deref())
            && same(&self.request, row.request.as_deref())
            && self.action.as_deref().is_none_or(|action| {
                row.action.strip_prefix(action).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            && self.search.as_deref().is_none_or(|text| self.is_found(row, text))
    }

    fn is_found(&self, row: &AuditRow, text: &str) -> bool {
        let text = text.to_lowercase();
        let parts = [&row.actor, &row.target, &row.request, &row.ip, &row.user_agent];
        let holds = |part: &str| {
            part.to_lowercase().contains(&text) || self.named.as_deref().is_some_and(|named| part.contains(named))
        };
        holds(&row.action)
            || parts.into_iter().flatten().any(|part| holds(part))
            || row.detail.iter().any(|(name, value)| holds(name) || holds(&value.to_string()))
    }
}

/// A page of the log. It may be short and still have a successor; outside of the filter's time nothing is read.
pub fn page(cx: &Cx, filter: &Filter, order: Order, request: &PageRequest) -> Result<Page<AuditRow>, store::Error> {
    let span = rows::Span { since: filter.since, until: filter.until };
    rows::page(&cx.read()?, cx.tenant.id, (order, span), request, |row| filter.accepts(row))
}
