//! One interpreter, and one script in it at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use mlua::chunk::ChunkMode;
use mlua::{Lua, Table, Value as LuaValue};
use serde_json::Value;

use super::budget::{Budget, instant};
use super::chunks::Chunks;
use super::fault::{CHUNK, Fault};
use super::{Limits, prelude, value};
use crate::base::{Moment, ScriptDigest};

/// Garbage beyond this many bytes is collected between evaluations, so that each begins with the same room.
const LITTER: usize = 256 * 1024;

/// What a script gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// `true` or `false`.
    Bool(bool),
    /// A value of another type, by the type's name; `nil` when it gave back nothing.
    Other(&'static str),
}

impl Returned {
    /// Whether it is neither `false` nor `nil`: how Lua itself reads a condition.
    pub fn is_truthy(self) -> bool {
        !matches!(self, Self::Bool(false) | Self::Other("nil"))
    }
}

/// One script's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What it gave back, or why it gave nothing.
    pub returned: Result<Returned, Fault>,
    /// How long it took, in microseconds, compiling included.
    pub micros: u64,
}

/// An interpreter that is ready to run scripts. Each evaluation has an environment of its own, so none sees what
/// another did.
pub struct Vm {
    limits: Limits,
    chunks: Chunks,
    /// None after a limit was reached: what a stopped script left behind is not worth keeping.
    engine: Option<Engine>,
    /// Until when the job at hand may evaluate.
    job_end: Option<Instant>,
    off: Arc<SwitchedOff>,
    at: Arc<At>,
}

/// Scripts that are not run. Interpreters of one pool share it.
#[derive(Default)]
pub(super) struct SwitchedOff(RwLock<HashSet<ScriptDigest>>);

impl SwitchedOff {
    pub(super) fn holds(&self, script: ScriptDigest) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&script)
    }

    pub(super) fn insert(&self, script: ScriptDigest) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(script);
    }

    pub(super) fn remove(&self, script: ScriptDigest) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&script);
    }
}

/// Which script an interpreter is at, for those who watch it.
#[derive(Default)]
pub(super) struct At(Mutex<Option<(ScriptDigest, Instant)>>);

impl At {
    /// The script that is being evaluated, and since when.
    pub(super) fn script(&self) -> Option<(ScriptDigest, Instant)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, script: Option<(ScriptDigest, Instant)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }
}

struct Engine {
    lua: Lua,
    budget: Arc<Budget>,
    /// Makes the locked library visible from an environment.
    outlook: Table,
    /// Memory of the library alone.
    bare: usize,
}

impl Vm {
    /// A warm interpreter. Errors: [`Fault::Engine`], when it does not fit into the memory it may have.
    pub fn new(limits: Limits) -> Result<Self, Fault> {
        Self::with_switched_off(limits, Arc::default())
    }

    /// A warm interpreter that runs nothing of what is in `off`.
    pub(super) fn with_switched_off(limits: Limits, off: Arc<SwitchedOff>) -> Result<Self, Fault> {
        let engine = Engine::new(limits.memory).map_err(|_| Fault::Engine)?;
        Ok(Self { limits, chunks: Chunks::default(), engine: Some(engine), job_end: None, off, at: Arc::default() })
    }

    /// Where to see which script it is at.
    pub(super) fn at(&self) -> Arc<At> {
        Arc::clone(&self.at)
    }

    /// Looks like one that has been at this script for long.
    #[cfg(test)]
    pub(crate) fn pretend(&self, source: &str) {
        let since = instant().checked_sub(Duration::from_secs(1));
        self.at.set(since.map(|since| (ScriptDigest::of(source), since)));
    }

    /// A job begins: what it may take in all is counted from here.
    pub(super) fn begin_job(&mut self) {
        self.job_end = instant().checked_add(self.limits.job_time);
    }

    /// Runs a script with the global `context`. Inside it, `os.date` and `os.time` say that it is `now`.
    pub fn evaluate(&mut self, source: &str, context: &Value, now: Moment) -> Evaluation {
        let began = instant();
        let returned = self.run(source, context, now, began);
        self.at.set(None);
        if matches!(returned, Err(Fault::Memory | Fault::Instructions | Fault::Time | Fault::Engine)) {
            self.engine = None;
        }
        Evaluation { returned, micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX) }
    }

    fn run(&mut self, source: &str, context: &Value, now: Moment, began: Instant) -> Result<Returned, Fault> {
        if source.len() > self.limits.source {
            return Err(Fault::TooLarge);
        }
        if !value::fits(context, self.limits.context) {
            return Err(Fault::Context);
        }
        let left = self.job_end.map_or(Duration::MAX, |end| end.saturating_duration_since(began));
        let time = self.limits.time.min(left);
        if time.is_zero() {
            return Err(Fault::Time);
        }
        let digest = ScriptDigest::of(source);
        if self.off.holds(digest) {
            return Err(Fault::SwitchedOff);
        }
        self.at.set(Some((digest, began)));
        let chunk = self.chunks.compiled(digest, source)?;
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::new(self.limits.memory).map_err(|_| Fault::Engine)?,
        };
        let engine = self.engine.insert(engine);
        engine.budget.begin(&self.limits, time, now);
        let returned = engine.call(&chunk, context);
        // A limit counts even if the script caught what it was told about it.
        if let Some(fault) = engine.budget.end() {
            return Err(fault);
        }
        engine.tidy();
        returned.map_err(|error| Fault::from_lua(&error))
    }
}

impl Engine {
    fn new(memory: usize) -> mlua::Result<Self> {
        let budget = Arc::new(Budget::new());
        let lua = prelude::interpreter(&budget)?;
        let outlook = lua.create_table()?;
        outlook.raw_set("__index", lua.globals())?;
        outlook.raw_set("__metatable", false)?;
        outlook.set_readonly(true);
        lua.gc_collect()?;
        let bare = lua.used_memory();
        lua.set_memory_limit(memory)?;
        Ok(Self { lua, budget, outlook, bare })
    }

    fn call(&self, chunk: &[u8], context: &Value) -> mlua::Result<Returned> {
        let environment = self.lua.create_table()?;
        environment.raw_set("context", value::to_lua(&self.lua, context)?)?;
        environment.set_metatable(Some(self.outlook.clone()))?;
        // Bytecode, but only ever our own compiler's: scripts come as text.
        let chunk = self.lua.load(chunk).set_mode(ChunkMode::Binary).set_name(format!("={CHUNK}"));
        let returned: LuaValue = chunk.set_environment(environment).into_function()?.call(())?;
        Ok(match returned {
            LuaValue::Boolean(is) => Returned::Bool(is),
            LuaValue::Integer(_) => Returned::Other("number"),
            other => Returned::Other(other.type_name()),
        })
    }

    fn tidy(&self) {
        if self.lua.used_memory() > self.bare + LITTER {
            // Whatever could not be collected counts against the next script, which then fails closed.
            let _ = self.lua.gc_collect();
        }
    }
}
