//! Receipts: what was given out holds, and with any byte changed it fails where it was changed.

use precise_core::canonical::canonicalize;
use precise_core::entry::{BatchEntry, BatchKind, Entry, StatusEntry};
use precise_core::merkle::{Batch, Membership, RootBuilder};
use precise_core::note::{Algorithm, Checkpoint, Note, Signer};
use precise_core::policy::Policy;
use precise_core::proof::{self, Blind};
use precise_core::receipt::{Receipt, StatusReceipt};
use precise_core::row::UtcSecond;
use precise_core::status::StatusMap;
use precise_core::tlog::{self, LogProof};
use precise_core::verify::{ReceiptRequest, StatusRequest, verify_receipt};
use precise_core::{Code, Hash};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::batches::spread;
use crate::spelling::{spell, tree};

const NOW: i64 = 1_795_377_600;

/// All that a verifier is given.
struct Given {
    record: String,
    blind: Option<Blind>,
    receipt: String,
    policy: String,
    status: String,
}

impl Given {
    fn new(record: String, blind: Option<Blind>, others: usize, index: u64, size: u64) -> Self {
        let log = signer("example.com/log", Algorithm::Ed25519, 1);
        let status_log = signer("example.com/log/status", Algorithm::Ed25519, 2);
        let witness = signer("witness.example", Algorithm::Cosignature, 3);
        let canonical = canonicalize(record.as_bytes()).unwrap();
        let proof_hash = proof::hash(&canonical, blind.as_ref());
        let mut hashes = spread(others);
        hashes.push(proof_hash);
        let batch = Batch::new(hashes).unwrap();
        let Membership::Included(inclusion) = batch.prove(&proof_hash) else {
            panic!("it is in its batch");
        };
        let at = UtcSecond::from_posix(NOW).unwrap();
        let entry = Entry::Batch(BatchEntry {
            kind: BatchKind::Records,
            batch_root: batch.root(),
            closed_at: at,
            count: inclusion.count(),
            label: None,
            part: None,
        });
        let entry = entry.to_json().unwrap();
        let tlog_proof = log_proof(&[&log, &witness], &entry, index, size);
        let blinded = blind.is_some();
        let receipt = Receipt { batch: inclusion, blinded, entry, proof_hash, tlog_proof };
        let mut map = StatusMap::default();
        for hash in spread(others) {
            map.insert(hash, [9; 32]);
        }
        let entry = StatusEntry { at, count: map.count(), map_root: map.root() };
        let entry = Entry::Status(entry).to_json().unwrap();
        let tlog_proof = log_proof(&[&status_log, &witness], &entry, size - 1, size);
        let status = StatusReceipt { entry, proof: map.prove(&proof_hash), tlog_proof };
        let key = |signer: &Signer| signer.verifier_key().to_text();
        let policy = format!(
            "log {}\nlog {}\nwitness w {}\nquorum w\n",
            key(&log),
            key(&status_log),
            key(&witness)
        );
        Self { record, blind, receipt: receipt.to_json(), policy, status: status.to_json() }
    }

    /// The step that fails, or `none`.
    fn failed(&self, change: Change<'_>) -> &'static str {
        let (mut record, mut receipt) = (self.record.as_bytes(), self.receipt.as_bytes());
        let (mut policy, mut status) = (self.policy.as_bytes(), self.status.as_bytes());
        match change {
            Change::None => {}
            Change::Policy(changed) => policy = changed,
            Change::Receipt(changed) => receipt = changed,
            Change::Record(changed) => record = changed,
            Change::Status(changed) => status = changed,
        }
        let verdict = verify_receipt(&ReceiptRequest {
            record,
            blind: self.blind.as_ref(),
            receipt,
            policy,
            kind: Some("records"),
            status: Some(StatusRequest { receipt: status, now: NOW + 60, max_age: 60 }),
        });
        let json = verdict.to_json();
        assert_eq!(canonicalize(json.as_bytes()).unwrap(), json.as_bytes());
        verdict.failed().unwrap_or("none")
    }
}

/// What is given otherwise.
#[derive(Clone, Copy)]
enum Change<'a> {
    None,
    Policy(&'a [u8]),
    Receipt(&'a [u8]),
    Record(&'a [u8]),
    Status(&'a [u8]),
}

fn signer(name: &str, algorithm: Algorithm, seed: u8) -> Signer {
    Signer::from_seed(name, algorithm, &[seed; 32]).unwrap()
}

/// That `entry` is number `index` of a log of the first signer, whose other entries are numbers.
fn log_proof(signers: &[&Signer], entry: &str, index: u64, size: u64) -> String {
    let leaves: Vec<Hash> = (0..size)
        .map(|i| tlog::leaf(if i == index { entry.into() } else { i.to_string() }.as_bytes()))
        .collect();
    let read = |height: u32, number: u64| {
        let mut builder = RootBuilder::default();
        for leaf in &leaves[(number << height) as usize..((number + 1) << height) as usize] {
            builder.push_node(*leaf);
        }
        builder.finish().ok_or(())
    };
    let path = tlog::prove_inclusion(index, size, read).unwrap();
    let root = tlog::root(size, read).unwrap();
    let origin = signers[0].verifier_key().name().to_string();
    let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_text();
    let time = NOW as u64 + 30;
    let signatures = signers.iter().map(|signer| signer.sign(&text, time).unwrap()).collect();
    let checkpoint = Note::new(&text, signatures).unwrap().to_text();
    LogProof { extra: None, index, path, checkpoint }.to_text()
}

/// The steps that can fail where a byte of a receipt was changed: that it is none, or that one of
/// its members is another.
fn steps_of(receipt: &str, at: usize) -> &'static [&'static str] {
    let behind = |member: &str| receipt.find(member).is_some_and(|begin| at >= begin);
    if behind("\"v\":1}") {
        &["proof"]
    } else if behind("\"tlog_proof\":") {
        &["proof", "log", "checkpoint"]
    } else if behind("\"proof_hash\":") {
        &["proof"]
    } else if behind("\"entry\":") {
        &["proof", "batch", "entry", "log"]
    } else {
        &["proof", "batch"]
    }
}

/// Every text with one bit of one byte changed.
fn changes(text: &str, bit: u32) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..text.len()).map(move |at| {
        let mut changed = text.as_bytes().to_vec();
        changed[at] ^= 1 << bit;
        (at, changed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn what_was_changed_fails_where_it_was(
        tree in tree(),
        blind in any::<Option<Hash>>(),
        others in 1_usize..10,
        (index, size) in (1_u64..20).prop_flat_map(|size| (0..size, Just(size))),
        bit in 0..8_u32,
    ) {
        let blind = blind.map(|bytes| Blind::from_bytes(&bytes).unwrap());
        let given = Given::new(spell(&tree, &[]), blind, others, index, size);
        prop_assert_eq!(given.failed(Change::None), "none");
        for (at, changed) in changes(&given.receipt, bit) {
            let failed = given.failed(Change::Receipt(&changed));
            let steps = steps_of(&given.receipt, at);
            prop_assert!(steps.contains(&failed), "{at}: {failed}");
        }
        for (at, changed) in changes(&given.status, bit) {
            prop_assert_eq!(given.failed(Change::Status(&changed)), "status", "{}", at);
        }
        for (at, changed) in changes(&given.policy, bit) {
            let failed = given.failed(Change::Policy(&changed));
            prop_assert!(["checkpoint", "status"].contains(&failed), "{at}: {failed}");
        }
        let canonical = canonicalize(given.record.as_bytes()).unwrap();
        for (at, changed) in changes(&given.record, bit) {
            let expected = match canonicalize(&changed) {
                Err(_) => "record",
                // Another spelling of the same record.
                Ok(same) if same == canonical => "none",
                Ok(_) => "proof",
            };
            prop_assert_eq!(given.failed(Change::Record(&changed)), expected, "{}", at);
        }
    }

    #[test]
    fn any_bytes_end_in_a_verdict(bytes in vec(any::<u8>(), 0..60), text in "\\PC{0,60}") {
        let given = Given::new("{}".into(), None, 1, 0, 1);
        prop_assert_eq!(given.failed(Change::Receipt(&bytes)), "proof");
        prop_assert_eq!(given.failed(Change::Status(&bytes)), "status");
        prop_assert_eq!(Policy::parse(&text).unwrap_err().code(), Code::Policy);
        prop_assert_eq!(Receipt::parse(&bytes).unwrap_err().code(), Code::Receipt);
        prop_assert_eq!(StatusReceipt::parse(&bytes).unwrap_err().code(), Code::Receipt);
    }
}
