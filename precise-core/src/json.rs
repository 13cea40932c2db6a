//! The strict reader: untrusted text in, tokens out (SPEC.md section 1.1). The only place that
//! sees raw input.
//!
//! There is no document tree and no recursion: open containers are bits of one integer. A reader
//! pushes what it meets into a [`Sink`]; the canonical encoder is one, and so is the small
//! [`Document`](crate::document::Document).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::number::Literal;

/// Containers that may be open at once; `[]` is 1.
pub const MAX_DEPTH: u32 = 128;

/// A string or key, as the reader found it.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// As it stands in the text at byte `at`, quotes included: no escape in it and none needed.
    #[allow(missing_docs, reason = "said above")]
    Quoted { quoted: &'a [u8], at: usize },
    /// Its characters, without quotes: ASCII, and none needs an escape.
    Plain(&'a [u8]),
    /// Its characters, unescaped, in UTF-8, without quotes. May need escapes when written.
    Unescaped(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The characters that an engine holds unescaped. None if they are no UTF-8, or U+0000 is
    /// among them.
    #[allow(
        clippy::inline_always,
        reason = "the caller goes on with either text without one that goes through memory"
    )]
    #[inline(always)]
    pub fn from_characters(characters: &'a [u8]) -> Option<Self> {
        if is_plain_ascii(characters) {
            return Some(Text::Plain(characters));
        }
        is_sound(characters).then_some(Text::Unescaped(characters))
    }

    /// The characters without quotes and escapes.
    pub fn characters(self) -> &'a [u8] {
        match self {
            Text::Quoted { quoted, .. } => &quoted[1..quoted.len() - 1],
            Text::Plain(characters) | Text::Unescaped(characters) => characters,
        }
    }
}

/// Which part of a document an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The value that is being read, or would begin here.
    Value,
    /// The innermost container that is open.
    Container,
}

/// What takes the tokens of one document, in order.
///
/// In an object each [`key`](Sink::key) is followed by exactly one value. Whoever calls these
/// methods has checked the grammar and [`MAX_DEPTH`].
#[allow(missing_docs, reason = "the names are JSON's own")]
pub trait Sink {
    fn begin_object(&mut self) -> Result<()>;
    fn key(&mut self, key: Text<'_>) -> Result<()>;
    fn end_object(&mut self) -> Result<()>;
    fn begin_array(&mut self) -> Result<()>;
    fn end_array(&mut self) -> Result<()>;
    fn string(&mut self, string: Text<'_>) -> Result<()>;
    fn number(&mut self, number: Literal<'_>) -> Result<()>;
    fn boolean(&mut self, boolean: bool) -> Result<()>;
    fn null(&mut self) -> Result<()>;
    /// The JSON path of `place`, for an error.
    fn path(&self, place: Place) -> String;
}

/// Buffers of the reader that outlive one document, so that reading allocates nothing per record.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The characters of a string that had escapes.
    unescaped: Vec<u8>,
}

impl Reader {
    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        self.unescaped.capacity()
    }

    /// Reads one document of UTF-8 `text` into `sink`.
    ///
    /// Errors: PR101 to PR105, PR107, PR108, PR901, PR903 from 4 GiB, and what the sink refuses.
    /// Each has its path and its offset.
    pub fn read<S: Sink>(&mut self, text: &[u8], sink: &mut S) -> Result<()> {
        if u32::try_from(text.len()).is_err() {
            // Sinks keep positions in 32 bits.
            let detail = alloc::format!("{} bytes", text.len());
            return Err(Error::new(Code::InputSize).at_path("$".into()).because(detail));
        }
        if let Err(fault) = core::str::from_utf8(text) {
            return Err(Error::new(Code::InvalidUtf8)
                .at_path("$".into())
                .at_offset(fault.valid_up_to()));
        }
        if text.starts_with(&[0xEF, 0xBB, 0xBF]) {
            return Err(Error::new(Code::ByteOrderMark).at_path("$".into()).at_offset(0));
        }
        let mut scanner = Scanner { text, at: 0, open: Open::default(), reader: self };
        scanner.document(sink).map_err(|fault| {
            if fault.path().is_some() {
                fault
            } else {
                let path = sink.path(Place::Value);
                fault.at_path(path)
            }
        })
    }
}

/// The open containers, innermost in the lowest bit: 1 is an object, 0 an array.
#[derive(Default)]
struct Open {
    kinds: u128,
    depth: u32,
}

impl Open {
    #[inline]
    fn push(&mut self, object: bool) {
        self.kinds = self.kinds << 1 | u128::from(object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth -= 1;
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }
}

struct Scanner<'t, 'r> {
    text: &'t [u8],
    at: usize,
    open: Open,
    reader: &'r mut Reader,
}

impl Scanner<'_, '_> {
    fn document<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        loop {
            // A value begins here.
            match self.peek_token() {
                Some(b'"') => self.string::<false, S>(sink)?,
                Some(b'{') => {
                    self.open(sink, true)?;
                    if self.peek_token() != Some(b'}') {
                        self.member(sink)?;
                        continue;
                    }
                    self.close(sink)?;
                }
                Some(b'[') => {
                    self.open(sink, false)?;
                    if self.peek_token() != Some(b']') {
                        continue;
                    }
                    self.close(sink)?;
                }
                Some(b'-' | b'0'..=b'9') => self.number(sink)?,
                Some(b't') => {
                    self.word(b"true")?;
                    sink.boolean(true)?;
                }
                Some(b'f') => {
                    self.word(b"false")?;
                    sink.boolean(false)?;
                }
                Some(b'n') => {
                    self.word(b"null")?;
                    sink.null()?;
                }
                // In `[1,]` the bracket is where a value should be.
                _ => return Err(self.unexpected("expected a value")),
            }
            // A value ended here: close what closes, until a comma asks for the next.
            loop {
                if self.open.depth == 0 {
                    return match self.peek_token() {
                        None => Ok(()),
                        Some(_) => Err(self.fault(Code::TrailingBytes).at_path("$".into())),
                    };
                }
                match (self.peek_token(), self.open.in_object()) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.peek_token();
                        self.member(sink)?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => self.close(sink)?,
                    (_, true) => {
                        return Err(self
                            .unexpected("expected a comma or a closing brace")
                            .at_path(sink.path(Place::Container)));
                    }
                    (_, false) => {
                        return Err(self
                            .unexpected("expected a comma or a closing bracket")
                            .at_path(sink.path(Place::Container)));
                    }
                }
            }
        }
    }

    #[inline]
    fn open<S: Sink>(&mut self, sink: &mut S, object: bool) -> Result<()> {
        if self.open.depth == MAX_DEPTH {
            return Err(self.fault(Code::Depth));
        }
        self.at += 1;
        self.open.push(object);
        if object { sink.begin_object() } else { sink.begin_array() }
    }

    #[inline]
    fn close<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        let object = self.open.in_object();
        self.open.pop();
        let closed = if object { sink.end_object() } else { sink.end_array() };
        self.at += 1;
        closed.map_err(|error| error.at_offset(self.at - 1))
    }

    /// A key and its colon.
    #[inline]
    fn member<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        if self.text.get(self.at) != Some(&b'"') {
            return Err(self.unexpected("expected a key").at_path(sink.path(Place::Container)));
        }
        self.string::<true, S>(sink)?;
        if self.peek_token() != Some(b':') {
            return Err(self.unexpected("expected a colon").at_path(sink.path(Place::Container)));
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is not white space; `at` stands on it.
    #[inline]
    fn peek_token(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<()> {
        for &expected in word {
            if self.text.get(self.at) != Some(&expected) {
                return Err(self.unexpected("expected true, false or null"));
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn number<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        let start = self.at;
        let text = self.text;
        if text[start] == b'-' {
            self.at += 1;
        }
        let integer = self.at;
        match text.get(integer) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.unexpected("expected a digit")),
        }
        let integer = &text[integer..self.at];
        let mut fraction: &[u8] = &[];
        let mut exponent: &[u8] = &[];
        if text.get(self.at) == Some(&b'.') {
            self.at += 1;
            let start = self.at;
            self.digits()?;
            fraction = &text[start..self.at];
        }
        if let Some(b'e' | b'E') = text.get(self.at) {
            self.at += 1;
            let start = self.at;
            if let Some(b'+' | b'-') = text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
            exponent = &text[start..self.at];
        }
        sink.number(Literal { text: &text[start..self.at], at: start, integer, fraction, exponent })
            .map_err(|fault| fault.at_offset(start))
    }

    #[inline]
    fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// At least one digit.
    #[inline]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        self.skip_digits();
        if self.at == start { Err(self.unexpected("expected a digit")) } else { Ok(()) }
    }

    /// A string in quotes, as a key or as a value.
    #[inline]
    fn string<const KEY: bool, S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        let start = self.at;
        let end = start + 1 + plain_len(&self.text[start + 1..]);
        let text = if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            Text::Quoted { quoted: &self.text[start..self.at], at: start }
        } else {
            match self.escaped_string(start, end) {
                Ok(()) => Text::Unescaped(&self.reader.unescaped),
                Err(fault) if KEY => return Err(fault.at_path(sink.path(Place::Container))),
                Err(fault) => return Err(fault),
            }
        };
        let sent = if KEY { sink.key(text) } else { sink.string(text) };
        sent.map_err(|fault| if fault.offset().is_some() { fault } else { fault.at_offset(start) })
    }

    /// Unescapes the string that began at `start` and needs a look at the byte at `special`.
    #[cold]
    fn escaped_string(&mut self, start: usize, special: usize) -> Result<()> {
        let text = self.text;
        let mut unescaped = core::mem::take(&mut self.reader.unescaped);
        unescaped.clear();
        unescaped.extend_from_slice(&text[start + 1..special]);
        self.at = special;
        let result = loop {
            match text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    break Ok(());
                }
                Some(b'\\') => {
                    if let Err(fault) = self.escape(&mut unescaped) {
                        break Err(fault);
                    }
                }
                Some(0..0x20) => break Err(self.unexpected("a control character must be escaped")),
                Some(_) => {
                    let end = self.at + plain_len(&text[self.at..]);
                    unescaped.extend_from_slice(&text[self.at..end]);
                    self.at = end;
                }
                None => break Err(self.unexpected("expected a closing quote")),
            }
        };
        self.reader.unescaped = unescaped;
        result
    }

    /// One escape; `at` stands on its backslash.
    fn escape(&mut self, unescaped: &mut Vec<u8>) -> Result<()> {
        let start = self.at;
        self.at += 1;
        let byte = match self.text.get(self.at) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let character = self.unicode_escape(start)?;
                unescaped.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.unexpected("no such escape")),
        };
        self.at += 1;
        unescaped.push(byte);
        Ok(())
    }

    /// The character of `\uXXXX` or `\uXXXX\uXXXX`; `at` stands behind the first `\u`.
    fn unicode_escape(&mut self, start: usize) -> Result<char> {
        let first = self.hex4()?;
        if first == 0 {
            return Err(Error::new(Code::NullCharacter).at_offset(start));
        }
        let lone = || Error::new(Code::LoneSurrogate).at_offset(start);
        let scalar = if let 0xD800..0xDC00 = first {
            if !self.text[self.at..].starts_with(b"\\u") {
                return Err(lone());
            }
            self.at += 2;
            let second = self.hex4()?;
            if !(0xDC00..0xE000).contains(&second) {
                return Err(lone());
            }
            // RFC 8259 section 7: 10 bits from each half.
            0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        } else {
            first
        };
        // Only a lower half on its own is no character.
        char::from_u32(scalar).ok_or_else(lone)
    }

    fn hex4(&mut self) -> Result<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = match self.text.get(self.at) {
                Some(digit @ b'0'..=b'9') => digit - b'0',
                Some(digit @ b'a'..=b'f') => digit - b'a' + 10,
                Some(digit @ b'A'..=b'F') => digit - b'A' + 10,
                _ => return Err(self.unexpected("expected four hex digits")),
            };
            value = value << 4 | u32::from(digit);
            self.at += 1;
        }
        Ok(value)
    }

    #[cold]
    fn fault(&self, code: Code) -> Error {
        Error::new(code).at_offset(self.at)
    }

    /// PR103 at this byte, or PR104 if there is none.
    #[cold]
    fn unexpected(&self, expected: &'static str) -> Error {
        let code = if self.at < self.text.len() { Code::Syntax } else { Code::UnexpectedEnd };
        self.fault(code).because(expected)
    }
}

/// How many bytes of `text` come before the first quote, backslash or control character.
#[inline]
pub(crate) fn plain_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let special = |&b: &u8| b < 0x20 || b == b'"' || b == b'\\';
    at + text[at..].iter().position(special).unwrap_or(text.len() - at)
}

/// Whether `text` is ASCII without quotes, backslashes and control characters: one look at bytes
/// that would else be looked at three times.
#[inline]
fn is_plain_ascii(text: &[u8]) -> bool {
    let marks = |word: u64| special_bytes(word) | word & (ONES * 0x80);
    let (Some(last), (words, _)) = (text.last_chunk::<8>(), text.as_chunks::<8>()) else {
        return text.iter().all(|&b| (0x20..0x80).contains(&b) && b != b'"' && b != b'\\');
    };
    // The last eight bytes again, for those behind the last whole word.
    words.iter().chain([last]).fold(0, |found, word| found | marks(u64::from_le_bytes(*word))) == 0
}

/// Whether `text` is UTF-8 without U+0000.
#[inline(never)]
fn is_sound(text: &[u8]) -> bool {
    core::str::from_utf8(text).is_ok() && !text.contains(&0)
}

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Marks, in the top bit of each byte, the quotes, backslashes and control characters of eight
/// bytes at once. Borrows can mark bytes wrongly, but only above the lowest true mark, and only
/// the lowest is used.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zero_bytes(word ^ (ONES * u64::from(b'"')));
    let backslashes = zero_bytes(word ^ (ONES * u64::from(b'\\')));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_len_agrees_with_a_look_at_every_byte() {
        let slow = |text: &[u8]| {
            text.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\').unwrap_or(text.len())
        };
        for byte in 0..=255 {
            for len in 0..20 {
                for at in 0..len {
                    for filler in [b'a', b'!', b'#', b'[', b']', 0x1F + 1, 0x7F, 0x80, 0xFF] {
                        let mut text = alloc::vec![filler; len];
                        text[at] = byte;
                        assert_eq!(plain_len(&text), slow(&text), "{text:?}");
                        let is_plain = slow(&text) == len && text.is_ascii();
                        assert_eq!(is_plain_ascii(&text), is_plain, "{text:?}");
                    }
                }
            }
        }
    }
}
