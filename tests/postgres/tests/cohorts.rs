//! What PostgreSQL has beside the catalogue: arrays of cohort ids and indexes on them, rows of
//! contributions and credit, and rule sets in their versions.

use precise_postgres::{Answer, Server, Session};

/// Two cohorts, one with a place.
const RULES: &str = r#"{"cohorts":[
    {"name":"eco","geo":"zip","all":[{"signal":"eco","gte":0.6}]},
    {"name":"rich","any":[{"signal":"income","gt":100000},{"signal":"car","in":["x","y"]}]}
],"version":"1"}"#;

fn with_version(version: &str) -> String {
    RULES.replace("\"version\":\"1\"", &format!("\"version\":{version:?}"))
}

/// Runs a statement as a role: what comes of it, or its SQLSTATE.
fn ask_as(pg: &mut Session, role: &str, statement: &str) -> String {
    pg.run(&format!("SET ROLE {role}"));
    let answer = match pg.ask(statement) {
        Answer::Error(sqlstate, _) => sqlstate,
        Answer::Rows(rows) => rows.join("\n"),
    };
    pg.run("RESET ROLE");
    answer
}

#[test]
fn ids_come_as_an_array_in_every_form() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("cohort_arrays");
    let all = r#"{"eco":0.60,"zip":"10013","car":"y"}"#;
    for (signals, expected) in [
        (all, "{eco_10013,rich}"),
        (r#"{"eco":0.6,"zip":10013}"#, "{eco}"),
        (r#"{"income":100000.01}"#, "{rich}"),
        (r#"{"income":100000}"#, "{}"),
        ("{}", "{}"),
        ("7", "{}"),
    ] {
        for form in ["text", "json", "jsonb"] {
            for rules in ["text", "json", "jsonb"] {
                let call = format!("('{signals}'::{form}, '{RULES}'::{rules})");
                let array = format!("SELECT precise_cohort_id_array{call}");
                assert_eq!(pg.ask(&array).value(), expected, "{array}");
                let same = format!(
                    "SELECT to_json(precise_cohort_id_array{call})::jsonb \
                     = precise_cohort_ids{call}::jsonb"
                );
                assert_eq!(pg.ask(&same).value(), "t", "{same}");
            }
        }
    }
    // NULL gives NULL, which is no array.
    for nothing in [format!("NULL, '{RULES}'"), format!("'{all}', NULL"), "NULL, NULL".into()] {
        let is_null = format!("SELECT precise_cohort_id_array({nothing}::text) IS NULL");
        assert_eq!(pg.ask(&is_null).value(), "t", "{nothing}");
    }
    // What is refused is refused under its code, as by the function it is made of.
    for (signals, rules, code) in [
        ("{", RULES, "PR104"),
        ("{\"a\":1,\"a\":2}", RULES, "PR106"),
        ("{}", "{}", "PR504"),
        ("{}", "{\"cohorts\":[],\"version\":\"1\"}", "PR504"),
        ("{}", &RULES.replace("\"eco\",\"geo\"", "\"Eco\",\"geo\""), "PR501"),
        ("{}", &RULES.replace("\"rich\"", "\"eco_rich\""), "PR505"),
    ] {
        for function in ["precise_cohort_id_array", "precise_cohort_ids"] {
            let call = format!("SELECT {function}('{signals}'::text, '{rules}'::text)");
            assert_eq!(pg.ask(&call).sqlstate(), code, "{call}");
        }
    }
}

#[test]
fn an_index_finds_the_records_of_a_cohort() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("cohort_index");
    pg.run("CREATE TABLE events (id int PRIMARY KEY, signals jsonb, raw json)");
    pg.run(
        "INSERT INTO events SELECT i, s, s::json FROM (SELECT i, jsonb_build_object('eco', \
         i % 10 / 10.0, 'zip', lpad((10000 + i % 50)::text, 5, '0'), 'income', i) AS s \
         FROM generate_series(1, 20000) i) AS e",
    );
    for (column, index) in [("signals", "events_cohorts"), ("raw", "events_raw_cohorts")] {
        let ids = format!("precise_cohort_id_array({column}, '{RULES}')");
        let query = format!("FROM events WHERE {ids} @> ARRAY['eco_10013']");
        let count = format!("SELECT count(*), min(id), max(id) {query}");
        let scanned = pg.run(&count);
        pg.run(&format!("CREATE INDEX {index} ON events USING gin ({ids})"));
        pg.run("ANALYZE events");
        let plan = pg.run(&format!("EXPLAIN SELECT * {query}")).join("\n");
        assert!(plan.contains(&format!("Index Scan on {index}")), "{plan}");
        assert_eq!(pg.run(&count), scanned);
        // 13, 63, 113, …: each has 0.3.
        assert_eq!(scanned, ["0||"]);
        let query = format!("FROM events WHERE {ids} @> ARRAY['eco_10017']");
        assert_eq!(pg.run(&format!("SELECT count(*), min(id) {query}")), ["400|17"]);
        // It is kept as rows are written.
        let record = r#"{"eco":1,"zip":"10017"}"#;
        pg.run(&format!("INSERT INTO events VALUES (0, '{record}', '{record}')"));
        assert_eq!(pg.run(&format!("SELECT count(*), min(id) {query}")), ["401|0"]);
        pg.run("DELETE FROM events WHERE id = 0");
    }
    // A row for which the rules refuse the record is refused by the index, as by any expression.
    let wrong = pg.ask("INSERT INTO events VALUES (-1, '{}', '{\"a\":1,\"a\":1}')");
    assert_eq!(wrong.sqlstate(), "PR106");
}

#[test]
fn contributions_and_credit_come_as_rows() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("cohort_rows");
    let event = r#"{"attribution":{"data_contributors":[
        {"id":"bolt","signal_type":"intent","weight":0.7},
        {"id":"acme","signal_type":"geo","weight":0.3}]},
        "event_type":"impression","metadata":{"clearing_price":19.00,"currency":"USD"}}"#;
    for form in ["text", "json", "jsonb"] {
        let call = format!("precise_contribution_rows('{event}'::{form}, 'split')");
        assert_eq!(
            pg.run(&format!("SELECT * FROM {call}")),
            ["acme|geo|300000|0.0057|USD", "bolt|intent|700000|0.0133|USD"],
            "{form}"
        );
        let sums =
            format!("SELECT sum(weight_ppm), sum(amount), count(DISTINCT currency) FROM {call}");
        assert_eq!(pg.run(&sums), ["1000000|0.0190|1"], "{form}");
    }
    // Beside rows: one event without contributors, one without a price, one that is NULL.
    pg.run("CREATE TABLE events (id int, event jsonb)");
    pg.run(&format!("INSERT INTO events VALUES (1, '{event}'), (2, '{{}}'), (3, NULL)"));
    pg.run("INSERT INTO events SELECT 4, event #- '{metadata}' FROM events WHERE id = 1");
    assert_eq!(
        pg.run(
            "SELECT id, contributor, amount IS NULL, currency FROM events, \
             precise_contribution_rows(event, 'split(EUR)') ORDER BY id, contributor"
        ),
        ["1|acme|f|USD", "1|bolt|f|USD", "4|acme|t|EUR", "4|bolt|t|EUR"]
    );
    for (event, policy, code) in [
        (event, "whatever", "PR513"),
        ("{", "split", "PR104"),
        (
            r#"{"attribution":{"data_contributors":[{"id":"a","signal_type":"b","weight":2}]}}"#,
            "each",
            "PR510",
        ),
        (
            r#"{"attribution":{"data_contributors":[{"id":"a","signal_type":"b","weight":0.5}]}}"#,
            "split",
            "PR511",
        ),
    ] {
        let call = format!("SELECT * FROM precise_contribution_rows('{event}', '{policy}')");
        assert_eq!(pg.ask(&call).sqlstate(), code, "{call}");
    }

    let paths = "(VALUES ('[\"a\",\"b\"]', 3, 2, 12.5), ('[\"b\"]', 1, 0, 0.5)) p (path, c, n, v)";
    assert_eq!(
        pg.run(&format!(
            "SELECT r.cohort, r.credit, r.value, r.removal_effect, r.method FROM (SELECT \
             precise_attribution('linear', path, c, n, v) AS credits FROM {paths}) AS a, \
             precise_credit_rows(a.credits) AS r"
        )),
        ["a|1500000000000|6.25||linear", "b|2500000000000|6.75||linear"]
    );
    assert_eq!(
        pg.run(&format!(
            "SELECT sum(r.credit), bool_and(r.removal_effect > 0), min(r.method) FROM (SELECT \
             precise_attribution('markov(1)', path, c, n) AS credits FROM {paths}) AS a, \
             precise_credit_rows(a.credits) AS r"
        )),
        ["4000000000000|t|markov(1)"]
    );
    for form in ["text", "json", "jsonb"] {
        let rows = |json: &str| format!("SELECT * FROM precise_credit_rows('{json}'::{form})");
        let one = r#"[{"cohort":"a","credit":"7","method":"first","v":1}]"#;
        assert_eq!(pg.run(&rows(one)), ["a|7|||first"]);
        assert_eq!(pg.run(&rows("[]")), [""; 0]);
        assert_eq!(pg.ask(&rows("7")).sqlstate(), "22023", "{form}");
    }
    assert_eq!(pg.run("SELECT * FROM precise_credit_rows(NULL::json)"), [""; 0]);
}

#[test]
fn a_rule_set_has_versions_of_which_one_is_active() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("rulesets");
    let add = |rules: &str| format!("SELECT precise.add_ruleset('eco', '{rules}')");
    let kept = "SELECT version, active, rules = precise_canonical(rules), ruleset_hash = \
                precise_ruleset_hash(rules) FROM (SELECT version, active, rules::text, \
                ruleset_hash FROM precise.ruleset WHERE label = 'eco') AS r ORDER BY version";
    assert_eq!(pg.run(&add(RULES)), ["1"]);
    assert_eq!(pg.run(kept), ["1|f|t|t"]);
    // The same in another spelling is the same; other rules are another version.
    assert_eq!(pg.run(&add(&RULES.replace("0.6", "0.60"))), ["1"]);
    assert_eq!(pg.ask(&add(&RULES.replace("0.6", "0.7"))).sqlstate(), "23505");
    assert_eq!(pg.run(&add(&with_version("2"))), ["2"]);
    assert_eq!(pg.run(kept), ["1|f|t|t", "2|f|t|t"]);
    let activate = |version| format!("SELECT precise.activate_ruleset('eco', '{version}')");
    for version in ["1", "1", "2", "1"] {
        pg.run(&activate(version));
        let active = "SELECT version FROM precise.ruleset WHERE label = 'eco' AND active";
        assert_eq!(pg.run(active), [version]);
    }
    assert_eq!(
        pg.run(&format!("SELECT precise.add_ruleset('eco', '{}', true)", with_version("3"))),
        ["3"]
    );
    assert_eq!(pg.run(kept), ["1|f|t|t", "2|f|t|t", "3|t|t|t"]);
    // Another label's are others.
    pg.run(&format!("SELECT precise.add_ruleset('other', '{RULES}', true)"));
    assert_eq!(pg.run("SELECT count(*) FROM precise.ruleset WHERE active"), ["2"]);
    // Two cannot be active, whoever tries.
    let two = "UPDATE precise.ruleset SET active = true WHERE label = 'eco'";
    assert_eq!(pg.ask(two).sqlstate(), "23505");
    assert_eq!(pg.ask(&activate("4")).sqlstate(), "P0002");
    assert_eq!(pg.ask("SELECT precise.activate_ruleset('eco', NULL)").sqlstate(), "P0002");
    assert_eq!(pg.ask("SELECT precise.activate_ruleset(NULL, '1')").sqlstate(), "P0002");
    // What failed changed nothing.
    assert_eq!(pg.run(kept), ["1|f|t|t", "2|f|t|t", "3|t|t|t"]);
    // Nothing else of it changes.
    for change in [
        "UPDATE precise.ruleset SET version = '9'",
        "UPDATE precise.ruleset SET label = label || '2'",
        "UPDATE precise.ruleset SET rules = jsonb_set(rules::jsonb, '{version}', version)::json",
        "UPDATE precise.ruleset SET added_at = added_at - interval '1 day'",
        "DELETE FROM precise.ruleset",
    ] {
        let sqlstate = pg.ask(change).sqlstate();
        assert!(["55000", "42883"].contains(&sqlstate.as_str()), "{change}: {sqlstate}");
    }
    assert_eq!(pg.run(kept), ["1|f|t|t", "2|f|t|t", "3|t|t|t"]);
}

#[test]
fn a_rule_set_may_be_text_json_or_jsonb() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("rulesets_types");
    // Escapes and numbers that jsonb spells its own way.
    let spelled = r#"{"version":"1","cohorts":[{"name":"a","all":[
        {"signal":"\u0061","gte":1.0e1},{"signal":"n","lt":1234567.50}]}]}"#;
    let hash = pg.run(&format!("SELECT precise_ruleset_hash('{spelled}')"));
    // A literal, and a parameter of no type, are text.
    for (n, rules) in ["", "::text", "::varchar", "::json", "::jsonb"].iter().enumerate() {
        let add = format!("SELECT precise.add_ruleset('l{n}', '{spelled}'{rules}, true)");
        assert_eq!(pg.run(&add), ["1"], "{rules}");
        let named =
            format!("SELECT precise.add_ruleset(rules => '{spelled}'{rules}, label => 'l{n}')");
        assert_eq!(pg.run(&named), ["1"], "{rules}");
    }
    pg.run("PREPARE add AS SELECT precise.add_ruleset($1, $2)");
    assert_eq!(pg.run(&format!("EXECUTE add ('p', '{spelled}')")), ["1"]);
    pg.run("CREATE TABLE given (rules jsonb)");
    pg.run(&format!("INSERT INTO given VALUES ('{spelled}')"));
    assert_eq!(
        pg.run("SELECT precise.add_ruleset('t', rules, activate => true) FROM given"),
        ["1"]
    );
    assert_eq!(
        pg.run(
            "SELECT DISTINCT ruleset_hash, rules::text = precise_canonical(rules)::text \
                FROM precise.ruleset"
        ),
        [format!("{}|t", hash[0])]
    );
    assert_eq!(pg.run("SELECT count(*) FROM precise.ruleset WHERE active"), ["6"]);
    // What jsonb has dropped nobody can see; json has it still.
    let twice = spelled.replace("\"version\":\"1\"", "\"version\":\"2\",\"version\":\"3\"");
    for (rules, answer) in [("", "PR504"), ("::json", "PR504"), ("::jsonb", "3")] {
        let answered = match pg.ask(&format!("SELECT precise.add_ruleset('d', '{twice}'{rules})")) {
            Answer::Error(sqlstate, _) => sqlstate,
            Answer::Rows(rows) => rows.join(" "),
        };
        assert_eq!(answered, answer, "{rules}");
    }
    for (rules, sqlstate) in [
        ("'{}'::json", "PR504"),
        ("'{}'::jsonb", "PR504"),
        ("'null'::jsonb", "PR504"),
        ("NULL::json", "22004"),
        ("NULL::jsonb", "22004"),
        ("7", "42883"),
        ("ARRAY['{}']", "42883"),
    ] {
        let add = format!("SELECT precise.add_ruleset('x', {rules})");
        assert_eq!(pg.ask(&add).sqlstate(), sqlstate, "{rules}");
    }
}

#[test]
fn what_is_no_rule_set_is_refused() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("rulesets_refused");
    let cohort = r#"{"name":"a","all":[{"signal":"x","eq":1}]}"#;
    let other = r#"{"name":"a_b","all":[{"signal":"x","eq":2}]}"#;
    let set = |cohorts: &str| format!(r#"{{"cohorts":[{cohorts}],"version":"1"}}"#);
    for (rules, code) in [
        (String::new(), "PR504"),
        ("[]".into(), "PR504"),
        (set(""), "PR504"),
        (set(cohort).replace("\"1\"", "1"), "PR504"),
        (set(cohort).replace("\"1\"", "\"\""), "PR504"),
        (set(cohort).replace("\"eq\"", "\"like\""), "PR504"),
        (set(cohort).replace("\"name\":\"a\"", "\"name\":\"a\",\"name\":\"a\""), "PR504"),
        (set(cohort).replace("\"a\"", "\"a_10013\""), "PR501"),
        (set(&format!("{cohort},{cohort}")), "PR505"),
        (set(&format!("{cohort},{other}")), "PR505"),
    ] {
        let add = format!("SELECT precise.add_ruleset('x', '{rules}')");
        assert_eq!(pg.ask(&add).sqlstate(), code, "{rules}");
        // Nor past the function.
        let insert = format!(
            "INSERT INTO precise.ruleset (label, version, rules, ruleset_hash) \
             VALUES ('x', '1', '{rules}', '\\x00')"
        );
        let sqlstate = pg.ask(&insert).sqlstate();
        assert!([code, "22P02"].contains(&sqlstate.as_str()), "{rules}: {sqlstate}");
    }
    // A sound one under another's hash, and one that says another version.
    for (version, hash) in
        [("1", "'\\x00'".into()), ("2", format!("precise_ruleset_hash('{}')", set(cohort)))]
    {
        let insert = format!(
            "INSERT INTO precise.ruleset (label, version, rules, ruleset_hash) \
             VALUES ('x', '{version}', '{}', {hash})",
            set(cohort)
        );
        assert_eq!(pg.ask(&insert).sqlstate(), "23514", "{insert}");
    }
    for nulls in ["NULL, '{}'", "'x', NULL", "'x', NULL, NULL"] {
        assert_eq!(
            pg.ask(&format!("SELECT precise.add_ruleset({nulls})")).sqlstate(),
            if nulls.starts_with("NULL") { "PR504" } else { "22004" }
        );
    }
    assert_eq!(
        pg.ask(&format!("SELECT precise.add_ruleset('', '{}')", set(cohort))).sqlstate(),
        "23514"
    );
    assert_eq!(pg.run("SELECT count(*) FROM precise.ruleset"), ["0"]);
}

#[test]
fn who_may_do_what_with_rule_sets() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("rulesets_rights");
    for role in ["minter", "committer", "auditor"] {
        pg.run(&format!("CREATE ROLE cohort_{role}"));
        pg.run(&format!("GRANT precise_{role} TO cohort_{role}"));
    }
    pg.run("CREATE ROLE cohort_nobody");
    let add = |version: &str| {
        format!("SELECT precise.add_ruleset('eco', '{}', true)", with_version(version))
    };
    assert_eq!(ask_as(&mut pg, "cohort_minter", &add("1")), "1");
    assert_eq!(ask_as(&mut pg, "cohort_minter", &add("2")), "2");
    for role in ["cohort_nobody", "cohort_committer", "cohort_auditor"] {
        assert_eq!(ask_as(&mut pg, role, &add("3")), "42501", "{role}");
        let activate = "SELECT precise.activate_ruleset('eco', '1')";
        assert_eq!(ask_as(&mut pg, role, activate), "42501", "{role}");
        for form in ["json", "jsonb"] {
            let add = format!("SELECT precise.add_ruleset('eco', '{RULES}'::{form})");
            assert_eq!(ask_as(&mut pg, role, &add), "42501", "{role}, {form}");
        }
    }
    let read = "SELECT version FROM precise.ruleset WHERE active";
    for (role, answer) in [
        ("cohort_nobody", "42501"),
        ("cohort_committer", "42501"),
        ("cohort_auditor", "2"),
        ("cohort_minter", "2"),
    ] {
        assert_eq!(ask_as(&mut pg, role, read), answer, "{role}");
    }
    for statement in [
        "DELETE FROM precise.ruleset",
        "UPDATE precise.ruleset SET label = 'x'",
        "TRUNCATE precise.ruleset",
    ] {
        assert_eq!(ask_as(&mut pg, "cohort_minter", statement), "42501", "{statement}");
    }
    // The functions are everyone's.
    let ids = format!("SELECT precise_cohort_id_array('{{\"car\":\"x\"}}', '{RULES}')");
    assert_eq!(ask_as(&mut pg, "cohort_nobody", &ids), "{rich}");
    // Two activate at once: one after the other.
    let mut second = server.session("rulesets_rights");
    pg.run("BEGIN");
    pg.run("SELECT precise.activate_ruleset('eco', '1')");
    second.tell("SELECT precise.activate_ruleset('eco', '2')");
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while pg.run(waits) == ["0"] {}
    pg.run("COMMIT");
    assert_eq!(second.answer().rows(), [""]);
    assert_eq!(pg.run(read), ["2"]);
}
