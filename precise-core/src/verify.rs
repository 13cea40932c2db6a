//! The verdict: verification step by step, each with what it found (SPEC.md section 5).
//!
//! A verdict is an answer, never an exception: whatever is wrong with what is verified is named in
//! the step that met it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::canonical;
use crate::document::Writer;
use crate::error::{Error, Result};
use crate::hex;
use crate::merkle::{Absence, Hash, Inclusion};
use crate::proof::{self, Blind, ProofDocument};

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
    let mut found: Vec<core::result::Result<Option<String>, String>> = Vec::new();
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
