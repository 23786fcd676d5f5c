//! The authorities in `ca_certificate`, which are trusted instead of the system's.

use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{X509Certificate, X509Version};

use super::validity::out_of_time;
use super::{algorithm, pem, signature};
use crate::Error;

const SETTING: &str = "ca_certificate";

/// The certificates of `ca_certificate`.
#[derive(Debug)]
pub(super) struct Authorities {
    given: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Authorities {
    /// Reads PEM text. At least one must be an authority. Whether it is its time shows at each handshake: it is
    /// no matter of the settings.
    pub(super) fn read(text: &str, algorithms: WebPkiSupportedAlgorithms) -> Result<Self, Error> {
        let authorities = Self {
            given: pem::certificates(SETTING, text)?,
            algorithms,
        };
        let is_of_use = authorities.all().any(|certificate| {
            authorities.signs(&certificate) || authorities.is_its_own(&certificate)
        });
        if is_of_use {
            return Ok(authorities);
        }
        Err(Error::wrong_setting(
            SETTING,
            "this is the certificate of a server or client, not of an authority (CA:TRUE); give the certificate of the authority that signed the server's",
        ))
    }

    /// What can verify other certificates at this time, for rustls.
    pub(super) fn roots(&self, now: UnixTime) -> RootCertStore {
        let mut store = RootCertStore::empty();
        let signing = self.given.iter().filter(|der| {
            pem::parse(der).is_some_and(|certificate| {
                self.signs(&certificate) && out_of_time(&certificate, now).is_none()
            })
        });
        store.add_parsable_certificates(signing.cloned());
        store
    }

    /// The same, understood.
    pub(super) fn signing(&self, now: UnixTime) -> impl Iterator<Item = X509Certificate<'_>> {
        self.all().filter(move |certificate| {
            self.signs(certificate) && out_of_time(certificate, now).is_none()
        })
    }

    /// All that were given, of use or not.
    pub(super) fn all(&self) -> impl Iterator<Item = X509Certificate<'_>> {
        self.given.iter().filter_map(pem::parse)
    }

    /// Whether this very certificate was given, and signed itself: a server that is its own
    /// authority.
    pub(super) fn holds(&self, der: &[u8], certificate: &X509Certificate<'_>) -> bool {
        self.given.iter().any(|given| given.as_ref() == der) && self.is_its_own(certificate)
    }

    /// Whether it signed itself. What was given is trusted as it is, so a signature that cannot be
    /// verified any more, as with SHA-1, says nothing against it.
    fn is_its_own(&self, certificate: &X509Certificate<'_>) -> bool {
        let names_itself = certificate.issuer().as_raw() == certificate.subject().as_raw();
        names_itself
            && (signature::is_issued_by(certificate, certificate, &self.algorithms)
                || algorithm::unverifiable(certificate.public_key()).is_some()
                || algorithm::unverifiable_signature(certificate, &self.algorithms).is_some())
    }

    /// Whether it may sign others. Version 1 has no way to say so: there, a root may.
    fn signs(&self, certificate: &X509Certificate<'_>) -> bool {
        if certificate.version() == X509Version::V1 {
            return self.is_its_own(certificate);
        }
        let is_authority = certificate
            .basic_constraints()
            .is_ok_and(|found| found.is_some_and(|constraints| constraints.value.ca));
        let may_sign = certificate
            .key_usage()
            .is_ok_and(|found| found.is_none_or(|usage| usage.value.key_cert_sign()));
        is_authority && may_sign
    }
}
