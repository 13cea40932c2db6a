//! A row of a win log: what the exchange took, what the buyer is charged, and whether the rates
//! that the row names lead from one to the other.

use precise_core::decimal::{self, Unfit};
use precise_core::{Code, Error};

use crate::fields::{Field, find, scalar_of};

/// The columns of a win log, as Beeswax names them.
pub(crate) const KEY: &str = "auction_id";
pub(crate) const CLEARING: &str = "clearing_price_micros";
pub(crate) const COST: &str = "win_cost_micros";
pub(crate) const FEE: &str = "beeswax_fee_rate_micros";
pub(crate) const REDUCTION: &str = "bid_reduction_rate_micros";
pub(crate) const CURRENCY: &str = "currency_code";

/// Columns without which a file is no win log: those above but the currency.
pub(crate) const DEMANDED: usize = 5;

/// Decimals of a micro, and of a rate, which is a micro of a per cent.
const DECIMALS: u32 = 6;

/// A millionth of a micro is the unit of amounts.
pub(super) const MICRO: i128 = 10_i128.pow(DECIMALS);

/// Amounts are below this: a thousand million of a currency.
const AMOUNT_END: i128 = 10_i128.pow(15) * MICRO;

/// Rates are below this: ten times the whole.
const RATE_END: i128 = 10_i128.pow(9) * MICRO;

/// The whole as a rate: 100 per cent. An amount times a rate is below 10^21 × 10^15 = 10^36, and
/// so what is computed here fits in 128 bits.
pub(super) const WHOLE: i128 = 100 * MICRO * MICRO;

/// Decimals of an amount in micros that was multiplied with a rate.
const PRODUCT_DECIMALS: u32 = DECIMALS + 14;

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Win {
    pub(super) key: String,
    /// In 10^-6 micros.
    pub(super) clearing: i128,
    pub(super) cost: i128,
    /// None if the row names none, or 0.
    pub(super) fee: Option<i128>,
    pub(super) reduction: Option<i128>,
    /// As it is spelled.
    pub(super) currency: Option<String>,
}

/// What leads from one amount to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// cost = clearing × (1 + rate)
    Fee,
    /// clearing = cost × (1 − rate)
    Reduction,
}

impl Rule {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fee => "fee",
            Self::Reduction => "bid_reduction",
        }
    }
}

/// How the two amounts of a row agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// They are the same.
    Reconciled,
    /// By a rate that the row names; `rounded` if the row has whole micros and the rule does not.
    Explained { rule: Rule, rate: i128, rounded: bool },
    /// By nothing in the row.
    Unexplained,
}

impl Win {
    /// Reads a record.
    ///
    /// Error: PR613.
    pub(super) fn read(fields: &[Field; 6], record: &[u8]) -> precise_core::Result<Self> {
        let [key, clearing, cost, fee, reduction, currency] = find(fields, record);
        let amount = |field: &Field, value: Option<&[u8]>| {
            let amount = number(value).and_then(|amount| match amount {
                Some(amount) => within(amount, AMOUNT_END, "below 10^15"),
                None => Err("it is empty".into()),
            });
            amount.map_err(|why| malformed(field, &why))
        };
        let rate = |field: &Field, value: Option<&[u8]>| {
            let rate = number(value)
                .and_then(|rate| rate.map(|rate| within(rate, RATE_END, "below 10^9")).transpose());
            rate.map(|rate| rate.filter(|rate| *rate != 0)).map_err(|why| malformed(field, &why))
        };
        Ok(Self {
            key: read_key(&fields[0], key)?,
            clearing: amount(&fields[1], clearing)?,
            cost: amount(&fields[2], cost)?,
            fee: rate(&fields[3], fee)?,
            reduction: rate(&fields[4], reduction)?,
            currency: currency.and_then(scalar_of),
        })
    }

    /// Whether, and how, the two amounts agree.
    pub(super) fn outcome(&self) -> Outcome {
        if self.cost == self.clearing {
            return Outcome::Reconciled;
        }
        // In 10^-20 micros, both sides of each rule.
        let sides = [
            self.fee.map(|rate| (Rule::Fee, rate, self.cost * WHOLE, self.by_fee(rate))),
            self.reduction.map(|rate| {
                (Rule::Reduction, rate, self.clearing * WHOLE, self.by_reduction(rate))
            }),
        ];
        let named = || sides.into_iter().flatten();
        if let Some((rule, rate, ..)) = named().find(|(_, _, found, due)| found == due) {
            return Outcome::Explained { rule, rate, rounded: false };
        }
        let are_whole = self.cost % MICRO == 0 && self.clearing % MICRO == 0;
        let is_near = |found: i128, due: i128| (found - due).abs() < MICRO * WHOLE;
        match named().find(|(_, _, found, due)| are_whole && is_near(*found, *due)) {
            Some((rule, rate, ..)) => Outcome::Explained { rule, rate, rounded: true },
            None => Outcome::Unexplained,
        }
    }

    /// What the cost would be by the fee, in 10^-20 micros.
    pub(super) fn by_fee(&self, rate: i128) -> i128 {
        self.clearing * (WHOLE + rate)
    }

    /// What the clearing price would be by the reduction, in 10^-20 micros.
    pub(super) fn by_reduction(&self, rate: i128) -> i128 {
        self.cost * (WHOLE - rate)
    }
}

/// An id that two files can be joined by.
///
/// Error: PR613 if there is none, or a spreadsheet made a number of it.
pub(super) fn read_key(field: &Field, value: Option<&[u8]>) -> precise_core::Result<String> {
    let Some(key) = value.and_then(scalar_of) else {
        return Err(malformed(field, "it is empty"));
    };
    let is_cut = key.split_once("E+").is_some_and(|(mantissa, exponent)| {
        let are_digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
        are_digits(mantissa) && are_digits(exponent)
    });
    if is_cut { Err(malformed(field, &cut(&key))) } else { Ok(key) }
}

/// A fault in a field, where the record has it.
pub(super) fn malformed(field: &Field, why: &str) -> Error {
    field.locate(Error::new(Code::WinRow).because(why.to_owned()))
}

/// A number in 10^-6, or none; JSON spells it in its own way, a text in plain digits.
fn number(value: Option<&[u8]>) -> Result<Option<i128>, String> {
    let Some(text) = value.and_then(scalar_of) else { return Ok(None) };
    let is_text = value.is_some_and(|value| value.first() == Some(&b'"'));
    let parsed = if is_text {
        decimal::parse_plain(&text, DECIMALS)
    } else {
        decimal::parse(&text, DECIMALS)
    };
    parsed.map(Some).map_err(|unfit| match unfit {
        Unfit::Syntax if text.contains(['e', 'E']) => cut(&text),
        _ => format!("{}: {}", unfit.detail(), short(&text)),
    })
}

fn within(number: i128, end: i128, what: &str) -> Result<i128, String> {
    if (0..end).contains(&number) {
        return Ok(number);
    }
    Err(format!("{} is not at least 0 and {what}", micros(number)))
}

fn cut(text: &str) -> String {
    format!("{} has lost digits, as in a spreadsheet", short(text))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// An amount or a rate as text.
pub(super) fn micros(number: i128) -> String {
    printed(number, DECIMALS)
}

/// What a rule gives, as text in micros.
pub(super) fn product(number: i128) -> String {
    printed(number, PRODUCT_DECIMALS)
}

/// A rate as a percentage.
pub(super) fn percentage(rate: i128) -> String {
    format!("{} %", printed(rate, DECIMALS + 6))
}

fn printed(number: i128, decimals: u32) -> String {
    let mut text = Vec::new();
    decimal::append(number, decimals, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn win(clearing: &str, cost: &str, fee: &str, reduction: &str) -> precise_core::Result<Win> {
        let [key, amount, cost_field, rate, other_rate, currency] =
            [KEY, CLEARING, COST, FEE, REDUCTION, CURRENCY].map(Field::parse);
        let fields = [key?, amount?, cost_field?, rate?, other_rate?, currency?];
        let record = serde_json::json!({
            KEY: "a1", CLEARING: clearing, COST: cost, FEE: fee, REDUCTION: reduction,
            CURRENCY: "USD",
        });
        let canonical = precise_core::canonical::canonicalize(record.to_string().as_bytes())?;
        Win::read(&fields, &canonical)
    }

    #[test]
    fn a_row_is_explained_by_the_rate_it_names_or_not_at_all() -> Tested {
        let fee =
            |rounded| Outcome::Explained { rule: Rule::Fee, rate: 5 * MICRO * MICRO, rounded };
        let reduction = |rounded| {
            let rate = 5 * MICRO * MICRO;
            Outcome::Explained { rule: Rule::Reduction, rate, rounded }
        };
        for (clearing, cost, fee_rate, reduction_rate, outcome) in [
            ("300", "300", "0", "0", Outcome::Reconciled),
            ("300", "300.000", "", "", Outcome::Reconciled),
            ("0", "0", "5000000", "0", Outcome::Reconciled),
            ("400", "420", "5000000", "0", fee(false)),
            ("380", "400", "0", "5000000", reduction(false)),
            // 401 × 1.05 is 421.05.
            ("401", "421", "5000000", "0", fee(true)),
            ("401", "422", "5000000", "0", fee(true)),
            ("401", "423", "5000000", "0", Outcome::Unexplained),
            ("401", "421.05", "5000000", "0", fee(false)),
            // With decimals nothing was rounded to whole micros.
            ("401", "421.5", "5000000", "0", Outcome::Unexplained),
            ("400", "420", "0", "0", Outcome::Unexplained),
            ("400", "420", "4999999", "0", fee_of(4_999_999)),
            ("400", "420", "0", "5000000", Outcome::Unexplained),
            // Either rule may be the one.
            ("400", "420", "5000000", "5000000", fee(false)),
            ("380", "400", "5000000", "5000000", reduction(false)),
            ("1", "0", "0", "100000000", Outcome::Unexplained),
            (
                "0",
                "1",
                "0",
                "100000000",
                Outcome::Explained {
                    rule: Rule::Reduction,
                    rate: 100 * MICRO * MICRO,
                    rounded: false,
                },
            ),
            ("999999999999999", "1", "999999999", "999999999", Outcome::Unexplained),
        ] {
            let found = win(clearing, cost, fee_rate, reduction_rate)?.outcome();
            assert_eq!(found, outcome, "{clearing} {cost} {fee_rate} {reduction_rate}");
        }
        Ok(())
    }

    /// 400 × 1.04999999 is less than a micro from 420.
    fn fee_of(rate: i128) -> Outcome {
        Outcome::Explained { rule: Rule::Fee, rate: rate * MICRO, rounded: true }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for amount in
            ["", "-1", "1.52666E+15", "1e3", "n/a", "1,5", "0.0000001", "1000000000000000"]
        {
            for (clearing, cost) in [(amount, "1"), ("1", amount)] {
                match win(clearing, cost, "0", "0") {
                    Err(error) => assert_eq!(error.code(), Code::WinRow, "{amount}"),
                    Ok(win) => panic!("{amount} is {win:?}"),
                }
            }
        }
        for rate in ["-1", "5E+06", "x", "1000000000"] {
            assert!(win("1", "1", rate, "0").is_err(), "{rate}");
            assert!(win("1", "1", "0", rate).is_err(), "{rate}");
        }
    }
}
