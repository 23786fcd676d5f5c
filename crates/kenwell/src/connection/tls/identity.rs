//! Who we are, for servers that ask: a client certificate and its key.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::authorities::out_of_time;
use super::material::Material;
use super::pem;
use crate::Error;

const CERTIFICATE: &str = "client_certificate";
const KEY: &str = "client_key";

/// The certificate that the server will verify, its intermediates, and the key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both settings; `None` when neither is given.
    pub(super) fn read(material: &Material, now: UnixTime) -> Result<Option<Self>, Error> {
        let (certificate, key) = match (&material.certificate, &material.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => {
                return Err(problem(
                    KEY,
                    "client_certificate is given without its key; give both",
                ));
            }
            (None, Some(_)) => {
                return Err(problem(
                    CERTIFICATE,
                    "client_key is given without its certificate; give both",
                ));
            }
        };
        let chain = pem::certificates(CERTIFICATE, certificate)?;
        if let Some(leaf) = chain.first()
            && let Some(late) = out_of_time(pem::parse(CERTIFICATE, leaf)?.validity(), now)
        {
            return Err(problem(CERTIFICATE, late));
        }
        let key = private_key(key)?;
        Ok(Some(Self { chain, key }))
    }

    /// rustls' refusal to use them together.
    pub(super) fn refused(error: &rustls::Error) -> Error {
        match error {
            rustls::Error::InconsistentKeys(_) => problem(
                KEY,
                "it is not the key of client_certificate; give the two that belong together",
            ),
            rustls::Error::InvalidCertificate(_) => {
                problem(CERTIFICATE, format!("it cannot be used: {error}"))
            }
            _ => problem(
                KEY,
                format!("it cannot be used: {error}; use an RSA, ECDSA P-256/P-384 or Ed25519 key"),
            ),
        }
    }
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        problem(
            KEY,
            if pem.contains("ENCRYPTED") {
                "the key is encrypted; write it out without pass phrase: openssl pkey -in KEY -out NEW"
            } else {
                "there is no private key in it; it needs -----BEGIN PRIVATE KEY-----"
            },
        )
    })
}

fn problem(setting: &'static str, problem: impl Into<String>) -> Error {
    Error::Settings {
        setting,
        problem: problem.into(),
    }
}
