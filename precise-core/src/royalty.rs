//! What contributors are due: accrued event by event, settled once for a period, and shown to each
//! of them line by line (SPEC.md section 10).
//!
//! ```text
//!  events ──▶ Royalty ──▶ accruals ──▶ Settlement ──▶ Statement ──▶ StatementLine
//!             money.rs                 settlement.rs  statement.rs  verify/statement_line.rs
//!                                                     sum_tree.rs
//!  ledger.rs  ids of a ledger's entries
//! ```
//!
//! Everything is integers. What is owed is rounded once, where it is settled, and what rounding
//! leaves is carried on.

mod ledger;
mod settlement;
mod statement;
mod sum_tree;

use alloc::string::String;
use alloc::vec::Vec;

use crate::attribution::array;
use crate::attribution::contributions::{EventReader, Policy};
use crate::document::{MAX_INTEGER, Writer};
use crate::error::{Code, Error, Result};
use crate::money::{Amount, Currency};
use crate::names::Names;
use crate::value::StoredState;

pub use ledger::{entry_id, void_id};
pub use settlement::{Balances, Line, Settlement};
pub use statement::{Head, Logged, Period, Statement, StatementKey, StatementLine, StatementLines};
pub use sum_tree::Sibling;

/// All of an amount, in parts per million.
const WHOLE_PPM: u32 = 1_000_000;

/// Units of a price, which counts in 10^-9 a thousand, times parts per million, twice: a unit of
/// accrual is 10^-24.
const _: () = assert!(crate::money::DECIMALS == 9 + 3 + 6 + 6);

/// The part of what a contributor is due that is paid as royalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// So many parts per million.
    ///
    /// Error: PR604 unless they are from 0 to 1,000,000.
    pub fn from_ppm(ppm: i64) -> Result<Self> {
        let rate = u32::try_from(ppm).ok().filter(|&rate| rate <= WHOLE_PPM);
        rate.map(Self).ok_or_else(|| {
            Error::new(Code::RoyaltyRate).because(alloc::format!("{ppm} ppm were given"))
        })
    }
}

/// What contributors are due for events: fed in any order, in any number of places, and merged.
///
/// ```
/// use precise_core::attribution::contributions::Policy;
/// use precise_core::royalty::{Rate, Royalty};
/// let event = br#"{"attribution":{"data_contributors":[
///     {"id":"acme","signal_type":"geo","weight":0.3},
///     {"id":"bolt","signal_type":"intent","weight":0.7}
/// ]},"event_type":"impression","metadata":{"clearing_price":19.00,"currency":"USD"}}"#;
/// let mut royalty = Royalty::default();
/// royalty.push(event, Rate::from_ppm(1_000_000)?, &Policy::parse("split")?)?;
/// let accruals = royalty.accruals();
/// assert_eq!(accruals[0].contributor, "acme");
/// assert_eq!(accruals[0].accrued.to_string(), "0.0057");
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Royalty {
    has_rows: bool,
    /// By currency and contributor, one behind the other.
    names: Names,
    /// By their numbers.
    sums: Vec<Sum>,
    reader: EventReader,
    key: Vec<u8>,
}

/// What one contributor is due in one currency.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    accrued: Amount,
    events: u64,
}

/// What one contributor is due in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// How much.
    pub accrued: Amount,
    /// The contributor's id.
    pub contributor: String,
    /// In which currency.
    pub currency: Currency,
    /// How many impressions name the contributor.
    pub events: u64,
}

impl Accrual {
    /// The object that SPEC.md section 10.1 describes, in JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("accrued").string(&alloc::format!("{}", self.accrued));
        writer.key("contributor").string(&self.contributor);
        writer.key("currency").string(self.currency.as_str());
        writer.key("events").integer(self.events);
        writer.key("method").string("royalty");
        writer.key("v").integer(1);
        writer.finish()
    }
}

impl Royalty {
    /// Adds an event.
    ///
    /// Errors: those of [`contributions`](crate::attribution::contributions::contributions), PR602
    /// and PR603 for an impression that has contributors and no currency or no price, PR906,
    /// PR907.
    pub fn push(&mut self, event: &[u8], rate: Rate, policy: &Policy) -> Result<()> {
        let Self { has_rows, names, sums, reader, key } = self;
        let event = reader.read(event, policy)?;
        *has_rows = true;
        let mut parts = event.parts().peekable();
        if !event.is_impression || parts.peek().is_none() {
            return Ok(());
        }
        let price = event.price.ok_or_else(|| {
            Error::new(Code::UnpricedEvent).at_path("$.metadata.clearing_price".into())
        })?;
        let currency = event.currency.ok_or_else(|| {
            Error::new(Code::Currency)
                .at_path("$.metadata.currency".into())
                .because("neither the event nor the policy names one")
        })?;
        while let Some(part) = parts.next() {
            // An event names a contributor once, for however many kinds of signal.
            let mut weight = u64::from(part.weight_ppm);
            while let Some(more) = parts.next_if(|more| more.contributor == part.contributor) {
                weight += u64::from(more.weight_ppm);
            }
            // An event of at most 2^24 bytes has fewer than 2^20 parts of at most 10^6 each, so
            // that this is below 10^18 · 2^20 · 10^12, which is below 2^127.
            let units = u128::from(price) * (u128::from(weight) * u128::from(rate.0));
            key.clear();
            key.extend_from_slice(currency.as_bytes());
            key.extend_from_slice(part.contributor);
            let accrued = Amount::from_units(units as i128)?;
            add(names, sums, key, Sum { accrued, events: 1 })?;
        }
        Ok(())
    }

    /// The state as specified bytes (SPEC.md section 10.1), empty if no row came. It is handed out:
    /// nothing stays behind.
    pub fn state(&mut self) -> Vec<u8> {
        let mut state = Vec::new();
        self.write(|bytes| state.extend_from_slice(bytes));
        *self = Self::default();
        state
    }

    /// Adds another one's state.
    ///
    /// Errors: PR191 for what is no state, PR906, PR907.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.merge_stored(&mut { state })
    }

    /// As [`merge`](Royalty::merge), of a state that is read entry by entry.
    pub(crate) fn merge_stored(&mut self, state: &mut dyn StoredState) -> Result<()> {
        let mut mark = [0];
        if state.read(&mut mark) == 0 {
            return Ok(());
        }
        if mark != [HAS_ROWS] {
            return Err(corrupt());
        }
        self.has_rows = true;
        let mut before = Vec::new();
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
            if state.read(&mut key) < len || key <= before || !is_key(&key) {
                return Err(corrupt());
            }
            let accrued = i128::from_be_bytes(read_array(state)?);
            let events = u128::from_be_bytes(read_array(state)?);
            let events = u64::try_from(events).ok().filter(|&events| events > 0);
            let (0.., Some(events)) = (accrued, events) else { return Err(corrupt()) };
            let sum = Sum { accrued: Amount::from_units(accrued)?, events };
            add(&mut self.names, &mut self.sums, &key, sum)?;
            core::mem::swap(&mut before, &mut key);
        }
    }

    /// Adds what another one has.
    ///
    /// Errors: PR906, PR907.
    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.has_rows |= other.has_rows;
        for (key, number) in other.names.sorted() {
            add(&mut self.names, &mut self.sums, key, other.sums[number as usize])?;
        }
        Ok(())
    }

    /// Whether a row came.
    pub(crate) fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Gives the state, in pieces.
    pub(crate) fn write(&self, mut write: impl FnMut(&[u8])) {
        if !self.has_rows {
            return;
        }
        write(&[HAS_ROWS]);
        for (key, number) in self.names.sorted() {
            let Sum { accrued, events } = self.sums[number as usize];
            write(&(key.len() as u32).to_be_bytes());
            write(key);
            write(&accrued.units().to_be_bytes());
            write(&u128::from(events).to_be_bytes());
        }
    }

    /// What each contributor is due, sorted by currency, then by contributor, as bytes.
    pub fn accruals(&self) -> Vec<Accrual> {
        let accrual = |(key, number): (&[u8], u32)| {
            let Sum { accrued, events } = self.sums[number as usize];
            let (currency, contributor) = split_key(key)?;
            let contributor = contributor.into();
            Some(Accrual { accrued, contributor, currency, events })
        };
        self.names.sorted().filter_map(accrual).collect()
    }

    /// The same as JSON, in JCS form.
    pub fn to_json(&self) -> String {
        array(self.accruals().iter().map(Accrual::to_json))
    }

    /// Bytes of memory held.
    pub fn size(&self) -> usize {
        let sums = self.sums.capacity() * size_of::<Sum>();
        size_of::<Self>() + self.names.size() + sums + self.reader.size() + self.key.capacity()
    }
}

/// The first byte of a state.
const HAS_ROWS: u8 = 0x01;

/// The longest key: three letters, and a text of an event in its canonical form.
const MAX_KEY_LEN: usize = 3 + crate::canonical::MAX_LEN;

fn add(names: &mut Names, sums: &mut Vec<Sum>, key: &[u8], more: Sum) -> Result<()> {
    let number = names.number(key)? as usize;
    if number == sums.len() {
        sums.push(Sum::default());
    }
    let sum = &mut sums[number];
    let events = sum.events.checked_add(more.events).filter(|&events| events <= MAX_INTEGER);
    sum.events = events.ok_or(Code::SumSize)?;
    sum.accrued = sum.accrued.plus(more.accrued)?;
    Ok(())
}

/// A currency, and a contributor that is not empty.
fn split_key(key: &[u8]) -> Option<(Currency, &str)> {
    let (letters, contributor) = key.split_first_chunk::<3>()?;
    let contributor = core::str::from_utf8(contributor).ok()?;
    Some((Currency::parse(letters)?, contributor)).filter(|_| !contributor.is_empty())
}

/// Whether it is that of an entry: no string of an event has U+0000.
fn is_key(key: &[u8]) -> bool {
    split_key(key).is_some() && !key.contains(&0)
}

fn read_array<const N: usize>(state: &mut dyn StoredState) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if state.read(&mut bytes) == N { Ok(bytes) } else { Err(corrupt()) }
}

fn corrupt() -> Error {
    Error::new(Code::Arguments).because("a partial state is malformed")
}
