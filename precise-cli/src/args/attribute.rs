//! What may be said of attribution.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use precise_core::attribution::Model;

use super::{delimiter, demand_one_standard_input};
use crate::attribute::{self, Job, Measure, Terminal};
use crate::failure::{Failure, Result};
use crate::fields::Field;
use crate::input::{Format, Input};
use crate::output::same_file;

/// Credit cohorts with conversions, by one model or several side by side
///
/// A row has a path: what was touched before a conversion, in order, as ["search","social"] or as
/// [{"at":"2026-11-22T20:00:00Z","cohort":"search"}, …]; in Parquet as a list of texts, as a list
/// of structs of those two, or as JSON text. It may say how many journeys took that path and
/// converted (left out: 1), how many did not (left out: 0), and what the conversions were worth
/// together. Prints conversions by cohort and model, with six digits, and on a terminal bars. Exact
/// figures, in units of 10^-12 conversions, are in --json and in --output, as precise_attribution
/// writes them in SQL: the same for the same rows, whatever their order and the number of cores.
/// The largest 20 cohorts are shown one by one; --json and --output have all.
///
/// Models: first, last, linear, position (40-20-40), time_decay(SECONDS) with the half-life,
/// shapley, markov(1) to markov(3).
///
/// Rows that are refused are not counted, and are kept, with the reason, in an NDJSON file. Exits
/// with 1 if every row is refused; --strict refuses the whole for a single one.
#[derive(Debug, Parser)]
#[allow(clippy::doc_link_with_quotes, reason = "it is JSON, and shown as it stands")]
#[command(after_help = "Examples:
  precise attribute paths.ndjson.gz
  precise attribute paths.parquet --model linear --model 'markov(1)' --chart credit.svg
  precise attribute orders.ndjson --chart revenue.svg --chart-by value
  precise attribute journeys.csv --path touches --conversions count --value revenue
  precise attribute paths.ndjson --model 'time_decay(86400)' --json
  cat paths/*.ndjson | precise attribute - -o credits.ndjson")]
pub(crate) struct Attribute {
    /// Files to read, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// How the files are written [default: by their names; standard input is ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The column that holds JSON text, in Parquet or CSV [default: each field is a column]
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// What separates the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// A model; may be given several times [default: first, last, linear, position,
    /// time_decay(604800) if all paths have times, shapley, markov(1)]
    #[arg(long = "model", value_name = "MODEL", value_parser = model)]
    models: Vec<Model>,
    /// The field with the path: a name, or names joined by dots, such as `journey.touches`. Columns
    /// are named in lower case
    #[arg(long, value_name = "FIELD", default_value = "path")]
    path: String,
    /// The field with how many journeys took the path and converted [default: conversions]
    #[arg(long, value_name = "FIELD")]
    conversions: Option<String>,
    /// The field with how many took it and did not convert [default: nulls]
    #[arg(long, value_name = "FIELD")]
    nulls: Option<String>,
    /// The field with what the row's conversions were worth together, a number or a text of one
    /// with at most 9 decimals [default: value]
    #[arg(long, value_name = "FIELD")]
    value: Option<String>,
    /// Where to write the credits, a JSON object a line; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to draw them, as SVG; `-` is standard output
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// What bars are of, in the chart and on a terminal
    #[arg(long, value_enum, value_name = "MEASURE", default_value_t)]
    chart_by: Measure,
    /// Where to write refused rows, as they are [default: OUTPUT with .rejects.ndjson, if there are
    /// any; rejects.ndjson without OUTPUT]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Stop at the first refused row and write nothing
    #[arg(long)]
    strict: bool,
}

impl Attribute {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let summary = attribute::run(&self.job()?)?;
        // Where a file goes to standard output, the summary does not.
        let taken = self.outputs().any(|(_, path)| path == Path::new("-"));
        let is_terminal =
            if taken { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        let mut to: Box<dyn Write> =
            if taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let printed = if json {
            writeln!(to, "{}", summary.to_json())
        } else {
            summary.print(&mut to, is_terminal.then(terminal))
        };
        printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        Ok(if summary.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn outputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let outputs =
            [("--output", &self.output), ("--chart", &self.chart), ("--rejects", &self.rejects)];
        outputs.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)))
    }

    fn job(&self) -> Result<Job> {
        demand_one_standard_input(&self.inputs)?;
        for (i, (name, path)) in self.outputs().enumerate() {
            if let Some((other, _)) =
                self.outputs().take(i).find(|(_, other)| same_file(path, other))
            {
                return Err(Failure::Usage(format!("{other} and {name} are the same file")));
            }
        }
        for (i, model) in self.models.iter().enumerate() {
            if self.models[..i].contains(model) {
                return Err(Failure::Usage(format!("--model {model} is given twice")));
            }
        }
        let field = |option: &str, path: &str| {
            Field::parse(path).map_err(|error| Failure::Usage(format!("{option} {path}: {error}")))
        };
        let (conversions, nulls, value) = (&self.conversions, &self.nulls, &self.value);
        let or = |given: &Option<String>, default: &str| given.clone().unwrap_or(default.into());
        let fields = [
            field("--path", &self.path)?,
            field("--conversions", &or(conversions, "conversions"))?,
            field("--nulls", &or(nulls, "nulls"))?,
            field("--value", &or(value, "value"))?,
        ];
        let columns: Vec<String> = fields.iter().map(|field| field.column().to_owned()).collect();
        let input = |path: &PathBuf| {
            let input = Input::new(path, self.format, self.column.as_deref(), self.delimiter)?;
            Ok(input.of_columns(columns.clone(), 1))
        };
        Ok(Job {
            inputs: self.inputs.iter().map(input).collect::<Result<_>>()?,
            named: [false, conversions.is_some(), nulls.is_some(), value.is_some()],
            fields,
            models: self.models.clone(),
            strict: self.strict,
            output: self.output.clone(),
            chart: self.chart.clone(),
            chart_by: self.chart_by,
            rejects: self.rejects.clone(),
        })
    }
}

/// What standard output shows.
pub(super) fn terminal() -> Terminal {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let columns = set("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let width = columns.or_else(|| Some(terminal_size::terminal_size()?.0.0.into()));
    let colours = set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb");
    Terminal { width: width.unwrap_or(80), colours }
}

fn model(text: &str) -> std::result::Result<Model, String> {
    Model::parse(text).map_err(|error| format!("{} {error}. {}", error.code(), error.hint()))
}
