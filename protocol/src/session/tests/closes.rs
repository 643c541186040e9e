//! What the end of a connection means, against the table of the page.

use super::*;
use crate::secondary::{Ending, Failure};

/// The three last cells of the row of this code.
fn row(code: CloseCode) -> [&'static str; 3] {
    let begin = format!("| `{}` |", code.name());
    let page = include_str!("../../../../spec/fault.md");
    let row = page.lines().find(|line| line.starts_with(&begin)).unwrap();
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    [cells[3], cells[4], cells[5]]
}

/// What the assistant does when its connection is closed with this code.
fn does(pair: &mut Pair, link: LinkId, code: CloseCode) -> &'static str {
    ends(pair, link, Lost::Closed(code), code)
}

/// What it does when its connection ends in some way; `code` is what it may say of it.
fn ends(pair: &mut Pair, link: LinkId, lost: Lost, code: CloseCode) -> &'static str {
    pair.a.machine.handle(pair.a.clock(pair.truth), Input::Disconnected { link, lost });
    let (events, sent) = pair.a.drain();
    let refused = secondary::Event::PairingFailed(Failure::Refused(code));
    let over = |ending| events.contains(&secondary::Event::Finished(ending));
    pair.truth += 3_000_000_000;
    pair.a.machine.handle(pair.a.clock(pair.truth), Input::Wake);
    let (_, later) = pair.a.drain();
    let dials = sent.iter().chain(&later).any(|parcel| matches!(parcel, Parcel::Up(_)));
    match (events.contains(&refused), over(Ending::Removed(code)), over(Ending::Finished), dials) {
        (true, false, false, false) => "fails",
        (false, true, false, false) => "out",
        (false, false, true, false) => "over",
        (false, false, false, true) => "again",
        other => panic!("{code}: {other:?}, {events:?}"),
    }
}

#[test]
fn an_assistant_does_what_the_table_says() {
    // [FAULT-3]
    for code in CloseCode::ALL {
        let [before_accept, before_plan, in_session] = row(*code);
        assert_eq!(does(&mut asking(), OTHER, *code), before_accept, "{code}");
        // It forgets a seat beside what failed.
        let forgets = before_plan.replace("forgets", "fails");
        assert_eq!(does(&mut answered(), LinkId(1), *code), forgets, "{code}");
        let mut pair = Pair::new().run_until(101_000_000_000);
        let done = does(&mut pair, LinkId(1), *code);
        assert_eq!(Some(done), in_session.split(',').next(), "{code}");
    }
    for lost in [Lost::ClosedUnknown(0), Lost::ClosedUnknown(0x7_0000), Lost::TimedOut] {
        let seated = || Pair::new().run_until(101_000_000_000);
        for (mut pair, link) in [(asking(), OTHER), (answered(), LinkId(1)), (seated(), LinkId(1))]
        {
            assert_eq!(ends(&mut pair, link, lost, CloseCode::OkEnd), "again", "{lost:?}");
        }
    }
}

#[test]
fn who_is_put_out_ends_its_journal() {
    // [FAULT-2]
    let own = JournalName { role: Role::new(1).unwrap(), device: 1 };
    for (code, reason) in [
        (CloseCode::Revoked, 2),
        (CloseCode::Replaced, 3),
        (CloseCode::CheckCodeMismatch, 2),
        (CloseCode::CloneSuspected, 2),
        (CloseCode::HistoryChanged, 2),
        (CloseCode::UnknownSession, 2),
    ] {
        let mut pair = Pair::new().run_until(103_000_000_000);
        assert_eq!(does(&mut pair, LinkId(1), code), "out");
        let journal = replay(&pair.a.disk[&own]).unwrap();
        let [.., last, seal] = journal.entries() else { panic!("{code}") };
        assert_eq!(last.fact, Fact::Finish { reason }, "{code}");
        assert!(matches!(seal.fact, Fact::Seal { .. }) && journal.closing_seals_hold());
    }
}

#[test]
fn who_is_put_out_stops_its_camera_and_still_knows_why_later() {
    // [FAULT-2]
    for (code, later) in [
        (CloseCode::Replaced, CloseCode::Replaced),
        (CloseCode::Revoked, CloseCode::Revoked),
        (CloseCode::CloneSuspected, CloseCode::Revoked),
    ] {
        let mut pair = Pair::new().run_until(105_000_000_000);
        let now = pair.a.clock(pair.truth);
        let lost = Lost::Closed(code);
        pair.a.machine.handle(now, Input::Disconnected { link: LinkId(1), lost });
        let (events, _) = pair.a.drain();
        let ended = |code| secondary::Event::Finished(Ending::Removed(code));
        let down = secondary::Event::Link(crate::liveness::LinkState::Down);
        assert_eq!(events, [down, secondary::Event::StopRecording, ended(code)]);
        let prepared = crate::session::prepare(pair.a.stored.as_ref(), pair.a.disk).unwrap();
        let mut again = Side::new(secondary_after(now, prepared.past), OFFSET);
        assert_eq!(again.drain().0, [ended(later)], "{code}");
    }
}

#[test]
fn only_a_closed_journal_makes_a_good_end() {
    // [FAULT-5]
    let own = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let mut pair = Pair::new().run_until(105_000_000_000);
    assert_eq!(does(&mut pair, LinkId(1), CloseCode::OkEnd), "again");
    let closed = |pair: &Pair| replay(&pair.a.disk[&own]).unwrap().is_finished();
    let mut pair = until(Pair::new().run_until(141_000_000_000), closed);
    assert_eq!(does(&mut pair, LinkId(1), CloseCode::OkEnd), "over");
}

#[test]
fn a_primary_hears_of_a_lost_connection_and_of_nothing_else() {
    // [FAULT-4]
    let told = |lost| {
        let mut pair = Pair::new().run_until(101_000_000_000);
        let now = pair.p.clock(pair.truth);
        pair.p.machine.handle(now, Input::Disconnected { link: LinkId(1), lost });
        pair.p.drain().0
    };
    let lost = told(Lost::TimedOut);
    assert!(lost.iter().any(|event| matches!(event, primary::Event::Link { .. })), "{lost:?}");
    for code in CloseCode::ALL {
        assert_eq!(told(Lost::Closed(*code)), lost, "{code}");
    }
}

#[test]
fn a_device_whose_digits_differ_is_told_so_and_refused_later() {
    // [SESSION-24]
    let role = Role::new(1).unwrap();
    for (command, told) in [
        (primary::Command::Remove { role }, CloseCode::Revoked),
        (
            primary::Command::CheckCode { role, compared: primary::Compared::Different },
            CloseCode::CheckCodeMismatch,
        ),
    ] {
        let mut pair = Pair::comparing().run_until(101_000_000_000);
        pair.ask_p(command);
        let (_, sent) = pair.p.drain();
        let [Parcel::Down(code)] = sent.as_slice() else { panic!("{} things said", sent.len()) };
        assert_eq!(*code, told);
        connect(&mut pair.p, pair.truth, Key::new(2).public_key(), Purpose::Resume);
        let asked = Input::Received {
            link: OTHER,
            lane: Lane::Control,
            age: Span::ZERO,
            bytes: &resume(&pair),
        };
        pair.p.machine.handle(pair.p.clock(pair.truth), asked);
        let (_, sent) = pair.p.drain();
        assert!(matches!(sent.as_slice(), [Parcel::Down(CloseCode::Revoked)]));
    }
}

/// Some RESUME: who is refused is told so before anything of it is looked at.
fn resume(pair: &Pair) -> Vec<u8> {
    let own = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let resume = wire::Resume {
        session: replay(&pair.a.disk[&own]).unwrap().header().session,
        role: own.role,
        epoch: 1,
        boot: BootId([2; 16]),
        head: [0; 32],
        sequence: 0,
        peer_sequence: 0,
        mac: [0; 32],
    };
    wire::Control::Resume(resume).encode()
}
