//! Which variables, files and sockets of this machine may be named by those who edit over the network.

use std::path::{Component, Path, PathBuf};

use kenwell::connection::pem;

use super::input::ValueError;
use super::keys::Kind as KeyKind;

/// `[private] allowed_references`: what an edit over the network may name. What the file names itself
/// needs no leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedReferences {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// `env:NAME`.
    Variable(String),
    /// `env:START*`.
    Variables(String),
    /// `file:PATH` and `unix:PATH`. Relative paths start from the directory of the configuration.
    Path(Kind, PathBuf),
    /// `file:FOLDER/*` and `unix:FOLDER/*`: everything below it, however deep.
    Below(Kind, PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Socket,
}

/// What a setting names instead of holding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// An environment variable.
    Variable(String),
    /// A file. Relative paths start from the directory of the configuration.
    File(PathBuf),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Reference {
    /// What the text of a key of this kind refers to. `None` when it holds its value itself.
    pub(crate) fn of(kind: KeyKind, text: &str) -> Option<Self> {
        match kind {
            KeyKind::Secret | KeyKind::RedisUrl | KeyKind::Name => Self::of_secret(text),
            KeyKind::PrivateKey => Self::of_key(text),
            KeyKind::Certificate => Self::of_pem(text),
            KeyKind::Addresses => Self::of_address(text),
            KeyKind::Path => (!text.is_empty()).then(|| Self::File(text.into())),
            KeyKind::Id
            | KeyKind::Text
            | KeyKind::HttpUrl
            | KeyKind::Flag
            | KeyKind::Number(..)
            | KeyKind::Size(_)
            | KeyKind::Duration(..)
            | KeyKind::Choice(_)
            | KeyKind::Listen
            | KeyKind::List
            | KeyKind::Map => None,
        }
    }

    /// What the text of a secret refers to: `env:NAME` or `file:PATH`. `None` for a secret itself.
    pub(crate) fn of_secret(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            return Some(Self::Variable(name.to_owned()));
        }
        let path = text.strip_prefix("file:")?;
        Some(Self::File(path.into()))
    }

    /// What the text of a private key refers to: also a bare path. `None` for PEM text and for nothing.
    fn of_key(text: &str) -> Option<Self> {
        Self::of_secret(text).or_else(|| Self::of_pem(text))
    }

    /// The file that is given in place of a certificate. `None` for PEM text and for nothing.
    pub(crate) fn of_pem(text: &str) -> Option<Self> {
        let is_path = !text.trim().is_empty() && !pem::is_text(text.trim());
        is_path.then(|| Self::File(text.trim().into()))
    }

    /// The socket in place of a host. `None` for anything on the network.
    pub(crate) fn of_address(text: &str) -> Option<Self> {
        let path = text.trim().strip_prefix("unix:")?;
        Some(Self::Socket(path.into()))
    }
}

impl AllowedReferences {
    /// From the texts of the list.
    pub(super) fn of(texts: &[String]) -> Result<Self, ValueError> {
        let rules = texts.iter().map(|text| {
            Rule::parse(text).ok_or_else(|| {
                ValueError::new(
                    format!("\"{text}\" names no variables, files or sockets"),
                    "write \"env:NAME\", \"env:REDIS_*\", \"file:/run/secrets/redis\", \"file:/run/secrets/*\" or \
                     \"unix:/run/redis/*\"; a * stands at the end only, and no path has .. in it",
                )
            })
        });
        let rules = rules.collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Whether this may be named. `base` is the directory of the configuration file.
    ///
    /// A path is looked up only when it lies where the list says, and then with every link followed: it
    /// must lie there even so. So the answer tells nothing about other files.
    pub(crate) fn allow(&self, reference: &Reference, base: &Path) -> bool {
        let (kind, path) = match reference {
            Reference::Variable(name) => return self.rules.iter().any(|rule| rule.allows(name)),
            Reference::File(path) => (Kind::File, absolute(base.join(path))),
            Reference::Socket(path) => (Kind::Socket, absolute(path.clone())),
        };
        if path.components().any(|part| part == Component::ParentDir) {
            return false;
        }
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.leads_to(kind, &path, base))
    }
}

impl Rule {
    fn allows(&self, variable: &str) -> bool {
        match self {
            Self::Variable(name) => name == variable,
            Self::Variables(start) => variable.starts_with(start.as_str()),
            Self::Path(..) | Self::Below(..) => false,
        }
    }

    fn leads_to(&self, wanted: Kind, path: &Path, base: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        match self {
            Self::Path(kind, allowed) => *kind == wanted && path == absolute(base.join(allowed)),
            Self::Below(kind, folder) if *kind == wanted => {
                let folder = absolute(base.join(folder));
                let both = path
                    .starts_with(&folder)
                    .then(|| real(path).zip(real(&folder)));
                both.flatten()
                    .is_some_and(|(path, folder)| path.starts_with(&folder) && path != folder)
            }
            Self::Below(..) | Self::Variable(_) | Self::Variables(_) => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            let (name, is_start) = match name.strip_suffix('*') {
                Some(start) => (start, true),
                None => (name, false),
            };
            if name.contains(['*', '=']) || (name.is_empty() && !is_start) {
                return None;
            }
            let name = name.to_owned();
            return Some(if is_start {
                Self::Variables(name)
            } else {
                Self::Variable(name)
            });
        }
        let (kind, path) = match text.split_once(':')? {
            ("file", path) => (Kind::File, path),
            ("unix", path) => (Kind::Socket, path),
            _ => return None,
        };
        let (path, is_folder) = match path.strip_suffix("/*") {
            Some(folder) => (if folder.is_empty() { "/" } else { folder }, true),
            None => (path, false),
        };
        if path.is_empty() || path.contains('*') {
            return None;
        }
        let path = PathBuf::from(path);
        if path.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        Some(if is_folder {
            Self::Below(kind, path)
        } else {
            Self::Path(kind, path)
        })
    }
}

/// The path from the root on, with no link followed.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};

    /// What a configuration at `/etc/kenwell/kenwell.toml` allows.
    fn allowed(list: &str) -> Option<AllowedReferences> {
        let text = format!("[private]\nallowed_references = {list}\n");
        let path = Path::new("/etc/kenwell/kenwell.toml");
        let loaded = Config::parse(path, &text, &Environment::default()).ok()?;
        Some(loaded.config.private.allowed_references)
    }

    #[test]
    fn names_are_allowed_one_by_one_or_by_their_beginning() {
        let base = Path::new("/etc/kenwell");
        let may = |list: &str, text: &str| {
            let reference = Reference::of_secret(text).or(Reference::of_address(text));
            allowed(list).unwrap().allow(&reference.unwrap(), base)
        };
        for (list, text, expected) in [
            ("[]", "env:A", false),
            ("[\"env:A\"]", "env:A", true),
            ("[\"env:A\"]", "env:AB", false),
            ("[\"env:A\"]", "file:A", false),
            ("[\"env:A_*\"]", "env:A_B", true),
            ("[\"env:A_*\"]", "env:A", false),
            ("[\"env:*\"]", "env:ANY", true),
            ("[\"file:/s/x\"]", "file:/s/x", true),
            ("[\"file:/s/x\"]", "file:/s/./x", true),
            ("[\"file:/s/x\"]", "file:/s/y/../x", false),
            ("[\"file:/s/x\"]", "file:/s/xy", false),
            ("[\"file:/s/x\"]", "unix:/s/x", false),
            ("[\"file:x\"]", "file:x", true),
            ("[\"file:x\"]", "file:/etc/kenwell/x", true),
            ("[\"unix:/s/x\"]", "unix:/s/x", true),
            ("[\"unix:/s/x\"]", "file:/s/x", false),
            // What is not there lies nowhere.
            (
                "[\"file:/no/such/folder/*\"]",
                "file:/no/such/folder/x",
                false,
            ),
            ("[\"file:/*\"]", "file:/etc", true),
            ("[\"file:/*\"]", "file:/", false),
        ] {
            assert_eq!(may(list, text), expected, "{list} {text}");
        }
    }

    #[test]
    fn a_list_that_nobody_could_mean_is_refused() {
        for list in [
            "\"env:A\"",
            "[\"*\"]",
            "[\"A\"]",
            "[\"env:\"]",
            "[\"env:*A\"]",
            "[\"env:A*B\"]",
            "[\"file:\"]",
            "[\"file:/s/x*\"]",
            "[\"file:/*/x\"]",
            "[\"file:/s/../x\"]",
            "[\"http://x\"]",
        ] {
            assert_eq!(allowed(list), None, "{list}");
        }
    }
}
