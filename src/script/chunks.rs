//! Compiled scripts, by the hash of their text. What comes out of here was compiled here: nobody hands bytecode in.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mlua::chunk::Compiler;

use super::Fault;
use crate::base::secret::sha256;

/// Compiled scripts that one VM keeps.
const KEPT: usize = 256;

/// The compiler for policies: line numbers, no inlining.
pub(super) fn compile(source: &str) -> Result<Vec<u8>, Fault> {
    // The first byte of bytecode is its version, so text that begins with a control character is no script.
    let compiled = Compiler::new().set_optimization_level(1).set_debug_level(1).compile(source);
    compiled.map_err(|error| match error {
        mlua::Error::SyntaxError { message, .. } => Fault::from_compiler(&message),
        _ => Fault::Engine,
    })
}

/// A bounded cache; the script that came first goes first.
#[derive(Default)]
pub(super) struct Chunks {
    kept: HashMap<[u8; 32], Arc<[u8]>>,
    order: VecDeque<[u8; 32]>,
}

impl Chunks {
    /// The bytecode of a script.
    pub(super) fn compiled(&mut self, source: &str) -> Result<Arc<[u8]>, Fault> {
        let hash = sha256(source.as_bytes());
        if let Some(chunk) = self.kept.get(&hash) {
            return Ok(Arc::clone(chunk));
        }
        let chunk: Arc<[u8]> = compile(source)?.into();
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(hash);
        self.kept.insert(hash, Arc::clone(&chunk));
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_gives_the_same_chunk_again() {
        let mut chunks = Chunks::default();
        let first = chunks.compiled("return 0").unwrap();
        assert!(Arc::ptr_eq(&first, &chunks.compiled("return 0").unwrap()));
        for number in 1..=KEPT {
            chunks.compiled(&format!("return {number}")).unwrap();
        }
        assert_eq!((chunks.kept.len(), chunks.order.len()), (KEPT, KEPT));
        assert!(!Arc::ptr_eq(&first, &chunks.compiled("return 0").unwrap()));
    }
}
