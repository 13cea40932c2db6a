//! COPY: what is written, and that nothing half-written has its final name.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::common::{Place, wait_for, wait_until};

#[test]
fn a_file_comes_back_as_it_was() {
    let place = Place::new();
    let query = "SELECT value AS i, 'it''s' AS t, X'00ff' AS b FROM generate_series(1, 3)";
    for name in ["x.parquet", "x.arrow", "new/folder/x.parquet"] {
        let count = place.rows(&format!("COPY ({query}) TO '{name}'"));
        assert_eq!(count, [json!({"count": 3})], "{name}");
        let sql = format!("SELECT * FROM '{name}' ORDER BY i");
        assert_eq!(place.rows(&sql), place.rows(query), "{name}");
    }
    for name in ["x.csv", "x.tsv", "x.ndjson", "x.jsonl", "x.json"] {
        place.copy("SELECT 1 AS i, 'a,b' AS t", name);
        let rows = place.rows(&format!("SELECT * FROM '{name}'"));
        assert_eq!(rows, [json!({"i": 1, "t": "a,b"})], "{name}");
    }
}

#[test]
fn a_refused_row_leaves_what_was_there_before() {
    let place = Place::new();
    let query = "SELECT repeat('x', 100) AS x, precise_canonical(CASE WHEN value = 90000 THEN '{' \
                 ELSE '{}' END) AS c FROM generate_series(1, 100000)";
    for (target, options) in [
        ("x.parquet", ""),
        ("x.csv", ""),
        ("x.ndjson", ""),
        ("d/", "STORED AS CSV"),
        ("p/", "STORED AS PARQUET PARTITIONED BY (c)"),
    ] {
        let sql = format!("COPY ({query}) TO '{target}' {options}");
        place.sql(&sql).fails_with(1, &["PR104"]);
        assert!(place.names().is_empty(), "{target}: {:?}", place.names());
    }
    place.write("x.csv", "old");
    fs::create_dir(place.path("d")).unwrap();
    place.write("d/old.csv", "x,c\n1,2\n");
    place.sql(&format!("COPY ({query}) TO 'x.csv'")).fails_with(1, &["PR104"]);
    place.sql(&format!("COPY ({query}) TO 'd' STORED AS CSV")).fails_with(1, &["PR104"]);
    assert_eq!(place.names(), ["d", "x.csv"]);
    assert_eq!(place.text("x.csv"), "old");
    assert_eq!(fs::read_dir(place.path("d")).unwrap().count(), 1);
}

#[test]
fn a_file_may_replace_itself() {
    let place = Place::new();
    place.copy("SELECT * FROM generate_series(1, 1000)", "x.parquet");
    place.copy("SELECT value + 1 AS value FROM 'x.parquet'", "x.parquet");
    let sql = "SELECT sum(value) AS s FROM 'x.parquet'";
    assert_eq!(place.rows(sql), [json!({"s": 501_500})]);
}

#[test]
fn what_is_replaced_keeps_its_mode_and_links_stay() {
    let place = Place::new();
    place.write("private.csv", "old");
    fs::set_permissions(place.path("private.csv"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("private.csv", place.path("link.csv")).unwrap();
    place.copy("SELECT 1 AS a", "link.csv");
    assert_eq!(place.text("private.csv"), "a\n1\n");
    let mode = fs::metadata(place.path("private.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::symlink_metadata(place.path("link.csv")).unwrap().is_symlink());
    assert_eq!(place.names(), ["link.csv", "private.csv"]);
}

#[test]
fn a_directory_gets_more_files() {
    let place = Place::new();
    for _ in 0..2 {
        place.sql("COPY (SELECT 1 AS a) TO 'd/' STORED AS PARQUET").succeeds();
    }
    assert_eq!(place.rows("SELECT sum(a) AS s FROM 'd/'"), [json!({"s": 2})]);
    let sql = "COPY (SELECT value % 2 AS k, value AS v FROM generate_series(1, 4)) \
               TO 'p' STORED AS PARQUET PARTITIONED BY (k)";
    place.sql(sql).succeeds();
    assert_eq!(place.rows("SELECT sum(v) AS s FROM 'p/k=0/'"), [json!({"s": 6})]);
    assert_eq!(place.names(), ["d", "p"]);
}

#[test]
fn no_rows_are_a_file_without_rows() {
    let place = Place::new();
    place.copy("SELECT 1 AS a WHERE false", "x.parquet");
    assert_eq!(place.rows("SELECT count(*) AS c FROM 'x.parquet'"), [json!({"c": 0})]);
}

#[test]
fn places_that_cannot_be_written_are_told() {
    let place = Place::new();
    place.write("file.csv", "a\n1\n");
    place.write("locked.csv", "a\n1\n");
    fs::set_permissions(place.path("locked.csv"), fs::Permissions::from_mode(0o400)).unwrap();
    for (target, word) in [
        ("/dev/null", "it is not a regular file"),
        ("file.csv/x.csv", "cannot write file.csv/x.csv"),
        ("locked.csv", "it is read-only"),
        ("/", "cannot write /"),
        ("s3://bucket/x.csv", "only local files are written"),
    ] {
        let run = place.sql(&format!("COPY (SELECT 1 AS a) TO '{target}' STORED AS CSV"));
        run.fails_with(2, &[word]);
    }
    place.sql("COPY (SELECT 1 AS a) TO 'x.unknown'").fails_with(1, &["unknown"]);
    assert_eq!(place.names(), ["file.csv", "locked.csv"]);
}

#[test]
fn explain_analyze_writes_and_explain_does_not() {
    let place = Place::new();
    place.sql("EXPLAIN COPY (SELECT 1 AS a) TO 'a.csv'").succeeds();
    place.sql("EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO 'b.csv'").succeeds();
    assert_eq!(place.names(), ["b.csv"]);
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing() {
    for target in ["x.parquet", "x.csv", "d/"] {
        let place = Place::new();
        let sql = format!(
            "COPY (SELECT md5(value::text) AS h, repeat('x', 100) AS x \
             FROM generate_series(1, 100000000000)) TO '{target}' STORED AS CSV"
        );
        let child = place.start(&["-c", &sql]);
        let begun = || place.names().iter().any(|name| name.starts_with(".precise-"));
        wait_until("a temporary directory", begun);
        std::thread::sleep(std::time::Duration::from_millis(300));
        crate::interrupt::send("-INT", &child);
        assert_eq!(wait_for(child).fails(130), "interrupted\n");
        assert!(place.names().is_empty(), "{target}: {:?}", place.names());
    }
}
