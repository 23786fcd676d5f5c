//! Reading `[[destinations]]`.

use std::path::Path;

use kenwell::connection::{DEFAULT_TIMEOUT, Secret, Settings};

use super::problem::Place;
use super::secret::{self, Origin, Resolved};
use super::section::{Found, Section};
use super::settings::Destination;
use super::source::id;
use super::topology::{self, Topology};
use super::url::{Given, agreed, agreed_on_secret, agreed_on_tls};
use super::value::{self, Wrong};

/// A destination as read, with the places that later complaints need.
pub(super) struct ReadDestination {
    pub(super) id: Found<String>,
    pub(super) destination: Destination,
    /// The keys that may be found wrong later: name, place, and full path.
    pub(super) places: Vec<(&'static str, Place, String)>,
}

/// Keys that may be found wrong later: by the Redis library, or beside another destination.
const COMPARED_KEYS: [&str; 11] = [
    "address",
    "url",
    "database",
    "prefix",
    "cluster_mode",
    "address_map",
    "secure",
    "ca_certificate",
    "client_certificate",
    "client_key",
    "server_name",
];

/// Reads one destination; `None` when something it cannot do without is wrong.
pub(super) fn read(mut section: Section<'_>) -> Option<ReadDestination> {
    let id = section.read_here("id", id);
    let name = section.read("name", value::text);
    let enabled = section.read_or("enabled", true, value::flag);
    let paused = section.read_or("paused", false, value::flag);
    let heal = section.read_or("heal", true, value::flag);
    section.read_here("type", |input| value::choice(input, &[("redis", ())]));
    let prefix = section.read_or("prefix", String::new(), value::text);
    let connected = read_connection(&mut section);
    section.require("id", "add a line like id = \"profiles\"");
    if section.place_of("url").is_none() {
        section.require("address", "add a line like address = \"127.0.0.1:6379\"");
    }
    let places = COMPARED_KEYS
        .iter()
        .filter_map(|&key| Some((key, section.place_of(key)?, section.key(key))));
    let places = places.collect();
    section.finish();
    let (id, connected) = (id?, connected?);
    let destination = Destination {
        id: id.value.clone(),
        name: name
            .map(|name| name.value)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.value.clone()),
        enabled,
        paused,
        heal,
        connection: connected.settings,
        username_reference: connected.username_reference,
        password_from: connected.password_from,
        prefix,
    };
    Some(ReadDestination {
        id,
        destination,
        places,
    })
}

/// The settings of a connection, and where its secrets are written.
struct Connected {
    settings: Settings,
    username_reference: Option<String>,
    password_from: Option<Origin>,
}

fn read_connection(section: &mut Section<'_>) -> Option<Connected> {
    let reading = section.reading;
    let (url, url_reference) = super::url::read(section);
    let address = section.read("address", |input| {
        match super::url::connection_string(reading, input)? {
            Some(url) => Ok(Given::ConnectionString(url)),
            None => topology::addresses(input, address).map(Given::Hosts),
        }
    });
    let (url, address) = super::url::apart(section, url, address);
    let username = section.read("username", |input| secret::secret(reading, input));
    let password = section.read("password", |input| secret::secret(reading, input));
    let database = section.read("database", |input| value::number(input, &(0..=i64::MAX)));
    let mut topology = Topology::read(section);
    topology.take_master(section, url.as_ref());
    let secure = section.read("secure", value::flag);
    let tls = super::tls::read(section);
    let connect_timeout = section.read_or("connect_timeout", DEFAULT_TIMEOUT, value::timeout);
    let response_timeout = section.read_or("response_timeout", DEFAULT_TIMEOUT, value::timeout);
    topology.check(section, address.as_ref(), database.as_ref());
    if password
        .as_ref()
        .is_some_and(|found| found.value.is_literal() && !found.value.text().is_empty())
    {
        reading.holds_password.set(true);
    }

    let url = url.as_ref();
    let address = filled(address, |list| Some(list.join(",")));
    let username_reference = match &username {
        Some(found) => found.value.reference.clone(),
        None => url_reference.filter(|_| url.is_some_and(|url| url.value.username.is_some())),
    };
    let username = filled(username, not_empty);
    let without_password = password.is_none();
    let password_from = password.as_ref().map(|found| found.value.origin);
    let password = filled(password, not_empty);
    let password_from = password_from.filter(|_| password.is_some());
    let address = agreed(
        section,
        url,
        "servers",
        |url| Some(url.address.clone()),
        address,
    );
    let secure = agreed_on_tls(section, url, secure);
    tls.check(section, secure);
    let mut settings = Settings::new(address?);
    let username = agreed_on_secret(section, url, "users", username, |url| {
        url.username.clone().map(Secret::new)
    });
    settings.username_file = username.as_ref().and_then(Secret::path).map(Path::to_owned);
    if settings.username_file.is_none() {
        settings.username = username.map(|name| name.expose().to_owned());
    }
    settings.password = agreed_on_secret(section, url, "passwords", password, |url| {
        url.password.clone()
    });
    settings.database =
        agreed(section, url, "databases", |url| url.database, database).unwrap_or_default();
    topology.apply(&mut settings);
    settings.connect_timeout = connect_timeout;
    settings.command_timeout = response_timeout;
    settings.secure = secure;
    tls.apply(&mut settings, url.map(|url| &url.value));
    if without_password {
        check_user(section, &settings);
    }
    Some(Connected {
        settings,
        username_reference,
        password_from,
    })
}

/// A key with something in it.
fn filled<T, U>(found: Option<Found<T>>, fill: impl FnOnce(T) -> Option<U>) -> Option<Found<U>> {
    let Found { value, place, key } = found?;
    fill(value).map(|value| Found { value, place, key })
}

pub(super) fn not_empty(secret: Resolved) -> Option<Secret> {
    (!secret.text().is_empty()).then_some(secret.secret)
}

/// `host:port` or `unix:/path`. The text is never repeated: people paste passwords with it.
fn address(text: &str) -> Result<String, Wrong> {
    const FIX: &str = "write host:port, such as \"127.0.0.1:6379\" or \"[::1]:6379\"";
    let text = text.trim().to_owned();
    if text
        .strip_prefix("unix:")
        .is_some_and(|path| path.starts_with('/'))
    {
        return Ok(text);
    }
    if text.starts_with("redis-cli") || text.starts_with("valkey-cli") {
        return Err(Wrong::new(
            "it is a command line",
            "write only host:port, and user and password as keys of their own; or what stands behind -u as the key url",
        ));
    }
    if text.contains('@') && !text.contains("://") {
        return Err(Wrong::new(
            "it has an @, as before a host that a password belongs to",
            "write host:port, and user and password as keys of their own",
        ));
    }
    if text.contains("://") {
        return Err(Wrong::new(
            "the address is a URL",
            "write host:port, or move it to the key url",
        ));
    }
    if text.starts_with("unix:") {
        return Err(Wrong::new(
            "the path of a Unix socket must be absolute",
            "write it like \"unix:/run/redis/redis.sock\"",
        ));
    }
    let wrong = |what: &str| Err(Wrong::new(what, FIX));
    let Some((host, port)) = text.rsplit_once(':') else {
        return wrong("it has no port");
    };
    let bare = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
        Some(_) => return wrong("it has no valid IPv6 address in its brackets"),
        None if host.contains(':') => {
            return Err(Wrong::new(
                "it has more than one colon",
                "write an IPv6 address in brackets, as in \"[::1]:6379\", and a password as the key password",
            ));
        }
        None => host,
    };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return wrong("it has no valid port (1 to 65535)");
    }
    if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
        return wrong("it has no valid host");
    }
    Ok(text)
}

fn check_user(section: &Section<'_>, settings: &Settings) {
    let named = settings.username.is_some() || settings.username_file.is_some();
    if named && settings.password.is_none() {
        let wrong = Wrong::new(
            "there is a username but no password, so the user name is not sent",
            "add a password line, or remove username",
        );
        section
            .reading
            .warning(section.place().clone(), section.path(), wrong);
    }
}
