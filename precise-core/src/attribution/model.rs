//! Models: which touch of a path is credited with how much (SPEC.md section 9.2). All in integers:
//! what a path hands out does not depend on the CPU.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;
use core::ops::RangeInclusive;

use super::path::TouchPath;
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::names::Names;

/// What each path hands out.
pub const UNITS: u64 = 1_000_000_000_000;

/// Seconds in which a weight may be halved.
const HALF_LIVES: RangeInclusive<u32> = 1..=1_000_000_000;

/// Touches that a state of `markov` may remember.
pub(super) const ORDERS: RangeInclusive<u32> = 1..=3;

/// Which touch is credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// Equal; a repeat counts each time.
    Linear,
    /// By what would be lost without a cohort, over all paths; the order is 1 to 3.
    Markov(u32),
    /// 40 % to the first, 40 % to the last, 20 % to those between.
    Position,
    /// Equal over the distinct cohorts.
    Shapley,
    /// By weights that are halved every so many seconds, 1 to 10^9.
    TimeDecay(u32),
}

impl Model {
    /// Reads a model as it is spelled, without folding or trimming.
    ///
    /// Error: PR507.
    pub fn parse(text: &str) -> Result<Self> {
        let argument = |name: &str, allowed: RangeInclusive<u32>| {
            let digits = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
            let is_spelled = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|_| is_spelled && !digits.starts_with('0'))?;
            allowed.contains(&number).then_some(number)
        };
        match text {
            "first" => Some(Self::First),
            "last" => Some(Self::Last),
            "linear" => Some(Self::Linear),
            "position" => Some(Self::Position),
            "shapley" => Some(Self::Shapley),
            _ => argument("time_decay", HALF_LIVES)
                .map(Self::TimeDecay)
                .or_else(|| argument("markov", ORDERS).map(Self::Markov)),
        }
        .ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            Error::new(Code::Model).because(alloc::format!("{shown:?}"))
        })
    }

    /// How it is spelled.
    pub fn name(self) -> String {
        alloc::format!("{self}")
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Last => f.write_str("last"),
            Self::Linear => f.write_str("linear"),
            Self::Markov(order) => write!(f, "markov({order})"),
            Self::Position => f.write_str("position"),
            Self::Shapley => f.write_str("shapley"),
            Self::TimeDecay(seconds) => write!(f, "time_decay({seconds})"),
        }
    }
}

/// The units that each touch of a path is credited with, in order; 10^12 in all.
///
/// Errors: PR507 for `markov`, which credits no single path; PR508 for `time_decay` without times.
pub fn touch_credit(model: Model, path: &TouchPath) -> Result<Vec<u64>> {
    let mut names = Names::default();
    let cohorts: Vec<u32> =
        path.cohorts().map(|cohort| names.number(cohort)).collect::<Result<_>>()?;
    let mut shares = Shares::default();
    shares.divide(model, path, &cohorts)?;
    Ok(shares.units)
}

/// The same as a JSON array of one object a touch, in JCS form.
///
/// Errors: as [`touch_credit`].
pub fn touch_credit_json(model: Model, path: &TouchPath) -> Result<String> {
    let method = model.name();
    let credits = touch_credit(model, path)?;
    let objects = path.touches().zip(credits).map(|((cohort, at), credit)| {
        let mut writer = Writer::object();
        if let Some(at) = at {
            writer.key("at").string(&at);
        }
        writer.key("cohort").string(&cohort);
        writer.key("credit").integer(credit);
        writer.key("method").string(&method);
        writer.key("v").integer(1);
        writer.finish()
    });
    Ok(super::array(objects))
}

/// The units of one path after the other, in memory that stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    /// Of each touch.
    pub(super) units: Vec<u64>,
    weights: Vec<u128>,
    /// By cohort, the last of the paths in which it was seen.
    seen: Vec<u64>,
    round: u64,
}

impl Shares {
    /// Divides 10^12 among the touches of `path`, of which `cohorts` are the cohorts' numbers.
    ///
    /// Errors: as [`touch_credit`].
    pub(super) fn divide(&mut self, model: Model, path: &TouchPath, cohorts: &[u32]) -> Result<()> {
        let last = cohorts.len() - 1;
        let units = &mut self.units;
        units.clear();
        units.resize(cohorts.len(), 0);
        match model {
            Model::First => units[0] = UNITS,
            Model::Last => units[last] = UNITS,
            Model::Linear => divide_equally(UNITS, units),
            Model::Position if last < 2 => divide_equally(UNITS, units),
            Model::Position => {
                let end = UNITS / 10 * 4;
                (units[0], units[last]) = (end, end);
                divide_equally(UNITS - 2 * end, &mut units[1..last]);
            }
            Model::Shapley => self.divide_by_cohorts(cohorts),
            Model::TimeDecay(seconds) => {
                let ages = path.ages().ok_or_else(|| {
                    Error::new(Code::TouchPath).because("time_decay needs touches with times")
                })?;
                let half_life = u64::from(seconds) * 1_000_000;
                self.weights.clear();
                self.weights.extend(ages.map(|age| decayed(age, half_life)));
                largest_remainder(UNITS, &self.weights, units);
            }
            Model::Markov(_) => {
                let detail = alloc::format!("{model} credits no single path");
                return Err(Error::new(Code::Model).because(detail));
            }
        }
        Ok(())
    }

    /// Equal for each cohort, at its first touch.
    fn divide_by_cohorts(&mut self, cohorts: &[u32]) {
        self.round += 1;
        let mut distinct = 0;
        for (&cohort, units) in cohorts.iter().zip(&mut self.units) {
            let place = cohort as usize;
            if place >= self.seen.len() {
                self.seen.resize(place + 1, 0);
            }
            if self.seen[place] != self.round {
                self.seen[place] = self.round;
                distinct += 1;
                // A mark, for the second pass.
                *units = 1;
            }
        }
        let (each, mut more) = (UNITS / distinct, UNITS % distinct);
        for units in self.units.iter_mut().filter(|units| **units == 1) {
            *units = each + u64::from(more > 0);
            more = more.saturating_sub(1);
        }
    }

    /// Bytes of memory held.
    pub(super) fn size(&self) -> usize {
        self.units.capacity() * size_of::<u64>()
            + self.weights.capacity() * size_of::<u128>()
            + self.seen.capacity() * size_of::<u64>()
    }
}

/// Of equal weights all remainders are equal: the first get one more.
fn divide_equally(total: u64, units: &mut [u64]) {
    let count = units.len() as u64;
    let (each, more) = (total / count, total % count);
    for (i, units) in (0..).zip(units) {
        *units = each + u64::from(i < more);
    }
}

/// Divides `total` by weights into `units`, by largest remainder, ties to the earlier. Of weights
/// that are all 0 nothing comes.
///
/// Weights are at most 2^64 and at most 2^20 in number, so that total · weight is below 2^104.
pub(super) fn largest_remainder(total: u64, weights: &[u128], units: &mut [u64]) {
    let sum: u128 = weights.iter().sum();
    if sum == 0 {
        return;
    }
    let mut rest = total;
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (i, (&weight, units)) in weights.iter().zip(units.iter_mut()).enumerate() {
        let product = u128::from(total) * weight;
        *units = (product / sum) as u64;
        rest -= *units;
        remainders.push((product % sum, i));
    }
    for i in largest_first(remainders).take(rest as usize) {
        units[i] += 1;
    }
}

/// The places of remainders, the largest first, ties by place.
pub(super) fn largest_first(mut remainders: Vec<(u128, usize)>) -> impl Iterator<Item = usize> {
    remainders.sort_unstable_by_key(|&(remainder, i)| (Reverse(remainder), i));
    remainders.into_iter().map(|(_, i)| i)
}

/// 2^64 · 2^(−age / half life), as SPEC.md rounds it.
fn decayed(age: u64, half_life: u64) -> u128 {
    let halvings = age / half_life;
    if halvings >= 64 {
        return 0;
    }
    // The part of a half life is below 1, and half lives are below 2^50.
    let part = ((u128::from(age % half_life) << 64) / u128::from(half_life)) as u64;
    let mut weight = 1_u128 << 64;
    for (i, &root) in HALF_ROOTS.iter().enumerate() {
        if part << i >> 63 == 1 {
            // At most 2^64 · (2^64 − 1).
            weight = (weight * u128::from(root)) >> 64;
        }
    }
    weight >> halvings
}

/// C₁ to C₆₄: ⌊2^64 · 2^(−2^−i)⌋.
const HALF_ROOTS: [u64; 64] = [
    0xB504_F333_F9DE_6484,
    0xD744_FCCA_D69D_6AF4,
    0xEAC0_C6E7_DD24_392E,
    0xF525_7D15_2486_CC2C,
    0xFA83_B2DB_722A_033A,
    0xFD3E_0C0C_F486_C174,
    0xFE9E_115C_7B8F_884B,
    0xFF4E_CB59_511E_C8A5,
    0xFFA7_5652_1C8D_AED1,
    0xFFD3_A751_C0F7_E10B,
    0xFFE9_D2B2_F7DB_2755,
    0xFFF4_E91B_FF1B_8C3D,
    0xFFFA_747E_A004_0664,
    0xFFFD_3A3B_7814_EB53,
    0xFFFE_9D1C_C60D_DAB1,
    0xFFFF_4E8E_2587_9BFA,
    0xFFFF_A747_0363_F451,
    0xFFFF_D3A3_7DDA_0313,
    0xFFFF_E9D1_BDF7_03AE,
    0xFFFF_F4E8_DEBE_025E,
    0xFFFF_FA74_6F4F_A150,
    0xFFFF_FD3A_37A3_F8B0,
    0xFFFF_FE9D_1BD1_065A,
    0xFFFF_FF4E_8DE8_45AD,
    0xFFFF_FFA7_46F4_1376,
    0xFFFF_FFD3_A37A_05E3,
    0xFFFF_FFE9_D1BD_01FB,
    0xFFFF_FFF4_E8DE_80C0,
    0xFFFF_FFFA_746F_4050,
    0xFFFF_FFFD_3A37_A024,
    0xFFFF_FFFE_9D1B_D011,
    0xFFFF_FFFF_4E8D_E808,
    0xFFFF_FFFF_A746_F404,
    0xFFFF_FFFF_D3A3_7A02,
    0xFFFF_FFFF_E9D1_BD01,
    0xFFFF_FFFF_F4E8_DE80,
    0xFFFF_FFFF_FA74_6F40,
    0xFFFF_FFFF_FD3A_37A0,
    0xFFFF_FFFF_FE9D_1BD0,
    0xFFFF_FFFF_FF4E_8DE8,
    0xFFFF_FFFF_FFA7_46F4,
    0xFFFF_FFFF_FFD3_A37A,
    0xFFFF_FFFF_FFE9_D1BD,
    0xFFFF_FFFF_FFF4_E8DE,
    0xFFFF_FFFF_FFFA_746F,
    0xFFFF_FFFF_FFFD_3A37,
    0xFFFF_FFFF_FFFE_9D1B,
    0xFFFF_FFFF_FFFF_4E8D,
    0xFFFF_FFFF_FFFF_A746,
    0xFFFF_FFFF_FFFF_D3A3,
    0xFFFF_FFFF_FFFF_E9D1,
    0xFFFF_FFFF_FFFF_F4E8,
    0xFFFF_FFFF_FFFF_FA74,
    0xFFFF_FFFF_FFFF_FD3A,
    0xFFFF_FFFF_FFFF_FE9D,
    0xFFFF_FFFF_FFFF_FF4E,
    0xFFFF_FFFF_FFFF_FFA7,
    0xFFFF_FFFF_FFFF_FFD3,
    0xFFFF_FFFF_FFFF_FFE9,
    0xFFFF_FFFF_FFFF_FFF4,
    0xFFFF_FFFF_FFFF_FFFA,
    0xFFFF_FFFF_FFFF_FFFD,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is the root of the one before it, which is within 1 of its own true value.
    #[test]
    fn half_roots_are_roots_of_one_half() {
        let mut before = 1_u128 << 63;
        for root in HALF_ROOTS.map(u128::from) {
            assert!(root * root < (before + 1) << 64);
            assert!(root == u128::from(u64::MAX) || (root + 1) * (root + 1) > before << 64);
            before = root;
        }
        assert_eq!(before, u128::from(u64::MAX));
    }

    #[test]
    fn weights_are_halved() {
        let whole = 1_u128 << 64;
        for halvings in 0..70 {
            let weight = decayed(halvings * 7_000_000, 7_000_000);
            assert_eq!(weight, if halvings < 64 { whole >> halvings } else { 0 });
        }
        // 2^64 / √2.
        assert_eq!(decayed(1, 2), 13_043_817_825_332_782_212);
        assert!(decayed(u64::MAX, 1) == 0);
        let mut before = whole;
        for age in 1..=1000 {
            let weight = decayed(age, 1000);
            assert!(weight < before);
            before = weight;
        }
        assert_eq!(before, whole / 2);
    }

    #[test]
    fn a_model_has_one_spelling() {
        for name in [
            "first",
            "last",
            "linear",
            "position",
            "shapley",
            "time_decay(1)",
            "time_decay(1000000000)",
            "markov(1)",
            "markov(2)",
            "markov(3)",
        ] {
            assert_eq!(Model::parse(name).map(Model::name), Ok(name.into()));
        }
        for wrong in [
            "",
            "Linear",
            " linear",
            "linear ",
            "linear()",
            "linear(1)",
            "u-shaped",
            "markov",
            "markov()",
            "markov(0)",
            "markov(4)",
            "markov(01)",
            "markov(+1)",
            "markov(1",
            "markov(1) ",
            "markov( 1)",
            "markov(99999999999)",
            "time_decay",
            "time_decay(0)",
            "time_decay(-1)",
            "time_decay(1000000001)",
            "time_decay(1e3)",
            "time_decay(7d)",
            "time_decay(1.5)",
            "time_decay(\u{661})",
        ] {
            assert_eq!(
                Model::parse(wrong).map_err(|error| error.code()),
                Err(Code::Model),
                "{wrong}"
            );
        }
    }

    #[test]
    fn remainders_go_to_the_largest_and_then_to_the_earlier() {
        let divide = |total, weights: &[u128]| {
            let mut units = alloc::vec![0; weights.len()];
            largest_remainder(total, weights, &mut units);
            units
        };
        assert_eq!(divide(7, &[3, 5, 2]), [2, 4, 1]);
        assert_eq!(divide(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(divide(11, &[1, 1, 1]), [4, 4, 3]);
        assert_eq!(divide(1, &[0, 2, 2]), [0, 1, 0]);
        assert_eq!(divide(5, &[0, 0]), [0, 0]);
        assert_eq!(divide(UNITS, &[1 << 64]), [UNITS]);
    }
}
