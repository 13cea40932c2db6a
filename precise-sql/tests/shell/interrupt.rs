//! Ctrl-C and a polite kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command};
use std::thread;
use std::time::Duration;

use crate::common::{Place, wait_for};

pub(crate) fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

/// Hands over `sql`, which answers `{"a":1}` at first, and sends a signal a little later. What was
/// printed after the answer, and complained about.
fn interrupted(signal: &str, sql: &str) -> (String, String) {
    let place = Place::new();
    let mut child = place.start(&["--json", "--memory-limit", "1G"]);
    let mut stdin: ChildStdin = child.stdin.take().unwrap();
    stdin.write_all(sql.as_bytes()).unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"a\":1}\n");
    thread::sleep(Duration::from_millis(300));
    send(signal, &child);
    let run = wait_for(child);
    assert_eq!(run.code, Some(130), "{run:?}");
    line.clear();
    stdout.read_to_string(&mut line).unwrap();
    drop(stdin);
    (line, run.stderr)
}

#[test]
fn a_running_query_ends_and_none_follows() {
    for (signal, endless) in [
        ("-INT", "SELECT count(DISTINCT md5(value::text)) FROM generate_series(1, 100000000000)"),
        ("-TERM", "SELECT max(md5(value::text)) FROM generate_series(1, 100000000000)"),
    ] {
        let sql = format!("SELECT 1 AS a; {endless}; SELECT 2 AS b;\n");
        assert_eq!(interrupted(signal, &sql), (String::new(), "interrupted\n".into()));
    }
}

#[test]
fn a_shell_that_waits_for_its_input_ends() {
    let sql = "SELECT 1 AS a;\n";
    assert_eq!(interrupted("-INT", sql), (String::new(), "interrupted\n".into()));
}
