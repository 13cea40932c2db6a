//! Rule sets: rules against a slow reading of them, and what is refused.

use std::cmp::Ordering;
use std::error::Error;

use precise_core::Code;
use precise_core::canonical::canonicalize;
use precise_core::ruleset::{Matcher, Ruleset};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Values that are often equal; no number among them that a binary64 changes.
fn values() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-3..4_i64).prop_map(Json::from),
        (-6..7_i32).prop_map(|n| Json::from(f64::from(n) / 4.0)),
        proptest::sample::select(vec!["", "1", "a", "ab", "B", "\u{e9}", "\u{1f600}", "\u{fb33}"])
            .prop_map(Json::from),
    ]
}

fn paths() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["a", "b", "a.b", "a.a.b", "b.a", "zip", "A"])
}

fn conditions() -> impl Strategy<Value = Json> {
    let of_one = proptest::sample::select(vec!["eq", "ne"]);
    let ordered = proptest::sample::select(vec!["gt", "gte", "lt", "lte"]);
    let operators = prop_oneof![
        (of_one, values()).prop_map(|(operator, operand)| (operator, operand)),
        (ordered, values().prop_filter("booleans have no order", |value| !value.is_boolean())),
        vec(values(), 1..4).prop_map(|operands| ("in", Json::from(operands))),
        any::<bool>().prop_map(|exists| ("exists", Json::from(exists))),
    ];
    (operators, paths())
        .prop_map(|((operator, operand), path)| json!({ operator: operand, "signal": path }))
}

fn rules() -> impl Strategy<Value = Json> {
    conditions().prop_recursive(4, 24, 3, |rule| {
        prop_oneof![
            vec(rule.clone(), 1..4).prop_map(|rules| json!({ "all": rules })),
            vec(rule.clone(), 1..4).prop_map(|rules| json!({ "any": rules })),
            rule.prop_map(|rule| json!({ "not": rule })),
        ]
    })
}

fn records() -> impl Strategy<Value = Json> {
    let value = prop_oneof![4 => values(), 1 => Just(Json::Null), 1 => Just(json!([1, "a"]))];
    value.prop_recursive(3, 16, 4, |value| {
        let names = proptest::sample::select(vec!["a", "b", "A", "zip", "a.b", "c"]);
        vec((names, value), 0..4).prop_map(|members| {
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Json>()
        })
    })
}

/// SPEC.md section 8.6, on trees.
fn holds(rule: &Json, record: &Json) -> Option<bool> {
    let (name, operand) = rule.as_object()?.iter().find(|(name, _)| *name != "signal")?;
    let every = |rules: &Json| -> Option<Vec<bool>> {
        rules.as_array()?.iter().map(|rule| holds(rule, record)).collect()
    };
    match name.as_str() {
        "all" => return Some(every(operand)?.into_iter().all(|holds| holds)),
        "any" => return Some(every(operand)?.into_iter().any(|holds| holds)),
        "not" => return Some(!holds(operand, record)?),
        _ => {}
    }
    let value = rule["signal"]
        .as_str()?
        .split('.')
        .try_fold(record, |value, name| value.as_object()?.get(name));
    let side = |operand: &Json| match (value?, operand) {
        (Json::Bool(value), Json::Bool(operand)) => Some(value.cmp(operand)),
        (Json::Number(value), Json::Number(operand)) => {
            value.as_f64()?.partial_cmp(&operand.as_f64()?)
        }
        (Json::String(value), Json::String(operand)) => {
            Some(value.as_bytes().cmp(operand.as_bytes()))
        }
        _ => None,
    };
    Some(match (name.as_str(), side(operand)) {
        ("exists", _) => value.is_some() == operand.as_bool()?,
        ("in", _) => {
            operand.as_array()?.iter().any(|operand| side(operand) == Some(Ordering::Equal))
        }
        (_, None) => false,
        ("eq", Some(side)) => side.is_eq(),
        ("ne", Some(side)) => side.is_ne(),
        ("gt", Some(side)) => side.is_gt(),
        ("gte", Some(side)) => side.is_ge(),
        ("lt", Some(side)) => side.is_lt(),
        ("lte", Some(side)) => side.is_le(),
        _ => return None,
    })
}

/// Names of which none begins another.
const NAMES: [&str; 5] = ["c", "a", "a1", "b_a", "b1"];

fn ruleset(rules: &[Json]) -> Json {
    let cohorts: Vec<Json> = rules
        .iter()
        .zip(NAMES)
        .map(|(rule, name)| json!({ "all": [rule], "geo": "zip", "name": name }))
        .collect();
    json!({ "cohorts": cohorts, "version": "1" })
}

proptest! {
    #[test]
    fn a_record_is_in_the_cohorts_that_a_slow_reading_finds(
        rules in vec(rules(), 1..=5),
        records in vec(records(), 1..8),
        zip in proptest::option::of("[0-9]{4,6}"),
    ) {
        let ruleset = Ruleset::parse(ruleset(&rules).to_string().as_bytes()).unwrap();
        let mut matcher = Matcher::default();
        for mut record in records {
            if let (Some(members), Some(zip)) = (record.as_object_mut(), &zip) {
                members.insert("zip".into(), zip.as_str().into());
            }
            let place = record["zip"].as_str().filter(|zip| {
                zip.len() == 5 && zip.bytes().all(|byte| byte.is_ascii_digit())
            });
            let mut expected: Vec<String> = Vec::new();
            for (rule, name) in rules.iter().zip(NAMES) {
                if holds(rule, &record).unwrap() {
                    expected.push(place.map_or(name.into(), |zip| format!("{name}_{zip}")));
                }
            }
            expected.sort();
            let canonical = canonicalize(record.to_string().as_bytes()).unwrap();
            let found: Vec<&str> = matcher.ids(&ruleset, &canonical).unwrap().collect();
            prop_assert_eq!(found, expected, "{}", record);
        }
    }

    /// Whatever is changed in a rule set, it is read or refused by a code of its own; what is read
    /// is what its canonical form is, and another has another hash.
    #[test]
    fn a_damaged_rule_set_is_refused_or_another(
        rules in vec(rules(), 1..=3),
        at in any::<prop::sample::Index>(),
        with in prop_oneof!["[\\[\\]{}:,\"0-9a-z_. -]", Just(String::new())],
    ) {
        let text = ruleset(&rules).to_string();
        let whole = Ruleset::parse(text.as_bytes()).unwrap();
        let at = text.floor_char_boundary(at.index(text.len()));
        let next = text[at..].chars().next().map_or(0, char::len_utf8);
        let damaged = format!("{}{with}{}", &text[..at], &text[at + next..]);
        match Ruleset::parse(damaged.as_bytes()) {
            Ok(found) => {
                let canonical = canonicalize(damaged.as_bytes()).unwrap();
                prop_assert_eq!(found.hash(), &precise_core::proof::hash(&canonical, None));
                let same = canonical == canonicalize(text.as_bytes()).unwrap();
                prop_assert_eq!(found.hash() == whole.hash(), same);
            }
            Err(error) => {
                let codes = [Code::Ruleset, Code::CohortId, Code::CohortNames];
                prop_assert!(codes.contains(&error.code()), "{}: {}", error.code(), damaged);
                prop_assert!(error.path().is_some_and(|path| path.starts_with('$')));
            }
        }
    }
}

/// As many cohorts as may be, and as many signals: no step of reading is quadratic.
#[test]
fn the_largest_rule_sets_are_read() -> Result<(), Box<dyn Error>> {
    let cohort =
        |i: usize| format!("{{\"all\":[{{\"eq\":{i},\"signal\":\"s{i}\"}}],\"name\":\"c{i}\"}}");
    let cohorts: Vec<String> = (0..10_000).map(cohort).collect();
    let text = format!("{{\"cohorts\":[{}],\"version\":\"1\"}}", cohorts.join(","));
    let ruleset = Ruleset::parse(text.as_bytes())?;
    let mut matcher = Matcher::default();
    let record = canonicalize(br#"{"s1":1,"s10":10,"s2":1,"s9999":9999}"#)?;
    let found: Vec<&str> = matcher.ids(&ruleset, &record)?.collect();
    assert_eq!(found, ["c1", "c10", "c9999"]);
    assert_eq!(ruleset.names().len(), 10_000);

    let conditions: Vec<String> =
        (0..40_000).map(|i| format!("{{\"eq\":1,\"signal\":\"{i:x}\"}}")).collect();
    let text = format!(
        "{{\"cohorts\":[{{\"any\":[{}],\"name\":\"c\"}}],\"version\":\"1\"}}",
        conditions.join(",")
    );
    let ruleset = Ruleset::parse(text.as_bytes())?;
    let found: Vec<&str> = matcher.ids(&ruleset, br#"{"9c3f":1}"#)?.collect();
    assert_eq!(found, ["c"]);
    Ok(())
}
