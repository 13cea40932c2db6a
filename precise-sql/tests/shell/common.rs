//! What every test needs: a directory of its own, a run of the binary, a look at what it said.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A directory of the test's own, in which the binary runs: plain names are files there.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every name in the directory, hidden ones too: temporary files are hidden.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> =
            fs::read_dir(self.0.path()).unwrap().map(name).collect::<Result<_, _>>().unwrap();
        names.sort();
        names
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precise-sql"));
        command.args(args).current_dir(self.0.path()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts it with pipes on all sides.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Run {
        let mut child = self.start(args);
        let mut pipe = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // A shell that ends early closes its side; what it says is what counts.
            scope.spawn(move || drop(pipe.write_all(stdin)));
            Run::from(child.wait_with_output().unwrap())
        })
    }

    /// Runs one text of SQL.
    pub(crate) fn sql(&self, sql: &str) -> Run {
        self.run(&["-c", sql])
    }

    /// The rows of one text of SQL, which must go well and quietly.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        objects(&self.run(&["--json", "-c", sql]).succeeds())
    }

    /// A Parquet file of the query's rows.
    #[track_caller]
    pub(crate) fn copy(&self, query: &str, name: &str) {
        self.sql(&format!("COPY ({query}) TO '{name}'")).succeeds();
    }
}

/// A JSON value for each line.
#[track_caller]
pub(crate) fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Exit code 0 and nothing to complain about; what was printed.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        self.stdout
    }

    /// This exit code and nothing on standard output; what was complained about.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{}", self.stderr);
        self.stderr
    }

    /// As [`fails`](Self::fails), and each of `words` is in the complaint.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32, words: &[&str]) {
        let stderr = self.fails(code);
        assert!(stderr.starts_with("error: "), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "{word:?} is missing in {stderr}");
        }
    }
}

/// Waits until `done`, and fails after a minute: a test may be slow but never hang.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a process to end, as [`wait_until`]; one that does not is killed.
#[track_caller]
pub(crate) fn wait_for(mut child: Child) -> Run {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_mins(1) {
            child.kill().unwrap();
            panic!("the process did not end: {:?}", Run::from(child.wait_with_output().unwrap()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Run::from(child.wait_with_output().unwrap())
}

/// Says past the harness, which shows no output of tests that pass, what was not tested.
pub(crate) fn skipped(what: &str) {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "SKIPPED: {what}").unwrap();
}
