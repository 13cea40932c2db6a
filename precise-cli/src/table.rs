//! Rows of words and figures, each column as wide as its widest cell.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Where a cell stands in its column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Prints rows below their heads. A cell that is missing is empty.
pub(crate) fn print(
    heads: &[(&str, Side)],
    rows: &[Vec<String>],
    to: &mut dyn Write,
) -> io::Result<()> {
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| cell(row, column).width());
        cells.chain([heads[column].0.width()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut line = |cells: &[String]| {
        let mut line = String::new();
        for (column, (_, side)) in heads.iter().enumerate() {
            if column > 0 {
                line.push_str(GAP);
            }
            let text = cell(cells, column);
            let padding = " ".repeat(widths[column].saturating_sub(text.width()));
            line.push_str(&match side {
                Side::Left => text + &padding,
                Side::Right => padding + &text,
            });
        }
        writeln!(to, "{}", line.trim_end())
    };
    let heads: Vec<String> = heads.iter().map(|(head, _)| (*head).into()).collect();
    line(&heads)?;
    rows.iter().try_for_each(|row| line(row))
}

/// Decimals below each other, their points in one column.
pub(crate) fn aligned<'t>(numbers: impl Iterator<Item = &'t str> + Clone) -> Vec<String> {
    let point = |text: &str| text.find('.').unwrap_or(text.len());
    let integers = numbers.clone().map(point).max().unwrap_or_default();
    numbers
        .map(|text| {
            format!("{:>width$}{}", &text[..point(text)], &text[point(text)..], width = integers)
        })
        .collect()
}

/// Between two columns.
const GAP: &str = "   ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() -> Result<(), Box<dyn std::error::Error>> {
        let heads = [("name", Side::Left), ("amount", Side::Right), ("", Side::Left)];
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).into()).collect();
        let mut printed = Vec::new();
        let rows = [row(&["社会", "1"]), row(&["ab-cde", "1,234,567", "x"]), row(&[])];
        print(&heads, &rows, &mut printed)?;
        let expected = "name        amount\n社会             1\nab-cde   1,234,567   x\n\n";
        assert_eq!(String::from_utf8(printed)?, expected);
        Ok(())
    }

    #[test]
    fn points_stand_below_each_other() {
        let numbers = ["1", "-12.5", "0.0057", "100"];
        let expected = ["  1", "-12.5", "  0.0057", "100"];
        assert_eq!(aligned(numbers.into_iter()), expected);
        assert!(aligned([].into_iter()).is_empty());
    }
}
