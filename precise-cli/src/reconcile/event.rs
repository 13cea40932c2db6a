//! An event of ours: what one impression was bought for.

use precise_core::decimal::{self, Unfit};
use precise_core::{Code, Error};

use super::win::read_key;
use crate::fields::{Field, find, scalar_of};

/// Decimals of a price, which is that of a thousand impressions.
const PRICE_DECIMALS: u32 = 9;

/// The kind of event that a win becomes.
const IMPRESSION: &str = "impression";

/// An impression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bought {
    pub(super) key: String,
    /// In 10^-6 micros.
    pub(super) price: i128,
    pub(super) currency: Option<String>,
}

/// Events, counted.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) impressions: u64,
    /// Events of other kinds.
    pub(super) others: u64,
    /// At the clearing price of their row, and at its cost.
    pub(super) of_clearing: u64,
    pub(super) of_cost: u64,
    pub(super) differing: u64,
    pub(super) without_win: u64,
    pub(super) repeated: u64,
    /// Rows of the log.
    pub(super) wins_without_event: u64,
}

impl Bought {
    /// Reads a record; none if it is of another kind. An event that tells no kind is an impression.
    ///
    /// Errors: PR613 for a key, PR603 and PR601 for a price.
    pub(super) fn read(fields: &[Field; 4], record: &[u8]) -> precise_core::Result<Option<Self>> {
        let [key, price, currency, kind] = find(fields, record);
        if kind.and_then(scalar_of).is_some_and(|kind| kind != IMPRESSION) {
            return Ok(None);
        }
        let key = read_key(&fields[0], key)?;
        let Some(text) = price.and_then(scalar_of) else {
            return Err(fields[1].locate(Code::UnpricedEvent.into()));
        };
        // A price of 1 is a thousandth for one impression, 10^3 micros: 10^-9 of it are 10^-6
        // micros.
        let price = decimal::parse(&text, PRICE_DECIMALS)
            .map_err(Unfit::detail)
            .and_then(|price| if price < 0 { Err("it is below 0") } else { Ok(price) })
            .map_err(|why| fields[1].locate(Error::new(Code::Price).because(why)))?;
        Ok(Some(Self { key, price, currency: currency.and_then(scalar_of) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str) -> precise_core::Result<Option<Bought>> {
        let fields = ["auction_id", "metadata.clearing_price", "metadata.currency", "event_type"];
        let [a, b, c, d] = fields.map(Field::parse);
        let record = precise_core::canonical::canonicalize(record.as_bytes())?;
        Bought::read(&[a?, b?, c?, d?], &record)
    }

    #[test]
    fn a_price_of_a_thousand_is_read_for_one() -> precise_core::Result<()> {
        let read = read(r#"{"auction_id":"a1","metadata":{"clearing_price":19.00}}"#)?;
        let price = 19_000 * super::super::win::MICRO;
        assert_eq!(read, Some(Bought { key: "a1".into(), price, currency: None }));
        Ok(())
    }

    #[test]
    fn other_kinds_are_passed_over_and_what_is_missing_is_refused() -> precise_core::Result<()> {
        assert_eq!(read(r#"{"event_type":"click"}"#)?, None);
        for (record, code) in [
            (r#"{"event_type":"impression"}"#, Code::WinRow),
            (r#"{"auction_id":""}"#, Code::WinRow),
            (r#"{"auction_id":"1.72827E+15"}"#, Code::WinRow),
            (r#"{"auction_id":"a1"}"#, Code::UnpricedEvent),
            (r#"{"auction_id":"a1","metadata":{"clearing_price":null}}"#, Code::UnpricedEvent),
            (r#"{"auction_id":"a1","metadata":{"clearing_price":-1}}"#, Code::Price),
            (r#"{"auction_id":"a1","metadata":{"clearing_price":"x"}}"#, Code::Price),
            (r#"{"auction_id":"a1","metadata":{"clearing_price":"1.0000000001"}}"#, Code::Price),
        ] {
            assert_eq!(read(record).map_err(|error| error.code()), Err(code), "{record}");
        }
        Ok(())
    }
}
