//! Subjects' secrets on their way from one database to another.

use precise_postgres::{Answer, Server, Session};

/// 64 hex digits, as `openssl rand -hex 32` prints them.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

/// A database with blinded proofs of `ann`, `bob`, and 10,000 others: three chunks.
fn database(server: &Server, name: &str) -> Session {
    let mut pg = server.database(name);
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who')");
    pg.run(
        "INSERT INTO t VALUES (1, 'ann', '[1]'), (2, 'bob', '[2]'), (3, E'it''s \\n\"é', '[3]')",
    );
    pg.run("INSERT INTO t SELECT i, 'subject ' || i, to_jsonb(i) FROM generate_series(4, 10000) i");
    pg
}

/// Exports a database's secrets into the table `exported`, and gives its rows.
fn export(pg: &mut Session, key: &str) -> Vec<String> {
    pg.run("DROP TABLE IF EXISTS exported");
    pg.run(&format!("CREATE TABLE exported AS SELECT * FROM precise.export_secrets('{key}')"));
    pg.run("SELECT encode(chunk, 'hex') FROM exported")
}

/// Puts chunks into the table `chunks`, however they are.
fn stage(pg: &mut Session, chunks: &[impl AsRef<str>]) {
    pg.run("DROP TABLE IF EXISTS chunks");
    pg.run("CREATE TEMP TABLE chunks (chunk bytea)");
    for chunk in chunks {
        pg.run(&format!("INSERT INTO chunks VALUES (decode('{}', 'hex'))", chunk.as_ref()));
    }
}

fn import(pg: &mut Session, key: &str) -> Answer {
    pg.ask(&format!("SELECT * FROM precise.import_secrets('{key}', 'chunks')"))
}

/// Asserts that an import is refused under this SQLSTATE, with these words, and changes nothing.
#[track_caller]
fn refused(pg: &mut Session, key: &str, sqlstate: &str, words: &str) {
    let before = pg.run("SELECT * FROM precise.subject_secret ORDER BY subject");
    match import(pg, key) {
        Answer::Error(code, message) => {
            assert_eq!(code, sqlstate, "{message}");
            assert!(message.contains(words), "{message}");
        }
        Answer::Rows(rows) => panic!("{rows:?} instead of {sqlstate} {words}"),
    }
    let after = pg.run("SELECT * FROM precise.subject_secret ORDER BY subject");
    assert_eq!(after, before);
}

/// Every blind, by the proof it is of.
const BLINDS: &str = "SELECT p.proof_hash, precise.blind_of(p.label, p.proof_hash) \
                      FROM precise.proof p ORDER BY 1";

#[test]
fn secrets_move_with_their_database() {
    let Some(server) = Server::shared() else { return };
    let key = server.write("moved.key", KEY, 0o600);
    let mut pg = database(&server, "moved_from");
    let chunks = export(&mut pg, &key);
    assert_eq!(chunks.len(), 3, "of 4,096 secrets each");
    // Nothing is to be seen in them, and nothing of them in a dump.
    let secrets = pg.run("SELECT encode(secret, 'hex') FROM precise.subject_secret");
    assert_eq!(secrets.len(), 10_000);
    let sealed = chunks.concat();
    for secret in &secrets[..100] {
        assert!(!sealed.contains(secret), "a secret is in the export");
    }
    let subject = pg.ask("SELECT encode('subject 77', 'hex')").value();
    assert!(!sealed.contains(&subject), "a subject is in the export");
    pg.run("DROP TABLE exported");
    let script = server.dump("moved_from");
    let in_base64 = pg.run("SELECT encode(secret, 'base64') FROM precise.subject_secret LIMIT 50");
    for secret in secrets[..50].iter().chain(&in_base64) {
        assert!(!script.contains(secret), "a secret is in the dump");
    }
    assert!(script.contains("COPY precise.proof"));
    assert!(!script.contains("COPY precise.subject_secret"));

    pg.run("CREATE DATABASE moved_to");
    server.load("moved_to", &script).unwrap();
    let mut to = server.session("moved_to");
    to.run("INSERT INTO t VALUES (10001, 'ann', '[10001]')");
    assert_eq!(to.run("SELECT code FROM precise.reject"), ["PR305"]);
    // A table has no order.
    stage(&mut to, &[&chunks[2], &chunks[0], &chunks[1]]);
    assert_eq!(import(&mut to, &key).rows(), ["10000|0|0|0"]);
    let rows = "SELECT * FROM precise.subject_secret ORDER BY subject";
    assert_eq!(to.run(rows), pg.run(rows));
    let blinds = to.run(BLINDS);
    assert_eq!(blinds, pg.run(BLINDS));
    assert!(blinds.iter().all(|row| row.contains("|\\x")), "a proof without a blind");
    let verified = "SELECT count(*) FROM t JOIN precise.proof p ON p.record_id = t.id::text, \
        LATERAL (SELECT precise.blind_of(p.label, p.proof_hash)) b (b) WHERE precise_verify_proof( \
        t.payload, precise_mint_proof(t.payload, b), b) \
        AND precise_proof_hash(t.payload, b) = p.proof_hash";
    assert_eq!(to.ask(verified).value(), "10000");
    to.run("DELETE FROM precise.reject");
    assert_eq!(to.ask("SELECT precise.backfill('t')").value(), "1");
    assert_eq!(to.run("SELECT * FROM precise.verify_table('t')"), [""; 0]);
    // Once more is once too often, and does no harm.
    assert_eq!(import(&mut to, &key).rows(), ["0|10000|0|0"]);
    // What was exported with a time in another zone is the same time.
    to.run("SET timezone = 'Asia/Tokyo'");
    let again = export(&mut to, &key);
    assert_ne!(again[0], chunks[0], "no two exports are alike");
    pg.run("DELETE FROM precise.subject_secret");
    stage(&mut pg, &again);
    assert_eq!(import(&mut pg, &key).rows(), ["10000|0|0|0"]);
    assert_eq!(pg.run(BLINDS), blinds);
}

#[test]
fn who_was_forgotten_is_not_brought_back() {
    let Some(server) = Server::shared() else { return };
    let key = server.write("forgotten.key", KEY, 0o600);
    let mut pg = server.database("forgotten_import");
    pg.run("CREATE TABLE t (id int PRIMARY KEY, who text, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', subject => 'who')");
    let who = ["erased", "opted out", "returned", "archived", "kept", "lost"];
    for (i, who) in who.iter().enumerate() {
        pg.run(&format!("INSERT INTO t VALUES ({i}, '{who}', '[{i}]')"));
    }
    let chunks = export(&mut pg, &key);
    let secret_of = "SELECT secret FROM precise.subject_secret WHERE subject = ";
    let archived = pg.ask(&format!("{secret_of}'archived'")).value();
    pg.run("SELECT precise.forget_subject('erased')");
    pg.run("SELECT precise.forget_subject('opted out', 'opt_out')");
    pg.run("SELECT precise.forget_subject('returned')");
    pg.run("INSERT INTO t VALUES (10, 'returned', '[10]')");
    let returned = pg.ask(&format!("{secret_of}'returned'")).value();
    // As precise.drop_archived does.
    pg.run("DELETE FROM precise.proof WHERE subject = 'archived'");
    pg.run("DELETE FROM precise.subject_secret WHERE subject IN ('lost', 'archived')");
    stage(&mut pg, &chunks);
    // lost; kept; opted out; erased, returned and archived.
    assert_eq!(import(&mut pg, &key).rows(), ["1|1|1|3"]);
    let subjects = "SELECT subject FROM precise.subject_secret ORDER BY 1";
    assert_eq!(pg.run(subjects), ["kept", "lost", "returned"]);
    assert_eq!(pg.ask(&format!("{secret_of}'returned'")).value(), returned);
    // All of them, if that is asked for. Who has returned has another secret now.
    let all = format!("SELECT * FROM precise.import_secrets('{key}', 'chunks', true)");
    assert_eq!(pg.ask(&all).sqlstate(), "23505");
    assert_eq!(pg.run(subjects), ["kept", "lost", "returned"]);
    pg.run("SELECT precise.forget_subject('returned')");
    assert_eq!(pg.run(&all), ["3|2|1|0"]);
    assert_eq!(pg.ask(&format!("{secret_of}'archived'")).value(), archived);
    // Without the secret, but with a proof minted later only, it is another's.
    pg.run("SELECT precise.forget_subject('returned')");
    pg.run("INSERT INTO t VALUES (11, 'returned', '[11]')");
    pg.run("DELETE FROM precise.subject_secret WHERE subject = 'returned'");
    assert_eq!(import(&mut pg, &key).rows(), ["0|2|1|3"]);

    // Who forgets waits for who imports, and the other way round.
    let mut other = server.session("forgotten_import");
    pg.run("DELETE FROM precise.subject_secret WHERE subject = 'kept'");
    other.run("BEGIN");
    other.run("SELECT precise.forget_subject('kept')");
    pg.tell(&format!("SELECT * FROM precise.import_secrets('{key}', 'chunks')"));
    wait_for_a_lock(&mut other);
    other.run("COMMIT");
    assert_eq!(pg.answer().rows(), ["0|1|1|4"]);
    pg.run("BEGIN");
    pg.run("DELETE FROM precise.subject_secret WHERE subject = 'lost'");
    assert_eq!(import(&mut pg, &key).rows(), ["1|0|1|4"]);
    other.tell("SELECT * FROM precise.forget_subject('lost')");
    wait_for_a_lock(&mut pg);
    pg.run("COMMIT");
    assert_eq!(other.answer().rows(), ["0|1"]);
    assert_eq!(pg.run("SELECT FROM precise.subject_secret WHERE subject = 'lost'"), [""; 0]);
    // What sees an earlier state does not see who was forgotten.
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        pg.run(&format!("BEGIN ISOLATION LEVEL {level}"));
        assert_eq!(import(&mut pg, &key).sqlstate(), "25000", "{level}");
        pg.run("ROLLBACK");
    }
}

/// Waits until another session of this database waits for a lock.
fn wait_for_a_lock(session: &mut Session) {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                   AND datname = current_database()";
    while session.ask(waiting).value() == "0" {
        // In a transaction, pg_stat_activity is what it was when it was first asked.
        session.run("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)");
    }
}

#[test]
fn an_export_is_imported_as_it_was_or_not_at_all() {
    let Some(server) = Server::shared() else { return };
    let key = server.write("altered.key", KEY, 0o600);
    let mut pg = database(&server, "altered");
    let chunks = export(&mut pg, &key);
    let others = export(&mut pg, &key);
    pg.run("DELETE FROM precise.subject_secret WHERE subject <> 'ann'");

    // Another key; the same in other letters.
    stage(&mut pg, &chunks);
    let other_key = server.write("other.key", KEY.replacen('0', "1", 1), 0o600);
    refused(&mut pg, &other_key, "22000", "chunk 1 does not open with this key");
    // Chunks that are missing, there twice, of another export, or none at all.
    let staged = |chunks: &[&String]| chunks.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (a, b, c) = (&chunks[0], &chunks[1], &chunks[2]);
    for (chunks, words) in [
        (&[a, b][..], "the end of the export is missing"),
        (&[a], "the end of the export is missing"),
        (&[a, c], "chunk 2 is missing"),
        (&[b, c], "chunk 1 is missing"),
        (&[c], "chunk 1 is missing"),
        (&[a, a, b, c], "chunk 1 is there twice"),
        (&[a, b, c, c], "there are chunks behind the last"),
        (&[a, &others[0]], "more than one export"),
        // What is said first depends on which of the two is first by its bytes.
        (&[a, b, &others[2]], ""),
        (&[a, &others[1], c], ""),
        (&[a, b, c, &others[0], &others[1], &others[2]], "there are chunks behind the last"),
        (&[], "is empty"),
        (&[&String::new()], "none of exported secrets"),
        (&[a, b, c, &String::from("00")], "none of exported secrets"),
    ] {
        stage(&mut pg, &staged(chunks));
        refused(&mut pg, &key, "22000", words);
    }
    // A number and a mark that were written over: the last chunk as the second, the second as the
    // last.
    let with = |chunk: &str, at: usize, byte: &str| {
        format!("{}{byte}{}", &chunk[..2 * at], &chunk[2 * at + 2..])
    };
    stage(&mut pg, &[a.clone(), with(c, 55, "02")]);
    refused(&mut pg, &key, "22000", "chunk 2 does not open");
    stage(&mut pg, &[a.clone(), with(b, 56, "01")]);
    refused(&mut pg, &key, "22000", "chunk 2 does not open");
    stage(&mut pg, &[with(b, 55, "01"), with(a, 55, "02"), c.clone()]);
    refused(&mut pg, &key, "22000", "chunk 1 does not open");
    stage(&mut pg, &chunks);
    pg.run("TRUNCATE chunks");
    pg.run("INSERT INTO chunks VALUES (NULL)");
    refused(&mut pg, &key, "22004", "NULL");
    pg.run("ALTER TABLE chunks RENAME TO elsewhere");
    pg.run("CREATE TEMP TABLE chunks (body bytea)");
    pg.run("INSERT INTO chunks SELECT * FROM elsewhere");
    refused(&mut pg, &key, "42703", "chunk");
    // What is no bytes does not get as far.
    pg.run("CREATE TEMP TABLE encoded (chunk bytea)");
    let text = "INSERT INTO encoded VALUES ('\\xno hex')";
    assert_eq!(pg.ask(text).sqlstate(), "22023");
    for arguments in ["NULL, 'chunks'", "'/key', NULL", "'/key', 'chunks', NULL"] {
        let null = format!("SELECT precise.import_secrets({arguments})");
        assert_eq!(pg.ask(&null).sqlstate(), "22004", "{arguments}");
    }
    assert_eq!(pg.run("SELECT precise.seal(NULL, NULL, 1, true, 'x') IS NULL"), ["t"]);
    let short = format!("SELECT precise.seal('{key}', 'salt', 1, true, 'x')");
    assert_eq!(pg.ask(&short).sqlstate(), "22023");
    // And as it was.
    stage(&mut pg, &chunks);
    assert_eq!(import(&mut pg, &key).rows(), ["9999|1|0|0"]);
    // One secret that is another: none is imported.
    pg.run("DELETE FROM precise.subject_secret WHERE subject <> 'bob'");
    pg.run("UPDATE precise.subject_secret SET secret = sha256('')");
    refused(&mut pg, &key, "23505", "1 subjects have other secrets here");
}

#[test]
fn each_bit_of_a_chunk_counts() {
    let Some(server) = Server::shared() else { return };
    let key = server.write("bits.key", KEY, 0o600);
    let mut pg = server.database("bits");
    // Also an export of nothing is one.
    let chunks = export(&mut pg, &key);
    assert_eq!(chunks.len(), 1);
    stage(&mut pg, &chunks);
    assert_eq!(import(&mut pg, &key).rows(), ["0|0|0|0"]);
    pg.run("INSERT INTO precise.subject_secret VALUES ('ann', sha256('a'))");
    let chunks = export(&mut pg, &key);
    assert_eq!(chunks.len(), 1);
    let len = chunks[0].len() / 2;
    pg.run("CREATE TABLE chunks (chunk bytea)");
    pg.run(
        "CREATE FUNCTION altered(key text, chunk bytea) RETURNS text LANGUAGE plpgsql AS $$ \
         BEGIN \
             TRUNCATE chunks; \
             INSERT INTO chunks VALUES (altered.chunk); \
             PERFORM precise.import_secrets(key, 'chunks', true); \
             RETURN '00000'; \
         EXCEPTION WHEN OTHERS THEN \
             RETURN SQLSTATE; \
         END $$",
    );
    let flipped = format!(
        "SELECT altered('{key}', set_bit(chunk, i, 1 - get_bit(chunk, i))), count(*) \
         FROM exported, generate_series(0, 8 * {len} - 1) i GROUP BY 1"
    );
    assert_eq!(pg.run(&flipped), [format!("22000|{}", 8 * len)]);
    let cut = format!(
        "SELECT altered('{key}', substring(chunk, 1, i)), count(*) \
         FROM exported, generate_series(0, {len}) i GROUP BY 1 ORDER BY 2"
    );
    assert_eq!(pg.run(&cut), ["00000|1".into(), format!("22000|{len}")]);
    let longer = format!("SELECT altered('{key}', chunk || '\\x00') FROM exported");
    assert_eq!(pg.run(&longer), ["22000"]);
}

#[test]
fn a_key_file_is_for_the_server_alone() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("key_files");
    pg.run("INSERT INTO precise.subject_secret VALUES ('ann', sha256('a'))");
    let upper = server.write("upper.key", format!("0x{}", KEY.trim().to_uppercase()), 0o400);
    let key = server.write("good.key", KEY, 0o600);
    let chunks = export(&mut pg, &upper);
    stage(&mut pg, &chunks);
    assert_eq!(import(&mut pg, &key).rows(), ["0|0|0|1"], "the same key");
    let folder = std::path::Path::new(&key).parent().unwrap().join("data");
    let long = KEY.trim().repeat(3);
    let files = [
        (server.write("group.key", KEY, 0o640), "F0000"),
        (server.write("others.key", KEY, 0o604), "F0000"),
        (server.write("run.key", KEY, 0o601), "F0000"),
        (server.write("none.key", KEY, 0o000), "42501"),
        (server.write("empty.key", "", 0o600), "F0000"),
        (server.write("short.key", &KEY[1..], 0o600), "F0000"),
        (server.write("long.key", long, 0o600), "F0000"),
        (server.write("two.key", format!("{KEY}{KEY}"), 0o600), "F0000"),
        (server.write("raw.key", [7; 32], 0o600), "F0000"),
        (server.write("letters.key", KEY.replace('0', "g"), 0o600), "F0000"),
        (folder.to_string_lossy().into(), "F0000"),
        ("/dev/zero".into(), "F0000"),
        (format!("{key}.gone"), "58P01"),
        (format!("{key}/x"), "58030"),
        ("good.key".into(), "22023"),
        ("../good.key".into(), "22023"),
        (String::new(), "22023"),
    ];
    for (file, sqlstate) in &files {
        for call in
            [format!("export_secrets('{file}')"), format!("import_secrets('{file}', 'chunks')")]
        {
            match pg.ask(&format!("SELECT * FROM precise.{call}")) {
                Answer::Error(code, message) => {
                    assert_eq!(code, *sqlstate, "{file}: {message}");
                    assert!(!message.contains("aabbcc"), "what is in a file is not said");
                }
                Answer::Rows(rows) => panic!("{file}: {rows:?}"),
            }
        }
    }
    // Both rights are needed: to the secrets, and to files.
    for role in ["secrets_nobody", "secrets_minter", "secrets_reader", "secrets_mover"] {
        pg.run(&format!("CREATE ROLE {role}"));
    }
    pg.run("GRANT precise_minter TO secrets_minter, secrets_mover");
    pg.run("GRANT pg_read_server_files TO secrets_reader, secrets_mover");
    pg.run("GRANT precise_auditor TO secrets_reader");
    pg.run("GRANT SELECT ON chunks TO PUBLIC");
    let calls = [
        format!("precise.export_secrets('{key}')"),
        format!("precise.import_secrets('{key}', 'chunks')"),
        format!("precise.seal('{key}', sha256(''), 1, true, 'x')"),
        format!("(SELECT precise.unseal('{key}', chunk, 1, true, chunk) FROM chunks) AS c"),
    ];
    for role in ["secrets_nobody", "secrets_minter", "secrets_reader"] {
        pg.run(&format!("SET ROLE {role}"));
        for call in &calls {
            assert_eq!(
                pg.ask(&format!("SELECT * FROM {call}")).sqlstate(),
                "42501",
                "{role} {call}"
            );
        }
        pg.run("RESET ROLE");
    }
    pg.run("SET ROLE secrets_mover");
    for call in &calls {
        pg.run(&format!("SELECT * FROM {call}"));
    }
    // Nobody is shown another's table.
    pg.run("RESET ROLE");
    pg.run("REVOKE SELECT ON chunks FROM PUBLIC");
    pg.run("SET ROLE secrets_mover");
    assert_eq!(import(&mut pg, &key).sqlstate(), "42501");
}
