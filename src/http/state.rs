//! What all workers share.

use std::sync::Arc;

use crate::crypto::keyring::PreparedJson;
use crate::cx::Current;
use crate::http::extract::budget::Budget;
use crate::http::guard::limit::Limiter;
use crate::oauth::discovery;

/// What all workers share.
#[derive(Clone)]
pub struct State {
    /// The installation the requests are for.
    pub app: Current,
    /// Counts attempts per peer address.
    pub attempts: Arc<Limiter>,
    /// Bounds what bodies of open requests hold.
    pub bodies: Arc<Budget>,
    /// The discovery document.
    pub discovery: Arc<PreparedJson>,
}

impl State {
    /// The state of a server that begins to listen.
    pub fn new(app: impl Into<Current>) -> Self {
        let app = app.into();
        // The issuer does not change while the process runs.
        let discovery = PreparedJson::of(&discovery::document(app.load().settings.issuer.origin()));
        let (attempts, bodies) = (Arc::new(Limiter::for_attempts()), Arc::default());
        Self { app, attempts, bodies, discovery: Arc::new(discovery) }
    }
}
