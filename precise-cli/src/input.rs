//! Files in, pieces of rows out: every format is cut into pieces that are minted side by side.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use clap::ValueEnum;
use flate2::read::MultiGzDecoder;
use precise_core::row::Columns;
use precise_core::{Code, Error};

use crate::failure::{Failure, Result};

mod backslash;
mod columns;
mod csv;
mod lines;

/// How rows are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON document a line
    Ndjson,
    /// One JSON document, one record
    Json,
    /// A header and lines of text cells
    Csv,
    /// The typed columns of a Parquet file, or with --column one of JSON text
    Parquet,
    /// One row as cells a line: [[name, type, value], …]
    Cells,
}

/// The longest text of one record: 6 × 16 MiB, since an escape such as `\u0041` takes 6 bytes for
/// one of the canonical form.
pub(crate) const MAX_RECORD_LEN: usize = 6 * precise_core::canonical::MAX_LEN;

/// Text read at a time.
const PIECE_LEN: usize = 1 << 20;

/// How much of a record that is longer than [`MAX_RECORD_LEN`] is shown among the rejects.
const SHOWN_LEN: usize = 1 << 16;

/// How many of a file's columns a complaint names.
const SHOWN_COLUMNS: usize = 40;

/// Rows in order, some of which may be refused already.
pub(crate) enum Piece {
    /// Typed columns.
    Columns(RecordBatch),
    /// Lines of JSON text, the last one with or without its end.
    Lines(Vec<u8>),
    /// Rows that were cut by their reader.
    Rows(Rows),
}

/// Rows one behind the other.
#[derive(Default)]
pub(crate) struct Rows {
    /// The rows as they stand in the file.
    pub(crate) raw: Vec<u8>,
    pub(crate) list: Vec<Row>,
    /// The cells of all rows, if they are rows of cells and not JSON texts.
    pub(crate) cells: Option<Cells>,
    /// Whose each row is, if a column beside the record says so.
    members: Option<Vec<Option<String>>>,
}

/// One row.
pub(crate) struct Row {
    /// Where `raw` has it.
    pub(crate) raw: Range<usize>,
    /// Why it is refused before it is minted.
    pub(crate) fault: Option<Error>,
}

/// What says whose a record is.
pub(crate) enum MemberSource {
    /// A column beside it, where it names a member.
    Column(Option<String>),
    /// The record itself.
    Record,
}

/// Text cells of rows.
pub(crate) struct Cells {
    pub(crate) columns: Arc<Columns>,
    pub(crate) text: Vec<u8>,
    /// Where each cell ends in `text`.
    pub(crate) ends: Vec<usize>,
    /// Where each row's cells end in `ends`.
    pub(crate) row_ends: Vec<usize>,
}

impl Cells {
    /// The cells of row `i`.
    pub(crate) fn of(&self, i: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let start = if i == 0 { 0 } else { self.row_ends[i - 1] };
        (start..self.row_ends[i]).map(move |cell| {
            let text_start = if cell == 0 { 0 } else { self.ends[cell - 1] };
            &self.text[text_start..self.ends[cell]]
        })
    }
}

impl Rows {
    fn push(&mut self, raw: &[u8], fault: Option<Error>) {
        let start = self.raw.len();
        self.raw.extend_from_slice(raw);
        self.list.push(Row { raw: start..self.raw.len(), fault });
    }

    /// What says whose row `i` is. It is handed out.
    pub(crate) fn take_member(&mut self, i: usize) -> MemberSource {
        match &mut self.members {
            None => MemberSource::Record,
            Some(members) => MemberSource::Column(members[i].take()),
        }
    }

    fn is_full(&self) -> bool {
        // A row may be as short as one byte.
        self.raw.len() >= PIECE_LEN || self.list.len() >= PIECE_LEN / 16
    }
}

/// The refusal of a record that is too long to be read, whatever it holds.
fn too_long(len: u64) -> Error {
    Error::new(Code::InputSize).at_path("$".into()).because(format!("{len} bytes"))
}

/// A file, or standard input.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    /// The column of JSON text.
    column: Option<String>,
    /// What separates the cells of CSV.
    delimiter: u8,
    /// What an audience looks for among the columns.
    audience: Option<AudienceColumns>,
    /// The columns that are read of rows, in lower case. None for all.
    columns: Option<Vec<String>>,
    /// How many of them, from the first on, must be there.
    demanded: usize,
    /// In CSV, a separator behind a backslash is part of its cell.
    backslashes: bool,
}

/// Columns that count for an audience where a file has them.
#[derive(Clone, Debug)]
pub(crate) struct AudienceColumns {
    /// Where no column is named, the first of these holds JSON text.
    pub(crate) records: &'static [&'static str],
    /// Beside a column of JSON text, this one says whose the record is.
    pub(crate) member: String,
}

impl Input {
    /// Settles the format.
    pub(crate) fn new(
        path: &Path,
        format: Option<Format>,
        column: Option<&str>,
        delimiter: u8,
    ) -> Result<Self> {
        let usage = |message: &str| Failure::Usage(format!("{}: {message}", path.display()));
        let Some(format) = format.or_else(|| format_of(path)) else {
            return Err(usage("cannot tell the format from the name; pass --format"));
        };
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        let packed = matches!(extension.as_deref().and_then(OsStr::to_str), Some("gz" | "zst"));
        if format == Format::Parquet && packed {
            return Err(usage("Parquet is compressed inside; unpack the file"));
        }
        match (format, column) {
            (Format::Ndjson | Format::Json | Format::Cells, Some(_)) => {
                Err(usage("--column is for CSV and Parquet; a JSON file has no columns"))
            }
            (Format::Parquet, _) if path == Path::new("-") => {
                Err(usage("Parquet cannot be read from standard input, since its end comes first"))
            }
            _ => {
                let (path, column) = (path.into(), column.map(Into::into));
                Ok(Self {
                    path,
                    format,
                    column,
                    delimiter,
                    audience: None,
                    columns: None,
                    demanded: 0,
                    backslashes: false,
                })
            }
        }
    }

    /// The same, read for an audience.
    pub(crate) fn for_audience(self, columns: AudienceColumns) -> Self {
        Self { audience: Some(columns), ..self }
    }

    /// The same, of which rows have these columns only. As many as are `demanded`, from the first
    /// on, must be there.
    pub(crate) fn of_columns(self, columns: Vec<String>, demanded: usize) -> Self {
        Self { columns: Some(columns), demanded, ..self }
    }

    /// The same, with backslashes before separators that separate nothing, as bidders' logs have
    /// them.
    pub(crate) fn with_backslashes(self) -> Self {
        Self { backslashes: true, ..self }
    }

    /// Whether rows have this column.
    fn has_column(&self, name: &str) -> bool {
        let folded = name.to_ascii_lowercase();
        self.columns.as_ref().is_none_or(|columns| columns.contains(&folded))
    }

    /// Refuses a file of rows without a column that must be there.
    fn demand_columns(&self, names: &[String]) -> Result<()> {
        let is_there = |column: &str| names.iter().any(|name| name.to_ascii_lowercase() == column);
        let mut demanded = self.columns.iter().flatten().take(self.demanded);
        match demanded.find(|column| !is_there(column)) {
            None => Ok(()),
            Some(missing) => Err(self.no_column(missing, names)),
        }
    }

    fn no_column(&self, name: &str, names: &[String]) -> Failure {
        let path = self.path.display();
        let shown = names.iter().take(SHOWN_COLUMNS).map(String::as_str);
        let shown: Vec<&str> = shown.collect();
        let others = match names.len() - shown.len() {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let shown = shown.join(", ");
        Failure::Usage(format!("{path} has no column {name:?}; its columns are {shown}{others}"))
    }

    /// The column of JSON text in a file with the columns `names`, if there is to be one.
    fn record_column<'n>(&'n self, names: &[String]) -> Option<&'n str> {
        let is_there = |column: &&str| names.iter().any(|name| name == *column);
        match (&self.column, &self.audience) {
            (Some(column), _) => Some(column),
            (None, Some(audience)) => audience.records.iter().copied().find(is_there),
            (None, None) => None,
        }
    }

    /// The name of the column that says whose a record is.
    fn member_column(&self) -> Option<&str> {
        self.audience.as_ref().map(|audience| audience.member.as_str())
    }

    /// Bytes of the file, for a progress bar.
    pub(crate) fn len(&self) -> Option<u64> {
        let metadata = std::fs::metadata(&self.path).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Reads the rows in pieces; stops early if `each` fails.
    pub(crate) fn read(
        &self,
        progress: &Arc<AtomicU64>,
        each: &mut dyn FnMut(Piece) -> Result<()>,
    ) -> Result<()> {
        if self.format == Format::Parquet {
            return columns::read(self, progress, each);
        }
        let mut source = self.open(progress)?;
        match self.format {
            Format::Csv => csv::read(self, &mut source, each),
            Format::Json => lines::read_document(self, &mut source, each),
            Format::Cells | Format::Ndjson | Format::Parquet => {
                lines::read(self, &mut source, each)
            }
        }
    }

    fn open(&self, progress: &Arc<AtomicU64>) -> Result<Box<dyn Read>> {
        let file: Box<dyn Read> = if self.path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(open_file(&self.path)?)
        };
        let counted = BufReader::with_capacity(1 << 16, Counted { file, read: progress.clone() });
        let extension = self.path.extension().map(OsStr::to_ascii_lowercase);
        match extension.as_deref().and_then(OsStr::to_str) {
            Some("gz") => Ok(Box::new(MultiGzDecoder::new(counted))),
            Some("zst") => Ok(Box::new(
                zstd::Decoder::with_buffer(counted)
                    .map_err(|error| Failure::io("read", &self.path, &error))?,
            )),
            _ => Ok(Box::new(counted)),
        }
    }

    fn failed(&self, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let path = self.path.display();
            return Failure::Io(format!("cannot read {path}: the compressed stream is cut off"));
        }
        Failure::io("read", &self.path, error)
    }
}

/// Opens a file to read; a directory is refused by name.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let failed = |error: io::Error| Failure::io("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Failure::Io(format!("cannot read {}: it is a directory", path.display())));
    }
    Ok(file)
}

/// `events.ndjson.gz` is NDJSON; standard input too.
pub(crate) fn format_of(path: &Path) -> Option<Format> {
    if path == Path::new("-") {
        return Some(Format::Ndjson);
    }
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "jsonl" | "ndjson" => Some(Format::Ndjson),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

struct Counted {
    file: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

/// Reads until `buffer` has `len` bytes or the source ends; says whether it ended.
fn fill(source: &mut dyn Read, buffer: &mut Vec<u8>, len: usize) -> io::Result<bool> {
    let missing = len.saturating_sub(buffer.len()) as u64;
    let read = source.take(missing).read_to_end(buffer)?;
    Ok((read as u64) < missing)
}
