//! libFuzzer calls `precise_fuzz::note`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::note(data));
