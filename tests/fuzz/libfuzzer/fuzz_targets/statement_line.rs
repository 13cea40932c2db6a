//! libFuzzer calls `precise_fuzz::statement_line`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::statement_line(data));
