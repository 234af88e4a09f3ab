//! An API key for a token that lives fifteen minutes and can be verified without asking us.

use super::app_access::{self, Gate};
use super::{Error, mint};
use crate::apikeys::Live;
use crate::audit::{self, Entry, Event};
use crate::base::Moment;
use crate::cx::{Actor, Cx};

/// What a machine gets.
#[derive(Debug)]
pub struct Exchanged {
    /// Compact serialisation.
    pub token: String,
    /// Seconds from now.
    pub expires_in: u64,
    /// Its `exp`.
    pub expires_at: Moment,
}

/// A token for a key that was just accepted ([`crate::apikeys::accept`]).
pub async fn exchange(cx: &Cx, live: &Live) -> Result<Exchanged, Error> {
    let cx = cx.with_actor(Actor::Key(live.key.id.clone()));
    app_access::admit_key(&cx, live, Gate::Exchange).await?;
    let minted = mint::api_key_token(&cx, live)?;
    audit::record(&cx, Entry::new(&cx).target(&live.key.id), Event::ApiKeyExchange {}).await?;
    let expires_at = Moment::from_seconds(cx.now.seconds().saturating_add_unsigned(minted.expires_in));
    Ok(Exchanged { token: minted.token, expires_in: minted.expires_in, expires_at })
}
