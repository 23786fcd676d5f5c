//! The time in which a certificate is good: a matter of the moment, and never of the settings.

use rustls::pki_types::UnixTime;
use x509_parser::prelude::{Validity, X509Certificate};

use super::pem;
use crate::Error;

/// From how many seconds before its end on a certificate is to be renewed: 14 days.
const SOON: i64 = 14 * 24 * 60 * 60;

/// What is to be said about the time of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeNotice {
    /// The setting that holds it, such as `ca_certificate`; `address` for the certificate that a server shows.
    pub setting: &'static str,
    /// A sentence without full stop: which certificate, and when it expired, expires or begins.
    pub says: String,
    /// What to do.
    pub cure: &'static str,
    /// Whether it is of no use at this moment; otherwise it will not be in 14 days.
    pub is_out_of_time: bool,
}

/// What is to be said about the times of the certificates in a PEM text, at `now` in seconds since 1970: of those
/// that have expired, are not valid yet, or expire within 14 days.
///
/// # Errors
/// [`Error::Settings`] when they cannot be read.
pub fn time_notices(setting: &'static str, text: &str, now: i64) -> Result<Vec<TimeNotice>, Error> {
    let found = pem::certificates(setting, text)?;
    let parsed = found.iter().filter_map(pem::parse);
    Ok(parsed
        .filter_map(|certificate| {
            let which = format!("the certificate \"{}\"", certificate.subject());
            notice(setting, &which, &certificate, now)
        })
        .collect())
}

/// When the first of the certificates in a PEM text expires, in seconds since 1970; `None` when it holds none.
///
/// # Errors
/// [`Error::Settings`] when they cannot be read.
pub fn certificate_expiry(setting: &'static str, text: &str) -> Result<Option<i64>, Error> {
    let found = pem::certificates(setting, text)?;
    let parsed = found.iter().filter_map(pem::parse);
    let ends = parsed.map(|certificate| certificate.validity().not_after.timestamp());
    Ok(ends.min())
}

/// What [`time_notices`] says for one certificate, of which `which` speaks.
pub(crate) fn notice(
    setting: &'static str,
    which: &str,
    certificate: &X509Certificate<'_>,
    now: i64,
) -> Option<TimeNotice> {
    let validity = certificate.validity();
    let over = problem(validity, now);
    let is_out_of_time = over.is_some();
    let soon = || {
        (validity.not_after.timestamp() <= now.saturating_add(SOON))
            .then(|| format!("expires on {}", validity.not_after))
    };
    let when = over.or_else(soon)?;
    let cure = if now < validity.not_before.timestamp() {
        "check this machine's clock, or wait"
    } else {
        "renew it"
    };
    Some(TimeNotice {
        setting,
        says: format!("{which} {when}"),
        cure,
        is_out_of_time,
    })
}

/// `expired on …` or `is not valid before …`, if so.
pub(super) fn out_of_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Option<String> {
    problem(certificate.validity(), seconds(now))
}

/// Seconds since 1970.
pub(super) fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn problem(validity: &Validity, now: i64) -> Option<String> {
    if now > validity.not_after.timestamp() {
        Some(format!("expired on {}", validity.not_after))
    } else if now < validity.not_before.timestamp() {
        Some(format!("is not valid before {}", validity.not_before))
    } else {
        None
    }
}
