//! libFuzzer calls `precise_fuzz::verifier_key`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::verifier_key(data));
