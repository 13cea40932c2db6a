//! libFuzzer calls `precise_fuzz::catalogue_call`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::catalogue_call(data));
