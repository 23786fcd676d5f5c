//! Finding a destination of the configuration, and the way to its profiles.

use kenwell::connection::Connection;

use super::exit::Failure;
use crate::config::{Config, Destination};

/// The destination with this id, or the only one.
pub(super) fn choose<'a>(config: &'a Config, id: Option<&str>) -> Result<&'a Destination, Failure> {
    match (id, config.destinations.as_slice()) {
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::Usage(
            "error: the configuration has no destination\n  fix: add [[destinations]]".into(),
        )),
        (None, several) => Err(Failure::Usage(format!(
            "error: there are several destinations\n  fix: choose one with --destination: {}",
            ids(several)
        ))),
        (Some(id), all) => config.destination(id).ok_or_else(|| {
            Failure::Usage(format!(
                "error: there is no destination \"{id}\"\n  fix: use one of: {}",
                ids(all)
            ))
        }),
    }
}

/// The destination with this id, or all.
pub(super) fn choose_all<'a>(
    config: &'a Config,
    id: Option<&str>,
) -> Result<Vec<&'a Destination>, Failure> {
    match id {
        Some(_) => Ok(vec![choose(config, id)?]),
        None => Ok(config.destinations.iter().collect()),
    }
}

/// A connection to the destination's Redis.
pub(super) fn connect(destination: &Destination) -> Result<Connection, Failure> {
    Connection::new(destination.connection.clone()).map_err(|error| {
        Failure::Failed(
            anyhow::Error::new(error).context(format!("destination \"{}\"", destination.id)),
        )
    })
}

fn ids(destinations: &[Destination]) -> String {
    let ids: Vec<&str> = destinations
        .iter()
        .map(|destination| destination.id.as_str())
        .collect();
    ids.join(", ")
}
