//! The verdict: verification step by step, each with what it found (SPEC.md section 5).
//!
//! A verdict is an answer, never an exception: whatever is wrong with what is verified is named in
//! the step that met it.

mod statement_line;

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::canonical;
use crate::document::{Document, Writer};
use crate::entry::{BatchEntry, Entry, StatusEntry};
use crate::error::{Code, Error, Result};
use crate::hex;
use crate::merkle::{self, Absence, Hash, Inclusion};
use crate::note::{Checkpoint, Note};
use crate::policy::{Policy, Vouched};
use crate::proof::{self, Blind, ProofDocument};
use crate::receipt::{Receipt, StatusReceipt};
use crate::row::UtcSecond;
use crate::status::{Standing, StatusProof};
use crate::tlog::{self, LogProof};

pub use statement_line::{STATEMENT_LINE_STEPS, verify_statement_line};

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
    /// One of [`STEPS`], or of [`STATEMENT_LINE_STEPS`].
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
    conclude(&STEPS, found)
}

/// What a step found: in words, or not asked; or why it failed.
type Found = core::result::Result<Option<String>, String>;

/// The verdict on what the steps found, in order. Those that are not there were not reached.
fn conclude(names: &[&'static str], mut found: Vec<Found>) -> Verdict {
    let mut steps: Vec<Step> = Vec::with_capacity(names.len());
    let mut failed = false;
    for (i, &name) in names.iter().enumerate() {
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
    /// Whose keys are trusted: the text of a policy, which is read where it is needed, so that one
    /// that is malformed has its verdict too.
    pub policy: &'a [u8],
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

/// Seconds for which a status is fresh, unless told otherwise: a day.
pub const MAX_AGE: u64 = 24 * 60 * 60;

/// What is asked of a verification, as one document:
/// `{"blind":"0x…","kind":"records","max_age":86400,"now":"2026-11-22T20:00:00Z","status":{…}}`
#[derive(Clone, Debug)]
pub struct Evidence {
    blind: Option<Blind>,
    kind: Option<String>,
    freshness: Freshness,
    /// As it was read: one that is malformed has its verdict.
    status: Option<Result<StatusReceipt>>,
}

impl Evidence {
    /// Reads a document in any spelling. All but `now` may be left out.
    ///
    /// Error: PR311.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let code = Code::Evidence;
        let mut members = Document::read(json, code)?.into_members(code)?;
        let now = parse_now(&members.take_string("now")?)?;
        let has_max_age = members.has("max_age");
        let max_age = if has_max_age { members.take_integer("max_age")? } else { MAX_AGE };
        let blind =
            members.take_optional("blind").map(|blind| blind.into_hash(code)).transpose()?;
        let blind = blind.map(|blind| Blind::from_bytes(&blind)).transpose()?;
        let has_kind = members.has("kind");
        let kind = if has_kind { Some(members.take_string("kind")?) } else { None };
        let status = members.take_optional("status").map(StatusReceipt::take);
        members.finish()?;
        Ok(Self { blind, kind, freshness: Freshness { now, max_age }, status })
    }
}

/// Reads `now`.
///
/// Error: PR311.
pub fn parse_now(text: &str) -> Result<i64> {
    UtcSecond::parse(text)
        .map(UtcSecond::posix)
        .ok_or_else(|| Error::new(Code::Evidence).because("now is not YYYY-MM-DDTHH:MM:SSZ"))
}

/// Verifies a receipt, and says at each step what was found: SPEC.md section 5.4.
pub fn verify_receipt(request: &ReceiptRequest<'_>) -> Verdict {
    let ReceiptRequest { record, blind, receipt, policy, kind, status } = *request;
    let status = status.map(|StatusRequest { receipt, now, max_age }| {
        (StatusReceipt::parse(receipt), Freshness { now, max_age })
    });
    let status = status.as_ref().map(|(receipt, freshness)| (receipt, *freshness));
    judge(record, blind, receipt, &Policy::read(policy), kind, status)
}

/// The same of what is asked in one document. A policy that could not be read vouches for nothing.
pub fn verify_receipt_with(
    record: &[u8],
    receipt: &[u8],
    policy: &Result<Policy>,
    evidence: &Evidence,
) -> Verdict {
    let Evidence { blind, kind, freshness, status } = evidence;
    let status = status.as_ref().map(|status| (status, *freshness));
    judge(record, blind.as_ref(), receipt, policy, kind.as_deref(), status)
}

/// When a status is fresh.
#[derive(Clone, Copy, Debug)]
struct Freshness {
    /// POSIX seconds.
    now: i64,
    /// Seconds.
    max_age: u64,
}

impl Freshness {
    fn has(self, time: i64) -> bool {
        self.now.abs_diff(time) <= self.max_age
    }
}

fn judge(
    record: &[u8],
    blind: Option<&Blind>,
    receipt: &[u8],
    policy: &Result<Policy>,
    kind: Option<&str>,
    status: Option<(&Result<StatusReceipt>, Freshness)>,
) -> Verdict {
    let canonical = match canonical::canonicalize(record) {
        Err(error) => return conclude(&STEPS, alloc::vec![Err(failure(&error))]),
        Ok(canonical) => canonical,
    };
    let hash = proof::hash(&canonical, blind);
    let read = alloc::format!("{} canonical bytes", canonical.len());
    let mut found: Vec<Found> = alloc::vec![Ok(Some(read))];
    let receipt = match Receipt::parse(receipt) {
        Err(error) => {
            found.push(Err(failure(&error)));
            return conclude(&STEPS, found);
        }
        Ok(receipt) => receipt,
    };
    found.push(check_receipt_proof(&receipt, &hash, blind).map(Some));
    // A step that cannot be taken without the next one's document is left to that.
    let entry = batch_entry(&receipt.entry, kind);
    found.push(match &entry {
        Err(_) => Ok(None),
        Ok(entry) => check_receipt_batch(&receipt, entry).map(Some),
    });
    found.push(entry.map(|entry| Some(describe_entry(&receipt.entry, &entry))));
    found.push(check_logged(&receipt.entry, &receipt.tlog_proof));
    let vouched = vouched(&receipt.tlog_proof, policy);
    let origin = vouched.as_ref().ok().map(|vouched| vouched.checkpoint.origin.clone());
    found.push(vouched.map(|vouched| Some(describe(&vouched))));
    // Anchors come with section 7.
    found.push(Ok(None));
    found.push(match (status, origin) {
        // Without a checkpoint that holds it is not reached.
        (None, _) | (_, None) => Ok(None),
        (Some((status, freshness)), Some(origin)) => {
            check_status(status, freshness, &receipt.proof_hash, &origin, policy).map(Some)
        }
    });
    conclude(&STEPS, found)
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
        return Err("the proof is not blinded, and a blind is given".to_string());
    }
    let keyed = if receipt.blinded { ", keyed with the blind," } else { "" };
    let (computed, claimed) = (hex::format_hash(hash), hex::format_hash(&receipt.proof_hash));
    if computed == claimed {
        Ok(alloc::format!("BLAKE3 of the canonical bytes{keyed} is {computed}, as in the receipt"))
    } else {
        Err(alloc::format!(
            "BLAKE3 of the canonical bytes{keyed} is {computed}, in the receipt it is {claimed}"
        ))
    }
}

fn batch_entry(text: &str, kind: Option<&str>) -> core::result::Result<BatchEntry, String> {
    match Entry::parse(text.as_bytes()).map_err(|error| failure(&error))? {
        Entry::Status(_) => Err("the entry is of status, and of no batch".to_string()),
        Entry::Batch(entry) => match kind {
            Some(kind) if kind != entry.kind.name() => {
                Err(alloc::format!("the entry is of {}, not of {kind:?}", entry.kind.name()))
            }
            _ => Ok(entry),
        },
    }
}

/// `175 bytes: kind records, count 1, batch_root 0x…, closed_at 2026-11-22T20:00:00Z`
fn describe_entry(text: &str, entry: &BatchEntry) -> String {
    let BatchEntry { kind, batch_root, closed_at, count, .. } = entry;
    let (len, kind, root) = (text.len(), kind.name(), hex::format_hash(batch_root));
    alloc::format!(
        "{len} bytes: kind {kind}, count {count}, batch_root {root}, closed_at {closed_at}"
    )
}

fn check_receipt_batch(
    receipt: &Receipt,
    entry: &BatchEntry,
) -> core::result::Result<String, String> {
    let (inclusion, root) = (&receipt.batch, &entry.batch_root);
    let (index, count, path) = (inclusion.index(), inclusion.count(), inclusion.path());
    if count != entry.count {
        return Err(alloc::format!("the receipt's count is {count}, the entry's {}", entry.count));
    }
    let leaf = merkle::leaf(&receipt.proof_hash);
    let reached = merkle::path_root(&leaf, index, count, path);
    let leaf = alloc::format!(
        "leaf {index} of {count}, SHA-256(0x00 \u{2016} proof hash) = {}",
        hex::format_hash(&leaf)
    );
    arrive(&leaf, path.len(), reached, root, "the entry's batch_root")
}

/// What is said of a path of `len` hashes from a leaf to a root, where it is to be `root`.
fn arrive(
    leaf: &str,
    len: usize,
    reached: Option<Hash>,
    root: &Hash,
    what: &str,
) -> core::result::Result<String, String> {
    let expected = hex::format_hash(root);
    match reached {
        Some(reached) if reached == *root => {
            Ok(alloc::format!("{leaf}; the path, of length {len}, leads to {expected}, {what}"))
        }
        Some(reached) => Err(alloc::format!(
            "{leaf}; the path, of length {len}, leads to {}, but {what} is {expected}",
            hex::format_hash(&reached)
        )),
        None => Err(alloc::format!("{leaf}; no path from there is of length {len}")),
    }
}

/// Where the entry is in the log of the checkpoint; none if there is no checkpoint to read.
fn check_logged(entry: &str, tlog_proof: &str) -> Found {
    let log_proof = LogProof::parse(tlog_proof).map_err(|error| failure(&error))?;
    let checkpoint = Note::parse(log_proof.checkpoint.as_bytes())
        .and_then(|note| Checkpoint::parse(note.text()));
    match checkpoint {
        Ok(checkpoint) => check_entry(entry, &log_proof, &checkpoint).map(Some),
        Err(_) => Ok(None),
    }
}

fn check_entry(
    entry: &str,
    log_proof: &LogProof,
    checkpoint: &Checkpoint,
) -> core::result::Result<String, String> {
    let Checkpoint { size, root, .. } = checkpoint;
    let leaf = alloc::format!(
        "entry {} of {size}, SHA-256(0x00 \u{2016} entry) = {}",
        log_proof.index,
        hex::format_hash(&tlog::leaf(entry.as_bytes()))
    );
    let reached = log_proof.path_root(entry.as_bytes(), *size);
    arrive(&leaf, log_proof.path.len(), reached, root, "the checkpoint's root")
}

/// The checkpoint of a log proof, as the policy vouches for it.
fn vouched(tlog_proof: &str, policy: &Result<Policy>) -> core::result::Result<Vouched, String> {
    let log_proof = LogProof::parse(tlog_proof).map_err(|error| failure(&error))?;
    policy.as_ref().map_err(failure)?.open(&log_proof.checkpoint).map_err(|error| failure(&error))
}

/// `example.com/log, size 3, root 0x…; signed by its key 9be5d3c6; no witness is asked for`
fn describe(vouched: &Vouched) -> String {
    let Checkpoint { origin, size, root, .. } = &vouched.checkpoint;
    let id = u32::from_be_bytes(vouched.key.id());
    let root = hex::format_hash(root);
    let seen = describe_seen(vouched);
    alloc::format!("{origin}, size {size}, root {root}; signed by its key {id:08x}; {seen}")
}

/// Who saw a checkpoint, and when the quorum had.
fn describe_seen(vouched: &Vouched) -> String {
    let Some(seen) = vouched.seen else { return "no witness is asked for".to_string() };
    let mut text = String::from("cosigned by ");
    for (i, (key, time)) in vouched.witnesses.iter().enumerate() {
        let (name, id) = (key.name(), u32::from_be_bytes(key.id()));
        let comma = if i == 0 { "" } else { ", " };
        text.push_str(&alloc::format!("{comma}{name} {id:08x} at {time}"));
    }
    text.push_str(&alloc::format!("; the quorum had seen it at {}", time_text(seen)));
    text
}

/// POSIX seconds as a cosignature states them, and as people read them.
fn time_text(seconds: u64) -> String {
    match i64::try_from(seconds).ok().and_then(UtcSecond::from_posix) {
        Some(time) => alloc::format!("{seconds}, {time}"),
        None => alloc::format!("{seconds}"),
    }
}

/// Behind a log's name: that of its status log.
const STATUS: &str = "/status";

/// The name of a log's status log.
pub fn status_origin(origin: &str) -> String {
    alloc::format!("{origin}{STATUS}")
}

/// The last entry of a status log, shown to be that.
struct LastEntry {
    /// The name of the log whose proofs it is about.
    origin: String,
    vouched: Vouched,
    entry: StatusEntry,
    /// How it was shown.
    logged: String,
}

fn last_entry(
    receipt: &StatusReceipt,
    policy: &Result<Policy>,
) -> core::result::Result<LastEntry, String> {
    let vouched = vouched(&receipt.tlog_proof, policy)?;
    let Checkpoint { origin, size, .. } = &vouched.checkpoint;
    let Some(origin) = origin.strip_suffix(STATUS) else {
        return Err(alloc::format!("{origin} is no status log"));
    };
    let log_proof = LogProof::parse(&receipt.tlog_proof).map_err(|error| failure(&error))?;
    let Entry::Status(entry) =
        Entry::parse(receipt.entry.as_bytes()).map_err(|error| failure(&error))?
    else {
        return Err("the entry is of a batch, and of no status".to_string());
    };
    if log_proof.index + 1 != *size {
        let index = log_proof.index;
        return Err(alloc::format!("entry {index} of {size} is not the log's last"));
    }
    let logged = check_entry(&receipt.entry, &log_proof, &vouched.checkpoint)?;
    Ok(LastEntry { origin: origin.to_string(), vouched, entry, logged })
}

impl LastEntry {
    /// Whether it is fresh, and why not.
    fn check_age(&self, freshness: Freshness) -> core::result::Result<(), String> {
        let Freshness { now, max_age } = freshness;
        let at = self.entry.at;
        if !freshness.has(at.posix()) {
            let age = now.abs_diff(at.posix());
            return Err(alloc::format!(
                "stale: the entry is of {at}, {age} s from now, and at most {max_age} s are asked \
                 for"
            ));
        }
        // No cosignature is of a time that an i64 does not hold.
        match self.vouched.seen {
            Some(seen) if !freshness.has(seen as i64) => {
                let (age, seen) = (now.abs_diff(seen as i64), time_text(seen));
                Err(alloc::format!(
                    "stale: the quorum had seen the checkpoint at {seen}, {age} s from now, and at \
                     most {max_age} s are asked for"
                ))
            }
            _ => Ok(()),
        }
    }

    /// What the map says of the proof hash, in words too.
    fn standing(
        &self,
        proof: &StatusProof,
        proof_hash: &Hash,
    ) -> core::result::Result<(Standing, String), String> {
        let StatusEntry { at, count, map_root } = &self.entry;
        let (len, root) = (proof.path().len(), hex::format_hash(map_root));
        match proof.reach(proof_hash) {
            None => Err("the status proof is of another place in the map".to_string()),
            Some((reached, _)) if reached != *map_root => Err(alloc::format!(
                "the path, of length {len}, leads to {}, but the entry's map_root is {root}",
                hex::format_hash(&reached)
            )),
            Some((_, standing)) => {
                let said = match standing {
                    Standing::Good => "not void".to_string(),
                    Standing::Void(value) => {
                        alloc::format!("void, by a document of value {}", hex::format_hash(&value))
                    }
                };
                let said = alloc::format!(
                    "{said}, as of {at}: the path, of length {len}, leads to {root}, the map_root \
                     of count {count}"
                );
                Ok((standing, said))
            }
        }
    }

    fn describe(&self) -> String {
        let by =
            if self.vouched.seen.is_some() { "" } else { ", so that the time is self-asserted" };
        alloc::format!("{}; {}{by}", self.logged, describe(&self.vouched))
    }
}

fn check_status(
    status: &Result<StatusReceipt>,
    freshness: Freshness,
    proof_hash: &Hash,
    origin: &str,
    policy: &Result<Policy>,
) -> core::result::Result<String, String> {
    let status = status.as_ref().map_err(failure)?;
    let last = last_entry(status, policy)?;
    if last.origin != *origin {
        return Err(alloc::format!("{}{STATUS} is not the status log of {origin}", last.origin));
    }
    last.check_age(freshness)?;
    let (standing, said) = last.standing(&status.proof, proof_hash)?;
    match standing {
        Standing::Void(_) => Err(said),
        Standing::Good => Ok(alloc::format!("{said}; {}", last.describe())),
    }
}

/// What a status receipt shows of a proof, where there is no receipt to say in which log that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusVerdict {
    /// What was found.
    pub detail: String,
    /// Whether it is of a time near enough. None: nothing was shown.
    pub fresh: Option<bool>,
    /// The log whose proofs it is about. None: nothing was shown.
    pub origin: Option<String>,
    /// Whether the proof is void. None: nothing was shown.
    pub void: Option<bool>,
}

impl StatusVerdict {
    /// Whether it shows, freshly, that the proof is not void.
    pub fn holds(&self) -> bool {
        self.fresh == Some(true) && self.void == Some(false)
    }

    /// `{"detail":"…","fresh":true,"origin":"…","verdict":true,"void":false}`
    pub fn to_json(&self) -> String {
        let word = |known: Option<bool>| match known {
            None => "null",
            Some(false) => "false",
            Some(true) => "true",
        };
        let mut writer = Writer::object();
        writer.key("detail").string(&self.detail);
        writer.key("fresh").raw(word(self.fresh));
        match &self.origin {
            None => writer.key("origin").raw("null"),
            Some(origin) => writer.key("origin").string(origin),
        };
        writer.key("verdict").raw(word(Some(self.holds())));
        writer.key("void").raw(word(self.void));
        writer.finish()
    }
}

/// Says what a status receipt shows of a proof: SPEC.md section 5.6. A policy that could not be
/// read vouches for nothing.
pub fn verify_status(
    proof_hash: &Hash,
    policy: &Result<Policy>,
    request: &StatusRequest<'_>,
) -> StatusVerdict {
    let shown = StatusReceipt::parse(request.receipt)
        .map_err(|error| failure(&error))
        .and_then(|receipt| Ok((last_entry(&receipt, policy)?, receipt.proof)));
    let (last, proof) = match shown {
        Ok(shown) => shown,
        Err(detail) => return StatusVerdict { detail, fresh: None, origin: None, void: None },
    };
    let aged = last.check_age(Freshness { now: request.now, max_age: request.max_age });
    let fresh = Some(aged.is_ok());
    let mut detail = aged.err().map(|why| why + "; ").unwrap_or_default();
    let void = match last.standing(&proof, proof_hash) {
        Err(why) => {
            detail.push_str(&why);
            None
        }
        Ok((standing, said)) => {
            detail.push_str(&said);
            Some(matches!(standing, Standing::Void(_)))
        }
    };
    detail.push_str("; ");
    detail.push_str(&last.describe());
    StatusVerdict { detail, fresh, origin: Some(last.origin), void }
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
                let leaf = merkle::leaf(proof_hash);
                let (index, count, path) = (inclusion.index(), inclusion.count(), inclusion.path());
                // Its length was checked when it was read.
                let reached = merkle::path_root(&leaf, index, count, path).unwrap_or(leaf);
                Err(alloc::format!(
                    "the path leads from leaf {index} of {count} to {}, not to {}",
                    hex::format_hash(&reached),
                    root_text()
                ))
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
