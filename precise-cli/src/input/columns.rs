//! A Parquet file: its typed columns, or one column of JSON text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_arrow::{ByteColumn, check_fields};
use precise_core::{Code, Error};

use super::{Input, MAX_RECORD_LEN, PIECE_LEN, Piece, Rows, SHOWN_LEN, open_file, too_long};
use crate::failure::{Failure, Result};

/// Rows decoded at a time at most.
const BATCH_ROWS: u64 = 1024;

pub(super) fn read(
    input: &Input,
    column: Option<&str>,
    progress: &Arc<AtomicU64>,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let path = input.path.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot read {path} as Parquet: {error}"))
    };
    let file = open_file(&input.path)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
    let mask = if let Some(column) = column {
        let index = text_column(input, &builder, column)?;
        ProjectionMask::roots(builder.parquet_schema(), [index])
    } else {
        check_fields(builder.schema().fields()).map_err(|error| {
            Failure::refused(format!("cannot mint the columns of {path}"), error)
        })?;
        ProjectionMask::all()
    };
    let rows_total = builder.metadata().file_metadata().num_rows().max(1) as u64;
    // Rows decoded at a time are about a piece, so that large records do not fill the memory.
    let groups = builder.metadata().row_groups();
    let unpacked: u64 = groups.iter().map(|group| group.total_byte_size().max(0) as u64).sum();
    let row_len = (unpacked / rows_total).max(1);
    let batch_rows = (PIECE_LEN as u64 / row_len).clamp(1, BATCH_ROWS) as usize;
    let bytes_total = input.len().unwrap_or(0);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(batch_rows)
        .build()
        .map_err(|error| failed(&error))?;
    let before = progress.load(Ordering::Relaxed);
    let mut rows_read = 0;
    let mut texts = Rows::default();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        rows_read += batch.num_rows() as u64;
        if column.is_some() {
            push_texts(&batch, &mut texts, each)?;
        } else {
            each(Piece::Columns(batch))?;
        }
        // The reader jumps about in the file: progress is counted in rows, shown in bytes.
        let bytes = u128::from(bytes_total) * u128::from(rows_read) / u128::from(rows_total);
        progress.store(before + bytes as u64, Ordering::Relaxed);
    }
    if texts.list.is_empty() { Ok(()) } else { each(Piece::Rows(texts)) }
}

/// The number of a column that holds text.
fn text_column<T>(
    input: &Input,
    builder: &parquet::arrow::arrow_reader::ArrowReaderBuilder<T>,
    column: &str,
) -> Result<usize> {
    let path = input.path.display();
    let schema = builder.schema();
    let Ok(index) = schema.index_of(column) else {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        return Err(Failure::Usage(format!(
            "{path} has no column {column:?}; its columns are {}",
            names.join(", ")
        )));
    };
    let column_type = schema.field(index).data_type();
    if ByteColumn::cell_type(column_type).is_none() {
        return Err(Failure::Usage(format!(
            "column {column:?} of {path} is {column_type}, not JSON text; without --column the \
             file is minted as rows of typed columns"
        )));
    }
    Ok(index)
}

fn push_texts(
    batch: &RecordBatch,
    rows: &mut Rows,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let array = batch.column(0);
    let column = ByteColumn::of(array)
        .ok_or_else(|| Failure::Io(format!("a column of text came as {}", array.data_type())))?;
    for row in 0..batch.num_rows() {
        match column.get(row) {
            None => rows.push(b"", Some(missing())),
            Some(text) if text.len() > MAX_RECORD_LEN => {
                rows.push(&text[..SHOWN_LEN], Some(too_long(text.len() as u64)));
            }
            Some(text) => rows.push(text, None),
        }
        if rows.is_full() {
            each(Piece::Rows(std::mem::take(rows)))?;
        }
    }
    Ok(())
}

fn missing() -> Error {
    Error::new(Code::MissingRecord).at_path("$".into())
}
