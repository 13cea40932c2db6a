//! Audiences: the procedure against the command line on what is exported, against the vectors, and
//! against tables that are wrong for it.

use std::path::PathBuf;
use std::process::Command;

use conformance::{Audience, audiences};
use precise_core::Code;
use precise_core::merkle::PART_LIMIT;
use precise_postgres::{Answer, Server, Session};
use program::skipped;
use serde_json::{Value as Json, json};

/// `precise`, which is built into the folder above that of the tests.
fn precise() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap().parent()?.parent()?.join("precise");
    if !program.is_file() {
        skipped("audiences against the command line: precise is not built (cargo build)");
        return None;
    }
    Some(program)
}

/// What the procedure mints of a table as its first release: proof id, cohort ids, document; or the
/// SQLSTATE.
fn mint(pg: &mut Session, table: &str) -> Result<Audience, String> {
    pg.run("DELETE FROM precise.release");
    let minted = match pg.ask(&format!("CALL precise.mint_audience_proof('{table}', NULL, NULL)")) {
        Answer::Error(sqlstate, _) => return Err(sqlstate),
        Answer::Rows(rows) => rows.into_iter().next().unwrap(),
    };
    let (proof_id, ids) = minted.split_once('|').unwrap();
    let ids = ids.trim_start_matches('{').trim_end_matches('}');
    let document = pg.ask(&format!("SELECT precise.audience('{proof_id}')")).value();
    let cohort_ids = ids.split(',').map(String::from).collect();
    Ok(Audience { document, proof_id: proof_id.into(), cohort_ids })
}

/// What `precise audience` prints of an exported file.
fn prove(program: &PathBuf, folder: &tempfile::TempDir, args: &[&str]) -> Json {
    let output = Command::new(program)
        .args(["audience", "--json", "-o", "document.json", "--rejects", "rejects.ndjson"])
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What comes of a query, to a file, by the server's own CSV.
fn export(server: &Server, folder: &tempfile::TempDir, query: &str, options: &str, name: &str) {
    let script = format!("COPY ({query}) TO STDOUT ({options});\n");
    let text = server.load("audience_export", &script).unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
}

#[test]
fn exported_rows_are_the_same_audience() {
    let Some(server) = Server::shared() else { return };
    let Some(program) = precise() else { return };
    let mut pg = server.database("audience_export");
    pg.run("CREATE TABLE signals (id int PRIMARY KEY, member_id text, audience_data jsonb)");
    // 100,000 records of 60,000 members: two large zip codes, forty small ones in one region, some
    // that only their name holds, some in a market, in none, and of nobody.
    pg.run(
        r#"INSERT INTO signals SELECT i,
           CASE WHEN i % 11 > 0 THEN 'm' || m END,
           jsonb_strip_nulls(jsonb_build_object(
               'id', i % 99990, 'member_id', CASE WHEN i % 11 > 0 THEN 'm' || m END,
               'note', E'a "quoted", \\ line\nand é', 'price', i / 8.0, 'cohort_id', CASE
               WHEN m % 10 < 3 THEN 'eco_urban_renters_10013'
               WHEN m % 10 = 3 THEN 'eco_urban_renters_100' || 14 + i % 2
               WHEN m % 10 < 6 THEN 'commuters_100' || lpad((m / 10 % 40)::text, 2, '0')
               WHEN m % 10 = 6 THEN 'tech_' || 20000 + m % 997 * 17
               WHEN m % 10 = 7 THEN 'sport_dma_50' || m / 10 % 9
               WHEN m % 1000 = 8 THEN 'tiny_' || 30000 + m / 1000
               WHEN m % 10 = 8 THEN 'sport' END))
           FROM (SELECT i, i * 7 % 60000 AS m FROM generate_series(1, 100000) i) AS t"#,
    );
    // Some records have no proof, and are left out by both.
    pg.run(
        r#"UPDATE signals SET audience_data = CASE WHEN id % 50 = 1
           THEN '{"cohort_id":"No","n":1e400}'::jsonb END WHERE id % 50 IN (1, 2)"#,
    );
    let folder = tempfile::tempdir().unwrap();
    let csv = "FORMAT csv, HEADER, FORCE_QUOTE *";
    // One column, and nothing that a record contains for a quote or a separator, is NDJSON.
    let plain = r"FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'";
    export(&server, &folder, "SELECT * FROM signals", csv, "rows.csv");
    export(&server, &folder, "SELECT audience_data FROM signals", plain, "records.ndjson");
    pg.run("SELECT precise.track('signals', 'audience_data', backfill => false)");
    for k in [1000, 100] {
        pg.run(&format!("UPDATE precise.sources SET k = {k}"));
        let minted = mint(&mut pg, "signals").unwrap();
        assert!(minted.cohort_ids.len() > 2, "{minted:?}");
        // A blank line is no row.
        for (file, rows, rejected) in [
            ("rows.csv", 100_000, json!({ "PR104": 2000, "PR202": 2000 })),
            ("records.ndjson", 98_000, json!({ "PR202": 2000 })),
        ] {
            let proved = prove(&program, &folder, &[file, "--k", &k.to_string()]);
            assert_eq!(proved["proof_id"], minted.proof_id, "{file}, {k}");
            assert_eq!(proved["cohort_ids"], json!(minted.cohort_ids), "{file}, {k}");
            assert_eq!(proved["document"], minted.document, "{file}, {k}");
            assert_eq!((&proved["records"], &proved["rejected"]), (&json!(rows), &rejected));
            let written = std::fs::read_to_string(folder.path().join("document.json")).unwrap();
            assert_eq!(written, minted.document, "{file}, {k}");
        }
    }
}

#[test]
fn a_row_of_texts_is_the_same_record() {
    let Some(server) = Server::shared() else { return };
    let Some(program) = precise() else { return };
    let mut pg = server.database("audience_rows");
    pg.run("CREATE TABLE texts (id text, cohort_id text, member_id text)");
    pg.run(
        "INSERT INTO texts SELECT i, 'eco_100' || 10 + i % 5, \
         CASE WHEN i % 5 > 0 THEN 'm' || i % 1700 ELSE '' END FROM generate_series(1, 4000) i",
    );
    let text = server.load(
        "audience_rows",
        "COPY (SELECT * FROM texts) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *);",
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("texts.csv"), text.unwrap()).unwrap();
    let minted = mint(&mut pg, "texts").unwrap();
    let proved = prove(&program, &folder, &["texts.csv"]);
    assert_eq!(proved["proof_id"], minted.proof_id);
    assert_eq!(proved["cohort_ids"], json!(["eco_zip3_100"]));
    // The empty text is no cohort's id; NULL is no cohort.
    pg.run("UPDATE texts SET cohort_id = '' WHERE id = '7'");
    assert_eq!(mint(&mut pg, "texts"), Err("PR501".into()));
    pg.run("UPDATE texts SET cohort_id = NULL WHERE id = '7'");
    assert_eq!(mint(&mut pg, "texts"), Err("PR502".into()));
}

#[test]
fn the_procedure_gives_what_the_vectors_say() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("audience_vectors");
    pg.run("CREATE TABLE t (id bigserial PRIMARY KEY, payload text)");
    pg.run("SELECT precise.track('t', 'payload')");
    let mut run = 0;
    for vector in audiences().unwrap() {
        let set = pg.ask(&format!("UPDATE precise.sources SET k = {}", vector.k));
        if vector.k < 1 {
            assert_eq!(set.sqlstate(), "23514", "{}", vector.id);
            assert_eq!(vector.expected, Err(Code::CohortSize), "{}", vector.id);
            continue;
        }
        set.rows();
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let label = vector.ruleset.as_ref().map_or("NULL".into(), |_| quoted(&vector.id));
        pg.run(&format!("UPDATE precise.sources SET ruleset = {label}"));
        if let Some(rules) = &vector.ruleset {
            let add = format!("SELECT precise.add_ruleset({label}, {}, true)", quoted(rules));
            if let Answer::Error(sqlstate, message) = pg.ask(&add) {
                let code = vector.expected.map_err(|code| code.name().to_owned());
                assert_eq!(code, Err(sqlstate), "{}: {message}", vector.id);
                continue;
            }
        }
        pg.run("TRUNCATE t");
        for record in &vector.records {
            pg.run(&format!("INSERT INTO t (payload) VALUES ('{}')", record.replace('\'', "''")));
        }
        let expected = vector.expected.map_err(|code| code.name().to_owned());
        assert_eq!(mint(&mut pg, "t"), expected, "{}", vector.id);
        run += 1;
    }
    assert!(run > 40, "only {run} were run");
}

/// Small tables in which much is too small, as the core proves them.
#[test]
fn tables_of_any_kind_are_the_same_audience() {
    const COHORTS: [&str; 11] = [
        r#""a_10013""#,
        r#""a_10014""#,
        r#""a_10113""#,
        r#""a_zip3_100""#,
        r#""a_dma_501""#,
        r#""a""#,
        r#""b_10013""#,
        r#""b""#,
        r#""c_1001""#,
        "null",
        "7",
    ];
    const MEMBERS: [&str; 12] = [
        "1",
        "1.0",
        r#""1""#,
        r#""m""#,
        r#""n""#,
        r#""\u006e""#,
        r#""o""#,
        "1e21",
        r#""1e+21""#,
        "null",
        "\"\"",
        "[1]",
    ];
    const PLACES: [&str; 6] =
        [r#""10013""#, r#""10014""#, r#""20001""#, r#""501""#, r#""502""#, "501"];
    const RULES: &str = r#"{"cohorts":[
        {"name":"low","geo":"zip","all":[{"signal":"i","lt":35}]},
        {"name":"even","geo":"zip3","any":[{"signal":"i","in":[0,2,4,6,8,10,12,14,16,18,20]}]},
        {"name":"high","geo":"dma","not":{"signal":"i","lte":20}}],"version":"1"}"#;
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("audience_tables");
    pg.run("CREATE TABLE t (id int, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', backfill => false)");
    let mut random = 7_u64;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % bound
    };
    pg.run(&format!("SELECT precise.add_ruleset('rules', '{RULES}', true)"));
    let (mut released, mut refused) = (0, 0);
    for table in 0..80 {
        // Every other by rules.
        let rules = (table % 2 == 1).then_some(RULES);
        let label = if rules.is_some() { "'rules'" } else { "NULL" };
        pg.run(&format!("UPDATE precise.sources SET ruleset = {label}"));
        let (k, kinds, count) = (2 + below(4), 1 + below(COHORTS.len()), below(60));
        let records: Vec<String> = (0..count)
            .map(|i| {
                let (cohort, member) = (COHORTS[below(kinds)], MEMBERS[below(MEMBERS.len())]);
                let same = i - i % 5 / 4;
                let (zip, dma) = (PLACES[below(PLACES.len())], PLACES[below(PLACES.len())]);
                let places = format!(r#""dma":{dma},"zip":{zip}"#);
                format!(r#"{{"cohort_id":{cohort},"i":{same},"member_id":{member},{places}}}"#)
            })
            .collect();
        pg.run(&format!("UPDATE precise.sources SET k = {k}"));
        pg.run("TRUNCATE t");
        for (i, record) in records.iter().enumerate() {
            pg.run(&format!("INSERT INTO t VALUES ({i}, '{record}')"));
        }
        let expected = Audience::of(&records, rules, k as u64, PART_LIMIT);
        let expected = expected.map_err(|error| error.code().name().to_owned());
        released += usize::from(expected.is_ok());
        refused += usize::from(expected.is_err());
        assert_eq!(mint(&mut pg, "t"), expected, "table {table}, k {k}: {records:#?}");
    }
    assert!(released > 10 && refused > 5, "{released} and {refused}");
}

#[test]
fn a_column_beside_the_record_says_whose_it_is() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("audience_members");
    let records: Vec<String> =
        (0..6).map(|i| format!(r#"{{"cohort_id":"eco","i":{i},"member_id":"same"}}"#)).collect();
    let of_members = |distinct: u32| {
        let record = |i: u32| {
            let member = if i < distinct { i } else { 0 };
            records[i as usize].replace("same", &format!("m{member}"))
        };
        (0..6).map(record).collect::<Vec<_>>()
    };
    pg.run("CREATE TABLE t (id int PRIMARY KEY, member_id numeric, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', backfill => false)");
    pg.run("UPDATE precise.sources SET k = 6");
    for (i, record) in records.iter().enumerate() {
        pg.run(&format!("INSERT INTO t VALUES ({i}, {i}, '{record}')"));
    }
    let named = mint(&mut pg, "t").unwrap();
    assert_eq!(named.cohort_ids, ["eco"]);
    assert_eq!(Audience::of(&of_members(6), None, 6, PART_LIMIT).unwrap().cohort_ids, ["eco"]);
    // 1, 1.0 and 1.00 are one member; a NULL is a member of its own, whatever the record says.
    pg.run("UPDATE t SET member_id = ('1.' || repeat('0', id))::numeric WHERE id IN (1, 2)");
    assert_eq!(mint(&mut pg, "t"), Err("PR502".into()));
    pg.run("UPDATE t SET member_id = NULL WHERE id IN (1, 2)");
    assert_eq!(mint(&mut pg, "t"), Ok(named));
    // Another column, and types that name nobody.
    pg.run("ALTER TABLE t ADD COLUMN household text DEFAULT 'h'");
    pg.run("UPDATE precise.sources SET member = 'household'");
    assert_eq!(mint(&mut pg, "t"), Err("PR502".into()));
    pg.run("UPDATE precise.sources SET member = 'nobody'");
    assert_eq!(mint(&mut pg, "t"), Err("42703".into()));
    pg.run("UPDATE precise.sources SET member = NULL");
    for wrong in ["boolean", "jsonb", "text[]", "timestamptz", "char(8)"] {
        pg.run(&format!("ALTER TABLE t DROP COLUMN member_id, ADD COLUMN member_id {wrong}"));
        assert_eq!(mint(&mut pg, "t"), Err("42804".into()), "{wrong}");
    }
}

#[test]
fn a_column_of_another_type_names_no_cohort() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("audience_cohorts");
    for (kind, value, expected) in [
        ("text", "'eco'", Ok("eco")),
        ("varchar(9)", "'eco'", Ok("eco")),
        ("char(9)", "'eco'", Ok("eco")),
        ("json", "'\"eco\"'", Ok("eco")),
        ("jsonb", "'\"eco\"'", Ok("eco")),
        ("jsonb", "'null'", Err("PR502")),
        ("text", "NULL", Err("PR502")),
        ("integer", "10013", Err("PR502")),
        ("numeric", "1.5", Err("PR502")),
        ("boolean", "true", Err("PR502")),
        ("text", "'Eco'", Err("PR501")),
        ("jsonb", "'\"Eco\"'", Err("PR501")),
        // In the record a string, and no cohort's id; and no string.
        ("uuid", "gen_random_uuid()", Err("PR501")),
        ("text[]", "'{eco}'", Err("PR502")),
    ] {
        pg.run(&format!("CREATE TABLE t (i int, cohort_id {kind})"));
        pg.run(&format!("INSERT INTO t SELECT i, {value} FROM generate_series(1, 1000) i"));
        let minted = mint(&mut pg, "t").map(|audience| audience.cohort_ids.join(","));
        let expected = expected.map(String::from).map_err(String::from);
        assert_eq!(minted, expected, "{kind} {value}");
        pg.run("DROP TABLE t");
    }
}
