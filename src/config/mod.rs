//! Configuration: first what was typed (flags, variables, a file, defaults), then what it means ([`Settings`]). All
//! mistakes are reported at once, each with its place.
//!
//! May use: `base`, `records`. Start reading at [`load`]; every key there is stands in [`schema`].

mod check;
mod clients;
mod contact;
mod declaration;
mod environment;
mod file;
mod issuer;
mod keys;
mod listen;
pub(crate) mod look;
mod meaning;
mod mistakes;
mod nearest;
pub mod schema;
mod settings;
mod show;
mod typed;
mod value;
mod variables;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use contact::Contact;
pub use declaration::{ClientDeclaration, ClientRules};
pub use environment::Environment;
pub use issuer::{Issuer, is_loopback};
pub use look::Look;
pub use mistakes::{Mistake, Mistakes, Source};
pub use settings::*;
pub use show::{document, effective, table};
pub use value::Value;

use schema::{CONFIG_VARIABLE, KEYS};
use typed::{Entry, Layer, Reading, overlay};

/// The file that is read when none is named.
const USUAL_FILE: &str = "auther.toml";

/// The file of a machine on which Auther is a service, read when there is none in the working folder.
pub const SYSTEM_FILE: &str = "/etc/auther/auther.toml";

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`: the file to read. A named file must exist.
    pub config: Option<PathBuf>,
    /// What is read when no file is named and none is in the working folder.
    pub system_file: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`, as often as it was given; none leaves the key alone.
    pub listen: Vec<String>,
    /// `--issuer`.
    pub issuer: Option<String>,
    /// `--tls`: the value of `tls.mode`.
    pub tls: Option<String>,
    /// What must hold of declared clients beyond their shape. Those rules use this module, so the caller of `load`
    /// brings them.
    pub client_rules: Option<ClientRules>,
}

/// One key as it is in effect.
#[derive(Clone, Debug, Serialize)]
pub struct Effective {
    /// Its dotted name.
    pub key: &'static str,
    /// Its value; prints and serialises as `(set)` when it is a secret.
    pub value: Value,
    /// Where the value comes from.
    pub source: Source,
}

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it means.
    pub settings: Settings,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Reads the whole configuration: flag over variable over file over default.
///
/// Relative names start from `cwd`; the empty path is the working folder of the process. Errors: every mistake there
/// is, in the file, the variables, the flags, and in how they fit together.
pub fn load(overrides: &Overrides, env: &Environment, cwd: &Path) -> Result<Loaded, Mistakes> {
    let env = env.without_service_links(schema::PREFIX);
    let mut reading = Reading { client_rules: overrides.client_rules, ..Reading::new(cwd, &env) };
    let (file, file_layer) = read_file(overrides, &mut reading);
    let env_layer = variables::read(&mut reading);
    let flag_layer = read_flags(overrides, &mut reading);
    let typed = overlay(&[flag_layer, env_layer, file_layer], &mut reading);
    finish(&typed, file, reading)
}

/// Reads the configuration again for a running server: keys that can change while it runs have their new values, the
/// others keep those of `running`. The second part names keys whose new values wait for a restart. Errors as [`load`].
pub fn reload(
    running: &Loaded,
    overrides: &Overrides,
    env: &Environment,
    cwd: &Path,
) -> Result<(Loaded, Vec<&'static str>), Mistakes> {
    let fresh = load(overrides, env, cwd)?;
    let mut typed = Layer::new();
    let mut waiting = Vec::new();
    for ((key, now), then) in KEYS.iter().zip(&fresh.settings.origins).zip(&running.settings.origins) {
        if !key.reloadable && !now.value.same(&then.value) {
            waiting.push(key.name);
        }
        let kept = if key.reloadable { now } else { then };
        typed.insert(key.name, Entry { value: Some(kept.value.clone()), source: kept.source.clone() });
    }
    let mut settled = finish(&typed, fresh.file, Reading::new(cwd, env))?;
    settled.settings.waiting.clone_from(&waiting);
    Ok((settled, waiting))
}

fn finish(typed: &Layer, file: Option<PathBuf>, mut reading: Reading<'_>) -> Result<Loaded, Mistakes> {
    let settings = meaning::settings(typed, &mut reading);
    if !reading.mistakes.is_empty() {
        return Err(Mistakes::new(reading.mistakes));
    }
    Ok(Loaded { settings, file })
}

/// The named file, or `auther.toml` if there is one, or that of the machine.
fn read_file(overrides: &Overrides, reading: &mut Reading<'_>) -> (Option<PathBuf>, Layer) {
    let named = overrides.config.clone().map(|path| (path, Source::Flag { name: "--config" })).or_else(|| {
        let path = PathBuf::from(reading.variable(CONFIG_VARIABLE)?);
        Some((path, Source::Env { variable: CONFIG_VARIABLE.to_owned() }))
    });
    let (name, naming) = match named {
        Some((name, naming)) => (name, Some(naming)),
        None => (usual_file(overrides, reading.cwd), None),
    };
    if name.as_os_str().is_empty() {
        reading.note(naming.unwrap_or(Source::Default), "is empty", "name a file, or leave it out");
        return (None, Layer::new());
    }
    let path = reading.cwd.join(name);
    let whole = Source::File { path: path.clone(), line: None };
    match std::fs::read(&path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => {
                let layer = file::read(&text, &path, reading);
                return (Some(path), layer);
            }
            Err(_) => reading.note(whole, "is not UTF-8", "save it as UTF-8"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(naming) = naming {
                let what = format!("names {}, which does not exist", path.display());
                reading.note(naming, what, "name an existing file, or leave it out");
            }
        }
        Err(error) => reading.note(whole, format!("cannot be read: {error}"), "make it a readable file"),
    }
    (None, Layer::new())
}

/// The file that is read when none is named: whichever is there first.
fn usual_file(overrides: &Overrides, cwd: &Path) -> PathBuf {
    let here = PathBuf::from(USUAL_FILE);
    // What cannot be looked at is there: reading it says why it cannot be used.
    let is_there = |path: &Path| !matches!(cwd.join(path).try_exists(), Ok(false));
    match &overrides.system_file {
        Some(of_machine) if !is_there(&here) && is_there(of_machine) => of_machine.clone(),
        _ => here,
    }
}

fn read_flags(overrides: &Overrides, reading: &mut Reading<'_>) -> Layer {
    let mut layer = Layer::new();
    let mut flag = |key: &'static str, name: &'static str, text: Option<&str>| {
        let Some(kind) = schema::find_key(key).map(|key| key.kind) else { return };
        let Some(text) = text else { return };
        let source = Source::Flag { name };
        let value = reading.accept(key, Value::from_text(kind, text), &source);
        layer.insert(key, Entry { value, source });
    };
    flag("issuer", "--issuer", overrides.issuer.as_deref());
    flag("tls.mode", "--tls", overrides.tls.as_deref());
    if !overrides.listen.is_empty() {
        flag("listen", "--listen", Some(&overrides.listen.join(",")));
    }
    if let Some(data) = &overrides.data {
        match data.to_str() {
            Some(data) => flag("data", "--data", Some(data)),
            None => reading.note(Source::Flag { name: "--data" }, "is not UTF-8", "use a name that is"),
        }
    }
    layer
}

#[cfg(test)]
mod effect_tests;
#[cfg(test)]
mod tests;
