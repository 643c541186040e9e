//! Who gets in: every way of not holding the right key, and every way of asking
//! for the wrong thing.

use diptych_driver::diagnosis::Diagnosis;
use diptych_driver::keys::{Identity, fresh_pkcs8};
use diptych_protocol::fault::CloseCode;
use diptych_protocol::machine::{Admission, Lane, Lost, Purpose};
use diptych_protocol::time::{Primary, Secondary};
use quinn::{Connection, ConnectionError};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
};

use crate::device::{Device, PATIENCE, Parts};
use crate::parrot::{Heard, Order};
use crate::stranger::{self, Credential};

const PAIR: &[u8] = b"diptych-pair/1";
const RESUME: &[u8] = b"diptych/1";

/// What became of a stranger's attempt: `Ok` only if the connection lives on.
async fn knock(
    primary: &Device<Primary>,
    config: quinn::ClientConfig,
) -> Result<Connection, ConnectionError> {
    let endpoint = stranger::endpoint();
    let connection = endpoint.connect_with(config, primary.address(), "any.name").unwrap().await?;
    // The client's handshake ends before the server has judged its key. Only an
    // answer tells; a refusal comes instead of one.
    let (mut send, mut receive) = connection.open_bi().await?;
    _ = send.write_all(b"anybody there?").await;
    match tokio::time::timeout(PATIENCE, receive.read_chunk(64, true)).await.unwrap() {
        Ok(Some(_)) => Ok(connection),
        Ok(None) => panic!("the stream ended"),
        Err(_) => Err(connection.closed().await),
    }
}

/// The TLS alert with which a connection was refused.
fn alert(error: &ConnectionError) -> u64 {
    let code = match error {
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code),
        ConnectionError::TransportError(error) => u64::from(error.code),
        other => panic!("not refused by TLS: {other}"),
    };
    code.checked_sub(0x100).unwrap_or_else(|| panic!("not an alert: {error}"))
}

/// The alert at an attempt that must not succeed, by whatever credential.
async fn refused(
    primary: &mut Device<Primary>,
    credential: Option<&Credential>,
    alpn: &[&[u8]],
) -> u64 {
    let config = stranger::quic(stranger::tls_client(credential, alpn));
    let error = knock(primary, config).await.expect_err("a stranger was let in");
    while let Some(notice) = primary.events.try_next() {
        let connected = matches!(notice, diptych_driver::Notice::Event(Heard::Connected { .. }));
        assert!(!connected, "the machine was told of a refused connection");
    }
    alert(&error)
}

/// A key of this machine, and what a stranger with a copy of it would hold.
fn copied() -> (Identity, Credential) {
    let kept = fresh_pkcs8().unwrap();
    let pkcs8 = rustls::pki_types::PrivatePkcs8KeyDer::from(kept.expose().to_vec());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256).unwrap();
    (Identity::from_pkcs8(kept.expose()).unwrap(), Credential::with(pair, |_| {}))
}

#[tokio::test]
async fn a_wrong_server_key_ends_the_dial_with_an_alarm() {
    // [TRANSPORT-3]
    let mut assistant = Device::<Secondary>::new();
    let other = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    let (_server, address) = stranger::server(&other, &[PAIR]);
    let peer = Identity::generate().unwrap().fingerprint();
    assistant.order(Order::Dial { peer, addresses: vec![address], purpose: Purpose::Pair }).await;
    let lost = assistant
        .heard(|heard| match heard {
            Heard::DialFailed { lost } => Some(*lost),
            Heard::Connected { .. } => panic!("connected to a stranger"),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::WrongKey);
    let alarm = |one: &diptych_driver::Notice<Heard>| {
        (*one == diptych_driver::Notice::Trouble(Diagnosis::PinMismatch)).then_some(())
    };
    if assistant.log.iter().find_map(alarm).is_none() {
        assistant.notice(alarm).await;
    }
    assert!(Diagnosis::PinMismatch.is_alarming());
}

#[tokio::test]
async fn a_liar_among_the_addresses_does_not_stop_the_honest_one() {
    // [TRANSPORT-17]
    let primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    primary.admit_anyone().await;
    let liar = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    let (_server, address) = stranger::server(&liar, &[PAIR]);
    let addresses = vec![address, primary.address()];
    let peer = primary.key().fingerprint();
    assistant.order(Order::Dial { peer, addresses, purpose: Purpose::Pair }).await;
    assert_eq!(assistant.connected().await.1, primary.key());
}

#[tokio::test]
async fn a_wrong_client_key_is_refused_and_never_reported() {
    // [TRANSPORT-3]
    let mut primary = Device::<Primary>::new();
    primary.admit_only(Identity::generate().unwrap().public_key()).await;
    let other = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    assert_eq!(refused(&mut primary, Some(&other), &[RESUME]).await, 49);
}

#[tokio::test]
async fn other_kinds_of_keys_are_refused_while_pairing_and_after() {
    // [TRANSPORT-2] The check that two products got wrong: another key type.
    let rsa = KeyPair::from_pem_and_sign_algo(include_str!("rsa.pem"), &PKCS_RSA_SHA256).unwrap();
    let kinds = [
        Credential::self_signed(&PKCS_ED25519),
        Credential::self_signed(&PKCS_ECDSA_P384_SHA384),
        Credential::with(rsa, |_| {}),
    ];
    let mut primary = Device::<Primary>::new();
    for alpn in [PAIR, RESUME] {
        let pinned = vec![Identity::generate().unwrap().fingerprint()];
        primary.order(Order::Admit(Admission { pairing: true, pinned })).await;
        for kind in &kinds {
            // No scheme in common: the client has nothing to show.
            assert_eq!(refused(&mut primary, Some(kind), &[alpn]).await, 116);
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    // [TRANSPORT-2]
    let mut primary = Device::<Primary>::new();
    primary.admit_anyone().await;
    assert_eq!(refused(&mut primary, None, &[PAIR]).await, 116);
}

#[tokio::test]
async fn a_chain_of_two_is_refused_even_with_the_pinned_key_first() {
    // [TRANSPORT-2]
    let mut primary = Device::<Primary>::new();
    let (own, mut chain) = copied();
    primary.admit_only(own.public_key()).await;
    chain.chain.push(Credential::self_signed(&PKCS_ECDSA_P256_SHA256).chain.remove(0));
    assert_eq!(refused(&mut primary, Some(&chain), &[RESUME]).await, 48);
}

#[tokio::test]
async fn dates_do_not_matter_and_keys_do() {
    // [TRANSPORT-4]
    let mut primary = Device::<Primary>::echoing();
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let der = pair.serialize_der();
    let key = Identity::from_pkcs8(&der).unwrap().public_key();
    primary.admit_only(key).await;
    let expired = Credential::with(pair, |params| {
        params.not_before = rcgen::date_time_ymd(1999, 1, 1);
        params.not_after = rcgen::date_time_ymd(1999, 1, 2);
    });
    let config = stranger::quic(stranger::tls_client(Some(&expired), &[RESUME]));
    knock(&primary, config).await.expect("an expired certificate of the pinned key");

    primary.connected().await;

    // The same names, serial number and dates around another key.
    let same_looks =
        Credential::with(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), |params| {
            params.not_before = rcgen::date_time_ymd(1999, 1, 1);
            params.not_after = rcgen::date_time_ymd(1999, 1, 2);
            params.serial_number = Some(rcgen::SerialNumber::from(1));
        });
    assert_eq!(refused(&mut primary, Some(&same_looks), &[RESUME]).await, 49);
}

#[tokio::test]
async fn garbage_in_place_of_a_certificate_is_refused() {
    // [TRANSPORT-2]
    let mut primary = Device::<Primary>::new();
    primary.admit_anyone().await;
    let mut credential = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    let mut garbage = credential.chain[0].to_vec();
    garbage.truncate(100);
    credential.chain = vec![garbage.into()];
    let tls = stranger::forged_client(&credential, &[PAIR]);
    let error = knock(&primary, stranger::quic(tls)).await.expect_err("let in with garbage");
    assert_eq!(alert(&error), 42);
    assert!(primary.events.try_next().is_none());
}

#[tokio::test]
async fn the_right_certificate_without_its_key_is_worth_nothing() {
    // [TRANSPORT-2] Certificates are no secret; only the signature proves the key.
    let mut primary = Device::<Primary>::new();
    let (own, credential) = copied();
    primary.admit_only(own.public_key()).await;
    let stolen =
        Credential { chain: credential.chain, pkcs8: fresh_pkcs8().unwrap().expose().to_vec() };
    let tls = stranger::forged_client(&stolen, &[RESUME]);
    let error = knock(&primary, stranger::quic(tls)).await.expect_err("let in without the key");
    assert_eq!(alert(&error), 51);
    assert!(primary.events.try_next().is_none());

    // The same in the other direction: a server with a stolen certificate.
    let mut assistant = Device::<Secondary>::new();
    let (_server, address) = stranger::forged_server(&stolen, &[RESUME]);
    let (peer, addresses) = (own.fingerprint(), vec![address]);
    assistant.order(Order::Dial { peer, addresses, purpose: Purpose::Resume }).await;
    assistant
        .heard(|heard| match heard {
            Heard::DialFailed { .. } => Some(()),
            Heard::Connected { .. } => panic!("believed a stolen certificate"),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn another_protocol_or_none_is_refused() {
    // [TRANSPORT-5]
    let mut primary = Device::<Primary>::new();
    primary.admit_anyone().await;
    let own = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    assert_eq!(refused(&mut primary, Some(&own), &[b"h3"]).await, 120);
    assert_eq!(refused(&mut primary, Some(&own), &[]).await, 120);
}

#[tokio::test]
async fn nobody_pairs_while_the_primary_is_not_pairing() {
    // [TRANSPORT-5] [PAIRING-2]
    let mut primary = Device::<Primary>::new();
    let (own, credential) = copied();
    primary.admit_only(own.public_key()).await;
    assert_eq!(
        refused(&mut primary, Some(&credential), &[PAIR]).await,
        120,
        "not even a pinned key"
    );

    // One of ours is told what it means. [FAULT-6]
    let mut assistant = Device::<Secondary>::new();
    assistant.dial(&primary, Purpose::Pair).await;
    let lost = assistant
        .heard(|heard| match heard {
            Heard::DialFailed { lost } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::Closed(CloseCode::NotPairing));
}

#[tokio::test]
async fn asking_for_both_purposes_gets_the_stricter_rule() {
    // [TRANSPORT-5]
    let mut primary = Device::<Primary>::new();
    let pinned = vec![Identity::generate().unwrap().fingerprint()];
    primary.order(Order::Admit(Admission { pairing: true, pinned })).await;
    let own = Credential::self_signed(&PKCS_ECDSA_P256_SHA256);
    assert_eq!(refused(&mut primary, Some(&own), &[PAIR, RESUME]).await, 49);
    assert_eq!(refused(&mut primary, Some(&own), &[RESUME, PAIR]).await, 49);
}

#[tokio::test]
async fn our_own_key_reflected_does_not_pair() {
    // [TRANSPORT-3]
    let (own, credential) = copied();
    let mut primary = Device::<Primary>::start(Parts { identity: own, ..Parts::default() });
    primary.admit_anyone().await;
    assert_eq!(refused(&mut primary, Some(&credential), &[PAIR]).await, 49);
}

#[tokio::test]
async fn a_revoked_key_cannot_come_back_by_resumption() {
    // [TRANSPORT-6]
    let mut primary = Device::<Primary>::echoing();
    let (own, credential) = copied();
    primary.admit_only(own.public_key()).await;
    // One client configuration, and so one cache of sessions, for both attempts.
    let config = stranger::quic(stranger::tls_client(Some(&credential), &[RESUME]));
    let endpoint = stranger::endpoint();
    let first = endpoint.connect_with(config.clone(), primary.address(), "name").unwrap();
    let first = first.await.unwrap();
    let (mut send, mut receive) = first.open_bi().await.unwrap();
    send.write_all(b"in").await.unwrap();
    receive.read_chunk(8, true).await.unwrap();
    primary.connected().await;
    first.close(0_u32.into(), b"");

    // No early data is accepted, because no ticket was given. [TRANSPORT-6]
    let early = endpoint.connect_with(config.clone(), primary.address(), "name").unwrap();
    assert!(early.into_0rtt().is_err(), "a ticket was given");

    primary.admit_only(Identity::generate().unwrap().public_key()).await;
    let error = knock(&primary, config).await.expect_err("a revoked key came back");
    assert_eq!(alert(&error), 49);
}

#[tokio::test]
async fn no_ticket_is_ever_given() {
    // [TRANSPORT-6]
    let primary = Device::<Primary>::echoing();
    let (own, credential) = copied();
    primary.admit_only(own.public_key()).await;
    let tickets = std::sync::Arc::new(stranger::Tickets::default());
    let mut tls = stranger::tls_client(Some(&credential), &[RESUME]);
    tls.resumption = rustls::client::Resumption::store(tickets.clone());
    // Tickets come with the end of the handshake, before any answer.
    knock(&primary, stranger::quic(tls)).await.unwrap();
    assert_eq!(tickets.0.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_assistant_whose_key_is_refused_hears_it_on_the_connection() {
    // [TRANSPORT-26] connect() has succeeded by then; nothing may call that paired.
    let primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    primary.admit_only(Identity::generate().unwrap().public_key()).await;
    assistant.dial(&primary, Purpose::Resume).await;
    let lost = assistant
        .heard(|heard| match heard {
            Heard::Disconnected { lost, .. } | Heard::DialFailed { lost } => Some(*lost),
            Heard::Received { .. } => panic!("an answer from a server that refuses"),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::WrongKey);
}

#[tokio::test]
async fn a_revocation_during_the_handshake_counts() {
    // [TRANSPORT-3]
    let mut primary = Device::<Primary>::new();
    let mut assistant = Device::<Secondary>::new();
    let slow = diptych_driver::socket::Weather {
        delay: diptych_protocol::time::Span::from_millis(100),
        ..Default::default()
    };
    assistant.faults.set(slow);
    primary.admit_only(assistant.key()).await;
    assistant.dial(&primary, Purpose::Resume).await;
    // Its first packet takes 100 ms, its second flight another 100 ms.
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let other = vec![Identity::generate().unwrap().fingerprint()];
    primary.order(Order::Admit(Admission { pairing: false, pinned: other })).await;
    let (there, ..) = assistant.connected().await;
    assistant.send(there, Lane::Control, b"let me in").await;
    assistant.heard(|heard| matches!(heard, Heard::Disconnected { .. }).then_some(())).await;
    assert!(primary.events.try_next().is_none(), "the machine was told of a revoked device");
}
