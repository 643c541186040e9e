//! The body of every kind of message.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diptych_tests::parsers::wire(bytes));
