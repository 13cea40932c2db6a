//! Rows that are refused, by code. Each has one fault.

use precise_core::Code;

use super::{One, Whole};

/// Rows of one column, as cells and as rows.
pub(super) const ONES: &[(Code, &[One])] = &[
    (
        Code::LoneSurrogate,
        &[("json-surrogate", "Half a character in a JSON column.", "json", r#"{"a":"\ud800"}"#)],
    ),
    (
        Code::DuplicateKey,
        &[("json-repeated-key", "A key twice in a JSON column.", "json", r#"{"a":1,"a":2}"#)],
    ),
    (
        Code::NullCharacter,
        &[("json-null-character", "U+0000 in a JSON column.", "json", r#"["a\u0000"]"#)],
    ),
    (
        Code::DateTime,
        &[
            (
                "timestamptz-before-first",
                "In UTC it is in the year 0.",
                "timestamptz",
                "0001-01-01 00:59:59.999999+01",
            ),
            (
                "timestamptz-behind-last",
                "In UTC it is in the year 10000.",
                "timestamptz",
                "9999-12-31 23:00:00-01",
            ),
        ],
    ),
    (
        Code::NumberPrecision,
        &[("json-precision", "2^53 + 1 in a JSON column.", "json", "[9007199254740993]")],
    ),
    (
        Code::NumberRange,
        &[
            ("json-range", "A number too large in a JSON column.", "json", "[1e400]"),
            ("float8-nan", "NaN is no number.", "float8", "NaN"),
            ("float8-infinity", "Nor is infinity.", "float8", "Infinity"),
            ("float4-nan", "Nor is NaN in a binary32.", "float4", "NaN"),
        ],
    ),
];

/// Whole rows, as cells and as rows.
pub(super) const WHOLES: &[(Code, &[Whole])] = &[
    (
        Code::DuplicateKey,
        &[(
            "map-repeated-key",
            "A map has a key twice.",
            r#"[["a","map",[["x","text","1"],["x","text","2"]]]]"#,
        )],
    ),
    (
        Code::NullCharacter,
        &[
            ("text-null-character", "U+0000 in a text.", r#"[["a","text","x\u0000y"]]"#),
            (
                "struct-null-character",
                "U+0000 in a struct.",
                r#"[["a","struct",[["x","text","\u0000"]]]]"#,
            ),
        ],
    ),
    (
        Code::ColumnNames,
        &[
            (
                "names-equal-folded",
                "Two names are equal after folding.",
                r#"[["Id","numeric","1"],["b","text","x"],["iD","numeric","1"]]"#,
            ),
            (
                "struct-names-equal-folded",
                "Two in a struct.",
                r#"[["a","struct",[["x","text","1"],["X","text","2"]]]]"#,
            ),
            (
                "struct-array-names-equal-folded",
                "Two in a struct in an array.",
                r#"[["a","struct[]",[[["x","text","1"],["X","text","2"]]]]]"#,
            ),
        ],
    ),
    (
        Code::NumberRange,
        &[(
            "float8-nan-in-struct",
            "NaN in a struct.",
            r#"[["a","struct",[["x","float8","NaN"]]]]"#,
        )],
    ),
];

/// Rows of one column that can only be had as cells.
pub(super) const ONES_AS_CELLS: &[(Code, &[One])] = &[
    (
        Code::ByteOrderMark,
        &[("json-bom", "A JSON column begins with a mark.", "json", "\u{feff}{}")],
    ),
    (Code::Syntax, &[("json-syntax", "A JSON column that is no JSON.", "json", "{a:1}")]),
    (
        Code::UnexpectedEnd,
        &[
            ("json-cut", "A JSON column that is cut.", "json", r#"{"a":[1"#),
            ("json-empty-text", "An empty one is cut too.", "json", ""),
        ],
    ),
    (Code::TrailingBytes, &[("json-two", "A JSON column with two documents.", "json", "{} {}")]),
    (Code::ColumnType, UNKNOWN_TYPES),
    (Code::DateTime, NO_DATE_TIMES),
    (Code::CellText, NO_TRUTH_VALUES),
    (Code::CellText, NO_NUMERALS),
    (Code::CellText, NO_HEX),
    (Code::CellText, NO_DATES),
    (Code::CellText, NO_TIMES),
    (Code::CellText, NO_TIMESTAMPS),
    (Code::CellText, NO_OFFSETS),
    (Code::NumberRange, OUT_OF_RANGE),
];

const UNKNOWN_TYPES: &[One] = &[
    ("type-unknown", "There is no such type.", "money", "1"),
    ("type-timetz", "SQL has types that are not minted.", "timetz", "21:00:00+01"),
    ("type-alias", "A type has one name.", "integer", "1"),
    ("type-upper-case", "It is lower case.", "TEXT", "x"),
    ("type-length", "It has no length.", "char(3)", "x"),
    ("type-space", "No space stands around it.", "text ", "x"),
    ("type-empty", "It is not empty.", "", "x"),
    ("type-array-length", "It has no length.", "text[3]", "x"),
];

const NO_DATE_TIMES: &[One] = &[
    ("date-infinity", "An infinite date.", "date", "infinity"),
    ("date-minus-infinity", "In either direction.", "date", "-infinity"),
    ("date-year-10000", "A year of five digits.", "date", "10000-01-01"),
    (
        "date-eight-digits",
        "What begins with more than four digits is read as such a year.",
        "date",
        "20261122",
    ),
    ("date-year-0", "The year 0.", "date", "0000-12-31"),
    ("date-bc", "A year before it.", "date", "0044-03-15 BC"),
    ("time-24", "The end of a day is no time of day.", "time", "24:00:00"),
    ("time-24-fraction", "With a fraction of zeros neither.", "time", "24:00:00.000000"),
    ("time-seventh-digit", "A seventh digit that is not 0.", "time", "00:00:00.0000001"),
    ("time-ninth-digit", "A ninth one: a nanosecond.", "time", "12:34:56.123456001"),
    ("timestamp-infinity", "An infinite timestamp.", "timestamp", "infinity"),
    ("timestamp-year-10000", "A year of five digits.", "timestamp", "10000-01-01 00:00:00"),
    ("timestamp-number", "So is a count of seconds.", "timestamp", "1795381200"),
    ("timestamp-year-0", "The year 0.", "timestamp", "0000-12-31 23:59:59"),
    ("timestamp-bc", "A year before it.", "timestamp", "0044-03-15 12:00:00 BC"),
    (
        "timestamp-24",
        "The end of a day is not the beginning of the next.",
        "timestamp",
        "2026-11-22 24:00:00",
    ),
    ("timestamptz-infinity", "An infinite timestamp with zone.", "timestamptz", "infinity"),
    (
        "timestamptz-year-10000",
        "A year of five digits, though it is another in UTC.",
        "timestamptz",
        "10000-01-01 00:00:00+01",
    ),
    (
        "timestamptz-year-0",
        "The year 0, though it is another in UTC.",
        "timestamptz",
        "0000-12-31 23:30:00-01",
    ),
    ("timestamptz-24", "Nor is it in a zone.", "timestamptz", "2026-11-22 24:00:00+00"),
    (
        "timestamptz-fraction-7",
        "A seventh digit that is not 0.",
        "timestamptz",
        "2026-11-22 21:00:00.1234567Z",
    ),
];

const NO_TRUTH_VALUES: &[One] = &[
    ("boolean-upper-case", "A truth value is lower case.", "boolean", "TRUE"),
    ("boolean-digit", "It is no number.", "boolean", "1"),
    ("boolean-empty", "It is not empty.", "boolean", ""),
];

const NO_NUMERALS: &[One] = &[
    ("numeric-empty", "The empty text is no number.", "numeric", ""),
    ("numeric-sign", "Nor is a sign.", "numeric", "-"),
    ("numeric-point", "Nor is a point.", "numeric", "."),
    ("numeric-two-signs", "One sign is enough.", "numeric", "--1"),
    ("numeric-two-points", "One point is enough.", "numeric", "1.2.3"),
    ("numeric-comma", "A comma is no point.", "numeric", "1,5"),
    ("numeric-group-underscore", "Digits stand in no groups.", "numeric", "1_000"),
    ("numeric-space-behind", "No space stands behind it.", "numeric", "1 "),
    ("numeric-hex", "It is decimal.", "numeric", "0x10"),
    ("numeric-exponent-only", "There is a digit before the exponent.", "numeric", "e5"),
    ("numeric-exponent-empty", "And one behind the e.", "numeric", "1e"),
    ("numeric-exponent-fraction", "The exponent is an integer.", "numeric", "1e1.5"),
    ("numeric-digits-outside-ascii", "Digits are ASCII.", "numeric", "\u{661}\u{662}"),
    ("numeric-nan-with-more", "NaN is one word.", "numeric", "nan0"),
    ("float8-hex", "A binary64 is decimal too.", "float8", "0x1p3"),
    ("float8-space", "And has no space.", "float8", "1.5 "),
    ("float4-comma", "Nor has a binary32 a comma.", "float4", "1,5"),
];

const NO_HEX: &[One] = &[
    ("bytes-odd", "A byte is two digits.", "bytes", "abc"),
    ("bytes-not-hex", "g is no digit.", "bytes", "0g"),
    ("bytes-prefix", "There is no prefix 0x.", "bytes", "0xff"),
    ("bytes-space", "Nor a space.", "bytes", "ff ff"),
    ("uuid-without-hyphens", "It has hyphens.", "uuid", "0123456789abcdef0123456789abcdef"),
    ("uuid-other-hyphens", "At their places.", "uuid", "0123-456789ab-cdef-0123-456789abcdef"),
    ("uuid-braces", "It has no braces.", "uuid", "{01234567-89ab-cdef-0123-456789abcdef}"),
    ("uuid-short", "35 characters are too few.", "uuid", "01234567-89ab-cdef-0123-456789abcde"),
    ("uuid-not-hex", "g is no digit of a UUID.", "uuid", "g1234567-89ab-cdef-0123-456789abcdef"),
];

const NO_DATES: &[One] = &[
    ("date-empty", "The empty text is no date.", "date", ""),
    ("date-february-29", "2023 is no leap year.", "date", "2023-02-29"),
    ("date-february-29-1900", "Nor is 1900.", "date", "1900-02-29"),
    ("date-april-31", "April has 30 days.", "date", "2026-04-31"),
    ("date-day-0", "It has no day 0.", "date", "2026-01-00"),
    ("date-month-13", "A year has 12 months.", "date", "2026-13-01"),
    ("date-short", "A month has two digits.", "date", "2026-1-01"),
    ("date-slashes", "Hyphens stand between them.", "date", "2026/01/01"),
    ("date-sign", "It has no sign.", "date", "-2026-01-01"),
    ("date-space-behind", "No space stands behind it.", "date", "2026-01-01 "),
    ("date-digits-outside-ascii", "Digits are ASCII.", "date", "\u{ff12}026-01-01"),
    ("date-infinity-upper-case", "The word is lower case.", "date", "Infinity"),
];

const NO_TIMES: &[One] = &[
    ("time-without-seconds", "It has seconds.", "time", "12:34"),
    ("time-hour-25", "No day has this hour.", "time", "25:00:00"),
    ("time-24-and-1", "A second behind its end is in no day.", "time", "24:00:01"),
    ("time-minute-60", "An hour has 60 minutes, from 0.", "time", "12:60:00"),
    ("time-second-60", "A leap second is no time of day.", "time", "23:59:60"),
    ("time-point-only", "Behind a point stands a digit.", "time", "12:34:56."),
    ("time-comma", "A comma is no point.", "time", "12:34:56,5"),
    ("time-infinity", "A time of day is in no year, infinite or not.", "time", "infinity"),
    ("time-bc", "Before the year 1 or not.", "time", "12:34:56 BC"),
    ("time-offset", "There is no zone.", "time", "12:34:56+01"),
];

const NO_TIMESTAMPS: &[One] = &[
    ("timestamp-date", "A date alone is none.", "timestamp", "2026-11-22"),
    ("timestamp-two-spaces", "One space stands in it.", "timestamp", "2026-11-22  21:00:00"),
    ("timestamp-lower-t", "Or a T, in upper case.", "timestamp", "2026-11-22t21:00:00"),
    ("timestamp-z", "There is no zone.", "timestamp", "2026-11-22T21:00:00Z"),
    ("timestamp-february-29", "There is such a day.", "timestamp", "2023-02-29 00:00:00"),
    ("timestamp-hour-25", "And such a time.", "timestamp", "2026-11-22 25:00:00"),
];

const NO_OFFSETS: &[One] = &[
    ("timestamptz-without-zone", "There is a zone.", "timestamptz", "2026-11-22 21:00:00"),
    (
        "timestamptz-two-spaces",
        "One space may stand before it.",
        "timestamptz",
        "2026-11-22 21:00:00  Z",
    ),
    ("timestamptz-lower-z", "Z is upper case.", "timestamptz", "2026-11-22T21:00:00z"),
    ("timestamptz-name", "It has no name.", "timestamptz", "2026-11-22 21:00:00 Europe/Berlin"),
    ("timestamptz-one-digit", "An offset has two digits.", "timestamptz", "2026-11-22 21:00:00+1"),
    ("timestamptz-three-digits", "Not three.", "timestamptz", "2026-11-22 21:00:00+053"),
    ("timestamptz-six-digits", "Nor six.", "timestamptz", "2026-11-22 21:00:00+053000"),
    (
        "timestamptz-colon-only",
        "Behind a colon stand two.",
        "timestamptz",
        "2026-11-22 21:00:00+05:",
    ),
    ("timestamptz-hour-24", "It is less than a day.", "timestamptz", "2026-11-22 21:00:00+24"),
    ("timestamptz-minute-60", "Its minutes end.", "timestamptz", "2026-11-22 21:00:00+01:60"),
    ("timestamptz-second-60", "So do its seconds.", "timestamptz", "2026-11-22 21:00:00+01:00:60"),
    (
        "timestamptz-minus-sign",
        "U+2212 is no hyphen.",
        "timestamptz",
        "2026-11-22 21:00:00\u{2212}01",
    ),
];

const OUT_OF_RANGE: &[One] = &[
    ("numeric-nan", "NaN is no number.", "numeric", "NaN"),
    ("numeric-minus-nan", "With no sign.", "numeric", "-NAN"),
    ("numeric-inf", "Nor is infinity, by its short name.", "numeric", "inf"),
    ("numeric-plus-infinity", "Or by its long one, in any case.", "numeric", "+iNfInItY"),
    ("float8-too-large", "It rounds to infinity.", "float8", "1.7976931348623159e308"),
    (
        "float8-far-too-large",
        "An exponent of 20 digits does not wrap.",
        "float8",
        "1e99999999999999999999",
    ),
    ("float8-too-small", "It is not zero, and rounds to it.", "float8", "2.4703282292062327e-324"),
    ("float8-far-too-small", "Nor does a negative one.", "float8", "1e-99999999999999999999"),
    (
        "float4-too-large",
        "Halfway between the largest and 2^128 is too large.",
        "float4",
        "340282356779733661637539395458142568448",
    ),
    ("float4-too-large-for-float8", "So is what a binary64 could hold.", "float4", "-1e39"),
    ("float4-too-small", "It is not zero, and rounds to it.", "float4", "7.006492321624085e-46"),
    ("float4-too-small-for-float8", "So does what a binary64 could hold.", "float4", "1e-60"),
];

/// Whole rows that only cells can be.
pub(super) const WHOLES_AS_CELLS: &[(Code, &[Whole])] = &[
    (Code::ByteOrderMark, &[("bom", "Cells that begin with a byte order mark.", "\u{feff}[]")]),
    (
        Code::Syntax,
        &[
            ("syntax", "Cells that are no JSON.", r#"[["a","text",'x']]"#),
            ("syntax-number", "What begins as a number and is none.", r#"[["a","numeric",-]]"#),
            ("syntax-control", "A bare control in a value.", "[[\"a\",\"text\",\"\n\"]]"),
        ],
    ),
    (
        Code::UnexpectedEnd,
        &[
            ("empty-text", "The empty text is no row.", ""),
            ("cut", "Nor is one that is cut.", r#"[["a","text","x"]"#),
        ],
    ),
    (Code::TrailingBytes, &[("two", "Two rows are not one.", "[] []")]),
    (
        Code::LoneSurrogate,
        &[
            ("value-surrogate", "Half a character in a value.", r#"[["a","text","\ud800"]]"#),
            ("name-surrogate", "Half a character in a name.", r#"[["\udc00","text","x"]]"#),
        ],
    ),
    (
        Code::NullCharacter,
        &[
            ("name-null-character", "U+0000 in a name.", r#"[["a\u0000","text","x"]]"#),
            (
                "map-key-null-character",
                "U+0000 in a map's key.",
                r#"[["a","map",[["\u0000","text","x"]]]]"#,
            ),
        ],
    ),
    (
        Code::DuplicateKey,
        &[(
            "map-repeated-empty-key",
            "The empty key may not repeat either.",
            r#"[["a","map",[["","text","1"],["","text",null]]]]"#,
        )],
    ),
    (
        Code::ColumnNames,
        &[
            ("name-empty", "A name is not empty.", r#"[["","text","x"]]"#),
            (
                "struct-name-empty",
                "Not in a struct either.",
                r#"[["a","struct",[["","text","x"]]]]"#,
            ),
            ("names-equal", "A name stands once.", r#"[["a","text","x"],["a","text","x"]]"#),
            (
                "names-equal-null",
                "Even if both are NULL.",
                r#"[["a","text",null],["A","numeric",null]]"#,
            ),
            (
                "struct-names-equal",
                "Once in a struct.",
                r#"[["a","struct",[["x","text","1"],["x","text","2"]]]]"#,
            ),
        ],
    ),
    (
        Code::ColumnType,
        &[
            ("type-of-null", "NULL has a known type too.", r#"[["a","money",null]]"#),
            ("type-of-array", "So have elements.", r#"[["a","money[]",["1"]]]"#),
            ("type-brackets-only", "Brackets are no type.", r#"[["a","[]",[]]]"#),
            (
                "type-in-struct",
                "In a struct types are the same.",
                r#"[["a","struct",[["x","money","1"]]]]"#,
            ),
        ],
    ),
    (
        Code::Cells,
        &[
            ("object", "Cells are an array, not an object.", r#"{"a":"x"}"#),
            ("object-cut", "An object is refused at its opening brace.", "{"),
            ("object-repeated-key", "So it does not matter what is in it.", r#"{"a":"x","a":"x"}"#),
            ("string", "Not a string.", r#""a""#),
            ("number", "Not a number.", "7"),
            ("null-json", "Not JSON's null.", "null"),
            ("cell-object", "A cell is an array, not an object.", r#"[{"a":"x"}]"#),
            ("cell-string", "Not a string.", r#"["a","text","x"]"#),
            ("cell-empty", "A cell has three elements, not none.", "[[]]"),
            ("cell-of-two", "Not two.", r#"[["a","text"]]"#),
            ("cell-of-four", "Not four.", r#"[["a","text","x","y"]]"#),
            ("name-null", "A name is a string, not null.", r#"[[null,"text","x"]]"#),
            ("name-array", "Not an array.", r#"[[["a"],"text","x"]]"#),
            ("type-null", "A type is a string, not null.", r#"[["a",null,"x"]]"#),
            ("value-number", "A value is a string, not a number.", r#"[["a","numeric",1]]"#),
            (
                "value-number-precision",
                "Whatever its digits.",
                r#"[["a","numeric",9007199254740993]]"#,
            ),
            ("value-number-range", "Whatever its size.", r#"[["a","numeric",1e400]]"#),
            ("value-object", "Not an object, in a JSON column either.", r#"[["a","json",{}]]"#),
            ("value-array", "Not an array, unless its type has one.", r#"[["a","text",["x"]]]"#),
            ("array-string", "The value of an array is no string.", r#"[["a","text[]","{x}"]]"#),
            ("array-too-flat", "It nests as deep as its type.", r#"[["a","text[][]",["x"]]]"#),
            ("array-too-deep", "And no deeper.", r#"[["a","text[]",[["x"]]]]"#),
            ("struct-string", "The value of a struct is no string.", r#"[["a","struct","(x)"]]"#),
            (
                "struct-cell-of-two",
                "Its cells have three elements.",
                r#"[["a","struct",[["x","text"]]]]"#,
            ),
            (
                "struct-without-array",
                "One cell is an array of one.",
                r#"[["a","struct",["x","text","y"]]]"#,
            ),
            ("map-string", "The value of a map is no string.", r#"[["a","map","{}"]]"#),
        ],
    ),
    (
        Code::DateTime,
        &[("array-year-0", "The year 0 in an array.", r#"[["a","date[]",["0000-01-01"]]]"#)],
    ),
    (
        Code::CellText,
        &[
            (
                "array-february-29",
                "A day that does not exist, in an array.",
                r#"[["a","date[]",["2024-02-29","2023-02-29"]]]"#,
            ),
            (
                "struct-boolean",
                "A wrong text in a struct.",
                r#"[["a","struct",[["x","boolean","yes"]]]]"#,
            ),
        ],
    ),
];

/// Code, name, comment, bytes: cells that no text can be.
pub(super) const RAW: &[(Code, &str, &str, &[u8])] = &[
    (Code::InvalidUtf8, "utf8", "A value is not UTF-8.", b"[[\"a\",\"text\",\"\xff\"]]"),
    (
        Code::InvalidUtf8,
        "utf8-surrogate",
        "Half a character has no UTF-8.",
        b"[[\"a\",\"text\",\"\xed\xa0\x80\"]]",
    ),
];
