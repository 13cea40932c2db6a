//! How a log grows (SPEC.md section 4.7).
//!
//! A commit is one object that is created and never replaced, the stage. Everything else follows
//! from it and the tree that it continues, so whoever finds a stage completes it, and writes the
//! same bytes as whoever began. Recovery is no code of its own.
//!
//! What must never happen is two signed checkpoints of which one is not the beginning of the other.
//! Four things prevent it: a stage is created once for each size; nothing is signed before it is
//! durable; the guard, outside of the log, has what was signed last; and a checkpoint replaces no
//! other than the one that was read.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use bytes::Bytes;
use precise_core::entry::Entry;
use precise_core::note::{Algorithm, Checkpoint, Note, Signer};
use precise_core::{Code, Hash, tlog};

use crate::error::{Error, Result};
use crate::identities::Identities;
use crate::lock::Lock;
use crate::log::{CHECKPOINT, Log, SignedCheckpoint, checkpoint_name, read_checkpoint};
use crate::stage::{self, Stage};
use crate::state::{Guard, State};
use crate::store::{Store, Version};
use crate::tiles::{Growth, WIDTH, bundle_path, corrupt, push_entry};

/// Entries that are committed at once, at most.
pub const MAX_ENTRIES: usize = 1 << 16;

/// Entries that are read at once to learn their identities: 64 bundles.
const INDEX_STEP: u64 = 64 * WIDTH;

/// Where an entry is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub index: u64,
    /// The text that is there: another's, if it was committed before under another time.
    pub entry: String,
    /// Whether it was there before, or earlier among those that are committed.
    pub known: bool,
}

/// Adds entries to a log.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    signer: Signer,
    state: State,
    log: Log,
    /// The version of the checkpoint that was read last.
    version: Version,
    /// The bundle that is not full.
    bundle: Bytes,
    identities: Identities,
}

impl Writer {
    /// Begins a log: signs that it has no entries.
    ///
    /// Errors: PR415 for a key of another kind than a log's; PR413 if the state guards a log that
    /// has entries.
    pub async fn create(store: Store, signer: Signer, state: State) -> Result<Self> {
        check_signer(&store, &signer)?;
        let origin = signer.verifier_key().name().to_string();
        {
            let _state = state.lock().await?;
            let _directory = store.lock().await?;
            let empty = Guard { origin: origin.clone(), size: 0, root: tlog::empty_root() };
            if let Some(guard) = read_guard(&state, &origin)?
                && guard != empty
            {
                let detail = format!("the state guards one of {} entries", guard.size);
                return Err(diverged(&store, detail));
            }
            let begun = sign(&signer, origin, 0, empty.root)?;
            // A crash behind this line leaves a guard of no entries, with which this begins again.
            state.set_guard(&empty)?;
            if !store.create(CHECKPOINT, begun.note.into()).await? {
                return Err(Error::failed(format!("begin a log in {store}"), "there is one"));
            }
        }
        Self::open(store, signer, state, false).await
    }

    /// Opens a log: completes a commit that somebody began, and checks that it is the log that the
    /// state guards. A state without a guard is refused, unless it is to `adopt` what is there.
    ///
    /// Errors: those of [`Note::parse`] and [`Checkpoint::parse`]; PR413 for a log that was rolled
    /// back or is another; PR414 for files that are not what the tree says; PR415 for a key that is
    /// not the log's.
    pub async fn open(store: Store, signer: Signer, state: State, adopt: bool) -> Result<Self> {
        check_signer(&store, &signer)?;
        let state_lock = state.lock().await?;
        let directory = store.lock().await?;
        let (note, version) = read_checkpoint(&store).await?;
        let log = Log::at(store.clone(), verify(&store, &signer, &note)?).await?;
        if read_guard(&state, log.origin())?.is_none() {
            if !adopt {
                let folder = state.folder().display();
                let why = format!(
                    "{folder} has no guard of it; if you trust it as it is, adopt it (--adopt)"
                );
                return Err(Error::failed(format!("write to the log {store}"), why));
            }
            state.set_guard(&guard_of(&log))?;
        }
        let bundle = last_bundle(&log).await?;
        let identities = open_identities(&state, &log).await?;
        let mut writer = Self { store, signer, state, log, version, bundle, identities };
        writer.check_store().await?;
        writer.refresh(directory.as_ref()).await?;
        drop((state_lock, directory));
        Ok(writer)
    }

    /// The log as of the last commit.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Where the log has an entry of this identity, as of the last commit.
    ///
    /// Error: PR414 if a file is not what the tree says.
    pub async fn find(&mut self, identity: &Hash) -> Result<Option<u64>> {
        let _state = self.state.lock().await?;
        self.index_entries().await?;
        Ok(self.stored(identity).await?.map(|(index, _)| index))
    }

    /// Adds those entries that the log does not have, and says of each where it is. `mark` notes
    /// that they are in the log, wherever they come from; it is called with all of them, and again
    /// by a later commit of the same if it fails.
    ///
    /// After an error entries may be in the log or not: commit the same again.
    ///
    /// Errors: those of [`open`](Self::open); PR407 and PR905 for an entry that is none.
    pub async fn commit(
        &mut self,
        entries: &[Entry],
        mark: impl AsyncFnOnce(&Log, &[Placed]) -> Result<()>,
    ) -> Result<Vec<Placed>> {
        if entries.len() > MAX_ENTRIES {
            let why = format!("{MAX_ENTRIES} are committed at once, at most");
            return Err(Error::failed(format!("commit {} entries", entries.len()), why));
        }
        let entries = entries
            .iter()
            .map(|entry| Ok((entry.identity()?, entry.to_json()?)))
            .collect::<precise_core::Result<Vec<_>>>()
            .map_err(|error| Error::refused("an entry to commit", error))?;
        let _state = self.state.lock().await?;
        let directory = self.store.lock().await?;
        loop {
            self.refresh(directory.as_ref()).await?;
            let Placement { placed, fresh } = self.place(&entries).await?;
            if fresh.is_empty() {
                mark(&self.log, &placed).await?;
                return Ok(placed);
            }
            let entries: Vec<Bytes> = fresh.iter().map(|(_, text)| text.clone()).collect();
            let growth = Growth::new(self.log.edge(), &self.bundle, &entries);
            let from = self.log.checkpoint().checkpoint.clone();
            let (size, root) = (growth.edge.size(), growth.edge.root());
            let stage = Stage { from, size, root, entries };
            self.check_guard(&stage).await?;
            let path = stage::path(stage.from.size);
            let bytes = stage.to_bytes(&self.signer).map_err(|error| self.refused(error))?;
            // A crash while the stage is created leaves none, and then nothing has happened; or
            // one, and then whoever comes next completes it.
            if !self.store.create(&path, bytes).await? {
                continue;
            }
            // A committer that slept since it read the checkpoint creates a stage that nobody
            // looks at: that of this size was completed and removed. A crash here leaves it until
            // the log is opened.
            if !self.is_current().await? {
                self.remove_stage(stage.from.size).await;
                continue;
            }
            self.complete(&stage, growth, directory.as_ref()).await?;
            for (identity, _) in &fresh {
                self.identities.push(identity);
            }
            self.keep_identities().await;
            // A crash before or while this marks leaves entries that the log has and their source
            // does not know of. It hands them out again, and they are found and marked.
            let marked = mark(&self.log, &placed).await;
            // A crash here leaves a stage below the checkpoint until the log is opened.
            self.remove_stage(stage.from.size).await;
            marked?;
            return Ok(placed);
        }
    }

    /// Brings the log that is in memory up to the one in the store, completing what was begun.
    async fn refresh(&mut self, directory: Option<&Lock>) -> Result<()> {
        let guard = loop {
            while let Some(stage) = self.next_stage().await? {
                let growth = self.grow(&stage)?;
                self.complete(&stage, growth, directory).await?;
                self.remove_stage(stage.from.size).await;
            }
            let guard = self.guard()?;
            // A guard that is ahead of the checkpoint has a stage beside it, unless another machine
            // completed that between one look and the other.
            if guard.size <= self.log.size() || self.is_current().await? {
                break guard;
            }
        };
        let root = self.log.root(guard.size.min(self.log.size())).await?;
        self.check_root(&guard, self.log.size(), root)?;
        if guard.size < self.log.size() {
            // Another machine's committer signed more. A crash before this leaves the older guard.
            self.state.set_guard(&guard_of(&self.log))?;
        }
        Ok(())
    }

    /// The stage that continues the log, if somebody left one.
    async fn next_stage(&mut self) -> Result<Option<Stage>> {
        loop {
            if !self.is_current().await? {
                self.reload().await?;
                self.check_store().await?;
            }
            let path = stage::path(self.log.size());
            let Some(bytes) = self.store.get(&path).await? else { return Ok(None) };
            // A stage is removed only when the checkpoint has moved, and one that is created again
            // after that means nothing. So it counts only if the checkpoint has not moved still.
            if !self.is_current().await? {
                continue;
            }
            let stage = Stage::parse(&bytes, self.signer.verifier_key())
                .map_err(|why| corrupt(&self.store, &path, why))?;
            if stage.from != self.log.checkpoint().checkpoint {
                return Err(diverged(&self.store, format!("{path} continues another log")));
            }
            return Ok(Some(stage));
        }
    }

    /// Whether the checkpoint in the store is the one in memory.
    async fn is_current(&mut self) -> Result<bool> {
        let (note, version) = read_checkpoint(&self.store).await?;
        self.version = version;
        Ok(note == self.log.checkpoint().note)
    }

    /// Reads the log anew.
    async fn reload(&mut self) -> Result<()> {
        let (note, version) = read_checkpoint(&self.store).await?;
        let signed = verify(&self.store, &self.signer, &note)?;
        let log = Log::at(self.store.clone(), signed).await?;
        // The log and its last bundle change together, or an error between would part them.
        self.bundle = last_bundle(&log).await?;
        self.log = log;
        self.version = version;
        Ok(())
    }

    /// Looks for traces of entries beyond the checkpoint, and removes stages below it.
    async fn check_store(&mut self) -> Result<()> {
        loop {
            let size = self.log.size();
            let beyond = self.is_beyond(size).await?;
            let stages: Vec<u64> = self
                .store
                .list(stage::FOLDER)
                .await?
                .iter()
                .filter_map(|path| stage::from_size(path))
                .collect();
            let explained = stages.contains(&size);
            if (beyond && !explained) || stages.iter().any(|&from| from > size) {
                // Bundles come after their stage, and that goes after the checkpoint has moved.
                if self.is_current().await? {
                    let detail = format!("it has more than the {size} entries of its checkpoint");
                    return Err(diverged(&self.store, detail));
                }
                self.reload().await?;
                continue;
            }
            for from in stages.into_iter().filter(|&from| from < size) {
                self.remove_stage(from).await;
            }
            return Ok(());
        }
    }

    /// Whether a bundle has an entry with this number.
    async fn is_beyond(&self, index: u64) -> Result<bool> {
        let full = bundle_path(index / WIDTH, WIDTH);
        if self.store.get(&full).await?.is_some() {
            return Ok(true);
        }
        let folder = format!("{full}.p");
        let partial = self.store.list(&folder).await?;
        let width =
            |path: &String| path.strip_prefix(&folder)?.strip_prefix('/')?.parse::<u64>().ok();
        Ok(partial.iter().filter_map(width).any(|width| width > index % WIDTH))
    }

    /// What the log becomes with a stage that was found.
    fn grow(&self, stage: &Stage) -> Result<Growth> {
        let growth = Growth::new(self.log.edge(), &self.bundle, &stage.entries);
        if growth.edge.root() == stage.root {
            return Ok(growth);
        }
        let path = stage::path(stage.from.size);
        Err(corrupt(&self.store, &path, "its entries do not lead to the root that it states"))
    }

    /// Does all that a stage asks for. What was done before is done again, to the same effect.
    async fn complete(
        &mut self,
        stage: &Stage,
        growth: Growth,
        directory: Option<&Lock>,
    ) -> Result<()> {
        self.check_guard(stage).await?;
        // A crash here leaves some bundles and tiles that no checkpoint speaks of, and the stage.
        self.store.put_all(growth.objects).await?;
        // A crash from here on leaves all of them, and the stage.
        let origin = self.log.origin().to_string();
        let signed = sign(&self.signer, origin.clone(), stage.size, stage.root)?;
        // A crash before the checkpoint is there leaves a guard that is ahead of it, and the stage
        // that leads from the one to the other.
        self.state.set_guard(&Guard { origin, size: stage.size, root: stage.root })?;
        // A crash from here on leaves a stage below the checkpoint.
        if !self.publish(&signed, directory).await? {
            return self.reload().await;
        }
        self.log = self.log.grown(signed, growth.edge);
        self.bundle = growth.bundle;
        // A crash among these leaves partial tiles beside the full ones. They are right, too.
        for folder in growth.outgrown {
            if let Err(error) = self.remove_folder(&folder).await {
                tracing::warn!(%error, "partial tiles are left over");
            }
        }
        Ok(())
    }

    /// Publishes a checkpoint. Whether it did: `false` if somebody has published it, or one behind
    /// it.
    async fn publish(
        &mut self,
        signed: &SignedCheckpoint,
        directory: Option<&Lock>,
    ) -> Result<bool> {
        let note = Bytes::from(signed.note.clone());
        while !self.store.replace(CHECKPOINT, note.clone(), self.version.clone(), directory).await?
        {
            let (found, version) = read_checkpoint(&self.store).await?;
            let found = verify(&self.store, &self.signer, &found)?;
            if found.checkpoint.size >= signed.checkpoint.size {
                let log = Log::at(self.store.clone(), found).await?;
                if log.root(signed.checkpoint.size).await? == signed.checkpoint.root {
                    return Ok(false);
                }
                return Err(diverged(&self.store, "somebody else published another tree"));
            }
            // Witnesses may have signed the old checkpoint meanwhile.
            if found.checkpoint != self.log.checkpoint().checkpoint {
                return Err(diverged(&self.store, "its checkpoint went backwards"));
            }
            self.version = version;
        }
        Ok(true)
    }

    /// Where each entry is, or is to be. `entries` are identities and texts.
    async fn place(&mut self, entries: &[(Hash, String)]) -> Result<Placement> {
        self.index_entries().await?;
        let mut placed: Vec<Placed> = Vec::with_capacity(entries.len());
        let mut fresh = Vec::new();
        let mut first: HashMap<Hash, usize> = HashMap::with_capacity(entries.len());
        for (identity, text) in entries {
            let slot = match first.entry(*identity) {
                Slot::Occupied(slot) => {
                    let earlier = placed[*slot.get()].clone();
                    placed.push(Placed { known: true, ..earlier });
                    continue;
                }
                Slot::Vacant(slot) => slot,
            };
            slot.insert(placed.len());
            let place = if let Some((index, entry)) = self.stored(identity).await? {
                Placed { index, entry, known: true }
            } else {
                let index = self.log.size() + fresh.len() as u64;
                fresh.push((*identity, Bytes::from(text.clone())));
                Placed { index, entry: text.clone(), known: false }
            };
            placed.push(place);
        }
        Ok(Placement { placed, fresh })
    }

    /// The entry of an identity. The cache says where to look; what is there decides.
    async fn stored(&self, identity: &Hash) -> Result<Option<(u64, String)>> {
        for index in self.identities.candidates(identity)? {
            let text = self.log.entry(index).await?;
            if self.identity(index, text.as_bytes())? == *identity {
                return Ok(Some((index, text)));
            }
        }
        Ok(None)
    }

    /// Brings the cache up to the log.
    async fn index_entries(&mut self) -> Result<()> {
        if self.identities.size() > self.log.size() {
            self.identities.truncate(self.log.size());
        }
        while self.identities.size() < self.log.size() {
            let from = self.identities.size();
            let to = self.log.size().min((from / WIDTH) * WIDTH + INDEX_STEP);
            for (index, entry) in (from..).zip(self.log.entries(from..to).await?) {
                let identity = self.identity(index, &entry)?;
                self.identities.push(&identity);
            }
            self.keep_identities().await;
        }
        Ok(())
    }

    /// Writes the cache down when much of it is in memory alone.
    async fn keep_identities(&mut self) {
        if !self.identities.is_full() {
            return;
        }
        let kept = match self.log.root(self.identities.size()).await {
            Ok(root) => self.identities.keep(root),
            Err(error) => Err(error),
        };
        // It is a cache: the log has all that is in it.
        if let Err(error) = kept {
            tracing::warn!(%error, "the identities of entries are kept in memory alone");
        }
    }

    fn identity(&self, index: u64, entry: &[u8]) -> Result<Hash> {
        Entry::parse(entry)
            .and_then(|entry| entry.identity())
            .map_err(|error| Error::refused(format!("entry {index} of {}", self.store), error))
    }

    fn guard(&self) -> Result<Guard> {
        read_guard(&self.state, self.log.origin())?.ok_or_else(|| {
            let folder = self.state.folder().display();
            Error::failed(format!("read the guard in {folder}"), "somebody has removed it")
        })
    }

    /// Before anything is signed: the tree with the stage has what the guard has at its size.
    async fn check_guard(&self, stage: &Stage) -> Result<()> {
        let guard = self.guard()?;
        let size = self.log.size();
        let root = if guard.size <= size {
            self.log.root(guard.size).await?
        } else {
            let mut edge = self.log.edge().clone();
            let count = (guard.size - size).min(stage.entries.len() as u64);
            edge.extend(&stage.entries[..count as usize]);
            edge.root()
        };
        self.check_root(&guard, stage.size, root)
    }

    /// The guard's rule: a tree of `size` entries, which has this root at the guard's size, may be
    /// signed.
    fn check_root(&self, guard: &Guard, size: u64, root: Hash) -> Result<()> {
        if size < guard.size {
            let detail = format!("it has {size} entries, and had {}", guard.size);
            return Err(diverged(&self.store, detail));
        }
        if root != guard.root {
            let detail = format!("its first {} entries are others than those signed", guard.size);
            return Err(diverged(&self.store, detail));
        }
        Ok(())
    }

    /// Removes a stage below the checkpoint. One that stays is in nobody's way.
    async fn remove_stage(&self, from_size: u64) {
        if let Err(error) = self.store.delete(&stage::path(from_size)).await {
            tracing::warn!(%error, "a stage is left over");
        }
    }

    async fn remove_folder(&self, folder: &str) -> Result<()> {
        for path in self.store.list(folder).await? {
            self.store.delete(&path).await?;
        }
        Ok(())
    }

    fn refused(&self, error: precise_core::Error) -> Error {
        Error::refused(self.store.to_string(), error)
    }
}

/// Where entries are, and which of them are not there yet.
struct Placement {
    placed: Vec<Placed>,
    /// Identities and texts.
    fresh: Vec<(Hash, Bytes)>,
}

fn check_signer(store: &Store, signer: &Signer) -> Result<()> {
    if signer.verifier_key().algorithm() == Algorithm::Ed25519 {
        return Ok(());
    }
    let error = precise_core::Error::new(Code::LogKey).because("it is a cosigner's");
    Err(Error::refused(store.to_string(), error))
}

/// The checkpoint, which must be by the signer.
fn verify(store: &Store, signer: &Signer, note: &str) -> Result<SignedCheckpoint> {
    SignedCheckpoint::verify(note, signer.verifier_key()).map_err(|error| {
        let error = match error.code() {
            Code::Unsigned | Code::Signature => {
                let key = signer.verifier_key().name();
                let origin = note.lines().next().unwrap_or_default();
                let detail = format!("{key} did not sign the checkpoint of {origin}");
                precise_core::Error::new(Code::LogKey).because(detail)
            }
            _ => error,
        };
        Error::refused(checkpoint_name(store), error)
    })
}

fn sign(signer: &Signer, origin: String, size: u64, root: Hash) -> Result<SignedCheckpoint> {
    let checkpoint = Checkpoint { origin, size, root, extensions: Vec::new() };
    let text = checkpoint.to_text();
    let note = signer
        .sign(&text, 0)
        .and_then(|signature| Note::new(&text, vec![signature]))
        .map_err(|error| Error::refused("the checkpoint to sign", error))?;
    Ok(SignedCheckpoint { checkpoint, note: note.to_text() })
}

fn read_guard(state: &State, origin: &str) -> Result<Option<Guard>> {
    let guard = state.guard()?;
    match guard {
        Some(guard) if guard.origin != origin => {
            let why = format!("it guards {}", guard.origin);
            let folder = state.folder().display();
            Err(Error::failed(format!("keep the state of {origin} in {folder}"), why))
        }
        guard => Ok(guard),
    }
}

fn guard_of(log: &Log) -> Guard {
    let Checkpoint { origin, size, root, .. } = log.checkpoint().checkpoint.clone();
    Guard { origin, size, root }
}

/// The cache of identities, as far as it is of this log.
async fn open_identities(state: &State, log: &Log) -> Result<Identities> {
    let mut identities = Identities::open(state.folder().join("identities"))?;
    let mut known = 0;
    for (end, root) in identities.roots() {
        if end > log.size() || log.root(end).await? != root {
            break;
        }
        known = end;
    }
    identities.truncate(known);
    Ok(identities)
}

/// The bundle at the end of a log that is not full.
async fn last_bundle(log: &Log) -> Result<Bytes> {
    let size = log.size();
    let mut bundle = bytes::BytesMut::new();
    for entry in log.entries(size - size % WIDTH..size).await? {
        push_entry(&mut bundle, &entry);
    }
    Ok(bundle.freeze())
}

fn diverged(store: &Store, detail: impl Into<String>) -> Error {
    let error = precise_core::Error::new(Code::LogDiverged).because(detail.into());
    Error::refused(store.to_string(), error)
}
