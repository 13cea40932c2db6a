//! Cohorts by models as bars on a terminal, side by side.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Terminal;
use super::comparison::{Comparison, Measure};

/// Columns that a cohort's name may take.
const NAME_WIDTH: usize = 24;

/// Columns that one model's bars take, from and to.
const BAR_WIDTHS: (usize, usize) = (10, 28);

/// Between two models.
const GAP: usize = 2;

/// A block filled from the left, by eighths.
const BLOCKS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// ANSI's blue, yellow, green, magenta, cyan, red: a model's colour is by its place.
const COLOURS: [u8; 6] = [34, 33, 32, 35, 36, 31];

/// Prints them: all to one scale, so that models can be compared; those that do not fit beside each
/// other one below the other. What is below 0 has no bar.
pub(super) fn print(
    comparison: &Comparison,
    measure: Measure,
    terminal: Terminal,
    to: &mut dyn Write,
) -> io::Result<()> {
    let names: Vec<String> = comparison.rows.iter().map(|row| cut(&row.name, NAME_WIDTH)).collect();
    let name_width = names.iter().map(|name| name.width()).max().unwrap_or_default();
    let room = terminal.width.saturating_sub(name_width);
    let at_once = (room / (GAP + BAR_WIDTHS.0)).clamp(1, comparison.models.len().max(1));
    let bar_width = (room / at_once).saturating_sub(GAP).clamp(1, BAR_WIDTHS.1);
    let largest = comparison.largest(measure);
    let models: Vec<usize> = (0..comparison.models.len()).collect();
    for (turn, models) in models.chunks(at_once).enumerate() {
        if turn > 0 {
            writeln!(to)?;
        }
        let line = |name: &str, cells: Vec<(String, usize)>| {
            let padding = name_width.saturating_sub(name.width());
            let mut line = format!("{name}{:padding$}", "");
            for (text, colour) in cells {
                line.push_str(&" ".repeat(GAP));
                let padding = " ".repeat(bar_width.saturating_sub(text.width()));
                if terminal.colours && !text.is_empty() {
                    let colour = COLOURS[colour % COLOURS.len()];
                    line.push_str(&format!("\u{1b}[{colour}m{text}\u{1b}[0m{padding}"));
                } else {
                    line.push_str(&text);
                    line.push_str(&padding);
                }
            }
            line.truncate(line.trim_end().len());
            line
        };
        let heads = models.iter().map(|&model| (cut(&comparison.models[model], bar_width), model));
        writeln!(to, "{}", line("", heads.collect()))?;
        for (row, name) in comparison.rows.iter().zip(&names) {
            let bars = models.iter().map(|&model| {
                let part = row.amounts[model].of(measure).max(0.0) / largest.max(f64::MIN_POSITIVE);
                (bar(part, bar_width), model)
            });
            writeln!(to, "{}", line(name, bars.collect()))?;
        }
    }
    Ok(())
}

/// A bar of a part, from 0 to 1, of `width`.
pub(crate) fn bar(part: f64, width: usize) -> String {
    let eighths = (part * 8.0 * width as f64).round() as usize;
    "█".repeat(eighths / 8) + BLOCKS[eighths % 8]
}

/// A text of no more than `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.into();
    }
    let mut left = width.saturating_sub(1);
    let fits = |character: &char| match left.checked_sub(character.width().unwrap_or_default()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        for (part, text) in [
            (0.0, ""),
            (1.0, "████"),
            (0.5, "██"),
            (0.25, "█"),
            (0.28125, "█▏"),
            (0.96875, "███▉"),
            (0.001, ""),
        ] {
            assert_eq!(bar(part, 4), text, "{part}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        for (text, width, found) in [
            ("social", 6, "social"),
            ("social", 5, "soci…"),
            ("社会", 4, "社会"),
            ("社会学", 4, "社…"),
            ("a", 1, "a"),
            ("ab", 1, "…"),
        ] {
            assert_eq!(cut(text, width), found);
        }
    }
}
