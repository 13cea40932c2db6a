//! A log in a folder, committers that write it, and what must hold of it in the end.

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use precise_core::entry::Entry;
use precise_core::hex::parse_digits;
use precise_core::note::{Algorithm, Signer};
use precise_core::proof::Blind;
use precise_core::tlog::LogProof;
use precise_core::verify::{ReceiptRequest, verify_receipt};
use precise_log::daemon::{Config, Daemon, SourceConfig, asked_to_end};
use precise_log::source::Source;
use precise_log::source::postgres::Postgres;
use precise_log::{State, Store, Writer};
use precise_postgres::{Server, Session};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub(crate) type Tested = Result<(), Box<dyn Error>>;

const ORIGIN: &str = "example.com/log";

/// Longer than any of this takes on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database with the extension, in which the role that commits may log in.
pub(crate) fn database(server: &Server, name: &str) -> Session {
    let mut session = server.database(name);
    // Roles are the server's, and another test may have made it, or be making it.
    session.ask("CREATE ROLE committing LOGIN IN ROLE precise_committer");
    session
}

/// The address of a database for who commits.
pub(crate) fn address(server: &Server, database: &str) -> String {
    server.address(database, "committing")
}

/// Closes about so many batches.
pub(crate) fn close(session: &mut Session, round: u32, batches: u32) {
    let first = round * 1000;
    session.run(&format!(
        "INSERT INTO precise.proof (label, proof_hash) SELECT 'a', precise_proof_hash(i::text) \
         FROM generate_series({first}, {}) i",
        first + batches - 1
    ));
    session.run("CALL precise.close_batch('a', 1)");
}

/// Waits until all that is closed is committed.
pub(crate) fn await_committed(session: &mut Session) -> Tested {
    let began = Instant::now();
    loop {
        let left = session.ask("SELECT count(*) FROM precise.batch WHERE state <> 'committed'");
        let left = left.value();
        if left == "0" {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{left} batches are not committed").into());
        }
        session.run("SELECT pg_sleep(0.02)");
    }
}

/// A log, and the state of who writes it.
pub(crate) struct Log {
    pub(crate) runtime: Runtime,
    folder: PathBuf,
    state: PathBuf,
    /// None where it is another's.
    _home: Option<TempDir>,
}

impl Log {
    /// Begins one.
    pub(crate) fn create() -> Result<Self, Box<dyn Error>> {
        let home = tempfile::Builder::new().prefix("precise-log.").tempdir()?;
        let (folder, state) = (home.path().join("log"), home.path().join("state"));
        let log = Self { runtime: Runtime::new()?, folder, state, _home: Some(home) };
        log.runtime.block_on(Writer::create(log.store()?, signer()?, log.state()?))?;
        Ok(log)
    }

    /// The same log, for a machine that has not seen it.
    pub(crate) fn elsewhere(&self) -> Result<Self, Box<dyn Error>> {
        let state = self.state.with_extension("elsewhere");
        let log =
            Self { runtime: Runtime::new()?, folder: self.folder.clone(), state, _home: None };
        log.runtime.block_on(Writer::open(log.store()?, signer()?, log.state()?, true))?;
        Ok(log)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn state(&self) -> Result<State, precise_log::Error> {
        State::open(self.state.clone())
    }

    pub(crate) async fn writer(&self) -> Result<Writer, precise_log::Error> {
        writer(&self.folder, &self.state).await
    }

    fn store(&self) -> Result<Store, precise_log::Error> {
        Store::open(&self.folder.display().to_string())
    }

    /// Writes a configuration of a committer.
    pub(crate) fn configure(&self, sources: &[String]) -> Result<PathBuf, Box<dyn Error>> {
        let (log, state) = (self.folder.display(), self.state.display());
        let mut config = format!(
            "log = \"{log}\"\nstate = \"{state}\"\n[batch]\nmax_age = \"50ms\"\n[listen]\n\
             address = \"127.0.0.1:0\"\ntolerance = \"1ms\"\n"
        );
        for source in sources {
            config.push_str(&format!("[[source]]\npostgres = {source:?}\n"));
        }
        let path = self.state.join("committer.toml");
        fs::write(&path, config)?;
        Ok(path)
    }

    /// Trusts the log's key alone.
    pub(crate) fn policy() -> Result<String, Box<dyn Error>> {
        Ok(format!("log {}\nquorum none\n", signer()?.verifier_key().to_text()))
    }

    /// Verifies the receipt in a row: record, blind, receipt, kind.
    pub(crate) fn verify(row: &str) -> Tested {
        let fields = row.splitn(3, '|').collect::<Vec<_>>();
        let [record, blind, rest] = fields[..] else { return Err(row.into()) };
        let (receipt, kind) = rest.rsplit_once('|').ok_or("no kind")?;
        let blind = match blind {
            "" => None,
            hex => Some(Blind::from_bytes(&parse_digits(hex.as_bytes()).ok_or("no blind")?)?),
        };
        let policy = Self::policy()?;
        let verdict = verify_receipt(&ReceiptRequest {
            record: record.as_bytes(),
            blind: blind.as_ref(),
            receipt: receipt.as_bytes(),
            policy: policy.as_bytes(),
            kind: Some(kind),
            status: None,
        });
        assert!(verdict.holds(), "{}", verdict.to_json());
        Ok(())
    }

    /// Checks that the log has each batch of these databases once, and nothing else, and that what
    /// is noted of them is so.
    pub(crate) fn check(&self, sessions: &mut [&mut Session]) -> Tested {
        let key = signer()?.verifier_key().clone();
        let (entries, size, root) = self.runtime.block_on(async {
            let log = precise_log::Log::open(self.store()?, &key).await?;
            let entries = log.entries(0..log.size()).await?;
            Ok::<_, precise_log::Error>((entries, log.size(), log.root(log.size()).await?))
        })?;
        let mut identities = HashSet::new();
        for entry in &entries {
            assert!(identities.insert(Entry::parse(entry)?.identity()?), "an entry is there twice");
        }
        let mut noted = HashSet::new();
        for session in sessions {
            // A text of several lines is one row in JSON.
            for row in session.run(
                "SELECT jsonb_build_array(log_index, COALESCE(log_entry, entry), tlog_proof, \
                 checkpoint, log_origin, state) FROM precise.batch",
            ) {
                let row: serde_json::Value = serde_json::from_str(&row)?;
                let text = |at: usize| row[at].as_str().ok_or("not a text");
                let index = row[0].as_u64().ok_or("no index")?;
                assert!(noted.insert(index), "two batches are at {index}");
                assert_eq!((text(4)?, text(5)?), (ORIGIN, "committed"));
                assert_eq!(text(1)?.as_bytes(), &entries[usize::try_from(index)?][..]);
                let proof = LogProof::parse(text(2)?)?;
                assert_eq!((proof.index, &proof.checkpoint[..]), (index, text(3)?));
                let note = precise_core::note::Note::parse(text(3)?.as_bytes())?;
                note.open(std::slice::from_ref(&key))?;
                let checkpoint = precise_core::note::Checkpoint::parse(note.text())?;
                assert!(proof.leads_to(text(1)?.as_bytes(), checkpoint.size, &checkpoint.root));
                assert!(checkpoint.size <= size);
                if checkpoint.size == size {
                    assert_eq!(checkpoint.root, root);
                }
            }
        }
        assert_eq!((noted.len(), entries.len() as u64), (entries.len(), size));
        assert!(size > 0, "nothing was committed");
        Ok(())
    }
}

/// A committer in a thread.
pub(crate) struct Committer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), String>>,
}

/// Starts a committer on a log.
pub(crate) fn serve(log: &Log, sources: &[String]) -> Result<Committer, Box<dyn Error>> {
    let config = Config::read(&log.configure(sources)?)?;
    let (stop, stopped) = oneshot::channel();
    let (ready, is_ready) = mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let run = run(config, |address| ready.send(address).is_ok(), async {
            // Whose test has ended stops, too.
            let _ = stopped.await;
        });
        runtime.block_on(run).map_err(|error| error.to_string())
    });
    match is_ready.recv() {
        Ok(address) => Ok(Committer { address, stop, thread }),
        Err(_) => Err(format!("{:?}", thread.join()).into()),
    }
}

impl Committer {
    /// What it serves at a path: the status, and the text.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String), Box<dyn Error>> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        Ok((status, body.into()))
    }

    /// Waits until its health has this status, and gives what it says then.
    pub(crate) fn await_health(&self, wanted: u16) -> Result<String, Box<dyn Error>> {
        let began = Instant::now();
        loop {
            let (status, report) = self.get("/health")?;
            if status == wanted {
                return Ok(report);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("its health is {status}: {report}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(self) -> Tested {
        self.stop.send(()).map_err(|()| "it has ended before")?;
        match self.thread.join() {
            Ok(ended) => Ok(ended?),
            Err(_) => Err("it has panicked".into()),
        }
    }
}

/// A committer in a process of its own: this program, which runs the test that is one.
pub(crate) fn child(config: &Path) -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", "committer_process", "--nocapture"]);
    command.env("PRECISE_COMMITTER", config);
    Ok(command)
}

/// What that process does.
pub(crate) fn run_child() -> Tested {
    let Some(config) = env::var_os("PRECISE_COMMITTER") else { return Ok(()) };
    let config = Config::read(Path::new(&config))?;
    Runtime::new()?.block_on(async {
        let end = asked_to_end()?;
        run(config, |_| true, end).await
    })?;
    Ok(())
}

async fn run(
    config: Config,
    ready: impl FnOnce(SocketAddr) -> bool,
    end: impl Future<Output = ()>,
) -> Result<(), precise_log::Error> {
    let state = config.state.clone().unwrap_or_default();
    let writer = writer(Path::new(&config.log), &state).await?;
    let sources = config.sources.iter().map(open).collect::<Result<_, _>>()?;
    let daemon = Daemon::listen(config).await?;
    if ready(daemon.address()) {
        daemon.run(writer, sources, async |_| Ok(()), end).await;
    }
    Ok(())
}

fn open(source: &SourceConfig) -> Result<Box<dyn Source>, precise_log::Error> {
    match source {
        SourceConfig::Postgres(address) => {
            Ok(Box::new(Postgres::new(address, &|name| std::env::var(name).ok())?))
        }
        SourceConfig::Files(files) => {
            Err(precise_log::Error::failed("open a folder", files.folder.display()))
        }
    }
}

async fn writer(folder: &Path, state: &Path) -> Result<Writer, precise_log::Error> {
    let store = Store::open(&folder.display().to_string())?;
    let signer = signer().map_err(|error| precise_log::Error::refused("the test's key", error))?;
    Writer::open(store, signer, State::open(state.into())?, false).await
}

fn signer() -> Result<Signer, precise_core::Error> {
    Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[7; 32])
}
