//! Attribution: which cohorts brought the conversions, and whose data stands behind an event
//! (SPEC.md section 9).
//!
//! ```text
//!  event ──▶ contributions.rs            who is due what
//!  path  ──▶ model.rs ──▶ units          10^12 of them for each path
//!  path.rs   markov.rs ──▶ transitions   what would be lost without a cohort
//!            shapley.rs                  of a game of the caller's own
//! ```
//!
//! What is summed is integers, so that no order, partition or CPU changes a result.

pub mod contributions;
pub mod markov;
mod model;
mod path;
pub mod shapley;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::append_escaped;
use crate::decimal::{self, Unfit};
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::names::Names;
use crate::value::StoredState;

use markov::{Removal, Transitions};
pub use model::{Model, UNITS, touch_credit, touch_credit_json};
use model::{Shares, largest_remainder};
pub use path::TouchPath;
use path::check_cohort;

/// Decimals of the value of conversions.
pub const VALUE_DECIMALS: u32 = 9;

/// Decimals of what a cohort has of it: a path hands out 10^12 units.
const CREDIT_DECIMALS: u32 = VALUE_DECIMALS + 12;

/// Values are below this, 10^15.
const MAX_VALUE: u128 = 10_u128.pow(15 + VALUE_DECIMALS);

/// The credit of cohorts over all paths: fed in any order, in any number of places, and merged.
///
/// ```
/// use precise_core::attribution::{Attribution, Model, TouchPath};
/// let mut attribution = Attribution::new(Model::parse("linear")?);
/// attribution.push(&TouchPath::of(["search", "social"])?, 3, 0, None)?;
/// attribution.push(&TouchPath::parse(br#"["social"]"#)?, 1, 0, None)?;
/// let credits = attribution.credits()?;
/// assert_eq!(credits[0].cohort, "search");
/// assert_eq!(credits[0].units, 1_500_000_000_000);
/// assert_eq!(credits[1].units, 2_500_000_000_000);
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Attribution {
    model: Model,
    totals: Totals,
    ledger: Ledger,
    shares: Shares,
    /// The path's cohorts, as numbers.
    cohorts: Vec<u32>,
}

/// Sums over all rows.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    has_rows: bool,
    conversions: u128,
    nulls: u128,
    /// In 10^-9; none if no row had one.
    value: Option<i128>,
}

#[derive(Clone, Debug)]
enum Ledger {
    /// By the numbers of the cohorts.
    Balances(Names, Vec<Balance>),
    Transitions(Transitions),
}

#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    credit: u128,
    /// In 10^-21.
    value: i128,
}

/// What one cohort is credited with.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    /// The cohort.
    pub cohort: String,
    /// 10^12 of them are one conversion.
    pub units: u128,
    /// Its part of the value of conversions, in 10^-21; none if no row had a value.
    pub value: Option<i128>,
    /// The part of conversions that would be lost without it; for `markov` alone.
    pub removal_effect: Option<f64>,
}

impl Credit {
    /// The object that SPEC.md section 9.3 describes, in JCS form.
    pub fn to_json(&self, model: Model) -> String {
        let mut writer = Writer::object();
        writer.key("cohort").string(&self.cohort);
        writer.key("credit").string(&alloc::format!("{}", self.units));
        writer.key("method").string(&model.name());
        if let Some(effect) = self.removal_effect {
            writer.key("removal_effect").float(effect);
        }
        writer.key("v").integer(1);
        if let Some(value) = self.value {
            let mut text = Vec::new();
            decimal::append(value, CREDIT_DECIMALS, &mut text);
            writer.key("value").string(&String::from_utf8_lossy(&text));
        }
        writer.finish()
    }
}

/// A JSON array of credits, as they are sorted.
pub fn credits_to_json(credits: &[Credit], model: Model) -> String {
    array(credits.iter().map(|credit| credit.to_json(model)))
}

/// Reads a value of conversions, as an SQL engine writes an exact number, in 10^-9.
///
/// Error: PR516.
pub fn parse_value(text: &str) -> Result<i128> {
    let shown = || -> String { text.chars().take(40).collect() };
    let refused = |detail| {
        Error::new(Code::ConversionValue).because(alloc::format!("{detail}, in {:?}", shown()))
    };
    let value =
        decimal::parse_plain(text, VALUE_DECIMALS).map_err(|unfit| refused(unfit.detail()))?;
    if value.unsigned_abs() < MAX_VALUE { Ok(value) } else { Err(refused(Unfit::Size.detail())) }
}

impl Attribution {
    /// Of no paths yet.
    pub fn new(model: Model) -> Self {
        let ledger = match model {
            Model::Markov(order) => Ledger::Transitions(Transitions::of_order(order)),
            _ => Ledger::Balances(Names::default(), Vec::new()),
        };
        let (totals, shares) = (Totals::default(), Shares::default());
        Self { model, totals, ledger, shares, cohorts: Vec::new() }
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Adds a path that was taken by journeys which converted, worth `value` together, and by
    /// journeys which did not.
    ///
    /// Errors: PR508 for `time_decay` without times, PR515 for a count below 0, PR516 for a value
    /// of 10^15 or more, PR906, PR907.
    pub fn push(
        &mut self,
        path: &TouchPath,
        conversions: i64,
        nulls: i64,
        value: Option<i128>,
    ) -> Result<()> {
        let (conversions, nulls) = check_counts(conversions, nulls)?;
        if value.is_some_and(|value| value.unsigned_abs() >= MAX_VALUE) {
            return Err(Error::new(Code::ConversionValue).because(Unfit::Size.detail()));
        }
        match &mut self.ledger {
            Ledger::Transitions(transitions) => transitions.push(path, conversions, nulls)?,
            Ledger::Balances(names, balances) => {
                self.cohorts.clear();
                for cohort in path.cohorts() {
                    self.cohorts.push(names.number(cohort)?);
                }
                balances.resize(names.len(), Balance::default());
                self.shares.divide(self.model, path, &self.cohorts)?;
                for (&cohort, &units) in self.cohorts.iter().zip(&self.shares.units) {
                    let balance = &mut balances[cohort as usize];
                    // Below 2^63 · 2^40.
                    let credit = u128::from(conversions) * u128::from(units);
                    balance.credit = sum(balance.credit, credit)?;
                    if let Some(value) = value {
                        // Below 10^24 · 10^12.
                        balance.value = sum_signed(balance.value, value * i128::from(units))?;
                    }
                }
            }
        }
        self.totals.add(Totals {
            has_rows: true,
            conversions: conversions.into(),
            nulls: nulls.into(),
            value,
        })
    }

    /// The state as specified bytes (SPEC.md section 9.6), empty if no row came. It is handed out:
    /// nothing stays behind.
    pub fn state(&mut self) -> Vec<u8> {
        let mut state = Vec::new();
        self.write(|bytes| state.extend_from_slice(bytes));
        *self = Self::new(self.model);
        state
    }

    /// Adds another one's state.
    ///
    /// Errors: PR191 for what is no state, PR192 for one of another model, PR906, PR907.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.merge_stored(&mut { state })
    }

    /// The state of whichever model it is; none for that of no rows.
    ///
    /// Errors: as [`merge`](Attribution::merge).
    pub(crate) fn from_stored(state: &mut dyn StoredState) -> Result<Option<Self>> {
        let Some(model) = read_model(state)? else { return Ok(None) };
        let mut attribution = Self::new(model);
        attribution.read_rest(state)?;
        Ok(Some(attribution))
    }

    /// As [`merge`](Attribution::merge), of a state that is read entry by entry.
    pub(crate) fn merge_stored(&mut self, state: &mut dyn StoredState) -> Result<()> {
        match read_model(state)? {
            None => Ok(()),
            Some(model) => {
                self.check_model(model)?;
                self.read_rest(state)
            }
        }
    }

    /// Refuses any other model.
    ///
    /// Error: PR192.
    pub(crate) fn check_model(&self, model: Model) -> Result<()> {
        if self.model == model {
            return Ok(());
        }
        Err(Error::new(Code::ArgumentVaries)
            .because(alloc::format!("the model is {} and {model}", self.model)))
    }

    /// Gives the state, in pieces.
    pub(crate) fn write(&self, mut write: impl FnMut(&[u8])) {
        let Totals { has_rows, conversions, nulls, value } = self.totals;
        if !has_rows {
            return;
        }
        let model = self.model.name();
        write(&[model.len() as u8]);
        write(model.as_bytes());
        write(&[value.is_some().into()]);
        write(&conversions.to_be_bytes());
        write(&nulls.to_be_bytes());
        write(&value.unwrap_or_default().to_be_bytes());
        let mut entry = |key: &[u8], credit: u128, value: i128| {
            write(&(key.len() as u32).to_be_bytes());
            write(key);
            write(&credit.to_be_bytes());
            write(&value.to_be_bytes());
        };
        match &self.ledger {
            Ledger::Transitions(transitions) => {
                transitions.entries(|key, count| entry(key, count, 0));
            }
            Ledger::Balances(names, balances) => {
                for (cohort, number) in names.sorted() {
                    let Balance { credit, value } = balances[number as usize];
                    entry(cohort, credit, value);
                }
            }
        }
    }

    /// Adds what stands behind the model in a state.
    fn read_rest(&mut self, state: &mut dyn StoredState) -> Result<()> {
        let [has_value] = read_array(state)?;
        let conversions = u128::from_be_bytes(read_array(state)?);
        let nulls = u128::from_be_bytes(read_array(state)?);
        let value = i128::from_be_bytes(read_array(state)?);
        let value = match (has_value, value) {
            (0, 0) => None,
            (1, value) => Some(value),
            _ => return Err(corrupt()),
        };
        self.totals.add(Totals { has_rows: true, conversions, nulls, value })?;
        let mut key = Vec::new();
        loop {
            let mut len = [0; 4];
            match state.read(&mut len) {
                0 => return Ok(()),
                4 => {}
                _ => return Err(corrupt()),
            }
            let len = u32::from_be_bytes(len) as usize;
            if len > MAX_KEY_LEN {
                return Err(corrupt());
            }
            key.resize(len, 0);
            if state.read(&mut key) < len || core::str::from_utf8(&key).is_err() {
                return Err(corrupt());
            }
            let credit = u128::from_be_bytes(read_array(state)?);
            let value = i128::from_be_bytes(read_array(state)?);
            match &mut self.ledger {
                Ledger::Transitions(transitions) => {
                    if value != 0 || transitions.add_entry(&key, credit)?.is_none() {
                        return Err(corrupt());
                    }
                }
                Ledger::Balances(names, balances) => {
                    check_cohort(&key).map_err(|_| corrupt())?;
                    let number = names.number(&key)? as usize;
                    balances.resize(names.len(), Balance::default());
                    let balance = &mut balances[number];
                    balance.credit = sum(balance.credit, credit)?;
                    balance.value = sum_signed(balance.value, value)?;
                }
            }
        }
    }

    /// What each cohort is credited with, sorted by cohort, as bytes.
    ///
    /// Error: PR907.
    pub fn credits(&self) -> Result<Vec<Credit>> {
        let Totals { conversions, value, .. } = self.totals;
        match &self.ledger {
            Ledger::Transitions(transitions) => {
                credit_removals(markov::solve(transitions), conversions, value)
            }
            Ledger::Balances(names, balances) => Ok(names
                .sorted()
                .map(|(cohort, number)| {
                    let balance = balances[number as usize];
                    Credit {
                        cohort: String::from_utf8_lossy(cohort).into_owned(),
                        units: balance.credit,
                        value: value.map(|_| balance.value),
                        removal_effect: None,
                    }
                })
                .collect()),
        }
    }

    /// The same as JSON, in JCS form.
    ///
    /// Error: PR907.
    pub fn to_json(&self) -> Result<String> {
        Ok(credits_to_json(&self.credits()?, self.model))
    }

    /// Bytes of memory held.
    pub fn size(&self) -> usize {
        let ledger = match &self.ledger {
            Ledger::Transitions(transitions) => transitions.size(),
            Ledger::Balances(names, balances) => {
                names.size() + balances.capacity() * size_of::<Balance>()
            }
        };
        let cohorts = self.cohorts.capacity() * size_of::<u32>();
        size_of::<Self>() + ledger + self.shares.size() + cohorts
    }
}

impl Totals {
    fn add(&mut self, more: Self) -> Result<()> {
        self.has_rows |= more.has_rows;
        self.conversions = sum(self.conversions, more.conversions)?;
        self.nulls = sum(self.nulls, more.nulls)?;
        if let Some(value) = more.value {
            self.value = Some(sum_signed(self.value.unwrap_or_default(), value)?);
        }
        Ok(())
    }
}

/// The longest key: three cohorts of 256 characters with a line feed each, a zero, one cohort more.
const MAX_KEY_LEN: usize = 3 * (4 * 256 + 1) + 1 + 4 * 256;

/// Divides all conversions, and their value, by removal effects.
///
/// Error: PR907.
fn credit_removals(
    removals: Vec<Removal>,
    conversions: u128,
    value: Option<i128>,
) -> Result<Vec<Credit>> {
    // An effect is at most 1, and to multiply it by a power of two is exact.
    let weights: Vec<u128> =
        removals.iter().map(|removal| (removal.effect * (1_u64 << 62) as f64) as u128).collect();
    let mut units = alloc::vec![0; weights.len()];
    largest_remainder(UNITS, &weights, &mut units);
    let credit = |(removal, units): (Removal, u64)| {
        let credit = u128::from(units).checked_mul(conversions).ok_or(Code::SumSize)?;
        let credit = sum(credit, 0)?;
        let value = value.map(|value| value.checked_mul(units.into()).ok_or(Code::SumSize));
        Ok(Credit {
            cohort: removal.cohort,
            units: credit,
            value: value.transpose()?,
            removal_effect: Some(removal.effect),
        })
    };
    removals.into_iter().zip(units).map(credit).collect()
}

/// What `precise_markov_solve` gives: the credits that transitions come to.
///
/// Error: PR907.
pub fn credit_transitions(transitions: &Transitions) -> Result<Vec<Credit>> {
    credit_removals(markov::solve(transitions), transitions.conversions()?, None)
}

/// The model at the start of a state; none for the state of no rows.
fn read_model(state: &mut dyn StoredState) -> Result<Option<Model>> {
    let mut len = [0];
    if state.read(&mut len) == 0 {
        return Ok(None);
    }
    let mut model = alloc::vec![0; usize::from(len[0])];
    if state.read(&mut model) < model.len() {
        return Err(corrupt());
    }
    let model = core::str::from_utf8(&model).ok().and_then(|model| Model::parse(model).ok());
    model.map(Some).ok_or_else(corrupt)
}

fn read_array<const N: usize>(state: &mut dyn StoredState) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if state.read(&mut bytes) == N { Ok(bytes) } else { Err(corrupt()) }
}

fn corrupt() -> Error {
    Error::new(Code::Arguments).because("a partial state is malformed")
}

/// How many journeys converted, and how many did not.
///
/// Error: PR515 below 0.
pub fn check_counts(conversions: i64, nulls: i64) -> Result<(u64, u64)> {
    let count = |count: i64, name| {
        let detail = || alloc::format!("{name} is {count}");
        u64::try_from(count).map_err(|_| Error::new(Code::Counts).because(detail()))
    };
    Ok((count(conversions, "conversions")?, count(nulls, "nulls")?))
}

/// A sum that fits in 128 bits of two's complement, as all sums of a state do.
#[inline]
fn sum(a: u128, b: u128) -> Result<u128> {
    let sum = a.checked_add(b).filter(|sum| *sum <= i128::MAX as u128);
    sum.ok_or_else(|| Code::SumSize.into())
}

#[inline]
fn sum_signed(a: i128, b: i128) -> Result<i128> {
    a.checked_add(b).ok_or_else(|| Code::SumSize.into())
}

/// A JSON array of what is JSON already.
pub(crate) fn array(elements: impl Iterator<Item = String>) -> String {
    let mut array = String::from("[");
    for (i, element) in elements.enumerate() {
        if i > 0 {
            array.push(',');
        }
        array.push_str(&element);
    }
    array.push(']');
    array
}

/// A cohort as a JSON string.
fn quoted(cohort: &[u8]) -> String {
    let mut out = Vec::new();
    append_escaped(cohort, &mut out);
    match String::from_utf8_lossy(&out) {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text,
    }
}
