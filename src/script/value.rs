//! JSON as Lua data: plain tables, strings, numbers and booleans, without metatables.

use std::io;

use mlua::{Lua, Value as LuaValue};
use serde_json::Value;

use crate::base::strict_json::exact;

/// How deep a context may be nested.
const DEPTH: usize = 32;

/// Whether a value is at most `bytes` long as JSON and not nested too deeply.
pub(super) fn fits(value: &Value, bytes: usize) -> bool {
    is_shallow(value, DEPTH) && serde_json::to_writer(Room(bytes), value).is_ok()
}

fn is_shallow(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, left)),
        Value::Object(members) => members.values().all(|member| is_shallow(member, left)),
        _ => true,
    }
}

/// Takes so many bytes and forgets them.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The value in Lua. `null` is `nil`, so a member that is `null` is as if it were not there; arrays begin at 1; all
/// numbers are floating point. Call it for what [`fits`].
pub(super) fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(is) => LuaValue::Boolean(*is),
        // A number that was rounded could be equal to another one.
        Value::Number(number) => LuaValue::Number(exact(number).ok_or_else(|| {
            mlua::Error::runtime(format!(
                "the context has the number {number}, which scripts cannot hold exactly: keep it as text"
            ))
        })?),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.iter().enumerate() {
                table.raw_set(at + 1, to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Object(members) => {
            let table = lua.create_table_with_capacity(0, members.len())?;
            for (name, member) in members {
                table.raw_set(name.as_str(), to_lua(lua, member)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_is_bounded_in_size_and_depth() {
        assert!(fits(&json!({"a": [1, 2, {"b": null}]}), 100));
        assert!(!fits(&json!({"a": "x".repeat(100)}), 100));
        let nested = (0..DEPTH).fold(json!(1), |inner, _| json!([inner]));
        assert!(!fits(&nested, 1000));
    }
}
