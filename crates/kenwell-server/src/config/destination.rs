//! Reading `[[destinations]]`: which keys must fit together, and what they make.

use kenwell::connection::{Connection, Settings};
use kenwell::profile::{DataType, Expiry, Layout, Prefix, Writer};

use super::expiry;
use super::keys::{Key, destination as key};
use super::parse::filled;
use super::rules;
use super::secret::FoundSecret;
use super::settings::Destination;
use super::table_reader::TableReader;
use super::url_keys;
use super::values::{Value, Values};

/// A destination as read, with its table, for complaints that come later.
pub(super) struct ReadDestination<'a> {
    pub(super) table: TableReader<'a>,
    pub(super) destination: Destination,
}

/// Reads one destination; `None` when something it cannot do without is wrong.
pub(super) fn read(mut table: TableReader<'_>) -> Option<ReadDestination<'_>> {
    if !table.is_given(key::URL) && !table.is_given(key::ADDRESS) {
        table.missing(key::ADDRESS);
    }
    for key in [key::SENTINEL_MASTER, key::SENTINEL_USERNAME] {
        table.check(key, |values| filled(values.text(key)).map(drop));
    }
    url_keys::expand(&mut table);
    check_topology(&table);
    check_addresses(&table);
    check_users(&table);
    check_tls(&table);
    check_paths(&table);
    expiry::check(&mut table);
    rules::check(&table);
    let destination = Destination::of(table.values.clone())?;
    Some(ReadDestination { table, destination })
}

fn check_topology(table: &TableReader<'_>) {
    let values = &table.values;
    let cluster = values.flag(key::CLUSTER_MODE);
    let sentinels = values.get(key::SENTINEL_MASTER).is_some();
    let database: u64 = values.number(key::DATABASE);
    if cluster && database != 0 {
        table.error(
            key::DATABASE,
            format!("a Redis Cluster has only database 0, not {database}"),
            "remove database, or set cluster_mode = false",
        );
    }
    if cluster && sentinels {
        table.error(
            key::SENTINEL_MASTER,
            "a Redis Cluster has no Sentinels: its nodes watch each other",
            "remove sentinel_master, or set cluster_mode = false",
        );
    }
    for key in [key::SENTINEL_USERNAME, key::SENTINEL_PASSWORD] {
        if table.is_given(key) && values.get(key).is_some() && !sentinels {
            table.error(
                key,
                "it has no effect without sentinel_master",
                "add a line like sentinel_master = \"mymaster\", or remove this line",
            );
        }
    }
    if !cluster && !sentinels && !values.map(key::ADDRESS_MAP).is_empty() {
        table.error(
            key::ADDRESS_MAP,
            "it has no effect without cluster_mode or sentinel_master: only a cluster and Sentinels name addresses",
            "remove it, or set cluster_mode = true or sentinel_master",
        );
    }
}

fn check_addresses(table: &TableReader<'_>) {
    let values = &table.values;
    let cluster = values.flag(key::CLUSTER_MODE);
    let standalone = !cluster && values.get(key::SENTINEL_MASTER).is_none();
    let addresses = values.list(key::ADDRESS);
    if standalone && addresses.len() > 1 {
        table.error(
            key::ADDRESS,
            "there are several addresses, but a standalone Redis has one",
            "set cluster_mode = true for a Redis Cluster, name the sentinel_master if these are Sentinels, or give one address",
        );
    } else if !standalone && addresses.iter().any(|one| one.starts_with("unix:")) {
        table.error(
            key::ADDRESS,
            "the nodes of a Redis Cluster and Sentinels are reached over the network, not over a Unix socket",
            "give host:port",
        );
    }
}

/// A user without a password is never sent.
fn check_users(table: &TableReader<'_>) {
    let values = &table.values;
    if values.get(key::SENTINEL_USERNAME).is_some() && !table.is_given(key::SENTINEL_PASSWORD) {
        table.warning(
            key::SENTINEL_USERNAME,
            "there is a sentinel_username but no sentinel_password, so the user name is not sent",
            "add a sentinel_password line, or remove sentinel_username",
        );
    }
    let has_password = table.is_given(key::PASSWORD) || values.secret(key::PASSWORD).is_some();
    if values.secret(key::USERNAME).is_some() && !has_password {
        table.warning_of_table(
            "there is a username but no password, so the user name is not sent",
            "add a password line, or remove username",
        );
    }
}

/// What is about certificates has no effect without TLS.
fn check_tls(table: &TableReader<'_>) {
    let values = &table.values;
    let skips = values.flag(key::SKIP_VERIFY) && table.is_given(key::SKIP_VERIFY);
    if values.flag(key::SECURE) {
        if skips && values.secret(key::CA_CERTIFICATE).is_some() {
            table.warning(
                key::CA_CERTIFICATE,
                "skip_verify = true makes the certificate unused",
                "remove skip_verify so that the server is verified against this certificate",
            );
        }
        return;
    }
    let has = |key: &Key| values.secret(key).is_some();
    for (key, has_effect) in [
        (key::SKIP_VERIFY, skips),
        (key::CA_CERTIFICATE, has(key::CA_CERTIFICATE)),
        (key::CLIENT_CERTIFICATE, has(key::CLIENT_CERTIFICATE)),
        (key::CLIENT_KEY, has(key::CLIENT_KEY)),
        (
            key::SERVER_NAME,
            table.is_given(key::SERVER_NAME) && !values.text(key::SERVER_NAME).trim().is_empty(),
        ),
    ] {
        if has_effect {
            table.error(
                key,
                "it has no effect while secure is false: the connection would be in plain text",
                "set secure = true for TLS, or remove this line",
            );
        }
    }
}

/// The Redis library takes the path of a certificate as text.
fn check_paths(table: &TableReader<'_>) {
    for key in [key::CA_CERTIFICATE, key::CLIENT_CERTIFICATE] {
        let found = table.values.secret(key);
        let path = found.and_then(|found| found.secret.path());
        if path.is_some_and(|path| path.to_str().is_none()) {
            table.error(
                key,
                "the path of this file is no Unicode text",
                "rename the file or its directory",
            );
        }
    }
}

impl Destination {
    /// `None` when something it cannot do without is missing.
    pub(super) fn of(mut values: Values) -> Option<Self> {
        let id = values.optional_text(key::ID)?;
        if values.text(key::NAME).is_empty() {
            values.set(key::NAME, Value::Text(id.clone()));
        }
        let server_name = values.text(key::SERVER_NAME);
        match server_name.trim() {
            "" => drop(values.remove(key::SERVER_NAME)),
            name => values.set(key::SERVER_NAME, Value::Text(name.to_owned())),
        }
        let username = values.secret(key::USERNAME);
        let password = values.secret(key::PASSWORD);
        Some(Self {
            id,
            name: values.text(key::NAME),
            enabled: values.flag(key::ENABLED),
            paused: values.flag(key::PAUSED),
            heal: values.flag(key::HEAL),
            connection: connection(&values)?,
            username_reference: username.and_then(|found| found.reference.clone()),
            password_from: password.and_then(|found| found.origin),
            prefix: values.text(key::PREFIX),
            values,
        })
    }

    /// How its keys are named, and by which rules they are written.
    pub(super) fn layout(&self, workspace_id: &str) -> Layout {
        Layout {
            prefix: Prefix::parse(&self.prefix),
            workspace_id: workspace_id.to_owned(),
            destination_id: self.id.clone(),
            data_type: self.data_type(),
            rules: rules::of(&self.values),
        }
    }

    /// What its profiles are in Redis.
    pub(crate) fn data_type(&self) -> DataType {
        if self.values.flag(key::JSON) {
            DataType::Json
        } else {
            DataType::Hash
        }
    }

    /// Whether events are delivered in the same way when it has these settings: only its name may be another.
    pub(crate) fn delivers_like(&self, next: &Self) -> bool {
        self.connection == next.connection && self.values.says_the_same_but(&next.values, key::NAME)
    }

    /// What writes its profiles, over a connection to its Redis that nothing else writes profiles with.
    pub(crate) fn writer(&self, connection: Connection) -> Writer {
        Writer::new(connection).expiring(self.expiry())
    }

    /// When its profiles go again.
    pub(crate) fn expiry(&self) -> Expiry {
        expiry::of(&self.values)
    }

    /// All of its settings but whether it is paused, without secrets, to tell whether one has changed.
    pub(crate) fn settings_text(&self) -> String {
        let mut values = self.values.clone();
        drop(values.remove(key::PAUSED));
        format!("{} {values:?}", self.id)
    }

    /// Its secrets, in the order of their keys, to tell whether one has changed.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.secrets()
    }

    /// The value of the key with this name as it may be shown to people: of a secret only whether there is one, of
    /// a name that is given by reference the reference, and `null` for a text that nobody has set and for a length
    /// of time that is the default. `None` for what is no key.
    pub(crate) fn shown(&self, key: &str) -> Option<serde_json::Value> {
        self.values.shown(key)
    }
}

/// How to reach the Redis that a destination's values name; `None` without an address.
fn connection(values: &Values) -> Option<Settings> {
    values.get(key::ADDRESS)?;
    let secret = |key| values.secret(key).map(|found| found.secret.clone());
    let path_or_text = |key| values.secret(key).map(FoundSecret::path_or_text);
    let mut settings = Settings::new(values.list(key::ADDRESS).join(","));
    if let Some(username) = secret(key::USERNAME) {
        match username.path() {
            Some(path) => settings.username_file = Some(path.to_owned()),
            None => settings.username = Some(username.expose().to_owned()),
        }
    }
    settings.password = secret(key::PASSWORD);
    settings.database = values.number(key::DATABASE);
    settings.cluster_mode = values.flag(key::CLUSTER_MODE);
    settings.sentinel_master = values.optional_text(key::SENTINEL_MASTER);
    settings.sentinel_username = values.optional_text(key::SENTINEL_USERNAME);
    settings.sentinel_password = secret(key::SENTINEL_PASSWORD);
    settings.address_map = values.map(key::ADDRESS_MAP);
    settings.secure = values.flag(key::SECURE);
    settings.skip_verify = values.flag(key::SKIP_VERIFY);
    settings.ca_certificate = path_or_text(key::CA_CERTIFICATE);
    settings.client_certificate = path_or_text(key::CLIENT_CERTIFICATE);
    settings.client_key = secret(key::CLIENT_KEY);
    settings.server_name = values.optional_text(key::SERVER_NAME);
    settings.connect_timeout = values.duration(key::CONNECT_TIMEOUT);
    settings.command_timeout = values.duration(key::RESPONSE_TIMEOUT);
    Some(settings)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Environment};

    fn destination(more: &str) -> Destination {
        let text = format!("[[destinations]]\nid = \"d\"\naddress = \"h:1\"\n{more}\n");
        let loaded = Config::parse(Path::new("kenwell.toml"), &text, &Environment::default());
        loaded.unwrap().config.destinations.remove(0)
    }

    #[test]
    fn a_change_of_anything_but_its_name_is_another_delivery() {
        let before = destination("");
        for same in ["", "name = \"other\"", "prefix = \"\"", "heal = true"] {
            assert!(before.delivers_like(&destination(same)), "{same}");
        }
        for other in ["prefix = \"p\"", "heal = false", "database = 1"] {
            assert!(!before.delivers_like(&destination(other)), "{other}");
        }
    }
}
