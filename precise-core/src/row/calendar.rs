//! Dates and times as `precise-row-1` writes them: the proleptic Gregorian calendar, years 0001 to
//! 9999, six digits of fraction (SPEC.md section 1.4).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Code;

/// What an integer of an engine's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TimeUnit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

/// A second of the years 0001 to 9999, as log entries state it: `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcSecond(i64);

impl UtcSecond {
    /// The second that is so many from 1970-01-01T00:00:00Z; none outside of the years.
    pub fn from_posix(seconds: i64) -> Option<Self> {
        (FIRST_DAY..=LAST_DAY).contains(&seconds.div_euclid(DAY_SECONDS)).then_some(Self(seconds))
    }

    /// How many seconds it is from 1970-01-01T00:00:00Z.
    pub fn posix(self) -> i64 {
        self.0
    }

    /// Reads what `Display` writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: core::ops::Range<usize>| text.get(digits)?.parse::<i64>().ok();
        let days = days_from_civil(number(0..4)?, number(5..7)?, number(8..10)?)?;
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
        // What stands between the digits, signs among them and hours past the day show here.
        Self::from_posix(seconds).filter(|found| alloc::format!("{found}") == text)
    }
}

impl fmt::Display for UtcSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(26);
        append_timestamp(self.0 * 1_000_000, &mut out).map_err(|_| fmt::Error)?;
        // Without the fraction.
        out.truncate(19);
        f.write_str(&String::from_utf8_lossy(&out))?;
        f.write_str("Z")
    }
}

const DAY_SECONDS: i64 = 24 * 60 * 60;
pub(super) const DAY: i64 = DAY_SECONDS * 1_000_000;

/// 0001-01-01 and 9999-12-31 as days from 1970-01-01.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;

impl TimeUnit {
    /// `value` in microseconds.
    ///
    /// Error: PR117 if it is finer than a microsecond, or out of an i64, which spans 292,000 years.
    pub(super) fn to_micros(self, value: i64) -> Result<i64, Code> {
        match self {
            Self::Second => value.checked_mul(1_000_000),
            Self::Millisecond => value.checked_mul(1_000),
            Self::Microsecond => Some(value),
            Self::Nanosecond => (value % 1_000 == 0).then_some(value / 1_000),
        }
        .ok_or(Code::DateTime)
    }

    /// `value` in days.
    ///
    /// Error: PR117 if it is not whole days.
    pub(super) fn to_days(self, value: i64) -> Result<i64, Code> {
        let micros = self.to_micros(value)?;
        if micros % DAY == 0 { Ok(micros / DAY) } else { Err(Code::DateTime) }
    }
}

/// Appends `YYYY-MM-DD`.
///
/// Error: PR117 outside the years 0001 to 9999.
pub(super) fn append_date(days: i64, out: &mut Vec<u8>) -> Result<(), Code> {
    if !(FIRST_DAY..=LAST_DAY).contains(&days) {
        return Err(Code::DateTime);
    }
    let (year, month, day) = civil(days);
    append_digits(year, 4, out);
    out.push(b'-');
    append_digits(month, 2, out);
    out.push(b'-');
    append_digits(day, 2, out);
    Ok(())
}

/// Appends `HH:MM:SS.ffffff`; `micros` since midnight.
///
/// Error: PR117 unless within one day.
pub(super) fn append_time(micros: i64, out: &mut Vec<u8>) -> Result<(), Code> {
    if !(0..DAY).contains(&micros) {
        return Err(Code::DateTime);
    }
    let seconds = micros / 1_000_000;
    append_digits(seconds / 3600, 2, out);
    out.push(b':');
    append_digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    append_digits(seconds % 60, 2, out);
    out.push(b'.');
    append_digits(micros % 1_000_000, 6, out);
    Ok(())
}

/// Appends `YYYY-MM-DDTHH:MM:SS.ffffff`; `micros` since 1970-01-01T00:00:00.
///
/// Error: PR117 outside the years 0001 to 9999.
pub(super) fn append_timestamp(micros: i64, out: &mut Vec<u8>) -> Result<(), Code> {
    append_date(micros.div_euclid(DAY), out)?;
    out.push(b'T');
    append_time(micros.rem_euclid(DAY), out)
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ`, perhaps with a point and 1 to 6 digits before the `Z`, as
/// microseconds from 1970-01-01T00:00:00Z; none if it is anything else, or there is no such time.
pub(crate) fn utc_micros(text: &[u8]) -> Option<i64> {
    let number = |digits: &[u8]| {
        let value = |value: i64, digit: &u8| Some(value * 10 + i64::from(char_digit(*digit)?));
        digits.iter().try_fold(0, value)
    };
    let (front, fraction) = text.split_at_checked(19)?;
    let &[_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _] = front else {
        return None;
    };
    let year = number(&front[..4]).filter(|&year| year > 0)?;
    let days = days_from_civil(year, number(&front[5..7])?, number(&front[8..10])?)?;
    let hour = number(&front[11..13]).filter(|&hour| hour < 24)?;
    let minute = number(&front[14..16]).filter(|&minute| minute < 60)?;
    let second = number(&front[17..19]).filter(|&second| second < 60)?;
    let micros = match fraction.strip_suffix(b"Z")? {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    Some((days * DAY_SECONDS + hour * 3600 + minute * 60 + second) * 1_000_000 + micros)
}

fn char_digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// The days from 1970-01-01 to a date of the years 0000 to 9999; none if there is no such date.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(days_from_march(year, month) + day - 1)
}

/// The days from 1970-01-01 to the first of a month. Years begin in March here, so that the leap
/// day is the last of its year; month 0 is March.
fn days_from_march(year: i64, month: i64) -> i64 {
    // Months from March have 31 30 31 30 31 31 30 31 30 31 31 days: 153 in each five, and the
    // quotient rounds the rest of them right. 719,468 days are from 0000-03-01 to 1970-01-01.
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        - 719_468
}

/// Year, month, day.
fn civil(days: i64) -> (i64, i64, i64) {
    // 400 years are 146,097 days. The estimate is at most one year early or late.
    let mut year = (days + 719_468) * 400 / 146_097;
    while days_from_march(year, 0) > days {
        year -= 1;
    }
    while days_from_march(year + 1, 0) <= days {
        year += 1;
    }
    let day_of_year = days - days_from_march(year, 0);
    // The inverse of the quotient above.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

fn append_digits(value: i64, count: u32, out: &mut Vec<u8>) {
    for place in (0..count).rev() {
        out.push(b'0' + (value / 10_i64.pow(place) % 10) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_followed_by_the_next() {
        let (mut year, mut month, mut day) = (1, 1, 1);
        for days in FIRST_DAY..=LAST_DAY {
            assert_eq!(civil(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), Some(days));
            day += 1;
            if days_from_civil(year, month, day).is_none() {
                day = 1;
                month += 1;
            }
            if month == 13 {
                month = 1;
                year += 1;
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
        assert_eq!(days_from_civil(1900, 2, 29), None);
        assert_eq!(days_from_civil(2000, 2, 29), Some(11_016));
        assert_eq!(days_from_civil(2000, 13, 1), None);
        assert_eq!(days_from_civil(2000, 1, 0), None);
    }

    #[test]
    fn a_second_has_one_spelling() {
        for (text, posix) in [
            ("0001-01-01T00:00:00Z", FIRST_DAY * DAY_SECONDS),
            ("1969-12-31T23:59:59Z", -1),
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T20:00:00Z", 1_795_377_600),
            ("9999-12-31T23:59:59Z", (LAST_DAY + 1) * DAY_SECONDS - 1),
        ] {
            let second = UtcSecond::from_posix(posix).unwrap();
            assert_eq!(alloc::format!("{second}"), text);
            assert_eq!(UtcSecond::parse(text), Some(second));
        }
        for outside in [FIRST_DAY * DAY_SECONDS - 1, (LAST_DAY + 1) * DAY_SECONDS, i64::MAX] {
            assert_eq!(UtcSecond::from_posix(outside), None);
        }
        for wrong in [
            "",
            "2026-11-22",
            "2026-11-22T20:00:00",
            "2026-11-22T20:00:00z",
            "2026-11-22t20:00:00Z",
            "2026-11-22 20:00:00Z",
            "2026-11-22T20:00:00.0Z",
            "2026-11-22T20:00:00+00",
            "2026-11-22T20:00:60Z",
            "2026-11-22T20:60:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T+2:00:00Z",
            "2026-02-29T20:00:00Z",
            "2026-13-01T20:00:00Z",
            "0000-01-01T00:00:00Z",
            "-001-01-01T00:00:00Z",
            "20260-11-22T20:00:00Z",
            "2026-11-22T20:00:00ZZ",
            "2026-11-\u{e9}2T20:00:00Z",
        ] {
            assert_eq!(UtcSecond::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_touchs_time_may_have_a_fraction() {
        for (text, micros) in [
            ("0001-01-01T00:00:00Z", FIRST_DAY * DAY),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("1970-01-01T00:00:00.5Z", 500_000),
            ("1970-01-01T00:00:00.000001Z", 1),
            ("2000-02-29T00:00:00.10Z", 11_016 * DAY + 100_000),
            ("9999-12-31T23:59:59.999999Z", (LAST_DAY + 1) * DAY - 1),
        ] {
            assert_eq!(utc_micros(text.as_bytes()), Some(micros), "{text}");
        }
        for wrong in [
            "",
            "Z",
            "2026-11-22T20:00:00",
            "2026-11-22T20:00:00.Z",
            "2026-11-22T20:00:00.0000000Z",
            "2026-11-22T20:00:00.5",
            "2026-11-22T20:00:00.5z",
            "2026-11-22T20:00:00.-5Z",
            "2026-11-22T20:00:00.5ZZ",
            "2026-11-22t20:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T20:60:00Z",
            "2026-11-22T20:00:60Z",
            "2026-02-29T20:00:00Z",
            "0000-01-01T00:00:00Z",
            "+026-11-22T20:00:00Z",
            "2026-11-22T20:00:0\u{663}Z",
        ] {
            assert_eq!(utc_micros(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let mut out = Vec::new();
        assert_eq!(append_date(FIRST_DAY - 1, &mut out), Err(Code::DateTime));
        assert_eq!(append_date(LAST_DAY + 1, &mut out), Err(Code::DateTime));
        assert_eq!(append_time(DAY, &mut out), Err(Code::DateTime));
        assert_eq!(append_time(-1, &mut out), Err(Code::DateTime));
        assert_eq!(append_timestamp(i64::MAX, &mut out), Err(Code::DateTime));
        assert_eq!(TimeUnit::Nanosecond.to_micros(1_001), Err(Code::DateTime));
        assert_eq!(TimeUnit::Second.to_micros(i64::MAX), Err(Code::DateTime));
        assert_eq!(TimeUnit::Nanosecond.to_micros(-1_000), Ok(-1));
        out.clear();
        append_timestamp(-1, &mut out).unwrap();
        assert_eq!(out, b"1969-12-31T23:59:59.999999");
    }
}
