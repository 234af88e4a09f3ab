//! Flags for what can be set of something, made of the one place where its fields are declared.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};
use serde_json::{Map, Value, json};

use super::input::{json as read_json, read};
use super::output::Failure;
use crate::base::json_schema::{Member, Shape, members_of};
use crate::records::settable::Settable;

/// A flag for each field of `T`.
#[derive(Debug)]
pub struct FieldFlags<T> {
    given: Map<String, Value>,
    /// JSON that stands in files, by field.
    files: Vec<(String, PathBuf)>,
    fields: PhantomData<T>,
}

impl<T: Settable> FieldFlags<T> {
    /// What was given. Errors: a file that cannot be read or is not JSON.
    pub fn change(self, clear: Clear<T>) -> Result<T, Failure> {
        let mut change = clear.0;
        change.extend(self.given);
        for (field, file) in self.files {
            let wrong = |what: String| Failure::usage(field.clone(), format!("{}: {what}.", file.display()));
            let text = read(&file)?;
            change.insert(
                field.clone(),
                read_json(&text).map_err(|error| wrong(format!("not accepted as JSON: {error}")))?,
            );
        }
        serde_json::from_value(change.into()).map_err(|error| Failure::usage("usage", format!("{error}.")))
    }
}

impl<T: Settable> Args for FieldFlags<T> {
    fn augment_args(command: Command) -> Command {
        command.args(members_of::<T>().iter().map(arg::<T>))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Settable> FromArgMatches for FieldFlags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let (mut given, mut files) = (Map::new(), Vec::new());
        for member in members_of::<T>() {
            let flag = flag::<T>(&member);
            let value = match member.shape {
                Shape::Number(..) => matches.get_one::<u64>(&flag).map(|number| json!(number)),
                Shape::Bool => matches.get_one::<bool>(&flag).map(|yes| json!(yes)),
                Shape::Texts | Shape::Words(_) => {
                    matches.get_many::<String>(&flag).map(|texts| json!(texts.collect::<Vec<_>>()))
                }
                Shape::Text | Shape::Word(_) => matches.get_one::<String>(&flag).map(|text| json!(text)),
                Shape::Object => {
                    files.extend(matches.get_one::<PathBuf>(&flag).map(|file| (member.name.clone(), file.clone())));
                    None
                }
            };
            given.extend(value.map(|value| (member.name, value)));
        }
        Ok(Self { given, files, fields: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `--clear`: fields of `T` whose value goes: lists become empty, the rest is what it is when nobody says anything.
#[derive(Debug)]
pub struct Clear<T>(Map<String, Value>, PhantomData<T>);

impl<T> Default for Clear<T> {
    fn default() -> Self {
        Self(Map::new(), PhantomData)
    }
}

/// The name for `--clear`, and what stands in its place; `None` for a field that always has a value.
fn cleared<T: Settable>(member: &Member) -> Option<(String, Value)> {
    let nothing = match member.shape {
        Shape::Texts | Shape::Words(_) => json!([]),
        _ if member.is_nullable => Value::Null,
        _ => return None,
    };
    let flag = flag::<T>(member);
    Some((flag.strip_suffix(FILE).map_or(flag.clone(), str::to_owned), nothing))
}

impl<T: Settable> Args for Clear<T> {
    fn augment_args(command: Command) -> Command {
        let names = members_of::<T>().into_iter().filter_map(|member| cleared::<T>(&member)).map(|(name, _)| name);
        let clear = Arg::new("clear").long("clear").value_name("WHAT").action(ArgAction::Append);
        let clear = clear.value_parser(PossibleValuesParser::new(names.collect::<Vec<_>>()));
        command.arg(clear.help("Empty this list or take this value away; as often as needed"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Settable> FromArgMatches for Clear<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let named: Vec<&String> = matches.get_many("clear").into_iter().flatten().collect();
        let members = members_of::<T>().into_iter().filter_map(|member| {
            let (name, nothing) = cleared::<T>(&member)?;
            named.contains(&&name).then_some((member.name, nothing))
        });
        Ok(Self(members.collect(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What flags end with that name a file.
const FILE: &str = "-file";

/// The flag of a field, without its dashes: `redirect_uris` is `redirect-uri`, as often as needed; an object is read
/// from a file.
fn flag<T: Settable>(member: &Member) -> String {
    let name = T::short(&member.name).replace('_', "-");
    match member.shape {
        Shape::Texts | Shape::Words(_) => name.strip_suffix('s').map_or(name.clone(), str::to_owned),
        Shape::Object => format!("{name}{FILE}"),
        _ => name,
    }
}

fn arg<T: Settable>(member: &Member) -> Arg {
    let flag = flag::<T>(member);
    let value_name = flag.rsplit('-').next().unwrap_or(&flag).to_uppercase();
    let often = if matches!(member.shape, Shape::Texts | Shape::Words(_)) { "; as often as needed" } else { "" };
    let arg = Arg::new(flag.clone()).long(flag).value_name(value_name).help(format!("{}{often}", member.words));
    match &member.shape {
        Shape::Text => arg,
        Shape::Number(least, most) => arg.value_parser(value_parser!(u64).range(*least..=*most)),
        Shape::Bool => arg
            .value_name("BOOL")
            .num_args(0..=1)
            .default_missing_value("true")
            .require_equals(true)
            .value_parser(value_parser!(bool)),
        Shape::Word(words) => arg.value_parser(PossibleValuesParser::new(words)),
        Shape::Texts => arg.action(ArgAction::Append),
        Shape::Words(words) => arg.action(ArgAction::Append).value_parser(PossibleValuesParser::new(words)),
        Shape::Object => arg.value_parser(value_parser!(PathBuf)),
    }
}

/// The fields of `T` with the names under which people read them: the short ones.
pub fn labels<T: Settable>() -> Vec<(String, String)> {
    members_of::<T>().into_iter().map(|member| (T::short(&member.name).replace('_', " "), member.name)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::records::{AccessPolicy, ClientFieldsChange, GrantType};

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        fields: FieldFlags<ClientFieldsChange>,
        #[command(flatten)]
        clear: Clear<ClientFieldsChange>,
    }

    fn typed(words: &[&str]) -> Result<ClientFieldsChange, String> {
        let typed = Typed::try_parse_from(std::iter::once("auther").chain(words.iter().copied()));
        let Typed { fields, clear } = typed.map_err(|error| error.to_string())?;
        fields.change(clear).map_err(|failure| failure.message)
    }

    #[test]
    fn every_field_has_a_flag_with_its_words_and_its_bounds() {
        let change =
            typed(&["--redirect-uri", "https://a/", "--redirect-uri", "https://b/", "--grant", "refresh_token"]);
        let change = change.unwrap();
        assert_eq!(change.redirect_uris, Some(vec![String::from("https://a/"), String::from("https://b/")]));
        assert_eq!(change.grants, Some(vec![GrantType::RefreshToken]));
        assert_eq!((change.trusted, change.access_seconds), (None, None));
        let change = typed(&["--trusted", "--require-pkce=false", "--access-policy", "restricted"]).unwrap();
        assert_eq!((change.trusted, change.require_pkce), (Some(true), Some(false)));
        assert_eq!(change.access_policy, Some(AccessPolicy::Restricted));
        assert!(typed(&["--grant", "implicit"]).unwrap_err().contains("authorization_code"));
        assert!(typed(&["--access-token-seconds", "59"]).unwrap_err().contains("60"));
        let help = typed(&["--help"]).unwrap_err();
        assert!(help.contains("--auth-method <METHOD>") && help.contains("Where codes are sent, exactly"), "{help}");
    }

    #[test]
    fn what_is_cleared_is_empty_or_gone() {
        let change = typed(&["--clear", "origin", "--clear", "access-token-seconds", "--clear", "jwks"]).unwrap();
        assert_eq!((change.origins, change.access_seconds, change.jwks), (Some(Vec::new()), Some(None), Some(None)));
        assert!(typed(&["--clear", "trusted"]).unwrap_err().contains("redirect-uri"));
    }
}
