//! What a script sees besides the language: a list of what may stay, and replacements for what is unfit as it is.

use std::sync::Arc;

use mlua::{Lua, LuaOptions, StdLib, Table, Value};

use super::budget::Budget;

/// Functions at the top. Absent, among others: `load`, `loadstring`, `require`, `getfenv`, `setfenv`, `collectgarbage`, `newproxy`, `_G`.
const BASE: &str = "assert error getmetatable ipairs next pairs pcall print rawequal rawget rawlen rawset select setmetatable tonumber \
                    tostring type typeof unpack xpcall _VERSION";

/// Libraries and what stays of them. Chance would make two checks of one question differ; `foreach` and its kin run long without a step.
const LIBRARIES: &[(&str, &str)] = &[
    (
        "bit32",
        "arshift band bnot bor btest bxor byteswap countlz countrz extract lrotate lshift replace rrotate rshift",
    ),
    ("coroutine", "close create isyieldable resume running status wrap yield"),
    (
        "math",
        "abs acos asin atan atan2 ceil clamp cos cosh deg exp floor fmod frexp huge isfinite isinf isnan ldexp lerp log log10 map max min \
         modf pi pow rad round sign sin sinh sqrt tan tanh",
    ),
    ("os", "clock date difftime time"),
    ("string", "byte char find format gmatch gsub len lower match pack packsize rep reverse split sub unpack upper"),
    ("table", "clear clone concat create find freeze insert isfrozen maxn move pack remove sort unpack"),
    ("utf8", "char charpattern codepoint codes len offset"),
];

/// Runs before anything is locked. Its arguments: the moment in seconds, and the seconds since the evaluation began.
///
/// `os.date` and `os.time` speak of the moment of the check, in UTC whether or not the format begins with `!`. Searching for long texts and
/// moving or sorting many elements are loops inside one step, so they are bounded or made to take steps.
const PRELUDE: &str = r#"
local now, seconds = ...
local error, type, sub = error, type, string.sub

local date, time = os.date, os.time
local function moment(at)
    if at == nil then return now() end
    if type(at) ~= "number" or at ~= at or at < -62135596800 or at > 253402300799 then
        error("the time is not one between the years 1 and 9999", 3)
    end
    return at
end
os.date = function(format, at)
    if format == nil then format = "%c" end
    if type(format) == "string" and sub(format, 1, 1) ~= "!" then format = "!" .. format end
    return date(format, moment(at))
end
os.time = function(parts)
    if parts == nil then return now() end
    return time(parts)
end
os.clock = function() return seconds() end

for _, name in { "find", "match", "gmatch", "gsub", "split" } do
    local search = string[name]
    string[name] = function(text, pattern, ...)
        if type(pattern) == "string" and #pattern > 1024 then
            error("the text to look for is longer than 1024 bytes", 2)
        end
        return search(text, pattern, ...)
    end
end

local move, sort = table.move, table.sort
table.move = function(from, first, last, to, into)
    if type(first) == "number" and type(last) == "number" and last - first > 100000 then
        error("too many elements to move", 2)
    end
    return move(from, first, last, to, into)
end
table.sort = function(list, less)
    if less == nil then
        return sort(list, function(a, b) return a < b end)
    end
    return sort(list, function(a, b) return less(a, b) end)
end

print = function() end
"#;

/// A locked interpreter whose library is the one above. Its memory is not limited yet.
pub(super) fn interpreter(budget: &Arc<Budget>) -> mlua::Result<Lua> {
    let libraries =
        StdLib::COROUTINE | StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::UTF8 | StdLib::BIT | StdLib::MATH;
    // A panic of ours must not be something that a script can catch.
    let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
    let now = lua.create_function({
        let budget = Arc::clone(budget);
        move |_, ()| Ok(budget.now())
    })?;
    let seconds = lua.create_function({
        let budget = Arc::clone(budget);
        move |_, ()| Ok(budget.seconds())
    })?;
    lua.load(PRELUDE).set_name("=prelude").call::<()>((now, seconds))?;
    let globals = lua.globals();
    prune(&globals, |name| BASE.split_whitespace().any(|kept| kept == name) || library(name).is_some())?;
    for (name, kept) in LIBRARIES {
        prune(&globals.get::<Table>(*name)?, |member| kept.split_whitespace().any(|kept| kept == member))?;
    }
    lua.sandbox(true)?;
    let counter = Arc::clone(budget);
    lua.set_interrupt(move |_| counter.step());
    Ok(lua)
}

fn library(name: &str) -> Option<&'static str> {
    LIBRARIES.iter().find(|(known, _)| *known == name).map(|(_, members)| *members)
}

/// Removes what is not to be kept.
fn prune(table: &Table, keep: impl Fn(&str) -> bool) -> mlua::Result<()> {
    let names: Vec<String> =
        table.pairs::<String, Value>().map(|pair| pair.map(|(name, _)| name)).collect::<Result<_, _>>()?;
    for name in names.iter().filter(|name| !keep(name)) {
        table.raw_set(name.as_str(), Value::Nil)?;
    }
    Ok(())
}
