//! Files that appear under their final name only when they are whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Failure, Result};
use crate::interrupt;

/// A file being written.
///
/// A plain file is written beside its final place and renamed in [`finish`](Output::finish); until
/// then, and after any failure, what was there before stays. `-` is standard output; pipes and
/// devices are written as they are.
pub(crate) struct Output {
    path: PathBuf,
    target: Target,
}

enum Target {
    Beside(NamedTempFile),
    Stream(Box<dyn Write + Send>),
}

impl Output {
    /// Begins. Fails at once where nothing could be written in the end.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| Failure::io("write", path, &error);
        if path == Path::new("-") {
            let target = Target::Stream(Box::new(io::stdout()));
            return Ok(Self { path: path.into(), target });
        }
        // A link is followed, so that the file it names is replaced and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let target = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Failure::Io(format!(
                    "cannot write {}: it is a directory",
                    path.display()
                )));
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
                Target::Stream(Box::new(file))
            }
            Ok(metadata) if metadata.permissions().readonly() => {
                return Err(Failure::Io(format!(
                    "cannot write {}: it is read-only",
                    path.display()
                )));
            }
            existing => {
                // A file that is replaced keeps its mode. From a new one's 0666 the umask takes
                // away what it takes from any.
                let permissions = match existing {
                    Ok(metadata) => metadata.permissions(),
                    Err(_) => Permissions::from_mode(0o666),
                };
                let file = tempfile::Builder::new()
                    .prefix(".precise-")
                    .permissions(permissions)
                    .tempfile_in(parent(&path))
                    .map_err(failed)?;
                interrupt::begin(file.path());
                Target::Beside(file)
            }
        };
        Ok(Self { path, target })
    }

    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The final step: everything is on the disk, under its name, or an error says why not.
    pub(crate) fn finish(self) -> Result<()> {
        let failed = |error: io::Error| Failure::io("write", &self.path, &error);
        match self.target {
            Target::Beside(file) => {
                file.as_file().sync_all().map_err(failed)?;
                let unfinished = file.path().to_owned();
                interrupt::finish(&unfinished, || {
                    file.persist(&self.path).map(drop).map_err(|error| error.error)
                })
                .map_err(failed)?;
                // The name itself is on the disk once its directory is.
                File::open(parent(&self.path)).and_then(|dir| dir.sync_all()).map_err(failed)
            }
            Target::Stream(mut stream) => stream.flush().map_err(failed),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Beside(file) => file.write(bytes),
            Target::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Beside(file) => file.flush(),
            Target::Stream(stream) => stream.flush(),
        }
    }
}

/// Whether two paths name one file, be it there yet or not.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        fs::canonicalize(path).or_else(|_| fs::canonicalize(parent(path)).map(|dir| dir.join(name)))
    };
    matches!((real(a), real(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether it is standard output, a pipe or a device: nothing can be put beside those.
pub(crate) fn is_stream(path: &Path) -> bool {
    path == Path::new("-") || fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// The directory a file is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
