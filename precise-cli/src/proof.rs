//! `precise proof`: the proof document of one record.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::canonical::canonicalize;
use precise_core::proof::ProofDocument;

use crate::args::{Proof, read_blind};
use crate::canonical::read_record;
use crate::failure::{Failure, Result};

pub(crate) fn run(command: &Proof) -> Result<ExitCode> {
    let record = read_record(&command.file)?;
    let blind = read_blind(command.secret_file.as_deref(), command.record_id.as_deref())?;
    let canonical = canonicalize(&record).map_err(|error| {
        Failure::refused(format!("cannot mint {}", command.file.display()), error)
    })?;
    writeln!(io::stdout(), "{}", ProofDocument::of(&canonical, blind.as_ref()).to_json())
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}
