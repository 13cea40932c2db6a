//! The tree over the lines of a statement, each of whose nodes says what those below it sum to
//! (SPEC.md section 10.3).

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::merkle::Hash;

/// Sums are below 2^120.
const SUM_BITS: u32 = 120;

/// A node: its hash, and what the lines below it sum to, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sibling {
    /// The hash.
    pub hash: Hash,
    /// The sum.
    pub sum: u128,
}

/// SHA-256(0x10 ‖ SHA-256(salt ‖ line) ‖ amount)
pub(super) fn leaf(salt: &Hash, line: &[u8], amount: u128) -> Sibling {
    let mut hidden = Sha256::new();
    hidden.update(salt);
    hidden.update(line);
    let mut hasher = Sha256::new();
    hasher.update([0x10 /* leaf */]);
    hasher.update(hidden.finalize());
    hasher.update(amount.to_be_bytes());
    Sibling { hash: hasher.finalize().into(), sum: amount }
}

/// SHA-256(0x11 ‖ sum of left ‖ left ‖ sum of right ‖ right); none if the sum is too large.
fn node(left: &Sibling, right: &Sibling) -> Option<Sibling> {
    // Both are below 2^120.
    let sum = left.sum + right.sum;
    let mut hasher = Sha256::new();
    hasher.update([0x11 /* node */]);
    for below in [left, right] {
        hasher.update(below.sum.to_be_bytes());
        hasher.update(below.hash);
    }
    (sum >> SUM_BITS == 0).then(|| Sibling { hash: hasher.finalize().into(), sum })
}

/// All nodes, level by level from the leaves up: the last has the root alone.
#[derive(Clone, Debug)]
pub(super) struct SumTree {
    levels: Vec<Vec<Sibling>>,
}

impl SumTree {
    /// Over these leaves; none if there are none, or they sum to too much.
    pub(super) fn new(leaves: Vec<Sibling>) -> Option<Self> {
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            // A last node without a sibling goes up as it is. So comes the shape of RFC 9162,
            // where the left subtree is the largest complete one.
            let above = level.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                rest => rest.first().copied(),
            });
            let above = above.collect::<Option<Vec<Sibling>>>()?;
            levels.push(core::mem::replace(&mut level, above));
        }
        if level.is_empty() {
            return None;
        }
        levels.push(level);
        Some(Self { levels })
    }

    /// The node of all lines.
    pub(super) fn root(&self) -> Option<Sibling> {
        self.levels.last()?.first().copied()
    }

    /// The siblings from a leaf up.
    pub(super) fn path(&self, index: usize) -> Vec<Sibling> {
        let sibling =
            |(height, level): (usize, &Vec<Sibling>)| level.get((index >> height) ^ 1).copied();
        self.levels.iter().enumerate().filter_map(sibling).collect()
    }
}

/// Where `path` leads from the leaf `index` of `count`, by RFC 9162 section 2.1.3.2 with its names;
/// none if the leaf's path has another length, or a sum on it is too large.
pub(super) fn climb(leaf: Sibling, index: u64, count: u64, path: &[Sibling]) -> Option<Sibling> {
    if index >= count {
        return None;
    }
    let (mut f_n, mut s_n) = (index, count - 1);
    let mut r = leaf;
    for p in path {
        if s_n == 0 {
            return None;
        }
        if f_n & 1 == 1 || f_n == s_n {
            r = node(p, &r)?;
            while f_n & 1 == 0 && f_n != 0 {
                f_n >>= 1;
                s_n >>= 1;
            }
        } else {
            r = node(&r, p)?;
        }
        f_n >>= 1;
        s_n >>= 1;
    }
    (s_n == 0).then_some(r)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9162 section 2.1.1, as it is written there.
    fn naive(leaves: &[Sibling]) -> Option<Sibling> {
        match leaves {
            [] => None,
            [leaf] => Some(*leaf),
            _ => {
                let mut k = 1;
                while 2 * k < leaves.len() {
                    k *= 2;
                }
                node(&naive(&leaves[..k])?, &naive(&leaves[k..])?)
            }
        }
    }

    fn leaves(count: u8) -> Vec<Sibling> {
        let amount = |i: u8| u128::from(i) * u128::from(i) % 11;
        (0..count).map(|i| leaf(&[i; 32], &[i], amount(i))).collect()
    }

    #[test]
    fn the_tree_is_that_of_the_rfc_and_every_path_leads_up() {
        for count in 1..=70 {
            let leaves = leaves(count);
            let Some(tree) = SumTree::new(leaves.clone()) else { panic!("{count} leaves") };
            let root = naive(&leaves);
            assert_eq!(tree.root(), root, "{count}");
            let sum = leaves.iter().map(|leaf| leaf.sum).sum();
            assert_eq!(root.map(|root| root.sum), Some(sum));
            for (i, &leaf) in leaves.iter().enumerate() {
                let path = tree.path(i);
                let reached = |index, path: &[Sibling]| climb(leaf, index, count.into(), path);
                assert_eq!(reached(i as u64, &path), root, "{i} of {count}");
                for other in (0..=u64::from(count)).filter(|&other| other != i as u64) {
                    assert_ne!(reached(other, &path), root, "{i} as {other} of {count}");
                }
                let longer: Vec<Sibling> = path.iter().copied().chain([leaf]).collect();
                assert_eq!(reached(i as u64, &longer), None);
                if let Some((_, shorter)) = path.split_last() {
                    assert_eq!(reached(i as u64, shorter), None);
                }
                for place in 0..path.len() {
                    let mut changed = path.clone();
                    changed[place].sum += 1;
                    assert_ne!(reached(i as u64, &changed), root);
                    changed[place].sum -= 1;
                    changed[place].hash[31] ^= 1;
                    assert_ne!(reached(i as u64, &changed), root);
                }
            }
        }
    }

    #[test]
    fn sums_end_below_two_to_the_120() {
        assert!(SumTree::new(Vec::new()).is_none());
        let most = (1 << SUM_BITS) - 1;
        let pair = |left, right| [leaf(&[0; 32], b"", left), leaf(&[1; 32], b"", right)];
        let fits = pair(most - 1, 1);
        let root = SumTree::new(fits.to_vec()).and_then(|tree| tree.root());
        assert_eq!(root.map(|root| root.sum), Some(most));
        let beyond = pair(most, 1);
        assert!(SumTree::new(beyond.to_vec()).is_none());
        assert_eq!(climb(beyond[0], 0, 2, &beyond[1..]), None);
    }
}
