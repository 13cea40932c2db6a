//! The functions of Precise, in SQL, and what is said about them.

use serde_json::json;

use crate::common::Place;

#[test]
fn events_become_proofs_and_a_root() {
    let place = Place::new();
    place.write("e.ndjson", "{\"payload\":\"{\\\"b\\\":1.50,\\\"a\\\":2}\"}\n");
    let rows = place.rows("SELECT precise_canonical(payload) AS c FROM 'e.ndjson'");
    assert_eq!(rows, [json!({"c": "{\"a\":2,\"b\":1.5}"})]);
    let sql = "SELECT precise_proof_hash(payload) AS h, precise_proof_id(precise_proof_hash(payload)) \
               AS id FROM 'e.ndjson'";
    let row = &place.rows(sql)[0];
    let hash = row["h"].as_str().unwrap();
    assert!(hash.len() == 66 && hash.starts_with("0x"), "{hash}");
    assert!(row["id"].as_str().unwrap().starts_with("prf_"), "{row}");
    let sql = "SELECT precise_merkle_root(precise_proof_hash('{\"i\":' || value || '}')) AS root \
               FROM generate_series(1, 1000)";
    let root = place.rows(sql);
    assert_eq!(root.len(), 1);
    assert_eq!(root[0]["root"].as_str().map(str::len), Some(66));
    assert_eq!(
        place.run(&["--json", "--threads", "1", "-c", sql]).succeeds(),
        format!("{}\n", root[0])
    );
}

#[test]
fn df_lists_ours_and_explains_any() {
    let place = Place::new();
    let list = place.sql(r"\df").succeeds();
    assert!(list.contains("precise_mint_proof(record [, blind])\n    "), "{list}");
    assert!(list.contains("(aggregate)"), "{list}");
    let one = place.sql(r"\df precise_mint_proof").succeeds();
    assert!(one.contains("blind ") && one.contains("record "), "{one}");
    assert_eq!(place.sql(r"\df PRECISE_MINT_PROOF(record);").succeeds(), one);
    assert!(place.sql(r"\df abs").succeeds().contains("absolute value"));
    assert!(place.sql(r"\df precise_merkle_root").succeeds().contains("precise_merkle_root("));
    assert!(place.sql(r"\df row_number").succeeds().contains("row_number"));
    assert!(place.sql(r"\df mint_").succeeds().contains("precise_try_mint_proof\n"));
    place.sql(r"\df no_such_function").fails_with(2, &["there is no function no_such_function"]);
}

#[test]
fn d_lists_tables_and_columns() {
    let place = Place::new();
    place.write("e.csv", "id,name\n1,a\n");
    let run = |args: &[&str]| place.run(&[&["--json"], args].concat()).succeeds();
    assert_eq!(run(&["-c", r"\d"]), "");
    let tables = run(&["-c", "CREATE VIEW v AS SELECT 1 AS a", "-c", r"\d"]);
    assert_eq!(tables, "{\"schema\":\"public\",\"name\":\"v\",\"type\":\"VIEW\"}\n");
    let columns = run(&["-c", r"\d e.csv"]);
    assert!(columns.starts_with("{\"column_name\":\"id\",\"data_type\":\"Int64\""), "{columns}");
    for name in [r"\d 'e.csv'", "\\d \"e.csv\"", r"\d e.csv;", r"\d ./e.csv"] {
        assert_eq!(run(&["-c", name]), columns, "{name}");
    }
    for name in ["v", "V", "public.v", "datafusion.public.v", "\"v\""] {
        let command = format!(r"\d {name}");
        let view = run(&["-c", "CREATE VIEW v AS SELECT 1 AS a", "-c", &command]);
        assert!(view.starts_with("{\"column_name\":\"a\""), "{name}: {view}");
    }
    place.sql(r"\d nope").fails_with(1, &["'datafusion.public.nope' not found"]);
}

#[test]
fn other_commands_are_told_apart() {
    let place = Place::new();
    assert!(place.sql(r"\?").succeeds().contains(r"\df NAME"));
    assert_eq!(place.sql(r"\q").succeeds(), "");
    place.sql(r"\nope").fails_with(2, &[r"there is no command \nope"]);
    place.sql(r"\nope;").fails_with(2, &[r"there is no command \nope;"]);
    let run = place.run_with(&[], b"\\df precise_check\n");
    run.fails_with(2, &[r"standard input: a command, such as \d, works at the prompt and with -c"]);
}
