//! `precise mint` of JSON: every record a proof, and the root over them.

use std::fs::File;
use std::sync::Arc;

use arrow_schema::{DataType, Field};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::common::zst;
use crate::common::{Place, Proof, batches, gz, numbered, numbered_proofs, read_proofs, records};

/// Four records, one of them twice; blank lines, all three blanks, CRLF, no end of the last line.
const LINES: &str = "{\"b\":1.50,\"a\":\"\\u0041\"}\n\n{\"a\":\"A\",\"b\":15e-1}\r\n \t\r\n\r\n\
    [1, 2]\n  \"\u{e9}\"";

fn lines_proofs() -> Vec<Proof> {
    vec![
        Proof::of(0, r#"{"a":"A","b":1.5}"#),
        Proof::of(1, r#"{"a":"A","b":1.5}"#),
        Proof::of(2, "[1,2]"),
        Proof::of(3, "\"é\""),
    ]
}

#[test]
fn each_record_gets_its_proof_and_blank_lines_are_no_rows() {
    let place = Place::new();
    place.write("in.ndjson", LINES);
    let summary = place.mint(&["in.ndjson", "-o", "out.parquet"]);
    assert_eq!(place.proofs("out.parquet"), lines_proofs());
    assert_eq!(place.names(), ["in.ndjson", "out.parquet"]);
    assert_eq!(summary["records"], 4);
    assert_eq!(summary["minted"], 4);
    assert_eq!(summary["rejected"], json!({}));
    assert_eq!(summary["duplicates"], 1);
    assert_eq!(summary["distinct"], 3);
    assert_eq!(summary["batches"], batches(&lines_proofs(), 1 << 20));
    assert_eq!(summary["output"], "out.parquet");
    assert_eq!(summary["rejects"], Value::Null);
}

#[test]
fn the_summary_is_the_same_when_the_output_is_there_already() {
    let place = Place::new();
    place.write("in.ndjson", LINES);
    let [first, again] = [(); 2].map(|()| {
        let mut summary = place.mint(&["in.ndjson", "-o", "out.parquet"]);
        summary["seconds"] = Value::Null;
        summary["records_per_second"] = Value::Null;
        summary
    });
    assert_eq!(first, again);
}

#[test]
fn the_summary_for_people_has_a_line_a_figure() {
    let place = Place::new();
    place.write("in.ndjson", format!("{LINES}\n{{\n{{"));
    let printed = place.run(&["mint", "in.ndjson", "-o", "out.parquet"]).succeeds();
    let root = batches(&lines_proofs(), 9)[0]["batch_root"].as_str().unwrap().to_owned();
    let expected = format!(
        "           6  records
           4  minted to out.parquet
           2  rejected, kept in out.rejects.ndjson
           2    PR104 text ends before the document does
           1  duplicates
           3  distinct proofs
  batch root  {root}\n"
    );
    let rate = printed.strip_prefix(&expected).unwrap_or_else(|| panic!("{printed}"));
    assert!(rate.contains("  records/s in ") && rate.lines().count() == 1, "{rate}");
}

#[test]
fn the_columns_and_their_types_are_fixed() {
    let place = Place::new();
    place.write("in.ndjson", LINES);
    let fields = |name: &str| -> Vec<Arc<Field>> {
        let file = File::open(place.path(name)).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = builder.metadata().file_metadata().clone();
        let canon =
            metadata.key_value_metadata().unwrap().iter().find(|kv| kv.key == "precise.canon");
        assert_eq!(canon.unwrap().value.as_deref(), Some("precise-jcs-1"));
        let version = concat!("precise ", env!("CARGO_PKG_VERSION"));
        assert_eq!(metadata.created_by(), Some(version));
        builder.schema().fields().to_vec()
    };
    let mut expected = vec![
        Arc::new(Field::new("row", DataType::UInt64, false)),
        Arc::new(Field::new("proof_hash", DataType::FixedSizeBinary(32), false)),
        Arc::new(Field::new("proof_id", DataType::Utf8, false)),
        Arc::new(Field::new("size", DataType::UInt32, true)),
    ];
    place.mint(&["in.ndjson", "-o", "out.parquet"]);
    assert_eq!(fields("out.parquet"), expected);
    expected.push(Arc::new(Field::new("record", DataType::Utf8, false)));
    place.mint(&["in.ndjson", "-o", "out.parquet", "--with-record"]);
    assert_eq!(fields("out.parquet"), expected);
    let proofs = place.proofs("out.parquet");
    let canonical = [r#"{"a":"A","b":1.5}"#, r#"{"a":"A","b":1.5}"#, "[1,2]", "\"é\""];
    assert_eq!(records(&proofs), canonical);
    for (proof, (expected, record)) in proofs.iter().zip(lines_proofs().into_iter().zip(canonical))
    {
        assert_eq!(*proof, expected.with_record(record));
    }
}

#[test]
fn compressed_files_are_read_whole_whatever_the_case_of_their_names() {
    let place = Place::new();
    let (first, rest) = LINES.as_bytes().split_at(30);
    let members = [gz(first), gz(b""), gz(rest)].concat();
    let frames = [zst(first), zst(rest)].concat();
    for (name, bytes) in [
        ("in.ndjson.gz", gz(LINES.as_bytes())),
        ("members.jsonl.gz", members),
        ("in.ndjson.zst", zst(LINES.as_bytes())),
        ("frames.jsonl.zst", frames),
        ("IN.NDJSON.GZ", gz(LINES.as_bytes())),
        ("In.Jsonl.Zst", zst(LINES.as_bytes())),
    ] {
        place.write(name, bytes);
        place.mint(&[name, "-o", "out.parquet"]);
        assert_eq!(place.proofs("out.parquet"), lines_proofs(), "{name}");
    }
}

#[test]
fn row_numbers_run_on_over_several_inputs() {
    let place = Place::new();
    place.write("a.ndjson", "{\"i\":0}\n{\"i\":1}");
    place.write("empty.ndjson", "");
    place.write("b.ndjson.gz", gz(b"\n{\"i\":2}\n"));
    place.write("c.json", "{\n\"i\":\n3}\n");
    place.write("d.csv", "i\n4\n");
    let inputs = ["a.ndjson", "empty.ndjson", "b.ndjson.gz", "c.json", "d.csv"];
    let summary = place.mint(&[&inputs[..], &["-o", "out.parquet"]].concat());
    assert_eq!(summary["records"], 5);
    let mut expected = numbered_proofs(4);
    expected.push(Proof::of(4, r#"{"i":"4"}"#));
    assert_eq!(place.proofs("out.parquet"), expected);
}

#[test]
fn standard_input_is_ndjson_unless_told_otherwise() {
    let place = Place::new();
    place.mint_with(&["-", "-o", "out.parquet"], LINES.as_bytes());
    assert_eq!(place.proofs("out.parquet"), lines_proofs());
    place.mint_with(&["-", "-o", "out.parquet", "--format", "json"], b"[1,\n2]\n");
    assert_eq!(place.proofs("out.parquet"), [Proof::of(0, "[1,2]")]);
    place.mint_with(&["-", "-o", "out.parquet", "--format", "csv"], b"A\n1\n");
    assert_eq!(place.proofs("out.parquet"), [Proof::of(0, r#"{"a":"1"}"#)]);
}

#[test]
fn a_json_file_is_one_record_even_over_several_lines() {
    let place = Place::new();
    place.write("record.json", "\n{\"a\":\n[1,\r\n 2]}\n\n");
    place.write("two.json", "{}\n{}\n");
    place.write("none.json", "");
    let summary = place.mint(&["record.json", "two.json", "none.json", "-o", "out.parquet"]);
    assert_eq!(place.proofs("out.parquet"), [Proof::of(0, r#"{"a":[1,2]}"#)]);
    assert_eq!(summary["rejected"], json!({ "PR104": 1, "PR105": 1 }));
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!((&rejects[0]["raw"], &rejects[1]["raw"]), (&json!("{}\n{}\n"), &json!("")));
}

#[test]
fn proofs_to_standard_output_leave_the_summary_on_standard_error() {
    let place = Place::new();
    let run = place.run_with(&["mint", "-", "-o", "-", "--json"], LINES.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.write("piped.parquet", &run.stdout);
    assert_eq!(read_proofs(&place.path("piped.parquet")), lines_proofs());
    let summary: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(summary["minted"], 4);
    assert_eq!(summary["output"], "-");
    assert_eq!(place.names(), ["piped.parquet"]);

    let run = place.run_with(&["mint", "-", "-o", "-"], b"{}\n{\n");
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.starts_with(b"PAR1") && run.stdout.ends_with(b"PAR1"));
    assert!(run.stderr.contains("1  minted to -\n"), "{}", run.stderr);
    assert_eq!(place.objects("rejects.ndjson").len(), 1);
}

#[test]
fn nothing_in_gives_an_empty_file_and_no_root() {
    let place = Place::new();
    for empty in ["", "\n\r\n  \n"] {
        let summary = place.mint_with(&["-", "-o", "out.parquet"], empty.as_bytes());
        assert_eq!(summary["records"], 0);
        assert_eq!(summary["batches"], json!([]));
        assert_eq!(place.proofs("out.parquet"), []);
    }
    assert_eq!(place.names(), ["out.parquet"]);
}

#[test]
fn many_pieces_come_out_in_order() {
    let place = Place::new();
    // 300,000 lines are 3 MiB and more: pieces are 1 MiB, and go to several threads. Every 1000th
    // is refused, so that rows and rejects have to be told apart in each piece.
    let count: usize = 300_000;
    let line = |i: usize| if i % 1000 == 7 { format!("[{i}\n") } else { format!("[{i}]\n") };
    let text: String = (0..count).map(line).collect();
    let summary = place.mint_with(&["-", "-o", "out.parquet"], text.as_bytes());
    assert_eq!(summary["records"], count);
    assert_eq!(summary["rejected"], json!({ "PR104": count / 1000 }));
    let proofs = place.proofs("out.parquet");
    assert_eq!(proofs.len(), count - count / 1000);
    let rows = (0..count).filter(|i| i % 1000 != 7);
    for (proof, row) in proofs.iter().zip(rows) {
        assert_eq!(proof.row, row as u64);
        if row % 97 == 0 {
            assert_eq!(*proof, Proof::of(row as u64, &format!("[{row}]")));
        }
    }
    assert_eq!(summary["batches"], batches(&proofs, 1 << 20));
    for (i, reject) in place.objects("out.rejects.ndjson").iter().enumerate() {
        assert_eq!(reject["row"], 1000 * i + 7);
        assert_eq!(reject["raw"], format!("[{}", 1000 * i + 7));
    }
}

#[test]
fn parts_are_cut_by_leading_bits_and_each_has_its_root() {
    let place = Place::new();
    place.write("in.ndjson", numbered(500));
    for limit in [1, 7, 100, 499, 500] {
        let limit_text = limit.to_string();
        let summary = place.mint(&["in.ndjson", "-o", "out.parquet", "--part-limit", &limit_text]);
        let expected = batches(&numbered_proofs(500), limit);
        assert_eq!(summary["batches"], expected, "limit {limit}");
        assert_eq!(expected[0].get("part").is_some(), limit < 500, "limit {limit}");
    }
    let printed = place.run(&["mint", "in.ndjson", "-o", "out.parquet", "--part-limit", "499"]);
    let printed = printed.succeeds();
    for batch in batches(&numbered_proofs(500), 499).as_array().unwrap() {
        let line = format!(
            "  batch root  {}  {} proofs, cell {} of 2, 2 not empty\n",
            batch["batch_root"].as_str().unwrap(),
            batch["count"],
            batch["part"]["index"]
        );
        assert!(printed.contains(&line), "{line} is missing in {printed}");
    }
}

#[test]
fn neither_order_nor_repeats_nor_cutting_into_files_change_the_root() {
    let place = Place::new();
    let text = numbered(300);
    let mut lines: Vec<&str> = text.lines().collect();
    place.write("forward.ndjson", &text);
    lines.reverse();
    place.write("backward.ndjson", lines.join("\n"));
    lines.extend_from_within(100..200);
    place.write("repeated.ndjson", lines.join("\n"));
    let (front, back) = lines.split_at(250);
    place.write("front.ndjson", front.join("\n"));
    place.write("back.ndjson", back.join("\n"));
    let expected = batches(&numbered_proofs(300), 1 << 20);
    for (inputs, duplicates) in [
        (&["forward.ndjson"][..], 0),
        (&["backward.ndjson"], 0),
        (&["repeated.ndjson"], 100),
        (&["back.ndjson", "front.ndjson"], 100),
    ] {
        let summary = place.mint(&[inputs, &["-o", "out.parquet"]].concat());
        assert_eq!(summary["batches"], expected, "{inputs:?}");
        assert_eq!(summary["duplicates"], duplicates, "{inputs:?}");
    }
}

#[test]
fn an_output_that_is_a_link_stays_one() {
    let place = Place::new();
    place.write("in.ndjson", LINES);
    place.write("real.parquet", "old");
    std::os::unix::fs::symlink("real.parquet", place.path("link.parquet")).unwrap();
    place.mint(&["in.ndjson", "-o", "link.parquet"]);
    assert_eq!(place.proofs("real.parquet"), lines_proofs());
    assert!(place.path("link.parquet").is_symlink());
}

#[test]
fn lines_come_out_whole_wherever_the_file_is_cut_to_be_read() {
    let place = Place::new();
    // Files are read in pieces of 1 MiB, and in larger ones where a line is longer.
    for len in (1 << 20) - 2..=(1 << 20) + 2_usize {
        for (first, last) in [("", "[7]\n"), ("", "[7]\r\n"), ("", "[7]"), ("0\n", "[7]\n")] {
            let pad = "y".repeat(len - first.len() - "\"\"\n".len() - last.len());
            let behind = if last.ends_with('\n') { "\"\"\n" } else { "" };
            let text = format!("{first}\"{pad}\"\n{last}{behind}");
            place.mint_with(&["-", "-o", "out.parquet"], text.as_bytes());
            let lines = text.lines().enumerate();
            let expected: Vec<Proof> = lines.map(|(i, line)| Proof::of(i as u64, line)).collect();
            assert!(place.proofs("out.parquet") == expected, "{last:?} ends at {len}");
        }
    }
}

#[test]
fn a_new_file_has_the_permissions_any_new_file_has() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("in.ndjson", "{}\n{\n");
    let command = "umask 027; exec \"$0\" mint in.ndjson -o out.parquet";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command, env!("CARGO_BIN_EXE_precise")]).current_dir(place.path("."));
    assert!(shell.output().unwrap().status.success());
    for name in ["out.parquet", "out.rejects.ndjson"] {
        let mode = std::fs::metadata(place.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
}
