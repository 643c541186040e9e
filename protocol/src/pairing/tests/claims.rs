//! Who claims a seat, who is late, and who never confirms.

use super::*;

/// An assistant that has taken ACCEPT and whose CONFIRM is on its way: its
/// connection, its membership, CONFIRM.
fn accepted(world: &mut World, assistant: u8, number: u8) -> (Dialled, Membership, Frame) {
    let dialled = dial(assistant, number);
    let (hello, expect) = dialled.say_hello(world.scan());
    let accept = world.hello(&dialled, &hello).unwrap();
    let (paired, confirm) = expect.accept(&accept).unwrap();
    (dialled, paired.membership(), confirm)
}

const BEGUN: Standing =
    Standing { boot: BootId([2; 16]), head: [2; 32], sequence: 0, peer_sequence: 0 };
const OURS: Standing =
    Standing { boot: BootId([1; 16]), head: [1; 32], sequence: 7, peer_sequence: 0 };

fn resume(world: &mut World, dialled: &Dialled, frame: &Frame) -> Result<Returned, Fault> {
    world.offer.resume(world.now, &dialled.at_primary, frame, OURS, &mut world.entropy)
}

fn request(seat: &mut Membership, dialled: &Dialled) -> (Frame, ExpectResumed) {
    seat.request(&dialled.at_assistant, &dialled.own, BEGUN).unwrap()
}

#[test]
fn a_resume_confirms_where_a_confirm_was_lost() {
    // [PAIRING-27]
    let mut world = World::new(50);
    let (first, mut seat, confirm) = accepted(&mut world, 2, 1);
    world.pass(limits::CLAIM_DEADLINE - Span::from_nanos(1));
    let second = dial(2, 2);
    let (frame, expect) = request(&mut seat, &second);
    let returned = resume(&mut world, &second, &frame).unwrap();
    assert_eq!(expect.accept(&returned.answer).unwrap().sequence, 7);
    assert_eq!(returned.paired.resume(), &seat.resume);
    assert_eq!((returned.membership.epoch, returned.membership.peer), (1, key(2)));
    assert_eq!(returned.request.sequence, 0);
    // The seat is taken, once: neither way leads to it again.
    assert!(world.offer.ticket().is_none() && world.offer.is_fulfilled());
    assert_eq!(world.confirm(&first, &confirm).unwrap_err().code, CloseCode::OutOfOrder);
    let again = resume(&mut world, &second, &frame).unwrap_err();
    assert_eq!(again.code, CloseCode::Expired);
}

#[test]
fn a_claim_is_confirmed_by_its_own_device_and_secret_only() {
    // [PAIRING-27] [PAIRING-10] [PAIRING-20]
    let mut world = World::new(51);
    let (_, seat, _) = accepted(&mut world, 2, 1);
    let back = dial(2, 2);
    let (frame, _) = request(&mut seat.clone(), &back);
    let refused = |world: &mut World, dialled: &Dialled, frame: &Frame| {
        let code = resume(world, dialled, frame).unwrap_err().code;
        assert!(world.offer.claimed_by().is_some(), "the claim stands");
        code
    };
    for bit in 0..frame.body().len() * 8 {
        refused(&mut world, &back, &flipped(&frame, bit));
    }
    assert_eq!(
        refused(&mut world, &another_exporter(dial(2, 2)), &frame),
        CloseCode::AuthFailed,
        "a recorded one on another connection"
    );
    // Somebody who photographed the code, with a key of its own.
    let thief = dial(3, 2);
    let (stolen, _) = request(&mut seat.clone(), &thief);
    assert_eq!(refused(&mut world, &thief, &stolen), CloseCode::Expired);
    let mut forger = Membership { resume: ResumeSecret::new([1; 32]), ..seat.clone() };
    let (forged, _) = request(&mut forger, &back);
    assert_eq!(refused(&mut world, &back, &forged), CloseCode::AuthFailed);
    let mut elsewhere = Membership { session: SessionId([7; 16]), ..seat.clone() };
    let (foreign, _) = request(&mut elsewhere, &back);
    assert_eq!(refused(&mut world, &back, &foreign), CloseCode::UnknownSession);
    let confirm = Frame::new(Kind::Confirm, frame.body().to_vec());
    assert_eq!(refused(&mut world, &back, &confirm), CloseCode::OutOfOrder);
    assert!(resume(&mut world, &back, &frame).is_ok());
}

#[test]
fn a_resume_after_the_claim_lapsed_is_too_late() {
    // [PAIRING-22] [PAIRING-27]
    let mut world = World::new(52);
    let (_, mut seat, _) = accepted(&mut world, 2, 1);
    world.pass(limits::CLAIM_DEADLINE);
    let back = dial(2, 2);
    let (frame, _) = request(&mut seat, &back);
    assert_eq!(resume(&mut world, &back, &frame).unwrap_err().code, CloseCode::Expired);
    // The next code is anybody's, the late device's too.
    let (_, mut seat, _) = accepted(&mut world, 2, 3);
    let (frame, _) = request(&mut seat, &dial(2, 4));
    assert!(resume(&mut world, &dial(2, 4), &frame).is_ok());
}

#[test]
fn a_second_scan_is_an_alarm_while_the_first_is_not_confirmed() {
    // [PAIRING-21]
    let mut world = World::new(53);
    let photographed = world.scan();
    let (_, mut seat, _) = accepted(&mut world, 2, 1);
    let thief = dial(3, 1);
    let (hello, _) = thief.say_hello(photographed);
    for _ in 0..2 {
        let refusal = world.hello(&thief, &hello).unwrap_err();
        assert_eq!(refusal.fault.code, CloseCode::AlreadyClaimed);
        assert!(matches!(refusal.alarm, Some(PairingAlarm::SecondScan { .. })));
    }
    let back = dial(2, 2);
    let (frame, _) = request(&mut seat, &back);
    assert!(resume(&mut world, &back, &frame).is_ok());
    assert_eq!(world.refused(&thief, &hello), CloseCode::AlreadyClaimed);
}

#[test]
fn cases_44_and_46_a_second_scan_raises_an_alarm() {
    // [PAIRING-21]
    let mut world = World::new(44);
    let (late, third) = (world.scan(), world.scan());
    let first = dial(2, 1);
    let (hello, _) = first.say_hello(world.scan());
    world.hello(&first, &hello).unwrap();
    let alarm = Some(PairingAlarm::SecondScan {
        label: Label::new("back").unwrap(),
        key: key(3).fingerprint(),
    });
    let second = dial(3, 1);
    let (hello, _) = second.say_hello(late);
    let refusal = world.hello(&second, &hello).unwrap_err();
    assert_eq!((refusal.fault.code, refusal.alarm), (CloseCode::AlreadyClaimed, alarm));

    let mut world = World::new(44);
    world.pair(2);
    world.pass(Span::from_secs(600));
    let (hello, _) = second.say_hello(third);
    let refusal = world.hello(&second, &hello).unwrap_err();
    assert_eq!((refusal.fault.code, refusal.alarm), (CloseCode::AlreadyClaimed, alarm));
    // Whoever only guesses raises no such alarm and learns nothing.
    let refusal = world.hello(&second, &flipped(&hello, 100 * 8)).unwrap_err();
    assert_eq!((refusal.fault.code, refusal.alarm), (CloseCode::AuthFailed, None));
}

#[test]
fn case_45_of_two_scanners_exactly_one_is_let_in() {
    // [PAIRING-22]
    let mut order = Entropy::new([45; 32]);
    let (one, two) = (dial(2, 1), dial(3, 1));
    let template = World::new(45);
    let (hello_one, _) = one.say_hello(template.scan());
    let (hello_two, _) = two.say_hello(template.scan());
    for race in 0..1_000 {
        let mut world = World::new(45);
        let mut let_in = Vec::new();
        let mut alarms = 0;
        for draw in order.draw::<6>() {
            let (dialled, hello) =
                if draw % 2 == 0 { (&one, &hello_one) } else { (&two, &hello_two) };
            match world.hello(dialled, hello) {
                Ok(_) => let_in.push(dialled.own),
                Err(refusal) => alarms += usize::from(refusal.alarm.is_some()),
            }
        }
        assert_eq!(let_in.len() + alarms, 6, "every attempt of the loser raises the alarm");
        let_in.dedup();
        assert_eq!(let_in.len(), 1, "race {race}");
    }
}

#[test]
fn case_47_a_lost_accept_is_sent_again() {
    // [PAIRING-18]
    let mut world = World::new(47);
    let send = world.scan();
    let first = dial(2, 1);
    let (hello, _) = first.say_hello(send.clone());
    let accept = world.hello(&first, &hello).unwrap();
    assert_eq!(world.hello(&first, &hello).unwrap(), accept, "the same bytes");
    let second = dial(2, 2);
    let (hello, expect) = second.say_hello(send);
    let again = world.hello(&second, &hello).unwrap();
    assert_eq!(again.body()[..100], accept.body()[..100], "the same session, seat and nonce");
    let (_, confirm) = expect.accept(&again).unwrap();
    let error = world.confirm(&first, &confirm).unwrap_err();
    assert_eq!(error.code, CloseCode::OutOfOrder, "the first connection is superseded");
    assert!(world.confirm(&second, &confirm).is_ok());
}

#[test]
fn case_48_a_lost_confirm_is_sent_again() {
    // [PAIRING-18]
    let mut world = World::new(48);
    let send = world.scan();
    let first = dial(2, 1);
    let (hello, expect) = first.say_hello(send.clone());
    let accept = world.hello(&first, &hello).unwrap();
    expect.accept(&accept).unwrap();
    world.pass(Span::from_secs(9));
    let second = dial(2, 2);
    let (hello, expect) = second.say_hello(send);
    let accept = world.hello(&second, &hello).unwrap();
    let (at_assistant, confirm) = expect.accept(&accept).unwrap();
    let at_primary = world.confirm(&second, &confirm).unwrap();
    assert_eq!(at_primary.resume(), at_assistant.resume());
}

#[test]
fn case_49_a_claim_that_is_not_confirmed_lapses() {
    // [PAIRING-22] [LIMITS-47]
    let mut world = World::new(49);
    let send = world.scan();
    let dialled = dial(2, 1);
    let (hello, expect) = dialled.say_hello(send.clone());
    let accept = world.hello(&dialled, &hello).unwrap();
    assert_eq!(world.offer.claimed_by().unwrap().0, &key(2));
    assert_eq!(world.offer.deadline(), Some(world.now + limits::CLAIM_DEADLINE));
    world.pass(limits::CLAIM_DEADLINE);
    assert_ne!(world.offer.ticket().unwrap().secret, send.ticket().secret);
    let (_, confirm) = expect.accept(&accept).unwrap();
    assert_eq!(world.confirm(&dialled, &confirm).unwrap_err().code, CloseCode::OutOfOrder);
    assert_eq!(world.refused(&dialled, &hello), CloseCode::Expired);
    assert_eq!(world.pair(3).0.peer(), &key(3), "the seat is free again");
}
