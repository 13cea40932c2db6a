//! Aggregates: a state lives in the server's memory for aggregates, and goes to another process as
//! the bytes that SPEC.md specifies.
//!
//! Each step is a function of its own in SQL, named by the aggregate and what it does.
//!
//! The states of a process have `work_mem` between them. Beyond that, the one that grows goes to a
//! file, and what it comes to is read back from there (`runs`).

use std::cell::Cell;
use std::slice;

use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo, MemoryContext};
use precise_core::catalog::Function;
use precise_core::value::{Accumulator, Value};

use crate::Outcome;
use crate::call::{CallSite, Varlena, arguments, datum_of};
use crate::fault::Fault;
use crate::runs::{Runs, work_mem};

/// A state that holds less stays in memory: a file would not be worth it. It is the least that
/// `work_mem` can be.
const STORED_LEN_MIN: usize = 64 << 10;

/// The most bytes that a worker hands to the leader: what the server can have in one value, 1 GB,
/// without a megabyte for the rest of the row.
const STATE_LEN_MAX: usize = (1 << 30) - (1 << 20);

thread_local! {
    /// Bytes that the states of this process have in memory.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

struct State {
    function: &'static Function,
    accumulator: Box<dyn Accumulator>,
    /// What the accumulator takes when it is empty.
    empty_size: usize,
    /// Bytes beyond that, as counted in `HELD`.
    held: usize,
    runs: Runs,
}

impl State {
    fn new(function: &'static Function) -> Result<Self, Fault> {
        let accumulator =
            function.accumulator().map_err(|error| Fault::refused(function.name, &error))?;
        let empty_size = accumulator.size();
        Ok(Self { function, accumulator, empty_size, held: 0, runs: Runs::default() })
    }

    fn refused(&self) -> impl Fn(precise_core::Error) -> Fault + use<> {
        let name = self.function.name;
        move |error| Fault::refused(name, &error)
    }

    /// Takes a whole state.
    fn merge(&mut self, state: &[u8]) -> Result<(), Fault> {
        if state.len() > STORED_LEN_MIN && HELD.get() + state.len() > work_mem() {
            self.runs.push(state)?;
        } else if !state.is_empty() {
            let refused = self.refused();
            self.accumulator.merge(state).map_err(refused)?;
        }
        if self.runs.full_rank().is_some() { self.store() } else { self.keep_within_memory() }
    }

    /// Counts what is held, and stores it if that is too much.
    fn keep_within_memory(&mut self) -> Result<(), Fault> {
        self.count();
        if self.held > STORED_LEN_MIN && HELD.get() > work_mem() { self.store() } else { Ok(()) }
    }

    fn count(&mut self) {
        let held = self.accumulator.size().saturating_sub(self.empty_size);
        HELD.set(HELD.get() - self.held + held);
        self.held = held;
    }

    /// Leaves nothing in memory.
    fn store(&mut self) -> Result<(), Fault> {
        let state = self.accumulator.state();
        if !state.is_empty() {
            self.runs.push(&state)?;
        }
        drop(state);
        self.count();
        let refused = self.refused();
        while let Some(rank) = self.runs.full_rank() {
            self.runs.join_rank(rank, |stored, write| {
                self.accumulator.join(stored, write).map_err(&refused)
            })?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value<'static>, Fault> {
        let refused = self.refused();
        let result =
            self.runs.read(|stored| self.accumulator.finish_over(stored).map_err(refused))?;
        self.count();
        Ok(result)
    }

    /// The whole state, as bytes in the server's memory.
    fn datum(&mut self) -> Outcome {
        if self.runs.is_empty() {
            let state = self.accumulator.state();
            self.count();
            return if state.len() > STATE_LEN_MAX {
                Err(too_large())
            } else {
                Ok(datum_of(&Value::Bytes(state.into())))
            };
        }
        // Then all of it is in runs, and together they come to no more than their sum.
        self.store()?;
        let room = usize::try_from(self.runs.len()).unwrap_or(usize::MAX).min(STATE_LEN_MAX);
        // SAFETY: the server gives the memory or raises an error; it is as long as is said, and all
        // of it is written before it is looked at.
        let (value, bytes) = unsafe {
            let value: *mut pg_sys::varlena = pg_sys::palloc0(room + pg_sys::VARHDRSZ).cast();
            let bytes = value.cast::<u8>().add(pg_sys::VARHDRSZ);
            (value, slice::from_raw_parts_mut(bytes, room))
        };
        let mut len = 0;
        let refused = self.refused();
        self.runs.read(|stored| {
            let mut write = |piece: &[u8]| {
                if let Some(place) = bytes.get_mut(len..len + piece.len()) {
                    place.copy_from_slice(piece);
                }
                len += piece.len();
            };
            self.accumulator.join(stored, &mut write).map_err(refused)
        })?;
        if len > room {
            return Err(too_large());
        }
        // SAFETY: the value is ours and has room for its length word and as many bytes.
        unsafe { pgrx::set_varsize_4b(value, (len + pg_sys::VARHDRSZ) as i32) };
        Ok(Some(Datum::from(value)))
    }
}

#[cold]
fn too_large() -> Fault {
    Fault::new(
        "54000",
        "a parallel worker cannot hand over more than 1 GB of hashes",
        "",
        "Set max_parallel_workers_per_gather to 0 for this query.",
    )
}

impl Drop for State {
    fn drop(&mut self) {
        HELD.set(HELD.get() - self.held);
    }
}

/// `(state, arguments…) → state`
pub(crate) unsafe fn update(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        let context = aggregate_context(info)?;
        let site = CallSite::of((*info).flinfo, "_update")?;
        let args = arguments(info);
        let state = match state_at(info, 0) {
            Some(state) => state,
            None => begin(site.function, context)?,
        };
        let mut values = Vec::with_capacity(args.len() - 1);
        for (i, arg) in args[1..].iter().enumerate() {
            values.push(if arg.isnull { Value::Null } else { site.value(i, arg.value)? });
        }
        let refused = (*state).refused();
        (*state).accumulator.update(&values).map_err(refused)?;
        (*state).keep_within_memory()?;
        Ok(Some(Datum::from(state)))
    }
}

/// `(state, state) → state`
pub(crate) unsafe fn combine(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call, with two states.
    unsafe {
        let context = aggregate_context(info)?;
        let Some(other) = state_at(info, 1) else {
            return Ok(state_at(info, 0).map(Datum::from));
        };
        let whole = match state_at(info, 0) {
            Some(state) => state,
            None => begin((*other).function, context)?,
        };
        let bytes = (*other).accumulator.state();
        (*other).count();
        (*whole).runs.append(&mut (*other).runs);
        (*whole).merge(&bytes)?;
        Ok(Some(Datum::from(whole)))
    }
}

/// `(state) → bytea`
pub(crate) unsafe fn serialize(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        aggregate_context(info)?;
        state_at(info, 0).map_or(Ok(None), |state| (*state).datum())
    }
}

/// `(bytea, internal) → state`
pub(crate) unsafe fn deserialize(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        aggregate_context(info)?;
        let site = CallSite::of((*info).flinfo, "_deserialize")?;
        let bytes = Varlena::of(arguments(info)[0].value);
        let state = begin(site.function, pg_sys::CurrentMemoryContext)?;
        (*state).merge(bytes.bytes())?;
        Ok(Some(Datum::from(state)))
    }
}

/// `(state) → result`; more rows may follow, as in a window.
pub(crate) unsafe fn finish(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        aggregate_context(info)?;
        let Some(state) = state_at(info, 0) else { return Ok(None) };
        let result = (*state).finish()?;
        Ok(datum_of(&result))
    }
}

/// Where states live.
///
/// # Safety
///
/// `info` is a call by the server.
pub(crate) unsafe fn aggregate_context(info: FunctionCallInfo) -> Result<MemoryContext, Fault> {
    let mut context = std::ptr::null_mut();
    // SAFETY: the server fills in the context if it calls for an aggregate.
    if unsafe { pg_sys::AggCheckCallContext(info, &raw mut context) } == 0 {
        return Err(Fault::new("55000", "this function is a step of an aggregate", "", ""));
    }
    Ok(context)
}

/// The state that argument `i` is; none for NULL.
///
/// # Safety
///
/// `info` is a call for an aggregate, so that nobody else can have made the state.
unsafe fn state_at(info: FunctionCallInfo, i: usize) -> Option<*mut State> {
    // SAFETY: as the caller says.
    let arg = unsafe { arguments(info)[i] };
    (!arg.isnull).then(|| arg.value.cast_mut_ptr())
}

/// A state that lives as long as `context`.
fn begin(function: &'static Function, context: MemoryContext) -> Result<*mut State, Fault> {
    let state = State::new(function)?;
    Ok(PgMemoryContexts::For(context).leak_and_drop_on_delete(state))
}
