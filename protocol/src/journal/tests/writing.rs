//! What a writer refuses, orders and signs.

use super::*;
use crate::identity::Signature;

#[test]
fn a_journal_goes_on_after_a_torn_tail() {
    // [JOURNAL-5] [JOURNAL-10] [JOURNAL-15]
    let (mut file, mut writer, mut key) = sample(6);
    writer.poison();
    assert_eq!(writer.append(at(1), &segment(9)), Err(WriteError::Poisoned));
    assert_eq!(writer.seal(at(1), &mut key), Err(WriteError::Poisoned));
    file.truncate(file.len() - 3);
    let replayed = replay(&file).unwrap();
    file.truncate(replayed.length() as usize);
    let mut writer = Writer::resume(&replayed);
    assert_eq!(writer.append(at(9_000), &segment(9)), Err(WriteError::NotStarted));
    file.extend(writer.append(at(9_000), &started()).unwrap());
    file.extend(writer.append(at(9_001), &segment(9)).unwrap());
    file.extend(writer.seal(at(9_002), &mut key).unwrap());
    let again = replay(&file).unwrap();
    assert_eq!(again.head(), writer.head());
    assert!(again.closing_seals_hold());
}

#[test]
fn time_never_runs_back_within_a_boot() {
    // [JOURNAL-6]
    let key = Key::new(7);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(100), &started()).unwrap());
    file.extend(writer.append(at(90), &segment(0)).unwrap());
    let rebooted = Fact::ProcessStarted { boot: BootId([2; 16]), wall_ms: 0, cause: 0, raw: 0 };
    file.extend(writer.append(at(5), &rebooted).unwrap());
    let times: Vec<_> = replay(&file).unwrap().entries().iter().map(|e| e.at.nanos()).collect();
    assert_eq!(times, [100_000_000, 100_000_000, 5_000_000]);
}

#[test]
fn a_seal_is_due_five_seconds_after_the_first_unsealed_fact() {
    // [JOURNAL-7] [JOURNAL-8] [JOURNAL-12]
    let mut key = Key::new(7);
    let (mut writer, _) = Writer::create(header(0, &key));
    assert_eq!(writer.seal_deadline::<Primary>(), None);
    writer.append(at(1_000), &started()).unwrap();
    writer.append(at(3_000), &segment(0)).unwrap();
    assert_eq!(writer.seal_deadline(), Some(at(6_000)));
    assert!(!writer.seal_due(at(5_999)) && writer.seal_due(at(6_000)));
    assert_eq!(writer.seal(at(6_000), &mut Key::new(8)), Err(WriteError::WrongKey));
    writer.seal(at(6_000), &mut key).unwrap();
    assert_eq!(writer.seal_deadline::<Primary>(), None);
}

#[test]
fn what_a_killed_process_did_not_seal_is_sealed_by_the_next() {
    // [JOURNAL-7] [SESSION-30]
    let mut key = Key::new(1);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(0), &started()).unwrap());
    file.extend(writer.append(at(10), &Fact::Finish { reason: 0 }).unwrap());
    let mut next = Writer::resume(&replay(&file).unwrap());
    assert!(next.seal_deadline::<Primary>().is_some());
    file.extend(next.seal(at(0), &mut key).unwrap());
    let sealed = replay(&file).unwrap();
    assert!(sealed.is_finished() && sealed.closing_seals_hold());
    assert_eq!(Writer::resume(&sealed).seal_deadline::<Primary>(), None);
}

#[test]
fn facts_that_may_not_stand_there_are_refused() {
    // [JOURNAL-9] [JOURNAL-10] [JOURNAL-11] [JOURNAL-16]
    let mut key = Key::new(7);
    let (mut writer, _) = Writer::create(header(0, &key));
    let peer = Role::new(1).unwrap();
    assert_eq!(writer.append(at(0), &segment(0)), Err(WriteError::NotStarted));
    writer.append(at(0), &started()).unwrap();
    let head = Fact::PeerHead { peer, sequence: 1, head: [0; 32], covered: Instant::from_nanos(0) };
    assert_eq!(writer.append(at(1), &head), Err(WriteError::Breach(Breach::UnknownBoot)));
    writer.append(at(1), &Fact::PeerBoot { peer, device: 1, boot: BOOT }).unwrap();
    writer.append(at(1), &head).unwrap();
    for got in [0, 65] {
        let heard = vec![heard(0); got];
        let fact = Fact::ClockHeard { peer, heard: heard.as_slice().into() };
        assert_eq!(writer.append(at(1), &fact), Err(WriteError::Heard { got }));
    }
    let seal = Fact::Seal { head: [0; 32], signature: Box::new(Signature([0; 64])) };
    assert_eq!(writer.append(at(1), &seal), Err(WriteError::SealAsFact));
    writer.append(at(2), &Fact::Finish { reason: 0 }).unwrap();
    assert_eq!(writer.append(at(3), &segment(0)), Err(WriteError::Breach(Breach::Finished)));
    writer.seal(at(3), &mut key).unwrap();
}

fn heard(sequence: u32) -> Heard {
    Heard { sequence, sent: Instant::from_nanos(-3), received: Instant::from_nanos(4) }
}

#[test]
fn what_others_say_takes_no_room_from_what_a_device_says_of_itself() {
    // [JOURNAL-26] [JOURNAL-14]
    let blob = || Blob::new(&[0; 1_024]).unwrap();
    let zero = Instant::from_nanos(0);
    let order = Fact::Plan {
        assistants: 1,
        wait_open: zero,
        wait_close: zero,
        answer_start: zero,
        answer_end: zero,
        plan: blob(),
        policy: blob(),
    };
    let own = Fact::Statement { signed: blob() };
    let boot = Fact::PeerBoot { peer: Role::new(1).unwrap(), device: 1, boot: BOOT };
    let mut key = Key::new(7);
    let (mut writer, _) = Writer::create(header(1, &key));
    writer.append(at(1), &started()).unwrap();
    while writer.append(at(2), &order).is_ok() {}
    let room = crate::limits::JOURNAL_BYTES - crate::limits::JOURNAL_OWN_BYTES;
    assert!(writer.length() <= room && writer.length() > room - 4_096);
    assert_eq!(writer.append(at(2), &order), Err(WriteError::Full { room }));
    while writer.append(at(2), &boot).is_ok() {}
    assert_eq!(writer.append(at(2), &boot), Err(WriteError::Full { room }));
    writer.seal(at(3), &mut key).unwrap();
    while writer.append(at(3), &own).is_ok() {}
    let room = crate::limits::JOURNAL_BYTES - crate::limits::JOURNAL_LAST_BYTES;
    assert!(writer.length() > room - 4_096);
    writer.append(at(4), &Fact::Finish { reason: 0 }).unwrap();
    writer.seal(at(4), &mut key).unwrap();
    // The primary's plan is its own.
    let (mut writer, _) = Writer::create(header(0, &key));
    writer.append(at(1), &started()).unwrap();
    while writer.append(at(2), &order).is_ok() {}
    assert!(writer.length() > room - 4_096);
}
