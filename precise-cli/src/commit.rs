//! `precise commit`: batches from files and databases, to a log.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::hex;
use precise_log::commit::Writer;
use precise_log::source::postgres::Postgres;
use precise_log::source::{self, ClosedBatch, CommittedBatch, Source};
use serde_json::json;

use crate::args::Commit;
use crate::failure::{Failure, Result};
use crate::leaves::{Leaves, Noted};
use crate::log::{Ours, block_on, now};
use crate::progress::Progress;
use crate::proofs::{is_blinded, read_hashes, warn_of_nulls};
use crate::receipt::ReceiptsWriter;
use crate::runs::{BatchRoot, HashSet, SortedRuns, describe_part};

/// Entries of one commit at most: what is signed together is in the log together.
const COMMIT_LEN: usize = 256;

/// How long files are read before what they hold is committed, so that a run that is killed has got
/// somewhere.
const READ_AT_MOST: Duration = Duration::from_millis(250);

pub(crate) fn run(command: &Commit, json: bool) -> Result<ExitCode> {
    block_on(commit(command, json))
}

async fn commit(command: &Commit, json: bool) -> Result<ExitCode> {
    let ours = Ours::open(&command.place).await?;
    let leaves = Leaves::open(&ours.leaves(command.store.as_deref()))?;
    let (databases, files): (Vec<_>, Vec<_>) =
        command.sources.iter().cloned().partition(|source| is_database(source));
    if command.receipts.is_some() && !databases.is_empty() {
        return Err(Failure::Usage(
            "--receipts is for files; a database makes its own: SELECT precise.receipt(…)".into(),
        ));
    }
    let sets = sets(files, command.together)?;
    // A place that cannot be written ends it before anything is committed.
    let receipts = command.receipts.as_deref().map(ReceiptsWriter::create).transpose()?;
    let mut writer = ours.writer(&command.key, command.adopt).await?;
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    if !sets.is_empty() {
        let reading = Reading {
            column: command.column.clone(),
            label: command.label.clone(),
            part_limit: command.part_limit,
            blinded: command.blinded,
        };
        let mut source = Files::new(sets, leaves.clone(), reading);
        let progress = Progress::batches(Some(source.waiting.len() as u64));
        take(&mut writer, &mut source, &progress, &mut done).await?;
        progress.finish();
        refused = source.refused;
    }
    for database in &databases {
        let mut source =
            Postgres::new(&database.to_string_lossy(), &|name| std::env::var(name).ok())?;
        let progress = Progress::batches(None);
        take(&mut writer, &mut source, &progress, &mut done).await?;
        progress.finish();
    }
    if let Some(mut receipts) = receipts {
        for (batch, _) in &done {
            receipts.write(&leaves, batch)?;
        }
        receipts.finish()?;
    }
    let Some(last) = refused.pop() else {
        print(&writer, &done, json)
            .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
        return Ok(ExitCode::SUCCESS);
    };
    // The other files are in the log whatever was wrong with some.
    if !done.is_empty() {
        print(&writer, &done, json)
            .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    }
    for failure in &refused {
        failure.print(json);
    }
    Err(last)
}

/// Commits what a source has, until it has nothing more. With each batch, whether the log had it.
async fn take(
    writer: &mut Writer,
    source: &mut dyn Source,
    progress: &Progress,
    done: &mut Vec<(CommittedBatch, bool)>,
) -> Result<()> {
    loop {
        let closed = source.closed(COMMIT_LEN).await?;
        if closed.is_empty() {
            return Ok(());
        }
        done.extend(source::commit(writer, source, closed).await?);
        progress.set(done.len() as u64);
    }
}

fn is_database(source: &Path) -> bool {
    let name = source.to_string_lossy();
    name.starts_with("postgresql://") || name.starts_with("postgres://")
}

/// Which files make up a batch: each alone, those of a directory as well; or all of them.
fn sets(sources: Vec<PathBuf>, together: bool) -> Result<VecDeque<Vec<PathBuf>>> {
    let mut files = Vec::new();
    for source in sources {
        if !source.is_dir() {
            files.push(source);
            continue;
        }
        let found = parquet_files(&source)?;
        if found.is_empty() {
            let source = source.display();
            return Err(Failure::Usage(format!("there is no Parquet file in {source}")));
        }
        files.extend(found);
    }
    Ok(if together && !files.is_empty() {
        [files].into()
    } else {
        files.into_iter().map(|file| vec![file]).collect()
    })
}

/// The Parquet files of a directory, by name.
pub(crate) fn parquet_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: io::Error| Failure::io("read", directory, &error);
    let mut files = Vec::new();
    for file in std::fs::read_dir(directory).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Names that begin with `.` or `_` are not of data, to Spark and its like.
        if !name.starts_with(['.', '_']) && name.ends_with(".parquet") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Files of proofs, as a source of batches.
pub(crate) struct Files {
    waiting: VecDeque<Vec<PathBuf>>,
    /// What was wrong with those that are no batch.
    refused: Vec<Failure>,
    /// Where the leaves of batches go, before anything is committed.
    leaves: Leaves,
    reading: Reading,
}

/// How files are read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) column: String,
    pub(crate) label: Option<String>,
    pub(crate) part_limit: usize,
    /// The proofs are blinded, whether the files tell so or not.
    pub(crate) blinded: bool,
}

impl Files {
    pub(crate) fn new(waiting: VecDeque<Vec<PathBuf>>, leaves: Leaves, reading: Reading) -> Self {
        Self { waiting, refused: Vec::new(), leaves, reading }
    }
}

#[async_trait]
impl Source for Files {
    fn name(&self) -> String {
        "files".into()
    }

    async fn closed(&mut self, limit: usize) -> precise_log::Result<Vec<ClosedBatch>> {
        let mut batches = Vec::new();
        let began = Instant::now();
        while batches.len() < limit
            && (batches.is_empty() || began.elapsed() < READ_AT_MOST)
            && let Some(files) = self.waiting.pop_front()
        {
            match Closable::read(&files, &self.reading) {
                Ok(read) => {
                    warn_of_nulls(read.nulls);
                    batches.extend(read.close(&self.reading, &self.leaves)?);
                }
                Err(failure) => self.refused.push(failure),
            }
        }
        Ok(batches)
    }

    /// Files are not changed: what is in the log already is known by its identity. Where in the log
    /// it is, is noted beside the leaves.
    async fn mark(&mut self, committed: &[CommittedBatch]) -> precise_log::Result<()> {
        for batch in committed {
            note(&self.leaves, batch)?;
        }
        Ok(())
    }

    async fn release(&mut self) -> precise_log::Result<()> {
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> precise_log::Result<()> {
        tokio::time::sleep(at_most).await;
        Ok(())
    }
}

/// A set of files, read: what they hold is a batch, or one for each part.
pub(crate) struct Closable {
    name: String,
    set: HashSet,
    roots: Vec<BatchRoot>,
    /// Nothing, if the files do not tell.
    blinded: Option<bool>,
    /// Rows without a proof.
    pub(crate) nulls: u64,
}

impl Closable {
    /// Reads it. What fails here is wrong with the files.
    pub(crate) fn read(files: &[PathBuf], reading: &Reading) -> Result<Self> {
        let mut runs = SortedRuns::new(&std::env::temp_dir());
        let nulls = read_hashes(files, &reading.column, None, &mut runs)?;
        let blinded = match (is_blinded(files)?, reading.blinded) {
            (Some(false), true) => {
                let first = files.first().map(|file| file.display().to_string());
                let first = first.unwrap_or_default();
                return Err(Failure::Usage(format!("the proofs of {first} are not blinded")));
            }
            (_, true) => Some(true),
            (found, false) => found,
        };
        let set = runs.finish(reading.part_limit)?;
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let name = names.join(" and ");
        let roots = set.batch_roots()?;
        if roots.is_empty() {
            return Err(crate::runs::empty_batch(&format!("cannot commit {name}")));
        }
        Ok(Self { name, set, roots, blinded, nulls })
    }

    /// Keeps its leaves, and closes its batches.
    pub(crate) fn close(self, reading: &Reading, leaves: &Leaves) -> Result<Vec<ClosedBatch>> {
        let Self { name, set, roots, blinded, .. } = self;
        let closed_at = now()?;
        let refused = |error| Failure::refused(format!("cannot commit {name}"), error);
        // Part after part, ascending, as the roots are.
        let mut hashes = set.hashes()?;
        let mut batches = Vec::new();
        for root in roots {
            let entry = BatchEntry {
                kind: BatchKind::Records,
                batch_root: root.root,
                closed_at,
                count: root.count,
                label: reading.label.clone(),
                part: root.part,
            };
            let identity = Entry::Batch(entry.clone()).identity().map_err(refused)?;
            let noted = leaves.noted(&identity);
            leaves.note(&identity, Noted { blinded: blinded.or(noted.blinded), ..noted })?;
            let mut writer = leaves.begin(&entry)?;
            for hash in hashes.by_ref().take(root.count as usize) {
                let hash = hash.map_err(|error| set.unreadable(&error))?;
                if let Some(writer) = &mut writer {
                    writer.push(&hash)?;
                }
            }
            if let Some(writer) = writer {
                writer.finish()?;
            }
            let key = match root.part {
                None => name.clone(),
                Some(part) => format!("{name}, {}", describe_part(part)),
            };
            batches.push(ClosedBatch { key, entry });
        }
        Ok(batches)
    }
}

/// Notes beside the leaves of a batch where in the log it is.
pub(crate) fn note(leaves: &Leaves, batch: &CommittedBatch) -> Result<()> {
    let identity = Entry::parse(batch.entry.as_bytes())
        .and_then(|entry| entry.identity())
        .map_err(|error| Failure::refused("cannot read an entry", error))?;
    leaves.note(&identity, Noted { index: Some(batch.index), ..leaves.noted(&identity) })
}

fn print(writer: &Writer, done: &[(CommittedBatch, bool)], json: bool) -> io::Result<()> {
    let checkpoint = writer.log().checkpoint();
    let mut stdout = io::stdout().lock();
    if json {
        let entries: Vec<_> = done
            .iter()
            .map(|(batch, known)| {
                let entry: Option<serde_json::Value> = serde_json::from_str(&batch.entry).ok();
                json!({ "entry": entry, "index": batch.index, "known": known, "source": batch.key })
            })
            .collect();
        let summary = json!({
            "checkpoint": checkpoint.note,
            "entries": entries,
            "origin": checkpoint.checkpoint.origin,
            "size": checkpoint.checkpoint.size,
        });
        return writeln!(stdout, "{summary}");
    }
    for (batch, known) in done {
        let Ok(Entry::Batch(entry)) = Entry::parse(batch.entry.as_bytes()) else { continue };
        writeln!(
            stdout,
            "entry {}  {}  {} proofs  {}{}",
            batch.index,
            hex::format_hash(&entry.batch_root),
            entry.count,
            batch.key,
            if *known { "  (was in the log)" } else { "" }
        )?;
    }
    let known = done.iter().filter(|(_, known)| *known).count();
    writeln!(
        stdout,
        "{} committed, {known} known; {} has {} entries",
        done.len() - known,
        checkpoint.checkpoint.origin,
        checkpoint.checkpoint.size
    )
}
