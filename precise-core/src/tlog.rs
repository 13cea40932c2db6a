//! The tree of a log: what its leaves are, that one is in it, that it only grew (SPEC.md section
//! 4.4), and the proof that goes into a receipt (4.5).
//!
//! The tree is the one of [`merkle`](crate::merkle), over entries in the order of the log.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};
use crate::merkle::{Hash, node, path_root};
use crate::note::{parse_decimal, parse_hash_line};

/// SHA-256(0x00 ‖ entry)
pub fn leaf(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00 /* leaf */]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The root of no entries: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The path from leaf `index` to the root of the first `size` entries: RFC 9162 section 2.1.3.1.
/// `index` is below `size`.
///
/// `read` gives the root of the complete subtree of 2^height leaves that is the number-th of its
/// height, and its errors come through.
pub fn prove_inclusion<E>(
    index: u64,
    size: u64,
    mut read: impl FnMut(u32, u64) -> core::result::Result<Hash, E>,
) -> core::result::Result<Vec<Hash>, E> {
    assert!(index < size, "the caller asks for an entry that is there");
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range_root(middle, end, &mut read)?);
            end = middle;
        } else {
            path.push(range_root(begin, middle, &mut read)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `size` entries has that of its first `old_size` in it: RFC 9162
/// section 2.1.4.1. Of none, and of all, nothing is to be proved. `read` is as for
/// [`prove_inclusion`].
pub fn prove_consistency<E>(
    old_size: u64,
    size: u64,
    mut read: impl FnMut(u32, u64) -> core::result::Result<Hash, E>,
) -> core::result::Result<Vec<Hash>, E> {
    assert!(old_size <= size, "the caller asks for a tree that is no larger");
    let mut path = Vec::new();
    if old_size == 0 {
        return Ok(path);
    }
    let (mut begin, mut end) = (0, size);
    while end != old_size {
        let middle = begin + split(end - begin);
        if old_size <= middle {
            path.push(range_root(middle, end, &mut read)?);
            end = middle;
        } else {
            path.push(range_root(begin, middle, &mut read)?);
            begin = middle;
        }
    }
    // The old tree itself is known to who verifies.
    if begin > 0 {
        path.push(range_root(begin, end, &mut read)?);
    }
    path.reverse();
    Ok(path)
}

/// The root of the first `size` entries, from the roots of complete subtrees.
pub fn root<E>(
    size: u64,
    mut read: impl FnMut(u32, u64) -> core::result::Result<Hash, E>,
) -> core::result::Result<Hash, E> {
    if size == 0 { Ok(empty_root()) } else { range_root(0, size, &mut read) }
}

/// The largest power of two below `count`, which is above 1.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The root of the leaves from `begin` to `end`, of which there is at least one. Where a tree is
/// split again and again, `begin` is a multiple of every power of two up to their number.
fn range_root<E>(
    begin: u64,
    end: u64,
    read: &mut impl FnMut(u32, u64) -> core::result::Result<Hash, E>,
) -> core::result::Result<Hash, E> {
    let count = end - begin;
    if count.is_power_of_two() {
        let height = count.trailing_zeros();
        return read(height, begin >> height);
    }
    let middle = begin + split(count);
    let left = range_root(begin, middle, read)?;
    Ok(node(&left, &range_root(middle, end, read)?))
}

/// Whether a tree of `size` entries with root `root` has the tree of its first `old_size` entries,
/// with root `old_root`, in it: RFC 9162 section 2.1.4.2, with its names.
pub fn is_consistent(
    old_size: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    path: &[Hash],
) -> bool {
    if old_size == 0 {
        return path.is_empty() && *old_root == empty_root() && (size > 0 || root == old_root);
    }
    if old_size >= size {
        return old_size == size && path.is_empty() && old_root == root;
    }
    // A complete old tree is a node of the new one, and its root is left out of the path.
    let (first, path) = if old_size.is_power_of_two() {
        (old_root, path)
    } else {
        let Some((first, path)) = path.split_first() else { return false };
        (first, path)
    };
    let shared = (old_size - 1).trailing_ones();
    let (mut f_n, mut s_n) = ((old_size - 1) >> shared, (size - 1) >> shared);
    let (mut f_r, mut s_r) = (*first, *first);
    for c in path {
        if s_n == 0 {
            return false;
        }
        if f_n & 1 == 1 || f_n == s_n {
            f_r = node(c, &f_r);
            s_r = node(c, &s_r);
            while f_n & 1 == 0 && f_n != 0 {
                f_n >>= 1;
                s_n >>= 1;
            }
        } else {
            s_r = node(&s_r, c);
        }
        f_n >>= 1;
        s_n >>= 1;
    }
    s_n == 0 && f_r == *old_root && s_r == *root
}

/// The first line of a [`LogProof`].
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// Hashes of one path: as many as a tree of 2^63 entries is high.
const MAX_PATH: usize = 63;

/// That an entry is in the log of a checkpoint: the text `c2sp.org/tlog-proof@v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// What an application put beside it, not empty. Nothing vouches for it, and Precise writes
    /// none.
    pub extra: Option<Vec<u8>>,
    /// The number of the entry, from 0.
    pub index: u64,
    /// From the entry to the checkpoint's root, the entry's sibling first.
    pub path: Vec<Hash>,
    /// The checkpoint with its signatures, not read.
    pub checkpoint: String,
}

impl LogProof {
    /// Reads a proof.
    ///
    /// Error: PR408 for any spelling [`to_text`](Self::to_text) does not give.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |detail| Error::new(Code::LogProof).because(detail);
        let rest =
            text.strip_prefix(HEADER).ok_or_else(|| malformed("its first line is another"))?;
        let (head, checkpoint) =
            rest.split_once("\n\n").ok_or_else(|| malformed("it has no empty line"))?;
        if checkpoint.is_empty() {
            return Err(malformed("it has no checkpoint"));
        }
        let mut lines = head.split('\n').peekable();
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            None => None,
            Some(encoded) => {
                lines.next();
                let extra = BASE64.decode(encoded).ok().filter(|extra| !extra.is_empty());
                Some(extra.ok_or_else(|| malformed("what is extra is not base64"))?)
            }
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or_else(|| malformed("it has no index"))?;
        let path: Vec<Hash> = lines
            .map(parse_hash_line)
            .take(MAX_PATH + 1)
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("a line of the path is not base64 of 32 bytes"))?;
        if path.len() > MAX_PATH {
            return Err(malformed("its path is longer than any tree is high"));
        }
        Ok(Self { extra, index, path, checkpoint: checkpoint.into() })
    }

    /// The text.
    pub fn to_text(&self) -> String {
        let mut text = String::from(HEADER);
        if let Some(extra) = &self.extra {
            text.push_str(&alloc::format!("extra {}\n", BASE64.encode(extra)));
        }
        text.push_str(&alloc::format!("index {}\n", self.index));
        for hash in &self.path {
            text.push_str(&BASE64.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Where it leads from `entry` in a tree of `size` entries; none if no path of that entry has
    /// this length.
    pub fn path_root(&self, entry: &[u8], size: u64) -> Option<Hash> {
        path_root(&leaf(entry), self.index, size, &self.path)
    }

    /// Whether it leads from `entry` to `root`, that of `size` entries.
    pub fn leads_to(&self, entry: &[u8], size: u64, root: &Hash) -> bool {
        self.path_root(entry, size).as_ref() == Some(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_has_one_spelling() {
        let line = BASE64.encode([1; 32]);
        let text =
            alloc::format!("{HEADER}extra AA==\nindex 5\n{line}\n{line}\n\nanything\n\nat all");
        let proof = LogProof::parse(&text).unwrap();
        assert_eq!(proof.to_text(), text);
        assert_eq!((proof.index, proof.path.len()), (5, 2));
        assert_eq!(proof.checkpoint, "anything\n\nat all");
        let bare = alloc::format!("{HEADER}index 0\n\na\n");
        assert_eq!(LogProof::parse(&bare).unwrap().to_text(), bare);
        let many = |count| {
            text.replace(
                &alloc::format!("{line}\n{line}\n"),
                &alloc::format!("{line}\n").repeat(count),
            )
        };
        assert!(LogProof::parse(&many(MAX_PATH)).is_ok());
        for wrong in [
            String::new(),
            HEADER.into(),
            many(MAX_PATH + 1),
            text.replace("@v1", "@v2"),
            text.replace("AA==", ""),
            text.replace("AA==", "AA"),
            text.replace("AA==", "AB=="),
            text.replace("extra AA==\n", "extra AA==\nextra AA==\n"),
            text.replace("extra AA==\nindex 5", "index 5\nextra AA=="),
            text.replace("index 5\n", ""),
            text.replace("index 5", "index 05"),
            text.replace("index 5", "index -5"),
            text.replace("index 5", "index +5"),
            text.replace("index 5", "index  5"),
            text.replace("index 5", "index 9223372036854775808"),
            text.replace(&line, &line[4..]),
            text.replace(&line, line.trim_end_matches('=')),
            text.replace("\n\nanything", "\nanything"),
            alloc::format!("{HEADER}index 0\n\n"),
            alloc::format!("{HEADER}index 0\n"),
            alloc::format!("{HEADER}\nindex 0\n\na\n"),
        ] {
            assert_eq!(LogProof::parse(&wrong).unwrap_err().code(), Code::LogProof, "{wrong:?}");
        }
    }

    #[test]
    fn nothing_is_consistent_with_everything_but_under_its_own_root() {
        let root = [1; 32];
        assert!(is_consistent(0, &empty_root(), 0, &empty_root(), &[]));
        assert!(is_consistent(0, &empty_root(), 5, &root, &[]));
        assert!(!is_consistent(0, &root, 5, &root, &[]));
        assert!(!is_consistent(0, &empty_root(), 0, &root, &[]));
        assert!(!is_consistent(0, &empty_root(), 5, &root, &[root]));
        assert!(is_consistent(5, &root, 5, &root, &[]));
        assert!(!is_consistent(5, &root, 5, &root, &[root]));
        assert!(!is_consistent(5, &root, 5, &empty_root(), &[]));
        assert!(!is_consistent(6, &root, 5, &root, &[]));
        assert!(!is_consistent(3, &root, 5, &root, &[]));
        assert!(!is_consistent(4, &root, u64::MAX, &root, &[]));
    }
}
