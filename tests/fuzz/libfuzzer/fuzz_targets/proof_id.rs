//! libFuzzer calls `precise_fuzz::proof_id`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::proof_id(data));
