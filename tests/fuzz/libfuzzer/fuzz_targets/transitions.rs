//! libFuzzer calls `precise_fuzz::transitions`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::transitions(data));
