//! A stored secret stays with whom it was given for: sent elsewhere, it must be given again.

use std::path::Path;

use kenwell::connection::{Secret, Settings};

use super::{document::List, edit::Edit};
use crate::config::{self, Config, Environment, Place, Problem};

/// One of the secrets of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    SentinelPassword,
    ClientKey,
}

const KINDS: [Kind; 3] = [Kind::Password, Kind::SentinelPassword, Kind::ClientKey];

/// Which secrets an edit of a destination gives.
pub(super) struct Given {
    kinds: Vec<Kind>,
    /// Whether the destination is new, so that nothing was given for it before.
    is_new: bool,
}

/// For each edit what it gives; `None` for those that are about no destination.
pub(super) fn given(edits: &[Edit]) -> Vec<Option<Given>> {
    edits.iter().map(Given::of).collect()
}

impl Given {
    fn of(edit: &Edit) -> Option<Self> {
        let (settings, is_new) = match edit {
            Edit::ChangeDestination { change, .. } => (&**change, false),
            Edit::AddDestination(new) => (&new.settings, true),
            _ => return None,
        };
        let gives = |kind: &Kind| {
            let change = match kind {
                Kind::Password => &settings.password,
                Kind::SentinelPassword => &settings.sentinel_password,
                Kind::ClientKey => &settings.client_key,
            };
            change.to().is_some()
        };
        Some(Self {
            kinds: KINDS.into_iter().filter(gives).collect(),
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
        let after = &after.destination(id)?.connection;
        KINDS.into_iter().find_map(|kind| {
            kind.of(after)?;
            let variable = config::variable(List::Destinations.name(), id, kind.key());
            let wins = environment.get(&variable).is_some();
            if self.kinds.contains(&kind) && !wins {
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
                    let (what, fix) = kind.moved(&before.connection, after)?;
                    let on_the_server = format!(
                        "change it in kenwell.toml on the server: {variable} wins over one that is given again here"
                    );
                    (what, if wins { on_the_server } else { fix })
                }
            };
            Some(Problem {
                place: Place::File(path.to_path_buf()),
                key: format!("destinations.{id}.{}", kind.key()),
                what,
                fix,
            })
        })
    }
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SentinelPassword => "sentinel_password",
            Self::ClientKey => "client_key",
        }
    }

    fn of(self, settings: &Settings) -> Option<&Secret> {
        match self {
            Self::Password => settings.password.as_ref(),
            Self::SentinelPassword => settings.sentinel_password.as_ref(),
            Self::ClientKey => settings.client_key.as_ref(),
        }
    }

    /// What to say when the secret would go to somebody else.
    fn moved(self, before: &Settings, after: &Settings) -> Option<(String, String)> {
        let users = match self {
            Self::Password => [
                ("username", before.username == after.username),
                ("username", before.username_file == after.username_file),
            ],
            Self::SentinelPassword => [
                (
                    "sentinel_username",
                    before.sentinel_username == after.sentinel_username,
                ),
                ("sentinel_username", true),
            ],
            Self::ClientKey => [("username", true); 2],
        };
        let moved: Vec<_> = places(before, after)
            .into_iter()
            .chain(users)
            .filter(|(_, is_same)| !is_same)
            .map(|(key, _)| key)
            .collect();
        let settings = (!moved.is_empty()).then(|| moved.join(", "))?;
        let (secret, verb) = match self {
            Self::Password => ("password", "type"),
            Self::SentinelPassword => ("password of the Sentinels", "type"),
            Self::ClientKey => ("client key", "give"),
        };
        Some((
            format!("the stored {secret} was not given for this place: {settings} would change"),
            format!("{verb} the {secret} again"),
        ))
    }
}

/// What decides who gets a secret, and whether it is the same. Fewer addresses than before are no others.
fn places(before: &Settings, after: &Settings) -> [(&'static str, bool); 8] {
    let known: Vec<&str> = before.address.split(',').map(str::trim).collect();
    let mut addresses = after.address.split(',').map(str::trim);
    [
        ("address", addresses.all(|address| known.contains(&address))),
        ("address_map", before.address_map == after.address_map),
        ("cluster_mode", before.cluster_mode == after.cluster_mode),
        (
            "sentinel_master",
            before.sentinel_master == after.sentinel_master,
        ),
        ("secure", before.secure == after.secure),
        ("skip_verify", before.skip_verify == after.skip_verify),
        (
            "ca_certificate",
            before.ca_certificate == after.ca_certificate,
        ),
        ("server_name", before.server_name == after.server_name),
    ]
}
