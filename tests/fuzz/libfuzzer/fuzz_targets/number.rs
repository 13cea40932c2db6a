//! libFuzzer calls `precise_fuzz::number`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::number(data));
