//! Following somebody's log: each checkpoint is shown to continue the one that was seen before.

use std::fs;
use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use precise_core::note::{Checkpoint, VerifierKey};
use precise_core::{Code, hex, tlog};

use crate::error::{Error, Result};
use crate::fsck::Expected;
use crate::log::{Log, SignedCheckpoint, checkpoint_name, read_checkpoint};
use crate::state::replace_file;
use crate::store::Store;
use crate::tiles::WIDTH;

/// Entries that are read at once: 16 bundles.
const STEP: u64 = 16 * WIDTH;

/// Whoever follows a log.
#[derive(Clone, Debug)]
pub struct Monitor {
    store: Store,
    key: VerifierKey,
    /// The file with the last checkpoint that was seen.
    memory: PathBuf,
    expected: Expected,
}

/// What a look at a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The checkpoint as it is now.
    pub signed: SignedCheckpoint,
    /// How many entries the log had when it was looked at before, if it was.
    pub before: Option<u64>,
}

impl Monitor {
    /// Follows the log of a key. `memory` is a file, which is made with the first look.
    pub fn new(store: Store, key: VerifierKey, memory: PathBuf, expected: Expected) -> Self {
        Self { store, key, memory, expected }
    }

    /// Looks once: the checkpoint is signed by the key, has the one that was seen before in it, and
    /// the entries that are new are there and as expected. Only then is it remembered.
    ///
    /// Errors: those of [`SignedCheckpoint::verify`]; PR413 for a log that was rolled back or
    /// forked, of which both checkpoints are kept in the folder `MEMORY.evidence`; PR414 for files
    /// that are not what the tree says; PR407 or PR905 for an entry that is not as expected.
    pub async fn look(&self) -> Result<Sight> {
        let known = self.known()?;
        let (note, _) = read_checkpoint(&self.store).await?;
        let signed = SignedCheckpoint::verify(&note, &self.key)
            .map_err(|error| Error::refused(checkpoint_name(&self.store), error))?;
        let Some(known) = known else {
            let log = Log::at(self.store.clone(), signed.clone()).await?;
            self.check_entries(&log, 0).await?;
            self.remember(&signed)?;
            return Ok(Sight { signed, before: None });
        };
        let (old, new) = (&known.checkpoint, &signed.checkpoint);
        if new.size < old.size {
            let detail = format!("it had {} entries and has {} now", old.size, new.size);
            return Err(self.diverged(&known, &signed, &detail));
        }
        if new.size == old.size {
            if new.root != old.root {
                let detail = format!("it has two roots over {} entries", old.size);
                return Err(self.diverged(&known, &signed, &detail));
            }
        } else {
            let log = Log::at(self.store.clone(), signed.clone()).await?;
            let path = log.prove_consistency(old.size).await?;
            if !tlog::is_consistent(old.size, &old.root, new.size, &new.root, &path) {
                let detail =
                    format!("its {} entries do not begin with the {} it had", new.size, old.size);
                return Err(self.diverged(&known, &signed, &detail));
            }
            self.check_entries(&log, old.size).await?;
            self.remember(&signed)?;
        }
        let before = Some(old.size);
        Ok(Sight { signed, before })
    }

    /// Looks again and again, until `stop` or until `report`, which is told of each look, says that
    /// it has seen enough.
    pub async fn follow(
        &self,
        every: Duration,
        stop: impl Future<Output = ()>,
        mut report: impl FnMut(Result<Sight>) -> bool,
    ) {
        let looking = async {
            // A look that took long is followed by a pause, not by those that were missed.
            while report(self.look().await) {
                tokio::time::sleep(every).await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = stop => {}
        }
    }

    /// Reads the entries from a number on, each of which leads to the checkpoint.
    async fn check_entries(&self, log: &Log, from: u64) -> Result<()> {
        let mut begin = from;
        while begin < log.size() {
            let end = log.size().min(begin + STEP);
            for (index, entry) in (begin..).zip(log.entries(begin..end).await?) {
                self.expected.check(&self.store, index, &entry)?;
            }
            begin = end;
        }
        Ok(())
    }

    /// The checkpoint that was seen before. It is verified again: the file may be another's.
    fn known(&self) -> Result<Option<SignedCheckpoint>> {
        let name = self.memory.display();
        let note = match fs::read_to_string(&self.memory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            note => note.map_err(|error| Error::failed(format!("read {name}"), error))?,
        };
        let what = || format!("the last checkpoint seen, in {name}");
        let known = SignedCheckpoint::verify(&note, &self.key);
        known.map(Some).map_err(|error| Error::refused(what(), error))
    }

    fn remember(&self, signed: &SignedCheckpoint) -> Result<()> {
        replace_file(&self.memory, signed.note.as_bytes())
    }

    /// Keeps both notes. Whoever has them can show that the log's key signed both.
    fn diverged(&self, known: &SignedCheckpoint, new: &SignedCheckpoint, detail: &str) -> Error {
        let mut folder = self.memory.clone().into_os_string();
        folder.push(".evidence");
        let folder = Path::new(&folder);
        let keep = || -> Result<()> {
            fs::create_dir_all(folder).map_err(|error| {
                Error::failed(format!("make the folder {}", folder.display()), error)
            })?;
            for SignedCheckpoint { checkpoint: Checkpoint { size, root, .. }, note } in [known, new]
            {
                let name = format!("{size}-{}.checkpoint", &hex::format_hash(root)[2..18]);
                replace_file(&folder.join(name), note.as_bytes())?;
            }
            Ok(())
        };
        let kept = match keep() {
            Ok(()) => format!("both checkpoints are in {}", folder.display()),
            Err(error) => format!("the checkpoints were not kept: {error}"),
        };
        let error = precise_core::Error::new(Code::LogDiverged);
        Error::refused(self.store.to_string(), error.because(format!("{detail}; {kept}")))
    }
}
