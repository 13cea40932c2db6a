//! What minting an audience asks of the core, so that its rules stand there alone (SPEC.md section
//! 8): the canonical form of a row, which cohorts a record is in and whose it is, and for all of
//! them, which cohorts may be named.
//!
//! ```text
//!  a record ──▶ seat: text[] ──▶ census ──▶ the document, the ids, 32 bytes a member
//!               {member, market area, cohort, …}
//! ```
//!
//! A census is in memory, not in files: who is in two small cohorts counts once in what they
//! become, so all seats are looked at again and again.

use std::sync::Arc;

use pgrx::pg_sys::{self, Datum, FunctionCallInfo, NullableDatum};
use pgrx::{FromDatum, PgMemoryContexts};
use precise_core::canonical::Canonicalizer;
use precise_core::cohort::{
    Beside, Census, MEMBER_FIELD, Market, Member, ReleaseKey, Released, Seat, SeatReader,
    count_differences,
};
use precise_core::field::FieldPath;
use precise_core::hex::hash_from_bytes;
use precise_core::json::Reader;
use precise_core::ruleset::Ruleset;
use precise_core::value::Value;
use precise_core::{Code, Error, Hash};

use crate::Outcome;
use crate::aggregate::aggregate_context;
use crate::call::{Varlena, arguments, array_of, datum_of, kept};
use crate::fault::Fault;
use crate::row::RowReader;

/// What is kept of a member: who it is, and its seats.
const ENTRY_LEN: usize = 32;

/// The most bytes that go into one array: what the server can have in one value, 1 GB, without a
/// megabyte for its head.
const RESULT_LEN_MAX: usize = (1 << 30) - (1 << 20);

/// `precise.row_document(row)`: its canonical form; NULL if it is refused.
///
/// # Safety
///
/// `info` is a call by the server of a function that is declared with these arguments.
pub(crate) unsafe fn row_document(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        let [row] = arguments(info) else { return Ok(None) };
        if row.isnull {
            return Ok(None);
        }
        let (rows, canonicalizer): &mut (RowReader, Canonicalizer) =
            kept((*info).flinfo, || Ok(Default::default()))?;
        let mut row = rows.open("precise.row_document", row.value)?;
        let mut canonical = Vec::new();
        let written = canonicalizer.append_row(&mut canonical, |encoder| row.write(encoder));
        match (row.fault(), written) {
            (Some(fault), _) => Err(fault),
            (None, Err(_)) => Ok(None),
            (None, Ok(())) => Ok(datum_of(&Value::Json(canonical.into()))),
        }
    }
}

/// What reads records, kept from row to row: of one key and one rule set.
struct Seats {
    key: Vec<u8>,
    rules: Option<Vec<u8>>,
    reader: SeatReader,
    columns: Columns,
}

impl Seats {
    fn new(key: &[u8], rules: Option<&[u8]>) -> precise_core::Result<Self> {
        let ruleset = rules.map(Ruleset::parse).transpose()?.map(Arc::new);
        let member = FieldPath::parse(MEMBER_FIELD)?;
        let release_key = ReleaseKey::from_bytes(key)?;
        Ok(Self {
            key: key.into(),
            rules: rules.map(Into::into),
            reader: SeatReader::new(ruleset, &member, Some(release_key)),
            columns: Columns { reader: Reader::default(), field: FieldPath::parse("f1")? },
        })
    }

    fn is_of(&self, key: &[u8], rules: Option<&[u8]>) -> bool {
        self.key == key && self.rules.as_deref() == rules
    }
}

/// Reads rows of a single column, in which the server calls it `f1`.
struct Columns {
    reader: Reader,
    field: FieldPath,
}

impl Columns {
    /// The string or number in a column; the empty text for anything else.
    fn read(&mut self, canonical: &[u8]) -> precise_core::Result<String> {
        let found = self.field.scalar(&mut self.reader, canonical)?;
        Ok(found.map(|scalar| scalar.as_str().to_owned()).unwrap_or_default())
    }
}

/// `precise.seat(record, key, rules, member, zip, dma)`: whose a record is, hashed under the key;
/// its market area; and the cohorts that it is in. The record is in canonical form, and so are the
/// last three, each a row of the column that stands in for the field; NULL where none does. Without
/// rules the record says itself which cohort it is in.
///
/// # Safety
///
/// As [`row_document`].
pub(crate) unsafe fn seat(info: FunctionCallInfo) -> Outcome {
    let refused = |error| Fault::refused("precise.seat", &error);
    // SAFETY: the server's call.
    let (seats, given) = unsafe {
        let text = |arg: &NullableDatum| (!arg.isnull).then(|| Varlena::of(arg.value));
        let given: Vec<Option<Varlena>> = arguments(info).iter().map(text).collect();
        (kept((*info).flinfo, || Ok(None::<Seats>))?, given)
    };
    let given: Vec<Option<&[u8]>> =
        given.iter().map(|text| text.as_ref().map(Varlena::bytes)).collect();
    let &[Some(record), Some(key), rules, member, zip, dma] = given.as_slice() else {
        return Ok(None);
    };
    if !seats.as_ref().is_some_and(|seats| seats.is_of(key, rules)) {
        *seats = Some(Seats::new(key, rules).map_err(refused)?);
    }
    let Some(Seats { reader, columns, .. }) = seats else { return Ok(None) };
    let mut column = |row: Option<&[u8]>| row.map(|row| columns.read(row)).transpose();
    let member = column(member).map_err(refused)?;
    let zip = column(zip).map_err(refused)?;
    let dma = column(dma).map_err(refused)?;
    let beside = Beside { member: member.as_deref(), zip: zip.as_deref(), dma: dma.as_deref() };
    let seat = reader.read_beside(record, beside).map_err(refused)?;
    let mut texts = vec![
        seat.member.map(|member| format!("{:032x}", u128::from_be_bytes(member.as_bytes()))),
        seat.market.map(|market| market.to_string()),
    ];
    texts.extend(seat.cohorts.into_iter().map(Some));
    let texts = texts.iter().map(|text| text.as_deref().map(str::as_bytes));
    // SAFETY: an array of text.
    Ok(Some(unsafe { array_of(pg_sys::TEXTOID, texts) }))
}

/// The seat that [`seat`] gave.
fn seat_of(texts: Vec<Option<String>>) -> Option<Seat> {
    let mut texts = texts.into_iter();
    let (member, market) = (texts.next()?, texts.next()?);
    let member = match member {
        None => None,
        Some(digits) => {
            Some(Member::from_bytes(u128::from_str_radix(&digits, 16).ok()?.to_be_bytes()))
        }
    };
    let market = market.as_deref().and_then(Market::parse);
    Some(Seat { cohorts: texts.flatten().collect(), market, member })
}

/// The census of an audience, and what its document says besides.
struct Audience {
    census: Census,
    k: u64,
    ruleset_hash: Option<Hash>,
    batch_roots: Vec<Hash>,
    count: u64,
}

/// `(state, seat, proof_hash, key, k, ruleset_hash, batch_roots, count) → state`: takes a record's
/// seat. All behind the proof hash are the same for every record; roots stand one behind the other.
///
/// # Safety
///
/// As [`row_document`], of an aggregate.
pub(crate) unsafe fn take_seat(info: FunctionCallInfo) -> Outcome {
    let refused = |error| Fault::refused("precise.census", &error);
    // SAFETY: the server's call for an aggregate, so that nobody else can have made the state.
    unsafe {
        let context = aggregate_context(info)?;
        let [state, seat, proof_hash, key, k, ruleset_hash, batch_roots, count] = arguments(info)
        else {
            return Ok(None);
        };
        let required = [seat, proof_hash, key, k, batch_roots, count];
        if required.iter().any(|arg| arg.isnull) {
            return Err(Fault::new("22004", "cannot count a seat: an argument is NULL", "", ""));
        }
        let hash =
            |arg: &NullableDatum| hash_from_bytes(Varlena::of(arg.value).bytes()).map_err(refused);
        let state: *mut Audience = if state.isnull {
            let key = Varlena::of(key.value);
            let roots = Varlena::of(batch_roots.value);
            let roots = roots.bytes().chunks(size_of::<Hash>()).map(hash_from_bytes);
            let audience = Audience {
                census: Census::guarded(ReleaseKey::from_bytes(key.bytes()).map_err(refused)?),
                // What is below 0 is below 2 as well.
                k: u64::try_from(k.value.value() as i64).unwrap_or(0),
                ruleset_hash: (!ruleset_hash.isnull).then(|| hash(ruleset_hash)).transpose()?,
                batch_roots: roots.collect::<Result<_, _>>().map_err(refused)?,
                count: count.value.value() as u64,
            };
            PgMemoryContexts::For(context).leak_and_drop_on_delete(audience)
        } else {
            state.value.cast_mut_ptr()
        };
        let seat = Vec::<Option<String>>::from_datum(seat.value, false).and_then(seat_of);
        let Some(seat) = seat else {
            return Err(Fault::new("22023", "a seat is not what precise.seat gives", "", ""));
        };
        (*state).census.push(&seat, &hash(proof_hash)?).map_err(refused)?;
        Ok(Some(Datum::from(state)))
    }
}

/// `(state) → bytea[]`: the document; the ids of the cohorts that are named, each with a line feed
/// behind; and what is kept of the members, in 256 parts by the first byte.
///
/// # Safety
///
/// As [`take_seat`].
pub(crate) unsafe fn finish_census(info: FunctionCallInfo) -> Outcome {
    let refused = |error| Fault::refused("precise.census", &error);
    // SAFETY: as above.
    let audience: &mut Audience = unsafe {
        aggregate_context(info)?;
        let [state] = arguments(info) else { return Ok(None) };
        if state.isnull {
            return Err(refused(Error::new(Code::Release).because("no record has a proof")));
        }
        &mut *state.value.cast_mut_ptr()
    };
    let release = std::mem::take(&mut audience.census).release(audience.k).map_err(refused)?;
    let ruleset_hash = audience.ruleset_hash.as_ref();
    let document = release.document(&audience.batch_roots, audience.count, ruleset_hash);
    let mut ids = String::new();
    for cohort in release.cohorts() {
        ids.push_str(cohort.id.as_str());
        ids.push('\n');
    }
    let members = release.members();
    if members.len() * ENTRY_LEN + ids.len() + document.len() > RESULT_LEN_MAX {
        return Err(Fault::new(
            "54000",
            "an audience has more members than the server can have in one value",
            "At 32 bytes each, 33 million fit into 1 GB.",
            "Mint the audience of a part of them.",
        ));
    }
    let mut parts = vec![document.into_bytes(), ids.into_bytes()];
    let mut rest = members;
    for first in 0..=u8::MAX {
        let (part, others) = rest.split_at(rest.partition_point(|entry| entry.member[0] <= first));
        parts.push(part.iter().flat_map(|entry| [entry.member, entry.seats].concat()).collect());
        rest = others;
    }
    // SAFETY: an array of bytea.
    Ok(Some(unsafe { array_of(pg_sys::BYTEAOID, parts.iter().map(|part| Some(part.as_slice()))) }))
}

/// `precise.differing(earlier, entries)`: how many members are in one of two parts of released
/// members alone, or are seated otherwise.
///
/// # Safety
///
/// As [`row_document`].
pub(crate) unsafe fn differing(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    let parts: Vec<Option<Varlena>> = unsafe {
        let bytes = |arg: &NullableDatum| (!arg.isnull).then(|| Varlena::of(arg.value));
        arguments(info).iter().map(bytes).collect()
    };
    let [earlier, later] = parts.as_slice() else { return Ok(None) };
    let (earlier, later) = (entries_of(earlier.as_ref())?, entries_of(later.as_ref())?);
    let differing = count_differences(earlier, later);
    Ok(Some(Datum::from(i64::try_from(differing).unwrap_or(i64::MAX))))
}

/// The members in a part; none where there is no part.
fn entries_of(part: Option<&Varlena>) -> Result<impl Iterator<Item = Released>, Fault> {
    let (entries, rest) = part.map_or(&[][..], Varlena::bytes).as_chunks::<ENTRY_LEN>();
    if !rest.is_empty() {
        return Err(Fault::new("22023", "released members are 32 bytes each", "", ""));
    }
    Ok(entries.iter().filter_map(|entry| {
        let (member, seats) = entry.split_at(ENTRY_LEN / 2);
        Some(Released { member: member.try_into().ok()?, seats: seats.try_into().ok()? })
    }))
}
