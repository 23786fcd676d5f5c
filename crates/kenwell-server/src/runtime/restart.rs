//! Settings that only a start can change, and which of them wait for one.

use crate::config::Config;

/// The same configuration, except that what only a start can change is as in `running`.
pub(super) fn without_restart(next: Config, running: &Config) -> Config {
    let mut tables = next.tables;
    for (table, running) in tables.iter_mut().zip(&running.tables) {
        table.keep_until_restart(running);
    }
    Config::of(tables, next.sources, next.destinations)
}

/// What differs from `started`, the file as it was at the start, and needs another one.
pub(super) fn needs_restart(next: &Config, started: &Config) -> Vec<String> {
    let tables = next.tables.iter().zip(&started.tables);
    let differing = tables.flat_map(|(next, started)| next.needs_restart(started));
    differing.collect()
}
