//! Tracked tables: rows are minted as they are written, and what cannot be minted stops nobody.

use std::sync::Arc;

use precise_postgres::{Server, Session};

/// A database of the test's own, named as it is; none where there is no server.
fn database(name: &str) -> Option<(Arc<Server>, Session)> {
    let server = Server::shared()?;
    let session = server.database(name);
    Some((server, session))
}

/// How many rows a query has.
#[track_caller]
fn count(session: &mut Session, query: &str) -> u64 {
    session.ask(&format!("SELECT count(*) FROM {query}")).value().parse().unwrap()
}

/// The rejects of a label: record id, code and place.
#[track_caller]
fn rejects(session: &mut Session, label: &str) -> Vec<String> {
    session.run(&format!(
        "SELECT concat_ws(' ', record_id, code, place) FROM precise.reject WHERE label = '{label}' \
         ORDER BY 1"
    ))
}

/// Rows of a table whose payload has no proof, or not this many times.
#[track_caller]
fn not_minted(session: &mut Session, table: &str, label: &str) -> u64 {
    count(
        session,
        &format!(
            "(SELECT precise_proof_hash(payload) AS hash, count(*) AS seen FROM {table} GROUP BY 1) r \
             LEFT JOIN precise.proof p ON p.proof_hash = r.hash AND p.label = '{label}' \
             WHERE p.seen IS DISTINCT FROM r.seen"
        ),
    )
}

#[test]
fn rows_are_minted_as_they_are_written() {
    let Some((_server, mut pg)) = database("written") else { return };
    for form in ["jsonb", "json", "text", "varchar"] {
        let table = format!("events_{form}");
        pg.run(&format!("CREATE TABLE {table} (id bigint PRIMARY KEY, payload {form})"));
        pg.run(&format!(r#"INSERT INTO {table} VALUES (1, '{{"a":1.50}}'), (2, '{{"a":2}}')"#));
        let minted = pg.ask(&format!("SELECT precise.track('{table}', 'payload')")).value();
        assert_eq!(minted, "2", "{form}: backfill");
        pg.run(&format!(r#"INSERT INTO {table} VALUES (3, '{{"b":"é"}}'), (4, '{{"a":2}}')"#));
        pg.run(&format!(r#"COPY {table} FROM PROGRAM 'printf "5\t{{}}\n6\t[]\n"'"#));
        pg.run(&format!(
            "INSERT INTO {table} VALUES (1, '[1]'), (7, '[7]')
               ON CONFLICT (id) DO UPDATE SET payload = '[0]'"
        ));
        assert_eq!(not_minted(&mut pg, &table, &table), 0, "{form}");
        // What the row held before stays.
        let of_old = format!("precise.proof WHERE label = '{table}' AND record_id = '1'");
        assert_eq!(count(&mut pg, &of_old), 2, "{form}: both versions");
        pg.run(&format!("UPDATE {table} SET payload = payload"));
        assert_eq!(not_minted(&mut pg, &table, &table), 0, "{form}: an update is no repeat");
        assert_eq!(rejects(&mut pg, &table), [""; 0], "{form}");
        let all = format!("precise.proof WHERE label = '{table}'");
        let before = count(&mut pg, &all);
        pg.run(&format!("TRUNCATE {table}"));
        assert_eq!(count(&mut pg, &all), before, "{form}: proofs outlive rows");
    }
}

#[test]
fn a_whole_row_is_a_record() {
    let Some((_server, mut pg)) = database("whole_row") else { return };
    // A column that is named as the row is in our own SQL, and one that goes away.
    pg.run("CREATE TABLE t (n int, v float8, gone text, PRIMARY KEY (n))");
    pg.run("SELECT precise.track('t')");
    pg.run("INSERT INTO t VALUES (1, 1.5, 'x'), (2, 'NaN', 'x'), (3, 2.5, NULL)");
    assert_eq!(rejects(&mut pg, "t"), ["2 PR202 $.v"]);
    let raw = pg.ask("SELECT raw FROM precise.reject").value();
    assert_eq!(raw, "(2,NaN,x)");
    pg.run("ALTER TABLE t DROP COLUMN gone");
    pg.run("INSERT INTO t VALUES (4, 4)");
    let expected = pg.ask(r#"SELECT precise_proof_hash('{"n":4,"v":4}')"#).value();
    let minted = pg.ask("SELECT proof_hash FROM precise.proof WHERE record_id = '4'").value();
    assert_eq!(minted, expected);
    pg.run("ALTER TABLE t ADD COLUMN more jsonb DEFAULT '[]'");
    pg.run("INSERT INTO t VALUES (5, 5)");
    let expected = pg.ask(r#"SELECT precise_proof_hash('{"n":5,"v":5,"more":[]}')"#).value();
    let minted = pg.ask("SELECT proof_hash FROM precise.proof WHERE record_id = '5'").value();
    assert_eq!(minted, expected);
}

#[test]
fn what_cannot_be_minted_is_kept_and_noted() {
    let Some((_server, mut pg)) = database("kept") else { return };
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload json)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run(
        r#"INSERT INTO t VALUES
           (1, '{"a":1}'), (2, NULL), (3, '{"a":{"b":1e400}}'), (4, '{"a":1,"a":2}'), (5, '[5]')"#,
    );
    assert_eq!(count(&mut pg, "t"), 5);
    assert_eq!(count(&mut pg, "precise.proof"), 2);
    assert_eq!(rejects(&mut pg, "t"), ["2 PR114", "3 PR202 $.a.b", "4 PR106 $.a"]);
    let noted = pg.run("SELECT message, raw FROM precise.reject WHERE record_id = '4'");
    assert_eq!(noted, [r#"an object has the same key twice|{"a":1,"a":2}"#]);
    // Only NULLs: nothing else needs a second look.
    pg.run("INSERT INTO t VALUES (6, NULL)");
    assert_eq!(rejects(&mut pg, "t").len(), 4);
    // Noted once, however often it is looked at again.
    assert_eq!(pg.ask("SELECT precise.backfill('t')").value(), "0");
    assert_eq!(rejects(&mut pg, "t").len(), 4);
    let status = pg.run("SELECT source, label, state, pending, rejects FROM precise.status");
    assert_eq!(status, ["t|t|tracked|2|4"]);
}

#[test]
fn or_is_refused() {
    let Some((_server, mut pg)) = database("refused") else { return };
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload text)");
    pg.run("SELECT precise.track('t', 'payload', on_reject => 'error')");
    assert_eq!(pg.ask("INSERT INTO t VALUES (1, '1e400')").sqlstate(), "PR202");
    assert_eq!(pg.ask("INSERT INTO t VALUES (1, '{}'), (2, NULL)").sqlstate(), "PR114");
    assert_eq!(count(&mut pg, "t"), 0);
    assert_eq!(count(&mut pg, "precise.proof"), 0);
    assert_eq!(count(&mut pg, "precise.reject"), 0);
    pg.run("INSERT INTO t VALUES (1, '{}')");
    assert_eq!(pg.ask("UPDATE t SET payload = '{'").sqlstate(), "PR104");
    pg.run("SELECT precise.track('t', 'payload', on_reject => 'keep')");
    pg.run("UPDATE t SET payload = '{'");
    let refused = pg.ask("SELECT precise.track('t', 'payload', on_reject => 'error')");
    assert_eq!(refused.sqlstate(), "PR104", "what is in the table cannot be minted");
    let sqlstate = pg.ask("SELECT precise.track('t', 'payload', on_reject => 'maybe')").sqlstate();
    assert_eq!(sqlstate, "22023");
}

#[test]
fn names_are_names_whatever_they_are() {
    let Some((_server, mut pg)) = database("names") else { return };
    pg.run(r#"CREATE SCHEMA "S; DROP SCHEMA precise CASCADE;--""#);
    let table = r#""S; DROP SCHEMA precise CASCADE;--"."it's %s $1 ""quoted""""#;
    pg.run(&format!(
        r#"CREATE TABLE {table} ("k'%I" int, "1; DROP TABLE t" text, "select" text,
           "payload"" FROM nothing; --" jsonb, PRIMARY KEY ("1; DROP TABLE t", "k'%I"))"#
    ));
    let quoted = table.replace('\'', "''");
    pg.run(&format!(
        r#"SELECT precise.track('{quoted}', 'payload" FROM nothing; --', label => 'a''b"c\',
           subject => 'select')"#
    ));
    pg.run(&format!(
        r#"INSERT INTO {table} VALUES (1, 'x"y', 'it''s me', '[1]'), (2, '', 'it''s me', '1e400')"#
    ));
    let proofs = pg.run("SELECT label, record_id, subject FROM precise.proof");
    assert_eq!(proofs, [r#"a'b"c\|["x\"y","1"]|it's me"#]);
    let rejected = pg.run("SELECT label, record_id, code, raw FROM precise.reject");
    assert_eq!(rejected, [r#"a'b"c\|["","2"]|PR202|"#]);
    let found = pg.run(&format!("SELECT finding, record_id FROM precise.verify_table('{quoted}')"));
    assert_eq!(found, [r#"row unproven|["","2"]"#]);
    let all = pg.ask(r#"CALL precise.close_batch('a''b"c\')"#).rows();
    assert_eq!(all, [""; 0]);
    let entry = pg.ask("SELECT entry::jsonb ->> 'label' FROM precise.batch").value();
    assert_eq!(entry, r#"a'b"c\"#);
    pg.run(&format!("SELECT precise.untrack('{quoted}')"));
    pg.run(&format!("INSERT INTO {table} VALUES (3, '', 'me', '1')"));
    assert_eq!(count(&mut pg, "precise.proof"), 1);
}

#[test]
fn a_record_has_the_id_it_is_said_to_have() {
    let Some((_server, mut pg)) = database("ids") else { return };
    pg.run("CREATE TABLE none (payload jsonb, other text)");
    pg.run("SELECT precise.track('none', 'payload')");
    pg.run("INSERT INTO none VALUES ('[1]', 'o1')");
    assert_eq!(pg.ask("SELECT record_id IS NULL FROM precise.proof").value(), "t");
    pg.run("SELECT precise.track('none', 'payload', record_id => 'other')");
    pg.run("INSERT INTO none VALUES ('[2]', 'o2'), ('[3]', ''), ('[4]', NULL)");
    let ids =
        pg.run("SELECT record_id FROM precise.proof WHERE label = 'none' ORDER BY minted_at, 1");
    assert_eq!(ids, ["", "o2", "", ""]);

    // The same text in whatever way a session wants to see dates and times.
    pg.run("CREATE TABLE t (at timestamptz, d date, f float8, b bytea, payload jsonb, PRIMARY KEY (at, d, f, b))");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("SET timezone = 'Asia/Tokyo'");
    pg.run("SET datestyle = 'German'");
    pg.run("SET extra_float_digits = -5");
    pg.run("SET bytea_output = 'escape'");
    pg.run(r"INSERT INTO t VALUES ('2026-11-22 20:00:00Z', '2026-11-22', 0.1, '\x00ff', '[1]')");
    let id = pg.ask("SELECT record_id FROM precise.proof WHERE label = 't'").value();
    assert_eq!(id, r#"["2026-11-22 20:00:00+00","2026-11-22","0.1","\\x00ff"]"#);

    // A cast that a table's owner made is not run.
    pg.run("CREATE TYPE pair AS (a int, b int)");
    pg.run(
        "CREATE FUNCTION run(pair) RETURNS text LANGUAGE plpgsql AS $$ \
         BEGIN RAISE EXCEPTION 'was run'; END $$",
    );
    pg.run("CREATE CAST (pair AS text) WITH FUNCTION run(pair) AS IMPLICIT");
    pg.run("CREATE TABLE c (id pair PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('c', 'payload')");
    pg.run("INSERT INTO c VALUES (row(1, 2), '[1]')");
    let id = pg.ask("SELECT record_id FROM precise.proof WHERE label = 'c'").value();
    assert_eq!(id, "(1,2)");
    pg.run(
        "CREATE FUNCTION read(pair) RETURNS jsonb LANGUAGE plpgsql AS $$ \
         BEGIN RAISE EXCEPTION 'was run'; END $$",
    );
    pg.run("CREATE CAST (pair AS jsonb) WITH FUNCTION read(pair) AS IMPLICIT");
    pg.run("ALTER TABLE c DROP COLUMN payload");
    pg.run("ALTER TABLE c ADD COLUMN payload pair");
    pg.run("INSERT INTO c VALUES (row(3, 4), row(5, 6))");
    assert_eq!(rejects(&mut pg, "c"), ["42804"]);
}

#[test]
fn a_changed_table_goes_on() {
    let Some((_server, mut pg)) = database("changed") else { return };
    let changes = [
        ("DROP COLUMN payload", "42703", "column payload is gone"),
        ("RENAME COLUMN payload TO body", "42703", "column payload is gone"),
        ("ALTER COLUMN payload TYPE int USING 1", "42804", "column payload is of type integer"),
        ("RENAME COLUMN id TO number", "42703", "column id is gone"),
    ];
    for (i, (change, code, state)) in changes.into_iter().enumerate() {
        let table = format!("t{i}");
        pg.run(&format!("CREATE TABLE {table} (id int PRIMARY KEY, payload jsonb)"));
        pg.run(&format!("SELECT precise.track('{table}', 'payload')"));
        pg.run(&format!("ALTER TABLE {table} {change}"));
        pg.run(&format!("INSERT INTO {table} SELECT 1"));
        assert_eq!(count(&mut pg, &table), 1, "{change}");
        assert_eq!(rejects(&mut pg, &table), [code], "{change}");
        let status = format!("SELECT state FROM precise.status WHERE label = '{table}'");
        assert_eq!(pg.ask(&status).value(), state, "{change}");
    }
    // Told of the new name, it finds what it missed.
    pg.run("TRUNCATE t1");
    pg.run("INSERT INTO t1 VALUES (1, '[1]')");
    assert_eq!(pg.ask("SELECT precise.track('t1', 'body')").value(), "1");
    // A type that is read as well.
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("ALTER TABLE t ALTER COLUMN payload TYPE text");
    pg.run("INSERT INTO t VALUES (1, '[1]')");
    assert_eq!(not_minted(&mut pg, "t", "t"), 0);
    pg.run("ALTER TABLE t RENAME TO renamed");
    pg.run("INSERT INTO renamed VALUES (2, '[2]')");
    assert_eq!(not_minted(&mut pg, "renamed", "t"), 0);
    // Triggers that were taken away, and tables.
    pg.run("ALTER TABLE renamed DISABLE TRIGGER precise_mint_insert");
    let state = pg.ask("SELECT state FROM precise.status WHERE label = 't'").value();
    assert_eq!(state, "1 of 2 triggers are missing or disabled");
    let gone = pg.ask("SELECT 't1'::regclass::oid").value();
    pg.run("DROP TABLE t1");
    let state = pg.ask("SELECT state FROM precise.status WHERE label = 't1'").value();
    assert_eq!(state, "the table is gone");
    pg.run(&format!("SELECT precise.untrack({gone}::regclass)"));
    assert_eq!(count(&mut pg, "precise.status WHERE label = 't1'"), 0);
}

#[test]
fn partitions_are_minted_however_they_are_written_to() {
    let Some((_server, mut pg)) = database("partitions") else { return };
    pg.run("CREATE SCHEMA elsewhere");
    pg.run("CREATE TABLE elsewhere.t (id int, payload jsonb, PRIMARY KEY (id)) PARTITION BY RANGE (id)");
    pg.run("CREATE TABLE t_low PARTITION OF elsewhere.t FOR VALUES FROM (0) TO (100)");
    // Other columns in another order.
    pg.run("CREATE TABLE t_high (junk int, payload jsonb, id int NOT NULL)");
    pg.run("ALTER TABLE t_high DROP COLUMN junk");
    pg.run("ALTER TABLE elsewhere.t ATTACH PARTITION t_high FOR VALUES FROM (100) TO (200)");
    pg.run("INSERT INTO t_low VALUES (1, '[1]')");
    assert_eq!(pg.ask("SELECT precise.track('elsewhere.t', 'payload')").value(), "1");
    pg.run("INSERT INTO elsewhere.t VALUES (2, '[2]'), (102, '[102]')");
    pg.run("INSERT INTO t_low VALUES (3, '[3]')");
    pg.run("INSERT INTO t_high (id, payload) VALUES (103, '[103]')");
    assert_eq!(not_minted(&mut pg, "elsewhere.t", "t"), 0);
    // From one partition to another.
    pg.run("UPDATE elsewhere.t SET id = 150, payload = '[150]' WHERE id = 3");
    assert_eq!(not_minted(&mut pg, "elsewhere.t", "t"), 0);
    pg.run("CREATE TABLE t_new PARTITION OF elsewhere.t FOR VALUES FROM (200) TO (300)");
    let state = pg.ask("SELECT state FROM precise.status").value();
    assert_eq!(state, "2 of 8 triggers are missing or disabled");
    pg.run("INSERT INTO t_new VALUES (201, '[201]')");
    assert_eq!(pg.ask("SELECT precise.track('elsewhere.t', 'payload')").value(), "1");
    assert_eq!(pg.ask("SELECT state FROM precise.status").value(), "tracked");
    assert_eq!(count(&mut pg, "precise.verify_table('elsewhere.t')"), 1, "the row that moved");
    pg.run("SELECT precise.untrack('elsewhere.t')");
    pg.run("INSERT INTO t_new VALUES (202, '[202]')");
    assert_eq!(not_minted(&mut pg, "elsewhere.t", "t"), 1);
}

#[test]
fn what_is_no_table_with_records_is_not_tracked() {
    let Some((_server, mut pg)) = database("untrackable") else { return };
    pg.run("CREATE TABLE t (id int, payload jsonb, number int)");
    pg.run("CREATE VIEW v AS SELECT * FROM t");
    pg.run("CREATE TEMP TABLE passing (payload jsonb)");
    for (call, sqlstate) in [
        ("'v', 'payload'", "42809"),
        ("'passing', 'payload'", "42809"),
        ("'precise.proof'", "42809"),
        ("'pg_class'", "42809"),
        ("'t', 'body'", "42703"),
        ("'t', 'number'", "42804"),
        ("'t', 'payload', record_id => 'body'", "42703"),
        ("'t', 'payload', subject => 'id'", "22023"),
        ("'t', 'payload', label => ''", "22023"),
        ("'t; DROP TABLE t', 'payload'", "42602"),
        ("'nowhere', 'payload'", "42P01"),
        ("4294967295::oid::regclass, 'payload'", "42P01"),
    ] {
        let answer = pg.ask(&format!("SELECT precise.track({call})"));
        assert_eq!(answer.sqlstate(), sqlstate, "{call}");
    }
    assert_eq!(pg.ask("SELECT precise.untrack('t')").sqlstate(), "22023");
    assert_eq!(pg.ask("SELECT precise.backfill('t')").sqlstate(), "22023");
    assert_eq!(count(&mut pg, "precise.sources"), 0);
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("CREATE TABLE other (payload jsonb)");
    let taken = pg.ask("SELECT precise.track('other', 'payload', label => 't')");
    assert_eq!(taken.sqlstate(), "23505", "a label is one table's");
    pg.run("BEGIN READ ONLY");
    let answer = pg.ask("SELECT precise.track('other', 'payload')");
    assert_eq!(answer.sqlstate(), "25006");
}

#[test]
fn a_subjects_proofs_are_blinded() {
    let Some((_server, mut pg)) = database("subjects") else { return };
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("INSERT INTO t VALUES (1, 'ann', '[1]')");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who', label => 'x')");
    pg.run("INSERT INTO t VALUES (2, 'ann', '[2]'), (3, 'bob', '[2]'), (4, NULL, '[4]'), (5, 'cy', NULL)");
    assert_eq!(rejects(&mut pg, "x"), ["4 PR305", "5 PR114"]);
    assert_eq!(count(&mut pg, "precise.reject WHERE raw IS NOT NULL"), 0);
    let bare = "precise.proof WHERE proof_hash IN (SELECT precise_proof_hash(payload) FROM t)";
    assert_eq!(count(&mut pg, bare), 0);
    // As the table's documentation says the blind is made.
    let by_hand = "precise.proof p JOIN t ON t.id::text = p.record_id \
         JOIN precise.subject_secret s ON s.subject = t.who \
         WHERE p.proof_hash = precise_proof_hash(t.payload, precise_blind(s.secret, \
         precise_canonical(jsonb_build_array(p.label, p.record_id, p.version::text)))) \
         AND octet_length(s.secret) = 32";
    assert_eq!(count(&mut pg, by_hand), 3);
    let by_function = "precise.proof p JOIN t ON t.id::text = p.record_id \
         WHERE p.proof_hash = precise_proof_hash(t.payload, precise.blind_of('x', p.proof_hash))";
    assert_eq!(count(&mut pg, by_function), 3);

    // Content that was there before has its proof; other content has another blind.
    let versions = "precise.proof WHERE record_id = '1'";
    pg.run("UPDATE t SET payload = '[1]' WHERE id = 1");
    assert_eq!(count(&mut pg, versions), 1);
    pg.run("UPDATE t SET payload = '[9]' WHERE id = 1");
    pg.run("UPDATE t SET payload = '[1]' WHERE id = 1");
    assert_eq!(count(&mut pg, versions), 2);
    let blinds = pg.run("SELECT DISTINCT precise.blind_of(label, proof_hash) FROM precise.proof");
    assert_eq!(blinds.len(), 4);
    assert_eq!(pg.ask("SELECT precise.backfill('t')").value(), "0");
    // The same record again, from the start.
    pg.run("DELETE FROM t WHERE id = 1");
    pg.run("INSERT INTO t VALUES (1, 'ann', '[1]')");
    assert_eq!(count(&mut pg, versions), 2);
    assert_eq!(pg.ask("SELECT max(seen) FROM precise.proof WHERE record_id = '1'").value(), "2");
    assert_eq!(
        pg.run("SELECT finding, record_id FROM precise.verify_table('t') ORDER BY 2"),
        ["row unproven|4", "row unproven|5"]
    );

    // Secrets that were destroyed by hand: a reject, never an unblinded proof, nor another secret.
    pg.run("DELETE FROM precise.subject_secret WHERE subject = 'ann'");
    pg.run("DELETE FROM precise.reject");
    let before = count(&mut pg, "precise.proof");
    pg.run("INSERT INTO t VALUES (6, 'ann', '[6]')");
    assert_eq!(rejects(&mut pg, "x"), ["6 PR305"]);
    assert_eq!(count(&mut pg, "precise.proof"), before);
    pg.run(
        "SELECT precise.track('t', 'payload', subject => 'who', label => 'x', backfill => false, \
            on_reject => 'error')",
    );
    assert_eq!(pg.ask("INSERT INTO t VALUES (7, 'ann', '[7]')").sqlstate(), "PR305");
    assert_eq!(count(&mut pg, "precise.subject_secret WHERE subject = 'ann'"), 0);
    assert_eq!(count(&mut pg, bare), 0);
    // As rows, too.
    pg.run("CREATE TABLE r (id int PRIMARY KEY, who text, v float8)");
    pg.run("SELECT precise.track('r', subject => 'who')");
    pg.run("INSERT INTO r VALUES (1, 'bob', 1), (2, 'dee', 'NaN')");
    assert_eq!(rejects(&mut pg, "r"), ["2 PR202 $.v"]);
    let minted = "r, precise.proof p WHERE p.label = 'r' AND r.id = 1 AND p.proof_hash = precise_proof_hash_of( \
         precise_mint_row(r.*, precise.blind_of('r', p.proof_hash))::text)";
    assert_eq!(count(&mut pg, minted), 1);
}

#[test]
fn an_application_needs_no_right_but_to_write() {
    let Some((_server, mut pg)) = database("rights") else { return };
    for role in ["writer", "minter", "auditor", "committer"] {
        pg.run(&format!("CREATE ROLE {role}"));
        if role != "writer" {
            pg.run(&format!("GRANT precise_{role} TO {role}"));
        }
    }
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("GRANT INSERT ON t TO writer");
    let track = "SELECT precise.track('t', 'payload', subject => 'who')";
    // The minter may track what it may read and put triggers on.
    pg.run("SET ROLE minter");
    assert_eq!(pg.ask(track).sqlstate(), "42501");
    pg.run("RESET ROLE");
    pg.run("GRANT SELECT, TRIGGER ON t TO minter");
    pg.run("INSERT INTO t VALUES (1, 'ann', '[1]')");
    pg.run("SET ROLE minter");
    assert_eq!(pg.ask(track).value(), "1");
    pg.run("SET ROLE writer");
    pg.run("INSERT INTO t VALUES (2, 'bob', '[2]'), (3, 'bob', '1e400'), (4, 'ann', NULL)");
    for refused in [
        "SELECT * FROM precise.proof",
        "SELECT * FROM precise.subject_secret",
        "INSERT INTO precise.suppressed VALUES ('ann')",
        "SELECT precise.blind_of('t', NULL)",
        "SELECT precise.track('t', 'payload')",
        "SELECT precise.forget_subject('ann')",
        "CALL precise.close_batch()",
    ] {
        assert_eq!(pg.ask(refused).sqlstate(), "42501", "{refused}");
    }
    pg.run("SET ROLE minter");
    assert_eq!(count(&mut pg, "precise.proof"), 2);
    assert_eq!(rejects(&mut pg, "t"), ["3 PR202 $", "4 PR114"]);
    pg.run("CALL precise.close_batch()");
    for refused in [
        "DELETE FROM precise.proof",
        "UPDATE precise.proof SET batch_id = NULL",
        "UPDATE precise.batch SET entry = 'x'",
        "DELETE FROM precise.subject_secret",
        "UPDATE precise.subject_secret SET secret = sha256('')",
    ] {
        assert_eq!(pg.ask(refused).sqlstate(), "42501", "{refused}");
    }
    pg.run("SET ROLE committer");
    pg.run("UPDATE precise.batch SET state = 'staged'");
    for refused in [
        "SELECT record_id FROM precise.proof",
        "SELECT subject FROM precise.proof",
        "SELECT raw FROM precise.reject",
        "SELECT * FROM precise.subject_secret",
        "UPDATE precise.batch SET entry = 'x'",
        "UPDATE precise.batch SET batch_root = sha256('')",
        "CALL precise.close_batch()",
    ] {
        assert_eq!(pg.ask(refused).sqlstate(), "42501", "{refused}");
    }
    pg.run("SET ROLE auditor");
    assert_eq!(pg.ask("SELECT * FROM precise.subject_secret").sqlstate(), "42501");
    assert_eq!(pg.ask("SELECT * FROM precise.verify_table('t')").sqlstate(), "42501");
    pg.run("RESET ROLE");
    pg.run("GRANT SELECT ON t TO auditor");
    pg.run("SET ROLE auditor");
    assert_eq!(count(&mut pg, "precise.verify_table('t')"), 2);
    assert_eq!(count(&mut pg, "precise.status"), 1);
    assert_eq!(pg.ask("SELECT precise.forget_subject('ann')").sqlstate(), "42501");
    pg.run("SET ROLE minter");
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('ann')"), ["1|0"]);
}

#[test]
fn two_who_write_the_same_do_not_stop_each_other() {
    let Some((server, mut pg)) = database("same") else { return };
    pg.run("CREATE TABLE t (payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    let mut other = server.session("same");
    pg.run("BEGIN");
    pg.run("INSERT INTO t SELECT to_jsonb(i) FROM generate_series(1, 500) i");
    other.tell("INSERT INTO t SELECT to_jsonb(i) FROM generate_series(500, 1, -1) i");
    pg.run("INSERT INTO t SELECT to_jsonb(i) FROM generate_series(1, 600) i");
    pg.run("COMMIT");
    other.answer().rows();
    assert_eq!(not_minted(&mut pg, "t", "t"), 0);
    // A circle over two statements is broken in the minting, and the rows stay.
    pg.run("TRUNCATE t");
    pg.run("DELETE FROM precise.proof");
    pg.run("SET deadlock_timeout = '10ms'");
    pg.run("BEGIN");
    other.run("BEGIN");
    pg.run("INSERT INTO t VALUES ('\"a\"')");
    other.run("INSERT INTO t VALUES ('\"b\"')");
    other.tell("INSERT INTO t VALUES ('\"a\"')");
    pg.run("INSERT INTO t VALUES ('\"b\"')");
    pg.run("COMMIT");
    other.answer().rows();
    other.run("COMMIT");
    assert_eq!(count(&mut pg, "t"), 4);
    assert_eq!(count(&mut pg, "precise.proof"), 2);
    assert_eq!(rejects(&mut pg, "t"), ["40P01"]);
}

#[test]
fn minting_ends_with_the_transaction_it_is_in() {
    let Some((_server, mut pg)) = database("transactions") else { return };
    pg.run("CREATE TABLE t (payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("BEGIN");
    pg.run("INSERT INTO t VALUES ('[1]')");
    pg.run("ROLLBACK");
    assert_eq!(count(&mut pg, "precise.proof"), 0);
    pg.run("BEGIN READ ONLY");
    assert_eq!(pg.ask("INSERT INTO t VALUES ('[1]')").sqlstate(), "25006");
    pg.run("ROLLBACK");
    pg.run("BEGIN ISOLATION LEVEL SERIALIZABLE");
    pg.run("INSERT INTO t VALUES ('[1]')");
    pg.run("COMMIT");
    // A table that another one's trigger writes to.
    pg.run("CREATE TABLE source (payload jsonb)");
    pg.run(
        "CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ \
            BEGIN INSERT INTO t VALUES (NEW.payload); RETURN NULL; END $$",
    );
    pg.run("CREATE TRIGGER pass_on AFTER INSERT ON source FOR EACH ROW EXECUTE FUNCTION pass_on()");
    pg.run("INSERT INTO source VALUES ('[2]'), ('[3]')");
    assert_eq!(not_minted(&mut pg, "t", "t"), 0);
    pg.run("DROP EXTENSION pg_precise CASCADE");
    pg.run("INSERT INTO t VALUES ('[4]')");
    // All of it is gone, and all of it comes again.
    assert_eq!(pg.ask("SELECT to_regnamespace('precise') IS NULL").value(), "t");
    pg.run("CREATE EXTENSION pg_precise");
    pg.run("SELECT precise.track('t', 'payload')");
}

#[test]
fn the_extension_lives_in_any_schema() {
    let Some(server) = Server::shared() else { return };
    server.session("postgres").run("CREATE DATABASE in_schema");
    let mut pg = server.session("in_schema");
    pg.run(r#"CREATE SCHEMA "My Schema""#);
    pg.run(r#"CREATE EXTENSION pg_precise SCHEMA "My Schema""#);
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who')");
    pg.run("INSERT INTO t VALUES (1, 'ann', '[1]'), (2, 'bob', '1e400')");
    assert_eq!(rejects(&mut pg, "t"), ["2 PR202 $"]);
    pg.run("CREATE TABLE r (v int)");
    pg.run("SELECT precise.track('r')");
    pg.run("INSERT INTO r VALUES (1)");
    pg.run("CALL precise.close_batch()");
    assert_eq!(count(&mut pg, "precise.batch"), 2);
    assert_eq!(count(&mut pg, "precise.verify_table('t')"), 1);
}

/// One row, a few, and many take different ways; what they leave is the same.
#[test]
fn a_row_and_many_rows_are_minted_alike() {
    let Some((_server, mut pg)) = database("row_and_rows") else { return };
    pg.run("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = 0");
    pg.run(
        "CREATE TABLE source AS SELECT i, date '2026-01-01' + i AS day, \
         E'\\u00e9\"\\\\\\n' || i AS \"Name\", i / 7.0::float8 AS n, now() AS at, \
         CASE WHEN i % 2 = 0 THEN '' END AS \"none\", \
         jsonb_build_object('n', i % 1150, 'text', repeat('x', i)) AS payload \
         FROM generate_series(1, 1200) i",
    );
    let keys = ["i", "day", "\"Name\"", "\"Name\", n", "day, \"Name\", i, at", "i, n, day"];
    for (payload, what) in [("'payload'", "a column"), ("NULL", "the row")] {
        for key in keys {
            let mut left = Vec::new();
            for rows in [1, 7, 1200] {
                pg.run(
                    "DROP TABLE IF EXISTS t; TRUNCATE precise.proof; DELETE FROM precise.sources",
                );
                pg.run("CREATE TABLE t (LIKE source INCLUDING ALL)");
                pg.run(&format!("ALTER TABLE t ADD PRIMARY KEY ({key})"));
                pg.run(&format!("SELECT precise.track('t', {payload})"));
                for first in (1..=56).step_by(rows).take_while(|_| rows < 1200) {
                    let last = first + rows - 1;
                    pg.run(&format!(
                        "INSERT INTO t SELECT * FROM source WHERE i BETWEEN {first} AND {last}"
                    ));
                }
                if rows == 1200 {
                    pg.run("INSERT INTO t SELECT * FROM source");
                    assert_eq!(count(&mut pg, "precise.proof"), 1200);
                }
                assert_eq!(count(&mut pg, "precise.reject"), 0);
                let ids = "SELECT encode(p.proof_hash, 'hex'), md5(p.record_id), p.seen \
                           FROM precise.proof AS p JOIN source AS t ON i <= 56 AND p.record_id = ";
                let id = if key.contains(", ") {
                    let texts = key.split(", ").map(|column| format!("format('%s', {column})"));
                    let texts: Vec<String> = texts.collect();
                    format!("precise_canonical(jsonb_build_array({}))", texts.join(", "))
                } else {
                    format!("format('%s', {key})")
                };
                // As the triggers read keys, whatever the session's settings.
                let settings = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; \
                                SET LOCAL extra_float_digits = 1";
                pg.run(&format!("BEGIN; {settings}"));
                left.push(pg.run(&format!("{ids}{id} ORDER BY 1")));
                pg.run("COMMIT");
            }
            assert_eq!(left[0].len(), 56, "{what}, {key}");
            assert_eq!(left[0], left[1], "{what}, {key}");
            assert_eq!(left[0], left[2], "{what}, {key}");
        }
    }
}

/// The arguments that a table is tracked with.
#[track_caller]
fn tracked(session: &mut Session, table: &str) -> String {
    session
        .ask(&format!(
            "SELECT concat_ws(' ', label, payload, record_id, subject, on_reject) \
             FROM precise.sources WHERE source = '{table}'::regclass"
        ))
        .value()
}

#[test]
fn what_is_left_out_when_a_table_is_tracked_again_stays() {
    let Some((_server, mut pg)) = database("tracked_again") else { return };
    pg.run(
        "CREATE TABLE v (region text, id int, who text, body jsonb, PRIMARY KEY (region, id)) \
         PARTITION BY LIST (region)",
    );
    pg.run("CREATE TABLE v_eu PARTITION OF v FOR VALUES IN ('eu')");
    pg.run("SELECT precise.track('v', 'body', 'visits', subject => 'who', on_reject => 'error')");
    pg.run("INSERT INTO v VALUES ('eu', 1, 'ann', '[1]')");
    let first = tracked(&mut pg, "v");
    assert_eq!(first, "visits body {region,id} who error");
    pg.run("CREATE TABLE v_us PARTITION OF v FOR VALUES IN ('us')");
    pg.run("SELECT precise.track('v')");
    assert_eq!(tracked(&mut pg, "v"), first);
    pg.run("INSERT INTO v_us VALUES ('us', 1, 'bob', '[1]')");
    assert_eq!(count(&mut pg, "precise.proof"), 2);
    assert_eq!(count(&mut pg, "precise.proof WHERE version IS NULL"), 0, "a bare hash");
    pg.run("SELECT precise.track('v', on_reject => 'keep', label => 'seen')");
    assert_eq!(tracked(&mut pg, "v"), "seen body {region,id} who keep");
    pg.run("SELECT precise.untrack('v')");
    pg.run("SELECT precise.track('v', 'body', backfill => false)");
    assert_eq!(tracked(&mut pg, "v"), "v body {region,id} keep");
}

#[test]
fn a_table_and_its_partition_are_not_both_tracked() {
    let Some((_server, mut pg)) = database("beside") else { return };
    pg.run("CREATE TABLE p (id int, body jsonb) PARTITION BY RANGE (id)");
    pg.run("CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (1) TO (10)");
    for (one, other) in [("p", "p_1"), ("p_1", "p")] {
        pg.run(&format!("SELECT precise.track('{one}', 'body')"));
        let refused = pg.ask(&format!("SELECT precise.track('{other}', 'body')"));
        assert_eq!(refused.sqlstate(), "55000", "{other} beside {one}");
        pg.run(&format!("SELECT precise.untrack('{one}')"));
    }
}

#[test]
fn a_table_that_was_made_again_goes_on_under_its_label() {
    let Some((_server, mut pg)) = database("made_again") else { return };
    pg.run("CREATE TABLE t (id int PRIMARY KEY, body jsonb)");
    pg.run("CREATE TABLE u (id int PRIMARY KEY, body jsonb)");
    pg.run("SELECT precise.track('t', 'body')");
    let taken = pg.ask("SELECT precise.track('u', 'body', label => 't')");
    assert_eq!(taken.sqlstate(), "23505");
    pg.run("DROP TABLE t");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, body jsonb)");
    pg.run("SELECT precise.track('t', 'body')");
    pg.run("INSERT INTO t VALUES (1, '[1]')");
    assert_eq!(count(&mut pg, "precise.proof WHERE label = 't'"), 1);
    assert_eq!(count(&mut pg, "precise.sources"), 1);
}
