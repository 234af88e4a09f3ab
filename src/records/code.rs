//! An authorization code.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ClientId, CodeId, GrantId, SessionId, UserId};
use crate::base::secret::Digest;

use super::Acr;

/// An authorization code (RFC 6749 §4.1.2) with everything it is bound to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    /// First half of the code.
    pub id: CodeId,
    /// Digest of the second half.
    pub digest: Digest,
    /// The only client that may redeem it.
    pub client: ClientId,
    /// The person who authorized the app.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// The family its tokens will belong to.
    pub grant: GrantId,
    /// The redirect URI of the request, to be repeated (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// `nonce` of the request.
    pub nonce: Option<String>,
    /// Whether the request had a `state`.
    #[serde(default)]
    pub has_state: bool,
    /// S256 challenge of the request (RFC 7636 §4.3).
    pub challenge: Option<String>,
    /// The `claims` parameter (OIDC Core §5.5).
    pub claims: Option<Map<String, Value>>,
    /// When the person proved who they are.
    pub auth_time: Moment,
    /// How (RFC 8176 values).
    pub amr: Vec<String>,
    /// How strongly, as the app is told.
    #[serde(default)]
    pub acr: Acr,
    /// When it was made.
    pub created_at: Moment,
    /// When it stops working.
    pub expires_at: Moment,
    /// When it was redeemed; a second attempt revokes the family.
    pub used_at: Option<Moment>,
}

impl Code {
    /// From when to when it holds: since it was made, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
