//! `precise log`, and what all commands on a log have in common: where it is, whose it is, its key.

use std::fs;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use precise_core::hex;
use precise_core::note::{Algorithm, Checkpoint, Note, Signer, VerifierKey};
use precise_core::row::UtcSecond;
use precise_core::verify::status_origin;
use precise_log::commit::Writer;
use precise_log::daemon::asked_to_end;
use precise_log::fsck::{self, Expected};
use precise_log::key::{self, Protection};
use precise_log::log::{CHECKPOINT, Log};
use precise_log::monitor::{Monitor, Sight};
use precise_log::serve;
use precise_log::state::State;
use precise_log::status::{self, StatusLog};
use precise_log::store::Store;
use serde_json::json;
use tokio::net::TcpListener;

use crate::args::{
    self, Key, LogCommand, LogFsck, LogInit, LogMonitor, LogServe, LogShow, Place, Read, Unlock,
};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress::Progress;

/// The files of the state that hold the signing keys of the log and of its status log.
pub(crate) const KEY: &str = "key";
const STATUS_KEY: &str = "status-key";

/// The folder of the state that keeps the leaves of batches.
pub(crate) const LEAVES: &str = "batches";

/// Those that tell the verifier keys.
const VKEY: &str = "vkey";
const STATUS_VKEY: &str = "status-vkey";

pub(crate) fn run(command: &args::Log, json: bool) -> Result<ExitCode> {
    match &command.command {
        LogCommand::Init(command) => block_on(init(command, json)),
        LogCommand::Show(command) => block_on(show(command, json)),
        LogCommand::Fsck(command) => block_on(check(command, json)),
        LogCommand::Serve(command) => block_on(serve_files(command)),
        LogCommand::Monitor(command) => block_on(watch(command, json)),
    }
}

/// Runs what waits for stores and servers.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("cannot start threads: {error}")))?
        .block_on(work)
}

/// The present second.
pub(crate) fn now() -> Result<UtcSecond> {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(error) => -(error.duration().as_secs() as i64),
    };
    UtcSecond::from_posix(seconds)
        .ok_or_else(|| Failure::Io("the clock is outside the years 1 to 9999".into()))
}

/// A verifier key, or a file that begins with one.
pub(crate) fn read_vkey(key: &str) -> Result<VerifierKey> {
    let refused = |error| Failure::refused(format!("cannot read the verifier key {key}"), error);
    if Path::new(key).exists() {
        let path = Path::new(key);
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
        return VerifierKey::parse(text.lines().next().unwrap_or_default()).map_err(refused);
    }
    VerifierKey::parse(key).map_err(refused)
}

/// A log that is ours: its store, and its state.
pub(crate) struct Ours {
    pub(crate) store: Store,
    /// The folder of the state, which may not be there.
    folder: PathBuf,
}

impl Ours {
    /// Finds the state by the name in the log's checkpoint, which is verified later.
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        let store = Store::open(&place.log)?;
        let origin = origin(&store).await?;
        let folder = state_folder(place.state.as_deref(), &origin)?;
        Ok(Self { store, folder })
    }

    /// The state, which is made if it is not there.
    pub(crate) fn state(&self) -> Result<State> {
        Ok(State::open(self.folder.clone())?)
    }

    /// The log's verifier key.
    pub(crate) fn verifier_key(&self) -> Result<VerifierKey> {
        own_key(&self.folder, VKEY)
    }

    /// The verifier key of its status log.
    pub(crate) fn status_key(&self) -> Result<VerifierKey> {
        own_key(&self.folder, STATUS_VKEY)
    }

    /// The log, to read.
    pub(crate) async fn log(&self) -> Result<Log> {
        Ok(Log::open(self.store.clone(), &self.verifier_key()?).await?)
    }

    /// Where the leaves of batches are.
    pub(crate) fn leaves(&self, given: Option<&Path>) -> PathBuf {
        given.map_or_else(|| self.folder.join(LEAVES), Path::to_owned)
    }

    /// To write the log. A state that has not seen it may adopt it, and then has its keys as well.
    pub(crate) async fn writer(&self, key: &Key, adopt: bool) -> Result<Writer> {
        let path = key.key.clone().unwrap_or_else(|| self.folder.join(KEY));
        if !path.exists() {
            return Err(Failure::Usage(format!(
                "there is no key {}; pass --key, or --state with the state the log was made with",
                path.display()
            )));
        }
        let signer = read_signer(&path, &key.unlock)?;
        let vkey = signer.verifier_key().to_text();
        let writer = Writer::open(self.store.clone(), signer, self.state()?, adopt).await?;
        if adopt {
            write(&self.folder.join(VKEY), &format!("{vkey}\n"))?;
            let status_key = self.folder.join(STATUS_KEY);
            if status_key.exists() {
                let signer = read_signer(&status_key, &key.unlock)?;
                let vkey = signer.verifier_key().to_text();
                StatusLog::open(&self.store, signer, &self.state()?, true).await?;
                write(&self.folder.join(STATUS_VKEY), &format!("{vkey}\n"))?;
            }
        }
        Ok(writer)
    }

    /// The log that says what is void.
    pub(crate) async fn status_log(&self, unlock: &Unlock) -> Result<StatusLog> {
        let signer = read_signer(&self.folder.join(STATUS_KEY), unlock)?;
        Ok(StatusLog::open(&self.store, signer, &self.state()?, false).await?)
    }
}

fn read_signer(path: &Path, unlock: &Unlock) -> Result<Signer> {
    Ok(key::read(path, &unlocking(unlock))?)
}

fn unlocking(unlock: &Unlock) -> key::Unlock {
    match (&unlock.passphrase_file, &unlock.identity) {
        (Some(file), _) => key::Unlock::PassphraseFile(file.clone()),
        (None, Some(file)) => key::Unlock::Identity(file.clone()),
        (None, None) if io::stdin().is_terminal() => key::Unlock::Terminal,
        (None, None) => key::Unlock::None,
    }
}

/// The name that a log's checkpoint bears. Nothing vouches for it yet.
pub(crate) async fn origin(store: &Store) -> Result<String> {
    let what = format!("cannot read the checkpoint of {store}");
    let note = store.get(CHECKPOINT).await?.ok_or_else(|| {
        Failure::Io(format!("there is no log at {store}; precise log init makes one"))
    })?;
    Note::parse(&note)
        .and_then(|note| Checkpoint::parse(note.text()))
        .map(|checkpoint| checkpoint.origin)
        .map_err(|error| Failure::refused(what, error))
}

/// The folder of a log's state.
pub(crate) fn state_folder(given: Option<&Path>, origin: &str) -> Result<PathBuf> {
    match given {
        Some(folder) => Ok(folder.into()),
        None => Ok(State::default_folder(origin)?),
    }
}

fn own_key(folder: &Path, name: &str) -> Result<VerifierKey> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => VerifierKey::parse(text.trim_end())
            .map_err(|error| Failure::refused(format!("cannot read {}", path.display()), error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Usage(format!(
            "the state {} knows no key of this log; pass --vkey, or --state with the state it was \
             made with",
            folder.display()
        ))),
        Err(error) => Err(Failure::io("read", &path, &error)),
    }
}

impl Read {
    /// The log, and the key it is to be signed with.
    async fn open(&self) -> Result<(Store, VerifierKey)> {
        let store = Store::open(&self.log)?;
        let key = if let Some(key) = &self.vkey {
            read_vkey(key)?
        } else {
            let origin = origin(&store).await?;
            let (origin, name) = match origin.strip_suffix(&status_origin("")) {
                Some(log) => (log, STATUS_VKEY),
                None => (origin.as_str(), VKEY),
            };
            own_key(&state_folder(self.state.as_deref(), origin)?, name)?
        };
        Ok((store, key))
    }
}

async fn init(command: &LogInit, json: bool) -> Result<ExitCode> {
    let store = Store::open(&command.log)?;
    let folder = state_folder(command.state.as_deref(), &command.origin)?;
    let key = command.key.clone().unwrap_or_else(|| folder.join(KEY));
    let protection = match &command.passphrase_file {
        Some(file) => Protection::from_passphrase_file(file)?,
        None if !command.recipient.is_empty() => {
            Protection::from_recipients(command.recipient.iter().map(String::as_str))?
        }
        None if io::stdin().is_terminal() && !key.exists() => Protection::from_terminal(&key)?,
        None => Protection::None,
    };
    let unlock = Unlock { passphrase_file: command.passphrase_file.clone(), identity: None };
    let recipe = Recipe { origin: &command.origin, folder, key, protection, unlock };
    let made = make(&store, &recipe).await?;
    if let Some(path) = &command.policy {
        write(path, &made.policy())?;
    }
    let (vkey, status_vkey) = (made.key.to_text(), made.status_key.to_text());
    let folder = recipe.folder.display();
    if json {
        let made = json!({
            "log": store.to_string(),
            "origin": command.origin,
            "state": folder.to_string(),
            "status_vkey": status_vkey,
            "vkey": vkey,
        });
        print(&format!("{made}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("made the log {} at {store}, and its status log below it", command.origin);
    eprintln!("its state is {folder}: keep it, and keep it apart from the log");
    eprintln!("the status log's key is {status_vkey}");
    if matches!(recipe.protection, Protection::None) {
        eprintln!(
            "the signing keys are not encrypted; --passphrase-file or --recipient encrypts them"
        );
    }
    print(&format!("{vkey}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// How a log is to be made.
pub(crate) struct Recipe<'a> {
    pub(crate) origin: &'a str,
    /// The folder of its state.
    pub(crate) folder: PathBuf,
    /// Where its signing key is, or is to be.
    pub(crate) key: PathBuf,
    pub(crate) protection: Protection,
    /// What opens keys that are there.
    pub(crate) unlock: Unlock,
}

/// The generator of the curve, as RFC 8032 section 5.1 encodes it.
const BASE_POINT: [u8; 32] = {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    point
};

/// The keys of a log that was made.
pub(crate) struct Made {
    pub(crate) key: VerifierKey,
    pub(crate) status_key: VerifierKey,
}

impl Made {
    /// With which receipts of the log are verified, without witnesses.
    pub(crate) fn policy(&self) -> String {
        let (key, status_key) = (self.key.to_text(), self.status_key.to_text());
        format!("log {key}\nlog {status_key}\nquorum none\n")
    }
}

/// Makes a log and its status log. A key that is there is used: an earlier attempt may have left
/// it.
pub(crate) async fn make(store: &Store, recipe: &Recipe<'_>) -> Result<Made> {
    if store.get(CHECKPOINT).await?.is_some() {
        let why = format!("there is a log at {store} already; precise commit adds to it");
        return Err(Failure::Usage(why));
    }
    // Any key shows whether a log can have the name.
    VerifierKey::new(recipe.origin, Algorithm::Ed25519, &BASE_POINT).map_err(|_| {
        Failure::Usage(format!(
            "no log can be called {:?}: a name is not empty, and has no white space and no +",
            recipe.origin
        ))
    })?;
    let state = State::open(recipe.folder.clone())?;
    if let Some(guard) = state.guard()?.filter(|guard| guard.size > 0) {
        return Err(Failure::Usage(format!(
            "the state {} is of a log {} of {} entries; pass another --state, or another --origin",
            recipe.folder.display(),
            guard.origin,
            guard.size
        )));
    }
    let key = find_or_write_key(&recipe.key, recipe.origin, recipe)?;
    let status_key =
        find_or_write_key(&recipe.folder.join(STATUS_KEY), &status_origin(recipe.origin), recipe)?;
    let made =
        Made { key: key.verifier_key().clone(), status_key: status_key.verifier_key().clone() };
    Writer::create(store.clone(), key, state.clone()).await?;
    write(&recipe.folder.join(VKEY), &format!("{}\n", made.key.to_text()))?;
    write(&recipe.folder.join(STATUS_VKEY), &format!("{}\n", made.status_key.to_text()))?;
    StatusLog::create(store, status_key, &state).await?.publish(now()?).await?;
    // Its first entry says that nothing is void.
    Ok(made)
}

fn find_or_write_key(path: &Path, origin: &str, recipe: &Recipe<'_>) -> Result<Signer> {
    if !path.exists() {
        let signer = key::generate(origin)?;
        key::write(path, &signer, &recipe.protection)?;
        return Ok(signer);
    }
    let signer = read_signer(path, &recipe.unlock)?;
    if signer.verifier_key().name() == origin {
        return Ok(signer);
    }
    let (path, name) = (path.display(), signer.verifier_key().name());
    Err(Failure::Usage(format!("the key {path} is of {name}, not of {origin}")))
}

/// Writes a small file, whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let mut output = Output::create(path)?;
    output.write_all(text.as_bytes()).map_err(|error| Failure::io("write", path, &error))?;
    output.finish()
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))
}

async fn show(command: &LogShow, json: bool) -> Result<ExitCode> {
    let (store, key) = command.read.open().await?;
    let log = Log::open(store.clone(), &key).await?;
    let signed = log.checkpoint();
    let Checkpoint { origin, size, root, .. } = &signed.checkpoint;
    if let Some(index) = command.entry {
        if index >= *size {
            return Err(Failure::Usage(format!("there is no entry {index}: the log has {size}")));
        }
        let entry = log.entry(index).await?;
        print(&format!("{entry}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = hex::format_hash(root);
    print(&if json {
        let shown = json!({
            "checkpoint": signed.note,
            "log": store.to_string(),
            "origin": origin,
            "root": root,
            "size": size,
            "vkey": key.to_text(),
        });
        format!("{shown}\n")
    } else {
        format!("origin  {origin}\nsize    {size}\nroot    {root}\nvkey    {}\n", key.to_text())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn expected(read: &Read) -> Expected {
    match read.entries {
        Some(entries) => entries,
        // Without a key of their own it is our log that is meant.
        None if read.vkey.is_none() => Expected::Precise,
        None => Expected::Any,
    }
}

async fn check(command: &LogFsck, json: bool) -> Result<ExitCode> {
    let (store, key) = command.read.open().await?;
    check_one(&store, &key, &command.read, json).await?;
    // The status log is a part of a log of ours.
    let is_status = key.name().ends_with(&status_origin(""));
    if command.read.vkey.is_none() && !is_status {
        let folder = state_folder(command.read.state.as_deref(), key.name())?;
        let key = own_key(&folder, STATUS_VKEY)?;
        check_one(&store.sub(status::BELOW), &key, &command.read, json).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check_one(store: &Store, key: &VerifierKey, read: &Read, json: bool) -> Result<()> {
    let progress = Progress::entries();
    let report = fsck::fsck(store, key, expected(read), |done, of| {
        progress.set_of(done, of);
    })
    .await;
    progress.finish();
    let report = report?;
    let Checkpoint { origin, size, root, .. } = &report.signed.checkpoint;
    let root = hex::format_hash(root);
    print(&if json {
        let found = json!({
            "bundles": report.bundles,
            "notes": report.notes,
            "origin": origin,
            "root": root,
            "size": size,
            "tiles": report.tiles,
        });
        format!("{found}\n")
    } else {
        let mut text = format!(
            "{origin} is whole: {size} entries, {} bundles, {} tiles, root {root}\n",
            report.bundles, report.tiles
        );
        for note in &report.notes {
            text.push_str(&format!("  {note}\n"));
        }
        text
    })
}

async fn serve_files(command: &LogServe) -> Result<ExitCode> {
    let store = Store::open(&command.log)?;
    // What is no log is said at once.
    let origin = origin(&store).await?;
    let listener = TcpListener::bind(command.listen)
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on {}: {error}", command.listen)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Io(format!("cannot listen on {}: {error}", command.listen)))?;
    eprintln!("serving {origin} at http://{address}/");
    serve::serve(store, listener, asked_to_end()?).await?;
    Ok(ExitCode::SUCCESS)
}

async fn watch(command: &LogMonitor, json: bool) -> Result<ExitCode> {
    let (store, key) = command.read.open().await?;
    let monitor = Monitor::new(store, key, command.seen.clone(), expected(&command.read));
    let Some(every) = command.follow else {
        let sight = monitor.look().await?;
        print(&describe(&sight, json))?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut end = Ok(());
    let report = |looked: precise_log::Result<Sight>| match looked {
        Ok(sight) if sight.before == Some(sight.signed.checkpoint.size) => true,
        Ok(sight) => {
            end = print(&describe(&sight, json));
            end.is_ok()
        }
        // A log that cannot be reached may be back; one that is refused does not become better.
        Err(error @ precise_log::Error::Failed(_)) => {
            eprintln!("warning: {error}");
            true
        }
        Err(error) => {
            end = Err(error.into());
            false
        }
    };
    monitor.follow(every, asked_to_end()?, report).await;
    end.map(|()| ExitCode::SUCCESS)
}

fn describe(sight: &Sight, json: bool) -> String {
    let Checkpoint { origin, size, root, .. } = &sight.signed.checkpoint;
    let root = hex::format_hash(root);
    if json {
        let seen = json!({ "before": sight.before, "origin": origin, "root": root, "size": size });
        return format!("{seen}\n");
    }
    match sight.before {
        None => format!("{origin} has {size} entries, root {root}; seen for the first time\n"),
        Some(before) => {
            format!("{origin} has {size} entries, root {root}; consistent with {before}\n")
        }
    }
}
