//! What a command is given beside plain words: files (`-` is standard input), JSON objects, and what becomes of flags in the body of a call.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::output::Failure;

/// The text of the file. Errors name the file and say what is wrong.
pub fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|all| text = all)
    };
    read.map_err(|error| Failure::new("unreadable", format!("{} cannot be read: {error}.", file.display())))?;
    Ok(text)
}

/// The object that an argument holds as JSON, for clap.
pub fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|_| String::from("expected a JSON object such as {\"team\":\"ops\"}"))
}

/// The members of a body that were given; the others stay as they are.
pub fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> impl Iterator<Item = (String, Value)> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}
