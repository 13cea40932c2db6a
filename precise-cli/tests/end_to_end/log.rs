//! `precise log`, `commit`, `receipt`, `verify --receipt`, `void` and `status`.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::common::{Place, Run, numbered, wait_until};

const COUNT: usize = 100;
const ORIGIN: &str = "example.com/log";

/// A log in `log` with its state in `state`, proofs of 100 records in `p.parquet`, and a policy.
struct Logged(Place);

impl Logged {
    fn new() -> Self {
        let place = Place::new();
        place.mint_with(&["-", "-o", "p.parquet"], numbered(COUNT).as_bytes());
        let init = ["log", "init", "log", "--origin", ORIGIN, "--state", "state"];
        let vkey = prints(&place.run(&[&init[..], &["--policy", "policy"]].concat()));
        assert!(vkey.starts_with("example.com/log+") && vkey.lines().count() == 1, "{vkey}");
        assert!(place.text("policy").starts_with(&format!("log {vkey}")));
        place.write("record.json", r#"{"i":7}"#);
        Self(place)
    }

    /// With the proofs committed, and the receipt of `record.json` in `receipt.json`.
    fn committed() -> Self {
        let logged = Self::new();
        logged.ours("commit", &["p.parquet"]).succeeds();
        logged.ours("receipt", &["--proof", &logged.proof(), "-o", "receipt.json"]).succeeds();
        logged
    }

    /// Runs a command on the log.
    fn ours(&self, command: &str, args: &[&str]) -> Run {
        self.0.run(&[&[command][..], args, &["--log", "log", "--state", "state"]].concat())
    }

    fn proof(&self) -> String {
        let text = self.0.run(&["proof", "record.json"]).succeeds();
        let document: Value = serde_json::from_str(&text).unwrap();
        document["proof_id"].as_str().unwrap().to_owned()
    }

    fn verdict(&self, args: &[&str]) -> Value {
        let verify = ["verify", "--record", "record.json", "--receipt", "receipt.json", "--json"];
        let run = self.0.run(&[&verify[..], args].concat());
        assert!(matches!(run.code, Some(0 | 1)), "{run:?}");
        let verdict: Value = serde_json::from_str(run.text()).unwrap();
        assert_eq!(run.code == Some(0), verdict["verdict"] == true, "{run:?}");
        verdict
    }

    fn failed(&self, args: &[&str]) -> Option<String> {
        self.verdict(args)["failed"].as_str().map(str::to_owned)
    }
}

#[test]
fn a_receipt_verifies_offline_and_everything_is_committed_once() {
    let logged = Logged::committed();
    assert_eq!(logged.failed(&["--policy", "policy"]), None);
    // Nothing but the three files is needed.
    fs::rename(logged.0.path("log"), logged.0.path("away")).unwrap();
    fs::rename(logged.0.path("state"), logged.0.path("gone")).unwrap();
    assert_eq!(logged.failed(&["--policy", "policy"]), None);
    let vkey = logged.0.text("gone/vkey");
    assert_eq!(logged.failed(&["--vkey", vkey.trim()]), None);
    assert_eq!(logged.failed(&["--vkey", "gone/vkey"]), None);
    assert_eq!(logged.failed(&["--policy", "policy", "--kind", "audience"]).unwrap(), "entry");
    fs::rename(logged.0.path("away"), logged.0.path("log")).unwrap();
    fs::rename(logged.0.path("gone"), logged.0.path("state")).unwrap();
    let again = logged.ours("commit", &["p.parquet", "--json"]).succeeds();
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (&again["size"], &again["entries"][0]["known"], &again["entries"][0]["index"]),
        (&1.into(), &true.into(), &0.into())
    );
    // The same leaves under another label are another entry.
    logged.ours("commit", &["p.parquet", "--label", "again"]).succeeds();
    let shown = logged.0.run(&["log", "show", "log", "--state", "state", "--json"]).succeeds();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["size"], &shown["origin"]), (&2.into(), &ORIGIN.into()));
    logged.0.run(&["log", "fsck", "log", "--state", "state"]).succeeds();
}

#[test]
fn a_changed_byte_fails_at_a_step_of_its_own() {
    let logged = Logged::committed();
    let policy = ["--policy", "policy"];
    let replace = |name: &str, from: &str, to: &str, step: &str| {
        let text = logged.0.text(name);
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{from} is not in {name}");
        logged.0.write(name, &changed);
        assert_eq!(logged.failed(&policy).as_deref(), Some(step), "{from} in {name}");
        logged.0.write(name, &text);
    };
    replace("record.json", "7", "8", "proof");
    replace("record.json", "}", "", "record");
    replace("receipt.json", "\"count\":100,\"index\"", "\"count\":99,\"index\"", "batch");
    replace("receipt.json", "\"v\":1}", "\"v\":2}", "proof");
    replace("receipt.json", "\\\"kind\\\":\\\"records\\\"", "\\\"kind\\\":\\\"record\\\"", "entry");
    replace("receipt.json", "closed_at\\\":\\\"2", "closed_at\\\":\\\"3", "log");
    replace("receipt.json", "log-proof@v1\\nindex 0", "log-proof@v1\\nindex 1", "log");
    replace("policy", "log example.com/log+", "log example.com/lag+", "checkpoint");
    replace("policy", "quorum none\n", "", "checkpoint");
    assert_eq!(logged.failed(&policy), None);
}

#[test]
fn every_byte_of_a_receipt_counts() {
    let logged = Logged::committed();
    let receipt = fs::read(logged.0.path("receipt.json")).unwrap();
    let policy = fs::read(logged.0.path("policy")).unwrap();
    let record = logged.0.text("record.json");
    // A line feed at the end is white space behind a JSON document.
    for at in 0..receipt.len() - 1 {
        let mut changed = receipt.clone();
        changed[at] ^= 0x01;
        let verdict = precise_core::verify::verify_receipt(&precise_core::verify::ReceiptRequest {
            record: record.as_bytes(),
            blind: None,
            receipt: &changed,
            policy: &policy,
            kind: None,
            status: None,
        });
        assert!(!verdict.holds(), "byte {at} of the receipt");
    }
}

#[test]
fn blinded_proofs_have_blinded_receipts() {
    let logged = Logged::new();
    logged.0.write("secret", "a7".repeat(32));
    let blind = ["--secret-file", "secret", "--record-id"];
    let records = "{\"i\":7,\"id\":\"r7\"}\n{\"i\":8,\"id\":\"r8\"}\n";
    let mint = ["-", "-o", "b.parquet", "--secret-file", "secret", "--record-id", "id"];
    logged.0.mint_with(&mint, records.as_bytes());
    logged.0.write("record.json", records.lines().next().unwrap());
    logged.ours("commit", &["b.parquet"]).succeeds();
    let proof = logged.0.run(&[&["proof", "record.json"], &blind[..], &["r7"]].concat()).succeeds();
    let proof: Value = serde_json::from_str(&proof).unwrap();
    let proof = proof["proof_id"].as_str().unwrap();
    logged.ours("receipt", &["--proof", proof, "-o", "receipt.json"]).succeeds();
    let policy = ["--policy", "policy"];
    assert_eq!(logged.failed(&[&policy[..], &blind, &["r7"]].concat()), None);
    assert_eq!(logged.failed(&[&policy[..], &blind, &["r8"]].concat()).unwrap(), "proof");
    assert_eq!(logged.failed(&policy).unwrap(), "proof");
    // Some of a set blinded and others not cannot be told apart later.
    let together = ["b.parquet", "p.parquet", "--together"];
    logged.ours("commit", &together).fails_with(2, &["commit them apart"]);
    // From the files of the batch, without the leaves that were kept.
    let from_files = ["--proof", proof, "--batch", "b.parquet", "-o", "receipt.json"];
    logged.ours("receipt", &from_files).succeeds();
    assert_eq!(logged.failed(&[&policy[..], &blind, &["r7"]].concat()), None);
}

#[test]
fn a_void_proof_fails_at_status_and_others_do_not() {
    let logged = Logged::committed();
    let proof = logged.proof();
    let status = ["--policy", "policy", "--status", "status.json"];
    let log = ["--policy", "policy", "--status-log", "log", "--state", "state"];
    prints(&logged.ours("status", &["--proof", &proof, "-o", "status.json"]));
    assert_eq!(logged.failed(&status), None);
    // Of an empty map everybody knows each place.
    assert_eq!(logged.failed(&["--policy", "policy", "--status-log", "log"]), None);
    let stale = logged.verdict(&[&status[..], &["--at", "2099-01-01T00:00:00Z"]].concat());
    assert_eq!(stale["failed"], "status");

    let other = "prf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let voided = logged.ours("void", &["--proof", other, "--reason", "opt_out"]);
    assert!(voided.stderr.contains("no batch that was kept"), "{}", voided.stderr);
    assert_eq!(logged.failed(&log), None);
    // The old receipt's place is one in another map than the log's last.
    let old = ["--policy", "policy", "--status-log", "log", "--status", "status.json"];
    assert_eq!(logged.failed(&old).unwrap(), "status");
    logged.0.run(&["log", "fsck", "log/status", "--state", "state"]).succeeds();
    let whole = logged.0.run(&["log", "fsck", "log", "--state", "state"]).succeeds();
    assert!(whole.contains("example.com/log/status is whole"), "{whole}");
    fs::rename(logged.0.path("log/status"), logged.0.path("gone")).unwrap();
    let run = logged.0.run(&["log", "fsck", "log", "--state", "state"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    fs::rename(logged.0.path("gone"), logged.0.path("log/status")).unwrap();

    logged.ours("void", &["--proof", &proof, "--reason", "erasure"]).succeeds();
    assert_eq!(logged.failed(&log).unwrap(), "status");
    prints(&logged.ours("status", &["--proof", &proof, "-o", "status.json"]));
    assert_eq!(logged.failed(&status).unwrap(), "status");
    assert_eq!(logged.failed(&["--policy", "policy"]), None);
    // A policy without the status log's key.
    let vkey = logged.0.text("state/vkey");
    let unknown = ["--vkey", vkey.trim(), "--status", "status.json"];
    assert_eq!(logged.failed(&unknown).unwrap(), "status");
    logged.ours("void", &["--proof", &proof, "--reason", "boredom"]).fails_with(2, &["correction"]);
}

#[test]
fn a_rolled_back_log_is_refused() {
    let logged = Logged::committed();
    copy(&logged.0.path("log"), &logged.0.path("copy"));
    logged.ours("commit", &["p.parquet", "--label", "second"]).succeeds();
    fs::rename(logged.0.path("log"), logged.0.path("true")).unwrap();
    fs::rename(logged.0.path("copy"), logged.0.path("log")).unwrap();
    logged.ours("commit", &["p.parquet", "--label", "third"]).fails_with(1, &["PR413"]);
    fs::remove_dir_all(logged.0.path("log")).unwrap();
    fs::rename(logged.0.path("true"), logged.0.path("log")).unwrap();
    logged.ours("commit", &["p.parquet", "--label", "third"]).succeeds();
    // A state that has not seen the log is asked for.
    fs::remove_file(logged.0.path("state/guard")).unwrap();
    logged.ours("commit", &["p.parquet", "--label", "fourth"]).fails_with(2, &["adopt"]);
    logged.ours("commit", &["p.parquet", "--label", "fourth", "--adopt"]).succeeds();
}

#[test]
fn a_commit_that_is_killed_again_and_again_commits_each_batch_once() {
    let logged = Logged::new();
    let place = &logged.0;
    fs::create_dir(place.path("spool")).unwrap();
    let batches = 120;
    for batch in 0..batches {
        let records = format!("{{\"batch\":{batch}}}\n{{\"batch\":{batch},\"second\":true}}\n");
        let output = format!("spool/{batch}.parquet");
        place.mint_with(&["-", "-o", &output], records.as_bytes());
    }
    let commit = ["commit", "spool", "--log", "log", "--state", "state"];
    let mut kills = 0;
    for millis in (5..).step_by(40) {
        let mut child = place.command(&commit).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        if child.try_wait().unwrap().is_some_and(|status| status.success()) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 3, "it was killed {kills} times");
    place.run(&commit).succeeds();
    place.run(&["log", "fsck", "log", "--state", "state"]).succeeds();
    let mut roots = Vec::new();
    for index in 0..batches {
        let index = index.to_string();
        let show = ["log", "show", "log", "--state", "state", "--entry", &index];
        let entry: Value = serde_json::from_str(&place.run(&show).succeeds()).unwrap();
        roots.push(entry["batch_root"].as_str().unwrap().to_owned());
    }
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), batches);
    let beyond = batches.to_string();
    place
        .run(&["log", "show", "log", "--state", "state", "--entry", &beyond])
        .fails_with(2, &["there is no entry"]);
}

#[test]
fn a_file_that_is_no_batch_does_not_keep_others_out() {
    let logged = Logged::new();
    let place = &logged.0;
    fs::create_dir(place.path("spool")).unwrap();
    for name in ["a", "c"] {
        let output = format!("spool/{name}.parquet");
        place.mint_with(&["-", "-o", &output], format!("{{\"{name}\":1}}\n").as_bytes());
    }
    place.write("spool/b.parquet", "nothing of the kind");
    let run = logged.ours("commit", &["spool"]);
    assert_eq!(run.code, Some(2));
    assert!(run.text().contains("2 committed, 0 known"), "{}", run.text());
    assert!(run.stderr.starts_with("error: cannot read spool/b.parquet as"), "{}", run.stderr);
}

#[test]
fn two_committers_at_once_commit_each_batch_once() {
    let logged = Logged::new();
    let place = &logged.0;
    for batch in 0..20 {
        let output = format!("{batch}.parquet");
        place.mint_with(&["-", "-o", &output], format!("{{\"batch\":{batch}}}\n").as_bytes());
    }
    let names: Vec<String> = (0..20).map(|batch| format!("{batch}.parquet")).collect();
    let args = |names: Vec<&String>| -> Vec<String> {
        let ours = ["--log", "log", "--state", "state"].map(String::from);
        ["commit".to_owned()].into_iter().chain(names.into_iter().cloned()).chain(ours).collect()
    };
    let run = |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        place.command(&args).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut children = [run(args(names.iter().collect())), run(args(names.iter().rev().collect()))];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let shown = place.run(&["log", "show", "log", "--state", "state", "--json"]).succeeds();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["size"], 20);
    place.run(&["log", "fsck", "log", "--state", "state"]).succeeds();
}

#[test]
fn receipts_of_a_whole_batch() {
    let logged = Logged::new();
    logged.ours("commit", &["p.parquet", "--receipts", "r.parquet"]).succeeds();
    let receipts = receipts(&logged.0.path("r.parquet"));
    assert_eq!(receipts.len(), COUNT);
    let policy = logged.0.text("policy");
    let mut held = 0;
    for record in numbered(COUNT).lines() {
        let hash = precise_core::proof::hash(record.as_bytes(), None);
        let spelled = precise_core::hex::format_hash(&hash);
        let receipt = receipts.iter().find(|receipt| receipt.contains(&spelled)).unwrap();
        let verdict = precise_core::verify::verify_receipt(&precise_core::verify::ReceiptRequest {
            record: record.as_bytes(),
            blind: None,
            receipt: receipt.as_bytes(),
            policy: policy.as_bytes(),
            kind: Some("records"),
            status: None,
        });
        held += usize::from(verdict.holds());
    }
    assert_eq!(held, COUNT);
}

#[test]
fn a_sealed_key_is_opened_by_its_passphrase_alone() {
    let place = Place::new();
    place.mint_with(&["-", "-o", "p.parquet"], numbered(3).as_bytes());
    for (name, text) in [("pass", "correct horse\n"), ("wrong", "battery staple\n")] {
        place.write(name, text);
        fs::set_permissions(place.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
    }
    let init = ["log", "init", "log", "--origin", ORIGIN, "--state", "state"];
    prints(&place.run(&[&init[..], &["--passphrase-file", "pass"]].concat()));
    for key in ["state/key", "state/status-key"] {
        let text = place.text(key);
        assert!(text.starts_with("-----BEGIN AGE") && !text.contains("PRIVATE"), "{text}");
    }
    let commit = ["commit", "p.parquet", "--log", "log", "--state", "state"];
    place.run(&commit).fails_with(2, &["passphrase"]);
    place.run(&[&commit[..], &["--passphrase-file", "wrong"]].concat()).fails_with(2, &["key"]);
    place.run(&[&commit[..], &["--passphrase-file", "pass"]].concat()).succeeds();
}

#[test]
fn a_new_machine_adopts_the_log_with_its_keys_and_voids() {
    let logged = Logged::committed();
    let place = &logged.0;
    logged.ours("void", &["--proof", &logged.proof(), "--reason", "correction"]).succeeds();
    fs::create_dir(place.path("new")).unwrap();
    for name in ["key", "status-key", "voids.ndjson"] {
        fs::copy(place.path("state").join(name), place.path("new").join(name)).unwrap();
    }
    let new = ["--log", "log", "--state", "new"];
    let commit = ["commit", "p.parquet", "--label", "second"];
    place.run(&[&commit[..], &new].concat()).fails_with(2, &["adopt"]);
    place.run(&[&commit[..], &new, &["--adopt"]].concat()).succeeds();
    let published = place.run(&[&["status", "--publish"], &new[..]].concat());
    assert!(published.stderr.starts_with("published that 1 are void"), "{}", published.stderr);
    place.run(&["log", "fsck", "log", "--state", "new"]).succeeds();
    // The old machine sees what the new one has published.
    logged.ours("commit", &["p.parquet", "--label", "third"]).succeeds();
    let log = ["--policy", "policy", "--status-log", "log", "--state", "new"];
    assert_eq!(logged.failed(&log).unwrap(), "status");
}

#[test]
fn monitors_find_forks() {
    let logged = Logged::committed();
    let place = &logged.0;
    let vkey = place.text("state/vkey");
    let monitor = ["log", "monitor", "log", "--vkey", vkey.trim(), "--seen", "seen"];
    assert!(place.run(&monitor).succeeds().contains("for the first time"));
    logged.ours("commit", &["p.parquet", "--label", "second"]).succeeds();
    assert!(place.run(&monitor).succeeds().contains("consistent with 1"));
    // The same key signs another history, with a state that knows nothing.
    fs::rename(place.path("log"), place.path("true")).unwrap();
    let init = ["log", "init", "log", "--origin", ORIGIN, "--state", "other", "--key", "state/key"];
    prints(&place.run(&init));
    place.mint_with(&["-", "-o", "q.parquet"], numbered(7).as_bytes());
    let other = ["--log", "log", "--state", "other", "--key", "state/key"];
    for label in ["a", "b", "c"] {
        let commit = ["commit", "q.parquet", "--label", label];
        place.run(&[&commit[..], &other].concat()).succeeds();
    }
    place.run(&monitor).fails_with(1, &["PR413"]);
    let evidence = fs::read_dir(place.path("seen.evidence")).unwrap().count();
    assert_eq!(evidence, 2);
}

#[test]
fn a_served_log_is_read_over_http() {
    let logged = Logged::committed();
    let place = &logged.0;
    let server = Server::start(place);
    let url = server.url();
    let vkey = place.text("state/vkey");
    place.run(&["log", "fsck", &url, "--vkey", vkey.trim()]).succeeds();
    place.run(&["log", "monitor", &url, "--vkey", vkey.trim(), "--seen", "seen"]).succeeds();
    assert_eq!(logged.failed(&["--policy", "policy", "--status-log", &url]), None);
    drop(server);
    place.run(&["log", "fsck", &url, "--vkey", vkey.trim()]).fails_with(2, &["cannot"]);
}

/// `precise log serve`, which ends with the test, however that ends.
struct Server<'a> {
    place: &'a Place,
    child: Child,
}

impl<'a> Server<'a> {
    fn start(place: &'a Place) -> Self {
        let mut command = place.command(&["log", "serve", "log", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(place.path("said")).unwrap());
        let server = Self { place, child: command.spawn().unwrap() };
        wait_until("the server listens", || place.text("said").contains("http://"));
        server
    }

    fn url(&self) -> String {
        let said = self.place.text("said");
        said.split_whitespace().last().unwrap().to_owned()
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_wrong_is_said() {
    let logged = Logged::committed();
    let place = &logged.0;
    // There is a log already; its key is another's; there is none.
    let init = ["log", "init", "log", "--origin", ORIGIN, "--state", "state"];
    place.run(&init).fails_with(2, &["already"]);
    let elsewhere = ["log", "init", "z", "--origin", ORIGIN, "--state", "state"];
    place.run(&elsewhere).fails_with(2, &["--state"]);
    place
        .run(&["log", "init", "x", "--origin", "two words", "--state", "s"])
        .fails_with(2, &["white space"]);
    place
        .run(&[
            "log",
            "init",
            "y",
            "--origin",
            "other.example",
            "--state",
            "t",
            "--key",
            "state/key",
        ])
        .fails_with(2, &["is of example.com/log"]);
    place.run(&["log", "show", "nowhere", "--state", "state"]).fails_with(2, &["no log at"]);
    place.run(&["log", "show", "log", "--state", "empty"]).fails_with(2, &["--vkey"]);
    let vkey = place.text("state/status-vkey");
    place.run(&["log", "show", "log", "--vkey", vkey.trim()]).fails(1);
    // Sources that have no batch.
    logged.ours("commit", &["missing.parquet"]).fails_with(2, &["missing.parquet"]);
    fs::create_dir(place.path("nothing")).unwrap();
    logged.ours("commit", &["nothing"]).fails_with(2, &["no Parquet file"]);
    logged.ours("commit", &["record.json"]).fails_with(2, &["record.json"]);
    logged.ours("commit", &["p.parquet", "--column", "proof_id"]).fails(2);
    logged.ours("commit", &["p.parquet", "--label", ""]).fails_with(2, &["--label"]);
    logged.ours("commit", &["p.parquet", "--blinded"]).fails_with(2, &["are not blinded"]);
    place.write("e.ndjson", "{}");
    logged.ours("commit", &["e.ndjson"]).fails_with(2, &["precise mint"]);
    let nowhere = ["p.parquet", "--label", "new", "--receipts", "no/where.parquet"];
    logged.ours("commit", &nowhere).fails_with(2, &["no/where.parquet"]);
    let shown = place.run(&["log", "show", "log", "--state", "state"]).succeeds();
    assert!(shown.contains("size    1\n"), "nothing was committed: {shown}");
    // Proofs that are nowhere, and policies that are none.
    let other = "prf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    logged.ours("receipt", &["--proof", other]).fails_with(2, &["--batch"]);
    logged
        .ours("receipt", &["--proof", other, "--batch", "p.parquet"])
        .fails_with(2, &["is not among"]);
    let verify = ["verify", "--record", "record.json", "--receipt", "receipt.json"];
    place.run(&verify).fails_with(2, &["--policy"]);
    place.run(&[&verify[..], &["--policy", "absent"]].concat()).fails_with(2, &["absent"]);
    place.run(&[&verify[..], &["--vkey", "nonsense"]].concat()).fails_with(1, &["PR401"]);
    place
        .run(&[&verify[..], &["--policy", "policy", "--max-age", "1 day"]].concat())
        .fails_with(2, &["24h"]);
    // An age says nothing without a status.
    place
        .run(&[&verify[..], &["--policy", "policy", "--max-age", "1h"]].concat())
        .fails_with(2, &["--status"]);
    place.run(&["committer", "--config", "absent.toml"]).fails_with(2, &["absent.toml"]);
}

/// What a command that also tells people something printed.
fn prints(run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run.text().to_owned()
}

fn receipts(path: &Path) -> Vec<String> {
    let file = fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader
        .flat_map(|batch| {
            let column = batch.unwrap().column_by_name("receipt").unwrap().clone();
            let texts = column.as_string::<i32>();
            texts.iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}
