//! The committer on a real server: what is closed gets into the log once and its receipts verify,
//! whoever else commits, and whatever dies.

mod committer {
    pub(crate) mod fixture;
}

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use committer::fixture::{Log, Tested, address, await_committed, child, close, database, serve};
use precise_core::entry::{BatchEntry, Entry};
use precise_core::row::UtcSecond;
use precise_core::status::VoidDocument;
use precise_log::source::Source;
use precise_log::source::postgres::Postgres;
use precise_postgres::Server;
use program::skipped;
use tokio::runtime::Runtime;

/// A source that asks the environment nothing.
fn source(address: &str) -> Result<Postgres, precise_log::Error> {
    Postgres::new(address, &|_| None)
}

/// Why a source cannot be read.
fn refusal(runtime: &Runtime, address: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut source = source(address)?;
    match runtime.block_on(source.closed(1)) {
        Ok(batches) => Err(format!("no error, but {batches:?}").into()),
        Err(error) => Ok(error.to_string()),
    }
}

#[test]
fn every_closed_batch_gets_a_receipt_that_verifies() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "receipts");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("CREATE TABLE s (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('s', 'payload', subject => 'who')");
    pg.run("CREATE TABLE people (id bigint PRIMARY KEY, audience_data jsonb)");
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(1, 40) i");
    pg.run("INSERT INTO s SELECT i, 'ann', to_jsonb(i) FROM generate_series(1, 5) i");
    pg.run(
        "INSERT INTO people SELECT i, jsonb_build_object('id', i, 'cohort_id', 'renters_10013') \
         FROM generate_series(1, 1200) i",
    );
    pg.run("CALL precise.close_batch(max_leaves => 10)");
    pg.run("CALL precise.mint_audience_proof('public.people', NULL, NULL)");
    // One that the log has already, closed at another time.
    let log = Log::create()?;
    let stored = pg.ask("SELECT entry FROM precise.batch ORDER BY id LIMIT 1").value();
    let Entry::Batch(entry) = Entry::parse(stored.as_bytes())? else {
        return Err("an entry of a batch is another's".into());
    };
    let epoch = UtcSecond::parse("1970-01-01T00:00:00Z").ok_or("no time")?;
    let earlier = Entry::Batch(BatchEntry { closed_at: epoch, ..entry });
    log.runtime
        .block_on(async { log.writer().await?.commit(&[earlier], async |_, _| Ok(())).await })?;

    let daemon = serve(&log, &[address(&server, "receipts")])?;
    await_committed(&mut pg)?;
    // And those that are closed while it waits.
    pg.run("INSERT INTO t SELECT i, to_jsonb(i) FROM generate_series(41, 60) i");
    pg.run("CALL precise.close_batch('t', 5)");
    await_committed(&mut pg)?;
    let (status, metrics) = daemon.get("/metrics")?;
    assert_eq!(status, 200);
    assert!(metrics.contains("precise_known_entries_total 1\n"), "{metrics}");
    assert!(!metrics.contains("precise_source_failures_total{"), "{metrics}");
    let (status, report) = daemon.get("/health")?;
    assert_eq!((status, report.as_str()), (200, "{\"failing\":[],\"healthy\":true}\n"));
    daemon.stop()?;

    let rows = pg.run(
        "SELECT t.payload, NULL, r, b.kind FROM t \
         JOIN precise.proof p ON p.proof_hash = precise_proof_hash(t.payload) AND p.label = 't' \
         JOIN precise.batch b ON b.id = p.batch_id, \
         LATERAL (SELECT precise.receipt(p.proof_hash, 't')) x (r) \
         UNION ALL \
         SELECT s.payload, encode(precise.blind_of('s', p.proof_hash), 'hex'), r, 'records' FROM s \
         JOIN precise.proof p ON p.label = 's' AND p.record_id = s.id::text, \
         LATERAL (SELECT precise.receipt(p.proof_hash, 's')) x (r) \
         UNION ALL \
         (SELECT a.audience_data, NULL, r, b.kind FROM people a \
         JOIN precise.proof p ON p.proof_hash = precise_proof_hash(a.audience_data) \
         JOIN precise.batch b ON b.id = p.batch_id, \
         LATERAL (SELECT precise.receipt(p.proof_hash)) x (r) LIMIT 10)",
    );
    assert_eq!(rows.len(), 75);
    for row in &rows {
        Log::verify(row)?;
    }
    let other = pg.ask("SELECT count(*) FROM precise.batch WHERE log_entry IS NOT NULL").value();
    assert_eq!(other, "1");
    log.check(&mut [&mut pg])
}

#[test]
fn a_settlement_is_committed_and_each_line_verifies() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "settlements");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run(
        "INSERT INTO precise.royalty_rate SELECT 'c' || i, 1000000 FROM generate_series(0, 4) i",
    );
    pg.run(
        "INSERT INTO t SELECT i, jsonb_build_object('event_type', 'impression', 'event_id', i, \
         'timestamp', '2026-01-31T23:59:59Z', 'metadata', jsonb_build_object('clearing_price', i, \
         'currency', 'USD'), 'attribution', jsonb_build_object('data_contributors', \
         jsonb_build_array(jsonb_build_object('id', 'c' || i % 5, 'signal_type', 'geo', 'weight', \
         1)))) FROM generate_series(1, 200) i",
    );
    pg.run("CALL precise.settle('2026-01', 'USD')");
    let line =
        |contributor: &str| format!("SELECT precise.statement_line('2026-01', '{contributor}')");
    let verdict = |pg: &mut precise_postgres::Session, line: &str| -> Result<String, _> {
        let policy = Log::policy()?;
        let verify =
            format!("SELECT precise_verify_statement_line(({line}), '{policy}') ->> 'failed'");
        Ok::<_, Box<dyn std::error::Error>>(pg.ask(&verify).value())
    };
    assert_eq!(verdict(&mut pg, &line("c0"))?, "entry", "it is in no log yet");
    let log = Log::create()?;
    let daemon = serve(&log, &[address(&server, "settlements")])?;
    await_committed(&mut pg)?;
    daemon.stop()?;
    for contributor in ["c0", "c1", "c2", "c3", "c4"] {
        assert_eq!(verdict(&mut pg, &line(contributor))?, "");
        let more = line(contributor)
            .replace("SELECT ", "SELECT replace((")
            .replace("')", "'))::text, '\"amount\":\"', '\"amount\":\"1')");
        assert_eq!(verdict(&mut pg, &more)?, "sum");
    }
    log.check(&mut [&mut pg])
}

#[test]
fn two_committers_share_the_work() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "shared");
    let log = Log::create()?;
    let first = serve(&log, &[address(&server, "shared")])?;
    // Another machine's, which has a state of its own.
    let second = serve(&log.elsewhere()?, &[address(&server, "shared")])?;
    for round in 0..20 {
        close(&mut pg, round, 10);
    }
    await_committed(&mut pg)?;
    first.stop()?;
    second.stop()?;
    log.check(&mut [&mut pg])
}

#[test]
fn one_committer_serves_many_databases() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let (mut one, mut two) = (database(&server, "one"), database(&server, "two"));
    let log = Log::create()?;
    close(&mut one, 1, 20);
    close(&mut two, 2, 20);
    // The third of them does not stop the others.
    let addresses = ["one", "nowhere", "two"].map(|database| address(&server, database));
    let daemon = serve(&log, &addresses)?;
    await_committed(&mut one)?;
    await_committed(&mut two)?;
    let (status, report) = daemon.get("/health")?;
    assert_eq!(status, 503);
    assert!(report.contains("database \\\"nowhere\\\" does not exist"), "{report}");
    daemon.stop()?;
    log.check(&mut [&mut one, &mut two])
}

#[test]
fn what_is_taken_is_passed_over_by_others_until_it_is_given_back() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "taken");
    close(&mut pg, 0, 10);
    let runtime = Runtime::new()?;
    let address = address(&server, "taken");
    let (mut one, mut two) = (source(&address)?, source(&address)?);
    runtime.block_on(async {
        let keys =
            async |source: &mut Postgres, limit| -> Result<Vec<String>, precise_log::Error> {
                Ok(source.closed(limit).await?.into_iter().map(|batch| batch.key).collect())
            };
        assert_eq!(keys(&mut one, 4).await?, ["1", "2", "3", "4"]);
        assert_eq!(keys(&mut one, 2).await?, ["5", "6"], "none twice");
        assert_eq!(keys(&mut two, 10).await?, ["7", "8", "9", "10"]);
        assert!(keys(&mut one, 10).await?.is_empty());
        one.release().await?;
        assert_eq!(keys(&mut two, 1).await?, ["1"]);
        // Whose connection is gone has given back what it had.
        drop(two);
        while keys(&mut one, 10).await?.len() < 10 {
            one.release().await?;
        }
        let batch = |key: &str| precise_log::source::CommittedBatch {
            key: key.into(),
            origin: "o".into(),
            index: 0,
            entry: String::new(),
            tlog_proof: "p".into(),
            checkpoint: "c".into(),
        };
        // An entry of another identity, a batch that was not taken, and one that is none: then
        // nothing is noted, and everything is given back.
        for key in ["1", "11", "batch"] {
            let refused = one.mark(&[batch(key)]).await;
            assert!(refused.is_err(), "{key}");
            assert_eq!(keys(&mut one, 1).await?, ["1"]);
        }
        Ok::<_, precise_log::Error>(())
    })?;
    assert_eq!(pg.run("SELECT DISTINCT state FROM precise.batch"), ["closed"]);
    Ok(())
}

#[test]
fn a_source_tells_of_new_batches_and_of_what_is_void() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "told");
    let runtime = Runtime::new()?;
    let mut source = source(&address(&server, "told"))?;
    runtime.block_on(async {
        assert!(source.closed(1).await?.is_empty());
        assert!(source.voids().await?.is_empty());
        close(&mut pg, 0, 1);
        // It would be a day if nobody told.
        source.wait(Duration::from_hours(24)).await?;
        assert_eq!(source.closed(1).await?.len(), 1);
        source.release().await
    })?;
    pg.run("SELECT precise.void_proof(proof_hash, 'correction') FROM precise.proof");
    let voids = runtime.block_on(source.voids())?;
    let written = voids.iter().map(VoidDocument::to_json).collect::<Vec<_>>();
    let wanted = pg.run(
        "SELECT precise_canonical(jsonb_build_object('v', 1, 'kind', 'void', 'reason', reason, \
         'proof_hash', '0x' || encode(proof_hash, 'hex'), 'salt', '0x' || encode(salt, 'hex'), \
         'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))) \
         FROM precise.void",
    );
    assert_eq!(written, wanted);
    assert_eq!(written.len(), 1);
    Ok(())
}

#[test]
fn a_row_that_is_no_batch_is_passed_over() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "garbage");
    close(&mut pg, 0, 12);
    pg.run("SET session_replication_role = replica");
    for (id, change) in [
        (1, "entry = 'garbage'"),
        (2, "entry = replace(entry, ':', ': ')"),
        (3, "label = 'other'"),
        (4, "count = 7"),
        (5, "batch_root = sha256('')"),
        (6, "part = NULL"),
        (7, "part = '{\"bits\":1}'"),
        (8, "closed_at = closed_at + interval '1 s'"),
        (9, "kind = 'audience', document = '{}'"),
        (10, "closed_at = 'infinity'"),
        (
            11,
            "entry = '{\"at\":\"2026-11-22T20:00:00Z\",\"count\":0,\"kind\":\"status\",\
              \"map_root\":\"0x' || repeat('0', 64) || '\",\"v\":1}'",
        ),
    ] {
        pg.run(&format!("UPDATE precise.batch SET {change} WHERE id = {id}"));
    }
    let runtime = Runtime::new()?;
    let mut source = source(&address(&server, "garbage"))?;
    // They do not stand in the way of what is behind them.
    let batches = runtime.block_on(source.closed(1))?;
    assert_eq!(batches.iter().map(|batch| &batch.key[..]).collect::<Vec<_>>(), ["12"]);
    assert_eq!(source.refused(), 11);
    runtime.block_on(source.release())?;

    let log = Log::create()?;
    let daemon = serve(&log, &[address(&server, "garbage")])?;
    while pg.ask("SELECT count(*) FROM precise.batch WHERE state = 'committed'").value() == "0" {
        pg.run("SELECT pg_sleep(0.02)");
    }
    let (_, metrics) = daemon.get("/metrics")?;
    assert!(
        metrics.lines().any(|line| line.starts_with("precise_refused{") && line.ends_with(" 11"))
    );
    daemon.stop()?;
    assert_eq!(pg.run("SELECT id FROM precise.batch WHERE state = 'committed'"), ["12"]);
    Ok(())
}

#[test]
fn a_database_that_will_not_do_says_why() -> Tested {
    let Some(server) = Server::start() else { return Ok(()) };
    let runtime = Runtime::new()?;
    let mut pg = database(&server, "fine");
    let mut postgres = server.session("postgres");
    for database in ["bare", "old"] {
        postgres.run(&format!("CREATE DATABASE {database}"));
    }
    server.session("old").run("CREATE EXTENSION pg_precise VERSION '0.1.0'");
    pg.run("CREATE ROLE nobody_special LOGIN");
    pg.run("CREATE ROLE locked LOGIN PASSWORD 'secret' IN ROLE precise_committer");
    pg.run(
        "COPY (VALUES ('local all locked scram-sha-256'), ('local replication all trust'), \
         ('local all all trust')) TO PROGRAM 'cat > \"$PGDATA/pg_hba.conf\"'",
    );
    pg.run("SELECT pg_reload_conf()");
    let fine = address(&server, "fine");
    let of = |role| fine.replace("user=committing", &format!("user={role}"));
    runtime.block_on(source(&fine)?.closed(1))?;
    let locked = format!("{} password=secret", of("locked"));
    runtime.block_on(source(&locked)?.closed(1))?;
    for (address, wanted) in [
        (of("locked"), "password missing; it is in PGPASSWORD, ~/.pgpass or the address"),
        (
            locked.replace("secret", "wrong"),
            "password authentication failed for user \"locked\"; the",
        ),
        (of("nobody_special"), "role nobody_special is no committer; as who may grant that: GRANT"),
        (of("stranger"), "role \"stranger\" does not exist"),
        (address(&server, "nowhere"), "database \"nowhere\" does not exist"),
        (address(&server, "bare"), "does not have the extension; as a superuser: CREATE EXTENSION"),
        (
            address(&server, "old"),
            "is of version 0.1.0, and a committer needs 0.2.0; as a superuser",
        ),
        (
            "host=/nowhere user=a dbname=b".into(),
            "no such file or directory; is the server running",
        ),
        ("host=127.0.0.1 port=1 user=a".into(), "connection refused; is the server running"),
        ("host=127.0.0.1 port=1 user=a sslmode=require".into(), "connection refused"),
    ] {
        let error = refusal(&runtime, &address)?;
        assert!(error.starts_with("cannot "), "{error}");
        assert!(error.contains(wanted), "{wanted}\n{error}");
        assert!(!error.contains("secret") && !error.contains("wrong"), "{error}");
    }
    let standby = server.standby();
    let error = refusal(&runtime, &address(&standby, "fine"))?;
    assert!(error.contains("it is a standby, and a committer writes"), "{error}");
    drop((pg, postgres));
    let mut late = source(&fine)?;
    runtime.block_on(late.closed(1))?;
    server.stop();
    // One that was there, and one that comes now.
    let error = runtime.block_on(late.closed(1)).err().map(|error| error.to_string());
    assert!(error.unwrap_or_default().starts_with("cannot "));
    let error = refusal(&runtime, &fine)?;
    assert!(error.contains("is the server running"), "{error}");
    Ok(())
}

#[test]
fn a_server_that_restarts_is_found_again() -> Tested {
    let Some(server) = Server::start() else { return Ok(()) };
    let mut pg = database(&server, "restarted");
    let log = Log::create()?;
    let daemon = serve(&log, &[address(&server, "restarted")])?;
    for round in 0..4 {
        close(&mut pg, round, 50);
        if round % 2 == 0 {
            await_committed(&mut pg)?;
        }
        drop(pg);
        if round % 2 == 0 {
            server.stop();
        } else {
            server.kill();
        }
        if round == 0 {
            // Until it is missed.
            daemon.await_health(503)?;
        }
        server.resume();
        pg = server.session("restarted");
    }
    await_committed(&mut pg)?;
    daemon.await_health(200)?;
    daemon.stop()?;
    log.check(&mut [&mut pg])
}

#[test]
fn a_log_that_fails_leaves_everything_waiting() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "waiting");
    let log = Log::create()?;
    let daemon = serve(&log, &[address(&server, "waiting")])?;
    let away = log.folder().with_extension("away");
    std::fs::rename(log.folder(), &away)?;
    std::fs::write(log.folder(), "in its place")?;
    close(&mut pg, 0, 30);
    let report = daemon.await_health(503)?;
    assert!(report.contains("\"part\":\"log\""), "{report}");
    assert_eq!(pg.run("SELECT DISTINCT state FROM precise.batch"), ["closed"]);
    std::fs::remove_file(log.folder())?;
    std::fs::rename(&away, log.folder())?;
    await_committed(&mut pg)?;
    daemon.await_health(200)?;
    daemon.stop()?;
    log.check(&mut [&mut pg])
}

#[test]
fn killed_in_a_loop_it_loses_and_doubles_nothing() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "killed");
    let log = Log::create()?;
    let config = log.configure(&[address(&server, "killed")])?;
    let mut killed = 0;
    for round in 0..20 {
        let mut committer = child(&config)?.stdout(Stdio::null()).spawn()?;
        close(&mut pg, round, 50);
        // Sooner or later after it has begun: while it starts, takes, writes, notes.
        std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 20) * 20));
        committer.kill()?;
        killed += u32::from(!committer.wait()?.success());
    }
    assert_eq!(killed, 20);
    let mut committer = child(&config)?.stdout(Stdio::null()).spawn()?;
    await_committed(&mut pg)?;
    terminate(committer.id())?;
    assert!(committer.wait()?.success(), "it ends well when it is asked to");
    assert_eq!(pg.ask("SELECT count(*) >= 1000 FROM precise.batch").value(), "t");
    log.check(&mut [&mut pg])
}

#[test]
fn asked_twice_it_ends_at_once() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = database(&server, "asked");
    let log = Log::create()?;
    let config = log.configure(&[address(&server, "asked")])?;
    let mut committer = child(&config)?.stdout(Stdio::null()).spawn()?;
    close(&mut pg, 0, 1);
    await_committed(&mut pg)?;
    // A commit that does not come to an end.
    let state = log.runtime.block_on(log.state()?.lock())?;
    close(&mut pg, 1, 1);
    while pg
        .ask(
            "SELECT count(*) FROM pg_locks WHERE relation = 'precise.batch'::regclass \
                  AND mode = 'RowShareLock'",
        )
        .value()
        == "0"
    {
        pg.run("SELECT pg_sleep(0.02)");
    }
    // Not sooner than it has been handed over.
    std::thread::sleep(Duration::from_millis(500));
    terminate(committer.id())?;
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(committer.try_wait()?, None, "it waits for the commit in hand");
    terminate(committer.id())?;
    assert_eq!(committer.wait()?.code(), Some(1));
    drop(state);
    let mut committer = child(&config)?.stdout(Stdio::null()).spawn()?;
    await_committed(&mut pg)?;
    terminate(committer.id())?;
    assert!(committer.wait()?.success());
    log.check(&mut [&mut pg])
}

#[test]
fn tls_is_as_strict_as_it_is_asked_to_be() -> Tested {
    let Some(server) = Server::start() else { return Ok(()) };
    let mut session = database(&server, "tls");
    let with_ssl = "SELECT setting LIKE '%ssl%' FROM pg_config WHERE name = 'CONFIGURE'";
    let has_ssl = session.ask(with_ssl).value();
    drop(session);
    if has_ssl != "t" {
        skipped("TLS to PostgreSQL: this server was built without it");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"]);
    openssl.args(["subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]);
    precise_postgres::run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
    let key = server.write("key", std::fs::read(&key)?, 0o600);
    let shown = server.write("certificate", std::fs::read(&certificate)?, 0o600);
    // A port that is free now.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    server.stop();
    server.resume_with(&format!(
        "-c listen_addresses=localhost -c port={port} -c ssl=on -c ssl_key_file={key} \
         -c ssl_cert_file={shown}"
    ));
    let runtime = Runtime::new()?;
    let with =
        |host: &str, tls: &str| format!("postgresql://committing@{host}:{port}/tls?sslmode={tls}");
    let own = format!("verify-full&sslrootcert={}", certificate.display());
    for tls in ["disable", "prefer", "require", &own] {
        runtime.block_on(source(&with("localhost", tls))?.closed(1))?;
    }
    for address in [with("localhost", "verify-full"), with("127.0.0.1", &own)] {
        let error = refusal(&runtime, &address)?;
        assert!(error.contains("certificate"), "{error}");
    }
    let missing = format!("{own}/missing");
    assert!(source(&with("localhost", &missing)).is_err());
    server.stop();
    server.resume_with(&format!("-c listen_addresses=localhost -c port={port}"));
    runtime.block_on(source(&with("localhost", "prefer"))?.closed(1))?;
    for tls in ["require", &own] {
        let error = refusal(&runtime, &with("localhost", tls))?;
        assert!(error.contains("does not support TLS"), "{error}");
    }
    Ok(())
}

/// What the tests that kill it run in a process of its own; by itself it has nothing to run.
#[test]
fn committer_process() -> Tested {
    committer::fixture::run_child()
}

fn terminate(id: u32) -> Tested {
    let status = Command::new("kill").arg(id.to_string()).status()?;
    assert!(status.success(), "kill {id}");
    Ok(())
}
