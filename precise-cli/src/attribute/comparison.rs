//! What each model credits each cohort with, side by side, as people look at it.

use std::collections::BTreeMap;

use clap::ValueEnum;

use super::Outcome;
use crate::names::shown;
use crate::rejects::thousands;

/// Cohorts that are shown one by one; what the others have is shown as one.
const SHOWN: usize = 20;

/// Units of one conversion, and those of credited value in one of value.
const UNITS: f64 = 1e12;
const VALUE_UNITS: f64 = 1e21;

/// Cohorts by models.
pub(crate) struct Comparison {
    pub(crate) models: Vec<String>,
    /// The largest first, and the rest as the last one.
    pub(crate) rows: Vec<Row>,
    /// Each the sum over all cohorts of what one model credits.
    pub(crate) totals: Vec<Amount>,
}

/// A cohort, or some of them.
pub(crate) struct Row {
    pub(crate) name: String,
    /// By model.
    pub(crate) amounts: Vec<Amount>,
}

/// What is shown of each amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// How many conversions are credited
    #[default]
    Conversions,
    /// What the credited conversions are worth
    Value,
}

impl Measure {
    /// What stands below an axis of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Conversions => "conversions",
            Self::Value => "value",
        }
    }
}

/// What a model credits: integers, printed as decimals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    units: u128,
    value: i128,
}

impl Amount {
    /// In conversions, or in the unit of the rows' value.
    pub(crate) fn of(self, measure: Measure) -> f64 {
        match measure {
            Measure::Conversions => self.units as f64 / UNITS,
            Measure::Value => self.value as f64 / VALUE_UNITS,
        }
    }
}

impl Comparison {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let none = vec![Amount::default(); outcomes.len()];
        let mut by_cohort: BTreeMap<&str, Vec<Amount>> = BTreeMap::new();
        for (i, outcome) in outcomes.iter().enumerate() {
            for credit in &outcome.credits {
                let amounts = by_cohort.entry(&credit.cohort).or_insert_with(|| none.clone());
                amounts[i] =
                    Amount { units: credit.units, value: credit.value.unwrap_or_default() };
            }
        }
        let mut rows: Vec<Row> = by_cohort
            .into_iter()
            .map(|(name, amounts)| Row { name: shown(name), amounts })
            .collect();
        let mut totals = none.clone();
        for row in &rows {
            sum_up(&mut totals, &row.amounts);
        }
        // All models credit the same in total, so that their sum says whose share is large. The
        // sort keeps equal ones as they are, by name.
        let conversions = |amount: &Amount| amount.of(Measure::Conversions);
        let size = |row: &Row| row.amounts.iter().map(conversions).sum::<f64>();
        rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
        if rows.len() > SHOWN + 1 {
            let others = rows.split_off(SHOWN);
            let mut amounts = none;
            for row in &others {
                sum_up(&mut amounts, &row.amounts);
            }
            let name = format!("others ({})", thousands(others.len() as u64));
            rows.push(Row { name, amounts });
        }
        let models = outcomes.iter().map(|outcome| outcome.model.name()).collect();
        Self { models, rows, totals }
    }

    /// The largest amount of any cell, not below 0.
    pub(crate) fn largest(&self, measure: Measure) -> f64 {
        let amounts = self.rows.iter().flat_map(|row| &row.amounts);
        amounts.map(|amount| amount.of(measure)).fold(0.0, f64::max)
    }

    /// The part of what a model credits in all.
    pub(crate) fn share(&self, measure: Measure, model: usize, amount: Amount) -> Option<f64> {
        let total = self.totals[model].of(measure);
        (total > 0.0).then(|| amount.of(measure) / total)
    }
}

/// A model's sums are below 2^128, since the core has added the same.
fn sum_up(sums: &mut [Amount], amounts: &[Amount]) {
    for (sum, amount) in sums.iter_mut().zip(amounts) {
        sum.units = sum.units.saturating_add(amount.units);
        sum.value = sum.value.saturating_add(amount.value);
    }
}

/// A number with six significant digits, or all those before its point.
pub(crate) fn figure(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let before_point = number.abs().log10().floor() as i32 + 1;
    // What is credited is a multiple of 10^-12.
    let text = format!("{:.*}", (6 - before_point).clamp(0, 12) as usize, number.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if number < 0.0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let integer = integer.parse().map_or_else(|_| integer.to_owned(), thousands);
    format!("{sign}{integer}{point}{fraction}")
}

/// A share as a percentage, to a millionth of the whole.
pub(crate) fn percentage(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.4}%", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_six_digits_and_no_zeros_behind_them() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (1.0 / 3.0, "0.333333"),
            (2.0 / 3.0, "0.666667"),
            (1234.5, "1,234.5"),
            (123_456.4, "123,456"),
            (98_765_432.6, "98,765,433"),
            (999_999.5, "1,000,000"),
            (0.000_012_345_678, "0.0000123457"),
            (1e-12, "0.000000000001"),
        ] {
            assert_eq!(figure(number), text);
        }
        assert_eq!(percentage(Some(1.0 / 3.0)), "33.3333%");
        assert_eq!(percentage(None), "-");
    }
}
