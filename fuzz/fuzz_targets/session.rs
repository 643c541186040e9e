//! Sequences of whatever may happen to a primary and two assistants.

#![no_main]

libfuzzer_sys::fuzz_target!(|program: &[u8]| diptych_tests::session::session(program));
