//! The authorities that somebody chose to trust instead of the system's.

use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{Validity, X509Certificate, X509Version};

use super::{pem, signature};
use crate::Error;

const SETTING: &str = "ca_certificate";

/// The certificates of `ca_certificate`.
#[derive(Debug)]
pub(super) struct Authorities {
    given: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Authorities {
    /// Reads PEM text. At least one must be of use now; others may have expired, as happens while an
    /// authority is being replaced.
    pub(super) fn read(
        text: &str,
        algorithms: WebPkiSupportedAlgorithms,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let authorities = Self {
            given: pem::certificates(SETTING, text)?,
            algorithms,
        };
        let mut reason = None;
        for der in &authorities.given {
            let certificate = pem::parse(SETTING, der)?;
            let problem = if authorities.signs(&certificate) || authorities.is_its_own(&certificate)
            {
                out_of_time(certificate.validity(), now)
            } else {
                Some("this is the certificate of a server or client, not of an authority (CA:TRUE); give the certificate of the authority that signed the server's".to_owned())
            };
            match problem {
                None => return Ok(authorities),
                Some(problem) => reason = Some(problem),
            }
        }
        Err(Error::Settings {
            setting: SETTING,
            problem: reason.unwrap_or_default(),
        })
    }

    /// What can verify other certificates at this time, for rustls.
    pub(super) fn roots(&self, now: UnixTime) -> RootCertStore {
        let mut store = RootCertStore::empty();
        let signing = self.given.iter().filter(|der| {
            pem::parse(SETTING, der).is_ok_and(|certificate| {
                self.signs(&certificate) && out_of_time(certificate.validity(), now).is_none()
            })
        });
        store.add_parsable_certificates(signing.cloned());
        store
    }

    /// The same, understood.
    pub(super) fn signing(&self, now: UnixTime) -> impl Iterator<Item = X509Certificate<'_>> {
        self.given
            .iter()
            .filter_map(|der| pem::parse(SETTING, der).ok())
            .filter(move |certificate| {
                self.signs(certificate) && out_of_time(certificate.validity(), now).is_none()
            })
    }

    /// Whether this very certificate was given, and signed itself: a server that is its own
    /// authority.
    pub(super) fn holds(&self, der: &[u8], certificate: &X509Certificate<'_>) -> bool {
        self.given.iter().any(|given| given.as_ref() == der) && self.is_its_own(certificate)
    }

    fn is_its_own(&self, certificate: &X509Certificate<'_>) -> bool {
        signature::is_issued_by(certificate, certificate, &self.algorithms)
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

/// Why a certificate is of no use at this time, with the date.
pub(super) fn out_of_time(validity: &Validity, now: UnixTime) -> Option<String> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > validity.not_after.timestamp() {
        Some(format!(
            "the certificate expired on {}; renew it",
            validity.not_after
        ))
    } else if now < validity.not_before.timestamp() {
        Some(format!(
            "the certificate is not valid before {}; check this machine's clock",
            validity.not_before
        ))
    } else {
        None
    }
}
