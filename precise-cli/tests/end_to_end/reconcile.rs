//! `precise reconcile`: what a win log's rows come to, beside events, and what is no win log.

use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use serde_json::{Value, json};

use crate::common::{Place, Run, gz};

type Tested = Result<(), Box<dyn Error>>;

const HEADER: &str = "app_name,AUCTION_ID,beeswax_fee_rate_micros,bid_reduction_rate_micros,\
    category,clearing_price_micros,win_cost_micros,currency_code\n";

/// A made-up row; what is between its commas is quoted in one way or another.
fn row(id: &str, fee: &str, reduction: &str, clearing: &str, cost: &str) -> String {
    format!(
        "\"News, \"\"daily\"\"\",{id},{fee},{reduction},\"IAB1\\,IAB12\",{clearing},{cost},EUR\n"
    )
}

/// One row of each outcome.
fn log() -> String {
    [
        HEADER,
        &row("a-1", "0", "0", "7000", "7000"),
        &row("a-2", "12000000", "0", "7000", "7840"),
        &row("a-3", "0", "2500000", "3900", "4000"),
        &row("a-4", "2500000", "0", "3901", "3999"),
        &row("a-5", "0", "2500000", "3901", "4000"),
    ]
    .concat()
}

/// The report, which says that not all agrees.
#[track_caller]
fn report(run: &Run, code: i32) -> Result<Value, serde_json::Error> {
    assert_eq!((run.code, run.stderr.as_str()), (Some(code), ""), "{}", run.text());
    serde_json::from_slice(&run.stdout)
}

#[test]
fn rows_are_reconciled_explained_or_shown() -> Tested {
    let place = Place::new();
    place.write("wins.csv", log());
    let report = report(&place.run(&["reconcile", "wins.csv", "--json"]), 1)?;
    for (name, expected) in [
        ("rows", json!(5)),
        ("reconciled", json!(1)),
        ("explained", json!({ "fee": 2, "bid_reduction": 1 })),
        ("unexplained", json!(1)),
        ("repeated", json!(0)),
        ("rejected", json!({})),
        ("agrees", json!(false)),
        ("events", Value::Null),
    ] {
        assert_eq!(report[name], expected, "{name}");
    }
    assert_eq!(
        report["findings"],
        json!([{
            "finding": "unexplained", "row": 4, "id": "a-5", "currency": "EUR",
            "clearing_price_micros": "3901", "win_cost_micros": "4000",
            "fee_rate_micros": null, "win_cost_by_fee": null,
            "bid_reduction_rate_micros": "2500000", "clearing_price_by_bid_reduction": "3900",
        }])
    );
    let groups = report["groups"].as_array().ok_or("no groups")?;
    let rounded: Vec<&Value> = groups.iter().filter(|group| group["rounded"] == true).collect();
    assert_eq!(
        rounded,
        [&json!({
            "outcome": "explained", "rule": "fee", "rate_micros": "2500000", "rounded": true,
            "rows": 1, "clearing_price_micros": "3901", "win_cost_micros": "3999",
            "currency": "EUR",
        })]
    );
    let text = place.run(&["reconcile", "wins.csv"]);
    assert_eq!(text.code, Some(1));
    for line in [
        "           1  unexplained\n",
        "12 %      1             7000       7840   EUR\n",
        "  4   a-5             3901       4000        -     -               3900     1\n",
    ] {
        assert!(text.text().contains(line), "{line} in {}", text.text());
    }
    // Without the row that nothing explains the exit code says so.
    let rows = log();
    let (explained, _) = rows.trim_end().rsplit_once('\n').ok_or("a line")?;
    place.write("explained.csv", explained);
    let text = place.run(&["reconcile", "explained.csv"]).succeeds();
    assert!(text.contains("           0  unexplained\n"), "{text}");
    assert_eq!(place.names(), ["explained.csv", "wins.csv"]);
    Ok(())
}

#[test]
fn every_spelling_of_a_log_gives_the_same_report() -> Tested {
    let place = Place::new();
    place.write("plain.csv", log());
    place.write("packed.csv.gz", gz(log().as_bytes()));
    // As old Macs and some programs end lines and begin files.
    place.write("cr.csv", log().replace('\n', "\r"));
    place.write("bom.csv", format!("\u{feff}{}", log().replace('\n', "\r\n")));
    place.write("unquoted.csv", log().replace("\"IAB1\\,IAB12\"", "IAB1\\,IAB12\\,IAB\\13"));
    place.write("tab.csv", log().replace(',', "\t"));
    let figures = |column: fn(&Row) -> &'static str| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            ROWS.iter().filter_map(|row| column(row).parse().ok()),
        ))
    };
    let texts = |column: fn(&Row) -> &'static str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(ROWS.iter().map(column)))
    };
    place.write_parquet(
        "wins.parquet",
        vec![
            ("auction_id", texts(|row| row.0)),
            ("beeswax_fee_rate_micros", figures(|row| row.1)),
            ("bid_reduction_rate_micros", figures(|row| row.2)),
            ("clearing_price_micros", figures(|row| row.3)),
            ("win_cost_micros", figures(|row| row.4)),
            ("currency_code", texts(|_| "EUR")),
        ],
    );
    let json = |row: &Row| {
        json!({
            "auction_id": row.0, "beeswax_fee_rate_micros": row.1,
            "bid_reduction_rate_micros": row.2, "clearing_price_micros": row.3,
            "win_cost_micros": row.4, "currency_code": "EUR",
        })
        .to_string()
            + "\n"
    };
    place.write("wins.ndjson", ROWS.iter().map(json).collect::<String>());
    let read = |args: &[&str]| -> Result<Value, serde_json::Error> {
        let mut report = report(&place.run(&[&["reconcile", "--json"], args].concat()), 1)?;
        report["seconds"] = Value::Null;
        Ok(report)
    };
    let plain = read(&["plain.csv"])?;
    assert_eq!(plain["rows"], 5);
    for args in [
        &["packed.csv.gz"][..],
        &["cr.csv"],
        &["bom.csv"],
        &["unquoted.csv"],
        &["tab.csv", "--delimiter", "tab"],
        &["wins.parquet"],
        &["wins.ndjson"],
    ] {
        assert_eq!(read(args)?, plain, "{args:?}");
    }
    let piped = place.run_with(&["reconcile", "-", "--format", "csv"], log().as_bytes());
    assert_eq!(piped.text(), place.run(&["reconcile", "plain.csv"]).text());
    Ok(())
}

/// Id, fee, reduction, clearing price, cost: those of [`log`].
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: [Row; 5] = [
    ("a-1", "0", "0", "7000", "7000"),
    ("a-2", "12000000", "0", "7000", "7840"),
    ("a-3", "0", "2500000", "3900", "4000"),
    ("a-4", "2500000", "0", "3901", "3999"),
    ("a-5", "0", "2500000", "3901", "4000"),
];

#[test]
fn rows_that_say_nothing_are_kept_with_the_reason() -> Tested {
    let place = Place::new();
    let bad = [
        row("b-1", "0", "0", "1.52666E+15", "7000"),
        row("b-2", "0", "0", "", "7000"),
        row("b-3", "0", "0", "7000", "-7000"),
        row("b-4", "5E+06", "0", "7000", "7350"),
        row("", "0", "0", "7000", "7000"),
        row("1.72827E+15", "0", "0", "7000", "7000"),
        "too,few\n".into(),
    ];
    place.write("wins.csv", log() + &bad.concat());
    let found = report(&place.run(&["reconcile", "wins.csv", "--json"]), 1)?;
    assert_eq!((&found["rows"], &found["reconciled"]), (&json!(12), &json!(1)));
    assert_eq!(found["rejected"], json!({ "PR110": 1, "PR613": 6 }));
    let kept = place.objects("rejects.ndjson");
    let rows: Vec<&Value> = kept.iter().map(|reject| &reject["row"]).collect();
    assert_eq!(rows, [5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(kept[0]["path"], "$.clearing_price_micros");
    let message = kept[0]["message"].as_str().ok_or("a message")?;
    assert!(message.contains("1.52666E+15 has lost digits"), "{message}");
    assert_eq!(format!("{}\n", kept[3]["raw"].as_str().ok_or("a row")?), bad[3]);
    place
        .run(&["reconcile", "wins.csv", "--strict"])
        .fails_with(1, &["row 5 of wins.csv is refused", "PR613", "hint: "]);
    Ok(())
}

#[test]
fn an_id_that_stands_twice_counts_once() -> Tested {
    let place = Place::new();
    place.write("wins.csv", log() + &row("a-1", "0", "0", "7000", "7000"));
    place.write("more.csv", HEADER.to_owned() + &row("a-3", "0", "0", "1", "1"));
    let report = report(&place.run(&["reconcile", "wins.csv", "more.csv", "--json"]), 1)?;
    assert_eq!((&report["rows"], &report["reconciled"]), (&json!(7), &json!(1)));
    assert_eq!(report["repeated"], 2);
    let findings = report["findings"].as_array().ok_or("findings")?;
    assert_eq!(
        findings[1..],
        [
            json!({ "finding": "repeated", "row": 5, "first_row": 0, "id": "a-1" }),
            json!({ "finding": "repeated", "row": 6, "first_row": 2, "id": "a-3" }),
        ]
    );
    Ok(())
}

fn event(id: &str, price: &str) -> String {
    format!(
        "{{\"event_type\":\"impression\",\"auction_id\":\"{id}\",\
         \"metadata\":{{\"clearing_price\":{price},\"currency\":\"EUR\"}}}}\n"
    )
}

#[test]
fn events_are_compared_with_the_rows_of_their_ids() -> Tested {
    let place = Place::new();
    place.write("wins.csv", log());
    let events = [
        event("a-1", "7.00"),
        // The cost, the clearing price, and neither.
        event("a-2", "\"7.84\""),
        event("a-3", "3.9"),
        event("a-4", "3.902"),
        event("a-1", "7"),
        event("z-9", "1"),
        "{\"event_type\":\"click\",\"auction_id\":\"a-5\"}\n".into(),
        "{\"event_type\":\"impression\",\"auction_id\":\"a-5\"}\n".into(),
        "{\"event_type\":\"impression\"}\n".into(),
    ];
    place.write("events.ndjson", events.concat());
    let args = ["reconcile", "wins.csv", "--events", "events.ndjson"];
    let found = report(&place.run(&[&args[..], &["--json"]].concat()), 1)?;
    assert_eq!(
        found["events"],
        json!({
            "records": 9, "impressions": 6, "others": 1, "at_clearing_price": 2,
            "at_win_cost": 1, "at_another_price": 1, "without_win": 1, "repeated": 1,
            "wins_without_event": 1,
        })
    );
    assert_eq!(found["rejected"], json!({ "PR603": 1, "PR613": 1 }));
    let findings = found["findings"].as_array().ok_or("findings")?;
    assert_eq!(
        findings[1..],
        [
            json!({
                "finding": "price", "row": 3, "win_row": 3, "id": "a-4", "currency": "EUR",
                "price_micros": "3902", "clearing_price_micros": "3901",
                "win_cost_micros": "3999", "win_currency": "EUR", "difference_micros": "1",
            }),
            json!({ "finding": "repeated_event", "row": 4, "first_row": 0, "id": "a-1" }),
            json!({ "finding": "event_without_win", "row": 5, "id": "z-9" }),
            json!({ "finding": "win_without_event", "row": 4, "id": "a-5" }),
        ]
    );
    let text = place.run(&args);
    for line in
        ["           1  without a row in the log\n", "Impressions at another price", "  z-9\n"]
    {
        assert!(text.text().contains(line), "{line} in {}", text.text());
    }
    Ok(())
}

#[test]
fn events_may_have_other_names_and_be_parquet() -> Tested {
    let place = Place::new();
    place.write("wins.csv", HEADER.to_owned() + &row("a-1", "0", "0", "7000", "7000"));
    let event = json!({ "dsp": { "auction": "a-1" }, "cpm": "7", "money": "EUR" }).to_string();
    let payload: ArrayRef = Arc::new(StringArray::from_iter_values([event]));
    place.write_parquet("events.parquet", vec![("payload", payload)]);
    let args = [
        "reconcile",
        "wins.csv",
        "--events",
        "events.parquet",
        "--column",
        "payload",
        "--event-id",
        "dsp.auction",
        "--event-price",
        "cpm",
        "--event-currency",
    ];
    let text = place.run(&[&args[..], &["money"]].concat()).succeeds();
    assert!(text.contains("           1  at the clearing price\n"), "{text}");
    // The same price in another currency is another price.
    let other = json!({ "dsp": { "auction": "a-1" }, "cpm": "7", "money": "USD" }).to_string();
    let payload: ArrayRef = Arc::new(StringArray::from_iter_values([other]));
    place.write_parquet("events.parquet", vec![("payload", payload)]);
    let run = place.run(&[&args[..], &["money"]].concat());
    assert_eq!(run.code, Some(1));
    assert!(run.text().contains("USD, EUR\n"), "{}", run.text());
    // Another id joins nothing: every event and every row is told of.
    let args = ["reconcile", "wins.csv", "--id", "app_name", "--events", "events.parquet"];
    let names = ["--column", "payload", "--event-id", "dsp.auction", "--event-price", "cpm"];
    let report = report(&place.run(&[&args[..], &names[..], &["--json"]].concat()), 1)?;
    assert_eq!(report["events"]["without_win"], 1);
    assert_eq!(report["events"]["wins_without_event"], 1);
    Ok(())
}

#[test]
fn what_is_no_win_log_is_refused() {
    let place = Place::new();
    place.write("empty.csv", "");
    place.write("header.csv", HEADER);
    place.write("other.csv", "auction_id,price\na,1\n");
    place.write("binary.csv", [0xff, 0xfe, 0, b'\n', 1]);
    place.write("twice.csv", format!("auction_id,{HEADER}"));
    place.write("open.csv", log() + "\"never closed");
    place.write("events.csv", "id\n1\n");
    place.run(&["reconcile", "empty.csv"]).fails_with(2, &["empty.csv is empty"]);
    let words = ["no column \"clearing_price_micros\"", "auction_id, price"];
    place.run(&["reconcile", "other.csv"]).fails_with(2, &words);
    place.run(&["reconcile", "binary.csv"]).fails_with(1, &["cannot read binary.csv"]);
    place.run(&["reconcile", "twice.csv"]).fails_with(1, &["PR112"]);
    place.run(&["reconcile", "open.csv", "--strict"]).fails_with(1, &["PR111"]);
    place.run(&["reconcile", "none.csv"]).fails_with(2, &["cannot read none.csv"]);
    place.run(&["reconcile", "wins"]).fails_with(2, &["--format"]);
    place.run(&["reconcile"]).fails_with(2, &["WIN_LOG"]);
    place.run(&["reconcile", "header.csv", "--event-id", "a"]).fails_with(2, &["--events"]);
    place.run(&["reconcile", "header.csv", "--id", "a..b"]).fails_with(2, &["--id a..b"]);
    place
        .run(&["reconcile", "header.csv", "--events", "events.csv"])
        .fails_with(2, &["events.csv has no column \"auction_id\""]);
    place
        .run(&["reconcile", "-", "--format", "csv", "--events", "-"])
        .fails_with(2, &["only once"]);
    // An hour without a win is none of these.
    let text = place.run(&["reconcile", "header.csv"]).succeeds();
    assert!(text.starts_with("           0  rows of the win log\n"), "{text}");
}
