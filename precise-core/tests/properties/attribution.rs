//! Attribution: sums that are exact in any order, credit by its definition, chains against another
//! way to solve them and against the specified order bit for bit, games against all permutations.

use std::collections::{BTreeMap, BTreeSet};

use precise_core::attribution::contributions::{Policy, contributions};
use precise_core::attribution::markov::{self, Transitions};
use precise_core::attribution::shapley::{self, Game};
use precise_core::attribution::{
    Attribution, Model, TouchPath, UNITS, credit_transitions, touch_credit,
};
use precise_core::catalog::Function;
use precise_core::value::{StoredState, Value};
use precise_core::{Code, Result};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A path that was taken.
#[derive(Clone, Debug)]
struct Journeys {
    cohorts: Vec<String>,
    /// Seconds of the touches, for models that need them.
    seconds: Vec<u32>,
    conversions: u32,
    nulls: u32,
    value: Option<i64>,
}

impl Journeys {
    fn path(&self, model: Model) -> Result<TouchPath> {
        if matches!(model, Model::TimeDecay(_)) {
            TouchPath::parse(self.timed_json().as_bytes())
        } else {
            TouchPath::of(&self.cohorts)
        }
    }

    fn timed_json(&self) -> String {
        let touches = self.cohorts.iter().zip(&self.seconds).map(|(cohort, seconds)| {
            let (minute, second) = (seconds / 60 % 60, seconds % 60);
            serde_json::json!({
                "at": format!("2026-11-22T{:02}:{minute:02}:{second:02}Z", seconds / 3600),
                "cohort": cohort,
            })
        });
        touches.collect::<serde_json::Value>().to_string()
    }
}

/// Names of which some begin others, some sort otherwise as UTF-16, and some are long.
fn cohort() -> impl Strategy<Value = String> {
    select(NAMES).prop_map(String::from)
}

const NAMES: &[&str] =
    &["a", "b", "a b", "ab", "\u{fb33}", "\u{1f600}", "\"", "cohort_of_some_length_10013"];

fn journeys() -> impl Strategy<Value = Journeys> {
    (vec((cohort(), 0..86_400_u32), 1..9), 0..4_u32, 0..9_u32, any::<Option<i32>>()).prop_map(
        |(touches, conversions, nulls, value)| {
            let (cohorts, seconds) = touches.into_iter().unzip();
            Journeys { cohorts, seconds, conversions, nulls, value: value.map(i64::from) }
        },
    )
}

fn path_models() -> impl Strategy<Value = Model> {
    prop_oneof![
        Just(Model::First),
        Just(Model::Last),
        Just(Model::Linear),
        Just(Model::Position),
        Just(Model::Shapley),
        (1..100_000_u32).prop_map(Model::TimeDecay),
    ]
}

fn models() -> impl Strategy<Value = Model> {
    prop_oneof![path_models(), (1..=3_u32).prop_map(Model::Markov)]
}

fn attribute(model: Model, rows: &[Journeys]) -> Result<Attribution> {
    let mut attribution = Attribution::new(model);
    for row in rows {
        push(&mut attribution, row)?;
    }
    Ok(attribution)
}

fn push(attribution: &mut Attribution, row: &Journeys) -> Result<()> {
    let path = row.path(attribution.model())?;
    let value = row.value.map(i128::from);
    attribution.push(&path, row.conversions.into(), row.nulls.into(), value)
}

/// One row as the aggregate takes it in SQL.
fn arguments(model: Model, row: &Journeys) -> Vec<Value<'static>> {
    vec![
        Value::Text(model.name().into()),
        Value::Json(row.timed_json().into_bytes().into()),
        Value::Integer(row.conversions.into()),
        Value::Integer(row.nulls.into()),
        Value::Decimal(format!("{}.5", row.value.unwrap_or_default()).into()),
    ]
}

/// Largest remainder by its definition: one more to whichever is owed most, until all is given.
fn divide(weights: &[u128]) -> Vec<u64> {
    let sum: u128 = weights.iter().sum();
    let total = u128::from(UNITS);
    let mut parts: Vec<u128> = weights.iter().map(|weight| total * weight / sum).collect();
    let mut owed: Vec<u128> = weights.iter().map(|weight| total * weight % sum).collect();
    while parts.iter().sum::<u128>() < total {
        let most = owed.iter().max().copied();
        if let Some(first) = owed.iter().position(|owed| Some(*owed) == most) {
            parts[first] += 1;
            owed[first] = 0;
        }
    }
    parts.into_iter().map(|part| part as u64).collect()
}

/// What of a weight that is halved is left, to 1e-15.
fn decayed(seconds: u32, half_life: u32) -> f64 {
    (-f64::from(seconds) / f64::from(half_life)).exp2()
}

proptest! {
    #[test]
    fn each_path_hands_out_the_same(row in journeys(), model in path_models()) {
        let path = row.path(model)?;
        let credit = touch_credit(model, &path)?;
        prop_assert_eq!(credit.len(), path.len());
        prop_assert_eq!(credit.iter().sum::<u64>(), UNITS);
        let (n, cohorts) = (path.len(), &row.cohorts);
        let weights: Vec<u128> = match model {
            Model::First => (0..n).map(|i| u128::from(i == 0)).collect(),
            Model::Last => (0..n).map(|i| u128::from(i == n - 1)).collect(),
            Model::Position if n > 2 => {
                let ends = |i| if i == 0 || i == n - 1 { 2 * (n as u128 - 2) } else { 1 };
                (0..n).map(ends).collect()
            }
            Model::Shapley => {
                (0..n).map(|i| u128::from(!cohorts[..i].contains(&cohorts[i]))).collect()
            }
            Model::TimeDecay(half_life) => {
                let mut seconds = row.seconds.clone();
                seconds.sort_unstable();
                let latest = seconds[n - 1];
                let ages = seconds.iter().map(|second| latest - second);
                let weights: Vec<f64> = ages.map(|age| decayed(age, half_life)).collect();
                let sum: f64 = weights.iter().sum();
                for (units, weight) in credit.iter().zip(&weights) {
                    let share = weight / sum * UNITS as f64;
                    prop_assert!((share - *units as f64).abs() < 1.01, "{} of {}", units, share);
                }
                return Ok(());
            }
            _ => vec![1; n],
        };
        prop_assert_eq!(credit, divide(&weights));
    }

    #[test]
    fn nothing_is_lost_and_nothing_made(rows in vec(journeys(), 1..20), model in models()) {
        let credits = attribute(model, &rows)?.credits()?;
        let conversions: u32 = rows.iter().map(|row| row.conversions).sum();
        let whole = u128::from(conversions) * u128::from(UNITS);
        prop_assert_eq!(credits.iter().map(|credit| credit.units).sum::<u128>(), whole);
        let values: Vec<i64> = rows.iter().filter_map(|row| row.value).collect();
        if values.is_empty() {
            prop_assert!(credits.iter().all(|credit| credit.value.is_none()));
        } else if conversions > 0 || !matches!(model, Model::Markov(_)) {
            let value = i128::from(values.iter().sum::<i64>()) * i128::from(UNITS);
            let divided: i128 = credits.iter().filter_map(|credit| credit.value).sum();
            prop_assert_eq!(divided, value);
        }
        let cohorts: Vec<&String> = credits.iter().map(|credit| &credit.cohort).collect();
        let taken = |row: &&Journeys| {
            !matches!(model, Model::Markov(_)) || row.conversions + row.nulls > 0
        };
        let touched: BTreeSet<&String> =
            rows.iter().filter(taken).flat_map(|row| &row.cohorts).collect();
        prop_assert_eq!(cohorts, touched.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn rows_may_come_in_any_order_and_place(
        rows in vec(journeys(), 1..24),
        model in models(),
        places in vec(0..4_usize, 24),
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let mut whole = attribute(model, &rows)?;
        let mut parts = vec![Attribution::new(model); 4];
        for (row, place) in rows.iter().zip(&places).rev() {
            push(&mut parts[*place], row)?;
        }
        let mut merged = Attribution::new(model);
        for place in order {
            merged.merge(&parts[place].state())?;
            // It was handed out.
            prop_assert_eq!(parts[place].state(), Vec::<u8>::new());
        }
        prop_assert_eq!(merged.to_json()?, whole.to_json()?);
        let state = whole.state();
        prop_assert_eq!(&merged.state(), &state);
        let mut again = Attribution::new(model);
        again.merge(&state)?;
        prop_assert_eq!(again.state(), state);
    }

    #[test]
    fn what_was_stored_counts_as_what_is_here(
        rows in vec(journeys(), 1..24),
        model in models(),
        places in vec(0..4_usize, 24),
    ) {
        let function = Function::find("precise_attribution")?;
        let mut whole = function.accumulator()?;
        let mut pieces = Vec::new();
        for _ in 0..4 {
            pieces.push(function.accumulator()?);
        }
        for (row, place) in rows.iter().zip(&places) {
            whole.update(&arguments(model, row))?;
            pieces[*place].update(&arguments(model, row))?;
        }
        // The first of them is not stored.
        let mut here = pieces.remove(0);
        let stored: Vec<Vec<u8>> = pieces.iter_mut().map(|piece| piece.state()).collect();
        let read = || stored.iter().map(Vec::as_slice).collect::<Vec<&[u8]>>();
        let expected = whole.finish()?;
        // Asked again, as in a window, it says the same.
        for _ in 0..2 {
            let mut states = read();
            let mut states: Vec<_> =
                states.iter_mut().map(|state| state as &mut dyn StoredState).collect();
            prop_assert_eq!(&here.finish_over(&mut states)?, &expected);
        }
        let mut states = read();
        let mut states: Vec<_> =
            states.iter_mut().map(|state| state as &mut dyn StoredState).collect();
        let mut joined: Vec<u8> = Vec::new();
        here.join(&mut states, &mut |piece| joined.extend(piece))?;
        prop_assert_eq!(joined, whole.state());
    }

    #[test]
    fn a_changed_state_is_read_or_refused(
        rows in vec(journeys(), 1..6),
        model in models(),
        at in any::<Index>(),
        byte in any::<u8>(),
        len in any::<Index>(),
    ) {
        let state = attribute(model, &rows)?.state();
        let mut changed = state.clone();
        changed[at.index(state.len())] = byte;
        for state in [&changed[..], &state[..len.index(state.len())]] {
            let mut attribution = Attribution::new(model);
            match attribution.merge(state) {
                Ok(()) => {
                    let read = attribution.state();
                    let mut again = Attribution::new(model);
                    again.merge(&read)?;
                    prop_assert_eq!(again.state(), read);
                }
                Err(error) => {
                    let codes = [Code::Arguments, Code::ArgumentVaries, Code::SumSize];
                    prop_assert!(codes.contains(&error.code()), "{}", error);
                }
            }
        }
    }

    #[test]
    fn touches_are_sorted_by_time(row in journeys(), turn in any::<Index>()) {
        let json = row.timed_json();
        let mut touches: Vec<serde_json::Value> = serde_json::from_str(&json)?;
        let middle = turn.index(touches.len());
        touches.rotate_left(middle);
        touches.reverse();
        let turned = serde_json::Value::from(touches).to_string();
        let sorted = |json: &str| -> Result<Vec<(String, Option<String>)>> {
            let path = TouchPath::parse(json.as_bytes())?;
            let own = path.touches().map(|(cohort, at)| (cohort.into(), at.map(Into::into)));
            Ok(own.collect())
        };
        let mut expected: Vec<(u32, &String)> =
            row.seconds.iter().copied().zip(&row.cohorts).collect();
        expected.sort();
        let cohorts: Vec<&String> = expected.into_iter().map(|(_, cohort)| cohort).collect();
        let found = sorted(&turned)?;
        prop_assert_eq!(found.iter().map(|(cohort, _)| cohort).collect::<Vec<_>>(), cohorts);
        prop_assert_eq!(found, sorted(&json)?);
    }

    #[test]
    fn removal_effects_are_those_of_linear_equations(
        rows in vec(journeys(), 1..16),
        order in 1..=3_u32,
    ) {
        let chain = Chain::of(&rows, order);
        let all = chain.chance(None);
        let credits = attribute(Model::Markov(order), &rows)?.credits()?;
        for credit in credits {
            let Some(effect) = credit.removal_effect else {
                return Err(TestCaseError::fail("markov has effects"));
            };
            let expected =
                if all > 0.0 { 1.0 - chain.chance(Some(&credit.cohort)) / all } else { 0.0 };
            prop_assert!((effect - expected).abs() < 1e-12, "{effect} and {expected}");
            prop_assert!((0.0..=1.0).contains(&effect));
        }
    }

    #[test]
    fn removal_effects_have_the_bits_of_the_specified_order(
        rows in vec(journeys(), 1..16),
        order in 1..=3_u32,
    ) {
        let mut transitions = Transitions::new(order)?;
        for row in &rows {
            let path = TouchPath::of(&row.cohorts)?;
            transitions.push(&path, row.conversions.into(), row.nulls.into())?;
        }
        let found: Vec<(String, u64)> = markov::solve(&transitions)
            .into_iter()
            .map(|removal| (removal.cohort, removal.effect.to_bits()))
            .collect();
        prop_assert_eq!(found, Chain::of(&rows, order).effects());
    }

    #[test]
    fn transitions_of_each_path_come_to_the_same(
        rows in vec(journeys(), 1..16),
        order in 1..=3_u32,
        middle in any::<Index>(),
    ) {
        let mut all = Vec::new();
        for row in &rows {
            let mut transitions = Transitions::new(order)?;
            let path = TouchPath::of(&row.cohorts)?;
            transitions.push(&path, row.conversions.into(), row.nulls.into())?;
            let json = transitions.to_json()?;
            prop_assert_eq!(Transitions::parse(json.as_bytes())?.to_json()?, json.clone());
            let elements: Vec<serde_json::Value> = serde_json::from_str(&json)?;
            all.extend(elements);
        }
        if !all.is_empty() {
            let middle = middle.index(all.len());
            all.rotate_left(middle);
        }
        let json = serde_json::Value::from(all).to_string();
        let solved = credit_transitions(&Transitions::parse(json.as_bytes())?)?;
        let mut expected = attribute(Model::Markov(order), &rows)?.credits()?;
        for credit in &mut expected {
            credit.value = None;
        }
        prop_assert_eq!(solved, expected);
    }

    #[test]
    fn shapley_values_are_means_over_all_permutations(
        n in 1..=5_usize,
        worths in vec(-1_000_000_000_000_i64..1_000_000_000_000, 32),
        given in vec(any::<bool>(), 32),
    ) {
        let names = &["a", "b", "c", "d", "e"][..n];
        let all = (1 << n) - 1;
        // All of them are worth something, so that each is in the game.
        let worth = |set: usize| {
            if given[set] || set == all { i128::from(worths[set]) } else { 0 }
        };
        let sets = (0..=all).filter(|&set| given[set] || set == all).map(|set| {
            let cohorts: Vec<&str> =
                (0..n).filter(|i| set >> i & 1 == 1).map(|i| names[i]).collect();
            let micros = worths[set];
            let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
            let value = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            serde_json::json!({ "cohorts": cohorts, "value": value })
        });
        let json = sets.collect::<serde_json::Value>().to_string();
        let values = shapley::values(&Game::parse(json.as_bytes())?);
        prop_assert_eq!(values.len(), n);
        // What each adds to those before it, in 10^-6, over all permutations.
        let mut added = vec![0_i128; n];
        let permutations = permutations(n);
        for permutation in &permutations {
            let mut set = 0;
            for &i in permutation {
                added[i] += worth(set | 1 << i) - worth(set);
                set |= 1 << i;
            }
        }
        let count = permutations.len() as i128;
        let mut above = 0;
        for (i, found) in values.iter().enumerate() {
            prop_assert_eq!(&found.cohort, names[i]);
            let floor = (added[i] * 1_000_000).div_euclid(count);
            prop_assert!((floor..=floor + 1).contains(&found.value));
            above += found.value - floor;
        }
        let remainder = |i: usize| (added[i] * 1_000_000).rem_euclid(count);
        prop_assert_eq!((0..n).map(remainder).sum::<i128>(), above * count);
        // Whoever got one more has the larger remainder, or the same and comes first.
        let more = |i: usize| values[i].value > (added[i] * 1_000_000).div_euclid(count);
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            if more(i) && !more(j) {
                prop_assert!((remainder(j), i) <= (remainder(i), j));
            }
        }
        let sum: i128 = values.iter().map(|found| found.value).sum();
        prop_assert_eq!(sum, (worth(all) - worth(0)) * 1_000_000);
    }

    #[test]
    fn the_model_is_the_game_of_its_paths(rows in vec(journeys(), 1..12)) {
        let credits = attribute(Model::Shapley, &rows)?.credits()?;
        let names: Vec<&str> = credits.iter().map(|credit| credit.cohort.as_str()).collect();
        let sets: Vec<usize> = rows
            .iter()
            .map(|row| {
                let is_in = |i: &usize| row.cohorts.iter().any(|cohort| cohort == names[*i]);
                (0..names.len()).filter(is_in).map(|i| 1 << i).sum()
            })
            .collect();
        let games = (1_usize..1 << names.len()).map(|set| {
            let cohorts: Vec<&str> =
                (0..names.len()).filter(|i| set >> i & 1 == 1).map(|i| names[i]).collect();
            let inside = rows.iter().zip(&sets).filter(|(_, own)| **own & !set == 0);
            let conversions: u32 = inside.map(|(row, _)| row.conversions).sum();
            serde_json::json!({ "cohorts": cohorts, "value": conversions })
        });
        let json = games.collect::<serde_json::Value>().to_string();
        let values = shapley::values(&Game::parse(json.as_bytes())?);
        // Each path rounds on its own, by less than a unit for each conversion.
        let slack = rows.iter().map(|row| i128::from(row.conversions)).sum::<i128>() + 1;
        for (credit, value) in credits.iter().zip(&values) {
            prop_assert_eq!(&credit.cohort, &value.cohort);
            prop_assert!((credit.units as i128 - value.value).abs() <= slack);
        }
    }

    #[test]
    fn contributions_are_parts_of_the_price(
        cuts in vec(0..=1_000_000_u32, 0..8),
        price in 0..1_000_000_000_000_000_000_i128,
    ) {
        let mut cuts = cuts;
        cuts.extend([0, 1_000_000]);
        cuts.sort_unstable();
        let contributors = cuts.windows(2).enumerate().map(|(i, pair)| {
            let weight = format!("{}e-6", pair[1] - pair[0]);
            serde_json::json!({ "id": format!("{i}"), "signal_type": "geo", "weight": weight })
        });
        let event = serde_json::json!({
            "attribution": {
                "data_contributors": contributors.collect::<serde_json::Value>(),
            },
            "event_type": "impression",
            "metadata": { "clearing_price": format!("{price}e-9") },
        });
        let event = event.to_string();
        let found = contributions(event.as_bytes(), &Policy::parse("split(USD)")?)?;
        prop_assert_eq!(found.len(), cuts.len() - 1);
        let amounts: i128 = found.iter().filter_map(|found| found.amount).sum();
        // In 10^-18, of a price for a thousand in 10^-9.
        prop_assert_eq!(amounts, price * 1_000_000);
        prop_assert!(found.iter().all(|found| found.currency.as_deref() == Some("USD")));
        prop_assert!(found.is_sorted_by_key(|found| &found.contributor));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..64), text in ".{0,40}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            for model in [Model::Linear, Model::Markov(2)] {
                let merged = Attribution::new(model).merge(bytes);
                prop_assert!(merged.is_ok() == bytes.is_empty(), "{merged:?}");
            }
            let code = |error: precise_core::Error| error.code();
            prop_assert!(TouchPath::parse(bytes).map_err(code).err() == Some(Code::TouchPath));
            prop_assert!(Game::parse(bytes).map_err(code).err() == Some(Code::Game));
            let transitions = Transitions::parse(bytes).map_err(code).err();
            prop_assert!(transitions == Some(Code::Transitions));
        }
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    let Some(last) = n.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |shorter: Vec<usize>| {
        (0..n).map(move |place| {
            let mut longer = shorter.clone();
            longer.insert(place, last);
            longer
        })
    };
    permutations(last).into_iter().flat_map(insert).collect()
}

/// Where a transition goes. Ordered as weights are summed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    State(Vec<String>),
    Conversion,
    Null,
}

/// A chain as SPEC.md section 9.4 describes it, by maps.
#[derive(Clone)]
struct Chain {
    weights: BTreeMap<Vec<String>, BTreeMap<Target, f64>>,
    cohorts: Vec<String>,
}

impl Chain {
    fn of(rows: &[Journeys], order: u32) -> Self {
        let mut counts: BTreeMap<(Vec<String>, Target), u64> = BTreeMap::new();
        for row in rows {
            let (conversions, nulls) = (u64::from(row.conversions), u64::from(row.nulls));
            let mut state: Vec<String> = Vec::new();
            for i in 0..row.cohorts.len() {
                let first = (i + 1).saturating_sub(order as usize);
                let next = row.cohorts[first..=i].to_vec();
                if next != state {
                    let step = (state, Target::State(next.clone()));
                    *counts.entry(step).or_default() += conversions + nulls;
                }
                state = next;
            }
            *counts.entry((state.clone(), Target::Conversion)).or_default() += conversions;
            *counts.entry((state, Target::Null)).or_default() += nulls;
        }
        let mut weights: BTreeMap<Vec<String>, BTreeMap<Target, f64>> = BTreeMap::new();
        for ((state, target), count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            weights.entry(state).or_default().insert(target, count as f64);
        }
        let cohorts: BTreeSet<String> = weights.keys().flatten().cloned().collect();
        Self { weights, cohorts: cohorts.into_iter().collect() }
    }

    /// The probability to get from the beginning to conversion, if nobody goes on from a state
    /// with `removed`: x = P · x + r, by Gauss and Jordan with the largest pivots.
    fn chance(&self, removed: Option<&String>) -> f64 {
        let is_kept = |state: &&Vec<String>| removed.is_none_or(|cohort| !state.contains(cohort));
        let states: Vec<&Vec<String>> = self.weights.keys().filter(is_kept).collect();
        let n = states.len();
        let mut rows = vec![vec![0.0; n + 1]; n];
        for (i, state) in states.iter().enumerate() {
            let weights = &self.weights[*state];
            let total: f64 = weights.values().sum();
            rows[i][i] = 1.0;
            for (target, weight) in weights {
                match target {
                    Target::Conversion => rows[i][n] += weight / total,
                    Target::Null => {}
                    Target::State(target) => {
                        if let Some(j) = states.iter().position(|state| *state == target) {
                            rows[i][j] -= weight / total;
                        }
                    }
                }
            }
        }
        for i in 0..n {
            let pivot = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()));
            rows.swap(i, pivot.unwrap_or(i));
            let own = rows[i].clone();
            for (j, row) in rows.iter_mut().enumerate() {
                let factor = row[i] / own[i];
                if j != i {
                    row.iter_mut().zip(&own).for_each(|(cell, own)| *cell -= factor * own);
                }
            }
        }
        rows.first().map_or(0.0, |row| row[n] / row[0])
    }

    /// Effects as the specification computes them, as bits.
    fn effects(&self) -> Vec<(String, u64)> {
        let mut effects = Vec::new();
        if !self.cohorts.is_empty() {
            self.clone().divide(&self.cohorts, &mut effects);
        }
        effects.into_iter().map(|(cohort, effect)| (cohort, effect.to_bits())).collect()
    }

    fn divide(mut self, cohorts: &[String], effects: &mut Vec<(String, f64)>) {
        if let [cohort] = cohorts {
            let ends = self.weights.get_mut(&Vec::new());
            let without = ends.and_then(|ends| ends.remove(&Target::Conversion)).unwrap_or(0.0);
            self.eliminate(|state| !state.is_empty());
            let ends = self.weights.get(&Vec::new());
            let with = ends.and_then(|ends| ends.get(&Target::Conversion)).copied().unwrap_or(0.0);
            let effect = if with > 0.0 { with / (without + with) } else { 0.0 };
            effects.push((cohort.clone(), effect));
            return;
        }
        let (left, right) = cohorts.split_at(cohorts.len() / 2);
        for half in [left, right] {
            let mut copy = self.clone();
            copy.eliminate(|state| !state.is_empty() && !state.iter().any(|c| half.contains(c)));
            copy.divide(half, effects);
        }
    }

    fn eliminate(&mut self, is_gone: impl Fn(&[String]) -> bool) {
        let gone: Vec<Vec<String>> =
            self.weights.keys().filter(|state| is_gone(state)).cloned().collect();
        for state in gone.into_iter().rev() {
            let own = self.weights.remove(&state).unwrap_or_default();
            let total = own.values().fold(0.0, |total, weight| total + weight);
            for (from, weights) in &mut self.weights {
                if let Some(weight) = weights.remove(&Target::State(state.clone())) {
                    let factor = weight / total;
                    for (to, more) in &own {
                        if *to != Target::State(from.clone()) {
                            *weights.entry(to.clone()).or_insert(0.0) += factor * more;
                        }
                    }
                }
            }
        }
    }
}
