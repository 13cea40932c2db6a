//! `precise canonical`: exactly the hashed bytes, or one error and nothing.

use serde_json::{Value, json};

use crate::common::Place;

const RECORD: &[u8] =
    b" {\"size\":1.50,\n\"id\":\"\\u0041\\/7\", \"\xC3\xA9\":[true,null,-0]} \r\n";
const CANONICAL: &str = r#"{"id":"A/7","size":1.5,"é":[true,null,0]}"#;

#[test]
fn prints_the_canonical_bytes_without_a_newline() {
    let place = Place::new();
    place.write("record.json", RECORD);
    assert_eq!(place.run(&["canonical", "record.json"]).succeeds(), CANONICAL);
    assert_eq!(place.run_with(&["canonical", "-"], RECORD).succeeds(), CANONICAL);
    assert_eq!(place.run_with(&["canonical"], RECORD).succeeds(), CANONICAL);
    assert_eq!(place.names(), ["record.json"]);
}

#[test]
fn the_example_of_the_specification_holds() {
    let place = Place::new();
    let record = br#"{"size":1.50,"id":"\u0041\/7"}"#;
    let canonical = place.run_with(&["canonical"], record).succeeds();
    assert_eq!(canonical, r#"{"id":"A/7","size":1.5}"#);
    let hash = blake3::hash(canonical.as_bytes()).to_hex();
    assert_eq!(hash.as_str(), "00f2edfa3d7f0b596722dc6ca099c0fe1acffe883bcc8aa5742e4d5268389dfd");
}

#[test]
fn refuses_with_code_place_and_hint_and_prints_nothing() {
    let place = Place::new();
    let cases: [(&[u8], &str, &str); 13] = [
        (b"{\"a\":\"\xFF\"}", "PR101", "at $ (byte 6)"),
        (b"\xEF\xBB\xBF{}", "PR102", "at $ (byte 0)"),
        (b"{\"a\":NaN}", "PR103", "at $.a (byte 5)"),
        (b"", "PR104", "at $ (byte 0)"),
        (b"{} {}", "PR105", "at $ (byte 3)"),
        (b"{\"a\":{\"b\":1,\"\\u0062\":2}}", "PR106", "at $.a.b (byte 22)"),
        (b"[\"\\ud800\"]", "PR107", "at $[0] (byte 2)"),
        (b"{\"a b\":\"\\u0000\"}", "PR108", "at $[\"a b\"] (byte 8)"),
        (b"[0,9007199254740993]", "PR201", "at $[1] (byte 3)"),
        (b"[1e400]", "PR202", "at $[0] (byte 1)"),
        (b"[1e999999999]", "PR202", "at $[0] (byte 1)"),
        (&[b'['; 129], "PR901", "[0] (byte 128)"),
        // It is not the line's length that counts.
        (b"[01]", "PR103", "(byte 2)"),
    ];
    for (record, code, at) in cases {
        let shown = String::from_utf8_lossy(record).into_owned();
        let stderr = place.run_with(&["canonical"], record).fails(1);
        let (error, hint) = stderr.split_once('\n').unwrap();
        let begin = format!("error: cannot canonicalise -: {code} ");
        assert!(error.starts_with(&begin) && error.contains(at), "{shown}: {stderr}");
        assert!(hint.starts_with("hint: ") && hint.ends_with(".\n"), "{shown}: {stderr}");
    }
}

#[test]
fn errors_as_json_are_one_object() {
    let place = Place::new();
    place.write("twice.json", r#"{"a":1,"a":2}"#);
    for args in [["--json", "canonical", "twice.json"], ["canonical", "twice.json", "--json"]] {
        let error: Value = serde_json::from_str(&place.run(&args).fails(1)).unwrap();
        assert_eq!(
            error,
            json!({ "error": {
                "code": "PR106",
                "hint": "Readers disagree on which one counts, so neither is taken.",
                "message": "cannot canonicalise twice.json: PR106 an object has the same key \
                    twice, at $.a (byte 12)",
                "offset": 12,
                "path": "$.a",
            }})
        );
    }
    let error: Value =
        serde_json::from_str(&place.run(&["canonical", "no.json", "--json"]).fails(2)).unwrap();
    assert_eq!(
        error,
        json!({ "error": { "message":
        "cannot read no.json: no such file or directory" }})
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    let missing = place.run(&["canonical", "no.json"]).fails(2);
    assert_eq!(missing, "error: cannot read no.json: no such file or directory\n");
    let directory = place.run(&["canonical", "."]).fails(2);
    assert_eq!(directory, "error: cannot read .: it is a directory\n");
}

#[test]
fn the_largest_record_is_printed_and_one_byte_more_is_refused() {
    let place = Place::new();
    let largest = format!("\"{}\"", "x".repeat((16 << 20) - 2));
    assert!(place.run_with(&["canonical"], largest.as_bytes()).succeeds() == largest);
    let larger = format!("\"{}\"", "x".repeat((16 << 20) - 1));
    place.run_with(&["canonical"], larger.as_bytes()).fails_with(1, &["PR902", "at $"]);
}

#[test]
fn text_of_more_than_96_mib_is_refused_without_being_read() {
    let place = Place::new();
    let spaces = vec![b' '; (96 << 20) + 1];
    place.run_with(&["canonical"], &spaces).fails_with(1, &["cannot read -: PR903"]);
}
