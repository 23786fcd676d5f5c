//! Reading the whole file: the top, each section, sources and destinations.

use std::collections::BTreeSet;

use super::allowed::AllowedReferences;
use super::input::ValueError;
use super::keys::{DESTINATION, SOURCE, gateway, journal, private, top};
use super::keys::{dead_letters, delivery};
use super::parse::filled;
use super::secret::FoundSecret;
use super::settings::Config;
use super::table_reader::TableReader;
use super::values::Value;
use super::{check, destination, listener, prefix_overlap, source};

/// Fewest characters of a configured key. What Kenwell makes has 47.
const MIN_KEY_CHARS: usize = 20;

/// Reads every table. Reading goes on after an error, to find more; the caller discards the
/// result when there was any.
pub(super) fn read(mut top: TableReader<'_>) -> Config {
    let file = top.file;
    top.check(top::WORKSPACE_ID, |values| {
        filled(values.text(top::WORKSPACE_ID)).map(drop)
    });
    let gateway = top.section("gateway", gateway::GATEWAY);
    listener::check(&gateway);
    let mut private = top.section("private", private::PRIVATE);
    check_private(&mut private, &gateway);
    let mut journal = top.section("journal", journal::JOURNAL);
    check_retained(&mut journal);
    let delivery = top.section("delivery", delivery::DELIVERY);
    let dead_letters = top.section("dead_letters", dead_letters::DEAD_LETTERS);
    let source_tables = top.list("sources", SOURCE);
    let destination_tables = top.list("destinations", DESTINATION).unwrap_or_default();

    if source_tables.as_ref().is_some_and(Vec::is_empty) {
        let warning = ValueError::new(
            "there is no source: every request will be refused",
            "add [[sources]] with id, write_key and destinations",
        );
        file.warning(file.place(), "sources", warning);
    }
    let source_tables = source_tables.unwrap_or_default();
    let source_count = source_tables.len();
    let ids = destination_tables
        .iter()
        .filter_map(TableReader::written_id);
    let ids: BTreeSet<&str> = ids.collect();
    let sources = source_tables.into_iter().filter_map(source::read);
    let sources: Vec<_> = sources.collect();
    let destinations = destination_tables.into_iter();
    let destinations: Vec<_> = destinations.filter_map(destination::read).collect();
    let workspace_id = top.values.text(top::WORKSPACE_ID);
    check::duplicates(&sources, &destinations);
    check::routes(&sources, &ids);
    if sources.len() == source_count {
        check::unused(&sources, &destinations);
    }
    check::unknown_variables(file);
    check::permissions(file);
    prefix_overlap::check(&destinations, &workspace_id);
    check::connections(file, &destinations);

    Config::of(
        [
            top.values,
            gateway.values,
            private.values,
            journal.values,
            delivery.values,
            dead_letters.values,
        ],
        sources.into_iter().map(|read| read.source).collect(),
        destinations
            .into_iter()
            .map(|read| read.destination)
            .collect(),
    )
}

fn check_private(table: &mut TableReader<'_>, gateway: &TableReader<'_>) {
    let listen = table.values.listen(private::LISTEN);
    let other = gateway.values.listen(gateway::LISTEN);
    let port = listen.port();
    let same_ip = other.ip() == listen.ip() || other.ip().is_unspecified();
    if port != 0 && port == other.port() && same_ip {
        let is_given = table.is_given(private::LISTEN);
        let table = if is_given { &*table } else { gateway };
        table.error(
            private::LISTEN,
            format!("gateway.listen and private.listen are both on port {port}"),
            "give the two listeners different ports",
        );
    }
    table.check(private::ADMIN_KEY, |values| {
        let found = values.secret(private::ADMIN_KEY);
        let fix = "remove the line, and Kenwell makes a key at the next start and prints it once";
        check_key("admin key", fix, found.map_or("", FoundSecret::text))
    });
    table.check(private::METRICS_KEY, |values| {
        let text = |key| values.secret(key).map_or("", FoundSecret::text);
        let fix = "remove the line, or give a key of its own: `openssl rand -base64 32`";
        check_key("metrics key", fix, text(private::METRICS_KEY))?;
        if text(private::METRICS_KEY) == text(private::ADMIN_KEY) {
            let what = "the metrics key is the admin key, so it opens everything";
            return Err(ValueError::new(what, fix));
        }
        Ok(())
    });
    table.check(private::HOSTS, |values| {
        check_hosts(&values.list(private::HOSTS))
    });
    table.check(private::ALLOWED_REFERENCES, |values| {
        AllowedReferences::of(&values.list(private::ALLOWED_REFERENCES)).map(drop)
    });
    listener::check(table);
}

/// A key that nobody guesses.
fn check_key(name: &str, fix: &str, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new(
            format!("the {name} is empty, and nobody may be let in without one"),
            fix,
        ));
    }
    if text.chars().count() < MIN_KEY_CHARS {
        return Err(ValueError::new(
            format!("the {name} has fewer than {MIN_KEY_CHARS} characters, so it can be guessed"),
            fix,
        ));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(ValueError::new(
            format!("the {name} has characters that cannot stand in an HTTP header"),
            "use ASCII letters, digits and punctuation, without white space",
        ));
    }
    Ok(())
}

/// Host names, without port.
fn check_hosts(names: &[String]) -> Result<(), ValueError> {
    let unfit = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let mut names = names.iter();
    match names.find(|name| name.is_empty() || name.contains(unfit)) {
        None => Ok(()),
        Some(name) => Err(ValueError::new(
            format!("\"{name}\" is not a host name"),
            "give names like \"kenwell.internal\", without scheme, port and wildcards",
        )),
    }
}

/// How much of what is delivered is kept.
fn check_retained(table: &mut TableReader<'_>) {
    let bytes = |key| match table.values.get(key) {
        Some(Value::Number(bytes)) => Some(*bytes),
        _ => None,
    };
    if let (Some(most), Some(retained)) = (bytes(journal::MAX_BYTES), bytes(journal::RETAIN_BYTES))
    {
        if !table.is_given(journal::RETAIN_BYTES) {
            // Retained bytes count as journal bytes: by default at most half of a small journal.
            let retained = Value::Number(retained.min(most / 2));
            table.values.set(journal::RETAIN_BYTES, retained);
        } else if retained > most {
            table.error(
                journal::RETAIN_BYTES,
                format!("{retained} is more than journal.max_bytes, {most}"),
                "lower retain_bytes or raise max_bytes",
            );
        }
    }
}
