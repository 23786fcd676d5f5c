//! What came of a comparison: how many users are the same, and how the others differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::profile_difference::{FieldDifference, Kind};

/// How many users that differ are told one by one; all are counted.
const MAX_USERS_SHOWN: usize = 20;

/// How many fields of each are told.
const MAX_FIELDS_SHOWN: usize = 10;

/// The comparison of one destination.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DestinationReport {
    pub(crate) destination: String,
    /// Users that either of both has.
    pub(crate) users: u64,
    /// Users whose profiles are the same, byte by byte or but for documented differences.
    pub(crate) identical: u64,
    /// Of those, users with documented differences.
    pub(crate) identical_but_documented: u64,
    /// Users whose profiles differ.
    pub(crate) different: u64,
    /// Users that only the other system has, and that are older than the shadow; they are not among `users`.
    pub(crate) users_only_there: u64,
    /// Of how many users a field differs in such a way.
    pub(crate) users_by_kind: BTreeMap<Kind, u64>,
    /// Some of those that differ.
    pub(crate) examples: Vec<DifferentUser>,
}

/// A user whose profiles differ.
#[derive(Debug, Serialize)]
pub(crate) struct DifferentUser {
    pub(crate) key: String,
    pub(crate) fields: Vec<DifferentField>,
    /// Fields that differ beyond those.
    pub(crate) more_fields: usize,
}

/// A field in which they differ.
#[derive(Debug, Serialize)]
pub(crate) struct DifferentField {
    pub(crate) field: String,
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) there: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) here: Option<String>,
}

/// Whether values are shown: they are personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    Hidden,
    Shown,
}

impl DestinationReport {
    /// Adds a user with what differs.
    pub(super) fn add(&mut self, key: &[u8], differences: &[FieldDifference], values: Values) {
        self.users += 1;
        let mut kinds: Vec<Kind> = differences.iter().map(|it| it.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in &kinds {
            *self.users_by_kind.entry(*kind).or_default() += 1;
        }
        if kinds.iter().all(|kind| kind.is_documented()) {
            self.identical += 1;
            self.identical_but_documented += u64::from(!kinds.is_empty());
            return;
        }
        self.different += 1;
        if self.examples.len() < MAX_USERS_SHOWN {
            self.examples
                .push(DifferentUser::new(key, differences, values));
        }
    }
}

impl DifferentUser {
    fn new(key: &[u8], differences: &[FieldDifference], values: Values) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = |bytes: &Option<Vec<u8>>| match values {
            Values::Hidden => None,
            Values::Shown => bytes.as_deref().map(text),
        };
        let told = differences.iter().filter(|it| !it.kind.is_documented());
        let fields: Vec<_> = told
            .clone()
            .take(MAX_FIELDS_SHOWN)
            .map(|it| DifferentField {
                field: text(&it.name),
                kind: it.kind,
                there: value(&it.there),
                here: value(&it.here),
            })
            .collect();
        Self {
            key: text(key),
            more_fields: told.count() - fields.len(),
            fields,
        }
    }
}
