//! What is void: the document that voids a proof, and the map of all that are, of which a log
//! publishes the root alone (SPEC.md section 6).

use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::document::{Document, Writer};
use crate::error::{Code, Error, Result};
use crate::merkle::{Hash, node};
use crate::row::UtcSecond;

/// A subtree without keys.
pub const EMPTY: Hash = [0; 32];

/// The bits of a key, and so the longest path.
const KEY_BITS: usize = 256;

/// Why a proof is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The record was wrong, and another one takes its place.
    Correction,
    /// Its subject asked to be forgotten.
    Erasure,
    /// Its subject asked not to be used.
    OptOut,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Correction, Self::Erasure, Self::OptOut];

    /// As the member `reason` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Erasure => "erasure",
            Self::OptOut => "opt_out",
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// `{"at":"…","kind":"void","proof_hash":"0x…","reason":"erasure","salt":"0x…","v":1}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidDocument {
    /// When it was voided.
    pub at: UtcSecond,
    /// What is void.
    pub proof_hash: Hash,
    /// Why.
    pub reason: Reason,
    /// 32 random bytes, so that nobody finds the document by guessing.
    pub salt: Hash,
}

impl VoidDocument {
    /// Reads a document in any spelling.
    ///
    /// Error: PR409.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let code = Code::VoidDocument;
        let malformed = |detail| Error::new(code).because(detail);
        let mut members = Document::read(json, code)?.into_members(code)?;
        if members.take_string("kind")? != "void" || members.take_integer("v")? != 1 {
            return Err(malformed("kind is not void, or v is not 1"));
        }
        let at = UtcSecond::parse(&members.take_string("at")?)
            .ok_or_else(|| malformed("at is not YYYY-MM-DDTHH:MM:SSZ"))?;
        let name = members.take_string("reason")?;
        let reason = Reason::from_name(&name).ok_or_else(|| malformed("its reason is unknown"))?;
        let proof_hash = members.take("proof_hash")?.into_hash(code)?;
        let salt = members.take("salt")?.into_hash(code)?;
        members.finish()?;
        Ok(Self { at, proof_hash, reason, salt })
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("at").string(&alloc::format!("{}", self.at));
        writer.key("kind").string("void");
        writer.key("proof_hash").hash(&self.proof_hash);
        writer.key("reason").string(self.reason.name());
        writer.key("salt").hash(&self.salt);
        writer.key("v").integer(1);
        writer.finish()
    }

    /// What the map has for the proof: SHA-256 of the JCS form.
    pub fn value(&self) -> Hash {
        Sha256::digest(self.to_json()).into()
    }
}

/// A proof hash, and the value of the document that voids it.
type Voided = (Hash, Hash);

/// All that is void, as a trie over the bits of proof hashes.
///
/// Its subtrees keep their hashes: one key more, or the proof of one, takes as many hashes as the
/// way to it is long, about log2 of the count. A map of 10^6 keys takes some 150 MB.
#[derive(Clone, Debug, Default)]
pub struct StatusMap {
    top: Subtree,
    /// In any order.
    keys: Vec<Voided>,
    branches: Vec<Branch>,
}

/// A subtree, as a place in its map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Subtree {
    /// Without keys.
    #[default]
    Empty,
    /// Of one key.
    Key(u32),
    /// Of more.
    Branch(u32),
}

/// A subtree of at least two keys.
#[derive(Clone, Copy, Debug)]
struct Branch {
    /// Those whose next bit is 0, and those whose is 1.
    sides: [Subtree; 2],
    /// None while a key below is new.
    hash: Option<Hash>,
}

impl StatusMap {
    /// Adds a proof hash and its document's value. False if it is void already: then its first
    /// value stays.
    pub fn insert(&mut self, proof_hash: Hash, value: Hash) -> bool {
        let is_new = self.place(proof_hash, value);
        self.rehash(self.top);
        is_new
    }

    /// How many proofs are void.
    pub fn count(&self) -> u64 {
        self.keys.len() as u64
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.hash(self.top)
    }

    /// Proves that `proof_hash` is void, or that it is not.
    pub fn prove(&self, proof_hash: &Hash) -> StatusProof {
        let (mut at, mut path) = (self.top, Vec::new());
        while let Subtree::Branch(branch) = at {
            let [zeros, ones] = self.branches[branch as usize].sides;
            let (own, other) =
                if bit(proof_hash, path.len()) { (ones, zeros) } else { (zeros, ones) };
            path.push(self.hash(other));
            at = own;
        }
        let terminal = match at {
            Subtree::Key(key) => Some(self.keys[key as usize]),
            _ => None,
        };
        StatusProof { path, terminal }
    }

    /// Puts a key into its place, and takes the hashes above it away.
    fn place(&mut self, proof_hash: Hash, value: Hash) -> bool {
        let (mut at, mut depth) = (self.top, 0);
        let mut above = None;
        while let Subtree::Branch(branch) = at {
            let side = usize::from(bit(&proof_hash, depth));
            above = Some((branch as usize, side));
            at = self.branches[branch as usize].sides[side];
            depth += 1;
        }
        // What is void already keeps its place, and every hash.
        let other = match at {
            Subtree::Key(key) if self.keys[key as usize].0 == proof_hash => return false,
            Subtree::Key(key) => Some(key),
            _ => None,
        };
        let own = Subtree::Key(self.keys.len() as u32);
        self.keys.push((proof_hash, value));
        let subtree = match other {
            None => own,
            Some(other) => self.branch(own, other, depth),
        };
        match above {
            None => self.top = subtree,
            Some((branch, side)) => self.branches[branch].sides[side] = subtree,
        }
        let mut at = self.top;
        for depth in 0..depth {
            let Subtree::Branch(branch) = at else { break };
            let branch = &mut self.branches[branch as usize];
            branch.hash = None;
            at = branch.sides[usize::from(bit(&proof_hash, depth))];
        }
        true
    }

    /// The subtree at `depth` of the newest key, which is `own`, and another one that agrees with
    /// it so far.
    fn branch(&mut self, own: Subtree, other: u32, depth: usize) -> Subtree {
        let [proof_hash, other_hash] =
            [self.keys.len() - 1, other as usize].map(|i| self.keys[i].0);
        let mut agree = depth;
        while bit(&proof_hash, agree) == bit(&other_hash, agree) {
            agree += 1;
        }
        let mut below = own;
        for depth in (depth..=agree).rev() {
            let beside = if depth == agree { Subtree::Key(other) } else { Subtree::Empty };
            let sides = if bit(&proof_hash, depth) { [beside, below] } else { [below, beside] };
            below = Subtree::Branch(self.branches.len() as u32);
            self.branches.push(Branch { sides, hash: None });
        }
        below
    }

    /// Gives the branches that have no hash theirs. As deep as two keys agree: 256 at most.
    fn rehash(&mut self, at: Subtree) {
        let Subtree::Branch(branch) = at else { return };
        let Branch { sides, hash: None } = self.branches[branch as usize] else { return };
        for side in sides {
            self.rehash(side);
        }
        let [zeros, ones] = sides.map(|side| self.hash(side));
        self.branches[branch as usize].hash = Some(node(&zeros, &ones));
    }

    fn hash(&self, at: Subtree) -> Hash {
        match at {
            Subtree::Empty => EMPTY,
            Subtree::Key(key) => {
                let (key, value) = &self.keys[key as usize];
                leaf(key, value)
            }
            Subtree::Branch(branch) => {
                self.branches[branch as usize].hash.expect("whoever adds a key rehashes")
            }
        }
    }
}

/// As many `insert`s, each hash computed once.
impl Extend<Voided> for StatusMap {
    fn extend<I: IntoIterator<Item = Voided>>(&mut self, pairs: I) {
        // Neighbours share most of their way, which is then at hand. Of one key, the first one
        // stays the first.
        let mut pairs: Vec<Voided> = pairs.into_iter().collect();
        pairs.sort_by_key(|(proof_hash, _)| *proof_hash);
        for (proof_hash, value) in pairs {
            self.place(proof_hash, value);
        }
        self.rehash(self.top);
    }
}

/// Bit number `at` of a key, the most significant of its first byte being 0.
fn bit(key: &Hash, at: usize) -> bool {
    key[at / 8] >> (7 - at % 8) & 1 == 1
}

/// SHA-256(0x00 ‖ key ‖ value): a subtree with one key, wherever it stands.
fn leaf(key: &Hash, value: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00 /* leaf */]);
    hasher.update(key);
    hasher.update(value);
    hasher.finalize().into()
}

/// What a map says of one proof: `{"path":["0x…",…],"terminal":{"key":"0x…","value":"0x…"}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusProof {
    /// The other side at each bit of the proof hash, from the root down.
    path: Vec<Hash>,
    /// What stands where the path ends: a key and its value, or nothing.
    terminal: Option<Voided>,
}

/// Whether a proof is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not in the map.
    Good,
    /// It is in the map, with this value.
    Void(Hash),
}

impl StatusProof {
    /// Reads a document in any spelling.
    ///
    /// Error: PR410.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::take(Document::read(json, Code::StatusProof)?)
    }

    /// The same of a document that is part of another.
    pub(crate) fn take(document: Document) -> Result<Self> {
        let code = Code::StatusProof;
        let malformed = |detail| Error::new(code).because(detail);
        let mut members = document.into_members(code)?;
        let path = members.take_hashes("path")?;
        let terminal = match members.take_optional("terminal") {
            None => None,
            Some(terminal) => {
                let mut members = terminal.into_members(code)?;
                let key = members.take("key")?.into_hash(code)?;
                let value = members.take("value")?.into_hash(code)?;
                members.finish()?;
                Some((key, value))
            }
        };
        members.finish()?;
        if path.len() > KEY_BITS {
            return Err(malformed("the path is longer than a key has bits"));
        }
        if path.last() == Some(&EMPTY) {
            return Err(malformed("the path ends below a subtree of one key at most"));
        }
        Ok(Self { path, terminal })
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("path").hashes(&self.path);
        if let Some((key, value)) = &self.terminal {
            let mut terminal = Writer::object();
            terminal.key("key").hash(key);
            terminal.key("value").hash(value);
            writer.key("terminal").raw(&terminal.finish());
        }
        writer.finish()
    }

    /// The other side at each bit of the proof hash, from the root down.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// What the map with this root says of `proof_hash`; none if this does not show it.
    pub fn standing(&self, proof_hash: &Hash, map_root: &Hash) -> Option<Standing> {
        let (root, standing) = self.reach(proof_hash)?;
        (root == *map_root).then_some(standing)
    }

    /// The root of the map of which this speaks, and what that says of `proof_hash`; none if it is
    /// of another place in the map.
    pub fn reach(&self, proof_hash: &Hash) -> Option<(Hash, Standing)> {
        let (reached, standing) = match &self.terminal {
            None => (EMPTY, Standing::Good),
            Some((key, value)) if key == proof_hash => (leaf(key, value), Standing::Void(*value)),
            // Another key speaks for this one where both would stand in its place.
            Some((key, value)) => {
                let agrees = (0..self.path.len()).all(|at| bit(key, at) == bit(proof_hash, at));
                (agrees.then(|| leaf(key, value))?, Standing::Good)
            }
        };
        let root = self.path.iter().enumerate().rev().fold(reached, |below, (at, other)| {
            if bit(proof_hash, at) { node(other, &below) } else { node(&below, other) }
        });
        Some((root, standing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> Hash {
        let mut key = [0; 32];
        key[0] = first;
        key
    }

    fn map(keys: &[Hash]) -> StatusMap {
        let mut map = StatusMap::default();
        for key in keys {
            assert!(map.insert(*key, [9; 32]));
        }
        map
    }

    #[test]
    fn the_root_is_that_of_the_specification() {
        assert_eq!(map(&[]).root(), EMPTY);
        let (a, b, c) = (key(0x00), key(0x40), key(0x80));
        let value = [9; 32];
        assert_eq!(map(&[a]).root(), leaf(&a, &value));
        assert_eq!(map(&[c, a]).root(), node(&leaf(&a, &value), &leaf(&c, &value)));
        let left = node(&leaf(&a, &value), &leaf(&b, &value));
        assert_eq!(map(&[a, b]).root(), node(&left, &EMPTY));
        assert_eq!(map(&[c, b, a]).root(), node(&left, &leaf(&c, &value)));
    }

    #[test]
    fn keys_that_agree_in_all_bits_but_the_last_are_told_apart() {
        let (a, mut b) = (key(7), key(7));
        b[31] = 1;
        let map = map(&[a, b]);
        for key in [a, b] {
            let proof = map.prove(&key);
            assert_eq!(proof.path.len(), KEY_BITS);
            assert_eq!(StatusProof::parse(proof.to_json().as_bytes()), Ok(proof.clone()));
            assert_eq!(proof.standing(&key, &map.root()), Some(Standing::Void([9; 32])));
        }
    }

    #[test]
    fn many_at_once_are_as_many_one_by_one() {
        // Every other key stands twice, and two agree in all bits but the last.
        let mut last = key(7);
        last[31] = 1;
        let keys = (0..200_u8).flat_map(|i| [key(i.wrapping_mul(37)), key(i & 0xFE)]);
        let pairs: Vec<Voided> =
            keys.chain([last]).enumerate().map(|(i, key)| (key, [i as u8; 32])).collect();
        let mut one_by_one = StatusMap::default();
        for (key, value) in &pairs {
            one_by_one.insert(*key, *value);
        }
        for cut in [0, 1, 100, pairs.len()] {
            let mut map = StatusMap::default();
            map.extend(pairs[..cut].iter().copied());
            map.extend(pairs[cut..].iter().copied());
            assert_eq!((map.count(), map.root()), (one_by_one.count(), one_by_one.root()));
            assert_eq!(map.prove(&last), one_by_one.prove(&last));
        }
    }

    #[test]
    fn what_was_voided_first_stays() {
        let mut map = map(&[key(1)]);
        let root = map.root();
        assert!(!map.insert(key(1), [8; 32]));
        assert_eq!((map.count(), map.root()), (1, root));
    }

    #[test]
    fn a_proof_speaks_of_its_own_place() {
        let map = map(&[key(0x00), key(0x40)]);
        let root = map.root();
        // The left half has two keys, the right one none.
        let right = map.prove(&key(0x80));
        assert_eq!((right.path.len(), right.terminal), (1, None));
        assert_eq!(right.standing(&key(0xFF), &root), Some(Standing::Good));
        assert_eq!(right.standing(&key(0x00), &root), None);
        let left = map.prove(&key(0x01));
        assert_eq!(left.standing(&key(0x01), &root), Some(Standing::Good));
        assert_eq!(left.standing(&key(0x00), &root), Some(Standing::Void([9; 32])));
        assert_eq!(left.standing(&key(0x41), &root), None);
        assert_eq!(left.standing(&key(0x81), &root), None);
    }

    #[test]
    fn documents_are_refused_by_their_own_codes() {
        let document = VoidDocument {
            at: UtcSecond::from_posix(0).unwrap(),
            proof_hash: [1; 32],
            reason: Reason::OptOut,
            salt: [2; 32],
        };
        let json = document.to_json();
        assert_eq!(
            VoidDocument::parse(json.replace(':', " : ").replace(" : 0", ":0").as_bytes()),
            Ok(document)
        );
        for (from, to) in [
            ("void", "voided"),
            ("opt_out", "opt-out"),
            ("opt_out", ""),
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1", "\"w\":1"),
            ("\"v\":1", "\"v\":1,\"w\":1"),
            ("0x01", "0x1"),
            ("\"salt\"", "\"pepper\""),
            ("00Z", "00"),
        ] {
            let wrong = json.replace(from, to);
            let error = VoidDocument::parse(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::VoidDocument, "{wrong}");
        }
        let zeros = crate::hex::format_hash(&EMPTY);
        let long = alloc::format!(
            "[{}\"0x{}\"]",
            alloc::format!("\"{zeros}\",").repeat(256),
            "1".repeat(64)
        );
        for wrong in [
            "",
            "[]",
            "{}",
            "{\"path\":[],\"other\":1}",
            "{\"path\":[],\"terminal\":null}",
            "{\"path\":[],\"terminal\":{}}",
            "{\"path\":[\"0x\"]}",
            &alloc::format!("{{\"path\":[\"{zeros}\"]}}"),
            &alloc::format!("{{\"path\":{long}}}"),
            &alloc::format!("{{\"path\":[],\"terminal\":{{\"key\":\"{zeros}\"}}}}"),
        ] {
            let error = StatusProof::parse(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::StatusProof, "{wrong}");
        }
    }
}
