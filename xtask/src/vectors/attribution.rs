//! The calls of `tests/vectors/attribution.json`: contributions, credit, Markov and Shapley.

use conformance::{Form, Input};
use precise_core::Code;
use serde_json::{Value as Json, json as tree};

use super::{Call, Table, args, json, text};

const CONTRIBUTIONS: &str = "precise_contributions";
const CREDIT: &str = "precise_touch_credit";
const ATTRIBUTION: &str = "precise_attribution";
const TRANSITIONS: &str = "precise_path_transitions";
const SOLVE: &str = "precise_markov_solve";
const SHAPLEY: &str = "precise_shapley";

/// Those that credit a path without times.
const MODELS: [&str; 5] = ["first", "last", "linear", "position", "shapley"];

const MARKOV: [&str; 3] = ["markov(1)", "markov(2)", "markov(3)"];

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    contributions(&mut table);
    contribution_faults(&mut table);
    prices(&mut table);
    models(&mut table);
    model_faults(&mut table);
    decay(&mut table);
    paths(&mut table);
    path_faults(&mut table);
    time_faults(&mut table);
    sums(&mut table);
    values(&mut table);
    passed_over(&mut table);
    sum_faults(&mut table);
    markov(&mut table);
    transitions(&mut table);
    solve(&mut table);
    transition_faults(&mut table);
    shapley(&mut table);
    shapley_faults(&mut table);
    table.calls
}

fn event(contributors: &Json) -> Json {
    tree!({
        "attribution": { "data_contributors": contributors },
        "event_type": "impression",
        "metadata": { "clearing_price": 19, "currency": "USD" },
    })
}

/// One contributor of everything.
fn whole() -> Json {
    tree!([{ "id": "acme", "signal_type": "geo", "weight": 1 }])
}

fn contributors(weights: &[Json]) -> Json {
    let contributor = |(i, weight): (usize, &Json)| {
        let id = format!("c{i}");
        tree!({ "id": id, "signal_type": "geo", "weight": weight })
    };
    weights.iter().enumerate().map(contributor).collect()
}

fn contributed(event: &Json, policy: &str) -> Input {
    args([json(event.to_string()), text(policy)])
}

fn contributions(table: &mut Table) {
    let two = contributors(&[tree!(0.7), tree!(0.3)]);
    for (name, comment, policy) in [
        ("split", "Weights are parts of the whole.", "split"),
        ("each", "Every contributor is due its own weight.", "each"),
        ("split-currency", "The event's currency is before the policy's.", "split(EUR)"),
        ("each-currency", "The same for each.", "each(EUR)"),
    ] {
        table.gives(CONTRIBUTIONS, name, comment, contributed(&event(&two), policy));
    }
    let unordered = tree!([
        { "id": "b", "signal_type": "geo", "weight": 0.25 },
        { "id": "a", "signal_type": "intent", "weight": 0.25 },
        { "id": "\u{fb33}", "signal_type": "geo", "weight": 0.125 },
        { "id": "\u{1f600}", "signal_type": "geo", "weight": 0.125 },
        { "id": "a", "signal_type": "geo", "weight": 0.25 },
    ]);
    let comment = "Sorted by id and then by signal type, as bytes and not as UTF-16.";
    table.gives(CONTRIBUTIONS, "sorted", comment, contributed(&event(&unordered), "split"));
    for (name, comment, weights) in [
        ("weights-as-strings", "A weight may be a string.", vec![tree!("0.70"), tree!("3e-1")]),
        ("weight-zero", "A weight may be 0.", vec![tree!(0), tree!(1)]),
        ("weight-of-a-millionth", "Six decimals.", vec![tree!(0.000_001), tree!(0.999_999)]),
        ("weight-zeros-behind", "Zeros at the end are no decimals.", vec![tree!("1.000000000")]),
    ] {
        let event = event(&contributors(&weights));
        table.gives(CONTRIBUTIONS, name, comment, contributed(&event, "split"));
    }
    let over = contributors(&[tree!(0.9), tree!(0.9)]);
    let comment = "Under each, weights need not sum to 1.";
    table.gives(CONTRIBUTIONS, "each-above-one", comment, contributed(&event(&over), "each"));
    let ignored = tree!([
        { "id": "a", "signal_type": "geo", "weight": 1, "name": ["x"], "price": { "id": 7 } },
    ]);
    let comment = "Other members are ignored.";
    table.gives(CONTRIBUTIONS, "other-members", comment, contributed(&event(&ignored), "split"));
    let escaped = r#"{"\u0061ttribution":{"data_contributors":[{"\u0069d":"\u0061\n","signal_type":"g","weight":1.0}]}}"#;
    let comment = "Escapes are read, and written where they are needed.";
    table.gives(CONTRIBUTIONS, "escapes", comment, args([json(escaped), text("split")]));

    for (name, comment, event) in [
        ("no-contributors", "An event without contributors.", tree!({})),
        ("empty-contributors", "None of them sum to nothing.", event(&tree!([]))),
        ("null-contributors", "null is as left out.", event(&Json::Null)),
        ("null-attribution", "Here too.", tree!({ "attribution": null })),
        ("attribution-of-words", "A string has no members.", tree!({ "attribution": "acme" })),
        ("attribution-array", "Nor has an array.", tree!({ "attribution": [{ "id": "acme" }] })),
        ("array-event", "Nor has an event that is no object.", tree!([whole()])),
        (
            "contributors-elsewhere",
            "Only at their place.",
            tree!({ "data_contributors": whole(), "x": { "attribution": whole() } }),
        ),
        (
            "no-contributors-bad-price",
            "The price of nothing is not read.",
            tree!({ "metadata": { "clearing_price": "x", "currency": 1 } }),
        ),
    ] {
        table.gives(CONTRIBUTIONS, name, comment, contributed(&event, "split"));
    }
    let comment = "NULL gives NULL.";
    table.gives_null(CONTRIBUTIONS, "null-event", comment, args([Form::Null, text("split")]));
    let input = args([json("{}"), Form::Null]);
    table.gives_null(CONTRIBUTIONS, "null-policy", comment, input);
}

fn contribution_faults(table: &mut Table) {
    let mut refuses = |name: &str, comment: &str, code, contributors: &Json, policy: &str| {
        let event = event(contributors);
        table.refuses(code, CONTRIBUTIONS, name, comment, contributed(&event, policy));
    };
    for (name, weights) in
        [("sum-below", [0.5, 0.499_999]), ("sum-above", [0.5, 0.500_001]), ("sum-zero", [0.0, 0.0])]
    {
        let weights = contributors(&weights.map(|weight| tree!(weight)));
        let comment = "Under split, weights sum to exactly 1.";
        refuses(name, comment, Code::WeightSum, &weights, "split");
    }
    for (name, comment, weight) in [
        ("weight-negative", "A weight is not negative.", tree!(-0.000_001)),
        ("weight-above-one", "A weight is at most 1.", tree!(1.000_001)),
        ("weight-7-decimals", "A weight has at most 6 decimals.", tree!(0.333_333_3)),
        ("weight-7-decimals-string", "In a string too.", tree!("0.0000001")),
        ("weight-words", "A weight is a number.", tree!("half")),
        ("weight-empty", "The empty string is none.", tree!("")),
        ("weight-plus", "JSON has no plus in front.", tree!("+1")),
        ("weight-space", "Nothing is trimmed.", tree!(" 1")),
        ("weight-leading-zero", "JSON has no zeros in front.", tree!("01")),
        ("weight-hex", "Nor other bases.", tree!("0x1")),
        ("weight-true", "A truth value is no weight.", tree!(true)),
        ("weight-null", "A contributor has a weight.", Json::Null),
        ("weight-array", "An array is no weight.", tree!([1])),
        ("weight-object", "An object is no weight.", tree!({ "ppm": 1 })),
    ] {
        refuses(name, comment, Code::Contributors, &contributors(&[weight]), "each");
    }
    for (name, comment, contributors) in [
        ("contributors-object", "Contributors are an array.", tree!({ "id": "a" })),
        ("contributors-string", "And nothing else.", tree!("acme")),
        ("contributors-number", "And nothing else.", tree!(1)),
        ("contributor-string", "A contributor is an object.", tree!(["acme"])),
        ("contributor-null", "And nothing else.", tree!([null])),
        ("contributor-array", "And nothing else.", tree!([[]])),
        ("id-missing", "It has an id.", tree!([{ "signal_type": "geo", "weight": 1 }])),
        ("id-empty", "It is not empty.", tree!([{ "id": "", "signal_type": "g", "weight": 1 }])),
        ("id-number", "It is a string.", tree!([{ "id": 7, "signal_type": "g", "weight": 1 }])),
        ("id-null", "It is a string.", tree!([{ "id": null, "signal_type": "g", "weight": 1 }])),
        ("type-missing", "It has a signal type.", tree!([{ "id": "a", "weight": 1 }])),
        ("type-empty", "It is not empty.", tree!([{ "id": "a", "signal_type": "", "weight": 1 }])),
        ("type-array", "It is a string.", tree!([{ "id": "a", "signal_type": [], "weight": 1 }])),
        ("weight-missing", "It has a weight.", tree!([{ "id": "a", "signal_type": "g" }])),
        (
            "second-malformed",
            "One malformed contributor is enough.",
            tree!([{ "id": "a", "signal_type": "g", "weight": 1 }, { "id": "b" }]),
        ),
    ] {
        refuses(name, comment, Code::Contributors, &contributors, "each");
    }
    let twice = tree!([
        { "id": "a", "signal_type": "geo", "weight": 0.5 },
        { "id": "b", "signal_type": "geo", "weight": 0.25 },
        { "id": "a", "signal_type": "geo", "weight": 0.25 },
    ]);
    for policy in ["split", "each"] {
        let name = format!("twice-{policy}");
        let comment = "A pair of id and signal type stands once.";
        refuses(&name, comment, Code::ContributorTwice, &twice, policy);
    }
    for (name, policy) in [
        ("policy-empty", ""),
        ("policy-upper", "Split"),
        ("policy-space", "split "),
        ("policy-parentheses", "split()"),
        ("policy-currency-lower", "split(usd)"),
        ("policy-currency-short", "each(US)"),
        ("policy-currency-long", "each(USDT)"),
        ("policy-open", "split(USD"),
        ("policy-behind", "split(USD) "),
        ("policy-unknown", "half"),
    ] {
        let comment = "A policy is spelled just so.";
        refuses(name, comment, Code::ContributionPolicy, &whole(), policy);
    }
    for (name, comment, code, event) in [
        ("event-cut", "The event is read as any record.", Code::UnexpectedEnd, "{"),
        ("event-key-twice", "With its codes.", Code::DuplicateKey, r#"{"a":1,"a":1}"#),
        ("event-number", "All of it.", Code::NumberPrecision, "[9007199254740993]"),
    ] {
        table.refuses(code, CONTRIBUTIONS, name, comment, args([json(event), text("split")]));
    }
}

fn prices(table: &mut Table) {
    let with = |metadata: Json| {
        let mut event = event(&whole());
        event["metadata"] = metadata;
        event
    };
    for (name, comment, metadata) in [
        ("price-zero", "A price may be 0.", tree!({ "clearing_price": 0 })),
        ("price-string", "A price may be a string.", tree!({ "clearing_price": "19.00" })),
        ("price-exponent", "With an exponent.", tree!({ "clearing_price": "1.9E+1" })),
        (
            "price-smallest",
            "Nine decimals, and 18 in the amount.",
            tree!({ "clearing_price": 0.000_000_001 }),
        ),
        ("price-largest", "Below 10^9.", tree!({ "clearing_price": "999999999.999999999" })),
        ("price-none", "Without a price the amount is not known.", tree!({ "currency": "EUR" })),
        ("price-null", "null is as left out.", tree!({ "clearing_price": null })),
        ("currency-null", "Here too.", tree!({ "clearing_price": 1, "currency": null })),
        ("metadata-null", "And here.", Json::Null),
        ("metadata-string", "A string has no members.", tree!("19")),
    ] {
        table.gives(CONTRIBUTIONS, name, comment, contributed(&with(metadata), "split"));
    }
    let unnamed = with(tree!({ "clearing_price": 1 }));
    let comment = "A policy's currency is that of events that name none.";
    table.gives(CONTRIBUTIONS, "currency-of-policy", comment, contributed(&unnamed, "split(JPY)"));
    let small = event(&contributors(&[tree!(0.000_001)]));
    let comment = "The smallest weight of a price.";
    table.gives(CONTRIBUTIONS, "amount-of-a-millionth", comment, contributed(&small, "each"));
    for (name, event_type) in [
        ("click", tree!("click")),
        ("impression-upper", tree!("Impression")),
        ("event-type-null", Json::Null),
        ("event-type-array", tree!(["impression"])),
    ] {
        let mut event = event(&whole());
        event["event_type"] = event_type;
        let comment = "What is no impression has no amount.";
        table.gives(CONTRIBUTIONS, name, comment, contributed(&event, "split"));
    }
    for (name, comment, price) in [
        ("price-negative", "A price is not negative.", tree!(-1)),
        ("price-10-decimals", "It has at most 9 decimals.", tree!("0.0000000001")),
        ("price-too-large", "It is below 10^9.", tree!(1_000_000_000)),
        ("price-huge", "However it is written.", tree!("1e999999999999999999")),
        ("price-words", "It is a number.", tree!("$19")),
        ("price-empty", "The empty string is none.", tree!("")),
        ("price-true", "A truth value is no price.", tree!(true)),
        ("price-object", "An object is no price.", tree!({ "cpm": 19 })),
        ("price-array", "An array is no price.", tree!([19])),
    ] {
        let event = with(tree!({ "clearing_price": price }));
        table.refuses(Code::Price, CONTRIBUTIONS, name, comment, contributed(&event, "split"));
    }
    let mut click = with(tree!({ "clearing_price": "x" }));
    click["event_type"] = tree!("click");
    let comment = "The price is read even where it is not asked for.";
    table.refuses(
        Code::Price,
        CONTRIBUTIONS,
        "price-of-click",
        comment,
        contributed(&click, "each"),
    );
    for (name, currency) in [
        ("currency-lower", tree!("usd")),
        ("currency-short", tree!("US")),
        ("currency-long", tree!("USDC")),
        ("currency-empty", tree!("")),
        ("currency-digit", tree!("US1")),
        ("currency-accent", tree!("\u{c9}UR")),
        ("currency-number", tree!(840)),
        ("currency-object", tree!({ "code": "USD" })),
    ] {
        let event = with(tree!({ "clearing_price": 1, "currency": currency }));
        let comment = "A currency is three capital letters.";
        let input = contributed(&event, "split(USD)");
        table.refuses(Code::Currency, CONTRIBUTIONS, name, comment, input);
    }
}

fn path(cohorts: &[&str]) -> Json {
    tree!(cohorts)
}

fn timed(touches: &[(&str, &str)]) -> Json {
    touches.iter().map(|(at, cohort)| tree!({ "at": at, "cohort": cohort })).collect()
}

fn credited(model: &str, path: &Json) -> Input {
    args([text(model), json(path.to_string())])
}

fn models(table: &mut Table) {
    let seven: Vec<String> = (0..7).map(|i| format!("c{}", i % 5)).collect();
    let paths = [
        ("one", "One touch has all.", path(&["a"])),
        ("two", "Two touches.", path(&["a", "b"])),
        ("three", "Three: 10^12 is no multiple of 3.", path(&["c", "b", "a"])),
        ("four", "Four touches.", path(&["a", "b", "c", "d"])),
        ("repeats", "A cohort that comes again.", path(&["a", "b", "a", "a"])),
        ("same", "One cohort alone.", path(&["a", "a", "a"])),
        ("seven", "Seven touches of five cohorts.", tree!(seven)),
    ];
    for model in MODELS {
        for (name, comment, path) in &paths {
            let name = format!("credit-{model}-{name}");
            table.gives(CREDIT, &name, comment, credited(model, path));
        }
    }
    let comment = "A model gives the times back as they were given.";
    let touches = timed(&[("2026-01-02T00:00:00Z", "b"), ("2026-01-01T00:00:00.500Z", "a")]);
    table.gives(CREDIT, "position-timed", comment, credited("position", &touches));
    table.gives(CREDIT, "first-timed", comment, credited("first", &touches));
    let comment = "NULL gives NULL.";
    table.gives_null(CREDIT, "null-path", comment, args([text("first"), Form::Null]));
    table.gives_null(CREDIT, "null-model", comment, args([Form::Null, json("[\"a\"]")]));
    let repeated = |pieces: &[(&str, usize)]| {
        let pieces = pieces.iter().map(|(piece, count)| ((*piece).to_owned(), *count));
        args([text("linear"), Form::JsonRepeat(pieces.collect())])
    };
    let input = repeated(&[(r#"["c""#, 1), (r#","a","b","c""#, 3333), ("]", 1)]);
    table.gives(CREDIT, "longest", "A path of 10,000 touches.", input);
    let input = repeated(&[(r#"["a""#, 1), (r#","a""#, 10_000), ("]", 1)]);
    let comment = "A path has at most 10,000 touches.";
    table.refuses(Code::TouchPath, CREDIT, "too-long", comment, input);
}

fn model_faults(table: &mut Table) {
    for (name, model) in [
        ("empty", ""),
        ("unknown", "u_shaped"),
        ("upper", "Linear"),
        ("space", "linear "),
        ("argument", "linear(1)"),
        ("decay-bare", "time_decay"),
        ("decay-zero", "time_decay(0)"),
        ("decay-negative", "time_decay(-1)"),
        ("decay-too-long", "time_decay(1000000001)"),
        ("decay-zero-in-front", "time_decay(07)"),
        ("decay-fraction", "time_decay(1.5)"),
        ("decay-days", "time_decay(7d)"),
        ("decay-open", "time_decay(7"),
        ("decay-huge", "time_decay(99999999999999999999)"),
        ("markov-bare", "markov"),
        ("markov-zero", "markov(0)"),
        ("markov-four", "markov(4)"),
        ("markov-zero-in-front", "markov(01)"),
        ("shapley-argument", "shapley(20)"),
    ] {
        let comment = "A model is spelled just so.";
        let name = format!("model-{name}");
        table.refuses(Code::Model, CREDIT, &name, comment, credited(model, &path(&["a"])));
    }
    for model in MARKOV {
        let name = format!("credit-{}", model.replace(['(', ')'], ""));
        let comment = "markov credits no single path.";
        table.refuses(Code::Model, CREDIT, &name, comment, credited(model, &path(&["a"])));
    }
    let rows = Input::Rows(vec![vec![text("median"), json("[\"a\"]")]]);
    table.refuses(Code::Model, ATTRIBUTION, "model-of-aggregate", "The same of many.", rows);
}

fn decay(table: &mut Table) {
    let latest = "2026-11-22T20:00:00Z";
    for (name, comment, model, at) in [
        ("half", "One half life: a half.", "time_decay(86400)", "2026-11-21T20:00:00Z"),
        ("quarter", "Two: a quarter.", "time_decay(43200)", "2026-11-21T20:00:00Z"),
        ("root", "Half of one: the root of a half.", "time_decay(2)", "2026-11-22T19:59:59Z"),
        ("third", "A third of one.", "time_decay(3)", "2026-11-22T19:59:59Z"),
        ("odd", "An odd half life.", "time_decay(604799)", "2026-11-13T07:23:51.123457Z"),
        ("microsecond", "A microsecond.", "time_decay(1)", "2026-11-22T19:59:59.999999Z"),
        ("longest", "The longest half life.", "time_decay(1000000000)", "2026-01-01T00:00:00Z"),
        (
            "longest-microsecond",
            "All 64 steps.",
            "time_decay(1000000000)",
            "2026-11-22T19:59:59.999999Z",
        ),
        ("just-63", "The weight 2.", "time_decay(1)", "2026-11-22T19:58:57Z"),
        ("below-64", "The weight 1.", "time_decay(1)", "2026-11-22T19:58:56.000001Z"),
        ("at-64", "The weight 0.", "time_decay(1)", "2026-11-22T19:58:56Z"),
        ("ages", "All of the calendar.", "time_decay(1000000000)", "0001-01-01T00:00:00Z"),
        ("same-time", "Equal weights.", "time_decay(7)", latest),
    ] {
        let touches = timed(&[(at, "a"), (latest, "b")]);
        table.gives(CREDIT, &format!("decay-{name}"), comment, credited(model, &touches));
    }
    let weeks: Vec<(String, String)> = (0..12)
        .map(|i| {
            (
                format!("2026-{:02}-{:02}T0{}:11:13.7Z", 12 - i, 28 - 2 * i, i % 10),
                format!("c{}", i % 3),
            )
        })
        .collect();
    let weeks: Vec<(&str, &str)> =
        weeks.iter().map(|(at, cohort)| (at.as_str(), cohort.as_str())).collect();
    let comment = "Twelve touches, from the latest to the earliest.";
    table.gives(CREDIT, "decay-year", comment, credited("time_decay(604800)", &timed(&weeks)));
    let comment = "It needs times.";
    let input = credited("time_decay(604800)", &path(&["a", "b"]));
    table.refuses(Code::TouchPath, CREDIT, "decay-untimed", comment, input);
}

fn paths(table: &mut Table) {
    let last = |path: &Json| credited("last", path);
    let ties = timed(&[
        ("2026-01-01T00:00:00Z", "b"),
        ("2026-01-01T00:00:00.0Z", "a"),
        ("2026-01-01T00:00:00.000000Z", "\u{1f600}"),
        ("2026-01-01T00:00:00.00Z", "\u{fb33}"),
        ("2026-01-01T00:00:00.000Z", "a"),
    ]);
    let comment = "Of one time: by cohort as bytes, then as they stand.";
    table.gives(CREDIT, "path-ties", comment, last(&ties));
    let fractions = timed(&[
        ("2026-01-01T00:00:00.5Z", "c"),
        ("2026-01-01T00:00:00.499999Z", "b"),
        ("2026-01-01T00:00:00.05Z", "a"),
    ]);
    let comment = "Fractions count as such, not as integers.";
    table.gives(CREDIT, "path-fractions", comment, last(&fractions));
    let journey = |converted_at: &str| {
        tree!({
            "converted_at": converted_at,
            "touches": timed(&[("2026-01-02T00:00:00Z", "b"), ("2026-01-01T00:00:00Z", "a")]),
        })
    };
    for (name, comment, at) in [
        ("journey", "Touches before a conversion.", "2026-02-01T00:00:00Z"),
        ("journey-same-time", "At the conversion is not after it.", "2026-01-02T00:00:00.000000Z"),
    ] {
        table.gives(CREDIT, name, comment, last(&journey(at)));
    }
    for (name, at) in
        [("touch-after", "2026-01-01T23:59:59.999999Z"), ("all-after", "2025-01-01T00:00:00Z")]
    {
        let comment = "A touch after the conversion brought nothing.";
        table.refuses(Code::TouchTime, CREDIT, name, comment, last(&journey(at)));
    }
    let members = r#"{"touches":[{"cohort":"a","at":"2026-01-01T00:00:00Z"}],"converted_at":"2026-01-01T00:00:00Z"}"#;
    let comment = "Members come in any order.";
    table.gives(CREDIT, "journey-members", comment, args([text("first"), json(members)]));
    let escaped = r#" [ "\u0061\"\\", "\ud83d\ude00" ] "#;
    let comment = "Escapes are read, and written where they are needed.";
    table.gives(CREDIT, "path-escapes", comment, args([text("linear"), json(escaped)]));
    for (name, comment, cohort) in [
        ("cohort-longest", "256 characters.", "x".repeat(256)),
        ("cohort-longest-wide", "Characters, not bytes.", "\u{1f600}".repeat(256)),
        ("cohort-spaces", "Spaces are characters.", " ".into()),
        ("cohort-delete", "U+007F is none of those below U+0020.", "\u{7f}".into()),
    ] {
        table.gives(CREDIT, name, comment, last(&tree!([cohort])));
    }
    for at in ["2024-02-29T23:59:59Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"] {
        let name = format!("time-{}", &at[..4]);
        let comment = "A time of the calendar.";
        table.gives(CREDIT, &name, comment, last(&timed(&[(at, "a")])));
    }
}

fn path_faults(table: &mut Table) {
    let mut refuses = |name: &str, comment: &str, path: &str| {
        let input = args([text("linear"), json(path)]);
        table.refuses(Code::TouchPath, CREDIT, &format!("path-{name}"), comment, input);
    };
    let touch = r#"{"at":"2026-01-01T00:00:00Z","cohort":"a"}"#;
    for (name, comment, path) in [
        ("empty", "A path has a touch.", "[]"),
        ("string", "A path is an array.", r#""a""#),
        ("number", "And nothing else.", "1"),
        ("null", "And nothing else.", "null"),
        ("touch-number", "A touch is a string.", "[1]"),
        ("touch-null", "And nothing else.", r#"["a",null]"#),
        ("touch-true", "And nothing else.", r#"["a",true]"#),
        ("touch-array", "And nothing else.", r#"[["a"]]"#),
        ("cohort-empty", "A cohort is not empty.", r#"["a",""]"#),
        ("cohort-control", "It has no control character.", r#"["a\n"]"#),
        ("cohort-control-last", "None of them.", r#"["\u001f"]"#),
        ("cut", "It is JSON.", r#"["a""#),
        ("behind", "And nothing behind it.", r#"["a"] x"#),
        ("zero", "Without U+0000.", r#"["\u0000"]"#),
        ("surrogate", "Without halves of pairs.", r#"["\ud800"]"#),
        ("no-members", "A timed touch has both members.", "[{}]"),
        ("at-missing", "It has a time.", r#"[{"cohort":"a"}]"#),
        ("cohort-missing", "It has a cohort.", r#"[{"at":"2026-01-01T00:00:00Z"}]"#),
        ("at-number", "A time is a string.", r#"[{"at":1767225600,"cohort":"a"}]"#),
        ("at-null", "A time is a string.", r#"[{"at":null,"cohort":"a"}]"#),
        ("cohort-number", "A cohort is one.", r#"[{"at":"2026-01-01T00:00:00Z","cohort":1}]"#),
        ("journey-empty", "An object has its members.", "{}"),
        ("journey-no-touches", "All of them.", r#"{"converted_at":"2026-01-01T00:00:00Z"}"#),
        ("journey-none", "A touch too.", r#"{"converted_at":"2026-01-01T00:00:00Z","touches":[]}"#),
        (
            "journey-untimed",
            "Its touches are timed.",
            r#"{"converted_at":"2026-01-01T00:00:00Z","touches":["a"]}"#,
        ),
        (
            "journey-touches-object",
            "They are an array.",
            r#"{"converted_at":"2026-01-01T00:00:00Z","touches":{}}"#,
        ),
    ] {
        refuses(name, comment, path);
    }
    for (name, comment, path) in [
        ("kinds", "Touches are of one kind.", format!(r#"["a",{touch}]"#)),
        ("kinds-turned", "Whichever is first.", format!(r#"[{touch},"a"]"#)),
        ("not-converted", "A conversion has a time.", format!(r#"{{"touches":[{touch}]}}"#)),
        (
            "converted-null",
            "A conversion has a time.",
            format!(r#"{{"converted_at":null,"touches":[{touch}]}}"#),
        ),
        (
            "journey-member",
            "No other member.",
            format!(r#"{{"converted_at":"2026-02-01T00:00:00Z","id":1,"touches":[{touch}]}}"#),
        ),
        (
            "touches-twice",
            "And each once.",
            format!(
                r#"{{"converted_at":"2026-02-01T00:00:00Z","touches":[{touch}],"touches":[{touch}]}}"#
            ),
        ),
        ("touch-member", "No other member.", touch.replace('}', r#","id":1}"#)),
        ("at-twice", "And each once.", touch.replace('{', r#"{"at":"2026-01-01T00:00:00Z","#)),
        (
            "cohort-too-long",
            "A cohort has at most 256 characters.",
            format!(r#"["{}"]"#, "x".repeat(257)),
        ),
        ("cohort-too-wide", "However wide.", format!(r#"["{}"]"#, "\u{e9}".repeat(257))),
    ] {
        let path = if path.starts_with(r#"{"at"#) { format!("[{path}]") } else { path };
        refuses(name, comment, &path);
    }
}

fn time_faults(table: &mut Table) {
    for (name, at) in [
        ("date", "2026-01-01"),
        ("no-zone", "2026-01-01T00:00:00"),
        ("offset", "2026-01-01T00:00:00+00:00"),
        ("space", "2026-01-01 00:00:00Z"),
        ("lower", "2026-01-01t00:00:00z"),
        ("no-fraction", "2026-01-01T00:00:00.Z"),
        ("7-digits", "2026-01-01T00:00:00.1234567Z"),
        ("comma", "2026-01-01T00:00:00,5Z"),
        ("no-day", "2026-02-29T00:00:00Z"),
        ("month-13", "2026-13-01T00:00:00Z"),
        ("month-0", "2026-00-01T00:00:00Z"),
        ("hour-24", "2026-01-01T24:00:00Z"),
        ("minute-60", "2026-01-01T00:60:00Z"),
        ("leap-second", "2016-12-31T23:59:60Z"),
        ("year-0", "0000-01-01T00:00:00Z"),
        ("year-5-digits", "12026-01-01T00:00:00Z"),
        ("sign", "2026-01-01T+1:00:00Z"),
        ("other-digits", "2026-01-01T00:00:0\u{663}Z"),
        ("behind", "2026-01-01T00:00:00ZZ"),
        ("empty", ""),
    ] {
        let path = timed(&[(at, "a")]).to_string();
        let (name, comment) = (format!("path-time-{name}"), "A time is written just so.");
        table.refuses(Code::TouchPath, CREDIT, &name, comment, args([text("linear"), json(path)]));
    }
}

/// Rows of an aggregate: a path, and the arguments behind it.
fn rows(model: &str, rows: Vec<(Json, Vec<Form>)>) -> Input {
    let row = |(path, rest): (Json, Vec<Form>)| {
        let mut row = vec![text(model), json(path.to_string())];
        row.extend(rest);
        row
    };
    Input::Rows(rows.into_iter().map(row).collect())
}

fn int(value: i64) -> Form {
    Form::Integer(value)
}

fn numeric(value: &str) -> Form {
    Form::Decimal(value.into())
}

/// Numbers that look random, and are the same for ever: those of Lehmer.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % sides
    }

    /// A path of up to so many touches, of so many cohorts.
    fn path(&mut self, longest: u64, cohorts: u64) -> Json {
        let len = 1 + self.roll(longest);
        let cohorts = (0..len).map(|_| format!("c{}", self.roll(cohorts)));
        tree!(cohorts.collect::<Vec<_>>())
    }
}

/// Rows with conversions, nulls, and some with a value.
fn rolled(seed: u64, count: usize, cohorts: u64) -> Vec<(Json, Vec<Form>)> {
    let mut dice = Dice(seed);
    (0..count)
        .map(|_| {
            let path = dice.path(7, cohorts);
            let (conversions, nulls) = (dice.roll(5) as i64, dice.roll(30) as i64);
            let cents = dice.roll(1_000_000);
            let value = format!("{}.{:02}", cents / 100, cents % 100);
            (path, vec![int(conversions), int(nulls), numeric(&value)])
        })
        .collect()
}

fn sums(table: &mut Table) {
    let two = || vec![(path(&["a", "b"]), vec![]), (path(&["b", "c", "b"]), vec![])];
    for model in MODELS.iter().chain(&MARKOV) {
        let id = model.replace(['(', ')'], "");
        let comment = "Left out: one conversion, no nulls, no value.";
        table.gives(ATTRIBUTION, &format!("sum-{id}"), comment, rows(model, two()));
        let comment = "Forty rows with conversions, nulls and a value.";
        let input = rows(model, rolled(7, 40, 6));
        table.gives(ATTRIBUTION, &format!("sum-{id}-forty"), comment, input);
        let comment = "The same rows, the last first: the same result.";
        let mut turned = rolled(7, 40, 6);
        turned.reverse();
        let input = rows(model, turned);
        table.gives(ATTRIBUTION, &format!("sum-{id}-turned"), comment, input);
        let comment = "No journey converted.";
        let input = rows(model, vec![(path(&["a", "b"]), vec![int(0), int(9)])]);
        table.gives(ATTRIBUTION, &format!("sum-{id}-no-conversion"), comment, input);
        let comment = "A path that nobody took.";
        let input = rows(
            model,
            vec![(path(&["a", "b"]), vec![int(0), int(0)]), (path(&["b"]), vec![int(1), int(0)])],
        );
        table.gives(ATTRIBUTION, &format!("sum-{id}-not-taken"), comment, input);
    }
    let touches = timed(&[("2026-01-01T00:00:00Z", "a"), ("2026-01-08T00:00:00Z", "b")]);
    let input = rows(
        "time_decay(604800)",
        vec![
            (touches.clone(), vec![int(3), int(2), numeric("10")]),
            (
                timed(&[("2026-01-01T00:00:00Z", "a")]),
                vec![int(1), int(0), numeric("-0.000000001")],
            ),
        ],
    );
    table.gives(ATTRIBUTION, "sum-decay", "By time.", input);
    let comment = "An aggregate of a timed path and one without, where times do not matter.";
    let input = rows("linear", vec![(touches, vec![]), (path(&["a"]), vec![])]);
    table.gives(ATTRIBUTION, "sum-both-kinds", comment, input);
}

fn values(table: &mut Table) {
    let three = path(&["a", "b", "c"]);
    for (name, comment, value) in [
        ("value-thirds", "A value is divided in the parts of credit.", "1"),
        ("value-negative", "It may be negative.", "-1"),
        ("value-smallest", "Nine decimals, 21 in the parts.", "0.000000001"),
        ("value-largest", "Below 10^15.", "999999999999999.999999999"),
        ("value-zero", "0 is a value.", "0"),
        ("value-spelled", "As an engine writes it.", "+0012.50"),
        ("value-zeros-behind", "Zeros at the end are no decimals.", "1.5000000000000"),
    ] {
        let input = rows("linear", vec![(three.clone(), vec![int(1), int(0), numeric(value)])]);
        table.gives(ATTRIBUTION, name, comment, input);
    }
    let comment = "Conversions that are worth nothing are worth 0.";
    let worth = |cohort: &str, value: &str| (path(&[cohort]), vec![int(2), int(0), numeric(value)]);
    let input = rows("linear", vec![worth("a", "0"), worth("b", "3")]);
    table.gives(ATTRIBUTION, "value-of-nothing", comment, input);
    let comment = "A value without a conversion is divided like any other.";
    let input = rows("linear", vec![(path(&["a", "b"]), vec![int(0), int(0), numeric("3")])]);
    table.gives(ATTRIBUTION, "value-without-conversion", comment, input);
    let comment = "Values that come to nothing.";
    let input = rows(
        "shapley",
        vec![
            (path(&["a"]), vec![int(1), int(0), numeric("3.5")]),
            (path(&["a"]), vec![int(1), int(0), numeric("-3.5")]),
        ],
    );
    table.gives(ATTRIBUTION, "value-cancelled", comment, input);
    let comment = "The largest counts.";
    let input = rows(
        "linear",
        vec![
            (three.clone(), vec![int(i64::MAX), int(i64::MAX)]),
            (path(&["a"]), vec![int(i64::MAX), int(i64::MAX)]),
        ],
    );
    table.gives(ATTRIBUTION, "counts-largest", comment, input);
    let comment = "The largest counts of a chain.";
    let input = rows(
        "markov(2)",
        vec![
            (three, vec![int(i64::MAX), int(i64::MAX)]),
            (path(&["a", "c"]), vec![int(i64::MAX), int(1)]),
        ],
    );
    table.gives(ATTRIBUTION, "counts-largest-markov", comment, input);
}

fn passed_over(table: &mut Table) {
    let comment = "Cohorts are sorted as bytes.";
    let input = rows(
        "first",
        ["b", "\u{fb33}", "B", "\u{1f600}", "a b", "a", "a!"]
            .map(|cohort| (path(&[cohort]), vec![]))
            .into(),
    );
    table.gives(ATTRIBUTION, "sum-sorted", comment, input);
    let comment = "A row with a NULL is passed over.";
    let input = Input::Rows(vec![
        vec![text("last"), json("[\"a\"]"), int(1), int(0), numeric("1")],
        vec![text("last"), Form::Null, int(1), int(0), numeric("1")],
        vec![text("last"), json("[\"b\"]"), Form::Null, int(0), numeric("1")],
        vec![text("last"), json("[\"c\"]"), int(1), Form::Null, numeric("1")],
        vec![text("last"), json("[\"d\"]"), int(1), int(0), Form::Null],
        vec![Form::Null, json("[\"e\"]"), int(1), int(0), numeric("1")],
    ]);
    table.gives(ATTRIBUTION, "sum-nulls", comment, input);
    let comment = "No rows: NULL.";
    table.gives_null(ATTRIBUTION, "sum-of-nothing", comment, Input::Rows(Vec::new()));
    let input = Input::Rows(vec![vec![text("last"), Form::Null]]);
    table.gives_null(ATTRIBUTION, "sum-of-null", "No rows are left.", input);
}

fn sum_faults(table: &mut Table) {
    let a = || path(&["a"]);
    let input = Input::Rows(vec![
        vec![text("first"), json("[\"a\"]")],
        vec![text("last"), json("[\"a\"]")],
    ]);
    let comment = "The model is the same in every row.";
    table.refuses(Code::ArgumentVaries, ATTRIBUTION, "model-varies", comment, input);
    let input = Input::Rows(vec![
        vec![text("markov(1)"), json("[\"a\"]")],
        vec![text("markov(2)"), json("[\"a\"]")],
    ]);
    table.refuses(Code::ArgumentVaries, ATTRIBUTION, "order-varies", "Its argument too.", input);
    for (name, comment, rest) in [
        ("conversions-negative", "Conversions are counted.", vec![int(-1)]),
        ("nulls-negative", "So are those who did not convert.", vec![int(0), int(-1)]),
        ("conversions-lowest", "However many.", vec![int(i64::MIN)]),
    ] {
        let input = rows("linear", vec![(a(), rest.clone())]);
        table.refuses(Code::Counts, ATTRIBUTION, name, comment, input);
        let input = rows("markov(1)", vec![(a(), rest)]);
        let name = format!("{name}-markov");
        table.refuses(Code::Counts, ATTRIBUTION, &name, comment, input);
    }
    for (name, comment, value) in [
        ("value-too-large", "A value is below 10^15.", "1000000000000000"),
        ("value-too-low", "In magnitude.", "-1000000000000000.0"),
        ("value-10-decimals", "It has at most 9 decimals.", "0.0000000001"),
        ("value-huge", "Of any length.", "100000000000000000000000000000000000000000"),
    ] {
        let input = rows("markov(1)", vec![(a(), vec![int(1), int(0), numeric(value)])]);
        table.refuses(Code::ConversionValue, ATTRIBUTION, name, comment, input);
    }
    let input =
        rows("linear", vec![(a(), vec![int(1), int(0)]), (tree!([]), vec![int(0), int(0)])]);
    let comment = "Paths are read whatever their counts.";
    table.refuses(Code::TouchPath, ATTRIBUTION, "path-of-nobody", comment, input);
    let input = rows("markov(3)", vec![(tree!([1]), vec![int(0), int(0)])]);
    table.refuses(Code::TouchPath, ATTRIBUTION, "path-of-nobody-markov", comment, input);
    let comment = "time_decay needs times in every row.";
    let input = rows(
        "time_decay(60)",
        vec![(timed(&[("2026-01-01T00:00:00Z", "a")]), vec![]), (a(), vec![])],
    );
    table.refuses(Code::TouchPath, ATTRIBUTION, "decay-of-untimed", comment, input);
    let after = tree!({
        "converted_at": "2026-01-01T00:00:00Z",
        "touches": timed(&[("2026-01-02T00:00:00Z", "a")]),
    });
    let comment = "A touch after the conversion.";
    let input = rows("markov(1)", vec![(after, vec![])]);
    table.refuses(Code::TouchTime, ATTRIBUTION, "sum-touch-after", comment, input);
    let comment = "A sum of values has 128 bits: 171 of the largest are more.";
    let largest = "999999999999999.999999999";
    let input = rows("last", vec![(a(), vec![int(1), int(0), numeric(largest)]); 171]);
    table.refuses(Code::SumSize, ATTRIBUTION, "value-sum", comment, input);
    let input = rows("markov(1)", vec![(a(), vec![int(1), int(0), numeric(largest)]); 171]);
    table.refuses(Code::SumSize, ATTRIBUTION, "value-sum-markov", comment, input);
    let comment = "170 of them are not.";
    let input = rows("last", vec![(a(), vec![int(1), int(0), numeric(largest)]); 170]);
    table.gives(ATTRIBUTION, "value-sum-fits", comment, input);
    let comment = "A chain has at most 4,096 states, the beginning among them.";
    let cohorts: Vec<String> = (0..4096).map(|i| format!("{i:x}")).collect();
    let input = rows("markov(1)", vec![(tree!(cohorts), vec![])]);
    table.refuses(Code::CohortCount, ATTRIBUTION, "states-too-many", comment, input);
}

/// A path, how many journeys took it and converted, and how many did not.
type Journeys = (&'static [&'static str], i64, i64);

fn markov(table: &mut Table) {
    let chains: [(&str, &str, Vec<Journeys>); 8] = [
        ("one-cohort", "One cohort brought all.", vec![(&["a"], 3, 1)]),
        ("same-cohort", "A cohort again and again.", vec![(&["a", "a", "a"], 1, 2)]),
        (
            "textbook",
            "Three paths, with and without a conversion.",
            vec![(&["a", "b", "c"], 1, 0), (&["a"], 0, 1), (&["b", "c"], 0, 1)],
        ),
        (
            "circle",
            "Paths that turn back.",
            vec![(&["a", "b", "a", "c", "a"], 2, 3), (&["c", "b", "c"], 1, 5)],
        ),
        ("needed", "Without any of them, nobody converts.", vec![(&["a", "b", "c"], 5, 5)]),
        ("useless", "A cohort without a conversion.", vec![(&["a"], 1, 0), (&["b"], 0, 1)]),
        ("apart", "Cohorts that do not meet.", vec![(&["a"], 1, 3), (&["b"], 2, 6)]),
        (
            "memory",
            "What came before last matters, to order 2 and above.",
            vec![(&["a", "c", "d"], 9, 1), (&["b", "c", "d"], 1, 9), (&["b", "c", "c", "d"], 1, 1)],
        ),
    ];
    for (name, comment, chain) in &chains {
        for model in MARKOV {
            let row = |(cohorts, conversions, nulls): &Journeys| {
                (path(cohorts), vec![int(*conversions), int(*nulls)])
            };
            let name = format!("{}-{name}", model.replace(['(', ')'], ""));
            let input = rows(model, chain.iter().map(row).collect());
            table.gives(ATTRIBUTION, &name, comment, input);
        }
    }
    for (i, cohorts) in [(1, 2), (2, 3), (3, 5), (4, 12), (5, 23)] {
        for model in MARKOV {
            let name = format!("{}-of-{cohorts}", model.replace(['(', ')'], ""));
            let comment = "Thirty rows, to the last bit.";
            let mut rolled = rolled(1000 + i, 30, cohorts);
            for (_, rest) in &mut rolled {
                rest.truncate(2);
            }
            table.gives(ATTRIBUTION, &name, comment, rows(model, rolled));
        }
    }
}

fn transitions(table: &mut Table) {
    let path = path(&["a", "b", "a", "b", "b", "c"]).to_string();
    for k in 1..=3 {
        let comment = "Repeats are added, and none goes from a state to itself.";
        let input = args([int(k), json(&path), int(2), int(5)]);
        table.gives(TRANSITIONS, &format!("transitions-{k}"), comment, input);
    }
    let one = || json("[\"a\"]");
    for (name, comment, input) in [
        ("transitions-default", "Left out: one conversion.", args([int(1), one()])),
        ("transitions-no-nulls", "And no nulls.", args([int(1), one(), int(7)])),
        ("transitions-nulls", "What counts 0 is left out.", args([int(2), one(), int(0), int(7)])),
        ("transitions-none", "Of nobody there are none.", args([int(3), one(), int(0), int(0)])),
        (
            "transitions-to-itself",
            "A state of three equal cohorts stays.",
            args([int(3), json("[\"a\",\"a\",\"a\",\"a\",\"a\"]")]),
        ),
        (
            "transitions-largest",
            "Counts up to 2^53 - 1.",
            args([int(1), one(), int((1 << 53) - 2), int(1)]),
        ),
        (
            "transitions-sorted",
            "Sorted as bytes.",
            args([int(2), json("[\"b\",\"\u{1f600}\",\"b\",\"\u{fb33}\",\"B\",\"b\"]")]),
        ),
        (
            "transitions-timed",
            "In order of time.",
            args([
                int(1),
                json(
                    timed(&[("2026-01-02T00:00:00Z", "b"), ("2026-01-01T00:00:00Z", "a")])
                        .to_string(),
                ),
            ]),
        ),
    ] {
        table.gives(TRANSITIONS, name, comment, input);
    }
    let input = args([int(1), one(), Form::Null]);
    table.gives_null(TRANSITIONS, "transitions-null", "NULL gives NULL.", input);
    for (name, k) in [("k-0", 0), ("k-4", 4), ("k-negative", -1), ("k-huge", (1 << 32) + 1)] {
        let comment = "k is 1, 2 or 3.";
        table.refuses(Code::Model, TRANSITIONS, name, comment, args([int(k), one()]));
    }
    for (name, comment, input) in [
        ("transitions-negative", "A count is not negative.", args([int(1), one(), int(-1)])),
        ("transitions-nulls-negative", "Nor is this.", args([int(1), one(), int(1), int(-1)])),
        (
            "transitions-too-many",
            "A count above 2^53 - 1 is no number of JSON everywhere.",
            args([int(1), one(), int((1 << 53) - 1), int(1)]),
        ),
    ] {
        table.refuses(Code::Counts, TRANSITIONS, name, comment, input);
    }
    let input = args([int(1), json("[]")]);
    let comment = "A path has a touch.";
    table.refuses(Code::TouchPath, TRANSITIONS, "transitions-no-touch", comment, input);
}

fn solve(table: &mut Table) {
    let step = |from: &[&str], n: i64, to: &Json| tree!({ "from": from, "k": 1, "n": n, "to": to });
    let (a, b, end, lost) = (tree!(["a"]), tree!(["b"]), tree!("conversion"), tree!("null"));
    let solve = |steps: &[Json]| args([json(tree!(steps).to_string())]);
    for (name, comment, input) in [
        ("solve-none", "Of none comes none.", solve(&[])),
        (
            "solve-unsorted",
            "In any order, and with repeats.",
            solve(&[
                step(&["b"], 1, &end),
                step(&["a"], 2, &lost),
                step(&[], 2, &b),
                step(&[], 1, &a),
                step(&["a"], 1, &end),
                step(&[], 3, &a),
                step(&["b"], 1, &a),
                step(&["a"], 2, &end),
            ]),
        ),
        (
            "solve-zero",
            "What counts 0 is left out, and so is its cohort.",
            solve(&[step(&[], 0, &b), step(&[], 1, &a), step(&["a"], 1, &end)]),
        ),
        ("solve-all-zero", "All of it.", solve(&[step(&[], 0, &b)])),
        (
            "solve-dead-end",
            "A state from which nothing goes goes to null.",
            solve(&[step(&[], 1, &a), step(&["a"], 1, &end), step(&[], 1, &b)]),
        ),
        (
            "solve-unreached",
            "A conversion to which nothing leads.",
            solve(&[step(&[], 1, &a), step(&["b"], 1, &end)]),
        ),
        (
            "solve-no-conversion",
            "No conversion at all.",
            solve(&[step(&[], 1, &a), step(&["a"], 1, &lost)]),
        ),
        (
            "solve-closed",
            "Two states that lead to each other alone.",
            solve(&[
                step(&[], 1, &a),
                step(&["a"], 1, &b),
                step(&["b"], 1, &a),
                step(&["b"], 1, &end),
                step(&["a"], 1, &lost),
            ]),
        ),
        (
            "solve-large",
            "Counts of 2^53 - 1 are added exactly.",
            solve(&[
                step(&[], (1 << 53) - 1, &a),
                step(&[], (1 << 53) - 1, &a),
                step(&["a"], (1 << 53) - 1, &end),
                step(&["a"], (1 << 53) - 1, &end),
                step(&[], 1, &b),
                step(&["b"], 1, &end),
            ]),
        ),
    ] {
        table.gives(SOLVE, name, comment, input);
    }
    let second = tree!([
        { "from": [], "k": 2, "n": 3, "to": ["a"] },
        { "from": ["a"], "k": 2, "n": 3, "to": ["a", "b"] },
        { "from": ["a", "b"], "k": 2, "n": 2, "to": ["b", "a"] },
        { "from": ["b", "a"], "k": 2, "n": 2, "to": "conversion" },
        { "from": ["a", "b"], "k": 2, "n": 1, "to": "null" },
    ]);
    let input = args([json(second.to_string())]);
    table.gives(SOLVE, "solve-order-2", "States of two touches.", input);
    let spelled = r#"[{"to":["\u0061"],"n":10e-1,"k":1.0,"from":[]}, {"from":["a"],"k":1,"n":1,"to":"conversion"}]"#;
    let comment = "In any spelling of the JSON.";
    table.gives(SOLVE, "solve-spelled", comment, args([json(spelled)]));
    table.gives_null(SOLVE, "solve-null", "NULL gives NULL.", args([Form::Null]));
}

fn transition_faults(table: &mut Table) {
    let good = r#"{"from":[],"k":1,"n":1,"to":["a"]}"#;
    for (name, comment, transition) in [
        ("from-missing", "It has all members.", r#"{"k":1,"n":1,"to":["a"]}"#),
        ("k-missing", "It has all members.", r#"{"from":[],"n":1,"to":["a"]}"#),
        ("n-missing", "It has all members.", r#"{"from":[],"k":1,"to":["a"]}"#),
        ("to-missing", "It has all members.", r#"{"from":[],"k":1,"n":1}"#),
        ("member", "And no others.", r#"{"from":[],"k":1,"n":1,"to":["a"],"v":1}"#),
        ("string", "It is an object.", r#""conversion""#),
        ("k-zero", "k is 1, 2 or 3.", r#"{"from":[],"k":0,"n":1,"to":["a"]}"#),
        ("k-four", "k is 1, 2 or 3.", r#"{"from":[],"k":4,"n":1,"to":["a"]}"#),
        ("k-half", "k is 1, 2 or 3.", r#"{"from":[],"k":1.5,"n":1,"to":["a"]}"#),
        ("k-string", "k is 1, 2 or 3.", r#"{"from":[],"k":"1","n":1,"to":["a"]}"#),
        ("k-true", "k is 1, 2 or 3.", r#"{"from":[],"k":true,"n":1,"to":["a"]}"#),
        ("n-string", "n is an integer.", r#"{"from":[],"k":1,"n":"1","to":["a"]}"#),
        ("n-half", "n is an integer.", r#"{"from":[],"k":1,"n":0.5,"to":["a"]}"#),
        ("n-small", "n is an integer.", r#"{"from":[],"k":1,"n":1e-9,"to":["a"]}"#),
        ("n-null", "n is an integer.", r#"{"from":[],"k":1,"n":null,"to":["a"]}"#),
        ("from-string", "A state is an array.", r#"{"from":"a","k":1,"n":1,"to":"null"}"#),
        ("from-number", "Of strings.", r#"{"from":[1],"k":1,"n":1,"to":"null"}"#),
        ("from-empty", "That are cohorts.", r#"{"from":[""],"k":1,"n":1,"to":"null"}"#),
        ("from-control", "That are cohorts.", r#"{"from":["\n"],"k":1,"n":1,"to":"null"}"#),
        ("from-long", "At most k of them.", r#"{"from":["a","b"],"k":1,"n":1,"to":"null"}"#),
        ("to-word", "An end has its name.", r#"{"from":["a"],"k":1,"n":1,"to":"a"}"#),
        ("to-null", "In a string.", r#"{"from":["a"],"k":1,"n":1,"to":null}"#),
        ("to-object", "Or it is an array.", r#"{"from":["a"],"k":1,"n":1,"to":{}}"#),
        ("to-beginning", "None goes back.", r#"{"from":["a"],"k":1,"n":1,"to":[]}"#),
        ("to-itself", "None stays.", r#"{"from":["a"],"k":1,"n":1,"to":["a"]}"#),
        ("to-itself-zero", "Nor where it counts 0.", r#"{"from":["a"],"k":1,"n":0,"to":["a"]}"#),
        ("to-empty", "A cohort is not empty.", r#"{"from":["a"],"k":1,"n":1,"to":[""]}"#),
        ("no-touch", "A path has a touch.", r#"{"from":[],"k":1,"n":1,"to":"conversion"}"#),
        ("no-touch-null", "One that is lost too.", r#"{"from":[],"k":1,"n":1,"to":"null"}"#),
        ("jump", "One touch is added.", r#"{"from":[],"k":2,"n":1,"to":["a","b"]}"#),
        ("forgets", "Nothing is forgotten.", r#"{"from":["a"],"k":2,"n":1,"to":["b"]}"#),
        ("other", "Nothing is changed.", r#"{"from":["a","b"],"k":2,"n":1,"to":["a","c"]}"#),
        ("long", "A state has k cohorts.", r#"{"from":["a"],"k":1,"n":1,"to":["a","b"]}"#),
        ("twice", "A member stands once.", r#"{"from":[],"k":1,"k":1,"n":1,"to":["a"]}"#),
    ] {
        let input = args([json(format!("[{good},{transition}]"))]);
        table.refuses(Code::Transitions, SOLVE, &format!("solve-{name}"), comment, input);
    }
    for (name, comment, transitions) in [
        ("object", "Transitions are an array.", good.to_owned()),
        ("cut", "They are JSON.", format!("[{good}")),
        (
            "orders",
            "k is the same in all.",
            format!("[{good},{}]", good.replace(":1,\"n", ":2,\"n")),
        ),
    ] {
        let input = args([json(transitions)]);
        table.refuses(Code::Transitions, SOLVE, &format!("solve-{name}"), comment, input);
    }
    for (name, n) in [
        ("n-negative", "-1"),
        ("n-negative-large", "-1e300"),
        ("n-too-large", "9007199254740992"),
        ("n-huge", "1e300"),
    ] {
        let transitions = format!("[{}]", good.replace("\"n\":1", &format!("\"n\":{n}")));
        let comment = "A count is from 0 to 2^53 - 1.";
        let input = args([json(transitions)]);
        table.refuses(Code::Counts, SOLVE, &format!("solve-{name}"), comment, input);
    }
}

fn set(cohorts: &[&str], value: impl Into<Json>) -> Json {
    tree!({ "cohorts": cohorts, "value": value.into() })
}

fn game(sets: &[Json]) -> Input {
    args([json(tree!(sets).to_string())])
}

fn shapley(table: &mut Table) {
    let twenty: Vec<String> = (0..20).map(|i| format!("c{i:02}")).collect();
    let twenty: Vec<&str> = twenty.iter().map(String::as_str).collect();
    for (name, comment, sets) in [
        ("one", "One cohort has all.", vec![set(&["a"], 7)]),
        ("equal", "Equal shares.", vec![set(&["a", "b"], 1)]),
        ("thirds", "Rounded down, the rest to the first.", vec![set(&["a", "b", "c"], 1)]),
        ("thirds-negative", "Downward, below 0 too.", vec![set(&["a", "b", "c"], -1)]),
        (
            "two",
            "By what each adds.",
            vec![set(&["a"], 4), set(&["b"], 2), set(&["a", "b"], "12.5")],
        ),
        ("spelled", "A number or a string.", vec![set(&["a"], "1e-6"), set(&["b"], 0.5)]),
        ("empty-set", "The empty set is worth something.", vec![set(&[], 3), set(&["a", "b"], 1)]),
        ("without-all", "All together are worth nothing.", vec![set(&["a"], 3), set(&["b"], 1)]),
        ("zero", "A game of nothing.", vec![set(&["a", "b"], 0)]),
        ("sorted", "Sorted as bytes.", vec![set(&["\u{1f600}", "b", "\u{fb33}", "B"], 1)]),
        ("largest", "Below 10^12.", vec![set(&["a", "b", "c"], "999999999999.999999")]),
        ("lowest", "In magnitude.", vec![set(&["a"], "-999999999999.999999"), set(&["b"], 1)]),
        ("twenty", "Twenty cohorts.", vec![set(&twenty, 1), set(&twenty[..7], "0.000001")]),
        ("seven", "A seventh.", vec![set(&twenty[..7], 1)]),
        (
            "gloves",
            "A left glove and two right ones.",
            vec![set(&["l", "r1"], 1), set(&["l", "r2"], 1), set(&["l", "r1", "r2"], 1)],
        ),
    ] {
        table.gives(SHAPLEY, &format!("shapley-{name}"), comment, game(&sets));
    }
    let mut dice = Dice(99);
    for n in [3_u32, 4, 6] {
        let names = &twenty[..n as usize];
        let sets: Vec<Json> = (1..1_u32 << n)
            .map(|chosen| {
                let cohorts: Vec<&str> =
                    (0..n).filter(|i| chosen >> i & 1 == 1).map(|i| names[i as usize]).collect();
                set(&cohorts, dice.roll(1_000_000))
            })
            .collect();
        let name = format!("shapley-all-of-{n}");
        table.gives(SHAPLEY, &name, "A worth of every set.", game(&sets));
    }
    let comment = "NULL gives NULL.";
    table.gives_null(SHAPLEY, "shapley-null", comment, args([Form::Null]));
}

fn shapley_faults(table: &mut Table) {
    let many: Vec<String> = (0..21).map(|i| format!("c{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused: [(&str, &str, Json); 25] = [
        ("none", "A game has a cohort.", tree!([])),
        ("only-empty", "One at least.", tree!([set(&[], 1)])),
        ("object", "It is an array.", set(&["a"], 1)),
        ("strings", "Of objects.", tree!(["a"])),
        ("cohorts-missing", "With both members.", tree!([{ "value": 1 }])),
        ("value-missing", "With both members.", tree!([{ "cohorts": ["a"] }])),
        ("member", "And no others.", tree!([{ "cohorts": ["a"], "value": 1, "v": 1 }])),
        ("cohorts-string", "Cohorts are an array.", tree!([{ "cohorts": "a", "value": 1 }])),
        ("cohort-number", "Of strings.", tree!([{ "cohorts": [1], "value": 1 }])),
        ("cohort-empty", "Not empty.", tree!([set(&[""], 1)])),
        ("cohort-control", "Without control characters.", tree!([set(&["\t"], 1)])),
        ("cohort-long", "Of 256 characters.", tree!([set(&["x".repeat(257).as_str()], 1)])),
        ("cohort-twice", "Distinct.", tree!([set(&["a", "b", "a"], 1)])),
        ("set-twice", "A set stands once.", tree!([set(&["a", "b"], 1), set(&["b", "a"], 1)])),
        ("empty-twice", "The empty one too.", tree!([set(&["a"], 1), set(&[], 1), set(&[], 1)])),
        ("cohorts-21", "At most 20 cohorts.", tree!([set(&many, 1)])),
        ("cohorts-21-apart", "In all.", tree!([set(&many[..11], 1), set(&many[11..], 1)])),
        ("value-null", "A value is a number.", tree!([set(&["a"], Json::Null)])),
        ("value-words", "Or a string of one.", tree!([set(&["a"], "many")])),
        ("value-plus", "As JSON writes it.", tree!([set(&["a"], "+1")])),
        ("value-array", "And nothing else.", tree!([set(&["a"], tree!([1]))])),
        ("value-7-decimals", "At most 6 decimals.", tree!([set(&["a"], 0.000_000_1)])),
        ("value-too-large", "Below 10^12.", tree!([set(&["a"], 1_000_000_000_000_u64)])),
        ("value-too-low", "In magnitude.", tree!([set(&["a"], "-1e12")])),
        ("value-huge", "Whatever it is.", tree!([set(&["a"], "1e99999999999999999999")])),
    ];
    for (name, comment, game) in refused {
        let input = args([json(game.to_string())]);
        table.refuses(Code::Game, SHAPLEY, &format!("shapley-{name}"), comment, input);
    }
    for (name, comment, game) in [
        ("cut", "It is JSON.", "["),
        (
            "digits",
            "With numbers that JSON keeps.",
            r#"[{"cohorts":["a"],"value":9007199254740993}]"#,
        ),
    ] {
        let input = args([json(game)]);
        table.refuses(Code::Game, SHAPLEY, &format!("shapley-{name}"), comment, input);
    }
}
