//! libFuzzer calls `precise_fuzz::cells`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::cells(data));
