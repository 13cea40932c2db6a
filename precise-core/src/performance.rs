//! How a cohort did (SPEC.md section 8.9): facts about users in, exact sums, and what they say of
//! the cohort with how sure it is.
//!
//! ```
//! use precise_core::performance::{FactsReader, Performance};
//!
//! let mut reader = FactsReader::default();
//! let mut performance = Performance::default();
//! for (member, facts) in [
//!     (true, r#"{"converted":true,"spend":0.5,"value":"12.90"}"#),
//!     (true, r#"{"converted":false,"spend":0.5}"#),
//!     (false, r#"{"converted":false}"#),
//! ] {
//!     performance.push(member, &reader.read(facts.as_bytes())?)?;
//! }
//! let report = performance.report();
//! assert_eq!(report.confidence.map(|share| (share.k, share.n)), Some((1, 2)));
//! assert!(report.uplift.is_none(), "without a holdout nobody knows what the ad did");
//! # Ok::<(), precise_core::Error>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::{Buffers, Encoder};
use crate::decimal;
use crate::document::{MAX_INTEGER, Writer};
use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text};
use crate::number::{Gate, Literal};
use crate::statistics::{Difference, Interval, Pair, Share};

/// What the result says it is.
pub const METHOD: &str = "cohort-performance";

/// More rows than any table has. Up to here a percentile takes seconds at most.
const MAX_ROWS: i128 = 1 << 48;

/// So that the result is a number that JSON keeps.
const MAX_STARTS: i128 = MAX_INTEGER as i128;

/// Amounts are counted in 10^-6.
const DECIMALS: u32 = 6;

/// In 10^-6: amounts are below 10^9.
const AMOUNT_END: i64 = 1_000_000_000_000_000;

/// What is known of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the user converted.
    pub converted: Option<bool>,
    /// Whether the ad was withheld from the user.
    pub holdout: bool,
    /// What the user's conversions were worth, in 10^-6.
    pub value: Option<i64>,
    /// What was spent on the user, in 10^-6.
    pub spend: Option<i64>,
    /// Video plays.
    pub starts: Option<u64>,
    /// Video plays that were watched to the end.
    pub completes: Option<u64>,
    /// Exposure on linear television, in 10^-6 of a unit.
    pub linear: Option<i64>,
}

/// Reads facts, one JSON text after the other, in buffers it keeps.
#[derive(Debug, Default)]
pub struct FactsReader {
    reader: Reader,
    buffers: Buffers,
}

impl FactsReader {
    /// The facts in `text`.
    ///
    /// Errors: PR101 to PR108, PR201, PR202, PR901, PR902, as for any JSON; PR514 for what is
    /// wrong with the facts.
    pub fn read(&mut self, text: &[u8]) -> Result<Facts> {
        let encoder = Encoder::new(Gate::Exact, text, &mut self.buffers);
        let mut sink = FactsSink { encoder, depth: 0, fact: None, facts: Facts::default() };
        self.reader.read(text, &mut sink)?;
        let facts = sink.facts;
        match (facts.starts, facts.completes) {
            (Some(starts), Some(completes)) if starts < completes => {
                Err(fault(Some(Fact::Completes), "there are more completes than starts"))
            }
            _ => Ok(facts),
        }
    }

    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        self.reader.size() + self.buffers.size()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Completes,
    Converted,
    Holdout,
    Linear,
    Spend,
    Starts,
    Value,
}

impl Fact {
    const ALL: [Self; 7] = [
        Self::Completes,
        Self::Converted,
        Self::Holdout,
        Self::Linear,
        Self::Spend,
        Self::Starts,
        Self::Value,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Completes => "completes",
            Self::Converted => "converted",
            Self::Holdout => "holdout",
            Self::Linear => "linear",
            Self::Spend => "spend",
            Self::Starts => "starts",
            Self::Value => "value",
        }
    }

    fn find(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.name().as_bytes() == name)
    }
}

/// About one fact, or about all of them.
#[cold]
fn fault(fact: Option<Fact>, detail: &'static str) -> Error {
    let path = fact.map_or("$".into(), |fact| alloc::format!("$.{}", fact.name()));
    Error::new(Code::Facts).at_path(path).because(detail)
}

/// Takes the facts out of what it passes on to the encoder, which refuses what no JSON may have.
struct FactsSink<'a> {
    encoder: Encoder<'a>,
    /// Containers that are open.
    depth: u32,
    /// Whose value comes next.
    fact: Option<Fact>,
    facts: Facts,
}

impl FactsSink<'_> {
    /// The fact whose value this is. Facts that are no object are none.
    fn take(&mut self) -> Result<Option<Fact>> {
        if self.depth == 0 {
            return Err(fault(None, "facts are an object"));
        }
        Ok(self.fact.take())
    }

    fn open_container(&mut self) -> Result<()> {
        if let Some(fact) = self.take()? {
            return Err(fault(Some(fact), "it is no single value"));
        }
        self.depth += 1;
        Ok(())
    }

    fn amount(&mut self, fact: Fact, text: &[u8]) -> Result<()> {
        let wrong = |detail| fault(Some(fact), detail);
        let place = match fact {
            Fact::Linear => &mut self.facts.linear,
            Fact::Spend => &mut self.facts.spend,
            Fact::Value => &mut self.facts.value,
            Fact::Completes | Fact::Starts => return Err(wrong("it is not a number")),
            Fact::Converted | Fact::Holdout => return Err(wrong("it is neither true nor false")),
        };
        let text = core::str::from_utf8(text).map_err(|_| wrong("it is no number"))?;
        let amount = decimal::parse(text, DECIMALS).map_err(|unfit| wrong(unfit.detail()))?;
        let amount = i64::try_from(amount)
            .ok()
            .filter(|amount| (1 - AMOUNT_END..AMOUNT_END).contains(amount))
            .ok_or_else(|| wrong("its magnitude is 10^9 or more"))?;
        *place = Some(amount);
        Ok(())
    }

    fn count(&mut self, fact: Fact, text: &[u8]) -> Result<()> {
        let count = core::str::from_utf8(text).ok().and_then(|text| decimal::parse(text, 0).ok());
        let count = count.and_then(|count| u64::try_from(count).ok());
        let count = count
            .filter(|&count| count <= MAX_INTEGER)
            .ok_or_else(|| fault(Some(fact), "it is not an integer from 0 to 2^53 - 1"))?;
        if fact == Fact::Starts {
            self.facts.starts = Some(count);
        } else {
            self.facts.completes = Some(count);
        }
        Ok(())
    }
}

impl Sink for FactsSink<'_> {
    fn begin_object(&mut self) -> Result<()> {
        if self.depth == 0 {
            self.depth = 1;
        } else {
            self.open_container()?;
        }
        self.encoder.begin_object()
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.depth == 1 {
            self.fact = Fact::find(key.characters());
        }
        self.encoder.key(key)
    }

    fn end_object(&mut self) -> Result<()> {
        self.depth -= 1;
        self.encoder.end_object()
    }

    fn begin_array(&mut self) -> Result<()> {
        self.open_container()?;
        self.encoder.begin_array()
    }

    fn end_array(&mut self) -> Result<()> {
        self.depth -= 1;
        self.encoder.end_array()
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.encoder.string(string)?;
        match self.take()? {
            Some(fact) => self.amount(fact, string.characters()),
            None => Ok(()),
        }
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        self.encoder.number(number)?;
        match self.take()? {
            Some(fact @ (Fact::Completes | Fact::Starts)) => self.count(fact, number.text),
            Some(fact) => self.amount(fact, number.text),
            None => Ok(()),
        }
    }

    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.encoder.boolean(boolean)?;
        match self.take()? {
            Some(Fact::Converted) => self.facts.converted = Some(boolean),
            Some(Fact::Holdout) => self.facts.holdout = boolean,
            Some(fact) => return Err(fault(Some(fact), "it is not a number")),
            None => {}
        }
        Ok(())
    }

    fn null(&mut self) -> Result<()> {
        self.encoder.null()?;
        self.take().map(|_| ())
    }

    fn path(&self, place: Place) -> String {
        self.encoder.path(place)
    }
}

/// The sums of the facts of some users: the same for them in any order, and added up from any
/// parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Performance {
    rows: i128,
    treated: Converted,
    control: Converted,
    /// Members and others, none of them in the holdout.
    all: Converted,
    /// Of spend, value.
    returns: Pair,
    /// Of starts, completes.
    plays: Pair,
    /// Of linear, value.
    linear: Pair,
}

/// How many of `n` users converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Converted {
    n: i128,
    k: i128,
}

impl Converted {
    fn of(converted: bool) -> Self {
        Self { n: 1, k: i128::from(converted) }
    }

    /// None without users.
    fn share(self) -> Option<Share> {
        (self.n > 0).then_some(Share { k: self.k as u64, n: self.n as u64 })
    }

    fn is_part_of(self, all: Self) -> bool {
        let rest = Self { n: all.n - self.n, k: all.k - self.k };
        0 <= self.k && self.k <= self.n && 0 <= rest.k && rest.k <= rest.n
    }
}

/// How many sums there are.
const SUMS: usize = 25;

/// The length of a state, in bytes.
pub(crate) const STATE_LEN: usize = SUMS * size_of::<i128>();

impl Performance {
    /// Counts one user.
    ///
    /// Error: PR907; then the user is not counted.
    pub fn push(&mut self, member: bool, facts: &Facts) -> Result<()> {
        let mut user = Self { rows: 1, ..Self::default() };
        if let Some(converted) = facts.converted {
            let converted = Converted::of(converted);
            if !facts.holdout {
                user.all = converted;
            }
            match (member, facts.holdout) {
                (true, false) => user.treated = converted,
                (true, true) => user.control = converted,
                (false, _) => {}
            }
        }
        if member && !facts.holdout {
            if let (Some(spend), Some(value)) = (facts.spend, facts.value) {
                user.returns = Pair::of(spend, value);
            }
            if let (Some(starts), Some(completes)) = (facts.starts, facts.completes) {
                // Both are below 2^53.
                user.plays = Pair::of(starts as i64, completes as i64);
            }
            if let (Some(linear), Some(value)) = (facts.linear, facts.value) {
                user.linear = Pair::of(linear, value);
            }
        }
        self.add(&user)
    }

    /// Adds the users of another [`state`](Performance::state).
    ///
    /// Errors: PR514 if it is none, PR907.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        let malformed = || Error::new(Code::Facts).because("a partial state is malformed");
        if state.is_empty() {
            return Ok(());
        }
        let (sums, rest) = state.as_chunks();
        let sums: [[u8; size_of::<i128>()]; SUMS] = sums.try_into().map_err(|_| malformed())?;
        let other = Self::from_sums(&sums.map(i128::from_be_bytes));
        if !rest.is_empty() || !other.is_possible() {
            return Err(malformed());
        }
        self.add(&other)
    }

    /// The sums, as the specification orders them; nothing for no users.
    pub fn state(&self) -> Vec<u8> {
        if self.rows == 0 {
            return Vec::new();
        }
        let mut state = Vec::with_capacity(STATE_LEN);
        for sum in self.sums() {
            state.extend_from_slice(&sum.to_be_bytes());
        }
        state
    }

    /// How many users were counted.
    pub fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// What is to be said of the cohort.
    pub fn report(&self) -> Report {
        let (treated, control) = (self.treated.share(), self.control.share());
        let uplift = treated.zip(control).map(|(treated, control)| Uplift {
            treated,
            control,
            absolute: Difference::new(treated, control),
            relative: Difference::relative(treated, control),
        });
        let propensity = |(cohort, all): (Share, Share)| {
            (cohort.n < all.n).then(|| Propensity {
                cohort,
                all,
                percentile: cohort.percentile(all),
            })
        };
        Report {
            rows: self.rows(),
            confidence: treated,
            linear_correlation: self.linear.correlation().map(|(r, interval)| Estimate {
                n: self.linear.n as u64,
                estimate: r,
                interval,
            }),
            performance_prediction: self.returns.ratio().map(|(ratio, interval)| Estimate {
                n: self.returns.n as u64,
                estimate: ratio,
                interval,
            }),
            retail_propensity: treated.zip(self.all.share()).and_then(propensity),
            streaming_engagement: self.plays.part().map(|(rate, interval)| Engagement {
                starts: self.plays.x as u64,
                completes: self.plays.y as u64,
                n: self.plays.n as u64,
                rate,
                interval,
            }),
            uplift,
        }
    }

    /// All or nothing: what cannot be added leaves the sums as they were.
    fn add(&mut self, other: &Self) -> Result<()> {
        let mut sums = self.sums();
        for (sum, other) in sums.iter_mut().zip(other.sums()) {
            *sum = sum.checked_add(other).ok_or(Code::SumSize)?;
        }
        let whole = Self::from_sums(&sums);
        let excess = |detail| Err(Error::new(Code::SumSize).because(detail));
        if whole.rows > MAX_ROWS {
            return excess("there are more than 2^48 rows");
        }
        if whole.plays.x > MAX_STARTS {
            return excess("there are more than 2^53 - 1 starts");
        }
        *self = whole;
        Ok(())
    }

    fn sums(&self) -> [i128; SUMS] {
        let Self { rows, treated, control, all, returns, plays, linear } = *self;
        let [n1, k1, n2, k2, n3, k3] = [treated.n, treated.k, control.n, control.k, all.n, all.k];
        let [a, b, c] = [returns, plays, linear];
        [
            rows, n1, k1, n2, k2, n3, k3, //
            a.n, a.x, a.y, a.xx, a.xy, a.yy, //
            b.n, b.x, b.y, b.xx, b.xy, b.yy, //
            c.n, c.x, c.y, c.xx, c.xy, c.yy,
        ]
    }

    fn from_sums(sums: &[i128; SUMS]) -> Self {
        let &[rows, n1, k1, n2, k2, n3, k3, ref pairs @ ..] = sums;
        let pair = |i: usize| {
            let [n, x, y, xx, xy, yy] = pairs.as_chunks::<6>().0[i];
            Pair { n, x, y, xx, xy, yy }
        };
        Self {
            rows,
            treated: Converted { n: n1, k: k1 },
            control: Converted { n: n2, k: k2 },
            all: Converted { n: n3, k: k3 },
            returns: pair(0),
            plays: pair(1),
            linear: pair(2),
        }
    }

    /// Whether some rows could have these sums, as far as results depend on it.
    fn is_possible(&self) -> bool {
        let is_count = |n: i128| (0..=self.rows).contains(&n);
        let Self { treated, control, all, returns, plays, linear, .. } = self;
        (0..=MAX_ROWS).contains(&self.rows)
            && [treated.n, treated.k, control.n, control.k, all.n, all.k].map(is_count) == [true; 6]
            && treated.is_part_of(*all)
            && control.k <= control.n
            && [returns, plays, linear].iter().all(|pair| is_count(pair.n) && pair.is_possible())
            && (0..=MAX_STARTS).contains(&plays.x)
            && (0..=plays.x).contains(&plays.y)
    }
}

/// What is to be said of a cohort. None: nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// All rows.
    pub rows: u64,
    /// Who converted.
    pub confidence: Option<Share>,
    /// Pearson's correlation of linear exposure and value.
    pub linear_correlation: Option<Estimate>,
    /// Return on spend.
    pub performance_prediction: Option<Estimate>,
    /// How likely the cohort is to convert, beside all users.
    pub retail_propensity: Option<Propensity>,
    /// How many plays are watched to the end.
    pub streaming_engagement: Option<Engagement>,
    /// What the ads caused. None without a holdout.
    pub uplift: Option<Uplift>,
}

/// A figure of `n` users.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Users who have the facts.
    pub n: u64,
    /// The figure.
    pub estimate: f64,
    /// Its interval. None where the users do not show it.
    pub interval: Option<Interval>,
}

/// Where the conversion rate of a cohort stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Propensity {
    /// The cohort's members.
    pub cohort: Share,
    /// All users, members included.
    pub all: Share,
    /// Of as large groups that convert as all users do, the part that does so less, from 0 to 1.
    pub percentile: f64,
}

/// Completed plays among those that were started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engagement {
    /// Plays.
    pub starts: u64,
    /// Those that were watched to the end.
    pub completes: u64,
    /// Users whose plays they are.
    pub n: u64,
    /// `completes / starts`
    pub rate: f64,
    /// Its interval.
    pub interval: Interval,
}

/// How many more convert than in the holdout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uplift {
    /// Members who may have seen the ad.
    pub treated: Share,
    /// Members from whom it was withheld.
    pub control: Share,
    /// The difference of their rates.
    pub absolute: Difference,
    /// The same, as a part of the control's rate. None if that is 0.
    pub relative: Option<Difference>,
}

impl Report {
    /// `"holdout"` or `"observational"`: whether the report says anything of what ads caused.
    pub fn design(&self) -> &'static str {
        if self.uplift.is_some() { "holdout" } else { "observational" }
    }

    /// The report in JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        let confidence = self.confidence.map(confidence_json);
        writer.key("confidence").optional(confidence.as_deref());
        writer.key("design").string(self.design());
        let correlation = self.linear_correlation.map(|estimate| estimate.to_json("r"));
        writer.key("linear_correlation").optional(correlation.as_deref());
        writer.key("method").string(METHOD);
        let ratio = self.performance_prediction.map(|estimate| estimate.to_json("ratio"));
        writer.key("performance_prediction").optional(ratio.as_deref());
        let propensity = self.retail_propensity.map(Propensity::to_json);
        writer.key("retail_propensity").optional(propensity.as_deref());
        writer.key("rows").integer(self.rows);
        let engagement = self.streaming_engagement.map(Engagement::to_json);
        writer.key("streaming_engagement").optional(engagement.as_deref());
        let uplift = self.uplift.map(Uplift::to_json);
        writer.key("uplift").optional(uplift.as_deref());
        writer.key("v").integer(1);
        writer.finish()
    }
}

/// `{"high":0.9224,"k":87,"low":0.7902,"n":100,"rate":0.87}`, with more digits.
fn confidence_json(share: Share) -> String {
    let Interval { low, high } = share.interval();
    let mut writer = Writer::object();
    writer.key("high").float(high);
    writer.key("k").integer(share.k);
    writer.key("low").float(low);
    writer.key("n").integer(share.n);
    writer.key("rate").float(share.rate());
    writer.finish()
}

/// `{"k":87,"n":100}`
fn share_json(share: Share) -> String {
    let mut writer = Writer::object();
    writer.key("k").integer(share.k);
    writer.key("n").integer(share.n);
    writer.finish()
}

impl Estimate {
    /// `name` comes behind `n`, as `r` and `ratio` do.
    fn to_json(self, name: &str) -> String {
        let mut writer = Writer::object();
        writer.key("high").float(self.interval.map(|interval| interval.high));
        writer.key("low").float(self.interval.map(|interval| interval.low));
        writer.key("n").integer(self.n);
        writer.key(name).float(self.estimate);
        writer.finish()
    }
}

impl Propensity {
    fn to_json(self) -> String {
        let mut writer = Writer::object();
        writer.key("all").raw(&share_json(self.all));
        writer.key("k").integer(self.cohort.k);
        writer.key("n").integer(self.cohort.n);
        writer.key("percentile").float(self.percentile);
        writer.finish()
    }
}

impl Engagement {
    fn to_json(self) -> String {
        let mut writer = Writer::object();
        writer.key("completes").integer(self.completes);
        writer.key("high").float(self.interval.high);
        writer.key("low").float(self.interval.low);
        writer.key("n").integer(self.n);
        writer.key("rate").float(self.rate);
        writer.key("starts").integer(self.starts);
        writer.finish()
    }
}

impl Uplift {
    fn to_json(self) -> String {
        let Difference { difference, interval } = self.absolute;
        let relative = self.relative.map(|Difference { difference, interval }| {
            let mut writer = Writer::object();
            writer.key("difference").float(difference);
            writer.key("high").float(interval.high);
            writer.key("low").float(interval.low);
            writer.finish()
        });
        let mut writer = Writer::object();
        writer.key("control").raw(&share_json(self.control));
        writer.key("difference").float(difference);
        writer.key("high").float(interval.high);
        writer.key("low").float(interval.low);
        writer.key("relative").optional(relative.as_deref());
        writer.key("treated").raw(&share_json(self.treated));
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Result<Facts> {
        FactsReader::default().read(text.as_bytes())
    }

    fn performance(users: &[(bool, &str)]) -> Result<Performance> {
        let mut performance = Performance::default();
        for (member, text) in users {
            performance.push(*member, &facts(text)?)?;
        }
        Ok(performance)
    }

    #[test]
    fn facts_are_read_in_any_spelling() -> Result<()> {
        let all = Facts {
            converted: Some(true),
            holdout: true,
            value: Some(-12_900_001),
            spend: Some(500_000),
            starts: Some(1000),
            completes: Some(0),
            linear: Some(999_999_999_999_999),
        };
        for text in [
            r#"{"converted":true,"holdout":true,"value":-12.900001,"spend":0.5,"starts":1000,
                "completes":0,"linear":999999999.999999}"#,
            r#"{"linear":"999999999.9999990","completes":-0,"starts":1e3,"spend":"5e-1",
                "value":"-12.900001","holdout":true,"converted":true}"#,
            r#"{"conv\u0065rted":true,"holdout":true,"value":-1290000.1e-5,"spend":0.50,
                "starts":1000.0,"completes":0,"linear":999999999.999999,
                "other":{"value":"none","converted":[{"converted":7}]},"x":"value"}"#,
        ] {
            assert_eq!(facts(text)?, all, "{text}");
        }
        for nothing in ["{}", r#"{"converted":null,"holdout":null,"value":null,"starts":null}"#] {
            assert_eq!(facts(nothing)?, Facts::default(), "{nothing}");
        }
        Ok(())
    }

    #[test]
    fn facts_that_are_none_are_refused_with_their_path() {
        for (text, path) in [
            ("1", "$"),
            ("null", "$"),
            ("\"\"", "$"),
            ("true", "$"),
            ("[]", "$"),
            (r#"{"converted":1}"#, "$.converted"),
            (r#"{"converted":"true"}"#, "$.converted"),
            (r#"{"converted":{}}"#, "$.converted"),
            (r#"{"holdout":0}"#, "$.holdout"),
            (r#"{"holdout":[true]}"#, "$.holdout"),
            (r#"{"value":true}"#, "$.value"),
            (r#"{"value":""}"#, "$.value"),
            (r#"{"value":"12,90"}"#, "$.value"),
            (r#"{"value":" 1"}"#, "$.value"),
            (r#"{"value":"+1"}"#, "$.value"),
            (r#"{"value":"NaN"}"#, "$.value"),
            (r#"{"value":1000000000}"#, "$.value"),
            (r#"{"value":-1000000000}"#, "$.value"),
            (r#"{"value":"1e300"}"#, "$.value"),
            (r#"{"spend":0.0000001}"#, "$.spend"),
            (r#"{"spend":"0.0000001"}"#, "$.spend"),
            (r#"{"linear":[1]}"#, "$.linear"),
            (r#"{"starts":-1}"#, "$.starts"),
            (r#"{"starts":0.5}"#, "$.starts"),
            (r#"{"starts":"1"}"#, "$.starts"),
            (r#"{"starts":true}"#, "$.starts"),
            (r#"{"starts":9007199254740992}"#, "$.starts"),
            (r#"{"completes":1e300}"#, "$.completes"),
            (r#"{"starts":1,"completes":2}"#, "$.completes"),
        ] {
            match facts(text) {
                Ok(facts) => panic!("{text}: {facts:?}"),
                Err(error) => {
                    assert_eq!((error.code(), error.path()), (Code::Facts, Some(path)), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_such() {
        for (text, code) in [
            ("", Code::UnexpectedEnd),
            ("{", Code::UnexpectedEnd),
            ("{}1", Code::TrailingBytes),
            ("{\"value\":}", Code::Syntax),
            (r#"{"value":1,"value":1}"#, Code::DuplicateKey),
            (r#"{"x":{"a":1,"a":1}}"#, Code::DuplicateKey),
            (r#"{"value":123456789012345678}"#, Code::NumberPrecision),
            (r#"{"x":1e999}"#, Code::NumberRange),
            (r#"{"value":1e999}"#, Code::NumberRange),
        ] {
            assert_eq!(facts(text).map_err(|error| error.code()), Err(code), "{text}");
        }
    }

    #[test]
    fn each_sum_is_of_the_users_it_is_about() -> Result<()> {
        let everything =
            r#"{"converted":true,"spend":2,"value":3,"starts":5,"completes":4,"linear":6}"#;
        let withheld = everything.replacen('{', r#"{"holdout":true,"#, 1);
        let sums = performance(&[
            (true, everything),
            (false, everything),
            (true, &withheld),
            (true, &withheld),
            (false, &withheld),
            (true, "{}"),
            (true, r#"{"converted":false}"#),
            (true, r#"{"spend":1,"starts":1,"linear":1}"#),
            (true, r#"{"value":1,"completes":1}"#),
        ])?
        .sums();
        let unit = 1_000_000;
        let returns = [1, 2 * unit, 3 * unit, 4 * unit * unit, 6 * unit * unit, 9 * unit * unit];
        let linear = [1, 6 * unit, 3 * unit, 36 * unit * unit, 18 * unit * unit, 9 * unit * unit];
        assert_eq!(sums[..7], [9, 2, 1, 2, 2, 3, 2]);
        assert_eq!(sums[7..13], returns);
        assert_eq!(sums[13..19], [1, 5, 4, 25, 20, 16]);
        assert_eq!(sums[19..], linear);
        Ok(())
    }

    #[test]
    fn nobody_is_told_what_nobody_knows() -> Result<()> {
        let report = |users: &[(bool, &str)]| performance(users).map(|sums| sums.report());
        let nothing = report(&[(true, "{}"), (false, r#"{"converted":true}"#)])?;
        let expected = r#"{"confidence":null,"design":"observational","linear_correlation":null,"method":"cohort-performance","performance_prediction":null,"retail_propensity":null,"rows":2,"streaming_engagement":null,"uplift":null,"v":1}"#;
        assert_eq!(nothing.to_json(), expected);

        let (yes, no) = (r#"{"converted":true}"#, r#"{"converted":false}"#);
        let withheld = r#"{"converted":false,"holdout":true}"#;
        // Nobody to compare with.
        assert_eq!(report(&[(true, yes), (true, no)])?.retail_propensity, None);
        assert!(report(&[(true, yes), (true, no), (false, no)])?.retail_propensity.is_some());
        // A holdout of others, of whom nothing is known, or of nobody else, is none.
        for users in [
            [(true, yes), (false, withheld)],
            [(true, yes), (true, r#"{"holdout":true}"#)],
            [(true, "{}"), (true, withheld)],
        ] {
            let report = report(&users)?;
            assert_eq!((report.design(), report.uplift), ("observational", None));
        }
        let holdout = report(&[(true, yes), (true, withheld)])?;
        assert_eq!(holdout.design(), "holdout");
        assert_eq!(holdout.uplift.map(|uplift| uplift.relative), Some(None));
        Ok(())
    }

    #[test]
    fn a_state_that_no_rows_have_is_refused() -> Result<()> {
        let sound = performance(&[
            (true, r#"{"converted":true,"spend":2,"value":3,"starts":5,"completes":4,"linear":6}"#),
            (false, r#"{"converted":false}"#),
        ])?;
        let code = |state: &[u8]| Performance::default().merge(state).map_err(|error| error.code());
        assert_eq!(sound.state().len(), STATE_LEN);
        assert_eq!(code(&sound.state()), Ok(()));
        assert_eq!(code(&[]), Ok(()));
        for len in [1, STATE_LEN - 1, STATE_LEN + 1, 2 * STATE_LEN] {
            assert_eq!(code(&alloc::vec![0; len]), Err(Code::Facts), "{len}");
        }
        // Each sum that is off, by which it is refused.
        for (i, wrong) in [
            (0, -1),
            (0, 1),
            (0, (1 << 48) + 1),
            (1, 3),
            (1, -1),
            (2, 2),
            (2, -1),
            (3, -1),
            (4, 1),
            (5, 0),
            (5, 3),
            (6, 0),
            (7, 3),
            (8, i128::MAX),
            (10, -1),
            (13, 0),
            (14, 3),
            (14, 1 << 53),
            (15, -1),
            (17, 1 << 100),
            (24, 0),
        ] {
            let mut sums = sound.sums();
            sums[i] = wrong;
            let state: Vec<u8> = sums.iter().flat_map(|sum| sum.to_be_bytes()).collect();
            assert_eq!(code(&state), Err(Code::Facts), "sum {i} is {wrong}");
        }
        Ok(())
    }

    #[test]
    fn sums_that_are_too_large_leave_what_was() -> Result<()> {
        let many = Performance { rows: MAX_ROWS, ..Performance::default() };
        let mut sums = many;
        let refused = sums.push(true, &facts("{}")?).map_err(|error| error.code());
        assert_eq!((refused, sums), (Err(Code::SumSize), many));
        assert_eq!(sums.merge(&many.state()).map_err(|error| error.code()), Err(Code::SumSize));

        let most = facts(r#"{"starts":9007199254740991,"completes":9007199254740991}"#)?;
        let mut sums = Performance::default();
        sums.push(true, &most)?;
        let before = sums;
        let refused = sums.push(true, &most).map_err(|error| error.code());
        assert_eq!((refused, sums), (Err(Code::SumSize), before));

        // 2^27 users of nearly 10^9 leave 128 bits.
        let most = facts(r#"{"spend":999999999.999999,"value":-999999999.999999}"#)?;
        let mut sums = Performance::default();
        sums.push(true, &most)?;
        let mut doublings = 0;
        let refused = loop {
            let state = sums.state();
            match sums.merge(&state) {
                Ok(()) => doublings += 1,
                Err(error) => break error.code(),
            }
        };
        assert_eq!((refused, doublings), (Code::SumSize, 27));
        Ok(())
    }

    /// The largest sums that there can be come to an end, and to numbers.
    #[test]
    fn the_largest_shares_are_numbers() {
        for (k, n, all_k, all_n) in [
            (1, 1, 1, 1 << 48),
            (0, 1, (1 << 48) - 1, 1 << 48),
            (1 << 20, 1 << 21, 1 << 47, 1 << 48),
        ] {
            let percentile = Share { k, n }.percentile(Share { k: all_k, n: all_n });
            assert!((0.0..=1.0).contains(&percentile), "{k} of {n}: {percentile}");
        }
    }
}
