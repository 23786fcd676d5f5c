//! The certificate that a listener shows, and its key.

use std::path::PathBuf;

use kenwell::connection::Secret;
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

/// Who a listener says that it is. Files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The listener's certificate and its intermediates, PEM. No secret, but kept with its file.
    pub certificate: Secret,
    /// The private key of the first certificate, PEM, not encrypted.
    pub key: Secret,
}

/// Which of the two is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {what}; {fix}")]
pub(crate) struct Unusable {
    /// `tls_certificate` or `tls_key`.
    pub(crate) setting: &'static str,
    pub(crate) what: String,
    pub(crate) fix: &'static str,
}

pub(crate) const CERTIFICATE: &str = "tls_certificate";
pub(crate) const KEY: &str = "tls_key";

impl Identity {
    /// The files that it stands in.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let secrets = [&self.certificate, &self.key];
        secrets
            .into_iter()
            .filter_map(|secret| secret.path().map(ToOwned::to_owned))
    }

    /// The same as it stands in the files now.
    pub(super) fn reread(&self) -> std::io::Result<Self> {
        let reread = |secret: &Secret| match secret.path() {
            Some(path) => Secret::file(path),
            None => Ok(secret.clone()),
        };
        Ok(Self {
            certificate: reread(&self.certificate)?,
            key: reread(&self.key)?,
        })
    }

    /// Ready for handshakes, if the two belong together and can be used.
    pub(crate) fn certified(&self) -> Result<CertifiedKey, Unusable> {
        let chain = self.chain()?;
        let pem = self.key.expose();
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            if pem.contains("ENCRYPTED") {
                unusable(
                    KEY,
                    "the key is encrypted",
                    "write it out without pass phrase: openssl pkey -in KEY -out NEW",
                )
            } else {
                unusable(
                    KEY,
                    "there is no private key in it",
                    "give the PEM file that has -----BEGIN PRIVATE KEY-----",
                )
            }
        })?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => unusable(
                KEY,
                "it is not the key of tls_certificate",
                "give the two that belong together",
            ),
            rustls::Error::InvalidCertificate(_) => unusable(
                CERTIFICATE,
                format!("it cannot be used: {error}"),
                "make the certificate again, of X.509 version 3 with a subjectAltName",
            ),
            _ => unusable(
                KEY,
                format!("it cannot be used: {error}"),
                "use an RSA, ECDSA P-256/P-384 or Ed25519 key",
            ),
        })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Unusable> {
        let pem = self.certificate.expose();
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        match found {
            Ok(chain) if !chain.is_empty() => Ok(chain),
            _ => Err(unusable(
                CERTIFICATE,
                "there is no certificate in it",
                "give the PEM file that has -----BEGIN CERTIFICATE-----, the listener's own first",
            )),
        }
    }

    /// Why the first certificate is of no use at this time (seconds since 1970), if so.
    pub(crate) fn out_of_time(&self, now: i64) -> Option<String> {
        let chain = self.chain().ok()?;
        let (_, leaf) = x509_parser::parse_x509_certificate(chain.first()?).ok()?;
        let validity = leaf.validity();
        if now > validity.not_after.timestamp() {
            Some(format!("the certificate expired on {}", validity.not_after))
        } else if now < validity.not_before.timestamp() {
            let from = validity.not_before;
            Some(format!("the certificate is not valid before {from}"))
        } else {
            None
        }
    }
}

fn unusable(setting: &'static str, what: impl Into<String>, fix: &'static str) -> Unusable {
    Unusable {
        setting,
        what: what.into(),
        fix,
    }
}
