//! What the keys of one table say in the end: after `url`, the environment and the defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kenwell::connection::Url;
use serde_json::Value as Json;

use super::amount::{duration_of, in_largest_unit};
use super::keys::{Key, Kind};
use super::secret::FoundSecret;

/// The value of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    /// A number, or a number of bytes.
    Number(u64),
    Duration(Duration),
    Listen(SocketAddr),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
    Path(PathBuf),
    /// A secret, a name that may be a reference, a certificate or a private key. An empty one is none.
    Secret(Box<FoundSecret>),
    /// All about a Redis, and the reference that it was given by. Its parts become the values of other keys.
    RedisUrl(Box<Url>, Option<String>),
}

/// The values of one table, by its keys.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Values {
    /// The table's name; empty at the top of the file.
    name: &'static str,
    keys: &'static [Key],
    by_key: BTreeMap<&'static str, Value>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.by_key).finish()
    }
}

impl Values {
    pub(super) fn new(name: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            keys,
            by_key: BTreeMap::new(),
        }
    }

    pub(super) fn keys(&self) -> &'static [Key] {
        self.keys
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.by_key.get(key.name)
    }

    pub(super) fn set(&mut self, key: &Key, value: Value) {
        self.by_key.insert(key.name, value);
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Value> {
        self.by_key.remove(key.name)
    }

    /// Takes out the URL that a key holds, and the reference that it was given by.
    pub(super) fn take_url(&mut self, key: &Key) -> Option<(Box<Url>, Option<String>)> {
        let Some(Value::RedisUrl(..)) = self.get(key) else {
            return None;
        };
        match self.remove(key)? {
            Value::RedisUrl(url, reference) => Some((url, reference)),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &Key) -> bool {
        matches!(self.get(key), Some(Value::Flag(true)))
    }

    /// The text; empty when there is none.
    pub(super) fn text(&self, key: &Key) -> String {
        self.optional_text(key).unwrap_or_default()
    }

    pub(super) fn optional_text(&self, key: &Key) -> Option<String> {
        match self.get(key)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn number<N: TryFrom<u64> + Default>(&self, key: &Key) -> N {
        match self.get(key) {
            Some(Value::Number(number)) => N::try_from(*number).unwrap_or_default(),
            _ => N::default(),
        }
    }

    pub(super) fn duration(&self, key: &Key) -> Duration {
        match self.get(key) {
            Some(Value::Duration(duration)) => *duration,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn listen(&self, key: &Key) -> SocketAddr {
        match self.get(key) {
            Some(Value::Listen(address)) => *address,
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    pub(super) fn list(&self, key: &Key) -> Vec<String> {
        match self.get(key) {
            Some(Value::List(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn map(&self, key: &Key) -> BTreeMap<String, String> {
        match self.get(key) {
            Some(Value::Map(map)) => map.clone(),
            _ => BTreeMap::new(),
        }
    }

    pub(super) fn path(&self, key: &Key) -> PathBuf {
        match self.get(key) {
            Some(Value::Path(path)) => path.clone(),
            _ => PathBuf::new(),
        }
    }

    /// What is kept like a secret; `None` when it is empty.
    pub(super) fn secret(&self, key: &Key) -> Option<&FoundSecret> {
        match self.get(key) {
            Some(Value::Secret(found)) if !found.text().is_empty() => Some(found),
            _ => None,
        }
    }

    /// All that is kept like a secret, by the names of the keys.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let keys = self.keys.iter();
        keys.filter_map(|key| Some((key.name, self.secret(key)?.text())))
    }

    /// Takes over what `running` says for the keys whose change needs a restart.
    pub(crate) fn keep_until_restart(&mut self, running: &Self) {
        for key in self.keys.iter().filter(|key| key.restart) {
            match running.get(key) {
                Some(value) => self.set(key, value.clone()),
                None => drop(self.remove(key)),
            }
        }
    }

    /// The keys that need a restart and say something else than in `started`, with the table's name.
    pub(crate) fn needs_restart<'a>(&'a self, started: &'a Self) -> impl Iterator<Item = String> {
        let keys = self.keys.iter().filter(|key| key.restart);
        let differing = keys.filter(|key| !self.says_the_same(started, key));
        differing.map(|key| self.full_name(key.name))
    }

    /// The names of the keys that say something else in another table.
    pub(super) fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'static str> {
        let keys = self.keys.iter();
        keys.filter(|key| !self.says_the_same(other, key))
            .map(|key| key.name)
    }

    /// A key's name, with that of the table.
    pub(super) fn full_name(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            table => format!("{table}.{key}"),
        }
    }

    /// Whether another table says the same in all of its keys but one.
    pub(super) fn says_the_same_but(&self, other: &Self, exception: &Key) -> bool {
        let mut keys = self.keys.iter().filter(|key| key.name != exception.name);
        keys.all(|key| self.says_the_same(other, key))
    }

    fn says_the_same(&self, other: &Self, key: &Key) -> bool {
        if !matches!(key.kind, Kind::Certificate | Kind::PrivateKey) {
            return self.get(key) == other.get(key);
        }
        // What is in their files may change at any time: it is read again.
        match (self.secret(key), other.secret(key)) {
            (Some(one), Some(other)) if one.secret.path().is_some() => {
                one.secret.path() == other.secret.path()
            }
            (one, other) => one.map(FoundSecret::text) == other.map(FoundSecret::text),
        }
    }

    /// See [`Destination::shown`](super::Destination::shown).
    pub(super) fn shown(&self, name: &str) -> Option<Json> {
        let key = self.keys.iter().find(|key| key.name == name)?;
        if key.is_secret() {
            return Some(self.secret(key).is_some().into());
        }
        Some(match self.get(key) {
            None | Some(Value::RedisUrl(..)) => Json::Null,
            Some(Value::Text(text)) => text.clone().into(),
            Some(Value::Flag(flag)) => (*flag).into(),
            Some(Value::Number(number)) => (*number).into(),
            Some(Value::Duration(duration)) => shown_duration(key, *duration).into(),
            Some(Value::Listen(address)) => address.to_string().into(),
            Some(Value::List(texts)) if key.kind == Kind::Addresses => texts.join(",").into(),
            Some(Value::List(texts)) => texts.clone().into(),
            Some(Value::Map(map)) => map.clone().into_iter().collect(),
            Some(Value::Path(path)) => path.display().to_string().into(),
            Some(Value::Secret(_)) => self.secret(key).map(FoundSecret::shown).into(),
        })
    }
}

/// As the file would have it; `None` for the default.
fn shown_duration(key: &Key, duration: Duration) -> Option<String> {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let default = key.default.map(|default| default.trim_matches('"'));
    let is_default = default.and_then(duration_of) == Some(duration);
    (!is_default).then(|| in_largest_unit(milliseconds))
}
