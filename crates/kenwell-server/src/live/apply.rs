//! Carrying a configuration out: from what runs to what is to run, without losing an event.

use std::collections::BTreeMap;

use super::line::{Ground, Line};
use crate::config::Config;

/// The destinations at run time, by id.
pub(super) type Lines = BTreeMap<String, Line>;

/// Starts everything, for the first time.
pub(super) fn start(config: &Config, ground: &Ground<'_>) -> anyhow::Result<Lines> {
    let mut lines = Lines::new();
    for settings in &config.destinations {
        let mut line = Line::new(config, settings, ground.metrics)?;
        line.open(ground)?;
        lines.insert(settings.id.clone(), line);
    }
    for line in lines.values_mut() {
        line.flow(config, ground)?;
    }
    ground.journal.retire_unopened();
    Ok(lines)
}
