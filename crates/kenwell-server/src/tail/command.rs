//! The Redis command that wrote a profile, for people.

use kenwell::profile::ProfileUpdate;

use super::truncate::truncated_text;

/// About the most bytes of a command that are shown.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The most bytes of one argument.
const MAX_ARGUMENT_BYTES: usize = 2 * 1024;
/// What stands for the arguments that are left out.
const MORE: &str = "…";

/// The words of the `HSET` that writes an update, and of the `HDEL` that removes fields before it: where a script does
/// both, what that comes to, unless Redis has something newer. What does not fit is left out behind an ellipsis.
pub(super) fn written(update: &ProfileUpdate) -> Vec<String> {
    let key = truncated_text(update.key(), MAX_ARGUMENT_BYTES);
    let removals = update
        .removals()
        .flat_map(|name| [name.to_vec(), [name, b".*"].concat()]);
    let removals = command("HDEL", &key, removals);
    let fields = update.fields().flat_map(|(name, value)| [name, value]);
    let fields = command("HSET", &key, fields);
    let separator = (!removals.is_empty() && !fields.is_empty()).then(|| ";".to_owned());
    removals
        .into_iter()
        .chain(separator)
        .chain(fields)
        .collect()
}

/// A command on this key; nothing without arguments.
fn command<A: AsRef<[u8]>>(
    name: &str,
    key: &str,
    arguments: impl Iterator<Item = A>,
) -> Vec<String> {
    let mut bytes = key.len();
    let mut words = vec![name.to_owned(), key.to_owned()];
    for argument in arguments {
        // Whole pairs: this is even when one ends.
        if bytes >= MAX_COMMAND_BYTES && words.len().is_multiple_of(2) {
            words.push(MORE.to_owned());
            break;
        }
        let word = truncated_text(argument.as_ref(), MAX_ARGUMENT_BYTES);
        bytes += word.len();
        words.push(word);
    }
    if words.len() > 2 { words } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use kenwell::profile::{Layout, NullTraits, Rules, update};

    use super::*;

    #[test]
    fn it_is_what_redis_gets() {
        let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro"},"n":5.0}}"#;
        let words = written(&update(event, &Layout::default()).unwrap());
        assert_eq!(words, ["HSET", "user:u1", "plan.name", "pro", "n", "5"]);
    }

    #[test]
    fn what_is_removed_comes_first() {
        let rules = Rules {
            null_traits: NullTraits::Delete,
            ..Rules::default()
        };
        let layout = Layout {
            rules,
            ..Layout::default()
        };
        let words = |event: &[u8]| written(&update(event, &layout).unwrap()).join(" ");
        let both = words(br#"{"userId":"u","traits":{"a":null,"b":1}}"#);
        assert_eq!(both, "HDEL user:u a a.* ; HSET user:u b 1");
        let only = words(br#"{"userId":"u","traits":{"a":null}}"#);
        assert_eq!(only, "HDEL user:u a a.*");
    }

    #[test]
    fn a_large_one_is_cut() {
        let traits: Vec<_> = (0..5_000)
            .map(|index| format!("\"f{index}\":{index}"))
            .collect();
        let event = format!(r#"{{"userId":"u","traits":{{{}}}}}"#, traits.join(","));
        let words = written(&update(event.as_bytes(), &Layout::default()).unwrap());
        let bytes: usize = words.iter().map(String::len).sum();
        assert!(bytes < MAX_COMMAND_BYTES + 2 * MAX_ARGUMENT_BYTES);
        assert_eq!(words.last().map(String::as_str), Some(MORE));
    }
}
