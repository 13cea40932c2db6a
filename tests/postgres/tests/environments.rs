//! Where the extension is not at home: standbys, other encodings, roles that are gone, callers who
//! would have it run what is theirs, statements that are stopped.

use std::process::Output;

use precise_postgres::{Answer, Server, Session};

#[track_caller]
fn value(session: &mut Session, query: &str) -> String {
    session.ask(query).value()
}

/// Runs a script in a database and gives all that psql said.
fn said(server: &Server, database: &str, script: &str) -> String {
    let Output { stdout, stderr, .. } =
        server.psql(database).args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}

/// Waits until `query` gives `t`.
fn wait_for(session: &mut Session, query: &str) {
    for _ in 0..6000 {
        if value(session, query) == "t" {
            return;
        }
        // In a transaction, pg_stat_activity is what it was when it was first asked.
        session.run("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)");
    }
    panic!("waited in vain: {query}");
}

/// Waits until another session of this database waits for a lock.
fn wait_for_a_lock(session: &mut Session) {
    wait_for(
        session,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
         AND datname = current_database()",
    );
}

/// A plain table `t` and a blinded one `s`, with closed and pending proofs.
fn fill(pg: &mut Session) {
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("CREATE TABLE s (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('s', 'payload', subject => 'who')");
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(1, 100) i");
    pg.run("INSERT INTO s SELECT i, 'ann', to_jsonb(i) FROM generate_series(1, 100) i");
    pg.run("CALL precise.close_batch(max_leaves => 50)");
    pg.run(
        "UPDATE precise.batch SET state = 'committed', log_origin = 'example.com/log', \
         log_index = id, tlog_proof = 'proof', checkpoint = 'signed', committed_at = now()",
    );
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(101, 150) i");
}

/// What there is; equal before and after what must leave nothing.
fn state(pg: &mut Session) -> Vec<String> {
    ["proof", "batch", "reject", "sources", "void", "suppressed", "subject_secret"]
        .into_iter()
        .flat_map(|table| pg.run(&format!("SELECT '{table}', t FROM precise.{table} t ORDER BY 2")))
        .collect()
}

/// Questions, each with what is answered wherever it is asked.
const QUESTIONS: &[(&str, &str)] = &[
    ("SELECT precise_canonical('{\"b\":1.50,\"a\":\"é\"}'::jsonb)", r#"{"a":"é","b":1.5}"#),
    ("SELECT precise_mint_row(t.*) IS NOT NULL FROM t WHERE id = 1", "t"),
    ("SELECT count(*) FROM precise.verify_table('t')", "0"),
    ("SELECT count(*) FROM precise.verify_table('s')", "0"),
    (
        "SELECT string_agg(state || pending, ',' ORDER BY label) FROM precise.status",
        "tracked0,tracked50",
    ),
    ("SELECT precise.receipt(precise_proof_hash('7'), 't') ->> 'tlog_proof'", "proof"),
    ("SELECT count(*) FROM precise.archive('t', 'infinity')", "100"),
    ("SELECT count(precise.blind_of(label, proof_hash)) FROM precise.proof", "100"),
    (
        "SELECT bool_and(precise_merkle_root = batch_root) FROM precise.batch b, LATERAL ( \
         SELECT precise_merkle_root(proof_hash) FROM precise.proof WHERE batch_id = b.id) p",
        "t",
    ),
];

/// What writes.
const MINTING: &[&str] = &[
    "CALL precise.close_batch()",
    "CALL precise.close_batch('t')",
    "CALL precise.mint_audience_proof('public.t', NULL, NULL)",
    "SELECT precise.track('other', 'payload')",
    "SELECT precise.untrack('t')",
    "SELECT precise.backfill('other')",
    "SELECT precise.forget_subject('ann')",
    "SELECT precise.void_proof(precise_proof_hash('1'))",
    "SELECT precise.drop_archived('t', 'infinity')",
    "INSERT INTO t VALUES (1000, '[1000]')",
    "UPDATE s SET payload = '[1]'",
];

#[test]
fn a_transaction_that_may_not_write_mints_nothing() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("read_only");
    fill(&mut pg);
    pg.run("CREATE TABLE other (payload jsonb)");
    pg.run("INSERT INTO other VALUES ('[1]')");
    pg.run("SELECT precise.track('other', 'payload', backfill => false)");
    pg.run("DELETE FROM precise.sources WHERE label = 'other'");
    let before = state(&mut pg);
    for (question, answer) in QUESTIONS {
        pg.run("BEGIN READ ONLY");
        assert_eq!(value(&mut pg, question), *answer, "{question}");
        pg.run("COMMIT");
    }
    for statement in MINTING.iter().filter(|s| !s.contains("backfill")) {
        pg.run("BEGIN READ ONLY");
        match pg.ask(statement) {
            Answer::Error(sqlstate, message) => {
                assert_eq!(sqlstate, "25006", "{statement}: {message}");
                assert!(message.contains("in a read-only transaction"), "{message}");
            }
            Answer::Rows(rows) => panic!("{statement}: {rows:?}"),
        }
        pg.run("ROLLBACK");
    }
    assert_eq!(state(&mut pg), before);
}

#[test]
fn a_standby_answers_and_mints_nothing() {
    // Its own server: it is copied whole.
    let Some(server) = Server::start() else { return };
    let key = server.write("standby.key", "ab".repeat(32), 0o600);
    let mut pg = server.database("copied");
    fill(&mut pg);
    pg.run("CREATE TABLE other (payload jsonb)");
    let standby = server.standby();
    // Once before it is read, and once after.
    let mut copy = standby.session("copied");
    pg.run("SELECT precise.forget_subject('nobody')");
    pg.run("CREATE TABLE marker ()");
    wait_for(&mut copy, "SELECT to_regclass('marker') IS NOT NULL");
    assert_eq!(value(&mut copy, "SELECT pg_is_in_recovery()"), "t");
    for (question, answer) in QUESTIONS {
        assert_eq!(value(&mut copy, question), *answer, "{question}");
    }
    let before = state(&mut pg);
    assert_eq!(state(&mut copy), before);
    for statement in MINTING.iter().filter(|s| !s.contains("backfill")) {
        match copy.ask(statement) {
            Answer::Error(sqlstate, message) => {
                assert_eq!(sqlstate, "25006", "{statement}: {message}");
            }
            Answer::Rows(rows) => panic!("{statement}: {rows:?}"),
        }
    }
    // A standby's secrets can be taken to another database.
    assert_eq!(
        value(&mut copy, &format!("SELECT count(*) FROM precise.export_secrets('{key}')")),
        "1"
    );
    assert_eq!(state(&mut copy), before);
    // What is minted arrives; an erasure too.
    pg.run("INSERT INTO t VALUES (1000, '[1000]')");
    pg.run("SELECT precise.forget_subject('ann')");
    wait_for(&mut copy, "SELECT count(*) = 0 FROM precise.subject_secret");
    assert_eq!(value(&mut copy, "SELECT count(*) FROM precise.proof WHERE batch_id IS NULL"), "51");
    assert_eq!(
        value(&mut copy, "SELECT count(*) FROM precise.proof WHERE subject IS NOT NULL"),
        "0"
    );
    drop((copy, standby));
}

#[test]
fn text_is_the_same_whatever_a_client_sends_it_in() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("client_encoding");
    let hash = |text: &str| format!("SELECT precise_proof_hash('{text}'), precise_check('{text}')");
    // A client that says LATIN1 sends é as one byte; its two bytes in UTF-8 are two characters.
    let (in_utf8, twice) = (pg.run(&hash(r#""é""#)), pg.run(&hash(r#""Ã©""#)));
    assert_ne!(in_utf8, twice);
    pg.run("CREATE TABLE t (payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run(r#"INSERT INTO t VALUES ('"Ã©"'), ('"é"')"#);
    pg.run("SET client_encoding = 'LATIN1'");
    assert_eq!(pg.run(&hash(r#""é""#)), twice);
    assert_eq!(pg.run(&hash(r#""\u00e9""#)), in_utf8);
    pg.run(r#"INSERT INTO t VALUES ('"é"'), ('"\u00e9"')"#);
    assert_eq!(value(&mut pg, "SELECT string_agg(seen::text, ',') FROM precise.proof"), "2,2");
    // What the client's encoding does not have, it is not shown; it is minted all the same.
    assert_eq!(pg.ask(r#"SELECT precise_canonical('"\u20ac"')"#).sqlstate(), "22P05");
    pg.run(r#"INSERT INTO t VALUES ('"\u20ac"')"#);
    pg.run("SET client_encoding = 'UTF8'");
    assert_eq!(
        value(
            &mut pg,
            r#"SELECT count(*) FROM precise.proof WHERE proof_hash = precise_proof_hash('"€"')"#
        ),
        "1"
    );
    assert_eq!(pg.run("SELECT * FROM precise.verify_table('t')"), [""; 0]);
}

#[test]
fn a_database_that_is_not_utf8_is_refused_by_each_function() {
    let Some(server) = Server::shared() else { return };
    for encoding in ["SQL_ASCII", "LATIN1", "EUC_JP"] {
        let name = format!("in_{}", encoding.to_lowercase());
        server.session("postgres").run(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        ));
        let said = said(&server, &name, "CREATE EXTENSION pg_precise");
        for words in
            ["ERROR:  this database does not hold its text as UTF-8", "HINT:  Use a database"]
        {
            assert!(said.contains(words), "{encoding}: {said}");
        }
        // Somebody may declare one by hand.
        let mut pg = server.session(&name);
        pg.run(
            "CREATE FUNCTION precise_proof_hash(text) RETURNS bytea LANGUAGE c \
             AS '$libdir/pg_precise', 'precise_call'",
        );
        assert_eq!(pg.ask("SELECT precise_proof_hash('1')").sqlstate(), "0A000", "{encoding}");
    }
}

#[test]
fn roles_that_are_gone_are_not_missed() {
    // Its own server: roles are the whole server's.
    let Some(server) = Server::start() else { return };
    let roles = "precise_minter, precise_committer, precise_auditor";
    let mut pg = server.database("without_roles");
    fill(&mut pg);
    pg.run("CREATE ROLE writer");
    pg.run("GRANT INSERT ON t TO writer");
    assert_eq!(pg.ask(&format!("DROP ROLE {roles}")).sqlstate(), "2BP01");
    pg.run(&format!("DROP OWNED BY {roles}"));
    pg.run(&format!("DROP ROLE {roles}"));
    for (question, answer) in QUESTIONS {
        assert_eq!(value(&mut pg, question), *answer, "{question}");
    }
    pg.run("SET ROLE writer");
    pg.run("INSERT INTO t VALUES (1000, '[1000]')");
    assert_eq!(pg.ask("CALL precise.close_batch()").sqlstate(), "42501");
    pg.run("RESET ROLE");
    pg.run("CALL precise.close_batch()");
    assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch WHERE label = 't'"), "151");
    pg.run("SELECT precise.forget_subject('ann')");
    pg.run("SELECT precise.track('t', 'payload')");
    // They come again with the next database.
    let mut next = server.database("with_roles");
    fill(&mut next);
    next.run("SET ROLE precise_minter");
    next.run("CALL precise.close_batch()");
    // One that was there already, and can more than it should, is said.
    pg.run("ALTER ROLE precise_minter LOGIN SUPERUSER");
    pg.run("ALTER ROLE precise_auditor LOGIN");
    pg.run("CREATE DATABASE with_more");
    let warned = said(&server, "with_more", "CREATE EXTENSION pg_precise");
    assert!(
        warned.contains("WARNING:  role precise_minter was there before, and is a superuser"),
        "{warned}"
    );
    assert!(warned.contains("WARNING:  role precise_auditor was there before, and may log in"));
    assert!(!warned.contains("precise_committer") && !warned.contains("ERROR"), "{warned}");
}

#[test]
fn only_a_superuser_creates_the_extension() {
    let Some(server) = Server::shared() else { return };
    server.session("postgres").run("CREATE DATABASE by_another");
    let mut pg = server.session("by_another");
    pg.run("CREATE ROLE another CREATEROLE CREATEDB");
    pg.run("ALTER DATABASE by_another OWNER TO another");
    let script = "SET ROLE another; CREATE EXTENSION pg_precise";
    let refused = said(&server, "by_another", script);
    assert!(refused.contains("permission denied to create extension \"pg_precise\""), "{refused}");
    assert!(refused.contains("Must be superuser"), "{refused}");
    assert_eq!(value(&mut pg, "SELECT to_regnamespace('precise') IS NULL"), "t");
}

#[test]
fn a_blind_that_is_null_gives_null_and_no_bare_proof() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("null_blinds");
    pg.run("CREATE TABLE r (v int)");
    pg.run("INSERT INTO r VALUES (1)");
    // Every function with a blind, in whatever form its record comes.
    let blinded = pg.run(
        "SELECT p.oid::regproc, p.proargtypes::regtype[]::text FROM pg_proc p \
         WHERE 'blind' = ANY (p.proargnames) AND p.proname ~ '^precise_' ORDER BY 1, 2",
    );
    assert!(blinded.len() > 5, "{blinded:?}");
    let strict = "SELECT count(*) FROM pg_proc p WHERE 'blind' = ANY (p.proargnames) \
                  AND p.proname ~ '^precise_' AND NOT p.proisstrict AND p.prokind = 'f'";
    assert_eq!(value(&mut pg, strict), "0");
    for call in [
        "precise_mint_proof('1', NULL)",
        "precise_mint_proof('1'::jsonb, NULL)",
        "precise_proof_hash('1'::json, NULL)",
        "precise_mint_row(r.*, NULL)",
        "precise_verify_proof('1', precise_mint_proof('1'), NULL)",
        "precise_blind(NULL, 'id')",
        "precise_blind(sha256(''), NULL)",
    ] {
        assert_eq!(value(&mut pg, &format!("SELECT {call} IS NULL FROM r")), "t", "{call}");
    }
    // Bytes of any length but 32 are none.
    for len in [0, 1, 31, 33, 64] {
        let bytes = format!("decode(repeat('ab', {len}), 'hex')");
        for call in
            ["precise_proof_hash('1', {})", "precise_proof_id({})", "precise_blind({}, 'id')"]
        {
            let answer = pg.ask(&format!("SELECT {}", call.replace("{}", &bytes)));
            assert!(answer.clone().sqlstate().starts_with("PR"), "{call} of {len}: {answer:?}");
        }
        for (table, columns, values) in [
            ("proof", "label, proof_hash", "'x', {}"),
            ("void", "proof_hash, reason, salt", "{}, 'erasure', sha256('')"),
            ("void", "proof_hash, reason, salt", "sha256(''), 'erasure', {}"),
            ("subject_secret", "subject, secret", "'ann', {}"),
            ("batch", "label, batch_root, count, entry, closed_at", "'x', {}, 1, '{}', now()"),
        ] {
            let values = values.replacen("{}", &bytes, 1);
            let insert = format!("INSERT INTO precise.{table} ({columns}) VALUES ({values})");
            assert_eq!(pg.ask(&insert).sqlstate(), "23514", "{insert}");
        }
    }
}

/// Puts into a schema `trap` what has the names of functions, operators, types and tables that are
/// used inside; each raises TRAP0.
fn set_trap(pg: &mut Session) {
    pg.run("CREATE SCHEMA trap");
    pg.run("GRANT USAGE ON SCHEMA trap TO PUBLIC");
    pg.run(
        "CREATE FUNCTION trap.sprung() RETURNS void LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'TRAP0', MESSAGE = 'was run'; END $$",
    );
    let body = |result: &str| {
        format!("LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.sprung(); RETURN {result}; END $$")
    };
    for (name, arguments, result) in [
        ("precise_canonical", "jsonb", "text"),
        ("precise_canonical", "text", "text"),
        ("precise_proof_hash", "jsonb", "bytea"),
        ("precise_proof_hash", "jsonb, bytea", "bytea"),
        ("precise_check", "jsonb", "text"),
        ("precise_blind", "bytea, text", "bytea"),
        ("format", "text, text", "text"),
        ("format", "text, int", "text"),
        ("format", "text, uuid", "text"),
        ("count", "bigint", "bigint"),
        ("encode", "bytea, text", "text"),
        ("now", "", "timestamptz"),
        ("random_bytes", "", "bytea"),
        ("equal_texts", "text, text", "boolean"),
        ("equal_bytes", "bytea, bytea", "boolean"),
        ("equal_ints", "bigint, bigint", "boolean"),
        ("joined", "text, text", "text"),
    ] {
        pg.run(&format!(
            "CREATE FUNCTION trap.{name}({arguments}) RETURNS {result} {}",
            body("NULL")
        ));
    }
    for (operator, types, function) in [
        ("=", "text", "equal_texts"),
        ("=", "bytea", "equal_bytes"),
        ("=", "bigint", "equal_ints"),
        ("<>", "text", "equal_texts"),
        ("||", "text", "joined"),
    ] {
        pg.run(&format!(
            "CREATE OPERATOR trap.{operator} (LEFTARG = {types}, RIGHTARG = {types}, \
             FUNCTION = trap.{function})"
        ));
    }
    pg.run("CREATE TABLE trap.pg_class (oid oid)");
    pg.run("CREATE TABLE trap.new_rows (id int, payload jsonb)");
    pg.run("CREATE DOMAIN trap.text AS pg_catalog.text CHECK (false)");
}

#[test]
fn what_a_caller_puts_in_front_is_not_run() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("search_paths");
    // Whatever runs with its owner's rights says where its names are.
    let loose = "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.prosecdef \
         AND p.pronamespace IN ('precise'::regnamespace, 'public'::regnamespace) \
         AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)";
    assert_eq!(pg.run(loose), [""; 0]);
    let definers = "SELECT count(*) > 5 FROM pg_proc p WHERE p.prosecdef \
                    AND p.pronamespace = 'precise'::regnamespace";
    assert_eq!(value(&mut pg, definers), "t");
    fill(&mut pg);
    pg.run("CREATE TABLE a (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('a', 'payload')");
    pg.run("UPDATE precise.sources SET k = 2 WHERE label = 'a'");
    pg.run(
        "INSERT INTO a VALUES (1, '{\"cohort_id\":\"c\"}'), (2, '{\"cohort_id\":\"c\",\"n\":2}')",
    );
    for role in ["intruder", "intruding_minter", "intruding_auditor"] {
        pg.run(&format!("CREATE ROLE {role}"));
        pg.run(&format!("GRANT SELECT, INSERT, UPDATE, TRIGGER ON t, s, a TO {role}"));
    }
    pg.run("GRANT precise_minter TO intruding_minter");
    pg.run("GRANT precise_auditor TO intruding_auditor");
    set_trap(&mut pg);
    let mut tried = 0;
    for (role, statements) in [
        (
            "intruder",
            &["INSERT INTO public.t VALUES (%, '[1]')", "UPDATE public.s SET payload = '[%]'"][..],
        ),
        (
            "intruding_minter",
            &[
                "INSERT INTO public.s VALUES (%, 'bob', '[1]')",
                "CALL precise.close_batch()",
                "SELECT precise.backfill('public.t')",
                "SELECT precise.void_proof(proof_hash) FROM precise.proof LIMIT 1",
                "SELECT precise.forget_subject('bob')",
                "SELECT precise.drop_archived('t', '-infinity')",
                "CALL precise.mint_audience_proof('public.a', NULL, NULL)",
            ],
        ),
        (
            "intruding_auditor",
            &[
                "SELECT precise.verify_table('public.t')",
                "SELECT precise.verify_table('public.s')",
                "SELECT precise.blind_of(label, proof_hash) FROM precise.proof",
                "SELECT precise.receipt(proof_hash) FROM precise.proof LIMIT 3",
                "SELECT * FROM precise.archive('t', 'infinity')",
                "SELECT state, pending FROM precise.status",
            ],
        ),
    ] {
        for statement in statements {
            tried += 1;
            pg.run("BEGIN");
            pg.run("SET search_path = trap, pg_catalog, public");
            pg.run(&format!("SET ROLE {role}"));
            let statement = statement.replace('%', &(2000 + tried).to_string());
            if let Answer::Error(sqlstate, message) = pg.ask(&statement) {
                panic!("{role}: {statement}: {sqlstate} {message}");
            }
            pg.run("COMMIT");
            pg.run("RESET ROLE");
            pg.run("RESET search_path");
        }
    }
    let trapped = "SELECT count(*) FROM precise.reject WHERE code = 'TRAP0'";
    assert_eq!(value(&mut pg, trapped), "0");
    // The trap would have worked.
    pg.run("SET search_path = trap, pg_catalog");
    assert_eq!(pg.ask("SELECT 'a'::pg_catalog.text = 'b'::pg_catalog.text").sqlstate(), "TRAP0");
}

#[test]
fn a_batch_that_is_stopped_in_the_middle_was_never_closed() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("stopped");
    fill(&mut pg);
    let before = state(&mut pg);
    // Somebody else holds one of the proofs: the batch is half claimed, and waits.
    let mut holder = server.session("stopped");
    let hold = "SELECT count(*) FROM (SELECT FROM precise.proof WHERE batch_id IS NULL \
                ORDER BY proof_hash DESC LIMIT 1 FOR UPDATE) p";
    let close = "CALL precise.close_batch('t', 10)";
    holder.run("BEGIN");
    holder.run(hold);
    pg.run("SET statement_timeout = '200ms'");
    assert_eq!(pg.ask(close).sqlstate(), "57014");
    pg.run("RESET statement_timeout");
    pg.run("SET lock_timeout = '50ms'");
    assert_eq!(pg.ask(close).sqlstate(), "55P03");
    pg.run("RESET lock_timeout");
    let pid = value(&mut pg, "SELECT pg_backend_pid()");
    pg.tell(close);
    wait_for_a_lock(&mut holder);
    holder.run(&format!("SELECT pg_cancel_backend({pid})"));
    assert_eq!(pg.answer().sqlstate(), "57014");
    pg.tell(close);
    wait_for_a_lock(&mut holder);
    assert_eq!(value(&mut holder, &format!("SELECT pg_terminate_backend({pid}, 60000)")), "t");
    drop(pg);
    assert_eq!(state(&mut holder), before);
    holder.run("COMMIT");
    // No room for what has to be sorted.
    let mut pg = server.session("stopped");
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(2000, 12000) i");
    let before = state(&mut pg);
    pg.run("SET work_mem = '64kB'");
    pg.run("SET temp_file_limit = '64kB'");
    assert_eq!(pg.ask(close).sqlstate(), "53400");
    pg.run("RESET temp_file_limit");
    assert_eq!(state(&mut pg), before);
    pg.run("CALL precise.close_batch('t', 1000)");
    assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch WHERE label = 't'"), "10151");
    for (question, answer) in QUESTIONS.iter().filter(|(question, _)| question.contains("merkle")) {
        assert_eq!(value(&mut pg, question), *answer, "{question}");
    }
}

#[test]
fn a_write_that_is_stopped_in_the_middle_wrote_nothing() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("stopped_writes");
    fill(&mut pg);
    let before = state(&mut pg);
    let rows = value(&mut pg, "SELECT count(*) FROM t");
    // Another transaction mints the same content: whoever comes behind waits for it.
    let mut holder = server.session("stopped_writes");
    holder.run("BEGIN");
    holder.run("INSERT INTO t VALUES (5000, '[5000]')");
    let insert =
        "INSERT INTO t SELECT i, to_jsonb(ARRAY[i - 1000]) FROM generate_series(5990, 6000) i";
    pg.run("SET statement_timeout = '200ms'");
    assert_eq!(pg.ask(insert).sqlstate(), "57014");
    pg.run("RESET statement_timeout");
    let pid = value(&mut pg, "SELECT pg_backend_pid()");
    pg.tell(insert);
    wait_for_a_lock(&mut holder);
    holder.run(&format!("SELECT pg_cancel_backend({pid})"));
    assert_eq!(pg.answer().sqlstate(), "57014");
    pg.tell(insert);
    wait_for_a_lock(&mut holder);
    assert_eq!(value(&mut holder, &format!("SELECT pg_terminate_backend({pid}, 60000)")), "t");
    holder.run("ROLLBACK");
    assert_eq!(state(&mut holder), before);
    assert_eq!(value(&mut holder, "SELECT count(*) FROM t"), rows);
    // To wait for a lock no longer is minting's failure, not the application's.
    holder.run("BEGIN");
    holder.run("INSERT INTO t VALUES (5000, '[5000]')");
    let mut pg = server.session("stopped_writes");
    pg.run("SET lock_timeout = '50ms'");
    pg.run(insert);
    pg.run("RESET lock_timeout");
    holder.run("ROLLBACK");
    let noted = "SELECT code, message FROM precise.reject";
    assert_eq!(
        pg.run(noted),
        ["55P03|11 rows were not minted: canceling statement due to lock timeout"]
    );
    assert_eq!(value(&mut pg, "SELECT precise.backfill('t')"), "11");
}

#[test]
fn two_who_track_at_once_track_once() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("track_twice");
    let mut other = server.session("track_twice");
    let track = "SELECT precise.track('t', 'payload')";
    let triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass";
    for end in ["COMMIT", "ROLLBACK"] {
        pg.run("DROP TABLE IF EXISTS t");
        pg.run("DELETE FROM precise.sources");
        pg.run("DELETE FROM precise.proof");
        pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
        pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(1, 10) i");
        pg.run("BEGIN");
        assert_eq!(value(&mut pg, track), "10");
        other.tell(track);
        wait_for_a_lock(&mut pg);
        pg.run(end);
        let minted = other.answer().value();
        assert_eq!(minted, if end == "COMMIT" { "0" } else { "10" }, "{end}");
        pg.run("INSERT INTO t VALUES (11, '11')");
        assert_eq!(value(&mut pg, triggers), "2", "{end}");
        assert_eq!(
            value(&mut pg, "SELECT count(*) || ',' || sum(seen) FROM precise.proof"),
            "11,11"
        );
        assert_eq!(value(&mut pg, "SELECT state FROM precise.status"), "tracked");
    }
    // One who tracks while another writes waits for the write, and mints it.
    pg.run("CREATE TABLE u (id int PRIMARY KEY, payload jsonb)");
    pg.run("BEGIN");
    pg.run("INSERT INTO u VALUES (1, '1')");
    other.tell("SELECT precise.track('u', 'payload')");
    wait_for_a_lock(&mut pg);
    pg.run("COMMIT");
    assert_eq!(other.answer().value(), "1");
}

#[test]
fn a_subject_column_or_a_table_that_is_gone_is_noted() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("gone");
    for (i, change) in ["DROP COLUMN who", "RENAME COLUMN who TO visitor"].into_iter().enumerate() {
        let table = format!(r#"public."s;{i}""#);
        pg.run(&format!("CREATE TABLE {table} (id int PRIMARY KEY, who text, payload jsonb)"));
        pg.run(&format!("SELECT precise.track('{table}', 'payload', subject => 'who')"));
        pg.run(&format!("INSERT INTO {table} VALUES (1, 'ann', '[1]')"));
        pg.run(&format!("ALTER TABLE {table} {change}"));
        pg.run(&format!("INSERT INTO {table} (id, payload) VALUES (2, '[2]')"));
        assert_eq!(value(&mut pg, &format!("SELECT count(*) FROM {table}")), "2");
        let noted = format!("SELECT code FROM precise.reject WHERE label = 's;{i}'");
        assert_eq!(pg.run(&noted), ["42703"], "{change}");
        let state = format!("SELECT state FROM precise.status WHERE label = 's;{i}'");
        assert_eq!(value(&mut pg, &state), "column who is gone");
        // Never a bare proof instead.
        let proofs = format!("SELECT version IS NULL FROM precise.proof WHERE label = 's;{i}'");
        assert_eq!(pg.run(&proofs), ["f"], "{change}");
        pg.run(&format!("DROP TABLE {table}"));
        assert_eq!(value(&mut pg, &state), "the table is gone");
    }
    // A subject that is no text is one by its text.
    pg.run("CREATE TABLE n (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('n', 'payload', subject => 'who')");
    pg.run("ALTER TABLE n ALTER COLUMN who TYPE int USING 7");
    pg.run("INSERT INTO n VALUES (1, 7, '[1]')");
    assert_eq!(pg.run("SELECT subject FROM precise.proof WHERE label = 'n'"), ["7"]);
    // What was minted of a table that is gone is batched all the same, and can be forgotten.
    pg.run("CALL precise.close_batch()");
    assert_eq!(
        pg.run("SELECT label, count FROM precise.batch ORDER BY label"),
        ["n|1", "s;0|1", "s;1|1"]
    );
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('ann')"), ["2|0"]);
    let gone = pg.run("SELECT source::oid FROM precise.sources WHERE label LIKE 's;%'");
    for oid in gone {
        let verify = format!("SELECT * FROM precise.verify_table({oid}::regclass)");
        assert_eq!(pg.ask(&verify).sqlstate(), "42P01");
        pg.run(&format!("SELECT precise.untrack({oid}::regclass)"));
    }
}

#[test]
fn who_writes_and_who_closes_batches_do_not_stop_each_other() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("writers_and_closer");
    pg.run("CREATE TABLE t (payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    let insert = "INSERT INTO t SELECT to_jsonb(i) FROM generate_series(1, 2000) i";
    // In several statements, so that the proofs do not lie in the order of their hashes.
    for i in 0..4 {
        pg.run(&insert.replace("1, 2000", &format!("{}, {}", 500 * i + 1, 500 * i + 500)));
    }
    // A third holds a proof in the middle, so that each of the two has some when they meet.
    let [mut holder, mut closer] = [(); 2].map(|()| server.session("writers_and_closer"));
    for order in ["ctid", "proof_hash", "proof_hash DESC"] {
        pg.run("UPDATE precise.proof SET batch_id = NULL");
        pg.run("DELETE FROM precise.batch");
        holder.run("BEGIN");
        holder.run(&format!(
            "SELECT FROM precise.proof ORDER BY {order} OFFSET 1000 LIMIT 1 FOR UPDATE"
        ));
        closer.tell("CALL precise.close_batch('t', 300)");
        wait_for_a_lock(&mut holder);
        // The same content again: each of its proofs is written to.
        pg.tell(insert);
        wait_for(
            &mut holder,
            "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database()",
        );
        holder.run("COMMIT");
        closer.answer().rows();
        pg.answer().rows();
        assert_eq!(pg.run("SELECT code, message FROM precise.reject"), [""; 0], "{order}");
        assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch"), "2000", "{order}");
    }
    assert_eq!(value(&mut pg, "SELECT sum(seen) FROM precise.proof"), "8000");
}
