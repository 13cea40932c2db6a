//! What has to be able to run the vectors.

use precise_core::catalog::{Function, call_rows};
use precise_core::value::{Type, Value};
use precise_core::{Code, Error};
use serde_json::Value as Json;

use crate::vector::Vector;

/// One argument as an engine gets it. Text and bytes are what they say; JSON is bytes that need
/// not even be UTF-8. Where a function takes a row, the argument is the row's cells, as JSON, and
/// an engine that has rows makes one of them.
pub type Argument = Value<'static>;

/// Where the functions can be called. What is said here is known without linking the engine.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// The name in `tests/coverage.json`.
    pub name: &'static str,
    /// Whether the engine can be asked at all; if not, the reason, which is printed. A text type
    /// that cannot hold invalid UTF-8 is one; that the answer would be wrong is none.
    pub covers: fn(&Vector) -> Result<(), String>,
}

/// The catalogue itself.
pub const CORE: Surface = Surface { name: "core", covers: |_| Ok(()) };

/// DataFusion, through `datafusion-udfs`. Its binary columns can hold any bytes.
pub const DATAFUSION: Surface = Surface { name: "datafusion", covers: sql_covers };

/// PostgreSQL, through `pg_precise`.
pub const POSTGRES: Surface = Surface { name: "postgres", covers: postgres_covers };

/// All of them.
pub const SURFACES: &[Surface] = &[CORE, DATAFUSION, POSTGRES];

/// What no call in SQL is.
fn sql_covers(vector: &Vector) -> Result<(), String> {
    let rows = vector.rows();
    if rows.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Err("an aggregate has as many arguments in each row".into());
    }
    Ok(())
}

/// What PostgreSQL has no value for.
fn postgres_covers(vector: &Vector) -> Result<(), String> {
    sql_covers(vector)?;
    for argument in vector.rows().iter().flatten() {
        match argument {
            Value::Json(bytes) if str::from_utf8(bytes).is_err() => {
                return Err("text in PostgreSQL is UTF-8".into());
            }
            Value::Json(bytes) if bytes.contains(&0) => {
                return Err("text in PostgreSQL has no U+0000".into());
            }
            Value::Text(text) if text.contains('\0') => {
                return Err("text in PostgreSQL has no U+0000".into());
            }
            _ => {}
        }
    }
    if vector.function.args.first().is_some_and(|arg| arg.arg_type == Type::Row)
        && let Some(Value::Json(cells)) = vector.rows()[0].first()
        && let Ok(cells) = serde_json::from_slice(cells)
    {
        return postgres_has_cells(&cells);
    }
    Ok(())
}

/// Whether a row of these cells can be one of PostgreSQL.
fn postgres_has_cells(cells: &Json) -> Result<(), String> {
    match cells {
        Json::String(text) if text.contains('\0') => Err("text in PostgreSQL has no U+0000".into()),
        Json::Array(cell) => {
            if let [Json::String(_), Json::String(cell_type), _] = cell.as_slice()
                && cell_type.trim_end_matches("[]") == "map"
            {
                return Err("PostgreSQL has no maps".into());
            }
            cell.iter().try_for_each(postgres_has_cells)
        }
        _ => Ok(()),
    }
}

/// An engine under test.
pub trait Engine {
    /// Where it stands in `tests/coverage.json`.
    fn surface(&self) -> &Surface;

    /// Calls `function`, a name of the catalogue: a scalar function with its one row, an aggregate
    /// with all rows of one group.
    ///
    /// The result has the type the catalogue states, so that an engine without a type of its own
    /// for JSON gives [`Value::Json`] all the same.
    fn call(&mut self, function: &str, rows: &[Vec<Argument>]) -> Outcome;
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer and no code either: a connection lost, a panic, an error of the engine's own.
    Broken(String),
    /// An error with one of our codes, wherever the engine carries it.
    Refused(Code),
    /// A result; NULL is one.
    Returned(Value<'static>),
}

impl From<precise_core::Result<Value<'static>>> for Outcome {
    fn from(result: precise_core::Result<Value<'static>>) -> Self {
        match result {
            Ok(value) => Self::Returned(value),
            Err(error) => Self::Refused(error.code()),
        }
    }
}

/// The catalogue itself, called without an engine around it.
#[derive(Debug, Default)]
pub struct Core;

impl Engine for Core {
    fn surface(&self) -> &Surface {
        &CORE
    }

    fn call(&mut self, function: &str, rows: &[Vec<Argument>]) -> Outcome {
        let function = match Function::find(function) {
            Ok(function) => function,
            Err(error) => return Outcome::Refused(error.code()),
        };
        let whole = Outcome::from(call_rows(function, rows));
        if !function.is_aggregate() {
            return whole;
        }
        let parted = Outcome::from(call_parted(function, rows));
        if whole == parted {
            whole
        } else {
            Outcome::Broken(format!("at once {whole:?}, from two partial states {parted:?}"))
        }
    }
}

/// An aggregate as a cluster runs it: two partial states, brought together in a third.
fn call_parted(
    function: &'static Function,
    rows: &[Vec<Argument>],
) -> Result<Value<'static>, Error> {
    let (front, back) = rows.split_at(rows.len() / 2);
    let mut whole = function.accumulator()?;
    // The later half first: an aggregate may not depend on the order.
    for part in [back, front] {
        let mut accumulator = function.accumulator()?;
        for row in part {
            accumulator.update(row)?;
        }
        whole.merge(&accumulator.state())?;
    }
    whole.finish()
}
