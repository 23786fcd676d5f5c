//! One Redis, a cluster, or what Sentinels watch: the keys of a destination that must fit together.

use std::collections::BTreeMap;

use kenwell::connection::{Settings, Url};

use super::destination::not_empty;
use super::secret::{self, Resolved};
use super::section::{Found, Section};
use super::url::agreed;
use super::value::{self, Input, Wrong};

/// The keys as read.
pub(super) struct Topology {
    cluster_mode: Option<Found<bool>>,
    sentinel_master: Option<Found<String>>,
    sentinel_username: Option<Found<String>>,
    sentinel_password: Option<Found<Resolved>>,
    address_map: Option<Found<BTreeMap<String, String>>>,
}

/// One address as text, or several separated by commas or in a list; each read by `one`.
pub(super) fn addresses(
    input: &Input<'_>,
    one: impl Fn(&str) -> Result<String, Wrong>,
) -> Result<Vec<String>, Wrong> {
    let all = match input.as_text() {
        // A socket's path may hold commas.
        Some(text) if text.trim().starts_with("unix:") => vec![text.to_owned()],
        Some(text) => text.split(',').map(str::to_owned).collect(),
        None if matches!(input, Input::Toml(value) if value.as_array().is_some()) => {
            value::text_list(input).map_err(|_| {
                Wrong::new(
                    "the list of addresses holds something that is not text",
                    "write it like [\"10.0.0.1:6379\", \"10.0.0.2:6379\"]",
                )
            })?
        }
        None => return Err(input.not_a("an address as text", "\"127.0.0.1:6379\"")),
    };
    if all.is_empty() {
        return Err(Wrong::new(
            "the list of addresses is empty",
            "give at least one host:port",
        ));
    }
    all.iter().map(|address| one(address)).collect()
}

impl Topology {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let reading = section.reading;
        Self {
            cluster_mode: section.read("cluster_mode", value::flag),
            sentinel_master: section.read("sentinel_master", value::filled_text),
            sentinel_username: section.read("sentinel_username", value::filled_text),
            sentinel_password: section
                .read("sentinel_password", |input| secret::secret(reading, input)),
            address_map: section.read("address_map", |input| {
                value::text_map(input, "{ \"10.0.0.5:6379\" = \"127.0.0.1:7001\" }")
            }),
        }
    }

    /// Takes the master's name from `url`, unless the key says it; both must say the same.
    pub(super) fn take_master(&mut self, section: &Section<'_>, url: Option<&Found<Url>>) {
        let Some(url) = url else { return };
        let own = self.sentinel_master.take();
        let (place, key) = own.as_ref().map_or_else(
            || (url.place.clone(), url.key.clone()),
            |own| (own.place.clone(), own.key.clone()),
        );
        let of_url = |url: &Url| url.sentinel_master.clone();
        let value = agreed(section, Some(url), "masters", of_url, own);
        self.sentinel_master = value.map(|value| Found { value, place, key });
    }

    /// Complains about keys that do not fit together.
    pub(super) fn check(
        &self,
        section: &Section<'_>,
        addresses: Option<&Found<Vec<String>>>,
        database: Option<&Found<i64>>,
    ) {
        let cluster = self.is_cluster();
        if let Some(found) = database.filter(|found| cluster && found.value != 0) {
            let what = format!("a Redis Cluster has only database 0, not {}", found.value);
            let fix = "remove database, or set cluster_mode = false";
            complain(section, found, what, fix);
        }
        if let Some(found) = self.sentinel_master.as_ref().filter(|_| cluster) {
            let what = "a Redis Cluster has no Sentinels: its nodes watch each other";
            let fix = "remove sentinel_master, or set cluster_mode = false";
            complain(section, found, what, fix);
        }
        if self.sentinel_master.is_none() {
            let what = "it has no effect without sentinel_master";
            let fix = "add a line like sentinel_master = \"mymaster\", or remove this line";
            if let Some(found) = &self.sentinel_username {
                complain(section, found, what, fix);
            }
            if let Some(found) = &self.sentinel_password {
                complain(section, found, what, fix);
            }
        }
        let map = self.address_map.as_ref();
        if let Some(found) = map.filter(|map| self.is_standalone() && !map.value.is_empty()) {
            let what = "it has no effect without cluster_mode or sentinel_master: only a cluster and Sentinels name addresses";
            let fix = "remove it, or set cluster_mode = true or sentinel_master";
            complain(section, found, what, fix);
        }
        if let Some(found) = addresses {
            self.check_addresses(section, found);
        }
        self.check_sentinel_user(section);
    }

    fn check_addresses(&self, section: &Section<'_>, addresses: &Found<Vec<String>>) {
        let several = addresses.value.len() > 1;
        let standalone = self.is_standalone();
        let socket = |address: &String| address.starts_with("unix:");
        if several && standalone {
            let what = "there are several addresses, but a standalone Redis has one";
            let fix = "set cluster_mode = true for a Redis Cluster, name the sentinel_master if these are Sentinels, or give one address";
            complain(section, addresses, what, fix);
        } else if addresses.value.iter().any(socket) && !standalone {
            let what = "the nodes of a Redis Cluster and Sentinels are reached over the network, not over a Unix socket";
            complain(section, addresses, what, "give host:port");
        }
    }

    fn check_sentinel_user(&self, section: &Section<'_>) {
        let password = self.sentinel_password.as_ref();
        if password.is_some_and(|found| found.value.is_literal() && !found.value.text().is_empty())
        {
            section.reading.holds_password.set(true);
        }
        if let (Some(found), None) = (&self.sentinel_username, password) {
            let wrong = Wrong::new(
                "there is a sentinel_username but no sentinel_password, so the user name is not sent",
                "add a sentinel_password line, or remove sentinel_username",
            );
            let reading = section.reading;
            reading.warning(found.place.clone(), &found.key, wrong);
        }
    }

    pub(super) fn apply(self, settings: &mut Settings) {
        settings.cluster_mode = self.is_cluster();
        settings.sentinel_master = self.sentinel_master.map(|found| found.value);
        settings.sentinel_username = self.sentinel_username.map(|found| found.value);
        settings.address_map = self
            .address_map
            .map_or_else(BTreeMap::new, |found| found.value);
        let password = self.sentinel_password;
        settings.sentinel_password = password.and_then(|found| not_empty(found.value));
    }

    fn is_standalone(&self) -> bool {
        !self.is_cluster() && self.sentinel_master.is_none()
    }

    fn is_cluster(&self) -> bool {
        self.cluster_mode.as_ref().is_some_and(|found| found.value)
    }
}

fn complain<T>(section: &Section<'_>, found: &Found<T>, what: impl Into<String>, fix: &str) {
    let wrong = Wrong::new(what, fix);
    let reading = section.reading;
    reading.error(found.place.clone(), &found.key, wrong);
}
