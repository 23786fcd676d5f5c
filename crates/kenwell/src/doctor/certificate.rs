//! What a server's certificate says about itself.

use std::time::{SystemTime, UNIX_EPOCH};

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

const SECONDS_A_DAY: i64 = 86_400;

/// The most names that are listed.
const MAX_LISTED: usize = 4;

/// The parts of a certificate that people need.
pub(super) struct Certificate {
    /// Its alternative names, or its common name when it has none.
    pub(super) names: String,
    /// Who signed it.
    pub(super) issuer: String,
    /// Whole days until it expires; negative when it has expired.
    pub(super) days: i64,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let now = i64::try_from(now.as_secs()).ok()?;
        let left = certificate.validity().not_after.timestamp() - now;
        Some(Self {
            names: names(&certificate),
            issuer: certificate.issuer().to_string(),
            days: left.div_euclid(SECONDS_A_DAY),
        })
    }

    /// `expires in 3 days`.
    pub(super) fn expiry(&self) -> String {
        match self.days {
            ..0 => "has expired".to_owned(),
            0 => "expires within a day".to_owned(),
            1 => "expires in 1 day".to_owned(),
            days => format!("expires in {days} days"),
        }
    }
}

fn names(certificate: &X509Certificate<'_>) -> String {
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
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}
