//! Memory, threads, settings, and statements without measure.

use serde_json::json;

use crate::common::Place;

const SORT: &str = "SELECT * FROM (SELECT md5(value::text) AS h, repeat('x', 400) AS x \
                    FROM generate_series(1, 60000)) ORDER BY h, x";

#[test]
fn a_sort_under_a_limit_spills_and_is_the_same() {
    let place = Place::new();
    let run = |more: &[&str]| {
        let args = [&["--format", "csv", "--threads", "1", "-c", SORT], more].concat();
        place.run(&args).succeeds()
    };
    let free = run(&[]);
    assert_eq!(free.lines().count(), 60_001);
    assert!(run(&["--memory-limit", "20M"]) == free, "greedy");
    assert!(run(&["--memory-limit", "20M", "--memory-pool", "fair"]) == free, "fair");
    let explain = format!("EXPLAIN ANALYZE {SORT}");
    let plan = place.run(&["--memory-limit", "20M", "--threads", "1", "-c", &explain]).succeeds();
    let (_, spills) = plan.split_once("spill_count=").expect("a sort says how often it spilled");
    assert!(!spills.starts_with('0'), "{plan}");
}

#[test]
fn what_cannot_spill_is_refused() {
    let place = Place::new();
    let sql = "SELECT count(*) FROM (SELECT md5(value::text) AS h FROM generate_series(1, 300000)) a \
               JOIN (SELECT md5(value::text) AS h FROM generate_series(1, 300000)) b ON a.h = b.h";
    let run = place.run(&["--memory-limit", "1M", "-c", sql]);
    run.fails_with(1, &["Resources exhausted", "memory pool"]);
}

#[test]
fn settings_come_from_options_environment_and_sql() {
    let place = Place::new();
    let show = "SHOW datafusion.execution.target_partitions";
    let value = |value: &str| {
        let name = "datafusion.execution.target_partitions";
        format!("{}\n", json!({"name": name, "value": value}))
    };
    assert_eq!(place.run(&["--json", "--threads", "3", "-c", show]).succeeds(), value("3"));
    let set = format!("SET datafusion.execution.target_partitions = 8; {show}");
    assert_eq!(place.run(&["--json", "--threads", "3", "-c", &set]).succeeds(), value("8"));
    let with = |variable: &str| {
        let mut command = place.command(&["--json", "-c", show]);
        command.env("DATAFUSION_EXECUTION_TARGET_PARTITIONS", variable).output().unwrap()
    };
    assert_eq!(String::from_utf8(with("7").stdout).unwrap(), value("7"));
    let wrong = with("many");
    assert_eq!(wrong.status.code(), Some(2));
    let stderr = String::from_utf8(wrong.stderr).unwrap();
    assert!(stderr.contains("an environment variable: "), "{stderr}");
    assert!(stderr.contains("datafusion.execution.target_partitions"), "{stderr}");
    let mut command = place.command(&["-c", "SELECT NULL AS a"]);
    let output = command.env("DATAFUSION_FORMAT_NULL", "none").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("| none |"));
    let limit = "SET datafusion.runtime.memory_limit = '64M'; SHOW datafusion.runtime.memory_limit";
    assert_eq!(place.rows(limit)[0]["value"], "64M");
}

#[test]
fn one_thread_is_enough() {
    let place = Place::new();
    let run = place.run(&["--threads", "1", "--format", "csv", "-c", SORT]);
    assert_eq!(run.succeeds().lines().count(), 60_001);
}

/// `what`, `count` times.
fn times(what: &str, count: usize) -> String {
    what.repeat(count)
}

#[test]
fn deep_statements_are_answered_or_refused_and_never_overflow() {
    let place = Place::new();
    let run = |sql: String| {
        place.write("deep.sql", sql);
        place.run(&["--json", "-f", "deep.sql"])
    };
    let last = run(format!("SELECT a FROM (SELECT 1 AS a) WHERE a = 1{}", times(" OR a = 2", 600)));
    assert_eq!(last.succeeds(), "{\"a\":1}\n");
    run(format!("SELECT 1{} AS a", times("::int", 600))).succeeds();
    run(format!("SELECT 1 IN (1{}) AS a", times(", 1+1", 20_000))).succeeds();
    run(format!("CREATE TABLE t AS VALUES (1){}", times(", (-1)", 20_000))).succeeds();
    for sql in [
        format!("SELECT 1{}", times("+1", 100_000)),
        format!("SELECT true{}", times(" AND true", 100_000)),
        format!("SELECT 1{}", times("::int", 100_000)),
        format!("SELECT [1]{}", times("[1]", 100_000)),
        format!("SELECT 1{}", times(" UNION ALL SELECT 1", 100_000)),
        format!("SELECT 1 FROM t{}", times(" JOIN t ON true", 100_000)),
        format!("SELECT {}1{}", times("(", 100_000), times(")", 100_000)),
        format!("SELECT {}1{}", times("abs(", 100_000), times(")", 100_000)),
        format!("SELECT {}1", times("- ", 100_000)),
        format!("SELECT {}true", times("NOT ", 100_000)),
        format!("SELECT 1 {}", times("|| 1 ", 100_000)),
        format!("SELECT {}1{}", times("CASE WHEN true THEN ", 100_000), times(" END", 100_000)),
        format!("SELECT * FROM {}t{}", times("(SELECT * FROM ", 100_000), times(")", 100_000)),
        format!("SELECT {}", times("[", 100_000)),
        format!("SELECT 'a'{}", times(" COLLATE x", 100_000)),
        format!("SELECT now(){}", times(" AT TIME ZONE 'UTC'", 100_000)),
        format!("SELECT 'a'{}", times(" LIKE 'a'", 100_000)),
        format!("SELECT CAST(1 AS {}INT{})", times("ARRAY<", 100_000), times(">", 100_000)),
        times("(", 100_000),
        times("EXPLAIN ", 100_000),
        times("WITH a AS (", 100_000),
    ] {
        let start = sql[..40].to_owned();
        let stderr = run(sql).fails(1);
        assert!(stderr.starts_with("{\"error\":"), "{start}: {stderr}");
    }
}
