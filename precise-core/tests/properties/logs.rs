//! Logs: random ones are consistent and hold what they hold, and nothing that was changed passes.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use precise_core::entry::{BatchEntry, BatchKind, Entry, StatusEntry};
use precise_core::merkle::{Part, RootBuilder, leads_to, node};
use precise_core::note::{Algorithm, Checkpoint, MAX_DECIMAL, Note, Signer, VerifierKey};
use precise_core::row::UtcSecond;
use precise_core::tlog::{
    LogProof, empty_root, is_consistent, leaf, prove_consistency, prove_inclusion, root,
};
use precise_core::{Code, Hash, canonical};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::Sha256;

/// Entries that differ, of several lengths.
fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|i| i.to_string().repeat(1 + i as usize % 40).into_bytes()).collect()
}

/// Gives the roots of complete subtrees of `leaves`, computed the slow way.
fn reader(leaves: &[Hash]) -> impl Fn(u32, u64) -> Result<Hash, String> {
    move |height, number| {
        let (begin, len) = ((number << height) as usize, 1_usize << height);
        let mut level = leaves.get(begin..begin + len).ok_or("not a complete subtree")?.to_vec();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node(&pair[0], &pair[1])).collect();
        }
        Ok(level[0])
    }
}

/// The root of all leaves, by the builder that batches use.
fn built_root(leaves: &[Hash]) -> Hash {
    let mut builder = RootBuilder::default();
    for leaf in leaves {
        builder.push_node(*leaf);
    }
    builder.finish().unwrap_or_else(empty_root)
}

fn signer(name: &str, algorithm: Algorithm, seed: &Hash) -> Signer {
    Signer::from_seed(name, algorithm, seed).unwrap()
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::Ed25519), Just(Algorithm::Cosignature)]
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9./\u{e9}\u{1f600}-]{1,20}"
}

fn entry() -> impl Strategy<Value = Entry> {
    let time = (-62_135_596_800_i64..=253_402_300_799)
        .prop_map(|posix| UtcSecond::from_posix(posix).unwrap());
    let kind = (0..3, any::<Hash>()).prop_map(|(kind, hash)| match kind {
        0 => BatchKind::Records,
        1 => BatchKind::Audience { audience_hash: hash },
        _ => BatchKind::Settlement { statement_hash: hash },
    });
    let part =
        (1_u32..=32).prop_flat_map(|bits| {
            (Just(bits), 0..1_u64 << bits, 1..=1_u64 << bits)
                .prop_map(|(bits, index, parts)| Part { bits, index, parts })
        });
    let count = 1..=(1_u64 << 53) - 1;
    let label = option::of("[^\\x00]{1,30}");
    let batch = (kind, any::<Hash>(), time.clone(), count.clone(), label, option::of(part));
    let batch = batch.prop_map(|(kind, batch_root, closed_at, count, label, part)| {
        Entry::Batch(BatchEntry { kind, batch_root, closed_at, count, label, part })
    });
    let status = (time, option::of((count, any::<Hash>()))).prop_map(|(at, map)| {
        let (count, map_root) = map.unwrap_or((0, [0; 32]));
        Entry::Status(StatusEntry { at, count, map_root })
    });
    prop_oneof![batch, status]
}

/// Every size up to 70, and every older size of each.
#[test]
fn a_log_that_grew_is_consistent_and_holds_every_entry() {
    let entries = entries(70);
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
    for size in 0..=70 {
        let read = reader(&leaves[..size as usize]);
        let now = root(size, &read).unwrap();
        assert_eq!(now, built_root(&leaves[..size as usize]));
        for old_size in 0..=size {
            let old = built_root(&leaves[..old_size as usize]);
            let path = prove_consistency(old_size, size, &read).unwrap();
            assert!(is_consistent(old_size, &old, size, &now, &path), "{old_size} of {size}");
        }
        for index in 0..size {
            let path = prove_inclusion(index, size, &read).unwrap();
            assert!(leads_to(&leaves[index as usize], index, size, &path, &now));
        }
    }
}

#[test]
fn what_cannot_be_read_is_not_proved() {
    let unreadable = |_, _| Err("gone");
    assert_eq!(prove_inclusion(1, 3, unreadable), Err("gone"));
    assert_eq!(prove_consistency(1, 3, unreadable), Err("gone"));
    assert_eq!(root(3, unreadable), Err("gone"));
    assert_eq!(prove_consistency(0, 3, unreadable), Ok(vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn proofs_are_those_of_another_implementation(
        (index, size) in (1_u64..400).prop_flat_map(|size| (0..size, Just(size))),
    ) {
        let entries = entries(size);
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
        let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let old_size = index + 1;
        for entry in &entries[..old_size as usize] {
            tree.push(entry.clone());
        }
        let ours = root(old_size, reader(&leaves)).unwrap();
        prop_assert_eq!(ours.as_slice(), tree.root().as_bytes().to_vec());
        for entry in &entries[old_size as usize..] {
            tree.push(entry.clone());
        }
        let ours = root(size, reader(&leaves)).unwrap();
        prop_assert_eq!(ours.as_slice(), tree.root().as_bytes().to_vec());
        let path = prove_inclusion(index, size, reader(&leaves)).unwrap();
        let theirs = tree.prove_inclusion(index as usize);
        prop_assert_eq!(path.as_flattened(), theirs.as_bytes());
        let path = prove_consistency(old_size, size, reader(&leaves)).unwrap();
        let theirs = tree.prove_consistency((size - old_size) as usize);
        prop_assert_eq!(path.as_flattened(), theirs.as_bytes());
    }

    #[test]
    fn what_was_changed_is_not_consistent(
        (old_size, size) in (2_u64..200).prop_flat_map(|size| (1..size, Just(size))),
        at in any::<Index>(),
        bit in 0..256_usize,
    ) {
        let leaves: Vec<Hash> = entries(size).iter().map(|entry| leaf(entry)).collect();
        let (old, now) = (built_root(&leaves[..old_size as usize]), built_root(&leaves));
        let path = prove_consistency(old_size, size, reader(&leaves)).unwrap();
        let flipped = |hash: &Hash| {
            let mut hash = *hash;
            hash[bit / 8] ^= 1 << (bit % 8);
            hash
        };
        prop_assert!(is_consistent(old_size, &old, size, &now, &path));
        prop_assert!(!is_consistent(old_size, &flipped(&old), size, &now, &path));
        prop_assert!(!is_consistent(old_size, &old, size, &flipped(&now), &path));
        prop_assert!(!is_consistent(size, &now, old_size, &old, &path));
        let mut longer = path.clone();
        longer.push(old);
        prop_assert!(!is_consistent(old_size, &old, size, &now, &longer));
        for shorter in 0..path.len() {
            prop_assert!(!is_consistent(old_size, &old, size, &now, &path[..shorter]));
        }
        let mut changed = path.clone();
        let at = at.index(path.len());
        changed[at] = flipped(&changed[at]);
        prop_assert!(!is_consistent(old_size, &old, size, &now, &changed));
        // Another entry where the old tree was is another log.
        let mut forked = leaves.clone();
        forked[at % old_size as usize] = [0; 32];
        let path = prove_consistency(old_size, size, reader(&forked)).unwrap();
        prop_assert!(!is_consistent(old_size, &old, size, &built_root(&forked), &path));
    }

    #[test]
    fn keys_are_read_as_they_are_written(
        name in name(),
        algorithm in algorithm(),
        seed in any::<Hash>(),
    ) {
        let signer = signer(&name, algorithm, &seed);
        let text = signer.to_text();
        prop_assert_eq!(&*Signer::parse(&text).unwrap().to_text(), &*text);
        let key = signer.verifier_key();
        prop_assert_eq!(&VerifierKey::parse(&key.to_text()).unwrap(), key);
        prop_assert_eq!((key.name(), key.algorithm()), (&*name, algorithm));
    }

    /// One changed byte anywhere: the note is no note, or its signature is wrong, or none is by
    /// the key any more.
    #[test]
    fn every_changed_byte_of_a_note_is_refused(
        text in "[^\\x00-\\x1f]{0,30}\n",
        algorithm in algorithm(),
        seed in any::<Hash>(),
        time in 0..=MAX_DECIMAL,
        other in any::<u8>(),
    ) {
        let signer = signer("example.com/log", algorithm, &seed);
        let note = Note::new(&text, vec![signer.sign(&text, time).unwrap()]).unwrap();
        let keys = [signer.verifier_key().clone()];
        let opened = note.open(&keys).unwrap();
        let stated = (algorithm == Algorithm::Cosignature).then_some(time);
        prop_assert_eq!((opened.len(), opened[0].time), (1, stated));
        let bytes = note.to_text().into_bytes();
        prop_assert_eq!(&Note::parse(&bytes).unwrap(), &note);
        let body_len = text.len();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] = if changed[at] == other { other ^ 1 } else { other };
            let code = match Note::parse(&changed) {
                Ok(note) => note.open(&keys).unwrap_err().code(),
                Err(error) => error.code(),
            };
            let allowed: &[Code] = if at < body_len {
                &[Code::Note, Code::Signature]
            } else {
                &[Code::Note, Code::Signature, Code::Unsigned]
            };
            prop_assert!(allowed.contains(&code), "{code} at {at}");
        }
        for len in 0..bytes.len() {
            prop_assert_eq!(Note::parse(&bytes[..len]).unwrap_err().code(), Code::Note);
        }
    }

    #[test]
    fn checkpoints_are_read_as_they_are_written(
        origin in name(),
        size in 1..=MAX_DECIMAL,
        root in any::<Hash>(),
        extensions in vec("[^\\x00-\\x1f]{1,10}", 0..3),
    ) {
        let checkpoint = Checkpoint { origin, size, root, extensions };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint.clone()));
    }

    #[test]
    fn log_proofs_are_read_as_they_are_written(
        extra in option::of(vec(any::<u8>(), 1..20)),
        index in 0..=MAX_DECIMAL,
        path in vec(any::<Hash>(), 0..5),
        checkpoint in "(?s).{1,20}",
    ) {
        let proof = LogProof { extra, index, path, checkpoint };
        prop_assert_eq!(LogProof::parse(&proof.to_text()), Ok(proof.clone()));
    }

    #[test]
    fn entries_are_read_as_they_are_written(entry in entry()) {
        let json = entry.to_json().unwrap();
        prop_assert_eq!(canonical::canonicalize(json.as_bytes()).unwrap(), json.as_bytes());
        prop_assert_eq!(Entry::parse(json.as_bytes()), Ok(entry.clone()));
        prop_assert!(entry.identity().is_ok());
    }

    /// A changed byte makes another entry or none: what was signed is what is read.
    #[test]
    fn a_changed_entry_is_another_one(
        entry in entry(),
        at in any::<Index>(),
        other in any::<u8>(),
    ) {
        let json = entry.to_json().unwrap().into_bytes();
        let mut changed = json.clone();
        let at = at.index(json.len());
        changed[at] = if changed[at] == other { other ^ 1 } else { other };
        prop_assert_ne!(leaf(&changed), leaf(&json));
        match Entry::parse(&changed) {
            Ok(read) => {
                prop_assert_ne!(&read, &entry);
                prop_assert_eq!(read.to_json().unwrap().into_bytes(), changed);
            }
            Err(error) => prop_assert_eq!(error.code(), Code::Entry),
        }
    }

    #[test]
    fn any_bytes_end_in_a_code(bytes in vec(any::<u8>(), 0..80), text in "\\PC{0,80}") {
        prop_assert_eq!(Note::parse(&bytes).unwrap_err().code(), Code::Note);
        prop_assert_eq!(Entry::parse(&bytes).unwrap_err().code(), Code::Entry);
        prop_assert_eq!(Checkpoint::parse(&text).unwrap_err().code(), Code::Checkpoint);
        prop_assert_eq!(LogProof::parse(&text).unwrap_err().code(), Code::LogProof);
        prop_assert_eq!(VerifierKey::parse(&text).unwrap_err().code(), Code::VerifierKey);
        prop_assert_eq!(Signer::parse(&text).unwrap_err().code(), Code::SigningKey);
    }
}
