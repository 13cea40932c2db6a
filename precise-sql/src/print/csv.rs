//! CSV: a cell is in quotes where it must be; NULL is an empty cell, an empty text is `""`.

use std::sync::Arc;

use arrow::array::Array;
use arrow::buffer::NullBuffer;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::ArrayFormatter;
use datafusion::common::config::FormatOptions;

use super::Output;
use super::bytes::{self, Encoders};
use crate::failure::Result;

pub(crate) struct Csv {
    schema: SchemaRef,
    options: FormatOptions,
    /// How lists, structures and maps are written.
    json: EncoderOptions,
    encoders: Encoders,
    output: Output,
    /// Whether the header is still to be printed.
    header: bool,
}

impl Csv {
    pub(crate) fn new(schema: SchemaRef, header: bool, options: FormatOptions) -> Self {
        let encoders = Encoders::default();
        let json = EncoderOptions::default()
            .with_explicit_nulls(true)
            .with_encoder_factory(Arc::new(encoders.clone()));
        Self { schema, options, json, encoders, output: Output::new(), header }
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.print_header();
        let options = bytes::options((&self.options).try_into()?);
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            // Arrow writes what is nested for people; here it is JSON.
            let content = if array.data_type().is_nested() {
                Content::Nested(make_encoder(field, array, &self.json)?)
            } else {
                Content::Plain(bytes::formatter(array, &options)?)
            };
            columns.push(Column { nulls: array.logical_nulls(), content });
        }
        let mut cell = String::new();
        for row in 0..batch.num_rows() {
            for (i, column) in columns.iter_mut().enumerate() {
                if i > 0 {
                    self.output.text().push(',');
                }
                cell.clear();
                if column.write(row, &mut cell)? {
                    quote(&cell, self.output.text());
                }
            }
            self.encoders.check()?;
            self.output.text().push('\n');
            self.output.poll()?;
        }
        self.output.flush()
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.print_header();
        self.output.flush()
    }

    fn print_header(&mut self) {
        if !std::mem::take(&mut self.header) {
            return;
        }
        let text = self.output.text();
        for (i, field) in self.schema.fields().iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            quote(field.name(), text);
        }
        text.push('\n');
    }
}

struct Column<'a> {
    nulls: Option<NullBuffer>,
    content: Content<'a>,
}

enum Content<'a> {
    Plain(ArrayFormatter<'a>),
    Nested(NullableEncoder<'a>),
}

impl Column<'_> {
    /// Appends a cell; false if it is NULL.
    fn write(&mut self, row: usize, cell: &mut String) -> Result<bool> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(false);
        }
        match &mut self.content {
            Content::Plain(formatter) => formatter.value(row).write(cell)?,
            Content::Nested(encoder) => {
                let mut bytes = Vec::new();
                encoder.encode(row, &mut bytes);
                cell.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        Ok(true)
    }
}

fn quote(cell: &str, to: &mut String) {
    let is_plain = !cell.is_empty() && !cell.contains(['"', ',', '\n', '\r']);
    if is_plain {
        to.push_str(cell);
        return;
    }
    to.push('"');
    to.push_str(&cell.replace('"', "\"\""));
    to.push('"');
}
