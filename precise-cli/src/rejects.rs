//! Rows that are refused: kept as they are, with the reason, and counted.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use precise_core::{Code, Error};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::output::{Output, is_stream, same_file};

/// One row that was refused.
pub(crate) struct Reject {
    pub(crate) row: u32,
    pub(crate) error: Error,
    pub(crate) raw: Vec<u8>,
}

impl Reject {
    /// The end of a run that does without no row. The piece's first row is `first_row`.
    pub(crate) fn into_failure(self, input: &Input, first_row: u64) -> Failure {
        refused_row(input, first_row + u64::from(self.row), self.error)
    }
}

/// A row, counted over all inputs, for which everything is refused.
pub(crate) fn refused_row(input: &Input, row: u64, error: Error) -> Failure {
    Failure::refused(format!("row {row} of {} is refused", input.path.display()), error)
}

/// Rejected rows, one JSON object a line: nothing is lost.
pub(crate) struct Rejects {
    path: PathBuf,
    output: Option<Output>,
    buffer: Vec<u8>,
    counts: RejectCounts,
}

/// How many rows were refused, by the names of codes.
pub(crate) type RejectCounts = BTreeMap<&'static str, u64>;

/// Bytes of rejects written at a time.
const REJECTS_LEN: usize = 1 << 16;

impl Rejects {
    /// Goes to `path`; without one beside the output, if there are any. No input may be any of the
    /// `outputs`, of which the first is the one that is meant.
    pub(crate) fn create(inputs: &[Input], outputs: &[&Path], path: Option<&Path>) -> Result<Self> {
        let asked = path.is_some();
        // Nothing can be put beside standard output.
        let beside = outputs.first().copied().unwrap_or(Path::new("-"));
        let path = match path {
            Some(path) => path.to_owned(),
            None if is_stream(beside) => PathBuf::from("rejects.ndjson"),
            None => beside.with_extension("rejects.ndjson"),
        };
        let is_output = |input: &&Input| {
            let is_it = |output: &&Path| same_file(&input.path, output);
            input.path.is_file() && (is_it(&path.as_path()) || outputs.iter().any(is_it))
        };
        if let Some(Input { path, .. }) = inputs.iter().find(is_output) {
            let path = path.display();
            return Err(Failure::Usage(format!("{path} is an input and would be written over")));
        }
        // A file of an earlier run may not be taken for this one's.
        let output = if asked || path.is_file() { Some(Output::create(&path)?) } else { None };
        Ok(Self { path, output, buffer: Vec::new(), counts: BTreeMap::new() })
    }

    /// Keeps a row. The piece's first row is `first_row`.
    pub(crate) fn write(&mut self, input: &Input, first_row: u64, reject: &Reject) -> Result<()> {
        let code = reject.error.code();
        *self.counts.entry(code.name()).or_default() += 1;
        if self.output.is_none() {
            self.output = Some(Output::create(&self.path)?);
        }
        let mut line = json!({
            "row": first_row + u64::from(reject.row),
            "input": input.path.display().to_string(),
            "code": code.name(),
            "path": reject.error.path(),
            "offset": reject.error.offset(),
            "message": reject.error.to_string(),
        });
        if let Ok(raw) = std::str::from_utf8(&reject.raw) {
            line["raw"] = raw.into();
        } else {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&reject.raw);
            line["raw_base64"] = encoded.into();
        }
        if code == Code::InputSize {
            line["raw_cut"] = true.into();
        }
        self.buffer.extend_from_slice(line.to_string().as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= REJECTS_LEN { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(output) = &mut self.output {
            output
                .write_all(&self.buffer)
                .map_err(|error| Failure::io("write", &self.path, &error))?;
        }
        self.buffer.clear();
        Ok(())
    }

    /// The counts, and the file if one was written.
    pub(crate) fn finish(mut self) -> Result<Rejected> {
        self.flush()?;
        let file = match self.output {
            None => None,
            Some(output) => {
                output.finish()?;
                Some(self.path)
            }
        };
        Ok(Rejected { counts: self.counts, file })
    }
}

/// What was refused.
pub(crate) struct Rejected {
    pub(crate) counts: RejectCounts,
    /// The file they are kept in, if it was written.
    pub(crate) file: Option<PathBuf>,
}

impl Rejected {
    /// How many rows.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// For people: a line with the file, a line for each code.
    pub(crate) fn print(&self, to: &mut dyn Write) -> std::io::Result<()> {
        if let (Some(file), total @ 1..) = (&self.file, self.total()) {
            writeln!(to, "{:>12}  rejected, kept in {}", thousands(total), file.display())?;
        }
        for (name, count) in &self.counts {
            let message = Code::from_name(name).map_or("", Code::message);
            writeln!(to, "{:>12}    {name} {message}", thousands(*count))?;
        }
        Ok(())
    }

    /// The path of the file, for JSON.
    pub(crate) fn file_name(&self) -> Option<String> {
        self.file.as_ref().map(|path| path.display().to_string())
    }
}

/// `1,234,567`
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
