//! The local CA and its leaf: rows of the installation, by role.

use crate::base::id::TenantId;
use crate::records::Certificate;
use crate::store::{Error, Read, Record, Table, Tx};

impl Record for Certificate {}

const CERTIFICATES: Table<(TenantId, String), Certificate> = Table::new("certificates");

/// Which certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The local certificate authority.
    Ca,
    /// The server's own certificate.
    Leaf,
}

impl Role {
    fn key(self) -> (TenantId, String) {
        let name = match self {
            Self::Ca => "ca",
            Self::Leaf => "leaf",
        };
        (TenantId::INSTALLATION, name.to_owned())
    }
}

/// The certificate in this role.
pub fn find(from: &impl Read, role: Role) -> Result<Option<Certificate>, Error> {
    CERTIFICATES.find(from, &role.key())
}

/// Writes the certificate in this role.
pub fn put(tx: &mut Tx, role: Role, certificate: &Certificate) -> Result<(), Error> {
    CERTIFICATES.put(tx, &role.key(), certificate)
}
