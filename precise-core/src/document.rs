//! Small documents as trees: the ones Precise itself defines, such as an inclusion proof.
//!
//! Records never become trees. A document is read in any spelling (databases reprint JSON), its
//! members are taken one by one, and what is left over is refused.

use alloc::string::String;
use alloc::vec::Vec;

use crate::canonical::append_escaped;
use crate::error::{Code, Error, Result};
use crate::hex;
use crate::json::{Place, Reader, Sink, Text};
use crate::merkle::Hash;
use crate::number::{self, Gate, Literal};

/// Integers in documents stay where binary64 keeps every one of them.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// In order.
    Array(Vec<Document>),
    /// `true` or `false`
    Boolean(bool),
    /// `null`
    Null,
    /// In canonical spelling.
    Number(String),
    /// In the order read. No key stands twice.
    Object(Vec<(String, Document)>),
    /// Unescaped.
    String(String),
}

impl Document {
    /// Reads `text`. Whatever is wrong with it is `code`, so that the error says which of several
    /// arguments is meant.
    pub fn read(text: &[u8], code: Code) -> Result<Self> {
        Self::read_json(text)
            .map_err(|error| Error::new(code).because(alloc::format!("{} {error}", error.code())))
    }

    fn read_json(text: &[u8]) -> Result<Self> {
        // The canonical reader first, since it alone checks everything; then a tree of its output.
        let canonical = crate::canonical::canonicalize(text)?;
        let mut tree = Tree::default();
        Reader::default().read(&canonical, &mut tree)?;
        Ok(tree.into_document())
    }

    /// The members, to be taken one by one; any other value is `code`.
    pub fn into_members(self, code: Code) -> Result<Members> {
        match self {
            Self::Object(members) => Ok(Members { members, code }),
            _ => Err(Error::new(code).because("expected an object")),
        }
    }

    /// The elements; any other value is `code`.
    pub fn into_elements(self, code: Code) -> Result<Vec<Self>> {
        match self {
            Self::Array(elements) => Ok(elements),
            _ => Err(Error::new(code).because("expected an array")),
        }
    }

    /// 32 bytes spelled `0x…`; any other value is `code`.
    pub fn into_hash(self, code: Code) -> Result<Hash> {
        match self {
            Self::String(text) => hex::parse_hash(&text).map_err(|_| malformed_hash(code)),
            _ => Err(malformed_hash(code)),
        }
    }
}

fn malformed_hash(code: Code) -> Error {
    Error::new(code).because("expected 0x and 64 lower-case hex digits")
}

/// Members of one object, each to be taken once.
#[derive(Debug)]
pub struct Members {
    members: Vec<(String, Document)>,
    code: Code,
}

impl Members {
    /// Whether the member `name` is there.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, _)| key == name)
    }

    /// The names of the members that were not taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Takes the member `name` if it is there.
    pub fn take_optional(&mut self, name: &str) -> Option<Document> {
        let at = self.members.iter().position(|(key, _)| key == name)?;
        Some(self.members.swap_remove(at).1)
    }

    /// Takes the member `name`.
    pub fn take(&mut self, name: &'static str) -> Result<Document> {
        self.take_optional(name)
            .ok_or_else(|| self.fault(alloc::format!("the member {name} is missing")))
    }

    /// Takes the member `name`, a string.
    pub fn take_string(&mut self, name: &'static str) -> Result<String> {
        match self.take(name)? {
            Document::String(string) => Ok(string),
            _ => Err(self.fault(alloc::format!("{name} is not a string"))),
        }
    }

    /// Takes the member `name`, an integer of 0 to 2^53 − 1.
    pub fn take_integer(&mut self, name: &'static str) -> Result<u64> {
        match self.take(name)? {
            Document::Number(number) => number.parse().ok().filter(|&n| n <= MAX_INTEGER),
            _ => None,
        }
        .ok_or_else(|| self.fault(alloc::format!("{name} is not an integer from 0 to 2^53 - 1")))
    }

    /// Takes the member `name`, an array of 32-byte hashes.
    pub fn take_hashes(&mut self, name: &'static str) -> Result<Vec<Hash>> {
        let code = self.code;
        let elements = self.take(name)?.into_elements(code)?;
        elements.into_iter().map(|element| element.into_hash(code)).collect()
    }

    /// Refuses whatever was not taken.
    pub fn finish(self) -> Result<()> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.fault(alloc::format!("unknown member {name:?}"))),
        }
    }

    fn fault(&self, detail: String) -> Error {
        Error::new(self.code).because(detail)
    }
}

/// Builds the tree from tokens of a canonical text.
#[derive(Default)]
pub(crate) struct Tree {
    root: Option<Document>,
    open: Vec<Document>,
    keys: Vec<String>,
}

impl Tree {
    /// The tree of a document that was read whole.
    pub(crate) fn into_document(self) -> Document {
        self.root.unwrap_or(Document::Null)
    }

    fn value(&mut self, value: Document) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Document::Array(elements)) => elements.push(value),
            Some(Document::Object(members)) => {
                let key = self.keys.pop().expect("in an object each value follows a key");
                members.push((key, value));
            }
            Some(_) => unreachable!("only containers are open"),
        }
    }

    fn close(&mut self) {
        let closed = self.open.pop().expect("what closes was open");
        self.value(closed);
    }
}

impl Sink for Tree {
    fn begin_object(&mut self) -> Result<()> {
        self.open.push(Document::Object(Vec::new()));
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.keys.push(String::from_utf8_lossy(key.characters()).into_owned());
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn begin_array(&mut self) -> Result<()> {
        self.open.push(Document::Array(Vec::new()));
        Ok(())
    }

    fn end_array(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        let string = String::from_utf8_lossy(string.characters()).into_owned();
        self.value(Document::String(string));
        Ok(())
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        let mut canonical = Vec::new();
        number::append(number, Gate::Exact, &mut canonical)?;
        self.value(Document::Number(String::from_utf8_lossy(&canonical).into_owned()));
        Ok(())
    }

    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.value(Document::Boolean(boolean));
        Ok(())
    }

    fn null(&mut self) -> Result<()> {
        self.value(Document::Null);
        Ok(())
    }

    fn path(&self, _: Place) -> String {
        "$".into()
    }
}

/// Writes a small document in JCS form. Members are to come in order.
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Begins with `{`.
    pub(crate) fn object() -> Self {
        Self { out: alloc::vec![b'{'] }
    }

    /// Writes the key of the next member.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        append_escaped(name.as_bytes(), &mut self.out);
        self.out.push(b':');
        self
    }

    pub(crate) fn string(&mut self, value: &str) -> &mut Self {
        append_escaped(value.as_bytes(), &mut self.out);
        self
    }

    pub(crate) fn integer(&mut self, value: u64) -> &mut Self {
        number::append_u64(value, &mut self.out);
        self
    }

    /// Writes a number, or null for none; a finite one.
    pub(crate) fn float(&mut self, value: impl Into<Option<f64>>) -> &mut Self {
        let written = value.into().map(|value| number::append_f64(value, &mut self.out));
        if !matches!(written, Some(Ok(()))) {
            self.raw("null");
        }
        self
    }

    /// Writes a value that is in JCS form already, or null for none.
    pub(crate) fn optional(&mut self, json: Option<&str>) -> &mut Self {
        self.raw(json.unwrap_or("null"))
    }

    /// Writes a value that is in JCS form already.
    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    pub(crate) fn hash(&mut self, hash: &Hash) -> &mut Self {
        self.out.push(b'"');
        hex::append_hash(hash, &mut self.out);
        self.out.push(b'"');
        self
    }

    pub(crate) fn hashes(&mut self, hashes: &[Hash]) -> &mut Self {
        self.out.push(b'[');
        for (i, hash) in hashes.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            self.hash(hash);
        }
        self.out.push(b']');
        self
    }

    /// Ends with `}`.
    pub(crate) fn finish(mut self) -> String {
        self.out.push(b'}');
        String::from_utf8(self.out).expect("strings and ASCII were written")
    }
}
