//! libFuzzer calls `precise_fuzz::entry`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::entry(data));
