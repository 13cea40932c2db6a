//! The functions that make something of one record a row, many rows at a time: buffers are kept
//! from row to row, and short records are hashed side by side.
//!
//! An engine that has rows one by one calls [`Function::call`](crate::catalog::Function::call),
//! which is this for a single row; one that has columns keeps a [`Records`].

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::Encoder;
use crate::error::{Code, Error, Result};
use crate::merkle::Hash;
use crate::proof::{Blind, Minter, ProofDocument, hash};
use crate::row::RowEncoder;
use crate::value::{Value, json, text};

/// What a function reads, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How the record is spelled where it comes as text.
    pub spelling: Spelling,
    /// What is made of it.
    pub output: Output,
}

/// How a record is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As the cells of a typed row.
    Cells,
    /// As JSON.
    Json,
}

/// What is made of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Its canonical form.
    Canonical,
    /// Its proof document.
    Document,
    /// Its proof document, or NULL if it is refused.
    DocumentOrNull,
    /// NULL, or if it is refused the code and the path.
    Fault,
    /// Its proof hash.
    Hash,
}

/// Records on their way: pushed in order, and drained in that order.
#[derive(Debug)]
pub struct Records {
    record: Record,
    minter: Minter,
    /// Hashes of the minter's records that have no blind.
    hashes: Vec<Hash>,
    pending: Vec<Pending>,
}

/// What became of a row.
#[derive(Debug)]
enum Pending {
    /// The minter's next record, not blinded.
    Minted,
    /// The minter's next record, with this hash.
    Blinded(Hash),
    Null,
    Refused(Error),
}

impl Records {
    /// Begins.
    pub fn new(record: Record) -> Self {
        Self { record, minter: Minter::default(), hashes: Vec::new(), pending: Vec::new() }
    }

    /// Adds a row: the record as text, and its blind if the function was given one.
    ///
    /// Errors: PR191 for other arguments; PR304 for the blind, which is the caller's mistake and
    /// not the record's; and unless the function gives something for a record that is refused, as
    /// [`Minter::push`] or [`Minter::push_cells`]. The row is then not added.
    pub fn push(&mut self, args: &[Value<'_>]) -> Result<()> {
        let (record, blind) = match args {
            [Value::Json(record)] => (record, None),
            [Value::Json(record), Value::Bytes(blind)] => (record, Some(&**blind)),
            _ if args.contains(&Value::Null) => {
                self.push_null();
                return Ok(());
            }
            _ => return Err(Error::new(Code::Arguments)),
        };
        let spelling = self.record.spelling;
        self.push_with(blind, |minter| match spelling {
            Spelling::Cells => minter.push_cells(record),
            Spelling::Json => minter.push(record),
        })
    }

    /// Adds a row in which some argument is NULL.
    pub fn push_null(&mut self) {
        self.pending.push(Pending::Null);
    }

    /// Adds the typed row that `fill` writes, and its blind if it has one.
    ///
    /// Errors: PR304, and as [`push`](Self::push); [`Minter::push_row`].
    pub fn push_row(
        &mut self,
        blind: Option<&[u8]>,
        fill: impl FnOnce(&mut RowEncoder<'_>) -> Result<()>,
    ) -> Result<()> {
        self.push_with(blind, |minter| minter.push_row(fill))
    }

    /// Adds the document whose tokens `fill` gives, and its blind if it has one.
    ///
    /// Errors: PR304, and as [`push`](Self::push); [`Minter::push_document`].
    pub fn push_document(
        &mut self,
        blind: Option<&[u8]>,
        fill: impl FnOnce(&mut Encoder<'_>) -> Result<()>,
    ) -> Result<()> {
        self.push_with(blind, |minter| minter.push_document(fill))
    }

    fn push_with(
        &mut self,
        blind: Option<&[u8]>,
        push: impl FnOnce(&mut Minter) -> Result<()>,
    ) -> Result<()> {
        let blind = blind.map(Blind::from_bytes).transpose()?;
        let pending = match (push(&mut self.minter), blind) {
            (Ok(()), None) => Pending::Minted,
            (Ok(()), Some(blind)) => {
                let canonical = self.minter.canonical(self.minter.len() - 1);
                Pending::Blinded(hash(canonical, Some(&blind)))
            }
            (Err(error), _) => match self.record.output {
                Output::DocumentOrNull => Pending::Null,
                Output::Fault => Pending::Refused(error),
                Output::Canonical | Output::Document | Output::Hash => return Err(error),
            },
        };
        self.pending.push(pending);
        Ok(())
    }

    /// Whether it is time to drain.
    pub fn is_full(&self) -> bool {
        self.minter.is_full()
    }

    /// Gives the results of the rows added since the last time, in order, and forgets them.
    ///
    /// Errors: those of `each`.
    pub fn drain<E>(
        &mut self,
        mut each: impl FnMut(Value<'_>) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let Self { record, minter, hashes, pending } = self;
        if record.output.is_hashed() && pending.iter().any(|row| matches!(row, Pending::Minted)) {
            minter.hash_into(hashes);
        }
        let mut minted = 0;
        let done = pending.iter().try_for_each(|row| {
            let blinded_hash = match row {
                Pending::Null => return each(Value::Null),
                Pending::Refused(error) => return each(text(error.code_and_path())),
                Pending::Blinded(hash) => Some(hash),
                Pending::Minted => None,
            };
            let canonical = minter.canonical(minted);
            let place = minted;
            minted += 1;
            let proof_hash = || blinded_hash.unwrap_or_else(|| &hashes[place]);
            each(match record.output {
                Output::Canonical => Value::Text(String::from_utf8_lossy(canonical)),
                Output::Document | Output::DocumentOrNull => {
                    let size = blinded_hash.is_none().then_some(canonical.len() as u64);
                    json(ProofDocument { proof_hash: *proof_hash(), size }.to_json())
                }
                Output::Fault => Value::Null,
                Output::Hash => Value::Bytes(Cow::Borrowed(proof_hash())),
            })
        });
        self.clear();
        done
    }

    /// Forgets the rows added since the last time: whoever could not drain begins again with this.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.hashes.clear();
        self.minter.clear();
    }
}

impl Output {
    fn is_hashed(self) -> bool {
        match self {
            Self::Canonical | Self::Fault => false,
            Self::Document | Self::DocumentOrNull | Self::Hash => true,
        }
    }
}
