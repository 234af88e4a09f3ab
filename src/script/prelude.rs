//! What a script sees besides the language: a list of what may stay, and replacements (`builtins.luau`) for what is
//! unfit as it is.

use std::sync::Arc;

use mlua::chunk::Compiler;
use mlua::{Lua, LuaOptions, StdLib, Table, Value};

use super::budget::Budget;

/// Functions at the top. Absent, among others: `load`, `loadstring`, `require`, `getfenv`, `setfenv`, `collectgarbage`,
/// `newproxy`, `_G`.
const BASE: &str = "assert error getmetatable ipairs next pairs pcall print rawequal rawget rawlen rawset select setmetatable tonumber \
                    tostring type typeof unpack xpcall _VERSION";

/// Libraries and what stays of them. Chance would make two checks of one question differ; `foreach` and its kin call
/// functions without a step of their own.
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

/// What takes the place of built-in functions that can work for long. Its arguments: the moment in seconds, the seconds
/// since the evaluation began, and a function that takes steps from the budget.
const BUILTINS: &str = include_str!("builtins.luau");

/// A locked interpreter whose library is the one above. Its memory is not limited yet.
pub(super) fn interpreter(budget: &Arc<Budget>) -> mlua::Result<Lua> {
    let libraries =
        StdLib::COROUTINE | StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::UTF8 | StdLib::BIT | StdLib::MATH;
    // A panic of the server must not be something that a script can catch.
    let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
    let now = lua.create_function({
        let budget = Arc::clone(budget);
        move |_, ()| Ok(budget.now())
    })?;
    let seconds = lua.create_function({
        let budget = Arc::clone(budget);
        move |_, ()| Ok(budget.seconds())
    })?;
    let spend = lua.create_function({
        let budget = Arc::clone(budget);
        move |_, steps: f64| budget.spend(steps)
    })?;
    // Without lines of its own, what goes wrong in a replacement is told with the line of the script.
    let compiler = Compiler::new().set_optimization_level(1).set_debug_level(0);
    lua.load(BUILTINS).set_compiler(compiler).set_name("=builtins").call::<()>((now, seconds, spend))?;
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
