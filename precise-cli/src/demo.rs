//! `precise demo`: the whole way once, a line of plain words per step.

use std::fs;
use std::io::Write as _;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use precise_core::merkle::{Batch, Inclusion, Membership};
use precise_core::proof::{Blind, ProofDocument, format_id};
use precise_core::verify::{self, Claim, Position, Request, Verdict};
use precise_core::{canonical, hex};

use crate::args::Demo;
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::interrupt;
use crate::mint::{self, Job, thousands};
use crate::output::Output;
use crate::proofs::{HASH_COLUMN, read_hashes};
use crate::runs::SortedRuns;
use crate::sample;

/// Like the standard one, but a full disk or a reader that has gone is an error and no panic.
macro_rules! println {
    ($($words:tt)*) => {
        writeln!(std::io::stdout(), $($words)*)
            .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?
    };
}

pub(crate) fn run(command: &Demo) -> Result<ExitCode> {
    let temporary =
        tempfile::tempdir().map_err(|error| Failure::io("write", &std::env::temp_dir(), &error))?;
    interrupt::begin(temporary.path());
    let directory = command.keep.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(directory).map_err(|error| Failure::io("write", directory, &error))?;
    let events = directory.join("events.ndjson");
    let proofs = directory.join("proofs.parquet");

    sample::write(&events, command.events, 1)?;
    println!(
        "1. Sampled {} ad events: who saw which ad, in which cohort, thanks to whose data.",
        thousands(command.events)
    );

    let summary = mint::run(&Job {
        inputs: vec![Input::new(&events, None, None, b',')?],
        output: proofs.clone(),
        rejects: None,
        with_record: false,
        strict: true,
        blinding: None,
        seat_fields: None,
        part_limit: precise_core::merkle::PART_LIMIT,
    })?;
    println!(
        "2. Minted a proof of each: {} proofs in {:.2} s. A proof is the BLAKE3 hash of the \
         event's\n   canonical bytes, so any engine, or b3sum, finds the same.",
        thousands(summary.minted),
        summary.seconds
    );
    let record = first_event(&events)?;
    let canonical = canonical::canonicalize(record.as_bytes())
        .map_err(|error| Failure::refused("cannot read the sample", error))?;
    let proof = ProofDocument::of(&canonical, None);
    let batch = batch_of(&proofs, &proof)?;
    let root = batch.root();
    println!(
        "3. Batched them under {}: 32 bytes, all that ever becomes public.",
        match summary.roots.len() {
            1 => "one root".to_owned(),
            parts => format!("{parts} roots, one per part"),
        }
    );
    println!("   root    {}", hex::format_hash(&root));

    let Membership::Included(inclusion) = batch.prove(&proof.proof_hash) else {
        unreachable!("the record was minted into this batch")
    };
    println!(
        "4. Proved that one event is among them: leaf {} of {}, a path of {} hashes.",
        inclusion.index(),
        thousands(inclusion.count()),
        inclusion.to_json().matches("0x").count()
    );
    println!("   proof   {}", format_id(&proof.proof_hash));

    let verdict = judge(&record, &proof, &inclusion, &root);
    println!(
        "5. Verified it with nothing but the event, the path and the root: {}.",
        said(&verdict)
    );
    let changed = record.replacen("\"clearing_price\":", "\"clearing_price\":1", 1);
    let changed = judge(&changed, &proof, &inclusion, &root);
    println!("   The same event with another price: {}.", said(&changed));
    blinded(&canonical)?;

    if let Some(directory) = &command.keep {
        keep(directory, &record, &proof, &inclusion, &root)?;
    }
    if verdict.holds() && !changed.holds() { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::from(1)) }
}

/// The same record blinded: its hash tells nothing to whoever guesses the record.
fn blinded(canonical: &[u8]) -> Result<()> {
    // An example's secret. Real ones come from a file or a table.
    let blind = Blind::derive(&[7; 32], "evt-1")
        .map_err(|error| Failure::refused("cannot derive a blind", error))?;
    let id = format_id(&ProofDocument::of(canonical, Some(&blind)).proof_hash);
    println!(
        "6. Blinded with its subject's secret, the event would have another proof;\n   \
        destroy the secret, and nobody can link the two any more.\n   proof   {id}"
    );
    Ok(())
}

/// The first event of the sample; a demo has at least one.
fn first_event(events: &Path) -> Result<String> {
    let failed = |error: io::Error| Failure::io("read", events, &error);
    let mut event = String::new();
    let file = fs::File::open(events).map_err(failed)?;
    io::BufReader::new(file).read_line(&mut event).map_err(failed)?;
    Ok(event.trim_end().to_owned())
}

/// The batch of the part that has `proof`.
fn batch_of(proofs: &Path, proof: &ProofDocument) -> Result<Batch> {
    let mut runs = SortedRuns::new(&std::env::temp_dir());
    read_hashes(&[proofs.to_owned()], HASH_COLUMN, None, &mut runs)?;
    let mut set = runs.finish(precise_core::merkle::PART_LIMIT)?;
    Batch::new(set.part_of(&proof.proof_hash)?.0)
        .map_err(|error| Failure::refused("cannot batch the sample", error))
}

fn judge(
    record: &str,
    proof: &ProofDocument,
    inclusion: &Inclusion,
    root: &precise_core::Hash,
) -> Verdict {
    verify::verify(&Request {
        record: record.as_bytes(),
        blind: None,
        proof: Some(Claim::Document(proof.to_json().as_bytes())),
        batch: Some((Position::Included(inclusion.to_json().as_bytes()), *root)),
    })
}

fn said(verdict: &Verdict) -> String {
    match verdict.failed() {
        None => "verdict true".into(),
        Some(step) => format!("verdict false, at step {step}"),
    }
}

fn keep(
    directory: &Path,
    record: &str,
    proof: &ProofDocument,
    inclusion: &Inclusion,
    root: &precise_core::Hash,
) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path: PathBuf = directory.join(name);
        let mut output = Output::create(&path)?;
        output.write_all(text.as_bytes()).map_err(|error| Failure::io("write", &path, &error))?;
        output.finish()
    };
    write("event.json", record)?;
    write("proof.json", &proof.to_json())?;
    write("inclusion.json", &inclusion.to_json())?;
    let directory = directory.display();
    println!(
        "\nThe files are in {directory}. Check them yourself:\n  \
        precise canonical {directory}/event.json | b3sum\n  \
        precise verify --record {directory}/event.json --proof {directory}/proof.json \\\n    \
        --inclusion {directory}/inclusion.json --root {}",
        hex::format_hash(root)
    );
    Ok(())
}
