//! Calls of SQL functions, spelled in bytes.

use std::borrow::Cow;
use std::sync::Once;

use precise_core::canonical::canonicalize;
use precise_core::catalog::{FUNCTIONS, Function, call_rows};
use precise_core::value::{Type, Value};
use precise_core::{Code, Result};

/// Calls a function of the catalogue with any arguments.
///
/// What comes back has the declared type, and JSON is in canonical form. A NULL gives NULL. The
/// rows of an aggregate may come in any order, and in any number of places.
///
/// The first byte names the function, the rest are values, each a kind, a length of two bytes
/// and as many bytes as it says; a kind of 0xFF ends a row.
pub fn catalogue_call(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let function = &FUNCTIONS[usize::from(first) % FUNCTIONS.len()];
    let rows = rows(rest);
    if function.args.is_empty() && rows == [Vec::new()] {
        // It is one call, and that of the selftest, which verifies signatures, a slow one.
        static CALLED: Once = Once::new();
        let hold = |function: &'static Function| {
            let result = call_rows(function, &[Vec::new()]);
            assert_eq!(result.ok().and_then(|value| value.type_of()), Some(function.returns));
        };
        return CALLED.call_once(|| FUNCTIONS.iter().filter(|f| f.args.is_empty()).for_each(hold));
    }
    let result = call_rows(function, &rows);
    assert_eq!(result, call_rows(function, &rows), "a function depends on its arguments alone");
    match &result {
        Ok(value) => assert_typed(function, value),
        Err(error) => assert!(Code::ALL.contains(&error.code())),
    }
    if function.is_aggregate() {
        assert_order_is_nothing(function, &rows, &result);
    } else if let [row] = &rows[..]
        && row.contains(&Value::Null)
    {
        // A wrong argument next to the NULL is still wrong.
        match result {
            Ok(value) => assert_eq!(value, Value::Null),
            Err(error) => assert_eq!(error.code(), Code::Arguments),
        }
    }
}

fn assert_typed(function: &Function, value: &Value<'_>) {
    assert!(value.type_of().is_none_or(|found| found == function.returns));
    if let Value::Json(json) = value {
        assert_eq!(canonicalize(json).as_deref(), Ok(&json[..]));
        assert_eq!(function.returns, Type::Json);
    }
}

fn assert_order_is_nothing(
    function: &'static Function,
    rows: &[Vec<Value<'_>>],
    result: &Result<Value<'static>>,
) {
    let turned: Vec<_> = rows.iter().rev().cloned().collect();
    let of_turned = call_rows(function, &turned);
    assert_eq!(of_turned.as_ref().ok(), result.as_ref().ok());
    let of_parts = in_two_places(function, rows);
    assert_eq!(of_parts.as_ref().ok(), result.as_ref().ok());
    if let Ok(value) = result {
        let skipped: Vec<_> =
            rows.iter().filter(|row| !row.contains(&Value::Null)).cloned().collect();
        assert_eq!(call_rows(function, &skipped).as_ref(), Ok(value));
        assert_eq!(*value == Value::Null, skipped.is_empty());
    }
}

/// The aggregate over every other row, merged with that over the rest.
fn in_two_places(function: &'static Function, rows: &[Vec<Value<'_>>]) -> Result<Value<'static>> {
    let mut places = [function.accumulator()?, function.accumulator()?];
    for (i, row) in rows.iter().enumerate() {
        places[i % 2].update(row)?;
    }
    let [mut one, mut other] = places;
    let mut whole = function.accumulator()?;
    whole.merge(&other.state())?;
    whole.merge(&one.state())?;
    whole.finish()
}

fn rows(data: &[u8]) -> Vec<Vec<Value<'_>>> {
    let mut rows = vec![Vec::new()];
    let mut rest = data;
    while let Some((&kind, behind)) = rest.split_first() {
        if kind == 0xFF {
            rows.push(Vec::new());
            rest = behind;
            continue;
        }
        let Some((&len, behind)) = behind.split_first_chunk() else { break };
        let len = usize::from(u16::from_le_bytes(len));
        let (bytes, behind) = behind.split_at(len.min(behind.len()));
        rest = behind;
        if let Some(row) = rows.last_mut() {
            row.push(value(kind, bytes));
        }
    }
    rows
}

fn value(kind: u8, bytes: &[u8]) -> Value<'_> {
    match kind % 8 {
        0 => Value::Json(Cow::Borrowed(bytes)),
        1 => Value::Bytes(Cow::Borrowed(bytes)),
        2 => Value::Text(String::from_utf8_lossy(bytes)),
        3 => Value::Integer(i64::from_le_bytes(eight(bytes))),
        4 => Value::Boolean(!bytes.is_empty()),
        5 => Value::Null,
        6 => Value::Decimal(String::from_utf8_lossy(bytes)),
        _ => Value::Float(f64::from_le_bytes(eight(bytes))),
    }
}

/// The first eight bytes, behind the last of them zeros.
fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    for (to, from) in eight.iter_mut().zip(bytes) {
        *to = *from;
    }
    eight
}
