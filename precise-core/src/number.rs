//! Numbers (SPEC.md section 1.3): the exact gate, and the one printer.
//!
//! A number is read as its digits D₁…D_m and e, the power of ten of D₁. Nearly all numbers of
//! real records have at most 15 digits and no exponent, and are copied as they stand.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Code;

/// Digits a binary64 can need: 17 tell any two of them apart.
const MAX_DIGITS: usize = 17;

/// A JSON number as it stands in a text, cut into its parts by the reader.
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a> {
    /// The whole, sign included.
    pub text: &'a [u8],
    /// Where it begins in that text.
    pub at: usize,
    /// The digits before the point.
    pub integer: &'a [u8],
    /// The digits behind the point; empty if there is no point.
    pub fraction: &'a [u8],
    /// What follows `e` or `E`, sign included; empty if there is none.
    pub exponent: &'a [u8],
}

/// Which numbers are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `precise-jcs-1`: a number that binary64 would change is refused.
    Exact,
    /// RFC 8785 itself: every number becomes the nearest binary64. For outside vectors only.
    Nearest,
}

impl Literal<'_> {
    /// Whether the spelling is canonical already, told without arithmetic: at most 15 digits, no
    /// exponent, no zero at the end of the fraction, no `-0`, at most five zeros behind `0.`.
    #[inline]
    pub(crate) fn is_canonical(&self) -> bool {
        if !self.exponent.is_empty() || self.integer.len() + self.fraction.len() > 15 {
            return false;
        }
        match self.fraction {
            [] => self.integer != b"0" || self.text.len() == 1,
            [.., b'0'] => false,
            fraction => {
                self.integer != b"0" || fraction.iter().take_while(|&&d| d == b'0').count() <= 5
            }
        }
    }
}

/// Appends the canonical spelling of `literal`.
///
/// Errors: PR201 (more digits than binary64 keeps), PR202 (out of range).
#[cold]
pub fn append(literal: Literal<'_>, gate: Gate, out: &mut Vec<u8>) -> Result<(), Code> {
    let decimal = match (Decimal::read(literal), gate) {
        (Read::Zero, _) => {
            out.push(b'0');
            return Ok(());
        }
        (Read::Decimal(decimal), Gate::Exact) => decimal.check()?,
        (Read::TooLong, Gate::Exact) => return Err(Code::NumberPrecision),
        (_, Gate::Nearest) => {
            // The text is ASCII by its grammar, and Rust reads every JSON number.
            let nearest = core::str::from_utf8(literal.text)
                .ok()
                .and_then(|text| text.parse::<f64>().ok())
                .filter(|f| f.is_finite())
                .ok_or(Code::NumberRange)?;
            let Some(decimal) = Decimal::shortest(nearest.abs()) else {
                out.push(b'0');
                return Ok(());
            };
            decimal
        }
    };
    decimal.append(literal.text[0] == b'-', out);
    Ok(())
}

/// Appends the canonical spelling of the decimal whose digits are ASCII `digits`, of which the last
/// counts 10^`exponent`: a number that an engine holds in a form of its own.
///
/// Errors: as [`append`] with [`Gate::Exact`].
pub fn append_decimal(
    negative: bool,
    digits: &[u8],
    exponent: i64,
    out: &mut Vec<u8>,
) -> Result<(), Code> {
    let literal = Literal { text: digits, at: 0, integer: digits, fraction: &[], exponent: &[] };
    match Decimal::read(literal) {
        Read::Zero => out.push(b'0'),
        Read::TooLong => return Err(Code::NumberPrecision),
        Read::Decimal(decimal) => {
            let e = decimal.e.saturating_add(exponent);
            Decimal { e, ..decimal }.check()?.append(negative, out);
        }
    }
    Ok(())
}

/// Appends a finite binary64 as ECMA-262's Number::toString does, which is RFC 8785's number form.
///
/// Error: PR202 for NaN and the infinities.
pub fn append_f64(f: f64, out: &mut Vec<u8>) -> Result<(), Code> {
    if !f.is_finite() {
        return Err(Code::NumberRange);
    }
    match Decimal::shortest(f.abs()) {
        Some(decimal) => decimal.append(f.is_sign_negative(), out),
        None => out.push(b'0'),
    }
    Ok(())
}

/// Appends a finite binary32 by its own shortest decimal: 0.1, where as a binary64 it would be
/// 0.10000000149011612.
///
/// Error: PR202 for NaN and the infinities.
pub fn append_f32(f: f32, out: &mut Vec<u8>) -> Result<(), Code> {
    if !f.is_finite() {
        return Err(Code::NumberRange);
    }
    match Decimal::shortest(f.abs()) {
        Some(decimal) => decimal.append(f.is_sign_negative(), out),
        None => out.push(b'0'),
    }
    Ok(())
}

/// A finite binary64 as [`append_f64`] writes it; all others are `NaN`.
pub fn format_f64(f: f64) -> String {
    let mut out = Vec::new();
    match append_f64(f, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => String::from("NaN"),
    }
}

/// An integer that stands for a canonical number where numbers are compared: one is below, above or
/// equal to another exactly as the numbers are.
///
/// Error: PR201 for more than 17 digits, which no canonical number has.
pub(crate) fn ordinal(literal: Literal<'_>) -> Result<i128, Code> {
    let decimal = match Decimal::read(literal) {
        Read::Zero => return Ok(0),
        Read::TooLong => return Err(Code::NumberPrecision),
        Read::Decimal(decimal) => decimal.check()?,
    };
    // Of two magnitudes the one with the larger power of ten is larger, and of equal powers the one
    // with the larger digits, once zeros behind make both 17 long: 10^17 is below 2^57. The power
    // is from -324 to 308, so that this is above 0 and far below 2^127.
    let digits = decimal.digits[..decimal.len]
        .iter()
        .fold(0, |value, digit| value * 10 + i128::from(digit - b'0'));
    let digits = digits * 10_i128.pow((MAX_DIGITS - decimal.len) as u32);
    let magnitude = i128::from(decimal.e + 400) << 64 | digits;
    Ok(if literal.text[0] == b'-' { -magnitude } else { magnitude })
}

/// The same of a canonical number's text.
pub(crate) fn ordinal_of(text: &str) -> Result<i128, Code> {
    let unsigned = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let (mantissa, exponent) = split_at(unsigned, b'e');
    let (integer, fraction) = split_at(mantissa, b'.');
    ordinal(Literal { text: text.as_bytes(), at: 0, integer, fraction, exponent })
}

/// Whether `text` is an exact number in plain notation: perhaps a sign, digits, and perhaps a point
/// and more digits.
///
/// Errors: PR191 for any other text, PR202 for the names of NaN and the infinities.
pub fn check_decimal(text: &str) -> Result<(), Code> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_digits(integer) && is_digits(fraction) {
        return Ok(());
    }
    let is_none = ["nan", "inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name));
    Err(if is_none { Code::NumberRange } else { Code::Arguments })
}

/// A positive decimal of up to 17 digits: D₁.D₂…D_m × 10^e, without zeros at either end of D.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: [u8; MAX_DIGITS],
    len: usize,
    e: i64,
}

enum Read {
    Zero,
    Decimal(Decimal),
    /// More than 17 digits.
    TooLong,
}

impl Decimal {
    fn read(Literal { integer, fraction, exponent, .. }: Literal<'_>) -> Read {
        let all = || integer.iter().chain(fraction).copied();
        let count = integer.len() + fraction.len();
        let leading = all().take_while(|&d| d == b'0').count();
        if leading == count {
            return Read::Zero;
        }
        let trailing = all().rev().take_while(|&d| d == b'0').count();
        let len = count - leading - trailing;
        if len > MAX_DIGITS {
            return Read::TooLong;
        }
        let mut digits = [0; MAX_DIGITS];
        for (to, from) in digits.iter_mut().zip(all().skip(leading).take(len)) {
            *to = from;
        }
        // Positions are far below 2^60 and the exponent saturates at 2^60: no overflow.
        let e = integer.len() as i64 - 1 - leading as i64 + saturating_exponent(exponent);
        Read::Decimal(Self { digits, len, e })
    }

    /// The shortest decimal of a finite float without a sign; none for zero.
    fn shortest(f: impl zmij::Float) -> Option<Self> {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(f).as_bytes();
        let (mantissa, exponent) = split_at(text, b'e');
        let (integer, fraction) = split_at(mantissa, b'.');
        match Self::read(Literal { text, at: 0, integer, fraction, exponent }) {
            Read::Decimal(decimal) => Some(decimal),
            Read::Zero | Read::TooLong => None,
        }
    }

    /// Rules 2 to 4 of section 1.3; rule 2's count of digits was checked in reading.
    fn check(self) -> Result<Self, Code> {
        if !(-324..=308).contains(&self.e) {
            return Err(Code::NumberRange);
        }
        if self.len <= 15 && self.e.abs() <= 290 {
            return Ok(self);
        }
        let f = self.nearest();
        if f.is_infinite() || f == 0.0 {
            return Err(Code::NumberRange);
        }
        if Self::shortest(f) == Some(self) { Ok(self) } else { Err(Code::NumberPrecision) }
    }

    /// The nearest binary64, ties to even, as Rust's parser guarantees.
    fn nearest(&self) -> f64 {
        // 17 digits, `e` and at most 5 characters of exponent: 23 bytes.
        let mut text = Vec::with_capacity(23);
        text.extend_from_slice(&self.digits[..self.len]);
        text.push(b'e');
        let exponent = self.e - (self.len as i64 - 1);
        if exponent < 0 {
            text.push(b'-');
        }
        append_u64(exponent.unsigned_abs(), &mut text);
        core::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok())
            .expect("digits, e, digits is a number")
    }

    fn append(&self, negative: bool, out: &mut Vec<u8>) {
        append_digits(negative, &self.digits[..self.len], self.e, out);
    }
}

/// The table of section 1.3: `digits` are D, without zeros at either end, and `e` the power of ten
/// of the first.
pub(crate) fn append_digits(negative: bool, digits: &[u8], e: i64, out: &mut Vec<u8>) {
    let m = digits.len() as i64;
    let n = e + 1;
    if -6 < n && n <= 21 {
        return append_plain(negative, digits, e, out);
    }
    if negative {
        out.push(b'-');
    }
    out.push(digits[0]);
    if m > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(if n > 0 { b"e+" } else { b"e-" });
    append_u64((n - 1).unsigned_abs(), out);
}

/// Plain notation of the same.
pub(crate) fn append_plain(negative: bool, digits: &[u8], e: i64, out: &mut Vec<u8>) {
    let m = digits.len() as i64;
    let n = e + 1;
    if negative {
        out.push(b'-');
    }
    if n <= 0 {
        out.extend_from_slice(b"0.");
        append_zeros(-n, out);
        out.extend_from_slice(digits);
    } else if m <= n {
        out.extend_from_slice(digits);
        append_zeros(n - m, out);
    } else {
        let (before, behind) = digits.split_at(n as usize);
        out.extend_from_slice(before);
        out.push(b'.');
        out.extend_from_slice(behind);
    }
}

/// Appends `value` in plain decimal.
pub(crate) fn append_u64(value: u64, out: &mut Vec<u8>) {
    append_u128(value.into(), out);
}

/// Appends `value` in plain decimal.
pub(crate) fn append_u128(value: u128, out: &mut Vec<u8>) {
    // 2^128 has 39 digits.
    let mut buffer = [0; 39];
    let mut start = buffer.len();
    let mut high = value;
    // Dividing 128 bits is slow, and few numbers need it.
    while high > u128::from(u64::MAX) {
        start -= 1;
        buffer[start] = b'0' + (high % 10) as u8;
        high /= 10;
    }
    let mut rest = high as u64;
    loop {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&buffer[start..]);
}

fn append_zeros(count: i64, out: &mut Vec<u8>) {
    out.resize(out.len() + count as usize, b'0');
}

/// Reads a JSON exponent, `+7`, `-12` or `3`, stopping at ±2^60.
pub(crate) fn saturating_exponent(exponent: &[u8]) -> i64 {
    const LIMIT: i64 = 1 << 60;
    let negative = exponent.first() == Some(&b'-');
    let digits = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+"));
    let digits = digits.unwrap_or(exponent);
    let mut value: i64 = 0;
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(LIMIT);
    }
    if negative { -value } else { value }
}

/// The parts of `text` before and behind the first `separator`; all and nothing without one.
fn split_at(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&b| b == separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

#[cfg(test)]
mod tests {
    use core::cmp::Ordering;

    use super::*;

    #[test]
    fn ordinals_are_in_the_order_of_the_numbers() -> Result<(), Code> {
        let sorted = [
            "-1.7976931348623157e308",
            "-1e21",
            "-10",
            "-9.99",
            "-1",
            "-0.1",
            "-5e-324",
            "0",
            "5e-324",
            "0.000001",
            "0.3",
            "0.30000000000000004",
            "0.6",
            "1",
            "9.99",
            "10",
            "10.01",
            "99",
            "100",
            "9007199254740991",
            "9007199254740992",
            "1e21",
            "1.7976931348623157e308",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(ordinal_of(a)?.cmp(&ordinal_of(b)?), i.cmp(&j), "{a} and {b}");
            }
        }
        for same in [["0", "-0.0"], ["1.50", "15e-1"], ["100", "1e2"], ["-0.10", "-1e-1"]] {
            let [a, b] = [ordinal_of(same[0])?, ordinal_of(same[1])?];
            assert_eq!(a.cmp(&b), Ordering::Equal, "{same:?}");
        }
        for wrong in ["123456789012345678", "1e309", "9007199254740993"] {
            assert!(ordinal_of(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }
}
