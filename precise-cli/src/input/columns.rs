//! A Parquet file: its typed columns, or one column of JSON text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_arrow::{ByteColumn, CellType, check_fields};
use precise_core::canonical::Canonicalizer;
use precise_core::field::FieldPath;
use precise_core::json::Reader;
use precise_core::{Code, Error};

use super::{Input, MAX_RECORD_LEN, PIECE_LEN, Piece, Rows, SHOWN_LEN, open_file, too_long};
use crate::failure::{Failure, Result};

/// Rows decoded at a time at most.
const BATCH_ROWS: u64 = 1024;

pub(super) fn read(
    input: &Input,
    progress: &Arc<AtomicU64>,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let path = input.path.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot read {path} as Parquet: {error}"))
    };
    let file = open_file(&input.path)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
    let names: Vec<String> =
        builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let column = input.record_column(&names);
    let mut layout = Layout { record: 0, member: None };
    let mask = if let Some(column) = column {
        let record = text_column(input, builder.schema().fields(), column)?;
        let member = member_column(input, builder.schema().fields(), Some(record))?;
        // What is read keeps the order of the file.
        if let Some(member) = member {
            let first = record.min(member);
            layout = Layout {
                record: usize::from(record != first),
                member: Some(usize::from(member != first)),
            };
        }
        ProjectionMask::roots(builder.parquet_schema(), [record].into_iter().chain(member))
    } else {
        input.demand_columns(&names)?;
        let is_read = |(_, name): &(usize, &String)| input.has_column(name);
        let read = names.iter().enumerate().filter(is_read).map(|(index, _)| index);
        let read: Vec<usize> = read.collect();
        let fields = read.iter().map(|&index| builder.schema().fields()[index].clone()).collect();
        check_fields(&fields).map_err(|error| {
            Failure::refused(format!("cannot mint the columns of {path}"), error)
        })?;
        // For its refusal: here the column is a field of the record.
        member_column(input, builder.schema().fields(), None)?;
        ProjectionMask::roots(builder.parquet_schema(), read)
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
    let mut texts = layout.begin();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        rows_read += batch.num_rows() as u64;
        if column.is_some() {
            layout.push(&batch, &mut texts, each)?;
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
fn text_column(input: &Input, fields: &Fields, column: &str) -> Result<usize> {
    let path = input.path.display();
    let Some((index, field)) = fields.find(column) else {
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        return Err(input.no_column(column, &names));
    };
    let column_type = field.data_type();
    if ByteColumn::cell_type(column_type).is_none() {
        return Err(Failure::Usage(format!(
            "column {column:?} of {path} is {column_type}, not JSON text; without --column the \
             file is minted as rows of typed columns"
        )));
    }
    Ok(index)
}

/// The number of the column that says whose a record is, if the file has it beside the column of
/// records. One that cannot name members is refused: its rows would all count.
fn member_column(input: &Input, fields: &Fields, record: Option<usize>) -> Result<Option<usize>> {
    let found = input.member_column().and_then(|name| fields.find(name));
    let Some((index, field)) = found.filter(|(index, _)| Some(*index) != record) else {
        return Ok(None);
    };
    let column_type = field.data_type();
    let names_members = column_type.is_integer()
        || column_type.is_decimal()
        || ByteColumn::cell_type(column_type) == Some(CellType::Text)
        || *column_type == DataType::FixedSizeBinary(16);
    if !names_members {
        return Err(Failure::Usage(format!(
            "column {:?} of {} is {column_type}; a member is named by a text, a whole number, a \
             decimal or a UUID",
            field.name(),
            input.path.display()
        )));
    }
    Ok(Some(index))
}

/// Which columns of what is read count.
struct Layout {
    record: usize,
    member: Option<usize>,
}

impl Layout {
    fn begin(&self) -> Rows {
        Rows { members: self.member.map(|_| Vec::new()), ..Rows::default() }
    }

    fn push(
        &self,
        batch: &RecordBatch,
        rows: &mut Rows,
        each: &mut dyn FnMut(Piece) -> Result<()>,
    ) -> Result<()> {
        let array = batch.column(self.record);
        let column = ByteColumn::of(array).ok_or_else(|| {
            Failure::Io(format!("a column of text came as {}", array.data_type()))
        })?;
        let mut members = self
            .member
            .map(|index| members(batch.schema().field(index), batch.column(index)).into_iter());
        for row in 0..batch.num_rows() {
            let mut fault = None;
            if let (Some(listed), Some(members)) = (&mut rows.members, &mut members) {
                let member = members.next().unwrap_or(Ok(None));
                fault = member.as_ref().err().cloned();
                listed.push(member.unwrap_or_default());
            }
            match column.get(row) {
                None => rows.push(b"", Some(missing())),
                Some(text) if text.len() > MAX_RECORD_LEN => {
                    rows.push(&text[..SHOWN_LEN], Some(too_long(text.len() as u64)));
                }
                Some(text) => rows.push(text, fault),
            }
            if rows.is_full() {
                each(Piece::Rows(std::mem::replace(rows, self.begin())))?;
            }
        }
        Ok(())
    }
}

/// Whose each row is, as a record with this one column would say.
fn members(field: &Field, column: &ArrayRef) -> Vec<precise_core::Result<Option<String>>> {
    const NAME: &str = "member";
    let fields = Fields::from(vec![field.clone().with_name(NAME)]);
    let columns = [column.clone()];
    let rows = precise_arrow::Rows::new(&fields, &columns)
        .and_then(|rows| Ok((rows, FieldPath::parse(NAME)?)));
    let (mut canonicalizer, mut reader) = (Canonicalizer::default(), Reader::default());
    let mut canonical = Vec::new();
    let member = |row| {
        let (rows, path) = rows.as_ref().map_err(Clone::clone)?;
        canonical.clear();
        canonicalizer.append_row(&mut canonical, |encoder| rows.write(row, encoder))?;
        let scalar = path.scalar(&mut reader, &canonical)?;
        Ok(scalar.map(|id| id.as_str().to_owned()).filter(|id| !id.is_empty()))
    };
    (0..column.len()).map(member).collect()
}

fn missing() -> Error {
    Error::new(Code::MissingRecord).at_path("$".into())
}
