//! What an app can go on with after a crash, a failing card, or in a wrong folder.

use super::*;
use crate::journal::{Fact, Header, JournalError, Writer};
use crate::session::{Beginning, Prepared, StartError, prepare};

const P: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

fn assistants(device: u8) -> JournalName {
    JournalName { role: Role::new(1).unwrap(), device }
}

/// The primary's disk in the middle of an exam.
fn disk() -> (Option<SecretBytes>, Disk) {
    let pair = Pair::new().run_until(112_000_000_000);
    (pair.p.stored, pair.p.disk)
}

/// One byte is not what was written, and a seal comes after it.
fn damaged(mut journal: Vec<u8>) -> Vec<u8> {
    journal[200] ^= 1;
    assert!(matches!(replay(&journal), Err(JournalError::Damaged { .. })));
    journal
}

/// Whether a primary starts with this and is in the session that it was in.
fn goes_on(prepared: Prepared) -> bool {
    let now = Instant::from_nanos(112_000_000_000);
    let members = prepared.past.state.as_ref().map(|state| state.members.len());
    let machine =
        primary_after(now, Some(addresses()), (CheckCode::Skipped, 1), prepared.past).unwrap();
    members == Some(1) && machine.snapshot(now).seats[0].label.is_some()
}

#[test]
fn a_damaged_copy_of_a_device_that_was_put_out_keeps_no_primary_from_starting() {
    // [SESSION-45]
    let (stored, mut found) = disk();
    for (device, length) in [(2, usize::MAX), (3, 300), (4, 44)] {
        let mut copy = damaged(found[&assistants(1)].clone());
        copy.truncate(length);
        copy[10] ^= u8::from(device == 3);
        found.insert(assistants(device), copy);
    }
    let prepared = prepare(stored.as_ref(), found.clone()).unwrap();
    // They stay as they are, and their names are taken.
    for device in [2, 3] {
        assert_eq!(prepared.cuts.get(&assistants(device)), None);
        let kept = &prepared.past.journals[&assistants(device)];
        assert_eq!(kept, &found[&assistants(device)]);
    }
    // One that never began is nobody's.
    assert_eq!(prepared.cuts.get(&assistants(4)), Some(&0));
    assert_eq!(prepared.past.journals.get(&assistants(4)), None);
    assert!(goes_on(prepared));
}

#[test]
fn damage_in_a_journal_that_the_session_goes_on_with_is_refused() {
    let (stored, found) = disk();
    for name in [P, assistants(1)] {
        let mut found = found.clone();
        let journal = damaged(found[&name].clone());
        let error = replay(&journal).unwrap_err();
        found.insert(name, journal);
        let refused = prepare(stored.as_ref(), found).unwrap_err();
        assert_eq!(refused, StartError::Journal { name, error });
    }
    let state = SecretBytes::new(stored.unwrap().expose()[1..].to_vec());
    assert!(matches!(prepare(Some(&state), found), Err(StartError::State(_))));
}

#[test]
fn what_was_torn_off_is_cut_off() {
    let (stored, found) = disk();
    let whole = replay(&found[&P]).unwrap();
    let last = whole.entries().last().unwrap().offset;
    for (torn, keep) in [(last + 1, last), (whole.length() - 1, last), (103, 0), (1, 0)] {
        let mut found = found.clone();
        found.get_mut(&P).unwrap().truncate(usize::try_from(torn).unwrap());
        let prepared = prepare(stored.as_ref(), found).unwrap();
        assert_eq!(prepared.cuts, BTreeMap::from([(P, keep)]), "torn at {torn}");
        let kept = prepared.past.journals.get(&P).map_or(0, Vec::len);
        assert_eq!(kept as u64, keep);
    }
    let prepared = prepare(stored.as_ref(), found.clone()).unwrap();
    assert!(prepared.cuts.is_empty() && prepared.past.journals == found && goes_on(prepared));
}

#[test]
fn without_a_state_nothing_that_was_sealed_is_begun_anew() {
    // [SESSION-37]
    let (_, found) = disk();
    let nothing = Some(SecretBytes::default());
    for stored in [None, nothing.as_ref()] {
        let refused = prepare(stored, found.clone()).unwrap_err();
        assert_eq!(refused, StartError::Foreign);
        let only = BTreeMap::from([(P, damaged(found[&P].clone()))]);
        assert!(matches!(prepare(stored, only), Err(StartError::Journal { name: P, .. })));
    }
    let key = Key::new(1).public_key();
    let session = crate::identity::SessionId([7; 16]);
    let (mut writer, mut begun) =
        Writer::create(Header { session, role: Role::PRIMARY, device: 1, key });
    let started = Fact::ProcessStarted { boot: BootId([1; 16]), wall_ms: 0, cause: 0, raw: 0 };
    let at: Instant<Primary> = Instant::from_nanos(1);
    begun.extend(writer.append(at, &started).unwrap());
    // A crash between two writes, wherever it cuts them.
    for length in [0, 40, 104, begun.len() - 1, begun.len()] {
        let found = BTreeMap::from([(P, begun[..length].to_vec())]);
        let prepared = prepare(None, found).unwrap();
        assert!(prepared.past.journals.is_empty(), "{length}");
        assert_eq!(prepared.cuts.get(&P), (length > 0).then_some(&0), "{length}");
    }
}

#[test]
fn what_a_disk_holds_prints_without_its_secrets() {
    let (stored, found) = disk();
    let bytes = stored.clone().unwrap();
    let prepared = prepare(stored.as_ref(), found).unwrap();
    let secret = prepared.past.state.as_ref().unwrap().members[0].membership.resume.clone();
    assert!(bytes.expose().windows(32).any(|part| part == secret.expose()));
    let output: Output<Primary, ()> = Output::Store(bytes);
    let state = &prepared.past.state;
    for printed in [format!("{output:?}"), format!("{state:?}")] {
        let digits = secret.expose().map(|byte| byte.to_string()).join(", ");
        assert!(!printed.contains(&digits) && printed.contains("redacted"), "{printed}");
    }
}

#[test]
fn what_time_it_roughly_is_at_the_primary_is_told_by_the_clock_that_the_plan_is_on() {
    // [SESSION-35]
    let pair = Pair::new().run_until(112_000_000_000);
    let boot = BootId([2; 16]);
    let mut bytes = pair.a.disk[&assistants(1)].clone();
    let (now, ahead) = (pair.a.clock(pair.truth), pair.a.offset - pair.p.offset);
    let roughly = |bytes: &[u8]| {
        let told = Beginning::<Secondary>::of(&replay(bytes).unwrap(), boot).ahead?;
        Some((told - ahead).abs() < Span::from_secs(1))
    };
    assert_eq!(roughly(&bytes), Some(true));
    let replayed = replay(&bytes).unwrap();
    let last = |is: fn(&Fact) -> bool| {
        let facts = replayed.entries().iter().rev().map(|entry| entry.fact.clone());
        facts.into_iter().find(is).unwrap()
    };
    let plan = last(|fact| matches!(fact, Fact::Plan { .. }));
    let heard = last(|fact| matches!(fact, Fact::ClockHeard { .. }));
    // The app starts again, in the same boot.
    let mut writer = Writer::resume(&replayed);
    let started = Fact::ProcessStarted { boot, wall_ms: 0, cause: 0, raw: 0 };
    bytes.extend(writer.append(now, &started).unwrap());
    assert_eq!(roughly(&bytes), Some(true));
    bytes.extend(writer.append(now, &plan).unwrap());
    assert_eq!(roughly(&bytes), None);
    bytes.extend(writer.append(now, &heard).unwrap());
    assert_eq!(roughly(&bytes), Some(true));
}
