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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Environment;

    fn config(text: &str) -> Config {
        let path = Path::new("kenwell.toml");
        let loaded = Config::parse(path, text, &Environment::default());
        loaded.unwrap().config
    }

    #[test]
    fn what_needs_a_restart_is_named_and_stays_and_the_rest_is_taken_over() {
        let started = config("[journal]\nmax_bytes = \"16 MiB\"\n");
        let text = "workspace_id = \"w\"\naccept_retired = true\n[gateway]\nlisten = \"127.0.0.1:9\"\nrate_limit = 5\n\
                    [private]\nhosts = [\"h\"]\n[journal]\nmax_bytes = \"8 MiB\"\n[delivery]\nlanes = 2\n";
        let next = config(text);
        let waiting = [
            "workspace_id",
            "gateway.listen",
            "private.hosts",
            "journal.max_bytes",
            // Half of it, by default.
            "journal.retain_bytes",
        ];
        assert_eq!(needs_restart(&next, &started), waiting);
        let running = without_restart(next.clone(), &started);
        assert_eq!(running.workspace_id, "default");
        assert_eq!(running.gateway.listen, started.gateway.listen);
        assert_eq!(running.private, started.private);
        assert_eq!(running.journal, started.journal);
        assert!(running.accept_retired);
        assert_eq!(running.gateway.rate_limit, 5);
        assert_eq!(running.delivery, next.delivery);
        assert_eq!(needs_restart(&running, &started), Vec::<String>::new());
        assert_eq!(
            needs_restart(
                &started,
                &config(
                    "[journal]\nmax_bytes = \"16 MiB\"\nretain_bytes = \"8 MiB\"\nretain = \"24h\"\n"
                )
            ),
            Vec::<String>::new()
        );
    }
}
