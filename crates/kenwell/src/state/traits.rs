//! What the event stream knows about a user, to look at.

use std::collections::BTreeMap;

use crate::stored::StoredFields;

/// The fields of a user's profile as they were when the record was loaded. Read-only: they are
/// written by events.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Traits(BTreeMap<String, String>);

impl Traits {
    /// The text of a field, such as `plan.name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<StoredFields> for Traits {
    /// What is no UTF-8 was not written by Kenwell; it is shown with U+FFFD.
    fn from(fields: StoredFields) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let fields = fields.into_iter();
        Self(
            fields
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        )
    }
}

/// Shows how many fields there are, and none of them.
impl std::fmt::Debug for Traits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Traits({} fields)", self.0.len())
    }
}
