//! Ends: asked for, by letting go, and in the middle of everything.

use tokio::time::Instant;

use diptych_driver::error::AskError;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::limits;
use diptych_protocol::machine::{Lane, Lost, Purpose};
use diptych_protocol::time::{Primary, Secondary, Span};

use crate::device::{Device, PATIENCE, pair};
use crate::parrot::{Heard, No, Order};

#[tokio::test]
async fn stopping_tells_the_peer_and_leaves_nothing_behind() {
    // [TRANSPORT-25]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    pair(&mut primary, &mut assistant).await;
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    primary.handle.stop().await.unwrap();
    let lost = assistant
        .heard(|heard| match heard {
            Heard::Disconnected { lost, .. } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::Closed(CloseCode::GoingAway));
    assistant.handle.stop().await.unwrap();
    let quiet = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, quiet).await.unwrap_or_else(|_| {
        let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        panic!("{left} of {before} tasks were left behind")
    });
    assert!(matches!(primary.handle.ask(Order::Refuse).await, Err(AskError::Stopped(_))));
    assert!(primary.handle.inspect(|parrot| parrot.received.len()).await.is_err());
}

#[tokio::test]
async fn letting_go_of_the_handle_ends_the_driver() {
    let mut device = Device::<Primary>::new();
    let stranger = Device::<Primary>::new().handle.clone();
    drop(std::mem::replace(&mut device.handle, stranger));
    let ended = async { while device.events.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}

#[tokio::test]
async fn stopping_in_the_middle_of_a_dial_does_not_wait_for_it() {
    let assistant = Device::<Secondary>::new();
    let silent = Device::<Primary>::new();
    assistant.dial(&silent, Purpose::Resume).await;
    let started = Instant::now();
    assistant.handle.stop().await.unwrap();
    assert!(started.elapsed() < limits::HANDSHAKE_DEADLINE.to_duration() / 2);
}

#[tokio::test]
async fn a_refused_command_comes_back_with_its_reason() {
    let device = Device::<Primary>::new();
    assert_eq!(device.handle.ask(Order::Refuse).await, Err(AskError::Rejected(No)));
}

#[tokio::test]
async fn deadlines_are_met_on_the_machines_own_clock() {
    // [TIME-6]
    let mut device = Device::<Primary>::new();
    let mut last = 0;
    for millis in [0, 30, 1_500] {
        device.order(Order::WakeIn(Span::from_millis(millis))).await;
        let woke = device
            .heard(|heard| match heard {
                Heard::Woke { at } => Some(*at),
                _ => None,
            })
            .await;
        assert!(woke - last >= Span::from_millis(millis).nanos(), "woken early");
        last = woke;
    }
}

#[tokio::test]
async fn an_app_that_does_not_read_loses_notices_is_told_so_and_can_look() {
    // [TRANSPORT-19]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    let (_, there) = pair(&mut primary, &mut assistant).await;
    let bytes = 3 * limits::EVENTS;
    for _ in 0..bytes {
        assistant.send(there, Lane::Control, b"x").await;
        // One chunk each, so that there are more notices than places.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let all = async {
        while primary.handle.inspect(|parrot| parrot.received.len()).await.unwrap() < bytes + 5 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    let (mut told, mut missed) = (0, Vec::new());
    while let Some(notice) = primary.events.try_next() {
        told += 1;
        if let diptych_driver::Notice::Missed(times) = notice {
            missed.push((told, times));
        }
    }
    let [(at, times)] = missed.as_slice() else { panic!("told {missed:?}") };
    assert_eq!(*at, limits::EVENTS + 1, "after everything that came before it");
    assert!(*times > 0);
}
