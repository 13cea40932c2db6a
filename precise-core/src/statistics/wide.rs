//! Signed integers of 512 bits.

use core::ops::{Add, Mul, Sub};

use super::power_of_two;

const LIMBS: usize = 8;

/// A signed integer of 512 bits: two's complement, the lowest limb first. What leaves them wraps
/// around; whoever computes with it says why nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide([u64; LIMBS]);

impl Wide {
    pub(crate) fn is_negative(self) -> bool {
        self.0[LIMBS - 1] >> 63 == 1
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == [0; LIMBS]
    }

    /// The nearest binary64, ties to even.
    pub(crate) fn to_f64(self) -> f64 {
        let negative = self.is_negative();
        let Self(limbs) = if negative { Self([0; LIMBS]) - self } else { self };
        let Some(top) = limbs.iter().rposition(|&limb| limb != 0) else { return 0.0 };
        let shift = limbs[top].leading_zeros();
        // The 64 bits from the first 1 on, and whether there are more behind them: a 1 there, too,
        // rounds the 64 bits to 53 as all of them would be.
        let next = if top == 0 { 0 } else { limbs[top - 1] };
        let pair = (u128::from(limbs[top]) << 64 | u128::from(next)) << shift;
        let rest = pair as u64 != 0 || limbs[..top.saturating_sub(1)].iter().any(|&limb| limb != 0);
        let leading = (pair >> 64) as u64 | u64::from(rest);
        let exponent = 64 * top as i32 - shift as i32;
        let magnitude = leading as f64 * power_of_two(exponent);
        if negative { -magnitude } else { magnitude }
    }
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        let sign = if value < 0 { u64::MAX } else { 0 };
        let mut limbs = [sign; LIMBS];
        limbs[0] = value as u64;
        limbs[1] = (value >> 64) as u64;
        Self(limbs)
    }
}

impl Add for Wide {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let mut sum = [0; LIMBS];
        let mut carry = 0;
        for (to, (one, two)) in sum.iter_mut().zip(self.0.iter().zip(other.0)) {
            let limb = u128::from(*one) + u128::from(two) + carry;
            *to = limb as u64;
            carry = limb >> 64;
        }
        Self(sum)
    }
}

impl Sub for Wide {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        // -b is !b + 1.
        self + Self(other.0.map(|limb| !limb)) + Self::from(1)
    }
}

impl Mul for Wide {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let mut product = [0; LIMBS];
        for (i, &one) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (to, &two) in product[i..].iter_mut().zip(&other.0) {
                // (2^64 − 1)² + 2 · (2^64 − 1) is 2^128 − 1.
                let limb = u128::from(one) * u128::from(two) + u128::from(*to) + carry;
                *to = limb as u64;
                carry = limb >> 64;
            }
        }
        Self(product)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "results are the same to the last bit")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_128_bits_it_is_an_integer_like_others(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (i128::from(a), i128::from(b));
            let (wide_a, wide_b) = (Wide::from(a), Wide::from(b));
            prop_assert_eq!(wide_a + wide_b, Wide::from(a + b));
            prop_assert_eq!(wide_a - wide_b, Wide::from(a - b));
            prop_assert_eq!(wide_a * wide_b, Wide::from(a * b));
            prop_assert_eq!((wide_a * wide_b).is_negative(), a * b < 0);
            prop_assert_eq!((wide_a - wide_a).is_zero(), true);
        }

        #[test]
        fn it_is_rounded_as_the_compiler_rounds(value in any::<i128>(), shift in 0..128) {
            let value = value >> shift;
            prop_assert_eq!(Wide::from(value).to_f64(), value as f64);
        }

        /// (a − b)·(a + b) is a² − b², of up to 510 bits once multiplied by as much.
        #[test]
        fn beyond_128_bits_the_laws_hold(a in any::<i128>(), b in any::<i128>()) {
            let (a, b) = (Wide::from(a >> 1), Wide::from(b >> 1));
            let (left, right) = ((a - b) * (a + b), a * a - b * b);
            prop_assert_eq!(left, right);
            prop_assert_eq!(left * left, right * right);
            prop_assert!(!(left * left).is_negative());
        }
    }

    /// Halves of the last of 53 bits go to the even neighbour, and anything beyond a half up.
    #[test]
    fn ties_go_to_even_at_any_size() {
        let two = Wide::from(2);
        let mut scale = Wide::from(1);
        for exponent in 0..450 {
            for (value, rounded) in [
                ((1 << 53) + 1, 1_i128 << 53),
                ((1 << 53) + 3, (1 << 53) + 4),
                ((1 << 55) + 4, 1 << 55),
                ((1 << 55) + 5, (1 << 55) + 8),
            ] {
                let expected = rounded as f64 * power_of_two(exponent);
                assert_eq!(
                    (Wide::from(value) * scale).to_f64(),
                    expected,
                    "{value} · 2^{exponent}"
                );
                assert_eq!((Wide::from(-value) * scale).to_f64(), -expected);
            }
            scale = scale * two;
        }
    }

    /// A single 1 far below a half makes it more than a half.
    #[test]
    fn the_last_bit_counts() {
        let half = (1_i128 << 53) + 1;
        let mut scale = Wide::from(1);
        for exponent in 0..440 {
            if exponent > 0 {
                let above = Wide::from(half) * scale + Wide::from(1);
                let expected = ((1_i128 << 53) + 2) as f64 * power_of_two(exponent);
                assert_eq!(above.to_f64(), expected, "2^{exponent}");
            }
            scale = scale * Wide::from(2);
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let mut least = Wide::from(-1);
        for _ in 0..511 {
            least = least * Wide::from(2);
        }
        assert_eq!(least.to_f64(), -power_of_two(511));
        assert_eq!((least - Wide::from(-1)).to_f64(), -power_of_two(511));
        assert!(least.is_negative() && !(least - Wide::from(1)).is_negative());
    }
}
