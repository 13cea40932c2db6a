//! `precise cohorts`: who is in which cohort of a rule set, and how the cohorts did.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_core::hex;
use precise_core::performance::{FactsReader, Performance};
use precise_core::proof;
use serde_json::{Value, json};

use crate::common::{Place, lines};

type Tested = Result<(), Box<dyn Error>>;

/// Two cohorts, one of them by zip code. In canonical form.
const RULES: &str = r#"{"cohorts":[{"all":[{"gte":0.6,"signal":"eco"}],"geo":"zip","name":"green"},{"any":[{"eq":"rent","signal":"housing"}],"name":"renters"}],"version":"2026-11"}"#;

/// User `i`'s record: two in five are green, of whom one in twenty is in a second zip code; every
/// third rents. Two records are the same user's.
fn record(i: usize) -> Value {
    json!({
        "eco": (i % 5) as f64 / 5.0,
        "housing": if i.is_multiple_of(3) { "rent" } else { "own" },
        "i": i,
        "member_id": format!("m{}", i / 2),
        "zip": if i % 20 == 3 { "10014" } else { "10013" },
        "facts": { "converted": i.is_multiple_of(7), "holdout": i.is_multiple_of(4),
            "spend": "1.25", "value": i % 7 },
    })
}

/// Facts are about users: each is a member of its own.
fn user(i: usize) -> String {
    let mut record = record(i);
    record["member_id"] = json!(format!("u{i}"));
    record.to_string() + "\n"
}

/// The ids it is in.
fn ids(i: usize) -> Vec<&'static str> {
    let green = if i % 20 == 3 { "green_10014" } else { "green_10013" };
    let green = (i % 5 >= 3).then_some(green);
    green.into_iter().chain(i.is_multiple_of(3).then_some("renters")).collect()
}

fn line(i: usize) -> String {
    record(i).to_string() + "\n"
}

/// Distinct members by cohort.
fn members(count: usize) -> BTreeMap<&'static str, usize> {
    let mut members: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for i in 0..count {
        for id in ids(i) {
            members.entry(id).or_default().insert(i / 2);
        }
    }
    members.into_iter().map(|(id, members)| (id, members.len())).collect()
}

/// What is printed with `--json`; it must go well and quietly.
#[track_caller]
fn summary(place: &Place, args: &[&str]) -> Result<Value, serde_json::Error> {
    let args = [&["cohorts", "--json", "--rules", "rules.json"], args].concat();
    serde_json::from_str(&place.run(&args).succeeds())
}

fn place() -> Place {
    let place = Place::new();
    place.write("rules.json", RULES);
    place
}

#[test]
fn a_rule_set_is_checked_by_itself() -> Tested {
    let place = place();
    let hash = hex::format_hash(&proof::hash(RULES.as_bytes(), None));
    let printed = place.run(&["cohorts", "--rules", "rules.json", "--check"]).succeeds();
    let expected = format!("    rule set  {hash}  version \"2026-11\"\n           2  cohorts\n");
    assert_eq!(printed, expected);
    let found = summary(&place, &["--check"])?;
    assert_eq!(found["ruleset_hash"], json!(hash));
    assert_eq!(found["cohorts"], json!(["green", "renters"]));
    // Another spelling is the same rule set.
    let spelled = serde_json::to_string_pretty(&serde_json::from_str::<Value>(RULES)?)?;
    place.write("rules.json", spelled.replace("0.6", "6e-1"));
    assert_eq!(summary(&place, &["--check"])?, found);
    Ok(())
}

#[test]
fn a_rule_set_that_is_none_is_refused_with_its_place() {
    let place = place();
    place.write("in.ndjson", lines(10, line));
    let cohort =
        |name: &str| format!(r#"{{"all":[{{"exists":true,"signal":"a"}}],"name":"{name}"}}"#);
    let set = |cohorts: &str| format!(r#"{{"cohorts":[{cohorts}],"version":"1"}}"#);
    let deep = format!("{}{}", "{\"not\":".repeat(200), "}".repeat(200));
    for (rules, code, words) in [
        (String::new(), "PR504", "at $"),
        ("{}".into(), "PR504", "at $"),
        ("[]".into(), "PR504", "at $"),
        (set(""), "PR504", "at $.cohorts"),
        (set(&cohort("Eco")), "PR501", "at $.cohorts[0].name"),
        (set(&cohort("eco_10013")), "PR501", "at $.cohorts[0].name"),
        (set(&[cohort("eco"), cohort("eco")].join(",")), "PR505", "at $.cohorts[1].name"),
        (set(&[cohort("eco"), cohort("eco_urban")].join(",")), "PR505", "at $.cohorts[1].name"),
        (set(r#"{"all":[],"name":"a"}"#), "PR504", "at $.cohorts[0].all"),
        (
            set(r#"{"all":[{"like":"x","signal":"a"}],"name":"a"}"#),
            "PR504",
            "at $.cohorts[0].all[0]",
        ),
        (
            set(r#"{"any":[{"gte":true,"signal":"a"}],"name":"a"}"#),
            "PR504",
            "at $.cohorts[0].any[0]",
        ),
        (
            set(r#"{"geo":"city","not":{"eq":1,"signal":"a"},"name":"a"}"#),
            "PR504",
            "at $.cohorts[0].geo",
        ),
        (
            set(r#"{"all":[{"like":"x","signal":"a"}],"name":"a"}"#),
            "PR504",
            "there is no operator \"like\"",
        ),
        (set(&cohort("a")).replace("\"1\"", "1"), "PR504", "at $.version"),
        (deep, "PR504", "at $"),
    ] {
        place.write("rules.json", &rules);
        for args in [
            &["cohorts", "--rules", "rules.json", "--check"][..],
            &["cohorts", "--rules", "rules.json", "in.ndjson", "-o", "out.ndjson"],
            &["audience", "--rules", "rules.json", "in.ndjson", "-o", "out.ndjson"],
        ] {
            let run = place.run(args);
            run.fails_with(1, &["cannot use the rule set rules.json: ", code, words, "hint: "]);
        }
    }
    assert_eq!(place.names(), ["in.ndjson", "rules.json"]);
    place
        .run(&["cohorts", "--rules", "no.json", "--check"])
        .fails_with(2, &["cannot read no.json"]);
    place.run(&["cohorts", "--rules", ".", "--check"]).fails_with(2, &["cannot read ."]);
}

#[test]
fn cohorts_are_counted_by_members_and_small_ones_together() -> Tested {
    let place = place();
    place.write("in.ndjson", lines(1000, line));
    let counts = members(1000);
    let listed: Vec<Value> = counts.iter().map(|(id, n)| json!({ "id": id, "n": n })).collect();
    let all = summary(&place, &["in.ndjson", "--k", "2"])?;
    assert_eq!(all["cohorts"], json!(listed));
    assert_eq!(all["remainder"], json!({ "cohorts": 0, "n": null }));
    let outside = (0..1000).filter(|i| ids(*i).is_empty()).count();
    assert_eq!((&all["without_cohort"], &all["without_member"]), (&json!(outside), &json!(0)));

    // One cohort below k is not told apart by subtraction: its row says no number.
    let small = counts["green_10014"];
    assert!((2..=50).contains(&small), "{small}");
    let found = summary(&place, &["in.ndjson", "--k", "51"])?;
    assert_eq!(found["cohorts"], json!([listed[0].clone(), listed[2].clone()]));
    assert_eq!(found["remainder"], json!({ "cohorts": 1, "n": null }));
    // Together they may be enough, each member once.
    let found = summary(&place, &["in.ndjson", "--k", "400"])?;
    let (green, renters) = (counts["green_10013"], counts["renters"]);
    assert!(green < 400 && renters < 400, "{green} {renters}");
    let union = (0..1000).filter(|i| !ids(*i).is_empty()).map(|i| i / 2);
    let union = union.collect::<BTreeSet<usize>>().len();
    assert_eq!(found["cohorts"], json!([]));
    assert_eq!(found["remainder"], json!({ "cohorts": 3, "n": union }));
    let printed = place.run(&["cohorts", "in.ndjson", "--rules", "rules.json", "--k", "51"]);
    let printed = printed.succeeds();
    assert!(printed.contains(&format!("{green:>12}  green_10013\n")), "{printed}");
    assert!(printed.ends_with("        < 51  in 1 cohorts of fewer than 51\n"), "{printed}");

    // Records that name nobody are members of their own, in two small cohorts once.
    let alone = |i: usize| line(i).replace("member_id", "id");
    place.write("alone.ndjson", lines(30, alone));
    let found = summary(&place, &["alone.ndjson", "--k", "15"])?;
    let in_any = (0..30).filter(|i| !ids(*i).is_empty()).count();
    assert_eq!(found["remainder"], json!({ "cohorts": 3, "n": in_any }));
    assert_eq!(found["without_member"], 30);
    Ok(())
}

#[test]
fn every_format_says_the_same_of_each_record() -> Tested {
    let place = place();
    let count = 90;
    place.write("in.ndjson", lines(count, user));
    let strings = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let field = |name: &str| {
        (0..count).map(|i| record(i)[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    let member: Vec<String> = (0..count).map(|i| format!("u{i}")).collect();
    let payload: Vec<String> =
        (0..count).map(|i| record(i).to_string().replace("member_id", "x")).collect();
    place.write_parquet(
        "beside.parquet",
        vec![("payload", strings(payload)), ("member_id", strings(member.clone()))],
    );
    place.write_parquet(
        "rows.parquet",
        vec![
            (
                "eco",
                Arc::new(Float64Array::from_iter_values((0..count).map(|i| (i % 5) as f64 / 5.0))),
            ),
            ("Housing", strings(field("housing"))),
            ("i", Arc::new(Int64Array::from_iter_values(0..count as i64))),
            ("member_id", strings(member)),
            ("zip", strings(field("zip"))),
            ("facts", strings((0..count).map(|i| record(i)["facts"].to_string()).collect())),
        ],
    );
    let expected: String = (0..count)
        .map(|i| {
            let line = json!({ "row": i, "member": format!("u{i}"), "cohort_ids": ids(i) });
            line.to_string() + "\n"
        })
        .collect();
    let mut reports = BTreeSet::new();
    for input in ["in.ndjson", "beside.parquet", "rows.parquet"] {
        let args = [input, "--k", "2", "--performance"];
        let found = summary(&place, &[&args[..], &["-o", "out.ndjson"]].concat())?;
        assert_eq!(place.text("out.ndjson"), expected, "{input}");
        reports.insert(found["cohorts"].to_string());
        summary(&place, &[&args[..], &["-o", "out.parquet"]].concat())?;
        let file = File::open(place.path("out.parquet"))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
        let mut rows = 0;
        for batch in reader {
            let batch = batch?;
            let lists = batch["cohort_ids"].as_list::<i32>();
            for row in 0..batch.num_rows() {
                assert_eq!(batch["row"].as_primitive::<UInt64Type>().value(row), rows as u64);
                let member = batch["member"].as_string::<i32>().value(row);
                assert_eq!(member, format!("u{rows}"));
                let list = lists.value(row);
                let found: Vec<&str> = list.as_string::<i32>().iter().flatten().collect();
                assert_eq!(found, ids(rows));
                rows += 1;
            }
        }
        assert_eq!(rows, count, "{input}");
    }
    assert_eq!(reports.len(), 1, "{reports:?}");
    let run = place.run(&["cohorts", "in.ndjson", "--rules", "rules.json", "-o", "-", "--json"]);
    assert_eq!(run.text(), expected);
    assert_eq!(serde_json::from_str::<Value>(&run.stderr)?["output"], "-");
    // Order and files do not matter to what is said of cohorts.
    place.write("a.ndjson", lines(40, |i| user(89 - i)));
    place.write("b.ndjson", lines(50, |i| user((7 * i + 3) % 50)));
    let found = summary(&place, &["a.ndjson", "b.ndjson", "--k", "2", "--performance"])?;
    assert!(reports.contains(&found["cohorts"].to_string()), "{reports:?}");
    Ok(())
}

#[test]
fn performance_is_what_the_function_says() -> Tested {
    let place = place();
    let count = 600;
    place.write("in.ndjson", lines(count, user));
    let found = summary(&place, &["in.ndjson", "--performance", "--k", "2"])?;
    assert_eq!(found["with_facts"], count);
    for cohort in found["cohorts"].as_array().ok_or("no cohorts")? {
        let id = cohort["id"].as_str().ok_or("no id")?;
        let (mut reader, mut performance) = (FactsReader::default(), Performance::default());
        for i in 0..count {
            let facts = reader.read(record(i)["facts"].to_string().as_bytes())?;
            performance.push(ids(i).contains(&id), &facts)?;
        }
        let expected: Value = serde_json::from_str(&performance.report().to_json())?;
        assert_eq!(cohort["performance"], expected, "{id}");
    }
    let args = ["cohorts", "in.ndjson", "--rules", "rules.json", "--performance", "--k", "2"];
    let printed = place.run(&args).succeeds();
    let rate =
        found["cohorts"][0]["performance"]["confidence"]["rate"].as_f64().ok_or("no rate")?;
    let table = printed.lines().find(|line| line.starts_with("green_10013 ")).ok_or("no table")?;
    assert!(table.contains(&format!("{:.2}%", 100.0 * rate)), "{table}");
    // Nobody of one cohort was held out.
    assert_eq!(printed.matches("observational").count(), 1, "{printed}");

    // Without a holdout that is what it is called; without facts there is nothing to say.
    place.write("in.ndjson", lines(count, user).replace("holdout", "other"));
    let printed = place.run(&args).succeeds();
    assert_eq!(printed.matches("observational").count(), 3, "{printed}");
    place.write("in.ndjson", lines(count, user).replace("\"facts\"", "\"of\""));
    let warned = place.run(&args);
    assert_eq!(
        (warned.code, &*warned.stderr),
        (Some(0), "warning: no record has the field facts\n")
    );
    let found = summary(&place, &["in.ndjson", "--performance"])?;
    assert_eq!(found["with_facts"], 0);
    assert_eq!(found["cohorts"][0]["performance"]["confidence"], Value::Null);
    let named = summary(&place, &["in.ndjson", "--performance", "--facts", "of"])?;
    assert_eq!(named["with_facts"], count);
    Ok(())
}

#[test]
fn a_user_has_facts_once() -> Tested {
    let place = place();
    // Each member has two records.
    place.write("in.ndjson", lines(40, line));
    let args = ["cohorts", "in.ndjson", "--rules", "rules.json", "--performance", "-o", "o.ndjson"];
    let words = "40 records have facts about 20 members; bring those about one";
    place.run(&args).fails_with(1, &["cannot say how cohorts did: PR514", words]);
    assert_eq!(place.names(), ["in.ndjson", "rules.json"]);
    // Records without facts may be as many as there are, and so may those that name nobody.
    let bare =
        |i: usize| if i.is_multiple_of(2) { line(i) } else { line(i).replace("facts", "other") };
    place.write("in.ndjson", lines(40, bare));
    assert_eq!(summary(&place, &["in.ndjson", "--performance"])?["with_facts"], 20);
    place.write("in.ndjson", lines(40, line).replace("member_id", "someone"));
    assert_eq!(summary(&place, &["in.ndjson", "--performance"])?["with_facts"], 40);
    Ok(())
}

#[test]
fn a_name_that_no_record_has_is_told_of() {
    let place = place();
    place.write("in.ndjson", lines(40, |i| line(i).replace("housing", "home")));
    let run = place.run(&["cohorts", "in.ndjson", "--rules", "rules.json"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), "warning: no record has the signal housing\n"));
    // One record has it, or there are none.
    for text in
        [lines(40, |i| if i == 39 { line(i) } else { "{\"eco\":1}\n".into() }), String::new()]
    {
        place.write("in.ndjson", text);
        place.run(&["cohorts", "in.ndjson", "--rules", "rules.json"]).succeeds();
    }
}

#[test]
fn rows_that_are_refused_are_kept_with_their_reason() -> Tested {
    let place = place();
    let bad = [
        ("{", "PR104"),
        (r#"{"eco":1,"eco":2}"#, "PR106"),
        (r#"{"facts":7}"#, "PR514"),
        (r#"{"facts":{"converted":1}}"#, "PR514"),
        (r#"{"facts":"{\"spend\":\"many\"}"}"#, "PR514"),
    ];
    let row = |i: usize| {
        format!(
            "{}
{}",
            bad[i].0,
            user(i)
        )
    };
    let text = lines(bad.len(), row);
    place.write("in.ndjson", &text);
    let found = summary(&place, &["in.ndjson", "--performance", "-o", "out.ndjson"])?;
    assert_eq!(found["rejected"], json!({ "PR104": 1, "PR106": 1, "PR514": 3 }));
    let rejects = place.objects("out.rejects.ndjson");
    for (i, (reject, (raw, code))) in rejects.iter().zip(bad).enumerate() {
        assert_eq!((&reject["raw"], &reject["code"]), (&json!(raw), &json!(code)));
        assert_eq!(reject["row"], 2 * i);
    }
    assert_eq!(rejects[3]["path"], "$.facts.converted");
    let rows: Vec<Value> =
        place.objects("out.ndjson").iter().map(|object| object["row"].clone()).collect();
    assert_eq!(json!(rows), json!([1, 3, 5, 7, 9]));
    // Facts that are not asked for are not looked at.
    let found = summary(&place, &["in.ndjson"])?;
    assert_eq!(found["rejected"], json!({ "PR104": 1, "PR106": 1 }));
    // What is no object is in no cohort; NULL in a column is no record.
    place.write("in.ndjson", "[]\n7\nnull\n{}\n");
    assert_eq!(summary(&place, &["in.ndjson"])?["without_cohort"], 4);
    let payload: ArrayRef = Arc::new(StringArray::from(vec![None, Some("{}")]));
    place.write_parquet("in.parquet", vec![("payload", payload)]);
    assert_eq!(summary(&place, &["in.parquet"])?["rejected"], json!({ "PR114": 1 }));
    place.write("in.ndjson", "{\n");
    let run = place.run(&["cohorts", "in.ndjson", "--rules", "rules.json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    place.write("in.ndjson", "");
    let none = summary(&place, &["in.ndjson"])?;
    assert_eq!((&none["records"], &none["cohorts"]), (&json!(0), &json!([])));
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let place = place();
    place.write("in.ndjson", lines(5, line));
    for k in ["0", "1", "-1", "many"] {
        let k = format!("--k={k}");
        let run = place.run(&["cohorts", "in.ndjson", "--rules", "rules.json", &k]);
        run.fails_with(2, &["a count from 2 up is expected"]);
    }
    for (args, words) in [
        (&["in.ndjson", "--facts", "f"][..], "--performance"),
        (&["in.ndjson", "--performance", "--facts", "a..b"], "--facts a..b"),
        (&["in.ndjson", "--member", ""], "--member"),
        (&["in.ndjson", "-o", "in.ndjson"], "is an input and would be written over"),
        (&["in.ndjson", "-o", "x", "--rejects", "x"], "are the same file"),
        (&["in.ndjson", "-o", "out.csv"], "out.csv: the name must end in"),
        (&["in.ndjson", "-o", "out.ndjson.gz"], "out.ndjson.gz: the name must end in"),
        (&["in.ndjson", "-o", "/dev/full", "--format", "ndjson"], "the name must end in"),
        (&["-", "-"], "standard input can be read only once"),
        (&["no.ndjson"], "cannot read no.ndjson"),
        (&["no.ndjson", "--check"], "cannot read no.ndjson"),
        (&["in.ndjson", ".", "--check"], "cannot read .: it is a directory"),
    ] {
        place.run(&[&["cohorts", "--rules", "rules.json"], args].concat()).fails_with(2, &[words]);
    }
    assert_eq!(place.names(), ["in.ndjson", "rules.json"]);
}
