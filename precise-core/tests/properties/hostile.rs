//! What somebody sends who wants to be believed: edges of numbers, other spellings, several
//! signatures by one key, and texts that are large in every way.

use std::error::Error;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use precise_core::merkle::{Inclusion, leads_to, node};
use precise_core::note::{Algorithm, Checkpoint, MAX_DECIMAL, Note, Signer, VerifierKey};
use precise_core::policy::Policy;
use precise_core::receipt::{Receipt, StatusReceipt};
use precise_core::status::StatusProof;
use precise_core::tlog::{self, LogProof};
use precise_core::verify::{
    Evidence, ReceiptRequest, StatusRequest, verify_receipt, verify_status,
};
use precise_core::{Code, Result as CoreResult};

type Outcome = Result<(), Box<dyn Error>>;

fn code<T>(result: CoreResult<T>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn signer(name: &str, algorithm: Algorithm, seed: u8) -> CoreResult<Signer> {
    Signer::from_seed(name, algorithm, &[seed; 32])
}

fn checkpoint(origin: &str, size: u64) -> String {
    let root = if size == 0 { tlog::empty_root() } else { [7; 32] };
    Checkpoint { origin: origin.into(), size, root, extensions: Vec::new() }.to_text()
}

#[test]
fn the_bounds_of_sizes_and_indices_are_met() -> Outcome {
    let (leaf, root) = (tlog::leaf(b"a"), [7; 32]);
    for size in [0, 1, 2, 1 << 62, MAX_DECIMAL] {
        // An index is below the size.
        assert!(!leads_to(&leaf, size, size, &[], &root));
        assert!(!leads_to(&leaf, u64::MAX, size, &[root; 63], &root));
    }
    assert!(leads_to(&leaf, 0, 1, &[], &leaf));
    let text = |index: &str| format!("c2sp.org/tlog-proof@v1\nindex {index}\n\na\n");
    let proof = LogProof::parse(&text("9223372036854775807"))?;
    assert!(!proof.leads_to(b"a", MAX_DECIMAL, &leaf));
    for index in ["9223372036854775808", "18446744073709551616", "1e3", "0x1", "\u{663}", "1 "] {
        assert_eq!(code(LogProof::parse(&text(index))), Some(Code::LogProof), "{index}");
    }
    for (count, index) in [("0", "0"), ("1", "1"), ("9007199254740992", "0"), ("-1", "0")] {
        let json = format!("{{\"count\":{count},\"index\":{index},\"path\":[]}}");
        assert_eq!(code(Inclusion::parse(json.as_bytes())), Some(Code::Inclusion), "{json}");
    }
    Ok(())
}

#[test]
fn the_path_of_the_last_entry_of_the_largest_log_is_followed() {
    // 2^63 - 1 entries: the last stands alone below each of 62 complete trees to its left.
    let leaf = tlog::leaf(b"a");
    let path: Vec<[u8; 32]> = (0..62).map(|i| [i; 32]).collect();
    let root = path.iter().fold(leaf, |below, left| node(left, &below));
    assert!(leads_to(&leaf, MAX_DECIMAL - 1, MAX_DECIMAL, &path, &root));
    assert!(!leads_to(&leaf, MAX_DECIMAL - 1, MAX_DECIMAL, &path[1..], &root));
    assert!(!leads_to(&leaf, MAX_DECIMAL - 2, MAX_DECIMAL, &path, &root));
}

#[test]
fn a_key_may_have_a_plus_in_its_base64() -> Outcome {
    let mut found = 0;
    for seed in 0..=u8::MAX {
        let signer = signer("example.com/log", Algorithm::Ed25519, seed)?;
        let text = signer.verifier_key().to_text();
        assert_eq!(VerifierKey::parse(&text)?.to_text(), text);
        assert_eq!(*Signer::parse(&signer.to_text())?.to_text(), *signer.to_text());
        found += usize::from(text.matches('+').count() > 2);
    }
    assert!(found > 50, "{found} of 256 keys have one");
    Ok(())
}

#[test]
fn a_cosignature_at_time_0_is_one() -> Outcome {
    let log = signer("example.com/log", Algorithm::Ed25519, 1)?;
    let witness = signer("w", Algorithm::Cosignature, 2)?;
    let text = checkpoint("example.com/log", 0);
    let note = Note::new(&text, vec![log.sign(&text, 0)?, witness.sign(&text, 0)?])?.to_text();
    let keys = (log.verifier_key().to_text(), witness.verifier_key().to_text());
    let policy = Policy::parse(&format!("log {}\nwitness w {}\nquorum w\n", keys.0, keys.1))?;
    assert_eq!(policy.open(&note)?.seen, Some(0));
    Ok(())
}

#[test]
fn one_wrong_signature_by_a_key_refuses_the_right_one() -> Outcome {
    let log = signer("example.com/log", Algorithm::Ed25519, 1)?;
    let text = checkpoint("example.com/log", 5);
    let (right, wrong) = (log.sign(&text, 0)?, log.sign("other\n", 0)?);
    let policy = format!("log {}\nquorum none\n", log.verifier_key().to_text());
    let policy = Policy::parse(&policy)?;
    assert!(policy.open(&Note::new(&text, vec![right.clone(), right.clone()])?.to_text()).is_ok());
    for signatures in [vec![right.clone(), wrong.clone()], vec![wrong.clone(), right.clone()]] {
        let note = Note::new(&text, signatures)?.to_text();
        assert_eq!(code(policy.open(&note)), Some(Code::Signature));
    }
    // A signature of the same name by another key is nobody's.
    let other = signer("example.com/log", Algorithm::Ed25519, 9)?.sign(&text, 0)?;
    assert!(policy.open(&Note::new(&text, vec![other.clone(), right])?.to_text()).is_ok());
    let note = Note::new(&text, vec![other])?.to_text();
    assert_eq!(code(policy.open(&note)), Some(Code::Unsigned));
    Ok(())
}

#[test]
fn an_origin_is_compared_as_it_stands() -> Outcome {
    let log = signer("example.com/log", Algorithm::Ed25519, 1)?;
    let policy = format!("log {}\nquorum none\n", log.verifier_key().to_text());
    let policy = Policy::parse(&policy)?;
    let opened = |origin: &str| -> CoreResult<_> {
        let text = checkpoint(origin, 5);
        policy.open(&Note::new(&text, vec![log.sign(&text, 0)?])?.to_text())
    };
    assert!(opened("example.com/log").is_ok());
    for origin in [
        "example.com/log ",
        " example.com/log",
        "\u{feff}example.com/log",
        "Example.com/log",
        "example.com/log/",
        "example.com/l\u{43e}g",
        "a b",
    ] {
        assert_eq!(code(opened(origin)), Some(Code::Unsigned), "{origin:?}");
    }
    assert_eq!(code(opened("")), Some(Code::Checkpoint));
    assert_eq!(code(opened("example.com/log\r")), Some(Code::Note));
    Ok(())
}

#[test]
fn other_line_ends_and_a_byte_order_mark_are_refused() -> Outcome {
    let log = signer("example.com/log", Algorithm::Ed25519, 1)?;
    let text = checkpoint("example.com/log", 5);
    let note = Note::new(&text, vec![log.sign(&text, 0)?])?.to_text();
    let policy = format!("log {}\nquorum none\n", log.verifier_key().to_text());
    for (policy, note, expected) in [
        (policy.clone(), note.replace('\n', "\r\n"), Code::Note),
        (policy.clone(), format!("\u{feff}{note}"), Code::Unsigned),
        (policy.clone(), note.replace("\n\n", "\n\u{2028}\n"), Code::Note),
        (policy.replace('\n', "\r\n"), note.clone(), Code::Policy),
        (format!("\u{feff}{policy}"), note.clone(), Code::Policy),
        (policy.replace(' ', "\u{a0}"), note.clone(), Code::Policy),
        (policy.replace('\n', "\u{85}"), note, Code::Policy),
    ] {
        let opened = Policy::parse(&policy).and_then(|policy| policy.open(&note));
        assert_eq!(code(opened), Some(expected), "{policy:?} {note:?}");
    }
    for wrong in ["\u{feff}{}", "{}\0", "{\"v\":1,\"v\":1}", "{\"v\":1e400}", "[[[["] {
        assert_eq!(code(Receipt::parse(wrong.as_bytes())), Some(Code::Receipt), "{wrong:?}");
        assert_eq!(code(StatusReceipt::parse(wrong.as_bytes())), Some(Code::Receipt), "{wrong:?}");
        assert_eq!(code(Evidence::parse(wrong.as_bytes())), Some(Code::Evidence), "{wrong:?}");
    }
    Ok(())
}

/// Each is read once, or not to its end: what would take the square of its length does not finish.
#[test]
fn what_is_large_is_refused_as_what_is_small() -> Outcome {
    const MANY: usize = 40_000;
    let hash_line = format!("{}\n", BASE64.encode([7; 32]));
    let log = signer("example.com/log", Algorithm::Ed25519, 1)?;
    let key = log.verifier_key().to_text();

    let witness = signer("w", Algorithm::Cosignature, 2)?.verifier_key().to_text();
    let head = format!("log {key}\nwitness w {witness}\n");
    let long_policies = [
        format!("{head}group g all {}\nquorum g\n", "w ".repeat(MANY)),
        format!("{head}{}quorum none\n", "group g any w\n".repeat(MANY)),
        format!("{head}{}quorum none\n", "log a+b+c\n".repeat(MANY)),
        format!("{head}quorum {}\n", "w".repeat(MANY)),
    ];
    for policy in &long_policies {
        assert_eq!(code(Policy::parse(policy)), Some(Code::Policy));
    }
    assert!(Policy::parse(&format!("{}{head}quorum w\n", "# a\n\t \n".repeat(MANY))).is_ok());

    let line = "\u{2014} a AAAAAAA=\n";
    let long_notes = [
        format!("a\n\n{}", line.repeat(MANY)),
        "\n".repeat(MANY),
        format!("a\n\n\u{2014} a {}\n", "A".repeat(4 * MANY + 1)),
        format!("a\n\n\u{2014} {} AAAAAAA=", "a".repeat(MANY)),
    ];
    for note in &long_notes {
        assert_eq!(code(Note::parse(note.as_bytes())), Some(Code::Note));
    }
    let text = format!("{}{}", checkpoint("example.com/log", 5), "more\n".repeat(MANY));
    let note = Note::new(&text, vec![log.sign(&text, 0)?])?.to_text();
    let policy = format!("log {key}\nquorum none\n");
    assert_eq!(Policy::parse(&policy)?.open(&note)?.checkpoint.extensions.len(), MANY);

    let long_proof = format!("c2sp.org/tlog-proof@v1\nindex 0\n{}\na\n", hash_line.repeat(MANY));
    assert_eq!(code(LogProof::parse(&long_proof)), Some(Code::LogProof));

    let mut hashes = String::new();
    for i in 0..MANY {
        write!(hashes, "{}\"0x{i:064x}\"", if i == 0 { "" } else { "," })?;
    }
    let proof = format!("{{\"path\":[{hashes}]}}");
    assert_eq!(code(StatusProof::parse(proof.as_bytes())), Some(Code::StatusProof));
    let inclusion = format!("{{\"count\":9,\"index\":0,\"path\":[{hashes}]}}");
    assert_eq!(code(Inclusion::parse(inclusion.as_bytes())), Some(Code::Inclusion));
    let mut members = String::new();
    for i in 0..MANY {
        write!(members, ",\"{i:06}\":{i}")?;
    }
    let receipt = format!("{{\"v\":1{members}}}");
    assert_eq!(code(Receipt::parse(receipt.as_bytes())), Some(Code::Receipt));

    // And all of it in a verdict.
    let record = format!("\"{}\"", "a".repeat(MANY));
    let verdict = verify_receipt(&ReceiptRequest {
        record: record.as_bytes(),
        blind: None,
        receipt: receipt.as_bytes(),
        policy: long_policies[0].as_bytes(),
        kind: None,
        status: Some(StatusRequest { receipt: proof.as_bytes(), now: i64::MIN, max_age: u64::MAX }),
    });
    assert_eq!(verdict.failed(), Some("proof"));
    let request = StatusRequest { receipt: proof.as_bytes(), now: i64::MAX, max_age: 0 };
    assert!(!verify_status(&[7; 32], &Policy::parse(&policy), &request).holds());
    Ok(())
}
