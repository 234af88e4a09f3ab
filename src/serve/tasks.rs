//! Background work: looks at the clock now and again, and does every job that is due. Everything is due by the
//! installation's clock.
//!
//! Which jobs there are: [`jobs`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::jobs::{self, Error, Job, Work};
use super::listen;
use super::tls::Tls;
use crate::base::backoff::Backoff;
use crate::config::Settings;
use crate::cx::{Application, Current, Cx, Turn};
use crate::store;

/// How often the clock is asked.
const EVERY: Duration = Duration::from_secs(15);

/// Between two looks at the least.
const LEAST: Duration = Duration::from_secs(1);

/// For how long nothing is removed after the clock was set forward.
const DOUBT: Duration = Duration::from_secs(60 * 60);

/// Between a failure of a job and its next try.
const RETRY: Backoff = Backoff { first: EVERY, longest: Duration::from_secs(10 * 60) };

/// The background work of one installation.
pub struct Tasks {
    app: Current,
    tls: Option<Arc<Tls>>,
    /// One at a time: the timer and a test may both ask.
    turn: Mutex<()>,
}

impl Tasks {
    pub(super) fn new(app: Current, tls: Option<Arc<Tls>>) -> Self {
        if let Err(error) = wake_by_commits(&app.load()) {
            tracing::warn!(%error, "what is put into the outbox waits for the next look at the clock");
        }
        Self { app, tls, turn: Mutex::new(()) }
    }

    /// The installation as it is configured at the moment.
    pub fn app(&self) -> Arc<Application> {
        self.app.load()
    }

    /// The right to change the settings: take it before they are read.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.app.turn().await
    }

    /// Requests and background work see these settings from now on. The issuer stays as it is served.
    pub(super) fn reconfigure(&self, turn: &Turn<'_>, settings: Settings) {
        turn.reconfigure(listen::with_issuer_of(settings, &self.app.load().settings));
    }

    /// The certificate, if TLS is ours.
    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Does every job that is due now, and waits for all of them; one that fails does not stop the others, and is left
    /// alone for a while. Errors: the first failure.
    pub async fn settle(&self) -> Result<(), Error> {
        self.settle_all(jobs::ALL).await
    }

    /// Settles now and again until it is dropped: when the next job is due, when something was put into the outbox, and
    /// every 15 seconds.
    pub(super) async fn keep(self: Arc<Self>) {
        let wake = Arc::clone(&self.app.load().process.outbox_wake);
        loop {
            // Failures are logged where they happen.
            let _ = self.settle().await;
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = wake.wait() => {}
            }
        }
    }

    /// How long until the next job is due that is not due now. What is due now has failed, or is looked at every time.
    fn pause(&self) -> Duration {
        let cx = Cx::for_system(self.app.load());
        let work = Work { cx: &cx, tls: self.tls.as_ref() };
        let due = jobs::ALL.iter().filter_map(|job| (job.due)(&work).ok().flatten());
        let next = due.filter(|due| *due > cx.now).min();
        next.map_or(EVERY, |next| next.since(cx.now)).clamp(LEAST, EVERY)
    }

    async fn settle_all(&self, jobs: &[Job]) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let cx = Cx::for_system(self.app.load());
        let may_remove = clock_is_steady(&cx);
        let work = Work { cx: &cx, tls: self.tls.as_ref() };
        let jobs = jobs.iter().filter(|job| may_remove || !job.removes);
        let done = join_all(jobs.map(|job| attempt(job, &work))).await;
        done.into_iter().collect()
    }
}

/// Has the background work woken by a commit that put something into the outbox.
fn wake_by_commits(app: &Application) -> Result<(), store::Error> {
    let wake = Arc::clone(&app.process.outbox_wake);
    let hear = move |_: &store::Commit<'_>| {
        wake.committed();
        true
    };
    app.store.follow(app.store.read()?.revision()?, hear).map(drop)
}

/// Does a job if it is due, its pause is over and no other process does it.
async fn attempt(job: &Job, work: &Work<'_>) -> Result<(), Error> {
    let cx = work.cx;
    let progress = &cx.process().jobs;
    if !progress.may_try(job.name, cx.uptime) {
        return Ok(());
    }
    match run(job, work).await {
        Ok(true) => progress.done(job.name, cx.now),
        Ok(false) => {}
        Err(error) => {
            let pause = |failures| RETRY.pause(failures, cx.entropy());
            let (failures, pause) = progress.failed(job.name, error.to_string(), cx.uptime, pause);
            let (name, seconds) = (job.name, pause.as_secs());
            tracing::error!(job = name, failures, %error, "background work failed; it is tried again in {seconds} seconds");
            return Err(error);
        }
    }
    Ok(())
}

/// Answers whether there was something to do.
async fn run(job: &Job, work: &Work<'_>) -> Result<bool, Error> {
    let (cx, store) = (work.cx, work.cx.store());
    if (job.due)(work)?.is_none_or(|due| due > cx.now) {
        return Ok(false);
    }
    let Some(lease) = store.lease(job.name, cx.now, job.lease).await? else { return Ok(false) };
    let done = (job.run)(work).await;
    let given_back = store.give_back(lease).await;
    // What the job says matters more than the lease, which ends by itself.
    done?;
    given_back?;
    Ok(true)
}

/// Looks whether the clock was set; answers whether it may be believed when it says that something has ended.
fn clock_is_steady(cx: &Cx) -> bool {
    let steps = &cx.process().clock_steps;
    if let Some(step) = steps.look(cx.now, cx.uptime) {
        let (by, now) = (step.millis / 1000, cx.now);
        tracing::warn!(seconds = by, %now, "the clock was set, or the machine slept: look at it, since sessions, links and tokens end by it");
    }
    !steps.last().is_some_and(|step| step.millis > 0 && cx.uptime.since(step.noticed) < DOUBT)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::doctor;
    use crate::testing::{TestApp, block_on};

    static WELL: AtomicUsize = AtomicUsize::new(0);
    static BADLY: AtomicUsize = AtomicUsize::new(0);

    fn at_once(work: &Work<'_>) -> Result<Option<crate::base::Moment>, Error> {
        Ok(Some(work.cx.now))
    }

    fn later(work: &Work<'_>) -> Result<Option<crate::base::Moment>, Error> {
        Ok(Some(work.cx.now.plus(Duration::from_millis(1))))
    }

    fn plain(name: &'static str) -> Job {
        Job { name, due: at_once, run: |_| Box::pin(async { Ok(()) }), removes: false, lease: Duration::from_secs(1) }
    }

    #[test]
    fn a_job_that_fails_stops_no_other_and_is_tried_again_after_growing_pauses() {
        let fails = Job {
            run: |_| {
                BADLY.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Err(Error::Store(store::Error::Full)) })
            },
            ..plain("fails")
        };
        let works = Job {
            run: |_| {
                WELL.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Ok(()) })
            },
            ..plain("works")
        };
        let app = TestApp::new();
        let tasks = Tasks::new(Arc::clone(&app.parts).into(), None);
        let jobs = [fails, works];
        let settle = || block_on(tasks.settle_all(&jobs)).is_ok();
        let counts = || (BADLY.load(Ordering::SeqCst), WELL.load(Ordering::SeqCst));
        assert!(!settle());
        assert_eq!(counts(), (1, 1));
        assert!(settle(), "it is left alone for a while");
        assert_eq!(counts(), (1, 2));
        app.advance(RETRY.first);
        assert!(!settle());
        // The second pause may be as long as the first one was, or twice that.
        app.advance(RETRY.first / 2);
        assert!(settle());
        app.advance(RETRY.first * 2);
        assert!(!settle());
        assert_eq!(counts(), (3, 5));
        let findings = doctor::examine(&app.cx());
        let finding = findings.iter().find(|finding| finding.name == "background_work").unwrap();
        assert_eq!(finding.state, doctor::State::Warn);
        assert!(
            finding.message.contains("fails") && finding.message.contains("3 times in a row, never done"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_lease_that_cannot_be_given_back_does_not_hide_why_its_job_failed() {
        let closes = Job {
            run: |work| {
                Box::pin(async {
                    work.cx.store().close();
                    Err(Error::Store(store::Error::Full))
                })
            },
            ..plain("closes")
        };
        let app = TestApp::new();
        let tasks = Tasks::new(Arc::clone(&app.parts).into(), None);
        let failed = block_on(tasks.settle_all(&[closes]));
        assert!(matches!(failed, Err(Error::Store(store::Error::Full))), "{failed:?}");
    }

    #[test]
    fn only_what_is_due_is_done_and_nothing_is_removed_while_the_clock_is_in_doubt() {
        let app = TestApp::new();
        let tasks = Tasks::new(Arc::clone(&app.parts).into(), None);
        let jobs = [plain("now"), Job { due: later, ..plain("later") }, Job { removes: true, ..plain("removes") }];
        block_on(tasks.settle_all(&jobs)).unwrap();
        let progress = &app.parts.process.jobs;
        let names = || progress.all().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(), ["now", "removes"]);
        let first = progress.all()[1].1.done;
        app.clock.set(app.cx().now.plus(Duration::from_secs(86_400)));
        block_on(tasks.settle_all(&jobs)).unwrap();
        assert_eq!(progress.all()[1].1.done, first, "the clock was set forward");
        assert_ne!(progress.all()[0].1.done, first);
        app.advance(DOUBT);
        block_on(tasks.settle_all(&jobs)).unwrap();
        assert_ne!(progress.all()[1].1.done, first);
    }

    #[test]
    fn every_job_has_a_name_of_its_own_and_an_installation_without_data_settles() {
        let names: std::collections::BTreeSet<_> = jobs::ALL.iter().map(|job| job.name).collect();
        assert_eq!(names.len(), jobs::ALL.len());
        let app = TestApp::new();
        block_on(Tasks::new(Arc::clone(&app.parts).into(), None).settle()).unwrap();
        let done = app.parts.process.jobs.all();
        let commits = app.parts.store.commits();
        assert!(done.iter().all(|(name, job)| job.error.is_none() && names.contains(name)), "{done:?}");
        block_on(Tasks::new(Arc::clone(&app.parts).into(), None).settle()).unwrap();
        assert_eq!(app.parts.store.commits(), commits, "with nothing to do nothing is written");
    }
}
