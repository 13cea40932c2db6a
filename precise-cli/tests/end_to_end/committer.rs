//! `precise committer`, with a folder as its source.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::{Place, numbered, wait_for, wait_until};

/// A log, a spool, and the committer that runs over them.
struct Running {
    place: Place,
    child: Option<Child>,
}

impl Running {
    fn new() -> Self {
        let place = Place::new();
        let init = ["log", "init", "log", "--origin", "example.com/log", "--state", "state"];
        let run = place.run(&[&init[..], &["--policy", "policy"]].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        fs::create_dir(place.path("spool")).unwrap();
        place.write(
            "committer.toml",
            "log = \"log\"\nstate = \"state\"\n[status]\ninterval = \"1s\"\n\
             [listen]\naddress = \"127.0.0.1:0\"\n\
             [[source]]\nfiles = { folder = \"spool\", label = \"events\" }\n",
        );
        let mut running = Self { place, child: None };
        running.start();
        running
    }

    fn start(&mut self) {
        let mut command = self.place.command(&["committer", "--config", "committer.toml"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(self.place.path("said")).unwrap());
        self.child = Some(command.spawn().unwrap());
        wait_until("the committer is ready", || self.place.text("said").contains("is ready"));
    }

    /// Moves proofs of these records into the spool.
    fn spool(&self, name: &str, records: &str) {
        self.place.mint_with(&["-", "-o", "minted.parquet"], records.as_bytes());
        self.drop_in(name, "minted.parquet");
    }

    fn drop_in(&self, name: &str, file: &str) {
        fs::rename(self.place.path(file), self.place.path("spool").join(name)).unwrap();
    }

    fn wait_for_file(&self, name: &str) {
        wait_until(name, || self.place.path(name).exists());
    }

    fn get(&self, path: &str) -> String {
        let said = self.place.text("said");
        let ready: Value = said.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap();
        let address = ready["metrics"].as_str().unwrap().to_owned();
        let address = address.trim_start_matches("http://").trim_end_matches("/metrics");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks it to end as an init system does.
    fn end(&mut self) {
        let child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let run = wait_for(child);
        assert_eq!(run.code, Some(0), "{}", self.place.text("said"));
    }

    fn log_size(&self) -> u64 {
        let show = ["log", "show", "log", "--state", "state", "--json"];
        let shown: Value = serde_json::from_str(&self.place.run(&show).succeeds()).unwrap();
        shown["size"].as_u64().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn files_that_are_moved_in_are_committed_or_refused() {
    let mut running = Running::new();
    running.spool("first.parquet", &numbered(10));
    running.wait_for_file("spool/committed/first.parquet");
    running.place.write("garbage", "PAR1, but no more of it");
    running.drop_in("garbage.parquet", "garbage");
    running.wait_for_file("spool/refused/garbage.parquet.reason");
    assert!(running.place.text("spool/refused/garbage.parquet.reason").contains("as Parquet"));
    // What is refused does not stop what comes behind it. A name may come again.
    running.spool("first.parquet", "{\"second\":true}\n");
    running.wait_for_file("spool/committed/first.2.parquet");

    let metrics = running.get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(metrics.contains("precise_"), "{metrics}");
    let health = running.get("/health");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(running.get("/elsewhere").starts_with("HTTP/1.1 404"));
    running.end();
    assert_eq!(running.log_size(), 2);
    running.place.run(&["log", "fsck", "log", "--state", "state"]).succeeds();

    // A receipt of what it committed, with its status, which it publishes each second.
    running.place.write("record.json", "{\"i\":3}");
    let proof = running.place.run(&["proof", "record.json"]).succeeds();
    let proof: Value = serde_json::from_str(&proof).unwrap();
    let place =
        ["--log", "log", "--state", "state", "--proof", proof["proof_id"].as_str().unwrap()];
    running.place.run(&[&["receipt", "-o", "receipt.json"], &place[..]].concat()).succeeds();
    let verify = ["verify", "--record", "record.json", "--receipt", "receipt.json"];
    let status = ["--policy", "policy", "--status-log", "log", "--max-age", "1h"];
    let verdict = running.place.run(&[&verify[..], &status].concat()).succeeds();
    assert!(verdict.ends_with("verdict: true\n"), "{verdict}");
}

#[test]
fn a_committer_that_is_killed_goes_on_where_it_was() {
    let mut running = Running::new();
    let batches = 40;
    for round in 0..4 {
        for batch in 0..batches / 4 {
            let name = format!("{round}-{batch}.parquet");
            running.spool(&name, &format!("{{\"round\":{round},\"batch\":{batch}}}\n"));
        }
        let mut child = running.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        running.start();
    }
    wait_until("the spool is empty", || {
        let committed = running.place.path("spool/committed");
        fs::read_dir(committed).is_ok_and(|files| files.count() == batches)
    });
    running.end();
    assert_eq!(running.log_size(), batches as u64);
    running.place.run(&["log", "fsck", "log", "--state", "state"]).succeeds();
}
