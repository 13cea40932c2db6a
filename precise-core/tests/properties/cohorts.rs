//! Cohorts: ids against their grammar, and what may be released against a slow count.

use std::collections::{BTreeMap, BTreeSet};

use precise_core::Code;
use precise_core::cohort::{Census, CohortId, Member};
use proptest::collection::vec;
use proptest::prelude::*;

/// Texts that are ids, or nearly.
fn ids() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9_]{0,3}",
        Just("_zip3_".to_owned()),
        Just("_dma_".to_owned()),
        Just("_10013".to_owned()),
        Just("_100".to_owned()),
        Just("100".to_owned()),
        "[_0-9]{1,7}",
        ".",
    ];
    vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Whether `text` ends with this, and so many digits behind it.
fn ends_with(text: &str, word: &str, digits: usize) -> bool {
    let reversed: Vec<char> = text.chars().rev().collect();
    reversed.len() >= digits
        && reversed[..digits].iter().all(char::is_ascii_digit)
        && text[..text.len() - digits].ends_with(word)
}

/// What of a text is its place.
fn place(text: &str) -> Option<&str> {
    let places = [("_", 5), ("_zip3_", 3), ("_dma_", 3)];
    let (word, digits) = places.iter().find(|(word, digits)| ends_with(text, word, *digits))?;
    Some(&text[text.len() - word.len() - digits..])
}

proptest! {
    #[test]
    fn an_id_is_a_name_and_at_most_one_place(text in ids()) {
        let name = &text[..text.len() - place(&text).map_or(0, str::len)];
        let fine = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && name.len() <= 63
            && !name.ends_with('_')
            && place(name).is_none();
        match CohortId::parse(&text) {
            Ok(id) => {
                prop_assert!(fine, "{}", text);
                prop_assert_eq!(id.as_str(), &text);
            }
            Err(error) => {
                prop_assert!(!fine, "{}", text);
                prop_assert_eq!(error.code(), Code::CohortId);
            }
        }
    }

    /// Made wider, an id is one, and at last the name alone, whatever it was.
    #[test]
    fn every_wider_id_is_one_of_the_same_name(text in ids()) {
        let Ok(id) = CohortId::parse(&text) else { return Ok(()) };
        let name = &text[..text.len() - place(&text).map_or(0, str::len)];
        let mut widest = id.clone();
        let mut steps = 0;
        while let Some(wider) = widest.wider() {
            prop_assert_eq!(CohortId::parse(wider.as_str()), Ok(wider.clone()));
            widest = wider;
            steps += 1;
        }
        prop_assert_eq!(widest.as_str(), name);
        let zip = place(&text).is_some_and(|place| place.len() == 6);
        prop_assert_eq!(steps, u32::from(place(&text).is_some()) + u32::from(zip));
    }

    #[test]
    fn what_is_released_is_what_a_slow_count_finds(
        seats in vec((cohorts(), 0..12_u8), 0..60),
        k in 2_u64..6,
        order in any::<u64>(),
    ) {
        let expected = slow_release(&seats, k);
        let mut turned = seats.clone();
        turned.reverse();
        turned.rotate_left(order as usize % seats.len().max(1));
        for seats in [seats, turned] {
            let mut census = Census::default();
            for (cohort, member) in &seats {
                census.push(*cohort, Member::of(&name(*member))).unwrap();
            }
            match (census.release(k), &expected) {
                (Ok(release), Some(expected)) => {
                    let found = release.cohorts().iter();
                    let found: Vec<_> =
                        found.map(|cohort| (cohort.id.as_str(), cohort.members)).collect();
                    let expected: Vec<_> =
                        expected.iter().map(|(id, n)| (id.as_str(), *n)).collect();
                    prop_assert_eq!(found, expected);
                }
                (Err(error), None) => prop_assert_eq!(error.code(), Code::Release),
                (found, expected) => prop_assert!(false, "{:?} and not {:?}", found, expected),
            }
        }
    }
}

/// Cohorts that become one another, and none.
fn cohorts() -> impl Strategy<Value = Option<&'static str>> {
    proptest::sample::select(vec![
        Some("a_10013"),
        Some("a_10014"),
        Some("a_10113"),
        Some("a_zip3_100"),
        Some("a_dma_501"),
        Some("a"),
        Some("b_10013"),
        Some("b"),
        Some("c"),
        None,
    ])
}

/// Every fourth member is none: its rows are members of their own.
fn name(member: u8) -> String {
    if member.is_multiple_of(4) { String::new() } else { member.to_string() }
}

/// The rule of SPEC.md section 8 on sets of names; rows without one are named by their place.
fn slow_release(seats: &[(Option<&str>, u8)], k: u64) -> Option<BTreeMap<String, u64>> {
    let mut cohorts: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
    for (row, (cohort, member)) in seats.iter().enumerate() {
        let named = name(*member);
        let member = if named.is_empty() { format!("row {row}") } else { named };
        cohorts.entry(cohort.map(String::from)).or_default().insert(member);
    }
    let mut remainder = cohorts.remove(&None).unwrap_or_default();
    for (word, digits) in [("_", 5), ("_", 3), ("", 0)] {
        let at_width = |id: &str| ends_with(id, word, digits);
        let small: Vec<Option<String>> = cohorts
            .iter()
            .filter(|(id, members)| {
                at_width(id.as_deref().unwrap_or_default()) && (members.len() as u64) < k
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in small {
            let members = cohorts.remove(&id).unwrap();
            let id = CohortId::parse(&id.unwrap()).unwrap();
            match id.wider() {
                Some(wider) => {
                    cohorts.entry(Some(wider.as_str().into())).or_default().extend(members);
                }
                None => remainder.extend(members),
            }
        }
    }
    while !remainder.is_empty() && (remainder.len() as u64) < k {
        let smallest = cohorts.iter().min_by_key(|(id, members)| (members.len(), (*id).clone()));
        let Some(id) = smallest.map(|(id, _)| id.clone()) else { break };
        remainder.extend(cohorts.remove(&id).unwrap());
    }
    let named: BTreeMap<String, u64> =
        cohorts.into_iter().map(|(id, members)| (id.unwrap(), members.len() as u64)).collect();
    (!named.is_empty()).then_some(named)
}
