//! Coming back without another scan.

use super::*;

fn standing(boot: u8, sequence: u64) -> Standing {
    Standing { boot: BootId([boot; 16]), head: [boot; 32], sequence, peer_sequence: 3 }
}

fn members() -> (Membership, Membership) {
    let (primary, assistant) = World::new(71).pair(2);
    (primary.membership(), assistant.membership())
}

fn answer(
    primary: &mut Membership,
    dialled: &Dialled,
    frame: &Frame,
) -> Result<(Frame, crate::wire::Resume), Fault> {
    let examined = primary.examine(&dialled.at_primary, &key(1), frame)?;
    Ok((primary.answer(&examined, standing(1, 10)), *examined.request()))
}

fn code(primary: &mut Membership, dialled: &Dialled, frame: &Frame) -> CloseCode {
    answer(primary, dialled, frame).unwrap_err().code
}

#[test]
fn a_membership_is_resumed_without_a_scan() {
    // [PAIRING-20] [PAIRING-23]
    let (mut primary, mut assistant) = members();
    assert_eq!(primary.discovery(), assistant.discovery());
    for round in 1..=3 {
        let dialled = dial(2, round);
        let asked = standing(2, 20);
        let (frame, expect) = assistant.request(&dialled.at_assistant, &key(2), asked).unwrap();
        let (resumed, request) = answer(&mut primary, &dialled, &frame).unwrap();
        assert_eq!((request.sequence, request.epoch), (20, u32::from(round)));
        assert_eq!(expect.accept(&resumed).unwrap().sequence, 10);
    }
}

#[test]
fn case_71_numbers_that_come_again() {
    // [PAIRING-24]
    let (mut primary, mut assistant) = members();
    let mut copy = assistant.clone();
    let (one, two, three) = (dial(2, 1), dial(2, 2), dial(2, 3));
    let (late, _) = assistant.request(&one.at_assistant, &key(2), standing(2, 0)).unwrap();
    let (frame, _) = assistant.request(&two.at_assistant, &key(2), standing(2, 0)).unwrap();
    answer(&mut primary, &two, &frame).unwrap();
    assert_eq!(code(&mut primary, &one, &late), CloseCode::StaleEpoch, "a late attempt");
    assert_eq!(code(&mut primary, &two, &frame), CloseCode::CloneSuspected, "used twice");
    let (frame, _) = copy.request(&three.at_assistant, &key(2), standing(9, 0)).unwrap();
    assert_eq!(code(&mut primary, &three, &frame), CloseCode::CloneSuspected, "a copy");
}

#[test]
fn a_resumption_that_is_not_answered_uses_no_number() {
    // [PAIRING-24] [SESSION-40]
    let (mut primary, mut assistant) = members();
    let (mut copy, before) = (assistant.clone(), primary.clone());
    let (one, two) = (dial(2, 1), dial(2, 2));
    let (frame, _) = copy.request(&one.at_assistant, &key(2), standing(9, 0)).unwrap();
    assert_eq!(primary.examine(&one.at_primary, &key(1), &frame).unwrap().request().epoch, 1);
    assert_eq!(primary, before);
    let (frame, _) = assistant.request(&two.at_assistant, &key(2), standing(2, 0)).unwrap();
    assert_eq!(answer(&mut primary, &two, &frame).unwrap().1.epoch, 1);
}

#[test]
fn case_71_forged_and_foreign_resumptions() {
    // [PAIRING-20]
    let (mut primary, mut assistant) = members();
    let dialled = dial(2, 1);
    let mut forger = Membership { resume: ResumeSecret::new([1; 32]), ..assistant.clone() };
    let (frame, _) = forger.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
    assert_eq!(code(&mut primary, &dialled, &frame), CloseCode::AuthFailed);
    let mut foreign = Membership { session: SessionId([7; 16]), ..assistant.clone() };
    let (frame, _) = foreign.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
    assert_eq!(code(&mut primary, &dialled, &frame), CloseCode::UnknownSession);
    let (frame, expect) =
        assistant.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
    for bit in 0..frame.body().len() * 8 {
        let mut fresh = primary.clone();
        assert!(answer(&mut fresh, &dialled, &flipped(&frame, bit)).is_err(), "{bit}");
        assert_eq!(fresh, primary, "a refusal changes nothing");
    }
    let relayed = another_exporter(dial(2, 1));
    assert_eq!(code(&mut primary, &relayed, &frame), CloseCode::AuthFailed);
    let other = dial(3, 1);
    assert_eq!(code(&mut primary, &other, &frame), CloseCode::UnknownSession);
    let reflected = Frame::new(Kind::Resumed, frame.body().to_vec());
    assert_eq!(expect.accept(&reflected).unwrap_err().code, CloseCode::AuthFailed);
}

#[test]
fn every_bit_of_the_answer_counts() {
    // [PAIRING-20]
    let (mut primary, assistant) = members();
    let dialled = dial(2, 1);
    let mut first = assistant.clone();
    let (frame, _) = first.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
    let (resumed, _) = answer(&mut primary, &dialled, &frame).unwrap();
    for bit in 0..resumed.body().len() * 8 {
        let mut again = assistant.clone();
        let (_, expect) = again.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
        assert!(expect.accept(&flipped(&resumed, bit)).is_err(), "{bit}");
    }
}

#[test]
fn an_answer_to_another_request_is_refused_although_its_mac_is_right() {
    // [PAIRING-33]
    use crate::identity::sha256;
    use crate::wire::Resume;
    let (primary, mut assistant) = members();
    let dialled = dial(2, 1);
    let (frame, _) = assistant.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
    let Control::Resume(asked) = Control::decode(Kind::Resume, frame.body()).unwrap() else {
        panic!("RESUME")
    };
    let answered = |change: fn(&mut Resume)| {
        let mut copy = Membership { epoch: 0, ..assistant.clone() };
        let (_, expect) = copy.request(&dialled.at_assistant, &key(2), standing(2, 0)).unwrap();
        let mut answer = asked;
        change(&mut answer);
        let ends = dialled.at_primary.seen_by_primary(&key(1));
        let secret = keys::resume_key(&primary.resume, b"resume primary");
        let unproven = Control::Resumed(answer).frame();
        let covered = sha256(keys::without_mac(unproven.body()));
        answer.mac = ends.resume_mac(&secret, &[&sha256(frame.body()), &covered]);
        expect.accept(&Control::Resumed(answer).frame()).map_err(|fault| fault.code)
    };
    assert_eq!(answered(|_| {}).map(|answer| answer.epoch), Ok(1));
    let others: [fn(&mut Resume); 3] = [
        |answer| answer.session = SessionId([7; 16]),
        |answer| answer.role = Role::new(2).unwrap(),
        |answer| answer.epoch = 2,
    ];
    for other in others {
        assert_eq!(answered(other).unwrap_err(), CloseCode::AuthFailed);
    }
}

#[test]
fn another_key_is_asked_for_nothing() {
    // [PAIRING-10]
    let (_, mut assistant) = members();
    let before = assistant.clone();
    let wrong = Connection { peer: key(7), ..dial(2, 1).at_assistant };
    let error = assistant.request(&wrong, &key(2), standing(2, 0)).unwrap_err();
    assert_eq!(error.code, CloseCode::AuthFailed);
    assert_eq!(assistant, before);
    assistant.epoch = u32::MAX;
    let error = assistant.request(&dial(2, 1).at_assistant, &key(2), standing(2, 0)).unwrap_err();
    assert_eq!(error.code, CloseCode::Internal);
}
