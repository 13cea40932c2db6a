//! The rows of the family `cohort`: SPEC.md section 8.
