//! Paths in place of tables' names.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use crate::common::{Place, skipped};

#[test]
fn each_format_is_known_by_its_name() {
    let place = Place::new();
    place.write("e.csv", "id,name\n1,a\n2,\n");
    place.write("e.tsv", "id\tname\n1\ta\n2\t\n");
    for name in ["e.ndjson", "e.jsonl", "e.json", "E.JSON"] {
        place.write(name, "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":null}\n");
    }
    place.write("array.json", " [{\"id\":1,\"name\":\"a\"},\n {\"id\":2,\"name\":null}]");
    place.copy("SELECT * FROM 'e.ndjson'", "e.parquet");
    place.copy("SELECT * FROM 'e.ndjson'", "e.arrow");
    for name in [
        "e.csv",
        "e.tsv",
        "e.ndjson",
        "e.jsonl",
        "e.json",
        "E.JSON",
        "array.json",
        "e.parquet",
        "e.arrow",
    ] {
        let rows = place.rows(&format!("SELECT id, name FROM '{name}' ORDER BY id"));
        let expected = [json!({"id": 1, "name": "a"}), json!({"id": 2, "name": null})];
        assert_eq!(rows, expected, "{name}");
    }
}

#[test]
fn compressed_files_are_unpacked() {
    let place = Place::new();
    for (program, ending) in [("gzip", "gz"), ("bzip2", "bz2"), ("xz", "xz"), ("zstd", "zst")] {
        for (name, text) in [("a.csv", "id\n1\n2\n"), ("a.ndjson", "{\"id\":1}\n{\"id\":2}\n")] {
            let packed = Command::new(program)
                .arg("-c")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .and_then(|mut child| {
                    child.stdin.take().unwrap().write_all(text.as_bytes())?;
                    child.wait_with_output()
                });
            let Ok(packed) = packed else {
                skipped(&format!("{program} is not installed"));
                continue;
            };
            let name = format!("{name}.{ending}");
            place.write(&name, &packed.stdout);
            let rows = place.rows(&format!("SELECT sum(id) AS s FROM '{name}'"));
            assert_eq!(rows, [json!({"s": 3})], "{name}");
            place.write(&name, &packed.stdout[..packed.stdout.len() / 2]);
            let torn = place.sql(&format!("SELECT sum(id) AS s FROM '{name}'"));
            assert_ne!(torn.code, Some(0), "{name}: {torn:?}");
        }
    }
}

#[test]
fn any_name_will_do() {
    let place = Place::new();
    place.copy("SELECT 1 AS a", "plain.parquet");
    fs::create_dir(place.path("d[1]")).unwrap();
    for name in [
        "we ird #%?*é.parquet",
        "a:b.parquet",
        "q'uote.parquet",
        "UP.PARQUET",
        "[x].parquet",
        "d[1]/x.parquet",
        "a=b.parquet",
        "%20.parquet",
    ] {
        fs::copy(place.path("plain.parquet"), place.path(name)).unwrap();
        let quoted = name.replace('\'', "''");
        assert_eq!(place.rows(&format!("SELECT a FROM '{quoted}'")), [json!({"a": 1})], "{name}");
        place.copy("SELECT 2 AS a", &quoted);
        assert_eq!(place.rows(&format!("SELECT a FROM '{quoted}'")), [json!({"a": 2})], "{name}");
    }
    for name in [
        place.path("plain.parquet").display().to_string(),
        format!("file://{}", place.path("plain.parquet").display()),
        "./plain.parquet".into(),
        "d[1]/../plain.parquet".into(),
    ] {
        assert_eq!(place.rows(&format!("SELECT a FROM '{name}'")), [json!({"a": 1})], "{name}");
    }
    assert_eq!(place.rows("SELECT a FROM \"plain.parquet\""), [json!({"a": 1})]);
}

#[test]
fn directories_and_patterns_are_tables_too() {
    let place = Place::new();
    for key in 1..=3 {
        place.copy(&format!("SELECT {key} AS a"), &format!("d/k={key}/x.parquet"));
        place.copy(&format!("SELECT {key} AS a"), &format!("flat/{key}.parquet"));
    }
    place.write("flat/note.txt", "not a table");
    assert_eq!(place.rows("SELECT sum(a) AS s FROM 'flat/*.parquet'"), [json!({"s": 6})]);
    assert_eq!(place.rows("SELECT sum(a) AS s FROM 'flat/[12].parquet'"), [json!({"s": 3})]);
    let sql = "SELECT k, a FROM 'd/' WHERE k = '2'";
    assert_eq!(place.rows(sql), [json!({"k": "2", "a": 2})]);
    place.sql("SELECT * FROM 'flat/*.csv'").fails_with(2, &["cannot read flat/*.csv"]);
}

#[test]
fn files_of_a_directory_are_all_read_or_none() {
    let place = Place::new();
    for (folder, name) in [
        ("kinds", "1.ndjson"),
        ("kinds", "2.ndjson.gz"),
        ("cases", "1.csv"),
        ("cases", "2.CSV"),
        ("formats", "a.csv"),
        ("formats", "b.ndjson"),
        ("torn", "1.csv"),
        ("torn", "2.csv"),
        ("notes", "_SUCCESS"),
        ("notes", ".1.csv.crc"),
        ("notes", "1.csv"),
        ("hidden", "_1.csv"),
        ("hidden", "2.csv"),
    ] {
        fs::create_dir_all(place.path(folder)).unwrap();
        place.write(&format!("{folder}/{name}"), "a\n1\n");
    }
    place.write("torn/2.csv", "");
    for (pattern, reason) in [
        ("kinds/", "1.ndjson and 2.ndjson.gz are not of one kind"),
        ("kinds/*.ndjson*", "are not of one kind"),
        ("cases/", "1.csv and 2.CSV are not of one kind"),
        ("formats/*", "are not of one kind"),
        ("torn/", "2.csv is empty"),
        ("hidden/", "is _1.csv one of the files?"),
    ] {
        let sql = format!("SELECT * FROM '{pattern}'");
        place.sql(&sql).fails_with(2, &[&format!("cannot read {pattern}: "), reason]);
    }
    assert_eq!(place.rows("SELECT sum(a) AS s FROM 'notes/'"), [json!({"s": 1})]);
    assert_eq!(place.rows("SELECT sum(a) AS s FROM 'cases/*.csv'"), [json!({"s": 1})]);
}

#[test]
fn lines_inside_of_quotes_are_no_rows_on_any_thread() {
    let place = Place::new();
    // More than DataFusion gives to one thread, with lines that could be rows of their own.
    let note = "1,\"a\n5,line 5\n6,line 6\n\"\n".repeat(700_000);
    place.write("notes.csv", format!("id,note\n{note}"));
    for threads in ["1", "3", "4"] {
        let run = place.run(&[
            "--json",
            "--threads",
            threads,
            "-c",
            "SELECT count(*) AS n FROM 'notes.csv'",
        ]);
        assert_eq!(run.succeeds(), "{\"n\":700000}\n", "{threads}");
    }
}

#[test]
fn types_are_guessed_from_every_row() {
    let place = Place::new();
    place.write(
        "late.ndjson",
        format!("{}{{\"a\":1.5,\"b\":\"new\"}}\n", "{\"a\":1}\n".repeat(2000)),
    );
    place.write("late.csv", format!("a\n{}1.5\n", "1\n".repeat(2000)));
    let sql = "SELECT max(a) AS a, max(b) AS b FROM 'late.ndjson'";
    assert_eq!(place.rows(sql), [json!({"a": 1.5, "b": "new"})]);
    assert_eq!(place.rows("SELECT max(a) AS a FROM 'late.csv'"), [json!({"a": 1.5})]);
}

#[test]
fn a_file_with_two_columns_of_one_name_is_refused() {
    let place = Place::new();
    let column = |a| Arc::new(Int64Array::from(vec![a])) as ArrayRef;
    let field = Field::new("a", DataType::Int64, false);
    let schema = Arc::new(Schema::new(vec![field.clone(), field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column(1), column(2)]).unwrap();
    let file = fs::File::create(place.path("twice.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let said = "cannot read twice.parquet: twice.parquet has two columns named \"a\"";
    place.sql("SELECT precise_mint_row(*) FROM 'twice.parquet'").fails_with(2, &[said]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_reason() {
    let place = Place::new();
    place.write("empty.csv", "");
    place.write("empty.parquet", "");
    place.write("torn.parquet", "PAR1 and no more");
    place.write("x.unknown", "?");
    place.write("noname", "?");
    fs::create_dir(place.path("nothing")).unwrap();
    fs::create_dir(place.path("folder.parquet")).unwrap();
    for (name, reason) in [
        ("missing.parquet", "no such file or directory"),
        ("missing/x.csv", "no such file or directory"),
        ("empty.csv", "it is empty"),
        ("empty.parquet", "it is empty"),
        ("torn.parquet", "Invalid Parquet file"),
        ("x.unknown", "its name ends in none of .parquet"),
        ("./noname", "its name ends in none of .parquet"),
        ("nothing/", "no such files"),
        ("folder.parquet", "no such files"),
        ("empty.csv/", "not a directory"),
        ("/dev/null", "it is not a regular file"),
        ("s3://bucket/x.parquet", "only local files are read"),
        ("https://example.org/x.csv", "only local files are read"),
    ] {
        let run = place.sql(&format!("SELECT * FROM '{name}'"));
        let said = run.fails(2);
        assert!(said.starts_with(&format!("error: cannot read {name}: ")), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(!said.contains("External error"), "{said}");
    }
    // A plain name is never a file.
    place.sql("SELECT * FROM nothing").fails_with(1, &["table 'datafusion.public.nothing'"]);
    place
        .sql("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'missing.parquet'")
        .fails_with(2, &["No files found"]);
}

#[test]
fn data_that_is_not_what_the_name_says_is_refused() {
    let place = Place::new();
    place.write("bad.csv", "a,b\n1,2\n3\n");
    place.write("bad.ndjson", "{\"a\":1}\n{\"a\":\n");
    place.write("late.csv", format!("a\n{}x\n", "1\n".repeat(5000)));
    for name in ["bad.csv", "bad.ndjson", "late.csv"] {
        let said = place.sql(&format!("SELECT sum(a) FROM '{name}'")).fails(1);
        assert!(said.starts_with("error: "), "{said}");
        assert!(!said.contains("External error"), "{said}");
    }
}

#[test]
fn a_query_sees_files_as_they_are_now() {
    let place = Place::new();
    let sql = "COPY (SELECT 1 AS a) TO 'd/1.csv'; SELECT sum(a) AS s FROM 'd/'; \
               COPY (SELECT 2 AS a) TO 'd/2.csv'; SELECT sum(a) AS s FROM 'd/'; \
               COPY (SELECT 5 AS a) TO 'd/2.csv'; SELECT sum(a) AS s FROM 'd/'; \
               SELECT a AS s FROM 'd/2.csv'";
    let sums: Vec<_> =
        place.rows(sql).into_iter().filter_map(|row| row.get("s").cloned()).collect();
    assert_eq!(sums, [json!(1), json!(3), json!(6), json!(5)]);
}

#[test]
fn external_tables_views_and_explain_are_datafusions() {
    let place = Place::new();
    place.write("e.csv", "id,name\n1,a\n2,b\n");
    let sql = "CREATE EXTERNAL TABLE e STORED AS CSV LOCATION 'e.csv'; \
               CREATE VIEW v AS SELECT name FROM e WHERE id > 1; SELECT * FROM v";
    assert_eq!(place.rows(sql), [json!({"name": "b"})]);
    let plan = place.sql("EXPLAIN SELECT id FROM 'e.csv'").succeeds();
    assert!(plan.contains("physical_plan") && plan.contains("DataSourceExec"), "{plan}");
    let tables = place.rows("CREATE VIEW v AS SELECT 1 AS a; SHOW TABLES");
    assert!(tables.iter().any(|row| row["table_name"] == "v"), "{tables:?}");
    assert_eq!(place.rows("DESCRIBE 'e.csv'")[0]["column_name"], "id");
}
