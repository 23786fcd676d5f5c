//! The Redis command that wrote a profile, for people.

use kenwell::profile::ProfileUpdate;

use super::truncate::truncated_text;

/// About the most bytes of a command that are shown.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The most bytes of one argument.
const MAX_ARGUMENT_BYTES: usize = 2 * 1024;
/// What stands for the arguments that are left out.
const MORE: &str = "…";

/// The words of the commands that write an update. What does not fit is left out behind an ellipsis.
pub(super) fn words(update: &ProfileUpdate) -> Vec<String> {
    let mut bytes = 0;
    let mut words = Vec::new();
    for word in update.words() {
        if bytes >= MAX_COMMAND_BYTES {
            words.push(MORE.to_owned());
            break;
        }
        let word = truncated_text(&word, MAX_ARGUMENT_BYTES);
        bytes += word.len();
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use kenwell::profile::{DataType, Layout, NullTraits, Rules, update};

    use super::*;

    #[test]
    fn it_is_what_redis_gets() {
        let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro"},"n":5.0}}"#;
        let written = words(&update(event, &Layout::default()).unwrap());
        assert_eq!(written, ["HSET", "user:u1", "plan.name", "pro", "n", "5"]);
    }

    #[test]
    fn of_a_document_it_is_what_it_is_merged_with() {
        let layout = Layout {
            data_type: DataType::Json,
            ..Layout::default()
        };
        for (traits, command) in [
            (
                r#"{"n":5.0}"#,
                &["JSON.MERGE", "user:u1", "$", r#"{"n":5}"#][..],
            ),
            (
                r#"{"n":null}"#,
                &[
                    "JSON.SET",
                    "user:u1",
                    "$",
                    "(the document, merged with)",
                    r#"{"n":null}"#,
                ],
            ),
        ] {
            let event = format!(r#"{{"userId":"u1","traits":{traits}}}"#);
            assert_eq!(words(&update(event.as_bytes(), &layout).unwrap()), command);
        }
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
        let joined = |event: &[u8]| words(&update(event, &layout).unwrap()).join(" ");
        let both = joined(br#"{"userId":"u","traits":{"a":null,"b":1}}"#);
        assert_eq!(both, "HDEL user:u a a.* ; HSET user:u b 1");
        let only = joined(br#"{"userId":"u","traits":{"a":null}}"#);
        assert_eq!(only, "HDEL user:u a a.*");
    }

    #[test]
    fn a_large_one_is_cut() {
        let traits: Vec<_> = (0..5_000)
            .map(|index| format!("\"f{index}\":{index}"))
            .collect();
        let event = format!(r#"{{"userId":"u","traits":{{{}}}}}"#, traits.join(","));
        let written = words(&update(event.as_bytes(), &Layout::default()).unwrap());
        let bytes: usize = written.iter().map(String::len).sum();
        assert!(bytes < MAX_COMMAND_BYTES + 2 * MAX_ARGUMENT_BYTES);
        assert_eq!(written.last().map(String::as_str), Some(MORE));
    }
}
