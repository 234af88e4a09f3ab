//! What a person was about to do when one of our pages stopped them.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::{InteractionId, SessionId};

/// Something that waits for a person, in the browser in which it began. What they prove or choose counts for it in the
/// session in which that happened, and in no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Under which its answer is noted.
    #[serde(rename = "i")]
    pub id: InteractionId,
    /// Digest of the name of the browser that asked. It counts in no other.
    #[serde(rename = "b")]
    pub browser: String,
    /// What is taken up again.
    #[serde(flatten)]
    pub resume: Resume,
    /// When it began.
    #[serde(rename = "t")]
    pub at: Moment,
    /// The session it was shown in last. Consent counts only there.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The session that began with a sign-in for it: in it, and in no other, the person has proved for it who they are.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub proved_in: Option<SessionId>,
    /// The session in which the person has chosen to go on with the account that is signed in.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub chosen_in: Option<SessionId>,
}

/// What can be taken up again. A new kind that is answered once, to somebody else, is sealed and bound to the browser
/// without more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resume {
    /// An authorization request: its parameters as a query.
    #[serde(rename = "q")]
    Authorization(String),
    /// A page of this site: its path.
    #[serde(rename = "g")]
    Page(String),
}

impl Interaction {
    /// Whether both are about the same thing: the same request of an app, or the same page.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.resume, &other.resume) {
            (Resume::Page(one), Resume::Page(other)) => one == other,
            (Resume::Authorization(_), Resume::Authorization(_)) => self.id == other.id,
            (Resume::Page(_) | Resume::Authorization(_), _) => false,
        }
    }
}
