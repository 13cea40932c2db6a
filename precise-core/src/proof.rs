//! Proofs: the hash of a record's canonical form, its id, its document (SPEC.md section 2).

use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::{self, Canonicalizer, Encoder};
use crate::document::{Document, Writer};
use crate::error::{Code, Error, Result};
use crate::merkle::Hash;
use crate::row::{Columns, RowEncoder};
use crate::{hex, lanes};

/// BLAKE3's derive_key context for blinds.
const BLIND_CONTEXT: &str = "precise 2026 record blind v1";

/// RFC 4648 section 6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Characters behind `prf_`: 256 bits in groups of 5, rounded up.
const ID_LEN: usize = 52;

/// The key of one blinded record. Not printed by `Debug`, and not comparable.
#[derive(Clone)]
pub struct Blind([u8; 32]);

impl Blind {
    /// A blind given as bytes.
    ///
    /// Error: PR304 unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        secret(bytes).map(Self)
    }

    /// The blind of the record `record_id` of the subject whose secret is `secret`.
    ///
    /// Errors: PR304 unless the secret is 32 bytes, PR113 for an empty id, which is that of every
    /// record whose id is missing.
    pub fn derive(secret_bytes: &[u8], record_id: &str) -> Result<Self> {
        let secret = secret(secret_bytes)?;
        if record_id.is_empty() {
            return Err(Error::new(Code::RecordId).because("it is empty"));
        }
        let mut hasher = blake3::Hasher::new_derive_key(BLIND_CONTEXT);
        hasher.update(&secret);
        hasher.update(record_id.as_bytes());
        Ok(Self(*hasher.finalize().as_bytes()))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for Blind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Blind(…)")
    }
}

fn secret(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| {
        Error::new(Code::SecretLength).because(alloc::format!("it has {} bytes", bytes.len()))
    })
}

/// The proof hash of a canonical form.
pub fn hash(canonical: &[u8], blind: Option<&Blind>) -> Hash {
    match blind {
        None => *blake3::hash(canonical).as_bytes(),
        Some(Blind(key)) => *blake3::keyed_hash(key, canonical).as_bytes(),
    }
}

/// `prf_` and 52 characters: the hash spelled for URLs and people.
pub fn format_id(hash: &Hash) -> String {
    let mut id = [0; 4 + ID_LEN];
    write_id(hash, &mut id);
    String::from_utf8(id.into()).expect("base32 is ASCII")
}

/// [`format_id`] into a buffer that is there already.
pub fn write_id(hash: &Hash, id: &mut [u8; 4 + ID_LEN]) {
    id[..4].copy_from_slice(b"prf_");
    // 5 bytes are 8 characters; 32 bytes are 6 such groups and 2 bytes, which are 4 characters.
    for (group, characters) in hash.chunks(5).zip(id[4..].chunks_mut(8)) {
        let mut bits = [0; 8];
        bits[..group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(bits);
        for (i, character) in characters.iter_mut().enumerate() {
            *character = BASE32[(bits >> (59 - 5 * i) & 31) as usize];
        }
    }
}

/// Reads `prf_…`.
///
/// Error: PR302 for any spelling [`format_id`] does not give.
pub fn parse_id(id: &str) -> Result<Hash> {
    let malformed = || Error::new(Code::ProofId);
    let characters = id.strip_prefix("prf_").ok_or_else(malformed)?.as_bytes();
    if characters.len() != ID_LEN {
        return Err(malformed().because(alloc::format!("{} characters", characters.len())));
    }
    let mut hash = [0; 32];
    for (characters, group) in characters.chunks(8).zip(hash.chunks_mut(5)) {
        let mut bits = 0;
        for (i, character) in characters.iter().enumerate() {
            let value = BASE32.iter().position(|b| b == character).ok_or_else(malformed)?;
            bits |= (value as u64) << (59 - 5 * i);
        }
        group.copy_from_slice(&bits.to_be_bytes()[..group.len()]);
    }
    // The last character carries one bit: all but `a` and `q` would be second spellings.
    if format_id(&hash) == id { Ok(hash) } else { Err(malformed()) }
}

/// Reads a proof hash in any spelling: `prf_…`, `0x…`, or a proof document.
///
/// Errors: PR301 for a malformed `0x…`, PR303 for a malformed `{…`, PR302 for everything else.
pub fn parse_spelling(text: &str) -> Result<Hash> {
    if text.starts_with("0x") {
        hex::parse_hash(text)
    } else if text.starts_with('{') {
        Ok(ProofDocument::parse(text.as_bytes())?.proof_hash)
    } else {
        parse_id(text)
    }
}

/// What minting returns (SPEC.md section 2.3):
/// `{"canon":"precise-jcs-1","hash":"blake3","proof_hash":"0x…","proof_id":"prf_…","size":9,"v":1}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofDocument {
    /// The proof hash.
    pub proof_hash: Hash,
    /// Length of the canonical form in bytes. None if blinded: it would tell of the record.
    pub size: Option<u64>,
}

impl ProofDocument {
    /// The proof of one canonical form.
    pub fn of(canonical: &[u8], blind: Option<&Blind>) -> Self {
        Self {
            proof_hash: hash(canonical, blind),
            size: blind.is_none().then_some(canonical.len() as u64),
        }
    }

    /// Whether the record was blinded.
    pub fn blinded(&self) -> bool {
        self.size.is_none()
    }

    /// The document in JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        if self.blinded() {
            writer.key("blinded").raw("true");
        }
        writer.key("canon").string(canonical::NAME);
        writer.key("hash").string("blake3");
        writer.key("proof_hash").hash(&self.proof_hash);
        writer.key("proof_id").string(&format_id(&self.proof_hash));
        if let Some(size) = self.size {
            writer.key("size").integer(size);
        }
        writer.key("v").integer(1);
        writer.finish()
    }

    /// Reads a document in any spelling.
    ///
    /// Error: PR303.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let fault = |detail: &'static str| Error::new(Code::ProofDocument).because(detail);
        let mut members =
            Document::read(json, Code::ProofDocument)?.into_members(Code::ProofDocument)?;
        let blinded = match members.take_optional("blinded") {
            None => false,
            Some(Document::Boolean(true)) => true,
            Some(_) => return Err(fault("blinded is true or left out")),
        };
        if members.take_string("canon")? != canonical::NAME {
            return Err(fault("canon is not precise-jcs-1"));
        }
        if members.take_string("hash")? != "blake3" {
            return Err(fault("hash is not blake3"));
        }
        let proof_hash = members.take("proof_hash")?.into_hash(Code::ProofDocument)?;
        if members.take_string("proof_id")? != format_id(&proof_hash) {
            return Err(fault("proof_id does not spell proof_hash"));
        }
        let size = if blinded { None } else { Some(members.take_integer("size")?) };
        if size.is_some_and(|size| size == 0 || size > canonical::MAX_LEN as u64) {
            return Err(fault("no canonical form has this size"));
        }
        if members.take_integer("v")? != 1 {
            return Err(fault("v is not 1"));
        }
        members.finish()?;
        Ok(Self { proof_hash, size })
    }

    /// Whether this is the proof of `canonical`.
    ///
    /// Error: PR305 if it is blinded and no blind is given.
    pub fn matches(&self, canonical: &[u8], blind: Option<&Blind>) -> Result<bool> {
        if self.blinded() && blind.is_none() {
            return Err(Error::new(Code::MissingBlind));
        }
        Ok(*self == Self::of(canonical, blind))
    }
}

/// Bytes of canonical form that a [`Minter`] should hold: with their sources they stay in a core's
/// second-level cache.
const FULL_LEN: usize = 128 << 10;

/// Mints many records, hashing short ones side by side. Its buffers stay, so that a record costs
/// no allocation.
///
/// ```
/// let mut minter = precise_core::proof::Minter::default();
/// minter.push(br#"{"a":1.0}"#)?;
/// assert!(minter.push(br#"{"a":1,"a":2}"#).is_err(), "refused, and not part of the batch");
/// let mut hashes = Vec::new();
/// minter.hash_into(&mut hashes);
/// assert_eq!(minter.canonical(0), br#"{"a":1}"#);
/// assert_eq!(hashes, [precise_core::proof::hash(br#"{"a":1}"#, None)]);
/// # Ok::<(), precise_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Minter {
    canonicalizer: Canonicalizer,
    canonical: Vec<u8>,
    ends: Vec<usize>,
}

impl Minter {
    /// Adds a record.
    ///
    /// Errors: as [`canonical::canonicalize`]; the record is then not added.
    pub fn push(&mut self, text: &[u8]) -> Result<()> {
        self.canonicalizer.append(text, &mut self.canonical)?;
        self.ends.push(self.canonical.len());
        Ok(())
    }

    /// Adds a row of text cells.
    ///
    /// Errors: as [`Canonicalizer::append_text_row`]; the row is then not added.
    pub fn push_text_row<'c>(
        &mut self,
        columns: &Columns,
        cells: impl ExactSizeIterator<Item = &'c [u8]>,
    ) -> Result<()> {
        self.canonicalizer.append_text_row(columns, cells, &mut self.canonical)?;
        self.ends.push(self.canonical.len());
        Ok(())
    }

    /// Adds the document whose tokens `fill` gives.
    ///
    /// Errors: as [`Canonicalizer::append_document`]; the document is then not added.
    pub fn push_document<'m>(
        &'m mut self,
        fill: impl FnOnce(&mut Encoder<'m>) -> Result<()>,
    ) -> Result<()> {
        self.canonicalizer.append_document(&mut self.canonical, fill)?;
        self.ends.push(self.canonical.len());
        Ok(())
    }

    /// Adds the typed row that `fill` writes.
    ///
    /// Errors: as [`Canonicalizer::append_row`]; the row is then not added.
    pub fn push_row<'m>(
        &'m mut self,
        fill: impl FnOnce(&mut RowEncoder<'m>) -> Result<()>,
    ) -> Result<()> {
        self.canonicalizer.append_row(&mut self.canonical, fill)?;
        self.ends.push(self.canonical.len());
        Ok(())
    }

    /// Adds the typed row that is spelled as cells.
    ///
    /// Errors: as [`Canonicalizer::append_cells`]; the row is then not added.
    pub fn push_cells(&mut self, text: &[u8]) -> Result<()> {
        self.canonicalizer.append_cells(text, &mut self.canonical)?;
        self.ends.push(self.canonical.len());
        Ok(())
    }

    /// Takes the last record out again.
    pub fn pop(&mut self) {
        self.ends.pop();
        self.canonical.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// How many records were added.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it is time to hash and clear: what is held would soon outgrow a core's second-level
    /// cache.
    pub fn is_full(&self) -> bool {
        self.canonical.len() >= FULL_LEN
    }

    /// The canonical form of record `i`.
    pub fn canonical(&self, i: usize) -> &[u8] {
        &self.canonical[if i == 0 { 0 } else { self.ends[i - 1] }..self.ends[i]]
    }

    /// Appends the proof hash of each record, in order, not blinded.
    pub fn hash_into(&self, hashes: &mut Vec<Hash>) {
        lanes::hash_each(&self.canonical, &self.ends, hashes);
    }

    /// Forgets the records and keeps the buffers.
    pub fn clear(&mut self) {
        self.canonical.clear();
        self.ends.clear();
    }
}
