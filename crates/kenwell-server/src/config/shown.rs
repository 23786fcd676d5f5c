//! What each key of a destination says in the end: after `url`, the environment and the defaults.

use std::time::Duration;

use kenwell::connection::DEFAULT_TIMEOUT;
use serde_json::Value as Json;

use super::settings::Destination;

impl Destination {
    /// The value of the key with this name as it may be shown to people: of a secret only whether there is one, of
    /// a name that is given by reference the reference, and `null` for a text or time that nobody has set. `None`
    /// for what is no key.
    pub(crate) fn shown(&self, key: &str) -> Option<Json> {
        let it = &self.connection;
        Some(match key {
            "id" => self.id.clone().into(),
            "name" => self.name.clone().into(),
            "enabled" => self.enabled.into(),
            "paused" => self.paused.into(),
            "heal" => self.heal.into(),
            "type" => "redis".into(),
            // What it says is in the other keys.
            "url" => Json::Null,
            "address" => it.address.clone().into(),
            "username" => {
                let reference = self.username_reference.clone();
                reference.or_else(|| it.username.clone()).into()
            }
            "password" => it.password.is_some().into(),
            "database" => it.database.into(),
            "prefix" => self.prefix.clone().into(),
            "cluster_mode" => it.cluster_mode.into(),
            "sentinel_master" => it.sentinel_master.clone().into(),
            "sentinel_username" => it.sentinel_username.clone().into(),
            "sentinel_password" => it.sentinel_password.is_some().into(),
            "address_map" => it.address_map.clone().into_iter().collect(),
            "secure" => it.secure.into(),
            "skip_verify" => it.skip_verify.into(),
            "ca_certificate" => it.ca_certificate.clone().into(),
            "client_certificate" => it.client_certificate.clone().into(),
            "client_key" => it.client_key.is_some().into(),
            "server_name" => it.server_name.clone().into(),
            "connect_timeout" => timeout(it.connect_timeout).into(),
            "response_timeout" => timeout(it.command_timeout).into(),
            _ => return None,
        })
    }
}

/// As the file has it; `None` for the default.
fn timeout(limit: Duration) -> Option<String> {
    let milliseconds = limit.as_millis();
    let text = if milliseconds.is_multiple_of(1_000) {
        format!("{}s", limit.as_secs())
    } else {
        format!("{milliseconds}ms")
    };
    (limit != DEFAULT_TIMEOUT).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, DESTINATION, Environment};

    #[test]
    fn every_key_of_the_table_is_shown() {
        let text = "[[destinations]]\nid = \"d\"\naddress = \"h:1\"\n";
        let loaded = Config::parse(Path::new("kenwell.toml"), text, &Environment::default());
        let config = loaded.unwrap().config;
        let destination = config.destination("d").unwrap();
        for key in DESTINATION {
            assert!(destination.shown(key.name).is_some(), "{}", key.name);
        }
    }
}
