//! A table for people. Its columns are as wide as the first rows need; later cells that are wider
//! push their line out.

use std::fmt::Write;
use std::mem;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::config::FormatOptions;
use unicode_width::UnicodeWidthStr;

use super::{Output, bytes};
use crate::failure::Result;

/// Rows that are looked at before the first is printed, unless they are large.
const ROWS: usize = 1000;

/// Bytes of rows that are held back at most.
const BYTES: usize = 16 << 20;

/// The widest that a column becomes: one long text would else fill all other rows with blanks.
const WIDTH: usize = 200;

pub(crate) struct Table {
    schema: SchemaRef,
    header: bool,
    options: FormatOptions,
    output: Output,
    /// What was not printed yet because the widths are still open.
    held: Vec<RecordBatch>,
    held_rows: usize,
    held_bytes: usize,
    /// None until enough rows have been seen.
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(crate) fn new(schema: SchemaRef, header: bool, options: FormatOptions) -> Self {
        Self {
            schema,
            header,
            options,
            output: Output::new(),
            held: Vec::new(),
            held_rows: 0,
            held_bytes: 0,
            widths: None,
        }
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.widths.is_some() {
            return self.print(batch);
        }
        self.held.push(batch.clone());
        self.held_rows += batch.num_rows();
        self.held_bytes += batch.get_array_memory_size();
        if self.held_rows >= ROWS || self.held_bytes >= BYTES { self.settle() } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.settle()?;
        self.rule();
        self.output.flush()
    }

    /// Decides on the widths and prints what was held back.
    fn settle(&mut self) -> Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let mut names = Vec::new();
        for field in self.schema.fields() {
            names.push(escaped(field.name()));
        }
        let mut widths: Vec<usize> =
            names.iter().map(|name| if self.header { width(name) } else { 0 }).collect();
        let held = mem::take(&mut self.held);
        let mut left = ROWS;
        for batch in &held {
            let first = batch.slice(0, batch.num_rows().min(left));
            left -= first.num_rows();
            self.rows(&first, |_, cells| {
                for (known, cell) in widths.iter_mut().zip(cells) {
                    *known = (*known).max(width(cell));
                }
                Ok(())
            })?;
        }
        for width in &mut widths {
            *width = (*width).min(WIDTH);
        }
        self.widths = Some(widths);
        self.rule();
        if self.header {
            let right = vec![false; names.len()];
            self.line(&names, &right);
            self.rule();
        }
        held.iter().try_for_each(|batch| self.print(batch))
    }

    fn print(&mut self, batch: &RecordBatch) -> Result<()> {
        let fields = self.schema.fields();
        let right: Vec<bool> = fields.iter().map(|field| field.data_type().is_numeric()).collect();
        self.rows(batch, |table, cells| {
            table.line(cells, &right);
            table.output.poll()
        })?;
        self.output.flush()
    }

    /// Calls `with` on the cells of each row.
    fn rows(
        &mut self,
        batch: &RecordBatch,
        mut with: impl FnMut(&mut Self, &[String]) -> Result<()>,
    ) -> Result<()> {
        let settings = self.options.clone();
        let options = bytes::options((&settings).try_into()?);
        let mut columns = Vec::with_capacity(batch.num_columns());
        for array in batch.columns() {
            columns.push(bytes::formatter(array, &options)?);
        }
        let mut cells = vec![String::new(); columns.len()];
        let mut raw = String::new();
        for row in 0..batch.num_rows() {
            for (cell, column) in cells.iter_mut().zip(&columns) {
                raw.clear();
                let value = column.value(row);
                if write!(raw, "{value}").is_err() {
                    // It cannot be written, and `datafusion.format.safe` is off. This says why.
                    value.write(&mut raw)?;
                }
                *cell = escaped(&raw);
            }
            with(self, &cells)?;
        }
        Ok(())
    }

    /// `+----+----+`
    fn rule(&mut self) {
        let Some(widths) = &self.widths else { return };
        let text = self.output.text();
        for width in widths {
            text.push('+');
            text.extend(std::iter::repeat_n('-', width + 2));
        }
        text.push_str("+\n");
    }

    /// `| a  | b  |`, on as many lines as the highest cell has.
    fn line(&mut self, cells: &[String], right: &[bool]) {
        let Some(widths) = &self.widths else { return };
        let text = self.output.text();
        let height = cells.iter().map(|cell| cell.lines().count()).max().unwrap_or(0).max(1);
        let mut lines: Vec<_> = cells.iter().map(|cell| cell.lines()).collect();
        for _ in 0..height {
            for ((lines, known), right) in lines.iter_mut().zip(widths).zip(right) {
                let line = lines.next().unwrap_or_default();
                let blanks = known.saturating_sub(line.width());
                text.push_str("| ");
                text.extend(std::iter::repeat_n(' ', if *right { blanks } else { 0 }));
                text.push_str(line);
                text.extend(std::iter::repeat_n(' ', if *right { 1 } else { blanks + 1 }));
            }
            text.push_str("|\n");
        }
    }
}

/// The width of the widest of a cell's lines.
fn width(cell: &str) -> usize {
    cell.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Characters that would move the cursor or worse, as escapes. Line feeds make lines.
fn escaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for character in cell.chars() {
        if character.is_control() && character != '\n' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}
