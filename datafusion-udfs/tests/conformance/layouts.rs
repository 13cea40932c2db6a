//! Arguments as columns and as constants, in every layout that DataFusion may bring.

use std::sync::Arc;

use conformance::Argument;
use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Decimal128Array, Decimal256Array,
    DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, LargeBinaryArray,
    LargeStringArray, PrimitiveArray, RecordBatch, StringArray, StringViewArray, UInt16Array,
};
use datafusion::arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Field, Int8Type, Int32Type, Schema, i256,
};
use datafusion::scalar::ScalarValue;
use precise_core::catalog::Function;
use precise_core::value::{Type, Value};

/// How a column holds text, bytes or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Binary,
    BinaryView,
    Boolean,
    /// Of 38 digits, and the scale that the numbers need.
    Decimal128,
    /// Of 76 digits.
    Decimal256,
    /// Keys of 8 bits, values of 32-bit offsets.
    DictionaryBinary,
    /// Keys of 32 bits, values of one length.
    DictionaryFixed,
    /// Keys of 32 bits.
    DictionaryUtf8,
    /// Keys of 8 bits, values as views.
    DictionaryUtf8View,
    FixedSizeBinary,
    Float64,
    Int64,
    LargeBinary,
    LargeUtf8,
    /// An integer type that is cast before the call.
    UInt16,
    Utf8,
    Utf8View,
}

/// How the columns of one table hold what they hold.
#[derive(Debug)]
pub(crate) struct Layout {
    json: Kind,
    text: Kind,
    bytes: Kind,
    decimal: Kind,
    integer: Kind,
}

/// Every layout. The first is the plainest.
pub(crate) const LAYOUTS: &[Layout] = &[
    layout(Kind::Utf8, Kind::Utf8, Kind::Binary),
    Layout {
        decimal: Kind::Decimal256,
        ..layout(Kind::LargeUtf8, Kind::LargeUtf8, Kind::LargeBinary)
    },
    Layout {
        decimal: Kind::Decimal128,
        integer: Kind::UInt16,
        ..layout(Kind::Utf8View, Kind::Utf8View, Kind::BinaryView)
    },
    layout(Kind::DictionaryUtf8, Kind::DictionaryUtf8, Kind::DictionaryBinary),
    layout(Kind::DictionaryUtf8View, Kind::DictionaryUtf8View, Kind::DictionaryFixed),
    layout(Kind::Binary, Kind::LargeUtf8, Kind::FixedSizeBinary),
    layout(Kind::LargeBinary, Kind::Utf8View, Kind::Binary),
    layout(Kind::BinaryView, Kind::Utf8, Kind::LargeBinary),
    layout(Kind::DictionaryBinary, Kind::Utf8, Kind::BinaryView),
    layout(Kind::FixedSizeBinary, Kind::DictionaryUtf8, Kind::FixedSizeBinary),
];

const fn layout(json: Kind, text: Kind, bytes: Kind) -> Layout {
    // Text is taken for an exact number, and holds any.
    Layout { json, text, bytes, decimal: text, integer: Kind::Int64 }
}

impl Layout {
    /// How it holds the arguments of `function`.
    pub(crate) fn kinds(&self, function: &Function) -> Vec<Kind> {
        let kind = |of| match of {
            Type::Boolean => Kind::Boolean,
            Type::Bytes => self.bytes,
            Type::Decimal => self.decimal,
            Type::Float => Kind::Float64,
            Type::Integer => self.integer,
            Type::Json | Type::Row => self.json,
            Type::Text => self.text,
        };
        function.args.iter().map(|arg| kind(arg.arg_type)).collect()
    }

    pub(crate) fn name(&self, function: &Function, arity: usize) -> String {
        let name = |kind: &Kind| format!("{kind:?}");
        self.kinds(function)[..arity].iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The columns `a0`, `a1`, … of rows that have these arguments, or NULLs; none if this layout
    /// cannot hold them.
    pub(crate) fn columns<'r>(
        &self,
        function: &Function,
        arity: usize,
        rows: &[Option<&'r [Argument]>],
    ) -> Option<Vec<ArrayRef>> {
        let kinds = self.kinds(function);
        (0..arity)
            .map(|i| {
                let cell = |row: Option<&'r [Argument]>| row.map_or(&Value::Null, |row| &row[i]);
                let cells: Vec<&Argument> = rows.iter().copied().map(cell).collect();
                column(kinds[i], &cells)
            })
            .collect()
    }
}

fn integer(cell: &Argument) -> Option<i64> {
    match cell {
        Value::Integer(integer) => Some(*integer),
        _ => None,
    }
}

fn float(cell: &Argument) -> Option<f64> {
    match cell {
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

fn boolean(cell: &Argument) -> Option<bool> {
    match cell {
        Value::Boolean(boolean) => Some(*boolean),
        _ => None,
    }
}

fn bytes(cell: &Argument) -> Option<&[u8]> {
    match cell {
        Value::Bytes(bytes) | Value::Json(bytes) => Some(bytes),
        Value::Decimal(text) | Value::Text(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// A column of `kind`; none if it cannot hold the cells.
fn column(kind: Kind, cells: &[&Argument]) -> Option<ArrayRef> {
    let texts: Vec<Option<&[u8]>> = cells.iter().map(|cell| bytes(cell)).collect();
    Some(match kind {
        Kind::Boolean => Arc::new(cells.iter().map(|cell| boolean(cell)).collect::<BooleanArray>()),
        Kind::Decimal128 => {
            let (cells, scale) = scaled(&texts)?;
            let parsed: Result<Vec<Option<i128>>, _> = cells
                .iter()
                .map(|cell| cell.as_deref().map(str::parse::<i128>).transpose())
                .collect();
            let array = Decimal128Array::from(parsed.ok()?);
            Arc::new(array.with_precision_and_scale(38, scale).ok()?)
        }
        Kind::Decimal256 => {
            let (cells, scale) = scaled(&texts)?;
            let parsed: Option<Vec<Option<i256>>> = cells
                .iter()
                .map(|cell| match cell {
                    Some(digits) => i256::from_string(digits).map(Some),
                    None => Some(None),
                })
                .collect();
            let array = Decimal256Array::from(parsed?);
            Arc::new(array.with_precision_and_scale(76, scale).ok()?)
        }
        Kind::Float64 => Arc::new(cells.iter().map(|cell| float(cell)).collect::<Float64Array>()),
        Kind::Int64 => Arc::new(cells.iter().map(|cell| integer(cell)).collect::<Int64Array>()),
        Kind::UInt16 => {
            let small: Result<Vec<Option<u16>>, _> =
                cells.iter().map(|cell| integer(cell).map(u16::try_from).transpose()).collect();
            Arc::new(UInt16Array::from(small.ok()?))
        }
        _ => of_bytes(kind, &texts)?,
    })
}

/// Numbers in plain notation as integers of one scale, and the scale; none where one would need
/// more than 70 digits, or is no number.
fn scaled(cells: &[Option<&[u8]>]) -> Option<(Vec<Option<String>>, i8)> {
    let texts = texts(cells)?;
    let places =
        texts.iter().flatten().map(|text| text.split_once('.').map_or(0, |(_, f)| f.len()));
    let scale = places.max().unwrap_or(0);
    let integer = |text: &str| {
        let (front, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{front}{fraction:0<scale$}");
        let is_number = precise_core::number::check_decimal(text).is_ok();
        (is_number && digits.len() <= 70).then(|| digits.trim_start_matches('+').to_owned())
    };
    let integers: Option<Vec<Option<String>>> = texts
        .into_iter()
        .map(|text| match text {
            Some(text) => integer(text).map(Some),
            None => Some(None),
        })
        .collect();
    Some((integers?, i8::try_from(scale).ok().filter(|scale| *scale <= 37)?))
}

fn of_bytes(kind: Kind, cells: &[Option<&[u8]>]) -> Option<ArrayRef> {
    Some(match kind {
        Kind::Binary => Arc::new(BinaryArray::from(cells.to_vec())),
        Kind::BinaryView => Arc::new(BinaryViewArray::from(cells.to_vec())),
        Kind::LargeBinary => Arc::new(LargeBinaryArray::from(cells.to_vec())),
        Kind::FixedSizeBinary => {
            let len = cells.iter().flatten().map(|cell| cell.len()).next().unwrap_or(32);
            if cells.iter().flatten().any(|cell| cell.len() != len) {
                return None;
            }
            let cells = cells.iter().copied();
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, len as i32).ok()?)
        }
        Kind::LargeUtf8 => Arc::new(LargeStringArray::from(texts(cells)?)),
        Kind::Utf8 => Arc::new(StringArray::from(texts(cells)?)),
        Kind::Utf8View => Arc::new(StringViewArray::from(texts(cells)?)),
        Kind::DictionaryBinary => dictionary::<Int8Type>(Kind::Binary, cells, b"{")?,
        Kind::DictionaryFixed => {
            let len = cells.iter().flatten().map(|cell| cell.len()).next().unwrap_or(32);
            dictionary::<Int32Type>(Kind::FixedSizeBinary, cells, &vec![b'{'; len])?
        }
        Kind::DictionaryUtf8 => dictionary::<Int32Type>(Kind::Utf8, cells, b"{")?,
        Kind::DictionaryUtf8View => dictionary::<Int8Type>(Kind::Utf8View, cells, b"{")?,
        Kind::Boolean
        | Kind::Decimal128
        | Kind::Decimal256
        | Kind::Float64
        | Kind::Int64
        | Kind::UInt16 => return None,
    })
}

fn texts<'a>(cells: &[Option<&'a [u8]>]) -> Option<Vec<Option<&'a str>>> {
    cells.iter().map(|cell| cell.map(str::from_utf8).transpose().ok()).collect()
}

/// A dictionary whose first value no row has, and is none that any function takes.
fn dictionary<K: ArrowDictionaryKeyType>(
    kind: Kind,
    cells: &[Option<&[u8]>],
    unused: &[u8],
) -> Option<ArrayRef> {
    let mut values = vec![Some(unused)];
    let mut keys = Vec::with_capacity(cells.len());
    for cell in cells {
        let key = cell.map(|cell| {
            let known = values.iter().skip(1).position(|value| *value == Some(cell));
            known.map_or_else(
                || {
                    values.push(Some(cell));
                    values.len() - 1
                },
                |at| at + 1,
            )
        });
        // Many values do not fit the smaller keys.
        if key.is_some_and(|key| key > 127) {
            return None;
        }
        keys.push(key.and_then(K::Native::from_usize));
    }
    let keys: PrimitiveArray<K> = keys.into_iter().collect();
    Some(Arc::new(DictionaryArray::try_new(keys, of_bytes(kind, &values)?).unwrap()))
}

/// A table of rows: whether a row is the vector's, and its arguments `a0`, `a1`, ….
pub(crate) fn batch(rows: &[Option<&[Argument]>], columns: Vec<ArrayRef>) -> RecordBatch {
    let is_row: BooleanArray = rows.iter().map(|row| Some(row.is_some())).collect();
    let mut fields = vec![Field::new("is_row", DataType::Boolean, false)];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(is_row)];
    for (i, column) in columns.into_iter().enumerate() {
        fields.push(Field::new(format!("a{i}"), column.data_type().clone(), true));
        arrays.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The arguments as constants of one layout's types.
pub(crate) fn scalars(columns: &[ArrayRef]) -> Vec<ScalarValue> {
    columns.iter().map(|column| ScalarValue::try_from_array(column, 0).unwrap()).collect()
}

/// An argument as SQL writes it.
pub(crate) fn literal(argument: &Argument) -> String {
    let hex = |bytes: &[u8]| {
        let digits = bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
        format!("X'{digits}'")
    };
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match argument {
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Bytes(bytes) => hex(bytes),
        // A numeral with a point is a binary64 here, and text is taken for an exact number.
        Value::Decimal(number) => quoted(number),
        Value::Float(float) => format!("CAST({} AS DOUBLE)", quoted(&float.to_string())),
        Value::Integer(integer) => integer.to_string(),
        Value::Json(json) => match str::from_utf8(json) {
            Ok(text) => quoted(text),
            Err(_) => hex(json),
        },
        Value::Null => "NULL".into(),
        Value::Text(text) => quoted(text),
    }
}

/// Whether a call with these arguments takes so long that it is run in few shapes, none of which
/// writes them into SQL: for the bytes they have, or for those that a numeral stands for.
pub(crate) fn is_large(row: &[Argument]) -> bool {
    const LARGE: usize = 64 << 10;
    let is_large = |argument: &Argument| {
        bytes(argument).is_some_and(|bytes| bytes.len() > LARGE || has_large_exponent(bytes))
    };
    row.iter().any(is_large)
}

/// Whether a numeral stands for a million digits or more. (What has more than 8 digits in its
/// exponent is refused at once.)
fn has_large_exponent(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'e').skip(1).any(|behind| {
        let digits = behind.strip_prefix(b"-").unwrap_or(behind);
        (7..=8).contains(&digits.iter().take_while(|byte| byte.is_ascii_digit()).count())
    })
}
