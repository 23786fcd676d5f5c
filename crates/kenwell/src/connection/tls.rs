//! TLS towards Redis: whom to trust.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::Settings;
use super::address::Address;
use crate::Error;

/// A ready client set-up and the name that the server's certificate must carry.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    /// Reads the trusted certificates now, so that a mistake shows before the first event.
    pub(super) fn new(settings: &Settings, address: &Address) -> Result<Self, Error> {
        let Address::Tcp { host, .. } = address else {
            return Err(Error::Settings {
                setting: "secure",
                problem: "a Unix socket does not speak TLS".to_owned(),
            });
        };
        let name = ServerName::try_from(host.clone()).map_err(|error| Error::Settings {
            setting: "address",
            problem: format!("a certificate cannot name this host: {error}"),
        })?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Settings {
                setting: "secure",
                problem: error.to_string(),
            })?;
        let config = if settings.skip_verify {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
                .with_no_client_auth()
        } else {
            builder
                .with_root_certificates(roots(settings.ca_certificate.as_deref())?)
                .with_no_client_auth()
        };
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }
}

/// The given authorities only, or the system's when none are given.
fn roots(pem: Option<&str>) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let Some(pem) = pem.map(str::trim).filter(|pem| !pem.is_empty()) else {
        let system = rustls_native_certs::load_native_certs();
        let (trusted, _unreadable) = store.add_parsable_certificates(system.certs);
        return if trusted > 0 {
            Ok(store)
        } else {
            Err(Error::Settings {
                setting: "secure",
                problem: "this system trusts no certificate authority; set ca_certificate, or install `ca-certificates`".to_owned(),
            })
        };
    };
    let bad = |reason: String| Error::Settings {
        setting: "ca_certificate",
        problem: reason,
    };
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| bad(format!("not PEM: {error}")))?;
        store
            .add(certificate)
            .map_err(|error| bad(format!("not a usable certificate: {error}")))?;
    }
    if store.is_empty() {
        return Err(bad("no PEM certificate in it".to_owned()));
    }
    Ok(store)
}

/// Trusts every certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
