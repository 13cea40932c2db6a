//! What each contributor is due, as a picture: a panel for each currency, to a scale of its own.
//!
//! The file needs nothing beside it, no fonts and no scripts, and follows the reader's choice of
//! light or dark. The same accruals give the same text.

use std::fmt::Write;

use precise_core::royalty::Accrual;
use unicode_width::UnicodeWidthStr;

use super::table::{Group, amount, groups};
use crate::attribute::bars::cut;
use crate::attribute::svg::{escape, step};
use crate::attribute::{figure, percentage};
use crate::names::shown;
use crate::rejects::thousands;

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;

/// Where the first panel begins.
const TOP: f64 = 70.0;

/// A panel's head and foot, and a bar with what is free below it.
const HEAD: f64 = 44.0;
const FOOT: f64 = 52.0;
const ROW: f64 = 20.0;
const BAR: f64 = 13.0;

/// Contributors of a panel; the rest are one bar.
const SHOWN: usize = 20;

/// What a character of 12 pixels takes on the average, and a little more.
const CHARACTER: f64 = 7.0;
const NAME_WIDTH: usize = 36;

/// What is free for a figure behind the longest bar.
const FIGURE: f64 = 90.0;

/// The picture; `caption` says what of.
pub(super) fn draw(accruals: &[Accrual], caption: &str) -> String {
    let panels: Vec<Panel> = groups(accruals).iter().map(Panel::of).collect();
    let height = TOP + panels.iter().map(Panel::height).sum::<f64>();
    let mut svg = String::new();
    // A String takes every write.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-size=\"12\" \
         font-family=\"system-ui, sans-serif\">\n\
         <title>Royalty per contributor</title>\n<desc>{caption}</desc>\n\
         <style>\ntext{{fill:#1c1c1c}}.faint{{fill:#595959}}.ground{{fill:#ffffff}}\
         .line{{stroke:#d9d9d9}}.bar{{fill:#3b6fb6}}\n\
         @media (prefers-color-scheme:dark){{text{{fill:#ececec}}.faint{{fill:#ababab}}\
         .ground{{fill:#161616}}.line{{stroke:#3d3d3d}}.bar{{fill:#7fb0ee}}}}\n</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <text x=\"{MARGIN}\" y=\"34\" font-size=\"18\" font-weight=\"600\">Royalty per \
         contributor</text>\n<text class=\"faint\" x=\"{MARGIN}\" y=\"54\">{caption}</text>",
        caption = escape(caption)
    );
    let mut top = TOP;
    for panel in &panels {
        panel.draw(&mut svg, top);
        top += panel.height();
    }
    svg.push_str("</svg>\n");
    svg
}

/// One currency.
struct Panel {
    currency: String,
    rows: Vec<(String, f64)>,
    total: f64,
}

impl Panel {
    fn of(group: &Group<'_>) -> Self {
        let mut rows: Vec<(String, f64)> = group
            .rows
            .iter()
            .take(SHOWN)
            .map(|row| (shown(&row.contributor), amount(row)))
            .collect();
        let others = group.rows.len() - rows.len();
        if others > 0 {
            let rest = group.rows[SHOWN..].iter().map(|row| amount(row)).sum();
            rows.push((format!("others ({})", thousands(others as u64)), rest));
        }
        Self { currency: group.currency.into(), rows, total: group.total }
    }

    fn height(&self) -> f64 {
        HEAD + FOOT + ROW * self.rows.len() as f64
    }

    fn draw(&self, svg: &mut String, top: f64) {
        let largest = self.rows.iter().map(|(_, amount)| *amount).fold(0.0, f64::max);
        let step = step(largest);
        let end = step * (largest / step).ceil().max(1.0);
        let names = self.rows.iter().map(|(name, _)| name.width().min(NAME_WIDTH));
        let left = MARGIN + CHARACTER * names.max().unwrap_or_default() as f64 + 12.0;
        let x = |amount: f64| left + (WIDTH - MARGIN - FIGURE - left) * amount / end;
        let (first, bottom) = (top + HEAD, top + HEAD + ROW * self.rows.len() as f64);
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{:.2}\" font-size=\"14\" font-weight=\"600\">{}</text>",
            top + 22.0,
            escape(&self.currency)
        );
        for tick in 0..=(end / step).round() as u32 {
            let amount = step * f64::from(tick);
            let _ = writeln!(
                svg,
                "<line class=\"line\" x1=\"{0:.2}\" x2=\"{0:.2}\" y1=\"{1:.2}\" y2=\"{2:.2}\"/>\
                 <text class=\"faint\" x=\"{0:.2}\" y=\"{3:.2}\" text-anchor=\"middle\">{4}</text>",
                x(amount),
                first - 4.0,
                bottom,
                bottom + 16.0,
                figure(amount)
            );
        }
        for (i, (name, due)) in self.rows.iter().enumerate() {
            let y = first + ROW * i as f64;
            let share = percentage((self.total > 0.0).then(|| due / self.total));
            let _ = writeln!(
                svg,
                "<g><title>{}: {due_text} ({share})</title>\
                 <text x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"bar\" x=\"{left:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{BAR}\"/>\
                 <text class=\"faint\" x=\"{:.2}\" y=\"{:.2}\" font-size=\"10\">{due_text}</text></g>",
                escape(name),
                left - 8.0,
                y + 11.0,
                escape(&cut(name, NAME_WIDTH)),
                x(*due) - left,
                x(*due) + 4.0,
                y + 10.0,
                due_text = figure(*due)
            );
        }
    }
}
