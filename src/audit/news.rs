//! What was told lately: a log that the same event can fill a thousand times a second is no log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Entry;
use crate::base::Moment;
use crate::cx::Cx;

/// For how long the same event is not told again.
const QUIET: Duration = Duration::from_secs(60);

/// Events remembered at once. What comes above them is not told.
const MOST: usize = 10_000;

/// What was told, and when. Kept for the life of the process.
#[derive(Default)]
struct Told(Mutex<HashMap<String, Moment>>);

/// Whether this event was not told within the last minute. If so it counts as told from now on.
pub fn is_news(cx: &Cx, event: String) -> bool {
    cx.home.shared.of::<Told>().is_news(event, cx.now)
}

/// Puts an event in the log that strangers can repeat at will, or that happens too often for a row each: once a minute for what `event`
/// names, from one address. Nobody waits for it, and what is not news costs no more than this question.
pub fn tell(cx: &Cx, event: &str, entry: impl FnOnce() -> Entry) {
    let from = cx.request.origin().unwrap_or_else(|| String::from("local"));
    if is_news(cx, format!("{event} {from}")) {
        let (at, entry) = (cx.clone(), entry());
        cx.store().write_unwatched(move |tx| entry.append(tx, &at));
    }
}

impl Told {
    fn is_news(&self, event: String, now: Moment) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |at: &Moment| now.since(*at) >= QUIET || *at > now;
        if told.get(&event).is_some_and(|at| !is_old(at)) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| !is_old(at));
        }
        told.len() < MOST && told.insert(event, now).is_none_or(|at| is_old(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::START;

    #[test]
    fn the_same_event_is_news_once_a_minute_and_another_one_at_once() {
        let told = Told::default();
        let later = |seconds| START.plus(Duration::from_secs(seconds));
        let asked = [("a", 0), ("a", 59), ("b", 59), ("a", 60), ("a", 61)];
        let news = asked.map(|(event, seconds)| told.is_news(event.to_owned(), later(seconds)));
        assert_eq!(news, [true, false, true, true, false]);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let told = Told::default();
        let news = (0..MOST + 5).filter(|n| told.is_news(n.to_string(), START)).count();
        assert_eq!(news, MOST);
        assert!(told.is_news(String::from("later"), START.plus(QUIET)));
    }
}
