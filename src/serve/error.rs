//! Why the process does not serve.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::tls;
use crate::crypto::{password, seal};
use crate::oauth::clients;
use crate::store::{self, OpenError};
use crate::{identity, oauth, script};

/// The server did not start, or ended by a fault. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on: {cause}. {}", what_to_do(cause))]
    Listen {
        /// The address as it was typed.
        address: String,
        /// What the system said about the last of its addresses.
        cause: io::Error,
    },
    /// The address cannot be told.
    #[error("the address of a listener cannot be read: {0}")]
    Address(io::Error),
    /// The data file was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A command found nothing to work on.
    #[error(
        "there is no data file {} (configuration: {}). Name the right one with --data or --config, or run the command in the folder of the installation; `auther` and `auther admin setup-link` make a new one.",
        data.display(),
        config.as_ref().map_or_else(|| String::from("no file"), |file| file.display().to_string())
    )]
    NoDataFile {
        /// Where it would be.
        data: PathBuf,
        /// The configuration file that was read.
        config: Option<PathBuf>,
    },
    /// The admin socket cannot be made.
    #[error("the admin socket {} cannot be made: {cause}. Remove what is in its place, or use a shorter name for the data file.", path.display())]
    Socket {
        /// The path of the socket.
        path: PathBuf,
        /// What the system reported.
        cause: io::Error,
    },
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The file was made with a configured key.
    #[error(
        "this data file is sealed with a master key. Set master_key, AUTHER_MASTER_KEY or AUTHER_MASTER_KEY_FILE to it."
    )]
    MasterKeyMissing,
    /// Another key was configured when the file was made.
    #[error("master_key is not the one that this data file is sealed with.")]
    MasterKeyWrong,
    /// A key cannot be made of the text, or a stored secret cannot be opened.
    #[error(transparent)]
    Sealing(#[from] seal::Error),
    /// The password pool cannot work as configured.
    #[error("passwords cannot be hashed: {0}")]
    Password(#[from] password::Error),
    /// The threads that run policies do not start.
    #[error("policies cannot be run: {0}")]
    Scripts(script::Fault),
    /// A declared client is wrong.
    #[error("a client in the configuration is wrong: {0}")]
    Clients(clients::Error),
    /// The signing keys cannot be read or made.
    #[error("the signing keys: {0}")]
    Keys(oauth::Error),
    /// The people in the data file cannot be read.
    #[error("the people in the data file: {0}")]
    People(identity::Error),
    /// The set-up link cannot be made.
    #[error("the set-up link: {0}")]
    Identity(identity::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The system failed.
    #[error("the server failed: {0}")]
    Io(#[from] io::Error),
}

/// What helps against the reason for which there is no listener.
fn what_to_do(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "Another program has it: stop that, or use --listen to name another address.",
        io::ErrorKind::PermissionDenied => {
            "Only root may use ports below 1024: let the unit give the right (AmbientCapabilities=CAP_NET_BIND_SERVICE, as packaging/auther.service does) or the program have it (setcap cap_net_bind_service=+ep), or use --listen to name a higher port."
        }
        io::ErrorKind::AddrNotAvailable => {
            "This machine does not have this address: use --listen to name one that it has."
        }
        _ => "Use --listen to name another address.",
    }
}

impl Error {
    /// Whether what was configured is at fault: exit code 2.
    pub fn is_configuration(&self) -> bool {
        let by_client = matches!(self, Self::Clients(error) if !matches!(error, clients::Error::Store(_)));
        let by_file =
            matches!(self, Self::Tls(tls::Error::File { .. } | tls::Error::Pair { .. } | tls::Error::EncryptedKey(_)));
        let by_key = matches!(self, Self::MasterKeyMissing | Self::MasterKeyWrong);
        by_client || by_file || by_key
    }

    /// Whether another process has the data file.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Open(OpenError::InUse(_)))
    }
}

impl Error {
    pub(super) fn listen(address: &str, at: Option<SocketAddr>, cause: io::Error) -> Self {
        let address = at.map_or_else(|| address.to_owned(), |at| at.to_string());
        Self::Listen { address, cause }
    }
}
