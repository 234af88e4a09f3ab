//! Whose data, keys, settings and addresses an operation works with: a [`Tenant`].
//!
//! May use: `config`, `crypto`, `base`. There is one tenant now, the default one; nothing above asks how many there
//! are. Start reading at [`Tenant`], then [`Urls`] and [`paths`].

pub(crate) mod paths;
mod urls;

use std::sync::{Arc, OnceLock};

use crate::base::id::TenantId;
use crate::config::Settings;
use crate::crypto::Purpose;
use crate::crypto::keyring::{Keyring, PreparedJson};

pub use paths::Path;
pub use urls::Urls;

/// An identity server of its own within the installation. Made anew when its settings change; the ring of keys is
/// carried over.
pub struct Tenant {
    /// What the keys of its rows begin with.
    pub id: TenantId,
    /// `iss` of every token: without a slash at the end.
    pub issuer: String,
    /// Where it is found.
    pub urls: Urls,
    /// Ready signers and verifiers.
    pub keyring: Arc<Keyring>,
    /// What the operator wants of it.
    pub settings: Arc<Settings>,
    /// The discovery document, made when it is asked for first (`oauth::discovery`).
    pub discovery: OnceLock<PreparedJson>,
    /// The description of the admin API, made when it is asked for first (`http::admin::openapi`).
    pub admin_api: OnceLock<String>,
}

impl Tenant {
    /// A tenant below `base` on the origin of the installation: empty, or `/t/acme`.
    pub fn new(id: TenantId, base: &str, settings: Arc<Settings>, keyring: Arc<Keyring>) -> Self {
        let urls = Urls::new(settings.issuer.clone(), base);
        let issuer = urls.issuer().to_owned();
        let (discovery, admin_api) = (OnceLock::new(), OnceLock::new());
        Self { id, issuer, urls, keyring, settings, discovery, admin_api }
    }

    /// The tenant that always exists: the issuer of the installation is its issuer.
    pub fn default_one(settings: Arc<Settings>, keyring: Arc<Keyring>) -> Self {
        Self::new(TenantId::DEFAULT, "", settings, keyring)
    }

    /// The purpose of this name in the tenant: what is authenticated or sealed for it is good in no other one.
    pub fn purpose<'a>(&self, name: &'a str) -> Purpose<'a> {
        Purpose::of(self.id, name)
    }

    /// The same tenant as the installation wants it from now on.
    pub fn reconfigured(&self, settings: Arc<Settings>) -> Self {
        Self::new(self.id, self.urls.base(), settings, Arc::clone(&self.keyring))
    }
}
