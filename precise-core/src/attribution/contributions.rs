//! Whose data stands behind an event, and what of its price each is due (SPEC.md section 9.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::canonical::{Canonicalizer, Scalar, Witness};
use crate::decimal::{self, Unfit};
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::money::Currency;

/// Decimals of a weight: parts per million.
const WEIGHT_DECIMALS: u32 = 6;

/// All of an event, in parts per million.
const WHOLE_PPM: u32 = 1_000_000;

/// Decimals of a price.
const PRICE_DECIMALS: u32 = 9;

/// Prices are below this, 10^9.
const MAX_PRICE: u64 = 10_u64.pow(9 + PRICE_DECIMALS);

/// Decimals of an amount: a price is that of a thousand, and a weight counts in millionths.
const AMOUNT_DECIMALS: u32 = PRICE_DECIMALS + 3 + WEIGHT_DECIMALS;

/// The contributors of an event.
const CONTRIBUTORS_PATH: &str = "$.attribution.data_contributors";

/// What weights mean, and the currency of events that name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rule: Rule,
    currency: Option<Currency>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Every contributor is due its own weight.
    Each,
    /// The weights are parts of one whole.
    Split,
}

impl Policy {
    /// Reads `split`, `each`, `split(USD)` or `each(USD)`.
    ///
    /// Error: PR513.
    pub fn parse(text: &str) -> Result<Self> {
        let (rule, currency) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((rule, currency)) => (rule, Currency::parse(currency.as_bytes()).map(Some)),
            None => (text, Some(None)),
        };
        let rule = match rule {
            "each" => Some(Rule::Each),
            "split" => Some(Rule::Split),
            _ => None,
        };
        if let (Some(rule), Some(currency)) = (rule, currency) {
            return Ok(Self { rule, currency });
        }
        let shown: String = text.chars().take(40).collect();
        Err(Error::new(Code::ContributionPolicy).because(alloc::format!("{shown:?}")))
    }
}

/// What one contributor is due for one kind of signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The contributor's id.
    pub contributor: String,
    /// The kind of signal.
    pub signal_type: String,
    /// Its weight, at most 1,000,000.
    pub weight_ppm: u32,
    /// Its part of the event's price, in 10^-18; none for an impression without a price.
    pub amount: Option<i128>,
    /// In which currency, if that is known.
    pub currency: Option<String>,
}

impl Contribution {
    fn to_json(&self) -> String {
        let mut writer = Writer::object();
        match self.amount {
            Some(amount) => {
                let mut text = Vec::new();
                decimal::append(amount, AMOUNT_DECIMALS, &mut text);
                writer.key("amount").string(&String::from_utf8_lossy(&text))
            }
            None => writer.key("amount").raw("null"),
        };
        writer.key("contributor").string(&self.contributor);
        match &self.currency {
            Some(currency) => writer.key("currency").string(currency),
            None => writer.key("currency").raw("null"),
        };
        writer.key("signal_type").string(&self.signal_type);
        writer.key("weight_ppm").integer(self.weight_ppm.into());
        writer.finish()
    }
}

/// Contributions as a JSON array, in JCS form.
pub fn to_json(contributions: &[Contribution]) -> String {
    super::array(contributions.iter().map(Contribution::to_json))
}

/// The contributions to an event, sorted by contributor and then by signal type.
///
/// Errors: those of [`canonicalize`](crate::canonical::canonicalize) for what is no record; PR510
/// to PR512 for its contributors, PR601 and PR602 for its price and currency.
pub fn contributions(event: &[u8], policy: &Policy) -> Result<Vec<Contribution>> {
    let mut reader = EventReader::default();
    let event = reader.read(event, policy)?;
    let price = if event.is_impression { event.price } else { Some(0) };
    let contribution = |part: Part<'_>| Contribution {
        contributor: String::from_utf8_lossy(part.contributor).into_owned(),
        signal_type: String::from_utf8_lossy(part.signal_type).into_owned(),
        weight_ppm: part.weight_ppm,
        // Below 10^18 · 10^6.
        amount: price.map(|price| i128::from(price) * i128::from(part.weight_ppm)),
        currency: event.currency.map(|currency| alloc::format!("{currency}")),
    };
    Ok(event.parts().map(contribution).collect())
}

/// Reads events, one after the other, in memory that stays.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    canonicalizer: Canonicalizer,
    event: Event,
}

/// What an event says of contributions, and the policy where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Priced<'e> {
    event: &'e Event,
    /// In 10^-9 a thousand, below 10^18.
    pub(crate) price: Option<u64>,
    pub(crate) currency: Option<Currency>,
    pub(crate) is_impression: bool,
}

/// A contributor's part in an event, for one kind of signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'e> {
    pub(crate) contributor: &'e [u8],
    pub(crate) signal_type: &'e [u8],
    pub(crate) weight_ppm: u32,
}

impl EventReader {
    /// Errors: as [`contributions`].
    pub(crate) fn read(&mut self, text: &[u8], policy: &Policy) -> Result<Priced<'_>> {
        let Self { canonicalizer, event } = self;
        event.clear();
        canonicalizer.check_beside(text, event)?;
        event.check(policy.rule)?;
        Ok(Priced {
            event,
            price: event.price,
            currency: event.currency.or(policy.currency),
            is_impression: event.is_impression,
        })
    }

    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        let contributors = self.event.contributors.capacity() * size_of::<Contributor>();
        self.canonicalizer.size() + contributors + self.event.characters.capacity()
    }
}

impl<'e> Priced<'e> {
    /// Sorted by contributor and then by signal type.
    #[inline]
    pub(crate) fn parts(self) -> impl Iterator<Item = Part<'e>> {
        self.event.contributors.iter().map(|contributor| self.event.part(contributor))
    }
}

/// What an event says of one contributor: where its texts are, and its weight.
#[derive(Clone, Debug)]
struct Contributor {
    id: Range<usize>,
    signal_type: Range<usize>,
    weight_ppm: u32,
}

/// What an event says about contributions, as its tokens come. What is wrong is kept until all of
/// them were seen: a fault of the text is before it.
#[derive(Debug, Default)]
struct Event {
    contributors: Vec<Contributor>,
    /// Their ids and signal types.
    characters: Vec<u8>,
    price: Option<u64>,
    currency: Option<Currency>,
    is_impression: bool,
    /// Of the contributors.
    fault: Option<Error>,
    /// Of the price or the currency, where it matters only if there are contributors.
    price_fault: Option<Error>,
    inside: Inside,
    field: Field,
    /// Containers that are open and not looked into.
    passed_over: usize,
    /// Of the contributor that is open.
    id: Option<Range<usize>>,
    signal_type: Option<Range<usize>>,
    weight_ppm: Option<u32>,
}

/// What is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Event,
    Attribution,
    Metadata,
    Contributors,
    Contributor,
}

/// What the next value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Event,
    Attribution,
    Metadata,
    EventType,
    Contributors,
    Contributor,
    Id,
    SignalType,
    Weight,
    Price,
    Currency,
    Other,
}

impl Field {
    /// Whether a value of another type than is looked for says nothing here.
    fn takes_anything(self) -> bool {
        matches!(
            self,
            Self::Event | Self::Attribution | Self::Metadata | Self::EventType | Self::Other
        )
    }
}

impl Event {
    /// As before any token.
    fn clear(&mut self) {
        self.contributors.clear();
        self.characters.clear();
        (self.price, self.currency, self.is_impression) = (None, None, false);
        (self.fault, self.price_fault) = (None, None);
        (self.inside, self.field, self.passed_over) = (Inside::Event, Field::Event, 0);
    }

    /// Puts the contributors in order, and refuses what is wrong with them or, if there are any,
    /// with their price.
    fn check(&mut self, rule: Rule) -> Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let Self { contributors, characters, .. } = self;
        let key = |contributor: &Contributor| {
            let Contributor { id, signal_type, .. } = contributor;
            (&characters[id.clone()], &characters[signal_type.clone()])
        };
        contributors.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let twice = contributors.windows(2).find(|pair| key(&pair[0]) == key(&pair[1]));
        if let Some([contributor, _]) = twice {
            let (id, signal_type) = key(contributor);
            let shown = |text| String::from_utf8_lossy(text).into_owned();
            let detail = alloc::format!("{:?} with {:?}", shown(id), shown(signal_type));
            return Err(Error::new(Code::ContributorTwice)
                .at_path(CONTRIBUTORS_PATH.into())
                .because(detail));
        }
        if contributors.is_empty() {
            return Ok(());
        }
        let total: u64 = contributors.iter().map(|found| u64::from(found.weight_ppm)).sum();
        if rule == Rule::Split && total != WHOLE_PPM.into() {
            let mut sum = Vec::new();
            decimal::append(total.into(), WEIGHT_DECIMALS, &mut sum);
            return Err(Error::new(Code::WeightSum)
                .at_path(CONTRIBUTORS_PATH.into())
                .because(alloc::format!("they sum to {}", String::from_utf8_lossy(&sum))));
        }
        self.price_fault.take().map_or(Ok(()), Err)
    }

    #[inline]
    fn part(&self, contributor: &Contributor) -> Part<'_> {
        let Contributor { id, signal_type, weight_ppm } = contributor;
        Part {
            contributor: &self.characters[id.clone()],
            signal_type: &self.characters[signal_type.clone()],
            weight_ppm: *weight_ppm,
        }
    }

    /// Takes the value of the field.
    fn take(&mut self, scalar: Scalar<'_>) -> Result<()> {
        match (self.field, scalar) {
            (Field::EventType, Scalar::String(event_type)) => {
                self.is_impression = event_type == b"impression";
            }
            (Field::Contributors | Field::Price | Field::Currency, Scalar::Null) => {}
            (field, _) if field.takes_anything() => {}
            (Field::Id, Scalar::String(id)) if !id.is_empty() => self.id = Some(self.keep(id)),
            (Field::SignalType, Scalar::String(signal_type)) if !signal_type.is_empty() => {
                self.signal_type = Some(self.keep(signal_type));
            }
            (Field::Weight, Scalar::String(weight) | Scalar::Number(weight)) => {
                let weight = decimal::parse(weight, WEIGHT_DECIMALS)
                    .map_err(|unfit| self.refusal(unfit.detail()))?;
                let ppm = u32::try_from(weight).ok().filter(|&ppm| ppm <= WHOLE_PPM);
                self.weight_ppm = Some(ppm.ok_or_else(|| self.refusal("it is not from 0 to 1"))?);
            }
            (Field::Price, Scalar::String(price) | Scalar::Number(price)) => {
                let price = decimal::parse(price, PRICE_DECIMALS)
                    .map_err(|unfit| self.refusal(unfit.detail()))?;
                if price < 0 {
                    return Err(self.refusal("it is negative"));
                }
                let price = u64::try_from(price).ok().filter(|&price| price < MAX_PRICE);
                self.price = Some(price.ok_or_else(|| self.refusal(Unfit::Size.detail()))?);
            }
            (Field::Currency, Scalar::String(currency)) => {
                let currency = Currency::parse(currency);
                self.currency =
                    Some(currency.ok_or_else(|| self.refusal("it is not three capital letters"))?);
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    /// Where the characters of a text are.
    fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.characters.len();
        self.characters.extend_from_slice(text);
        start..self.characters.len()
    }

    /// Takes the contributor that ends here.
    fn end_contributor(&mut self) -> Result<()> {
        let missing = |name| alloc::format!("its {name} is missing");
        let Some(id) = self.id.take() else { return Err(self.refusal(missing("id"))) };
        let Some(signal_type) = self.signal_type.take() else {
            return Err(self.refusal(missing("signal_type")));
        };
        let Some(weight_ppm) = self.weight_ppm.take() else {
            return Err(self.refusal(missing("weight")));
        };
        self.contributors.push(Contributor { id, signal_type, weight_ppm });
        Ok(())
    }

    /// Keeps the first fault of each kind.
    fn note(&mut self, taken: Result<()>) {
        let Err(fault) = taken else { return };
        let place = match self.field {
            Field::Price | Field::Currency => &mut self.price_fault,
            _ => &mut self.fault,
        };
        place.get_or_insert(fault);
    }

    fn unexpected(&self) -> Error {
        self.refusal(match self.field {
            Field::Contributors => "it is not an array",
            Field::Contributor => "it is not an object",
            Field::Id | Field::SignalType => "it is not a string, or an empty one",
            Field::Currency => "it is not three capital letters",
            _ => "it is neither a number nor a string of one",
        })
    }

    /// What is wrong with the value of the field.
    fn refusal(&self, detail: impl Into<alloc::borrow::Cow<'static, str>>) -> Error {
        let contributor = self.contributors.len();
        let member = |name| alloc::format!("{CONTRIBUTORS_PATH}[{contributor}]{name}");
        let (code, path) = match self.field {
            Field::Price => (Code::Price, "$.metadata.clearing_price".into()),
            Field::Currency => (Code::Currency, "$.metadata.currency".into()),
            Field::Id => (Code::Contributors, member(".id")),
            Field::SignalType => (Code::Contributors, member(".signal_type")),
            Field::Weight => (Code::Contributors, member(".weight")),
            Field::Contributor => (Code::Contributors, member("")),
            _ => (Code::Contributors, CONTRIBUTORS_PATH.into()),
        };
        Error::new(code).at_path(path).because(detail)
    }
}

impl Witness for Event {
    /// A container that begins here.
    #[inline]
    fn open(&mut self, is_object: bool) {
        if self.passed_over > 0 {
            self.passed_over += 1;
            return;
        }
        match (self.field, is_object) {
            (Field::Event, true) => {}
            (Field::Attribution, true) => self.inside = Inside::Attribution,
            (Field::Metadata, true) => self.inside = Inside::Metadata,
            (Field::Contributors, false) => {
                (self.inside, self.field) = (Inside::Contributors, Field::Contributor);
            }
            (Field::Contributor, true) => {
                self.inside = Inside::Contributor;
                (self.id, self.signal_type, self.weight_ppm) = (None, None, None);
            }
            (field, _) if field.takes_anything() => self.passed_over = 1,
            _ => {
                self.passed_over = 1;
                self.note(Err(self.unexpected()));
            }
        }
    }

    #[inline]
    fn key(&mut self, key: &[u8]) {
        if self.passed_over == 0 {
            self.field = match (self.inside, key) {
                (Inside::Event, b"attribution") => Field::Attribution,
                (Inside::Event, b"event_type") => Field::EventType,
                (Inside::Event, b"metadata") => Field::Metadata,
                (Inside::Attribution, b"data_contributors") => Field::Contributors,
                (Inside::Metadata, b"clearing_price") => Field::Price,
                (Inside::Metadata, b"currency") => Field::Currency,
                (Inside::Contributor, b"id") => Field::Id,
                (Inside::Contributor, b"signal_type") => Field::SignalType,
                (Inside::Contributor, b"weight") => Field::Weight,
                _ => Field::Other,
            };
        }
    }

    #[inline]
    fn close(&mut self) {
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return;
        }
        match self.inside {
            Inside::Contributor => {
                (self.inside, self.field) = (Inside::Contributors, Field::Contributor);
                let ended = self.end_contributor();
                self.note(ended);
            }
            Inside::Contributors => self.inside = Inside::Attribution,
            Inside::Attribution | Inside::Metadata | Inside::Event => self.inside = Inside::Event,
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) {
        if self.passed_over == 0 && self.field != Field::Other {
            let taken = self.take(scalar);
            self.note(taken);
        }
    }
}
