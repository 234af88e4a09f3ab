//! Whether a policy can be compiled at all.

use crate::script;

/// What keeps the source from being a script, with its line; `None` when nothing does. Nothing is run.
pub(super) fn lua_is_sound(source: &str) -> Option<String> {
    let report = script::lint(source);
    report.errors.first().map(|error| format!("line {}: {}", error.line, error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_with_a_slip_is_told_from_a_sound_one() {
        assert_eq!(lua_is_sound("return context.resource.amount < 1000"), None);
        assert!(lua_is_sound("return context.").is_some());
        assert!(lua_is_sound("if true then").is_some());
    }
}
