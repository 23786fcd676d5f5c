//! What a server's certificate says about itself.

use std::time::{SystemTime, UNIX_EPOCH};

use x509_parser::prelude::{FromDer, X509Certificate};

use crate::connection::listed_names;

const SECONDS_A_DAY: i64 = 86_400;

/// The parts of a certificate that people need.
pub(super) struct Certificate {
    /// Its alternative names, or its common name when it has none.
    pub(super) names: String,
    /// Whole days until it expires; negative when it has expired.
    pub(super) days: i64,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let left = certificate.validity().not_after.timestamp() - now()?;
        Some(Self {
            names: listed_names(&certificate),
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

/// Seconds since 1970.
pub(super) fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
