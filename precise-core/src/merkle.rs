//! Batches: sets of proof hashes under one root (SPEC.md section 3).
//!
//! The tree is RFC 9162's (that is RFC 6962's) with SHA-256, so that every transparency tool can
//! check it. Its leaves are sorted, so that the root depends on nothing but the set.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use sha2::block_api::compress256;

use crate::document::{Document, Members, Writer};
use crate::error::{Code, Error, Result};
use crate::value::StoredState;

/// 32 bytes: a proof hash, a node of the tree, or its root.
pub type Hash = [u8; 32];

/// Leaves per batch unless told otherwise: 2^20.
pub const PART_LIMIT: usize = 1 << 20;

/// SHA-256's initial value, FIPS 180-4 section 5.3.3.
pub(crate) const SHA256_IV: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// SHA-256(0x00 ‖ proof_hash)
#[inline]
pub fn leaf(proof_hash: &Hash) -> Hash {
    let mut block = [0; 64];
    block[0] = 0x00; /* leaf */
    block[1..33].copy_from_slice(proof_hash);
    block[33] = 0x80;
    block[62..].copy_from_slice(&(33 * 8_u16).to_be_bytes());
    sha256(&[block])
}

/// SHA-256(0x01 ‖ left ‖ right)
#[inline]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    // 65 bytes of message, one of padding, 8 of length: two blocks.
    let mut blocks = [[0; 64]; 2];
    blocks[0][0] = 0x01; /* node */
    blocks[0][1..33].copy_from_slice(left);
    blocks[0][33..].copy_from_slice(&right[..31]);
    blocks[1][0] = right[31];
    blocks[1][1] = 0x80;
    blocks[1][62..].copy_from_slice(&(65 * 8_u16).to_be_bytes());
    sha256(&blocks)
}

/// SHA-256 of blocks that carry their padding.
#[inline]
fn sha256(blocks: &[[u8; 64]]) -> Hash {
    let mut state = SHA256_IV;
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// Builds a root from leaves that come one by one, in logarithmic memory.
#[derive(Clone, Debug, Default)]
pub struct RootBuilder {
    /// Roots of complete subtrees, the largest first: one per set bit of `count`.
    subtrees: Vec<Hash>,
    count: u64,
}

impl RootBuilder {
    /// Adds the next proof hash. The caller keeps the order.
    #[inline]
    pub fn push(&mut self, proof_hash: &Hash) {
        self.push_node(leaf(proof_hash));
    }

    /// Adds the root of a subtree. All subtrees but the last have one and the same size, 2^k.
    #[inline]
    pub fn push_node(&mut self, hash: Hash) {
        self.push_seen(hash, |_| {});
    }

    /// As [`push_node`](Self::push_node), and shows `see` every pair that becomes a node.
    #[inline]
    fn push_seen(&mut self, mut hash: Hash, mut see: impl FnMut(&Pair)) {
        // Each trailing 1 bit of the count is a subtree of the same height on the left.
        for height in 0..self.count.trailing_ones() {
            let left = self.subtrees.pop().expect("one subtree for each set bit");
            let middle = self.count + 1 - (1 << height);
            see(&Pair { left, right: hash, begin: middle - (1 << height), middle });
            hash = node(&left, &hash);
        }
        self.subtrees.push(hash);
        self.count += 1;
    }

    /// How many were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The root; none of nothing.
    pub fn finish(&self) -> Option<Hash> {
        self.finish_seen(|_| {})
    }

    fn finish_seen(&self, mut see: impl FnMut(&Pair)) -> Option<Hash> {
        let (last, complete) = self.subtrees.split_last()?;
        // The lowest set bit is the size of the last subtree, the next one that of the one before.
        let mut sizes = self.count;
        let mut middle = self.count - (1 << sizes.trailing_zeros());
        Some(complete.iter().rev().fold(*last, |right, left| {
            sizes &= sizes - 1;
            let begin = middle - (1 << sizes.trailing_zeros());
            see(&Pair { left: *left, right, begin, middle });
            middle = begin;
            node(left, &right)
        }))
    }
}

/// Two subtrees that become one: the left one's first leaf is number `begin`, the right one's
/// `middle`.
#[derive(Debug)]
struct Pair {
    left: Hash,
    right: Hash,
    begin: u64,
    middle: u64,
}

/// The root over the roots of consecutive blocks of 2^k sorted leaves.
///
/// Errors: PR309 without blocks, or with `k` above 63.
pub fn combine(block_roots: &[Hash], k: u32) -> Result<Hash> {
    if k > 63 {
        return Err(Error::new(Code::BlockRoots).because("k is above 63"));
    }
    let mut builder = RootBuilder::default();
    for root in block_roots {
        builder.push_node(*root);
    }
    builder.finish().ok_or_else(|| Error::new(Code::BlockRoots).because("there is no root"))
}

/// A JSON array of hashes, as [`combine`] takes it.
///
/// Error: PR309.
pub fn parse_roots(json: &[u8]) -> Result<Vec<Hash>> {
    let elements = Document::read(json, Code::BlockRoots)?.into_elements(Code::BlockRoots)?;
    elements.into_iter().map(|element| element.into_hash(Code::BlockRoots)).collect()
}

/// Repeats may not pile up: a collector settles whenever its set has doubled, and not before it
/// has this many hashes, 2 MiB.
const SETTLE_LEN: usize = 1 << 16;

/// Collects hashes in any order, and merges with others that did the same elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    hashes: Vec<Hash>,
    /// How many of `hashes`, from the front, are sorted and distinct.
    settled: usize,
}

impl Collector {
    /// Adds one hash.
    #[inline]
    pub fn push(&mut self, hash: Hash) {
        if self.hashes.len() >= (2 * self.settled).max(SETTLE_LEN) {
            self.settle();
        }
        self.hashes.push(hash);
    }

    /// The state as specified bytes: sorted, distinct, joined. Nothing stays behind, and nothing
    /// is copied: states can be large.
    pub fn state(&mut self) -> Vec<u8> {
        self.settle();
        self.settled = 0;
        core::mem::take(&mut self.hashes).into_flattened()
    }

    /// Adds another collector's state.
    ///
    /// Error: PR301 if it is not whole hashes.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        let (hashes, rest) = state.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(Error::new(Code::Hash).because("a partial state is cut off"));
        }
        self.hashes.extend_from_slice(hashes);
        if self.hashes.len() >= (2 * self.settled).max(SETTLE_LEN) {
            self.settle();
        }
        Ok(())
    }

    /// Calls `each` for every hash once, ascending: those in `stored`, of each of which only the
    /// next hash is held, and those that are here.
    ///
    /// Error: PR301 if a stored state is not whole hashes, ascending.
    pub fn merge_stored(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        mut each: impl FnMut(&Hash),
    ) -> Result<()> {
        self.settle();
        if stored.is_empty() {
            self.hashes.iter().for_each(each);
            return Ok(());
        }
        let count = stored.len();
        let mut here = self.hashes.iter().copied();
        let mut next = |i: usize| match stored.get_mut(i) {
            Some(state) => next_hash(*state),
            None => Ok(here.next()),
        };
        let mut heads = BinaryHeap::with_capacity(count + 1);
        for i in 0..=count {
            heads.extend(next(i)?.map(|hash| Reverse((hash, i))));
        }
        let mut last = None;
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((hash, i)) = *head;
            match next(i)? {
                Some(behind) if behind <= hash => {
                    return Err(Error::new(Code::Hash).because("a partial state is not sorted"));
                }
                Some(behind) => *head = Reverse((behind, i)),
                None => {
                    PeekMut::pop(head);
                }
            }
            if last != Some(hash) {
                each(&hash);
                last = Some(hash);
            }
        }
        Ok(())
    }

    /// Bytes of memory held.
    pub fn size(&self) -> usize {
        self.hashes.capacity() * size_of::<Hash>()
    }

    fn settle(&mut self) {
        if self.settled < self.hashes.len() {
            self.hashes.sort_unstable();
            self.hashes.dedup();
            self.settled = self.hashes.len();
        }
    }
}

/// The next hash of a stored state; none at its end.
///
/// Error: PR301 if it ends inside of a hash.
pub(crate) fn next_hash(state: &mut dyn StoredState) -> Result<Option<Hash>> {
    let mut hash = [0; 32];
    match state.read(&mut hash) {
        0 => Ok(None),
        32 => Ok(Some(hash)),
        _ => Err(Error::new(Code::Hash).because("a partial state is cut off")),
    }
}

/// A batch: sorted, distinct, not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch(Vec<Hash>);

impl Batch {
    /// The batch of `hashes`, in any order and with repeats.
    ///
    /// Error: PR308 if there are none.
    pub fn new(mut hashes: Vec<Hash>) -> Result<Self> {
        hashes.sort_unstable();
        hashes.dedup();
        if hashes.is_empty() { Err(Error::new(Code::EmptyBatch)) } else { Ok(Self(hashes)) }
    }

    /// The hashes, ascending.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut builder = RootBuilder::default();
        for hash in &self.0 {
            builder.push(hash);
        }
        builder.finish().expect("a batch is not empty")
    }

    /// Proves that `target` is in the batch, or where it would be.
    pub fn prove(&self, target: &Hash) -> Membership {
        let mut prover = Prover::new(*target);
        for hash in &self.0 {
            prover.push(hash);
        }
        prover.finish().expect("a batch is not empty")
    }

    /// The fewest leading bits by which to cut, so that no part has more than `limit` hashes.
    ///
    /// Error: PR904.
    pub fn part_bits(&self, limit: usize) -> Result<u32> {
        let mut bits = PartBits::new(limit);
        for hash in self.hashes() {
            bits.push(hash);
        }
        bits.finish()
    }
}

/// Proves that a target is among sorted, distinct hashes that come one by one, or where it would
/// be, in logarithmic memory.
#[derive(Clone, Debug)]
pub struct Prover {
    target: Hash,
    builder: RootBuilder,
    /// Held back: whether it is next to the target is known when the next one comes.
    last: Option<Hash>,
    /// The target, or those next to where it would be; their paths grow with the tree.
    found: Vec<Neighbour>,
}

impl Prover {
    /// Looks for `target`.
    pub fn new(target: Hash) -> Self {
        Self { target, builder: RootBuilder::default(), last: None, found: Vec::new() }
    }

    /// Adds the next hash. The caller keeps the order.
    pub fn push(&mut self, proof_hash: &Hash) {
        if let Some(last) = self.last.replace(*proof_hash) {
            self.add(&last, Some(proof_hash));
        }
    }

    /// What was found; none among nothing.
    pub fn finish(mut self) -> Option<Membership> {
        let last = self.last?;
        self.add(&last, None);
        let Self { target, builder, mut found, .. } = self;
        builder.finish_seen(|pair| extend_paths(&mut found, pair));
        let count = builder.count();
        let right = found.pop_if(|neighbour| neighbour.leaf >= target);
        Some(match right {
            Some(Neighbour { leaf, index, path }) if leaf == target => {
                Membership::Included(Inclusion { count, index, path })
            }
            right => Membership::Absent(Absence { count, left: found.pop(), right }),
        })
    }

    /// Adds `leaf` to the tree; `next` comes behind it.
    fn add(&mut self, leaf: &Hash, next: Option<&Hash>) {
        let is_found = match leaf.cmp(&self.target) {
            Ordering::Less => next.is_none_or(|next| *next > self.target),
            Ordering::Equal => true,
            Ordering::Greater => self.found.last().is_none_or(|found| found.leaf < self.target),
        };
        if is_found {
            let index = self.builder.count();
            self.found.push(Neighbour { leaf: *leaf, index, path: Vec::new() });
        }
        let found = &mut self.found;
        self.builder.push_seen(self::leaf(leaf), |pair| extend_paths(found, pair));
    }
}

/// The sibling joins the path of each that lies on the other side.
fn extend_paths(found: &mut [Neighbour], pair: &Pair) {
    for Neighbour { index, path, .. } in found {
        if *index >= pair.middle {
            path.push(pair.left);
        } else if *index >= pair.begin {
            path.push(pair.right);
        }
    }
}

/// Finds the fewest leading bits by which to cut sorted, distinct hashes into parts.
///
/// A cell of b bits holds more than `limit` of them exactly if some hash and the one `limit`
/// places behind it agree in b bits. So b is one more than the longest such agreement, and only
/// the last `limit` prefixes are kept: 4 MiB for 2^20.
#[derive(Clone, Debug)]
pub struct PartBits {
    prefixes: Vec<u32>,
    limit: usize,
    count: usize,
    bits: u32,
}

impl PartBits {
    /// For parts of at most `limit` hashes; 0 counts as 1.
    pub fn new(limit: usize) -> Self {
        Self { prefixes: Vec::new(), limit: limit.max(1), count: 0, bits: 0 }
    }

    /// Adds the next hash. The caller keeps the order.
    #[inline]
    pub fn push(&mut self, hash: &Hash) {
        let prefix = prefix(hash);
        if self.count < self.limit {
            self.prefixes.push(prefix);
        } else {
            let before = &mut self.prefixes[self.count % self.limit];
            self.bits = self.bits.max((*before ^ prefix).leading_zeros() + 1);
            *before = prefix;
        }
        self.count += 1;
    }

    /// The number of bits.
    ///
    /// Error: PR904 above 32.
    pub fn finish(&self) -> Result<u32> {
        if self.bits > 32 { Err(Error::new(Code::PartBits)) } else { Ok(self.bits) }
    }
}

/// The leading 32 bits.
fn prefix(hash: &Hash) -> u32 {
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Which part a hash belongs to: its leading `bits`, at most 32, as a number.
#[inline]
pub fn part_index(hash: &Hash, bits: u32) -> u64 {
    (u64::from(prefix(hash)) << bits) >> 32
}

/// One part of a set that was cut: `{"bits":b,"index":j,"parts":p}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Leading bits that name a cell.
    pub bits: u32,
    /// The cell's number.
    pub index: u64,
    /// How many cells are not empty.
    pub parts: u64,
}

impl Part {
    /// The JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("bits").integer(self.bits.into());
        writer.key("index").integer(self.index);
        writer.key("parts").integer(self.parts);
        writer.finish()
    }
}

/// What [`Batch::prove`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is not in the batch, if the batch is sorted.
    Absent(Absence),
    /// It is in the batch.
    Included(Inclusion),
}

impl Membership {
    /// The document in JCS form.
    pub fn to_json(&self) -> String {
        match self {
            Self::Absent(absence) => absence.to_json(),
            Self::Included(inclusion) => inclusion.to_json(),
        }
    }
}

/// `{"count":n,"index":i,"path":["0x…",…]}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    count: u64,
    index: u64,
    path: Vec<Hash>,
}

impl Inclusion {
    /// The place of leaf `index` of `count`, and its path, the leaf's sibling first.
    ///
    /// Error: PR306 for an index that is not below the count, and for a path of another length
    /// than they require.
    pub fn new(count: u64, index: u64, path: Vec<Hash>) -> Result<Self> {
        check_position(count, index, &path, Code::Inclusion)?;
        Ok(Self { count, index, path })
    }

    /// How many leaves the batch has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The leaf's place, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The document in JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("count").integer(self.count);
        writer.key("index").integer(self.index);
        writer.key("path").hashes(&self.path);
        writer.finish()
    }

    /// Reads a document in any spelling.
    ///
    /// Error: PR306.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::take(Document::read(json, Code::Inclusion)?, Code::Inclusion)
    }

    /// The same of a document that is part of another, whose code is `code`.
    pub(crate) fn take(document: Document, code: Code) -> Result<Self> {
        let mut members = document.into_members(code)?;
        if members.take_optional("left").or(members.take_optional("right")).is_some() {
            let detail = "this is an absence proof";
            return Err(Error::new(code).because(detail));
        }
        let count = members.take_integer("count")?;
        let (index, path) = take_position(&mut members, count, code)?;
        members.finish()?;
        Ok(Self { count, index, path })
    }

    /// The hashes from the leaf's sibling up.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Whether the path leads from `proof_hash` to `root`: RFC 9162 section 2.1.3.2.
    pub fn verify(&self, proof_hash: &Hash, root: &Hash) -> bool {
        leads_to(&leaf(proof_hash), self.index, self.count, &self.path, root)
    }
}

/// `{"count":n,"left":{"index":i,"leaf":"0x…","path":[…]},"right":{…}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    count: u64,
    left: Option<Neighbour>,
    right: Option<Neighbour>,
}

/// A leaf next to where an absent hash would be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Neighbour {
    leaf: Hash,
    index: u64,
    path: Vec<Hash>,
}

impl Absence {
    /// How many leaves the batch has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The document in JCS form.
    pub fn to_json(&self) -> String {
        let neighbour = |neighbour: &Neighbour| {
            let mut writer = Writer::object();
            writer.key("index").integer(neighbour.index);
            writer.key("leaf").hash(&neighbour.leaf);
            writer.key("path").hashes(&neighbour.path);
            writer.finish()
        };
        let mut writer = Writer::object();
        writer.key("count").integer(self.count);
        if let Some(left) = &self.left {
            writer.key("left").raw(&neighbour(left));
        }
        if let Some(right) = &self.right {
            writer.key("right").raw(&neighbour(right));
        }
        writer.finish()
    }

    /// Reads a document in any spelling.
    ///
    /// Error: PR307.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let mut members = Document::read(json, Code::Absence)?.into_members(Code::Absence)?;
        let count = members.take_integer("count")?;
        let left = take_neighbour(&mut members, "left", count)?;
        let right = take_neighbour(&mut members, "right", count)?;
        members.finish()?;
        if left.is_none() && right.is_none() {
            return Err(Error::new(Code::Absence).because("left and right are missing"));
        }
        Ok(Self { count, left, right })
    }

    /// Whether both neighbours are under `root`, next to each other, and `proof_hash` lies between
    /// them. Sound for a batch that is sorted; see SPEC.md section 3.
    pub fn verify(&self, proof_hash: &Hash, root: &Hash) -> bool {
        let adjacent = match (&self.left, &self.right) {
            (Some(left), Some(right)) => left.index + 1 == right.index,
            (None, Some(right)) => right.index == 0,
            (Some(left), None) => left.index + 1 == self.count,
            (None, None) => false,
        };
        let holds = |neighbour: &Option<Neighbour>, side: Ordering| {
            neighbour.as_ref().is_none_or(|Neighbour { leaf, index, path }| {
                leaf.cmp(proof_hash) == side
                    && leads_to(&self::leaf(leaf), *index, self.count, path, root)
            })
        };
        adjacent && holds(&self.left, Ordering::Less) && holds(&self.right, Ordering::Greater)
    }
}

fn take_neighbour(
    members: &mut Members,
    name: &'static str,
    count: u64,
) -> Result<Option<Neighbour>> {
    let Some(neighbour) = members.take_optional(name) else { return Ok(None) };
    let mut members = neighbour.into_members(Code::Absence)?;
    let leaf = members.take("leaf")?.into_hash(Code::Absence)?;
    let (index, path) = take_position(&mut members, count, Code::Absence)?;
    members.finish()?;
    Ok(Some(Neighbour { leaf, index, path }))
}

/// Takes `index` and `path`, which must fit a tree of `count` leaves.
fn take_position(members: &mut Members, count: u64, code: Code) -> Result<(u64, Vec<Hash>)> {
    let index = members.take_integer("index")?;
    let path = members.take_hashes("path")?;
    check_position(count, index, &path, code)?;
    Ok((index, path))
}

fn check_position(count: u64, index: u64, path: &[Hash], code: Code) -> Result<()> {
    let fault = |detail: &'static str| Error::new(code).because(detail);
    if index >= count {
        return Err(fault("index is not below count"));
    }
    if path.len() != path_len(index, count) {
        return Err(fault("the path has another length than index and count require"));
    }
    Ok(())
}

/// How long the path of a leaf is.
fn path_len(index: u64, count: u64) -> usize {
    // Below the highest bit in which index and the last index differ, there is a sibling at every
    // level; above it, only where the leaf's side is the right one.
    let below = u64::BITS - (index ^ (count - 1)).leading_zeros();
    let above = index.checked_shr(below).unwrap_or(0).count_ones();
    (below + above) as usize
}

/// Whether `path` leads from a leaf of the tree, already hashed, to `root`.
pub fn leads_to(leaf_hash: &Hash, index: u64, count: u64, path: &[Hash], root: &Hash) -> bool {
    path_root(leaf_hash, index, count, path).as_ref() == Some(root)
}

/// Where `path` leads from a leaf of the tree, already hashed; none if the leaf's path has another
/// length.
pub fn path_root(leaf_hash: &Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    climb(leaf_hash, index, count, path, |_| {})
}

/// One step up a path: what was hashed, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Climb {
    /// The left node.
    pub left: Hash,
    /// The right node.
    pub right: Hash,
    /// `node(left, right)`
    pub parent: Hash,
}

/// [`path_root`], by RFC 9162 section 2.1.3.2 with its names; `each` sees the steps.
pub fn climb(
    leaf_hash: &Hash,
    index: u64,
    count: u64,
    path: &[Hash],
    mut each: impl FnMut(Climb),
) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let (mut f_n, mut s_n) = (index, count - 1);
    let mut r = *leaf_hash;
    for p in path {
        if s_n == 0 {
            return None;
        }
        let is_right = f_n & 1 == 1 || f_n == s_n;
        let (left, right) = if is_right { (*p, r) } else { (r, *p) };
        if is_right {
            while f_n & 1 == 0 && f_n != 0 {
                f_n >>= 1;
                s_n >>= 1;
            }
        }
        r = node(&left, &right);
        each(Climb { left, right, parent: r });
        f_n >>= 1;
        s_n >>= 1;
    }
    (s_n == 0).then_some(r)
}
