//! Accepts or refuses a server's certificate, and puts each refusal into words while the certificate is at hand.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::authorities::Authorities;
use super::certificate_explanation::{PresentedChain, weak_key};
use super::explanation::Explanation;
use super::private_authorities::PrivateAuthorities;
use super::{pem, signature};

/// Verifies servers for one client.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    pub(super) trust: Trust,
    /// Those of `ca_certificate`, if they count.
    pub(super) authorities: Option<Arc<Authorities>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Whose certificates are accepted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Everybody's (`skip_verify`). The server must still hold the key of its certificate.
    Anybody,
    /// Those that an authority of the system signed.
    System(Arc<WebPkiServerVerifier>),
    /// Those that an authority in `ca_certificate` signed.
    Private(PrivateAuthorities),
}

impl ServerVerifier {
    /// The refusal of a signature of the handshake.
    fn unproven(certificate: &CertificateDer<'_>) -> Error {
        let weak = pem::parse(certificate).and_then(|certificate| weak_key(&certificate));
        refusal(weak.unwrap_or_else(|| {
            Explanation::new(
                "the server does not hold the key of the certificate that it shows",
                "see whether something on the way pretends to be the server",
            )
        }))
    }
}

/// The explanation as rustls carries it.
fn refusal(explanation: Explanation) -> Error {
    CertificateError::Other(OtherError(Arc::new(explanation))).into()
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = match &self.trust {
            Trust::Anybody => Ok(()),
            Trust::System(system) => system
                .verify_server_cert(leaf, intermediates, name, ocsp_response, now)
                .map(drop),
            Trust::Private(private) => private.verify(leaf, intermediates, name, now),
        };
        match verified {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(problem)) => {
                let presented = PresentedChain {
                    leaf,
                    intermediates,
                    name,
                    now,
                    authorities: self.authorities.as_deref(),
                    algorithms: &self.algorithms,
                };
                Err(refusal(presented.explain(&problem)))
            }
            Err(other) => Err(other),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature::of_tls12(message, certificate, signature, &self.algorithms)
            .map_err(|_| Self::unproven(certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature::of_tls13(message, certificate, signature, &self.algorithms)
            .map_err(|_| Self::unproven(certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
