//! What the fuzzers call: one function per surface that reads what strangers send.
//!
//! Each takes any bytes and asserts a law, so that a finding is a panic of the target, be it ours
//! or the law's. libFuzzer calls them from `libfuzzer/`, and the ordinary tests replay the corpus.

mod calls;
mod laws;
mod logs;
mod royalties;
mod sums;

pub use calls::catalogue_call;
pub use laws::{
    absence, block_roots, canonical, cells, field_path, inclusion, jsonb, number, proof_document,
    proof_id, ruleset,
};
pub use logs::{
    entry, log_proof, note, policy, receipt, status_proof, status_receipt, verifier_key,
    void_document,
};
pub use royalties::{accruals, royalty_state, statement, statement_line};
pub use sums::{attribution_state, touch_path, transitions};

/// A function to be called with any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("absence", absence),
    ("accruals", accruals),
    ("attribution_state", attribution_state),
    ("block_roots", block_roots),
    ("canonical", canonical),
    ("catalogue_call", catalogue_call),
    ("cells", cells),
    ("entry", entry),
    ("field_path", field_path),
    ("inclusion", inclusion),
    ("jsonb", jsonb),
    ("log_proof", log_proof),
    ("note", note),
    ("number", number),
    ("policy", policy),
    ("proof_document", proof_document),
    ("proof_id", proof_id),
    ("receipt", receipt),
    ("royalty_state", royalty_state),
    ("ruleset", ruleset),
    ("statement", statement),
    ("statement_line", statement_line),
    ("status_proof", status_proof),
    ("status_receipt", status_receipt),
    ("touch_path", touch_path),
    ("transitions", transitions),
    ("verifier_key", verifier_key),
    ("void_document", void_document),
];
