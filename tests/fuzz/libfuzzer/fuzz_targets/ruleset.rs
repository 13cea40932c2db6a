//! libFuzzer calls `precise_fuzz::ruleset`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::ruleset(data));
