//! A request between two visits of the browser: kept by the browser, authenticated by us.
//!
//! The token is bound to the browser that asked, works until it was answered once, and carries what the person has proved and chosen *for it*,
//! each with the session in which that happened. A sign-in that did not carry it, in another browser or another window, proves nothing to it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::super::{Error, ErrorCode, Params};
use super::Visit;
use super::request::Request;
use crate::base::Moment;
use crate::base::id::{InteractionId, SessionId, UserId};
use crate::base::quota::{Level, Quota};
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::store::{Tx, rows};

/// How long a person may take over our pages.
const LIFE: Duration = Duration::from_secs(3600);

/// How far a clock may be set back before a token counts as one from the future.
const LEEWAY: Duration = Duration::from_secs(60);

/// The purpose of the tag; no other value of this server can be taken for an interaction.
const PURPOSE: &str = "interaction";

/// Requests that one person may answer within [`LIFE`]: of each a note is kept for as long.
const ANSWERS: u32 = 600;

/// The count that [`ANSWERS`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(LIFE)
}

/// An authorization request that waits for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Under which its answer is noted.
    #[serde(rename = "i")]
    pub id: InteractionId,
    /// Digest of the name of the browser that asked. It counts in no other.
    #[serde(rename = "b")]
    browser: String,
    /// The request's parameters as a query.
    #[serde(rename = "q")]
    pub query: String,
    /// When the request came.
    #[serde(rename = "t")]
    pub at: Moment,
    /// The session it was shown in last. Consent counts only there.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The session that began with a sign-in for this request: in it, and in no other, the person has proved for it who they are.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub proved_in: Option<SessionId>,
    /// The session in which the person has chosen to go on with the account that is signed in.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub chosen_in: Option<SessionId>,
}

/// What a token is worth that a browser brings.
#[derive(Debug)]
pub enum Brought {
    /// The request waits.
    Waiting(Box<Interaction>),
    /// A request that was made here and is not answered here and now. It may begin anew, like one that the app sends: with nothing proved.
    Over {
        /// The request's parameters as a query.
        query: String,
        /// Why not.
        why: Ended,
    },
    /// Not made here, or changed.
    Unknown,
}

/// Why a request that waited is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person took too long.
    Late,
    /// It was answered before.
    Answered,
    /// Another browser asked.
    Elsewhere,
}

impl Interaction {
    /// The request as it waits from this visit on; what an earlier visit knows of it stays.
    pub(super) fn of(cx: &Cx, request: &Request, visit: Visit<'_>) -> Self {
        let session = visit.signed_in.map(|current| current.session.id.clone());
        match visit.interaction {
            Some(earlier) => Self { query: request.query.clone(), session, ..earlier.clone() },
            None => Self {
                id: InteractionId::new(cx.now, cx.entropy()),
                browser: digest(visit.browser),
                query: request.query.clone(),
                at: cx.now,
                session,
                proved_in: None,
                chosen_in: None,
            },
        }
    }

    /// The token: URL-safe, authenticated, not secret.
    pub fn seal(&self, cx: &Cx) -> String {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let tag = cx.app.mac.sign(PURPOSE, &body);
        format!("{}.{tag}", BASE64URL_NOPAD.encode(&body))
    }

    /// Reads a token that the browser of this name brings; `None` when it has none yet.
    pub fn open(cx: &Cx, token: &str, browser: Option<&str>) -> Result<Brought, Error> {
        let Some(interaction) = Self::genuine(cx, token) else { return Ok(Brought::Unknown) };
        let is_late = cx.now.since(interaction.at) > LIFE || interaction.at > cx.now.plus(LEEWAY);
        let why = if is_late {
            Ended::Late
        } else if browser.map(digest).as_ref() != Some(&interaction.browser) {
            Ended::Elsewhere
        } else if rows::interactions::is_answered(&cx.read()?, cx.tenant.id, &interaction.id)? {
            Ended::Answered
        } else {
            return Ok(Brought::Waiting(Box::new(interaction)));
        };
        Ok(Brought::Over { query: interaction.query, why })
    }

    fn genuine(cx: &Cx, token: &str) -> Option<Self> {
        let (body, tag) = token.split_once('.')?;
        let body = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
        if !cx.app.mac.verify(PURPOSE, &body, tag) {
            return None;
        }
        serde_json::from_slice(&body).ok()
    }

    /// The request's parameters.
    pub fn params(&self) -> Result<Params, Error> {
        Params::from_query(&self.query)
    }

    /// The request after a sign-in that carried it and began this session.
    pub fn proved_in(&self, session: &SessionId) -> Self {
        Self { proved_in: Some(session.clone()), ..self.clone() }
    }

    /// The request after the person has chosen, in this session, to go on with its account.
    pub fn chosen_in(&self, session: &SessionId) -> Self {
        Self { chosen_in: Some(session.clone()), ..self.clone() }
    }

    /// Whether this person may answer one more request within the hour. Errors: [`ErrorCode::TemporarilyUnavailable`].
    pub(super) fn may_answer(cx: &Cx, user: &UserId) -> Result<(), Error> {
        let level = Level::new("interaction", user.as_str(), ANSWERS);
        let room = cx.process().answered_interactions.take(&[level], cx.now);
        let too_many = "There were too many sign-ins of this person within an hour.";
        room.map(drop).ok_or_else(|| Error::new(ErrorCode::TemporarilyUnavailable, too_many))
    }

    /// Notes the answer, in the transaction that gives it; false when there was one before.
    pub(super) fn answer(&self, tx: &mut Tx, cx: &Cx) -> Result<bool, Error> {
        Ok(rows::interactions::answer(tx, cx.tenant.id, &self.id, self.at.plus(LIFE + LEEWAY))?)
    }
}

fn digest(browser: &str) -> String {
    BASE64URL_NOPAD.encode(&sha256(browser.as_bytes()))
}
