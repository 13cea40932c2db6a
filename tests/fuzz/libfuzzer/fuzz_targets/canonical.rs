//! libFuzzer calls `precise_fuzz::canonical`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::canonical(data));
