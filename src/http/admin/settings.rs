//! The configuration in effect.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::operation::{Operation, get};
use crate::base::page::Page;
use crate::config::schema::{Kind, find_key};
use crate::config::{Effective, Source, effective};
use crate::http::extract::{Admin, ViewSettings};
use crate::http::respond::HandlerResult;

/// A key of the configuration. A secret says only that it is set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Setting {
    /// Its name in the file.
    key: String,
    value: Value,
    origin: SettingOrigin,
    /// Where exactly it was typed.
    #[schema(required)]
    place: Option<String>,
    /// Its environment variable.
    #[schema(required)]
    variable: Option<String>,
    /// Whether a new value comes into effect without a restart.
    reloadable: bool,
    /// Whether a new value waits for a restart.
    waiting: bool,
    /// Whether anything reads it in this version.
    has_effect: bool,
    secret: bool,
    #[schema(required)]
    description: Option<String>,
}

/// Where a value was typed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettingOrigin {
    /// Nowhere.
    Default,
    /// In the file.
    File,
    /// In the environment.
    Environment,
    /// On the command line.
    Flag,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = get("settings", "The configuration in effect, without its secrets");
    vec![all.needs("view on settings").lists::<Setting>()]
}

fn shown(row: &Effective, waiting: &[&str]) -> Setting {
    let key = find_key(row.key);
    let origin = match &row.source {
        Source::Default => SettingOrigin::Default,
        Source::File { .. } => SettingOrigin::File,
        Source::Env { .. } => SettingOrigin::Environment,
        Source::Flag { .. } => SettingOrigin::Flag,
    };
    Setting {
        key: row.key.to_owned(),
        value: json!(row.value),
        origin,
        place: (!matches!(row.source, Source::Default)).then(|| row.source.to_string()),
        variable: key.map(|key| key.variable()),
        reloadable: key.is_some_and(|key| key.reloadable),
        waiting: waiting.contains(&row.key),
        has_effect: key.is_none_or(|key| !key.not_yet),
        secret: key.is_some_and(|key| key.kind == Kind::Secret),
        description: key.map(|key| key.help.to_owned()),
    }
}

/// `GET settings`: every key of the configuration, in the order of its documentation.
pub async fn list(admin: Admin<ViewSettings>) -> HandlerResult {
    let settings = admin.cx.settings();
    let items = effective(settings).map(|row| shown(&row, &settings.waiting)).collect();
    Ok(HttpResponse::Ok().json(Page::<Setting> { items, next: None }))
}
