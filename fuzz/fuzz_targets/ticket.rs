//! The text and the bytes of a QR code.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diptych_tests::parsers::ticket(bytes));
