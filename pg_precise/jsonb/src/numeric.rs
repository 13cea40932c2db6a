//! PostgreSQL's own form of a NUMERIC: sixteen bits of sign, weight and scale, or two times
//! sixteen, and digits to the base 10,000 (`src/backend/utils/adt/numeric.c`).

/// A finite NUMERIC as decimal digits, of which the last counts 10^`exponent`.
#[derive(Debug, PartialEq, Eq)]
pub struct Decimal<'d> {
    /// Whether it is below zero.
    pub negative: bool,
    /// In ASCII; there may be zeros at both ends.
    pub digits: &'d [u8],
    /// The power of ten of the last digit.
    pub exponent: i64,
}

/// What a NUMERIC can be.
#[derive(Debug, PartialEq, Eq)]
pub enum Numeric<'d> {
    /// Finite.
    Decimal(Decimal<'d>),
    /// NaN or an infinity.
    NotFinite,
}

const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_WEIGHT_NEGATIVE: u16 = 0x0040;
const SHORT_WEIGHT: u16 = 0x003F;

/// Reads what follows the length word of a NUMERIC; `digits` is room for the result. None if the
/// bytes are no NUMERIC.
pub fn read<'d>(bytes: &[u8], digits: &'d mut Vec<u8>) -> Option<Numeric<'d>> {
    let header = u16_at(bytes, 0)?;
    let (negative, weight, groups) = match header & SIGN_MASK {
        SPECIAL => return Some(Numeric::NotFinite),
        SHORT => {
            let low = header & SHORT_WEIGHT;
            // Six bits and, for a negative weight, all the bits above them.
            let weight = if header & SHORT_WEIGHT_NEGATIVE == 0 {
                i64::from(low)
            } else {
                i64::from(low) - i64::from(SHORT_WEIGHT) - 1
            };
            (header & SHORT_NEGATIVE != 0, weight, bytes.get(2..)?)
        }
        sign => {
            let weight = i64::from(u16_at(bytes, 2)?.cast_signed());
            (sign == NEGATIVE, weight, bytes.get(4..)?)
        }
    };
    digits.clear();
    for group in groups.chunks(2) {
        let group = u16_at(group, 0)?;
        if group > 9999 {
            return None;
        }
        let pair = |n: u16| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        digits.extend(pair(group / 100));
        digits.extend(pair(group % 100));
    }
    let count = (groups.len() / 2) as i64;
    // The first group counts 10,000^weight.
    Some(Numeric::Decimal(Decimal { negative, digits, exponent: 4 * (weight - (count - 1)) }))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[u16]) -> Option<(bool, String, i64)> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut digits = Vec::new();
        match read(&bytes, &mut digits)? {
            Numeric::Decimal(Decimal { negative, digits, exponent }) => {
                Some((negative, String::from_utf8(digits.to_vec()).unwrap(), exponent))
            }
            Numeric::NotFinite => Some((false, "not finite".into(), 0)),
        }
    }

    #[test]
    fn both_headers_are_read() {
        let decimal = |negative, digits: &str, exponent| Some((negative, digits.into(), exponent));
        // 12345.67, short: weight 1.
        assert_eq!(read_words(&[0x8101, 1, 2345, 6700]), decimal(false, "000123456700", -4));
        // −0.0005, short: weight −1.
        assert_eq!(read_words(&[0xA27F, 5]), decimal(true, "0005", -4));
        // −10^400, long: weight 100.
        assert_eq!(read_words(&[0x4000, 100, 1]), decimal(true, "0001", 400));
        // 10^-400, long: weight −100.
        assert_eq!(read_words(&[0x0190, 0xFF9C, 1]), decimal(false, "0001", -400));
        assert_eq!(read_words(&[0x8000]), decimal(false, "", 4));
        assert_eq!(read_words(&[0xC000]), decimal(false, "not finite", 0));
    }

    #[test]
    fn what_is_no_numeric_is_said_to_be_none() {
        assert_eq!(read_words(&[]), None);
        assert_eq!(read_words(&[0x0000]), None);
        assert_eq!(read_words(&[0x8000, 10_000]), None);
        assert_eq!(read(&[0], &mut Vec::new()), None);
        assert_eq!(read(&[0, 0x80, 1], &mut Vec::new()), None);
    }
}
