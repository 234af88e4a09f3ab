//! What became of the background work: which piece of it failed, how often in a row, and from when on it is tried
//! again. One for the life of the process; what is lost with it is how long to wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Moment, Uptime};

/// What became of every job, by its name.
#[derive(Debug, Default)]
pub struct Progress(Mutex<BTreeMap<&'static str, Job>>);

/// What became of one job.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// When it was last done, by this process.
    pub done: Option<Moment>,
    /// How often it has failed since then.
    pub failures: u32,
    /// What it failed with last; `None` once it is done.
    pub error: Option<String>,
    /// Before this it is not tried again.
    pub pause: Uptime,
}

impl Progress {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<&'static str, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a job may be tried: it did not fail, or its pause is over.
    pub fn may_try(&self, name: &str, now: Uptime) -> bool {
        self.jobs().get(name).is_none_or(|job| job.pause <= now)
    }

    /// Notes that a job is done.
    pub fn done(&self, name: &'static str, at: Moment) {
        self.jobs().insert(name, Job { done: Some(at), ..Job::default() });
    }

    /// Notes that a job failed. `pause` says for how long it waits, by the number of failures in a row; answers both.
    pub fn failed(
        &self,
        name: &'static str,
        error: String,
        now: Uptime,
        pause: impl FnOnce(u32) -> Duration,
    ) -> (u32, Duration) {
        let mut jobs = self.jobs();
        let job = jobs.entry(name).or_default();
        job.failures = job.failures.saturating_add(1);
        job.error = Some(error);
        let pause = pause(job.failures);
        job.pause = now.plus(pause);
        (job.failures, pause)
    }

    /// What became of every job that was tried.
    pub fn all(&self) -> Vec<(&'static str, Job)> {
        self.jobs().iter().map(|(name, job)| (*name, job.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_failed_waits_and_one_that_is_done_has_not_failed() {
        let (progress, now) = (Progress::default(), Uptime::from_millis(1_000));
        let wait = |failures: u32| Duration::from_secs(failures.into());
        assert!(progress.may_try("sweep", now));
        assert_eq!(progress.failed("sweep", String::from("full"), now, wait), (1, Duration::from_secs(1)));
        assert_eq!(progress.failed("sweep", String::from("full"), now, wait), (2, Duration::from_secs(2)));
        assert!(progress.may_try("rotate", now), "another job does not wait");
        assert!(!progress.may_try("sweep", now.plus(Duration::from_millis(1_999))));
        assert!(progress.may_try("sweep", now.plus(Duration::from_secs(2))));
        progress.done("sweep", Moment::from_millis(5));
        let all = progress.all();
        assert_eq!((all.len(), all[0].1.failures, all[0].1.done), (1, 0, Some(Moment::from_millis(5))));
        assert!(progress.may_try("sweep", now));
    }
}
