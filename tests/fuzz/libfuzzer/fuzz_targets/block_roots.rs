//! libFuzzer calls `precise_fuzz::block_roots`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::block_roots(data));
