//! libFuzzer calls `precise_fuzz::touch_path`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| precise_fuzz::touch_path(data));
