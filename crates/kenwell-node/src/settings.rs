//! How to reach Redis, from the JSON that `lib/settings.js` makes.

use std::collections::BTreeMap;
use std::time::Duration;

use kenwell::Error;
use kenwell::connection::{Secret, Settings};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    address: String,
    username: Option<String>,
    password: Option<String>,
    database: i64,
    cluster: bool,
    sentinel: Option<Sentinel>,
    address_map: BTreeMap<String, String>,
    tls: Option<Tls>,
    connect_timeout_ms: u64,
    command_timeout_ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sentinel {
    master: String,
    username: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tls {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    server_name: Option<String>,
    skip_verify: bool,
}

/// Reads settings. What they say about a server is checked when the connection is made of them.
pub(crate) fn read(json: &[u8]) -> Result<Settings, Error> {
    // serde_json's own message may quote a value, and a value may be a password.
    let given: Given = serde_json::from_slice(json).map_err(|_| Error::Settings {
        setting: "connection",
        problem: "not of the form that lib/settings.js gives".to_owned(),
    })?;
    let mut settings = Settings::new(given.address);
    settings.username = given.username;
    settings.password = given.password.map(Secret::new);
    settings.database = given.database;
    settings.cluster_mode = given.cluster;
    settings.address_map = given.address_map;
    settings.connect_timeout = Duration::from_millis(given.connect_timeout_ms);
    settings.command_timeout = Duration::from_millis(given.command_timeout_ms);
    if let Some(sentinel) = given.sentinel {
        settings.sentinel_master = Some(sentinel.master);
        settings.sentinel_username = sentinel.username;
        settings.sentinel_password = sentinel.password.map(Secret::new);
    }
    if let Some(tls) = given.tls {
        settings.secure = true;
        settings.skip_verify = tls.skip_verify;
        settings.ca_certificate = tls.ca;
        settings.client_certificate = tls.cert;
        settings.client_key = tls.key.map(Secret::new);
        settings.server_name = tls.server_name;
    }
    Ok(settings)
}
