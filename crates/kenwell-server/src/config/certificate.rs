//! Certificates and keys: PEM text, or the path of a PEM file.

use kenwell::Error;
use kenwell::connection::{Secret, pem};

use super::secret;
use super::section::Reading;
use super::value::{self, Input, Wrong};

/// The PEM text, or the path of the file that has it, which is read again at each connection; checked
/// to hold certificates now, and nothing that would be left out. `None` when the setting is empty.
pub(super) fn certificates(
    setting: &'static str,
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Option<Secret>, Wrong> {
    let text = value::text(input)?;
    let given = text.trim();
    if given.is_empty() {
        return Ok(None);
    }
    if pem::is_text(given) {
        pem::certificates(setting, given).map_err(wrong)?;
        return Ok(Some(Secret::new(text)));
    }
    let path = reading.resolve(given);
    let read = || {
        let secret = Secret::pem_file(setting, &path)?;
        pem::certificates(setting, secret.expose())?;
        Ok(Some(secret))
    };
    // The name of a certificate's file is no secret, as that of a key might be.
    read().map_err(|error| {
        let wrong = wrong(error);
        Wrong::new(format!("{}: {}", path.display(), wrong.what), wrong.fix)
    })
}

/// The same as the Redis library takes it: the text, or the path.
pub(super) fn text_or_path(
    setting: &'static str,
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Option<String>, Wrong> {
    let Some(secret) = certificates(setting, reading, input)? else {
        return Ok(None);
    };
    match secret.path().map(|path| path.to_str().map(str::to_owned)) {
        None => Ok(Some(secret.expose().to_owned())),
        Some(Some(path)) => Ok(Some(path)),
        Some(None) => Err(Wrong::new(
            "the path of this file is no Unicode text",
            "rename the file or its directory",
        )),
    }
}

/// The PEM text of a private key, or its file; `None` when the setting is empty. Also as `env:NAME` or `file:PATH`.
/// No complaint shows any of it.
pub(super) fn key(
    setting: &'static str,
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Option<Secret>, Wrong> {
    let resolved = secret::pem(setting, reading, input)?;
    let literal = resolved.is_literal();
    let secret = resolved.secret;
    let given = secret.expose().trim();
    if given.is_empty() {
        return Ok(None);
    }
    if pem::is_text(given) || secret.path().is_some() {
        if literal {
            reading.holds_password.set(true);
        }
        return Ok(Some(secret));
    }
    let read = Secret::pem_file(setting, reading.resolve(given));
    read.map(Some).map_err(wrong)
}

/// What the library says about a certificate or key.
pub(super) fn wrong(error: Error) -> Wrong {
    let (what, fix) = error.into_problem_and_cure();
    let fix = fix.unwrap_or_else(|| {
        "give a PEM file that kenwell may read, or the PEM text itself".to_owned()
    });
    Wrong::new(what, fix)
}
