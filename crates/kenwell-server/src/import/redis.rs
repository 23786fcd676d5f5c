//! The settings of a RudderStack Redis destination, in ours.
//!
//! RudderStack reads them leniently and silently: what is missing or of the wrong type becomes something
//! else. We take over what it does, and say so where that is hardly what was meant.

use serde_json::Value as Json;
use toml_edit::Value;

use super::loose::Loose;
use crate::config::Reference;

/// Where a Redis without an address is taken to be.
const DEFAULT_ADDRESS: &str = "localhost:6379";

/// What was read.
pub(super) struct Settings {
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) password: Option<String>,
    /// What differs from what it seems; the destination's name is put in front.
    pub(super) notes: Vec<String>,
    /// Whether identifies are switched off in it.
    pub(super) silent: bool,
}

/// Reads the `config` of a destination; what is not there may be in its `secretConfig`.
pub(super) fn read(config: Loose<'_>, secrets: Loose<'_>) -> Settings {
    let mut settings = Settings {
        keys: Vec::new(),
        password: None,
        notes: Vec::new(),
        silent: config.flag("enableServerSideIdentify") == Some(false),
    };
    let cluster = config.flag("clusterMode").unwrap_or(true);
    settings.address(config.text("address"), cluster);
    if cluster {
        if config.flag("clusterMode").is_none() {
            settings.note("clusterMode is missing, which means true there: it is imported as a cluster. If it is none, remove cluster_mode");
        }
        settings.key("cluster_mode", true);
    } else {
        settings.database(config.get("database"));
    }
    let password = [config, secrets].map(|from| from.text("password"));
    let password = password.into_iter().find(|text| !text.is_empty());
    settings.password(password);
    settings.prefix(config.get("prefix"));
    settings.tls(config);
    if config.flag("useJSONModule") == Some(true) {
        settings.note(
            "useJSONModule stores JSON documents; here profiles are hashes, which other keys hold",
        );
    }
    settings
}

impl Settings {
    fn key(&mut self, key: &'static str, value: impl Into<Value>) {
        self.keys.push((key, value.into()));
    }

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

    fn address(&mut self, text: &str, cluster: bool) {
        let given: Vec<&str> = if cluster {
            text.split(',').map(str::trim).collect()
        } else {
            vec![text.trim()]
        };
        let mut addresses = Vec::new();
        for address in given.into_iter().filter(|address| !address.is_empty()) {
            if Reference::of_address(address).is_some() {
                self.note("an address is a Unix socket, which does not work there; left out");
            } else if address.contains(':') {
                addresses.push(address.to_owned());
            } else {
                self.note("an address has no port; 6379 was added");
                addresses.push(format!("{address}:6379"));
            }
        }
        if addresses.is_empty() {
            self.note(format!(
                "there is no address; {DEFAULT_ADDRESS} is what it means there"
            ));
            addresses.push(DEFAULT_ADDRESS.to_owned());
        }
        self.key("address", addresses.join(","));
    }

    /// A text of digits; everything else is 0 there, whatever it says.
    fn database(&mut self, given: Option<&Json>) {
        let number = match given {
            None => return,
            Some(Json::String(text)) if text.is_empty() => return,
            Some(Json::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(0) => {}
            Some(number @ 1_i64..) => self.key("database", number),
            _ => self.note("the database is not a text of digits, which means 0 there"),
        }
    }

    fn prefix(&mut self, given: Option<&Json>) {
        match given.map(Json::as_str) {
            None => {}
            Some(Some(prefix)) if prefix.trim().is_empty() => {}
            Some(Some(prefix)) => self.key("prefix", prefix.trim()),
            Some(None) => {
                self.note("the prefix is no text, with which every event fails there; left out");
            }
        }
    }

    fn tls(&mut self, config: Loose<'_>) {
        for key in ["secure", "skipVerify"] {
            if config.get(key).is_some_and(|value| !value.is_boolean()) {
                self.note(format!(
                    "{key} is neither true nor false, which means false there"
                ));
            }
        }
        if config.flag("secure") != Some(true) {
            return;
        }
        self.key("secure", true);
        let certificate = config.text("caCertificate").trim();
        if config.flag("skipVerify") == Some(true) {
            self.key("skip_verify", true);
            self.note("skipVerify accepts any certificate, so anybody in between can read and change everything");
        } else if Reference::of_pem(certificate).is_some() {
            self.note("caCertificate is no PEM text, which makes every handshake fail there; left out, so that the system's authorities are trusted");
        } else if certificate.contains("\\n") {
            self.note("caCertificate had \\n where line breaks belong, which makes every handshake fail there; mended");
            self.key("ca_certificate", certificate.replace("\\n", "\n"));
        } else if !certificate.is_empty() {
            self.key("ca_certificate", format!("{certificate}\n"));
        }
    }
}
