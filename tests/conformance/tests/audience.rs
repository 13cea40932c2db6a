//! Audiences, as precise-core proves them.

use std::collections::BTreeSet;

use conformance::{Audience, audiences};
use precise_core::Code;
use precise_core::merkle::PART_LIMIT;

#[test]
fn every_vector_gives_what_it_says() {
    for vector in audiences().unwrap() {
        let found = Audience::of(&vector.records, vector.ruleset.as_deref(), vector.k, PART_LIMIT);
        assert_eq!(found.map_err(|error| error.code()), vector.expected, "{}", vector.id);
    }
}

#[test]
fn each_code_of_an_audience_is_given_and_each_id_is_its_own() {
    let vectors = audiences().unwrap();
    let given: BTreeSet<Code> =
        vectors.iter().filter_map(|vector| vector.expected.as_ref().err().copied()).collect();
    let cohorts = [Code::CohortId, Code::Release, Code::CohortSize];
    assert_eq!(given, cohorts.into_iter().chain([Code::Ruleset, Code::CohortNames]).collect());
    let ids: BTreeSet<&str> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    assert_eq!(ids.len(), vectors.len());
    for vector in &vectors {
        assert!(vector.id.starts_with("audience/"), "{}", vector.id);
        assert!(vector.comment.ends_with('.'), "{}", vector.id);
    }
}

/// The order of records does not matter, nor does a second copy where each names its member.
#[test]
fn an_audience_is_a_set_of_records_and_of_members() {
    for vector in audiences().unwrap() {
        let mut turned = vector.records.clone();
        turned.reverse();
        let found = Audience::of(&turned, vector.ruleset.as_deref(), vector.k, PART_LIMIT);
        assert_eq!(found.map_err(|error| error.code()), vector.expected, "{}", vector.id);
    }
}
