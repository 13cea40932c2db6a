//! `precise audience`: the same audience from every format, and what is no audience.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int64Array, StringArray,
};
use precise_core::cohort::{Census, Member, Seat};
use precise_core::merkle::Batch;
use precise_core::{Hash, hex, proof};
use serde_json::{Value, json};

use crate::common::{Place, gz, lines, numbered};

/// The record of row `i`: of 30 members ten are in one zip code, twenty in ten others of a region.
fn record(i: usize) -> String {
    let cohort = if i % 30 < 10 { "eco_10013".into() } else { format!("eco_200{}", 10 + i % 10) };
    format!("{{\"cohort_id\":\"{cohort}\",\"i\":{i},\"member_id\":\"m{}\"}}", i % 30)
}

/// It on a line.
fn line(i: usize) -> String {
    record(i) + "\n"
}

const COUNT: usize = 90;

/// The proof id and document of those records, by the core, in one part.
fn expected(records: &[String], seats: &[(&str, &str)], k: u64) -> (String, String) {
    let mut census = Census::default();
    let hashes: Vec<Hash> =
        records.iter().map(|record| proof::hash(record.as_bytes(), None)).collect();
    for ((cohort, member), hash) in seats.iter().zip(&hashes) {
        let cohorts = vec![(*cohort).into()];
        let seat = Seat { cohorts, market: None, member: Member::of(member) };
        census.push(&seat, hash).unwrap();
    }
    let batch = Batch::new(hashes).unwrap();
    let document =
        census.release(k).unwrap().document(&[batch.root()], batch.hashes().len() as u64, None);
    (proof::format_id(&proof::hash(document.as_bytes(), None)), document)
}

/// What is printed with `--json`; it must go well and quietly.
#[track_caller]
fn prove(place: &Place, args: &[&str]) -> Value {
    let run = place.run(&[&["audience", "--json"], args].concat());
    serde_json::from_str(&run.succeeds()).unwrap()
}

#[test]
fn every_format_gives_the_same_audience() {
    let place = Place::new();
    let records: Vec<String> = (0..COUNT).map(record).collect();
    let parsed: Vec<Value> =
        records.iter().map(|record| serde_json::from_str(record).unwrap()).collect();
    let field = |i: usize, name: &str| parsed[i][name].as_str().unwrap();
    let seats: Vec<(&str, &str)> =
        (0..COUNT).map(|i| (field(i, "cohort_id"), field(i, "member_id"))).collect();
    let (id, document) = expected(&records, &seats, 10);

    let text = records.join("\n");
    place.write("in.ndjson", &text);
    place.write("in.jsonl.gz", gz(text.as_bytes()));
    let cell = |i: usize| format!("{i},\"{}\"\n", records[i].replace('"', "\"\""));
    for column in ["audience_data", "PAYLOAD", "other"] {
        place.write(&format!("{column}.csv"), format!("id,{column}\n{}", lines(COUNT, cell)));
        let texts: ArrayRef = Arc::new(StringArray::from(records.clone()));
        let column = column.to_ascii_lowercase();
        let name = format!("{column}.parquet");
        place.write_parquet(&name, vec![(&column, texts)]);
    }
    let typed: ArrayRef = Arc::new(Int64Array::from_iter_values(0..COUNT as i64));
    let strings = |name: &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..COUNT).map(|i| field(i, name))))
    };
    place.write_parquet(
        "rows.parquet",
        vec![
            ("member_id", strings("member_id")),
            ("I", typed),
            ("Cohort_Id", strings("cohort_id")),
        ],
    );
    for args in [
        &["in.ndjson"][..],
        &["in.jsonl.gz"],
        &["audience_data.csv"],
        &["PAYLOAD.csv"],
        &["other.csv", "--column", "Other"],
        &["audience_data.parquet"],
        &["payload.parquet"],
        &["other.parquet", "--column", "other"],
        &["rows.parquet"],
    ] {
        let summary = prove(&place, &[args, &["--k", "10", "-o", "document.json"]].concat());
        assert_eq!(summary["proof_id"], *id, "{args:?}");
        assert_eq!(summary["document"], *document, "{args:?}");
        assert_eq!(place.text("document.json"), document, "{args:?}");
        assert_eq!(
            summary["cohorts"],
            json!([{ "id": "eco_10013", "n": 10 }, { "id": "eco_zip3_200", "n": 20 }]),
            "{args:?}"
        );
        assert_eq!(summary["cohort_ids"], json!(["eco_10013", "eco_zip3_200"]), "{args:?}");
        let root = &summary["batches"][0]["batch_root"];
        assert!(document.contains(root.as_str().unwrap()), "{args:?}");
    }
    let halves = text.split_at(records[..40].iter().map(|record| record.len() + 1).sum());
    place.write("a.ndjson", halves.1);
    place.write("b.ndjson", halves.0);
    let turned = prove(&place, &["a.ndjson", "b.ndjson", "b.ndjson", "--k", "10"]);
    assert_eq!((&turned["proof_id"], &turned["duplicates"]), (&json!(id), &json!(40)));
}

#[test]
fn people_see_the_proof_id_and_each_cohort() {
    let place = Place::new();
    let text = lines(3000, |i| format!("{{\"cohort_id\":\"b_{}\",\"i\":{i}}}\n", 10013 + i % 2));
    let run = place.run_with(&["audience", "-"], text.as_bytes());
    let printed = run.succeeds();
    assert!(printed.starts_with("       3,000  records\n"), "{printed}");
    assert!(
        printed.contains("       3,000  records that name no member, each a member of its own\n"),
        "{printed}"
    );
    assert!(printed.contains("\n    proof id  prf_"), "{printed}");
    assert!(printed.ends_with("\n       1,500  b_10013\n       1,500  b_10014\n"), "{printed}");
    assert!(place.names().is_empty(), "without --output nothing is written");
}

#[test]
fn a_document_on_standard_output_stands_there_alone() {
    let place = Place::new();
    place.write("in.ndjson", lines(4, |i| format!("{{\"cohort_id\":\"eco\",\"i\":{i}}}\n")));
    let run = place.run(&["audience", "in.ndjson", "--k", "4", "-o", "-", "--json"]);
    let summary: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!((run.code, run.text()), (Some(0), summary["document"].as_str().unwrap()));
}

#[test]
fn a_set_that_is_cut_has_a_root_for_each_part() {
    let place = Place::new();
    place.write("in.ndjson", lines(COUNT, line));
    let whole = prove(&place, &["in.ndjson", "--k", "10"]);
    let cut = prove(&place, &["in.ndjson", "--k", "10", "--part-limit", "20"]);
    assert_ne!(whole["proof_id"], cut["proof_id"]);
    let roots: Vec<&Value> =
        cut["batches"].as_array().unwrap().iter().map(|batch| &batch["batch_root"]).collect();
    assert!(roots.len() > 4);
    let document: Value = serde_json::from_str(cut["document"].as_str().unwrap()).unwrap();
    assert_eq!(document["batch_roots"], json!(roots));
    assert_eq!(document["count"], COUNT);
}

#[test]
fn a_column_beside_the_record_says_whose_it_is() {
    let place = Place::new();
    let same = r#"{"cohort_id":"eco","member_id":"same"}"#;
    let texts = || -> ArrayRef { Arc::new(StringArray::from(vec![same; 4])) };
    let quoted = format!("\"{}\"", same.replace('"', "\"\""));
    let csv = |members: [&str; 4]| -> String {
        let line = |member: &str| format!("{quoted},{member}\n");
        format!("payload,Member_ID\n{}", members.map(line).concat())
    };
    let members = |place: &Place, name: &str, args: &[&str]| {
        let args = [&["audience", "--json", name, "--k", "2"], args].concat();
        let run = place.run(&args);
        if run.code == Some(0) {
            let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
            return summary["cohorts"][0]["n"].as_u64();
        }
        assert!(run.stderr.contains("PR502"), "{}", run.stderr);
        None
    };
    for (cells, distinct) in [
        (["a", "b", "c", "d"], Some(4)),
        (["a", "b", "b", "a"], Some(2)),
        (["a", "a", "a", "a"], None),
        // The empty cell is how CSV has NULL.
        (["", "", "a", ""], Some(4)),
        (["7", "7.0", "07", "7"], Some(3)),
    ] {
        place.write("in.csv", csv(cells));
        assert_eq!(members(&place, "in.csv", &[]), distinct, "{cells:?}");
    }
    assert_eq!(members(&place, "in.csv", &["--member", "nobody"]), Some(4));
    assert_eq!(members(&place, "in.csv", &["--member", "cohort_id"]), None);
    place.write("in.csv", csv(["a", "b", "c", "d"]).replace("Member_ID", "household"));
    assert_eq!(members(&place, "in.csv", &[]), None, "the record's own field counts");
    assert_eq!(members(&place, "in.csv", &["--member", "household"]), Some(4));

    let dictionary: DictionaryArray<Int32Type> =
        [Some("a"), Some("b"), None, Some("b")].into_iter().collect();
    let decimals = Decimal128Array::from(vec![100, 200, 100, 100]);
    for (column, distinct) in [
        (Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(1)])) as ArrayRef, 3),
        (Arc::new(dictionary), 3),
        (Arc::new(decimals.with_precision_and_scale(9, 2).unwrap()), 2),
        (Arc::new(StringArray::from(vec!["a", "", "", "a"])), 3),
    ] {
        for columns in [
            vec![("payload", texts()), ("member_id", column.clone())],
            vec![("member_id", column.clone()), ("x", texts()), ("payload", texts())],
        ] {
            place.write_parquet("in.parquet", columns);
            assert_eq!(members(&place, "in.parquet", &[]), Some(distinct), "{column:?}");
        }
    }
    for column in [
        Arc::new(BooleanArray::from(vec![true; 4])) as ArrayRef,
        Arc::new(Float64Array::from(vec![1.0; 4])),
    ] {
        place.write_parquet("in.parquet", vec![("payload", texts()), ("member_id", column)]);
        let words = ["column \"member_id\" of in.parquet is", "a member is named by a text"];
        place.run(&["audience", "in.parquet"]).fails_with(2, &words);
        place.run(&["audience", "in.parquet", "--row"]).fails_with(2, &words);
    }
}

#[test]
fn the_whole_row_is_the_record_where_no_column_is_or_it_is_asked_for() {
    let place = Place::new();
    place.write(
        "rows.csv",
        lines(5, |i| match i {
            0 => "Cohort_ID,member_id,payload\n".into(),
            i => format!("eco,m{},{{}}\n", i % 3),
        }),
    );
    let run = place.run(&["audience", "rows.csv", "--k", "2"]);
    run.fails_with(1, &["PR502"]);
    let summary = prove(&place, &["rows.csv", "--k", "2", "--row"]);
    assert_eq!(summary["cohorts"], json!([{ "id": "eco", "n": 3 }]));
    let records = [1, 2, 0, 1]
        .map(|i| format!("{{\"cohort_id\":\"eco\",\"member_id\":\"m{i}\",\"payload\":\"{{}}\"}}"));
    let seats = [("eco", "m1"), ("eco", "m2"), ("eco", "m0")];
    assert_eq!(summary["proof_id"], expected(&records, &seats, 2).0);
    let run = place.run(&["audience", "rows.csv", "--row", "--column", "payload"]);
    run.fails_with(2, &["--row", "--column"]);
}

#[test]
fn refused_rows_are_left_out_counted_and_kept() {
    let place = Place::new();
    let good = lines(3, |i| format!("{{\"cohort_id\":\"eco\",\"i\":{i}}}\n"));
    place.write("good.ndjson", &good);
    place.write("mixed.ndjson", format!("{{\"cohort_id\":\"Eco\",\"a\":1e400}}\n{good}{{\n"));
    let clean = prove(&place, &["good.ndjson", "--k", "3"]);
    let args = ["mixed.ndjson", "--k", "3", "-o", "document.json"];
    let mixed = prove(&place, &args);
    assert_eq!(mixed["proof_id"], clean["proof_id"]);
    assert_eq!(mixed["rejected"], json!({ "PR104": 1, "PR202": 1 }));
    assert_eq!(mixed["rejects"], "document.rejects.ndjson");
    let rows: Vec<Value> = place.objects("document.rejects.ndjson");
    assert_eq!((&rows[0]["row"], &rows[1]["row"]), (&json!(0), &json!(4)));

    // Kept also where nothing is left; the document that was there stays.
    place.write("bad.ndjson", "{\n[\n");
    let run = place.run(&["audience", "bad.ndjson", "-o", "document.json"]);
    run.fails_with(1, &["PR502 an audience cannot be released"]);
    assert_eq!(place.objects("document.rejects.ndjson").len(), 2);
    assert_eq!(place.text("document.json"), mixed["document"].as_str().unwrap());
    place.run(&["audience", "bad.ndjson"]).fails(1);
    assert_eq!(place.objects("rejects.ndjson").len(), 2);
}

#[test]
fn what_is_no_audience_is_refused_and_writes_nothing() {
    let place = Place::new();
    place.write("empty.ndjson", "");
    place.write("none.ndjson", numbered(2000));
    place.write("few.ndjson", lines(999, line));
    place.write("header.csv", "payload,member_id\n");
    for input in ["empty.ndjson", "none.ndjson", "few.ndjson", "header.csv"] {
        let run = place.run(&["audience", input, "-o", "document.json"]);
        run.fails_with(1, &["PR502", "no cohort with 1000 members is left", "hint: "]);
    }
    let long = "a".repeat(64);
    let ids = ["Eco", "", "eco_", "eco-1", "10013", "eco_10013_10014", "\u{e9}co", &long];
    for id in ids {
        place.write("bad.ndjson", format!("{}{}\n", numbered(3), json!({ "cohort_id": id })));
        let run = place.run(&["audience", "bad.ndjson", "--k", "2", "-o", "document.json"]);
        let id = format!("{id:?}");
        run.fails_with(1, &["row 3 of bad.ndjson is refused: PR501", &id, "at $.cohort_id"]);
    }
    let run = place.run(&["audience", "bad.ndjson", "--json"]);
    let error: Value = serde_json::from_str(&run.fails(1)).unwrap();
    assert_eq!(error["error"]["code"], "PR501");
    let inputs = ["bad.ndjson", "empty.ndjson", "few.ndjson", "header.csv", "none.ndjson"];
    assert_eq!(place.names(), inputs);
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let place = Place::new();
    place.write("in.ndjson", lines(COUNT, line));
    place.write("in.csv", "id,record\n1,{}\n");
    for k in ["0", "1", "-1", "", "many", "1.5", "99999999999999999999999"] {
        let k = format!("--k={k}");
        place.run(&["audience", "in.ndjson", &k]).fails_with(2, &["a count from 2 up is expected"]);
    }
    for (args, words) in [
        (&["in.csv", "--column", "payload"][..], "in.csv has no column \"payload\""),
        (&["in.ndjson", "--column", "payload"], "--column is for CSV and Parquet"),
        (&["in.ndjson", "--member", "a..b"], "--member a..b"),
        (&["-", "-"], "standard input can be read only once"),
        (&["in.ndjson", "-o", "in.ndjson"], "is an input and would be written over"),
        (&["in.ndjson", "-o", "x", "--rejects", "x"], "are the same file"),
        (&["no.ndjson"], "cannot read no.ndjson"),
        (&["in.unknown"], "cannot tell the format"),
    ] {
        place.run(&[&["audience"], args].concat()).fails_with(2, &[words]);
    }
    assert_eq!(place.names(), ["in.csv", "in.ndjson"]);
}

#[test]
fn one_huge_cohort_is_one_cohort() {
    let place = Place::new();
    let count = 100_000;
    let text = lines(count, |i| {
        format!("{{\"cohort_id\":\"all\",\"i\":{i},\"member_id\":{}}}\n", i % 70_000)
    });
    place.write("in.ndjson", text);
    let summary = prove(&place, &["in.ndjson"]);
    assert_eq!(summary["cohorts"], json!([{ "id": "all", "n": 70_000 }]));
    let hashes = summary["batches"][0]["batch_root"].as_str().unwrap();
    assert!(hex::parse_hash(hashes).is_ok());
    assert_eq!(summary["distinct"], count);
}
