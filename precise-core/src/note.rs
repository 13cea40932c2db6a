//! Signed notes: keys, signatures, cosignatures (SPEC.md section 4.2), and the checkpoint that a
//! log signs (4.3).
//!
//! The formats are C2SP's: signed-note, tlog-cosignature, tlog-checkpoint. Where those leave a
//! verifier a choice, this one refuses: each text has one spelling, and is compared with it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::merkle::Hash;
use crate::tlog;

/// Signatures of one note that are read. C2SP wants 16 at least.
pub const MAX_SIGNATURES: usize = 100;

/// Sizes, indices and times stay where a signed integer of 64 bits holds them.
pub const MAX_DECIMAL: u64 = i64::MAX as u64;

/// Begins a signature line: U+2014 and a space.
const DASH: &str = "\u{2014} ";

/// Begins the text of a signing key.
const SIGNING_KEY: &str = "PRIVATE+KEY+";

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// The note's text.
    Ed25519 = 0x01,
    /// A time and the note's text: a cosignature.
    Cosignature = 0x04,
}

impl Algorithm {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::Cosignature].into_iter().find(|known| *known as u8 == byte)
    }
}

/// The first four bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key).
pub type KeyId = [u8; 4];

/// Who may have signed a note: `name+530d903a+base64(algorithm ‖ public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key with these 32 bytes.
    ///
    /// Error: PR401 for a name that no note can hold, and for bytes that are no point of the
    /// curve, another spelling of one, or one of small order, for which anybody can sign.
    pub fn new(name: &str, algorithm: Algorithm, public_key: &[u8; 32]) -> Result<Self> {
        let malformed = |detail| Error::new(Code::VerifierKey).because(detail);
        if !is_name(name) {
            return Err(malformed("its name is empty, or has a space or a plus in it"));
        }
        let key = VerifyingKey::from_bytes(public_key)
            .ok()
            .filter(|key| key.to_edwards().compress().as_bytes() == public_key && !key.is_weak())
            .ok_or_else(|| malformed("it is no point of Ed25519 that a secret belongs to"))?;
        let id = key_id(name, algorithm, public_key);
        Ok(Self { name: name.into(), id, algorithm, key })
    }

    /// Reads a key.
    ///
    /// Error: PR401 for any spelling [`to_text`](Self::to_text) does not give.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |detail| Error::new(Code::VerifierKey).because(detail);
        let expected = "expected name+id+key";
        let (name, rest) = text.split_once('+').ok_or_else(|| malformed(expected))?;
        let (_, encoded) = rest.split_once('+').ok_or_else(|| malformed(expected))?;
        let bytes = BASE64.decode(encoded).map_err(|_| malformed("the key is not base64"))?;
        let (&[byte], public_key) =
            bytes.split_first_chunk::<1>().ok_or_else(|| malformed("the key is empty"))?;
        let algorithm = Algorithm::from_byte(byte)
            .ok_or_else(|| malformed("the key is neither Ed25519 nor a cosigner's"))?;
        let public_key =
            public_key.try_into().map_err(|_| malformed("the key is not of 32 bytes"))?;
        let key = Self::new(name, algorithm, public_key)?;
        if key.to_text() == text {
            Ok(key)
        } else {
            Err(malformed("the id is that of another key"))
        }
    }

    /// `name+530d903a+…`
    pub fn to_text(&self) -> String {
        let encoded = encode_key(self.algorithm, self.key.as_bytes());
        alloc::format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), *encoded)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The 32 bytes.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is of `text`; of a cosignature, the time that it states.
    ///
    /// Error: PR404.
    fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>> {
        let wrong = || {
            let detail = alloc::format!("it is by {}", self.name);
            Error::new(Code::Signature).because(detail)
        };
        let (time, signature) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature),
            Algorithm::Cosignature => {
                let (time, signature) = signature.split_first_chunk().ok_or_else(wrong)?;
                (Some(u64::from_be_bytes(*time)), signature)
            }
        };
        if time.is_some_and(|time| time > MAX_DECIMAL) {
            return Err(wrong());
        }
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        let verified = match time {
            None => self.key.verify_strict(text.as_bytes(), &signature),
            Some(time) => self.key.verify_strict(&cosigned(text, time), &signature),
        };
        verified.map(|()| time).map_err(|_| wrong())
    }
}

/// Whether a key may have the name: not empty, no white space, no plus, no control character.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ')
}

fn key_id(name: &str, algorithm: Algorithm, public_key: &[u8; 32]) -> KeyId {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', algorithm as u8]);
    hasher.update(public_key);
    let [a, b, c, d, ..]: Hash = hasher.finalize().into();
    [a, b, c, d]
}

/// The key part of a key's text, which may be secret.
fn encode_key(algorithm: Algorithm, key: &[u8; 32]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([algorithm as u8; 33]);
    bytes[1..].copy_from_slice(key);
    Zeroizing::new(BASE64.encode(*bytes))
}

/// What a cosigner signs.
fn cosigned(text: &str, time: u64) -> Vec<u8> {
    alloc::format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// Who signs: `PRIVATE+KEY+name+530d903a+base64(algorithm ‖ seed)`. Erased from memory when it
/// goes; not printed by `Debug`.
pub struct Signer {
    key: SigningKey,
    verifier_key: VerifierKey,
}

impl Signer {
    /// The signer whose 32 secret bytes, chosen at random, are `seed`.
    ///
    /// Error: PR402 for a name that no note can hold.
    pub fn from_seed(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self> {
        let key = SigningKey::from_bytes(seed);
        let verifier_key = VerifierKey::new(name, algorithm, key.verifying_key().as_bytes())
            .map_err(|error| {
                let detail = error.detail().unwrap_or_default().to_string();
                Error::new(Code::SigningKey).because(detail)
            })?;
        Ok(Self { key, verifier_key })
    }

    /// Reads a key.
    ///
    /// Error: PR402 for any spelling [`to_text`](Self::to_text) does not give. It never shows the
    /// key.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |detail| Error::new(Code::SigningKey).because(detail);
        let expected = "expected PRIVATE+KEY+name+id+key";
        let rest = text.strip_prefix(SIGNING_KEY).ok_or_else(|| malformed(expected))?;
        let (name, rest) = rest.split_once('+').ok_or_else(|| malformed(expected))?;
        let (_, encoded) = rest.split_once('+').ok_or_else(|| malformed(expected))?;
        // Three bytes for four characters: what is longer is no key.
        let mut bytes = Zeroizing::new([0; 36]);
        let len = BASE64
            .decode_slice(encoded, &mut *bytes)
            .map_err(|_| malformed("the key is not base64 of 33 bytes"))?;
        let (&[byte], seed) = bytes[..len]
            .split_first_chunk::<1>()
            .ok_or_else(|| malformed("the key is not base64 of 33 bytes"))?;
        let seed = seed.try_into().map_err(|_| malformed("the key is not base64 of 33 bytes"))?;
        let algorithm = Algorithm::from_byte(byte)
            .ok_or_else(|| malformed("the key is neither Ed25519 nor a cosigner's"))?;
        let signer = Self::from_seed(name, algorithm, seed)?;
        if *signer.to_text() == *text {
            Ok(signer)
        } else {
            Err(malformed("the id is that of another key"))
        }
    }

    /// `PRIVATE+KEY+…`
    pub fn to_text(&self) -> Zeroizing<String> {
        let VerifierKey { name, id, algorithm, .. } = &self.verifier_key;
        let encoded = encode_key(*algorithm, self.key.as_bytes());
        let id = u32::from_be_bytes(*id);
        Zeroizing::new(alloc::format!("{SIGNING_KEY}{name}+{id:08x}+{}", *encoded))
    }

    /// The key that verifies what this one signs.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier_key
    }

    /// Signs `text`, at `time` (POSIX seconds) if this is a cosigner, which others do not state.
    ///
    /// Error: PR403 for a text that no note can hold, or a time above 2^63 − 1.
    pub fn sign(&self, text: &str, time: u64) -> Result<NoteSignature> {
        check_text(text)?;
        let mut bytes = Vec::with_capacity(72);
        let signature = match self.verifier_key.algorithm {
            Algorithm::Ed25519 => self.sign_bytes(text.as_bytes()),
            Algorithm::Cosignature => {
                if time > MAX_DECIMAL {
                    return Err(Error::new(Code::Note).because("the time is above 2^63 - 1"));
                }
                bytes.extend_from_slice(&time.to_be_bytes());
                self.sign_bytes(&cosigned(text, time))
            }
        };
        bytes.extend_from_slice(&signature);
        let VerifierKey { name, id, .. } = &self.verifier_key;
        Ok(NoteSignature { name: name.clone(), id: *id, bytes })
    }

    fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, …)", self.verifier_key.name)
    }
}

/// One signature line, not verified: `— name base64(id ‖ signature)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads a line without its line feed.
    ///
    /// Error: PR403.
    pub fn parse(line: &str) -> Result<Self> {
        let malformed = |detail| Error::new(Code::Note).because(detail);
        let (name, encoded) = line
            .strip_prefix(DASH)
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(|| malformed("a signature is not a dash, a name and base64"))?;
        if !is_name(name) {
            return Err(malformed("a signer's name has white space or a plus in it"));
        }
        let bytes = BASE64.decode(encoded).map_err(|_| malformed("a signature is not base64"))?;
        let (id, signature) = bytes
            .split_first_chunk()
            .filter(|(_, signature)| !signature.is_empty())
            .ok_or_else(|| malformed("a signature is shorter than five bytes"))?;
        Ok(Self { name: name.into(), id: *id, bytes: signature.into() })
    }

    /// The line, without a line feed.
    pub fn to_line(&self) -> String {
        let bytes = [&self.id[..], &self.bytes].concat();
        alloc::format!("{DASH}{} {}", self.name, BASE64.encode(bytes))
    }

    /// Whether it says that it is by `key`.
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id && self.name == key.name
    }
}

/// A text and the signatures below it, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// The note of `text`, which ends with a line feed, and at least one signature.
    ///
    /// Error: PR403 for a text that no note can hold, and for no or too many signatures.
    pub fn new(text: &str, signatures: Vec<NoteSignature>) -> Result<Self> {
        check_text(text)?;
        if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
            let detail = alloc::format!("it has {} signatures", signatures.len());
            return Err(Error::new(Code::Note).because(detail));
        }
        Ok(Self { text: text.into(), signatures })
    }

    /// Reads a note. The text ends before the last empty line.
    ///
    /// Error: PR403 for any spelling [`to_text`](Self::to_text) does not give.
    pub fn parse(note: &[u8]) -> Result<Self> {
        let malformed = |detail| Error::new(Code::Note).because(detail);
        let note = core::str::from_utf8(note).map_err(|_| malformed("it is not UTF-8"))?;
        let (text, lines) =
            note.rsplit_once("\n\n").ok_or_else(|| malformed("it has no empty line"))?;
        let lines =
            lines.strip_suffix('\n').ok_or_else(|| malformed("its last line does not end"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(malformed("it has too many signatures"));
        }
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_>>()?;
        Self::new(&note[..=text.len()], signatures)
    }

    /// The text, an empty line, the signatures.
    pub fn to_text(&self) -> String {
        let mut note = alloc::format!("{}\n", self.text);
        for signature in &self.signatures {
            note.push_str(&signature.to_line());
            note.push('\n');
        }
        note
    }

    /// The text, with its last line feed. Nobody has vouched for it; see [`open`](Self::open).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, as they stand in the note.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Who of `keys` signed, each once and in the order of the keys. Signatures by others are
    /// passed over.
    ///
    /// Errors: PR404 if a signature by one of them is wrong, PR405 if there is none.
    pub fn open<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Opened<'k>>> {
        let mut opened: Vec<Opened<'k>> = Vec::new();
        for key in keys {
            let mut signed = None;
            for signature in self.signatures.iter().filter(|signature| signature.is_by(key)) {
                // A cosigner that signed twice vouches for the later time.
                signed = signed.max(Some(key.verify(&self.text, &signature.bytes)?));
            }
            opened.extend(signed.map(|time| Opened { key, time }));
        }
        if opened.is_empty() { Err(Error::new(Code::Unsigned)) } else { Ok(opened) }
    }
}

/// A signature of a note that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'k> {
    /// Whose it is.
    pub key: &'k VerifierKey,
    /// When it was made, POSIX seconds, if it is a cosignature.
    pub time: Option<u64>,
}

fn check_text(text: &str) -> Result<()> {
    let malformed = |detail| Error::new(Code::Note).because(detail);
    if !text.ends_with('\n') {
        return Err(malformed("its text does not end with a line feed"));
    }
    if text.contains(|c: char| c < ' ' && c != '\n') {
        return Err(malformed("its text has a control character in it"));
    }
    Ok(())
}

/// What a log signs: `origin\nsize\nbase64(root)\n`, perhaps with lines behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Further lines, which nobody checks. Precise writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// Error: PR406 for any spelling [`to_text`](Self::to_text) does not give, and for an empty
    /// tree with another root than its own.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |detail| Error::new(Code::Checkpoint).because(detail);
        let body =
            text.strip_suffix('\n').ok_or_else(|| malformed("its last line does not end"))?;
        let mut lines = body.split('\n');
        let mut line = || lines.next().ok_or_else(|| malformed("it has fewer than three lines"));
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = parse_decimal(size).ok_or_else(|| malformed("its size is no decimal"))?;
        let root = parse_hash_line(root).ok_or_else(|| malformed("its root is not base64"))?;
        let extensions: Vec<String> = lines.map(String::from).collect();
        if origin.is_empty() || extensions.iter().any(String::is_empty) {
            return Err(malformed("a line is empty"));
        }
        if size == 0 && root != tlog::empty_root() {
            return Err(malformed("the root of no entries is another"));
        }
        Ok(Self { origin: origin.into(), size, root, extensions })
    }

    /// The text to sign.
    pub fn to_text(&self) -> String {
        let root = BASE64.encode(self.root);
        let mut text = alloc::format!("{}\n{}\n{root}\n", self.origin, self.size);
        for extension in &self.extensions {
            text.push_str(extension);
            text.push('\n');
        }
        text
    }
}

/// Digits without a leading zero, up to 2^63 − 1.
pub(crate) fn parse_decimal(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok().filter(|&number| number <= MAX_DECIMAL)?;
    // `parse` takes a plus and leading zeros.
    (number.to_string() == digits).then_some(number)
}

/// A hash in base64.
pub(crate) fn parse_hash_line(line: &str) -> Option<Hash> {
    BASE64.decode(line).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72\
        IneyaQM=\n";

    fn signer(name: &str, algorithm: Algorithm) -> Signer {
        Signer::from_seed(name, algorithm, &[7; 32]).unwrap()
    }

    #[test]
    fn the_note_of_the_specification_opens() {
        let key = VerifierKey::parse(KEY).unwrap();
        assert_eq!((key.name(), key.id()), ("example.com/foo", [0x53, 0x0D, 0x90, 0x3A]));
        assert_eq!(key.to_text(), KEY);
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        assert_eq!(note.to_text(), NOTE);
        let keys = [key];
        assert_eq!(note.open(&keys), Ok(alloc::vec![Opened { key: &keys[0], time: None }]));
    }

    #[test]
    fn a_text_may_have_empty_lines_and_a_note_many_signatures() {
        let (log, witness) = (signer("a", Algorithm::Ed25519), signer("w", Algorithm::Cosignature));
        let text = "one\n\n\ntwo\n";
        let signatures = alloc::vec![log.sign(text, 0).unwrap(), witness.sign(text, 9).unwrap()];
        let note = Note::new(text, signatures).unwrap();
        let read = Note::parse(note.to_text().as_bytes()).unwrap();
        assert_eq!(read, note);
        let keys = [witness.verifier_key().clone(), log.verifier_key().clone()];
        let times: Vec<_> = read.open(&keys).unwrap().iter().map(|opened| opened.time).collect();
        assert_eq!(times, [Some(9), None]);
    }

    #[test]
    fn a_cosigner_that_signed_twice_vouches_for_the_later_time() {
        let witness = signer("w", Algorithm::Cosignature);
        let lines = [5, 9, 7].map(|time| witness.sign("a\n", time).unwrap());
        let note = Note::new("a\n", lines.to_vec()).unwrap();
        let keys = [witness.verifier_key().clone()];
        assert_eq!(note.open(&keys).unwrap()[0].time, Some(9));
    }

    #[test]
    fn unknown_signatures_are_passed_over_and_wrong_ones_are_not() {
        let (log, other) = (signer("a", Algorithm::Ed25519), signer("b", Algorithm::Ed25519));
        let keys = [log.verifier_key().clone()];
        let foreign = other.sign("a\n", 0).unwrap();
        let only = Note::new("a\n", alloc::vec![foreign.clone()]).unwrap();
        assert_eq!(only.open(&keys).unwrap_err().code(), Code::Unsigned);
        assert_eq!(only.open(&[]).unwrap_err().code(), Code::Unsigned);
        let right = log.sign("a\n", 0).unwrap();
        let wrong = log.sign("b\n", 0).unwrap();
        let both = Note::new("a\n", alloc::vec![foreign, right.clone()]).unwrap();
        assert_eq!(both.open(&keys).unwrap().len(), 1);
        let one_wrong = Note::new("a\n", alloc::vec![right, wrong]).unwrap();
        assert_eq!(one_wrong.open(&keys).unwrap_err().code(), Code::Signature);
        // One and the same key as log and as cosigner has two ids.
        let cosigner = signer("a", Algorithm::Cosignature);
        assert_ne!(cosigner.verifier_key().id(), log.verifier_key().id());
    }

    #[test]
    fn a_cosigner_states_a_time_that_all_can_hold() {
        let witness = signer("w", Algorithm::Cosignature);
        assert!(witness.sign("a\n", MAX_DECIMAL).is_ok());
        assert_eq!(witness.sign("a\n", MAX_DECIMAL + 1).unwrap_err().code(), Code::Note);
        let mut signature = witness.sign("a\n", 1).unwrap();
        for bytes in [alloc::vec![0xFF; 72], alloc::vec![0; 7], alloc::vec![0; 71]] {
            signature.bytes = bytes;
            let note = Note::new("a\n", alloc::vec![signature.clone()]).unwrap();
            let error = note.open(&[witness.verifier_key().clone()]).unwrap_err();
            assert_eq!(error.code(), Code::Signature);
        }
    }

    #[test]
    fn keys_for_which_anybody_can_sign_are_refused() {
        // Small order; not on the curve; y = p + 3, which is 3 spelled otherwise.
        let mut minus_one = [0xFF; 32];
        (minus_one[0], minus_one[31]) = (0xEC, 0x7F);
        let mut respelled = [0xFF; 32];
        (respelled[0], respelled[31]) = (0xF0, 0x7F);
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        for key in [[0; 32], minus_one, respelled, off_curve] {
            let error = VerifierKey::new("a", Algorithm::Ed25519, &key).unwrap_err();
            assert_eq!(error.code(), Code::VerifierKey, "{key:?}");
        }
    }

    #[test]
    fn a_name_has_no_spaces_and_no_plus() {
        for name in ["", " ", "a b", "a+b", "a\n", "a\u{a0}b", "a\u{2003}", "a\u{1}"] {
            let error = Signer::from_seed(name, Algorithm::Ed25519, &[7; 32]).unwrap_err();
            assert_eq!(error.code(), Code::SigningKey, "{name:?}");
        }
        assert!(
            Signer::from_seed("d\u{f6}ner.example/a\u{b7}b", Algorithm::Ed25519, &[7; 32]).is_ok()
        );
    }

    #[test]
    fn notes_have_one_spelling() {
        let line = NOTE.split_once("\n\n").unwrap().1;
        let many = |count: usize| alloc::format!("a\n\n{}", line.repeat(count));
        assert!(Note::parse(many(MAX_SIGNATURES).as_bytes()).is_ok());
        for wrong in [
            String::new(),
            "\n".into(),
            "a\n".into(),
            "a\n\n".into(),
            "\n\n".into(),
            line.into(),
            alloc::format!("a\n{line}"),
            NOTE.trim_end().into(),
            alloc::format!("{NOTE}\n"),
            alloc::format!("{NOTE}a"),
            NOTE.replace('\u{2014}', "-"),
            NOTE.replace("\u{2014} ", "\u{2014}"),
            NOTE.replace("foo ", "foo  "),
            NOTE.replace("foo ", "foo"),
            NOTE.replace("foo ", "f+oo "),
            NOTE.replace("example.com/foo ", " "),
            NOTE.replace("aQM=", "aQM"),
            NOTE.replace("aQM=", "aQN="),
            NOTE.replace("aQM=", "aQM=="),
            NOTE.replace(" is ", " is\t"),
            NOTE.replace('\n', "\r\n"),
            NOTE.replace("message", "mess\u{1b}age"),
            "a\n\n\u{2014} a AAAAAA==\n".into(),
            "a\n\n\u{2014} a \n".into(),
            many(MAX_SIGNATURES + 1),
        ] {
            assert_eq!(Note::parse(wrong.as_bytes()).unwrap_err().code(), Code::Note, "{wrong:?}");
        }
        assert_eq!(Note::parse(b"a\xFF\n\n").unwrap_err().code(), Code::Note);
        assert_eq!(Note::new("a\n", Vec::new()).unwrap_err().code(), Code::Note);
        assert_eq!(signer("a", Algorithm::Ed25519).sign("a", 0).unwrap_err().code(), Code::Note);
    }

    #[test]
    fn checkpoints_have_one_spelling() {
        let root = BASE64.encode([1; 32]);
        let plain = alloc::format!("example.com/log\n7\n{root}\n");
        let extended = alloc::format!("{plain}more\nlines \u{2014}\n");
        for text in [&plain, &extended] {
            assert_eq!(Checkpoint::parse(text).unwrap().to_text(), *text);
        }
        let empty = alloc::format!("a\n0\n{}\n", BASE64.encode(tlog::empty_root()));
        assert!(Checkpoint::parse(&empty).is_ok());
        for wrong in [
            String::new(),
            "\n".into(),
            "a\n7\n".into(),
            plain.trim_end().into(),
            alloc::format!("{plain}\n"),
            alloc::format!("{plain}\nmore\n"),
            plain.replace("example.com/log", ""),
            plain.replace("\n7\n", "\n07\n"),
            plain.replace("\n7\n", "\n+7\n"),
            plain.replace("\n7\n", "\n-7\n"),
            plain.replace("\n7\n", "\n7 \n"),
            plain.replace("\n7\n", "\n\n"),
            plain.replace("\n7\n", "\n0\n"),
            plain.replace("\n7\n", "\n9223372036854775808\n"),
            plain.replace(&root, &BASE64.encode([1; 31])),
            plain.replace(&root, root.trim_end_matches('=')),
        ] {
            assert_eq!(
                Checkpoint::parse(&wrong).unwrap_err().code(),
                Code::Checkpoint,
                "{wrong:?}"
            );
        }
        assert!(Checkpoint::parse(&plain.replace("\n7\n", "\n9223372036854775807\n")).is_ok());
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        let signer = signer("a", Algorithm::Ed25519);
        assert_eq!(alloc::format!("{signer:?}"), "Signer(a, \u{2026})");
        let error = Signer::parse(&signer.to_text()[1..]).unwrap_err();
        assert!(!error.to_string().contains(&signer.to_text()[20..]));
    }
}
