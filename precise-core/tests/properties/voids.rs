//! The status map: one root whatever the order, and one answer for each proof.

use precise_core::Hash;
use precise_core::status::{Standing, StatusMap, StatusProof};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Keys that often share their first bits.
fn key() -> impl Strategy<Value = Hash> {
    let near = (0_u8..4, any::<u8>()).prop_map(|(first, last)| {
        let mut key = [0; 32];
        (key[0], key[31]) = (first << 6, last);
        key
    });
    prop_oneof![any::<Hash>(), near]
}

fn map(pairs: &[(Hash, Hash)]) -> StatusMap {
    let mut map = StatusMap::default();
    for (key, value) in pairs {
        map.insert(*key, *value);
    }
    map
}

proptest! {
    #[test]
    fn the_root_does_not_depend_on_the_order(
        pairs in vec((key(), any::<Hash>()), 0..20)
            .prop_map(|pairs| {
                let unique: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
                unique.into_iter().collect::<Vec<_>>()
            })
            .prop_shuffle(),
    ) {
        let mut sorted = pairs.clone();
        sorted.sort_unstable();
        prop_assert_eq!(map(&pairs).root(), map(&sorted).root());
        prop_assert_eq!(map(&pairs).count(), pairs.len() as u64);
    }

    #[test]
    fn each_proof_has_one_answer(
        pairs in vec((key(), any::<Hash>()), 0..20),
        target in key(),
        other in key(),
        at in any::<Index>(),
        bit in 0..256_usize,
    ) {
        let map = map(&pairs);
        let root = map.root();
        let first = |key: &Hash| pairs.iter().find(|(voided, _)| voided == key).map(|pair| pair.1);
        let expected = |key: &Hash| first(key).map_or(Standing::Good, Standing::Void);
        for key in pairs.iter().map(|pair| pair.0).chain([target, other]) {
            let proof = map.prove(&key);
            prop_assert_eq!(proof.standing(&key, &root), Some(expected(&key)));
            let json = proof.to_json();
            prop_assert_eq!(&StatusProof::parse(json.as_bytes()).unwrap(), &proof);
            // Shown for another hash it says what is so, or nothing.
            for asked in [target, other] {
                let said = proof.standing(&asked, &root);
                prop_assert!(said.is_none() || said == Some(expected(&asked)));
            }
            // And so does any other proof with one bit changed.
            let digits: Vec<usize> = json.match_indices("0x").map(|(at, _)| at + 2).collect();
            if !digits.is_empty() {
                let at = digits[at.index(digits.len())] + bit / 4;
                let mut changed = json.clone().into_bytes();
                let digit = (changed[at] as char).to_digit(16).unwrap() ^ (1 << (bit % 4));
                changed[at] = char::from_digit(digit, 16).unwrap() as u8;
                if let Ok(changed) = StatusProof::parse(&changed) {
                    let said = changed.standing(&key, &root);
                    prop_assert!(said.is_none() || said == Some(expected(&key)));
                }
            }
        }
    }

    #[test]
    fn any_bytes_end_in_a_code(bytes in vec(any::<u8>(), 0..60)) {
        prop_assert!(StatusProof::parse(&bytes).is_err());
    }
}
