//! The laws of what a log is made of, and of receipts.

use precise_core::canonical::canonicalize;
use precise_core::entry::{Entry, MAX_LEN};
use precise_core::note::{Checkpoint, MAX_SIGNATURES, Note, VerifierKey};
use precise_core::policy::Policy;
use precise_core::receipt::{Receipt, StatusReceipt};
use precise_core::status::{Standing, StatusProof, VoidDocument};
use precise_core::tlog::{LogProof, leaf};
use precise_core::verify::{
    Evidence, MAX_AGE, STEPS, StatusRequest, verify_receipt_with, verify_status,
};
use precise_core::{Code, hex};

use crate::laws::assert_document;

/// A note is read as it is written, and so is the checkpoint in it; where nobody is named, nobody
/// has signed it.
pub fn note(data: &[u8]) {
    match Note::parse(data) {
        Ok(note) => {
            assert_eq!(note.to_text().as_bytes(), data);
            assert!((1..=MAX_SIGNATURES).contains(&note.signatures().len()));
            assert_eq!(note.open(&[]).map_err(|error| error.code()), Err(Code::Unsigned));
            checkpoint(note.text());
        }
        Err(error) => assert_eq!(error.code(), Code::Note),
    }
    if let Ok(text) = core::str::from_utf8(data) {
        checkpoint(text);
    }
}

fn checkpoint(text: &str) {
    match Checkpoint::parse(text) {
        Ok(checkpoint) => assert_eq!(checkpoint.to_text(), text),
        Err(error) => assert_eq!(error.code(), Code::Checkpoint),
    }
}

/// A key has one spelling.
pub fn verifier_key(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match VerifierKey::parse(text) {
        Ok(key) => assert_eq!(key.to_text(), text),
        Err(error) => assert_eq!(error.code(), Code::VerifierKey),
    }
}

/// An entry is its own canonical form, and has an identity.
pub fn entry(data: &[u8]) {
    match Entry::parse(data) {
        Ok(entry) => {
            assert!(data.len() <= MAX_LEN);
            assert_eq!(entry.to_json().as_deref().map(str::as_bytes), Ok(data));
            assert_eq!(canonicalize(data).as_deref(), Ok(data));
            assert!(entry.identity().is_ok());
        }
        Err(error) if data.len() > MAX_LEN => assert_eq!(error.code(), Code::EntrySize),
        Err(error) => assert_eq!(error.code(), Code::Entry),
    }
}

/// A log proof has one spelling, and leads to no root that was chosen before it.
pub fn log_proof(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match LogProof::parse(text) {
        Ok(proof) => {
            assert_eq!(proof.to_text(), text);
            assert!(proof.path.len() < 64);
            for size in [0, 1, proof.index, proof.index + 1, 1 << 62, u64::MAX >> 1] {
                assert!(!proof.leads_to(data, size, &[0; 32]));
                assert!(size > proof.index || proof.path_root(data, size).is_none());
            }
            assert_eq!(
                proof.path_root(data, 1),
                (proof.index == 0 && proof.path.is_empty()).then(|| leaf(data))
            );
        }
        Err(error) => assert_eq!(error.code(), Code::LogProof),
    }
}

/// A policy says the same with a comment in it, and vouches for no note that nobody signed.
pub fn policy(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            assert_eq!(Policy::parse(&format!("\t # log\n{text}\n")).as_ref(), Ok(&policy));
            let refused = policy.open("a\n").map_err(|error| error.code());
            assert_eq!(refused.err(), Some(Code::Note));
            let unsigned = "example.com/log\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n\
                            \u{2014} example.com/log AAAAAAA=\n";
            let refused = policy.open(unsigned).map_err(|error| error.code());
            assert_eq!(refused.err(), Some(Code::Unsigned));
        }
        Err(error) => assert_eq!(error.code(), Code::Policy),
    }
}

/// Keys of the corpus's receipts.
const POLICY: &str = concat!(
    "log example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n",
    "log example.com/log/status+da57edc3+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58\n",
    "quorum none\n",
);

/// A receipt is its canonical form, and ends in a verdict whatever is in it.
pub fn receipt(data: &[u8]) {
    let parsed = assert_document(data, Code::Receipt, Receipt::parse, Receipt::to_json);
    let Some(receipt) = parsed else { return };
    let Ok(evidence) = Evidence::parse(b"{\"now\":\"2026-11-22T20:00:00Z\"}") else {
        panic!("it is the one of SPEC.md");
    };
    let trusted = Policy::parse(POLICY);
    let record = b"{\"id\":\"7\",\"size\":1.5}";
    let verdict = verify_receipt_with(record, data, &trusted, &evidence);
    assert_canonical(&verdict.to_json());
    let names: Vec<&str> = verdict.steps().iter().map(|step| step.name).collect();
    assert_eq!(names, STEPS);
    if verdict.holds() {
        // What holds is of the record, and under no policy that trusts nobody.
        let hash = precise_core::proof::hash(record, None);
        assert_eq!(receipt.proof_hash, hash);
        let nobody = verify_receipt_with(record, data, &Policy::parse("quorum none\n"), &evidence);
        assert_eq!(nobody.failed(), Some("checkpoint"));
        let other = verify_receipt_with(b"{}", data, &trusted, &evidence);
        assert_eq!(other.failed(), Some("proof"));
    }
}

/// A status receipt is its canonical form; what it shows holds of its own place, and freshly.
pub fn status_receipt(data: &[u8]) {
    let Ok(receipt) = StatusReceipt::parse(data) else {
        let code = StatusReceipt::parse(data).map_err(|error| error.code()).err();
        assert!(matches!(code, Some(Code::Receipt | Code::StatusProof)));
        return;
    };
    let printed = receipt.to_json();
    assert_eq!(canonicalize(data).as_deref(), Ok(printed.as_bytes()));
    assert_eq!(StatusReceipt::parse(printed.as_bytes()), Ok(receipt));
    let far = StatusRequest { receipt: data, now: i64::MAX, max_age: MAX_AGE };
    let trusted = Policy::parse(POLICY);
    let any = StatusRequest { receipt: data, now: 0, max_age: u64::MAX };
    for hash in [[0; 32], [7; 32], [0xFF; 32]] {
        let verdict = verify_status(&hash, &trusted, &any);
        assert_canonical(&verdict.to_json());
        assert_eq!(verdict.origin.is_some(), verdict.fresh == Some(true), "of any age");
        assert!(verdict.origin.is_some() || verdict.void.is_none());
        assert!(!verify_status(&hash, &trusted, &far).holds());
        let nobody = verify_status(&hash, &Policy::parse("quorum none\n"), &any);
        assert_eq!((nobody.origin, nobody.void), (None, None));
    }
}

fn assert_canonical(json: &str) {
    assert_eq!(canonicalize(json.as_bytes()).as_deref(), Ok(json.as_bytes()));
}

/// A status proof is its canonical form. It says at most one thing of a proof, and of no two places
/// under one root.
pub fn status_proof(data: &[u8]) {
    let parsed = assert_document(data, Code::StatusProof, StatusProof::parse, StatusProof::to_json);
    let Some(proof) = parsed else { return };
    assert!(proof.path().len() <= 256);
    for hash in [[0; 32], [0x7F; 32], [0xFF; 32]] {
        if let Some((root, standing)) = proof.reach(&hash) {
            assert_eq!(proof.standing(&hash, &root), Some(standing));
            let mut other = root;
            other[0] ^= 1;
            assert_eq!(proof.standing(&hash, &other), None);
            let names_hash =
                data.windows(64).any(|w| w == &hex::format_hash(&hash).as_bytes()[2..]);
            assert!(names_hash || standing == Standing::Good);
        }
    }
}

/// A void document is its canonical form.
pub fn void_document(data: &[u8]) {
    assert_document(data, Code::VoidDocument, VoidDocument::parse, VoidDocument::to_json);
}
