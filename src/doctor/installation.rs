//! What an open data file tells.

use std::time::Duration;

use super::certificate::end_of_file;
use super::{Finding, size, span};
use crate::access::switched_off;
use crate::audit::{self, Filter};
use crate::base::Moment;
use crate::base::page::PageRequest;
use crate::config::Tls;
use crate::crypto::certificate::end;
use crate::crypto::keyring::KeyState;
use crate::cx::Cx;
use crate::identity::users;
use crate::oauth::clients::protection;
use crate::oauth::keys;
use crate::outbox;
use crate::records::Algorithm;
use crate::store::rows::certificates::{self, Role};
use crate::store::rows::{self, marks};
use crate::store::{self, Order, Read};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Clocks of machines that talk to each other differ by this much without anybody noticing.
const SLACK: Duration = Duration::from_secs(5 * 60);

/// 2026-01-01T00:00:00Z: this program was not there earlier.
const FIRST: Moment = Moment::from_seconds(1_767_225_600);

/// How late a rotation may be: the server looks at its clock a few times a minute.
const LATE: Duration = Duration::from_secs(60 * 60);

/// How long before its end a certificate should have been renewed.
const RENEW: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How old the latest backup may be.
const BACKUP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A check whose own reading failed.
pub(super) fn unread(name: &'static str, error: &dyn std::fmt::Display) -> Finding {
    let fix = "Look into the server's log. If the disk is sound, restore the latest backup with `auther admin backup restore`.";
    Finding::fail(name, format!("The data file could not be read: {error}."), fix)
}

/// The data file answers.
pub fn data(cx: &Cx) -> Finding {
    const NAME: &str = "data_file";
    let path = &cx.app.settings.data;
    match cx.read() {
        Err(error) => unread(NAME, &error),
        Ok(_) => match std::fs::metadata(path) {
            Ok(facts) => Finding::ok(NAME, format!("{} is open: {}.", path.display(), size(facts.len()))),
            Err(_) => Finding::ok(NAME, "The data file is open."),
        },
    }
}

/// Time only goes forward: everything that was written was written before now.
pub fn clock(cx: &Cx) -> Finding {
    const NAME: &str = "clock";
    const FIX: &str = "Set the clock and keep it right with NTP. Tokens, sessions and links end by it.";
    if cx.now < FIRST {
        return Finding::fail(NAME, format!("The clock of this machine says {}.", cx.now), FIX);
    }
    let newest = PageRequest::new(Some(1), None);
    let latest = match audit::page(cx, &Filter::default(), Order::Descending, &newest) {
        Ok(page) => page.items.first().map(|row| row.at),
        Err(error) => return unread(NAME, &error),
    };
    match latest.filter(|at| *at > cx.now.plus(SLACK)) {
        Some(at) => {
            let behind = span(at.since(cx.now));
            let message = format!("The clock says {}, {behind} before the latest entry of the audit log.", cx.now);
            Finding::fail(NAME, message, FIX)
        }
        None => match cx.process().clock_steps.last() {
            Some(step) if cx.uptime.since(step.noticed) < DAY => {
                let by = span(Duration::from_millis(step.millis.unsigned_abs()));
                let how = if step.millis < 0 { "was set back by" } else { "was set forward, or the machine slept, by" };
                let message =
                    format!("The clock says {}. While the server ran it {how} {by}, as seen at {}.", cx.now, step.at);
                Finding::warn(NAME, message, FIX)
            }
            _ => Finding::ok(NAME, format!("The clock says {}.", cx.now)),
        },
    }
}

/// What is done by the clock: rotation, renewal, removal.
pub fn background_work(cx: &Cx) -> Finding {
    const NAME: &str = "background_work";
    let failing: Vec<String> = cx
        .process()
        .jobs
        .all()
        .into_iter()
        .filter_map(|(name, job)| {
            let times = if job.failures == 1 { "once".into() } else { format!("{} times in a row", job.failures) };
            let last =
                job.done.map_or_else(|| String::from("never done"), |at| format!("last done at {}", at.rfc3339()));
            job.error.map(|error| format!("{name} failed {times}, {last}: {error}"))
        })
        .collect();
    if failing.is_empty() {
        return Finding::ok(NAME, "Nothing that is done by the clock has failed.");
    }
    Finding::warn(
        NAME,
        format!("{}.", failing.join("; ")),
        "It is tried again. Remove the cause that the message names.",
    )
}

/// What is delivered to others, and what was given up.
pub fn outbox(cx: &Cx) -> Finding {
    const NAME: &str = "outbox";
    let (all, waiting) =
        match cx.read().and_then(|from| Ok((rows::outbox::count(&from)?, rows::outbox::waiting(&from)?))) {
            Ok(counts) => counts,
            Err(error) => return unread(NAME, &error),
        };
    let dead = all.saturating_sub(waiting);
    if all >= outbox::MOST {
        let message = format!("The outbox is full: {waiting} deliveries wait and {dead} were given up.");
        let fix =
            "Look at `auther admin outbox list`, remove what makes them fail, and delete what is not wanted any more.";
        return Finding::fail(NAME, message, fix);
    }
    if dead > 0 {
        let message = format!("{dead} deliveries were given up, and {waiting} wait.");
        let fix = "Look at `auther admin outbox list --state dead`, then use `auther admin outbox retry` or `delete`.";
        return Finding::warn(NAME, message, fix);
    }
    Finding::ok(NAME, format!("{waiting} deliveries wait, and none was given up."))
}

/// Every algorithm has a key that signs, and keys are changed when it is time.
pub fn signing_keys(cx: &Cx) -> Finding {
    const NAME: &str = "signing_keys";
    let (all, due) = match keys::list(cx).and_then(|all| Ok((all, keys::next_due(cx)?))) {
        Ok(found) => found,
        Err(error) => return unread(NAME, &error),
    };
    let mut ages = Vec::new();
    for algorithm in Algorithm::ALL {
        let current = all.iter().find(|key| key.alg == algorithm && key.state == KeyState::Current);
        let Some(since) = current.and_then(|key| key.activated_at) else {
            let message = format!("There is no key that signs {algorithm}.");
            return Finding::warn(NAME, message, "A running server makes it within a minute; else look into its log.");
        };
        ages.push(format!("{algorithm} for {}", span(cx.now.since(since))));
    }
    let signing = format!("Keys have been signing: {}.", ages.join(", "));
    match due {
        Some(due) if due.plus(LATE) < cx.now => {
            let message = format!("{signing} They should have been rotated {} ago.", span(cx.now.since(due)));
            Finding::warn(
                NAME,
                message,
                "A running server rotates by itself; else look into its log, or run `auther admin key rotate`.",
            )
        }
        Some(due) => Finding::ok(NAME, format!("{signing} Next change: {due}.")),
        None => Finding::ok(NAME, signing),
    }
}

/// The certificate is renewed in time.
pub fn certificate(cx: &Cx) -> Finding {
    const NAME: &str = "certificate";
    let (until, fix) = match &cx.app.settings.tls {
        Tls::Off => return Finding::ok(NAME, "TLS ends elsewhere, so no certificate of this server ends."),
        Tls::Files { cert, .. } => match end_of_file(cert) {
            Ok(until) => {
                (until, "Renew it and put the new one into the same files: they are read again when they change.")
            }
            Err(problem) => return Finding::fail(NAME, format!("{problem}."), "Correct tls.cert."),
        },
        Tls::LocalCa => match cx.read().and_then(|from| certificates::find(&from, Role::Leaf)) {
            Ok(Some(leaf)) => {
                let until = end(&leaf.pem).unwrap_or(leaf.not_after);
                (until, "A running server renews it by itself: start it, or look into its log.")
            }
            Ok(None) => return Finding::ok(NAME, "The server makes its certificate when it starts."),
            Err(error) => return unread(NAME, &error),
        },
    };
    if until <= cx.now {
        Finding::fail(NAME, format!("The certificate ended at {until}."), fix)
    } else if until < cx.now.plus(RENEW) {
        Finding::warn(NAME, format!("The certificate ends in {}, at {until}.", span(until.since(cx.now))), fix)
    } else {
        Finding::ok(NAME, format!("The certificate lasts until {until}."))
    }
}

/// Somebody can administer.
pub fn administrator(cx: &Cx) -> Finding {
    const NAME: &str = "administrator";
    match users::first_administrator(cx) {
        Ok(Some(_)) => Finding::ok(NAME, "There is an administrator who can sign in."),
        Ok(None) => {
            let message = "There is no administrator who could sign in.";
            Finding::warn(
                NAME,
                message,
                "Open the link that `auther admin setup-link` prints; after the first time use `auther admin recover EMAIL`.",
            )
        }
        Err(error) => unread(NAME, &error),
    }
}

/// Apps named in one finding.
const NAMED: usize = 5;

/// Every app can tell its own sign-ins from those that somebody else began.
pub fn apps(cx: &Cx) -> Finding {
    const NAME: &str = "apps";
    let bare = match protection::bare_apps(cx) {
        Ok(bare) => bare,
        Err(error) => return unread(NAME, &error),
    };
    if bare.is_empty() {
        return Finding::ok(NAME, "The sign-ins of the last 7 days carried PKCE, a nonce or a state.");
    }
    let mut names: Vec<String> = bare.iter().take(NAMED).map(|app| format!("{} ({})", app.name, app.id)).collect();
    if bare.len() > NAMED {
        names.push(format!("{} more", bare.len() - NAMED));
    }
    let message = format!(
        "Sign-ins of the last 7 days carried neither PKCE, nor a nonce, nor a state, for these apps: {}. Somebody can sign people in to \
         them as another person.",
        names.join(", ")
    );
    let fix = "Let the app send a state and compare it when it comes back, or use PKCE: most OpenID Connect libraries do both by themselves.";
    Finding::warn(NAME, message, fix)
}

/// When a backup was made with this program last. Copies that others make of the disk are not known here.
pub fn last_backup(from: &impl Read) -> Result<Option<Moment>, store::Error> {
    Ok(marks::value(from, marks::LAST_BACKUP)?.and_then(|text| Moment::parse_rfc3339(&text)))
}

/// A copy was made lately.
pub fn backup(cx: &Cx) -> Finding {
    const NAME: &str = "backup";
    const FIX: &str = "Run `auther admin backup create FILE` every day, and keep the copies on another machine.";
    match cx.read().and_then(|from| last_backup(&from)) {
        Ok(Some(at)) => {
            let age = cx.now.since(at);
            let ago = if age < DAY { String::from("less than a day") } else { span(age) };
            let message = format!("The latest backup was made {ago} ago.");
            if age > BACKUP { Finding::warn(NAME, message, FIX) } else { Finding::ok(NAME, message) }
        }
        Ok(None) => Finding::warn(NAME, "Whether there are backups is not known: none was made with Auther yet.", FIX),
        Err(error) => unread(NAME, &error),
    }
}

/// No policy had to be switched off.
pub fn policies(cx: &Cx) -> Finding {
    const NAME: &str = "policies";
    let lost = cx.app.scripts.lost_threads();
    match switched_off::list(cx) {
        Err(error) => unread(NAME, &error),
        Ok(off) if off.is_empty() && lost == 0 => Finding::ok(NAME, "All policies are run."),
        Ok(off) => {
            let about: Vec<&str> = off.iter().take(5).map(|row| row.about.as_str()).collect();
            let more = if off.len() > about.len() { " and others" } else { "" };
            let which = if about.is_empty() { String::new() } else { format!(" of {}{more}", about.join(", ")) };
            let message = format!(
                "{} switched off, because they did not come back{which}. They deny. Threads that are lost to them: {lost}.",
                if off.len() == 1 { String::from("1 policy is") } else { format!("{} policies are", off.len()) },
            );
            let fix = "Change the policy, or list it with `auther admin policy switched-off` and run `auther admin policy switch-on DIGEST`. \
                       A lost thread ends with the server.";
            Finding::warn(NAME, message, fix)
        }
    }
}
