//! libFuzzer calls `precise_fuzz::proof_document`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::proof_document(data));
