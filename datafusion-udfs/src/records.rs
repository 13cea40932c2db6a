//! The functions that read a record a row, a batch at a time: buffers are kept from row to row, and
//! short records are hashed side by side. What they give is what the catalogue's own kernel gives;
//! the conformance tests run both.

use arrow_array::ArrayRef;
use datafusion_common::Result;
use precise_core::catalog::Function;
use precise_core::proof::{Blind, Minter, ProofDocument, hash};
use precise_core::value::Value;
use precise_core::{Code, Error};

use crate::columns::{Argument, Results};
use crate::error::refused;

/// Canonical bytes hashed at a time: they stay in a core's second-level cache.
const HASH_LEN: usize = 128 << 10;

/// One of these functions, at work.
pub(crate) struct Records {
    function: &'static Function,
    output: Output,
    minter: Minter,
    /// What became of each row since the last hashing.
    rows: Vec<Row>,
}

/// What is made of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Canonical,
    Check,
    Document,
    DocumentOrNull,
    Hash,
}

enum Row {
    /// The next record of the minter, to be hashed without a blind.
    Minted,
    /// The next record of the minter, with this hash.
    Blinded([u8; 32]),
    Null,
    Refused(Error),
}

impl Records {
    /// None for a function that does not read a record a row.
    pub(crate) fn of(function: &'static Function) -> Option<Self> {
        let output = match function.name {
            "precise_canonical" => Output::Canonical,
            "precise_check" => Output::Check,
            "precise_mint_proof" => Output::Document,
            "precise_try_mint_proof" => Output::DocumentOrNull,
            "precise_proof_hash" => Output::Hash,
            _ => return None,
        };
        Some(Self { function, output, minter: Minter::default(), rows: Vec::new() })
    }

    /// Calls the function for each row.
    pub(crate) fn run(&mut self, arguments: &[Argument<'_>], rows: usize) -> Result<ArrayRef> {
        let mut results = Results::new(self.function.returns, rows);
        let (record, blind) = (&arguments[0], arguments.get(1));
        for row in 0..rows {
            let row = self.read(&record.value(row), blind.map(|blind| blind.value(row)))?;
            self.rows.push(row);
            if self.minter.canonical_len() >= HASH_LEN {
                self.flush(&mut results)?;
            }
        }
        self.flush(&mut results)?;
        Ok(results.finish())
    }

    fn read(&mut self, record: &Value<'_>, blind: Option<Value<'_>>) -> Result<Row> {
        let Value::Json(record) = record else { return Ok(Row::Null) };
        let blind = match blind {
            None => None,
            // A wrong blind is the caller's mistake, not the row's.
            Some(Value::Bytes(blind)) => {
                Some(Blind::from_bytes(&blind).map_err(|error| refused(self.function, error))?)
            }
            Some(_) => return Ok(Row::Null),
        };
        match (self.minter.push(record), blind) {
            (Ok(()), None) => Ok(Row::Minted),
            (Ok(()), Some(blind)) => {
                let canonical = self.minter.canonical(self.minter.len() - 1);
                Ok(Row::Blinded(hash(canonical, Some(&blind))))
            }
            (Err(error), _) => match self.output {
                Output::Check => Ok(Row::Refused(error)),
                Output::DocumentOrNull => Ok(Row::Null),
                Output::Canonical | Output::Document | Output::Hash => {
                    Err(refused(self.function, error))
                }
            },
        }
    }

    /// Writes the results of the rows read so far.
    fn flush(&mut self, results: &mut Results) -> Result<()> {
        let mut hashes = Vec::new();
        let is_hashed =
            matches!(self.output, Output::Document | Output::DocumentOrNull | Output::Hash);
        if is_hashed && self.rows.iter().any(|row| matches!(row, Row::Minted)) {
            self.minter.hash_into(&mut hashes);
        }
        let mut minted = 0;
        for row in self.rows.drain(..) {
            let (hash, is_blinded) = match row {
                Row::Null => {
                    results.push_null();
                    continue;
                }
                Row::Refused(error) => {
                    results.push(&Value::Text(error.code_and_path().into()))?;
                    continue;
                }
                Row::Minted => (hashes.get(minted).copied(), false),
                Row::Blinded(hash) => (Some(hash), true),
            };
            let canonical = self.minter.canonical(minted);
            minted += 1;
            match (self.output, hash) {
                (Output::Canonical, _) => results.push(&Value::Json(canonical.into()))?,
                (Output::Check, _) => results.push_null(),
                (Output::Hash, Some(hash)) => results.push(&Value::Bytes((&hash[..]).into()))?,
                (_, Some(proof_hash)) => {
                    let size = (!is_blinded).then_some(canonical.len() as u64);
                    let document = ProofDocument { proof_hash, size }.to_json();
                    results.push(&Value::Text(document.into()))?;
                }
                (_, None) => {
                    let error = Error::new(Code::Arguments).because("a record was not hashed");
                    return Err(refused(self.function, error));
                }
            }
        }
        self.minter.clear();
        Ok(())
    }
}
