//! Balances become payments: SPEC.md section 10.2.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::attribution::array;
use crate::decimal::Unfit;
use crate::document::{Document, Members, Writer};
use crate::error::{Code, Error, Result};
use crate::money::{Amount, Currency, MinorDigits};

use super::statement::Commitment;

/// What contributors are owed, in one currency.
///
/// ```
/// use precise_core::money::MinorDigits;
/// use precise_core::royalty::Balances;
/// let accruals = br#"[
///     {"accrued":"0.125","contributor":"acme","currency":"USD"},
///     {"accrued":"0.005","contributor":"bolt","currency":"USD"}
/// ]"#;
/// let settlement = Balances::parse(accruals)?.settle(MinorDigits::new(2)?)?;
/// assert_eq!(settlement.total(), 13);
/// assert_eq!(settlement.lines()[0].amount, 13);
/// assert_eq!(settlement.lines()[0].carried.to_string(), "-0.005");
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// None before the first.
    currency: Option<Currency>,
    amounts: BTreeMap<String, Amount>,
}

/// What each contributor is paid for a period, and what is carried to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    currency: Currency,
    minor_digits: MinorDigits,
    lines: Vec<Line>,
    total: u128,
}

/// What one contributor is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In minor units.
    pub amount: u128,
    /// What was not paid; below 0 where the contributor owes, or was paid a part of a minor unit
    /// more.
    pub carried: Amount,
    /// The contributor's id.
    pub contributor: String,
}

impl Balances {
    /// Reads accruals: what is due, and what was carried before.
    ///
    /// Errors: PR605, PR606, PR907.
    pub fn parse(accruals: &[u8]) -> Result<Self> {
        let code = Code::Accruals;
        let mut balances = Self::default();
        let elements = Document::read(accruals, code)?.into_elements(code)?;
        for (i, element) in elements.into_iter().enumerate() {
            let refused = |detail: &str| malformed(&alloc::format!("element {i}: {detail}"));
            let Document::Object(_) = element else { return Err(refused("it is not an object")) };
            let mut members = element.into_members(code)?;
            let accrued = match members.take_optional("accrued") {
                Some(Document::String(text) | Document::Number(text)) => Amount::parse(&text),
                Some(_) => Err(Unfit::Syntax),
                None => return Err(refused("accrued is missing")),
            };
            let accrued =
                accrued.map_err(|unfit| refused(&alloc::format!("accrued: {}", unfit.detail())))?;
            let contributor = match members.take_optional("contributor") {
                Some(Document::String(contributor)) if !contributor.is_empty() => contributor,
                _ => return Err(refused("contributor is not a string, or an empty one")),
            };
            let currency = match members.take_optional("currency") {
                Some(Document::String(currency)) => Currency::parse(currency.as_bytes()),
                _ => None,
            };
            let currency =
                currency.ok_or_else(|| refused("currency is not three capital letters"))?;
            balances.add(contributor, currency, accrued)?;
        }
        balances.check()?;
        Ok(balances)
    }

    /// Adds to what a contributor is owed.
    ///
    /// Errors: PR605 for one without a name, PR606 for another currency, PR907.
    pub fn add(&mut self, contributor: String, currency: Currency, more: Amount) -> Result<()> {
        if contributor.is_empty() {
            return Err(malformed("a contributor's id is empty"));
        }
        let known = *self.currency.get_or_insert(currency);
        if known != currency {
            let detail = alloc::format!("{known} and {currency}");
            return Err(Error::new(Code::MixedCurrencies).because(detail));
        }
        let amount = self.amounts.entry(contributor).or_default();
        *amount = amount.plus(more)?;
        Ok(())
    }

    /// The currency of all; none as long as there are no balances.
    pub fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// By largest remainder.
    ///
    /// Errors: PR605 of no balances, PR907.
    pub fn settle(&self, minor_digits: MinorDigits) -> Result<Settlement> {
        let currency = self.check()?;
        let minor = minor_digits.unit();
        let mut lines = Vec::with_capacity(self.amounts.len());
        let mut remainders = Vec::new();
        let mut owed = Amount::default();
        let mut paid = 0;
        for (contributor, &balance) in &self.amounts {
            let units = balance.units().max(0);
            // Quotients are those of amounts that are not negative.
            let (quotient, remainder) = (units / minor, units % minor);
            owed = owed.plus(Amount::from_units(units)?)?;
            paid += quotient;
            if remainder > 0 {
                remainders.push((Reverse(remainder), lines.len()));
            }
            lines.push(Line {
                amount: quotient as u128,
                carried: Amount::from_units(balance.units() - quotient * minor)?,
                contributor: contributor.clone(),
            });
        }
        let total = owed.units() / minor;
        // Lines are sorted, so that ties go to who is first. What is left to pay are fewer minor
        // units than there are remainders, since each of these is less than one.
        remainders.sort_unstable();
        for &(_, place) in remainders.iter().take((total - paid) as usize) {
            let line = &mut lines[place];
            line.amount += 1;
            line.carried = Amount::from_units(line.carried.units() - minor)?;
        }
        Ok(Settlement { currency, minor_digits, lines, total: total as u128 })
    }

    fn check(&self) -> Result<Currency> {
        self.currency.ok_or_else(|| malformed("there are none"))
    }
}

impl Settlement {
    /// Reads a settlement in any spelling of its JSON.
    ///
    /// Error: PR609 for what [`Balances::settle`] does not make.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let code = Code::Statement;
        let mut members = Document::read(json, code)?.into_members(code)?;
        let settlement = Self::take(&mut members)?;
        members.finish()?;
        Ok(settlement)
    }

    /// Takes the members of a settlement.
    pub(super) fn take(members: &mut Members) -> Result<Self> {
        let code = Code::Statement;
        let Terms { currency, minor_digits, total } = Terms::take(members)?;
        let elements = members.take("lines")?.into_elements(code)?;
        let lines = elements.into_iter().map(|element| Line::take(element, minor_digits));
        let lines = lines.collect::<Result<Vec<Line>>>()?;
        let read = Self { currency, minor_digits, lines, total };
        // Whatever else could be wrong with the lines, their order, carries and sum: they are what
        // comes of what was owed, or not.
        let mut balances = Balances::default();
        for line in &read.lines {
            // Below 2^120 · 10^24: it may not fit.
            let paid = i128::try_from(line.amount).ok();
            let paid = paid.and_then(|paid| paid.checked_mul(minor_digits.unit()));
            let owed = paid.and_then(|paid| Amount::from_units(paid).ok());
            let owed = owed.and_then(|paid| paid.plus(line.carried).ok());
            let owed = owed.ok_or_else(|| no_statement("an amount is too large"))?;
            balances
                .add(line.contributor.clone(), currency, owed)
                .map_err(|_| no_statement("its lines are too large"))?;
        }
        match balances.settle(minor_digits) {
            Ok(settled) if settled == read => Ok(read),
            _ => Err(no_statement("its lines are not what settles what they say was owed")),
        }
    }

    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The decimals of its amounts.
    pub fn minor_digits(&self) -> MinorDigits {
        self.minor_digits
    }

    /// Sorted by contributor, as bytes; at least one.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What is paid in all, in minor units.
    pub fn total(&self) -> u128 {
        self.total
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        self.terms().to_json(None, Some(&self.lines_to_json()))
    }

    pub(super) fn terms(&self) -> Terms {
        Terms { currency: self.currency, minor_digits: self.minor_digits, total: self.total }
    }

    pub(super) fn lines_to_json(&self) -> String {
        array(self.lines.iter().map(|line| line.to_json(self.minor_digits)))
    }
}

impl Line {
    /// The JCS form.
    pub fn to_json(&self, minor_digits: MinorDigits) -> String {
        let mut writer = Writer::object();
        writer.key("amount").string(&minor_digits.format(self.amount));
        writer.key("carried").string(&alloc::format!("{}", self.carried));
        writer.key("contributor").string(&self.contributor);
        writer.finish()
    }

    /// Reads a line. Error: PR609.
    pub(super) fn take(document: Document, minor_digits: MinorDigits) -> Result<Self> {
        let mut members = document.into_members(Code::Statement)?;
        let amount = members.take_string("amount")?;
        let amount = minor_digits
            .parse(&amount)
            .ok_or_else(|| no_statement("an amount is not spelled in minor units"))?;
        let text = members.take_string("carried")?;
        let carried =
            Amount::parse(&text).ok().filter(|carried| alloc::format!("{carried}") == text);
        let carried = carried.ok_or_else(|| no_statement("carried is no amount"))?;
        let contributor = members.take_string("contributor")?;
        if contributor.is_empty() {
            return Err(no_statement("a contributor's id is empty"));
        }
        members.finish()?;
        Ok(Self { amount, carried, contributor })
    }
}

/// What settlements, statements and heads have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) currency: Currency,
    pub(super) minor_digits: MinorDigits,
    pub(super) total: u128,
}

impl Terms {
    pub(super) fn take(members: &mut Members) -> Result<Self> {
        let currency = Currency::parse(members.take_string("currency")?.as_bytes())
            .ok_or_else(|| no_statement("currency is not three capital letters"))?;
        if members.take_string("method")? != METHOD {
            return Err(no_statement("method is not settlement"));
        }
        // At most 2^53.
        let minor_digits = MinorDigits::new(members.take_integer("minor_digits")? as i64)
            .map_err(|_| no_statement("minor_digits are not 0, 2 or 3"))?;
        let total = minor_digits
            .parse(&members.take_string("total")?)
            .ok_or_else(|| no_statement("total is not spelled in minor units"))?;
        if members.take_integer("v")? != 1 {
            return Err(no_statement("v is not 1"));
        }
        Ok(Self { currency, minor_digits, total })
    }

    /// A document of these, in JCS form; with `lines`, which are JSON, and a commitment to them.
    pub(super) fn to_json(self, commitment: Option<&Commitment>, lines: Option<&str>) -> String {
        let mut writer = Writer::object();
        if let Some(Commitment { count, .. }) = commitment {
            writer.key("count").integer(*count);
        }
        writer.key("currency").string(self.currency.as_str());
        if let Some(lines) = lines {
            writer.key("lines").raw(lines);
        }
        writer.key("method").string(METHOD);
        writer.key("minor_digits").integer(self.minor_digits.count().into());
        if let Some(Commitment { period, sum_root, .. }) = commitment {
            writer.key("period").string(period.as_str());
            writer.key("sum_root").hash(sum_root);
        }
        writer.key("total").string(&self.minor_digits.format(self.total));
        writer.key("v").integer(1);
        writer.finish()
    }
}

/// The member `method` of settlements and statements.
const METHOD: &str = "settlement";

fn malformed(detail: &str) -> Error {
    Error::new(Code::Accruals).because(String::from(detail))
}

pub(super) fn no_statement(detail: &'static str) -> Error {
    Error::new(Code::Statement).because(detail)
}
