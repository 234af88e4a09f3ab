//! A table whose slots are looked through one after the other (Knuth, The Art of Computer Programming, volume 3, §6.4: linear probing).
//!
//! A look-up among millions reads one place in memory where a general map reads two, and places that are not in the processor's cache are what a
//! question among many tuples waits for.

/// The content of a slot; the default is an empty slot.
pub(super) trait Slot: Default {
    /// Where it wants to stand, well spread; `None` for nothing.
    fn hash(&self) -> Option<u32>;
}

/// Slots by hash.
#[derive(Default)]
pub(super) struct ProbingTable<S> {
    /// None, or a power of two of them, some of which are always empty.
    slots: Vec<S>,
    taken: usize,
}

/// Slots of the smallest table.
const FEWEST: usize = 16;

impl<S: Slot> ProbingTable<S> {
    /// How much memory the slots themselves take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<S>()
    }

    /// The one with this hash that `is` accepts.
    pub(super) fn find(&self, hash: u32, is: impl Fn(&S) -> bool) -> Option<&S> {
        self.slots.get(self.position(hash, is)?)
    }

    /// The same, to change it; its hash must stay what it is.
    pub(super) fn find_mut(&mut self, hash: u32, is: impl Fn(&S) -> bool) -> Option<&mut S> {
        let position = self.position(hash, is)?;
        self.slots.get_mut(position)
    }

    /// Puts one in that is not in yet.
    pub(super) fn put(&mut self, new: S) {
        // Five of eight slots at the most: a search ends after two or three.
        if self.taken >= self.slots.len() / 8 * 5 {
            let more = (self.slots.len() * 2).max(FEWEST);
            let old = std::mem::replace(&mut self.slots, std::iter::repeat_with(S::default).take(more).collect());
            old.into_iter().for_each(|slot| self.place(slot));
        }
        self.place(new);
        self.taken += 1;
    }

    /// Takes the one with this hash that `is` accepts out.
    pub(super) fn take(&mut self, hash: u32, is: impl Fn(&S) -> bool) -> Option<S> {
        let mut hole = self.position(hash, is)?;
        let taken = self.slots.get_mut(hole).map(std::mem::take);
        self.taken -= 1;
        let mut at = self.after(hole);
        // Those behind it move up, unless that would put one before its own place (algorithm R there).
        while let Some(home) = self.slots.get(at).and_then(Slot::hash).map(|hash| self.home(hash)) {
            if self.distance(home, at) >= self.distance(hole, at) {
                self.slots.swap(hole, at);
                hole = at;
            }
            at = self.after(at);
        }
        taken
    }

    fn position(&self, hash: u32, is: impl Fn(&S) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.hash()? == hash && is(slot) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn place(&mut self, slot: S) {
        let Some(hash) = slot.hash() else { return };
        let mut at = self.home(hash);
        while self.slots.get(at).is_some_and(|slot| slot.hash().is_some()) {
            at = self.after(at);
        }
        if let Some(empty) = self.slots.get_mut(at) {
            *empty = slot;
        }
    }

    fn home(&self, hash: u32) -> usize {
        usize::try_from(hash).unwrap_or(0) & self.slots.len().wrapping_sub(1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.slots.len().wrapping_sub(1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Default)]
    struct Numbered {
        number: u32,
        value: u32,
    }

    impl Slot for Numbered {
        /// Badly spread, so that many have the same position.
        fn hash(&self) -> Option<u32> {
            (self.number != 0).then_some(self.number / 5)
        }
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((1..200_u32, any::<Option<u32>>()), 0..400)) {
            let (mut table, mut map) = (ProbingTable::<Numbered>::default(), HashMap::new());
            for (number, value) in steps {
                let (hash, is) = (number / 5, move |slot: &Numbered| slot.number == number);
                match value {
                    Some(value) => {
                        match table.find_mut(hash, is) {
                            Some(slot) => slot.value = value,
                            None => table.put(Numbered { number, value }),
                        }
                        map.insert(number, value);
                    }
                    None => prop_assert_eq!(table.take(hash, is).map(|slot| slot.value), map.remove(&number)),
                }
                for number in 1..200 {
                    let found = table.find(number / 5, |slot| slot.number == number).map(|slot| slot.value);
                    prop_assert_eq!(found, map.get(&number).copied());
                }
                prop_assert_eq!(table.taken, map.len());
            }
        }
    }
}
