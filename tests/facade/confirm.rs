//! The network goes at the one moment when only the assistant holds itself for
//! paired: ACCEPT has come, CONFIRM has not left.

use diptych_driver::disk::Private;
use diptych_driver::socket::{Faults, Weather};
use diptych_protocol::fault::CloseCode;
use diptych_protocol::secondary::Failure;

use super::disk::Kept;
use super::*;

/// Scans the code that the primary shows and agrees.
fn scan(primary: &Primary, assistant: &Secondary, log: &mut Vec<String>) {
    let text = of_primary(primary, log, |event| match event {
        primary::Event::Ticket { text, .. } => Some(text.clone()),
        _ => None,
    });
    assistant.scanned(&text).unwrap();
    assistant.consent(Consent::Given).unwrap();
}

/// The assistant is paired by what it knows, and the primary knows nothing of it.
fn cut(here: &Path, there: &Path, log: &mut Vec<String>) -> (Primary, Secondary, Faults) {
    let primary = start_primary(here, plan(Span::from_secs(60), Span::from_secs(60)));
    let network = Faults::new(1);
    // The network goes when the seat is stored, which is before CONFIRM leaves.
    let mut cut = Some(network.clone());
    let storage = disk::watched(there, move |kept| {
        if kept == Kept::File(Private::State)
            && let Some(network) = cut.take()
        {
            network.set(Weather { down: true, ..Weather::default() });
        }
    });
    let faults = Some(network.clone());
    let supply = diptych_secondary::Supply { storage, faults, ..supply(there) };
    let label = Label::new("behind").unwrap();
    let assistant = Secondary::start(diptych_secondary::Options { supply, label }).unwrap();
    primary.open_pairing(Role::new(1).unwrap()).unwrap();
    scan(&primary, &assistant, log);
    of_assistant(&assistant, log, |event| {
        matches!(event, secondary::Event::Paired { .. }).then_some(())
    });
    (primary, assistant, network)
}

fn until_known(primary: &Primary, assistant: &Secondary, log: &mut Vec<String>) {
    of_assistant(assistant, log, |event| matches!(event, secondary::Event::Plan(_)).then_some(()));
    of_primary(primary, log, |event| matches!(event, primary::Event::Paired { .. }).then_some(()));
}

#[test]
fn an_assistant_that_died_before_it_confirmed_is_let_in_without_a_scan() {
    // [PAIRING-27]
    let (here, there) = (folder("confirm-p"), folder("confirm-a"));
    let mut log = Vec::new();
    let (primary, assistant, _) = cut(&here, &there, &mut log);
    drop(assistant);
    let assistant = start_assistant(&there);
    until_known(&primary, &assistant, &mut log);
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn an_assistant_that_confirms_too_late_is_told_so_and_scans_again() {
    // [PAIRING-27] [PAIRING-29]
    let (here, there) = (folder("late-p"), folder("late-a"));
    let mut log = Vec::new();
    let (primary, assistant, network) = cut(&here, &there, &mut log);
    // Another code is shown once the claim has lapsed.
    of_primary(&primary, &mut log, |event| {
        matches!(event, primary::Event::TicketWithdrawn { .. }).then_some(())
    });
    of_primary(&primary, &mut log, |event| {
        matches!(event, primary::Event::Ticket { .. }).then_some(())
    });
    network.set(Weather::default());
    let failure = of_assistant(&assistant, &mut log, |event| match event {
        secondary::Event::PairingFailed(failure) => Some(failure.clone()),
        _ => None,
    });
    assert_eq!(failure, Failure::Refused(CloseCode::Expired), "{log:#?}");
    let ticket = primary.snapshot().unwrap().seats.first().unwrap().ticket.clone().unwrap();
    assistant.scanned(&ticket).unwrap();
    assistant.consent(Consent::Given).unwrap();
    until_known(&primary, &assistant, &mut log);
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}
