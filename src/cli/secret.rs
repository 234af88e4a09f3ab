//! Secrets that are typed: one line of standard input, or a prompt that does not echo. Never an argument, where every
//! process of the machine could read it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use super::output::Failure;
use crate::base::Secret;
use crate::base::secret::ct_eq;

/// Longest line that is read.
const MAX_LINE: u64 = 4096;

/// A new password: from standard input when `from_stdin`, else asked for twice if somebody sits there. `None` when the
/// answer is empty or nobody can be asked, and an account without password is allowed. Errors: usage.
pub fn new_password(from_stdin: bool, may_be_absent: bool) -> Result<Option<Secret<String>>, Failure> {
    if from_stdin {
        return line(&mut io::stdin().lock()).map(Some);
    }
    if !io::stdin().is_terminal() {
        return if may_be_absent {
            Ok(None)
        } else {
            Err(Failure::usage("no_password", "use --password-stdin to give the password as a line of standard input."))
        };
    }
    let question = if may_be_absent { "Password (empty: none): " } else { "New password: " };
    let first = ask(question)?;
    if first.expose().is_empty() {
        return Ok(None);
    }
    if !ct_eq(ask("Again: ")?.expose().as_bytes(), first.expose().as_bytes()) {
        return Err(Failure::usage("no_password", "the two passwords differ."));
    }
    Ok(Some(first))
}

fn ask(question: &str) -> Result<Secret<String>, Failure> {
    rpassword::prompt_password(question)
        .map(Secret::new)
        .map_err(|error| Failure::new("no_terminal", format!("the password could not be asked for: {error}.")))
}

/// One line without its end.
fn line(input: &mut impl io::BufRead) -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    input
        .take(MAX_LINE)
        .read_line(&mut text)
        .map_err(|error| Failure::usage("no_password", format!("standard input could not be read: {error}.")))?;
    let text = Secret::new(text);
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::usage("no_password", "standard input holds no password."));
    }
    Ok(Secret::from(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Reason;

    #[test]
    fn one_line_is_read_and_its_end_is_not_part_of_it() {
        for text in ["secret word\nmore", "secret word\r\n", "secret word"] {
            assert_eq!(line(&mut text.as_bytes()).unwrap().expose(), "secret word");
        }
        assert!(line(&mut "\n".as_bytes()).unwrap_err().reason == Reason::Usage);
    }

    #[test]
    fn spaces_belong_to_the_password() {
        assert_eq!(line(&mut " a b \n".as_bytes()).unwrap().expose(), " a b ");
    }
}
