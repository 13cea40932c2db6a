//! Cohorts by models as a picture: bars in groups, one group a cohort, one bar a model.
//!
//! The file needs nothing beside it, no fonts and no scripts, and follows the reader's choice of
//! light or dark. The same credits give the same text.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::comparison::{Comparison, Measure, figure, percentage};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;

/// Where the legend begins, and how high a line of it is.
const LEGEND_TOP: f64 = 78.0;
const LEGEND_LINE: f64 = 20.0;

/// A bar, and what is free above a group of them.
const BAR: f64 = 11.0;
const GROUP_GAP: f64 = 10.0;

/// What a character of 12 pixels takes on the average, and a little more.
const CHARACTER: f64 = 7.0;

/// Columns of a cohort's name; the whole of a longer one is in its title.
const NAME_WIDTH: usize = 36;

/// What a character of a figure takes, which is of 10 pixels.
const DIGIT: f64 = 6.0;

/// Colours of models, on white and on black: each differs from both by 3 to 1 at least.
const COLOURS: [(&str, &str); 8] = [
    ("#3b6fb6", "#7fb0ee"),
    ("#b5651d", "#eda765"),
    ("#2a8c5a", "#6fd19c"),
    ("#b0407a", "#ee8fbd"),
    ("#6b57a5", "#b3a3ea"),
    ("#1f8a99", "#6fcfdc"),
    ("#8a7a1a", "#d3c25c"),
    ("#7a7a7a", "#a8a8a8"),
];

/// The picture of what models credit; `caption` says what of. What is below 0 has a figure and no
/// bar.
pub(super) fn draw(comparison: &Comparison, measure: Measure, caption: &str) -> String {
    let layout = Layout::of(comparison, measure);
    let mut svg = String::new();
    // A String takes every write.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{h}\" \
         viewBox=\"0 0 {WIDTH} {h}\" role=\"img\" font-size=\"12\" \
         font-family=\"system-ui, sans-serif\">\n\
         <title>Credit per cohort by model</title>\n<desc>{}</desc>",
        escape(caption),
        h = layout.height
    );
    draw_style(&mut svg, comparison);
    let _ = writeln!(
        svg,
        "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <text x=\"{MARGIN}\" y=\"34\" font-size=\"18\" font-weight=\"600\">Credit per cohort by \
         model</text>\n<text class=\"faint\" x=\"{MARGIN}\" y=\"54\">{}</text>",
        escape(caption)
    );
    draw_legend(&mut svg, comparison);
    draw_axis(&mut svg, &layout);
    for (i, row) in comparison.rows.iter().enumerate() {
        draw_group(&mut svg, comparison, &layout, i, &row.name);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where things are.
struct Layout {
    /// Of the plot.
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    height: f64,
    /// A group with the gap above it.
    group: f64,
    /// What bars are of: the distance between two lines, and what the right side stands for.
    measure: Measure,
    step: f64,
    end: f64,
}

impl Layout {
    fn of(comparison: &Comparison, measure: Measure) -> Self {
        let names = comparison.rows.iter().map(|row| row.name.width().min(NAME_WIDTH));
        let name_width = CHARACTER * names.max().unwrap_or_default() as f64;
        let top = LEGEND_TOP + LEGEND_LINE * legend(comparison).1 as f64 + 26.0;
        let group = BAR * comparison.models.len() as f64 + GROUP_GAP;
        let bottom = top + group * comparison.rows.len() as f64 + GROUP_GAP;
        let largest = comparison.largest(measure);
        let step = step(largest);
        // Behind the longest bar its figure has its place.
        let amounts = comparison.rows.iter().flat_map(|row| &row.amounts);
        let figures = amounts.map(|amount| figure(amount.of(measure)).len());
        let figure_width = DIGIT * figures.max().unwrap_or_default() as f64;
        Self {
            left: MARGIN + name_width + 12.0,
            right: WIDTH - MARGIN - figure_width - 4.0,
            top,
            bottom,
            height: bottom + 48.0,
            group,
            measure,
            step,
            end: step * (largest / step).ceil().max(1.0),
        }
    }

    fn x(&self, amount: f64) -> f64 {
        self.left + (self.right - self.left) * amount.max(0.0) / self.end
    }
}

/// 1, 2 or 5 times a power of ten, of which six at most reach `largest`.
pub(crate) fn step(largest: f64) -> f64 {
    if largest <= 0.0 {
        return 1.0;
    }
    let rough = largest / 6.0;
    // The nearest double of each decimal, where to multiply tenths would come near it only.
    let exponent = rough.log10().floor() as i32;
    let power = |digit: u8, exponent: i32| format!("{digit}e{exponent}").parse().unwrap_or(rough);
    let candidates =
        [power(1, exponent), power(2, exponent), power(5, exponent), power(1, exponent + 1)];
    candidates.into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

fn draw_style(svg: &mut String, comparison: &Comparison) {
    let colours = comparison.models.iter().enumerate().map(|(i, _)| COLOURS[i % COLOURS.len()]);
    svg.push_str("<style>\ntext{fill:#1c1c1c}.faint{fill:#595959}.ground{fill:#ffffff}");
    svg.push_str(".line{stroke:#d9d9d9}.edge{stroke:#595959}");
    for (i, (light, _)) in colours.clone().enumerate() {
        let _ = write!(svg, ".m{i}{{fill:{light}}}");
    }
    svg.push_str("\n@media (prefers-color-scheme:dark){text{fill:#ececec}.faint{fill:#ababab}");
    svg.push_str(".ground{fill:#161616}.line{stroke:#3d3d3d}.edge{stroke:#ababab}");
    for (i, (_, dark)) in colours.enumerate() {
        let _ = write!(svg, ".m{i}{{fill:{dark}}}");
    }
    svg.push_str("}\n</style>\n");
}

/// Where each model stands in the legend, and how many lines there are.
fn legend(comparison: &Comparison) -> (Vec<(f64, f64)>, usize) {
    let (mut x, mut line) = (MARGIN, 0_usize);
    let mut places = Vec::new();
    for model in &comparison.models {
        let width = 18.0 + CHARACTER * model.len() as f64 + 16.0;
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, line) = (MARGIN, line + 1);
        }
        places.push((x, LEGEND_TOP + LEGEND_LINE * line as f64));
        x += width;
    }
    (places, line + 1)
}

fn draw_legend(svg: &mut String, comparison: &Comparison) {
    for (i, (model, (x, y))) in comparison.models.iter().zip(legend(comparison).0).enumerate() {
        let _ = writeln!(
            svg,
            "<rect class=\"m{i}\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\"/>\
             <text x=\"{}\" y=\"{y}\">{}</text>",
            y - 10.0,
            x + 18.0,
            escape(model)
        );
    }
}

fn draw_axis(svg: &mut String, layout: &Layout) {
    let Layout { left, right, top, bottom, .. } = *layout;
    let count = (layout.end / layout.step).round() as u32;
    for tick in 0..=count {
        let amount = layout.step * f64::from(tick);
        let (class, x) = (if tick == 0 { "edge" } else { "line" }, layout.x(amount));
        let label = figure(amount);
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{top}\" y2=\"{bottom}\"/>\
             <text class=\"faint\" x=\"{x:.2}\" y=\"{}\" text-anchor=\"middle\">{label}</text>\
             <text class=\"faint\" x=\"{x:.2}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            top - 7.0,
            bottom + 16.0
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"faint\" x=\"{:.2}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        f64::midpoint(left, right),
        bottom + 34.0,
        layout.measure.name()
    );
}

fn draw_group(svg: &mut String, comparison: &Comparison, layout: &Layout, i: usize, name: &str) {
    let top = layout.top + layout.group * i as f64 + GROUP_GAP;
    let bars = layout.group - GROUP_GAP;
    let _ = writeln!(
        svg,
        "<g><title>{}</title>\n<text x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"end\">{}</text>",
        escape(name),
        layout.left - 8.0,
        top + bars / 2.0 + 4.0,
        escape(&super::bars::cut(name, NAME_WIDTH))
    );
    for (model, amount) in comparison.rows[i].amounts.iter().enumerate() {
        let credited = amount.of(layout.measure);
        let (y, x) = (top + BAR * model as f64, layout.x(credited));
        let credited = figure(credited);
        let _ = writeln!(
            svg,
            "<rect class=\"m{model}\" x=\"{:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{}\">\
             <title>{}, {}: {credited} ({})</title></rect>\
             <text class=\"faint\" x=\"{:.2}\" y=\"{:.2}\" font-size=\"10\">{credited}</text>",
            layout.left,
            x - layout.left,
            BAR - 1.0,
            escape(name),
            escape(&comparison.models[model]),
            percentage(comparison.share(layout.measure, model, *amount)),
            x + 4.0,
            y + BAR - 2.0
        );
    }
    svg.push_str("</g>\n");
}

/// A text inside an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        for (largest, expected) in [
            (0.0, 1.0),
            (1.0, 0.2),
            (6.0, 1.0),
            (6.1, 2.0),
            (29.0, 5.0),
            (59.0, 10.0),
            (61.0, 20.0),
            (0.0003, 0.00005),
            (1e15, 2e14),
        ] {
            assert_eq!(step(largest).to_bits(), f64::to_bits(expected), "{largest}");
        }
    }
}
