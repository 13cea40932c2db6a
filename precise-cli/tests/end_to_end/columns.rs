//! `precise mint` of a Parquet column of JSON text.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type, UInt16Type};
use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, Int64Array, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray,
};
use serde_json::json;

use crate::common::{Place, Proof, records};

const TEXTS: [Option<&str>; 6] = [
    Some(r#"{"b":1.50,"a":1}"#),
    None,
    Some("{"),
    Some("[1]"),
    Some(""),
    Some(r#"{"b":1.50,"a":1}"#),
];

fn arrays() -> Vec<(&'static str, ArrayRef)> {
    let bytes: Vec<Option<&[u8]>> = TEXTS.iter().map(|text| text.map(str::as_bytes)).collect();
    vec![
        ("utf8", Arc::new(StringArray::from(TEXTS.to_vec()))),
        ("large_utf8", Arc::new(LargeStringArray::from(TEXTS.to_vec()))),
        ("utf8_view", Arc::new(StringViewArray::from(TEXTS.to_vec()))),
        ("binary", Arc::new(BinaryArray::from(bytes.clone()))),
        ("large_binary", Arc::new(LargeBinaryArray::from(bytes.clone()))),
        ("binary_view", Arc::new(BinaryViewArray::from(bytes))),
        ("dictionary", Arc::new(DictionaryArray::<Int32Type>::from_iter(TEXTS))),
        ("small_dictionary", Arc::new(DictionaryArray::<Int8Type>::from_iter(TEXTS))),
        ("unsigned_dictionary", Arc::new(DictionaryArray::<UInt16Type>::from_iter(TEXTS))),
    ]
}

#[test]
fn every_text_type_is_read_and_null_is_no_record() {
    let place = Place::new();
    place.write_parquet("in.parquet", arrays());
    for (name, _) in arrays() {
        let args = ["in.parquet", "-o", "out.parquet", "--with-record", "--column", name];
        let summary = place.mint(&args);
        let canonical = [r#"{"a":1,"b":1.5}"#, "[1]", r#"{"a":1,"b":1.5}"#];
        let expected: Vec<Proof> = [0, 3, 5]
            .into_iter()
            .zip(canonical)
            .map(|(row, record)| Proof::of(row, record).with_record(record))
            .collect();
        assert_eq!(place.proofs("out.parquet"), expected, "{name}");
        assert_eq!(summary["rejected"], json!({ "PR104": 2, "PR114": 1 }), "{name}");
        let rejects = place.objects("out.rejects.ndjson");
        assert_eq!(
            rejects[0],
            json!({
                "code": "PR114",
                "input": "in.parquet",
                "message": "the row has no record, at $",
                "offset": null,
                "path": "$",
                "raw": "",
                "row": 1,
            }),
            "{name}"
        );
        assert_eq!((&rejects[1]["row"], &rejects[1]["raw"]), (&json!(2), &json!("{")), "{name}");
        assert_eq!((&rejects[2]["row"], &rejects[2]["raw"]), (&json!(4), &json!("")), "{name}");
    }
}

#[test]
fn bytes_that_are_no_text_are_rejected_as_base64() {
    let place = Place::new();
    let cells: [&[u8]; 2] = [b"\"\xFF\"", b"{}"];
    place.write_parquet("in.parquet", vec![("j", Arc::new(BinaryArray::from_vec(cells.to_vec())))]);
    place.mint(&["in.parquet", "-o", "out.parquet", "--column", "j"]);
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!((&rejects[0]["code"], &rejects[0]["raw_base64"]), (&json!("PR101"), &json!("Iv8i")));
    assert_eq!(place.proofs("out.parquet"), [Proof::of(1, "{}")]);
}

#[test]
fn an_empty_column_has_no_rows() {
    let place = Place::new();
    place.write_parquet("in.parquet", vec![("j", Arc::new(StringArray::new_null(0)))]);
    let summary = place.mint(&["in.parquet", "-o", "out.parquet", "--column", "j"]);
    assert_eq!((&summary["records"], &summary["batches"]), (&json!(0), &json!([])));
}

#[test]
fn many_rows_come_out_in_order() {
    let place = Place::new();
    let count = 70_000;
    let texts = StringArray::from_iter_values((0..count).map(|i| format!("[{i}]")));
    place.write_parquet("in.parquet", vec![("j", Arc::new(texts))]);
    place.mint(&["in.parquet", "-o", "out.parquet", "--column", "j", "--with-record"]);
    let proofs = place.proofs("out.parquet");
    assert_eq!(proofs.len(), count);
    for (i, record) in records(&proofs).iter().enumerate() {
        assert_eq!((proofs[i].row, *record), (i as u64, format!("[{i}]").as_str()));
    }
}

#[test]
fn columns_that_are_missing_or_no_text_are_named() {
    let place = Place::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["{}"]));
    place.write_parquet("in.parquet", vec![("n", numbers), ("payload", texts)]);
    for (column, complaint) in [
        ("Payload", "in.parquet has no column \"Payload\"; its columns are n, payload"),
        ("n", "column \"n\" of in.parquet is Int64, not JSON text"),
    ] {
        let args = ["mint", "in.parquet", "-o", "out.parquet", "--column", column];
        place.run(&args).fails_with(2, &[complaint]);
    }
    assert_eq!(place.names(), ["in.parquet"]);
}

#[test]
fn a_column_is_asked_for_where_there_are_some_and_the_file_is_a_file() {
    let place = Place::new();
    place.write("in.parquet", "");
    place.write("in.ndjson", "{}");
    let cases: [(&[&str], &str); 4] = [
        (&["in.parquet"], "cannot read in.parquet as Parquet"),
        (&["-", "--format", "parquet"], "Parquet cannot be read from standard"),
        (&["-", "--format", "parquet", "--column", "j"], "Parquet cannot be read from standard"),
        (&["in.ndjson", "--column", "j"], "--column is for CSV and Parquet"),
    ];
    for (args, complaint) in cases {
        let args = [&["mint", "-o", "out.parquet"], args].concat();
        place.run(&args).fails_with(2, &[complaint]);
    }
}

#[test]
fn files_that_are_broken_or_no_parquet_are_refused_whole() {
    let place = Place::new();
    let texts = StringArray::from_iter_values((0..1000).map(|i| format!("[{i}]")));
    place.write_parquet("good.parquet", vec![("j", Arc::new(texts))]);
    let good = place.read("good.parquet");
    let mut hole = good.clone();
    hole[4..good.len() / 2].fill(0xEE);
    for (what, bytes) in [
        ("cut", &good[..good.len() - 10]),
        ("half", &good[..good.len() / 2]),
        ("beginning", &good[good.len() / 2..]),
        ("text", b"{\"a\":1}\n{\"a\":2}\n"),
        ("empty", b""),
        ("hole", &hole),
    ] {
        place.write("in.parquet", bytes);
        let run = place.run(&["mint", "in.parquet", "-o", "out.parquet", "--column", "j"]);
        if what == "beginning" {
            // Its end is whole, so it opens; its pages are not where the end says.
            assert_eq!(run.code, Some(2), "{run:?}");
        }
        let stderr = run.fails(2);
        assert!(stderr.contains("cannot read in.parquet as Parquet: "), "{what}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
        assert_eq!(place.names(), ["good.parquet", "in.parquet"], "{what}");
    }
}
