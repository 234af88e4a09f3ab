//! Whether a policy can be compiled at all.

use crate::script;

/// What keeps the source from being a script, with its line; `None` when nothing does. Nothing is run.
pub fn problem_of_script(source: &str) -> Option<String> {
    let report = script::lint(source);
    report.errors.first().map(|error| format!("line {}: {}", error.line, error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_with_a_slip_is_told_from_a_sound_one() {
        assert_eq!(problem_of_script("return context.resource.amount < 1000"), None);
        assert!(problem_of_script("return context.").is_some());
        assert!(problem_of_script("if true then").is_some());
    }
}
