//! `tls_certificate` and `tls_key` of a listener.

use jiff::Timestamp;
use kenwell::{Error, connection::Secret};

use super::certificate;
use super::section::{Found, Section};
use super::value::Wrong;
use crate::listener::{CERTIFICATE, KEY, ServerIdentity};

/// Reads both; `None` when neither is given. They must be usable now; one whose time is over is only
/// doubtful, so that a server that was started late still starts.
pub(super) fn read(section: &mut Section<'_>) -> Option<ServerIdentity> {
    let reading = section.reading;
    let certificate = section.read(CERTIFICATE, |input| {
        certificate::certificates(CERTIFICATE, reading, input)
    });
    let key = section.read(KEY, |input| certificate::key(KEY, reading, input));
    let (certificate, key) = (given(certificate), given(key));
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(found), None) if section.place_of(KEY).is_none() => {
            alone(section, &found, "tls_key");
            return None;
        }
        (None, Some(found)) if section.place_of(CERTIFICATE).is_none() => {
            alone(section, &found, "tls_certificate");
            return None;
        }
        _ => return None,
    };
    let identity = ServerIdentity {
        certificate: certificate.value,
        key: key.value,
    };
    let found = (certificate.place, certificate.key);
    if let Err(error) = identity.certified() {
        let is_key = matches!(&error, Error::Settings { setting: KEY, .. });
        let (place, name) = if is_key { (key.place, key.key) } else { found };
        reading.error(place, &name, certificate::wrong(error));
        return None;
    }
    let doubtful = identity.time_notices(Timestamp::now().as_second());
    for notice in doubtful {
        let fix = format!(
            "{}; the new one is taken up without a restart when it has the same path",
            notice.cure
        );
        reading.warning(found.0.clone(), &found.1, Wrong::new(notice.says, fix));
    }
    Some(identity)
}

fn given(found: Option<Found<Option<Secret>>>) -> Option<Found<Secret>> {
    let Found { value, place, key } = found?;
    value.map(|value| Found { value, place, key })
}

fn alone(section: &Section<'_>, found: &Found<Secret>, other: &str) {
    let wrong = Wrong::new(
        format!("it has no use without {other}"),
        format!("add a line {other}, or remove this one for plain HTTP"),
    );
    let reading = section.reading;
    reading.error(found.place.clone(), &found.key, wrong);
}
