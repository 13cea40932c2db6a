//! The gate and the printer of numbers, against a slow reading of their definitions.

use precise_core::canonical::{canonicalize, rfc8785};
use precise_core::{Code, number};
use proptest::prelude::*;

use crate::spelling::{spell_number, tape};

/// D₁.D₂…D_m × 10^e without zeros at either end of D; zero has no digits, no sign, and e = 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) e: i64,
}

impl Decimal {
    /// The exact value of a JSON number, with an exponent of at most 15 digits.
    pub(crate) fn of(literal: &str) -> Self {
        let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
        let unsigned = mantissa.trim_start_matches('-');
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{integer}{fraction}");
        let without_leading = all.trim_start_matches('0');
        let leading = all.len() - without_leading.len();
        let digits = without_leading.trim_end_matches('0').to_string();
        if digits.is_empty() {
            return Self { negative: false, digits, e: 0 };
        }
        let shift = i64::try_from(integer.len()).unwrap() - 1 - i64::try_from(leading).unwrap();
        let exponent: i64 = exponent.parse().unwrap();
        Self { negative: mantissa.starts_with('-'), digits, e: shift + exponent }
    }

    /// ECMA-262 Number::toString, step by step: the fewest digits that are read back as `f`; of
    /// those the nearest to `f`; of two as near the even one. Rust's own shortest form differs
    /// from it in such ties, but its form with a given number of digits rounds them to even.
    fn shortest(f: f64) -> Self {
        let sign = if f.is_sign_negative() { "-" } else { "" };
        for behind in 0..17 {
            let nearest = format!("{:.behind$e}", f.abs());
            let (digits, e) = nearest.split_once('e').unwrap();
            let digits: u64 = digits.replace('.', "").parse().unwrap();
            let exponent = e.parse::<i64>().unwrap() - i64::try_from(behind).unwrap();
            // Below a power of two binary64 is denser than above: if the nearest is not read
            // back, the one on its far side may be.
            for digits in [digits, digits + 1, digits.saturating_sub(1)] {
                let text = format!("{sign}{digits}e{exponent}");
                if text.parse() == Ok(f) {
                    return Self::of(&text);
                }
            }
        }
        unreachable!("17 digits tell any two binary64 apart")
    }

    /// As ECMA-262 writes it: plain from 0.000001 to below 10^21, with an exponent elsewhere.
    fn written(&self) -> String {
        let Some(first) = self.digits.get(..1) else { return "0".into() };
        let sign = if self.negative { "-" } else { "" };
        let (digits, behind) = (&self.digits, &self.digits[1..]);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let unsigned = match self.e {
            -6..=-1 => format!("0.{}{digits}", zeros(-self.e - 1)),
            0..=20 => {
                let len = i64::try_from(digits.len()).unwrap();
                let padded = format!("{digits}{}", zeros(self.e + 1 - len));
                let (integer, fraction) = padded.split_at(usize::try_from(self.e).unwrap() + 1);
                format!("{integer}{}{fraction}", if fraction.is_empty() { "" } else { "." })
            }
            e => format!("{first}{}{behind}e{e:+}", if behind.is_empty() { "" } else { "." }),
        };
        format!("{sign}{unsigned}")
    }

    /// What section 1.3 says of it, from its definition alone: kept if the shortest decimal of the
    /// nearest binary64 is this one.
    fn expected(&self) -> Result<(), Code> {
        if self.digits.is_empty() {
            return Ok(());
        }
        if self.digits.len() > 17 {
            return Err(Code::NumberPrecision);
        }
        if !(-324..=308).contains(&self.e) {
            return Err(Code::NumberRange);
        }
        let nearest: f64 = spell_number(self, &[]).parse().unwrap();
        if nearest == 0.0 || nearest.is_infinite() {
            return Err(Code::NumberRange);
        }
        if Self::shortest(nearest) == *self { Ok(()) } else { Err(Code::NumberPrecision) }
    }
}

/// Decimals that binary64 keeps.
pub(crate) fn kept_decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (-1000_i64..1000).prop_map(|n| Decimal::of(&n.to_string())),
        (any::<bool>(), 0_u64..1_000_000_000_000_000, -290_i64..=275).prop_map(
            |(negative, n, exponent)| {
                let sign = if negative { "-" } else { "" };
                Decimal::of(&format!("{sign}{n}e{exponent}"))
            }
        ),
        finite().prop_map(Decimal::shortest),
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    let nearby = prop_oneof![
        any::<u64>(),
        // The subnormals and the other end, and whole numbers around 2^53.
        0_u64..10_000,
        0x7FEF_FFFF_FFFF_0000_u64..0x7FF0_0000_0000_0000,
        (1_u64 << 52..1 << 55).prop_map(|n| {
            #[allow(clippy::cast_precision_loss, reason = "any binary64 there will do")]
            (n as f64).to_bits()
        }),
    ];
    nearby.prop_map(f64::from_bits).prop_filter("JSON has no other", |f| f.is_finite())
}

/// JSON numbers of any length and size, most of them close to what the gate just keeps.
fn literal() -> impl Strategy<Value = String> {
    let written = "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?";
    prop_oneof![
        written.prop_map(String::from),
        // The exact digits of a binary64 are more than its shortest ones.
        (finite(), 14_usize..20).prop_map(|(f, digits)| format!("{f:.digits$e}")),
        ("-?[1-9][0-9]{15,16}", -345_i32..310).prop_map(|(digits, e)| format!("{digits}e{e}")),
        ("[1-9](\\.[0-9]{1,17})?", prop_oneof![-326..-288, 288..311])
            .prop_map(|(digits, e)| format!("{digits}e{e}")),
        "-?[1-9][0-9]{13,20}",
    ]
}

fn gate(literal: &str) -> Result<String, Code> {
    match canonicalize(literal.as_bytes()) {
        Ok(canonical) => Ok(String::from_utf8(canonical).unwrap()),
        Err(error) => Err(error.code()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_gate_keeps_what_its_definition_keeps(literal in literal()) {
        let decimal = Decimal::of(&literal);
        prop_assert_eq!(gate(&literal).map(drop), decimal.expected());
        // In the middle of a document it is the same gate.
        let within = gate(&format!("[{literal}]"));
        prop_assert_eq!(within, gate(&literal).map(|canonical| format!("[{canonical}]")));
    }

    #[test]
    fn an_accepted_number_keeps_its_value(literal in literal()) {
        if let Ok(canonical) = gate(&literal) {
            prop_assert_eq!(Decimal::of(&canonical), Decimal::of(&literal));
            prop_assert_eq!(Decimal::of(&literal).written(), canonical.as_str());
            let before: f64 = literal.parse().unwrap();
            let after: f64 = canonical.parse().unwrap();
            prop_assert!(before.is_finite());
            prop_assert_eq!((before + 0.0).to_bits(), after.to_bits(), "+ 0.0 makes -0 0");
            prop_assert_eq!(rfc8785(literal.as_bytes()).unwrap(), canonical.as_bytes());
        }
    }

    #[test]
    fn a_decimal_is_written_as_its_literal_is(
        negative in any::<bool>(),
        digits in "[0-9]{0,25}",
        zeros in 0_usize..20,
        exponent in -420_i64..420,
    ) {
        let digits = format!("{digits}{}", "0".repeat(zeros));
        let sign = if negative { "-" } else { "" };
        let integer = digits.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let mut printed = Vec::new();
        let done = number::append_decimal(negative, digits.as_bytes(), exponent, &mut printed);
        let printed = done.map(|()| String::from_utf8(printed).unwrap());
        prop_assert_eq!(printed, gate(&format!("{sign}{integer}e{exponent}")));
    }

    #[test]
    fn spellings_share_bytes_exactly_if_they_are_one_decimal(
        decimals in (kept_decimal(), kept_decimal()),
        tapes in (tape(), tape()),
    ) {
        let (one, other) = decimals;
        let spelled = gate(&spell_number(&one, &tapes.0)).unwrap();
        prop_assert_eq!(&spelled, &gate(&spell_number(&one, &tapes.1)).unwrap());
        let of_other = gate(&spell_number(&other, &tapes.1)).unwrap();
        prop_assert_eq!(spelled == of_other, one == other);
    }

    #[test]
    fn what_the_printer_prints_the_gate_keeps(f in finite()) {
        let mut printed = Vec::new();
        number::append_f64(f, &mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        prop_assert_eq!(printed.parse::<f64>().unwrap().to_bits(), (f + 0.0).to_bits());
        prop_assert_eq!(&printed, &Decimal::shortest(f).written());
        prop_assert_eq!(gate(&printed), Ok(printed));
    }

    #[test]
    fn the_plain_printer_prints_the_nearest_binary64(literal in literal()) {
        let nearest: f64 = literal.parse().unwrap();
        let mut printed = Vec::new();
        let expected = number::append_f64(nearest, &mut printed).map(|()| printed);
        prop_assert_eq!(rfc8785(literal.as_bytes()).map_err(|error| error.code()), expected);
    }
}

#[test]
fn every_power_of_ten_and_its_neighbours_are_judged_by_the_definition() {
    for e in -330..=315 {
        for digits in ["1", "9", "9007199254740992", "9007199254740993", "17976931348623157"] {
            let literal = format!("{digits}e{e}");
            let decimal = Decimal::of(&literal);
            let expected = decimal.expected().map(|()| decimal.written());
            assert_eq!(gate(&literal), expected, "{literal}");
        }
    }
}

/// The short cut for spellings that are canonical already ends at these.
#[test]
fn plain_spellings_of_every_shape_are_written_as_defined() {
    for integer in ["0", "1", "90", "123456789012345", "1234567890123456", "100000000000000000000"]
    {
        for zeros in 0..12 {
            for behind in ["", "0", "1", "10", "25", "123456789", "00000000000005"] {
                for sign in ["", "-"] {
                    let fraction = format!("{}{behind}", "0".repeat(zeros));
                    let point = if fraction.is_empty() { "" } else { "." };
                    let literal = format!("{sign}{integer}{point}{fraction}");
                    let decimal = Decimal::of(&literal);
                    let expected = decimal.expected().map(|()| decimal.written());
                    assert_eq!(gate(&literal), expected, "{literal}");
                }
            }
        }
    }
}

#[test]
fn an_exponent_of_any_size_is_read_without_arithmetic_overflow() {
    for digits in [10, 18, 19, 20, 100, 5000] {
        let nines = "9".repeat(digits);
        assert_eq!(gate(&format!("1e{nines}")), Err(Code::NumberRange));
        assert_eq!(gate(&format!("1e-{nines}")), Err(Code::NumberRange));
        assert_eq!(gate(&format!("-0.0e{nines}")), Ok("0".into()));
        let zeros = "0".repeat(digits);
        assert_eq!(gate(&format!("1{zeros}e-{digits}")), Ok("1".into()));
        assert_eq!(gate(&format!("0.{zeros}1e{}", digits + 1)), Ok("1".into()));
        assert_eq!(gate(&format!("1e{zeros}7")), Ok("10000000".into()));
    }
}

#[test]
fn what_is_no_number_has_no_spelling() {
    for f in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut printed = Vec::new();
        assert_eq!(number::append_f64(f, &mut printed), Err(Code::NumberRange));
        assert!(printed.is_empty());
    }
}
