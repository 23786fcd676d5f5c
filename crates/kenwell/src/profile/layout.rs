//! How keys are named, and by which rules profiles are written: all that decides what an event becomes.

use kenwell_json::Skipped;

use super::{Ignored, Prefix, Rules, clocks, js};
use crate::key_walk::literal_pattern;

/// What a profile is in Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DataType {
    /// A hash with a field for each trait; nested ones have names with dots.
    #[default]
    Hash,
    /// One JSON document, as RedisJSON keeps it.
    Json,
}

/// What decides the keys of one destination, and what is written to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Stands before `user:`.
    pub prefix: Prefix,
    /// The first part of the keys of "Profiles" events.
    pub workspace_id: String,
    /// Their second part.
    pub destination_id: String,
    /// What the profiles are.
    pub data_type: DataType,
    /// What is asked of a write beside its fields.
    pub rules: Rules,
}

impl Layout {
    /// The key of a user's profile: `[prefix:]user:<user id>`, nothing trimmed or escaped.
    ///
    /// Where the prefix is a template, its default is used, since there is no event to read from.
    pub fn key(&self, user_id: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(32 + user_id.len());
        push_key(self.prefix.fixed(), user_id.as_bytes(), &mut key);
        key
    }

    /// The glob pattern that matches the keys of all users and as little else as it can, in the form
    /// that Redis ACLs take after `~`. What a glob gives a meaning is escaped.
    ///
    /// The keys of "Profiles" events are not among them: those are `<workspace>:<destination>:…`.
    pub fn pattern(&self) -> String {
        if self.prefix.varies() {
            return "*user:*".to_owned();
        }
        format!("{}*", literal_pattern(&self.profile_key_start()))
    }

    /// The pattern of the keys of [`Marker`](super::Marker)s.
    pub fn marker_pattern(&self) -> String {
        format!("{}*", literal_pattern(&self.marker_key_start()))
    }

    /// The commands that writing by its rules takes beside `HSET`: the script's and what it calls. Where profiles
    /// expire, also `PEXPIRE` and `PTTL`.
    pub fn script_commands(&self) -> &'static [&'static str] {
        if self.rules.is_by_time() {
            &[
                "EVALSHA", "EVAL", "HKEYS", "HDEL", "HGET", "HLEN", "EXISTS", "GET", "SET",
            ]
        } else if self.rules == Rules::default() {
            &[]
        } else {
            &["EVALSHA", "EVAL", "HKEYS", "HDEL"]
        }
    }

    /// The pattern of the keys of [`Clocks`](super::Clocks), which there are where the time of events decides.
    pub fn clocks_pattern(&self) -> String {
        format!("{}*{}", clocks::START, self.pattern())
    }

    /// What the keys of profiles begin with, where no event says otherwise.
    pub(super) fn profile_key_start(&self) -> String {
        format!("{}user:", self.start())
    }

    /// What the keys of markers begin with.
    pub(super) fn marker_key_start(&self) -> String {
        format!("{}kenwell:applied:", self.start())
    }

    /// What stands before `user:` where no event says otherwise.
    fn start(&self) -> String {
        let prefix = self.prefix.fixed();
        prefix.map_or_else(String::new, |prefix| format!("{prefix}:"))
    }
}

pub(super) fn push_key(prefix: Option<&str>, user_id: &[u8], key: &mut Vec<u8>) {
    if let Some(prefix) = prefix {
        key.extend_from_slice(prefix.as_bytes());
        key.push(b':');
    }
    key.extend_from_slice(b"user:");
    key.extend_from_slice(user_id);
}

/// Appends what stands before the user id in the key of a "Profiles" event with this entity and id type.
pub(super) fn push_profiles_key(
    layout: &Layout,
    ids: [Skipped<'_>; 2],
    key: &mut Vec<u8>,
) -> Result<(), Ignored> {
    for part in [&layout.workspace_id, &layout.destination_id] {
        key.extend_from_slice(part.as_bytes());
        key.push(b':');
    }
    for part in ids {
        js::push_string(part, key)?;
        key.push(b':');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_patterns() {
        for (prefix, pattern) in [
            ("", "user:*"),
            ("app", "app:user:*"),
            ("a*[1]", "a\\*\\[1\\]:user:*"),
            ("{{ message.x || d }}", "*user:*"),
            ("{{ other.x || d }}", "d:user:*"),
        ] {
            let layout = Layout {
                prefix: Prefix::parse(prefix),
                ..Layout::default()
            };
            assert_eq!(layout.pattern(), pattern, "{prefix}");
            let marker = layout.marker_pattern();
            assert!(marker.ends_with("kenwell:applied:*"), "{marker}");
        }
    }

    #[test]
    fn names_keys() {
        let layout = |prefix| Layout {
            prefix: Prefix::parse(prefix),
            ..Layout::default()
        };
        assert_eq!(layout("").key(" u:1 "), b"user: u:1 ");
        assert_eq!(layout(" a: ").key("u1"), b"a::user:u1");
        assert_eq!(layout("{{ message.x || d }}").key("u1"), b"d:user:u1");
    }
}
