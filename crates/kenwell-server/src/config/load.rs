//! From a file and the environment to a [`Config`], or to everything that is wrong.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeTable;

use super::document::Document;
use super::environment::Environment;
use super::problem::{Place, Problem, Problems};
use super::section::{Found, Reading, Section};
use super::settings::{Config, DeadLetters, Delivery, Durability, Gateway, Journal, Private};
use super::value::{self, Input, Wrong};
use super::{check, destination, source};

/// Smallest journal: below it a single large request could not be stored.
const MIN_JOURNAL_BYTES: u64 = 16 << 20;
/// Smallest room for dead letters: the largest possible event must fit.
const MIN_DEAD_LETTER_BYTES: u64 = 16 << 20;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is doubtful about them, in the order of the file.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads and checks the file at `path`, with the `KENWELL_…` variables of `environment` on top.
    ///
    /// Relative paths in the file (`data_dir`, `ca_certificate`, `file:…`) start from the file's directory.
    ///
    /// # Errors
    /// All problems found, not only the first.
    pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let reading = Reading {
            document: Document { path, text: &text },
            base: path.parent().unwrap_or(Path::new("")),
            environment,
            consulted: RefCell::default(),
            errors: RefCell::default(),
            warnings: RefCell::default(),
            holds_password: Cell::new(false),
        };
        let (table, syntax_errors) = DeTable::parse_recoverable(&text);
        for error in &syntax_errors {
            reading.error(
                syntax_place(&reading.document, error),
                "",
                syntax_wrong(error),
            );
        }
        // What a broken file seems to say is not worth complaining about.
        let config = syntax_errors
            .is_empty()
            .then(|| read_all(Section::top(&reading, table.get_ref())));
        let mut errors = reading.errors.take();
        let mut warnings = reading.warnings.take();
        errors.sort();
        warnings.sort();
        match config {
            Some(config) if errors.is_empty() => Ok(Loaded { config, warnings }),
            _ => Err(Problems { errors, warnings }),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problems {
    let fix = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "create it (docs/configuration.md has an example), give another one with --config, or try `kenwell dev`"
        }
        std::io::ErrorKind::InvalidData => "save the file as UTF-8",
        _ => "make the file readable by the user that runs kenwell",
    };
    Problems {
        errors: vec![Problem {
            place: Place::File(path.to_path_buf()),
            key: String::new(),
            what: format!("cannot read the configuration: {error}"),
            fix: fix.into(),
        }],
        warnings: Vec::new(),
    }
}

fn syntax_place(document: &Document<'_>, error: &toml::de::Error) -> Place {
    error.span().map_or_else(
        || Place::File(document.path.to_path_buf()),
        |span| document.place(&span),
    )
}

fn syntax_wrong(error: &toml::de::Error) -> Wrong {
    let message = error.message();
    let fix = if message.contains("duplicate key") {
        "keep one of the two"
    } else {
        "text values need quotes: key = \"value\"; see https://toml.io for the format"
    };
    Wrong::new(format!("not valid TOML: {message}"), fix)
}

/// Reads every section. Where a value is wrong its default stands in, so that reading goes on to find
/// more; the caller discards the result when there was any error.
fn read_all(mut top: Section<'_>) -> Config {
    let reading = top.reading;
    let data_dir = top.read_or("data_dir", "data".into(), value::filled_text);
    let workspace_id = top.read_or("workspace_id", "default".into(), value::filled_text);
    let gateway = read_gateway(top.child("gateway"));
    let private = read_private(top.child("private"), gateway.listen);
    let journal = read_journal(top.child("journal"));
    let delivery = read_delivery(top.child("delivery"));
    let dead_letters = read_dead_letters(top.child("dead_letters"));
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
    let nobody = source_sections.is_empty();
    let sources: Vec<_> = source_sections
        .into_iter()
        .filter_map(source::read)
        .collect();
    let destinations: Vec<_> = destination_sections
        .into_iter()
        .filter_map(destination::read)
        .collect();
    if nobody {
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
    check::routes(reading, &sources, &destinations, &all_destinations);
    check::unknown_variables(reading);
    check::permissions(reading);

    Config {
        data_dir: reading.resolve(&data_dir),
        workspace_id,
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

fn read_gateway(mut section: Section<'_>) -> Gateway {
    let default = Gateway::default();
    let gateway = Gateway {
        listen: section.read_or("listen", default.listen, value::listen),
        max_connections: section.read_or("max_connections", default.max_connections, |input| {
            value::number(input, &(1..=1_000_000))
        }),
        body_timeout: section.read_or("body_timeout", default.body_timeout, positive_duration),
        rate_limit: section.read_or("rate_limit", default.rate_limit, |input| {
            value::number(input, &(0..=u32::MAX))
        }),
    };
    section.finish();
    gateway
}

fn read_private(mut section: Section<'_>, gateway: SocketAddr) -> Private {
    let listen = section.read("listen", loopback);
    if let Some(Found { value, place, key }) = &listen
        && *value == gateway
        && value.port() != 0
    {
        let wrong = Wrong::new(
            format!("{value} is also the address of the gateway"),
            "give the two listeners different ports",
        );
        section.reading.error(place.clone(), key, wrong);
    }
    section.finish();
    listen.map_or_else(Private::default, |found| Private {
        listen: found.value,
    })
}

fn loopback(input: &Input<'_>) -> Result<SocketAddr, Wrong> {
    let address = value::listen(input)?;
    if address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    Err(Wrong::new(
        format!(
            "{address} can be reached from other machines, and the private plane has no keys yet (they come with the console)"
        ),
        format!(
            "use a loopback address, such as \"127.0.0.1:{}\"",
            address.port()
        ),
    ))
}

fn read_journal(mut section: Section<'_>) -> Journal {
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

fn read_delivery(mut section: Section<'_>) -> Delivery {
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

fn read_dead_letters(mut section: Section<'_>) -> DeadLetters {
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
