//! What only shows when the parts of a configuration are held against each other.

use std::collections::{BTreeSet, HashMap, HashSet};

use kenwell::Error;

use super::destination::ReadDestination;
use super::file_reader::FileReader;
use super::input::ValueError;
use super::keys::{destination, source};
use super::problem::Place;
use super::service_links::is_service_link;
use super::source::ReadSource;
use super::suggestion::nearest;
use super::table_reader::TableReader;

/// Variables that belong to the command line and to the project's scripts, not to the file.
const OTHERS: [&str; 9] = [
    "KENWELL_ADMIN_KEY",
    "KENWELL_BIN",
    "KENWELL_CONFIG",
    "KENWELL_JOVO_REDIS",
    "KENWELL_LOG",
    "KENWELL_LOG_FORMAT",
    "KENWELL_PRIVATE_URL",
    "KENWELL_URL",
    "KENWELL_WRITE_KEY",
];

/// Ids of destinations that are looked for among similar ones; each takes a look at all of them.
const MAX_SUGGESTIONS: usize = 64;

/// Ids and write keys must be unique.
pub(super) fn duplicates(sources: &[ReadSource<'_>], destinations: &[ReadDestination<'_>]) {
    unique_ids(sources.iter().map(|read| (&read.table, &read.source.id)));
    let destinations = destinations.iter();
    unique_ids(destinations.map(|read| (&read.table, &read.destination.id)));
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for ReadSource { table, source } in sources {
        if let Some(other) = seen.insert(source.write_key.expose(), &source.id) {
            table.error(
                source::WRITE_KEY,
                format!("source \"{other}\" has the same write key"),
                "give each source a write key of its own: it decides which source an event is from",
            );
        }
    }
}

fn unique_ids<'a>(all: impl Iterator<Item = (&'a TableReader<'a>, &'a String)>) {
    let mut seen: HashMap<&str, &TableReader<'_>> = HashMap::new();
    for (table, id) in all {
        if let Some(first) = seen.get(id.as_str()) {
            let first = first.place_of(source::ID);
            table.error(
                source::ID,
                format!("the id \"{id}\" is already used at {first}"),
                "give each one an id of its own",
            );
        } else {
            seen.insert(id, table);
        }
    }
}

/// Sources must name destinations that exist. `all` includes those that could not be read, so that
/// they are not called missing.
pub(super) fn routes(sources: &[ReadSource<'_>], all: &BTreeSet<&str>) {
    let mut suggestions = MAX_SUGGESTIONS;
    for source in sources {
        check_route(source, all, &mut suggestions);
    }
}

fn check_route(
    ReadSource { table, source }: &ReadSource<'_>,
    known: &BTreeSet<&str>,
    suggestions: &mut usize,
) {
    if source.destinations.is_empty() {
        table.warning(
            source::DESTINATIONS,
            format!(
                "the source \"{}\" has no destination: its events go nowhere",
                source.id
            ),
            "add a line like destinations = [\"profiles\"]",
        );
    }
    let mut named = HashSet::new();
    for id in &source.destinations {
        if !known.contains(id.as_str()) {
            let near = (*suggestions > 0).then(|| nearest(id, known.iter().copied()));
            *suggestions = suggestions.saturating_sub(1);
            let fix = match near.flatten() {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("add a [[destinations]] with id = \"{id}\", or remove it here"),
            };
            let what = format!("there is no destination \"{id}\"");
            table.error(source::DESTINATIONS, what, fix);
        } else if !named.insert(id) {
            table.error(
                source::DESTINATIONS,
                format!("the destination \"{id}\" is named twice"),
                "name it once: an event goes to each destination once",
            );
        }
    }
}

/// A destination that no source uses is doubtful.
pub(super) fn unused(sources: &[ReadSource<'_>], destinations: &[ReadDestination<'_>]) {
    let used = sources.iter().flat_map(|read| &read.source.destinations);
    let used: HashSet<&String> = used.collect();
    for ReadDestination { table, destination } in destinations {
        let id = &destination.id;
        if !used.contains(id) {
            table.warning(
                destination::ID,
                format!("no source uses the destination \"{id}\""),
                format!("add \"{id}\" to the destinations of a source, or remove it"),
            );
        }
    }
}

/// What the Redis library itself refuses, such as a certificate that TLS cannot use; and certificates whose time is
/// over, or soon will be, which is doubtful, but a matter of that destination and of the moment.
pub(super) fn connections(file: &FileReader<'_>, destinations: &[ReadDestination<'_>]) {
    if !file.errors.borrow().is_empty() {
        return; // it would only say again what was said with a line number
    }
    for ReadDestination { table, destination } in destinations {
        if let Err(error) = destination.connection.validate() {
            refused(table, error);
            continue;
        }
        for notice in destination.connection.time_notices() {
            if let Some(key) = table.given(notice.setting) {
                table.warning(key, notice.says, notice.cure);
            }
        }
    }
}

fn refused(table: &TableReader<'_>, error: Error) {
    let key = error.setting().and_then(|setting| {
        let instead = match setting {
            "client_key" => "client_certificate",
            "client_certificate" => "client_key",
            _ => "url",
        };
        table.given(setting).or_else(|| table.given(instead))
    });
    if let Some(key) = key {
        let otherwise = "see docs/redis.md for what this key takes";
        table.complain(key, ValueError::of_library(error, otherwise));
    } else {
        table.error(
            destination::ID,
            format!("the connection cannot be used: {error}"),
            "see docs/configuration.md for what each key takes",
        );
    }
}

/// `KENWELL_…` variables that no setting asked for are probably typing errors.
pub(super) fn unknown_variables(file: &FileReader<'_>) {
    let consulted = file.consulted.borrow();
    for name in file.environment.names("KENWELL_") {
        let value = file.environment.get(name).unwrap_or_default();
        if consulted.contains(name) || OTHERS.contains(&name) || is_service_link(name, value) {
            continue;
        }
        let known = consulted.iter().map(String::as_str).chain(OTHERS);
        let fix = match nearest(name, known) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "unset it; the names are KENWELL_<SECTION>_<KEY>, for sources and destinations \
                     KENWELL_DESTINATIONS_<ID>_<KEY>"
                    .into()
            }
        };
        let place = Place::Variable(name.to_owned());
        file.warning(
            place,
            "",
            ValueError::new("no setting has this name, so it is ignored", fix),
        );
    }
}

/// A password in a file that everybody on the machine can read.
#[cfg(unix)]
pub(super) fn permissions(file: &FileReader<'_>) {
    use std::os::unix::fs::PermissionsExt;
    let path = file.document.path;
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if file.holds_password.get() && metadata.permissions().mode() & 0o004 != 0 {
        let wrong = ValueError::new(
            "the file holds a password and every user of this machine can read it",
            format!(
                "chmod o-r {}, or use \"env:NAME\" or \"file:PATH\"",
                path.display()
            ),
        );
        file.warning(Place::File(path.to_path_buf()), "", wrong);
    }
}

/// Other systems have no such bits.
#[cfg(not(unix))]
pub(super) fn permissions(_file: &FileReader<'_>) {}
