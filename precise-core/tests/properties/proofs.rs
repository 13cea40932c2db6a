//! Proofs: hashing side by side, ids, and rows of text cells.

use precise_core::canonical::canonicalize;
use precise_core::proof::{self, Blind, Minter};
use precise_core::row::Columns;
use precise_core::{Code, Hash, hex};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::spelling::text;

/// A record whose canonical form has `len` bytes, at least 2, and follows from `seed`.
fn record(len: usize, seed: u8) -> String {
    let characters = (0..len - 2).map(|i| char::from(b'a' + (i as u8 ^ seed) % 26));
    format!("\"{}\"", characters.collect::<String>())
}

/// Lengths with the borders of BLAKE3's blocks (64) and chunks (1,024) among them.
fn record_len() -> impl Strategy<Value = usize> {
    prop_oneof![
        2_usize..1100,
        (1_usize..18, 0_usize..3).prop_map(|(blocks, past)| 64 * blocks - 1 + past),
        1023_usize..5000,
    ]
}

proptest! {
    #[test]
    fn minting_many_is_minting_each(records in vec((record_len(), any::<u8>()), 0..60)) {
        let mut minter = Minter::default();
        let mut expected = vec![[7; 32]];
        for &(len, seed) in &records {
            let text = record(len, seed);
            minter.push(text.as_bytes()).unwrap();
            prop_assert!(minter.push(&text.as_bytes()[..len - 1]).is_err());
            let single = *blake3::hash(text.as_bytes()).as_bytes();
            prop_assert_eq!(proof::hash(text.as_bytes(), None), single);
            expected.push(single);
        }
        prop_assert_eq!(minter.len(), records.len());
        prop_assert_eq!(minter.is_empty(), records.is_empty());
        let mut hashes = vec![[7; 32]];
        minter.hash_into(&mut hashes);
        prop_assert_eq!(&hashes, &expected, "what was there before stays in front");
        minter.clear();
        minter.hash_into(&mut hashes);
        prop_assert_eq!(hashes, expected);
    }

    #[test]
    fn an_id_spells_one_hash(hash in any::<Hash>()) {
        let id = proof::format_id(&hash);
        prop_assert_eq!(proof::parse_id(&id), Ok(hash));
        prop_assert_eq!(proof::parse_spelling(&id), Ok(hash));
        prop_assert_eq!(proof::parse_spelling(&hex::format_hash(&hash)), Ok(hash));
        for (at, _) in id.char_indices() {
            for other in "abcdefghijklmnopqrstuvwxyz234567A0189-=_ é".chars() {
                let changed = format!("{}{other}{}", &id[..at], &id[at + 1..]);
                if changed != id {
                    match proof::parse_id(&changed) {
                        Ok(another) => prop_assert_ne!(another, hash),
                        Err(error) => prop_assert_eq!(error.code(), Code::ProofId),
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_is_printed_is_read(text in "(prf_[a-z2-7]{51,53}|0x[0-9a-fA-F]{63,65}|.{0,70})") {
        match proof::parse_spelling(&text) {
            Ok(hash) => {
                let printed = [proof::format_id(&hash), hex::format_hash(&hash)];
                prop_assert!(printed.contains(&text));
            }
            Err(error) if text.starts_with("0x") => prop_assert_eq!(error.code(), Code::Hash),
            Err(error) if text.starts_with('{') => {
                prop_assert_eq!(error.code(), Code::ProofDocument);
            }
            Err(error) => prop_assert_eq!(error.code(), Code::ProofId),
        }
    }

    #[test]
    fn a_blind_follows_from_all_of_secret_and_record_id(
        secret in any::<Hash>(),
        id in text(),
        bit in 0_usize..256,
    ) {
        prop_assert_eq!(Blind::derive(&secret, "").unwrap_err().code(), Code::RecordId);
        let id = format!("{id}1");
        let blind = *Blind::derive(&secret, &id).unwrap().as_bytes();
        let material = [&secret[..], id.as_bytes()].concat();
        prop_assert_eq!(blind, blake3::derive_key("precise 2026 record blind v1", &material));
        let mut another = secret;
        another[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(*Blind::derive(&another, &id).unwrap().as_bytes(), blind);
        prop_assert_ne!(*Blind::derive(&secret, &format!("{id}x")).unwrap().as_bytes(), blind);
        for len in [0, 31, 33] {
            let wrong = vec![1; len];
            prop_assert_eq!(Blind::derive(&wrong, &id).unwrap_err().code(), Code::SecretLength);
            prop_assert_eq!(Blind::from_bytes(&wrong).unwrap_err().code(), Code::SecretLength);
        }
    }

    #[test]
    fn a_row_of_cells_is_an_object_of_strings(row in vec(("[A-Za-z_ é]{0,3}", text()), 0..6)) {
        let columns = Columns::new(row.iter().map(|(name, _)| name.as_bytes()));
        let mut members = Map::new();
        let mut distinct = true;
        for (name, cell) in &row {
            let name = name.to_ascii_lowercase();
            distinct &= !name.is_empty() && !members.contains_key(&name);
            members.insert(name, Value::from(cell.as_str()));
        }
        match columns {
            Err(error) => {
                prop_assert_eq!(error.code(), Code::ColumnNames);
                prop_assert!(!distinct);
            }
            Ok(columns) => {
                prop_assert!(distinct);
                let mut minter = Minter::default();
                let cells: Vec<&[u8]> = row.iter().map(|(_, cell)| cell.as_bytes()).collect();
                minter.push_text_row(&columns, cells.iter().copied()).unwrap();
                let object = Value::Object(members).to_string();
                prop_assert_eq!(minter.canonical(0), canonicalize(object.as_bytes()).unwrap());
                let more = cells.iter().copied().chain([&b"more"[..]]).collect::<Vec<_>>();
                let error = minter.push_text_row(&columns, more.into_iter()).unwrap_err();
                prop_assert_eq!(error.code(), Code::CellCount);
                prop_assert_eq!(minter.len(), 1);
            }
        }
    }
}

/// Every length of one chunk, each in groups that fill a vector unit, overfill it, or do not.
#[test]
fn records_of_every_length_are_hashed_alike_side_by_side() {
    let mut minter = Minter::default();
    let mut expected = Vec::new();
    for len in 2..=1090 {
        for seed in 0..=(len % 19) as u8 {
            let text = record(len, seed.wrapping_mul(13));
            minter.push(text.as_bytes()).unwrap();
            expected.push(*blake3::hash(text.as_bytes()).as_bytes());
        }
        if len % 97 == 0 || len == 1090 {
            let mut hashes = Vec::new();
            minter.hash_into(&mut hashes);
            assert_eq!(hashes, expected, "lengths up to {len}");
            minter.clear();
            expected.clear();
        }
    }
}
