//! Compiled scripts, by the hash of their text. What comes out of here was compiled here: nobody hands bytecode in.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mlua::chunk::Compiler;

use super::Fault;
use super::lex;
use super::stepped::stepped;
use crate::base::ScriptDigest;

/// Compiled scripts that one VM keeps.
const KEPT: usize = 256;

/// The compiler for policies: line numbers, no inlining, a step for every statement and expression.
pub(super) fn compile(source: &str) -> Result<Vec<u8>, Fault> {
    // The first byte of bytecode is its version, so text that begins with a control character is no script.
    let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1).set_coverage_level(2);
    let compiled = compiler.compile(source).map_err(|error| match error {
        mlua::Error::SyntaxError { message, .. } => Fault::from_compiler(&message),
        _ => Fault::Engine,
    })?;
    if let Some(word) = lex::words(source).into_iter().find(|word| !word.is_exact()) {
        let message = format!("{} cannot be held exactly: compare it as text, in quotes", word.text);
        return Err(Fault::syntax(word.line, &message));
    }
    stepped(compiled).ok_or(Fault::Engine)
}

/// A bounded cache; the script that came first goes first.
#[derive(Default)]
pub(super) struct Chunks {
    kept: HashMap<ScriptDigest, Arc<[u8]>>,
    order: VecDeque<ScriptDigest>,
}

impl Chunks {
    /// The bytecode of the script that has this digest.
    pub(super) fn compiled(&mut self, digest: ScriptDigest, source: &str) -> Result<Arc<[u8]>, Fault> {
        if let Some(chunk) = self.kept.get(&digest) {
            return Ok(Arc::clone(chunk));
        }
        let chunk: Arc<[u8]> = compile(source)?.into();
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(digest);
        self.kept.insert(digest, Arc::clone(&chunk));
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_gives_the_same_chunk_again() {
        let mut chunks = Chunks::default();
        let mut compiled = |source: &str| chunks.compiled(ScriptDigest::of(source), source).unwrap();
        let first = compiled("return 0");
        assert!(Arc::ptr_eq(&first, &compiled("return 0")));
        for number in 1..=KEPT {
            compiled(&format!("return {number}"));
        }
        assert!(!Arc::ptr_eq(&first, &compiled("return 0")));
        assert_eq!((chunks.kept.len(), chunks.order.len()), (KEPT, KEPT));
    }
}
