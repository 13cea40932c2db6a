//! What a log is made of, as precise-core has it.

use std::collections::BTreeSet;

use conformance::{Expected, log_vectors, operate};
use precise_core::Code;

#[test]
fn every_vector_gives_what_it_says() {
    for vector in log_vectors().unwrap() {
        let found = match operate(&vector.operation, &vector.args) {
            Some(Ok(form)) => Expected::Result(form),
            Some(Err(error)) => Expected::Refusal(error.code()),
            None => panic!("{}: the arguments are not those of the operation", vector.id),
        };
        assert_eq!(found, vector.expected, "{}", vector.id);
    }
}

#[test]
fn each_code_of_a_log_is_given() {
    let vectors = log_vectors().unwrap();
    let given: BTreeSet<Code> = vectors
        .iter()
        .filter_map(|vector| match vector.expected {
            Expected::Refusal(code) => Some(code),
            Expected::Digest(_) | Expected::Result(_) | Expected::Undetailed(_) => None,
        })
        .collect();
    // Those are said of a store and a key, and no document has them.
    let of_stores = [Code::LogCorrupt, Code::LogDiverged, Code::LogKey];
    let of_logs = |code: &Code| *code as u16 / 100 == 4 && !of_stores.contains(code);
    let codes = Code::ALL.iter().copied().filter(of_logs);
    assert_eq!(given, codes.chain([Code::Receipt, Code::EntrySize]).collect());
    for vector in &vectors {
        assert!(vector.id.starts_with("log/"), "{}", vector.id);
        assert!(vector.comment.ends_with('.'), "{}", vector.id);
    }
}
