//! How errors arrive: under their codes as SQLSTATE, with what the core says of them, and without
//! harm to the session.

use precise_core::Code;
use precise_postgres::{Answer, Server, Session};

/// What `statement` is refused with: SQLSTATE, message, detail and hint.
fn diagnostics(session: &mut Session, statement: &str) -> Vec<String> {
    session.run(
        "CREATE OR REPLACE FUNCTION pg_temp.diagnostics(statement text) RETURNS SETOF text
         LANGUAGE plpgsql AS $f$
         DECLARE message text; detail text; hint text;
         BEGIN
             EXECUTE statement;
         EXCEPTION WHEN OTHERS THEN
             GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                 hint = PG_EXCEPTION_HINT;
             RETURN QUERY VALUES (SQLSTATE), (message), (detail), (hint);
         END $f$",
    );
    session.run(&format!("SELECT * FROM pg_temp.diagnostics($s${statement}$s$)"))
}

#[test]
fn the_code_is_the_sqlstate_and_says_where() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("errors_said");
    for (statement, code, detail) in [
        (
            "SELECT precise_canonical('{\"a\": [1, {\"b c\": x}]}')",
            Code::Syntax,
            "At $.a[1][\"b c\"], byte 18, in precise_canonical.",
        ),
        (
            "SELECT precise_proof_hash('{\"a\": 1, \"a\": 2}'::json)",
            Code::DuplicateKey,
            "At $.a, byte 15, in precise_proof_hash.",
        ),
        (
            "SELECT precise_mint_proof('[0.5, 9007199254740993]'::jsonb)",
            Code::NumberPrecision,
            "At $[1], in precise_mint_proof.",
        ),
        (
            "SELECT precise_mint_row(ROW(NULL::interval))",
            Code::ColumnType,
            "At $.f1, in precise_mint_row. It says: it is interval.",
        ),
        ("SELECT precise_mint_proof('1', '\\x00')", Code::SecretLength, "In precise_mint_proof."),
    ] {
        let said = diagnostics(&mut session, statement);
        let [sqlstate, message, said_detail, hint] = said.as_slice() else {
            panic!("{statement}: {said:?}");
        };
        assert_eq!((sqlstate.as_str(), message.as_str()), (code.name(), code.message()));
        assert!(said_detail.starts_with(detail), "{said_detail}, not {detail}");
        assert_eq!(hint, precise_core::Error::new(code).hint(), "{statement}");
    }
}

#[test]
fn a_caught_error_does_no_harm() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("errors_caught");
    let before = session.run("SELECT pg_backend_pid()");
    session.run("CREATE TYPE mood AS ENUM ('sad', 'lost')");
    session.run("CREATE TABLE moods (m mood)");
    session.run("INSERT INTO moods VALUES ('lost')");
    // A value that the server itself cannot print any more: its error goes through ours.
    session.run("DELETE FROM pg_enum WHERE enumlabel = 'lost'");
    // The same call site meets good, refused and unprintable records in turn.
    session.run(
        "CREATE FUNCTION minted(i int) RETURNS text LANGUAGE plpgsql AS $f$
         DECLARE row record; document text;
         BEGIN
             IF i % 3 = 0 THEN SELECT 1 AS a INTO row;
             ELSIF i % 3 = 1 THEN SELECT '1 day'::interval AS a INTO row;
             ELSE SELECT m AS a FROM moods INTO row; END IF;
             document := CASE WHEN i % 2 = 0 THEN '{\"a\": 1}' ELSE '{\"a\": 1, \"a\": 2}' END;
             BEGIN
                 PERFORM precise_mint_proof(document);
                 document := 'good';
             EXCEPTION WHEN SQLSTATE 'PR106' THEN document := 'twice';
             END;
             BEGIN
                 RETURN document || ' ' || (precise_mint_row(row)->>'size');
             EXCEPTION WHEN SQLSTATE 'PR116' THEN RETURN document || ' type';
                 WHEN invalid_binary_representation THEN RETURN document || ' lost';
             END;
         END $f$",
    );
    let outcomes = session
        .run("SELECT minted(i), count(*) FROM generate_series(0, 2999) i GROUP BY 1 ORDER BY 1");
    let expected = [
        "good 7|500",
        "good lost|500",
        "good type|500",
        "twice 7|500",
        "twice lost|500",
        "twice type|500",
    ];
    assert_eq!(outcomes, expected);
    // Nor in a transaction that goes on from a savepoint.
    session.run("BEGIN");
    session.run("SAVEPOINT s");
    for _ in 0..3 {
        assert_eq!(session.ask("SELECT precise_canonical('[')").sqlstate(), "PR104");
        session.run("ROLLBACK TO s");
        assert_eq!(session.ask("SELECT precise_canonical('[ ]')").value(), "[]");
    }
    session.run("COMMIT");
    assert_eq!(session.run("SELECT pg_backend_pid()"), before);
}

#[test]
fn a_worker_keeps_the_code() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("errors_parallel");
    session.run("CREATE TABLE records AS SELECT i, i::text AS x FROM generate_series(1, 20000) i");
    session.run("INSERT INTO records VALUES (0, '{\"a\":1,\"a\":2}')");
    session.run("VACUUM ANALYZE records");
    for setting in [
        "parallel_setup_cost = 0",
        "parallel_tuple_cost = 0",
        "min_parallel_table_scan_size = 0",
        "max_parallel_workers_per_gather = 2",
        "parallel_leader_participation = off",
    ] {
        session.run(&format!("SET {setting}"));
    }
    let query = "SELECT count(precise_proof_hash(x)) FROM records";
    let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
    assert!(plan.contains("Partial Aggregate"), "{plan}");
    let said = diagnostics(&mut session, query);
    assert_eq!(said[0], "PR106");
    assert!(said[2].starts_with("At $.a, byte 12, in precise_proof_hash."), "{said:?}");
    let good = session.ask("SELECT count(precise_proof_hash(x)) FROM records WHERE i > 0");
    assert_eq!(good.value(), "20000");
}

#[test]
fn a_function_that_was_renamed_is_none() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("errors_renamed");
    session.run("ALTER FUNCTION precise_check(text) RENAME TO renamed");
    let refused = session.ask("SELECT renamed('1'::text)");
    assert_eq!(refused.sqlstate(), Code::UnknownFunction.name());
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let Some(server) = Server::shared() else { return };
    server
        .session("postgres")
        .run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let mut session = server.session("latin");
    match session.ask("CREATE EXTENSION pg_precise") {
        Answer::Error(sqlstate, message) => {
            assert_eq!(sqlstate, "0A000");
            assert!(message.contains("UTF-8"), "{message}");
        }
        other @ Answer::Rows(_) => panic!("{other:?}"),
    }
    assert_eq!(
        session.ask("SELECT count(*) FROM pg_extension WHERE extname = 'pg_precise'").value(),
        "0"
    );
}
