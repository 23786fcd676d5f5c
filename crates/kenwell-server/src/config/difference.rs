//! What differs between two configurations, by the names of settings: values may be secrets, and are not told.

use super::settings::{Config, Source};

/// The most names that are told.
const MAX_NAMES: usize = 32;

impl Config {
    /// The settings that say something else than in `before`, as `delivery.lanes` or `destinations.profiles.address`, and
    /// sources and destinations that came or went; at most 32, and then how many more.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let mut names = Vec::new();
        for (now, before) in self.tables.iter().zip(&before.tables) {
            names.extend(now.differing(before).map(|key| now.full_name(key)));
        }
        for source in &self.sources {
            let place = format!("sources.{}", source.id);
            match before.sources.iter().find(|it| it.id == source.id) {
                None => names.push(format!("{place} (new)")),
                Some(before) => {
                    let keys = differing_keys(source, before).into_iter();
                    names.extend(keys.map(|key| format!("{place}.{key}")));
                }
            }
        }
        let gone = |id: &String| !self.sources.iter().any(|it| it.id == *id);
        let gone = before.sources.iter().map(|it| &it.id).filter(|id| gone(id));
        names.extend(gone.map(|id| format!("sources.{id} (removed)")));
        for destination in &self.destinations {
            let place = format!("destinations.{}", destination.id);
            match before.destination(&destination.id) {
                None => names.push(format!("{place} (new)")),
                Some(before) => {
                    let keys = destination.values.differing(&before.values);
                    names.extend(keys.map(|key| format!("{place}.{key}")));
                }
            }
        }
        let all = before.destinations.iter().map(|it| &it.id);
        let gone = all.filter(|id| self.destination(id).is_none());
        names.extend(gone.map(|id| format!("destinations.{id} (removed)")));
        let more = names.len().saturating_sub(MAX_NAMES);
        names.truncate(MAX_NAMES);
        if more > 0 {
            names.push(format!("{more} more"));
        }
        names
    }
}

fn differing_keys(now: &Source, before: &Source) -> Vec<&'static str> {
    let keys = [
        ("name", now.name != before.name),
        ("write_key", now.write_key != before.write_key),
        ("enabled", now.enabled != before.enabled),
        ("destinations", now.destinations != before.destinations),
    ];
    let differing = keys.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, Environment};

    fn config(text: &str) -> Config {
        let path = Path::new("kenwell.toml");
        let loaded = Config::parse(path, text, &Environment::default());
        loaded.unwrap().config
    }

    #[test]
    fn what_differs_is_named_and_never_told() {
        let source =
            |id: &str, key: &str| format!("[[sources]]\nid = \"{id}\"\nwrite_key = \"{key}\"\n");
        let destination = |id: &str, more: &str| {
            format!("[[destinations]]\nid = \"{id}\"\naddress = \"localhost:1\"\n{more}\n")
        };
        let before = config(
            &[
                source("web", "WK"),
                source("old", "OK"),
                destination("d", ""),
            ]
            .concat(),
        );
        assert_eq!(before.differences(&before), Vec::<String>::new());
        let after = config(
            &[
                "[delivery]\nlanes = 2\n".to_owned(),
                source("web", "SECRET"),
                source("new", "NK"),
                destination("d", "password = \"hidden\"\nprefix = \"p\""),
                destination("e", "prefix = \"e\""),
            ]
            .concat(),
        );
        let mut differences = after.differences(&before);
        differences.sort();
        let wanted = [
            "delivery.lanes",
            "destinations.d.password",
            "destinations.d.prefix",
            "destinations.e (new)",
            "sources.new (new)",
            "sources.old (removed)",
            "sources.web.write_key",
        ];
        assert_eq!(differences, wanted);
        let removed = before.differences(&after);
        assert!(removed.contains(&"destinations.e (removed)".to_owned()));
        let many: String = (0..40)
            .map(|n| source(&format!("s{n}"), &format!("K{n}")))
            .collect();
        let differences = config(&many).differences(&config(""));
        assert_eq!(differences.len(), 33);
        assert_eq!(differences.last().unwrap(), "8 more");
    }
}
