//! Verdicts: the failing step is named, and the verdict is itself canonical.

use precise_core::canonical::canonicalize;
use precise_core::merkle::Batch;
use precise_core::proof::{Blind, ProofDocument};
use precise_core::verify::{Claim, Position, Request, STEPS, Verdict, verify, verify_proof};
use precise_core::{Code, Hash};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::batches::spread;
use crate::spelling::{Tree, spell, tape, tree};

/// A record with its proof and its place in a batch, all in the publisher's spelling.
struct Published {
    tree: Tree,
    record: String,
    proof: String,
    hash: Hash,
    position: String,
    root: Hash,
}

impl Published {
    fn new(tree: Tree, tape: &[u8], blind: Option<&Blind>, others: usize) -> Self {
        let record = spell(&tree, tape);
        let document = ProofDocument::of(&canonicalize(record.as_bytes()).unwrap(), blind);
        let hash = document.proof_hash;
        let mut hashes = spread(others);
        hashes.push(hash);
        let batch = Batch::new(hashes).unwrap();
        Self {
            tree,
            record,
            proof: document.to_json(),
            hash,
            position: batch.prove(&hash).to_json(),
            root: batch.root(),
        }
    }

    fn request<'a>(&'a self, record: &'a str, blind: Option<&'a Blind>) -> Request<'a> {
        Request {
            record: record.as_bytes(),
            blind,
            proof: Some(Claim::Document(self.proof.as_bytes())),
            batch: Some((Position::Included(self.position.as_bytes()), self.root)),
        }
    }
}

/// Checks what every verdict has in common, and returns the step that failed.
fn failed(verdict: &Verdict) -> Result<Option<&'static str>, TestCaseError> {
    let json = verdict.to_json();
    let canonical = canonicalize(json.as_bytes()).unwrap();
    prop_assert_eq!(String::from_utf8(canonical).unwrap(), json.clone());
    let document: Value = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(&document["verdict"], &Value::from(verdict.holds()));
    prop_assert_eq!(&document["failed"], &Value::from(verdict.failed()));
    let names: Vec<_> = verdict.steps().iter().map(|step| step.name).collect();
    prop_assert_eq!(names, STEPS);
    let listed = document["steps"].as_array().unwrap();
    prop_assert_eq!(listed.len(), STEPS.len());
    let mut stopped = false;
    for (step, listed) in verdict.steps().iter().zip(listed) {
        prop_assert_eq!(&listed["name"], &Value::from(step.name));
        prop_assert_eq!(&listed["ok"], &Value::from(step.ok));
        prop_assert_eq!(&listed["detail"], &Value::from(&*step.detail));
        prop_assert_eq!(step.ok.is_none(), step.detail == "not checked");
        prop_assert!(!(stopped && step.ok.is_some()), "after a failure nothing is checked");
        stopped |= step.ok == Some(false);
    }
    prop_assert_eq!(verdict.holds(), verdict.failed().is_none());
    Ok(verdict.failed())
}

proptest! {
    #[test]
    fn what_was_published_holds_in_any_spelling(
        tree in tree(),
        tapes in (tape(), tape()),
        blind in any::<Option<Hash>>(),
        others in 0_usize..20,
    ) {
        let blind = blind.map(|bytes| Blind::from_bytes(&bytes).unwrap());
        let published = Published::new(tree, &tapes.0, blind.as_ref(), others);
        let respelled = spell(&published.tree, &tapes.1);
        for record in [&published.record, &respelled] {
            let mut request = published.request(record, blind.as_ref());
            prop_assert_eq!(failed(&verify(&request))?, None);
            request.proof = Some(Claim::Hash(published.hash));
            prop_assert_eq!(failed(&verify(&request))?, None);
            let proof = published.proof.as_bytes();
            prop_assert_eq!(verify_proof(record.as_bytes(), proof, blind.as_ref()), Ok(true));
        }
    }

    #[test]
    fn what_was_tampered_with_is_named(tree in tree(), other in tree(), others in 1_usize..20) {
        prop_assume!(tree != other);
        let published = Published::new(tree, &[], None, others);
        let other = spell(&other, &[]);
        let cut = &published.record[..published.record.len() - 1];
        if canonicalize(cut.as_bytes()).is_err() {
            prop_assert_eq!(failed(&verify(&published.request(cut, None)))?, Some("record"));
        }
        let mut request = published.request(&other, None);
        prop_assert_eq!(failed(&verify(&request))?, Some("proof"));
        request.proof = None;
        prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
        request.batch = None;
        prop_assert_eq!(failed(&verify(&request))?, None, "nothing was asked");

        let mut request = published.request(&published.record, None);
        let mut hash = published.hash;
        hash[31] ^= 1;
        request.proof = Some(Claim::Hash(hash));
        prop_assert_eq!(failed(&verify(&request))?, Some("proof"));
        request.proof = Some(Claim::Document(b"{}"));
        prop_assert_eq!(failed(&verify(&request))?, Some("proof"));

        let mut request = published.request(&published.record, None);
        let mut root = published.root;
        root[0] ^= 1;
        request.batch = Some((Position::Included(published.position.as_bytes()), root));
        prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
        let tampered = tampered_path(&published.position);
        request.batch = Some((Position::Included(tampered.as_bytes()), published.root));
        prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
        request.batch = Some((Position::Absent(published.position.as_bytes()), published.root));
        prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
    }

    #[test]
    fn a_blinded_proof_needs_its_blind(tree in tree(), blinds in any::<(Hash, Hash)>()) {
        prop_assume!(blinds.0 != blinds.1);
        let blind = Blind::from_bytes(&blinds.0).unwrap();
        let other = Blind::from_bytes(&blinds.1).unwrap();
        let published = Published::new(tree, &[], Some(&blind), 3);
        let missing = verify(&published.request(&published.record, None));
        prop_assert_eq!(failed(&missing)?, Some("proof"));
        prop_assert!(missing.steps()[1].detail.starts_with("PR305 "));
        let wrong = verify(&published.request(&published.record, Some(&other)));
        prop_assert_eq!(failed(&wrong)?, Some("proof"));
        let (record, proof) = (published.record.as_bytes(), published.proof.as_bytes());
        let error = verify_proof(record, proof, None).unwrap_err();
        prop_assert_eq!(error.code(), Code::MissingBlind);
        prop_assert_eq!(verify_proof(record, proof, Some(&other)), Ok(false));
    }

    #[test]
    fn absence_is_a_verdict_too(tree in tree(), others in 1_usize..20) {
        let record = spell(&tree, &[]);
        let canonical = canonicalize(record.as_bytes()).unwrap();
        let hash = ProofDocument::of(&canonical, None).proof_hash;
        let batch = Batch::new(spread(others)).unwrap();
        let absence = batch.prove(&hash).to_json();
        let position = Position::Absent(absence.as_bytes());
        let request = Request {
            record: record.as_bytes(),
            batch: Some((position, batch.root())),
            ..Request::default()
        };
        let verdict = verify(&request);
        prop_assert_eq!(failed(&verdict)?, None);
        prop_assert!(verdict.steps()[2].detail.starts_with("absent_if_sorted "));
        prop_assert_eq!(verdict.steps()[1].ok, None, "no proof was claimed");
        let request = Request { batch: Some((position, [0; 32])), ..request };
        prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
    }

    #[test]
    fn any_bytes_end_in_a_verdict(
        record in vec(any::<u8>(), 0..40),
        proof in vec(any::<u8>(), 0..40),
        position in vec(any::<u8>(), 0..40),
        root in any::<Hash>(),
    ) {
        for position in [Position::Included(&position), Position::Absent(&position)] {
            let request = Request {
                record: &record,
                blind: None,
                proof: Some(Claim::Document(&proof)),
                batch: Some((position, root)),
            };
            prop_assert!(failed(&verify(&request))?.is_some());
            let request = Request { record: b"{}", proof: None, ..request };
            prop_assert_eq!(failed(&verify(&request))?, Some("batch"));
        }
    }
}

/// The inclusion document with one digit of its path changed.
fn tampered_path(position: &str) -> String {
    let at = position.find("\"0x").expect("a batch of two has a path") + 3;
    let digit = if position[at..].starts_with('0') { "1" } else { "0" };
    format!("{}{digit}{}", &position[..at], &position[at + 1..])
}
