//! Arrow's arrays as the catalogue's values, and back.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, LargeBinaryBuilder, StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Decimal256Array, Float64Array, Int64Array,
};
use arrow_schema::DataType;
use datafusion_common::{Result, ScalarValue, exec_err, internal_err};
use precise_arrow::{ByteColumn, Rows};
use precise_core::canonical::Canonicalizer;
use precise_core::catalog::Function;
use precise_core::value::{Type, Value};

use crate::error::refused;
use crate::types;

/// The arguments of a call, lists and structs as the JSON texts that they are taken for.
///
/// Errors: what a typed row is refused for.
pub(crate) fn with_documents(
    function: &Function,
    mut arrays: Vec<ArrayRef>,
) -> Result<Vec<ArrayRef>> {
    for (array, arg) in arrays.iter_mut().zip(function.args) {
        if arg.arg_type == Type::Json && types::is_document(function, array.data_type()) {
            *array = documents(array).map_err(|error| refused(function, error))?;
        }
    }
    Ok(arrays)
}

/// Each cell as a JSON text.
fn documents(array: &ArrayRef) -> precise_core::Result<ArrayRef> {
    let fields = types::document_field(array.data_type());
    let columns = [array.clone()];
    let rows = Rows::new(&fields, &columns)?;
    let mut canonicalizer = Canonicalizer::default();
    let mut row = Vec::new();
    let mut texts = LargeBinaryBuilder::new();
    for i in 0..array.len() {
        if array.is_null(i) {
            texts.append_null();
            continue;
        }
        row.clear();
        canonicalizer.append_row(&mut row, |encoder| rows.write(i, encoder))?;
        // Without `{"v":` and `}`.
        texts.append_value(&row[5..row.len() - 1]);
    }
    Ok(Arc::new(texts.finish()))
}

/// One argument, row by row.
pub(crate) struct Argument<'a> {
    cells: Cells<'a>,
    /// The same value in every row.
    is_constant: bool,
}

enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Bytes(ByteColumn<'a>),
    Decimal128(&'a Decimal128Array, i8),
    Decimal256(&'a Decimal256Array, i8),
    /// An exact number as text.
    DecimalText(ByteColumn<'a>),
    Float(&'a Float64Array),
    Integer(&'a Int64Array),
    Json(ByteColumn<'a>),
    Text(ByteColumn<'a>),
}

impl<'a> Argument<'a> {
    /// An argument of type `of`; of a constant, `array` holds it once.
    pub(crate) fn new(of: Type, array: &'a ArrayRef, is_constant: bool) -> Result<Self> {
        let unfit = || internal_err!("an argument of type {of} came as {}", array.data_type());
        let cells = match of {
            Type::Boolean => match array.as_boolean_opt() {
                Some(array) => Cells::Boolean(array),
                None => return unfit(),
            },
            Type::Decimal => match array.data_type() {
                DataType::Decimal128(_, scale) => {
                    Cells::Decimal128(array.as_primitive::<Decimal128Type>(), *scale)
                }
                DataType::Decimal256(_, scale) => {
                    Cells::Decimal256(array.as_primitive::<Decimal256Type>(), *scale)
                }
                _ => match ByteColumn::of(array.as_ref()) {
                    Some(column) => Cells::DecimalText(column),
                    None => return unfit(),
                },
            },
            Type::Float => match array.as_primitive_opt::<Float64Type>() {
                Some(array) => Cells::Float(array),
                None => return unfit(),
            },
            Type::Integer => match array.as_primitive_opt::<Int64Type>() {
                Some(array) => Cells::Integer(array),
                None => return unfit(),
            },
            Type::Bytes | Type::Json | Type::Row | Type::Text => {
                match (of, ByteColumn::of(array.as_ref())) {
                    (Type::Bytes, Some(column)) => Cells::Bytes(column),
                    (Type::Text, Some(column)) => Cells::Text(column),
                    (_, Some(column)) => Cells::Json(column),
                    (_, None) => return unfit(),
                }
            }
        };
        Ok(Self { cells, is_constant })
    }

    /// The value in row `row`.
    #[inline]
    pub(crate) fn value(&self, row: usize) -> Value<'a> {
        let row = if self.is_constant { 0 } else { row };
        match &self.cells {
            Cells::Boolean(array) if array.is_valid(row) => Value::Boolean(array.value(row)),
            Cells::Integer(array) if array.is_valid(row) => Value::Integer(array.value(row)),
            Cells::Float(array) if array.is_valid(row) => Value::Float(array.value(row)),
            Cells::Decimal128(array, scale) if array.is_valid(row) => {
                decimal(&array.value(row).to_string(), *scale)
            }
            Cells::Decimal256(array, scale) if array.is_valid(row) => {
                decimal(&array.value(row).to_string(), *scale)
            }
            Cells::DecimalText(column) => {
                column.get(row).map_or(Value::Null, |b| Value::Decimal(String::from_utf8_lossy(b)))
            }
            Cells::Bytes(column) => column.get(row).map_or(Value::Null, |b| Value::Bytes(b.into())),
            Cells::Json(column) => column.get(row).map_or(Value::Null, |b| Value::Json(b.into())),
            // Arrow's text is UTF-8: nothing is lost.
            Cells::Text(column) => {
                column.get(row).map_or(Value::Null, |b| Value::Text(String::from_utf8_lossy(b)))
            }
            Cells::Boolean(_)
            | Cells::Decimal128(..)
            | Cells::Decimal256(..)
            | Cells::Float(_)
            | Cells::Integer(_) => Value::Null,
        }
    }
}

/// `integer` × 10^−`scale`, an integer in plain notation.
fn decimal(integer: &str, scale: i8) -> Value<'static> {
    let (sign, digits) = integer.strip_prefix('-').map_or(("", integer), |digits| ("-", digits));
    let places = usize::from(scale.unsigned_abs());
    Value::Decimal(Cow::Owned(match scale {
        0 => integer.to_owned(),
        ..0 => format!("{integer}{:0<places$}", ""),
        // As many digits as there are places, and one in front of the point.
        1.. => {
            let digits = format!("{digits:0>width$}", width = places + 1);
            let (before, behind) = digits.split_at(digits.len() - places);
            format!("{sign}{before}.{behind}")
        }
    }))
}

/// Results, row by row.
pub(crate) enum Results {
    Boolean(BooleanBuilder),
    Bytes(BinaryBuilder),
    Float(Float64Builder),
    Integer(Int64Builder),
    Text(StringBuilder),
}

impl Results {
    pub(crate) fn new(of: Type, rows: usize) -> Self {
        match of {
            Type::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            // All bytes here are hashes.
            Type::Bytes => Self::Bytes(BinaryBuilder::with_capacity(rows, 32 * rows)),
            Type::Float => Self::Float(Float64Builder::with_capacity(rows)),
            Type::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            Type::Decimal | Type::Json | Type::Row | Type::Text => {
                Self::Text(StringBuilder::with_capacity(rows, 0))
            }
        }
    }

    /// Adds a result.
    ///
    /// Error: the column outgrows the 2 GiB that Arrow's offsets can reach.
    pub(crate) fn push(&mut self, value: &Value<'_>) -> Result<()> {
        match (self, value) {
            (Self::Boolean(builder), Value::Boolean(boolean)) => builder.append_value(*boolean),
            (Self::Integer(builder), Value::Integer(integer)) => builder.append_value(*integer),
            (Self::Bytes(builder), Value::Bytes(bytes)) => {
                check_room(builder.values_slice().len(), bytes.len())?;
                builder.append_value(bytes);
            }
            (Self::Float(builder), Value::Float(float)) => builder.append_value(*float),
            (Self::Text(builder), Value::Decimal(text) | Value::Text(text)) => {
                check_room(builder.values_slice().len(), text.len())?;
                builder.append_value(text);
            }
            (Self::Text(builder), Value::Json(json)) => {
                check_room(builder.values_slice().len(), json.len())?;
                builder.append_value(String::from_utf8_lossy(json));
            }
            (results, Value::Null) => results.push_null(),
            (_, value) => {
                return internal_err!("a result is {value:?}, which its function does not give");
            }
        }
        Ok(())
    }

    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

fn check_room(taken: usize, more: usize) -> Result<()> {
    if taken + more > i32::MAX as usize {
        return exec_err!(
            "a column of results outgrows 2 GiB; set datafusion.execution.batch_size lower"
        );
    }
    Ok(())
}

/// A result on its own.
pub(crate) fn scalar(value: &Value<'_>, of: Type) -> Result<ScalarValue> {
    let mut results = Results::new(of, 1);
    results.push(value)?;
    ScalarValue::try_from_array(&results.finish(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_of_any_scale_is_written_exactly() {
        for (integer, scale, text) in [
            ("0", 0, "0"),
            ("-7", 0, "-7"),
            ("0", 2, "0.00"),
            ("5", 2, "0.05"),
            ("-5", 2, "-0.05"),
            ("-12345", 2, "-123.45"),
            ("100", 2, "1.00"),
            ("12", -3, "12000"),
            ("-12", -3, "-12000"),
            ("1", 76, &format!("0.{}1", "0".repeat(75))),
        ] {
            assert_eq!(decimal(integer, scale), Value::Decimal(text.into()), "{integer} {scale}");
        }
    }
}
