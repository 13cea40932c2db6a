//! Cohorts by models as a table of figures.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::comparison::{Amount, Comparison, Measure, figure, percentage};

/// Prints it, in a number of tables one below the other if a terminal is too narrow for one.
pub(super) fn print(
    comparison: &Comparison,
    measure: Measure,
    width: Option<usize>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let names = comparison.rows.iter().map(|row| row.name.as_str());
    let name_width = names.chain(["cohort", "total"]).map(UnicodeWidthStr::width).max();
    let name_width = name_width.unwrap_or_default();
    let columns: Vec<Column> =
        (0..comparison.models.len()).map(|model| Column::of(comparison, measure, model)).collect();
    let mut rest = &columns[..];
    while !rest.is_empty() {
        let mut used = name_width;
        let fits = |column: &&Column| {
            used += GAP + column.width();
            width.is_none_or(|width| used <= width)
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (now, later) = rest.split_at(count);
        print_columns(comparison, name_width, now, to)?;
        if !later.is_empty() {
            writeln!(to)?;
        }
        rest = later;
    }
    Ok(())
}

/// Between two columns.
const GAP: usize = 3;

/// What a model credits: figures, and beside them shares.
struct Column {
    model: String,
    /// The last one is the total.
    cells: Vec<(String, String)>,
}

impl Column {
    fn of(comparison: &Comparison, measure: Measure, model: usize) -> Self {
        let cell = |amount: Amount| {
            let share = match measure {
                Measure::Conversions => percentage(comparison.share(measure, model, amount)),
                Measure::Value => String::new(),
            };
            (figure(amount.of(measure)), share)
        };
        let amounts = comparison.rows.iter().map(|row| row.amounts[model]);
        let cells = amounts.chain([comparison.totals[model]]).map(cell).collect();
        Self { model: comparison.models[model].clone(), cells }
    }

    fn widths(&self) -> (usize, usize) {
        let widest = |texts: &dyn Fn(&(String, String)) -> usize| {
            self.cells.iter().map(texts).max().unwrap_or_default()
        };
        // Digits, points and signs: a byte each.
        (widest(&|cell| cell.0.len()), widest(&|cell| cell.1.len()))
    }

    fn width(&self) -> usize {
        let (figures, shares) = self.widths();
        let between = if shares == 0 { 0 } else { 2 };
        (figures + between + shares).max(self.model.len())
    }

    /// The text of cell `i`, as wide as the column.
    fn cell(&self, i: usize) -> String {
        let (figure, share) = &self.cells[i];
        let (_, shares) = self.widths();
        let share = if shares == 0 { String::new() } else { format!("  {share:>shares$}") };
        format!("{:>width$}", format!("{figure}{share}"), width = self.width())
    }
}

fn print_columns(
    comparison: &Comparison,
    name_width: usize,
    columns: &[Column],
    to: &mut dyn Write,
) -> io::Result<()> {
    let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
        let padding = name_width.saturating_sub(name.width());
        let mut line = format!("{name}{:padding$}", "");
        for column in columns {
            line.push_str(&" ".repeat(GAP));
            line.push_str(&cell(column));
        }
        line
    };
    let head = |column: &Column| format!("{:>width$}", column.model, width = column.width());
    writeln!(to, "{}", line("cohort", &head))?;
    for (i, row) in comparison.rows.iter().enumerate() {
        writeln!(to, "{}", line(&row.name, &|column| column.cell(i)))?;
    }
    writeln!(to, "{}", line("total", &|column| column.cell(comparison.rows.len())))
}
