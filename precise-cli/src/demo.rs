//! `precise demo`: the whole way once, a line of plain words per step.

use std::fs;
use std::io::{self, BufRead, Write as _};
use std::path::Path;
use std::process::ExitCode;

use precise_core::merkle::PART_LIMIT;
use precise_core::policy::Policy;
use precise_core::proof::{Blind, ProofDocument, format_id};
use precise_core::receipt::Receipt;
use precise_core::royalty::StatementLine;
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
use crate::settle;

mod settlement;

use settlement::{Due, RATE_PPM, Settled};

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

    let due = settlement::accrue(&events)?;
    let settled = if due.count() == 0 {
        println!("8. Nothing is due to anybody: no impression is among the events.");
        None
    } else {
        Some(settled(directory, due)?)
    };
    let paid = settled.as_ref().map_or(Ok(true), |settled| pay(settled, &policy))?;

    if let Some(directory) = &command.keep {
        keep(directory, &record, &proof, &receipt)?;
        if let Some(settled) = &settled {
            keep_line(directory, settled)?;
        }
    }
    if verdict.holds() && !changed.holds() && paid {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::from(1))
    }
}

/// Settles what is due, and says what came of it.
fn settled(directory: &Path, due: Due) -> Result<Settled> {
    let entries = thousands(due.count() as u64);
    let settled = block_on(async { due.settle(&mut writer(directory).await?).await })?;
    println!(
        "8. Settled what the contributors of data are due, {} % of each price: summed to the last\n   \
        unit, paid in whole cents, the rest carried to the next month.",
        RATE_PPM / 10_000
    );
    let mut table = Vec::new();
    settle::print(&settled.settlement, &mut table)
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    for line in String::from_utf8_lossy(&table).lines() {
        println!("   {line}");
    }
    println!(
        "9. Committed the statement to the log, over {entries} entries of the ledger, and gave \
         {}\n   its line.",
        settled.line.line.contributor
    );
    Ok(settled)
}

/// Verifies a line, and one with another amount. Whether both came out as they should.
fn pay(settled: &Settled, policy: &[u8]) -> Result<bool> {
    let policy = Policy::parse(&String::from_utf8_lossy(policy));
    let judge = |line: &StatementLine| {
        verify::verify_statement_line(line.to_json().as_bytes(), Some(&policy))
    };
    let verdict = judge(&settled.line);
    let mut changed = settled.line.clone();
    changed.line.amount += 1;
    let changed = judge(&changed);
    println!(
        "   With nothing but the line and the log's key it counts in the published total: {}.\n   \
        The same line with a cent more: {}.",
        said(&verdict),
        said(&changed)
    );
    Ok(verdict.holds() && !changed.holds())
}

/// The name of the demo's log.
const ORIGIN: &str = "example.com/demo";

fn recipe(directory: &Path) -> Recipe<'static> {
    let folder = directory.join("state");
    Recipe {
        origin: ORIGIN,
        key: folder.join(log::KEY),
        folder,
        protection: Protection::None,
        unlock: Unlock { passphrase_file: None, identity: None },
    }
}

fn store(directory: &Path) -> Result<Store> {
    Ok(Store::open(&directory.join("log").display().to_string())?)
}

/// Makes a log in the directory, and takes the batches to it.
async fn commit(directory: &Path, proofs: &Path) -> Result<Log> {
    let store = store(directory)?;
    // What an earlier demo kept here is gone on with.
    if store.get(CHECKPOINT).await?.is_none() {
        let made = log::make(&store, &recipe(directory)).await?;
        log::write(&directory.join("policy"), &made.policy())?;
    }
    let reading = Reading {
        column: HASH_COLUMN.into(),
        label: Some("demo".into()),
        part_limit: PART_LIMIT,
        blinded: false,
    };
    let leaves = Leaves::open(&recipe(directory).folder.join(log::LEAVES))?;
    let mut writer = writer(directory).await?;
    let mut source = Files::new([vec![proofs.to_owned()]].into(), leaves, reading);
    let closed = source.closed(usize::MAX).await?;
    source::commit(&mut writer, &mut source, closed).await?;
    Ok(writer.log().clone())
}

/// What writes to the log in the directory.
async fn writer(directory: &Path) -> Result<Writer> {
    let recipe = recipe(directory);
    let state = State::open(recipe.folder)?;
    let signer = key::read(&recipe.key, &key::Unlock::None)?;
    Ok(Writer::open(store(directory)?, signer, state, false).await?)
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

fn keep_line(directory: &Path, settled: &Settled) -> Result<()> {
    log::write(&directory.join("statement.json"), &settled.statement)?;
    log::write(&directory.join("statement-line.json"), &settled.line.to_json())?;
    let directory = directory.display();
    println!(
        "  precise verify --statement-line {directory}/statement-line.json \\\n    \
        --policy {directory}/policy"
    );
    Ok(())
}
