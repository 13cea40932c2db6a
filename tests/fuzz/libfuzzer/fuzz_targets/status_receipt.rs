//! libFuzzer calls `precise_fuzz::status_receipt`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::status_receipt(data));
