//! Whether the vectors leave anything out.

use std::collections::BTreeSet;

use conformance::{Expected, families};
use precise_core::Code;
use precise_core::catalog::FUNCTIONS;

/// Functions about the software, whose results change with every version.
const ABOUT: &[&str] = &["precise_selftest", "precise_version"];

/// Codes that no SQL function gives.
const OUTSIDE_FUNCTIONS: &[Code] = &[
    // Files.
    Code::CellCount,
    Code::OpenQuote,
    Code::ColumnNames,
    Code::RecordId,
    Code::MissingRecord,
    Code::ClosingQuote,
    Code::InputSize,
    // A query with a wrong name or wrong types is refused by most engines in words of their own.
    Code::UnknownFunction,
    Code::Arguments,
    // No rows give NULL, and SQL never cuts a set into parts.
    Code::EmptyBatch,
    Code::PartBits,
];

#[test]
fn every_function_is_called_with_each_kind_of_outcome() {
    for function in FUNCTIONS.iter().filter(|function| !ABOUT.contains(&function.name)) {
        let families = families().unwrap();
        let expected: Vec<&Expected> = families
            .iter()
            .flat_map(|family| &family.vectors)
            .filter(|vector| vector.function.name == function.name)
            .map(|vector| &vector.expected)
            .collect();
        let has = |wanted: fn(&Expected) -> bool| expected.iter().any(|given| wanted(given));
        let null = |given: &Expected| matches!(given, Expected::Result(form) if form.is_null());
        assert!(has(null), "{} never gives NULL", function.name);
        let valid = |given: &Expected| matches!(given, Expected::Result(form) if !form.is_null());
        assert!(has(valid), "{} never gives a result", function.name);
        let refusal = |given: &Expected| matches!(given, Expected::Refusal(_));
        assert_eq!(
            has(refusal),
            function.name != "precise_check",
            "{}: only precise_check has no errors of its own",
            function.name
        );
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
            Expected::Digest(_) | Expected::Result(_) => None,
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
