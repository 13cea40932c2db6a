//! The releases under a label, kept so that the next one can be compared with them (SPEC.md
//! section 8.8).
//!
//! The label's folder has the file `key`, 64 hex digits, a space and the label, for its owner's
//! eyes, and the folder `releases` with a file for each release: 32 bytes for each member, sorted,
//! named after their BLAKE3. Each file appears whole or not at all, so that nothing need be
//! repaired after a crash. Without the key nobody can tell from the files who was in a release;
//! whoever destroys the key has to destroy them as well.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use precise_core::cohort::{ReleaseKey, Released, check_differences, count_differences};
use precise_core::hex;
use precise_log::lock::Lock;
use precise_log::state::State;

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::log::block_on;

/// Releases under one label.
pub(crate) struct Releases {
    label: String,
    state: State,
    /// The folder in the state.
    folder: PathBuf,
    key: ReleaseKey,
}

/// What the names of files begin with that are not whole yet.
const UNFINISHED: &str = ".precise-";

/// Bytes kept of a member.
const MEMBER_LEN: usize = 32;

impl Releases {
    /// Finds the label's folder, or makes it and a key.
    pub(crate) fn open(label: &str, folder: Option<&Path>) -> Result<Self> {
        // No log is called so, since a log's name has no space.
        let default = || State::default_folder(&format!("audience {label}"));
        let state = State::open(folder.map_or_else(default, |folder| Ok(folder.to_owned()))?)?;
        let _lock = lock(&state)?;
        let folder = state.sub("releases")?.folder().to_owned();
        let key = match read_key(&state.folder().join("key"), label)? {
            Some(key) => key,
            None => make_key(&state, &folder, label)?,
        };
        Ok(Self { label: label.into(), state, folder, key })
    }

    /// The key under which members are kept.
    pub(crate) fn key(&self) -> &ReleaseKey {
        &self.key
    }

    /// Compares a release with all earlier ones, and keeps it. With how many it was compared.
    ///
    /// Error: PR506, and nothing is kept.
    pub(crate) fn add(&self, members: &[Released], k: u64) -> Result<usize> {
        // From the comparison on until it is kept nobody else may release.
        let _lock = lock(&self.state)?;
        let earlier = self.files()?;
        for file in &earlier {
            check_differences(count_in(file, members)?, k).map_err(|error| {
                Failure::refused(format!("cannot release the audience {:?}", self.label), error)
            })?;
        }
        let mut hasher = blake3::Hasher::new();
        for Released { member, seats } in members {
            hasher.update(member).update(seats);
        }
        let name = hasher.finalize().to_hex();
        write_whole(&self.folder.join(name.as_str()), |file| {
            members.iter().try_for_each(|Released { member, seats }| {
                file.write_all(member)?;
                file.write_all(seats)
            })
        })?;
        Ok(earlier.len())
    }

    /// The files of releases. What an earlier run left half-written goes.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let failed = |error| Failure::io("read", &self.folder, &error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(UNFINISHED) {
                fs::remove_file(&path).map_err(|error| Failure::io("remove", &path, &error))?;
            } else {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

fn lock(state: &State) -> Result<Lock> {
    block_on(async { Ok(state.lock().await?) })
}

/// The key in a file, if it is there and of the label.
fn read_key(path: &Path, label: &str) -> Result<Option<ReleaseKey>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| Failure::io("read", path, &error))?,
    };
    let line = text.strip_suffix('\n').and_then(|line| line.split_once(' '));
    let key = line.and_then(|(digits, of)| {
        let key: [u8; 32] = hex::parse_digits(digits.as_bytes())?;
        Some((ReleaseKey::from_bytes(&key).ok()?, of))
    });
    match key {
        None => Err(Failure::Io(format!("cannot read {}: it is no label's key", path.display()))),
        Some((_, of)) if of != label => Err(Failure::Usage(format!(
            "{} is the key of the label {of:?}; each label has a state of its own",
            path.display()
        ))),
        Some((key, _)) => Ok(Some(key)),
    }
}

/// A new key for a label that has no releases.
fn make_key(state: &State, releases: &Path, label: &str) -> Result<ReleaseKey> {
    let path = state.folder().join("key");
    let failed = |error| Failure::io("read", releases, &error);
    if fs::read_dir(releases).map_err(failed)?.next().is_some() {
        return Err(Failure::Io(format!(
            "cannot compare with the releases in {}: their key {} is gone",
            releases.display(),
            path.display()
        )));
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Failure::Io(format!("cannot make a random key: {error}")))?;
    let digits = hex::format_hash(&key);
    let digits = digits.trim_start_matches("0x");
    write_whole(&path, |file| writeln!(file, "{digits} {label}"))?;
    ReleaseKey::from_bytes(&key).map_err(|error| Failure::refused("cannot make a key", error))
}

/// Writes a file for its owner alone: after a crash it is there and whole, or it is not.
fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let failed = |error: io::Error| Failure::io("write", path, &error);
    let folder = path.parent().unwrap_or(Path::new("."));
    // With the mode 0600.
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(failed)?;
    interrupt::begin(file.path());
    let mut writer = BufWriter::new(file);
    write(&mut writer).map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    let unfinished = file.path().to_owned();
    interrupt::finish(&unfinished, || file.persist(path).map(drop).map_err(|error| error.error))
        .map_err(failed)?;
    // The name itself is on the disk once its folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// How many members differ from those in a file.
fn count_in(path: &Path, members: &[Released]) -> Result<u64> {
    let failed = |error: &io::Error| Failure::io("compare with the release", path, error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let (mut hasher, mut fault) = (blake3::Hasher::new(), None);
    let earlier = std::iter::from_fn(|| match read_member(&mut file) {
        Ok(member) => {
            let Released { member, seats } = member.as_ref()?;
            hasher.update(member).update(seats);
            Some(Released { member: *member, seats: *seats })
        }
        Err(error) => {
            fault = Some(error);
            None
        }
    });
    // Both are read to their ends.
    let count = count_differences(earlier, members.iter().copied());
    match fault {
        Some(error) => Err(failed(&error)),
        None if path.file_name() != Some(OsStr::new(hasher.finalize().to_hex().as_str())) => {
            Err(failed(&io::Error::other("it is not what was written")))
        }
        None => Ok(count),
    }
}

fn read_member(file: &mut impl Read) -> io::Result<Option<Released>> {
    let mut bytes = Vec::with_capacity(MEMBER_LEN);
    file.take(MEMBER_LEN as u64).read_to_end(&mut bytes)?;
    let (halves, rest) = bytes.as_chunks();
    match (halves, rest) {
        ([], []) => Ok(None),
        ([member, seats], []) => Ok(Some(Released { member: *member, seats: *seats })),
        _ => Err(io::Error::other("it is cut off")),
    }
}
