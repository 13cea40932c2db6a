//! What may be said of cohorts and audiences.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use precise_core::cohort;
use precise_core::field::FieldPath;
use precise_core::merkle::PART_LIMIT;
use precise_core::ruleset::Ruleset;

use super::{delimiter, demand_one_standard_input, part_limit};
use crate::audience::{self, Label};
use crate::cohorts;
use crate::failure::{Failure, Result};
use crate::fields::Field;
use crate::input::{AudienceColumns, Format, Input, open_file};
use crate::output::same_file;

/// How records are read, each of which is somebody's.
#[derive(Debug, Parser)]
struct Records {
    /// How the files are written [default: by their names; standard input is ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The column that holds JSON text, in Parquet or CSV [default: audience_data if there is such
    /// a column, else payload, else all columns, as a typed row]
    #[arg(long, value_name = "COLUMN", conflicts_with = "row")]
    column: Option<String>,
    /// All columns are the record, as a typed row, also where one is called audience_data or
    /// payload
    #[arg(long)]
    row: bool,
    /// What separates the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// What says whose a record is: a column beside it, in Parquet or CSV, else a field of it, a
    /// name or names joined by dots, such as `user.household`. Columns of CSV that are the record
    /// are named in lower case
    #[arg(long, value_name = "FIELD", default_value = cohort::MEMBER_FIELD)]
    member: String,
}

impl Records {
    fn of(&self, paths: &[PathBuf]) -> Result<Vec<Input>> {
        demand_one_standard_input(paths)?;
        let columns = AudienceColumns {
            records: if self.row { &[] } else { &["audience_data", "payload"] },
            member: self.member.clone(),
        };
        let input = |path: &PathBuf| {
            let input = Input::new(path, self.format, self.column.as_deref(), self.delimiter)?;
            Ok(input.for_audience(columns.clone()))
        };
        paths.iter().map(input).collect()
    }

    /// Reads an option that names a field.
    fn field<T>(
        option: &str,
        path: &str,
        parse: impl FnOnce(&str) -> precise_core::Result<T>,
    ) -> Result<T> {
        parse(path).map_err(|error| Failure::Usage(format!("{option} {path}: {error}")))
    }
}

/// Prove an audience: its records, and the cohorts in it that are large enough to be named
///
/// Prints the proof id and the cohorts, as precise.mint_audience_proof does in PostgreSQL for the
/// same rows. A rule set says which cohorts a record is in, or without one the record's
/// `cohort_id`; its member field says whose it is: a string or a number, and where there is none
/// the record counts as a member of its own. Rows that are refused are not in the audience, and are
/// kept, with the reason, in an NDJSON file. Exits with 1 if no cohort may be named. An audience of
/// blinded proofs cannot be computed here, since the blinds are in the database.
///
/// With --label the audience is a release. It is compared with every earlier one under the label,
/// and refused (PR506, exit code 1) if fewer than k members have come, gone or changed cohorts,
/// since whoever has both would learn about those few. The same audience again is no change. Of
/// members only keyed hashes are kept, 32 bytes each, in the label's state, which has the key.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise audience signals.ndjson
  precise audience signals.csv --k 50 -o audience.json
  precise audience signals.parquet --column payload --member household_id
  precise audience signals.ndjson --rules rules.json --label renters -o audience.json
  precise audience signals.ndjson --label renters --state /srv/precise/renters")]
pub(crate) struct Audience {
    /// Files to read, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    records: Records,
    /// A file with the rule set that says which cohorts a record is in [default: its `cohort_id`]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The members a cohort must have to be named
    #[arg(long, value_name = "COUNT", default_value_t = cohort::K, value_parser = k)]
    k: u64,
    /// The name under which the audience is released: it is compared with what was released under
    /// it before
    #[arg(long, value_name = "NAME", value_parser = label)]
    label: Option<String>,
    /// Where what is kept of the label's releases is, in a folder of the label's own
    /// [default: precise/audience%20LABEL in $XDG_STATE_HOME]
    #[arg(long, value_name = "DIRECTORY", requires = "label")]
    state: Option<PathBuf>,
    /// Where to write the audience document, whose proof the id names; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to write refused rows, as they are [default: OUTPUT with .rejects.ndjson, if there are
    /// any; rejects.ndjson without OUTPUT]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Proofs per batch at most; PostgreSQL cuts as the default does
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT, value_parser = part_limit)]
    part_limit: usize,
}

impl Audience {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let summary = audience::run(&self.job()?)?;
        let outputs = [&self.output, &self.rejects];
        print(
            outputs,
            |to| {
                if json { writeln!(to, "{}", summary.to_json()) } else { summary.print(to) }
            },
        )
    }

    fn job(&self) -> Result<audience::Job> {
        demand_two_files(self.output.as_deref(), self.rejects.as_deref())?;
        let label = self.label.as_ref();
        Ok(audience::Job {
            inputs: self.records.of(&self.inputs)?,
            k: self.k,
            ruleset: self.rules.as_deref().map(read_ruleset).transpose()?.map(Arc::new),
            member: Records::field("--member", &self.records.member, FieldPath::parse)?,
            label: label.map(|name| Label { name: name.clone(), state: self.state.clone() }),
            output: self.output.clone(),
            rejects: self.rejects.clone(),
            part_limit: self.part_limit,
        })
    }
}

/// Say which cohorts of a rule set records are in, how large they are, and how they did
///
/// Prints each cohort with the number of its members, counted once each; those with fewer than k
/// are one row. With --output, says of each record which cohorts it is in. With --performance, says
/// how each cohort did by the records' facts, as precise_cohort_performance does in SQL: rates with
/// their intervals at 95 %, and how many users they are of. One record is one user; if two records
/// with facts name the same member, that is refused. Without a holdout it is observational: it does
/// not say what the ads caused.
///
/// Cells of CSV are texts, also those that look like numbers: a rule such as gte 0.6 is true of
/// none of them. Use NDJSON or Parquet where rules compare numbers.
///
/// Rows that are refused are not counted, and are kept, with the reason, in an NDJSON file. Exits
/// with 1 if every row is refused. A signal or a field that no record has is named on standard
/// error.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise cohorts --rules rules.json --check
  precise cohorts signals.ndjson --rules rules.json
  precise cohorts signals.parquet --rules rules.json --member household_id -o members.parquet
  precise cohorts users.ndjson --rules rules.json --performance --json")]
pub(crate) struct Cohorts {
    /// Files to read, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required_unless_present = "check", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    records: Records,
    /// A file with the rule set
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Only check the rule set, and print its hash, its version and how many cohorts it has
    #[arg(long)]
    check: bool,
    /// The members a cohort must have to be shown by itself
    #[arg(long, value_name = "COUNT", default_value_t = cohorts::K, value_parser = k)]
    k: u64,
    /// Show how cohorts did
    #[arg(long)]
    performance: bool,
    /// The field with the facts about a user, an object or a text of one
    #[arg(long, value_name = "FIELD", default_value = "facts", requires = "performance")]
    facts: String,
    /// Where to write the cohorts of each record: .parquet, .ndjson, or `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to write refused rows, as they are [default: OUTPUT with .rejects.ndjson, if there are
    /// any; rejects.ndjson without OUTPUT]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

impl Cohorts {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let ruleset = read_ruleset(&self.rules)?;
        if self.check {
            // What is given is there, even where it is not read.
            for input in self.inputs.iter().filter(|input| input.as_path() != Path::new("-")) {
                open_file(input)?;
            }
            return print([&None, &None], |to| cohorts::print_checked(&ruleset, json, to));
        }
        let summary = cohorts::run(&self.job(ruleset)?)?;
        if !json {
            summary.warn();
        }
        let outputs = [&self.output, &self.rejects];
        print(outputs, |to| {
            if json { writeln!(to, "{}", summary.to_json()) } else { summary.print(to) }
        })?;
        Ok(if summary.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn job(&self, ruleset: Ruleset) -> Result<cohorts::Job> {
        demand_two_files(self.output.as_deref(), self.rejects.as_deref())?;
        let fields = [
            Records::field("--member", &self.records.member, Field::parse)?,
            Records::field("--facts", &self.facts, Field::parse)?,
        ];
        Ok(cohorts::Job {
            inputs: self.records.of(&self.inputs)?,
            ruleset,
            k: self.k,
            fields,
            performance: self.performance,
            output: self.output.clone(),
            rejects: self.rejects.clone(),
        })
    }
}

/// Prints a summary to standard output, or where one of the files goes there to standard error.
fn print(
    outputs: [&Option<PathBuf>; 2],
    print: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<ExitCode> {
    let taken = outputs.iter().any(|path| path.as_deref() == Some(Path::new("-")));
    let mut to: Box<dyn Write> =
        if taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    print(&mut to).map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}

fn demand_two_files(output: Option<&Path>, rejects: Option<&Path>) -> Result<()> {
    match (output, rejects) {
        (Some(output), Some(rejects)) if same_file(rejects, output) => {
            Err(Failure::Usage("--output and --rejects are the same file".into()))
        }
        _ => Ok(()),
    }
}

fn read_ruleset(path: &Path) -> Result<Ruleset> {
    let json = std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    Ruleset::parse(&json).map_err(|error| {
        Failure::refused(format!("cannot use the rule set {}", path.display()), error)
    })
}

fn k(text: &str) -> std::result::Result<u64, String> {
    match text.parse() {
        Ok(k @ cohort::MIN_K..) => Ok(k),
        _ => Err("a count from 2 up is expected: a cohort of one would name its member".into()),
    }
}

/// Bytes of the longest label. With each as `%XX` it is still the name of a folder.
const LABEL_LEN: usize = 64;

fn label(text: &str) -> std::result::Result<String, String> {
    if text.is_empty() || text.len() > LABEL_LEN || text.chars().any(char::is_control) {
        return Err("1 to 64 bytes are expected, and no control character".into());
    }
    Ok(text.into())
}
