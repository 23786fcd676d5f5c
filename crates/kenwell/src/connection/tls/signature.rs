//! Signatures, also by certificates that webpki does not read: those of X.509 version 1.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use x509_parser::prelude::{AlgorithmIdentifier, FromDer, X509Certificate, X509Version};

/// Whether `issuer` signed `certificate`: same name, and the signature is by its key.
pub(super) fn is_issued_by(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    if certificate.issuer().as_raw() != issuer.subject().as_raw()
        || certificate.signature_algorithm != certificate.tbs_certificate.signature
    {
        return false;
    }
    let key = issuer.public_key();
    let key_algorithm = content(&key.algorithm);
    let signature_algorithm = content(&certificate.signature_algorithm);
    algorithms.all.iter().any(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == key_algorithm
            && algorithm.signature_alg_id().as_ref() == signature_algorithm
            && algorithm
                .verify_signature(
                    &key.subject_public_key.data,
                    certificate.tbs_certificate.as_ref(),
                    &certificate.signature_value.data,
                )
                .is_ok()
    })
}

/// That the server holds the certificate's key, in a handshake of TLS 1.2.
pub(super) fn of_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let Some(parsed) = version_one(certificate) else {
        return verify_tls12_signature(message, certificate, signature, algorithms);
    };
    let key = parsed.public_key();
    let key_algorithm = content(&key.algorithm);
    let (_, candidates) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signature.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    let is_valid = candidates.iter().any(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == key_algorithm
            && algorithm
                .verify_signature(&key.subject_public_key.data, message, signature.signature())
                .is_ok()
    });
    if is_valid {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}

/// The same in a handshake of TLS 1.3.
pub(super) fn of_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match version_one(certificate) {
        Some(parsed) => {
            let key = SubjectPublicKeyInfoDer::from(parsed.public_key().raw);
            verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
        }
        None => verify_tls13_signature(message, certificate, signature, algorithms),
    }
}

fn version_one<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    (parsed.version() == X509Version::V1).then_some(parsed)
}

/// What stands inside the algorithm's outer sequence in DER, the form that rustls compares.
pub(super) fn content(algorithm: &AlgorithmIdentifier<'_>) -> Vec<u8> {
    const OBJECT_IDENTIFIER: u8 = 6;
    const CONSTRUCTED: u8 = 0x20;
    let mut der = Vec::new();
    push(&mut der, OBJECT_IDENTIFIER, algorithm.algorithm.as_bytes());
    if let Some(parameters) = &algorithm.parameters {
        let constructed = if parameters.header.is_constructed() {
            CONSTRUCTED
        } else {
            0
        };
        let tag = u8::try_from(parameters.tag().0).unwrap_or(u8::MAX);
        push(&mut der, tag | constructed, parameters.data);
    }
    der
}

/// Adds one element. Every algorithm that rustls knows is shorter than 128 bytes.
fn push(der: &mut Vec<u8>, tag: u8, data: &[u8]) {
    der.push(tag);
    der.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    der.extend_from_slice(data);
}
