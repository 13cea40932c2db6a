//! Objects: one a line, or in an array for each statement.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::json::writer::{JsonFormat, LineDelimited, WriterBuilder};
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;

use super::Output;
use super::bytes::Encoders;
use crate::failure::Failure;

type Result<T, E = Failure> = std::result::Result<T, E>;

pub(crate) struct Json {
    writer: Writer,
    encoders: Encoders,
    output: Output,
}

enum Writer {
    Lines(LineDelimitedWriter<Vec<u8>>),
    Array(arrow::json::Writer<Vec<u8>, Array>),
}

/// An array with a line for each object, so that a large one can still be looked into.
#[derive(Debug, Default)]
struct Array;

impl JsonFormat for Array {
    fn start_stream<W: Write>(&self, to: &mut W) -> Result<(), ArrowError> {
        Ok(to.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, to: &mut W, is_first: bool) -> Result<(), ArrowError> {
        if is_first { Ok(()) } else { Ok(to.write_all(b",\n")?) }
    }

    fn end_stream<W: Write>(&self, to: &mut W) -> Result<(), ArrowError> {
        Ok(to.write_all(b"]\n")?)
    }
}

impl Json {
    pub(crate) fn new(schema: &Schema, array: bool) -> Result<Self> {
        let mut names = HashSet::new();
        if let Some(field) = schema.fields().iter().find(|field| !names.insert(field.name())) {
            // Readers of an object with a key twice disagree on which one counts.
            let name = field.name();
            let said = format!("two columns are named {name}: in JSON, name one of them with AS");
            return Err(DataFusionError::External(said.into()).into());
        }
        let encoders = Encoders::default();
        let builder = || {
            WriterBuilder::new()
                .with_explicit_nulls(true)
                .with_encoder_factory(Arc::new(encoders.clone()))
        };
        let writer = if array {
            Writer::Array(builder().build::<_, Array>(Vec::new()))
        } else {
            Writer::Lines(builder().build::<_, LineDelimited>(Vec::new()))
        };
        Ok(Self { writer, encoders, output: Output::new() })
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.writer {
            Writer::Lines(writer) => writer.write(batch)?,
            Writer::Array(writer) => writer.write(batch)?,
        }
        self.encoders.check()?;
        self.pass_on()
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        match &mut self.writer {
            Writer::Lines(writer) => writer.finish()?,
            Writer::Array(writer) => writer.finish()?,
        }
        self.pass_on()
    }

    /// Prints what the writer has written.
    fn pass_on(&mut self) -> Result<()> {
        let written = match &mut self.writer {
            Writer::Lines(writer) => writer.get_mut(),
            Writer::Array(writer) => writer.get_mut(),
        };
        self.output.write_bytes(written)?;
        written.clear();
        self.output.flush()
    }
}
