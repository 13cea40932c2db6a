//! libFuzzer calls `precise_fuzz::log_proof`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::log_proof(data));
