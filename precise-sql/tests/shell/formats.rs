//! Tables, CSV, JSON: what values look like in each.

use std::io::{BufRead, BufReader};

use serde_json::json;

use crate::common::{Place, objects, wait_for};

/// A value of each kind that could be mistaken for another.
const MIXED: &str = "SELECT 1 AS i, 1.5 AS f, 1.50::decimal(10,2) AS d, true AS b, '' AS empty, \
    NULL AS nothing, 'a,\"b' AS quoted, X'00ff' AS bytes, [X'01', X'02'] AS list, \
    {k: X'03', n: NULL} AS structure, map {'m': X'04'} AS entries, DATE '2024-01-02' AS day, \
    TIMESTAMP '2024-01-02T03:04:05.123456' AS moment, arrow_cast(X'05', \
    'Dictionary(Int32, Binary)') AS dictionary";

#[test]
fn a_table_is_for_people() {
    let place = Place::new();
    let sql = "SELECT * FROM (VALUES (1, 'a'), (200, NULL), (3, 'two\nlines'), (4, '漢字')) t(n, t)\
         ORDER BY n";
    assert_eq!(
        place.sql(sql).succeeds(),
        "\
+-----+-------+
| n   | t     |
+-----+-------+
|   1 | a     |
|   3 | two   |
|     | lines |
|   4 | 漢字  |
| 200 | NULL  |
+-----+-------+
"
    );
    assert_eq!(
        place.run(&["--no-header", "-c", "SELECT 1 AS a"]).succeeds(),
        "+---+\n| 1 |\n+---+\n"
    );
    let none = place.sql("SELECT 1 AS long_name WHERE false").succeeds();
    assert_eq!(none, "+-----------+\n| long_name |\n+-----------+\n+-----------+\n");
}

#[test]
fn a_table_shows_bytes_and_no_control_characters() {
    let place = Place::new();
    let table = place.sql(MIXED).succeeds();
    for cell in ["0x00ff", "[0x01, 0x02]", "{k: 0x03, n: NULL}", "{m: 0x04}", " 0x05 ", " 1.50 "] {
        assert!(table.contains(cell), "{cell} in {table}");
    }
    let table = place.sql("SELECT 'a' || chr(27) || '[31m' || chr(9) || 'b' AS c").succeeds();
    assert!(table.contains(r"| a\u{1b}[31m\tb |"), "{table}");
}

#[test]
fn csv_keeps_null_and_the_empty_text_apart() {
    let place = Place::new();
    assert_eq!(
        place.run(&["--format", "csv", "-c", MIXED]).succeeds(),
        "i,f,d,b,empty,nothing,quoted,bytes,list,structure,entries,day,moment,dictionary\n\
         1,1.5,1.50,true,\"\",,\"a,\"\"b\",0x00ff,\"[\"\"0x01\"\",\"\"0x02\"\"]\",\
         \"{\"\"k\"\":\"\"0x03\"\",\"\"n\"\":null}\",\"{\"\"m\"\":\"\"0x04\"\"}\",2024-01-02,\
         2024-01-02T03:04:05.123456,0x05\n"
    );
    let run = |more: &[&str]| place.run(&[&["--format", "csv"], more].concat()).succeeds();
    assert_eq!(run(&["-c", "SELECT 'a\nb' AS \"x,y\""]), "\"x,y\"\n\"a\nb\"\n");
    assert_eq!(run(&["--no-header", "-c", "SELECT 1, NULL"]), "1,\n");
    assert_eq!(run(&["-c", "SELECT 1 AS a WHERE false"]), "a\n");
    assert_eq!(run(&["-c", "SELECT 1 AS a; SELECT 2 AS b"]), "a\n1\nb\n2\n");
}

#[test]
fn json_has_every_key_in_every_row() {
    let place = Place::new();
    let expected = json!({
        "i": 1, "f": 1.5, "d": 1.5, "b": true, "empty": "", "nothing": null, "quoted": "a,\"b",
        "bytes": "0x00ff", "list": ["0x01", "0x02"], "structure": {"k": "0x03", "n": null},
        "entries": {"m": "0x04"}, "day": "2024-01-02", "moment": "2024-01-02T03:04:05.123456",
        "dictionary": "0x05",
    });
    assert_eq!(place.rows(MIXED), [expected]);
    let text = place.run(&["--json", "-c", MIXED]).succeeds();
    assert!(text.contains(r#""d":1.50,"#), "decimals keep their digits: {text}");
    let ndjson = place.run(&["--format", "ndjson", "-c", MIXED]).succeeds();
    assert_eq!(ndjson, text);
    let array = place.run(&["--format", "json", "-c", "SELECT * FROM generate_series(1, 3)"]);
    assert_eq!(array.succeeds(), "[{\"value\":1},\n{\"value\":2},\n{\"value\":3}]\n");
    let empty = "SELECT 1 AS a WHERE false";
    assert_eq!(place.run(&["--format", "json", "-c", empty]).succeeds(), "[]\n");
    assert_eq!(place.run(&["--json", "-c", empty]).succeeds(), "");
}

#[test]
fn json_refuses_two_columns_of_one_name_and_csv_does_not() {
    let place = Place::new();
    let sql = "SELECT * FROM (SELECT 1 AS a) x CROSS JOIN (SELECT 2 AS a) y";
    let refused = place.run(&["--format", "json", "-c", sql]);
    refused.fails_with(1, &["two columns are named a", "AS"]);
    assert_eq!(place.run(&["--format", "csv", "-c", sql]).succeeds(), "a,a\n1,2\n");
}

#[test]
fn what_cannot_be_written_is_an_error_and_not_a_cell() {
    let place = Place::new();
    for value in ["arrow_cast(9223372036854775807, 'Timestamp(Second, None)')"] {
        for sql in [format!("SELECT {value} AS t"), format!("SELECT [{value}] AS t")] {
            for format in ["csv", "json", "ndjson"] {
                let run = place.run(&["--format", format, "-c", &sql]);
                assert_eq!(run.code, Some(1), "{format}: {run:?}");
                assert!(!run.text().contains("ERROR"), "{format}: {run:?}");
                assert!(run.stderr.contains("Failed to convert"), "{format}: {run:?}");
            }
        }
    }
}

#[test]
fn wide_rows_are_whole_in_every_format() {
    let place = Place::new();
    let columns: Vec<String> = (0..500).map(|i| format!("{i} AS c{i}")).collect();
    let sql = format!("SELECT {}, repeat('x', 3000000) AS long", columns.join(", "));
    for format in ["table", "csv", "json", "ndjson"] {
        let text = place.run(&["--format", format, "-c", &sql]).succeeds();
        assert_eq!(text.matches('x').count(), 3_000_000, "{format}");
        assert!(text.contains("c499") && text.contains("499"), "{format}");
    }
    // One long cell does not widen the lines of the others.
    let sql = "SELECT CASE WHEN value = 7 THEN repeat('x', 1000000) ELSE 'y' END AS c \
               FROM generate_series(1, 900)";
    let table = place.sql(sql).succeeds();
    assert!(table.len() < 1_000_000 + 1000 * 210, "{}", table.len());
}

#[test]
fn results_larger_than_what_is_held_back_come_out_whole() {
    let place = Place::new();
    let sql = "SELECT value, 'row ' || value AS name FROM generate_series(1, 20000) ORDER BY 1";
    let table = place.sql(sql).succeeds();
    assert_eq!(table.lines().count(), 20_000 + 4);
    assert!(table.contains("\n| 20000 | row 20000 |\n"), "{}", &table[..200]);
    let csv = place.run(&["--format", "csv", "-c", sql]).succeeds();
    assert_eq!(csv.lines().count(), 20_001);
    assert_eq!(csv.lines().last(), Some("20000,row 20000"));
    let rows = place.rows(sql);
    assert_eq!(rows.len(), 20_000);
    assert_eq!(rows[19_999], json!({"value": 20_000, "name": "row 20000"}));
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let place = Place::new();
    for format in ["table", "csv", "json", "ndjson"] {
        let sql = "SELECT value, repeat('x', 100) AS x FROM generate_series(1, 100000)";
        let mut child = place.start(&["--format", format, "-c", sql]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        let run = wait_for(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{format}");
    }
}

#[test]
fn nulls_of_all_types_are_nulls() {
    let place = Place::new();
    let sql = "SELECT NULL AS a, NULL::int AS b, arrow_cast(NULL, 'Dictionary(Int32, Utf8)') AS c, \
               arrow_cast(NULL, 'Dictionary(Int32, Binary)') AS d, NULL::bytea AS e";
    assert_eq!(place.run(&["--format", "csv", "-c", sql]).succeeds(), "a,b,c,d,e\n,,,,\n");
    let nulls = json!({"a": null, "b": null, "c": null, "d": null, "e": null});
    assert_eq!(place.rows(sql), [nulls]);
    assert!(place.sql(sql).succeeds().contains("| NULL | NULL | NULL | NULL | NULL |"));
    let other = format!("SET datafusion.format.null = '-'; {sql}");
    assert!(place.sql(&other).succeeds().contains("| - | - | - | - | - |"));
}

#[test]
fn statements_that_define_print_nothing_and_counts_are_results() {
    let place = Place::new();
    let sql = "CREATE TABLE t AS VALUES (1); CREATE VIEW v AS SELECT * FROM t; \
               SET datafusion.execution.target_partitions = 2; DROP VIEW v";
    assert_eq!(place.sql(sql).succeeds(), "");
    let run = place.run(&["--json", "-c", "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (2)"]);
    assert_eq!(objects(&run.succeeds()), [json!({"count": 2})]);
}
