//! A typed row as one JSON text, `[[name, type, value], …]`: the form that every engine can write
//! (SPEC.md section 1.5).

use alloc::string::String;
use alloc::vec::Vec;

use super::{RowEncoder, TimeUnit, calendar};
use crate::document::{Document, Tree};
use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text};
use crate::number::{self, Literal};

/// The types a cell may have; each may be followed by `[]`, also repeatedly.
pub const TYPES: &[&str] = &[
    "boolean",
    "bytes",
    "char",
    "date",
    "float4",
    "float8",
    "json",
    "map",
    "numeric",
    "struct",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
];

/// Cells that have been read, and not yet understood.
#[derive(Debug)]
pub struct Cells(Document);

impl Cells {
    /// Reads the text.
    ///
    /// Errors: PR101 to PR105, PR107, PR108, PR901, PR903; PR118 for objects, numbers and truth
    /// values.
    pub fn read(text: &[u8]) -> Result<Self> {
        let mut shape = Shape(Tree::default());
        Reader::default().read(text, &mut shape)?;
        Ok(Self(shape.0.into_document()))
    }

    /// Writes them as the members of `row`.
    ///
    /// Errors: PR116, PR118, PR119, and those of [`RowEncoder`].
    pub fn write(&self, row: &mut RowEncoder<'_>) -> Result<()> {
        write_members(row, &self.0)
    }
}

/// Takes arrays, strings and null; there are no keys, so none can repeat.
struct Shape(Tree);

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Cells).because(detail)
}

impl Sink for Shape {
    fn begin_object(&mut self) -> Result<()> {
        Err(malformed("an object stands where arrays, strings and null may"))
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.0.key(key)
    }

    fn end_object(&mut self) -> Result<()> {
        self.0.end_object()
    }

    fn begin_array(&mut self) -> Result<()> {
        self.0.begin_array()
    }

    fn end_array(&mut self) -> Result<()> {
        self.0.end_array()
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.0.string(string)
    }

    fn number(&mut self, _: Literal<'_>) -> Result<()> {
        Err(malformed("a number stands where its text in quotes should"))
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        Err(malformed("a truth value stands where its text in quotes should"))
    }

    fn null(&mut self) -> Result<()> {
        self.0.null()
    }

    fn path(&self, place: Place) -> String {
        self.0.path(place)
    }
}

fn write_members(row: &mut RowEncoder<'_>, cells: &Document) -> Result<()> {
    let Document::Array(cells) = cells else {
        return Err(row.refuse(malformed("cells are an array")));
    };
    for cell in cells {
        let Document::Array(cell) = cell else {
            return Err(row.refuse(malformed("a cell is an array")));
        };
        let [Document::String(name), Document::String(cell_type), value] = cell.as_slice() else {
            return Err(row.refuse(malformed("a cell is a name, a type and a value")));
        };
        row.name(name)?;
        let base = cell_type.trim_end_matches("[]");
        if !TYPES.contains(&base) {
            let detail = alloc::format!("{cell_type:?}");
            return Err(row.refuse(Error::new(Code::ColumnType).because(detail)));
        }
        let dimensions = (cell_type.len() - base.len()) / 2;
        write_value(row, base, dimensions, value)?;
    }
    Ok(())
}

/// Nested as deep as the cells are, which [`Cells::read`] has limited.
fn write_value(
    row: &mut RowEncoder<'_>,
    base: &str,
    dimensions: usize,
    value: &Document,
) -> Result<()> {
    match (value, base) {
        (Document::Null, _) => row.null(),
        (Document::Array(elements), _) if dimensions > 0 => {
            row.begin_array()?;
            for element in elements {
                write_value(row, base, dimensions - 1, element)?;
            }
            row.end()
        }
        (Document::Array(_), "struct" | "map") => {
            if base == "map" {
                row.begin_map()?;
            } else {
                row.begin_struct()?;
            }
            write_members(row, value)?;
            row.end()
        }
        (Document::String(text), _) if dimensions == 0 && !matches!(base, "struct" | "map") => {
            write_text(row, base, text)
        }
        _ => Err(row.refuse(malformed("a value has not the shape of its type"))),
    }
}

fn write_text(row: &mut RowEncoder<'_>, base: &str, text: &str) -> Result<()> {
    let unread =
        |row: &RowEncoder<'_>| row.refuse(Error::new(Code::CellText).because(base_of(base)));
    let parsed = match base {
        "boolean" => match text {
            "true" => return row.boolean(true),
            "false" => return row.boolean(false),
            _ => Err(Code::CellText),
        },
        "bytes" => match parse_hex(text.as_bytes()) {
            Some(bytes) => return row.bytes(&bytes),
            None => Err(Code::CellText),
        },
        "char" => return row.char(text.as_bytes()),
        "date" => parse_whole(text, date).map(|days| row.date(days)),
        "float4" => parse_float(text, |f: f32| f == 0.0, f32::is_finite).map(|f| row.float4(f)),
        "float8" => parse_float(text, |f: f64| f == 0.0, f64::is_finite).map(|f| row.float8(f)),
        "json" => return row.json(text.as_bytes()),
        "numeric" => Numeral::parse(text).map(|numeral| {
            let digits = [numeral.integer, numeral.fraction].concat();
            let exponent = numeral.exponent - numeral.fraction.len() as i64;
            row.numeric_digits(numeral.negative, &digits, exponent)
        }),
        "time" => parse_all(text, time).map(|time| row.time(time, TimeUnit::Microsecond)),
        "timestamp" => parse_whole(text, timestamp)
            .map(|micros| row.timestamp(micros, TimeUnit::Microsecond, false)),
        "timestamptz" => parse_whole(text, timestamp_with_zone)
            .map(|micros| row.timestamp(micros, TimeUnit::Microsecond, true)),
        "uuid" => match parse_uuid(text.as_bytes()) {
            Some(uuid) => return row.uuid(&uuid),
            None => Err(Code::CellText),
        },
        _ => return row.text(text.as_bytes()),
    };
    match parsed {
        Ok(written) => written,
        Err(Code::CellText) => Err(unread(row)),
        Err(code) => Err(row.refuse(Error::new(code))),
    }
}

/// The detail of PR119. Not the text itself: errors are logged, and it may be anybody's.
fn base_of(base: &str) -> String {
    alloc::format!("it is not a {base}")
}

fn parse_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    let digit = |byte: u8| (byte as char).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| Some((digit(high)? << 4 | digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let mut digits = Vec::with_capacity(36);
    digits.extend(text.iter().filter(|&&b| b != b'-'));
    parse_hex(&digits)?.try_into().ok()
}

/// A decimal as it is written.
struct Numeral<'a> {
    negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Numeral<'a> {
    /// Errors: PR202 for NaN and infinities, PR119.
    fn parse(text: &'a str) -> core::result::Result<Self, Code> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if ["nan", "inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
            return Err(Code::NumberRange);
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let exponent_digits = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
        if !is_digits(integer)
            || !is_digits(fraction)
            || integer.len() + fraction.len() == 0
            || exponent_digits.is_some_and(|digits| digits.is_empty() || !is_digits(digits))
        {
            return Err(Code::CellText);
        }
        Ok(Self {
            negative: text.starts_with('-'),
            integer: integer.as_bytes(),
            fraction: fraction.as_bytes(),
            exponent: number::saturating_exponent(exponent.unwrap_or_default().as_bytes()),
        })
    }
}

/// The nearest float, ties to even.
///
/// Errors: PR202 for what it cannot hold, PR119.
fn parse_float<F: core::str::FromStr + Copy>(
    text: &str,
    is_zero: impl Fn(F) -> bool,
    is_finite: impl Fn(F) -> bool,
) -> core::result::Result<F, Code> {
    let Numeral { negative, integer, fraction, exponent } = Numeral::parse(text)?;
    let digits = [integer, fraction].concat();
    let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
    let (first, rest) = match &digits[leading..] {
        [] => (b'0', &[][..]),
        [first, rest @ ..] => (*first, rest),
    };
    // The power of ten of the first digit. Rust reads any number of digits, but loses count of
    // exponents in the hundred thousands; no float needs them.
    let e = exponent.saturating_add(integer.len() as i64 - 1 - leading as i64);
    let mut spelled = String::with_capacity(rest.len() + 8);
    spelled.push_str(if negative { "-" } else { "" });
    spelled.push(first as char);
    spelled.push('.');
    spelled.extend(rest.iter().map(|&digit| digit as char));
    spelled.push_str(&alloc::format!("e{}", e.clamp(-1000, 1000)));
    let float: F = spelled.parse().map_err(|_| Code::CellText)?;
    let says_zero = first == b'0';
    if is_finite(float) && is_zero(float) == says_zero { Ok(float) } else { Err(Code::NumberRange) }
}

/// What is left of a text while it is read.
struct Rest<'a>(&'a str);

type Parsed<T> = core::result::Result<T, Code>;

/// Reads all of a date or timestamp.
///
/// Errors: PR117 for what there is no form for, PR119.
fn parse_whole(text: &str, parse: fn(&mut Rest<'_>) -> Parsed<i64>) -> Parsed<i64> {
    if matches!(text, "infinity" | "-infinity") || text.ends_with(" BC") {
        return Err(Code::DateTime);
    }
    parse_all(text, parse)
}

fn parse_all(text: &str, parse: fn(&mut Rest<'_>) -> Parsed<i64>) -> Parsed<i64> {
    let mut rest = Rest(text);
    let value = parse(&mut rest)?;
    if rest.0.is_empty() { Ok(value) } else { Err(Code::CellText) }
}

impl Rest<'_> {
    fn skip(&mut self, prefix: char) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn demand(&mut self, prefix: char) -> Parsed<()> {
        if self.skip(prefix) { Ok(()) } else { Err(Code::CellText) }
    }

    /// How many digits come next.
    fn digits_len(&self) -> usize {
        self.0.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// Exactly `count` digits, at most `max` as a number.
    fn number(&mut self, count: usize, max: i64) -> Parsed<i64> {
        if self.digits_len() < count {
            return Err(Code::CellText);
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let value = digits.bytes().fold(0, |value, d| value * 10 + i64::from(d - b'0'));
        if value <= max { Ok(value) } else { Err(Code::CellText) }
    }
}

/// Days since 1970-01-01.
fn date(rest: &mut Rest<'_>) -> Parsed<i64> {
    if rest.digits_len() > 4 {
        return Err(Code::DateTime);
    }
    let year = rest.number(4, 9999)?;
    rest.demand('-')?;
    let month = rest.number(2, 12)?;
    rest.demand('-')?;
    let day = rest.number(2, 31)?;
    match calendar::days_from_civil(year, month, day) {
        Some(_) if year == 0 => Err(Code::DateTime),
        Some(days) => Ok(days),
        None => Err(Code::CellText),
    }
}

/// Microseconds since midnight.
fn time(rest: &mut Rest<'_>) -> Parsed<i64> {
    let hour = rest.number(2, 24)?;
    rest.demand(':')?;
    let minute = rest.number(2, 59)?;
    rest.demand(':')?;
    let second = rest.number(2, 59)?;
    let mut micros = 0;
    if rest.skip('.') {
        let count = rest.digits_len();
        if count == 0 {
            return Err(Code::CellText);
        }
        let (digits, behind) = rest.0.split_at(count);
        rest.0 = behind;
        let (kept, finer) = digits.split_at(count.min(6));
        if finer.bytes().any(|digit| digit != b'0') {
            return Err(Code::DateTime);
        }
        micros = kept.bytes().fold(0, |value, d| value * 10 + i64::from(d - b'0'))
            * 10_i64.pow(6 - kept.len() as u32);
    }
    match (hour, minute, second, micros) {
        (24, 0, 0, 0) => Err(Code::DateTime),
        (24, ..) => Err(Code::CellText),
        _ => Ok(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros),
    }
}

/// Microseconds since 1970-01-01T00:00:00.
fn timestamp(rest: &mut Rest<'_>) -> Parsed<i64> {
    let days = date(rest)?;
    if !rest.skip(' ') {
        rest.demand('T')?;
    }
    Ok(days * calendar::DAY + time(rest)?)
}

/// The same, in UTC.
fn timestamp_with_zone(rest: &mut Rest<'_>) -> Parsed<i64> {
    let local = timestamp(rest)?;
    rest.skip(' ');
    if rest.0 == "UTC" || rest.0 == "Z" {
        rest.0 = "";
        return Ok(local);
    }
    let west = rest.0.starts_with('-');
    rest.demand(if west { '-' } else { '+' })?;
    let mut seconds = rest.number(2, 23)? * 3600;
    if rest.skip(':') {
        seconds += rest.number(2, 59)? * 60;
        if rest.skip(':') {
            seconds += rest.number(2, 59)?;
        }
    } else if !rest.0.is_empty() {
        seconds += rest.number(2, 59)? * 60;
    }
    let offset = seconds * 1_000_000;
    Ok(if west { local + offset } else { local - offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Canonicalizer;

    fn canonical(cells: &str) -> Result<String> {
        let mut out = Vec::new();
        Canonicalizer::default().append_cells(cells.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn one(cell_type: &str, text: &str) -> core::result::Result<String, String> {
        let cells = alloc::format!("[[\"a\",\"{cell_type}\",\"{text}\"]]");
        match canonical(&cells) {
            Ok(row) => Ok(row[5..row.len() - 1].into()),
            Err(error) => Err(error.code_and_path()),
        }
    }

    #[test]
    fn texts_are_read_by_their_type() {
        let cases = [
            ("boolean", "true", "true"),
            ("bytes", "fBfF0102", "\"-_8BAg\""),
            ("char", "ab  ", "\"ab\""),
            ("date", "2024-02-29", "\"2024-02-29\""),
            ("float4", "0.1", "0.1"),
            ("float8", "1e-400000e", ""),
            ("float8", ".5E+1", "5"),
            ("numeric", "-00.50", "-0.5"),
            ("numeric", "12345678901234567890.10", "\"12345678901234567890.1\""),
            ("time", "01:02:03.1", "\"01:02:03.100000\""),
            ("timestamp", "2024-01-01 00:00:00", "\"2024-01-01T00:00:00.000000\""),
            ("timestamptz", "2024-01-01T00:00:00+05:30", "\"2023-12-31T18:30:00.000000Z\""),
            ("timestamptz", "2024-01-01 00:00:00.25 -0800", "\"2024-01-01T08:00:00.250000Z\""),
            ("timestamptz", "2024-01-01 00:00:00 UTC", "\"2024-01-01T00:00:00.000000Z\""),
            (
                "uuid",
                "ABABABAB-abab-abab-abab-abababababab",
                "\"abababab-abab-abab-abab-abababababab\"",
            ),
        ];
        for (cell_type, text, expected) in cases {
            let found = one(cell_type, text);
            if expected.is_empty() {
                assert_eq!(found, Err("PR119 $.a".into()), "{cell_type} {text}");
            } else {
                assert_eq!(found.as_deref(), Ok(expected), "{cell_type} {text}");
            }
        }
    }

    #[test]
    fn texts_that_are_not_of_their_type_are_refused_by_code() {
        let cases = [
            ("PR119", "boolean", "TRUE"),
            ("PR119", "bytes", "abc"),
            ("PR119", "bytes", "0g"),
            ("PR117", "date", "infinity"),
            ("PR117", "date", "0000-01-01"),
            ("PR117", "date", "10000-01-01"),
            ("PR117", "date", "0044-03-15 BC"),
            ("PR119", "date", "2023-02-29"),
            ("PR119", "date", "2023-2-9"),
            ("PR202", "float4", "1e39"),
            ("PR202", "float4", "1e-60"),
            ("PR202", "float8", "NaN"),
            ("PR202", "numeric", "-Infinity"),
            ("PR902", "numeric", "1e999999999999"),
            ("PR119", "numeric", "."),
            ("PR119", "numeric", "1_0"),
            ("PR119", "numeric", ""),
            ("PR117", "time", "24:00:00"),
            ("PR119", "time", "24:00:01"),
            ("PR119", "time", "infinity"),
            ("PR119", "time", "23:59:60"),
            ("PR117", "time", "00:00:00.0000001"),
            ("PR119", "timestamp", "2024-01-01 00:00:00Z"),
            ("PR119", "timestamptz", "2024-01-01 00:00:00"),
            ("PR117", "timestamptz", "0001-01-01 00:00:00+01"),
            ("PR119", "timestamptz", "2024-01-01 00:00:00+24"),
            ("PR119", "uuid", "abababababababababababababababab"),
            ("PR116", "money", "1"),
            ("PR118", "text[]", "a"),
            ("PR118", "struct", "a"),
        ];
        for (code, cell_type, text) in cases {
            let found = one(cell_type, text).unwrap_err();
            let place = if code == "PR902" { "$" } else { "$.a" };
            assert_eq!(found, alloc::format!("{code} {place}"), "{cell_type} {text}");
        }
    }

    #[test]
    fn a_float_may_be_spelled_at_any_length() {
        let zeros = "0".repeat(700_000);
        assert_eq!(one("float8", &alloc::format!("1{zeros}e-700000")).as_deref(), Ok("1"));
        assert_eq!(one("float4", &alloc::format!("0.{zeros}1e700001")).as_deref(), Ok("1"));
        assert_eq!(one("float8", &alloc::format!("-{zeros}.{zeros}e9")).as_deref(), Ok("0"));
        assert_eq!(one("float8", "1.e99999999999999999999"), Err("PR202 $.a".into()));
    }

    #[test]
    fn cells_nest() {
        let cells = r#"[["B","text[][]",[["x",null],[]]],["A","struct[]",[[["F","json","[1.0]"]]]],
            ["m","map",[["K","numeric","1"],["","date",null]]],["n","bytes[]",null]]"#;
        let expected = r#"{"a":[{"f":[1]}],"b":[["x",null],[]],"m":{"":null,"K":1},"n":null}"#;
        assert_eq!(canonical(cells).unwrap(), expected);
        assert_eq!(canonical("[]").unwrap(), "{}");
    }

    #[test]
    fn what_is_no_row_of_cells_is_refused() {
        let of = |cells| canonical(cells).unwrap_err().code_and_path();
        assert_eq!(of("{}"), "PR118 $");
        assert_eq!(of("\"a\""), "PR118 $");
        assert_eq!(of("[1]"), "PR118 $");
        assert_eq!(of(r#"[["a","text"]]"#), "PR118 $");
        assert_eq!(of(r#"[["a","money",null]]"#), "PR116 $.a");
        assert_eq!(of(r#"[["a","[]",[]]]"#), "PR116 $.a");
        assert_eq!(of(r#"[["a","text[]",["x",["y"]]]]"#), "PR118 $.a[1]");
        assert_eq!(of(r#"[["a","text",null],["A","date",null]]"#), "PR112 $.a");
        assert_eq!(of(r#"[["","text",null]]"#), "PR112 $");
        assert_eq!(of(r#"[["a","json","{\"x\":[1,}"]]"#), "PR103 $.a.x[1]");
        assert_eq!(of("[[\"a\",\"text\",\"\\u0000\"]]"), "PR108 $");
        assert_eq!(of("[["), "PR104 $");
    }
}
