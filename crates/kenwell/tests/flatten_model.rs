//! The one-pass flattener against the obvious model, on random events that are nasty on purpose.

use std::collections::BTreeMap;

use crate::support::model::{self, Outcome, Rules};
use kenwell::profile::{Flattener, Layout, Prefix};
use proptest::prelude::*;

/// Keys that collide: with dots, empty, escaped, array indices, and the names events are made of.
fn key() -> impl Strategy<Value = String> {
    let few = [
        "a",
        "b",
        "a.b",
        "b.a",
        "",
        ".",
        "a.",
        "0",
        "1",
        "10",
        "01",
        "\\u0061",
        "\\ud800",
        "\\udc00",
        "é",
        "__proto__",
        "toString",
        "All",
        "Redis",
        "traits",
        "\\\"",
        "\\n",
    ];
    prop_oneof![
        8 => prop::sample::select(few.to_vec()).prop_map(str::to_owned),
        1 => "[a-z]{1,3}",
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    let few = [
        "null",
        "true",
        "false",
        "NaN",
        "-Infinity",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e21",
        "1.5e-7",
        "9007199254740993",
        "123456789012345678901234567890",
        "\"\"",
        "\" \"",
        "\"x\"",
        "\"\\ud83d\\ude00\\u0000\\/\"",
        "\"\\ud800\\u0041\"",
        "\"a\\\"b\"",
        "{}",
        "[]",
    ];
    prop_oneof![
        6 => prop::sample::select(few.to_vec()).prop_map(str::to_owned),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => "[a-zA-Z0-9 é日]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ]
}

fn object(member: impl Strategy<Value = String>, up_to: usize) -> impl Strategy<Value = String> {
    prop::collection::vec((key(), member), 0..up_to).prop_map(|members| written(&members))
}

fn written(members: &[(String, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            3 => object(inner.clone(), 6),
            1 => prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[ {} ]", elements.join(" , "))),
        ]
    })
}

/// Wide enough to leave the small-object paths behind.
fn wide_object() -> impl Strategy<Value = String> {
    object(scalar(), 80)
}

fn sources() -> impl Strategy<Value = String> {
    let names = ["profiles_entity", "profiles_id_type", "profiles_model"];
    prop_oneof![
        4 => Just("{}".to_owned()),
        1 => prop::array::uniform3(value()).prop_map(move |values| {
            let members: Vec<_> = names.map(str::to_owned).into_iter().zip(values).collect();
            written(&members)
        }),
    ]
}

fn context() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        4 => (Just("traits"), prop_oneof![4 => value(), 1 => wide_object()]),
        1 => (Just("sources"), sources()),
        1 => (Just("other"), value()),
    ];
    prop_oneof![
        6 => prop::collection::vec(member, 0..4).prop_map(|members| {
            let members: Vec<_> = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            written(&members)
        }),
        1 => scalar(),
    ]
}

fn integrations() -> impl Strategy<Value = String> {
    let value = || prop::sample::select(vec!["true", "false", "{}", "null", "1"]);
    prop_oneof![
        (value(), value()).prop_map(|(all, redis)| format!("{{\"All\":{all},\"Redis\":{redis}}}")),
        value().prop_map(str::to_owned),
        value().prop_map(|redis| format!("{{\"Redis\":{redis}}}")),
    ]
}

fn event() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        6 => (Just("traits"), prop_oneof![5 => value(), 1 => wide_object()]),
        4 => (Just("context"), context()),
        1 => (Just("userId"), scalar()),
        1 => (Just("integrations"), integrations()),
        1 => (Just("other"), value()),
    ];
    prop::collection::vec(member, 1..6).prop_map(|members| {
        let user_id = ("userId".to_owned(), "\"u1\"".to_owned());
        let members = members
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        written(&std::iter::once(user_id).chain(members).collect::<Vec<_>>())
    })
}

fn ours(flattener: &mut Flattener, event: &str, layout: &Layout) -> Outcome {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match flattener.update(event.as_bytes(), layout) {
        Ok(update) => {
            let fields: BTreeMap<_, _> = update
                .fields()
                .map(|(name, value)| (text(name), text(value)))
                .collect();
            assert_eq!(fields.len(), update.fields().len(), "a name occurs twice");
            Ok((text(update.key()), fields))
        }
        Err(reason) => Err(reason.as_str().to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(events in prop::collection::vec(event(), 1..4)) {
        let layout = Layout {
            prefix: Prefix::parse(" p "),
            workspace_id: "w".to_owned(),
            destination_id: "d".to_owned(),
            ..Layout::default()
        };
        // Several events through one flattener: nothing may be left over from the one before.
        let mut flattener = Flattener::default();
        for event in &events {
            let expected = model::update(event.as_bytes(), " p ", ["w", "d"], &Rules::ours());
            prop_assert_eq!(ours(&mut flattener, event, &layout), expected, "{}", event);
        }
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), event in event(), cut in 0.0..1.0_f64) {
        let layout = Layout::default();
        let _no_panic = kenwell::profile::update(&bytes, &layout);
        let event = event.as_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a random place in the event")]
        let cut = (event.len() as f64 * cut) as usize;
        prop_assert!(kenwell::profile::update(&event[..cut], &layout).is_err());
        let mut damaged = event.to_vec();
        damaged.splice(cut..cut, bytes);
        let _no_panic = kenwell::profile::update(&damaged, &layout);
    }
}
