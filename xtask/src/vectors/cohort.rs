//! The calls of `tests/vectors/cohorts.json`: rule sets, and which cohorts they put a record in.

use conformance::{Form, Input};
use precise_core::Code;

use super::{Call, Table, args, json};

const COHORT_IDS: &str = "precise_cohort_ids";
const RULESET_HASH: &str = "precise_ruleset_hash";

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    rulesets(&mut table);
    spellings(&mut table);
    malformed(&mut table);
    names(&mut table);
    limits(&mut table);
    conditions(&mut table);
    comparisons(&mut table);
    groups(&mut table);
    places(&mut table);
    records(&mut table);
    table.calls
}

/// A rule set of these cohorts.
fn ruleset(cohorts: &str) -> String {
    format!("{{\"cohorts\":[{cohorts}],\"version\":\"1\"}}")
}

/// A rule set of the cohort `eco`, with these members.
fn eco(members: &str) -> String {
    ruleset(&format!("{{{members},\"name\":\"eco\"}}"))
}

/// A rule set of the cohort `eco`, with this rule alone.
fn eco_where(rule: &str) -> String {
    eco(&format!("\"all\":[{rule}]"))
}

/// The cohort of this name.
fn named(name: &str) -> String {
    format!("{{\"any\":[{{\"exists\":true,\"signal\":\"a\"}}],\"name\":\"{name}\"}}")
}

fn rulesets(table: &mut Table) {
    let example = concat!(
        r#"{"cohorts":[{"all":[{"gte":0.6,"signal":"sustainability_affinity"},"#,
        r#"{"eq":"rent","signal":"housing"}],"geo":"zip","name":"eco_urban_renters"}],"#,
        r#""places":{"zip":"home.zip"},"version":"2026-11"}"#
    );
    let with_comma = eco_where(r#"{"signal":"a","eq":1}"#);
    let reversed = r#"{"version":"1","cohorts":[{"name":"eco","all":[{"signal":"a","eq":1}]}]}"#;
    let spaced = with_comma.replace(':', " : ").replace(',', " ,\n");
    for (name, comment, rules) in [
        ("the-example", "The rule set of the page.", example),
        ("in-order", "A small one.", &with_comma),
        ("members-in-another-order", "The order of members does not count.", reversed),
        ("spaced", "White space does not count.", &spaced),
        ("numbers-spelled", "Nor how a number is spelled.", &with_comma.replace('1', "1.0")),
        ("two-cohorts", "Two cohorts.", &ruleset(&[named("b"), named("a")].join(","))),
        (
            "two-cohorts-turned",
            "Their order counts.",
            &ruleset(&[named("a"), named("b")].join(",")),
        ),
        (
            "empty-places",
            "Places may be left out, each.",
            &with_comma.replace("\"version", "\"places\":{},\"version"),
        ),
    ] {
        table.gives(RULESET_HASH, &format!("hash-{name}"), comment, args([json(rules)]));
    }
    table.gives_null(RULESET_HASH, "hash-null", "NULL gives NULL.", args([Form::Null]));
    let signals = r#"{"home":{"zip":"10013"},"housing":"rent","sustainability_affinity":0.60}"#;
    let ids = |signals: Form, rules: Form| args([signals, rules]);
    table.gives(
        COHORT_IDS,
        "ids-the-example",
        "Whom the page's rule set means.",
        ids(json(signals), json(example)),
    );
    let comment = "NULL signals give NULL.";
    table.gives_null(COHORT_IDS, "ids-null-signals", comment, ids(Form::Null, json(example)));
    let comment = "A NULL rule set gives NULL.";
    table.gives_null(COHORT_IDS, "ids-null-rules", comment, ids(json(signals), Form::Null));
}

/// Faults of the text, which are all one.
fn spellings(table: &mut Table) {
    let good = eco_where(r#"{"eq":1,"signal":"a"}"#);
    for (name, comment, rules) in [
        ("empty", "The empty text is no rule set.", String::new()),
        ("syntax", "What is no JSON is none.", good.replace('{', "(")),
        ("cut-off", "Nor is what was cut off.", good[..good.len() - 1].into()),
        ("trailing", "Nor what goes on.", format!("{good}1")),
        ("byte-order-mark", "Nor what has a mark in front.", format!("\u{feff}{good}")),
        (
            "repeated-key",
            "A key stands once.",
            good.replace("\"version\"", "\"version\":\"1\",\"version\""),
        ),
        (
            "number-precision",
            "Numbers are those of a record.",
            good.replace(":1,", ":9007199254740993,"),
        ),
        ("number-range", "And in its range.", good.replace(":1,", ":1e400,")),
        ("lone-surrogate", "Strings are whole.", good.replace("\"a\"", "\"\\ud800\"")),
    ] {
        refuse(table, Code::Ruleset, &format!("text-{name}"), comment, json(rules));
    }
    let bytes = good.replace("\"a\"", "\"\u{7f}\"").into_bytes();
    let bytes = bytes.into_iter().map(|byte| if byte == 0x7f { 0xff } else { byte }).collect();
    let comment = "And in UTF-8.";
    refuse(table, Code::Ruleset, "text-not-utf8", comment, Form::JsonHex(bytes));
}

/// The rule set is refused as such, and where it is to be used.
fn refuse(table: &mut Table, code: Code, name: &str, comment: &str, rules: Form) {
    let of_hash = args([rules.clone()]);
    table.refuses(code, RULESET_HASH, &format!("hash-{name}"), comment, of_hash);
    table.refuses(code, COHORT_IDS, &format!("ids-{name}"), comment, args([json("{}"), rules]));
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn malformed(table: &mut Table) {
    let good = eco_where(r#"{"eq":1,"signal":"a"}"#);
    let with = |from: &str, to: &str| good.replace(from, to);
    let rule = eco_where;
    let cases = [
        ("null", "null is none.", "null".into()),
        ("array", "Nor is an array.", format!("[{good}]")),
        ("string", "Nor a string.", "\"eco\"".into()),
        ("no-members", "An object without members is none.", "{}".into()),
        ("no-version", "It has a version.", with(",\"version\":\"1\"", "")),
        ("empty-version", "A version has characters.", with("\"1\"", "\"\"")),
        ("long-version", "And at most 64.", with("\"1\"", &format!("\"{}\"", "\u{e9}".repeat(65)))),
        ("number-version", "It is a string.", with("\"1\"", "1")),
        ("no-cohorts", "It has cohorts.", r#"{"version":"1"}"#.into()),
        ("empty-cohorts", "And one at least.", ruleset("")),
        ("object-cohorts", "In an array.", r#"{"cohorts":{},"version":"1"}"#.into()),
        ("null-cohort", "A cohort is an object.", ruleset("null")),
        ("unknown-member", "Nothing else is in it.", with("\"version\"", "\"note\":1,\"version\"")),
        (
            "unknown-member-of-cohort",
            "Nor in a cohort.",
            eco(r#""all":[{"eq":1,"signal":"a"}],"k":2"#),
        ),
        ("no-name", "A cohort has a name.", ruleset(r#"{"all":[{"eq":1,"signal":"a"}]}"#)),
        ("number-name", "It is a string.", good.replace("\"eco\"", "7")),
        ("no-rule", "A cohort has a rule.", ruleset(r#"{"name":"eco"}"#)),
        (
            "two-rules",
            "And no second.",
            eco(r#""all":[{"eq":1,"signal":"a"}],"any":[{"eq":1,"signal":"a"}]"#),
        ),
        (
            "all-and-not",
            "Of whatever kind.",
            eco(r#""all":[{"eq":1,"signal":"a"}],"not":{"eq":1,"signal":"a"}"#),
        ),
        ("bare-condition", "A cohort's own rule is no condition.", eco(r#""eq":1,"signal":"a""#)),
        ("empty-all", "All of none is no rule.", eco("\"all\":[]")),
        ("empty-any", "Nor is any of none.", eco("\"any\":[]")),
        ("object-all", "Rules of all are in an array.", eco(r#""all":{"eq":1,"signal":"a"}"#)),
        ("array-not", "And that of not is not.", eco(r#""not":[{"eq":1,"signal":"a"}]"#)),
        ("null-rule", "A rule is an object.", rule("null")),
        ("empty-rule", "With members.", rule("{}")),
        (
            "rule-and-condition",
            "A rule is one thing.",
            rule(r#"{"all":[{"eq":1,"signal":"a"}],"eq":1,"signal":"a"}"#),
        ),
        (
            "rule-and-unknown",
            "And nothing else.",
            rule(r#"{"any":[{"eq":1,"signal":"a"}],"note":1}"#),
        ),
        ("no-operator", "A condition has an operator.", rule(r#"{"signal":"a"}"#)),
        ("two-operators", "And no second.", rule(r#"{"gt":1,"lt":2,"signal":"a"}"#)),
        ("unknown-operator", "It is one of eight.", rule(r#"{"like":"a%","signal":"a"}"#)),
        ("operator-in-capitals", "Spelled just so.", rule(r#"{"EQ":1,"signal":"a"}"#)),
        ("no-signal", "It has a signal.", rule(r#"{"eq":1}"#)),
        ("number-signal", "A string.", rule(r#"{"eq":1,"signal":7}"#)),
        ("empty-signal", "Not empty.", rule(r#"{"eq":1,"signal":""}"#)),
        ("signal-ends-with-a-dot", "Nor any of its names.", rule(r#"{"eq":1,"signal":"a."}"#)),
        ("signal-begins-with-a-dot", "The first neither.", rule(r#"{"eq":1,"signal":".a"}"#)),
        ("signal-with-two-dots", "Nor one between.", rule(r#"{"eq":1,"signal":"a..b"}"#)),
        ("eq-null", "Nothing equals null.", rule(r#"{"eq":null,"signal":"a"}"#)),
        ("eq-array", "Nor an array.", rule(r#"{"eq":[1],"signal":"a"}"#)),
        ("ne-object", "Nor is anything another object.", rule(r#"{"ne":{},"signal":"a"}"#)),
        ("gt-boolean", "Booleans have no order.", rule(r#"{"gt":true,"signal":"a"}"#)),
        ("gte-null", "Nor has null.", rule(r#"{"gte":null,"signal":"a"}"#)),
        ("lt-array", "Nor arrays.", rule(r#"{"lt":[],"signal":"a"}"#)),
        ("lte-object", "Nor objects.", rule(r#"{"lte":{},"signal":"a"}"#)),
        ("in-string", "One of is of an array.", rule(r#"{"in":"a","signal":"a"}"#)),
        ("in-nothing", "Which is not empty.", rule(r#"{"in":[],"signal":"a"}"#)),
        ("in-null", "And has no null.", rule(r#"{"in":[1,null],"signal":"a"}"#)),
        ("in-array", "Nor arrays.", rule(r#"{"in":[[1]],"signal":"a"}"#)),
        (
            "exists-number",
            "Whether there is one is true or false.",
            rule(r#"{"exists":1,"signal":"a"}"#),
        ),
        ("exists-string", "As no string says.", rule(r#"{"exists":"true","signal":"a"}"#)),
        (
            "unknown-geo",
            "A place is one of three.",
            eco(r#""all":[{"eq":1,"signal":"a"}],"geo":"city""#),
        ),
        ("null-geo", "Or left out.", eco(r#""all":[{"eq":1,"signal":"a"}],"geo":null"#)),
        ("geo-array", "And one alone.", eco(r#""all":[{"eq":1,"signal":"a"}],"geo":["zip"]"#)),
        ("places-array", "Places are an object.", with("\"version\"", "\"places\":[],\"version\"")),
        (
            "places-unknown",
            "Of two places.",
            with("\"version\"", "\"places\":{\"zip3\":\"a\"},\"version\""),
        ),
        ("places-number", "At paths.", with("\"version\"", "\"places\":{\"zip\":7},\"version\"")),
        (
            "places-empty-path",
            "Not empty.",
            with("\"version\"", "\"places\":{\"dma\":\"\"},\"version\""),
        ),
        ("places-null", "Or left out.", with("\"version\"", "\"places\":null,\"version\"")),
    ];
    for (name, comment, rules) in cases {
        refuse(table, Code::Ruleset, &format!("malformed-{name}"), comment, json(rules));
    }
}

fn names(table: &mut Table) {
    for (name, comment, of_cohort) in [
        ("empty", "A name has a letter.", ""),
        ("capital", "A small one.", "Eco"),
        ("digit-first", "In front.", "1eco"),
        ("hyphen", "A hyphen is in no name.", "eco-renters"),
        ("underscore-behind", "An underscore is not its end.", "eco_"),
        ("zip", "Nor is a zip code.", "eco_10013"),
        ("zip3", "Nor three digits of one.", "eco_zip3_100"),
        ("dma", "Nor a market area.", "eco_dma_501"),
        ("two-places", "Nor two of these.", "eco_10013_10014"),
        ("space", "Nothing is trimmed.", "eco "),
    ] {
        let rules = json(ruleset(&named(of_cohort)));
        refuse(table, Code::CohortId, &format!("name-{name}"), comment, rules);
    }
    let too_long = json(ruleset(&named(&"a".repeat(64))));
    refuse(table, Code::CohortId, "name-of-64", "It has at most 63 characters.", too_long);
    let all = |names: &[&str]| {
        let cohorts: Vec<String> = names.iter().map(|name| named(name)).collect();
        json(ruleset(&cohorts.join(",")))
    };
    for (name, comment, names) in [
        ("twice", "A name stands once.", &["eco", "b", "eco"][..]),
        ("begins-another", "None begins another.", &["eco", "eco_urban"]),
        ("begins-another-above", "In whatever order.", &["eco_urban", "b", "eco"]),
        ("begins-apart", "Also where others are sorted between them.", &["eco", "eco1", "eco_b"]),
        ("begins-a-long-one", "Whatever follows.", &["a_b", "a_b_c_d"]),
        ("begins-two-underscores", "An underscore too.", &["a", "a__b"]),
    ] {
        refuse(table, Code::CohortNames, &format!("names-{name}"), comment, all(names));
    }
    for (name, comment, names) in [
        ("apart", "Names without the underscore may.", &["eco", "ecology", "eco1"][..]),
        ("of-63", "A name of 63.", &[&"a".repeat(63)]),
        ("with-digits", "Digits that are no place.", &["eco_1001", "a_zip3_1000", "b10013"]),
    ] {
        let input = args([all(names)]);
        table.gives(RULESET_HASH, &format!("hash-names-{name}"), comment, input);
        let input = args([json("{\"a\":null}"), all(names)]);
        table.gives(COHORT_IDS, &format!("ids-names-{name}"), comment, input);
    }
}

fn limits(table: &mut Table) {
    let nested = |depth: usize| {
        let open = "{\"not\":".repeat(depth - 2);
        let close = "}".repeat(depth - 2);
        eco(&format!("\"not\":{open}{{\"exists\":true,\"signal\":\"a\"}}{close}"))
    };
    let comment = "Rules nest 16 deep.";
    table.gives(COHORT_IDS, "ids-depth-16", comment, args([json("{}"), json(nested(16))]));
    let comment = "And no deeper.";
    refuse(table, Code::Ruleset, "depth-17", comment, json(nested(17)));
    let front = "{\"cohorts\":[{\"all\":[{\"eq\":\"";
    let behind = "\",\"signal\":\"a\"}],\"name\":\"eco\"}],\"version\":\"1\"}";
    let of_len = |len: usize| {
        let filled = len - front.len() - behind.len();
        let pieces = [(front, 1), ("x", filled), (behind, 1)];
        Form::JsonRepeat(pieces.map(|(piece, count)| (piece.to_owned(), count)).into())
    };
    let comment = "A rule set of 1 MiB.";
    table.gives(RULESET_HASH, "hash-size-1-mib", comment, args([of_len(1 << 20)]));
    let comment = "And of a byte more.";
    refuse(table, Code::Ruleset, "size-above-1-mib", comment, of_len((1 << 20) + 1));
    let cohort = named("a");
    let pieces = [
        ("{\"cohorts\":[".to_owned(), 1),
        (format!("{cohort},"), 10_000),
        (format!("{cohort}],\"version\":\"1\"}}"), 1),
    ];
    let comment = "10,000 cohorts are the most.";
    refuse(table, Code::Ruleset, "cohorts-10001", comment, Form::JsonRepeat(pieces.into()));
    let version = eco_where(r#"{"eq":1,"signal":"a"}"#);
    let version = version.replace("\"1\"}", &format!("\"{}\"}}", "\u{e9}".repeat(64)));
    let comment = "A version of 64 characters.";
    table.gives(RULESET_HASH, "hash-version-64", comment, args([json(version)]));
}

/// What the record `signals` makes of one condition.
fn condition(table: &mut Table, name: &str, comment: &str, rule: &str, signals: &str) {
    let input: Input = args([json(signals), json(eco_where(rule))]);
    table.gives(COHORT_IDS, &format!("ids-{name}"), comment, input);
}

fn conditions(table: &mut Table) {
    for (value, signals) in [
        ("missing", "{}"),
        ("null", r#"{"a":null}"#),
        ("true", r#"{"a":true}"#),
        ("false", r#"{"a":false}"#),
        ("number", r#"{"a":1}"#),
        ("larger", r#"{"a":2}"#),
        ("smaller", r#"{"a":-7.5}"#),
        ("string", r#"{"a":"1"}"#),
        ("text", r#"{"a":"b"}"#),
        ("array", r#"{"a":[1]}"#),
        ("object", r#"{"a":{"a":1}}"#),
    ] {
        for (operator, operand) in [
            ("eq", "1"),
            ("ne", "1"),
            ("gt", "1"),
            ("gte", "1"),
            ("lt", "1"),
            ("lte", "1"),
            ("eq", "true"),
            ("ne", "false"),
            ("eq", "\"1\""),
            ("ne", "\"1\""),
            ("gt", "\"1\""),
            ("lte", "\"1\""),
            ("in", r#"["b",1,true]"#),
            ("exists", "true"),
            ("exists", "false"),
        ] {
            let rule = format!("{{\"{operator}\":{operand},\"signal\":\"a\"}}");
            let said: String = operand.chars().filter(char::is_ascii_alphanumeric).collect();
            let quoted = if operand.starts_with('"') { "text-" } else { "" };
            let name = format!("{operator}-{quoted}{said}-of-{value}");
            let comment = format!("Whether the value is {operator} {operand}, {value}.");
            condition(table, &name, &comment, &rule, signals);
        }
    }
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn comparisons(table: &mut Table) {
    for (name, comment, rule, signals) in [
        ("zero-and-minus-zero", "Zero has no sign.", r#"{"eq":-0.0,"signal":"a"}"#, r#"{"a":0}"#),
        (
            "spelled-otherwise",
            "A number is no spelling.",
            r#"{"eq":150e-2,"signal":"a"}"#,
            r#"{"a":1.50}"#,
        ),
        (
            "exact-decimals",
            "Numbers are exact decimals.",
            r#"{"eq":0.3,"signal":"a"}"#,
            r#"{"a":0.30000000000000004}"#,
        ),
        (
            "exact-decimals-order",
            "Also in their order.",
            r#"{"gt":0.3,"signal":"a"}"#,
            r#"{"a":0.30000000000000004}"#,
        ),
        (
            "large",
            "The largest integers.",
            r#"{"lt":9007199254740992,"signal":"a"}"#,
            r#"{"a":9007199254740991}"#,
        ),
        (
            "huge",
            "And larger ones.",
            r#"{"gt":1e21,"signal":"a"}"#,
            r#"{"a":1.7976931348623157e308}"#,
        ),
        ("tiny", "The smallest are above zero.", r#"{"gt":0,"signal":"a"}"#, r#"{"a":5e-324}"#),
        (
            "negative",
            "A large negative number is small.",
            r#"{"lt":-10,"signal":"a"}"#,
            r#"{"a":-1e300}"#,
        ),
        ("negative-order", "Of two negative ones.", r#"{"gt":-10,"signal":"a"}"#, r#"{"a":-9.99}"#),
        ("digits-behind", "10.01 is above 10.", r#"{"gt":10,"signal":"a"}"#, r#"{"a":10.01}"#),
        (
            "ten-and-nine",
            "10 is above 9, as no text is.",
            r#"{"gt":9,"signal":"a"}"#,
            r#"{"a":10}"#,
        ),
        ("ten-and-nine-text", "And as text below.", r#"{"gt":"9","signal":"a"}"#, r#"{"a":"10"}"#),
        (
            "capitals",
            "Texts are compared as they are.",
            r#"{"eq":"Rent","signal":"a"}"#,
            r#"{"a":"rent"}"#,
        ),
        ("capitals-order", "Capitals come first.", r#"{"lt":"a","signal":"a"}"#, r#"{"a":"Z"}"#),
        ("prefix", "A beginning is below.", r#"{"lt":"ab","signal":"a"}"#, r#"{"a":"a"}"#),
        ("empty-text", "The empty text is below all.", r#"{"lt":"a","signal":"a"}"#, r#"{"a":""}"#),
        (
            "no-normalisation",
            "Two spellings of one letter are two.",
            "{\"eq\":\"\u{e9}\",\"signal\":\"a\"}",
            "{\"a\":\"e\u{301}\"}",
        ),
        (
            "utf8-order",
            "U+1F600 is above U+FB33, unlike in UTF-16.",
            "{\"gt\":\"\u{fb33}\",\"signal\":\"a\"}",
            "{\"a\":\"\u{1f600}\"}",
        ),
        (
            "escapes",
            "An escape is its character.",
            r#"{"eq":"\u0041\n","signal":"a"}"#,
            r#"{"a":"A\u000a"}"#,
        ),
        (
            "in-repeats",
            "One of some that stand twice.",
            r#"{"in":[2,2,1,1],"signal":"a"}"#,
            r#"{"a":1}"#,
        ),
        (
            "in-false",
            "A boolean is one of them.",
            r#"{"in":[0,"",false],"signal":"a"}"#,
            r#"{"a":false}"#,
        ),
        ("in-none", "And none of them.", r#"{"in":[0,"",false],"signal":"a"}"#, r#"{"a":true}"#),
        (
            "in-numbers",
            "Numbers as they are.",
            r#"{"in":[1.5,-2,1e3],"signal":"a"}"#,
            r#"{"a":1000}"#,
        ),
        (
            "dotted",
            "A path goes through objects.",
            r#"{"eq":1,"signal":"a.b.c"}"#,
            r#"{"a":{"b":{"c":1}}}"#,
        ),
        (
            "dotted-through-an-array",
            "And through no array.",
            r#"{"exists":true,"signal":"a.b"}"#,
            r#"{"a":[{"b":1}]}"#,
        ),
        ("dotted-index", "Nor to an element.", r#"{"exists":true,"signal":"a.0"}"#, r#"{"a":[1]}"#),
        (
            "dotted-through-a-text",
            "Nor through a text.",
            r#"{"exists":true,"signal":"a.b"}"#,
            r#"{"a":"b"}"#,
        ),
        (
            "dot-in-a-name",
            "A name with a dot is not reached.",
            r#"{"exists":true,"signal":"a.b"}"#,
            r#"{"a.b":1}"#,
        ),
        (
            "name-of-digits",
            "A member may have digits for a name.",
            r#"{"eq":1,"signal":"a.0"}"#,
            r#"{"a":{"0":1}}"#,
        ),
        (
            "name-with-escape",
            "And any characters.",
            r#"{"eq":1,"signal":"\"\u0020é"}"#,
            r#"{"\" é":1}"#,
        ),
        ("name-case", "Names are not folded.", r#"{"exists":true,"signal":"A"}"#, r#"{"a":1}"#),
        (
            "deep-of-the-same-name",
            "A member deeper down is another.",
            r#"{"exists":true,"signal":"b"}"#,
            r#"{"a":{"b":1}}"#,
        ),
        (
            "member-behind-an-object",
            "Behind an object as well.",
            r#"{"eq":2,"signal":"c"}"#,
            r#"{"a":{"c":1},"b":[{"c":3}],"c":2}"#,
        ),
    ] {
        condition(table, name, comment, rule, signals);
    }
}

fn groups(table: &mut Table) {
    let (a, b) = (r#"{"exists":true,"signal":"a"}"#, r#"{"exists":true,"signal":"b"}"#);
    let all = format!("{{\"all\":[{a},{b}]}}");
    let any = format!("{{\"any\":[{a},{b}]}}");
    let not = format!("{{\"not\":{a}}}");
    let neither = format!("{{\"not\":{any}}}");
    let either = format!("{{\"any\":[{{\"all\":[{a},{{\"not\":{b}}}]}},{{\"all\":[{not},{b}]}}]}}");
    for (name, rule) in
        [("all", &all), ("any", &any), ("not", &not), ("neither", &neither), ("either", &either)]
    {
        for (of, signals) in
            [("none", "{}"), ("a", r#"{"a":1}"#), ("b", r#"{"b":1}"#), ("both", r#"{"a":1,"b":1}"#)]
        {
            let comment = format!("The rule {name} of {of}.");
            condition(table, &format!("rule-{name}-of-{of}"), &comment, rule, signals);
        }
    }
    for (name, comment, rule, signals) in [
        (
            "not-missing",
            "Not turns a missing value around.",
            r#"{"not":{"eq":1,"signal":"a"}}"#,
            "{}",
        ),
        (
            "not-another-type",
            "And one of another type.",
            r#"{"not":{"gt":1,"signal":"a"}}"#,
            r#"{"a":"2"}"#,
        ),
        ("not-not", "Twice.", r#"{"not":{"not":{"eq":1,"signal":"a"}}}"#, r#"{"a":1}"#),
    ] {
        condition(table, name, comment, rule, signals);
    }
    let rules = ruleset(&[named("b"), named("c"), named("a_b"), named("a1")].join(","));
    let comment = "Of many cohorts all that fit, sorted by bytes.";
    table.gives(COHORT_IDS, "ids-many", comment, args([json(r#"{"a":1}"#), json(rules)]));
}

fn places(table: &mut Table) {
    let with = |geo: &str, places: &str| {
        let cohort =
            eco(&format!("\"all\":[{{\"exists\":false,\"signal\":\"x\"}}],\"geo\":\"{geo}\""));
        cohort.replace("\"version\"", &format!("{places}\"version\""))
    };
    for (of, signals) in [
        ("zip", r#"{"zip":"10013"}"#),
        ("zip-with-zeros", r#"{"zip":"00501"}"#),
        ("no-place", "{}"),
        ("number", r#"{"dma":501,"zip":10013}"#),
        ("four-digits", r#"{"dma":"50","zip":"1001"}"#),
        ("nine-digits", r#"{"dma":"5010","zip":"10013-1234"}"#),
        ("spaces", r#"{"dma":" 501","zip":"10013 "}"#),
        ("other-digits", "{\"dma\":\"50\u{661}\",\"zip\":\"1001\u{663}\"}"),
        ("letters", r#"{"dma":"ABC","zip":"K1A0B"}"#),
        ("null", r#"{"dma":null,"zip":null}"#),
        ("array", r#"{"dma":["501"],"zip":["10013"]}"#),
        ("dma", r#"{"dma":"501"}"#),
        ("dma-of-zeros", r#"{"dma":"000"}"#),
        ("both", r#"{"dma":"501","zip":"10013"}"#),
    ] {
        for geo in ["zip", "zip3", "dma"] {
            let comment = format!("The {geo} of {of}.");
            let input = args([json(signals), json(with(geo, ""))]);
            table.gives(COHORT_IDS, &format!("ids-{geo}-of-{of}"), &comment, input);
        }
    }
    let signals = r#"{"dma":"999","home":{"dma":"501","zip":"10013"},"zip":"99999"}"#;
    for (name, comment, geo, places) in [
        ("zip-path", "A place has a path.", "zip", r#""places":{"zip":"home.zip"},"#),
        (
            "zip3-path",
            "Three digits are at the zip code's.",
            "zip3",
            r#""places":{"zip":"home.zip"},"#,
        ),
        ("dma-path", "A market area has its own.", "dma", r#""places":{"dma":"home.dma"},"#),
        ("other-path", "The other is left as it was.", "dma", r#""places":{"zip":"home.zip"},"#),
        (
            "path-to-nothing",
            "A path to nothing is no place.",
            "zip",
            r#""places":{"zip":"home.x"},"#,
        ),
    ] {
        let input = args([json(signals), json(with(geo, places))]);
        table.gives(COHORT_IDS, &format!("ids-{name}"), comment, input);
    }
    let rules = ruleset(concat!(
        r#"{"all":[{"exists":true,"signal":"zip"}],"geo":"zip","name":"ab"},"#,
        r#"{"all":[{"exists":true,"signal":"zip"}],"geo":"zip","name":"ab1"}"#
    ));
    let comment = "Ids are sorted with their places, not by their names.";
    let input = args([json(r#"{"zip":"10013"}"#), json(rules)]);
    table.gives(COHORT_IDS, "ids-sorted-with-places", comment, input);
}

fn records(table: &mut Table) {
    let rules = eco_where(r#"{"exists":false,"signal":"a"}"#);
    for (name, comment, signals) in [
        ("array", "An array has no signals.", r#"[{"a":1}]"#),
        ("string", "Nor has a string.", "\"a\""),
        ("number", "Nor a number.", "1"),
        ("null", "Nor null.", "null"),
        ("deep", "Signals may be deep.", r#"{"b":{"b":{"b":[[[{"a":1}]]]}}}"#),
    ] {
        let input = args([json(signals), json(rules.as_str())]);
        table.gives(COHORT_IDS, &format!("ids-record-{name}"), comment, input);
    }
    for (name, comment, code, signals) in [
        ("syntax", "A record is JSON.", Code::Syntax, "{'a':1}"),
        ("empty", "Which the empty text is not.", Code::UnexpectedEnd, ""),
        ("trailing", "One text is one record.", Code::TrailingBytes, "{} {}"),
        (
            "repeated-key",
            "Readers disagree on repeated keys.",
            Code::DuplicateKey,
            r#"{"b":1,"b":2}"#,
        ),
        ("lone-surrogate", "A string is whole.", Code::LoneSurrogate, r#"{"b":"\udc00"}"#),
        (
            "number-precision",
            "A number is kept exactly.",
            Code::NumberPrecision,
            r#"{"b":9007199254740993}"#,
        ),
        ("number-range", "And in range.", Code::NumberRange, r#"{"b":1e400}"#),
    ] {
        let input = args([json(signals), json(rules.as_str())]);
        table.refuses(code, COHORT_IDS, &format!("ids-record-{name}"), comment, input);
    }
}
