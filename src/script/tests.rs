//! Scripts that are up to no good, and what becomes of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::base::Moment;

/// 2026-01-31T12:34:56Z, a Saturday.
const NOW: Moment = Moment::from_seconds(1_769_862_896);

fn vm(change: impl FnOnce(&mut Limits)) -> Vm {
    let mut limits = Limits { steps: 20_000, memory: 2 << 20, ..Limits::default() };
    change(&mut limits);
    Vm::new(limits).unwrap()
}

fn run_in(vm: &mut Vm, source: &str, context: &Value) -> Result<Returned, Fault> {
    vm.evaluate(source, context, NOW).returned
}

fn run(source: &str) -> Result<Returned, Fault> {
    run_in(&mut vm(|_| ()), source, &json!({}))
}

#[track_caller]
fn holds(source: &str) {
    assert_eq!(run(source), Ok(Returned::Bool(true)), "{source}");
}

#[test]
fn what_a_policy_returns_is_told_by_type() {
    for (source, expected) in [
        ("return true", Returned::Bool(true)),
        ("return 1 > 2, true", Returned::Bool(false)),
        ("return 'yes'", Returned::Other("string")),
        ("return 1", Returned::Other("number")),
        ("return {}", Returned::Other("table")),
        ("return print", Returned::Other("function")),
        ("", Returned::Other("nil")),
    ] {
        assert_eq!(run(source), Ok(expected), "{source}");
    }
    assert!(Returned::Other("string").is_truthy() && !Returned::Other("nil").is_truthy());
}

#[test]
fn the_context_is_plain_data() {
    let context = json!({"resource": {"amount": 12.5, "tags": ["a", null, "c"], "none": null, "ok": true}, "big": 9_007_199_254_740_992_u64});
    let source = "local r = context.resource\n\
                  return r.amount == 12.5 and r.tags[1] == 'a' and r.tags[2] == nil and r.none == nil and r.ok and context.big > 2^52 \
                  and getmetatable(context) == nil and getmetatable(r.tags) == nil";
    assert_eq!(run_in(&mut vm(|_| ()), source, &context), Ok(Returned::Bool(true)));
}

#[test]
fn a_number_that_would_be_rounded_reaches_no_script() {
    let same = "return context.user.uid == context.resource.owner_id";
    for owner in [json!(9_007_199_254_740_993_u64), json!(-9_007_199_254_740_993_i64), json!(1e300)] {
        let context = json!({"user": {"uid": 9_007_199_254_740_992_u64}, "resource": {"owner_id": owner}});
        let refused = run_in(&mut vm(|_| ()), same, &context);
        assert!(matches!(&refused, Err(Fault::Runtime { message, .. }) if message.contains("exactly")), "{refused:?}");
    }
    let refused = run_in(&mut vm(|_| ()), "return context.uid == 9007199254740993", &json!({"uid": 1_u64 << 53}));
    assert!(matches!(refused, Err(Fault::Syntax { line: 1, .. })), "{refused:?}");
}

#[test]
fn time_is_the_moment_of_the_check() {
    holds("return os.time() == 1769862896 and os.date('!%H') == '12' and os.date('%A') == 'Saturday'");
    holds("return os.date('*t').hour == 12 and os.date('!%Y-%m-%d', 0) == '1970-01-01' and os.date() ~= nil");
    holds("return os.time({year = 2026, month = 1, day = 31, hour = 0}) == 1769817600");
    holds("return os.clock() >= 0 and os.clock() < 1 and os.difftime(5, 3) == 2");
    holds("return not pcall(os.date, '%H', 1e300) and not pcall(os.date, '%H', 0/0) and not pcall(os.date, '%Q')");
}

#[test]
fn the_dangerous_part_of_the_library_is_absent() {
    for name in [
        "io",
        "require",
        "package",
        "load",
        "loadstring",
        "dofile",
        "loadfile",
        "debug",
        "getfenv",
        "setfenv",
        "collectgarbage",
        "newproxy",
        "gcinfo",
        "_G",
        "_ENV",
        "buffer",
        "vector",
        "os.execute",
        "os.exit",
        "os.getenv",
        "os.remove",
        "string.dump",
        "math.random",
        "table.foreach",
    ] {
        holds(&format!("return {name} == nil"));
    }
    holds(
        "return string.format('%d', 3) == '3' and ('x'):rep(3) == 'xxx' and math.floor(7 // 2) == 3 and utf8.len('é') == 1",
    );
    holds("return bit32.band(6, 3) == 2 and select('#', table.unpack({1, 2})) == 2 and #table.concat({'a', 'b'}) == 2");
}

#[test]
fn coroutines_work_and_nothing_yields_out_of_the_policy() {
    holds("local c = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) return c() + c() == 3");
    // A yield does not pass through pcall.
    holds("local c = coroutine.wrap(function() return not pcall(coroutine.yield, 1) end) return c()");
    assert!(matches!(run("coroutine.yield(true)"), Err(Fault::Runtime { .. })));
}

#[test]
fn endless_loops_are_stopped_wherever_they_hide() {
    for source in [
        "while true do end",
        "pcall(function() while true do end end) return true",
        "while true do pcall(function() while true do end end) end",
        "local c = coroutine.wrap(function() pcall(function() while true do end end) end) c() return true",
        "xpcall(function() while true do end end, function() while true do end end) return true",
        "local t = setmetatable({}, {__index = function(t, k) while true do end end}) return t.x",
        "for i = 1, math.huge do end",
        "repeat until false",
        "return ('x'):rep(20000):gsub('x', function() end) == 1",
    ] {
        assert_eq!(run(source), Err(Fault::Instructions), "{source}");
    }
}

#[test]
fn a_slow_script_is_stopped_by_the_clock() {
    let mut vm = vm(|limits| (limits.steps, limits.time) = (u64::MAX, Duration::from_millis(20)));
    for source in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "return (('a'):rep(40)):find(('a*'):rep(30) .. 'b')",
        "local t = {} for i = 1, 1e9 do t[i % 100] = ('x'):rep(1000) end",
    ] {
        assert_eq!(run_in(&mut vm, source, &json!({})), Err(Fault::Time), "{source}");
    }
    assert_eq!(run_in(&mut vm, "return true", &json!({})), Ok(Returned::Bool(true)));
}

#[test]
fn a_pattern_bomb_runs_out_of_steps() {
    assert_eq!(run("return (('a'):rep(40)):find(('a*'):rep(30) .. 'b')"), Err(Fault::Instructions));
    assert_eq!(run("return (('a'):rep(30)):match(('.-'):rep(20) .. 'b')"), Err(Fault::Instructions));
}

#[test]
fn memory_bombs_are_refused() {
    let mut vm = vm(|limits| limits.steps = u64::MAX);
    for source in [
        "return ('x'):rep(1e8)",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e7 do t[i] = i end",
        "return table.create(1e6, 1)",
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000) end return table.concat(t, ('y'):rep(100000))",
        "local t = {} while true do t = {t} end",
        "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
        "return string.format('%s', ('x'):rep(1e7))",
    ] {
        assert_eq!(run_in(&mut vm, source, &json!({})), Err(Fault::Memory), "{source}");
    }
    assert_eq!(run_in(&mut vm, "return true", &json!({})), Ok(Returned::Bool(true)));
}

#[test]
fn recursion_ends() {
    for source in [
        "local function f() return f() + 1 end return f()",
        "local function f() return f() end return f()",
        "local function f() return pcall(f) end return f() + 1",
    ] {
        assert!(run(source).is_err(), "{source}");
    }
    // Through C: each of these calls itself from within a function of the library.
    for source in [
        "local function f() return (('x'):gsub('x', f)) end f() return 1 + {}",
        "local function f() table.sort({1, 2, 3}, f) return false end f() return 1 + {}",
        "local function f() coroutine.wrap(f)() end f() return 1 + {}",
        "local function f() return pcall(coroutine.wrap(function() return pcall(f) end)) end f() return 1 + {}",
        "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end tostring(t) return 1 + {}",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x + 1",
        "local t = setmetatable({}, {}) getmetatable(t).__eq = function(a, b) return a == {} or t == setmetatable({}, getmetatable(t)) end \
         return (t == setmetatable({}, getmetatable(t))) + 1",
        "local function f() xpcall(error, f) end f() return 1 + {}",
    ] {
        assert!(run(source).is_err(), "{source}");
    }
    let chain = "local t = {} for i = 1, 300 do t = setmetatable({}, {__index = t}) end return t.x == nil";
    assert!(run(chain).is_ok() || matches!(run(chain), Err(Fault::Runtime { .. })));
}

#[test]
fn one_step_is_never_long() {
    let mut vm = vm(|limits| (limits.steps, limits.memory) = (u64::MAX, 8 << 20));
    for source in [
        "local s = ('a'):rep(2000000) return s:find(('a'):rep(1000000) .. 'b', 1, true)",
        "return ('a'):rep(2000000):split(('a'):rep(1000000) .. 'b')",
        "table.move({}, 1, 2147483647, 2, {}) return true",
    ] {
        let evaluation = vm.evaluate(source, &json!({}), NOW);
        assert!(matches!(evaluation.returned, Err(Fault::Runtime { .. })), "{source}: {evaluation:?}");
    }
    for source in [
        "return tonumber(('1'):rep(3000000)) == math.huge",
        "return tonumber('0.' .. ('1'):rep(3000000)) < 1",
        "return tonumber(('z'):rep(3000000), 36) ~= nil",
        "return #('x'):rep(3000000):upper():reverse() == 3000000",
        "return utf8.len(('é'):rep(1000000)) == 1000000",
        "return #string.format('%q', ('\\n'):rep(1000000)) > 0",
        "return ('%'):rep(1000000) ~= ('%'):rep(1000001)",
        "local t = table.create(200000, 1) for i = 1, 50 do table.insert(t, 1, i) end return true",
        "return #string.pack(('b'):rep(100) .. ('!'):rep(1000000), table.unpack(table.create(100, 1))) == 100",
    ] {
        let evaluation = vm.evaluate(source, &json!({}), NOW);
        assert!(evaluation.micros < 1_000_000, "{source}: {evaluation:?}");
    }
    // Two long texts that differ at their ends: without steps in between, sorting would compare for minutes.
    let source = "local a, b = ('a'):rep(1000000) .. 'a', ('a'):rep(1000000) .. 'b' local t = table.create(100000, a)\n\
                  for i = 1, #t, 2 do t[i] = b end table.sort(t) return true";
    let mut vm = self::vm(|limits| {
        (limits.steps, limits.memory, limits.time) = (u64::MAX, 8 << 20, Duration::from_millis(50));
    });
    let evaluation = vm.evaluate(source, &json!({}), NOW);
    assert_eq!(evaluation.returned, Err(Fault::Time));
    assert!(evaluation.micros < 2_000_000, "{evaluation:?}");
}

#[test]
fn nothing_can_be_poisoned() {
    for source in [
        "string.upper = nil",
        "string.x = 1",
        "getmetatable('').__index = nil",
        "setmetatable(string, {})",
        "table.insert(getmetatable('').__index, 1)",
        "rawset(math, 'floor', nil)",
        "os.time = function() return 0 end",
        "table.clear(string)",
        "setmetatable(coroutine, nil)",
    ] {
        assert!(matches!(run(source), Err(Fault::Runtime { .. })), "{source}");
    }
    let mut vm = vm(|_| ());
    // Shadowing a global is a script's own affair, and ends with it.
    assert_eq!(
        run_in(&mut vm, "math = 1 pcall = 2 type = 3 return math + pcall + type == 6", &json!({})),
        Ok(Returned::Bool(true))
    );
    assert_eq!(
        run_in(&mut vm, "return math.floor(1.5) == 1 and type(pcall) == 'function'", &json!({})),
        Ok(Returned::Bool(true))
    );
}

#[test]
fn nothing_is_left_for_the_next_evaluation() {
    let mut vm = vm(|_| ());
    let leave = "seen = true context.mark = 1 function helper() return true end return true";
    assert_eq!(run_in(&mut vm, leave, &json!({})), Ok(Returned::Bool(true)));
    let look = "return seen == nil and helper == nil and context.mark == nil";
    assert_eq!(run_in(&mut vm, look, &json!({})), Ok(Returned::Bool(true)));
    // The same chunk again: its functions are new too.
    let count = "count = (count or 0) + 1 return count == 1";
    for _ in 0..3 {
        assert_eq!(run_in(&mut vm, count, &json!({})), Ok(Returned::Bool(true)));
    }
}

#[test]
fn bytecode_is_no_script() {
    let compiled = chunks::compile("return true").unwrap();
    let as_text = String::from_utf8_lossy(&compiled).into_owned();
    for source in ["\u{1b}Lua", "\u{1b}LuaQ\0\u{1}", "\u{6}\u{3}", &as_text] {
        assert!(matches!(run(source), Err(Fault::Syntax { .. })), "{source:?}");
    }
}

#[test]
fn a_lying_comparator_is_an_error_or_an_order_but_never_a_crash() {
    for less in
        ["function() return true end", "function(a, b) return a <= b end", "function() return nil end", "rawequal"]
    {
        let source =
            format!("local t = {{}} for i = 1, 200 do t[i] = i * 7 % 31 end table.sort(t, {less}) return true");
        assert!(matches!(run(&source), Ok(_) | Err(Fault::Runtime { .. })), "{less}");
    }
    holds("local t = {3, 1, 2} table.sort(t) return t[1] == 1 and t[3] == 3");
}

#[test]
fn errors_are_told_with_their_line_and_without_running_anything() {
    let lacking = run("\n\nreturn context.resource.amount < 1000");
    assert!(
        matches!(&lacking, Err(Fault::Runtime { line: Some(3), message }) if message.contains("nil")),
        "{lacking:?}"
    );
    let bomb = "error(setmetatable({}, {__tostring = function() while true do end end, __index = function() while true do end end}))";
    for bomb in [bomb, "error(setmetatable({}, {__tostring = function() error({}) end}))", "error({})", "error(print)"]
    {
        assert!(run(bomb).is_err_and(|fault| !fault.to_string().contains("0x")), "{bomb}");
    }
    let Err(Fault::Runtime { message, .. }) = run("error(('x'):rep(100000))") else { panic!("no error") };
    assert!(message.chars().count() <= 301, "{}", message.len());
    assert!(matches!(run("error()"), Err(Fault::Runtime { .. })));
    assert!(matches!(run("local a ="), Err(Fault::Syntax { line: 1, .. })));
    assert!(matches!(run("return nosuch.thing"), Err(Fault::Runtime { line: Some(1), .. })));
}

#[test]
fn what_is_too_large_is_not_run() {
    assert_eq!(run(&" ".repeat(10_241)), Err(Fault::TooLarge));
    let large = json!({"a": "x".repeat(70_000)});
    assert_eq!(run_in(&mut vm(|_| ()), "return true", &large), Err(Fault::Context));
}

#[test]
fn a_job_has_a_time_of_its_own() {
    let mut vm = vm(|limits| {
        (limits.steps, limits.time, limits.job_time) = (u64::MAX, Duration::from_secs(60), Duration::from_millis(20));
    });
    vm.begin_job();
    assert_eq!(run_in(&mut vm, "while true do end", &json!({})), Err(Fault::Time));
    assert_eq!(run_in(&mut vm, "return true", &json!({})), Err(Fault::Time));
    vm.begin_job();
    assert_eq!(run_in(&mut vm, "return true", &json!({})), Ok(Returned::Bool(true)));
}

#[test]
fn policies_of_the_documents_work() {
    let context = json!({
        "user": {"id": "u1", "department": "finance", "email": "ann@acme.example", "groups": ["eng"]},
        "resource": {"owner_id": "u1", "amount": 900, "status": "draft", "department": "finance"},
    });
    for source in [
        "local hour = tonumber(os.date(\"!%H\"))\nreturn hour >= 9 and hour < 17",
        "return context.resource.owner_id == context.user.id and context.resource.amount < 1000",
        "return context.user.department == context.resource.department",
        "return context.user.email:match(\"@acme%.example$\") ~= nil",
        "if context.resource.status ~= \"draft\" then return false end return table.find(context.user.groups, \"eng\") ~= nil",
    ] {
        assert_eq!(run_in(&mut vm(|_| ()), source, &context), Ok(Returned::Bool(true)), "{source}");
    }
}
