//! Logs: one line per event on standard error, for people or as JSON.
//!
//! May use: what `serve` may. Start reading at [`start`]; `lines` is how they get there.

mod lines;

use std::fmt::{self, Debug, Write};
use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Registry, registry};

use self::lines::Lines;
use crate::base::Clock;
use crate::base::clock::SystemClock;
use crate::base::text::is_steering;
use crate::config::{Log, LogFormat, Settings};

/// Events of libraries that say nothing an operator could use.
const QUIET: [&str; 4] = ["actix_server=warn", "actix_http=warn", "h2=warn", "hyper_util=warn"];

/// The filter of the running process, to be exchanged.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// The lines of the running process that are on their way.
static LINES: OnceLock<Lines<io::Stderr>> = OnceLock::new();

/// Sends all events of this process to standard error from now on. A second call changes nothing.
pub fn start(log: &Log) {
    let (lines, is_gathering) = Lines::start(io::stderr());
    let (subscriber, handle) = if is_gathering { subscriber(log, lines.clone()) } else { subscriber(log, io::stderr) };
    // An error means that a subscriber is there already.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = (FILTER.set(handle), LINES.set(lines));
    }
}

/// Writes the lines that are on their way: before the process ends.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush();
    }
}

/// Logs at another level from now on; the format stays.
pub fn set_level(log: &Log) {
    if let Some(handle) = FILTER.get() {
        // An error means that the subscriber is gone, with the process.
        let _ = handle.reload(filter(log));
    }
}

/// Warns of every setting that was accepted and does not do what it seems to.
pub fn warn_of(settings: &Settings) {
    for warning in &settings.warnings {
        tracing::warn!(place = %warning.place, "{}; {}", warning.what, warning.remedy);
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
            let layer = tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).event_format(Line);
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

/// A line for people: `TIME LEVEL message name=value …`. There is one for every request, so it takes no detour.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'l> registry::LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (colour, level) = match *event.metadata().level() {
            Level::ERROR => ("31", "ERROR"),
            Level::WARN => ("33", " WARN"),
            Level::INFO => ("32", " INFO"),
            Level::DEBUG => ("34", "DEBUG"),
            Level::TRACE => ("35", "TRACE"),
        };
        let time = SystemClock.now();
        if writer.has_ansi_escapes() {
            write!(writer, "\u{1b}[2m{time}\u{1b}[0m \u{1b}[{colour}m{level}\u{1b}[0m")?;
        } else {
            writer.write_str(&time.rfc3339())?;
            writer.write_char(' ')?;
            writer.write_str(level)?;
        }
        let mut fields = Fields { writer: OneLine(&mut writer), written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        writer.write_char('\n')
    }
}

/// Writes the fields of an event: the message as it is, texts in quotation marks.
struct Fields<'w, W> {
    writer: OneLine<'w, W>,
    written: fmt::Result,
}

impl<W: Write> Fields<'_, W> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.written = self.written.and_then(|()| {
            self.writer.0.write_char(' ')?;
            if field.name() != "message" {
                self.writer.0.write_str(field.name())?;
                self.writer.0.write_char('=')?;
            }
            self.writer.write_fmt(value)
        });
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, format_args!("{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, format_args!("{value}"));
    }
}

/// Escapes control characters and those that are not seen: nobody who is quoted in a line can begin another, or steer a
/// terminal.
struct OneLine<'w, W>(&'w mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(is_steering) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| match c {
            steering if is_steering(steering) => write!(self.0, "{}", steering.escape_default()),
            other => self.0.write_char(other),
        })
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
    fn a_line_has_time_level_message_and_fields_and_stays_one_line() {
        let text = logged(LogFormat::Text, "info");
        let (time, rest) = text.split_at(24);
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        assert_eq!(rest, "  INFO request path=\"/token\" status=200\n");
        let lines = Lines::default();
        let writer = lines.clone();
        let log = Log { format: LogFormat::Text, level: String::from("info") };
        let (subscriber, _handle) = subscriber(&log, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let quoted = "a\n2026-01-31T12:00:00.000Z  INFO forged \u{1b}[2J";
            tracing::warn!(display = %quoted, text = quoted, "{quoted}");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!((text.lines().count(), text.contains('\u{1b}')), (1, false), "{text}");
    }

    #[test]
    fn the_level_decides_what_is_logged_and_libraries_keep_quiet() {
        let text = logged(LogFormat::Text, "info");
        assert_eq!(text.lines().count(), 1, "{text}");
        let text = logged(LogFormat::Text, "debug,actix_server=info");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
