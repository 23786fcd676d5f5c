//! PEM given as text or as the path of a file.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Error;
use crate::connection::file;

/// What every PEM text has.
const BEGIN: &str = "-----BEGIN";

/// The text, unless it is blank: an empty setting means none.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The PEM text itself, or the content of the file that it names.
pub(super) fn text(setting: &'static str, given: &str) -> Result<String, Error> {
    if given.contains(BEGIN) {
        return Ok(given.to_owned());
    }
    // The value is not repeated: it may be a key that lost its first line.
    file::read(Path::new(given)).map_err(|error| Error::Settings {
        setting,
        problem: format!("neither PEM text nor the path of a readable file: {error}"),
    })
}

/// The certificates of a PEM text; at least one.
pub(super) fn certificates(
    setting: &'static str,
    pem: &str,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let problem = |problem: String| Error::Settings { setting, problem };
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| problem(format!("not PEM: {error}")))?;
    if found.is_empty() {
        let instead = if pem.contains("PRIVATE KEY-----") {
            ", but a private key"
        } else if pem.contains("CERTIFICATE REQUEST-----") {
            ", but a certificate request, which an authority has yet to sign"
        } else {
            ""
        };
        return Err(problem(format!(
            "there is no certificate in it{instead}; it needs -----BEGIN CERTIFICATE-----"
        )));
    }
    Ok(found)
}

/// The certificate, understood.
pub(super) fn parse<'a>(
    setting: &'static str,
    der: &'a CertificateDer<'_>,
) -> Result<X509Certificate<'a>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Error::Settings {
            setting,
            problem: "the PEM holds something that is no X.509 certificate".to_owned(),
        }),
    }
}
