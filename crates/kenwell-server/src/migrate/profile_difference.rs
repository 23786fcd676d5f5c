//! In what two profiles of one user differ, field by field.

use std::collections::BTreeMap;

use kenwell::profile::{StoredFields, StoredProfile};
use serde::Serialize;
use serde_json::Value as Json;

/// In what a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Both have it, with other values.
    Value,
    /// Only the other system has it.
    OnlyThere,
    /// Only Kenwell has it.
    OnlyHere,
    /// The same JSON, spelled otherwise: the order of keys in objects within lists, usually.
    Spelling,
    /// The same integer, which the other system has rounded to a double.
    Rounded,
    /// One is a hash and the other a document, or what is there cannot be read.
    Unreadable,
}

impl Kind {
    /// Whether it is one of the documented differences between both systems, and nothing to worry about.
    pub(crate) fn is_documented(self) -> bool {
        matches!(self, Self::Spelling | Self::Rounded)
    }

    /// In words, with the other system's name.
    pub(crate) fn words(self, there: &str) -> String {
        match self {
            Self::Value => "another value".to_owned(),
            Self::OnlyThere => format!("only in {there}"),
            Self::OnlyHere => "only in Kenwell".to_owned(),
            Self::Spelling => "the same JSON, spelled otherwise".to_owned(),
            Self::Rounded => format!("an integer beyond 2^53, which {there} has rounded"),
            Self::Unreadable => "not a profile that can be read".to_owned(),
        }
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldDifference {
    /// The field's name; empty for a whole document.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// What the other system has.
    pub(crate) there: Option<Vec<u8>>,
    /// What Kenwell has.
    pub(crate) here: Option<Vec<u8>>,
}

/// What differs between the other system's profile and Kenwell's, sorted by name. Nothing when both are the same.
pub(super) fn differences(there: &StoredProfile, here: &StoredProfile) -> Vec<FieldDifference> {
    match (there, here) {
        (StoredProfile::Document(there), StoredProfile::Document(here)) => {
            field(&[], Some(there), Some(here)).into_iter().collect()
        }
        (
            StoredProfile::Fields(_) | StoredProfile::Absent,
            StoredProfile::Fields(_) | StoredProfile::Absent,
        ) => of_fields(fields(there), fields(here)),
        (StoredProfile::Document(there), StoredProfile::Absent) => {
            field(&[], Some(there), None).into_iter().collect()
        }
        (StoredProfile::Absent, StoredProfile::Document(here)) => {
            field(&[], None, Some(here)).into_iter().collect()
        }
        (there, here) => vec![FieldDifference {
            name: Vec::new(),
            kind: Kind::Unreadable,
            there: reason(there),
            here: reason(here),
        }],
    }
}

fn fields(profile: &StoredProfile) -> &[(Vec<u8>, Vec<u8>)] {
    match profile {
        StoredProfile::Fields(fields) => fields,
        _ => &[],
    }
}

/// Why a profile cannot be compared, as Redis says it.
fn reason(profile: &StoredProfile) -> Option<Vec<u8>> {
    match profile {
        StoredProfile::Refused(reason) => Some(reason.clone().into_bytes()),
        StoredProfile::Absent => None,
        StoredProfile::Fields(_) => Some(b"a hash".to_vec()),
        StoredProfile::Document(_) => Some(b"a JSON document".to_vec()),
    }
}

fn of_fields(there: &[(Vec<u8>, Vec<u8>)], here: &[(Vec<u8>, Vec<u8>)]) -> Vec<FieldDifference> {
    let there: BTreeMap<&[u8], &[u8]> = by_name(there);
    let here: BTreeMap<&[u8], &[u8]> = by_name(here);
    let only_here = here.keys().filter(|name| !there.contains_key(*name));
    let mut names: Vec<&[u8]> = there.keys().chain(only_here).copied().collect();
    names.sort_unstable();
    let differing = |name: &&[u8]| {
        let of = |fields: &BTreeMap<&[u8], &[u8]>| fields.get(*name).map(|value| value.to_vec());
        field(name, of(&there).as_deref(), of(&here).as_deref())
    };
    names.iter().filter_map(differing).collect()
}

fn by_name(fields: &StoredFieldsSlice) -> BTreeMap<&[u8], &[u8]> {
    let pairs = fields.iter().map(|(name, value)| (&**name, &**value));
    pairs.collect()
}

type StoredFieldsSlice = <StoredFields as std::ops::Deref>::Target;

fn field(name: &[u8], there: Option<&[u8]>, here: Option<&[u8]>) -> Option<FieldDifference> {
    let kind = match (there, here) {
        (Some(there), Some(here)) if there == here => return None,
        (Some(there), Some(here)) => of_values(there, here),
        (Some(_), None) => Kind::OnlyThere,
        (None, Some(_)) => Kind::OnlyHere,
        (None, None) => return None,
    };
    let bytes = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
    Some(FieldDifference {
        name: name.to_vec(),
        kind,
        there: bytes(there),
        here: bytes(here),
    })
}

/// In what two texts differ that are not the same.
fn of_values(there: &[u8], here: &[u8]) -> Kind {
    let parsed = |text: &[u8]| serde_json::from_slice::<Json>(text).ok();
    match (parsed(there), parsed(here)) {
        (Some(there), Some(here)) if there == here && (there.is_array() || there.is_object()) => {
            Kind::Spelling
        }
        (Some(there), Some(here)) if is_rounded(&there, &here) => Kind::Rounded,
        _ => Kind::Value,
    }
}

/// Whether both are the same once all integers are doubles, as JavaScript has them. As deep as `serde_json` reads.
fn is_rounded(there: &Json, here: &Json) -> bool {
    match (there, here) {
        (Json::Number(there), Json::Number(here)) => there.as_f64() == here.as_f64(),
        (Json::Array(there), Json::Array(here)) => {
            let mut pairs = there.iter().zip(here);
            there.len() == here.len() && pairs.all(|(there, here)| is_rounded(there, here))
        }
        (Json::Object(there), Json::Object(here)) => {
            let same = |(name, there)| here.get(name).is_some_and(|here| is_rounded(there, here));
            there.len() == here.len() && there.iter().all(same)
        }
        (there, here) => there == here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(fields: &[(&str, &str)]) -> StoredProfile {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let fields = fields.iter();
        StoredProfile::Fields(
            fields
                .map(|(name, value)| (bytes(name), bytes(value)))
                .collect(),
        )
    }

    fn kinds(there: &StoredProfile, here: &StoredProfile) -> Vec<(String, Kind)> {
        let differences = differences(there, here).into_iter();
        let told = |it: FieldDifference| (String::from_utf8(it.name).unwrap(), it.kind);
        differences.map(told).collect()
    }

    #[test]
    fn each_kind_of_difference_is_told_apart() {
        let there = hash(&[
            ("same", "1"),
            ("value", "1"),
            ("gone", "1"),
            ("list", r#"[{"a":1,"b":2}]"#),
            ("other list", r#"[{"a":1}]"#),
            ("id", "12345678901234567000"),
            ("ids", r#"[{"v":12345678901234567000,"w":1e+20}]"#),
            ("number", "1.0"),
            ("text", "[not json"),
        ]);
        let here = hash(&[
            ("same", "1"),
            ("value", "2"),
            ("new", "1"),
            ("list", r#"[{"b":2,"a":1}]"#),
            ("other list", r#"[{"a":2}]"#),
            ("id", "12345678901234567890"),
            (
                "ids",
                r#"[{"w":99999999999999999999,"v":12345678901234567890}]"#,
            ),
            ("number", "2"),
            ("text", "[not  json"),
        ]);
        let expected = [
            ("gone", Kind::OnlyThere),
            ("id", Kind::Rounded),
            ("ids", Kind::Rounded),
            ("list", Kind::Spelling),
            ("new", Kind::OnlyHere),
            ("number", Kind::Value),
            ("other list", Kind::Value),
            ("text", Kind::Value),
            ("value", Kind::Value),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(kinds(&there, &here), expected);
        assert_eq!(kinds(&here, &here), []);
    }

    #[test]
    fn what_is_no_profile_is_told() {
        let other = StoredProfile::Refused("WRONGTYPE".to_owned());
        let unreadable = [(String::new(), Kind::Unreadable)];
        assert_eq!(kinds(&other, &hash(&[("a", "1")])), unreadable);
        let document = StoredProfile::Document(b"{\"a\":1,\"b\":1}".to_vec());
        assert_eq!(kinds(&document, &hash(&[("a", "1")])), unreadable);
        let respelled = StoredProfile::Document(b"{\"b\":1,\"a\":1}".to_vec());
        assert_eq!(
            kinds(&document, &respelled),
            [(String::new(), Kind::Spelling)]
        );
        assert_eq!(
            kinds(&document, &StoredProfile::Absent),
            [(String::new(), Kind::OnlyThere)]
        );
        assert_eq!(kinds(&StoredProfile::Absent, &StoredProfile::Absent), []);
    }
}
