//! What became of the fields that an event names, for people.

use kenwell::profile::{FieldChanges, FieldNames};
use serde::Serialize;
use utoipa::ToSchema;

use super::truncate::truncated_text;

/// About the most bytes of names in one list.
const MAX_NAMES_BYTES: usize = 4 * 1024;
/// The most bytes of one name.
const MAX_NAME_BYTES: usize = 250;

/// What became of the fields that a written event names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TailFields {
    /// Fields that have the event's values now.
    pub written: TailNames,
    /// Fields that stay as they are, because the event is older than what set them: by `order = "event_time"`, or
    /// because a later event of the same user was written together with it.
    pub left_alone: TailNames,
    /// Fields that the event has removed, by a null or by a nested object that took their place.
    pub removed: TailNames,
}

/// Some fields of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TailNames {
    /// How many fields.
    pub count: u64,
    /// Their names: of many only the first ones, at most 100 and about 4 KiB.
    pub names: Vec<String>,
}

impl TailFields {
    pub(super) fn new(changes: FieldChanges) -> Self {
        Self {
            written: TailNames::new(changes.written),
            left_alone: TailNames::new(changes.left_alone),
            removed: TailNames::new(changes.removed),
        }
    }
}

impl TailNames {
    fn new(FieldNames { count, names }: FieldNames) -> Self {
        let mut bytes = 0;
        let names = names
            .iter()
            .map(|name| truncated_text(name, MAX_NAME_BYTES));
        let names = names.take_while(|name| {
            bytes += name.len();
            bytes <= MAX_NAMES_BYTES
        });
        Self {
            count,
            names: names.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted_and_the_first_ones_are_shown() {
        let names = TailNames::new(FieldNames {
            count: 5_000,
            names: vec![[b'n'; 240].into(); 100],
        });
        assert_eq!((names.count, names.names.len()), (5_000, 17));
    }
}
