//! `precise demo`: the whole way once, a line of plain words per step.

use std::fs;
use std::io::{self, BufRead, Write as _};
use std::path::Path;
use std::process::ExitCode;

use precise_core::merkle::PART_LIMIT;
use precise_core::proof::{Blind, ProofDocument, format_id};
use precise_core::receipt::Receipt;
use precise_core::verify::{self, ReceiptRequest, Verdict};
use precise_core::{canonical, hex};
use precise_log::commit::Writer;
use precise_log::key::{self, Protection};
use precise_log::log::{CHECKPOINT, Log};
use precise_log::source::{self, Source};
use precise_log::state::State;
use precise_log::store::Store;

use crate::args::{Demo, Unlock};
use crate::commit::{Files, Reading};
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::interrupt;
use crate::leaves::Leaves;
use crate::log::{self, Recipe, block_on};
use crate::mint::{self, Job};
use crate::proofs::HASH_COLUMN;
use crate::receipt::from_leaves;
use crate::rejects::thousands;
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
        part_limit: PART_LIMIT,
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
    println!(
        "3. Batched them under {}: 32 bytes, all that ever becomes public.",
        match summary.roots.len() {
            1 => "one root".to_owned(),
            parts => format!("{parts} roots, one per part"),
        }
    );
    for root in summary.roots.iter().take(3) {
        println!("   root    {}", hex::format_hash(&root.root));
    }

    let log = block_on(commit(directory, &proofs))?;
    println!(
        "4. Committed it to a log: an entry each, {} so far, and a checkpoint signed over all.\n   \
        log     {}",
        log.checkpoint().checkpoint.size,
        log.checkpoint().checkpoint.origin
    );

    let receipt = block_on(receipt(directory, &proof, &log))?;
    println!(
        "5. Gave the holder of one event a receipt: leaf {} of {} in its batch, the batch in the\n   \
        log, the checkpoint. {} bytes.\n   proof   {}",
        receipt.batch.index(),
        thousands(receipt.batch.count()),
        thousands(receipt.to_json().len() as u64),
        format_id(&proof.proof_hash)
    );

    let policy = directory.join("policy");
    let policy = fs::read(&policy).map_err(|error| Failure::io("read", &policy, &error))?;
    let verdict = judge(&record, &receipt, &policy);
    println!(
        "6. Verified it with nothing but the event, the receipt and the log's key: {}.",
        said(&verdict)
    );
    let changed = record.replacen("\"clearing_price\":", "\"clearing_price\":1", 1);
    let changed = judge(&changed, &receipt, &policy);
    println!("   The same event with another price: {}.", said(&changed));
    blinded(&canonical)?;

    if let Some(directory) = &command.keep {
        keep(directory, &record, &proof, &receipt)?;
    }
    if verdict.holds() && !changed.holds() { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::from(1)) }
}

/// The name of the demo's log.
const ORIGIN: &str = "example.com/demo";

/// Makes a log in the directory, and takes the batches to it.
async fn commit(directory: &Path, proofs: &Path) -> Result<Log> {
    let store = Store::open(&directory.join("log").display().to_string())?;
    let folder = directory.join("state");
    let recipe = Recipe {
        origin: ORIGIN,
        key: folder.join(log::KEY),
        folder: folder.clone(),
        protection: Protection::None,
        unlock: Unlock { passphrase_file: None, identity: None },
    };
    // What an earlier demo kept here is gone on with.
    if store.get(CHECKPOINT).await?.is_none() {
        let made = log::make(&store, &recipe).await?;
        log::write(&directory.join("policy"), &made.policy())?;
    }
    let reading = Reading {
        column: HASH_COLUMN.into(),
        label: Some("demo".into()),
        part_limit: PART_LIMIT,
        blinded: false,
    };
    let leaves = Leaves::open(&folder.join(log::LEAVES))?;
    let state = State::open(folder)?;
    let signer = key::read(&recipe.key, &key::Unlock::None)?;
    let mut writer = Writer::open(store, signer, state, false).await?;
    let mut source = Files::new([vec![proofs.to_owned()]].into(), leaves, reading);
    let closed = source.closed(usize::MAX).await?;
    source::commit(&mut writer, &mut source, closed).await?;
    Ok(writer.log().clone())
}

/// The receipt of one proof.
async fn receipt(directory: &Path, proof: &ProofDocument, log: &Log) -> Result<Receipt> {
    let leaves = Leaves::open(&directory.join("state").join(log::LEAVES))?;
    match from_leaves(&leaves, log, &proof.proof_hash).await? {
        Some((batch, blinded, index)) => Ok(Receipt {
            batch,
            blinded: blinded == Some(true),
            entry: log.entry(index).await?,
            proof_hash: proof.proof_hash,
            tlog_proof: log.prove(index).await?.to_text(),
        }),
        None => Err(Failure::Io("the batch of the event is not in the log".into())),
    }
}

/// The same record blinded: its hash tells nothing to whoever guesses the record.
fn blinded(canonical: &[u8]) -> Result<()> {
    // An example's secret. Real ones come from a file or a table.
    let blind = Blind::derive(&[7; 32], "evt-1")
        .map_err(|error| Failure::refused("cannot derive a blind", error))?;
    let id = format_id(&ProofDocument::of(canonical, Some(&blind)).proof_hash);
    println!(
        "7. Blinded with its subject's secret, the event would have another proof;\n   \
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

fn judge(record: &str, receipt: &Receipt, policy: &[u8]) -> Verdict {
    verify::verify_receipt(&ReceiptRequest {
        record: record.as_bytes(),
        blind: None,
        receipt: receipt.to_json().as_bytes(),
        policy,
        kind: None,
        status: None,
    })
}

fn said(verdict: &Verdict) -> String {
    match verdict.failed() {
        None => "verdict true".into(),
        Some(step) => format!("verdict false, at step {step}"),
    }
}

fn keep(directory: &Path, record: &str, proof: &ProofDocument, receipt: &Receipt) -> Result<()> {
    log::write(&directory.join("event.json"), record)?;
    log::write(&directory.join("proof.json"), &proof.to_json())?;
    log::write(&directory.join("receipt.json"), &receipt.to_json())?;
    let directory = directory.display();
    println!(
        "\nThe files are in {directory}. Check them yourself; docs/verify-by-hand.md does it without \
        Precise:\n  \
        precise canonical {directory}/event.json | b3sum\n  \
        precise verify --record {directory}/event.json --receipt {directory}/receipt.json \\\n    \
        --policy {directory}/policy --explain"
    );
    Ok(())
}
