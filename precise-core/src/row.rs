//! Rows of columns instead of documents: `precise-row-1` (SPEC.md section 1.4).
//!
//! An engine walks its own columns and calls a [`RowEncoder`] with what it finds; what that becomes
//! is decided here. [`cells`] is the same row as a text that every engine can write.

mod calendar;
pub mod cells;

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::canonical::{Buffers, Encoder, MAX_LEN};
use crate::document::MAX_INTEGER;
use crate::error::{Code, Error, Result};
use crate::json::{MAX_DEPTH, Place, Reader, Sink, Text};
use crate::number::{self, Gate, Literal};

pub(crate) use calendar::utc_micros;
pub use calendar::{TimeUnit, UtcSecond};

/// The name of the form.
pub const NAME: &str = "precise-row-1";

/// The names of a row's columns, with A–Z lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    /// Takes the names in column order.
    ///
    /// Errors: PR101 or PR108 for a name that is no text, PR112 for one that is empty or, after
    /// folding, equal to another.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Result<Self> {
        let mut folded: Vec<String> = Vec::new();
        for name in names {
            check_text(name)?;
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if name.is_empty() {
                let detail = alloc::format!("column {} has no name", folded.len() + 1);
                return Err(Error::new(Code::ColumnNames).because(detail));
            }
            folded.push(name);
        }
        let mut sorted: Vec<&String> = folded.iter().collect();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(Error::new(Code::ColumnNames).because(alloc::format!("{:?}", pair[0])))
            }
            None => Ok(Self(folded)),
        }
    }

    /// The names, in column order.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The columns' numbers in the order in which a row is written, so that it need not be sorted.
    pub fn written_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        order.sort_by(|&a, &b| self.0[a].encode_utf16().cmp(self.0[b].encode_utf16()));
        order
    }
}

/// What an encoder of rows may keep from one row to the next.
#[derive(Debug, Default)]
pub(crate) struct RowBuffers {
    open: Vec<Container>,
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Map,
    Struct,
}

/// Writes one row. In a struct or map each [`name`](RowEncoder::name) is followed by one value; the
/// row itself is open when a caller gets it, and is closed behind it.
///
/// Errors of all methods have the path of the column. Besides what a method names, each can give
/// PR902, and what opens a container PR901.
///
/// ```
/// let mut minter = precise_core::proof::Minter::default();
/// minter.push_row(|row| {
///     row.name("Price")?;
///     row.numeric(1250, 2)?;
///     row.name("at")?;
///     row.timestamp(0, precise_core::row::TimeUnit::Second, true)
/// })?;
/// assert_eq!(minter.canonical(0), br#"{"at":"1970-01-01T00:00:00.000000Z","price":12.5}"#);
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Debug)]
pub struct RowEncoder<'b> {
    encoder: Encoder<'b>,
    reader: &'b mut Reader,
    open: &'b mut Vec<Container>,
    /// A value on its way.
    text: &'b mut Vec<u8>,
}

impl<'b> RowEncoder<'b> {
    /// Writes a row with `fill` and appends it to `target`.
    pub(crate) fn append(
        buffers: &'b mut Buffers,
        row_buffers: &'b mut RowBuffers,
        reader: &'b mut Reader,
        target: &mut Vec<u8>,
        fill: impl FnOnce(&mut RowEncoder<'b>) -> Result<()>,
    ) -> Result<()> {
        let RowBuffers { open, text } = row_buffers;
        open.clear();
        let encoder = Encoder::new(Gate::Exact, &[], buffers);
        let mut row = Self { encoder, reader, open, text };
        row.begin_struct()?;
        fill(&mut row)?;
        row.end()?;
        debug_assert!(row.open.is_empty(), "what was opened was closed");
        row.encoder.finish(target);
        Ok(())
    }

    /// The name of the next member. In a struct, A–Z are lower-cased.
    ///
    /// Errors: PR108; in a struct PR112 for the empty name. A name that stands twice is found when
    /// its container ends.
    pub fn name(&mut self, name: &str) -> Result<()> {
        if name.contains('\0') {
            return Err(self.place(Place::Container, Error::new(Code::NullCharacter)));
        }
        let in_struct = self.open.last() == Some(&Container::Struct);
        if in_struct && name.is_empty() {
            let error = Error::new(Code::ColumnNames).because("a name is empty");
            return Err(self.place(Place::Container, error));
        }
        if in_struct && name.bytes().any(|b| b.is_ascii_uppercase()) {
            self.text.clear();
            self.text.extend(name.bytes().map(|b| b.to_ascii_lowercase()));
            self.encoder.key(Text::Unescaped(self.text))
        } else {
            self.encoder.key(Text::Unescaped(name.as_bytes()))
        }
    }

    /// Opens a struct.
    pub fn begin_struct(&mut self) -> Result<()> {
        self.open(Container::Struct)
    }

    /// Opens a map, whose names are not folded.
    pub fn begin_map(&mut self) -> Result<()> {
        self.open(Container::Map)
    }

    /// Opens an array.
    pub fn begin_array(&mut self) -> Result<()> {
        self.open(Container::Array)
    }

    /// Opens an array, or a dimension of one, whose first element has the number `lower_bound`.
    ///
    /// Error: PR116 unless that is 1.
    pub fn begin_array_at(&mut self, lower_bound: i64) -> Result<()> {
        if lower_bound != 1 {
            let error = Error::new(Code::ColumnType).because("an array does not begin at 1");
            return Err(self.refuse(error));
        }
        self.begin_array()
    }

    /// Closes the innermost container.
    ///
    /// Errors: a name stands twice in it, PR106 in a map, PR112 in a struct.
    pub fn end(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(Container::Array) => self.encoder.end_array(),
            Some(Container::Map) => self.encoder.end_object(),
            Some(Container::Struct) | None => {
                self.encoder.end_object().map_err(|error| match (error.code(), error.path()) {
                    (Code::DuplicateKey, Some(path)) => {
                        Error::new(Code::ColumnNames).at_path(path.into())
                    }
                    _ => error,
                })
            }
        }
    }

    fn open(&mut self, container: Container) -> Result<()> {
        if self.open.len() == MAX_DEPTH as usize {
            return Err(self.refuse(Error::new(Code::Depth)));
        }
        self.open.push(container);
        match container {
            Container::Array => self.encoder.begin_array(),
            Container::Map | Container::Struct => self.encoder.begin_object(),
        }
    }

    /// SQL NULL.
    pub fn null(&mut self) -> Result<()> {
        self.encoder.null()
    }

    /// A truth value.
    pub fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.encoder.boolean(boolean)
    }

    /// A signed integer.
    pub fn integer(&mut self, integer: i64) -> Result<()> {
        self.whole(integer < 0, integer.unsigned_abs())
    }

    /// An unsigned integer.
    pub fn unsigned(&mut self, integer: u64) -> Result<()> {
        self.whole(false, integer)
    }

    fn whole(&mut self, negative: bool, magnitude: u64) -> Result<()> {
        self.text.clear();
        if magnitude > MAX_INTEGER {
            number::append_u64(magnitude, self.text);
            return self.exact(negative, 0);
        }
        if negative {
            self.text.push(b'-');
        }
        number::append_u64(magnitude, self.text);
        self.encoder.token(self.text)
    }

    /// The decimal `unscaled` × 10^−`scale`.
    pub fn numeric(&mut self, unscaled: i128, scale: i32) -> Result<()> {
        self.text.clear();
        number::append_u128(unscaled.unsigned_abs(), self.text);
        self.exact(unscaled < 0, -i64::from(scale))
    }

    /// The decimal whose digits, before and behind the point, are ASCII `digits`; the last of them
    /// counts 10^`exponent`.
    pub fn numeric_digits(&mut self, negative: bool, digits: &[u8], exponent: i64) -> Result<()> {
        self.text.clear();
        self.text.extend_from_slice(digits);
        self.exact(negative, exponent)
    }

    /// A numeric that is NaN or infinite, as some engines have them.
    ///
    /// Error: PR202, always.
    pub fn numeric_not_finite(&mut self) -> Result<()> {
        Err(self.refuse(Error::new(Code::NumberRange).because("it is not finite")))
    }

    /// Writes the exact numeric whose digits are in `text`: a number or a string.
    fn exact(&mut self, negative: bool, exponent: i64) -> Result<()> {
        let trailing = self.text.iter().rev().take_while(|&&d| d == b'0').count();
        self.text.truncate(self.text.len() - trailing);
        let leading = self.text.iter().take_while(|&&d| d == b'0').count();
        self.text.drain(..leading);
        let m = self.text.len() as i64;
        if m == 0 {
            return self.encoder.token(b"0");
        }
        let last = exponent.saturating_add(trailing as i64);
        let e = last.saturating_add(m - 1);
        // An integer of at most 16 digits fits a u64.
        let is_safe_integer = last >= 0
            && e <= 15
            && (0..=e as usize)
                .map(|i| self.text.get(i).map_or(0, |d| u64::from(d - b'0')))
                .fold(0, |value, digit| value * 10 + digit)
                <= MAX_INTEGER;
        if is_safe_integer || (m <= 15 && (-7..=20).contains(&e)) {
            let mut spelled = Vec::with_capacity(24);
            number::append_digits(negative, self.text, e, &mut spelled);
            return self.encoder.token(&spelled);
        }
        // Digits and zeros, a point if something is behind it, a sign.
        let len = m.max(e.saturating_add(1)).saturating_add(e.saturating_neg().max(0));
        if len > MAX_LEN as i64 {
            return Err(Error::new(Code::CanonicalSize).at_path("$".into()));
        }
        let mut plain = Vec::with_capacity(len as usize + 3);
        number::append_plain(negative, self.text, e, &mut plain);
        self.encoder.string(Text::Unescaped(&plain))
    }

    /// A binary64.
    ///
    /// Error: PR202 for NaN and the infinities.
    pub fn float8(&mut self, float: f64) -> Result<()> {
        self.text.clear();
        match number::append_f64(float, self.text) {
            Ok(()) => self.encoder.token(self.text),
            Err(code) => Err(self.refuse(Error::new(code).because(alloc::format!("{float}")))),
        }
    }

    /// A binary32.
    ///
    /// Error: PR202 for NaN and the infinities.
    pub fn float4(&mut self, float: f32) -> Result<()> {
        self.text.clear();
        match number::append_f32(float, self.text) {
            Ok(()) => self.encoder.token(self.text),
            Err(code) => Err(self.refuse(Error::new(code).because(alloc::format!("{float}")))),
        }
    }

    /// A text.
    ///
    /// Errors: PR101, PR108.
    pub fn text(&mut self, text: &[u8]) -> Result<()> {
        check_text(text).map_err(|error| self.refuse(error))?;
        self.encoder.string(Text::Unescaped(text))
    }

    /// A CHAR(n), whose trailing spaces do not count.
    ///
    /// Errors: PR101, PR108.
    pub fn char(&mut self, text: &[u8]) -> Result<()> {
        let spaces = text.iter().rev().take_while(|&&b| b == b' ').count();
        self.text(&text[..text.len() - spaces])
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > MAX_LEN {
            return Err(Error::new(Code::CanonicalSize).at_path("$".into()));
        }
        // Four characters for three bytes, rounded up.
        self.text.clear();
        self.text.resize(bytes.len().div_ceil(3) * 4, 0);
        let len = URL_SAFE_NO_PAD.encode_slice(bytes, self.text).expect("there is room");
        self.encoder.string(Text::Unescaped(&self.text[..len]))
    }

    /// A UUID.
    pub fn uuid(&mut self, uuid: &[u8; 16]) -> Result<()> {
        self.text.clear();
        for (i, byte) in uuid.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                self.text.push(b'-');
            }
            for digit in [byte >> 4, byte & 0xF] {
                self.text.push(b"0123456789abcdef"[usize::from(digit)]);
            }
        }
        self.encoder.string(Text::Unescaped(self.text))
    }

    /// A date; days since 1970-01-01.
    ///
    /// Error: PR117.
    pub fn date(&mut self, days: i64) -> Result<()> {
        self.written(|text| calendar::append_date(days, text))
    }

    /// A date, counted in a smaller unit; `value` since 1970-01-01.
    ///
    /// Error: PR117, also for what is not a whole day.
    pub fn date_in(&mut self, value: i64, unit: TimeUnit) -> Result<()> {
        self.written(|text| calendar::append_date(unit.to_days(value)?, text))
    }

    /// A time of day; `value` since midnight.
    ///
    /// Error: PR117.
    pub fn time(&mut self, value: i64, unit: TimeUnit) -> Result<()> {
        self.written(|text| calendar::append_time(unit.to_micros(value)?, text))
    }

    /// A timestamp; `value` since 1970-01-01T00:00:00, in UTC if it has a zone.
    ///
    /// Error: PR117.
    pub fn timestamp(&mut self, value: i64, unit: TimeUnit, has_zone: bool) -> Result<()> {
        self.written(|text| {
            calendar::append_timestamp(unit.to_micros(value)?, text)?;
            if has_zone {
                text.push(b'Z');
            }
            Ok(())
        })
    }

    /// A string that `write` makes.
    fn written(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> core::result::Result<(), Code>,
    ) -> Result<()> {
        self.text.clear();
        match write(self.text) {
            Ok(()) => self.encoder.string(Text::Unescaped(self.text)),
            Err(code) => Err(self.refuse(Error::new(code))),
        }
    }

    /// A JSON document, as the value it is.
    ///
    /// Errors: PR101 to PR108, PR201, PR202, PR901, PR903, with the path inside the row.
    pub fn json(&mut self, json: &[u8]) -> Result<()> {
        // Faults of the text as a whole are the column's. In an array its place is asked for in
        // advance, since a value that was read whole is behind it.
        let in_array = self.open.last() == Some(&Container::Array);
        let before = in_array.then(|| self.encoder.path(Place::Value));
        let depth = self.open.len();
        let mut reader = core::mem::take(self.reader);
        let read = reader.read(json, &mut JsonColumn(self));
        *self.reader = reader;
        read.map_err(|error| match error.code() {
            Code::InvalidUtf8 | Code::ByteOrderMark | Code::TrailingBytes | Code::InputSize => {
                self.open.truncate(depth);
                let path = before.unwrap_or_else(|| self.encoder.path(Place::Value));
                error.at_path(path)
            }
            _ => error,
        })
    }

    /// A value of a JSON type that is held in a form of its own: `fill` is told how many containers
    /// it is inside of, and gives the tokens.
    ///
    /// Errors: as [`Canonicalizer::append_document`](crate::canonical::Canonicalizer).
    pub fn document(
        &mut self,
        fill: impl FnOnce(u32, &mut Encoder<'b>) -> Result<()>,
    ) -> Result<()> {
        let depth = self.open.len() as u32;
        fill(depth, &mut self.encoder).map_err(|error| match error.path() {
            Some(_) => error,
            None => self.refuse(error),
        })
    }

    /// A refusal of the value that would come next, with its path.
    #[cold]
    pub fn refuse(&self, error: Error) -> Error {
        self.place(Place::Value, error)
    }

    #[cold]
    fn place(&self, place: Place, error: Error) -> Error {
        error.at_path(self.encoder.path(place))
    }
}

/// A JSON column: its tokens go into the row.
struct JsonColumn<'r, 'b>(&'r mut RowEncoder<'b>);

impl Sink for JsonColumn<'_, '_> {
    fn begin_object(&mut self) -> Result<()> {
        self.0.begin_map()
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.0.encoder.key(Text::Unescaped(key.characters()))
    }

    fn end_object(&mut self) -> Result<()> {
        self.0.end()
    }

    fn begin_array(&mut self) -> Result<()> {
        self.0.begin_array()
    }

    fn end_array(&mut self) -> Result<()> {
        self.0.end()
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.0.encoder.string(Text::Unescaped(string.characters()))
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        if number.is_canonical() {
            return self.0.encoder.token(number.text);
        }
        self.0.text.clear();
        number::append(number, Gate::Exact, self.0.text)?;
        self.0.encoder.token(self.0.text)
    }

    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.0.boolean(boolean)
    }

    fn null(&mut self) -> Result<()> {
        self.0.null()
    }

    fn path(&self, place: Place) -> String {
        self.0.encoder.path(place)
    }
}

/// Errors: PR101, PR108.
fn check_text(text: &[u8]) -> Result<()> {
    if core::str::from_utf8(text).is_err() {
        return Err(Error::new(Code::InvalidUtf8));
    }
    if text.contains(&0) {
        return Err(Error::new(Code::NullCharacter));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Canonicalizer;

    fn columns(names: &[&str]) -> Result<Columns> {
        Columns::new(names.iter().map(|name| name.as_bytes()))
    }

    fn text_row(names: &[&str], cells: &[&[u8]]) -> Result<String> {
        let mut out = Vec::new();
        let columns = columns(names)?;
        Canonicalizer::default().append_text_row(&columns, cells.iter().copied(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn row(fill: impl FnOnce(&mut RowEncoder<'_>) -> Result<()>) -> Result<String> {
        let mut out = Vec::new();
        Canonicalizer::default().append_row(&mut out, fill)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// A row of one column.
    fn value(write: impl FnOnce(&mut RowEncoder<'_>) -> Result<()>) -> Result<String> {
        let whole = row(|row| {
            row.name("a")?;
            write(row)
        })?;
        Ok(whole[5..whole.len() - 1].into())
    }

    #[test]
    fn an_array_begins_at_1_and_a_numeric_is_finite() {
        let array = |lower_bound| {
            value(|row| {
                row.begin_array()?;
                row.begin_array_at(lower_bound)?;
                row.null()?;
                row.end()?;
                row.end()
            })
        };
        assert_eq!(array(1).unwrap(), "[[null]]");
        for lower_bound in [0, 2, -1, i64::MIN, i64::MAX] {
            assert_eq!(array(lower_bound).unwrap_err().code_and_path(), "PR116 $.a[0]");
        }
        let refused = value(|row| {
            row.numeric_not_finite()?;
            row.null()
        });
        let error = refused.unwrap_err();
        assert_eq!(error.code_and_path(), "PR202 $.a");
    }

    #[test]
    fn names_fold_and_cells_stay_text() {
        let canonical = text_row(&["Zip", "ÄÖ", "a"], &[b"007", b"", b"say \"hi\"\\,\n"]).unwrap();
        assert_eq!(canonical, r#"{"a":"say \"hi\"\\,\n","zip":"007","ÄÖ":""}"#);
    }

    #[test]
    fn names_that_are_empty_or_equal_are_refused() {
        for names in [&["a", ""][..], &["a", "b", "A"]] {
            assert_eq!(columns(names).unwrap_err().code(), Code::ColumnNames, "{names:?}");
            let error = row(|row| {
                for name in names {
                    row.name(name)?;
                    row.null()?;
                }
                Ok(())
            });
            assert_eq!(error.unwrap_err().code(), Code::ColumnNames, "{names:?}");
        }
    }

    #[test]
    fn columns_are_written_as_utf16_sorts_them() {
        let columns = columns(&["\u{fb33}", "b", "\u{1f600}", "A"]).unwrap();
        assert_eq!(columns.written_order(), [3, 1, 2, 0]);
    }

    #[test]
    fn rows_that_are_no_rows_are_refused_with_their_place() {
        let error = |cells: &[&[u8]]| text_row(&["a", "b c"], cells).unwrap_err();
        assert_eq!(error(&[b"1"]).code_and_path(), "PR110 $");
        assert_eq!(error(&[b"1", b"2", b"3"]).code_and_path(), "PR110 $");
        assert_eq!(error(&[b"1", b"\xFF"]).code_and_path(), "PR101 $[\"b c\"]");
        assert_eq!(error(&[b"\0", b"2"]).code_and_path(), "PR108 $.a");
    }

    #[test]
    fn numerics_are_numbers_where_binary64_keeps_them() {
        let cases = [
            (1250, 2, "12.5"),
            (-5, 1, "-0.5"),
            (0, 5, "0"),
            (9_007_199_254_740_991, 0, "9007199254740991"),
            (9_007_199_254_740_992, 0, "\"9007199254740992\""),
            (90_071_992_547_409_910, 1, "9007199254740991"),
            (1, 7, "1e-7"),
            (1, 8, "\"0.00000001\""),
            (1, -20, "100000000000000000000"),
            (1, -21, "\"1000000000000000000000\""),
            (123_456_789_012_345, 3, "123456789012.345"),
            (-1_234_567_890_123_456, 3, "\"-1234567890123.456\""),
            (i128::MIN, 0, "\"-170141183460469231731687303715884105728\""),
        ];
        for (unscaled, scale, expected) in cases {
            assert_eq!(value(|row| row.numeric(unscaled, scale)).unwrap(), expected);
        }
        let huge = value(|row| row.numeric(1, i32::MIN)).unwrap_err();
        assert_eq!(huge.code_and_path(), "PR902 $");
        assert_eq!(value(|row| row.numeric(1, i32::MAX)).unwrap_err().code(), Code::CanonicalSize);
        assert_eq!(value(|row| row.integer(i64::MIN)).unwrap(), "\"-9223372036854775808\"");
        assert_eq!(value(|row| row.unsigned(7)).unwrap(), "7");
    }

    #[test]
    fn floats_are_their_own_shortest_text() {
        assert_eq!(value(|row| row.float4(0.1)).unwrap(), "0.1");
        assert_eq!(value(|row| row.float8(f64::from(0.1_f32))).unwrap(), "0.10000000149011612");
        assert_eq!(value(|row| row.float4(f32::MAX)).unwrap(), "3.4028235e+38");
        assert_eq!(value(|row| row.float4(1e-45)).unwrap(), "1e-45");
        assert_eq!(value(|row| row.float8(-0.0)).unwrap(), "0");
        assert_eq!(value(|row| row.float8(f64::NAN)).unwrap_err().code_and_path(), "PR202 $.a");
        assert_eq!(value(|row| row.float4(f32::INFINITY)).unwrap_err().code(), Code::NumberRange);
    }

    #[test]
    fn other_scalars_are_strings() {
        assert_eq!(value(|row| row.bytes(&[0xFB, 0xFF, 1, 2])).unwrap(), "\"-_8BAg\"");
        assert_eq!(value(|row| row.bytes(&[])).unwrap(), "\"\"");
        assert_eq!(value(|row| row.char(b"ab  ")).unwrap(), "\"ab\"");
        let uuid = value(|row| row.uuid(&[0xAB; 16])).unwrap();
        assert_eq!(uuid, "\"abababab-abab-abab-abab-abababababab\"");
        let time = value(|row| row.time(86_399, TimeUnit::Second)).unwrap();
        assert_eq!(time, "\"23:59:59.000000\"");
        assert_eq!(value(|row| row.date(-719_163)).unwrap_err().code_and_path(), "PR117 $.a");
    }

    #[test]
    fn containers_nest_and_only_structs_fold() {
        let canonical = row(|row| {
            row.name("S")?;
            row.begin_struct()?;
            row.name("X")?;
            row.begin_array()?;
            row.null()?;
            row.json(br#"{"B":[1.50,"\u0041"],"A":null}"#)?;
            row.end()?;
            row.end()?;
            row.name("M")?;
            row.begin_map()?;
            row.name("X")?;
            row.boolean(true)?;
            row.name("")?;
            row.text(b"x")?;
            row.end()
        });
        let expected = r#"{"m":{"":"x","X":true},"s":{"x":[null,{"A":null,"B":[1.5,"A"]}]}}"#;
        assert_eq!(canonical.unwrap(), expected);
    }

    #[test]
    fn faults_inside_columns_have_their_place_in_the_row() {
        let of = |json: &'static [u8]| {
            let error = value(|row| {
                row.begin_array()?;
                row.null()?;
                row.json(json)?;
                row.end()
            });
            error.unwrap_err().code_and_path()
        };
        assert_eq!(of(b"{} {}"), "PR105 $.a[1]");
        assert_eq!(of(b"\xFF"), "PR101 $.a[1]");
        assert_eq!(of(br#"{"b":[1e400]}"#), "PR202 $.a[1].b[0]");
        assert_eq!(of(br#"{"b":1,"b":1}"#), "PR106 $.a[1].b");
        assert_eq!(value(|row| row.json(b"1 2")).unwrap_err().code_and_path(), "PR105 $.a");
        // The row's object, the array, and 126 more are the 128 allowed.
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        let depth = |depth: usize| {
            value(|row| {
                row.begin_array()?;
                row.json(nested(depth).as_bytes())?;
                row.end()
            })
        };
        assert!(depth(126).is_ok());
        assert_eq!(depth(127).unwrap_err().code(), Code::Depth);
    }

    #[test]
    fn a_repeated_name_is_told_apart_by_its_container() {
        let twice = |map: bool| {
            let error = value(|row| {
                if map {
                    row.begin_map()?;
                } else {
                    row.begin_struct()?;
                }
                for _ in 0..2 {
                    row.name("x")?;
                    row.null()?;
                }
                row.end()
            });
            error.unwrap_err().code_and_path()
        };
        assert_eq!(twice(true), "PR106 $.a.x");
        assert_eq!(twice(false), "PR112 $.a.x");
    }
}
