//! `COPY … TO`, so that nothing half-written ever has its final name.
//!
//! DataFusion closes a file in order where its query fails in the middle, and leaves it: whole to
//! look at, and short. Here the files are written in a directory of their own beside their place,
//! and moved there when the statement is done.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use datafusion::sql::parser::{CopyToStatement, Statement};
use tempfile::TempDir;

use crate::failure::{Failure, Result};
use crate::{files, interrupt};

/// A running COPY. Until [`finish`](Self::finish), and without it, what was there before stays.
pub(crate) struct Copy {
    /// Where the file or directory is to be.
    place: PathBuf,
    /// Where it is written.
    written: PathBuf,
    directory: TempDir,
}

impl Copy {
    /// Sends what a statement writes elsewhere. None if it writes nothing, or not by COPY.
    pub(crate) fn begin(statement: &mut Statement) -> Result<Option<Self>> {
        match statement {
            Statement::CopyTo(copy) => Self::redirect(copy),
            Statement::Explain(explain) if explain.options.analyze => {
                Self::begin(&mut explain.statement)
            }
            _ => Ok(None),
        }
    }

    fn redirect(copy: &mut CopyToStatement) -> Result<Option<Self>> {
        let named = copy.target.strip_prefix("file://").unwrap_or(&copy.target);
        if named.contains("://") {
            return Err(Failure::Io(format!(
                "cannot write {}: only local files are written",
                copy.target
            )));
        }
        let failed = |error: io::Error| Failure::io("write", Path::new(named), &error);
        // A link is followed, so that the file it names is replaced and not the link.
        let place = fs::canonicalize(named).unwrap_or_else(|_| named.into());
        let Some(name) = place.file_name() else {
            return Err(failed(io::Error::other("it is a directory without a name")));
        };
        let there = fs::metadata(&place).ok();
        let is_directory = there.as_ref().is_some_and(Metadata::is_dir);
        let reason = match &there {
            Some(there) if !there.is_dir() && !there.is_file() => Some("it is not a regular file"),
            Some(there) if there.permissions().readonly() => Some("it is read-only"),
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(failed(io::Error::other(reason)));
        }
        let around = match place.parent() {
            _ if is_directory => &place,
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(around).map_err(failed)?;
        let directory =
            tempfile::Builder::new().prefix(".precise-").tempdir_in(around).map_err(failed)?;
        interrupt::begin_files(directory.path());
        let written = directory.path().join(name);
        let slash = if is_directory || named.ends_with('/') { "/" } else { "" };
        copy.target = files::url(&written).map_err(failed)? + slash;
        Ok(Some(Self { place, written, directory }))
    }

    /// Moves to its place what was written.
    pub(crate) fn finish(&self) -> Result<()> {
        if !self.written.exists() {
            return Ok(());
        }
        move_to(&self.written, &self.place)
            .map_err(|error| Failure::io("write", &self.place, &error))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        interrupt::end_files(self.directory.path());
    }
}

fn move_to(written: &Path, place: &Path) -> io::Result<()> {
    if !written.is_dir() {
        if let Ok(replaced) = fs::metadata(place) {
            fs::set_permissions(written, replaced.permissions())?;
        }
        File::open(written)?.sync_all()?;
        return fs::rename(written, place);
    }
    fs::create_dir_all(place)?;
    for entry in fs::read_dir(written)? {
        let entry = entry?;
        move_to(&entry.path(), &place.join(entry.file_name()))?;
    }
    Ok(())
}
