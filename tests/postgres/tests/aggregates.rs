//! The aggregates where PostgreSQL runs them in its own ways: in several processes, by groups, in
//! windows, over what FILTER and DISTINCT leave.

use precise_postgres::{Server, Session};

/// How many hashes stand in the table.
const COUNT: usize = 200_000;

/// A session with a table `hashes (i int, g int, hash bytea)`, of seven groups g.
fn database(server: &Server, name: &str, count: usize) -> Session {
    let mut session = server.database(name);
    session.run("CREATE TABLE hashes (i int, g int, hash bytea)");
    session.run(&format!(
        "INSERT INTO hashes SELECT i, i % 7, precise_proof_hash(i::text) FROM generate_series(1, {count}) i"
    ));
    session.run("VACUUM ANALYZE hashes");
    session
}

fn in_parallel(session: &mut Session, is_parallel: bool) {
    for (setting, value) in [
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
        ("max_parallel_workers_per_gather", if is_parallel { "2" } else { "0" }),
    ] {
        session.run(&format!("SET {setting} = {value}"));
    }
}

#[test]
fn in_parallel_they_give_what_one_process_does() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "aggregates_parallel", COUNT);
    let root = "SELECT precise_merkle_root(hash) FROM hashes";
    let inclusion = "SELECT precise_inclusion(hash, precise_proof_hash('77')) FROM hashes";
    let groups = "SELECT g, precise_merkle_root(hash) FROM hashes GROUP BY 1 ORDER BY 1";
    let queries = [root, inclusion, groups];
    in_parallel(&mut session, false);
    let serial = queries.map(|query| session.run(query));
    in_parallel(&mut session, true);
    for leader in ["on", "off"] {
        session.run(&format!("SET parallel_leader_participation = {leader}"));
        for (query, serial) in queries.iter().zip(&serial) {
            let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
            let partial = ["Partial Aggregate", "Partial HashAggregate"];
            assert!(partial.iter().any(|partial| plan.contains(partial)), "{plan}");
            assert_eq!(&session.run(query), serial, "{query}");
        }
    }
    let run = session.run(&format!("EXPLAIN (ANALYZE, COSTS OFF) {root}")).join("\n");
    assert!(run.contains("Workers Launched: 2"), "{run}");
    // What was found is right, not only equal.
    assert_eq!(serial[0][0].len(), "\\x".len() + 64);
    let verified = session.ask(&format!(
        "SELECT precise_verify_inclusion(precise_proof_hash('77'), ({inclusion}), ({root}))"
    ));
    assert_eq!(verified.value(), "t");
    assert_eq!(serial[2].len(), 7);
    for (group, line) in serial[2].iter().enumerate() {
        let alone = format!("SELECT precise_merkle_root(hash) FROM hashes WHERE g = {group}");
        assert_eq!(*line, format!("{group}|{}", session.ask(&alone).value()));
    }
}

#[test]
fn groups_filters_and_windows_see_their_rows() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "aggregates_windows", 500);
    let root_of = |session: &mut Session, condition: &str| {
        let query = format!("SELECT precise_merkle_root(hash) FROM hashes WHERE {condition}");
        session.ask(&query).value()
    };
    let evens = session
        .ask("SELECT precise_merkle_root(hash) FILTER (WHERE i % 2 = 0) FROM hashes")
        .value();
    assert_eq!(evens, root_of(&mut session, "i % 2 = 0"));
    let running = session.run(
        "SELECT precise_merkle_root(hash) OVER (ORDER BY i) FROM hashes WHERE i <= 40 ORDER BY i",
    );
    for (i, root) in (1..).zip(&running) {
        assert_eq!(*root, root_of(&mut session, &format!("i <= {i}")), "up to {i}");
    }
    let moving = session.run(
        "SELECT precise_merkle_root(hash) OVER (ORDER BY i ROWS 2 PRECEDING)
         FROM hashes WHERE i <= 20 ORDER BY i",
    );
    for (i, root) in (1..).zip(&moving) {
        let condition = format!("i BETWEEN {} AND {i}", i - 2);
        assert_eq!(*root, root_of(&mut session, &condition), "{condition}");
    }
    let parted = session.run(
        "SELECT DISTINCT i % 3, precise_merkle_root(hash) OVER (PARTITION BY i % 3) FROM hashes
         ORDER BY 1",
    );
    let grouped =
        session.run("SELECT i % 3, precise_merkle_root(hash) FROM hashes GROUP BY 1 ORDER BY 1");
    assert_eq!(parted, grouped);
    let sets = session.run(
        "SELECT i % 3, precise_merkle_root(hash) FROM hashes GROUP BY ROLLUP (i % 3) ORDER BY 1",
    );
    assert_eq!(sets[..3], grouped);
    assert_eq!(sets[3], format!("|{}", root_of(&mut session, "true")));
    let ordered = session.ask("SELECT precise_merkle_root(hash ORDER BY i DESC) FROM hashes");
    assert_eq!(ordered.value(), root_of(&mut session, "true"), "the order does not matter");
}

#[test]
fn each_hash_counts_once_with_distinct_and_null_never() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "aggregates_distinct", 100);
    let of = |session: &mut Session, aggregate: &str, from: &str| {
        session.ask(&format!("SELECT {aggregate} FROM {from}")).value()
    };
    let twice = "(SELECT i, hash FROM hashes UNION ALL SELECT i, hash FROM hashes) t";
    let once = of(&mut session, "precise_merkle_root(hash)", "hashes");
    assert_eq!(of(&mut session, "precise_merkle_root(DISTINCT hash)", twice), once);
    let with_nulls = "(SELECT hash FROM hashes UNION ALL SELECT NULL) t";
    assert_eq!(of(&mut session, "precise_merkle_root(hash)", with_nulls), once);
    for none in ["hashes WHERE false", "(VALUES (NULL::bytea), (NULL)) t (hash)"] {
        assert_eq!(of(&mut session, "precise_merkle_root(hash)", none), "");
        assert_eq!(of(&mut session, "precise_inclusion(hash, precise_proof_hash('1'))", none), "");
    }
    let grouped =
        session.run("SELECT precise_merkle_root(hash) FROM hashes WHERE false GROUP BY i");
    assert!(grouped.is_empty());
}

#[test]
fn what_is_wrong_is_refused_in_whichever_process() {
    let Some(server) = Server::shared() else { return };
    let mut session = database(&server, "aggregates_refused", 20_000);
    session.run("CREATE TABLE short AS SELECT * FROM hashes");
    session.run("INSERT INTO short VALUES (0, 0, '\\x00')");
    session.run("VACUUM ANALYZE short");
    for is_parallel in [false, true] {
        in_parallel(&mut session, is_parallel);
        session.run(&format!("SET parallel_leader_participation = {}", !is_parallel));
        for (query, code) in [
            ("SELECT precise_merkle_root(hash) FROM short", "PR301"),
            ("SELECT precise_inclusion(hash, precise_proof_hash('5')) FROM short", "PR301"),
            ("SELECT precise_inclusion(hash, '\\x01') FROM hashes", "PR301"),
            ("SELECT precise_inclusion(hash, hash) FROM hashes", "PR192"),
        ] {
            let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
            assert_eq!(plan.contains("Partial Aggregate"), is_parallel, "{plan}");
            assert_eq!(session.ask(query).sqlstate(), code, "{query}, parallel: {is_parallel}");
        }
    }
    let running = "SELECT precise_inclusion(hash, hash) OVER (ORDER BY i) FROM hashes";
    assert_eq!(session.ask(running).sqlstate(), "PR192");
    // A step takes states, and SQL has none to give it.
    for step in ["combine(NULL, NULL)", "serialize(NULL)", "deserialize('', NULL)", "finish(NULL)"]
    {
        let answer = session.ask(&format!("SELECT precise.precise_merkle_root_{step}"));
        // No such function until 15; since 16, no such value.
        let sqlstate = answer.sqlstate();
        assert!(["42883", "0A000"].contains(&&*sqlstate), "{step}: {sqlstate}");
    }
}
