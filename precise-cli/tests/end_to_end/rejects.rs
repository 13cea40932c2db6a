//! Rows that `precise mint` refuses: kept with the reason, or the end of it all with `--strict`.

use std::io::Write;
use std::thread;

use precise_core::canonical;
use serde_json::{Value, json};

use crate::common::{Place, Proof, numbered, numbered_proofs, wait_for};

/// A bad line, its code, and the path of the fault.
fn bad_lines() -> Vec<(Vec<u8>, &'static str, String)> {
    let deep = [[b'['; 129], [b']'; 129]].concat();
    let large = format!("{{\"s\":\"{}\"}}", "x".repeat(17 << 20));
    let plain: [(&[u8], &str, &str); 13] = [
        (b"{\"a\":\"\xFF\"}", "PR101", "$"),
        (b"\xEF\xBB\xBF{}", "PR102", "$"),
        (b"{'a':1}", "PR103", "$"),
        (b"{\"a\":[1", "PR104", "$.a"),
        (b"{} {}", "PR105", "$"),
        (b"{\"a\":1,\"a\":2}", "PR106", "$.a"),
        (b"{\"s\":\"\\ud83d\"}", "PR107", "$.s"),
        (b"{\"s\":\"\\u0000\"}", "PR108", "$.s"),
        (b"{\"n\":9007199254740993}", "PR201", "$.n"),
        (b"{\"n\":[1e400]}", "PR202", "$.n[0]"),
        (b"{\"n\":-1e999999999}", "PR202", "$.n"),
        (&deep, "PR901", "$"),
        (large.as_bytes(), "PR902", "$"),
    ];
    let path = |code, path: &str| match code {
        "PR901" => format!("${}", "[0]".repeat(128)),
        _ => path.to_owned(),
    };
    plain.map(|(line, code, at)| (line.to_vec(), code, path(code, at))).into()
}

#[test]
fn every_kind_of_bad_line_is_kept_with_its_reason_between_good_ones() {
    let place = Place::new();
    let mut text = b"{\"i\":0}\n".to_vec();
    for (line, ..) in bad_lines() {
        text.extend_from_slice(&line);
        text.extend_from_slice(b"\n{\"i\":1}\n");
    }
    let summary = place.mint_with(&["-", "-o", "out.parquet"], &text);
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!(rejects.len(), bad_lines().len());
    assert_eq!(summary["rejects"], "out.rejects.ndjson");
    assert_eq!(summary["rejected"]["PR202"], 2);
    assert_eq!(summary["minted"], 1 + bad_lines().len());
    for (i, (reject, (line, code, path))) in rejects.iter().zip(bad_lines()).enumerate() {
        let error = canonical::canonicalize(&line).unwrap_err();
        let mut expected = json!({
            "row": 1 + 2 * i,
            "input": "-",
            "code": code,
            "path": path,
            "offset": error.offset(),
            "message": error.to_string(),
        });
        match String::from_utf8(line) {
            Ok(raw) => expected["raw"] = raw.into(),
            Err(_) => expected["raw_base64"] = "eyJhIjoi/yJ9".into(),
        }
        // Not assert_eq, which would print 17 MiB.
        assert!(*reject == expected, "{code} {}", reject["message"]);
    }
    let rows = place.proofs("out.parquet").iter().map(|proof| proof.row).collect::<Vec<_>>();
    assert_eq!(rows, (0..=bad_lines().len() as u64).map(|i| 2 * i).collect::<Vec<_>>());
}

#[test]
fn rejects_name_the_input_they_came_from() {
    let place = Place::new();
    place.write("a.ndjson", "{}\n{\n");
    place.write("b.ndjson", "}\n");
    place.mint(&["a.ndjson", "b.ndjson", "-o", "out.parquet"]);
    let rejects = place.objects("out.rejects.ndjson");
    let shown: Vec<_> = rejects.iter().map(|r| (&r["input"], &r["row"], &r["raw"])).collect();
    assert_eq!(
        shown,
        [
            (&json!("a.ndjson"), &json!(1), &json!("{")),
            (&json!("b.ndjson"), &json!(2), &json!("}"))
        ]
    );
}

#[test]
fn the_default_file_appears_only_when_needed_and_replaces_a_stale_one() {
    let place = Place::new();
    place.write("good.ndjson", "{}\n");
    place.write("bad.ndjson", "{\n{}\n");
    place.mint(&["good.ndjson", "-o", "out.parquet"]);
    assert_eq!(place.names(), ["bad.ndjson", "good.ndjson", "out.parquet"]);
    place.mint(&["bad.ndjson", "-o", "out.parquet"]);
    assert_eq!(place.objects("out.rejects.ndjson").len(), 1);
    let summary = place.mint(&["good.ndjson", "-o", "out.parquet"]);
    assert_eq!(place.text("out.rejects.ndjson"), "");
    assert_eq!(summary["rejects"], "out.rejects.ndjson");
}

#[test]
fn a_file_that_is_asked_for_is_always_written() {
    let place = Place::new();
    place.write("good.ndjson", "{}\n");
    let args = ["good.ndjson", "-o", "out.parquet", "--rejects", "bad.txt"];
    let summary = place.mint(&args);
    assert_eq!(summary["rejects"], "bad.txt");
    assert_eq!(place.text("bad.txt"), "");
    place.write("good.ndjson", "{\n{}\n");
    place.mint(&args);
    assert_eq!(place.objects("bad.txt").len(), 1);
    assert_eq!(place.names(), ["bad.txt", "good.ndjson", "out.parquet"]);
}

#[test]
fn rejects_to_standard_output_leave_the_summary_on_standard_error() {
    let place = Place::new();
    let args = ["mint", "-", "-o", "out.parquet", "--rejects", "-", "--json"];
    let run = place.run_with(&args, b"{}\n{\n}\n");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let rejects = String::from_utf8(run.stdout).unwrap();
    let codes: Vec<Value> =
        rejects.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["code"].take()).collect();
    assert_eq!(codes, ["PR104", "PR103"]);
    let summary: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!((&summary["minted"], &summary["rejects"]), (&json!(1), &json!("-")));
    assert_eq!(place.names(), ["out.parquet"]);
}

#[test]
fn rejects_of_proofs_that_go_to_no_file_are_kept_here() {
    let place = Place::new();
    for output in ["-", "/dev/null"] {
        let run = place.run_with(&["mint", "-", "-o", output], b"{}\n{\n");
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(place.names(), ["rejects.ndjson"], "{output}");
        assert_eq!(place.objects("rejects.ndjson")[0]["code"], "PR104", "{output}");
        std::fs::remove_file(place.path("rejects.ndjson")).unwrap();
    }
}

#[test]
fn a_document_too_long_to_be_read_is_cut() {
    let place = Place::new();
    let text = vec![b' '; (96 << 20) + 1];
    let args = ["mint", "--json", "-", "--format", "json", "-o", "out.parquet"];
    let run = place.run_with(&args, &text);
    // Every row is refused, so that the whole is.
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(summary["rejected"], json!({ "PR903": 1 }));
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!(rejects[0]["raw"], " ".repeat(1 << 16));
    assert_eq!(rejects[0]["raw_cut"], true);
}

#[test]
fn strict_stops_at_the_first_refused_row_and_writes_nothing() {
    let place = Place::new();
    let text = format!("{}{{\"i\":1,\"i\":2}}\n{{\n", numbered(5));
    let args = ["mint", "-", "-o", "out.parquet", "--strict", "--rejects", "bad.ndjson"];
    let stderr = place.run_with(&args, text.as_bytes()).fails(1);
    assert_eq!(
        stderr,
        "error: row 5 of - is refused: PR106 an object has the same key twice, at $.i (byte 12)\n\
         hint: Readers disagree on which one counts, so neither is taken.\n"
    );
    assert!(place.names().is_empty());

    place.write("out.parquet", "old proofs");
    place.write("bad.ndjson", "old rejects");
    place.run_with(&args, text.as_bytes()).fails(1);
    let error: Value = serde_json::from_str(
        &place.run_with(&[&args[..], &["--json"]].concat(), text.as_bytes()).fails(1),
    )
    .unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["path"]),
        (&json!("PR106"), &json!("$.i"))
    );
    assert_eq!(place.names(), ["bad.ndjson", "out.parquet"]);
    assert_eq!(place.text("out.parquet"), "old proofs");
    assert_eq!(place.text("bad.ndjson"), "old rejects");

    place.mint_with(&["-", "-o", "out.parquet", "--strict"], numbered(5).as_bytes());
    assert_eq!(place.proofs("out.parquet"), numbered_proofs(5));
}

#[test]
fn a_line_too_long_to_be_read_is_cut_and_the_next_is_minted() {
    let place = Place::new();
    let mut child = place.start(&["mint", "-", "-o", "out.parquet", "--json"]);
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        stdin.write_all(b"{\"i\":0}\n").unwrap();
        // 96 MiB may be read, and are refused for what they hold; one byte more is not.
        for end in [&b"\n"[..], b"x\n"] {
            for _ in 0..96 {
                stdin.write_all(&piece).unwrap();
            }
            stdin.write_all(end).unwrap();
        }
        stdin.write_all(b"{\"i\":3}\n").unwrap();
        for _ in 0..97 {
            stdin.write_all(&piece).unwrap();
        }
    });
    let summary: Value = serde_json::from_str(&wait_for(child).succeeds()).unwrap();
    writer.join().unwrap();
    assert_eq!(summary["rejected"], json!({ "PR103": 1, "PR903": 2 }));
    let minted = [Proof::of(0, r#"{"i":0}"#), Proof::of(3, r#"{"i":3}"#)];
    assert_eq!(place.proofs("out.parquet"), minted);
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!(rejects[0]["raw"].as_str().unwrap().len(), 96 << 20);
    assert_eq!(rejects[0].get("raw_cut"), None);
    for (reject, row, len) in [(&rejects[1], 2, (96 << 20) + 1), (&rejects[2], 4, 97 << 20)] {
        assert_eq!((&reject["row"], &reject["path"]), (&json!(row), &json!("$")));
        assert_eq!(reject["raw"], "x".repeat(1 << 16));
        assert_eq!(reject["raw_cut"], true);
        let bytes = format!("{len} bytes");
        assert!(reject["message"].as_str().unwrap().contains(&bytes), "{}", reject["message"]);
    }
}
