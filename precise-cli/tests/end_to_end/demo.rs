//! `precise demo`: what it shows can be repeated by hand.

use std::process::Command;

use crate::common::Place;

#[test]
fn shows_every_step_and_leaves_nothing_behind() {
    let place = Place::new();
    std::fs::create_dir(place.path("tmp")).unwrap();
    let mut command = place.command(&["demo", "--events", "200"]);
    let output = command.env("TMPDIR", place.path("tmp")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
    for step in ["1. ", "2. ", "3. ", "4. ", "5. ", "6. ", "7. ", "8. ", "9. "] {
        assert!(text.lines().any(|line| line.starts_with(step)), "{step} in {text}");
    }
    assert!(text.contains("Sampled 200 ad events"), "{text}");
    assert!(text.contains("the receipt and the log's key: verdict true."), "{text}");
    assert!(text.contains("another price: verdict false, at step proof."), "{text}");
    assert!(text.contains("counts in the published total: verdict true."), "{text}");
    assert!(text.contains("with a cent more: verdict false, at step sum."), "{text}");
    assert_eq!(place.names(), ["tmp"]);
    assert!(std::fs::read_dir(place.path("tmp")).unwrap().next().is_none());
}

#[test]
fn the_files_it_keeps_verify_with_the_commands_it_prints() {
    let place = Place::new();
    let text = place.run(&["demo", "--events", "300", "--keep", "new/dir"]).succeeds();
    let mut names: Vec<String> = std::fs::read_dir(place.path("new/dir"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "event.json",
            "events.ndjson",
            "log",
            "policy",
            "proof.json",
            "proofs.parquet",
            "receipt.json",
            "state",
            "statement-line.json",
            "statement.json"
        ]
    );
    let (_, commands) = text.split_once("without Precise:\n").unwrap();
    let (canonical, commands) = commands.split_once(" | b3sum\n").unwrap();
    let (verify, verify_line) = commands.split_once("--explain\n").unwrap();
    let run = |command: &str| {
        // As in a shell in which `precise` is on the path.
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_precise"));
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(place.path("."));
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", binary.parent().unwrap().display()));
        let output = shell.output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]), "{command}");
        output.stdout
    };
    let id = precise_core::proof::format_id(blake3::hash(&run(canonical)).as_bytes());
    assert!(text.contains(&format!("   proof   {id}\n")), "{id} in {text}");
    assert!(verify.contains("\\\n"), "it is one command over two lines");
    assert!(run(verify).ends_with(b"verdict: true\n"));
    let verdict = String::from_utf8(run(verify_line)).unwrap();
    assert_eq!(verdict.matches("\nok  ").count(), 4, "{verdict}");
    assert!(verdict.ends_with("verdict: true\n"), "{verdict}");
    // A second time into the same directory: the log goes on.
    let text = place.run(&["demo", "--events", "1", "--keep", "new/dir"]).succeeds();
    assert!(text.contains("an entry each, 3 so far"), "{text}");
    assert_eq!(place.text("new/dir/events.ndjson").lines().count(), 1);
}

#[test]
fn a_demo_needs_an_event_and_a_place() {
    let place = Place::new();
    place.run(&["demo", "--events", "0"]).fails_with(2, &["--events"]);
    place.write("plain", "");
    place
        .run(&["demo", "--events", "1", "--keep", "plain"])
        .fails_with(2, &["cannot write plain: "]);
}
