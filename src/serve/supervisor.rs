//! What systemd is told (sd_notify(3)): that the server serves, that it stops, and as long as it is well, that it is.
//! Under any other supervisor nothing is said.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::cx::Current;

/// Tells the supervisor, if it listens (`NOTIFY_SOCKET`).
pub(super) fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the supervisor could not be told the state of the server");
    }
}

/// Tells that requests are answered now, and then twice in each period of the watchdog (`WATCHDOG_USEC`) that rows can
/// be read. Without a watchdog it ends at once.
pub(super) async fn keep(app: Current) {
    tell(&[NotifyState::Ready]);
    let Some(period) = sd_notify::watchdog_enabled().filter(|period| !period.is_zero()) else { return };
    let pause = (period / 2).max(Duration::from_millis(1));
    loop {
        match app.load().store.read() {
            Ok(_) => tell(&[NotifyState::Watchdog]),
            Err(error) => tracing::error!(%error, "the data file does not answer; the watchdog is not told"),
        }
        tokio::time::sleep(pause).await;
    }
}
