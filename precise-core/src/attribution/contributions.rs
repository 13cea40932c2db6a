//! Whose data stands behind an event, and what of its price each is due (SPEC.md section 9.1).

use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::canonicalize;
use crate::decimal::{self, Unfit};
use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text};
use crate::number::Literal;

/// Decimals of a weight: parts per million.
const WEIGHT_DECIMALS: u32 = 6;

/// All of an event, in parts per million.
const WHOLE_PPM: u32 = 1_000_000;

/// Decimals of a price.
const PRICE_DECIMALS: u32 = 9;

/// Prices are below this, 10^9.
const MAX_PRICE: i128 = 10_i128.pow(9 + PRICE_DECIMALS);

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

/// Three capital letters.
type Currency = [u8; 3];

impl Policy {
    /// Reads `split`, `each`, `split(USD)` or `each(USD)`.
    ///
    /// Error: PR513.
    pub fn parse(text: &str) -> Result<Self> {
        let (rule, currency) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((rule, currency)) => (rule, parse_currency(currency.as_bytes()).map(Some)),
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

fn parse_currency(text: &[u8]) -> Option<Currency> {
    let letters: Currency = text.try_into().ok()?;
    letters.iter().all(u8::is_ascii_uppercase).then_some(letters)
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
/// Errors: those of [`canonicalize`] for what is no record; PR510 to PR512 for its contributors,
/// PR601 and PR602 for its price and currency.
pub fn contributions(event: &[u8], policy: &Policy) -> Result<Vec<Contribution>> {
    let canonical = canonicalize(event)?;
    let mut event = Event::default();
    Reader::default().read(&canonical, &mut event)?;
    let Event { mut contributors, price, currency, is_impression, fault, .. } = event;
    contributors.sort_unstable();
    for pair in contributors.windows(2) {
        let [Contributor { id, signal_type, .. }, next] = pair else { continue };
        if (id, signal_type) == (&next.id, &next.signal_type) {
            let detail = alloc::format!("{id:?} with {signal_type:?}");
            return Err(Error::new(Code::ContributorTwice)
                .at_path(CONTRIBUTORS_PATH.into())
                .because(detail));
        }
    }
    let total: u64 = contributors.iter().map(|found| u64::from(found.weight_ppm)).sum();
    if policy.rule == Rule::Split && !contributors.is_empty() && total != WHOLE_PPM.into() {
        let mut sum = Vec::new();
        decimal::append(total.into(), WEIGHT_DECIMALS, &mut sum);
        return Err(Error::new(Code::WeightSum)
            .at_path(CONTRIBUTORS_PATH.into())
            .because(alloc::format!("they sum to {}", String::from_utf8_lossy(&sum))));
    }
    match fault {
        Some(fault) if !contributors.is_empty() => return Err(fault),
        _ => {}
    }
    let price = if is_impression { price } else { Some(0) };
    let currency = currency.or(policy.currency);
    let contribution = |Contributor { id, signal_type, weight_ppm }: Contributor| Contribution {
        contributor: id,
        signal_type,
        weight_ppm,
        // Below 10^18 · 10^6.
        amount: price.map(|price| price * i128::from(weight_ppm)),
        currency: currency.map(|letters| String::from_utf8_lossy(&letters).into_owned()),
    };
    Ok(contributors.into_iter().map(contribution).collect())
}

/// What an event says of one contributor. Sorted by id, then by signal type.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Contributor {
    id: String,
    signal_type: String,
    weight_ppm: u32,
}

/// What an event says about contributions, read from its canonical form.
#[derive(Debug, Default)]
struct Event {
    contributors: Vec<Contributor>,
    price: Option<i128>,
    currency: Option<Currency>,
    is_impression: bool,
    /// Of the price or the currency, where it matters only if there are contributors.
    fault: Option<Error>,
    inside: Inside,
    field: Field,
    /// Containers that are open and not looked into.
    passed_over: usize,
    /// Of the contributor that is open.
    id: Option<String>,
    signal_type: Option<String>,
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

enum Scalar<'a> {
    String(&'a str),
    Number(&'a str),
    Null,
    Boolean,
}

impl Event {
    fn scalar(&mut self, scalar: &Scalar<'_>) -> Result<()> {
        if self.passed_over > 0 {
            return Ok(());
        }
        let taken = self.take(scalar);
        self.put_off(taken)
    }

    fn take(&mut self, scalar: &Scalar<'_>) -> Result<()> {
        match (self.field, scalar) {
            (Field::EventType, Scalar::String(event_type)) => {
                self.is_impression = *event_type == "impression";
            }
            (Field::Contributors | Field::Price | Field::Currency, Scalar::Null) => {}
            (field, _) if field.takes_anything() => {}
            (Field::Id, Scalar::String(id)) if !id.is_empty() => self.id = Some((*id).into()),
            (Field::SignalType, Scalar::String(signal_type)) if !signal_type.is_empty() => {
                self.signal_type = Some((*signal_type).into());
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
                if price >= MAX_PRICE {
                    return Err(self.refusal(Unfit::Size.detail()));
                }
                self.price = Some(price);
            }
            (Field::Currency, Scalar::String(currency)) => {
                let currency = parse_currency(currency.as_bytes());
                self.currency =
                    Some(currency.ok_or_else(|| self.refusal("it is not three capital letters"))?);
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    /// A container that begins here; `object` says of which kind.
    fn open(&mut self, object: bool) -> Result<()> {
        if self.passed_over > 0 {
            self.passed_over += 1;
            return Ok(());
        }
        match (self.field, object) {
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
                return self.put_off(Err(self.unexpected()));
            }
        }
        Ok(())
    }

    /// Keeps what is wrong with the price or the currency: it matters only to contributors.
    fn put_off(&mut self, taken: Result<()>) -> Result<()> {
        match taken {
            Err(fault) if matches!(self.field, Field::Price | Field::Currency) => {
                self.fault.get_or_insert(fault);
                Ok(())
            }
            taken => taken,
        }
    }

    fn close(&mut self) -> Result<()> {
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return Ok(());
        }
        match self.inside {
            Inside::Contributor => {
                (self.inside, self.field) = (Inside::Contributors, Field::Contributor);
                let missing = |name| alloc::format!("its {name} is missing");
                let Some(id) = self.id.take() else { return Err(self.refusal(missing("id"))) };
                let Some(signal_type) = self.signal_type.take() else {
                    return Err(self.refusal(missing("signal_type")));
                };
                let Some(weight_ppm) = self.weight_ppm.take() else {
                    return Err(self.refusal(missing("weight")));
                };
                self.contributors.push(Contributor { id, signal_type, weight_ppm });
            }
            Inside::Contributors => self.inside = Inside::Attribution,
            Inside::Attribution | Inside::Metadata | Inside::Event => self.inside = Inside::Event,
        }
        Ok(())
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

impl Sink for Event {
    fn begin_object(&mut self) -> Result<()> {
        self.open(true)
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.passed_over == 0 {
            self.field = match (self.inside, key.characters()) {
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
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.close()
    }

    fn begin_array(&mut self) -> Result<()> {
        self.open(false)
    }

    fn end_array(&mut self) -> Result<()> {
        self.close()
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.scalar(&Scalar::String(&String::from_utf8_lossy(string.characters())))
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        // The digits of a number are ASCII.
        self.scalar(&Scalar::Number(&String::from_utf8_lossy(number.text)))
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        self.scalar(&Scalar::Boolean)
    }

    fn null(&mut self) -> Result<()> {
        self.scalar(&Scalar::Null)
    }

    fn path(&self, _: Place) -> String {
        "$".into()
    }
}
