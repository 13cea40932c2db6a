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

/// `pg_config` of the server that is copied.
pub fn pg_config() -> PathBuf {
    env::var_os("PRECISE_PG_CONFIG").map_or_else(|| PG_CONFIG.into(), PathBuf::from)
}

/// Where a `pg_config` says that something is.
pub fn place(pg_config: &Path, asked: &str) -> PathBuf {
    let printed = Command::new(pg_config).arg(asked).output();
    let printed = printed.unwrap_or_else(|error| panic!("{}: {error}", pg_config.display()));
    PathBuf::from(String::from_utf8(printed.stdout).unwrap().trim())
}

/// The text of a file of the extension's.
pub fn extension_file(name: &str) -> String {
    fs::read_to_string(extension_folder().join(name)).unwrap()
}

/// Where the extension's sources are.
pub fn extension_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pg_precise")
}

/// The program that builds and installs the extension.
pub fn package(verb: &str, pg_config: &Path) -> Command {
    let mut package = Command::new(extension_folder().join("package.sh"));
    package.arg(verb).arg(pg_config);
    for name in ["DESTDIR", "LIBRARY", "PROFILE"] {
        package.env_remove(name);
    }
    package
}

/// A server's files in a folder of the test's own.
#[derive(Debug)]
pub struct Files {
    /// Stands in for the root of the file system: below it, all is where it was.
    pub root: PathBuf,
    /// The folder of the programs.
    pub bin: PathBuf,
}

impl Files {
    /// A server finds its files from where its program is, if all moved alike.
    fn copied(root: &Path) -> Self {
        let copied = |from: &Path| {
            let to = root.join(from.strip_prefix("/").unwrap_or(from));
            run(Command::new("mkdir").arg("-p").arg(to.parent().unwrap()));
            run(Command::new("cp").arg("-r").arg(from).arg(&to));
            to
        };
        // Debian has the programs and the libraries in one folder of the version, others have all.
        let bin = place(&pg_config(), "--bindir");
        let version = bin.parent().unwrap();
        let share = place(&pg_config(), "--sharedir");
        if !share.starts_with(version) {
            copied(&share);
        }
        // A server from PyPI has the libraries it is linked to beside itself.
        let beside = version.parent().and_then(Path::parent).map(fs::read_dir);
        for entry in beside.into_iter().flatten().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "libs") {
                copied(&entry.path());
            }
        }
        let bin = copied(version).join("bin");
        Self { root: root.into(), bin }
    }
}

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
        Self::start_with(|library, files| {
            let mut install = package("install", &files.bin.join("pg_config"));
            run(install.env("LIBRARY", library));
        })
    }

    /// Starts one in whose files the extension's library was put otherwise.
    pub fn start_with(put: impl FnOnce(&Path, &Files)) -> Option<Self> {
        let Some(library) = env::var_os("PRECISE_PG_LIBRARY") else {
            skipped("PostgreSQL: no PRECISE_PG_LIBRARY (make test builds it)");
            return None;
        };
        let home = tempfile::Builder::new().prefix("precise-pg.").tempdir().unwrap();
        let files = Files::copied(&home.path().join("server"));
        put(Path::new(&library), &files);
        let is_root = fs::metadata("/proc/self").is_ok_and(|meta| {
            use std::os::unix::fs::MetadataExt;
            meta.uid() == 0
        });
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { home, bin: files.bin, is_root };
        for folder in ["data", "socket"] {
            server.folder(folder);
        }
        let mut init = server.command("initdb");
        init.arg("-D").arg(server.path("data"));
        init.args(["-E", "UTF8", "--locale", "C.UTF-8", "-A", "trust", "-N", "-U", ACCOUNT]);
        run(&mut init);
        server.resume();
        Some(server)
    }

    /// Makes a folder of the server's account.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        if self.is_root {
            run(Command::new("chown").arg(ACCOUNT).arg(&folder));
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A program of the server's, under the account that may own one.
    fn command(&self, program: impl AsRef<Path>) -> Command {
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
        self.resume_with("");
    }

    /// Starts it again with more options.
    pub fn resume_with(&self, more: &str) {
        let socket = self.path("socket");
        let socket_only = format!("-k {} -c listen_addresses='' -c fsync=off", socket.display());
        let options = format!("{socket_only} {more}");
        let mut start = self.command("pg_ctl");
        start.arg("-D").arg(self.path("data")).args(["-w", "-o", &options, "start"]);
        start.arg("-l").arg(socket.join("log"));
        run(&mut start);
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        self.end("immediate");
    }

    /// Ends it, and whatever sessions there are.
    pub fn stop(&self) {
        self.end("fast");
    }

    fn end(&self, mode: &str) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(self.path("data")).args(["-m", mode, "-w", "stop"]);
        run(&mut stop);
    }

    /// Has PostgreSQL's own runner run scripts of a folder's `regress/sql`, in which they find its
    /// `uninstall.sql`, and compare what they print with `regress/expected`. If it differs: how.
    pub fn regress(&self, folder: &Path, scripts: &[&str]) -> Result<(), String> {
        let work = self.folder("regress");
        for part in ["regress/sql", "regress/expected", "uninstall.sql"] {
            run(Command::new("cp").arg("-r").arg(folder.join(part)).arg(&work));
        }
        let pgxs = place(&self.bin.join("pg_config"), "--pgxs");
        let source = pgxs.parent().and_then(Path::parent).unwrap();
        let mut runner = self.command(source.join("test/regress/pg_regress"));
        runner.arg("--bindir").arg(&self.bin).arg("--host").arg(self.path("socket"));
        runner.args(["--user", ACCOUNT, "--dbname", "regress"]);
        runner.arg("--inputdir").arg(&work).arg("--outputdir").arg(&work).args(scripts);
        let output = runner.current_dir(&work).output().unwrap();
        if output.status.success() {
            return Ok(());
        }
        let diff = fs::read_to_string(work.join("regression.diffs")).unwrap_or_default();
        Err(format!(
            "{}{}{diff}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    /// `psql` on a database, quiet, one value a line and nothing around it.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-U", ACCOUNT, "-d", database, "-h"]);
        psql.arg(self.path("socket"));
        psql
    }

    /// A database's address for a role, as clients of PostgreSQL take it.
    pub fn address(&self, database: &str, role: &str) -> String {
        format!("host={} dbname={database} user={role}", self.path("socket").display())
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

/// Runs a program that must go well.
#[track_caller]
pub fn run(command: &mut Command) {
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}
