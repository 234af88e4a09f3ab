//! Why an evaluation has no result.

use std::fmt;

/// The longest message of a script that is passed on, in characters.
const MESSAGE: usize = 300;

/// What chunks are called in messages.
pub(super) const CHUNK: &str = "policy";

/// Why a script came to no end of its own. Anyone who decides by the script decides against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The script is longer than is accepted.
    TooLarge,
    /// The context is larger or more deeply nested than is accepted.
    Context,
    /// It is not Luau.
    Syntax {
        /// Counted from 1.
        line: u32,
        /// What the compiler says.
        message: String,
    },
    /// It raised an error.
    Runtime {
        /// Counted from 1, when it is known.
        line: Option<u32>,
        /// The error, shortened.
        message: String,
    },
    /// It took more steps than it may.
    Instructions,
    /// It needed more memory than it may.
    Memory,
    /// It took longer than it may.
    Time,
    /// An earlier evaluation of it did not come back, and it is not run any more.
    SwitchedOff,
    /// The interpreter itself could not work.
    Engine,
}

impl Fault {
    /// The stable name of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "script_too_large",
            Self::Context => "context_too_large",
            Self::Syntax { .. } => "syntax_error",
            Self::Runtime { .. } => "runtime_error",
            Self::Instructions => "instruction_limit",
            Self::Memory => "memory_limit",
            Self::Time => "time_limit",
            Self::SwitchedOff => "switched_off",
            Self::Engine => "script_engine",
        }
    }

    /// From what the compiler said: `:LINE: message`.
    pub(super) fn from_compiler(text: &str) -> Self {
        let (line, message) = located(text.trim_start_matches(':'));
        Self::syntax(line.unwrap_or(1), message)
    }

    /// A mistake on a line.
    pub(super) fn syntax(line: u32, message: &str) -> Self {
        Self::Syntax { line, message: shortened(message) }
    }

    /// From what the interpreter said.
    pub(super) fn from_lua(error: &mlua::Error) -> Self {
        match error {
            mlua::Error::MemoryError(_) => Self::Memory,
            mlua::Error::CallbackError { cause, .. }
            | mlua::Error::WithContext { cause, .. }
            | mlua::Error::BadArgument { cause, .. } => Self::from_lua(cause),
            mlua::Error::RuntimeError(text) => Self::from_text(text),
            mlua::Error::SyntaxError { message, .. } => Self::from_compiler(message),
            other => Self::from_text(&other.to_string()),
        }
    }

    fn from_text(text: &str) -> Self {
        let (text, trace) = text.split_once("\nstack traceback:").unwrap_or((text, ""));
        // A raised table or function is shown with its address, which is nobody's business.
        let shown = ["<", "table: ", "function: ", "thread: ", "userdata: "];
        if shown.iter().any(|kind| text.starts_with(kind)) && text.contains("0x") {
            return Self::Runtime { line: None, message: String::from("the script raised something that is not text") };
        }
        let (line, message) = match text.strip_prefix(CHUNK).and_then(|rest| rest.strip_prefix(':')) {
            Some(rest) => located(rest),
            // What goes wrong in a built-in function is told with the line that called it.
            None => (trace.lines().find_map(line_of_frame), text),
        };
        Self::Runtime { line, message: shortened(message) }
    }
}

/// The line of a frame of the stack, if it is one of the script.
fn line_of_frame(frame: &str) -> Option<u32> {
    let rest = frame.trim_start().strip_prefix(CHUNK)?.strip_prefix(':')?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// `LINE: message` in its parts.
fn located(text: &str) -> (Option<u32>, &str) {
    match text.split_once(':') {
        Some((line, message)) if line.parse::<u32>().is_ok() => (line.parse().ok(), message.trim_start()),
        _ => (None, text),
    }
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(MESSAGE).map(clean).collect();
    if text.chars().nth(MESSAGE).is_some() {
        short.push('…');
    }
    short
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the script is longer than 10 240 bytes"),
            Self::Context => f.write_str("the context is larger than 64 KB or too deeply nested"),
            Self::Syntax { line, message } => write!(f, "line {line}: {message}"),
            Self::Runtime { line: Some(line), message } => write!(f, "line {line}: {message}"),
            Self::Runtime { line: None, message } => f.write_str(message),
            Self::Instructions => f.write_str("the script took too many steps"),
            Self::Memory => f.write_str("the script needed too much memory"),
            Self::Time => f.write_str("the script took too long"),
            Self::SwitchedOff => f.write_str(
                "the script is switched off because an evaluation of it did not come back: change it, or switch it on again",
            ),
            Self::Engine => f.write_str("the script engine could not be started"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line_without_addresses() {
        let long = format!("policy:3: {}\nx", "é".repeat(1000));
        let Fault::Runtime { line, message } = Fault::from_text(&long) else { panic!("{long}") };
        assert_eq!((line, message.chars().count()), (Some(3), MESSAGE + 1));
        assert!(!Fault::from_text("<table 0x55d0c0ffee>").to_string().contains("0x"));
        assert_eq!(Fault::from_text("policy:1: a\nb\nstack traceback:\nc").to_string(), "line 1: a b");
        assert_eq!(Fault::from_compiler(":12: Expected 'end'").to_string(), "line 12: Expected 'end'");
    }
}
