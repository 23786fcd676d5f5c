//! A destination's `address`: one or several, or a connection string.

use super::file_reader::FileReader;
use super::input::{Input, ValueError};
use super::values::Value;
use super::{texts, url};

/// One address as text, or several separated by commas or in a list; or a connection string, which takes the
/// place of a `url`.
pub(super) fn value(file: &FileReader<'_>, input: &Input<'_>) -> Result<Value, ValueError> {
    if let Some(url) = url::connection_string(file, input)? {
        return Ok(url);
    }
    let all = match input.as_text() {
        Some(text) => split(text),
        None if matches!(input, Input::Toml(value) if value.as_array().is_some()) => {
            texts::list(input).map_err(|_| {
                ValueError::new(
                    "the list of addresses holds something that is not text",
                    "write it like [\"10.0.0.1:6379\", \"10.0.0.2:6379\"]",
                )
            })?
        }
        None => return Err(input.not_a("an address as text", "\"127.0.0.1:6379\"")),
    };
    if all.is_empty() {
        return Err(ValueError::new(
            "the list of addresses is empty",
            "give at least one host:port",
        ));
    }
    let all = all.iter().map(|one| address(one));
    Ok(Value::List(all.collect::<Result<_, _>>()?))
}

/// The addresses of a text. A socket's path may hold commas.
pub(super) fn split(text: &str) -> Vec<String> {
    if text.trim().starts_with("unix:") {
        return vec![text.to_owned()];
    }
    text.split(',').map(str::to_owned).collect()
}

/// `host:port` or `unix:/path`. The text is never repeated: people paste passwords with it.
fn address(text: &str) -> Result<String, ValueError> {
    const FIX: &str = "write host:port, such as \"127.0.0.1:6379\" or \"[::1]:6379\"";
    let text = text.trim().to_owned();
    if text
        .strip_prefix("unix:")
        .is_some_and(|path| path.starts_with('/'))
    {
        return Ok(text);
    }
    if text.starts_with("redis-cli") || text.starts_with("valkey-cli") {
        return Err(ValueError::new(
            "it is a command line",
            "write only host:port, and user and password as keys of their own; or what stands behind -u as the key url",
        ));
    }
    if text.contains('@') && !text.contains("://") {
        return Err(ValueError::new(
            "it has an @, as before a host that a password belongs to",
            "write host:port, and user and password as keys of their own",
        ));
    }
    if text.contains("://") {
        return Err(ValueError::new(
            "the address is a URL",
            "write host:port, or move it to the key url",
        ));
    }
    if text.starts_with("unix:") {
        return Err(ValueError::new(
            "the path of a Unix socket must be absolute",
            "write it like \"unix:/run/redis/redis.sock\"",
        ));
    }
    let wrong = |what: &str| Err(ValueError::new(what, FIX));
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
            return Err(ValueError::new(
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
