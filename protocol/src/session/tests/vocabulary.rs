//! Which message is taken from whom and when, against the table of the page.

use std::collections::BTreeSet;

use super::*;
use crate::wire::Kind;

/// Name, sender and state of every row.
fn rows() -> Vec<[&'static str; 3]> {
    let page = include_str!("../../../../spec/session.md");
    let table = page.lines().skip_while(|line| *line != "## Messages");
    let rows = table.take_while(|line| *line != "## Statements");
    let rows = rows.filter(|line| line.starts_with("| ") && !line.starts_with("| Message"));
    let cells = |row: &'static str| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        [(); 3].map(|()| cells.next().unwrap())
    };
    rows.map(cells).collect()
}

/// What the page lets a device take from this sender in this state.
fn allowed(sender: &str, state: &str) -> BTreeSet<&'static str> {
    let fits = |[_, from, when]: &[&str; 3]| {
        let now = *when == state || when.split(", ").any(|part| part == state);
        now && (*from == sender || *from == "both")
    };
    rows().into_iter().filter(fits).map(|[name, ..]| name).collect()
}

/// The example of each control message that the vectors have.
fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/vectors/wire");
    let frame = |kind: &Kind| {
        let name = kind.name().to_lowercase().replace('_', "-");
        let vector = std::fs::read_to_string(format!("{folder}/{name}-ok.txt")).unwrap();
        let hex = vector.lines().find_map(|line| line.strip_prefix("frame: ")).unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (kind.name(), (0..hex.len()).step_by(2).map(byte).collect())
    };
    Kind::ALL.iter().filter(|kind| !kind.is_datagram()).map(frame).collect()
}

/// Whether this side lets the message pass, or closes the connection as `OUT_OF_ORDER`.
fn takes<M: Machine>(side: &mut Side<M>, truth: i64, link: LinkId, bytes: &[u8]) -> bool {
    let (now, lane, age) = (side.clock(truth), Lane::Control, Span::ZERO);
    side.machine.handle(now, Input::Received { link, lane, age, bytes });
    let (_, sent) = side.drain();
    !sent.iter().any(|parcel| matches!(parcel, Parcel::Down(CloseCode::OutOfOrder)))
}

/// Every message before fresh machines, against the page.
fn hold(sender: &str, state: &str, mut takes: impl FnMut(&[u8]) -> bool) {
    let taken = examples().into_iter().filter(|(_, bytes)| takes(bytes)).map(|(name, _)| name);
    assert_eq!(taken.collect::<BTreeSet<_>>(), allowed(sender, state), "{state}");
}

#[test]
fn a_primary_takes_what_the_table_says() {
    // [SESSION-44]
    let key = Key::new(2).public_key();
    for (purpose, state) in
        [(Purpose::Pair, "new, `diptych-pair/1`"), (Purpose::Resume, "new, `diptych/1`")]
    {
        hold("assistant", state, |bytes| {
            let mut pair = Pair::new();
            connect(&mut pair.p, pair.truth, key, purpose);
            takes(&mut pair.p, pair.truth, OTHER, bytes)
        });
    }
    hold("assistant", "answered", |bytes| {
        let mut pair = claimed();
        takes(&mut pair.p, pair.truth, LinkId(1), bytes)
    });
    hold("assistant", "seated", |bytes| {
        let mut pair = Pair::new().run_until(101_000_000_000);
        takes(&mut pair.p, pair.truth, LinkId(1), bytes)
    });
}

#[test]
fn an_assistant_takes_what_the_table_says() {
    // [SESSION-44]
    hold("primary", "asked, by HELLO", |bytes| {
        let mut pair = asking();
        takes(&mut pair.a, pair.truth, OTHER, bytes)
    });
    hold("primary", "asked, by RESUME", |bytes| {
        let mut pair = Pair::new().run_until(101_000_000_000);
        let now = pair.a.clock(pair.truth);
        let gone = Input::Disconnected { link: LinkId(1), lost: Lost::TimedOut };
        pair.a.machine.handle(now, gone);
        pair.a.machine.handle(now, Input::NetworkChanged);
        connect(&mut pair.a, pair.truth, Key::new(1).public_key(), Purpose::Resume);
        takes(&mut pair.a, pair.truth, OTHER, bytes)
    });
    hold("primary", "answered", |bytes| {
        let mut pair = answered();
        takes(&mut pair.a, pair.truth, LinkId(1), bytes)
    });
    hold("primary", "seated", |bytes| {
        let mut pair = Pair::new().run_until(101_000_000_000);
        takes(&mut pair.a, pair.truth, LinkId(1), bytes)
    });
}

#[test]
fn the_standing_order_is_told_again_and_obeyed_once() {
    // [SESSION-6] [SESSION-43]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let gone = || Input::Disconnected { link: LinkId(1), lost: Lost::TimedOut };
    let (cut, p, a) = (pair.said.len(), pair.p.clock(pair.truth), pair.a.clock(pair.truth));
    pair.p.machine.handle(p, gone());
    pair.a.machine.handle(a, gone());
    let pair = pair.run_until(107_000_000_000);
    let later = pair.said[cut..].iter().filter(|(by, _)| by.is_primary());
    let later: Vec<Kind> = later.map(|(_, kind)| *kind).take(4).collect();
    assert_eq!(later, [Kind::Resumed, Kind::Announce, Kind::DeviceReport, Kind::Begin]);
    let started =
        |event: &&secondary::Event| matches!(event, secondary::Event::StartRecording { .. });
    assert_eq!(pair.told_a.iter().filter(started).count(), 1, "{:?}", pair.told_a);
}

#[test]
fn a_hello_of_another_version_is_told_so_and_a_broken_one_too() {
    // [WIRE-6] [WIRE-2]: the seat that it is for cannot be read from either.
    let (_, hello) = examples().swap_remove(0);
    let mut later = hello.clone();
    later[4] = 2;
    let mut cut = hello[..hello.len() - 1].to_vec();
    cut[2] -= 1;
    for (bytes, expected) in [(later, CloseCode::Version), (cut, CloseCode::BadFrame)] {
        let mut pair = Pair::new();
        connect(&mut pair.p, pair.truth, Key::new(2).public_key(), Purpose::Pair);
        let (link, lane, age) = (OTHER, Lane::Control, Span::ZERO);
        let received = Input::Received { link, lane, age, bytes: &bytes };
        pair.p.machine.handle(pair.p.clock(pair.truth), received);
        let (_, sent) = pair.p.drain();
        let [Parcel::Down(code)] = sent.as_slice() else { panic!("{} things said", sent.len()) };
        assert_eq!(*code, expected);
    }
}
