//! What can go wrong with a request to others.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::address::{self, Kind};

/// A request got no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made: no certificate authorities, or those of `egress.extra_ca` cannot be read.
    #[error("outgoing connections cannot be made: {0}")]
    SetUp(String),
    /// The URL is none that is asked.
    #[error("the URL cannot be asked: {0}")]
    Url(&'static str),
    /// The destination may not be reached.
    #[error("{0}")]
    Refused(String),
    /// It took too long, all redirects and the body included.
    #[error("no complete answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The body of the answer is larger than was allowed, in bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The body is compressed although that was not asked for: how large it becomes would be for the other side to say.
    #[error("the answer is encoded as {0}, which was not asked for")]
    Encoded(String),
    /// More redirects than are followed.
    #[error("more than {0} redirects")]
    TooManyRedirects(u8),
    /// The name has no address, nobody answered, TLS failed, or the answer is no HTTP.
    #[error("{0}")]
    Failed(String),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.to_string())
    }
}

impl From<reqwest::Error> for Error {
    /// What the guard refused while a name was looked up comes back as the guard's refusal. The URL is left out: its
    /// query may hold a secret.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<Refused>() {
                return refused.clone().into();
            }
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Self::Failed(text)
    }
}

/// A destination that requests may not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The host as the URL names it.
    pub host: String,
    /// The address that may not be connected to.
    pub address: IpAddr,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address } = self;
        match address::kind(*address) {
            Kind::Metadata => write!(f, "{host} leads to {address}, the metadata service of a cloud"),
            _ => write!(f, "{host} leads to {address}, which is not public and not in egress.allow"),
        }
    }
}

impl std::error::Error for Refused {}
