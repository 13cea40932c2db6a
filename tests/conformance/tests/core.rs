//! The first engine: the catalogue of precise-core, with nothing around it.

use conformance::{Core, families, run};

#[test]
fn about() {
    run(&mut Core, "about").demand_passed();
}

#[test]
fn attribution() {
    run(&mut Core, "attribution").demand_passed();
}

#[test]
fn canonical() {
    run(&mut Core, "canonical").demand_passed();
}

#[test]
fn proof() {
    run(&mut Core, "proof").demand_passed();
}

#[test]
fn cohorts() {
    run(&mut Core, "cohorts").demand_passed();
}

#[test]
fn merkle() {
    run(&mut Core, "merkle").demand_passed();
}

#[test]
fn performance() {
    run(&mut Core, "performance").demand_passed();
}

#[test]
fn receipts() {
    run(&mut Core, "receipts").demand_passed();
}

#[test]
fn rows() {
    run(&mut Core, "rows").demand_passed();
}

#[test]
fn royalty() {
    run(&mut Core, "royalty").demand_passed();
}

#[test]
fn every_family_is_run() {
    let names: Vec<String> = families().unwrap().into_iter().map(|family| family.name).collect();
    assert_eq!(
        names,
        [
            "about",
            "attribution",
            "canonical",
            "cohorts",
            "merkle",
            "performance",
            "proof",
            "receipts",
            "rows",
            "royalty"
        ],
        "each file has its test above"
    );
}
