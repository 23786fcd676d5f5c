//! Why an event writes nothing: a named reason for each, so that every event has a counted outcome.

use super::limits::{MAX_DEPTH, MAX_DOCUMENT_DEPTH, MAX_FLATTENED_BYTES};

/// Why an event writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// The bytes are not one JSON object.
    #[error("the event is not a JSON object")]
    Malformed,
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`].
    #[error("the event is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number somewhere in the event leaves the range of a double.
    #[error("a number in the event is beyond the range of a double")]
    NumberOutOfRange,
    /// The flattened fields would take more than [`MAX_FLATTENED_BYTES`].
    #[error("the flattened fields exceed {MAX_FLATTENED_BYTES} bytes")]
    TooLarge,
    /// `integrations` switches this destination off.
    #[error("the event's integrations switch Redis off")]
    IntegrationsOff,
    /// There is no user id, or nothing but white space in it.
    #[error("the user id is missing or blank")]
    BlankUserId,
    /// The user id is an object, an array or a boolean.
    #[error("the user id is neither a string nor a number")]
    UserIdNotText,
    /// The prefix is a template, and it took the event's `type` for itself.
    #[error("the prefix template takes the event's type away")]
    TypeTaken,
    /// The prefix is a template, and what it points to is not a string.
    #[error("the prefix template points to something that is not a string")]
    PrefixNotText,
    /// The prefix is a template, and what it points to has a colon or a control character in it, or is `user`.
    #[error(
        "the prefix template points to a text with a colon or a control character, or to `user`"
    )]
    PrefixNotAllowed,
    /// Neither `traits` nor `context.traits` holds a value to write.
    #[error("there is no trait to write")]
    NoTraits,
    /// Profiles are JSON documents, and the traits are a number, a boolean or a text.
    #[error("the traits are neither an object nor an array, so no document can be made of them")]
    NotADocument,
    /// Profiles are JSON documents, and this one would be nested deeper than [`MAX_DOCUMENT_DEPTH`].
    #[error(
        "the document would be nested deeper than the {MAX_DOCUMENT_DEPTH} levels that RedisJSON takes"
    )]
    DocumentTooDeep,
}

impl Ignored {
    /// Every reason, for counters that start at zero.
    pub const ALL: [Self; 13] = [
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
        Self::NotADocument,
        Self::DocumentTooDeep,
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
            Self::NotADocument => "not_a_document",
            Self::DocumentTooDeep => "document_too_deep",
        }
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
