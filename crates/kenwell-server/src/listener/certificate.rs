//! The certificate that a listener shows, and its key.

use std::path::PathBuf;

use kenwell::{
    Error,
    connection::{self, Secret, TimeNotice, certificate_expiry, time_notices},
};
use rustls::sign::CertifiedKey;

/// The certificate and key of a listener. Files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// The listener's certificate and its intermediates, PEM. No secret, but kept with its file.
    pub certificate: Secret,
    /// The private key of the first certificate, PEM, not encrypted.
    pub key: Secret,
}

const CERTIFICATE: &str = "tls_certificate";
const KEY: &str = "tls_key";

impl ServerIdentity {
    /// The files that it stands in.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let secrets = [&self.certificate, &self.key];
        secrets
            .into_iter()
            .filter_map(|secret| secret.path().map(ToOwned::to_owned))
    }

    /// The same as it stands in the files now.
    pub(crate) fn reread(&self) -> Result<Self, Error> {
        let reread = |setting, secret: &Secret| match secret.path() {
            Some(path) => Secret::pem_file(setting, path),
            None => Ok(secret.clone()),
        };
        Ok(Self {
            certificate: reread(CERTIFICATE, &self.certificate)?,
            key: reread(KEY, &self.key)?,
        })
    }

    /// Ready for handshakes, if the two belong together and can be used. Clients judge its dates.
    pub(crate) fn certified(&self) -> Result<CertifiedKey, Error> {
        let identity = connection::Identity {
            certificate_setting: CERTIFICATE,
            certificate: self.certificate.expose(),
            key_setting: KEY,
            key: self.key.expose(),
        };
        identity.certified()
    }

    /// Warnings about the times of its certificates (`now` in seconds since 1970).
    pub(crate) fn time_notices(&self, now: i64) -> Vec<TimeNotice> {
        // What cannot be read was refused before.
        time_notices(CERTIFICATE, self.certificate.expose(), now).unwrap_or_default()
    }

    /// When the first of its certificates expires, in seconds since 1970.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        certificate_expiry(CERTIFICATE, self.certificate.expose()).unwrap_or_default()
    }
}
