//! Which proofs are void, and the log that publishes the root of all of them (SPEC.md section 6).
//!
//! The void documents are the publisher's own: a file in the state folder, one document a line, in
//! the order in which they came. The first `count` of them make the map of an entry with that
//! count, so that a receipt is always under the map that was published.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use precise_core::entry::{Entry, StatusEntry};
use precise_core::note::Signer;
use precise_core::receipt::StatusReceipt;
use precise_core::row::UtcSecond;
use precise_core::status::{Reason, StatusMap, VoidDocument};
use precise_core::verify::status_origin;
use precise_core::{Code, Error as CoreError, Hash, hex};

use crate::commit::Writer;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::log::Log;
use crate::state::State;
use crate::store::Store;

/// Where the void documents are, in the state of the log.
pub const VOIDS: &str = "voids.ndjson";

/// Where the status log is, below its log, and its state.
pub const BELOW: &str = "status";

/// All that was voided here.
#[derive(Debug)]
pub struct Voids {
    path: PathBuf,
    /// How much of the file is in `documents`: whole lines.
    read: u64,
    lines: u64,
    /// In the order of the file, each proof once.
    documents: Vec<VoidDocument>,
    places: HashMap<Hash, usize>,
}

impl Voids {
    /// Reads the file, which is made if it is not there. A last line that was cut off goes: whoever
    /// wrote it was not told that it is there.
    ///
    /// Error: PR409 for a line that is no void document.
    pub fn open(state: &State) -> Result<Self> {
        let path = state.folder().join(VOIDS);
        let mut voids =
            Self { path, read: 0, lines: 0, documents: Vec::new(), places: HashMap::new() };
        voids.refresh()?;
        // The name of a new file is on the disk once its folder is.
        File::open(state.folder())
            .and_then(|folder| folder.sync_all())
            .map_err(|error| voids.failed("make", error))?;
        Ok(voids)
    }

    /// Reads what others have added since.
    ///
    /// Error: as for [`open`](Self::open).
    pub fn refresh(&mut self) -> Result<()> {
        let mut file = self.lock()?;
        self.read_on(&mut file)
    }

    /// Voids a proof. The document that holds, and whether it is a new one: what was voided first
    /// stays.
    pub fn void(
        &mut self,
        proof_hash: Hash,
        reason: Reason,
        at: UtcSecond,
    ) -> Result<(VoidDocument, bool)> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| Error::failed("choose a salt", error))?;
        let document = VoidDocument { at, proof_hash, reason, salt };
        let is_new = self.merge(std::slice::from_ref(&document))? == 1;
        Ok((self.get(&proof_hash).cloned().unwrap_or(document), is_new))
    }

    /// Adds documents, from the databases for instance, and says how many are new: those of proofs
    /// that are void already are passed over. When this comes back they are on the disk; after an
    /// error they may be.
    pub fn merge(&mut self, documents: &[VoidDocument]) -> Result<usize> {
        // Sources hand out all that they have each time.
        if documents.iter().all(|document| self.places.contains_key(&document.proof_hash)) {
            return Ok(0);
        }
        let mut file = self.lock()?;
        self.read_on(&mut file)?;
        let before = self.documents.len();
        let mut appended = Vec::new();
        for document in documents {
            if self.insert(document.clone()) {
                appended.push(document.to_json());
            }
        }
        let len: usize = appended.iter().map(|line| line.len() + 1).sum();
        if let Err(error) = append(&file, &appended) {
            for document in self.documents.drain(before..) {
                self.places.remove(&document.proof_hash);
            }
            // If this fails too, a part of a line may stay, which whoever comes next takes away.
            let _ = file.set_len(self.read);
            return Err(self.failed("write", error));
        }
        self.read += len as u64;
        self.lines += appended.len() as u64;
        Ok(appended.len())
    }

    /// The document of a proof that is void.
    pub fn get(&self, proof_hash: &Hash) -> Option<&VoidDocument> {
        self.places.get(proof_hash).map(|&place| &self.documents[place])
    }

    /// All of them, in the order in which they came.
    pub fn documents(&self) -> &[VoidDocument] {
        &self.documents
    }

    /// The map of all of them.
    pub fn map(&self) -> StatusMap {
        map(&self.documents)
    }

    fn insert(&mut self, document: VoidDocument) -> bool {
        let is_new = !self.places.contains_key(&document.proof_hash);
        if is_new {
            self.places.insert(document.proof_hash, self.documents.len());
            self.documents.push(document);
        }
        is_new
    }

    /// The file, which nobody else has until it is closed.
    fn lock(&self) -> Result<File> {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| self.failed("open", error))?;
        file.lock().map_err(|error| self.failed("lock", error))?;
        Ok(file)
    }

    /// Reads the lines that have come, and repairs the end of the file.
    fn read_on(&mut self, file: &mut File) -> Result<()> {
        let mut text = Vec::new();
        let len = file
            .seek(SeekFrom::End(0))
            .and_then(|len| file.seek(SeekFrom::Start(self.read)).map(|_| len))
            .and_then(|len| file.read_to_end(&mut text).map(|_| len))
            .map_err(|error| self.failed("read", error))?;
        if len < self.read {
            let why = "it has become shorter; restore it, for what is void stays void";
            return Err(self.failed("read", why));
        }
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let (lines, rest) = text.split_at(whole);
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let document = VoidDocument::parse(line.strip_suffix(b"\n").unwrap_or(line))
                .map_err(|error| self.malformed(&error))?;
            self.insert(document);
            self.read += line.len() as u64;
            self.lines += 1;
        }
        match VoidDocument::parse(rest) {
            _ if rest.is_empty() => Ok(()),
            // Only its line feed is missing: an editor may leave it out.
            Ok(document) => {
                file.write_all(b"\n")
                    .and_then(|()| file.sync_all())
                    .map_err(|error| self.failed("write", error))?;
                self.insert(document);
                self.read += rest.len() as u64 + 1;
                self.lines += 1;
                Ok(())
            }
            Err(_) => {
                let line = self.lines + 1;
                tracing::warn!(path = %self.path.display(), line, "a line that was cut off goes");
                file.set_len(self.read)
                    .and_then(|()| file.sync_all())
                    .map_err(|error| self.failed("write", error))
            }
        }
    }

    fn malformed(&self, error: &CoreError) -> Error {
        let what = format!("{}, line {} (byte {})", self.path.display(), self.lines + 1, self.read);
        Error::refused(what, error.clone())
    }

    fn failed(&self, verb: &str, why: impl std::fmt::Display) -> Error {
        Error::failed(format_args!("{verb} {}", self.path.display()), why)
    }
}

/// Writes lines at the end, so that they are on the disk.
fn append(file: &File, lines: &[String]) -> std::io::Result<()> {
    let mut writer = BufWriter::new(file);
    for line in lines {
        writer.write_all(line.as_bytes())?;
        writer.write_all(b"\n")?;
    }
    writer.flush()?;
    file.sync_all()
}

fn map(documents: &[VoidDocument]) -> StatusMap {
    let mut map = StatusMap::default();
    map.extend(documents.iter().map(pair));
    map
}

fn pair(document: &VoidDocument) -> (Hash, Hash) {
    (document.proof_hash, document.value())
}

/// The last entry of a status log, and the map that it speaks of.
#[derive(Debug)]
pub struct Status {
    index: u64,
    entry: StatusEntry,
    text: String,
    tlog_proof: String,
    map: StatusMap,
}

impl Status {
    /// Of a status log, with the documents that its maps were made of; none if nothing has been
    /// published.
    ///
    /// Errors: PR407 for an entry of no status; PR414 if the documents make another map.
    pub async fn read(log: &Log, voids: &Voids) -> Result<Option<Self>> {
        let Some(index) = log.size().checked_sub(1) else { return Ok(None) };
        let text = log.entry(index).await?;
        let entry = parse(log, index, &text)?;
        let documents = usize::try_from(entry.count).ok().and_then(|n| voids.documents.get(..n));
        let Some(documents) = documents else {
            let found = voids.documents.len();
            return Err(lost(
                voids,
                format!("it has {found} voids, and {} were published", entry.count),
            ));
        };
        Self::new(log, index, text, entry, map(documents), voids).await.map(Some)
    }

    async fn new(
        log: &Log,
        index: u64,
        text: String,
        entry: StatusEntry,
        map: StatusMap,
        voids: &Voids,
    ) -> Result<Self> {
        if (map.count(), map.root()) != (entry.count, entry.map_root) {
            let published = hex::format_hash(&entry.map_root);
            let detail = format!("its first {} make another map than {published}", entry.count);
            return Err(lost(voids, detail));
        }
        let tlog_proof = log.prove(index).await?.to_text();
        Ok(Self { index, entry, text, tlog_proof, map })
    }

    /// The number of the entry in the status log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The entry.
    pub fn entry(&self) -> &StatusEntry {
        &self.entry
    }

    /// What the entry says of a proof: that it is void, or that it is not.
    pub fn receipt(&self, proof_hash: &Hash) -> StatusReceipt {
        let proof = self.map.prove(proof_hash);
        StatusReceipt { entry: self.text.clone(), proof, tlog_proof: self.tlog_proof.clone() }
    }
}

fn parse(log: &Log, index: u64, text: &str) -> Result<StatusEntry> {
    let refused = |error| Error::refused(format!("entry {index} of {}", log.store()), error);
    match Entry::parse(text.as_bytes()).map_err(refused)? {
        Entry::Status(entry) => Ok(entry),
        Entry::Batch(_) => {
            Err(refused(CoreError::new(Code::Entry).because("a status log has no batches")))
        }
    }
}

/// The documents are not those of the log.
fn lost(voids: &Voids, detail: String) -> Error {
    let error = CoreError::new(Code::LogCorrupt).because(detail);
    Error::refused(voids.path.display().to_string(), error)
}

/// The status log of a log: who writes it.
#[derive(Debug)]
pub struct StatusLog {
    writer: Writer,
    voids: Voids,
    /// Two that publish take turns, so that no map is behind the one before it.
    turn: PathBuf,
    status: Option<Status>,
}

impl StatusLog {
    /// Begins the status log of the log that is in `store` and whose state is `state`. It has no
    /// entries until the first [`publish`](Self::publish).
    ///
    /// Errors: PR415 for a key of no status log, and those of [`Writer::create`].
    pub async fn create(store: &Store, signer: Signer, state: &State) -> Result<Self> {
        check_name(&signer)?;
        let below = state.sub(BELOW)?;
        let turn = below.folder().join("turn");
        let writer = Writer::create(store.sub(BELOW), signer, below).await?;
        Self::over(writer, state, turn).await
    }

    /// Opens it.
    ///
    /// Errors: PR415 for a key of no status log, and those of [`Writer::open`], [`Voids::open`]
    /// and [`Status::read`].
    pub async fn open(store: &Store, signer: Signer, state: &State, adopt: bool) -> Result<Self> {
        check_name(&signer)?;
        let below = state.sub(BELOW)?;
        let turn = below.folder().join("turn");
        let writer = Writer::open(store.sub(BELOW), signer, below, adopt).await?;
        Self::over(writer, state, turn).await
    }

    async fn over(writer: Writer, state: &State, turn: PathBuf) -> Result<Self> {
        let voids = Voids::open(state)?;
        let status = Status::read(writer.log(), &voids).await?;
        Ok(Self { writer, voids, turn, status })
    }

    /// The log, as of what was published last.
    pub fn log(&self) -> &Log {
        self.writer.log()
    }

    /// The void documents. What is added here is in the next entry.
    pub fn voids(&mut self) -> &mut Voids {
        &mut self.voids
    }

    /// What was published last.
    pub fn latest(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// Publishes the map of all that is void, as an entry of `now`, also if nothing is new: a
    /// status is as fresh as its entry. Again in the same second, nothing new is no new entry.
    ///
    /// Errors: those of [`Writer::commit`], [`Voids::refresh`] and [`Status::read`].
    pub async fn publish(&mut self, now: UtcSecond) -> Result<&Status> {
        let _turn = Lock::wait(&self.turn).await?;
        // Nothing to commit: this brings the log up to what others have published.
        self.writer.commit(&[], async |_, _| Ok(())).await?;
        self.voids.refresh()?;
        let is_last = |status: &Status| status.index + 1 == self.writer.log().size();
        let last = match self.status.take().filter(is_last) {
            Some(status) => Some(status),
            None => Status::read(self.writer.log(), &self.voids).await?,
        };
        if let Some(at) = last.as_ref().map(|last| last.entry.at).filter(|at| now < *at) {
            self.status = last;
            let why = format!("the last one is of {at}: the clock went back, or was ahead then");
            return Err(Error::failed(format_args!("publish a status as of {now}"), why));
        }
        let mut map = last.map(|status| status.map).unwrap_or_default();
        map.extend(self.voids.documents[map.count() as usize..].iter().map(pair));
        let entry = StatusEntry { at: now, count: map.count(), map_root: map.root() };
        let placed = self.writer.commit(&[Entry::Status(entry)], async |_, _| Ok(())).await?;
        let Some(placed) = placed.into_iter().next() else {
            return Err(Error::failed("publish a status", "the log did not say where it is"));
        };
        let log = self.writer.log();
        let status = Status::new(log, placed.index, placed.entry, entry, map, &self.voids).await?;
        Ok(self.status.insert(status))
    }
}

/// A status log is named after its log.
fn check_name(signer: &Signer) -> Result<()> {
    let name = signer.verifier_key().name();
    let of = name.strip_suffix("/status").filter(|log| status_origin(log) == name);
    if of.is_some_and(|log| !log.is_empty()) {
        return Ok(());
    }
    let detail = format!("a status log's name is that of its log and /status, this is {name:?}");
    Err(Error::refused("the status key", CoreError::new(Code::LogKey).because(detail)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use precise_core::entry::{BatchEntry, BatchKind};
    use precise_core::merkle::{Batch, Inclusion};
    use precise_core::note::Algorithm;
    use precise_core::receipt::Receipt;
    use precise_core::status::Standing;
    use precise_core::verify::{ReceiptRequest, StatusRequest, verify_receipt};
    use precise_core::{canonical, proof};
    use tempfile::TempDir;

    use super::*;

    type Checked = std::result::Result<(), Box<dyn std::error::Error>>;

    const RECORD: &[u8] = br#"{"a":1}"#;
    const NOW: i64 = 1_795_377_600;

    fn time(posix: i64) -> UtcSecond {
        UtcSecond::from_posix(posix).unwrap_or_else(|| unreachable!())
    }

    fn document(first: u8) -> VoidDocument {
        let mut proof_hash = [0; 32];
        proof_hash[0] = first;
        VoidDocument { at: time(NOW), proof_hash, reason: Reason::Erasure, salt: [first; 32] }
    }

    fn state() -> Result<(TempDir, State)> {
        let folder = TempDir::new().map_err(|error| Error::failed("test", error))?;
        let state = State::open(folder.path().join("state"))?;
        Ok((folder, state))
    }

    fn code<T>(result: Result<T>) -> Option<Code> {
        match result {
            Err(Error::Refused { error, .. }) => Some(error.code()),
            _ => None,
        }
    }

    fn message<T>(result: Result<T>) -> String {
        result.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_was_voided_first_stays_in_the_order_of_the_file() -> Checked {
        let (_folder, state) = state()?;
        let mut voids = Voids::open(&state)?;
        let (first, is_new) = voids.void([7; 32], Reason::OptOut, time(NOW))?;
        assert!(is_new);
        assert_eq!(voids.void([7; 32], Reason::Erasure, time(NOW + 1))?, (first.clone(), false));
        // One that is known, and one that is there twice.
        let other = VoidDocument { reason: Reason::Correction, ..document(2) };
        let merged = [first.clone(), document(2), other, document(1)];
        assert_eq!((voids.merge(&merged)?, voids.merge(&merged)?), (2, 0));
        let expected = [first, document(2), document(1)];
        assert_eq!(voids.documents(), expected);
        let lines: String = expected.iter().map(|document| document.to_json() + "\n").collect();
        let path = state.folder().join(VOIDS);
        assert_eq!(fs::read_to_string(&path)?, lines);
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        let again = Voids::open(&state)?;
        assert_eq!(again.documents(), expected);
        assert_eq!(again.get(&document(1).proof_hash), Some(&document(1)));
        assert_eq!(again.get(&document(3).proof_hash), None);
        assert_eq!((again.map().count(), again.map().root()), (3, voids.map().root()));
        assert_ne!(voids.void([8; 32], Reason::OptOut, time(NOW))?.0.salt, expected[0].salt);
        Ok(())
    }

    #[test]
    fn a_last_line_that_was_cut_off_goes_and_a_whole_one_stays() -> Checked {
        let (_folder, state) = state()?;
        let path = state.folder().join(VOIDS);
        let (first, last) = (document(1).to_json() + "\n", document(2).to_json());
        for len in 1..=last.len() {
            fs::write(&path, format!("{first}{}", &last[..len]))?;
            let mut voids = Voids::open(&state)?;
            let is_whole = len == last.len();
            assert_eq!(voids.documents().len(), 1 + usize::from(is_whole), "{len}");
            let end = if is_whole { format!("{last}\n") } else { String::new() };
            assert_eq!(fs::read_to_string(&path)?, format!("{first}{end}"));
            assert_eq!(voids.merge(&[document(3)])?, 1);
            assert_eq!(Voids::open(&state)?.documents(), voids.documents());
        }
        // As a file system may leave it after the power went.
        fs::write(&path, [first.as_bytes(), &[0; 300]].concat())?;
        assert_eq!(Voids::open(&state)?.documents(), [document(1)]);
        assert_eq!(fs::read_to_string(&path)?, first);
        Ok(())
    }

    #[test]
    fn a_broken_line_among_others_is_refused_and_named() -> Checked {
        let (_folder, state) = state()?;
        let path = state.folder().join(VOIDS);
        let (good, cut) = (document(1).to_json(), document(2).to_json());
        for broken in [&cut[..50], "", "{}", &good.replace("erasure", "whim")] {
            let text = format!("{good}\n{broken}\n{cut}\n");
            fs::write(&path, &text)?;
            let place = format!("line 2 (byte {}): PR409", good.len() + 1);
            assert!(message(Voids::open(&state)).contains(&place), "{broken}");
            assert_eq!(fs::read_to_string(&path)?, text);
        }
        // Also behind what is read already.
        fs::write(&path, format!("{good}\n"))?;
        let mut voids = Voids::open(&state)?;
        fs::write(&path, format!("{good}\nno void\n"))?;
        assert_eq!(code(voids.refresh()), Some(Code::VoidDocument));
        assert_eq!(code(voids.merge(&[document(3)])), Some(Code::VoidDocument));
        assert_eq!(voids.documents(), [document(1)]);
        Ok(())
    }

    #[test]
    fn a_file_that_lost_its_end_is_refused() -> Checked {
        let (_folder, state) = state()?;
        let mut voids = Voids::open(&state)?;
        voids.merge(&[document(1), document(2)])?;
        fs::write(state.folder().join(VOIDS), document(1).to_json() + "\n")?;
        assert!(message(voids.refresh()).contains("it has become shorter"));
        assert!(message(voids.merge(&[document(3)])).contains("it has become shorter"));
        fs::remove_file(state.folder().join(VOIDS))?;
        fs::create_dir(state.folder().join(VOIDS))?;
        assert!(Voids::open(&state).is_err());
        Ok(())
    }

    #[test]
    fn many_that_void_at_once_lose_nothing() -> Checked {
        let (_folder, state) = state()?;
        let added: usize = thread::scope(|scope| {
            let adders: Vec<_> = (0..4_u8)
                .map(|adder| {
                    let state = &state;
                    scope.spawn(move || -> Result<usize> {
                        let mut voids = Voids::open(state)?;
                        // Each proof is voided by two of them.
                        (0..20).map(|i| voids.merge(&[document(adder / 2 * 20 + i)])).sum()
                    })
                })
                .collect();
            adders.into_iter().map(|adder| adder.join().map_or(0, Result::unwrap_or_default)).sum()
        });
        let voids = Voids::open(&state)?;
        assert_eq!((added, voids.documents().len()), (40, 40));
        assert_eq!(fs::read_to_string(state.folder().join(VOIDS))?.lines().count(), 40);
        Ok(())
    }

    /// A log with one batch of one record, and its status log.
    struct Logs {
        store: Store,
        state: State,
        _folder: TempDir,
        receipt: String,
        policy: String,
        proof_hash: Hash,
    }

    fn signer(name: &str, seed: u8) -> precise_core::Result<Signer> {
        Signer::from_seed(name, Algorithm::Ed25519, &[seed; 32])
    }

    fn status_signer() -> precise_core::Result<Signer> {
        signer("log.example/a/status", 2)
    }

    impl Logs {
        async fn new() -> std::result::Result<Self, Box<dyn std::error::Error>> {
            let (folder, state) = state()?;
            let store = Store::open("memory:")?;
            let log_signer = signer("log.example/a", 1)?;
            let policy = format!(
                "log {}\nlog {}\nquorum none\n",
                log_signer.verifier_key().to_text(),
                status_signer()?.verifier_key().to_text()
            );
            let proof_hash = proof::hash(&canonical::canonicalize(RECORD)?, None);
            let entry = Entry::Batch(BatchEntry {
                kind: BatchKind::Records,
                batch_root: Batch::new(vec![proof_hash])?.root(),
                closed_at: time(NOW),
                count: 1,
                label: None,
                part: None,
            });
            let mut writer = Writer::create(store.clone(), log_signer, state.clone()).await?;
            let placed = writer.commit(&[entry], async |_, _| Ok(())).await?;
            let receipt = Receipt {
                batch: Inclusion::new(1, 0, Vec::new())?,
                blinded: false,
                entry: placed[0].entry.clone(),
                proof_hash,
                tlog_proof: writer.log().prove(placed[0].index).await?.to_text(),
            };
            let receipt = receipt.to_json();
            Ok(Self { store, state, _folder: folder, receipt, policy, proof_hash })
        }

        async fn create(&self) -> Result<StatusLog> {
            let signer = status_signer().map_err(|error| Error::refused("test", error))?;
            StatusLog::create(&self.store, signer, &self.state).await
        }

        async fn open(&self) -> Result<StatusLog> {
            let signer = status_signer().map_err(|error| Error::refused("test", error))?;
            StatusLog::open(&self.store, signer, &self.state, false).await
        }

        /// The step that fails, and what it says; or that of a status that holds.
        fn verify(&self, status: &StatusReceipt, now: i64) -> (Option<&'static str>, String) {
            let verdict = verify_receipt(&ReceiptRequest {
                record: RECORD,
                blind: None,
                receipt: self.receipt.as_bytes(),
                policy: self.policy.as_bytes(),
                kind: None,
                status: Some(StatusRequest {
                    receipt: status.to_json().as_bytes(),
                    now,
                    max_age: 3600,
                }),
            });
            (verdict.failed(), verdict.to_json())
        }
    }

    #[tokio::test]
    async fn a_status_holds_until_its_proof_is_void_or_it_is_stale() -> Checked {
        let logs = Logs::new().await?;
        let mut status_log = logs.create().await?;
        assert!(status_log.latest().is_none());
        let empty = status_log.publish(time(NOW)).await?;
        assert_eq!((empty.index(), empty.entry().count), (0, 0));
        assert_eq!(logs.verify(&empty.receipt(&logs.proof_hash), NOW).0, None);

        // Others are void; this one is not.
        status_log.voids().merge(&[document(1), document(2)])?;
        let good = status_log.publish(time(NOW + 60)).await?.receipt(&logs.proof_hash);
        assert_eq!(logs.verify(&good, NOW + 60 + 3600).0, None);
        let (failed, verdict) = logs.verify(&good, NOW + 60 + 3601);
        assert_eq!(failed, Some("status"));
        assert!(verdict.contains("3601 s from now"), "{verdict}");

        status_log.voids().void(logs.proof_hash, Reason::Erasure, time(NOW + 90))?;
        // Until the next entry, what was published holds, under its own map.
        let before = status_log.latest().ok_or("it was published")?;
        assert_eq!(before.receipt(&logs.proof_hash), good);
        let void = status_log.publish(time(NOW + 120)).await?;
        assert_eq!((void.index(), void.entry().count), (2, 3));
        let (failed, verdict) = logs.verify(&void.receipt(&logs.proof_hash), NOW + 120);
        assert_eq!(failed, Some("status"));
        assert!(verdict.contains("void, by a document"), "{verdict}");
        assert_eq!(logs.verify(&good, NOW + 120).0, None, "an old one holds while it is fresh");
        // A proof of absence, under the root that was published.
        let absent = void.receipt(&[9; 32]);
        let standing = absent.proof.standing(&[9; 32], &void.entry().map_root);
        assert_eq!(standing, Some(Standing::Good));
        assert_eq!(logs.verify(&absent, NOW + 120).0, Some("status"), "it is of another proof");
        Ok(())
    }

    #[tokio::test]
    async fn it_is_the_same_after_opening_again() -> Checked {
        let logs = Logs::new().await?;
        let mut status_log = logs.create().await?;
        status_log.voids().merge(&[document(1)])?;
        let published = status_log.publish(time(NOW)).await?.receipt(&logs.proof_hash);
        // Voided since, and not published.
        status_log.voids().merge(&[document(2)])?;
        drop(status_log);
        let mut again = logs.open().await?;
        assert_eq!(again.latest().map(|latest| latest.receipt(&logs.proof_hash)), Some(published));
        // Who only reads needs no key.
        let key = status_signer()?.verifier_key().clone();
        let log = Log::open(logs.store.sub("status"), &key).await?;
        let read = Status::read(&log, &Voids::open(&logs.state)?).await?.ok_or("none")?;
        assert_eq!((read.index(), read.entry().count), (0, 1));
        assert_eq!(again.publish(time(NOW + 1)).await?.entry().count, 2);
        assert_eq!(again.log().size(), 2);
        Ok(())
    }

    #[tokio::test]
    async fn a_clock_that_went_back_is_refused() -> Checked {
        let logs = Logs::new().await?;
        let mut status_log = logs.create().await?;
        let receipt = status_log.publish(time(NOW)).await?.receipt(&logs.proof_hash);
        let message = message(status_log.publish(time(NOW - 1)).await);
        assert!(message.contains("the clock went back"), "{message}");
        assert_eq!(status_log.latest().map(|last| last.receipt(&logs.proof_hash)), Some(receipt));
        // In the same second: nothing new is no new entry, something new is one.
        assert_eq!(status_log.publish(time(NOW)).await?.index(), 0);
        status_log.voids().merge(&[document(1)])?;
        assert_eq!(status_log.publish(time(NOW)).await?.index(), 1);
        assert_eq!(status_log.publish(time(NOW + 1)).await?.index(), 2);
        let mut again = logs.open().await?;
        assert!(again.publish(time(NOW)).await.is_err());
        Ok(())
    }

    #[tokio::test]
    async fn two_that_publish_take_turns() -> Checked {
        let logs = Logs::new().await?;
        let mut one = logs.create().await?;
        let mut other = logs.open().await?;
        for round in 0..4_u8 {
            one.voids().merge(&[document(2 * round)])?;
            other.voids().merge(&[document(2 * round + 1)])?;
            let now = time(NOW + i64::from(round));
            let (first, second) = tokio::join!(one.publish(now), other.publish(now));
            let entries = [*first?.entry(), *second?.entry()];
            assert_eq!(entries.map(|entry| entry.count), [u64::from(round) * 2 + 2; 2]);
        }
        // Nothing was new to the second of each round.
        one.publish(time(NOW + 3)).await?;
        assert_eq!(one.log().size(), 4);
        Ok(())
    }

    #[tokio::test]
    async fn documents_that_are_not_those_of_the_log_are_refused() -> Checked {
        let logs = Logs::new().await?;
        let mut status_log = logs.create().await?;
        status_log.voids().merge(&[document(1), document(2)])?;
        status_log.publish(time(NOW)).await?;
        let path = logs.state.folder().join(VOIDS);
        let whole = fs::read_to_string(&path)?;
        let (first, second) = whole.split_once('\n').ok_or("two lines")?;
        for (text, says) in [
            (String::new(), "it has 0 voids, and 2 were published"),
            (format!("{first}\n"), "it has 1 voids, and 2 were published"),
            (format!("{first}\n{first}\n"), "it has 1 voids, and 2 were published"),
            (whole.replace("erasure", "opt_out"), "its first 2 make another map"),
            (
                format!("{}\n{first}\n{second}", document(3).to_json()),
                "its first 2 make another map",
            ),
        ] {
            fs::write(&path, &text)?;
            let message = message(logs.open().await);
            assert!(message.contains("PR414") && message.contains(says), "{message}");
        }
        // The map does not depend on the order among those that were published.
        fs::write(&path, format!("{second}{first}\n"))?;
        logs.open().await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_key_of_no_status_log_is_refused() -> Checked {
        let logs = Logs::new().await?;
        for name in ["log.example/a", "log.example/a/statuses", "/status", "status"] {
            let created = StatusLog::create(&logs.store, signer(name, 2)?, &logs.state).await;
            assert_eq!(code(created), Some(Code::LogKey), "{name}");
        }
        logs.create().await?;
        assert!(logs.create().await.is_err());
        let other = signer("log.example/b/status", 2)?;
        assert!(StatusLog::open(&logs.store, other, &logs.state, false).await.is_err());
        Ok(())
    }

    /// A service publishes from a task of its own.
    #[tokio::test]
    async fn publishing_can_be_a_task() -> Checked {
        let logs = Logs::new().await?;
        let mut status_log = logs.create().await?;
        let publishing =
            tokio::spawn(async move { status_log.publish(time(NOW)).await.map(Status::index) });
        assert_eq!(publishing.await??, 0);
        Ok(())
    }
}
