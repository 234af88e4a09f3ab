//! What a command is given beside plain words: files (`-` is standard input), JSON objects, and what becomes of flags
//! in the body of a call.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::output::Failure;
use crate::base::strict_json::{self, Bounds};
use crate::records::PROFILE_CLAIMS;

/// The text of the file. Errors name the file and say what is wrong.
pub fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|all| text = all)
    };
    read.map_err(|error| Failure::new("unreadable", format!("{} cannot be read: {error}.", file.display())))?;
    // A byte order mark says how the file is encoded, and belongs to no format that is read (RFC 8259 §8.1).
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What a file of the operator's own may be: what is sent of it is bounded where it is read.
const JSON: Bounds = Bounds { depth: 128, values: 10_000_000 };

/// The value that a text holds as JSON. Errors: what is wrong with it, such as a member that is named twice.
pub fn json(text: &str) -> Result<Value, strict_json::Error> {
    strict_json::read(text.as_bytes(), JSON).map(|document| document.value)
}

/// The object that an argument holds as JSON, for clap.
pub fn object(text: &str) -> Result<Map<String, Value>, String> {
    match json(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(strict_json::Error::Syntax { .. }) => {
            Err(String::from("expected a JSON object such as {\"team\":\"ops\"}"))
        }
        Err(error) => Err(format!("is not accepted as JSON: {error}")),
    }
}

/// Two names of a type, `OLD=NEW`, for clap.
pub fn renaming(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.split_once('=').ok_or("expected OLD=NEW, such as platform=site")?;
    Ok((old.to_owned(), new.to_owned()))
}

/// The claims of a person that an argument holds as JSON, for clap. What else an account has is set by its own flag,
/// never from within.
pub fn profile(text: &str) -> Result<Map<String, Value>, String> {
    let claims = object(text)?;
    match claims.keys().find(|name| !PROFILE_CLAIMS.contains(&name.as_str())) {
        None => Ok(claims),
        Some(other) => Err(format!("{other:?} is none of the claims that are taken: {}", PROFILE_CLAIMS.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_holds_claims_and_nothing_that_has_a_flag_of_its_own() {
        assert_eq!(profile(r#"{"given_name":"Ann","locale":null}"#).unwrap().len(), 2);
        for other in
            ["admin", "email", "email_verified", "password", "username", "roles", "attributes", "version", "bogus"]
        {
            let error = profile(&format!("{{\"name\":\"A\",\"{other}\":true}}")).unwrap_err();
            assert!(error.contains(other) && error.contains("given_name, family_name"), "{error}");
        }
    }
}
