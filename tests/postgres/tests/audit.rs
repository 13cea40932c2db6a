//! What is asked later: receipts, whether a table is as it was minted, audiences, and to be
//! forgotten.

use std::env;
use std::process::Command;

use precise_postgres::{Server, Session};
use program::skipped;

#[track_caller]
fn value(session: &mut Session, query: &str) -> String {
    session.ask(query).value()
}

/// Commits the closed batches of a label, as the committer does.
fn commit(session: &mut Session, label: &str) {
    session.run(&format!(
        "UPDATE precise.batch SET state = 'committed', log_origin = 'example.com/log', \
         log_index = id, tlog_proof = E'c2sp.org/tlog-proof@v1\\n', checkpoint = 'signed', \
         committed_at = now() WHERE label = '{label}' AND state <> 'committed'"
    ));
}

#[test]
fn a_receipt_leads_from_the_proof_to_the_log() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("receipts");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload')");
    pg.run("CREATE TABLE s (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('s', 'payload', subject => 'who')");
    for table in ["t", "s"] {
        pg.run(&format!(
            "INSERT INTO {table} SELECT i, 'ann', to_jsonb(i) FROM generate_series(1, 100) i"
        ));
    }
    let receipt = "SELECT precise.receipt(precise_proof_hash('7'))";
    assert_eq!(value(&mut pg, &format!("{receipt} IS NULL")), "t", "in no batch");
    pg.run("CALL precise.close_batch(max_leaves => 20)");
    assert_eq!(value(&mut pg, &format!("{receipt} IS NULL")), "t", "not committed");
    assert_eq!(value(&mut pg, "SELECT precise.receipt(NULL) IS NULL"), "t");
    assert_eq!(value(&mut pg, "SELECT precise.receipt(sha256('')) IS NULL"), "t");
    assert_eq!(
        value(&mut pg, "SELECT last_commit_age IS NULL FROM precise.status WHERE label = 't'"),
        "t"
    );
    commit(&mut pg, "t");
    commit(&mut pg, "s");
    assert_eq!(
        value(&mut pg, "SELECT last_commit_age >= '0 s' FROM precise.status WHERE label = 't'"),
        "t"
    );
    // Each one, in each label.
    for label in ["t", "s"] {
        let wrong = value(
            &mut pg,
            &format!(
                "SELECT count(*) FROM precise.proof p JOIN precise.batch b ON b.id = p.batch_id, \
                 LATERAL (SELECT precise.receipt(p.proof_hash, '{label}')) r (r) \
                 WHERE p.label = '{label}' AND NOT COALESCE( \
                 precise_verify_inclusion(p.proof_hash, r -> 'batch', b.batch_root) \
                 AND r ->> 'entry' = b.entry AND r ->> 'tlog_proof' = b.tlog_proof \
                 AND r ->> 'proof_hash' = '0x' || encode(p.proof_hash, 'hex') \
                 AND r::text = precise_canonical(r), false)"
            ),
        );
        assert_eq!(wrong, "0", "{label}");
    }
    let keys = "SELECT string_agg(k, ',') FROM json_object_keys(({})) k";
    assert_eq!(
        value(&mut pg, &keys.replace("{}", receipt)),
        "anchors,batch,entry,proof_hash,tlog_proof,v"
    );
    let blinded = "SELECT precise.receipt(proof_hash) FROM precise.proof WHERE label = 's' LIMIT 1";
    assert_eq!(
        value(&mut pg, &keys.replace("{}", blinded)),
        "anchors,batch,blinded,entry,proof_hash,tlog_proof,v"
    );
    // Of two batches, the one that was committed first; or the one of the label.
    pg.run("INSERT INTO precise.proof (label, proof_hash) VALUES ('u', precise_proof_hash('7'))");
    pg.run("CALL precise.close_batch('u')");
    commit(&mut pg, "u");
    let label = "SELECT precise.receipt(precise_proof_hash('7') {}) #>> '{entry}'";
    assert!(value(&mut pg, &label.replace("{}", "")).contains(r#""label":"t""#));
    assert!(value(&mut pg, &label.replace("{}", ", 'u'")).contains(r#""label":"u""#));
    assert_eq!(value(&mut pg, "SELECT precise.receipt(precise_proof_hash('7'), 's') IS NULL"), "t");

    // An archive takes what receipts are made of with it, and says so.
    let archived = value(&mut pg, "SELECT count(*) FROM precise.archive('t', now())");
    assert_eq!(archived, "100");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.archive('t', '2020-01-01')"), "0");
    let roots = "SELECT count(*) FROM (SELECT entry, precise_merkle_root(precise_proof_hash_of(proof_id)) r \
         FROM precise.archive('t', now()) GROUP BY entry) a \
         WHERE entry::json ->> 'batch_root' <> '0x' || encode(r, 'hex')";
    assert_eq!(value(&mut pg, roots), "0");
    assert_eq!(value(&mut pg, "SELECT precise.drop_archived('t', now())"), "100");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE label = 't'"), "0");
    assert!(value(&mut pg, "SELECT count(*) FROM precise.batch WHERE label = 't'") != "0");
}

#[test]
fn a_batch_that_lacks_a_proof_gives_no_receipt() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("lacking");
    pg.run(
        "INSERT INTO precise.proof (label, proof_hash) SELECT 'a', precise_proof_hash(i::text) \
            FROM generate_series(1, 5) i",
    );
    pg.run("CALL precise.close_batch()");
    commit(&mut pg, "a");
    pg.run("DELETE FROM precise.proof WHERE proof_hash = precise_proof_hash('5')");
    assert_eq!(pg.ask("SELECT precise.receipt(precise_proof_hash('1'))").sqlstate(), "55000");
    // Nor is one committed without what a receipt is made of.
    pg.run("INSERT INTO precise.proof (label, proof_hash) VALUES ('b', sha256(''))");
    pg.run("CALL precise.close_batch('b')");
    let half = pg.ask("UPDATE precise.batch SET state = 'committed' WHERE label = 'b'");
    assert_eq!(half.sqlstate(), "23514");
}

#[test]
fn a_receipt_has_the_entry_that_the_log_has() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("again");
    pg.run("INSERT INTO precise.proof (label, proof_hash) VALUES ('a', precise_proof_hash('1'))");
    pg.run("CALL precise.close_batch()");
    let earlier = "jsonb_set(entry::jsonb, '{closed_at}', '\"2020-01-01T00:00:00Z\"')";
    pg.run("SET ROLE precise_committer");
    // The same entry needs no second text, another batch's is none, nor is what is no document.
    for (wrong, sqlstate) in [
        ("entry", "23514"),
        ("replace(entry, '\"count\":1', '\"count\":2')", "23514"),
        ("'{}'", "23514"),
        ("'entry'", "22P02"),
    ] {
        let answer = pg.ask(&format!("UPDATE precise.batch SET log_entry = {wrong}"));
        assert_eq!(answer.sqlstate(), sqlstate, "{wrong}");
    }
    pg.run(&format!("UPDATE precise.batch SET log_entry = precise_canonical({earlier})"));
    pg.run("RESET ROLE");
    commit(&mut pg, "a");
    for entry in [
        "precise.receipt(precise_proof_hash('1')) ->> 'entry'",
        "(SELECT entry FROM precise.archive('a', 'infinity'))",
    ] {
        let found = format!("SELECT {entry} = log_entry AND log_entry <> entry FROM precise.batch");
        assert_eq!(value(&mut pg, &found), "t", "{entry}");
    }
}

#[test]
fn a_row_that_was_changed_behind_our_back_is_found() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("verify");
    for (table, track) in [
        ("plain", "'plain', 'payload'"),
        ("blinded", "'blinded', 'payload', subject => 'who'"),
        ("whole", "'whole'"),
    ] {
        pg.run(&format!("CREATE TABLE {table} (id int PRIMARY KEY, who text, payload jsonb)"));
        pg.run(&format!("SELECT precise.track({track})"));
        pg.run(&format!(
            "INSERT INTO {table} SELECT i, 'ann', to_jsonb(i) FROM generate_series(1, 6) i"
        ));
        // What is done in the open is no finding.
        pg.run(&format!("UPDATE {table} SET payload = '[1]' WHERE id = 1"));
        let verify =
            format!("SELECT finding, record_id FROM precise.verify_table('{table}') ORDER BY 2, 1");
        assert_eq!(pg.run(&verify), [""; 0], "{table}");
        pg.run("SET session_replication_role = replica");
        pg.run(&format!("UPDATE {table} SET payload = '[2]' WHERE id = 2"));
        pg.run(&format!("UPDATE {table} SET payload = NULL WHERE id = 3"));
        pg.run(&format!("DELETE FROM {table} WHERE id = 4"));
        pg.run(&format!("INSERT INTO {table} VALUES (7, 'ann', '[7]')"));
        pg.run("RESET session_replication_role");
        pg.run(&format!(
            "SELECT precise.void_proof(proof_hash) FROM precise.proof \
             WHERE label = '{table}' AND record_id = '5'"
        ));
        assert_eq!(
            pg.run(&verify),
            [
                "row altered|2",
                "row altered|3",
                "proof without row|4",
                "proof void|5",
                "row unproven|7",
            ],
            "{table}"
        );
    }
    assert_eq!(pg.ask("SELECT * FROM precise.verify_table('pg_class')").sqlstate(), "22023");
    assert_eq!(pg.ask("SELECT precise.void_proof(sha256(''))").sqlstate(), "P0002");
    let wrong = "SELECT precise.void_proof(proof_hash, 'boredom') FROM precise.proof LIMIT 1";
    assert_eq!(pg.ask(wrong).sqlstate(), "23514");
}

#[test]
fn a_subject_is_forgotten() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("forgotten");
    for table in ["t", "u"] {
        pg.run(&format!("CREATE TABLE {table} (id int PRIMARY KEY, who text, payload jsonb)"));
        pg.run(&format!("SELECT precise.track('{table}', 'payload', subject => 'who')"));
        pg.run(&format!("INSERT INTO {table} VALUES (1, 'ann', '[1]'), (2, 'bob', '[2]')"));
    }
    pg.run("CALL precise.close_batch('t')");
    let root = value(&mut pg, "SELECT batch_root FROM precise.batch");
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('ann')"), ["1|1"]);
    assert_eq!(
        value(&mut pg, "SELECT count(*) FROM precise.subject_secret WHERE subject = 'ann'"),
        "0"
    );
    assert_eq!(
        value(
            &mut pg,
            "SELECT count(*) FROM precise.proof WHERE subject = 'ann' OR \
               label = 't' AND record_id = '1'"
        ),
        "0"
    );
    // What is public stays whole.
    let of_rest =
        "SELECT precise_merkle_root(proof_hash) FROM precise.proof WHERE batch_id IS NOT NULL";
    assert_eq!(value(&mut pg, of_rest), root);
    assert_eq!(
        pg.run(
            "SELECT v.reason, octet_length(v.salt), v.at <= now(), p.label FROM precise.void v \
                JOIN precise.proof p USING (proof_hash)"
        ),
        ["erasure|32|t|t"]
    );
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE label = 'u'"), "1");
    // Once more changes nothing, nor does one nobody knows.
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('ann')"), ["0|0"]);
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('x'' OR true --')"), ["0|0"]);
    // A subject that comes back is a new one.
    pg.run("INSERT INTO t VALUES (3, 'ann', '[3]')");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE subject = 'ann'"), "1");
    // One that opts out does not.
    assert_eq!(pg.run("SELECT * FROM precise.forget_subject('ann', 'opt_out')"), ["0|1"]);
    pg.run("INSERT INTO t VALUES (4, 'ann', '[4]'), (5, 'ann', '1e400'), (6, 'bob', '[6]')");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE subject = 'ann'"), "0");
    assert_eq!(
        value(&mut pg, "SELECT count(*) FROM precise.subject_secret WHERE subject = 'ann'"),
        "0"
    );
    assert_eq!(
        pg.run("SELECT record_id, code, message, raw FROM precise.reject"),
        ["|42501|2 rows of suppressed subjects were not minted|"]
    );
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE record_id = '6'"), "1");
    for reason in ["'correction'", "''", "NULL"] {
        let refused = pg.ask(&format!("SELECT precise.forget_subject('bob', {reason})"));
        assert_eq!(refused.sqlstate(), "22023", "{reason}");
    }
    // All or nothing.
    pg.run("BEGIN");
    pg.run("SELECT precise.forget_subject('bob')");
    pg.run("ROLLBACK");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE subject = 'bob'"), "3");
    // Whoever forgets waits for whoever is minting.
    let mut other = server.session("forgotten");
    other.run("BEGIN");
    other.run("INSERT INTO t VALUES (7, 'bob', '[7]')");
    pg.tell("SELECT * FROM precise.forget_subject('bob')");
    while value(
        &mut other,
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                 AND datname = current_database()",
    ) == "0"
    {
        other.run("SELECT pg_sleep(0.01)");
    }
    other.run("COMMIT");
    assert_eq!(pg.answer().rows(), ["1|3"]);
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE subject = 'bob'"), "0");
    // Also where the subject is new.
    other.run("BEGIN");
    other.run("INSERT INTO t VALUES (9, 'dee', '[9]')");
    pg.tell("SELECT * FROM precise.forget_subject('dee', 'opt_out')");
    while value(
        &mut other,
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                 AND datname = current_database()",
    ) == "0"
    {
        other.run("SELECT pg_sleep(0.01)");
    }
    other.run("COMMIT");
    assert_eq!(pg.answer().rows(), ["0|1"]);
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.proof WHERE subject = 'dee'"), "0");
    // And for whoever closes a batch: its leaves are voided, not taken out.
    pg.run("INSERT INTO t VALUES (8, 'cy', '[8]')");
    other.run("BEGIN");
    other.run("CALL precise.close_batch('t')");
    pg.tell("SELECT * FROM precise.forget_subject('cy')");
    other.run("COMMIT");
    assert_eq!(pg.answer().rows(), ["1|0"]);
}

#[test]
fn a_dump_has_everything_but_secrets() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("dumped");
    pg.run(r#"CREATE TABLE "My Table" (id int PRIMARY KEY, who text, payload jsonb)"#);
    pg.run(r#"SELECT precise.track('"My Table"', 'payload', subject => 'who', label => 'x')"#);
    pg.run("CREATE TABLE plain (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('plain', 'payload')");
    pg.run("CREATE TABLE gone (v int)");
    pg.run("SELECT precise.track('gone')");
    pg.run("DROP TABLE gone");
    pg.run(r#"INSERT INTO "My Table" VALUES (1, 'ann', '[1]'), (2, 'bob', '[2]'), (3, 'bob', '1e400')"#);
    pg.run("INSERT INTO plain VALUES (1, '[1]')");
    pg.run("CALL precise.close_batch()");
    pg.run(r#"INSERT INTO "My Table" VALUES (4, 'bob', '[4]')"#);
    pg.run("SELECT precise.forget_subject('ann', 'opt_out')");
    let secrets = pg.run("SELECT encode(secret, 'hex') FROM precise.subject_secret");
    assert_eq!(secrets.len(), 1);
    let script = server.dump("dumped");
    assert!(!script.contains(&secrets[0]), "a secret is in the dump");
    pg.run("CREATE DATABASE restored");
    server.load("restored", &script).unwrap();
    let mut restored = server.session("restored");
    for table in [
        "proof ORDER BY label, proof_hash",
        "batch ORDER BY id",
        "reject ORDER BY label, record_id",
        "void",
        "suppressed",
    ] {
        let rows = format!("SELECT * FROM precise.{table}");
        let (before, after) = (pg.run(&rows), restored.run(&rows));
        assert!(!before.is_empty(), "{table}");
        assert_eq!(after, before, "{table}");
    }
    assert_eq!(restored.run("SELECT * FROM precise.subject_secret"), [""; 0]);
    assert_eq!(
        restored.run("SELECT source, label, state FROM precise.status ORDER BY label"),
        ["plain|plain|tracked", "\"My Table\"|x|tracked"]
    );
    // It goes on: a batch gets another number; a subject's proofs need its secret.
    restored.run("INSERT INTO plain VALUES (2, '[2]')");
    restored.run(r#"INSERT INTO "My Table" VALUES (5, 'bob', '[5]'), (6, 'cy', '[6]')"#);
    restored.run("CALL precise.close_batch()");
    assert_eq!(value(&mut restored, "SELECT count(*) FROM precise.batch"), "4");
    assert_eq!(
        restored.run("SELECT record_id, code FROM precise.reject WHERE code = 'PR305'"),
        ["5|PR305"]
    );
    assert_eq!(restored.run("SELECT subject FROM precise.subject_secret"), ["cy"]);
}

#[test]
fn an_archive_is_read_by_the_command_line() {
    let Some(server) = Server::shared() else { return };
    let tests = env::current_exe().unwrap();
    let precise = tests.ancestors().nth(2).unwrap().join("precise");
    if !precise.exists() {
        skipped("archives and the command line: precise is not built");
        return;
    }
    let mut pg = server.database("archived");
    pg.run("CREATE TABLE t (id text PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who')");
    pg.run(
        "INSERT INTO t SELECT E'\\n\"' || i || ',', 'ann', to_jsonb(i) \
         FROM generate_series(1, 300) i",
    );
    pg.run("CALL precise.close_batch('t', 100)");
    commit(&mut pg, "t");
    let archive = "\\copy (SELECT * FROM precise.archive('t', 'infinity')) TO STDOUT \
                   (FORMAT csv, HEADER)\n";
    let text = server.load("archived", archive).unwrap();
    let file = server.write("archive.csv", text, 0o644);
    let run = |args: &[&str]| {
        let output = Command::new(&precise).args(args).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let batches = pg.run("SELECT id, precise.hex(batch_root) FROM precise.batch ORDER BY id");
    assert!(batches.len() > 3, "{batches:?}");
    for batch in &batches {
        let (id, root) = batch.split_once('|').unwrap();
        let (ok, printed) = run(&["root", &file, "--batch", id]);
        assert!(ok);
        assert_eq!(printed.trim_end(), root);
        let ids = format!(
            "SELECT precise_proof_id(proof_hash) FROM precise.proof WHERE batch_id = {id} LIMIT 3"
        );
        for proof in pg.run(&ids) {
            let (ok, inclusion) = run(&["prove", &file, "--batch", id, "--proof", &proof]);
            assert!(ok);
            let verified = format!(
                "SELECT precise_verify_inclusion(proof_hash, '{inclusion}', batch_root) \
                 FROM precise.proof JOIN precise.batch ON id = batch_id \
                 WHERE precise_proof_id(proof_hash) = '{proof}'"
            );
            assert_eq!(value(&mut pg, &verified), "t", "{proof}");
        }
    }
    // All batches together are none.
    assert_eq!(run(&["root", &file]), (false, String::new()));
}

#[test]
fn an_audience_is_named_as_far_as_it_is_large() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("audience");
    pg.run(r#"CREATE TABLE "Raw ""signals""" (id int PRIMARY KEY, member_id text, audience_data jsonb)"#);
    // Two zip codes of 60 and 40, one of 30 and one of 20 in the same three digits, one that only
    // its name is large enough for, one of nobody's; 10 members are in two records each.
    pg.run(
        r#"INSERT INTO "Raw ""signals"""
           SELECT i, 'm' || i % 200, jsonb_build_object('id', i, 'cohort_id', CASE
               WHEN i % 200 < 60 THEN 'eco_10013' WHEN i % 200 < 100 THEN 'eco_10014'
               WHEN i % 200 < 130 THEN 'eco_20001' WHEN i % 200 < 150 THEN 'eco_20002'
               WHEN i % 200 < 160 THEN 'tech_30001' WHEN i % 200 < 190 THEN 'tech' END)
           FROM generate_series(0, 209) i"#,
    );
    let call = r#"CALL precise.mint_audience_proof('"Raw ""signals"""', NULL, NULL)"#;
    assert_eq!(pg.ask(call).sqlstate(), "PR502", "nothing has a thousand members");
    pg.run(r#"SELECT precise.track('"Raw ""signals"""', 'audience_data', backfill => false)"#);
    let mut with_k = |k: u32| {
        pg.run(&format!("UPDATE precise.sources SET k = {k}"));
        // Each is the first release of its label, with nothing to be compared with.
        pg.run("TRUNCATE precise.release CASCADE");
        let minted = pg.ask(call);
        match minted {
            precise_postgres::Answer::Rows(rows) => rows[0].split_once('|').unwrap().1.to_owned(),
            precise_postgres::Answer::Error(sqlstate, _) => sqlstate,
        }
    };
    assert_eq!(with_k(10), "{eco_10013,eco_10014,eco_20001,eco_20002,tech,tech_30001}");
    // Of those who are in no cohort there are 10, who would be left: the smallest joins them.
    assert_eq!(with_k(11), "{eco_10013,eco_10014,eco_20001,tech}");
    assert_eq!(with_k(40), "{eco_10013,eco_zip3_200,tech}");
    // eco_10014 and tech have 40 members: together they are a remainder large enough.
    assert_eq!(with_k(41), "{eco_10013,eco_zip3_200}");
    // tech and those in no cohort are the remainder, and too small: the smaller of the others,
    // eco_10013, is added to it.
    assert_eq!(with_k(60), "{eco}");
    assert_eq!(with_k(151), "PR502");
    assert_eq!(with_k(1), "PR503");
    assert_eq!(pg.ask("UPDATE precise.sources SET k = 0").sqlstate(), "23514");
    // The same rows are the same audience, once; the roots are those of its proofs.
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.batch"), "5");
    pg.run("UPDATE precise.sources SET k = 10");
    pg.run(call);
    pg.run("BEGIN");
    pg.run(call);
    pg.run(call);
    pg.run("COMMIT");
    assert_eq!(value(&mut pg, "SELECT count(*) FROM precise.batch"), "5");
    assert_eq!(
        value(
            &mut pg,
            "SELECT count(*) FROM precise.batch b WHERE kind = 'audience' AND count = 210 \
            AND label = precise_proof_id(precise_proof_hash(document)) \
            AND entry::json ->> 'audience_hash' = '0x' || \
            encode(precise_proof_hash(document), 'hex') \
            AND document::jsonb #>> '{batch_roots,0}' = entry::json ->> 'batch_root' \
            AND NOT entry::jsonb ? 'label' \
            AND batch_root = (SELECT precise_merkle_root(p.proof_hash) \
            FROM precise.proof p WHERE p.batch_id = b.id AND p.label = b.label)"
        ),
        "5"
    );
    let roots = r#"SELECT count(*) FROM precise.batch WHERE batch_root =
        (SELECT precise_merkle_root(precise_proof_hash(audience_data)) FROM "Raw ""signals""")"#;
    assert_eq!(value(&mut pg, roots), "5");
    let cohorts_root = r#"SELECT count(*) FROM precise.batch WHERE document::jsonb ->> 'cohorts_root' =
        (SELECT '0x' || encode(precise_merkle_root(precise_proof_hash(c)), 'hex')
         FROM (VALUES ('{"id":"eco_10013","n":60}'), ('{"id":"eco_zip3_200","n":50}')) v (c))"#;
    assert_eq!(value(&mut pg, cohorts_root), "1");
    for wrong in ["Eco", "eco-1", "_x", "10013", "eco renters"] {
        pg.run("BEGIN");
        pg.run(&format!(
            r#"UPDATE "Raw ""signals""" SET audience_data = '{{"cohort_id":"{wrong}"}}' WHERE id = 1"#
        ));
        assert_eq!(pg.ask(call).sqlstate(), "PR501", "{wrong}");
        pg.run("ROLLBACK");
    }
    for (named, is_name) in [("nowhere", true), ("a; DROP TABLE t", false), ("", false)] {
        let answer = pg.ask(&format!("CALL precise.mint_audience_proof('{named}', NULL, NULL)"));
        let sqlstate = answer.sqlstate();
        // What is no name is one of no table, since 16.
        assert!(sqlstate == "42P01" || !is_name && sqlstate == "42602", "{named}: {sqlstate}");
    }
    assert_eq!(pg.ask("CALL precise.mint_audience_proof(NULL, NULL, NULL)").sqlstate(), "42P01");
    // Found as the caller finds it, with the caller's rights.
    pg.run("CREATE SCHEMA private");
    pg.run("CREATE TABLE private.rows (cohort_id text, v int)");
    pg.run("INSERT INTO private.rows SELECT 'all', i FROM generate_series(1, 1000) i");
    pg.run("SET search_path = private, public");
    let minted = value(&mut pg, "CALL precise.mint_audience_proof('rows', NULL, NULL)");
    assert!(minted.ends_with("|{all}"), "{minted}");
    pg.run("CREATE ROLE audience_minter IN ROLE precise_minter");
    pg.run("GRANT USAGE ON SCHEMA private TO audience_minter");
    pg.run("SET ROLE audience_minter");
    let refused = pg.ask("CALL precise.mint_audience_proof('private.rows', NULL, NULL)");
    assert_eq!(refused.sqlstate(), "42501");
    pg.run("RESET ROLE");
    pg.run("GRANT SELECT ON private.rows TO audience_minter");
    pg.run("INSERT INTO private.rows SELECT 'all', i FROM generate_series(1001, 2000) i");
    pg.run("SET ROLE audience_minter");
    pg.run("CALL precise.mint_audience_proof('private.rows', NULL, NULL)");
}

#[test]
fn an_audience_of_subjects_stays_blinded() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("blinded_audience");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who')");
    pg.run(
        r#"INSERT INTO t SELECT i, 'w' || i, '{"cohort_id":"all"}' FROM generate_series(1, 20) i"#,
    );
    pg.run("INSERT INTO t VALUES (21, NULL, '{}')");
    pg.run("UPDATE precise.sources SET k = 20");
    pg.run("CALL precise.mint_audience_proof('t', NULL, NULL)");
    let blinded = "SELECT count(*) FROM precise.proof a JOIN precise.proof p USING (proof_hash) \
         WHERE a.label LIKE 'prf%' AND p.label = 't'";
    assert_eq!(value(&mut pg, blinded), "20");
    assert_eq!(value(&mut pg, "SELECT count FROM precise.batch"), "20");
}

#[test]
fn a_row_whose_secret_is_elsewhere_is_not_called_altered() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("elsewhere");
    pg.run("CREATE TABLE v (id int PRIMARY KEY, who text, body jsonb)");
    pg.run("SELECT precise.track('v', 'body', subject => 'who')");
    pg.run("INSERT INTO v VALUES (1, 'ann', '[1]'), (2, 'bob', '[2]'), (3, 'cy', '[3]')");
    pg.run("SET session_replication_role = replica");
    pg.run("UPDATE v SET body = '[9]' WHERE id = 3; INSERT INTO v VALUES (4, 'di', '[4]')");
    pg.run("DELETE FROM v WHERE id = 2");
    pg.run("RESET session_replication_role");
    let findings = "SELECT concat_ws(' ', finding, record_id) FROM precise.verify_table('v') \
                    ORDER BY 1";
    let found = ["proof without row 2", "row altered 3", "row unproven 4"];
    assert_eq!(pg.run(findings), found);
    let detail = "SELECT detail FROM precise.verify_table('v') WHERE record_id = '2'";
    assert_eq!(value(&mut pg, detail), "in no batch");
    pg.run("DELETE FROM precise.subject_secret WHERE subject = 'ann'");
    let found = ["proof without row 2", "row altered 3", "row unproven 4", "row unverifiable 1"];
    assert_eq!(pg.run(findings), found);
    let nobody = pg.ask("SELECT precise.forget_subject(NULL)");
    assert_eq!(nobody.sqlstate(), "22004");
}

#[test]
fn what_a_batch_is_never_changes() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("kept");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, body jsonb)");
    pg.run("SELECT precise.track('t', 'body')");
    pg.run("INSERT INTO t VALUES (1, '[1]')");
    pg.run("CALL precise.close_batch()");
    for change in ["entry = '{}'", "count = 7", "label = 'u'", "batch_root = sha256('')"] {
        let refused = pg.ask(&format!("UPDATE precise.batch SET {change}"));
        assert_eq!(refused.sqlstate(), "55000", "{change}");
    }
    pg.run("UPDATE precise.batch SET state = 'staged'");
    pg.run("UPDATE precise.batch SET state = 'closed'");
    pg.run(
        "UPDATE precise.batch SET state = 'committed', log_origin = 'o', log_index = 0, \
         tlog_proof = 'p', checkpoint = 'c', committed_at = now()",
    );
    for change in ["state = 'closed'", "log_index = 77"] {
        let refused = pg.ask(&format!("UPDATE precise.batch SET {change}"));
        assert_eq!(refused.sqlstate(), "55000", "{change}");
    }
}
