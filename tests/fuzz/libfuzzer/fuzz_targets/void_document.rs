//! libFuzzer calls `precise_fuzz::void_document`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::void_document(data));
