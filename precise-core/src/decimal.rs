//! Exact decimals: numbers as integers of a unit, 10^-6 for instance. Money and weights are counted
//! in these and never in binary fractions.

use alloc::vec::Vec;

use crate::number::{self, saturating_exponent};

/// Why a text is no decimal of the unit that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is not written as JSON writes numbers.
    Syntax,
    /// It has more decimals than the unit.
    Decimals,
    /// It has more than 38 digits in the unit.
    Size,
}

impl Unfit {
    /// What is wrong: a phrase for an error.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Syntax => "it is not a number",
            Self::Decimals => "it has too many decimals",
            Self::Size => "it is too large",
        }
    }
}

/// `text`, a number as JSON writes them, in units of 10^-`decimals`. Zeros at its end are no
/// decimals: 1.50 is 1.5.
pub fn parse(text: impl AsRef<[u8]>, decimals: u32) -> Result<i128, Unfit> {
    let text = text.as_ref();
    if let Some(value) = parse_short(text, decimals) {
        return Ok(value.into());
    }
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (integer, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => split_digits(rest),
        None => (&b"0"[..], rest),
    };
    let exponent = match rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        Some(exponent) => exponent,
        None if rest.is_empty() => b"0",
        None => return Err(Unfit::Syntax),
    };
    let unsigned = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+"));
    let (exponent_digits, rest) = split_digits(unsigned.unwrap_or(exponent));
    let leading_zero = integer.len() > 1 && integer[0] == b'0';
    let empty = integer.is_empty() || fraction.is_empty() || exponent_digits.is_empty();
    if empty || leading_zero || !rest.is_empty() {
        return Err(Unfit::Syntax);
    }
    let magnitude = scale(integer, fraction, saturating_exponent(exponent), decimals)?;
    Ok(if negative { -magnitude } else { magnitude })
}

/// The same of what nearly every price and weight is: not negative, of at most 18 digits, without
/// an exponent. None of everything else, and of what is refused.
#[inline]
fn parse_short(text: &[u8], decimals: u32) -> Option<u64> {
    if text.len() > 18 {
        return None;
    }
    // Below 10^18.
    let mut value: u64 = 0;
    let mut point = None;
    for (i, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    let integer = point.unwrap_or(text.len());
    let fraction = point.map_or(0, |point| text.len() - point - 1);
    let is_spelled =
        integer > 0 && (integer == 1 || text[0] != b'0') && (fraction > 0 || point.is_none());
    let zeros = decimals.checked_sub(fraction as u32).filter(|_| is_spelled)?;
    value.checked_mul(10_u64.checked_pow(zeros)?)
}

/// `text`, a number as SQL engines write exact ones, in units of 10^-`decimals`: perhaps a sign,
/// digits, and perhaps a point and more digits.
pub fn parse_plain(text: &str, decimals: u32) -> Result<i128, Unfit> {
    number::check_decimal(text).map_err(|_| Unfit::Syntax)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let magnitude = scale(integer.as_bytes(), fraction.as_bytes(), 0, decimals)?;
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// The digits at the start of `text`, and what is behind them.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn scale(integer: &[u8], fraction: &[u8], exponent: i64, decimals: u32) -> Result<i128, Unfit> {
    let digits = || integer.iter().chain(fraction).copied();
    let count = integer.len() + fraction.len();
    let leading = digits().take_while(|&digit| digit == b'0').count();
    if leading == count {
        return Ok(0);
    }
    let trailing = digits().rev().take_while(|&digit| digit == b'0').count();
    let significant = count - leading - trailing;
    // Lengths are far below 2^60, at which the exponent saturates.
    let zeros = exponent - fraction.len() as i64 + trailing as i64 + i64::from(decimals);
    if zeros < 0 {
        return Err(Unfit::Decimals);
    }
    // 10^38 is below 2^127.
    if significant as i64 + zeros > 38 {
        return Err(Unfit::Size);
    }
    let value = digits()
        .skip(leading)
        .take(significant)
        .fold(0, |value: i128, digit| value * 10 + i128::from(digit - b'0'));
    Ok(value * 10_i128.pow(zeros as u32))
}

/// Appends `value`, which is in units of 10^-`decimals`, in plain notation without zeros at the end
/// of its fraction.
pub fn append(value: i128, decimals: u32, out: &mut Vec<u8>) {
    if value == 0 {
        out.push(b'0');
        return;
    }
    let mut digits = Vec::new();
    number::append_u128(value.unsigned_abs(), &mut digits);
    let e = digits.len() as i64 - 1 - i64::from(decimals);
    let trailing = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    digits.truncate(digits.len() - trailing);
    number::append_plain(value < 0, &digits, e, out);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn printed(value: i128, decimals: u32) -> String {
        let mut out = Vec::new();
        append(value, decimals, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_decimal_is_read_in_its_unit() {
        for (text, decimals, value) in [
            ("0", 6, 0),
            ("-0", 6, 0),
            ("0.000", 0, 0),
            ("0e999999999999999999999", 0, 0),
            ("1", 6, 1_000_000),
            ("0.3", 6, 300_000),
            ("0.3000000000", 6, 300_000),
            ("-0.000001", 6, -1),
            ("1e-6", 6, 1),
            ("12.5E+1", 0, 125),
            ("100e-2", 0, 1),
            ("1.5e3", 0, 1500),
            ("99999999999999999999999999999999999999", 0, 10_i128.pow(38) - 1),
            ("-9999999999999999999999999999.9999999999", 10, 1 - 10_i128.pow(38)),
        ] {
            assert_eq!(parse(text, decimals), Ok(value), "{text}");
        }
    }

    /// A short number, and the same with zeros behind that make it a long one.
    #[test]
    fn short_numbers_are_read_as_long_ones() {
        let mut state: u64 = 1;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1442);
            let (digits, decimals) = (state >> 33, (state >> 28) % 12);
            let text = printed(digits.into(), decimals as u32);
            let point = if text.contains('.') { "" } else { "." };
            let long = alloc::format!("{text}{point}{:030}", 0);
            for unit in [0, 3, 6, 9, 24] {
                assert_eq!(parse(&text, unit), parse(&long, unit), "{text}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_its_unit_is_refused() {
        for (text, decimals, unfit) in [
            ("0.0000001", 6, Unfit::Decimals),
            ("1e-7", 6, Unfit::Decimals),
            ("1e-999999999999999999999", 6, Unfit::Decimals),
            ("0.5", 0, Unfit::Decimals),
            ("100000000000000000000000000000000000000", 0, Unfit::Size),
            ("1e38", 0, Unfit::Size),
            ("1e33", 6, Unfit::Size),
            ("1e999999999999999999999", 0, Unfit::Size),
        ] {
            assert_eq!(parse(text, decimals), Err(unfit), "{text}");
        }
        for text in [
            "", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "e1", "1.e1", " 1", "1 ", "1,5",
            "0x1", "NaN", "1_0", "--1", "1.5.5", "1e1.5", "\u{661}",
        ] {
            assert_eq!(parse(text, 6), Err(Unfit::Syntax), "{text:?}");
        }
    }

    #[test]
    fn an_engines_number_may_have_a_sign_and_zeros_but_no_exponent() {
        for (text, value) in [
            ("0", 0),
            ("-0.00", 0),
            ("+12.50", 12_500),
            ("-12.5", -12_500),
            ("007", 7_000),
            ("0.0010000000000000000000000000000000000000000000", 1),
            ("00000000000000000000000000000000000000000000000001.001", 1_001),
        ] {
            assert_eq!(parse_plain(text, 3), Ok(value), "{text}");
        }
        for text in ["", "-", "+-1", "1e3", "1.", ".5", " 1", "NaN", "Infinity", "1,5", "1.5."] {
            assert_eq!(parse_plain(text, 3), Err(Unfit::Syntax), "{text:?}");
        }
        assert_eq!(parse_plain("0.0001", 3), Err(Unfit::Decimals));
        assert_eq!(parse_plain(&"9".repeat(36), 3), Err(Unfit::Size));
        assert_eq!(parse_plain(&"9".repeat(35), 3), Ok((10_i128.pow(35) - 1) * 1000));
    }

    #[test]
    fn a_decimal_is_written_without_zeros_at_its_end() {
        for (value, decimals, text) in [
            (0, 9, "0"),
            (5_700_000_000_000_000, 18, "0.0057"),
            (12_500_000_000, 9, "12.5"),
            (-1, 21, "-0.000000000000000000001"),
            (3000, 3, "3"),
            (3000, 0, "3000"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(printed(value, decimals), text);
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let mut value: i128 = 1;
        for decimals in 0..=21 {
            for _ in 0..200 {
                value =
                    value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1442) % (1 << 120);
                assert_eq!(parse(printed(value, decimals), decimals), Ok(value));
            }
        }
    }
}
