//! Puts a step in front of every statement and every expression of a compiled script.
//!
//! By itself Luau asks the budget only at calls, returns and rounds of loops. In between, one operator may read
//! megabytes of text as a number, and a script has room for thousands of operators. The compiler can mark statements
//! and expressions for coverage with an instruction of their own; here each of these marks becomes a jump back over no
//! distance, at which Luau asks.
//!
//! The layout is that of Luau's `Bytecode.h` and `lvmload.cpp`. What does not follow it to the last byte is refused.

/// The version of the layout that the compiler writes, and that of the types in it.
const VERSIONS: (u8, u8) = (9, 3);

/// `LOP_COVERAGE`.
const MARK: u8 = 69;

/// `LOP_JUMPBACK` with the distance 0.
const STEP: [u8; 4] = [24, 0, 0, 0];

/// Instructions that are followed by a word that is none.
const LONG: &[u8] = &[
    7, 8, 12, 15, 16, 20, 27, 28, 29, 30, 31, 32, 53, 55, 58, 60, 66, 74, 75, 77, 78, 79, 80, 83, 84, 85, 86, 87, 88,
    90,
];

/// The script with steps in it; `None` when it is not laid out as expected.
pub(super) fn stepped(mut chunk: Vec<u8>) -> Option<Vec<u8>> {
    let mut reader = Reader { chunk: &mut chunk, at: 0 };
    if (reader.byte()?, reader.byte()?) != VERSIONS {
        return None;
    }
    for _ in 0..reader.number()? {
        let length = reader.number()?;
        reader.skip(length)?;
    }
    // Names of types of userdata, until a zero.
    while reader.byte()? != 0 {
        reader.number()?;
    }
    for _ in 0..reader.number()? {
        reader.function()?;
    }
    reader.number()?;
    (reader.at == reader.chunk.len()).then_some(())?;
    Some(chunk)
}

struct Reader<'c> {
    chunk: &'c mut [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.chunk.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127).checked_shl(shift)?;
            if byte & 128 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes).filter(|at| *at <= self.chunk.len())?;
        Some(())
    }

    fn function(&mut self) -> Option<()> {
        // Sizes of stack, parameters and upvalues, whether it takes any number of arguments, flags.
        self.skip(5)?;
        let types = self.number()?;
        self.skip(types)?;
        let instructions = self.number()?;
        self.instructions(instructions)?;
        for _ in 0..self.number()? {
            self.constant()?;
        }
        for _ in 0..self.number()? {
            self.number()?;
        }
        // Where it is defined, and its name.
        self.number()?;
        self.number()?;
        if self.byte()? != 0 {
            let gap = u32::from(self.byte()?);
            let intervals = (instructions.checked_sub(1)? >> gap) + 1;
            self.skip(instructions.checked_add(intervals.checked_mul(4)?)?)?;
        }
        // Names of variables are not compiled in.
        (self.byte()? == 0).then_some(())
    }

    fn instructions(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            let word = self.chunk.get_mut(self.at..)?.first_chunk_mut::<4>()?;
            let operation = word[0];
            if operation == MARK {
                *word = STEP;
            }
            let words = if LONG.contains(&operation) { 2 } else { 1 };
            left = left.checked_sub(words)?;
            self.skip(words * 4)?;
        }
        Some(())
    }

    fn constant(&mut self) -> Option<()> {
        match self.byte()? {
            // Nothing.
            0 => {}
            // A truth value.
            1 => self.skip(1)?,
            // A number.
            2 => self.skip(8)?,
            // A text, a function.
            3 | 6 => drop(self.number()?),
            // A name that is looked up.
            4 => self.skip(4)?,
            // The shape of a table.
            5 => {
                for _ in 0..self.number()? {
                    self.number()?;
                }
            }
            // A vector.
            7 => self.skip(16)?,
            // A table with values.
            8 => {
                for _ in 0..self.number()? {
                    self.number()?;
                    self.skip(4)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use mlua::chunk::Compiler;

    use super::*;

    fn marked(source: &str) -> Vec<u8> {
        let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1).set_coverage_level(2);
        compiler.compile(source).unwrap()
    }

    #[test]
    fn every_construct_is_understood() {
        for source in [
            "return true",
            "",
            "local a, b = ... return a + b * -a // 2 ^ 3 % 4 .. 'x' < 'y'",
            "local t = {1, 2, x = 3, ['y'] = {z = nil}, f()} for i = 1, #t, 2 do t[i] += 1 end for k, v in t do t[k] = not v end",
            "function a.b.c:d(e, ...) return select('#', ...), self, e end while a do break end repeat continue until b == nil",
            "local s = `{a} and {b.c(d)[1]}` if s == 'x' or s ~= 1 and s then return 2^53, 1e308, 0x7f, 1e-5 end",
            "return string.format('%d', 1), math.max(1, 2, 3), ('x'):rep(3), if a then b else c",
            "local function f(x: number, y: {string}): boolean return x == 1 end return f",
            "local a = 1 local function g() a += 1 return function() return a end end return g()()",
            "local x = {a = 1, b = 'c', d = true, e = false, f = nil} return x == nil, x ~= true, x == 5, x == 'k'",
        ] {
            let before = marked(source);
            let after = stepped(before.clone()).expect(source);
            assert_eq!(before.len(), after.len());
            assert!(source.is_empty() || before != after, "{source}");
        }
    }

    #[test]
    fn what_is_laid_out_in_another_way_is_refused() {
        let chunk = marked("local a = {1} return a[1] + 2 == 3");
        for end in 0..chunk.len() {
            assert_eq!(stepped(chunk[..end].to_vec()), None, "{end}");
        }
        let with = |at: usize, byte: u8| {
            let mut chunk = chunk.clone();
            chunk[at] = byte;
            stepped(chunk)
        };
        assert!(with(0, 10).is_none() && with(1, 2).is_none());
        assert_eq!(stepped([chunk.clone(), vec![0]].concat()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut chunk = vec![VERSIONS.0, VERSIONS.1];
            chunk.extend(bytes);
            let _ = stepped(chunk);
        }
    }
}
