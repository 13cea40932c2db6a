//! Tokens in, the one byte encoding out: `precise-jcs-1` (SPEC.md section 1).
//!
//! Members are written in the order they come. When an object closes and its keys were not in
//! order, its members are moved as blocks of bytes; nothing is built in between.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text, plain_len};
use crate::number::{self, Gate, Literal};
use crate::row::Columns;

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

/// RFC 8785 as it stands, without the gate of section 1.3: each number becomes the nearest binary64.
///
/// For the RFC's own vectors. Nothing is ever minted from it: two different numbers can come out
/// as the same bytes.
pub fn rfc8785(text: &[u8]) -> Result<Vec<u8>> {
    let mut canonical = Vec::new();
    let mut canonicalizer = Canonicalizer::default();
    canonicalizer.encoder.gate = Gate::Nearest;
    canonicalizer.append(text, &mut canonical)?;
    Ok(canonical)
}

/// Canonicalises one text after the other in buffers it keeps.
#[derive(Debug, Default)]
pub struct Canonicalizer {
    reader: Reader,
    encoder: Encoder,
}

impl Canonicalizer {
    /// Appends the canonical form of `text` to `target`, which stays as it was on an error.
    ///
    /// Errors: as [`canonicalize`].
    pub fn append(&mut self, text: &[u8], target: &mut Vec<u8>) -> Result<()> {
        self.encoder.clear();
        self.reader.read(text, &mut self.encoder)?;
        self.encoder.finish(target)
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
        self.encoder.clear();
        columns.write_text_row(cells, &mut self.encoder)?;
        self.encoder.finish(target)
    }

    /// Whether `text` would be accepted.
    ///
    /// Errors: as [`canonicalize`].
    pub fn check(&mut self, text: &[u8]) -> Result<()> {
        self.encoder.clear();
        self.reader.read(text, &mut self.encoder)?;
        self.encoder.check_len()
    }
}

/// Writes tokens in canonical form.
///
/// Every engine's own JSON type feeds this same encoder, through [`Sink`].
#[derive(Debug)]
pub struct Encoder {
    gate: Gate,
    out: Vec<u8>,
    frames: Vec<Frame>,
    /// The members of all open objects, outermost first.
    members: Vec<Member>,
    /// Keys whose written form has escapes: their characters, since those are what sorts.
    keys: Vec<u8>,
    /// Where members are put in order.
    sorted: Vec<u8>,
}

/// An open container.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Where its bracket stands in `out`.
    start: u32,
    /// Where its members begin in `members`.
    members: u32,
    /// Where its keys begin in `keys`.
    keys: u32,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Array {
        index: u64,
    },
    /// Whether each key so far came after the one before it.
    Object {
        in_order: bool,
    },
}

/// One member of an open object: `"key":value` is `out[start..end]`.
#[derive(Clone, Copy, Debug)]
struct Member {
    start: u32,
    end: u32,
    /// Where the key's characters are, in `keys` if `unescaped`, else in `out`.
    key_start: u32,
    key_end: u32,
    unescaped: bool,
}

impl Member {
    #[inline]
    fn key<'a>(&self, out: &'a [u8], keys: &'a [u8]) -> &'a [u8] {
        let buffer = if self.unescaped { keys } else { out };
        &buffer[self.key_start as usize..self.key_end as usize]
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            gate: Gate::Exact,
            out: Vec::new(),
            frames: Vec::new(),
            members: Vec::new(),
            keys: Vec::new(),
            sorted: Vec::new(),
        }
    }
}

impl Encoder {
    /// Makes ready for the next document, whatever became of the last.
    pub fn clear(&mut self) {
        self.out.clear();
        self.frames.clear();
        self.members.clear();
        self.keys.clear();
    }

    /// Appends the document to `target`.
    ///
    /// Error: PR902.
    pub fn finish(&mut self, target: &mut Vec<u8>) -> Result<()> {
        self.check_len()?;
        target.extend_from_slice(&self.out);
        Ok(())
    }

    /// Run after every token. Positions fit in 32 bits: before a token there are at most 16 MiB, and
    /// a token of at most 16 MiB ([`check_token`](Self::check_token)) is written in at most 6 times
    /// that.
    #[inline]
    fn check_len(&self) -> Result<()> {
        if self.out.len() > MAX_LEN { Err(too_large()) } else { Ok(()) }
    }

    #[inline]
    fn check_token(text: Text<'_>) -> Result<()> {
        if text.characters().len() > MAX_LEN { Err(too_large()) } else { Ok(()) }
    }

    #[inline]
    fn begin_value(&mut self) {
        if let Some(Frame { kind: Kind::Array { index: 1.. }, .. }) = self.frames.last() {
            self.out.push(b',');
        }
    }

    #[inline]
    fn end_value(&mut self) -> Result<()> {
        if let Some(Frame { kind: Kind::Array { index }, .. }) = self.frames.last_mut() {
            *index += 1;
        }
        self.check_len()
    }

    fn begin(&mut self, kind: Kind, bracket: u8) {
        self.begin_value();
        self.frames.push(Frame {
            kind,
            start: self.out.len() as u32,
            members: self.members.len() as u32,
            keys: self.keys.len() as u32,
        });
        self.out.push(bracket);
    }

    /// Puts the members of the object that is about to close in order: its bracket is
    /// `out[start]`, its members are `members[first..]`.
    ///
    /// Error: PR106.
    fn sort_members(&mut self, start: usize, first: usize) -> Result<()> {
        let Self { out, keys, members, sorted, .. } = self;
        let members = &mut members[first..];
        members.sort_unstable_by(|a, b| compare_keys(a.key(out, keys), b.key(out, keys)));
        let repeated = members
            .windows(2)
            .find(|pair| pair[0].key(out, keys) == pair[1].key(out, keys))
            .map(|pair| pair[0]);
        if let Some(repeated) = repeated {
            return Err(self.duplicate(repeated));
        }
        sorted.clear();
        for member in members.iter() {
            sorted.extend_from_slice(&out[member.start as usize..member.end as usize]);
            sorted.push(b',');
        }
        sorted.pop();
        out.truncate(start + 1);
        out.extend_from_slice(sorted);
        Ok(())
    }

    #[cold]
    fn duplicate(&self, repeated: Member) -> Error {
        let mut path = self.path(Place::Container);
        append_name(repeated.key(&self.out, &self.keys), &mut path);
        Error::new(Code::DuplicateKey).at_path(path)
    }
}

impl Sink for Encoder {
    #[inline]
    fn begin_object(&mut self) -> Result<()> {
        self.begin(Kind::Object { in_order: true }, b'{');
        Ok(())
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        Self::check_token(key)?;
        let Some(Frame { kind: Kind::Object { in_order }, members: first, .. }) =
            self.frames.last_mut()
        else {
            unreachable!("a key comes only in an object");
        };
        let previous = match self.members[*first as usize..].last_mut() {
            Some(previous) => {
                previous.end = self.out.len() as u32;
                self.out.push(b',');
                Some(*previous)
            }
            None => None,
        };
        let start = self.out.len();
        append_text(key, &mut self.out);
        let plain = match key {
            Text::Quoted(_) => true,
            Text::Unescaped(characters) => self.out.len() - start == characters.len() + 2,
        };
        let (key_start, key_end) = if plain {
            (start + 1, self.out.len() - 1)
        } else {
            let key_start = self.keys.len();
            self.keys.extend_from_slice(key.characters());
            (key_start, self.keys.len())
        };
        let member = Member {
            start: start as u32,
            end: start as u32,
            key_start: key_start as u32,
            key_end: key_end as u32,
            unescaped: !plain,
        };
        if let Some(previous) = previous
            && *in_order
        {
            let previous = previous.key(&self.out, &self.keys);
            *in_order = compare_keys(previous, key.characters()) == Ordering::Less;
        }
        self.members.push(member);
        self.out.push(b':');
        // The colon is counted with the value.
        if self.out.len() - 1 > MAX_LEN { Err(too_large()) } else { Ok(()) }
    }

    #[inline]
    fn end_object(&mut self) -> Result<()> {
        let Some(&Frame { kind, start, members, keys }) = self.frames.last() else {
            unreachable!("an object was begun")
        };
        let len = self.out.len() as u32;
        if let Some(last) = self.members[members as usize..].last_mut() {
            last.end = len;
        }
        if let Kind::Object { in_order: false } = kind {
            self.sort_members(start as usize, members as usize)?;
        }
        self.frames.pop();
        self.members.truncate(members as usize);
        self.keys.truncate(keys as usize);
        self.out.push(b'}');
        self.end_value()
    }

    #[inline]
    fn begin_array(&mut self) -> Result<()> {
        self.begin(Kind::Array { index: 0 }, b'[');
        Ok(())
    }

    #[inline]
    fn end_array(&mut self) -> Result<()> {
        self.frames.pop();
        self.out.push(b']');
        self.end_value()
    }

    #[inline]
    fn string(&mut self, string: Text<'_>) -> Result<()> {
        Self::check_token(string)?;
        self.begin_value();
        append_text(string, &mut self.out);
        self.end_value()
    }

    #[inline]
    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        self.begin_value();
        number::append(number, self.gate, &mut self.out)?;
        self.end_value()
    }

    #[inline]
    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.begin_value();
        self.out.extend_from_slice(if boolean { b"true" } else { b"false" });
        self.end_value()
    }

    #[inline]
    fn null(&mut self) -> Result<()> {
        self.begin_value();
        self.out.extend_from_slice(b"null");
        self.end_value()
    }

    #[cold]
    fn path(&self, place: Place) -> String {
        let frames = match place {
            Place::Value => &self.frames[..],
            Place::Container => &self.frames[..self.frames.len().saturating_sub(1)],
        };
        let mut path = String::from("$");
        for (depth, frame) in frames.iter().enumerate() {
            match frame.kind {
                Kind::Array { index } => {
                    path.push('[');
                    path.push_str(&alloc::format!("{index}"));
                    path.push(']');
                }
                Kind::Object { .. } => {
                    let end = self
                        .frames
                        .get(depth + 1)
                        .map_or(self.members.len(), |next| next.members as usize);
                    if let Some(member) = self.members[frame.members as usize..end].last() {
                        append_name(member.key(&self.out, &self.keys), &mut path);
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
pub(crate) fn append_name(name: &[u8], path: &mut String) {
    const SHOWN: usize = 64;
    // Keys are UTF-8: the whole text was checked, and escapes give characters.
    let name = String::from_utf8_lossy(name);
    let shown = match name.char_indices().nth(SHOWN) {
        Some((end, _)) => &name[..end],
        None => &name,
    };
    let simple = shown
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
        append_text(Text::Unescaped(shown.as_bytes()), &mut quoted);
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
#[inline]
pub(crate) fn append_text(text: Text<'_>, out: &mut Vec<u8>) {
    match text {
        Text::Quoted(quoted) => out.extend_from_slice(quoted),
        Text::Unescaped(characters) => append_escaped(characters, out),
    }
}

fn append_escaped(characters: &[u8], out: &mut Vec<u8>) {
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

/// Orders two keys in UTF-8 as their UTF-16 code units order them.
///
/// UTF-8 and UTF-16 disagree in one case only: characters above U+FFFF (first byte F0 to F4) are
/// surrogates in UTF-16, D800 to DFFF, and so come before U+E000 to U+FFFF (first byte EE, EF).
#[inline]
fn compare_keys(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: u8| match byte {
        0xEE | 0xEF => byte + 8,
        0xF0.. => byte - 2,
        _ => byte,
    };
    for (&x, &y) in a.iter().zip(b) {
        if x != y {
            return rank(x).cmp(&rank(y));
        }
    }
    a.len().cmp(&b.len())
}
