//! Aggregates: a state lives in the server's memory for aggregates, and goes to another process as
//! the bytes that SPEC.md specifies.
//!
//! Each step is a function of its own in SQL, named by the aggregate and what it does.

use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo, MemoryContext};
use precise_core::catalog::Function;
use precise_core::value::{Accumulator, Value};

use crate::Outcome;
use crate::call::{CallSite, Varlena, arguments, datum_of};
use crate::fault::Fault;

struct State {
    function: &'static Function,
    accumulator: Box<dyn Accumulator>,
}

impl State {
    fn refused(&self) -> impl Fn(precise_core::Error) -> Fault + use<> {
        let name = self.function.name;
        move |error| Fault::refused(name, &error)
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
        Ok(Some(Datum::from(state)))
    }
}

/// `(state, state) → state`
pub(crate) unsafe fn combine(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
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
        let refused = (*whole).refused();
        (*whole).accumulator.merge(&bytes).map_err(refused)?;
        Ok(Some(Datum::from(whole)))
    }
}

/// `(state) → bytea`
pub(crate) unsafe fn serialize(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        aggregate_context(info)?;
        let state = state_at(info, 0);
        Ok(state.and_then(|state| datum_of(&Value::Bytes((*state).accumulator.state().into()))))
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
        let refused = (*state).refused();
        (*state).accumulator.merge(bytes.bytes()).map_err(refused)?;
        Ok(Some(Datum::from(state)))
    }
}

/// `(state) → result`; more rows may follow, as in a window.
pub(crate) unsafe fn finish(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        aggregate_context(info)?;
        let Some(state) = state_at(info, 0) else { return Ok(None) };
        let refused = (*state).refused();
        let result = (*state).accumulator.finish().map_err(refused)?;
        Ok(datum_of(&result))
    }
}

/// Where states live.
///
/// # Safety
///
/// `info` is a call by the server.
unsafe fn aggregate_context(info: FunctionCallInfo) -> Result<MemoryContext, Fault> {
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
    let accumulator =
        function.accumulator().map_err(|error| Fault::refused(function.name, &error))?;
    let state = State { function, accumulator };
    Ok(PgMemoryContexts::For(context).leak_and_drop_on_delete(state))
}
