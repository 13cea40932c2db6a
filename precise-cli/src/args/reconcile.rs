//! What may be said of a reconciliation.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use super::{delimiter, demand_one_standard_input};
use crate::failure::{Failure, Result};
use crate::fields::Field;
use crate::input::{Format, Input};
use crate::reconcile::win::{CLEARING, COST, CURRENCY, DEMANDED, FEE, KEY, REDUCTION};
use crate::reconcile::{self, Job};

/// Reconcile a bidder's win log, by itself and with events
///
/// The log is a CSV with the columns of Beeswax's win log, or NDJSON or Parquet with fields of
/// those names; a separator behind a backslash is part of its cell. A row is reconciled if
/// win_cost_micros is clearing_price_micros. It is explained if a rate that it names leads from one
/// to the other, exactly or to the whole micro that the log keeps: win cost = clearing price × (1 +
/// beeswax_fee_rate_micros), or clearing price = win cost × (1 − bid_reduction_rate_micros), rates
/// being millionths of a per cent. Every other row is listed with its figures. An id that stands
/// twice counts once.
///
/// With --events each impression is looked up by its id, and its price, a CPM, is compared with the
/// row's: the clearing price, or the win cost.
///
/// Exits with 0 if every row is reconciled or explained and every event has its row at its price,
/// else with 1. Rows that are refused are kept, with the reason, in an NDJSON file.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise reconcile win_log.csv.gz
  precise reconcile win_log.csv.gz --events events.ndjson.gz
  precise reconcile wins/*.csv.gz --events events.parquet --column payload --event-id dsp.auction
  precise reconcile win_log.csv --json | jq '.findings[]'")]
pub(crate) struct Reconcile {
    /// Win logs, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required = true, value_name = "WIN_LOG")]
    logs: Vec<PathBuf>,
    /// How the logs are written [default: by their names]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What separates the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// The log's field with the id
    #[arg(long, value_name = "FIELD", default_value = KEY)]
    id: String,
    /// The log's field with the clearing price, in micros
    #[arg(long, value_name = "FIELD", default_value = CLEARING)]
    clearing_price: String,
    /// The log's field with the win cost, in micros
    #[arg(long, value_name = "FIELD", default_value = COST)]
    win_cost: String,
    /// Files with events: NDJSON, JSON, CSV or Parquet, by their names
    #[arg(long, value_name = "EVENTS", num_args = 1..)]
    events: Vec<PathBuf>,
    /// The events' column that holds JSON text, in Parquet or CSV [default: each field is a column]
    #[arg(long, value_name = "COLUMN", requires = "events")]
    column: Option<String>,
    /// The events' field with the id of the log: a name, or names joined by dots
    #[arg(long, value_name = "FIELD", default_value = KEY, requires = "events")]
    event_id: String,
    /// The events' field with the price, a CPM
    #[arg(
        long,
        value_name = "FIELD",
        default_value = "metadata.clearing_price",
        requires = "events"
    )]
    event_price: String,
    /// The events' field with the currency
    #[arg(long, value_name = "FIELD", default_value = "metadata.currency", requires = "events")]
    event_currency: String,
    /// Where to write refused rows, as they are [default: rejects.ndjson, if there are any]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Stop at the first refused row
    #[arg(long)]
    strict: bool,
}

impl Reconcile {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let summary = reconcile::run(&self.job()?)?;
        let taken = self.rejects.as_deref() == Some(Path::new("-"));
        let mut to: Box<dyn Write> =
            if taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let printed =
            if json { writeln!(to, "{}", summary.to_json()) } else { summary.print(&mut to) };
        printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        Ok(if summary.agrees() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn job(&self) -> Result<Job> {
        let inputs: Vec<PathBuf> = self.logs.iter().chain(&self.events).cloned().collect();
        demand_one_standard_input(&inputs)?;
        let field = |option: &str, path: &str| {
            Field::parse(path).map_err(|error| Failure::Usage(format!("{option} {path}: {error}")))
        };
        let log_fields = [
            field("--id", &self.id)?,
            field("--clearing-price", &self.clearing_price)?,
            field("--win-cost", &self.win_cost)?,
            field("", FEE)?,
            field("", REDUCTION)?,
            field("", CURRENCY)?,
        ];
        let event_fields = [
            field("--event-id", &self.event_id)?,
            field("--event-price", &self.event_price)?,
            field("--event-currency", &self.event_currency)?,
            field("", "event_type")?,
        ];
        let log_columns = columns(&log_fields);
        let log = |path: &PathBuf| {
            let input = Input::new(path, self.format, None, self.delimiter)?;
            Ok(input.of_columns(log_columns.clone(), DEMANDED).with_backslashes())
        };
        let event_columns = columns(&event_fields);
        let events = |path: &PathBuf| {
            let input = Input::new(path, None, self.column.as_deref(), b',')?;
            // An id and a price.
            Ok(input.of_columns(event_columns.clone(), 2))
        };
        Ok(Job {
            logs: self.logs.iter().map(log).collect::<Result<_>>()?,
            events: self.events.iter().map(events).collect::<Result<_>>()?,
            log_fields,
            event_fields,
            strict: self.strict,
            rejects: self.rejects.clone(),
        })
    }
}

fn columns(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.column().to_owned()).collect()
}
