//! `precise attribute`: paths in, what each model credits each cohort with out (SPEC.md section 9).
//!
//! Each worker sums for itself, and the sums are merged in the end: they are integers, so that
//! neither the order of rows nor the number of cores changes them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use precise_core::attribution::{
    Attribution, Credit, Model, TouchPath, VALUE_DECIMALS, parse_value,
};
use precise_core::decimal;
use precise_core::proof::Minter;
use precise_core::{Code, Error};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::fields::{Field, find, find_plain, json_of};
use crate::input::{Input, MemberSource};
use crate::output::Output;
use crate::rejects::{Rejected, Rejects, thousands};
use crate::workers::{Done, Task, work_all};

pub(crate) mod bars;
mod comparison;
mod paths;
pub(crate) mod svg;
mod table;

use comparison::Comparison;
pub(crate) use comparison::{Measure, figure, percentage};
use paths::{Paths, Tally};

/// The half-life of `time_decay` where none is asked for: a week.
const HALF_LIFE: u32 = 7 * 24 * 60 * 60;

/// The models where none are asked for.
pub(crate) const MODELS: [Model; 7] = [
    Model::First,
    Model::Last,
    Model::Linear,
    Model::Position,
    TIME_DECAY,
    Model::Shapley,
    Model::Markov(1),
];

/// Of these it is left out where a path has no times.
const TIME_DECAY: Model = Model::TimeDecay(HALF_LIFE);

/// What to read, and which models to apply.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) fields: [Field; 4],
    /// Those of the fields that were named, and of which there must be one at least.
    pub(crate) named: [bool; 4],
    /// Empty for all.
    pub(crate) models: Vec<Model>,
    pub(crate) strict: bool,
    /// Where to write each credit as JSON.
    pub(crate) output: Option<PathBuf>,
    /// Where to draw them.
    pub(crate) chart: Option<PathBuf>,
    /// What bars are of.
    pub(crate) chart_by: Measure,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
}

/// What attribution came to.
pub(crate) struct Summary {
    records: u64,
    rejected: Rejected,
    sums: Sums,
    outcomes: Vec<Outcome>,
    /// The model that was left out, since some paths have no times.
    left_out: Option<Model>,
    seconds: f64,
    output: Option<PathBuf>,
    chart: Option<PathBuf>,
    chart_by: Measure,
}

/// One model's.
pub(crate) struct Outcome {
    model: Model,
    credits: Vec<Credit>,
}

/// Sums over all paths.
#[derive(Clone, Copy, Default)]
struct Sums {
    paths: u64,
    /// Paths without times.
    untimed: u64,
    conversions: u128,
    nulls: u128,
    /// In 10^-9; none if no row had one.
    value: Option<i128>,
    /// By field: whether any record had it.
    seen: [bool; 4],
}

impl Sums {
    /// None if a sum leaves 128 bits.
    fn add(&mut self, more: Self) -> Option<()> {
        self.paths += more.paths;
        self.untimed += more.untimed;
        self.conversions = self.conversions.checked_add(more.conversions)?;
        self.nulls = self.nulls.checked_add(more.nulls)?;
        if let Some(value) = more.value {
            self.value = Some(self.value.unwrap_or_default().checked_add(value)?);
        }
        for (seen, more) in self.seen.iter_mut().zip(more.seen) {
            *seen |= more;
        }
        Some(())
    }
}

/// Reads the paths, and credits.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let mut output = job.output.as_deref().map(Output::create).transpose()?;
    let mut chart = job.chart.as_deref().map(Output::create).transpose()?;
    let outputs: Vec<&Path> = match (&job.output, &job.chart) {
        (Some(output), chart) => [output].into_iter().chain(chart).map(PathBuf::as_path).collect(),
        // Rejects are put where the command runs, and not beside a picture.
        (None, chart) => [Path::new("-")].into_iter().chain(chart.as_deref()).collect(),
    };
    let mut rejects = Rejects::create(&job.inputs, &outputs, job.rejects.as_deref())?;
    let mut records = 0;
    let tasks = work_all(&job.inputs, || Crediting::new(job), &mut |input,
                                                                    done: Done<
        precise_core::Result<()>,
    >| {
        let first_row = records;
        records += u64::from(done.rows);
        for reject in done.rejects {
            if job.strict {
                return Err(reject.into_failure(input, first_row));
            }
            rejects.write(input, first_row, &reject)?;
        }
        done.made.map_err(refused)
    })?;
    let rejected = rejects.finish()?;

    let (attributions, sums) = merge(tasks)?;
    let mut fields = job.fields.iter().zip(job.named.iter().zip(sums.seen));
    if let Some((field, _)) = fields.find(|(_, (named, seen))| **named && !seen)
        && sums.paths > 0
    {
        return Err(Failure::Usage(format!("no record has the field {}", field.text())));
    }
    if job.chart_by == Measure::Value && sums.value.is_none() && sums.paths > 0 {
        return Err(Failure::Usage("there is no chart by value: no record has one".into()));
    }
    let left_out = (job.models.is_empty() && sums.untimed > 0).then_some(TIME_DECAY);
    let outcomes = attributions
        .into_iter()
        .filter(|attribution| Some(attribution.model()) != left_out)
        .map(|attribution| {
            let credits = attribution.credits().map_err(refused)?;
            Ok(Outcome { model: attribution.model(), credits })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut summary = Summary {
        records,
        rejected,
        sums,
        outcomes,
        left_out,
        seconds: 0.0,
        output: job.output.clone(),
        chart: job.chart.clone(),
        chart_by: job.chart_by,
    };
    if let (Some(output), Some(path)) = (&mut output, &job.output) {
        summary.write_credits(output).map_err(|error| Failure::io("write", path, &error))?;
    }
    if let (Some(chart), Some(path)) = (&mut chart, &job.chart) {
        let drawn = svg::draw(&summary.comparison(), job.chart_by, &summary.caption());
        chart.write_all(drawn.as_bytes()).map_err(|error| Failure::io("write", path, &error))?;
    }
    output.map_or(Ok(()), Output::finish)?;
    chart.map_or(Ok(()), Output::finish)?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn refused(error: Error) -> Failure {
    Failure::refused("cannot attribute", error)
}

/// The sums of all workers in one.
fn merge(tasks: Vec<Crediting<'_>>) -> Result<(Vec<Attribution>, Sums)> {
    // There is at least one.
    let (mut attributions, mut sums) = <(Vec<Attribution>, Sums)>::default();
    for task in tasks {
        let (others, more) = task.finish().map_err(refused)?;
        if attributions.is_empty() {
            (attributions, sums) = (others, more);
            continue;
        }
        sums.add(more).ok_or_else(|| refused(Code::SumSize.into()))?;
        for (attribution, mut other) in attributions.iter_mut().zip(others) {
            attribution.merge(&other.state()).map_err(refused)?;
        }
    }
    Ok((attributions, sums))
}

/// Credits the paths that one worker gets.
struct Crediting<'j> {
    job: &'j Job,
    /// Whether a path without times is refused.
    times_needed: bool,
    attributions: Vec<Attribution>,
    sums: Sums,
    paths: Paths,
}

impl<'j> Crediting<'j> {
    fn new(job: &'j Job) -> Self {
        let models = if job.models.is_empty() { &MODELS[..] } else { &job.models };
        let is_decay = |model: &Model| matches!(model, Model::TimeDecay(_));
        Self {
            job,
            times_needed: job.models.iter().any(is_decay),
            attributions: models.iter().map(|model| Attribution::new(*model)).collect(),
            sums: Sums::default(),
            paths: Paths::default(),
        }
    }

    /// Reads a record by the values of its fields, and adds it. What is `made` is what makes it
    /// impossible to attribute anything.
    fn add(
        &mut self,
        found: [Option<&[u8]>; 4],
        made: &mut precise_core::Result<()>,
    ) -> precise_core::Result<()> {
        let [path_field, conversions_field, nulls_field, value_field] = &self.job.fields;
        let [path, conversions, nulls, value] = found;
        let Some(json) = path.filter(|json| *json != b"null") else {
            let error = Error::new(Code::TouchPath).because("the record has none");
            return Err(path_field.locate(error));
        };
        let json = json_of(json);
        let path = self.paths.find(&json).map_err(|error| path_field.locate(error))?;
        if path.untimed && self.times_needed {
            let error = Error::new(Code::TouchPath).because("time_decay needs touches with times");
            return Err(path_field.locate(error));
        }
        let value = value
            .map(|value| read_value(value).map_err(|error| value_field.locate(error)))
            .transpose()?;
        let row = Tally {
            conversions: count(conversions_field, conversions)?.unwrap_or(1),
            nulls: count(nulls_field, nulls)?.unwrap_or(0),
            value,
        };
        if made.is_err() {
            return Ok(());
        }
        let sums = Sums {
            paths: 1,
            untimed: path.untimed.into(),
            conversions: row.conversions.into(),
            nulls: row.nulls.into(),
            value,
            seen: found.map(|value| value.is_some()),
        };
        *made = self.sums.add(sums).ok_or_else(|| Code::SumSize.into()).and_then(|()| {
            let credit = crediting(&mut self.attributions, self.sums.untimed > 0);
            self.paths.add(&path, &json, row, credit)
        });
        Ok(())
    }

    /// What this worker has summed.
    fn finish(mut self) -> precise_core::Result<(Vec<Attribution>, Sums)> {
        self.paths.settle_all(crediting(&mut self.attributions, self.sums.untimed > 0))?;
        Ok((self.attributions, self.sums))
    }
}

/// Adds a path to every model. What fails here is too large as a whole.
fn crediting(
    attributions: &mut [Attribution],
    has_untimed: bool,
) -> impl FnMut(&TouchPath, Tally) -> precise_core::Result<()> {
    move |path, tally| {
        let conversions = i64::try_from(tally.conversions).map_err(|_| Code::Counts)?;
        let nulls = i64::try_from(tally.nulls).map_err(|_| Code::Counts)?;
        for attribution in &mut *attributions {
            // Where it was not asked for it is left out from the first path without times on.
            if matches!(attribution.model(), Model::TimeDecay(_)) && has_untimed {
                continue;
            }
            attribution.push(path, conversions, nulls, tally.value)?;
        }
        Ok(())
    }
}

impl Task for Crediting<'_> {
    /// What makes it impossible to attribute anything.
    type Made = precise_core::Result<()>;

    fn begin(&self) -> Self::Made {
        Ok(())
    }

    fn take(
        &mut self,
        records: &Minter,
        _: MemberSource,
        made: &mut Self::Made,
    ) -> precise_core::Result<()> {
        self.add(find(&self.job.fields, records.canonical(records.len() - 1)), made)
    }

    fn take_plain(&mut self, line: &[u8], made: &mut Self::Made) -> bool {
        // What is at fault in a line is told of as of any other record. A path is there and is a
        // JSON text if it can be added.
        find_plain(&self.job.fields, line).is_some_and(|found| self.add(found, made).is_ok())
    }

    fn settle(&mut self, _: &Minter, _: &mut Self::Made) {}
}

/// The text of a number or a string.
///
/// Error: `code` for null, and for the empty text that CSV has in its place. In SQL such a row is
/// passed over; here it is told of, and not counted either.
fn scalar(value: &[u8], code: Code) -> precise_core::Result<&str> {
    // A canonical form is UTF-8.
    let text = str::from_utf8(value).unwrap_or_default();
    let characters = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match characters.unwrap_or(text) {
        "" | "null" => Err(Error::new(code).because("it is null or empty: 0 stands for nothing")),
        text => Ok(text),
    }
}

/// What conversions were worth, as JSON spells numbers or as SQL does, in 10^-9.
fn read_value(value: &[u8]) -> precise_core::Result<i128> {
    let text = scalar(value, Code::ConversionValue)?;
    if value.first() == Some(&b'"') || !text.contains(['e', 'E']) {
        return parse_value(text);
    }
    let value = decimal::parse(text, VALUE_DECIMALS).map_err(|unfit| {
        let detail = format!("{}, in {text}", unfit.detail());
        Error::new(Code::ConversionValue).because(detail)
    })?;
    let mut plain = Vec::new();
    decimal::append(value, VALUE_DECIMALS, &mut plain);
    parse_value(&String::from_utf8_lossy(&plain))
}

/// A count, if it is there.
fn count(field: &Field, value: Option<&[u8]>) -> precise_core::Result<Option<u64>> {
    let Some(value) = value else { return Ok(None) };
    let text = scalar(value, Code::Counts).map_err(|error| field.locate(error))?;
    let count = text.parse().ok().filter(|count| i64::try_from(*count).is_ok());
    let is_spelled = text.bytes().all(|byte| byte.is_ascii_digit());
    count.filter(|_| is_spelled).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        let detail = format!("{shown} is no whole number from 0 up");
        field.locate(Error::new(Code::Counts).because(detail))
    })
}

impl Summary {
    /// Whether there were rows, and none of them could be used.
    pub(crate) fn is_empty(&self) -> bool {
        self.records > 0 && self.sums.paths == 0
    }

    /// Each credit, exact, as the SQL function writes it.
    fn credits(&self) -> impl Iterator<Item = String> {
        self.outcomes
            .iter()
            .flat_map(|outcome| outcome.credits.iter().map(|credit| credit.to_json(outcome.model)))
    }

    fn write_credits(&self, to: &mut impl Write) -> io::Result<()> {
        let mut text = String::new();
        for credit in self.credits() {
            text.push_str(&credit);
            text.push('\n');
        }
        to.write_all(text.as_bytes())
    }

    /// One object. The credits are those of the core, and not printed a second time.
    pub(crate) fn to_json(&self) -> String {
        let sums = &self.sums;
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let models: Vec<String> =
            self.outcomes.iter().map(|outcome| outcome.model.name()).collect();
        let summary = json!({
            "records": self.records,
            "rejected": self.rejected.counts,
            "rejects": self.rejected.file_name(),
            "paths": sums.paths,
            "untimed": sums.untimed,
            "conversions": sums.conversions.to_string(),
            "nulls": sums.nulls.to_string(),
            "value": sums.value.map(value_text),
            "models": models,
            "left_out": self.left_out.map(Model::name),
            "output": path(&self.output),
            "chart": path(&self.chart),
            "seconds": self.seconds,
        });
        let credits: Vec<String> = self.credits().collect();
        let rest = summary.to_string();
        // It is an object with members.
        format!("{{\"credits\":[{}],{}", credits.join(","), rest.trim_start_matches('{'))
    }

    /// For people: a line a figure, a table, and on a terminal bars.
    pub(crate) fn print(&self, to: &mut dyn Write, terminal: Option<Terminal>) -> io::Result<()> {
        writeln!(to, "{:>12}  records", thousands(self.records))?;
        self.rejected.print(to)?;
        let sums = &self.sums;
        writeln!(to, "{:>12}  paths", thousands(sums.paths))?;
        writeln!(to, "{:>12}  conversions", comparison::figure(sums.conversions as f64))?;
        writeln!(
            to,
            "{:>12}  journeys that did not convert",
            comparison::figure(sums.nulls as f64)
        )?;
        if let Some(value) = sums.value {
            writeln!(to, "{:>12}  value of conversions", value_text(value))?;
        }
        if let Some(model) = self.left_out {
            let untimed = thousands(sums.untimed);
            writeln!(to, "{untimed:>12}  paths without times: {model} is left out")?;
        }
        for (path, what) in [(&self.output, "credits"), (&self.chart, "chart")] {
            if let Some(path) = path {
                writeln!(to, "{what:>12}  {}", path.display())?;
            }
        }
        let comparison = self.comparison();
        if comparison.rows.is_empty() {
            return writeln!(to, "  no credit: there is no path");
        }
        let width = terminal.map(|terminal| terminal.width);
        writeln!(to, "\nConversions by cohort and model, and their share:\n")?;
        table::print(&comparison, Measure::Conversions, width, to)?;
        if sums.value.is_some() {
            writeln!(to, "\nValue by cohort and model:\n")?;
            table::print(&comparison, Measure::Value, width, to)?;
        }
        if let Some(terminal) = terminal {
            writeln!(to)?;
            bars::print(&comparison, self.chart_by, terminal, to)?;
        }
        Ok(())
    }

    fn comparison(&self) -> Comparison {
        Comparison::of(&self.outcomes)
    }

    /// What a chart is of, in a line.
    fn caption(&self) -> String {
        let conversions = comparison::figure(self.sums.conversions as f64);
        let worth = match (self.chart_by, self.sums.value) {
            (Measure::Value, Some(value)) => format!(" worth {}", value_text(value)),
            _ => String::new(),
        };
        format!("{conversions} conversions{worth} on {} paths", thousands(self.sums.paths))
    }
}

/// A terminal on which bars can be drawn.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) width: usize,
    pub(crate) colours: bool,
}

/// A value in 10^-9, exact.
fn value_text(value: i128) -> String {
    let units = value.unsigned_abs();
    let text = format!("{}.{:09}", units / 1_000_000_000, units % 1_000_000_000);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}
