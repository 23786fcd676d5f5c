//! What an edit over the network names on this machine: variables, files and sockets, which only the
//! file may allow.

use std::path::Path;

use kenwell::connection::Secret;
use toml_edit::{Item, TableLike};

use super::{
    document::{Document, List},
    edit::{Change, DestinationChange, Edit},
    reload::errors,
};
use crate::config::{AllowedReferences, Config, Destination, Place, Problem, Problems, Reference};

/// For each of some edits, which keys name something.
pub(super) struct Named {
    edits: Vec<Vec<&'static str>>,
}

/// A key that can name something, and what becomes of it.
struct Field<'a> {
    key: &'static str,
    change: Text<'a>,
    refers: fn(&str) -> Option<Reference>,
}

enum Text<'a> {
    Plain(&'a mut Change<String>),
    Secret(&'a mut Change<Secret>),
}

/// Whether the edits may name what they name. What stands in the file already, and is sent back as it is
/// written or shown, is no edit of that key.
///
/// # Errors
/// What they may not name.
pub(super) fn check(
    edits: &mut [Edit],
    document: &mut Document,
    now: &Config,
    allowed: &AllowedReferences,
    path: &Path,
) -> Result<Named, Problems> {
    let base = path.parent().unwrap_or(Path::new(""));
    let mut named = Named { edits: Vec::new() };
    let mut refused = Vec::new();
    for edit in edits {
        let (id, settings) = match edit {
            Edit::ChangeDestination { id, change } => {
                let table = document.find(List::Destinations, id);
                leave_unchanged(change, table.as_deref(), now.destination(id));
                (id.as_str(), &mut **change)
            }
            Edit::AddDestination(new) => (new.id.as_deref().unwrap_or("new"), &mut new.settings),
            _ => {
                named.edits.push(Vec::new());
                continue;
            }
        };
        let mut keys = Vec::new();
        for field in fields(settings) {
            let Some(reference) = field.reference() else {
                continue;
            };
            keys.push(field.key);
            if !allowed.allow(&reference, base) {
                refused.push(problem(path, id, field.key));
            }
        }
        named.edits.push(keys);
    }
    if refused.is_empty() {
        Ok(named)
    } else {
        Err(errors(refused))
    }
}

impl Named {
    /// The problems with nothing in them of what is named: whether it exists, and what is in it, must not
    /// show. `ids` are those that the edits were about.
    pub(super) fn blur(&self, problems: Problems, path: &Path, ids: &[String]) -> Problems {
        let naming = self.edits.iter().zip(ids);
        let naming: Vec<_> = naming.filter(|(keys, _)| !keys.is_empty()).collect();
        let mut blurred: Vec<Problem> = Vec::new();
        for found in problems.errors {
            // One that is named may be found not to fit to another that is not.
            let about = naming.iter().find(|(_, id)| {
                let key = found.key.strip_prefix("destinations.");
                let key = key.and_then(|key| key.strip_prefix(id.as_str()));
                key.is_some_and(|key| key.is_empty() || key.starts_with('.'))
            });
            match about {
                Some((keys, id)) if concerns(&found, keys) => {
                    blurred.extend(keys.iter().map(|key| problem(path, id, key)));
                }
                _ => blurred.push(found),
            }
        }
        blurred.dedup();
        errors(blurred)
    }
}

/// Whether a problem may tell of what these keys name.
fn concerns(found: &Problem, keys: &[&str]) -> bool {
    let key = found.key.rsplit('.').next().unwrap_or_default();
    let files = ["ca_certificate", "client_certificate", "client_key"];
    keys.contains(&key) || (files.contains(&key) && keys.iter().any(|key| files.contains(key)))
}

impl Field<'_> {
    /// The text that the key gets.
    fn text(&self) -> Option<&str> {
        match &self.change {
            Text::Plain(change) => change.to().map(String::as_str),
            Text::Secret(change) => change.to().map(Secret::expose),
        }
    }

    fn reference(&self) -> Option<Reference> {
        (self.refers)(self.text()?)
    }

    fn keep(self) {
        match self.change {
            Text::Plain(change) => *change = Change::Keep,
            Text::Secret(change) => *change = Change::Keep,
        }
    }
}

fn fields(settings: &mut DestinationChange) -> [Field<'_>; 7] {
    let plain = |key, change, refers| Field {
        key,
        change: Text::Plain(change),
        refers,
    };
    let secret = |key, change, refers| Field {
        key,
        change: Text::Secret(change),
        refers,
    };
    let (of_secret, of_pem) = (Reference::of_secret, Reference::of_pem);
    [
        plain("address", &mut settings.address, Reference::of_address),
        plain("username", &mut settings.username, of_secret),
        secret("password", &mut settings.password, of_secret),
        secret(
            "sentinel_password",
            &mut settings.sentinel_password,
            of_secret,
        ),
        plain("ca_certificate", &mut settings.ca_certificate, of_pem),
        plain(
            "client_certificate",
            &mut settings.client_certificate,
            of_pem,
        ),
        secret("client_key", &mut settings.client_key, Reference::of_key),
    ]
}

/// Makes no change of what names the same as before.
fn leave_unchanged(
    change: &mut DestinationChange,
    table: Option<&dyn TableLike>,
    now: Option<&Destination>,
) {
    for field in fields(change) {
        let written = table
            .and_then(|table| table.get(field.key))
            .and_then(Item::as_str);
        let shown = now.and_then(|now| match field.key {
            "address" => Some(now.connection.address.as_str()),
            "username" => now.username_reference.as_deref(),
            "ca_certificate" => now.connection.ca_certificate.as_deref(),
            "client_certificate" => now.connection.client_certificate.as_deref(),
            _ => None,
        });
        let text = field.text();
        if field.reference().is_some() && (text == written || text == shown) {
            field.keep();
        }
    }
}

/// The same words for what is not allowed, not there, and not fit.
fn problem(path: &Path, id: &str, key: &str) -> Problem {
    Problem {
        place: Place::File(path.to_path_buf()),
        key: format!("destinations.{id}.{key}"),
        what: "it names a variable, file or socket of the server, which is not allowed here or cannot be used"
            .to_owned(),
        fix: "give the value itself; or write the name into kenwell.toml on the server, or allow it there: \
              allowed_references under [private]"
            .to_owned(),
    }
}
