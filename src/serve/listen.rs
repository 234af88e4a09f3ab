//! Binding the addresses that the configuration names.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use super::Error;
use crate::config::{Listen, Settings};

/// One listener per address that can be bound; of each entry of the configuration at least one. Inside a runtime only.
pub fn bind(entries: &[Listen]) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    for entry in entries {
        bind_entry(entry, &mut listeners)?;
    }
    Ok(listeners)
}

fn bind_entry(entry: &Listen, listeners: &mut Vec<TcpListener>) -> Result<(), Error> {
    let mut given = None;
    let mut refused = None;
    for address in &entry.addresses {
        let port = if address.port() == 0 { given.unwrap_or(0) } else { address.port() };
        let address = SocketAddr::new(address.ip(), port);
        match open(address) {
            Ok(listener) => {
                given = Some(listener.local_addr().map_err(Error::Address)?.port());
                listeners.push(listener);
            }
            Err(cause) if is_lacking(&cause) || given.is_some() => {
                refused.get_or_insert((address, cause));
            }
            // A port that somebody has is told even if another address of the entry is free: clients may reach either.
            Err(cause) => return Err(Error::listen(&entry.text, Some(address), cause)),
        }
    }
    match (given, refused) {
        (None, Some((address, cause))) => Err(Error::listen(&entry.text, Some(address), cause)),
        _ => Ok(()),
    }
}

/// Connections that may wait to be accepted: as many as come at once after a pause, none of which should wait for a
/// repeat.
const BACKLOG: u32 = 2048;

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// `EAFNOSUPPORT` of Linux: the machine has no IPv6 at all.
const NO_SUCH_FAMILY: i32 = 97;

/// Whether the machine lacks the address, as many lack IPv6.
fn is_lacking(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::AddrNotAvailable || cause.raw_os_error() == Some(NO_SUCH_FAMILY)
}

/// Gives the issuer the port that the system gave, where the configuration left both to it.
pub fn complete_issuer(settings: &mut Settings, listeners: &[TcpListener]) {
    let given = listeners.first().and_then(|listener| listener.local_addr().ok());
    if let Some(address) = given.filter(|_| settings.issuer.port == 0) {
        settings.issuer = settings.issuer.on_port(address.port());
    }
}

/// Says at the start that other machines can reach the server and cannot use it: its pages and tokens name an address
/// that leads back to themselves.
pub fn warn_of_issuer(settings: &Settings, listeners: &[TcpListener]) {
    let outward = listeners.iter().filter_map(|listener| listener.local_addr().ok()).find(|at| !at.ip().is_loopback());
    let Some(address) = outward.filter(|_| settings.issuer.is_loopback()) else { return };
    let scheme = if settings.issuer.https { "https" } else { "http" };
    tracing::warn!(
        "it listens on {address} for other machines, but its address is {}, which only this one can open; put the name \
         that the others use into auther.toml: issuer = \"{scheme}://auth.example.com:{}\"",
        settings.issuer.origin(),
        address.port()
    );
}

/// The settings with the issuer that is served now: it may hold the port that the system gave.
pub fn with_issuer_of(settings: Settings, served: &Settings) -> Settings {
    Settings { issuer: served.issuer.clone(), ..settings }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(addresses: &[&str]) -> Listen {
        Listen { text: String::from("test"), addresses: addresses.iter().map(|text| text.parse().unwrap()).collect() }
    }

    #[actix_web::test]
    async fn one_address_of_an_entry_is_enough() {
        // 192.0.2.1 is reserved for documentation (RFC 5737): no machine has it.
        let listeners = bind(&[entry(&["192.0.2.1:0", "127.0.0.1:0"])]).unwrap();
        assert_eq!(listeners.len(), 1);
        assert!(bind(&[entry(&["192.0.2.1:0"])]).unwrap_err().to_string().starts_with("192.0.2.1:0 cannot be"));
    }

    #[actix_web::test]
    async fn a_port_that_is_taken_is_refused_with_its_name() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = bind(&[entry(&[&address])]).unwrap_err().to_string();
        assert!(error.contains(&address) && error.contains("Another program has it"), "{error}");
    }

    #[test]
    fn what_to_do_is_about_the_cause() {
        for (kind, words) in [
            (io::ErrorKind::PermissionDenied, "below 1024"),
            (io::ErrorKind::AddrNotAvailable, "does not have this address"),
            (io::ErrorKind::Other, "--listen"),
        ] {
            let said = Error::listen("localhost:443", None, io::Error::from(kind)).to_string();
            assert!(said.starts_with("localhost:443 cannot be listened on: ") && said.contains(words), "{said}");
        }
    }
}
