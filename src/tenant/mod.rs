//! Whose data, keys, settings and addresses an operation works with: a [`Tenant`].
//!
//! May use: `config`, `crypto`, `base`. There is one tenant now, the default one; nothing above asks how many there are.

use std::sync::{Arc, OnceLock};

use crate::base::id::TenantId;
use crate::config::Settings;
use crate::crypto::keyring::{Keyring, PreparedJson};

/// An identity server of its own within the installation. Made anew when its settings change; the ring of keys is carried over.
pub struct Tenant {
    /// What the keys of its rows begin with.
    pub id: TenantId,
    /// `iss` of every token: without a slash at the end.
    pub issuer: String,
    /// Ready signers and verifiers.
    pub keyring: Arc<Keyring>,
    /// What the operator wants of it.
    pub settings: Arc<Settings>,
    /// The discovery document, made when it is asked for first (`oauth::discovery`).
    pub discovery: OnceLock<PreparedJson>,
}

impl Tenant {
    /// The tenant that always exists. Its issuer is the one of the installation.
    pub fn default_one(settings: Arc<Settings>, keyring: Arc<Keyring>) -> Self {
        let (id, issuer) = (TenantId::DEFAULT, settings.issuer.origin().to_owned());
        Self { id, issuer, keyring, settings, discovery: OnceLock::new() }
    }

    /// The same tenant as the installation wants it from now on.
    pub fn reconfigured(&self, settings: Arc<Settings>) -> Self {
        Self::default_one(settings, Arc::clone(&self.keyring))
    }
}
