//! The calls of `tests/vectors/royalty.json`: accruals, settlements, statements and their lines,
//! ids of a ledger's entries.

use conformance::{Form, Input};
use precise_core::money::MinorDigits;
use precise_core::royalty::{Balances, Period, Statement, StatementKey, StatementLines};
use precise_core::{Code, Result, hex};
use serde_json::{Value as Json, json as tree};

use super::log::{log, log_proof_of, policy_of};
use super::{Call, Table, args, bytes, json, text};

const ROYALTY: &str = "precise_royalty";
const SETTLE: &str = "precise_settle";
const STATEMENT: &str = "precise_statement";
const LINE: &str = "precise_statement_line";
const VERIFY: &str = "precise_verify_statement_line";
const ENTRY_ID: &str = "precise_ledger_entry_id";
const VOID_ID: &str = "precise_ledger_void_id";

/// The key of the vectors' statements.
const KEY: [u8; 32] = [7; 32];

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    accruals(&mut table);
    accrual_sums(&mut table);
    accrual_faults(&mut table);
    settlements(&mut table);
    settlement_faults(&mut table);
    statements(&mut table);
    statement_faults(&mut table);
    lines(&mut table);
    verdicts(&mut table);
    logged_verdicts(&mut table);
    ledger_ids(&mut table);
    table.calls
}

fn event(parts: &[(&str, &str, Json)], metadata: &Json) -> Json {
    let contributor = |part: &(&str, &str, Json)| {
        let (id, signal_type, weight) = part;
        tree!({ "id": id, "signal_type": signal_type, "weight": weight })
    };
    let contributors: Json = parts.iter().map(contributor).collect();
    tree!({
        "attribution": { "data_contributors": contributors },
        "event_type": "impression",
        "metadata": metadata,
    })
}

/// An event with one contributor of everything.
fn whole(metadata: &Json) -> Json {
    event(&[("acme", "geo", tree!(1))], metadata)
}

fn priced(price: &Json) -> Json {
    tree!({ "clearing_price": price, "currency": "USD" })
}

fn row(event: &Json, rate: i64, policy: &str) -> Vec<Form> {
    vec![json(event.to_string()), Form::Integer(rate), text(policy)]
}

fn one(event: &Json, rate: i64, policy: &str) -> Input {
    Input::Rows(vec![row(event, rate, policy)])
}

fn accruals(table: &mut Table) {
    let usd = priced(&tree!(19));
    let three = event(
        &[("b", "intent", tree!(0.5)), ("a", "geo", tree!(0.3)), ("c", "device", tree!(0.2))],
        &usd,
    );
    for (name, comment, rate) in [
        ("whole", "All of a price of 19.00: 0.0057, 0.0095 and 0.0038.", 1_000_000),
        ("tenth", "A tenth of it.", 100_000),
        ("millionth", "A millionth of it.", 1),
        ("nothing", "A rate of 0 accrues 0, and counts the events.", 0),
    ] {
        table.gives(ROYALTY, &format!("accrue-{name}"), comment, one(&three, rate, "split"));
    }
    let repeated = event(
        &[
            ("a", "intent", tree!(0.25)),
            ("\u{fb33}", "geo", tree!(0.125)),
            ("\u{1f600}", "geo", tree!(0.125)),
            ("a", "geo", tree!(0.5)),
        ],
        &usd,
    );
    let comment = "Two kinds of signal of one contributor are one event; sorted as bytes.";
    table.gives(ROYALTY, "accrue-two-signals", comment, one(&repeated, 1_000_000, "split"));
    let over = event(&[("a", "geo", tree!(1)), ("a", "intent", tree!(1))], &usd);
    let comment = "Under each, a contributor may be due more than the price.";
    table.gives(ROYALTY, "accrue-each", comment, one(&over, 1_000_000, "each"));
    let zero = event(&[("a", "geo", tree!(0)), ("b", "geo", tree!(1))], &usd);
    let comment = "A weight of 0 accrues 0, and counts the event.";
    table.gives(ROYALTY, "accrue-weight-zero", comment, one(&zero, 1_000_000, "split"));
    for (name, comment, price, weight, rate) in [
        ("smallest", "The unit of accrual is 10^-24.", tree!("0.000000001"), tree!(0.000_001), 1),
        ("largest", "The largest price.", tree!("999999999.999999999"), tree!(1), 1_000_000),
        ("nine-decimals", "24 decimals.", tree!("3.123456789"), tree!(0.333_333), 333_333),
        ("free", "A price of 0.", tree!(0), tree!(1), 1_000_000),
    ] {
        let event = event(&[("acme", "geo", weight)], &priced(&price));
        table.gives(ROYALTY, &format!("accrue-{name}"), comment, one(&event, rate, "each"));
    }
    let unnamed = whole(&tree!({ "clearing_price": 1 }));
    let comment = "The policy's currency is that of events that name none.";
    table.gives(ROYALTY, "accrue-policy-currency", comment, one(&unnamed, 1_000_000, "each(JPY)"));
    let named = one(&whole(&usd), 1_000_000, "each(JPY)");
    table.gives(ROYALTY, "accrue-own-currency", "The event's own is before it.", named);
    let quoted = whole(&tree!({ "clearing_price": "19.00", "currency": "USD" }));
    let quoted = one(&quoted, 1_000_000, "split");
    table.gives(ROYALTY, "accrue-price-string", "A price may be a string.", quoted);
    let escaped = r#"{"event_type":"\u0069mpression","metadata":{"clearing_price":1e0,"currency":"\u0055SD"},"attribution":{"data_contributors":[{"weight":1.0,"signal_type":"g","id":"\u00e9\n\""}]}}"#;
    let row = vec![json(escaped), Form::Integer(1_000_000), text("split")];
    table.gives(ROYALTY, "accrue-escapes", "Escapes are read.", Input::Rows(vec![row]));
}

fn accrual_sums(table: &mut Table) {
    let of = |price: f64, currency: &str| {
        let metadata = tree!({ "clearing_price": price, "currency": currency });
        event(&[("b", "geo", tree!(0.4)), ("a", "geo", tree!(0.6))], &metadata)
    };
    let rows = vec![
        row(&of(19.0, "USD"), 1_000_000, "split"),
        row(&of(0.1, "USD"), 500_000, "each"),
        row(&of(0.2, "EUR"), 1_000_000, "split(USD)"),
        row(&of(19.0, "USD"), 1_000_000, "split"),
    ];
    let mut turned = rows.clone();
    turned.reverse();
    let comment = "Currencies are kept apart; rate and policy may differ; repeats are summed.";
    table.gives(ROYALTY, "sum-rows", comment, Input::Rows(rows));
    table.gives(ROYALTY, "sum-rows-turned", "In any order.", Input::Rows(turned));
    let usd = priced(&tree!(19));
    let mut click = whole(&usd);
    click["event_type"] = tree!("click");
    let none = event(&[], &tree!({}));
    for (name, comment, event) in [
        ("click", "What is no impression adds nothing.", &click),
        ("no-contributors", "Nor do impressions of nobody, priced or not.", &none),
        ("no-object", "Nor what is no object.", &tree!([])),
    ] {
        table.gives(ROYALTY, &format!("sum-{name}"), comment, one(event, 1, "split"));
    }
    let beside = vec![row(&click, 1, "split"), row(&whole(&usd), 1, "split")];
    table.gives(ROYALTY, "sum-click-beside", "Beside what does.", Input::Rows(beside));
    let unpriced = {
        let mut event = whole(&tree!({}));
        event["event_type"] = tree!("view");
        event
    };
    let comment = "Only an impression needs a price and a currency.";
    table.gives(ROYALTY, "sum-unpriced-view", comment, one(&unpriced, 1, "split"));
    table.gives_null(ROYALTY, "sum-nothing", "NULL of no rows.", Input::Rows(vec![]));
    for (name, at) in [("event", 0), ("rate", 1), ("policy", 2)] {
        let mut null = row(&whole(&usd), 1, "split");
        null[at] = Form::Null;
        let rows = vec![null.clone(), row(&whole(&usd), 1_000_000, "split")];
        let comment = "A row with NULL is skipped.";
        table.gives(ROYALTY, &format!("sum-null-{name}"), comment, Input::Rows(rows));
        let input = Input::Rows(vec![null]);
        table.gives_null(ROYALTY, &format!("sum-null-{name}-alone"), comment, input);
    }
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn accrual_faults(table: &mut Table) {
    for (name, comment, code, event) in [
        (
            "no-price",
            "An impression of somebody has a price.",
            Code::UnpricedEvent,
            whole(&tree!({ "currency": "USD" })),
        ),
        ("no-metadata", "It is in the metadata.", Code::UnpricedEvent, whole(&Json::Null)),
        (
            "null-price",
            "null is as left out.",
            Code::UnpricedEvent,
            whole(&tree!({ "clearing_price": null, "currency": "USD" })),
        ),
        (
            "no-currency",
            "It has a currency.",
            Code::Currency,
            whole(&tree!({ "clearing_price": 1 })),
        ),
        (
            "null-currency",
            "null is as left out.",
            Code::Currency,
            whole(&tree!({ "clearing_price": 1, "currency": null })),
        ),
        (
            "lower-currency",
            "In capital letters.",
            Code::Currency,
            whole(&tree!({ "clearing_price": 1, "currency": "usd" })),
        ),
        (
            "price-10-decimals",
            "A price has at most 9 decimals.",
            Code::Price,
            whole(&priced(&tree!("1.0000000001"))),
        ),
        ("price-negative", "It is not negative.", Code::Price, whole(&priced(&tree!(-0.01)))),
        (
            "price-too-large",
            "It is below 10^9.",
            Code::Price,
            whole(&priced(&tree!(1_000_000_000))),
        ),
        ("price-words", "It is a number.", Code::Price, whole(&priced(&tree!("free")))),
        (
            "weight-7-decimals",
            "Weights are those of contributions.",
            Code::Contributors,
            event(&[("a", "geo", tree!(0.000_000_1))], &priced(&tree!(1))),
        ),
        (
            "weights",
            "Under split they sum to 1.",
            Code::WeightSum,
            event(&[("a", "geo", tree!(0.5))], &priced(&tree!(1))),
        ),
        (
            "twice",
            "A pair stands once.",
            Code::ContributorTwice,
            event(&[("a", "g", tree!(0.5)), ("a", "g", tree!(0.5))], &priced(&tree!(1))),
        ),
    ] {
        let name = format!("refuse-{name}");
        table.refuses(code, ROYALTY, &name, comment, one(&event, 1_000_000, "split"));
    }
    let good = whole(&priced(&tree!(1)));
    for (name, rate) in
        [("below", -1), ("above", 1_000_001), ("least", i64::MIN), ("most", i64::MAX)]
    {
        let name = format!("refuse-rate-{name}");
        let comment = "A rate is from 0 to 1,000,000.";
        table.refuses(Code::RoyaltyRate, ROYALTY, &name, comment, one(&good, rate, "split"));
    }
    let mut click = good.clone();
    click["event_type"] = tree!("click");
    let input = one(&click, 1_000_001, "split");
    table.refuses(Code::RoyaltyRate, ROYALTY, "refuse-rate-of-click", "Of any event.", input);
    for (name, policy) in [("empty", ""), ("upper", "SPLIT"), ("currency", "each(usd)")] {
        let name = format!("refuse-policy-{name}");
        let comment = "A policy is spelled just so.";
        let input = one(&good, 1, policy);
        table.refuses(Code::ContributionPolicy, ROYALTY, &name, comment, input);
    }
    for (name, comment, code, text_of_event) in [
        ("cut", "The event is read as any record.", Code::UnexpectedEnd, "{"),
        ("key-twice", "With its codes.", Code::DuplicateKey, r#"{"a":1,"a":1}"#),
        ("number", "All of it.", Code::NumberPrecision, "[9007199254740993]"),
        (
            "key-behind-contributors",
            "A fault of the text is before one of the contributors.",
            Code::DuplicateKey,
            r#"{"attribution":{"data_contributors":[7]},"a":1,"a":1}"#,
        ),
    ] {
        let input = Input::Rows(vec![vec![json(text_of_event), Form::Integer(1), text("split")]]);
        table.refuses(code, ROYALTY, &format!("refuse-{name}"), comment, input);
    }
    let rows = vec![row(&good, 1, "split"), row(&good, -1, "split")];
    let comment = "One row is enough.";
    table.refuses(Code::RoyaltyRate, ROYALTY, "refuse-second", comment, Input::Rows(rows));
}

fn owed(balances: &[(&str, &str)]) -> Json {
    let accrual = |balance: &(&str, &str)| {
        let (contributor, accrued) = balance;
        tree!({ "accrued": accrued, "contributor": contributor, "currency": "USD" })
    };
    balances.iter().map(accrual).collect()
}

fn settle(accruals: &Json, digits: i64) -> Input {
    args([json(accruals.to_string()), Form::Integer(digits)])
}

fn settlements(table: &mut Table) {
    let three = owed(&[("a", "1.0057"), ("b", "2.0095"), ("c", "3.0038")]);
    for (name, digits) in [("yen", 0), ("cents", 2), ("fils", 3)] {
        let comment = "Σ parts is what is owed in whole minor units.";
        table.gives(SETTLE, &format!("settle-{name}"), comment, settle(&three, digits));
    }
    for (name, comment, balances) in [
        ("one", "One is rounded down.", vec![("acme", "12.30123")]),
        ("whole", "Nothing is carried of whole minor units.", vec![("a", "1.50"), ("b", "0.5")]),
        ("ties", "Ties go to who is first.", vec![("c", "0.005"), ("b", "0.005"), ("a", "0.005")]),
        (
            "ties-of-bytes",
            "By bytes, not as UTF-16.",
            vec![("\u{fb33}", "0.005"), ("\u{1f600}", "0.005"), ("\u{e9}", "0.005")],
        ),
        (
            "remainders",
            "The largest remainders get one more.",
            vec![("a", "0.004"), ("b", "0.009"), ("c", "0.008"), ("d", "0.0089")],
        ),
        ("small", "Less than a minor unit is carried.", vec![("a", "0.0057"), ("b", "0.001")]),
        ("zero", "Nothing is paid of nothing.", vec![("a", "0"), ("b", "-0"), ("c", "0e5")]),
        (
            "negative",
            "Who owes is paid nothing, and others are not paid less for it.",
            vec![("a", "-5.001"), ("b", "0.015"), ("c", "0.005")],
        ),
        ("negative-alone", "Nor is there a total.", vec![("a", "-0.01")]),
        (
            "added",
            "Entries of one contributor are added.",
            vec![("a", "0.006"), ("b", "0.01"), ("a", "0.006"), ("a", "-0.002")],
        ),
        ("added-to-nothing", "Also where they are nothing.", vec![("a", "12.5"), ("a", "-12.5")]),
        (
            "smallest",
            "The unit of accrual.",
            vec![("a", "0.000000000000000000000001"), ("b", "-0.000000000000000000000001")],
        ),
        ("largest", "The largest balance.", vec![("a", "99999999999999.999999999999999999999999")]),
        (
            "least",
            "The least one, and the largest.",
            vec![
                ("a", "-99999999999999.999999999999999999999999"),
                ("b", "99999999999999.999999999999999999999999"),
            ],
        ),
        ("exponent", "A number in a string may have an exponent.", vec![("a", "123e-3")]),
        ("zeros-behind", "Zeros at the end are no decimals.", vec![("a", ZEROS)]),
        ("escapes", "Names are written as JSON.", vec![("\u{1}\"\\\n\u{7f}", "1")]),
    ] {
        table.gives(SETTLE, &format!("settle-{name}"), comment, settle(&owed(&balances), 2));
    }
    let numbers = tree!([
        { "accrued": 0.125, "contributor": "a", "currency": "EUR" },
        { "accrued": -1, "contributor": "b", "currency": "EUR" },
        { "accrued": 1e-7, "contributor": "c", "currency": "EUR", "events": 7, "method": [1] },
    ]);
    let comment = "Numbers will do, and other members are ignored.";
    table.gives(SETTLE, "settle-numbers", comment, settle(&numbers, 2));
    let many: Vec<(String, String)> =
        (0..50).map(|i| (format!("c{i}"), format!("0.{:04}", i * 37 % 100))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(c, a)| (c.as_str(), a.as_str())).collect();
    table.gives(SETTLE, "settle-many", "Fifty contributors.", settle(&owed(&many), 2));
    for (name, at) in [("accruals", 0), ("digits", 1)] {
        let mut row = vec![json(three.to_string()), Form::Integer(2)];
        row[at] = Form::Null;
        let name = format!("settle-null-{name}");
        table.gives_null(SETTLE, &name, "NULL gives NULL.", Input::Row(row));
    }
}

/// 1 with more zeros behind its point than an amount has decimals.
const ZEROS: &str = "1.00000000000000000000000000000000";

fn settlement_faults(table: &mut Table) {
    let with = |member: &str, value: Json| {
        let mut accrual = tree!({ "accrued": "1", "contributor": "a", "currency": "USD" });
        accrual[member] = value;
        tree!([accrual])
    };
    for (name, comment, accruals) in [
        ("empty", "Of nothing there is no settlement.", tree!([])),
        ("object", "Accruals are an array.", tree!({})),
        ("null", "And nothing else.", Json::Null),
        ("string", "Of objects.", tree!(["a"])),
        ("array", "Of objects alone.", tree!([[]])),
        ("accrued-25-decimals", "24 decimals.", with("accrued", tree!("1e-25"))),
        ("accrued-too-large", "Below 10^14.", with("accrued", tree!("100000000000000"))),
        ("accrued-too-small", "In magnitude.", with("accrued", tree!("-100000000000000"))),
        ("accrued-huge", "However it is written.", with("accrued", tree!("1e999999999999"))),
        ("accrued-words", "A number.", with("accrued", tree!("ten"))),
        ("accrued-empty", "The empty string is none.", with("accrued", tree!(""))),
        ("accrued-plus", "JSON has no plus in front.", with("accrued", tree!("+1"))),
        ("accrued-comma", "Nor commas.", with("accrued", tree!("1,5"))),
        ("accrued-null", "null is no amount.", with("accrued", Json::Null)),
        ("accrued-array", "Nor is an array.", with("accrued", tree!([1]))),
        ("contributor-empty", "It has a name.", with("contributor", tree!(""))),
        ("contributor-number", "A string.", with("contributor", tree!(7))),
        ("contributor-null", "A string.", with("contributor", Json::Null)),
        ("currency-lower", "Capital letters.", with("currency", tree!("usd"))),
        ("currency-long", "Three of them.", with("currency", tree!("USDT"))),
        ("currency-null", "Always.", with("currency", Json::Null)),
        ("no-accrued", "An amount is there.", tree!([{ "contributor": "a", "currency": "USD" }])),
        ("no-contributor", "And a contributor.", tree!([{ "accrued": "1", "currency": "USD" }])),
        ("no-currency", "And a currency.", tree!([{ "accrued": "1", "contributor": "a" }])),
    ] {
        let name = format!("settle-refuse-{name}");
        table.refuses(Code::Accruals, SETTLE, &name, comment, settle(&accruals, 2));
    }
    for (name, comment, accruals) in [
        ("cut", "JSON.", "["),
        ("key-twice", "Without repeated keys.", r#"[{"accrued":1,"accrued":1}]"#),
        (
            "number-18-digits",
            "More digits than binary64 keeps are sent as a string.",
            r#"[{"accrued":0.123456789012345678,"contributor":"a","currency":"USD"}]"#,
        ),
    ] {
        let name = format!("settle-refuse-{name}");
        let input = args([json(accruals), Form::Integer(2)]);
        table.refuses(Code::Accruals, SETTLE, &name, comment, input);
    }
    let mixed = tree!([
        { "accrued": "1", "contributor": "a", "currency": "USD" },
        { "accrued": "1", "contributor": "b", "currency": "EUR" },
    ]);
    let comment = "Each currency is settled by itself.";
    table.refuses(Code::MixedCurrencies, SETTLE, "settle-refuse-mixed", comment, settle(&mixed, 2));
    let good = owed(&[("a", "1")]);
    for digits in [-1, 1, 4, 24, i64::MAX] {
        let name = format!("settle-refuse-digits-{digits}");
        let comment = "Minor digits are 0, 2 or 3.";
        table.refuses(Code::MinorDigits, SETTLE, &name, comment, settle(&good, digits));
    }
    for (name, comment, balances) in [
        ("sum", "A balance is an amount.", [("a", "60000000000000"), ("a", "60000000000000")]),
        ("sum-below", "Below 0 as well.", [("a", "-60000000000000"), ("a", "-60000000000000")]),
        (
            "total",
            "And so is what is owed in all.",
            [("a", "60000000000000"), ("b", "60000000000000")],
        ),
    ] {
        let name = format!("settle-refuse-{name}");
        table.refuses(Code::SumSize, SETTLE, &name, comment, settle(&owed(&balances), 2));
    }
}

/// A settlement of so many contributors, some of whom owe.
fn settled(count: usize) -> String {
    made(count).unwrap_or_default().0
}

/// A statement over it.
fn stated(count: usize) -> String {
    made(count).unwrap_or_default().1
}

/// The line of contributor `i` of that many.
fn line_of(count: usize, i: usize) -> String {
    let line = || -> Result<String> {
        let statement = Statement::parse(stated(count).as_bytes())?;
        let lines = StatementLines::new(statement, StatementKey::from_bytes(&KEY)?)?;
        Ok(lines.line(&format!("c{i:02}"))?.to_json())
    };
    line().unwrap_or_default()
}

fn made(count: usize) -> Result<(String, String)> {
    let owed: Vec<(String, String)> = (0..count)
        .map(|i| (format!("c{i:02}"), format!("{}.{:04}", i % 5, i * 3331 % 10_000)))
        .map(|(contributor, owed)| match contributor.as_str() {
            "c03" => (contributor, format!("-{owed}")),
            _ => (contributor, owed),
        })
        .collect();
    let owed: Vec<(&str, &str)> = owed.iter().map(|(c, a)| (c.as_str(), a.as_str())).collect();
    let balances = Balances::parse(self::owed(&owed).to_string().as_bytes())?;
    let settlement = balances.settle(MinorDigits::new(2)?)?;
    let json = settlement.to_json();
    let key = StatementKey::from_bytes(&KEY)?;
    let statement = Statement::new(settlement, Period::parse("2026-11")?, &key)?;
    Ok((json, statement.to_json()))
}

fn state(settlement: &str, period: &str, key: &[u8]) -> Input {
    args([json(settlement), text(period), bytes(key)])
}

fn statements(table: &mut Table) {
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 33] {
        let name = format!("state-{count}");
        let comment = "The sum tree over so many lines.";
        table.gives(STATEMENT, &name, comment, state(&settled(count), "2026-11", &KEY));
    }
    let spelled = settled(3).replace(",\"", " ,\n\"").replace("c00", "\\u006300");
    let comment = "In any spelling.";
    table.gives(STATEMENT, "state-spelled", comment, state(&spelled, "2026-11", &KEY));
    for period in ["0001-01", "9999-12"] {
        let comment = "Years 0001 to 9999.";
        let input = state(&settled(2), period, &KEY);
        table.gives(STATEMENT, &format!("state-period-{period}"), comment, input);
    }
    for (name, digits) in [("yen", 0), ("fils", 3)] {
        let settlement =
            Balances::parse(owed(&[("a", "12.3456"), ("b", "1.7")]).to_string().as_bytes())
                .and_then(|balances| Ok(balances.settle(MinorDigits::new(digits)?)?.to_json()));
        let input = state(&settlement.unwrap_or_default(), "2026-11", &KEY);
        table.gives(STATEMENT, &format!("state-{name}"), "Of other minor units.", input);
    }
    let key = [8; 32];
    let comment = "Another key is another root.";
    table.gives(STATEMENT, "state-other-key", comment, state(&settled(3), "2026-11", &key));
    for (name, at) in [("settlement", 0), ("period", 1), ("key", 2)] {
        let mut row = vec![json(settled(2)), text("2026-11"), bytes(KEY)];
        row[at] = Form::Null;
        let name = format!("state-null-{name}");
        table.gives_null(STATEMENT, &name, "NULL gives NULL.", Input::Row(row));
    }
}

/// The settlement of three.
const SETTLED: &str = r#"{"currency":"USD","lines":[{"amount":"0.00","carried":"0","contributor":"c00"},{"amount":"1.33","carried":"0.0031","contributor":"c01"},{"amount":"2.66","carried":"0.0062","contributor":"c02"}],"method":"settlement","minor_digits":2,"total":"3.99","v":1}"#;

/// Ways to change one member of it.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    ("amount", "One cent more.", "1.33", "1.34"),
    ("amount-digits", "All minor digits.", "\"1.33\"", "\"1.330\""),
    ("amount-short", "All of them.", "\"0.00\"", "\"0\""),
    ("amount-number", "As a string.", "\"1.33\"", "1.33"),
    ("amount-negative", "Not below 0.", "\"0.00\"", "\"-0.00\""),
    ("carried", "Another carry.", "0.0031", "0.0131"),
    ("carried-zeros", "Without zeros at its end.", "0.0031", "0.00310"),
    ("carried-exponent", "In plain notation.", "0.0031", "31e-4"),
    ("carried-null", "It is there.", "\"0.0031\"", "null"),
    ("contributor", "Sorted by contributor.", "c00", "c03"),
    ("contributor-twice", "Once each.", "c00", "c01"),
    ("contributor-empty", "With a name.", "c00", ""),
    ("line-member", "No other members.", "{\"amount\":\"0.00\"", "{\"a\":1,\"amount\":\"0.00\""),
    ("line-missing", "And none missing.", "\"carried\":\"0\",", ""),
    ("currency", "Capital letters.", "USD", "usd"),
    ("method", "The method is settlement.", "\"settlement\"", "\"royalty\""),
    ("digits", "Minor digits are 0, 2 or 3.", "digits\":2", "digits\":4"),
    ("digits-other", "As the amounts have them.", "digits\":2", "digits\":3"),
    ("digits-text", "As a number.", "digits\":2", "digits\":\"2\""),
    ("total", "What the lines sum to.", "\"3.99\"", "\"4.00\""),
    ("total-digits", "With all digits.", "\"3.99\"", "\"3.9\""),
    ("version", "v is 1.", "\"v\":1", "\"v\":2"),
    ("no-version", "And there.", ",\"v\":1", ""),
    ("member", "No other members.", "{\"currency\"", "{\"a\":1,\"currency\""),
];

fn statement_faults(table: &mut Table) {
    let input = state(SETTLED, "2026-11", &KEY);
    table.gives(STATEMENT, "state-unchanged", "What is changed below.", input);
    for (name, comment, from, to) in CHANGES {
        let name = format!("state-refuse-{name}");
        let input = state(&SETTLED.replacen(from, to, 1), "2026-11", &KEY);
        table.refuses(Code::Statement, STATEMENT, &name, comment, input);
    }
    for (name, comment, settlement) in [
        ("no-json", "JSON.", "settlement"),
        ("null", "An object.", "null"),
        ("empty", "With members.", "{}"),
        ("key-twice", "Each once.", r#"{"v":1,"v":1}"#),
        (
            "no-lines",
            "A settlement has a line.",
            r#"{"currency":"USD","lines":[],"method":"settlement","minor_digits":2,"total":"0.00","v":1}"#,
        ),
        (
            "moved",
            "What is carried is what largest remainder leaves.",
            r#"{"currency":"USD","lines":[{"amount":"0.00","carried":"0.006","contributor":"a"},{"amount":"0.01","carried":"-0.006","contributor":"b"}],"method":"settlement","minor_digits":2,"total":"0.01","v":1}"#,
        ),
        (
            "huge",
            "No amount is so large.",
            r#"{"currency":"USD","lines":[{"amount":"1000000000000000.00","carried":"0","contributor":"a"}],"method":"settlement","minor_digits":2,"total":"1000000000000000.00","v":1}"#,
        ),
    ] {
        let name = format!("state-refuse-{name}");
        let input = state(settlement, "2026-11", &KEY);
        table.refuses(Code::Statement, STATEMENT, &name, comment, input);
    }
    let statement = stated(3);
    let comment = "A statement is no settlement.";
    let input = state(&statement, "2026-11", &KEY);
    table.refuses(Code::Statement, STATEMENT, "state-refuse-statement", comment, input);
    for (name, period) in [
        ("empty", ""),
        ("month-0", "2026-00"),
        ("month-13", "2026-13"),
        ("year-0", "0000-01"),
        ("short", "2026-1"),
        ("day", "2026-11-01"),
        ("slash", "2026/11"),
        ("plus", "+026-11"),
        ("space", "2026-11 "),
    ] {
        let name = format!("state-refuse-period-{name}");
        let input = state(&settled(1), period, &KEY);
        table.refuses(Code::Statement, STATEMENT, &name, "A period is YYYY-MM.", input);
    }
    for len in [0, 31, 33] {
        let name = format!("state-refuse-key-{len}");
        let input = state(&settled(1), "2026-11", &KEY.repeat(2)[..len]);
        table.refuses(Code::SecretLength, STATEMENT, &name, "A key has 32 bytes.", input);
    }
}

fn lines(table: &mut Table) {
    let ask = |statement: &str, contributor: &str, key: &[u8]| {
        args([json(statement), text(contributor), bytes(key)])
    };
    for (count, i) in [(1, 0), (2, 1), (3, 2), (5, 0), (5, 3), (5, 4), (33, 31), (33, 32)] {
        let name = format!("line-{i}-of-{count}");
        let input = ask(&stated(count), &format!("c{i:02}"), &KEY);
        table.gives(LINE, &name, "The path of a line.", input);
    }
    let statement = stated(3);
    let spelled = statement.replace(",\"", "\t,\"");
    table.gives(LINE, "line-spelled", "In any spelling.", ask(&spelled, "c01", &KEY));
    let (begin, end) = statement.split_at(statement.find("\"total\"").unwrap_or_default());
    let changes = [
        ("count", "Another count.", statement.replacen("count\":3", "count\":4", 1)),
        ("period", "A month.", statement.replacen("2026-11", "2026-13", 1)),
        ("root", "Another root.", statement.replacen("root\":\"0x", "root\":\"0x0", 1)),
        ("amount", "Another amount.", statement.replacen("1.33", "1.34", 1)),
        ("contributor", "Another name.", statement.replacen("c00", "b00", 1)),
        ("total", "Another total.", format!("{begin}{}", end.replacen("\"3.99", "\"4.00", 1))),
        ("version", "Another version.", statement.replacen("\"v\":1", "\"v\":0", 1)),
        ("member", "Another member.", statement.replacen("{\"count\"", "{\"a\":1,\"count\"", 1)),
        ("settlement", "No commitment.", settled(3)),
        ("no-json", "No JSON.", "statement".into()),
    ];
    for (name, comment, changed) in changes {
        let name = format!("line-refuse-{name}");
        table.refuses(Code::Statement, LINE, &name, comment, ask(&changed, "c01", &KEY));
    }
    let flipped = {
        let at = statement.find("root\":\"0x").map_or(0, |at| at + 9);
        let digit = if statement.as_bytes().get(at) == Some(&b'0') { "1" } else { "0" };
        format!("{}{digit}{}", &statement[..at], &statement[at + 1..])
    };
    let comment = "The lines lead elsewhere.";
    table.refuses(
        Code::Statement,
        LINE,
        "line-refuse-other-root",
        comment,
        ask(&flipped, "c01", &KEY),
    );
    let comment = "With another key too.";
    let input = ask(&statement, "c01", &[8; 32]);
    table.refuses(Code::Statement, LINE, "line-refuse-other-key", comment, input);
    let input = ask(&statement, "c01", &[7; 31]);
    table.refuses(Code::SecretLength, LINE, "line-refuse-short-key", "Of 32 bytes.", input);
    for (name, contributor) in
        [("unknown", "c99"), ("upper", "C01"), ("prefix", "c0"), ("empty", ""), ("space", "c01 ")]
    {
        let name = format!("line-refuse-{name}");
        let comment = "A contributor has a line or not.";
        table.refuses(
            Code::NoStatementLine,
            LINE,
            &name,
            comment,
            ask(&statement, contributor, &KEY),
        );
    }
    for (name, at) in [("statement", 0), ("contributor", 1), ("key", 2)] {
        let mut row = vec![json(&statement), text("c01"), bytes(KEY)];
        row[at] = Form::Null;
        let name = format!("line-null-{name}");
        table.gives_null(LINE, &name, "NULL gives NULL.", Input::Row(row));
    }
}

const HOLDS: &str = "\"failed\":null";
const BAD_LINE: &str = "\"failed\":\"line\"";
const BAD_SUM: &str = "\"failed\":\"sum\"";

/// The JSON of a line with something done to its tree.
fn altered(line: &str, alter: impl FnOnce(&mut Json)) -> String {
    let mut tree: Json = serde_json::from_str(line).unwrap_or_default();
    alter(&mut tree);
    tree.to_string()
}

/// Does something to the tree of a line.
type Alter = fn(&mut Json);

/// A hash whose first digit is another.
fn turned(hash: &Json) -> Json {
    let digits = hash.as_str().unwrap_or_default().get(3..).unwrap_or_default();
    let first = hash.as_str().and_then(|hash| hash.chars().nth(2));
    tree!(format!("0x{}{digits}", if first == Some('0') { '1' } else { '0' }))
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn verdicts(table: &mut Table) {
    for (count, i) in [(1, 0), (2, 0), (3, 2), (5, 4), (33, 17)] {
        let name = format!("verify-{i}-of-{count}");
        let input = args([json(line_of(count, i))]);
        table.judges(HOLDS, VERIFY, &name, "A line that is in its statement.", input);
    }
    let line = line_of(5, 2);
    let spelled = args([json(line.replace(",\"", " ,\n\""))]);
    table.judges(HOLDS, VERIFY, "verify-spelled", "In any spelling.", spelled);
    let cases: &[(&str, &str, &'static str, Alter)] = &[
        ("amount", "One cent more.", BAD_SUM, |line| line["line"]["amount"] = tree!("2.68")),
        ("carried", "Another carry.", BAD_SUM, |line| line["line"]["carried"] = tree!("1")),
        ("name", "Another's.", BAD_SUM, |line| line["line"]["contributor"] = tree!("c03")),
        ("salt", "Another salt.", BAD_SUM, |line| line["salt"] = turned(&line["salt"])),
        ("index", "Another place.", BAD_SUM, |line| line["index"] = tree!(3)),
        ("index-beyond", "No place.", BAD_SUM, |line| line["index"] = tree!(5)),
        ("index-far", "None at all.", BAD_SUM, |line| {
            line["index"] = tree!(9_007_199_254_740_991_i64);
        }),
        ("count", "More lines.", BAD_SUM, |line| line["head"]["count"] = tree!(9)),
        ("count-fewer", "Fewer.", BAD_SUM, |line| line["head"]["count"] = tree!(4)),
        ("root", "Another root.", BAD_SUM, |line| {
            line["head"]["sum_root"] = turned(&line["head"]["sum_root"]);
        }),
        ("total", "Another total.", BAD_SUM, |line| line["head"]["total"] = tree!("1.00")),
        ("sum", "Another sum beside it.", BAD_SUM, |line| {
            line["path"][0]["sum"] = tree!("0.01");
        }),
        ("sum-largest", "A sum that is too large with others.", BAD_SUM, |line| {
            line["path"][1]["sum"] = tree!("13292279957849158729038070602803445.75");
        }),
        ("hash", "Another hash beside it.", BAD_SUM, |line| {
            line["path"][1]["hash"] = turned(&line["path"][1]["hash"]);
        }),
        ("path-empty", "No path.", BAD_SUM, |line| line["path"] = tree!([])),
        ("path-longer", "A longer path.", BAD_SUM, |line| {
            let last = line["path"][2].clone();
            if let Some(path) = line["path"].as_array_mut() {
                path.push(last);
            }
        }),
        ("digits", "Of yen.", BAD_LINE, |line| line["head"]["minor_digits"] = tree!(0)),
        ("digits-4", "Of no currency.", BAD_LINE, |line| {
            line["head"]["minor_digits"] = tree!(4);
        }),
        ("currency", "No currency.", BAD_LINE, |line| line["head"]["currency"] = tree!("usd")),
        ("period", "No month.", BAD_LINE, |line| line["head"]["period"] = tree!("2026-13")),
        ("method", "Another method.", BAD_LINE, |line| line["head"]["method"] = tree!("royalty")),
        ("count-0", "No lines.", BAD_LINE, |line| line["head"]["count"] = tree!(0)),
        ("count-text", "No number.", BAD_LINE, |line| line["head"]["count"] = tree!("5")),
        ("lines", "A statement for a head.", BAD_LINE, |line| line["head"]["lines"] = tree!([])),
        ("amount-digits", "All digits.", BAD_LINE, |line| line["line"]["amount"] = tree!("2.6")),
        ("amount-negative", "Not below 0.", BAD_LINE, |line| {
            line["line"]["amount"] = tree!("-2.66");
        }),
        ("sum-number", "A sum is a string.", BAD_LINE, |line| {
            line["path"][0]["sum"] = tree!(0);
        }),
        ("sum-negative", "Not below 0.", BAD_LINE, |line| {
            line["path"][0]["sum"] = tree!("-1.00");
        }),
        ("sum-2-120", "Below 2^120.", BAD_LINE, |line| {
            line["path"][0]["sum"] = tree!("13292279957849158729038070602803445.76");
        }),
        ("sibling-member", "No other members.", BAD_LINE, |line| {
            line["path"][0]["index"] = tree!(1);
        }),
        ("salt-short", "A salt is 32 bytes.", BAD_LINE, |line| line["salt"] = tree!("0x07")),
        ("index-negative", "Not below 0.", BAD_LINE, |line| line["index"] = tree!(-1)),
        ("version", "v is 1.", BAD_LINE, |line| line["v"] = tree!(2)),
        ("member", "No other members.", BAD_LINE, |line| line["key"] = tree!("0x07")),
        ("entry-alone", "An entry has its log proof.", BAD_LINE, |line| line["entry"] = tree!("")),
        ("log-proof-alone", "And it an entry.", BAD_LINE, |line| line["tlog_proof"] = tree!("")),
        ("null-line", "There is a line.", BAD_LINE, |line| line["line"] = Json::Null),
    ];
    for (name, comment, said, alter) in cases {
        let input = args([json(altered(&line, alter))]);
        table.judges(said, VERIFY, &format!("verify-{name}"), comment, input);
    }
    // The period and the currency are in the head alone, which only its proof hash holds.
    for (name, member, value) in
        [("other-period", "period", "2026-12"), ("other-currency", "currency", "EUR")]
    {
        let changed = altered(&line, |line| line["head"][member] = tree!(value));
        let comment = "What the tree does not hold, the log's entry does.";
        table.judges(HOLDS, VERIFY, &format!("verify-{name}"), comment, args([json(changed)]));
    }
    for (name, comment, document) in [
        ("empty", "No members.", "{}".to_owned()),
        ("no-json", "No JSON.", "line".into()),
        ("array", "No object.", "[]".into()),
        ("key-twice", "A key that stands twice.", r#"{"v":1,"v":1}"#.into()),
        ("statement", "A statement is no line.", stated(1)),
    ] {
        let input = args([json(document)]);
        table.judges(BAD_LINE, VERIFY, &format!("verify-{name}"), comment, input);
    }
    table.gives_null(VERIFY, "verify-null", "NULL gives NULL.", args([Form::Null]));
    let input = args([json(&line), Form::Null]);
    table.gives_null(VERIFY, "verify-null-policy", "A policy that is NULL too.", input);
}

fn entry_of(hash: &str) -> String {
    let root = "01".repeat(32);
    format!(
        "{{\"batch_root\":\"0x{root}\",\"canon\":\"precise-jcs-1\",\
         \"closed_at\":\"2026-12-01T20:00:00Z\",\"count\":9,\"kind\":\"settlement\",\
         \"statement_hash\":\"{hash}\",\"v\":1}}"
    )
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn logged_verdicts(table: &mut Table) {
    const BAD_ENTRY: &str = "\"failed\":\"entry\"";
    const BAD_LOG: &str = "\"failed\":\"log\"";
    const BAD_CHECKPOINT: &str = "\"failed\":\"checkpoint\"";
    let line = line_of(5, 2);
    let statement = Statement::parse(stated(5).as_bytes());
    let hash = statement.map(|statement| hex::format_hash(&statement.head().hash()));
    let hash = hash.unwrap_or_default();
    let with = |entry: &str, tlog_proof: &str| {
        altered(&line, |line| {
            line["entry"] = tree!(entry);
            line["tlog_proof"] = tree!(tlog_proof);
        })
    };
    let logged = |entry: &str| with(entry, &log_proof_of(&log(), entry, 1, 3));
    let entry = entry_of(&hash);
    let good = logged(&entry);
    let other = entry_of(&hash).replace("count\":9", "count\":8");
    let records = format!(
        "{{\"batch_root\":\"0x{}\",\"canon\":\"precise-jcs-1\",\
         \"closed_at\":\"2026-12-01T20:00:00Z\",\"count\":9,\"kind\":\"records\",\"v\":1}}",
        "01".repeat(32)
    );
    let status = format!(
        "{{\"at\":\"2026-12-01T20:00:00Z\",\"count\":0,\"kind\":\"status\",\
         \"map_root\":\"0x{}\",\"v\":1}}",
        "00".repeat(32)
    );
    let seen = policy_of("quorum w1\n");
    let cases: Vec<(&str, &str, &'static str, String, String)> = vec![
        ("holds", "In a log, seen by a witness.", HOLDS, good.clone(), seen.clone()),
        ("unseen", "Nobody need see it.", HOLDS, good.clone(), policy_of("quorum none\n")),
        ("no-entry", "It is in no log.", BAD_ENTRY, line.clone(), seen.clone()),
        (
            "entry-of-another",
            "Another's.",
            BAD_ENTRY,
            logged(&entry_of(&format!("0x{}", "02".repeat(32)))),
            seen.clone(),
        ),
        ("entry-of-records", "An entry of records.", BAD_ENTRY, logged(&records), seen.clone()),
        ("entry-of-status", "Or of a status.", BAD_ENTRY, logged(&status), seen.clone()),
        ("entry-malformed", "No entry.", BAD_ENTRY, logged("{}"), seen.clone()),
        (
            "entry-spelled",
            "An entry has one spelling.",
            BAD_ENTRY,
            logged(&entry.replace(",\"", ", \"")),
            seen.clone(),
        ),
        (
            "period",
            "Another period is another head.",
            BAD_ENTRY,
            altered(&good, |line| line["head"]["period"] = tree!("2026-12")),
            seen.clone(),
        ),
        (
            "currency",
            "So is another currency.",
            BAD_ENTRY,
            altered(&good, |line| line["head"]["currency"] = tree!("EUR")),
            seen.clone(),
        ),
        (
            "log-of-another",
            "The log proof of another entry.",
            BAD_LOG,
            with(&entry, &log_proof_of(&log(), &other, 1, 3)),
            seen.clone(),
        ),
        ("log-index", "Another number.", BAD_LOG, good.replace("index 1", "index 2"), seen.clone()),
        ("log-malformed", "No log proof.", BAD_LOG, with(&entry, ""), seen.clone()),
        (
            "checkpoint-malformed",
            "No checkpoint.",
            BAD_CHECKPOINT,
            good.replace("\u{2014} example", "- example"),
            seen.clone(),
        ),
        (
            "checkpoint-unseen",
            "Others saw it.",
            BAD_CHECKPOINT,
            good.clone(),
            policy_of("quorum w2\n"),
        ),
        (
            "no-policy",
            "A policy that is none vouches for nobody.",
            BAD_CHECKPOINT,
            good.clone(),
            "trust all\n".into(),
        ),
        ("empty-policy", "Nor does an empty one.", BAD_CHECKPOINT, good.clone(), String::new()),
        (
            "amount",
            "The line comes first.",
            BAD_SUM,
            altered(&good, |line| line["line"]["amount"] = tree!("2.68")),
            seen.clone(),
        ),
    ];
    for (name, comment, said, document, policy) in cases {
        let input = args([json(document), text(policy)]);
        table.judges(said, VERIFY, &format!("verify-logged-{name}"), comment, input);
    }
    let comment = "Without a policy the log is not asked about.";
    let elsewhere = args([json(with(&entry, ""))]);
    table.judges(HOLDS, VERIFY, "verify-logged-unasked", comment, elsewhere);
}

fn ledger_ids(table: &mut Table) {
    for (function, kind) in [(ENTRY_ID, "entry"), (VOID_ID, "void")] {
        for (name, comment, contributor, signal_type) in [
            ("plain", "An id.", "acme", "geo"),
            ("unicode", "As JSON writes strings.", "\u{e9}\u{1f600}", "\u{fb33}"),
            ("escapes", "With its escapes.", "a\"\\\n\u{1}/\u{7f}", "\t"),
            ("long", "Of any length.", &*"a".repeat(1000), "geo"),
            ("parted", "Not as one text.", "a", "b\",\"c"),
        ] {
            let input = args([bytes([1; 32]), text(contributor), text(signal_type)]);
            table.gives(function, &format!("{kind}-id-{name}"), comment, input);
        }
        for (name, code, hash, contributor, signal_type) in [
            ("no-contributor", Code::Contributors, 32, "", "geo"),
            ("no-signal-type", Code::Contributors, 32, "acme", ""),
            ("short-hash", Code::Hash, 31, "acme", "geo"),
            ("no-hash", Code::Hash, 0, "acme", "geo"),
        ] {
            let input = args([bytes(vec![1; hash]), text(contributor), text(signal_type)]);
            let comment = "All three are there.";
            table.refuses(code, function, &format!("{kind}-id-{name}"), comment, input);
        }
        for (name, at) in [("hash", 0), ("contributor", 1), ("signal-type", 2)] {
            let mut row = vec![bytes([1; 32]), text("acme"), text("geo")];
            row[at] = Form::Null;
            let name = format!("{kind}-id-null-{name}");
            table.gives_null(function, &name, "NULL gives NULL.", Input::Row(row));
        }
    }
}
