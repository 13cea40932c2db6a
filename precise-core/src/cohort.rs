//! Cohorts: which of an audience have enough members to be named, and the document that names them
//! (SPEC.md section 8).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;

use crate::canonical;
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::field::{FieldPath, Fields, Signals};
use crate::json::Reader;
use crate::merkle::{Batch, Hash};
use crate::proof;
use crate::ruleset::{Ids, Places, Ruleset, digits_of};

/// The members a cohort needs unless told otherwise.
pub const K: u64 = 1000;

/// Below this, a cohort would name its member.
pub const MIN_K: u64 = 2;

/// The field of a record that says which cohort it is in.
pub const COHORT_FIELD: &str = "cohort_id";

/// The field of a record that says its market area, where no rule set says another.
pub const MARKET_FIELD: &str = "dma";

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
    /// `_zip3_100`
    Zip3,
    /// `_dma_501`
    Market,
    /// No place.
    Name,
}

impl Width {
    const ALL: [Self; 4] = [Self::Zip, Self::Zip3, Self::Market, Self::Name];

    /// Whether a cohort of this width may yet be taken apart by market areas.
    fn is_zip(self) -> bool {
        matches!(self, Self::Zip | Self::Zip3)
    }
}

/// A market area: three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Market(u16);

impl Market {
    /// Reads three ASCII digits; all else is no market area.
    pub fn parse(text: &str) -> Option<Self> {
        digits_of(text, 3)?.parse().ok().map(Self)
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
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

    /// The next wider cohort, of a record in this market area. None above a name: that is the
    /// remainder.
    #[must_use]
    pub fn wider(&self, market: Option<Market>) -> Option<Self> {
        let (name, width) = split(&self.0);
        match width {
            Width::Zip => {
                let zip = &self.0[name.len() + 1..];
                Some(Self(alloc::format!("{name}_zip3_{}", &zip[..3])))
            }
            Width::Zip3 if let Some(market) = market => {
                Some(Self(alloc::format!("{name}_dma_{market}")))
            }
            Width::Zip3 | Width::Market => Some(Self(name.into())),
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
        3 => match front.strip_suffix("_zip3_") {
            Some(before) => (Some(before), Width::Zip3),
            None => (front.strip_suffix("_dma_"), Width::Market),
        },
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

    /// The member of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> [u8; 16] {
        self.0
    }
}

/// The key under which the releases of one label are compared: 32 random bytes.
#[derive(Clone)]
pub struct ReleaseKey([u8; 32]);

impl ReleaseKey {
    /// A key given as bytes.
    ///
    /// Error: PR304 for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| {
            Error::new(Code::SecretLength).because(alloc::format!("{} bytes", bytes.len()))
        })
    }

    /// The member with this id, as it is kept. The empty one is nobody's.
    pub fn member(&self, id: &str) -> Option<Member> {
        (!id.is_empty()).then(|| Member(self.hash(&[&[0], id.as_bytes()])))
    }

    /// The record that is a member of its own: the first of equal ones has the number 0.
    pub fn lone(&self, proof_hash: &Hash, number: u64) -> Member {
        Member(self.hash(&[&[0], &[0], proof_hash, &number.to_be_bytes()]))
    }

    /// The ids of the named cohorts that count a member, sorted by bytes, as they are kept.
    pub fn seats<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> [u8; 16] {
        let mut text = String::new();
        for id in ids {
            text.push_str(id);
            text.push('\n');
        }
        self.hash(&[&[1], text.as_bytes()])
    }

    fn hash(&self, pieces: &[&[u8]]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for piece in pieces {
            hasher.update(piece);
        }
        let [hash @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            *hasher.finalize().as_bytes();
        hash
    }
}

/// A key is not shown.
impl fmt::Debug for ReleaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReleaseKey")
    }
}

/// What is kept of a member of a release: who it is and which named cohorts count it, both hashed
/// under the label's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Released {
    /// As [`ReleaseKey::member`].
    pub member: [u8; 16],
    /// As [`ReleaseKey::seats`].
    pub seats: [u8; 16],
}

/// How many members differ between two releases, each sorted by member: those whose seats do, and
/// those who are in one of them alone.
pub fn count_differences(
    one: impl IntoIterator<Item = Released>,
    other: impl IntoIterator<Item = Released>,
) -> u64 {
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    let mut count = 0;
    loop {
        let side = match (one.peek(), other.peek()) {
            (None, None) => return count,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.member.cmp(&other.member),
        };
        let left = if side.is_le() { one.next() } else { None };
        let right = if side.is_ge() { other.next() } else { None };
        count += u64::from(left != right);
    }
}

/// Refuses a release that differs from an earlier one by so few members that they could be found by
/// comparing the two.
///
/// Error: PR506.
pub fn check_differences(count: u64, k: u64) -> Result<()> {
    if (1..k).contains(&count) {
        let detail = alloc::format!("{count} members differ, and k is {k}");
        return Err(Error::new(Code::ReleaseDifference).because(detail));
    }
    Ok(())
}

/// Where a record belongs, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// The ids of its cohorts: what a rule set gives it, or its `cohort_id`, if that is a string.
    pub cohorts: Vec<String>,
    /// Its market area, if it says one.
    pub market: Option<Market>,
    /// None: the record counts as a member of its own.
    pub member: Option<Member>,
}

/// What columns beside a record say in place of its fields. None: there is no such column; the
/// empty text: it says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'b> {
    /// Whose the record is.
    pub member: Option<&'b str>,
    /// Its zip code.
    pub zip: Option<&'b str>,
    /// Its market area.
    pub dma: Option<&'b str>,
}

/// Reads the seats of one record after the other, each in one pass. Buffers are kept.
#[derive(Clone, Debug)]
pub struct SeatReader {
    source: Source,
    fields: Fields,
    member: usize,
    key: Option<ReleaseKey>,
    reader: Reader,
    signals: Signals,
    ids: Ids,
}

/// What says which cohorts a record is in.
#[derive(Clone, Debug)]
enum Source {
    /// These fields of the record.
    Fields {
        cohort: usize,
        dma: usize,
    },
    Ruleset(Arc<Ruleset>),
}

impl SeatReader {
    /// Of records whose member is in the field `member`; a rule set says which cohorts they are in,
    /// or without one their own `cohort_id`. With a key, members are as they are kept under it.
    pub fn new(ruleset: Option<Arc<Ruleset>>, member: &FieldPath, key: Option<ReleaseKey>) -> Self {
        let mut fields =
            ruleset.as_ref().map(|ruleset| ruleset.fields().clone()).unwrap_or_default();
        let member = fields.add(member);
        let source = match ruleset {
            None => Source::Fields {
                cohort: fields.add(&FieldPath::of_member(COHORT_FIELD)),
                dma: fields.add(&FieldPath::of_member(MARKET_FIELD)),
            },
            Some(ruleset) => Source::Ruleset(ruleset),
        };
        Self {
            source,
            fields,
            member,
            key,
            reader: Reader::default(),
            signals: Signals::default(),
            ids: Ids::default(),
        }
    }

    /// Reads the seat of the record with this canonical form. A member that is a number is the one
    /// whose id is the number's canonical spelling.
    ///
    /// Errors: as [`Reader::read`], for what is no canonical form.
    pub fn read(&mut self, canonical: &[u8]) -> Result<Seat> {
        self.read_beside(canonical, Beside::default())
    }

    /// As [`read`](Self::read), where columns beside the record may count instead of its fields.
    ///
    /// Errors: as [`Reader::read`], for what is no canonical form.
    pub fn read_beside(&mut self, canonical: &[u8], beside: Beside<'_>) -> Result<Seat> {
        self.signals.read(&mut self.reader, &self.fields, canonical)?;
        let signals = &self.signals;
        let mut places = match &self.source {
            Source::Fields { dma, .. } => Places { zip: None, dma: signals.string(*dma) },
            Source::Ruleset(ruleset) => ruleset.places(signals),
        };
        places.zip = beside.zip.or(places.zip);
        places.dma = beside.dma.or(places.dma);
        let cohorts = match &self.source {
            Source::Fields { cohort, .. } => {
                signals.string(*cohort).map(Into::into).into_iter().collect()
            }
            Source::Ruleset(ruleset) => {
                ruleset.ids_into(signals, places, &mut self.ids);
                self.ids.iter().map(Into::into).collect()
            }
        };
        let market = places.dma.and_then(Market::parse);
        let member = beside.member.or_else(|| signals.text(self.member));
        let member = member.and_then(|id| match &self.key {
            None => Member::of(id),
            Some(key) => key.member(id),
        });
        Ok(Seat { cohorts, market, member })
    }
}

/// Counts the members of cohorts, each member once in each, wherever its records are.
///
/// ```
/// use precise_core::cohort::{Census, Member, Seat};
/// let mut census = Census::default();
/// for id in ["ann", "bob", "bob", "cy"] {
///     let cohorts = vec!["renters_10013".into()];
///     census.push(&Seat { cohorts, market: None, member: Member::of(id) }, &[0; 32])?;
/// }
/// let release = census.release(3)?;
/// assert_eq!(release.cohorts()[0].id.as_str(), "renters_10013");
/// assert_eq!(release.cohorts()[0].members, 3);
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// A number for each cohort; of zip codes, which may be taken apart, one for each market area.
    numbers: BTreeMap<CohortId, BTreeMap<Option<Market>, u32>>,
    /// By number: rows in one cohort that name no member.
    alone: Vec<u64>,
    /// The same for rows in no cohort.
    outside_alone: u64,
    /// Who is in which cohort. Repeats go when the list is settled.
    seats: Vec<(u32, Member)>,
    settled: usize,
    /// Rows in several cohorts that name no member.
    several: u64,
    /// With a key, what is kept of members is made as well.
    guard: Option<Guard>,
}

#[derive(Clone, Debug)]
struct Guard {
    key: ReleaseKey,
    /// How often a record that is a member of its own was met.
    lone: BTreeMap<Hash, u64>,
}

/// The number of no cohort.
const OUTSIDE: u32 = u32::MAX;

/// Repeats may not pile up: a census settles whenever it has doubled, and not before it has this
/// many seats, 1.3 MB.
const SETTLE_LEN: usize = 1 << 16;

impl Census {
    /// Begins one of a release that is to be compared with others. Seats have members as the key
    /// gives them.
    pub fn guarded(key: ReleaseKey) -> Self {
        Self { guard: Some(Guard { key, lone: BTreeMap::new() }), ..Self::default() }
    }

    /// Counts one record, whose proof hash is this.
    ///
    /// Error: PR501 for a malformed cohort id.
    pub fn push(&mut self, seat: &Seat, proof_hash: &Hash) -> Result<()> {
        let numbers = seat
            .cohorts
            .iter()
            .map(|id| self.number(id, seat.market))
            .collect::<Result<Vec<u32>>>()?;
        let member = seat.member.or_else(|| self.lone(numbers.len(), proof_hash));
        match (member, &numbers[..]) {
            (None, []) => self.outside_alone += 1,
            (None, numbers) => numbers.iter().for_each(|&number| self.alone[number as usize] += 1),
            (Some(member), numbers) => {
                if self.seats.len() >= (2 * self.settled).max(SETTLE_LEN) {
                    self.settle();
                }
                let outside = numbers.is_empty().then_some(OUTSIDE);
                let numbers = numbers.iter().copied().chain(outside);
                self.seats.extend(numbers.map(|number| (number, member)));
            }
        }
        Ok(())
    }

    /// Who a record is that names no member; none where it need only be counted. In several cohorts
    /// it needs a name, since they may meet in the remainder.
    fn lone(&mut self, cohorts: usize, proof_hash: &Hash) -> Option<Member> {
        if let Some(Guard { key, lone }) = &mut self.guard {
            let number = lone.entry(*proof_hash).or_default();
            *number += 1;
            return Some(key.lone(proof_hash, *number - 1));
        }
        (cohorts > 1).then(|| {
            self.several += 1;
            // No other record has this, and of a hash eight bytes would have to be zeros.
            let mut member = [0; 16];
            member[8..].copy_from_slice(&self.several.to_be_bytes());
            Member(member)
        })
    }

    fn number(&mut self, id: &str, market: Option<Market>) -> Result<u32> {
        let market = market.filter(|_| split(id).1.is_zip());
        if let Some(number) = self.numbers.get(id).and_then(|numbers| numbers.get(&market)) {
            return Ok(*number);
        }
        let id = CohortId::parse(id)
            .map_err(|error| error.at_path(alloc::format!("$.{COHORT_FIELD}")))?;
        let number = self.alone.len() as u32;
        self.alone.push(0);
        self.numbers.entry(id).or_default().insert(market, number);
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
        let groups = self.groups(k);
        let members = match &self.guard {
            None => Vec::new(),
            Some(guard) => self.released(&guard.key, &groups),
        };
        let cohorts = groups.into_iter();
        let cohorts = cohorts.map(|(id, group)| Cohort { id, members: group.count() }).collect();
        Release::new(k, cohorts, members)
    }

    /// The cohorts that may be named.
    fn groups(&self, k: u64) -> BTreeMap<CohortId, Group<'_>> {
        let mut cohorts: BTreeMap<CohortId, Group<'_>> = BTreeMap::new();
        for (id, numbers) in &self.numbers {
            let group = cohorts.entry(id.clone()).or_default();
            for (market, &number) in numbers {
                let alone = self.alone[number as usize];
                group.take_in(*market, Part { seats: self.seats_of(number).into(), alone });
            }
        }
        let mut remainder = Group::default();
        let outside = Part { seats: self.seats_of(OUTSIDE).into(), alone: self.outside_alone };
        remainder.take_in(None, outside);

        // What is too small is made wider, the narrowest first.
        for width in Width::ALL {
            let mut widened = Vec::new();
            cohorts.retain(|id, group| {
                let is_small = id.width() == width && group.count() < k;
                if is_small {
                    let parts = core::mem::take(group).parts.into_iter();
                    widened.extend(parts.map(|(market, part)| (id.wider(market), market, part)));
                }
                !is_small
            });
            for (wider, market, part) in widened {
                match wider {
                    Some(id) => {
                        let market = market.filter(|_| id.width().is_zip());
                        cohorts.entry(id).or_default().take_in(market, part);
                    }
                    None => remainder.take_in(None, part),
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
        cohorts
    }

    fn seats_of(&self, number: u32) -> &[(u32, Member)] {
        let start = self.seats.partition_point(|seat| seat.0 < number);
        let len = self.seats[start..].partition_point(|seat| seat.0 == number);
        &self.seats[start..start + len]
    }

    /// What is kept of all members, those in no named cohort too.
    fn released(&self, key: &ReleaseKey, named: &BTreeMap<CohortId, Group<'_>>) -> Vec<Released> {
        let mut seats: Vec<(Member, u32)> =
            self.seats.iter().map(|(_, member)| (*member, OUTSIDE)).collect();
        for (number, group) in (0..).zip(named.values()) {
            seats.extend(group.members().map(|member| (member, number)));
        }
        seats.sort_unstable();
        seats.dedup();
        let ids: Vec<&str> = named.keys().map(CohortId::as_str).collect();
        seats
            .chunk_by(|one, next| one.0 == next.0)
            .filter_map(|seats| {
                let (member, _) = seats.first()?;
                // Ids are numbered in their order; the last number is that of none.
                let ids = seats.iter().filter_map(|(_, number)| ids.get(*number as usize).copied());
                Some(Released { member: member.0, seats: key.seats(ids) })
            })
            .collect()
    }
}

/// The members of a cohort while it may still grow, by market area while it may be taken apart.
#[derive(Clone, Debug, Default)]
struct Group<'a> {
    parts: BTreeMap<Option<Market>, Part<'a>>,
}

#[derive(Clone, Debug, Default)]
struct Part<'a> {
    /// A large cohort's stay where they were counted.
    seats: Cow<'a, [(u32, Member)]>,
    alone: u64,
}

impl<'a> Group<'a> {
    /// How many members there are, once it is settled.
    fn count(&self) -> u64 {
        let alone: u64 = self.parts.values().map(|part| part.alone).sum();
        let mut seats = self.parts.values().filter(|part| !part.seats.is_empty());
        let count = match (seats.next(), seats.next()) {
            (None, _) => 0,
            (Some(part), None) => part.seats.len(),
            // Who has records in several market areas is one.
            (Some(_), Some(_)) => {
                let mut members: Vec<Member> = self.members().collect();
                members.sort_unstable();
                members.dedup();
                members.len()
            }
        };
        count as u64 + alone
    }

    /// Those who are not alone; one in several market areas comes several times.
    fn members(&self) -> impl Iterator<Item = Member> {
        self.parts.values().flat_map(|part| part.seats.iter().map(|(_, member)| *member))
    }

    fn take_in(&mut self, market: Option<Market>, other: Part<'a>) {
        let part = self.parts.entry(market).or_default();
        part.alone += other.alone;
        if part.seats.is_empty() {
            part.seats = other.seats;
        } else {
            part.seats.to_mut().extend_from_slice(&other.seats);
        }
    }

    /// A member of several of the cohorts it was made of is one.
    fn settle(&mut self) {
        for part in self.parts.values_mut() {
            if let Cow::Owned(seats) = &mut part.seats {
                seats.sort_unstable_by_key(|seat| seat.1);
                seats.dedup_by_key(|seat| seat.1);
            }
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
    members: Vec<Released>,
}

impl Release {
    fn new(k: u64, cohorts: Vec<Cohort>, members: Vec<Released>) -> Result<Self> {
        let hashes =
            cohorts.iter().map(|cohort| proof::hash(cohort.to_json().as_bytes(), None)).collect();
        let batch = Batch::new(hashes).map_err(|_| {
            let detail = alloc::format!("no cohort with {k} members is left to be named");
            Error::new(Code::Release).because(detail)
        })?;
        let cohorts_root = batch.root();
        Ok(Self { k, cohorts, cohorts_root, members })
    }

    /// The cohorts, sorted by id, at least one.
    pub fn cohorts(&self) -> &[Cohort] {
        &self.cohorts
    }

    /// The members of the audience, sorted, each once; none of a census that has no key.
    pub fn members(&self) -> &[Released] {
        &self.members
    }

    /// The audience document in JCS form: the roots of the records' batches in order of their
    /// cells, how many proofs are in them, and the rule set, if one said who is in which cohort.
    pub fn document(&self, batch_roots: &[Hash], count: u64, ruleset: Option<&Hash>) -> String {
        let mut writer = Writer::object();
        writer.key("batch_roots").hashes(batch_roots);
        writer.key("canon").string(canonical::NAME);
        writer.key("cohort_count").integer(self.cohorts.len() as u64);
        writer.key("cohorts_root").hash(&self.cohorts_root);
        writer.key("count").integer(count);
        writer.key("k").integer(self.k);
        writer.key("kind").string("audience");
        if let Some(hash) = ruleset {
            writer.key("ruleset_hash").hash(hash);
        }
        writer.key("v").integer(1);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn wider(id: &str, market: Option<&str>) -> Option<String> {
        let market = market.and_then(Market::parse);
        CohortId::parse(id).unwrap().wider(market).map(|id| id.to_string())
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
            assert_eq!(wider(id, None).as_deref(), next, "{id}");
            let of_market = if id.contains("zip3_100") && next == Some("eco") {
                Some("eco_dma_007")
            } else {
                next
            };
            assert_eq!(wider(id, Some("007")).as_deref(), of_market, "{id}");
        }
        for none in ["", "50", "5010", "+50", "50a", "\u{663}01", " 501"] {
            assert_eq!(Market::parse(none), None, "{none:?}");
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

    /// The seat of a record in these cohorts.
    fn seat<'c>(
        cohorts: impl IntoIterator<Item = &'c str>,
        market: Option<&str>,
        member: &str,
    ) -> Seat {
        let cohorts = cohorts.into_iter().map(Into::into).collect();
        let market = market.and_then(Market::parse);
        Seat { cohorts, market, member: Member::of(member) }
    }

    #[test]
    fn columns_beside_a_record_count_instead_of_its_fields() -> Result<()> {
        let rules =
            br#"{"cohorts":[{"all":[{"exists":true,"signal":"zip"}],"geo":"zip","name":"a"},
            {"any":[{"eq":"501","signal":"market"}],"geo":"dma","name":"b"}],
            "places":{"dma":"market"},"version":"1"}"#;
        let rules = Arc::new(Ruleset::parse(rules)?);
        let (id, record) = (FieldPath::parse("id")?, br#"{"id":1,"market":"501","zip":"10013"}"#);
        let mut seats = SeatReader::new(Some(Arc::clone(&rules)), &id, None);
        let mut read = |beside| seats.read_beside(record, beside);
        assert_eq!(read(Beside::default())?, seat(["a_10013", "b_dma_501"], Some("501"), "1"));
        let none = Beside { member: Some(""), zip: Some(""), dma: Some("") };
        assert_eq!(read(none)?, seat(["a", "b"], None, ""));
        let others = Beside { member: Some("2"), zip: Some("20001"), dma: Some("502") };
        // A condition is about the record.
        assert_eq!(read(others)?, seat(["a_20001", "b_dma_502"], Some("502"), "2"));
        let wrong = Beside { member: None, zip: Some("20001-1234"), dma: Some("50") };
        assert_eq!(read(wrong)?, seat(["a", "b"], None, "1"));
        // Without rules a zip code is for nothing.
        let mut seats = SeatReader::new(None, &id, None);
        let record = br#"{"cohort_id":"c_zip3_100","dma":"501","id":1}"#;
        assert_eq!(seats.read(record)?, seat(["c_zip3_100"], Some("501"), "1"));
        assert_eq!(seats.read_beside(record, others)?, seat(["c_zip3_100"], Some("502"), "2"));
        Ok(())
    }

    /// `(cohort, member)`; a member of one's own is "".
    fn release(seats: &[(Option<&str>, &str)], k: u64) -> Result<Vec<(String, u64)>> {
        let mut census = Census::default();
        for (cohort, member) in seats {
            census.push(&seat(*cohort, None, member), &[0; 32])?;
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
        census.push(&seat(["a"], None, ""), &[0; 32]).unwrap();
        census.push(&seat(["a"], None, ""), &[0; 32]).unwrap();
        let release = census.release(2).unwrap();
        let cohort = proof::hash(br#"{"id":"a","n":2}"#, None);
        let root = crate::hex::format_hash(&crate::merkle::leaf(&cohort));
        let zeros = "0".repeat(64);
        assert_eq!(
            release.document(&[[0; 32]], 2, None),
            alloc::format!(
                "{{\"batch_roots\":[\"0x{zeros}\"],\"canon\":\"precise-jcs-1\",\
                 \"cohort_count\":1,\"cohorts_root\":\"{root}\",\"count\":2,\"k\":2,\
                 \"kind\":\"audience\",\"v\":1}}"
            )
        );
        let of_rules = release.document(&[[0; 32]], 2, Some(&[0; 32]));
        let end = alloc::format!("\"kind\":\"audience\",\"ruleset_hash\":\"0x{zeros}\",\"v\":1}}");
        assert!(of_rules.ends_with(&end), "{of_rules}");
        assert_eq!(canonical::canonicalize(of_rules.as_bytes()).unwrap(), of_rules.as_bytes());
    }

    #[test]
    fn repeats_do_not_pile_up() {
        let mut census = Census::default();
        for i in 0..400_000 {
            let id = alloc::format!("{}", i % 1000);
            census.push(&seat(["a"], None, &id), &[0; 32]).unwrap();
        }
        assert!(census.seats.capacity() <= 4 * SETTLE_LEN, "{}", census.seats.capacity());
        assert_eq!(census.release(2).unwrap().cohorts[0].members, 1000);
    }
}
