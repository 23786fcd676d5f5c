//! Certificates given as PEM text or as the path of a file, understood.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Error;
use crate::connection::pem;

/// The text, unless it is blank: an empty setting means none.
pub(super) fn non_blank(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The PEM text itself, or the content of the file that it names. It is never repeated: it may be a key that
/// lost its first line.
pub(super) fn text(setting: &'static str, given: &str) -> Result<String, Error> {
    if pem::is_text(given) {
        return Ok(given.to_owned());
    }
    pem::read_file(setting, Path::new(given))
}

/// The certificates of a PEM text; at least one, and each of them one that can be read.
pub(super) fn certificates(
    setting: &'static str,
    text: &str,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = pem::certificates(setting, text)?;
    for (index, der) in found.iter().enumerate() {
        if parse(der).is_none() {
            return Err(Error::wrong_setting(
                setting,
                format!(
                    "certificate {} of {} is no X.509 certificate; copy it again",
                    index + 1,
                    found.len()
                ),
            ));
        }
    }
    Ok(found)
}

/// The certificate, understood.
pub(super) fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}
