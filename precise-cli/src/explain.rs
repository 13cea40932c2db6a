//! `precise verify --explain`: what each step computes, with its numbers, so that it can be done
//! again with b3sum, sha256sum and openssl.
//!
//! It computes everything anew and decides nothing: the verdict is the core's. Where a document
//! cannot be read it stops, since the verdict says why.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use precise_core::Hash;
use precise_core::canonical;
use precise_core::entry::Entry;
use precise_core::hex::format_hash;
use precise_core::merkle::{self, Climb};
use precise_core::note::{Checkpoint, Note, VerifierKey};
use precise_core::policy::Policy;
use precise_core::proof::{self, Blind};
use precise_core::receipt::{Receipt, StatusReceipt};
use precise_core::tlog::{self, LogProof};

/// What was given to `precise verify`.
pub(crate) struct Given<'a> {
    pub(crate) record: &'a [u8],
    pub(crate) blind: Option<&'a Blind>,
    pub(crate) receipt: &'a [u8],
    pub(crate) policy: &'a [u8],
    pub(crate) status: Option<&'a [u8]>,
}

/// A paragraph for each step that computes something.
pub(crate) fn explain(given: &Given<'_>) -> String {
    let policy = std::str::from_utf8(given.policy).ok().and_then(|text| Policy::parse(text).ok());
    let keys = policy.as_ref().map_or(&[][..], Policy::logs);
    let mut text = String::new();
    // The end is where something could not be read.
    let _ = explain_receipt(given, keys, &mut text);
    if let Some(status) = given.status {
        let _ = explain_status(given, status, keys, &mut text);
    }
    text
}

fn explain_receipt(given: &Given<'_>, keys: &[VerifierKey], text: &mut String) -> Option<()> {
    let canonical = canonical::canonicalize(given.record).ok()?;
    let computed = proof::hash(&canonical, given.blind);
    text.push_str(&format!("record\n  canonical form (SPEC 1): {} bytes\n", canonical.len()));
    let receipt = Receipt::parse(given.receipt).ok()?;
    let hashed = match given.blind {
        None => "BLAKE3(canonical)",
        Some(_) => "BLAKE3 keyed_hash(blind, canonical)",
    };
    text.push_str(&format!("proof\n  {hashed}\n    = {}\n", format_hash(&computed)));
    text.push_str(&format!(
        "  the receipt's proof_hash\n    = {}\n",
        format_hash(&receipt.proof_hash)
    ));
    let leaf = merkle::leaf(&receipt.proof_hash);
    let batch = &receipt.batch;
    text.push_str(&format!("batch\n  leaf {} of {}\n", batch.index(), batch.count()));
    text.push_str(&format!("  SHA-256(00 ‖ proof_hash)\n    = {}\n", format_hash(&leaf)));
    climb(leaf, batch.index(), batch.count(), batch.path(), text)?;
    if let Ok(Entry::Batch(entry)) = Entry::parse(receipt.entry.as_bytes()) {
        text.push_str(&format!(
            "  the entry's batch_root\n    = {}\n",
            format_hash(&entry.batch_root)
        ));
    }
    text.push_str(&format!("entry\n  {}\n", receipt.entry));
    explain_log(&receipt.entry, &receipt.tlog_proof, keys, text)
}

fn explain_log(entry: &str, proof: &str, keys: &[VerifierKey], text: &mut String) -> Option<()> {
    let log_proof = LogProof::parse(proof).ok()?;
    let note = Note::parse(log_proof.checkpoint.as_bytes()).ok()?;
    let checkpoint = Checkpoint::parse(note.text()).ok()?;
    let leaf = tlog::leaf(entry.as_bytes());
    text.push_str(&format!("log\n  entry {} of {}\n", log_proof.index, checkpoint.size));
    text.push_str(&format!("  SHA-256(00 ‖ entry)\n    = {}\n", format_hash(&leaf)));
    climb(leaf, log_proof.index, checkpoint.size, &log_proof.path, text)?;
    text.push_str(&format!("  the checkpoint's root\n    = {}\n", format_hash(&checkpoint.root)));
    text.push_str("checkpoint\n  signed text, each line ended\n");
    for line in note.text().lines() {
        text.push_str(&format!("    {line}\n"));
    }
    for signature in note.signatures() {
        text.push_str(&format!("  {}\n", signature.to_line().trim_end()));
        if let Some(key) = keys.iter().find(|key| signature.is_by(key)) {
            text.push_str(&format!(
                "    behind its first 4 bytes, which name the key: an Ed25519 signature by\n    {}\n",
                BASE64.encode(key.public_key())
            ));
        }
    }
    Some(())
}

fn explain_status(
    given: &Given<'_>,
    status: &[u8],
    keys: &[VerifierKey],
    text: &mut String,
) -> Option<()> {
    let receipt = Receipt::parse(given.receipt).ok()?;
    let status = StatusReceipt::parse(status).ok()?;
    text.push_str(&format!("status\n  {}\n", status.entry));
    text.push_str(&format!("  proof under map_root (SPEC 6.3): {}\n", status.proof.to_json()));
    text.push_str(&format!("  of the proof hash {}\n", format_hash(&receipt.proof_hash)));
    explain_log(&status.entry, &status.tlog_proof, keys, text)
}

fn climb(leaf: Hash, index: u64, count: u64, path: &[Hash], text: &mut String) -> Option<()> {
    let mut below = leaf;
    merkle::climb(&leaf, index, count, path, |Climb { left, right, parent }| {
        let (left, right) = if left == below {
            ("that".to_owned(), format_hash(&right))
        } else {
            (format_hash(&left), "that".to_owned())
        };
        below = parent;
        text.push_str(&format!(
            "  SHA-256(01 ‖ {left} ‖ {right})\n    = {}\n",
            format_hash(&parent)
        ));
    })
    .map(drop)
}
