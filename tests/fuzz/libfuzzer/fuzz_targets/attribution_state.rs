//! libFuzzer calls `precise_fuzz::attribution_state`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::attribution_state(data));
