//! The command line: what may be said, and the help that says so.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum};

/// A SQL shell on DataFusion, with the functions of Precise
///
/// Runs what -c and -f give, in the order given, and stops at the first statement that fails.
/// Without either it reads standard input, or prompts if that is a terminal.
///
/// A path in quotes stands for a table: FROM 'events.parquet'. It may be a file, a directory ('d/')
/// or a pattern ('d/*.parquet'), of Parquet, CSV, TSV, NDJSON, JSON or Arrow; CSV and JSON also
/// with .gz, .bz2, .xz or .zst behind.
///
/// Queries only read. Two statements write files: COPY … TO 'file' replaces that file once all is
/// written, and COPY … TO 'd/' adds files; INSERT INTO a table of CREATE EXTERNAL TABLE adds files
/// to its directory, also some if it fails. Large sorts, joins and groups may spill to temporary
/// files, which are removed.
#[derive(Debug, Parser)]
#[command(
    name = "precise-sql",
    version,
    after_help = "\
In tables, CSV and JSON alike, bytes are 0x and hex digits. NULL is NULL in a table, an empty cell \
in CSV (an empty text is \"\" there), and null in JSON. Row counts and times go to standard error, \
if it is a terminal.

Settings: SET datafusion.execution.target_partitions = 8, for all of them SHOW ALL; also from the \
environment, as DATAFUSION_EXECUTION_TARGET_PARTITIONS=8.

Exit codes: 0 done; 1 a statement or its data is refused; 2 wrong usage, or a file cannot be read \
or written; 130 interrupted.

Examples:
  precise-sql
  precise-sql -c \"SELECT precise_mint_proof(payload) FROM 'events.parquet' LIMIT 5\"
  precise-sql --json -c \"SELECT precise_merkle_root(proof_hash) FROM 'proofs.parquet'\"
  precise-sql -f setup.sql -c 'SELECT * FROM report' --format csv > report.csv
  precise-sql --memory-limit 4G -c \"COPY (SELECT DISTINCT payload FROM 'logs/*.ndjson.gz')
    TO 'distinct.parquet'\"
  echo 'SHOW TABLES' | precise-sql
  precise-sql -c '\\df precise_mint_proof'"
)]
pub(crate) struct Args {
    /// Run these statements, separated by semicolons; may be given again
    #[arg(short, long, value_name = "SQL", allow_hyphen_values = true)]
    command: Vec<String>,
    /// Run the statements of this file; `-` is standard input; may be given again
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// How results are printed [default: table, or ndjson with --json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print errors as JSON, and results as NDJSON unless --format says otherwise
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out the line of column names, in tables and CSV
    #[arg(long)]
    pub(crate) no_header: bool,
    /// Print results only: no greeting, row counts or times
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Threads to work with, and partitions to cut queries into [default: one per processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Memory that sorts, joins and groups may use, such as 512M or 4G; what does not fit is
    /// spilled to disk, or refused [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory_limit: Option<usize>,
    /// How the limit is shared: greedy, first come first served; or fair, in equal parts among what
    /// can spill
    #[arg(
        long,
        value_enum,
        value_name = "POOL",
        default_value = "greedy",
        requires = "memory_limit"
    )]
    pub(crate) memory_pool: Pool,
    /// What to run, in the order of the command line.
    #[arg(skip)]
    pub(crate) sources: Vec<Source>,
}

/// Where statements come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Command(String),
    File(PathBuf),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Cells in quotes where they need them
    Csv,
    /// An array of objects per statement
    Json,
    /// An object per line
    Ndjson,
}

/// How the memory limit is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pool {
    Greedy,
    Fair,
}

impl Args {
    /// Reads the command line, or ends the program with an explanation.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        Self::from_arg_matches(&matches).and_then(|args| args.ordered(&matches)).unwrap_or_else(
            |error| {
                // Wrong usage, like any that the parser finds itself.
                error.format(&mut Self::command()).exit()
            },
        )
    }

    /// Notes in which order -c and -f were given, which the derived fields do not tell.
    fn ordered(mut self, matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let indices = |name| matches.indices_of(name).into_iter().flatten();
        let commands = self.command.drain(..).map(Source::Command);
        let mut sources: Vec<(usize, Source)> = indices("command").zip(commands).collect();
        sources.extend(indices("file").zip(self.file.drain(..).map(Source::File)));
        sources.sort_by_key(|(index, _)| *index);
        self.sources = sources.into_iter().map(|(_, source)| source).collect();
        let is_stdin = |source: &&Source| matches!(source, Source::File(p) if p == Path::new("-"));
        if self.sources.iter().filter(is_stdin).count() > 1 {
            return Err(clap::Error::raw(
                clap::error::ErrorKind::ArgumentConflict,
                "standard input can be read only once",
            ));
        }
        Ok(self)
    }

    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or(if self.json { Format::Ndjson } else { Format::Table })
    }
}

/// A count of bytes: `4G`, `512M`, `65536`.
fn size(text: &str) -> std::result::Result<usize, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((end, letter)) if letter.is_ascii_alphabetic() => (&text[..end], letter),
        _ => (text, 'B'),
    };
    let shift = match unit.to_ascii_uppercase() {
        'B' => 0,
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return Err("the units are K, M, G and T".into()),
    };
    let bytes = digits.parse().ok().and_then(|count: usize| count.checked_mul(1 << shift));
    match bytes {
        Some(bytes @ 1..) => Ok(bytes),
        _ => Err("a size such as 512M or 4G is expected".into()),
    }
}
