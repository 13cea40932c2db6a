//! libFuzzer calls `precise_fuzz::jsonb`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::jsonb(data));
