//! A stored secret stays with whom it was given for: sent elsewhere, it must be given again.

use std::path::Path;

use serde_json::Value as Json;

use super::{document::List, edit::Edit};
use crate::config::{
    self, Config, DESTINATION, Destination, Environment, Key, Kind, Moves, Problem,
};

/// What an edit of a destination gives, secrets among it.
pub(super) struct GivenSecrets {
    /// The names of the keys that it sets.
    keys: Vec<&'static str>,
    /// Whether the destination is new, so that nothing was given for it before.
    is_new: bool,
}

impl GivenSecrets {
    /// `None` for an edit that is about no destination.
    pub(super) fn of(edit: &Edit) -> Option<Self> {
        let (settings, is_new) = match edit {
            Edit::ChangeDestination { change, .. } => (change, false),
            Edit::AddDestination(new) => (&new.settings, true),
            _ => return None,
        };
        let given = settings.keys.iter().filter(|(_, value)| value.is_some());
        Some(Self {
            keys: given.map(|(key, _)| key.name).collect(),
            is_new,
        })
    }

    /// What is wrong with the destination after the edit: a secret that was there before, or comes from
    /// somewhere else, would go to somebody else than before.
    pub(super) fn problem(
        &self,
        id: &str,
        before: &Config,
        after: &Config,
        environment: &Environment,
        path: &Path,
    ) -> Option<Problem> {
        let before = before.destination(id).filter(|_| !self.is_new);
        let after = after.destination(id)?;
        DESTINATION.iter().find_map(|secret| {
            let is_unset = matches!(after.shown(secret.name), Some(Json::Bool(false) | Json::Null));
            if !secret.is_secret() || is_unset {
                return None;
            }
            let variable = config::variable(List::Destinations.name(), id, secret.name);
            let wins = environment.get(&variable).is_some();
            if self.keys.contains(&secret.name) && !wins {
                return None;
            }
            let (what, fix) = match before {
                None => (
                    "the environment of the server has a secret for a destination of this id"
                        .to_owned(),
                    "choose another id, or write the destination into kenwell.toml on the server"
                        .to_owned(),
                ),
                Some(before) => {
                    let (what, fix) = self.moved(secret, before, after)?;
                    let on_the_server = format!(
                        "change it in kenwell.toml on the server: {variable} wins over one that is given again here"
                    );
                    (what, if wins { on_the_server } else { fix })
                }
            };
            let key = format!("destinations.{id}.{}", secret.name);
            Some(Problem::of_file(path, key, what, fix))
        })
    }

    /// What to say when a secret would go to somebody else.
    fn moved(
        &self,
        secret: &Key,
        before: &Destination,
        after: &Destination,
    ) -> Option<(String, String)> {
        let decides = |key: &&Key| match key.moves {
            Moves::AllSecrets => true,
            Moves::Secret(name) => name == secret.name,
            Moves::NoSecret => false,
        };
        let moving = DESTINATION.iter().filter(decides);
        let moving: Vec<_> = moving
            .filter(|key| !self.stays(key, before, after))
            .map(|key| key.name)
            .collect();
        let settings = (!moving.is_empty()).then(|| moving.join(", "))?;
        let (first, rest) = secret.label.split_at_checked(1).unwrap_or_default();
        let name = first.to_lowercase() + rest;
        let verb = match secret.kind {
            Kind::PrivateKey => "give",
            _ => "type",
        };
        Some((
            format!("the stored {name} was not given for this place: {settings} would change"),
            format!("{verb} the {name} again"),
        ))
    }

    /// Whether a key says the same as before. Fewer addresses than before are no others. A key whose value is not
    /// known may say something else, and so may a secret that is given: of it only is shown whether it is set.
    fn stays(&self, key: &Key, before: &Destination, after: &Destination) -> bool {
        if key.is_secret() && self.keys.contains(&key.name) {
            return false;
        }
        let (before, after) = (before.shown(key.name), after.shown(key.name));
        match (&before, &after) {
            (Some(Json::String(before)), Some(Json::String(after)))
                if key.kind == Kind::Addresses =>
            {
                let known: Vec<&str> = before.split(',').map(str::trim).collect();
                let mut addresses = after.split(',').map(str::trim);
                addresses.all(|address| known.contains(&address))
            }
            _ => before.is_some() && before == after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::destination_keys;

    /// A destination with this password at the Sentinels.
    fn destination(password: &str) -> Destination {
        let file = format!(
            "[[destinations]]\nid = \"d\"\naddress = \"redis:6379\"\nsentinel_master = \"m\"\nsentinel_password = \"{password}\"\n"
        );
        let path = Path::new("kenwell.toml");
        let loaded = Config::parse(path, &file, &Environment::default()).unwrap();
        loaded.config.destination("d").unwrap().clone()
    }

    #[test]
    fn a_secret_that_decides_who_gets_the_others_counts_as_changed_when_it_is_given() {
        let deciding = Key {
            moves: Moves::AllSecrets,
            ..*destination_keys::SENTINEL_PASSWORD
        };
        let given = |keys: &[&'static str]| GivenSecrets {
            keys: keys.to_vec(),
            is_new: false,
        };
        let (before, after) = (destination("one"), destination("another"));
        // What is shown is the same, as with every secret that is set.
        assert_eq!(before.shown(deciding.name), after.shown(deciding.name));
        assert!(!given(&[deciding.name]).stays(&deciding, &before, &after));
        assert!(given(&["name"]).stays(&deciding, &before, &before));
    }
}
