//! A control stream, cut anywhere, and datagrams.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diptych_tests::parsers::frame(bytes));
