//! Certificates whose time is over, or will be soon: to be told days before.

use std::collections::BTreeMap;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::now;
use super::finding::{Check, Finding};
use crate::connection::{Address, Settings, StagedConnection, TimeNotice, notice, servers};

/// What is to be said about the certificates on the way to a Redis: those that the settings give, and those that its
/// servers (and Sentinels) show, that have expired, are not valid yet, or expire within 14 days.
///
/// One TLS handshake with each server, on a connection of its own; nothing is sent on it. Servers that do not answer
/// are left out.
pub async fn time_notices(settings: &Settings) -> Vec<TimeNotice> {
    if !settings.secure {
        return Vec::new();
    }
    let mut notices = settings.time_notices();
    for place in places(settings).await {
        let der = shown_at(settings, &place).await;
        let notice = der.and_then(|der| notice_of(&der, &place));
        if let Some(notice) = notice
            && !notices.contains(&notice)
        {
            notices.push(notice);
        }
    }
    notices
}

/// When the first of the certificates expires that each setting holds (`ca_certificate`, `client_certificate`), and
/// the first of those that the servers show (`address`): names of settings, and seconds since 1970.
///
/// Connections as for [`time_notices`]. What cannot be read, and servers that do not answer, are left out.
pub async fn certificate_expiries(settings: &Settings) -> Vec<(&'static str, i64)> {
    if !settings.secure {
        return Vec::new();
    }
    let mut expiries = settings.certificate_expiries();
    let mut shown = Vec::new();
    for place in places(settings).await {
        let der = shown_at(settings, &place).await;
        shown.extend(der.and_then(|der| expires_at(&der)));
    }
    expiries.extend(shown.into_iter().min().map(|first| ("address", first)));
    expiries
}

/// The servers, and the Sentinels that know them.
async fn places(settings: &Settings) -> Vec<String> {
    let mut places: Vec<String> = settings.address.split(',').map(str::to_owned).collect();
    if settings.sentinel_master.is_some() {
        places.extend(servers(settings).await.unwrap_or_default());
    }
    places
}

fn expires_at(der: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// What is to be said about the certificate of one server.
fn notice_of(der: &[u8], place: &str) -> Option<TimeNotice> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let which = format!("the certificate of the server at {}", place.trim());
    notice("address", &which, &certificate, now()?)
}

/// The certificate that one server shows.
async fn shown_at(settings: &Settings, place: &str) -> Option<Vec<u8>> {
    let one = Settings {
        address: place.to_owned(),
        sentinel_master: None,
        sentinel_username: None,
        sentinel_password: None,
        // The place is where it leads already, and a single server takes no map.
        address_map: BTreeMap::new(),
        ..settings.clone()
    };
    let staged = StagedConnection::new(&one).ok()?;
    let Address::Tcp { host, port } = staged.address() else {
        return None;
    };
    let addresses = staged.look_up(host, *port).await.ok()?;
    let (socket, _) = staged.reach(&addresses).await.ok()?;
    let socket = staged.secure(socket).await.ok()?;
    let (_, der) = socket.tls_session()?;
    Some(der.to_vec())
}

/// The settings, which are complete, and the certificates that they give.
pub(super) fn of_settings(settings: &Settings) -> Finding {
    let notices = if settings.secure {
        settings.time_notices()
    } else {
        Vec::new()
    };
    let Some(first) = notices.first() else {
        return Check::Settings.ok("the settings are complete and do not contradict each other");
    };
    let says: Vec<_> = notices
        .iter()
        .map(|notice| format!("{}: {}", notice.setting, notice.says))
        .collect();
    Check::Settings.warning(says.join("; "), first.cure)
}
