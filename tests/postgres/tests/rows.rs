//! Rows of real tables: each type of SPEC.md section 1.4 as PostgreSQL has it, against the cells of
//! section 1.5 that say the same.

use precise_postgres::{Answer, Server, Session};

/// A database with types of its own.
fn database(name: &str) -> Option<(std::sync::Arc<Server>, Session)> {
    let server = Server::shared()?;
    let mut session = server.database(name);
    for statement in [
        "CREATE TYPE mood AS ENUM ('sad', 'so so', 'Happy')",
        "CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE >= 0)",
        "CREATE DOMAIN price AS amount NOT NULL",
        "CREATE DOMAIN tags AS text[]",
        "CREATE TYPE point2 AS (\"X\" int, y float8)",
        "CREATE TYPE line2 AS (start point2, stops point2[], label mood)",
        "CREATE DOMAIN place AS point2",
        "SET TIME ZONE 'Asia/Tokyo'",
    ] {
        session.run(statement);
    }
    Some((server, session))
}

/// That a row of these columns, as SQL, mints as these cells do.
#[track_caller]
fn same(session: &mut Session, columns: &str, cells: &str) {
    let cells = cells.replace('\'', "''");
    let both = session.run(&format!(
        "SELECT precise_mint_row(t) FROM (SELECT {columns}) t
         UNION ALL SELECT precise_mint_cells('{cells}')"
    ));
    assert_eq!(both.len(), 2);
    assert_eq!(both[0], both[1], "{columns} and {cells}");
}

/// That a row of these columns is refused, and what is said of it.
#[track_caller]
fn refused(session: &mut Session, columns: &str, code: &str) -> String {
    let detail = session.ask(&format!(
        "CREATE OR REPLACE FUNCTION pg_temp.fault() RETURNS text LANGUAGE plpgsql AS $f$
         DECLARE detail text; BEGIN
             PERFORM precise_mint_row(t) FROM (SELECT {columns}) t; RETURN 'minted';
         EXCEPTION WHEN OTHERS THEN
             GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
             RETURN SQLSTATE || ' ' || detail;
         END $f$; SELECT pg_temp.fault()"
    ));
    let fault = detail.value();
    assert!(fault.starts_with(code), "{columns}: {fault}");
    fault
}

#[test]
fn each_type_is_what_its_cells_say() {
    let Some((_server, mut session)) = database("rows_types") else { return };
    let s = &mut session;
    same(s, "true AS a, false AS b", r#"[["a","boolean","true"],["b","boolean","false"]]"#);
    same(
        s,
        "(-32768)::smallint AS a, (-2147483648)::int AS b, (-9223372036854775808)::bigint AS c,
         9007199254740991 AS d",
        r#"[["a","numeric","-32768"],["b","numeric","-2147483648"],
            ["c","numeric","-9223372036854775808"],["d","numeric","9007199254740991"]]"#,
    );
    for numeric in [
        "0",
        "0.00",
        "-0.10",
        "1.50",
        "10000",
        "0.0001",
        "123456789.000100",
        "99999999999999999999.5",
        "1e-16383",
        "1e131071",
        "-1e400",
        "-12345678901234567890123456789012345678901234567890.1",
    ] {
        same(
            s,
            &format!("'{numeric}'::numeric AS a"),
            &format!(r#"[["a","numeric","{numeric}"]]"#),
        );
    }
    same(s, "1.5::amount AS a, 2::price AS b", r#"[["a","numeric","1.5"],["b","numeric","2"]]"#);
    same(
        s,
        "0.1::float8 AS a, 0.1::float4 AS b, '-0'::float8 AS c, 'Infinity'::float8 > 1 AS d,
         5e-324::float8 AS e, 1.17549435e-38::float4 AS f",
        r#"[["a","float8","0.1"],["b","float4","0.1"],["c","float8","0"],["d","boolean","true"],
            ["e","float8","5e-324"],["f","float4","1.1754944e-38"]]"#,
    );
    same(
        s,
        "'x'::text AS a, 'ab '::varchar(5) AS b, 'ab'::char(5) AS c, 'q'::bpchar AS d, ''::text AS e,
         repeat('é\"', 3000) AS f",
        &format!(
            r#"[["a","text","x"],["b","text","ab "],["c","char","ab"],["d","char","q"],
                ["e","text",""],["f","text","{}"]]"#,
            "é\\\"".repeat(3000)
        ),
    );
    same(s, "'so so'::mood AS a, NULL::mood AS b", r#"[["a","text","so so"],["b","text",null]]"#);
    same(
        s,
        "'\\x00ff10'::bytea AS a, ''::bytea AS b",
        r#"[["a","bytes","00ff10"],["b","bytes",""]]"#,
    );
    let uuid = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11";
    same(s, &format!("'{uuid}'::uuid AS a"), &format!(r#"[["a","uuid","{uuid}"]]"#));
    same(
        s,
        "'0001-01-01'::date AS a, '9999-12-31'::date AS b, '2000-02-29'::date AS c",
        r#"[["a","date","0001-01-01"],["b","date","9999-12-31"],["c","date","2000-02-29"]]"#,
    );
    same(
        s,
        "'00:00'::time AS a, '23:59:59.999999'::time AS b, '1969-12-31 23:59:59.5'::timestamp AS c,
         '2026-11-22 21:00:00.5+01'::timestamptz AS d, '2026-11-22 21:00:00'::timestamptz AS e",
        r#"[["a","time","00:00:00"],["b","time","23:59:59.999999"],
            ["c","timestamp","1969-12-31 23:59:59.5"],
            ["d","timestamptz","2026-11-22 21:00:00.5+01"],
            ["e","timestamptz","2026-11-22 21:00:00+09"]]"#,
    );
    for json in ["json", "jsonb"] {
        same(
            s,
            &format!("'{{\"B\": [1.50, null], \"a\": \"x\"}}'::{json} AS a, 'null'::{json} AS b"),
            r#"[["a","json","{\"B\":[1.5,null],\"a\":\"x\"}"],["b","json","null"]]"#,
        );
    }
}

#[test]
fn arrays_nest_by_their_dimensions() {
    let Some((_server, mut session)) = database("rows_arrays") else { return };
    let s = &mut session;
    same(s, "'{}'::int[] AS a, NULL::int[] AS b", r#"[["a","numeric[]",[]],["b","text[]",null]]"#);
    same(s, "ARRAY[1, NULL, 3] AS a", r#"[["a","numeric[]",["1",null,"3"]]]"#);
    same(
        s,
        "ARRAY[['a', NULL], ['c', 'd']] AS a, '{x}'::tags AS b, ARRAY[true, false] AS c",
        r#"[["a","text[][]",[["a",null],["c","d"]]],["b","text[]",["x"]],
            ["c","boolean[]",["true","false"]]]"#,
    );
    same(
        s,
        "ARRAY[[[1], [2]], [[3], [NULL]], [[5], [6]]]::smallint[] AS a",
        r#"[["a","numeric[][][]",[[["1"],["2"]],[["3"],[null]],[["5"],["6"]]]]]"#,
    );
    same(
        s,
        "ARRAY['sad']::mood[] AS a, ARRAY['ab']::char(4)[] AS b, ARRAY[1.10]::amount[] AS c,
         ARRAY['\\x01']::bytea[] AS d, ARRAY['{\"a\":1.0}']::jsonb[] AS e,
         ARRAY['2026-11-22']::date[] AS f, ARRAY[0.1]::float4[] AS g",
        r#"[["a","text[]",["sad"]],["b","char[]",["ab"]],["c","numeric[]",["1.1"]],
            ["d","bytes[]",["01"]],["e","json[]",["{\"a\":1}"]],["f","date[]",["2026-11-22"]],
            ["g","float4[]",["0.1"]]]"#,
    );
    // Arrays that are stored elsewhere.
    s.run("CREATE TABLE long (a text[])");
    s.run("INSERT INTO long SELECT array_agg(md5(i::text)) FROM generate_series(1, 2000) i");
    let equal = s.ask(
        "SELECT precise_mint_row(long)::text = precise_mint_cells(jsonb_build_array(
             jsonb_build_array('a', 'text[]', to_jsonb(a))))::text FROM long",
    );
    assert_eq!(equal.value(), "t");
    for columns in ["'[0:1]={1,2}'::int[] AS a", "'[1:1][-2:-1]={{1,2}}'::int[] AS a"] {
        refused(s, columns, "PR116 At $.a");
    }
    // They begin at 0.
    refused(s, "'1 2'::int2vector AS a", "PR116 At $.a");
}

#[test]
fn composites_nest() {
    let Some((_server, mut session)) = database("rows_composites") else { return };
    let s = &mut session;
    let point = |x: &str, y: &str| format!(r#"[["x","numeric","{x}"],["y","float8","{y}"]]"#);
    let (a, b) = (point("1", "0.5"), point("2", "-1"));
    same(s, "(1, 0.5)::point2 AS p", &format!(r#"[["p","struct",{a}]]"#));
    same(
        s,
        "(1, 0.5)::place AS p, NULL::place AS q",
        &format!(r#"[["p","struct",{a}],["q","struct",null]]"#),
    );
    same(
        s,
        "((1, 0.5), ARRAY[(2, -1), NULL]::point2[], 'Happy')::line2 AS l",
        &format!(
            r#"[["l","struct",[["start","struct",{a}],["stops","struct[]",[{b},null]],
                ["label","text","Happy"]]]]"#
        ),
    );
    same(s, "ROW(1, 'x') AS r", r#"[["r","struct",[["f1","numeric","1"],["f2","text","x"]]]]"#);
    same(s, "NULL::record AS r", r#"[["r","struct",null]]"#);
    let of = |s: &mut Session, row: &str| s.ask(&format!("SELECT precise_mint_row({row})"));
    let cells = r#"'[["f1","numeric","1"],["f2","text","x"]]'"#;
    let expected = s.ask(&format!("SELECT precise_mint_cells({cells})"));
    assert_eq!(of(s, "ROW(1, 'x')"), expected);
    assert_eq!(of(s, "(SELECT r FROM (SELECT 1 AS f1, 'x' AS \"F2\") r)"), expected);
    assert_eq!(of(s, "NULL::record").rows(), [""]);
    assert_eq!(of(s, "NULL::line2").rows(), [""]);
    assert_eq!(of(s, "ROW(1), NULL::bytea").rows(), [""]);
    assert_eq!(of(s, "ROW(1), '\\x01'").sqlstate(), "PR304");
    let blinded = "precise_mint_row(ROW(1, 'x'), b)::text = precise_mint_cells(";
    let query =
        format!("SELECT {blinded}{cells}, b)::text FROM (SELECT precise_proof_hash('1') b) b");
    assert_eq!(s.ask(&query).value(), "t");
    // A row of nothing but NULL is a row.
    assert_eq!(
        of(s, "ROW(NULL::int)"),
        s.ask("SELECT precise_mint_cells('[[\"f1\",\"text\",null]]')")
    );
    refused(s, "1 AS a, 2 AS \"A\"", "PR112");
    refused(s, "(SELECT r FROM (SELECT 1 AS a, 2 AS \"A\") r) AS r", "PR112 At $.r");
}

#[test]
fn what_is_not_minted_is_refused_with_its_type_even_where_it_is_null() {
    let Some((_server, mut session)) = database("rows_refused") else { return };
    let s = &mut session;
    s.run("CREATE DOMAIN span AS interval");
    for (of, says) in [
        ("interval", "interval"),
        ("timetz", "time with time zone"),
        ("int4range", "int4range"),
        ("point", "point"),
        ("money", "money"),
        ("xml", "xml"),
        ("name", "name"),
        ("oid", "oid"),
        ("inet", "inet"),
        ("cidr", "cidr"),
        ("macaddr", "macaddr"),
        ("bit(3)", "bit"),
        ("varbit", "bit varying"),
        ("tsvector", "tsvector"),
        ("regclass", "regclass"),
        ("\"char\"", "\"char\""),
        ("int4multirange", "int4multirange"),
        ("jsonpath", "jsonpath"),
        ("pg_lsn", "pg_lsn"),
        ("span", "interval"),
        ("box[]", "box"),
    ] {
        let fault = refused(s, &format!("1 AS a, NULL::{of} AS b"), "PR116 At $.b");
        assert!(fault.contains(&format!("it is {says}.")), "{of}: {fault}");
    }
    refused(s, "'1 day'::interval AS a", "PR116 At $.a");
    refused(s, "ROW(NULL::interval) AS a", "PR116 At $.a.f1");
    for (columns, code) in [
        ("'infinity'::date AS a", "PR117 At $.a"),
        ("'-infinity'::date AS a", "PR117 At $.a"),
        ("'infinity'::timestamp AS a", "PR117 At $.a"),
        ("'-infinity'::timestamptz AS a", "PR117 At $.a"),
        ("'10000-01-01'::date AS a", "PR117 At $.a"),
        ("'0001-12-31 BC'::date AS a", "PR117 At $.a"),
        ("'5874897-12-31'::date AS a", "PR117 At $.a"),
        ("'294276-12-31'::timestamp AS a", "PR117 At $.a"),
        ("'9999-12-31 23:59:59-01'::timestamptz AS a", "PR117 At $.a"),
        ("ARRAY['24:00']::time[] AS a", "PR117 At $.a[0]"),
        ("'NaN'::numeric AS a", "PR202 At $.a"),
        ("'-Infinity'::numeric AS a", "PR202 At $.a"),
        ("'NaN'::float8 AS a", "PR202 At $.a"),
        ("'-Infinity'::float4 AS a", "PR202 At $.a"),
        ("'{\"a\":1e400}'::json AS a", "PR202 At $.a.a"),
        ("'[9007199254740993]'::jsonb AS a", "PR201 At $.a[0]"),
        ("'{\"a\":1,\"a\":2}'::json AS a", "PR106 At $.a.a"),
    ] {
        refused(s, columns, code);
    }
}

#[test]
fn tables_may_be_altered_between_calls() {
    let Some((_server, mut session)) = database("rows_altered") else { return };
    let s = &mut session;
    s.run("CREATE TABLE t (a int, gone text, b text)");
    s.run("INSERT INTO t VALUES (1, 'g', repeat('long ', 10000))");
    s.run("PREPARE minted AS SELECT precise_mint_row(t) FROM t ORDER BY a LIMIT 1");
    let demand = |s: &mut Session, cells: &str| {
        let expected = s.ask(&format!("SELECT precise_mint_cells({cells})"));
        assert!(matches!(expected, Answer::Rows(_)), "{expected:?}");
        assert_eq!(s.ask("EXECUTE minted"), expected, "{cells}");
        assert_eq!(s.ask("SELECT precise_mint_row(t) FROM t ORDER BY a LIMIT 1"), expected);
        assert_eq!(s.ask("SELECT precise_mint_row(t.*) FROM t ORDER BY a LIMIT 1"), expected);
    };
    let b = "'[\"b\",\"text\",\"' || repeat('long ', 10000) || '\"]'";
    demand(s, &format!("'[[\"a\",\"numeric\",\"1\"],[\"gone\",\"text\",\"g\"],' || {b} || ']'"));
    s.run("ALTER TABLE t DROP COLUMN gone");
    demand(s, &format!("'[[\"a\",\"numeric\",\"1\"],' || {b} || ']'"));
    // The row that is there has no such column.
    s.run("ALTER TABLE t ADD COLUMN c numeric DEFAULT 2.50");
    s.run("ALTER TABLE t ADD COLUMN d mood");
    let c = "[\"c\",\"numeric\",\"2.5\"],[\"d\",\"text\",null]";
    demand(s, &format!("'[[\"a\",\"numeric\",\"1\"],{c},' || {b} || ']'"));
    s.run("ALTER TABLE t ALTER a TYPE text USING 'x' || a");
    demand(s, &format!("'[[\"a\",\"text\",\"x1\"],{c},' || {b} || ']'"));
    s.run("ALTER TABLE t RENAME d TO \"E\"");
    s.run("UPDATE t SET \"E\" = 'sad'");
    s.run("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
    let c = c.replace("[\"d\",\"text\",null]", "[\"e\",\"text\",\"blue\"]");
    demand(s, &format!("'[[\"a\",\"text\",\"x1\"],{c},' || {b} || ']'"));
}

#[test]
fn types_may_be_altered_in_the_middle_of_a_function() {
    let Some((_server, mut session)) = database("rows_types_altered") else { return };
    let s = &mut session;
    s.run("CREATE TABLE holder (p point2)");
    s.run("INSERT INTO holder VALUES ((1, 0.5))");
    // The same place in the same function, so that what it keeps is kept over the change.
    s.run(
        "CREATE FUNCTION minted() RETURNS SETOF text LANGUAGE plpgsql AS $f$
         DECLARE h record;
         BEGIN
             FOR i IN 1..4 LOOP
                 FOR h IN EXECUTE 'SELECT p FROM holder' LOOP
                     RETURN NEXT precise_mint_row(h)::jsonb - 'proof_id' - 'canon';
                 END LOOP;
                 IF i = 1 THEN EXECUTE 'ALTER TYPE point2 ADD ATTRIBUTE z text'; END IF;
                 IF i = 2 THEN EXECUTE 'ALTER TYPE point2 RENAME ATTRIBUTE z TO w'; END IF;
                 IF i = 3 THEN EXECUTE 'ALTER TYPE point2 DROP ATTRIBUTE w'; END IF;
             END LOOP;
         END $f$",
    );
    for _ in 0..2 {
        let minted = s.run("SELECT * FROM minted()");
        let expected: Vec<String> = ["", ",[\"z\",\"text\",null]", ",[\"w\",\"text\",null]", ""]
            .iter()
            .map(|added| {
                let cells = format!(
                    "[[\"p\",\"struct\",[[\"x\",\"numeric\",\"1\"],[\"y\",\"float8\",\"0.5\"]{added}]]]"
                );
                let minted = format!("precise_mint_cells('{cells}')::jsonb - 'proof_id' - 'canon'");
                s.ask(&format!("SELECT {minted}")).value()
            })
            .collect();
        assert_eq!(minted, expected);
    }
    // Many rows of a composite column, in one call each, and of records made on the way.
    s.run("INSERT INTO holder SELECT (i, i / 2.0)::point2 FROM generate_series(1, 5000) i");
    let count = "SELECT count(DISTINCT precise_mint_row(holder)::text) FROM holder";
    assert_eq!(s.ask(count).value(), "5000");
    let count = "SELECT count(DISTINCT precise_mint_row(CASE i % 3 WHEN 0 THEN ROW(i)
                 WHEN 1 THEN ROW(i, 'x') ELSE ROW((i, 0)::point2) END)::text)
                 FROM generate_series(1, 3000) i";
    assert_eq!(s.ask(count).value(), "3000");
}
