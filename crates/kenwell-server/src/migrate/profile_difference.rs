//! In what two profiles of one user differ, field by field.

use std::collections::BTreeMap;

use kenwell::profile::{StoredFields, StoredProfile};
use serde::Serialize;
use serde_json::{Number, Value as Json};

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
            of_documents(there, here)
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

/// Member by member, as far as both are objects; the names of members are joined with dots. One of the whole, with no name,
/// where they differ in nothing but how they are spelled.
fn of_documents(there: &[u8], here: &[u8]) -> Vec<FieldDifference> {
    let parsed = |text: &[u8]| serde_json::from_slice::<Json>(text).ok();
    let mut found = Vec::new();
    if let (Some(there @ Json::Object(_)), Some(here @ Json::Object(_))) =
        (parsed(there), parsed(here))
    {
        of_members("", &there, &here, &mut found);
    }
    if found.is_empty() {
        found.extend(field(&[], Some(there), Some(here)));
    }
    found
}

fn of_members(name: &str, there: &Json, here: &Json, found: &mut Vec<FieldDifference>) {
    if let (Json::Object(there), Json::Object(here)) = (there, here) {
        let only_here = here.keys().filter(|key| !there.contains_key(*key));
        let mut keys: Vec<&String> = there.keys().chain(only_here).collect();
        keys.sort_unstable();
        for key in keys {
            let name = match name {
                "" => key.clone(),
                above => format!("{above}.{key}"),
            };
            match (there.get(key), here.get(key)) {
                (Some(there), Some(here)) => of_members(&name, there, here, found),
                (there, here) => {
                    let text = |value: Option<&Json>| value.map(|it| it.to_string().into_bytes());
                    let (there, here) = (text(there), text(here));
                    found.extend(field(name.as_bytes(), there.as_deref(), here.as_deref()));
                }
            }
        }
    } else if !is_same(there, here, is_same_number) {
        let (there, here) = (there.to_string(), here.to_string());
        found.extend(field(
            name.as_bytes(),
            Some(there.as_bytes()),
            Some(here.as_bytes()),
        ));
    }
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
    let (Some(there), Some(here)) = (parsed(there), parsed(here)) else {
        return Kind::Value;
    };
    match (&there, &here) {
        (Json::Array(_), Json::Array(_)) | (Json::Object(_), Json::Object(_)) => {
            if is_same(&there, &here, is_same_number) {
                Kind::Spelling
            } else if is_same(&there, &here, is_same_double) {
                Kind::Rounded
            } else {
                Kind::Value
            }
        }
        // Other texts are no JSON, only numbers: the versions 1.10 and 1.1 are two.
        (Json::Number(there), Json::Number(here))
            if is_large(here) && is_same_double(there, here) =>
        {
            Kind::Rounded
        }
        _ => Kind::Value,
    }
}

/// From here on not every integer is a double: 2^53.
const FIRST_ROUNDED: f64 = 9_007_199_254_740_992.0;

/// Whether JavaScript may have rounded it.
fn is_large(number: &Number) -> bool {
    number.as_f64().is_some_and(|it| it.abs() >= FIRST_ROUNDED)
}

/// Whether both are the same once all integers are doubles, as JavaScript has them.
fn is_same_double(there: &Number, here: &Number) -> bool {
    there.as_f64() == here.as_f64()
}

/// Whether both are the same number, such as 1 and 1.0.
fn is_same_number(there: &Number, here: &Number) -> bool {
    there == here || (!is_large(here) && is_same_double(there, here))
}

/// Whether both are the same with numbers that are the same in this way. As deep as `serde_json` reads.
fn is_same(there: &Json, here: &Json, number: fn(&Number, &Number) -> bool) -> bool {
    match (there, here) {
        (Json::Number(there), Json::Number(here)) => number(there, here),
        (Json::Array(there), Json::Array(here)) => {
            let mut pairs = there.iter().zip(here);
            there.len() == here.len() && pairs.all(|(there, here)| is_same(there, here, number))
        }
        (Json::Object(there), Json::Object(here)) => {
            let same = |(name, there)| {
                let here = here.get(name);
                here.is_some_and(|here| is_same(there, here, number))
            };
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
            ("version", "1.10"),
            ("versions", "[1.0]"),
            ("vast", "1e+20"),
            ("whole", "5"),
            ("spaced", " true"),
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
            ("version", "1.1"),
            ("versions", "[1]"),
            ("vast", "99999999999999999999"),
            ("whole", "5.0"),
            ("spaced", "true"),
        ]);
        let expected = [
            ("gone", Kind::OnlyThere),
            ("id", Kind::Rounded),
            ("ids", Kind::Rounded),
            ("list", Kind::Spelling),
            ("new", Kind::OnlyHere),
            ("number", Kind::Value),
            ("other list", Kind::Value),
            ("spaced", Kind::Value),
            ("text", Kind::Value),
            ("value", Kind::Value),
            ("vast", Kind::Rounded),
            ("version", Kind::Value),
            ("versions", Kind::Spelling),
            ("whole", Kind::Value),
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
        assert_eq!(kinds(&document, &document), []);
        assert_eq!(
            kinds(&document, &StoredProfile::Absent),
            [(String::new(), Kind::OnlyThere)]
        );
        assert_eq!(kinds(&StoredProfile::Absent, &StoredProfile::Absent), []);
    }

    #[test]
    fn documents_differ_member_by_member() {
        let document = |text: &str| StoredProfile::Document(text.as_bytes().to_vec());
        let there = document(
            r#"{"old":{"a":1},"plan":{"name":"pro","old":1},"id":12345678901234567000,"n":1.0,"list":[1,2],"k":{"x":null}}"#,
        );
        let here = document(
            r#"{"n":1,"id":12345678901234567890,"plan":{"name":"free"},"list":[1,3],"k":[],"new":"x"}"#,
        );
        let expected = [
            ("id", Kind::Rounded),
            ("k", Kind::Value),
            ("list", Kind::Value),
            ("new", Kind::OnlyHere),
            ("old", Kind::OnlyThere),
            ("plan.name", Kind::Value),
            ("plan.old", Kind::OnlyThere),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(kinds(&there, &here), expected);
    }
}
