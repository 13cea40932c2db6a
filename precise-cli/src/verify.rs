//! `precise verify`: the verdict on a record, step by step.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::proof::parse_spelling;
use precise_core::verify::{self, Claim, Position, Request, Verdict};

use crate::args::{Verify, read_blind};
use crate::canonical::read_record;
use crate::failure::{Failure, Result};

pub(crate) fn run(command: &Verify, json: bool) -> Result<ExitCode> {
    if command.proof.is_none() && command.root.is_none() {
        return Err(Failure::Usage(
            "nothing to verify against; pass --proof, or --inclusion and --root".into(),
        ));
    }
    let record = read_record(&command.record)?;
    let blind = read_blind(command.secret_file.as_deref(), command.record_id.as_deref())?;
    let document = match command.proof.as_deref() {
        Some(proof) if !is_literal(proof) => Some(read_record(Path::new(proof))?),
        _ => None,
    };
    let proof = match (&document, command.proof.as_deref()) {
        (Some(document), _) => Some(claim(document)?),
        (None, Some(literal)) => Some(Claim::Hash(parse_spelling(literal).map_err(|error| {
            Failure::Usage(format!("--proof {literal}: {} {error}", error.code()))
        })?)),
        (None, None) => None,
    };
    let read = |path: &Option<std::path::PathBuf>| path.as_deref().map(read_record).transpose();
    let (inclusion, absence) = (read(&command.inclusion)?, read(&command.absence)?);
    let position = match (&inclusion, &absence) {
        (Some(json), _) => Some(Position::Included(json)),
        (None, Some(json)) => Some(Position::Absent(json)),
        (None, None) => None,
    };
    let batch = match (position, command.root) {
        (Some(position), Some(root)) => Some((position, root)),
        (None, Some(_)) => {
            return Err(Failure::Usage(
                "--root needs --inclusion or --absence with the path that leads to it".into(),
            ));
        }
        _ => None,
    };
    let verdict = verify::verify(&Request { record: &record, blind: blind.as_ref(), proof, batch });
    print(&verdict, json)
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn is_literal(proof: &str) -> bool {
    (proof.starts_with("prf_") || proof.starts_with("0x")) && !Path::new(proof).exists()
}

/// A file holds a proof document, or a proof id or hash and nothing else.
fn claim(text: &[u8]) -> Result<Claim<'_>> {
    match std::str::from_utf8(text).map(str::trim) {
        Ok(literal) if literal.starts_with("prf_") || literal.starts_with("0x") => {
            let hash = parse_spelling(literal)
                .map_err(|error| Failure::refused("cannot read the proof", error))?;
            Ok(Claim::Hash(hash))
        }
        _ => Ok(Claim::Document(text)),
    }
}

fn print(verdict: &Verdict, json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if json {
        return writeln!(stdout, "{}", verdict.to_json());
    }
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let paint = |text: &'static str, sgr: &str| {
        if colour { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    };
    for step in verdict.steps() {
        let mark = match step.ok {
            None => paint("--", "2"),
            Some(false) => paint("NO", "31"),
            Some(true) => paint("ok", "32"),
        };
        writeln!(stdout, "{mark}  {:<10}  {}", step.name, step.detail)?;
    }
    match verdict.failed() {
        None => writeln!(stdout, "{}", paint("verdict: true", "1;32")),
        Some(step) => writeln!(stdout, "{} at {step}", paint("verdict: false", "1;31")),
    }
}
