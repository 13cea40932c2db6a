//! libFuzzer calls `precise_fuzz::receipt`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::receipt(data));
