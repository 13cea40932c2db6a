//! A set of hashes of any size: sorted in memory as far as it fits, spilled to sorted runs and
//! merged where it does not (SPEC.md section 3, *Parts*).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use precise_core::merkle::{Part, PartBits, RootBuilder, combine, part_index};
use precise_core::{Code, Error, Hash};

use crate::failure::{Failure, Result};

/// Hashes sorted at a time: 2^21 of 32 bytes are 64 MiB.
const RUN_LEN: usize = 1 << 21;

/// Takes hashes in any order.
pub(crate) struct SortedRuns {
    current: Vec<Hash>,
    spilled: Vec<File>,
    /// Where runs are spilled: beside the output, since they are of its size.
    directory: PathBuf,
    run_len: usize,
    count: u64,
}

impl SortedRuns {
    pub(crate) fn new(directory: &Path) -> Self {
        Self::with_run_len(directory, RUN_LEN)
    }

    fn with_run_len(directory: &Path, run_len: usize) -> Self {
        let (current, spilled) = (Vec::new(), Vec::new());
        Self { current, spilled, directory: directory.into(), run_len, count: 0 }
    }

    pub(crate) fn extend(&mut self, hashes: &[Hash]) -> Result<()> {
        let mut rest = hashes;
        while !rest.is_empty() {
            let room = self.run_len - self.current.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.current.extend_from_slice(now);
            rest = later;
            if self.current.len() == self.run_len {
                self.spill()?;
            }
        }
        self.count += hashes.len() as u64;
        Ok(())
    }

    /// Writes the current run to a file that has no name and is gone when it is closed, so that
    /// not even a kill leaves it behind.
    fn spill(&mut self) -> Result<()> {
        self.sort();
        let failed = |error: io::Error| self.failed(&error);
        let mut file = tempfile::tempfile_in(&self.directory).map_err(failed)?;
        file.write_all(self.current.as_flattened()).map_err(failed)?;
        self.spilled.push(file);
        self.current.clear();
        Ok(())
    }

    fn sort(&mut self) {
        sort(&mut self.current, threads());
        self.current.dedup();
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::io("write temporary files to", &self.directory, error)
    }

    /// Ends the set and finds its parts.
    ///
    /// Error: PR904.
    pub(crate) fn finish(mut self, part_limit: usize) -> Result<HashSet> {
        let mut bits = PartBits::new(part_limit);
        let mut distinct = 0;
        let mut see = |hash: &Hash| {
            bits.push(hash);
            distinct += 1;
        };
        let store = if self.spilled.is_empty() {
            self.sort();
            self.current.iter().for_each(see);
            Store::Memory(std::mem::take(&mut self.current))
        } else {
            self.spill()?;
            // Merged once into one file, which is then read as often as needed.
            let merged = tempfile::tempfile_in(&self.directory);
            let mut merged = BufWriter::new(merged.map_err(|error| self.failed(&error))?);
            let runs = std::mem::take(&mut self.spilled);
            merge(runs, |hash| {
                see(&hash);
                merged.write_all(&hash)
            })
            .map_err(|error| self.failed(&error))?;
            Store::File(merged.into_inner().map_err(|error| self.failed(error.error()))?)
        };
        let bits =
            bits.finish().map_err(|error| Failure::refused("cannot cut the batch", error))?;
        Ok(HashSet { store, bits, distinct, count: self.count, directory: self.directory })
    }
}

/// How many threads share the work that waits for the last record.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Sorts hashes. They are uniform: about half lie below 0x80…, and a second thread takes those.
fn sort(hashes: &mut [Hash], threads: usize) {
    if threads < 2 || hashes.len() < ALONE_LEN {
        hashes.sort_unstable();
        return;
    }
    let mut pivot = [0; 32];
    pivot[0] = 0x80;
    let mut below = 0;
    for i in 0..hashes.len() {
        if hashes[i] < pivot {
            hashes.swap(i, below);
            below += 1;
        }
    }
    let (low, high) = hashes.split_at_mut(below);
    std::thread::scope(|scope| {
        scope.spawn(|| low.sort_unstable());
        high.sort_unstable();
    });
}

/// Fewer hashes than this are not worth a thread.
const ALONE_LEN: usize = 1 << 15;

/// The leaves of a block are 2^12.
const BLOCK_BITS: u32 = 12;

/// The root of sorted, distinct hashes. Blocks combine (SPEC.md section 3), so that each thread
/// takes some of them.
fn root(hashes: &[Hash], threads: usize) -> Option<Hash> {
    fn block_roots(hashes: &[Hash]) -> Vec<Hash> {
        let block_root = |block: &[Hash]| {
            let mut builder = RootBuilder::default();
            for hash in block {
                builder.push(hash);
            }
            builder.finish()
        };
        hashes.chunks(1 << BLOCK_BITS).filter_map(block_root).collect()
    }
    let blocks = hashes.len().div_ceil(1 << BLOCK_BITS);
    let share = (blocks.div_ceil(threads.max(1)) << BLOCK_BITS).max(ALONE_LEN);
    let roots: Vec<Hash> = std::thread::scope(|scope| {
        let shares: Vec<_> =
            hashes.chunks(share).map(|share| scope.spawn(|| block_roots(share))).collect();
        let roots = shares
            .into_iter()
            .map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        roots.flatten().collect()
    });
    combine(&roots, BLOCK_BITS).ok()
}

/// Calls `each` for every distinct hash of the runs, ascending.
fn merge(runs: Vec<File>, mut each: impl FnMut(Hash) -> io::Result<()>) -> io::Result<()> {
    let mut readers: Vec<Reader> = runs.into_iter().map(Reader::new).collect::<io::Result<_>>()?;
    let mut heads = BinaryHeap::new();
    for (i, reader) in readers.iter_mut().enumerate() {
        if let Some(hash) = reader.next()? {
            heads.push(Reverse((hash, i)));
        }
    }
    let mut last = None;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((hash, i)) = *head;
        match readers[i].next()? {
            Some(next) => *head = Reverse((next, i)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        if last != Some(hash) {
            each(hash)?;
            last = Some(hash);
        }
    }
    Ok(())
}

/// Reads the hashes of one run.
pub(crate) struct Reader(BufReader<File>);

impl Reader {
    fn new(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self(BufReader::with_capacity(1 << 16, file)))
    }

    fn next(&mut self) -> io::Result<Option<Hash>> {
        let mut hash = [0; 32];
        match self.0.read_exact(&mut hash) {
            Ok(()) => Ok(Some(hash)),
            // Runs hold whole hashes: the end is between two.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A finished set: sorted and distinct.
pub(crate) struct HashSet {
    store: Store,
    bits: u32,
    distinct: u64,
    count: u64,
    directory: PathBuf,
}

enum Store {
    File(File),
    Memory(Vec<Hash>),
}

/// The hashes of a set, one by one.
pub(crate) enum Hashes<'a> {
    File(Reader),
    Memory(std::slice::Iter<'a, Hash>),
}

impl Iterator for Hashes<'_> {
    type Item = io::Result<Hash>;

    fn next(&mut self) -> Option<io::Result<Hash>> {
        match self {
            Self::File(reader) => reader.next().transpose(),
            Self::Memory(hashes) => hashes.next().copied().map(Ok),
        }
    }
}

/// The root of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchRoot {
    pub(crate) root: Hash,
    pub(crate) count: u64,
    /// None if the set was not cut.
    pub(crate) part: Option<Part>,
}

impl BatchRoot {
    pub(crate) fn to_json(self) -> serde_json::Value {
        let mut object = serde_json::json!({
            "batch_root": precise_core::hex::format_hash(&self.root),
            "count": self.count,
        });
        if let Some(Part { bits, index, parts }) = self.part {
            object["part"] = serde_json::json!({ "bits": bits, "index": index, "parts": parts });
        }
        object
    }
}

impl HashSet {
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }

    /// How many of the hashes given were repeats.
    pub(crate) fn duplicates(&self) -> u64 {
        self.count - self.distinct
    }

    /// One root per part, in order of the parts' numbers. None for the empty set.
    pub(crate) fn batch_roots(&self) -> Result<Vec<BatchRoot>> {
        let bits = self.bits;
        // How many parts there are is known only at the end.
        let part = |index| (bits > 0).then_some(Part { bits, index, parts: 0 });
        let mut roots: Vec<BatchRoot> = Vec::new();
        if let Store::Memory(hashes) = &self.store {
            let same_part = |a: &Hash, b: &Hash| part_index(a, bits) == part_index(b, bits);
            for cell in hashes.chunk_by(same_part) {
                if let Some(root) = root(cell, threads()) {
                    let (count, part) = (cell.len() as u64, part(part_index(&cell[0], bits)));
                    roots.push(BatchRoot { root, count, part });
                }
            }
        } else {
            let mut cell = (0, RootBuilder::default());
            let mut end_cell = |index: u64, builder: &RootBuilder| {
                if let Some(root) = builder.finish() {
                    roots.push(BatchRoot { root, count: builder.count(), part: part(index) });
                }
            };
            self.each(|hash| {
                let index = part_index(&hash, bits);
                if index != cell.0 {
                    end_cell(cell.0, &cell.1);
                    cell = (index, RootBuilder::default());
                }
                cell.1.push(&hash);
            })?;
            end_cell(cell.0, &cell.1);
        }
        let parts = roots.len() as u64;
        for part in roots.iter_mut().filter_map(|root| root.part.as_mut()) {
            part.parts = parts;
        }
        Ok(roots)
    }

    /// The hashes of the part in which `target` is or would be, and, if the set was cut, which
    /// part that is.
    pub(crate) fn part_of(&self, target: &Hash) -> Result<(Vec<Hash>, Option<Part>)> {
        let bits = self.bits;
        let index = part_index(target, bits);
        let (mut hashes, mut parts, mut last) = (Vec::new(), 0, None);
        self.each(|hash| {
            let cell = part_index(&hash, bits);
            parts += u64::from(last != Some(cell));
            last = Some(cell);
            if cell == index {
                hashes.push(hash);
            }
        })?;
        Ok((hashes, (bits > 0).then_some(Part { bits, index, parts })))
    }

    /// All of it, ascending.
    pub(crate) fn hashes(&self) -> Result<Hashes<'_>> {
        match &self.store {
            Store::Memory(hashes) => Ok(Hashes::Memory(hashes.iter())),
            Store::File(file) => {
                let reader = file.try_clone().and_then(Reader::new);
                reader.map(Hashes::File).map_err(|error| self.unreadable(&error))
            }
        }
    }

    /// Why it could not be read again.
    pub(crate) fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::io("read temporary files in", &self.directory, error)
    }

    fn each(&self, mut each: impl FnMut(Hash)) -> Result<()> {
        for hash in self.hashes()? {
            each(hash.map_err(|error| self.unreadable(&error))?);
        }
        Ok(())
    }
}

/// `cell 3 of 16, 14 not empty`
pub(crate) fn describe_part(Part { bits, index, parts }: Part) -> String {
    format!("cell {index} of {}, {parts} not empty", 1_u64 << bits)
}

/// The refusal of a set that has nothing in it.
pub(crate) fn empty_batch(what: &str) -> Failure {
    Failure::refused(what, Error::new(Code::EmptyBatch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use precise_core::merkle::Batch;

    /// 500 hashes, 100 of them twice.
    fn hashes() -> Vec<Hash> {
        (0..500_u32).map(|i| *blake3::hash(&(i % 400).to_le_bytes()).as_bytes()).collect()
    }

    fn set(run_len: usize, part_limit: usize) -> HashSet {
        let directory = std::env::temp_dir();
        let mut runs = SortedRuns::with_run_len(&directory, run_len);
        for piece in hashes().chunks(37) {
            runs.extend(piece).unwrap();
        }
        runs.finish(part_limit).unwrap()
    }

    #[test]
    fn spilling_changes_nothing() {
        let whole = Batch::new(hashes()).unwrap();
        for run_len in [1, 36, 37, 38, 499, 500, 501, 1000] {
            let set = set(run_len, 400);
            assert_eq!((set.distinct(), set.duplicates()), (400, 100), "runs of {run_len}");
            let root = BatchRoot { root: whole.root(), count: 400, part: None };
            assert_eq!(set.batch_roots().unwrap(), [root], "runs of {run_len}");
        }
    }

    #[test]
    fn threads_change_nothing() {
        let hashes: Vec<Hash> =
            (0..100_000_u32).map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect();
        for len in [1, 2, ALONE_LEN - 1, ALONE_LEN, ALONE_LEN + 1, 100_000] {
            let expected = Batch::new(hashes[..len].to_vec()).unwrap();
            for threads in [1, 2, 3, 8] {
                let mut sorted = hashes[..len].to_vec();
                sort(&mut sorted, threads);
                assert_eq!(sorted, expected.hashes(), "{len} hashes, {threads} threads");
                let root = root(&sorted, threads);
                assert_eq!(root, Some(expected.root()), "{len} hashes, {threads} threads");
            }
        }
    }

    #[test]
    fn parts_hold_every_hash_once_and_none_above_the_limit() {
        for limit in [1, 7, 100, 399] {
            let set = set(64, limit);
            let roots = set.batch_roots().unwrap();
            assert_eq!(roots.iter().map(|root| root.count).sum::<u64>(), 400);
            for root in &roots {
                assert!(root.count <= limit as u64);
                let part = root.part.expect("400 is above the limit");
                assert_eq!(part.parts, roots.len() as u64);
                let mut target = [0; 32];
                target[..4]
                    .copy_from_slice(&((part.index << (32 - part.bits)) as u32).to_be_bytes());
                let (hashes, part_of) = set.part_of(&target).unwrap();
                assert_eq!(part_of, Some(part));
                assert_eq!(Batch::new(hashes).unwrap().root(), root.root);
            }
        }
    }

    #[test]
    fn the_empty_set_has_no_root() {
        let set = SortedRuns::new(&std::env::temp_dir()).finish(10).unwrap();
        assert_eq!(set.batch_roots().unwrap(), []);
        assert_eq!((set.distinct(), set.duplicates()), (0, 0));
    }

    #[test]
    fn what_is_not_hashes_cannot_be_cut() {
        let mut runs = SortedRuns::new(&std::env::temp_dir());
        runs.extend(&[[0; 32], {
            let mut h = [0; 32];
            h[31] = 1;
            h
        }])
        .unwrap();
        match runs.finish(1) {
            Err(Failure::Refused { error, .. }) => assert_eq!(error.code(), Code::PartBits),
            _ => panic!("two hashes with 248 bits in common do not fit in parts of one"),
        }
    }
}
