//! The command line: what may be said, and the help that says so.

mod attribute;
mod cohorts;
mod log;
mod reconcile;
mod royalty;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Parser, Subcommand};
use precise_core::field::FieldPath;
use precise_core::merkle::PART_LIMIT;
use precise_core::proof::Blind;
use precise_core::row::UtcSecond;
use precise_core::{Hash, hex, proof};

pub(crate) use self::attribute::Attribute;
pub(crate) use self::cohorts::{Audience, Cohorts};
pub(crate) use self::log::{
    Commit, Committer, Key, Log, LogCommand, LogFsck, LogInit, LogMonitor, LogServe, LogShow,
    Place, Read, Receipt, Status, Unlock, Void,
};
pub(crate) use self::reconcile::Reconcile;
pub(crate) use self::royalty::{Royalty, Settle};
use crate::failure::{Failure, Result};
use crate::input::{Format, Input};
use crate::mint::{self, Blinding, Job};
use crate::output::same_file;

/// Proofs of data: mint them, batch them, verify them.
#[derive(Debug, Parser)]
#[command(
    name = "precise",
    version,
    propagate_version = true,
    after_help = "\
Exit codes: 0 done, or the verdict is yes; 1 the data is refused, or the verdict is no; \
2 wrong usage, or a file cannot be read or written; 130 interrupted (what serves or follows a log \
    ends with 0).

Examples:
  precise demo
  precise mint events.ndjson.gz -o proofs.parquet
  precise log init log --origin example.com/ads --policy policy
  precise commit proofs.parquet --log log
  precise receipt --log log --proof prf_… > receipt.json
  precise verify --record event.json --receipt receipt.json --policy policy"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print results as JSON, and what goes wrong in a run
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Canonical(Canonical),
    Mint(Mint),
    Audience(Audience),
    Cohorts(Cohorts),
    Attribute(Attribute),
    Royalty(Royalty),
    Settle(Settle),
    Reconcile(Reconcile),
    Root(Root),
    Prove(Prove),
    Proof(Proof),
    Log(Log),
    Commit(Commit),
    Committer(Committer),
    Receipt(Receipt),
    Verify(Verify),
    Void(Void),
    Status(Status),
    Functions(Functions),
    Sql(Sql),
    Sample(Sample),
    Demo(Demo),
}

/// Print a record's canonical form: exactly the bytes that are hashed, with no newline
#[derive(Debug, Parser)]
#[command(after_help = "Example, giving the proof hash with no tool of ours:\n  \
    precise canonical event.json | b3sum")]
pub(crate) struct Canonical {
    /// A file that holds one JSON document; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The file holds a typed row as cells: [[name, type, value], …]
    #[arg(long)]
    pub(crate) cells: bool,
}

/// Mint a proof for every record of some files
///
/// Writes a Parquet file with the columns row, proof_hash, proof_id and size. Rows that are refused
/// are kept, with the reason, in an NDJSON file beside it. Ends with counts and one batch root per
/// part. `row` counts from 0 over all inputs, refused rows included, blank lines not. Exits with 1
/// if every row is refused; --strict refuses the whole for a single one.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise mint events.ndjson.gz -o proofs.parquet
  precise mint win_log.csv.gz -o proofs.parquet --rejects rejects.ndjson
  precise mint orders.parquet -o proofs.parquet
  precise mint events.parquet --column payload -o proofs.parquet --with-record
  zcat logs/*.gz | precise mint - -o proofs.parquet
  precise mint orders.ndjson --secret-file secret.hex --record-id order.id -o proofs.parquet")]
pub(crate) struct Mint {
    /// Files to read, in order; `-` is standard input. Names that end in .gz or .zst are unpacked
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// How the files are written [default: by their names; standard input is ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The column that holds JSON text, in Parquet or CSV [default: all columns, as a typed row]
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// What separates the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Blind each record with this secret: a file of 64 hex digits (openssl rand -hex 32)
    #[arg(long, value_name = "FILE", requires = "record_id")]
    secret_file: Option<PathBuf>,
    /// The field of each record that holds its id: a member's name, or names joined by dots, such
    /// as `order.id`. Columns of CSV are named in lower case
    #[arg(long, value_name = "FIELD", requires = "secret_file")]
    record_id: Option<String>,
    /// Where to write the proofs; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Where to write refused rows, as they are, also when blinding [default: OUTPUT with
    /// .rejects.ndjson, if there are any; rejects.ndjson where OUTPUT is a stream]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Add a column `record` with each record's canonical form
    #[arg(long)]
    with_record: bool,
    /// Stop at the first refused row and write nothing
    #[arg(long)]
    strict: bool,
    /// Proofs per batch at most; larger sets are cut by leading bits
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT, value_parser = part_limit)]
    part_limit: usize,
}

impl Mint {
    pub(crate) fn run(&self, json: bool) -> Result<ExitCode> {
        let summary = mint::run(&self.job()?)?;
        // Where proofs or rejects go to standard output, the summary does not.
        let stdout = Path::new("-");
        let taken = self.output == stdout || self.rejects.as_deref() == Some(stdout);
        let mut to: Box<dyn Write> =
            if taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let printed =
            if json { writeln!(to, "{}", summary.to_json()) } else { summary.print(&mut to) };
        printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        let none = summary.records > 0 && summary.minted == 0;
        Ok(if none { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn job(&self) -> Result<Job> {
        let input =
            |path: &PathBuf| Input::new(path, self.format, self.column.as_deref(), self.delimiter);
        demand_one_standard_input(&self.inputs)?;
        let blinding = match (&self.secret_file, &self.record_id) {
            (Some(file), Some(field)) => Some(Blinding {
                secret: read_secret(file)?,
                record_id: FieldPath::parse(field)
                    .map_err(|error| Failure::Usage(format!("--record-id {field}: {error}")))?,
            }),
            _ => None,
        };
        if self.rejects.as_ref().is_some_and(|rejects| same_file(rejects, &self.output)) {
            return Err(Failure::Usage("--output and --rejects are the same file".into()));
        }
        Ok(Job {
            inputs: self.inputs.iter().map(input).collect::<Result<_>>()?,
            output: self.output.clone(),
            rejects: self.rejects.clone(),
            with_record: self.with_record,
            strict: self.strict,
            blinding,
            part_limit: self.part_limit,
        })
    }
}

fn demand_one_standard_input(inputs: &[PathBuf]) -> Result<()> {
    if inputs.iter().filter(|path| path.as_path() == Path::new("-")).count() > 1 {
        return Err(Failure::Usage("standard input can be read only once".into()));
    }
    Ok(())
}

/// Print the batch root of some proofs, one line per part
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  ROOT=$(precise root proofs.parquet)
  precise root archive.csv.gz --batch 4")]
pub(crate) struct Root {
    /// Files with a column of proof hashes: Parquet, or CSV as PostgreSQL's archive is
    #[arg(required = true, value_name = "PROOFS")]
    pub(crate) proofs: Vec<PathBuf>,
    /// The column of proof hashes: 32 bytes each, or in CSV 0x…, \x… or prf_…
    #[arg(long, value_name = "COLUMN", default_value = crate::proofs::HASH_COLUMN)]
    pub(crate) column: String,
    /// Only the proofs of this batch, by the column batch_id of CSV
    #[arg(long, value_name = "ID")]
    pub(crate) batch: Option<String>,
    /// Proofs per batch at most; larger sets are cut by leading bits
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT, value_parser = part_limit)]
    pub(crate) part_limit: usize,
}

/// Prove that a proof is in a batch, or show the neighbours between which it would be
///
/// Prints the inclusion or absence proof; which one, and the root it holds under, goes to standard
/// error.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise prove proofs.parquet --proof prf_… > inclusion.json
  precise prove archive.csv --batch 4 --proof prf_… > inclusion.json")]
pub(crate) struct Prove {
    /// Files with a column of proof hashes, the whole batch: Parquet, or CSV as PostgreSQL's
    /// archive is
    #[arg(required = true, value_name = "PROOFS")]
    pub(crate) proofs: Vec<PathBuf>,
    /// The proof: prf_… or 0x…
    #[arg(long, value_name = "PROOF", value_parser = proof_hash)]
    pub(crate) proof: Hash,
    /// The column of proof hashes: 32 bytes each, or in CSV 0x…, \x… or prf_…
    #[arg(long, value_name = "COLUMN", default_value = crate::proofs::HASH_COLUMN)]
    pub(crate) column: String,
    /// Only the proofs of this batch, by the column batch_id of CSV
    #[arg(long, value_name = "ID")]
    pub(crate) batch: Option<String>,
    /// Proofs per batch at most, as it was when the batch was made
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT, value_parser = part_limit)]
    pub(crate) part_limit: usize,
}

/// Print the proof document of one record
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise proof event.json > proof.json
  precise proof event.json --secret-file secret.hex --record-id evt-1")]
pub(crate) struct Proof {
    /// A file that holds one JSON document; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The secret of the record's subject: a file of 64 hex digits
    #[arg(long, value_name = "FILE", requires = "record_id")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The record's id
    #[arg(long, value_name = "ID", requires = "secret_file")]
    pub(crate) record_id: Option<String>,
}

/// Verify a record, against a receipt or its proof and its place in a batch; or a statement line
///
/// Needs no network and no database. Prints each step with what it found, and the verdict. A
/// contributor's line of a settlement is verified against the total that the line's head states;
/// with a policy also that the head is the one that was committed to the log.
#[derive(Debug, Parser)]
#[command(group(ArgGroup::new("asked").multiple(true)))]
#[command(after_help = "Examples:
  precise verify --record event.json --receipt receipt.json --policy policy
  precise verify --record event.json --receipt receipt.json --policy policy \\
    --status status.json --max-age 24h --explain
  precise verify --record event.json --proof prf_…
  precise verify --record event.json --inclusion inclusion.json --root 0x…
  sed -n 5p events.ndjson | precise verify --record - --proof proof.json --json
  precise verify --statement-line line.json --policy policy")]
pub(crate) struct Verify {
    /// A file that holds the record, one JSON document; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "statement_line")]
    pub(crate) record: Option<PathBuf>,
    /// A file with a line of a settlement's statement, as the publisher gave it out
    #[arg(long, value_name = "FILE", group = "logged", conflicts_with_all = [
        "record", "receipt", "proof", "inclusion", "absence", "root", "blind_file", "secret_file"])]
    pub(crate) statement_line: Option<PathBuf>,
    /// A file with the record's receipt
    #[arg(long, value_name = "FILE", requires = "trust", group = "logged",
        conflicts_with_all = ["proof", "inclusion", "absence", "root"])]
    pub(crate) receipt: Option<PathBuf>,
    /// A file with the policy: whose keys are trusted
    #[arg(long, value_name = "FILE", requires = "logged", group = "trust")]
    pub(crate) policy: Option<PathBuf>,
    /// The log's verifier key, or a file with it, instead of a policy; also the status log's
    #[arg(
        long,
        value_name = "KEY",
        requires = "logged",
        group = "trust",
        conflicts_with = "policy"
    )]
    pub(crate) vkey: Vec<String>,
    /// The kind that the batch is to be of: records, audience or settlement
    #[arg(long, value_name = "KIND", requires = "receipt",
        value_parser = ["records", "audience", "settlement"])]
    pub(crate) kind: Option<String>,
    /// A file with the proof's status receipt
    #[arg(long, value_name = "FILE", requires = "receipt", group = "asked")]
    pub(crate) status: Option<PathBuf>,
    /// The log whose status log is to say that the proof is not void: its last entry is read, and
    /// the map it is of comes from --status, or from the state if the log is ours
    #[arg(long, value_name = "LOG", requires = "receipt", group = "asked")]
    pub(crate) status_log: Option<String>,
    /// Where the state of that log is [default: precise/ORIGIN in $XDG_STATE_HOME]
    #[arg(long, value_name = "DIRECTORY", requires = "status_log")]
    pub(crate) state: Option<PathBuf>,
    /// How old the status may be
    #[arg(long, value_name = "DURATION", default_value = "24h", requires = "asked",
        value_parser = log::duration)]
    pub(crate) max_age: Duration,
    /// Verify as of this time, such as 2026-11-22T20:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "asked", value_parser = log::second)]
    pub(crate) at: Option<UtcSecond>,
    /// Print what each step computes, so that it can be done again by hand
    #[arg(long, requires = "receipt", conflicts_with = "json")]
    pub(crate) explain: bool,
    /// The proof it is said to have: a file with the proof document, or prf_… or 0x…
    #[arg(long, value_name = "PROOF")]
    pub(crate) proof: Option<String>,
    /// A file with the inclusion proof that `precise prove` printed
    #[arg(long, value_name = "FILE", requires = "root")]
    pub(crate) inclusion: Option<PathBuf>,
    /// A file with an absence proof
    #[arg(long, value_name = "FILE", requires = "root", conflicts_with = "inclusion")]
    pub(crate) absence: Option<PathBuf>,
    /// The batch root
    #[arg(long, value_name = "0x…", value_parser = batch_root)]
    pub(crate) root: Option<Hash>,
    /// The secret of a blinded record: a file of 64 hex digits
    #[arg(long, value_name = "FILE", requires = "record_id")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The id of a blinded record, as it was when it was minted
    #[arg(long, value_name = "ID", requires = "secret_file")]
    pub(crate) record_id: Option<String>,
    /// The blind of a blinded record, as the publisher gave it: a file of 64 hex digits
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    pub(crate) blind_file: Option<PathBuf>,
}

/// List the SQL functions: arguments, results, examples
#[derive(Debug, Parser)]
pub(crate) struct Functions {
    /// Show these functions only
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Run the SQL shell, precise-sql, which stands beside this program or on the path
///
/// All arguments go there; `precise sql --help` tells of them.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Sql {
    /// Arguments of precise-sql
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// Write made-up ad events, the same for the same seed
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  precise sample --events 1000000 -o events.ndjson.zst")]
pub(crate) struct Sample {
    /// How many
    #[arg(long, value_name = "COUNT")]
    pub(crate) events: u64,
    /// Another seed, other events
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to: .ndjson (or `-`, or with .gz or .zst), or .parquet with a column `payload`
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Show the whole way once: sample, mint, commit, prove, verify, settle
#[derive(Debug, Parser)]
pub(crate) struct Demo {
    /// How many events
    #[arg(long, value_name = "COUNT", default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: u64,
    /// Keep the files in this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) keep: Option<PathBuf>,
}

/// The blind that a secret file and a record id give, if they are given.
pub(crate) fn read_blind(file: Option<&Path>, id: Option<&str>) -> Result<Option<Blind>> {
    let (Some(file), Some(id)) = (file, id) else { return Ok(None) };
    let blind = Blind::derive(&read_secret(file)?, id);
    blind.map(Some).map_err(|error| Failure::refused("cannot derive the blind", error))
}

/// Reads a secret: 64 hex digits, in either case, perhaps with 0x before and a line end behind.
pub(crate) fn read_secret(path: &Path) -> Result<[u8; 32]> {
    let text = std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let digits = text.trim_ascii().to_ascii_lowercase();
    hex::parse_digits(digits.strip_prefix(b"0x").unwrap_or(&digits)).ok_or_else(|| {
        Failure::Usage(format!(
            "cannot use {}: PR304 a secret is 64 hex digits; make one with openssl rand -hex 32",
            path.display()
        ))
    })
}

fn proof_hash(text: &str) -> std::result::Result<Hash, String> {
    proof::parse_spelling(text).map_err(|error| format!("{} {error}", error.code()))
}

fn batch_root(text: &str) -> std::result::Result<Hash, String> {
    hex::parse_hash(text).map_err(|error| format!("{} {error}", error.code()))
}

fn delimiter(text: &str) -> std::result::Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("one character is expected, or `tab`".into()),
    }
}

fn part_limit(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(limit @ 1..) => Ok(limit),
        _ => Err("a count from 1 up is expected".into()),
    }
}
