//! What the daemon is told in its configuration.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::commit::MAX_ENTRIES;
use crate::error::{Error, Result};

/// A configuration, in TOML. What it does not know, it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the log is: a folder or a URL.
    pub log: String,
    /// The log's signing key. Left out: `key` in the state's folder.
    pub key: Option<PathBuf>,
    /// The file with the passphrase of the key.
    pub passphrase_file: Option<PathBuf>,
    /// The file with the age identity that opens the key.
    pub identity_file: Option<PathBuf>,
    /// The folder with what this machine knows of the log. Left out: the user's own.
    pub state: Option<PathBuf>,
    /// When batches are committed.
    #[serde(default)]
    pub batch: Batch,
    /// How often the status log says what is void.
    #[serde(default)]
    pub status: Status,
    /// Where metrics and health are served.
    #[serde(default)]
    pub listen: Listen,
    /// Where batches wait.
    #[serde(rename = "source")]
    pub sources: Vec<SourceConfig>,
}

/// When batches are committed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// As soon as so many wait; no more are held at once.
    #[serde(deserialize_with = "max_entries")]
    pub max_entries: usize,
    /// Or as soon as one has waited for so long.
    #[serde(deserialize_with = "duration")]
    pub max_age: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        // A commit is some ten writes, of milliseconds each: five commits a second at most leave
        // most of the time idle, and who waits for a receipt hardly waits for this.
        Self { max_entries: 10_000, max_age: Duration::from_millis(200) }
    }
}

/// How often the status log says what is void.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Status {
    /// Also when nothing has changed.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
}

impl Default for Status {
    fn default() -> Self {
        Self { interval: Duration::from_hours(1) }
    }
}

/// Where metrics and health are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// An address of this machine, and a port.
    #[serde(deserialize_with = "address")]
    pub address: SocketAddr,
    /// The log or a source that fails for longer is no longer healthy.
    #[serde(deserialize_with = "duration")]
    pub tolerance: Duration,
}

impl Default for Listen {
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9464));
        Self { address, tolerance: Duration::from_mins(1) }
    }
}

/// Where batches wait.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SourceConfig {
    /// A folder into which files of proofs are moved.
    Files(FilesConfig),
    /// A database with the extension: a URL, or keywords as libpq has them.
    Postgres(String),
}

/// A folder into which files of proofs are moved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// The folder.
    pub folder: PathBuf,
    /// The publisher's own name for the source, in the entries.
    pub label: Option<String>,
    /// The column of proof hashes. Left out: `proof_hash`.
    pub column: Option<String>,
}

/// Without the address, which may have a password in it.
impl fmt::Debug for SourceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => files.fmt(f),
            Self::Postgres(_) => f.write_str("Postgres"),
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// Errors say in which line and at which key.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |why: &dyn fmt::Display| {
            Error::failed(format_args!("read the configuration {}", path.display()), why)
        };
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::parse(&text).map_err(|why| failed(&why))
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| place(text, &error))?;
        if config.sources.is_empty() {
            return Err("source is empty; [[source]] says where batches wait".into());
        }
        if config.passphrase_file.is_some() && config.identity_file.is_some() {
            return Err("passphrase_file and identity_file are two ways to open one key".into());
        }
        Ok(config)
    }
}

/// What is wrong, behind its line and key.
fn place(text: &str, error: &toml::de::Error) -> String {
    let mut message = error.message().replace('\n', ", ");
    // It would show a text that stands in the wrong place, and that may have a password in it.
    if message.starts_with("invalid type: string")
        && let Some((_, expected)) = message.rsplit_once("\", expected ")
    {
        message = format!("invalid type: string, expected {expected}");
    }
    let Some(span) = error.span().filter(|span| span.start <= text.len()) else {
        return message;
    };
    let number = text[..span.start].matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    match line.split_once('=').map(|(key, _)| key.trim()).filter(|key| !key.is_empty()) {
        // What lacks something is a whole table, whose first line says nothing of it.
        Some(key) if !message.starts_with("missing field") => {
            format!("line {number}, {key}: {message}")
        }
        _ => format!("line {number}: {message}"),
    }
}

/// A whole number and a unit.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong =
        || D::Error::custom(format!("{text:?} is no time such as 200ms, 5s, 10m, 1h or 1d"));
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong()),
    };
    // Beyond a year it is a mistake, and clocks have limits.
    let milliseconds = number.checked_mul(unit).filter(|time| *time <= 365 * 24 * 60 * 60 * 1000);
    milliseconds.filter(|time| *time > 0).map(Duration::from_millis).ok_or_else(wrong)
}

fn max_entries<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<usize, D::Error> {
    let number = usize::deserialize(deserializer)?;
    if (1..=MAX_ENTRIES).contains(&number) {
        return Ok(number);
    }
    Err(D::Error::custom(format!("{number} is not between 1 and {MAX_ENTRIES}")))
}

fn address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!("{text:?} is no address with a port, such as 127.0.0.1:9464"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "log = \"/log\"\n[[source]]\npostgres = \"postgresql:///ads\"\n";

    #[test]
    fn what_is_left_out_has_a_default() -> std::result::Result<(), String> {
        let config = Config::parse(LEAST)?;
        assert_eq!(config.log, "/log");
        assert_eq!(config.batch, Batch::default());
        assert_eq!(config.status.interval, Duration::from_hours(1));
        assert!(config.listen.address.ip().is_loopback());
        assert_eq!(config.sources, [SourceConfig::Postgres("postgresql:///ads".into())]);
        let all = "log = \"s3://bucket/log\"\nkey = \"/k\"\npassphrase_file = \"/p\"\n\
             state = \"/s\"\n[batch]\nmax_entries = 7\nmax_age = \"1500ms\"\n[status]\n\
             interval = \"2h\"\n[listen]\naddress = \"[::1]:0\"\ntolerance = \"5m\"\n\
             [[source]]\npostgres = \"a\"\n\
             [[source]]\nfiles = { folder = \"/spool\", label = \"b\" }\n";
        let config = Config::parse(all)?;
        assert_eq!(config.batch, Batch { max_entries: 7, max_age: Duration::from_millis(1500) });
        assert_eq!(config.status.interval, Duration::from_hours(2));
        assert_eq!(config.listen.tolerance, Duration::from_mins(5));
        let (folder, label) = ("/spool".into(), Some("b".into()));
        let files = SourceConfig::Files(FilesConfig { folder, label, column: None });
        assert_eq!(config.sources, [SourceConfig::Postgres("a".into()), files]);
        Ok(())
    }

    #[test]
    fn a_fault_has_its_line_and_its_key() {
        let with = |more: &str| format!("log = \"/log\"\n{more}\n[[source]]\npostgres = \"x\"\n");
        for (text, place) in [
            (with("logs = 1"), "line 2, logs: unknown field"),
            (with("[batch]\nage = 1"), "line 3, age: unknown field"),
            (LEAST.replace("log = \"/log\"", ""), "line 1: missing field `log`"),
            ("log = \"/log\"\n".into(), "line 1: missing field `source`"),
            ("log = \"/log\"\nsource = []\n".into(), "source is empty"),
            (with("log = \"/log\""), "line 2, log: duplicate key"),
            (with("[batch]\nmax_age = \"soon\""), "line 3, max_age: \"soon\" is no time"),
            (with("[batch]\nmax_age = \"5\""), "line 3, max_age: \"5\" is no time"),
            (with("[batch]\nmax_age = \"0s\""), "line 3, max_age: \"0s\" is no time"),
            (with("[batch]\nmax_age = \"-1s\""), "line 3, max_age: \"-1s\" is no time"),
            (with("[batch]\nmax_age = \"9999999999999999999s\""), "line 3, max_age: "),
            (with("[batch]\nmax_age = \"367d\""), "line 3, max_age: \"367d\" is no time"),
            (with("[batch]\nmax_age = 5"), "line 3, max_age: invalid type"),
            (with("[batch]\nmax_entries = 0"), "line 3, max_entries: 0 is not between"),
            (with("[batch]\nmax_entries = -1"), "line 3, max_entries: "),
            (with("[batch]\nmax_entries = 65537"), "line 3, max_entries: 65537 is not between"),
            (with("[status]\ninterval = \"1w\""), "line 3, interval: \"1w\" is no time"),
            (with("[listen]\naddress = \"localhost\""), "line 3, address: \"localhost\" is no"),
            (with("[listen]\naddress = \":9464\""), "line 3, address: \":9464\" is no address"),
            (with("[[source]]\nmysql = \"x\""), "line 3, mysql: unknown variant"),
            (with("[[source]]\nfiles = { label = \"x\" }"), "line 3: missing field `folder`"),
            (with("[[source]]\nfiles = { folder = \"x\", to = 1 }"), "line 3, files: unknown"),
            (with("passphrase_file = \"/p\"\nidentity_file = \"/i\""), "passphrase_file and"),
            (with("batch = "), "line 2, batch: "),
            ("\u{0}".into(), "line 1: "),
        ] {
            let error = Config::parse(&text).err().unwrap_or_default();
            assert!(error.starts_with(place), "{text}\n{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let misplaced = "log = \"/log\"\nsource = \"postgresql://ann:secret@db/ads\"\n";
        let error = Config::parse(misplaced).err().unwrap_or_default();
        assert!(error.starts_with("line 2, source: invalid type: string, expected"), "{error}");
        let missing = Config::read(Path::new("/nowhere/precise.toml")).err();
        let missing = missing.map(|error| error.to_string()).unwrap_or_default();
        assert!(missing.starts_with("cannot read the configuration /nowhere/precise.toml: "));
    }
}
