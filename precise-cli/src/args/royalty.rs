//! What may be said of royalties and settlements.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use super::attribute::terminal;
use super::{delimiter, demand_one_standard_input};
use crate::failure::{Failure, Result};
use crate::input::{Format, Input};
use crate::output::same_file;
use crate::royalty::{self, Job};
use crate::settle;

/// Sum what each contributor of data is due for events
///
/// Of an impression's price, a CPM, each contributor is due its weight, and of that the rate:
/// price / 1000 × weight × rate / 1,000,000, exact to 10^-24 of the currency, as precise_royalty
/// sums it in SQL. The same events give the same amounts, whatever their order and the number of
/// cores. Currencies are kept apart. Events of other kinds add nothing. An event that stands twice
/// counts twice: the ledger in PostgreSQL counts each once.
///
/// Events that are refused are not counted, and are kept, with the reason, in an NDJSON file. Exits
/// with 1 if every event is refused; --strict refuses the whole for a single one.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise royalty events.ndjson.gz --rate-ppm 150000
  precise royalty events.parquet --column payload --rate-ppm 150000 --chart royalty.svg
  precise royalty events.ndjson --rate-ppm 150000 --policy 'each(USD)' --csv
  precise royalty hour-*.ndjson --rate-ppm 150000 --state day.state
  precise royalty events.ndjson --rate-ppm 150000 --json > accruals.json")]
pub(crate) struct Royalty {
    /// Files to read, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required = true, value_name = "EVENTS")]
    inputs: Vec<PathBuf>,
    /// The part of a contributor's share that is royalty, in parts per million: 150000 is 15 %
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    rate_ppm: i64,
    /// What weights mean: split (they sum to 1) or each (they need not); with the currency of
    /// events that name none: split(USD)
    #[arg(long, value_name = "POLICY", default_value = "split")]
    policy: String,
    /// How the files are written [default: by their names; standard input is ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The column that holds JSON text, in Parquet or CSV [default: all columns, as a typed row]
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// What separates the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Where to draw bars, as SVG; `-` is standard output
    #[arg(long, visible_alias = "svg", value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Where to write the state of the sums, for --add-state; it is that of precise_royalty in SQL
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Add the sums of an earlier run; may be given several times
    #[arg(long, value_name = "FILE")]
    add_state: Vec<PathBuf>,
    /// Where to write refused events, as they are [default: rejects.ndjson, if there are any]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Stop at the first refused event and write nothing
    #[arg(long)]
    strict: bool,
}

impl Royalty {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let summary = royalty::run(&self.job()?)?;
        // Where a file goes to standard output, the summary does not.
        let taken = self.outputs().any(|(_, path)| path == Path::new("-"));
        let is_terminal =
            if taken { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        let mut to: Box<dyn Write> =
            if taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let printed = if json {
            writeln!(to, "{}", summary.to_json())
        } else if self.csv {
            write!(to, "{}", summary.to_csv())
        } else {
            summary.print(&mut to, is_terminal.then(terminal))
        };
        printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        Ok(if summary.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn outputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let outputs =
            [("--state", &self.state), ("--chart", &self.chart), ("--rejects", &self.rejects)];
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
        for (i, path) in self.add_state.iter().enumerate() {
            if self.add_state[..i].iter().any(|other| same_file(path, other)) {
                return Err(Failure::Usage(format!("{} would be added twice", path.display())));
            }
        }
        let input =
            |path: &PathBuf| Input::new(path, self.format, self.column.as_deref(), self.delimiter);
        Ok(Job {
            inputs: self.inputs.iter().map(input).collect::<Result<_>>()?,
            rate_ppm: self.rate_ppm,
            policy: self.policy.clone(),
            strict: self.strict,
            earlier: self.add_state.clone(),
            state: self.state.clone(),
            chart: self.chart.clone(),
            rejects: self.rejects.clone(),
        })
    }
}

/// Settle what contributors are owed: whole minor units by largest remainder, the rest carried
///
/// Reads what `precise royalty --json` or precise_royalty in SQL gives, in one currency. Each
/// contributor is paid whole minor units; those that rounding down leaves go to the largest
/// remainders, so that the parts sum to what is owed in all, rounded down once. What is not paid is
/// carried: --carried takes the statement of the period before.
///
/// With --period and --key-file there is a statement, whose lines are committed to: --out writes
/// it, its head, a CSV, and for each contributor a file that proves its line and shows no other.
/// The key is the publisher's own, new for each statement; a file that is not there is made. The
/// same again changes nothing.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise settle accruals.json
  precise settle accruals.json --currency JPY --csv
  precise settle october.json --period 2026-10 --key-file october.key --out october
  precise settle november.json --carried october/statement.json --period 2026-11 \\
    --key-file november.key --out november")]
pub(crate) struct Settle {
    /// Files with accruals, which are added up; `-` is standard input
    #[arg(required = true, value_name = "ACCRUALS")]
    accruals: Vec<PathBuf>,
    /// Settle this currency, where there are several
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<String>,
    /// The decimals of the currency's minor unit: 0, 2 or 3; by default those of ISO 4217
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    minor_digits: Option<i64>,
    /// Add what an earlier statement carried; may be given several times
    #[arg(long, value_name = "STATEMENT")]
    carried: Vec<PathBuf>,
    /// Make a statement for this month, in UTC: 2026-11
    #[arg(long, value_name = "MONTH", requires = "key_file")]
    period: Option<String>,
    /// The key of the statement: a file of 64 hex digits, made if it is not there
    #[arg(long, value_name = "FILE", requires = "period")]
    key_file: Option<PathBuf>,
    /// Write the statement and each contributor's line to this directory
    #[arg(long, value_name = "DIRECTORY", requires = "period")]
    out: Option<PathBuf>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl Settle {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        demand_one_standard_input(&self.accruals)?;
        for (i, path) in self.accruals.iter().enumerate() {
            if self.accruals[..i].iter().any(|other| same_file(path, other)) {
                return Err(Failure::Usage(format!("{} would be settled twice", path.display())));
            }
        }
        let settled = settle::run(&settle::Job {
            accruals: self.accruals.clone(),
            carried: self.carried.clone(),
            currency: self.currency.clone(),
            minor_digits: self.minor_digits,
            period: self.period.clone().zip(self.key_file.clone()),
            out: self.out.clone(),
        })?;
        let mut to = io::stdout();
        let printed = if json {
            writeln!(to, "{}", settled.to_json())
        } else if self.csv {
            write!(to, "{}", settled.to_csv())
        } else {
            settled.print(&mut to)
        };
        printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        Ok(ExitCode::SUCCESS)
    }
}
