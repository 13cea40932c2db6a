//! What a log holds: one document for each batch, or for each state of the status map (SPEC.md
//! section 4.1).

use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::canonical;
use crate::document::{Document, MAX_INTEGER, Members, Writer};
use crate::error::{Code, Error, Result};
use crate::merkle::{Hash, Part};
use crate::row::UtcSecond;

/// The longest entry, in bytes: bundles state a length in 16 bits.
pub const MAX_LEN: usize = 65_535;

/// The root of a map without keys.
const EMPTY_MAP: Hash = [0; 32];

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A batch was closed.
    Batch(BatchEntry),
    /// What was void at a time; in a status log.
    Status(StatusEntry),
}

/// `{"batch_root":"0x…","canon":"precise-jcs-1","closed_at":"…","count":n,"kind":"records","v":1}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEntry {
    /// What was batched.
    pub kind: BatchKind,
    /// The root of the batch.
    pub batch_root: Hash,
    /// When the batch was closed. Not part of the entry's identity.
    pub closed_at: UtcSecond,
    /// How many leaves it has, at least one.
    pub count: u64,
    /// The publisher's own name for the source, not empty.
    pub label: Option<String>,
    /// Which part of a set that was cut this is.
    pub part: Option<Part>,
}

/// What a batch is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKind {
    /// The records of an audience, whose document has this proof hash.
    Audience {
        /// The document's proof hash.
        audience_hash: Hash,
    },
    /// Records.
    Records,
    /// The ledger entries that a settlement's statement, of this proof hash, is over.
    Settlement {
        /// The statement's proof hash.
        statement_hash: Hash,
    },
}

impl BatchKind {
    /// As the member `kind` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audience { .. } => "audience",
            Self::Records => "records",
            Self::Settlement { .. } => "settlement",
        }
    }
}

/// `{"at":"…","count":n,"kind":"status","map_root":"0x…","v":1}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    /// When the map was so.
    pub at: UtcSecond,
    /// How many keys it has.
    pub count: u64,
    /// Its root: 32 zero bytes exactly where it has none.
    pub map_root: Hash,
}

impl Entry {
    /// Reads an entry, which must be in the form in which it is written.
    ///
    /// Errors: PR905 if it is too long, PR407 for everything else.
    pub fn parse(text: &[u8]) -> Result<Self> {
        check_len(text.len())?;
        let mut members = Document::read(text, Code::Entry)?.into_members(Code::Entry)?;
        let kind = members.take_string("kind")?;
        let entry = if kind == "status" {
            Self::Status(take_status(&mut members)?)
        } else {
            Self::Batch(take_batch(&mut members, &kind)?)
        };
        if members.take_integer("v")? != 1 {
            return Err(malformed("v is not 1"));
        }
        members.finish()?;
        if entry.to_json()?.as_bytes() == text {
            Ok(entry)
        } else {
            Err(malformed("it is not in JCS form"))
        }
    }

    /// The JCS form: what is in the log.
    ///
    /// Errors: PR905 if it is too long, PR407 for a count, label or part that no entry may have.
    pub fn to_json(&self) -> Result<String> {
        let entry = self.write(true)?;
        check_len(entry.len())?;
        Ok(entry)
    }

    /// What makes two entries the same one: SHA-256 of the JCS form without `closed_at`.
    ///
    /// Errors: as [`to_json`](Self::to_json).
    pub fn identity(&self) -> Result<Hash> {
        self.to_json()?;
        Ok(Sha256::digest(self.write(false)?).into())
    }

    fn write(&self, closed_at: bool) -> Result<String> {
        let mut writer = Writer::object();
        match self {
            Self::Batch(batch) => batch.write(&mut writer, closed_at)?,
            Self::Status(status) => status.write(&mut writer)?,
        }
        writer.key("v").integer(1);
        Ok(writer.finish())
    }
}

impl BatchEntry {
    fn write(&self, writer: &mut Writer, closed_at: bool) -> Result<()> {
        let Self { kind, batch_root, count, label, part, .. } = self;
        if !(1..=MAX_INTEGER).contains(count) {
            return Err(malformed("a batch has from 1 to 2^53 - 1 leaves"));
        }
        if label.as_ref().is_some_and(|label| label.is_empty() || label.contains('\0')) {
            return Err(malformed("the label is empty, or has U+0000 in it"));
        }
        if part.is_some_and(|part| !is_part(part)) {
            return Err(malformed("no set is cut into such a part"));
        }
        if let BatchKind::Audience { audience_hash } = kind {
            writer.key("audience_hash").hash(audience_hash);
        }
        writer.key("batch_root").hash(batch_root);
        writer.key("canon").string(canonical::NAME);
        if closed_at {
            writer.key("closed_at").string(&alloc::format!("{}", self.closed_at));
        }
        writer.key("count").integer(*count);
        writer.key("kind").string(kind.name());
        if let Some(label) = label {
            writer.key("label").string(label);
        }
        if let Some(part) = part {
            writer.key("part").raw(&part.to_json());
        }
        if let BatchKind::Settlement { statement_hash } = kind {
            writer.key("statement_hash").hash(statement_hash);
        }
        Ok(())
    }
}

impl StatusEntry {
    fn write(&self, writer: &mut Writer) -> Result<()> {
        if (self.count == 0) != (self.map_root == EMPTY_MAP) {
            return Err(malformed("a map has the zero root exactly where it has no keys"));
        }
        if self.count > MAX_INTEGER {
            return Err(malformed("a map has at most 2^53 - 1 keys"));
        }
        writer.key("at").string(&alloc::format!("{}", self.at));
        writer.key("count").integer(self.count);
        writer.key("kind").string("status");
        writer.key("map_root").hash(&self.map_root);
        Ok(())
    }
}

/// One cell of those that `bits` leading bits name, of which no more than all are not empty.
fn is_part(part: Part) -> bool {
    let cells = 1_u64.checked_shl(part.bits).filter(|_| (1..=32).contains(&part.bits));
    cells.is_some_and(|cells| part.index < cells && (1..=cells).contains(&part.parts))
}

fn take_batch(members: &mut Members, kind: &str) -> Result<BatchEntry> {
    let kind = match kind {
        "audience" => BatchKind::Audience { audience_hash: take_hash(members, "audience_hash")? },
        "records" => BatchKind::Records,
        "settlement" => {
            BatchKind::Settlement { statement_hash: take_hash(members, "statement_hash")? }
        }
        _ => return Err(malformed("its kind is unknown")),
    };
    if members.take_string("canon")? != canonical::NAME {
        return Err(malformed("canon is not precise-jcs-1"));
    }
    Ok(BatchEntry {
        kind,
        batch_root: take_hash(members, "batch_root")?,
        closed_at: take_time(members, "closed_at")?,
        count: members.take_integer("count")?,
        label: members.take_optional("label").map(into_label).transpose()?,
        part: members.take_optional("part").map(into_part).transpose()?,
    })
}

fn take_status(members: &mut Members) -> Result<StatusEntry> {
    Ok(StatusEntry {
        at: take_time(members, "at")?,
        count: members.take_integer("count")?,
        map_root: take_hash(members, "map_root")?,
    })
}

fn take_hash(members: &mut Members, name: &'static str) -> Result<Hash> {
    members.take(name)?.into_hash(Code::Entry)
}

fn take_time(members: &mut Members, name: &'static str) -> Result<UtcSecond> {
    UtcSecond::parse(&members.take_string(name)?)
        .ok_or_else(|| malformed("a time is not YYYY-MM-DDTHH:MM:SSZ"))
}

fn into_label(label: Document) -> Result<String> {
    match label {
        Document::String(label) => Ok(label),
        _ => Err(malformed("label is not a string")),
    }
}

fn into_part(part: Document) -> Result<Part> {
    let mut members = part.into_members(Code::Entry)?;
    let bits = members.take_integer("bits")?;
    let bits = u32::try_from(bits).map_err(|_| malformed("no set is cut into such a part"))?;
    let (index, parts) = (members.take_integer("index")?, members.take_integer("parts")?);
    members.finish()?;
    Ok(Part { bits, index, parts })
}

fn check_len(len: usize) -> Result<()> {
    if len <= MAX_LEN {
        return Ok(());
    }
    Err(Error::new(Code::EntrySize).because(alloc::format!("it has {len}")))
}

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Entry).because(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";

    fn records() -> BatchEntry {
        BatchEntry {
            kind: BatchKind::Records,
            batch_root: [1; 32],
            closed_at: UtcSecond::from_posix(0).unwrap(),
            count: 3,
            label: None,
            part: None,
        }
    }

    fn refused(entry: impl Into<Entry>) -> Code {
        let entry = entry.into();
        assert_eq!(
            entry.identity().map_err(|error| error.code()),
            entry.to_json().map(|_| [0; 32]).map_err(|error| error.code())
        );
        entry.to_json().unwrap_err().code()
    }

    impl From<BatchEntry> for Entry {
        fn from(entry: BatchEntry) -> Self {
            Self::Batch(entry)
        }
    }

    impl From<StatusEntry> for Entry {
        fn from(entry: StatusEntry) -> Self {
            Self::Status(entry)
        }
    }

    #[test]
    fn each_kind_is_written_and_read() {
        let part = Part { bits: 2, index: 3, parts: 4 };
        let time = UtcSecond::from_posix(0).unwrap();
        let entries = [
            (
                records().into(),
                alloc::format!(
                    "{{\"batch_root\":\"{ROOT}\",\"canon\":\"precise-jcs-1\",\
                 \"closed_at\":\"1970-01-01T00:00:00Z\",\"count\":3,\"kind\":\"records\",\"v\":1}}"
                ),
            ),
            (
                BatchEntry { kind: BatchKind::Audience { audience_hash: [1; 32] }, ..records() }
                    .into(),
                alloc::format!(
                    "{{\"audience_hash\":\"{ROOT}\",\"batch_root\":\"{ROOT}\",\
                 \"canon\":\"precise-jcs-1\",\"closed_at\":\"1970-01-01T00:00:00Z\",\"count\":3,\
                 \"kind\":\"audience\",\"v\":1}}"
                ),
            ),
            (
                BatchEntry {
                    kind: BatchKind::Settlement { statement_hash: [1; 32] },
                    label: Some("\u{e9}\"".into()),
                    part: Some(part),
                    ..records()
                }
                .into(),
                alloc::format!(
                    "{{\"batch_root\":\"{ROOT}\",\"canon\":\"precise-jcs-1\",\
                 \"closed_at\":\"1970-01-01T00:00:00Z\",\"count\":3,\"kind\":\"settlement\",\
                 \"label\":\"\u{e9}\\\"\",\"part\":{{\"bits\":2,\"index\":3,\"parts\":4}},\
                 \"statement_hash\":\"{ROOT}\",\"v\":1}}"
                ),
            ),
            (
                StatusEntry { at: time, count: 2, map_root: [1; 32] }.into(),
                alloc::format!(
                    "{{\"at\":\"1970-01-01T00:00:00Z\",\"count\":2,\"kind\":\"status\",\
                 \"map_root\":\"{ROOT}\",\"v\":1}}"
                ),
            ),
        ];
        for (entry, json) in entries {
            let entry: Entry = entry;
            assert_eq!(entry.to_json().unwrap(), json);
            assert_eq!(Entry::parse(json.as_bytes()).unwrap(), entry);
            let canonical = canonical::canonicalize(json.as_bytes()).unwrap();
            assert_eq!(canonical, json.as_bytes());
        }
    }

    #[test]
    fn the_time_of_closing_is_not_part_of_the_identity() {
        let entry = Entry::from(records());
        let later = UtcSecond::from_posix(9).unwrap();
        let again = Entry::from(BatchEntry { closed_at: later, ..records() });
        assert_eq!(entry.identity(), again.identity());
        let without = alloc::format!(
            "{{\"batch_root\":\"{ROOT}\",\"canon\":\"precise-jcs-1\",\"count\":3,\
             \"kind\":\"records\",\"v\":1}}"
        );
        assert_eq!(entry.identity().unwrap()[..], Sha256::digest(without)[..]);
        let other = Entry::from(BatchEntry { label: Some("a".into()), ..records() });
        assert_ne!(entry.identity(), other.identity());
        let status = |at| StatusEntry { at, count: 1, map_root: [1; 32] };
        let early = UtcSecond::from_posix(0).unwrap();
        assert_ne!(Entry::from(status(early)).identity(), Entry::from(status(later)).identity());
    }

    #[test]
    fn what_no_entry_may_say_is_not_written() {
        let part = |bits, index, parts| {
            refused(BatchEntry { part: Some(Part { bits, index, parts }), ..records() })
        };
        for (bits, index, parts) in
            [(0, 0, 1), (33, 0, 1), (64, 0, 1), (2, 4, 1), (2, 0, 0), (2, 0, 5)]
        {
            assert_eq!(part(bits, index, parts), Code::Entry, "{bits} {index} {parts}");
        }
        for count in [0, MAX_INTEGER + 1, u64::MAX] {
            assert_eq!(refused(BatchEntry { count, ..records() }), Code::Entry, "{count}");
        }
        for label in ["", "\0", "a\0b"] {
            let label = Some(label.into());
            assert_eq!(refused(BatchEntry { label, ..records() }), Code::Entry);
        }
        let at = UtcSecond::from_posix(0).unwrap();
        assert_eq!(refused(StatusEntry { at, count: 0, map_root: [1; 32] }), Code::Entry);
        assert_eq!(refused(StatusEntry { at, count: 1, map_root: EMPTY_MAP }), Code::Entry);
        let count = MAX_INTEGER + 1;
        assert_eq!(refused(StatusEntry { at, count, map_root: [1; 32] }), Code::Entry);
        assert!(Entry::from(StatusEntry { at, count: 0, map_root: EMPTY_MAP }).to_json().is_ok());
    }

    #[test]
    fn an_entry_fits_in_a_bundle() {
        let labelled = |len| Entry::from(BatchEntry { label: Some("a".repeat(len)), ..records() });
        let rest = labelled(1).to_json().unwrap().len() - 1;
        let longest = labelled(MAX_LEN - rest).to_json().unwrap();
        assert_eq!(longest.len(), MAX_LEN);
        assert!(Entry::parse(longest.as_bytes()).is_ok());
        assert_eq!(refused(labelled(MAX_LEN - rest + 1)), Code::EntrySize);
        let longer = longest.replace("\"aa", "\"aaa");
        assert_eq!(Entry::parse(longer.as_bytes()).unwrap_err().code(), Code::EntrySize);
    }

    #[test]
    fn an_entry_has_one_spelling() {
        let json = Entry::from(BatchEntry { label: Some("a".into()), ..records() }).to_json();
        let json = json.unwrap();
        for wrong in [
            String::new(),
            "[]".into(),
            "{}".into(),
            json.replace(':', ": "),
            alloc::format!("{json}\n"),
            json.replace("\"a\"", "\"\\u0061\""),
            json.replace("\"a\"", "\"\""),
            json.replace("\"a\"", "1"),
            json.replace("\"a\"", "null"),
            json.replace(":3", ":3.0"),
            json.replace(":3", ":0"),
            json.replace(":3", ":-3"),
            json.replace(":3", ":9007199254740992"),
            json.replace("\"v\":1", "\"v\":2"),
            json.replace(",\"v\":1", ""),
            json.replace("\"v\":1", "\"v\":1,\"w\":1"),
            json.replace("jcs-1", "jcs-2"),
            json.replace("records", "others"),
            json.replace("records", "status"),
            json.replace("records", "audience"),
            json.replace("records", "settlement"),
            json.replace("0x01", "0X01"),
            json.replace("00:00Z", "00:00.0Z"),
            json.replace("1970-01-01", "1970-01-32"),
            json.replace("\"a\"", "\"a\",\"label\":\"b\""),
            json.replace("\"a\"", "\"a\",\"part\":{}"),
            json.replace("\"a\"", "\"a\",\"part\":{\"bits\":0,\"index\":0,\"parts\":1}"),
            json.replace("\"a\"", "\"a\",\"part\":{\"bits\":1,\"index\":0,\"parts\":1,\"x\":1}"),
            json.replace("\"a\"", "\"a\",\"part\":{\"bits\":4294967297,\"index\":0,\"parts\":1}"),
            alloc::format!("{{\"batch_root\":\"{ROOT}\",{}", &json[1..]),
        ] {
            assert_eq!(Entry::parse(wrong.as_bytes()).unwrap_err().code(), Code::Entry, "{wrong}");
        }
        assert_eq!(Entry::parse(b"\xFF").unwrap_err().code(), Code::Entry);
    }
}
