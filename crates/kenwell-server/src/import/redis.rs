//! The settings of a RudderStack Redis destination, in ours.
//!
//! RudderStack reads them leniently and silently: what is missing or of the wrong type becomes something
//! else. We take over what it does, and say so where that is hardly what was meant.

use serde_json::Value as Json;
use toml_edit::Value;

use super::loose::Loose;
use crate::config::{Key, Reference, destination_keys as key};

/// Where a Redis without an address is taken to be.
const DEFAULT_ADDRESS: &str = "localhost:6379";

/// What was read.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) password: Option<String>,
    /// What differs from what it seems; the destination's name is put in front.
    pub(super) notes: Vec<String>,
    /// Whether identifies are switched off in it.
    pub(super) silent: bool,
}

/// Reads one of RudderStack's settings, by its name there; `None` for what holds here anyway.
type Convert = fn(&mut Settings, Loose<'_>, &str) -> Option<Value>;

/// RudderStack's name of each setting, ours, and what becomes of its value.
const MAPPING: [(&str, &Key, Convert); 8] = [
    ("address", key::ADDRESS, address),
    ("clusterMode", key::CLUSTER_MODE, cluster_mode),
    ("database", key::DATABASE, database),
    ("prefix", key::PREFIX, prefix),
    ("useJSONModule", key::JSON, json),
    ("secure", key::SECURE, secure),
    ("skipVerify", key::SKIP_VERIFY, skip_verify),
    ("caCertificate", key::CA_CERTIFICATE, ca_certificate),
];

/// Reads the `config` of a destination; a password that is not there may be in its `secretConfig`.
pub(super) fn read(config: Loose<'_>, secrets: Loose<'_>) -> Settings {
    let mut settings = Settings {
        silent: config.flag("enableServerSideIdentify") == Some(false),
        ..Settings::default()
    };
    for (theirs, ours, convert) in MAPPING {
        if let Some(value) = convert(&mut settings, config, theirs) {
            settings.keys.push((ours.name, value));
        }
    }
    let passwords = [config, secrets].map(|from| from.text("password"));
    settings.password(passwords.into_iter().find(|text| !text.is_empty()));
    settings
}

impl Settings {
    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// A secret itself: there it names nothing, and here it must not have a variable or file read.
    fn password(&mut self, given: Option<&str>) {
        let Some(text) = given else { return };
        if Reference::of_secret(text).is_some() {
            self.note("the password begins with env: or file:, which would name a variable or file here; left out: put it into a variable or file, and name that");
            return;
        }
        self.password = Some(text.to_owned());
    }

    /// A flag that is false there when it is anything but true.
    fn flag(&mut self, config: Loose<'_>, theirs: &str) -> bool {
        if config.get(theirs).is_some_and(|value| !value.is_boolean()) {
            self.note(format!(
                "{theirs} is neither true nor false, which means false there"
            ));
        }
        config.flag(theirs) == Some(true)
    }
}

/// Anything but true or false breaks it there.
fn json(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    settings.flag(config, theirs).then(|| true.into())
}

/// What is missing is true there.
fn is_cluster(config: Loose<'_>) -> bool {
    config.flag("clusterMode").unwrap_or(true)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a `Convert`, others of which may have nothing"
)]
fn address(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    let text = config.text(theirs);
    let given: Vec<&str> = if is_cluster(config) {
        text.split(',').map(str::trim).collect()
    } else {
        vec![text.trim()]
    };
    let mut addresses = Vec::new();
    for address in given.into_iter().filter(|address| !address.is_empty()) {
        if Reference::of_address(address).is_some() {
            settings.note("an address is a Unix socket, which does not work there; left out");
        } else if address.contains(':') {
            addresses.push(address.to_owned());
        } else {
            settings.note("an address has no port; 6379 was added");
            addresses.push(format!("{address}:6379"));
        }
    }
    if addresses.is_empty() {
        settings.note(format!(
            "there is no address; {DEFAULT_ADDRESS} is what it means there"
        ));
        addresses.push(DEFAULT_ADDRESS.to_owned());
    }
    Some(addresses.join(",").into())
}

fn cluster_mode(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    if config.flag(theirs).is_none() {
        settings.note("clusterMode is missing, which means true there: it is imported as a cluster. If it is none, remove cluster_mode");
    }
    is_cluster(config).then(|| true.into())
}

/// A text of digits; everything else is 0 there, whatever it says. A cluster has none.
fn database(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    let given = config.get(theirs).filter(|_| !is_cluster(config))?;
    let number = match given {
        Json::String(text) if text.is_empty() => return None,
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(0) => None,
        Some(number @ 1_i64..) => Some(number.into()),
        _ => {
            settings.note("the database is not a text of digits, which means 0 there");
            None
        }
    }
}

fn prefix(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    let given = config.get(theirs)?;
    let Some(prefix) = given.as_str().map(str::trim) else {
        settings.note("the prefix is no text, with which every event fails there; left out");
        return None;
    };
    (!prefix.is_empty()).then(|| prefix.into())
}

fn secure(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    settings.flag(config, theirs).then(|| true.into())
}

fn skip_verify(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    let skips = settings.flag(config, theirs) && config.flag("secure") == Some(true);
    if skips {
        settings.note("skipVerify accepts any certificate, so anybody in between can read and change everything");
    }
    skips.then(|| true.into())
}

/// Of no use without TLS, and when any certificate is accepted.
fn ca_certificate(settings: &mut Settings, config: Loose<'_>, theirs: &str) -> Option<Value> {
    let certificate = config.text(theirs).trim();
    if config.flag("secure") != Some(true) || config.flag("skipVerify") == Some(true) {
        None
    } else if Reference::of_pem(certificate).is_some() {
        settings.note("caCertificate is no PEM text, which makes every handshake fail there; left out, so that the system's authorities are trusted");
        None
    } else if certificate.contains("\\n") {
        settings.note("caCertificate had \\n where line breaks belong, which makes every handshake fail there; mended");
        Some(certificate.replace("\\n", "\n").into())
    } else {
        (!certificate.is_empty()).then(|| format!("{certificate}\n").into())
    }
}
