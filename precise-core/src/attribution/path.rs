//! Paths: what came before a conversion, or before nothing (SPEC.md section 9.2).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text};
use crate::number::Literal;
use crate::row::utc_micros;

/// Touches that one path may have.
const MAX_TOUCHES: usize = 10_000;

/// Characters that a cohort may have.
const MAX_CHARACTERS: usize = 256;

/// Touches in order, at least one: all of them with times, or none.
#[derive(Clone, Debug, Default)]
pub struct TouchPath {
    touches: Vec<Touch>,
    /// What the touches' ranges are of.
    text: Vec<u8>,
    timed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Touch {
    cohort: Range,
    /// The time as it was given.
    at: Range,
    /// The same in microseconds from 1970.
    micros: i64,
}

/// Bytes of the path's text.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    start: u32,
    len: u16,
}

impl Range {
    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..][..usize::from(self.len)]
    }
}

impl TouchPath {
    /// Reads a JSON text.
    ///
    /// Errors: PR508, and PR509 for a touch after the conversion.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let mut path = Self::default();
        path.read(&mut Reader::default(), json)?;
        Ok(path)
    }

    /// The path of touches without times.
    ///
    /// Error: PR508.
    pub fn of<C: AsRef<str>>(cohorts: impl IntoIterator<Item = C>) -> Result<Self> {
        let mut path = Self::default();
        for cohort in cohorts {
            let cohort = path.keep_cohort(cohort.as_ref().as_bytes())?;
            path.push(Touch { cohort, ..Touch::default() })?;
        }
        if path.touches.is_empty() { Err(malformed("it has no touch")) } else { Ok(path) }
    }

    /// As [`parse`](TouchPath::parse), in the memory of the path that was here.
    ///
    /// Errors: PR508, PR509; nothing is known of the path that is left.
    pub fn read(&mut self, reader: &mut Reader, json: &[u8]) -> Result<()> {
        self.touches.clear();
        self.text.clear();
        self.timed = false;
        let mut sink = PathSink {
            path: self,
            inside: Inside::Nothing,
            in_journey: false,
            key: None,
            at: None,
            cohort: None,
            converted_at: None,
            has_touches: false,
        };
        reader.read(json, &mut sink).map_err(|error| match error.code() {
            Code::TouchPath | Code::TouchTime => error,
            code => malformed(alloc::format!("{code} {error}")),
        })?;
        let converted_at = sink.converted_at;
        if self.touches.is_empty() {
            return Err(malformed("it has no touch"));
        }
        if self.timed {
            let text = &self.text;
            self.touches.sort_by_key(|touch| (touch.micros, touch.cohort.of(text)));
        }
        match (converted_at, self.touches.last()) {
            (Some(converted), Some(last)) if last.micros > converted => {
                let at = String::from_utf8_lossy(last.at.of(&self.text));
                Err(Error::new(Code::TouchTime).because(alloc::format!("it is of {at}")))
            }
            _ => Ok(()),
        }
    }

    /// How many touches there are.
    #[allow(clippy::len_without_is_empty, reason = "a path is never empty")]
    pub fn len(&self) -> usize {
        self.touches.len()
    }

    /// The cohorts of the touches, in order, and where they have one their times as given.
    pub fn touches(&self) -> impl Iterator<Item = (Cow<'_, str>, Option<Cow<'_, str>>)> {
        self.touches.iter().map(|touch| {
            let at = self.timed.then(|| String::from_utf8_lossy(touch.at.of(&self.text)));
            (String::from_utf8_lossy(touch.cohort.of(&self.text)), at)
        })
    }

    /// The cohorts of the touches, in order.
    pub(super) fn cohorts(&self) -> impl Iterator<Item = &[u8]> {
        self.touches.iter().map(|touch| touch.cohort.of(&self.text))
    }

    /// How many microseconds each touch is before the latest; none without times.
    pub(super) fn ages(&self) -> Option<impl Iterator<Item = u64>> {
        let latest = self.touches.last().filter(|_| self.timed)?.micros;
        // Times are of the years 1 to 9999, and sorted.
        Some(self.touches.iter().map(move |touch| (latest - touch.micros) as u64))
    }

    /// Bytes of memory held.
    pub fn size(&self) -> usize {
        self.text.capacity() + self.touches.capacity() * size_of::<Touch>()
    }

    #[inline]
    fn keep_cohort(&mut self, text: &[u8]) -> Result<Range> {
        check_cohort(text).map_err(malformed)?;
        Ok(self.keep(text))
    }

    /// Copies a cohort or a time; a character has at most 4 bytes, so that lengths fit.
    #[inline]
    fn keep(&mut self, text: &[u8]) -> Range {
        let range = Range { start: self.text.len() as u32, len: text.len() as u16 };
        self.text.extend_from_slice(text);
        range
    }

    #[inline]
    fn push(&mut self, touch: Touch) -> Result<()> {
        if self.touches.len() == MAX_TOUCHES {
            return Err(malformed("it has more than 10,000 touches"));
        }
        self.touches.push(touch);
        Ok(())
    }
}

/// What is wrong with the name of a cohort, if anything is.
#[inline]
pub(super) fn check_cohort(text: &[u8]) -> core::result::Result<(), &'static str> {
    if text.is_empty() {
        return Err("a cohort is the empty string");
    }
    // The least of all: many bytes are looked at at once, where a search would look at each.
    if text.iter().min().is_some_and(|least| *least < b' ') {
        return Err("a cohort has a control character");
    }
    let is_start = |byte: &&u8| **byte & 0xC0 != 0x80;
    if text.len() > MAX_CHARACTERS && text.iter().filter(is_start).count() > MAX_CHARACTERS {
        return Err("a cohort has more than 256 characters");
    }
    Ok(())
}

#[cold]
fn malformed(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::TouchPath).because(detail)
}

/// What a token of a path stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// The object around touches and `converted_at`.
    Journey,
    Touches,
    Touch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    At,
    Cohort,
    ConvertedAt,
    Touches,
}

/// Fills a path from tokens.
struct PathSink<'p> {
    path: &'p mut TouchPath,
    inside: Inside,
    in_journey: bool,
    /// Whose value comes next.
    key: Option<Key>,
    /// Of the touch that is open.
    at: Option<(Range, i64)>,
    cohort: Option<Range>,
    converted_at: Option<i64>,
    has_touches: bool,
}

impl PathSink<'_> {
    /// All touches are of the first one's kind.
    #[inline]
    fn check_kind(&mut self, timed: bool) -> Result<()> {
        if self.path.touches.is_empty() {
            self.path.timed = timed;
        }
        if self.path.timed == timed && (timed || !self.in_journey) {
            Ok(())
        } else if self.in_journey {
            Err(malformed("a touch before a conversion is an object with at and cohort"))
        } else {
            Err(malformed("some touches have times, others have none"))
        }
    }

    fn unexpected(&self) -> Error {
        malformed(match self.inside {
            Inside::Nothing => "it is neither an array nor an object",
            Inside::Journey => "converted_at is a string, touches an array",
            Inside::Touches => "a touch is neither a string nor an object",
            Inside::Touch => "at and cohort are strings",
        })
    }
}

fn time(text: &[u8]) -> Result<i64> {
    utc_micros(text).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        malformed(alloc::format!("{shown:?} is not a time such as 2026-11-22T20:00:00.5Z"))
    })
}

impl Sink for PathSink<'_> {
    fn begin_object(&mut self) -> Result<()> {
        self.inside = match self.inside {
            Inside::Nothing => {
                self.in_journey = true;
                Inside::Journey
            }
            Inside::Touches => {
                self.check_kind(true)?;
                (self.at, self.cohort) = (None, None);
                Inside::Touch
            }
            Inside::Journey | Inside::Touch => return Err(self.unexpected()),
        };
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let (key, repeated) = match (self.inside, key.characters()) {
            (Inside::Touch, b"at") => (Key::At, self.at.is_some()),
            (Inside::Touch, b"cohort") => (Key::Cohort, self.cohort.is_some()),
            (Inside::Journey, b"converted_at") => (Key::ConvertedAt, self.converted_at.is_some()),
            (Inside::Journey, b"touches") => (Key::Touches, self.has_touches),
            (_, unknown) => {
                let shown: String = String::from_utf8_lossy(unknown).chars().take(40).collect();
                return Err(malformed(alloc::format!("unknown member {shown:?}")));
            }
        };
        self.key = Some(key);
        if repeated { Err(malformed("a member stands twice")) } else { Ok(()) }
    }

    fn end_object(&mut self) -> Result<()> {
        if self.inside == Inside::Touch {
            self.inside = Inside::Touches;
            let (Some((at, micros)), Some(cohort)) = (self.at, self.cohort) else {
                return Err(malformed("a touch has at and cohort"));
            };
            return self.path.push(Touch { cohort, at, micros });
        }
        self.inside = Inside::Nothing;
        if self.converted_at.is_some() && self.has_touches {
            Ok(())
        } else {
            Err(malformed("an object has converted_at and touches"))
        }
    }

    fn begin_array(&mut self) -> Result<()> {
        match (self.inside, self.key) {
            (Inside::Nothing, _) | (Inside::Journey, Some(Key::Touches)) => {
                self.inside = Inside::Touches;
                self.has_touches = true;
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    fn end_array(&mut self) -> Result<()> {
        self.inside = if self.in_journey { Inside::Journey } else { Inside::Nothing };
        Ok(())
    }

    #[inline]
    fn string(&mut self, string: Text<'_>) -> Result<()> {
        let text = string.characters();
        match (self.inside, self.key) {
            (Inside::Touches, _) => {
                self.check_kind(false)?;
                let cohort = self.path.keep_cohort(text)?;
                self.path.push(Touch { cohort, ..Touch::default() })?;
            }
            (Inside::Touch, Some(Key::At)) => {
                let micros = time(text)?;
                self.at = Some((self.path.keep(text), micros));
            }
            (Inside::Touch, Some(Key::Cohort)) => {
                self.cohort = Some(self.path.keep_cohort(text)?);
            }
            (Inside::Journey, Some(Key::ConvertedAt)) => self.converted_at = Some(time(text)?),
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn number(&mut self, _: Literal<'_>) -> Result<()> {
        Err(self.unexpected())
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        Err(self.unexpected())
    }

    fn null(&mut self) -> Result<()> {
        Err(self.unexpected())
    }

    fn path(&self, _: Place) -> String {
        "$".into()
    }
}
