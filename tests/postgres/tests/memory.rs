//! Aggregates over more hashes than `work_mem` holds: the same results, files that are gone
//! afterwards, memory that does not grow with the set.

use std::fs;

use precise_core::merkle::{Batch, Hash, leaf};
use precise_postgres::{Server, Session};

/// Rows of most tables, and the distinct hashes in them: twenty times the least `work_mem`.
const COUNT: u32 = 60_000;
const DISTINCT: u32 = 40_000;

/// What [`leaf`] makes of a number in 32 bytes, as SQL: hashes that the test can make too.
fn hash_of(number: &str) -> String {
    format!("sha256('\\x{}'::bytea || int4send({number}))", "00".repeat(29))
}

fn hash(number: u32) -> Hash {
    let mut bytes = [0; 32];
    bytes[28..].copy_from_slice(&number.to_be_bytes());
    leaf(&bytes)
}

fn batch(numbers: impl Iterator<Item = u32>) -> Batch {
    Batch::new(numbers.map(hash).collect()).unwrap()
}

fn hex(hash: &Hash) -> String {
    hash.iter().fold("\\x".into(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The root, as `psql` shows it.
fn root(numbers: impl Iterator<Item = u32>) -> String {
    hex(&batch(numbers).root())
}

/// A session with a table `hashes (i int, n int, hash bytea)`: as many rows, n below `distinct`, in
/// no order.
fn database(server: &Server, name: &str, count: u32, distinct: u32) -> Session {
    let mut session = server.database(name);
    session.run("CREATE TABLE hashes (i int, n int, hash bytea)");
    session.run(&format!(
        "INSERT INTO hashes SELECT i, n, {}
         FROM generate_series(0, {count} - 1) i,
             LATERAL (SELECT (i * 7919::bigint % {distinct})::int) AS x (n)",
        hash_of("n")
    ));
    session.run("VACUUM ANALYZE hashes");
    session.run("SET max_parallel_workers_per_gather = 0");
    session
}

/// Temporary files of this session, among those of others.
const FILES: &str =
    "FROM pg_ls_tmpdir() WHERE starts_with(name, 'pgsql_tmp' || pg_backend_pid() || '.')";

#[track_caller]
fn assert_no_files(session: &mut Session) {
    assert_eq!(session.run(&format!("SELECT name {FILES}")), [""; 0]);
}

#[test]
fn a_set_that_is_stored_is_the_same_set() {
    let Some(server) = Server::shared() else { return };
    let distinct = 200_000;
    let mut session = database(&server, "memory_same", 300_000, distinct);
    let whole = batch(0..distinct);
    let root = hex(&whole.root());
    let (member, stranger) = (hash(77), hash(distinct + 77));
    // Three states at once.
    let query = format!(
        "SELECT precise_inclusion(hash, '{}'), precise_merkle_root(hash),
             precise_inclusion(hash, '{}') FROM hashes",
        hex(&member),
        hex(&stranger)
    );
    let [included, absent] = [&member, &stranger].map(|target| whole.prove(target).to_json());
    let expected = format!("{included}|{root}|{absent}");
    for work_mem in ["64kB", "4MB"] {
        session.run(&format!("SET work_mem = '{work_mem}'"));
        for workers in [0, 2] {
            for setting in [
                "parallel_setup_cost = 0",
                "parallel_tuple_cost = 0",
                "min_parallel_table_scan_size = 0",
                &format!("max_parallel_workers_per_gather = {workers}"),
            ] {
                session.run(&format!("SET {setting}"));
            }
            let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
            assert_eq!(plan.contains("Partial Aggregate"), workers > 0, "{plan}");
            assert_eq!(session.run(&query), [&*expected], "{work_mem}, {workers} workers");
            assert_no_files(&mut session);
        }
    }
}

#[test]
fn only_what_does_not_fit_is_stored() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_stored", COUNT, DISTINCT);
    let root = root(0..DISTINCT);
    for (work_mem, is_stored) in [("64kB", true), ("1MB", true), ("8MB", false)] {
        session.run(&format!("SET work_mem = '{work_mem}'"));
        session.run("BEGIN");
        // The state lives as long as the cursor does.
        session.run("DECLARE c CURSOR FOR SELECT precise_merkle_root(hash) FROM hashes");
        assert_eq!(session.run("FETCH 1 FROM c"), [&*root]);
        let files = session.ask(&format!("SELECT count(*) {FILES}")).value();
        assert_eq!(files != "0", is_stored, "{files} files with {work_mem}");
        session.run("COMMIT");
        assert_no_files(&mut session);
    }
}

#[test]
fn groups_share_the_memory() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_groups", COUNT, DISTINCT);
    session.run("SET work_mem = '64kB'");
    for (divisor, agg) in [(5, "hashagg"), (5, "sort"), (4000, "hashagg"), (4000, "sort")] {
        session.run("RESET enable_hashagg");
        session.run("RESET enable_sort");
        let other = if agg == "sort" { "hashagg" } else { "sort" };
        session.run(&format!("SET enable_{other} = off"));
        let query =
            format!("SELECT n % {divisor} AS g, precise_merkle_root(hash) FROM hashes GROUP BY g");
        let mut groups: Vec<(u32, String)> = session
            .run(&query)
            .iter()
            .map(|line| line.split_once('|').unwrap())
            .map(|(group, root)| (group.parse().unwrap(), root.into()))
            .collect();
        groups.sort();
        let expected: Vec<(u32, String)> = (0..divisor)
            .map(|group| (group, root((group..DISTINCT).step_by(divisor as usize))))
            .collect();
        assert!(groups == expected, "{divisor} groups by {agg}");
        assert_no_files(&mut session);
    }
}

#[test]
fn a_window_goes_on_behind_a_result() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_windows", COUNT, DISTINCT);
    session.run("SET work_mem = '64kB'");
    let rows = session.run(
        "SELECT DISTINCT part, step, precise_merkle_root(hash) OVER (PARTITION BY part ORDER BY step)
         FROM (SELECT n % 3 AS part, n / 3000 AS step, hash FROM hashes WHERE n < 30000) AS x
         ORDER BY 1, 2",
    );
    let expected = (0..3).flat_map(|part| {
        (0..10).map(move |step| {
            let root = root((part..3000 * (step + 1)).step_by(3));
            format!("{part}|{step}|{root}")
        })
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    assert_no_files(&mut session);
}

#[test]
fn subqueries_begin_again() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_rescans", COUNT, DISTINCT);
    session.run("SET work_mem = '64kB'");
    let query = "SELECT part, root FROM generate_series(1, 4) AS part, LATERAL
         (SELECT precise_merkle_root(hash) FROM hashes WHERE n % 4 < part) AS x (root)";
    let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
    assert!(plan.contains("Nested Loop"), "{plan}");
    let expected: Vec<String> = (1..=4)
        .map(|part| format!("{part}|{}", root((0..DISTINCT).filter(|n| n % 4 < part))))
        .collect();
    assert_eq!(session.run(query), expected);
    assert_no_files(&mut session);
}

#[test]
fn a_cursor_outlives_a_savepoint_and_a_transaction() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_cursors", COUNT, DISTINCT);
    session.run("SET work_mem = '64kB'");
    let line = |group: u32| format!("{group}|{}", root((group..DISTINCT).step_by(6)));
    let query = "SELECT n % 6 AS g, precise_merkle_root(hash) FROM hashes GROUP BY g";
    for (setting, order) in [("enable_sort", ""), ("enable_hashagg", " ORDER BY g")] {
        session.run(&format!("SET {setting} = off"));
        session.run("BEGIN");
        session.run(&format!("DECLARE c CURSOR FOR {query}{order}"));
        session.run("SAVEPOINT before");
        let mut lines = session.run("FETCH 1 FROM c");
        session.run("ROLLBACK TO before");
        lines.extend(session.run("FETCH 2 FROM c"));
        session.run("SAVEPOINT again");
        assert_eq!(session.ask("SELECT 1/0").sqlstate(), "22012");
        session.run("ROLLBACK TO again");
        lines.extend(session.run("FETCH 3 FROM c"));
        session.run("ROLLBACK");
        lines.sort();
        assert_eq!(lines, (0..6).map(line).collect::<Vec<_>>(), "{setting}");
        assert_no_files(&mut session);
        session.run(&format!("RESET {setting}"));
    }
    session.run("BEGIN");
    session.run(&format!("DECLARE kept CURSOR WITH HOLD FOR {query} ORDER BY g"));
    session.run("COMMIT");
    assert_eq!(session.run("FETCH ALL FROM kept"), (0..6).map(line).collect::<Vec<_>>());
    session.run("CLOSE kept");
    assert_no_files(&mut session);
}

#[test]
fn an_error_leaves_no_files() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "memory_errors", COUNT, DISTINCT);
    session.run("SET work_mem = '64kB'");
    let root = root(0..DISTINCT);
    let last = COUNT - 1;
    let wrong = format!(
        "SELECT precise_merkle_root(CASE i WHEN {last} THEN '\\x00' ELSE hash END) FROM hashes"
    );
    let divided = format!(
        "SELECT precise_merkle_root(CASE WHEN i / ({last} - i) >= 0 THEN hash END) FROM hashes"
    );
    for (query, sqlstate) in [(&wrong, "PR301"), (&divided, "22012")] {
        assert_eq!(session.ask(query).sqlstate(), sqlstate, "{query}");
        assert_no_files(&mut session);
    }
    // Inside of a transaction that goes on.
    session.run(&format!(
        "CREATE FUNCTION attempts() RETURNS SETOF text LANGUAGE plpgsql AS $$
         BEGIN
             FOR attempt IN 1..3 LOOP
                 BEGIN
                     RETURN NEXT ({wrong});
                 EXCEPTION WHEN SQLSTATE 'PR301' THEN
                     RETURN NEXT (SELECT 'refused, files: ' || count(*) {FILES});
                 END;
                 BEGIN
                     RETURN NEXT (SELECT precise_merkle_root(hash) FROM hashes);
                     RETURN NEXT (SELECT 'files: ' || count(*) {FILES});
                 EXCEPTION WHEN OTHERS THEN
                     RETURN NEXT SQLERRM;
                 END;
             END LOOP;
         END $$"
    ));
    let once = ["refused, files: 0", &root, "files: 0"];
    assert_eq!(session.run("SELECT attempts()"), [once, once, once].concat());
    assert_no_files(&mut session);

    session.run("SET temp_file_limit = '512kB'");
    for _ in 0..2 {
        let refused = session.ask("SELECT precise_merkle_root(hash) FROM hashes");
        assert_eq!(refused.sqlstate(), "53400");
        assert_no_files(&mut session);
    }
    session.run("RESET temp_file_limit");
    assert_eq!(session.run("SELECT precise_merkle_root(hash) FROM hashes"), [root]);
    assert_no_files(&mut session);
}

#[test]
fn memory_does_not_grow_with_the_set() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("memory_bounded");
    let pid = session.ask("SELECT pg_backend_pid()").value();
    session.run("SET work_mem = '4MB'");
    let query = |count: u32| {
        format!(
            "SELECT precise_merkle_root({}) FROM (SELECT generate_series(0, {count} - 1)) AS x (i)",
            hash_of("i")
        )
    };
    // What the first call alone takes.
    session.run(&query(1000));
    let kilobytes = |name: &str| -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // The peak begins anew.
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    let before = kilobytes("VmRSS");
    let count = 1_000_000;
    assert_eq!(session.run(&query(count)), [root(0..count)]);
    let grown = kilobytes("VmHWM").saturating_sub(before);
    // The hashes alone are 32 MB.
    assert!(grown < 16 << 10, "{grown} kB for {count} hashes");
    assert_no_files(&mut session);
}
