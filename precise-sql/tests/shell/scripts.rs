//! Where statements come from, and where one ends.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::json;

use crate::common::{Place, objects};

/// The results of a text, one JSON object a row, whichever way it is handed over.
#[track_caller]
fn values(text: &str) -> Vec<serde_json::Value> {
    let place = Place::new();
    place.write("script.sql", text);
    let file = place.run(&["--json", "-f", "script.sql"]).succeeds();
    assert_eq!(place.run(&["--json", "-c", text]).succeeds(), file);
    assert_eq!(place.run_with(&["--json"], text.as_bytes()).succeeds(), file);
    assert_eq!(place.run_with(&["--json", "-f", "-"], text.as_bytes()).succeeds(), file);
    objects(&file)
}

#[test]
fn semicolons_end_statements_only_where_they_are_semicolons() {
    let text = "SELECT ';' AS a; SELECT 'it''s;' AS a /* ; */ -- ;\n;\n\
                SELECT \"x;\" AS a FROM (SELECT 1 AS \"x;\");;; SELECT $$d;'q$$ AS a;\n\
                SELECT $tag$ $$; $tag$ AS a; /* nested /* ; */ ; */ SELECT 'two\n;lines' AS a\n;";
    let found: Vec<_> = values(text).into_iter().map(|row| row["a"].clone()).collect();
    assert_eq!(
        found,
        [json!(";"), json!("it's;"), json!(1), json!("d;'q"), json!(" $$; "), json!("two\n;lines"),]
    );
}

#[test]
fn the_last_semicolon_may_be_missing() {
    assert_eq!(values("SELECT 1 AS a; SELECT 2 AS a"), [json!({"a": 1}), json!({"a": 2})]);
    assert_eq!(values("SELECT 1 AS a -- done"), [json!({"a": 1})]);
}

#[test]
fn nothing_is_nothing() {
    for text in ["", ";", " ;; \n ; ", "-- only a comment", "/* ; */", "\n\n", "\u{feff}"] {
        assert_eq!(values(text), [0; 0], "{text:?}");
    }
}

#[test]
fn windows_and_their_editors_are_read() {
    assert_eq!(values("\u{feff}SELECT 1 AS a;\r\nSELECT 2\r\n AS a;\r\n").len(), 2);
}

#[test]
fn sources_run_in_the_order_given() {
    let place = Place::new();
    place.write("a.sql", "CREATE TABLE t AS SELECT 1 AS a;");
    place.write("b.sql", "INSERT INTO t VALUES (2)");
    let args = [
        "--json",
        "-f",
        "a.sql",
        "-c",
        "SELECT a FROM t",
        "-f",
        "b.sql",
        "-c",
        "SELECT sum(a) AS s FROM t",
    ];
    assert_eq!(
        objects(&place.run(&args).succeeds()),
        [json!({"a": 1}), json!({"count": 1}), json!({"s": 3}),]
    );
}

#[test]
fn a_pipe_is_answered_statement_by_statement() {
    let place = Place::new();
    let mut command = place.command(&["--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for i in 1..=3 {
        stdin.write_all(format!("SELECT {i}\n AS i;\n").as_bytes()).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("{{\"i\":{i}}}"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_first_failure_ends_it_and_says_where() {
    let place = Place::new();
    place.write("script.sql", "SELECT 1 AS a;\n\n-- two\nSELECT\n  nope;\nSELECT 3 AS a;\n");
    let run = place.run(&["--json", "-f", "script.sql"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.text(), "{\"a\":1}\n");
    let error = &objects(&run.stderr)[0]["error"];
    assert_eq!((&error["source"], &error["line"]), (&json!("script.sql"), &json!(4)));
    let run = place.run(&["-q", "-f", "script.sql"]);
    assert!(run.stderr.ends_with("\nat: script.sql, line 4: SELECT\n"), "{}", run.stderr);
    let run = place.run_with(&[], b"SELECT nope; SELECT 1");
    assert!(run.fails(1).contains("at: standard input, line 1: SELECT nope\n"));
    let run = place.run(&["-c", "SET datafusion.format.null = ''", "-c", ";\nSELECT nope"]);
    assert!(run.fails(1).contains("at: command 2, line 2: SELECT nope\n"));
}

#[test]
fn what_stands_before_a_torn_string_still_runs() {
    let place = Place::new();
    for (text, word) in [
        ("SELECT 1 AS a; SELECT 'torn", "Unterminated string"),
        ("SELECT 1 AS a;\nSELECT /* torn", "comment"),
        ("SELECT 1 AS a;\nSELECT $$torn; SELECT 2", "Unterminated"),
        ("SELECT 1 AS a; SELECT (1; SELECT 2", "Expected: )"),
        ("SELECT 1 AS a; SELECT 1 FROM", "found: EOF"),
    ] {
        let run = place.run_with(&["--json"], text.as_bytes());
        assert_eq!((run.code, run.text()), (Some(1), "{\"a\":1}\n"), "{text}");
        assert!(run.stderr.contains(word), "{text}: {}", run.stderr);
    }
    // Positions count from the start of the script.
    let run = place.run_with(&["--json"], b"SELECT 1 AS a;\nSELECT 2 AS a; SELECT 'torn");
    assert!(run.stderr.contains("at Line: 2, Column: 23"), "{}", run.stderr);
    let run = place.run_with(&["--json"], b"SELECT 1 AS a;\nSELECT 2 AS a; SELEC 3");
    assert!(run.stderr.contains("SELEC at Line: 2, Column: 16"), "{}", run.stderr);
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_line() {
    let place = Place::new();
    place.write("latin.sql", b"SELECT 1 AS a;\nSELECT 'caf\xe9';\n");
    let run = place.run(&["--json", "-f", "latin.sql"]);
    assert_eq!((run.code, run.text()), (Some(2), "{\"a\":1}\n"));
    let message = "cannot read latin.sql: line 2 is not UTF-8";
    assert_eq!(objects(&run.stderr), [json!({"error": {"message": message}})]);
}

#[test]
fn a_dialect_counts_from_its_statement_on() {
    let place = Place::new();
    // To MySQL, # begins a comment and ` a name.
    let sql = "SET datafusion.sql_parser.dialect = 'mysql'; SELECT `a` FROM (SELECT 1 AS a) # ; x\n\
               ; SET datafusion.sql_parser.dialect = 'generic'; SELECT 2 AS \"b\"";
    assert_eq!(place.rows(sql), [json!({"a": 1}), json!({"b": 2})]);
}

#[test]
fn long_scripts_and_long_statements_are_read_in_time() {
    let place = Place::new();
    let many = "SET datafusion.format.null = '';".repeat(2000);
    place.write("one_line.sql", &many);
    place.write("lines.sql", many.replace(';', ";\n"));
    place.write("long.sql", format!("SELECT length('{}') AS n;", "a ; line\n".repeat(100_000)));
    place.run(&["-f", "one_line.sql", "-f", "lines.sql"]).succeeds();
    assert_eq!(
        objects(&place.run(&["--json", "-f", "long.sql"]).succeeds()),
        [json!({"n": 900_000})]
    );
}
