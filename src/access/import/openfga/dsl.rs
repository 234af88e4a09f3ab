//! The modelling language: a parser that goes down the grammar, one function for each of its rules.

use super::tokens::{Position, Token, tokens};
use super::{Defined, MAX_DEPTH, MAX_TYPES, Source, Term, Type, local};
use crate::access::error::Mistake;
use crate::access::model::SubjectRule;
use crate::access::model::names::quoted;

/// Words that mean something between names and therefore are none.
const KEYWORDS: &[&str] = &["or", "and", "but", "not", "from", "with", "define"];

/// Reads all types. Errors: the first thing that is not in the grammar.
pub(super) fn read(text: &str) -> Result<Source, Mistake> {
    let all = tokens(text);
    let end = Position {
        line: text.lines().count().max(1),
        column: text.lines().last().map_or(0, |line| line.chars().count()) + 1,
    };
    let mut parser = Parser { rest: &all, end, subjects: Vec::new(), source: Source::default() };
    parser.model()?;
    Ok(parser.source)
}

struct Parser<'t> {
    rest: &'t [(Position, Token)],
    end: Position,
    /// The types in brackets of the relation that is being read.
    subjects: Vec<SubjectRule>,
    /// What was read.
    source: Source,
}

impl Parser<'_> {
    fn position(&self) -> Position {
        self.rest.first().map_or(self.end, |(position, _)| *position)
    }

    fn peek(&self) -> Option<&str> {
        match self.rest.first() {
            Some((_, Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    fn step(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Takes the word if it comes next.
    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.step();
        }
        found
    }

    /// Takes the sign if it comes next.
    fn takes_sign(&mut self, sign: char) -> bool {
        let found = matches!(self.rest.first(), Some((_, Token::Sign(next))) if *next == sign);
        if found {
            self.step();
        }
        found
    }

    fn found(&self) -> String {
        self.rest.first().map_or_else(|| String::from("the end"), |(_, token)| quoted(&token.text()))
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, Mistake> {
        Err(self.position().mistake(format!("expected {wanted}, found {}", self.found())))
    }

    fn demand(&mut self, word: &str) -> Result<(), Mistake> {
        if self.takes(word) { Ok(()) } else { self.unexpected(&format!("`{word}`")) }
    }

    fn expect_sign(&mut self, sign: char) -> Result<(), Mistake> {
        if self.takes_sign(sign) { Ok(()) } else { self.unexpected(&format!("`{sign}`")) }
    }

    fn name(&mut self, what: &str) -> Result<String, Mistake> {
        match self.rest.first() {
            Some((position, Token::Word(word))) if KEYWORDS.contains(&word.as_str()) => {
                Err(position.mistake(format!("expected {what}, found the keyword `{word}`")))
            }
            Some((_, Token::Word(word))) => {
                let name = word.clone();
                self.step();
                if name.contains('/') {
                    self.source.slashed.insert(name.clone());
                }
                Ok(local(&name))
            }
            _ => self.unexpected(what),
        }
    }

    fn model(&mut self) -> Result<(), Mistake> {
        let modules = "modules cannot be imported: put all types in one text that begins with `model` and `schema 1.2`";
        if self.peek() == Some("module") {
            return Err(self.position().mistake(modules));
        }
        self.demand("model")?;
        self.demand("schema")?;
        let position = self.position();
        let version = self.name("the version of the schema")?;
        match version.as_str() {
            "1.1" | "1.2" => {}
            _ => {
                let problem = format!("schema {} cannot be imported: only 1.1 and 1.2 can", quoted(&version));
                return Err(position.mistake(problem));
            }
        }
        while !self.rest.is_empty() {
            match self.peek() {
                Some("type") if self.source.types.len() < MAX_TYPES => {
                    let typed = self.typed()?;
                    self.source.types.push(typed);
                }
                Some("type") => return Err(self.position().mistake(format!("there are more than {MAX_TYPES} types"))),
                Some("extend" | "module") => return Err(self.position().mistake(modules)),
                Some("condition") => self.condition()?,
                _ => return self.unexpected("`type`"),
            }
        }
        Ok(())
    }

    /// `condition name(parameters) { expression }`. The expression is CEL and is passed over: its braces are matched,
    /// those in quotes aside.
    fn condition(&mut self) -> Result<(), Mistake> {
        self.demand("condition")?;
        let position = self.position();
        let name = self.name("the name of a condition")?;
        self.source.conditions.entry(name).or_insert_with(|| format!("line {}", position.line));
        let (mut depth, mut quote) = (0_usize, None);
        loop {
            let Some((_, token)) = self.rest.first() else { return self.unexpected("`}`") };
            match (token, quote) {
                (Token::Sign(sign @ ('"' | '\'')), None) => quote = Some(*sign),
                (Token::Sign(sign), Some(begun)) if *sign == begun => quote = None,
                (Token::Sign('{'), None) => depth += 1,
                (Token::Sign('}'), None) if depth <= 1 => {
                    self.step();
                    return Ok(());
                }
                (Token::Sign('}'), None) => depth -= 1,
                _ => {}
            }
            self.step();
        }
    }

    fn typed(&mut self) -> Result<Type, Mistake> {
        self.demand("type")?;
        let position = self.position();
        let name = self.name("the name of a type")?;
        let mut relations = Vec::new();
        if self.takes("relations") {
            while self.peek() == Some("define") {
                relations.push(self.defined()?);
            }
            if relations.is_empty() {
                return self.unexpected("`define`");
            }
        }
        Ok(Type { name, at: format!("line {}", position.line), relations })
    }

    fn defined(&mut self) -> Result<Defined, Mistake> {
        self.demand("define")?;
        let position = self.position();
        let name = self.name("the name of a relation")?;
        self.expect_sign(':')?;
        self.subjects.clear();
        let term = self.expression(1)?;
        if term.directs() > 1 {
            return Err(position
                .mistake(format!("{} has types in brackets more than once: put them all in one", quoted(&name))));
        }
        Ok(Defined { name, at: format!("line {}", position.line), term, subjects: std::mem::take(&mut self.subjects) })
    }

    /// `operand`, `a or b or c` or `a and b and c`, each with `but not d` behind it, which takes away from all before
    /// it. Other mixtures need parentheses.
    fn expression(&mut self, depth: usize) -> Result<Term, Mistake> {
        if depth > MAX_DEPTH {
            let problem =
                format!("is nested more than {MAX_DEPTH} levels deep: give the inner part a relation of its own");
            return Err(self.position().mistake(problem));
        }
        let first = self.operand(depth)?;
        let base = match self.peek() {
            Some("or") => Term::AnyOf(self.chain("or", first, depth)?),
            Some("and") => Term::AllOf(self.chain("and", first, depth)?),
            _ => first,
        };
        let term = if self.takes("but") { self.but_not(base, depth)? } else { base };
        match self.peek() {
            Some(other @ ("or" | "and" | "but")) => {
                let problem = format!("`{other}` after another operator: say with parentheses which comes first");
                Err(self.position().mistake(problem))
            }
            _ => Ok(term),
        }
    }

    fn but_not(&mut self, base: Term, depth: usize) -> Result<Term, Mistake> {
        self.demand("not")?;
        let position = self.position();
        let removed = self.operand(depth)?;
        if removed.directs() > 0 {
            return Err(
                position.mistake("types in brackets cannot stand after `but not`: give them a relation of their own")
            );
        }
        Ok(Term::ButNot(Box::new(base), Box::new(removed)))
    }

    fn chain(&mut self, operator: &str, first: Term, depth: usize) -> Result<Vec<Term>, Mistake> {
        let mut parts = vec![first];
        while self.takes(operator) {
            parts.push(self.operand(depth)?);
        }
        Ok(parts)
    }

    /// `(expression)`, `[types]`, `relation` or `relation from parent`.
    fn operand(&mut self, depth: usize) -> Result<Term, Mistake> {
        if self.takes_sign('(') {
            let inner = self.expression(depth + 1)?;
            self.expect_sign(')')?;
            return Ok(inner);
        }
        if self.takes_sign('[') {
            self.types()?;
            return Ok(Term::Direct);
        }
        let relation = self.name("a relation, types in brackets, or parentheses")?;
        if !self.takes("from") {
            return Ok(Term::Computed(relation));
        }
        Ok(Term::FromParent { relation, from: self.name("the relation that leads to parents")? })
    }

    fn types(&mut self) -> Result<(), Mistake> {
        loop {
            let position = self.position();
            let kind = self.name("a type")?;
            let text = if self.takes_sign(':') {
                self.expect_sign('*')?;
                format!("{kind}:*")
            } else if self.takes_sign('#') {
                format!("{kind}#{}", self.name("a relation")?)
            } else {
                kind
            };
            let text = if self.takes("with") { format!("{text} with {}", self.name("a condition")?) } else { text };
            self.subjects.push(SubjectRule::parse(&text).map_err(|problem| position.mistake(problem))?);
            if !self.takes_sign(',') {
                return self.expect_sign(']');
            }
        }
    }
}
