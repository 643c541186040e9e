//! What is read is what was written, or the place where it is not.

use super::*;

#[test]
fn what_was_written_is_what_is_read() {
    // [JOURNAL-1] [JOURNAL-2] [JOURNAL-3] [JOURNAL-4]
    let (file, writer, key) = sample(9);
    let replayed = replay(&file).unwrap();
    assert_eq!(replayed.head(), writer.head());
    assert_eq!(replayed.length(), file.len() as u64);
    assert_eq!(replayed.torn(), 0);
    assert_eq!(*replayed.header(), header(0, &key));
    assert_eq!(replayed.entries().len(), 1 + 9 + 2);
    assert_eq!(replayed.entries()[1].fact, segment(0));
    assert!(replayed.closing_seals_hold() && replayed.forged_seal().is_none());
}

#[test]
fn a_cut_at_any_byte_is_an_end() {
    // [JOURNAL-5]
    let (file, _, _) = sample(9);
    let whole = replay(&file).unwrap();
    for cut in 0..file.len() {
        let prefix = &file[..cut];
        if cut < Header::BYTES {
            let error = HeaderError::Cut { got: cut };
            assert_eq!(replay(prefix), Err(JournalError::Header(error)), "cut at {cut}");
            continue;
        }
        let replayed = replay(prefix).unwrap();
        assert_eq!(replayed.length() + replayed.torn(), cut as u64, "cut at {cut}");
        let read = replayed.entries();
        assert_eq!(read, &whole.entries()[..read.len()], "cut at {cut}");
        let next = whole.entries()[read.len()].offset;
        assert!(replayed.length() == next && next <= cut as u64, "cut at {cut}");
    }
}

#[test]
fn every_flipped_byte_is_found_where_it_is() {
    // [JOURNAL-5]
    let (file, _, _) = sample(9);
    let sealed =
        replay(&file).unwrap().entries().iter().rev().find_map(|entry| {
            matches!(entry.fact, Fact::Seal { .. }).then_some(entry.offset as usize)
        });
    let last_seal = sealed.unwrap();
    for index in 0..file.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut flipped = file.clone();
            flipped[index] ^= mask;
            if let Ok(left) = salvage(&flipped) {
                let events = left.entries().iter().filter(|entry| !entry.fact.is_routine());
                assert!(left.events().eq(events), "{index}");
            }
            match replay(&flipped) {
                Err(JournalError::Header(_)) => assert!(index < Header::BYTES),
                Err(JournalError::Damaged { offset, .. }) => {
                    assert!(offset <= index as u64 && index < last_seal, "{index}");
                    assert!(index as u64 - offset < 200, "found in the same record");
                }
                Ok(read) => {
                    assert!(index >= last_seal, "{index} lies before a seal");
                    assert!(read.torn() > 0 && read.length() <= index as u64, "{index}");
                }
                Err(JournalError::TooLong { .. }) => unreachable!("the length did not change"),
            }
        }
    }
}

#[test]
fn a_damaged_stretch_costs_itself_and_no_more() {
    // [JOURNAL-5]
    let (file, writer, _) = sample(24);
    let whole = replay(&file).unwrap();
    let victim = &whole.entries()[9];
    let mut damaged = file.clone();
    damaged[victim.offset as usize + 25] ^= 1;
    let left = salvage(&damaged).unwrap();
    let [hole] = left.holes() else { panic!("one hole, got {:?}", left.holes()) };
    assert_eq!(hole.offset, victim.offset);
    assert_eq!(hole.damage, Damage::Chain { sequence: victim.sequence });
    assert_eq!(left.head(), writer.head());
    let lost: Vec<_> = whole
        .entries()
        .iter()
        .filter(|entry| !left.entries().contains(entry))
        .map(|entry| entry.sequence)
        .collect();
    let between: Vec<_> = (hole.after + 1..hole.resumes.unwrap()).collect();
    assert_eq!(lost, between);
    assert!(lost.len() <= 5, "from one seal to the next: {lost:?}");
}

#[test]
fn a_file_that_comes_in_pieces_is_the_same_file() {
    // [JOURNAL-5] [JOURNAL-14]
    let (file, _, _) = sample(9);
    let mut numbers = Numbers(5);
    for round in 0..2_000 {
        let mut changed = file.clone();
        match round % 4 {
            0 => changed.truncate(numbers.below(file.len())),
            1 => changed[numbers.below(file.len())] ^= 1 << numbers.below(8),
            2 => drop(changed.drain(..numbers.below(file.len())).next()),
            _ => {}
        }
        let mut reader = Reader::new(numbers.below(2) * changed.len());
        let mut rest = changed.as_slice();
        let mut fed = Ok(());
        while fed.is_ok() && !rest.is_empty() {
            let (piece, after) = rest.split_at(numbers.below(700).min(rest.len()));
            fed = reader.feed(piece);
            rest = after;
        }
        assert_eq!(fed.and_then(|()| reader.finish()), salvage(&changed), "round {round}");
    }
}

#[test]
fn a_file_that_no_journal_can_be_is_not_read() {
    // [JOURNAL-14]
    let got = crate::limits::JOURNAL_BYTES + 1;
    let mut file = sample(3).0;
    file.resize(got as usize, 0);
    assert_eq!(replay(&file), Err(JournalError::TooLong { got }));
}

#[test]
fn a_hundred_thousand_mutations_never_pass_for_the_original() {
    // [JOURNAL-5]
    // A damaged file with seals costs signatures, so most rounds do without.
    let files = [sample(5).0, sample(3).0];
    let originals = files.clone().map(|file| replay(&file).unwrap());
    let mut numbers = Numbers(1);
    for round in 0..100_000 {
        let which = usize::from(round % 16 != 0);
        let mut mutant = files[which].clone();
        for _ in 0..=numbers.below(3) {
            let place = numbers.below(mutant.len());
            match numbers.below(4) {
                0 => mutant[place] ^= 1 << numbers.below(8),
                1 => drop(mutant.drain(place..(place + numbers.below(64)).min(mutant.len()))),
                2 => mutant.insert(place, numbers.next() as u8),
                _ => {
                    let end = (place + numbers.below(200)).min(mutant.len());
                    let copy = mutant[place..end].to_vec();
                    let to = numbers.below(mutant.len());
                    mutant.splice(to..to, copy);
                }
            }
            if mutant.is_empty() {
                break;
            }
        }
        if let Ok(read) = replay(&mutant) {
            let kept = read.entries();
            assert_eq!(kept, &originals[which].entries()[..kept.len()], "round {round}");
        }
    }
}
