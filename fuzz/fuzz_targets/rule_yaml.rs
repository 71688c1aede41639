#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| etiolog_fuzz::targets::rule_yaml::run(data));
