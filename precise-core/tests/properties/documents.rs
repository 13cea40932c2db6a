//! The documents Precise defines: read in any spelling, and in nothing but their own members.

use precise_core::canonical::canonicalize;
use precise_core::merkle::{Absence, Batch, Inclusion, Membership, parse_roots};
use precise_core::proof::{Blind, ProofDocument};
use precise_core::{Code, Hash, hex};
use proptest::collection::btree_set;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::spelling::{Tree, spell, tape, tree};

fn proof_document() -> impl Strategy<Value = ProofDocument> {
    (tree(), tape(), any::<Option<Hash>>()).prop_map(|(tree, tape, blind)| {
        let canonical = canonicalize(spell(&tree, &tape).as_bytes()).unwrap();
        let blind = blind.map(|bytes| Blind::from_bytes(&bytes).unwrap());
        ProofDocument::of(&canonical, blind.as_ref())
    })
}

fn membership() -> impl Strategy<Value = Membership> {
    (btree_set(any::<Hash>(), 1..40), any::<Option<prop::sample::Index>>(), any::<Hash>()).prop_map(
        |(hashes, member, outsider)| {
            let batch = Batch::new(hashes.into_iter().collect()).unwrap();
            let target = member.map_or(outsider, |i| *i.get(batch.hashes()));
            batch.prove(&target)
        },
    )
}

/// The document printed by somebody else: same members, another order, white space, escapes.
fn reprinted(json: &str, tape: &[u8]) -> String {
    spell(&Tree::of(&parsed(json)), tape)
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn assert_canonical(json: &str) -> Result<(), TestCaseError> {
    let canonical = canonicalize(json.as_bytes()).unwrap();
    prop_assert_eq!(String::from_utf8(canonical).unwrap(), json);
    Ok(())
}

/// Every document that is `value` with one object in it changed by one member: one more, one
/// less, and each member of another type.
fn one_member_off(value: &Value) -> Vec<Value> {
    let mut changed = Vec::new();
    let Value::Object(members) = value else { return changed };
    let with = |key: &str, value: Option<Value>| {
        let mut members: Map<String, Value> = members.clone();
        match value {
            Some(value) => members.insert(key.into(), value),
            None => members.remove(key),
        };
        Value::Object(members)
    };
    changed.push(with("another", Some(Value::Null)));
    changed.push(with("", Some(json!(1))));
    for (key, value) in members {
        changed.push(with(key, None));
        changed.push(with(&key.to_uppercase(), Some(value.clone())));
        for other in [Value::Null, json!(-1), json!(0.5), json!("x"), json!([0]), json!({})] {
            changed.push(with(key, Some(other)));
        }
        for inner in one_member_off(value) {
            changed.push(with(key, Some(inner)));
        }
    }
    changed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_proof_document_survives_reprinting(document in proof_document(), tape in tape()) {
        let json = document.to_json();
        assert_canonical(&json)?;
        let read = ProofDocument::parse(json.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&document));
        prop_assert_eq!(ProofDocument::parse(reprinted(&json, &tape).as_bytes()), Ok(document));
    }

    #[test]
    fn a_proof_document_has_its_members_and_no_other(document in proof_document()) {
        for changed in one_member_off(&parsed(&document.to_json())) {
            let error = ProofDocument::parse(changed.to_string().as_bytes()).unwrap_err();
            prop_assert_eq!(error.code(), Code::ProofDocument, "{}", changed);
        }
    }

    #[test]
    fn a_proof_document_proves_its_record_and_no_other(
        one in tree(),
        other in tree(),
        blinds in any::<(Hash, Hash)>(),
    ) {
        let form = |tree| canonicalize(spell(tree, &[]).as_bytes()).unwrap();
        let (canonical, different) = (form(&one), form(&other));
        let blind = Blind::from_bytes(&blinds.0).unwrap();
        let other_blind = Blind::from_bytes(&blinds.1).unwrap();
        let open = ProofDocument::of(&canonical, None);
        prop_assert_eq!(open.matches(&canonical, None), Ok(true));
        prop_assert_eq!(open.matches(&different, None), Ok(one == other));
        prop_assert_eq!(open.matches(&canonical, Some(&blind)), Ok(false));
        let blinded = ProofDocument::of(&canonical, Some(&blind));
        prop_assert_eq!(blinded.matches(&canonical, Some(&blind)), Ok(true));
        prop_assert_eq!(blinded.matches(&different, Some(&blind)), Ok(one == other));
        prop_assert_eq!(blinded.matches(&canonical, Some(&other_blind)), Ok(false));
        let refused = blinded.matches(&canonical, None).unwrap_err();
        prop_assert_eq!(refused.code(), Code::MissingBlind);
    }

    #[test]
    fn a_membership_document_survives_reprinting(membership in membership(), tape in tape()) {
        let json = membership.to_json();
        assert_canonical(&json)?;
        let reprinted = reprinted(&json, &tape);
        for text in [&json, &reprinted] {
            let read = match &membership {
                Membership::Absent(_) => Absence::parse(text.as_bytes()).map(Membership::Absent),
                Membership::Included(_) => {
                    Inclusion::parse(text.as_bytes()).map(Membership::Included)
                }
            };
            prop_assert_eq!(read.as_ref(), Ok(&membership), "{}", text);
        }
    }

    #[test]
    fn a_membership_document_has_its_members_and_no_other(membership in membership()) {
        let document = parsed(&membership.to_json());
        for changed in one_member_off(&document) {
            let text = changed.to_string();
            match &membership {
                Membership::Included(_) => {
                    let error = Inclusion::parse(text.as_bytes()).unwrap_err();
                    prop_assert_eq!(error.code(), Code::Inclusion, "{}", text);
                }
                Membership::Absent(_) => {
                    // One of two sides may be left out, and says less then, but is well-formed.
                    let less = ["left", "right"].iter().any(|side| {
                        document.get("left").is_some()
                            && document.get("right").is_some()
                            && changed.get(side).is_none()
                            && changed.as_object().unwrap().len() == 2
                    });
                    let code = Absence::parse(text.as_bytes()).err().map(|error| error.code());
                    let expected = (!less).then_some(Code::Absence);
                    prop_assert_eq!(code, expected, "{}", text);
                }
            }
        }
    }

    #[test]
    fn block_roots_survive_reprinting(roots in any::<Vec<Hash>>(), tape in tape()) {
        let json = roots.iter().map(hex::format_hash).collect::<Value>().to_string();
        prop_assert_eq!(parse_roots(reprinted(&json, &tape).as_bytes()), Ok(roots));
    }

    #[test]
    fn whatever_is_wrong_with_a_document_is_its_own_code(
        membership in membership(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let json = membership.to_json();
        let mut damaged = json.clone().into_bytes();
        let place = at.index(damaged.len());
        damaged[place] = byte;
        for text in [&damaged[..], &damaged[..place]] {
            if let Err(error) = Inclusion::parse(text) {
                prop_assert_eq!(error.code(), Code::Inclusion);
            }
            if let Err(error) = Absence::parse(text) {
                prop_assert_eq!(error.code(), Code::Absence);
            }
            prop_assert_eq!(ProofDocument::parse(text).unwrap_err().code(), Code::ProofDocument);
            prop_assert_eq!(parse_roots(text).unwrap_err().code(), Code::BlockRoots);
        }
    }
}

#[test]
fn members_that_contradict_each_other_are_refused() {
    let document = ProofDocument::of(b"{}", None);
    let good = parsed(&document.to_json());
    let another = parsed(&ProofDocument::of(b"[]", None).to_json());
    let cases = [
        ("proof_id", another["proof_id"].clone()),
        ("proof_hash", another["proof_hash"].clone()),
        ("canon", json!("precise-jcs-2")),
        ("hash", json!("sha256")),
        ("v", json!(2)),
        ("size", json!(0)),
        ("size", json!(16_777_217)),
        ("blinded", json!(true)),
        ("blinded", json!(false)),
    ];
    for (key, value) in cases {
        let mut changed = good.clone();
        changed[key] = value;
        let error = ProofDocument::parse(changed.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::ProofDocument, "{changed}");
    }
    for size in [1, 16_777_216] {
        let mut changed = good.clone();
        changed["size"] = json!(size);
        let read = ProofDocument::parse(changed.to_string().as_bytes()).unwrap();
        assert_eq!(read.matches(b"{}", None), Ok(false), "well-formed, but of another size");
    }
}

#[test]
fn counts_end_where_binary64_does() {
    let inclusion = |count: &str| {
        let json = format!("{{\"count\":{count},\"index\":0,\"path\":[]}}");
        Inclusion::parse(json.as_bytes()).map(|inclusion| inclusion.count())
    };
    assert_eq!(inclusion("1"), Ok(1));
    assert_eq!(inclusion("10e-1"), Ok(1), "any spelling of the number");
    let refused = ["0", "-1", "1.5", "\"1\"", "1e400", "9007199254740992", "18446744073709551616"];
    for count in refused {
        assert_eq!(inclusion(count).unwrap_err().code(), Code::Inclusion, "{count}");
    }
    let largest: Vec<_> = (0..53).map(|_| hex::format_hash(&[1; 32])).collect();
    let json = json!({"count": 9_007_199_254_740_991_u64, "index": 0, "path": largest});
    assert!(Inclusion::parse(json.to_string().as_bytes()).is_ok());
}

#[test]
fn a_position_is_below_the_count_and_has_a_path_that_fits() {
    let inclusion = |count, index, len| Inclusion::new(count, index, vec![[1; 32]; len]);
    // Leaf 4 of 5 stands alone on its side, and has the other side for its sibling.
    for (count, index, len) in [(1, 0, 0), (2, 1, 1), (5, 0, 3), (5, 4, 1)] {
        let json = inclusion(count, index, len).unwrap().to_json();
        assert_eq!(Inclusion::parse(json.as_bytes()), inclusion(count, index, len));
    }
    for (count, index, len) in [(0, 0, 0), (1, 1, 0), (1, 0, 1), (5, 0, 2), (5, 4, 3), (5, 5, 1)] {
        let error = inclusion(count, index, len).unwrap_err();
        assert_eq!(error.code(), Code::Inclusion, "{index} of {count}, {len} hashes");
    }
}
