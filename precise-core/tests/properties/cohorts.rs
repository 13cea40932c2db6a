//! Cohorts: ids against their grammar, and what may be released against a slow count.

use std::collections::{BTreeMap, BTreeSet};

use precise_core::cohort::{
    Census, CohortId, Market, Member, ReleaseKey, Released, Seat, check_differences,
    count_differences,
};
use precise_core::{Code, Hash, proof};
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
    fn every_wider_id_is_one_of_the_same_name(text in ids(), market in markets()) {
        let Ok(id) = CohortId::parse(&text) else { return Ok(()) };
        let name = &text[..text.len() - place(&text).map_or(0, str::len)];
        let mut widest = id.clone();
        let mut steps = 0;
        let mut is_apart = false;
        while let Some(wider) = widest.wider(market) {
            is_apart |= widest.as_str().len() == name.len() + 9 && market.is_some();
            prop_assert_eq!(CohortId::parse(wider.as_str()), Ok(wider.clone()));
            widest = wider;
            steps += 1;
        }
        prop_assert_eq!(widest.as_str(), name);
        let zip = place(&text).is_some_and(|place| place.len() == 6);
        let zip3 = zip || place(&text).is_some_and(|place| place.starts_with("_zip3_"));
        prop_assert_eq!(is_apart, zip3 && market.is_some());
        let places = [place(&text).is_some(), zip, is_apart].map(u32::from);
        prop_assert_eq!(steps, places.iter().sum::<u32>());
    }

    #[test]
    fn what_is_released_is_what_a_slow_count_finds(
        records in vec(records(), 0..60),
        k in 2_u64..6,
        order in any::<u64>(),
    ) {
        let expected = slow_release(&records, k);
        for records in [records.clone(), turned(&records, order)] {
            match (census(&records, None).release(k), &expected) {
                (Ok(release), Some(expected)) => {
                    let found = release.cohorts().iter();
                    let found: Vec<_> =
                        found.map(|cohort| (cohort.id.as_str(), cohort.members)).collect();
                    let expected = expected.iter();
                    let expected: Vec<_> =
                        expected.map(|(id, members)| (id.as_str(), members.len() as u64)).collect();
                    prop_assert_eq!(found, expected);
                    prop_assert!(release.members().is_empty());
                }
                (Err(error), None) => prop_assert_eq!(error.code(), Code::Release),
                (found, expected) => prop_assert!(false, "{:?} and not {:?}", found, expected),
            }
        }
    }

    /// With a key the same cohorts are named, and what is kept says of each member which of them
    /// count it.
    #[test]
    fn what_is_kept_of_members_is_what_a_slow_count_finds(
        records in vec(records(), 0..60),
        k in 2_u64..6,
        order in any::<u64>(),
    ) {
        let Some(expected) = slow_release(&records, k) else { return Ok(()) };
        let key = ReleaseKey::from_bytes(&KEY).unwrap();
        let kept = slow_members(&records, &expected, &key);
        for records in [records.clone(), turned(&records, order)] {
            let release = census(&records, Some(&key)).release(k).unwrap();
            let named: Vec<_> = release.cohorts().iter().map(|cohort| cohort.id.as_str()).collect();
            prop_assert_eq!(named, expected.keys().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(release.members(), &kept[..]);
        }
    }

    #[test]
    fn differences_are_those_of_two_maps(
        one in vec((0..20_u8, 0..3_u8), 0..20),
        other in vec((0..20_u8, 0..3_u8), 0..20),
        k in 2..10_u64,
    ) {
        let [one, other] = [one, other].map(|pairs| pairs.into_iter().collect::<BTreeMap<_, _>>());
        let list = |map: &BTreeMap<u8, u8>| -> Vec<Released> {
            map.iter().map(|(m, s)| Released { member: [*m; 16], seats: [*s; 16] }).collect()
        };
        let members: BTreeSet<_> = one.keys().chain(other.keys()).collect();
        let expected = members.iter().filter(|m| one.get(m) != other.get(m)).count() as u64;
        prop_assert_eq!(count_differences(list(&one), list(&other)), expected);
        prop_assert_eq!(count_differences(list(&other), list(&one)), expected);
        let refused = check_differences(expected, k).map_err(|error| error.code());
        let is_few = (1..k).contains(&expected);
        prop_assert_eq!(refused, if is_few { Err(Code::ReleaseDifference) } else { Ok(()) });
    }
}

const KEY: [u8; 32] = [7; 32];

/// A record, whose number is its place among them: cohorts, market area, member.
type Record = (usize, Vec<&'static str>, Option<Market>, u8);

/// Records in cohorts that become one another; some equal, some in several.
fn records() -> impl Strategy<Value = Record> {
    let cohorts = proptest::sample::subsequence(
        vec!["a_10013", "a_10014", "a_10113", "a_zip3_100", "a_dma_501", "a", "b_10013", "b", "c"],
        0..=2,
    );
    (0..6_usize, cohorts, markets(), 0..12_u8)
}

fn markets() -> impl Strategy<Value = Option<Market>> {
    prop_oneof![Just(None), Just(Market::parse("501")), Just(Market::parse("007"))]
}

fn turned(records: &[Record], order: u64) -> Vec<Record> {
    let mut turned = records.to_vec();
    turned.reverse();
    turned.rotate_left(order as usize % records.len().max(1));
    turned
}

/// Every fourth member is none: its records are members of their own.
fn name(member: u8) -> String {
    if member.is_multiple_of(4) { String::new() } else { member.to_string() }
}

/// Equal records have one hash.
fn hash_of(record: &Record) -> Hash {
    proof::hash(format!("{record:?}").as_bytes(), None)
}

fn census(records: &[Record], key: Option<&ReleaseKey>) -> Census {
    let mut census = key.cloned().map_or_else(Census::default, Census::guarded);
    for record in records {
        let (_, cohorts, market, member) = record;
        let cohorts = cohorts.iter().map(|id| (*id).into()).collect();
        let member = name(*member);
        let member = key.map_or_else(|| Member::of(&member), |key| key.member(&member));
        census.push(&Seat { cohorts, market: *market, member }, &hash_of(record)).unwrap();
    }
    census
}

/// What a member is called where it is counted slowly: those of their own by their record.
fn slow_names(records: &[Record]) -> Vec<(String, Option<(Hash, u64)>)> {
    let mut repeats: BTreeMap<Hash, u64> = BTreeMap::new();
    records
        .iter()
        .map(|record| match name(record.3) {
            named if !named.is_empty() => (named, None),
            _ => {
                let hash = hash_of(record);
                let number = repeats.entry(hash).or_default();
                *number += 1;
                (format!("{hash:?} {number}"), Some((hash, *number - 1)))
            }
        })
        .collect()
}

fn slow_members(
    records: &[Record],
    named: &BTreeMap<String, BTreeSet<String>>,
    key: &ReleaseKey,
) -> Vec<Released> {
    let kept: BTreeSet<Released> = slow_names(records)
        .into_iter()
        .map(|(name, lone)| {
            let member = match lone {
                None => key.member(&name).unwrap(),
                Some((hash, number)) => key.lone(&hash, number),
            };
            let seats = named.iter().filter(|(_, members)| members.contains(&name));
            let seats = key.seats(seats.map(|(id, _)| id.as_str()));
            Released { member: member.as_bytes(), seats }
        })
        .collect();
    kept.into_iter().collect()
}

/// The rule of SPEC.md section 8.3 on sets of names, each with the market areas of its records.
fn slow_release(records: &[Record], k: u64) -> Option<BTreeMap<String, BTreeSet<String>>> {
    type Seats = BTreeSet<(String, Option<Market>)>;
    fn members(seats: &Seats) -> BTreeSet<String> {
        seats.iter().map(|(member, _)| member.clone()).collect()
    }
    let mut cohorts: BTreeMap<String, Seats> = BTreeMap::new();
    let mut remainder = BTreeSet::new();
    for ((_, ids, market, _), (member, _)) in records.iter().zip(slow_names(records)) {
        for id in ids {
            cohorts.entry((*id).into()).or_default().insert((member.clone(), *market));
        }
        if ids.is_empty() {
            remainder.insert(member);
        }
    }
    let places: [fn(&str) -> bool; 4] = [
        |id| place(id).is_some_and(|place| place.len() == 6),
        |id| place(id).is_some_and(|place| place.starts_with("_zip3_")),
        |id| place(id).is_some_and(|place| place.starts_with("_dma_")),
        |id| place(id).is_none(),
    ];
    for is_of_width in places {
        let small: Vec<String> = cohorts
            .iter()
            .filter(|(id, seats)| is_of_width(id) && (members(seats).len() as u64) < k)
            .map(|(id, _)| id.clone())
            .collect();
        let small: Vec<(String, Seats)> =
            small.into_iter().filter_map(|id| cohorts.remove_entry(&id)).collect();
        for (id, seats) in small {
            let id = CohortId::parse(&id).unwrap();
            for (member, market) in seats {
                match id.wider(market) {
                    Some(wider) => {
                        let wider = cohorts.entry(wider.as_str().into()).or_default();
                        wider.insert((member, market));
                    }
                    None => {
                        remainder.insert(member);
                    }
                }
            }
        }
    }
    let mut named: BTreeMap<String, BTreeSet<String>> =
        cohorts.into_iter().map(|(id, seats)| (id, members(&seats))).collect();
    if (1..k).contains(&(remainder.len() as u64)) {
        let smallest = named.iter().min_by_key(|(id, members)| (members.len(), (*id).clone()));
        if let Some(id) = smallest.map(|(id, _)| id.clone()) {
            named.remove(&id);
        }
    }
    (!named.is_empty()).then_some(named)
}
