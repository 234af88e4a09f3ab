//! Jobs that wait for a thread, taken in turns by owner: anyone who brings many waits for their own.

use std::collections::{HashMap, VecDeque};

/// The jobs, at most so many in all.
#[derive(Debug)]
pub struct Turns<J> {
    capacity: usize,
    count: usize,
    of: HashMap<String, VecDeque<J>>,
    /// Owners with jobs, whose turn is next at the front.
    turns: VecDeque<String>,
}

impl<J> Turns<J> {
    /// No job waits, and at most `capacity` will.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, count: 0, of: HashMap::new(), turns: VecDeque::new() }
    }

    /// Adds a job. When all places are taken, the latest job of the owner with the most jobs makes room for one who has
    /// fewer; otherwise there is none. Answers the job that has no place, if one has none.
    pub fn push(&mut self, owner: &str, job: J) -> Option<J> {
        let mut without = None;
        if self.count >= self.capacity {
            let own = self.count_of(owner);
            let most = self.of.iter().max_by_key(|(_, jobs)| jobs.len());
            let Some((crowd, _)) = most.filter(|(_, jobs)| jobs.len() > own + 1) else { return Some(job) };
            let crowd = crowd.clone();
            without = self.of.get_mut(&crowd).and_then(VecDeque::pop_back);
            self.count -= usize::from(without.is_some());
        }
        let jobs = self.of.entry(owner.to_owned()).or_default();
        if jobs.is_empty() {
            self.turns.push_back(owner.to_owned());
        }
        jobs.push_back(job);
        self.count += 1;
        without
    }

    /// Jobs of an owner.
    pub fn count_of(&self, owner: &str) -> usize {
        self.of.get(owner).map_or(0, VecDeque::len)
    }

    /// The next job of the first owner in turn who `may` run one more.
    pub fn next(&mut self, may: impl Fn(&str) -> bool) -> Option<(String, J)> {
        let at = self.turns.iter().position(|owner| may(owner))?;
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

    fn waiting(capacity: usize, jobs: &[(&str, u8)]) -> Turns<u8> {
        let mut waiting = Turns::new(capacity);
        jobs.iter().for_each(|(owner, job)| assert_eq!(waiting.push(owner, *job), None));
        waiting
    }

    #[test]
    fn owners_take_turns() {
        let mut waiting = waiting(9, &[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)]);
        let order: Vec<u8> = std::iter::from_fn(|| waiting.next(|_| true)).map(|(_, job)| job).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn who_may_not_run_one_more_keeps_their_turn() {
        let mut waiting = waiting(9, &[("a", 1), ("b", 2)]);
        assert_eq!(waiting.next(|owner| owner != "a"), Some((String::from("b"), 2)));
        assert_eq!(waiting.next(|owner| owner != "a"), None);
        assert_eq!(waiting.next(|_| true), Some((String::from("a"), 1)));
    }

    #[test]
    fn whoever_fills_all_places_makes_room_for_others() {
        let mut waiting = waiting(3, &[("a", 1), ("a", 2), ("a", 3)]);
        assert_eq!(waiting.push("a", 4), Some(4));
        assert_eq!(waiting.push("b", 5), Some(3));
        assert_eq!(waiting.push("b", 6), Some(6), "two and one: nobody has too many");
        assert_eq!(waiting.push("c", 7), Some(2));
        let mut left = waiting.take();
        left.sort_unstable();
        assert_eq!((left, waiting.push("a", 8)), (vec![1, 5, 7], None));
    }
}
