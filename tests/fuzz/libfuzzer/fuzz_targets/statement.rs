//! libFuzzer calls `precise_fuzz::statement`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::statement(data));
