//! Logs and bid requests made by others, from `../shared/vectors` beside the checkout.
//!
//! They are extra: where a folder is missing its test passes, and says so.

use std::path::{Path, PathBuf};

use precise_core::hex;
use serde_json::{Value, json};

use crate::common::{Place, skipped};

fn vectors(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../../shared/vectors").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    skipped(&format!("../shared/vectors/{name} not found"));
    None
}

/// Mints one of the samples as it is; its records, by row.
fn mint_sample(folder: &Path, name: &str, place: &Place) -> (Value, Vec<Value>) {
    let input = folder.join("samples").join(name);
    let summary = place.mint(&[input.to_str().unwrap(), "-o", "out.parquet", "--with-record"]);
    let proofs = place.proofs("out.parquet");
    let record = |proof: &crate::common::Proof| {
        let text = proof.record.as_deref().unwrap();
        let expected = crate::common::Proof::of(proof.row, text).with_record(text);
        assert_eq!(*proof, expected);
        serde_json::from_str(text).unwrap()
    };
    (summary, proofs.iter().map(record).collect())
}

#[test]
fn beeswax_logs_are_minted_as_they_are() {
    let Some(folder) = vectors("beeswax") else { return };
    for (name, rows, columns) in [
        ("win_log", 37, 262),
        ("bid_log", 74, 193),
        ("auction_log", 70, 153),
        ("conversion_log", 967, 12),
        ("segment_log", 999, 4),
    ] {
        let place = Place::new();
        let (summary, records) = mint_sample(&folder, &format!("{name}.csv.gz"), &place);
        assert_eq!(summary["records"], rows, "{name}");
        assert_eq!(summary["minted"], rows, "{name}");
        assert_eq!(summary["rejected"], json!({}), "{name}");
        assert_eq!(place.names(), ["out.parquet"], "{name}");
        let headers = folder.join(format!("headers/{name}_headers.csv"));
        let header = std::fs::read_to_string(headers).unwrap();
        let header: Vec<String> =
            header.trim().split(',').map(|column| column.trim().to_ascii_lowercase()).collect();
        for record in &records {
            let record = record.as_object().unwrap();
            assert_eq!(record.len(), columns, "{name}");
            assert!(record.values().all(Value::is_string), "{name}");
            for column in record.keys() {
                assert!(header.contains(column), "{name}: {column:?}");
            }
        }
    }
}

#[test]
fn beeswax_conversions_repeat_and_their_markers_are_text() {
    let Some(folder) = vectors("beeswax") else { return };
    let (summary, records) = mint_sample(&folder, "conversion_log.csv.gz", &Place::new());
    assert_eq!((&summary["distinct"], &summary["duplicates"]), (&json!(960), &json!(7)));
    let markers = records.iter().flat_map(|record| record.as_object().unwrap().values());
    assert_eq!(markers.filter(|cell| *cell == "[VALUE]").count(), 262);
    assert!(records.iter().all(|record| record["auction_id"] == ""));
}

#[test]
fn beeswax_quirks_survive_as_text() {
    let Some(folder) = vectors("beeswax") else { return };
    let (_, wins) = mint_sample(&folder, "win_log.csv.gz", &Place::new());
    let cells = || wins.iter().flat_map(|record| record.as_object().unwrap().values());
    assert!(cells().any(|cell| cell.as_str().unwrap().contains("\\,")), "a backslash and a comma");
    assert!(wins.iter().any(|win| win["bid_time"] == "00:13.8"));

    let (_, segments) = mint_sample(&folder, "segment_log.csv.gz", &Place::new());
    for record in &segments {
        for column in record.as_object().unwrap().keys() {
            assert!(column.is_ascii(), "the byte order mark is no part of {column:?}");
        }
    }
    let lists = segments.iter().flat_map(|record| record.as_object().unwrap().values());
    assert!(lists.filter(|cell| cell.as_str().unwrap().contains(", ")).count() > 0);
}

#[test]
fn beeswax_wins_are_reconciled_but_for_two() {
    let Some(folder) = vectors("beeswax") else { return };
    let place = Place::new();
    let log = folder.join("samples/win_log.csv.gz");
    let run = place.run(&["reconcile", log.to_str().unwrap(), "--json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!((&report["rows"], &report["reconciled"]), (&json!(37), &json!(0)));
    assert_eq!(report["explained"], json!({ "fee": 15, "bid_reduction": 20 }));
    assert_eq!((&report["unexplained"], &report["rejected"]), (&json!(2), &json!({})));
    for group in report["groups"].as_array().unwrap() {
        if group["outcome"] == "explained" {
            assert_eq!(group["rounded"], json!(false));
            assert_eq!(group["rate_micros"], "5000000");
        }
    }
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(finding["clearing_price_micros"], "18915");
        assert_eq!(finding["win_cost_micros"], "20000");
        assert_eq!(finding["clearing_price_by_bid_reduction"], "19000");
    }
    // What a spreadsheet did to the log of bids is no win log's fault.
    for name in ["bid_log", "auction_log", "conversion_log", "segment_log"] {
        let other = folder.join(format!("samples/{name}.csv.gz"));
        place.run(&["reconcile", other.to_str().unwrap()]).fails_with(2, &["has no column"]);
    }
}

#[test]
fn openrtb_requests_have_the_same_hash_from_mint_and_from_canonical() {
    let Some(folder) = vectors("openrtb") else { return };
    let place = Place::new();
    let input = folder.join("bid_requests.jsonl");
    let summary = place.mint(&[input.to_str().unwrap(), "-o", "out.parquet", "--strict"]);
    assert_eq!(summary["records"], 60);
    let text = std::fs::read_to_string(input).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let proofs = place.proofs("out.parquet");
    assert_eq!((lines.len(), proofs.len()), (60, 60));
    for (line, proof) in lines.iter().zip(&proofs) {
        let canonical = place.run_with(&["canonical"], line.as_bytes()).succeeds();
        let hash = blake3::hash(canonical.as_bytes());
        assert_eq!(hex::format_hash(hash.as_bytes()), hex::format_hash(&proof.hash), "{line}");
        assert_eq!(proof.size, Some(canonical.len() as u32), "{line}");
    }
}
