//! Results as they come: as a table, CSV, JSON. None is ever held whole.
//!
//! Bytes are `0x` and hex digits in all of them, as Precise writes hashes everywhere.

mod bytes;
mod csv;
mod json;
mod table;

use std::io::{self, Stdout, Write};
use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::config::FormatOptions;

use crate::args::Format;
use crate::failure::{Failure, Result};
use crate::shell::Look;

/// Prints the result of one statement.
pub(crate) enum Printer {
    Table(table::Table),
    Csv(csv::Csv),
    Json(json::Json),
}

impl Printer {
    pub(crate) fn new(schema: SchemaRef, look: Look, options: FormatOptions) -> Result<Self> {
        Ok(match look.format {
            Format::Table => Self::Table(table::Table::new(schema, look.header, options)),
            Format::Csv => Self::Csv(csv::Csv::new(schema, look.header, options)),
            Format::Json => Self::Json(json::Json::new(&schema, true)?),
            Format::Ndjson => Self::Json(json::Json::new(&schema, false)?),
        })
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Table(table) => table.batch(batch),
            Self::Csv(csv) => csv.batch(batch),
            Self::Json(json) => json.batch(batch),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Table(table) => table.finish(),
            Self::Csv(csv) => csv.finish(),
            Self::Json(json) => json.finish(),
        }
    }
}

/// Standard output, written to in larger pieces.
struct Output {
    stdout: Stdout,
    text: String,
}

impl Output {
    /// As much as is gathered before it is written.
    const PIECE: usize = 1 << 16;

    fn new() -> Self {
        Self { stdout: io::stdout(), text: String::new() }
    }

    /// What is to be printed next goes behind this text.
    fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// To be called now and then: writes what was gathered, if it is much.
    fn poll(&mut self) -> Result<()> {
        if self.text.len() < Self::PIECE { Ok(()) } else { self.write() }
    }

    /// Writes behind what was gathered.
    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.write()?;
        self.stdout.write_all(bytes).map_err(|error| failed(&error))
    }

    fn write(&mut self) -> Result<()> {
        let done = self.stdout.write_all(self.text.as_bytes());
        self.text.clear();
        done.map_err(|error| failed(&error))
    }

    /// Whoever reads sees everything up to here.
    fn flush(&mut self) -> Result<()> {
        self.write()?;
        self.stdout.flush().map_err(|error| failed(&error))
    }
}

/// Text for people that is not a result.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout();
    let done = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    done.map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> Failure {
    Failure::io("write", Path::new("standard output"), error)
}
