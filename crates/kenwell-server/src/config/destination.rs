//! Reading `[[destinations]]`: which keys must fit together.

use super::keys::{Key, destination as key};
use super::parse::filled;
use super::settings::Destination;
use super::table_reader::TableReader;
use super::url;

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
    url::expand(&mut table);
    check_topology(&table);
    check_addresses(&table);
    check_users(&table);
    check_tls(&table);
    check_paths(&table);
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
