//! `precise root`, `precise prove` and `precise verify`.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, Int64Array, LargeBinaryArray,
};
use precise_core::merkle::{Batch, part_index};
use precise_core::proof::{ProofDocument, format_id};
use precise_core::{Hash, hex};
use serde_json::{Value, json};

use crate::common::{Place, Proof, Run, batches, numbered, numbered_proofs};

const COUNT: usize = 100;

/// 100 proofs in `p.parquet`, their batch, and its root.
struct Minted {
    place: Place,
    batch: Batch,
    root: String,
}

impl Minted {
    fn new() -> Self {
        let place = Place::new();
        place.mint_with(&["-", "-o", "p.parquet"], numbered(COUNT).as_bytes());
        let hashes = numbered_proofs(COUNT).iter().map(|proof| proof.hash).collect();
        let batch = Batch::new(hashes).unwrap();
        let root = hex::format_hash(&batch.root());
        Self { place, batch, root }
    }

    /// The record whose hash is the batch's leaf `index`.
    fn record(&self, index: usize) -> String {
        let leaf = self.batch.hashes()[index];
        let proofs = numbered_proofs(COUNT);
        let row = proofs.iter().find(|proof| proof.hash == leaf).unwrap().row;
        format!("{{\"i\":{row}}}")
    }

    /// What `precise prove` prints for `target`, and says.
    fn prove(&self, target: &str) -> (String, String) {
        let run = self.place.run(&["prove", "p.parquet", "--proof", target]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        (String::from_utf8(run.stdout).unwrap(), run.stderr)
    }
}

/// Runs `precise verify --json` and gives the verdict, after a look at its form.
fn verdict(place: &Place, args: &[&str]) -> Value {
    let run = place.run(&[&["verify", "--json"], args].concat());
    assert_eq!(run.stderr, "", "{args:?}");
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    let canonical = precise_core::canonical::canonicalize(line.as_bytes()).unwrap();
    assert_eq!(line.as_bytes(), canonical, "a verdict is in canonical form");
    let verdict: Value = serde_json::from_str(line).unwrap();
    check_form(&verdict);
    assert_eq!(run.code, Some(i32::from(verdict["verdict"] != true)), "{verdict}");
    verdict
}

/// The form of SPEC.md section 5: three members, eight steps in order, and no step behind the one
/// that failed.
fn check_form(verdict: &Value) {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(verdict), ["failed", "steps", "verdict"]);
    let names = ["record", "proof", "batch", "entry", "log", "checkpoint", "anchor", "status"];
    let steps = verdict["steps"].as_array().unwrap();
    assert_eq!(steps.len(), names.len());
    let mut failed = Value::Null;
    for (step, name) in steps.iter().zip(names) {
        assert_eq!(keys(step), ["detail", "name", "ok"]);
        assert_eq!(step["name"], name);
        assert!(failed.is_null() || step["ok"].is_null(), "a step behind a failed one: {verdict}");
        match &step["ok"] {
            Value::Null => assert_eq!(step["detail"], "not checked"),
            Value::Bool(ok) => {
                assert!(!step["detail"].as_str().unwrap().is_empty());
                if !ok {
                    failed = json!(name);
                }
            }
            other => panic!("ok is {other}"),
        }
    }
    assert_eq!(verdict["failed"], failed);
    assert_eq!(verdict["verdict"], failed.is_null());
}

#[test]
fn the_root_over_several_files_is_that_of_minting_them_together() {
    let place = Place::new();
    let text = numbered(300);
    let lines: Vec<&str> = text.lines().collect();
    // 20 records are in two of the files.
    for (i, range) in [0..120, 100..200, 200..300].into_iter().enumerate() {
        let part = lines[range].join("\n");
        place.mint_with(&["-", "-o", &format!("{i}.parquet")], part.as_bytes());
    }
    let whole = place.mint_with(&["-", "-o", "whole.parquet"], text.as_bytes());
    let root = whole["batches"][0]["batch_root"].as_str().unwrap();
    for files in [&["whole.parquet"][..], &["2.parquet", "0.parquet", "1.parquet"]] {
        let printed = place.run(&[&["root"], files].concat()).succeeds();
        assert_eq!(printed, format!("{root}\n"));
    }
    let args = ["root", "0.parquet", "1.parquet", "2.parquet", "--json", "--part-limit", "100"];
    let printed: Value = serde_json::from_str(&place.run(&args).succeeds()).unwrap();
    let expected = batches(&numbered_proofs(300), 100);
    assert_eq!(printed, json!({ "batches": expected, "distinct": 300, "duplicates": 20 }));
    let lines = place.run(&["root", "whole.parquet", "--part-limit", "100"]).succeeds();
    let roots: Vec<&str> =
        expected.as_array().unwrap().iter().map(|b| b["batch_root"].as_str().unwrap()).collect();
    assert!(roots.len() > 1);
    assert_eq!(lines.lines().collect::<Vec<_>>(), roots);
}

#[test]
fn included_proofs_are_proved_and_verified_at_every_place() {
    let minted = Minted::new();
    let place = &minted.place;
    for index in [0, 1, COUNT / 2, COUNT - 2, COUNT - 1] {
        let hash = minted.batch.hashes()[index];
        place.write("record.json", minted.record(index));
        for target in [hex::format_hash(&hash), format_id(&hash)] {
            let (inclusion, said) = minted.prove(&target);
            let expected = format!("{}\n", minted.batch.prove(&hash).to_json());
            assert_eq!(inclusion, expected);
            let root = &minted.root;
            assert_eq!(said, format!("included as leaf {index} of {COUNT} under root {root}\n"));
            place.write("inclusion.json", inclusion);
            let verdict = verdict(
                place,
                &[
                    "--record",
                    "record.json",
                    "--proof",
                    &target,
                    "--inclusion",
                    "inclusion.json",
                    "--root",
                    root,
                ],
            );
            assert_eq!(verdict["verdict"], true);
            assert_eq!(
                verdict["steps"][2]["detail"],
                format!("leaf {index} of {COUNT} under {root}")
            );
        }
    }
}

#[test]
fn prove_as_json_says_everything_in_one_object() {
    let minted = Minted::new();
    let hash = minted.batch.hashes()[7];
    let id = format_id(&hash);
    let printed = minted.place.run(&["prove", "p.parquet", "--proof", &id, "--json"]).succeeds();
    let document: Value = serde_json::from_str(&minted.batch.prove(&hash).to_json()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&printed).unwrap(),
        json!({
            "batch_root": minted.root,
            "included": true,
            "inclusion": document,
            "part": null,
            "proof_hash": hex::format_hash(&hash),
            "proof_id": id,
        })
    );
    let absent = hex::format_hash(&[0; 32]);
    let printed = minted.place.run(&["prove", "p.parquet", "--proof", &absent, "--json"]);
    let printed: Value = serde_json::from_str(&printed.succeeds()).unwrap();
    assert_eq!(printed["included"], false);
    assert_eq!(printed.get("inclusion"), None);
    assert_eq!(printed["absence"]["count"], COUNT);
}

#[test]
fn absent_proofs_are_shown_to_be_absent_at_both_ends_and_between() {
    let minted = Minted::new();
    let place = &minted.place;
    let hashes = minted.batch.hashes();
    // Records that were not minted, one before the first leaf, one behind the last, one between.
    let absent = |fits: &dyn Fn(&Hash) -> bool| {
        (COUNT as u64..1_000_000)
            .map(|i| Proof::of(i, &format!("{{\"i\":{i}}}")))
            .find(|p| fits(&p.hash))
    };
    let ends = [
        (absent(&|hash| *hash < hashes[0]).unwrap(), None, Some(0)),
        (absent(&|hash| *hash > hashes[COUNT - 1]).unwrap(), Some(COUNT - 1), None),
        (absent(&|h| *h > hashes[40] && *h < hashes[41]).unwrap(), Some(40), Some(41)),
    ];
    for (proof, left, right) in ends {
        let (absence, said) = minted.prove(&proof.id);
        let root = &minted.root;
        assert_eq!(said, format!("absent if sorted, among {COUNT} under root {root}\n"));
        let document: Value = serde_json::from_str(&absence).unwrap();
        assert_eq!(document["left"].get("index"), left.map(|i| json!(i)).as_ref());
        assert_eq!(document["right"].get("index"), right.map(|i| json!(i)).as_ref());
        place.write("absence.json", &absence);
        place.write("record.json", format!("{{\"i\":{}}}", proof.row));
        let args = ["--record", "record.json", "--absence", "absence.json", "--root", root];
        let holds = verdict(place, &args);
        assert_eq!(
            (&holds["verdict"], &holds["steps"][2]["detail"]),
            (
                &json!(true),
                &json!(format!("absent_if_sorted from this batch of {COUNT} under {root}"))
            )
        );
        // The same neighbours show nothing about a record that is there.
        place.write("record.json", minted.record(40));
        assert_eq!(verdict(place, &args)["failed"], "batch");
        // Nor is an absence proof an inclusion proof.
        let args = ["--record", "record.json", "--inclusion", "absence.json", "--root", root];
        let detail = verdict(place, &args)["steps"][2]["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("PR306 "), "{detail}");
    }
    let (inclusion, _) = minted.prove(&hex::format_hash(&hashes[0]));
    place.write("inclusion.json", inclusion);
    let args = ["--record", "record.json", "--absence", "inclusion.json", "--root", &minted.root];
    let detail = verdict(place, &args)["steps"][2]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("PR307 "), "{detail}");
}

/// `text` with its hex digit or byte at `at` replaced by the next one.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = match bytes[at] {
        b'9' => b'a',
        b'f' => b'0',
        digit @ (b'0'..=b'8' | b'a'..=b'e') => digit + 1,
        other => panic!("{other} is no hex digit"),
    };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_single_changed_digit_anywhere_is_refused() {
    let minted = Minted::new();
    let place = &minted.place;
    let index = 37;
    let record = minted.record(index);
    let hash = hex::format_hash(&minted.batch.hashes()[index]);
    let (inclusion, _) = minted.prove(&hash);
    place.write("record.json", &record);
    place.write("inclusion.json", &inclusion);
    let run = |record: &str, proof: &str, inclusion: &str, root: &str| {
        verdict(
            place,
            &["--record", record, "--proof", proof, "--inclusion", inclusion, "--root", root],
        )
    };
    let good = run("record.json", &hash, "inclusion.json", &minted.root);
    assert_eq!(good["verdict"], true, "{good}");

    for at in 2..66 {
        let root = flipped(&minted.root, at);
        assert_eq!(run("record.json", &hash, "inclusion.json", &root)["failed"], "batch");
        let proof = flipped(&hash, at);
        assert_eq!(run("record.json", &proof, "inclusion.json", &minted.root)["failed"], "proof");
    }
    let elements: Vec<usize> = inclusion.match_indices("0x").map(|(at, _)| at).collect();
    assert_eq!(elements.len(), 7);
    for start in elements {
        // Each element's ends and middle.
        for at in [start + 2, start + 33, start + 65] {
            place.write("changed.json", flipped(&inclusion, at));
            let verdict = run("record.json", &hash, "changed.json", &minted.root);
            assert_eq!(verdict["failed"], "batch", "{at}");
        }
    }
    for other in (0..COUNT + 2).filter(|i| *i != index) {
        let changed = inclusion.replacen("\"index\":37", &format!("\"index\":{other}"), 1);
        place.write("changed.json", changed);
        let verdict = run("record.json", &hash, "changed.json", &minted.root);
        assert_eq!(verdict["failed"], "batch", "index {other}");
    }
    // Counts that need a path of another length. The rest cannot be told apart: a root does not say
    // how many leaves it has.
    for count in [0, 36, 37, 38, 64, 129, 1_u64 << 53] {
        let changed = inclusion.replacen("\"count\":100", &format!("\"count\":{count}"), 1);
        place.write("changed.json", changed);
        let verdict = run("record.json", &hash, "changed.json", &minted.root);
        assert_eq!(verdict["failed"], "batch", "count {count}");
        let detail = verdict["steps"][2]["detail"].as_str().unwrap();
        assert!(detail.starts_with("PR306 "), "count {count}: {detail}");
    }
    for at in 0..record.len() {
        let mut bytes = record.clone().into_bytes();
        bytes[at] ^= 1;
        place.write("changed.json", bytes);
        let failed = run("changed.json", &hash, "inclusion.json", &minted.root)["failed"].clone();
        assert!(failed == "record" || failed == "proof", "byte {at}: {failed}");
        let args =
            ["--record", "changed.json", "--inclusion", "inclusion.json", "--root", &minted.root];
        let failed = verdict(place, &args)["failed"].clone();
        assert!(failed == "record" || failed == "batch", "byte {at}: {failed}");
    }
}

#[test]
fn a_changed_character_of_a_proof_id_is_another_proof_or_none() {
    let place = Place::new();
    place.write("record.json", r#"{"a":1}"#);
    let id = Proof::of(0, r#"{"a":1}"#).id;
    let verify = |id: &str| place.run(&["verify", "--record", "record.json", "--proof", id]);
    assert_eq!(verify(&id).code, Some(0));
    for at in 4..id.len() {
        let mut changed = id.clone().into_bytes();
        changed[at] = if changed[at] == b'a' { b'q' } else { b'a' };
        let run = verify(std::str::from_utf8(&changed).unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{at}");
        assert!(run.stdout.ends_with(b"verdict: false at proof\n"), "{at}");
    }
    for wrong in [&id[..55], &id.to_uppercase()[..], &format!("{id}a"), &format!("{}b", &id[..55])]
    {
        let wrong = wrong.replacen("PRF_", "prf_", 1);
        verify(&wrong).fails_with(2, &["PR302 a proof id is malformed"]);
    }
    verify("0x00").fails_with(2, &["PR301 a hash is not 32 bytes"]);
}

#[test]
fn a_proof_is_claimed_as_document_or_hash_or_id_in_a_file_or_not() {
    let place = Place::new();
    let canonical = r#"{"a":1}"#;
    place.write("record.json", "{ \"a\": 1.0 }");
    let document = ProofDocument::of(canonical.as_bytes(), None);
    let (id, hash) = (format_id(&document.proof_hash), hex::format_hash(&document.proof_hash));
    let spaced = document.to_json().replace(',', " ,\n");
    for (name, text) in [
        ("document.json", document.to_json()),
        ("spaced.json", spaced),
        ("id.txt", format!("{id}\n")),
        ("hash.txt", format!(" {hash}")),
    ] {
        place.write(name, text);
        let holds = verdict(&place, &["--record", "record.json", "--proof", name]);
        assert_eq!(holds["verdict"], true, "{name}");
        assert_eq!(holds["steps"][0]["detail"], format!("7 canonical bytes, proof {id}"));
    }
    for claim in [&id, &hash] {
        assert_eq!(
            verdict(&place, &["--record", "record.json", "--proof", claim])["failed"],
            json!(null)
        );
    }
    let piped = place.run_with(&["verify", "--record", "-", "--proof", &id], b"{\"a\":1}");
    let printed = piped.succeeds();
    assert_eq!(printed.lines().count(), 9);
    assert!(
        printed.starts_with("ok  record  ") && printed.ends_with("\nverdict: true\n"),
        "{printed}"
    );

    let size = document.to_json().replace("\"size\":7", "\"size\":8");
    place.write("size.json", size);
    let no = verdict(&place, &["--record", "record.json", "--proof", "size.json"]);
    assert_eq!(
        no["steps"][1]["detail"],
        "the hash is the one claimed, but its size or blinding is not"
    );
    for (what, changed) in [
        ("more", document.to_json().replace("\"v\":1", "\"v\":1,\"w\":2")),
        ("less", document.to_json().replace(",\"v\":1", "")),
        ("canon", document.to_json().replace("jcs-1", "jcs-2")),
        ("no JSON", "what".into()),
    ] {
        place.write("bad.json", changed);
        let no = verdict(&place, &["--record", "record.json", "--proof", "bad.json"]);
        assert_eq!(no["failed"], "proof", "{what}");
        assert!(no["steps"][1]["detail"].as_str().unwrap().starts_with("PR303 "), "{what}: {no}");
    }
}

#[test]
fn a_record_that_cannot_be_read_fails_at_the_first_step() {
    let place = Place::new();
    place.write("record.json", r#"{"a":1,"a":2}"#);
    let id = Proof::of(0, r#"{"a":2}"#).id;
    let no = verdict(&place, &["--record", "record.json", "--proof", &id]);
    assert_eq!(no["failed"], "record");
    let detail = no["steps"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("PR106 ") && detail.contains("at $.a"), "{detail}");
}

#[test]
fn verification_against_nothing_is_no_verification() {
    let minted = Minted::new();
    let place = &minted.place;
    place.write("record.json", "{}");
    place.write("inclusion.json", "{}");
    let root = &minted.root;
    let cases: [(&[&str], &str); 7] = [
        (&[], "nothing to verify against"),
        (&["--root", root], "--root needs --inclusion or --absence"),
        (&["--inclusion", "inclusion.json"], "--root"),
        (&["--absence", "inclusion.json"], "--root"),
        (&["--absence", "inclusion.json", "--inclusion", "inclusion.json", "--root", root], "--"),
        (&["--inclusion", "inclusion.json", "--root", &root[2..]], "PR301"),
        (&["--proof", "no.json"], "cannot read no.json: no such file or directory"),
    ];
    for (args, complaint) in cases {
        let args = [&["verify", "--record", "record.json"], args].concat();
        place.run(&args).fails_with(2, &[complaint]);
    }
    place.run(&["verify", "--proof", root]).fails_with(2, &["--record"]);
    place
        .run(&["verify", "--record", "no.json", "--proof", root])
        .fails_with(2, &["cannot read no.json"]);
}

#[test]
fn proofs_of_a_set_that_is_cut_hold_under_their_part() {
    let minted = Minted::new();
    let place = &minted.place;
    let limit = 12;
    let bits = minted.batch.part_bits(limit).unwrap();
    let listed = batches(&numbered_proofs(COUNT), limit);
    for batch in listed.as_array().unwrap() {
        let cell: Vec<Hash> = minted
            .batch
            .hashes()
            .iter()
            .copied()
            .filter(|hash| json!(part_index(hash, bits)) == batch["part"]["index"])
            .collect();
        for (i, hash) in cell.iter().enumerate().filter(|(i, _)| [0, cell.len() - 1].contains(i)) {
            let args = ["prove", "p.parquet", "--part-limit", "12", "--proof"];
            let id = format_id(hash);
            let args = [&args[..], &[&id]].concat();
            let run = place.run(&args);
            assert_eq!(run.code, Some(0));
            let root = batch["batch_root"].as_str().unwrap();
            let part = &batch["part"];
            let said = format!(
                "included as leaf {i} of {} under root {root} (cell {} of {}, {} not empty)\n",
                cell.len(),
                part["index"],
                1 << bits,
                part["parts"]
            );
            assert_eq!(run.stderr, said);
            place.write("inclusion.json", &run.stdout);
            let at = minted.batch.hashes().binary_search(hash).unwrap();
            place.write("record.json", minted.record(at));
            let holds = verdict(
                place,
                &["--record", "record.json", "--inclusion", "inclusion.json", "--root", root],
            );
            assert_eq!(holds["verdict"], true);
            // Under the root of the uncut set it proves nothing.
            let no = verdict(
                place,
                &[
                    "--record",
                    "record.json",
                    "--inclusion",
                    "inclusion.json",
                    "--root",
                    &minted.root,
                ],
            );
            assert_eq!(no["failed"], "batch");
            let json: Value =
                serde_json::from_str(&place.run(&[&args[..], &["--json"]].concat()).succeeds())
                    .unwrap();
            assert_eq!((&json["part"], &json["batch_root"]), (part, &batch["batch_root"]));
        }
    }
}

#[test]
fn a_cell_without_proofs_has_nothing_to_prove_absence_with() {
    let place = Place::new();
    // Two hashes in the last quarter: cut by one, the first cells are empty.
    let hashes = [[0xC0; 32], [0xF0; 32]];
    let array = FixedSizeBinaryArray::try_from_iter(hashes.into_iter()).unwrap();
    place.write_parquet("p.parquet", vec![("proof_hash", Arc::new(array))]);
    let zero = hex::format_hash(&[0; 32]);
    let args = ["prove", "p.parquet", "--part-limit", "1", "--proof", &zero];
    place.run(&args).fails_with(1, &["PR308 a batch is empty"]);
}

#[test]
fn any_type_of_bytes_can_hold_proofs_and_null_is_none() {
    let place = Place::new();
    let proofs = numbered_proofs(3);
    let cells: Vec<Option<&[u8]>> =
        vec![Some(&proofs[2].hash), None, Some(&proofs[0].hash), Some(&proofs[1].hash)];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells.iter().copied(), 32);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("proof_hash", Arc::new(fixed.unwrap())),
        ("binary", Arc::new(BinaryArray::from(cells.clone()))),
        ("large", Arc::new(LargeBinaryArray::from(cells.clone()))),
        ("view", Arc::new(BinaryViewArray::from(cells))),
    ];
    place.write_parquet("p.parquet", columns);
    let expected = format!("{}\n", batches(&proofs, 9)[0]["batch_root"].as_str().unwrap());
    let warning = "warning: rows without a proof hash, which are in no batch: 1\n";
    let printed = |run: Run| (run.code, run.text().to_owned(), run.stderr);
    let wanted = (Some(0), expected, warning.to_owned());
    assert_eq!(printed(place.run(&["root", "p.parquet"])), wanted);
    for column in ["proof_hash", "binary", "large", "view"] {
        let args = ["root", "p.parquet", "--column", column];
        assert_eq!(printed(place.run(&args)), wanted, "{column}");
    }
}

#[test]
fn what_holds_no_proofs_is_named() {
    let place = Place::new();
    let short = FixedSizeBinaryArray::try_from_iter([[1_u8; 16]].into_iter()).unwrap();
    let cells: Vec<&[u8]> = vec![&[1; 32], &[1; 5]];
    let two: Vec<&[u8]> = vec![&[1; 16], &[2; 16]];
    place.write_parquet("p.parquet", vec![("short", Arc::new(short))]);
    place.write_parquet(
        "q.parquet",
        vec![
            ("mixed", Arc::new(BinaryArray::from_vec(cells)) as ArrayRef),
            ("n", Arc::new(Int64Array::from(vec![1, 2]))),
            ("two", Arc::new(BinaryArray::from_vec(two))),
        ],
    );
    place.write("text.parquet", "text");
    for (file, column, complaint) in [
        ("p.parquet", "short", "column \"short\" of p.parquet does not hold proof hashes"),
        ("q.parquet", "mixed", "does not hold proof hashes: one of them has 5 bytes"),
        ("q.parquet", "two", "does not hold proof hashes: one of them has 16 bytes"),
        ("q.parquet", "n", "does not hold proof hashes: it is Int64"),
        ("q.parquet", "proof_hash", "q.parquet has no column \"proof_hash\"; pass --column"),
        ("text.parquet", "proof_hash", "cannot read text.parquet as Parquet: "),
        ("no.parquet", "proof_hash", "cannot read no.parquet: no such file or directory"),
        (".", "proof_hash", "cannot read .: it is a directory"),
    ] {
        let zero = hex::format_hash(&[0; 32]);
        place.run(&["root", file, "--column", column]).fails_with(2, &[complaint]);
        place
            .run(&["prove", file, "--column", column, "--proof", &zero])
            .fails_with(2, &[complaint]);
    }
}

#[test]
fn an_empty_file_has_no_root() {
    let place = Place::new();
    place.mint_with(&["-", "-o", "empty.parquet"], b"");
    place
        .run(&["root", "empty.parquet"])
        .fails_with(1, &["cannot compute a root: PR308 a batch is empty"]);
    let stderr = place.run(&["root", "empty.parquet", "--json"]).fails(1);
    let error: Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!(error["error"]["code"], "PR308");
    let zero = hex::format_hash(&[0; 32]);
    place.run(&["prove", "empty.parquet", "--proof", &zero]).fails_with(1, &["PR308"]);
}

#[test]
fn a_column_that_is_no_hashes_cannot_be_cut() {
    let place = Place::new();
    let mut other = [0; 32];
    other[31] = 1;
    let array = FixedSizeBinaryArray::try_from_iter([[0; 32], other].into_iter()).unwrap();
    place.write_parquet("p.parquet", vec![("proof_hash", Arc::new(array))]);
    place
        .run(&["root", "p.parquet", "--part-limit", "1"])
        .fails_with(1, &["cannot cut the batch: PR904"]);
    place.run(&["root", "p.parquet"]).succeeds();
}
