//! Rule sets: which cohorts a record is in (SPEC.md sections 8.5 and 8.6).
//!
//! A rule set is read once, into numbers of the fields that its conditions are about. A record is
//! read in one pass, which keeps what stands in those fields; then each cohort's rule looks there.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use crate::canonical::{append_name, canonicalize};
use crate::cohort::CohortId;
use crate::document::{Document, Members};
use crate::error::{Code, Error, Result};
use crate::field::{FieldPath, Fields, Signal, Signals};
use crate::json::Reader;
use crate::merkle::Hash;
use crate::number;
use crate::proof;

/// The longest canonical form: 1 MiB.
pub const MAX_LEN: usize = 1 << 20;

/// Cohorts of one rule set.
pub const MAX_COHORTS: usize = 10_000;

/// How deep rules nest, the cohort's own being the first.
pub const MAX_DEPTH: usize = 16;

/// Characters of a version.
const MAX_VERSION: usize = 64;

/// A rule set.
#[derive(Clone, Debug)]
pub struct Ruleset {
    hash: Hash,
    version: String,
    cohorts: Vec<Cohort>,
    fields: Fields,
    /// Where conditions look, by the numbers of the fields.
    signals: BTreeMap<usize, String>,
    zip: usize,
    dma: usize,
}

#[derive(Clone, Debug)]
struct Cohort {
    name: String,
    rule: Rule,
    geo: Option<Geo>,
}

/// The place that an id gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Geo {
    Dma,
    Zip,
    Zip3,
}

#[derive(Clone, Debug)]
enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Condition { signal: String, field: usize, test: Test },
    Not(Box<Rule>),
}

/// What a condition asks of the value in its field.
#[derive(Clone, Debug)]
enum Test {
    Equal(Operand),
    Exists(bool),
    /// Sorted.
    In(Vec<Operand>),
    /// Whether it is on this side of the operand, or on that.
    Ordered(Operand, [Ordering; 2]),
    Unequal(Operand),
}

/// What a value is compared with: values of one type are in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operand {
    Boolean(bool),
    /// As [`number::ordinal`].
    Number(i128),
    /// In UTF-8, whose bytes are compared.
    String(String),
}

impl Ruleset {
    /// Reads a rule set in any spelling.
    ///
    /// Errors, each with its path: PR504, PR501 for a name that is none, PR505 for names that begin
    /// one another.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let root = Place { around: None, step: Step::Root };
        let canonical = canonicalize(json).map_err(|error| {
            let place = error.path().map_or_else(|| root.path(), Into::into);
            let fault = Error::new(Code::Ruleset).at_path(place);
            let fault = error.offset().map_or(fault.clone(), |offset| fault.at_offset(offset));
            // Its place is that of the fault, and said once.
            let (code, what) = (error.code(), error.code().message());
            let detail = error.detail().map_or_else(String::new, |detail| [": ", detail].concat());
            fault.because(alloc::format!("{code} {what}{detail}"))
        })?;
        if canonical.len() > MAX_LEN {
            let detail =
                alloc::format!("it has {} bytes, and at most 1 MiB are read", canonical.len());
            return Err(root.fault(detail));
        }
        let mut members = root.members(Document::read(&canonical, Code::Ruleset)?)?;
        let version = root.string(&mut members, "version")?;
        if !(1..=MAX_VERSION).contains(&version.chars().count()) {
            return Err(root.member("version").fault("it has 1 to 64 characters"));
        }
        let mut fields = Fields::default();
        let (zip, dma) = read_places(&root, &mut members, &mut fields)?;
        let place = root.member("cohorts");
        let list = place.elements(root.take(&mut members, "cohorts")?)?;
        if !(1..=MAX_COHORTS).contains(&list.len()) {
            let detail =
                alloc::format!("there are {} cohorts, and 1 to 10,000 are read", list.len());
            return Err(place.fault(detail));
        }
        let cohorts = list
            .into_iter()
            .enumerate()
            .map(|(i, cohort)| Cohort::read(&place.element(i), cohort, &mut fields))
            .collect::<Result<Vec<_>>>()?;
        demand_apart(&place, &cohorts)?;
        root.finish(members)?;
        let hash = proof::hash(&canonical, None);
        let mut signals = BTreeMap::new();
        for cohort in &cohorts {
            cohort.rule.add_signals(&mut signals);
        }
        Ok(Self { hash, version, cohorts, fields, signals, zip, dma })
    }

    /// Its proof hash.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// What it calls itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The names of its cohorts, in its order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.cohorts.iter().map(|cohort| cohort.name.as_str())
    }

    /// The fields that it reads, for who reads others with them.
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The texts that stand in the places of a record in which `signals` were found.
    pub(crate) fn places<'s>(&self, signals: &'s Signals) -> Places<'s> {
        Places { zip: signals.string(self.zip), dma: signals.string(self.dma) }
    }

    /// The ids of the cohorts of a record in which `signals` were found, and which is there.
    pub(crate) fn ids_into(&self, signals: &Signals, places: Places<'_>, ids: &mut Ids) {
        ids.clear();
        for cohort in &self.cohorts {
            if cohort.rule.holds(signals) {
                ids.push(&cohort.name, cohort.geo.and_then(|geo| places.of(geo)));
            }
        }
        ids.sort();
    }
}

/// Where a record says that it is, if it says so: texts that may be no places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places<'s> {
    pub(crate) zip: Option<&'s str>,
    pub(crate) dma: Option<&'s str>,
}

impl<'s> Places<'s> {
    /// What stands between a name and the digits of its place, and these; none if the record does
    /// not say its place.
    fn of(self, geo: Geo) -> Option<(&'static str, &'s str)> {
        let (word, place, digits) = match geo {
            Geo::Dma => ("_dma_", self.dma, 3),
            Geo::Zip => ("_", self.zip, 5),
            Geo::Zip3 => ("_zip3_", self.zip, 5),
        };
        let place = digits_of(place?, digits)?;
        Some((word, if geo == Geo::Zip3 { &place[..3] } else { place }))
    }
}

/// A text of so many ASCII digits.
pub(crate) fn digits_of(text: &str, count: usize) -> Option<&str> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// `places`: the fields in which a record says its zip code and its market area.
fn read_places(
    root: &Place<'_>,
    members: &mut Members,
    fields: &mut Fields,
) -> Result<(usize, usize)> {
    let mut named = None;
    if let Some(places) = members.take_optional("places") {
        let place = root.member("places");
        named = Some((place, place.members(places)?));
    }
    let mut field = |name: &'static str| -> Result<usize> {
        let path = match &mut named {
            Some((place, places)) if places.has(name) => {
                let path = place.string(places, name)?;
                FieldPath::parse(&path)
                    .map_err(|_| place.member(name).fault("a name in the path is empty"))?
            }
            _ => FieldPath::of_member(name),
        };
        Ok(fields.add(&path))
    };
    let found = (field("zip")?, field("dma")?);
    if let Some((place, places)) = named {
        place.finish(places)?;
    }
    Ok(found)
}

/// Refuses names that stand twice, or of which one, with `_` behind it, begins another.
fn demand_apart(place: &Place<'_>, cohorts: &[Cohort]) -> Result<()> {
    let refuse = |i: usize, what: &str, other: &str| {
        let place = place.element(i);
        let fault = Error::new(Code::CohortNames).at_path(place.member("name").path());
        Err(fault.because(alloc::format!("{:?} {what} {other:?}", cohorts[i].name)))
    };
    let mut names = BTreeSet::new();
    for (i, cohort) in cohorts.iter().enumerate() {
        if !names.insert(cohort.name.as_str()) {
            return refuse(i, "is the same name as", &cohort.name);
        }
    }
    for (i, cohort) in cohorts.iter().enumerate() {
        let mut begins = cohort.name.match_indices('_').map(|(at, _)| &cohort.name[..at]);
        if let Some(begin) = begins.find(|begin| names.contains(begin)) {
            return refuse(i, "begins with", begin);
        }
    }
    Ok(())
}

impl Cohort {
    fn read(place: &Place<'_>, json: Document, fields: &mut Fields) -> Result<Self> {
        let mut members = place.members(json)?;
        let name = place.string(&mut members, "name")?;
        let id =
            CohortId::parse(&name).map_err(|error| error.at_path(place.member("name").path()))?;
        if id.wider(None).is_some() {
            let detail = alloc::format!("{name:?} ends as a place does");
            let fault = Error::new(Code::CohortId).at_path(place.member("name").path());
            return Err(fault.because(detail));
        }
        let geo = match members.take_optional("geo") {
            None => None,
            Some(Document::String(geo)) if geo == "dma" => Some(Geo::Dma),
            Some(Document::String(geo)) if geo == "zip" => Some(Geo::Zip),
            Some(Document::String(geo)) if geo == "zip3" => Some(Geo::Zip3),
            Some(_) => return Err(place.member("geo").fault("it is zip, zip3 or dma")),
        };
        demand_one_rule(place, &members, &GROUPS)?;
        let rule = Rule::take_group(place, &mut members, fields, 1)?
            .ok_or_else(|| place.fault("a cohort has one of all, any and not"))?;
        place.finish(members)?;
        Ok(Self { name, rule, geo })
    }
}

impl Rule {
    /// Reads a rule at this depth that is an object of its own.
    fn read(place: &Place<'_>, json: Document, fields: &mut Fields, depth: usize) -> Result<Self> {
        if depth > MAX_DEPTH {
            return Err(place.fault("rules nest deeper than 16"));
        }
        let mut members = place.members(json)?;
        demand_one_rule(place, &members, &["all", "any", "not", "signal"])?;
        let rule = match Self::take_group(place, &mut members, fields, depth)? {
            Some(rule) => rule,
            None => Self::take_condition(place, &mut members, fields)?,
        };
        place.finish(members)?;
        Ok(rule)
    }

    /// Takes `all`, `any` or `not`, if one of them is there.
    fn take_group(
        place: &Place<'_>,
        members: &mut Members,
        fields: &mut Fields,
        depth: usize,
    ) -> Result<Option<Self>> {
        for (name, group) in [("all", Self::All as fn(Vec<Self>) -> Self), ("any", Self::Any)] {
            if let Some(rules) = members.take_optional(name) {
                let place = place.member(name);
                let rules = place.elements(rules)?;
                if rules.is_empty() {
                    return Err(place.fault("it has no rule"));
                }
                let rules = rules
                    .into_iter()
                    .enumerate()
                    .map(|(i, rule)| Self::read(&place.element(i), rule, fields, depth + 1))
                    .collect::<Result<_>>()?;
                return Ok(Some(group(rules)));
            }
        }
        members
            .take_optional("not")
            .map(|rule| {
                let rule = Self::read(&place.member("not"), rule, fields, depth + 1)?;
                Ok(Self::Not(Box::new(rule)))
            })
            .transpose()
    }

    fn take_condition(
        place: &Place<'_>,
        members: &mut Members,
        fields: &mut Fields,
    ) -> Result<Self> {
        let signal = place.string(members, "signal")?;
        let path = FieldPath::parse(&signal)
            .map_err(|_| place.member("signal").fault("a name in the path is empty"))?;
        demand_one_rule(place, members, &OPERATORS)?;
        let (name, operand) = OPERATORS
            .iter()
            .find_map(|name| Some((*name, members.take_optional(name)?)))
            .ok_or_else(|| {
                let detail = match members.names().next() {
                    Some(name) => alloc::format!("there is no operator {name:?}"),
                    None => "a condition has a signal and an operator".into(),
                };
                place.fault(detail)
            })?;
        let test = Test::read(&place.member(name), name, operand)?;
        Ok(Self::Condition { signal, field: fields.add(&path), test })
    }

    fn add_signals(&self, signals: &mut BTreeMap<usize, String>) {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                for rule in rules {
                    rule.add_signals(signals);
                }
            }
            Self::Condition { signal, field, .. } => {
                signals.entry(*field).or_insert_with(|| signal.clone());
            }
            Self::Not(rule) => rule.add_signals(signals),
        }
    }

    fn holds(&self, signals: &Signals) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.holds(signals)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(signals)),
            Self::Condition { field, test, .. } => test.holds(signals.get(*field)),
            Self::Not(rule) => !rule.holds(signals),
        }
    }
}

/// What a rule of other rules is.
const GROUPS: [&str; 3] = ["all", "any", "not"];

/// Refuses a rule that would be two.
fn demand_one_rule(place: &Place<'_>, members: &Members, names: &[&str]) -> Result<()> {
    let mut found = names.iter().filter(|name| members.has(name));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => {
            Err(place.fault(alloc::format!("it has both {one} and {other}: put one inside all")))
        }
        _ => Ok(()),
    }
}

/// The operators of conditions.
const OPERATORS: [&str; 8] = ["eq", "exists", "gt", "gte", "in", "lt", "lte", "ne"];

impl Test {
    fn read(place: &Place<'_>, operator: &str, json: Document) -> Result<Self> {
        match operator {
            "gt" => Self::ordered(place, json, [Ordering::Greater, Ordering::Greater]),
            "gte" => Self::ordered(place, json, [Ordering::Greater, Ordering::Equal]),
            "lt" => Self::ordered(place, json, [Ordering::Less, Ordering::Less]),
            "lte" => Self::ordered(place, json, [Ordering::Less, Ordering::Equal]),
            "eq" => Operand::read(place, json).map(Self::Equal),
            "ne" => Operand::read(place, json).map(Self::Unequal),
            "exists" => match json {
                Document::Boolean(exists) => Ok(Self::Exists(exists)),
                _ => Err(place.fault("it is true or false")),
            },
            _ => {
                let operands = place.elements(json)?;
                if operands.is_empty() {
                    return Err(place.fault("it has no value"));
                }
                let mut operands = operands
                    .into_iter()
                    .enumerate()
                    .map(|(i, operand)| Operand::read(&place.element(i), operand))
                    .collect::<Result<Vec<_>>>()?;
                operands.sort_unstable();
                Ok(Self::In(operands))
            }
        }
    }

    fn ordered(place: &Place<'_>, json: Document, sides: [Ordering; 2]) -> Result<Self> {
        match Operand::read(place, json)? {
            Operand::Boolean(_) => Err(place.fault("it is a string or a number")),
            operand => Ok(Self::Ordered(operand, sides)),
        }
    }

    /// Whether it is true of what stands in the field; none if that is missing.
    fn holds(&self, signal: Option<Signal<'_>>) -> bool {
        let compare = |operand: &Operand| signal.and_then(|signal| operand.compare(signal));
        match self {
            Self::Equal(operand) => compare(operand) == Some(Ordering::Equal),
            Self::Exists(exists) => signal.is_some() == *exists,
            Self::In(operands) => signal.is_some_and(|signal| {
                let place = operands.binary_search_by(|operand| operand.order(signal).reverse());
                place.is_ok()
            }),
            Self::Ordered(operand, sides) => {
                compare(operand).is_some_and(|side| sides.contains(&side))
            }
            Self::Unequal(operand) => compare(operand).is_some_and(Ordering::is_ne),
        }
    }
}

impl Operand {
    fn read(place: &Place<'_>, json: Document) -> Result<Self> {
        match json {
            Document::Boolean(boolean) => Ok(Self::Boolean(boolean)),
            Document::Number(number) => match number::ordinal_of(&number) {
                Ok(ordinal) => Ok(Self::Number(ordinal)),
                Err(_) => Err(place.fault("it is no number of a record")),
            },
            Document::String(string) => Ok(Self::String(string)),
            _ => Err(place.fault("it is a string, a number or a boolean")),
        }
    }

    /// How a value is ordered beside this one; none if it is of another type.
    fn compare(&self, signal: Signal<'_>) -> Option<Ordering> {
        match (signal, self) {
            (Signal::Boolean(value), Self::Boolean(operand)) => Some(value.cmp(operand)),
            (Signal::Number { ordinal, .. }, Self::Number(operand)) => Some(ordinal.cmp(operand)),
            (Signal::String(value), Self::String(operand)) => Some(value.cmp(operand.as_bytes())),
            _ => None,
        }
    }

    /// The same where types are ordered as well.
    fn order(&self, signal: Signal<'_>) -> Ordering {
        let of_operand = match self {
            Self::Boolean(_) => 0,
            Self::Number(_) => 1,
            Self::String(_) => 2,
        };
        let of_signal = match signal {
            Signal::Boolean(_) => 0,
            Signal::Number { .. } => 1,
            Signal::String(_) => 2,
            Signal::Other => 3,
        };
        self.compare(signal).unwrap_or_else(|| of_signal.cmp(&of_operand))
    }
}

/// Ids of one record's cohorts after the other's, sorted by bytes. Buffers are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    text: String,
    ranges: Vec<Range<usize>>,
}

impl Ids {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.ranges.iter().map(|range| &self.text[range.clone()])
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ranges.clear();
    }

    fn push(&mut self, name: &str, place: Option<(&str, &str)>) {
        let start = self.text.len();
        self.text.push_str(name);
        if let Some((word, digits)) = place {
            self.text.push_str(word);
            self.text.push_str(digits);
        }
        self.ranges.push(start..self.text.len());
    }

    fn sort(&mut self) {
        let Self { text, ranges } = self;
        ranges.sort_unstable_by_key(|range| &text[range.clone()]);
    }
}

/// Finds the cohorts of one record after the other, in buffers it keeps.
///
/// ```
/// use precise_core::ruleset::{Matcher, Ruleset};
/// let rules = br#"{"cohorts":[{"all":[{"eq":"rent","signal":"housing"}],"geo":"zip",
///     "name":"renters"}],"version":"1"}"#;
/// let rules = Ruleset::parse(rules)?;
/// let mut matcher = Matcher::default();
/// let mut ids = matcher.ids(&rules, br#"{"housing":"rent","zip":"10013"}"#)?;
/// assert_eq!(ids.next(), Some("renters_10013"));
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    reader: Reader,
    signals: Signals,
    ids: Ids,
    /// By the numbers of fields: whether any record so far had them.
    seen: Vec<bool>,
}

impl Matcher {
    /// The ids of the cohorts of the record with this canonical form, sorted by bytes.
    ///
    /// Errors: as [`Reader::read`], for what is no canonical form.
    pub fn ids(
        &mut self,
        ruleset: &Ruleset,
        canonical: &[u8],
    ) -> Result<impl ExactSizeIterator<Item = &str>> {
        self.signals.read(&mut self.reader, &ruleset.fields, canonical)?;
        self.signals.note(&mut self.seen);
        let places = ruleset.places(&self.signals);
        ruleset.ids_into(&self.signals, places, &mut self.ids);
        Ok(self.ids.iter())
    }

    /// The signals of conditions that no record had so far, in no particular order: a condition on
    /// such a one was true of none, unless it asks for that.
    pub fn unseen<'r>(&self, ruleset: &'r Ruleset) -> impl Iterator<Item = &'r str> {
        let seen = |field: &usize| self.seen.get(*field).is_some_and(|seen| *seen);
        let unseen = ruleset.signals.iter().filter(move |(field, _)| !seen(field));
        unseen.map(|(_, signal)| signal.as_str())
    }
}

/// A place in the document that is read, for its faults.
#[derive(Clone, Copy)]
struct Place<'p> {
    around: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Element(usize),
    Member(&'p str),
    Root,
}

impl<'p> Place<'p> {
    fn member(&'p self, name: &'p str) -> Self {
        Self { around: Some(self), step: Step::Member(name) }
    }

    fn element(&'p self, i: usize) -> Self {
        Self { around: Some(self), step: Step::Element(i) }
    }

    /// As SPEC.md section 1.1 spells it.
    fn path(&self) -> String {
        let mut path = self.around.map_or_else(String::new, Self::path);
        match self.step {
            Step::Element(i) => path.push_str(&alloc::format!("[{i}]")),
            Step::Member(name) => append_name(name.as_bytes(), &mut path),
            Step::Root => path.push('$'),
        }
        path
    }

    fn fault(&self, detail: impl Into<alloc::borrow::Cow<'static, str>>) -> Error {
        Error::new(Code::Ruleset).at_path(self.path()).because(detail)
    }

    fn members(&self, json: Document) -> Result<Members> {
        json.into_members(Code::Ruleset).map_err(|error| error.at_path(self.path()))
    }

    fn elements(&self, json: Document) -> Result<Vec<Document>> {
        json.into_elements(Code::Ruleset).map_err(|error| error.at_path(self.path()))
    }

    fn take(&self, members: &mut Members, name: &'static str) -> Result<Document> {
        members.take(name).map_err(|error| error.at_path(self.path()))
    }

    fn string(&self, members: &mut Members, name: &'static str) -> Result<String> {
        match self.take(members, name)? {
            Document::String(string) => Ok(string),
            _ => Err(self.member(name).fault("it is not a string")),
        }
    }

    /// Refuses members that were not taken.
    fn finish(&self, members: Members) -> Result<()> {
        members.finish().map_err(|error| error.at_path(self.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule set of the cohort `eco`, with this rule.
    fn eco(rule: &str) -> String {
        alloc::format!("{{\"cohorts\":[{{\"all\":[{rule}],\"name\":\"eco\"}}],\"version\":\"1\"}}")
    }

    fn is_in(rule: &str, record: &str) -> Result<bool> {
        let ruleset = Ruleset::parse(eco(rule).as_bytes())?;
        let canonical = canonicalize(record.as_bytes())?;
        Ok(Matcher::default().ids(&ruleset, &canonical)?.len() == 1)
    }

    #[test]
    fn a_condition_is_false_of_what_is_missing_or_of_another_type() -> Result<()> {
        let operators = ["eq", "ne", "gt", "gte", "lt", "lte"];
        let equal = [true, false, false, true, false, true];
        let above = [false, true, true, true, false, false];
        for (operand, record, expected) in [
            ("1", r#"{"a":1.0}"#, equal),
            ("1", r#"{"a":1.01}"#, above),
            ("\"b\"", r#"{"a":"b"}"#, equal),
            ("\"b\"", r#"{"a":"ba"}"#, above),
            ("1", r#"{"a":"1"}"#, [false; 6]),
            ("\"1\"", r#"{"a":1}"#, [false; 6]),
            ("1", r#"{"a":true}"#, [false; 6]),
            ("1", r#"{"a":null}"#, [false; 6]),
            ("1", r#"{"a":[1]}"#, [false; 6]),
            ("1", r#"{"b":1}"#, [false; 6]),
            ("1", "1", [false; 6]),
        ] {
            for (operator, expected) in operators.into_iter().zip(expected) {
                let rule = alloc::format!("{{\"{operator}\":{operand},\"signal\":\"a\"}}");
                assert_eq!(is_in(&rule, record)?, expected, "{rule} {record}");
                let not = alloc::format!("{{\"not\":{rule}}}");
                assert_eq!(is_in(&not, record)?, !expected, "{not} {record}");
            }
        }
        for (record, expected) in
            [("{}", false), (r#"{"a":null}"#, true), (r#"{"a":{}}"#, true), ("[]", false)]
        {
            assert_eq!(is_in(r#"{"exists":true,"signal":"a"}"#, record)?, expected, "{record}");
            assert_eq!(is_in(r#"{"exists":false,"signal":"a"}"#, record)?, !expected, "{record}");
        }
        Ok(())
    }

    #[test]
    fn a_signal_that_no_record_has_is_named() -> Result<()> {
        let rules = r#"{"any":[{"eq":1,"signal":"a"},{"not":{"ne":2,"signal":"b.c"}}]}"#;
        let ruleset = Ruleset::parse(eco(rules).as_bytes())?;
        let mut matcher = Matcher::default();
        let unseen = |matcher: &Matcher| {
            let mut unseen: Vec<String> = matcher.unseen(&ruleset).map(String::from).collect();
            unseen.sort();
            unseen
        };
        assert_eq!(unseen(&matcher), ["a", "b.c"]);
        for (record, expected) in
            [("{}", &["a", "b.c"][..]), (r#"{"b":{"c":null}}"#, &["a"]), (r#"{"a":"x"}"#, &[])]
        {
            assert!(matcher.ids(&ruleset, record.as_bytes())?.len() <= 1);
            assert_eq!(unseen(&matcher), expected, "{record}");
        }
        Ok(())
    }

    /// What is said of a fault names what is at fault.
    #[test]
    fn a_fault_says_what_is_wrong() {
        let good = eco(r#"{"gt":1,"signal":"a"}"#);
        for (from, to, detail) in [
            ("\"gt\"", "\"like\"", "there is no operator \"like\""),
            ("\"gt\":1,", "", "a condition has a signal and an operator"),
            ("\"gt\":1,", "\"gt\":1,\"lt\":2,", "it has both gt and lt: put one inside all"),
            ("\"name\"", "\"any\":[],\"name\"", "it has both all and any: put one inside all"),
            ("\"gt\"", "\"not\":{},\"gt\"", "it has both not and signal: put one inside all"),
            ("\"1\"", "1", "it is not a string"),
            ("\"1\"", "\"1\",\"version\":\"2\"", "PR106 an object has the same key twice"),
        ] {
            let text = good.replace(from, to);
            let fault = Ruleset::parse(text.as_bytes()).err();
            assert_eq!(fault.as_ref().and_then(Error::detail), Some(detail), "{text}");
            let places = fault.map(|fault| alloc::format!("{fault}").matches("at $").count());
            assert_eq!(places, Some(1), "{text}");
        }
    }

    #[test]
    fn a_fault_has_its_path() {
        let good = eco(r#"{"in":[1,"b"],"signal":"a"}"#);
        assert!(Ruleset::parse(good.as_bytes()).is_ok());
        for (from, to, code, path) in [
            ("\"1\"", "1", Code::Ruleset, "$.version"),
            ("\"version\"", "\"versions\"", Code::Ruleset, "$"),
            ("\"eco\"", "[]", Code::Ruleset, "$.cohorts[0].name"),
            ("\"eco\"", "\"eco\",\"name\":1", Code::Ruleset, "$.cohorts[0].name"),
            ("\"1\"", "\"\"", Code::Ruleset, "$.version"),
            ("\"b\"", "null", Code::Ruleset, "$.cohorts[0].all[0].in[1]"),
            ("[1,\"b\"]", "[]", Code::Ruleset, "$.cohorts[0].all[0].in"),
            ("\"a\"", "\"a.\"", Code::Ruleset, "$.cohorts[0].all[0].signal"),
            ("\"in\"", "\"on\"", Code::Ruleset, "$.cohorts[0].all[0]"),
            ("\"all\"", "\"each\"", Code::Ruleset, "$.cohorts[0]"),
            ("\"eco\"", "\"Eco\"", Code::CohortId, "$.cohorts[0].name"),
            ("\"eco\"", "\"eco_10013\"", Code::CohortId, "$.cohorts[0].name"),
            ("1,", "1e400,", Code::Ruleset, "$.cohorts[0].all[0].in[0]"),
            ("\"version\"", "\"places\":{\"zip\":\"\"},\"version\"", Code::Ruleset, "$.places.zip"),
            ("\"version\"", "\"places\":{\"zap\":\"\"},\"version\"", Code::Ruleset, "$.places"),
        ] {
            let text = good.replace(from, to);
            let found = Ruleset::parse(text.as_bytes())
                .map_err(|error| (error.code(), error.path().map(String::from)));
            assert_eq!(found.err(), Some((code, Some(path.into()))), "{text}");
        }
    }
}
