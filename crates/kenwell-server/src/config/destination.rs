//! Reading `[[destinations]]`.

use kenwell::connection::{Secret, Settings};

use super::secret::{self, Resolved};
use super::section::{Found, Section};
use super::settings::Destination;
use super::source::id;
use super::topology::{self, Topology};
use super::value::{self, Wrong};

/// A destination as read, with the places that later complaints need.
pub(super) struct ReadDestination {
    pub(super) id: Found<String>,
    pub(super) destination: Destination,
}

/// Reads one destination; `None` when something it cannot do without is wrong.
pub(super) fn read(mut section: Section<'_>) -> Option<ReadDestination> {
    let id = section.read_here("id", id);
    let name = section.read("name", value::text);
    let enabled = section.read_or("enabled", true, value::flag);
    section.read_here("type", |input| value::choice(input, &[("redis", ())]));
    let prefix = section.read_or("prefix", String::new(), value::text);
    let connection = read_connection(&mut section);
    section.require("id", "add a line like id = \"profiles\"");
    section.require("address", "add a line like address = \"127.0.0.1:6379\"");
    section.finish();
    let (id, connection) = (id?, connection?);
    let destination = Destination {
        id: id.value.clone(),
        name: name
            .map(|name| name.value)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.value.clone()),
        enabled,
        connection,
        prefix,
    };
    Some(ReadDestination { id, destination })
}

fn read_connection(section: &mut Section<'_>) -> Option<Settings> {
    let reading = section.reading;
    let address = section.read("address", |input| topology::addresses(input, address));
    let username = section.read_or("username", String::new(), value::text);
    let password = section.read("password", |input| secret::secret(reading, input));
    let database = section.read("database", |input| value::number(input, &(0..=i64::MAX)));
    let topology = Topology::read(section);
    let secure = section.read_or("secure", false, value::flag);
    let skip_verify = section.read("skip_verify", value::flag);
    let ca_certificate = section.read("ca_certificate", |input| {
        super::certificate::pem(reading, input)
    });
    check_tls(
        section,
        secure,
        skip_verify.as_ref(),
        ca_certificate.as_ref(),
    );
    topology.check(section, address.as_ref(), database.as_ref());
    check_user(section, &username, password.as_ref());

    let mut settings = Settings::new(address?.value.join(","));
    settings.username = Some(username).filter(|name| !name.is_empty());
    settings.password = password.and_then(|found| not_empty(found.value));
    settings.database = database.map_or(0, |found| found.value);
    topology.apply(&mut settings);
    settings.secure = secure;
    settings.skip_verify = skip_verify.is_some_and(|found| found.value);
    settings.ca_certificate = ca_certificate.and_then(|found| found.value);
    Some(settings)
}

pub(super) fn not_empty(secret: Resolved) -> Option<Secret> {
    (!secret.text.is_empty()).then(|| secret.into_secret())
}

/// `host:port` or `unix:/path`. The text is not repeated where it may hold a password, as in a URL.
fn address(text: &str) -> Result<String, Wrong> {
    const FIX: &str = "write host:port, such as \"127.0.0.1:6379\" or \"[::1]:6379\"";
    let text = text.trim().to_owned();
    if text
        .strip_prefix("unix:")
        .is_some_and(|path| path.starts_with('/'))
    {
        return Ok(text);
    }
    if text.contains("://") || text.contains('@') {
        return Err(Wrong::new(
            "the address is a URL",
            format!("{FIX}; user, password, database and TLS are keys of their own"),
        ));
    }
    if text.starts_with("unix:") {
        return Err(Wrong::new(
            "the path of a Unix socket must be absolute",
            "write it like \"unix:/run/redis/redis.sock\"",
        ));
    }
    let wrong = |what: &str| Err(Wrong::new(format!("\"{text}\" {what}"), FIX));
    let Some((host, port)) = text.rsplit_once(':') else {
        return wrong("has no port");
    };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return wrong("has no valid port (1 to 65535)");
    }
    let bare = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
        Some(_) => return wrong("has no valid IPv6 address in its brackets"),
        None if host.contains(':') => return wrong("has an IPv6 address without brackets"),
        None => host,
    };
    if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c == '/') {
        return wrong("has no valid host");
    }
    Ok(text)
}

fn check_tls(
    section: &Section<'_>,
    secure: bool,
    skip_verify: Option<&Found<bool>>,
    ca_certificate: Option<&Found<Option<String>>>,
) {
    let skips = skip_verify.filter(|found| found.value);
    let certificate = ca_certificate.filter(|found| found.value.is_some());
    if !secure {
        let without = |place: &super::problem::Place, key: &str| {
            let wrong = Wrong::new(
                "it has no effect while secure is false: the connection would be in plain text",
                "set secure = true for TLS, or remove this line",
            );
            section.reading.error(place.clone(), key, wrong);
        };
        if let Some(found) = skips {
            without(&found.place, &found.key);
        }
        if let Some(found) = certificate {
            without(&found.place, &found.key);
        }
    } else if let (Some(_), Some(found)) = (skips, certificate) {
        let wrong = Wrong::new(
            "skip_verify = true makes the certificate unused",
            "remove skip_verify so that the server is verified against this certificate",
        );
        section
            .reading
            .warning(found.place.clone(), &found.key, wrong);
    }
}

fn check_user(section: &Section<'_>, username: &str, password: Option<&Found<Resolved>>) {
    let given = password.is_some_and(|found| !found.value.text.is_empty());
    if password.is_some_and(|found| found.value.literal && given) {
        section.reading.holds_password.set(true);
    }
    if !username.is_empty() && !given && password.is_none() {
        let wrong = Wrong::new(
            "there is a username but no password, so the user name is not sent",
            "add a password line, or remove username",
        );
        section
            .reading
            .warning(section.place().clone(), section.path(), wrong);
    }
}
