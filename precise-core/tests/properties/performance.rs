//! Performance: the same bytes from any parts, and figures that are within their bounds.

use precise_core::catalog::{Function, call_rows};
use precise_core::number::format_f64;
use precise_core::performance::{Estimate, Facts, Performance, Report};
use precise_core::statistics::Interval;
use precise_core::value::{StoredState, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value as Json;

type Rows = Vec<Vec<Value<'static>>>;

/// Amounts of all sizes, many of them alike.
fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        1..100_i64,
        Just(1_000_000),
        -5_000_000..50_000_000_i64,
        -999_999_999_999_999..=999_999_999_999_999_i64,
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let plays = prop_oneof![0..5_u64, 0..1000_u64, 0..1_u64 << 44]
        .prop_flat_map(|starts| (Just(starts), option::of(0..=starts)));
    let amount = || option::weighted(0.8, amounts());
    let converted = option::weighted(0.9, any::<bool>());
    (converted, any::<bool>(), amount(), amount(), option::of(plays), amount()).prop_map(
        |(converted, holdout, value, spend, plays, linear)| Facts {
            converted,
            holdout,
            value,
            spend,
            starts: plays.map(|plays| plays.0),
            completes: plays.and_then(|plays| plays.1),
            linear,
        },
    )
}

/// An amount in 10^-6, as a number or as a string.
fn amount(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:06}", amount.abs() / 1_000_000, amount.abs() % 1_000_000);
    if amount % 2 == 0 { text } else { format!("\"{text}\"") }
}

fn to_json(facts: &Facts) -> String {
    let members = [
        facts.converted.map(|converted| format!("\"converted\":{converted}")),
        facts.holdout.then(|| "\"holdout\":true".to_owned()),
        facts.value.map(|value| format!("\"value\":{}", amount(value))),
        facts.spend.map(|spend| format!("\"spend\":{}", amount(spend))),
        facts.starts.map(|starts| format!("\"starts\":{starts}")),
        facts.completes.map(|completes| format!("\"completes\":{completes}")),
        facts.linear.map(|linear| format!("\"linear\":{}", amount(linear))),
    ];
    format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(","))
}

fn rows(users: &[(bool, Facts)]) -> Rows {
    let row = |(member, facts): &(bool, Facts)| {
        vec![Value::from(*member), Value::Json(to_json(facts).into_bytes().into())]
    };
    users.iter().map(row).collect()
}

/// What may be null, by name: the figure, its interval, and the range of both.
type Figure = (&'static str, Option<(f64, Option<Interval>)>, [f64; 2]);

fn figures(report: &Report) -> [Figure; 5] {
    let estimate = |found: Estimate| (found.estimate, found.interval);
    let prediction = report.performance_prediction.map(estimate);
    [
        (
            "confidence",
            report.confidence.map(|share| (share.rate(), Some(share.interval()))),
            [0.0, 1.0],
        ),
        (
            "streaming_engagement",
            report.streaming_engagement.map(|found| (found.rate, Some(found.interval))),
            [0.0, 1.0],
        ),
        ("linear_correlation", report.linear_correlation.map(estimate), [-1.0, 1.0]),
        ("performance_prediction", prediction, [f64::MIN, f64::MAX]),
        (
            "uplift",
            report.uplift.map(|found| (found.absolute.difference, Some(found.absolute.interval))),
            [-1.0, 1.0],
        ),
    ]
}

proptest! {
    #[test]
    fn any_parts_in_any_order_come_to_the_same_bytes(
        users in vec((any::<bool>(), facts()), 0..30),
        places in vec(0..4_usize, 30),
        turn in any::<usize>(),
    ) {
        let function = Function::find("precise_cohort_performance").map_err(failed)?;
        let rows = rows(&users);
        let whole = call_rows(function, &rows).map_err(failed)?;
        let mut turned = rows.clone();
        turned.reverse();
        turned.rotate_left(turn % users.len().max(1));
        prop_assert_eq!(&whole, &call_rows(function, &turned).map_err(failed)?);

        let mut parts = Vec::new();
        for _ in 0..4 {
            parts.push(function.accumulator().map_err(failed)?);
        }
        for (row, place) in rows.iter().zip(places) {
            parts[place].update(row).map_err(failed)?;
        }
        let states: Vec<Vec<u8>> = parts.iter_mut().map(|part| part.state()).collect();
        let mut merged = function.accumulator().map_err(failed)?;
        for state in states.iter().rev() {
            merged.merge(state).map_err(failed)?;
        }
        prop_assert_eq!(&whole, &merged.finish().map_err(failed)?);

        // The same of states that were put away, behind the one that is here.
        let (here, away) = states.split_at(1);
        let mut last = function.accumulator().map_err(failed)?;
        last.merge(&here[0]).map_err(failed)?;
        let mut readers: Vec<&[u8]> = away.iter().map(Vec::as_slice).collect();
        let mut stored: Vec<&mut dyn StoredState> =
            readers.iter_mut().map(|reader| reader as &mut dyn StoredState).collect();
        prop_assert_eq!(&whole, &last.finish_over(&mut stored).map_err(failed)?);
        let mut readers: Vec<&[u8]> = away.iter().map(Vec::as_slice).collect();
        let mut stored: Vec<&mut dyn StoredState> =
            readers.iter_mut().map(|reader| reader as &mut dyn StoredState).collect();
        let mut joined = Vec::new();
        last.join(&mut stored, &mut |piece| joined.extend_from_slice(piece)).map_err(failed)?;
        prop_assert_eq!(joined, merged.state());
    }

    #[test]
    fn what_was_read_is_what_was_written(users in vec((any::<bool>(), facts()), 0..20)) {
        let function = Function::find("precise_cohort_performance").map_err(failed)?;
        let mut performance = Performance::default();
        for (member, facts) in &users {
            performance.push(*member, facts).map_err(failed)?;
        }
        let mut read = function.accumulator().map_err(failed)?;
        for row in rows(&users) {
            read.update(&row).map_err(failed)?;
        }
        prop_assert_eq!(read.state(), performance.state());
    }

    #[test]
    fn every_figure_is_finite_and_within_its_interval(
        users in vec((any::<bool>(), facts()), 1..40),
    ) {
        let mut performance = Performance::default();
        for (member, facts) in &users {
            performance.push(*member, facts).map_err(failed)?;
        }
        let report = performance.report();
        let text = report.to_json();
        let json: Json = serde_json::from_str(&text).map_err(failed)?;
        for (name, figure, [least, most]) in figures(&report) {
            let Some((middle, interval)) = figure else {
                prop_assert!(json[name].is_null(), "{} in {}", name, text);
                continue;
            };
            // What is no number would have been written as null.
            prop_assert!(least <= middle && middle <= most, "{} in {}", name, text);
            prop_assert!(json[name].is_object(), "{} in {}", name, text);
            let figure = format!(":{}", format_f64(middle));
            prop_assert!(text.contains(&figure), "{} in {}", name, text);
            prop_assert_eq!(json[name]["low"].is_null(), interval.is_none());
            if let Some(Interval { low, high }) = interval {
                prop_assert!(least <= low && low <= middle, "{} in {}", name, text);
                prop_assert!(middle <= high && high <= most, "{} in {}", name, text);
                let ends = [("low", low), ("high", high)];
                for (end, value) in ends {
                    let member = format!("\"{end}\":{},", format_f64(value));
                    prop_assert!(text.contains(&member), "{} in {}", name, text);
                }
            }
        }
        if let Some(propensity) = report.retail_propensity {
            prop_assert!((0.0..=1.0).contains(&propensity.percentile));
        }
        if let Some(uplift) = report.uplift {
            prop_assert_eq!(json["design"].as_str(), Some("holdout"));
            prop_assert_eq!(uplift.relative.is_none(), uplift.control.k == 0);
        }
    }
}

fn failed(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}
