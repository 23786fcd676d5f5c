//! The parts of a URL: login, hosts with ports, database number, percent-encoded text.

use crate::Error;
use crate::connection::{Address, Secret};

/// User name, password, and what comes after them.
pub(super) fn login(authority: &str) -> Result<(Option<String>, Option<Secret>, &str), Error> {
    let Some((login, host)) = authority.rsplit_once('@') else {
        return Ok((None, None, authority));
    };
    let (username, password) = match login.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (login, None),
    };
    let filled = |text: &str, what| match text {
        "" => Ok(None),
        text => decode(text, what).map(Some),
    };
    let password = filled(password.unwrap_or_default(), "password")?;
    Ok((
        filled(username, "user name")?,
        password.map(Secret::new),
        host,
    ))
}

pub(super) fn with_ports(hosts: &str, default: u16) -> Result<String, Error> {
    let hosts = hosts.split(',').map(|host| with_port(host, default));
    Ok(hosts.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn with_port(host: &str, default: u16) -> Result<String, Error> {
    let name = host.rsplit_once(']').map_or(host, |(_, after)| after);
    let host = if name.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{default}")
    };
    // Said in words of its own: the text may be a part of a password that was not encoded.
    match Address::parse(&host) {
        Ok(Address::Tcp { host: name, .. })
            if !name.contains(|c: char| c.is_whitespace() || "@/%".contains(c)) =>
        {
            Ok(host)
        }
        _ => Err(problem(
            "it has no valid host[:port]; write an IPv6 address in brackets, the port as a number from 1 to 65535, and @ : / ? # % in a password percent-encoded",
        )),
    }
}

pub(super) fn database(text: &str, otherwise: &str) -> Result<Option<i64>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(number)),
        _ => Err(problem(otherwise)),
    }
}

/// Undoes percent-encoding.
pub(super) fn decode(text: &str, what: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let pair = digit().zip(digit());
        let decoded = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(decoded.ok_or_else(|| {
            problem(&format!(
                "the {what} has a % that two hexadecimal digits do not follow; write % as %25"
            ))
        })?);
    }
    String::from_utf8(bytes)
        .map_err(|_| problem(&format!("the {what} is not UTF-8 after percent-decoding")))
}

pub(super) fn problem(problem: &str) -> Error {
    Error::wrong_setting("url", problem)
}
