//! Whether the vectors leave anything out.

use std::collections::BTreeSet;

use conformance::{Expected, Kind, SURFACES, coverage, families};
use precise_core::Code;
use precise_core::catalog::FUNCTIONS;

/// Codes that no SQL function gives.
const OUTSIDE_FUNCTIONS: &[Code] = &[
    // Files.
    Code::CellCount,
    Code::OpenQuote,
    Code::MissingRecord,
    Code::ClosingQuote,
    Code::InputSize,
    // A query with a wrong name or wrong types is refused by most engines in words of their own.
    Code::UnknownFunction,
    Code::Arguments,
    // No rows give NULL, and SQL never cuts a set into parts.
    Code::EmptyBatch,
    Code::PartBits,
    // Audiences, which have vectors of their own.
    Code::Release,
    Code::CohortSize,
    Code::ReleaseDifference,
    // What a log is made of, the same.
    Code::Receipt,
    Code::VerifierKey,
    Code::SigningKey,
    Code::Note,
    Code::Signature,
    Code::Unsigned,
    Code::Checkpoint,
    Code::Entry,
    Code::LogProof,
    Code::StatusProof,
    Code::Policy,
    Code::Quorum,
    Code::LogDiverged,
    Code::LogCorrupt,
    Code::LogKey,
    Code::WinRow,
    Code::EntrySize,
    // The ledger's own, which has them where it is: in a database.
    Code::OpenPeriod,
    Code::NoRoyaltyRate,
    Code::EarlierPeriod,
];

#[test]
fn every_function_is_called_with_each_kind_of_outcome_on_every_surface() {
    let families = families().unwrap();
    for surface in SURFACES {
        let coverage = coverage(surface, families.iter().flat_map(|family| &family.vectors));
        for function in FUNCTIONS {
            for kind in Kind::ALL {
                let counts = coverage.get(function.name);
                let count = counts.and_then(|counts| counts.get(&kind)).copied().unwrap_or(0);
                let (surface, name) = (surface.name, function.name);
                let kind_name = kind.name();
                assert_eq!(count > 0, kind.is_possible(function), "{name}, {surface}: {kind_name}");
            }
        }
    }
}

#[test]
fn every_code_a_function_can_give_is_given() {
    let given: BTreeSet<Code> = families()
        .unwrap()
        .iter()
        .flat_map(|family| &family.vectors)
        .filter_map(|vector| match vector.expected {
            Expected::Refusal(code) => Some(code),
            Expected::Digest(_) | Expected::Result(_) | Expected::Undetailed(_) => None,
        })
        .collect();
    for &code in Code::ALL {
        assert_eq!(
            given.contains(&code),
            !OUTSIDE_FUNCTIONS.contains(&code),
            "{code}: {}",
            code.message()
        );
    }
}
