//! What is wrong, doubtful or could be better in a script, told to its author before it decides anything.

use serde::Serialize;
use utoipa::ToSchema;

use super::chunks::compile;
use super::lex::{Kind, Word, words};
use super::{Fault, Limits};

/// A remark on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScriptNote)]
pub struct Note {
    /// Counted from 1.
    pub line: u32,
    /// A sentence.
    pub message: String,
}

/// What there is to say about a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// It cannot run.
    pub errors: Vec<Note>,
    /// It runs, but hardly as it is meant.
    pub warnings: Vec<Note>,
    /// It could be better.
    pub suggestions: Vec<Note>,
}

impl Report {
    /// Whether it can run.
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Names that scripts expect and do not find, and what to say. A dot stands for a member.
const ABSENT: &[(&str, &str)] = &[
    ("io", "There are no files here: `io` is nil."),
    ("require", "There are no modules here: `require` is nil."),
    ("package", "There are no modules here: `package` is nil."),
    ("load", "Text cannot become code here: `load` is nil."),
    ("loadstring", "Text cannot become code here: `loadstring` is nil."),
    ("dofile", "There are no files here: `dofile` is nil."),
    ("loadfile", "There are no files here: `loadfile` is nil."),
    ("debug", "`debug` is nil here."),
    ("getfenv", "`getfenv` is nil here."),
    ("setfenv", "`setfenv` is nil here."),
    ("collectgarbage", "`collectgarbage` is nil here."),
    ("newproxy", "`newproxy` is nil here."),
    ("_G", "`_G` is nil here; every evaluation has globals of its own."),
    ("_ENV", "`_ENV` is of Lua 5.4; Luau has none."),
    ("print", "`print` does nothing here."),
    ("os.execute", "A policy cannot run programs: `os.execute` is nil."),
    ("os.exit", "`os.exit` is nil here."),
    ("os.getenv", "A policy cannot see the environment: `os.getenv` is nil."),
    ("os.remove", "There are no files here: `os.remove` is nil."),
    ("os.rename", "There are no files here: `os.rename` is nil."),
    ("os.tmpname", "There are no files here: `os.tmpname` is nil."),
    ("os.setlocale", "`os.setlocale` is nil here."),
    ("string.dump", "`string.dump` is nil here."),
    ("math.random", "A policy must decide the same way twice: `math.random` is nil."),
    ("math.randomseed", "A policy must decide the same way twice: `math.randomseed` is nil."),
    ("math.tointeger", "`math.tointeger` is of Lua 5.4; in Luau all numbers are floating point: use math.floor."),
    ("math.type", "`math.type` is of Lua 5.4; in Luau all numbers are floating point."),
    ("math.ult", "`math.ult` is of Lua 5.4; Luau has none."),
];

/// Reads a script and says what there is to say. It is not run.
pub fn lint(source: &str) -> Report {
    let mut report = Report::default();
    if source.len() > Limits::default().source {
        report.errors.push(note(1, Fault::TooLarge.to_string()));
        return report;
    }
    let words = words(source);
    if let Err(fault) = compile(source) {
        let line = if let Fault::Syntax { line, .. } = fault { line } else { 1 };
        let message = if let Fault::Syntax { message, .. } = fault { message } else { fault.to_string() };
        report.errors.push(note(line, message));
        report.suggestions.extend(lua_5_4(&words));
        if is_expression(source) {
            let hint = "This is an expression without a statement: write `return` in front of it.";
            report.suggestions.push(note(line, hint));
        }
        return report;
    }
    report.warnings.extend(absent(&words));
    report.warnings.extend(without_return(source, &words));
    report.warnings.extend(endless(&words));
    report.warnings.extend(returned_text(&words));
    report.warnings.sort_by_key(|note| note.line);
    if !words.iter().any(|word| is_name(word, "context")) {
        let hint = "`context` is never used: this decides the same for everybody and everything.";
        report.suggestions.push(note(1, hint));
    }
    report
}

fn note(line: u32, message: impl Into<String>) -> Note {
    Note { line, message: message.into() }
}

fn is_name(word: &Word<'_>, text: &str) -> bool {
    word.kind == Kind::Name && word.text == text
}

fn is_sign(word: &Word<'_>, text: &str) -> bool {
    word.kind == Kind::Sign && word.text == text
}

fn is_expression(source: &str) -> bool {
    !source.trim().is_empty() && compile(&format!("return {source}")).is_ok()
}

/// Uses of what is not there, by name.
fn absent(words: &[Word<'_>]) -> Vec<Note> {
    let mut notes = Vec::new();
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.kind == Kind::Name) {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let is_member = before.is_some_and(|word| is_sign(word, ".") || is_sign(word, ":"));
        let is_assigned = words.get(at + 1).is_some_and(|next| is_sign(next, "="));
        if is_member || is_assigned {
            continue;
        }
        let member = match (words.get(at + 1), words.get(at + 2)) {
            (Some(dot), Some(member)) if is_sign(dot, ".") => format!("{}.{}", word.text, member.text),
            _ => String::new(),
        };
        let found = ABSENT.iter().find(|(name, _)| *name == word.text || *name == member);
        notes.extend(found.map(|(_, message)| note(word.line, *message)));
    }
    notes
}

/// What a piece of source is between: for each word the number of functions around it, and for each opening word its
/// `end`.
struct Blocks {
    functions: Vec<usize>,
    ends: Vec<Option<usize>>,
}

/// Finds the blocks of a source that compiles. `if` as an expression has no `end`.
fn blocks(words: &[Word<'_>]) -> Blocks {
    let mut found = Blocks { functions: Vec::new(), ends: vec![None; words.len()] };
    let mut open: Vec<usize> = Vec::new();
    let mut functions = 0;
    for (at, word) in words.iter().enumerate() {
        let text = if word.kind == Kind::Name { word.text } else { "" };
        match text {
            "function" => {
                functions += 1;
                open.push(at);
            }
            "if" if !continues_expression(at.checked_sub(1).and_then(|at| words.get(at))) => open.push(at),
            "do" | "repeat" => open.push(at),
            "end" | "until" => {
                if let Some(begin) = open.pop() {
                    if words.get(begin).is_some_and(|word| word.text == "function") {
                        functions -= 1;
                    }
                    if let Some(end) = found.ends.get_mut(begin) {
                        *end = Some(at);
                    }
                }
            }
            _ => {}
        }
        found.functions.push(functions);
    }
    found
}

/// Whether what follows this word belongs to an expression.
fn continues_expression(before: Option<&Word<'_>>) -> bool {
    before.is_some_and(|word| match word.kind {
        Kind::Sign => !matches!(word.text, ")" | "]" | "}" | ";" | "..." | "::"),
        Kind::Name => matches!(word.text, "return" | "and" | "or" | "not" | "in"),
        Kind::Number | Kind::Text => false,
    })
}

/// A script that gives nothing back denies everything.
fn without_return(source: &str, words: &[Word<'_>]) -> Option<Note> {
    let blocks = blocks(words);
    let returns =
        words.iter().zip(&blocks.functions).any(|(word, functions)| *functions == 0 && is_name(word, "return"));
    if returns {
        return None;
    }
    let line = words.last().map_or(1, |word| word.line);
    Some(note(
        line,
        if is_expression(source) && !words.is_empty() {
            "There is no `return`, so this denies always: write `return` in front of the expression."
        } else {
            "There is no `return`, so this denies always: end it with `return true` or a comparison."
        },
    ))
}

/// `while true do` and `repeat … until false` without a way out.
fn endless(words: &[Word<'_>]) -> Vec<Note> {
    let blocks = blocks(words);
    let leaves = |from: usize, to: usize| {
        let inside = words.get(from..to).unwrap_or_default();
        inside.iter().any(|word| is_name(word, "break") || is_name(word, "return") || is_name(word, "error"))
    };
    let mut notes = Vec::new();
    for (at, end) in blocks.ends.iter().enumerate() {
        let (Some(word), Some(end)) = (words.get(at), *end) else { continue };
        let before = |back: usize, text: &str| {
            at.checked_sub(back).and_then(|at| words.get(at)).is_some_and(|word| is_name(word, text))
        };
        let for_ever = match word.text {
            "do" => before(1, "true") && before(2, "while"),
            "repeat" => words.get(end + 1).is_some_and(|word| is_name(word, "false")),
            _ => false,
        };
        if for_ever && !leaves(at, end) {
            notes.push(note(word.line, "This loop has no way out: it is stopped at the limit, and the policy denies."));
        }
    }
    notes
}

/// `return x:match(…)` gives a text, and only `true` allows.
fn returned_text(words: &[Word<'_>]) -> Vec<Note> {
    let blocks = blocks(words);
    let mut notes = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if !is_name(word, "return") || blocks.functions.get(at) != Some(&0) {
            continue;
        }
        let statement = words.get(at + 1..).unwrap_or_default();
        let ends = |word: &&Word<'_>| !matches!(word.text, "end" | "else" | "elseif" | "until" | ";");
        let statement: Vec<_> = statement.iter().take_while(ends).collect();
        let compares = |word: &&&Word<'_>| matches!(word.text, "==" | "~=" | "<" | ">" | "<=" | ">=" | "not");
        let call =
            statement.iter().find(|word| matches!(word.text, "match" | "find" | "gsub") && word.kind == Kind::Name);
        if let (Some(call), None) = (call, statement.iter().find(compares)) {
            let message = format!(
                "`{}` gives a text or a number, which counts as deny: write `return … ~= nil`. (The rules of permission requests take it as \
                 it is.)",
                call.text
            );
            notes.push(note(call.line, message));
        }
    }
    notes
}

/// What of Lua 5.4 is not in Luau, where a script does not compile.
fn lua_5_4(words: &[Word<'_>]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = |ahead: usize| words.get(at + ahead);
        let is_attribute = || {
            next(1).is_some_and(|word| matches!(word.text, "const" | "close"))
                && next(2).is_some_and(|word| is_sign(word, ">"))
        };
        let message = match (word.kind, word.text) {
            (Kind::Name, "goto") if next(1).is_some_and(|word| word.kind == Kind::Name) => {
                "`goto` is of Lua 5.4; Luau has `continue` and `break`."
            }
            (Kind::Sign, "::") => "Labels are of Lua 5.4; Luau has `continue` and `break`.",
            (Kind::Sign, "<") if is_attribute() => "`<const>` and `<close>` are of Lua 5.4; Luau has plain locals.",
            (Kind::Sign, "&" | "|" | "~" | "<<" | ">>") => {
                "Bit operators are of Lua 5.4; Luau has bit32.band, bor, bxor, bnot, lshift and rshift."
            }
            _ => continue,
        };
        if !notes.iter().any(|note| note.message == message) {
            notes.push(note(word.line, message));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(notes: &[Note]) -> Vec<u32> {
        notes.iter().map(|note| note.line).collect()
    }

    #[test]
    fn a_good_policy_has_no_remarks() {
        let good = "local hour = tonumber(os.date('!%H'))\nif hour < 9 then return false end\n\
                    local level = if context.user.role == 'boss' then 3 else 1\n\
                    for _, group in context.user.groups do if group == 'eng' then return true end end\n\
                    return context.resource.amount // level < 1000";
        assert_eq!(lint(good), Report::default());
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let report = lint("local a = 1\nreturn a ==\n");
        assert_eq!(lines(&report.errors), [3]);
        assert!(!report.is_sound());
        assert!(!lint(&"-".repeat(10_241)).is_sound());
    }

    #[test]
    fn a_bare_expression_is_told_to_return() {
        let report = lint("context.resource.amount < 1000");
        assert_eq!((report.errors.len(), report.suggestions.len()), (1, 1));
        assert!(report.suggestions[0].message.contains("`return`"));
        assert!(lint("math.abs(context.x)").warnings[0].message.contains("in front of the expression"));
        assert!(lint("local f = function() return true end").warnings[0].message.contains("no `return`"));
        assert!(lint("").warnings[0].message.contains("no `return`"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let bad =
            "os.execute('x')\nio.open('y')\nlocal m = require('z')\nload('w')\nreturn context.io.debug == debug.x";
        assert_eq!(lines(&lint(bad).warnings), [1, 2, 3, 4, 5]);
        assert!(lint("local t = {load = context.load}\nreturn t.load == 1").warnings.is_empty());
    }

    #[test]
    fn a_loop_without_a_way_out_is_suspicious() {
        assert_eq!(lines(&lint("local a = context\nwhile true do a = a end").warnings)[..1], [2]);
        assert_eq!(lines(&lint("repeat local a = context until false\nreturn true").warnings), [1]);
        assert!(lint("while true do if context.x then break end end return true").warnings.is_empty());
    }

    #[test]
    fn a_returned_text_is_pointed_out() {
        assert_eq!(lint("return context.user.email:match('@a.example$')").warnings.len(), 1);
        assert!(lint("return context.user.email:match('@a.example$') ~= nil").warnings.is_empty());
    }

    #[test]
    fn the_other_lua_is_named() {
        for (script, word) in [
            ("goto done\n::done:: return context", "goto"),
            ("return context.a & 1 == 1", "Bit operators"),
            ("local x <close> = context return x", "<close>"),
        ] {
            let report = lint(script);
            assert!(!report.is_sound(), "{script}");
            assert!(report.suggestions.iter().any(|note| note.message.contains(word)), "{script}: {report:?}");
        }
    }

    #[test]
    fn a_deeply_nested_script_is_an_error_and_not_a_crash() {
        assert!(!lint(&format!("return {}1{}", "(".repeat(5000), ")".repeat(5000))).is_sound());
        assert!(!lint(&"{".repeat(10_000)).is_sound());
        assert!(!lint(&"do ".repeat(3_000)).is_sound());
        assert!(!lint(&format!("return {}1", "not ".repeat(2_400))).is_sound());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
        #[test]
        fn any_text_is_read(picks in proptest::collection::vec(0..WORDS.len(), 0..60)) {
            let source: String = picks.iter().map(|pick| WORDS[*pick]).collect();
            let report = lint(&source);
            let lines = source.matches('\n').count() + 1;
            for note in report.errors.iter().chain(&report.warnings).chain(&report.suggestions) {
                assert!((1..=lines).contains(&(note.line as usize)), "{note:?}: {source:?}");
            }
        }
    }

    const WORDS: &[&str] = &[
        "if ",
        "then ",
        "else ",
        "end ",
        "while ",
        "true ",
        "do ",
        "repeat ",
        "until ",
        "false ",
        "function ",
        "f",
        "(",
        ")",
        "return ",
        "context",
        ".",
        "x ",
        "= ",
        "local ",
        "\n",
        "\"",
        "'",
        "[[",
        "]]",
        "--",
        "--[[",
        "`",
        "{",
        "}",
        "goto ",
        "::",
        "<",
        "> ",
        "&",
        "1 ",
        "é",
        "\0",
        "\r",
        "\\",
        "os.",
        "execute",
        "match",
        ":",
    ];
}
