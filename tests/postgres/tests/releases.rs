//! Audiences released again: by rule sets and places, from tables of every shape, compared with
//! what was released before, by two at once, and behind a dump.

use std::error::Error;

use precise_postgres::{Answer, Server, Session};

type Tested = Result<(), Box<dyn Error>>;

/// Two cohorts: one by zip codes, where a record may say its market area; one without a place.
const RULES: &str = r#"{"cohorts":[
    {"name":"eco","geo":"zip","all":[{"signal":"signals.eco","gte":0.6}]},
    {"name":"rich","all":[{"signal":"signals.income","gte":100000}]}
],"places":{"dma":"home.dma","zip":"home.zip"},"version":"2026-11"}"#;

/// What comes of minting a table's audience: its proof id and its cohorts' ids, or the SQLSTATE.
fn mint(pg: &mut Session, table: &str) -> Result<(String, String), String> {
    match pg.ask(&format!("CALL precise.mint_audience_proof('{table}', NULL, NULL)")) {
        Answer::Error(sqlstate, _) => Err(sqlstate),
        Answer::Rows(rows) => {
            let minted = rows.first().and_then(|row| row.split_once('|'));
            let (proof_id, ids) = minted.ok_or_else(|| format!("{rows:?}"))?;
            Ok((proof_id.into(), ids.into()))
        }
    }
}

/// How much there is in every table that minting an audience writes to.
fn written(pg: &mut Session) -> Vec<String> {
    pg.run(
        "SELECT (SELECT count(*) FROM precise.batch), (SELECT count(*) FROM precise.proof), \
         (SELECT count(*) FROM precise.release), (SELECT count(*) FROM precise.released_member), \
         (SELECT count(*) FROM precise.release_key)",
    )
}

#[test]
fn an_audience_of_many_is_released_once_and_again() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_many");
    pg.run("CREATE TABLE people (id int PRIMARY KEY, payload jsonb)");
    // 100,000 members with a record each: 60,000 and 38,000 in two zip codes, 700 and 600 in two
    // that have three digits in common, 300 in one of a market of their own. 400 are in no cohort.
    // 1,200 of the first zip code are rich as well.
    pg.run(
        "INSERT INTO people SELECT i, jsonb_build_object('member_id', 'm' || i, \
         'home', jsonb_build_object('zip', CASE WHEN i <= 60000 THEN '10013' \
         WHEN i <= 98000 THEN '10014' WHEN i <= 98700 THEN '90001' WHEN i <= 99300 THEN '90002' \
         ELSE '20001' END, 'dma', CASE WHEN i > 99300 THEN '511' ELSE '501' END), \
         'signals', jsonb_build_object('eco', CASE WHEN i <= 99600 THEN 0.6 ELSE 0.5 END, \
         'income', CASE WHEN i <= 1200 THEN 100000 ELSE 1 END)) FROM generate_series(1, 100000) i",
    );
    pg.run("SELECT precise.track('people', 'payload', backfill => false)");
    pg.run(&format!("SELECT precise.add_ruleset('segments', '{RULES}', true)"));
    pg.run("UPDATE precise.sources SET ruleset = 'segments'");
    let first = mint(&mut pg, "people")?;
    // The two small ones that have digits in common are one, and the third is part of the
    // remainder: 300 and 400, and so with it the smallest that could be named, the 1,200.
    assert_eq!(first.1, "{eco_10013,eco_10014,eco_zip3_900}");
    // What the document says, reckoned otherwise.
    let counted =
        ["eco_10013\",\"n\":60000", "eco_10014\",\"n\":38000", "eco_zip3_900\",\"n\":1300"];
    let counted = counted.map(|cohort| format!("('{{\"id\":\"{cohort}}}')")).join(", ");
    assert_eq!(
        pg.run(&format!(
            "SELECT a ->> 'cohort_count', a ->> 'count', a ->> 'k', a ->> 'cohorts_root' = r.root, \
             a ->> 'ruleset_hash' = precise.hex(precise_ruleset_hash('{RULES}')) \
             FROM precise.audience('{}') AS a, (SELECT precise.hex(precise_merkle_root( \
             precise_proof_hash(c))) FROM (VALUES {counted}) AS v (c)) AS r (root)",
            first.0
        )),
        ["3|100000|1000|t|t"]
    );
    assert_eq!(
        pg.run(
            "SELECT sum(octet_length(entries)) / 32, count(*), max(number) \
             FROM precise.released_member"
        ),
        ["100000|256|1"]
    );
    // The same again, in another order of rows, is the same and writes nothing.
    pg.run("CREATE TABLE shuffled AS SELECT * FROM people ORDER BY md5(id::text)");
    pg.run("TRUNCATE people");
    pg.run("INSERT INTO people SELECT * FROM shuffled");
    let before = written(&mut pg);
    assert_eq!(mint(&mut pg, "people")?, first);
    assert_eq!(written(&mut pg), before);
    // Three fewer: nothing is released, and nothing written.
    pg.run("BEGIN");
    pg.run("DELETE FROM people WHERE id <= 3");
    pg.run("SAVEPOINT changed");
    assert_eq!(mint(&mut pg, "people"), Err("PR506".into()));
    pg.run("ROLLBACK TO changed");
    assert_eq!(written(&mut pg), before);
    pg.run("ROLLBACK");
    // By as many as k it may differ.
    pg.run("DELETE FROM people WHERE id BETWEEN 59001 AND 60000");
    let second = mint(&mut pg, "people")?;
    assert_eq!(second.1, first.1);
    assert_eq!(
        pg.run("SELECT number, proof_id FROM precise.release ORDER BY number"),
        [format!("1|{}", first.0), format!("2|{}", second.0)]
    );
    // It is compared with every earlier one, and not just with the last.
    pg.run("INSERT INTO people SELECT * FROM shuffled WHERE id BETWEEN 59001 AND 60000");
    pg.run("DELETE FROM people WHERE id <= 3");
    assert_eq!(mint(&mut pg, "people"), Err("PR506".into()));
    Ok(())
}

/// A table of `members` members in one cohort, k of 10.
fn small_table(pg: &mut Session, members: u32) {
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run("SELECT precise.track('t', 'payload', backfill => false)");
    pg.run("UPDATE precise.sources SET k = 10");
    pg.run(&format!(
        "INSERT INTO t SELECT i, jsonb_build_object('cohort_id', 'eco', 'member_id', i) \
         FROM generate_series(1, {members}) i"
    ));
}

#[test]
fn a_refusal_says_how_many_and_of_which_release() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_refused");
    small_table(&mut pg, 40);
    mint(&mut pg, "t")?;
    pg.run(
        "CREATE FUNCTION said() RETURNS text LANGUAGE plpgsql AS $$ DECLARE d text; h text; \
         p text; c text[]; BEGIN CALL precise.mint_audience_proof('t', p, c); RETURN 'nothing'; \
         EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, \
         h = PG_EXCEPTION_HINT; RETURN SQLSTATE || ' ' || SQLERRM || ' ' || d || ' ' || h; END $$",
    );
    let refused = |count: u32, number: u32| {
        format!(
            "PR506 a release differs from an earlier one by too few members {count} members differ \
             from release {number} under 't', and k is 10. Whoever compares the two would learn \
             about them. Release again when k members have changed, or none."
        )
    };
    let gone = |pg: &mut Session, which: &str| {
        pg.run("BEGIN");
        pg.run(&format!("DELETE FROM t WHERE id {which}"));
        let said = pg.ask("SELECT said()").value();
        pg.run("ROLLBACK");
        said
    };
    for count in [1, 4, 9] {
        assert_eq!(gone(&mut pg, &format!("<= {count}")), refused(count, 1));
    }
    // The other way about, those who come back; and the last of the releases is told of first.
    pg.run(
        "INSERT INTO t SELECT id + 40, payload || '{\"member_id\":\"new\"}' FROM t \
         WHERE id <= 1",
    );
    assert_eq!(gone(&mut pg, "< 0"), refused(1, 1));
    pg.run(
        "UPDATE t SET payload = jsonb_set(payload, '{member_id}', to_jsonb('n' || id)) \
         WHERE id <= 12",
    );
    mint(&mut pg, "t")?;
    assert_eq!(gone(&mut pg, "= 13"), refused(1, 2));
    pg.run("DELETE FROM t WHERE id = 41");
    // Records that name nobody are members of their own, by their content.
    pg.run("UPDATE t SET payload = payload - 'member_id' || jsonb_build_object('n', id / 2)");
    mint(&mut pg, "t")?;
    for (change, expected) in [
        ("INSERT INTO t VALUES (41, '{\"cohort_id\":\"eco\",\"member_id\":1}')", Err("PR506")),
        ("UPDATE t SET id = id + 1000", Ok(())),
        ("UPDATE t SET payload = payload || '{\"n\":-1}' WHERE id <= 3", Err("PR506")),
        ("DELETE FROM t WHERE id = 7", Err("PR506")),
        ("UPDATE t SET payload = payload || '{\"n\":-1}' WHERE id <= 10", Ok(())),
    ] {
        pg.run("BEGIN");
        pg.run(change);
        let minted = mint(&mut pg, "t").map(|_| ());
        assert_eq!(minted, expected.map_err(String::from), "{change}");
        pg.run("ROLLBACK");
    }
    Ok(())
}

/// What minting a table's audience says besides its result.
fn warned(server: &Server, database: &str, table: &str) -> Result<String, Box<dyn Error>> {
    let call = format!("CALL precise.mint_audience_proof('{table}', NULL, NULL)");
    let output = server.psql(database).args(["-c", &call]).output()?;
    Ok(String::from_utf8(output.stderr)?)
}

#[test]
fn a_lower_k_than_before_is_warned_of() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_lower");
    small_table(&mut pg, 40);
    let said = |now: u32, before: u32| {
        format!("WARNING:  k is {now}, and was {before} in the last release under 't'\n")
    };
    let release = |k: &str, gone: u32| -> Result<String, Box<dyn Error>> {
        let mut pg = server.session("releases_lower");
        pg.run(&format!("UPDATE precise.sources SET k = {k}"));
        pg.run(&format!("DELETE FROM t WHERE id <= {gone}"));
        warned(&server, "releases_lower", "t")
    };
    assert_eq!(release("10", 0)?, "");
    // Of the same members the last release is still the first.
    assert!(release("9", 0)?.starts_with(&said(9, 10)));
    assert!(release("9", 9)?.starts_with(&said(9, 10)));
    for (k, gone) in [("9", 18), ("10", 28)] {
        assert_eq!(release(k, gone)?, "", "{k}");
    }
    // Nothing is said of a release that there is not, nor of other labels.
    let refused = release("9", 31)?;
    assert!(refused.starts_with("ERROR:  a release differs"), "{refused}");
    pg.run(
        "INSERT INTO t SELECT i, jsonb_build_object('cohort_id', 'eco', 'member_id', i) \
         FROM generate_series(1001, 2000) i",
    );
    assert_eq!(release("NULL", 0)?, "");
    pg.run("CREATE TABLE u AS SELECT * FROM t");
    pg.run("SELECT precise.track('u', 'payload', backfill => false)");
    pg.run("UPDATE precise.sources SET k = 2");
    assert_eq!(warned(&server, "releases_lower", "u")?, "");
    // It is not stopped: what differs by as many as the lower k is released.
    assert!(release("2", 33)?.starts_with(&said(2, 1000)));
    assert_eq!(pg.run("SELECT max(number) FROM precise.release WHERE label = 't'"), ["6"]);
    Ok(())
}

#[test]
fn seats_are_what_is_compared() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_seats");
    pg.run(&format!("SELECT precise.add_ruleset('segments', '{RULES}', true)"));
    pg.run("CREATE TABLE t (id int PRIMARY KEY, payload jsonb)");
    pg.run(
        "INSERT INTO t SELECT i, jsonb_build_object('member_id', i, 'home', jsonb_build_object( \
         'zip', CASE WHEN i % 2 = 0 THEN '10013' ELSE '10014' END), 'signals', \
         jsonb_build_object('eco', 0.7, 'income', i * 1000)) FROM generate_series(1, 200) i",
    );
    pg.run("SELECT precise.track('t', 'payload', backfill => false)");
    pg.run("UPDATE precise.sources SET ruleset = 'segments', k = 20");
    let first = mint(&mut pg, "t")?;
    assert_eq!(first.1, "{eco_10013,eco_10014,rich}");
    let set = |path: &str, value: &str, ids: &str| {
        format!("UPDATE t SET payload = jsonb_set(payload, '{path}', '{value}') WHERE {ids}")
    };
    for (change, expected) in [
        (set("{home,zip}", "\"10014\"", "id IN (2, 4, 6)"), Err("PR506")),
        (set("{signals,eco}", "0.1", "id IN (102, 104, 106)"), Err("PR506")),
        (set("{signals,income}", "100000", "id IN (2, 4, 6)"), Err("PR506")),
        (set("{member_id}", "\"x\"", "id = 2"), Err("PR506")),
        (set("{home,zip}", "\"10014\"", "id BETWEEN 1 AND 38"), Err("PR506")),
        (set("{home,zip}", "\"10014\"", "id BETWEEN 1 AND 40"), Ok(())),
        // Whatever else changes, nobody is anywhere else; nor with a second record.
        (set("{signals,eco}", "0.8", "id IN (2, 4, 6)"), Ok(())),
        ("INSERT INTO t SELECT -id, payload || '{\"n\":1}' FROM t WHERE id <= 3".into(), Ok(())),
    ] {
        pg.run("BEGIN");
        pg.run(&change);
        let minted = mint(&mut pg, "t").map(|_| ());
        assert_eq!(minted, expected.map_err(String::from), "{change}");
        pg.run("ROLLBACK");
    }
    // With the same members in the same cohorts there is nothing to keep besides.
    pg.run(&set("{signals,eco}", "0.8", "id IN (2, 4, 6)"));
    assert_ne!(mint(&mut pg, "t")?.0, first.0);
    assert_eq!(pg.run("SELECT count(*) FROM precise.release"), ["1"]);
    // Another label has no earlier releases; nor has a table that is not tracked another's.
    pg.run("DELETE FROM t WHERE id <= 3");
    assert_eq!(mint(&mut pg, "t"), Err("PR506".into()));
    pg.run("SELECT precise.track('t', label => 'renamed', backfill => false)");
    mint(&mut pg, "t")?;
    pg.run(
        "CREATE TABLE untracked AS SELECT i, 'eco'::text AS cohort_id \
         FROM generate_series(1, 2000) i",
    );
    mint(&mut pg, "untracked")?;
    pg.run("DELETE FROM untracked WHERE i <= 3");
    assert_eq!(mint(&mut pg, "untracked"), Err("PR506".into()));
    assert_eq!(
        pg.run("SELECT label, number FROM precise.release ORDER BY label"),
        ["renamed|1", "t|1", "untracked|1"]
    );
    Ok(())
}

#[test]
fn two_at_once_are_compared_with_each_other() {
    let Some(server) = Server::shared() else { return };
    let mut pg = server.database("releases_at_once");
    small_table(&mut pg, 40);
    let mut other = server.session("releases_at_once");
    let call = "CALL precise.mint_audience_proof('t', NULL, NULL)";
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    // The first is not committed when the second, who sees three members fewer, begins.
    for (isolation, expected) in
        [("READ COMMITTED", "PR506"), ("REPEATABLE READ", "23505"), ("SERIALIZABLE", "23505")]
    {
        other.run(&format!("BEGIN ISOLATION LEVEL {isolation}"));
        other.run("DELETE FROM t WHERE id <= 3");
        pg.run("BEGIN");
        pg.run(call);
        other.tell(call);
        while pg.run(waits) == ["0"] {}
        pg.run("COMMIT");
        let sqlstate = other.answer().sqlstate();
        assert!([expected, "40001"].contains(&sqlstate.as_str()), "{isolation}: {sqlstate}");
        other.run("ROLLBACK");
        assert_eq!(pg.run("SELECT count(*) FROM precise.release"), ["1"], "{isolation}");
        pg.run("DELETE FROM precise.release");
        pg.run("DELETE FROM precise.release_key");
    }
    // The same audience by both is one.
    pg.run("BEGIN");
    pg.run(call);
    other.tell(call);
    while pg.run(waits) == ["0"] {}
    pg.run("COMMIT");
    assert!(matches!(other.answer(), Answer::Rows(_)));
    assert_eq!(pg.run("SELECT count(*) FROM precise.release"), ["1"]);
    // One that is taken back was never there.
    pg.run("BEGIN");
    pg.run("DELETE FROM t WHERE id <= 12");
    pg.run(call);
    pg.run("ROLLBACK");
    pg.run("DELETE FROM t WHERE id <= 10");
    assert!(mint(&mut pg, "t").is_ok());
}

#[test]
fn a_dump_has_releases_and_not_their_key() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_dumped");
    small_table(&mut pg, 40);
    pg.run(&format!("SELECT precise.add_ruleset('segments', '{RULES}', true)"));
    let first = mint(&mut pg, "t")?;
    let tables = "SELECT (SELECT string_agg(r::text, ' ' ORDER BY number) FROM precise.release r), \
                  (SELECT string_agg(m::text, ' ' ORDER BY part) FROM precise.released_member m), \
                  (SELECT string_agg(r::text, ' ') FROM precise.ruleset r)";
    let kept = pg.run(tables);
    let dump = server.dump("releases_dumped");
    let key = pg.run("SELECT encode(key, 'hex') FROM precise.release_key");
    assert!(!dump.contains(&key[0]), "the key is in the dump");
    pg.run("CREATE DATABASE releases_restored");
    server.load("releases_restored", &dump)?;
    let mut restored = server.session("releases_restored");
    assert_eq!(restored.run(tables), kept);
    assert_eq!(restored.run("SELECT count(*) FROM precise.release_key"), ["0"]);
    assert_eq!(
        restored.run(&format!("SELECT precise.audience('{}')", first.0)),
        pg.run(&format!("SELECT precise.audience('{}')", first.0))
    );
    // It could not be compared; another label's can.
    assert_eq!(mint(&mut restored, "t"), Err("55000".into()));
    restored.run("CREATE TABLE u AS SELECT * FROM t");
    restored.run("SELECT precise.track('u', 'payload', backfill => false)");
    restored.run("UPDATE precise.sources SET k = 10");
    assert!(mint(&mut restored, "u").is_ok());
    // The key comes with the secrets.
    let file = server.write("releases.key", "5a".repeat(32), 0o600);
    pg.run(&format!("CREATE TABLE chunks AS SELECT * FROM precise.export_secrets('{file}')"));
    let chunks = pg.run("SELECT encode(chunk, 'hex') FROM chunks");
    restored.run("CREATE TABLE chunks (chunk bytea)");
    for chunk in &chunks {
        restored.run(&format!("INSERT INTO chunks VALUES (decode('{chunk}', 'hex'))"));
    }
    let import = format!("SELECT * FROM precise.import_secrets('{file}', 'chunks')");
    for _ in 0..2 {
        assert_eq!(restored.run(&import), ["0|0|0|0"]);
    }
    assert_eq!(mint(&mut restored, "t")?, first);
    restored.run("DELETE FROM t WHERE id <= 3");
    assert_eq!(mint(&mut restored, "t"), Err("PR506".into()));
    // Another key for the same label is no key of these releases.
    restored.run("UPDATE precise.release_key SET key = sha256(key) WHERE label = 't'");
    assert_eq!(restored.ask(&import).sqlstate(), "23505");
    // Or whoever owns them does without what was released.
    restored.run("DELETE FROM precise.release_key");
    assert_eq!(mint(&mut restored, "t"), Err("55000".into()));
    restored.run("DELETE FROM precise.release WHERE label = 't'");
    assert!(mint(&mut restored, "t").is_ok());
    Ok(())
}

#[test]
fn who_may_release_and_who_may_look() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_rights");
    small_table(&mut pg, 40);
    for role in ["minter", "committer", "auditor"] {
        pg.run(&format!("CREATE ROLE release_{role}"));
        pg.run(&format!("GRANT precise_{role} TO release_{role}"));
    }
    pg.run("CREATE ROLE release_nobody");
    pg.run("GRANT SELECT ON t TO PUBLIC");
    pg.run("SET ROLE release_minter");
    let minted = mint(&mut pg, "t")?;
    // What is kept of members does not change, and is not compared by other means.
    for statement in [
        "DELETE FROM precise.release",
        "UPDATE precise.release SET number = 2",
        "UPDATE precise.released_member SET entries = ''",
        "DELETE FROM precise.released_member",
        "UPDATE precise.release_key SET key = key",
        "DELETE FROM precise.release_key",
    ] {
        assert_eq!(pg.ask(statement).sqlstate(), "42501", "{statement}");
    }
    for role in ["release_nobody", "release_committer", "release_auditor"] {
        pg.run("RESET ROLE");
        pg.run(&format!("SET ROLE {role}"));
        assert_eq!(mint(&mut pg, "t"), Err("42501".into()), "{role}");
        for secret in [
            "SELECT key FROM precise.release_key",
            "SELECT entries FROM precise.released_member",
            "SELECT precise.key_of_releases('t')",
            "SELECT precise.check_differences('t', 10, NULL)",
        ] {
            assert_eq!(pg.ask(secret).sqlstate(), "42501", "{role}: {secret}");
        }
        let shown = pg.ask(&format!("SELECT precise.audience('{}') ->> 'k'", minted.0));
        match shown {
            Answer::Rows(rows) => assert_eq!((role, rows), ("release_auditor", vec!["10".into()])),
            Answer::Error(sqlstate, _) => assert_eq!(sqlstate, "42501", "{role}"),
        }
    }
    pg.run("RESET ROLE");
    // Nothing has that id.
    for none in ["'prf_'", "''", "NULL", "'t'"] {
        let shown = format!("SELECT precise.audience({none}) IS NULL");
        assert_eq!(pg.ask(&shown).value(), "t", "{none}");
    }
    Ok(())
}

#[test]
fn rules_read_rows_of_every_shape() -> Tested {
    let Some(server) = Server::shared() else { return Ok(()) };
    let mut pg = server.database("releases_shapes");
    pg.run(&format!("SELECT precise.add_ruleset('segments', '{RULES}', true)"));
    let payload = "jsonb_build_object('member_id', i, 'home', jsonb_build_object('zip', \
                   CASE WHEN i % 2 = 0 THEN '10013' ELSE '10014' END), 'signals', \
                   jsonb_build_object('eco', i % 3 * 0.3, 'income', i * 1000))";
    // As jsonb, json, text; as columns whose record is the row; each the same audience of its kind.
    for (columns, values, track) in [
        ("payload jsonb", payload.to_owned(), "'payload'"),
        ("payload json", format!("{payload}::json"), "'payload'"),
        ("payload text", format!("{payload}::text"), "'payload'"),
        (
            "member_id int, home jsonb, signals json",
            format!("i, {payload} -> 'home', ({payload} -> 'signals')::json"),
            "NULL",
        ),
    ] {
        pg.run(&format!("CREATE TABLE t ({columns})"));
        pg.run(&format!("INSERT INTO t SELECT {values} FROM generate_series(1, 300) i"));
        pg.run(&format!("SELECT precise.track('t', {track}, backfill => false)"));
        pg.run("UPDATE precise.sources SET ruleset = 'segments', k = 20");
        let minted = mint(&mut pg, "t")?;
        assert_eq!(minted.1, "{eco_10013,eco_10014,rich}", "{columns}");
        let record = if track == "NULL" { "precise.row_document(t)" } else { "payload::text" };
        assert_eq!(
            pg.run(&format!(
                "SELECT count(*) FROM t WHERE precise_cohort_id_array({record}, '{RULES}') \
                 @> ARRAY['rich']"
            )),
            ["201"]
        );
        pg.run("SELECT precise.untrack('t')");
        pg.run("DROP TABLE t");
        pg.run("DELETE FROM precise.release");
    }
    // Columns stand in for the places that the rule set names; NULL is no place, and so is what is
    // no zip code.
    pg.run("CREATE TABLE t (payload jsonb, z varchar(10), market text, n int)");
    pg.run(&format!(
        "INSERT INTO t SELECT {payload}, '90001', '501' FROM generate_series(1, 300) i"
    ));
    pg.run("SELECT precise.track('t', 'payload', backfill => false)");
    pg.run("UPDATE precise.sources SET ruleset = 'segments', k = 20, zip = 'z'");
    assert_eq!(mint(&mut pg, "t")?.1, "{eco_90001,rich}");
    pg.run(
        "UPDATE t SET z = CASE WHEN (payload ->> 'member_id')::int % 2 = 0 THEN '90001-1234' END",
    );
    assert_eq!(mint(&mut pg, "t")?.1, "{eco,rich}");
    pg.run("UPDATE t SET z = (20000 + 100 * (payload ->> 'member_id')::int)::text");
    assert_eq!(mint(&mut pg, "t")?.1, "{eco,rich}");
    pg.run("UPDATE precise.sources SET dma = 'market'");
    assert_eq!(mint(&mut pg, "t")?.1, "{eco_dma_501,rich}");
    for (set, sqlstate) in [
        ("zip = 'n'", "42804"),
        ("dma = 'n'", "42804"),
        ("dma = 'payload'", "42804"),
        ("zip = 'nowhere'", "42703"),
        ("member = 'payload'", "42804"),
        ("ruleset = 'none'", "55000"),
        ("k = 1", "PR503"),
    ] {
        pg.run("BEGIN");
        pg.run(&format!("UPDATE precise.sources SET {set}"));
        assert_eq!(mint(&mut pg, "t"), Err(sqlstate.into()), "{set}");
        pg.run("ROLLBACK");
    }
    // Without an active version there are no rules, and no way around them.
    pg.run("UPDATE precise.ruleset SET active = false");
    assert_eq!(mint(&mut pg, "t"), Err("55000".into()));
    for (label, says) in [
        ("segments", "rule set 'segments' has no active version"),
        ("none", "there is no rule set 'none'"),
    ] {
        pg.run(&format!("UPDATE precise.sources SET ruleset = '{label}'"));
        let said = warned(&server, "releases_shapes", "t")?;
        assert!(said.starts_with(&format!("ERROR:  {says}\n")), "{said}");
    }
    pg.run("UPDATE precise.sources SET ruleset = 'segments'");
    // Nor without a record.
    pg.run("UPDATE precise.ruleset SET active = true");
    pg.run("UPDATE t SET payload = NULL");
    assert_eq!(mint(&mut pg, "t"), Err("PR502".into()));
    pg.run("TRUNCATE t");
    assert_eq!(mint(&mut pg, "t"), Err("PR502".into()));
    Ok(())
}
