//! Certificates and keys: PEM text, or the path of a PEM file.

use kenwell::connection::Secret;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::secret;
use super::section::Reading;
use super::value::{self, Input, Wrong};

/// What every PEM certificate starts with.
const BEGIN: &str = "-----BEGIN";

/// The PEM text, checked to hold at least one certificate; `None` when the setting is empty.
pub(super) fn pem(reading: &Reading<'_>, input: &Input<'_>) -> Result<Option<String>, Wrong> {
    let text = value::text(input)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.contains(BEGIN) {
        let fix = if text.contains("\\n") {
            "the text has \\n where line breaks belong: use '''…''' over several lines, or give a path"
        } else {
            "paste the whole certificate between ''' and ''', or give the path of a PEM file"
        };
        return checked(text, "this is not a PEM certificate", fix);
    }
    let path = reading.resolve(text.trim());
    let content = std::fs::read_to_string(&path).map_err(|error| {
        Wrong::new(
            format!(
                "neither PEM text nor a readable file: {}: {error}",
                path.display()
            ),
            "give the path of a PEM file that kenwell may read, or the PEM text itself",
        )
    })?;
    let what = format!("{} holds no PEM certificate", path.display());
    checked(
        content,
        &what,
        "give the path of a PEM file (-----BEGIN CERTIFICATE-----)",
    )
}

/// The PEM text of a private key; `None` when the setting is empty. Also as `env:NAME` or `file:PATH`.
/// No complaint shows any of it.
pub(super) fn key(reading: &Reading<'_>, input: &Input<'_>) -> Result<Option<Secret>, Wrong> {
    let resolved = secret::secret(reading, input)?;
    let literal = resolved.is_literal();
    let text = resolved.text;
    let given = text.trim();
    if given.is_empty() {
        return Ok(None);
    }
    if given.contains(BEGIN) {
        if literal {
            reading.holds_password.set(true);
        }
        return Ok(Some(Secret::new(text)));
    }
    match std::fs::read_to_string(reading.resolve(given)) {
        Ok(pem) => Ok(Some(Secret::new(pem))),
        Err(error) => Err(Wrong::new(
            format!("neither PEM text nor a readable file: {error}"),
            "give the path of a PEM file that kenwell may read (-----BEGIN PRIVATE KEY-----)",
        )),
    }
}

fn checked(text: String, what: &str, fix: &str) -> Result<Option<String>, Wrong> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(found) if !found.is_empty() => Ok(Some(text)),
        _ => Err(Wrong::new(what, fix)),
    }
}
