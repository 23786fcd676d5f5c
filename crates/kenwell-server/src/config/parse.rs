//! From what was given for a key to a value of its kind, or to what is wrong with it.

use std::net::SocketAddr;

use super::file_reader::FileReader;
use super::input::{Input, ValueError};
use super::keys::{Key, Kind};
use super::values::Value;
use super::{address, amount, certificate, secret, texts, url};

/// Longest id of a source or destination, in characters; it becomes part of file names.
pub(crate) const MAX_ID: usize = 64;

/// The value of a key.
pub(super) fn value(
    file: &FileReader<'_>,
    key: &Key,
    input: &Input<'_>,
) -> Result<Value, ValueError> {
    let secret = |found| Value::Secret(Box::new(found));
    Ok(match key.kind {
        Kind::Id => Value::Text(id(input)?),
        Kind::Text => Value::Text(text(input)?),
        Kind::Name => secret(secret::secret(file, input)?),
        Kind::Secret => {
            let found = secret::secret(file, input)?;
            if found.is_literal() {
                file.holds_password.set(true);
            }
            secret(found)
        }
        Kind::Certificate => secret(certificate::certificates(key.name, file, input)?),
        Kind::PrivateKey => secret(certificate::private_key(key.name, file, input)?),
        Kind::RedisUrl => url::value(file, input)?,
        Kind::Addresses => address::value(file, input)?,
        Kind::HttpUrl => Value::Text(http_url(input)?),
        Kind::Flag => Value::Flag(flag(input)?),
        Kind::Number(least, most) => Value::Number(number(input, least, most)?),
        Kind::Size(least) => Value::Number(amount::size(input, least)?),
        Kind::Duration(least, most) => Value::Duration(amount::duration(input, least, most)?),
        Kind::Choice(words) => Value::Text(choice(input, words)?),
        Kind::Listen => Value::Listen(listen(input)?),
        Kind::List => Value::List(texts::list(input)?),
        Kind::Map => Value::Map(texts::map(input, key.example)?),
        Kind::Path => Value::Path(file.resolve(&filled(text(input)?)?)),
    })
}

fn text(input: &Input<'_>) -> Result<String, ValueError> {
    match input.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Err(input.not_a("text", "\"text\"")),
    }
}

/// Refuses a text with nothing in it.
pub(super) fn filled(text: String) -> Result<String, ValueError> {
    if text.trim().is_empty() {
        let fix = "give it a value, or remove the line";
        return Err(ValueError::new("it is empty", fix));
    }
    Ok(text)
}

fn id(input: &Input<'_>) -> Result<String, ValueError> {
    let text = text(input)?;
    if !is_id(&text) {
        return Err(ValueError::new(
            format!("\"{text}\" is not a valid id"),
            format!("use 1 to {MAX_ID} of the characters a-z, 0-9 and -"),
        ));
    }
    Ok(text)
}

/// Whether a text can be the id of a source or destination.
pub(crate) fn is_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(allowed)
}

fn flag(input: &Input<'_>) -> Result<bool, ValueError> {
    let flag = match input {
        Input::Toml(value) => value.as_bool(),
        Input::Variable(text) => text.trim().parse().ok(),
    };
    flag.ok_or_else(|| input.not_a("true or false", "true, without quotes"))
}

fn number(input: &Input<'_>, least: i64, most: i64) -> Result<u64, ValueError> {
    let Some(found) = input.as_integer() else {
        return Err(input.not_a("a whole number", &format!("{least}, without quotes")));
    };
    let in_range = (i128::from(least)..=i128::from(most)).contains(&found);
    let number = u64::try_from(found).ok().filter(|_| in_range);
    number.ok_or_else(|| {
        ValueError::new(
            format!("{found} is out of range"),
            format!("use a number from {least} to {most}"),
        )
    })
}

fn choice(input: &Input<'_>, words: &[&str]) -> Result<String, ValueError> {
    let listed: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let listed = listed.join(" or ");
    match input.as_text() {
        Some(text) if words.contains(&text) => Ok(text.to_owned()),
        Some(text) => Err(ValueError::new(
            format!("unknown value \"{text}\""),
            format!("use {listed}"),
        )),
        None => Err(input.not_a(&listed, &listed)),
    }
}

/// An IP address with a port, to listen on.
fn listen(input: &Input<'_>) -> Result<SocketAddr, ValueError> {
    let wrong = || input.not_a("an address as text", "\"127.0.0.1:8080\"");
    let text = input.as_text().ok_or_else(wrong)?;
    text.parse().map_err(|_| {
        let fix = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("use an IP address, such as \"127.0.0.1:{port}\""),
            Some(("" | "*", port)) => format!("to listen on every address, use \"0.0.0.0:{port}\""),
            _ => {
                "use an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"".into()
            }
        };
        ValueError::new(format!("\"{text}\" is not an address to listen on"), fix)
    })
}

/// A URL without a slash at its end, and with nothing behind its path.
fn http_url(input: &Input<'_>) -> Result<String, ValueError> {
    let example = "\"https://events.example.com\"";
    let text = input.as_text();
    let text = text.ok_or_else(|| input.not_a("a URL", example))?;
    let wrong = |what: &str| {
        let fix = format!("write the data-plane URL that SDKs are given, like {example}");
        ValueError::new(what, fix)
    };
    let url: http::Uri = text.trim().parse().map_err(|_| wrong("it is not a URL"))?;
    let (Some(scheme @ ("http" | "https")), Some(host)) = (url.scheme_str(), url.authority())
    else {
        return Err(wrong(
            "it is not a URL that begins with http:// or https://",
        ));
    };
    let path = url.path().trim_end_matches('/');
    if host.as_str().contains('@') || url.query().is_some() || path.ends_with("/v1") {
        return Err(wrong(
            "there is more in it than a host and the path in front of /v1",
        ));
    }
    Ok(format!("{scheme}://{host}{path}"))
}
