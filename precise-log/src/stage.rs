//! What a commit is about to add to a log: SPEC.md section 4.7.

use bytes::{Bytes, BytesMut};
use precise_core::Hash;
use precise_core::note::{Checkpoint, Note, Signer, VerifierKey};

use crate::tiles::{parse_bundle, push_entry};

/// The first line. A checkpoint's text has a decimal in its second line, this one's has it in the
/// third: no text is both.
const HEADER: &str = "precise-stage-1\n";

/// Where the stages of a log are.
pub(crate) const FOLDER: &str = "stage";

/// `stage/5`: what comes behind the first five entries.
pub(crate) fn path(from_size: u64) -> String {
    format!("{FOLDER}/{from_size}")
}

/// The size that a stage begins at, if this is the path of one.
pub(crate) fn from_size(path: &str) -> Option<u64> {
    let size = path.strip_prefix(FOLDER)?.strip_prefix('/')?.parse().ok()?;
    (self::path(size) == path).then_some(size)
}

/// Entries, and the trees without and with them. Bundles, tiles and the root follow from it, so
/// that whoever completes it writes the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The tree that it continues.
    pub(crate) from: Checkpoint,
    /// How many entries there are with it.
    pub(crate) size: u64,
    /// The root over them.
    pub(crate) root: Hash,
    /// What it adds.
    pub(crate) entries: Vec<Bytes>,
}

impl Stage {
    /// Reads a stage that the key signed.
    ///
    /// Error: why it is none.
    pub(crate) fn parse(bytes: &Bytes, key: &VerifierKey) -> Result<Self, String> {
        let malformed = || "it is no stage".to_string();
        // The note has one signature: it ends with the line behind the empty one.
        let text = bytes.windows(2).position(|two| two == b"\n\n").ok_or_else(malformed)? + 2;
        let line = bytes[text..].iter().position(|&byte| byte == b'\n').ok_or_else(malformed)?;
        let end = text + line + 1;
        let spelled = |error: precise_core::Error| format!("it is no stage: {error}");
        let note = Note::parse(&bytes[..end]).map_err(spelled)?;
        note.open(std::slice::from_ref(key))
            .map_err(|_| "the log's key did not sign it".to_string())?;
        let rest = note.text().strip_prefix(HEADER).ok_or_else(malformed)?;
        let lines: Vec<&str> = rest.lines().collect();
        let [origin, from_size, from_root, size, root] = lines[..] else {
            return Err(malformed());
        };
        let read = |size: &str, root: &str| {
            Checkpoint::parse(&format!("{origin}\n{size}\n{root}\n")).map_err(spelled)
        };
        let from = read(from_size, from_root)?;
        let Checkpoint { size, root, .. } = read(size, root)?;
        let entries =
            parse_bundle(&bytes.slice(end..)).ok_or_else(|| "it is cut off".to_string())?;
        if entries.is_empty() || from.size.checked_add(entries.len() as u64) != Some(size) {
            return Err("it has another number of entries than it says".to_string());
        }
        Ok(Self { from, size, root, entries })
    }

    /// The object.
    ///
    /// Error: PR403 for an origin that no note can hold.
    pub(crate) fn to_bytes(&self, signer: &Signer) -> precise_core::Result<Bytes> {
        let to = Checkpoint { size: self.size, root: self.root, ..self.from.clone() }.to_text();
        let to = to.strip_prefix(self.from.origin.as_str()).unwrap_or_default();
        let text = format!("{HEADER}{}{}", self.from.to_text(), to.trim_start_matches('\n'));
        let note = Note::new(&text, vec![signer.sign(&text, 0)?])?;
        let mut bytes = BytesMut::from(note.to_text().as_bytes());
        for entry in &self.entries {
            push_entry(&mut bytes, entry);
        }
        Ok(bytes.freeze())
    }
}
