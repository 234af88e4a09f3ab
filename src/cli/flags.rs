//! Flags that several commands share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::base::json_schema;

/// Paths of the configuration and of the data file.
#[derive(Args, Clone, Debug, Default)]
pub struct Paths {
    /// Configuration file [default: auther.toml, else /etc/auther/auther.toml, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Data file [default: auther.redb]
    #[arg(long, value_name = "FILE", global = true)]
    pub data: Option<PathBuf>,
}

/// What `serve` takes; each wins over the environment and the file.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeFlags {
    /// Where the files are.
    #[command(flatten)]
    pub paths: Paths,
    /// Address to listen on, as often as needed [default: localhost:8443]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Public URL of this server, as apps and browsers see it
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Where the certificate comes from: local-ca, files or off
    #[arg(long, value_name = "MODE")]
    pub tls: Option<String>,
}

impl ServeFlags {
    /// Whether a flag that only serving understands was given.
    pub fn serves(&self) -> bool {
        !self.listen.is_empty() || self.issuer.is_some() || self.tls.is_some()
    }
}

/// For a flag whose value is one of the words of a type of the API.
pub fn one_of<T: ToSchema + DeserializeOwned + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    let words = json_schema::words_of::<T>();
    PossibleValuesParser::new(words).try_map(|word| serde_json::from_value::<T>(word.into()))
}

/// Which part of a list.
#[derive(Args, Clone, Debug, Default)]
pub struct PageFlags {
    /// How many at the most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: Option<u32>,
    /// Read on after this cursor: the `next` of the page before
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
}

/// The order of a list.
#[derive(Args, Clone, Debug, Default)]
pub struct SortFlag {
    /// By this field of the answer, such as name or created_at; with - before it from the end
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub sort: Option<String>,
}

/// Names a person.
#[derive(Args, Debug)]
pub struct NamedPerson {
    /// E-mail address, username or id
    pub user: String,
}
