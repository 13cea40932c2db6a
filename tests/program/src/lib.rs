//! Running one of our programs in a test: a directory of its own, a run to its end, a look at what
//! it said. What only one program's tests need stands there.

#![allow(clippy::missing_panics_doc, reason = "a test that cannot go on panics; that is how")]

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How often a test looks, and sleeps a little, before it gives up: it may be slow but never hang.
const LOOKS: usize = 12_000;
const PAUSE: Duration = Duration::from_millis(5);

/// A directory of the test's own, in which the program runs: plain names are files there.
#[derive(Debug)]
pub struct Place {
    program: &'static str,
    directory: TempDir,
}

impl Place {
    /// One for this program.
    pub fn new(program: &'static str) -> Self {
        Self { program, directory: tempfile::tempdir().unwrap() }
    }

    /// Where the file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Reads a file of text.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Every name in the directory, hidden ones too: temporary files are hidden.
    pub fn names(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> =
            fs::read_dir(self.path(".")).unwrap().map(name).collect::<Result<_, _>>().unwrap();
        names.sort();
        names
    }

    /// The program with these arguments, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(args).current_dir(self.path(".")).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts it with pipes on all sides.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, b"")
    }

    /// As [`run`](Self::run), with this as standard input.
    pub fn run_with(&self, args: &[&str], stdin: &[u8]) -> Run {
        let mut child = self.start(args);
        let mut pipe = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // A program that ends early closes its side; what it says is what counts.
            scope.spawn(move || drop(pipe.write_all(stdin)));
            Run::from(child.wait_with_output().unwrap())
        })
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output, which may be a Parquet file.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code(), stdout: output.stdout, stderr }
    }
}

impl Run {
    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.stdout).unwrap()
    }

    /// Exit code 0 and nothing to complain about; what was printed.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        String::from_utf8(self.stdout).unwrap()
    }

    /// This exit code and nothing on standard output; what was complained about.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(String::from_utf8_lossy(&self.stdout), "", "{}", self.stderr);
        self.stderr
    }

    /// As [`fails`](Self::fails), and each of `words` is in the complaint.
    #[track_caller]
    pub fn fails_with(self, code: i32, words: &[&str]) {
        let stderr = self.fails(code);
        assert!(stderr.starts_with("error: "), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "{word:?} is missing in {stderr}");
        }
    }
}

/// Waits until `done`.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if done() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("waited in vain: {what}");
}

/// Waits for a process to end; one that does not is killed.
#[track_caller]
pub fn wait_for(mut child: Child) -> Run {
    for _ in 0..LOOKS {
        if child.try_wait().unwrap().is_some() {
            return Run::from(child.wait_with_output().unwrap());
        }
        thread::sleep(PAUSE);
    }
    child.kill().unwrap();
    panic!("the process did not end: {:?}", Run::from(child.wait_with_output().unwrap()));
}

/// Says past the harness, which shows no output of tests that pass, what was not tested.
pub fn skipped(what: &str) {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "SKIPPED: {what}").unwrap();
}
