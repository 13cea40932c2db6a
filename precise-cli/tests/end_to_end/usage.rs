//! Help, versions, and command lines that ask for what cannot be.

use crate::common::Place;

const COMMANDS: [&str; 8] =
    ["canonical", "mint", "root", "prove", "verify", "functions", "sample", "demo"];

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
    place.run(&[]).fails_with(2, &["Usage: precise"]);
    place.run(&["mint", "a.ndjson"]).fails_with(2, &["--output"]);
    place.run(&["mint", "-o", "out.parquet"]).fails_with(2, &["INPUT"]);
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
