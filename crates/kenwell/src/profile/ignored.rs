//! Why an event writes nothing: a named reason for each, so that every event has a counted outcome.

use std::fmt;

use super::limits::{MAX_DEPTH, MAX_FLATTENED_BYTES};

/// Why an event writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// The bytes are not one JSON object.
    Malformed,
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A number somewhere in the event leaves the range of a double.
    NumberOutOfRange,
    /// The flattened fields would take more than [`MAX_FLATTENED_BYTES`].
    TooLarge,
    /// `integrations` switches this destination off.
    IntegrationsOff,
    /// There is no user id, or nothing but white space in it.
    BlankUserId,
    /// The user id is an object, an array or a boolean.
    UserIdNotText,
    /// The prefix is a template, and it took the event's `type` for itself.
    TypeTaken,
    /// The prefix is a template, and what it points to is not a string.
    PrefixNotText,
    /// The prefix is a template, and what it points to has a colon or a control character in it, or is `user`.
    PrefixNotAllowed,
    /// Neither `traits` nor `context.traits` holds a value to write.
    NoTraits,
}

impl Ignored {
    /// Every reason, for counters that start at zero.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::TooDeep,
        Self::NumberOutOfRange,
        Self::TooLarge,
        Self::IntegrationsOff,
        Self::BlankUserId,
        Self::UserIdNotText,
        Self::TypeTaken,
        Self::PrefixNotText,
        Self::PrefixNotAllowed,
        Self::NoTraits,
    ];

    /// A stable name for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooDeep => "too_deep",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::TooLarge => "too_large",
            Self::IntegrationsOff => "integrations_off",
            Self::BlankUserId => "blank_user_id",
            Self::UserIdNotText => "user_id_not_text",
            Self::TypeTaken => "type_taken",
            Self::PrefixNotText => "prefix_not_text",
            Self::PrefixNotAllowed => "prefix_not_allowed",
            Self::NoTraits => "no_traits",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Malformed => "the event is not a JSON object",
            Self::TooDeep => {
                return write!(
                    formatter,
                    "the event is nested deeper than {MAX_DEPTH} levels"
                );
            }
            Self::NumberOutOfRange => "a number in the event is beyond the range of a double",
            Self::TooLarge => {
                return write!(
                    formatter,
                    "the flattened fields exceed {MAX_FLATTENED_BYTES} bytes"
                );
            }
            Self::IntegrationsOff => "the event's integrations switch Redis off",
            Self::BlankUserId => "the user id is missing or blank",
            Self::UserIdNotText => "the user id is neither a string nor a number",
            Self::TypeTaken => "the prefix template takes the event's type away",
            Self::PrefixNotText => "the prefix template points to something that is not a string",
            Self::PrefixNotAllowed => {
                "the prefix template points to a text with a colon or a control character, or to `user`"
            }
            Self::NoTraits => "there is no trait to write",
        };
        formatter.write_str(sentence)
    }
}

impl From<kenwell_json::SyntaxError> for Ignored {
    fn from(_: kenwell_json::SyntaxError) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::Ignored;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_snake_case() {
        let names: HashSet<_> = Ignored::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Ignored::ALL.len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
        }
    }
}
