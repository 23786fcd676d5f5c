//! On everything that strict JSON allows, the reader agrees with `serde_json`.
#![expect(clippy::unwrap_used, reason = "a failed test is a panic")]

use kenwell_json::{Kind, Reader};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Builds a tree the slow way, through the reader's public methods.
fn tree(reader: &mut Reader<'_>) -> Value {
    match reader.kind().unwrap() {
        Kind::Object => {
            let mut map = Map::new();
            reader.enter_object().unwrap();
            while let Some(key) = reader.next_key().unwrap() {
                map.insert(key.decode().into_owned(), tree(reader));
            }
            Value::Object(map)
        }
        Kind::Array => {
            let mut list = Vec::new();
            reader.enter_array().unwrap();
            while reader.next_element().unwrap() {
                list.push(tree(reader));
            }
            Value::Array(list)
        }
        Kind::String => Value::String(reader.string().unwrap().decode().into_owned()),
        Kind::Number => {
            let number = reader.number().unwrap();
            if number.is_integer() {
                serde_json::from_slice(number.raw()).unwrap()
            } else {
                // serde_json rounds wrongly in the last digit unless told otherwise.
                Value::from(number.to_f64())
            }
        }
        kind => {
            reader.literal().unwrap();
            match kind {
                Kind::True => Value::Bool(true),
                Kind::False => Value::Bool(false),
                _ => Value::Null,
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |x| x.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_wrote(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut reader = Reader::new(text.as_bytes());
        prop_assert_eq!(tree(&mut reader), value);
        reader.end().unwrap();
        let mut again = Reader::new(text.as_bytes());
        prop_assert_eq!(again.skip().unwrap().raw, text.as_bytes());
    }

    #[test]
    fn refuses_what_serde_json_refuses(value in value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let strict = serde_json::from_slice::<Value>(&bytes);
        let mut reader = Reader::new(&bytes);
        let lenient = reader.skip().and_then(|skipped| reader.end().map(|()| skipped));
        match (strict, lenient) {
            (Ok(_), lenient) => prop_assert!(lenient.is_ok()),
            // Where the two may differ: what the crate's documentation lists.
            (Err(_), Ok(skipped)) => prop_assert!(skipped.overflows || std::str::from_utf8(&bytes).is_err() || has_lone_surrogate(&bytes)),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = Reader::new(&bytes);
        if let Ok(skipped) = reader.skip() {
            prop_assert!(skipped.raw.len() <= bytes.len());
        }
    }
}

fn has_lone_surrogate(bytes: &[u8]) -> bool {
    bytes
        .windows(4)
        .any(|window| matches!(window, [b'\\', b'u', b'd' | b'D', digit] if *digit >= b'8'))
}
