//! A column of JSON text in a Parquet file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, ArrayRef, DictionaryArray, downcast_dictionary_array};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_core::{Code, Error};

use super::{Input, MAX_RECORD_LEN, PIECE_LEN, Piece, Rows, SHOWN_LEN, open_file, too_long};
use crate::failure::{Failure, Result};

/// Rows decoded at a time at most.
const BATCH_ROWS: u64 = 1024;

pub(super) fn read(
    input: &Input,
    column: &str,
    progress: &Arc<AtomicU64>,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let path = input.path.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot read {path} as Parquet: {error}"))
    };
    let file = open_file(&input.path)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
    let schema = builder.schema().clone();
    let Ok(index) = schema.index_of(column) else {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        return Err(Failure::Usage(format!(
            "{path} has no column {column:?}; its columns are {}",
            names.join(", ")
        )));
    };
    let column_type = schema.field(index).data_type();
    if !is_text(column_type) {
        return Err(Failure::Usage(format!(
            "column {column:?} of {path} is {column_type}, not JSON text"
        )));
    }
    let rows_total = builder.metadata().file_metadata().num_rows().max(1) as u64;
    // Rows decoded at a time are about a piece, so that large records do not fill the memory.
    let groups = builder.metadata().row_groups();
    let unpacked: u64 = groups.iter().map(|group| group.total_byte_size().max(0) as u64).sum();
    let row_len = (unpacked / rows_total).max(1);
    let batch_rows = (PIECE_LEN as u64 / row_len).clamp(1, BATCH_ROWS) as usize;
    let bytes_total = input.len().unwrap_or(0);
    let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(batch_rows)
        .build()
        .map_err(|error| failed(&error))?;
    let before = progress.load(Ordering::Relaxed);
    let mut rows_read = 0;
    let mut rows = Rows::default();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        for_each_text(batch.column(0), &mut |text| {
            match text {
                None => rows.push(b"", Some(missing())),
                Some(text) if text.len() > MAX_RECORD_LEN => {
                    rows.push(&text[..SHOWN_LEN], Some(too_long(text.len() as u64)));
                }
                Some(text) => rows.push(text, None),
            }
            if rows.is_full() { each(Piece::Rows(std::mem::take(&mut rows))) } else { Ok(()) }
        })?;
        rows_read += batch.num_rows() as u64;
        // The reader jumps about in the file: progress is counted in rows, shown in bytes.
        let bytes = u128::from(bytes_total) * u128::from(rows_read) / u128::from(rows_total);
        progress.store(before + bytes as u64, Ordering::Relaxed);
    }
    if rows.list.is_empty() { Ok(()) } else { each(Piece::Rows(rows)) }
}

fn missing() -> Error {
    Error::new(Code::MissingRecord).at_path("$".into())
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Calls `each` for every cell of a text column; none for NULL.
fn for_each_text(
    array: &ArrayRef,
    each: &mut dyn FnMut(Option<&[u8]>) -> Result<()>,
) -> Result<()> {
    fn all<T: AsRef<[u8]>>(
        mut texts: impl Iterator<Item = Option<T>>,
        each: &mut dyn FnMut(Option<&[u8]>) -> Result<()>,
    ) -> Result<()> {
        texts.try_for_each(|text| each(text.as_ref().map(AsRef::as_ref)))
    }
    match array.data_type() {
        DataType::Utf8 => all(array.as_string::<i32>().iter(), each),
        DataType::LargeUtf8 => all(array.as_string::<i64>().iter(), each),
        DataType::Utf8View => all(array.as_string_view().iter(), each),
        DataType::Binary => all(array.as_binary::<i32>().iter(), each),
        DataType::LargeBinary => all(array.as_binary::<i64>().iter(), each),
        DataType::BinaryView => all(array.as_binary_view().iter(), each),
        _ => downcast_dictionary_array!(
            array => for_each_key(array, each),
            other => unreachable!("{other} was refused by its type")
        ),
    }
}

fn for_each_key<K: ArrowDictionaryKeyType>(
    array: &DictionaryArray<K>,
    each: &mut dyn FnMut(Option<&[u8]>) -> Result<()>,
) -> Result<()> {
    let mut values: Vec<Option<Vec<u8>>> = Vec::with_capacity(array.values().len());
    for_each_text(array.values(), &mut |text| {
        values.push(text.map(Into::into));
        Ok(())
    })?;
    for key in array.keys_iter() {
        each(key.and_then(|key| values[key].as_deref()))?;
    }
    Ok(())
}
