//! libFuzzer calls `precise_fuzz::absence`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::absence(data));
