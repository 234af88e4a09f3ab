//! What all workers share.

use std::sync::Arc;

use crate::cx::Current;
use crate::http::body_budget::Budget;
use crate::http::limit::Limiter;

/// What all workers share.
#[derive(Clone)]
pub struct State {
    /// The installation the requests are for.
    pub app: Current,
    /// Counts attempts per peer address.
    pub attempts: Arc<Limiter>,
    /// Bounds what bodies of open requests hold.
    pub bodies: Arc<Budget>,
}

impl State {
    /// The state of a server that begins to listen.
    pub fn new(app: impl Into<Current>) -> Self {
        let app = app.into();
        Self { app, attempts: Arc::new(Limiter::for_attempts()), bodies: Arc::default() }
    }
}
