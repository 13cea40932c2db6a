//! Tokens in, the one byte encoding out: `precise-jcs-1` (SPEC.md section 1).
//!
//! Members are written in the order they come. When an object closes and its keys were not in
//! order, its members are moved as blocks of bytes; nothing is built in between.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text, plain_len};
use crate::number::{self, Gate, Literal};
use crate::row::cells::Cells;
use crate::row::{Columns, RowBuffers, RowEncoder};

/// The largest canonical form, in bytes: 16 MiB.
pub const MAX_LEN: usize = 16 * 1024 * 1024;

/// The name of the form, as it stands in proof documents and log entries.
pub const NAME: &str = "precise-jcs-1";

/// The canonical form of one JSON text.
///
/// Errors: PR101 to PR108, PR201, PR202, PR901, PR902. For many texts keep a [`Canonicalizer`].
///
/// ```
/// let canonical = precise_core::canonical::canonicalize(br#"{"b":1.50, "a":"\u0041"}"#)?;
/// assert_eq!(canonical, br#"{"a":"A","b":1.5}"#);
/// # Ok::<(), precise_core::Error>(())
/// ```
pub fn canonicalize(text: &[u8]) -> Result<Vec<u8>> {
    let mut canonical = Vec::new();
    Canonicalizer::default().append(text, &mut canonical)?;
    Ok(canonical)
}

/// RFC 8785 as it stands, without the gate of section 1.3: each number becomes the nearest
/// binary64.
///
/// For the RFC's own vectors. Nothing is ever minted from it: two different numbers can come out
/// as the same bytes.
pub fn rfc8785(text: &[u8]) -> Result<Vec<u8>> {
    let mut canonical = Vec::new();
    Canonicalizer::default().append_with(Gate::Nearest, text, &mut canonical)?;
    Ok(canonical)
}

/// Canonicalises one text after the other in buffers it keeps.
#[derive(Debug, Default)]
pub struct Canonicalizer {
    reader: Reader,
    buffers: Buffers,
    row: RowBuffers,
}

impl Canonicalizer {
    /// Appends the canonical form of `text` to `target`, which stays as it was on an error.
    ///
    /// Errors: as [`canonicalize`].
    pub fn append(&mut self, text: &[u8], target: &mut Vec<u8>) -> Result<()> {
        self.append_with(Gate::Exact, text, target)
    }

    fn append_with(&mut self, gate: Gate, text: &[u8], target: &mut Vec<u8>) -> Result<()> {
        let mut encoder = Encoder::new(gate, text, &mut self.buffers);
        self.reader.read(text, &mut encoder)?;
        encoder.finish(target);
        Ok(())
    }

    /// Appends the canonical form of a row of text cells to `target`, which stays as it was on an
    /// error.
    ///
    /// Errors: PR101, PR108, PR110, PR902.
    pub fn append_text_row<'c>(
        &mut self,
        columns: &Columns,
        cells: impl ExactSizeIterator<Item = &'c [u8]>,
        target: &mut Vec<u8>,
    ) -> Result<()> {
        let names = columns.names();
        if cells.len() != names.len() {
            let detail = alloc::format!("{} instead of {}", cells.len(), names.len());
            return Err(Error::new(Code::CellCount).at_path("$".into()).because(detail));
        }
        self.append_row(target, |row| {
            names.iter().zip(cells).try_for_each(|(name, cell)| {
                row.name(name)?;
                row.text(cell)
            })
        })
    }

    /// Appends the canonical form of the document whose tokens `fill` gives to `target`, which
    /// stays as it was on an error. Who has a document in a form of its own, not as text, calls
    /// [`Encoder`]'s methods as [`Sink`] asks; nothing is checked twice.
    ///
    /// Errors: PR106, PR201, PR202, PR902, and those of `fill`.
    pub fn append_document<'c>(
        &'c mut self,
        target: &mut Vec<u8>,
        fill: impl FnOnce(&mut Encoder<'c>) -> Result<()>,
    ) -> Result<()> {
        let mut encoder = Encoder::new(Gate::Exact, &[], &mut self.buffers);
        fill(&mut encoder).map_err(|error| match error.path() {
            Some(_) => error,
            None => error.at_path(encoder.path(Place::Value)),
        })?;
        encoder.finish(target);
        Ok(())
    }

    /// Appends the canonical form of the typed row that `fill` writes to `target`, which stays as
    /// it was on an error.
    ///
    /// Errors: those of [`RowEncoder`].
    pub fn append_row<'c>(
        &'c mut self,
        target: &mut Vec<u8>,
        fill: impl FnOnce(&mut RowEncoder<'c>) -> Result<()>,
    ) -> Result<()> {
        RowEncoder::append(&mut self.buffers, &mut self.row, &mut self.reader, target, fill)
    }

    /// Appends the canonical form of the typed row `[[name, type, value], …]` to `target`, which
    /// stays as it was on an error.
    ///
    /// Errors: as [`Cells::read`] and [`Cells::write`].
    pub fn append_cells(&mut self, text: &[u8], target: &mut Vec<u8>) -> Result<()> {
        let cells = Cells::read(text)?;
        self.append_row(target, |row| cells.write(row))
    }

    /// Whether `text` would be accepted.
    ///
    /// Errors: as [`canonicalize`].
    pub fn check(&mut self, text: &[u8]) -> Result<()> {
        let mut encoder = Encoder::new(Gate::Exact, text, &mut self.buffers);
        self.reader.read(text, &mut encoder)
    }

    /// The same, and in the same pass every token goes to `beside` too. What it has to refuse it
    /// keeps to itself until the text is read: whatever is wrong with the text comes first.
    ///
    /// Errors: as [`canonicalize`].
    pub(crate) fn check_beside(&mut self, text: &[u8], beside: &mut impl Witness) -> Result<()> {
        let encoder = Encoder::new(Gate::Exact, text, &mut self.buffers);
        self.reader.read(text, &mut Beside { encoder, witness: beside })
    }

    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        self.reader.size() + self.buffers.size()
    }
}

/// Who sees the tokens of a document while it is checked.
#[allow(missing_docs, reason = "the names are those of a sink")]
pub(crate) trait Witness {
    fn open(&mut self, is_object: bool);
    fn key(&mut self, key: &[u8]);
    fn close(&mut self);
    fn scalar(&mut self, scalar: Scalar<'_>);
}

/// A value that holds no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Boolean,
    Null,
    /// As it stands in the text.
    Number(&'a [u8]),
    /// Its characters.
    String(&'a [u8]),
}

struct Beside<'e, 'w, W> {
    encoder: Encoder<'e>,
    witness: &'w mut W,
}

impl<W: Witness> Sink for Beside<'_, '_, W> {
    #[inline]
    fn begin_object(&mut self) -> Result<()> {
        self.witness.open(true);
        self.encoder.begin_object()
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.witness.key(key.characters());
        self.encoder.key(key)
    }

    #[inline]
    fn end_object(&mut self) -> Result<()> {
        self.witness.close();
        self.encoder.end_object()
    }

    #[inline]
    fn begin_array(&mut self) -> Result<()> {
        self.witness.open(false);
        self.encoder.begin_array()
    }

    #[inline]
    fn end_array(&mut self) -> Result<()> {
        self.witness.close();
        self.encoder.end_array()
    }

    #[inline]
    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.witness.scalar(Scalar::String(string.characters()));
        self.encoder.string(string)
    }

    #[inline]
    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        self.witness.scalar(Scalar::Number(number.text));
        self.encoder.number(number)
    }

    #[inline]
    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.witness.scalar(Scalar::Boolean);
        self.encoder.boolean(boolean)
    }

    #[inline]
    fn null(&mut self) -> Result<()> {
        self.witness.scalar(Scalar::Null);
        self.encoder.null()
    }

    #[cold]
    fn path(&self, place: Place) -> String {
        self.encoder.path(place)
    }
}

/// What an encoder needs and may keep from one document to the next.
#[derive(Debug, Default)]
pub struct Buffers {
    out: Vec<u8>,
    /// The containers around the innermost one, outermost first; the first is the document itself.
    outer: Vec<Frame>,
    /// The members of all open objects, outermost first.
    members: Vec<Member>,
    /// Keys that do not stand in the source as they are: their characters.
    keys: Vec<u8>,
    /// Where members are put in order.
    sorted: Vec<u8>,
}

impl Buffers {
    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        self.out.capacity()
            + self.outer.capacity() * size_of::<Frame>()
            + self.members.capacity() * size_of::<Member>()
            + self.keys.capacity()
            + self.sorted.capacity()
    }
}

/// Writes tokens in canonical form.
///
/// Every engine's own JSON type feeds this same encoder, through [`Sink`]. Where the tokens come
/// from a text, most of them stand there as they are to be written, punctuation included. Such
/// stretches are not copied piece by piece: `run` is the stretch of the source that follows what
/// is in `out`, and grows until something differs.
#[derive(Debug)]
pub struct Encoder<'a> {
    gate: Gate,
    source: &'a [u8],
    run: Range<usize>,
    buffers: &'a mut Buffers,
    /// The innermost open container.
    top: Frame,
}

/// An open container.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// In an array, how many elements are complete.
    index: u64,
    /// In an object, whether each key so far came after the one before it.
    in_order: bool,
    /// In an object, the prefix of the last key.
    prefix: u64,
    /// Where its bracket stands in `out`.
    start: u32,
    /// Where its members begin in `members`.
    members: u32,
    /// Where its keys begin in `keys`.
    keys: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Array,
    /// Around the outermost value.
    Document,
    Object,
}

impl Frame {
    const DOCUMENT: Self = Self::new(Kind::Document, 0, 0, 0);

    const fn new(kind: Kind, start: u32, members: u32, keys: u32) -> Self {
        Self { kind, index: 0, in_order: true, prefix: 0, start, members, keys }
    }
}

/// One member of an open object: `"key":value` is `out[start..end]`, once it is copied there.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// The key's first eight bytes, ranked as [`rank`] does, as a number; zeros behind a shorter
    /// key.
    prefix: u64,
    start: u32,
    end: u32,
    /// Where the key's characters are.
    key: KeyPlace,
}

#[derive(Clone, Copy, Debug)]
enum KeyPlace {
    /// In `keys`.
    Buffer { start: u32, end: u32 },
    /// In `out`, where it was written, until the object closes.
    Written { start: u32, end: u32 },
    /// In the source.
    Source { start: u32, end: u32 },
}

impl Member {
    #[inline]
    fn key<'k>(&self, places: Places<'k>) -> &'k [u8] {
        let (text, start, end) = match self.key {
            KeyPlace::Buffer { start, end } => (places.keys, start, end),
            KeyPlace::Source { start, end } => (places.source, start, end),
            KeyPlace::Written { start, end } => (places.out, start, end),
        };
        &text[start as usize..end as usize]
    }

    /// No key contains U+0000, so the zeros behind a short key put it first, as they should.
    #[inline]
    fn compare(&self, other: &Self, places: Places<'_>) -> Ordering {
        match self.prefix.cmp(&other.prefix) {
            Ordering::Equal => compare_keys(self.key(places), other.key(places)),
            unequal => unequal,
        }
    }
}

/// Where keys can be.
#[derive(Clone, Copy, Debug)]
struct Places<'k> {
    source: &'k [u8],
    keys: &'k [u8],
    out: &'k [u8],
}

impl<'a> Encoder<'a> {
    /// Begins a document. `source` is the text whose tokens will come; without one it is empty.
    pub fn new(gate: Gate, source: &'a [u8], buffers: &'a mut Buffers) -> Self {
        buffers.out.clear();
        buffers.outer.clear();
        buffers.members.clear();
        buffers.keys.clear();
        Self { gate, source, run: 0..0, buffers, top: Frame::DOCUMENT }
    }

    /// Appends the document to `target`.
    pub fn finish(self, target: &mut Vec<u8>) {
        target.extend_from_slice(&self.buffers.out);
        target.extend_from_slice(&self.source[self.run]);
    }

    /// Bytes written so far.
    #[inline]
    fn len(&self) -> usize {
        self.buffers.out.len() + self.run.len()
    }

    /// Copies the run, so that `out` is complete.
    #[inline]
    fn copy_run(&mut self) {
        if !self.run.is_empty() {
            self.buffers.out.extend_from_slice(&self.source[self.run.clone()]);
            self.run.start = self.run.end;
        }
    }

    /// Writes a byte. If the source goes on with the same one, the run takes it in.
    #[inline]
    fn push(&mut self, byte: u8) {
        if self.source.get(self.run.end) == Some(&byte) {
            self.run.end += 1;
        } else {
            self.copy_run();
            self.buffers.out.push(byte);
        }
    }

    /// Writes a token that stands in the source as it is to be written.
    #[inline]
    fn push_source(&mut self, token: Range<usize>) {
        if self.run.end != token.start {
            self.copy_run();
            self.run.start = token.start;
        }
        self.run.end = token.end;
    }

    /// Writes a scalar that is in canonical form already.
    pub(crate) fn token(&mut self, token: &[u8]) -> Result<()> {
        self.begin_value();
        self.copy_run();
        self.buffers.out.extend_from_slice(token);
        self.end_value()
    }

    /// Writes the number whose digits are ASCII `digits`, of which the last counts 10^`exponent`.
    ///
    /// Errors: PR201, PR202.
    pub fn decimal(&mut self, negative: bool, digits: &[u8], exponent: i64) -> Result<()> {
        self.begin_value();
        self.copy_run();
        number::append_decimal(negative, digits, exponent, &mut self.buffers.out)?;
        self.end_value()
    }

    fn push_word(&mut self, word: &[u8]) {
        for &byte in word {
            self.push(byte);
        }
    }

    #[allow(
        clippy::inline_always,
        reason = "where it is known which text it is, none goes through memory"
    )]
    #[inline(always)]
    fn push_text(&mut self, text: Text<'_>) {
        match text {
            Text::Quoted { quoted, at } => self.push_source(at..at + quoted.len()),
            Text::Plain(characters) => {
                self.copy_run();
                let out = &mut self.buffers.out;
                out.reserve(characters.len() + 2);
                out.push(b'"');
                out.extend_from_slice(characters);
                out.push(b'"');
            }
            Text::Unescaped(characters) => {
                self.copy_run();
                append_escaped(characters, &mut self.buffers.out);
            }
        }
    }

    fn places(&self) -> Places<'_> {
        let Buffers { keys, out, .. } = &*self.buffers;
        Places { source: self.source, keys, out }
    }

    /// Run after every token, so that before each there are at most 16 MiB and its position fits
    /// in 32 bits.
    #[inline]
    fn check_len(&self) -> Result<()> {
        if self.len() > MAX_LEN { Err(too_large()) } else { Ok(()) }
    }

    #[inline]
    fn begin_value(&mut self) {
        if self.top.kind == Kind::Array && self.top.index > 0 {
            self.push(b',');
        }
    }

    #[inline]
    fn end_value(&mut self) -> Result<()> {
        // Only an array's index is ever looked at.
        self.top.index += 1;
        self.check_len()
    }

    #[inline]
    fn begin(&mut self, kind: Kind, bracket: u8) {
        self.begin_value();
        self.buffers.outer.push(self.top);
        let Buffers { members, keys, .. } = &*self.buffers;
        self.top = Frame::new(kind, self.len() as u32, members.len() as u32, keys.len() as u32);
        self.push(bracket);
    }

    #[inline]
    fn end(&mut self, bracket: u8) -> Result<()> {
        self.top = self.buffers.outer.pop().unwrap_or(Frame::DOCUMENT);
        self.push(bracket);
        self.end_value()
    }

    /// Puts the members of the object that is about to close in order.
    ///
    /// Error: PR106.
    fn sort_members(&mut self) -> Result<()> {
        self.copy_run();
        let Buffers { out, keys, members, sorted, .. } = &mut *self.buffers;
        let members = &mut members[self.top.members as usize..];
        if let Some(last) = members.last_mut() {
            last.end = out.len() as u32;
        }
        let places = Places { source: self.source, keys, out };
        members.sort_unstable_by(|a, b| a.compare(b, places));
        let repeated = members.windows(2).find(|pair| pair[0].compare(&pair[1], places).is_eq());
        if let Some(&[repeated, _]) = repeated {
            return Err(self.duplicate(repeated));
        }
        // The document itself is built where its members are put in order; an inner object goes
        // back to its place.
        let is_document = self.top.start == 0;
        sorted.clear();
        sorted.push(b'{');
        for member in members.iter() {
            sorted.extend_from_slice(&out[member.start as usize..member.end as usize]);
            sorted.push(b',');
        }
        sorted.pop();
        if is_document {
            core::mem::swap(out, sorted);
        } else {
            out.truncate(self.top.start as usize);
            out.extend_from_slice(sorted);
        }
        Ok(())
    }

    /// Whether a key with this prefix comes after that of the last member.
    fn follows_last(&self, prefix: u64, key: &[u8]) -> bool {
        self.buffers.members.last().is_none_or(|last| {
            let order = last.prefix.cmp(&prefix);
            order.then_with(|| compare_keys(last.key(self.places()), key)).is_lt()
        })
    }

    #[cold]
    fn duplicate(&self, repeated: Member) -> Error {
        let mut path = self.path(Place::Container);
        append_name(repeated.key(self.places()), &mut path);
        Error::new(Code::DuplicateKey).at_path(path)
    }
}

impl Sink for Encoder<'_> {
    #[inline]
    fn begin_object(&mut self) -> Result<()> {
        self.begin(Kind::Object, b'{');
        Ok(())
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let first = self.buffers.members.len() == self.top.members as usize;
        if !first {
            let end = self.len() as u32;
            if let Some(previous) = self.buffers.members.last_mut() {
                previous.end = end;
            }
            self.push(b',');
        }
        let start = self.len() as u32;
        let key_place = match key {
            Text::Quoted { quoted, at } => {
                let (start, end) = (at + 1, at + quoted.len() - 1);
                KeyPlace::Source { start: start as u32, end: end as u32 }
            }
            Text::Plain(characters) => {
                // Behind its quote.
                let start = start + 1;
                KeyPlace::Written { start, end: start + characters.len() as u32 }
            }
            Text::Unescaped(characters) => {
                let start = self.buffers.keys.len() as u32;
                self.buffers.keys.extend_from_slice(characters);
                KeyPlace::Buffer { start, end: self.buffers.keys.len() as u32 }
            }
        };
        self.push_text(key);
        let prefix = prefix(key.characters());
        if prefix <= self.top.prefix && !first && self.top.in_order {
            self.top.in_order = self.follows_last(prefix, key.characters());
        }
        self.top.prefix = prefix;
        self.buffers.members.push(Member { prefix, start, end: start, key: key_place });
        self.check_len()?;
        // The colon is counted with the value.
        self.push(b':');
        Ok(())
    }

    #[inline]
    fn end_object(&mut self) -> Result<()> {
        if !self.top.in_order {
            self.sort_members()?;
        }
        self.buffers.members.truncate(self.top.members as usize);
        self.buffers.keys.truncate(self.top.keys as usize);
        self.end(b'}')
    }

    #[inline]
    fn begin_array(&mut self) -> Result<()> {
        self.begin(Kind::Array, b'[');
        Ok(())
    }

    #[inline]
    fn end_array(&mut self) -> Result<()> {
        self.end(b']')
    }

    #[inline]
    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.begin_value();
        self.push_text(string);
        self.end_value()
    }

    #[inline]
    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        self.begin_value();
        if number.is_canonical() {
            self.push_source(number.at..number.at + number.text.len());
        } else {
            self.copy_run();
            number::append(number, self.gate, &mut self.buffers.out)?;
        }
        self.end_value()
    }

    #[inline]
    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.begin_value();
        self.push_word(if boolean { b"true" } else { b"false" });
        self.end_value()
    }

    #[inline]
    fn null(&mut self) -> Result<()> {
        self.begin_value();
        self.push_word(b"null");
        self.end_value()
    }

    #[cold]
    fn path(&self, place: Place) -> String {
        // The document is no step of the path; for the container's own path, neither is its inside.
        let inside = (place == Place::Value).then_some(&self.top);
        let frames = self.buffers.outer.iter().chain(inside);
        let next = self.buffers.outer.iter().skip(1).chain([&self.top]);
        let ends = next.map(|frame| frame.members as usize).chain([self.buffers.members.len()]);
        let mut path = String::from("$");
        for (frame, end) in frames.zip(ends) {
            match frame.kind {
                Kind::Array => path.push_str(&alloc::format!("[{}]", frame.index)),
                Kind::Document => {}
                Kind::Object => {
                    if let Some(member) = self.buffers.members[frame.members as usize..end].last() {
                        append_name(member.key(self.places()), &mut path);
                    }
                }
            }
        }
        path
    }
}

#[cold]
fn too_large() -> Error {
    Error::new(Code::CanonicalSize).at_path("$".into())
}

/// Appends `.name` or `["name"]` to a JSON path, as section 1.1 spells it.
pub fn append_name(name: &[u8], path: &mut String) {
    const SHOWN: usize = 64;
    // Keys are UTF-8: the whole text was checked, and escapes give characters.
    let name = String::from_utf8_lossy(name);
    let shown = match name.char_indices().nth(SHOWN) {
        Some((end, _)) => &name[..end],
        None => &name,
    };
    let simple = name
        .bytes()
        .enumerate()
        .all(|(i, b)| b.is_ascii_alphabetic() || b == b'_' || (i > 0 && b.is_ascii_digit()));
    if simple && !name.is_empty() {
        path.push('.');
        path.push_str(shown);
        if shown.len() < name.len() {
            path.push('…');
        }
    } else {
        let mut quoted = Vec::new();
        append_escaped(shown.as_bytes(), &mut quoted);
        if shown.len() < name.len() {
            quoted.pop();
            quoted.extend_from_slice("…\"".as_bytes());
        }
        path.push('[');
        path.push_str(&String::from_utf8_lossy(&quoted));
        path.push(']');
    }
}

/// Appends a string with its quotes and the escapes of section 1.2.
pub(crate) fn append_escaped(characters: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = characters;
    loop {
        let plain = plain_len(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(&special) = rest.get(plain) else { break };
        match special {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', special]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.push(b'0' + (control >> 4));
                out.push(b"0123456789abcdef"[usize::from(control & 0xF)]);
            }
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// The rank of a key's byte, such that ranks in UTF-8 order keys as UTF-16 code units do.
///
/// UTF-8 and UTF-16 disagree in one case only: characters above U+FFFF (first byte F0 to F4) are
/// surrogates in UTF-16, D800 to DFFF, and so come before U+E000 to U+FFFF (first byte EE, EF).
#[inline]
fn rank(byte: u8) -> u8 {
    match byte {
        0xEE | 0xEF => byte + 8,
        0xF0.. => byte - 2,
        _ => byte,
    }
}

/// The ranks of the first eight bytes, as a number.
#[inline]
fn prefix(key: &[u8]) -> u64 {
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let prefix = if let Some(chunk) = key.first_chunk::<8>() {
        u64::from_be_bytes(*chunk)
    } else {
        let bytes = key.iter().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte));
        // At most 7 bytes were shifted in, perhaps none: a shift by 64 is done in two steps.
        bytes << (8 * (7 - key.len())) << 8
    };
    if prefix & TOPS == 0 { prefix } else { u64::from_be_bytes(prefix.to_be_bytes().map(rank)) }
}

/// Orders two keys in UTF-8 as their UTF-16 code units order them.
fn compare_keys(a: &[u8], b: &[u8]) -> Ordering {
    match a.iter().zip(b).find(|(x, y)| x != y) {
        Some((&x, &y)) => rank(x).cmp(&rank(y)),
        None => a.len().cmp(&b.len()),
    }
}
