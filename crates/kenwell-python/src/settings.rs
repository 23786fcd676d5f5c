//! How to reach Redis, from the JSON that `kenwell/_options.py` makes.

use std::collections::BTreeMap;
use std::time::Duration;

use kenwell::Error;
use kenwell::connection::{Secret, Settings};
use serde::Deserialize;

/// All that Python says about a server. What is not said is as the URL has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionOptions {
    url: String,
    tls: Option<Tls>,
    cluster: Option<Nodes>,
    sentinel: Option<Sentinel>,
    #[serde(default)]
    address_map: BTreeMap<String, String>,
    connect_timeout_ms: Option<u64>,
    command_timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    server_name: Option<String>,
    skip_verify: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nodes {
    nodes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentinel {
    master: String,
    nodes: Option<Vec<String>>,
    username: Option<String>,
    password: Option<String>,
}

impl ConnectionOptions {
    /// What they say about a server is checked when a connection is made of them.
    pub(crate) fn settings(self) -> Result<Settings, Error> {
        let mut settings = Settings::from_url(&self.url)?;
        if let Some(tls) = self.tls {
            tls.put_into(&mut settings);
        }
        if let Some(cluster) = self.cluster {
            settings.cluster_mode = true;
            put_nodes(cluster.nodes, &mut settings);
        }
        if let Some(sentinel) = self.sentinel {
            settings.sentinel_master = Some(sentinel.master);
            settings.sentinel_username = sentinel.username;
            settings.sentinel_password = sentinel.password.map(Secret::new);
            put_nodes(sentinel.nodes, &mut settings);
        }
        settings.address_map = self.address_map;
        if let Some(limit) = self.connect_timeout_ms {
            settings.connect_timeout = Duration::from_millis(limit);
        }
        if let Some(limit) = self.command_timeout_ms {
            settings.command_timeout = Duration::from_millis(limit);
        }
        Ok(settings)
    }
}

impl Tls {
    fn put_into(self, settings: &mut Settings) {
        settings.secure = true;
        settings.ca_certificate = self.ca;
        settings.client_certificate = self.cert;
        settings.client_key = self.key.map(Secret::new);
        settings.server_name = self.server_name.or(settings.server_name.take());
        settings.skip_verify = self.skip_verify.unwrap_or(settings.skip_verify);
    }
}

fn put_nodes(nodes: Option<Vec<String>>, settings: &mut Settings) {
    if let Some(nodes) = nodes {
        settings.address = nodes.join(",");
    }
}
