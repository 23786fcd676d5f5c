//! Certificates and private keys: PEM text, or the path of a PEM file.

use std::path::Path;

use kenwell::Error;
use kenwell::connection::{Secret, pem};

use super::file_reader::FileReader;
use super::input::{Input, ValueError};
use super::secret::{FoundSecret, Origin, resolve};

/// What to do about a certificate or key of which the library says no more.
const FIX: &str = "give a PEM file that kenwell may read, or the PEM text itself";

/// The PEM text, or the file that has it, which is read again at each connection; checked to hold
/// certificates now, and nothing that would be left out. It may be empty.
pub(super) fn certificates(
    setting: &'static str,
    file: &FileReader<'_>,
    input: &Input<'_>,
) -> Result<FoundSecret, ValueError> {
    let Some(text) = input.as_text() else {
        return Err(input.not_a("text", "\"text\""));
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(in_configuration(Secret::new("")));
    }
    if pem::is_text(trimmed) {
        pem::certificates(setting, trimmed).map_err(explained)?;
        return Ok(in_configuration(Secret::new(text)));
    }
    let path = file.resolve(trimmed);
    let read = || -> Result<FoundSecret, Error> {
        let secret = Secret::pem_file(setting, &path)?;
        pem::certificates(setting, secret.expose())?;
        Ok(in_configuration(secret))
    };
    // The name of a certificate's file is no secret, as that of a key might be.
    read().map_err(|error| {
        let error = explained(error);
        ValueError::new(format!("{}: {}", path.display(), error.what), error.fix)
    })
}

/// The PEM text of a private key, or its file; it may be empty. Also as `env:NAME` or `file:PATH`.
/// No complaint shows any of it.
pub(super) fn private_key(
    setting: &'static str,
    file: &FileReader<'_>,
    input: &Input<'_>,
) -> Result<FoundSecret, ValueError> {
    let read = |path: &Path| Secret::pem_file(setting, path).map_err(explained);
    let mut found = resolve(file, input, read)?;
    let text = found.text().trim();
    if text.is_empty() {
        found.secret = Secret::new("");
    } else if pem::is_text(text) {
        if found.is_literal() {
            file.holds_password.set(true);
        }
    } else if found.secret.path().is_none() {
        found.secret = read(&file.resolve(text))?;
    }
    Ok(found)
}

/// What the library says about a certificate or key.
pub(super) fn explained(error: Error) -> ValueError {
    ValueError::of_library(error, FIX)
}

fn in_configuration(secret: Secret) -> FoundSecret {
    FoundSecret {
        secret,
        origin: Some(Origin::File),
        reference: None,
    }
}
