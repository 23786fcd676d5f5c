//! The one name of a certificate that has no subjectAltName, as in many recipes for stunnel.

use std::net::IpAddr;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, OtherError};
use x509_parser::oid_registry::{OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME};
use x509_parser::prelude::{GeneralName, ParsedExtension, X509Certificate};

use super::validity::out_of_time;

/// The most names that are listed.
const MAX_LISTED: usize = 4;

/// Why the common name of a certificate without subjectAltName is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommonNameError {
    #[error(
        "the certificate has no subjectAltName, and its common name is \"{found}\", not \"{wanted}\""
    )]
    OtherName { found: String, wanted: String },
    #[error("the certificate has no subjectAltName, and {0} common names instead of one")]
    NotOneName(usize),
    #[error("the certificate has no subjectAltName, and its common name is not text")]
    NotText,
    #[error("the certificate has no subjectAltName, and an authority above it constrains names")]
    Constrained,
}

impl CommonNameError {
    pub(super) fn into_tls(self) -> rustls::Error {
        CertificateError::Other(OtherError(std::sync::Arc::new(self))).into()
    }
}

/// Whether there is a subjectAltName, even one that cannot be read.
pub(super) fn has_alternative_names(certificate: &X509Certificate<'_>) -> bool {
    let mut extensions = certificate.extensions().iter();
    extensions.any(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME)
}

/// Whether it limits the names of what it signs. webpki applies that to a subjectAltName only.
pub(super) fn constrains_names(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().any(|extension| {
        let parsed = extension.parsed_extension();
        matches!(parsed, ParsedExtension::NameConstraints(_))
            || extension.oid == OID_X509_EXT_NAME_CONSTRAINTS
    })
}

/// Checks the host against the only common name: equal without regard to case, no wildcards.
pub(super) fn check_common_name(
    certificate: &X509Certificate<'_>,
    wanted: &ServerName<'_>,
) -> Result<(), CommonNameError> {
    let names: Vec<_> = certificate.subject().iter_common_name().collect();
    let [name] = names.as_slice() else {
        return Err(CommonNameError::NotOneName(names.len()));
    };
    let found = name.as_str().map_err(|_| CommonNameError::NotText)?;
    let host = wanted.to_str();
    let is_equal = match wanted {
        ServerName::IpAddress(address) => found.parse() == Ok(IpAddr::from(*address)),
        _ => host
            .trim_end_matches('.')
            .eq_ignore_ascii_case(found.trim_end_matches('.')),
    };
    if is_equal {
        Ok(())
    } else {
        Err(CommonNameError::OtherName {
            found: found.to_owned(),
            wanted: host.into_owned(),
        })
    }
}

/// Whether the certificate itself may identify a server now: its dates, and, where it says
/// something about them, its key usages.
pub(super) fn check_purpose(
    certificate: &X509Certificate<'_>,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let validity = certificate.validity();
    if out_of_time(certificate, now).is_some() {
        let has_begun = u64::try_from(validity.not_before.timestamp())
            .map_or(true, |begin| begin <= now.as_secs());
        return Err(if has_begun {
            CertificateError::Expired
        } else {
            CertificateError::NotValidYet
        });
    }
    let bad = |_| CertificateError::BadEncoding;
    let extended = certificate.extended_key_usage().map_err(bad)?;
    let usage = certificate.key_usage().map_err(bad)?;
    let serves = extended.is_none_or(|usage| usage.value.server_auth);
    let handshakes = usage.is_none_or(|usage| {
        let usage = usage.value;
        usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
    });
    if serves && handshakes {
        Ok(())
    } else {
        Err(CertificateError::InvalidPurpose)
    }
}

/// Its alternative names, or its common name when it has none, for people.
pub(crate) fn listed_names(certificate: &X509Certificate<'_>) -> String {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let mut names: Vec<String> = alternatives
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        let common = certificate.subject().iter_common_name();
        names = common
            .filter_map(|name| name.as_str().ok().map(|name| format!("common name {name}")))
            .collect();
    }
    let more = names.len().saturating_sub(MAX_LISTED);
    names.truncate(MAX_LISTED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    if names.is_empty() {
        return "nobody".to_owned();
    }
    names.join(", ")
}

fn ip(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(IpAddr::from(v6).to_string())
}
