//! `precise attribute`: the same credit from every format and in any order, and what is no path.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, Decimal128Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use precise_core::attribution::{Attribution, Model, TouchPath, parse_value};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::common::{Place, gz, lines, skipped, wait_for};

type Tested = Result<(), Box<dyn Error>>;

const MODELS: [&str; 6] = ["first", "last", "linear", "position", "shapley", "markov(1)"];

/// A path that somebody took.
struct Row {
    path: Vec<&'static str>,
    conversions: i64,
    nulls: i64,
    /// In hundredths.
    value: i64,
}

const COHORTS: [&str; 7] =
    ["search", "social", "e-mail", "a & b", "\"q\"", "社会", "eco_renters_10013"];

/// Rows in which each cohort is touched, some again and again.
fn rows(count: usize) -> Vec<Row> {
    let row = |i: usize| Row {
        path: (0..=i % 6).map(|touch| COHORTS[(i * i + 3 * touch) % COHORTS.len()]).collect(),
        conversions: (i % 4) as i64,
        nulls: (i % 3) as i64,
        value: (i * 37 % 500) as i64 - 20,
    };
    (0..count).map(row).collect()
}

fn value_text(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

fn ndjson(row: &Row) -> String {
    let value = value_text(row.value);
    let Row { path, conversions, nulls, .. } = row;
    json!({ "path": path, "conversions": conversions, "nulls": nulls, "value": value }).to_string()
}

/// The credits of rows by the core, a line each.
fn expected(rows: &[Row], models: &[&str]) -> Result<String, precise_core::Error> {
    let mut text = String::new();
    for model in models {
        let mut attribution = Attribution::new(Model::parse(model)?);
        for row in rows {
            let path = TouchPath::of(&row.path)?;
            let value = parse_value(&value_text(row.value))?;
            attribution.push(&path, row.conversions, row.nulls, Some(value))?;
        }
        for credit in attribution.credits()? {
            text.push_str(&credit.to_json(attribution.model()));
            text.push('\n');
        }
    }
    Ok(text)
}

/// What is printed with `--json`; it must go well and quietly.
#[track_caller]
fn summary(place: &Place, args: &[&str]) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&place.run(&[&["attribute", "--json"], args].concat()).succeeds())
}

fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn counts(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

#[test]
fn every_format_gives_the_same_credit() -> Tested {
    let place = Place::new();
    let rows = rows(200);
    let text: String = rows.iter().map(|row| ndjson(row) + "\n").collect();
    place.write("in.ndjson", &text);
    place.write("in.jsonl.gz", gz(text.as_bytes()));
    let path = |row: &Row| json!(row.path).to_string();
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |i: usize| {
        let row = &rows[i];
        let value = value_text(row.value);
        format!("{value},{},{},{}\n", quoted(path(row)), row.nulls, row.conversions)
    };
    place.write("in.csv", format!("value,Path,nulls,CONVERSIONS\n{}", lines(rows.len(), line)));

    let numbers = [
        ("conversions", counts(rows.iter().map(|row| row.conversions))),
        ("nulls", counts(rows.iter().map(|row| row.nulls))),
        (
            "value",
            Arc::new(
                Decimal128Array::from_iter_values(rows.iter().map(|row| row.value.into()))
                    .with_precision_and_scale(12, 2)?,
            ) as ArrayRef,
        ),
        // A column of a type that has no canonical form is not looked at.
        ("unread", Arc::new(arrow_array::IntervalDayTimeArray::new_null(rows.len()))),
    ];
    let mut list = ListBuilder::new(StringBuilder::new());
    for row in &rows {
        list.append_value(row.path.iter().map(|cohort| Some(*cohort)));
    }
    let lists: ArrayRef = Arc::new(list.finish());
    place.write_parquet("lists.parquet", [&numbers[..], &[("path", lists)]].concat());
    let paths = ("Path", texts(rows.iter().map(path)));
    place.write_parquet("texts.parquet", [&numbers[..], &[paths]].concat());
    let payload = ("payload", texts(rows.iter().map(ndjson)));
    place.write_parquet("records.parquet", vec![payload]);

    let expected = expected(&rows, &MODELS)?;
    for args in [
        &["in.ndjson"][..],
        &["in.jsonl.gz"],
        &["in.csv"],
        &["lists.parquet"],
        &["texts.parquet"],
        &["records.parquet", "--column", "payload"],
    ] {
        let summary = summary(&place, &[args, &["-o", "credits.ndjson"]].concat())?;
        assert_eq!(place.text("credits.ndjson"), expected, "{args:?}");
        let listed: Vec<Value> = place.objects("credits.ndjson");
        assert_eq!(summary["credits"], json!(listed), "{args:?}");
        assert_eq!(summary["models"], json!(MODELS), "{args:?}");
        assert_eq!(summary["left_out"], "time_decay(604800)", "{args:?}");
        let sum = |count: fn(&Row) -> i64| rows.iter().map(count).sum::<i64>();
        assert_eq!(summary["conversions"], sum(|row| row.conversions).to_string());
        assert_eq!(summary["nulls"], sum(|row| row.nulls).to_string());
        let value: f64 = summary["value"].as_str().unwrap_or_default().parse()?;
        assert!((value * 100.0 - sum(|row| row.value) as f64).abs() < 1e-6, "{value}");
    }
    Ok(())
}

#[test]
fn neither_order_nor_files_nor_cores_matter() -> Tested {
    let place = Place::new();
    let rows = rows(30_000);
    let text: Vec<String> = rows.iter().map(|row| ndjson(row) + "\n").collect();
    place.write("all.ndjson", text.concat());
    // A step that shares no factor with the count comes by every row.
    let shuffled: Vec<&str> =
        (0..text.len()).map(|i| text[i * 7919 % text.len()].as_str()).collect();
    place.write("a.ndjson", shuffled[..100].concat());
    place.write("b.ndjson", shuffled[100..].concat());
    place.write("none.ndjson", "");
    let args = ["--chart", "chart.svg", "-o", "credits.ndjson"];
    let run = |inputs: &[&str]| {
        place.run(&[&["attribute"], inputs, &args].concat()).succeeds();
        (place.text("credits.ndjson"), place.text("chart.svg"))
    };
    let whole = run(&["all.ndjson"]);
    assert_eq!(whole.0, expected(&rows, &MODELS)?);
    assert_eq!(run(&["b.ndjson", "none.ndjson", "a.ndjson"]), whole);
    let mut command = Command::new("taskset");
    command.args(["-c", "0", env!("CARGO_BIN_EXE_precise"), "attribute", "b.ndjson", "a.ndjson"]);
    match command.args(args).current_dir(place.path(".")).output() {
        Err(_) => skipped("taskset is not there, so that no run has one core"),
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            assert_eq!((place.text("credits.ndjson"), place.text("chart.svg")), whole);
        }
    }
    Ok(())
}

#[test]
fn a_model_that_is_asked_for_is_the_only_one() -> Tested {
    let place = Place::new();
    let rows = rows(50);
    place.write("in.ndjson", rows.iter().map(|row| ndjson(row) + "\n").collect::<String>());
    let args = ["in.ndjson", "--model", "markov(2)", "--model", "linear", "-o", "-"];
    let run = place.run(&[&["attribute", "--json"], &args[..]].concat());
    assert_eq!(run.text(), expected(&rows, &["markov(2)", "linear"])?);
    let summary: Value = serde_json::from_str(&run.stderr)?;
    assert_eq!(summary["models"], json!(["markov(2)", "linear"]));
    assert_eq!(summary["left_out"], Value::Null);
    Ok(())
}

#[test]
fn fields_have_the_names_that_are_said() -> Tested {
    let place = Place::new();
    place.write(
        "in.ndjson",
        "{\"journey\":{\"touches\":[\"a\",\"b\"],\"won\":\"2\"},\"lost\":3,\"revenue\":1e1}\n\
         {\"journey\":{\"touches\":\"[\\\"b\\\"]\"},\"path\":7}\n",
    );
    let args = ["in.ndjson", "--model", "linear", "--path", "journey.touches"];
    let named = ["--conversions", "journey.won", "--nulls", "lost", "--value", "revenue"];
    let found = summary(&place, &[&args[..], &named].concat())?;
    let credit = |cohort: &str, credit: &str, value: &str| {
        let method = "linear";
        json!({ "cohort": cohort, "credit": credit, "method": method, "v": 1, "value": value })
    };
    let credits = [credit("a", "1000000000000", "5"), credit("b", "2000000000000", "5")];
    assert_eq!(found["credits"], json!(credits));
    assert_eq!((&found["nulls"], &found["conversions"]), (&json!("3"), &json!("3")));
    // A name that no record has is one that was mistaken; those by default may be missing.
    for option in ["--conversions", "--nulls", "--value"] {
        let run = place.run(&[&["attribute"], &args[..], &[option, "reveneu", "-o", "x"]].concat());
        run.fails_with(2, &["no record has the field reveneu"]);
    }
    assert_eq!(place.names(), ["in.ndjson"]);
    summary(&place, &args)?;
    for (option, path) in [("--path", "a..b"), ("--value", ""), ("--nulls", ".")] {
        let option_and_path = format!("{option}={path}");
        place
            .run(&["attribute", "in.ndjson", &option_and_path])
            .fails_with(2, &[option, "a name in the field's path is empty"]);
    }
    Ok(())
}

#[test]
fn rows_that_are_refused_are_kept_with_their_reason() -> Tested {
    let bad = [
        (r#"{"path":[]}"#, "PR508", "$.path"),
        ("{}", "PR508", "$.path"),
        (r#"{"path":null}"#, "PR508", "$.path"),
        ("[]", "PR508", "$.path"),
        ("\"path\"", "PR508", "$.path"),
        (r#"{"path":"search"}"#, "PR508", "$.path"),
        (r#"{"path":{"search":1}}"#, "PR508", "$.path"),
        (r#"{"path":["a",7]}"#, "PR508", "$.path"),
        (r#"{"path":["a",""]}"#, "PR508", "$.path"),
        (r#"{"path":["a",null]}"#, "PR508", "$.path"),
        (r#"{"path":["a"],"conversions":-1}"#, "PR515", "$.conversions"),
        (r#"{"path":["a"],"conversions":1.5}"#, "PR515", "$.conversions"),
        (r#"{"path":["a"],"conversions":"+1"}"#, "PR515", "$.conversions"),
        (r#"{"path":["a"],"conversions":true}"#, "PR515", "$.conversions"),
        (r#"{"path":["a"],"nulls":"9223372036854775808"}"#, "PR515", "$.nulls"),
        (r#"{"path":["a"],"nulls":[1]}"#, "PR515", "$.nulls"),
        (r#"{"path":["a"],"nulls":null}"#, "PR515", "$.nulls"),
        (r#"{"path":["a"],"conversions":""}"#, "PR515", "$.conversions"),
        (r#"{"path":["a"],"value":null}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"value":1e-10}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"value":"1,5"}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"value":1e15}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"value":"0.0000000001"}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"value":{}}"#, "PR516", "$.value"),
        (r#"{"path":["a"],"path":["b"]}"#, "PR106", "$.path"),
        (r#"{"path":["a"]"#, "PR104", "$"),
        (r#"{"path":["a"],"x":1e400}"#, "PR202", "$.x"),
    ];
    let place = Place::new();
    let good = ndjson(&Row { path: vec!["a", "b"], conversions: 2, nulls: 0, value: 100 }) + "\n";
    let text = bad.map(|(line, ..)| format!("{good}{line}\n")).concat();
    place.write("in.ndjson", &text);
    let found = summary(&place, &["in.ndjson", "--model", "last", "-o", "credits.ndjson"])?;
    assert_eq!((&found["records"], &found["paths"]), (&json!(2 * bad.len()), &json!(bad.len())));
    assert_eq!(found["rejects"], "credits.rejects.ndjson");
    let expected_credit = format!("{}000000000000", 2 * bad.len());
    assert_eq!(found["credits"][1]["credit"], json!(expected_credit));
    let rejects = place.objects("credits.rejects.ndjson");
    assert_eq!(rejects.len(), bad.len());
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (i, (reject, (line, code, path))) in rejects.iter().zip(bad).enumerate() {
        assert_eq!((&reject["code"], &reject["path"]), (&json!(code), &json!(path)), "{line}");
        assert_eq!((&reject["raw"], &reject["row"]), (&json!(line), &json!(2 * i + 1)));
        *counts.entry(code).or_default() += 1;
    }
    assert_eq!(found["rejected"], json!(counts));

    // Without --output they are put here; with --strict the first one ends it.
    place.write("in.ndjson", format!("{good}{{\"path\":[]}}\n"));
    place.run(&["attribute", "in.ndjson"]).succeeds();
    assert_eq!(place.objects("rejects.ndjson").len(), 1);
    std::fs::remove_file(place.path("credits.ndjson"))?;
    let run = place.run(&["attribute", "in.ndjson", "--strict", "-o", "credits.ndjson"]);
    run.fails_with(1, &["row 1 of in.ndjson is refused: PR508", "hint: "]);
    assert!(!place.names().contains(&"credits.ndjson".to_owned()));

    // Nothing but refused rows is a no; no rows at all is none.
    place.write("in.ndjson", "{}\n[]\n");
    let run = place.run(&["attribute", "in.ndjson"]);
    assert_eq!(run.code, Some(1));
    assert!(run.text().contains("no credit: there is no path"), "{}", run.text());
    place.write("in.ndjson", "");
    let none = summary(&place, &["in.ndjson", "-o", "none.ndjson", "--chart", "none.svg"])?;
    assert_eq!((&none["credits"], &none["paths"]), (&json!([]), &json!(0)));
    assert_eq!(place.text("none.ndjson"), "");
    Chart::read(&place.text("none.svg"))?;
    Ok(())
}

#[test]
fn times_are_needed_by_the_model_that_reads_them() -> Tested {
    let place = Place::new();
    let timed = r#"{"path":[{"at":"2026-11-22T20:00:00Z","cohort":"late"},
        {"at":"2026-11-22T19:00:00Z","cohort":"early"}]}"#
        .replace('\n', "");
    place.write("timed.ndjson", format!("{timed}\n{timed}\n"));
    let found = summary(&place, &["timed.ndjson"])?;
    assert_eq!((&found["left_out"], &found["untimed"]), (&Value::Null, &json!(0)));
    let models = found["models"].as_array().map(Vec::len);
    assert_eq!(models, Some(7), "{}", found["models"]);
    place.write("mixed.ndjson", format!("{timed}\n{{\"path\":[\"early\"]}}\n{timed}\n"));
    let mixed = place.run(&["attribute", "mixed.ndjson"]).succeeds();
    let words = "           1  paths without times: time_decay(604800) is left out\n";
    assert!(mixed.contains(words), "{mixed}");
    // Asked for, it refuses what has no times, so that all models are of the same paths.
    let args = ["mixed.ndjson", "--model", "time_decay(3600)", "--model", "first"];
    let found = summary(&place, &args)?;
    assert_eq!((&found["rejected"], &found["paths"]), (&json!({ "PR508": 1 }), &json!(2)));
    let credits: Vec<&Value> =
        found["credits"].as_array().into_iter().flatten().map(|credit| &credit["credit"]).collect();
    // One half-life apart: weights of 1 and 2.
    let units = ["666666666666", "1333333333334", "2000000000000", "0"];
    assert_eq!(json!(credits), json!(units));

    // Parquet has them as structs, in any order.
    let at = TimestampMicrosecondArray::from(vec![1_763_841_600_000_000, 1_763_838_000_000_000]);
    let at: ArrayRef = Arc::new(at.with_timezone("UTC"));
    let cohort: ArrayRef = Arc::new(StringArray::from(vec!["late", "early"]));
    let touch = StructArray::from(vec![
        (Arc::new(Field::new("cohort", DataType::Utf8, false)), cohort),
        (Arc::new(Field::new("at", at.data_type().clone(), false)), at),
    ]);
    let item = Arc::new(Field::new_list_field(touch.data_type().clone(), false));
    let offsets = OffsetBuffer::new(vec![0, 2].into());
    let paths: ArrayRef = Arc::new(ListArray::try_new(item, offsets, Arc::new(touch), None)?);
    place.write_parquet("timed.parquet", vec![("path", paths)]);
    let found = summary(&place, &["timed.parquet", "--model", "time_decay(3600)"])?;
    assert_eq!(found["credits"][0]["credit"], "333333333333");
    assert_eq!(found["credits"][1]["credit"], "666666666667");
    // A touch after the conversion.
    let late = timed.replace(
        "\"path\":[",
        "\"path\":{\"converted_at\":\"2026-11-22T19:30:00Z\",\
        \"touches\":[",
    );
    place.write("late.ndjson", late.replace("]}", "]}}"));
    let run = place.run(&["attribute", "late.ndjson", "--json"]);
    let found: Value = serde_json::from_str(run.text())?;
    assert_eq!((run.code, &found["rejected"]), (Some(1), &json!({ "PR509": 1 })));
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let place = Place::new();
    place.write("in.ndjson", "{\"path\":[\"a\"]}\n");
    place.write("in.csv", "id,touches\n1,a\n");
    place.write_parquet("in.parquet", vec![("touches", texts(["[]".into()]))]);
    for model in ["", "Linear", "linear ", "time_decay", "time_decay(0)", "markov(4)", "markov(01)"]
    {
        let option = format!("--model={model}");
        place.run(&["attribute", "in.ndjson", &option]).fails_with(2, &["PR507", "markov(1)"]);
    }
    for (args, words) in [
        (&["in.ndjson", "--model", "last", "--model", "last"][..], "--model last is given twice"),
        (&["in.csv"], "in.csv has no column \"path\"; its columns are id, touches"),
        (&["in.parquet"], "in.parquet has no column \"path\"; its columns are touches"),
        (&["in.csv", "--column", "payload"], "in.csv has no column \"payload\""),
        (&["in.ndjson", "--column", "payload"], "--column is for CSV and Parquet"),
        (&["-", "-"], "standard input can be read only once"),
        (&["in.ndjson", "-o", "in.ndjson"], "is an input and would be written over"),
        (&["in.ndjson", "--chart", "in.ndjson"], "is an input and would be written over"),
        (&["in.ndjson", "--rejects", "in.ndjson"], "is an input and would be written over"),
        (&["in.ndjson", "-o", "x", "--chart", "x"], "--output and --chart are the same file"),
        (&["in.ndjson", "-o", "x", "--rejects", "./x"], "--output and --rejects are the same"),
        (&["in.ndjson", "--chart", "-", "-o", "-"], "--output and --chart are the same file"),
        (&["no.ndjson"], "cannot read no.ndjson"),
        (&["in.unknown"], "cannot tell the format"),
        (&["in.ndjson", "--chart", "no/chart.svg"], "cannot write no/chart.svg"),
        (&["in.ndjson", "--chart", "/dev/full"], "no space left on device"),
        (&["in.ndjson", "-o", "/dev/full"], "no space left on device"),
    ] {
        place.run(&[&["attribute"], args].concat()).fails_with(2, &[words]);
    }
    assert_eq!(place.names(), ["in.csv", "in.ndjson", "in.parquet"]);
}

#[test]
fn limits_are_kept() -> Tested {
    let place = Place::new();
    let touches = |from: usize, count: usize| {
        let touches: Vec<String> = (from..from + count).map(|i| format!("\"c{i}\"")).collect();
        format!("{{\"path\":[{}]}}\n", touches.join(","))
    };
    place.write("in.ndjson", touches(0, 10_000) + &touches(0, 10_001));
    let found = summary(&place, &["in.ndjson", "--model", "linear"])?;
    assert_eq!((&found["paths"], &found["rejected"]), (&json!(1), &json!({ "PR508": 1 })));

    // The largest counts add up beyond 64 bits.
    let most = i64::MAX;
    let line = format!("{{\"path\":[\"a\"],\"conversions\":{most},\"nulls\":{most}}}\n");
    // As a number it would not survive binary64.
    let line = line.replace(&most.to_string(), &format!("\"{most}\""));
    place.write("in.ndjson", line.repeat(3));
    let found = summary(&place, &["in.ndjson", "--model", "first"])?;
    assert_eq!(found["conversions"], "27670116110564327421");
    assert_eq!(found["credits"][0]["credit"], "27670116110564327421000000000000");

    // 2^20 distinct cohorts are too many, however they are spread over paths and cores; of states
    // of markov 2^12 are.
    place
        .write("cohorts.ndjson", (0..105).map(|i| touches(i * 10_000, 10_000)).collect::<String>());
    place.write("states.ndjson", touches(0, 4096));
    for (input, model) in [("cohorts.ndjson", "last"), ("states.ndjson", "markov(1)")] {
        let run = place.run(&["attribute", input, "--model", model, "-o", "x"]);
        run.fails_with(1, &["cannot attribute: PR906", "hint: "]);
    }
    // The rejects are those of the first run.
    assert_eq!(place.names(), ["cohorts.ndjson", "in.ndjson", "rejects.ndjson", "states.ndjson"]);
    Ok(())
}

#[test]
fn people_see_a_table_and_in_a_pipe_no_bars() {
    let place = Place::new();
    let text = "{\"path\":[\"search\",\"social\",\"e-mail\"],\"conversions\":2}\n\
                {\"path\":[\"social\"],\"nulls\":7,\"value\":\"1234.5\"}\n";
    let models = ["--model", "first", "--model", "linear"];
    let printed = place.run_with(&[&["attribute", "-"], &models[..]].concat(), text.as_bytes());
    let expected = "\
           2  records
           2  paths
           3  conversions
           7  journeys that did not convert
      1234.5  value of conversions

Conversions by cohort and model, and their share:

cohort         first              linear
search   2   66.6667%  0.666667   22.2222%
social   1   33.3333%   1.66667   55.5556%
e-mail   0    0.0000%  0.666667   22.2222%
total    3  100.0000%         3  100.0000%

Value by cohort and model:

cohort     first    linear
search         0         0
social   1,234.5   1,234.5
e-mail         0         0
total    1,234.5   1,234.5
";
    let squeezed = |text: &str| -> Vec<Vec<String>> {
        text.lines().map(|line| line.split_whitespace().map(Into::into).collect()).collect()
    };
    let printed = printed.succeeds();
    assert_eq!(squeezed(&printed), squeezed(expected), "{printed}");
    assert!(place.names().is_empty(), "without --output nothing is written");
}

#[test]
fn a_terminal_shows_bars_as_wide_as_it_is() -> Tested {
    let place = Place::new();
    place.write("in.ndjson", rows(40).iter().map(|row| ndjson(row) + "\n").collect::<String>());
    let shown = |variables: &str| -> Result<Option<String>, Box<dyn Error>> {
        let program = env!("CARGO_BIN_EXE_precise");
        let mut command = Command::new("script");
        let line = format!("env {variables} {program} attribute in.ndjson 2>/dev/null");
        command.args(["-qec", &line, "/dev/null"]).current_dir(place.path("."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(child) = command.spawn() else { return Ok(None) };
        let run = wait_for(child);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        Ok(Some(run.text().replace('\r', "")))
    };
    let Some(coloured) = shown("TERM=xterm COLUMNS=120 NO_COLOR=")? else {
        skipped("script is not there, so that no run has a terminal");
        return Ok(());
    };
    assert!(coloured.contains("\u{1b}[34m█"), "{coloured}");
    let plain = shown("TERM=xterm COLUMNS=120 NO_COLOR=1")?.unwrap_or_default();
    assert!(!plain.contains('\u{1b}') && plain.contains('█'), "{plain}");
    assert!(!shown("TERM=dumb COLUMNS=120")?.unwrap_or_default().contains('\u{1b}'));
    for width in [20, 40, 60, 80, 200] {
        let plain = shown(&format!("TERM=xterm COLUMNS={width} NO_COLOR=1"))?.unwrap_or_default();
        let (_, bars) = plain.rsplit_once("total").unwrap_or_default();
        assert!(bars.contains('█'), "{plain}");
        let mut lines = bars.lines().skip(2).filter(|line| !line.is_empty());
        // A name takes 24 columns at most, and one bar is shown however narrow it is.
        assert!(lines.all(|line| line.chars().count() <= width.max(36)), "{width}: {bars}");
    }
    Ok(())
}

/// What a chart shows.
struct Chart {
    texts: Vec<String>,
    /// Width and title of each bar.
    bars: Vec<(f64, String)>,
}

impl Chart {
    /// Reads it as XML: tags in pairs, attributes once, entities that are known.
    fn read(svg: &str) -> Result<Self, Box<dyn Error>> {
        let mut reader = Reader::from_str(svg);
        reader.config_mut().check_end_names = true;
        let (mut texts, mut bars) = (Vec::new(), Vec::new());
        let (mut open, mut width, mut text) = (Vec::new(), None, String::new());
        let mut roots = 0;
        loop {
            match reader.read_event()? {
                Event::Eof => break,
                Event::Start(tag) => {
                    roots += usize::from(open.is_empty());
                    let name = String::from_utf8(tag.name().as_ref().to_vec())?;
                    for attribute in tag.attributes() {
                        let attribute = attribute?;
                        if name == "rect" && attribute.key.as_ref() == b"width" {
                            width = str::from_utf8(&attribute.value)?.parse().ok();
                        }
                    }
                    open.push(name);
                    text.clear();
                }
                Event::Empty(tag) => tag.attributes().try_for_each(|a| a.map(drop))?,
                Event::Text(part) => text.push_str(&part.decode()?),
                Event::GeneralRef(entity) => text.push_str(match &*entity {
                    b"amp" => "&",
                    b"lt" => "<",
                    b"gt" => ">",
                    other => return Err(format!("an entity {other:?}").into()),
                }),
                Event::End(_) => {
                    let name = open.pop().ok_or("an end without a start")?;
                    let inside = open.last().map(String::as_str);
                    match (name.as_str(), inside) {
                        ("text", _) => texts.push(std::mem::take(&mut text)),
                        ("title", Some("rect")) => {
                            bars.push((width.take().ok_or("no width")?, text.clone()));
                        }
                        _ => {}
                    }
                }
                other => return Err(format!("not in a chart: {other:?}").into()),
            }
        }
        assert!(open.is_empty() && roots == 1, "{open:?}");
        Ok(Self { texts, bars })
    }
}

#[test]
fn a_chart_is_sound_and_shows_the_figures() -> Tested {
    let place = Place::new();
    let rows = rows(400);
    let mut text: String = rows.iter().map(|row| ndjson(row) + "\n").collect();
    // Names that could break a line, a tag, or the direction in which text runs.
    let hostile = ["<script>alert(1)</script>", "a\"b'c&amp;", "\u{202e}x\u{7f}", "]]>--\u{fffe}"];
    for name in hostile {
        text.push_str(&json!({ "path": [name], "conversions": 5 }).to_string());
        text.push('\n');
    }
    place.write("in.ndjson", text);
    let found = summary(&place, &["in.ndjson", "--chart", "chart.svg"])?;
    let svg = place.text("chart.svg");
    let chart = Chart::read(&svg)?;
    for forbidden in ["<script", "http://", "https://", "\u{202e}", "\u{7f}", "\u{fffe}"] {
        let own = svg.matches("http://www.w3.org/2000/svg").count();
        let count = svg.matches(forbidden).count();
        assert_eq!(count, if forbidden == "http://" { own } else { 0 }, "{forbidden:?}");
    }
    assert!(svg.contains("prefers-color-scheme:dark"), "light and dark");
    let texts: Vec<&str> = chart.texts.iter().map(String::as_str).collect();
    for text in [&["Credit per cohort by model", "conversions"], &MODELS[..], &COHORTS].concat() {
        assert!(texts.contains(&text), "{text} is missing in {texts:?}");
    }
    // Each bar is as long as its credit, in one scale, and says it.
    let credits = found["credits"].as_array().ok_or("no credits")?;
    assert_eq!(chart.bars.len(), credits.len());
    let mut scale = None;
    for (width, title) in &chart.bars {
        let (name, said) = title.rsplit_once(": ").ok_or("no figure")?;
        let Some(credit) = credits.iter().find(|credit| {
            let (cohort, method) = (credit["cohort"].as_str(), credit["method"].as_str());
            name == format!("{}, {}", cohort.unwrap_or_default(), method.unwrap_or_default())
        }) else {
            assert!(name.contains('\u{fffd}'), "{name}");
            continue;
        };
        let units: f64 = credit["credit"].as_str().unwrap_or_default().parse()?;
        let figure: f64 = said.split(' ').next().unwrap_or_default().replace(',', "").parse()?;
        assert!((figure - units / 1e12).abs() <= 1e-5 * figure, "{title}: {units}");
        if units > 0.0 {
            let scale = *scale.get_or_insert(width / units);
            assert!((width - units * scale).abs() < 0.02, "{title}: {width}");
        }
    }
    Ok(())
}

#[test]
fn a_chart_is_of_what_it_is_asked_for() -> Tested {
    let place = Place::new();
    let rows = "{\"path\":[\"few\"],\"conversions\":1,\"value\":900}\n\
                {\"path\":[\"many\"],\"conversions\":9,\"value\":100}\n\
                {\"path\":[\"back\"],\"conversions\":2,\"value\":-50}\n";
    place.write("in.ndjson", rows);
    let draw = |more: &[&str]| {
        let args = ["attribute", "in.ndjson", "--model", "last", "--chart", "chart.svg"];
        place.run(&[&args[..], more].concat()).succeeds();
        Chart::read(&place.text("chart.svg"))
    };
    let chart = draw(&["--chart-by", "value"])?;
    let titles: Vec<&str> = chart.bars.iter().map(|(_, title)| title.as_str()).collect();
    let expected =
        ["many, last: 100 (10.5263%)", "back, last: -50 (-5.2632%)", "few, last: 900 (94.7368%)"];
    assert_eq!(titles, expected);
    let [many, back, few] = [0, 1, 2].map(|i| chart.bars[i].0);
    assert!((few - 9.0 * many).abs() < 0.05 && back == 0.0, "{many} {back} {few}");
    for text in ["value", "12 conversions worth 950 on 3 paths"] {
        assert!(chart.texts.iter().any(|found| found == text), "{text}: {:?}", chart.texts);
    }
    // Unless asked, of conversions.
    let by_default = draw(&[])?.bars;
    assert_eq!(draw(&["--chart-by", "conversions"])?.bars, by_default);
    assert_eq!(by_default[0].1, "many, last: 9 (75.0000%)");
    // Of nothing there is no chart.
    place.write("in.ndjson", "{\"path\":[\"few\"]}\n");
    place
        .run(&["attribute", "in.ndjson", "--chart", "no.svg", "--chart-by", "value"])
        .fails_with(2, &["there is no chart by value: no record has one"]);
    place
        .run(&["attribute", "in.ndjson", "--chart-by", "revenue"])
        .fails_with(2, &["invalid value 'revenue'"]);
    assert_eq!(place.names(), ["chart.svg", "in.ndjson"]);
    Ok(())
}

#[test]
fn of_many_cohorts_the_largest_are_shown_and_the_others_as_one() -> Tested {
    let place = Place::new();
    let line = |i: usize| format!("{{\"path\":[\"c{i:03}\"],\"conversions\":{}}}\n", 1000 - i);
    for (count, others) in [(21, None), (22, Some("others (2)")), (300, Some("others (280)"))] {
        place.write("in.ndjson", lines(count, line));
        let args = ["attribute", "in.ndjson", "--model", "last", "--chart", "chart.svg"];
        let printed = place.run(&args).succeeds();
        let chart = Chart::read(&place.text("chart.svg"))?;
        assert_eq!(chart.bars.len(), 21, "{count}");
        assert_eq!(chart.texts.iter().any(|text| text.starts_with("others")), others.is_some());
        let Some(others) = others else { continue };
        let sum: usize = (20..count).map(|i| 1000 - i).sum();
        let (_, title) = chart.bars.last().ok_or("no bar")?;
        let figure = title.replace(',', "");
        assert!(figure.starts_with(&format!("{others} last: {sum} (")), "{title}");
        assert!(printed.contains(others) && !printed.contains("c020"), "{printed}");
    }
    let found = summary(&place, &["in.ndjson", "--model", "last"])?;
    assert_eq!(found["credits"].as_array().map(Vec::len), Some(300), "all are in --json");
    Ok(())
}
