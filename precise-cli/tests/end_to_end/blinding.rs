//! Minting and verifying with a secret.

use precise_core::proof::{self, Blind, ProofDocument};
use serde_json::{Value, json};

use crate::common::{Place, batches};

const SECRET: [u8; 32] = [0xA7; 32];

fn blind(record_id: &str) -> Blind {
    Blind::derive(&SECRET, record_id).unwrap()
}

fn place_with_secret() -> Place {
    let place = Place::new();
    place.write("secret.hex", format!("{}\n", "a7".repeat(32)));
    place
}

#[test]
fn each_record_is_hashed_with_the_blind_of_its_id_and_its_size_stays_hidden() {
    let place = place_with_secret();
    let records = [
        (r#"{"order":{"id":"o-1"},"price":1.5}"#, "o-1"),
        (r#"{"order":{"id":42.0},"price":2}"#, "42"),
        (r#"{"order":{"id":"é\n"}}"#, "é\n"),
    ];
    let text = records.map(|(record, _)| record).join("\n");
    let args = ["-", "-o", "out.parquet", "--secret-file", "secret.hex", "--record-id", "order.id"];
    let summary = place.mint_with(&[&args[..], &["--with-record"]].concat(), text.as_bytes());
    let proofs = place.proofs("out.parquet");
    assert_eq!(proofs.len(), records.len());
    for (i, (proof, (record, id))) in proofs.iter().zip(records).enumerate() {
        let canonical = precise_core::canonical::canonicalize(record.as_bytes()).unwrap();
        assert_eq!(proof.row, i as u64);
        assert_eq!(proof.hash, proof::hash(&canonical, Some(&blind(id))));
        let keyed = blake3::keyed_hash(blind(id).as_bytes(), &canonical);
        assert_eq!(proof.hash, *keyed.as_bytes());
        assert_eq!(proof.id, proof::format_id(&proof.hash));
        assert_eq!(proof.size, None);
        assert_eq!(proof.record.as_deref().map(str::as_bytes), Some(&canonical[..]));
    }
    assert_eq!(summary["batches"], batches(&proofs, 1 << 20));
}

#[test]
fn many_blinded_records_stay_with_their_rows() {
    let place = place_with_secret();
    // More canonical bytes than are hashed at a time, and every tenth without an id.
    let record = |i: usize| match i % 10 {
        3 => format!("{{\"pad\":\"{}\"}}", "y".repeat(50)),
        _ => format!("{{\"id\":{i},\"pad\":\"{}\"}}", "x".repeat(50)),
    };
    let text: String = (0..5000).map(|i| record(i) + "\n").collect();
    let args = ["-", "-o", "out.parquet", "--secret-file", "secret.hex", "--record-id", "id"];
    let summary = place.mint_with(&args, text.as_bytes());
    assert_eq!(summary["rejected"], json!({ "PR113": 500 }));
    let rows = (0..5000).filter(|i| i % 10 != 3);
    for (proof, row) in place.proofs("out.parquet").iter().zip(rows) {
        assert_eq!(proof.row, row as u64);
        let expected = proof::hash(record(row).as_bytes(), Some(&blind(&row.to_string())));
        assert_eq!(proof.hash, expected, "row {row}");
    }
}

#[test]
fn a_record_without_a_usable_id_is_refused() {
    let place = place_with_secret();
    let bad = [
        r#"{"o":{}}"#,
        r#"{"o":{"id":""}}"#,
        r#"{"o":{"id":null}}"#,
        r#"{"o":{"id":true}}"#,
        r#"{"o":{"id":[1]}}"#,
        r#"{"o":{"id":{"id":1}}}"#,
        r#"{"o":[{"id":1}]}"#,
        r#"{"o.id":1}"#,
        "7",
    ];
    let text = format!("{}\n{{\"o\":{{\"id\":\"last\"}}}}\n", bad.join("\n"));
    let args = ["-", "-o", "out.parquet", "--secret-file", "secret.hex", "--record-id", "o.id"];
    let summary = place.mint_with(&args, text.as_bytes());
    assert_eq!(summary["rejected"], json!({ "PR113": bad.len() }));
    let rejects = place.objects("out.rejects.ndjson");
    for (i, (reject, raw)) in rejects.iter().zip(bad).enumerate() {
        assert_eq!(
            (&reject["row"], &reject["code"], &reject["path"], &reject["raw"]),
            (&json!(i), &json!("PR113"), &json!("$.o.id"), &json!(raw))
        );
    }
    let proofs = place.proofs("out.parquet");
    assert_eq!(proofs.len(), 1);
    assert_eq!(proofs[0].row, bad.len() as u64);
    let last = proof::hash(br#"{"o":{"id":"last"}}"#, Some(&blind("last")));
    assert_eq!(proofs[0].hash, last);
}

#[test]
fn a_secret_file_holds_64_hex_digits_in_either_case_and_nothing_else() {
    let place = Place::new();
    let mint = |secret: &[u8]| {
        place.write("secret.hex", secret);
        let args = ["-", "-o", "out.parquet", "--secret-file", "secret.hex", "--record-id", "id"];
        place.run_with(&[&["mint"], &args[..]].concat(), b"{\"id\":1}")
    };
    let expected = proof::hash(br#"{"id":1}"#, Some(&blind("1")));
    let spellings = [
        "a7".repeat(32),
        "A7".repeat(32),
        format!(" {}\r\n", "a7".repeat(32)),
        "0x".to_owned() + &"a7".repeat(32),
    ];
    for secret in spellings {
        mint(secret.as_bytes()).succeeds();
        assert_eq!(place.proofs("out.parquet")[0].hash, expected, "{secret:?}");
    }
    std::fs::remove_file(place.path("out.parquet")).unwrap();
    for secret in [
        String::new(),
        "a7".repeat(31),
        "a7".repeat(33),
        "g7".repeat(32),
        format!("0x0x{}", "a7".repeat(32)),
        format!("{}\n{}", "a7".repeat(16), "a7".repeat(16)),
    ] {
        mint(secret.as_bytes())
            .fails_with(2, &["cannot use secret.hex: PR304", "openssl rand -hex 32"]);
    }
    mint(&SECRET).fails_with(2, &["PR304"]);
    assert_eq!(place.names(), ["secret.hex"]);
}

#[test]
fn secret_and_record_id_belong_together() {
    let place = place_with_secret();
    let mint = |args: &[&str]| {
        place.run_with(&[&["mint", "-", "-o", "out.parquet"], args].concat(), b"{\"id\":1}")
    };
    mint(&["--secret-file", "secret.hex"]).fails_with(2, &["--record-id"]);
    mint(&["--record-id", "id"]).fails_with(2, &["--secret-file"]);
    mint(&["--secret-file", "no.hex", "--record-id", "id"])
        .fails_with(2, &["cannot read no.hex: no such file or directory"]);
    for field in ["", "a..b", ".a", "a."] {
        mint(&["--secret-file", "secret.hex", "--record-id", field])
            .fails_with(2, &[&format!("--record-id {field}: ")]);
    }
    assert_eq!(place.names(), ["secret.hex"]);
}

#[test]
fn verification_needs_the_secret_and_the_id_of_a_blinded_record() {
    let place = place_with_secret();
    let canonical = br#"{"id":"o-1","price":1.5}"#;
    let document = ProofDocument::of(canonical, Some(&blind("o-1")));
    place.write("record.json", r#"{"price":1.50,"id":"o-1"}"#);
    place.write("proof.json", document.to_json());
    place.write("wrong.hex", "a8".repeat(32));
    let verify = |args: &[&str]| -> (Option<i32>, Value) {
        let args = [&["verify", "--record", "record.json", "--json"], args].concat();
        let run = place.run(&args);
        assert_eq!(run.stderr, "");
        (run.code, serde_json::from_slice(&run.stdout).unwrap())
    };
    let id = proof::format_id(&document.proof_hash);
    for claim in ["proof.json", &id] {
        let with = |secret: &str, record_id: &str| {
            verify(&["--proof", claim, "--secret-file", secret, "--record-id", record_id])
        };
        let (code, verdict) = with("secret.hex", "o-1");
        assert_eq!((code, &verdict["verdict"]), (Some(0), &json!(true)), "{verdict}");
        for (secret, record_id) in [("wrong.hex", "o-1"), ("secret.hex", "o-2")] {
            let (code, verdict) = with(secret, record_id);
            assert_eq!((code, &verdict["failed"]), (Some(1), &json!("proof")), "{verdict}");
        }
    }
    let (code, verdict) = verify(&["--proof", "proof.json"]);
    assert_eq!((code, &verdict["failed"]), (Some(1), &json!("proof")));
    let detail = verdict["steps"][1]["detail"].as_str().unwrap();
    assert!(detail.starts_with("PR305 the proof is blinded and no blind was given"), "{detail}");
    // A bare hash does not say whether it is blinded: it is another record's.
    let (code, verdict) = verify(&["--proof", &id]);
    assert_eq!((code, &verdict["failed"]), (Some(1), &json!("proof")));

    let alone = place.run(&[
        "verify",
        "--record",
        "record.json",
        "--proof",
        "proof.json",
        "--record-id",
        "o-1",
    ]);
    alone.fails_with(2, &["--secret-file"]);
}
