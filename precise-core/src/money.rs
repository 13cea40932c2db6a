//! Money: amounts and currencies (SPEC.md section 10.1). No amount is ever rounded but where a
//! settlement says so.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::decimal::{self, Unfit};
use crate::error::{Code, Error, Result};

/// Decimals of the unit of accrual. A price has 9, the thousandth 3, a weight 6 and a rate 6.
pub const DECIMALS: u32 = 24;

/// Magnitudes are below this, 10^38: what DECIMAL(38,24) holds, and below 2^127.
const LIMIT: u128 = 10_u128.pow(38);

/// An amount of money, in 10^-24 of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

impl Amount {
    /// So many units.
    ///
    /// Error: PR907 from 10^38 of them.
    #[inline]
    pub fn from_units(units: i128) -> Result<Self> {
        if units.unsigned_abs() < LIMIT { Ok(Self(units)) } else { Err(Code::SumSize.into()) }
    }

    /// Reads a number as JSON writes them.
    pub fn parse(text: &str) -> core::result::Result<Self, Unfit> {
        // It gives at most 38 digits.
        decimal::parse(text, DECIMALS).map(Self)
    }

    /// In units.
    #[inline]
    pub fn units(self) -> i128 {
        self.0
    }

    /// The sum of both.
    ///
    /// Error: PR907.
    #[inline]
    pub fn plus(self, other: Self) -> Result<Self> {
        // Below 2 · 10^38, which is below 2^128 but not below 2^127.
        self.0.checked_add(other.0).map_or(Err(Code::SumSize.into()), Self::from_units)
    }
}

/// A decimal without zeros at its end.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        decimal::append(self.0, DECIMALS, &mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// Three capital letters. Currencies are kept apart, and never converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads a currency; none for anything else.
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let letters: [u8; 3] = text.try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The letters.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many decimals the minor unit of a currency has, as ISO 4217 says: 0, 2 or 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinorDigits(u8);

impl MinorDigits {
    /// So many.
    ///
    /// Error: PR607.
    pub fn new(digits: i64) -> Result<Self> {
        match digits {
            0 | 2 | 3 => Ok(Self(digits as u8)),
            _ => Err(Error::new(Code::MinorDigits).because(alloc::format!("{digits} were given"))),
        }
    }

    /// Those of a currency, by ISO 4217: 2 unless it has another number of them. Those few that
    /// have 4 are units of account, in which nothing is paid.
    pub fn of(currency: Currency) -> Self {
        Self(match currency.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        })
    }

    /// How many.
    pub fn count(self) -> u8 {
        self.0
    }

    /// The minor unit, in units of accrual.
    pub fn unit(self) -> i128 {
        10_i128.pow(DECIMALS - u32::from(self.0))
    }

    /// So many minor units as text, with all digits: `12.30`.
    pub fn format(self, minor: u128) -> String {
        let digits = usize::from(self.0);
        let scale = 10_u128.pow(self.0.into());
        match digits {
            0 => alloc::format!("{minor}"),
            _ => alloc::format!("{}.{:0digits$}", minor / scale, minor % scale),
        }
    }

    /// Reads what [`format`](Self::format) writes, below 2^120; none for anything else.
    pub fn parse(self, text: &str) -> Option<u128> {
        let minor = decimal::parse(text, self.0.into()).ok()?;
        let minor = u128::try_from(minor).ok().filter(|minor| minor >> 120 == 0)?;
        (self.format(minor) == text).then_some(minor)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn amounts_end_below_ten_to_the_38() -> Result<()> {
        let largest = Amount::from_units(10_i128.pow(38) - 1)?;
        assert_eq!(largest.to_string(), "99999999999999.999999999999999999999999");
        assert_eq!(Amount::parse("99999999999999.999999999999999999999999"), Ok(largest));
        assert_eq!(Amount::parse("100000000000000"), Err(Unfit::Size));
        assert_eq!(Amount::parse("0.0000000000000000000000001"), Err(Unfit::Decimals));
        let one = Amount::from_units(1)?;
        let least = Amount::from_units(-largest.units())?;
        for (a, b) in [(largest, one), (one, largest), (largest, largest), (least, least)] {
            assert_eq!(a.plus(b).map_err(|error| error.code()), Err(Code::SumSize));
        }
        assert_eq!(largest.plus(least), Ok(Amount::default()));
        for units in [10_i128.pow(38), i128::MAX, i128::MIN, -(10_i128.pow(38))] {
            assert_eq!(Amount::from_units(units).map_err(|error| error.code()), Err(Code::SumSize));
        }
        Ok(())
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::parse(b"USD").map(|found| found.to_string()), Some("USD".into()));
        for wrong in ["", "US", "USDT", "usd", "US1", "\u{c9}U", " US"] {
            assert_eq!(Currency::parse(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn minor_units_have_one_spelling() -> Result<()> {
        for (digits, minor, text) in [
            (0, 0, "0"),
            (0, 12, "12"),
            (2, 0, "0.00"),
            (2, 5, "0.05"),
            (2, 1230, "12.30"),
            (3, 1230, "1.230"),
            (3, (1 << 120) - 1, "1329227995784915872903807060280344.575"),
        ] {
            let digits = MinorDigits::new(digits)?;
            assert_eq!(digits.format(minor), text);
            assert_eq!(digits.parse(text), Some(minor));
        }
        let digits = MinorDigits::new(3)?;
        for wrong in [
            "",
            "1",
            "1.23",
            "1.2300",
            "01.230",
            "-1.230",
            "-0.000",
            "+1.230",
            "1.230 ",
            "1230e-3",
            ".230",
            "1329227995784915872903807060280344.576",
            "99999999999999999999999999999999999999.000",
        ] {
            assert_eq!(digits.parse(wrong), None, "{wrong:?}");
        }
        for wrong in [-1, 1, 4, 24, 256, i64::MAX, i64::MIN] {
            let refused = MinorDigits::new(wrong).map_err(|error| error.code());
            assert_eq!(refused, Err(Code::MinorDigits), "{wrong}");
        }
        Ok(())
    }
}
