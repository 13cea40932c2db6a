//! PostgreSQL under test: a private server with the extension in it, and `psql` to ask it.
//!
//! The server is a copy of the installed one in a folder of the test's own, with its own socket and
//! no port, so that no test touches the machine's. `make test` builds the extension's library and
//! says where it is in `PRECISE_PG_LIBRARY`; without it the tests say that they skip.

#![allow(clippy::missing_panics_doc, reason = "a test that cannot go on panics; that is how")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use program::skipped;
use tempfile::TempDir;

/// Where Debian has the version that is tested on every run.
const PG_CONFIG: &str = "/usr/lib/postgresql/15/bin/pg_config";

/// The account under which the server runs where the tests are root's: it refuses to be root.
const ACCOUNT: &str = "postgres";

/// A running server, with a database in which the extension is not yet created.
#[derive(Debug)]
pub struct Server {
    home: TempDir,
    bin: PathBuf,
    is_root: bool,
}

/// The server that the tests of one program have in common, while one of them has it.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The one that other tests of this program use already, or else a new one; it ends with the
    /// last of them. None as for [`start`](Self::start).
    pub fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// A session in a new database, in which the extension is created.
    pub fn database(&self, name: &str) -> Session {
        self.session("postgres").run(&format!("CREATE DATABASE {name}"));
        let mut session = self.session(name);
        session.run("CREATE EXTENSION pg_precise");
        session
    }

    /// Starts one. None, and a word about it, where there is nothing to start.
    pub fn start() -> Option<Self> {
        let Some(library) = env::var_os("PRECISE_PG_LIBRARY") else {
            skipped("PostgreSQL: no PRECISE_PG_LIBRARY (make test builds it)");
            return None;
        };
        let pg_config = env::var("PRECISE_PG_CONFIG").unwrap_or_else(|_| PG_CONFIG.into());
        let home = tempfile::Builder::new().prefix("precise-pg.").tempdir().unwrap();
        let place = |asked: &str| {
            let printed = Command::new(&pg_config).arg(asked).output();
            let printed = printed.unwrap_or_else(|error| panic!("{pg_config}: {error}"));
            PathBuf::from(String::from_utf8(printed.stdout).unwrap().trim())
        };
        // A server finds its files from where its program is, if both moved alike.
        let copied = |from: &Path| {
            let to = home.path().join("server").join(from.strip_prefix("/").unwrap_or(from));
            run(Command::new("mkdir").arg("-p").arg(to.parent().unwrap()));
            run(Command::new("cp").arg("-r").arg(from).arg(&to));
            to
        };
        let (bin, library_folder) = (place("--bindir"), place("--pkglibdir"));
        let share = copied(&place("--sharedir"));
        // Debian has the programs and the libraries in one folder of the version.
        let version = bin.parent().unwrap();
        let version_copy = copied(version);
        let bin = version_copy.join("bin");
        let library_folder = version_copy.join(library_folder.strip_prefix(version).unwrap());
        fs::copy(library, library_folder.join("pg_precise.so")).unwrap();
        let extension = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pg_precise");
        run(Command::new("cp")
            .arg(extension.join("pg_precise.control"))
            .arg(extension.join("pg_precise--0.1.0.sql"))
            .arg(share.join("extension")));
        let is_root = fs::metadata("/proc/self").is_ok_and(|meta| {
            use std::os::unix::fs::MetadataExt;
            meta.uid() == 0
        });
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { home, bin, is_root };
        for folder in ["data", "socket"] {
            fs::create_dir(server.path(folder)).unwrap();
        }
        if is_root {
            run(Command::new("chown")
                .arg(ACCOUNT)
                .args([server.path("data"), server.path("socket")]));
        }
        let mut init = server.command("initdb");
        init.arg("-D").arg(server.path("data"));
        init.args(["-E", "UTF8", "--locale", "C.UTF-8", "-A", "trust", "-N", "-U", ACCOUNT]);
        run(&mut init);
        server.resume();
        Some(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A program of the server's, under the account that may own one.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if self.is_root {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // A backtrace would stand in an error's detail.
        command.current_dir(self.home.path()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts it again.
    pub fn resume(&self) {
        let socket = self.path("socket");
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", socket.display());
        let mut start = self.command("pg_ctl");
        start.arg("-D").arg(self.path("data")).args(["-w", "-o", &options, "start"]);
        start.arg("-l").arg(socket.join("log"));
        run(&mut start);
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(self.path("data")).args(["-m", "immediate", "-w", "stop"]);
        run(&mut stop);
    }

    /// `psql` on a database, quiet, one value a line and nothing around it.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-U", ACCOUNT, "-d", database, "-h"]);
        psql.arg(self.path("socket"));
        psql
    }

    /// A database as a script, as `pg_dump` writes it.
    pub fn dump(&self, database: &str) -> String {
        let mut dump = self.command("pg_dump");
        dump.args(["-U", ACCOUNT, "-d", database, "-h"]).arg(self.path("socket"));
        let output = dump.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "pg_dump of {database}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a script in a database, up to its first error: what it prints, or that error.
    pub fn load(&self, database: &str, script: &str) -> Result<String, String> {
        let mut psql = self.psql(database);
        psql.args(["-v", "ON_ERROR_STOP=1", "-f", "-"]);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        let script = script.to_owned();
        // It may end before it has read all of it.
        let writer = std::thread::spawn(move || to.write_all(script.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// A session in a database.
    pub fn session(&self, database: &str) -> Session {
        let mut child = self
            .psql(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Session { child, to, from }
    }

    /// A file that the server may read, and with this mode: its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        if self.is_root {
            run(Command::new("chown").arg(ACCOUNT).arg(&path));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// A hot standby that follows this one.
    #[must_use]
    pub fn standby(&self) -> Self {
        let home = tempfile::Builder::new().prefix("precise-pg.").tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let standby = Self { home, bin: self.bin.clone(), is_root: self.is_root };
        for folder in ["data", "socket"] {
            let folder = standby.path(folder);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
            if self.is_root {
                run(Command::new("chown").arg(ACCOUNT).arg(&folder));
            }
        }
        let mut copy = self.command("pg_basebackup");
        copy.args(["-U", ACCOUNT, "-h"]).arg(self.path("socket")).arg("-D");
        copy.arg(standby.path("data")).args(["-R", "-c", "fast", "--no-sync"]);
        run(&mut copy);
        standby.resume();
        standby
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(self.path("data")).args(["-m", "immediate", "stop"]);
        // It may have ended already.
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A session that lasts: settings and transactions go on from one statement to the next.
#[derive(Debug)]
pub struct Session {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// What a statement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An error: its SQLSTATE, and its message.
    Error(String, String),
    /// The rows, a line each.
    Rows(Vec<String>),
}

impl Answer {
    /// The one row there is.
    #[track_caller]
    pub fn value(self) -> String {
        match self {
            Self::Rows(rows) if rows.len() == 1 => rows.into_iter().next().unwrap_or_default(),
            other => panic!("not one row: {other:?}"),
        }
    }

    /// The rows.
    #[track_caller]
    pub fn rows(self) -> Vec<String> {
        match self {
            Self::Rows(rows) => rows,
            Self::Error(sqlstate, message) => panic!("{sqlstate}: {message}"),
        }
    }

    /// The SQLSTATE of the error.
    #[track_caller]
    pub fn sqlstate(self) -> String {
        match self {
            Self::Error(sqlstate, _) => sqlstate,
            Self::Rows(rows) => panic!("no error, but {rows:?}"),
        }
    }
}

impl Session {
    /// Runs a statement, which ends in no semicolon.
    pub fn ask(&mut self, statement: &str) -> Answer {
        self.tell(statement);
        self.answer()
    }

    /// Waits for what comes of a statement that was told.
    pub fn answer(&mut self) -> Answer {
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.from.read_line(&mut line).unwrap();
            assert!(read > 0, "the session has ended behind {rows:.200?}");
            let line = line.strip_suffix('\n').unwrap_or(&line);
            match line.strip_prefix(END).map(|rest| rest.split_once(' ').unwrap_or((rest, ""))) {
                None => rows.push(line.into()),
                Some(("00000", _)) => return Answer::Rows(rows),
                Some((sqlstate, message)) => {
                    return Answer::Error(sqlstate.into(), message.into());
                }
            }
        }
    }

    /// Begins a statement without waiting for what comes of it.
    pub fn tell(&mut self, statement: &str) {
        let end = format!("{statement}\n;\n\\echo {END}:SQLSTATE :LAST_ERROR_MESSAGE\n");
        self.to.write_all(end.as_bytes()).unwrap();
        self.to.flush().unwrap();
    }

    /// Runs a statement that must go well.
    #[track_caller]
    pub fn run(&mut self, statement: &str) -> Vec<String> {
        self.ask(statement).rows()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It ends with its input; whether it could be waited for changes nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stands where an answer ends.
const END: &str = "~end~";

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}
