//! libFuzzer calls `precise_fuzz::policy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::policy(data));
