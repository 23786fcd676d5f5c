//! A judge of certificates who gives the reasons.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::authorities::Authorities;
use super::explain::Explanation;
use super::refusal::Shown;
use super::{algorithm, pem};

/// Judges as another one does, and puts each refusal into words while the certificate is at hand.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    /// Those of `ca_certificate`, if they count.
    pub(super) authorities: Option<Arc<Authorities>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    /// A signature of the handshake that was not accepted.
    fn unproven(certificate: &CertificateDer<'_>) -> Error {
        let weak = pem::parse(certificate)
            .and_then(|certificate| algorithm::unverifiable(certificate.public_key()));
        refusal(match weak {
            Some(problem) => Explanation::new(
                format!("the key of the server's certificate {problem}"),
                format!("make it again: {}", algorithm::INSTEAD),
            ),
            None => Explanation::new(
                "the server does not hold the key of the certificate that it shows",
                "see whether something on the way pretends to be the server",
            ),
        })
    }
}

/// The explanation as rustls carries it.
pub(super) fn refusal(explanation: Explanation) -> Error {
    CertificateError::Other(OtherError(Arc::new(explanation))).into()
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self
            .inner
            .verify_server_cert(leaf, intermediates, name, ocsp_response, now);
        judged.map_err(|error| match error {
            Error::InvalidCertificate(problem) => {
                let shown = Shown {
                    leaf,
                    intermediates,
                    name,
                    now,
                    authorities: self.authorities.as_deref(),
                    algorithms: &self.algorithms,
                };
                refusal(shown.explain(&problem))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self
            .inner
            .verify_tls12_signature(message, certificate, signature);
        verified.map_err(|_| Self::unproven(certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self
            .inner
            .verify_tls13_signature(message, certificate, signature);
        verified.map_err(|_| Self::unproven(certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
