//! From every released version to the one in the making: the same objects as a new installation
//! has, the same data, and everything goes on.

use std::fs;
use std::path::Path;

use precise_postgres::{Server, Session, extension_file};

/// The versions that were released, each with a script that installs it.
fn released() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pg_precise/released");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut versions: Vec<String> = names
        .filter_map(|name| {
            let name = name.into_string().unwrap();
            let version = name.strip_prefix("pg_precise--")?.strip_suffix(".sql")?;
            (!version.contains("--")).then(|| version.to_owned())
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// A line for each object of the extension, with all that a user could see of it. Names have their
/// schemas; lists whose order means nothing are sorted.
const CATALOGUE: &str = "
WITH member AS (
    SELECT d.classid, d.objid
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_precise'
), line (object) AS (
    SELECT jsonb_build_object('member', pg_describe_object(classid, objid, 0)) FROM member
    UNION ALL
    SELECT jsonb_build_object(
        'function', p.oid::regprocedure, 'kind', p.prokind, 'result', pg_get_function_result(p.oid),
        'arguments', pg_get_function_arguments(p.oid), 'owner', p.proowner::regrole,
        'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
        'aggregate', (SELECT to_jsonb(a) FROM pg_aggregate a WHERE a.aggfnoid = p.oid),
        'volatile', p.provolatile, 'parallel', p.proparallel, 'strict', p.proisstrict,
        'leakproof', p.proleakproof, 'cost', p.procost, 'rows', p.prorows,
        'definer', p.prosecdef, 'settings', p.proconfig, 'symbol', p.prosrc, 'file', p.probin,
        'rights', ARRAY(SELECT r::text FROM unnest(p.proacl) r ORDER BY 1),
        'comment', obj_description(p.oid, 'pg_proc')
    )
    FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
    UNION ALL
    SELECT jsonb_build_object(
        'relation', c.oid::regclass, 'kind', c.relkind, 'lasts', c.relpersistence,
        'options', c.reloptions, 'owner', c.relowner::regrole, 'row security', c.relrowsecurity,
        'rights', ARRAY(SELECT r::text FROM unnest(c.relacl) r ORDER BY 1),
        'comment', obj_description(c.oid, 'pg_class'),
        'columns', ARRAY(
            SELECT jsonb_build_array(
                a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                a.attgenerated, a.attstorage, a.attcollation::regcollation,
                pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum),
                ARRAY(SELECT r::text FROM unnest(a.attacl) r ORDER BY 1)
            )
            FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        ),
        'constraints', ARRAY(
            SELECT jsonb_build_array(k.conname, pg_get_constraintdef(k.oid), k.convalidated)
            FROM pg_constraint k WHERE k.conrelid = c.oid ORDER BY k.conname
        ),
        'indexes', ARRAY(
            SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid ORDER BY 1
        ),
        'triggers', ARRAY(
            SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY 1
        ),
        'view', CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
        'sequence', (SELECT to_jsonb(s) - 'seqrelid' FROM pg_sequence s WHERE s.seqrelid = c.oid)
    )
    FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
    UNION ALL
    SELECT jsonb_build_object(
        'schema', n.nspname, 'comment', obj_description(n.oid, 'pg_namespace'),
        'rights', ARRAY(SELECT r::text FROM unnest(n.nspacl) r ORDER BY 1)
    )
    FROM member JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
    UNION ALL
    SELECT jsonb_build_object(
        'type', t.oid::regtype, 'kind', t.typtype, 'comment', obj_description(t.oid, 'pg_type'),
        'rights', ARRAY(SELECT r::text FROM unnest(t.typacl) r ORDER BY 1)
    )
    FROM member JOIN pg_type t ON classid = 'pg_type'::regclass AND t.oid = objid
    UNION ALL
    -- The rights that a dump takes for granted.
    SELECT jsonb_build_object(
        'granted at first', pg_describe_object(i.classoid, i.objoid, i.objsubid),
        'rights', ARRAY(SELECT r::text FROM unnest(i.initprivs) r ORDER BY 1)
    )
    FROM member m JOIN pg_init_privs i ON (i.classoid, i.objoid) = (m.classid, m.objid)
    UNION ALL
    SELECT jsonb_build_object('dumped', c.relation::regclass, 'condition', c.condition)
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) c (relation, condition)
    WHERE e.extname = 'pg_precise'
    UNION ALL
    SELECT jsonb_build_object(
        'extension', extname, 'version', extversion, 'schema', extnamespace::regnamespace,
        'relocatable', extrelocatable, 'comment', obj_description(oid, 'pg_extension')
    )
    FROM pg_extension WHERE extname = 'pg_precise'
)
SELECT object FROM line ORDER BY object::text COLLATE \"C\"";

/// The extension's objects in a database, a line each.
fn catalogue(session: &mut Session) -> Vec<String> {
    session.run("SET search_path = pg_catalog");
    let lines = session.run(CATALOGUE);
    session.run("RESET search_path");
    assert!(lines.len() > 200, "{} lines", lines.len());
    lines
}

#[track_caller]
fn assert_same(found: &[String], wanted: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    let (extra, missing) = (only(found, wanted), only(wanted, found));
    assert!(
        extra.is_empty() && missing.is_empty() && found.len() == wanted.len(),
        "found, and not wanted:\n{}\n\nwanted, and not found:\n{}",
        extra.join("\n"),
        missing.join("\n")
    );
}

/// Every row of the extension's tables, in the columns they have now: how to ask for it.
fn questions(session: &mut Session) -> Vec<String> {
    session.run(
        "SELECT pg_catalog.format('SELECT %L, ROW(%s)::text FROM %s ORDER BY 2', c.relname, \
         string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum), c.oid::regclass) \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         AND NOT a.attisdropped AND a.attname <> 'log_cnt' \
         WHERE c.relnamespace = 'precise'::regnamespace AND c.relkind IN ('r', 'S') \
         GROUP BY c.oid, c.relname ORDER BY c.relname",
    )
}

fn answers(session: &mut Session, questions: &[String]) -> Vec<String> {
    questions.iter().flat_map(|question| session.run(question)).collect()
}

/// Data of every kind, made by the first version.
const DATA: &str = r#"
CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb);
SELECT precise.track('events', 'payload');
INSERT INTO events SELECT i, jsonb_build_object('event', i) FROM generate_series(1, 20) i;
INSERT INTO events VALUES (21, '{"n":12345678901234567890}'), (22, NULL);
CREATE TABLE visits (id bigint PRIMARY KEY, visitor text, payload jsonb);
SELECT precise.track('visits', 'payload', subject => 'visitor');
INSERT INTO visits VALUES (1, 'ann', '{"page":"/"}'), (2, 'bob', '{"page":"/"}');
CREATE TABLE readings (day date, n numeric(8, 2), PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
CREATE TABLE readings_2026 PARTITION OF readings
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT precise.track('readings');
INSERT INTO readings VALUES ('2026-02-03', 1.50);
CALL precise.close_batch();
UPDATE precise.batch SET state = 'committed', log_origin = 'example.com/log', log_index = id - 1,
    tlog_proof = 'c2sp.org/tlog-proof@v1', checkpoint = 'example.com/log', committed_at = now()
WHERE label = 'events';
SELECT precise.void_proof(precise_proof_hash('{"event":3}'), 'correction');
CREATE TABLE people (id bigint PRIMARY KEY, audience_data jsonb);
INSERT INTO people SELECT i, jsonb_build_object('id', i, 'cohort_id', 'renters_10013')
    FROM generate_series(1, 1200) i;
CALL precise.mint_audience_proof('public.people', NULL, NULL);
INSERT INTO events VALUES (23, '{"event":"pending"}');
CREATE INDEX events_proof ON events (precise_proof_hash(payload)) WHERE id < 20;
"#;

#[test]
fn an_update_makes_what_a_new_installation_has() {
    let Some(server) = Server::shared() else { return };
    let mut new = server.database("new_installation");
    let new = catalogue(&mut new);
    let mut postgres = server.session("postgres");
    for version in released() {
        let name = format!("updated_{}", version.replace('.', "_"));
        postgres.run(&format!("CREATE DATABASE {name}"));
        let mut pg = server.session(&name);
        pg.run(&format!("CREATE EXTENSION pg_precise VERSION '{version}'"));
        pg.run("ALTER EXTENSION pg_precise UPDATE");
        assert_same(&catalogue(&mut pg), &new);
    }
    // Also where its functions are not in the schema that is first in the path.
    postgres.run("CREATE DATABASE elsewhere");
    let mut pg = server.session("elsewhere");
    pg.run("CREATE SCHEMA proofs");
    pg.run("CREATE EXTENSION pg_precise SCHEMA proofs");
    let new = catalogue(&mut pg);
    for version in released() {
        pg.run("DROP EXTENSION pg_precise");
        pg.run(&format!("CREATE EXTENSION pg_precise SCHEMA proofs VERSION '{version}'"));
        pg.run("ALTER EXTENSION pg_precise UPDATE");
        assert_same(&catalogue(&mut pg), &new);
    }
}

#[test]
fn data_is_kept_and_everything_goes_on() {
    let Some(server) = Server::start() else { return };
    let mut pg = server.session("postgres");
    pg.run("CREATE EXTENSION pg_precise VERSION '0.1.0'");
    server.load("postgres", DATA).unwrap();
    let questions = questions(&mut pg);
    let before = answers(&mut pg, &questions);
    for table in ["batch", "proof", "reject", "sources", "subject_secret", "void"] {
        let of_table = format!("{table}|");
        assert!(before.iter().any(|row| row.starts_with(&of_table)), "no row in {table}");
    }
    let dump = server.dump("postgres");

    // As after the files of a server were replaced.
    drop(pg);
    server.stop();
    server.resume();
    let mut pg = server.session("postgres");
    pg.run("INSERT INTO events VALUES (24, '{\"event\":\"between\"}')");
    pg.run("DELETE FROM precise.proof WHERE record_id = '24'");
    pg.run("DELETE FROM events WHERE id = 24");
    // An update that is taken back.
    pg.run("BEGIN");
    pg.run("ALTER EXTENSION pg_precise UPDATE");
    pg.run("ROLLBACK");
    assert_same(&answers(&mut pg, &questions), &before);
    pg.run("ALTER EXTENSION pg_precise UPDATE");
    assert_same(&answers(&mut pg, &questions), &before);
    let mut new = server.database("new_installation");
    assert_same(&catalogue(&mut pg), &catalogue(&mut new));
    goes_on(&mut pg);

    // A dump of the old version is restored into the new one.
    pg.run("CREATE DATABASE restored");
    server.load("restored", &dump).unwrap();
    let mut restored = server.session("restored");
    let version = "SELECT extversion FROM pg_extension WHERE extname = 'pg_precise'";
    assert_eq!(restored.run(version), pg.run(version));
    // A dump has no secrets in it.
    let mut kept = before;
    kept.retain(|row| !row.starts_with("subject_secret|"));
    assert_same(&answers(&mut restored, &questions), &kept);

    server.load("postgres", "DROP INDEX events_proof;").unwrap();
    let said = server.load("postgres", &extension_file("uninstall.sql")).unwrap();
    assert!(said.contains("pg_precise is gone"), "{said}");
    pg.run("INSERT INTO events VALUES (99, '{}')");
}

/// Rows are minted, batches closed, tables verified, subjects forgotten.
fn goes_on(pg: &mut Session) {
    pg.run("INSERT INTO events VALUES (30, '{\"event\":\"after\"}'), (31, '{\"n\":1e999}')");
    pg.run("UPDATE events SET payload = '{\"event\":\"mended\"}' WHERE id = 21");
    pg.run("INSERT INTO visits VALUES (3, 'ann', '{\"page\":\"/after\"}'), (4, 'cy', '{}')");
    pg.run("INSERT INTO readings_2026 VALUES ('2026-02-04', 2.25)");
    assert_eq!(
        pg.run("SELECT source, state, pending, rejects FROM precise.status ORDER BY source::text"),
        ["events|tracked|3|3", "readings|tracked|1|0", "visits|tracked|2|0"]
    );
    pg.run("CALL precise.close_batch()");
    assert_eq!(
        pg.run("SELECT count(*) FROM precise.proof WHERE batch_id IS NULL"),
        ["0"],
        "all are in batches"
    );
    assert_eq!(
        pg.run(
            "SELECT count(*) FROM precise.batch b WHERE b.batch_root <> \
             (SELECT precise_merkle_root(proof_hash) FROM precise.proof WHERE batch_id = b.id)"
        ),
        ["0"]
    );
    assert_eq!(
        pg.run("SELECT finding, record_id FROM precise.verify_table('events') ORDER BY 1, 2"),
        ["proof void|3", "row unproven|22", "row unproven|31"]
    );
    assert_eq!(pg.run("SELECT * FROM precise.verify_table('visits')"), Vec::<String>::new());
    assert_eq!(pg.run("SELECT * FROM precise.verify_table('readings')"), Vec::<String>::new());
    assert_eq!(
        pg.run("SELECT precise.receipt(precise_proof_hash('{\"event\":7}')) ->> 'tlog_proof'"),
        ["c2sp.org/tlog-proof@v1"]
    );
    pg.run("SELECT precise.forget_subject('ann', 'erasure')");
    assert_eq!(pg.run("SELECT count(*) FROM precise.proof WHERE subject = 'ann'"), ["0"]);
    pg.run("SELECT precise.track('events', 'payload', label => 'renamed')");
    pg.run("SELECT precise.untrack('readings')");
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    let Some(server) = Server::shared() else { return };
    server.session("postgres").run("CREATE DATABASE refused");
    let mut pg = server.session("refused");
    let answer = pg.ask("CREATE EXTENSION pg_precise VERSION '0.0.1'");
    assert_eq!(answer.sqlstate(), "22023");
    pg.run("CREATE EXTENSION pg_precise VERSION '0.1.0'");
    let before = catalogue(&mut pg);
    // No such version, no version at all, and none that can be gone back to.
    assert_eq!(pg.ask("ALTER EXTENSION pg_precise UPDATE TO '9.9.9'").sqlstate(), "22023");
    assert_eq!(pg.ask("ALTER EXTENSION pg_precise UPDATE TO ''").sqlstate(), "22023");
    pg.run("CREATE ROLE nobody_special");
    pg.run("SET ROLE nobody_special");
    assert_eq!(pg.ask("ALTER EXTENSION pg_precise UPDATE").sqlstate(), "42501");
    pg.run("RESET ROLE");
    assert_same(&catalogue(&mut pg), &before);
    pg.run("ALTER EXTENSION pg_precise UPDATE");
    let after = catalogue(&mut pg);
    assert_eq!(pg.ask("ALTER EXTENSION pg_precise UPDATE TO '0.1.0'").sqlstate(), "22023");
    assert_same(&catalogue(&mut pg), &after);
}
