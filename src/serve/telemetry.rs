//! Logs: one line per event on standard error, for people or as JSON.

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Registry, registry};

use crate::base::Clock;
use crate::base::clock::SystemClock;
use crate::config::{Log, LogFormat};

/// Events of libraries that say nothing an operator could use.
const QUIET: [&str; 4] = ["actix_server=warn", "actix_http=warn", "h2=warn", "hyper_util=warn"];

/// The filter of the running process, to be exchanged.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sends all events of this process to standard error from now on. A second call changes nothing.
pub fn start(log: &Log) {
    let (subscriber, handle) = subscriber(log, io::stderr);
    // An error means that a subscriber is there already.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// Logs at another level from now on; the format stays.
pub fn set_level(log: &Log) {
    if let Some(handle) = FILTER.get() {
        // An error means that the subscriber is gone, with the process.
        let _ = handle.reload(filter(log));
    }
}

fn filter(log: &Log) -> EnvFilter {
    let mut filter = EnvFilter::new(&log.level);
    for directive in QUIET.iter().filter(|directive| !names_same_target(&log.level, directive)) {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    filter
}

fn subscriber<W>(log: &Log, writer: W) -> (Box<dyn Subscriber + Send + Sync>, Handle<EnvFilter, Registry>)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(log));
    let registry = registry().with(filter);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match log.format {
        LogFormat::Text => {
            let ansi = io::stderr().is_terminal();
            let layer = tracing_subscriber::fmt::layer().with_timer(Utc).with_target(false).with_ansi(ansi);
            Box::new(registry.with(layer.with_writer(writer)))
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().json().with_timer(Utc).flatten_event(true);
            Box::new(registry.with(layer.with_current_span(false).with_writer(writer)))
        }
    };
    (subscriber, handle)
}

/// Whether the operator said something about the target of `directive`.
fn names_same_target(level: &str, directive: &str) -> bool {
    directive.split_once('=').is_some_and(|(target, _)| level.contains(target))
}

/// RFC 3339 in UTC with three digits, as everywhere.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", SystemClock.now())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = Log { format, level: level.to_owned() };
        let (subscriber, _handle) = subscriber(&log, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(path = "/token", status = 200, "request");
            tracing::debug!("detail");
            tracing::info!(target: "actix_server::builder", "starting 2 workers");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_is_one_object_with_the_fields_at_its_top() {
        let text = logged(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!((&line["path"], &line["status"]), (&"/token".into(), &200.into()));
        assert_eq!(line["message"], "request");
        let time = line["timestamp"].as_str().unwrap();
        assert_eq!((time.len(), time.ends_with('Z')), (24, true), "{time}");
    }

    #[test]
    fn the_level_decides_what_is_logged_and_libraries_keep_quiet() {
        let text = logged(LogFormat::Text, "info");
        assert_eq!(text.lines().count(), 1, "{text}");
        let text = logged(LogFormat::Text, "debug,actix_server=info");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
