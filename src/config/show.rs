//! The configuration in effect, for `config show`: as a table for people and as JSON for programs. No secret is in
//! either.

use serde_json::json;

use super::{Effective, Loaded, Settings, Source, Value};

/// One line per key: name, value, where it comes from. The effective issuer stands there even when nobody typed one.
pub fn table(loaded: &Loaded) -> String {
    let rows: Vec<[String; 3]> = effective(&loaded.settings)
        .map(|Effective { key, value, source }| [key.to_owned(), printable(&value), source.to_string()])
        .collect();
    let width = |column: fn(&[String; 3]) -> &String| rows.iter().map(|row| column(row).chars().count()).max();
    let (keys, values) = (width(|row| &row[0]).unwrap_or(0), width(|row| &row[1]).unwrap_or(0));
    let mut table = String::new();
    for [key, value, source] in &rows {
        table.push_str(&format!("{key:keys$}  {value:values$}  {source}\n"));
    }
    table
}

/// `{"file": path or null, "settings": [{"key", "value", "source": {"kind", …}}]}`.
pub fn document(loaded: &Loaded) -> serde_json::Value {
    let settings: Vec<_> = effective(&loaded.settings)
        .map(|Effective { key, value, source }| json!({ "key": key, "value": value, "source": source }))
        .collect();
    json!({ "file": loaded.file.as_ref().map(|path| path.to_string_lossy()), "settings": settings })
}

/// Every key as it is in effect. The issuer that nobody typed is the one that was found.
pub fn effective(settings: &Settings) -> impl Iterator<Item = Effective> + '_ {
    settings.origins.iter().cloned().map(|mut row| {
        if row.key == "issuer" && row.source == Source::Default {
            row.value = Value::Text(settings.issuer.text.clone());
        }
        row
    })
}

/// A value that spans lines or holds control characters must not break the table, or the terminal.
fn printable(value: &Value) -> String {
    let text = value.to_string();
    if text.is_empty() { String::from("-") } else { crate::base::text::shown(&text).into_owned() }
}
