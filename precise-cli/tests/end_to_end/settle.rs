//! `precise settle` and `precise verify --statement-line`: parts that sum, carries that pay later,
//! and lines that nobody can change.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::common::Place;

type Tested = Result<(), Box<dyn Error>>;

fn accrual(contributor: &str, accrued: &str, currency: &str) -> Value {
    json!({ "accrued": accrued, "contributor": contributor, "currency": currency })
}

/// Three contributors who are due 10.01 dollars between them, and one who owes.
fn accruals() -> Value {
    json!([
        accrual("acme", "3.336666", "USD"),
        accrual("bolt, inc", "3.336667", "USD"),
        accrual("社/é", "3.336667", "USD"),
        accrual("late", "-0.5", "USD"),
    ])
}

#[track_caller]
fn settled(place: &Place, args: &[&str]) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&place.run(&[&["settle", "--json"], args].concat()).succeeds())
}

#[test]
fn parts_sum_to_the_total_and_the_rest_is_carried() -> Tested {
    let place = Place::new();
    place.write("a.json", accruals().to_string());
    let settlement = settled(&place, &["a.json"])?;
    let line = |name: &str, amount: &str, carried: &str| {
        let mut line = json!({ "amount": amount, "carried": carried });
        line["contributor"] = name.into();
        line
    };
    assert_eq!(
        settlement,
        json!({
            "currency": "USD", "method": "settlement", "minor_digits": 2, "total": "10.01", "v": 1,
            "lines": [
                line("acme", "3.33", "0.006666"),
                line("bolt, inc", "3.34", "-0.003333"),
                line("late", "0.00", "-0.5"),
                line("社/é", "3.34", "-0.003333"),
            ],
        })
    );
    let csv = place.run(&["settle", "a.json", "--csv"]).succeeds();
    assert!(
        csv.starts_with("period,currency,contributor,amount,carried\n,USD,acme,3.33,"),
        "{csv}"
    );
    assert!(csv.contains("\n,USD,\"bolt, inc\",3.34,-0.003333\n"), "{csv}");
    let text = place.run(&["settle", "a.json"]).succeeds();
    assert!(text.contains("total          9.51       10.01   -0.5\n"), "{text}");
    // Other minor units, and two files that are one balance.
    place.write("b.json", json!([accrual("acme", "0.75", "USD")]).to_string());
    for (digits, total) in [("0", "10"), ("2", "10.76"), ("3", "10.760")] {
        let settlement = settled(&place, &["a.json", "b.json", "--minor-digits", digits])?;
        assert_eq!(settlement["total"], total, "{digits}");
    }
    // Those of ISO 4217, if none are given.
    for (currency, total) in [("JPY", "1234"), ("KWD", "1234.560"), ("EUR", "1234.56")] {
        place.write("c.json", json!([accrual("acme", "1234.56", currency)]).to_string());
        assert_eq!(settled(&place, &["c.json"])?["total"], total, "{currency}");
    }
    Ok(())
}

#[test]
fn what_royalty_prints_is_settled_currency_by_currency() -> Tested {
    let place = Place::new();
    place.run(&["sample", "--events", "400", "-o", "e.ndjson"]).succeeds();
    let json = ["royalty", "e.ndjson", "--rate-ppm", "150000", "--policy", "split(USD)", "--json"];
    place.write("a.json", place.run(&json).succeeds());
    place.run(&["settle", "a.json"]).fails_with(1, &["PR606", "--currency"]);
    for (currency, total_decimals) in [("USD", 2), ("JPY", 0)] {
        let settlement = settled(&place, &["a.json", "--currency", currency])?;
        assert_eq!(settlement["currency"], currency);
        let total = settlement["total"].as_str().ok_or("a total")?;
        assert_eq!(total.split_once('.').map_or(0, |(_, fraction)| fraction.len()), total_decimals);
    }
    place.run(&["settle", "a.json", "--currency", "CHF"]).fails_with(2, &["nothing in CHF"]);
    Ok(())
}

#[test]
fn a_statement_is_written_once_and_carries_into_the_next() -> Tested {
    let place = Place::new();
    place.write("a.json", accruals().to_string());
    let args = ["settle", "a.json", "--period", "2025-01", "--key-file", "jan.key", "--out", "jan"];
    let text = place.run(&args).succeeds();
    assert!(text.contains("jan, with 4 lines in jan/lines\n"), "{text}");
    let mode = std::fs::metadata(place.path("jan.key"))?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut names: Vec<String> = std::fs::read_dir(place.path("jan/lines"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    assert_eq!(names, ["0-acme.json", "1-bolt__inc.json", "2-late.json", "3-___.json"]);
    let statement = place.text("jan/statement.json");
    // The same again is the same, byte by byte; another is refused, and what is there stays.
    assert_eq!(place.run(&args).succeeds(), text);
    assert_eq!(place.text("jan/statement.json"), statement);
    place.write("more.json", json!([accrual("acme", "1", "USD")]).to_string());
    let other = [&["settle", "more.json"], &args[1..]].concat();
    place.run(&other).fails_with(2, &["is another statement"]);
    assert_eq!(place.text("jan/statement.json"), statement);

    // What was carried pays in the next month: 1 + 0.006666.
    let february = [
        "more.json",
        "--carried",
        "jan/statement.json",
        "--period",
        "2025-02",
        "--key-file",
        "feb.key",
    ];
    let next = settled(&place, &february)?;
    assert_eq!(next["total"], "1.00");
    assert_eq!(
        next["lines"][0],
        json!({ "amount": "1.00", "carried": "0.006666", "contributor": "acme" })
    );
    assert_ne!(place.read("jan.key"), place.read("feb.key"));
    let args = |carried: &[&'static str], period: &'static str| {
        let mut args = vec!["settle", "more.json", "--period", period, "--key-file", "k"];
        for path in carried {
            args.extend(["--carried", path]);
        }
        args
    };
    place
        .run(&args(&["jan/statement.json"], "2025-01"))
        .fails_with(2, &["is of 2025-01, which is not before 2025-01"]);
    place
        .run(&args(&["jan/statement.json", "jan/statement.json"], "2025-02"))
        .fails_with(2, &["carries already"]);
    place.run(&args(&["jan/head.json"], "2025-02")).fails_with(1, &["PR609"]);
    Ok(())
}

#[test]
fn a_line_proves_itself_and_nothing_else() -> Tested {
    let place = Place::new();
    place.write("a.json", accruals().to_string());
    let args = ["settle", "a.json", "--period", "2025-01", "--key-file", "jan.key", "--out", "jan"];
    place.run(&args).succeeds();
    let file = "jan/lines/0-acme.json";
    let verify = |args: &[&str]| place.run(&[&["verify", "--statement-line"], args].concat());
    let text = verify(&[file]).succeeds();
    assert!(text.starts_with("ok  line        line 0 of 4\n"), "{text}");
    assert!(text.ends_with("--  checkpoint  not checked\nverdict: true\n"), "{text}");
    let line = place.text(file);
    assert!(!line.contains("bolt"), "{line}");
    // Any spelling of the same is the same.
    let spelled: Value = serde_json::from_str(&line)?;
    place.write("spelled.json", serde_json::to_string_pretty(&spelled)?);
    verify(&["spelled.json"]).succeeds();

    let refused = |changed: &Value, at: &str| {
        place.write("changed.json", changed.to_string());
        let run = verify(&["changed.json", "--json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{changed}");
        let verdict: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        assert_eq!(verdict["failed"], at, "{verdict}");
    };
    let change = |path: &str, value: Value| {
        let mut changed = spelled.clone();
        if let Some(place) = changed.pointer_mut(path) {
            *place = value;
        }
        assert_ne!(changed, spelled, "{path}");
        changed
    };
    let zeros = format!("0x{}", "0".repeat(64));
    for (path, value, at) in [
        ("/line/amount", json!("3.34"), "sum"),
        ("/line/carried", json!("0.006667"), "sum"),
        ("/line/contributor", json!("acmf"), "sum"),
        ("/salt", json!(zeros), "sum"),
        ("/index", json!(1), "sum"),
        ("/path/0/sum", json!("3.35"), "sum"),
        ("/path/0/hash", json!(zeros), "sum"),
        ("/head/total", json!("10.02"), "sum"),
        ("/head/sum_root", json!(zeros), "sum"),
        ("/line/amount", json!("3.3"), "line"),
        ("/line/amount", json!(3.33), "line"),
        ("/head/count", json!(0), "line"),
        ("/v", json!(2), "line"),
    ] {
        refused(&change(path, value), at);
    }
    let mut more = spelled.clone();
    more["note"] = json!("");
    refused(&more, "line");
    // What the sum does not cover, the log's entry does: without one a policy is not met.
    place.write("policy", "quorum none\n");
    let run = verify(&[file, "--policy", "policy"]);
    assert_eq!(run.code, Some(1));
    assert!(run.text().ends_with("verdict: false at entry\n"), "{}", run.text());
    Ok(())
}

#[test]
fn a_line_in_a_log_is_verified_by_the_logs_key() -> Tested {
    let place = Place::new();
    place.run(&["demo", "--events", "300", "--keep", "d"]).succeeds();
    let verify = |line: &str, trust: &[&str]| {
        place.run(&[&["verify", "--statement-line", line], trust].concat())
    };
    let text = verify("d/statement-line.json", &["--policy", "d/policy"]).succeeds();
    assert_eq!(text.matches("ok  ").count(), 5, "{text}");
    let policy = place.text("d/policy");
    let vkey = policy.lines().find_map(|line| line.strip_prefix("log ")).ok_or("a key")?;
    verify("d/statement-line.json", &["--vkey", vkey]).succeeds();
    // Another head, another log's key, another entry of the same log.
    let line: Value = serde_json::from_str(&place.text("d/statement-line.json"))?;
    let mut other = line.clone();
    other["head"]["period"] = json!("2025-02");
    place.write("other.json", other.to_string());
    let run = verify("other.json", &["--policy", "d/policy"]);
    assert!(run.text().ends_with("verdict: false at entry\n"), "{}", run.text());
    let receipt: Value = serde_json::from_str(&place.text("d/receipt.json"))?;
    let mut other = line.clone();
    other["entry"] = receipt["entry"].clone();
    place.write("other.json", other.to_string());
    let run = verify("other.json", &["--policy", "d/policy"]);
    assert!(run.text().ends_with("verdict: false at entry\n"), "{}", run.text());
    let mut other = line;
    other["tlog_proof"] = receipt["tlog_proof"].clone();
    place.write("other.json", other.to_string());
    let run = verify("other.json", &["--policy", "d/policy"]);
    assert!(run.text().ends_with("verdict: false at log\n"), "{}", run.text());
    place.run(&["demo", "--events", "10", "--keep", "e"]).succeeds();
    let run = verify("d/statement-line.json", &["--policy", "e/policy"]);
    assert_eq!(run.code, Some(1));
    assert!(run.text().ends_with("verdict: false at checkpoint\n"), "{}", run.text());
    Ok(())
}

#[test]
fn what_cannot_be_settled_is_refused() {
    let place = Place::new();
    let settle = |accruals: &Value| {
        place.write("x.json", accruals.to_string());
        place.run(&["settle", "x.json"])
    };
    for (accruals, code) in [
        (json!([]), "PR605"),
        (json!({}), "PR605"),
        (json!({ "accruals": [] }), "PR605"),
        (json!({ "accruals": 1 }), "PR605"),
        (json!([accrual("", "1", "USD")]), "PR605"),
        (json!([accrual("a", "1", "usd")]), "PR605"),
        (json!([accrual("a", "1e40", "USD")]), "PR605"),
        (json!([accrual("a", "0.0000000000000000000000001", "USD")]), "PR605"),
        (json!([{ "contributor": "a", "currency": "USD" }]), "PR605"),
        (json!([accrual("a", "1", "USD"), accrual("a", "1", "EUR")]), "PR606"),
    ] {
        settle(&accruals).fails_with(1, &["cannot settle", code, "hint: "]);
    }
    place.write("x.json", "[{");
    place.run(&["settle", "x.json"]).fails_with(1, &["cannot settle x.json"]);
    place.write("a.json", accruals().to_string());
    let settle = |args: &[&str]| place.run(&[&["settle", "a.json"], args].concat());
    for digits in ["1", "4", "-1"] {
        settle(&["--minor-digits", digits]).fails_with(1, &["PR607"]);
    }
    settle(&["a.json"]).fails_with(2, &["would be settled twice"]);
    settle(&["--period", "2025-01"]).fails_with(2, &["--key-file"]);
    settle(&["--out", "o"]).fails_with(2, &["--period"]);
    settle(&["--key-file", "k"]).fails_with(2, &["--period"]);
    for period in ["2025", "2025-13", "2025-00", "2025-1", "25-01", "2025-01-01"] {
        settle(&["--period", period, "--key-file", "k"]).fails_with(2, &["it is like 2026-11"]);
    }
    settle(&["--period", "9999-12", "--key-file", "k"]).fails_with(1, &["PR608", "is not over"]);
    // What all owe together may be more than any of them can.
    let debt = "-99999999999999";
    let debts = ["a", "b"].map(|name| accrual(name, debt, "USD"));
    place.write("debts.json", json!(debts).to_string());
    let text = place.run(&["settle", "debts.json"]).succeeds();
    assert!(text.contains("total                       -   0.00                 -\n"), "{text}");
    place.write("short.key", "00");
    settle(&["--period", "2025-01", "--key-file", "short.key"]).fails_with(2, &["PR304"]);
    assert!(!place.path("k").exists());
    place.run(&["settle"]).fails_with(2, &["ACCRUALS"]);
    place.run(&["settle", "none.json"]).fails_with(2, &["cannot read none.json"]);
    // A line is asked about by itself.
    let verify = |args: &[&str]| place.run(&[&["verify"], args].concat());
    verify(&["--statement-line", "a.json", "--record", "a.json"]).fails_with(2, &["--record"]);
    verify(&["--policy", "p"]).fails_with(2, &["--record"]);
    verify(&["--statement-line", "none.json"]).fails_with(2, &["cannot read none.json"]);
    let run = verify(&["--statement-line", "short.key"]);
    assert_eq!(run.code, Some(1));
    assert!(run.text().contains("verdict: false at line"), "{}", run.text());
}
