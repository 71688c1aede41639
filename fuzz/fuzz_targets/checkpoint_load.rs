#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| etiolog_fuzz::targets::checkpoint_load::run(data));
