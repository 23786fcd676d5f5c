//! Inspects the certificate of a server that finds nothing in common with us: perhaps its key is the reason.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificate_explanation::weak_key;
use super::explanation::Explanation;
use super::pem;

/// Begins a handshake in which all kinds of keys are asked for, and ends it as soon as the certificate is there.
/// Nothing else is sent. `None` when the certificate does not explain anything.
pub(super) async fn inspect(stream: TcpStream, name: ServerName<'static>) -> Option<Explanation> {
    let inspector = Arc::new(KeyInspector::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&inspector) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    // It always fails; what was seen is kept.
    let _refused = connector.connect(name, stream).await;
    let mut found = inspector
        .found
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    found.take()
}

/// Remembers what is wrong with the key of the certificate, and refuses every certificate.
#[derive(Debug, Default)]
struct KeyInspector {
    found: Mutex<Option<Explanation>>,
}

impl ServerCertVerifier for KeyInspector {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = pem::parse(leaf).and_then(|leaf| weak_key(&leaf));
        Err(inspected())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(inspected())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(inspected())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // The last three are those of keys that are for RSA-PSS only.
        vec![
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED448,
            SignatureScheme::Unknown(0x0809),
            SignatureScheme::Unknown(0x080a),
            SignatureScheme::Unknown(0x080b),
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]
    }
}

fn inspected() -> Error {
    Error::General("the certificate was looked at".to_owned())
}
