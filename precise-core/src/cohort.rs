//! Cohorts: which of an audience have enough members to be named, and the document that names them
//! (SPEC.md section 8).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;

use crate::canonical;
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::field::{FieldPath, Scalar};
use crate::json::Reader;
use crate::merkle::{Batch, Hash};
use crate::proof;

/// The members a cohort needs unless told otherwise.
pub const K: u64 = 1000;

/// Below this, a cohort would name its member.
pub const MIN_K: u64 = 2;

/// The field of a record that says which cohort it is in.
pub const COHORT_FIELD: &str = "cohort_id";

/// The field of a record that says whose it is.
pub const MEMBER_FIELD: &str = "member_id";

/// The longest name.
const NAME_LEN: usize = 63;

/// Characters of a malformed id that an error shows.
const SHOWN_LEN: usize = 80;

/// How much ground a cohort covers, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// `_10013`
    Zip,
    /// `_zip3_100` and `_dma_501`
    Region,
    /// No place.
    Name,
}

impl Width {
    const ALL: [Self; 3] = [Self::Zip, Self::Region, Self::Name];
}

/// `name`, `name_10013`, `name_zip3_100` or `name_dma_501`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortId(String);

impl CohortId {
    /// Reads an id; nothing is folded or trimmed.
    ///
    /// Error: PR501.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |detail: &str| {
            let shown: String = text.chars().take(SHOWN_LEN).collect();
            Err(Error::new(Code::CohortId).because(alloc::format!("{detail}, in {shown:?}")))
        };
        let (name, _) = split(text);
        let is_letter = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if !name.as_bytes().first().is_some_and(u8::is_ascii_lowercase) {
            return malformed("its name does not begin with a letter from a to z");
        }
        if !name.as_bytes().iter().all(is_letter) {
            return malformed("its name has a character other than a to z, 0 to 9 and _");
        }
        if name.len() > NAME_LEN {
            return malformed("its name is longer than 63 characters");
        }
        if name.ends_with('_') {
            return malformed("its name ends with _");
        }
        if split(name).1 != Width::Name {
            return malformed("it names two places");
        }
        Ok(Self(text.into()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The next wider cohort. None above a name: that is the remainder.
    #[must_use]
    pub fn wider(&self) -> Option<Self> {
        let (name, width) = split(&self.0);
        match width {
            Width::Zip => {
                let zip = &self.0[name.len() + 1..];
                Some(Self(alloc::format!("{name}_zip3_{}", &zip[..3])))
            }
            Width::Region => Some(Self(name.into())),
            Width::Name => None,
        }
    }

    fn width(&self) -> Width {
        split(&self.0).1
    }
}

impl fmt::Display for CohortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// They are ordered as their texts are.
impl Borrow<str> for CohortId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What stands before a place, and how wide that place is.
fn split(text: &str) -> (&str, Width) {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    // Digits are ASCII, so that this is between two characters.
    let front = &text[..text.len() - digits];
    let (before, width) = match digits {
        5 => (front.strip_suffix('_'), Width::Zip),
        3 => (front.strip_suffix("_zip3_").or_else(|| front.strip_suffix("_dma_")), Width::Region),
        _ => (None, Width::Name),
    };
    before.map_or((text, Width::Name), |name| (name, width))
}

/// Whom a record is about: 128 bits of the BLAKE3 of the member's id.
///
/// Two of n members share them with a probability of n² / 2^129, for a billion 10^-21; to make two
/// that do is the work of 2^64 hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member([u8; 16]);

impl Member {
    /// The member with this id. The empty one is nobody's.
    pub fn of(id: &str) -> Option<Self> {
        let hash = proof::hash(id.as_bytes(), None);
        let (front, _) = hash.split_first_chunk()?;
        (!id.is_empty()).then_some(Self(*front))
    }
}

/// Which cohort a record says it is in, and whose it says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// Its `cohort_id`, if that is a string.
    pub cohort: Option<String>,
    /// None: the record counts as a member of its own.
    pub member: Option<Member>,
}

impl Seat {
    /// Reads both from a canonical form. A member that is a number is the one whose id is the
    /// number's canonical spelling.
    ///
    /// Errors: as [`FieldPath::scalar`].
    pub fn read(
        reader: &mut Reader,
        canonical: &[u8],
        cohort: &FieldPath,
        member: &FieldPath,
    ) -> Result<Self> {
        let cohort = match cohort.scalar(reader, canonical)? {
            Some(Scalar::String(id)) => Some(id),
            Some(Scalar::Number(_)) | None => None,
        };
        let member = member.scalar(reader, canonical)?.and_then(|id| Member::of(id.as_str()));
        Ok(Self { cohort, member })
    }
}

/// Counts the members of cohorts, each member once in each, wherever its records are.
///
/// ```
/// use precise_core::cohort::{Census, Member};
/// let mut census = Census::default();
/// for id in ["ann", "bob", "bob", "cy"] {
///     census.push(Some("renters_10013"), Member::of(id))?;
/// }
/// let release = census.release(3)?;
/// assert_eq!(release.cohorts()[0].id.as_str(), "renters_10013");
/// assert_eq!(release.cohorts()[0].members, 3);
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Census {
    numbers: BTreeMap<CohortId, u32>,
    /// By number: rows that name no member.
    alone: Vec<u64>,
    /// The same for rows in no cohort.
    outside_alone: u64,
    /// Who is in which cohort. Repeats go when the list is settled.
    seats: Vec<(u32, Member)>,
    settled: usize,
}

/// The number of no cohort.
const OUTSIDE: u32 = u32::MAX;

/// Repeats may not pile up: a census settles whenever it has doubled, and not before it has this
/// many seats, 1.3 MB.
const SETTLE_LEN: usize = 1 << 16;

impl Census {
    /// Counts one record: its cohort, None for none, and its member, None for one of its own.
    ///
    /// Error: PR501 for a malformed cohort id.
    pub fn push(&mut self, cohort: Option<&str>, member: Option<Member>) -> Result<()> {
        let number = cohort.map(|id| self.number(id)).transpose()?;
        if let Some(member) = member {
            if self.seats.len() >= (2 * self.settled).max(SETTLE_LEN) {
                self.settle();
            }
            self.seats.push((number.unwrap_or(OUTSIDE), member));
        } else if let Some(number) = number {
            self.alone[number as usize] += 1;
        } else {
            self.outside_alone += 1;
        }
        Ok(())
    }

    fn number(&mut self, id: &str) -> Result<u32> {
        if let Some(number) = self.numbers.get(id) {
            return Ok(*number);
        }
        let id = CohortId::parse(id)
            .map_err(|error| error.at_path(alloc::format!("$.{COHORT_FIELD}")))?;
        let number = self.alone.len() as u32;
        self.alone.push(0);
        self.numbers.insert(id, number);
        Ok(number)
    }

    fn settle(&mut self) {
        self.seats.sort_unstable();
        self.seats.dedup();
        self.settled = self.seats.len();
    }

    /// The cohorts that may be named where a cohort needs `k` members.
    ///
    /// Errors: PR502 if there are none, PR503 for `k` below 2.
    pub fn release(mut self, k: u64) -> Result<Release> {
        if k < MIN_K {
            return Err(Error::new(Code::CohortSize).because(alloc::format!("it is {k}")));
        }
        self.settle();
        let seats_of = |number: u32| {
            let start = self.seats.partition_point(|seat| seat.0 < number);
            let len = self.seats[start..].partition_point(|seat| seat.0 == number);
            &self.seats[start..start + len]
        };
        let mut cohorts: BTreeMap<CohortId, Group<'_>> = BTreeMap::new();
        for (id, &number) in &self.numbers {
            let alone = self.alone[number as usize];
            cohorts.insert(id.clone(), Group { seats: seats_of(number).into(), alone });
        }
        let mut remainder = Group { seats: seats_of(OUTSIDE).into(), alone: self.outside_alone };

        // What is too small is made wider, the narrowest first.
        for width in Width::ALL {
            let small = |id: &CohortId, group: &Group<'_>| id.width() == width && group.count() < k;
            let mut widened = Vec::new();
            cohorts.retain(|id, group| {
                let is_small = small(id, group);
                if is_small {
                    widened.push((id.wider(), core::mem::take(group)));
                }
                !is_small
            });
            for (wider, group) in widened {
                match wider {
                    Some(id) => cohorts.entry(id).or_default().take_in(group),
                    None => remainder.take_in(group),
                }
            }
            cohorts.values_mut().for_each(Group::settle);
        }
        remainder.settle();
        // A remainder that is itself too small could be found by subtraction. With a cohort that
        // is large enough it is large enough too.
        if (1..k).contains(&remainder.count()) {
            let smallest = cohorts.iter().min_by_key(|(id, group)| (group.count(), *id));
            if let Some(id) = smallest.map(|(id, _)| id.clone()) {
                cohorts.remove(&id);
            }
        }
        let cohorts = cohorts.into_iter();
        Release::new(k, cohorts.map(|(id, group)| Cohort { id, members: group.count() }).collect())
    }
}

/// The members of a cohort while it may still grow.
#[derive(Clone, Debug, Default)]
struct Group<'a> {
    /// A large cohort's stay where they were counted.
    seats: Cow<'a, [(u32, Member)]>,
    alone: u64,
}

impl<'a> Group<'a> {
    /// How many there are, once it is settled.
    fn count(&self) -> u64 {
        self.seats.len() as u64 + self.alone
    }

    fn take_in(&mut self, other: Group<'a>) {
        self.alone += other.alone;
        if self.seats.is_empty() {
            self.seats = other.seats;
        } else {
            self.seats.to_mut().extend_from_slice(&other.seats);
        }
    }

    /// A member of several of the cohorts it was made of is one.
    fn settle(&mut self) {
        if let Cow::Owned(seats) = &mut self.seats {
            seats.sort_unstable_by_key(|seat| seat.1);
            seats.dedup_by_key(|seat| seat.1);
        }
    }
}

/// A cohort that may be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// Its id.
    pub id: CohortId,
    /// How many members it has.
    pub members: u64,
}

impl Cohort {
    /// `{"id":"eco_10013","n":1204}`
    fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("id").string(self.id.as_str());
        writer.key("n").integer(self.members);
        writer.finish()
    }
}

/// What may be said of an audience's cohorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    k: u64,
    cohorts: Vec<Cohort>,
    cohorts_root: Hash,
}

impl Release {
    fn new(k: u64, cohorts: Vec<Cohort>) -> Result<Self> {
        let hashes =
            cohorts.iter().map(|cohort| proof::hash(cohort.to_json().as_bytes(), None)).collect();
        let batch = Batch::new(hashes).map_err(|_| {
            let detail = alloc::format!("no cohort with {k} members is left to be named");
            Error::new(Code::Release).because(detail)
        })?;
        let cohorts_root = batch.root();
        Ok(Self { k, cohorts, cohorts_root })
    }

    /// The cohorts, sorted by id, at least one.
    pub fn cohorts(&self) -> &[Cohort] {
        &self.cohorts
    }

    /// The audience document in JCS form: the roots of the records' batches in order of their
    /// cells, and how many proofs are in them.
    pub fn document(&self, batch_roots: &[Hash], count: u64) -> String {
        let mut writer = Writer::object();
        writer.key("batch_roots").hashes(batch_roots);
        writer.key("canon").string(canonical::NAME);
        writer.key("cohort_count").integer(self.cohorts.len() as u64);
        writer.key("cohorts_root").hash(&self.cohorts_root);
        writer.key("count").integer(count);
        writer.key("k").integer(self.k);
        writer.key("kind").string("audience");
        writer.key("v").integer(1);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn wider(id: &str) -> Option<String> {
        CohortId::parse(id).unwrap().wider().map(|id| id.to_string())
    }

    #[test]
    fn an_id_is_a_name_and_perhaps_a_place() {
        let longest = "a".repeat(63);
        for (id, next) in [
            ("eco", None),
            ("e", None),
            ("a1_b2", None),
            ("a__b", None),
            // Neither five digits nor three behind the words.
            ("eco_1001", None),
            ("eco_100133", None),
            ("a_zip3_1000", None),
            ("a_zip3_10", None),
            ("a_zip_100", None),
            ("zip3_100", None),
            ("dma", None),
            ("a10013", None),
            ("eco_10013", Some("eco_zip3_100")),
            ("eco_00501", Some("eco_zip3_005")),
            ("a_zip3_10013", Some("a_zip3_zip3_100")),
            ("zip3_10013", Some("zip3_zip3_100")),
            ("eco_zip3_100", Some("eco")),
            ("eco_dma_501", Some("eco")),
            ("zip3_100_dma_501", Some("zip3_100")),
        ] {
            assert_eq!(wider(id).as_deref(), next, "{id}");
        }
        for place in ["", "_10013", "_zip3_100", "_dma_501"] {
            assert!(CohortId::parse(&alloc::format!("{longest}{place}")).is_ok(), "{place}");
            let error = CohortId::parse(&alloc::format!("{longest}a{place}")).unwrap_err();
            assert_eq!(error.code(), Code::CohortId, "{place}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused_and_not_repaired() {
        for wrong in [
            "",
            "Eco",
            "eco_Renters",
            "eco-1",
            "eco ",
            " eco",
            "eco\n",
            "eco.10013",
            "_eco",
            "1eco",
            "10013",
            "_10013",
            "_zip3_100",
            "eco_",
            "eco_10013_",
            "eco__10013",
            "eco__zip3_100",
            "eco_zip3_",
            "eco_10013_10014",
            "eco_zip3_100_10013",
            "eco_10013_zip3_100",
            "eco_dma_501_zip3_100",
            "\u{e9}co",
            "eco_1001\u{663}",
        ] {
            let error = CohortId::parse(wrong).unwrap_err();
            assert_eq!(error.code(), Code::CohortId, "{wrong:?}");
        }
    }

    /// `(cohort, member)`; a member of one's own is "".
    fn release(seats: &[(Option<&str>, &str)], k: u64) -> Result<Vec<(String, u64)>> {
        let mut census = Census::default();
        for (cohort, member) in seats {
            census.push(*cohort, Member::of(member))?;
        }
        let cohorts = census.release(k)?.cohorts;
        Ok(cohorts.iter().map(|cohort| (cohort.id.to_string(), cohort.members)).collect())
    }

    #[track_caller]
    fn released(seats: &[(Option<&str>, &str)], k: u64, expected: &[(&str, u64)]) {
        let found = release(seats, k).unwrap();
        let found: Vec<_> = found.iter().map(|(id, members)| (id.as_str(), *members)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn small_cohorts_are_made_wider_and_members_counted_once() {
        let zips = [(Some("a_10013"), "1"), (Some("a_10014"), "2"), (Some("a_10014"), "2")];
        released(&zips, 2, &[("a_zip3_100", 2)]);
        // One and the same member in two zip codes is one in what covers both.
        let same = [(Some("a_10013"), "1"), (Some("a_10014"), "1")];
        assert_eq!(release(&same, 2).unwrap_err().code(), Code::Release);
        let far = [(Some("a_10013"), "1"), (Some("a_20001"), "2"), (Some("a_dma_501"), "3")];
        released(&far, 3, &[("a", 3)]);
        // Rows without a member are one each, the same row twice too.
        released(&[(Some("a"), ""), (Some("a"), "")], 2, &[("a", 2)]);
        released(&[(Some("a"), ""), (Some("a"), "1"), (Some("a"), "1")], 2, &[("a", 2)]);
    }

    #[test]
    fn a_small_remainder_takes_the_smallest_cohort_with_it() {
        let two = [(Some("b"), "1"), (Some("b"), "2"), (Some("c"), "3"), (Some("c"), "4")];
        released(&two, 2, &[("b", 2), ("c", 2)]);
        // Of two of one size the first by id.
        let one_left = [&two[..], &[(Some("tiny"), "5")]].concat();
        released(&one_left, 2, &[("c", 2)]);
        let in_none = [&two[..], &[(None, "5")]].concat();
        released(&in_none, 2, &[("c", 2)]);
        let enough_left = [&two[..], &[(Some("tiny"), "5"), (None, "6")]].concat();
        released(&enough_left, 2, &[("b", 2), ("c", 2)]);
        let same_left = [&two[..], &[(Some("tiny"), "5"), (None, "5")]].concat();
        released(&same_left, 2, &[("c", 2)]);
    }

    #[test]
    fn what_cannot_be_released_is_refused() {
        let alone = [(Some("a"), "1"), (Some("a"), "2"), (Some("b"), "3")];
        for (seats, k, code) in [
            (&alone[..], 2, Code::Release),
            (&alone[..2], 3, Code::Release),
            (&alone[..2], 0, Code::CohortSize),
            (&alone[..2], 1, Code::CohortSize),
            (&[], 2, Code::Release),
            (&[(Some("A"), "1")], 2, Code::CohortId),
            (&[(Some(""), "1")], 2, Code::CohortId),
        ] {
            assert_eq!(release(seats, k).unwrap_err().code(), code, "{seats:?}");
        }
    }

    #[test]
    fn the_document_says_what_is_released() {
        let mut census = Census::default();
        census.push(Some("a"), None).unwrap();
        census.push(Some("a"), None).unwrap();
        let release = census.release(2).unwrap();
        let cohort = proof::hash(br#"{"id":"a","n":2}"#, None);
        let root = crate::hex::format_hash(&crate::merkle::leaf(&cohort));
        let zeros = "0".repeat(64);
        assert_eq!(
            release.document(&[[0; 32]], 2),
            alloc::format!(
                "{{\"batch_roots\":[\"0x{zeros}\"],\"canon\":\"precise-jcs-1\",\
                 \"cohort_count\":1,\"cohorts_root\":\"{root}\",\"count\":2,\"k\":2,\
                 \"kind\":\"audience\",\"v\":1}}"
            )
        );
    }

    #[test]
    fn repeats_do_not_pile_up() {
        let mut census = Census::default();
        for i in 0..400_000 {
            let id = alloc::format!("{}", i % 1000);
            census.push(Some("a"), Member::of(&id)).unwrap();
        }
        assert!(census.seats.capacity() <= 4 * SETTLE_LEN, "{}", census.seats.capacity());
        assert_eq!(census.release(2).unwrap().cohorts[0].members, 1000);
    }
}
