//! Who may connect: so many in all, so many from one address, and a reserve in which nothing is answered but whether
//! the server is well. The admin socket is not counted: files are left for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::connections::{Bounds, raise_open_files};
use crate::base::net::subscriber;
use crate::base::share::{self, Share, Shares};
use crate::config::Settings;

/// How long a connection of the reserve may last.
pub(super) const RESERVE_LASTS: Duration = Duration::from_secs(10);

/// Connections of the reserve that one address may have.
const RESERVE_PER_ADDRESS: usize = 4;

/// Refused connections between two lines in the log.
const TOLD_EVERY: u64 = 1_000;

/// What the listeners take, with these settings. Asks the system for the files that it takes.
pub(super) fn bounds(settings: &Settings) -> Bounds {
    Bounds::new(raise_open_files(), settings.server.connections, settings.server.connections_per_address)
}

/// The open connections of the public listeners.
#[derive(Debug)]
pub struct Connections {
    bounds: Bounds,
    plain: Arc<Shares<IpAddr>>,
    reserved: Arc<Shares<IpAddr>>,
    refused: AtomicU64,
}

/// A connection that was let in; counted until this is dropped.
#[derive(Debug)]
pub struct Ticket {
    _counted: Share<IpAddr>,
    /// Whether it is of the reserve: nothing but the state of the server is told on it, and it ends soon.
    pub is_reserved: bool,
}

impl Connections {
    /// Nobody is connected.
    pub fn new(bounds: Bounds) -> Arc<Self> {
        let (plain, reserved) = Default::default();
        Arc::new(Self { bounds, plain, reserved, refused: AtomicU64::new(0) })
    }

    /// Lets a peer in, if there is room. `is_proxy`: many may stand behind the address.
    pub fn admit(&self, from: IpAddr, is_proxy: bool) -> Option<Ticket> {
        let from = subscriber(from);
        let per_address = if is_proxy { self.bounds.per_proxy } else { self.bounds.per_address };
        let of_plain = share::Bounds { all: self.bounds.all, one: per_address };
        let of_reserve = share::Bounds { all: self.bounds.reserve, one: RESERVE_PER_ADDRESS };
        for (shares, bounds, is_reserved) in [(&self.plain, of_plain, false), (&self.reserved, of_reserve, true)] {
            let mut counted = shares.of(from);
            if counted.take(1, bounds).is_ok() {
                return Some(Ticket { _counted: counted, is_reserved });
            }
        }
        let refused = self.refused.fetch_add(1, Ordering::Relaxed);
        if refused.is_multiple_of(TOLD_EVERY) {
            let (all, of_peer) = (self.plain.held(), self.plain.held_by(&from));
            tracing::warn!(peer = %from, all, of_peer, refused = refused + 1, "too many connections: one was refused");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { all: 20, per_address: 5, per_proxy: 15, reserve: 6 };

    fn many(connections: &Arc<Connections>, address: &str, is_proxy: bool) -> Vec<Ticket> {
        let address = address.parse().unwrap();
        (0..100).map_while(|_| connections.admit(address, is_proxy)).collect()
    }

    fn plain_and_reserved(tickets: &[Ticket]) -> (usize, usize) {
        let reserved = tickets.iter().filter(|ticket| ticket.is_reserved).count();
        (tickets.len() - reserved, reserved)
    }

    #[test]
    fn one_address_keeps_nobody_else_out() {
        let connections = Connections::new(BOUNDS);
        let one = many(&connections, "192.0.2.1", false);
        assert_eq!(plain_and_reserved(&one), (5, 4));
        assert!(connections.admit("::ffff:192.0.2.1".parse().unwrap(), false).is_none());
        let other = connections.admit("192.0.2.2".parse().unwrap(), false).unwrap();
        assert!(!other.is_reserved);
        drop(one);
        assert_eq!(plain_and_reserved(&many(&connections, "192.0.2.1", false)), (5, 4), "what ended is free again");
    }

    #[test]
    fn bug_class_31_one_subscriber_is_one_address() {
        let connections = Connections::new(BOUNDS);
        let tickets: Vec<Ticket> = (0..100)
            .map_while(|number| connections.admit(format!("2001:db8:0:1:{number:x}::1").parse().unwrap(), false))
            .collect();
        assert_eq!(plain_and_reserved(&tickets), (5, 4));
        assert!(connections.admit("2001:db8:0:2::1".parse().unwrap(), false).is_some());
    }

    #[test]
    fn a_proxy_has_more_and_not_all_and_who_comes_last_finds_the_reserve() {
        let connections = Connections::new(BOUNDS);
        let proxy = many(&connections, "10.0.0.1", true);
        assert_eq!(plain_and_reserved(&proxy), (15, 4));
        let one = many(&connections, "192.0.2.1", false);
        assert_eq!(plain_and_reserved(&one), (5, 2), "20 in all, 6 in reserve");
        assert!(connections.admit("192.0.2.2".parse().unwrap(), false).is_none());
        drop(proxy);
        drop(one);
        assert_eq!((connections.plain.held(), connections.reserved.held()), (0, 0));
    }
}
