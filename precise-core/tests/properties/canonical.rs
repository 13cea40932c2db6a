//! The canonical form: one for all spellings of a tree, another for every other tree.

use precise_core::canonical::{Canonicalizer, Encoder, MAX_LEN, canonicalize, rfc8785};
use precise_core::json::{MAX_DEPTH, Sink, Text};
use precise_core::{Code, Error};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::numbers::Decimal;
use crate::spelling::{Tree, spell, tape, text, tree};

/// Gives the tokens of a tree, members in the order of their code points.
fn give(tree: &Tree, encoder: &mut Encoder<'_>) -> Result<(), Error> {
    match tree {
        Tree::Array(elements) => {
            encoder.begin_array()?;
            elements.iter().try_for_each(|element| give(element, encoder))?;
            encoder.end_array()
        }
        Tree::Boolean(boolean) => encoder.boolean(*boolean),
        Tree::Null => encoder.null(),
        Tree::Number(Decimal { negative, digits, e }) => {
            encoder.decimal(*negative, digits.as_bytes(), e - (digits.len() as i64 - 1))
        }
        Tree::Object(members) => {
            encoder.begin_object()?;
            members.iter().try_for_each(|(key, value)| {
                encoder.key(Text::Unescaped(key.as_bytes()))?;
                give(value, encoder)
            })?;
            encoder.end_object()
        }
        Tree::String(string) => encoder.string(Text::Unescaped(string.as_bytes())),
    }
}

proptest! {
    #[test]
    fn all_spellings_of_a_tree_have_one_form(tree in tree(), tapes in (tape(), tape())) {
        let canonical = canonicalize(spell(&tree, &tapes.0).as_bytes()).unwrap();
        prop_assert_eq!(&canonicalize(spell(&tree, &tapes.1).as_bytes()).unwrap(), &canonical);
        prop_assert_eq!(&canonicalize(&canonical).unwrap(), &canonical);
        prop_assert_eq!(rfc8785(&canonical).unwrap(), canonical);
    }

    #[test]
    fn tokens_have_the_form_of_their_text(tree in tree(), tape in tape()) {
        let mut canonicalizer = Canonicalizer::default();
        let mut written = b"before".to_vec();
        canonicalizer.append_document(&mut written, |encoder| give(&tree, encoder)).unwrap();
        let expected = canonicalize(spell(&tree, &tape).as_bytes()).unwrap();
        prop_assert_eq!(written, [b"before", &expected[..]].concat());
    }

    #[test]
    fn two_trees_have_two_forms(one in tree(), other in tree()) {
        let form = |tree| canonicalize(spell(tree, &[]).as_bytes()).unwrap();
        prop_assert_eq!(form(&one) == form(&other), one == other);
    }

    #[test]
    fn keys_are_sorted_by_utf16_units(keys in proptest::collection::btree_set(text(), 0..12)) {
        let mut by_units: Vec<&String> = keys.iter().collect();
        by_units.sort_by_key(|key| key.encode_utf16().collect::<Vec<_>>());
        let object = |keys: &[&String]| {
            let members: Vec<_> =
                keys.iter().map(|key| format!("{}:0", Value::from(key.as_str()))).collect();
            format!("{{{}}}", members.join(","))
        };
        let as_they_come: Vec<&String> = keys.iter().rev().collect();
        let canonical = canonicalize(object(&as_they_come).as_bytes()).unwrap();
        prop_assert_eq!(String::from_utf8(canonical).unwrap(), object(&by_units));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        assert_lawful(&bytes)?;
    }

    #[test]
    fn damaged_json_is_read_without_a_panic(
        tree in tree(),
        tape in tape(),
        damages in vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        let mut text = spell(&tree, &tape).into_bytes();
        for (place, byte, kind) in damages {
            let at = place.index(text.len() + 1);
            match kind {
                0 => text.insert(at, byte),
                1 => text.insert(at, b"{}[]\",:\\u0e-"[usize::from(byte) % 12]),
                2 => text.truncate(at),
                _ => drop(text.drain(at..text.len().min(at + 1))),
            }
        }
        assert_lawful(&text)?;
    }

    #[test]
    fn a_repeated_key_is_refused_wherever_it_stands(
        keys in proptest::collection::btree_set(text(), 1..8),
        twice in any::<prop::sample::Index>(),
        tape in tape(),
    ) {
        let keys: Vec<&String> = keys.iter().collect();
        let repeated = keys[twice.index(keys.len())];
        let mut members: Vec<String> = keys
            .iter()
            .map(|key| format!("{}:1", Value::from(key.as_str())))
            .collect();
        let spelled = spell(&crate::spelling::Tree::String(repeated.clone()), &tape);
        members.insert(twice.index(members.len() + 1), format!("{spelled}:1"));
        let error = canonicalize(format!("{{{}}}", members.join(",")).as_bytes()).unwrap_err();
        prop_assert_eq!(error.code(), Code::DuplicateKey);
    }
}

/// What holds for bytes of any kind: an accepted text has a fixed point as its form, a refused one
/// a code with a place; and neither the buffers of earlier texts nor those of the caller matter.
fn assert_lawful(text: &[u8]) -> Result<(), TestCaseError> {
    let result = canonicalize(text);
    let mut canonicalizer = Canonicalizer::default();
    drop(canonicalizer.check(b"{\"a\":[1,{\"b\":\"\\n\"},"));
    prop_assert_eq!(canonicalizer.check(text), result.clone().map(drop));
    let mut target = b"before".to_vec();
    prop_assert_eq!(canonicalizer.append(text, &mut target), result.clone().map(drop));
    prop_assert!(target.starts_with(b"before"));
    match result {
        Ok(canonical) => {
            prop_assert_eq!(&target[6..], &canonical);
            prop_assert_eq!(canonicalize(&canonical), Ok(canonical.clone()));
            prop_assert_eq!(rfc8785(text), Ok(canonical));
        }
        Err(error) => {
            prop_assert_eq!(target.len(), 6);
            prop_assert!(matches!(error.code() as u16, 101..=108 | 201 | 202 | 901 | 902));
            prop_assert!(error.path().is_some_and(|path| path.starts_with('$')));
            prop_assert!(error.offset().is_some_and(|offset| offset <= text.len()));
            if !matches!(error.code(), Code::NumberPrecision | Code::NumberRange) {
                prop_assert_eq!(rfc8785(text), Err(error));
            }
        }
    }
    Ok(())
}

/// The length of the form: a form of 16 MiB in a failure's message helps nobody.
fn len_or_code(text: &str) -> Result<usize, Code> {
    canonicalize(text.as_bytes()).map(|form| form.len()).map_err(|error| error.code())
}

#[test]
fn depth_ends_at_128_containers() {
    let nested = |depth: usize| {
        let (open, close) = (["[", "{\"a\":"], ["]", "}"]);
        let opened: String = (0..depth).map(|i| open[i % 2]).collect();
        let closed: String = (0..depth).rev().map(|i| close[i % 2]).collect();
        format!("{opened}0{closed}")
    };
    let deepest = MAX_DEPTH as usize;
    assert_eq!(len_or_code(&nested(deepest)), Ok(nested(deepest).len()));
    assert_eq!(len_or_code(&nested(deepest + 1)), Err(Code::Depth));
    assert_eq!(len_or_code(&nested(100_000)), Err(Code::Depth));
}

#[test]
fn size_ends_at_16_mebibytes_of_canonical_form() {
    let string = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    let element = |len: usize| format!("[0,{}]", string(len - 4));
    let key = |len: usize| format!("{{{}:0}}", string(len - 4));
    // What counts is the form, not the text: escapes shrink or grow, white space goes.
    let shrunk = |len: usize| format!("  \"{}\"  ", "\\u0061".repeat(len - 2));
    let same = |len: usize| format!("\"{}{}\"", "\\u0001".repeat(1000), "x".repeat(len - 6002));
    let texts_of: [&dyn Fn(usize) -> String; 5] = [&string, &element, &key, &shrunk, &same];
    for text_of in texts_of {
        assert_eq!(len_or_code(&text_of(MAX_LEN)), Ok(MAX_LEN));
        assert_eq!(len_or_code(&text_of(MAX_LEN + 1)), Err(Code::CanonicalSize));
    }
    let closed_too_late = format!("[{}]", string(MAX_LEN - 1));
    assert_eq!(len_or_code(&closed_too_late), Err(Code::CanonicalSize));
}
