//! `precise royalty`: the same amounts from every format and in any order, and what is no event.

use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use precise_core::attribution::contributions::Policy;
use precise_core::royalty::{Rate, Royalty};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::common::{Place, gz, lines};

type Tested = Result<(), Box<dyn Error>>;

const RATE: [&str; 2] = ["--rate-ppm", "150000"];

/// Impressions and clicks of three contributors in two currencies.
fn event(i: usize) -> String {
    let kind = if i.is_multiple_of(5) { "click" } else { "impression" };
    let currency = if i.is_multiple_of(3) { "EUR" } else { "USD" };
    let price = format!("{}.{:04}", i % 40, i * 7919 % 10_000);
    format!(
        "{{\"event_type\":\"{kind}\",\"event_id\":\"e{i}\",\
         \"metadata\":{{\"clearing_price\":{price},\"currency\":\"{currency}\"}},\
         \"attribution\":{{\"data_contributors\":[\
         {{\"id\":\"acme\",\"signal_type\":\"geo\",\"weight\":0.3}},\
         {{\"id\":\"a & \\\"b\\\", ltd\",\"signal_type\":\"geo\",\"weight\":0.50}},\
         {{\"id\":\"社\",\"signal_type\":\"geo\",\"weight\":0.2}}]}}}}\n"
    )
}

/// What the core sums of these lines.
fn expected(text: &str, rate: i64, policy: &str) -> Result<Value, Box<dyn Error>> {
    let (rate, policy) = (Rate::from_ppm(rate)?, Policy::parse(policy)?);
    let mut royalty = Royalty::default();
    for line in text.lines() {
        royalty.push(line.as_bytes(), rate, &policy)?;
    }
    Ok(serde_json::from_str(&royalty.to_json())?)
}

/// What is printed with `--json`; it must go well and quietly.
#[track_caller]
fn summary(place: &Place, args: &[&str]) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&place.run(&[&["royalty", "--json"], &RATE[..], args].concat()).succeeds())
}

#[test]
fn every_format_gives_the_same_amounts() -> Tested {
    let place = Place::new();
    let text = lines(300, event);
    place.write("in.ndjson", &text);
    place.write("in.jsonl.gz", gz(text.as_bytes()));
    let backward: Vec<&str> = text.lines().rev().collect();
    let (first, second) = backward.split_at(120);
    place.write("a.ndjson", first.join("\n"));
    place.write("b.ndjson", second.join("\n"));
    let payload: ArrayRef = Arc::new(StringArray::from_iter_values(backward.iter()));
    place.write_parquet("in.parquet", vec![("payload", payload)]);
    let quoted = |line: &str| format!("\"{}\"\n", line.replace('"', "\"\""));
    place.write("in.csv", "payload\n".to_owned() + &text.lines().map(quoted).collect::<String>());
    let expected = expected(&text, 150_000, "split")?;
    assert_eq!(expected.as_array().map(Vec::len), Some(6));
    for args in [
        &["in.ndjson"][..],
        &["in.jsonl.gz"],
        &["a.ndjson", "b.ndjson"],
        &["in.parquet", "--column", "payload"],
        &["in.csv", "--column", "payload"],
    ] {
        let summary = summary(&place, args)?;
        assert_eq!(summary["accruals"], expected, "{args:?}");
        assert_eq!((&summary["records"], &summary["rejected"]), (&json!(300), &json!({})));
    }
    Ok(())
}

#[test]
fn the_example_of_the_specification_is_exact() {
    let place = Place::new();
    let part = |id: &str, weight: f64| json!({ "id": id, "signal_type": "s", "weight": weight });
    let event = json!({
        "event_type": "impression",
        "metadata": { "clearing_price": 19.00, "currency": "USD" },
        "attribution": { "data_contributors": [part("a", 0.3), part("b", 0.5), part("c", 0.2)] },
    });
    place.write("event.json", event.to_string());
    let csv = place.run(&["royalty", "event.json", "--rate-ppm", "1000000", "--csv"]).succeeds();
    assert_eq!(
        csv,
        "currency,contributor,accrued,events\nUSD,a,0.0057,1\nUSD,b,0.0095,1\nUSD,c,0.0038,1\n"
    );
}

#[test]
fn states_of_earlier_runs_are_added() -> Tested {
    let place = Place::new();
    let text = lines(300, event);
    let first = lines(120, event);
    place.write("all.ndjson", &text);
    place.write("first.ndjson", &first);
    place.write("second.ndjson", &text[first.len()..]);
    summary(&place, &["first.ndjson", "--state", "first.state"])?;
    let added = summary(
        &place,
        &["second.ndjson", "--add-state", "first.state", "--state", "second.state"],
    )?;
    let whole = summary(&place, &["all.ndjson", "--state", "all.state"])?;
    assert_eq!(added["accruals"], whole["accruals"]);
    assert_eq!(place.read("second.state"), place.read("all.state"));
    let args = [&["royalty", "second.ndjson"], &RATE[..]].concat();
    for (name, bytes) in [("cut", &place.read("all.state")[..40]), ("other", b"state")] {
        place.write(name, bytes);
        place
            .run(&[&args[..], &["--add-state", name]].concat())
            .fails_with(1, &["cannot add the state", "PR191"]);
    }
    place
        .run(&[&args[..], &["--add-state", "all.state", "--add-state", "./all.state"]].concat())
        .fails_with(2, &["would be added twice"]);
    place.run(&[&args[..], &["--add-state", "none"]].concat()).fails_with(2, &["cannot read none"]);
    Ok(())
}

#[test]
fn tables_and_pictures_show_every_currency_by_itself() -> Tested {
    let place = Place::new();
    place.write("in.ndjson", lines(300, event));
    let args = [&["royalty", "in.ndjson", "--svg", "a.svg"], &RATE[..]].concat();
    let text = place.run(&args).succeeds();
    for words in
        ["         300  events\n", "150,000  ppm", "currency   contributor", "a & \"b\", ltd"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert_eq!(text.matches("\nEUR").count(), 3, "{text}");
    let csv = place.run(&[&["royalty", "in.ndjson", "--csv"], &RATE[..]].concat()).succeeds();
    assert!(csv.contains("\nEUR,\"a & \"\"b\"\", ltd\","), "{csv}");

    let picture = place.text("a.svg");
    let mut reader = Reader::from_str(&picture);
    let (mut bars, mut texts) = (0, Vec::new());
    loop {
        match reader.read_event()? {
            Event::Empty(element) if element.name().as_ref() == b"rect" => bars += 1,
            Event::Text(text) => texts.push(text.decode()?.into_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    // A ground, and a bar for each contributor of each currency.
    assert_eq!(bars, 1 + 6);
    for currency in ["EUR", "USD", "Royalty per contributor"] {
        assert!(texts.iter().any(|text| text == currency), "{currency}");
    }
    place.run(&[&["royalty", "in.ndjson", "--chart", "b.svg"], &RATE[..]].concat()).succeeds();
    assert_eq!(place.text("b.svg"), picture);
    Ok(())
}

#[test]
fn events_that_cannot_be_priced_are_kept_with_the_reason() -> Tested {
    let place = Place::new();
    let good = event(1);
    let bad = [
        good.replace("\"clearing_price\":1.7919,", ""),
        good.replace("1.7919", "-1"),
        good.replace("1.7919", "\"0.0000000001\""),
        good.replace(",\"currency\":\"USD\"", ""),
        good.replace("0.3", "0.4"),
        good.replace("0.3", "0.3000001"),
        "not json\n".into(),
    ];
    place.write("in.ndjson", good.clone() + &bad.concat());
    let found = summary(&place, &["in.ndjson"])?;
    assert_eq!(found["accruals"], expected(&good, 150_000, "split")?);
    assert_eq!(
        found["rejected"],
        json!({ "PR103": 1, "PR510": 1, "PR511": 1, "PR601": 2, "PR602": 1, "PR603": 1 })
    );
    let kept = place.objects("rejects.ndjson");
    let rows: Vec<&Value> = kept.iter().map(|reject| &reject["row"]).collect();
    assert_eq!(rows, [1, 2, 3, 4, 5, 6, 7]);
    // Another policy takes two of them.
    let found = summary(&place, &["in.ndjson", "--policy", "each(USD)"])?;
    assert_eq!(found["rejected"]["PR602"], Value::Null);
    assert_eq!(found["rejected"]["PR511"], Value::Null);
    let args = [&["royalty", "in.ndjson", "--strict", "--chart", "c.svg"], &RATE[..]].concat();
    place.run(&args).fails_with(1, &["row 1 of in.ndjson is refused", "PR603"]);
    assert!(!place.path("c.svg").exists());
    // None is left.
    place.write("bad.ndjson", bad.concat());
    assert_eq!(place.run(&[&["royalty", "bad.ndjson"], &RATE[..]].concat()).code, Some(1));
    Ok(())
}

#[test]
fn what_is_asked_must_make_sense() {
    let place = Place::new();
    place.write("in.ndjson", event(1));
    place.run(&["royalty", "in.ndjson"]).fails_with(2, &["--rate-ppm"]);
    for rate in ["-1", "1000001"] {
        place
            .run(&["royalty", "in.ndjson", "--rate-ppm", rate])
            .fails_with(2, &["PR604", "0 to 1,000,000"]);
    }
    place.run(&["royalty", "in.ndjson", "--rate-ppm", "0.15"]).fails_with(2, &["0.15"]);
    let args = [&["royalty", "in.ndjson"], &RATE[..]].concat();
    for policy in ["", "all", "split(usd)", "each()"] {
        place.run(&[&args[..], &["--policy", policy]].concat()).fails_with(2, &["PR513"]);
    }
    place
        .run(&[&args[..], &["--chart", "x", "--state", "./x"]].concat())
        .fails_with(2, &["--state and --chart are the same file"]);
    place
        .run(&[&args[..], &["--state", "in.ndjson"]].concat())
        .fails_with(2, &["would be written over"]);
    place.run(&[&args[..], &["--csv", "--json"]].concat()).fails_with(2, &["--json"]);
    // Nothing in, nothing due.
    place.write("empty.ndjson", "");
    let text = place.run(&[&["royalty", "empty.ndjson"], &RATE[..]].concat()).succeeds();
    assert!(text.ends_with("nothing is due: no impression has contributors\n"), "{text}");
}
