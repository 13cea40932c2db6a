//! What may be said of the log.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use precise_core::Hash;
use precise_core::merkle::PART_LIMIT;
use precise_core::row::UtcSecond;
use precise_core::status::Reason;
use precise_log::fsck::Expected;

/// Where a log is, and where what is ours of it.
#[derive(Debug, Parser)]
pub(crate) struct Place {
    /// The log: a directory, or s3://, gs://, az:// and where in there; to read, also https://
    #[arg(long = "log", value_name = "LOG")]
    pub(crate) log: String,
    /// Where key, guard and voids of the log are [default: precise/ORIGIN in $XDG_STATE_HOME]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) state: Option<PathBuf>,
}

/// The log's key, and what opens it.
#[derive(Debug, Parser)]
pub(crate) struct Key {
    /// The file with the log's signing key [default: `key` in the state]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
}

/// What opens an encrypted key. On a terminal a passphrase is asked for.
#[derive(Debug, Parser)]
pub(crate) struct Unlock {
    /// The file with the passphrase of the key, in its first line
    #[arg(long, value_name = "FILE", env = "PRECISE_PASSPHRASE_FILE", hide_env_values = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The file with the age identity (AGE-SECRET-KEY-1…) that the key is encrypted to
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub(crate) identity: Option<PathBuf>,
}

/// Make, show, check, serve and watch logs
#[derive(Debug, Parser)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    Init(LogInit),
    Show(LogShow),
    Fsck(LogFsck),
    Serve(LogServe),
    Monitor(LogMonitor),
}

/// Make an empty log, its key, and the log beside it that says what is void
///
/// Prints the log's verifier key, which goes into verifiers' policies. The signing keys and the
/// guard, which keeps the log from ever being signed with another history, are put into the state,
/// away from the log.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise log init /srv/log --origin example.com/ads
  precise log init s3://bucket/log --origin example.com/ads --passphrase-file pass --policy policy")]
pub(crate) struct LogInit {
    /// Where: a directory, or s3://, gs://, az:// and where in there
    #[arg(value_name = "LOG")]
    pub(crate) log: String,
    /// The log's name, such as example.com/ads: no spaces, no `+`
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: String,
    /// Where key, guard and voids of the log are [default: precise/ORIGIN in $XDG_STATE_HOME]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) state: Option<PathBuf>,
    /// Where to put the signing key; one that is there is used [default: `key` in the state]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Encrypt the keys with the passphrase in this file. On a terminal it is asked for
    #[arg(long, value_name = "FILE", env = "PRECISE_PASSPHRASE_FILE", hide_env_values = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Encrypt the keys to this age recipient (age1…)
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase_file")]
    pub(crate) recipient: Vec<String>,
    /// Write the policy with which receipts of this log are verified
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Show a log's checkpoint, or an entry
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise log show /srv/log
  precise log show https://log.example.com --vkey example.com/ads+…
  precise log show /srv/log --entry 5")]
pub(crate) struct LogShow {
    #[command(flatten)]
    pub(crate) read: Read,
    /// Print this entry, and nothing else
    #[arg(long, value_name = "INDEX")]
    pub(crate) entry: Option<u64>,
}

/// A log that is read, perhaps somebody else's.
#[derive(Debug, Parser)]
pub(crate) struct Read {
    /// The log: a directory, or https://, s3://, gs://, az:// and where in there
    #[arg(value_name = "LOG")]
    pub(crate) log: String,
    /// The log's verifier key, or a file with it [default: the one in the state, if it is ours]
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Option<String>,
    /// Where the state of the log is [default: precise/ORIGIN in $XDG_STATE_HOME]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) state: Option<PathBuf>,
    /// What each entry has to be: `precise` or `any` [default: precise; any with --vkey]
    #[arg(long, value_name = "KIND", value_parser = expected)]
    pub(crate) entries: Option<Expected>,
}

/// Rebuild every tile of a log from its entries, and check its checkpoint
///
/// Names the first object that is wrong, and exits with 1. The log may be anybody's. Of a log of
/// ours, its status log is checked as well; of another's, name it by itself: LOG/status.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise log fsck /srv/log
  precise log fsck https://log.example.com --vkey example.com/ads+…")]
pub(crate) struct LogFsck {
    #[command(flatten)]
    pub(crate) read: Read,
}

/// Serve a log's files over HTTP, to read
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  precise log serve /srv/log --listen 127.0.0.1:8080")]
pub(crate) struct LogServe {
    /// The log: a directory, or s3://, gs://, az:// and where in there
    #[arg(value_name = "LOG")]
    pub(crate) log: String,
    /// Where to listen; port 0 is any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

/// Follow a log and check that it only grows
///
/// Keeps the last checkpoint it saw in a file, and proves each new one consistent with it. A log
/// that forked or was rolled back ends it with 1, and both checkpoints are kept as evidence.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise log monitor https://log.example.com --vkey example.com/ads+… --seen ads.checkpoint
  precise log monitor /srv/log --seen ads.checkpoint --follow 1m")]
pub(crate) struct LogMonitor {
    #[command(flatten)]
    pub(crate) read: Read,
    /// The file that keeps the last checkpoint that was verified
    #[arg(long, value_name = "FILE")]
    pub(crate) seen: PathBuf,
    /// Look again every so often, until interrupted
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) follow: Option<Duration>,
}

/// Take batches to a log
///
/// Each file is a batch of its own, and each Parquet file of a directory; a set above the part
/// limit is cut. A PostgreSQL database with pg_precise gives the batches that were closed there.
/// Rows without a hash are in no batch, and are counted. A file that is no batch is named, and does
/// not keep the others out. What is in the log already is not added again, so the command can be
/// run again after anything. The leaves of each batch are kept, so that receipts can be made later.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise commit proofs.parquet --log /srv/log
  precise commit /var/spool/proofs --log s3://bucket/log --label events
  precise commit proofs.parquet --log /srv/log --receipts receipts.parquet
  precise commit postgresql://committer@db/ads --log /srv/log")]
pub(crate) struct Commit {
    /// Parquet files with a column of proof hashes, directories of them, CSV archives, or
    /// postgresql://…
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) key: Key,
    /// Go on with a log that this state has not seen: on a new machine, once you are sure of it
    #[arg(long)]
    pub(crate) adopt: bool,
    /// The publisher's own name for the source, in the entries of files; it is public
    #[arg(long, value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
    /// All files are one set of proofs
    #[arg(long)]
    pub(crate) together: bool,
    /// The proofs are blinded. What precise mint writes tells so itself; files without its column
    /// `size` do not
    #[arg(long)]
    pub(crate) blinded: bool,
    /// The column of proof hashes: 32 bytes each, or in CSV 0x…, \x… or prf_…
    #[arg(long, value_name = "COLUMN", default_value = crate::proofs::HASH_COLUMN)]
    pub(crate) column: String,
    /// Proofs per batch at most; larger sets are cut by leading bits
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT,
        value_parser = super::part_limit)]
    pub(crate) part_limit: usize,
    /// Where the leaves of batches are kept [default: `batches` in the state]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) store: Option<PathBuf>,
    /// Write the receipts of all proofs of these files, as Parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
}

/// Take batches to a log as they are closed, until told to stop
///
/// Ends after the commit in hand on Ctrl-C or SIGTERM, and at once on a second.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  precise committer --config /etc/precise/committer.toml")]
pub(crate) struct Committer {
    /// The configuration, as TOML; docs/log.md describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

/// Make the receipt of a proof: all that its record's holder needs to verify it
///
/// Where a proof is in several batches, it is made of the one that was committed first.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise receipt --log /srv/log --proof prf_… -o receipt.json
  precise receipt --log /srv/log --proof prf_… --batch proofs.parquet > receipt.json")]
pub(crate) struct Receipt {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The log's verifier key, or a file with it [default: the one in the state]
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Option<String>,
    /// The proof: prf_… or 0x…
    #[arg(long, value_name = "PROOF", value_parser = super::proof_hash)]
    pub(crate) proof: Hash,
    /// The files of the batch, if its leaves were not kept
    #[arg(long, value_name = "PROOFS")]
    pub(crate) batch: Vec<PathBuf>,
    /// The column of proof hashes in these files
    #[arg(long, value_name = "COLUMN", default_value = crate::proofs::HASH_COLUMN)]
    pub(crate) column: String,
    /// Proofs per batch at most, as it was when the batch was made
    #[arg(long, value_name = "COUNT", default_value_t = PART_LIMIT,
        value_parser = super::part_limit)]
    pub(crate) part_limit: usize,
    /// Where the leaves of batches are kept [default: `batches` in the state]
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "batch")]
    pub(crate) store: Option<PathBuf>,
    /// The proof is blinded, where that was not known when its batch was committed
    #[arg(long)]
    pub(crate) blinded: bool,
    /// Where to write the receipt; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

/// Declare proofs void, and publish that
///
/// What is published is a root: who holds a proof can be shown that it is void, and nobody can see
/// which ones are.
#[derive(Debug, Parser)]
#[command(after_help = "Example:
  precise void --log /srv/log --proof prf_… --reason correction")]
pub(crate) struct Void {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// The proof: prf_… or 0x…; may be given more than once
    #[arg(long, value_name = "PROOF", required = true, value_parser = super::proof_hash)]
    pub(crate) proof: Vec<Hash>,
    /// Why
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(crate) reason: Reason,
}

/// Show whether a proof is void: the status receipt that `precise verify --status` reads
///
/// Exits with 0 either way: it proves what it was asked.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  precise status --log /srv/log --proof prf_… > status.json
  precise status --log /srv/log --publish")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// The proof: prf_… or 0x…
    #[arg(long, value_name = "PROOF", required_unless_present = "publish",
        value_parser = super::proof_hash)]
    pub(crate) proof: Option<Hash>,
    /// Publish what is void first, also if nothing changed: checkpoints are believed for a while
    /// only. `precise committer` does it by itself
    #[arg(long)]
    pub(crate) publish: bool,
    /// Where to write the status receipt; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

/// `90s`, `15m`, `24h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a number and s, m, h or d is expected, such as 24h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)
}

/// `2026-11-22T20:00:00Z`.
pub(crate) fn second(text: &str) -> Result<UtcSecond, String> {
    UtcSecond::parse(text).ok_or_else(|| "a time such as 2026-11-22T20:00:00Z is expected".into())
}

fn expected(text: &str) -> Result<Expected, String> {
    match text {
        "any" => Ok(Expected::Any),
        "precise" => Ok(Expected::Precise),
        _ => Err("precise or any is expected".into()),
    }
}

fn reason(text: &str) -> Result<Reason, String> {
    Reason::ALL
        .into_iter()
        .find(|reason| reason.name() == text)
        .ok_or_else(|| "correction, erasure or opt_out is expected".into())
}
