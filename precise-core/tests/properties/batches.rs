//! Batches: roots against another implementation, inclusion, absence, blocks and parts.

use std::collections::{BTreeMap, BTreeSet};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use precise_core::catalog::Function;
use precise_core::merkle::{
    Absence, Batch, Collector, Inclusion, Membership, PartBits, Prover, RootBuilder, combine,
    leads_to, leaf, node, part_index,
};
use precise_core::value::{Accumulator, StoredState, Value};
use precise_core::{Code, Hash, hex};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// Distinct hashes in ascending order, spread over the whole range.
pub(crate) fn spread(count: usize) -> Vec<Hash> {
    let mut hashes: Vec<Hash> =
        (0..count).map(|i| *blake3::hash(&i.to_be_bytes()).as_bytes()).collect();
    hashes.sort_unstable();
    hashes
}

/// The root as crate ct-merkle has it.
fn outside_root(sorted: &[Hash]) -> Hash {
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for hash in sorted {
        tree.push(hash.to_vec());
    }
    tree.root().as_bytes()[..].try_into().unwrap()
}

/// Hashes of which many are equal or share their beginning.
fn hashes(counts: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Hash>> {
    let hash = prop_oneof![
        any::<Hash>(),
        any::<u8>().prop_map(|byte| [byte; 32]),
        (0..3_u8, any::<u8>()).prop_map(|(first, last)| {
            let mut hash = [first; 32];
            hash[31] = last;
            hash
        }),
    ];
    vec(hash, counts)
}

/// Whether the sibling stands on the left, from the leaf up: RFC 9162 section 2.1.3.1, from its
/// recursive definition.
fn sides(index: u64, count: u64) -> Vec<bool> {
    if count == 1 {
        return Vec::new();
    }
    let split = 1 << (count - 1).ilog2();
    let sibling_left = index >= split;
    let mut sides =
        if sibling_left { sides(index - split, count - split) } else { sides(index, split) };
    sides.push(sibling_left);
    sides
}

fn inclusion_json(count: u64, index: u64, path: &[Hash]) -> String {
    format!("{{\"count\":{count},\"index\":{index},\"path\":{}}}", hashes_json(path))
}

fn hashes_json(hashes: &[Hash]) -> String {
    let hashes: Vec<_> = hashes.iter().map(|h| format!("\"{}\"", hex::format_hash(h))).collect();
    format!("[{}]", hashes.join(","))
}

/// The path of a document, read by another parser.
fn path_of(json: &str) -> Vec<Hash> {
    let document: serde_json::Value = serde_json::from_str(json).unwrap();
    let hashes = document["path"].as_array().unwrap().iter();
    hashes.map(|hash| hex::parse_hash(hash.as_str().unwrap()).unwrap()).collect()
}

fn included(batch: &Batch, target: &Hash) -> Inclusion {
    match batch.prove(target) {
        Membership::Included(inclusion) => inclusion,
        Membership::Absent(_) => panic!("a member is included"),
    }
}

fn absent(batch: &Batch, target: &Hash) -> Absence {
    match batch.prove(target) {
        Membership::Absent(absence) => absence,
        Membership::Included(_) => panic!("what is no member is absent"),
    }
}

/// The root over what a collector holds and what was stored.
fn root_of(collector: &mut Collector, stored: &[&[u8]]) -> precise_core::Result<Option<Hash>> {
    let mut builder = RootBuilder::default();
    let mut stored = stored.to_vec();
    collector.merge_stored(&mut states(&mut stored), |hash| builder.push(hash))?;
    Ok(builder.finish())
}

fn states<'s>(stored: &'s mut [&[u8]]) -> Vec<&'s mut dyn StoredState> {
    stored.iter_mut().map(|state| state as &mut dyn StoredState).collect()
}

fn accumulator(name: &str) -> Box<dyn Accumulator> {
    Function::find(name).unwrap().accumulator().unwrap()
}

proptest! {
    #[test]
    fn leaf_and_node_are_sha256_of_their_definition(left in any::<Hash>(), right in any::<Hash>()) {
        let leaf_hash: Hash = Sha256::new().chain_update([0]).chain_update(left).finalize().into();
        prop_assert_eq!(leaf(&left), leaf_hash);
        let hasher = Sha256::new().chain_update([1]).chain_update(left).chain_update(right);
        let node_hash: Hash = hasher.finalize().into();
        prop_assert_eq!(node(&left, &right), node_hash);
    }

    #[test]
    fn a_root_depends_on_the_set_alone(hashes in hashes(1..120), seed in any::<u64>()) {
        let set: BTreeSet<Hash> = hashes.iter().copied().collect();
        let sorted: Vec<Hash> = set.into_iter().collect();
        let batch = Batch::new(hashes.clone()).unwrap();
        prop_assert_eq!(batch.hashes(), &sorted[..]);
        prop_assert_eq!(batch.root(), outside_root(&sorted));
        let mut turned = [&hashes[..], &sorted].concat();
        turned.reverse();
        let middle = seed as usize % turned.len();
        turned.rotate_left(middle);
        prop_assert_eq!(Batch::new(turned).unwrap(), batch);
    }

    #[test]
    fn collectors_may_share_and_merge_in_any_order(
        hashes in vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..200),
        order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let mut collectors = vec![Collector::default(); 5];
        let mut all = Vec::new();
        for (byte, place, again) in hashes {
            let hash = *blake3::hash(&[byte]).as_bytes();
            collectors[usize::from(place % 5)].push(hash);
            collectors[usize::from(again % 5)].push(hash);
            all.push(hash);
        }
        let mut merged = Collector::default();
        for i in order {
            merged.merge(&collectors[i].state()).unwrap();
        }
        let batch = Batch::new(all).unwrap();
        prop_assert_eq!(root_of(&mut merged, &[]), Ok(Some(batch.root())));
        prop_assert_eq!(merged.state(), batch.hashes().as_flattened());
        prop_assert_eq!(root_of(&mut merged, &[]), Ok(None), "the state was handed out");
    }

    #[test]
    fn what_was_stored_counts_as_what_is_here(
        hashes in hashes(1..80),
        target in any::<Hash>(),
        takes_target in any::<bool>(),
        places in vec(0..5_usize, 80),
    ) {
        let target = if takes_target { hashes[0] } else { target };
        for (name, takes) in [("precise_merkle_root", 1), ("precise_inclusion", 2)] {
            let update = |accumulator: &mut dyn Accumulator, hash: &Hash| {
                accumulator.update(&[Value::from(*hash), target.into()][..takes]).unwrap();
            };
            let mut whole = accumulator(name);
            // The last of them is not stored.
            let mut pieces: Vec<_> = (0..5).map(|_| accumulator(name)).collect();
            for (hash, place) in hashes.iter().zip(&places) {
                update(&mut *whole, hash);
                update(&mut *pieces[*place], hash);
            }
            let mut here = pieces.pop().unwrap();
            let stored: Vec<Vec<u8>> = pieces.iter_mut().map(|piece| piece.state()).collect();
            let stored: Vec<&[u8]> = stored.iter().map(Vec::as_slice).collect();
            let expected = whole.finish().unwrap();
            // Asked again, as in a window, it says the same.
            for _ in 0..2 {
                let finished = here.finish_over(&mut states(&mut stored.clone())).unwrap();
                prop_assert_eq!(&finished, &expected);
            }
            let mut joined: Vec<u8> = Vec::new();
            here.join(&mut states(&mut stored.clone()), &mut |piece| joined.extend(piece)).unwrap();
            prop_assert_eq!(joined, whole.state());
        }
    }

    #[test]
    fn a_state_is_whole_hashes_in_any_order(state in vec(any::<u8>(), 0..200)) {
        let mut collector = Collector::default();
        match collector.merge(&state) {
            Ok(()) => {
                prop_assert_eq!(state.len() % 32, 0);
                let set: BTreeSet<&[u8]> = state.chunks(32).collect();
                prop_assert_eq!(collector.state(), set.into_iter().collect::<Vec<_>>().concat());
            }
            Err(error) => {
                prop_assert_ne!(state.len() % 32, 0);
                prop_assert_eq!(error.code(), Code::Hash);
            }
        }
    }

    #[test]
    fn blocks_combine_to_the_root_of_the_whole(n in 1_usize..400, k in 0_u32..10) {
        let leaves = spread(n);
        let roots: Vec<Hash> = leaves
            .chunks(1 << k)
            .map(|block| Batch::new(block.to_vec()).unwrap().root())
            .collect();
        prop_assert_eq!(combine(&roots, k).unwrap(), outside_root(&leaves));
    }

    #[test]
    fn parts_are_the_fewest_that_keep_to_the_limit(
        hashes in btree_set(any::<Hash>(), 1..300),
        limit in 1_usize..40,
    ) {
        assert_cut(&hashes, limit)?;
    }

    #[test]
    fn parts_of_hashes_that_share_their_beginning(
        shared in btree_set((0..40_u32, any::<Hash>()), 1..120),
        base in any::<Hash>(),
        limit in 1_usize..40,
    ) {
        let hashes = shared.into_iter().map(|(bits, hash)| with_prefix(&base, bits, hash));
        assert_cut(&hashes.collect(), limit)?;
    }

    #[test]
    fn a_part_is_named_by_its_leading_bits(hash in any::<Hash>(), bits in 0_u32..=32) {
        let expected = (0..bits).fold(0, |index, i| index << 1 | u64::from(bit(&hash, i)));
        prop_assert_eq!(part_index(&hash, bits), expected);
    }

    #[test]
    fn any_path_is_judged_as_its_sides_say(
        leaf_hash in any::<Hash>(),
        count in prop_oneof![1_u64..70, 1_u64..1 << 53, Just((1_u64 << 53) - 1), Just(u64::MAX)],
        place in any::<u64>(),
        siblings in any::<[Hash; 8]>(),
    ) {
        let index = place % count;
        let sides = sides(index, count);
        let path: Vec<Hash> = siblings.iter().copied().cycle().take(sides.len()).collect();
        let root = sides.iter().zip(&path).fold(leaf_hash, |hash, (sibling_left, sibling)| {
            if *sibling_left { node(sibling, &hash) } else { node(&hash, sibling) }
        });
        prop_assert!(leads_to(&leaf_hash, index, count, &path, &root));
        prop_assert!(!leads_to(&leaf_hash, count, count, &path, &root));
        prop_assert!(!leads_to(&leaf_hash, index, 0, &path, &root));
        let longer = [&path[..], &siblings[..1]].concat();
        prop_assert!(!leads_to(&leaf_hash, index, count, &longer, &root));
        if let Some(shorter) = path.len().checked_sub(1) {
            prop_assert!(!leads_to(&leaf_hash, index, count, &path[..shorter], &root));
        }
        // A document is read exactly if its path is as long as the definition says.
        if count < 1 << 53 {
            prop_assert!(Inclusion::parse(inclusion_json(count, index, &path).as_bytes()).is_ok());
            let refused = Inclusion::parse(inclusion_json(count, index, &longer).as_bytes());
            prop_assert_eq!(refused.unwrap_err().code(), Code::Inclusion);
        }
    }
}

fn bit(hash: &Hash, i: u32) -> bool {
    hash[i as usize / 8] >> (7 - i % 8) & 1 == 1
}

/// `hash` with the first `bits` bits of `base`.
fn with_prefix(base: &Hash, bits: u32, mut hash: Hash) -> Hash {
    for i in 0..bits {
        let mask = 1 << (7 - i % 8);
        let byte = &mut hash[i as usize / 8];
        *byte = *byte & !mask | base[i as usize / 8] & mask;
    }
    hash
}

/// Cells of `bits` leading bits, each with its hashes.
fn cells(hashes: &BTreeSet<Hash>, bits: u32) -> BTreeMap<Vec<bool>, Vec<Hash>> {
    let mut cells: BTreeMap<_, Vec<Hash>> = BTreeMap::new();
    for hash in hashes {
        cells.entry((0..bits).map(|i| bit(hash, i)).collect()).or_default().push(*hash);
    }
    cells
}

fn assert_cut(hashes: &BTreeSet<Hash>, limit: usize) -> Result<(), TestCaseError> {
    let fits = |bits| cells(hashes, bits).values().all(|cell| cell.len() <= limit);
    let batch = Batch::new(hashes.iter().copied().collect()).unwrap();
    let mut one_by_one = PartBits::new(limit);
    for hash in batch.hashes() {
        one_by_one.push(hash);
    }
    prop_assert_eq!(one_by_one.finish(), batch.part_bits(limit));
    match batch.part_bits(limit) {
        Ok(bits) => {
            prop_assert!(fits(bits));
            prop_assert!(bits == 0 || !fits(bits - 1), "{} bits would do", bits - 1);
            let mut parts: BTreeMap<u64, Vec<Hash>> = BTreeMap::new();
            for hash in batch.hashes() {
                parts.entry(part_index(hash, bits)).or_default().push(*hash);
            }
            // In order of their numbers the parts are the set again, and each is one cell.
            prop_assert_eq!(
                parts.values().flatten().copied().collect::<BTreeSet<_>>(),
                hashes.clone()
            );
            prop_assert!(parts.values().flatten().eq(batch.hashes()));
            prop_assert!(parts.into_values().eq(cells(hashes, bits).into_values()));
        }
        Err(error) => {
            prop_assert_eq!(error.code(), Code::PartBits);
            prop_assert!(!fits(32));
        }
    }
    Ok(())
}

/// Small trees, and the ones around powers of two, where the split moves.
fn sizes() -> impl Iterator<Item = usize> {
    (1..=70).chain((7..=10).flat_map(|k| (1 << k) - 1..=(1 << k) + 1))
}

#[test]
fn every_leaf_of_every_size_is_proved_and_nothing_else() {
    let leaves = spread(1026);
    let outsider = leaves[1025];
    for size in sizes() {
        let batch = Batch::new(leaves[..size].to_vec()).unwrap();
        let root = batch.root();
        let other_root = outside_root(&leaves[..=size]);
        assert_eq!(root, outside_root(&leaves[..size]));
        for (index, proved) in batch.hashes().iter().enumerate() {
            let inclusion = included(&batch, proved);
            assert_eq!((inclusion.index(), inclusion.count()), (index as u64, size as u64));
            assert!(inclusion.verify(proved, &root), "{index} of {size}");
            assert!(!inclusion.verify(&outsider, &root), "{index} of {size}");
            assert!(!inclusion.verify(&batch.hashes()[(index + 1) % size], &root) || size == 1);
            assert!(!inclusion.verify(proved, &other_root), "{index} of {size}");
            let path = path_of(&inclusion.to_json());
            assert_eq!(path.len(), sides(index as u64, size as u64).len());
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at][(index + at) % 32] ^= 1 << (index % 8);
                let (index, count) = (index as u64, size as u64);
                assert!(!leads_to(&leaf(proved), index, count, &changed, &root));
            }
        }
    }
}

/// A path says nothing but left or right at each level. So under another index or count it leads
/// to the same root exactly where these give the same turns; SPEC.md section 3 counts the number of
/// leaves among the publisher's claims for that reason.
#[test]
fn another_place_verifies_only_if_its_turns_are_the_same() {
    let mut other_counts = 0;
    for size in 1..=20_u64 {
        let batch = Batch::new(spread(size as usize)).unwrap();
        let root = batch.root();
        for (index, proved) in (0_u64..).zip(batch.hashes()) {
            let path = path_of(&included(&batch, proved).to_json());
            let turns = sides(index, size);
            for count in 1..=size + 10 {
                for place in 0..count {
                    let json = inclusion_json(count, place, &path);
                    let fits = sides(place, count).len() == path.len();
                    let parsed = Inclusion::parse(json.as_bytes());
                    assert_eq!(parsed.is_ok(), fits, "{json}");
                    let verdict = parsed.is_ok_and(|parsed| parsed.verify(proved, &root));
                    assert_eq!(verdict, sides(place, count) == turns, "{json}");
                    if verdict && count == size {
                        assert_eq!(place, index, "in one tree no two leaves have the same turns");
                    }
                    other_counts += u32::from(verdict && count != size);
                }
            }
        }
    }
    assert!(other_counts > 0);
}

#[test]
fn every_gap_is_proved_and_no_member() {
    for size in (1..=33).chain([63, 64, 65]) {
        let leaves = spread(size);
        let batch = Batch::new(leaves.clone()).unwrap();
        let root = batch.root();
        for gap in 0..=size {
            let target = match gap {
                0 => [0; 32],
                _ => successor(&leaves[gap - 1]),
            };
            let absence = absent(&batch, &target);
            assert_eq!(absence.count(), size as u64);
            assert!(absence.verify(&target, &root), "gap {gap} of {size}");
            assert!(!absence.verify(&target, &[0; 32]), "gap {gap} of {size}");
            let json = absence.to_json();
            assert_eq!(json.contains("\"left\""), gap > 0);
            assert_eq!(json.contains("\"right\""), gap < size);
            for member in &leaves {
                assert!(!absence.verify(member, &root), "{member:?} is a member");
            }
            let other_gap = if gap == 0 { [0xFF; 32] } else { [0; 32] };
            assert!(!absence.verify(&other_gap, &root), "{other_gap:?} is in another gap");
        }
    }
}

/// The next hash; none of the hashes made here is the last one.
fn successor(hash: &Hash) -> Hash {
    let mut next = *hash;
    for byte in next.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    next
}

#[test]
fn absence_needs_neighbours() {
    let leaves = spread(9);
    let batch = Batch::new(leaves.clone()).unwrap();
    let root = batch.root();
    let side = |name: &str, index: usize| {
        let path = path_of(&included(&batch, &leaves[index]).to_json());
        let leaf = hex::format_hash(&leaves[index]);
        let path = hashes_json(&path);
        format!("\"{name}\":{{\"index\":{index},\"leaf\":\"{leaf}\",\"path\":{path}}}")
    };
    let verdict = |sides: &[String], target: &Hash| {
        let json = format!("{{\"count\":9,{}}}", sides.join(","));
        Absence::parse(json.as_bytes()).unwrap().verify(target, &root)
    };
    for left in 0..9 {
        for right in 0..9 {
            for target in &leaves {
                assert!(!verdict(&[side("left", left), side("right", right)], target));
            }
            let target = successor(&leaves[left]);
            let claimed = verdict(&[side("left", left), side("right", right)], &target);
            assert_eq!(claimed, right == left + 1, "between {left} and {right}");
        }
        let target = successor(&leaves[left]);
        assert_eq!(verdict(&[side("left", left)], &target), left == 8);
        assert_eq!(verdict(&[side("right", left)], &[0; 32]), left == 0);
    }
}

#[test]
fn an_empty_batch_and_wrong_blocks_are_refused() {
    assert_eq!(Batch::new(Vec::new()).unwrap_err().code(), Code::EmptyBatch);
    assert_eq!(root_of(&mut Collector::default(), &[]), Ok(None));
    assert_eq!(Prover::new([1; 32]).finish(), None);
    assert_eq!(RootBuilder::default().finish(), None);
    assert_eq!(combine(&[], 0).unwrap_err().code(), Code::BlockRoots);
    assert_eq!(combine(&[[1; 32]], 64).unwrap_err().code(), Code::BlockRoots);
    assert_eq!(combine(&[[1; 32]], 63), Ok([1; 32]));
}

#[test]
fn a_stored_state_that_is_none_is_refused() {
    let hashes = spread(3);
    let whole = hashes.as_flattened();
    let unsorted = [hashes[1], hashes[0]];
    let twice = [hashes[0], hashes[0]];
    for wrong in [&whole[..95], &whole[..1], unsorted.as_flattened(), twice.as_flattened()] {
        for stored in [&[wrong][..], &[wrong, whole], &[&[], wrong]] {
            let refused = root_of(&mut Collector::default(), stored).unwrap_err();
            assert_eq!(refused.code(), Code::Hash);
        }
    }
    // Each begins with its target, and the targets are two.
    let mut stored = [&whole[..64], &whole[32..]];
    let refused = accumulator("precise_inclusion").finish_over(&mut states(&mut stored));
    assert_eq!(refused.unwrap_err().code(), Code::ArgumentVaries);
    let mut stored = [&whole[..64], &whole[32..]];
    let refused = accumulator("precise_inclusion").join(&mut states(&mut stored), &mut |_| {});
    assert_eq!(refused.unwrap_err().code(), Code::ArgumentVaries);
}

#[test]
fn repeats_do_not_pile_up_in_a_collector() {
    let hashes = spread(1000);
    let mut collector = Collector::default();
    for hash in hashes.iter().cycle().take(400_000) {
        collector.push(*hash);
    }
    // Two growths past the 2^16 hashes at which it first looks.
    assert!(collector.size() <= 4 * (1 << 16) * 32, "{} bytes", collector.size());
    assert_eq!(root_of(&mut collector, &[]), Ok(Some(outside_root(&hashes))));
    assert_eq!(collector.state(), hashes.as_flattened());
}

#[test]
fn hashes_that_share_32_bits_cannot_be_cut() {
    let hashes: Vec<Hash> = (0..3_u8)
        .map(|last| [[9; 4].as_slice(), &[last; 28]].concat())
        .map(|bytes| bytes.try_into().unwrap())
        .collect();
    let batch = Batch::new(hashes).unwrap();
    assert_eq!(batch.part_bits(2).unwrap_err().code(), Code::PartBits);
    assert_eq!(batch.part_bits(0).unwrap_err().code(), Code::PartBits);
    assert_eq!(batch.part_bits(3), Ok(0));
}
