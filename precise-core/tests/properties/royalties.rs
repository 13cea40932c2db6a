//! Royalties: sums in any order and partition against fractions of integers, settlements that lose
//! nothing, and lines of which no byte can be changed.

use std::collections::BTreeMap;

use precise_core::attribution::contributions::Policy;
use precise_core::canonical::canonicalize;
use precise_core::money::{Amount, Currency, MinorDigits};
use precise_core::royalty::{
    Balances, Period, Rate, Royalty, Settlement, Statement, StatementKey, StatementLines,
};
use precise_core::verify::verify_statement_line;
use precise_core::{Code, Result};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

/// An event, as it is made.
#[derive(Clone, Debug)]
struct Event {
    kind: &'static str,
    currency: &'static str,
    /// In 10^-9.
    price: u64,
    /// Contributor, signal type, parts per million.
    parts: BTreeMap<(String, String), u32>,
    rate: u32,
}

impl Event {
    fn json(&self) -> String {
        let contributors = self.parts.iter().rev().map(|((id, signal_type), ppm)| {
            let weight = format!("{ppm}e-6");
            serde_json::json!({ "id": id, "signal_type": signal_type, "weight": weight })
        });
        let price = format!("{}e-9", self.price);
        serde_json::json!({
            "attribution": { "data_contributors": contributors.collect::<Json>() },
            "event_type": self.kind,
            "metadata": { "clearing_price": price, "currency": self.currency },
        })
        .to_string()
    }

    fn push(&self, royalty: &mut Royalty, policy: &Policy) -> Result<()> {
        royalty.push(self.json().as_bytes(), Rate::from_ppm(self.rate.into())?, policy)
    }
}

fn event() -> impl Strategy<Value = Event> {
    let names = || select(vec!["a", "b", "ab", "\u{e9}", "\u{fb33}", "\u{1f600}", "a\"\n"]);
    let part = (names(), names(), 0..=1_000_000_u32);
    let types = select(vec!["impression", "impression", "click"]);
    let currencies = select(vec!["EUR", "USD"]);
    let prices = prop_oneof![0..1_000_000_000_000_000_000_u64, 0..1_000_u64];
    (types, currencies, prices, vec(part, 0..6), 0..=1_000_000_u32).prop_map(
        |(kind, currency, price, parts, rate)| {
            let parts = parts
                .into_iter()
                .map(|(id, signal, ppm)| ((id.into(), signal.into()), ppm))
                .collect();
            Event { kind, currency, price, parts, rate }
        },
    )
}

/// By currency and contributor, what has accrued and for how many events.
type Ledger = BTreeMap<(String, String), (i128, u64)>;

/// The same by its definition.
fn accrued(events: &[Event]) -> Ledger {
    let mut ledger = Ledger::new();
    for event in events.iter().filter(|event| event.kind == "impression") {
        let mut named = BTreeMap::<&str, i128>::new();
        for ((id, _), ppm) in &event.parts {
            let units = i128::from(event.price) * i128::from(*ppm) * i128::from(event.rate);
            *named.entry(id).or_default() += units;
        }
        for (id, units) in named {
            let entry = ledger.entry((event.currency.into(), id.into())).or_default();
            entry.0 += units;
            entry.1 += 1;
        }
    }
    ledger
}

fn ledger(royalty: &Royalty) -> Ledger {
    let accruals = royalty.accruals().into_iter();
    accruals
        .map(|found| {
            let key = (found.currency.as_str().into(), found.contributor);
            (key, (found.accrued.units(), found.events))
        })
        .collect()
}

/// Balances of contributors named by numbers.
fn balances(units: &[i128]) -> Result<Balances> {
    let mut balances = Balances::default();
    let Some(currency) = Currency::parse(b"USD") else { return Ok(balances) };
    for (i, &units) in units.iter().enumerate() {
        balances.add(format!("c{i:03}"), currency, Amount::from_units(units)?)?;
    }
    Ok(balances)
}

fn balance() -> impl Strategy<Value = i128> {
    let cents = 10_i128.pow(22);
    prop_oneof![
        // Many ties and whole minor units, many small ones, and large ones.
        (-5..50_i128).prop_map(move |part| part * cents / 8),
        -1_000..1_000_i128,
        -(10_i128.pow(30))..10_i128.pow(34),
    ]
}

/// Every document that differs from `json` in one scalar, or lacks a member or an element.
fn changes(json: &Json) -> Vec<Json> {
    match json {
        Json::Array(elements) => {
            let mut changed = Vec::new();
            for (i, element) in elements.iter().enumerate() {
                let mut without = elements.clone();
                without.remove(i);
                changed.push(Json::Array(without));
                for other in changes(element) {
                    let mut with = elements.clone();
                    with[i] = other;
                    changed.push(Json::Array(with));
                }
            }
            changed
        }
        Json::Object(members) => {
            let mut changed = Vec::new();
            for (key, member) in members {
                let mut without = members.clone();
                without.remove(key);
                changed.push(Json::Object(without));
                for other in changes(member) {
                    let mut with = members.clone();
                    with.insert(key.clone(), other);
                    changed.push(Json::Object(with));
                }
            }
            changed
        }
        // A character of a text becomes another.
        Json::String(text) => (0..text.chars().count())
            .map(|at| {
                let turn = |(i, character): (usize, char)| match character {
                    _ if i != at => character,
                    '0' => '1',
                    _ => '0',
                };
                Json::String(text.chars().enumerate().map(turn).collect())
            })
            .filter(|changed| changed != json)
            .collect(),
        Json::Number(_) => {
            let number = json.as_i64().unwrap_or_default();
            vec![Json::from(number + 1), Json::from(number - 1), Json::from(number.to_string())]
        }
        Json::Bool(_) | Json::Null => vec![Json::from(7)],
    }
}

proptest! {
    #[test]
    fn accruals_do_not_depend_on_order_or_partition(
        events in vec(event(), 0..20),
        places in vec(any::<Index>(), 20),
        turn in any::<bool>(),
    ) {
        let policy = Policy::parse("each")?;
        let mut whole = Royalty::default();
        let mut parts = [Royalty::default(), Royalty::default(), Royalty::default()];
        for event in &events {
            event.push(&mut whole, &policy)?;
        }
        let turned: Vec<&Event> =
            if turn { events.iter().rev().collect() } else { events.iter().collect() };
        for (event, place) in turned.into_iter().zip(&places) {
            event.push(&mut parts[place.index(3)], &policy)?;
        }
        let mut merged = Royalty::default();
        for part in &mut parts {
            merged.merge(&part.state())?;
            prop_assert!(part.accruals().is_empty(), "a state is handed out");
        }
        prop_assert_eq!(ledger(&whole), accrued(&events));
        prop_assert_eq!(ledger(&merged), accrued(&events));
        prop_assert_eq!(merged.to_json(), whole.to_json());
        prop_assert_eq!(merged.state(), whole.state());
    }

    #[test]
    fn a_settlement_loses_nothing(
        owed in vec(balance(), 1..80),
        digits in select(vec![0, 2, 3]),
    ) {
        let digits = MinorDigits::new(digits)?;
        let settlement = balances(&owed)?.settle(digits)?;
        let minor = digits.unit();
        let (mut paid, mut carried) = (0, 0);
        for (line, &owed) in settlement.lines().iter().zip(&owed) {
            let part = line.amount as i128 * minor;
            prop_assert_eq!(part + line.carried.units(), owed);
            prop_assert!((part - owed.max(0)).abs() < minor);
            paid += part;
            carried += line.carried.units();
        }
        prop_assert_eq!(settlement.lines().len(), owed.len());
        prop_assert_eq!(paid + carried, owed.iter().sum::<i128>());
        let positive: i128 = owed.iter().map(|&owed| owed.max(0)).sum();
        prop_assert_eq!(settlement.total() as i128, positive / minor);
        // Nobody got one more whose remainder is smaller than that of somebody who did not.
        let remainders = |more: bool| {
            let lines = settlement.lines().iter().zip(&owed);
            lines
                .map(|(line, &owed)| (line.amount as i128, owed.max(0)))
                .filter(move |&(amount, owed)| (amount > owed / minor) == more)
                .map(move |(_, owed)| owed % minor)
        };
        if let (Some(least), Some(most)) = (remainders(true).min(), remainders(false).max()) {
            prop_assert!(least >= most);
        }
        prop_assert_eq!(Settlement::parse(settlement.to_json().as_bytes())?, settlement);
    }

    #[test]
    fn what_is_carried_is_paid_in_the_end(owed in vec(balance(), 1..12), months in 1..8_usize) {
        let digits = MinorDigits::new(2)?;
        let mut due: Vec<i128> = vec![0; owed.len()];
        let mut paid: i128 = 0;
        for _ in 0..months {
            for (due, owed) in due.iter_mut().zip(&owed) {
                *due += owed;
            }
            let settlement = balances(&due)?.settle(digits)?;
            paid += settlement.total() as i128 * digits.unit();
            due = settlement.lines().iter().map(|line| line.carried.units()).collect();
        }
        let months = months as i128;
        prop_assert_eq!(paid + due.iter().sum::<i128>(), months * owed.iter().sum::<i128>());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..64), text in ".{0,40}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            let code = |error: precise_core::Error| error.code();
            let merged = Royalty::default().merge(bytes).map_err(code);
            let is_state = bytes.is_empty() || bytes == [1];
            prop_assert_eq!(merged, if is_state { Ok(()) } else { Err(Code::Arguments) });
            prop_assert_eq!(Balances::parse(bytes).map_err(code).err(), Some(Code::Accruals));
            prop_assert_eq!(Settlement::parse(bytes).map_err(code).err(), Some(Code::Statement));
            prop_assert_eq!(Statement::parse(bytes).map_err(code).err(), Some(Code::Statement));
            prop_assert_eq!(verify_statement_line(bytes, None).failed(), Some("line"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The period and the currency are in the head alone, which the log's entry holds, and not the
    /// tree.
    #[test]
    fn no_part_of_a_line_can_be_changed(
        owed in vec(balance(), 1..40),
        at in any::<Index>(),
        key in any::<[u8; 32]>(),
    ) {
        let settlement = balances(&owed)?.settle(MinorDigits::new(2)?)?;
        let key = StatementKey::from_bytes(&key)?;
        let statement = Statement::new(settlement, Period::parse("2026-11")?, &key)?;
        let hash = statement.head().hash();
        let lines = StatementLines::new(statement, key)?;
        let line = lines.line(&format!("c{:03}", at.index(owed.len())))?.to_json();
        prop_assert!(verify_statement_line(line.as_bytes(), None).holds());
        prop_assert_eq!(&canonicalize(line.as_bytes())?, line.as_bytes());
        let line: Json = serde_json::from_str(&line)?;
        for changed in changes(&line) {
            let text = changed.to_string();
            let verdict = verify_statement_line(text.as_bytes(), None);
            if verdict.holds() {
                let read = precise_core::royalty::StatementLine::parse(text.as_bytes())?;
                prop_assert_ne!(read.head.hash(), hash, "{}", text);
                prop_assert_eq!(&changed["line"], &line["line"]);
                prop_assert_eq!(&changed["head"]["total"], &line["head"]["total"]);
            }
        }
    }
}
