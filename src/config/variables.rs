//! The second layer: `AUTHER_*` variables as they were typed.

use super::clients;
use super::mistakes::Source;
use super::nearest::nearest;
use super::schema::{CONFIG_VARIABLE, KEYS, Key, Kind, PREFIX};
use super::typed::{Entry, Layer, Reading};
use super::value::Value;

/// What the ready code on our pages calls the values of an app. Anyone who tries an app where the server is has them in
/// the same environment.
const OF_APPS: [&str; 3] = ["AUTHER_API_KEY", "AUTHER_CLIENT_ID", "AUTHER_CLIENT_SECRET"];

/// Reads all variables of Auther. Runs after the file, whose clients may name variables.
pub(super) fn read(reading: &mut Reading<'_>) -> Layer {
    let mut layer = Layer::new();
    for key in KEYS {
        let entry = if key.kind == Kind::Secret { secret(key, reading) } else { plain(key, reading) };
        if let Some(entry) = entry {
            layer.insert(key.name, entry);
        }
    }
    refuse_unknown(reading);
    layer
}

fn plain(key: &Key, reading: &mut Reading<'_>) -> Option<Entry> {
    let variable = key.variable();
    reading.env.find(&variable)?;
    let source = Source::Env { variable: variable.clone() };
    let value = reading.variable(&variable).and_then(|text| match key.kind {
        Kind::Clients => clients::read_json(&text, &source, reading).map(Value::Clients),
        kind => reading.accept(key.name, Value::from_text(kind, &text), &source),
    });
    Some(Entry { value, source })
}

/// A secret stands in its variable, or in the file that the variable with `_FILE` names.
fn secret(key: &Key, reading: &mut Reading<'_>) -> Option<Entry> {
    let variable = key.variable();
    let naming = format!("{variable}_FILE");
    if reading.env.find(&naming).is_none() {
        return plain(key, reading);
    }
    let source = Source::Env { variable: naming.clone() };
    if reading.env.find(&variable).is_some() {
        reading.note(source.clone(), format!("is set together with {variable}"), "set one of the two");
        return Some(Entry { value: None, source });
    }
    let value = match reading.variable(&naming) {
        Some(name) => reading.secret_file(&name, &source),
        None => None,
    };
    Some(Entry { value, source })
}

fn refuse_unknown(reading: &mut Reading<'_>) {
    let mut known: Vec<String> = vec![CONFIG_VARIABLE.to_owned()];
    for key in KEYS {
        known.push(key.variable());
        if key.kind == Kind::Secret {
            known.push(format!("{}_FILE", key.variable()));
        }
    }
    let env = reading.env;
    for (name, _) in env.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        if known.contains(name) || OF_APPS.contains(&name.as_str()) || reading.claimed.contains(name) {
            continue;
        }
        let known = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
        let place = Source::Env { variable: name.clone() };
        reading.note(place, "unknown variable", format!("did you mean `{known}`?"));
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;
    use crate::config::environment::Environment;

    fn complaints(variables: &[(&str, &str)], cwd: &Path) -> Vec<String> {
        let env = variables.iter().copied().collect();
        let mut reading = Reading::new(cwd, &env);
        read(&mut reading);
        reading.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_name() {
        let said = complaints(&[("AUTHER_ISUER", "x"), ("HOME", "/")], "".as_ref());
        assert_eq!(said, ["AUTHER_ISUER: unknown variable; did you mean `AUTHER_ISSUER`?"]);
    }

    #[test]
    fn a_secret_and_its_file_together_are_a_mistake() {
        let said = complaints(&[("AUTHER_SMTP_PASSWORD", "a"), ("AUTHER_SMTP_PASSWORD_FILE", "b")], "".as_ref());
        assert_eq!(said, ["AUTHER_SMTP_PASSWORD_FILE: is set together with AUTHER_SMTP_PASSWORD; set one of the two"]);
    }

    #[test]
    fn a_secret_is_read_from_its_file_without_the_end_of_the_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pass"), "hunter2\r\n").unwrap();
        let env: Environment = [("AUTHER_SMTP_PASSWORD_FILE", "pass")].into_iter().collect();
        let mut reading = Reading::new(folder.path(), &env);
        let layer = read(&mut reading);
        let Some(Value::Secret(secret)) = &layer["smtp.password"].value else { panic!("{:?}", reading.mistakes) };
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(complaints(&[("AUTHER_SMTP_PASSWORD_FILE", "nope")], folder.path()).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let env = [("AUTHER_ISSUER", OsString::from_vec(vec![0xff]))].into_iter().collect();
        let mut reading = Reading::new(Path::new(""), &env);
        read(&mut reading);
        assert_eq!(reading.mistakes[0].to_string(), "AUTHER_ISSUER: is not UTF-8; give it another value");
    }
}
