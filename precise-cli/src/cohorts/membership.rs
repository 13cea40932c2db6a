//! Which cohorts each record is in, as a file.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::{Format, format_of};
use crate::mint::write_failure;
use crate::output::Output;
use crate::proofs::WriteError;

/// Writes `row`, `member` and `cohort_ids` of records, as its name says.
pub(super) enum MembershipWriter<'o> {
    Lines { output: &'o mut Output, lines: Vec<u8> },
    Parquet(Box<Columns<'o>>),
}

pub(super) struct Columns<'o> {
    writer: ArrowWriter<&'o mut Output>,
    schema: SchemaRef,
    rows: UInt64Builder,
    members: StringBuilder,
    ids: ListBuilder<StringBuilder>,
}

impl<'o> MembershipWriter<'o> {
    pub(super) fn new(output: &'o mut Output, path: &Path) -> Result<Self> {
        // Only what is read is unpacked.
        let is_packed = path.extension().is_some_and(|extension| {
            ["gz", "zst"].iter().any(|packed| extension.eq_ignore_ascii_case(packed))
        });
        match format_of(path).filter(|_| !is_packed) {
            Some(Format::Ndjson) => return Ok(Self::Lines { output, lines: Vec::new() }),
            Some(Format::Parquet) => {
                let columns = Columns::new(output).map_err(|error| write_failure(path, &error))?;
                return Ok(Self::Parquet(Box::new(columns)));
            }
            _ => {}
        }
        let path = path.display();
        Err(Failure::Usage(format!("{path}: the name must end in .ndjson, .jsonl or .parquet")))
    }

    pub(super) fn push(&mut self, row: u64, member: Option<&str>, ids: &[String]) {
        match self {
            Self::Lines { lines, .. } => {
                let line = json!({ "row": row, "member": member, "cohort_ids": ids });
                lines.extend_from_slice(line.to_string().as_bytes());
                lines.push(b'\n');
            }
            Self::Parquet(columns) => {
                columns.rows.append_value(row);
                columns.members.append_option(member);
                for id in ids {
                    columns.ids.values().append_value(id);
                }
                columns.ids.append(true);
            }
        }
    }

    /// Writes what was pushed.
    pub(super) fn flush(&mut self) -> std::result::Result<(), WriteError> {
        match self {
            Self::Lines { output, lines } => {
                output.write_all(lines)?;
                lines.clear();
                Ok(())
            }
            Self::Parquet(columns) => columns.flush(),
        }
    }

    pub(super) fn finish(mut self) -> std::result::Result<(), WriteError> {
        self.flush()?;
        match self {
            Self::Lines { .. } => Ok(()),
            Self::Parquet(columns) => columns.writer.close().map(drop),
        }
    }
}

impl<'o> Columns<'o> {
    fn new(output: &'o mut Output) -> std::result::Result<Self, WriteError> {
        let ids = Arc::new(Field::new_list_field(DataType::Utf8, false));
        let schema = Arc::new(Schema::new(vec![
            Field::new("row", DataType::UInt64, false),
            Field::new("member", DataType::Utf8, true),
            Field::new("cohort_ids", DataType::List(ids.clone()), false),
        ]));
        let properties = WriterProperties::builder()
            .set_created_by(concat!("precise ", env!("CARGO_PKG_VERSION")).into())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(output, schema.clone(), Some(properties))?,
            schema,
            rows: UInt64Builder::new(),
            members: StringBuilder::new(),
            ids: ListBuilder::new(StringBuilder::new()).with_field(ids),
        })
    }

    fn flush(&mut self) -> std::result::Result<(), WriteError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.rows.finish()),
            Arc::new(self.members.finish()),
            Arc::new(self.ids.finish()),
        ];
        self.writer.write(&RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
