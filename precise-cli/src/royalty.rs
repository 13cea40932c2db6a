//! `precise royalty`: events in, what each contributor is due out (SPEC.md section 10.1).
//!
//! Each worker sums for itself, and the sums are merged in the end: they are integers, so that
//! neither the order of rows nor the number of cores changes them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use precise_core::attribution::contributions::Policy;
use precise_core::proof::Minter;
use precise_core::royalty::{Accrual, Rate, Royalty};
use precise_core::{Code, Error};
use serde_json::json;

use crate::attribute::Terminal;
use crate::failure::{Failure, Result};
use crate::input::{Input, MemberSource};
use crate::output::Output;
use crate::rejects::{Rejected, Rejects, thousands};
use crate::workers::{Done, Task, work_all};

mod chart;
mod table;

/// What to read, and what of it is due.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) rate_ppm: i64,
    pub(crate) policy: String,
    pub(crate) strict: bool,
    /// States of earlier runs, which are added.
    pub(crate) earlier: Vec<PathBuf>,
    /// Where to write the state.
    pub(crate) state: Option<PathBuf>,
    /// Where to draw what is due.
    pub(crate) chart: Option<PathBuf>,
    /// None: where the command runs, if there are any.
    pub(crate) rejects: Option<PathBuf>,
}

/// What came of it.
pub(crate) struct Summary {
    records: u64,
    accepted: u64,
    rejected: Rejected,
    rate_ppm: i64,
    policy: String,
    /// Sorted by currency, then by contributor.
    pub(crate) accruals: Vec<Accrual>,
    state: Option<PathBuf>,
    chart: Option<PathBuf>,
    seconds: f64,
}

/// Reads the events, and sums.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let usage =
        |error: Error| Failure::Usage(format!("{} {error}. {}", error.code(), error.code().hint()));
    let rate = Rate::from_ppm(job.rate_ppm).map_err(usage)?;
    let policy = Policy::parse(&job.policy).map_err(usage)?;
    let mut state = job.state.as_deref().map(Output::create).transpose()?;
    let mut chart = job.chart.as_deref().map(Output::create).transpose()?;
    let outputs: Vec<&Path> = [Path::new("-")]
        .into_iter()
        .chain(job.state.as_deref())
        .chain(job.chart.as_deref())
        .collect();
    let mut rejects = Rejects::create(&job.inputs, &outputs, job.rejects.as_deref())?;
    let mut royalty = Royalty::default();
    for path in &job.earlier {
        let earlier = std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
        royalty.merge(&earlier).map_err(|error| {
            Failure::refused(format!("cannot add the state {}", path.display()), error)
        })?;
    }

    let (mut records, mut accepted) = (0, 0);
    let begin = || Summing { rate, policy: policy.clone(), royalty: Royalty::default() };
    let tasks =
        work_all(&job.inputs, begin, &mut |input, done: Done<precise_core::Result<()>>| {
            let first_row = records;
            records += u64::from(done.rows);
            accepted += done.accepted.len() as u64;
            for reject in done.rejects {
                if job.strict {
                    return Err(reject.into_failure(input, first_row));
                }
                rejects.write(input, first_row, &reject)?;
            }
            done.made.map_err(refused)
        })?;
    for mut task in tasks {
        royalty.merge(&task.royalty.state()).map_err(refused)?;
    }
    let rejected = rejects.finish()?;
    let accruals = royalty.accruals();
    if let (Some(state), Some(path)) = (&mut state, &job.state) {
        state.write_all(&royalty.state()).map_err(|error| Failure::io("write", path, &error))?;
    }
    if let (Some(chart), Some(path)) = (&mut chart, &job.chart) {
        let drawn = chart::draw(&accruals, &caption(records, job.rate_ppm));
        chart.write_all(drawn.as_bytes()).map_err(|error| Failure::io("write", path, &error))?;
    }
    state.map_or(Ok(()), Output::finish)?;
    chart.map_or(Ok(()), Output::finish)?;
    Ok(Summary {
        records,
        accepted,
        rejected,
        rate_ppm: job.rate_ppm,
        policy: job.policy.clone(),
        accruals,
        state: job.state.clone(),
        chart: job.chart.clone(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn refused(error: Error) -> Failure {
    Failure::refused("cannot sum royalties", error)
}

/// What a chart is of, in a line.
fn caption(records: u64, rate_ppm: i64) -> String {
    format!("{} events, {} ppm of each price", thousands(records), thousands(rate_ppm as u64))
}

/// Sums the events that one worker gets.
struct Summing {
    rate: Rate,
    policy: Policy,
    royalty: Royalty,
}

impl Task for Summing {
    /// What makes it impossible to sum anything.
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
        let event = records.canonical(records.len() - 1);
        match self.royalty.push(event, self.rate, &self.policy) {
            // The event is as it should be, and all of them are too much.
            Err(error) if matches!(error.code(), Code::CohortCount | Code::SumSize) => {
                *made = Err(error);
                Ok(())
            }
            pushed => pushed,
        }
    }

    fn settle(&mut self, _: &Minter, _: &mut Self::Made) {}
}

impl Summary {
    /// Whether there were rows, and none of them could be used.
    pub(crate) fn is_empty(&self) -> bool {
        self.records > 0 && self.accepted == 0
    }

    /// One object. The accruals are those of the core, and not printed a second time.
    pub(crate) fn to_json(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let rest = json!({
            "records": self.records,
            "rejected": self.rejected.counts,
            "rejects": self.rejected.file_name(),
            "rate_ppm": self.rate_ppm,
            "policy": self.policy,
            "state": path(&self.state),
            "chart": path(&self.chart),
            "seconds": self.seconds,
        })
        .to_string();
        let accruals: Vec<String> = self.accruals.iter().map(Accrual::to_json).collect();
        // It is an object with members.
        format!("{{\"accruals\":[{}],{}", accruals.join(","), rest.trim_start_matches('{'))
    }

    /// A line for each contributor and currency, below one with the columns' names.
    pub(crate) fn to_csv(&self) -> String {
        let mut csv = String::from("currency,contributor,accrued,events\n");
        for Accrual { accrued, contributor, currency, events } in &self.accruals {
            let contributor = csv_cell(contributor);
            csv.push_str(&format!("{currency},{contributor},{accrued},{events}\n"));
        }
        csv
    }

    /// For people: a line a figure, a table, and on a terminal bars.
    pub(crate) fn print(&self, to: &mut dyn Write, terminal: Option<Terminal>) -> io::Result<()> {
        writeln!(to, "{:>12}  events", thousands(self.records))?;
        self.rejected.print(to)?;
        let rate = thousands(self.rate_ppm as u64);
        writeln!(to, "{rate:>12}  ppm of each price are royalty, by the policy {}", self.policy)?;
        for (path, what) in [(&self.state, "state"), (&self.chart, "chart")] {
            if let Some(path) = path {
                writeln!(to, "{what:>12}  {}", path.display())?;
            }
        }
        if self.accruals.is_empty() {
            return writeln!(to, "  nothing is due: no impression has contributors");
        }
        writeln!(to)?;
        table::print(&self.accruals, to)?;
        if let Some(terminal) = terminal {
            table::print_bars(&self.accruals, terminal, to)?;
        }
        Ok(())
    }
}

/// A cell as RFC 4180 has it: in quotes where it must be.
pub(crate) fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.into()
}
