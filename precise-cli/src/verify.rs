//! `precise verify`: the verdict on a record, step by step.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::policy::Policy;
use precise_core::proof::{Blind, parse_spelling};
use precise_core::verify::{
    self, Claim, Position, ReceiptRequest, Request, StatusRequest, Verdict,
};

use crate::args::{Verify, read_blind, read_secret};
use crate::canonical::read_record;
use crate::explain;
use crate::failure::{Failure, Result};
use crate::log::{now, read_vkey};
use crate::status;

pub(crate) fn run(command: &Verify, json: bool) -> Result<ExitCode> {
    if let Some(line) = &command.statement_line {
        return run_statement_line(command, line, json);
    }
    if let Some(receipt) = &command.receipt {
        return run_receipt(command, receipt, json);
    }
    if command.proof.is_none() && command.root.is_none() {
        return Err(Failure::Usage(
            "nothing to verify against; pass --receipt and --policy, or --proof, or --inclusion \
             and --root"
                .into(),
        ));
    }
    let record = record(command)?;
    let blind = blind(command)?;
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
    conclude(&verdict, json)
}

fn conclude(verdict: &Verdict, json: bool) -> Result<ExitCode> {
    print(verdict, json)
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The record that is asked about; without a statement line there is one.
fn record(command: &Verify) -> Result<Vec<u8>> {
    read_record(command.record.as_deref().unwrap_or(Path::new("-")))
}

/// Without a policy the log is not asked about.
fn run_statement_line(command: &Verify, line: &Path, json: bool) -> Result<ExitCode> {
    let line = read_record(line)?;
    let trusted = command.policy.is_some() || !command.vkey.is_empty();
    let policy = trusted.then(|| policy(command)).transpose()?;
    let policy = policy.map(|text| Policy::parse(&String::from_utf8_lossy(&text)));
    conclude(&verify::verify_statement_line(&line, policy.as_ref()), json)
}

fn blind(command: &Verify) -> Result<Option<Blind>> {
    match &command.blind_file {
        Some(file) => Blind::from_bytes(&read_secret(file)?)
            .map(Some)
            .map_err(|error| Failure::refused("cannot read the blind", error)),
        None => read_blind(command.secret_file.as_deref(), command.record_id.as_deref()),
    }
}

/// Eight steps, with nothing but files; and, if a status log is named, what that says.
fn run_receipt(command: &Verify, receipt: &Path, json: bool) -> Result<ExitCode> {
    let record = record(command)?;
    let blind = blind(command)?;
    let receipt = read_record(receipt)?;
    let policy = policy(command)?;
    let status = match (&command.status, &command.status_log) {
        (status, Some(log)) => {
            let given = status.as_deref().map(read_record).transpose()?;
            let state = command.state.as_deref();
            Some(status::latest(log, state, &receipt, given.as_deref(), &policy)?)
        }
        (Some(status), None) => Some(read_record(status)?),
        (None, None) => None,
    };
    if command.explain {
        let given = explain::Given {
            record: &record,
            blind: blind.as_ref(),
            receipt: &receipt,
            policy: &policy,
            status: status.as_deref(),
        };
        io::stdout()
            .write_all(format!("{}\n", explain::explain(&given)).as_bytes())
            .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    }
    let now = command.at.map_or_else(now, Ok)?;
    let verdict = verify::verify_receipt(&ReceiptRequest {
        record: &record,
        blind: blind.as_ref(),
        receipt: &receipt,
        policy: &policy,
        kind: command.kind.as_deref(),
        status: status.as_deref().map(|receipt| StatusRequest {
            receipt,
            now: now.posix(),
            max_age: command.max_age.as_secs(),
        }),
    });
    conclude(&verdict, json)
}

/// The text of the policy's file, or of one of keys alone.
fn policy(command: &Verify) -> Result<Vec<u8>> {
    if let Some(path) = &command.policy {
        return read_record(path);
    }
    let mut text = String::new();
    for key in &command.vkey {
        text.push_str(&format!("log {}\n", read_vkey(key)?.to_text()));
    }
    text.push_str("quorum none\n");
    Ok(text.into_bytes())
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
