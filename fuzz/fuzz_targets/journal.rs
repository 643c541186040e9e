//! A journal file, whole, torn or damaged.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diptych_tests::parsers::journal(bytes));
