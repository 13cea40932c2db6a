//! The rows of the family `attribution`: SPEC.md section 9.
