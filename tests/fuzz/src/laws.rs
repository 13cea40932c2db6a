//! The laws of texts and documents.

use precise_core::canonical::{Canonicalizer, MAX_LEN, canonicalize, rfc8785};
use precise_core::cohort::CohortId;
use precise_core::document::Document;
use precise_core::field::FieldPath;
use precise_core::json::Reader;
use precise_core::merkle::{Absence, Inclusion, combine, node, parse_roots};
use precise_core::proof::{self, ProofDocument};
use precise_core::ruleset::{Matcher, Ruleset};
use precise_core::{Code, Error, Hash, Result, hex, number};

/// An accepted text has a form that is its own form; a refused one leaves no trace, and a code
/// with a place.
pub fn canonical(text: &[u8]) {
    let result = canonicalize(text);
    let mut canonicalizer = Canonicalizer::default();
    assert_eq!(canonicalizer.check(text), result.clone().map(drop));
    let mut target = b"before".to_vec();
    assert_eq!(canonicalizer.append(text, &mut target), result.clone().map(drop));
    let (before, appended) = target.split_at(6);
    assert_eq!(before, b"before");
    match result {
        Ok(form) => {
            assert_eq!(appended, form);
            assert!(form.len() <= MAX_LEN);
            assert_plain(&form);
            assert_eq!(canonicalizer.append(&form, &mut target), Ok(()));
            assert_eq!(target[6..], [&form[..], &form].concat());
            assert_eq!(rfc8785(text), Ok(form));
        }
        Err(error) => {
            assert_eq!(appended, b"");
            assert_placed(&error, text);
            // The plain printer reads the same grammar, and differs in numbers alone.
            let plain = rfc8785(text);
            if !matches!(error.code(), Code::NumberPrecision | Code::NumberRange) {
                assert_eq!(plain, Err(error));
            }
        }
    }
}

/// Bytes that are read as a jsonb have a form that is its own form; those that are damaged or
/// refused leave no trace, and a refusal has a code and a place.
pub fn jsonb(bytes: &[u8]) {
    let mut reader = precise_jsonb::Reader::default();
    let mut target = b"before".to_vec();
    let read = Canonicalizer::default()
        .append_document(&mut target, |encoder| reader.read(bytes, encoder));
    match (reader.take_damage(), read) {
        (false, Ok(())) => {
            let form = &target[6..];
            assert!(form.len() <= MAX_LEN);
            assert_plain(form);
            assert_eq!(canonicalize(form).as_deref(), Ok(form));
        }
        (is_damaged, Err(error)) => {
            assert_eq!(target, b"before");
            let code = error.code() as u16;
            assert!(is_damaged || matches!(code, 106 | 201 | 202 | 901 | 902), "{error:?}");
        }
        (true, Ok(())) => panic!("damaged and read all the same"),
    }
}

/// Cells that are accepted have a form that is its own form; a refusal has a code and a place, and
/// leaves no trace.
pub fn cells(text: &[u8]) {
    let mut canonicalizer = Canonicalizer::default();
    let mut target = b"before".to_vec();
    match canonicalizer.append_cells(text, &mut target) {
        Ok(()) => {
            let form = &target[6..];
            assert!(form.len() <= MAX_LEN);
            assert_plain(form);
            assert_eq!(canonicalize(form).as_deref(), Ok(form));
        }
        Err(error) => {
            assert_eq!(target, b"before");
            assert!(error.path().is_some_and(|path| path.starts_with('$')), "{error:?}");
            let code = error.code() as u16;
            assert!(matches!(code, 101..=108 | 112 | 116..=119 | 201 | 202 | 901 | 902));
        }
    }
    // What was refused leaves nothing in the buffers either.
    let mut again = Vec::new();
    assert_eq!(canonicalizer.append(b"{\"b\":1.0,\"a\":2}", &mut again), Ok(()));
    assert_eq!(again, b"{\"a\":2,\"b\":1}");
}

/// UTF-8 without white space and control characters outside strings, and with the shortest escapes
/// in them.
fn assert_plain(form: &[u8]) {
    let text = core::str::from_utf8(form).expect("a canonical form is UTF-8");
    let mut characters = text.chars();
    let mut in_string = false;
    while let Some(character) = characters.next() {
        assert!(character >= ' ', "{character:?} stands bare");
        match character {
            '"' => in_string = !in_string,
            '\\' => {
                assert!(in_string);
                match characters.next() {
                    Some('"' | '\\' | 'b' | 'f' | 'n' | 'r' | 't') => {}
                    Some('u') => {
                        let digits: String = characters.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).expect("four hex digits");
                        assert!(matches!(code, 1..8 | 0x0B | 0x0E..0x20), "\\u{digits}");
                        assert_eq!(digits, format!("{code:04x}"));
                    }
                    other => panic!("escape {other:?}"),
                }
            }
            _ => assert!(in_string || !character.is_whitespace()),
        }
    }
    assert!(!in_string);
}

fn assert_placed(error: &Error, text: &[u8]) {
    assert!(matches!(error.code() as u16, 101..=108 | 201 | 202 | 901 | 902), "{error:?}");
    assert!(error.path().is_some_and(|path| path.starts_with('$')), "{error:?}");
    assert!(error.offset().is_some_and(|offset| offset <= text.len()), "{error:?}");
}

/// A number is kept exactly or refused, and every binary64 is printed as what is kept.
pub fn number(data: &[u8]) {
    if let Some(bits) = data.first_chunk() {
        printed(f64::from_bits(u64::from_le_bytes(*bits)));
    }
    let Ok(text) = core::str::from_utf8(data) else { return };
    if text.is_empty()
        || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return;
    }
    let result = canonicalize(data);
    let within = canonicalize(format!("[{text}]").as_bytes());
    match result {
        Ok(form) => {
            let form = String::from_utf8(form).expect("a canonical form is UTF-8");
            assert_eq!(within, Ok(format!("[{form}]").into_bytes()));
            assert_eq!(decimal(text), decimal(&form));
            let f: f64 = text.parse().expect("Rust reads every JSON number");
            assert_eq!(printed(f), Some(form.clone()));
            assert_eq!(rfc8785(data), Ok(form.into_bytes()));
        }
        Err(error) => {
            let code = within.expect_err("a list of it is refused too").code();
            // The end of the text, which cut it off, is a bracket there.
            let expected = match error.code() {
                Code::UnexpectedEnd | Code::TrailingBytes => Code::Syntax,
                other => other,
            };
            assert_eq!(code, expected, "{text}");
        }
    }
}

/// Prints `f`, if it is a number, and checks that the gate keeps what was printed.
fn printed(f: f64) -> Option<String> {
    let mut out = Vec::new();
    let result = number::append_f64(f, &mut out);
    assert_eq!(result, if f.is_finite() { Ok(()) } else { Err(Code::NumberRange) });
    result.ok()?;
    assert_eq!(canonicalize(&out), Ok(out.clone()));
    let text = String::from_utf8(out).expect("digits are ASCII");
    let again: f64 = text.parse().expect("Rust reads every JSON number");
    // Both zeros are printed as 0.
    assert_eq!((f + 0.0).to_bits(), again.to_bits(), "{text}");
    Some(text)
}

/// Sign, digits without zeros at both ends, and the power of ten of the first; none for zero.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches('-');
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = [integer, fraction].concat();
    let behind_zeros = all.trim_start_matches('0');
    let digits = behind_zeros.trim_end_matches('0');
    if digits.is_empty() {
        return None;
    }
    let zeros = all.len() - behind_zeros.len();
    let exponent: i64 = exponent.parse().expect("an accepted number that is not 0 has a small one");
    Some((negative, digits.into(), exponent + integer.len() as i64 - 1 - zeros as i64))
}

/// A document that is accepted is printed as its own canonical form, so that nothing in it was
/// passed over.
pub(crate) fn assert_document<T: PartialEq + core::fmt::Debug>(
    text: &[u8],
    code: Code,
    parse: fn(&[u8]) -> Result<T>,
    print: fn(&T) -> String,
) -> Option<T> {
    match parse(text) {
        Ok(document) => {
            let printed = print(&document);
            assert_eq!(canonicalize(text).as_deref(), Ok(printed.as_bytes()));
            assert_eq!(parse(printed.as_bytes()).as_ref(), Ok(&document));
            Some(document)
        }
        Err(error) => {
            assert_eq!(error.code(), code);
            None
        }
    }
}

/// A proof document is its canonical form, and does not match a record it was not made of.
pub fn proof_document(text: &[u8]) {
    let parsed =
        assert_document(text, Code::ProofDocument, ProofDocument::parse, ProofDocument::to_json);
    if let Some(document) = parsed {
        let claimed = document.matches(text, None);
        if document.blinded() {
            assert_eq!(claimed.map_err(|error| error.code()), Err(Code::MissingBlind));
        } else {
            assert_eq!(claimed, Ok(false), "no document holds its own hash");
        }
    }
}

/// An inclusion proof is its canonical form, and leads to no root that was chosen before it.
pub fn inclusion(text: &[u8]) {
    if let Some(inclusion) =
        assert_document(text, Code::Inclusion, Inclusion::parse, Inclusion::to_json)
    {
        assert!(inclusion.index() < inclusion.count());
        assert!(inclusion.count() < 1 << 53);
        assert!(!inclusion.verify(&[0; 32], &[0; 32]));
    }
}

/// An absence proof is its canonical form, and holds under no root that was chosen before it.
pub fn absence(text: &[u8]) {
    if let Some(absence) = assert_document(text, Code::Absence, Absence::parse, Absence::to_json) {
        assert!((1..1 << 53).contains(&absence.count()));
        for hash in [[0; 32], [0x7F; 32], [0xFF; 32]] {
            assert!(!absence.verify(&hash, &[0; 32]));
        }
    }
}

/// Block roots combine to the tree over them, whatever their size; without one there is no tree.
/// The first byte is k.
pub fn block_roots(data: &[u8]) {
    let Some((&k, text)) = data.split_first() else { return };
    let print = |roots: &Vec<Hash>| {
        let roots: Vec<_> =
            roots.iter().map(|root| format!("\"{}\"", hex::format_hash(root))).collect();
        format!("[{}]", roots.join(","))
    };
    let Some(roots) = assert_document(text, Code::BlockRoots, parse_roots, print) else { return };
    match combine(&roots, k.into()) {
        Ok(root) => {
            assert!(k < 64);
            assert_eq!(root, tree(&roots));
        }
        Err(error) => {
            assert_eq!(error.code(), Code::BlockRoots);
            assert!(k > 63 || roots.is_empty());
        }
    }
}

/// RFC 9162 section 2.1.1 over hashes that are nodes already, as it is written there.
fn tree(nodes: &[Hash]) -> Hash {
    if let [root] = nodes {
        return *root;
    }
    let (left, right) = nodes.split_at(1 << (nodes.len() - 1).ilog2());
    node(&tree(left), &tree(right))
}

/// A hash has one spelling as an id and one as hex, and nothing else is read.
pub fn proof_id(data: &[u8]) {
    if let Some(hash) = data.first_chunk() {
        assert_eq!(proof::parse_id(&proof::format_id(hash)), Ok(*hash));
        assert_eq!(hex::parse_hash(&hex::format_hash(hash)), Ok(*hash));
    }
    let Ok(text) = core::str::from_utf8(data) else { return };
    if text.starts_with('{') {
        return;
    }
    let (code, print): (_, fn(&Hash) -> String) = if text.starts_with("0x") {
        (Code::Hash, hex::format_hash)
    } else {
        (Code::ProofId, proof::format_id)
    };
    match proof::parse_spelling(text) {
        Ok(hash) => assert_eq!(print(&hash), text),
        Err(error) => assert_eq!(error.code(), code),
    }
}

/// A field's path finds what walking the record's tree finds. The path is the first line.
pub fn field_path(data: &[u8]) {
    let Some(end) = data.iter().position(|&byte| byte == b'\n') else { return };
    let Ok(path) = core::str::from_utf8(&data[..end]) else { return };
    let names: Vec<&str> = path.split('.').collect();
    let field = match FieldPath::parse(path) {
        Ok(field) => field,
        Err(error) => {
            assert_eq!(error.code(), Code::RecordId);
            assert!(names.contains(&""));
            return;
        }
    };
    assert!(!names.contains(&""));
    let Ok(form) = canonicalize(&data[end + 1..]) else { return };
    let tree = Document::read(&form, Code::Syntax).expect("a canonical form is a document");
    let found = field.record_id(&mut Reader::default(), &form).map_err(|error| error.code());
    assert_eq!(found, walk(&tree, &names).ok_or(Code::RecordId));
}

fn walk(tree: &Document, names: &[&str]) -> Option<String> {
    match (tree, names) {
        (Document::Object(members), [name, rest @ ..]) => {
            members.iter().find(|(key, _)| key == name).and_then(|(_, value)| walk(value, rest))
        }
        (Document::String(id), []) if !id.is_empty() => Some(id.clone()),
        (Document::Number(id), []) => Some(id.clone()),
        _ => None,
    }
}

/// A rule set is refused by a code of its own, or is that of its canonical form, in which every
/// record has cohorts, sorted.
pub fn ruleset(data: &[u8]) {
    let codes = [Code::Ruleset, Code::CohortId, Code::CohortNames];
    let ruleset = match Ruleset::parse(data) {
        Ok(ruleset) => ruleset,
        Err(error) => return assert!(codes.contains(&error.code()), "{error}"),
    };
    let canonical = canonicalize(data);
    let again = canonical.as_deref().map(Ruleset::parse);
    assert!(matches!(again, Ok(Ok(again)) if again.hash() == ruleset.hash()));
    let mut matcher = Matcher::default();
    // The rule set itself is a record as well.
    for record in
        [canonical.as_deref().unwrap_or_default(), b"{}", br#"{"dma":"501","zip":"10013"}"#]
    {
        match matcher.ids(&ruleset, record) {
            Ok(ids) => {
                let ids: Vec<&str> = ids.collect();
                assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
                assert!(ids.iter().all(|id| CohortId::parse(id).is_ok()), "{ids:?}");
            }
            Err(error) => panic!("a canonical form is read: {error}"),
        }
    }
}
