//! Reading the file's sections.

use std::net::SocketAddr;

use kenwell::connection::Secret;

use super::problem::Place;
use super::secret::{self, Resolved};
use super::section::{Found, Reading, Section};
use super::settings::{Config, DeadLetters, Delivery, Durability, Gateway, Journal, Private};
use super::value::{self, Input, Wrong};
use super::{check, destination, identity, source};
use crate::private::MIN_KEY_CHARS;

/// Smallest journal. A request whose events take more than half of the journal is refused.
const MIN_JOURNAL_BYTES: u64 = 1 << 20;
/// Smallest room for dead letters: a whole batch of refused events must fit, written as JSON text.
const MIN_DEAD_LETTER_BYTES: u64 = 64 << 20;

/// Reads every section. Where a value is wrong its default stands in, so that reading goes on to find
/// more; the caller discards the result when there was any error.
pub(super) fn read(mut top: Section<'_>) -> Config {
    let reading = top.reading;
    let data_dir = top.read_or("data_dir", "data".into(), value::filled_text);
    let workspace_id = top.read_or("workspace_id", "default".into(), value::filled_text);
    let accept_retired = top.read_or("accept_retired", false, value::flag);
    let (gateway, gateway_listen) = gateway(top.child("gateway"));
    let private = private(top.child("private"), &gateway_listen);
    let journal = journal(top.child("journal"));
    let delivery = delivery(top.child("delivery"));
    let dead_letters = dead_letters(top.child("dead_letters"));
    let source_sections = top.list("sources");
    let destination_sections = top.list("destinations");
    top.finish();

    let all_destinations: Vec<String> = destination_sections
        .iter()
        .filter_map(|section| {
            section
                .path()
                .strip_prefix("destinations.")
                .map(str::to_owned)
        })
        .collect();
    let source_count = source_sections.len();
    let sources: Vec<_> = source_sections
        .into_iter()
        .filter_map(source::read)
        .collect();
    let destinations: Vec<_> = destination_sections
        .into_iter()
        .filter_map(destination::read)
        .collect();
    let mistaken = reading
        .errors
        .borrow()
        .iter()
        .any(|error| error.key == "sources");
    if source_count == 0 && !mistaken {
        let wrong = Wrong::new(
            "there is no source: every request will be refused",
            "add [[sources]] with id, write_key and destinations",
        );
        reading.warning(
            Place::File(reading.document.path.to_path_buf()),
            "sources",
            wrong,
        );
    }
    check::duplicates(reading, &sources, &destinations);
    check::routes(reading, &sources, &all_destinations);
    if sources.len() == source_count {
        check::unused(reading, &sources, &destinations);
    }
    check::unknown_variables(reading);
    check::permissions(reading);
    check::connections(reading, &destinations);

    Config {
        data_dir: reading.resolve(&data_dir),
        workspace_id,
        accept_retired,
        gateway,
        private,
        journal,
        delivery,
        dead_letters,
        sources: sources.into_iter().map(|read| read.source).collect(),
        destinations: destinations
            .into_iter()
            .map(|read| read.destination)
            .collect(),
    }
}

/// The settings, and where the address stands for when it clashes with the other one.
fn gateway(mut section: Section<'_>) -> (Gateway, Found<SocketAddr>) {
    let default = Gateway::default();
    let listen = section
        .read("listen", value::listen)
        .unwrap_or_else(|| Found {
            value: default.listen,
            place: section.place().clone(),
            key: section.key("listen"),
        });
    let gateway = Gateway {
        listen: listen.value,
        max_connections: section.read_or("max_connections", default.max_connections, |input| {
            value::number(input, &(1..=1_000_000))
        }),
        body_timeout: section.read_or("body_timeout", default.body_timeout, positive_duration),
        rate_limit: section.read_or("rate_limit", default.rate_limit, |input| {
            value::number(input, &(0..=u32::MAX))
        }),
        public_url: section
            .read("public_url", public_url)
            .map(|found| found.value),
        tls: identity::read(&mut section),
    };
    section.finish();
    (gateway, listen)
}

fn private(mut section: Section<'_>, gateway: &Found<SocketAddr>) -> Private {
    let reading = section.reading;
    let default = Private::default().listen;
    let (listen, place, key) = match section.read("listen", value::listen) {
        Some(found) => (found.value, found.place, found.key),
        None => (default, gateway.place.clone(), gateway.key.clone()),
    };
    let (port, ip) = (gateway.value.port(), gateway.value.ip());
    if port != 0 && port == listen.port() && (ip == listen.ip() || ip.is_unspecified()) {
        let wrong = Wrong::new(
            format!("gateway.listen and private.listen are both on port {port}"),
            "give the two listeners different ports",
        );
        reading.error(place, &key, wrong);
    }
    let admin_key = section.read("admin_key", |input| {
        admin_key(secret::secret(reading, input)?, reading)
    });
    let hosts = section.read_or("hosts", Vec::new(), hosts);
    let tls = identity::read(&mut section);
    section.finish();
    Private {
        listen,
        admin_key: admin_key.map(|found| found.value),
        hosts,
        tls,
    }
}

/// A key that nobody guesses. There is no way to do without one.
fn admin_key(given: Resolved, reading: &Reading<'_>) -> Result<Secret, Wrong> {
    let fix = "remove the line, and Kenwell makes a key at the next start and prints it once";
    if given.text().is_empty() {
        return Err(Wrong::new(
            "the admin key is empty, and nobody may be let in without one",
            fix,
        ));
    }
    if given.text().chars().count() < MIN_KEY_CHARS {
        return Err(Wrong::new(
            format!(
                "the admin key has fewer than {MIN_KEY_CHARS} characters, so it can be guessed"
            ),
            fix,
        ));
    }
    if !given.text().chars().all(|c| c.is_ascii_graphic()) {
        return Err(Wrong::new(
            "the admin key has characters that cannot stand in an HTTP header",
            "use ASCII letters, digits and punctuation, without white space",
        ));
    }
    if given.is_literal() {
        reading.holds_password.set(true);
    }
    Ok(given.secret)
}

/// Host names, without port.
fn hosts(input: &Input<'_>) -> Result<Vec<String>, Wrong> {
    let names = value::text_list(input)?;
    let unfit = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    match names
        .iter()
        .find(|name| name.is_empty() || name.contains(unfit))
    {
        None => Ok(names),
        Some(name) => Err(Wrong::new(
            format!("\"{name}\" is not a host name"),
            "give names like \"kenwell.internal\", without scheme, port and wildcards",
        )),
    }
}

/// The data-plane URL, without a slash at its end.
fn public_url(input: &Input<'_>) -> Result<String, Wrong> {
    let example = "\"https://events.example.com\"";
    let text = input
        .as_text()
        .ok_or_else(|| input.not_a("a URL", example))?;
    let wrong = |what: &str| {
        let fix = format!("write the data-plane URL that SDKs are given, like {example}");
        Wrong::new(what, fix)
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

fn journal(mut section: Section<'_>) -> Journal {
    let default = Journal::default();
    let max_bytes = section.read_or("max_bytes", default.max_bytes, |input| {
        at_least(value::size(input)?, MIN_JOURNAL_BYTES)
    });
    let retain = section.read_or("retain", default.retain, value::duration);
    let retain_bytes = section.read("retain_bytes", value::size);
    let choices = [("fsync", Durability::Fsync), ("os", Durability::Os)];
    let durability = section.read_or("durability", default.durability, |input| {
        value::choice(input, &choices)
    });
    if let Some(found) = retain_bytes
        .as_ref()
        .filter(|found| found.value > max_bytes)
    {
        let wrong = Wrong::new(
            format!(
                "{} is more than journal.max_bytes, {max_bytes}",
                found.value
            ),
            "lower retain_bytes or raise max_bytes",
        );
        section
            .reading
            .error(found.place.clone(), &found.key, wrong);
    }
    section.finish();
    Journal {
        max_bytes,
        retain,
        // Retained bytes count as journal bytes: by default at most half of a small journal.
        retain_bytes: retain_bytes
            .map_or(default.retain_bytes.min(max_bytes / 2), |found| found.value),
        durability,
    }
}

fn delivery(mut section: Section<'_>) -> Delivery {
    let default = Delivery::default();
    let delivery = Delivery {
        batch_records: section.read_or("batch_records", default.batch_records, |input| {
            value::number(input, &(1..=100_000))
        }),
        lanes: section.read_or("lanes", default.lanes, |input| {
            value::number(input, &(1..=64))
        }),
    };
    section.finish();
    delivery
}

fn dead_letters(mut section: Section<'_>) -> DeadLetters {
    let default = DeadLetters::default();
    let max_bytes = section.read_or("max_bytes", default.max_bytes, |input| {
        at_least(value::size(input)?, MIN_DEAD_LETTER_BYTES)
    });
    section.finish();
    DeadLetters { max_bytes }
}

fn positive_duration(input: &Input<'_>) -> Result<std::time::Duration, Wrong> {
    let duration = value::duration(input)?;
    if duration.is_zero() {
        return Err(Wrong::new(
            "it must be longer than zero",
            "write it like \"30s\"",
        ));
    }
    Ok(duration)
}

fn at_least(bytes: u64, least: u64) -> Result<u64, Wrong> {
    if bytes < least {
        let wrong = format!("{bytes} bytes is too small");
        return Err(Wrong::new(
            wrong,
            format!("use at least \"{} MiB\"", least >> 20),
        ));
    }
    Ok(bytes)
}
