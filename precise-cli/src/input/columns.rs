//! A column of JSON text in a Parquet file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, ArrayRef, downcast_dictionary_array};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_core::{Code, Error};

use super::{Input, Piece, Rows, open_file};
use crate::failure::{Failure, Result};

/// Rows decoded at a time: at 600 bytes a record, half a piece.
const BATCH_ROWS: usize = 1024;

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
    let bytes_total = input.len().unwrap_or(0);
    let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| failed(&error))?;
    let before = progress.load(Ordering::Relaxed);
    let mut rows_read = 0;
    let mut rows = Rows::default();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        push(&mut rows, batch.column(0));
        rows_read += batch.num_rows() as u64;
        // The reader jumps about in the file: progress is counted in rows, shown in bytes.
        let bytes = u128::from(bytes_total) * u128::from(rows_read) / u128::from(rows_total);
        progress.store(before + bytes as u64, Ordering::Relaxed);
        if rows.is_full() {
            each(Piece::Rows(std::mem::take(&mut rows)))?;
        }
    }
    if rows.list.is_empty() { Ok(()) } else { each(Piece::Rows(rows)) }
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

fn push(rows: &mut Rows, array: &ArrayRef) {
    match array.data_type() {
        DataType::Utf8 => push_all(rows, array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => push_all(rows, array.as_string::<i64>().iter()),
        DataType::Utf8View => push_all(rows, array.as_string_view().iter()),
        DataType::Binary => push_all(rows, array.as_binary::<i32>().iter()),
        DataType::LargeBinary => push_all(rows, array.as_binary::<i64>().iter()),
        DataType::BinaryView => push_all(rows, array.as_binary_view().iter()),
        _ => downcast_dictionary_array!(
            array => push_dictionary(rows, array),
            other => unreachable!("{other} was refused by its type")
        ),
    }
}

fn push_all<T: AsRef<[u8]>>(rows: &mut Rows, texts: impl Iterator<Item = Option<T>>) {
    for text in texts {
        match text {
            Some(text) => rows.push(text.as_ref(), None),
            None => push_missing(rows),
        }
    }
}

fn push_dictionary<K: ArrowDictionaryKeyType>(
    rows: &mut Rows,
    array: &arrow_array::DictionaryArray<K>,
) {
    let mut values = Rows::default();
    push(&mut values, array.values());
    for key in array.keys_iter() {
        match key.map(|key| &values.list[key]) {
            Some(value) if value.fault.is_none() => {
                rows.push(&values.raw[value.raw.clone()], None);
            }
            _ => push_missing(rows),
        }
    }
}

fn push_missing(rows: &mut Rows) {
    rows.push(b"", Some(Error::new(Code::MissingRecord).at_path("$".into())));
}
