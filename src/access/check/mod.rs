//! Questions: may this subject do this with that object.
//!
//! May use: `access::graph`, `access::explain`, `access::model`, `access::request_context`, `access::policy`, `cx` and
//! below. `ask` answers for a running installation in the `order` of a check: `subject_status` says whether the subject
//! may act at all (`subject_cache` spares reading it again), then the engine of the graph searches for a derivation.
//! `live` runs the policies that a question depends on, over the same `checked_state`. Start reading at [`check`] and
//! [`CheckSession`].

mod ask;
mod checked_state;
mod live;
mod order;
mod question;
mod subject_cache;
mod subject_status;

pub(in crate::access) use ask::with_graph;
pub use ask::{check, check_many, may, may_in, subject_status, with_session, would_allow};
pub use checked_state::subject_of;
pub use order::{CLIENTS, CheckSession, FULL_ACCESS, PLATFORM};
pub use question::{Decision, Question, Reason, StaticDecision};
pub(crate) use subject_cache::SubjectCache;
pub use subject_status::{API_KEY, CLIENT, SubjectStatus, USER};
pub(in crate::access) use subject_status::{State, StoredSchema};
