//! How a user's keys are named: `[prefix sep] entry sep user`, unless a hook names them.

use std::borrow::Cow;
use std::sync::Arc;

use super::hashing::UserIdHash;
use super::hooks::{Hook, HookError, KeyRequest};

/// All that decides the keys of a store.
pub(super) struct Keys {
    pub(super) prefix: Arc<str>,
    pub(super) separator: Arc<str>,
    pub(super) layout: Layout,
    pub(super) hash: Option<UserIdHash>,
    pub(super) hook: Option<Hook<KeyRequest>>,
}

/// How the user stands in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// As Jovo has it.
    Plain,
    /// In braces, so that all keys of a user share a slot of the cluster.
    HashTag,
}

impl Keys {
    pub(super) async fn name(
        &self,
        entry_id: &Arc<str>,
        user_id: &str,
    ) -> Result<Vec<u8>, HookError> {
        let Some(hook) = &self.hook else {
            return Ok(self.join(entry_id, user_id));
        };
        let request = KeyRequest {
            user_id: self.user(user_id).into_owned(),
            entry_id: Arc::clone(entry_id),
            key_prefix: Arc::clone(&self.prefix),
            key_separator: Arc::clone(&self.separator),
        };
        hook.ask(request).await
    }

    /// The user as keys name it.
    fn user<'a>(&self, user_id: &'a str) -> Cow<'a, str> {
        match &self.hash {
            Some(hash) => Cow::Owned(hash.name(user_id)),
            None => Cow::Borrowed(user_id),
        }
    }

    pub(super) fn join(&self, entry_id: &str, user_id: &str) -> Vec<u8> {
        let mut user = self.user(user_id);
        if self.layout == Layout::HashTag {
            user = Cow::Owned(format!("{{{}}}", without_braces(&user)));
        }
        let parts = [&*self.prefix, entry_id, &user];
        let parts = if self.prefix.is_empty() {
            &parts[1..]
        } else {
            &parts[..]
        };
        parts.join(&self.separator).into_bytes()
    }
}

/// Braces would end the hash tag, so they are written as `%7B` and `%7D`, and `%` as `%25`: different
/// users keep different keys.
fn without_braces(user: &str) -> Cow<'_, str> {
    if !user.contains(['{', '}', '%']) {
        return Cow::Borrowed(user);
    }
    let escaped = user.replace('%', "%25").replace('{', "%7B");
    Cow::Owned(escaped.replace('}', "%7D"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::slot_of;

    fn keys(prefix: &str, separator: &str, layout: Layout) -> Keys {
        Keys {
            prefix: prefix.into(),
            separator: separator.into(),
            layout,
            hash: None,
            hook: None,
        }
    }

    #[test]
    fn keys_are_those_of_jovo() {
        for (prefix, separator, key) in [
            ("", ":", "data:u 1"),
            ("bot", ":", "bot:data:u 1"),
            ("a:b", "//", "a:b//data//u 1"),
            ("bot", "", "botdatau 1"),
        ] {
            let named = keys(prefix, separator, Layout::Plain).join("data", "u 1");
            assert_eq!(str::from_utf8(&named).unwrap(), key);
        }
    }

    #[test]
    fn a_hash_tag_holds_whatever_the_user_is_called() {
        let keys = keys("bot", ":", Layout::HashTag);
        let mut seen = std::collections::HashSet::new();
        for user in ["u", "}", "{", "{}", "}x{", "%7D", "%", "%257D", "a}b", "ü"] {
            let (one, two) = (keys.join("data", user), keys.join("history", user));
            assert_eq!(slot_of(&one), slot_of(&two), "{user}");
            assert!(seen.insert(one), "{user} has somebody else's key");
        }
        assert_eq!(keys.join("data", "u1"), b"bot:data:{u1}");
    }
}
