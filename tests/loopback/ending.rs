//! How connections end: by silence, by restart, by a word, and for strangers by a limit.

use std::time::Duration;

use diptych_driver::diagnosis::Diagnosis;
use diptych_driver::quic::Sockets;
use diptych_driver::socket::Weather;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::limits;
use diptych_protocol::machine::{Lane, Lost, Purpose};
use diptych_protocol::time::{Primary, Secondary};
use tokio::time::Instant;

use crate::device::{Device, Parts, pair};
use crate::parrot::{Heard, Order};
use crate::stranger::{self, Credential};

#[tokio::test]
async fn a_silent_network_ends_the_connection_within_its_bound() {
    // [TRANSPORT-12]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    pair(&mut primary, &mut assistant).await;
    let started = Instant::now();
    assistant.faults.set(Weather { down: true, ..Weather::default() });
    let lost = primary
        .heard(|heard| match heard {
            Heard::Disconnected { lost, .. } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::TimedOut);
    let most = limits::CONNECTION_IDLE.to_duration() + Duration::from_secs(3);
    assert!(started.elapsed() < most, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_restarted_primary_tells_its_peers_at_once_that_it_forgot_them() {
    // [TRANSPORT-23]
    let mut assistant = Device::<Secondary>::new();
    let keys = diptych_driver::quic::EndpointKeys::generate().unwrap();
    let mut primary = Device::<Primary>::start(Parts { keys: keys.clone(), ..Parts::default() });
    let (_, there) = pair(&mut primary, &mut assistant).await;
    let port = primary.port;
    // It dies without a word, and another process takes its place.
    primary.faults.set(Weather { down: true, ..Weather::default() });
    primary.handle.stop().await.unwrap();
    let again =
        Device::<Primary>::start(Parts { keys, sockets: Sockets::Port(port), ..Parts::default() });
    let started = Instant::now();
    assistant.send(there, Lane::Control, b"are you there?").await;
    let lost = assistant
        .heard(|heard| match heard {
            Heard::Disconnected { lost, .. } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::Reset);
    assert!(started.elapsed() < limits::CONNECTION_IDLE.to_duration() / 2);
    drop(again);
}

#[tokio::test]
async fn closing_tells_the_peer_why_and_both_machines_hear_it_once() {
    // [TRANSPORT-25]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    let (here, there) = pair(&mut primary, &mut assistant).await;
    primary.order(Order::Close { link: here, code: CloseCode::Revoked }).await;
    for (device, link, expected) in [
        (&mut assistant.events, there, Lost::Closed(CloseCode::Revoked)),
        (&mut primary.events, here, Lost::Local),
    ] {
        let told = loop {
            if let diptych_driver::Notice::Event(Heard::Disconnected { link, lost }) =
                device.next().await.unwrap()
            {
                break (link, lost);
            }
        };
        assert_eq!(told, (link, expected));
    }
}

#[tokio::test]
async fn a_close_that_nobody_meant_does_not_end_the_session() {
    // [TRANSPORT-25]
    let mut primary = Device::<Primary>::echoing();
    let own = Credential::self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    primary.admit_anyone().await;
    let endpoint = stranger::endpoint();
    let config = stranger::quic(stranger::tls_client(Some(&own), &[b"diptych-pair/1"]));
    for (reason, expected) in [
        (&b""[..], Lost::ClosedUnknown(0)),
        (b"OK_END", Lost::Closed(CloseCode::OkEnd)),
        (b"anything", Lost::Closed(CloseCode::OkEnd)),
    ] {
        let connecting = endpoint.connect_with(config.clone(), primary.address(), "x").unwrap();
        let connection = connecting.await.unwrap();
        primary.connected().await;
        connection.close(0_u32.into(), reason);
        let lost = primary
            .heard(|heard| match heard {
                Heard::Disconnected { lost, .. } => Some(*lost),
                _ => None,
            })
            .await;
        assert_eq!(lost, expected);
    }
}

#[tokio::test]
async fn a_peer_gets_one_stream_and_no_more() {
    // [TRANSPORT-13]
    let mut primary = Device::<Primary>::new();
    let own = Credential::self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    primary.admit_anyone().await;
    let endpoint = stranger::endpoint();
    let config = stranger::quic(stranger::tls_client(Some(&own), &[b"diptych-pair/1"]));
    let connecting = endpoint.connect_with(config, primary.address(), "x").unwrap();
    let connection = connecting.await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(b"one").await.unwrap();
    assert_eq!(primary.received(Lane::Control).await, b"one");
    let waits = Duration::from_millis(300);
    assert!(tokio::time::timeout(waits, connection.open_bi()).await.is_err());
    assert!(tokio::time::timeout(waits, connection.open_uni()).await.is_err());
    // A stream that ends takes the connection with it. [TRANSPORT-9]
    send.finish().unwrap();
    // Its reason is the name of its number. [TRANSPORT-25]
    let closed = connection.closed().await;
    let quinn::ConnectionError::ApplicationClosed(close) = closed else { panic!("{closed}") };
    assert_eq!(close.error_code.into_inner(), u64::from(CloseCode::OutOfOrder as u32));
    assert_eq!(&*close.reason, b"OUT_OF_ORDER");
}

#[tokio::test]
async fn a_half_open_handshake_holds_its_place_for_its_time_only() {
    // [TRANSPORT-14]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    primary.admit_only(assistant.key()).await;
    // Two strangers from this address that fall silent after their first packet.
    let own = Credential::self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    let config = stranger::quic(stranger::tls_client(Some(&own), &[b"diptych/1"]));
    let mut half_open = Vec::new();
    for _ in 0..limits::HANDSHAKES_PER_SOURCE {
        let silent =
            stranger::silent_after_hello([127, 0, 0, 1], primary.address(), config.clone()).await;
        half_open.push(silent);
    }
    let started = Instant::now();
    let (there, ..) = loop {
        assistant.dial(&primary, Purpose::Resume).await;
        let outcome = assistant
            .heard(|heard| match heard {
                Heard::Connected { link, .. } => Some(Some((*link,))),
                Heard::DialFailed { .. } => Some(None),
                _ => None,
            })
            .await;
        if let Some(link) = outcome {
            break link;
        }
    };
    assistant.send(there, Lane::Control, b"at last").await;
    primary.received(Lane::Control).await;
    let most = limits::HANDSHAKE_DEADLINE.to_duration() * 3;
    assert!(started.elapsed() < most, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let one = Device::<Primary>::new();
    let settings =
        diptych_driver::quic::Settings { sockets: Sockets::Port(one.port), ..Default::default() };
    let clock: std::sync::Arc<diptych_driver::clock::BootClock> = Default::default();
    let keys = diptych_driver::quic::EndpointKeys::generate().unwrap();
    let refused =
        diptych_driver::quic::Quic::<Primary>::open(one.identity.clone(), clock, &keys, settings);
    match refused.unwrap_err() {
        diptych_driver::error::NetworkError::Bind { diagnosis, .. } => {
            assert_eq!(diagnosis, Diagnosis::PortTaken);
        }
        other => panic!("{other}"),
    }
}
