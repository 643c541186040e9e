//! Journal files: each says whether it is read, and where the reader stops.

use diptych_protocol::journal::{JournalError, replay};

use crate::vector;

#[test]
fn every_journal_vector_holds() {
    // [JOURNAL-1] [JOURNAL-3] [JOURNAL-5] [JOURNAL-9] [JOURNAL-12]
    let vectors = vector::all("journal");
    assert!(vectors.len() >= 30, "found {}", vectors.len());
    for vector in &vectors {
        let name = &vector.name;
        let result = replay(&vector.bytes("bytes"));
        let number = |key| vector.get(key).parse::<u64>().expect("a number");
        match (vector.expect(), result) {
            (expect @ ("ok" | "forged"), Ok(read)) => {
                assert_eq!(read.entries().len() as u64, number("records"), "{name}");
                assert_eq!(read.torn(), number("torn"), "{name}");
                assert_eq!(read.forged_seal().is_some(), expect == "forged", "{name}");
                if name.starts_with("ok") {
                    assert_eq!(read.head().hash.as_slice(), vector.bytes("head"), "{name}");
                }
            }
            ("damaged", Err(JournalError::Damaged { offset, .. })) => {
                assert_eq!(offset, number("offset"), "{name}");
            }
            ("header", Err(JournalError::Header(_))) => {}
            (expect, result) => panic!("{name}: expected {expect}, got {result:?}"),
        }
    }
}
