//! Resolvers compiled to WebAssembly: written once, byte for byte the same on every platform.
//!
//! Interpreted, so that it runs where code must not be made at run time. A module sees its input and
//! nothing else: it may import nothing, every call gets a fresh instance with fixed fuel, memory and
//! stack, and not-a-numbers are made canonical. So what it gives, also running out of fuel, is the same
//! everywhere. What only this machine lacks is no answer. `docs/protocol/wasm.md` describes the bytes.

use super::custom::{Call, Outcome, Run, RunResolver, Stuck, each_on_the_one_before};
use crate::model::{Decoder, Encoder, Fields, RejectReason, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmi::errors::{MemoryError, TableError};
use wasmi::{
    CompilationMode, Config, Engine, ExternType, Linker, ResourceLimiter, Store, StoreLimits,
    StoreLimitsBuilder, TrapCode,
};
use wasmi_core::LimiterError;

/// Fuel of one call, about one for a simple instruction.
const FUEL: u64 = 20_000_000;
/// Largest memory of an instance in bytes.
const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest table of an instance: its functions that are called by number.
const TABLE_ELEMENTS_MAX: usize = 16 * 1024;
/// Stack of values in bytes, and nesting of calls.
const STACK_BYTES_MAX: usize = 1024 * 1024;
const NESTED_CALLS_MAX: usize = 1000;
/// Largest answer in bytes.
const ANSWER_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// Largest module in bytes.
pub const MODULE_BYTES_MAX: usize = 4 * 1024 * 1024;

const MEMORY: &str = "memory";
const ALLOC: &str = "veilfold_alloc";
const RESOLVE: &str = "veilfold_resolve";
const MIGRATE: &str = "veilfold_migrate";

/// Why bytes are no resolver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModuleError {
    /// Too many bytes.
    #[error("a module has at most {MODULE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not WebAssembly, or of a kind that is not deterministic.
    #[error("not a valid module: {0}")]
    Invalid(String),
    /// It wants something from outside.
    #[error("a resolver imports nothing, this one wants {0}")]
    Imports(String),
    /// Something of the interface is missing.
    #[error("a resolver exports {0}")]
    Missing(&'static str),
}

/// A resolver as a compiled module.
///
/// ```no_run
/// use veilfold_core::resolver::{Module, Resolvers};
///
/// let module = Module::new(&std::fs::read("tickets.wasm")?)?;
/// let resolvers = Resolvers::default().with("tickets", 1, module);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Module {
    hash: [u8; 32],
    module: wasmi::Module,
    linker: Linker<Limits>,
    migrates: bool,
}

impl Module {
    /// Checks and translates a module.
    ///
    /// # Errors
    /// A [`ModuleError`] that says what to build differently.
    pub fn new(bytes: &[u8]) -> Result<Self, ModuleError> {
        if bytes.len() > MODULE_BYTES_MAX {
            return Err(ModuleError::TooLarge);
        }
        let mut config = Config::default();
        config
            .consume_fuel(true)
            // Later would be charged to the first call that needs a function, so that a call's fuel depended
            // on the calls before it.
            .compilation_mode(CompilationMode::Eager)
            .set_max_stack_height(STACK_BYTES_MAX)
            .set_max_recursion_depth(NESTED_CALLS_MAX)
            .wasm_multi_memory(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false);
        let engine = Engine::new(&config);
        // Whole before it is translated: the translation goes on where only the end of a function would
        // show that it is none.
        let module = wasmi::Module::validate(&engine, bytes)
            .and_then(|()| wasmi::Module::new(&engine, bytes))
            .map_err(|error| ModuleError::Invalid(error.to_string()))?;
        if let Some(import) = module.imports().next() {
            return Err(ModuleError::Imports(format!("{}.{}", import.module(), import.name())));
        }
        if !matches!(module.get_export(MEMORY), Some(ExternType::Memory(_))) {
            return Err(ModuleError::Missing(MEMORY));
        }
        for name in [ALLOC, RESOLVE] {
            if !matches!(module.get_export(name), Some(ExternType::Func(_))) {
                return Err(ModuleError::Missing(name));
            }
        }
        let migrates = matches!(module.get_export(MIGRATE), Some(ExternType::Func(_)));
        let linker = Linker::new(&engine);
        Ok(Self { hash: Sha256::digest(bytes).into(), module, linker, migrates })
    }

    /// One question to a fresh instance.
    fn ask(&self, function: &str, question: &[u8]) -> Result<Outcome, Stuck> {
        let mut store = Store::new(self.module.engine(), Limits::new());
        store.limiter(|limits| limits);
        let answer = self.answer(&mut store, function, question);
        if store.data().starved {
            return Err(NO_MEMORY);
        }
        match answer {
            Ok(answer) => Ok(read_answer(&answer).unwrap_or(FAILED)),
            Err(error) => match error.as_trap_code() {
                Some(TrapCode::OutOfSystemMemory) => Err(NO_MEMORY),
                Some(TrapCode::OutOfFuel | TrapCode::StackOverflow) => {
                    Ok(Outcome::Rejected(RejectReason::ResolverLimit, None))
                }
                Some(_) | None => Ok(FAILED),
            },
        }
    }

    fn answer(
        &self,
        store: &mut Store<Limits>,
        function: &str,
        question: &[u8],
    ) -> Result<Vec<u8>, wasmi::Error> {
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate_and_start(&mut *store, &self.module)?;
        let alloc = instance.get_typed_func::<u32, u32>(&*store, ALLOC)?;
        let function = instance.get_typed_func::<(u32, u32), u64>(&*store, function)?;
        let memory = instance.get_memory(&*store, MEMORY).ok_or_else(|| wasmi::Error::new("no memory"))?;
        let len = u32::try_from(question.len()).map_err(|_| wasmi::Error::new("too long a question"))?;
        let at = alloc.call(&mut *store, len)?;
        memory
            .write(&mut *store, at as usize, question)
            .map_err(|error| wasmi::Error::new(error.to_string()))?;
        let answer = function.call(&mut *store, (at, len))?;
        let (at, len) = ((answer >> 32) as u32, answer as u32);
        if len > ANSWER_BYTES_MAX {
            return Err(TrapCode::OutOfFuel.into());
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len as usize).map_err(|_| TrapCode::OutOfSystemMemory)?;
        bytes.resize(len as usize, 0);
        memory
            .read(&*store, at as usize, &mut bytes)
            .map_err(|error| wasmi::Error::new(error.to_string()))?;
        Ok(bytes)
    }

    fn migrated(&self, format: u64, state: Fields) -> Result<Outcome, Stuck> {
        if !self.migrates {
            return Ok(Outcome::State(Some(state)));
        }
        let mut question = Encoder::with_capacity(256);
        question.array(2);
        question.uint(format);
        Value::Map(state).encode(&mut question);
        let migrated = self.ask(MIGRATE, &question.finish())?;
        // A migration gives a document, or it has failed.
        Ok(if migrated == Outcome::State(None) { FAILED } else { migrated })
    }

    fn resolved(&self, state: Option<Fields>, call: &Call) -> Result<Outcome, Stuck> {
        let mut question = Encoder::with_capacity(256);
        question.array(8);
        match state {
            Some(fields) => Value::Map(fields).encode(&mut question),
            None => question.nil(),
        }
        question.str(&call.name);
        call.args.encode(&mut question);
        question.str(&call.document);
        question.uint(call.version);
        question.uint(call.author.0);
        match call.position {
            Some(position) => {
                question.array(2);
                question.uint(position.seq);
                question.uint(position.index);
            }
            None => question.nil(),
        }
        question.uint(call.time_ms);
        self.ask(RESOLVE, &question.finish())
    }
}

const FAILED: Outcome = Outcome::Rejected(RejectReason::ResolverFailed, None);
const NO_MEMORY: Stuck = Stuck("there is no memory for it");

/// What an instance may have, and whether this machine could not give that.
struct Limits {
    within: StoreLimits,
    /// Set when something within the limits was refused by the machine. Others have it, so whatever the
    /// module makes of that is no answer.
    starved: bool,
}

impl Limits {
    fn new() -> Self {
        let within = StoreLimitsBuilder::new()
            .memory_size(MEMORY_BYTES_MAX)
            .table_elements(TABLE_ELEMENTS_MAX)
            .build();
        Self { within, starved: false }
    }

    /// The instance ends here: a module that was told would go on without the memory.
    fn starve(&mut self) -> Result<(), LimiterError> {
        self.starved = true;
        Err(LimiterError::ResourceLimiterDeniedAllocation)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.within.memory_growing(current, desired, maximum)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.within.table_growing(current, desired, maximum)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        if matches!(error, MemoryError::OutOfSystemMemory) { self.starve() } else { Ok(()) }
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        if matches!(error, TableError::OutOfSystemMemory) { self.starve() } else { Ok(()) }
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

/// `[0, map or nil]` or `[1, text]`.
fn read_answer(answer: &[u8]) -> Option<Outcome> {
    let mut input = Decoder::new(answer);
    input.tuple(2, "answer").ok()?;
    let outcome = match input.uint("answer").ok()? {
        0 => match Value::decode(&mut input).ok()? {
            Value::Null => Outcome::State(None),
            Value::Map(fields) => Outcome::State(Some(fields)),
            _ => return None,
        },
        1 => {
            let text = input.str(usize::MAX, "answer").ok()?.to_owned();
            Outcome::Rejected(RejectReason::RefusedByResolver, Some(text))
        }
        _ => return None,
    };
    input.end().ok()?;
    Some(outcome)
}

impl RunResolver for Module {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        let migrate = |format, state| self.migrated(format, state);
        let resolve = |state, call: &Call| self.resolved(state, call);
        runs.into_iter().map(|run| each_on_the_one_before(version, run, migrate, resolve)).collect()
    }

    fn migrate(&self, _: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        let one = |(format, state)| match self.migrated(format, state)? {
            Outcome::State(state) => Ok(state),
            Outcome::Rejected(..) => Ok(None),
        };
        states.into_iter().map(one).collect()
    }

    fn module(&self) -> Option<[u8; 32]> {
        Some(self.hash)
    }
}

#[cfg(test)]
mod tests;
