//! pg_precise/uninstall.sql: nothing stays but the server's roles and the user's rows.

use precise_postgres::{Server, Session, extension_file};

/// What there is in a database, but for what belongs to the server itself and to a table's rows.
fn objects(pg: &mut Session) -> Vec<String> {
    pg.run(
        "SELECT i.type, i.identity FROM (
            SELECT 'pg_proc'::regclass, oid FROM pg_proc
            UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relkind <> 't'
                AND relname NOT LIKE 'pg_toast%'
            UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger
            UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
                WHERE typname NOT LIKE 'pg_toast%'
            UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace
            UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl
            UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
            UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension
        ) o (class, oid), pg_identify_object(o.class, o.oid, 0) i ORDER BY 1, 2",
    )
}

#[test]
fn nothing_is_left_but_roles() {
    // Its own server: roles are everyone's.
    let Some(server) = Server::start() else { return };
    let mut pg = server.session("postgres");
    pg.run("CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb)");
    pg.run("CREATE TABLE days (id bigint PRIMARY KEY, n int) PARTITION BY RANGE (id)");
    pg.run("CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10)");
    pg.run("CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (10) TO (20)");
    pg.run("CREATE TABLE \"Odd name\" (id bigint PRIMARY KEY, person text, payload text)");
    let before = objects(&mut pg);

    pg.run("CREATE EXTENSION pg_precise");
    pg.run("SELECT precise.track('events', 'payload')");
    pg.run("SELECT precise.track('days')");
    pg.run("SELECT precise.track('\"Odd name\"', 'payload', subject => 'person')");
    pg.run("INSERT INTO events VALUES (1, '{}'), (2, NULL)");
    pg.run("INSERT INTO \"Odd name\" VALUES (1, 'ann', '{}')");
    // Its triggers go with it, and no longer with the table it was part of.
    pg.run("ALTER TABLE days DETACH PARTITION days_2");
    pg.run("CALL precise.close_batch()");

    // Alone, DROP EXTENSION refuses: triggers need it.
    assert_eq!(pg.ask("DROP EXTENSION pg_precise").sqlstate(), "2BP01");
    // Something of the user's that needs it is said, and nothing is lost.
    pg.run("CREATE INDEX by_proof ON events (precise_proof_hash(payload))");
    let refused = server.load("postgres", &extension_file("uninstall.sql")).unwrap_err();
    assert!(refused.contains("by_proof"), "{refused}");
    assert_eq!(
        pg.run("SELECT source, state FROM precise.status ORDER BY source::text"),
        ["\"Odd name\"|tracked", "days|tracked", "events|tracked"]
    );
    pg.run("DROP INDEX by_proof");

    let said = server.load("postgres", &extension_file("uninstall.sql")).unwrap();
    assert!(said.contains("DROP ROLE precise_minter"), "{said}");
    pg.run("ALTER TABLE days ATTACH PARTITION days_2 FOR VALUES FROM (10) TO (20)");
    assert_eq!(objects(&mut pg), before);
    pg.run("INSERT INTO events VALUES (3, '{}')");
    pg.run("INSERT INTO days VALUES (1, 1), (11, 2)");
    assert_eq!(pg.run("SELECT count(*) FROM events"), ["3"]);
    // The roles have no right in any database any more.
    assert_eq!(pg.run("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'precise\\_%'"), ["3"]);
    pg.run("DROP ROLE precise_minter, precise_committer, precise_auditor");

    let nothing = server.load("postgres", &extension_file("uninstall.sql")).unwrap_err();
    assert!(nothing.contains("\"pg_precise\" does not exist"), "{nothing}");
    pg.run("CREATE EXTENSION pg_precise");
    pg.run("SELECT precise.track('events', 'payload')");
}
