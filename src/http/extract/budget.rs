//! How much all open requests may hold together. Bodies are charged as they arrive and given back when their requests end, so that neither many
//! callers nor slow ones fill the memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::hash::Seeded;
use crate::base::net::subscriber;

/// What a byte of a body takes while it is read, in bytes: the room for it grows by doubling. What is made of the body is charged by those who make it.
pub(in crate::http) const WEIGHT: usize = 2;

/// What bodies of strangers may take together, and those from one address.
const OF_STRANGERS: Bounds = Bounds { all: 64 * MIB, one: 8 * MIB };

/// The same for callers who proved who they are: a stranger's bodies do not keep them out.
const OF_KNOWN: Bounds = Bounds { all: 256 * MIB, one: 128 * MIB };

const MIB: usize = 1024 * 1024;

/// Bytes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Of everybody together.
    all: usize,
    /// Of one address.
    one: usize,
}

/// The memory that bodies of open requests may take, in two parts: of strangers and of known callers.
#[derive(Debug)]
pub struct Budget {
    strangers: Arc<Part>,
    known: Arc<Part>,
}

/// Why nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Full;

impl Default for Budget {
    fn default() -> Self {
        let part = |bounds| Arc::new(Part { bounds, held: Mutex::default() });
        Self { strangers: part(OF_STRANGERS), known: part(OF_KNOWN) }
    }
}

impl Budget {
    /// What is held of bodies from an address, or from the machine itself: nothing yet.
    pub(in crate::http) fn open(&self, is_known: bool, from: Option<IpAddr>) -> Held {
        let part = if is_known { &self.known } else { &self.strangers };
        Held { part: Arc::clone(part), from: from.map(subscriber), bytes: 0 }
    }

    /// Bytes that are held at the moment, of strangers and of known callers, as they are charged.
    pub fn held(&self) -> (usize, usize) {
        let all = |part: &Part| part.held.lock().unwrap_or_else(PoisonError::into_inner).all;
        (all(&self.strangers), all(&self.known))
    }
}

#[derive(Debug)]
struct Part {
    bounds: Bounds,
    held: Mutex<Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    all: usize,
    by_address: HashMap<Option<IpAddr>, usize, Seeded>,
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Held {
    part: Arc<Part>,
    from: Option<IpAddr>,
    bytes: usize,
}

impl Held {
    /// Takes room for this many more bytes. Refused when everybody together, or the address, would hold too much.
    pub(in crate::http) fn charge(&mut self, bytes: usize) -> Result<(), Full> {
        let mut held = self.part.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.all.saturating_add(bytes);
        let here = held.by_address.get(&self.from).copied().unwrap_or(0);
        let one = here.saturating_add(bytes);
        if all > self.part.bounds.all || one > self.part.bounds.one {
            return Err(Full);
        }
        held.all = all;
        held.by_address.insert(self.from, one);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.part.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(self.bytes);
        let left = held.by_address.get(&self.from).map_or(0, |here| here.saturating_sub(self.bytes));
        if left == 0 {
            held.by_address.remove(&self.from);
        } else {
            held.by_address.insert(self.from, left);
        }
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
        let of_first = held.iter().filter(|held| held.from == address(0)).count();
        assert_eq!(of_first, OF_STRANGERS.one / body);
        assert_eq!(held.len(), OF_STRANGERS.all / body);
        assert!(budget.open(false, None).charge(1).is_err());
        assert!(budget.open(true, address(0)).charge(body).is_ok(), "known callers are not kept out by strangers");
        held.clear();
        assert_eq!(budget.held(), (0, 0));
        assert!(budget.strangers.held.lock().unwrap().by_address.is_empty());
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
