//! The canonical bytes of a policy.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diptych_tests::parsers::policy(bytes));
