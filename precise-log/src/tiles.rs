//! The files of a log, as `c2sp.org/tlog-tiles` has them: tiles of 256 hashes, bundles of 256
//! entries, and those at the right edge, which are not full yet.
//!
//! Nothing that is read here is believed. A tile is compared with the one above it, a bundle with
//! its tile, and the edge with the root that was signed.

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;
use futures::{StreamExt, TryStreamExt, stream};
use precise_core::merkle::node;
use precise_core::{Code, Hash, tlog};

use crate::error::{Error, Result};
use crate::store::Store;

/// Hashes of a full tile, entries of a full bundle.
pub const WIDTH: u64 = 256;

/// 256 = 2^8: a tile of level L has the roots of complete subtrees of 2^8L entries.
const HEIGHT: u32 = 8;

/// Sizes stay below 2^63, so that level 7, of 2^56 entries each, is the last.
const LEVELS: usize = 8;

/// Tiles that are kept: 8 KiB each, 16 MiB in all.
const KEPT_TILES: usize = 2048;

/// Bundles that are read ahead.
const READ_AHEAD: usize = 8;

/// `tile/0/x001/234.p/5`: the tile that is `number`-th of its level, so far with `width` hashes.
pub fn tile_path(level: u32, number: u64, width: u64) -> String {
    format!("tile/{level}/{}", numbered(number, width))
}

/// `tile/entries/x001/234.p/5`: the `number`-th bundle, so far with `width` entries.
pub fn bundle_path(number: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(number, width))
}

/// Three digits a folder, all but the last after an x.
fn numbered(number: u64, width: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width == WIDTH { path } else { format!("{path}.p/{width}") }
}

/// Appends an entry to a bundle: its length as 16 bits, most significant first, and the entry.
pub(crate) fn push_entry(bundle: &mut BytesMut, entry: &[u8]) {
    debug_assert!(entry.len() <= precise_core::entry::MAX_LEN, "Entry::to_json has checked it");
    bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle that has so many at least. Some logs keep bundles compressed.
pub(crate) fn entries_of(bundle: &Bytes, width: u64) -> Option<Vec<Bytes>> {
    let parse =
        |bundle: &Bytes| parse_bundle(bundle).filter(|entries| entries.len() as u64 >= width);
    // Gzip's first bytes could be the length of an entry; a whole bundle that is gzip as well could
    // not be found.
    parse(bundle).or_else(|| parse(&decompress(bundle)?))
}

/// What gzip makes a bundle of, unless that would be more than any bundle is.
fn decompress(gzip: &[u8]) -> Option<Bytes> {
    const LONGEST: u64 = WIDTH * (2 + u16::MAX as u64);
    let mut bundle = Vec::new();
    GzDecoder::new(gzip).take(LONGEST + 1).read_to_end(&mut bundle).ok()?;
    (bundle.len() as u64 <= LONGEST).then(|| bundle.into())
}

/// The entries of a bundle, if it is one.
pub fn parse_bundle(bundle: &Bytes) -> Option<Vec<Bytes>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < bundle.len() {
        let length = bundle.get(at..at + 2)?;
        at += 2;
        let end = at + usize::from(u16::from_be_bytes(length.try_into().ok()?));
        if end > bundle.len() {
            return None;
        }
        entries.push(bundle.slice(at..end));
        at = end;
    }
    Some(entries)
}

/// The hashes of a tile, if it is one.
pub fn parse_tile(tile: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = tile.as_chunks::<32>();
    (rest.is_empty() && hashes.len() <= WIDTH as usize).then(|| hashes.to_vec())
}

/// The root over 2^n nodes.
fn complete_root(nodes: &[Hash]) -> Hash {
    if let [only] = nodes {
        return *only;
    }
    let (left, right) = nodes.split_at(nodes.len() / 2);
    node(&complete_root(left), &complete_root(right))
}

/// The right edge of a tree: of each level, the hashes of the tile that is not full. It has all
/// that the root and the tree's growth need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: [Vec<Hash>; LEVELS],
}

impl Edge {
    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let read = |height, number| {
            let place = Place::of(height, number);
            Ok::<_, std::convert::Infallible>(place.hash(&self.levels[place.level as usize]))
        };
        match tlog::root(self.size, read) {
            Ok(root) => root,
        }
    }

    /// Adds an entry. `full` is given the level, number and hashes of each tile that is now full.
    pub(crate) fn push(&mut self, leaf: Hash, mut full: impl FnMut(u32, u64, &[Hash])) {
        self.size += 1;
        let mut hash = leaf;
        for (level, hashes) in (0..).zip(&mut self.levels) {
            hashes.push(hash);
            if hashes.len() < WIDTH as usize {
                return;
            }
            full(level, tile_number(self.size - 1, level), hashes);
            hash = complete_root(hashes);
            hashes.clear();
        }
    }

    /// The tiles that are not full: their level, number and hashes.
    pub(crate) fn partial_tiles(&self) -> impl Iterator<Item = (u32, u64, &[Hash])> {
        let levels = (0..).zip(&self.levels).filter(|(_, hashes)| !hashes.is_empty());
        levels.map(|(level, hashes)| (level, tile_number(self.size, level), hashes.as_slice()))
    }

    /// Adds entries, of which only the root matters.
    pub(crate) fn extend<'a>(&mut self, entries: impl IntoIterator<Item = &'a Bytes>) {
        for entry in entries {
            self.push(tlog::leaf(entry), |_, _, _| ());
        }
    }
}

/// The tile of a level that the entry, or what is above it, is in.
fn tile_number(entry: u64, level: u32) -> u64 {
    // Of level 7 there is one: 2^64 entries would fill it.
    entry.checked_shr(HEIGHT * (level + 1)).unwrap_or(0)
}

/// Where in the tiles the root of a complete subtree is to be had.
struct Place {
    level: u32,
    number: u64,
    range: Range<usize>,
}

impl Place {
    /// Of the `number`-th subtree of 2^height entries.
    fn of(height: u32, number: u64) -> Self {
        let (level, height) = (height / HEIGHT, height % HEIGHT);
        let first = number << height;
        let start = (first % WIDTH) as usize;
        Self { level, number: first / WIDTH, range: start..start + (1 << height) }
    }

    fn hash(&self, tile: &[Hash]) -> Hash {
        complete_root(&tile[self.range.clone()])
    }
}

/// What a tree becomes with more entries.
#[derive(Debug)]
pub(crate) struct Growth {
    /// The new edge.
    pub(crate) edge: Edge,
    /// The bundle that is not full.
    pub(crate) bundle: Bytes,
    /// The new bundles and tiles.
    pub(crate) objects: Vec<(String, Bytes)>,
    /// Folders of partial tiles and bundles, which now are full.
    pub(crate) outgrown: Vec<String>,
}

impl Growth {
    /// Of the tree with this edge, and this bundle that is not full.
    pub(crate) fn new(edge: &Edge, bundle: &[u8], entries: &[Bytes]) -> Self {
        let (old, mut edge) = (edge, edge.clone());
        let mut bundle = BytesMut::from(bundle);
        let mut objects = Vec::new();
        for entry in entries {
            push_entry(&mut bundle, entry);
            edge.push(tlog::leaf(entry), |level, number, hashes| {
                if level == 0 {
                    objects.push((bundle_path(number, WIDTH), bundle.split().freeze()));
                }
                objects.push((tile_path(level, number, WIDTH), tile_bytes(hashes)));
            });
        }
        let width = edge.size % WIDTH;
        let bundle = bundle.freeze();
        if width > 0 && edge.size > old.size {
            objects.push((bundle_path(edge.size / WIDTH, width), bundle.clone()));
        }
        let mut outgrown = Vec::new();
        for (level, (before, after)) in (0..).zip(old.levels.iter().zip(&edge.levels)) {
            let number = tile_number(edge.size, level);
            let moved = tile_number(old.size, level) != number;
            if !after.is_empty() && (moved || after.len() > before.len()) {
                objects.push((tile_path(level, number, after.len() as u64), tile_bytes(after)));
            }
            if moved && !before.is_empty() {
                let number = numbered(tile_number(old.size, level), WIDTH);
                outgrown.push(format!("tile/{level}/{number}.p"));
                if level == 0 {
                    outgrown.push(format!("tile/entries/{number}.p"));
                }
            }
        }
        Self { edge, bundle, objects, outgrown }
    }
}

fn tile_bytes(hashes: &[Hash]) -> Bytes {
    Bytes::copy_from_slice(hashes.as_flattened())
}

/// By level and number.
type FullTiles = HashMap<(u32, u64), Arc<[Hash]>>;

/// A tree in a store, under a root that is vouched for.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    store: Store,
    edge: Edge,
    /// Full tiles, which never change: also those of a tree that grew out of this one.
    kept: Arc<Mutex<FullTiles>>,
}

impl Tree {
    /// Reads the edge, and compares it with the root.
    pub(crate) async fn open(store: Store, size: u64, root: &Hash) -> Result<Self> {
        let mut edge = Edge { size, levels: Default::default() };
        for (level, hashes) in (0..).zip(&mut edge.levels) {
            let width = size.checked_shr(HEIGHT * level).unwrap_or(0) % WIDTH;
            if width == 0 {
                continue;
            }
            let number = tile_number(size, level);
            let path = tile_path(level, number, width);
            let full = tile_path(level, number, WIDTH);
            let tile = read_partial(&store, &path, &full).await?;
            *hashes = parse_tile(&tile)
                .filter(|hashes| hashes.len() as u64 >= width)
                .ok_or_else(|| corrupt(&store, &path, "it is not of as many hashes as it says"))?;
            hashes.truncate(width as usize);
        }
        if edge.root() != *root {
            let what = format!("{store}/tile/…");
            let detail = format!("the tiles at the edge of {size} entries have another root");
            return Err(Error::refused(
                what,
                precise_core::Error::new(Code::LogCorrupt).because(detail),
            ));
        }
        Ok(Self { store, edge, kept: Arc::default() })
    }

    /// This tree when it has grown.
    pub(crate) fn grown(&self, edge: Edge) -> Self {
        Self { store: self.store.clone(), edge, kept: Arc::clone(&self.kept) }
    }

    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// What follows from nodes of the tree. `compute` is called twice, and asks for the same nodes
    /// whatever it is given.
    pub(crate) async fn compute<T>(
        &self,
        compute: impl Fn(&mut dyn FnMut(u32, u64) -> Result<Hash>) -> Result<T>,
    ) -> Result<T> {
        let mut places = Vec::new();
        compute(&mut |height, number| {
            places.push(Place::of(height, number));
            Ok([0; 32])
        })?;
        let mut hashes = Vec::with_capacity(places.len());
        for place in places {
            hashes.push(place.hash(&self.tile(place.level, place.number).await?));
        }
        let mut hashes = hashes.into_iter();
        compute(&mut |_, _| {
            hashes.next().ok_or_else(|| Error::failed("read a tree", "it asks for other nodes"))
        })
    }

    /// A tile, which leads to the root.
    async fn tile(&self, level: u32, number: u64) -> Result<Arc<[Hash]>> {
        // From the tile up to one that is known, then down again.
        let mut above = Vec::new();
        let (mut level, mut number) = (level, number);
        let mut tile = loop {
            if let Some(tile) = self.known(level, number) {
                break tile;
            }
            above.push((level, number));
            (level, number) = (level + 1, number / WIDTH);
        };
        while let Some((level, number)) = above.pop() {
            let path = tile_path(level, number, WIDTH);
            let bytes = self.store.get(&path).await?;
            let bytes = bytes.ok_or_else(|| corrupt(&self.store, &path, "it is not there"))?;
            let hashes = parse_tile(&bytes).filter(|hashes| hashes.len() as u64 == WIDTH);
            let hashes =
                hashes.ok_or_else(|| corrupt(&self.store, &path, "it is not of 256 hashes"))?;
            if complete_root(&hashes) != tile[(number % WIDTH) as usize] {
                let detail = "its hashes do not lead to the tile above";
                return Err(corrupt(&self.store, &path, detail));
            }
            tile = hashes.into();
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_TILES {
                kept.clear();
            }
            kept.insert((level, number), Arc::clone(&tile));
        }
        Ok(tile)
    }

    fn known(&self, level: u32, number: u64) -> Option<Arc<[Hash]>> {
        if number == tile_number(self.edge.size, level) {
            return Some(self.edge.levels[level as usize].as_slice().into());
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(level, number)).cloned()
    }

    /// Entries, which are those of the tree. The range is within it.
    pub(crate) async fn entries(&self, range: Range<u64>) -> Result<Vec<Bytes>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let bundles = range.start / WIDTH..=(range.end - 1) / WIDTH;
        let bundles: Vec<Vec<Bytes>> = stream::iter(bundles)
            .map(|number| self.bundle(number, &range))
            .buffered(READ_AHEAD)
            .try_collect()
            .await?;
        Ok(bundles.into_iter().flatten().collect())
    }

    /// Those entries of a bundle that are in the range.
    async fn bundle(&self, number: u64, range: &Range<u64>) -> Result<Vec<Bytes>> {
        let first = number * WIDTH;
        let width = (self.edge.size - first).min(WIDTH);
        let path = bundle_path(number, width);
        let bytes = read_partial(&self.store, &path, &bundle_path(number, WIDTH)).await?;
        let entries = entries_of(&bytes, width)
            .ok_or_else(|| corrupt(&self.store, &path, "it is not of as many entries"))?;
        let tile = self.tile(0, number).await?;
        let wanted = range.start.max(first) - first..range.end.min(first + width) - first;
        let wanted = wanted.start as usize..wanted.end as usize;
        for (entry, leaf) in entries[wanted.clone()].iter().zip(&tile[wanted.clone()]) {
            if tlog::leaf(entry) != *leaf {
                return Err(corrupt(&self.store, &path, "an entry is not the one of its tile"));
            }
        }
        Ok(entries[wanted].to_vec())
    }
}

/// A partial tile or bundle, or the full one: the partial one may be gone when that is there.
pub(crate) async fn read_partial(store: &Store, path: &str, full: &str) -> Result<Bytes> {
    if let Some(bytes) = store.get(path).await? {
        return Ok(bytes);
    }
    let full = if path == full { None } else { store.get(full).await? };
    full.ok_or_else(|| corrupt(store, path, "it is not there"))
}

/// A file of a log that is not what it must be.
pub(crate) fn corrupt(store: &Store, path: &str, detail: impl Into<String>) -> Error {
    let error = precise_core::Error::new(Code::LogCorrupt).because(detail.into());
    Error::refused(format!("{store}/{path}"), error)
}

#[cfg(test)]
mod tests {
    use precise_core::merkle::RootBuilder;

    use super::*;

    type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        assert_eq!(tile_path(0, 0, 256), "tile/0/000");
        assert_eq!(tile_path(1, 0, 1), "tile/1/000.p/1");
        assert_eq!(tile_path(3, 999, 255), "tile/3/999.p/255");
        assert_eq!(tile_path(0, 1000, 256), "tile/0/x001/000");
        assert_eq!(tile_path(2, 1_234_067, 256), "tile/2/x001/x234/067");
        assert_eq!(bundle_path(1_234_067, 8), "tile/entries/x001/x234/067.p/8");
    }

    #[test]
    fn a_bundle_is_read_or_refused_whole() {
        let mut bundle = BytesMut::new();
        for entry in [&b"one"[..], b"", &vec![7; 65_535]] {
            push_entry(&mut bundle, entry);
        }
        let bundle = bundle.freeze();
        let entries =
            parse_bundle(&bundle).map(|entries| entries.iter().map(Bytes::len).collect::<Vec<_>>());
        assert_eq!(entries, Some(vec![3, 0, 65_535]));
        assert_eq!(parse_bundle(&Bytes::new()), Some(Vec::new()));
        for cut in [1, 2, 4, 6, bundle.len() - 1] {
            assert_eq!(parse_bundle(&bundle.slice(..cut)), None, "{cut} bytes");
        }
        assert_eq!(parse_tile(&[1; 64]), Some(vec![[1; 32]; 2]));
        assert_eq!(parse_tile(&[1; 65]), None);
        assert_eq!(parse_tile(&[1; 32 * 257]), None);
    }

    /// Sizes on both sides of what fills a tile of level 0, and one of level 1.
    #[tokio::test]
    async fn however_a_tree_grows_its_files_lead_to_its_root() -> Tested {
        let store = Store::open("memory:")?;
        let entries: Vec<Bytes> =
            (0..66_000_u32).map(|number| Bytes::copy_from_slice(&number.to_be_bytes())).collect();
        let (mut edge, mut bundle, mut builder) =
            (Edge::default(), Bytes::new(), RootBuilder::default());
        for size in [1, 255, 256, 257, 512, 65_279, 65_535, 65_536, 65_537, 66_000] {
            let from = edge.size();
            let growth = Growth::new(&edge, &bundle, &entries[from as usize..size]);
            store.put_all(growth.objects).await?;
            for folder in growth.outgrown {
                for path in store.list(&folder).await? {
                    store.delete(&path).await?;
                }
            }
            for entry in &entries[from as usize..size] {
                builder.push_node(tlog::leaf(entry));
            }
            (edge, bundle) = (growth.edge, growth.bundle);
            assert_eq!(Some(edge.root()), builder.finish(), "{size} entries");
            let tree = Tree::open(store.clone(), size as u64, &edge.root()).await?;
            assert_eq!(*tree.edge(), edge);
            let last = tree.entries(size as u64 - 1..size as u64).await?;
            assert_eq!(last, entries[size - 1..size]);
        }
        let tree = Tree::open(store.clone(), edge.size(), &edge.root()).await?;
        assert_eq!(tree.entries(0..66_000).await?, entries);
        assert_eq!(tree.compute(|read| tlog::root(66_000, read)).await?, edge.root());
        // 66,000 = 257 × 256 + 208, and 257 = 256 + 1: of partial tiles there are those of now.
        let partial: Vec<String> =
            store.list("").await?.into_iter().filter(|path| path.contains(".p/")).collect();
        let expected = ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"];
        assert!(expected.iter().all(|path| partial.iter().any(|found| found == path)));
        assert!(!partial.iter().any(|path| path.starts_with("tile/0/000.p")), "{partial:?}");
        Ok(())
    }
}
