//! A request between two visits of the browser: kept by the browser, authenticated by us.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::super::{Error, Params};
use crate::base::Moment;
use crate::base::id::SessionId;
use crate::cx::Cx;

/// How long a person may take over our pages.
const LIFE: Duration = Duration::from_secs(3600);

/// What the mark is made for; no other value of ours can be taken for an interaction.
const PURPOSE: &str = "interaction";

/// An authorization request that waits for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// The request's parameters as a query.
    #[serde(rename = "q")]
    pub query: String,
    /// When our page was first shown: a sign-in from then on is fresh.
    #[serde(rename = "t")]
    pub at: Moment,
    /// The session in which the person was asked first. Only another one can have begun by an answer to us.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<SessionId>,
    /// The session it was shown in last. Consent counts only there.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Whether the person has chosen to go on with the account that is signed in.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    pub account_chosen: bool,
}

impl Interaction {
    /// The token: URL-safe, authenticated, not secret.
    pub fn seal(&self, cx: &Cx) -> String {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mark = cx.home.mac.sign(PURPOSE, &body);
        format!("{}.{mark}", BASE64URL_NOPAD.encode(&body))
    }

    /// Reads a token back; `None` when it is not ours, was changed, or is too old.
    pub fn open(cx: &Cx, token: &str) -> Option<Self> {
        let (body, mark) = token.split_once('.')?;
        let body = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
        if !cx.home.mac.verify(PURPOSE, &body, mark) {
            return None;
        }
        let interaction: Self = serde_json::from_slice(&body).ok()?;
        (cx.now.since(interaction.at) <= LIFE).then_some(interaction)
    }

    /// The request's parameters.
    pub fn params(&self) -> Result<Params, Error> {
        Params::from_query(&self.query)
    }
}
