//! A family of tokens and its refresh tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ClientId, GrantId, RefreshId, SessionId, UserId};
use crate::base::secret::Digest;

use super::Acr;

/// What one redeemed code gave: all its access and refresh tokens live and die with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Named in each token of the family.
    pub id: GrantId,
    /// The app that it was granted to.
    pub client: ClientId,
    /// The person who granted it.
    pub user: UserId,
    /// In which session; when that ends, so does the family.
    pub session: SessionId,
    /// The widest scope its tokens may have.
    pub scopes: Vec<String>,
    /// The `claims` parameter of the request (OIDC Core §5.5).
    pub claims: Option<Map<String, Value>>,
    /// When the person proved who they are: unchanged by refresh (OIDC Core §12.2).
    pub auth_time: Moment,
    /// How (RFC 8176 values).
    pub amr: Vec<String>,
    /// How strongly, as the app was told.
    #[serde(default)]
    pub acr: Acr,
    /// When the code was redeemed.
    pub created_at: Moment,
    /// The last moment any token of the family may be valid.
    pub expires_at: Moment,
    /// Set by revocation, reuse or logout; the row stays to answer for live access tokens.
    pub revoked_at: Option<Moment>,
}

/// One refresh token (RFC 6749 §6). Rotated at each use; the used one stays to detect reuse (RFC 9700 §4.14.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// First half of the token.
    pub id: RefreshId,
    /// Digest of the second half.
    pub digest: Digest,
    /// The family of refresh tokens that it belongs to.
    pub grant: GrantId,
    /// When it was made.
    pub created_at: Moment,
    /// When it stops working: idle lifetime, bounded by the family's.
    pub expires_at: Moment,
    /// Set by its first use.
    pub rotated: Option<Rotation>,
    /// The token in whose place it was given, if others were given in that place too: only the first of them that is
    /// used goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<RefreshId>,
    /// How many tokens of the family there were with it when it was made, at the most: so nobody counts them at each
    /// refresh. 0 where that is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_family: u32,
}

/// The first use of a refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rotation {
    /// When it was used.
    pub at: Moment,
    /// The first token given in its place.
    pub successor: RefreshId,
    /// How many more were given, to those who used it again within the grace.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u32,
    /// Where there are several: the one of them that was used first. The others have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<RefreshId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Grant {
    /// From when to when it holds: since the code was redeemed, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}

impl Refresh {
    /// From when to when it holds: since it was made, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
