//! Whether a log is whole: every tile and the root are computed again from the bundles, and
//! compared with what is there. Any log of `c2sp.org/tlog-tiles` can be asked, whoever wrote it.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use precise_core::entry::Entry;
use precise_core::note::{Checkpoint, VerifierKey};
use precise_core::{Hash, tlog};

use crate::error::{Error, Result};
use crate::log::{CHECKPOINT, SignedCheckpoint, checkpoint_name, read_checkpoint};
use crate::stage::{self, Stage};
use crate::store::Store;
use crate::tiles::{
    Edge, WIDTH, bundle_path, corrupt, entries_of, parse_tile, read_partial, tile_path,
};

/// Bundles, each with its tile, that are read ahead. They may be of 16 MiB.
const READ_AHEAD: usize = 4;

/// What the entries of a log have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any bytes.
    Any,
    /// Entries of Precise.
    Precise,
}

impl Expected {
    /// Error: PR407 or PR905 for an entry that is not as expected.
    pub(crate) fn check(self, store: &Store, index: u64, entry: &[u8]) -> Result<()> {
        if self == Self::Any {
            return Ok(());
        }
        let parsed = Entry::parse(entry);
        parsed.map_err(|error| Error::refused(format!("entry {index} of {store}"), error))?;
        Ok(())
    }
}

/// What was found to be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint.
    pub signed: SignedCheckpoint,
    /// How many bundles were read.
    pub bundles: u64,
    /// How many tiles were compared.
    pub tiles: u64,
    /// What is there beside, a line each. None of it is wrong.
    pub notes: Vec<String>,
}

/// Checks the whole log. `progress` is told how many entries were read, and of how many.
///
/// Errors: those of [`SignedCheckpoint::verify`]; PR414 with the first file that is wrong and the
/// place in it; PR407 or PR905 for an entry that is not as expected.
pub async fn fsck(
    store: &Store,
    key: &VerifierKey,
    expected: Expected,
    progress: impl FnMut(u64, u64),
) -> Result<Report> {
    let (note, _) = read_checkpoint(store).await?;
    let signed = SignedCheckpoint::verify(&note, key)
        .map_err(|error| Error::refused(checkpoint_name(store), error))?;
    let Checkpoint { size, root, .. } = signed.checkpoint;
    let mut check = Check {
        store,
        size,
        rebuilt: Edge::default(),
        stored: Edge::default(),
        compared: 0,
        fault: None,
    };
    let read = check.run(expected, progress).await;
    if let Some(fault) = &check.fault {
        return Err(check.error(fault, &root));
    }
    read?;
    if check.rebuilt.root() != root {
        let detail = format!("its root is not the one over the {size} entries");
        return Err(corrupt(store, CHECKPOINT, detail));
    }
    let (bundles, tiles) = (size.div_ceil(WIDTH), check.compared);
    let notes = look_beside(store, key, size).await?;
    Ok(Report { signed, bundles, tiles, notes })
}

/// A comparison that goes on.
struct Check<'a> {
    store: &'a Store,
    size: u64,
    /// From the bundles.
    rebuilt: Edge,
    /// From the tiles of level 0. Where they and the bundles differ, the root says which is wrong.
    stored: Edge,
    /// Tiles.
    compared: u64,
    /// The first.
    fault: Option<Fault>,
}

/// Where a tile that is there differs from the one that follows from the bundles.
#[derive(Clone, Copy)]
struct Fault {
    level: u32,
    number: u64,
    place: usize,
}

impl Check<'_> {
    /// Goes on behind a fault, to learn the roots.
    async fn run(&mut self, expected: Expected, mut progress: impl FnMut(u64, u64)) -> Result<()> {
        let (store, size) = (self.store, self.size);
        let mut bundles = stream::iter(0..size.div_ceil(WIDTH))
            .map(|number| read_bundle(store, number, width_of(size, 0, number)))
            .buffered(READ_AHEAD);
        let mut full = Vec::new();
        while let Some((entries, tile)) = bundles.try_next().await? {
            self.compared += 1;
            for (entry, stored) in entries.iter().zip(tile) {
                let index = self.rebuilt.size();
                let leaf = tlog::leaf(entry);
                if leaf == stored {
                    expected.check(store, index, entry)?;
                } else {
                    self.note_fault(0, index / WIDTH, (index % WIDTH) as usize);
                }
                self.stored.push(stored, |_, _, _| ());
                self.rebuilt.push(leaf, |level, number, hashes| {
                    full.push((level, number, hashes.to_vec()));
                });
            }
            for (level, number, hashes) in full.drain(..) {
                self.compare(level, number, &hashes).await?;
            }
            progress(self.rebuilt.size(), size);
        }
        for (level, number, hashes) in self.rebuilt.clone().partial_tiles() {
            self.compare(level, number, hashes).await?;
        }
        Ok(())
    }

    async fn compare(&mut self, level: u32, number: u64, hashes: &[Hash]) -> Result<()> {
        // With its bundle it was compared already.
        if level == 0 {
            return Ok(());
        }
        self.compared += 1;
        let tile = read_tile(self.store, level, number, hashes.len() as u64).await?;
        if let Some(place) = tile.iter().zip(hashes).position(|(found, rebuilt)| found != rebuilt) {
            self.note_fault(level, number, place);
        }
        Ok(())
    }

    fn note_fault(&mut self, level: u32, number: u64, place: usize) {
        self.fault.get_or_insert(Fault { level, number, place });
    }

    fn error(&self, fault: &Fault, root: &Hash) -> Error {
        let Fault { level, number, place } = *fault;
        let width = width_of(self.size, level, number);
        if level == 0 && self.rebuilt.root() != *root {
            let index = number * WIDTH + place as u64;
            let detail = if self.stored.root() == *root {
                format!("entry {index} is not the one that was signed")
            } else {
                format!("entry {index} is not the one of its tile")
            };
            return corrupt(self.store, &bundle_path(number, width), detail);
        }
        let detail = format!("hash {place} is not the one over its entries");
        corrupt(self.store, &tile_path(level, number, width), detail)
    }
}

/// A bundle's entries, and the tile over them.
async fn read_bundle(store: &Store, number: u64, width: u64) -> Result<(Vec<Bytes>, Vec<Hash>)> {
    let path = bundle_path(number, width);
    let bytes = read_partial(store, &path, &bundle_path(number, WIDTH)).await?;
    let mut entries = entries_of(&bytes, width)
        .ok_or_else(|| corrupt(store, &path, format!("it has not {width} whole entries")))?;
    if entries.len() as u64 > width {
        check_outgrown(store, &path).await?;
        entries.truncate(width as usize);
    }
    Ok((entries, read_tile(store, 0, number, width).await?))
}

/// A tile with so many hashes.
async fn read_tile(store: &Store, level: u32, number: u64, width: u64) -> Result<Vec<Hash>> {
    let path = tile_path(level, number, width);
    let bytes = read_partial(store, &path, &tile_path(level, number, WIDTH)).await?;
    let mut hashes = parse_tile(&bytes)
        .filter(|hashes| hashes.len() as u64 >= width)
        .ok_or_else(|| corrupt(store, &path, format!("it has not {width} whole hashes")))?;
    if hashes.len() as u64 > width {
        check_outgrown(store, &path).await?;
        hashes.truncate(width as usize);
    }
    Ok(hashes)
}

/// More than was asked for is right in the full file, which a partial one makes way for when the
/// log grows, and in no other.
async fn check_outgrown(store: &Store, path: &str) -> Result<()> {
    match store.get(path).await? {
        None => Ok(()),
        Some(_) => Err(corrupt(store, path, "it has more than its name says")),
    }
}

/// How many hashes, or entries, of a tree of `size` entries are in a tile.
fn width_of(size: u64, level: u32, number: u64) -> u64 {
    let hashes = size.checked_shr(8 * level).unwrap_or(0);
    hashes.saturating_sub(number.saturating_mul(WIDTH)).min(WIDTH)
}

/// Which file of a log a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TilePath {
    /// None: a bundle.
    pub(crate) level: Option<u32>,
    pub(crate) number: u64,
    pub(crate) width: u64,
}

impl TilePath {
    /// Reads a path as [`tile_path`] and [`bundle_path`] write it.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => None,
            level => Some(level.parse().ok().filter(|level| *level < 64)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, WIDTH),
            Some((number, width)) => (number, width.parse().ok().filter(|width| *width < WIDTH)?),
        };
        let mut value: u64 = 0;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            value = value.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let parsed = Self { level, number: value, width };
        // Zero is no width, and nothing is spelled in two ways.
        (width > 0 && parsed.to_path() == path).then_some(parsed)
    }

    fn to_path(self) -> String {
        match self.level {
            None => bundle_path(self.number, self.width),
            Some(level) => tile_path(level, self.number, self.width),
        }
    }
}

/// What else is there: smaller tiles of smaller trees, which must be the beginning of those that
/// were checked, and what a commit leaves that was not ended.
async fn look_beside(store: &Store, key: &VerifierKey, size: u64) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let (mut older, mut beyond, mut unknown) = (0_u64, 0_u64, 0_u64);
    let mut paths = std::pin::pin!(store.walk(""));
    loop {
        let path = match paths.try_next().await {
            Ok(Some(path)) => path,
            Ok(None) => break,
            // Over HTTP there are no lists.
            Err(error) => {
                notes.push(format!(
                    "leftovers were not looked for, since files cannot be listed: {error}"
                ));
                return Ok(notes);
            }
        };
        if let Some(from) = stage::from_size(&path) {
            // One that the key did not sign keeps everybody from committing, and nobody wrote it
            // who may.
            let bytes = store.get(&path).await?.unwrap_or_default();
            if from >= size
                && let Err(why) = Stage::parse(&bytes, key)
            {
                return Err(corrupt(
                    store,
                    &path,
                    format!("{why}; nothing was signed of it: remove it"),
                ));
            }
            notes.push(format!("{path}: a commit that continues {from} entries was not ended"));
        }
        if !path.starts_with("tile/") {
            continue;
        }
        let Some(tile) = TilePath::parse(&path) else {
            unknown += 1;
            continue;
        };
        let width = width_of(size, tile.level.unwrap_or(0), tile.number);
        if tile.width > width {
            beyond += 1;
        } else if tile.width < width {
            older += 1;
            check_older(store, tile, TilePath { width, ..tile }).await?;
        }
    }
    for (count, what) in [
        (older, "partial tiles or bundles are left from when the log was smaller, as they may be"),
        (beyond, "tiles or bundles are beyond the checkpoint: it is growing, or was rolled back"),
        (unknown, "files below tile/ are of no log"),
    ] {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    }
    Ok(notes)
}

/// That a smaller tile or bundle is how a larger one begins.
async fn check_older(store: &Store, older: TilePath, whole: TilePath) -> Result<()> {
    let path = older.to_path();
    // It may be removed while this runs.
    let Some(bytes) = store.get(&path).await? else { return Ok(()) };
    let full = TilePath { width: WIDTH, ..whole }.to_path();
    let wanted = read_partial(store, &whole.to_path(), &full).await?;
    let width = older.width as usize;
    let begins = match older.level {
        Some(_) => parse_tile(&bytes).is_some_and(|hashes| {
            hashes.len() == width && wanted.starts_with(hashes.as_flattened())
        }),
        None => match (entries_of(&bytes, older.width), entries_of(&wanted, whole.width)) {
            (Some(entries), Some(wanted)) => entries.len() == width && wanted.starts_with(&entries),
            _ => false,
        },
    };
    if begins { Ok(()) } else { Err(corrupt(store, &path, "it is not how the larger one begins")) }
}
