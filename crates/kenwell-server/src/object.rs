//! JSON objects that are read as objects only.

use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

/// Reads a struct from an object. By itself serde also takes a list of its fields' values, in their order,
/// which nobody means.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(Object(deserializer))
}

/// A deserializer that has an object or nothing.
pub(crate) struct Object<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The members of an object. One that is given twice is refused: only one of its values could count.
pub(crate) struct Members(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = object.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                let wrong = format!("`{name}` is given twice: keep one of the two");
                return Err(Error::custom(wrong));
            }
            members.insert(name, value);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        inner: Inner,
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Inner {
        a: u8,
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(from_str::<Inner>("[1]").is_ok(), "what this module is for");
        let read = |text: &str| from_str::<Outer>(text).ok();
        let inner = Inner { a: 1 };
        assert_eq!(read(r#"{"inner":{"a":1}}"#), Some(Outer { inner }));
        assert_eq!(read(r#"{"inner":[1]}"#), None);
        for text in ["[]", r#"[{"a":1}]"#, "null", "1", r#""x""#] {
            assert_eq!(read(&format!(r#"{{"inner":{text}}}"#)), None, "{text}");
        }
    }
}
