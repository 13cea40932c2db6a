//! Rows that are minted.

use super::{One, Whole};

/// Rows of one column, as cells and as rows.
pub(super) const ONES: &[&[One]] =
    &[BOOLEANS, NUMERICS, FLOATS, TEXTS, BYTES, UUIDS, DATES, TIMES, TIMESTAMPS, JSON];

/// Rows of one column that can only be had as cells, since it is the spelling that counts.
pub(super) const ONES_AS_CELLS: &[&[One]] = &[
    NUMERICS_AS_CELLS,
    FLOATS_AS_CELLS,
    CHARS_AS_CELLS,
    HEX_AS_CELLS,
    TIMES_AS_CELLS,
    TIMESTAMPS_AS_CELLS,
    JSON_AS_CELLS,
];

const BOOLEANS: &[One] = &[
    ("boolean-true", "A truth value.", "boolean", "true"),
    ("boolean-false", "The other one.", "boolean", "false"),
];

const NUMERICS: &[One] = &[
    ("numeric-zero", "Zero.", "numeric", "0"),
    ("numeric-negative", "A negative decimal is a number.", "numeric", "-12.5"),
    ("numeric-scale", "The scale of 1.50 does not matter.", "numeric", "1.50"),
    (
        "numeric-2-53-less-1",
        "The largest integer that is surely a number.",
        "numeric",
        "9007199254740991",
    ),
    ("numeric-2-53", "2^53 is a string.", "numeric", "9007199254740992"),
    (
        "numeric-2-53-and-1",
        "So is 2^53 + 1, which binary64 does not have.",
        "numeric",
        "9007199254740993",
    ),
    ("numeric-minus-2-53-and-1", "-2^53 + 1 is a number.", "numeric", "-9007199254740991"),
    ("numeric-minus-2-53", "-2^53 is a string.", "numeric", "-9007199254740992"),
    (
        "numeric-2-53-less-one-half",
        "2^53 - 1/2 has 17 digits and is no integer: a string.",
        "numeric",
        "9007199254740991.5",
    ),
    (
        "numeric-17-digits-ending-in-zeros",
        "Zeros at the end are no digits: a number beyond 2^53.",
        "numeric",
        "90071992547409900",
    ),
    (
        "numeric-bigint-smallest",
        "So is -2^63, the smallest BIGINT.",
        "numeric",
        "-9223372036854775808",
    ),
    ("numeric-15-digits", "15 digits are a number.", "numeric", "123456789012.345"),
    ("numeric-16-digits", "16 digits are a string.", "numeric", "1234567890123.456"),
    (
        "numeric-16-digits-below-1",
        "A zero stands before the point.",
        "numeric",
        "0.1234567890123456",
    ),
    (
        "numeric-16-digits-with-scale",
        "A string has no zeros at its end.",
        "numeric",
        "1234567890123.45600",
    ),
    ("numeric-e-20", "10^20 is a number, without an exponent.", "numeric", "100000000000000000000"),
    ("numeric-e-21", "10^21 is a string.", "numeric", "1000000000000000000000"),
    (
        "numeric-15-digits-e-20",
        "15 digits and zeros up to 10^20 are a number.",
        "numeric",
        "123456789012345000000",
    ),
    ("numeric-e-minus-7", "10^-7 is a number, with an exponent.", "numeric", "0.0000001"),
    ("numeric-e-minus-8", "10^-8 is a string.", "numeric", "0.00000001"),
    (
        "numeric-15-digits-e-minus-7",
        "15 digits from 10^-7 on are a number.",
        "numeric",
        "0.000000123456789012345",
    ),
    (
        "numeric-38-digits-around-point",
        "38 digits on both sides of the point.",
        "numeric",
        "-1234567890123456789.0123456789012345678",
    ),
];

const NUMERICS_AS_CELLS: &[One] = &[
    ("numeric-plus", "A plus sign says nothing.", "numeric", "+5"),
    ("numeric-leading-zeros", "Nor do zeros in front.", "numeric", "-007.5"),
    ("numeric-no-digit-before-point", "There may be no digit before the point.", "numeric", ".5"),
    ("numeric-no-digit-behind-point", "Or none behind it.", "numeric", "5."),
    ("numeric-minus-zero", "Zero has no sign.", "numeric", "-0"),
    (
        "numeric-zero-with-huge-exponent",
        "Nor an exponent, however large it was.",
        "numeric",
        "0.0e999999999999999999999",
    ),
    ("numeric-exponent-upper-case", "15E-1 is 1.5.", "numeric", "15E-1"),
    ("numeric-exponent-leading-zeros", "An exponent may begin with zeros.", "numeric", "1e-0002"),
    ("numeric-exponent-behind-point", "It may follow a point.", "numeric", "1.e2"),
    ("numeric-exponent-e-20", "With m = 15, e = 20 is a number.", "numeric", "123456789012345e6"),
    ("numeric-exponent-e-21", "e = 21 is a string.", "numeric", "123456789012345e7"),
    ("numeric-exponent-e-minus-7", "e = -7 is a number.", "numeric", "1.23456789012345e-7"),
    ("numeric-exponent-e-minus-8", "e = -8 is a string.", "numeric", "1.23456789012345e-8"),
    (
        "numeric-exponent-2-53-less-1",
        "2^53 - 1 is a number however it is spelled.",
        "numeric",
        "90071992547409910e-1",
    ),
    ("numeric-exponent-2-53", "2^53 is a string.", "numeric", "9.007199254740992E+15"),
    ("numeric-e-100", "A string has all its zeros.", "numeric", "1e100"),
    ("numeric-e-minus-100", "So has one with a point.", "numeric", "-12e-100"),
    (
        "numeric-100-digits",
        "It has all its digits.",
        "numeric",
        concat!(
            "12345678901234567890123456789012345678901234567890.",
            "12345678901234567890123456789012345678901234567891"
        ),
    ),
];

const FLOATS: &[One] = &[
    ("float8-minus-zero", "Zero has no sign.", "float8", "-0"),
    ("float8-one-tenth", "A number: the shortest decimal.", "float8", "0.1"),
    ("float8-sum", "The sum of -0.1 and -0.2 has 17.", "float8", "-0.30000000000000004"),
    (
        "float8-2-53",
        "A whole one has no point, and is no string beyond 2^53.",
        "float8",
        "9007199254740992",
    ),
    ("float8-e-20", "10^20 has no exponent.", "float8", "100000000000000000000"),
    ("float8-e-21", "10^21 has one, and is no string.", "float8", "1e21"),
    (
        "float8-e-23",
        "10^23 lies halfway between two binary64s, and is the shortest decimal of the even one.",
        "float8",
        "1e23",
    ),
    ("float8-e-minus-7", "So has 10^-7.", "float8", "0.0000001"),
    ("float8-largest", "The largest.", "float8", "1.7976931348623157e308"),
    ("float8-smallest-normal", "The smallest normal one.", "float8", "2.2250738585072014e-308"),
    ("float8-largest-subnormal", "The largest subnormal one.", "float8", "2.225073858507201e-308"),
    ("float8-smallest", "The smallest of all has one digit.", "float8", "5e-324"),
    (
        "float4-one-tenth",
        "The shortest decimal of the binary32, which is not that of the same binary64.",
        "float4",
        "0.1",
    ),
    (
        "float8-one-tenth-of-float4",
        "As a binary64 the same value has other digits.",
        "float8",
        "0.10000000149011612",
    ),
    ("float4-one-third", "A binary32 may need 8 digits.", "float4", "-0.33333334"),
    ("float4-nine-digits", "Or 9.", "float4", "1.00000012"),
    (
        "float4-2-33",
        "Behind the digits of the shortest decimal stand zeros.",
        "float4",
        "8589934592",
    ),
    ("float4-2-53", "Not the digits of the integer.", "float4", "9007199254740992"),
    ("float4-largest", "The largest.", "float4", "3.4028235e38"),
    ("float4-smallest-normal", "The smallest normal one.", "float4", "1.1754944e-38"),
    ("float4-largest-subnormal", "The largest subnormal one.", "float4", "1.1754942e-38"),
    ("float4-smallest", "The smallest of all has one digit.", "float4", "1e-45"),
];

const FLOATS_AS_CELLS: &[One] = &[
    ("float8-spelling", "The spellings of a numeral are one float.", "float8", "+000.50E+1"),
    ("float8-zero-with-huge-exponent", "Zero is not too small.", "float8", "0e-99999999999999999"),
    (
        "float8-halfway-to-even-below",
        "2^53 + 1 lies halfway, and the even neighbour is below.",
        "float8",
        "9007199254740993",
    ),
    (
        "float8-halfway-to-even-above",
        "2^53 + 3 lies halfway, and the even neighbour is above.",
        "float8",
        "9007199254740995",
    ),
    (
        "float8-halfway-fraction",
        "1 + 2^-53 lies halfway, and 1 is even.",
        "float8",
        "1.00000000000000011102230246251565404236316680908203125",
    ),
    (
        "float8-above-halfway",
        "One digit far behind puts it above the middle.",
        "float8",
        "1.0000000000000001110223024625156540423631668090820312500000000000000000000000000001",
    ),
    (
        "float8-below-halfway",
        "Or below.",
        "float8",
        "1.000000000000000111022302462515654042363166809082031249999999999999999999999999999",
    ),
    (
        "float8-shortened",
        "Digits that binary64 does not keep are rounded, not refused.",
        "float8",
        "3.14159265358979323846264338327950288",
    ),
    (
        "float8-largest-rounded",
        "What rounds to the largest is not too large.",
        "float8",
        "1.7976931348623158e308",
    ),
    (
        "float8-smallest-rounded",
        "What rounds to the smallest is not too small.",
        "float8",
        "2.4703282292062328e-324",
    ),
    (
        "float8-near-smallest-normal",
        "This one rounds up to the smallest normal.",
        "float8",
        "2.2250738585072012e-308",
    ),
    (
        "float8-near-largest-subnormal",
        "This one down to the largest subnormal.",
        "float8",
        "2.2250738585072011e-308",
    ),
    (
        "float4-halfway-to-even-below",
        "2^24 + 1 lies halfway, and the even neighbour is below.",
        "float4",
        "16777217",
    ),
    (
        "float4-halfway-to-even-above",
        "2^24 + 3 lies halfway, and the even neighbour is above.",
        "float4",
        "16777219",
    ),
    (
        "float4-rounded-once-above",
        "Rounded to binary64 first, this one would lie halfway and go down.",
        "float4",
        "1.00000005960464477539062500000001",
    ),
    (
        "float4-rounded-once-below",
        "This one would go up.",
        "float4",
        "1.00000017881393432617187499999999",
    ),
    (
        "float4-digits-of-float8",
        "The digits of a binary64 are rounded.",
        "float4",
        "0.30000001192092896",
    ),
    (
        "float4-largest-rounded",
        "What rounds to the largest is not too large.",
        "float4",
        "340282356779733661637539395458142568447",
    ),
    (
        "float4-smallest-rounded",
        "What rounds to the smallest is not too small.",
        "float4",
        "7.006492321624086e-46",
    ),
];

const TEXTS: &[One] = &[
    ("text-empty", "The empty text is not NULL.", "text", ""),
    ("text-spaces", "Spaces stay, at the end too.", "text", "  a b  "),
    ("text-escapes", "A text is written as a JSON string.", "text", "say \"hi\" \\ / \n\r\t"),
    ("text-controls", "With escapes for controls.", "text", "\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}"),
    (
        "text-characters",
        "Characters of two, three and four bytes stay as they are.",
        "text",
        "\u{e9}\u{20ac}\u{ffff}\u{10000}\u{1f600}\u{10ffff}",
    ),
    ("text-nfc-and-nfd", "Composed or not.", "text", "\u{e9} e\u{301}"),
    ("text-json", "A text is not read as JSON, nor folded.", "text", r#"{"A":1.50}"#),
    (
        "text-digits",
        "Its digits are those of numeric-2-53-and-1, and so is its proof.",
        "text",
        "9007199254740993",
    ),
];

const CHARS_AS_CELLS: &[One] = &[
    ("char-padded", "Spaces at the end do not count.", "char", "ab   "),
    ("char-spaces", "If there is nothing else, nothing is left.", "char", "   "),
    ("char-leading", "Spaces elsewhere stay.", "char", "  a b "),
    ("char-tab", "A tab at the end is no space.", "char", "a \t"),
    ("char-no-break-space", "Nor is U+00A0.", "char", "a\u{a0}"),
];

const BYTES: &[One] = &[
    ("bytes-0", "No bytes.", "bytes", ""),
    ("bytes-1", "One byte is two characters.", "bytes", "00"),
    ("bytes-2", "Two bytes are three.", "bytes", "ff00"),
    ("bytes-3", "Three bytes are four.", "bytes", "010203"),
    ("bytes-url", "The alphabet has a hyphen and an underscore.", "bytes", "fbf0ffefbe"),
];

const HEX_AS_CELLS: &[One] = &[
    ("bytes-mixed-case", "Hex digits may be in either case.", "bytes", "DEADbEeF"),
    (
        "uuid-mixed-case",
        "A UUID is written in lower case, however it was read.",
        "uuid",
        "01234567-89ab-CDEF-0123-456789AbCdEf",
    ),
];

const UUIDS: &[One] = &[
    ("uuid", "A UUID.", "uuid", "01234567-89ab-cdef-0123-456789abcdef"),
    ("uuid-largest", "The largest, of no version.", "uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
];

const DATES: &[One] = &[
    ("date-before-epoch", "The day before that from which engines count.", "date", "1969-12-31"),
    ("date-first", "The first day.", "date", "0001-01-01"),
    ("date-last", "The last day.", "date", "9999-12-31"),
    ("date-leap", "A leap day.", "date", "2024-02-29"),
    ("date-leap-400", "The year 2000 is a leap year.", "date", "2000-02-29"),
    (
        "date-1582-10-10",
        "The Gregorian calendar holds before it was made: no day is left out.",
        "date",
        "1582-10-10",
    ),
    ("date-leap-before-1582", "The year 4 is a leap year.", "date", "0004-02-29"),
];

const TIMES: &[One] = &[
    ("time", "A time has six digits of fraction.", "time", "21:00:00.5"),
    ("time-last", "The last of a day.", "time", "23:59:59.999999"),
    ("time-microsecond", "The smallest fraction.", "time", "00:00:00.000001"),
];

const TIMES_AS_CELLS: &[One] = &[
    ("time-fraction-7", "A seventh digit may be 0.", "time", "12:34:56.1234560"),
    ("time-fraction-30", "So may 24 more.", "time", "12:34:56.100000000000000000000000000000"),
];

const TIMESTAMPS: &[One] = &[
    ("timestamp", "A timestamp without zone.", "timestamp", "2026-11-22 21:00:00.5"),
    (
        "timestamp-before-epoch",
        "The microsecond before that from which engines count.",
        "timestamp",
        "1969-12-31 23:59:59.999999",
    ),
    ("timestamp-first", "The first.", "timestamp", "0001-01-01 00:00:00"),
    ("timestamp-last", "The last.", "timestamp", "9999-12-31 23:59:59.999999"),
    (
        "timestamptz",
        "A timestamp with zone is written in UTC.",
        "timestamptz",
        "2026-11-22 21:00:00.5+01",
    ),
    ("timestamptz-day-before", "The day may change.", "timestamptz", "2026-11-22 00:30:00+01"),
    ("timestamptz-day-behind", "In both directions.", "timestamptz", "2026-11-22 23:30:00-01"),
    (
        "timestamptz-leap-day-before",
        "To a leap day.",
        "timestamptz",
        "2024-03-01 05:29:59.999999+05:30",
    ),
    ("timestamptz-year-before", "The year may change.", "timestamptz", "2024-01-01 00:00:00+05:45"),
    (
        "timestamptz-year-behind",
        "In both directions.",
        "timestamptz",
        "2023-12-31 23:59:59.999999-01",
    ),
    ("timestamptz-first", "The first.", "timestamptz", "0001-01-01 00:00:00+00"),
    ("timestamptz-last", "The last.", "timestamptz", "9999-12-31 23:59:59.999999+00"),
];

const TIMESTAMPS_AS_CELLS: &[One] = &[
    ("timestamp-t", "T may stand for the space.", "timestamp", "2026-11-22T21:00:00.5"),
    (
        "timestamp-fraction-7",
        "A seventh digit may be 0.",
        "timestamp",
        "2026-11-22 21:00:00.1234560",
    ),
    ("timestamptz-z", "Z is UTC.", "timestamptz", "2026-11-22T21:00:00Z"),
    ("timestamptz-word-utc", "The word is UTC.", "timestamptz", "2026-11-22 21:00:00UTC"),
    (
        "timestamptz-space-word-utc",
        "A space may stand before it.",
        "timestamptz",
        "2026-11-22 21:00:00 UTC",
    ),
    (
        "timestamptz-hours-minutes",
        "An offset may have minutes.",
        "timestamptz",
        "2026-11-22 21:00:00+05:30",
    ),
    ("timestamptz-four-digits", "Without a colon.", "timestamptz", "2026-11-22 21:00:00+0530"),
    (
        "timestamptz-hours-minutes-seconds",
        "With seconds, as places had before there were zones.",
        "timestamptz",
        "1890-01-01 00:00:00-00:25:21",
    ),
    ("timestamptz-space-offset", "Behind a space too.", "timestamptz", "2026-11-22 21:00:00 -0800"),
    ("timestamptz-minus-zero", "Minus zero is zero.", "timestamptz", "2026-11-22 21:00:00-00:00"),
    (
        "timestamptz-largest-offset",
        "The largest offset.",
        "timestamptz",
        "2026-11-22 21:00:00+23:59:59",
    ),
    (
        "timestamptz-smallest-offset",
        "And the smallest.",
        "timestamptz",
        "2026-11-22 21:00:00-23:59:59",
    ),
    (
        "timestamptz-first-in-utc",
        "The first moment may be told with an offset.",
        "timestamptz",
        "0001-01-01 01:00:00+01",
    ),
    ("timestamptz-last-in-utc", "So may the last.", "timestamptz", "9999-12-31 22:59:59.999999-01"),
];

const JSON: &[One] = &[
    ("json-object", "A JSON document is the value it is.", "json", r#"{"b":1,"a":[true,null]}"#),
    ("json-case", "Its keys are not folded.", "json", r#"{"B":1,"b":2,"A":3}"#),
    ("json-numbers", "Its numbers are spelled anew.", "json", "[1.50,15e-1,-0.0,1E21,1e-7]"),
    (
        "json-long-number",
        "The rules for exact numerics do not hold in it: this is no string.",
        "json",
        "1234567890.1234567",
    ),
    ("json-strings", "Its strings too.", "json", r#"["\u0041\/\u000a\u001F","\ud83d\ude00"]"#),
    ("json-null", "JSON's null gives what SQL's NULL gives.", "json", "null"),
];

const JSON_AS_CELLS: &[One] = &[(
    "json-white-space",
    "White space around it is none of it.",
    "json",
    " \n{ \"a\" : 1 }\t\r\n",
)];

/// Whole rows, as cells and as rows.
pub(super) const WHOLES: &[Whole] = &[
    (
        "sample",
        "The sample of SPEC.md section 1.5.",
        concat!(
            r#"[["Id","numeric","7"],["price","numeric","12.50"],"#,
            r#"["at","timestamptz","2026-11-22 21:00:00.5+01"]]"#
        ),
    ),
    (
        "order",
        "The order of columns does not matter: one of two with one proof.",
        r#"[["a","text","x"],["b","numeric","1"],["c","boolean","true"]]"#,
    ),
    (
        "order-reversed",
        "The other.",
        r#"[["c","boolean","true"],["b","numeric","1"],["a","text","x"]]"#,
    ),
    (
        "names-fold",
        "The case of A to Z in names does not matter: the same proof again.",
        r#"[["A","text","x"],["B","numeric","1"],["c","boolean","true"]]"#,
    ),
    (
        "names-fold-whole-alphabet",
        "From A to Z, and not the characters around them.",
        r#"[["ABCDEFGHIJKLMNOPQRSTUVWXYZ","text","x"],["@[`{","text","x"]]"#,
    ),
    (
        "names-fold-only-ascii",
        "Other letters are not folded: these are four names.",
        r#"[["\u00c4","text","1"],["\u00e4","text","2"],["\u212a","text","3"],["k","text","4"]]"#,
    ),
    (
        "names-fold-before-sorting",
        "Names are sorted as they are written.",
        r#"[["B","text","1"],["a","text","2"],["_","text","3"],["C","text","4"]]"#,
    ),
    (
        "names-utf16",
        "U+1F600, whose first unit is D83D, comes before U+FB33.",
        r#"[["\ufb33","text","1"],["\ud83d\ude00","text","2"],["\u20ac","text","3"]]"#,
    ),
    (
        "names-escapes",
        "A name may need escapes.",
        r#"[["say \"hi\"","text","1"],["a\\b","text","2"],["a b","text","3"],["7","text","4"]]"#,
    ),
    (
        "names-nfc-and-nfd",
        "A composed and a decomposed name are two.",
        r#"[["\u00e9","text","1"],["e\u0301","text","2"]]"#,
    ),
    (
        "nulls",
        "NULL is null, whatever its type.",
        concat!(
            r#"[["a","boolean",null],["b","numeric",null],["c","float8",null],"#,
            r#"["d","float4",null],["e","text",null],["f","bytes",null],["g","uuid",null],"#,
            r#"["h","date",null],["i","time",null],["j","timestamp",null],"#,
            r#"["k","timestamptz",null],["l","json",null],["m","text[]",null]]"#
        ),
    ),
    ("array-empty", "An array may be empty.", r#"[["a","text[]",[]]]"#),
    (
        "array-nulls",
        "NULL elements are null.",
        r#"[["a","numeric[]",[null,"1.50",null,"9007199254740993"]]]"#,
    ),
    (
        "array-nested",
        "Dimensions nest.",
        r#"[["a","numeric[][]",[["1","2"],["3","4"],["5",null]]]]"#,
    ),
    (
        "array-3-dimensions",
        "There may be more than two.",
        r#"[["a","text[][][]",[[["x"],["y"]],[["z"],[null]]]]]"#,
    ),
    (
        "array-json",
        "JSON documents in an array.",
        r#"[["a","json[]",["{\"B\":1.0}",null,"null","[1]"]]]"#,
    ),
    (
        "struct",
        "A struct is written as a row.",
        r#"[["a","struct",[["Y","numeric","1.50"],["X","text",null]]]]"#,
    ),
    (
        "struct-nested",
        "A struct in a struct.",
        r#"[["a","struct",[["B","struct",[["C","struct",[["D","date","2026-11-22"]]]]]]]]"#,
    ),
    (
        "struct-array",
        "Structs in an array.",
        concat!(
            r#"[["a","struct[]",[[["Y","numeric","1"],["X","text","x"]],null,"#,
            r#"[["Y","numeric","2"],["X","text","y"]]]]]"#
        ),
    ),
    (
        "map",
        "A map is an object, and its keys are not folded.",
        r#"[["a","map",[["b","text","1"],["B","text","2"],["A","text","3"]]]]"#,
    ),
    (
        "map-empty-key",
        "A key may be empty.",
        r#"[["a","map",[["x","numeric","1"],["","numeric","2"]]]]"#,
    ),
    (
        "map-utf16",
        "Keys are sorted.",
        r#"[["a","map",[["\ufb33","numeric","1"],["\ud83d\ude00","numeric",null]]]]"#,
    ),
    (
        "map-of-structs",
        "Names fold again in a struct inside a map.",
        concat!(
            r#"[["A","map",[["K","struct",[["X","numeric","1"]]],"#,
            r#"["k","struct",[["X","numeric","2"]]]]]]"#
        ),
    ),
    (
        "map-in-struct",
        "And keys do not in a map inside a struct.",
        r#"[["A","struct",[["M","map",[["K","text","x"]]]]]]"#,
    ),
    (
        "all-types",
        "A column of each type.",
        concat!(
            r#"[["flag","boolean","true"],["amount","numeric","12.50"],["ratio","float8","0.1"],"#,
            r#"["weight","float4","0.1"],["name","text","\u00c4 \"7\""],["raw","bytes","fbff"],"#,
            r#"["key","uuid","01234567-89ab-cdef-0123-456789abcdef"],["day","date","2026-11-22"],"#,
            r#"["hour","time","21:00:00.5"],["at","timestamp","2026-11-22 21:00:00"],"#,
            r#"["sent","timestamptz","2026-11-22 21:00:00+01"],"#,
            r#"["extra","json","{\"B\":1.0,\"a\":null}"],["parts","numeric[]",["1","2.50",null]],"#,
            r#"["Place","struct",[["City","text","Ulm"]]],["tags","map",[["K","text","v"]]]]"#
        ),
    ),
];

/// Whole rows that only cells can be.
pub(super) const WHOLES_AS_CELLS: &[Whole] = &[
    ("empty", "A row without columns is an empty object.", "[]"),
    (
        "white-space",
        "Cells may be reprinted.",
        " [ [ \"a\" , \"text\" ,\n\"x\" ] ,\r\n\t[ \"b\", \"numeric\", \"1\" ] ] ",
    ),
    (
        "escapes",
        "Name, type and value are what their strings say.",
        r#"[["\u0041","t\u0065xt","\u0078"],["b","numeric","\u0031"]]"#,
    ),
    ("char-array", "Spaces do not count in an array.", r#"[["a","char[]",["a ","b",null]]]"#),
    (
        "time-fractions",
        "A fraction of one to six digits.",
        concat!(
            r#"[["a","time[]",["12:34:56.1","12:34:56.12","12:34:56.123","#,
            r#""12:34:56.1234","12:34:56.12345","12:34:56.123456"]]]"#
        ),
    ),
    (
        "nulls-of-containers",
        "NULL is null for structs, maps and what they are in.",
        concat!(
            r#"[["a","struct",null],["b","map",null],["c","struct[]",null],["d","map[]",null],"#,
            r#"["e","text[][]",null],["f","char",null],["g","char[]",[null]]]"#
        ),
    ),
    (
        "array-ragged",
        "Arrays in an array may be of any length, or NULL.",
        r#"[["a","text[][]",[["x",null],[],null,["y"]]]]"#,
    ),
    ("array-empty-nested", "Or all of them empty.", r#"[["a","text[][]",[[],[]]]]"#),
    ("struct-empty", "A struct may be empty.", r#"[["a","struct",[]]]"#),
    (
        "struct-array-of-different",
        "Structs in an array need not be alike.",
        r#"[["a","struct[]",[[["X","text","x"]],[],[["Y","date",null]]]]]"#,
    ),
    (
        "struct-array-nested",
        "They may stand in an array of arrays.",
        r#"[["a","struct[][]",[[[["X","text","x"]],null],[]]]]"#,
    ),
    (
        "map-of-different",
        "The values of a map need not be of one type.",
        r#"[["a","map",[["x","text","1"],["y","numeric","1"],["z","map",[["","json","{}"]]]]]]"#,
    ),
    (
        "map-array",
        "Maps in an array.",
        r#"[["a","map[]",[[["K","text","x"]],[],null,[["","text",null]]]]]"#,
    ),
    (
        "name-long",
        "A name may be longer than engines allow.",
        concat!(
            r#"[["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"#,
            r#"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789","text","x"]]"#
        ),
    ),
    ("name-control", "It may hold a control.", r#"[["a\u0001\n","text","x"]]"#),
];
