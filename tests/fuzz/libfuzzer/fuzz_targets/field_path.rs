//! libFuzzer calls `precise_fuzz::field_path`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::field_path(data));
