//! Statistics in binary64 (SPEC.md sections 8.7 and 8.9), by + − × ÷ and √ alone, each rounded to
//! nearest and in an order that is fixed: every machine gives the same bits.
//!
//! What would lose digits in binary64, since nearly all of it cancels, is an integer of 512 bits
//! first.

#![allow(clippy::many_single_char_names, reason = "they are those of the specification")]

mod wide;

use crate::error::{Code, Error, Result};

pub(crate) use wide::Wide;

/// How many standard errors 95 % of a normal distribution are within, on either side.
const Z: f64 = 1.959_963_984_540_054;
const Z_SQUARED: f64 = 3.841_458_820_694_125_4;

/// Between which two values something is, with 95 % of confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A part of a whole: `k` of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many of them.
    pub k: u64,
    /// Of how many.
    pub n: u64,
}

impl Share {
    /// `k` of `n`.
    ///
    /// Error: PR515 if n is below 1, or k below 0 or above n.
    pub fn new(k: i64, n: i64) -> Result<Self> {
        let fault = |detail| Err(Error::new(Code::Counts).because(detail));
        match (u64::try_from(k), u64::try_from(n)) {
            (_, Err(_) | Ok(0)) => fault(alloc::format!("n is {n}")),
            (Ok(k), Ok(n)) if k <= n => Ok(Self { k, n }),
            _ => fault(alloc::format!("k is {k} and n is {n}")),
        }
    }

    /// `k / n`
    pub fn rate(self) -> f64 {
        self.k as f64 / self.n as f64
    }

    /// The Wilson score interval of the rate.
    pub fn interval(self) -> Interval {
        wilson(self.rate(), self.n as f64, self.k == 0, self.k == self.n)
    }

    /// Of shares of `n` at the rate of `all`, the part that has fewer than `k`, equal ones counted
    /// half: the weights of a binomial distribution, added up from its mode outward.
    pub(crate) fn percentile(self, all: Self) -> f64 {
        /// Weights below 2^-80 of the largest change no sum of these.
        const LEAST: f64 = 1.0 / (1_u128 << 80) as f64;
        let Self { k, n } = self;
        let p = all.rate();
        let mode = (((n + 1) as f64 * p) as u64).min(n);
        let (mut below, mut whole) = (0.0, 0.0);
        let mut add = |j: u64, weight: f64| {
            whole += weight;
            if j < k {
                below += weight;
            } else if j == k {
                below += weight / 2.0;
            }
        };
        add(mode, 1.0);
        let mut weight = 1.0;
        for j in mode..n {
            weight = weight * ((n - j) as f64 / (j + 1) as f64) * (p / (1.0 - p));
            if weight < LEAST {
                break;
            }
            add(j + 1, weight);
        }
        weight = 1.0;
        for j in (1..=mode).rev() {
            weight = weight * (j as f64 / (n - j + 1) as f64) * ((1.0 - p) / p);
            if weight < LEAST {
                break;
            }
            add(j - 1, weight);
        }
        below / whole
    }
}

/// The Wilson score interval of the rate `p` of `n` trials, which need not be a whole number of
/// them.
fn wilson(p: f64, n: f64, is_none: bool, is_all: bool) -> Interval {
    let a = p + Z_SQUARED / (2.0 * n);
    let b = p * (1.0 - p) / n;
    let c = Z_SQUARED / (4.0 * n * n);
    let d = Z * square_root(b + c);
    let e = 1.0 + Z_SQUARED / n;
    Interval {
        low: if is_none { 0.0 } else { ((a - d) / e).max(0.0) },
        high: if is_all { 1.0 } else { ((a + d) / e).min(1.0) },
    }
}

/// How much larger one rate is than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub difference: f64,
    /// Its interval.
    pub interval: Interval,
}

impl Difference {
    /// The rate of `treated` less that of `control`, with Newcombe's interval.
    pub(crate) fn new(treated: Share, control: Share) -> Self {
        let (p1, p2) = (treated.rate(), control.rate());
        let (one, two) = (treated.interval(), control.interval());
        let difference = p1 - p2;
        let below = (p1 - one.low) * (p1 - one.low) + (two.high - p2) * (two.high - p2);
        let above = (one.high - p1) * (one.high - p1) + (p2 - two.low) * (p2 - two.low);
        let interval = Interval {
            low: difference - square_root(below),
            high: difference + square_root(above),
        };
        Self { difference, interval }
    }

    /// The same as a part of the rate of `control`, with the interval of Donner and Zou. None if
    /// that rate is 0.
    pub(crate) fn relative(treated: Share, control: Share) -> Option<Self> {
        if control.k == 0 {
            return None;
        }
        let (p1, p2) = (treated.rate(), control.rate());
        let (one, two) = (treated.interval(), control.interval());
        let m = p1 * p2;
        let a = one.low * (2.0 * p1 - one.low);
        let b = two.high * (2.0 * p2 - two.high);
        let c = one.high * (2.0 * p1 - one.high);
        let e = two.low * (2.0 * p2 - two.low);
        // Of no conversions the quotient would be 0 / 0.
        let low = if treated.k == 0 { 0.0 } else { a / (m + square_root(m * m - a * b)) };
        let high = (m + square_root(m * m - c * e)) / e;
        let interval = Interval { low: low - 1.0, high: high - 1.0 };
        Some(Self { difference: (p1 - p2) / p2, interval })
    }
}

/// What is known of two facts, x and y, of `n` users: sums, in 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) n: i128,
    pub(crate) x: i128,
    pub(crate) y: i128,
    pub(crate) xx: i128,
    pub(crate) xy: i128,
    pub(crate) yy: i128,
}

impl Pair {
    /// One user's.
    pub(crate) fn of(x: i64, y: i64) -> Self {
        let (x, y) = (i128::from(x), i128::from(y));
        Self { n: 1, x, y, xx: x * x, xy: x * y, yy: y * y }
    }

    /// Whether there are numbers that have these sums: no square, and no sum of squares, is
    /// negative.
    pub(crate) fn is_possible(&self) -> bool {
        let (n, x, y) = (Wide::from(self.n), Wide::from(self.x), Wide::from(self.y));
        let (xx, xy, yy) = (Wide::from(self.xx), Wide::from(self.xy), Wide::from(self.yy));
        self.n >= 0
            && self.xx >= 0
            && self.yy >= 0
            && !(n * xx - x * x).is_negative()
            && !(n * yy - y * y).is_negative()
            && !(xx * yy - xy * xy).is_negative()
    }

    /// Σ(X·y − Y·x)², where X and Y are the sums of x and y: how far the users are from one ratio.
    /// It is below 4 · 2^(3 · 127).
    fn residue(&self) -> Wide {
        let (x, y) = (Wide::from(self.x), Wide::from(self.y));
        let cross = x * y * Wide::from(self.xy);
        x * x * Wide::from(self.yy) - cross - cross + y * y * Wide::from(self.xx)
    }

    /// `n · Σxx − X · X`
    fn variation_of_x(&self) -> Wide {
        let x = Wide::from(self.x);
        Wide::from(self.n) * Wide::from(self.xx) - x * x
    }

    /// `n · Σyy − Y · Y`
    fn variation_of_y(&self) -> Wide {
        let y = Wide::from(self.y);
        Wide::from(self.n) * Wide::from(self.yy) - y * y
    }

    /// `Y / X`, and its interval by the delta method. None if X is not above 0.
    pub(crate) fn ratio(&self) -> Option<(f64, Option<Interval>)> {
        if self.x <= 0 {
            return None;
        }
        let (n, n_less_1) = (self.n as f64, (self.n - 1) as f64);
        let (x, ratio) = (self.x as f64, self.y as f64 / self.x as f64);
        let residue = self.residue();
        let is_known = self.n >= 2
            && !residue.is_zero()
            && Z_SQUARED * self.variation_of_x().to_f64() / n_less_1 < x * x;
        let interval = is_known.then(|| {
            let error = square_root(residue.to_f64() * n / n_less_1) / (x * x);
            Interval { low: ratio - Z * error, high: ratio + Z * error }
        });
        Some((ratio, interval))
    }

    /// `Y / X` where y is a part of x, and a Wilson interval of as many trials as there would be if
    /// each user were all or nothing, or fewer if the users show as much. None if X is 0.
    pub(crate) fn part(&self) -> Option<(f64, Interval)> {
        if self.x <= 0 {
            return None;
        }
        let (n, n_less_1) = (self.n as f64, (self.n - 1) as f64);
        let (x, y, rest) = (self.x as f64, self.y as f64, (self.x - self.y) as f64);
        let mut trials = x * x / self.xx as f64;
        let residue = self.residue();
        if !residue.is_zero() {
            trials = trials.min(y * rest * (x * x) * n_less_1 / (residue.to_f64() * n));
        }
        Some((y / x, wilson(y / x, trials, self.y == 0, self.y == self.x)))
    }

    /// Pearson's correlation and Fisher's interval of it. None if it has none.
    pub(crate) fn correlation(&self) -> Option<(f64, Option<Interval>)> {
        let (a, b) = (self.variation_of_x(), self.variation_of_y());
        if self.n < 3 || a.is_zero() || b.is_zero() {
            return None;
        }
        let c = Wide::from(self.n) * Wide::from(self.xy) - Wide::from(self.x) * Wide::from(self.y);
        let r = (c.to_f64() / square_root(a.to_f64() * b.to_f64())).clamp(-1.0, 1.0);
        let is_known = self.n >= 4 && r.abs() < 1.0;
        let interval = is_known.then(|| {
            let t = tanh(Z / square_root((self.n - 3) as f64));
            Interval {
                low: ((r - t) / (1.0 - r * t)).max(-1.0),
                high: ((r + t) / (1.0 + r * t)).min(1.0),
            }
        });
        Some((r, interval))
    }
}

/// Lambert's continued fraction, of c up to 2 at most 2^-52 away after 12 of the 32 levels.
fn tanh(c: f64) -> f64 {
    let innermost = 63.0;
    let rest = (0..31).rev().fold(innermost, |rest, level| {
        let odd = f64::from(2 * level + 1);
        odd + c * c / rest
    });
    c / rest
}

/// The square root of a finite number, correctly rounded, ties to even; of a negative one, 0.
///
/// The standard library's is correctly rounded as well, but is not in `core`.
fn square_root(x: f64) -> f64 {
    const FRACTION_BITS: u32 = 52;
    if x <= 0.0 {
        return 0.0;
    }
    let bits = x.to_bits();
    let (field, fraction) = ((bits >> FRACTION_BITS) as i32, bits & ((1 << FRACTION_BITS) - 1));
    // x = mantissa · 2^exponent; only a subnormal number has no leading 1.
    let mantissa = u128::from(if field == 0 { fraction } else { fraction | 1 << FRACTION_BITS });
    let exponent = field.max(1) - 1075;
    // 109 or 110 bits, so that the exponent is even and the root has 55.
    let shift = mantissa.leading_zeros() as i32 - 18;
    let shift = shift - ((exponent - shift) & 1);
    let square = mantissa << shift;
    let root = square.isqrt();
    // What is behind the root counts in the rounding to 53 bits, as one bit more.
    let rounded = (root << 1 | u128::from(root * root != square)) as f64;
    rounded * power_of_two((exponent - shift) / 2 - 1)
}

/// 2^`exponent`, from -1022 to 1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is equal here is so to the last bit")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_near(found: f64, expected: f64) {
        let allowed = 1e-12 * expected.abs().max(1e-3);
        assert!((found - expected).abs() <= allowed, "{found} and not {expected}");
    }

    fn assert_interval(found: Interval, (low, high): (f64, f64)) {
        assert_near(found.low, low);
        assert_near(found.high, high);
    }

    proptest! {
        #[test]
        fn a_square_root_is_that_of_the_standard_library(bits in any::<u64>()) {
            let x = f64::from_bits(bits & !(1 << 63));
            prop_assume!(x.is_finite());
            prop_assert_eq!(square_root(x), x.sqrt());
            prop_assert_eq!(square_root(-x), 0.0);
        }

        /// Most of all near squares, where the root is near a number of 53 bits.
        #[test]
        fn roots_of_squares_and_their_neighbours(root in any::<u64>(), away in 0..3_u64) {
            let root = f64::from_bits(0x3FF0_0000_0000_0000 | root >> 12);
            for bits in [(root * root).to_bits() + away, (root * root).to_bits() - away] {
                let x = f64::from_bits(bits);
                prop_assert_eq!(square_root(x), x.sqrt());
            }
            prop_assert_eq!(square_root(root * root), root);
        }

        #[test]
        fn an_interval_contains_its_rate(n in 1..=i64::MAX, k in any::<u64>(), shift in 0..63_u32) {
            let n = (n >> shift).max(1);
            let share = Share { k: k % (n as u64 + 1), n: n as u64 };
            let Interval { low, high } = share.interval();
            prop_assert!(0.0 <= low && low <= share.rate() && share.rate() <= high && high <= 1.0);
        }

        #[test]
        fn differences_contain_themselves_and_agree_on_their_sign(
            (k1, n1, k2, n2) in (any::<u64>(), 1..5000_u64, any::<u64>(), 1..5000_u64),
        ) {
            let treated = Share { k: k1 % (n1 + 1), n: n1 };
            let control = Share { k: k2 % (n2 + 1), n: n2 };
            let Difference { difference, interval } = Difference::new(treated, control);
            prop_assert!(-1.0 <= interval.low && interval.low <= difference);
            prop_assert!(difference <= interval.high && interval.high <= 1.0);
            let Some(relative) = Difference::relative(treated, control) else {
                prop_assert_eq!(control.k, 0);
                return Ok(());
            };
            prop_assert!(relative.interval.high.is_finite() && relative.interval.low >= -1.0);
            // Of equal rates both are 0, but for the last bits.
            prop_assert!(relative.interval.low - 1e-12 <= relative.difference);
            prop_assert!(relative.difference <= relative.interval.high + 1e-12);
            for (one, other) in [
                (interval.low, relative.interval.low),
                (interval.high, relative.interval.high),
            ] {
                prop_assert!(one.abs() < 1e-12 || one.signum() == other.signum());
            }
        }

        #[test]
        fn a_percentile_is_one(
            (k, n) in (any::<u64>(), 1..3000_u64),
            (others, rest) in (0..3000_u64, 1..3000_u64),
        ) {
            let cohort = Share { k: k % (n + 1), n };
            let all = Share { k: cohort.k + others.min(rest), n: n + rest };
            let percentile = cohort.percentile(all);
            prop_assert!((0.0..=1.0).contains(&percentile), "{}", percentile);
            // More conversions stand higher.
            if cohort.k < n {
                let more = Share { k: cohort.k + 1, n };
                prop_assert!(percentile <= more.percentile(all));
            }
        }

        #[test]
        fn whatever_numbers_there_are_come_to_something_finite(
            numbers in proptest::collection::vec((any::<i64>(), any::<i64>()), 0..20),
            shift in 13..64_u32,
        ) {
            let mut sum = Pair::default();
            for (x, y) in numbers {
                add(&mut sum, x >> shift, y >> (76 - shift));
            }
            prop_assert!(sum.is_possible());
            let inside = |value: f64, interval: Option<Interval>| {
                interval.is_none_or(|Interval { low, high }| {
                    low.is_finite() && high.is_finite() && low <= value && value <= high
                })
            };
            if let Some((ratio, interval)) = sum.ratio() {
                prop_assert!(ratio.is_finite() && inside(ratio, interval));
            }
            if let Some((r, interval)) = sum.correlation() {
                prop_assert!((-1.0..=1.0).contains(&r) && inside(r, interval));
                prop_assert!(interval.is_none_or(|i| i.low >= -1.0 && i.high <= 1.0));
            }
        }

        #[test]
        fn a_part_is_between_none_and_all(
            plays in proptest::collection::vec((any::<u64>(), any::<u64>()), 1..20),
            shift in 11..64_u32,
        ) {
            let mut sum = Pair::default();
            for (starts, completes) in plays {
                let starts = starts >> shift;
                add(&mut sum, starts as i64, (completes % (starts + 1)) as i64);
            }
            let Some((rate, Interval { low, high })) = sum.part() else {
                prop_assert_eq!(sum.x, 0);
                return Ok(());
            };
            prop_assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0);
            prop_assert!(low < high);
        }
    }

    fn add(sum: &mut Pair, x: i64, y: i64) {
        let Pair { n, x, y, xx, xy, yy } = Pair::of(x, y);
        sum.n += n;
        sum.x += x;
        sum.y += y;
        sum.xx += xx;
        sum.xy += xy;
        sum.yy += yy;
    }

    fn pair(x: &[i64], y: &[i64]) -> Pair {
        let mut sum = Pair::default();
        x.iter().zip(y).for_each(|(&x, &y)| add(&mut sum, x, y));
        sum
    }

    #[test]
    fn roots_at_the_ends_of_the_range() {
        for x in [0.0, -0.0, 5e-324, 1e-323, f64::MIN_POSITIVE, 0.25, 1.0, 2.0, 4.0, f64::MAX] {
            assert_eq!(square_root(x), x.sqrt(), "{x}");
        }
    }

    /// `statsmodels.stats.proportion.proportion_confint(k, n, method='wilson')`
    #[test]
    fn an_interval_is_that_of_statsmodels() -> Result<()> {
        for (k, n, expected) in [
            (87, 100, (0.790_196_485_599_235_6, 0.922_428_325_727_594_9)),
            (0, 10, (0.0, 0.277_532_799_862_889_26)),
            (10, 10, (0.722_467_200_137_110_6, 1.0)),
            (1, 1, (0.206_549_314_377_237_4, 1.0)),
            (263, 1000, (0.236_656_859_791_078_37, 0.291_157_023_731_074_7)),
            (999_999, 1_000_000, (0.999_994_335_088_195_7, 0.999_999_823_475_423_3)),
        ] {
            assert_interval(Share::new(k, n)?.interval(), expected);
        }
        Ok(())
    }

    #[test]
    fn a_part_is_no_larger_than_its_whole() {
        for (k, n) in [(0, 0), (1, 0), (-1, 10), (11, 10), (0, -1), (i64::MIN, i64::MAX)] {
            assert_eq!(
                Share::new(k, n).map_err(|error| error.code()),
                Err(Code::Counts),
                "{k}/{n}"
            );
        }
        assert!(Share::new(i64::MAX, i64::MAX).is_ok());
    }

    /// The first four are those of Newcombe's paper;
    /// `confint_proportions_2indep(k1, n1, k2, n2, method='newcomb', compare='diff')`.
    #[test]
    fn a_difference_is_that_of_statsmodels() -> Result<()> {
        for (treated, control, expected) in [
            ((56, 70), (48, 80), (0.052_431_472_402_364_98, 0.333_872_654_036_906_14)),
            ((9, 10), (3, 10), (0.170_522_723_934_502_9, 0.809_017_973_535_488)),
            ((6, 7), (2, 7), (0.058_227_927_482_312_09, 0.806_249_637_524_227_8)),
            ((5, 56), (0, 29), (-0.038_137_147_903_536_936, 0.192_560_013_855_111_65)),
            ((0, 10), (0, 20), (-0.161_125_158_052_819_4, 0.277_532_799_862_889_26)),
            ((10, 10), (0, 20), (0.679_086_037_141_914_5, 1.0)),
        ] {
            let (treated, control) =
                (Share::new(treated.0, treated.1)?, Share::new(control.0, control.1)?);
            let found = Difference::new(treated, control);
            assert_near(found.difference, treated.rate() - control.rate());
            assert_interval(found.interval, expected);
        }
        Ok(())
    }

    /// `statsmodels` has another interval of the ratio, `confint_proportions_2indep(…,
    /// method='score', compare='ratio')` less 1: it is near, and nearer the more users there are.
    #[test]
    fn a_relative_difference_is_near_the_score_interval() -> Result<()> {
        for (treated, control, (low, high), away) in [
            ((56, 70), (48, 80), (0.079, 0.672), 0.02),
            ((300, 10_000), (100, 5000), (0.200, 0.876), 0.01),
        ] {
            let (treated, control) =
                (Share::new(treated.0, treated.1)?, Share::new(control.0, control.1)?);
            let found = Difference::relative(treated, control).map(|found| found.interval);
            let Some(found) = found else { panic!("the control converted") };
            assert!((found.low - low).abs() < away, "{found:?}");
            assert!((found.high - high).abs() < away, "{found:?}");
        }
        let none = Difference::relative(Share { k: 0, n: 10 }, Share { k: 3, n: 10 });
        assert_eq!(none.map(|none| (none.difference, none.interval.low)), Some((-1.0, -1.0)));
        assert_eq!(Difference::relative(Share { k: 3, n: 10 }, Share { k: 0, n: 10 }), None);
        Ok(())
    }

    /// `scipy.stats.binom.cdf(k - 1, n, p) + scipy.stats.binom.pmf(k, n, p) / 2`
    #[test]
    fn a_percentile_is_that_of_scipy() {
        for (cohort, all, expected) in [
            ((3, 10), (25, 100), 0.650_733_947_753_906_1),
            // Nothing is known of five users without a conversion.
            ((0, 5), (10, 1000), 0.475_495_024_949_999_84),
            ((12, 100), (100, 1000), 0.752_427_106_464_593_3),
            ((0, 10), (0, 30), 0.5),
            ((10, 10), (30, 30), 0.5),
            ((7, 7), (8, 100), 0.999_999_989_514_240_1),
            ((40, 100), (20, 1000), 1.0),
        ] {
            let (cohort, all) = (Share { k: cohort.0, n: cohort.1 }, Share { k: all.0, n: all.1 });
            assert_near(cohort.percentile(all), expected);
        }
        // Its own sums of a million weights differ in the tenth digit.
        let large = Share { k: 100_100, n: 1_000_000 };
        let percentile = large.percentile(Share { k: 1_000_000, n: 10_000_000 });
        assert!((percentile - 0.630_707_537).abs() < 1e-9, "{percentile}");
    }

    /// `scipy.stats.pearsonr(x, y)` and its `confidence_interval(0.95)`
    #[test]
    fn a_correlation_is_that_of_scipy() {
        let x =
            [500_000, 1_250_000, 3_000_000, 2_500_000, 750_000, 4_000_000, 1_000_000, 2_000_000];
        let y = [1_000_000, 2_500_000, 2_000_000, 6_000_000, 0, 9_750_000, 0, 3_500_000];
        let Some((r, Some(interval))) = pair(&x, &y).correlation() else { panic!("it has one") };
        assert_near(r, 0.846_313_997_553_470_1);
        assert_interval(interval, (0.350_922_058_286_635, 0.971_568_303_521_005_8));
        // Far from 0 the sums of squares differ in their last digits alone.
        let far: [i64; 8] = x.map(|x| x + 900_000_000_000_000);
        assert_eq!(pair(&far, &y).correlation(), Some((r, Some(interval))));
    }

    /// In floats, `s = ((y - r * x) ** 2).sum() / (n - 1)` and `z * sqrt(s / n) / x.mean()`.
    #[test]
    fn a_ratio_is_that_of_the_delta_method() {
        let x =
            [500_000, 1_250_000, 3_000_000, 2_500_000, 750_000, 4_000_000, 1_000_000, 2_000_000];
        let y = [1_000_000, 2_500_000, 2_000_000, 6_000_000, 0, 9_750_000, 0, 3_500_000];
        let Some((ratio, Some(interval))) = pair(&x, &y).ratio() else { panic!("it has one") };
        assert_near(ratio, 1.65);
        assert_interval(interval, (0.928_801_395_752_667_2, 2.371_198_604_247_332_8));
    }

    /// `proportion_confint(p * m, m, method='wilson')` of the m trials that are told beside it.
    #[test]
    fn plays_count_for_fewer_than_they_are() {
        // Kish's effective number, 46²/… = 5.1, and 13.0 by how users differ.
        let usual = pair(&[4, 1, 10, 2, 6, 3, 3, 1], &[3, 1, 4, 2, 6, 0, 2, 0]);
        let Some((rate, interval)) = usual.part() else { panic!("there are plays") };
        assert_near(rate, 0.6);
        assert_interval(interval, (0.233_386_055_604_049_57, 0.880_820_131_117_095));
        // One user of 30 plays and nine of one: 1.7 trials.
        let one = pair(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 30], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 30]);
        let Some((rate, interval)) = one.part() else { panic!("there are plays") };
        assert_near(rate, 31.0 / 39.0);
        assert_interval(interval, (0.194_794_536_645_280_8, 0.984_144_299_751_596_8));
        // A user who watches everything is one user.
        let everything = pair(&[1000], &[1000]).part();
        assert_eq!(everything, Some((1.0, Share { k: 1, n: 1 }.interval())));
        assert_eq!(pair(&[0, 0], &[0, 0]).part(), None);
    }

    #[test]
    fn where_nothing_can_be_said_nothing_is() {
        let ratio = |x: &[i64], y: &[i64]| pair(x, y).ratio();
        assert_eq!(ratio(&[], &[]), None);
        assert_eq!(ratio(&[0, 0], &[1, 2]), None);
        assert_eq!(ratio(&[1, -1], &[1, 2]), None);
        assert_eq!(ratio(&[1, -2], &[1, 2]), None);
        // One user, all alike, nearly all of one user's.
        assert_eq!(ratio(&[2], &[3]), Some((1.5, None)));
        assert_eq!(ratio(&[2; 5], &[0; 5]), Some((0.0, None)));
        assert_eq!(
            ratio(&[2, 4, 6, 8, 9], &[3, 6, 9, 12, 13]).map(|found| found.1.is_some()),
            Some(true)
        );
        assert_eq!(ratio(&[1000, 1, 1, 1, 1], &[0, 1, 2, 3, 4]).map(|found| found.1), Some(None));

        let correlation = |x: &[i64], y: &[i64]| pair(x, y).correlation();
        assert_eq!(correlation(&[1, 2], &[1, 2]), None);
        assert_eq!(correlation(&[1, 1, 1, 1], &[1, 2, 3, 4]), None);
        assert_eq!(correlation(&[1, 2, 3, 4], &[7, 7, 7, 7]), None);
        assert_eq!(correlation(&[1, 2, 3, 4], &[5, 7, 9, 11]), Some((1.0, None)));
        assert_eq!(correlation(&[1, 2, 3, 4], &[3, 2, 1, 0]), Some((-1.0, None)));
        assert_eq!(correlation(&[1, 2, 3], &[1, 3, 2]), Some((0.5, None)));
    }

    #[test]
    fn sums_that_no_numbers_have_are_told() {
        let sound = pair(&[1, 2, 5], &[3, -2, 0]);
        assert!(sound.is_possible() && Pair::default().is_possible());
        for wrong in [
            Pair { n: -1, ..sound },
            Pair { n: 1, ..sound },
            Pair { x: 10, ..sound },
            Pair { y: -7, ..sound },
            Pair { xx: -1, ..sound },
            Pair { yy: 0, ..sound },
            Pair { xy: 1000, ..sound },
            Pair { n: i128::MAX, x: i128::MAX, xx: i128::MIN, ..sound },
        ] {
            assert!(!wrong.is_possible(), "{wrong:?}");
        }
    }

    #[test]
    fn a_hyperbolic_tangent_is_that_of_the_standard_library() {
        for i in 1..=2000 {
            let c = f64::from(i) / 1000.0;
            let away = (tanh(c) - c.tanh()).abs();
            assert!(away <= f64::EPSILON, "tanh({c}) is {away} away");
        }
    }
}
