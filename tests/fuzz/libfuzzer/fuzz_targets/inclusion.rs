//! libFuzzer calls `precise_fuzz::inclusion`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::inclusion(data));
