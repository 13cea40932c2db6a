//! `jsonb`, read from its own binary form (`src/include/utils/jsonb.h`): neither printed nor parsed
//! again, and numbers keep every digit.
//!
//! ```text
//!  container   header, entries, data
//!  header      how many elements or members, and which kind of container
//!  entries     32 bits each: of what type, and its length or where it ends in the data;
//!              an object has all its keys first, then all its values
//! ```
//!
//! The server wrote these bytes, but a page may be damaged: every position is checked.

use precise_core::canonical::Encoder;
use precise_core::json::{MAX_DEPTH, Sink, Text};
use precise_core::{Code, Error, Result};

use crate::numeric::{self, Decimal, Numeric};

const COUNT: u32 = 0x0FFF_FFFF;
const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;

const ENTRY_OFFSET: u32 = 0x0FFF_FFFF;
const ENTRY_TYPE: u32 = 0x7000_0000;
const ENTRY_HAS_OFFSET: u32 = 0x8000_0000;
const ENTRY_STRING: u32 = 0x0000_0000;
const ENTRY_NUMERIC: u32 = 0x1000_0000;
const ENTRY_FALSE: u32 = 0x2000_0000;
const ENTRY_TRUE: u32 = 0x3000_0000;
const ENTRY_NULL: u32 = 0x4000_0000;
const ENTRY_CONTAINER: u32 = 0x5000_0000;

/// Reads documents; what it needs for that is kept from one to the next.
#[derive(Debug, Default)]
pub struct Reader {
    digits: Vec<u8>,
    /// Whether the last document's bytes were no jsonb.
    damaged: bool,
}

impl Reader {
    /// Gives the tokens of a document, the bytes behind the length word, to `encoder`.
    ///
    /// Errors: PR901, and the encoder's. If [`take_damage`](Self::take_damage), the error says
    /// nothing.
    pub fn read(&mut self, document: &[u8], encoder: &mut Encoder<'_>) -> Result<()> {
        self.read_at(0, document, encoder)
    }

    /// As [`read`](Self::read), for a document inside of so many containers.
    pub fn read_at(
        &mut self,
        depth: u32,
        document: &[u8],
        encoder: &mut Encoder<'_>,
    ) -> Result<()> {
        self.damaged = false;
        let Some(root) = Container::open(document) else { return self.damage() };
        match (root.kind, root.count) {
            (Kind::Scalar, 1) => {
                let mut entries = root.entries(0);
                match entries.next() {
                    Some((kind, bytes)) => self.value(kind, bytes, depth + 1, encoder),
                    None => self.damage(),
                }
            }
            (Kind::Scalar, _) => self.damage(),
            _ => self.container(&root, depth + 1, encoder),
        }
    }

    /// Whether the last document's bytes were no jsonb. The mark is then gone: a call that is
    /// refused before it reads has no part in the document before.
    pub fn take_damage(&mut self) -> bool {
        std::mem::take(&mut self.damaged)
    }

    #[cold]
    fn damage(&mut self) -> Result<()> {
        self.damaged = true;
        Err(Error::new(Code::Syntax))
    }

    fn container(
        &mut self,
        container: &Container<'_>,
        depth: u32,
        encoder: &mut Encoder<'_>,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::new(Code::Depth));
        }
        let count = container.count;
        if container.kind != Kind::Object {
            encoder.begin_array()?;
            let mut values = container.entries(0);
            for _ in 0..count {
                let Some((kind, bytes)) = values.next() else { return self.damage() };
                self.value(kind, bytes, depth + 1, encoder)?;
            }
            return encoder.end_array();
        }
        encoder.begin_object()?;
        let mut keys = container.entries(0);
        let mut values = container.entries(count);
        for _ in 0..count {
            let Some((ENTRY_STRING, key)) = keys.next() else { return self.damage() };
            let Some(key) = Text::from_characters(key) else { return self.damage() };
            encoder.key(key)?;
            let Some((kind, bytes)) = values.next() else { return self.damage() };
            self.value(kind, bytes, depth + 1, encoder)?;
        }
        encoder.end_object()
    }

    /// An element or a member's value, of this type.
    #[inline]
    fn value(
        &mut self,
        kind: u32,
        bytes: &[u8],
        depth: u32,
        encoder: &mut Encoder<'_>,
    ) -> Result<()> {
        match kind {
            ENTRY_STRING => match Text::from_characters(bytes) {
                Some(string) => encoder.string(string),
                None => self.damage(),
            },
            // Behind its length word, which says no more than the entry does.
            ENTRY_NUMERIC => {
                match bytes.get(4..).and_then(|b| numeric::read(b, &mut self.digits)) {
                    Some(Numeric::Decimal(Decimal { negative, digits, exponent })) => {
                        encoder.decimal(negative, digits, exponent)
                    }
                    Some(Numeric::NotFinite) | None => self.damage(),
                }
            }
            ENTRY_FALSE => encoder.boolean(false),
            ENTRY_TRUE => encoder.boolean(true),
            ENTRY_NULL => encoder.null(),
            ENTRY_CONTAINER => match Container::open(bytes) {
                Some(container) if container.kind != Kind::Scalar => {
                    self.container(&container, depth, encoder)
                }
                _ => self.damage(),
            },
            _ => self.damage(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Array,
    Object,
    /// An array of the one value that the document is.
    Scalar,
}

/// A container, cut into its parts.
#[derive(Debug)]
struct Container<'a> {
    kind: Kind,
    /// Elements, or members.
    count: usize,
    entries: &'a [[u8; 4]],
    data: &'a [u8],
}

impl<'a> Container<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk()?;
        let header = u32::from_ne_bytes(*header);
        let count = (header & COUNT) as usize;
        let (kind, entry_count) = match header & !COUNT {
            ARRAY => (Kind::Array, count),
            OBJECT => (Kind::Object, 2 * count),
            kind if kind == ARRAY | SCALAR => (Kind::Scalar, count),
            _ => return None,
        };
        let (entries, data) = rest.split_at_checked(4 * entry_count)?;
        let (entries, _) = entries.as_chunks();
        Some(Self { kind, count, entries, data })
    }

    /// The entries from number `first` on.
    fn entries(&self, first: usize) -> Entries<'_, 'a> {
        // Back to the last entry that tells its end (every 32nd does), and forward by the lengths
        // behind it.
        let behind = self.entries[..first]
            .iter()
            .rposition(|&entry| u32::from_ne_bytes(entry) & ENTRY_HAS_OFFSET != 0)
            .unwrap_or(0);
        let end = self.entries[behind..first]
            .iter()
            .fold(0, |end, &entry| end_of(u32::from_ne_bytes(entry), end));
        Entries { container: self, next: first, end }
    }
}

/// Where an entry ends in the data; the one before ends at `end`.
fn end_of(entry: u32, end: usize) -> usize {
    let offset = (entry & ENTRY_OFFSET) as usize;
    if entry & ENTRY_HAS_OFFSET == 0 { end + offset } else { offset }
}

/// Entries, in order.
struct Entries<'c, 'a> {
    container: &'c Container<'a>,
    next: usize,
    /// Where the last one ended.
    end: usize,
}

impl<'a> Entries<'_, 'a> {
    /// The type and the bytes of the next entry; none if there is none, or it lies outside.
    #[inline]
    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        let entry = u32::from_ne_bytes(*self.container.entries.get(self.next)?);
        let start = self.end;
        self.end = end_of(entry, start);
        self.next += 1;
        let kind = entry & ENTRY_TYPE;
        // What has to stand at a multiple of four begins with as many zeros as that takes.
        let padding = match kind {
            ENTRY_NUMERIC | ENTRY_CONTAINER => start.wrapping_neg() % 4,
            _ => 0,
        };
        Some((kind, self.container.data.get(start + padding..self.end)?))
    }
}

#[cfg(test)]
mod tests {
    use precise_core::canonical::Canonicalizer;

    use super::*;

    /// A document, and the writer of the form that the server gives it.
    #[derive(Clone, Debug)]
    enum Json {
        Array(Vec<Json>),
        False,
        Null,
        /// What stands behind the length word of a NUMERIC.
        Numeric(&'static [u16]),
        Object(Vec<(&'static str, Json)>),
        String(String),
        True,
    }

    /// As `JB_OFFSET_STRIDE` of the server: each 32nd entry tells its end, not its length.
    const STRIDE: usize = 32;

    impl Json {
        fn document(&self) -> Vec<u8> {
            match self {
                Self::Array(values) => container(ARRAY, values.len(), values),
                Self::Object(members) => {
                    let keys = members.iter().map(|(key, _)| Self::String((*key).into()));
                    let values = members.iter().map(|(_, value)| value.clone());
                    let entries: Vec<Self> = keys.chain(values).collect();
                    container(OBJECT, members.len(), &entries)
                }
                scalar => container(ARRAY | SCALAR, 1, std::slice::from_ref(scalar)),
            }
        }
    }

    fn container(kind: u32, count: usize, values: &[Json]) -> Vec<u8> {
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for (i, value) in values.iter().enumerate() {
            let start = data.len();
            let align = |data: &mut Vec<u8>| data.resize(data.len().next_multiple_of(4), 0);
            let entry = match value {
                Json::Array(_) | Json::Object(_) => {
                    align(&mut data);
                    data.extend(value.document());
                    ENTRY_CONTAINER
                }
                Json::False => ENTRY_FALSE,
                Json::Null => ENTRY_NULL,
                Json::Numeric(words) => {
                    align(&mut data);
                    // The length, and that it is one of four bytes.
                    data.extend(((4 + 2 * words.len() as u32) << 2).to_ne_bytes());
                    data.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
                    ENTRY_NUMERIC
                }
                Json::String(string) => {
                    data.extend(string.as_bytes());
                    ENTRY_STRING
                }
                Json::True => ENTRY_TRUE,
            };
            entries.push(match i % STRIDE {
                0 => entry | ENTRY_HAS_OFFSET | data.len() as u32,
                _ => entry | (data.len() - start) as u32,
            });
        }
        let words = std::iter::once(kind | count as u32).chain(entries);
        words.flat_map(u32::to_ne_bytes).chain(data).collect()
    }

    /// The canonical form, or the error; none if the bytes are damaged.
    fn read(document: &[u8]) -> Option<Result<String>> {
        let (mut reader, mut canonical) = (Reader::default(), Vec::new());
        let read = Canonicalizer::default()
            .append_document(&mut canonical, |encoder| reader.read(document, encoder));
        let canonical = read.map(|()| String::from_utf8(canonical).expect("it is UTF-8"));
        (!reader.take_damage()).then_some(canonical)
    }

    /// Values of every type, nested, and more members than a stride.
    fn sample() -> Json {
        let keys = "a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd ee ff gg hh";
        let members = keys.split(' ').enumerate().map(|(i, key)| {
            let value = match i % 7 {
                0 => Json::String(format!("{key} \"\u{1f600}\"")),
                1 => Json::Numeric(&[0x8101, 1, 2345, 6700]),
                2 => Json::Array(vec![Json::True, Json::False, Json::Null, Json::Array(vec![])]),
                3 => Json::Numeric(&[0x4000, 5, 1]),
                4 => Json::Object(vec![("y", Json::Numeric(&[0x8000])), ("", Json::True)]),
                5 => Json::String(String::new()),
                _ => Json::Null,
            };
            (key, value)
        });
        let long = Json::Array((0..100).map(|i| Json::String("x".repeat(i % 5))).collect());
        Json::Array(vec![Json::Object(members.collect()), long])
    }

    #[test]
    fn scalars_and_containers_are_read() {
        let of = |json: &Json| read(&json.document()).unwrap().unwrap();
        assert_eq!(of(&Json::Null), "null");
        assert_eq!(of(&Json::String("\u{e9}\n".into())), "\"\u{e9}\\n\"");
        assert_eq!(of(&Json::Numeric(&[0xA27F, 5])), "-0.0005");
        assert_eq!(of(&Json::Object(vec![])), "{}");
        let members = vec![("b", Json::True), ("a", Json::Numeric(&[0x8000, 7]))];
        assert_eq!(of(&Json::Array(vec![Json::Object(members)])), r#"[{"a":7,"b":true}]"#);
        let whole = of(&sample());
        assert!(whole.starts_with(r#"[{"a":"a \"😀\"","aa":"#), "{whole}");
        assert!(whole.contains(r#":{"":true,"y":0},"#), "{whole}");
        assert!(whole.contains(r#""b":12345.67,"#) && whole.contains(":-100000000000000000000,"));
    }

    #[test]
    fn depth_is_counted_and_not_the_stack() {
        let nested =
            |depth| (1..depth).fold(Json::Array(vec![]), |inner, _| Json::Array(vec![inner]));
        assert!(read(&nested(128).document()).unwrap().is_ok());
        let error = read(&nested(129).document()).unwrap().unwrap_err();
        assert_eq!(error.code(), Code::Depth);
    }

    #[test]
    fn a_document_that_is_cut_is_damaged() {
        let whole = sample().document();
        assert!(read(&whole).is_some());
        for len in 0..whole.len() {
            assert!(read(&whole[..len]).is_none(), "{len} of {} bytes", whole.len());
        }
    }

    #[test]
    fn damaged_bytes_are_damage_or_some_other_document() {
        let whole = sample().document();
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let (mut damaged, mut read_all_the_same) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                bytes[at] ^= 1 << next(8);
            }
            match read(&bytes) {
                None => damaged += 1,
                Some(_) => read_all_the_same += 1,
            }
        }
        assert!(damaged > 1000 && read_all_the_same > 1000, "{damaged}, {read_all_the_same}");
    }

    #[test]
    fn every_word_that_lies_is_borne() {
        let whole = sample().document();
        for at in (0..whole.len() - 3).step_by(4) {
            for lie in [0, 1, u32::MAX, COUNT, SCALAR, OBJECT, ARRAY | COUNT, ENTRY_TYPE] {
                let mut bytes = whole.clone();
                bytes[at..at + 4].copy_from_slice(&lie.to_ne_bytes());
                let _ = read(&bytes);
            }
        }
    }

    #[test]
    fn text_that_no_server_holds_is_damage() {
        for text in [&b"\xFF"[..], b"\xED\xA0\x80", b"a\0"] {
            let mut bytes = Json::String("x".repeat(text.len())).document();
            let len = bytes.len();
            bytes[len - text.len()..].copy_from_slice(text);
            assert!(read(&bytes).is_none(), "{text:?}");
        }
    }
}
