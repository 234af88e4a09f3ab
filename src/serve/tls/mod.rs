//! The server's certificate: one resolver, whose certificate is exchanged while it serves, and where the certificate
//! comes from.
//!
//! May use: `cx` and below. Start reading at [`Tls`]. A new source is a new case of [`Source`].

mod files;
pub(super) mod local_ca;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::base::Moment;
use crate::base::latest::Latest;
use crate::config;
use crate::crypto::seal;
use crate::crypto::tls::provider;
use crate::cx::Application;
use crate::records::Certificate;
use crate::store;
use crate::store::rows::certificates::{self, Role};

use files::Files;

/// No certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A PEM file cannot be used.
    #[error("{}: {cause}. Correct tls.cert and tls.key, or use tls.mode = \"local-ca\".", path.display())]
    File { path: PathBuf, cause: String },
    /// The key wants a passphrase.
    #[error("{} is encrypted, and nobody is there at a start to type its passphrase. Write it without: openssl pkey -in {} -out FILE, and let tls.key name that file, mode 0600.", .0.display(), .0.display())]
    EncryptedKey(PathBuf),
    /// The files do not fit each other, or hold a kind of key that is not supported.
    #[error("{} and {} are not a certificate and its key: {cause}.", cert.display(), key.display())]
    Pair {
        /// The certificate chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
        cause: rustls::Error,
    },
    /// The stored key of the local CA or its leaf cannot be opened.
    #[error("the key of the local CA cannot be opened: {0}")]
    Sealed(#[from] seal::Error),
    /// A certificate of our own could not be made.
    #[error("no certificate could be made: {0}")]
    Making(#[from] rcgen::Error),
    /// A key could not be made, or what is stored is no key or no certificate.
    #[error("the cryptography library: {0}")]
    Certificate(#[from] crate::crypto::certificate::Error),
    /// A stored certificate is not PEM.
    #[error("a stored certificate is damaged: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The TLS library refuses.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Where the certificate comes from.
#[derive(Debug)]
enum Source {
    LocalCa { names: Vec<String> },
    Files(Files),
}

/// The certificate in use and its source.
#[derive(Debug)]
pub struct Tls {
    resolver: Arc<Resolver>,
    source: Source,
}

/// Reads the files of a certificate, if it comes from files. Errors: as [`Tls::load`].
pub(super) fn check(configured: &config::Tls) -> Result<(), Error> {
    match configured {
        config::Tls::Files { cert, key } => Files::new(cert.clone(), key.clone()).read().map(drop),
        config::Tls::Off | config::Tls::LocalCa => Ok(()),
    }
}

impl Tls {
    /// The certificate that the settings ask for, made if need be; `None` when TLS ends elsewhere. Errors: there is
    /// none to serve with.
    pub async fn load(app: &Application) -> Result<Option<Self>, Error> {
        let (source, certified) = match &app.settings.tls {
            config::Tls::Off => return Ok(None),
            config::Tls::Files { cert, key } => {
                let files = Files::new(cert.clone(), key.clone());
                let certified = files.read()?;
                (Source::Files(files), certified)
            }
            config::Tls::LocalCa => {
                let names = local_ca::names_for(app.tenant.urls.host());
                let certified = ensure_leaf(app, &names, app.clock.now()).await?;
                (Source::LocalCa { names }, certified)
            }
        };
        let resolver = Arc::new(Resolver(Latest::new(Arc::new(certified))));
        Ok(Some(Self { resolver, source }))
    }

    /// What listeners are given. The protocol names of ALPN (RFC 7301) are added by the HTTP server.
    pub fn server_config(&self) -> Result<ServerConfig, Error> {
        let builder =
            ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.resolver.clone());
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        Ok(config)
    }

    /// Exchanges the certificate when it is due: files that changed, a leaf that is worn out. Answers whether it did.
    /// On an error the old one goes on serving.
    pub async fn refresh(&self, app: &Application) -> Result<bool, Error> {
        let turn = self.resolver.0.turn().await;
        let is_due = match &self.source {
            Source::Files(files) => files.changed(),
            Source::LocalCa { names } => find_fit_leaf(app, names, app.clock.now())?.is_none(),
        };
        if is_due {
            turn.put(Arc::new(self.read(app).await?));
        }
        Ok(is_due)
    }

    /// Reads the certificate again whether it seems changed or not. On an error the old one goes on serving.
    pub async fn reload(&self, app: &Application) -> Result<(), Error> {
        let turn = self.resolver.0.turn().await;
        turn.put(Arc::new(self.read(app).await?));
        Ok(())
    }

    /// The certificate as its source has it now. Only in a turn: files do not say which of two states is the later one.
    async fn read(&self, app: &Application) -> Result<CertifiedKey, Error> {
        match &self.source {
            Source::Files(files) => files.read(),
            Source::LocalCa { names } => ensure_leaf(app, names, app.clock.now()).await,
        }
    }
}

/// Makes the CA of this installation if it has none that lasts. For what reads the CA and is no TLS server.
pub async fn ensure_ca(app: &Application) -> Result<Certificate, Error> {
    let now = app.clock.now();
    let known = certificates::find(&app.store.read()?, Role::Ca)?;
    if let Some(ca) = known.filter(|ca| !local_ca::ca_is_worn_out(ca, now)) {
        return Ok(ca);
    }
    let ca = local_ca::new_ca(app.tenant.urls.host(), now, &app.sealing, &*app.entropy)?;
    // Another one may have made one meanwhile, and it may already have signed.
    let write = move |tx: &mut store::Tx| {
        let known = certificates::find(tx, Role::Ca)?;
        if let Some(first) = known.filter(|known| !local_ca::ca_is_worn_out(known, now)) {
            return Ok(first);
        }
        certificates::put(tx, Role::Ca, &ca)?;
        Ok::<_, store::Error>(ca.clone())
    };
    Ok(app.store.write(write).await?)
}

/// The stored leaf, if it will do for a while.
fn find_fit_leaf(app: &Application, names: &[String], now: Moment) -> Result<Option<Certificate>, Error> {
    let snapshot = app.store.read()?;
    let ca_is_fit = certificates::find(&snapshot, Role::Ca)?.is_some_and(|ca| !local_ca::ca_is_worn_out(&ca, now));
    let leaf = certificates::find(&snapshot, Role::Leaf)?;
    Ok(leaf.filter(|leaf| ca_is_fit && !local_ca::leaf_is_worn_out(leaf, names, now)))
}

async fn ensure_leaf(app: &Application, names: &[String], now: Moment) -> Result<CertifiedKey, Error> {
    let leaf = match find_fit_leaf(app, names, now)? {
        Some(leaf) => leaf,
        None => {
            let ca = ensure_ca(app).await?;
            let leaf = local_ca::new_leaf(&ca, names.to_vec(), now, &app.sealing, &*app.entropy)?;
            let row = leaf.clone();
            app.store.write(move |tx| certificates::put(tx, Role::Leaf, &row)).await?;
            leaf
        }
    };
    let (chain, key) = local_ca::unsealed(&leaf, &app.sealing)?;
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}

/// Answers every client with the certificate of the moment: there is one name, and who asks for another learns the
/// same.
#[derive(Debug)]
struct Resolver(Latest<Arc<CertifiedKey>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&*self.0.load()))
    }
}

#[cfg(test)]
mod tests;
