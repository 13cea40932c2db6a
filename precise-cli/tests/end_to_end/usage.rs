//! Help, versions, and command lines that ask for what cannot be.

use crate::common::Place;

const COMMANDS: [&str; 14] = [
    "canonical",
    "mint",
    "audience",
    "cohorts",
    "attribute",
    "royalty",
    "settle",
    "reconcile",
    "root",
    "prove",
    "verify",
    "functions",
    "sample",
    "demo",
];

#[test]
fn every_command_has_help_and_a_version() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(place.run(&["--version"]).succeeds(), format!("precise {version}\n"));
    for help in ["--help", "-h", "help"] {
        let help = place.run(&[help]).succeeds();
        for command in COMMANDS {
            assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
        }
        assert!(help.contains("Exit codes: 0 done"), "{help}");
    }
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let help = place.run(&[command, flag]).succeeds();
            assert!(help.contains(&format!("Usage: precise {command}")), "{help}");
        }
        let printed = place.run(&[command, "--version"]).succeeds();
        assert_eq!(printed, format!("precise-{command} {version}\n"));
    }
}

#[test]
fn what_is_not_understood_is_named_and_exits_with_2() {
    let place = Place::new();
    for command in COMMANDS {
        place.run(&[command, "--no-such-flag"]).fails_with(2, &["--no-such-flag"]);
    }
    place.run(&["no-such-command"]).fails_with(2, &["no-such-command"]);
    assert!(place.run(&[]).fails(2).contains("Usage: precise"));
    place.run(&["mint", "a.ndjson"]).fails_with(2, &["--output"]);
    place.run(&["mint", "-o", "out.parquet"]).fails_with(2, &["INPUT"]);
    place.run(&["audience"]).fails_with(2, &["INPUT"]);
    place.run(&["attribute"]).fails_with(2, &["INPUT"]);
    place.run(&["cohorts", "a.ndjson"]).fails_with(2, &["--rules"]);
    place.run(&["cohorts", "--rules", "rules.json"]).fails_with(2, &["INPUT"]);
    place.run(&["root"]).fails_with(2, &["PROOFS"]);
    place.run(&["prove", "p.parquet"]).fails_with(2, &["--proof"]);
    place.run(&["canonical", "a", "b"]).fails_with(2, &["'b'"]);
    place
        .run(&["mint", "-", "-o", "o", "--format", "xml"])
        .fails_with(2, &["xml", "ndjson", "json", "csv", "parquet"]);
    assert!(place.names().is_empty());
}

#[test]
fn a_part_limit_is_a_count_from_1_up() {
    let place = Place::new();
    let zero = format!("0x{}", "0".repeat(64));
    for limit in ["0", "-1", "many", "", "1.5", "99999999999999999999999"] {
        let limit = format!("--part-limit={limit}");
        for args in [
            &["mint", "-", "-o", "o.parquet", &limit][..],
            &["audience", "-", &limit],
            &["root", "p.parquet", &limit],
            &["prove", "p.parquet", "--proof", &zero, &limit],
        ] {
            place.run(args).fails_with(2, &["a count from 1 up is expected"]);
        }
    }
}

#[test]
fn a_malformed_proof_or_root_is_refused_with_its_code() {
    let place = Place::new();
    let upper = format!("0x{}", "AB".repeat(32));
    for (proof, code) in
        [("0x12", "PR301"), (&upper, "PR301"), ("prf_a", "PR302"), ("", "PR302"), ("x", "PR302")]
    {
        place.run(&["prove", "p.parquet", "--proof", proof]).fails_with(2, &[code]);
    }
    for root in ["0x12", &upper, "prf_a", ""] {
        place
            .run(&["verify", "--record", "r", "--inclusion", "i", "--root", root])
            .fails_with(2, &["PR301"]);
    }
}

#[test]
fn a_proof_document_is_printed_and_verifies_blinded_or_not() {
    let place = Place::new();
    place.write("record.json", r#"{ "b": 1.50, "a": "A" }"#);
    place.write("secret.hex", "a7".repeat(32));
    let blinding = ["--secret-file", "secret.hex", "--record-id", "r1"];
    for blinding in [&[][..], &blinding[..]] {
        let document = place.run(&[&["proof", "record.json"], blinding].concat()).succeeds();
        assert_eq!(document.contains("\"blinded\":true"), !blinding.is_empty());
        assert_eq!(document.contains("\"size\":17"), blinding.is_empty());
        place.write("proof.json", document);
        let verify = ["verify", "--record", "record.json", "--proof", "proof.json"];
        let run = place.run(&[&verify[..], blinding].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    place.write("record.json", "{");
    place.run(&["proof", "record.json"]).fails_with(1, &["PR104", "hint: "]);
}

#[test]
fn standard_input_is_read_once_and_packed_parquet_not_at_all() {
    let place = Place::new();
    place.run(&["mint", "-", "-", "-o", "out.parquet"]).fails_with(2, &["only once"]);
    place
        .run(&["mint", "a.parquet.gz", "--column", "c", "-o", "out.parquet"])
        .fails_with(2, &["unpack the file"]);
    place.run(&["sample", "--events", "1", "-o", "s.parquet.gz"]).fails_with(2, &["must end in"]);
}

#[test]
fn a_run_in_which_every_row_is_refused_says_no() {
    let place = Place::new();
    let run = place.run_with(&["mint", "-", "-o", "out.parquet"], b"{\n[\n");
    assert_eq!(run.code, Some(1));
    assert!(String::from_utf8_lossy(&run.stdout).contains("no batch root"), "{run:?}");
}
