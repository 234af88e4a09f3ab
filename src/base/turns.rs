//! Jobs that wait for a thread, taken in turns by owner: anyone who brings many waits for their own.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The jobs that wait, by owner.
#[derive(Debug)]
pub struct Turns<O, J> {
    count: usize,
    of: HashMap<O, VecDeque<J>>,
    /// Owners with jobs, whose turn is next at the front.
    turns: VecDeque<O>,
}

impl<O, J> Default for Turns<O, J> {
    fn default() -> Self {
        Self { count: 0, of: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<O: Clone + Eq + Hash, J> Turns<O, J> {
    /// Adds a job, of which at most `most` wait. When all places are taken, the latest job of the owner with the most
    /// jobs makes room for one who has fewer; otherwise there is none. Answers the job that has no place, if one has
    /// none.
    pub fn push(&mut self, owner: &O, job: J, most: usize) -> Option<J> {
        let mut without = None;
        if self.count >= most {
            let own = self.count_of(owner);
            let crowd = self.of.iter().max_by_key(|(_, jobs)| jobs.len());
            let Some((crowd, _)) = crowd.filter(|(_, jobs)| jobs.len() > own + 1) else { return Some(job) };
            let crowd = crowd.clone();
            without = self.of.get_mut(&crowd).and_then(VecDeque::pop_back);
            self.count -= usize::from(without.is_some());
        }
        let jobs = self.of.entry(owner.clone()).or_default();
        if jobs.is_empty() {
            self.turns.push_back(owner.clone());
        }
        jobs.push_back(job);
        self.count += 1;
        without
    }

    /// How many jobs wait, of all owners.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Jobs of an owner.
    pub fn count_of(&self, owner: &O) -> usize {
        self.of.get(owner).map_or(0, VecDeque::len)
    }

    /// The next job of the first owner in turn who `may` run one more.
    pub fn next(&mut self, may: impl Fn(&O) -> bool) -> Option<(O, J)> {
        let at = self.turns.iter().position(may)?;
        let owner = self.turns.remove(at)?;
        let jobs = self.of.get_mut(&owner)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.of.remove(&owner);
        } else {
            self.turns.push_back(owner.clone());
        }
        self.count -= usize::from(job.is_some());
        job.map(|job| (owner, job))
    }

    /// Takes out the jobs that are not `wanted` any more.
    pub fn take_unwanted(&mut self, wanted: impl Fn(&J) -> bool) -> Vec<J> {
        let mut taken = Vec::new();
        self.of.retain(|_, jobs| {
            let (kept, unwanted): (VecDeque<J>, VecDeque<J>) = std::mem::take(jobs).into_iter().partition(&wanted);
            *jobs = kept;
            taken.extend(unwanted);
            !jobs.is_empty()
        });
        let Self { of, turns, .. } = self;
        turns.retain(|owner| of.contains_key(owner));
        self.count -= taken.len();
        taken
    }

    /// All jobs, of which none is left.
    pub fn take(&mut self) -> Vec<J> {
        self.turns.clear();
        self.count = 0;
        self.of.drain().flat_map(|(_, jobs)| jobs).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(jobs: &[(&'static str, u8)]) -> Turns<&'static str, u8> {
        let mut waiting = Turns::default();
        jobs.iter().for_each(|(owner, job)| assert_eq!(waiting.push(owner, *job, 9), None));
        waiting
    }

    #[test]
    fn owners_take_turns() {
        let mut waiting = waiting(&[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)]);
        let order: Vec<u8> = std::iter::from_fn(|| waiting.next(|_| true)).map(|(_, job)| job).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn who_may_not_run_one_more_keeps_their_turn() {
        let mut waiting = waiting(&[("a", 1), ("b", 2)]);
        assert_eq!(waiting.next(|owner| *owner != "a"), Some(("b", 2)));
        assert_eq!(waiting.next(|owner| *owner != "a"), None);
        assert_eq!(waiting.next(|_| true), Some(("a", 1)));
    }

    #[test]
    fn what_is_not_wanted_any_more_leaves_its_place_and_its_owner_the_turns() {
        let mut waiting = waiting(&[("a", 1), ("b", 2), ("b", 3)]);
        let mut taken = waiting.take_unwanted(|job| *job == 3);
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
        assert_eq!((waiting.count(), waiting.count_of(&"a"), waiting.count_of(&"b")), (1, 0, 1));
        assert_eq!((waiting.next(|_| true), waiting.next(|_| true)), (Some(("b", 3)), None));
    }

    #[test]
    fn whoever_fills_all_places_makes_room_for_others() {
        let mut waiting = waiting(&[("a", 1), ("a", 2), ("a", 3)]);
        assert_eq!(waiting.push(&"a", 4, 3), Some(4));
        assert_eq!(waiting.push(&"b", 5, 3), Some(3));
        assert_eq!(waiting.push(&"b", 6, 3), Some(6), "two and one: nobody has too many");
        assert_eq!(waiting.push(&"c", 7, 3), Some(2));
        let mut left = waiting.take();
        left.sort_unstable();
        assert_eq!((left, waiting.push(&"a", 8, 3)), (vec![1, 5, 7], None));
    }
}
