//! `precise mint` of typed columns, and of cells.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int64Array, IntervalDayTimeArray, StringArray, StructArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field};
use serde_json::json;

use crate::common::{Place, Proof};

#[test]
fn columns_are_minted_by_their_types() {
    let place = Place::new();
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("x"), None]);
    tags.append_null();
    let site = StructArray::from(vec![(
        Arc::new(Field::new("Zip", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("10013"), None])) as ArrayRef,
    )]);
    let decimal = Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(10, 2);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Id", Arc::new(Int64Array::from(vec![7, i64::MAX]))),
        ("big", Arc::new(UInt64Array::from(vec![0, u64::MAX]))),
        ("price", Arc::new(decimal.unwrap())),
        ("f4", Arc::new(Float32Array::from(vec![0.1, -0.0]))),
        ("f8", Arc::new(Float64Array::from(vec![0.1, 1e300]))),
        ("yes", Arc::new(BooleanArray::from(vec![true, false]))),
        ("raw", Arc::new(BinaryArray::from_vec(vec![b"\xFB\xFF", b""]))),
        ("day", Arc::new(Date32Array::from(vec![0, -1]))),
        ("clock", Arc::new(Time64NanosecondArray::from(vec![1_000, 0]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, -1]).with_timezone("+01:00"))),
        ("local", Arc::new(TimestampNanosecondArray::from(vec![0, 1_000]))),
        ("kind", Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("a"), None]))),
        ("tags", Arc::new(tags.finish())),
        ("site", Arc::new(site)),
    ];
    place.write_parquet("in.parquet", columns);
    let summary = place.mint(&["in.parquet", "-o", "out.parquet", "--with-record"]);
    assert_eq!((&summary["minted"], &summary["rejected"]), (&json!(2), &json!({})));
    let rows = [
        concat!(
            r#"{"at":"1970-01-01T00:00:00.000001Z","big":0,"clock":"00:00:00.000001","#,
            r#""day":"1970-01-01","f4":0.1,"f8":0.1,"id":7,"kind":"a","#,
            r#""local":"1970-01-01T00:00:00.000000","price":12.5,"raw":"-_8","#,
            r#""site":{"zip":"10013"},"tags":["x",null],"yes":true}"#
        ),
        concat!(
            r#"{"at":"1969-12-31T23:59:59.999999Z","big":"18446744073709551615","#,
            r#""clock":"00:00:00.000000","day":"1969-12-31","f4":0,"f8":1e+300,"#,
            r#""id":"9223372036854775807","kind":null,"local":"1970-01-01T00:00:00.000001","#,
            r#""price":null,"raw":"","site":{"zip":null},"tags":null,"yes":false}"#
        ),
    ];
    let expected: Vec<Proof> =
        (0..2).map(|i| Proof::of(i as u64, rows[i]).with_record(rows[i])).collect();
    assert_eq!(place.proofs("out.parquet"), expected);
}

#[test]
fn rows_that_have_no_exact_form_are_kept_with_their_values() {
    let place = Place::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Name", Arc::new(StringArray::from(vec!["a", "b", "c\0", "d"]))),
        ("f", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(1.0), Some(2.0), None]))),
        ("t", Arc::new(TimestampNanosecondArray::from(vec![0, 1, 0, 0]))),
    ];
    place.write_parquet("in.parquet", columns);
    let summary = place.mint(&["in.parquet", "-o", "out.parquet"]);
    assert_eq!(summary["rejected"], json!({ "PR108": 1, "PR117": 1, "PR202": 1 }));
    let record = r#"{"f":null,"name":"d","t":"1970-01-01T00:00:00.000000"}"#;
    assert_eq!(place.proofs("out.parquet"), [Proof::of(3, record)]);
    let rejects = place.objects("out.rejects.ndjson");
    let paths: Vec<_> = rejects.iter().map(|reject| reject["path"].clone()).collect();
    assert_eq!(paths, ["$.f", "$.t", "$.name"]);
    let raw = r#"{"Name":"a","f":"NaN","t":"1970-01-01T00:00:00"}"#;
    assert_eq!(rejects[0]["raw"], json!(raw));
}

#[test]
fn columns_that_cannot_be_minted_refuse_the_file_by_name() {
    let place = Place::new();
    let names: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Int64Array::from(vec![1]))),
        ("A", Arc::new(Int64Array::from(vec![1]))),
    ];
    place.write_parquet("names.parquet", names);
    let args = ["mint", "names.parquet", "-o", "out.parquet"];
    place.run(&args).fails_with(1, &["cannot mint the columns of names.parquet", "PR112"]);
    let lag: ArrayRef = Arc::new(IntervalDayTimeArray::new_null(1));
    place.write_parquet("types.parquet", vec![("Lag", lag)]);
    let args = ["mint", "types.parquet", "-o", "out.parquet"];
    place.run(&args).fails_with(1, &["PR116", "Interval", "$.lag"]);
    assert_eq!(place.names(), ["names.parquet", "types.parquet"]);
}

#[test]
fn a_typed_row_is_blinded_by_one_of_its_columns() {
    let place = Place::new();
    place.write("secret", "a7".repeat(32));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Id", Arc::new(Int64Array::from(vec![7]))),
        ("price", Arc::new(Float64Array::from(vec![1.5]))),
    ];
    place.write_parquet("in.parquet", columns);
    place.write("in.ndjson", r#"{"price":1.5,"id":7}"#);
    let args = ["--secret-file", "secret", "--record-id", "id", "-o"];
    place.mint(&[&["in.parquet"][..], &args, &["typed.parquet"]].concat());
    place.mint(&[&["in.ndjson"][..], &args, &["json.parquet"]].concat());
    assert_eq!(place.proofs("typed.parquet"), place.proofs("json.parquet"));
}

#[test]
fn cells_are_the_same_rows_as_text() {
    let place = Place::new();
    let rows = concat!(
        r#"[["Id","numeric","7"],["at","date","2024-02-29"]]"#,
        "\n\n",
        r#"[["id","numeric","x"]]"#,
        "\n",
        r#"{"id":7}"#,
        "\n"
    );
    let summary =
        place.mint_with(&["-", "--format", "cells", "-o", "out.parquet"], rows.as_bytes());
    assert_eq!(summary["rejected"], json!({ "PR118": 1, "PR119": 1 }));
    assert_eq!(place.proofs("out.parquet"), [Proof::of(0, r#"{"at":"2024-02-29","id":7}"#)]);
    let rejects = place.objects("out.rejects.ndjson");
    let rows: Vec<_> = rejects.iter().map(|reject| reject["row"].clone()).collect();
    assert_eq!(rows, [json!(1), json!(2)]);
}

#[test]
fn canonical_prints_the_row_that_cells_spell() {
    let place = Place::new();
    let cells = br#"[["B","text","x"],["a","boolean","true"]]"#;
    let run = place.run_with(&["canonical", "--cells"], cells);
    assert_eq!(run.succeeds(), r#"{"a":true,"b":"x"}"#);
    let run = place.run_with(&["canonical", "--cells", "-"], br#"[["a","money","1"]]"#);
    run.fails_with(1, &["PR116", "$.a", "hint: "]);
}
