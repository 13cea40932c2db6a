//! Typed columns from cells: what a table of an engine would hold where a vector has cells.
//!
//! Arrow has several types for most of SQL's; a choice says which.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal64Array,
    Decimal128Array, Decimal256Array, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float32Array, Float64Array, Int16Array, Int64Array, LargeBinaryArray, LargeListArray,
    LargeListViewArray, LargeStringArray, ListArray, ListViewArray, MapArray, StringArray,
    StringViewArray, StructArray, Time32MillisecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use datafusion::arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, Fields, Int32Type, Time64MicrosecondType, i256,
};
use serde_json::Value as Json;

/// How many choices there are.
pub(crate) const CHOICES: usize = 5;

/// Name, type and value of a column in one row.
#[derive(Clone, Debug)]
#[allow(clippy::struct_field_names, reason = "`type` is taken")]
pub(crate) struct Cell {
    pub(crate) name: String,
    cell_type: String,
    value: Json,
}

/// Reads the cells of a vector; none if they have not the shape of cells.
pub(crate) fn cells(text: &[u8]) -> Option<Vec<Cell>> {
    of_json(&serde_json::from_slice(text).ok()?)
}

fn of_json(cells: &Json) -> Option<Vec<Cell>> {
    let cell = |cell: &Json| match cell.as_array()?.as_slice() {
        [Json::String(name), Json::String(cell_type), value] => {
            Some(Cell { name: name.clone(), cell_type: cell_type.clone(), value: value.clone() })
        }
        _ => None,
    };
    cells.as_array()?.iter().map(cell).collect()
}

/// A column that holds the cell where `rows` says so, and else NULL; none if this choice has no
/// type for it.
pub(crate) fn column(choice: usize, cell: &Cell, rows: &[bool]) -> Option<(Field, ArrayRef)> {
    let values: Vec<&Json> =
        rows.iter().map(|&is_row| if is_row { &cell.value } else { &Json::Null }).collect();
    of_values(choice, &cell.name, &cell.cell_type, &values)
}

fn of_values(
    choice: usize,
    name: &str,
    cell_type: &str,
    values: &[&Json],
) -> Option<(Field, ArrayRef)> {
    let array: ArrayRef = if let Some(element) = cell_type.strip_suffix("[]") {
        list(choice, element, values)?
    } else {
        match cell_type {
            "struct" => Arc::new(structs(choice, values)?),
            "map" => Arc::new(maps(choice, values)?),
            _ => of_texts(choice, cell_type, &texts(values)?)?,
        }
    };
    let field = Field::new(name, array.data_type().clone(), true);
    let extension = match cell_type {
        "json" => "arrow.json",
        "uuid" => "arrow.uuid",
        _ => return Some((field, array)),
    };
    let metadata = HashMap::from([("ARROW:extension:name".into(), extension.into())]);
    Some((field.with_metadata(metadata), array))
}

fn texts<'a>(values: &[&'a Json]) -> Option<Vec<Option<&'a str>>> {
    let text = |value: &&'a Json| match value {
        Json::Null => Some(None),
        Json::String(text) => Some(Some(text.as_str())),
        _ => None,
    };
    values.iter().map(text).collect()
}

fn of_texts(choice: usize, cell_type: &str, texts: &[Option<&str>]) -> Option<ArrayRef> {
    match cell_type {
        "boolean" => {
            let booleans: BooleanArray = parsed(texts, |text| text.parse().ok())?.into();
            Some(Arc::new(booleans))
        }
        "bytes" => bytes(choice, texts),
        "date" => dates(choice, texts),
        "float4" => Some(Arc::new(Float32Array::from(parsed(texts, |text| text.parse().ok())?))),
        "float8" => Some(Arc::new(Float64Array::from(parsed(texts, |text| text.parse().ok())?))),
        "json" if choice == 4 => {
            let texts = texts.iter().map(|text| text.map(str::as_bytes)).collect();
            Some(Arc::new(BinaryArray::from_opt_vec(texts)))
        }
        "json" | "text" => of_text(choice, texts),
        "numeric" => numerics(choice, texts),
        "time" => times(choice, texts),
        "timestamp" => timestamps(choice, texts, None),
        "timestamptz" => timestamps(choice, texts, Some(if choice < 2 { "UTC" } else { "-03:30" })),
        "uuid" => {
            let uuids = parsed(texts, |text| hex(&text.replace('-', "")))?;
            let uuids = uuids.into_iter();
            let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(uuids, 16);
            Some(Arc::new(array.ok()?))
        }
        // Arrow has no CHAR(n).
        _ => None,
    }
}

fn parsed<T>(texts: &[Option<&str>], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
    texts.iter().map(|text| text.map(&parse).map_or(Some(None), |value| value.map(Some))).collect()
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn of_text(choice: usize, texts: &[Option<&str>]) -> Option<ArrayRef> {
    Some(match choice {
        0 => Arc::new(StringArray::from(texts.to_vec())),
        1 => Arc::new(LargeStringArray::from(texts.to_vec())),
        2 => Arc::new(StringViewArray::from(texts.to_vec())),
        3 => Arc::new(texts.iter().copied().collect::<DictionaryArray<Int32Type>>()),
        _ => return None,
    })
}

fn bytes(choice: usize, texts: &[Option<&str>]) -> Option<ArrayRef> {
    let cells = parsed(texts, hex)?;
    let cells: Vec<Option<&[u8]>> = cells.iter().map(Option::as_deref).collect();
    Some(match choice {
        0 => Arc::new(BinaryArray::from(cells)),
        1 => Arc::new(LargeBinaryArray::from(cells)),
        2 => Arc::new(BinaryViewArray::from(cells)),
        3 => {
            let len = cells.iter().flatten().next()?.len() as i32;
            let cells = cells.into_iter();
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, len).ok()?)
        }
        _ => return None,
    })
}

/// Integers, and decimals of a scale that holds all digits.
fn numerics(choice: usize, texts: &[Option<&str>]) -> Option<ArrayRef> {
    let fraction = |text: &&str| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let scale = texts.iter().flatten().map(fraction).max().unwrap_or(0);
    // The digits as an integer, in units of the last place.
    let unscaled = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<scale$}")
    };
    let digits = |text: &&str| unscaled(text).trim_start_matches('-').len();
    let precision = texts.iter().flatten().map(digits).max().unwrap_or(1);
    let scale_of =
        |max: u8| (precision <= max.into() && scale <= max.into()).then_some(scale as i8);
    Some(match choice {
        0 if scale == 0 && parsed(texts, |text| text.parse::<i64>().ok()).is_some() => {
            Arc::new(Int64Array::from(parsed(texts, |text| text.parse().ok())?))
        }
        0 | 1 if scale_of(38).is_some() => {
            let values = parsed(texts, |text| unscaled(text).parse().ok())?;
            let array = Decimal128Array::from(values);
            Arc::new(array.with_precision_and_scale(38, scale_of(38)?).ok()?)
        }
        0 | 2 => {
            let values = parsed(texts, |text| i256::from_string(&unscaled(text)))?;
            let array = Decimal256Array::from(values);
            Arc::new(array.with_precision_and_scale(76, scale_of(76)?).ok()?)
        }
        3 if scale > 0 => {
            let values = parsed(texts, |text| unscaled(text).parse().ok())?;
            let array = Decimal64Array::from(values);
            Arc::new(array.with_precision_and_scale(18, scale_of(18)?).ok()?)
        }
        3 => Arc::new(UInt64Array::from(parsed(texts, |text| text.parse().ok())?)),
        4 => Arc::new(Int16Array::from(parsed(texts, |text| text.parse().ok())?)),
        _ => return None,
    })
}

fn dates(choice: usize, texts: &[Option<&str>]) -> Option<ArrayRef> {
    let days = parsed(texts, Date32Type::parse)?;
    Some(match choice {
        0 => Arc::new(Date32Array::from(days)),
        1 => {
            let ms = |day: Option<i32>| day.map(|day| i64::from(day) * 24 * 60 * 60 * 1000);
            Arc::new(Date64Array::from(days.into_iter().map(ms).collect::<Vec<_>>()))
        }
        _ => return None,
    })
}

fn times(choice: usize, texts: &[Option<&str>]) -> Option<ArrayRef> {
    let micros = parsed(texts, Time64MicrosecondType::parse)?;
    Some(match choice {
        0 => Arc::new(Time64MicrosecondArray::from(micros)),
        1 => Arc::new(Time64NanosecondArray::from(scaled(&micros, |micros| Some(micros * 1000))?)),
        2 => {
            let ms = scaled(&micros, |micros| whole(micros, 1000)?.try_into().ok())?;
            Arc::new(Time32MillisecondArray::from(ms))
        }
        _ => return None,
    })
}

fn timestamps(choice: usize, texts: &[Option<&str>], zone: Option<&str>) -> Option<ArrayRef> {
    let micros = parsed(texts, if zone.is_some() { moment } else { local })?;
    Some(match choice {
        0 => Arc::new(TimestampMicrosecondArray::from(micros).with_timezone_opt(zone)),
        1 => {
            let nanos = scaled(&micros, |micros| micros.checked_mul(1000))?;
            Arc::new(TimestampNanosecondArray::from(nanos).with_timezone_opt(zone))
        }
        2 => {
            let ms = scaled(&micros, |micros| whole(micros, 1000))?;
            Arc::new(TimestampMillisecondArray::from(ms).with_timezone_opt(zone))
        }
        3 => {
            let seconds = scaled(&micros, |micros| whole(micros, 1_000_000))?;
            Arc::new(TimestampSecondArray::from(seconds).with_timezone_opt(zone))
        }
        _ => return None,
    })
}

fn scaled<T>(micros: &[Option<i64>], scale: impl Fn(i64) -> Option<T>) -> Option<Vec<Option<T>>> {
    micros.iter().map(|micros| micros.map(&scale).map_or(Some(None), |v| v.map(Some))).collect()
}

fn whole(value: i64, unit: i64) -> Option<i64> {
    (value % unit == 0).then_some(value / unit)
}

/// Microseconds since 1970, as Arrow reads a timestamp without zone.
fn local(text: &str) -> Option<i64> {
    let utc: Tz = "+00:00".parse().ok()?;
    Some(string_to_datetime(&utc, text).ok()?.timestamp_micros())
}

/// The same in UTC; the offset is taken off here, since Arrow's have no seconds.
fn moment(text: &str) -> Option<i64> {
    let at = 19 + text.get(19..)?.find(['+', '-'])?;
    let (text, offset) = text.split_at(at);
    let mut seconds = 0;
    let mut unit = 3600;
    for part in offset[1..].split(':') {
        seconds += part.parse::<i64>().ok()? * unit;
        unit /= 60;
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    Some(local(text)? - sign * seconds * 1_000_000)
}

/// The lists' elements, one behind another, and where each list ends.
fn list(choice: usize, element: &str, values: &[&Json]) -> Option<ArrayRef> {
    let mut elements: Vec<&Json> = Vec::new();
    let mut lens = Vec::new();
    for value in values {
        let before = elements.len();
        match value {
            Json::Null => {}
            Json::Array(own) => elements.extend(own),
            _ => return None,
        }
        lens.push(elements.len() - before);
    }
    let nulls = values.iter().map(|value| !value.is_null()).collect::<NullBuffer>();
    let (field, elements) = of_values(choice, "item", element, &elements)?;
    let field = Arc::new(field);
    let offsets = OffsetBuffer::<i32>::from_lengths(lens.iter().copied());
    let large_offsets = OffsetBuffer::<i64>::from_lengths(lens.iter().copied());
    let nulls = Some(nulls);
    Some(match choice {
        0 => Arc::new(ListArray::new(field, offsets, elements, nulls)),
        1 => Arc::new(LargeListArray::new(field, large_offsets, elements, nulls)),
        2 => {
            let sizes: ScalarBuffer<i32> = lens.iter().map(|&len| len as i32).collect();
            let starts: ScalarBuffer<i32> = offsets[..lens.len()].iter().copied().collect();
            Arc::new(ListViewArray::new(field, starts, sizes, elements, nulls))
        }
        3 => {
            let sizes: ScalarBuffer<i64> = lens.iter().map(|&len| len as i64).collect();
            let starts: ScalarBuffer<i64> = large_offsets[..lens.len()].iter().copied().collect();
            Arc::new(LargeListViewArray::new(field, starts, sizes, elements, nulls))
        }
        _ if nulls.as_ref().is_none_or(|nulls| nulls.null_count() == 0) && !lens.is_empty() => {
            let len = lens[0] as i32;
            Arc::new(FixedSizeListArray::try_new(field, len, elements, nulls).ok()?)
        }
        _ => return None,
    })
}

/// Structs whose fields are those of the first that is not NULL.
fn structs(choice: usize, values: &[&Json]) -> Option<StructArray> {
    let first = of_json(values.iter().find(|value| !value.is_null())?)?;
    let mut rows = Vec::new();
    for value in values {
        let cells = if value.is_null() { None } else { Some(of_json(value)?) };
        // Structs in one column are alike.
        let like = |cells: &Vec<Cell>| {
            let kinds = |cells: &[Cell]| -> Vec<(String, String)> {
                cells.iter().map(|cell| (cell.name.clone(), cell.cell_type.clone())).collect()
            };
            kinds(cells) == kinds(&first)
        };
        if !cells.as_ref().is_none_or(like) {
            return None;
        }
        rows.push(cells);
    }
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (i, cell) in first.iter().enumerate() {
        let column: Vec<&Json> = rows
            .iter()
            .map(|row| row.as_ref().map_or(&Json::Null, |cells| &cells[i].value))
            .collect();
        let (field, array) = of_values(choice, &cell.name, &cell.cell_type, &column)?;
        fields.push(field);
        arrays.push(array);
    }
    let nulls = rows.iter().map(Option::is_some).collect::<NullBuffer>();
    StructArray::try_new(Fields::from(fields), arrays, Some(nulls)).ok()
}

/// Maps whose values are all of one type; of no entries, text.
fn maps(choice: usize, values: &[&Json]) -> Option<MapArray> {
    let mut entries = Vec::new();
    let mut lens = Vec::new();
    for value in values {
        let own = if value.is_null() { Vec::new() } else { of_json(value)? };
        lens.push(own.len());
        entries.extend(own);
    }
    let value_type = entries.first().map_or("text", |entry| entry.cell_type.as_str());
    if entries.iter().any(|entry| entry.cell_type != value_type) {
        return None;
    }
    let names: Vec<Option<&str>> = entries.iter().map(|entry| Some(entry.name.as_str())).collect();
    let keys = of_text(choice.min(2), &names)?;
    let cells: Vec<&Json> = entries.iter().map(|entry| &entry.value).collect();
    let (field, cells) = of_values(choice, "value", value_type, &cells)?;
    let fields = Fields::from(vec![Field::new("key", keys.data_type().clone(), false), field]);
    let entries = StructArray::try_new(fields.clone(), vec![keys, cells], None).ok()?;
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let nulls = values.iter().map(|value| !value.is_null()).collect::<NullBuffer>();
    MapArray::try_new(field, OffsetBuffer::from_lengths(lens), entries, Some(nulls), false).ok()
}
