//! How much all open requests may hold together. Bodies are charged as they arrive and given back when their requests
//! end, so that neither many callers nor slow ones fill the memory.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::net::subscriber;
pub(in crate::http) use crate::base::share::Full;
use crate::base::share::{Bounds, Share, Shares};

/// What a byte of a body takes while it is read, in bytes: the room for it grows by doubling. What is made of the body
/// is charged by those who make it.
pub(in crate::http) const WEIGHT: usize = 2;

/// What bodies of strangers may take together, and those from one address.
const OF_STRANGERS: Bounds = Bounds { all: 64 * MIB, one: 8 * MIB };

/// The same for callers who proved who they are: a stranger's bodies do not keep them out.
const OF_KNOWN: Bounds = Bounds { all: 256 * MIB, one: 128 * MIB };

const MIB: usize = 1024 * 1024;

/// The memory that bodies of open requests may take, in two parts: of strangers and of known callers.
#[derive(Debug, Default)]
pub struct Budget {
    strangers: Arc<Shares<Option<IpAddr>>>,
    known: Arc<Shares<Option<IpAddr>>>,
}

impl Budget {
    /// What is held of bodies from an address, or from the machine itself: nothing yet.
    pub(in crate::http) fn open(&self, is_known: bool, from: Option<IpAddr>) -> Held {
        let (part, bounds) = if is_known { (&self.known, OF_KNOWN) } else { (&self.strangers, OF_STRANGERS) };
        Held { share: part.of(from.map(subscriber)), bounds }
    }

    /// Bytes that are held at the moment, of strangers and of known callers, as they are charged.
    pub fn held(&self) -> (usize, usize) {
        (self.strangers.held(), self.known.held())
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Held {
    share: Share<Option<IpAddr>>,
    bounds: Bounds,
}

impl Held {
    /// Takes room for this many more bytes. Refused when everybody together, or the address, would hold too much.
    pub(in crate::http) fn charge(&mut self, bytes: usize) -> Result<(), Full> {
        self.share.take(bytes, self.bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(number.into()))
    }

    #[test]
    fn one_address_has_a_share_and_all_have_a_bound() {
        let budget = Budget::default();
        let body = MIB;
        let mut held = Vec::new();
        for number in 0..1000 {
            let mut one = budget.open(false, address(number / 20));
            if one.charge(body).is_ok() {
                held.push(one);
            }
        }
        assert_eq!(budget.strangers.held_by(&address(0)), OF_STRANGERS.one);
        assert_eq!(held.len(), OF_STRANGERS.all / body);
        assert!(budget.open(false, None).charge(1).is_err());
        assert!(budget.open(true, address(0)).charge(body).is_ok(), "known callers are not kept out by strangers");
        held.clear();
        assert_eq!(budget.held(), (0, 0));
    }

    #[test]
    fn what_is_refused_is_not_charged_and_what_was_is_given_back() {
        let budget = Budget::default();
        let mut held = budget.open(true, address(1));
        assert!(held.charge(MIB).is_ok());
        assert!(held.charge(usize::MAX).is_err());
        assert_eq!(budget.held(), (0, MIB));
        drop(held);
        assert_eq!(budget.held(), (0, 0));
    }
}
