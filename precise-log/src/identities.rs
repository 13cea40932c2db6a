//! Which entries a log has already: a cache in the state folder, from an entry's identity to its
//! number. It never says that an entry is there, only where to look; but if it says nowhere, nobody
//! looks. So what is in a file of it is complete, or the file is not used.
//!
//! A *run* is an immutable file with the identities of a range of entries, sorted; a filter in
//! memory tells of most absent ones that they are. What is behind the last run is in memory, and
//! read from the log again when it is opened. Runs are merged as digits of a binary number carry,
//! so that there are few, and an entry is written again once for each doubling of the log. No run
//! is ever locked: several committers may share a folder.
//!
//! ```text
//! "precise-ids-1\n" ‖ begin ‖ end ‖ root over the first `end` entries
//! (end − begin) × (first 8 bytes of the identity ‖ number), ascending
//! SHA-256 of all before
//! ```

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use precise_core::Hash;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The first eight bytes of an identity.
type Prefix = u64;

/// A prefix and a number.
type Slot = (Prefix, u64);

const MAGIC: &[u8] = b"precise-ids-1\n";

/// Entries in memory before they become a run of 1 MiB.
const RECENT: usize = 1 << 16;

/// Bytes of a slot.
const SLOT: usize = 16;

/// Slots that are read at once: 4 KiB.
const PAGE: usize = 256;

/// Bits of a filter for each slot. With four probes, (1 − e^(−4/12))^4 = 0.7 % of those that are
/// absent are looked for.
const FILTER_BITS: u64 = 12;

/// Odd numbers, of which the first is 2^64 divided by the golden ratio: each spreads a prefix
/// another way.
const PROBES: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];

/// The cache.
#[derive(Debug)]
pub(crate) struct Identities {
    folder: PathBuf,
    /// One behind the other, from entry 0.
    runs: Vec<Run>,
    /// Those behind the last run.
    recent: HashMap<Prefix, Vec<u64>>,
    size: u64,
}

impl Identities {
    /// Those of a folder, which need not be there. Files that are damaged, or left over from a
    /// merge, are passed over.
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        let failed = |error| Error::failed(format!("read {}", folder.display()), error);
        let mut found: Vec<(u64, u64, PathBuf)> = Vec::new();
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(files) => {
                for file in files {
                    let path = file.map_err(failed)?.path();
                    if let Some((begin, end)) = range_of(&path) {
                        found.push((begin, end, path));
                    }
                }
            }
        }
        let mut runs: Vec<Run> = Vec::new();
        let mut size = 0;
        // Where two begin alike, the longer one was merged from the shorter one.
        found.sort_unstable_by_key(|(begin, end, _)| (*begin, std::cmp::Reverse(*end)));
        for (begin, _, path) in found {
            if begin != size {
                continue;
            }
            match Run::open(&path) {
                Ok(run) => {
                    size = run.end;
                    runs.push(run);
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "not used"),
            }
        }
        Ok(Self { folder, runs, recent: HashMap::new(), size })
    }

    /// How many entries of the log it knows.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The ends of its runs, and the roots of the log there as they were then.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (u64, Hash)> {
        self.runs.iter().map(|run| (run.end, run.root))
    }

    /// Forgets all from an entry on, and perhaps some before it.
    pub(crate) fn truncate(&mut self, size: u64) {
        self.runs.retain(|run| run.end <= size);
        self.recent.clear();
        self.size = self.runs.last().map_or(0, |run| run.end);
    }

    /// The numbers of the entries that may have this identity. No other entry has it.
    pub(crate) fn candidates(&self, identity: &Hash) -> Result<Vec<u64>> {
        let prefix = prefix(identity);
        let mut numbers = self.recent.get(&prefix).cloned().unwrap_or_default();
        for run in &self.runs {
            run.find(prefix, &mut numbers)
                .map_err(|error| Error::failed(format!("read {}", run.path.display()), error))?;
        }
        Ok(numbers)
    }

    /// Adds the next entry.
    pub(crate) fn push(&mut self, identity: &Hash) {
        self.recent.entry(prefix(identity)).or_default().push(self.size);
        self.size += 1;
    }

    /// Whether so many are in memory that [`keep`](Self::keep) is due.
    pub(crate) fn is_full(&self) -> bool {
        self.size - self.runs.last().map_or(0, |run| run.end) >= RECENT as u64
    }

    /// Writes what is in memory into a run. `root` is that of the log, of as many entries.
    pub(crate) fn keep(&mut self, root: Hash) -> Result<()> {
        let failed = |error| Error::failed(format!("write to {}", self.folder.display()), error);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut slots: Vec<Slot> = self
            .recent
            .iter()
            .flat_map(|(&prefix, numbers)| numbers.iter().map(move |&number| (prefix, number)))
            .collect();
        slots.sort_unstable();
        // A run is merged with those before it that are no larger than all behind them.
        let mut merged = self.runs.len();
        let mut begin = self.runs.last().map_or(0, |run| run.end);
        while let Some(run) = merged.checked_sub(1).map(|before| &self.runs[before])
            && run.end - run.begin <= self.size - run.end
        {
            merged -= 1;
            begin = run.begin;
        }
        let run = Run::write(&self.folder, begin, self.size, root, &self.runs[merged..], &slots)
            .map_err(failed)?;
        // A crash here leaves the old runs beside the new one, which is preferred.
        for old in self.runs.drain(merged..) {
            if let Err(error) = fs::remove_file(&old.path) {
                tracing::warn!(path = %old.path.display(), %error, "left over");
            }
        }
        self.runs.push(run);
        self.recent.clear();
        Ok(())
    }
}

/// An immutable file.
#[derive(Debug)]
struct Run {
    path: PathBuf,
    file: File,
    begin: u64,
    end: u64,
    root: Hash,
    index: Index,
}

impl Run {
    /// Reads all of a file, which must be what was written.
    fn open(path: &Path) -> io::Result<Self> {
        let (mut slots, begin, end, root) = Slots::open(path)?;
        let mut index = Index::new(end - begin);
        while let Some(slot) = slots.next()? {
            index.push(slot.0);
        }
        slots.finish()?;
        Ok(Self { path: path.into(), file: File::open(path)?, begin, end, root, index })
    }

    /// Writes a run of others, which it is to replace, and of `slots`.
    fn write(
        folder: &Path,
        begin: u64,
        end: u64,
        root: Hash,
        runs: &[Self],
        slots: &[Slot],
    ) -> io::Result<Self> {
        let path = folder.join(format!("{begin}-{end}"));
        let beside = tempfile::NamedTempFile::new_in(folder)?;
        let mut output = BufWriter::with_capacity(1 << 16, beside.as_file());
        let mut hasher = Sha256::new();
        let mut index = Index::new(end - begin);
        let mut write = |bytes: &[u8]| {
            hasher.update(bytes);
            output.write_all(bytes)
        };
        write(&header(begin, end, &root))?;
        let mut readers = runs
            .iter()
            .map(|run| Ok(Slots::open(&run.path)?.0))
            .collect::<io::Result<Vec<Slots>>>()?;
        let mut heads =
            readers.iter_mut().map(Slots::next).collect::<io::Result<Vec<Option<Slot>>>>()?;
        let mut slots = slots.iter().copied().peekable();
        loop {
            // There are as many runs as the log's size has digits in base 2: no heap is needed.
            let least = heads.iter().enumerate().filter_map(|(i, head)| Some(((*head)?, i))).min();
            let slot = match (least, slots.peek()) {
                (None, None) => break,
                (Some((slot, i)), other) if other.is_none_or(|other| slot < *other) => {
                    heads[i] = readers[i].next()?;
                    slot
                }
                _ => match slots.next() {
                    None => break,
                    Some(slot) => slot,
                },
            };
            index.push(slot.0);
            write(&slot.0.to_be_bytes())?;
            write(&slot.1.to_be_bytes())?;
        }
        for reader in readers {
            reader.finish()?;
        }
        output.write_all(&hasher.finalize())?;
        output.flush()?;
        drop(output);
        beside.as_file().sync_all()?;
        let file = beside.persist(&path)?;
        File::open(folder)?.sync_all()?;
        drop(file);
        let file = File::open(&path)?;
        Ok(Self { path, file, begin, end, root, index })
    }

    fn find(&self, prefix: Prefix, numbers: &mut Vec<u64>) -> io::Result<()> {
        if !self.index.may_have(prefix) {
            return Ok(());
        }
        let count = (self.end - self.begin) as usize;
        let mut at = self.index.page(prefix) * PAGE;
        let mut page = [0; PAGE * SLOT];
        while at < count {
            let page = &mut page[..PAGE.min(count - at) * SLOT];
            let mut file = &self.file;
            file.seek(SeekFrom::Start((HEADER + at * SLOT) as u64))?;
            file.read_exact(page)?;
            for slot in page.as_chunks::<SLOT>().0 {
                let (found, number) = slot_of(slot);
                if found > prefix {
                    return Ok(());
                }
                if found == prefix {
                    numbers.push(number);
                }
            }
            at += PAGE;
        }
        Ok(())
    }
}

/// What of a run is in memory: 12 bits and 1/32 byte for each slot.
#[derive(Debug)]
struct Index {
    filter: Vec<u64>,
    /// The first prefix of each page.
    pages: Vec<Prefix>,
    count: usize,
}

impl Index {
    fn new(count: u64) -> Self {
        let filter = vec![0; (count * FILTER_BITS / 64 + 1) as usize];
        Self { filter, pages: Vec::new(), count: 0 }
    }

    fn push(&mut self, prefix: Prefix) {
        if self.count.is_multiple_of(PAGE) {
            self.pages.push(prefix);
        }
        self.count += 1;
        for probe in PROBES {
            let (word, bit) = self.place(prefix, probe);
            self.filter[word] |= bit;
        }
    }

    fn may_have(&self, prefix: Prefix) -> bool {
        PROBES.into_iter().all(|probe| {
            let (word, bit) = self.place(prefix, probe);
            self.filter[word] & bit != 0
        })
    }

    fn place(&self, prefix: Prefix, probe: u64) -> (usize, u64) {
        let bits = self.filter.len() as u128 * 64;
        let place = ((u128::from(prefix.wrapping_mul(probe)) * bits) >> 64) as usize;
        (place / 64, 1 << (place % 64))
    }

    /// The page in which the first slot with this prefix is, if there is one.
    fn page(&self, prefix: Prefix) -> usize {
        self.pages.partition_point(|&first| first < prefix).saturating_sub(1)
    }
}

/// magic ‖ begin ‖ end ‖ root
const HEADER: usize = MAGIC.len() + 8 + 8 + 32;

fn header(begin: u64, end: u64, root: &Hash) -> Vec<u8> {
    [MAGIC, &begin.to_be_bytes(), &end.to_be_bytes(), root].concat()
}

/// The slots of a run, in order, and at its end whether they are what was written.
struct Slots {
    input: BufReader<File>,
    hasher: Sha256,
    left: u64,
}

impl Slots {
    fn open(path: &Path) -> io::Result<(Self, u64, u64, Hash)> {
        let malformed = || io::Error::new(ErrorKind::InvalidData, "it is no run of identities");
        let mut input = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut start = [0; HEADER];
        input.read_exact(&mut start)?;
        let rest = start.strip_prefix(MAGIC).ok_or_else(malformed)?;
        let (begin, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
        let (end, root) = rest.split_first_chunk().ok_or_else(malformed)?;
        let (begin, end) = (u64::from_be_bytes(*begin), u64::from_be_bytes(*end));
        let root = root.try_into().map_err(|_| malformed())?;
        let left = end.checked_sub(begin).ok_or_else(malformed)?;
        let length =
            (HEADER as u64 + 32).checked_add(left.checked_mul(SLOT as u64).ok_or_else(malformed)?);
        if length != Some(input.get_ref().metadata()?.len()) || range_of(path) != Some((begin, end))
        {
            return Err(malformed());
        }
        let mut hasher = Sha256::new();
        hasher.update(start);
        Ok((Self { input, hasher, left }, begin, end, root))
    }

    fn next(&mut self) -> io::Result<Option<Slot>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut slot = [0; SLOT];
        self.input.read_exact(&mut slot)?;
        self.hasher.update(slot);
        Ok(Some(slot_of(&slot)))
    }

    fn finish(mut self) -> io::Result<()> {
        let mut digest = [0; 32];
        self.input.read_exact(&mut digest)?;
        if self.hasher.finalize()[..] == digest {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::InvalidData, "its checksum is wrong"))
    }
}

fn slot_of(slot: &[u8; SLOT]) -> Slot {
    let slot = u128::from_be_bytes(*slot);
    ((slot >> 64) as u64, slot as u64)
}

/// `0-65536`
fn range_of(path: &Path) -> Option<(u64, u64)> {
    let (begin, end) = path.file_name()?.to_str()?.split_once('-')?;
    Some((begin.parse().ok()?, end.parse().ok()?))
}

fn prefix(identity: &Hash) -> Prefix {
    let mut first = [0; 8];
    first.copy_from_slice(&identity[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

    fn identity(number: u64) -> Hash {
        // Every seventh has the prefix of the one before.
        let mut identity: Hash =
            Sha256::digest((number - u64::from(number % 7 == 6)).to_be_bytes()).into();
        identity[31] = number as u8;
        identity
    }

    fn grow(identities: &mut Identities, to: u64) -> Result<()> {
        for number in identities.size()..to {
            identities.push(&identity(number));
            if number % 1000 == 999 {
                identities.keep([number as u8; 32])?;
            }
        }
        Ok(())
    }

    #[track_caller]
    fn check(identities: &Identities) -> Tested {
        for number in (0..identities.size()).step_by(13) {
            let candidates = identities.candidates(&identity(number))?;
            assert!(candidates.contains(&number), "{number}");
            assert!(candidates.len() <= 2, "{candidates:?}");
        }
        let absent = (0..1000).map(|number| identities.candidates(&identity(1 << 40 | number)));
        assert!(absent.collect::<Result<Vec<_>>>()?.concat().is_empty());
        Ok(())
    }

    #[test]
    fn what_was_kept_is_found_after_it_is_opened_again() -> Tested {
        let folder = tempfile::tempdir()?;
        let mut identities = Identities::open(folder.path().join("ids"))?;
        grow(&mut identities, 13_500)?;
        check(&identities)?;
        // 13 = 8 + 4 + 1
        let ends: Vec<u64> = identities.roots().map(|(end, _)| end).collect();
        assert_eq!(ends, [8000, 12_000, 13_000]);
        let mut again = Identities::open(folder.path().join("ids"))?;
        assert_eq!(again.size(), 13_000);
        assert!(again.roots().eq(identities.roots()));
        check(&again)?;
        grow(&mut again, 20_000)?;
        check(&again)?;
        again.truncate(18_999);
        assert_eq!(again.size(), 16_000);
        check(&again)
    }

    #[test]
    fn a_run_that_was_changed_is_not_used() -> Tested {
        let folder = tempfile::tempdir()?;
        let mut identities = Identities::open(folder.path().to_path_buf())?;
        grow(&mut identities, 3000)?;
        drop(identities);
        let path = folder.path().join("0-2000");
        let whole = fs::read(&path)?;
        for at in [0, 20, 40, HEADER, HEADER + 9, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed)?;
            assert_eq!(Identities::open(folder.path().to_path_buf())?.size(), 0, "byte {at}");
        }
        for cut in [0, HEADER, whole.len() - 1] {
            fs::write(&path, &whole[..cut])?;
            assert_eq!(Identities::open(folder.path().to_path_buf())?.size(), 0, "{cut} bytes");
        }
        fs::write(&path, [&whole[..], &[0]].concat())?;
        assert_eq!(Identities::open(folder.path().to_path_buf())?.size(), 0);
        fs::write(&path, whole)?;
        // What is left over from a merge is passed over.
        fs::write(folder.path().join("0-1000"), "torn")?;
        fs::write(folder.path().join("notes"), "of another")?;
        assert_eq!(Identities::open(folder.path().to_path_buf())?.size(), 3000);
        Ok(())
    }
}
