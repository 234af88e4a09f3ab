//! Logs: one line per event on standard error, for people or as JSON.

use std::io;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::base::Clock;
use crate::base::clock::SystemClock;
use crate::config::{Log, LogFormat};

/// Events of libraries that say nothing an operator could use.
const QUIET: [&str; 4] = ["actix_server=warn", "actix_http=warn", "h2=warn", "hyper_util=warn"];

/// Sends all events of this process to standard error from now on. A second call changes nothing.
pub fn start(log: &Log) {
    // An error means that a subscriber is there already.
    let _ = tracing::subscriber::set_global_default(subscriber(log, io::stderr));
}

fn subscriber<W>(log: &Log, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let mut filter = EnvFilter::new(&log.level);
    for directive in QUIET.iter().filter(|directive| !names_same_target(&log.level, directive)) {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let registry = registry().with(filter);
    match log.format {
        LogFormat::Text => {
            let ansi = std::io::IsTerminal::is_terminal(&io::stderr());
            let layer = tracing_subscriber::fmt::layer().with_timer(Utc).with_target(false).with_ansi(ansi);
            Box::new(registry.with(layer.with_writer(writer)))
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().json().with_timer(Utc).flatten_event(true);
            Box::new(registry.with(layer.with_current_span(false).with_writer(writer)))
        }
    }
}

/// Whether the operator said something about the target of `directive`.
fn names_same_target(level: &str, directive: &str) -> bool {
    directive.split_once('=').is_some_and(|(target, _)| level.contains(target))
}

/// RFC 3339 in UTC with three digits, as everywhere.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
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
        tracing::subscriber::with_default(subscriber(&log, move || writer.clone()), || {
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
