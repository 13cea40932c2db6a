//! The calls of `tests/vectors/performance.json`: what facts about users say of a cohort.

use conformance::{Form, Input};
use precise_core::Code;

use super::{Call, Table, args, json};

const CONFIDENCE: &str = "precise_cohort_confidence";
const PERFORMANCE: &str = "precise_cohort_performance";

const YES: &str = r#"{"converted":true}"#;
const NO: &str = r#"{"converted":false}"#;
const WITHHELD_YES: &str = r#"{"converted":true,"holdout":true}"#;
const WITHHELD_NO: &str = r#"{"converted":false,"holdout":true}"#;

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    confidence(&mut table);
    nothing(&mut table);
    conversions(&mut table);
    uplift(&mut table);
    returns(&mut table);
    plays(&mut table);
    correlation(&mut table);
    spelling(&mut table);
    refusals(&mut table);
    table.calls
}

fn confidence(table: &mut Table) {
    let share = |k, n| args([Form::Integer(k), Form::Integer(n)]);
    for (name, comment, k, n) in [
        ("confidence-87-of-100", "The lower end of a Wilson interval.", 87, 100),
        ("confidence-none", "Of nobody it is 0.", 0, 10),
        ("confidence-all", "Of all it is below 1.", 10, 10),
        ("confidence-one", "One of one says little.", 1, 1),
        ("confidence-none-of-one", "None of one says nothing.", 0, 1),
        ("confidence-one-in-a-million", "A small rate has a small lower end.", 1, 1_000_000),
        ("confidence-all-but-one", "A large rate has a large one.", 999_999, 1_000_000),
        (
            "confidence-beyond-2-53",
            "Counts beyond 2^53 are rounded first.",
            1 << 53 | 1,
            1 << 60 | 1,
        ),
        ("confidence-most", "The largest counts.", i64::MAX, i64::MAX),
        ("confidence-one-of-most", "One of the largest count.", 1, i64::MAX),
    ] {
        table.gives(CONFIDENCE, name, comment, share(k, n));
    }
    let null = args([Form::Null, Form::Integer(1)]);
    table.gives_null(CONFIDENCE, "confidence-null-k", "NULL gives NULL.", null);
    let null = args([Form::Integer(1), Form::Null]);
    table.gives_null(CONFIDENCE, "confidence-null-n", "NULL gives NULL.", null);
    for (name, comment, k, n) in [
        ("confidence-of-nobody", "Of nobody there is no rate.", 0, 0),
        ("confidence-too-many", "A part is no larger than its whole.", 11, 10),
        ("confidence-negative-k", "A count is not negative.", -1, 10),
        ("confidence-negative-n", "Neither is the other.", 0, -10),
    ] {
        table.refuses(Code::Counts, CONFIDENCE, name, comment, share(k, n));
    }
}

fn row(member: bool, facts: &str) -> Vec<Form> {
    vec![Form::Boolean(member), json(facts)]
}

/// Members with these facts.
fn members(facts: &[&str]) -> Input {
    Input::Rows(facts.iter().map(|facts| row(true, facts)).collect())
}

/// Members and others.
fn users(members: &[&str], others: &[&str]) -> Input {
    let rows = members.iter().map(|facts| row(true, facts));
    Input::Rows(rows.chain(others.iter().map(|facts| row(false, facts))).collect())
}

/// The same facts, k times of the one and n − k times of the other.
fn share(k: usize, n: usize, yes: &'static str, no: &'static str) -> Vec<&'static str> {
    [yes].repeat(k).into_iter().chain([no].repeat(n - k)).collect()
}

fn nothing(table: &mut Table) {
    let input = Input::Rows(Vec::new());
    table.gives_null(PERFORMANCE, "no-rows", "No rows give NULL.", input);
    let null_facts = vec![Form::Boolean(true), Form::Null];
    let null_member = vec![Form::Null, json(YES)];
    let input = Input::Rows(vec![null_facts.clone(), null_member.clone()]);
    table.gives_null(PERFORMANCE, "null-rows", "Rows with a NULL are passed over.", input);
    let input = Input::Rows(vec![null_facts, row(true, YES), null_member]);
    table.gives(PERFORMANCE, "null-rows-between", "They are not counted.", input);
    table.gives(
        PERFORMANCE,
        "no-facts",
        "Of a user of whom nothing is known nothing is said.",
        members(&["{}"]),
    );
    table.gives(
        PERFORMANCE,
        "no-members",
        "Nor of a cohort without members.",
        users(&[], &[YES, NO]),
    );
    table.gives(
        PERFORMANCE,
        "other-facts",
        "Facts without a meaning here are ignored.",
        members(&[r#"{"zip":"10013","rate":[1,{"converted":true}],"k":null}"#]),
    );
}

fn conversions(table: &mut Table) {
    let mut gives = |name: &str, comment: &str, input| {
        table.gives(PERFORMANCE, name, comment, input);
    };
    gives("one-member", "One who converted shows little.", members(&[YES]));
    gives("87-of-100", "A rate and its interval.", members(&share(87, 100, YES, NO)));
    gives("0-of-10", "Of none the lower end is 0.", members(&share(0, 10, YES, NO)));
    gives("10-of-10", "Of all the upper end is 1.", members(&share(10, 10, YES, NO)));
    gives(
        "not-all-known",
        "Who is not known to have converted or not is not counted.",
        members(&[YES, "{}", r#"{"converted":null}"#, NO]),
    );
    gives(
        "propensity-of-all-users",
        "Without others there is nothing to compare with.",
        members(&share(3, 10, YES, NO)),
    );
    gives(
        "propensity-above",
        "A cohort that converts more often than all users.",
        users(&share(6, 10, YES, NO), &share(9, 40, YES, NO)),
    );
    gives(
        "propensity-below",
        "One that converts less often.",
        users(&share(1, 10, YES, NO), &share(14, 40, YES, NO)),
    );
    gives(
        "propensity-of-few",
        "Five without a conversion are in the middle: they show nothing.",
        users(&share(0, 5, YES, NO), &share(1, 95, YES, NO)),
    );
    gives(
        "propensity-nobody-converted",
        "If nobody converted all are in the middle.",
        users(&share(0, 5, YES, NO), &share(0, 5, YES, NO)),
    );
    gives(
        "propensity-everybody-converted",
        "If everybody did as well.",
        users(&share(5, 5, YES, NO), &share(5, 5, YES, NO)),
    );
    gives(
        "propensity-far-above",
        "So far above that no weight is left above.",
        users(&share(60, 60, YES, NO), &share(0, 600, YES, NO)),
    );
    gives(
        "propensity-far-below",
        "So far below that none is left below.",
        users(&share(0, 600, YES, NO), &share(600, 600, YES, NO)),
    );
}

fn uplift(table: &mut Table) {
    let mut gives = |name: &str, comment: &str, (k1, n1): (usize, usize), (k2, n2)| {
        let treated = share(k1, n1, YES, NO);
        let control = share(k2, n2, WITHHELD_YES, WITHHELD_NO);
        table.gives(PERFORMANCE, name, comment, members(&[treated, control].concat()));
    };
    gives("uplift", "Newcombe's first example.", (56, 70), (48, 80));
    gives("uplift-of-few", "His second.", (9, 10), (3, 10));
    gives("uplift-negative", "The holdout converts more often.", (3, 10), (9, 10));
    gives("uplift-none", "Both alike.", (5, 20), (5, 20));
    gives("uplift-no-conversion-in-control", "Then nothing is relative.", (5, 56), (0, 29));
    gives("uplift-no-conversion-at-all", "Nor if nobody converted.", (0, 10), (0, 20));
    gives(
        "uplift-no-conversion-of-treated",
        "All that the holdout shows is lost.",
        (0, 10),
        (3, 10),
    );
    gives("uplift-all-converted", "Everybody converted.", (10, 10), (10, 10));
    gives("uplift-all-and-none", "The largest difference.", (10, 10), (0, 10));
    gives("uplift-none-and-all", "And the smallest.", (0, 10), (10, 10));
    gives("uplift-one-and-one", "One of each.", (1, 1), (1, 1));
    table.gives(
        PERFORMANCE,
        "holdout-of-others",
        "A holdout among others is none of the cohort's.",
        users(&[YES, NO], &[WITHHELD_YES, WITHHELD_NO]),
    );
    table.gives(
        PERFORMANCE,
        "holdout-of-all",
        "Nobody is treated.",
        members(&[WITHHELD_YES, WITHHELD_NO]),
    );
    table.gives(
        PERFORMANCE,
        "holdout-without-conversions",
        "A holdout of which nothing is known is none.",
        members(&[YES, r#"{"holdout":true}"#]),
    );
    table.gives(
        PERFORMANCE,
        "holdout-facts",
        "What the holdout did counts for uplift alone.",
        members(&[
            r#"{"converted":true,"spend":1,"value":2,"starts":3,"completes":2,"linear":1}"#,
            r#"{"converted":true,"holdout":true,"spend":9,"value":9,"starts":9,"completes":9,"linear":9}"#,
        ]),
    );
    table.gives(
        PERFORMANCE,
        "holdout-false",
        "False is as left out.",
        members(&[r#"{"converted":true,"holdout":false}"#, r#"{"converted":true,"holdout":null}"#]),
    );
}

fn returns(table: &mut Table) {
    let mut gives = |name: &str, comment: &str, pairs: &[(&str, &str)]| {
        let facts: Vec<String> = pairs
            .iter()
            .map(|(spend, value)| format!("{{\"spend\":{spend},\"value\":{value}}}"))
            .collect();
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        table.gives(PERFORMANCE, name, comment, members(&facts));
    };
    gives(
        "returns",
        "A ratio with the interval of the delta method.",
        &[
            ("0.5", "1"),
            ("1.25", "2.5"),
            ("3", "2"),
            ("2.5", "6"),
            ("0.75", "0"),
            ("4", "9.75"),
            ("1", "0"),
            ("2", "3.5"),
        ],
    );
    gives("returns-of-one", "One user does not vary.", &[("2", "3")]);
    gives("returns-of-two", "Two do.", &[("1", "3"), ("1", "2")]);
    gives("returns-alike", "Users who are all alike show no variation.", &[("2", "3"); 5]);
    gives("returns-nothing", "Without any value as well.", &[("1", "0"), ("2", "0"), ("3", "0")]);
    gives(
        "returns-of-one-ratio",
        "And at one ratio, whatever was spent.",
        &[("1", "1.5"), ("2", "3"), ("4", "6"), ("5", "7.5")],
    );
    gives(
        "returns-of-few",
        "Where one bears nearly all the spend there is no interval.",
        &[("1000", "1500"), ("1", "2"), ("1", "1"), ("1", "0"), ("1", "1")],
    );
    let nothing = [("0", "0"); 8];
    gives(
        "returns-of-four",
        "Of four who bear it all among twelve there is one.",
        &[[("1", "1"), ("1", "2"), ("1", "3"), ("1", "1")].as_slice(), &nothing].concat(),
    );
    gives(
        "returns-of-three",
        "Of three among eleven there is none.",
        &[[("1", "1"), ("1", "2"), ("1", "3")].as_slice(), &nothing].concat(),
    );
    gives("returns-without-spend", "No spend, no return.", &[("0", "3"), ("0", "1")]);
    gives("returns-refunded", "Nor where it was refunded.", &[("5", "3"), ("-5", "1")]);
    gives("returns-negative-spend", "Or more.", &[("5", "3"), ("-6", "1")]);
    gives(
        "returns-negative-value",
        "What was returned counts.",
        &[("5", "-3"), ("6", "1"), ("5.5", "0.000001")],
    );
    gives(
        "returns-smallest",
        "The smallest amounts.",
        &[("0.000001", "0.000001"), ("0.000001", "0.000002"), ("0.000002", "0")],
    );
    gives(
        "returns-largest",
        "The largest amounts.",
        &[
            ("999999999.999999", "999999999.999999"),
            ("999999999.999999", "-999999999.999999"),
            ("999999999.999998", "0.000001"),
        ],
    );
    gives(
        "returns-nearly-alike",
        "Sums of squares that differ in the last of 31 digits.",
        &[
            ("999999999", "999999999.000001"),
            ("999999999", "999999999"),
            ("999999999", "999999999.000001"),
        ],
    );
    table.gives(
        PERFORMANCE,
        "returns-half-known",
        "Who has one of both is not counted.",
        members(&[
            r#"{"spend":1,"value":2}"#,
            r#"{"spend":5}"#,
            r#"{"value":5}"#,
            r#"{"spend":2,"value":null}"#,
        ]),
    );
}

fn plays(table: &mut Table) {
    let mut gives = |name: &str, comment: &str, plays: &[(u64, u64)]| {
        let facts: Vec<String> = plays
            .iter()
            .map(|(starts, completes)| format!("{{\"starts\":{starts},\"completes\":{completes}}}"))
            .collect();
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        table.gives(PERFORMANCE, name, comment, members(&facts));
    };
    gives(
        "plays",
        "The interval is of fewer trials than there were plays: here all or nothing counts.",
        &[(4, 3), (1, 1), (10, 4), (2, 2), (6, 6), (3, 0), (3, 2), (1, 0)],
    );
    gives(
        "plays-of-a-heavy-user",
        "And here how users differ: few play often, and watch all.",
        &[
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (1, 0),
            (4, 4),
        ],
    );
    gives("plays-of-one", "A thousand plays of one user are one trial.", &[(1000, 500)]);
    gives("plays-all-watched", "To the end, all of them.", &[(3, 3), (5, 5)]);
    gives("plays-none-watched", "Or none.", &[(3, 0), (5, 0)]);
    gives("plays-at-one-rate", "Of users who are alike each is one trial.", &[(4, 2), (4, 2)]);
    gives("plays-none", "Without a start there is no rate.", &[(0, 0), (0, 0)]);
    gives("plays-of-some", "Who starts none counts as a user.", &[(0, 0), (2, 1), (1, 1)]);
    gives(
        "plays-largest",
        "As many as there can be.",
        &[(9_007_199_254_740_991, 4_503_599_627_370_496)],
    );
    gives(
        "plays-nearly-all",
        "All plays but one, of as many as there can be.",
        &[(9_007_199_254_740_000, 9_007_199_254_740_000), (991, 990)],
    );
    table.gives(
        PERFORMANCE,
        "plays-half-known",
        "Completes without starts are not counted.",
        members(&[
            r#"{"starts":3,"completes":2}"#,
            r#"{"completes":5}"#,
            r#"{"starts":5}"#,
            r#"{"starts":null,"completes":5}"#,
        ]),
    );
}

fn correlation(table: &mut Table) {
    let mut gives = |name: &str, comment: &str, pairs: &[(&str, &str)]| {
        let facts: Vec<String> = pairs
            .iter()
            .map(|(linear, value)| format!("{{\"linear\":{linear},\"value\":{value}}}"))
            .collect();
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        table.gives(PERFORMANCE, name, comment, members(&facts));
    };
    let pairs = [
        ("0.5", "1"),
        ("1.25", "2.5"),
        ("3", "2"),
        ("2.5", "6"),
        ("0.75", "0"),
        ("4", "9.75"),
        ("1", "0"),
        ("2", "3.5"),
    ];
    gives("correlation", "Pearson's, with Fisher's interval.", &pairs);
    let negative = pairs.map(|(linear, value)| (linear, format!("-{value}")));
    let negative: Vec<(&str, &str)> =
        negative.iter().map(|(linear, value)| (*linear, value.as_str())).collect();
    gives("correlation-negative", "The other way round.", &negative);
    gives("correlation-none", "None at all.", &[("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]);
    gives("correlation-of-two", "Two points are always on a line.", &[("1", "1"), ("2", "5")]);
    gives(
        "correlation-of-three",
        "Of three there is no interval.",
        &[("1", "1"), ("2", "3"), ("3", "2")],
    );
    gives(
        "correlation-of-four",
        "Of four there is the widest.",
        &[("1", "1"), ("2", "3"), ("3", "2"), ("4", "4")],
    );
    gives(
        "correlation-of-a-line",
        "On a line nothing varies around it.",
        &[("1", "5"), ("2", "7"), ("3", "9"), ("4", "11")],
    );
    gives(
        "correlation-of-a-falling-line",
        "The same downward.",
        &[("1", "0.3"), ("2", "0.2"), ("3", "0.1"), ("4", "0")],
    );
    gives(
        "correlation-without-exposure",
        "What does not vary correlates with nothing.",
        &[("1", "1"), ("1", "2"), ("1", "3"), ("1", "4")],
    );
    gives(
        "correlation-without-value",
        "Nor does the other.",
        &[("1", "7"), ("2", "7"), ("3", "7"), ("4", "7")],
    );
    gives(
        "correlation-far-from-zero",
        "Large amounts that differ little: in binary64 it would be lost.",
        &[
            ("999999999", "999999999.999999"),
            ("999999998.999999", "999999999.999998"),
            ("999999999.000001", "999999999.999999"),
            ("999999999", "999999999.999997"),
        ],
    );
    table.gives(
        PERFORMANCE,
        "everything",
        "One cohort with all facts.",
        users(
            &[
                r#"{"converted":true,"spend":"0.019","value":"54.90","starts":4,"completes":3,"linear":12}"#,
                r#"{"converted":false,"spend":"0.038","value":0,"starts":2,"completes":0,"linear":3}"#,
                r#"{"converted":true,"spend":"0.057","value":"19.95","starts":7,"completes":7,"linear":0.5}"#,
                r#"{"converted":false,"spend":"0.019","value":0,"starts":0,"completes":0,"linear":7}"#,
                r#"{"converted":false,"spend":"0.019","value":"-5","starts":3,"completes":1,"linear":9.25}"#,
                r#"{"converted":false,"holdout":true,"value":0}"#,
                r#"{"converted":true,"holdout":true,"value":"20.00"}"#,
                r#"{"converted":false,"holdout":true,"value":0}"#,
            ],
            &[YES, NO, NO, NO, NO, NO, WITHHELD_NO],
        ),
    );
}

fn spelling(table: &mut Table) {
    for (name, comment, facts) in [
        (
            "amounts-as-strings",
            "An amount may be a string of a number, with zeros at its end.",
            r#"{"spend":"1.50000000","value":"2e1"}"#,
        ),
        (
            "amounts-with-exponents",
            "Or a number in any spelling.",
            r#"{"spend":15e-1,"value":2E+1}"#,
        ),
        ("counts-in-any-spelling", "Counts as well.", r#"{"starts":1e1,"completes":3.0}"#),
        ("escaped-names", "Names are compared unescaped.", r#"{"conv\u0065rted":true}"#),
        (
            "minus-zero",
            "Minus zero is zero.",
            r#"{"spend":1,"value":-0.0,"starts":1,"completes":-0}"#,
        ),
        (
            "names-inside",
            "What stands deeper is no fact.",
            r#"{"a":{"converted":true,"value":"?"},"b":[{"holdout":7}],"converted":false}"#,
        ),
    ] {
        table.gives(PERFORMANCE, name, comment, members(&[facts]));
    }
}

fn refusals(table: &mut Table) {
    for (name, comment, facts) in [
        ("facts-null", "JSON's null is no object.", "null"),
        ("facts-array", "An array is none.", r#"[{"converted":true}]"#),
        ("facts-text", "A string is none.", r#""{}""#),
        ("converted-number", "1 is not true.", r#"{"converted":1}"#),
        ("converted-text", "Nor is its name.", r#"{"converted":"true"}"#),
        ("converted-object", "Nor is an object.", r#"{"converted":{}}"#),
        ("holdout-number", "0 is not false.", r#"{"holdout":0}"#),
        ("holdout-array", "Nor is an array.", r#"{"holdout":[false]}"#),
        ("value-boolean", "true is no amount.", r#"{"value":true}"#),
        ("value-empty", "The empty text is none.", r#"{"value":""}"#),
        ("value-comma", "A number has a point.", r#"{"value":"12,90"}"#),
        ("value-currency", "An amount has no currency.", r#"{"value":"12.90 USD"}"#),
        ("value-space", "It is not trimmed.", r#"{"value":" 12.90"}"#),
        ("value-plus", "JSON's numbers have no plus.", r#"{"value":"+1"}"#),
        ("value-leading-zero", "Nor zeros in front.", r#"{"value":"01"}"#),
        ("value-nan", "NaN is none.", r#"{"value":"NaN"}"#),
        ("value-too-large", "10^9 is too much.", r#"{"value":1000000000}"#),
        ("value-too-small", "So is -10^9.", r#"{"value":"-1000000000"}"#),
        ("value-far-too-large", "An exponent allocates nothing.", r#"{"value":"1e999999999"}"#),
        ("spend-7-decimals", "Seven decimals are too many.", r#"{"spend":0.0000001}"#),
        ("spend-7-decimals-as-text", "In a string too.", r#"{"spend":"1.0000001"}"#),
        ("linear-object", "An object is no amount.", r#"{"linear":{"seconds":1}}"#),
        ("starts-negative", "A count is not negative.", r#"{"starts":-1}"#),
        ("starts-half", "It is whole.", r#"{"starts":0.5}"#),
        ("starts-text", "And no string.", r#"{"starts":"1"}"#),
        ("starts-boolean", "Nor true.", r#"{"starts":true}"#),
        ("starts-2-53", "2^53 is too large.", r#"{"starts":9007199254740992}"#),
        ("completes-too-large", "So is anything above.", r#"{"completes":1e20}"#),
        ("completes-above-starts", "More ended than began.", r#"{"starts":1,"completes":2}"#),
    ] {
        let name = format!("refused-{name}");
        table.refuses(Code::Facts, PERFORMANCE, &name, comment, members(&[facts]));
    }
    for (code, name, comment, facts) in [
        (Code::UnexpectedEnd, "cut-off", "Facts are read as any JSON.", r#"{"converted":true"#),
        (Code::Syntax, "syntax", "With its faults.", r#"{"converted":yes}"#),
        (Code::DuplicateKey, "fact-twice", "A fact stands once.", r#"{"value":1,"value":1}"#),
        (Code::DuplicateKey, "member-twice", "And so does any other.", r#"{"x":1,"\u0078":2}"#),
        (Code::NumberPrecision, "digits", "Of 18 digits.", r#"{"value":0.123456789012345678}"#),
        (Code::NumberRange, "range", "Out of range.", r#"{"other":1e999}"#),
    ] {
        let name = format!("refused-{name}");
        table.refuses(code, PERFORMANCE, &name, comment, members(&[facts]));
    }
    let most = r#"{"starts":9007199254740991,"completes":0}"#;
    table.refuses(
        Code::SumSize,
        PERFORMANCE,
        "refused-too-many-starts",
        "A sum of starts stays a number that JSON keeps.",
        members(&[most, r#"{"starts":1,"completes":0}"#]),
    );
    table.refuses(
        Code::Facts,
        PERFORMANCE,
        "refused-of-others",
        "Facts of others are read as well.",
        users(&[YES], &[r#"{"value":"?"}"#]),
    );
}
