//! Paths that come again: each is read once for as long as it is remembered, and credited once for
//! all of its rows together.
//!
//! Credit grows with what is credited and sums are exact, so that to credit a path with a total is
//! to credit it with every row. How often paths come again is up to the data: of journeys over a
//! few cohorts most do; where none does, a row costs a hash and a copy more.

use precise_core::attribution::TouchPath;
use precise_core::json::Reader;

/// Slots: what is remembered stays near the size of a core's second-level cache.
const SLOTS: usize = 1 << 15;

/// Longer texts are not remembered: at most 16 MB are.
const MAX_TEXT_LEN: usize = 512;

/// Counts above this are not added up, so that none is too large to be credited at once.
const MAX_COUNT: u64 = i64::MAX as u64;

/// Nor are values of 10^14 and more, in 10^-9: a model takes less than 10^15 at once.
const MAX_VALUE: u128 = 10_u128.pow(14 + 9);

/// What rows with one path say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) conversions: u64,
    pub(super) nulls: u64,
    /// In 10^-9; none if no row had one.
    pub(super) value: Option<i128>,
}

impl Tally {
    /// None if the sum is too large to be credited at once.
    fn plus(self, more: Self) -> Option<Self> {
        let value = match (self.value, more.value) {
            (Some(value), Some(more)) => Some(value + more),
            (value, more) => value.or(more),
        };
        let sum = Self {
            conversions: self.conversions.checked_add(more.conversions)?,
            nulls: self.nulls.checked_add(more.nulls)?,
            value,
        };
        let is_small = sum.conversions <= MAX_COUNT
            && sum.nulls <= MAX_COUNT
            && value.is_none_or(|value| value.unsigned_abs() < MAX_VALUE);
        is_small.then_some(sum)
    }
}

/// Paths by their texts, one for each slot. One that came again since another wanted its slot keeps
/// it; if not, the other takes it.
#[derive(Default)]
pub(super) struct Paths {
    slots: Vec<Slot>,
    reader: Reader,
    path: TouchPath,
}

#[derive(Clone, Default)]
struct Slot {
    /// Of the text, so that few others are compared with it.
    hash: u64,
    /// Empty if there is none; no path is an empty text.
    text: Vec<u8>,
    untimed: bool,
    came_again: bool,
    /// Of rows that are not credited yet.
    waiting: Option<Tally>,
}

/// A path that was found, or read.
pub(super) struct Found {
    /// Of its text; none if that is too long.
    hash: Option<u64>,
    is_new: bool,
    pub(super) untimed: bool,
}

impl Paths {
    /// Finds the path that a JSON text spells, or reads it.
    ///
    /// Errors: as [`TouchPath::read`].
    pub(super) fn find(&mut self, json: &[u8]) -> precise_core::Result<Found> {
        let hash = (1..=MAX_TEXT_LEN).contains(&json.len()).then(|| hash_of(json));
        if let Some(hash) = hash
            && let Some(known) = self.slots.get(slot_of(hash))
            && known.hash == hash
            && known.text == json
        {
            return Ok(Found { hash: Some(hash), is_new: false, untimed: known.untimed });
        }
        self.path.read(&mut self.reader, json)?;
        let untimed = self.path.touches().next().is_some_and(|(_, at)| at.is_none());
        Ok(Found { hash, is_new: true, untimed })
    }

    /// Adds what a row says of the path that was found last, in `json`. What is to be credited now
    /// goes to `credit`.
    ///
    /// Errors: those of `credit`.
    pub(super) fn add(
        &mut self,
        found: &Found,
        json: &[u8],
        row: Tally,
        mut credit: impl FnMut(&TouchPath, Tally) -> precise_core::Result<()>,
    ) -> precise_core::Result<()> {
        if found.is_new {
            credit(&self.path, row)?;
        }
        let Some(hash) = found.hash else { return Ok(()) };
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Slot::default());
        }
        let i = slot_of(hash);
        let slot = &mut self.slots[i];
        if found.is_new {
            if std::mem::take(&mut slot.came_again) {
                return Ok(());
            }
            self.settle(i, &mut credit)?;
            let slot = &mut self.slots[i];
            slot.hash = hash;
            slot.text.clear();
            slot.text.extend_from_slice(json);
            slot.untimed = found.untimed;
            return Ok(());
        }
        slot.came_again = true;
        let sum = slot.waiting.unwrap_or_default().plus(row);
        if sum.is_none() {
            self.settle(i, &mut credit)?;
        }
        self.slots[i].waiting = Some(sum.unwrap_or(row));
        Ok(())
    }

    /// Credits all that waits.
    ///
    /// Errors: those of `credit`.
    pub(super) fn settle_all(
        &mut self,
        mut credit: impl FnMut(&TouchPath, Tally) -> precise_core::Result<()>,
    ) -> precise_core::Result<()> {
        (0..self.slots.len()).try_for_each(|i| self.settle(i, &mut credit))
    }

    fn settle(
        &mut self,
        i: usize,
        credit: &mut impl FnMut(&TouchPath, Tally) -> precise_core::Result<()>,
    ) -> precise_core::Result<()> {
        let slot = &mut self.slots[i];
        let Some(tally) = slot.waiting.take() else { return Ok(()) };
        // It was read before.
        self.path.read(&mut self.reader, &slot.text)?;
        credit(&self.path, tally)
    }
}

/// The upper half of a hash is the good one. Whatever texts somebody may think up to share a slot,
/// they cost no more than to be read.
fn slot_of(hash: u64) -> usize {
    (hash >> 32) as usize % SLOTS
}

fn hash_of(text: &[u8]) -> u64 {
    /// 2^64 divided by the golden ratio.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = text.as_chunks::<8>();
    let hash =
        words.iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use precise_core::attribution::{Attribution, Model};

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// More paths than there are slots, some of which come again at once, later or never, with
    /// counts and values that cannot be added up.
    #[test]
    fn what_is_remembered_changes_no_sum() -> Tested {
        for model in [Model::Linear, Model::Markov(2), Model::Shapley] {
            let mut paths = Paths::default();
            let (mut each, mut together) = (Attribution::new(model), Attribution::new(model));
            let (mut rows, mut credited) = (0, 0);
            let mut credit = |path: &TouchPath, tally: Tally| {
                credited += 1;
                let [conversions, nulls] = [tally.conversions, tally.nulls].map(|n| n as i64);
                together.push(path, conversions, nulls, tally.value)
            };
            for i in 0..100_000_u64 {
                let random = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
                let number = if i % 3 == 0 { random % 7 } else { random % 70_000 };
                let [a, b, c] = [number % 11, number / 11 % 11, number / 121];
                let long = if number == 5 { "x".repeat(200) } else { String::new() };
                let json = format!("[\"{a}\",\"{b}\",\"{}{long}\",\"{}\"]", c % 13, c / 13);
                let row = match i % 50 {
                    0 => Tally { conversions: i64::MAX as u64, nulls: 0, value: None },
                    1 => Tally { conversions: 0, nulls: 0, value: Some(-999 * 10_i128.pow(21)) },
                    2 => Tally { conversions: 0, nulls: 1, value: Some(999 * 10_i128.pow(21)) },
                    _ => Tally { conversions: i % 3, nulls: i % 2, value: Some(i.into()) },
                };
                let found = paths.find(json.as_bytes())?;
                assert!(found.untimed);
                paths.add(&found, json.as_bytes(), row, &mut credit)?;
                let path = TouchPath::parse(json.as_bytes())?;
                each.push(&path, row.conversions as i64, row.nulls as i64, row.value)?;
                rows += 1;
            }
            paths.settle_all(&mut credit)?;
            assert!(credited < rows, "{credited} of {rows}");
            assert_eq!(together.state(), each.state(), "{model}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_path_is_refused_each_time() {
        let mut paths = Paths::default();
        for json in ["", "[]", "[\"a\"", "\u{feff}[\"a\"]", "[\"a\"]]", "{}", "[\"\"]", "[1]"] {
            for _ in 0..2 {
                assert!(paths.find(json.as_bytes()).is_err(), "{json}");
            }
        }
    }
}
