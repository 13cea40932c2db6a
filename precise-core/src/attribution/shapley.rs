//! The Shapley values of a game of the caller's own (SPEC.md section 9.5), exact: fractions over n!
//! as integers.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::model::largest_first;
use super::path::check_cohort;
use crate::decimal::{self, Unfit};
use crate::document::{Document, Writer};
use crate::error::{Code, Error, Result};

/// Cohorts that a game may have.
const MAX_COHORTS: usize = 20;

/// Decimals of what a set of cohorts is worth.
const WORTH_DECIMALS: u32 = 6;

/// Worths are below this, 10^12.
const MAX_WORTH: u128 = 10_u128.pow(12 + WORTH_DECIMALS);

/// Decimals of a Shapley value.
const VALUE_DECIMALS: u32 = 12;

/// Which sets of cohorts are worth what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Game {
    /// Sorted by their bytes, at least one.
    cohorts: Vec<String>,
    /// By the set, bit i for cohort i; in 10^-6.
    worths: BTreeMap<u32, i128>,
}

impl Game {
    /// Reads a JSON array of sets with what they are worth.
    ///
    /// Error: PR518.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let elements = Document::read(json, Code::Game)?.into_elements(Code::Game)?;
        let mut sets = Vec::with_capacity(elements.len());
        for element in elements {
            let mut members = element.into_members(Code::Game)?;
            let cohorts = members.take("cohorts")?.into_elements(Code::Game)?;
            let worth = read_worth(&members.take("value")?)?;
            members.finish()?;
            let cohorts: Vec<String> =
                cohorts.into_iter().map(read_cohort).collect::<Result<_>>()?;
            sets.push((cohorts, worth));
        }
        let mut numbers: BTreeMap<&str, u32> = sets
            .iter()
            .flat_map(|(cohorts, _)| cohorts)
            .map(|cohort| (cohort.as_str(), 0))
            .collect();
        if numbers.is_empty() {
            return Err(malformed("it has no cohort"));
        }
        if numbers.len() > MAX_COHORTS {
            return Err(malformed("it has more than 20 cohorts"));
        }
        for (i, number) in (0..).zip(numbers.values_mut()) {
            *number = i;
        }
        let mut worths = BTreeMap::new();
        for (cohorts, worth) in &sets {
            let mut set = 0_u32;
            for cohort in cohorts {
                let bit = 1 << numbers[cohort.as_str()];
                if set & bit != 0 {
                    return Err(malformed("a cohort stands twice in one set"));
                }
                set |= bit;
            }
            if worths.insert(set, *worth).is_some() {
                return Err(malformed("a set stands twice"));
            }
        }
        Ok(Self { cohorts: numbers.into_keys().map(String::from).collect(), worths })
    }
}

fn read_cohort(cohort: Document) -> Result<String> {
    match cohort {
        Document::String(cohort) => {
            check_cohort(cohort.as_bytes()).map_err(malformed)?;
            Ok(cohort)
        }
        _ => Err(malformed("a cohort is not a string")),
    }
}

fn read_worth(worth: &Document) -> Result<i128> {
    let (Document::Number(text) | Document::String(text)) = worth else {
        return Err(malformed("a value is neither a number nor a string"));
    };
    let worth = decimal::parse(text, WORTH_DECIMALS).map_err(|unfit| malformed(unfit.detail()))?;
    if worth.unsigned_abs() < MAX_WORTH { Ok(worth) } else { Err(malformed(Unfit::Size.detail())) }
}

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Game).because(detail)
}

/// The Shapley value of one cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapleyValue {
    /// The cohort.
    pub cohort: String,
    /// In 10^-12.
    pub value: i128,
}

/// The value of each cohort, sorted by cohort.
pub fn values(game: &Game) -> Vec<ShapleyValue> {
    let n = game.cohorts.len();
    // n!, at most 2.4 · 10^18.
    let whole: i128 = factorial(n);
    // Each value as a numerator over n!, in 10^-6. In S ∪ i a set counts for its own cohorts, in S
    // against the others. The factors of the sets with one cohort sum to n!, and so do those
    // without: a numerator is below 2 · n! · 10^18, 5 · 10^36.
    let mut numerators = alloc::vec![0_i128; n];
    for (&set, &worth) in &game.worths {
        let size = set.count_ones() as usize;
        let with = if size > 0 { factorial(size - 1) * factorial(n - size) } else { 0 };
        let without = if size < n { factorial(size) * factorial(n - size - 1) } else { 0 };
        for (i, numerator) in numerators.iter_mut().enumerate() {
            if set >> i & 1 == 1 {
                *numerator += with * worth;
            } else {
                *numerator -= without * worth;
            }
        }
    }
    let finer = 10_i128.pow(VALUE_DECIMALS - WORTH_DECIMALS);
    let worth = |set: u32| game.worths.get(&set).copied().unwrap_or_default();
    let mut rest = (worth((1 << n) - 1) - worth(0)) * finer;
    let mut parts = Vec::with_capacity(n);
    let mut remainders = Vec::with_capacity(n);
    for (i, numerator) in numerators.into_iter().enumerate() {
        // In two steps, so that nothing grows above 10^25.
        let fine = numerator.rem_euclid(whole) * finer;
        let part = numerator.div_euclid(whole) * finer + fine / whole;
        rest -= part;
        parts.push(part);
        remainders.push(((fine % whole) as u128, i));
    }
    // Values sum to what all are worth but for what was rounded, less than 1 each.
    for i in largest_first(remainders).take(rest as usize) {
        parts[i] += 1;
    }
    let values = game.cohorts.iter().cloned().zip(parts);
    values.map(|(cohort, value)| ShapleyValue { cohort, value }).collect()
}

fn factorial(n: usize) -> i128 {
    (1..=n as i128).product()
}

/// The values of a game as a JSON array, in JCS form.
pub fn to_json(values: &[ShapleyValue]) -> String {
    let objects = values.iter().map(|ShapleyValue { cohort, value }| {
        let mut text = Vec::new();
        decimal::append(*value, VALUE_DECIMALS, &mut text);
        let mut writer = Writer::object();
        writer.key("cohort").string(cohort);
        writer.key("method").string("shapley");
        writer.key("v").integer(1);
        writer.key("value").string(&String::from_utf8_lossy(&text));
        writer.finish()
    });
    super::array(objects)
}
