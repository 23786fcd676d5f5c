//! Our own certificate and its key, for a server or client that asks for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;

use super::pem_texts::PemTexts;
use super::{algorithm, pem};
use crate::Error;
use crate::connection::pem::private_key;

/// A certificate and its key as PEM text, with the settings that hold them.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The setting of the certificate, such as `client_certificate`.
    pub certificate_setting: &'static str,
    /// The certificate and its intermediates.
    pub certificate: &'a str,
    /// The setting of the key.
    pub key_setting: &'static str,
    /// The private key of the first certificate, not encrypted.
    pub key: &'a str,
}

impl Identity<'_> {
    /// Ready for handshakes, also with a certificate of X.509 version 1. Its dates are not looked at: the
    /// other side judges them.
    ///
    /// # Errors
    /// [`Error::Settings`] when one of them cannot be read or used, or they do not belong together.
    pub fn certified(&self) -> Result<CertifiedKey, Error> {
        let chain = pem::certificates(self.certificate_setting, self.certificate)?;
        let key = private_key(self.key_setting, self.key)?;
        let leaf = chain.first().and_then(pem::parse);
        let leaf = leaf.ok_or_else(|| {
            Error::wrong_setting(
                self.certificate_setting,
                "there is no certificate in it; it needs -----BEGIN CERTIFICATE-----".to_owned(),
            )
        })?;
        let signer = ring::sign::any_supported_type(&key).map_err(|_| {
            let problem = algorithm::unsignable(leaf.public_key());
            let problem = problem
                .as_deref()
                .unwrap_or("is of a kind that is not supported");
            Error::wrong_setting(
                self.key_setting,
                format!("it {problem}; {}", algorithm::INSTEAD),
            )
        })?;
        // By hand, since rustls reads no certificates of version 1.
        let belongs = signer
            .public_key()
            .is_none_or(|public| public.as_ref() == leaf.public_key().raw);
        if !belongs {
            return Err(Error::wrong_setting(
                self.key_setting,
                format!(
                    "it is not the key of {}; give the two that belong together",
                    self.certificate_setting
                ),
            ));
        }
        Ok(CertifiedKey::new(chain, signer))
    }
}

/// Reads both settings of a client; `None` when neither is given.
pub(super) fn of_client(texts: &PemTexts) -> Result<Option<Arc<CertifiedKey>>, Error> {
    const CERTIFICATE: &str = "client_certificate";
    const KEY: &str = "client_key";
    let (certificate, key) = match (&texts.certificate, &texts.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => {
            let problem = "client_certificate is given without its key; give both";
            return Err(Error::wrong_setting(KEY, problem.to_owned()));
        }
        (None, Some(_)) => {
            let problem = "client_key is given without its certificate; give both";
            return Err(Error::wrong_setting(CERTIFICATE, problem.to_owned()));
        }
    };
    let identity = Identity {
        certificate_setting: CERTIFICATE,
        certificate,
        key_setting: KEY,
        key,
    };
    identity.certified().map(|key| Some(Arc::new(key)))
}

/// Shows our certificate to a server that asks for one, and remembers that it asked.
#[derive(Debug)]
pub(super) struct ClientIdentity {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) was_asked: AtomicBool,
}

impl ResolvesClientCert for ClientIdentity {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    /// Also without a certificate: we want to know whether the server asks.
    fn has_certs(&self) -> bool {
        true
    }
}
