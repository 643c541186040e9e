//! The loop: carry out what the machine wants, wait for one thing, hand it in.
//!
//! It knows the law of [`diptych_protocol::machine`] and nothing else: no exam, no
//! pairing, no camera. Storage is written inside the loop on purpose, so that the
//! order "durable first, told afterwards" is the order of these lines. What comes
//! meanwhile was stamped by its reader, so a slow disk delays and does not
//! distort: the machine is told the present and, beside it, how old the news is.
//! Rejected: the stamp in the place of the present, which dates an answer before
//! its sender woke up for the question. `[TRANSPORT-28]`

use std::time::Duration;

use diptych_protocol::fault::CloseCode;
use diptych_protocol::machine::{Input, Lane, Machine, Output};
use diptych_protocol::time::{Instant, Span};

use crate::World;
use crate::clock::Naps;
use crate::disk::{Kept, Private, blocking};
use crate::handle::{Ask, Asked, Ended, Notice, Teller};
use crate::held::{Held, Part};
use crate::link::{Arrival, Dial, Link};

/// What ended a wait.
enum Next<M: Machine> {
    Asked(Option<Ask<M>>),
    Arrived(Arrival<M::Clock>),
    Ticked,
}

/// Runs until the app stops it or lets go of it.
pub(crate) async fn run<M: Machine, L: Link<M::Clock>>(
    mut machine: M,
    mut world: World<M::Clock, L>,
    asked: &mut Asked<M>,
    teller: Teller<M::Event>,
) -> Ended {
    let mut naps = Naps::new(&*world.clock);
    let mut kept = Kept::default();
    let held = asked.held.clone();
    loop {
        let wake = drain(&mut machine, &mut world, &held, &mut kept, &teller);
        let step = Naps::step(world.clock.now(), wake).to_duration();
        let next = tokio::select! {
            ask = asked.asks.recv() => Next::Asked(ask),
            arrival = world.link.next() => Next::Arrived(arrival),
            () = nap(step) => Next::Ticked,
        };
        let now = world.clock.now();
        if let Some(span) = naps.since(&*world.clock) {
            held.by(Part::Key, || machine.handle(now, Input::Slept { span }));
            drain(&mut machine, &mut world, &held, &mut kept, &teller);
        }
        match next {
            Next::Asked(Some(Ask::Command(command, answer))) => {
                let accepted = held.by(Part::Key, || machine.command(now, command));
                // To be answered is to be told, too. [SESSION-1]
                drain(&mut machine, &mut world, &held, &mut kept, &teller);
                _ = answer.send(accepted);
            }
            Next::Asked(Some(Ask::Inspect(look))) => look(&machine),
            Next::Asked(Some(Ask::NetworkChanged)) => {
                world.link.network_changed();
                held.by(Part::Key, || machine.handle(now, Input::NetworkChanged));
            }
            Next::Asked(Some(Ask::Stop) | None) => break,
            Next::Arrived(Arrival { at, what }) => match what.input((now - at).max(Span::ZERO)) {
                Ok(input) => held.by(Part::Key, || machine.handle(now, input)),
                Err(trouble) => teller.tell(Notice::Trouble(trouble)),
            },
            Next::Ticked if wake.is_some_and(|wake| wake <= now) => {
                held.by(Part::Key, || machine.handle(now, Input::Wake));
            }
            Next::Ticked => {}
        }
    }
    // Whoever is told of the end finds that nothing can be asked any more.
    asked.asks.close();
    world.link.finish().await;
    kept.end().and(world.disk.sync())
}

/// Waits for `step`. Where it is none the runtime's timer would still take a
/// millisecond; what is to be sent meanwhile goes first.
async fn nap(step: Duration) {
    if step.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(step).await;
    }
}

/// Carries out every output, and returns when to wake the machine.
///
/// The first failure of storage is told to the app and to the machine. What
/// follows a failed write in the same batch may depend on it, so none of it is
/// told to anybody: a control frame that must not be sent costs its connection.
/// `[SESSION-1]`
fn drain<M: Machine, L: Link<M::Clock>>(
    machine: &mut M,
    world: &mut World<M::Clock, L>,
    held: &Held,
    kept: &mut Kept,
    teller: &Teller<M::Event>,
) -> Option<Instant<M::Clock>> {
    loop {
        match machine.poll_output() {
            Output::Append { journal, bytes } => {
                kept.note(held.by(Part::Storage, || world.disk.append(journal, &bytes)));
            }
            Output::Sync => {
                kept.note(held.by(Part::Storage, || blocking(|| world.disk.sync())));
            }
            Output::Store(state) => {
                let store = || world.disk.store(Private::State, state.expose());
                kept.note(held.by(Part::Storage, || blocking(store)));
            }
            Output::Transmit { link, lane: Lane::Control, .. } if kept.is_untold() => {
                world.link.close(link, CloseCode::Internal);
            }
            Output::Transmit { .. } | Output::Event(_) if kept.is_untold() => {}
            Output::Transmit { link, lane, bytes } => world.link.transmit(link, lane, bytes),
            Output::Admit(admission) => world.link.admit(admission),
            Output::Dial { peer, addresses, purpose, discovery } => {
                world.link.dial(Dial { peer, addresses, purpose, discovery });
            }
            Output::Announce(names) => world.link.announce(names),
            Output::Close { link, code } => world.link.close(link, code),
            Output::Event(event) => teller.tell(Notice::Event(event)),
            Output::Idle { wake } if !kept.is_untold() => return wake.map(|(at, _)| at),
            Output::Idle { .. } => {
                if let Some(trouble) = kept.tell() {
                    teller.tell(Notice::Trouble(trouble));
                }
                let now = world.clock.now();
                held.by(Part::Key, || machine.handle(now, Input::StorageFailed));
            }
        }
    }
}

#[cfg(test)]
mod tests;
