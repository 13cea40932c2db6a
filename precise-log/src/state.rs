//! What a committer keeps beside the log, in a folder of its own: the guard, keys, caches.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use precise_core::note::Checkpoint;
use precise_core::{Code, Hash};

use crate::error::{Error, Result};
use crate::lock::Lock;

/// The folder.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
}

/// The last checkpoint that was signed, or is about to be. A log that has no such root at that size
/// is not the one that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The name of the log.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl State {
    /// The folder, which is made if it is not there, for its owner alone.
    pub fn open(folder: PathBuf) -> Result<Self> {
        let failed = |error| Error::failed(format!("make the folder {}", folder.display()), error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(failed)?;
        Ok(Self { folder })
    }

    /// Where the state of a log is unless told otherwise: `$XDG_STATE_HOME/precise/ORIGIN`, or
    /// `~/.local/state/precise/ORIGIN`.
    pub fn default_folder(origin: &str) -> Result<PathBuf> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        // The XDG specification has relative paths ignored.
        let home = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
        let home = home.or_else(|| Some(variable("HOME")?.join(".local/state")));
        let home = home.ok_or_else(|| {
            Error::failed("find a folder for the state", "HOME is not set; name one with --state")
        })?;
        Ok(home.join("precise").join(folder_name(origin)))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state of the log below this one.
    pub fn sub(&self, name: &str) -> Result<Self> {
        Self::open(self.folder.join(name))
    }

    /// Waits until nobody else holds the folder's lock.
    pub async fn lock(&self) -> Result<Lock> {
        Lock::wait(&self.folder.join("lock")).await
    }

    /// The guard, if there is one.
    ///
    /// Error: PR406 for a file that is none.
    pub fn guard(&self) -> Result<Option<Guard>> {
        let path = self.guard_path();
        let name = path.display().to_string();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Error::failed(format!("read {name}"), error))?,
        };
        let refused = |error| Error::refused(name.clone(), error);
        let text = std::str::from_utf8(&text).map_err(|_| {
            refused(precise_core::Error::new(Code::Checkpoint).because("it is not UTF-8"))
        })?;
        let checkpoint = Checkpoint::parse(text).map_err(refused)?;
        let Checkpoint { origin, size, root, .. } = checkpoint;
        Ok(Some(Guard { origin, size, root }))
    }

    /// Writes the guard: after a crash there is the old one, or this one.
    pub fn set_guard(&self, guard: &Guard) -> Result<()> {
        let Guard { origin, size, root } = guard.clone();
        let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_text();
        replace_file(&self.guard_path(), text.as_bytes())
    }

    fn guard_path(&self) -> PathBuf {
        self.folder.join("guard")
    }
}

/// Writes a file so that after a crash there is the old one, or this one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.to_path_buf().into_os_string();
    beside.push(".new");
    // A plain name is one in the present folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        // The new name is durable when its folder is.
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error| Error::failed(format!("write {}", path.display()), error))
}

/// The origin with all bytes but `A-Z a-z 0-9 . -` as `%XX`. A name of dots alone would lead
/// elsewhere.
fn folder_name(origin: &str) -> String {
    let only_dots = origin.bytes().all(|byte| byte == b'.');
    let mut name = String::new();
    for byte in origin.bytes() {
        match byte {
            b'.' if only_dots => name.push_str("%2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => name.push(byte.into()),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_folder_is_named_after_its_origin_and_stays_below() {
        assert_eq!(folder_name("example.com/log"), "example.com%2Flog");
        assert_eq!(folder_name("a_b%é"), "a%5Fb%25%C3%A9");
        assert_eq!(folder_name(".."), "%2E%2E");
        assert_eq!(folder_name("."), "%2E");
    }

    #[test]
    fn the_guard_is_read_as_it_was_written() -> Tested {
        let folder = tempfile::tempdir()?;
        let state = State::open(folder.path().join("new/state"))?;
        assert_eq!(state.guard()?, None);
        for size in [1, 1 << 40] {
            let guard = Guard { origin: "example.com/log".into(), size, root: [3; 32] };
            state.set_guard(&guard)?;
            assert_eq!(state.guard()?, Some(guard));
        }
        assert_eq!(state.sub("status")?.guard()?, None);
        for torn in [&b""[..], b"example.com/log\n", b"\xff", b"a\n01\nb\n"] {
            fs::write(state.guard_path(), torn)?;
            assert!(matches!(state.guard(), Err(Error::Refused { .. })), "{torn:?}");
        }
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_its_owners_alone() -> Tested {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let state = State::open(folder.path().join("state"))?;
        assert_eq!(fs::metadata(state.folder())?.permissions().mode() & 0o777, 0o700);
        Ok(())
    }

    #[tokio::test]
    async fn a_lock_is_held_by_one_and_given_back() -> Tested {
        let folder = tempfile::tempdir()?;
        let state = State::open(folder.path().to_path_buf())?;
        let first = state.lock().await?;
        let second = tokio::spawn({
            let state = state.clone();
            async move { state.lock().await }
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished());
        drop(first);
        second.await??;
        Ok(())
    }
}
