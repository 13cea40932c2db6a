//! How each of many cohorts did, in one pass.
//!
//! A cohort is compared with all users, so that each user counts for every cohort. Of a user who is
//! not in one there counts only whether they converted and were held out: such users are counted by
//! kind, and added to a cohort at the end.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use precise_core::Result;
use precise_core::performance::{Facts, Performance};
use serde_json::Value;

/// Sums by cohort.
#[derive(Default)]
pub(super) struct Performances {
    cohorts: HashMap<u32, Cohort>,
    all: Kinds,
}

#[derive(Default)]
struct Cohort {
    members: Performance,
    kinds: Kinds,
}

/// How many users there are of each kind: whether they converted, and whether they were held out.
type Kinds = BTreeMap<(Option<bool>, bool), u64>;

impl Performances {
    /// Counts a user, who is in these cohorts.
    pub(super) fn push(&mut self, cohorts: &[u32], facts: &Facts) -> Result<()> {
        let kind = (facts.converted, facts.holdout);
        *self.all.entry(kind).or_default() += 1;
        for number in cohorts {
            let cohort = self.cohorts.entry(*number).or_default();
            cohort.members.push(true, facts)?;
            *cohort.kinds.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    /// What is to be said of a cohort, as JSON.
    pub(super) fn report(&self, number: u32) -> Result<String> {
        let none = Cohort::default();
        let cohort = self.cohorts.get(&number).unwrap_or(&none);
        let mut performance = cohort.members;
        for (kind, all) in &self.all {
            let members = cohort.kinds.get(kind).copied().unwrap_or_default();
            let (converted, holdout) = *kind;
            let facts = Facts { converted, holdout, ..Facts::default() };
            push_others(&mut performance, &facts, all - members)?;
        }
        Ok(performance.report().to_json())
    }
}

/// Adds `count` users who are not in the cohort: sums of 1, 2, 4, … of them, each twice the last.
fn push_others(performance: &mut Performance, facts: &Facts, count: u64) -> Result<()> {
    let mut doubled = Performance::default();
    doubled.push(false, facts)?;
    let mut rest = count;
    while rest > 0 {
        if rest % 2 == 1 {
            performance.merge(&doubled.state())?;
        }
        rest /= 2;
        if rest > 0 {
            let state = doubled.state();
            doubled.merge(&state)?;
        }
    }
    Ok(())
}

/// For people: a table of cohorts by their reports.
pub(super) fn print(reports: &[(&str, Value)], to: &mut dyn Write) -> io::Result<()> {
    let head =
        ["cohort", "n", "converted", "rate", "95 %", "uplift", "95 %", "return", "95 %", "n"];
    let mut lines = vec![head.map(String::from)];
    for (id, report) in reports {
        let [rate, uplift, returns] =
            ["confidence", "uplift", "performance_prediction"].map(|name| &report[name]);
        let uplift_text = match report["design"].as_str() {
            Some("holdout") => points(&uplift["difference"]),
            design => design.unwrap_or("-").into(),
        };
        lines.push([
            (*id).into(),
            count(&rate["n"]),
            count(&rate["k"]),
            percent(&rate["rate"]),
            interval(rate, percent),
            uplift_text,
            interval(uplift, points),
            decimal(&returns["ratio"]),
            interval(returns, decimal),
            count(&returns["n"]),
        ]);
    }
    let widths: Vec<usize> = (0..head.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate();
        let cells = cells.map(|(i, (cell, &width))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("   {cell:>width$}"),
        });
        writeln!(to, "{}", cells.collect::<String>())?;
    }
    Ok(())
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "-".into(), crate::rejects::thousands)
}

fn decimal(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".into(), |number| format!("{number:.4}"))
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".into(), |number| format!("{:.2}%", 100.0 * number))
}

/// Percentage points, with their sign.
fn points(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".into(), |number| format!("{:+.2}%", 100.0 * number))
}

fn interval(of: &Value, text: fn(&Value) -> String) -> String {
    if of["low"].is_null() {
        return "-".into();
    }
    format!("{} to {}", text(&of["low"]), text(&of["high"]))
}

#[cfg(test)]
mod tests {
    use precise_core::performance::FactsReader;

    use super::*;

    #[test]
    fn cohorts_in_one_pass_are_as_each_by_itself() -> Result<()> {
        let mut reader = FactsReader::default();
        let mut performances = Performances::default();
        let mut single = vec![Performance::default(); 3];
        for i in 0..1000_u32 {
            let facts = match i % 7 {
                0 => r#"{"converted":true,"spend":0.5,"value":"12.90"}"#,
                1 => r#"{"converted":true,"holdout":true}"#,
                2 => r#"{"holdout":true,"converted":false}"#,
                3 => r#"{"starts":3,"completes":1}"#,
                4 => r#"{"spend":2,"value":3.5,"linear":1}"#,
                _ => r#"{"converted":false,"spend":1,"value":0}"#,
            };
            let facts = reader.read(facts.as_bytes())?;
            let cohorts: Vec<u32> = (0..3).filter(|cohort| i % (cohort + 2) == 0).collect();
            performances.push(&cohorts, &facts)?;
            for (cohort, performance) in (0..).zip(&mut single) {
                performance.push(cohorts.contains(&cohort), &facts)?;
            }
        }
        for (cohort, performance) in (0..).zip(&single) {
            assert_eq!(performances.report(cohort)?, performance.report().to_json(), "{cohort}");
        }
        // A cohort of none whose facts are known.
        let mut none = Performance::default();
        push_others(&mut none, &Facts::default(), 1000)?;
        assert!(performances.report(9)?.contains("\"rows\":1000"));
        Ok(())
    }
}
