//! The catalogue's types as Arrow's, and what may be passed for them.

use arrow_schema::{DataType, Field, Fields};
use datafusion_common::{Result, plan_err};
use precise_arrow::{ByteColumn, CellType, check_fields};
use precise_core::Code;
use precise_core::catalog::{Arg, Function, Kernel};
use precise_core::value::Type;

/// What a result of this type is in Arrow.
pub(crate) fn result_type(of: Type) -> DataType {
    match of {
        Type::Boolean => DataType::Boolean,
        Type::Bytes => DataType::Binary,
        Type::Float => DataType::Float64,
        Type::Integer => DataType::Int64,
        // A column of Arrow's decimals has one scale; exact numbers have each their own.
        Type::Decimal | Type::Json | Type::Row | Type::Text => DataType::Utf8,
    }
}

/// The types that arguments are to be cast to before the call; nearly always they stay.
///
/// Error: PR191, which shows the right call.
pub(crate) fn coerce(function: &Function, given: &[DataType]) -> Result<Vec<DataType>> {
    if given.len() < function.required || given.len() > function.args.len() {
        let were = if given.len() == 1 { "was" } else { "were" };
        return refuse(function, &format!("{} {were} given", given.len()));
    }
    given.iter().zip(function.args).map(|(given, arg)| coerce_one(function, arg, given)).collect()
}

fn coerce_one(function: &Function, arg: &Arg, given: &DataType) -> Result<DataType> {
    let fits = match arg.arg_type {
        Type::Boolean if *given == DataType::Null => return Ok(DataType::Boolean),
        Type::Boolean => *given == DataType::Boolean,
        Type::Bytes => is_bytes(given),
        Type::Decimal => match given {
            // 20 digits hold every integer type.
            _ if given.is_integer() => return Ok(DataType::Decimal128(20, 0)),
            DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                return Ok(DataType::Decimal128(*precision, *scale));
            }
            DataType::Decimal128(..) | DataType::Decimal256(..) => true,
            _ => is_text(given),
        },
        Type::Float if given.is_numeric() || *given == DataType::Null => {
            return Ok(DataType::Float64);
        }
        // 64 bits hold every integer type but one, of which a large value fails in the cast.
        Type::Integer if given.is_integer() || *given == DataType::Null => {
            return Ok(DataType::Int64);
        }
        Type::Float | Type::Integer => false,
        Type::Json => ByteColumn::cell_type(given).is_some() || is_document(function, given),
        Type::Row => matches!(given, DataType::Struct(_) | DataType::Null),
        Type::Text => is_text(given),
    };
    if fits {
        return Ok(given.clone());
    }
    let advice = match arg.arg_type {
        Type::Json => "; precise_mint_row takes columns that are not JSON text",
        Type::Bytes if is_text(given) => "; decode(…, 'hex') gives bytes",
        Type::Decimal if given.is_floating() => "; '12.50' and CAST(… AS DECIMAL(38, 9)) are exact",
        _ => "",
    };
    refuse(function, &format!("{} is {}, not {given}{advice}", arg.name, arg.arg_type))
}

/// An error at planning time.
pub(crate) fn refuse<T>(function: &Function, why: &str) -> Result<T> {
    let (code, message) = (Code::Arguments, Code::Arguments.message());
    plan_err!("{code} {message}: {why}; the call is {}", function.signature())
}

pub(crate) fn is_bytes(data_type: &DataType) -> bool {
    matches!(ByteColumn::cell_type(data_type), Some(CellType::Bytes | CellType::Null))
}

/// Whether a list or struct is taken where JSON is asked for, as the document that it is in a typed
/// row (SPEC.md section 1.4). A record is not: it would be another than its row.
pub(crate) fn is_document(function: &Function, data_type: &DataType) -> bool {
    let is_record = matches!(function.kernel, Kernel::Record(_));
    let is_nested = matches!(
        data_type,
        DataType::FixedSizeList(..)
            | DataType::LargeList(_)
            | DataType::LargeListView(_)
            | DataType::List(_)
            | DataType::ListView(_)
            | DataType::Struct(_)
    );
    is_nested && !is_record && check_fields(&document_field(data_type)).is_ok()
}

/// A row of one column, which is the document.
pub(crate) fn document_field(data_type: &DataType) -> Fields {
    Fields::from(vec![Field::new(DOCUMENT, data_type.clone(), true)])
}

/// The name of that column.
const DOCUMENT: &str = "v";

fn is_text(data_type: &DataType) -> bool {
    matches!(ByteColumn::cell_type(data_type), Some(CellType::Null | CellType::Text))
}
