//! 32 bytes, raw or as `0x` and 64 lower-case hex digits: one value, one spelling.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::merkle::Hash;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `0x…`
pub fn format_hash(hash: &Hash) -> String {
    let mut out = Vec::with_capacity(66);
    append_hash(hash, &mut out);
    String::from_utf8(out).expect("hex is ASCII")
}

/// 32 bytes of a proof hash that came in as bytes.
///
/// Error: PR301 for another length.
pub fn hash_from_bytes(bytes: &[u8]) -> Result<Hash> {
    bytes
        .try_into()
        .map_err(|_| Error::new(Code::Hash).because(alloc::format!("it has {} bytes", bytes.len())))
}

/// Reads `0x…`.
///
/// Error: PR301 for any other spelling.
pub fn parse_hash(text: &str) -> Result<Hash> {
    let malformed = || Error::new(Code::Hash).because("expected 0x and 64 lower-case hex digits");
    let digits = text.strip_prefix("0x").ok_or_else(malformed)?;
    parse_digits(digits.as_bytes()).ok_or_else(malformed)
}

/// Reads 64 lower-case hex digits.
pub fn parse_digits(digits: &[u8]) -> Option<Hash> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(hash)
}

pub(crate) fn append_hash(hash: &Hash, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0x");
    for byte in hash {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0xF)]);
    }
}
