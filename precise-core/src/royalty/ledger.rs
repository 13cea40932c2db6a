//! Ids of a ledger's entries (SPEC.md section 10.5). Whatever is booked again has the id that it
//! has already.

use alloc::vec::Vec;

use crate::canonical::append_escaped;
use crate::error::{Code, Error, Result};
use crate::hex;
use crate::merkle::Hash;

/// BLAKE3's derive_key contexts.
const ENTRY_CONTEXT: &str = "precise 2026 ledger entry v1";
const VOID_CONTEXT: &str = "precise 2026 ledger void v1";

/// The id of the entry for what an event makes a contributor due for one kind of signal.
///
/// Errors: PR510 for an empty contributor or signal type, PR108 for U+0000 in one.
pub fn entry_id(proof_hash: &Hash, contributor: &str, signal_type: &str) -> Result<Hash> {
    id(ENTRY_CONTEXT, proof_hash, contributor, signal_type)
}

/// The id of the entry that takes that one back.
///
/// Errors: as [`entry_id`].
pub fn void_id(proof_hash: &Hash, contributor: &str, signal_type: &str) -> Result<Hash> {
    id(VOID_CONTEXT, proof_hash, contributor, signal_type)
}

fn id(
    context: &'static str,
    proof_hash: &Hash,
    contributor: &str,
    signal_type: &str,
) -> Result<Hash> {
    let mut array = Vec::from(*b"[\"");
    hex::append_hash(proof_hash, &mut array);
    array.push(b'"');
    for (name, text) in [("the contributor", contributor), ("the signal type", signal_type)] {
        if text.is_empty() {
            let detail = alloc::format!("{name} is empty");
            return Err(Error::new(Code::Contributors).because(detail));
        }
        if text.contains('\0') {
            return Err(Error::new(Code::NullCharacter).because(name));
        }
        array.push(b',');
        append_escaped(text.as_bytes(), &mut array);
    }
    array.push(b']');
    Ok(blake3::derive_key(context, &array))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalize;

    #[test]
    fn an_id_is_of_an_array_in_its_canonical_form() -> Result<()> {
        let hash = [7; 32];
        let text = alloc::format!(r#"["{}", "\u0061\n\u00e9", "geo"]"#, hex::format_hash(&hash));
        let canonical = canonicalize(text.as_bytes())?;
        let id = entry_id(&hash, "a\n\u{e9}", "geo")?;
        assert_eq!(id, blake3::derive_key("precise 2026 ledger entry v1", &canonical));
        let void = void_id(&hash, "a\n\u{e9}", "geo")?;
        assert_eq!(void, blake3::derive_key("precise 2026 ledger void v1", &canonical));
        Ok(())
    }

    #[test]
    fn ids_of_other_entries_are_others() -> Result<()> {
        let ids = [
            entry_id(&[7; 32], "ab", "c")?,
            entry_id(&[7; 32], "a", "bc")?,
            entry_id(&[8; 32], "ab", "c")?,
            entry_id(&[7; 32], "c", "ab")?,
            void_id(&[7; 32], "ab", "c")?,
        ];
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[..i].contains(id), "{i}");
        }
        Ok(())
    }

    #[test]
    fn names_that_no_event_has_are_refused() {
        for (contributor, signal_type, code) in [
            ("", "geo", Code::Contributors),
            ("acme", "", Code::Contributors),
            ("a\0", "geo", Code::NullCharacter),
            ("acme", "\0", Code::NullCharacter),
        ] {
            for id in [entry_id, void_id] {
                let refused = id(&[7; 32], contributor, signal_type);
                assert_eq!(refused.map_err(|error| error.code()), Err(code));
            }
        }
    }
}
