//! Certificates and keys as people have them: PEM with whatever stands around it, or the name of what it is instead.
//!
//! What stands outside of the `-----BEGIN …-----` and `-----END …-----` markers counts for nothing: comments in
//! any encoding, bag attributes, a byte order mark. The markers need no lines of their own. What cannot be read is
//! an error and never left out.

mod blocks;
mod foreign;

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::blocks::Block;
use super::file;
use crate::Error;

/// What every PEM text has.
const BEGIN: &str = "-----BEGIN";

/// Whether this is PEM text, and not the path of a file.
pub fn is_text(given: &str) -> bool {
    given.contains(BEGIN)
}

/// The PEM text in a regular file of at most 1 MiB. Bytes that are no UTF-8 are replaced, since only what stands
/// between the markers counts.
///
/// # Errors
/// [`Error::Settings`] when it cannot be read, or holds something else; then with the command that converts it.
pub fn read_file(setting: &'static str, path: &Path) -> Result<String, Error> {
    let problem = match file::read_bytes(path) {
        Ok(bytes) => match foreign::name(&bytes) {
            Some(foreign) => format!("the file holds {foreign}"),
            None => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
        },
        Err(error) => match foreign::name(path.as_os_str().as_encoded_bytes()) {
            Some(foreign) => format!("it is {foreign}"),
            None => format!("neither PEM text nor the path of a readable file: {error}"),
        },
    };
    Err(Error::wrong_setting(setting, problem))
}

/// The certificates of a PEM text, in their order; at least one.
///
/// # Errors
/// [`Error::Settings`] when there is none, or one of them cannot be read.
pub fn certificates(
    setting: &'static str,
    text: &str,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let blocks = blocks::all(text).map_err(|problem| Error::wrong_setting(setting, problem))?;
    let mut found = Vec::new();
    for block in &blocks {
        let problem = match block.label {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                found.push(block.der(setting)?.into());
                continue;
            }
            "TRUSTED CERTIFICATE" => {
                "it holds a TRUSTED CERTIFICATE, which only openssl reads; convert it: openssl x509 -in FILE -out NEW"
            }
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => {
                "it is PKCS#7; take the certificates out of it: openssl pkcs7 -print_certs -in FILE -out NEW"
            }
            _ => continue,
        };
        return Err(Error::wrong_setting(setting, problem));
    }
    if found.is_empty() {
        return Err(no_certificate(setting, &blocks));
    }
    Ok(found)
}

/// The private key of a PEM text.
///
/// # Errors
/// [`Error::Settings`] when there is none, or it is encrypted or cannot be read. No part of it is shown.
pub fn private_key(setting: &'static str, text: &str) -> Result<PrivateKeyDer<'static>, Error> {
    const ENCRYPTED: &str =
        "the key is encrypted; write it out without pass phrase: openssl pkey -in KEY -out NEW";
    let wrong = |problem: &str| Error::wrong_setting(setting, problem);
    let blocks = blocks::all(text).map_err(|problem| {
        let is_encrypted = text.contains("ENCRYPTED PRIVATE KEY-----");
        wrong(if is_encrypted { ENCRYPTED } else { &problem })
    })?;
    let Some(key) = blocks.iter().find(|block| block.is_private_key()) else {
        return Err(no_key(setting, &blocks));
    };
    let problem = match key.label {
        _ if key.is_encrypted() => ENCRYPTED,
        "OPENSSH PRIVATE KEY" => {
            "the key is in the form of OpenSSH; convert it in place: ssh-keygen -p -N '' -m PEM -f KEY"
        }
        "DSA PRIVATE KEY" => {
            "it is a DSA key, which TLS does not use any more; use an RSA, ECDSA P-256/P-384 or Ed25519 key"
        }
        _ => {
            let canonical = key.canonical(setting)?;
            return PrivateKeyDer::from_pem_slice(canonical.as_bytes())
                .map_err(|_| wrong("the private key in it cannot be read; export it again"));
        }
    };
    Err(wrong(problem))
}

fn no_certificate(setting: &'static str, blocks: &[Block<'_>]) -> Error {
    let other = match setting {
        "client_certificate" => Some("client_key"),
        "tls_certificate" => Some("tls_key"),
        _ => None,
    };
    let instead = if blocks.iter().any(Block::is_private_key) {
        ", but a private key"
    } else if blocks
        .iter()
        .any(|block| block.label.ends_with("CERTIFICATE REQUEST"))
    {
        ", but a certificate request, which an authority has yet to sign"
    } else {
        ""
    };
    let cure = match other {
        Some(other) if blocks.iter().any(Block::is_private_key) => {
            format!("exchange the values of {setting} and {other} if they are swapped")
        }
        _ => "give PEM, which has -----BEGIN CERTIFICATE-----".to_owned(),
    };
    let problem = format!("there is no certificate in it{instead}; {cure}");
    Error::wrong_setting(setting, problem)
}

fn no_key(setting: &'static str, blocks: &[Block<'_>]) -> Error {
    let has_certificate = blocks
        .iter()
        .any(|block| block.label.ends_with("CERTIFICATE"));
    let other = match setting {
        "client_key" => Some("client_certificate"),
        "tls_key" => Some("tls_certificate"),
        _ => None,
    };
    Error::wrong_setting(
        setting,
        match other {
            Some(other) if has_certificate => format!(
                "there is no private key in it, but a certificate; exchange the values of {other} and {setting} if they are swapped"
            ),
            _ => "there is no private key in it; give PEM, which has -----BEGIN PRIVATE KEY-----"
                .to_owned(),
        },
    )
}
