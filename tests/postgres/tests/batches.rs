//! Batches: each pending proof is in exactly one, whoever else closes them, and whatever dies.

use precise_postgres::{Server, Session};

/// Mints the numbers from `first` to `last` under a label.
fn mint(session: &mut Session, label: &str, first: u32, last: u32) {
    session.run(&format!(
        "INSERT INTO precise.proof (label, proof_hash) \
         SELECT '{label}', precise_proof_hash(i::text) FROM generate_series({first}, {last}) i"
    ));
}

/// What must hold at any time: each batch is of the proofs that say they are in it, cut as it says,
/// and each proof that says so is in a batch of its label.
#[track_caller]
fn assert_batches_hold(session: &mut Session) {
    for broken in [
        "precise.batch b LEFT JOIN LATERAL (SELECT precise_merkle_root(p.proof_hash) AS root, \
         count(*) AS count FROM precise.proof p WHERE p.batch_id = b.id) r ON true \
         WHERE (b.batch_root, b.count) IS DISTINCT FROM (r.root, r.count)",
        "precise.proof p LEFT JOIN precise.batch b ON b.id = p.batch_id AND b.label = p.label \
         WHERE p.batch_id IS NOT NULL AND b.id IS NULL",
        "precise.batch b JOIN precise.proof p ON p.batch_id = b.id WHERE b.part IS NOT NULL \
         AND substr(substr(p.proof_hash, 1, 4)::text, 2)::text IS NOT NULL \
         AND left((('x' || encode(substr(p.proof_hash, 1, 4), 'hex'))::bit(32))::text, \
         (b.part ->> 'bits')::int) <> right(((b.part ->> 'index')::bigint::bit(32))::text, \
         (b.part ->> 'bits')::int)",
        "precise.batch b WHERE b.entry <> precise_canonical(b.entry) \
         OR b.entry::jsonb ->> 'batch_root' <> '0x' || encode(b.batch_root, 'hex') \
         OR (b.entry::jsonb ->> 'count')::bigint <> b.count \
         OR b.entry::jsonb -> 'part' IS DISTINCT FROM b.part \
         OR (b.entry::jsonb ->> 'closed_at')::timestamptz <> b.closed_at \
         OR b.entry::jsonb ->> 'closed_at' !~ '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$'",
    ] {
        let rows = session.run(&format!("SELECT count(*) FROM {broken}"));
        assert_eq!(rows, ["0"], "{broken}");
    }
}

#[track_caller]
fn value(session: &mut Session, query: &str) -> String {
    session.ask(query).value()
}

#[test]
fn a_batch_is_what_was_pending() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("batch");
    mint(&mut pg, "a", 1, 10);
    mint(&mut pg, "b", 1, 5);
    pg.run("SET timezone = 'Asia/Tokyo'");
    pg.run("CALL precise.close_batch('a')");
    assert_batches_hold(&mut pg);
    assert_eq!(
        pg.run("SELECT kind, label, part, count, state, closed_at <= now() FROM precise.batch"),
        ["records|a||10|closed|t"]
    );
    let keys = value(
        &mut pg,
        "SELECT string_agg(k, ',') FROM precise.batch, json_object_keys(entry::json) k",
    );
    assert_eq!(keys, "batch_root,canon,closed_at,count,kind,label,v");
    assert_eq!(
        value(&mut pg, "SELECT entry::json ->> 'canon' FROM precise.batch"),
        "precise-jcs-1"
    );
    // Nothing to do is no batch, and no error.
    pg.run("CALL precise.close_batch('a')");
    pg.run("CALL precise.close_batch(label => 'nobody''s')");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.batch"), "1");
    // What has a batch already keeps it.
    pg.run(
        "INSERT INTO precise.proof (label, proof_hash) VALUES ('a', precise_proof_hash('10')) \
            ON CONFLICT DO NOTHING",
    );
    mint(&mut pg, "a", 11, 12);
    pg.run("CALL precise.close_batch()");
    assert_eq!(
        pg.run("SELECT label, count FROM precise.batch ORDER BY id"),
        ["a|10", "a|2", "b|5"]
    );
    assert_batches_hold(&mut pg);
    for wrong in
        ["max_leaves => 0", "max_leaves => -1", "max_leaves => NULL", "max_leaves => 4294967296"]
    {
        assert_eq!(pg.ask(&format!("CALL precise.close_batch({wrong})")).sqlstate(), "22023");
    }
    pg.run("BEGIN READ ONLY");
    mint_is_refused(&mut pg);
    pg.run("ROLLBACK");
}

fn mint_is_refused(pg: &mut Session) {
    let answer = pg.ask("INSERT INTO precise.proof (label, proof_hash) VALUES ('c', sha256(''))");
    assert_eq!(answer.sqlstate(), "25006");
}

#[test]
fn a_set_is_cut_by_as_few_bits_as_will_do() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("cut");
    for (limit, label) in
        [(1_u64, "a"), (2, "b"), (7, "c"), (100, "d"), (999, "e"), (1000, "f"), (1001, "g")]
    {
        mint(&mut pg, label, 1, 1000);
        pg.run(&format!("CALL precise.close_batch('{label}', {limit})"));
        // The bits a brute search finds.
        let bits = value(
            &mut pg,
            &format!(
                "SELECT min(b) FROM generate_series(0, 32) b WHERE {limit} >= (SELECT max(n) FROM \
                 (SELECT count(*) n FROM precise.proof WHERE label = '{label}' GROUP BY \
                 left((('x' || encode(substr(proof_hash, 1, 4), 'hex'))::bit(32))::text, b)) c)"
            ),
        );
        let said = value(
            &mut pg,
            &format!(
                "SELECT DISTINCT COALESCE((part ->> 'bits')::int, 0) FROM precise.batch \
                 WHERE label = '{label}'"
            ),
        );
        assert_eq!(said, bits, "limit {limit}");
        let parts = value(
            &mut pg,
            &format!(
                "SELECT bool_and(COALESCE((part ->> 'parts')::int, 1) = n AND count <= {limit}) FROM \
                 precise.batch, (SELECT count(*) n FROM precise.batch WHERE label = '{label}') c \
                 WHERE label = '{label}'"
            ),
        );
        assert_eq!(parts, "t", "limit {limit}");
    }
    assert_batches_hold(&mut pg);
    // What is no hash.
    pg.run(
        "INSERT INTO precise.proof (label, proof_hash) SELECT 'h', \
            decode(lpad(to_hex(i), 64, '0'), 'hex') FROM generate_series(1, 3) i",
    );
    assert_eq!(pg.ask("CALL precise.close_batch('h', 2)").sqlstate(), "PR904");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE batch_id IS NULL"), "3");
}

#[test]
fn the_committer_is_told() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("told");
    mint(&mut pg, "a", 1, 1000);
    // A session's own notifications are printed behind the statement.
    pg.run("LISTEN precise_batch");
    let mut told = pg.run("CALL precise.close_batch('a', 1)");
    told.extend(pg.run("SELECT 1"));
    let ids: Vec<&str> = told
        .iter()
        .filter(|line| line.contains("precise_batch"))
        .flat_map(|line| {
            line.split('"').filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        })
        .flat_map(|payload| payload.split(','))
        .collect();
    assert_eq!(ids.len(), 1000, "{told:.300?}");
}

#[test]
fn two_at_once_put_each_proof_in_one_batch() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("at_once");
    let mut other = server.session("at_once");
    for (round, isolation) in
        ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"].iter().enumerate()
    {
        let first = round as u32 * 1000;
        mint(&mut pg, "a", first + 1, first + 500);
        pg.run(&format!("BEGIN ISOLATION LEVEL {isolation}"));
        other.run(&format!("BEGIN ISOLATION LEVEL {isolation}"));
        // A snapshot from before, where a transaction has only one.
        other.run("SELECT count(*) FROM precise.proof");
        pg.run("CALL precise.close_batch('a', 100)");
        other.tell("CALL precise.close_batch('a', 100)");
        pg.run("COMMIT");
        // It has found nothing, or has refused.
        let _ = other.answer();
        other.run("COMMIT");
        assert_batches_hold(&mut pg);
        let twice = "SELECT sum(count) FROM precise.batch";
        assert_eq!(value(&mut pg, twice), ((round + 1) * 500).to_string(), "{isolation}");
    }
    // One that gives up leaves the work to the other, and minting goes on meanwhile.
    mint(&mut pg, "b", 1, 500);
    pg.run("BEGIN");
    pg.run("CALL precise.close_batch('b')");
    other.tell("CALL precise.close_batch('b')");
    let mut third = server.session("at_once");
    mint(&mut third, "b", 501, 600);
    pg.run("ROLLBACK");
    other.answer().rows();
    assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch WHERE label = 'b'"), "600");
    assert_batches_hold(&mut pg);
    // Content that is seen again while its batch is being closed.
    mint(&mut pg, "c", 1, 10);
    third.run("BEGIN");
    third.run("UPDATE precise.proof SET seen = seen + 1 WHERE label = 'c'");
    other.tell("CALL precise.close_batch('c')");
    third.run("COMMIT");
    other.answer().rows();
    assert_eq!(
        pg.run("SELECT DISTINCT seen, batch_id IS NOT NULL FROM precise.proof WHERE label = 'c'"),
        ["2|t"]
    );
    // A proof that somebody deletes by hand meanwhile: the batch is of the others.
    mint(&mut pg, "d", 1, 10);
    third.run("BEGIN");
    third.run(
        "DELETE FROM precise.proof WHERE label = 'd' AND proof_hash = precise_proof_hash('5')",
    );
    other.tell("CALL precise.close_batch('d')");
    // Until it waits for the row.
    while value(&mut pg, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        == "0"
    {
        pg.run("SELECT pg_sleep(0.01)");
    }
    third.run("COMMIT");
    other.answer().rows();
    assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch WHERE label = 'd'"), "9");
    assert_batches_hold(&mut pg);
}

#[test]
fn a_crash_leaves_each_proof_in_one_batch_or_none() {
    // Its own server: it dies.
    let Some(server) = Server::start() else { return };
    let mut pg = server.session("postgres");
    pg.run("CREATE EXTENSION pg_precise");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(1, 2000) i");
    pg.run("CALL precise.close_batch('t', 500)");
    let closed: u32 = value(&mut pg, "SELECT count(*) FROM precise.batch").parse().unwrap();
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(2001, 5000) i");
    // In the middle of a transaction that has closed them, and of a statement that does.
    let mut other = server.session("postgres");
    other.run("BEGIN");
    other.run("CALL precise.close_batch('t', 500)");
    pg.tell("CALL precise.close_batch('t', 500)");
    server.kill();
    drop((pg, other));
    server.resume();
    let mut pg = server.session("postgres");
    assert_batches_hold(&mut pg);
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.batch"), closed.to_string());
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE batch_id IS NULL"), "3000");
    pg.run("CALL precise.close_batch('t', 500)");
    assert_batches_hold(&mut pg);
    assert_eq!(value(&mut pg, "SELECT sum(count) FROM precise.batch"), "5000");
    // Killed while one runs, wherever it then is: before, or whole.
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(5001, 25000) i");
    pg.tell("CALL precise.close_batch('t', 500)");
    std::thread::sleep(std::time::Duration::from_millis(150));
    server.kill();
    drop(pg);
    server.resume();
    let mut pg = server.session("postgres");
    assert_batches_hold(&mut pg);
    let sum = value(&mut pg, "SELECT sum(count) FROM precise.batch");
    let pending = value(&mut pg, "SELECT count(*) FROM precise.proof WHERE batch_id IS NULL");
    assert!(
        matches!((sum.as_str(), pending.as_str()), ("5000", "20000") | ("25000", "0")),
        "{sum} in batches, {pending} pending"
    );
}
