//! The verdict: verification step by step, each with what it found (SPEC.md section 5).
//!
//! A verdict is an answer, never an exception: whatever is wrong with what is verified is named in
//! the step that met it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::canonical;
use crate::document::Writer;
use crate::entry::{BatchEntry, Entry};
use crate::error::{Code, Error, Result};
use crate::hex;
use crate::merkle::{Absence, Hash, Inclusion};
use crate::note::{Checkpoint, Note};
use crate::policy::{Policy, Vouched};
use crate::proof::{self, Blind, ProofDocument};
use crate::receipt::{Receipt, StatusReceipt};
use crate::status::Standing;
use crate::tlog::LogProof;

/// The steps, in the order they are taken.
pub const STEPS: [&str; 8] =
    ["record", "proof", "batch", "entry", "log", "checkpoint", "anchor", "status"];

/// What a record is verified against. What is `None` is not checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The record: JSON text.
    pub record: &'a [u8],
    /// The record's blind.
    pub blind: Option<&'a Blind>,
    /// What the proof is said to be.
    pub proof: Option<Claim<'a>>,
    /// Where in a batch it is said to be, or not to be.
    pub batch: Option<(Position<'a>, Hash)>,
}

/// A proof, as somebody claims it.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// A proof document.
    Document(&'a [u8]),
    /// A proof hash alone.
    Hash(Hash),
}

/// A place in a batch, as somebody claims it.
#[derive(Clone, Copy, Debug)]
pub enum Position<'a> {
    /// An absence proof.
    Absent(&'a [u8]),
    /// An inclusion proof.
    Included(&'a [u8]),
}

/// One step of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// One of [`STEPS`].
    pub name: &'static str,
    /// None: not checked.
    pub ok: Option<bool>,
    /// What was found.
    pub detail: Cow<'static, str>,
}

/// All steps, and whether none failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    steps: Vec<Step>,
}

impl Verdict {
    /// Whether no step failed.
    pub fn holds(&self) -> bool {
        self.failed().is_none()
    }

    /// The first step that failed.
    pub fn failed(&self) -> Option<&'static str> {
        self.steps.iter().find(|step| step.ok == Some(false)).map(|step| step.name)
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// `{"failed":"log"|null,"steps":[{"detail":…,"name":…,"ok":…},…],"verdict":true|false}`
    pub fn to_json(&self) -> String {
        let mut steps = String::from("[");
        for (i, step) in self.steps.iter().enumerate() {
            let mut writer = Writer::object();
            writer.key("detail").string(&step.detail);
            writer.key("name").string(step.name);
            writer.key("ok").raw(match step.ok {
                None => "null",
                Some(false) => "false",
                Some(true) => "true",
            });
            if i > 0 {
                steps.push(',');
            }
            steps.push_str(&writer.finish());
        }
        steps.push(']');
        let mut writer = Writer::object();
        match self.failed() {
            None => writer.key("failed").raw("null"),
            Some(name) => writer.key("failed").string(name),
        };
        writer.key("steps").raw(&steps);
        writer.key("verdict").raw(if self.holds() { "true" } else { "false" });
        writer.finish()
    }
}

/// Verifies, and says at each step what was found. After a step that failed nothing is checked.
pub fn verify(request: &Request<'_>) -> Verdict {
    let mut found: Vec<Found> = Vec::new();
    let proof_hash = match canonical::canonicalize(request.record) {
        Err(error) => {
            found.push(Err(failure(&error)));
            None
        }
        Ok(canonical) => {
            let proof_hash = proof::hash(&canonical, request.blind);
            found.push(Ok(Some(alloc::format!(
                "{} canonical bytes, proof {}",
                canonical.len(),
                proof::format_id(&proof_hash)
            ))));
            found.push(
                request
                    .proof
                    .map(|claim| check_proof(claim, &canonical, request.blind))
                    .transpose(),
            );
            Some(proof_hash)
        }
    };
    if let Some(proof_hash) = proof_hash {
        found.push(
            request
                .batch
                .map(|(position, root)| check_batch(position, &proof_hash, &root))
                .transpose(),
        );
    }
    conclude(found)
}

/// What a step found: in words, or not asked; or why it failed.
type Found = core::result::Result<Option<String>, String>;

/// The verdict on what the steps found, in order. Those that are not there were not reached.
fn conclude(mut found: Vec<Found>) -> Verdict {
    let mut steps: Vec<Step> = Vec::with_capacity(STEPS.len());
    let mut failed = false;
    for (i, name) in STEPS.into_iter().enumerate() {
        let (ok, detail) = match found.get_mut(i) {
            Some(Ok(Some(detail))) if !failed => (Some(true), core::mem::take(detail).into()),
            Some(Err(detail)) if !failed => (Some(false), core::mem::take(detail).into()),
            _ => (None, "not checked".into()),
        };
        failed |= ok == Some(false);
        steps.push(Step { name, ok, detail });
    }
    Verdict { steps }
}

/// What a receipt is verified against.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptRequest<'a> {
    /// The record: JSON text.
    pub record: &'a [u8],
    /// The record's blind.
    pub blind: Option<&'a Blind>,
    /// The receipt.
    pub receipt: &'a [u8],
    /// Whose keys are trusted.
    pub policy: &'a Policy,
    /// The kind that the entry is to be of. None: any kind of a batch.
    pub kind: Option<&'a str>,
    /// What the status log says. None: not checked.
    pub status: Option<StatusRequest<'a>>,
}

/// What a status log says, and how old that may be.
#[derive(Clone, Copy, Debug)]
pub struct StatusRequest<'a> {
    /// The status receipt.
    pub receipt: &'a [u8],
    /// POSIX seconds.
    pub now: i64,
    /// Seconds.
    pub max_age: u64,
}

/// Verifies a receipt, and says at each step what was found: SPEC.md section 5.4.
pub fn verify_receipt(request: &ReceiptRequest<'_>) -> Verdict {
    let canonical = match canonical::canonicalize(request.record) {
        Err(error) => return conclude(alloc::vec![Err(failure(&error))]),
        Ok(canonical) => canonical,
    };
    let hash = proof::hash(&canonical, request.blind);
    let read = alloc::format!("{} canonical bytes", canonical.len());
    let mut found: Vec<Found> = alloc::vec![Ok(Some(read))];
    let receipt = match Receipt::parse(request.receipt) {
        Err(error) => {
            found.push(Err(failure(&error)));
            return conclude(found);
        }
        Ok(receipt) => receipt,
    };
    found.push(check_receipt_proof(&receipt, &hash, request.blind).map(Some));
    // A step that cannot be taken without the next one's document is left to that.
    let entry = batch_entry(&receipt.entry, request.kind);
    found.push(match &entry {
        Err(_) => Ok(None),
        Ok(entry) => check_receipt_batch(&receipt, entry).map(Some),
    });
    found.push(
        entry.map(|entry| {
            Some(alloc::format!("{}, closed at {}", entry.kind.name(), entry.closed_at))
        }),
    );
    let logged = logged(&receipt.entry, &receipt.tlog_proof);
    found.push(logged.map(|logged| logged.map(|index| alloc::format!("entry {index}"))));
    found.push(checkpoint(&receipt.tlog_proof, request.policy).map(|vouched| {
        let Checkpoint { origin, size, .. } = vouched.checkpoint;
        Some(alloc::format!("{origin} of {size} entries"))
    }));
    // Anchors come with section 7.
    found.push(Ok(None));
    found.push(
        request
            .status
            .as_ref()
            .map(|status| check_status(status, &receipt, request.policy))
            .transpose(),
    );
    conclude(found)
}

fn check_receipt_proof(
    receipt: &Receipt,
    hash: &Hash,
    blind: Option<&Blind>,
) -> core::result::Result<String, String> {
    if receipt.blinded && blind.is_none() {
        return Err(failure(&Error::new(Code::MissingBlind)));
    }
    if !receipt.blinded && blind.is_some() {
        return Err("the proof is not blinded".to_string());
    }
    if receipt.proof_hash == *hash {
        Ok("the hash is the one of the receipt".to_string())
    } else {
        Err(alloc::format!(
            "the record hashes to {}, the receipt is of {}",
            hex::format_hash(hash),
            hex::format_hash(&receipt.proof_hash)
        ))
    }
}

fn batch_entry(text: &str, kind: Option<&str>) -> core::result::Result<BatchEntry, String> {
    match Entry::parse(text.as_bytes()).map_err(|error| failure(&error))? {
        Entry::Status(_) => Err("the entry is of no batch".to_string()),
        Entry::Batch(entry) if kind.is_some_and(|kind| kind != entry.kind.name()) => {
            Err(alloc::format!("the entry is of {}", entry.kind.name()))
        }
        Entry::Batch(entry) => Ok(entry),
    }
}

fn check_receipt_batch(
    receipt: &Receipt,
    entry: &BatchEntry,
) -> core::result::Result<String, String> {
    let (inclusion, root) = (&receipt.batch, hex::format_hash(&entry.batch_root));
    if inclusion.count() != entry.count {
        return Err(alloc::format!("the entry is of {} leaves", entry.count));
    }
    if inclusion.verify(&receipt.proof_hash, &entry.batch_root) {
        Ok(alloc::format!("leaf {} of {} under {root}", inclusion.index(), inclusion.count()))
    } else {
        Err(alloc::format!("the path does not lead to {root}"))
    }
}

/// The number of the entry in the log of the checkpoint; none if there is no checkpoint to read.
fn logged(entry: &str, tlog_proof: &str) -> core::result::Result<Option<u64>, String> {
    let log_proof = LogProof::parse(tlog_proof).map_err(|error| failure(&error))?;
    let checkpoint = Note::parse(log_proof.checkpoint.as_bytes())
        .and_then(|note| Checkpoint::parse(note.text()));
    let Ok(Checkpoint { size, root, .. }) = checkpoint else { return Ok(None) };
    if log_proof.leads_to(entry.as_bytes(), size, &root) {
        Ok(Some(log_proof.index))
    } else {
        Err(alloc::format!("the path does not lead to {}", hex::format_hash(&root)))
    }
}

fn checkpoint(tlog_proof: &str, policy: &Policy) -> core::result::Result<Vouched, String> {
    LogProof::parse(tlog_proof)
        .and_then(|log_proof| policy.open(&log_proof.checkpoint))
        .map_err(|error| failure(&error))
}

/// The name of a log's status log.
fn status_origin(origin: &str) -> String {
    alloc::format!("{origin}/status")
}

fn check_status(
    request: &StatusRequest<'_>,
    receipt: &Receipt,
    policy: &Policy,
) -> core::result::Result<String, String> {
    let origin = checkpoint(&receipt.tlog_proof, policy)?.checkpoint.origin;
    let status = StatusReceipt::parse(request.receipt).map_err(|error| failure(&error))?;
    let vouched = checkpoint(&status.tlog_proof, policy)?;
    let Checkpoint { origin: found, size, .. } = vouched.checkpoint;
    if found != status_origin(&origin) {
        return Err(alloc::format!("{found} is not the status log of {origin}"));
    }
    let Entry::Status(entry) =
        Entry::parse(status.entry.as_bytes()).map_err(|error| failure(&error))?
    else {
        return Err("the entry is not of a status".to_string());
    };
    match logged(&status.entry, &status.tlog_proof)? {
        Some(index) if index + 1 == size => {}
        _ => return Err("the entry is not the log's last".to_string()),
    }
    let is_fresh = |time: i64| request.now.abs_diff(time) <= request.max_age;
    if !is_fresh(entry.at.posix()) {
        return Err(alloc::format!("it is of {}, and stale", entry.at));
    }
    if vouched.seen.is_some_and(|seen| !is_fresh(seen as i64)) {
        return Err("the witnesses saw it at another time".to_string());
    }
    match status.proof.standing(&receipt.proof_hash, &entry.map_root) {
        None => Err("the status proof does not lead to the map's root".to_string()),
        Some(Standing::Void(_)) => Err(alloc::format!("it is void, as of {}", entry.at)),
        Some(Standing::Good) => {
            let by = if vouched.seen.is_some() { "seen by witnesses" } else { "self-asserted" };
            Ok(alloc::format!("it is not void, as of {}, {by}", entry.at))
        }
    }
}

fn check_proof(
    claim: Claim<'_>,
    canonical: &[u8],
    blind: Option<&Blind>,
) -> core::result::Result<String, String> {
    let computed = ProofDocument::of(canonical, blind);
    let (claimed, matches) = match claim {
        Claim::Hash(hash) => (hash, hash == computed.proof_hash),
        Claim::Document(json) => {
            let document = ProofDocument::parse(json).map_err(|error| failure(&error))?;
            let matches = document.matches(canonical, blind).map_err(|error| failure(&error))?;
            (document.proof_hash, matches)
        }
    };
    if matches {
        Ok("the hash is the one claimed".to_string())
    } else if claimed == computed.proof_hash {
        Err("the hash is the one claimed, but its size or blinding is not".to_string())
    } else {
        let blinded = if blind.is_none() { "; was it blinded?" } else { "" };
        Err(alloc::format!(
            "the record hashes to {}, the claim is {}{blinded}",
            hex::format_hash(&computed.proof_hash),
            hex::format_hash(&claimed)
        ))
    }
}

fn check_batch(
    position: Position<'_>,
    proof_hash: &Hash,
    root: &Hash,
) -> core::result::Result<String, String> {
    let root_text = || hex::format_hash(root);
    match position {
        Position::Included(json) => {
            let inclusion = Inclusion::parse(json).map_err(|error| failure(&error))?;
            if inclusion.verify(proof_hash, root) {
                let (index, count) = (inclusion.index(), inclusion.count());
                Ok(alloc::format!("leaf {index} of {count} under {}", root_text()))
            } else {
                Err(alloc::format!("the path does not lead to {}", root_text()))
            }
        }
        Position::Absent(json) => {
            let absence = Absence::parse(json).map_err(|error| failure(&error))?;
            if absence.verify(proof_hash, root) {
                let count = absence.count();
                Ok(alloc::format!(
                    "absent_if_sorted from this batch of {count} under {}",
                    root_text()
                ))
            } else {
                Err(alloc::format!("the neighbours do not show absence under {}", root_text()))
            }
        }
    }
}

/// `PR106 an object has the same key twice, at $.a`
fn failure(error: &Error) -> String {
    alloc::format!("{} {error}", error.code())
}

/// Whether `json` is the proof document of `record`: what `precise_verify_proof` answers.
///
/// Errors: those of reading the record, PR303, PR305.
pub fn verify_proof(record: &[u8], json: &[u8], blind: Option<&Blind>) -> Result<bool> {
    let document = ProofDocument::parse(json)?;
    document.matches(&canonical::canonicalize(record)?, blind)
}
