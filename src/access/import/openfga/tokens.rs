//! The language as words and signs, each with its place.

use crate::access::error::Mistake;

/// What the language is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a number or a keyword.
    Word(String),
    /// One of `: , [ ] ( ) # *`, or anything else that is no word.
    Sign(char),
}

impl Token {
    /// As it was written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Sign(sign) => sign.to_string(),
        }
    }
}

/// Counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// A mistake here.
    pub(super) fn mistake(self, problem: impl Into<String>) -> Mistake {
        Mistake::new(format!("line {}, column {}", self.line, self.column), problem)
    }
}

/// All tokens, without spaces and comments. A `#` begins a comment at the beginning of a line and after a space; within
/// `group#member` it is a sign.
pub(super) fn tokens(text: &str) -> Vec<(Position, Token)> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        line_tokens(index + 1, line, &mut tokens);
    }
    tokens
}

fn line_tokens(line: usize, text: &str, tokens: &mut Vec<(Position, Token)>) {
    let (mut word, mut begins, mut after_space) = (String::new(), 1, true);
    for (index, c) in text.chars().enumerate() {
        let position = Position { line, column: index + 1 };
        if is_word(c) {
            if word.is_empty() {
                begins = position.column;
            }
            word.push(c);
            after_space = false;
            continue;
        }
        finish(&mut word, Position { line, column: begins }, tokens);
        if c == '#' && after_space {
            return;
        }
        after_space = c.is_whitespace();
        if !after_space {
            tokens.push((position, Token::Sign(c)));
        }
    }
    finish(&mut word, Position { line, column: begins }, tokens);
}

fn finish(word: &mut String, position: Position, tokens: &mut Vec<(Position, Token)>) {
    if !word.is_empty() {
        tokens.push((position, Token::Word(std::mem::take(word))));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}
