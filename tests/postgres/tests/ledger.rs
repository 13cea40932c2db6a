//! The ledger: what contributors are due is counted once and to the last unit, whoever asks how
//! often, whatever dies, and whatever is late, void or wrong.

use std::env;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use precise_postgres::{Server, Session};
use program::skipped;

type Tested = Result<(), Box<dyn Error>>;

/// A database of the test's own, with a table of events that is tracked, and rates of two
/// contributors; none where there is no server.
fn ledger(name: &str) -> Option<(Arc<Server>, Session)> {
    let server = Server::shared()?;
    let session = begun(&server, name);
    Some((server, session))
}

fn begun(server: &Server, name: &str) -> Session {
    let mut session = server.database(name);
    session.run("CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb)");
    session.run("SELECT precise.track('events', 'payload')");
    session.run(
        "INSERT INTO precise.royalty_rate (contributor, rate_ppm) \
         VALUES ('acme', 1000000), ('bolt', 1000000), ('cord', 1000000)",
    );
    session
}

/// SQL for an impression in a month before this one (0: in this), with its price as JSON.
fn impression(id: u64, months_ago: u32, price: &str, contributors: &str) -> String {
    event(id, months_ago, &format!("\"clearing_price\":{price},\"currency\":\"USD\""), contributors)
}

fn event(id: u64, months_ago: u32, metadata: &str, contributors: &str) -> String {
    format!(
        "INSERT INTO events SELECT {id}, format('{{\"attribution\":{{\"data_contributors\":%s}},\
         \"campaign_id\":\"c{}\",\"event_id\":\"{id}\",\"event_type\":\"impression\",\
         \"metadata\":{{%s}},\"timestamp\":%s}}', '{contributors}', '{metadata}', \
         to_json({}))::jsonb",
        id % 3,
        time(months_ago)
    )
}

/// SQL for a time in a month before this one, as events spell it.
fn time(months_ago: u32) -> String {
    format!(
        "to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '{months_ago} month', \
         'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    )
}

/// A month before this one.
fn month(pg: &mut Session, months_ago: u32) -> String {
    pg.ask(&format!("SELECT left({}, 7)", time(months_ago))).value()
}

const THIRDS: &str = r#"[{"id":"acme","signal_type":"geo","weight":0.3},
    {"id":"bolt","signal_type":"intent","weight":0.5},
    {"id":"cord","signal_type":"geo","weight":0.2}]"#;

const ALL_ACME: &str = r#"[{"id":"acme","signal_type":"geo","weight":1}]"#;

fn balances(pg: &mut Session) -> Vec<String> {
    pg.run(
        "SELECT contributor, currency, accrued, carried, payable FROM precise.balance \
         ORDER BY contributor, currency, period",
    )
}

fn count(pg: &mut Session, rows: &str) -> u64 {
    pg.ask(&format!("SELECT count(*) FROM {rows}")).value().parse().unwrap_or(u64::MAX)
}

/// What must hold of any ledger at any time: it is right by its own account, nothing is made or
/// lost between accounts, and what contributors are due is what entries say, no more and no less.
#[track_caller]
fn assert_adds_up(pg: &mut Session) {
    assert_eq!(pg.run("SELECT * FROM precise.verify_ledger()"), [""; 0]);
    assert_eq!(
        pg.run("SELECT currency FROM precise.posting GROUP BY 1 HAVING sum(amount) <> 0"),
        [""; 0]
    );
    assert_eq!(
        pg.run(
            "SELECT e.currency, b.due - e.due FROM (SELECT currency, sum(amount) AS due \
             FROM precise.ledger_entry GROUP BY 1) e FULL JOIN (SELECT currency, \
             sum(accrued + carried + payable) AS due FROM precise.balance GROUP BY 1) b \
             USING (currency) WHERE b.due IS DISTINCT FROM e.due"
        ),
        [""; 0],
        "what was accrued is what is accounted for"
    );
}

/// Replays the ledger outside of the server, where Python with its packages is there.
fn replay(pg: &mut Session) -> Tested {
    let Some(python) = env::var_os("PRECISE_PYTHON") else {
        skipped("the replay of a ledger: no PRECISE_PYTHON (make test says where it is)");
        return Ok(());
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference/replay_ledger.py");
    if !program.exists() {
        return Err("tests/reference/replay_ledger.py is gone".into());
    }
    let lines = pg.run("SELECT precise.ledger_lines()").join("\n");
    let mut child = Command::new(python)
        .arg(program)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no input")?.write_all(format!("{lines}\n").as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(said.into()) }
}

#[test]
fn an_impression_accrues_to_those_whose_data_made_it_possible() -> Tested {
    let Some((_server, mut pg)) = ledger("seed") else { return Ok(()) };
    pg.run(&impression(1, 1, "19.00", THIRDS));
    pg.run("CALL precise.accrue()");
    let seed = ["acme|USD|0.0057|0|0", "bolt|USD|0.0095|0|0", "cord|USD|0.0038|0|0"];
    assert_eq!(balances(&mut pg), seed);
    assert_eq!(
        pg.ask("SELECT balance FROM precise.account WHERE account = 'campaign/c1'").value(),
        "-0.019000000000000000000000"
    );
    // The same again changes nothing.
    let before = pg.run("SELECT hash FROM precise.ledger_transaction");
    pg.run("CALL precise.accrue()");
    pg.run("CALL precise.accrue('events')");
    pg.run("SELECT precise.track('events', 'payload')");
    pg.run("CALL precise.close_batch()");
    pg.run("CALL precise.accrue()");
    pg.run("CALL precise.accrue()");
    assert_eq!(pg.run("SELECT hash FROM precise.ledger_transaction"), before);
    assert_eq!(balances(&mut pg), seed);
    assert_eq!(count(&mut pg, "precise.accrual"), 1, "its batch is done with");
    // And a new event is one more.
    pg.run(&impression(2, 1, "0.01", ALL_ACME));
    pg.run("CALL precise.accrue()");
    assert_eq!(balances(&mut pg)[0], "acme|USD|0.00571|0|0");
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn accruals_are_those_of_the_aggregate() -> Tested {
    let Some((_server, mut pg)) = ledger("aggregate") else { return Ok(()) };
    pg.run("UPDATE precise.royalty_rate SET rate_ppm = 123457");
    pg.run(&format!(
        "INSERT INTO events SELECT i, jsonb_build_object('event_type', 'impression', \
         'event_id', i, 'timestamp', {}, 'campaign_id', i % 7, 'metadata', jsonb_build_object( \
         'clearing_price', (i * 7919 % 30000)::text || '.' || (i * 104729 % 1000000000)::text, \
         'currency', (ARRAY['USD', 'EUR', 'JPY'])[1 + i % 3]), \
         'attribution', '{{\"data_contributors\":{}}}'::jsonb) FROM generate_series(1, 3000) i",
        time(1),
        THIRDS
    ));
    pg.run("CALL precise.accrue()");
    let same = pg.run(
        "SELECT count(*), bool_and(b.accrued = r.accrued::numeric) FROM precise.balance b \
         FULL JOIN (SELECT r.* FROM (SELECT precise_royalty(payload, 123457, 'split') AS due \
         FROM events) a, json_to_recordset(a.due) AS r (accrued text, contributor text, \
         currency text)) r USING (contributor, currency)",
    );
    assert_eq!(same, ["9|t"]);
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn records_of_every_kind_accrue() -> Tested {
    let Some((_server, mut pg)) = ledger("kinds") else { return Ok(()) };
    pg.run(&impression(1, 0, "1000", ALL_ACME));
    let payload = "(SELECT payload FROM events)";
    // Texts, people, keys of several columns, partitions, none at all, and whole rows.
    pg.run("CREATE TABLE texts (id uuid PRIMARY KEY, event text)");
    pg.run("SELECT precise.track('texts', 'event')");
    pg.run("CREATE TABLE people (id int PRIMARY KEY, who text, event json)");
    pg.run("SELECT precise.track('people', 'event', subject => 'who')");
    pg.run(
        "CREATE TABLE days (day date, n text, event jsonb, PRIMARY KEY (day, n)) \
            PARTITION BY RANGE (day)",
    );
    pg.run(
        "CREATE TABLE days_2026 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    );
    pg.run("SELECT precise.track('days', 'event')");
    pg.run("CREATE TABLE keyless (event jsonb)");
    pg.run("SELECT precise.track('keyless', 'event')");
    pg.run("CREATE TABLE named (id int, name text, event jsonb)");
    pg.run("SELECT precise.track('named', 'event', record_id => 'name')");
    pg.run("CREATE TABLE odd (id numeric PRIMARY KEY, event jsonb)");
    pg.run("SELECT precise.track('odd', 'event')");
    let tables = [
        ("texts", "gen_random_uuid(), p::text"),
        ("people", "1, 'ann', p::text::json"),
        ("days", "'2026-02-03', 'a/\"b', p"),
        ("keyless", "p"),
        ("named", "1, 'n', p"),
        ("odd", "1.50, p"),
    ];
    for (table, values) in tables {
        pg.run(&format!(
            "INSERT INTO {table} SELECT {values} FROM \
             (SELECT {payload} || '{{\"event_id\":\"{table}\"}}') AS e (p)"
        ));
    }
    pg.run("INSERT INTO named SELECT 2, 'n', event FROM named");
    pg.run(
        "CREATE TABLE wide (id int PRIMARY KEY, event_type text, \"timestamp\" timestamptz, \
         campaign_id int, metadata jsonb, attribution jsonb)",
    );
    pg.run("SELECT precise.track('wide')");
    pg.run(&format!(
        "INSERT INTO wide SELECT 7, 'impression', now(), 12, p -> 'metadata', p -> 'attribution' \
         FROM (SELECT {payload}) AS e (p)"
    ));
    pg.run("CALL precise.accrue()");
    assert_eq!(pg.run("SELECT label, code, message FROM precise.reject"), [""; 0]);
    assert_eq!(balances(&mut pg), ["acme|USD|8|0|0"]);
    assert_eq!(count(&mut pg, "precise.ledger_entry WHERE campaign = '12'"), 1);

    // Of a record that is not what was minted nothing accrues, until it is again.
    pg.run("INSERT INTO odd SELECT 2, event || '{\"event_id\":\"x\"}' FROM odd");
    pg.run("INSERT INTO odd SELECT 3, event || '{\"event_id\":\"y\"}' FROM odd WHERE id = 2");
    pg.run("INSERT INTO odd SELECT 4, event FROM odd WHERE id = 3");
    pg.run("UPDATE odd SET event = '{}' WHERE id IN (2, 3)");
    pg.run("CALL precise.accrue()");
    assert_eq!(pg.run("SELECT record_id, code FROM precise.reject"), ["2|P0002"]);
    assert_eq!(balances(&mut pg), ["acme|USD|9|0|0"], "another row has what the third had");
    pg.run(
        "UPDATE odd SET event = (SELECT event FROM odd WHERE id = 1.5) || '{\"event_id\":\"x\"}' \
            WHERE id = 2",
    );
    pg.run("CALL precise.accrue()");
    assert_eq!(count(&mut pg, "precise.reject"), 0);
    assert_eq!(balances(&mut pg), ["acme|USD|10|0|0"]);

    // The same content under two labels is one event.
    pg.run("CREATE TABLE again (id int PRIMARY KEY, event jsonb)");
    pg.run("INSERT INTO again SELECT 1, event FROM odd WHERE id = 2");
    pg.run("SELECT precise.track('again', 'event')");
    pg.run("CALL precise.accrue()");
    assert_eq!(balances(&mut pg), ["acme|USD|10|0|0"]);

    // What was said of who is forgotten is taken back, also if it was in no batch.
    pg.run("SELECT precise.forget_subject('ann')");
    pg.run("CALL precise.accrue()");
    assert_eq!(balances(&mut pg), ["acme|USD|9|0|0"]);
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn what_cannot_accrue_is_noted_once_and_tried_again() -> Tested {
    let Some((_server, mut pg)) = ledger("rejects") else { return Ok(()) };
    let usd = "\"clearing_price\":1,\"currency\":\"USD\"";
    let one = |weight: &str| format!(r#"[{{"id":"acme","signal_type":"geo","weight":{weight}}}]"#);
    let bad = [
        ("PR601", event(1, 1, "\"clearing_price\":1.0123456789,\"currency\":\"USD\"", ALL_ACME)),
        ("PR601", event(2, 1, "\"clearing_price\":-1,\"currency\":\"USD\"", ALL_ACME)),
        ("PR601", event(3, 1, "\"clearing_price\":1000000000,\"currency\":\"USD\"", ALL_ACME)),
        ("PR602", event(4, 1, "\"clearing_price\":1,\"currency\":\"usd\"", ALL_ACME)),
        ("PR602", event(5, 1, "\"clearing_price\":1", ALL_ACME)),
        ("PR603", event(6, 1, "\"currency\":\"USD\"", ALL_ACME)),
        ("PR510", event(7, 1, usd, &one("1.5"))),
        ("PR510", event(8, 1, usd, &one("\"x\""))),
        ("PR511", event(9, 1, usd, &one("0.5"))),
        ("PR512", event(10, 1, usd, &format!("[{0},{0}]", one("0.5").trim_matches(['[', ']'])))),
        ("PR611", event(11, 1, usd, &ALL_ACME.replace("acme", "newcomer"))),
        (
            "PR117",
            "INSERT INTO events SELECT 12, jsonb_set(payload, '{timestamp}', \
            '\"2026-02-30T00:00:00Z\"') FROM events WHERE id = 11"
                .replace("11", "20"),
        ),
        (
            "PR117",
            "INSERT INTO events SELECT 13, payload - 'timestamp' FROM events WHERE id = 20".into(),
        ),
    ];
    pg.run(&impression(20, 1, "1", ALL_ACME));
    for (_, statement) in &bad {
        pg.run(statement);
    }
    // These are owed nothing, and that is not wrong.
    pg.run(
        "INSERT INTO events VALUES (30, '{}'), (31, '[]'), (32, '\"text\"'), (33, \
       '{\"event_type\":\"click\"}')",
    );
    pg.run(
        "INSERT INTO events SELECT 34, payload || '{\"event_type\":\"click\"}' FROM events \
       WHERE id = 20",
    );
    pg.run("INSERT INTO events SELECT 35, payload #- '{attribution}' FROM events WHERE id = 20");
    let rejects = "SELECT record_id, code FROM precise.reject ORDER BY record_id::int";
    let expected: Vec<String> =
        bad.iter().zip(1..).map(|((code, _), id)| format!("{id}|{code}")).collect();
    for round in 0..3 {
        pg.run("CALL precise.accrue()");
        assert_eq!(pg.run(rejects), expected, "round {round}");
        assert_eq!(balances(&mut pg), ["acme|USD|0.001|0|0"]);
        if round == 1 {
            pg.run("CALL precise.close_batch()");
        }
    }
    assert_eq!(count(&mut pg, "precise.exempt"), 6);
    assert_eq!(pg.run("SELECT rejects FROM precise.status"), ["13"]);
    let noted = pg.run("SELECT place, message FROM precise.reject WHERE record_id = '11'");
    assert_eq!(
        noted,
        ["$.attribution.data_contributors|contributor 'newcomer' has no royalty rate at that time"]
    );
    // A rate that begins after the event is none; one from before it is.
    pg.run("INSERT INTO precise.royalty_rate VALUES ('newcomer', 500000, now())");
    pg.run("CALL precise.accrue()");
    assert_eq!(pg.run(rejects).len(), 13);
    pg.run("INSERT INTO precise.royalty_rate VALUES ('newcomer', 250000, '2000-01-01')");
    pg.run("CALL precise.accrue()");
    assert_eq!(pg.run(rejects).len(), 12);
    assert_eq!(balances(&mut pg), ["acme|USD|0.001|0|0", "newcomer|USD|0.00025|0|0"]);
    // A policy that names a currency supplies the one that is missing.
    pg.run("UPDATE precise.sources SET royalty_policy = 'split(EUR)'");
    pg.run("CALL precise.accrue()");
    assert_eq!(balances(&mut pg)[0], "acme|EUR|0.001|0|0");
    pg.run("UPDATE precise.sources SET royalty_policy = 'all'");
    assert_eq!(pg.ask("CALL precise.accrue('events')").sqlstate(), "PR513");
    assert_eq!(pg.ask("CALL precise.accrue('nothing')").sqlstate(), "22023");
    for rate in ["-1", "1000001"] {
        let insert = format!("INSERT INTO precise.royalty_rate VALUES ('acme', {rate}, now())");
        assert_eq!(pg.ask(&insert).sqlstate(), "23514", "{rate}");
    }
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn a_rate_holds_from_its_time_on_and_a_range_of_time_leaves_the_rest() -> Tested {
    let Some((_server, mut pg)) = ledger("rates") else { return Ok(()) };
    for months_ago in 0..4 {
        pg.run(&impression(u64::from(months_ago), months_ago, "1000", ALL_ACME));
    }
    pg.run(&format!(
        "INSERT INTO precise.royalty_rate VALUES ('acme', 500000, {}::timestamptz), \
         ('acme', 0, {}::timestamptz)",
        time(2),
        time(0)
    ));
    pg.run("CALL precise.close_batch()");
    pg.run(&format!(
        "CALL precise.accrue('events', {0}::timestamptz, {1}::timestamptz)",
        time(2),
        time(1)
    ));
    assert_eq!(balances(&mut pg), ["acme|USD|0.5|0|0"]);
    assert_eq!(count(&mut pg, "precise.accrual"), 0, "the rest is still to come");
    pg.run("CALL precise.accrue()");
    assert_eq!(
        balances(&mut pg),
        ["acme|USD|1|0|0", "acme|USD|0.5|0|0", "acme|USD|0.5|0|0", "acme|USD|0|0|0"]
    );
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn a_settlement_pays_whole_units_and_carries_the_rest() -> Tested {
    let Some((_server, mut pg)) = ledger("settled") else { return Ok(()) };
    let [last, before] = [month(&mut pg, 1), month(&mut pg, 2)];
    let this = month(&mut pg, 0);
    pg.run(&impression(1, 2, "5004", THIRDS));
    pg.run(&impression(2, 1, "4", ALL_ACME));
    // 1.5012, 2.502 and 1.0008: 5.004 is paid as 5.00, and one cent more goes to 0.2 of a cent.
    pg.run(&format!("CALL precise.settle('{before}', 'USD')"));
    assert_eq!(
        balances(&mut pg),
        [
            "acme|USD|0|0.0012|1.5",
            "acme|USD|0.004|0|0",
            "bolt|USD|0|0.002|2.5",
            "cord|USD|0|0.0008|1"
        ]
    );
    let statement = format!("SELECT precise.statement('{before}', 'USD')");
    let stated = pg.ask(&statement).value();
    let core = pg.ask(
        "SELECT precise_settle(json_agg(json_build_object('accrued', sum::text, 'contributor', \
         contributor, 'currency', 'USD')), 2) ->> 'lines' FROM (SELECT contributor, sum(amount) \
         FROM precise.ledger_entry e JOIN events v ON v.id = 1 \
         AND e.proof_hash = precise_proof_hash(payload) GROUP BY 1) e",
    );
    assert_eq!(pg.ask(&format!("SELECT ({statement}) ->> 'lines'")).value(), core.value());
    // Replayed, it is what it was.
    pg.run(&format!("CALL precise.settle('{before}', 'USD')"));
    assert_eq!(pg.ask(&statement).value(), stated);
    assert_eq!(count(&mut pg, "precise.batch WHERE kind = 'settlement'"), 1);

    // What was carried makes a cent with what came later, for acme and nobody else: 0.0012 + 0.004
    // is the largest of the remainders of 0.52, 0.2 and 0.08 cents, which sum to 0.
    pg.run(&format!("CALL precise.settle('{last}', 'USD')"));
    let csv = pg.run(&format!("SELECT precise.statement_csv('{last}', 'USD')"));
    assert_eq!(
        csv[1..],
        [
            format!("{last},acme,USD,1,0.004,0,0.004,0.0012,0.00,0.0052"),
            format!("{last},bolt,USD,0,0,0,0,0.002,0.00,0.002"),
            format!("{last},cord,USD,0,0,0,0,0.0008,0.00,0.0008"),
        ]
    );

    // Late events and voids go to this month, whose settlement may leave somebody below 0.
    pg.run(&impression(3, 2, "7", ALL_ACME));
    pg.run("SELECT precise.void_proof(precise_proof_hash(payload)) FROM events WHERE id = 1");
    // Void before it accrued, it accrues nothing.
    pg.run(&impression(4, 1, "7", ALL_ACME));
    pg.run("SELECT precise.void_proof(precise_proof_hash(payload)) FROM events WHERE id = 4");
    pg.run("CALL precise.accrue()");
    pg.run("CALL precise.accrue()");
    let late = pg.run(
        "SELECT contributor, period, late, trim_scale(amount), t.kind FROM precise.ledger_entry e \
         JOIN precise.ledger_transaction t ON t.number = e.transaction WHERE e.late ORDER BY 1, 4",
    );
    assert_eq!(
        late,
        [
            format!("acme|{this}|t|-1.5012|void"),
            format!("acme|{this}|t|0.007|accrual"),
            format!("bolt|{this}|t|-2.502|void"),
            format!("cord|{this}|t|-1.0008|void"),
        ]
    );
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn a_negative_balance_is_carried_and_worked_off() {
    let Some((_server, mut pg)) = ledger("negative") else { return };
    let months: Vec<String> = (1..=3).map(|ago| month(&mut pg, 4 - ago)).collect();
    pg.run(&impression(1, 3, "9000", ALL_ACME));
    pg.run(&format!("CALL precise.settle('{}', 'USD')", months[0]));
    pg.run("SELECT precise.void_proof(precise_proof_hash(payload)) FROM events WHERE id = 1");
    // The void's entry is of the present month. An older one that is open shows what a settlement
    // makes of a balance below 0: what is owed there goes into it by hand.
    pg.run("CALL precise.accrue()");
    pg.run(&impression(2, 2, "1", ALL_ACME));
    pg.run("CALL precise.accrue()");
    pg.run(&format!(
        "SELECT precise.append_transaction('accrual', now(), NULL, 0, \
         '[\"campaign/c1\",\"USD\",\"{0}\",\"4\"],[\"contributor/acme\",\"USD\",\"{0}\",\"-4\"]')",
        months[1]
    ));
    pg.run(&format!("CALL precise.settle('{}', 'USD')", months[1]));
    let lines = |pg: &mut Session, period: &str| {
        pg.ask(&format!("SELECT precise.statement('{period}', 'USD') ->> 'lines'")).value()
    };
    assert_eq!(
        lines(&mut pg, &months[1]),
        r#"[{"amount":"0.00","carried":"-3.999","contributor":"acme"}]"#
    );
    pg.run(&impression(3, 1, "4500", ALL_ACME));
    pg.run(&format!("CALL precise.settle('{}', 'USD')", months[2]));
    assert_eq!(
        lines(&mut pg, &months[2]),
        r#"[{"amount":"0.50","carried":"0.001","contributor":"acme"}]"#
    );
}

#[test]
fn what_cannot_be_settled_is_refused_by_code() -> Tested {
    let Some((_server, mut pg)) = ledger("unsettled") else { return Ok(()) };
    let [this, last, before] = [0, 1, 2].map(|ago| month(&mut pg, ago));
    for (id, ago) in [(1, 2), (2, 1), (3, 0)] {
        pg.run(&impression(id, ago, "10", ALL_ACME));
    }
    let mut refused = |period: &str, rest: &str| {
        pg.ask(&format!("CALL precise.settle('{period}', {rest})")).sqlstate()
    };
    assert_eq!(refused(&this, "'USD'"), "PR608");
    assert_eq!(refused("9999-12", "'USD'"), "PR608");
    assert_eq!(refused(&last, "'USD'"), "PR612");
    for period in ["2026-13", "2026-1", "0000-01", "2026-10-01", ""] {
        assert_eq!(refused(period, "'USD'"), "PR609", "{period}");
    }
    for currency in ["'usd'", "'US'", "''", "NULL"] {
        assert_eq!(refused(&before, currency), "PR602", "{currency}");
    }
    assert_eq!(refused(&before, "'USD', 4"), "PR607");
    assert_eq!(count(&mut pg, "precise.settlement"), 0);
    assert_eq!(count(&mut pg, "precise.ledger_transaction"), 0, "nor has anything accrued");
    // In a currency of which there is nothing, nothing happens.
    pg.run(&format!("CALL precise.settle('{before}', 'EUR')"));
    assert_eq!(count(&mut pg, "precise.settlement"), 0);
    pg.run(&format!("CALL precise.settle('{before}', 'USD')"));
    pg.run(&format!("CALL precise.settle('{last}', 'USD')"));
    assert_eq!(count(&mut pg, "precise.settlement"), 2);
    // Currencies are settled each by itself, in their own minor units.
    for (id, currency) in [(4, "JPY"), (5, "KWD")] {
        let metadata = format!("\"clearing_price\":1234567,\"currency\":\"{currency}\"");
        pg.run(&event(id, 1, &metadata, ALL_ACME));
        pg.run(&format!("CALL precise.settle('{last}', '{currency}')"));
    }
    assert_eq!(
        pg.run(
            "SELECT currency, statement::json ->> 'total' FROM precise.settlement ORDER BY \
           1, period"
        ),
        ["JPY|1234", "KWD|1234.567", "USD|0.01", "USD|0.01"]
    );
    let line = format!("SELECT precise.statement_line('{last}', 'acme'");
    assert_eq!(pg.ask(&format!("{line})")).sqlstate(), "22023", "in three currencies");
    assert_eq!(pg.ask(&format!("SELECT precise.statement_line('{last}', 'nobody')")).value(), "");
    assert_eq!(
        pg.ask(&format!("SELECT precise.statement_line('{last}', 'nobody', 'USD')")).sqlstate(),
        "PR610"
    );
    let verdict = format!(
        "SELECT precise_verify_statement_line(l) ->> 'verdict' FROM ({line}, 'JPY')) x (l)"
    );
    assert_eq!(pg.ask(&verdict).value(), "true");
    let verdict = verdict.replace("line(l)", "line(replace(l::text, '1234', '1235'))");
    assert_eq!(pg.ask(&verdict).value(), "false");
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn balances_have_a_limit() {
    let Some((_server, mut pg)) = ledger("limits") else { return };
    let period = month(&mut pg, 1);
    let append = |amount: &str| {
        format!(
            "SELECT precise.append_transaction('accrual', now(), NULL, 0, \
             '[\"campaign/\",\"USD\",\"{period}\",\"-{amount}\"],\
             [\"contributor/acme\",\"USD\",\"{period}\",\"{amount}\"]')"
        )
    };
    assert_eq!(pg.ask(&append("100000000000000")).sqlstate(), "PR907");
    pg.run(&append("60000000000000.000000000000000000000001"));
    assert_eq!(pg.ask(&append("40000000000000")).sqlstate(), "PR907");
    pg.run(&append("39999999999999.999999999999999999999998"));
    assert_eq!(balances(&mut pg), ["acme|USD|99999999999999.999999999999999999999999|0|0"]);
    // With what is carried it would be beyond.
    assert_eq!(count(&mut pg, "precise.ledger_transaction"), 2);
}

#[test]
fn the_ledger_stays_as_it_is() {
    let Some((_server, mut pg)) = ledger("kept") else { return };
    let period = month(&mut pg, 1);
    pg.run(&impression(1, 1, "19", THIRDS));
    pg.run(&format!("CALL precise.settle('{period}', 'USD')"));
    for table in ["ledger_entry", "ledger_transaction", "posting", "settlement"] {
        for statement in [
            format!("DELETE FROM precise.{table}"),
            format!("TRUNCATE precise.{table} CASCADE"),
            format!(
                "UPDATE precise.{table} SET {} = NULL",
                match table {
                    "ledger_transaction" => "document",
                    "settlement" => "statement",
                    _ => "amount",
                }
            ),
        ] {
            assert_eq!(pg.ask(&statement).sqlstate(), "55000", "{statement}");
            pg.run("SET session_replication_role = replica");
            assert_eq!(pg.ask(&statement).sqlstate(), "55000", "{statement}");
            pg.run("RESET session_replication_role");
        }
    }
    // Entries come with their transaction alone.
    let more = "INSERT INTO precise.ledger_entry SELECT sha256(id), 1, proof_hash, contributor, \
        signal_type, campaign, currency, period, late, amount, rate_ppm FROM precise.ledger_entry";
    assert_eq!(pg.ask(more).sqlstate(), "23000");
    assert_eq!(pg.ask(&more.replace(", 1, p", ", 9, p")).sqlstate(), "23503");
    // A transaction that does not sum to 0, or does not continue the ledger.
    let append = |postings: &str| {
        format!("SELECT precise.append_transaction('accrual', now(), NULL, 0, '{postings}')")
    };
    let one_sided = format!(r#"["contributor/acme","USD","{period}","1"]"#);
    assert_eq!(pg.ask(&append(&one_sided)).sqlstate(), "23000");
    let two_currencies = format!(
        r#"["campaign/a","EUR","{period}","-1"],["contributor/acme","USD","{period}","1"]"#
    );
    assert_eq!(pg.ask(&append(&two_currencies)).sqlstate(), "23000");
    let unsorted = format!(
        r#"["contributor/acme","USD","{period}","1"],["campaign/a","USD","{period}","-1"]"#
    );
    assert_eq!(pg.ask(&append(&unsorted)).sqlstate(), "23000");
    for (columns, reason) in [
        ("5, at, kind, entries_root, count, hash, hash, document", "a gap"),
        ("3, at, kind, entries_root, count, previous, hash, document", "another's document"),
        (
            "3, at, kind, entries_root, count, hash, hash, replace(document, '\"number\":2', \
          '\"number\":3')",
            "another's hash",
        ),
    ] {
        let insert = format!(
            "INSERT INTO precise.ledger_transaction SELECT {columns} \
             FROM precise.ledger_transaction WHERE number = 2"
        );
        assert_eq!(pg.ask(&insert).sqlstate(), "23000", "{reason}");
    }
    assert_adds_up(&mut pg);
}

#[test]
fn whatever_is_changed_behind_the_triggers_is_found() -> Tested {
    let Some((_server, mut pg)) = ledger("found") else { return Ok(()) };
    let period = month(&mut pg, 1);
    pg.run(&impression(1, 1, "19", THIRDS));
    pg.run("CALL precise.accrue()");
    pg.run(&impression(2, 1, "19", THIRDS));
    pg.run("CALL precise.accrue()");
    pg.run(&format!("CALL precise.settle('{period}', 'USD')"));
    pg.run("SELECT precise.void_proof(precise_proof_hash(payload)) FROM events WHERE id = 1");
    pg.run("CALL precise.accrue()");
    assert_adds_up(&mut pg);
    replay(&mut pg)?;
    let changes = [
        (1, "UPDATE precise.ledger_entry SET amount = amount + 1e-24 WHERE transaction = 1"),
        (1, "UPDATE precise.ledger_entry SET campaign = 'other' WHERE transaction = 1"),
        (2, "UPDATE precise.ledger_entry SET late = true WHERE transaction = 2"),
        (2, "DELETE FROM precise.ledger_entry WHERE transaction = 2 AND contributor = 'bolt'"),
        (1, "UPDATE precise.posting SET amount = -amount WHERE transaction = 1"),
        (2, "DELETE FROM precise.posting WHERE transaction = 2"),
        (
            2,
            "UPDATE precise.ledger_transaction SET document = replace(document, '0.019', '0.018') \
             WHERE number = 2",
        ),
        (2, "UPDATE precise.ledger_transaction SET at = at + interval '1 second' WHERE number = 2"),
        (3, "UPDATE precise.ledger_transaction SET previous = entries_root WHERE number = 3"),
        (2, "UPDATE precise.ledger_transaction SET hash = entries_root WHERE number = 2"),
        (3, "UPDATE precise.settlement SET statement = replace(statement, '0.01', '0.02')"),
        (3, "UPDATE precise.settlement SET key = sha256(key)"),
        (3, "UPDATE precise.settlement SET statement_hash = key"),
        (3, "DELETE FROM precise.settlement"),
        (3, "DELETE FROM precise.batch WHERE kind = 'settlement'"),
        (4, "UPDATE precise.ledger_entry SET id = sha256(id) WHERE transaction = 4"),
    ];
    for (number, change) in changes {
        pg.run("BEGIN");
        for table in ["ledger_entry", "ledger_transaction", "posting", "settlement"] {
            pg.run(&format!("ALTER TABLE precise.{table} DISABLE TRIGGER ALL"));
        }
        pg.run(change);
        let found = pg.run("SELECT transaction FROM precise.verify_ledger()");
        assert_eq!(found, [number.to_string()], "{change}");
        pg.run("ROLLBACK");
    }
    pg.run("BEGIN");
    pg.run("UPDATE precise.account SET balance = balance + 1e-24 WHERE account = 'carry/acme'");
    let found = pg.run("SELECT transaction IS NULL, finding FROM precise.verify_ledger()");
    assert_eq!(found, ["t|the balance of carry/acme is not the sum of its postings"]);
    pg.run("ROLLBACK");
    assert_adds_up(&mut pg);
    Ok(())
}

#[test]
fn each_role_does_what_it_may() -> Tested {
    let Some((_server, mut pg)) = ledger("rights") else { return Ok(()) };
    let period = month(&mut pg, 1);
    pg.run(&impression(1, 1, "19", THIRDS));
    pg.run("CREATE ROLE ledger_minter LOGIN IN ROLE precise_minter");
    pg.run("CREATE ROLE ledger_auditor LOGIN IN ROLE precise_auditor");
    pg.run("CREATE ROLE ledger_nobody LOGIN");
    let settle = format!("CALL precise.settle('{period}', 'USD')");
    for role in ["ledger_nobody", "ledger_auditor"] {
        pg.run(&format!("SET ROLE {role}"));
        for statement in [
            "CALL precise.accrue()",
            &settle,
            "SELECT precise.lock_ledger()",
            "INSERT INTO precise.royalty_rate VALUES ('acme', 1, now())",
            "SELECT key FROM precise.settlement",
        ] {
            assert_eq!(pg.ask(statement).sqlstate(), "42501", "{role}: {statement}");
        }
        pg.run("RESET ROLE");
    }
    pg.run("SET ROLE ledger_minter");
    assert_eq!(pg.ask("CALL precise.accrue('events')").sqlstate(), "42501", "it may not read them");
    pg.run("RESET ROLE");
    pg.run("GRANT SELECT ON events TO ledger_minter");
    pg.run("SET ROLE ledger_minter");
    pg.run("CALL precise.accrue('events')");
    pg.run(&settle);
    for statement in [
        "INSERT INTO precise.posting VALUES (1, 'payable/me', 'USD', '2026-01', 1)",
        "UPDATE precise.account SET balance = 0",
        "UPDATE precise.ledger_entry SET amount = 0",
        "DELETE FROM precise.settlement",
        "ALTER TABLE precise.ledger_entry DISABLE TRIGGER ALL",
        "SELECT precise.post()",
    ] {
        let sqlstate = pg.ask(statement).sqlstate();
        assert!(["42501", "0A000"].contains(&&*sqlstate), "{statement}: {sqlstate}");
    }
    assert_adds_up(&mut pg);
    pg.run("SET ROLE ledger_auditor");
    assert_adds_up(&mut pg);
    let line = format!("SELECT precise.statement_line('{period}', 'bolt') -> 'line' ->> 'amount'");
    assert_eq!(pg.ask(&line).value(), "0.01");
    assert_eq!(pg.run(&format!("SELECT precise.statement_csv('{period}', 'USD')")).len(), 4);
    replay(&mut pg)
}

#[test]
fn two_at_once_wait_for_each_other() -> Tested {
    let Some((server, mut pg)) = ledger("at_once") else { return Ok(()) };
    let mut other = server.session("at_once");
    let period = month(&mut pg, 1);
    for id in 1..=50 {
        pg.run(&impression(id, 1, "19", THIRDS));
    }
    for statement in
        ["CALL precise.accrue()".to_owned(), format!("CALL precise.settle('{period}', 'USD')")]
    {
        pg.run("BEGIN");
        pg.run(&statement);
        other.tell(&statement);
        // It waits, and is let in.
        while count(&mut pg, "pg_locks WHERE locktype = 'advisory' AND NOT granted") == 0 {}
        pg.run("COMMIT");
        other.answer().rows();
    }
    assert_eq!(count(&mut pg, "precise.ledger_entry"), 150);
    assert_eq!(count(&mut pg, "precise.ledger_transaction"), 2);
    assert_eq!(count(&mut pg, "precise.batch WHERE kind = 'settlement'"), 1);
    // Many, of everything, while events come in.
    let mut sessions: Vec<Session> = (0..4).map(|_| server.session("at_once")).collect();
    for round in 0..5_u64 {
        for (session, id) in sessions.iter_mut().zip(0..) {
            session.tell(&impression(100 + round * 4 + id, 0, "19", THIRDS));
        }
        for session in &mut sessions {
            session.answer().rows();
            session.tell("CALL precise.accrue()");
        }
        for session in &mut sessions {
            session.answer().rows();
        }
    }
    assert_eq!(count(&mut pg, "precise.ledger_entry"), 150 + 60);
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn a_crash_loses_nothing_and_pays_nothing_twice() -> Tested {
    let Some(server) = Server::start() else { return Ok(()) };
    let mut pg = begun(&server, "crash");
    let period = month(&mut pg, 1);
    pg.run(&impression(1, 1, "19", THIRDS));
    pg.run(
        "INSERT INTO events SELECT i, payload || jsonb_build_object('event_id', i) \
         FROM events, generate_series(2, 20000) i",
    );
    let settle = format!("CALL precise.settle('{period}', 'USD')");
    // Before it has begun to write, while it writes, and when all is written but the last word.
    for statement in ["CALL precise.accrue()", &settle] {
        pg.tell(statement);
        let mut other = server.session("crash");
        while count(&mut other, "pg_locks WHERE locktype = 'advisory' AND granted") == 0 {}
        server.kill();
        server.resume();
        pg = server.session("crash");
        assert_eq!(count(&mut pg, "precise.settlement"), 0, "{statement}");
        pg.run("BEGIN");
        pg.run(statement);
        server.kill();
        server.resume();
        pg = server.session("crash");
        assert_eq!(count(&mut pg, "precise.settlement"), 0, "{statement}");
        assert_eq!(count(&mut pg, "precise.batch WHERE kind = 'settlement'"), 0, "{statement}");
        pg.run(statement);
    }
    assert_eq!(count(&mut pg, "precise.ledger_entry"), 60000);
    assert_eq!(
        pg.ask(&format!("SELECT precise.statement('{period}', 'USD') ->> 'total'")).value(),
        "380.00"
    );
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn a_dump_brings_the_ledger_along_and_it_goes_on() -> Tested {
    let Some((server, mut pg)) = ledger("dumped") else { return Ok(()) };
    let [last, before] = [month(&mut pg, 1), month(&mut pg, 2)];
    pg.run(&impression(1, 2, "19", THIRDS));
    pg.run("CALL precise.close_batch()");
    pg.run(&format!("CALL precise.settle('{before}', 'USD')"));
    pg.run(&impression(2, 1, "19", &ALL_ACME.replace("acme", "newcomer")));
    pg.run(&impression(3, 1, "19", ALL_ACME));
    pg.run("CALL precise.accrue()");
    pg.run("CREATE DATABASE dumped_again");
    server.load("dumped_again", &server.dump("dumped"))?;
    let mut again = server.session("dumped_again");
    for table in [
        "account",
        "accrual",
        "balance",
        "exempt",
        "ledger_entry",
        "ledger_transaction",
        "posting",
        "royalty_rate",
        "settlement",
    ] {
        let rows = format!("SELECT t::text FROM precise.{table} AS t ORDER BY 1");
        assert_eq!(again.run(&rows), pg.run(&rows), "{table}");
    }
    assert_adds_up(&mut again);
    again.run("INSERT INTO precise.royalty_rate VALUES ('newcomer', 1000000)");
    again.run("CALL precise.accrue()");
    assert_eq!(count(&mut again, "precise.reject"), 0);
    again.run(&format!("CALL precise.settle('{last}', 'USD')"));
    assert_eq!(count(&mut again, "precise.ledger_entry"), 5);
    assert_adds_up(&mut again);
    replay(&mut again)
}

#[test]
fn events_of_the_first_version_accrue_after_the_update() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.session("postgres");
    pg.run("CREATE DATABASE of_old");
    let mut pg = server.session("of_old");
    pg.run("CREATE EXTENSION pg_precise VERSION '0.1.0'");
    pg.run("CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('events', 'payload')");
    pg.run(&impression(1, 1, "19", THIRDS));
    pg.run("CALL precise.close_batch()");
    pg.run("ALTER EXTENSION pg_precise UPDATE");
    pg.run(
        "INSERT INTO precise.royalty_rate SELECT c, 1000000 FROM \
       unnest('{acme,bolt,cord}'::text[]) c",
    );
    let period = month(&mut pg, 1);
    pg.run(&format!("CALL precise.settle('{period}', 'USD')"));
    pg.run(&impression(2, 1, "19", THIRDS));
    pg.run("CALL precise.accrue()");
    assert_eq!(count(&mut pg, "precise.ledger_entry"), 6);
    assert_adds_up(&mut pg);
    replay(&mut pg)
}

#[test]
fn any_order_of_what_happens_adds_up() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    for seed in 1..=4_u64 {
        let mut pg = begun(&server, &format!("random_{seed}"));
        pg.run(
            "UPDATE precise.royalty_rate SET rate_ppm = CASE contributor WHEN 'acme' THEN 1000000 \
                WHEN 'bolt' THEN 333333 ELSE 7 END",
        );
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = |below: u64| {
            // Xorshift, as Marsaglia has it.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let (mut next, mut settled) = (0, 0_u32);
        for step in 0..60 {
            match random(8) {
                0..=2 => {
                    for _ in 0..=random(4) {
                        let price = format!("{}.{}", random(40), random(1_000_000_000));
                        let currency = if random(4) == 0 { "JPY" } else { "USD" };
                        let metadata =
                            format!("\"clearing_price\":\"{price}\",\"currency\":\"{currency}\"");
                        pg.run(&event(next, random(5) as u32, &metadata, THIRDS));
                        next += 1;
                    }
                }
                3 => {
                    pg.run("CALL precise.accrue()");
                }
                4 if next > 0 => {
                    pg.run(&format!(
                        "SELECT precise.void_proof(precise_proof_hash(payload)) FROM events \
                         WHERE id = {}",
                        random(next)
                    ));
                }
                5 => {
                    pg.run("CALL precise.close_batch()");
                }
                6 if settled < 4 => {
                    settled += 1;
                    // Also what was settled before, which changes nothing, and what had nothing to
                    // settle then and has now.
                    for ago in (5 - settled..=4).rev() {
                        let period = month(&mut pg, ago);
                        for currency in ["USD", "JPY"] {
                            pg.run(&format!("CALL precise.settle('{period}', '{currency}')"));
                        }
                    }
                }
                7 if settled > 0 => {
                    // All that was done, once more.
                    pg.run("CALL precise.accrue()");
                    let hashes = "SELECT hash FROM precise.ledger_transaction ORDER BY number";
                    let before = pg.run(hashes);
                    pg.run("CALL precise.accrue()");
                    let settlements = pg.run("SELECT period, currency FROM precise.settlement");
                    for settled in settlements {
                        let arguments = settled.replace('|', "', '");
                        pg.run(&format!("CALL precise.settle('{arguments}')"));
                    }
                    assert_eq!(pg.run(hashes), before);
                }
                _ => {}
            }
            if step % 10 == 9 {
                assert_adds_up(&mut pg);
            }
        }
        pg.run("CALL precise.accrue()");
        assert_adds_up(&mut pg);
        // In the end what is due is what the aggregate says of the events that hold.
        let differing = pg.run(
            "SELECT * FROM (SELECT contributor, currency, sum(amount) AS due \
             FROM precise.ledger_entry GROUP BY 1, 2 HAVING sum(amount) <> 0) e \
             FULL JOIN (SELECT r.contributor, r.currency, r.accrued::numeric AS due FROM \
             (SELECT x.contributor AS who, precise_royalty(payload, rate_ppm, 'split') AS due \
             FROM events, precise.royalty_rate x WHERE NOT EXISTS (SELECT FROM precise.void v \
             WHERE v.proof_hash = precise_proof_hash(payload)) GROUP BY 1) a, \
             json_to_recordset(a.due) AS r (accrued text, contributor text, currency text) \
             WHERE r.contributor = a.who AND r.accrued <> '0') r USING (contributor, currency) \
             WHERE e.due IS DISTINCT FROM r.due",
        );
        assert_eq!(differing, [""; 0], "seed {seed}");
        replay(&mut pg)?;
    }
    Ok(())
}
