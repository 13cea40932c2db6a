//! libFuzzer calls `precise_fuzz::royalty_state`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::royalty_state(data));
