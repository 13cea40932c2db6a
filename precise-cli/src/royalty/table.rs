//! What each contributor is due, as a table and as bars on a terminal.

use std::io::{self, Write};

use precise_core::royalty::Accrual;
use unicode_width::UnicodeWidthStr;

use crate::attribute::Terminal;
use crate::attribute::bars::{bar, cut};
use crate::names::shown;
use crate::rejects::thousands;
use crate::table::{self, Side, aligned};

/// Contributors of a currency that are shown one by one.
const SHOWN: usize = 20;

/// Columns that a name and a bar may take.
const NAME_WIDTH: usize = 24;
const BAR_WIDTH: usize = 48;

/// The accruals of one currency, the largest first.
pub(super) struct Group<'a> {
    pub(super) currency: &'a str,
    pub(super) rows: Vec<&'a Accrual>,
    /// What is due to all of them, as near as a double comes.
    pub(super) total: f64,
}

/// What is due, as near as a double comes.
pub(super) fn amount(accrual: &Accrual) -> f64 {
    accrual.accrued.units() as f64 / 1e24
}

pub(super) fn groups(accruals: &[Accrual]) -> Vec<Group<'_>> {
    // They are sorted by currency, and then by name: equal ones stay so.
    let same = |a: &Accrual, b: &Accrual| a.currency == b.currency;
    let mut groups = Vec::new();
    for chunk in accruals.chunk_by(same) {
        let Some(first) = chunk.first() else { continue };
        let mut rows: Vec<&Accrual> = chunk.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.accrued));
        let total = chunk.iter().map(amount).sum();
        groups.push(Group { currency: first.currency.as_str(), rows, total });
    }
    groups
}

/// Prints them, in a table by currency and contributor.
pub(super) fn print(accruals: &[Accrual], to: &mut dyn Write) -> io::Result<()> {
    let heads = [
        ("currency", Side::Left),
        ("contributor", Side::Left),
        ("accrued", Side::Left),
        ("share", Side::Right),
        ("events", Side::Right),
    ];
    let mut rows = Vec::new();
    let mut left_out = 0;
    for group in groups(accruals) {
        let count = group.rows.len().min(SHOWN);
        left_out += group.rows.len() - count;
        for row in &group.rows[..count] {
            let share = if group.total > 0.0 { 100.0 * amount(row) / group.total } else { 0.0 };
            rows.push(vec![
                group.currency.to_owned(),
                shown(&row.contributor),
                row.accrued.to_string(),
                format!("{share:.2}%"),
                thousands(row.events),
            ]);
        }
    }
    let figures = aligned(rows.iter().map(|row| row[2].as_str()));
    for (row, figure) in rows.iter_mut().zip(figures) {
        row[2] = figure;
    }
    table::print(&heads, &rows, to)?;
    if left_out > 0 {
        let left_out = thousands(left_out as u64);
        writeln!(to, "and {left_out} more, which --json and --csv have")?;
    }
    Ok(())
}

/// Prints bars, each currency to a scale of its own.
pub(super) fn print_bars(
    accruals: &[Accrual],
    terminal: Terminal,
    to: &mut dyn Write,
) -> io::Result<()> {
    for group in groups(accruals) {
        let rows = &group.rows[..group.rows.len().min(SHOWN)];
        let names: Vec<String> =
            rows.iter().map(|row| cut(&shown(&row.contributor), NAME_WIDTH)).collect();
        let name_width = names.iter().map(|name| name.width()).max().unwrap_or_default();
        let width = terminal.width.saturating_sub(name_width + 2).clamp(1, BAR_WIDTH);
        let largest = rows.first().map_or(0.0, |row| amount(row)).max(f64::MIN_POSITIVE);
        writeln!(to, "\n{}", group.currency)?;
        for (row, name) in rows.iter().zip(names) {
            let padding = " ".repeat(name_width.saturating_sub(name.width()) + 2);
            let bar = bar(amount(row) / largest, width);
            let bar = if terminal.colours && !bar.is_empty() {
                format!("\u{1b}[34m{bar}\u{1b}[0m")
            } else {
                bar
            };
            writeln!(to, "{}", format!("{name}{padding}{bar}").trim_end())?;
        }
    }
    Ok(())
}
