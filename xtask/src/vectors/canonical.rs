//! The calls of `tests/vectors/canonical.json`: `precise_canonical` and `precise_check`.

use conformance::Form;
use precise_core::Code;

use super::{Call, Table, args, json};

const CANONICAL: &str = "precise_canonical";
const CHECK: &str = "precise_check";

/// The largest canonical form, SPEC.md section 1.1.
const LARGEST: usize = 16 * 1024 * 1024;
const DEEPEST: usize = 128;

/// Name, comment, JSON text.
type Text = (&'static str, &'static str, &'static str);

/// Name, comment, bytes of the text in hex.
type Raw = (&'static str, &'static str, &'static [u8]);

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    let comment = "NULL gives NULL.";
    table.gives_null(CANONICAL, "null-in-null-out", comment, args([Form::Null]));
    for rows in [VALUES, WHITE_SPACE, STRINGS, KEYS, NUMBERS] {
        for (name, comment, text) in rows {
            table.gives(CANONICAL, name, comment, args([json(*text)]));
        }
    }
    accept_long(&mut table);
    accept_repeated(&mut table);
    for (code, rows) in REFUSED {
        for (name, comment, text) in *rows {
            table.refuses(*code, CANONICAL, name, comment, args([json(*text)]));
        }
    }
    for (code, rows) in REFUSED_RAW {
        for (name, comment, bytes) in *rows {
            let form = Form::JsonHex(bytes.to_vec());
            table.refuses(*code, CANONICAL, name, comment, args([form]));
        }
    }
    refuse_repeated(&mut table);
    check(&mut table);
    table.calls
}

const VALUES: &[Text] = &[
    ("literal-true", "The word true is written as it is.", "true"),
    ("literal-false", "The word false is written as it is.", "false"),
    ("literal-null", "JSON's null is a document, and not SQL's NULL.", "null"),
    ("top-level-string", "A document may be a string.", r#""a""#),
    ("top-level-number", "A document may be a number.", "7"),
    ("empty-object", "An object may be empty.", "{}"),
    ("empty-array", "An array may be empty.", "[]"),
    ("empty-string", "A string may be empty.", r#""""#),
    ("empty-key", "A key may be empty, and sorts first.", r#"{"a":1,"":2}"#),
    (
        "empty-nested",
        "Empty containers may stand in containers.",
        r#"[{},[],{"a":{},"b":[]},[[]]]"#,
    ),
    ("array-keeps-order", "The elements of an array are not sorted.", r#"[3,1,2,"b","a"]"#),
    ("array-keeps-repeats", "Only keys may not repeat.", r#"[1,1,{"a":1},{"a":1}]"#),
    (
        "rfc8785-sample",
        "The sample of RFC 8785 section 3.2.2, but for the number that this form refuses.",
        concat!(
            r#"{"numbers": [333333333.3333333, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"#,
            r#" "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "#,
            r#""literals": [null, true, false]}"#
        ),
    ),
    (
        "rfc8785-sorting",
        "The keys of RFC 8785 section 3.2.3.",
        concat!(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet","#,
            r#""1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","#,
            r#""\u00f6":"Latin Small Letter O With Diaeresis"}"#
        ),
    ),
];

const WHITE_SPACE: &[Text] = &[
    ("white-space-space", "A space may stand around every token.", r#" { "a" : [ 1 , 2 ] } "#),
    ("white-space-tab", "So may a tab.", "\t{\t\"a\"\t:\t[\t1\t,\t2\t]\t}\t"),
    ("white-space-line-feed", "So may a line feed.", "\n{\n\"a\"\n:\n[\n1\n,\n2\n]\n}\n"),
    (
        "white-space-carriage-return",
        "So may a carriage return.",
        "\r{\r\"a\"\r:\r[\r1\r,\r2\r]\r}\r",
    ),
    ("white-space-mixed", "All four may be mixed.", " \t\r\n[ \t\r\n] \t\r\n"),
    ("white-space-empty-object", "An empty object may hold white space.", "{ \n }"),
    ("white-space-in-string", "Spaces in a string are kept.", r#"{" a  b ":"  c "}"#),
];

const STRINGS: &[Text] = &[
    ("escape-quote", "A quote is written with a backslash.", r#""\"""#),
    ("escape-backslash", "A backslash is written with a backslash.", r#""\\""#),
    ("escape-slash", "A slash needs no escape and gets none.", r#""\/ /""#),
    ("escape-b", "U+0008 is written \\b.", r#""\b""#),
    ("escape-f", "U+000C is written \\f.", r#""\f""#),
    ("escape-n", "U+000A is written \\n.", r#""\n""#),
    ("escape-r", "U+000D is written \\r.", r#""\r""#),
    ("escape-t", "U+0009 is written \\t.", r#""\t""#),
    ("escape-u-quote", "U+0022 by number is written \\\".", r#""\u0022""#),
    ("escape-u-backslash", "U+005C by number is written with a backslash.", r#""\u005c""#),
    ("escape-u-slash", "U+002F by number is written as a slash.", r#""\u002f""#),
    (
        "escape-u-short",
        "Controls that have a short escape get it.",
        r#""\u0008\u0009\u000a\u000c\u000d""#,
    ),
    (
        "escape-u-control-first",
        "U+0001 to U+0007 are written with four digits.",
        r#""\u0001\u0002\u0003\u0004\u0005\u0006\u0007""#,
    ),
    ("escape-u-control-b", "U+000B has no short escape.", r#""\u000b""#),
    ("escape-u-control-e-f", "U+000E and U+000F have no short escape.", r#""\u000e\u000f""#),
    (
        "escape-u-control-last",
        "U+0010 and U+001F are written with four digits.",
        r#""\u0010\u001f""#,
    ),
    (
        "escape-u-upper-case-digits",
        "Digits of an escape are read in either case and written in the lower.",
        r#""\u001F\u000B""#,
    ),
    ("escape-u-space", "U+0020 is the first character that needs no escape.", r#""\u0020""#),
    ("escape-u-delete", "U+007F needs no escape.", r#""\u007f""#),
    ("delete-raw", "U+007F stays as it is.", "\"\u{7f}\""),
    ("escape-u-letter", "A letter needs no escape.", r#""\u0041\u005A\u007a""#),
    ("escape-u-two-bytes", "U+0080, U+00E9 and U+07FF are two bytes.", r#""\u0080\u00e9\u07ff""#),
    ("escape-u-three-bytes", "U+0800, U+20AC and U+FFFF are three.", r#""\u0800\u20AC\uffff""#),
    ("escape-u-pair", "A surrogate pair is one character.", r#""\ud83d\ude00""#),
    ("escape-u-pair-upper-case", "So it is in upper case.", r#""\uD83D\uDE00""#),
    ("escape-u-pair-lowest", "The lowest pair is U+10000.", r#""\ud800\udc00""#),
    ("escape-u-pair-highest", "The highest pair is U+10FFFF.", r#""\udbff\udfff""#),
    (
        "escape-u-around-surrogates",
        "U+D7FF and U+E000, on either side of the surrogates, are characters.",
        r#""\ud7ff\ue000""#,
    ),
    ("escape-u-noncharacters", "Noncharacters are characters.", r#""\ufdd0\ufffe\uffff""#),
    ("escape-twice", "An escaped backslash begins no escape.", r#""\\u0041\\n""#),
    ("character-raw-two-bytes", "Two bytes stay as they are.", "\"\u{e9}\""),
    ("character-raw-three-bytes", "Three bytes stay as they are.", "\"\u{20ac}\""),
    ("character-raw-four-bytes", "Four bytes stay as they are.", "\"\u{1f600}\""),
    (
        "character-line-separators",
        "U+2028 and U+2029 stay as they are, though old JavaScript minds.",
        "\"\u{2028}\u{2029}\"",
    ),
    ("character-bom-in-string", "U+FEFF is no mark inside a string.", "\"\u{feff}\""),
    ("character-bom-escaped", "Nor is it by number.", r#""\ufeff""#),
    ("unicode-nfc", "A composed character stays composed.", "\"\u{e9}\""),
    ("unicode-nfd", "A decomposed character stays decomposed.", "\"e\u{301}\""),
    (
        "unicode-nfc-and-nfd-keys",
        "Composed and decomposed are two keys.",
        "{\"\u{e9}\":1,\"e\u{301}\":2}",
    ),
    (
        "unicode-singletons",
        "Kelvin, Angstrom and Ohm signs, which NFC would replace, stay.",
        "\"\u{212a}\u{212b}\u{2126}\"",
    ),
    ("unicode-case", "Letters that change under lower-casing stay.", "\"\u{130}\u{1e9e}\u{3a3}\""),
    (
        "string-escape-after-plain-runs",
        "An escape is found 7, 8, 9, 15, 16 and 17 plain characters into a string.",
        concat!(
            r#"["1234567\n","12345678\n","123456789\n","123456789012345\n","#,
            r#""1234567890123456\n","12345678901234567\n"]"#
        ),
    ),
    (
        "string-quote-after-plain-runs",
        "A string ends after 7, 8, 9, 15, 16 and 17 plain characters.",
        concat!(
            r#"["1234567","12345678","123456789","123456789012345","#,
            r#""1234567890123456","12345678901234567"]"#
        ),
    ),
    ("string-looks-like-json", "What a string says is not read.", r#""{\"a\":1e400}""#),
    ("string-number", "A number in a string is any text.", r#"{"price":"1.50","id":"007"}"#),
];

const KEYS: &[Text] = &[
    ("keys-sort", "Members are sorted by key.", r#"{"b":1,"a":2}"#),
    ("keys-sorted-already", "Sorted members stay where they are.", r#"{"a":1,"b":2}"#),
    ("keys-sort-prefix", "A key comes before one that it begins.", r#"{"aa":1,"a":2,"aaa":3}"#),
    ("keys-sort-case", "Upper case comes before lower.", r#"{"a":1,"B":2,"b":3,"A":4}"#),
    ("keys-sort-digits", "Digits sort as characters, not as numbers.", r#"{"10":1,"9":2,"1":3}"#),
    (
        "keys-sort-punctuation",
        "Punctuation sorts by code: space, hyphen, underscore, tilde.",
        r#"{"a~":1,"a_":2,"a-":3,"a ":4,"aA":5}"#,
    ),
    (
        "keys-sort-long-prefix",
        "The difference may come late.",
        r#"{"a-long-common-prefix-2":1,"a-long-common-prefix-1":2,"a-long-common-prefix-10":3}"#,
    ),
    (
        "keys-sort-by-utf16",
        "U+1F600, whose first unit is D83D, comes before U+FB33; in UTF-8 it comes after.",
        r#"{"\ufb33":1,"\ud83d\ude00":2}"#,
    ),
    ("keys-sort-by-utf16-raw", "The same keys, not escaped.", "{\"\u{fb33}\":1,\"\u{1f600}\":2}"),
    (
        "keys-sort-u10000-and-ue000",
        "U+10000 comes before U+E000, the first character above the surrogates.",
        "{\"\u{e000}\":1,\"\u{10000}\":2}",
    ),
    (
        "keys-sort-u10ffff-and-uffff",
        "U+10FFFF comes before U+FFFF.",
        "{\"\u{ffff}\":1,\"\u{10ffff}\":2}",
    ),
    (
        "keys-sort-u10000-and-ud7ff",
        "U+D7FF, below the surrogates, comes before U+10000.",
        "{\"\u{10000}\":1,\"\u{d7ff}\":2}",
    ),
    (
        "keys-sort-two-astral",
        "Two characters above U+FFFF sort by code.",
        "{\"\u{1f601}\":1,\"\u{1f600}\":2,\"\u{10400}\":3}",
    ),
    (
        "keys-sort-utf16-after-prefix",
        "The rule holds behind a common prefix.",
        "{\"ab\u{fffd}\":1,\"ab\u{10000}\":2,\"ab\":3}",
    ),
    (
        "keys-sort-ascii-and-others",
        "One, two, three and four bytes in the order of UTF-16.",
        "{\"\u{ff01}\":1,\"\u{1f600}\":2,\"\u{4e2d}\":3,\"\u{e9}\":4,\"z\":5}",
    ),
    ("keys-sort-by-content", "An escaped key sorts by what it says.", r#"{"\u0062":1,"a":2}"#),
    (
        "keys-sort-quote",
        "A quote sorts as U+0022, not as the backslash it is written with.",
        r##"{"#":1,"\"":2,"!":3}"##,
    ),
    (
        "keys-sort-backslash",
        "A backslash sorts as U+005C, between its neighbours.",
        r#"{"]":1,"\\":2,"[":3}"#,
    ),
    (
        "keys-sort-control",
        "A control sorts as itself, not as the backslash it is written with.",
        r#"{"a":1," ":2,"\n":3,"\u001f":4,"\u0001":5}"#,
    ),
    ("keys-sort-slash", "An escaped slash sorts as a slash.", r#"{"0":1,"\/":2,".":3}"#),
    ("keys-sort-nested", "Inner objects are sorted too.", r#"{"b":{"d":1,"c":2},"a":3}"#),
    (
        "keys-sort-inner-only",
        "An inner object is sorted where the outer is in order.",
        r#"{"a":{"d":1,"c":2},"b":[{"f":1,"e":2}]}"#,
    ),
    (
        "keys-sort-outer-only",
        "Members move with all that is in them.",
        r#"{"b":{"c":[1,{"d":2}],"e":3},"a":{"f":"}"}}"#,
    ),
    (
        "keys-sort-three-deep",
        "Every level is sorted on its own.",
        r#"{"z":{"y":{"x":1,"w":2},"v":{"u":3,"t":4}},"s":{"r":[{"q":5,"p":6}],"o":7}}"#,
    ),
    (
        "keys-sort-escaped-and-nested",
        "Escaped keys at two levels do not disturb each other.",
        r#"{"b\n":{"d\"":1,"c\"":2},"a\n":{"f\\":3,"e\\":4}}"#,
    ),
    (
        "keys-of-javascript",
        "Names that mean something in JavaScript are names.",
        r#"{"toString":1,"constructor":2,"__proto__":{"length":3}}"#,
    ),
    ("keys-differ-in-case", "Keys that differ in case are two keys.", r#"{"a":1,"A":2}"#),
    ("keys-differ-in-space", "Keys that differ in a space are two keys.", r#"{"a":1,"a ":2}"#),
    (
        "keys-same-in-two-objects",
        "Two objects may have the same key.",
        r#"[{"a":1},{"a":1},{"b":{"a":1},"a":{"a":{"a":2}}}]"#,
    ),
];

const NUMBERS: &[Text] = &[
    ("number-zero", "Zero is 0.", "0"),
    ("number-zero-negative", "Zero has no sign.", "-0"),
    ("number-zero-fraction", "Zero has no digits behind the point.", "[0.0,-0.000]"),
    ("number-zero-exponent", "Zero has no exponent.", "[0e0,0E+308,-0e-324,0.0e99]"),
    (
        "number-zero-exponent-saturated",
        "Zero stays zero with an exponent that no integer holds.",
        "[0e999999999,-0e-999999999,0e99999999999999999999999]",
    ),
    ("number-one", "One in its spellings.", "[1,1.0,1e0,10e-1,0.1e1,0.01e+2]"),
    ("number-negative", "A minus stands in front.", "[-1,-1.5,-1e-7,-1e21]"),
    ("number-spellings", "1.50, 15e-1 and 1.5 are one number.", "[1.50,15e-1,1.5,0.15e1]"),
    ("number-exponent-marks", "e, E, a plus and zeros are spelling.", "[1E2,1e+2,1e02,1E+002,1e2]"),
    ("number-exponent-minus", "A negative exponent moves the point.", "[1e-1,12e-1,12E-01,120e-2]"),
    ("number-trailing-zeros", "Zeros in front of the point count.", "[10,100,1200,1200.00]"),
    ("number-leading-zeros", "Zeros behind the point do not.", "[0.1,0.01,0.0012,0.00120]"),
    ("number-point-inside", "The point may stand between digits.", "[12.3,1.23,123.456]"),
    ("number-15-digits", "15 digits are always kept.", "[123456789012345,999999999999999]"),
    ("number-15-digits-fraction", "Behind the point too.", "[0.123456789012345,9.99999999999999]"),
    (
        "number-15-digits-and-zeros",
        "Zeros at both ends are not digits in this sense.",
        "[12345678901234500000,0.0000123456789012345]",
    ),
    ("number-16-digits", "16 digits are kept if binary64 keeps them.", "1234567890123456"),
    ("number-16-digits-fraction", "Behind the point too.", "0.1234567890123456"),
    ("number-17-digits", "17 digits are kept if binary64 keeps them.", "12345678901234568"),
    ("number-17-digits-fraction", "The sum of 0.1 and 0.2.", "0.30000000000000004"),
    ("number-17-digits-and-zero", "18 written digits may be 17.", "123456789012345680"),
    ("number-2-53-less-1", "2^53 - 1, the last safe integer.", "9007199254740991"),
    ("number-2-53", "2^53 has 16 digits and is kept.", "9007199254740992"),
    ("number-2-53-plus-2", "2^53 + 2 is the next one kept.", "9007199254740994"),
    ("number-2-53-less-1-negative", "-(2^53 - 1) is kept.", "-9007199254740991"),
    ("number-n-20", "100000000000000000000 has 21 digits, n = 21.", "1e20"),
    ("number-n-21-digits", "15 digits and 6 zeros are n = 21.", "123456789012345e6"),
    ("number-n-22", "n = 22 is written with an exponent.", "1e21"),
    ("number-n-22-written-out", "So it is if 22 digits came in.", "1000000000000000000000"),
    ("number-n-22-digits", "15 digits and 7 zeros are n = 22.", "123456789012345e7"),
    ("number-n-21-rfc8785", "RFC 8785's 999999999999999900000.", "9.999999999999999e20"),
    ("number-n-0", "n = 0 begins with 0 and the point.", "[0.1,0.123,1e-1]"),
    ("number-n-minus-5", "0.000001 is n = -5, and written out.", "[0.000001,1e-6,0.00000123456]"),
    ("number-n-minus-6", "0.0000001 is n = -6, and has an exponent.", "[0.0000001,1.23456e-7]"),
    ("number-n-is-m", "As many digits as places: no point.", "[123,12.3e1]"),
    ("number-n-less-than-m", "One place fewer: one digit behind the point.", "[12.3,123e-1]"),
    ("number-exponent-one-digit", "One digit has no point before the exponent.", "[1e30,5e-10]"),
    ("number-exponent-two-digits", "Two digits have one.", "[12e30,0.15e-10]"),
    ("number-e-290", "e = 290 is the last that needs no second look.", "1e290"),
    ("number-e-290-15-digits", "With 15 digits too.", "1.23456789012345e290"),
    ("number-e-291", "e = 291 is looked at twice, and kept.", "1e291"),
    ("number-e-291-15-digits", "With 15 digits too.", "1.23456789012345e291"),
    ("number-e-minus-290", "e = -290 is the last that needs no second look.", "1e-290"),
    ("number-e-minus-290-15-digits", "With 15 digits too.", "1.23456789012345e-290"),
    ("number-e-minus-291", "e = -291 is looked at twice, and kept.", "1e-291"),
    ("number-e-minus-291-15-digits", "With 15 digits too.", "1.23456789012345e-291"),
    ("number-e-308", "e = 308 is the largest.", "1e308"),
    ("number-largest", "The largest binary64.", "1.7976931348623157e308"),
    ("number-largest-negative", "And its negative.", "-1.7976931348623157e308"),
    ("number-smallest-normal", "The smallest normal binary64.", "2.2250738585072014e-308"),
    ("number-largest-subnormal", "The largest subnormal.", "2.225073858507201e-308"),
    ("number-e-minus-308", "1e-308 is subnormal and kept.", "1e-308"),
    ("number-e-minus-323", "1e-323 is two units of the smallest.", "1e-323"),
    ("number-e-minus-324", "5e-324 is the shortest of the smallest binary64.", "5e-324"),
    ("number-e-minus-324-spelled", "In another spelling.", "[0.5e-323,50e-325,-5e-324]"),
    ("number-1e23", "The nearest binary64 of 1e23 prints as 1e+23.", "1e23"),
    (
        "number-nearest-of-shortest",
        "Two decimals of 17 digits read as 123456789012345664; the nearer one is kept.",
        "123456789012345660",
    ),
    (
        "number-around-2-to-minus-44",
        "Binary64 is half as dense above 2^-44 as below, and keeps both.",
        "[5.684341886080801e-14,5.684341886080802e-14]",
    ),
    ("number-money", "Amounts come through.", "[19.99,1234567.89,0.07,-0.01]"),
    ("number-rfc8785-kept", "Numbers of RFC 8785.", "[333333333.3333333,295147905179352830000]"),
];

/// Numbers whose text is long.
fn accept_long(table: &mut Table) {
    let zeros = "0".repeat(400);
    let rows = [
        (
            "number-zeros-behind-point",
            "400 zeros behind the point, and an exponent that takes them back.",
            format!("0.{zeros}1e401"),
        ),
        (
            "number-zeros-before-point",
            "400 zeros before the point, and an exponent that takes them back.",
            format!("1{zeros}e-400"),
        ),
        (
            "number-zeros-at-end",
            "Zeros at the end of a fraction are not digits.",
            format!("1.5{zeros}"),
        ),
        ("number-zero-long", "A long zero is zero.", format!("-0.{zeros}e{}", "9".repeat(400))),
        (
            "number-exponent-zeros",
            "Zeros in front of an exponent are nothing.",
            format!("1e{zeros}2"),
        ),
    ];
    for (name, comment, text) in rows {
        table.gives(CANONICAL, name, comment, args([json(text)]));
    }
    let members: Vec<String> = (0..100).rev().map(|i| format!("\"k{i}\":{i}")).collect();
    let text = format!("{{{}}}", members.join(","));
    let comment = "A hundred members, from the last to the first.";
    table.gives(CANONICAL, "keys-sort-hundred", comment, args([json(text)]));
}

/// Documents that are accepted at a limit.
fn accept_repeated(table: &mut Table) {
    let growing = growing_element();
    // 64 bytes when written.
    let shrinking = format!("{}\\/", "a".repeat(63));
    let rows = [
        (
            "depth-128-arrays",
            "128 nested arrays are allowed.",
            repeat(&[("[", DEEPEST), ("]", DEEPEST)]),
        ),
        (
            "depth-128-objects",
            "128 nested objects are allowed.",
            repeat(&[("{\"a\":", DEEPEST - 1), ("{}", 1), ("}", DEEPEST - 1)]),
        ),
        (
            "depth-128-mixed",
            "Arrays and objects count together.",
            repeat(&[("[{\"a\":", DEEPEST / 2), ("1", 1), ("}]", DEEPEST / 2)]),
        ),
        (
            "depth-counts-nesting",
            "200 containers side by side are nested once.",
            repeat(&[("[[]", 1), (",[]", 199), ("]", 1)]),
        ),
        (
            "size-limit-string",
            "A canonical form of 16 MiB is allowed.",
            repeat(&[("\"", 1), ("a", LARGEST - 2), ("\"", 1)]),
        ),
        (
            "size-limit-key",
            "A key may fill it.",
            repeat(&[("{\"", 1), ("a", LARGEST - 6), ("\":0}", 1)]),
        ),
        (
            "size-limit-grown",
            "1e20 is written with 21 digits, and only what is written counts.",
            repeat(&[("[", 1), (&growing, 16_368), ("\"", 1), ("a", 12), ("\"]", 1)]),
        ),
        (
            "size-limit-shrunk",
            "The text may be longer: an escaped slash is written as one byte.",
            repeat(&[("\"", 1), (&shrinking, LARGEST / 64 - 1), ("a", 62), ("\"", 1)]),
        ),
        (
            "size-white-space",
            "White space does not count.",
            repeat(&[(" ", LARGEST), ("[1]", 1), ("\n", LARGEST)]),
        ),
    ];
    for (name, comment, form) in rows {
        table.gives(CANONICAL, name, comment, args([form]));
    }
}

/// Documents just behind a limit.
fn refuse_repeated(table: &mut Table) {
    let rows = [
        (
            Code::Depth,
            "depth-129-arrays",
            "129 nested arrays are not allowed.",
            repeat(&[("[", DEEPEST + 1), ("]", DEEPEST + 1)]),
        ),
        (
            Code::Depth,
            "depth-129-objects",
            "129 nested objects are not allowed.",
            repeat(&[("{\"a\":", DEEPEST), ("{}", 1), ("}", DEEPEST)]),
        ),
        (
            Code::Depth,
            "depth-129-mixed",
            "Nor are 129 of both.",
            repeat(&[("[{\"a\":", DEEPEST / 2), ("[]", 1), ("}]", DEEPEST / 2)]),
        ),
        (
            Code::Depth,
            "depth-hundred-thousand",
            "The depth of a text does not cost a stack.",
            repeat(&[("[", 100_000), ("]", 100_000)]),
        ),
        (
            Code::CanonicalSize,
            "size-over-string",
            "A canonical form of 16 MiB and a byte is not allowed.",
            repeat(&[("\"", 1), ("a", LARGEST - 1), ("\"", 1)]),
        ),
        (
            Code::CanonicalSize,
            "size-over-key",
            "A key may not make it longer.",
            repeat(&[("{\"", 1), ("a", LARGEST - 5), ("\":0}", 1)]),
        ),
        (
            Code::CanonicalSize,
            "size-over-grown",
            "What is written counts, not what came in.",
            repeat(&[("[", 1), (&growing_element(), 16_368), ("\"", 1), ("a", 13), ("\"]", 1)]),
        ),
        (
            Code::CanonicalSize,
            "size-over-bracket",
            "The last bracket counts.",
            repeat(&[("[\"", 1), ("a", LARGEST - 3), ("\"]", 1)]),
        ),
    ];
    for (code, name, comment, form) in rows {
        table.refuses(code, CANONICAL, name, comment, args([form]));
    }
    let ones = "1".repeat(400);
    let rows = [
        ("number-400-digits", "400 digits are too many.", format!("{ones}.5")),
        ("number-400-digits-fraction", "Behind the point too.", format!("0.{ones}")),
    ];
    for (name, comment, text) in rows {
        table.refuses(Code::NumberPrecision, CANONICAL, name, comment, args([json(text)]));
    }
}

/// Two elements and their commas, 1025 bytes when written: 1 + 16368 * 1025 + 15 = 2^24.
fn growing_element() -> String {
    format!("1e20,\"{}\",", "a".repeat(1000))
}

fn repeat(pieces: &[(&str, usize)]) -> Form {
    Form::JsonRepeat(pieces.iter().map(|(piece, count)| ((*piece).into(), *count)).collect())
}

const REFUSED: &[(Code, &[Text])] = &[
    (Code::Syntax, SYNTAX),
    (Code::UnexpectedEnd, UNEXPECTED_END),
    (Code::TrailingBytes, TRAILING_BYTES),
    (Code::DuplicateKey, DUPLICATE_KEY),
    (Code::LoneSurrogate, LONE_SURROGATE),
    (Code::NullCharacter, NULL_CHARACTER),
    (Code::NumberPrecision, NUMBER_PRECISION),
    (Code::NumberRange, NUMBER_RANGE),
];

const SYNTAX: &[Text] = &[
    ("syntax-nan", "NaN is no JSON.", "NaN"),
    ("syntax-infinity", "Infinity is no JSON.", "Infinity"),
    ("syntax-infinity-negative", "Nor is its negative.", "-Infinity"),
    ("syntax-word-upper-case", "The words are lower case.", "True"),
    ("syntax-word-wrong", "A word is spelled in full.", "trux"),
    ("syntax-word-unknown", "There are three words.", "undefined"),
    ("syntax-single-quotes", "Strings have double quotes.", "'a'"),
    ("syntax-key-not-quoted", "Keys have quotes.", "{a:1}"),
    ("syntax-key-single-quotes", "Keys have double quotes.", "{'a':1}"),
    ("syntax-key-number", "A number is no key.", "{1:2}"),
    ("syntax-key-null", "A word is no key.", "{null:1}"),
    ("syntax-comma-trailing-array", "No comma stands behind the last element.", "[1,]"),
    ("syntax-comma-trailing-object", "No comma stands behind the last member.", r#"{"a":1,}"#),
    ("syntax-comma-leading-array", "No comma stands before the first element.", "[,1]"),
    ("syntax-comma-leading-object", "No comma stands before the first member.", r#"{,"a":1}"#),
    ("syntax-comma-alone", "An array of a comma is none.", "[,]"),
    ("syntax-comma-double", "Between two elements stands one comma.", "[1,,2]"),
    ("syntax-comma-missing-array", "Between two elements stands a comma.", "[1 2]"),
    ("syntax-comma-missing-object", "Between two members stands a comma.", r#"{"a":1 "b":2}"#),
    ("syntax-semicolon", "And no semicolon.", "[1;2]"),
    ("syntax-colon-missing", "Behind a key stands a colon.", r#"{"a" 1}"#),
    ("syntax-colon-double", "One colon.", r#"{"a"::1}"#),
    ("syntax-colon-is-equals", "And no equals sign.", r#"{"a"=1}"#),
    ("syntax-colon-in-array", "An array has no members.", r#"["a":1]"#),
    ("syntax-value-missing", "Behind a colon stands a value.", r#"{"a":}"#),
    ("syntax-bracket-for-brace", "What a brace opens a brace closes.", r#"{"a":1]"#),
    ("syntax-brace-for-bracket", "What a bracket opens a bracket closes.", "[1}"),
    ("syntax-bracket-alone", "A bracket closes what is open.", "]"),
    ("syntax-brace-alone", "A brace closes what is open.", "}"),
    ("syntax-comma-only", "A comma is no document.", ","),
    ("syntax-colon-only", "A colon is no document.", ":"),
    ("syntax-comment-line", "JSON has no comments.", "// a\n1"),
    ("syntax-comment-block", "Of neither kind.", "[1/* a */]"),
    ("syntax-comment-hash", "Of no kind.", "# a\n1"),
    ("syntax-space-no-break", "U+00A0 is no white space here.", "\u{a0}1"),
    ("syntax-space-line-separator", "Nor is U+2028.", "[\u{2028}1]"),
    ("syntax-space-form-feed", "Nor is a form feed.", "[\u{c}1]"),
    ("syntax-space-vertical-tab", "Nor is a vertical tab.", "[\u{b}1]"),
    ("syntax-bom-inside", "A byte order mark inside the text is a wrong character.", "[\u{feff}1]"),
    ("syntax-control-tab", "A tab in a string must be escaped.", "\"a\tb\""),
    ("syntax-control-line-feed", "A line feed in a string must be escaped.", "\"a\nb\""),
    ("syntax-control-1f", "U+001F in a string must be escaped.", "\"\u{1f}\""),
    ("syntax-control-in-key", "A control in a key must be escaped.", "{\"a\tb\":1}"),
    (
        "syntax-control-after-plain-run",
        "A control is found 17 characters into a string.",
        "\"12345678901234567\u{1}\"",
    ),
    ("syntax-escape-x", "There is no escape x.", r#""\x41""#),
    ("syntax-escape-a", "There is no escape a.", r#""\a""#),
    ("syntax-escape-v", "There is no escape v.", r#""\v""#),
    ("syntax-escape-0", "There is no escape 0.", r#""\0""#),
    ("syntax-escape-single-quote", "A single quote has no escape.", r#""\'""#),
    ("syntax-escape-upper-case", "Escapes are lower case.", r#""\N""#),
    ("syntax-escape-u-upper-case", "So is u.", r#""\U0041""#),
    ("syntax-escape-line-feed", "A line feed cannot be escaped as it is.", "\"\\\n\""),
    ("syntax-escape-u-three-digits", "Behind u stand four digits.", r#""\u004""#),
    ("syntax-escape-u-no-digits", "And not none.", r#""\u""#),
    ("syntax-escape-u-not-hex", "Hex digits.", r#""\u00g0""#),
    ("syntax-escape-u-braces", "Without braces.", r#""\u{41}""#),
    ("syntax-escape-u-sign", "Without a sign.", r#""\u+041""#),
    ("syntax-escape-u-space", "Without a space.", r#""\u 041""#),
    ("syntax-escape-second-half-not-hex", "In a second half too.", r#""\ud83d\uzzzz""#),
    ("syntax-number-plus", "A number has no plus in front.", "+1"),
    ("syntax-number-leading-point", "A number begins with a digit.", ".5"),
    ("syntax-number-minus-point", "Also behind a minus.", "-.5"),
    ("syntax-number-minus-only", "Behind a minus stands a digit.", "[-]"),
    ("syntax-number-minus-twice", "One minus.", "--1"),
    ("syntax-number-minus-space", "Behind it, not a space away.", "- 1"),
    ("syntax-number-leading-zero", "No zero stands in front of another digit.", "[01]"),
    ("syntax-number-leading-zero-negative", "Also behind a minus.", "[-01]"),
    ("syntax-number-point-only", "Behind the point stands a digit.", "[1.]"),
    ("syntax-number-point-exponent", "And not an exponent.", "[1.e5]"),
    ("syntax-number-point-twice", "A number has one point.", "[1.5.5]"),
    ("syntax-number-exponent-empty", "An exponent has digits.", "[1e]"),
    ("syntax-number-exponent-sign-only", "A sign is none.", "[1e+]"),
    ("syntax-number-exponent-point", "It has no point.", "[1e2.5]"),
    ("syntax-number-exponent-twice", "There is one.", "[1e2e3]"),
    ("syntax-number-hex", "Numbers are decimal.", "[0x10]"),
    ("syntax-number-underscore", "Digits stand together.", "[1_000]"),
    ("syntax-number-full-width", "Digits are ASCII.", "[\u{ff11}]"),
];

const UNEXPECTED_END: &[Text] = &[
    ("end-empty", "The empty text ends too soon.", ""),
    ("end-white-space", "So does one of white space.", " \t\r\n"),
    ("end-in-word", "A word may be cut.", "tru"),
    ("end-in-string", "So may a string.", r#""abc"#),
    ("end-in-escape", "So may an escape.", r#""\"#),
    ("end-in-escape-u", "So may the digits of one.", r#""\u00"#),
    ("end-in-second-half", "So may those of a second half.", r#""\ud83d\ude"#),
    ("end-in-minus", "A minus alone ends too soon.", "-"),
    ("end-in-fraction", "So does a point.", "1."),
    ("end-in-exponent", "So does an exponent's letter.", "1e"),
    ("end-in-exponent-sign", "So does its sign.", "1e-"),
    ("end-in-array-open", "An array may be cut behind its bracket.", "["),
    ("end-in-array-element", "Behind an element.", "[1"),
    ("end-in-array-comma", "Behind a comma.", "[1,"),
    ("end-in-object-open", "An object may be cut behind its brace.", "{"),
    ("end-in-object-key", "Behind a key.", r#"{"a""#),
    ("end-in-object-colon", "Behind a colon.", r#"{"a":"#),
    ("end-in-object-value", "Behind a value.", r#"{"a":1"#),
    ("end-in-object-comma", "Behind a comma.", r#"{"a":1,"#),
    ("end-in-nested", "The outer container may be left open.", r#"{"a":[1]"#),
];

const TRAILING_BYTES: &[Text] = &[
    ("trailing-document", "One text is one document.", "{} {}"),
    ("trailing-line", "Also on two lines.", "{\"a\":1}\n{\"a\":2}\n"),
    ("trailing-number", "1 2 are two numbers.", "1 2"),
    ("trailing-string", "Two strings are two.", r#""a""b""#),
    ("trailing-bracket", "One bracket too many.", "[]]"),
    ("trailing-brace", "One brace too many.", "{}}"),
    ("trailing-comma", "A comma behind the document.", "{},"),
    ("trailing-letter", "A word that goes on.", "nulls"),
    ("trailing-leading-zero", "In 01 the number ends before the 1.", "01"),
    ("trailing-leading-zero-negative", "Also behind a minus.", "-01"),
    ("trailing-point", "1.5 ends before a second point.", "1.5.5"),
    ("trailing-comment", "A comment is no white space.", "1 // a"),
    ("trailing-form-feed", "A form feed is no white space.", "{}\u{c}"),
    ("trailing-bom", "Nor is a byte order mark.", "{}\u{feff}"),
];

const DUPLICATE_KEY: &[Text] = &[
    ("duplicate-key", "A key stands once in an object.", r#"{"a":1,"a":2}"#),
    ("duplicate-key-same-value", "Whatever its value.", r#"{"a":1,"a":1}"#),
    ("duplicate-key-escaped", "However it is spelled.", r#"{"a":1,"\u0061":2}"#),
    ("duplicate-key-escaped-slash", "A slash may be escaped.", r#"{"\/":1,"/":2}"#),
    ("duplicate-key-escaped-control", "A control has two spellings.", r#"{"\n":1,"\u000a":2}"#),
    ("duplicate-key-escaped-quote", "A quote has two spellings.", r#"{"\"":1,"\u0022":2}"#),
    ("duplicate-key-escaped-case", "Digits have two cases.", r#"{"\u00E9":1,"\u00e9":2}"#),
    ("duplicate-key-pair", "A pair is one character.", "{\"\\ud83d\\ude00\":1,\"\u{1f600}\":2}"),
    ("duplicate-key-empty", "The empty key counts.", r#"{"":1,"":2}"#),
    ("duplicate-key-apart", "Others may stand between.", r#"{"b":1,"a":2,"c":3,"b":4}"#),
    ("duplicate-key-thrice", "Three times is also too often.", r#"{"a":1,"a":2,"a":3}"#),
    ("duplicate-key-last", "The last may be the one.", r#"{"a":1,"b":2,"c":3,"c":4}"#),
    ("duplicate-key-nested", "In an inner object too.", r#"{"a":{"b":1,"b":2}}"#),
    ("duplicate-key-in-array", "In an object in an array too.", r#"[{},{"b":1,"b":2}]"#),
    ("duplicate-key-of-objects", "With containers as values.", r#"{"a":{"b":1},"a":[2]}"#),
];

const LONE_SURROGATE: &[Text] = &[
    ("surrogate-upper-first", "U+D800 alone is half of a character.", r#""\ud800""#),
    ("surrogate-upper-last", "U+DBFF alone is half.", r#""\udbff""#),
    ("surrogate-lower-first", "U+DC00 alone is half.", r#""\udc00""#),
    ("surrogate-lower-last", "U+DFFF alone is half.", r#""\udfff""#),
    ("surrogate-upper-case", "Upper case digits say the same.", r#""\uD800""#),
    ("surrogate-upper-and-text", "A letter is no second half.", r#""\ud800x""#),
    ("surrogate-upper-and-escape", "Nor is another escape.", r#""\ud800\n""#),
    ("surrogate-upper-and-letter", "Nor is a letter by number.", r#""\ud800\u0041""#),
    ("surrogate-upper-and-upper", "Nor is a second upper half.", r#""\ud800\ud800""#),
    ("surrogate-upper-and-e000", "Nor is U+E000.", r#""\ud800\ue000""#),
    ("surrogate-upper-and-dbff", "Nor is U+DBFF.", r#""\ud800\udbff""#),
    ("surrogate-upper-and-raw", "Nor is a whole character.", "\"\\ud83d\u{1f600}\""),
    ("surrogate-pair-then-lower", "A pair has two halves.", r#""\ud83d\ude00\ude00""#),
    ("surrogate-in-key", "In a key too.", r#"{"\udead":1}"#),
];

const NULL_CHARACTER: &[Text] = &[
    ("null-character", "U+0000 in a string is refused.", r#""\u0000""#),
    ("null-character-inside", "Between others too.", r#""a\u0000b""#),
    ("null-character-in-key", "In a key too.", r#"{"\u0000":1}"#),
];

const NUMBER_PRECISION: &[Text] = &[
    ("number-2-53-plus-1", "2^53 + 1 would become 2^53.", "9007199254740993"),
    ("number-2-53-plus-1-negative", "So would its negative.", "-9007199254740993"),
    ("number-2-53-plus-1-fraction", "Written with a point.", "9007199254740993.0"),
    ("number-2-53-plus-1-exponent", "Written with an exponent.", "9.007199254740993e15"),
    ("number-2-53-plus-3", "2^53 + 3 is no binary64 either.", "9007199254740995"),
    ("number-16-nines", "16 nines would become 10^16.", "9999999999999999"),
    ("number-16-digits-lost", "16 digits binary64 does not keep.", "0.9999999999999999e16"),
    ("number-17-digits-lost", "17 digits that 16 would say.", "333333333.33333329"),
    ("number-17-digits-of-one-tenth", "17 digits that one would say.", "0.10000000000000001"),
    ("number-17-digits-of-one", "1.0000000000000001 would become 1.", "1.0000000000000001"),
    ("number-18-digits", "18 digits are too many.", "123456789012345678"),
    ("number-18-digits-fraction", "Behind the point too.", "0.123456789012345678"),
    ("number-18-digits-exact", "2^59 is exact, and has 18 digits.", "576460752303423488"),
    ("number-19-digits", "The largest 64-bit integer has 19.", "9223372036854775807"),
    ("number-20-digits", "2^64 - 1 has 20.", "18446744073709551615"),
    (
        "number-exact-decimal",
        "The exact value of the binary64 nearest to 0.1.",
        "0.1000000000000000055511151231257827021181583404541015625",
    ),
    ("number-largest-neighbour", "Would become the largest binary64.", "1.7976931348623158e308"),
    ("number-e-minus-324-four", "Would become 5e-324.", "4e-324"),
    ("number-e-minus-324-three", "Would become 5e-324.", "3e-324"),
    ("number-e-minus-324-two-digits", "Would become 5e-324.", "4.9e-324"),
    ("number-e-minus-324-exact", "16 digits of the smallest.", "4.940656458412465e-324"),
    ("number-e-minus-324-nine", "Would become 1e-323.", "9e-324"),
    ("number-e-minus-323-two", "Would become 1.5e-323's neighbour.", "1.7e-323"),
    ("number-smallest-normal-below", "Would become subnormal.", "2.2250738585072011e-308"),
    (
        "number-farther-of-shortest",
        "Reads as 123456789012345664 too, and is not the nearer of the two.",
        "123456789012345670",
    ),
    ("number-in-array", "One element is enough.", "[1,2,0.10000000000000001]"),
];

const NUMBER_RANGE: &[Text] = &[
    ("number-e-308-over", "Above the largest binary64.", "1.7976931348623159e308"),
    ("number-e-308-two", "Far above it.", "2e308"),
    ("number-e-309", "e = 309 is out of range.", "1e309"),
    ("number-e-309-negative", "So is its negative.", "-1e309"),
    ("number-e-309-written-out", "With the exponent in the digits.", "1000e306"),
    ("number-e-minus-324-two", "Would become zero.", "2e-324"),
    ("number-e-minus-324-one", "Would become zero.", "-1e-324"),
    ("number-e-minus-325", "e = -325 is out of range.", "9e-325"),
    ("number-e-minus-325-written-out", "With the exponent in the digits.", "0.009e-322"),
    ("number-exponent-saturated", "An exponent that no integer holds.", "1e99999999999999999999"),
    ("number-exponent-saturated-negative", "A small one.", "1e-99999999999999999999"),
    ("number-exponent-2-64", "2^64 does not wrap.", "1e18446744073709551616"),
    ("number-exponent-2-32", "2^32 does not wrap.", "1e4294967296"),
    ("number-exponent-2-31", "-2^31 does not wrap.", "1e-2147483648"),
    ("number-exponent-nine-nines", "Nothing is allocated.", "1e999999999"),
];

const REFUSED_RAW: &[(Code, &[Raw])] = &[
    (Code::InvalidUtf8, INVALID_UTF8),
    (Code::ByteOrderMark, BYTE_ORDER_MARK),
    (Code::Syntax, SYNTAX_RAW),
    (Code::TrailingBytes, TRAILING_BYTES_RAW),
];

const INVALID_UTF8: &[Raw] = &[
    ("utf8-continuation-alone", "A continuation byte follows a first.", b"\"\x80\""),
    ("utf8-first-alone", "A first byte is followed.", b"\"\xc3\""),
    ("utf8-three-bytes-cut", "Three bytes are three.", b"\"\xe2\x82\""),
    ("utf8-four-bytes-cut", "Four bytes are four.", b"\"\xf0\x9f\x98\""),
    ("utf8-overlong-two", "A slash in two bytes is overlong.", b"\"\xc0\xaf\""),
    ("utf8-overlong-three", "A slash in three is overlong.", b"\"\xe0\x80\xaf\""),
    ("utf8-overlong-four", "A slash in four is overlong.", b"\"\xf0\x80\x80\xaf\""),
    ("utf8-overlong-null", "Java's U+0000 in two bytes is overlong.", b"\"\xc0\x80\""),
    ("utf8-surrogate-upper", "Surrogates have no UTF-8 form.", b"\"\xed\xa0\x80\""),
    ("utf8-surrogate-pair", "Not even in pairs, as CESU-8.", b"\"\xed\xa0\xbd\xed\xb8\x80\""),
    ("utf8-above-10ffff", "U+110000 does not exist.", b"\"\xf4\x90\x80\x80\""),
    ("utf8-five-bytes", "There are no five bytes.", b"\"\xf8\x88\x80\x80\x80\""),
    ("utf8-fe", "FE is never a byte of UTF-8.", b"\"\xfe\""),
    ("utf8-ff", "FF is never a byte of UTF-8.", b"\"\xff\""),
    ("utf8-latin-1", "Latin 1 is not UTF-8.", b"\"caf\xe9\""),
    ("utf8-in-key", "A key is checked too.", b"{\"\xff\":1}"),
    ("utf8-cut-at-end", "The text may be cut in a character.", b"\"\xe2\x82"),
    ("utf16-little-endian", "UTF-16 with its mark is not UTF-8.", b"\xff\xfe{\0}\0"),
];

const BYTE_ORDER_MARK: &[Raw] = &[
    ("bom-object", "A byte order mark is not taken away.", b"\xef\xbb\xbf{}"),
    ("bom-number", "Whatever follows it.", b"\xef\xbb\xbf1"),
];

/// Zero bytes, which not every reader of vectors can have in a JSON string.
const SYNTAX_RAW: &[Raw] = &[
    ("syntax-control-null", "A bare U+0000 is a bare control character.", b"\"\0\""),
    ("syntax-null-byte", "A zero byte is no white space.", b"[\0]"),
];

const TRAILING_BYTES_RAW: &[Raw] =
    &[("trailing-null-byte", "Nor does a zero byte end a text.", b"{}\0")];

/// What is reported, and where: `precise_check` on the same kinds of fault.
fn check(table: &mut Table) {
    table.gives_null(CHECK, "check-null", "NULL gives NULL.", args([Form::Null]));
    for (name, comment, text) in CHECK_GOOD {
        table.gives_null(CHECK, name, comment, args([json(*text)]));
    }
    for (name, comment, text) in CHECK_BAD {
        table.gives(CHECK, name, comment, args([json(*text)]));
    }
    let raw: &[Raw] = &[
        ("check-utf8", "UTF-8 is of the whole text.", b"{\"a\":\"\xff\"}"),
        ("check-bom", "So is the byte order mark.", b"\xef\xbb\xbf{\"a\":1}"),
    ];
    for (name, comment, bytes) in raw {
        table.gives(CHECK, name, comment, args([Form::JsonHex(bytes.to_vec())]));
    }
    let name = |part: &str, count: usize| format!("{{\"{}\":NaN}}", part.repeat(count));
    let rows = [
        ("check-name-64", "A name of 64 characters is shown whole.", name("a", 64)),
        ("check-name-65", "A name of 65 is cut after 64.", name("a", 65)),
        ("check-name-64-odd", "So it is between quotes.", name("-", 64)),
        ("check-name-65-odd", "And cut between quotes.", name("-", 65)),
        ("check-name-64-two-bytes", "Characters count, not bytes.", name("\u{e9}", 64)),
        ("check-name-65-two-bytes", "For the cut too.", name("\u{e9}", 65)),
        ("check-name-64-astral", "Nor do UTF-16 units.", name("\u{1f600}", 64)),
        ("check-name-65-astral", "For the cut too.", name("\u{1f600}", 65)),
        (
            "check-name-odd-behind-cut",
            "The whole name says whether it is a plain one, also where the cut hides why not.",
            format!("{{\"{}-\":NaN}}", "a".repeat(64)),
        ),
        (
            "check-depth",
            "The container that is too deep is the one named.",
            format!("{}{}", "[".repeat(DEEPEST + 1), "]".repeat(DEEPEST + 1)),
        ),
    ];
    for (name, comment, text) in rows {
        table.gives(CHECK, name, comment, args([json(text)]));
    }
    let over = [("{\"a\":\"", 1), ("b", LARGEST - 7), ("\"}", 1)];
    let comment = "The size is of the whole document.";
    table.gives(CHECK, "check-size", comment, args([repeat(&over)]));
    let at = [("{\"a\":\"", 1), ("b", LARGEST - 8), ("\"}", 1)];
    table.gives_null(CHECK, "check-size-limit", "16 MiB are accepted.", args([repeat(&at)]));
}

const CHECK_GOOD: &[Text] = &[
    ("check-good", "A record that can be minted gives NULL.", r#"{"a":[1,"b",{"c":null}]}"#),
    ("check-good-literal-null", "JSON's null can be minted.", "null"),
];

const CHECK_BAD: &[Text] = &[
    ("check-document", "A fault in the document itself is at $.", "9007199254740993"),
    ("check-empty", "So is the end of an empty text.", ""),
    ("check-trailing", "So is what follows the document.", r#"{"a":1} {"b":2}"#),
    ("check-member", "A member is named.", r#"{"a":1e400}"#),
    ("check-member-nested", "So is one in it.", r#"{"a":{"b":{"c":1e400}}}"#),
    ("check-element", "Elements are counted from 0.", "[1,2,1e400]"),
    ("check-element-first", "The first is 0.", "[1e400]"),
    ("check-element-tenth", "In decimal.", "[0,1,2,3,4,5,6,7,8,9,1e400]"),
    ("check-element-nested", "At each level.", "[0,[1,[2,1e400]]]"),
    ("check-mixed", "Members and elements mix.", r#"{"a":[{"b":1},{"b":[0,1e400]}]}"#),
    (
        "check-after-containers",
        "What was closed is not named.",
        r#"{"a":{"x":[1]},"b":[[],1e400]}"#,
    ),
    ("check-name-underscore", "A plain name may begin with an underscore.", r#"{"_a1":1e400}"#),
    ("check-name-capital", "And hold capitals and digits.", r#"{"Z9z":1e400}"#),
    ("check-name-digit", "It does not begin with a digit.", r#"{"1a":1e400}"#),
    ("check-name-hyphen", "It has no hyphen.", r#"{"a-b":1e400}"#),
    ("check-name-point", "It has no point.", r#"{"a.b":1e400}"#),
    ("check-name-space", "It has no space.", r#"{"a b":1e400}"#),
    ("check-name-empty", "It is not empty.", r#"{"":1e400}"#),
    ("check-name-quote", "A quote is escaped.", r#"{"a\"b":1e400}"#),
    ("check-name-backslash", "So is a backslash.", r#"{"a\\b":1e400}"#),
    ("check-name-control", "So are controls, in JCS form.", r#"{"a\u000a\u0001":1e400}"#),
    ("check-name-slash", "A slash is not.", r#"{"a\/b":1e400}"#),
    ("check-name-letter", "A letter outside ASCII is not plain.", "{\"\u{e9}\":1e400}"),
    ("check-name-astral", "Nor is an emoji.", "{\"\\ud83d\\ude00\":1e400}"),
    ("check-name-escaped", "A name is shown as what it says.", r#"{"\u0061":1e400}"#),
    ("check-name-bracket", "Brackets are quoted.", r#"{"[0]":1e400}"#),
    ("check-key-surrogate", "A fault in a key is at its object.", r#"{"a":{"\ud800":1}}"#),
    ("check-key-null-character", "Whatever the fault.", r#"{"a":{"b":1,"\u0000":1}}"#),
    ("check-key-control", "A control too.", "{\"a\":{\"b\tc\":1}}"),
    ("check-key-expected", "Where a key should be.", r#"{"a":{1:2}}"#),
    ("check-key-expected-behind-comma", "Behind a comma too.", r#"{"a":{"b":1,}}"#),
    ("check-colon-expected", "Where a colon should be.", r#"{"a":{"b" 1}}"#),
    ("check-comma-expected-object", "Where a comma should be.", r#"{"a":{"b":1 "c":2}}"#),
    ("check-comma-expected-array", "In an array, the array.", r#"{"a":[1 2]}"#),
    ("check-bracket-expected", "Where a bracket should be.", r#"{"a":[1}}"#),
    ("check-value-expected", "Where a value should be, it is the value.", r#"{"a":}"#),
    ("check-value-expected-array", "Also in an array.", "[1,,2]"),
    ("check-value-expected-behind-comma", "And behind its last comma.", "[1,]"),
    ("check-end-in-value", "An end in a value is in the value.", r#"{"a":"b"#),
    ("check-end-behind-colon", "Behind a colon too.", r#"{"a":"#),
    ("check-end-behind-value", "Behind a value it is in the object.", r#"{"a":{"b":1"#),
    ("check-end-behind-element", "Or in the array.", r#"{"a":[1"#),
    ("check-end-behind-bracket", "Behind a bracket a value is missing.", r#"{"a":["#),
    ("check-end-in-key", "In a key it is in the object.", r#"{"a":{"b"#),
    ("check-end-behind-brace", "Behind a brace too.", r#"{"a":{"#),
    ("check-duplicate", "A repeated member is named.", r#"{"a":1,"b":2,"a":3}"#),
    ("check-duplicate-nested", "Within its object.", r#"[{"a":{"b":1,"b":2}}]"#),
    ("check-duplicate-odd", "As any name.", r#"{"a b":1,"a b":2}"#),
    ("check-duplicate-empty", "The empty one too.", r#"{"":1,"":2}"#),
    (
        "check-duplicate-smallest",
        "Of two repeated keys the smaller is named.",
        r#"{"b":1,"b":2,"a":3,"a":4}"#,
    ),
    (
        "check-duplicate-smallest-utf16",
        "Smaller in the order of UTF-16.",
        r#"{"\ufb33":1,"\ufb33":2,"\ud83d\ude00":3,"\ud83d\ude00":4}"#,
    ),
    ("check-surrogate", "A lone surrogate in a value.", r#"{"a":["b","\udc00"]}"#),
    ("check-null-character", "U+0000 in a value.", r#"{"a":"\u0000"}"#),
    ("check-precision", "Too many digits in an element.", r#"{"a":[0.1,0.10000000000000001]}"#),
    ("check-syntax", "A word that is none.", r#"{"a":[nul]}"#),
];
