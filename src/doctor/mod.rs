//! What is wrong with an installation, or soon will be, and what to do about it.
//!
//! May use: `oauth`, `outbox`, `audit`, `identity`, `cx` and below; of `outbound` only whether a client can be made.
//! [`of_settings`] looks at what was configured and needs no open data file, [`of_files`] at files and their disk,
//! [`examine`] at everything. A check is a function that gives a [`Finding`]; nothing is changed. Start reading at
//! [`examine`].

mod certificate;
mod files;
mod installation;
mod machine;
mod names;
mod settings;

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::cx::Cx;

pub use files::of_files;
pub use installation::last_backup;
pub use settings::of_settings;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FindingState)]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// Something does not work, or is not safe.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Finding {
    /// A stable name.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do; `None` when there is nothing to do.
    #[schema(required)]
    pub fix: Option<String>,
}

impl Finding {
    /// A finding that all is well, with what was found.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, state: State::Ok, message: message.into(), fix: None }
    }

    /// Somebody should look at it.
    pub fn warn(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Warn, message: message.into(), fix: Some(fix.into()) }
    }

    /// It does not work, or is not safe.
    pub fn fail(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Fail, message: message.into(), fix: Some(fix.into()) }
    }
}

/// Every check of an open installation, in the order in which people look for faults. A check that cannot be made is a
/// finding itself.
pub fn examine(cx: &Cx) -> Vec<Finding> {
    let mut all = vec![installation::data(cx)];
    all.extend(of_files(&cx.app.settings));
    all.extend([installation::clock(cx), installation::signing_keys(cx), installation::certificate(cx)]);
    all.extend(of_settings(&cx.app.settings));
    all.push(machine::connections(&cx.app.settings));
    all.extend([installation::administrator(cx), installation::apps(cx)]);
    all.extend([names::names(cx), names::identifiers(cx)]);
    all.extend([
        installation::backup(cx),
        installation::policies(cx),
        installation::background_work(cx),
        installation::outbox(cx),
    ]);
    all
}

/// A span of time as people say it: `3 days`, `5 hours`, `1 minute`.
fn span(of: Duration) -> String {
    let seconds = of.as_secs();
    let (count, unit) = match seconds {
        86_400.. => (seconds / 86_400, "day"),
        3600.. => (seconds / 3600, "hour"),
        _ => (seconds / 60, "minute"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A number of bytes as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0x4000_0000.. => format!("{} GiB", bytes >> 30),
        0x10_0000.. => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes >> 10),
    }
}

#[cfg(test)]
mod tests;
