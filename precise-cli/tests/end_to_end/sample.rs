//! `precise sample`: the same events for the same seed, however they are packed.

use std::fs::File;
use std::io::Read;

use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::common::Place;

fn sample(place: &Place, seed: &str, events: &str, output: &str) {
    let args = ["sample", "--events", events, "--seed", seed, "-o", output];
    assert_eq!(place.run(&args).succeeds(), "");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let place = Place::new();
    for (name, seed) in [("a.ndjson", "7"), ("b.jsonl", "7"), ("c.ndjson", "8")] {
        sample(&place, seed, "500", name);
    }
    assert_eq!(place.read("a.ndjson"), place.read("b.jsonl"));
    assert_ne!(place.read("a.ndjson"), place.read("c.ndjson"));
    let default = place.run(&["sample", "--events", "3", "-o", "-"]).succeeds();
    let first = place.run(&["sample", "--events", "3", "-o", "-", "--seed", "1"]).succeeds();
    assert_eq!(default, first, "the seed is 1 unless told otherwise");
    // Fewer events are the first of more.
    sample(&place, "7", "20", "few.ndjson");
    assert!(place.text("a.ndjson").starts_with(&place.text("few.ndjson")));
    assert_eq!(place.text("few.ndjson").lines().count(), 20);
}

#[test]
fn the_events_are_the_same_on_every_machine() {
    let place = Place::new();
    let text = place.run(&["sample", "--events", "1000", "-o", "-"]).succeeds();
    let hash = blake3::hash(text.as_bytes()).to_hex();
    assert_eq!(
        hash.as_str(),
        "0de2fb338079521b0201a6fe74b3c55385cfbcaa164bc8f378b8952226a1176f",
        "{}",
        text.lines().next().unwrap()
    );
}

#[test]
fn every_packing_holds_the_same_events() {
    let place = Place::new();
    let names =
        ["e.ndjson", "e.ndjson.gz", "e.jsonl.gz", "e.ndjson.zst", "E.NDJSON.ZST", "e.parquet"];
    // More than are written at a time, and not a multiple of it.
    for name in names {
        sample(&place, "3", "9000", name);
    }
    let plain = place.text("e.ndjson");
    assert_eq!(plain.lines().count(), 9000);
    assert!(plain.ends_with("}\n"));
    assert_eq!(
        place.run(&["sample", "--events", "9000", "--seed", "3", "-o", "-"]).succeeds(),
        plain
    );
    for name in ["e.ndjson.gz", "e.jsonl.gz"] {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&place.read(name)[..]).read_to_string(&mut text).unwrap();
        assert!(text == plain, "{name}");
    }
    for name in ["e.ndjson.zst", "E.NDJSON.ZST"] {
        assert!(zstd::decode_all(&place.read(name)[..]).unwrap() == plain.as_bytes(), "{name}");
    }
    let file = File::open(place.path("e.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut lines = plain.lines();
    for batch in reader {
        let batch = batch.unwrap();
        assert_eq!(batch.num_columns(), 1);
        for event in batch["payload"].as_string::<i32>() {
            assert_eq!(event, lines.next());
        }
    }
    assert_eq!(lines.next(), None);

    let minted = |args: &[&str]| {
        let summary = place.mint(&[args, &["-o", "out.parquet", "--strict"]].concat());
        assert_eq!(summary["distinct"], 9000);
        summary["batches"].clone()
    };
    let batches = minted(&["e.ndjson"]);
    assert_eq!(minted(&["e.ndjson.gz"]), batches);
    assert_eq!(minted(&["e.parquet", "--column", "payload"]), batches);
}

#[test]
fn events_have_the_members_the_published_schema_requires() {
    let place = Place::new();
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/event.schema.json")).unwrap();
    let kinds = schema["properties"]["event_type"]["enum"].as_array().unwrap();
    let text = place.run(&["sample", "--events", "2000", "-o", "-"]).succeeds();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        for name in schema["required"].as_array().unwrap() {
            assert!(event.get(name.as_str().unwrap()).is_some(), "{name} is missing in {line}");
        }
        for name in event.as_object().unwrap().keys() {
            assert!(schema["properties"].get(name).is_some(), "{name} is not in the schema");
        }
        assert!(kinds.contains(&event["event_type"]), "{line}");
        seen.insert(event["event_type"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), kinds.len(), "2000 events are of every kind: {seen:?}");
}

#[test]
fn no_events_are_an_empty_file_of_each_kind() {
    let place = Place::new();
    for name in ["e.ndjson", "e.ndjson.gz", "e.ndjson.zst", "e.parquet"] {
        sample(&place, "1", "0", name);
        let column: &[&str] = if name == "e.parquet" { &["--column", "payload"] } else { &[] };
        let summary = place.mint(&[&[name, "-o", "out.parquet"], column].concat());
        assert_eq!(summary["records"], 0, "{name}");
    }
    assert_eq!(place.text("e.ndjson"), "");
    assert_eq!(place.run(&["sample", "--events", "0", "-o", "-"]).succeeds(), "");
}

#[test]
fn a_name_that_does_not_say_how_is_refused() {
    let place = Place::new();
    for name in ["e.txt", "e", "e.json", "e.csv", "gz", ".zst"] {
        let stderr = place.run(&["sample", "--events", "1", "-o", name]).fails(2);
        let names = ".ndjson, .ndjson.gz, .ndjson.zst or .parquet";
        assert_eq!(stderr, format!("error: {name}: the name must end in {names}\n"));
    }
    assert!(place.names().is_empty(), "{:?}", place.names());
    place
        .run(&["sample", "--events", "1", "-o", "no/e.ndjson"])
        .fails_with(2, &["cannot write no/e.ndjson: no such file or directory"]);
    for events in ["-1", "many", "1.5"] {
        place.run(&["sample", "--events", events, "-o", "e.ndjson"]).fails_with(2, &["--events"]);
    }
    place.run(&["sample", "-o", "e.ndjson"]).fails_with(2, &["--events"]);
}
