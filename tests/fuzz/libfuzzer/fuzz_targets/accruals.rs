//! libFuzzer calls `precise_fuzz::accruals`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::accruals(data));
