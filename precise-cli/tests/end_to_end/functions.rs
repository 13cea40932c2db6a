//! `precise functions`: the catalogue as text and as JSON.

use precise_core::catalog::FUNCTIONS;
use serde_json::Value;

use crate::common::Place;

#[test]
fn every_function_of_the_catalogue_is_listed() {
    let place = Place::new();
    let text = place.run(&["functions"]).succeeds();
    let listed: Value =
        serde_json::from_str(&place.run(&["functions", "--json"]).succeeds()).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), FUNCTIONS.len());
    for (object, function) in listed.iter().zip(FUNCTIONS) {
        assert!(text.contains(&function.signature()), "{}", function.name);
        assert!(text.contains(function.doc), "{}", function.name);
        assert_eq!(object["name"], function.name);
        assert_eq!(object["family"], function.family);
        assert_eq!(object["signature"], function.signature());
        assert_eq!(object["returns"], function.returns.name());
        assert_eq!(object["since"], function.since);
        assert_eq!(object["doc"], function.doc);
        let kind = if function.is_aggregate() { "aggregate" } else { "scalar" };
        assert_eq!(object["kind"], kind);
        let args = object["args"].as_array().unwrap();
        assert_eq!(args.len(), function.args.len());
        for (i, (object, arg)) in args.iter().zip(function.args).enumerate() {
            assert_eq!(object["name"], arg.name);
            assert_eq!(object["type"], arg.arg_type.name());
            assert_eq!(object["required"], i < function.required);
            assert_eq!(object["doc"], arg.doc);
        }
        assert_eq!(object["examples"].as_array().unwrap().len(), function.examples.len());
    }
}

#[test]
fn chosen_functions_are_found_in_any_case_and_shown_in_the_order_asked() {
    let place = Place::new();
    let (first, last) = (&FUNCTIONS[0], &FUNCTIONS[FUNCTIONS.len() - 1]);
    let args = ["functions", &last.name.to_uppercase(), first.name, "--json"];
    let listed: Value = serde_json::from_str(&place.run(&args).succeeds()).unwrap();
    assert_eq!(listed[0]["name"], last.name);
    assert_eq!(listed[1]["name"], first.name);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let text = place.run(&["functions", first.name]).succeeds();
    assert!(text.starts_with(&first.signature()), "{text}");
    assert!(!text.contains(&last.signature()), "{text}");
}

#[test]
fn an_unknown_function_is_named() {
    let place = Place::new();
    for args in [&["functions", "precise_nothing"][..], &["functions", FUNCTIONS[0].name, "no"]] {
        let stderr = place.run(args).fails(2);
        let name = args.last().unwrap();
        assert_eq!(stderr, format!("error: no such function: {name:?}\n"));
    }
}
