//! Columns of any type as rows: which cell of Arrow is which value of `precise-row-1` (SPEC.md
//! section 1.7).

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    RunEndIndexType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RunArray, new_empty_array};
use arrow_schema::{DataType, Field, Fields, TimeUnit as ArrowTimeUnit};
use precise_core::row::{Columns, RowEncoder, TimeUnit};
use precise_core::{Code, Error, Result, canonical};

use crate::bytes::{ByteColumn, CellType};

/// The extension types that say more than their storage.
const EXTENSION_NAME: &str = "ARROW:extension:name";
const UUID: &str = "arrow.uuid";
const JSON: &str = "arrow.json";

/// Writes the cell of one row.
type Write<'a> = Box<dyn Fn(usize, &mut RowEncoder<'_>) -> Result<()> + 'a>;

/// The rows of some columns of equal length.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// use arrow_schema::{DataType, Field, Fields};
///
/// let fields = Fields::from(vec![Field::new("Id", DataType::Int64, true)]);
/// let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![7]))];
/// let rows = precise_arrow::Rows::new(&fields, &columns)?;
/// let mut minter = precise_core::proof::Minter::default();
/// minter.push_row(|row| rows.write(0, row))?;
/// assert_eq!(minter.canonical(0), br#"{"id":7}"#);
/// # Ok::<(), precise_core::Error>(())
/// ```
pub struct Rows<'a> {
    /// In the order in which they are written.
    columns: Vec<(String, Write<'a>)>,
}

impl<'a> Rows<'a> {
    /// Looks at the columns.
    ///
    /// Errors: PR112 for names that are empty or equal after folding, PR116 for a type that is not
    /// minted; both with the path of the column.
    pub fn new(fields: &Fields, columns: &'a [ArrayRef]) -> Result<Self> {
        Self::at("$", fields, columns)
    }

    fn at(path: &str, fields: &Fields, columns: &'a [ArrayRef]) -> Result<Self> {
        let names = Columns::new(fields.iter().map(|field| field.name().as_bytes()))
            .map_err(|error| error.at_path(path.into()))?;
        let column = |i: usize| {
            let name = names.names()[i].clone();
            let mut path = String::from(path);
            canonical::append_name(name.as_bytes(), &mut path);
            Ok((name, write_of(&path, &fields[i], columns[i].as_ref())?))
        };
        let columns = names.written_order().into_iter().map(column).collect::<Result<_>>()?;
        Ok(Self { columns })
    }

    /// Writes row `row`.
    ///
    /// Errors: those of [`RowEncoder`].
    pub fn write(&self, row: usize, encoder: &mut RowEncoder<'_>) -> Result<()> {
        for (name, write) in &self.columns {
            encoder.name(name)?;
            write(row, encoder)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.columns.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether rows of these columns can be minted at all.
///
/// Errors: as [`Rows::new`].
pub fn check_fields(fields: &Fields) -> Result<()> {
    let columns: Vec<ArrayRef> =
        fields.iter().map(|field| new_empty_array(field.data_type())).collect();
    Rows::new(fields, &columns).map(drop)
}

fn write_of<'a>(path: &str, field: &Field, array: &'a dyn Array) -> Result<Write<'a>> {
    let write = write_valid(path, field, array)?;
    Ok(match array.nulls() {
        None => write,
        Some(nulls) => {
            Box::new(move |i, row| if nulls.is_null(i) { row.null() } else { write(i, row) })
        }
    })
}

/// Writes cells that are not null; what a null is inside of (a dictionary's values, say) is written
/// as [`write_of`] does.
#[allow(clippy::too_many_lines, reason = "it is the table of section 1.7")]
fn write_valid<'a>(path: &str, field: &Field, array: &'a dyn Array) -> Result<Write<'a>> {
    let refused = || {
        let detail = format!("it is {}", array.data_type());
        Error::new(Code::ColumnType).at_path(path.into()).because(detail)
    };
    let extension = field.metadata().get(EXTENSION_NAME).map(String::as_str);
    if extension == Some(UUID) && *array.data_type() == DataType::FixedSizeBinary(16) {
        let array = array.as_fixed_size_binary();
        let refused = refused();
        return Ok(Box::new(move |i, row| match array.value(i).first_chunk() {
            Some(uuid) => row.uuid(uuid),
            None => Err(refused.clone()),
        }));
    }
    if extension == Some(JSON) && !matches!(array.data_type(), DataType::FixedSizeBinary(_)) {
        let column = ByteColumn::of(array).ok_or_else(refused)?;
        return Ok(Box::new(move |i, row| match column.get(i) {
            Some(json) => row.json(json),
            None => row.null(),
        }));
    }
    Ok(match array.data_type() {
        DataType::Null => Box::new(|_, row| row.null()),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |i, row| row.boolean(array.value(i)))
        }
        DataType::Int8 => integer::<Int8Type>(array),
        DataType::Int16 => integer::<Int16Type>(array),
        DataType::Int32 => integer::<Int32Type>(array),
        DataType::Int64 => integer::<Int64Type>(array),
        DataType::UInt8 => integer::<UInt8Type>(array),
        DataType::UInt16 => integer::<UInt16Type>(array),
        DataType::UInt32 => integer::<UInt32Type>(array),
        DataType::UInt64 => {
            let array = array.as_primitive::<UInt64Type>();
            Box::new(move |i, row| row.unsigned(array.value(i)))
        }
        DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => {
            let (array, exponent) = (array.as_primitive::<Decimal256Type>(), -i64::from(*scale));
            Box::new(move |i, row| {
                let text = array.value(i).to_string();
                let digits = text.strip_prefix('-').unwrap_or(&text);
                row.numeric_digits(digits.len() < text.len(), digits.as_bytes(), exponent)
            })
        }
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            Box::new(move |i, row| row.float4(array.value(i)))
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Box::new(move |i, row| row.float8(array.value(i)))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let column = ByteColumn::of(array).ok_or_else(refused)?;
            Box::new(move |i, row| row.text(column.get(i).unwrap_or_default()))
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            let column = ByteColumn::of(array).ok_or_else(refused)?;
            Box::new(move |i, row| row.bytes(column.get(i).unwrap_or_default()))
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(move |i, row| row.date(array.value(i).into()))
        }
        DataType::Date64 => {
            let array = array.as_primitive::<Date64Type>();
            Box::new(move |i, row| row.date_in(array.value(i), TimeUnit::Millisecond))
        }
        DataType::Time32(ArrowTimeUnit::Second) => {
            time::<Time32SecondType>(array, TimeUnit::Second)
        }
        DataType::Time32(_) => time::<Time32MillisecondType>(array, TimeUnit::Millisecond),
        DataType::Time64(ArrowTimeUnit::Nanosecond) => {
            time::<Time64NanosecondType>(array, TimeUnit::Nanosecond)
        }
        DataType::Time64(_) => time::<Time64MicrosecondType>(array, TimeUnit::Microsecond),
        DataType::Timestamp(counts, zone) => {
            let zone = zone.is_some();
            match counts {
                ArrowTimeUnit::Second => {
                    timestamp::<TimestampSecondType>(array, TimeUnit::Second, zone)
                }
                ArrowTimeUnit::Millisecond => {
                    timestamp::<TimestampMillisecondType>(array, TimeUnit::Millisecond, zone)
                }
                ArrowTimeUnit::Microsecond => {
                    timestamp::<TimestampMicrosecondType>(array, TimeUnit::Microsecond, zone)
                }
                ArrowTimeUnit::Nanosecond => {
                    timestamp::<TimestampNanosecondType>(array, TimeUnit::Nanosecond, zone)
                }
            }
        }
        DataType::List(element) => {
            let lists = array.as_list::<i32>();
            let offsets = lists.value_offsets();
            list(path, element, lists.values(), move |i| {
                (offsets[i] as usize, offsets[i + 1] as usize)
            })?
        }
        DataType::LargeList(element) => {
            let lists = array.as_list::<i64>();
            let offsets = lists.value_offsets();
            list(path, element, lists.values(), move |i| {
                (offsets[i] as usize, offsets[i + 1] as usize)
            })?
        }
        DataType::ListView(element) => {
            let lists = array.as_list_view::<i32>();
            list(path, element, lists.values(), move |i| {
                let start = lists.value_offsets()[i] as usize;
                (start, start + lists.value_sizes()[i] as usize)
            })?
        }
        DataType::LargeListView(element) => {
            let lists = array.as_list_view::<i64>();
            list(path, element, lists.values(), move |i| {
                let start = lists.value_offsets()[i] as usize;
                (start, start + lists.value_sizes()[i] as usize)
            })?
        }
        DataType::FixedSizeList(element, len) => {
            let len = *len as usize;
            let values = array.as_fixed_size_list().values();
            list(path, element, values, move |i| (i * len, (i + 1) * len))?
        }
        DataType::Struct(fields) => {
            let rows = Rows::at(path, fields, array.as_struct().columns())?;
            Box::new(move |i, row| {
                row.begin_struct()?;
                rows.write(i, row)?;
                row.end()
            })
        }
        DataType::Map(entries, _) => {
            let map = array.as_map();
            let DataType::Struct(fields) = entries.data_type() else { return Err(refused()) };
            if ByteColumn::cell_type(fields[0].data_type()) != Some(CellType::Text) {
                return Err(refused());
            }
            let keys = ByteColumn::of(map.keys()).ok_or_else(refused)?;
            let values = write_of(path, &fields[1], map.values())?;
            let offsets = map.value_offsets();
            let refused = refused();
            Box::new(move |i, row| {
                row.begin_map()?;
                for entry in offsets[i] as usize..offsets[i + 1] as usize {
                    let key = keys.get(entry).and_then(|key| str::from_utf8(key).ok());
                    // Arrow lets no map have a NULL key; whatever breaks that is not minted.
                    row.name(key.ok_or_else(|| refused.clone())?)?;
                    values(entry, row)?;
                }
                row.end()
            })
        }
        DataType::Dictionary(_, values_type) => {
            let dictionary = array.as_any_dictionary();
            let field = with_type(field, values_type);
            let values = write_of(path, &field, dictionary.values().as_ref())?;
            if dictionary.values().is_empty() {
                // Then every key is null.
                return Ok(Box::new(|_, row| row.null()));
            }
            let keys = dictionary.normalized_keys();
            Box::new(move |i, row| values(keys[i], row))
        }
        DataType::RunEndEncoded(run_ends, _) => match run_ends.data_type() {
            DataType::Int16 => runs::<Int16Type>(path, field, array)?,
            DataType::Int32 => runs::<Int32Type>(path, field, array)?,
            _ => runs::<Int64Type>(path, field, array)?,
        }
        .ok_or_else(refused)?,
        _ => return Err(refused()),
    })
}

/// The field of what a dictionary or a run stands for: its extension is the whole's.
fn with_type(field: &Field, data_type: &DataType) -> Field {
    Field::new(field.name(), data_type.clone(), true).with_metadata(field.metadata().clone())
}

fn integer<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &dyn Array) -> Write<'_> {
    let array = array.as_primitive::<T>();
    Box::new(move |i, row| row.integer(array.value(i).into()))
}

fn decimal<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &dyn Array, scale: i8) -> Write<'_> {
    let array = array.as_primitive::<T>();
    Box::new(move |i, row| row.numeric(array.value(i).into(), scale.into()))
}

fn time<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &dyn Array, unit: TimeUnit) -> Write<'_> {
    let array = array.as_primitive::<T>();
    Box::new(move |i, row| row.time(array.value(i).into(), unit))
}

fn timestamp<T: ArrowPrimitiveType<Native: Into<i64>>>(
    array: &dyn Array,
    unit: TimeUnit,
    has_zone: bool,
) -> Write<'_> {
    let array = array.as_primitive::<T>();
    Box::new(move |i, row| row.timestamp(array.value(i).into(), unit, has_zone))
}

/// A list's elements are those of `values` from one place to another.
fn list<'a>(
    path: &str,
    element: &Field,
    values: &'a ArrayRef,
    range: impl Fn(usize) -> (usize, usize) + 'a,
) -> Result<Write<'a>> {
    let write = write_of(path, element, values.as_ref())?;
    Ok(Box::new(move |i, row| {
        row.begin_array()?;
        let (start, end) = range(i);
        for element in start..end {
            write(element, row)?;
        }
        row.end()
    }))
}

fn runs<'a, R: RunEndIndexType>(
    path: &str,
    field: &Field,
    array: &'a dyn Array,
) -> Result<Option<Write<'a>>> {
    let Some(runs) = array.as_any().downcast_ref::<RunArray<R>>() else { return Ok(None) };
    let field = with_type(field, runs.values().data_type());
    let values = write_of(path, &field, runs.values().as_ref())?;
    Ok(Some(Box::new(move |i, row| values(runs.get_physical_index(i), row))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Date64Array;
    use precise_core::proof::Minter;

    use super::*;

    fn mint(column: ArrayRef) -> Result<String> {
        let fields = Fields::from(vec![Field::new("d", column.data_type().clone(), true)]);
        let columns = [column];
        let rows = Rows::new(&fields, &columns)?;
        let mut minter = Minter::default();
        minter.push_row(|row| rows.write(0, row))?;
        Ok(String::from_utf8_lossy(minter.canonical(0)).into_owned())
    }

    #[test]
    fn a_date_in_milliseconds_is_a_whole_day() {
        const DAY_MS: i64 = 86_400_000;
        let date = |ms| mint(Arc::new(Date64Array::from(vec![ms])));
        assert_eq!(date(-DAY_MS).unwrap(), r#"{"d":"1969-12-31"}"#);
        for ms in [1, DAY_MS - 1, -1, i64::MIN, i64::MAX] {
            assert_eq!(date(ms).unwrap_err().code(), Code::DateTime, "{ms}");
        }
    }
}
