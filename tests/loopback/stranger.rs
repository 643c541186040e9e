//! A QUIC peer that follows no rule of ours: any key, any chain, any protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::NamedGroup;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// A chain and the key of its first certificate.
pub(crate) struct Credential {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) pkcs8: Vec<u8>,
}

impl Credential {
    pub(crate) fn self_signed(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        Self::with(rcgen::KeyPair::generate_for(algorithm).unwrap(), |_| {})
    }

    /// Of a given key, with changed contents.
    pub(crate) fn with(
        pair: rcgen::KeyPair,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> Self {
        let mut params = rcgen::CertificateParams::default();
        change(&mut params);
        let certificate = params.self_signed(&pair).unwrap();
        Self { chain: vec![certificate.der().clone()], pkcs8: pair.serialize_der() }
    }

    fn unchecked(&self) -> Arc<CertifiedKey> {
        let key = provider().key_provider.load_private_key(self.key()).unwrap();
        Arc::new(CertifiedKey::new(self.chain.clone(), key))
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.clone()).into()
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A TLS client with the library's defaults, resumption and all.
pub(crate) fn tls_client(credential: Option<&Credential>, alpn: &[&[u8]]) -> rustls::ClientConfig {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match credential {
        Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key()).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.enable_early_data = true;
    config
}

pub(crate) fn quic(tls: rustls::ClientConfig) -> quinn::ClientConfig {
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

pub(crate) fn endpoint() -> quinn::Endpoint {
    quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
}

/// A server with any credential that asks for no client certificate.
pub(crate) fn server(credential: &Credential, alpn: &[&[u8]]) -> (quinn::Endpoint, SocketAddr) {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(credential.chain.clone(), credential.key())
        .unwrap();
    tls.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    serve(tls)
}

fn serve(tls: rustls::ServerConfig) -> (quinn::Endpoint, SocketAddr) {
    let crypto = Arc::new(QuicServerConfig::try_from(tls).unwrap());
    let config = quinn::ServerConfig::with_crypto(crypto);
    let endpoint = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = endpoint.local_addr().unwrap();
    let accepting = endpoint.clone();
    tokio::spawn(async move {
        while let Some(incoming) = accepting.accept().await {
            _ = incoming.await;
        }
    });
    (endpoint, address)
}

/// Counts the session tickets that a client is given.
#[derive(Debug, Default)]
pub(crate) struct Tickets(pub(crate) AtomicUsize);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

/// A client that shows whatever it likes, whether it fits its key or not.
pub(crate) fn forged_client(credential: &Credential, alpn: &[&[u8]]) -> rustls::ClientConfig {
    let mut tls = tls_client(None, alpn);
    tls.client_auth_cert_resolver = Arc::new(Forged(credential.unchecked()));
    tls
}

/// A server of that kind.
pub(crate) fn forged_server(
    credential: &Credential,
    alpn: &[&[u8]],
) -> (quinn::Endpoint, SocketAddr) {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Forged(credential.unchecked())));
    tls.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    serve(tls)
}

/// Shows a certificate without looking whether the key fits it.
#[derive(Debug)]
struct Forged(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for Forged {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl rustls::server::ResolvesServerCert for Forged {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Begins a handshake and never finishes it: only the first packet of the client
/// reaches the server, and nothing reaches the client.
pub(crate) async fn silent_after_hello(
    from: [u8; 4],
    to: SocketAddr,
    config: quinn::ClientConfig,
) -> UdpRelay {
    let relay = tokio::net::UdpSocket::bind((std::net::Ipv4Addr::from(from), 0)).await.unwrap();
    let endpoint = endpoint();
    let connecting = endpoint.connect_with(config, relay.local_addr().unwrap(), "x").unwrap();
    let mut first = vec![0; 2048];
    let (length, _) = relay.recv_from(&mut first).await.unwrap();
    first.truncate(length);
    relay.send_to(&first, to).await.unwrap();
    drop(connecting);
    UdpRelay { _socket: relay, _endpoint: endpoint }
}

/// Keeps the half-open handshake's addresses alive.
pub(crate) struct UdpRelay {
    _socket: tokio::net::UdpSocket,
    _endpoint: quinn::Endpoint,
}

/// Believes everything.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
