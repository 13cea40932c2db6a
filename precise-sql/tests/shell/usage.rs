//! The command line itself.

use std::fs;
use std::process::Command;

use crate::common::Place;

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    let help = place.run(&["--help"]).succeeds();
    for word in ["COPY", "INSERT INTO", "130 interrupted", "Examples:", "--memory-limit", "0x"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(place.run(&["--version"]).succeeds().starts_with("precise-sql "));
}

#[test]
fn wrong_usage_is_2() {
    let place = Place::new();
    place.write("x.sql", "SELECT 1");
    for (args, word) in [
        (&["--nope"][..], "--nope"),
        (&["x.sql"], "x.sql"),
        (&["-c"], "--command"),
        (&["-f", "-", "-f", "-"], "only once"),
        (&["--format", "xml"], "xml"),
        (&["--threads", "0"], "0"),
        (&["--memory-limit", "0"], "a size such as"),
        (&["--memory-limit", "4X"], "the units are"),
        (&["--memory-limit", ""], "a size such as"),
        (&["--memory-limit", "99999999999T"], "a size such as"),
        (&["--memory-pool", "fair"], "--memory-limit"),
    ] {
        let stderr = place.run(args).fails(2);
        assert!(stderr.contains(word), "{args:?}: {stderr}");
    }
}

#[test]
fn a_script_that_cannot_be_read_is_2() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    let run = |file: &str| place.run(&["-f", file]).fails(2);
    assert_eq!(run("nope.sql"), "error: cannot read nope.sql: no such file or directory\n");
    assert_eq!(run("folder"), "error: cannot read folder: it is a directory\n");
    let json = place.run(&["--json", "-f", "nope.sql"]).fails(2);
    let message = "cannot read nope.sql: no such file or directory";
    assert_eq!(json, format!("{{\"error\":{{\"message\":\"{message}\"}}}}\n"));
}

#[test]
fn sizes_have_units() {
    let place = Place::new();
    for size in ["1000000", "64M", "64m", "1G", "1T", "4096K"] {
        place.run(&["--memory-limit", size, "-c", "SELECT 1"]).succeeds();
    }
}

#[test]
fn pipes_get_no_greeting_counts_or_colour() {
    let place = Place::new();
    let run = place.run_with(&["--format", "csv"], b"SELECT 1 AS a");
    assert_eq!(run.succeeds(), "a\n1\n");
    let mut command = place.command(&["--nope"]);
    let output = command.env("NO_COLOR", "1").output().unwrap();
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn it_needs_no_home() {
    let place = Place::new();
    let mut command: Command = place.command(&["-c", "SELECT 1 AS a"]);
    command.env_clear();
    assert!(command.output().unwrap().status.success());
}
