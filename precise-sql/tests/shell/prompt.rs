//! The prompt, on a terminal that `script` makes.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{Place, skipped, wait_until};

/// A shell at a terminal: what is typed, and what is on the screen.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts one with its home in `place`. None where there is no `script`.
    fn open(place: &Place, args: &str) -> Option<Self> {
        let shell = env!("CARGO_BIN_EXE_precise-sql");
        let mut command = Command::new("script");
        command
            // `exec`, so that Ctrl-C reaches nobody else: dash would end with it as well.
            .args(["--quiet", "--return", "--command"])
            .args([&format!("exec '{shell}' {args}"), "/dev/null"])
            .current_dir(place.path("."))
            .env("HOME", place.path("."))
            .env_remove("XDG_STATE_HOME")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            skipped("the prompt: `script` is not installed");
            return None;
        };
        let screen = Arc::new(Mutex::new(Vec::new()));
        let mut stdout = child.stdout.take().unwrap();
        let to = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                to.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        let keys = child.stdin.take().unwrap();
        let mut terminal = Self { child, keys, screen, seen: 0 };
        terminal.sees("precise> ");
        Some(terminal)
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a text behind what was seen before.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        wait_until(text, || {
            let screen = self.screen.lock().unwrap();
            let found = screen[self.seen..].windows(text.len()).position(|w| w == text.as_bytes());
            if let Some(at) = found {
                self.seen += at + text.len();
            }
            found.is_some()
        });
    }

    /// Enters a line and waits for what it brings, and for the prompt.
    #[track_caller]
    fn enters(&mut self, line: &str, text: &str) {
        self.types(&format!("{line}\r"));
        self.sees(text);
        self.sees("precise> ");
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) -> String {
        let mut status = None;
        wait_until("the end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let screen = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
        assert_eq!(status.and_then(|status| status.code()), Some(code), "{status:?}: {screen}");
        screen
    }
}

#[test]
fn statements_take_as_many_lines_as_they_need() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::open(&place, "") else { return };
    terminal.enters("SELECT 40 + 2 AS x;", "| 42 |");
    terminal.types("SELECT 'a;\r");
    terminal.types("b' || 'c'\r");
    terminal.enters(" AS t; -- done", "| bc |");
    terminal.enters("SELECT 1; SELECT 'two' AS t;", "| two |");
    terminal.enters("help", r"\df NAME");
    terminal.enters(r"\df abs", "absolute value");
    terminal.enters(r"\nope", "error: there is no command");
    terminal.enters("SELECT nope;", "error: Schema error");
    terminal.enters("SELECT (1;", "error: SQL error");
    terminal.enters("", "\n");
    terminal.types("SELECT half a line\u{3}");
    terminal.sees("precise> ");
    terminal.enters("SELECT 'still' || ' here' AS t;", "| still here |");
    terminal.types("\u{4}");
    let screen = terminal.ends_with(0);
    assert!(screen.contains(" on DataFusion "), "{screen}");
    assert!(screen.contains("1 row, 0."), "{screen}");
}

#[test]
fn ctrl_c_gives_up_the_query_and_keeps_the_session() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::open(&place, "--quiet") else { return };
    terminal.enters("CREATE VIEW v AS SELECT 'kept' AS k; SELECT 'made' AS m;", "| made |");
    terminal.types(
        "SELECT 'begun' AS b; SELECT max(md5(value::text)) FROM generate_series(1, 9999999999);\r",
    );
    terminal.sees("| begun |");
    thread::sleep(std::time::Duration::from_millis(300));
    terminal.types("\u{3}");
    terminal.sees("interrupted");
    terminal.sees("precise> ");
    terminal.enters("SELECT k FROM v;", "| kept |");
    terminal.types("\\q\r");
    let screen = terminal.ends_with(0);
    assert!(!screen.contains("DataFusion") && !screen.contains("rows"), "{screen}");
}

#[test]
fn lines_are_remembered_but_for_those_after_a_blank() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::open(&place, "") else { return };
    terminal.enters("SELECT 1 AS remembered;", "| remembered |");
    terminal.enters(" SELECT 2 AS secret;", "| secret |");
    terminal.types("\\q\r");
    terminal.ends_with(0);
    let history = place.text(".local/state/precise/sql_history");
    assert!(history.contains("remembered") && !history.contains("secret"), "{history}");
    let mode = {
        use std::os::unix::fs::PermissionsExt;
        let path = place.path(".local/state/precise/sql_history");
        fs::metadata(path).unwrap().permissions().mode()
    };
    assert_eq!(mode & 0o077, 0, "nobody else reads it");
    let Some(mut terminal) = Terminal::open(&place, "") else { return };
    terminal.enters("\u{1b}[A\u{1b}[A", "| remembered |");
    terminal.types("\u{4}");
    terminal.ends_with(0);
}
