//! What only shows when the parts of a configuration are held against each other.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::destination::ReadDestination;
use super::section::{Found, Reading};
use super::service_links::is_service_link;
use super::source::ReadSource;
use super::suggestion::nearest;
use super::value::Wrong;

/// Variables that belong to the command line and to the project's scripts, not to the file.
const OTHERS: [&str; 6] = [
    "KENWELL_BIN",
    "KENWELL_CONFIG",
    "KENWELL_LOG",
    "KENWELL_LOG_FORMAT",
    "KENWELL_URL",
    "KENWELL_WRITE_KEY",
];

/// Ids of destinations that are looked for among similar ones; each takes a look at all of them.
const MAX_SUGGESTIONS: usize = 64;

/// Ids and write keys must be unique.
pub(super) fn duplicates(
    reading: &Reading<'_>,
    sources: &[ReadSource],
    destinations: &[ReadDestination],
) {
    unique_ids(reading, sources.iter().map(|source| &source.id));
    unique_ids(
        reading,
        destinations.iter().map(|destination| &destination.id),
    );
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for source in sources {
        let key = &source.write_key;
        if let Some(other) = seen.insert(&key.value, &source.id.value) {
            let wrong = Wrong::new(
                format!("source \"{other}\" has the same write key"),
                "give each source a write key of its own: it decides which source an event is from",
            );
            reading.error(key.place.clone(), &key.key, wrong);
        }
    }
}

fn unique_ids<'a>(reading: &Reading<'_>, ids: impl Iterator<Item = &'a Found<String>>) {
    let mut seen: HashMap<&str, &Found<String>> = HashMap::new();
    for id in ids {
        if let Some(first) = seen.get(id.value.as_str()) {
            let wrong = Wrong::new(
                format!("the id \"{}\" is already used at {}", id.value, first.place),
                "give each one an id of its own",
            );
            reading.error(id.place.clone(), &id.key, wrong);
        } else {
            seen.insert(&id.value, id);
        }
    }
}

/// Sources must name destinations that exist. `all` includes those that could not be read, so that
/// they are not called missing.
pub(super) fn routes(reading: &Reading<'_>, sources: &[ReadSource], all: &[String]) {
    let known: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    let mut suggestions = MAX_SUGGESTIONS;
    for source in sources {
        check_route(reading, source, &known, &mut suggestions);
    }
}

/// A destination that no source uses is doubtful.
pub(super) fn unused(
    reading: &Reading<'_>,
    sources: &[ReadSource],
    destinations: &[ReadDestination],
) {
    let used = sources.iter().flat_map(|source| &source.destinations.value);
    let used: HashSet<&String> = used.collect();
    for destination in destinations {
        let id = &destination.id;
        if !used.contains(&id.value) {
            let wrong = Wrong::new(
                format!("no source uses the destination \"{}\"", id.value),
                format!(
                    "add \"{}\" to the destinations of a source, or remove it",
                    id.value
                ),
            );
            reading.warning(id.place.clone(), &id.key, wrong);
        }
    }
}

/// What the Redis library itself refuses, such as a certificate that TLS cannot use.
pub(super) fn connections(reading: &Reading<'_>, destinations: &[ReadDestination]) {
    if !reading.errors.borrow().is_empty() {
        return; // it would only say again what was said with a line number
    }
    for read in destinations {
        let Err(error) = read.destination.connection.validate() else {
            out_of_time(reading, read);
            continue;
        };
        let given = error.setting().and_then(|setting| {
            let place = |name: &str| read.places.iter().find(|(key, ..)| *key == name);
            let instead = match setting {
                "client_key" => "client_certificate",
                "client_certificate" => "client_key",
                _ => "url",
            };
            place(setting).or_else(|| place(instead))
        });
        if let Some((_, place, key)) = given {
            let (what, fix) = error.into_problem_and_cure();
            let fix = fix.unwrap_or_else(|| "see docs/redis.md for what this key takes".to_owned());
            reading.error(place.clone(), key, Wrong::new(what, fix));
        } else {
            let wrong = Wrong::new(
                format!("the connection cannot be used: {error}"),
                "see docs/configuration.md for what each key takes",
            );
            reading.error(read.id.place.clone(), &read.id.key, wrong);
        }
    }
}

/// Certificates whose time is over, or soon will be: doubtful, but a matter of that destination and of the moment.
fn out_of_time(reading: &Reading<'_>, read: &ReadDestination) {
    let settings = &read.destination.connection;
    for notice in settings.time_notices() {
        let place = read.places.iter().find(|(key, ..)| *key == notice.setting);
        if let Some((_, place, key)) = place {
            let wrong = Wrong::new(notice.says, notice.cure);
            reading.warning(place.clone(), key, wrong);
        }
    }
}

fn check_route(
    reading: &Reading<'_>,
    source: &ReadSource,
    known: &BTreeSet<&str>,
    suggestions: &mut usize,
) {
    let list = &source.destinations;
    if list.value.is_empty() {
        let wrong = Wrong::new(
            format!(
                "the source \"{}\" has no destination: its events go nowhere",
                source.id.value
            ),
            "add a line like destinations = [\"profiles\"]",
        );
        reading.warning(list.place.clone(), &list.key, wrong);
    }
    let mut named = HashSet::new();
    for id in &list.value {
        if !known.contains(id.as_str()) {
            let near = (*suggestions > 0).then(|| nearest(id, known.iter().copied()));
            *suggestions = suggestions.saturating_sub(1);
            let fix = match near.flatten() {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("add a [[destinations]] with id = \"{id}\", or remove it here"),
            };
            let wrong = Wrong::new(format!("there is no destination \"{id}\""), fix);
            reading.error(list.place.clone(), &list.key, wrong);
        } else if !named.insert(id) {
            let wrong = Wrong::new(
                format!("the destination \"{id}\" is named twice"),
                "name it once: an event goes to each destination once",
            );
            reading.error(list.place.clone(), &list.key, wrong);
        }
    }
}

/// `KENWELL_…` variables that no setting asked for are probably typing errors.
pub(super) fn unknown_variables(reading: &Reading<'_>) {
    let consulted = reading.consulted.borrow();
    for name in reading.environment.names("KENWELL_") {
        let value = reading.environment.get(name).unwrap_or_default();
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
        let place = super::problem::Place::Variable(name.to_owned());
        reading.warning(
            place,
            "",
            Wrong::new("no setting has this name, so it is ignored", fix),
        );
    }
}

/// A password in a file that everybody on the machine can read.
#[cfg(unix)]
pub(super) fn permissions(reading: &Reading<'_>) {
    use std::os::unix::fs::PermissionsExt;
    let path = reading.document.path;
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if reading.holds_password.get() && metadata.permissions().mode() & 0o004 != 0 {
        let wrong = Wrong::new(
            "the file holds a password and every user of this machine can read it",
            format!(
                "chmod o-r {}, or use \"env:NAME\" or \"file:PATH\"",
                path.display()
            ),
        );
        reading.warning(super::problem::Place::File(path.to_path_buf()), "", wrong);
    }
}

/// Other systems have no such bits.
#[cfg(not(unix))]
pub(super) fn permissions(_reading: &Reading<'_>) {}
