//! `precise canonical`: a record in, exactly the hashed bytes out.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::canonical::Canonicalizer;
use precise_core::{Code, Error};

use crate::args::Canonical;
use crate::failure::{Failure, Result};
use crate::input::{MAX_RECORD_LEN, open_file};

pub(crate) fn run(command: &Canonical) -> Result<ExitCode> {
    let text = read_record(&command.file)?;
    let mut canonicalizer = Canonicalizer::default();
    let mut canonical = Vec::new();
    let read = if command.cells {
        canonicalizer.append_cells(&text, &mut canonical)
    } else {
        canonicalizer.append(&text, &mut canonical)
    };
    read.map_err(|error| {
        Failure::refused(format!("cannot canonicalise {}", command.file.display()), error)
    })?;
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(&canonical)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a file that holds one record.
///
/// Error: PR903 for one that is too long to be a record.
pub(crate) fn read_record(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = MAX_RECORD_LEN as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)
    } else {
        open_file(path)?.take(limit).read_to_end(&mut text)
    };
    read.map_err(|error| Failure::io("read", path, &error))?;
    if text.len() > MAX_RECORD_LEN {
        let what = format!("cannot read {}", path.display());
        return Err(Failure::refused(what, Error::new(Code::InputSize)));
    }
    Ok(text)
}
