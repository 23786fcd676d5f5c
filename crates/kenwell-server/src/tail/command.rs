//! The Redis command that wrote a profile, for people.

use kenwell::profile::ProfileUpdate;

use super::truncate::truncated_text;

/// About the most bytes of a command that are shown.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The most bytes of one argument.
const MAX_ARGUMENT_BYTES: usize = 2 * 1024;
/// What stands for the arguments that are left out.
const MORE: &str = "…";

/// The words of the `HSET` that writes an update. What does not fit is left out behind an ellipsis.
pub(super) fn hset(update: &ProfileUpdate) -> Vec<String> {
    let key = truncated_text(update.key(), MAX_ARGUMENT_BYTES);
    let mut bytes = key.len();
    let mut words = vec!["HSET".to_owned(), key];
    for (name, value) in update.fields() {
        if bytes >= MAX_COMMAND_BYTES {
            words.push(MORE.to_owned());
            break;
        }
        for argument in [name, value] {
            let word = truncated_text(argument, MAX_ARGUMENT_BYTES);
            bytes += word.len();
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use kenwell::profile::{Layout, update};

    use super::*;

    #[test]
    fn it_is_what_redis_gets() {
        let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro"},"n":5.0}}"#;
        let words = hset(&update(event, &Layout::default()).unwrap());
        assert_eq!(words, ["HSET", "user:u1", "plan.name", "pro", "n", "5"]);
    }

    #[test]
    fn a_large_one_is_cut() {
        let traits: Vec<_> = (0..5_000)
            .map(|index| format!("\"f{index}\":{index}"))
            .collect();
        let event = format!(r#"{{"userId":"u","traits":{{{}}}}}"#, traits.join(","));
        let words = hset(&update(event.as_bytes(), &Layout::default()).unwrap());
        let bytes: usize = words.iter().map(String::len).sum();
        assert!(bytes < MAX_COMMAND_BYTES + 2 * MAX_ARGUMENT_BYTES);
        assert_eq!(words.last().map(String::as_str), Some(MORE));
    }
}
