//! What must happen once, however many processes serve the same data.

use crate::base::Moment;

/// The right to do something until a moment, which no other process has meanwhile (see [`super::Store::lease`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "without the lease the work must be left alone"]
pub struct Lease {
    name: String,
    until: Moment,
}

impl Lease {
    pub(super) fn new(name: &str, until: Moment) -> Self {
        Self { name: name.to_owned(), until }
    }

    /// What may be done.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The end: from this moment on another process may have the lease.
    pub fn until(&self) -> Moment {
        self.until
    }

    /// Whether the work may go on at `now`.
    pub fn holds(&self, now: Moment) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::{Error, Options, Store};

    const TERM: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(1_000 + seconds)
    }

    #[tokio::test]
    async fn one_of_two_processes_has_a_lease_until_it_ends_or_is_given_back() {
        let [first, second] = Store::two_in_memory();
        let asked = |store: &Store, name: &'static str, seconds| {
            let store = store.clone();
            async move { store.lease(name, at(seconds), TERM).await.unwrap() }
        };
        let held = asked(&first, "sweep", 0).await.unwrap();
        assert_eq!((held.name(), held.until()), ("sweep", at(60)));
        assert_eq!(asked(&second, "sweep", 59).await, None);
        assert!(asked(&second, "rotate", 59).await.is_some(), "another name is another lease");
        let longer = asked(&first, "sweep", 30).await.unwrap();
        assert_eq!(asked(&second, "sweep", 89).await, None, "it was prolonged");
        assert_eq!((longer.holds(at(89)), longer.holds(at(90))), (true, false));
        let taken = asked(&second, "sweep", 90).await.unwrap();
        first.give_back(longer).await.unwrap();
        assert_eq!(asked(&first, "sweep", 91).await, None, "who has lost a lease cannot give back that of another");
        second.give_back(taken).await.unwrap();
        assert!(asked(&first, "sweep", 91).await.is_some());
    }

    #[tokio::test]
    async fn a_data_file_always_gives_a_lease_and_a_closed_store_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("auther.redb"), &Options::default()).unwrap();
        for _ in 0..2 {
            assert!(store.lease("sweep", at(0), TERM).await.unwrap().is_some());
        }
        let commits = store.commits();
        store.close();
        assert_eq!(store.lease("sweep", at(0), TERM).await, Err(Error::Closed));
        assert_eq!(commits, 0, "nothing is written for it");
    }
}
