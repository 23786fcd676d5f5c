//! Certificates and keys: PEM text, or the path of a PEM file.

use kenwell::connection::Secret;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::secret;
use super::section::Reading;
use super::value::{self, Input, Wrong};

/// What every PEM certificate starts with.
const BEGIN: &str = "-----BEGIN";

/// Whether a text is PEM itself, and no path.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The PEM text, or the path of the file that has it, which is read again at each connection; checked
/// to hold at least one certificate now. `None` when the setting is empty.
pub(super) fn pem(reading: &Reading<'_>, input: &Input<'_>) -> Result<Option<String>, Wrong> {
    let text = value::text(input)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    if is_pem(&text) {
        let fix = if text.contains("\\n") {
            "the text has \\n where line breaks belong: use '''…''' over several lines, or give a path"
        } else {
            "paste the whole certificate between ''' and ''', or give the path of a PEM file"
        };
        return checked(text, "this is not a PEM certificate", fix);
    }
    let path = reading.resolve(text.trim());
    let content = Secret::file(&path).map_err(|error| {
        Wrong::new(
            format!(
                "neither PEM text nor a readable file: {}: {error}",
                path.display()
            ),
            "give the path of a PEM file that kenwell may read, or the PEM text itself",
        )
    })?;
    let what = format!("{} holds no PEM certificate", path.display());
    let fix = "give the path of a PEM file (-----BEGIN CERTIFICATE-----)";
    checked(content.expose().to_owned(), &what, fix)?;
    match path.into_os_string().into_string() {
        Ok(path) => Ok(Some(path)),
        Err(_) => Err(Wrong::new(
            "the path of this file is no Unicode text",
            "rename the file or its directory",
        )),
    }
}

/// The same, with the file that it stands in.
pub(super) fn pem_secret(
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Option<Secret>, Wrong> {
    let Some(text) = pem(reading, input)? else {
        return Ok(None);
    };
    if is_pem(&text) {
        return Ok(Some(Secret::new(text)));
    }
    let secret = Secret::file(&text);
    secret.map(Some).map_err(|error| {
        Wrong::new(
            format!("cannot read {text}: {error}"),
            "give the path of a PEM file that kenwell may read",
        )
    })
}

/// The PEM text of a private key, or its file; `None` when the setting is empty. Also as `env:NAME` or `file:PATH`.
/// No complaint shows any of it.
pub(super) fn key(reading: &Reading<'_>, input: &Input<'_>) -> Result<Option<Secret>, Wrong> {
    let resolved = secret::secret(reading, input)?;
    let literal = resolved.is_literal();
    let secret = resolved.secret;
    let given = secret.expose().trim();
    if given.is_empty() {
        return Ok(None);
    }
    if is_pem(given) {
        if literal {
            reading.holds_password.set(true);
        }
        return Ok(Some(secret));
    }
    match Secret::file(reading.resolve(given)) {
        Ok(secret) => Ok(Some(secret)),
        Err(error) => Err(Wrong::new(
            format!("neither PEM text nor a readable file: {}", unshown(&error)),
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

/// The system's own words about a file. Ours have its path, which may be a secret that was given in the wrong place.
fn unshown(error: &std::io::Error) -> String {
    if error.raw_os_error().is_some() {
        return error.to_string();
    }
    "it is no text, no regular file, or has more than 1 MiB".to_owned()
}
