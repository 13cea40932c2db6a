//! What is refused, how it is said, and the exit code that says so.

use std::fs::OpenOptions;
use std::process::Stdio;

use serde_json::json;

use crate::common::{Place, objects};

const TWICE: &str = r#"SELECT precise_mint_proof('{"a":1,"a":2}')"#;

#[test]
fn a_refusal_of_ours_has_its_code_and_a_hint() {
    let place = Place::new();
    assert_eq!(
        place.sql(TWICE).fails(1),
        "error: PR106 an object has the same key twice, at $.a (byte 12), in precise_mint_proof\n\
         at: command 1, line 1: SELECT precise_mint_proof('{\"a\":1,\"a\":2}')\n\
         hint: Readers disagree on which one counts, so neither is taken.\n"
    );
    let stderr = place.run(&["--json", "-c", TWICE]).fails(1);
    assert_eq!(
        objects(&stderr),
        [json!({"error": {
            "message": "PR106 an object has the same key twice, at $.a (byte 12), in precise_mint_proof",
            "code": "PR106", "path": "$.a", "offset": 12, "function": "precise_mint_proof",
            "hint": "Readers disagree on which one counts, so neither is taken.",
            "source": "command 1", "line": 1,
        }})]
    );
}

#[test]
fn a_refusal_in_the_middle_of_a_file_is_found_too() {
    let place = Place::new();
    place.copy(
        "SELECT value AS i, CASE WHEN value = 70000 THEN '{\"a\":' ELSE '{}' END AS payload \
         FROM generate_series(1, 100000)",
        "e.parquet",
    );
    for sql in [
        "SELECT count(precise_proof_hash(payload)) FROM 'e.parquet'",
        "SELECT i FROM 'e.parquet' WHERE precise_canonical(payload) = '{}' ORDER BY i DESC",
        "CREATE TABLE t AS SELECT precise_mint_proof(payload) FROM 'e.parquet'",
        "SELECT precise_merkle_root(precise_proof_hash(payload)) FROM 'e.parquet' GROUP BY i % 9",
    ] {
        let stderr = place.sql(sql).fails(1);
        assert!(stderr.starts_with("error: PR104 text ends before the document does"), "{stderr}");
        assert!(stderr.contains("\nhint: It was probably cut off.\n"), "{stderr}");
    }
}

#[test]
fn wrong_arguments_are_told_without_the_planners_detours() {
    let place = Place::new();
    let stderr = place.run(&["--json", "-c", "SELECT precise_proof_id('ab')"]).fails(1);
    let error = &objects(&stderr)[0]["error"];
    assert_eq!(error["code"], "PR191");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("PR191 wrong number or type of arguments: "), "{message}");
    assert!(
        message.ends_with("the call is precise_proof_id(proof_hash bytes) → text"),
        "{message}"
    );
}

#[test]
fn others_keep_datafusions_words_without_its_types() {
    let place = Place::new();
    for (sql, words) in [
        ("SELEC 1", "SQL error: Expected: an SQL statement, found: SELEC at Line: 1, Column: 1"),
        ("SELECT nope", "Schema error: No field named nope"),
        ("SELECT * FROM nope", "Error during planning: table 'datafusion.public.nope' not found"),
        ("SELECT no_such_function(1)", "Invalid function 'no_such_function'"),
        ("SELECT 1 / 0", "Divide by zero"),
        ("SELECT CAST('x' AS INT)", "Cannot cast string 'x' to value of Int32 type"),
        ("SELECT 1 + 'x'::date", "error: "),
        ("SET datafusion.no.such = 1", "datafusion.no.such"),
        ("SET datafusion.execution.target_partitions = 'many'", "target_partitions"),
        ("BEGIN", "not implemented"),
        ("INSERT INTO nope VALUES (1)", "not found"),
        ("DROP TABLE nope", "doesn't exist"),
    ] {
        let stderr = place.sql(sql).fails(1);
        assert!(stderr.starts_with("error: ") && stderr.contains(words), "{sql}: {stderr}");
        for noise in ["External error", "ParserError(", "backtrace", "panicked"] {
            assert!(!stderr.contains(noise), "{sql}: {stderr}");
        }
        assert!(stderr.contains(&format!("\nat: command 1, line 1: {sql}\n")), "{stderr}");
    }
}

#[test]
fn nothing_after_a_failure_runs() {
    let place = Place::new();
    let run = place.sql("SELECT nope; COPY (SELECT 1) TO 'x.csv'");
    run.fails(1);
    let run = place.run(&["-c", "SELECT nope", "-c", "COPY (SELECT 1) TO 'x.csv'"]);
    run.fails(1);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else { return };
    let place = Place::new();
    for format in ["table", "csv", "json", "ndjson"] {
        let mut command = place.command(&["--format", format, "-c", "SELECT 1 AS a"]);
        let output = command.stdout(full.try_clone().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{format}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with("error: cannot write standard output: "), "{stderr}");
    }
    // Where not even the error can be written, the exit code still tells.
    let mut command = place.command(&["-c", "SELEC 1"]);
    let status = command.stdout(Stdio::null()).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
