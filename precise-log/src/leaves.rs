//! The leaves of batches that were committed: what receipts are made of later.
//!
//! A batch is one file, named after the identity of its entry, `<64 hex digits>.leaves`:
//!
//! ```text
//! precise-leaves-1 LF                  which form this is
//! u32                                  length of the entry, most significant byte first
//! the entry                            JCS, as it was when the leaves were kept
//! 32 bytes for each leaf               strictly ascending
//! 32 bytes for each block of leaves    its root: 256 leaves each, the last one perhaps fewer
//! ```
//!
//! The tree over the roots of the blocks has the root of the batch (SPEC.md section 3), so that a
//! path takes the hashes of one block and of the roots, and not of all leaves. What is read is
//! hashed up to the root in the entry before anything is said of it: a file that was changed gives
//! an error, and never a wrong path.

use std::fs::{self, DirBuilder, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use std::{fmt, mem};

use precise_core::entry::{self, BatchEntry, Entry};
use precise_core::merkle::{Inclusion, RootBuilder, leaf, node, part_index};
use precise_core::{Code, Error as CoreError, Hash, hex};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Which form a file has.
const MAGIC: &[u8] = b"precise-leaves-1\n";

/// Leaves of a block: 8 KiB to read for one path, and 4,096 roots for 2^20 leaves.
const BLOCK: u64 = 256;

/// Of a hash, and so of all that is in a file but its head.
const LEN: u64 = 32;

/// How a file is named that is being written, and behind how long a rest it is nobody's.
const UNFINISHED: &str = ".unfinished-";
const ABANDONED: Duration = Duration::from_hours(1);

/// A folder of batches.
#[derive(Clone, Debug)]
pub struct LeafStore {
    folder: PathBuf,
}

/// What [`LeafStore::find`] came upon.
#[derive(Debug)]
pub struct Found {
    /// The batches that have the leaf.
    pub kept: Vec<Kept>,
    /// Why a file could not be looked into: it may have the leaf or not.
    pub unreadable: Vec<Error>,
}

impl LeafStore {
    /// The folder, which is made if it is not there, for its owner alone.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let failed =
            |error| Error::failed(format_args!("make the folder {}", folder.display()), error);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let store = Self { folder };
        store.sweep()?;
        Ok(store)
    }

    /// Keeps the leaves of a batch, sorted and each once. A batch that is there is left as it is.
    ///
    /// Errors: as those of [`LeafWriter`]; then nothing is kept.
    pub fn put(&self, entry: &BatchEntry, leaves: impl IntoIterator<Item = Hash>) -> Result<()> {
        let Some(mut writer) = self.begin(entry)? else { return Ok(()) };
        for leaf in leaves {
            writer.push(&leaf)?;
        }
        writer.finish()
    }

    /// Begins to keep a batch whose leaves come one by one; none if it is there, and whole. One
    /// that is there and damaged is replaced.
    ///
    /// Errors: PR407 or PR905 for what is no entry.
    pub fn begin(&self, entry: &BatchEntry) -> Result<Option<LeafWriter>> {
        let refused = |error| Error::refused("the batch to keep", error);
        let text = Entry::Batch(entry.clone()).to_json().map_err(refused)?;
        let identity = Entry::Batch(entry.clone()).identity().map_err(refused)?;
        let path = self.path(&identity);
        if let Ok(Some(kept)) = Kept::open(path.clone(), identity)
            && kept.verify().is_ok()
        {
            return Ok(None);
        }
        LeafWriter::create(path, entry.clone(), &text).map(Some)
    }

    /// The batch whose entry has this identity.
    ///
    /// Error: PR414 for a file that is none of ours, or was cut off.
    pub fn get(&self, identity: &Hash) -> Result<Option<Kept>> {
        Kept::open(self.path(identity), *identity)
    }

    /// Every batch that has the leaf. A damaged file does not keep it from being found in others.
    pub fn find(&self, proof_hash: &Hash) -> Result<Found> {
        let mut found = Found { kept: Vec::new(), unreadable: Vec::new() };
        for name in self.names()? {
            let Some(identity) = identity_of(&name) else { continue };
            match self.get(&identity).and_then(|kept| has(kept, proof_hash)) {
                Ok(kept) => found.kept.extend(kept),
                Err(error) => found.unreadable.push(error),
            }
        }
        Ok(found)
    }

    fn path(&self, identity: &Hash) -> PathBuf {
        self.folder.join(format!("{}.leaves", &hex::format_hash(identity)[2..]))
    }

    /// The names in the folder, in order.
    fn names(&self) -> Result<Vec<String>> {
        let failed =
            |error| Error::failed(format_args!("list the folder {}", self.folder.display()), error);
        let mut names = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(failed)? {
            names.extend(file.map_err(failed)?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Removes what writers that died left behind. Who writes does not rest for an hour.
    fn sweep(&self) -> Result<()> {
        for name in self.names()?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            let path = self.folder.join(name);
            // One that has gone in the meantime was finished, or swept by another.
            let Ok(written) = fs::metadata(&path).and_then(|metadata| metadata.modified()) else {
                continue;
            };
            let rest = SystemTime::now().duration_since(written).unwrap_or_default();
            if rest > ABANDONED {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(Error::failed(
                            format_args!("remove {}", path.display()),
                            error,
                        ));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The batch, if it has the leaf.
fn has(kept: Option<Kept>, proof_hash: &Hash) -> Result<Option<Kept>> {
    let Some(kept) = kept else { return Ok(None) };
    Ok(kept.position(proof_hash)?.map(|_| kept))
}

/// What a file is named after; none if it is not one of ours.
fn identity_of(name: &str) -> Option<Hash> {
    hex::parse_digits(name.strip_suffix(".leaves")?.as_bytes())
}

/// A batch that is being kept. Until [`finish`](Self::finish), nothing of it is in the store.
#[derive(Debug)]
pub struct LeafWriter {
    path: PathBuf,
    entry: BatchEntry,
    file: BufWriter<NamedTempFile>,
    /// Over the leaves of the block that is not yet full.
    block: RootBuilder,
    roots: Vec<Hash>,
    count: u64,
    last: Option<Hash>,
}

impl LeafWriter {
    fn create(path: PathBuf, entry: BatchEntry, text: &str) -> Result<Self> {
        let failed = |error| Error::failed(format_args!("write {}", path.display()), error);
        let folder = path.parent().unwrap_or(Path::new("."));
        let file =
            tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(failed)?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        file.write_all(&head(text)).map_err(failed)?;
        let (block, roots) = (RootBuilder::default(), Vec::new());
        Ok(Self { path, entry, file, block, roots, count: 0, last: None })
    }

    /// Adds the next leaf.
    ///
    /// Error: PR407 if it is not above the one before, is one too many, or is of another part than
    /// the entry.
    pub fn push(&mut self, proof_hash: &Hash) -> Result<()> {
        if self.last.is_some_and(|last| last >= *proof_hash) {
            return Err(self.refused("its leaves do not ascend"));
        }
        if self.count == self.entry.count {
            return Err(self.refused("there are more leaves than its count"));
        }
        if !is_of_part(&self.entry, proof_hash) {
            return Err(self.refused("a leaf is of another part"));
        }
        self.file.write_all(proof_hash).map_err(|error| self.failed(error))?;
        self.last = Some(*proof_hash);
        self.count += 1;
        self.block.push(proof_hash);
        if self.block.count() == BLOCK {
            self.end_block();
        }
        Ok(())
    }

    /// Ends: the file is on the disk under its name, or it is not there.
    ///
    /// Error: PR407 if the leaves have another count or root than the entry.
    pub fn finish(mut self) -> Result<()> {
        self.end_block();
        if self.count != self.entry.count {
            return Err(self.refused("there are fewer leaves than its count"));
        }
        let mut over = RootBuilder::default();
        for root in &self.roots {
            over.push_node(*root);
        }
        if over.finish() != Some(self.entry.batch_root) {
            return Err(self.refused("its leaves have another root"));
        }
        let Self { path, mut file, roots, .. } = self;
        let failed = |error| Error::failed(format_args!("write {}", path.display()), error);
        file.write_all(roots.as_flattened()).map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        // The name itself is on the disk once its folder is.
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    fn end_block(&mut self) {
        self.roots.extend(mem::take(&mut self.block).finish());
    }

    fn failed(&self, error: impl fmt::Display) -> Error {
        Error::failed(format_args!("write {}", self.path.display()), error)
    }

    fn refused(&self, detail: &'static str) -> Error {
        let root = hex::format_hash(&self.entry.batch_root);
        let error = CoreError::new(Code::Entry).because(detail);
        Error::refused(format!("the batch {root}, as it was to be kept"), error)
    }
}

/// What stands before the leaves. The entry's length fits: it has at most 65,535 bytes.
fn head(text: &str) -> Vec<u8> {
    [MAGIC, &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

/// Whether a batch with this entry may have the leaf.
fn is_of_part(entry: &BatchEntry, proof_hash: &Hash) -> bool {
    entry.part.is_none_or(|part| part_index(proof_hash, part.bits) == part.index)
}

/// A batch whose leaves are kept.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    file: File,
    identity: Hash,
    entry: BatchEntry,
    /// Where the leaves begin.
    leaves_at: u64,
    /// The tree over the roots of the blocks, when it has been read: 256 KiB for 2^20 leaves.
    top: OnceLock<Levels>,
}

impl Kept {
    /// None if there is no such file.
    fn open(path: PathBuf, identity: Hash) -> Result<Option<Self>> {
        let failed = |error| Error::failed(format_args!("read {}", path.display()), error);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let len = file.metadata().map_err(failed)?.len();
        // Most heads are within the first page.
        let mut head = vec![0; len.min(4096) as usize];
        file.read_exact_at(&mut head, 0).map_err(failed)?;
        let broken = |detail| corrupt(&path, detail);
        let begin = MAGIC.len() + 4;
        let Some((&entry_len, _)) =
            head.strip_prefix(MAGIC).and_then(<[u8]>::split_first_chunk::<4>)
        else {
            return Err(broken("it does not begin as a file of leaves does"));
        };
        let entry_len = u32::from_be_bytes(entry_len) as usize;
        let leaves_at = begin + entry_len;
        if entry_len > entry::MAX_LEN || leaves_at as u64 > len {
            return Err(broken("its entry is cut off"));
        }
        if leaves_at > head.len() {
            head.resize(leaves_at, 0);
            file.read_exact_at(&mut head, 0).map_err(failed)?;
        }
        let Ok(Entry::Batch(entry)) = Entry::parse(&head[begin..leaves_at]) else {
            return Err(broken("it has no entry of a batch"));
        };
        if Entry::Batch(entry.clone()).identity().ok() != Some(identity) {
            return Err(broken("its entry is another than its name says"));
        }
        let leaves_at = leaves_at as u64;
        // A count is below 2^53, so that the sum stays below 2^63.
        if len != leaves_at + (entry.count + entry.count.div_ceil(BLOCK)) * LEN {
            return Err(broken("it is cut off, or goes on behind its end"));
        }
        Ok(Some(Self { path, file, identity, entry, leaves_at, top: OnceLock::new() }))
    }

    /// The batch's entry, as it was when the leaves were kept. The log's has the same identity, and
    /// perhaps another `closed_at`.
    pub fn entry(&self) -> &BatchEntry {
        &self.entry
    }

    /// The identity of the entry.
    pub fn identity(&self) -> &Hash {
        &self.identity
    }

    /// The way from a leaf to the root in the entry; none if the batch does not have the leaf.
    ///
    /// Error: PR414 if the file was changed in what this stands on.
    pub fn prove(&self, proof_hash: &Hash) -> Result<Option<Inclusion>> {
        let Some(index) = self.position(proof_hash)? else { return Ok(None) };
        let block = self.block(index / BLOCK)?;
        let inclusion = block.inclusion((index % BLOCK) as usize)?;
        if inclusion.verify(proof_hash, &self.entry.batch_root) {
            Ok(Some(inclusion))
        } else {
            Err(self.broken("a path does not lead to the root of its entry"))
        }
    }

    /// Every leaf with its way to the root, in order.
    ///
    /// Error: PR414 if the file was changed; what came before the change is right.
    pub fn inclusions(&self) -> Inclusions<'_> {
        Inclusions { kept: self, block: None, next: 0 }
    }

    /// Reads the whole file, and hashes it.
    ///
    /// Error: PR414 if it was changed anywhere.
    pub fn verify(&self) -> Result<()> {
        let mut last = None;
        for number in 0..self.entry.count.div_ceil(BLOCK) {
            for leaf in self.block(number)?.leaves {
                if last.replace(leaf).is_some_and(|last| last >= leaf) {
                    return Err(self.broken("its leaves do not ascend"));
                }
            }
        }
        Ok(())
    }

    /// Where the leaf is.
    ///
    /// Leaves are uniform, so the place of one is known from its first bits but for about the root
    /// of the count: two or three pages are read. Leaves that are not uniform are halved.
    fn position(&self, target: &Hash) -> Result<Option<u64>> {
        const WINDOW: u64 = 128;
        const GUESSES: usize = 8;
        if !is_of_part(&self.entry, target) {
            return Ok(None);
        }
        let key = |hash: &Hash| u64::from_be_bytes(hash.first_chunk().copied().unwrap_or_default());
        // The target is behind all leaves below `low`, and before all from `high`.
        let (mut low, mut high) = (0, self.entry.count);
        let (mut low_key, mut high_key) = match self.entry.part {
            None => (0, u64::MAX),
            Some(part) => {
                let first = part.index << (64 - part.bits);
                (first, first | u64::MAX >> part.bits)
            }
        };
        let mut guesses = 0;
        while low < high {
            guesses += 1;
            let guess = if guesses > GUESSES {
                low + (high - low) / 2
            } else {
                let ahead = u128::from(key(target).saturating_sub(low_key));
                let all = u128::from(high_key.saturating_sub(low_key)) + 1;
                low + (ahead * u128::from(high - low) / all) as u64
            };
            let begin = guess.saturating_sub(WINDOW / 2).clamp(low, high - 1);
            let end = (begin + WINDOW).min(high);
            let window = self.leaves(begin, end)?;
            let (Some(first), Some(last)) = (window.first(), window.last()) else { break };
            let ascends = window.is_sorted_by(|a, b| a < b);
            if !ascends || key(first) < low_key || key(last) > high_key {
                return Err(self.broken("its leaves do not ascend"));
            }
            if target < first {
                (high, high_key) = (begin, key(first));
            } else if target > last {
                (low, low_key) = (end, key(last));
            } else {
                return Ok(window.binary_search(target).ok().map(|i| begin + i as u64));
            }
        }
        Ok(None)
    }

    /// A block, whose leaves have the root that the tree over the blocks has for it.
    fn block(&self, number: u64) -> Result<Block<'_>> {
        let top = self.top()?;
        let begin = number * BLOCK;
        let leaves = self.leaves(begin, (begin + BLOCK).min(self.entry.count))?;
        let levels = Levels::new(leaves.iter().map(leaf).collect());
        if levels.root() != top.node(number) {
            let detail =
                format!("leaves {begin} to {} are others", begin + leaves.len() as u64 - 1);
            return Err(corrupt(&self.path, detail));
        }
        Ok(Block { kept: self, top, number, leaves, levels })
    }

    /// The tree over the roots of the blocks, whose root is the batch's.
    fn top(&self) -> Result<&Levels> {
        if let Some(top) = self.top.get() {
            return Ok(top);
        }
        let at = self.leaves_at + self.entry.count * LEN;
        let levels = Levels::new(self.hashes(at, self.entry.count.div_ceil(BLOCK))?);
        if levels.root() != Some(&self.entry.batch_root) {
            return Err(
                self.broken("the roots of its blocks lead to another root than its entry's")
            );
        }
        Ok(self.top.get_or_init(|| levels))
    }

    fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>> {
        self.hashes(self.leaves_at + begin * LEN, end - begin)
    }

    fn hashes(&self, at: u64, count: u64) -> Result<Vec<Hash>> {
        let mut hashes = vec![[0; 32]; count as usize];
        self.file
            .read_exact_at(hashes.as_flattened_mut(), at)
            .map_err(|error| Error::failed(format_args!("read {}", self.path.display()), error))?;
        Ok(hashes)
    }

    fn broken(&self, detail: &'static str) -> Error {
        corrupt(&self.path, detail)
    }
}

fn corrupt(path: &Path, detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    let error = CoreError::new(Code::LogCorrupt).because(detail);
    Error::refused(path.display().to_string(), error)
}

/// The nodes of a tree by their height, those at 0 first. A node without a sibling stands, as it
/// is, one higher as well.
#[derive(Clone, Debug)]
struct Levels(Vec<Vec<Hash>>);

impl Levels {
    fn new(lowest: Vec<Hash>) -> Self {
        let mut levels = vec![lowest];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let (pairs, rest) = below.as_chunks::<2>();
            let mut level: Vec<Hash> = Vec::with_capacity(pairs.len() + 1);
            level.extend(pairs.iter().map(|[left, right]| node(left, right)));
            level.extend(rest);
            levels.push(level);
        }
        Self(levels)
    }

    /// None of no nodes.
    fn root(&self) -> Option<&Hash> {
        self.0.last().and_then(|level| level.first())
    }

    /// A node at height 0.
    fn node(&self, number: u64) -> Option<&Hash> {
        self.0.first().and_then(|level| level.get(number as usize))
    }

    /// Adds the siblings on the way from node `number` up.
    fn extend_path(&self, mut number: usize, path: &mut Vec<Hash>) {
        for level in &self.0 {
            path.extend(level.get(number ^ 1));
            number /= 2;
        }
    }
}

/// A block whose leaves are those of the batch.
#[derive(Debug)]
struct Block<'k> {
    kept: &'k Kept,
    top: &'k Levels,
    number: u64,
    leaves: Vec<Hash>,
    levels: Levels,
}

impl Block<'_> {
    /// The way of one of its leaves, by its place in the block.
    fn inclusion(&self, i: usize) -> Result<Inclusion> {
        // As many as the tree of the largest batch is high, so that the path is allotted once.
        let mut path = Vec::with_capacity(self.levels.0.len() + self.top.0.len());
        self.levels.extend_path(i, &mut path);
        self.top.extend_path(self.number as usize, &mut path);
        let index = self.number * BLOCK + i as u64;
        Inclusion::new(self.kept.entry.count, index, path)
            .map_err(|error| Error::refused(self.kept.path.display().to_string(), error))
    }
}

/// Every leaf of a batch with its way to the root.
#[derive(Debug)]
pub struct Inclusions<'k> {
    kept: &'k Kept,
    block: Option<Block<'k>>,
    next: u64,
}

impl Inclusions<'_> {
    fn advance(&mut self) -> Result<(Hash, Inclusion)> {
        let number = self.next / BLOCK;
        let block = match self.block.take_if(|block| block.number == number) {
            Some(block) => block,
            None => self.kept.block(number)?,
        };
        let block = self.block.insert(block);
        let i = (self.next % BLOCK) as usize;
        self.next += 1;
        Ok((block.leaves[i], block.inclusion(i)?))
    }
}

impl Iterator for Inclusions<'_> {
    type Item = Result<(Hash, Inclusion)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.kept.entry.count {
            return None;
        }
        let advanced = self.advance();
        if advanced.is_err() {
            self.next = self.kept.entry.count;
        }
        Some(advanced)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use precise_core::entry::BatchKind;
    use precise_core::merkle::{Batch, Membership, Part};
    use precise_core::row::UtcSecond;
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    type Checked = std::result::Result<(), Box<dyn std::error::Error>>;

    /// A hash like any other: that of a number.
    fn uniform(number: u64) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        leaf(&hash)
    }

    fn entry_at(batch: &Batch, posix: i64) -> BatchEntry {
        BatchEntry {
            kind: BatchKind::Records,
            batch_root: batch.root(),
            closed_at: UtcSecond::from_posix(posix).unwrap_or_else(|| unreachable!()),
            count: batch.hashes().len() as u64,
            label: None,
            part: None,
        }
    }

    fn entry_of(batch: &Batch) -> BatchEntry {
        entry_at(batch, 0)
    }

    fn batch(numbers: impl IntoIterator<Item = u64>) -> precise_core::Result<Batch> {
        Batch::new(numbers.into_iter().map(uniform).collect())
    }

    /// A store with one batch, and the batch's file.
    fn stored(batch: &Batch) -> Result<(TempDir, LeafStore, PathBuf)> {
        let folder = TempDir::new().map_err(|error| Error::failed("test", error))?;
        let store = LeafStore::open(folder.path())?;
        let entry = entry_of(batch);
        store.put(&entry, batch.hashes().iter().copied())?;
        let identity = Entry::Batch(entry).identity();
        let path = store.path(&identity.map_err(|error| Error::refused("test", error))?);
        Ok((folder, store, path))
    }

    fn only(found: Found) -> std::result::Result<Kept, Box<dyn std::error::Error>> {
        match (<[Kept; 1]>::try_from(found.kept), found.unreadable.as_slice()) {
            (Ok([kept]), []) => Ok(kept),
            other => Err(format!("{other:?}").into()),
        }
    }

    fn code<T>(result: Result<T>) -> Option<Code> {
        match result {
            Err(Error::Refused { error, .. }) => Some(error.code()),
            _ => None,
        }
    }

    #[test]
    fn every_leaf_is_found_and_proved_as_the_batch_proves_it() -> Checked {
        let end = BLOCK - 1;
        for count in [1, 2, 3, end, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 1, 5 * BLOCK + end] {
            let batch = batch(0..count)?;
            let root = batch.root();
            let (_folder, store, _) = stored(&batch)?;
            let kept = only(store.find(&batch.hashes()[0])?)?;
            kept.verify()?;
            let all = kept.inclusions().collect::<Result<Vec<_>>>()?;
            assert_eq!(all.len() as u64, count);
            for (i, (hash, inclusion)) in all.iter().enumerate() {
                assert_eq!((hash, i as u64), (&batch.hashes()[i], inclusion.index()));
                assert!(inclusion.verify(hash, &root), "leaf {i} of {count}");
            }
            // Others go through many leaves for one: some are enough.
            for i in [0, count / 3, count / 2, count - 1] {
                let (hash, inclusion) = &all[i as usize];
                assert_eq!(kept.prove(hash)?.as_ref(), Some(inclusion));
                assert_eq!(batch.prove(hash), Membership::Included(inclusion.clone()));
            }
            for number in count..count + 20 {
                assert_eq!(kept.prove(&uniform(number))?, None);
                assert!(store.find(&uniform(number))?.kept.is_empty());
            }
            assert_eq!((kept.prove(&[0; 32])?, kept.prove(&[0xFF; 32])?), (None, None));
        }
        Ok(())
    }

    #[test]
    fn a_file_is_as_described() -> Checked {
        let batch = batch(0..=BLOCK)?;
        let (_folder, _, path) = stored(&batch)?;
        let text = Entry::Batch(entry_of(&batch)).to_json()?;
        let (first, rest) = batch.hashes().split_at(BLOCK as usize);
        let roots = [Batch::new(first.to_vec())?.root(), Batch::new(rest.to_vec())?.root()];
        let expected = [
            b"precise-leaves-1\n",
            &(text.len() as u32).to_be_bytes()[..],
            text.as_bytes(),
            batch.hashes().as_flattened(),
            roots.as_flattened(),
        ]
        .concat();
        assert!(fs::read(&path)? == expected);
        assert_eq!(fs::metadata(&path)?.mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn the_same_batch_again_changes_nothing() -> Checked {
        let batch = batch(0..1000)?;
        let (folder, store, path) = stored(&batch)?;
        let before = fs::metadata(&path)?;
        // Of one identity, though closed at another time.
        for entry in [entry_of(&batch), entry_at(&batch, 60)] {
            assert!(store.begin(&entry)?.is_none());
            store.put(&entry, batch.hashes().iter().copied())?;
        }
        let after = fs::metadata(&path)?;
        assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
        let kept = only(store.find(&uniform(7))?)?;
        assert_eq!(kept.entry(), &entry_of(&batch));
        assert_eq!(Some(*kept.identity()), Entry::Batch(entry_of(&batch)).identity().ok());
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn leaves_that_are_not_the_entrys_are_refused_and_nothing_is_left() -> Checked {
        let folder = TempDir::new()?;
        let store = LeafStore::open(folder.path())?;
        let batch = batch(0..600)?;
        let (entry, leaves) = (entry_of(&batch), batch.hashes().to_vec());
        let mut swapped = leaves.clone();
        swapped.swap(300, 301);
        let mut repeated = leaves.clone();
        repeated[301] = repeated[300];
        let mut other = leaves.clone();
        other[300][31] ^= 1;
        let more = [&leaves[..], &[[0xFF; 32]]].concat();
        let part = Part { bits: 1, index: 0, parts: 2 };
        for (what, entry, leaves) in [
            ("swapped", &entry, &swapped[..]),
            ("repeated", &entry, &repeated),
            ("another leaf", &entry, &other),
            ("none", &entry, &[]),
            ("one fewer", &entry, &leaves[..599]),
            ("one more", &entry, &more),
            ("not its part", &BatchEntry { part: Some(part), ..entry.clone() }, &leaves),
            ("another root", &BatchEntry { batch_root: [1; 32], ..entry.clone() }, &leaves),
            ("another count", &BatchEntry { count: 599, ..entry.clone() }, &leaves),
            ("no count", &BatchEntry { count: 0, ..entry.clone() }, &[]),
            ("no label", &BatchEntry { label: Some(String::new()), ..entry.clone() }, &leaves),
        ] {
            let put = store.put(entry, leaves.iter().copied());
            assert_eq!(code(put), Some(Code::Entry), "{what}");
        }
        // Begun, and not finished.
        if let Some(mut writer) = store.begin(&entry)? {
            writer.push(&leaves[0])?;
        }
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_flipped_byte_never_gives_a_wrong_path() -> Checked {
        let batch = batch(0..2 * BLOCK + 88)?;
        let (_folder, store, path) = stored(&batch)?;
        let whole = fs::read(&path)?;
        let text = Entry::Batch(entry_of(&batch)).to_json()?;
        let leaves_at = MAGIC.len() + 4 + text.len();
        let (root, targets) = (batch.root(), [0, 1, 255, 256, 300, 599]);
        let mut noticed = [0, 0];
        for at in (0..leaves_at).chain((leaves_at..whole.len()).step_by(97)) {
            let mut content = whole.clone();
            content[at] ^= 0x01;
            fs::write(&path, &content)?;
            let opened = store.get(&identity_of_file(&path)?);
            let Ok(Some(kept)) = opened else {
                assert!(at < leaves_at, "byte {at} is none of the head");
                assert_eq!(code(opened), Some(Code::LogCorrupt), "byte {at}");
                noticed[0] += 1;
                continue;
            };
            if at < leaves_at {
                // A time can be another, and still be one.
                assert_eq!(kept.entry().batch_root, root, "byte {at}");
                assert_ne!(kept.entry().closed_at, entry_of(&batch).closed_at, "byte {at}");
                continue;
            }
            assert_eq!(code(kept.verify()), Some(Code::LogCorrupt), "byte {at}");
            noticed[1] += 1;
            for target in targets.map(|i| batch.hashes()[i]) {
                match kept.prove(&target) {
                    Ok(Some(inclusion)) => assert!(inclusion.verify(&target, &root)),
                    Ok(None) => assert!((at - leaves_at) / 32 < batch.hashes().len()),
                    Err(error) => assert_eq!(code::<()>(Err(error)), Some(Code::LogCorrupt)),
                }
            }
            let listed: Vec<_> = kept.inclusions().collect();
            let (last, before) = listed.split_last().ok_or("nothing was listed")?;
            assert!(last.is_err(), "byte {at}");
            // One of each hundred, so that the test is short.
            for right in before.iter().step_by(100) {
                let Ok((hash, inclusion)) = right else { return Err("it went on".into()) };
                assert!(inclusion.verify(hash, &root), "byte {at}");
            }
        }
        assert!(noticed[0] > 150 && noticed[1] > 150, "{noticed:?}");
        Ok(())
    }

    fn identity_of_file(path: &Path) -> std::result::Result<Hash, Box<dyn std::error::Error>> {
        let name = path.file_name().and_then(|name| name.to_str());
        Ok(name.and_then(identity_of).ok_or("no file of leaves")?)
    }

    #[test]
    fn damaged_files_are_named_and_keep_nothing_from_being_found() -> Checked {
        let (first, second) = (batch(0..600)?, batch(500..900)?);
        let (folder, store, path) = stored(&first)?;
        store.put(&entry_of(&second), second.hashes().iter().copied())?;
        // What is not ours is not looked at.
        fs::write(folder.path().join("README"), "?")?;
        fs::write(folder.path().join("00.leaves"), "?")?;
        let both = store.find(&uniform(550))?;
        assert_eq!((both.kept.len(), both.unreadable.len()), (2, 0));
        let whole = fs::read(&path)?;
        let mut other_magic = whole.clone();
        other_magic[15] = b'2';
        let huge_entry = [MAGIC, &[0xFF; 4], &whole[MAGIC.len() + 4..]].concat();
        let longer = [&whole[..], &[0]].concat();
        for content in [
            &[][..],
            &MAGIC[..5],
            MAGIC,
            &whole[..MAGIC.len() + 4],
            &whole[..100],
            &whole[..whole.len() - 1],
            &whole[..whole.len() - 32],
            &longer,
            &other_magic,
            &huge_entry,
        ] {
            fs::write(&path, content)?;
            let found = store.find(&uniform(550))?;
            assert_eq!((found.kept.len(), found.unreadable.len()), (1, 1));
            let message = found.unreadable[0].to_string();
            assert!(message.starts_with(&path.display().to_string()), "{message}");
            assert!(message.contains("PR414"), "{message}");
        }
        // Another batch's file under this name.
        let second_path = store.path(&Entry::Batch(entry_of(&second)).identity()?);
        fs::copy(&second_path, &path)?;
        assert_eq!(store.find(&uniform(550))?.unreadable.len(), 1);
        // Kept again, it is whole again.
        store.put(&entry_of(&first), first.hashes().iter().copied())?;
        assert!(fs::read(&path)? == whole);
        fs::remove_file(&path)?;
        fs::create_dir(&path)?;
        assert_eq!(store.find(&uniform(550))?.unreadable.len(), 1);
        Ok(())
    }

    #[test]
    fn leaves_that_are_not_uniform_are_found_too() -> Checked {
        // All have the same first bits, or are at both ends.
        let low = (0..5000_u64).map(|number| {
            let mut hash = [0; 32];
            hash[24..].copy_from_slice(&number.to_be_bytes());
            hash
        });
        let both = low.clone().chain(low.clone().map(|hash| hash.map(|byte| !byte)));
        let steep = (0..64).flat_map(|bits| {
            (0..40_u8).map(move |last| {
                let mut hash = [0; 32];
                hash[..8].copy_from_slice(&(u64::MAX >> bits).to_be_bytes());
                hash[31] = last;
                hash
            })
        });
        for hashes in [low.collect::<Vec<_>>(), both.collect(), steep.collect()] {
            let batch = Batch::new(hashes)?;
            let (_folder, store, _) = stored(&batch)?;
            let kept = only(store.find(&batch.hashes()[0])?)?;
            for (i, hash) in batch.hashes().iter().enumerate().step_by(5) {
                assert_eq!(kept.position(hash)?, Some(i as u64));
                let mut absent = *hash;
                absent[20] ^= 1;
                assert_eq!(kept.position(&absent)?, None);
            }
        }
        Ok(())
    }

    #[test]
    fn a_part_is_looked_into_for_its_own_leaves_alone() -> Checked {
        let all = batch(0..3000)?;
        let folder = TempDir::new()?;
        let store = LeafStore::open(folder.path())?;
        let bits = 3;
        for index in 0..8 {
            let hashes = all.hashes().iter().filter(|hash| part_index(hash, bits) == index);
            let batch = Batch::new(hashes.copied().collect())?;
            let part = Some(Part { bits, index, parts: 8 });
            let entry = BatchEntry { part, ..entry_of(&batch) };
            store.put(&entry, batch.hashes().iter().copied())?;
        }
        for hash in all.hashes().iter().step_by(11) {
            let kept = only(store.find(hash)?)?;
            let inclusion = kept.prove(hash)?.ok_or("it was found")?;
            assert!(inclusion.verify(hash, &kept.entry().batch_root));
        }
        assert!(store.find(&uniform(3000))?.kept.is_empty());
        Ok(())
    }

    #[test]
    fn a_leaf_is_found_among_many_batches() -> Checked {
        let folder = TempDir::new()?;
        let store = LeafStore::open(folder.path())?;
        for number in 0..300 {
            let batch = batch(number * 10..number * 10 + 10)?;
            store.put(&entry_of(&batch), batch.hashes().iter().copied())?;
        }
        for number in (0..3000).step_by(101) {
            let kept = only(LeafStore::open(folder.path())?.find(&uniform(number))?)?;
            assert_eq!(kept.entry(), &entry_of(&batch(number / 10 * 10..number / 10 * 10 + 10)?));
        }
        Ok(())
    }

    #[test]
    fn a_long_entry_is_read_whole() -> Checked {
        let folder = TempDir::new()?;
        let store = LeafStore::open(folder.path())?;
        let batch = batch(0..300)?;
        let entry = BatchEntry { label: Some("l".repeat(60_000)), ..entry_of(&batch) };
        store.put(&entry, batch.hashes().iter().copied())?;
        let kept = only(store.find(&uniform(7))?)?;
        assert_eq!(kept.entry(), &entry);
        assert!(kept.prove(&uniform(7))?.is_some());
        let entry = BatchEntry { label: Some("l".repeat(70_000)), ..entry };
        assert_eq!(code(store.put(&entry, [])), Some(Code::EntrySize));
        Ok(())
    }

    #[test]
    fn what_writers_that_died_left_behind_goes() -> Checked {
        let folder = TempDir::new()?;
        let [old, new] =
            ["old", "new"].map(|name| folder.path().join(UNFINISHED.to_owned() + name));
        for path in [&old, &new] {
            File::create(path)?;
        }
        File::options().write(true).open(&old)?.set_modified(SystemTime::now() - 2 * ABANDONED)?;
        LeafStore::open(folder.path())?;
        assert_eq!((old.exists(), new.exists()), (false, true));
        Ok(())
    }

    #[test]
    fn a_folder_that_cannot_be_is_refused() -> Checked {
        let folder = TempDir::new()?;
        let file = folder.path().join("file");
        fs::write(&file, "")?;
        assert!(LeafStore::open(file.join("below")).is_err());
        let store = LeafStore::open(folder.path().join("gone"))?;
        fs::remove_dir(folder.path().join("gone"))?;
        assert!(store.find(&[0; 32]).is_err());
        let batch = batch(0..3)?;
        assert!(store.put(&entry_of(&batch), batch.hashes().iter().copied()).is_err());
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn what_is_kept_is_found_and_nothing_else(
            numbers in prop::collection::btree_set(0..5000_u64, 1..1500),
            asked in prop::collection::vec(0..5000_u64, 20),
        ) {
            let batch = batch(numbers.iter().copied())?;
            let (_folder, store, _) = stored(&batch)?;
            for number in asked {
                let found = store.find(&uniform(number))?;
                prop_assert!(found.unreadable.is_empty());
                prop_assert_eq!(found.kept.len(), usize::from(numbers.contains(&number)));
                for kept in found.kept {
                    let inclusion = kept.prove(&uniform(number))?;
                    prop_assert_eq!(
                        inclusion.map(Membership::Included),
                        Some(batch.prove(&uniform(number)))
                    );
                }
            }
        }
    }
}
