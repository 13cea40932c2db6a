//! Ctrl-C and worse in the middle of long work: nothing half-written under a final name.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::common::{Place, numbered, numbered_proofs, wait_for, wait_until};

const MESSAGE: &str = "interrupted; no output was written\n";

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

/// A mint that is under way: its temporary file is there, and it is fed without end.
fn endless_mint(place: &Place) -> (Child, thread::JoinHandle<()>) {
    let mut child = place.start(&["mint", "-", "-o", "out.parquet"]);
    let mut stdin = child.stdin.take().unwrap();
    let (fed, seen) = std::sync::mpsc::channel();
    let feeder = thread::spawn(move || {
        let lines = numbered(100_000);
        while stdin.write_all(lines.as_bytes()).is_ok() {
            let _ = fed.send(());
        }
    });
    for _ in 0..3 {
        seen.recv().unwrap();
    }
    wait_until("a temporary file", || place.names().iter().any(|n| n.starts_with(".precise-")));
    (child, feeder)
}

#[test]
fn ctrl_c_in_the_middle_of_a_mint_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let place = Place::new();
        let (child, feeder) = endless_mint(&place);
        send(signal, &child);
        let stderr = wait_for(child).fails(130);
        feeder.join().unwrap();
        assert_eq!(stderr, MESSAGE);
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

#[test]
fn ctrl_c_keeps_the_output_of_an_earlier_run() {
    let place = Place::new();
    place.write("out.parquet", "old proofs");
    place.write("out.rejects.ndjson", "old rejects");
    let (child, feeder) = endless_mint(&place);
    send("-INT", &child);
    wait_for(child).fails(130);
    feeder.join().unwrap();
    assert_eq!(place.names(), ["out.parquet", "out.rejects.ndjson"]);
    assert_eq!(place.text("out.parquet"), "old proofs");
    assert_eq!(place.text("out.rejects.ndjson"), "old rejects");
}

#[test]
fn a_kill_leaves_nothing_under_the_final_name_and_the_next_run_succeeds() {
    let place = Place::new();
    let (mut child, feeder) = endless_mint(&place);
    child.kill().unwrap();
    let run = wait_for(child);
    feeder.join().unwrap();
    assert_eq!(run.code, None, "it did not end by itself: {run:?}");
    assert!(!place.names().contains(&"out.parquet".to_owned()));
    place.mint_with(&["-", "-o", "out.parquet"], numbered(100).as_bytes());
    assert_eq!(place.proofs("out.parquet"), numbered_proofs(100));
}

#[test]
fn ctrl_c_in_the_middle_of_a_sample_leaves_nothing() {
    for name in ["out.ndjson", "out.ndjson.zst", "out.parquet"] {
        let place = Place::new();
        let child = place.start(&["sample", "--events", "1000000000000", "-o", name]);
        wait_until("a temporary file", || !place.names().is_empty());
        send("-INT", &child);
        assert_eq!(wait_for(child).fails(130), MESSAGE);
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

#[test]
fn ctrl_c_ends_a_command_that_waits_for_its_input() {
    for args in [&["mint", "-", "-o", "out.parquet"][..], &["canonical"]] {
        let place = Place::new();
        let mut command = place.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let hold = child.stdin.take().unwrap();
        if args[0] == "mint" {
            wait_until("a temporary file", || !place.names().is_empty());
        }
        // It has begun to read by now, or begins in a moment: either way nothing comes.
        thread::sleep(std::time::Duration::from_millis(200));
        send("-INT", &child);
        assert_eq!(wait_for(child).fails(130), MESSAGE);
        assert!(place.names().is_empty(), "{:?}", place.names());
        drop(hold);
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_demo_removes_its_directory() {
    let place = Place::new();
    let mut command = place.command(&["demo", "--events", "1000000000000"]);
    command.env("TMPDIR", place.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until("a temporary directory", || !place.names().is_empty());
    send("-INT", &child);
    assert_eq!(wait_for(child).fails(130), MESSAGE);
    assert!(place.names().is_empty(), "{:?}", place.names());
}
