//! Where a setting was typed, and what is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// The place a value comes from, in the order in which mistakes are reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    /// A line of a file; no line when the whole file is meant.
    File {
        /// The file as it was named.
        #[serde(serialize_with = "lossy")]
        path: PathBuf,
        /// Counted from 1.
        line: Option<usize>,
    },
    /// An environment variable.
    Env {
        /// The name of the variable.
        variable: String,
    },
    /// A command-line flag.
    Flag {
        /// Its name with the dashes.
        name: &'static str,
    },
    /// Nobody typed it.
    Default,
}

/// JSON holds Unicode only; a path may not be.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Env { variable } => f.write_str(variable),
            Self::Flag { name } => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing wrong with the configuration, or worth a look. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Where it was typed.
    pub place: Source,
    /// What is wrong, naming the key.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Mistake {
    /// A mistake at `place`.
    pub fn new(place: Source, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, what: one_line(what.into()), remedy: one_line(remedy.into()) }
    }
}

/// What was typed may hold line ends and control characters, and is quoted here and there.
fn one_line(text: String) -> String {
    match crate::base::text::shown(&text) {
        std::borrow::Cow::Owned(told) => told,
        std::borrow::Cow::Borrowed(_) => text,
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.remedy)
    }
}

/// Everything that is wrong with the configuration: prints one mistake per line, by place.
#[derive(Debug, thiserror::Error)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// The mistakes, sorted by place.
    pub fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by(|one, two| one.place.cmp(&two.place));
        Self(mistakes)
    }

    /// The mistakes in the order in which they are printed.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_print_one_per_line_in_the_order_of_the_file() {
        let at = |line| Source::File { path: PathBuf::from("auther.toml"), line: Some(line) };
        let mistakes = Mistakes::new(vec![
            Mistake::new(Source::Flag { name: "--tls" }, "c", "r"),
            Mistake::new(at(10), "b", "r"),
            Mistake::new(at(9), "a", "r"),
        ]);
        let odd = Mistake::new(Source::Default, "unknown key `a\n\u{1b}é`", "r");
        assert_eq!(odd.to_string(), "default: unknown key `a\\n\\u{1b}é`; r");
        assert_eq!(mistakes.to_string(), "auther.toml:9: a; r\nauther.toml:10: b; r\n--tls: c; r");
    }
}
