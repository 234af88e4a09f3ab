//! Files that a command reads; `-` is standard input.

use std::io::Read as _;
use std::path::Path;

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
