//! Who may speak: TLS 1.3 in which a pinned key is the only credential.
//!
//! Two products with "pair once, then pinned TLS" had their check broken in one
//! month of 2026: one treated "different key types" as a match, the other let an
//! unknown issuer through. Both had a verifier with several ways to success. Here
//! success has one expression, [`Rule::admits`], and everything before it can
//! only refuse. `[TRANSPORT-1]` to `[TRANSPORT-7]`
//!
//! What the two purposes of a connection allow must not be confused either: a
//! pairing connection takes any well-formed key, a resumed one only pinned keys.
//! So the server reads the application protocol from the first message, before
//! any certificate, and holds the client to the rule of that protocol.
//!
//! Rejected: session tickets and 0-RTT (a resumed handshake skips the client's
//! certificate, and with it a revoked pin), dates and names in certificates (the
//! pin decides), and one protocol name for both purposes.

use std::sync::{Arc, OnceLock};

use diptych_protocol::identity::{Fingerprint, PublicKey};
use diptych_protocol::machine::{Admission, Purpose};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    PeerMisbehaved, SignatureScheme,
};

use crate::keys::Identity;

/// What both ends put in the exporter (RFC 8446 section 7.5), with an empty
/// context. Labels that begin so need no registration (RFC 5705 section 4).
/// `[TRANSPORT-8]`
pub(crate) const EXPORTER_LABEL: &[u8] = b"EXPERIMENTAL diptych v1";

/// The name that clients ask for; the same for all, and never sent. `[TRANSPORT-7]`
pub(crate) const SERVER_NAME: &str = "diptych";

/// The one signature scheme: the only one that every phone's key store has.
pub(crate) const SCHEME: SignatureScheme = SignatureScheme::ECDSA_NISTP256_SHA256;

/// The application protocol of a purpose. `[TRANSPORT-5]`
pub(crate) const fn alpn(purpose: Purpose) -> &'static [u8] {
    match purpose {
        Purpose::Pair => b"diptych-pair/1",
        Purpose::Resume => b"diptych/1",
    }
}

/// The purpose of an application protocol.
pub(crate) fn purpose(protocol: &[u8]) -> Option<Purpose> {
    [Purpose::Resume, Purpose::Pair].into_iter().find(|purpose| alpn(*purpose) == protocol)
}

/// Which keys may pass.
#[derive(Clone, Debug)]
enum Rule {
    /// These and no other. `[TRANSPORT-3]`
    Pinned(Vec<Fingerprint>),
    /// Any P-256 key except our own, which a reflecting attacker would show.
    AnyBut(Fingerprint),
}

impl Rule {
    /// The only expression by which a key passes.
    fn admits(&self, key: &PublicKey) -> bool {
        match self {
            Self::Pinned(pins) => pins.contains(&key.fingerprint()),
            Self::AnyBut(own) => key.fingerprint() != *own,
        }
    }

    /// Refuses everything that is not one certificate with a key that passes.
    fn check(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        if !rest.is_empty() {
            return Err(CertificateError::UnknownIssuer.into()); // [TRANSPORT-2]
        }
        let parsed = ParsedCertificate::try_from(leaf)?;
        let key = PublicKey::from_spki(&parsed.subject_public_key_info())
            .map_err(|_| CertificateError::InvalidPurpose)?;
        if self.admits(&key) {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }
}

/// The key of a peer, out of the certificates that TLS has verified.
pub(crate) fn peer_key(certificates: &[CertificateDer<'_>]) -> Option<PublicKey> {
    let [only] = certificates else { return None };
    let parsed = ParsedCertificate::try_from(only).ok()?;
    PublicKey::from_spki(&parsed.subject_public_key_info()).ok()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificate with the key that signs for it, wherever that key is.
fn certified(identity: &Identity) -> CertifiedKey {
    CertifiedKey::new(vec![identity.certificate()], Arc::new(identity.signer()))
}

/// The configuration of a client that will talk to the holder of `peer` only.
pub(crate) fn client(
    identity: &Identity,
    peer: Fingerprint,
    purpose: Purpose,
) -> Result<rustls::ClientConfig, Error> {
    let provider = provider();
    let key = certified(identity);
    let verifier =
        Verifier { rules: Rules::Known(Rule::Pinned(vec![peer])), provider: provider.clone() };
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])? // [TRANSPORT-1]
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![alpn(purpose).to_vec()];
    config.enable_sni = false; // [TRANSPORT-7]
    config.enable_early_data = false; // [TRANSPORT-6]
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The configuration of a server for **one** connection attempt, which lets in
/// whom `admission` lets in now.
pub(crate) fn server(
    identity: &Identity,
    admission: &Admission,
) -> Result<rustls::ServerConfig, Error> {
    let provider = provider();
    let key = certified(identity);
    let mut offered = Vec::new();
    if !admission.pinned.is_empty() {
        offered.push(Purpose::Resume);
    }
    if admission.pairing {
        offered.push(Purpose::Pair);
    }
    let asked = Arc::new(OnceLock::new());
    let hello = ReadsPurpose { key: Arc::new(key), offered: offered.clone(), asked: asked.clone() };
    let rules = Rules::Asked {
        asked,
        pairing: Rule::AnyBut(identity.fingerprint()),
        resuming: Rule::Pinned(admission.pinned.clone()),
    };
    let verifier = Verifier { rules, provider: provider.clone() };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])? // [TRANSPORT-1]
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(hello));
    config.alpn_protocols = offered.into_iter().map(|purpose| alpn(purpose).to_vec()).collect();
    config.max_early_data_size = 0; // [TRANSPORT-6]
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Shows our one certificate, and notes for [`Rules::Asked`] what the client
/// came for: rustls tells the application protocol to nobody else in time.
#[derive(Debug)]
struct ReadsPurpose {
    key: Arc<CertifiedKey>,
    offered: Vec<Purpose>,
    asked: Arc<OnceLock<Purpose>>,
}

impl ResolvesServerCert for ReadsPurpose {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // The order is ours, as in the negotiation that follows: the stricter
        // rule wins if a client asks for both.
        let wanted: Vec<&[u8]> = hello.alpn().into_iter().flatten().collect();
        let chosen = self.offered.iter().find(|purpose| wanted.contains(&alpn(**purpose)));
        if let Some(purpose) = chosen {
            _ = self.asked.set(*purpose);
        }
        Some(self.key.clone())
    }
}

/// The rule that a connection is held to.
#[derive(Debug)]
enum Rules {
    /// A client's, which knows beforehand whom it calls and what for.
    Known(Rule),
    /// A server's: that of the purpose which the client names in its first message.
    Asked { asked: Arc<OnceLock<Purpose>>, pairing: Rule, resuming: Rule },
}

impl Rules {
    /// The rule of this connection; none before its purpose is known.
    fn rule(&self) -> Result<&Rule, Error> {
        match self {
            Self::Known(rule) => Ok(rule),
            Self::Asked { asked, pairing, resuming } => match asked.get() {
                Some(Purpose::Pair) => Ok(pairing),
                Some(Purpose::Resume) => Ok(resuming),
                None => Err(Error::NoApplicationProtocol),
            },
        }
    }
}

/// Checks the peer's key and its possession, at whichever end of TLS this is.
#[derive(Debug)]
struct Verifier {
    rules: Rules,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn check(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        self.rules.rule()?.check(leaf, rest)
    }

    /// Checks possession of the key: the part that pinning alone would leave out.
    fn check_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if signature.scheme != SCHEME {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }
}

/// The half of both of rustls's traits in which client and server do not differ. A
/// macro, because the traits share no supertrait that could hold it.
macro_rules! possession {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.check_signature(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SCHEME]
        }
    };
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    possession!();
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    possession!();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello of TLS 1.2 (RFC 5246 section 7.4.1.2) in one record.
    fn tls12_hello() -> Vec<u8> {
        let extensions = [
            &[0, 10, 0, 4, 0, 2, 0, 23][..], // supported_groups: secp256r1
            &[0, 13, 0, 4, 0, 2, 4, 3],      // signature_algorithms: ecdsa_secp256r1_sha256
            &[0, 16, 0, 12, 0, 10, 9],       // application_layer_protocol_negotiation
            b"diptych/1",
        ]
        .concat();
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0xC0, 0x2B, 1, 0]);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let record = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[22, 3, 1, record[0], record[1], 1, 0, length[0], length[1]], body.as_slice()].concat()
    }

    #[test]
    fn an_offer_of_tls_1_2_is_refused() {
        // [TRANSPORT-1]
        let (own, peer) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let admission = Admission { pairing: true, pinned: vec![peer.fingerprint()] };
        let config = Arc::new(server(&own, &admission).unwrap());
        let mut connection = rustls::ServerConnection::new(config).unwrap();
        connection.read_tls(&mut tls12_hello().as_slice()).unwrap();
        let refused = connection.process_new_packets().unwrap_err();
        assert!(matches!(refused, Error::PeerIncompatible(_)), "{refused:?}");
    }

    #[test]
    fn clients_tell_nothing_but_the_protocol_they_want() {
        // [TRANSPORT-7] [TRANSPORT-6]
        let (own, peer) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let config = client(&own, peer.fingerprint(), Purpose::Pair).unwrap();
        assert!(!config.enable_sni && !config.enable_early_data);
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut hello = Vec::new();
        connection.write_tls(&mut hello).unwrap();
        let says = |text: &[u8]| hello.windows(text.len()).any(|part| part == text);
        assert!(says(alpn(Purpose::Pair)));
        assert!(!says(&[7, b'd', b'i', b'p', b't', b'y', b'c', b'h']), "the name is not sent");
    }

    #[test]
    fn purposes_and_protocols_name_each_other() {
        // [TRANSPORT-5]
        for one in [Purpose::Pair, Purpose::Resume] {
            assert_eq!(purpose(alpn(one)), Some(one));
        }
        assert_eq!(purpose(b"diptych/2"), None);
    }
}
