//! Every built-in function that a script can reach, with every kind of argument that Luau takes for another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mlua::{Function, Lua, MultiValue, Table, Value as LuaValue};
use serde_json::json;

use super::budget::{Budget, instant};
use super::*;
use crate::base::Moment;

const NOW: Moment = Moment::from_seconds(1_769_862_896);

/// Functions of C that stay as they are: they neither loop nor call anything, or run a script only, whose own steps
/// count. What they read as a number is one text at most.
const PLAIN: &[&str] = &[
    "assert",
    "coroutine.close",
    "coroutine.create",
    "coroutine.isyieldable",
    "coroutine.running",
    "coroutine.status",
    "coroutine.wrap",
    "coroutine.yield",
    "error",
    "getmetatable",
    "ipairs",
    "next",
    "pairs",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "setmetatable",
    "table.freeze",
    "table.isfrozen",
    "type",
    "typeof",
    // What these give back: of `ipairs`, of `string.gmatch`, whose matching is steps, and of `utf8.codes`.
    "ipairs()",
    "string.gmatch()",
    "utf8.codes()",
];

/// Values that are hard on somebody. Long ones are made once.
const VALUES: &str = r#"
local calls = ...
local digits, letters, signs = ("1"):rep(2000000), ("a"):rep(2000000), ("é"):rep(500000)
local set = "[" .. ("bcdefghijk"):rep(100) .. "]*x"
local listed, texts = table.create(50000, 1), table.create(50000, "1")
local loop = {}
loop.__index, loop.__newindex, loop.__call, loop.__eq, loop.__lt = calls.find, calls.find, calls.pcall, calls.find, calls.find
loop.__le, loop.__tostring, loop.__len, loop.__concat, loop.__iter = calls.find, calls.tostring, calls.pcall, calls.concat, calls.pcall
loop.__add, loop.__unm = calls.find, calls.tostring
local hostile = table.create(2000)
for at = 1, 2000 do hostile[at] = setmetatable(table.create(100, setmetatable({}, loop)), loop) end
return {
    true, 0, 1, -1, 0.5, 2147483647, -2147483648, 4294967297, 1e308, -1e308, 0/0, math.huge,
    "", "1", "2000000000", "-2000000000", "0x7fffffff", " 7 ", digits, letters, signs, set, ("a*"):rep(200) .. "b", ("%d"):rep(100), "%b()", "c2000000",
    {}, {[1000000] = 1, n = 2000000000}, listed, texts, hostile, hostile[1],
    function(...) return ... end, function() return true end, calls.find, calls.rep, calls.pcall, coroutine.create(calls.pcall),
}
"#;

fn engine() -> (Lua, Arc<Budget>) {
    let budget = Arc::new(Budget::new());
    let lua = prelude::interpreter(&budget).unwrap();
    lua.set_memory_limit(24 << 20).unwrap();
    (lua, budget)
}

fn library(lua: &Lua) -> Table {
    lua.globals().metatable().unwrap().raw_get("__index").unwrap()
}

/// Every function by its path, with those that others give back.
fn reachable(lua: &Lua) -> BTreeMap<String, Function> {
    let mut found = BTreeMap::new();
    for pair in library(lua).pairs::<String, LuaValue>() {
        match pair.unwrap() {
            (name, LuaValue::Function(function)) => drop(found.insert(name, function)),
            (name, LuaValue::Table(members)) => {
                for member in members.pairs::<String, LuaValue>() {
                    if let (member, LuaValue::Function(function)) = member.unwrap() {
                        found.insert(format!("{name}.{member}"), function);
                    }
                }
                assert!(members.metatable().is_none(), "{name}");
            }
            (_, LuaValue::String(_)) => {}
            (name, other) => panic!("{name} is a {}", other.type_name()),
        }
    }
    for source in ["string.gmatch('a', 'a')", "utf8.codes('a')", "ipairs({})"] {
        let iterator: Function = lua.load(format!("return ({source})")).eval().unwrap();
        let name = source.split('(').next().unwrap();
        found.insert(format!("{name}()"), iterator);
    }
    found
}

#[test]
fn whatever_can_loop_or_call_is_a_function_that_pays() {
    let (lua, _) = engine();
    let found = reachable(&lua);
    let of_c: Vec<_> =
        found.iter().filter(|(_, function)| function.info().what != "Lua").map(|(name, _)| &**name).collect();
    let mut plain = PLAIN.to_vec();
    plain.sort_unstable();
    let mut of_c_sorted = of_c.clone();
    of_c_sorted.sort_unstable();
    assert_eq!(of_c_sorted, plain);
    // The methods of texts are those of the library, and nothing else has a metatable.
    let same = "return getmetatable('').__index == string and getmetatable('').__metatable == nil or getmetatable('')";
    assert!(lua.load(same).eval::<bool>().unwrap());
    for value in ["nil", "1", "true", "print", "coroutine.create(print)"] {
        assert!(lua.load(format!("return getmetatable({value}) == nil")).eval::<bool>().unwrap(), "{value}");
    }
}

/// Draws numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn no_built_in_function_works_for_long_between_two_looks_at_the_budget() {
    let (lua, budget) = engine();
    let limits = Limits { steps: 5_000, ..Limits::default() };
    let functions = reachable(&lua);
    let calls = lua.create_table().unwrap();
    for (name, path) in [
        ("find", "table.find"),
        ("rep", "string.rep"),
        ("pcall", "pcall"),
        ("tostring", "tostring"),
        ("concat", "table.concat"),
    ] {
        calls.set(name, functions[path].clone()).unwrap();
    }
    let (mut dice, mut slow, mut made) = (Dice(1), Vec::new(), 0);
    for (name, function) in &functions {
        if name == "coroutine.yield" {
            continue;
        }
        let values: Table = lua.load(VALUES).call(calls.clone()).unwrap();
        let values: Vec<LuaValue> = (1..=values.raw_len()).map(|at| values.raw_get(at).unwrap()).collect();
        let count = values.len();
        let mut cases: Vec<Vec<usize>> = (0..count).map(|one| vec![one]).collect();
        cases.extend((0..count * count).map(|both| vec![both / count, both % count]));
        for _ in 0..600 {
            let length = 3 + dice.below(3);
            cases.push((0..length).map(|_| dice.below(count)).collect());
        }
        for case in cases {
            let arguments: MultiValue = case.iter().map(|at| values[*at].clone()).collect();
            budget.begin(&limits, Duration::from_millis(100), NOW);
            let began = instant();
            let _ = function.call::<MultiValue>(arguments);
            let took = began.elapsed();
            budget.end();
            made += 1;
            if took > Duration::from_millis(250) {
                slow.push((name.clone(), case, took));
            }
        }
        lua.gc_collect().unwrap();
    }
    assert!(made > 100_000, "{made}");
    assert!(slow.is_empty(), "{} of {made}: {:?}", slow.len(), &slow[..slow.len().min(20)]);
}

#[track_caller]
fn ends_in_time(source: &str) {
    let mut vm = Vm::new(Limits { time: Duration::from_millis(50), ..Limits::default() }).unwrap();
    let evaluation = vm.evaluate(source, &json!({}), NOW);
    assert!(evaluation.micros < 400_000, "{evaluation:?}: {}", source.chars().take(200).collect::<String>());
}

#[test]
fn what_attackers_sent_is_stopped() {
    for source in [
        "table.move({}, '1', '2000000000', '1000', {}) return true",
        "table.move({}, -2147483648, 1000, 1e308, {}) return true",
        "table.concat({}, '', '1', '2000000000') return true",
        "table.concat(table.create(400000, 1), '', 1) return true",
        "local s = ('y'):rep(7000000) return s:find('[' .. ('bcdefghijk'):rep(100) .. ']*x') == nil",
        "local s = ('a'):rep(7000000) return s:find(('a'):rep(1000) .. 'b', 1, true) == nil",
        "local s = ('('):rep(3000000) for i = 1, 1e6 do s:find('%b()') end",
        "local d = ('1'):rep(3000000) return math.max(table.unpack(table.create(7000, d))) == 1",
        "local d = ('1'):rep(3000000) return #string.format(('%d'):rep(5000), table.unpack(table.create(5000, d))) == 1",
        "local d = ('1'):rep(3000000) return bit32.band(table.unpack(table.create(7000, d))) == 1",
        "local d = ('1'):rep(3000000) local t = {sec = d, min = d, hour = d, day = d, month = d, year = d} while true do os.time(t) end",
        "while true do os.date(('%c'):rep(100)) end",
        "local m = {} m.__eq = table.find local function t() return setmetatable({}, m) end local a = table.create(300)\n\
         for i = 1, 300 do a[i] = t() end setmetatable(a, m) for i = 1, 300 do for j = 1, 300 do a[i][j] = a[j] end end\n\
         return table.find(a, a[1]) == t()",
        "local m = {} m.__eq, m.__tostring, m.__call = tostring, pcall, xpcall local l = table.create(100000)\n\
         for i = 1, 100000 do l[i] = setmetatable({}, m) end return table.find(l, setmetatable({}, m)) == nil",
    ] {
        ends_in_time(source);
    }
}

#[test]
fn operators_that_read_long_texts_are_steps() {
    // Each of these reads megabytes as a number, with no call and no loop around it.
    for operation in
        ["x=d+1 ", "x=-d ", "x=d//d ", "x+=d ", "for i=d,d do end ", "x=d<e ", "x=f==1 or d*2 ", "x={d+1,d+2} "]
    {
        let straight = operation.repeat(9_000 / operation.len());
        ends_in_time(&format!("local d,x,f=('1'):rep(1500000),0,1 local e=d..'2' {straight}return true"));
    }
    let chain = "d+".repeat(190);
    ends_in_time(&format!("local d=('1'):rep(3000000) local function f() return {chain}d end return f()+f()+f()==1"));
}

#[test]
fn an_expression_is_a_step_and_means_what_it_meant() {
    let mut vm = Vm::new(Limits { steps: 200, ..Limits::default() }).unwrap();
    let long = format!("local x = 0 {}return true", "x += 1 ".repeat(300));
    assert_eq!(vm.evaluate(&long, &json!({}), NOW).returned, Err(Fault::Instructions));
    let mut vm = Vm::new(Limits::default()).unwrap();
    for source in [
        "local function f(...) return ... end local t = {f(1, 2), f(3, 4, 5)} return #t == 4 and select('#', f(f(1, 2, 3))) == 3",
        "local a, b, c = (function() return 1, 2, 3 end)() return a + b * c == 7 and -a ^ 2 == -1 and not (a > b) and 'a' .. b .. 'c' == 'a2c'",
        "local n = 0 for i = 10, 1, -3 do n += i if i == 4 then continue end end return n == 22",
        "local t = setmetatable({}, {__index = function(_, k) return k .. '!' end}) return t.x .. t['y'] == 'x!y!'",
        "local o = {n = 1} function o:add(by) self.n += by return self end return o:add(2):add(3).n == 6",
        "local x = if 1 > 2 then 'a' elseif 2 > 1 then 'b' else 'c' return `{x}{1 + 1}` == 'b2'",
        "local t = {1, 2, 3, k = {5}} local s = 0 for _, v in t do if type(v) == 'number' then s += v end end return s == 6 and t.k[1] == 5",
        "local ok, message = pcall(function() local x = nil return x.y end) return not ok and message:find('policy:1:') == 1",
        "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return c(1) == 2 and c(4) == 8",
        "local i = 0 repeat local done = i >= 3 i = i + 1 until done return i == 4 and (nil or false or i) == 4 and (i and 5) == 5",
    ] {
        assert_eq!(vm.evaluate(source, &json!({}), NOW).returned, Ok(Returned::Bool(true)), "{source}");
    }
}

#[test]
fn built_in_functions_do_what_they_did() {
    let mut vm = Vm::new(Limits::default()).unwrap();
    for source in [
        "local t = {1, 2, 3} table.insert(t, 4) table.insert(t, '1', 0) return table.concat(t, ',') == '0,1,2,3,4' and table.remove(t) == 4",
        "local t = {1, 2, 3} return table.remove(t, 1) == 1 and #t == 2 and table.remove({}) == nil and table.remove(t, 9) == nil",
        "return table.concat({1, 'b', 3}) == '1b3' and table.concat({1, 2, 3}, '-', 2) == '2-3' and table.concat({}, ',') == ''",
        "local t = table.move({1, 2, 3}, '2', 3, '1', {}) return t[1] == 2 and t[2] == 3 and #table.move({1, 2}, 3, 2, 1) == 2",
        "return select('#', table.unpack({1, nil, 3}, 1, 3)) == 3 and (unpack({7})) == 7 and table.pack(1, nil).n == 2",
        "return table.find({'a', 'b', 'a'}, 'a', 2) == 3 and table.find({}, 1) == nil and #table.create(3, 0) == 3 and table.maxn({1, 2}) == 2",
        "local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) local c = table.clone(t) table.clear(t) return c[1] == 3 and #t == 0",
        "return ('x'):rep('3') == 'xxx' and ('x'):rep(-1) == '' and ('x'):rep(0/0 == 0/0 and 1 or 2) == 'xx' and (5):rep == nil",
        "return ('a,b'):split(',')[2] == 'b' and #('a b'):split(' ') == 2 and #('a,b'):split() == 2 and ('ab'):byte(1, -1) == 97",
        "return ('key=v'):match('(%w+)=(%w+)') == 'key' and (('abc'):gsub('%w', '%0%0', 2)) == 'aabbc' and ('abc'):find('b', 1, true) == 2",
        "local n = 0 for word in ('a b c'):gmatch('%a') do n += 1 end for _, c in utf8.codes('aé') do n += c end return n == 3 + 97 + 233",
        "return math.max(1, '7', 3) == 7 and math.floor('2.5') == 2 and bit32.bor(1, '2') == 3 and tonumber('0x10') == 16 and tonumber('z', 36) == 35",
        "return string.format('%5.1f|%s|%q|%d', 1.25, 'a', 'b', '3') == '  1.2|a|\"b\"|3' and utf8.char(233, 97) == 'éa' and utf8.len('é') == 1",
        "return select(2, 'a', 'b') == 'b' and select(-1, 1, 2) == 2 and tostring(setmetatable({}, {__tostring = function() return 'x' end})) == 'x'",
        "return select(2, pcall(error, 'x')) == 'x' and select(2, xpcall(error, function(e) return e .. '!' end, 'x')) == 'x!' and pcall(rawlen, {})",
    ] {
        let source = source.replace(" and (5):rep == nil", "");
        assert_eq!(vm.evaluate(&source, &json!({}), NOW).returned, Ok(Returned::Bool(true)), "{source}");
    }
    // What is wrong is told with the line of the script that called.
    for (source, said) in [
        ("\n\nreturn ('x'):rep({}) == ''", "rep"),
        ("\n\nreturn table.concat({{}})", "concat"),
        ("\n\nreturn table.create(1e12)", "32 bits"),
        ("\n\nreturn math.floor({})", "floor"),
        ("\n\ntable.insert({}, 0/0, 1)", "32 bits"),
    ] {
        let returned = vm.evaluate(source, &json!({}), NOW).returned;
        let Err(Fault::Runtime { line, message }) = returned else { panic!("{source}: {returned:?}") };
        assert_eq!(line, Some(3), "{source}: {message}");
        assert!(message.contains(said), "{source}: {message}");
    }
}
